// SPDX-License-Identifier: BSL-1.0
//
// The entry point of the examples: stack, segments and, with -m64, long mode.
#include <pvhboot/pvh/entry.hpp>

extern "C" [[noreturn]] void kernel_main(uint32_t start_info);

#ifdef __x86_64__
PVHBOOT_ENTRY_64(kernel_main, 16384);
#else
PVHBOOT_ENTRY_32(kernel_main, 16384);
#endif
