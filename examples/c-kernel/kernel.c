/* SPDX-License-Identifier: BSL-1.0
 *
 * A kernel in C that prints its memory map, as it was handed over and how much RAM is free beside the kernel and the
 * handoff.
 */
#include <pvhboot/c/pvhboot.h>

#include "support.h"

static struct pvhboot_range ranges[512];
static struct pvhboot_scratch scratch[512];

extern const uint8_t kernel_begin[];
extern const uint8_t kernel_end[];

void kernel_main(uint32_t start_info) {
  const struct pvhboot_memory memory = {.bytes = pvhboot_identity_bytes};
  struct pvhboot_map map = {.ranges = ranges, .capacity = 512, .scratch = scratch, .slots = 512};
  struct pvhboot_boot_info boot;
  uint64_t where = 0;
  enum pvhboot_error bad = pvhboot_parse(&memory, start_info, NULL, &boot, &where);
  if (bad == PVHBOOT_OK) bad = pvhboot_map_append_handoff(&map, &boot, &where);
  if (bad == PVHBOOT_OK) print_map(&map);
  if (bad == PVHBOOT_OK) bad = pvhboot_map_sanitize(&map, &where);
  if (bad == PVHBOOT_OK) bad = pvhboot_reserve_handoff(&map, &boot, &where);
  if (bad == PVHBOOT_OK)
    bad = pvhboot_map_punch(&map, (uintptr_t)kernel_begin, (uint64_t)(kernel_end - kernel_begin), &where);
  if (bad != PVHBOOT_OK) {
    print(pvhboot_message(bad));
    print(": ");
    print(pvhboot_where_is(bad));
    print(" ");
    print_number(where);
    print("\r\n");
    return;
  }
  print("free RAM: ");
  print_number(pvhboot_total_ram(&map));
  print("\r\nthat is all memory\r\n");
}
