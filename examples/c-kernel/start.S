/* SPDX-License-Identifier: BSL-1.0
 *
 * The entry: PVH's note, a stack of 16 KiB, flat segments, long mode if the kernel has 64 bits; then kernel_main.
 */
#include <pvhboot/pvh/entry.S>

#ifdef __x86_64__
PVHBOOT_ENTRY_64(kernel_main, 16384)
#else
PVHBOOT_ENTRY_32(kernel_main, 16384)
#endif

.section .note.GNU-stack, "", @progbits
