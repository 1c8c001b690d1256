// SPDX-License-Identifier: BSL-1.0
//
// Everything but the opt-ins: emit_note.hpp, which has asm; lint.hpp and linux_e820.hpp, which tell what others will
// make of a hand-over or a zero page; spec.hpp and reflect.hpp. Needs <stddef.h> and <stdint.h>, nothing else.
#pragma once

#include <pvhboot/abi/boot_params.hpp>
#include <pvhboot/abi/e820.hpp>
#include <pvhboot/abi/edd.hpp>
#include <pvhboot/abi/elf.hpp>
#include <pvhboot/abi/kernel_info.hpp>
#include <pvhboot/abi/le.hpp>
#include <pvhboot/abi/memory_type.hpp>
#include <pvhboot/abi/screen_info.hpp>
#include <pvhboot/abi/setup_data.hpp>
#include <pvhboot/abi/setup_header.hpp>
#include <pvhboot/abi/start_info.hpp>
#include <pvhboot/abi/xen_memory.hpp>
#include <pvhboot/abi/xen_note.hpp>
#include <pvhboot/bzimage.hpp>
#include <pvhboot/heap.hpp>
#include <pvhboot/memory.hpp>
#include <pvhboot/memory_map.hpp>
#include <pvhboot/memory_range.hpp>
#include <pvhboot/parse.hpp>
#include <pvhboot/placement.hpp>
#include <pvhboot/result.hpp>
#include <pvhboot/setup_data_chain.hpp>
#include <pvhboot/span.hpp>
#include <pvhboot/translate.hpp>
#include <pvhboot/xen.hpp>
#include <pvhboot/zero_page.hpp>
