// SPDX-License-Identifier: BSL-1.0
//
// Memory that is taken away while the library writes, as that of a guest whose memory changes between the check and the
// write.
#pragma once

#include <pvhboot/core/writable_memory.hpp>

namespace fuzz {

/// Grants a number of requests, then no more.
struct vanishing_memory {
  pvhboot::memory_pieces all;
  size_t* requests;
  [[nodiscard]] pvhboot::span<uint8_t> writable(uint64_t paddr, uint64_t n) const noexcept {
    if (*requests == 0) return {};
    --*requests;
    return all.writable(paddr, n);
  }
};

}  // namespace fuzz
