// SPDX-License-Identifier: BSL-1.0
//
// Prints a hand-over, one fact a line. What kernel and chainload both show.
#pragma once

#include <pvhboot/pvhboot.hpp>

#include "console.hpp"

namespace example {

inline void report_range(pvhboot::string_ref who, pvhboot::string_ref which, const pvhboot::memory_range& r) {
  line(who, which, " [", hex{r.addr}, ", ", hex{r.addr + r.size}, ") type ", static_cast<uint32_t>(r.type), " ",
       pvhboot::name(r.type));
}

/// Everything but the memory map.
inline void report(pvhboot::string_ref who, const pvhboot::boot_info<pvhboot::identity_map>& boot) {
  line(who, "start_info ", hex{boot.paddr()}, " version ", boot.version(), " flags ", hex{boot.flags()});
  if (boot.cmdline().absent())
    line(who, "command line none");
  else
    line(who, "command line ", hex{boot.wire().cmdline_paddr}, " (", uint64_t{boot.cmdline().size()}, " bytes) \"",
         boot.cmdline(), "\"");
  uint32_t i = 0;
  for (const pvhboot::boot_module m : boot.modules()) {
    put(who);
    line("module ", i++, " [", hex{m.paddr}, ", ", hex{m.paddr + m.size}, ") ", m.size, " bytes");
  }
  line(who, "rsdp ", hex{boot.rsdp_paddr()});
}

}  // namespace example
