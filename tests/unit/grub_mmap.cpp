// SPDX-License-Identifier: BSL-1.0
//
// What GRUB makes of Xen's memory map.
#include <pvhboot/xen/grub_mmap.hpp>

#include "row.hpp"

namespace {

using namespace test;

constexpr bool becomes(pvhboot::span<const memory_range> given, pvhboot::span<const memory_range> wanted) {
  memory_range out[pvhboot::grub_mmap_slots] = {};
  const auto n = pvhboot::grub_mmap(given, out);
  if (!n || *n != wanted.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i)
    if (!(out[i] == wanted[i])) return false;
  return true;
}

ROW("grub_mmap: the range that begins later wins", {
  EXPECT(becomes(table<2>{{range(0x4000, 0x1000, 1), range(0, 0x10000, 2)}},
                 table<3>{{range(0, 0x4000, 2), range(0x4000, 0x1000, 1), range(0x5000, 0xb000, 2)}}));
  EXPECT(becomes(table<2>{{range(0, 0x2000, 5), range(0x1000, 0x2000, 1)}},
                 table<2>{{range(0, 0x1000, 5), range(0x1000, 0x2000, 1)}}));
});
ROW("fault: GRUB's rule, what a cut leaves begins where the cut ends and competes again", {
  // A rule by the start alone keeps the range at 0x6000; in GRUB it loses its bytes.
  EXPECT(becomes(
      table<3>{{range(0x1000, 0xc000, 5), range(0x3000, 0x3000, 3), range(0x6000, 0x1000, 2)}},
      table<4>{{range(0x1000, 0x2000, 5), range(0x3000, 0x3000, 3), range(0x6000, 0, 2), range(0x6000, 0x7000, 5)}}));
});
ROW("grub_mmap: grub_mmap_endless, a cut and a merge that undo each other", {
  // The first two merge after the third has lost its bytes; the last entry takes the freed slot and is cut again by the
  // entry of no bytes, what is left of it merges, and so on.
  memory_range out[128] = {};
  EXPECT(fails(
      pvhboot::grub_mmap(table<3>{{range(0x1000, 0xc000, 3), range(0x3000, 0x3000, 3), range(0x6000, 0x1000, 2)}}, out),
      errc::grub_mmap_endless, 3));
});
ROW("grub_mmap: equal starts go by the order of the table, and leave an entry of no bytes", {
  EXPECT(becomes(table<2>{{range(0, 0x2000, 1), range(0, 0x1000, 3)}},
                 table<3>{{range(0, 0, 1), range(0, 0x1000, 3), range(0x1000, 0x1000, 1)}}));
  EXPECT(
      becomes(table<2>{{range(0, 0x1000, 3), range(0, 0x2000, 1)}}, table<2>{{range(0, 0, 3), range(0, 0x2000, 1)}}));
});
ROW("grub_mmap: RAM shrinks to pages, everything else grows", {
  EXPECT(becomes(table<3>{{range(0x800, 0x2000, 1), range(0x5800, 0x40, 3), range(0x6000, 0x10, 3)}},
                 table<2>{{range(0x1000, 0x1000, 1), range(0x5000, 0x2000, 3)}}));
});
ROW("grub_mmap: the map of a 64 MiB Xen guest", {
  EXPECT(becomes(table<5>{{range(0, 0x4000000, 1), range(0xfeff8000, 0x8000, 2), range(0xfc008000, 0x40, 3),
                           range(0xfc000000, 0x1000, 3), range(0xfc001000, 0x7000, 3)}},
                 table<3>{{range(0, 0x4000000, 1), range(0xfc000000, 0x9000, 3), range(0xfeff8000, 0x8000, 2)}}));
});
ROW("grub_mmap: without a free slot what is left of a cut range is lost", {
  memory_range given[128] = {};
  for (size_t i = 0; i < 127; ++i) given[i] = range(0x100000 + 0x2000 * i, 0x1000, 2);
  given[127] = range(0x100000, 0x1000000, 1);  // comes after the first in the table, so it is cut by the second
  memory_range out[128] = {};
  const auto n = pvhboot::grub_mmap(pvhboot::span<const memory_range>{given}, out);
  EXPECT(n && *n == 128 && out[127] == range(0x100000 + 0x2000 * 126, 0x1000, 2));
});
ROW("grub_mmap: e820_bad_count, map_full", {
  memory_range many[129] = {};
  memory_range out[128] = {};
  EXPECT(fails(pvhboot::grub_mmap(pvhboot::span<const memory_range>{many}, out), errc::e820_bad_count, 129));
  EXPECT(fails(pvhboot::grub_mmap(table<1>{}, pvhboot::span<memory_range>{out}.first(127)), errc::map_full, 128));
});

}  // namespace
