// SPDX-License-Identifier: BSL-1.0
//
// A binary heap and a merge sort over anything with indices. The standard's are unavailable: clang does not compile
// <algorithm> with -mgeneral-regs-only. No recursion and no division by a variable; O(n log n) for every input.
#pragma once

#include <pvhboot/abi/begin.def>

namespace pvhboot {

/// Moves element i of a heap of n down until neither child is greater. less(a, b) and swap(a, b) take indices.
template <class Less, class Swap>
constexpr void heap_sink(size_t i, size_t n, const Less& less,
                         const Swap& swap) noexcept(noexcept(less(i, n)) && noexcept(swap(i, n))) {
  for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
    if (child + 1 < n && less(child, child + 1)) ++child;
    if (!less(i, child)) return;
    swap(i, child);
    i = child;
  }
}

/// Moves element i of a heap, the last one, up until its parent is not less.
template <class Less, class Swap>
constexpr void heap_rise(size_t i, const Less& less,
                         const Swap& swap) noexcept(noexcept(less(i, i)) && noexcept(swap(i, i))) {
  for (; i != 0 && less((i - 1) / 2, i); i = (i - 1) / 2) swap((i - 1) / 2, i);
}

/// Sorts n values ascending and keeps the order of equal ones. value(i) and spare(i) are references to value i and to
/// slot i of a second array; less(a, b) compares two values. One pass if they are in order already.
template <class Value, class Spare, class Less>
constexpr void merge_sort(size_t n, const Value& value, const Spare& spare,
                          const Less& less) noexcept(noexcept(less(value(n), spare(n)))) {
  for (size_t width = 1; width < n; width *= 2) {
    for (size_t begin = 0; n - begin > width; begin += n - begin > 2 * width ? 2 * width : n - begin) {
      const size_t middle = begin + width;
      const size_t end = n - middle > width ? middle + width : n;
      if (!less(value(middle), value(middle - 1))) continue;
      for (size_t i = begin; i < middle; ++i) spare(i) = value(i);
      for (size_t left = begin, right = middle, to = begin; left < middle; ++to)
        value(to) = right < end && less(value(right), spare(left)) ? value(right++) : spare(left++);
    }
  }
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
