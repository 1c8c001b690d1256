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

constexpr auto dirty = filled<low_end - low_at>(0xee);

/// A guest with 64 KiB of RAM at 64 KiB, and RAM from 1 MiB on of which only the kernel's first pages are backed.
struct guest {
  pvhboot::array<uint8_t, low_end - low_at> low = dirty;
  pvhboot::array<uint8_t, 0x2000> high{};
  image file{};
  linux_request request{.cmdline = "console=ttyS0", .rsdp_paddr = 0xe0000};
  uint64_t low_size = low_end - low_at;  ///< of RAM, in the map
  uint64_t high_size = 64 * MiB;
  size_t backed = sizeof high;
  size_t slots = 16;  ///< of free memory

  template <class Memory> constexpr pvhboot::result<pvhboot::linux_start> load_into(const Memory& memory) {
    const auto bytes = file.written();
    const auto kernel = pvhboot::parse_bzimage(bytes.contents);
    const memory_range ram[] = {range(low_at, low_size, 1), range(MiB, high_size, 1)};
    pvhboot::memory_map_buffer<16> buffers[2]{};
    pvhboot::memory_map map{buffers[0]};
    pvhboot::memory_map free_ram{pvhboot::span<memory_range>{buffers[1].ranges}.first(slots),
                                 pvhboot::span<pvhboot::sweep_slot>{buffers[1].scratch}};
    if (!map.append(pvhboot::span<const memory_range>{ram}) || !prepare_for_linux(map) || !free_ram.append(map) ||
        !free_ram.sanitize())
      return {errc::map_full, 0};
    return load_bzimage(*kernel, request, map, free_ram, memory);
  }

  constexpr pvhboot::result<pvhboot::linux_start> load() {
    const writable_window pieces[] = {{low_at, low}, {kernel_at, pvhboot::span<uint8_t>{high}.first(backed)}};
    return load_into(pvhboot::memory_pieces{pieces});
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
  EXPECT(g.word(top + 0x1000 + 8 * 4) == 0);
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
  g.request.cmdline = {"\0b", 2};
  EXPECT(fails(g.load(), errc::linux_nul_in_cmdline, 0) && g.untouched());
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
ROW("load_bzimage: the zero page lies above 1 MiB if there is no room below, and even at 1 MiB", {
  guest g;
  g.low_size = 0x1000;
  EXPECT(fails(g.load(), errc::load_unwritable, 65 * MiB - 0x3000) && g.untouched());
  g.backed = 0x800;  // of both the kernel is looked at first
  EXPECT(fails(g.load(), errc::load_unwritable, kernel_at + 0x800) && g.untouched());
  g.backed = sizeof g.high;
  g.high_size = 15 * MiB + 32 * MiB;
  g.request.initrd_size = 15 * MiB - 0x3000;
  EXPECT(fails(g.load(), errc::load_unwritable, MiB) && g.untouched());
});
ROW("load_bzimage: load_unwritable before anything is written", {
  guest g;
  g.backed = 0x800;
  EXPECT(fails(g.load(), errc::load_unwritable, kernel_at + 0x800) && g.untouched());
});
ROW("load_bzimage: map_full, free memory has too few slots for the kernel in the middle of a range", {
  guest g;
  g.slots = 2;
  EXPECT(fails(g.load(), errc::map_full, 3) && g.untouched());
});
ROW("load_bzimage: map_full, for the file of a kernel that runs up to the end of a range", {
  guest g;
  char text[4095]{};  // whole pages: the zero page and what follows it are taken from the end of a range
  for (char& c : text) c = 'x';
  g.file.header.cmdline_size = 4095;
  g.request.cmdline = {text, sizeof text};
  g.high_size = 15 * MiB + 32 * MiB;
  g.slots = 2;
  EXPECT(fails(g.load(), errc::map_full, 3) && g.untouched());
  g.slots = 3;
  EXPECT(g.load());
});
ROW("load_bzimage: map_full, for a kernel that is loaded at the start of a range and runs in its middle", {
  guest g;
  g.file.header.relocatable_kernel = 0;
  g.slots = 2;
  EXPECT(fails(g.load(), errc::map_full, 3) && g.untouched());
});
ROW("load_bzimage: map_full, for the initrd", {
  guest g;
  g.request.initrd_size = 100;
  g.slots = 3;
  EXPECT(fails(g.load(), errc::map_full, 4) && g.untouched());
});
ROW("load_bzimage: map_full, for the zero page and what follows it", {
  guest g;
  g.slots = 3;
  EXPECT(fails(g.load(), errc::map_full, 4) && g.untouched());
});
ROW("load_bzimage: a command line of more than 2048 bytes, if the kernel takes it", {
  guest g;
  char text[3000]{};
  for (char& c : text) c = 'x';
  g.file.header.cmdline_size = 4000;
  g.request.cmdline = {text, sizeof text};
  const auto start = g.load();
  EXPECT(start && *g.at(start->layout.cmdline_paddr + 2999) == 'x' && *g.at(start->layout.cmdline_paddr + 3000) == 0);
});
/// Memory that is gone after so many questions.
struct vanishing {
  pvhboot::memory_pieces pieces;
  int* left;

  [[nodiscard]] constexpr pvhboot::span<uint8_t> writable(uint64_t paddr, uint64_t n) const noexcept {
    return --*left < 0 ? pvhboot::span<uint8_t>{} : pieces.writable(paddr, n);
  }
};
ROW("load_bzimage: load_unwritable in memory that is not what it was", {
  int failed = 0;
  for (int questions = 0; questions < 9; questions += 4) {
    guest g;
    const writable_window pieces[] = {{low_at, g.low}, {kernel_at, g.high}};
    int left = questions;
    const auto start = g.load_into(vanishing{{pieces}, &left});
    failed += !start && start.error().code == errc::load_unwritable ? 1 : 0;
  }
  EXPECT(failed == 3);
});
/// More ranges than the zero page has room for, and a block that lies in two pieces.
constexpr pvhboot::result<pvhboot::linux_start> load_many(size_t in_first_piece) {
  pvhboot::array<uint8_t, 0x10000> low{};
  pvhboot::array<uint8_t, 0x2000> high{};
  const auto bytes = image{}.written();
  const auto kernel = pvhboot::parse_bzimage(bytes.contents);
  pvhboot::memory_map_buffer<256> buffers[2]{};
  pvhboot::memory_map map{buffers[0]};
  pvhboot::memory_map free_ram{buffers[1]};
  for (uint64_t i = 0; i < 140; ++i)
    if (!map.append(range(0x10000000 + i * 0x10000, 0x8000, 1))) return {errc::map_full, 0};
  if (!map.append(range(low_at, sizeof low, 1)) || !map.append(range(MiB, 64 * MiB, 1)) || !prepare_for_linux(map) ||
      !free_ram.append(map) || !free_ram.sanitize())
    return {errc::map_full, 0};
  const pvhboot::span<uint8_t> all{low};
  const writable_window pieces[] = {
      {low_at, all.first(in_first_piece)}, {low_at + in_first_piece, all.after(in_first_piece)}, {kernel_at, high}};
  const linux_request request{.cmdline = "console=ttyS0"};
  return load_bzimage(*kernel, request, map, free_ram, pvhboot::memory_pieces{pieces});
}
ROW("load_bzimage: more than 128 ranges go to a setup_data node, which must lie in one piece", {
  EXPECT(load_many(0x8000).ok());
  const auto split = load_many(0xf880);
  EXPECT(!split && split.error().code == errc::load_unwritable && split.error().where == low_at + 0xf880);
});
ROW("load_bzimage: fails as place_kernel does", {
  guest g;
  g.high_size = 32 * MiB;
  EXPECT(fails(g.load(), errc::no_place_for_kernel, 32 * MiB) && g.untouched());
});
ROW("load_bzimage: fails as translate does", {
  guest g;
  g.file.header.xloadflags = 0;
  g.request.entry_64 = true;
  const auto start = g.load();
  EXPECT(!start && start.error().code == errc::no_entry_64 && g.untouched());
});
ROW("load_bzimage: fails as place_initrd does", {
  guest g;
  g.request.initrd_size = 64 * MiB;
  const auto start = g.load();
  EXPECT(!start && start.error().code == errc::no_place_for_initrd && g.untouched());
});

}  // namespace
