// SPDX-License-Identifier: BSL-1.0
//
// A memory map without the library: the type at every address where it can change, and what sanitize must make of it.
#pragma once

#include <algorithm>

#include "harness.hpp"
#include "wide.hpp"

namespace fuzz {

using ranges = std::vector<memory_range>;

inline wide end_of(const memory_range& r) { return std::min(wide{r.addr} + r.size, wide{1} << 64); }

/// The starts and ends of the ranges, sorted.
inline std::vector<wide> change_points(const ranges& all) {
  std::vector<wide> points;
  for (const memory_range& r : all)
    if (r.size != 0) points.insert(points.end(), {wide{r.addr}, end_of(r)});
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

/// The type at an address by the rule of sanitize; 0 if no range covers it.
inline memory_type type_at(const ranges& all, wide a) {
  memory_type best{};
  for (const memory_range& r : all)
    if (a >= r.addr && a < end_of(r)) best = std::max(best, r.type);
  return best;
}

inline bool merge_allowed(memory_type t) { return t != memory_type::pram && t != memory_type::soft_reserved; }

/// The expected result of sanitize, in O(n^2).
inline ranges model(const ranges& all) {
  ranges made;
  const auto points = change_points(all);
  for (size_t i = 1; i < points.size(); ++i) {
    const memory_type type = type_at(all, points[i - 1]);
    if (type == memory_type{}) continue;
    const wide size = points[i] - points[i - 1];
    if (!made.empty() && made.back().type == type && merge_allowed(type) && end_of(made.back()) == points[i - 1] &&
        made.back().size + size <= ~uint64_t{})  // a size cannot hold 2^64
      made.back().size += static_cast<uint64_t>(size);
    else
      made.push_back({static_cast<uint64_t>(points[i - 1]), static_cast<uint64_t>(size), type});
  }
  return made;
}

/// What lies in [from, to) of a sorted list, with nothing merged.
inline ranges cut(const ranges& all, wide from, wide to) {
  ranges made;
  for (const memory_range& r : all) {
    const wide low = std::max(wide{r.addr}, from);
    const wide high = std::min(end_of(r), to);
    if (low < high) made.push_back({static_cast<uint64_t>(low), static_cast<uint64_t>(high - low), r.type});
  }
  return made;
}

/// The ranges are sorted, disjoint, not empty and end at most at 2^64.
inline bool in_shape(const ranges& all) {
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].size == 0 || all[i].type == memory_type{} || wide{all[i].addr} + all[i].size > wide{1} << 64)
      return false;
    if (i != 0 && end_of(all[i - 1]) > all[i].addr) return false;
  }
  return true;
}

/// Whether both maps have the same types at the same addresses, in any pieces.
inline bool same_coverage(const ranges& a, const ranges& b) {
  ranges both = a;
  both.insert(both.end(), b.begin(), b.end());
  for (const wide point : change_points(both))
    if (type_at(a, point) != type_at(b, point)) return false;
  return true;
}

}  // namespace fuzz
