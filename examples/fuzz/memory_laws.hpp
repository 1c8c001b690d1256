// SPDX-License-Identifier: BSL-1.0
//
// The laws of the library's own memories, read and written: a window, two pieces, and memory that is mapped elsewhere.
#pragma once

#include <algorithm>

#include <pvhboot/core/writable_memory.hpp>

#include "harness.hpp"

namespace fuzz {

/// `contents` at `base` and n bytes at paddr of it. What would lie at or above 2^64 does not exist.
struct memory_case {
  uint64_t base;
  span<const uint8_t> contents;
  uint64_t paddr, n;

  [[nodiscard]] uint64_t size() const {
    return base == 0 ? contents.size() : std::min<uint64_t>(contents.size(), 0 - base);
  }
  [[nodiscard]] bool begins() const { return paddr >= base && paddr - base <= size(); }
  /// From the beginning of the contents.
  [[nodiscard]] size_t offset() const { return static_cast<size_t>(paddr - base); }
  /// How many of the bytes there are.
  [[nodiscard]] uint64_t there() const { return begins() ? std::min(n, size() - offset()) : 0; }
};

inline void check_reads(const memory_case& c) {
  const bool is_there = c.begins() && c.there() == c.n;
  const uint8_t* p = pvhboot::memory_window{c.base, c.contents}.bytes(c.paddr, c.n);
  LAW(p == (is_there ? c.contents.data() + c.offset() : nullptr));
  // Addresses that begin at 0, mapped to where the contents are.
  const pvhboot::offset_map mapped{reinterpret_cast<uintptr_t>(c.contents.data()), c.contents.size()};
  const uint64_t at = c.paddr - c.base;
  const bool in_reach = at <= c.contents.size() && c.n <= c.contents.size() - at;
  LAW(mapped.bytes(at, c.n) == (in_reach ? c.contents.data() + at : nullptr));
  LAW(pvhboot::offset_map{}.bytes(c.paddr, c.n) == pvhboot::identity_map{}.bytes(c.paddr, c.n));
}

/// Two pieces, which part at `split`: a read lies in one of them, a write goes across.
inline void check_pieces(const memory_case& c, size_t split) {
  const auto size = static_cast<size_t>(c.size());
  split = std::min(split, size);
  const auto low = exact_copy(c.contents.first(split)), high = exact_copy(c.contents.first(size).after(split));
  const pvhboot::writable_window windows[] = {{c.base + split, high.all()}, {c.base, low.all()}};
  const pvhboot::memory_pieces guest{span<const pvhboot::writable_window>{windows}.after(split == size ? 1 : 0)};
  const size_t at = c.begins() ? c.offset() : 0;
  const bool in_one = c.begins() && ((at <= split && c.n <= split - at) || (at >= split && c.n <= size - at));
  const uint8_t* p = guest.bytes(c.paddr, c.n);
  LAW((p != nullptr) == in_one);
  if (p) LAW(std::equal(p, p + c.n, c.contents.data() + at));

  const uint64_t there = c.there();
  LAW(writable_bytes(guest, c.paddr, c.n) == there);
  const uint64_t first = at < split ? std::min<uint64_t>(there, split - at) : there;
  unsigned runs = 0;
  const auto two_runs = [&](const span<uint8_t>&) noexcept { return ++runs == 1; };
  LAW(for_each_piece(guest, c.paddr, c.n, two_runs) == first && runs == (there == first ? 1u : 2u) - (there == 0));

  std::vector<uint8_t> wanted(c.contents.begin(), c.contents.begin() + size);
  const auto law_written = [&] {
    LAW(std::equal(low.get(), low.get() + split, wanted.begin()));
    LAW(std::equal(wanted.begin() + static_cast<ptrdiff_t>(split), wanted.end(), high.get()));
  };
  std::vector<uint8_t> bytes(static_cast<size_t>(std::min<uint64_t>(c.n, size + size_t{1})));
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7 + 1);
  LAW(write_bytes(guest, c.paddr, bytes) == there);
  std::copy_n(bytes.begin(), there, wanted.begin() + static_cast<ptrdiff_t>(at));
  law_written();
  LAW(write_zeros(guest, c.paddr, c.n) == there);
  std::fill_n(wanted.begin() + static_cast<ptrdiff_t>(at), there, uint8_t{0});
  law_written();
}

}  // namespace fuzz
