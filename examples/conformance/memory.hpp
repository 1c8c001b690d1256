// SPDX-License-Identifier: BSL-1.0
//
// Whether RAM is there: the first and the last page of each range are written, read and restored.
#pragma once

#include <pvhboot/core/memory_map.hpp>
#include <pvhboot/pvh/extents.hpp>
#include <pvhboot/pvhboot.hpp>

namespace conformance {

struct ram_probe {
  bool is_broken = false;
  uint64_t where = 0;
  uint64_t pages = 0;         ///< that were probed
  uint64_t out_of_reach = 0;  ///< above 4 GiB
};

/// Pages in use (the image, the handoff, its modules) are left alone.
ram_probe probe_ram(const pvhboot::memory_map& map, const pvhboot::boot_info<pvhboot::identity_map>& boot,
                    const pvhboot::memory_range& image);

}  // namespace conformance
