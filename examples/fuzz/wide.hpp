// SPDX-License-Identifier: BSL-1.0
//
// Numbers in which an end at 2^64 needs no special case. Compilers have no such type for machines of 32 bits.
#pragma once

#include <cstdint>

namespace fuzz {

#ifdef __SIZEOF_INT128__
__extension__ using wide = unsigned __int128;
#else
struct wide {
  uint64_t low = 0;
  uint64_t high = 0;
  constexpr wide() = default;
  constexpr wide(uint64_t value) : low(value) {}
  constexpr wide(uint64_t h, uint64_t l) : low(l), high(h) {}
  constexpr explicit operator uint64_t() const { return low; }
  friend constexpr wide operator+(wide a, wide b) {
    return {a.high + b.high + (a.low > ~b.low ? 1u : 0u), a.low + b.low};
  }
  friend constexpr wide operator-(wide a, wide b) {
    return {a.high - b.high - (a.low < b.low ? 1u : 0u), a.low - b.low};
  }
  friend constexpr wide operator<<(wide a, unsigned n) {
    return n == 0 ? a : n < 64 ? wide{a.high << n | a.low >> (64 - n), a.low << n} : wide{a.low << (n - 64), 0};
  }
  friend constexpr wide operator>>(wide a, unsigned n) {
    return n == 0 ? a : n < 64 ? wide{a.high >> n, a.low >> n | a.high << (64 - n)} : wide{0, a.high >> (n - 64)};
  }
  friend constexpr bool operator==(wide a, wide b) { return a.low == b.low && a.high == b.high; }
  friend constexpr bool operator!=(wide a, wide b) { return !(a == b); }
  friend constexpr bool operator<(wide a, wide b) { return a.high != b.high ? a.high < b.high : a.low < b.low; }
  friend constexpr bool operator>(wide a, wide b) { return b < a; }
  friend constexpr bool operator<=(wide a, wide b) { return !(b < a); }
  friend constexpr bool operator>=(wide a, wide b) { return !(a < b); }
};
#endif

constexpr unsigned log2_of(uint64_t power) {
  unsigned n = 0;
  while (power >> n != 1) ++n;
  return n;
}
/// The highest multiple of a power of two that is not above n.
constexpr wide round_down(wide n, uint64_t power) { return n >> log2_of(power) << log2_of(power); }

}  // namespace fuzz
