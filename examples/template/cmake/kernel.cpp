// SPDX-License-Identifier: BSL-1.0
#include <pvhboot/pvh/entry.hpp>
#include <pvhboot/pvhboot.hpp>

#include "support.hpp"

static void kernel_main(uint32_t start_info) {
  const auto boot = pvhboot::parse(pvhboot::identity_map{}, start_info);
  if (!boot) return print(message(boot.error().code));
  for (const pvhboot::memory_range& r : boot->memory_map()) print(r.addr, r.size, name(r.type));
  print("that is all memory");
}
PVHBOOT_ENTRY_64_HIGH(kernel_main, 16384, VIRTUAL_BASE);  // the build passes VIRTUAL_BASE; 0 is identity
