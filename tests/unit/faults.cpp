// SPDX-License-Identifier: BSL-1.0
//
// This library's own faults, each found once and kept out since. docs/pitfalls.md lists them with the row's title.
#include "image.hpp"

namespace {

using namespace test;
using pvhboot::linux_layout;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;
using pvhboot::setup_type;
namespace abi = pvhboot::abi;

constexpr uint64_t MiB = 1 << 20;
constexpr uint64_t top_page = ~uint64_t{} - 0xfff;

constexpr auto pc = table<3>{{range(0, 0x9fc00, 1), range(0x9fc00, 0x60400, 2), range(MiB, 255 * MiB, 1)}};

ROW("fault: prepare_for_linux leaves two ranges of which the last page takes one", {
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  abi::boot_params zero_page{};
  EXPECT(map.append(table<2>{{range(MiB, 1023 * MiB, 1), range(top_page, 0x1000, 2)}}));
  EXPECT(prepare_for_linux(map) && map.size() == 2 && map[0] == pvhboot::isa_hole);
  EXPECT(write_e820(map, zero_page) && zero_page.e820_entries == 2);
});
ROW("fault: prepare_for_linux finds RAM only in the last page, which Linux never gets", {
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(table<2>{{range(0, 0x1000, 2), range(top_page, 0x1000, 1)}}));
  EXPECT(fails(prepare_for_linux(map), errc::no_ram, 2));
});
ROW("fault: prepare_for_linux that fails for want of room leaves the map as it was", {
  memory_map_buffer<1> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(range(MiB, MiB, 1)));
  EXPECT(fails(prepare_for_linux(map), errc::map_full, 1) && map.size() == 1 && map[0] == range(MiB, MiB, 1));
});

/// How often lint has a finding of this kind about these entries.
template <size_t N> constexpr int findings(const table<N>& entries, pvhboot::oddity what, uint32_t nr_modules = 0) {
  memory<0x400> m{.base = 0x100000};
  m.put(0x100000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value,
                                      .version = 1,
                                      .nr_modules = nr_modules,
                                      .modlist_paddr = nr_modules != 0 ? 0x100040 : 0u,
                                      .memmap_paddr = 0x100080,
                                      .memmap_entries = uint32_t{N}});
  m.put(0x100040, abi::hvm_modlist_entry{.paddr = 0x101000, .size = 0x2000});
  for (size_t i = 0; i < N; ++i)
    m.put(0x100080 + 24 * i,
          abi::hvm_memmap_table_entry{.addr = entries[i].addr, .size = entries[i].size, .type = entries[i].type});
  const auto boot = pvhboot::parse(m.window(), m.base);
  memory_map_buffer<8> buffer{};
  memory_map scratch{buffer};
  int n = 0;
  auto done = lint(m.window(), *boot, scratch, [&](pvhboot::finding f) { n += f.what == what ? 1 : 0; });
  return done ? n : -1;
}
ROW("fault: lint reports an overlap where an empty entry hides that the map is unsorted", {
  constexpr auto entries = table<3>{{range(0x100000, 0x100000, 1), range(0, 0, 1), range(0, 0x9f000, 1)}};
  EXPECT(findings(entries, pvhboot::oddity::entry_overlaps) == 0);
  EXPECT(findings(entries, pvhboot::oddity::entry_unsorted) == 1);
});
ROW("fault: lint finds a module outside RAM that spans two adjacent RAM entries", {
  constexpr auto entries =
      table<3>{{range(0x102000, 0x1000, 1), range(0x100000, 0x2000, 1), range(0x103000, 0x1000, 2)}};
  EXPECT(findings(entries, pvhboot::oddity::module_not_in_ram, 1) == 0);
  constexpr auto split = table<2>{{range(0x100000, 0x20, 1), range(0x100020, 0x2000, 1)}};
  EXPECT(findings(split, pvhboot::oddity::start_info_not_in_ram) == 0);
  constexpr auto apart = table<2>{{range(0x100000, 0x2000, 1), range(0x102001, 0x1000, 1)}};
  EXPECT(findings(apart, pvhboot::oddity::module_not_in_ram, 1) == 1);
});

ROW("fault: read_string reads a byte twice, so a limit of 4 gives 13", {
  // The law for memory that changes is in tests/attack; here: the limit itself.
  memory<32> m;
  for (uint8_t& b : m.contents) b = 'x';
  EXPECT(fails(pvhboot::read_string(m.window(), 0x1000, 4), errc::cmdline_unterminated, 0x1000));
  m.contents[4] = 0;
  EXPECT(pvhboot::read_string(m.window(), 0x1000, 4)->size() == 4);
  m.contents[4] = 'x';
  m.contents[5] = 0;
  EXPECT(fails(pvhboot::read_string(m.window(), 0x1000, 4), errc::cmdline_unterminated, 0x1000));
});

constexpr pvhboot::result<void> checked(const linux_layout& layout) {
  const auto file = image{}.written();
  const auto kernel = pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  if (auto done = map.append(table<2>{{range(0, 0xa0000, 1), range(MiB, 0x400000000 - MiB, 1)}}); !done) return done;
  return check_placement(*kernel, layout, map);
}
constexpr linux_layout at(uint64_t load) {
  return {.kernel = {.load_paddr = load,
                     .load_size = 4096,
                     .runtime_start = load,
                     .runtime_size = 32 * MiB,
                     .kernel_alignment = 0x200000},
          .zero_page_paddr = 0x8000};
}
ROW("fault: check_placement accepts a 32-bit entry whose run-time range reaches past 4 GiB", {
  linux_layout layout = at(0xfff00000);
  layout.kernel.runtime_start = 0x100000000;
  EXPECT(fails(checked(layout), errc::kernel_too_high, 0x100000000));
  EXPECT(checked(at(0xfe000000)) && fails(checked(at(0xfe200000)), errc::kernel_too_high, 0xfe200000));
});
ROW("fault: check_placement refuses above 4 GiB what translate accepts by the 64-bit entry", {
  linux_layout layout = at(0x200000000);
  EXPECT(fails(checked(layout), errc::kernel_too_high, 0x200000000));
  layout.entry_64 = true;
  EXPECT(checked(layout));
});
ROW("fault: the boot protocol is called too old where only the 64-bit entry is missing", {
  image i;
  i.header.xloadflags = 0;
  const auto file = i.written();
  const auto kernel = *pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  linux_layout layout = at(16 * MiB);
  layout.entry_64 = true;
  EXPECT(map.append(pc) && fails(check_placement(kernel, layout, map), errc::no_entry_64, 0x236));
});
ROW("fault: a place below 1 MiB is chosen although the caller does not ask for it", {
  image i;
  i.header.pref_address = 0x10000;
  i.header.init_size = 0x8000;
  i.header.kernel_alignment = 0x1000;
  const auto file = i.written();
  const auto kernel = *pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(pc));
  EXPECT(place_kernel(kernel, map)->load_paddr == MiB);
  EXPECT(place_kernel(kernel, map, 0)->load_paddr == 0x10000);
  i.header.relocatable_kernel = 0;
  const auto fixed = i.written();
  EXPECT(fails(place_kernel(*pvhboot::parse_bzimage(fixed.contents), map), errc::no_place_for_kernel, 0x8000));
  EXPECT(place_kernel(*pvhboot::parse_bzimage(fixed.contents), map, 0)->runtime_start == 0x10000);
});

ROW("fault: a kernel before 2.15 accepts INDIRECT", {
  image i;
  i.header.version = 0x020c;
  const auto file = i.written();
  const auto kernel = *pvhboot::parse_bzimage(file.contents);
  EXPECT(kernel.accepts(setup_type::e820_ext) && kernel.accepts(setup_type{6}) && !kernel.accepts(setup_type{7}));
  EXPECT(!kernel.accepts(setup_type::indirect) && !kernel.accepts(setup_type{0x80000001}));
});
ROW("fault: contains is true of a query that wraps", {
  EXPECT(!range(0xfffffffffffffff0, 0x100, 1).contains(0xfffffffffffffff8, 0x20));
  EXPECT(range(0xfffffffffffffff0, 0x100, 1).contains(0xfffffffffffffff8, 8));
});
ROW("fault: covers is false over two neighbours that never merge", {
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(table<3>{{range(0x1000, 0x1000, 12), range(0x2000, 0x1000, 12), range(0x4000, 0x1000, 12)}}));
  EXPECT(covers(map, 0x1000, 0x2000, memory_type::pram) && covers(map, 0x1fff, 2, memory_type::pram));
  EXPECT(!covers(map, 0x1000, 0x2001, memory_type::pram) && !covers(map, 0x2fff, 0x1002, memory_type::pram));
  EXPECT(!covers(map, 0x1800, 0x1000, memory_type::ram) && !covers(map, 0xfff, 2, memory_type::pram));
});
ROW("fault: overwrite finds no room where the result fits", {
  memory_map_buffer<1> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(range(0x1000, 0x3000, 1)));
  EXPECT(map.overwrite(range(0x2000, 0x1000, 1)) && map.size() == 1 && map[0] == range(0x1000, 0x3000, 1));
  EXPECT(map.overwrite(range(0x4000, 0x1000, 1)) && map[0] == range(0x1000, 0x4000, 1));
  EXPECT(map.overwrite(range(0, 0x1000, 1)) && map[0] == range(0, 0x5000, 1));
  EXPECT(map.overwrite(range(0, 0x5000, 2)) && map[0] == range(0, 0x5000, 2));
});
ROW("fault: overwrite does not merge with the range below it", {
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(table<2>{{range(0, 0x1000, 1), range(0x1000, 0x1000, 2)}}));
  EXPECT(map.overwrite(range(0x1000, 0x800, 1)) && map.size() == 2 && map[0] == range(0, 0x1800, 1));
});
ROW("fault: sanitize that finds no room changes the order of the map", {
  memory_map_buffer<3> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(range(0x4000, 0x1000, 2)) && map.append(range(0, 0, 7)) && map.append(range(0, 0x10000, 1)));
  EXPECT(map.sanitize() && map.size() == 3);
  map.clear();
  memory_map_buffer<2> narrow{};
  memory_map two{narrow};
  EXPECT(two.append(range(0x4000, 0x1000, 2)) && two.append(range(0, 0x10000, 1)));
  EXPECT(fails(two.sanitize(), errc::map_full, 3));
  EXPECT(two.size() == 2 && two[0] == range(0x4000, 0x1000, 2) && two[1] == range(0, 0x10000, 1));
});
ROW("fault: a header that ends inside a field shows the half of it that is there", {
  // hardware_subarch_data, setup_data and pref_address have 8 bytes each.
  constexpr uint8_t ends[] = {0x44, 0x54, 0x5c};
  for (const uint8_t end : ends) {
    image i;
    i.fill = 0;
    i.header.jump = static_cast<uint16_t>(uint16_t{0xeb} | (end - 2) << 8);
    i.header.hardware_subarch_data = i.header.setup_data = uint64_t{0x1122334455667788};
    i.header.pref_address = uint64_t{0x2000000};
    const auto file = i.written();
    const auto kernel = pvhboot::parse_bzimage(file.contents);
    EXPECT(kernel);
    EXPECT(end != 0x44 || kernel->header().hardware_subarch_data == 0);
    EXPECT(end > 0x54 || kernel->header().setup_data == 0);
    EXPECT(kernel->header().pref_address == 0 && kernel->pref_address() == MiB);
  }
  // Fields of one and two bytes at the same place are whole or not, one by one.
  EXPECT(pvhboot::whole_fields_end(0x225) == 0x224 && pvhboot::whole_fields_end(0x226) == 0x226);
  EXPECT(pvhboot::whole_fields_end(0x227) == 0x227 && pvhboot::whole_fields_end(0x235) == 0x235);
  EXPECT(pvhboot::whole_fields_end(0x236) == 0x236 && pvhboot::whole_fields_end(0x237) == 0x236);
  EXPECT(pvhboot::whole_fields_end(0x246) == 0x240 && pvhboot::whole_fields_end(0x248) == 0x248);
  EXPECT(pvhboot::whole_fields_end(0x253) == 0x250 && pvhboot::whole_fields_end(0x262) == 0x260);
});
ROW("fault: read_xen_memory_map negates the least number and reports 2^64 - 1 for 1", {
  const uint8_t buffer[40] = {};
  const auto where = [&](int64_t returned) { return pvhboot::read_xen_memory_map(returned, 1, buffer).error().where; };
  EXPECT(where(-38) == 38 && where(1) == 1 && where(~int64_t{0x7fffffffffffffff}) == uint64_t{1} << 63);
});
ROW("fault: read_zero_page reports an initrd that Linux ignores", {
  memory<16> m;
  memory_map_buffer<2> buffer{};
  memory_map map{buffer};
  abi::boot_params page{};
  page.hdr.ramdisk_image = 0x100000;
  page.hdr.ramdisk_size = 0x1000;
  EXPECT(pvhboot::read_zero_page(m.window(), page, map)->initrd_size == 0);
  page.hdr.type_of_loader = 0xff;
  EXPECT(pvhboot::read_zero_page(m.window(), page, map)->initrd_size == 0x1000);
});
ROW("fault: a setup_data node at address 0 ends the chain", {
  memory<64> m{.base = 0};
  pvhboot::setup_data_writer nodes{m.contents, 0};
  EXPECT(fails(nodes.reserve(setup_type::dtb, 8), errc::setup_data_full, 8) && nodes.size() == 0 && nodes.head() == 0);
});
ROW("fault: a setup_data node crosses the end of the address space", {
  memory<64> m;
  pvhboot::setup_data_writer nodes{m.contents, 0 - uint64_t{40}};
  EXPECT(nodes.reserve(setup_type::dtb, 8) && nodes.head() == 0 - uint64_t{40});
  EXPECT(fails(nodes.reserve(setup_type::dtb, 0), errc::setup_data_full, 0) && nodes.size() == 24);
  const pvhboot::setup_data_writer other{m.contents, 0 - uint64_t{25}};
  EXPECT(other.has_room(8) && !other.has_room(9));
});

constexpr bool zeroed(const abi::boot_params& page) {
  for (const uint8_t b : __builtin_bit_cast(pvhboot::array<uint8_t, sizeof page>, page))
    if (b != 0) return false;
  return true;
}
ROW("fault: a translate that fails consumes the writer", {
  memory<0x800> storage{.base = 0x20000};
  pvhboot::setup_data_writer nodes{storage.contents, storage.base};
  image i;
  i.header.version = 0x0208;  // knows no setup_data
  const auto file = i.written();
  const auto kernel = *pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<160> buffer{};
  memory_map map{buffer};
  for (uint64_t n = 0; n < 150; ++n) EXPECT(map.append(range(0x40000000 + n * 0x2000, 0x1000, 2)));
  EXPECT(map.append(pc) && map.sanitize());
  abi::boot_params page{};
  linux_layout layout = at(16 * MiB);
  layout.kernel.kernel_alignment = 0x200000;
  EXPECT(fails(translate(kernel, layout, map, page, &nodes), errc::setup_data_unsupported, 0x0208));
  EXPECT(nodes.size() == 0 && nodes.head() == 0 && zeroed(page));
  const auto sound = image{}.written();
  const auto new_kernel = *pvhboot::parse_bzimage(sound.contents);
  layout.loader = layout.loader_version = 0;
  EXPECT(fails(translate(new_kernel, layout, map, page, &nodes), errc::loader_type_zero, 0x210));
  EXPECT(nodes.size() == 0 && nodes.head() == 0 && zeroed(page));
  layout.loader = 0xf;
  EXPECT(translate(new_kernel, layout, map, page, &nodes) && nodes.head() == 0x20000);
  EXPECT(nodes.size() == pvhboot::e820_ext_size(map));
});

/// translate of a sound layout after `change`, with a writer for nodes at `nodes_at` and this chain so far.
template <class Change>
constexpr pvhboot::result<void> translated(const Change& change, uint64_t nodes_at = 0x20000, uint64_t head = 0) {
  memory<0x100> storage{};
  pvhboot::setup_data_writer nodes{storage.contents, nodes_at, head};
  const auto file = image{}.written();
  const auto kernel = *pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  abi::boot_params page{};
  linux_layout layout = at(16 * MiB);
  change(layout);
  if (auto done = map.append(table<3>{{range(0, 0x9fc00, 1), range(0x9fc00, 0x60400, 2), range(MiB, 0x140000000, 1)}});
      !done)
    return done;
  if (auto done = map.sanitize(); !done) return done;
  return translate(kernel, layout, map, page, &nodes);
}
ROW("fault: translate accepts a layout made by default", {
  EXPECT(translated([](linux_layout&) {}));
  EXPECT(fails(translated([](linux_layout& l) { l = {}; }), errc::kernel_range_too_small, 4096));
  EXPECT(fails(translated([](linux_layout& l) { l.kernel.kernel_alignment = 0; }), errc::bad_kernel_alignment, 0x230));
});
ROW("fault: translate accepts setup_data nodes where the kernel unpacks itself, or out of its reach", {
  const auto unchanged = [](linux_layout&) {};
  EXPECT(fails(translated(unchanged, 17 * MiB), errc::overlaps_kernel, 17 * MiB));
  EXPECT(fails(translated(unchanged, 0x100000000), errc::too_high, 0x100000000));
  EXPECT(fails(translated(unchanged, 0xf0000), errc::not_in_ram, 0xf0000));
  EXPECT(fails(translated(unchanged, 0x20000, 17 * MiB), errc::overlaps_kernel, 17 * MiB));
  EXPECT(fails(translated(unchanged, 0x20000, 0x100000000), errc::too_high, 0x100000000));
  EXPECT(fails(translated(unchanged, 0x20000, 0xf0000), errc::not_in_ram, 0xf0000));
  EXPECT(fails(translated(unchanged, 0x8000), errc::overlaps, 0x8000));  // on the zero page
  EXPECT(translated(unchanged, 0x20000, 0x30000));
});
ROW("fault: translate accepts a command line inside the initrd", {
  EXPECT(fails(translated([](linux_layout& l) {
                 l.initrd_paddr = 100 * MiB, l.initrd_size = MiB;
                 l.cmdline_paddr = 100 * MiB + 5, l.cmdline_size = 5;
               }),
               errc::overlaps, 100 * MiB));
});
ROW("fault: translate accepts an initrd inside a page, or outside RAM", {
  EXPECT(fails(translated([](linux_layout& l) { l.initrd_paddr = 100 * MiB + 1, l.initrd_size = 1; }), errc::misaligned,
               100 * MiB + 1));
  EXPECT(fails(translated([](linux_layout& l) { l.initrd_paddr = 0xc0000, l.initrd_size = 1; }), errc::not_in_ram,
               0xc0000));
});
ROW("fault: translate drops a command line at address 0",
    { EXPECT(fails(translated([](linux_layout& l) { l.cmdline_size = 99; }), errc::cmdline_absent, 99)); });
ROW("fault: translate accepts a map that KASLR cannot walk, or that Linux ignores", {
  const auto file = image{}.written();
  const auto kernel = *pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  abi::boot_params page{};
  EXPECT(map.append(range(MiB, 255 * MiB, 1)) && map.append(range(0, 0x9f000, 1)));
  EXPECT(fails(translate(kernel, at(16 * MiB), map, page), errc::map_not_prepared, 2));
  map.clear();
  EXPECT(map.append(range(0, 256 * MiB, 1)));
  EXPECT(fails(translate(kernel, at(16 * MiB), map, page), errc::e820_too_few, 1));
  EXPECT(map.append(range(top_page, 0x1000, 2)) && map.sanitize());
  EXPECT(fails(translate(kernel, at(16 * MiB), map, page), errc::map_not_prepared, 2) && zeroed(page));
});

ROW("fault: linux_e820 until 4.11 keeps more than 128 ranges and splits soft_reserved", {
  memory_map_buffer<512> storage{};
  memory_map given{storage};
  memory_map_buffer<512> out_storage{};
  memory_map out{out_storage};
  EXPECT(given.append(range(0, 1024 * MiB, 1)));
  for (uint64_t i = 0; i < 127; ++i) EXPECT(given.append(range(MiB + i * 2 * MiB, MiB, 2)));
  const auto until_4_11 = pvhboot::linux_era::until_4_11;
  EXPECT(*pvhboot::linux_e820(given, 0, 0, until_4_11, out) == pvhboot::e820_verdict::cut_off && out.size() == 128);
  EXPECT(*pvhboot::linux_e820(given, 0, 0, pvhboot::linux_era::until_6_19, out) == pvhboot::e820_verdict::sanitized);
  EXPECT(out.size() == 255);
  given.clear();
  EXPECT(given.append(table<2>{{range(0, 0x10000, 0xefffffff), range(0x4000, 0x2000, 2)}}));
  EXPECT(pvhboot::linux_e820(given, 0, 0, pvhboot::linux_era::until_6_19, out) && out.size() == 3);
  EXPECT(given.append(range(0x20000, 0x1000, 1)));
  EXPECT(pvhboot::linux_e820(given, 0, 0, until_4_11, out) && out.size() == 2);
});
ROW("fault: linux_e820 knows no end of the kernel's own table", {
  memory_map_buffer<512> storage{};
  memory_map given{storage};
  memory_map_buffer<512> out_storage{};
  memory_map out{out_storage};
  for (uint64_t i = 0; i < 200; ++i) EXPECT(given.append(range(i * 0x2000, 0x1000, 1)));
  const auto kept = [&](pvhboot::linux_e820_slots slots) {
    return *pvhboot::linux_e820(given, 0, 0, pvhboot::linux_era::from_7_1, out, slots) ==
                   pvhboot::e820_verdict::sanitized
               ? out.size()
               : 10000 + out.size();
  };
  EXPECT(kept(pvhboot::linux_e820_slots::without_numa) == 10131);
  EXPECT(kept(pvhboot::linux_e820_slots::nodes_shift_6) == 200);
  EXPECT(kept(pvhboot::linux_e820_slots::nodes_shift_10) == 200);
});

ROW("fault: a string compares equal if only its first byte differs, or a text without a NUL is one", {
  EXPECT(!(pvhboot::string_ref{"abc"} == "xbc") && pvhboot::string_ref{"abc"} == "abc");
  image i;
  i.fill = 'k';
  auto file = i.written();
  for (size_t at = 0x300; at < image::code_offset; ++at) file.contents[at] = 'v';
  EXPECT(pvhboot::parse_bzimage(file.contents)->kernel_version().absent());
  file.contents[image::code_offset - 1] = 0;
  EXPECT(pvhboot::parse_bzimage(file.contents)->kernel_version().size() == 0xff);
});
ROW("fault: no row needs xloadflags of 2.12, or a placement's defaults", {
  image i;
  i.header.version = 0x020c;
  const auto file = i.written();
  EXPECT(pvhboot::parse_bzimage(file.contents)->has_entry_64());
  i.header.version = 0x020b;
  const auto old = i.written();
  EXPECT(!pvhboot::parse_bzimage(old.contents)->has_entry_64());
  constexpr pvhboot::kernel_placement p{};
  static_assert(p.load_paddr == 0 && p.load_size == 0 && p.runtime_start == 0 && p.runtime_size == 0 &&
                p.kernel_alignment == 0);
});
ROW("fault: find_lowest_ram gives a place of no bytes", {
  memory_map_buffer<2> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(range(0, ~uint64_t{}, 1)));
  EXPECT(fails(find_lowest_ram(map, 0, 1, 0, ~uint64_t{}), errc::no_free_range, 0));
  EXPECT(fails(find_lowest_ram(map, 0, 0x1000, 0x800, ~uint64_t{}), errc::no_free_range, 0));
});
ROW("fault: *f() leaves a reference to a result that is gone", {
  const auto& boot = *pvhboot::result<int>{3};  // the value itself, whose life the reference prolongs
  EXPECT(boot == 3);
});

}  // namespace
