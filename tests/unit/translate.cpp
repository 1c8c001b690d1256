// SPDX-License-Identifier: BSL-1.0
//
// What lands in the zero page, what does not, and what is refused.
#include <memory>

#include "image.hpp"

namespace {

using namespace test;
using pvhboot::linux_handover;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;
using pvhboot::translate;
namespace abi = pvhboot::abi;
using header = pvhboot::abi::setup_header;

constexpr uint64_t MiB = 1 << 20;
template <size_t N> using table = pvhboot::array<memory_range, N>;

constexpr auto pc = table<3>{{range(0, 0x9fc00, 1), range(0x9fc00, 0x60400, 2), range(MiB, 255 * MiB, 1)}};

constexpr linux_handover usual{.placement = {.load = 16 * MiB,
                                             .load_size = 4096,
                                             .runtime_start = 16 * MiB,
                                             .runtime_size = 32 * MiB,
                                             .kernel_alignment = 0x100000},
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
template <class Change> constexpr outcome translated(const Change& change, const linux_handover& values) {
  image i;
  change(i.header);
  const auto file = i.written();
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  outcome o;
  o.zero_page.edid_info.dummy[5] = 0xaa;  // what was in the page before must not stay
  o.done = map.append(pc);
  if (o.done) o.done = translate(*pvhboot::parse_bzimage(file.contents), values, map, o.zero_page);
  return o;
}
constexpr auto as_it_is = [](header&) {};
template <class Change> constexpr auto refused(const Change& change) {
  linux_handover values = usual;
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
  EXPECT(z.e820_entries == 3 && z.e820_table[2].addr == MiB && z.e820_table[2].size == 255 * MiB);
  EXPECT(z.e820_table[1].type == 2 && z.e820_table[3].size == 0);
  EXPECT(z.ext_ramdisk_image == 0 && z.ext_cmd_line_ptr == 0 && z.hdr.hardware_subarch == 0);
});
ROW("translate: the header to its end and not a byte further; the rest of the page is zero (P1, P5, P24)", {
  const outcome o = translated(as_it_is, usual);
  EXPECT(o.zero_page.sentinel == 0 && o.zero_page._pad6[0] == 0 && o.zero_page.edid_info.dummy[5] == 0);
  for (const uint8_t b : o.zero_page._pad7) EXPECT(b == 0);
  for (const auto signature : o.zero_page.edd_mbr_sig_buffer) EXPECT(signature == 0);
});
ROW("translate: a header longer than this library knows goes on in the hole behind it", {
  const outcome o = translated([](header& h) { h.jump = 0x7feb; }, usual);
  EXPECT(o.done);
  for (size_t i = 0; i < 36; ++i) EXPECT(o.zero_page._pad7[i] == (i < 0x281 - 0x26c ? 0xcc : 0));
});
ROW("translate: a header shorter than this library knows leaves the rest zero (P3)", {
  const outcome o = translated([](header& h) { h.jump = 0x46eb, h.version = 0x0207; }, usual);
  EXPECT(o.done && o.zero_page.hdr.payload_offset == 0 && o.zero_page.hdr.init_size == 0);
});
ROW("translate: no initrd", {
  linux_handover values = usual;
  values.initrd_size = 0;
  const outcome o = translated(as_it_is, values);
  EXPECT(o.done && o.zero_page.hdr.ramdisk_image == 0 && o.zero_page.hdr.ramdisk_size == 0);
});
ROW("translate: a kernel that is not relocatable keeps its alignment", {
  const outcome o = translated([](header& h) { h.relocatable_kernel = 0; }, usual);
  EXPECT(o.done && o.zero_page.hdr.kernel_alignment == 0x200000);
});

ROW("translate: kernel_too_high", {
  EXPECT(fails(refused([](linux_handover& v) { v.placement.load = 0x100000000; }), errc::kernel_too_high, 0x100000000));
});
ROW("translate: cmdline_too_long, 255 before 2.06", {
  EXPECT(refused([](linux_handover& v) { v.cmdline_size = 2047; }));
  EXPECT(fails(refused([](linux_handover& v) { v.cmdline_size = 2048; }), errc::cmdline_too_long, 2047));
  linux_handover values = usual;
  values.cmdline_size = 256;
  EXPECT(fails(translated([](header& h) { h.version = 0x0205, h.relocatable_kernel = 0; }, values).done,
               errc::cmdline_too_long, 255));
});
ROW("translate: cmdline_too_high (P13)", {
  EXPECT(fails(refused([](linux_handover& v) { v.cmdline_paddr = 0x100000000; }), errc::cmdline_too_high, 0x100000000));
  EXPECT(refused([](linux_handover& v) { v.cmdline_paddr = 0xffffffff - 22; }));  // the NUL is the last byte
  EXPECT(fails(refused([](linux_handover& v) { v.cmdline_paddr = 0xfffffff0; }), errc::cmdline_too_high, 0xfffffff0));
});
ROW("translate: initrd_too_high (P13)", {
  EXPECT(refused([](linux_handover& v) { v.initrd_paddr = 0x7fffe000, v.initrd_size = 0x2000; }));
  EXPECT(fails(refused([](linux_handover& v) { v.initrd_paddr = 0x7ffff000; }), errc::initrd_too_high, 0x80000387));
  EXPECT(fails(refused([](linux_handover& v) { v.initrd_paddr = 0x100000000; }), errc::initrd_too_high, 0x100001387));
  EXPECT(fails(refused([](linux_handover& v) { v.initrd_paddr = ~uint64_t{}; }), errc::initrd_too_high, ~uint64_t{}));
});
ROW("translate: overlaps_kernel (P12)", {
  EXPECT(fails(refused([](linux_handover& v) { v.initrd_paddr = 19 * MiB; }), errc::overlaps_kernel, 19 * MiB));
  EXPECT(
      fails(refused([](linux_handover& v) { v.cmdline_paddr = 48 * MiB - 1; }), errc::overlaps_kernel, 48 * MiB - 1));
});
ROW("translate: loader_type_zero (P20)",
    { EXPECT(fails(refused([](linux_handover& v) { v.type_of_loader = 0; }), errc::loader_type_zero, 0x210)); });

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
ROW("write_e820: a range that ends at 2^64 loses its last page (P22)", {
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  abi::boot_params zero_page{};
  EXPECT(map.append(table<2>{{range(0, 0x1000, 1), range(0xffffffffffffe000, 0x2000, 2)}}));
  EXPECT(pvhboot::write_e820(map, zero_page) && zero_page.e820_entries == 2 && zero_page.e820_table[1].size == 0x1000);
  map.clear();
  EXPECT(map.append(table<2>{{range(0, 0x1000, 1), range(0xfffffffffffff000, 0x1000, 2)}}));
  EXPECT(pvhboot::write_e820(map, zero_page) && zero_page.e820_entries == 1);
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
});

/// A hand-over of one module, high up.
constexpr auto high_handover() {
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
ROW("translate: a kernel's own zero page, with the high halves of addresses (B14)", {
  const auto m = high_handover();
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  abi::boot_params zero_page{};
  EXPECT(map.append(pc));
  EXPECT(translate(*pvhboot::parse(m.window(), 0x1000), map, false, zero_page));
  EXPECT(zero_page.hdr.version == 0x020c && zero_page.hdr.type_of_loader == 0xb0 &&
         zero_page.hdr.cmd_line_ptr == 0x1080);
  EXPECT(zero_page.hdr.ramdisk_image == 0x80001000 && zero_page.ext_ramdisk_image == 1);
  EXPECT(zero_page.hdr.ramdisk_size == 3 && zero_page.ext_ramdisk_size == 2);
  EXPECT(zero_page.acpi_rsdp_addr == 0xe0000 && zero_page.e820_entries == 3);
  EXPECT(translate(*pvhboot::parse(m.window(), 0x1000), map, true, zero_page) && zero_page.hdr.type_of_loader == 0x90);
});

}  // namespace
