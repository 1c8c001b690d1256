// SPDX-License-Identifier: BSL-1.0
//
// The RSDP and the tables it leads to: signatures, lengths and checksums. Source: ACPI 6.5, sections 5.2.5.3, 5.2.6,
// 5.2.7 and 5.2.8.
#pragma once

#include <pvhboot/core/memory.hpp>

namespace conformance {

struct acpi_result {
  enum : unsigned { valid, rsdp, table, above_4g } what = valid;
  uint64_t where = 0;
  uint64_t tables = 0;  ///< that are valid
};

acpi_result check_rsdp(uint64_t paddr);

}  // namespace conformance
