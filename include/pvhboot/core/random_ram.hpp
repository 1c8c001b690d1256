// SPDX-License-Identifier: BSL-1.0
//
// A free place at random: each place in the RAM of a sanitised memory map as likely as any other.
//
//     const auto base = find_random_ram(map, kernel_size, 0x200000, 0x1000000, 0x3fffffff, random64);
//
// The caller brings 64 random bits. No place is favoured by more than N / 2^64 of N places, and nothing is divided.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/memory_map.hpp>

namespace pvhboot {

/// The places in one range where n bytes begin at a multiple of a power of two: `count` of them from `first` on.
struct ram_places {
  uint64_t first = 0;  ///< address of the first place
  uint64_t count = 0;  ///< number of places
  unsigned shift = 0;  ///< of the alignment

  /// Within [low, high] of a range of RAM; none in one of another type. All of memory counts as one place less.
  static constexpr ram_places of(const memory_range& r, uint64_t n, uint64_t align, uint64_t low,
                                 uint64_t high) noexcept {
    if (r.type != memory_type::ram || n == 0 || align == 0) return {};
    const uint64_t from = r.addr > low ? r.addr : low;
    const uint64_t last = r.last() < high ? r.last() : high;
    if (from > last || n - 1 > last - from) return {};
    const uint64_t first = from + ((0 - from) & (align - 1));
    const uint64_t highest = (last - (n - 1)) & ~(align - 1);
    if (first < from || first > highest) return {};
    const auto half = static_cast<uint32_t>(align);  // a 64-bit count of zeroes would be a call with -m32
    const auto shift =
        static_cast<unsigned>(half != 0 ? __builtin_ctz(half) : 32 + __builtin_ctz(static_cast<uint32_t>(align >> 32)));
    return {first, ((highest - first) >> shift) + 1, shift};
  }
};

/// In how many places find_random_ram finds; 2^64 - 1 also if there are more.
constexpr uint64_t count_ram_places(const memory_map& map, uint64_t n, uint64_t align, uint64_t first,
                                    uint64_t last) noexcept {
  uint64_t sum = 0;
  for (const memory_range& r : map) {
    const uint64_t count = ram_places::of(r, n, align, first, last).count;
    sum = count > ~sum ? ~uint64_t{} : sum + count;
  }
  return sum;
}

/// random * n / 2^64, rounded down: a number below n out of a random one of 64 bits. Each of the n has its share of the
/// random numbers up to one, and there is no division.
constexpr uint64_t scale_random(uint64_t random, uint64_t n) noexcept {
  const uint64_t half = 0xffffffff;
  const uint64_t high_low = (random >> 32) * (n & half);
  const uint64_t low_high = (random & half) * (n >> 32);
  const uint64_t low_low = (random & half) * (n & half);
  const uint64_t carry = (high_low & half) + (low_high & half) + (low_low >> 32);
  return (random >> 32) * (n >> 32) + (high_low >> 32) + (low_high >> 32) + (carry >> 32);
}

/// One of all such addresses, in ascending order that of index scale_random(random, their number). Fails with
/// no_free_range.
constexpr result<uint64_t> find_random_ram(const memory_map& map, uint64_t n, uint64_t align, uint64_t first,
                                           uint64_t last, uint64_t random) noexcept {
  uint64_t index = scale_random(random, count_ram_places(map, n, align, first, last));
  for (const memory_range& r : map) {
    const ram_places places = ram_places::of(r, n, align, first, last);
    if (index < places.count) return places.first + (index << places.shift);
    index -= places.count;
  }
  return {errc::no_free_range, n};
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
