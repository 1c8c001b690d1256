// SPDX-License-Identifier: BSL-1.0
//
// Every question of core/queries.hpp and core/random_ram.hpp to one sanitised map. The model tries every address.
#pragma once

#include <optional>

#include <pvhboot/core/random_ram.hpp>

#include "small_maps.hpp"

namespace proofs {

inline count questions{"questions"};

/// The addresses near those of the place, in order: the six, and the bytes between them and around them.
inline std::vector<uint64_t> bytes_of(const place& at) {
  std::vector<uint64_t> all;
  for (const wide a : at.addresses)
    for (const wide b : {a - 1, a, a + 1})
      if (b < top) all.push_back(static_cast<uint64_t>(b));
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

/// In how many places n bytes of RAM begin at a multiple of align, and which these are. Only where cells are bytes.
inline std::vector<uint64_t> places_for(const cells& model, std::span<const uint64_t> bytes, uint64_t n, uint64_t align,
                                        uint64_t first, uint64_t last) {
  std::vector<uint64_t> found;
  for (const uint64_t a : bytes)
    if (a % align == 0 && a >= first && wide{a} + n <= wide{last} + 1 && model.all(a, wide{a} + n, 1))
      found.push_back(a);
  return found;
}

inline void search(const memory_map& map, const cells& model, std::span<const uint64_t> bytes, uint64_t n,
                   uint64_t align, uint64_t first, uint64_t last) {
  ++questions;
  const std::vector<uint64_t> wanted = places_for(model, bytes, n, align, first, last);
  const auto lowest = find_lowest_ram(map, n, align, first, last);
  const auto highest = find_highest_ram(map, n, align, first, last);
  AGREE(count_ram_places(map, n, align, first, last) == wanted.size());
  if (wanted.empty()) {
    AGREE(fails(lowest, errc::no_free_range, n) && fails(highest, errc::no_free_range, n));
    AGREE(fails(find_random_ram(map, n, align, first, last, 0x123456789abcdef0), errc::no_free_range, n));
    return;
  }
  AGREE(lowest.ok() && *lowest == wanted.front() && highest.ok() && *highest == wanted.back());
  for (size_t i = 0; i < wanted.size(); ++i) {
    // The lowest random number of place i, and the highest.
    const auto low = static_cast<uint64_t>((top * i + wanted.size() - 1) / wanted.size());
    const auto high = static_cast<uint64_t>((top * (i + 1) + wanted.size() - 1) / wanted.size() - 1);
    for (const uint64_t random : {low, high}) {
      const auto found = find_random_ram(map, n, align, first, last, random);
      AGREE(found.ok() && *found == wanted[i]);
    }
  }
}

inline void ask_questions(std::span<const memory_range> state, const place& at) {
  const shown doing{[&] { return "of " + text({state.begin(), state.end()}); }};
  memory_range storage[8]{};
  std::copy(state.begin(), state.end(), storage);
  const memory_map map{storage, {}, state.size(), true};
  const cells model{at.points, state};
  const std::vector<uint64_t> bytes = bytes_of(at);

  AGREE(total_ram(map) == static_cast<uint64_t>(std::min(model.ram(), top - 1)));
  for (const uint64_t a : bytes)
    for (const uint64_t b : bytes)
      for (const uint32_t type : {1u, 2u, 12u}) {
        ++questions;
        const uint64_t n = b - a;  // of bytes that wrap as well
        AGREE(covers(map, a, n, memory_type{type}) == model.all(a, wide{a} + n, type));
      }
  if (at.points.data() == both) return;  // the cells between the ends are no bytes
  for (uint64_t n = 0; n <= 6; ++n)
    for (const uint64_t align : {1u, 2u, 4u})
      for (size_t i = 0; i < bytes.size(); ++i)
        for (size_t j = 0; j < bytes.size(); ++j) search(map, model, bytes, n, align, bytes[i], bytes[j]);
}

}  // namespace proofs
