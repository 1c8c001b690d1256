// SPDX-License-Identifier: BSL-1.0
//
// Where kernels and initrds may lie: boot.rst, and what the decompressor really does.
#include "image.hpp"

namespace {

using namespace test;
using pvhboot::kernel_placement;
using header = pvhboot::abi::setup_header;

constexpr uint64_t MiB = 1 << 20;

/// The place for the image after `change`, in free RAM of these ranges.
template <class Change>
constexpr pvhboot::result<kernel_placement> place(const Change& change, pvhboot::span<const memory_range> ram) {
  image i;
  change(i.header);
  const auto file = i.written();
  pvhboot::memory_map_buffer<16> buffer{};
  pvhboot::memory_map free{buffer};
  if (!free.append(ram) || !free.sanitize()) return {errc::map_full, 0};
  return pvhboot::place_kernel(*pvhboot::parse_bzimage(file.contents), free);
}

constexpr auto as_it_is = [](header&) {};

ROW("place_kernel: the preferred address", {
  const auto p = place(as_it_is, table<1>{{range(MiB, 255 * MiB, 1)}});
  EXPECT(p && p->load_paddr == 16 * MiB && p->runtime_start == 16 * MiB);
  EXPECT(p->load_size == 4096 && p->runtime_size == 32 * MiB && p->kernel_alignment == 2 * MiB);
});
ROW("place_kernel: the lowest aligned place above it", {
  const auto p = place(as_it_is, table<2>{{range(MiB, 16 * MiB, 1), range(33 * MiB, 100 * MiB, 1)}});
  EXPECT(p && p->load_paddr == 34 * MiB && p->runtime_start == 34 * MiB && p->kernel_alignment == 2 * MiB);
});
ROW("place_kernel: less alignment where memory is tight, and says so", {
  const auto p = place(as_it_is, table<1>{{range(17 * MiB + 4096, 32 * MiB, 1)}});
  EXPECT(p && p->load_paddr == 17 * MiB + 4096 && p->kernel_alignment == 4096);
  EXPECT(!place([](header& h) { h.min_alignment = 0; }, table<1>{{range(17 * MiB + 4096, 32 * MiB, 1)}}));
});
ROW("place_kernel: room for the file but not for init_size is no place (P14)", {
  EXPECT(fails(place(as_it_is, table<1>{{range(MiB, 46 * MiB, 1)}}), errc::no_place_for_kernel, 32 * MiB));
  EXPECT(place(as_it_is, table<1>{{range(MiB, 47 * MiB, 1)}}));
});
ROW("place_kernel: a hole where a kernel loaded low would run (P15)", {
  EXPECT(fails(place(as_it_is, table<2>{{range(MiB, 19 * MiB, 1), range(20 * MiB, 31 * MiB, 2)}}),
               errc::no_place_for_kernel, 32 * MiB));
});
ROW("place_kernel: nothing below pref_address, where it would not run anyway", {
  EXPECT(fails(place([](header& h) { h.init_size = 8 * MiB; }, table<1>{{range(MiB, 15 * MiB, 1)}}),
               errc::no_place_for_kernel, 8 * MiB));
});
ROW("place_kernel: nothing above 2 GiB (P16)", {
  EXPECT(fails(place(as_it_is, table<1>{{range(2048 * MiB - 31 * MiB, 1024 * MiB, 1)}}), errc::no_place_for_kernel,
               32 * MiB));
  EXPECT(place(as_it_is, table<1>{{range(2048 * MiB - 32 * MiB, 1024 * MiB, 1)}}));
});
ROW("place_kernel: not relocatable, loaded at 1 MiB, runs at pref_address", {
  constexpr auto fixed = [](header& h) { h.relocatable_kernel = 0; };
  const auto p = place(fixed, table<1>{{range(MiB, 255 * MiB, 1)}});
  EXPECT(p && p->load_paddr == MiB && p->runtime_start == 16 * MiB);
  EXPECT(fails(place(fixed, table<1>{{range(2 * MiB, 255 * MiB, 1)}}), errc::no_place_for_kernel, 32 * MiB));
  EXPECT(fails(place(fixed, table<1>{{range(MiB, 46 * MiB, 1)}}), errc::no_place_for_kernel, 32 * MiB));
});
ROW("place_kernel: before 2.10 three times the code, at 1 MiB", {
  const auto p = place([](header& h) { h.version = 0x0205; }, table<1>{{range(MiB, 16 * MiB, 1)}});
  EXPECT(p && p->load_paddr == 2 * MiB && p->runtime_size == 3 * 4096);
  const auto old = place([](header& h) { h.version = 0x0202; }, table<1>{{range(MiB, MiB, 1)}});
  EXPECT(old && old->load_paddr == MiB && old->runtime_start == MiB && old->kernel_alignment == 0);
});
ROW("place_kernel: an init_size smaller than the code itself", {
  const auto p = place([](header& h) { h.init_size = 16; }, table<1>{{range(16 * MiB, 4096, 1)}});
  EXPECT(p && p->load_paddr == 16 * MiB);
  EXPECT(fails(place([](header& h) { h.init_size = 16; }, table<1>{{range(16 * MiB, 4095, 1)}}),
               errc::no_place_for_kernel, 4096));
});
ROW("kernel_placement: overlaps either range (P10, P12)", {
  constexpr kernel_placement p{
      .load_paddr = MiB, .load_size = 4096, .runtime_start = 16 * MiB, .runtime_size = 17 * MiB};
  EXPECT(p.overlaps(19 * MiB, 4096) && p.overlaps(33 * MiB - 1, 1) && !p.overlaps(33 * MiB, 4096));
  EXPECT(p.overlaps(MiB, 1) && !p.overlaps(MiB + 4096, 1) && !p.overlaps(16 * MiB, 0));
});

ROW("runtime_start_of: aligned, and never below pref_address (P15)", {
  const auto file = image{}.written();
  const auto kernel = *pvhboot::parse_bzimage(file.contents);
  EXPECT(runtime_start_of(kernel, MiB, 2 * MiB) == 16 * MiB && runtime_start_of(kernel, 17 * MiB, 2 * MiB) == 18 * MiB);
  EXPECT(runtime_start_of(kernel, 18 * MiB, 2 * MiB) == 18 * MiB && runtime_start_of(kernel, 99 * MiB, 0) == 16 * MiB);
});

/// check_placement of a sound placement after `change`, with these to keep, on a PC of 256 MiB.
template <class Change>
constexpr pvhboot::result<void> checked(const Change& change, pvhboot::span<const memory_range> keep,
                                        bool relocatable = true) {
  image i;
  i.header.relocatable_kernel = relocatable;
  const auto file = i.written();
  pvhboot::memory_map_buffer<4> buffer{};
  pvhboot::memory_map map{buffer};
  pvhboot::linux_layout layout{.zero_page_paddr = 0x8000, .keep = keep};
  kernel_placement p{.load_paddr = 32 * MiB,
                     .load_size = 4096,
                     .runtime_start = 32 * MiB,
                     .runtime_size = 32 * MiB,
                     .kernel_alignment = 2 * MiB};
  if (!relocatable) p.load_paddr = MiB, p.runtime_start = 16 * MiB;
  change(p);
  if (auto done = map.append(table<2>{{range(0, 0xa0000, 1), range(MiB, 255 * MiB, 1)}}); !done) return done;
  layout.kernel = p;
  const auto kernel = pvhboot::parse_bzimage(file.contents);
  return pvhboot::check_placement(*kernel, layout, map);
}
constexpr auto unchanged = [](kernel_placement&) {};

ROW("check_placement: sound ones", {
  EXPECT(checked(unchanged, table<3>{{range(0x90000, 0x1000, 0), range(31 * MiB, MiB, 0), range(64 * MiB, MiB, 0)}}));
  EXPECT(checked(unchanged, table<1>{{range(40 * MiB, 0, 0)}}) && checked(unchanged, {}, false));
});
ROW("check_placement: what must survive and would not (P10, P12)", {
  EXPECT(fails(checked(unchanged, table<1>{{range(31 * MiB, MiB + 1, 0)}}), errc::overlaps_kernel, 31 * MiB));
  EXPECT(fails(checked(unchanged, table<1>{{range(64 * MiB - 1, 1, 0)}}), errc::overlaps_kernel, 64 * MiB - 1));
  EXPECT(fails(checked(unchanged, table<1>{{range(0x9f000, 0x2000, 0)}}), errc::not_in_ram, 0x9f000));
  EXPECT(fails(checked(unchanged, table<1>{{range(256 * MiB, 1, 0)}}), errc::not_in_ram, 256 * MiB));
  EXPECT(fails(checked(unchanged, table<2>{{range(MiB, 0x1000, 0), range(MiB + 0xfff, 1, 0)}}), errc::overlaps,
               MiB + 0xfff));
});
ROW("check_placement: the kernel's own ranges", {
  EXPECT(fails(checked([](kernel_placement& p) { p.load_paddr = p.runtime_start = 0x100000000; }, {}),
               errc::kernel_too_high, 0x100000000));
  EXPECT(
      fails(checked([](kernel_placement& p) { p.runtime_start = 34 * MiB; }, {}), errc::bad_runtime_start, 32 * MiB));
  EXPECT(fails(checked([](kernel_placement& p) { p.load_paddr = MiB, p.runtime_start = 2 * MiB; }, {}),
               errc::bad_runtime_start, 16 * MiB));
  EXPECT(fails(checked([](kernel_placement& p) { p.kernel_alignment = 0; }, {}), errc::bad_kernel_alignment, 0x230));
  EXPECT(
      fails(checked([](kernel_placement& p) { p.kernel_alignment = 0x3000; }, {}), errc::bad_kernel_alignment, 0x230));
  EXPECT(
      fails(checked([](kernel_placement& p) { p.kernel_alignment = 0x800; }, {}), errc::bad_kernel_alignment, 0x230));
  EXPECT(fails(checked([](kernel_placement& p) { p.load_size = 4095; }, {}), errc::kernel_range_too_small, 4096));
  EXPECT(fails(checked([](kernel_placement& p) { p.runtime_size -= 1; }, {}), errc::kernel_range_too_small, 32 * MiB));
  EXPECT(fails(checked([](kernel_placement& p) { p.load_paddr = p.runtime_start = 226 * MiB; }, {}),
               errc::kernel_not_in_ram, 226 * MiB));
  EXPECT(fails(checked([](kernel_placement& p) { p.load_paddr = p.runtime_start = 256 * MiB; }, {}),
               errc::kernel_not_in_ram, 256 * MiB));
  EXPECT(
      fails(checked([](kernel_placement& p) { p.load_paddr = 2 * MiB; }, {}, false), errc::bad_load_address, 2 * MiB));
});

constexpr pvhboot::result<uint64_t> initrd(uint64_t size, uint32_t max, pvhboot::span<const memory_range> ram) {
  image i;
  i.header.initrd_addr_max = max;
  const auto file = i.written();
  pvhboot::memory_map_buffer<16> buffer{};
  pvhboot::memory_map free{buffer};
  if (!free.append(ram) || !free.sanitize()) return {errc::map_full, 0};
  return pvhboot::place_initrd(*pvhboot::parse_bzimage(file.contents), size, free);
}

ROW("place_initrd: initrd_addr_max is the last byte", {
  EXPECT(*initrd(MiB, 0x7fffffff, table<1>{{range(MiB, 4095 * MiB, 1)}}) == 0x7ff00000);
  EXPECT(*initrd(MiB, 0x7ffffffe, table<1>{{range(MiB, 4095 * MiB, 1)}}) == 0x7feff000);
  EXPECT(fails(initrd(MiB, 0x1ffffe, table<1>{{range(MiB, 4095 * MiB, 1)}}), errc::no_place_for_initrd, 0x1ffffe));
});
ROW("place_initrd: page aligned, and never out of its range (P32)", {
  EXPECT(*initrd(5000, 0x7fffffff, table<1>{{range(MiB + 1, 4 * MiB, 1)}}) == 5 * MiB - 8192);
  EXPECT(fails(initrd(MiB, 0x7fffffff, table<1>{{range(MiB + 1, MiB, 1)}}), errc::no_place_for_initrd, 0x7fffffff));
});
ROW("place_initrd: a size beyond all memory", {
  EXPECT(fails(initrd(~uint64_t{}, 0x7fffffff, table<1>{{range(0, ~uint64_t{}, 1)}}), errc::no_place_for_initrd,
               0x7fffffff));
});

}  // namespace
