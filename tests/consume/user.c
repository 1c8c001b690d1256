/* SPDX-License-Identifier: BSL-1.0
 *
 * A project in C: parses a handoff that is not there.
 */
#include <pvhboot/c/pvhboot.h>
#include <string.h>

int main(void) {
  struct pvhboot_window window = {0, NULL, NULL, 0};
  const struct pvhboot_memory memory = {.context = &window, .bytes = pvhboot_window_bytes};
  struct pvhboot_boot_info boot;
  uint64_t where = 0;
  const enum pvhboot_error bad = pvhboot_parse(&memory, 0x6000, NULL, &boot, &where);
  return bad == PVHBOOT_E_start_info_unreadable && where == 0x6000 && strcmp(pvhboot_where_is(bad), "address") == 0 ? 0
                                                                                                                    : 1;
}
