// SPDX-License-Identifier: BSL-1.0
//
// What the examples ask Xen for, if Xen is there: the memory map that its version 0 of the hand-over lacks, a console
// that the owner of the machine can read, and its end. Without Xen all of this does nothing.
//
// Sources: xen/include/public/{xen,memory,sched,event_channel}.h, xen/include/public/hvm/{hvm_op,params}.h,
// xen/include/public/io/console.h (MIT).
#pragma once

#include <pvhboot/xen/xen.hpp>

namespace example::xen {

/// Looks for Xen; if it is there, sets up its hypercall page and finds out which console this domain has. To be called
/// before the first output.
void begin();
/// What begin() found.
const pvhboot::xen_cpuid& cpuid();

/// XENMEM_memory_map: this domain's map, in a buffer that the next call uses again.
pvhboot::result<pvhboot::xen_memory_map_table> memory_map();

/// To the console that `xl console` shows; of dom0, which has none, to Xen's own. Shown when the line ends.
void put(char c);

enum class shutdown_reason : uint32_t { poweroff = 0, crash = 3 };
/// Ends the domain when its console has been read. Returns if this is not Xen.
void shutdown(shutdown_reason reason);

}  // namespace example::xen
