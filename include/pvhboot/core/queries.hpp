// SPDX-License-Identifier: BSL-1.0
//
// Searches and sums over a sanitised memory map: how much RAM, is all of this RAM, where is a free place.
//
//     const auto page = find_lowest_ram(map, 4096, 4096, 0x100000, 0xffffffff);   // result<uint64_t>
//     const auto base = find_random_ram(map, kernel_size, 0x200000, 0x1000000, 0x3fffffff, random64);
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/memory_map.hpp>

namespace pvhboot {

/// Bytes of RAM; 2^64 - 1 also if all memory is RAM.
constexpr uint64_t total_ram(const memory_map& map) noexcept {
  uint64_t sum = 0;
  for (const memory_range& r : map)
    if (is_ram(r.type)) sum = r.size > ~sum ? ~uint64_t{} : sum + r.size;
  return sum;
}

/// Every byte of [addr, addr + n) is of this type. False if the range is empty or ends above 2^64.
constexpr bool covers(const memory_map& map, uint64_t addr, uint64_t n, memory_type type) noexcept {
  if (n == 0 || n - 1 > ~addr) return false;
  const uint64_t last = addr + (n - 1);
  for (const memory_range& r : map) {
    if (r.last() < addr) continue;
    if (r.addr > addr || r.type != type) return false;
    if (r.last() >= last) return true;
    addr = r.last() + 1;  // the rest may lie in the next range: not all adjacent ranges merge
  }
  return false;
}

/// The lowest address in [first, last] (last is the last byte) where n bytes of RAM begin at a multiple of align, a
/// power of two. Fails with no_free_range.
constexpr result<uint64_t> find_lowest_ram(const memory_map& map, uint64_t n, uint64_t align, uint64_t first,
                                           uint64_t last) noexcept {
  for (const memory_range& r : map) {
    if (!is_ram(r.type)) continue;
    const uint64_t low = r.addr > first ? r.addr : first;
    const uint64_t high = r.last() < last ? r.last() : last;
    const uint64_t start = low + ((0 - low) & (align - 1));
    if (n != 0 && start >= low && start <= high && n - 1 <= high - start) return start;
  }
  return {errc::no_free_range, n};
}

/// The highest such address. Fails with no_free_range.
constexpr result<uint64_t> find_highest_ram(const memory_map& map, uint64_t n, uint64_t align, uint64_t first,
                                            uint64_t last) noexcept {
  for (size_t i = map.size(); i-- > 0;) {
    const memory_range& r = map[i];
    if (!is_ram(r.type)) continue;
    const uint64_t low = r.addr > first ? r.addr : first;
    const uint64_t high = r.last() < last ? r.last() : last;
    if (n == 0 || high < low || n - 1 > high - low) continue;
    const uint64_t start = (high - (n - 1)) & ~(align - 1);
    if (start >= low) return start;
  }
  return {errc::no_free_range, n};
}

/// The places in one range where n bytes begin at a multiple of a power of two: `count` of them from `first` on.
struct ram_places {
  uint64_t first = 0;
  uint64_t count = 0;
  unsigned shift = 0;  ///< of the alignment

  /// Within [low, high] of a range of RAM; none in one of another type. All of memory counts as one place less.
  static constexpr ram_places of(const memory_range& r, uint64_t n, uint64_t align, uint64_t low,
                                 uint64_t high) noexcept {
    if (r.type != memory_type::ram || n == 0) return {};
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
