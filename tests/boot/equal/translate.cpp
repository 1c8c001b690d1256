// SPDX-License-Identifier: BSL-1.0
//
// Translates a handoff that was captured from a machine. Standard input: a first line `start_info PADDR
// as-linux|strict xen|other`, then lines `PADDR HEX` of guest memory. Standard output: the zero page as one line of
// hex. All numbers are hexadecimal.
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <pvhboot/linux/e820.hpp>
#include <pvhboot/pvhboot.hpp>

namespace {

struct piece {
  uint64_t paddr;
  std::vector<uint8_t> bytes;
};

/// Guest memory of several pieces. An extent must lie in one of them.
struct captured_memory {
  const std::vector<piece>* pieces;

  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const {
    for (const piece& p : *pieces)
      if (const uint8_t* found = pvhboot::memory_window{p.paddr, p.bytes}.bytes(paddr, n)) return found;
    return nullptr;
  }
};

std::vector<uint8_t> from_hex(const std::string& hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

int fail(pvhboot::failure f) {
  std::fprintf(stderr, "%s (0x%llx)\n", message(f.code).data(), static_cast<unsigned long long>(f.where));
  return 1;
}

/// The map of a zero page, without its setup_data chain, which is not in the input.
int read_back(const std::vector<uint8_t>& page) {
  const auto zero_page = std::make_unique<pvhboot::abi::boot_params>();
  if (page.size() != sizeof *zero_page) return 1;
  std::memcpy(static_cast<void*>(zero_page.get()), page.data(), page.size());
  zero_page->hdr.setup_data = uint64_t{0};
  pvhboot::memory_map_buffer<512> buffer;
  pvhboot::memory_map table{buffer};
  pvhboot::memory_map_buffer<512> seen_buffer;
  pvhboot::memory_map seen{seen_buffer};
  if (const auto values = pvhboot::read_zero_page(pvhboot::memory_window{}, *zero_page, table); !values)
    return fail(values.error());
  const auto verdict = pvhboot::linux_e820(table, zero_page->alt_mem_k, zero_page->screen_info.ext_mem_k,
                                           pvhboot::linux_era::until_6_19, seen);
  if (!verdict) return fail(verdict.error());
  for (const pvhboot::memory_range& r : seen)
    std::printf("%llx %llx %x\n", static_cast<unsigned long long>(r.addr), static_cast<unsigned long long>(r.size),
                static_cast<unsigned>(r.type));
  return 0;
}

}  // namespace

int main() {
  std::string line;
  std::getline(std::cin, line);
  std::istringstream first{line};
  std::string word, mode, hypervisor;
  uint64_t start_info = 0;
  first >> word;
  if (word == "zero_page" && first >> line) return read_back(from_hex(line));
  first >> std::hex >> start_info >> mode >> hypervisor;
  std::vector<piece> pieces;
  while (std::getline(std::cin, line)) {
    const size_t space = line.find(' ');
    if (space != std::string::npos)
      pieces.push_back({std::stoull(line, nullptr, 16), from_hex(line.substr(space + 1))});
  }
  const captured_memory memory{&pieces};
  const auto boot = pvhboot::parse(memory, start_info);
  if (!boot) return fail(boot.error());
  const auto zero_page = std::make_unique<pvhboot::abi::boot_params>();
  const auto host = hypervisor == "xen" ? pvhboot::started_by::xen : pvhboot::started_by::other;
  if (mode == "as-linux") {
    if (const auto done = translate_as_linux(*boot, boot->memory_map(), host, *zero_page); !done)
      return fail(done.error());
  } else {
    pvhboot::memory_map_buffer<512> buffer;
    pvhboot::memory_map map{buffer};
    if (const auto done = map.append(boot->memory_map()); !done) return fail(done.error());
    if (const auto done = prepare_for_linux(map); !done) return fail(done.error());
    if (const auto done = translate(*boot, map, host, *zero_page); !done) return fail(done.error());
  }
  const auto* bytes = reinterpret_cast<const uint8_t*>(zero_page.get());
  for (size_t i = 0; i < sizeof *zero_page; ++i) std::printf("%02x", bytes[i]);
  std::printf("\n");
}
