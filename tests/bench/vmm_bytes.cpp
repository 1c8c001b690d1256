// SPDX-License-Identifier: BSL-1.0
//
// How many bytes of guest memory examples/vmm writes to boot a kernel, and how many it must: those of the file's
// segments, of the modules, the handoff, the ACPI tables and the GDT. Memory is filled with two patterns in turn; a
// byte that is not the pattern both times was written.
//
// Arguments: kernel, initrd. Prints: written, needed, bytes of the handoff, nanoseconds to write the handoff once.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "../../examples/vmm/acpi.hpp"
#include "../../examples/vmm/boot.hpp"
#include "../../examples/vmm/memory.hpp"

#include <pvhboot/pvh/values_of.hpp>

namespace {

constexpr uint64_t memory_size = uint64_t{256} << 20;

std::vector<uint8_t> read(const char* name) {
  std::ifstream in{name, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Writes the same handoff again and again.
double nanoseconds(const pvhboot::memory_pieces& guest, uint64_t start_info) {
  constexpr int runs = 100000;
  const auto boot = pvhboot::parse(guest, start_info);
  if (!boot) return 0;
  static pvhboot::handoff_buffer<8, 128> buffer;
  const auto values = values_of(*boot, buffer);
  if (!values) return 0;
  const std::string cmdline{values->cmdline.data(), values->cmdline.size()};  // not where it is written
  pvhboot::handoff again = *values;
  again.cmdline = {cmdline.data(), cmdline.size()};
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < runs; ++i)
    if (!write(again, guest, start_info)) return 0;
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - began).count() / runs;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto kernel = read(argv[1]), initrd = read(argv[2]);
  vmm::boot_options options;
  options.kernel.contents = {kernel.data(), kernel.size()};
  options.memory = memory_size;
  options.append = "console=ttyS0";
  vmm::module first{};
  first.contents = {initrd.data(), initrd.size()};
  options.modules.push_back(first);
  std::vector<bool> written(memory_size);
  uint64_t needed = 0, handoff = 0;
  double once = 0;
  for (const uint8_t pattern : {uint8_t{0xaa}, uint8_t{0x55}}) {
    const vmm::guest_memory memory{memory_size};
    const auto all = memory.pieces().writable(0, memory_size);
    if (all.size() != memory_size) return 1;
    uint8_t* const bytes = all.data();
    for (uint64_t i = 0; i < memory_size; ++i) bytes[i] = pattern;
    vmm::booted made;
    if (const auto done = vmm::boot(options, memory.pieces(), made); !done) {
      std::fprintf(stderr, "boot failed: %#x at %#" PRIx64 "\n", static_cast<unsigned>(done.error().code),
                   done.error().where);
      return 1;
    }
    for (uint64_t i = 0; i < memory_size; ++i)
      if (bytes[i] != pattern) written[i] = true;
    once = nanoseconds(memory.pieces(), made.start_info);
    const auto image = pvhboot::parse_elf(options.kernel.contents);
    needed = initrd.size();
    for (const pvhboot::elf_segment& s : image->segments()) needed += s.filesz;
    for (const vmm::placed& p : made.pieces) {
      if (p.what == "handoff") handoff = p.size;
      if (p.what == "handoff" || p.what == "ACPI" || p.what == "GDT") needed += p.size;
    }
  }
  uint64_t count = 0;
  for (const bool b : written) count += b ? 1u : 0u;
  std::printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %.0f\n", count, needed, handoff, once);
}
