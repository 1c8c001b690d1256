// SPDX-License-Identifier: BSL-1.0
//
// Everything a kernel or a boot loader needs. The opt-ins have includes of their own: pvh/emit_note.hpp and
// pvh/entry.hpp, which have asm; pvh/lint.hpp, linux/e820.hpp and xen/grub_mmap.hpp, which model other consumers;
// spec.hpp and reflect.hpp. Needs <stddef.h> and <stdint.h>, nothing else.
//
//     const auto boot = pvhboot::parse(memory, paddr);            // a handoff
//     const auto kernel = pvhboot::parse_bzimage(file);           // Linux
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/boot_params.hpp>
#include <pvhboot/abi/e820.hpp>
#include <pvhboot/abi/le.hpp>
#include <pvhboot/abi/memory_type.hpp>
#include <pvhboot/abi/setup_data.hpp>
#include <pvhboot/abi/setup_header.hpp>
#include <pvhboot/abi/start_info.hpp>
#include <pvhboot/abi/xen_memory.hpp>
#include <pvhboot/bridge/pvh_to_linux.hpp>
#include <pvhboot/core/memory.hpp>
#include <pvhboot/core/memory_map.hpp>
#include <pvhboot/core/memory_range.hpp>
#include <pvhboot/core/message.hpp>
#include <pvhboot/core/queries.hpp>
#include <pvhboot/core/result.hpp>
#include <pvhboot/core/sort.hpp>
#include <pvhboot/core/span.hpp>
#include <pvhboot/core/sweep.hpp>
#include <pvhboot/linux/boot_loader.hpp>
#include <pvhboot/linux/bzimage.hpp>
#include <pvhboot/linux/placement.hpp>
#include <pvhboot/linux/setup_data.hpp>
#include <pvhboot/linux/zero_page.hpp>
#include <pvhboot/pvh/extents.hpp>
#include <pvhboot/pvh/parse.hpp>
#include <pvhboot/version.hpp>
#include <pvhboot/xen/xen.hpp>

#include <pvhboot/abi/end.def>
