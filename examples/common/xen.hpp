// SPDX-License-Identifier: BSL-1.0
//
// Xen's services for the examples: the memory map, which start info version 0 does not have, the domain's console, and
// the shutdown of the domain. Without Xen these functions do nothing.
//
// Sources: xen/include/public/{xen,memory,sched,event_channel}.h, xen/include/public/hvm/{hvm_op,params}.h,
// xen/include/public/io/console.h (MIT).
#pragma once

#include <pvhboot/xen/xen.hpp>

namespace example::xen {

/// Detects Xen, and then sets up the hypercall page and finds the console of this domain. Call it before the first
/// output.
void begin();
/// The result of begin().
const pvhboot::xen_cpuid& cpuid();

/// XENMEM_memory_map: this domain's map, in a buffer that the next call overwrites.
pvhboot::result<pvhboot::xen_memory_map_table> memory_map();

/// Writes to the console that `xl console` shows, or for dom0, which has none, to Xen's. A line is sent at its end.
void put(char c);

enum class shutdown_reason : uint32_t { poweroff = 0, crash = 3 };
/// Shuts the domain down after dom0 has read its console. Returns if this is not Xen.
void shutdown(shutdown_reason reason);

}  // namespace example::xen
