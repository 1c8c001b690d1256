// SPDX-License-Identifier: BSL-1.0
//
// Opt-in, for an assembler source of its own (.S, so that the C preprocessor reads it): the entry code of entry.hpp,
// which has the description, the contract and the options.
//
//     #include <pvhboot/pvh/entry.S>
//     PVHBOOT_ENTRY_64(kernel_main, 16384)
#ifndef PVHBOOT_PVH_ENTRY_S
#define PVHBOOT_PVH_ENTRY_S

#define PVHBOOT_I_(...) __VA_ARGS__;
#include <pvhboot/pvh/entry.def>

#ifdef __x86_64__
#define PVHBOOT_ENTRY_64(kernel_main, ...)      PVHBOOT_ENTRY_64_(kernel_main, __VA_ARGS__, 0, 0)
#define PVHBOOT_ENTRY_64_HIGH(kernel_main, ...) PVHBOOT_ENTRY_64_HIGH_(kernel_main, __VA_ARGS__, 0, 0)
#define PVHBOOT_ENTRY_64_(kernel_main, stack_bytes, options, ...) \
  PVHBOOT_ENTRY_TEXT_64_(kernel_main, stack_bytes, 0, options)
#define PVHBOOT_ENTRY_64_HIGH_(kernel_main, stack_bytes, virtual_base, options, ...) \
  PVHBOOT_ENTRY_TEXT_64_(kernel_main, stack_bytes, (virtual_base), options)
#else
#define PVHBOOT_ENTRY_32(kernel_main, ...) PVHBOOT_ENTRY_32_(kernel_main, __VA_ARGS__, 0, 0)
#define PVHBOOT_ENTRY_32_(kernel_main, stack_bytes, options, ...) \
  PVHBOOT_ENTRY_TEXT_32_(kernel_main, stack_bytes, options)
#endif

#endif
