// SPDX-License-Identifier: BSL-1.0
//
// The ranges of a bounded proof: between any two of six addresses that lie at the bottom of memory, at 2^64, or at both
// ends.
#pragma once

#include "../attack/cells.hpp"
#include "bounded.hpp"

namespace proofs {

using namespace attack;

/// Six addresses, and the points of the model: 0, 2^64 and the six, in order.
struct place {
  const char* name;
  std::span<const wide> addresses;
  std::span<const wide> points;
};

inline constexpr wide bottom[] = {0, 1, 2, 3, 4, 5, top};
inline constexpr wide end[] = {0, top - 5, top - 4, top - 3, top - 2, top - 1, top};
inline constexpr wide both[] = {0, 1, 2, top - 2, top - 1, top};
inline constexpr place places[] = {
    {"at the bottom", std::span{bottom}.first(6), bottom},
    {"at 2^64", std::span{end}.last(6), end},
    {"at both ends", both, both},
};

/// Two types that merge, and one that does not.
inline constexpr uint32_t three_types[] = {1, 2, 12};
/// The type that is no memory, and the other that stays apart, as well.
inline constexpr uint32_t five_types[] = {0, 1, 2, 12, 0xefffffff};

/// Every range between two addresses of a place.
constexpr void add_ranges(std::vector<memory_range>& to, const place& at, std::span<const uint32_t> types) {
  for (size_t a = 0; a < at.addresses.size(); ++a)
    for (size_t b = a + 1; b < at.addresses.size(); ++b) {
      const wide size = at.addresses[b] - at.addresses[a];
      if (size == top) continue;  // no size says it
      for (const uint32_t type : types)
        to.push_back(range(static_cast<uint64_t>(at.addresses[a]), static_cast<uint64_t>(size), type));
    }
}

/// The empty ranges, and those that end above 2^64: by a byte, and with the largest size.
constexpr void add_odd_ranges(std::vector<memory_range>& to, const place& at, std::span<const uint32_t> types) {
  for (const wide a : at.addresses) {
    if (a == top) continue;
    const auto addr = static_cast<uint64_t>(a);
    for (const uint32_t type : types) {
      to.push_back(range(addr, 0, type));
      if (at.addresses.back() != top) continue;
      if (addr > 1) to.push_back(range(addr, static_cast<uint64_t>(top - a) + 1, type));
      if (addr > 2) to.push_back(range(addr, ~uint64_t{}, type));
    }
  }
}

}  // namespace proofs
