// SPDX-License-Identifier: BSL-1.0
//
// Storage for a handoff that is read back, for exactly so many modules and entries.
#pragma once

#include <vector>

#include <pvhboot/pvh/values_of.hpp>

namespace fuzz {

struct exact_storage {
  exact_storage(size_t n, size_t entries)
      : modules(n), module_cmdline_paddrs(n), memmap(entries), memmap_reserved(entries) {}
  [[nodiscard]] pvhboot::handoff_storage all() {
    pvhboot::handoff_storage storage;
    storage.modules = modules;
    storage.module_cmdline_paddrs = module_cmdline_paddrs;
    storage.memmap = memmap;
    storage.memmap_reserved = memmap_reserved;
    return storage;
  }

  std::vector<pvhboot::handoff_module> modules;
  std::vector<uint64_t> module_cmdline_paddrs;
  std::vector<pvhboot::memory_range> memmap;
  std::vector<uint32_t> memmap_reserved;
};

}  // namespace fuzz
