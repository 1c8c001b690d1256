// SPDX-License-Identifier: BSL-1.0
//
// peers KERNEL write N | peers KERNEL load: what linux_loader/src/main.rs does, with the library. What is counted
// happens in the function `measured`. Both print the entry and a digest of guest memory, which must be equal.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include <pvhboot/elf/load.hpp>
#include <pvhboot/pvh/handoff.hpp>
#include <pvhboot/pvh/phys32_note.hpp>

namespace {

using pvhboot::memory_range;
using pvhboot::span;

constexpr uint64_t info_at = 0x6000;

bool write_handoff(const pvhboot::writable_window& guest, span<const memory_range> entries) {
  const pvhboot::handoff_module modules[] = {{.paddr = 0x8000000, .size = 0x100000}};
  const pvhboot::handoff h{.cmdline = "console=ttyS0", .modules = modules, .rsdp_paddr = 0xf59e0, .memmap = entries};
  return write(h, guest, info_at).ok();
}

uint64_t load(const pvhboot::writable_window& guest, span<const uint8_t> file) {
  const auto image = pvhboot::parse_elf(file);
  if (!image || !load_image(*image, guest, 0, pvhboot::memory_before::zeroes)) return 0;
  const auto entry = find_phys32_entry(*image);
  return entry ? entry->paddr : 0;
}

uint64_t work(const pvhboot::writable_window& guest, span<const uint8_t> file,
              const std::vector<memory_range>* entries) {
  if (entries != nullptr) return write_handoff(guest, *entries) ? 0 : 1;
  return load(guest, file);
}

}  // namespace

extern "C" [[gnu::noinline]] uint64_t measured(const pvhboot::writable_window& guest, span<const uint8_t> file,
                                               const std::vector<memory_range>* entries) {
  return work(guest, file, entries);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::ifstream in{argv[1], std::ios::binary};
  const std::vector<char> file{std::istreambuf_iterator<char>{in}, {}};
  std::vector<uint8_t> memory(size_t{32} << 20);
  std::vector<memory_range> entries(argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 0);
  for (size_t i = 0; i < entries.size(); ++i)
    entries[i] = {0x100000 * uint64_t{i}, 0x80000, pvhboot::memory_type{static_cast<uint32_t>(1 + i % 2)}};
  const span<const uint8_t> image{reinterpret_cast<const uint8_t*>(file.data()), file.size()};
  const auto* const map = argc > 3 ? &entries : nullptr;
  static_cast<void>(work({0, memory}, image, map));  // binds symbols
  const uint64_t entry = measured({0, memory}, image, map);
  uint64_t digest = 0;
  for (const uint8_t byte : memory) digest = digest * 31 + byte;
  std::printf("%#" PRIx64 " %016" PRIx64 "\n", entry, digest);
  return 0;
}
