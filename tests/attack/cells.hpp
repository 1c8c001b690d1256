// SPDX-License-Identifier: BSL-1.0
//
// The model of memory_map and of core/queries.hpp: it knows cells, not ranges.
//
// Points, 0 and 2^64 among them, cut the 2^64 bytes into cells: single bytes, or cells of any size. The model has the
// type of each cell, and of each point whether something begins or ends there, which matters to the types that stay
// apart. It has no sweep, no heap, no merging of neighbours, and it counts to 2^64. It works in constant expressions.
#pragma once

#include <span>

#include "ranges.hpp"

namespace attack {

class cells {
 public:
  static constexpr size_t max_points = 64;

  constexpr explicit cells(std::span<const wide> at) : at_(at) {}

  /// What sanitize must make of these: the highest type, and a cut wherever one begins or ends.
  constexpr cells(std::span<const wide> at, std::span<const memory_range> ranges) : cells(at) {
    for (const memory_range& r : ranges) {
      if (r.size == 0) continue;
      const piece p = piece_of(r);
      for (size_t i = 0; i < size(); ++i)
        if (inside(i, p)) type_[i] = std::max(type_[i], p.type);
      cut_at(p);
    }
  }

  constexpr void overwrite(const memory_range& r) {
    if (r.size == 0) return;
    const piece p = piece_of(r);
    for (size_t i = 0; i < size(); ++i)
      if (inside(i, p)) {
        type_[i] = p.type;
        cut_[i] = false;
      }
    cut_at(p);
  }
  constexpr void keep_only(const piece& p) {
    for (size_t i = 0; i < size(); ++i)
      if (!inside(i, p)) type_[i] = 0;
  }
  constexpr void merge(uint32_t type) {
    for (size_t i = 1; i < size(); ++i)
      if (type_[i] == type && type_[i - 1] == type) cut_[i] = false;
  }
  /// As the library has cut the one map whose pieces are not determined: 2^64 bytes of one type.
  constexpr void cut_like(const memory_map& map) {
    for (const memory_range& r : map) cut_at(piece_of(r));
  }

  /// Calls visit(piece) for each piece that the map must have, in order.
  template <class Visit> constexpr void for_each_piece(const Visit& visit) const {
    for (size_t i = 0, end = 0; i < size(); i = end) {
      end = i + 1;
      if (type_[i] == 0) continue;
      while (end < size() && type_[end] == type_[i] && !(stays_apart(type_[i]) && cut_[end])) ++end;
      visit(piece{point(i), point(end), type_[i]});
    }
  }
  [[nodiscard]] pieces wanted() const {
    pieces made;
    for_each_piece([&](const piece& p) { made.push_back(p); });
    return made;
  }
  /// One range of 2^64 bytes, which two must stand for.
  [[nodiscard]] constexpr bool is_full() const {
    bool full = false;
    for_each_piece([&](const piece& p) { full = p.begin == 0 && p.end == top; });
    return full;
  }
  [[nodiscard]] constexpr size_t slots() const {
    size_t n = 0;
    for_each_piece([&](const piece&) { ++n; });
    return is_full() ? 2 : n;
  }
  /// These ranges say just what the model does.
  [[nodiscard]] constexpr bool is(std::span<const memory_range> ranges) const {
    for (const memory_range& r : ranges)
      if (r.size == 0 || wide{r.addr} + r.size > top) return false;
    if (is_full()) {
      if (ranges.size() != 2) return false;
      const piece low = piece_of(ranges[0]);
      const piece high = piece_of(ranges[1]);
      return low.begin == 0 && low.end == high.begin && high.end == top && low.type == type_[0] &&
             high.type == type_[0];
    }
    size_t n = 0;
    bool same = true;
    for_each_piece([&](const piece& p) {
      same = same && n < ranges.size() && piece_of(ranges[n]) == p;
      ++n;
    });
    return same && n == ranges.size();
  }

  [[nodiscard]] constexpr wide ram() const {
    wide sum = 0;
    for (size_t i = 0; i < size(); ++i) sum += type_[i] == 1 ? point(i + 1) - point(i) : 0;
    return sum;
  }
  /// Every byte of [a, b) has this type.
  [[nodiscard]] constexpr bool all(wide a, wide b, uint32_t type) const {
    if (a >= b || b > top) return false;
    for (size_t i = 0; i < size(); ++i)
      if (point(i) < b && point(i + 1) > a && type_[i] != type) return false;
    return true;
  }

 private:
  [[nodiscard]] constexpr size_t size() const { return at_.size() - 1; }
  [[nodiscard]] constexpr wide point(size_t i) const { return at_[i]; }
  [[nodiscard]] constexpr bool inside(size_t i, const piece& p) const {
    return point(i) >= p.begin && point(i) < p.end;
  }
  constexpr void cut_at(const piece& p) {
    for (size_t i = 0; i < at_.size(); ++i)
      if (point(i) == p.begin || point(i) == p.end) cut_[i] = true;
  }

  std::span<const wide> at_;
  uint32_t type_[max_points] = {};
  bool cut_[max_points] = {};
};

/// The list is what sanitize makes of it.
constexpr bool is_clean(std::span<const wide> at, std::span<const memory_range> ranges) {
  return cells{at, ranges}.is(ranges);
}

constexpr std::span<const memory_range> ranges_of(const memory_map& map) { return {map.begin(), map.size()}; }

inline void agree(const memory_map& map, const cells& model) { AGREE(model.is(ranges_of(map)) && map.is_sanitized()); }

inline bool same(std::span<const memory_range> a, std::span<const memory_range> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

/// What a single range says of itself and of another.
inline void check_range(const memory_range& r, const memory_range& other) {
  const wide end = wide{r.addr} + r.size;
  AGREE(r.wraps() == (end > top));
  if (r.size != 0) AGREE(r.last() == static_cast<uint64_t>(std::min(end, top) - 1));
  const wide other_end = wide{other.addr} + other.size;
  AGREE(r.contains(other.addr, other.size) ==
        (other.size != 0 && other_end <= top && other.addr >= r.addr && other_end <= end));
  const piece a = piece_of(r);
  const piece b = piece_of(other);
  AGREE(r.overlaps(other) == (r.size != 0 && other.size != 0 && a.begin < b.end && b.begin < a.end));
}

/// Pairs in the order of the starts: each range that begins inside an earlier one, and the one that reaches furthest.
/// All are cut at 2^64.
inline void check_overlaps(const memory_map& map, std::span<const memory_range> given, size_t scratch) {
  std::vector<std::pair<memory_range, memory_range>> got;
  const auto done = map.report_overlaps([&](const memory_range& a, const memory_range& b) { got.emplace_back(a, b); });
  AGREE(same(ranges_of(map), given));
  if (scratch < given.size()) {
    AGREE(fails(done, errc::scratch_too_small, given.size()) && got.empty());
    return;
  }
  AGREE(done.ok());
  std::vector<memory_range> in_order;
  for (const memory_range& r : given)
    if (r.size != 0) in_order.push_back({r.addr, r.wraps() ? 0 - r.addr : r.size, r.type});
  std::stable_sort(in_order.begin(), in_order.end(),
                   [](const memory_range& a, const memory_range& b) { return a.addr < b.addr; });
  size_t n = 0;
  for (size_t i = 0; i < in_order.size(); ++i) {
    const memory_range* furthest = nullptr;
    for (size_t j = 0; j < i; ++j) {
      if (piece_of(in_order[j]).end <= in_order[i].addr) continue;
      if (!furthest || piece_of(in_order[j]).end > piece_of(*furthest).end) furthest = &in_order[j];
    }
    if (!furthest) continue;
    AGREE(n < got.size() && got[n].first == *furthest && got[n].second == in_order[i]);
    ++n;
  }
  AGREE(n == got.size());
}

}  // namespace attack
