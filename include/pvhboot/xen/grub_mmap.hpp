// SPDX-License-Identifier: BSL-1.0
//
// Opt-in: what GRUB's PVH image makes of the memory map that Xen gives it, its faults included, for the author of such
// a map. Source of the rules: grub_xen_sort_mmap(), grub-core/kern/i386/xen/pvh.c (GRUB).
//
// Not included: GRUB then takes two pages for itself and writes the map back to Xen.
//
//     const auto entries = grub_mmap(boot->memory_map(), table);              // result<size_t>
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/memory_range.hpp>
#include <pvhboot/core/result.hpp>

namespace pvhboot {

/// Entries of GRUB's table. What would need more is lost.
inline constexpr size_t grub_mmap_slots = 128;

/// Fills `out` with GRUB's map and returns the number of entries:
///
/// - RAM shrinks to whole pages, everything else grows to them;
/// - entries are sorted by start, equal starts in the order of the table;
/// - where an entry begins inside the one before it, that one is cut there. What remains of it after the later one ends
///   becomes an entry of its own, which begins there and competes again, if there is a free slot;
/// - adjacent entries of one type merge, and the last entry takes the freed slot. Entries of no bytes stay, and keep
///   their neighbours apart; two entries that cut and merge by turns keep GRUB in this loop for ever.
///
/// An entry that ends at or above 2^64 wraps, as in GRUB. Fails with map_full if `out` has fewer than grub_mmap_slots
/// slots, with e820_bad_count for a table of more entries, which Xen cuts off before GRUB sees it, and with
/// grub_mmap_endless, where GRUB hangs. At most 128 entries and 4096 turns, so the cost is bounded.
template <class Table>
constexpr result<size_t> grub_mmap(const Table& table, span<memory_range> out) noexcept(walks_noexcept<Table>) {
  if (table.size() > grub_mmap_slots) return {errc::e820_bad_count, table.size()};
  if (out.size() < grub_mmap_slots) return {errc::map_full, grub_mmap_slots};
  size_t n = 0;
  for (const memory_range r : table) {
    const uint64_t mask = 0xfff;
    const uint64_t end = r.addr + r.size;
    const bool ram = r.type == memory_type::ram;
    const uint64_t from = ram ? (r.addr + mask) & ~mask : r.addr & ~mask;
    const uint64_t to = ram ? end & ~mask : (end + mask) & ~mask;
    out[n++] = {from, to - from, r.type};
  }
  const auto end_of = [&](size_t i) noexcept { return out[i].addr + out[i].size; };
  constexpr unsigned most_turns = 4096;  // each cut and each merge is one; a map that ends needs a few hundred
  unsigned turns = 0;
  for (bool again = true; again;) {
    again = false;
    if (++turns > most_turns) return {errc::grub_mmap_endless, n};
    for (size_t i = 1; i < n; ++i) {  // insertion sort: equal starts keep their order
      const memory_range moving = out[i];
      size_t to = i;
      for (; to != 0 && moving.addr < out[to - 1].addr; --to) out[to] = out[to - 1];
      out[to] = moving;
    }
    for (size_t i = 1; i < n && !again; ++i) {
      if (out[i].addr >= end_of(i - 1)) continue;
      const uint64_t old_end = end_of(i - 1);
      out[i - 1].size = out[i].addr - out[i - 1].addr;
      if (end_of(i) >= old_end || n == grub_mmap_slots) continue;
      out[n++] = {end_of(i), old_end - end_of(i), out[i - 1].type};
      again = true;
    }
    for (size_t i = 1; i < n && !again; ++i) {
      if (out[i].type != out[i - 1].type || out[i].addr != end_of(i - 1)) continue;
      out[i - 1].size += out[i].size;
      out[i] = out[--n];
      again = true;
    }
  }
  return n;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
