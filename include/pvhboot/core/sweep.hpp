// SPDX-License-Identifier: BSL-1.0
//
// The sweep that makes overlapping ranges disjoint: a line moves upwards through the starts and ends of all ranges, and
// at each point the highest type under the line wins. The result is that of Linux's e820__update_table()
// (arch/x86/kernel/e820.c), except that a range which ends at or above 2^64 does not switch it off: it is cut there.
//
// memory_map::sanitize calls it. It works in one sweep_slot per range, in the caller's memory.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/memory_range.hpp>
#include <pvhboot/core/sort.hpp>

namespace pvhboot {

/// Scratch for the sweep, one slot per range. Its contents mean nothing between calls.
struct sweep_slot {
  memory_range range{};  ///< a range of the map
  uint32_t by_end = 0;   ///< slot i of the permutation that sorts the ranges by their ends
  uint32_t heap = 0;     ///< slot i of the heap of the ranges under the line
};

/// Adjacent ranges of this type stay apart, since each stands for a device of its own: Linux, e820_nomerge().
constexpr bool never_merges(memory_type t) noexcept {
  return t == memory_type::pram || t == memory_type::soft_reserved;
}

/// Whether two ranges that touch may merge. A size cannot hold 2^64.
constexpr bool may_merge(const memory_range& low, const memory_range& high) noexcept {
  return low.size != 0 && low.type == high.type && !never_merges(low.type) && low.size + high.size != 0;
}

/// The last byte of a range in a slot: take_in_order cuts those that wrap.
constexpr uint64_t last_of(const sweep_slot& slot) noexcept { return slot.range.addr + (slot.range.size - 1); }

/// Sorts the first n numbers in by_end, and keeps the order of equal ones. less(a, b) compares two numbers.
template <class Less> constexpr void sort_numbers(span<sweep_slot> slots, size_t n, const Less& less) noexcept {
  merge_sort(
      n, [&](size_t i) noexcept -> uint32_t& { return slots[i].by_end; },
      [&](size_t i) noexcept -> uint32_t& { return slots[i].heap; }, less);
}

/// Copies the ranges that are not empty to the slots, sorted by start and cut at 2^64. Returns their number. There are
/// at least as many slots as ranges.
constexpr size_t take_in_order(span<const memory_range> ranges, span<sweep_slot> slots) noexcept {
  size_t n = 0;
  for (size_t i = 0; i < ranges.size(); ++i)
    if (ranges[i].size != 0) slots[n++].by_end = narrow_cast<uint32_t>(i);
  sort_numbers(slots, n, [&](uint32_t a, uint32_t b) noexcept { return ranges[a].addr < ranges[b].addr; });
  for (size_t i = 0; i < n; ++i) {
    slots[i].range = ranges[slots[i].by_end];
    if (slots[i].range.wraps()) slots[i].range.size = 0 - slots[i].range.addr;
  }
  return n;
}

/// Fills by_end of n slots that take_in_order filled.
constexpr void order_by_end(span<sweep_slot> slots, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) slots[i].by_end = narrow_cast<uint32_t>(i);
  sort_numbers(slots, n, [&](uint32_t a, uint32_t b) noexcept { return last_of(slots[a]) < last_of(slots[b]); });
}

/// Sweeps over n slots that take_in_order and order_by_end filled, and writes the pieces to `out` as far as there is
/// room. Returns the number of pieces, which is at most 2 * n - 1.
constexpr size_t sweep(span<sweep_slot> slots, size_t n, span<memory_range> out) noexcept {
  const auto less = [&](size_t a, size_t b) noexcept {
    return slots[slots[a].heap].range.type < slots[slots[b].heap].range.type;
  };
  const auto swap = [&](size_t a, size_t b) noexcept {
    const uint32_t t = slots[a].heap;
    slots[a].heap = slots[b].heap;
    slots[b].heap = t;
  };
  size_t pieces = 0;
  const auto put = [&](const memory_range& piece) noexcept {
    if (piece.type == memory_type{}) return;
    if (pieces < out.size()) out[pieces] = piece;
    ++pieces;
  };
  size_t begun = 0;    // ranges that begin at or below `here`: they are in the heap, or were
  size_t ended = 0;    // ranges that end below `here`
  size_t in_heap = 0;  // highest type on top; a range that has ended stays until it reaches the top
  memory_range piece{};
  for (uint64_t here = n != 0 ? slots[0].range.addr : 0; ended < n;) {
    while (begun < n && slots[begun].range.addr == here) {
      slots[in_heap].heap = narrow_cast<uint32_t>(begun++);
      heap_rise(in_heap++, less, swap);
    }
    while (in_heap != 0 && last_of(slots[slots[0].heap]) < here) {
      slots[0].heap = slots[--in_heap].heap;
      heap_sink(0, in_heap, less, swap);
    }
    // Nothing changes up to the next end, or to the byte before the next start.
    uint64_t last = last_of(slots[slots[ended].by_end]);
    if (begun < n && slots[begun].range.addr - 1 < last) last = slots[begun].range.addr - 1;
    const memory_range next{here, last - here + 1, in_heap != 0 ? slots[slots[0].heap].range.type : memory_type{}};
    if (may_merge(piece, next)) {
      piece.size += next.size;
    } else {
      put(piece);
      piece = next;
    }
    here = last + 1;
    while (ended < n && last_of(slots[slots[ended].by_end]) <= last) ++ended;
  }
  put(piece);
  return pieces;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
