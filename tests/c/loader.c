/* SPDX-License-Identifier: BSL-1.0
 *
 * A boot loader's calls. interface.py compares its size with that of loader.cpp, which makes the same ones.
 */
#include <pvhboot/c/pvhboot.h>

static struct pvhboot_range ranges[256];
static struct pvhboot_scratch scratch[256];
static uint8_t storage[4096];
uint8_t zero_page[4096];

int start(uint32_t start_info, const uint8_t *file, size_t size);
int start(uint32_t start_info, const uint8_t *file, size_t size) {
  const struct pvhboot_memory memory = {.bytes = pvhboot_identity_bytes};
  struct pvhboot_map map = {.ranges = ranges, .capacity = 256, .scratch = scratch, .slots = 256};
  struct pvhboot_setup_data nodes = {.storage = storage, .size = sizeof storage, .paddr = 0x9000};
  struct pvhboot_linux_layout layout = {.zero_page_paddr = 0x8000, .loader = 0xf, .loader_version = 0xf};
  struct pvhboot_boot_info boot;
  struct pvhboot_bzimage kernel;
  if (pvhboot_parse(&memory, start_info, NULL, &boot, NULL) != PVHBOOT_OK) return 1;
  if (pvhboot_map_append_handoff(&map, &boot, NULL) != PVHBOOT_OK) return 2;
  if (pvhboot_map_sanitize(&map, NULL) != PVHBOOT_OK) return 3;
  if (pvhboot_parse_bzimage(file, size, &kernel, NULL) != PVHBOOT_OK) return 4;
  if (pvhboot_place_kernel(&kernel, &map, 0x100000, &layout.kernel, NULL) != PVHBOOT_OK) return 5;
  if (pvhboot_prepare_for_linux(&map, NULL) != PVHBOOT_OK) return 6;
  layout.cmdline_paddr = boot.cmdline_paddr;
  layout.cmdline_size = boot.cmdline_size;
  layout.rsdp_paddr = boot.rsdp_paddr;
  return pvhboot_translate_loader(&kernel, &layout, &map, zero_page, &nodes, NULL) != PVHBOOT_OK ? 7 : 0;
}
