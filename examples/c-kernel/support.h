/* SPDX-License-Identifier: BSL-1.0
 *
 * Output, and what the entry code calls.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <pvhboot/c/pvhboot.h>

void kernel_main(uint32_t start_info);

/* On the first serial port and on port 0xe9, the debug port of QEMU and Xen. */
void print(const char *text);
void print_number(uint64_t number);
/* A line for each range: address, size, type. */
void print_map(const struct pvhboot_map *map);

#endif
