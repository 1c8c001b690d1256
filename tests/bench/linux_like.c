/* SPDX-License-Identifier: BSL-1.0 */
/* Linux's algorithms, rewritten with as few steps: arch/x86/platform/pvh/enlighten.c (6.1), which checks neither
   pointers nor counts, and e820__update_table() of arch/x86/kernel/e820.c, with its list of overlapping entries. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#pragma pack(push, 1)
struct start_info {
  uint32_t magic, version, flags, nr_modules;
  uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
  uint32_t memmap_entries, reserved;
};
struct module {
  uint64_t paddr, size, cmdline_paddr, reserved;
};
struct memmap_entry {
  uint64_t addr, size;
  uint32_t type, reserved;
};
struct e820_entry {
  uint64_t addr, size;
  uint32_t type;
};
struct zero_page {
  uint8_t head[0x1e8];
  uint8_t e820_entries;
  uint8_t gap1[0x206 - 0x1e9];
  uint16_t version;
  uint8_t gap2[8];
  uint8_t type_of_loader;
  uint8_t gap3[7];
  uint32_t ramdisk_image, ramdisk_size;
  uint8_t gap4[8];
  uint32_t cmd_line_ptr;
  uint8_t gap5[0x2d0 - 0x22c];
  struct e820_entry e820_table[128];
  uint8_t tail[0x1000 - 0xcd0];
};
#pragma pack(pop)
_Static_assert(sizeof(struct zero_page) == 4096, "the zero page is one page");

static const void *at(const struct handoff *h, uint64_t paddr) { return h->bytes + (paddr - h->base); }

int linux_translate(const struct handoff *h, uint8_t *page) {
  const struct start_info *info = at(h, h->start_info_paddr);
  struct zero_page *z = (struct zero_page *)page;
  memset(z, 0, sizeof *z);
  if (info->magic != 0x336ec578) abort();
  const struct memmap_entry *table = at(h, info->memmap_paddr);
  for (uint32_t i = 0; i < info->memmap_entries; ++i) {
    z->e820_table[i].addr = table[i].addr;
    z->e820_table[i].size = table[i].size;
    z->e820_table[i].type = table[i].type;
  }
  z->e820_entries = (uint8_t)info->memmap_entries;
  if (z->e820_entries < 127) {
    z->e820_table[z->e820_entries].addr = 0xa0000;
    z->e820_table[z->e820_entries].size = 0x60000;
    z->e820_table[z->e820_entries].type = 2;
    ++z->e820_entries;
  }
  z->cmd_line_ptr = (uint32_t)info->cmdline_paddr;
  if (info->nr_modules != 0) {
    const struct module *initrd = at(h, info->modlist_paddr);
    z->ramdisk_image = (uint32_t)initrd->paddr;
    z->ramdisk_size = (uint32_t)initrd->size;
  }
  z->version = 0x020c;
  z->type_of_loader = 0xb0;
  return z->e820_entries;
}

struct change_point {
  const struct range *entry;
  uint64_t addr;
};

static int starts(const struct change_point *p) { return p->addr == p->entry->addr; }

/* At the same address a start comes before an end. */
static int comes_after(const struct change_point *a, const struct change_point *b) {
  if (a->addr != b->addr) return a->addr > b->addr;
  return !starts(a) && starts(b);
}

static void sink(struct change_point *points, size_t i, size_t n) {
  for (size_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && comes_after(&points[child + 1], &points[child])) ++child;
    if (!comes_after(&points[child], &points[i])) return;
    const struct change_point t = points[i];
    points[i] = points[child];
    points[child] = t;
  }
}

static void sort(struct change_point *points, size_t n) {
  for (size_t i = n / 2; i-- > 0;) sink(points, i, n);
  for (size_t i = n; i-- > 1;) {
    const struct change_point t = points[0];
    points[0] = points[i];
    points[i] = t;
    sink(points, 0, i);
  }
}

/* Linux's buffers are static. */
enum { most = 131072 };
static struct change_point points[2 * most];
static const struct range *active[most];
static struct range made[2 * most];

size_t linux_sanitize(struct range *ranges, size_t n) {
  size_t changes = 0;
  for (size_t i = 0; i < n; ++i) {
    if (ranges[i].size == 0) continue;
    points[changes++] = (struct change_point){&ranges[i], ranges[i].addr};
    points[changes++] = (struct change_point){&ranges[i], ranges[i].addr + ranges[i].size};
  }
  sort(points, changes);
  size_t actives = 0, out = 0;
  uint32_t last_type = 0;
  uint64_t last_addr = 0;
  for (size_t c = 0; c < changes; ++c) {
    if (starts(&points[c])) {
      active[actives++] = points[c].entry;
    } else {
      for (size_t i = 0; i < actives; ++i)
        if (active[i] == points[c].entry) active[i] = active[actives - 1];
      --actives;
    }
    uint32_t type = 0;
    for (size_t i = 0; i < actives; ++i)
      if (active[i]->type > type) type = active[i]->type;
    if (type != last_type || type == 12 || type == 0xefffffff) {
      if (last_type != 0) {
        made[out].size = points[c].addr - last_addr;
        if (made[out].size != 0) ++out;
      }
      if (type != 0) {
        made[out] = (struct range){points[c].addr, 0, type};
        last_addr = points[c].addr;
      }
      last_type = type;
    }
  }
  memcpy(ranges, made, out * sizeof *made);
  return out;
}
