/* SPDX-License-Identifier: BSL-1.0 */
/* The same in C, by hand: the same checks in the same order, each with its code and its place; the same places for
   everything; guest memory in pieces. The library's twin: size_producer_library.cpp. */
#include <stddef.h>
#include <stdint.h>

#define PACKED __attribute__((packed, may_alias))

struct PACKED start_info {
  uint32_t magic, version, flags, nr_modules;
  uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
  uint32_t memmap_entries, reserved;
};
struct PACKED modlist_entry {
  uint64_t paddr, size, cmdline_paddr, reserved;
};
struct PACKED memmap_entry {
  uint64_t addr, size;
  uint32_t type, reserved;
};

enum {
  start_info_absent,
  map_full,
  map_not_sanitized,
  handoff_version,
  handoff_memmap_in_version_0,
  handoff_reserved_in_version_0,
  handoff_reserved_without_entry,
  handoff_nul_in_cmdline,
  handoff_nul_in_module_cmdline,
  handoff_module_wraps,
  handoff_wraps,
  handoff_too_high,
  handoff_overlaps,
  handoff_unwritable,
  kernel_extent_empty,
  kernel_extent_wraps,
  kernel_entry_outside,
  plan_bad_alignment,
  plan_wraps,
  plan_overlaps,
  not_relocatable,
  no_base,
  plan_no_room_for_block,
  plan_no_room_for_acpi,
  plan_no_room_for_handoff,
  plan_no_room_for_module,
};
enum { ram = 1, acpi = 3, page = 0x1000, mib = 0x100000 };

struct outcome {
  uint64_t where;
  int code; /* -1: all is well */
};
static struct outcome no(int code, uint64_t where) { return (struct outcome){where, code}; }
static const struct outcome fine = {0, -1};

struct range {
  uint64_t addr, size;
  uint32_t type;
};
struct map {
  struct range *ranges;
  size_t capacity, size;
  int sanitized;
};
extern struct map guest_map; /* sanitised, elsewhere */
extern struct map free_map;

struct text {
  const char *bytes; /* NULL: none */
  size_t size;
};
struct module {
  uint64_t paddr, size;
  struct text cmdline;
  uint64_t reserved;
};
struct block {
  uint64_t size, alignment, lowest, highest;
  uint32_t type;
  uint64_t paddr;
};
struct kernel {
  uint64_t first, size;
  uint32_t entry;
  int relocatable;
  uint32_t alignment, minimum, maximum;
};
struct request {
  struct kernel kernel;
  uint32_t version, flags;
  struct text cmdline;
  struct module *modules;
  size_t module_count;
  uint64_t rsdp_paddr, acpi_size;
  struct block *blocks;
  size_t block_count;
  uint64_t handoff_highest, modules_highest;
};
struct handoff {
  uint32_t version, flags;
  struct text cmdline;
  const struct module *modules;
  size_t module_count;
  uint64_t rsdp_paddr;
  const struct range *memmap;
  size_t entry_count;
  const uint32_t *memmap_reserved;
  size_t reserved_count;
  uint32_t reserved;
};
struct plan {
  struct handoff handoff;
  uint32_t start_info_paddr, entry;
  uint64_t kernel_base, kernel_shift, bases;
};
struct piece {
  uint64_t base;
  uint8_t *bytes;
  size_t size;
};
struct guest {
  const struct piece *pieces;
  size_t count;
};

/* Ranges. */

static int wraps(const struct range *r) { return r->size != 0 && r->size - 1 > ~r->addr; }
static uint64_t last(const struct range *r) { return wraps(r) ? ~(uint64_t)0 : r->addr + (r->size - 1); }
static int overlap(const struct range *a, const struct range *b) {
  return a->size != 0 && b->size != 0 && a->addr <= last(b) && b->addr <= last(a);
}
static int may_merge(const struct range *low, const struct range *high) {
  return low->size != 0 && low->type == high->type && low->type != 12 && low->type != 0xefffffff &&
         low->size + high->size != 0;
}

static int is_sanitized(const struct map *map) {
  uint64_t before = 0;
  for (size_t i = 0; i < map->size; ++i) {
    const struct range *r = &map->ranges[i];
    if (r->size == 0 || r->type == 0 || wraps(r)) return 0;
    if (i != 0 && r->addr <= before) return 0;
    if (i != 0 && r->addr - 1 == before && may_merge(r - 1, r)) return 0;
    before = last(r);
  }
  return 1;
}

/* Makes a range of this type in a sanitised map; type 0 takes it out. The caller has seen to the room. */
static void overwrite(struct map *map, uint64_t addr, uint64_t n, uint32_t type) {
  const struct range r = {addr, n, type};
  if (n == 0) return;
  size_t from = 0;
  while (from < map->size && last(&map->ranges[from]) < addr) ++from;
  size_t to = from;
  while (to < map->size && map->ranges[to].addr <= last(&r)) ++to;
  const size_t low = from != 0 ? from - 1 : 0, high = to != map->size ? to + 1 : to;
  struct range parts[5] = {{0, 0, 0}};
  if (low != from) parts[0] = map->ranges[low];
  if (from != to) {
    const struct range *lowest = &map->ranges[from], *highest = &map->ranges[to - 1];
    if (lowest->addr < addr) parts[1] = (struct range){lowest->addr, addr - lowest->addr, lowest->type};
    if (last(highest) > last(&r)) parts[3] = (struct range){last(&r) + 1, last(highest) - last(&r), highest->type};
  }
  parts[2] = (struct range){addr, last(&r) - addr + 1, type};
  if (high != to) parts[4] = map->ranges[to];
  size_t count = 0;
  for (int i = 0; i < 5; ++i) {
    const struct range part = parts[i];
    if (part.type == 0) continue;
    if (count != 0 && last(&parts[count - 1]) + 1 == part.addr && may_merge(&parts[count - 1], &part))
      parts[count - 1].size += part.size;
    else
      parts[count++] = part;
  }
  const size_t size = map->size - (high - low) + count;
  if (size > map->capacity) return;
  __builtin_memmove(map->ranges + low + count, map->ranges + high, (map->size - high) * sizeof r);
  __builtin_memcpy(map->ranges + low, parts, count * sizeof r);
  map->size = size;
}

static int covers(const struct map *map, uint64_t addr, uint64_t n) {
  if (n == 0 || n - 1 > ~addr) return 0;
  const uint64_t end = addr + (n - 1);
  for (size_t i = 0; i < map->size; ++i) {
    const struct range *r = &map->ranges[i];
    if (last(r) < addr) continue;
    if (r->addr > addr || r->type != ram) return 0;
    if (last(r) >= end) return 1;
    addr = last(r) + 1;
  }
  return 0;
}

/* The places in a range; their count is 0 if there are none. */
struct places {
  uint64_t first, count;
  unsigned shift;
};
static struct places places_in(const struct range *r, uint64_t n, uint64_t align, uint64_t low, uint64_t high) {
  const struct places none = {0, 0, 0};
  if (r->type != ram || n == 0) return none;
  const uint64_t from = r->addr > low ? r->addr : low;
  const uint64_t end = last(r) < high ? last(r) : high;
  if (from > end || n - 1 > end - from) return none;
  const uint64_t first = from + ((0 - from) & (align - 1));
  const uint64_t highest = (end - (n - 1)) & ~(align - 1);
  if (first < from || first > highest) return none;
  const uint32_t half = (uint32_t)align;
  const unsigned shift = (unsigned)(half != 0 ? __builtin_ctz(half) : 32 + __builtin_ctz((uint32_t)(align >> 32)));
  return (struct places){first, ((highest - first) >> shift) + 1, shift};
}

/* 0: none. */
static uint64_t find_lowest(const struct map *map, uint64_t n, uint64_t align, uint64_t first, uint64_t end) {
  for (size_t i = 0; i < map->size; ++i) {
    const struct range *r = &map->ranges[i];
    if (r->type != ram) continue;
    const uint64_t low = r->addr > first ? r->addr : first, high = last(r) < end ? last(r) : end;
    const uint64_t start = low + ((0 - low) & (align - 1));
    if (n != 0 && start >= low && start <= high && n - 1 <= high - start) return start;
  }
  return 0;
}
static uint64_t find_highest(const struct map *map, uint64_t n, uint64_t align, uint64_t first, uint64_t end) {
  for (size_t i = map->size; i-- > 0;) {
    const struct range *r = &map->ranges[i];
    if (r->type != ram) continue;
    const uint64_t low = r->addr > first ? r->addr : first, high = last(r) < end ? last(r) : end;
    if (n == 0 || high < low || n - 1 > high - low) continue;
    const uint64_t start = (high - (n - 1)) & ~(align - 1);
    if (start >= low) return start;
  }
  return 0;
}

static uint64_t count_places(const struct map *map, uint64_t n, uint64_t align, uint64_t first, uint64_t end) {
  uint64_t sum = 0;
  for (size_t i = 0; i < map->size; ++i) {
    const uint64_t count = places_in(&map->ranges[i], n, align, first, end).count;
    sum = count > ~sum ? ~(uint64_t)0 : sum + count;
  }
  return sum;
}
static uint64_t scale(uint64_t random, uint64_t n) {
  const uint64_t half = 0xffffffff;
  const uint64_t high_low = (random >> 32) * (n & half), low_high = (random & half) * (n >> 32);
  const uint64_t carry = (high_low & half) + (low_high & half) + (((random & half) * (n & half)) >> 32);
  return (random >> 32) * (n >> 32) + (high_low >> 32) + (low_high >> 32) + (carry >> 32);
}
static uint64_t find_random(const struct map *map, uint64_t n, uint64_t align, uint64_t first, uint64_t end,
                            uint64_t random) {
  uint64_t index = scale(random, count_places(map, n, align, first, end));
  for (size_t i = 0; i < map->size; ++i) {
    const struct places p = places_in(&map->ranges[i], n, align, first, end);
    if (index < p.count) return p.first + (index << p.shift);
    index -= p.count;
  }
  return 0;
}

/* The handoff. */

static uint64_t text_size(const struct text *t) { return t->bytes ? t->size + (uint64_t)1 : 0; }
static uint64_t start_info_size(const struct handoff *h) { return h->version == 0 ? 40 : sizeof(struct start_info); }
static uint64_t texts_size(const struct handoff *h) {
  uint64_t sum = 0;
  for (size_t i = 0; i < h->module_count; ++i) {
    const uint64_t n = text_size(&h->modules[i].cmdline);
    sum = n > ~sum ? ~(uint64_t)0 : sum + n;
  }
  return sum;
}
static uint64_t handoff_size(const struct handoff *h) {
  const uint64_t others = start_info_size(h) + (uint64_t)h->module_count * sizeof(struct modlist_entry) +
                          (uint64_t)h->entry_count * sizeof(struct memmap_entry) + text_size(&h->cmdline);
  const uint64_t texts = texts_size(h);
  return texts > ~others ? ~(uint64_t)0 : others + texts;
}

static size_t first_nul(const struct text *t) {
  size_t i = 0;
  while (i < t->size && t->bytes[i] != 0) ++i;
  return i;
}

/* As much of [paddr, paddr + n) as lies together; a size of 0: none. */
struct run {
  uint8_t *bytes;
  size_t size;
};
static struct run writable(const struct guest *g, uint64_t paddr, uint64_t n) {
  for (size_t i = 0; i < g->count; ++i) {
    const struct piece *p = &g->pieces[i];
    if (paddr < p->base || paddr - p->base >= p->size) continue;
    const size_t at = (size_t)(paddr - p->base), there = p->size - at;
    uint64_t some = n > there ? there : n;
    if (some != 0 && some - 1 > ~paddr) some = 0 - paddr;
    if (some != 0) return (struct run){p->bytes + at, (size_t)some};
  }
  return (struct run){NULL, 0};
}
static uint64_t writable_bytes(const struct guest *g, uint64_t paddr, uint64_t n) {
  uint64_t done = 0;
  while (done != n && done <= ~paddr) {
    const struct run run = writable(g, paddr + done, n - done);
    if (run.size == 0) break;
    done += run.size;
  }
  return done;
}

struct writer {
  const struct guest *guest;
  struct run here;
  uint64_t next, end;
  int good;
};
static void put(struct writer *w, const void *from, size_t n) {
  const uint8_t *bytes = from;
  while (n != 0) {
    if (w->here.size == 0) w->here = writable(w->guest, w->next, w->end - w->next);
    const size_t some = n < w->here.size ? n : w->here.size;
    if (some == 0) {
      w->good = 0;
      return;
    }
    __builtin_memcpy(w->here.bytes, bytes, some);
    w->here.bytes += some;
    w->here.size -= some;
    w->next += some;
    bytes += some;
    n -= some;
  }
}
static void put_text(struct writer *w, const struct text *t) {
  if (!t->bytes) return;
  put(w, t->bytes, t->size);
  put(w, "", 1);
}

static struct outcome write_handoff(const struct handoff *h, const struct guest *guest, uint64_t paddr) {
  const struct range block = {paddr, handoff_size(h), 0};
  if (h->version > 1) return no(handoff_version, h->version);
  if (h->version == 0 && h->entry_count != 0) return no(handoff_memmap_in_version_0, h->entry_count);
  if (h->version == 0 && h->reserved != 0) return no(handoff_reserved_in_version_0, h->reserved);
  if (h->reserved_count > h->entry_count) return no(handoff_reserved_without_entry, h->reserved_count);
  const size_t nul = first_nul(&h->cmdline);
  if (nul != h->cmdline.size) return no(handoff_nul_in_cmdline, nul);
  for (size_t i = 0; i < h->module_count; ++i) {
    const struct module *m = &h->modules[i];
    const struct range r = {m->paddr, m->size, 0};
    if (wraps(&r)) return no(handoff_module_wraps, i);
    if (first_nul(&m->cmdline) != m->cmdline.size) return no(handoff_nul_in_module_cmdline, i);
  }
  if (paddr == 0) return no(start_info_absent, 0);
  if (wraps(&block)) return no(handoff_wraps, paddr);
  struct range other = {h->rsdp_paddr, h->rsdp_paddr != 0 ? 20 : 0, 0};
  for (size_t i = 0;; ++i) {
    if (overlap(&block, &other)) return no(handoff_overlaps, block.addr > other.addr ? block.addr : other.addr);
    if (i == h->module_count) break;
    other = (struct range){h->modules[i].paddr, h->modules[i].size, 0};
  }
  if (paddr > 0x100000000 - start_info_size(h)) return no(handoff_too_high, paddr);
  const uint64_t there = writable_bytes(guest, paddr, block.size);
  if (there != block.size) return no(handoff_unwritable, paddr + there);

  const uint64_t modlist = paddr + start_info_size(h);
  const uint64_t memmap = modlist + (uint64_t)h->module_count * sizeof(struct modlist_entry);
  const uint64_t cmdline = memmap + (uint64_t)h->entry_count * sizeof(struct memmap_entry);
  uint64_t text = cmdline + text_size(&h->cmdline);
  struct writer w = {guest, {NULL, 0}, paddr, paddr + block.size, 1};
  const struct start_info info = {0x336ec578,
                                  h->version,
                                  h->flags,
                                  (uint32_t)h->module_count,
                                  h->module_count != 0 ? modlist : 0,
                                  h->cmdline.bytes ? cmdline : 0,
                                  h->rsdp_paddr,
                                  h->entry_count != 0 ? memmap : 0,
                                  (uint32_t)h->entry_count,
                                  h->reserved};
  put(&w, &info, (size_t)start_info_size(h));
  for (size_t i = 0; i < h->module_count; ++i) {
    const struct module *m = &h->modules[i];
    const struct modlist_entry entry = {m->paddr, m->size, m->cmdline.bytes ? text : 0, m->reserved};
    put(&w, &entry, sizeof entry);
    text += text_size(&m->cmdline);
  }
  for (size_t i = 0; i < h->entry_count; ++i) {
    const struct range *r = &h->memmap[i];
    const struct memmap_entry entry = {r->addr, r->size, r->type, i < h->reserved_count ? h->memmap_reserved[i] : 0};
    put(&w, &entry, sizeof entry);
  }
  put_text(&w, &h->cmdline);
  for (size_t i = 0; i < h->module_count; ++i) put_text(&w, &h->modules[i].cmdline);
  if (!w.good) return no(handoff_unwritable, paddr);
  return fine;
}

/* The plan. */

static int is_power_of_two(uint64_t n) { return n != 0 && (n & (n - 1)) == 0; }

/* What may have an address already: the RSDP with its tables, the modules, the blocks. */
static struct range placed(const struct request *q, size_t i) {
  struct range r;
  if (i == 0)
    r = (struct range){q->rsdp_paddr, q->acpi_size > 36 ? q->acpi_size : 36, 0};
  else if (i <= q->module_count)
    r = (struct range){q->modules[i - 1].paddr, q->modules[i - 1].size, 0};
  else
    r = (struct range){q->blocks[i - 1 - q->module_count].paddr, q->blocks[i - 1 - q->module_count].size, 0};
  if (r.addr == 0) r.size = 0;
  return r;
}

static const struct range traps[] = {{0, 0x1000, 0}, {0x7000, 0x1000, 0}, {0x9f000, 0x61000, 0}};
enum { trap_count = sizeof traps / sizeof *traps };

static struct outcome check(const struct request *q, size_t entries) {
  const struct kernel *k = &q->kernel;
  if (!is_sanitized(&guest_map)) return no(map_not_sanitized, guest_map.size);
  if (k->size == 0) return no(kernel_extent_empty, 0);
  if (k->size - 1 > ~k->first) return no(kernel_extent_wraps, k->first);
  if (k->entry < k->first || k->entry - k->first >= k->size) return no(kernel_entry_outside, k->entry);
  if (!is_power_of_two(k->alignment)) return no(plan_bad_alignment, k->alignment);
  for (size_t i = 0; i < q->block_count; ++i)
    if (!is_power_of_two(q->blocks[i].alignment)) return no(plan_bad_alignment, q->blocks[i].alignment);
  const size_t things = 1 + q->module_count + q->block_count;
  const size_t in_free = guest_map.size + things + trap_count + 2;
  if (entries > guest_map.capacity) return no(map_full, entries);
  if (in_free > free_map.capacity) return no(map_full, in_free);
  for (size_t i = 0; i < things; ++i) {
    const struct range r = placed(q, i);
    if (wraps(&r)) return no(plan_wraps, r.addr);
    for (size_t j = 0; j < i; ++j) {
      const struct range other = placed(q, j);
      if (overlap(&r, &other)) return no(plan_overlaps, r.addr > other.addr ? r.addr : other.addr);
    }
  }
  return fine;
}

static void take(uint64_t addr, uint64_t n) { overwrite(&free_map, addr, n, 0); }

static uint64_t find_from(const struct block *b, uint64_t size, uint64_t align, uint64_t lowest) {
  return b->type != 0 ? find_highest(&free_map, size, align, lowest, b->highest)
                      : find_lowest(&free_map, size, align, lowest, b->highest);
}
static struct range find(const struct block *b) {
  const uint64_t size = b->type != 0 ? (b->size + (page - 1)) & ~(uint64_t)(page - 1) : b->size;
  const uint64_t align = b->type != 0 && b->alignment < page ? page : b->alignment;
  uint64_t at = find_from(b, size, align, b->lowest != 0 ? b->lowest : mib);
  if (at == 0 && b->lowest == 0) at = find_from(b, size, align, page);
  if (at == 0) return (struct range){0, 0, 0};
  take(at, size);
  return (struct range){at, size, b->type};
}
static struct range find_page(uint64_t size, uint64_t highest, uint32_t type) {
  const struct block b = {size, page, 0, highest, type, 0};
  return find(&b);
}

static struct outcome run(const struct request *q, const uint64_t *random, size_t entries, int enter, struct plan *p) {
  const struct kernel *k = &q->kernel;
  __builtin_memcpy(free_map.ranges, guest_map.ranges, guest_map.size * sizeof(struct range));
  free_map.size = guest_map.size;
  free_map.sanitized = 1;
  for (size_t i = 0; i < 1 + q->module_count + q->block_count; ++i) {
    const struct range r = placed(q, i);
    take(r.addr, r.size);
  }
  const int linked = !random && covers(&free_map, k->first, k->size);
  if (!linked && !k->relocatable) return no(not_relocatable, k->first);
  uint64_t base = k->first, bases = 1;
  if (linked) take(base, k->size);
  for (size_t i = 0; i < trap_count; ++i) take(traps[i].addr, traps[i].size);
  const uint64_t lowest = k->minimum != 0 ? k->minimum : 1;
  if (!linked && !random) {
    base = find_highest(&free_map, k->size, k->alignment, lowest, k->maximum);
    if (base == 0) return no(no_base, k->size);
    take(base, k->size);
  }
  for (size_t i = 0; i < q->block_count; ++i) {
    struct block *b = &q->blocks[i];
    struct range place = {b->paddr, b->size, b->type};
    if (b->paddr == 0 && b->size != 0) {
      place = find(b);
      if (place.size == 0) return no(plan_no_room_for_block, i);
    }
    if (!enter) continue;
    b->paddr = place.addr;
    if (b->type != 0) overwrite(&guest_map, place.addr, place.size, place.type);
  }
  uint64_t rsdp = q->rsdp_paddr;
  if (q->acpi_size != 0 && rsdp == 0) {
    const struct range place = find_page(q->acpi_size, 0xffffffff, acpi);
    if (place.size == 0) return no(plan_no_room_for_acpi, q->acpi_size);
    rsdp = place.addr;
    if (enter) overwrite(&guest_map, place.addr, place.size, place.type);
  }
  struct handoff h = {q->version, q->flags, q->cmdline, q->modules, q->module_count, rsdp, NULL, 0, NULL, 0, 0};
  if (h.version != 0) {
    h.memmap = guest_map.ranges;
    h.entry_count = entries;
  }
  const uint64_t size = handoff_size(&h);
  const struct range block = find_page(size, q->handoff_highest < 0xffffffff ? q->handoff_highest : 0xffffffff, 0);
  if (block.size == 0) return no(plan_no_room_for_handoff, size);
  if (h.version != 0) h.entry_count = guest_map.size;
  for (size_t i = 0; i < q->module_count; ++i) {
    struct module *m = &q->modules[i];
    if (m->paddr != 0) continue;
    const struct range place = find_page(m->size != 0 ? m->size : 1, q->modules_highest, 0);
    if (place.size == 0) return no(plan_no_room_for_module, i);
    if (enter) m->paddr = place.addr;
  }
  if (random) {
    bases = count_places(&free_map, k->size, k->alignment, lowest, k->maximum);
    base = find_random(&free_map, k->size, k->alignment, lowest, k->maximum, *random);
    if (base == 0) return no(no_base, k->size);
    take(base, k->size);
  }
  const uint64_t shift = base - k->first;
  *p = (struct plan){h, (uint32_t)block.addr, (uint32_t)(k->entry + shift), base, shift, bases};
  return fine;
}

struct outcome produce(const struct request *q, const uint64_t *random, const struct guest *guest, struct plan *plan);

struct outcome produce(const struct request *q, const uint64_t *random, const struct guest *guest, struct plan *plan) {
  size_t entries = guest_map.size;
  if (q->acpi_size != 0 && q->rsdp_paddr == 0) entries += 2;
  for (size_t i = 0; i < q->block_count; ++i)
    if (q->blocks[i].type != 0) entries += 2;
  if (!q->kernel.relocatable) random = NULL;
  struct outcome done = check(q, entries);
  if (done.code < 0) done = run(q, random, entries, 0, plan);
  if (done.code < 0) done = run(q, random, entries, 1, plan);
  if (done.code >= 0) return done;
  return write_handoff(&plan->handoff, guest, plan->start_info_paddr);
}
