// SPDX-License-Identifier: BSL-1.0
//
// sanitize against Linux's behaviour and against a model that works byte by byte.
#include <random>
#include <vector>

#include <pvhboot/core/random_ram.hpp>

#include "row.hpp"

namespace {

using namespace test;
using pvhboot::array;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;
using pvhboot::span;

constexpr bool equal(const memory_map& map, span<const memory_range> wanted) {
  if (map.size() != wanted.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i)
    if (!(map[i] == wanted[i])) return false;
  return true;
}

/// sanitize(given) == wanted, and sanitising again changes nothing.
constexpr bool becomes(span<const memory_range> given, span<const memory_range> wanted) {
  memory_map_buffer<64> buffer{};
  memory_map map{buffer};
  if (!map.append(given) || !map.sanitize() || !equal(map, wanted) || !map.is_sanitized()) return false;
  return map.sanitize() && equal(map, wanted);
}

ROW("a map over storage that another map sanitised", {
  memory_map_buffer<8> buffer{};
  buffer.ranges[0] = range(0x1000, 0x1000, 1);
  const memory_map known{buffer.ranges, buffer.scratch, 1, true};
  const memory_map unknown{buffer.ranges, buffer.scratch, 1};
  EXPECT(known.known_sanitized() && !unknown.known_sanitized() && equal(known, table<1>{{range(0x1000, 0x1000, 1)}}));
});

ROW("clear: an empty map is sanitised, whatever it was", {
  memory_map_buffer<2> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(range(0, 0, 0)) && !map.known_sanitized());
  map.clear();
  EXPECT(map.known_sanitized() && map.empty());
});
ROW("sanitize: a map that is known to be sanitised is not looked at", {
  array<memory_range, 2> storage{range(0x2000, 1, 1), range(0x1000, 1, 1)};
  memory_map map{storage, {}, 2, true};
  EXPECT(map.sanitize() && equal(map, table<2>{{range(0x2000, 1, 1), range(0x1000, 1, 1)}}));
});
ROW("cut_last: two ranges of all memory become one", {
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(range(0, uint64_t{1} << 63, 1)) && map.append(range(uint64_t{1} << 63, uint64_t{1} << 63, 1)));
  EXPECT(map.sanitize() && map.size() == 2);
  map.cut_last(0x1000);
  EXPECT(map.is_sanitized() && equal(map, table<1>{{range(0, (uint64_t{1} << 63) + 0x1000, 1)}}));
});
ROW("cut_last: ranges stay apart that never merge, or whose map is not known to be sanitised", {
  constexpr uint64_t half = uint64_t{1} << 63;
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(range(0, half, 12)) && map.append(range(half, half, 12)) && map.sanitize());
  map.cut_last(0x1000);
  EXPECT(equal(map, table<2>{{range(0, half, 12), range(half, 0x1000, 12)}}));
  array<memory_range, 2> storage{range(0, half, 1), range(half, half, 1)};
  memory_map unknown{storage, {}, 2};
  unknown.cut_last(0x1000);
  EXPECT(equal(unknown, table<2>{{range(0, half, 1), range(half, 0x1000, 1)}}));
});

// What Linux's e820__update_table() makes of each: the numbers are those of the project's collection of vectors, whose
// number 22 is the example in the comment above that function.
ROW("sanitize: vector 3, adjacent ranges of one type merge", {
  EXPECT(becomes(table<2>{{range(0, 0x1000, 1), range(0x1000, 0x1000, 1)}}, table<1>{{range(0, 0x2000, 1)}}));
});
ROW("sanitize: vector 4, sorts", {
  EXPECT(becomes(table<3>{{range(0x100000, 0x100000, 1), range(0, 0x9fc00, 1), range(0x9fc00, 0x400, 2)}},
                 table<3>{{range(0, 0x9fc00, 1), range(0x9fc00, 0x400, 2), range(0x100000, 0x100000, 1)}}));
});
ROW("sanitize: vector 5, a higher type cuts a hole", {
  EXPECT(becomes(table<2>{{range(0, 0x10000, 1), range(0x4000, 0x1000, 2)}},
                 table<3>{{range(0, 0x4000, 1), range(0x4000, 0x1000, 2), range(0x5000, 0xb000, 1)}}));
});
ROW("sanitize: an overlap of a single byte", {
  EXPECT(becomes(table<2>{{range(0, 0x1001, 1), range(0x1000, 0x1000, 2)}},
                 table<2>{{range(0, 0x1000, 1), range(0x1000, 0x1000, 2)}}));
});
ROW("sanitize: vector 6, a lower type disappears", {
  EXPECT(becomes(table<2>{{range(0, 0x10000, 2), range(0x4000, 0x1000, 1)}}, table<1>{{range(0, 0x10000, 2)}}));
});
ROW("sanitize: vector 7, same start", {
  EXPECT(becomes(table<2>{{range(0x1000, 0x1000, 1), range(0x1000, 0x3000, 3)}}, table<1>{{range(0x1000, 0x3000, 3)}}));
});
ROW("sanitize: vector 8, adjacent ranges of two types stay", {
  EXPECT(becomes(table<2>{{range(0, 0x1000, 2), range(0x1000, 0x1000, 1)}},
                 table<2>{{range(0, 0x1000, 2), range(0x1000, 0x1000, 1)}}));
});
ROW("sanitize: vector 9, an empty range vanishes (C6)", {
  EXPECT(becomes(table<2>{{range(0, 0x1000, 1), range(0x5000, 0, 2)}}, table<1>{{range(0, 0x1000, 1)}}));
});
ROW("sanitize: vector 10, nothing but empty ranges", {
  EXPECT(becomes(table<2>{{range(0, 0, 1), range(0x5000, 0, 2)}}, {}));
});
ROW("sanitize: vector 11, type 0 vanishes", {
  EXPECT(becomes(table<2>{{range(0, 0x1000, 0), range(0x5000, 0x1000, 1)}}, table<1>{{range(0x5000, 0x1000, 1)}}));
});
ROW("sanitize: vector 12, type 0 takes nothing away", {
  EXPECT(becomes(table<2>{{range(0, 0x3000, 1), range(0x1000, 0x1000, 0)}}, table<1>{{range(0, 0x3000, 1)}}));
});
ROW("sanitize: vector 13, pram never merges", {
  EXPECT(becomes(table<2>{{range(0, 0x1000, 12), range(0x1000, 0x1000, 12)}},
                 table<2>{{range(0, 0x1000, 12), range(0x1000, 0x1000, 12)}}));
});
ROW("sanitize: vector 14, pram is split where another range begins", {
  EXPECT(becomes(table<2>{{range(0, 0x10000, 12), range(0x4000, 0x20000, 1)}},
                 table<3>{{range(0, 0x4000, 12), range(0x4000, 0xc000, 12), range(0x10000, 0x14000, 1)}}));
});
ROW("sanitize: vector 15, pmem merges", {
  EXPECT(becomes(table<2>{{range(0, 0x1000, 7), range(0x1000, 0x1000, 7)}}, table<1>{{range(0, 0x2000, 7)}}));
});
ROW("sanitize: vector 16, soft_reserved is split at both ends of another range", {
  EXPECT(becomes(
      table<2>{{range(0, 0x10000, 0xefffffff), range(0x4000, 0x2000, 2)}},
      table<3>{{range(0, 0x4000, 0xefffffff), range(0x4000, 0x2000, 0xefffffff), range(0x6000, 0xa000, 0xefffffff)}}));
});
ROW("sanitize: vector 19, duplicates", {
  EXPECT(becomes(table<2>{{range(0, 0x1000, 1), range(0, 0x1000, 1)}}, table<1>{{range(0, 0x1000, 1)}}));
});
ROW("sanitize: vector 20, the ISA hole that Linux appends", {
  EXPECT(becomes(table<2>{{range(0, 0x40000000, 1), range(0xa0000, 0x60000, 2)}},
                 table<3>{{range(0, 0xa0000, 1), range(0xa0000, 0x60000, 2), range(0x100000, 0x3ff00000, 1)}}));
});
ROW("sanitize: vector 21, type numbers compare as unsigned", {
  EXPECT(becomes(table<2>{{range(0, 0x4000, 0x80), range(0x1000, 0x1000, 0xefffffff)}},
                 table<3>{{range(0, 0x1000, 0x80), range(0x1000, 0x1000, 0xefffffff), range(0x2000, 0x2000, 0x80)}}));
});
ROW("sanitize: vector 22, Linux's own example", {
  EXPECT(becomes(table<13>{{range(4, 2, 2), range(22, 1, 4), range(4, 4, 1), range(1, 2, 4), range(0, 8, 1),
                            range(20, 2, 3), range(11, 2, 4), range(10, 5, 3), range(14, 2, 2), range(19, 4, 2),
                            range(9, 9, 1), range(21, 2, 1), range(17, 1, 4)}},
                 table<15>{{range(0, 1, 1), range(1, 2, 4), range(3, 1, 1), range(4, 2, 2), range(6, 2, 1),
                            range(9, 1, 1), range(10, 1, 3), range(11, 2, 4), range(13, 2, 3), range(15, 1, 2),
                            range(16, 1, 1), range(17, 1, 4), range(19, 1, 2), range(20, 2, 3), range(22, 1, 4)}}));
});
ROW("sanitize: a range that ends at 2^64 does not switch it off (P22, vector 17)", {
  EXPECT(becomes(table<3>{{range(0x100000, 0x100000, 1), range(0, 0x1000, 1), range(0xfffffffffffff000, 0x1000, 2)}},
                 table<3>{{range(0, 0x1000, 1), range(0x100000, 0x100000, 1), range(0xfffffffffffff000, 0x1000, 2)}}));
});
ROW("sanitize: a range that wraps is cut at 2^64 (C13, vector 18)", {
  EXPECT(becomes(table<3>{{range(0x100000, 0x100000, 1), range(0xfffffffffffff000, 0x2000, 2), range(0, 0x1000, 1)}},
                 table<3>{{range(0, 0x1000, 1), range(0x100000, 0x100000, 1), range(0xfffffffffffff000, 0x1000, 2)}}));
  EXPECT(becomes(table<2>{{range(0x1000, ~uint64_t{}, 1), range(0xffffffffffffe000, 0x1000, 5)}},
                 table<3>{{range(0x1000, 0xffffffffffffd000, 1), range(0xffffffffffffe000, 0x1000, 5),
                           range(0xfffffffffffff000, 0x1000, 1)}}));
});
ROW("sanitize: all 2^64 bytes of one type do not fit a size, and stay in two ranges", {
  constexpr uint64_t half = uint64_t{1} << 63;
  EXPECT(becomes(table<2>{{range(half, half, 1), range(0, half, 1)}},
                 table<2>{{range(0, half, 1), range(half, half, 1)}}));
  EXPECT(becomes(table<2>{{range(0, ~uint64_t{}, 1), range(~uint64_t{}, 1, 2)}},
                 table<2>{{range(0, ~uint64_t{}, 1), range(~uint64_t{}, 1, 2)}}));
});
ROW("sanitize: unknown types pass through (P7, C7)", {
  EXPECT(becomes(table<4>{{range(3, 1, 0xffffffff), range(2, 1, 16), range(1, 1, 9), range(0, 1, 6)}},
                 table<4>{{range(0, 1, 6), range(1, 1, 9), range(2, 1, 16), range(3, 1, 0xffffffff)}}));
});
ROW("sanitize: the map of a 64 MiB Xen guest (C2, C3, C4)", {
  EXPECT(becomes(table<5>{{range(0, 0x4000000, 1), range(0xfeff8000, 0x8000, 2), range(0xfc008000, 0x40, 3),
                           range(0xfc000000, 0x1000, 3), range(0xfc001000, 0x7000, 3)}},
                 table<3>{{range(0, 0x4000000, 1), range(0xfc000000, 0x8040, 3), range(0xfeff8000, 0x8000, 2)}}));
});

ROW("memory_map: map_full keeps what was there, and says what is needed", {
  memory_map_buffer<2> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(range(0, 0x10000, 1)) && map.append(range(0x4000, 0x1000, 2)));
  EXPECT(fails(map.append(range(0, 1, 1)), errc::map_full, 2));
  EXPECT(fails(map.append(table<1>{{range(0, 1, 1)}}), errc::map_full, 2));
  EXPECT(fails(map.sanitize(), errc::map_full, 3));
  EXPECT(map.size() == 2 && map[0] == range(0, 0x10000, 1) && map[1] == range(0x4000, 0x1000, 2));
});
ROW("memory_map: scratch_too_small; a clean map needs no scratch", {
  table<4> storage{};
  pvhboot::array<pvhboot::sweep_slot, 1> scratch{};
  memory_map map{storage, scratch};
  EXPECT(map.append(range(0x1000, 0x1000, 1)) && map.append(range(0x3000, 0x1000, 1)));
  EXPECT(map.sanitize());
  EXPECT(map.append(range(0, 0x1000, 2)));
  EXPECT(fails(map.sanitize(), errc::scratch_too_small, 3));
  EXPECT(map.size() == 3);
});
ROW("memory_map: an empty map is clean", { EXPECT(becomes({}, {})); });

ROW("report_overlaps: each range that begins inside an earlier one; the map stays", {
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(table<5>{{range(0x8000, 0x1000, 1), range(0, 0x4000, 1), range(0x1000, 0x1000, 2),
                              range(0x3fff, 1, 3), range(0x2000, 0, 2)}}));
  int n = 0;
  EXPECT(map.report_overlaps([&](const memory_range& earlier, const memory_range& later) {
    n +=
        earlier == range(0, 0x4000, 1) && (later == range(0x1000, 0x1000, 2) || later == range(0x3fff, 1, 3)) ? 1 : 100;
  }));
  EXPECT(n == 2 && map[0] == range(0x8000, 0x1000, 1) && map.size() == 5);
  memory_map without_scratch{buffer.ranges, {}};
  EXPECT(without_scratch.append(range(0, 1, 1)));
  EXPECT(fails(without_scratch.report_overlaps([](const memory_range&, const memory_range&) {}),
               errc::scratch_too_small, 1));
});
ROW("memory_map: insert, overwrite", {
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.insert(range(0, 0x10000, 5)) && map.insert(range(0x4000, 0x1000, 2)));
  EXPECT(equal(map, table<1>{{range(0, 0x10000, 5)}}));
  EXPECT(map.overwrite(range(0x4000, 0x1000, 2)));
  EXPECT(equal(map, table<3>{{range(0, 0x4000, 5), range(0x4000, 0x1000, 2), range(0x5000, 0xb000, 5)}}));
  EXPECT(map.overwrite(range(0, 0x8000, 1)));
  EXPECT(equal(map, table<2>{{range(0, 0x8000, 1), range(0x8000, 0x8000, 5)}}));
});
ROW("memory_map: insert and overwrite that fail leave the map as it was", {
  memory_map_buffer<3> buffer{};
  memory_map map{buffer};
  EXPECT(map.insert(range(0, 0x1000, 1)) && map.insert(range(0x4000, 0x4000, 1)));
  EXPECT(fails(map.insert(range(0x5000, 0x1000, 2)), errc::map_full, 4));
  EXPECT(equal(map, table<2>{{range(0, 0x1000, 1), range(0x4000, 0x4000, 1)}}));
  EXPECT(fails(map.overwrite(range(0x5000, 0x1000, 2)), errc::map_full, 4));
  EXPECT(equal(map, table<2>{{range(0, 0x1000, 1), range(0x4000, 0x4000, 1)}}));
  table<8> storage{};
  memory_map narrow{storage, {}};
  EXPECT(narrow.append(range(0, 0x4000, 1)));
  EXPECT(fails(narrow.insert(range(0x1000, 0x1000, 2)), errc::scratch_too_small, 2) && narrow.size() == 1);
});
ROW("memory_map: overwrite needs no scratch, and leaves a sanitised map", {
  table<8> storage{};
  memory_map map{storage, {}};
  EXPECT(map.overwrite(range(0x2000, 0x2000, 1)) && map.overwrite(range(0x8000, 0x1000, 12)));
  EXPECT(map.overwrite(range(0, 0x1000, 1)) && map.overwrite(range(0x3000, 0, 2)) && map.overwrite(range(0, 4, 0)));
  EXPECT(equal(map, table<3>{{range(4, 0xffc, 1), range(0x2000, 0x2000, 1), range(0x8000, 0x1000, 12)}}));
  EXPECT(map.overwrite(range(0x1000, 0x1000, 1)) && map.overwrite(range(0x9000, 0x1000, 12)));
  EXPECT(equal(map, table<3>{{range(4, 0x3ffc, 1), range(0x8000, 0x1000, 12), range(0x9000, 0x1000, 12)}}));
  EXPECT(map.overwrite(range(~uint64_t{} - 0xfff, 0x2000, 2)) && map[3] == range(~uint64_t{} - 0xfff, 0x1000, 2));
  EXPECT(map.is_sanitized());
});
ROW("memory_map: what was too long for one range is not after punch and intersect", {
  table<4> storage{};
  memory_map map{storage, {}};
  constexpr uint64_t half = uint64_t{1} << 63;
  const auto all = [&] {
    map.clear();
    return map.append(table<2>{{range(0, half, 1), range(half, half, 1)}}).ok() && map.is_sanitized();
  };
  EXPECT(all() && map.punch(0x1000, 0x1000));
  EXPECT(equal(map, table<2>{{range(0, 0x1000, 1), range(0x2000, 0 - uint64_t{0x2000}, 1)}}));
  EXPECT(all() && map.punch(0, 0x1000) && equal(map, table<1>{{range(0x1000, 0 - uint64_t{0x1000}, 1)}}));
  EXPECT(all() && map.overwrite(range(half + 0x1000, 0x1000, 2)) && map.size() == 3);
  EXPECT(map[0] == range(0, half + 0x1000, 1) && map[1] == range(half + 0x1000, 0x1000, 2) && map.is_sanitized());
  EXPECT(all());
  map.intersect(0x1000, half);
  EXPECT(equal(map, table<1>{{range(0x1000, half, 1)}}));
});
ROW("memory_map: punch", {
  memory_map_buffer<3> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(table<2>{{range(0x1000, 0x3000, 1), range(0x4000, 0x1000, 2)}}));
  EXPECT(map.punch(0, 0x1000) && map.punch(0x5000, 0x1000) && map.punch(0x2000, 0) && map.size() == 2);
  EXPECT(map.punch(0x2000, 0x1000));
  EXPECT(equal(map, table<3>{{range(0x1000, 0x1000, 1), range(0x3000, 0x1000, 1), range(0x4000, 0x1000, 2)}}));
  EXPECT(fails(map.punch(0x4400, 0x400), errc::map_full, 4) && map.size() == 3);
  EXPECT(map.punch(0x3800, 0xc00));
  EXPECT(equal(map, table<3>{{range(0x1000, 0x1000, 1), range(0x3000, 0x800, 1), range(0x4400, 0xc00, 2)}}));
  EXPECT(map.punch(0, ~uint64_t{}) && map.empty());
});
ROW("memory_map: intersect", {
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(table<3>{{range(0, 0x2000, 1), range(0x2000, 0x1000, 2), range(0xfffffffffffff000, 0x1000, 1)}}));
  map.intersect(0x1000, 0x1800);
  EXPECT(equal(map, table<2>{{range(0x1000, 0x1000, 1), range(0x2000, 0x800, 2)}}));
  map.intersect(0x1000, ~uint64_t{});
  EXPECT(map.size() == 2);
  map.intersect(0, 0);
  EXPECT(map.empty());
});

constexpr auto pc = table<4>{{range(0, 0x9fc00, 1), range(0x9fc00, 0x60400, 2), range(0x100000, 0xff00000, 1),
                              range(0x100000000, 0x40000000, 1)}};

ROW("memory_map: total_ram and covers", {
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(pc));
  EXPECT(total_ram(map) == 0x9fc00 + 0xff00000 + 0x40000000);
  EXPECT(covers(map, 0x100000, 0xff00000, memory_type::ram) && !covers(map, 0x100000, 0xff00001, memory_type::ram));
  EXPECT(!covers(map, 0xfffff, 2, memory_type::ram) && !covers(map, 0x100000, 0, memory_type::ram));
  EXPECT(!covers(map, ~uint64_t{}, 2, memory_type::ram));
});
ROW("memory_map: find_lowest_ram", {
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(pc));
  EXPECT(*find_lowest_ram(map, 0x1000, 0x1000, 1, 0xffffffff) == 0x1000);
  EXPECT(*find_lowest_ram(map, 0x9fc00, 1, 0, 0xffffffff) == 0);
  EXPECT(*find_lowest_ram(map, 0x9fc01, 0x200000, 0, 0xffffffff) == 0x200000);
  EXPECT(*find_lowest_ram(map, 0x10000000, 0x1000, 0, ~uint64_t{}) == 0x100000000);
  EXPECT(*find_lowest_ram(map, 0x10, 1, 0x100008, 0x100017) == 0x100008);
  EXPECT(fails(find_lowest_ram(map, 0x10, 1, 0x100008, 0x100016), errc::no_free_range, 0x10));
  EXPECT(fails(find_lowest_ram(map, 0x10, 0x100, 0xfffffff1, 0xffffffff), errc::no_free_range, 0x10));
  EXPECT(fails(find_lowest_ram(map, 0, 1, 0, ~uint64_t{}), errc::no_free_range, 0));
  EXPECT(fails(find_lowest_ram(map, 0x40000001, 1, 0, ~uint64_t{}), errc::no_free_range, 0x40000001));
});
ROW("memory_map: find_highest_ram", {
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(pc));
  EXPECT(*find_highest_ram(map, 0x1000, 0x1000, 0, 0x9ffff) == 0x9e000);
  EXPECT(*find_highest_ram(map, 0x1000, 0x1000, 0, ~uint64_t{}) == 0x13ffff000);
  EXPECT(*find_highest_ram(map, 0x1000, 0x1000, 0, 0xffffffff) == 0xffff000);
  EXPECT(*find_highest_ram(map, 0xff00000, 0x100000, 0, 0xffffffff) == 0x100000);
  EXPECT(fails(find_highest_ram(map, 0xff00000, 0x200000, 0x100000, 0xffffffff), errc::no_free_range, 0xff00000));
  EXPECT(fails(find_highest_ram(map, 0x1000, 0x1000, 0xa0000, 0xfffff), errc::no_free_range, 0x1000));
  EXPECT(fails(find_highest_ram(map, 0, 1, 0, ~uint64_t{}), errc::no_free_range, 0));
});
ROW("total_ram: all memory is one byte more than can be said", {
  memory_map_buffer<2> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(range(0, ~uint64_t{}, 1)) && total_ram(map) == ~uint64_t{});
  EXPECT(map.append(range(~uint64_t{}, 1, 1)) && map.is_sanitized() && total_ram(map) == ~uint64_t{});
});
ROW("find: at the very top of the address space", {
  memory_map_buffer<2> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(range(0xfffffffffffff800, 0x800, 1)));
  EXPECT(*find_highest_ram(map, 0x800, 0x800, 0, ~uint64_t{}) == 0xfffffffffffff800);
  EXPECT(*find_lowest_ram(map, 0x800, 0x800, 0, ~uint64_t{}) == 0xfffffffffffff800);
  EXPECT(fails(find_lowest_ram(map, 1, 0x1000, 0, ~uint64_t{}), errc::no_free_range, 1));
});

ROW("memory_range: last, wraps, contains, overlaps (P8)", {
  EXPECT(range(0xfffffffffffff000, 0x1000, 1).last() == ~uint64_t{});
  EXPECT(!range(0xfffffffffffff000, 0x1000, 1).wraps() && range(0xfffffffffffff000, 0x1001, 1).wraps());
  EXPECT(!range(~uint64_t{}, 0, 1).wraps());
  EXPECT(range(0, 0xa0000, 1).last() == 0x9ffff);
  EXPECT(range(0x1000, 0x1000, 1).contains(0x1fff, 1) && !range(0x1000, 0x1000, 1).contains(0x2000, 1));
  EXPECT(!range(0x1000, 0x1000, 1).contains(0x1000, 0) && !range(0x1000, 0x1000, 1).contains(0xfff, 2));
  EXPECT(range(0x1000, 0x1000, 1).overlaps(range(0x1fff, 1, 2)) &&
         !range(0x1000, 0x1000, 1).overlaps(range(0x2000, 1, 2)));
  EXPECT(!range(0x1000, 0x1000, 1).overlaps(range(0x1800, 0, 2)));
});

// Properties, on random maps of a small address space.

constexpr uint64_t space = 64;

/// The type of every byte, by the rule alone.
std::vector<uint32_t> painted(const std::vector<memory_range>& ranges) {
  std::vector<uint32_t> bytes(space, 0);
  for (const memory_range& r : ranges)
    for (uint64_t a = r.addr; a < r.addr + r.size; ++a)
      bytes[static_cast<size_t>(a)] = std::max(bytes[static_cast<size_t>(a)], static_cast<uint32_t>(r.type));
  return bytes;
}

/// n ranges anywhere in the space, of every kind of type.
std::vector<memory_range> random_ranges(std::mt19937& random, size_t n) {
  const uint32_t types[] = {0, 1, 1, 2, 3, 5, 12, 0xefffffff};
  std::vector<memory_range> ranges(n);
  for (memory_range& r : ranges) {
    r.addr = random() % space;
    r.size = random() % (space - r.addr + 1);
    r.type = memory_type{types[random() % 8]};
  }
  return ranges;
}

TEST_CASE("sanitize: equals a model that works byte by byte") {
  std::mt19937 random(20261122);
  for (int round = 0; round < 20000; ++round) {
    const std::vector<memory_range> given = random_ranges(random, random() % 12);
    memory_map_buffer<32> buffer;
    memory_map map{buffer};
    REQUIRE(map.append(given));
    REQUIRE(map.sanitize());
    REQUIRE(map.is_sanitized());
    const std::vector<memory_range> got(map.begin(), map.end());
    REQUIRE(painted(got) == painted(given));
    for (size_t i = 1; i < got.size(); ++i) REQUIRE(got[i - 1].last() < got[i].addr);
    REQUIRE(got.size() <= (given.empty() ? 0 : 2 * given.size() - 1));
    REQUIRE(map.sanitize());
    REQUIRE(std::vector<memory_range>(map.begin(), map.end()) == got);
  }
}

TEST_CASE("sanitize: laws on every small map") {
  // All maps of three ranges in a space of 4 bytes, types 0 to 2.
  std::vector<memory_range> all;
  for (uint64_t addr = 0; addr < 4; ++addr)
    for (uint64_t size = 0; addr + size <= 4; ++size)
      for (uint32_t type = 0; type < 3; ++type) all.push_back(range(addr, size, type));
  for (const memory_range& a : all)
    for (const memory_range& b : all)
      for (const memory_range& c : all) {
        memory_map_buffer<8> buffer;
        memory_map map{buffer};
        const std::vector<memory_range> given{a, b, c};
        const bool ok = map.append(given).ok() && map.sanitize().ok() && map.is_sanitized() &&
                        painted({map.begin(), map.end()}) == painted(given);
        if (!ok) FAIL("on a map of three ranges");
      }
}

TEST_CASE("punch, intersect, overwrite: equal a model that works byte by byte") {
  std::mt19937 random(11);
  for (int round = 0; round < 20000; ++round) {
    memory_map_buffer<32> buffer;
    memory_map map{buffer};
    REQUIRE(map.append(random_ranges(random, 8)));
    REQUIRE(map.sanitize());
    std::vector<uint32_t> bytes = painted({map.begin(), map.end()});
    memory_range part = random_ranges(random, 1)[0];
    part.type = memory_type::nvs;
    const auto what = random() % 3;
    for (uint64_t a = 0; a < space; ++a) {
      uint32_t& type = bytes[static_cast<size_t>(a)];
      const bool inside = part.contains(a, 1);
      if (what == 0 && inside) type = 0;
      if (what == 1 && !inside) type = 0;
      if (what == 2 && inside) type = 4;
    }
    if (what == 0) REQUIRE(map.punch(part.addr, part.size));
    if (what == 1) map.intersect(part.addr, part.size);
    if (what == 2) REQUIRE(map.overwrite(part));
    REQUIRE(painted({map.begin(), map.end()}) == bytes);
    REQUIRE(map.is_sanitized());
  }
}

TEST_CASE("find: equals a search byte by byte") {
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::vector<memory_range> given(random() % 6);
    for (memory_range& r : given) {
      r.addr = random() % space;
      r.size = random() % (space - r.addr + 1);
      r.type = memory_type{1 + static_cast<uint32_t>(random() % 2)};
    }
    memory_map_buffer<16> buffer;
    memory_map map{buffer};
    REQUIRE(map.append(given));
    REQUIRE(map.sanitize());
    const std::vector<uint32_t> bytes = painted(given);
    const uint64_t n = 1 + random() % 8, align = uint64_t{1} << random() % 4, first = random() % space,
                   last = random() % space;
    std::vector<uint64_t> places;
    for (uint64_t a = 0; a < space; a += align) {
      bool all = a >= first && a + n - 1 <= last;
      for (uint64_t i = 0; all && i < n; ++i) all = a + i < space && bytes[static_cast<size_t>(a + i)] == 1;
      if (all) places.push_back(a);
    }
    const auto low = find_lowest_ram(map, n, align, first, last);
    const auto high = find_highest_ram(map, n, align, first, last);
    REQUIRE(low.ok() == !places.empty());
    REQUIRE(high.ok() == !places.empty());
    if (places.empty()) continue;
    REQUIRE(*low == places.front());
    REQUIRE(*high == places.back());
    REQUIRE(count_ram_places(map, n, align, first, last) == places.size());
    const uint64_t number = uint64_t{random()} << 32 | random();
    const auto index = static_cast<size_t>(pvhboot::scale_random(number, places.size()));
    REQUIRE(find_random_ram(map, n, align, first, last, number).value_or(~uint64_t{}) == places[index]);
  }
}

constexpr uint64_t top = ~uint64_t{};
constexpr memory_range ram(uint64_t addr, uint64_t size) { return range(addr, size, 1); }

ROW("find_random_ram: every place of every range of RAM and no other", {
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(table<4>{{ram(0x800, 0x1c00), range(0x3000, 0x1000, 2), ram(0x4000, 0xfff), ram(0x7fff, 0x3001)}}));
  const auto places = [&](uint64_t n, uint64_t align, uint64_t first, uint64_t last, uint64_t wanted) {
    return count_ram_places(map, n, align, first, last) == wanted;
  };
  EXPECT(places(0x1000, 0x1000, 0, top, 1 + 3) && places(0x400, 0x400, 0, top, 7 + 3 + 12) && places(0, 1, 0, top, 0));
  EXPECT(places(0x1000, 0x1000, 0x1001, 0x9fff, 2) && places(0x1000, 0x1000, 0x1001, 0x9ffe, 1));
  EXPECT(places(0x1000, uint64_t{1} << 40, 0, top, 0) && places(0x1000, 0x1000, 0x6000, 0x5000, 0));
  const auto at = [&](uint64_t random) { return find_random_ram(map, 0x1000, 0x1000, 0, top, random).value_or(0); };
  EXPECT(at(0) == 0x1000 && at(top / 4) == 0x1000 && at(top / 4 + 1) == 0x8000 && at(top / 2 + 1) == 0x9000);
  EXPECT(at(top / 4 * 3 + 3) == 0xa000 && at(top) == 0xa000);
  EXPECT(fails(find_random_ram(map, 0x10000, 1, 0, top, 0), errc::no_free_range, 0x10000));
  EXPECT(fails(find_random_ram(map, 0x1000, 0, 0, top, 0), errc::no_free_range, 0x1000));
});
ROW("find_random_ram: at the top of 64 bits", {
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(table<2>{{ram(0, 1), ram(1, top)}}));
  EXPECT(count_ram_places(map, 1, 1, 0, top) == top);  // one less than there are
  EXPECT(find_random_ram(map, 1, 1, 0, top, top).value_or(0) == top - 1);
  EXPECT(count_ram_places(map, 1, uint64_t{1} << 40, 1, top) == (1 << 24) - 1);
  EXPECT(find_random_ram(map, 1, uint64_t{1} << 63, 1, top, 7).value_or(0) == uint64_t{1} << 63);
  memory_map_buffer<1> one{};
  memory_map high{one};
  EXPECT(high.append(ram(top - 0xffe, 0xfff)) && count_ram_places(high, 1, 0x1000, 0, top) == 0);
});
TEST_CASE("scale_random: the high half of a product of 128 bits") {
  CHECK(pvhboot::scale_random(top, top) == top - 1);
  CHECK(pvhboot::scale_random(top, 1) == 0);
  CHECK(pvhboot::scale_random(top, 0) == 0);
#ifdef __SIZEOF_INT128__
  uint64_t x = 1;
  for (int i = 0; i < 10000; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    const uint64_t n = (x * 0x9e3779b97f4a7c15u) >> (i % 64);
    __extension__ typedef unsigned __int128 wide;
    CHECK(pvhboot::scale_random(x, n) == static_cast<uint64_t>((wide{x} * n) >> 64));
  }
#endif
}
static_assert(pvhboot::scale_random(uint64_t{1} << 63, 3) == 1 && pvhboot::scale_random(0x5555555555555556, 3) == 1 &&
              pvhboot::scale_random(0x5555555555555555, 3) == 0);
ROW("memory_map: assign copies ranges and what is known of them, or finds no room", {
  memory_map_buffer<2> two{};
  memory_map_buffer<1> one{};
  memory_map from{two};
  memory_map to{one};
  EXPECT(from.append(ram(1, 1)) && !to.assign(from).ok() == false && to.size() == 1 && !to.known_sanitized());
  EXPECT(from.append(ram(3, 1)) && fails(to.assign(from), errc::map_full, 2) && to.size() == 1);
});

}  // namespace
