// SPDX-License-Identifier: BSL-1.0
//
// Prints a handoff, one fact per line, for kernel and chainload.
#pragma once

#include <pvhboot/pvhboot.hpp>

#include "console.hpp"
#include "xen.hpp"

namespace example {

inline void report_range(pvhboot::string_ref who, pvhboot::string_ref which, const pvhboot::memory_range& r) {
  line(who, which, " [", hex{r.addr}, ", ", hex{r.addr + r.size}, ") type ", static_cast<uint32_t>(r.type), " ",
       pvhboot::name(r.type));
}

/// The memory map of the handoff, or on Xen that of the hypercall. Empty if there is neither.
inline pvhboot::result<void> receive(pvhboot::string_ref who, const pvhboot::boot_info<pvhboot::identity_map>& boot,
                                     pvhboot::memory_map& map) {
  if (boot.memory_map_state() == pvhboot::memory_map_state::table || !xen::cpuid().found()) {
    line(who, "memory map ", uint64_t{boot.memory_map().size()}, " entries at ", hex{boot.wire().memmap_paddr});
    if (const auto done = map.append(boot.memory_map()); !done) return done;
  } else {
    const auto table = xen::memory_map();
    if (!table) return table.error();
    line(who, "memory map ", uint64_t{table->size()}, " entries from XENMEM_memory_map");
    if (const auto done = map.append(*table); !done) return done;
  }
  for (const pvhboot::memory_range& r : map) report_range(who, "map received", r);
  return {};
}

/// Prints one line: "error: RULE: sentence (address 0x…)".
inline void report_error(pvhboot::string_ref who, pvhboot::string_ref rule, pvhboot::string_ref sentence,
                         pvhboot::string_ref word, uint64_t where) {
  line(who, "error: ", rule, ": ", sentence, " (", word, " ", hex{where}, ")");
}
inline void report_error(pvhboot::string_ref who, const pvhboot::failure& f) {
  report_error(who, name(f.code), message(f.code), name(where_is(f.code)), f.where);
}

/// Prints everything except for the memory map.
inline void report(pvhboot::string_ref who, const pvhboot::boot_info<pvhboot::identity_map>& boot) {
  if (const pvhboot::xen_cpuid& xen = xen::cpuid(); xen.found())
    line(who, "xen ", uint32_t{xen.version_major}, ".", uint32_t{xen.version_minor}, " cpuid ", hex{xen.base});
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
