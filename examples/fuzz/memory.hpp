// SPDX-License-Identifier: BSL-1.0
//
// Physical memory that detects every read outside the requested bytes.
#pragma once

#include "harness.hpp"

namespace fuzz {

/// The 256 bytes, each in a block of its own, for requests of a single one.
class single_bytes {
 public:
  static const uint8_t* at(uint8_t value) {
    static const single_bytes all;
    return all.cells_ + size_t{value} * apart;
  }

 private:
  static constexpr size_t apart = 16;
  single_bytes() {
    for (size_t i = 0; i < 256; ++i) cells_[i * apart] = static_cast<uint8_t>(i);
    forbid(before_, sizeof before_);
    for (size_t i = 0; i < 256; ++i) forbid(cells_ + i * apart + 1, apart - 1);
  }
  alignas(apart) uint8_t before_[apart]{};
  uint8_t cells_[256 * apart]{};
};

/// Physical memory of two pieces that are adjacent in the guest but not in this program. Each request gets its own
/// block of exactly the requested bytes. A read outside them is detected, also if it uses the pointer of another
/// request.
class guarded_memory {
 public:
  /// A request for more than one byte.
  struct request {
    uint64_t paddr;
    exact<uint8_t> block;
  };

  /// `contents` lies at `base` and is cut at 2^64. No request may cross base + split.
  guarded_memory(uint64_t base, span<const uint8_t> contents, size_t split)
      : window_{base, contents.first(~base < contents.size() ? static_cast<size_t>(~base) + 1 : contents.size())},
        split_(split) {
    granted_.reserve(8);
  }

  const uint8_t* bytes(uint64_t paddr, uint64_t n) {
    const uint8_t* p = window_.bytes(paddr, n);
    if (!p || (paddr - window_.base < split_ && n > split_ - (paddr - window_.base))) return nullptr;
    ++requests_;
    granted_bytes_ += n;
    if (n == 1) return single_bytes::at(*p);
    granted_.push_back({paddr, exact_copy({p, static_cast<size_t>(n)})});
    return granted_.back().block.get();
  }

  /// How many requests were granted, and the sum of their bytes.
  [[nodiscard]] uint64_t requests() const { return requests_; }
  [[nodiscard]] uint64_t granted_bytes() const { return granted_bytes_; }
  [[nodiscard]] const std::vector<request>& granted() const { return granted_; }

 private:
  pvhboot::memory_window window_;
  uint64_t split_;
  uint64_t requests_ = 0;
  uint64_t granted_bytes_ = 0;
  std::vector<request> granted_;
};

/// The guarded memory as a value, as the library expects it.
struct memory {
  guarded_memory* guarded;
  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const { return guarded->bytes(paddr, n); }
};
static_assert(pvhboot::physical_memory<memory>);

}  // namespace fuzz
