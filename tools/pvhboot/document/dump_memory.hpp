// SPDX-License-Identifier: BSL-1.0
//
// Guest memory in pieces of a file.
#pragma once

#include <pvhboot/core/memory.hpp>
#include <pvhboot/core/sort.hpp>

namespace tool {

/// Pieces in ascending order that do not overlap. A physical_memory; refers to the file.
struct dump_memory {
  const pvhboot::memory_window* pieces = nullptr;
  size_t count = 0;

  /// Bytes of one piece. What two pieces have together is not contiguous in the file.
  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const noexcept {
    size_t from = 0, to = count;  // the first piece above paddr is in [from, to]
    while (from < to) {
      const size_t middle = from + (to - from) / 2;
      if (pieces[middle].base <= paddr)
        from = middle + 1;
      else
        to = middle;
    }
    return from == 0 ? nullptr : pieces[from - 1].bytes(paddr, n);
  }
};

/// Makes the bytes at `paddr` a part of the piece before them, if they are its neighbour in memory and in the file.
inline bool join(pvhboot::memory_window& last, uint64_t paddr, pvhboot::span<const uint8_t> bytes) {
  if (last.contents.end() != bytes.data() || last.base + last.contents.size() != paddr) return false;
  last.contents = {last.contents.data(), last.contents.size() + bytes.size()};
  return true;
}

/// Sorts pieces, and cuts those that overlap: one address would be two bytes, and the earlier piece counts. None is
/// empty. `spare` has as many slots. Returns how many pieces are left.
inline size_t arrange(pvhboot::span<pvhboot::memory_window> pieces, pvhboot::span<pvhboot::memory_window> spare) {
  using pvhboot::memory_window;
  pvhboot::merge_sort(
      pieces.size(), [&](size_t i) -> memory_window& { return pieces[i]; },
      [&](size_t i) -> memory_window& { return spare[i]; },
      [](const memory_window& a, const memory_window& b) noexcept { return a.base < b.base; });
  size_t n = 0;
  for (memory_window w : pieces) {
    if (n != 0) {
      const uint64_t last = pieces[n - 1].base + (pieces[n - 1].contents.size() - 1);
      if (w.base <= last) {
        const uint64_t known = last - w.base + 1;
        if (known >= w.contents.size()) continue;
        w = {last + 1, w.contents.after(static_cast<size_t>(known))};
      }
    }
    pieces[n++] = w;
  }
  return n;
}

}  // namespace tool
