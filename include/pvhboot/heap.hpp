// SPDX-License-Identifier: BSL-1.0
//
// A binary heap over anything with indices, and the sort that follows from it. The standard's cannot be had: clang does
// not compile <algorithm> with -mgeneral-regs-only. less(a, b) and swap(a, b) take the indices of two elements.
#pragma once

#include <stddef.h>

namespace pvhboot {

/// Lets element i of a heap of n sink until none below it is greater.
template <class Less, class Swap>
constexpr void heap_sink(size_t i, size_t n, const Less& less, const Swap& swap) noexcept {
  for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
    if (child + 1 < n && less(child, child + 1)) ++child;
    if (!less(i, child)) return;
    swap(i, child);
    i = child;
  }
}

/// Lets element i of a heap, the last one, rise until none above it is less.
template <class Less, class Swap> constexpr void heap_rise(size_t i, const Less& less, const Swap& swap) noexcept {
  for (; i != 0 && less((i - 1) / 2, i); i = (i - 1) / 2) swap((i - 1) / 2, i);
}

/// Ascending, in place, not stable. One pass if that is the order already, O(n log n) whatever else it was; no
/// recursion, no division by a variable.
template <class Less, class Swap> constexpr void heap_sort(size_t n, const Less& less, const Swap& swap) noexcept {
  size_t in_order = 1;
  while (in_order < n && !less(in_order, in_order - 1)) ++in_order;
  if (in_order >= n) return;
  for (size_t i = n / 2; i-- > 0;) heap_sink(i, n, less, swap);
  for (size_t i = n; i-- > 1;) {
    swap(0, i);
    heap_sink(0, i, less, swap);
  }
}

}  // namespace pvhboot
