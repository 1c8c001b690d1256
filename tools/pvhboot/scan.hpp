// SPDX-License-Identifier: BSL-1.0
//
// The search of a dump for the magic numbers of start_info and of Linux's setup header, page by page, at the speed of
// memory.
#pragma once

#include <vector>

#include <pvhboot/core/span.hpp>

namespace tool {

constexpr uint64_t scan_page = 4096;

/// Whether all bytes are 0: most of a machine's memory is.
bool is_zero(pvhboot::span<const uint8_t> bytes);

/// Whether one of the two magic numbers lies in the bytes, at any alignment.
bool has_magic(pvhboot::span<const uint8_t> bytes);

/// The pages of a file, counted from its first byte, that a magic number begins or ends in. A bit per page: a hostile
/// file can be full of magic numbers.
class marked_pages {
 public:
  void mark(uint64_t offset) {
    const auto page = static_cast<size_t>(offset / scan_page);
    if (page >= bits_.size()) bits_.resize(page + 1);
    bits_[page] = true;
  }
  /// Whether a page that [offset, offset + n) meets is marked.
  [[nodiscard]] bool meets(uint64_t offset, uint64_t n) const {
    for (uint64_t page = offset / scan_page; page <= (offset + n - 1) / scan_page; ++page)
      if (page < bits_.size() && bits_[static_cast<size_t>(page)]) return true;
    return false;
  }

 private:
  std::vector<bool> bits_;
};

}  // namespace tool
