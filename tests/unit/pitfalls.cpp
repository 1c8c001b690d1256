// SPDX-License-Identifier: BSL-1.0
//
// Other people's bugs that no rule of a single header covers. docs/pitfalls.md has the list of all.
#include "image.hpp"

namespace {

using namespace test;
namespace abi = pvhboot::abi;
using pvhboot::linux_layout;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;

constexpr uint64_t MiB = 1 << 20;

/// The image with a hostile header, translated for a usual PC. The file is handed back as it is afterwards.
struct boot {
  image::file before{};
  image::file file{};
  abi::boot_params zero_page{};
  bool ok = false;
};
constexpr boot booted(image i, pvhboot::span<const memory_range> ranges, uint64_t cmdline_size) {
  boot b{.before = i.written(), .file = i.written()};
  memory_map_buffer<16> buffer{};
  memory_map map{buffer};
  if (!map.append(ranges) || !prepare_for_linux(map)) return b;
  const auto kernel = pvhboot::parse_bzimage(b.file.contents);
  const linux_layout values{.kernel = *place_kernel(*kernel, map),
                            .zero_page_paddr = 0x80000,
                            .cmdline_paddr = 0x90000,
                            .cmdline_size = cmdline_size};
  b.ok = translate(*kernel, values, map, b.zero_page).ok();
  return b;
}
constexpr auto pc = table<2>{{range(0, 0xa0000, 1), range(MiB, 255 * MiB, 1)}};

ROW("pitfall P11: a node's address is that of the memory it lies in", {
  memory<64> m{.base = 0x1235000};
  pvhboot::setup_data_writer writer{m.contents, m.base};
  EXPECT(writer.reserve(pvhboot::setup_type::dtb, 8) && writer.head() == 0x1235000);
  EXPECT(m.window().bytes(writer.head(), 16) == m.contents.data());
});
ROW("pitfall P18: cmdline_size is the kernel's limit, and stays what the kernel said", {
  image i;
  boot b = booted(i, pc, 22);
  EXPECT(b.ok && b.zero_page.hdr.cmdline_size == 2047);
  i.header.cmdline_size = 0;
  b = booted(i, pc, 0);
  EXPECT(b.ok && b.zero_page.hdr.cmdline_size == 0);
  EXPECT(!booted(i, pc, 1).ok);
});
ROW("pitfall P19: the 2048 bytes that Linux reads must be RAM, however short the command line is", {
  const auto file = image{}.written();
  const auto kernel = *pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(pc) && map.sanitize());
  linux_layout values{.kernel = *place_kernel(kernel, map), .zero_page_paddr = 0x80000, .cmdline_size = 1};
  values.cmdline_paddr = 0xa0000 - 2048;
  EXPECT(check_placement(kernel, values, map));
  values.cmdline_paddr = 0xa0000 - 2047;
  EXPECT(fails(check_placement(kernel, values, map), errc::not_in_ram, 0xa0000 - 2047));
});
ROW("pitfall P23: reserved on top of RAM becomes a table without overlaps, as KASLR reads it", {
  const auto b = booted({}, table<2>{{range(0, 256 * MiB, 1), range(128 * MiB, MiB, 2)}}, 0);
  EXPECT(b.ok && b.zero_page.e820_entries == 5);
  for (size_t i = 1; i < b.zero_page.e820_entries; ++i)
    EXPECT(b.zero_page.e820_table[i - 1].addr + b.zero_page.e820_table[i - 1].size <= b.zero_page.e820_table[i].addr);
  EXPECT(b.zero_page.e820_table[3].type == pvhboot::memory_type{2} && b.zero_page.e820_table[3].size == MiB);
});
ROW("pitfall P28: the image is never patched, so its measurement holds", {
  const auto b = booted({}, pc, 22);
  EXPECT(b.ok);
  for (size_t i = 0; i < b.file.contents.size(); ++i) EXPECT(b.file.contents[i] == b.before.contents[i]);
});
ROW("pitfall P29: KEEP_SEGMENTS and other flags of the file do not get through", {
  image i;
  i.header.loadflags = 0xff;
  const auto b = booted(i, pc, 22);
  EXPECT(b.ok && b.zero_page.hdr.loadflags == 1);
});
ROW("pitfall P33: a zero page in ROM, or in no memory at all, is refused", {
  const auto file = image{}.written();
  const auto kernel = *pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(pc) && map.sanitize());
  const linux_layout values{.kernel = *place_kernel(kernel, map), .zero_page_paddr = 0xf0000};
  EXPECT(fails(check_placement(kernel, values, map), errc::not_in_ram, 0xf0000));
});
ROW("pitfall B9: a module's command line that is there and empty", {
  memory<0x100> m;
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .nr_modules = 1, .modlist_paddr = 0x1040});
  m.put(0x1040, abi::hvm_modlist_entry{.paddr = 0x100000, .size = 1, .cmdline_paddr = 0x1080});
  const auto handoff = *pvhboot::parse(m.window(), 0x1000);
  const auto text = handoff.cmdline_of(handoff.modules()[0]);
  EXPECT(text && text->empty() && !text->absent());
});
ROW("pitfall B11: a module's size goes on as it came, not rounded", {
  memory<0x100> m;
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .nr_modules = 1, .modlist_paddr = 0x1040});
  m.put(0x1040, abi::hvm_modlist_entry{.paddr = 0x100000, .size = 0x1001});
  const auto handoff = *pvhboot::parse(m.window(), 0x1000);
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  abi::boot_params zero_page{};
  EXPECT(map.append(pc) && map.sanitize() && translate(handoff, map, pvhboot::started_by::other, zero_page) &&
         zero_page.hdr.ramdisk_size == 0x1001);
});
ROW("pitfall D1: the RSDP that a loader was given reaches the kernel it starts", {
  const auto file = image{}.written();
  const auto kernel = *pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  abi::boot_params zero_page{};
  EXPECT(map.append(pc) && map.sanitize());
  const linux_layout values{.kernel = *place_kernel(kernel, map), .zero_page_paddr = 0x80000, .rsdp_paddr = 0xfc008000};
  EXPECT(translate(kernel, values, map, zero_page) && zero_page.acpi_rsdp_addr == 0xfc008000 &&
         zero_page.sentinel == 0);
});

}  // namespace
