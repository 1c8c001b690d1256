// SPDX-License-Identifier: BSL-1.0
//
// plan_boot: every plan is written, parsed, read back and linted; every refusal changes nothing. And the CPU that
// enters a kernel.
//
// Input: the kernel (number first, number size, u16 offset of the entry, u8 flags: 1 relocatable, 2 random number,
// 4 version 0, 8 command line, 16 and 32 alignments of the kernel and the blocks that are no powers of two, 64 a
// handoff anywhere, then u8 logarithm of the alignment, number minimum, number maximum), u64 random number, number
// RSDP, number ACPI size, u8 length of the command line; u8 n, n modules (number address, number size, u8 length of the
// command line, 255 for none); u8 n, n blocks (number size, u8 logarithm of the alignment, number lowest, number
// highest, type, number address); u8 n, n ranges; then the changes of entry_laws.hpp.
#include "entry_laws.hpp"
#include "plan_laws.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fuzz;
  static const std::string text(255, 'x');
  input in{data, size};
  plan_case c;
  c.kernel.first = in.number();
  c.kernel.size = in.number();
  c.kernel.entry = static_cast<uint32_t>(c.kernel.first + in.u16());
  const unsigned flags = in.u8();
  c.kernel.relocatable = (flags & 1) != 0;
  c.has_random = (flags & 2) != 0;
  c.version = (flags & 4) != 0 ? 0 : 1;
  c.has_cmdline = (flags & 8) != 0;
  const uint32_t kernel_factor = (flags & 16) != 0 ? 3 : 1, block_factor = (flags & 32) != 0 ? 3 : 1;
  if ((flags & 64) != 0) c.handoff_highest = ~uint64_t{};
  c.kernel.alignment = (uint32_t{1} << in.u8() % 32) * kernel_factor;
  c.kernel.minimum = static_cast<uint32_t>(in.number());
  c.kernel.maximum = static_cast<uint32_t>(in.number());
  c.random = in.u64();
  c.rsdp_paddr = in.number();
  c.acpi_size = in.number();
  c.cmdline = text.substr(0, in.u8());
  c.modules.resize(in.u8() % 8);
  for (pvhboot::handoff_module& m : c.modules) {
    m.paddr = in.number();
    m.size = in.number();
    const size_t n = in.u8();
    if (n != 255) m.cmdline = {text.data(), n};
  }
  c.blocks.resize(in.u8() % 8);
  for (pvhboot::plan_block& b : c.blocks) {
    b.size = in.number();
    b.alignment = (uint64_t{1} << in.u8() % 64) * block_factor;
    b.lowest = in.number();
    b.highest = in.number();
    b.type = in.type();
    b.paddr = in.number();
  }
  c.ranges = in.ranges(in.u8() % 32);
  law_entry(c.kernel.entry, static_cast<uint32_t>(c.random | 1), in);
  law_plan(c);
  return 0;
}
