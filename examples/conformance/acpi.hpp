// SPDX-License-Identifier: BSL-1.0
//
// The RSDP and the tables it leads to, with the DSDT: signatures, lengths and checksums. Source: ACPI 6.5, sections
// 5.2.5.3, 5.2.6 to 5.2.9.
#pragma once

#include <pvhboot/core/memory_map.hpp>

namespace conformance {

struct acpi_result {
  enum : unsigned { valid, rsdp, table, rsdp_above_4g, table_above_4g } what = valid;
  uint64_t where = 0;
  uint64_t tables = 0;  ///< that are valid
  uint64_t in_ram = 0;  ///< the first of them that lies in the map's RAM, so that a kernel may overwrite it; 0: none
};

/// `map` is sanitised; empty if there is none.
acpi_result check_rsdp(uint64_t paddr, const pvhboot::memory_map& map);

}  // namespace conformance
