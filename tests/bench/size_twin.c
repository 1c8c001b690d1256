/* SPDX-License-Identifier: BSL-1.0 */
/* Handwritten C with the same checks in the same order, each with its code and its place. The library's version:
   size_library.cpp. */
#include <stddef.h>
#include <stdint.h>

#include "size.h"

#define PACKED __attribute__((packed, may_alias))

struct PACKED start_info {
  uint32_t magic, version, flags, nr_modules;
  uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
  uint32_t memmap_entries, reserved;
};
struct PACKED module {
  uint64_t paddr, size, cmdline_paddr, reserved;
};
struct PACKED memmap_entry {
  uint64_t addr, size;
  uint32_t type, reserved;
};
struct PACKED e820_entry {
  uint64_t addr, size;
  uint32_t type;
};
struct PACKED setup_data {
  uint64_t next;
  uint32_t type, len;
};
struct PACKED zero_page {
  uint8_t gap0[0x70];
  uint64_t acpi_rsdp_addr;
  uint8_t gap1[0xc0 - 0x78];
  uint32_t ext_ramdisk_image, ext_ramdisk_size, ext_cmd_line_ptr;
  uint8_t gap2[0x1e8 - 0xcc];
  uint8_t e820_entries;
  uint8_t gap3[0x206 - 0x1e9];
  uint16_t version;
  uint8_t gap4[8];
  uint8_t type_of_loader;
  uint8_t gap5[7];
  uint32_t ramdisk_image, ramdisk_size;
  uint8_t gap6[8];
  uint32_t cmd_line_ptr;
  uint8_t gap7[0x250 - 0x22c];
  uint64_t setup_data;
  uint8_t gap8[0x2d0 - 0x258];
  struct e820_entry e820_table[128];
  uint8_t gap9[0x1000 - 0xcd0];
};
_Static_assert(sizeof(struct zero_page) == 4096, "the zero page is one page");

enum {
  start_info_absent,
  start_info_unreadable,
  bad_magic,
  cmdline_unreadable,
  cmdline_unterminated,
  modlist_absent,
  too_many_modules,
  modlist_unreadable,
  module_wraps,
  too_many_memmap_entries,
  memmap_unreadable,
  map_not_prepared,
  setup_data_full,
  e820_too_few,
};
enum { most_entries = 4096, most_modules = 256, string_size = 65536, slots = 128 };

struct range {
  uint64_t addr, size;
  uint32_t type;
};

struct boot {
  struct start_info info;
  const struct module *modules;
  const struct memmap_entry *table;
  const uint8_t *cmdline;
  uint32_t cmdline_size;
};

struct map {
  const struct range *ranges;
  uint32_t size;
  uint8_t sanitized;
};
extern struct map prepared; /* elsewhere */

static const uint8_t *bytes(uint64_t paddr, uint64_t n) {
  const uint64_t limit = UINTPTR_MAX;
  if (paddr >= limit || n > limit - paddr) return NULL;
  return (const uint8_t *)(uintptr_t)paddr;
}

static struct outcome no(int code, uint64_t where) { return (struct outcome){where, code}; }

static struct outcome parse(uint64_t at, struct boot *boot) {
  struct start_info *info = &boot->info;
  if (at == 0) return no(start_info_absent, 0);
  const uint8_t *head = bytes(at, 40);
  if (!head) return no(start_info_unreadable, at);
  __builtin_memset(boot, 0, sizeof *boot);
  __builtin_memcpy(info, head, 40);
  if (info->magic != 0x336ec578) return no(bad_magic, at);
  if (info->version >= 1) {
    const uint8_t *tail = at + 40 < at ? NULL : bytes(at + 40, 16);
    if (!tail) return no(start_info_unreadable, at);
    __builtin_memcpy((uint8_t *)info + 40, tail, 16);
  }

  const uint64_t text = info->cmdline_paddr;
  if (text != 0) {
    if (!bytes(text, 1)) return no(cmdline_unreadable, text);
    for (uint64_t n = 0;; ++n) {
      const uint8_t *p = n <= string_size && n <= ~text ? bytes(text + n, 1) : NULL;
      if (!p) return no(cmdline_unterminated, text);
      if (*p != 0) continue;
      boot->cmdline = bytes(text, n + 1);
      if (!boot->cmdline) return no(cmdline_unreadable, text);
      boot->cmdline_size = (uint32_t)n;
      break;
    }
  }

  const uint32_t modules = info->nr_modules;
  if (modules != 0) {
    if (info->modlist_paddr == 0) return no(modlist_absent, at + offsetof(struct start_info, modlist_paddr));
    if (modules > most_modules) return no(too_many_modules, at + offsetof(struct start_info, nr_modules));
    boot->modules = (const struct module *)bytes(info->modlist_paddr, (uint64_t)modules * sizeof(struct module));
    if (!boot->modules) return no(modlist_unreadable, info->modlist_paddr);
    for (uint32_t i = 0; i < modules; ++i) {
      const struct module *m = &boot->modules[i];
      if (m->size != 0 && m->size - 1 > ~m->paddr) return no(module_wraps, info->modlist_paddr + i * sizeof *m);
    }
  }

  const uint32_t entries = info->memmap_entries;
  if (info->version != 0 && entries != 0 && info->memmap_paddr != 0) {
    if (entries > most_entries) return no(too_many_memmap_entries, at + offsetof(struct start_info, memmap_entries));
    boot->table =
        (const struct memmap_entry *)bytes(info->memmap_paddr, (uint64_t)entries * sizeof(struct memmap_entry));
    if (!boot->table) return no(memmap_unreadable, info->memmap_paddr);
  }
  return no(-1, 0);
}

static struct e820_entry to_e820(const struct range *r) { return (struct e820_entry){r->addr, r->size, r->type}; }

struct outcome zero_page_of_handoff(uint32_t at, int on_xen, void *page, uint8_t *more, uint32_t more_size) {
  struct boot boot;
  const struct outcome parsed = parse(at, &boot);
  if (parsed.code >= 0) return parsed;
  const struct range *ranges = prepared.ranges;
  const uint32_t n = prepared.size;
  struct zero_page *z = page;
  __builtin_memset(z, 0, sizeof *z);
  z->version = 0x020c;
  z->type_of_loader = on_xen ? 0x90 : 0xb0;
  z->cmd_line_ptr = (uint32_t)boot.info.cmdline_paddr;
  z->ext_cmd_line_ptr = (uint32_t)(boot.info.cmdline_paddr >> 32);
  if (boot.info.nr_modules != 0) {
    const struct module *initrd = boot.modules;
    z->ramdisk_image = (uint32_t)initrd->paddr;
    z->ext_ramdisk_image = (uint32_t)(initrd->paddr >> 32);
    z->ramdisk_size = (uint32_t)initrd->size;
    z->ext_ramdisk_size = (uint32_t)(initrd->size >> 32);
  }
  z->acpi_rsdp_addr = boot.info.rsdp_paddr;
  if (n < 2) return no(e820_too_few, n);
  if (!prepared.sanitized || ranges[n - 1].addr + ranges[n - 1].size == 0) return no(map_not_prepared, n);
  if (n > slots) {
    const uint64_t payload = (uint64_t)(n - slots) * sizeof(struct e820_entry);
    if (payload > 0xffffffff - sizeof(struct setup_data) ||
        ((sizeof(struct setup_data) + payload + 7) & ~(uint64_t)7) > more_size || !more)
      return no(setup_data_full, payload);
    *(struct setup_data *)more = (struct setup_data){0, 1, (uint32_t)payload};
    z->setup_data = (uintptr_t)more;
    struct e820_entry *to = (struct e820_entry *)(more + sizeof(struct setup_data));
    for (uint32_t i = slots; i < n; ++i) *to++ = to_e820(&ranges[i]);
  }
  struct e820_entry *slot = z->e820_table;
  for (uint32_t i = 0; i < n && i < slots; ++i) *slot++ = to_e820(&ranges[i]);
  z->e820_entries = (uint8_t)(slot - z->e820_table);
  return no(-1, 0);
}
