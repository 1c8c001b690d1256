// SPDX-License-Identifier: BSL-1.0
//
// Searches and sums over a sanitised memory map: how much RAM, is all of this RAM, where is a free place.
//
//     const auto page = find_lowest_ram(map, 4096, 4096, 0x100000, 0xffffffff);   // result<uint64_t>
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

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
