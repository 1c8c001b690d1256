// SPDX-License-Identifier: BSL-1.0
//
// Ranges and maps as the models have them, and a library map whose storage ends where AddressSanitizer looks.
#pragma once

#include <algorithm>

#include <pvhboot/core/memory_map.hpp>
#include <pvhboot/core/queries.hpp>

#include "attack.hpp"

namespace attack {

using pvhboot::errc;
using pvhboot::memory_map;
using pvhboot::memory_range;
using pvhboot::memory_type;

/// A range without the library's help. `end` is at most 2^64.
struct piece {
  wide begin = 0;
  wide end = 0;
  uint32_t type = 0;
  friend bool operator==(const piece&, const piece&) = default;
};
using pieces = std::vector<piece>;

constexpr piece piece_of(const memory_range& r) {
  return {r.addr, std::min(wide{r.addr} + r.size, top), static_cast<uint32_t>(r.type)};
}
inline pieces pieces_of(const memory_map& map) {
  pieces made;
  for (size_t i = 0; i < map.size(); ++i) made.push_back(piece_of(map[i]));
  return made;
}

constexpr memory_range range(uint64_t addr, uint64_t size, uint32_t type) { return {addr, size, memory_type{type}}; }

/// A library map in blocks on the heap of exactly its size.
struct owned_map {
  std::vector<memory_range> storage;
  std::vector<pvhboot::sweep_slot> scratch;
  memory_map map;
  owned_map(size_t capacity, size_t slots) : storage(capacity), scratch(slots), map(storage, scratch) {}
  explicit owned_map(size_t capacity) : owned_map(capacity, capacity) {}
};

inline std::vector<memory_range> contents(const memory_map& map) { return {map.begin(), map.end()}; }

inline std::string text(const std::vector<memory_range>& ranges) {
  std::string all;
  char one[80];
  for (const memory_range& r : ranges) {
    if (all.size() > 4000) return all + " and so on, " + std::to_string(ranges.size()) + " in all";
    std::snprintf(one, sizeof one, "[%" PRIx64 "+%" PRIx64 " t%x]", r.addr, r.size, static_cast<unsigned>(r.type));
    all += one;
  }
  return all.empty() ? "[]" : all;
}

/// The result failed in this way, at this place.
template <class Result> constexpr bool fails(const Result& r, errc code, uint64_t where) {
  return !r && r.error().code == code && r.error().where == where;
}

/// What merges nowhere: PRAM, soft_reserved.
constexpr bool stays_apart(uint32_t type) { return type == 12 || type == 0xefffffff; }

inline uint32_t any_type(numbers& n) {
  static constexpr uint32_t types[] = {1, 1, 1,  1,  2,   2,          2,          3,          4,
                                       5, 7, 12, 12, 128, 0xefffffff, 0xefffffff, 0xffffffff, 0};
  return n.of(types);
}

}  // namespace attack
