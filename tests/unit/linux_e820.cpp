// SPDX-License-Identifier: BSL-1.0
//
// What the eras of Linux make of a table: the vectors that depend on more than the sweep, which is in memory_map.cpp.
#include "row.hpp"

namespace {

using namespace test;
using pvhboot::e820_verdict;
using pvhboot::linux_era;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;

using ranges = pvhboot::span<const memory_range>;

/// This era makes `wanted` of the table, with this verdict.
constexpr bool makes(ranges given, uint32_t alt, uint16_t ext, linux_era era, e820_verdict verdict, ranges wanted) {
  memory_map_buffer<32> buffer{};
  memory_map out{buffer};
  const auto got = pvhboot::linux_e820(given, alt, ext, era, out);
  if (!got || *got != verdict || out.size() != wanted.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i)
    if (!(out[i] == wanted[i])) return false;
  return true;
}
constexpr auto low_and_64_mib = table<2>{{range(0, 0x9f000, 1), range(0x100000, 0x4000000, 1)}};
using enum linux_era;

ROW("linux_e820: vector 1, no entries (P21, P34)", {
  EXPECT(makes({}, 0x10000, 0, until_4_11, e820_verdict::fallback, low_and_64_mib));
  EXPECT(makes({}, 0x10000, 0, until_6_19, e820_verdict::fallback, low_and_64_mib));
  EXPECT(makes({}, 0x10000, 0, v7_0, e820_verdict::as_it_is, {}));
  EXPECT(makes({}, 0x10000, 0, from_7_1, e820_verdict::fallback, low_and_64_mib));
  EXPECT(makes({}, 0, 0, from_7_1, e820_verdict::fallback, table<1>{{range(0, 0x9f000, 1)}}));
});
ROW("linux_e820: vector 2, one entry (P21)", {
  constexpr table<1> one{{range(0x100000, 0x7f00000, 1)}};
  EXPECT(makes(one, 0x10000, 0, until_6_19, e820_verdict::fallback, low_and_64_mib));
  EXPECT(makes(one, 0x10000, 0, v7_0, e820_verdict::as_it_is, one));
  EXPECT(makes(one, 0x10000, 0, from_7_1, e820_verdict::as_it_is, one));
});
ROW("linux_e820: vector 3, two entries that merge", {
  constexpr table<2> two{{range(0, 0x1000, 1), range(0x1000, 0x1000, 1)}};
  EXPECT(makes(two, 0x10000, 0, until_4_11, e820_verdict::fallback, low_and_64_mib));
  EXPECT(makes(two, 0x10000, 0, until_6_19, e820_verdict::sanitized, table<1>{{range(0, 0x2000, 1)}}));
});
ROW("linux_e820: vector 17, an entry that ends at 2^64 leaves all as it is (P22)", {
  constexpr table<3> given{{range(0x100000, 0x100000, 1), range(0, 0x1000, 1), range(0xfffffffffffff000, 0x1000, 2)}};
  EXPECT(makes(given, 0, 0, until_6_19, e820_verdict::as_it_is, given));
  EXPECT(makes(given, 0, 0, until_4_11, e820_verdict::as_it_is, given));
});
ROW("linux_e820: vector 18, an entry that wraps throws the table away (C13)", {
  constexpr table<3> given{{range(0x100000, 0x100000, 1), range(0xfffffffffffff000, 0x2000, 2), range(0, 0x1000, 1)}};
  EXPECT(makes(given, 0x1000, 0xfc00, until_6_19, e820_verdict::fallback,
               table<2>{{range(0, 0x9f000, 1), range(0x100000, 0x3f00000, 1)}}));
  EXPECT(makes(given, 0x10000, 0, v7_0, e820_verdict::fallback, low_and_64_mib));
});
ROW("linux_e820: what fits nowhere", {
  memory_map_buffer<1> buffer{};
  memory_map out{buffer};
  constexpr table<2> two{{range(0, 0x2000, 1), range(0x1000, 0x2000, 2)}};
  EXPECT(fails(pvhboot::linux_e820(ranges{two}, 0, 0, until_6_19, out), errc::map_full, 0));
  EXPECT(fails(pvhboot::linux_e820(ranges{}, 1, 0, until_6_19, out), errc::map_full, 1));
  memory_map nothing{pvhboot::span<memory_range>{}, {}};
  EXPECT(fails(pvhboot::linux_e820(ranges{}, 1, 0, until_6_19, nothing), errc::map_full, 0));
  EXPECT(fails(pvhboot::linux_e820(ranges{}, 0, 0, until_6_19, nothing), errc::map_full, 0));
  table<2> storage{};
  memory_map no_scratch{storage, {}};
  constexpr table<2> unsorted{{range(0x1000, 0x1000, 1), range(0, 0x1000, 2)}};
  EXPECT(fails(pvhboot::linux_e820(ranges{unsorted}, 0, 0, until_6_19, no_scratch), errc::scratch_too_small, 2));
  EXPECT(fails(pvhboot::linux_e820(ranges{unsorted}, 0, 0, until_4_11, no_scratch), errc::scratch_too_small, 2));
});

}  // namespace
