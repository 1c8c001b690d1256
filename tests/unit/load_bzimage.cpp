// SPDX-License-Identifier: BSL-1.0
//
// load_bzimage: a Linux image in guest memory, ready to be entered by the 32- or 64-bit boot protocol.
#include <pvhboot/bridge/load_bzimage.hpp>

#include "image.hpp"

namespace {

using namespace test;
namespace abi = pvhboot::abi;
using pvhboot::le64;
using pvhboot::linux_request;
using pvhboot::memory_type;
using pvhboot::writable_window;

constexpr uint64_t MiB = 1 << 20;
constexpr uint64_t low_at = 0x10000;
constexpr uint64_t low_end = 0x20000;
constexpr uint64_t kernel_at = 16 * MiB;

/// A guest with 64 KiB of RAM at 64 KiB, and RAM from 1 MiB on of which only the kernel's first pages are backed.
struct guest {
  pvhboot::array<uint8_t, low_end - low_at> low{};
  pvhboot::array<uint8_t, 0x2000> high{};
  image file{};
  linux_request request{.cmdline = "console=ttyS0", .rsdp_paddr = 0xe0000};
  uint64_t low_size = low_end - low_at;  ///< of RAM, in the map
  uint64_t high_size = 64 * MiB;
  size_t backed = sizeof high;

  constexpr pvhboot::result<pvhboot::linux_start> load() {
    for (uint8_t& b : low) b = 0xee;
    const auto bytes = file.written();
    const auto kernel = pvhboot::parse_bzimage(bytes.contents);
    const memory_range ram[] = {range(low_at, low_size, 1), range(MiB, high_size, 1)};
    pvhboot::memory_map_buffer<16> buffers[2]{};
    pvhboot::memory_map map{buffers[0]};
    pvhboot::memory_map free_ram{buffers[1]};
    if (!map.append(pvhboot::span<const memory_range>{ram}) || !prepare_for_linux(map) || !free_ram.append(map) ||
        !free_ram.sanitize())
      return {errc::map_full, 0};
    const writable_window pieces[] = {{low_at, low}, {kernel_at, pvhboot::span<uint8_t>{high}.first(backed)}};
    return load_bzimage(*kernel, request, map, free_ram, pvhboot::memory_pieces{pieces});
  }

  [[nodiscard]] constexpr const uint8_t* at(uint64_t paddr) const {
    return paddr >= kernel_at ? high.data() + (paddr - kernel_at) : low.data() + (paddr - low_at);
  }
  [[nodiscard]] constexpr uint64_t word(uint64_t paddr) const { return pvhboot::load<le64>(at(paddr)); }
  [[nodiscard]] constexpr bool untouched() const {
    for (const uint8_t b : low)
      if (b != 0xee) return false;
    for (const uint8_t b : high)
      if (b != 0) return false;
    return true;
  }
};

constexpr bool has_kernel(const guest& g) {
  for (size_t i = 0; i < image::code_size; ++i)
    if (i < 0x100 && g.high[i] != 0xcc) return false;
  return g.high[image::code_size] == 0;
}

ROW("load_bzimage: the 32-bit protocol", {
  guest g;
  const auto start = g.load();
  EXPECT(start && start->cpu.eip == kernel_at && start->cpu.esi == start->layout.zero_page_paddr);
  EXPECT(start->cpu.ebx == 0 && start->cpu.cr0 == 0x11 && start->cpu.cr3 == 0 && start->cpu.cr4 == 0);
  EXPECT(start->cpu.cs.selector == 0x10 && start->cpu.ds.selector == 0x18 && start->cpu.ss.selector == 0x18);
  EXPECT(g.word(start->cpu.gdt.base + 0x10) == 0x00cf9b000000ffff);
  EXPECT(g.word(start->cpu.gdt.base + 0x18) == 0x00cf93000000ffff && start->cpu.gdt.limit == 31);
  EXPECT(has_kernel(g));
});
ROW("load_bzimage: the zero page is that of translate, and the command line ends with a NUL", {
  guest g;
  const auto start = g.load();
  const auto z = pvhboot::load<abi::boot_params>(g.at(start->layout.zero_page_paddr));
  EXPECT(z.hdr.header == abi::setup_header_magic && z.hdr.type_of_loader == 0xff && z.sentinel == 0);
  EXPECT(z.hdr.cmd_line_ptr == start->layout.cmdline_paddr && z.acpi_rsdp_addr == 0xe0000u);
  EXPECT(z.e820_entries == 2 && z.e820_table[1].addr == MiB && z.e820_table[1].type == memory_type::ram);
  const uint8_t* text = g.at(start->layout.cmdline_paddr);
  const pvhboot::string_ref wanted{"console=ttyS0"};
  EXPECT(pvhboot::string_ref(text, wanted.size()) == wanted && text[wanted.size()] == 0 && text[2047] == 0);
});
ROW("load_bzimage: the 64-bit protocol maps the first 4 GiB", {
  guest g;
  g.request.entry_64 = true;
  const auto start = g.load();
  EXPECT(start && start->cpu.eip == kernel_at + 0x200 && start->cpu.efer == 0x500 && start->cpu.cr4 == 0x20);
  EXPECT(start->cpu.cr0 == 0x80000011 && (start->cpu.cs.attributes & 0x200) != 0 && start->layout.entry_64);
  const uint64_t top = start->cpu.cr3;
  EXPECT(top % 4096 == 0 && g.word(top) == top + 0x1003 && g.word(top + 8) == 0);
  for (uint64_t i = 0; i < 4; ++i) EXPECT(g.word(top + 0x1000 + 8 * i) == top + 0x2003 + 0x1000 * i);
  EXPECT(g.word(top + 0x2000) == 0x83 && g.word(top + 0x2000 + 8 * 2047) == 0xffe00083);
  EXPECT(g.word(start->cpu.gdt.base + 0x10) == 0x00af9b000000ffff);
});
ROW("load_bzimage: an initrd has a place of its own, and free memory lacks all places", {
  guest g;
  g.request.initrd_size = 3 * MiB + 5;
  const auto start = g.load();
  EXPECT(start && start->layout.initrd_paddr % 4096 == 0 && start->layout.initrd_paddr >= kernel_at + 32 * MiB);
  EXPECT(start->layout.initrd_paddr + start->layout.initrd_size <= 65 * MiB);
});
ROW("load_bzimage: linux_nul_in_cmdline", {
  guest g;
  g.request.cmdline = {"a\0b", 3};
  EXPECT(fails(g.load(), errc::linux_nul_in_cmdline, 1) && g.untouched());
});
ROW("load_bzimage: linux_no_room for tables, with the bytes that are needed", {
  guest g;
  g.request.entry_64 = true;
  g.low_size = 0x4000;
  g.high_size = 47 * MiB;  // the kernel takes [16 MiB, 48 MiB), and below it is room: no failure
  EXPECT(g.load().ok() || g.untouched());
  guest full;
  full.low_size = 0x1000;
  full.high_size = 15 * MiB + 32 * MiB;
  full.request.initrd_size = 15 * MiB;
  EXPECT(fails(full.load(), errc::linux_no_room, 2 * 4096 + 2048) && full.untouched());
});
ROW("load_bzimage: load_unwritable before anything is written", {
  guest g;
  g.backed = 0x800;
  EXPECT(fails(g.load(), errc::load_unwritable, kernel_at + 0x800) && g.untouched());
});
ROW("load_bzimage: fails as what it is made of", {
  guest g;
  g.high_size = 32 * MiB;
  EXPECT(fails(g.load(), errc::no_place_for_kernel, 32 * MiB) && g.untouched());
  guest old;
  old.file.header.xloadflags = 0;
  old.request.entry_64 = true;
  EXPECT(!old.load() && old.load().error().code == errc::no_entry_64 && old.untouched());
  guest large;
  large.request.initrd_size = 64 * MiB;
  EXPECT(!large.load() && large.load().error().code == errc::no_place_for_initrd && large.untouched());
});

}  // namespace
