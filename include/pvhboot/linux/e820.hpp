// SPDX-License-Identifier: BSL-1.0
//
// Opt-in: what a given Linux makes of the e820 table in its zero page, its own rules and faults included, for the
// author of such a table. Source: arch/x86/kernel/e820.c (append_e820_table, e820__update_table,
// e820__memory_setup_default) in the versions that the eras name.
//
//     const auto verdict = linux_e820(boot->memory_map(), 0, 0, pvhboot::linux_era::until_6_19, map);
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/memory_map.hpp>

namespace pvhboot {

/// Versions of Linux that differ in what they accept.
enum class linux_era : uint8_t {
  until_4_11,  ///< sanitises the table in place, in 128 slots, and then requires two ranges; merges soft_reserved
  until_6_19,  ///< requires two entries
  v7_0,        ///< accepts any number, 0 too, and does not boot then
  from_7_1,    ///< requires one entry; 7.0's stable releases too
};

/// Slots of the kernel's own table: 128 and three for each possible NUMA node.
enum class linux_e820_slots : uint16_t {
  without_numa = 131,     ///< a kernel without CONFIG_NUMA
  nodes_shift_6 = 320,    ///< the default of x86-64
  nodes_shift_10 = 3200,  ///< MAXSMP, as distributions build it
};

/// What Linux does with a table.
enum class e820_verdict : uint8_t {
  sanitized,  ///< accepted, sorted and made disjoint
  as_it_is,  ///< accepted, but left unsorted and overlapping: fewer than two entries, or one whose addr + size wraps or
             ///< is 0
  cut_off,   ///< accepted and sanitised, but the kernel's table was full: the highest ranges are lost
  fallback,  ///< rejected; made up from alt_mem_k or ext_mem_k instead
};

/// Fills `out` with what that Linux works with, before it edits the map itself. alt_mem_k is boot_params.alt_mem_k,
/// ext_mem_k is screen_info.ext_mem_k, both KiB above 1 MiB. Fails as memory_map::append and sanitize do: `out` has to
/// hold the pieces that Linux drops, too.
template <class Table>
constexpr result<e820_verdict> linux_e820(
    const Table& table, uint32_t alt_mem_k, uint16_t ext_mem_k, linux_era era, memory_map& out,
    linux_e820_slots slots = linux_e820_slots::nodes_shift_6) noexcept(walks_noexcept<Table>) {
  constexpr auto unsanitizable = [](const memory_map& map) noexcept {
    for (const memory_range& r : map)
      if (r.addr + r.size < r.addr) return true;  // also where it is 0, at 2^64
    return map.size() < 2;
  };
  bool cut = false;
  // The sweep stops when the table is full.
  const auto sanitize = [&](size_t capacity) noexcept -> result<void> {
    if (auto done = out.sanitize(); !done) return done;
    if (era == linux_era::until_4_11) out.merge(memory_type::soft_reserved);
    cut = cut || out.size() > capacity;
    out.truncate(capacity);
    return {};
  };
  const auto capacity = static_cast<size_t>(slots);
  out.clear();
  if (auto done = out.append(table); !done) return done.error();
  cut = out.size() > capacity;
  out.truncate(capacity);
  if (era == linux_era::until_4_11 && !unsanitizable(out))
    if (auto done = sanitize(128); !done) return done.error();
  const size_t least = era == linux_era::v7_0 ? 0 : era == linux_era::from_7_1 ? 1 : 2;
  bool accepted = out.size() >= least;
  for (const memory_range& r : out) accepted = accepted && !r.wraps();
  if (!accepted) {
    const uint64_t kib = alt_mem_k < ext_mem_k ? ext_mem_k : alt_mem_k;
    out.clear();
    if (auto done = out.append({0, 0x9f000, memory_type::ram}); !done) return done.error();
    if (kib == 0) return e820_verdict::fallback;
    if (auto done = out.append({0x100000, kib << 10, memory_type::ram}); !done) return done.error();
    return e820_verdict::fallback;
  }
  if (unsanitizable(out)) return e820_verdict::as_it_is;
  if (auto done = sanitize(capacity); !done) return done.error();
  return cut ? e820_verdict::cut_off : e820_verdict::sanitized;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
