// SPDX-License-Identifier: BSL-1.0
//
// What lands in the zero page, what does not, and what is refused.
#include <memory>

#include "image.hpp"

namespace {

using namespace test;
using pvhboot::linux_layout;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;
using pvhboot::set_loader;
using pvhboot::translate;
namespace abi = pvhboot::abi;
using header = pvhboot::abi::setup_header;

constexpr uint64_t MiB = 1 << 20;

constexpr auto pc = table<3>{{range(0, 0x9fc00, 1), range(0x9fc00, 0x60400, 2), range(MiB, 255 * MiB, 1)}};
/// With memory on both sides of 4 GiB and up to it.
constexpr auto large = table<3>{{range(0, 0x9fc00, 1), range(0x9fc00, 0x60400, 2), range(MiB, 0x2000000000 - MiB, 1)}};

constexpr linux_layout usual{.kernel = {.load_paddr = 16 * MiB,
                                        .load_size = 4096,
                                        .runtime_start = 16 * MiB,
                                        .runtime_size = 32 * MiB,
                                        .kernel_alignment = 0x100000},
                             .zero_page_paddr = 0x80000,
                             .cmdline_paddr = 0x90000,
                             .cmdline_size = 22,
                             .initrd_paddr = 200 * MiB,
                             .initrd_size = 5000,
                             .rsdp_paddr = 0xfc008000};

/// The zero page of the image after `change`, for these values. A result would be a page on the stack too many.
struct outcome {
  abi::boot_params zero_page{};
  pvhboot::result<void> done{};
};
template <class Change>
constexpr outcome translated(const Change& change, const linux_layout& values,
                             pvhboot::span<const memory_range> ranges = large) {
  image i;
  change(i.header);
  const auto file = i.written();
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  outcome o;
  o.zero_page.edid_info.dummy[5] = 0xaa;  // what was in the page before must not stay
  o.done = map.append(ranges);
  if (o.done) o.done = map.sanitize();
  if (o.done) o.done = translate(*pvhboot::parse_bzimage(file.contents), values, map, o.zero_page);
  return o;
}
constexpr auto as_it_is = [](header&) {};
template <class Change> constexpr auto refused(const Change& change) {
  linux_layout values = usual;
  change(values);
  return translated(as_it_is, values).done;
}

ROW("translate: a boot loader's zero page", {
  const outcome o = translated(as_it_is, usual);
  EXPECT(o.done);
  const abi::boot_params& z = o.zero_page;
  EXPECT(z.hdr.header == 0x53726448 && z.hdr.version == 0x020f && z.hdr.setup_sects == 1 &&
         z.hdr.init_size == 0x2000000);
  EXPECT(z.hdr.type_of_loader == 0xff && z.hdr.loadflags == 1 && z.hdr.vid_mode == 0xffff);
  EXPECT(z.hdr.code32_start == 16 * MiB && z.hdr.kernel_alignment == 0x100000);
  EXPECT(z.hdr.cmd_line_ptr == 0x90000 && z.hdr.ramdisk_image == 200 * MiB && z.hdr.ramdisk_size == 5000);
  EXPECT(z.acpi_rsdp_addr == 0xfc008000);
  EXPECT(z.e820_entries == 3 && z.e820_table[2].addr == MiB && z.e820_table[2].size == 0x2000000000 - MiB);
  EXPECT(z.e820_table[1].type == pvhboot::memory_type{2} && z.e820_table[3].size == 0);
  EXPECT(z.ext_ramdisk_image == 0 && z.ext_cmd_line_ptr == 0 &&
         z.hdr.hardware_subarch == pvhboot::x86_hardware_subarch::pc);
});
ROW("translate: the header to its end and not a byte further; the rest of the page is zero (P1, P5, P24, D7)", {
  const outcome o = translated(as_it_is, usual);
  EXPECT(o.zero_page.sentinel == 0 && o.zero_page._pad6[0] == 0 && o.zero_page.edid_info.dummy[5] == 0);
  for (const uint8_t b : o.zero_page._pad7) EXPECT(b == 0);
  for (const auto signature : o.zero_page.edd_mbr_sig_buffer) EXPECT(signature == 0);
});
ROW("translate: a header longer than this library's continues in the hole after it", {
  const outcome o = translated([](header& h) { h.jump = 0x7feb; }, usual);
  EXPECT(o.done);
  for (size_t i = 0; i < 36; ++i) EXPECT(o.zero_page._pad7[i] == (i < 0x281 - 0x26c ? 0xcc : 0));
});
ROW("translate: a header shorter than this library knows leaves the rest zero (P3)", {
  linux_layout values = usual;
  values.kernel.kernel_alignment = 0x200000;  // min_alignment came later
  const outcome o = translated([](header& h) { h.jump = 0x46eb, h.version = 0x0207; }, values);
  EXPECT(o.done && o.zero_page.hdr.payload_offset == 0 && o.zero_page.hdr.init_size == 0);
});
ROW("translate: no initrd", {
  linux_layout values = usual;
  values.initrd_size = 0;
  const outcome o = translated(as_it_is, values);
  EXPECT(o.done && o.zero_page.hdr.ramdisk_image == 0 && o.zero_page.hdr.ramdisk_size == 0);
});
ROW("translate: what the file says of command line, initrd and setup_data is not handed over", {
  const outcome o = translated(
      [](header& h) {
        h.cmd_line_ptr = 0x1000, h.ramdisk_image = 0x2000, h.ramdisk_size = 0x3000, h.setup_data = 0x4000;
      },
      {.kernel = usual.kernel, .zero_page_paddr = 0x80000});
  EXPECT(o.done && o.zero_page.hdr.cmd_line_ptr == 0 && o.zero_page.hdr.setup_data == 0);
  EXPECT(o.zero_page.hdr.ramdisk_image == 0 && o.zero_page.hdr.ramdisk_size == 0);
});
ROW("translate: a kernel that is not relocatable keeps its alignment", {
  linux_layout values = usual;
  values.kernel.load_paddr = MiB;
  const outcome o = translated([](header& h) { h.relocatable_kernel = 0; }, values);
  EXPECT(o.done && o.zero_page.hdr.kernel_alignment == 0x200000);
});

ROW("translate: kernel_too_high", {
  EXPECT(
      fails(refused([](linux_layout& v) { v.kernel.load_paddr = 0x100000000; }), errc::kernel_too_high, 0x100000000));
  EXPECT(fails(refused([](linux_layout& v) { v.kernel.load_paddr = 0xfffff001; }), errc::kernel_too_high, 0xfffff001));
});
ROW("translate: kernel_too_high, a run-time range that reaches past 4 GiB by the 32-bit entry", {
  EXPECT(fails(refused([](linux_layout& v) {
                 v.kernel.load_paddr = 0xfff00000, v.kernel.kernel_alignment = 0x200000,
                 v.kernel.runtime_start = 0x100000000;
               }),
               errc::kernel_too_high, 0x100000000));
  EXPECT(fails(refused([](linux_layout& v) { v.kernel.load_paddr = v.kernel.runtime_start = 0xfe100000; }),
               errc::kernel_too_high, 0xfe100000));
  EXPECT(refused([](linux_layout& v) { v.kernel.load_paddr = v.kernel.runtime_start = 0xfe000000; }));
});
ROW("translate: cmdline_too_long, 255 before 2.06", {
  EXPECT(refused([](linux_layout& v) { v.cmdline_size = 2047; }));
  EXPECT(fails(refused([](linux_layout& v) { v.cmdline_size = 2048; }), errc::cmdline_too_long, 2047));
  linux_layout values = usual;
  values.cmdline_size = 256;
  values.kernel.load_paddr = values.kernel.runtime_start = MiB;
  EXPECT(fails(translated([](header& h) { h.version = 0x0205, h.relocatable_kernel = 0; }, values).done,
               errc::cmdline_too_long, 255));
});
ROW("translate: too_high, the command line above 4 GiB (P13)", {
  EXPECT(fails(refused([](linux_layout& v) { v.cmdline_paddr = 0x100000000; }), errc::too_high, 0x100000000));
  EXPECT(refused([](linux_layout& v) { v.cmdline_paddr = 0xffffffff - 22; }));  // the NUL is the last byte
  EXPECT(fails(refused([](linux_layout& v) { v.cmdline_paddr = 0xfffffff0; }), errc::too_high, 0xfffffff0));
});
ROW("translate: cmdline_absent, a size at address 0 is not dropped", {
  EXPECT(fails(refused([](linux_layout& v) { v.cmdline_paddr = 0, v.cmdline_size = 99; }), errc::cmdline_absent, 99));
});
ROW("translate: initrd_absent",
    { EXPECT(fails(refused([](linux_layout& v) { v.initrd_paddr = 0; }), errc::initrd_absent, 5000)); });
ROW("translate: initrd_too_high (P13)", {
  EXPECT(refused([](linux_layout& v) { v.initrd_paddr = 0x7fffe000, v.initrd_size = 0x2000; }));
  EXPECT(fails(refused([](linux_layout& v) { v.initrd_paddr = 0x7ffff000; }), errc::initrd_too_high, 0x7ffff000));
  EXPECT(fails(refused([](linux_layout& v) { v.initrd_paddr = 0x100000000; }), errc::initrd_too_high, 0x100000000));
  EXPECT(fails(refused([](linux_layout& v) { v.initrd_paddr = ~uint64_t{}; }), errc::initrd_too_high, ~uint64_t{}));
  EXPECT(fails(refused([](linux_layout& v) { v.initrd_paddr = 0x7ffff000, v.initrd_size = ~uint64_t{}; }),
               errc::initrd_too_high, 0x7ffff000));
});
ROW("translate: misaligned, an initrd or a zero page inside a page", {
  EXPECT(fails(refused([](linux_layout& v) { v.initrd_paddr += 512; }), errc::misaligned, 200 * MiB + 512));
  EXPECT(fails(refused([](linux_layout& v) { v.zero_page_paddr = 0x80800; }), errc::misaligned, 0x80800));
});
ROW("translate: zero_page_absent",
    { EXPECT(fails(refused([](linux_layout& v) { v.zero_page_paddr = 0; }), errc::zero_page_absent, 0)); });
ROW("translate: not_in_ram, an initrd or a zero page outside RAM", {
  EXPECT(fails(refused([](linux_layout& v) { v.initrd_paddr = 0x9f000; }), errc::not_in_ram, 0x9f000));
  EXPECT(fails(refused([](linux_layout& v) { v.zero_page_paddr = 0xf0000; }), errc::not_in_ram, 0xf0000));
  EXPECT(translated(as_it_is, usual, pc).done);
});
ROW("translate: overlaps, the command line inside the initrd", {
  EXPECT(fails(refused([](linux_layout& v) { v.cmdline_paddr = 200 * MiB; }), errc::overlaps, 200 * MiB));
  EXPECT(fails(refused([](linux_layout& v) { v.cmdline_paddr = 0x80fff; }), errc::overlaps, 0x80fff));
  EXPECT(fails(refused([](linux_layout& v) { v.cmdline_paddr = 0x80000 - 22; }), errc::overlaps, 0x80000 - 22));
  EXPECT(refused([](linux_layout& v) { v.cmdline_paddr = 0x80000 - 23; }));
});
ROW("translate: bad_kernel_alignment, a layout made by default", {
  EXPECT(fails(refused([](linux_layout& v) { v.kernel = {}; }), errc::kernel_range_too_small, 4096));
  EXPECT(fails(refused([](linux_layout& v) { v.kernel.kernel_alignment = 0; }), errc::bad_kernel_alignment, 0x230));
});
ROW("translate: overlaps_kernel (P12)", {
  EXPECT(fails(refused([](linux_layout& v) { v.initrd_paddr = 19 * MiB; }), errc::overlaps_kernel, 19 * MiB));
  EXPECT(fails(refused([](linux_layout& v) { v.cmdline_paddr = 48 * MiB - 1; }), errc::overlaps_kernel, 48 * MiB - 1));
});
ROW("translate: loader_type_zero (P20)", {
  EXPECT(fails(refused([](linux_layout& v) { v.loader = v.loader_version = 0; }), errc::loader_type_zero, 0x210));
});
ROW("set_loader: extended numbers and versions", {
  header h{.version = 0x020f};
  EXPECT(set_loader(h, 0x15, 0x234));  // Linux reads it back as type 0x154, version 0x234
  EXPECT(h.type_of_loader == 0xe4 && h.ext_loader_type == 0x05 && h.ext_loader_ver == 0x23);
  EXPECT(set_loader(h, 7, 2) && h.type_of_loader == 0x72 && h.ext_loader_type == 0 && h.ext_loader_ver == 0);
  EXPECT(set_loader(h, 0x10, 3) && h.type_of_loader == 0xe3 && h.ext_loader_type == 0 && h.ext_loader_ver == 0);
  EXPECT(set_loader(h, 0xf, 0xf) && h.type_of_loader == 0xff);
  EXPECT(set_loader(h, 0x10f, 0xfff) && h.type_of_loader == 0xef && h.ext_loader_type == 0xff);
  EXPECT(h.ext_loader_ver == 0xff && set_loader(h, 0, 1) && h.type_of_loader == 1);
});
ROW("set_loader: a header before 2.02 has no extensions, one of 2.02 has", {
  header h{.version = 0x0201};
  h.ext_loader_type = h.ext_loader_ver = 0x77;  // another field's bytes then
  EXPECT(set_loader(h, 7, 2) && h.type_of_loader == 0x72 && h.ext_loader_type == 0x77 && h.ext_loader_ver == 0x77);
  h.version = 0x0202;
  EXPECT(set_loader(h, 0x11, 0x10) && h.type_of_loader == 0xe0 && h.ext_loader_type == 1 && h.ext_loader_ver == 1);
});
ROW("set_loader: loader_id_too_large", {
  header h{.version = 0x020f};
  EXPECT(fails(set_loader(h, 0xe, 0), errc::loader_id_too_large, 0xe));
  EXPECT(fails(set_loader(h, 0x110, 0), errc::loader_id_too_large, 0x110));
  EXPECT(fails(set_loader(h, 7, 0x1000), errc::loader_id_too_large, 0x1000));
  h.version = 0x0201;
  EXPECT(set_loader(h, 7, 0xf));
  EXPECT(fails(set_loader(h, 7, 0x10), errc::loader_id_too_large, 0x10));
  EXPECT(fails(set_loader(h, 0x10, 0), errc::loader_id_too_large, 0x10));
});
ROW("translate: protocol_too_old, before the 32-bit entry", {
  linux_layout values = usual;
  values.cmdline_size = 0;
  EXPECT(fails(translated([](header& h) { h.version = 0x0202, h.relocatable_kernel = 0; }, values).done,
               errc::protocol_too_old, 0x0202));
  values.kernel.load_paddr = values.kernel.runtime_start = MiB;
  EXPECT(translated([](header& h) { h.version = 0x0203, h.relocatable_kernel = 0; }, values).done);
});
ROW("translate: above 4 GiB by the 64-bit entry, if the kernel can (P13)", {
  linux_layout values = usual;
  values.entry_64 = true;
  values.kernel.load_paddr = values.kernel.runtime_start = 0x200000000;
  values.cmdline_paddr = 0x123456789a;
  values.initrd_paddr = 0x300000000;
  values.initrd_size = 0x100000001;
  const outcome o = translated(as_it_is, values);
  EXPECT(o.done);
  EXPECT(o.zero_page.ext_cmd_line_ptr == 0x12 && o.zero_page.hdr.cmd_line_ptr == 0x3456789a);
  EXPECT(o.zero_page.ext_ramdisk_image == 3 && o.zero_page.hdr.ramdisk_image == 0);
  EXPECT(o.zero_page.ext_ramdisk_size == 1 && o.zero_page.hdr.ramdisk_size == 1);
  EXPECT(o.zero_page.hdr.code32_start == 0x100000);
  // xloadflags without CAN_BE_LOADED_ABOVE_4G, then without KERNEL_64.
  EXPECT(fails(translated([](header& h) { h.xloadflags = 1; }, values).done, errc::kernel_too_high, 0x200000000));
  EXPECT(fails(translated([](header& h) { h.xloadflags = 2; }, values).done, errc::no_entry_64, 0x236));
});

/// n ranges that do not touch.
template <size_t N> constexpr memory_map_buffer<N> scattered() {
  memory_map_buffer<N> buffer{};
  for (size_t i = 0; i < N; ++i) buffer.ranges[i] = range(i * 0x2000, 0x1000, 1);
  return buffer;
}
constexpr pvhboot::result<void> e820_of(size_t n, abi::boot_params& zero_page) {
  auto buffer = scattered<300>();
  memory_map_buffer<300> storage{};
  memory_map map{storage};
  if (auto done = map.append(pvhboot::span<const memory_range>{buffer.ranges}.first(n)); !done) return done;
  if (auto done = map.sanitize(); !done) return done;
  return pvhboot::write_e820(map, zero_page);
}
ROW("write_e820: 128 and no more, and never a count that wraps (P6, C1)", {
  abi::boot_params zero_page{};
  EXPECT(e820_of(127, zero_page) && zero_page.e820_entries == 127);
  EXPECT(e820_of(128, zero_page) && zero_page.e820_entries == 128 && zero_page.e820_table[127].addr == 127 * 0x2000);
  zero_page.e820_entries = 0;
  EXPECT(fails(e820_of(129, zero_page), errc::e820_full, 129));
  EXPECT(fails(e820_of(256, zero_page), errc::e820_full, 256) && fails(e820_of(300, zero_page), errc::e820_full, 300));
  EXPECT(zero_page.e820_entries == 0);
});
ROW("write_e820: more than 128 into a SETUP_E820_EXT node, which joins the chain", {
  memory<0x1000> m;
  m.put(0x1f00, abi::setup_data{.next = 0, .type = pvhboot::setup_type{9}, .len = 0});
  pvhboot::setup_data_writer more{pvhboot::span<uint8_t>{m.contents}.first(0xf00), 0x1000, 0x1f00};
  auto buffer = scattered<300>();
  memory_map_buffer<300> storage{};
  memory_map map{storage};
  EXPECT(map.append(pvhboot::span<const memory_range>{buffer.ranges}.first(300 - 150)) && map.sanitize());
  abi::boot_params zero_page{};
  EXPECT(pvhboot::write_e820(map, zero_page, &more) && zero_page.e820_entries == 128 && more.head() == 0x1000);
  zero_page.hdr.setup_data = more.head();
  // Read back, it is the same map.
  memory_map_buffer<300> storage2{};
  memory_map back{storage2};
  EXPECT(pvhboot::read_zero_page(m.window(), zero_page, back) && back.size() == 150);
  for (size_t i = 0; i < 150; ++i) EXPECT(back[i] == map[i]);
  int nodes = 0;
  EXPECT(walk_setup_data(m.window(), more.head(), 8, [&](const pvhboot::setup_node& node) -> pvhboot::result<void> {
    nodes += node.type == (nodes == 0 ? pvhboot::setup_type::e820_ext : pvhboot::setup_type::rng_seed) ? 1 : 100;
    return {};
  }));
  EXPECT(nodes == 2);
  pvhboot::setup_data_writer little{pvhboot::span<uint8_t>{m.contents}.first(16 + 22 * 20 - 1), 0x1000};
  zero_page.e820_entries = 0;
  EXPECT(fails(pvhboot::write_e820(map, zero_page, &little), errc::setup_data_full, 22 * 20) &&
         zero_page.e820_entries == 0);
});
ROW("translate: a chain that was there is kept; a kernel before 2.09 takes none", {
  memory<0x100> m;
  pvhboot::setup_data_writer more{m.contents, 0x1000, 0xabc0};
  image i;
  auto file = i.written();
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  abi::boot_params zero_page{};
  EXPECT(map.append(pc) && map.sanitize());
  EXPECT(translate(*pvhboot::parse_bzimage(file.contents), usual, map, zero_page, &more));
  EXPECT(zero_page.hdr.setup_data == 0xabc0);
  i.header.version = 0x0208;
  file = i.written();
  linux_layout values = usual;
  values.kernel.kernel_alignment = 0x200000;
  EXPECT(fails(translate(*pvhboot::parse_bzimage(file.contents), values, map, zero_page, &more),
               errc::setup_data_unsupported, 0x0208));
  pvhboot::setup_data_writer empty{m.contents, 0x1000};
  EXPECT(translate(*pvhboot::parse_bzimage(file.contents), values, map, zero_page, &empty));
});
ROW("prepare_for_linux: a range that ends at 2^64 loses its last page (P22)", {
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  abi::boot_params zero_page{};
  EXPECT(map.append(table<2>{{range(0, 0x1000, 1), range(0xffffffffffffe000, 0x2000, 2)}}) && prepare_for_linux(map));
  EXPECT(pvhboot::write_e820(map, zero_page) && zero_page.e820_entries == 2 && zero_page.e820_table[1].size == 0x1000);
  // Whole pages are left also of one that begins inside a page, and of one that wraps.
  map.clear();
  EXPECT(map.append(table<2>{{range(0, 0x1000, 1), range(0xffffffffffffd800, 0x8000, 2)}}) && prepare_for_linux(map));
  EXPECT(pvhboot::write_e820(map, zero_page) && zero_page.e820_table[1].size == 0x2000);
});
ROW("write_e820: map_not_prepared, e820_too_few", {
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  abi::boot_params zero_page{};
  EXPECT(fails(pvhboot::write_e820(map, zero_page), errc::e820_too_few, 0));
  EXPECT(map.append(range(0, 0x1000, 1)) && fails(pvhboot::write_e820(map, zero_page), errc::e820_too_few, 1));
  EXPECT(map.append(range(0x2000, 0x1000, 1)));
  EXPECT(fails(pvhboot::write_e820(map, zero_page), errc::map_not_prepared, 2) && zero_page.e820_entries == 0);
  EXPECT(map.sanitize() && pvhboot::write_e820(map, zero_page) && zero_page.e820_entries == 2);
  EXPECT(map.append(range(0xfffffffffffff000, 0x1000, 2)) && map.sanitize());
  EXPECT(fails(pvhboot::write_e820(map, zero_page), errc::map_not_prepared, 3));
});

ROW("read_zero_page: the values, with high halves, and what a set sentinel takes away (P5)", {
  memory<0x100> m;
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  abi::boot_params z{};
  z.hdr.cmd_line_ptr = 0x90000;
  z.ext_cmd_line_ptr = 1;
  z.hdr.ramdisk_image = 0x1000;
  z.ext_ramdisk_image = 2;
  z.hdr.ramdisk_size = 5;
  z.hdr.type_of_loader = 0xff;
  z.ext_ramdisk_size = 3;
  z.acpi_rsdp_addr = 0xe0000;
  auto values = pvhboot::read_zero_page(m.window(), z, map);
  EXPECT(values && values->cmdline_paddr == 0x100090000 && values->rsdp_paddr == 0xe0000);
  EXPECT(values->initrd_paddr == 0x200001000 && values->initrd_size == 0x300000005 && map.empty());
  z.sentinel = 0xff;
  values = pvhboot::read_zero_page(m.window(), z, map);
  EXPECT(values && values->cmdline_paddr == 0x90000 && values->rsdp_paddr == 0);
  EXPECT(values->initrd_paddr == 0x1000 && values->initrd_size == 5);
  z.hdr.type_of_loader = 0;  // makes Linux ignore the initrd
  EXPECT(pvhboot::read_zero_page(m.window(), z, map)->initrd_size == 0);
  z.hdr.type_of_loader = 0xff;
  z.hdr.ramdisk_image = 0;
  EXPECT(pvhboot::read_zero_page(m.window(), z, map)->initrd_size == 0);
});
ROW("read_zero_page: e820_bad_count, map_full, a chain that loops (P6, P25)", {
  memory<0x100> m;
  memory_map_buffer<1> buffer{};
  memory_map map{buffer};
  abi::boot_params z{};
  z.e820_entries = 129;
  EXPECT(fails(pvhboot::read_zero_page(m.window(), z, map), errc::e820_bad_count, 129));
  z.e820_entries = 2;
  EXPECT(fails(pvhboot::read_zero_page(m.window(), z, map), errc::map_full, 1) && map.empty());
  z.e820_entries = 0;
  map.clear();
  m.put(0x1000, abi::setup_data{.next = 0x1000, .type = pvhboot::setup_type{3}, .len = 0});
  z.hdr.setup_data = 0x1000;
  EXPECT(fails(pvhboot::read_zero_page(m.window(), z, map), errc::setup_data_loop, 0x1000));
  m.put(0x1000, abi::setup_data{.next = 0, .type = pvhboot::setup_type{1}, .len = 40});
  EXPECT(fails(pvhboot::read_zero_page(m.window(), z, map), errc::map_full, 0));
  m.put(0x1000,
        abi::setup_data{.next = 0, .type = pvhboot::setup_type{1}, .len = 39});  // Linux ignores what is left over, too
  EXPECT(pvhboot::read_zero_page(m.window(), z, map) && map.size() == 1);
});

constexpr bool prepared(pvhboot::span<const memory_range> given, pvhboot::span<const memory_range> wanted) {
  memory_map_buffer<16> buffer{};
  memory_map map{buffer};
  if (!map.append(given) || !pvhboot::prepare_for_linux(map) || map.size() != wanted.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i)
    if (!(map[i] == wanted[i])) return false;
  return true;
}
ROW("prepare_for_linux: a map that needs nothing stays", { EXPECT(prepared(pc, pc)); });
ROW("prepare_for_linux: RAM in the ISA hole is cut out (P9)", {
  EXPECT(prepared(table<2>{{range(0, 64 * MiB, 1), range(0xfc000000, 0x1000, 3)}},
                  table<4>{{range(0, 0xa0000, 1), range(0xa0000, 0x60000, 2), range(MiB, 63 * MiB, 1),
                            range(0xfc000000, 0x1000, 3)}}));
});
ROW("prepare_for_linux: a hole that nothing covers stays one (C5)", {
  EXPECT(prepared(table<2>{{range(0, 0xa0000, 1), range(MiB, MiB, 1)}},
                  table<2>{{range(0, 0xa0000, 1), range(MiB, MiB, 1)}}));
});
ROW("prepare_for_linux: never a single range (P21, C8)", {
  EXPECT(
      prepared(table<1>{{range(MiB, 127 * MiB, 1)}}, table<2>{{range(0xa0000, 0x60000, 2), range(MiB, 127 * MiB, 1)}}));
  EXPECT(prepared(table<2>{{range(0, 0x1000, 1), range(0x1000, 0x1000, 1)}},
                  table<2>{{range(0, 0x2000, 1), range(0xa0000, 0x60000, 2)}}));
});
ROW("prepare_for_linux: no_ram", {
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  EXPECT(fails(pvhboot::prepare_for_linux(map), errc::no_ram, 0));
  EXPECT(map.append(range(0, 0x1000, 2)));
  EXPECT(fails(pvhboot::prepare_for_linux(map), errc::no_ram, 1));
  EXPECT(map.append(range(0xa0000, 0x60000, 1)));  // all of it in the ISA hole, which is none
  EXPECT(fails(pvhboot::prepare_for_linux(map), errc::no_ram, 2));
});

/// A handoff with one module at a high address.
constexpr auto high_handoff() {
  memory<0x100> m;
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value,
                                    .version = 1,
                                    .nr_modules = 1,
                                    .modlist_paddr = 0x1040,
                                    .cmdline_paddr = 0x1080,
                                    .rsdp_paddr = 0xe0000});
  m.put(0x1040, abi::hvm_modlist_entry{.paddr = 0x180001000, .size = 0x200000003});
  m.put_text(0x1080, "quiet");
  return m;
}
ROW("translate: a kernel's own zero page, with the high halves of addresses (B7, B8, B14)", {
  const auto m = high_handoff();
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  abi::boot_params zero_page{};
  EXPECT(map.append(pc) && map.sanitize());
  EXPECT(translate(*pvhboot::parse(m.window(), 0x1000), map, pvhboot::started_by::other, zero_page));
  EXPECT(zero_page.hdr.version == 0x020c && zero_page.hdr.type_of_loader == 0xb0 &&
         zero_page.hdr.cmd_line_ptr == 0x1080);
  EXPECT(zero_page.hdr.ramdisk_image == 0x80001000 && zero_page.ext_ramdisk_image == 1);
  EXPECT(zero_page.hdr.ramdisk_size == 3 && zero_page.ext_ramdisk_size == 2);
  EXPECT(zero_page.acpi_rsdp_addr == 0xe0000 && zero_page.e820_entries == 3);
  EXPECT(translate(*pvhboot::parse(m.window(), 0x1000), map, pvhboot::started_by::xen, zero_page) &&
         zero_page.hdr.type_of_loader == 0x90);
});

ROW("translate: a kernel's own zero page spills, too", {
  const auto m = high_handoff();
  auto ranges = scattered<130>();
  memory_map_buffer<130> storage{};
  memory_map map{storage};
  memory<0x100> extra;
  pvhboot::setup_data_writer more{extra.contents, 0x9000};
  abi::boot_params zero_page{};
  EXPECT(map.append(ranges.ranges) && map.sanitize());
  EXPECT(fails(translate(*pvhboot::parse(m.window(), 0x1000), map, pvhboot::started_by::other, zero_page),
               errc::e820_full, 130));
  EXPECT(translate(*pvhboot::parse(m.window(), 0x1000), map, pvhboot::started_by::other, zero_page, &more));
  EXPECT(zero_page.hdr.setup_data == 0x9000 && zero_page.e820_entries == 128);
});

/// translate_as_linux of a handoff with n entries; 0 if it is refused.
constexpr int entries_as_linux(uint32_t n) {
  memory<0x2000> m;
  m.put(0x1000, abi::hvm_start_info{
                    .magic = abi::hvm_start_magic_value, .version = 1, .memmap_paddr = 0x1040, .memmap_entries = n});
  for (uint32_t i = 0; i < n; ++i)
    m.put(0x1040 + i * 24, abi::hvm_memmap_table_entry{.addr = i, .size = 1, .type = pvhboot::memory_type{1}});
  abi::boot_params zero_page{};
  const auto boot = *pvhboot::parse(m.window(), 0x1000);
  const auto done = translate_as_linux(boot, boot.memory_map(), pvhboot::started_by::other, zero_page);
  return done ? zero_page.e820_entries : fails(done, errc::e820_full, n) ? 0 : -1;
}
ROW("translate_as_linux: one to one, and the ISA hole up to 126 entries (C12)", {
  EXPECT(entries_as_linux(1) == 2 && entries_as_linux(126) == 127 && entries_as_linux(127) == 127);
  EXPECT(entries_as_linux(128) == 128 && entries_as_linux(129) == 0 && entries_as_linux(300) == 0);
});
ROW("translate_as_linux: loses what Linux loses (B14, D1)", {
  const auto m = high_handoff();
  abi::boot_params zero_page{};
  const auto boot = *pvhboot::parse(m.window(), 0x1000);
  EXPECT(translate_as_linux(boot, boot.memory_map(), pvhboot::started_by::xen, zero_page));
  EXPECT(zero_page.hdr.ramdisk_image == 0x80001000 && zero_page.ext_ramdisk_image == 0 &&
         zero_page.hdr.ramdisk_size == 3);
  EXPECT(zero_page.acpi_rsdp_addr == 0 && zero_page.hdr.version == 0x020c && zero_page.hdr.type_of_loader == 0x90);
  EXPECT(zero_page.e820_entries == 1 && zero_page.e820_table[0].addr == 0xa0000 &&
         zero_page.e820_table[0].type == pvhboot::memory_type{2});
  EXPECT(zero_page.hdr.header == 0 && zero_page.hdr.boot_flag == 0 && zero_page.hdr.loadflags == 0);
});

}  // namespace
