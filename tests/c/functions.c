/* SPDX-License-Identifier: BSL-1.0
 *
 * Every function of the C interface, in success and in failure. Prints the lines whose check fails. interface.py checks
 * that no function is left out.
 */
#include <pvhboot/c/pvhboot.h>
#include <stdio.h>
#include <string.h>

static unsigned failures;
static void check_at(int good, int line) {
  if (good) return;
  ++failures;
  printf("functions.c:%d: wrong\n", line);
}
#define CHECK(good)            check_at((good) != 0, __LINE__)
#define GOOD(call)             CHECK((call) == PVHBOOT_OK)
#define BAD(call, rule, place) (where = 99, CHECK((call) == PVHBOOT_E_##rule && where == (uint64_t)(place)))

enum { slots = 64, guest_size = 0x40000, file_size = 0x3000 };
static uint64_t where;
static struct pvhboot_range storage[3][slots];
static struct pvhboot_scratch scratch[3][slots];
static uint8_t guest[guest_size];
static uint8_t file[file_size];
static struct pvhboot_window window = {0x10000, guest, guest, guest_size};
static const struct pvhboot_memory memory = {&window, pvhboot_window_bytes, pvhboot_window_writable};

static struct pvhboot_map map_of(size_t i) {
  struct pvhboot_map map = {storage[i], slots, scratch[i], slots, 0, 0};
  return map;
}
static void put(uint8_t *to, uint64_t value, size_t n) {
  for (size_t i = 0; i < n; ++i) to[i] = (uint8_t)(value >> (8 * i));
}
static uint64_t get(const uint8_t *from, size_t n) {
  uint64_t value = 0;
  for (size_t i = n; i-- > 0;) value = value << 8 | from[i];
  return value;
}
static void add(struct pvhboot_map *map, uint64_t addr, uint64_t size, uint32_t type) {
  struct pvhboot_range r = {0, 0, 0};
  r.addr = addr;
  r.size = size;
  r.type = type;
  GOOD(pvhboot_map_append(map, &r, &where));
}
static int is(const struct pvhboot_map *map, size_t i, uint64_t addr, uint64_t size, uint32_t type) {
  return i < map->size && map->ranges[i].addr == addr && map->ranges[i].size == size && map->ranges[i].type == type;
}

static void errors(void) {
  CHECK(strcmp(pvhboot_message(PVHBOOT_E_bad_magic), "start_info does not begin with the magic 0x336ec578") == 0);
  CHECK(strcmp(pvhboot_name(PVHBOOT_E_kernel_truncated), "kernel_truncated") == 0);
  CHECK(strcmp(pvhboot_where_is(PVHBOOT_E_kernel_truncated), "offset") == 0);
  CHECK(strcmp(pvhboot_where_is(PVHBOOT_E_handoff_module_wraps), "module") == 0);
  CHECK(strcmp(pvhboot_message(PVHBOOT_OK), "unknown error") == 0);
  CHECK(PVHBOOT_E_start_info_absent == 0x100 && PVHBOOT_E_no_entry_64 == 0x30c);
}

static void physical_memory(void) {
  uint64_t there = 0;
  struct pvhboot_window constant = window;
  const uint64_t here = (uint64_t)(uintptr_t)guest;
  CHECK(pvhboot_identity_bytes(NULL, here, 4) == guest);
  CHECK(pvhboot_identity_bytes(NULL, ~(uint64_t)0, 1) == NULL);
  CHECK(pvhboot_identity_writable(NULL, here, 4, &there) == guest && there == 4);
  CHECK(pvhboot_identity_writable(NULL, 0, 4, &there) == NULL);
  CHECK(pvhboot_window_bytes(&window, 0x10001, 4) == guest + 1);
  CHECK(pvhboot_window_bytes(&window, 0x10000, guest_size + 1) == NULL);
  CHECK(pvhboot_window_bytes(&window, 0xffff, 1) == NULL);
  CHECK(pvhboot_window_writable(&window, 0x10000 + guest_size - 2, 4, &there) == guest + guest_size - 2 && there == 2);
  CHECK(pvhboot_window_writable(&window, 0x10000 + guest_size, 4, &there) == NULL);
  constant.writable = NULL;
  CHECK(pvhboot_window_writable(&constant, 0x10000, 4, &there) == NULL && there == 0);
}

static void maps(void) {
  struct pvhboot_map map = map_of(0);
  struct pvhboot_map other = map_of(1);
  struct pvhboot_range r = {0x3000, 0x1000, PVHBOOT_ACPI};
  uint64_t paddr = 0;
  add(&map, 0x100000, 0x300000, PVHBOOT_RAM);
  add(&map, 0, 0xa0000, PVHBOOT_RAM);
  add(&map, 0x200000, 0x1000, PVHBOOT_RESERVED);
  CHECK(!pvhboot_map_is_sanitized(&map) && map.sanitized == 0);
  GOOD(pvhboot_map_sanitize(&map, NULL));
  CHECK(map.size == 4 && map.sanitized == 1 && pvhboot_map_is_sanitized(&map));
  CHECK(is(&map, 0, 0, 0xa0000, PVHBOOT_RAM) && is(&map, 2, 0x200000, 0x1000, PVHBOOT_RESERVED));
  CHECK(pvhboot_total_ram(&map) == 0x300000 + 0xa0000 - 0x1000);
  CHECK(pvhboot_covers(&map, 0x100000, 0x100000, PVHBOOT_RAM) == 1);
  CHECK(pvhboot_covers(&map, 0x100000, 0x100001, PVHBOOT_RAM) == 0);
  CHECK(pvhboot_covers(&map, 0x200000, 0x1000, PVHBOOT_RESERVED) == 1);
  GOOD(pvhboot_find_lowest_ram(&map, 0x1000, 0x100000, 1, 0xffffffff, &paddr, &where));
  CHECK(paddr == 0x100000);
  GOOD(pvhboot_find_highest_ram(&map, 0x1000, 0x1000, 0, 0xffffffff, &paddr, &where));
  CHECK(paddr == 0x3ff000);
  BAD(pvhboot_find_lowest_ram(&map, 0x1000000, 1, 0, ~(uint64_t)0, &paddr, &where), no_free_range, 0x1000000);
  BAD(pvhboot_find_highest_ram(&map, 0x1000000, 1, 0, ~(uint64_t)0, &paddr, &where), no_free_range, 0x1000000);
  BAD(pvhboot_find_random_ram(&map, 0x1000000, 1, 0, ~(uint64_t)0, 0, &paddr, &where), no_free_range, 0x1000000);
  GOOD(pvhboot_find_random_ram(&map, 0x1000, 0x1000, 0x100000, 0x101fff, ~(uint64_t)0, &paddr, &where));
  CHECK(paddr == 0x101000);
  GOOD(pvhboot_find_random_ram(&map, 0x1000, 0x1000, 0x100000, 0x101fff, 0, &paddr, &where));
  CHECK(paddr == 0x100000);

  GOOD(pvhboot_map_assign(&other, &map, &where));
  CHECK(other.size == 4 && other.sanitized == 1 && is(&other, 3, 0x201000, 0x1ff000, PVHBOOT_RAM));
  GOOD(pvhboot_map_punch(&other, 0x1000, 0x1000, &where));
  CHECK(other.size == 5 && is(&other, 0, 0, 0x1000, PVHBOOT_RAM) && is(&other, 1, 0x2000, 0x9e000, PVHBOOT_RAM));
  GOOD(pvhboot_map_overwrite(&other, &r, &where));
  CHECK(other.size == 7 && is(&other, 2, 0x3000, 0x1000, PVHBOOT_ACPI));
  other.capacity = 7;
  BAD(pvhboot_map_punch(&other, 0x5000, 0x1000, &where), map_full, 8);
  BAD(pvhboot_map_append(&other, &r, &where), map_full, 7);
  BAD(pvhboot_map_insert(&other, &r, &where), map_full, 7);
  r.addr = 0x6000;
  BAD(pvhboot_map_overwrite(&other, &r, &where), map_full, 9);
  other.capacity = slots;
  pvhboot_map_intersect(&other, 0x2800, 0x1000);
  CHECK(other.size == 2 && is(&other, 0, 0x2800, 0x800, PVHBOOT_RAM) && is(&other, 1, 0x3000, 0x800, PVHBOOT_ACPI));
  r.addr = 0x2800;
  GOOD(pvhboot_map_insert(&other, &r, &where));
  CHECK(other.size == 1 && is(&other, 0, 0x2800, 0x1000, PVHBOOT_ACPI));
  other.capacity = 3;
  BAD(pvhboot_map_assign(&other, &map, &where), map_full, 4);
  CHECK(pvhboot_map_assign(&other, &map, NULL) == PVHBOOT_E_map_full && other.size == 1);
  map.ranges[0].addr = 0x180000;
  map.sanitized = 0;
  map.slots = 3;
  BAD(pvhboot_map_sanitize(&map, &where), scratch_too_small, 4);
  CHECK(strcmp(pvhboot_memory_type_name(PVHBOOT_NVS), "nvs") == 0);
  CHECK(strcmp(pvhboot_memory_type_name(0xefffffff), "soft_reserved") == 0);
  CHECK(strcmp(pvhboot_memory_type_name(99), "unknown") == 0);
}

/* Writes a handoff at 0x10000, with a module and a map of three entries. */
static void write_handoff(void) {
  static const char cmdline[] = "console=ttyS0";
  struct pvhboot_handoff_module modules[1];
  const struct pvhboot_range memmap[3] = {
      {0, 0xa0000, PVHBOOT_RAM}, {0x100000, 0x10000000, PVHBOOT_RAM}, {0xf0000, 0x10000, PVHBOOT_RESERVED}};
  struct pvhboot_handoff h;
  memset(&h, 0, sizeof h);
  memset(modules, 0, sizeof modules);
  modules[0].paddr = 0x20000;
  modules[0].size = 0x800;
  modules[0].cmdline.bytes = (const uint8_t *)"quiet";
  modules[0].cmdline.size = 5;
  h.version = 1;
  h.cmdline.chars = cmdline;
  h.cmdline.size = sizeof cmdline - 1;
  h.modules = modules;
  h.modules_size = 1;
  h.rsdp_paddr = 0xe0000;
  h.memmap = memmap;
  h.memmap_size = 3;
  CHECK(pvhboot_handoff_size(&h) == 56 + 32 + 3 * 24 + sizeof cmdline + 6);
  memset(guest, 0xa5, sizeof guest);
  GOOD(pvhboot_write(&h, &memory, 0x10000, &where));
  CHECK(get(guest, 4) == 0x336ec578 && get(guest + 12, 4) == 1);
  BAD(pvhboot_write(&h, &memory, 0x1000, &where), handoff_unwritable, 0x1000);
  BAD(pvhboot_write(&h, &memory, 0x20000, &where), handoff_overlaps, 0x20000);
  h.version = 2;
  BAD(pvhboot_write(&h, &memory, 0x10000, &where), handoff_version, 2);
}

static void handoff_apart(void) {
  struct pvhboot_handoff h;
  struct pvhboot_handoff_layout at;
  const uint32_t reserved[1] = {7};
  const struct pvhboot_range memmap[1] = {{0, 0xa0000, PVHBOOT_RAM}};
  memset(&h, 0, sizeof h);
  memset(&at, 0, sizeof at);
  h.version = 1;
  h.memmap = memmap;
  h.memmap_size = 1;
  h.memmap_reserved = reserved;
  h.memmap_reserved_size = 1;
  at.start_info_paddr = 0x11000;
  BAD(pvhboot_write_at(&h, &memory, &at, &where), handoff_unplaced, 0x11000 + 40);
  at.memmap_paddr = 0x12000;
  GOOD(pvhboot_write_at(&h, &memory, &at, &where));
  CHECK(get(guest + 0x1000, 4) == 0x336ec578 && get(guest + 0x1000 + 40, 8) == 0x12000);
  CHECK(get(guest + 0x2000 + 8, 8) == 0xa0000 && get(guest + 0x2000 + 20, 4) == 7);
}

static void handoff(void) {
  struct pvhboot_boot_info boot, copy;
  struct pvhboot_module one;
  struct pvhboot_range entry;
  struct pvhboot_extent pieces[8];
  struct pvhboot_map map = map_of(0);
  struct pvhboot_parse_limits limits = {4096, 256, 65536};
  const char *text = NULL;
  const uint8_t *contents = NULL;
  size_t size = 0;
  write_handoff();
  BAD(pvhboot_parse(&memory, 0, NULL, &boot, &where), start_info_absent, 0);
  BAD(pvhboot_parse(&memory, 0x10004, NULL, &boot, &where), bad_magic, 0x10004);
  limits.modules = 0;
  BAD(pvhboot_parse(&memory, 0x10000, &limits, &boot, &where), too_many_modules, 0x10000 + 12);
  limits.modules = 1;
  limits.memmap_entries = 2;
  BAD(pvhboot_parse(&memory, 0x10000, &limits, &boot, &where), too_many_memmap_entries, 0x10000 + 48);
  limits.memmap_entries = 3;
  limits.string_size = 12;
  BAD(pvhboot_parse(&memory, 0x10000, &limits, &boot, &where), cmdline_unterminated, 0x10000 + 56 + 32 + 72);
  limits.string_size = 13;
  GOOD(pvhboot_parse(&memory, 0x10000, &limits, &copy, &where));
  boot = copy;
  memset(&copy, 0xa5, sizeof copy);
  CHECK(boot.paddr == 0x10000 && boot.version == 1 && boot.flags == 0 && boot.reserved == 0);
  CHECK(boot.rsdp_paddr == 0xe0000 && boot.modules == 1 && boot.memmap_entries == 3);
  CHECK(boot.memmap_state == PVHBOOT_MEMMAP_TABLE && boot.cmdline_paddr == 0x10000 + 56 + 32 + 72);
  CHECK(boot.cmdline_size == 13 && strcmp(boot.cmdline, "console=ttyS0") == 0);
  pvhboot_module_at(&boot, 0, &one);
  CHECK(one.paddr == 0x20000 && one.size == 0x800 && one.cmdline_paddr == boot.cmdline_paddr + 14);
  GOOD(pvhboot_module_cmdline(&boot, &one, &text, &size, &where));
  CHECK(size == 5 && strcmp(text, "quiet") == 0);
  GOOD(pvhboot_module_contents(&boot, &one, &contents, &where));
  CHECK(contents == guest + 0x10000);
  one.cmdline_paddr = 0;
  GOOD(pvhboot_module_cmdline(&boot, &one, &text, &size, &where));
  CHECK(text == NULL && size == 0);
  one.cmdline_paddr = 8;
  BAD(pvhboot_module_cmdline(&boot, &one, &text, &size, &where), cmdline_unreadable, 8);
  one.size = guest_size;
  BAD(pvhboot_module_contents(&boot, &one, &contents, &where), module_unreadable, 0x20000);
  pvhboot_memmap_at(&boot, 2, &entry);
  CHECK(entry.addr == 0xf0000 && entry.size == 0x10000 && entry.type == PVHBOOT_RESERVED);

  CHECK(pvhboot_extents(&boot, NULL, 0) == 7);
  CHECK(pvhboot_extents(&boot, pieces, 8) == 7);
  CHECK(pieces[0].what == PVHBOOT_PIECE_START_INFO && pieces[0].addr == 0x10000 && pieces[0].size == 56);
  CHECK(pieces[1].what == PVHBOOT_PIECE_CMDLINE && pieces[1].size == 14);
  CHECK(pieces[5].what == PVHBOOT_PIECE_MODULE && pieces[5].addr == 0x20000 && pieces[5].index == 0);
  CHECK(pieces[6].what == PVHBOOT_PIECE_MODULE_CMDLINE && pieces[6].size == 6);
  map.capacity = 2;
  BAD(pvhboot_map_append_handoff(&map, &boot, &where), map_full, 0);
  map.capacity = slots;
  GOOD(pvhboot_map_append_handoff(&map, &boot, &where));
  CHECK(map.size == 3 && map.sanitized == 0);
  GOOD(pvhboot_map_sanitize(&map, &where));
  map.capacity = 9;
  BAD(pvhboot_reserve_handoff(&map, &boot, &where), map_full, 10);
  map.capacity = slots;
  GOOD(pvhboot_reserve_handoff(&map, &boot, &where));
  CHECK(!pvhboot_covers(&map, 0x10000, 1, PVHBOOT_RAM) && pvhboot_covers(&map, 0xffff, 1, PVHBOOT_RAM));
  CHECK(!pvhboot_covers(&map, 0x207ff, 1, PVHBOOT_RAM) && pvhboot_covers(&map, 0x20800, 1, PVHBOOT_RAM));
}

static void leaves(void *context, uint32_t leaf, struct pvhboot_cpuid_leaf *answer) {
  ++*(int *)context;
  if (leaf == 0x40000100) {
    answer->a = 0x40000102;
    answer->b = 0x566e6558;
    answer->c = 0x65584d4d;
    answer->d = 0x4d4d566e;
  } else if (leaf == 0x40000101) {
    answer->a = 4 << 16 | 17;
  } else if (leaf == 0x40000102) {
    answer->b = 0x40000000;
  }
}
static void no_leaves(void *context, uint32_t leaf, struct pvhboot_cpuid_leaf *answer) {
  (void)context;
  (void)leaf;
  (void)answer;
}

static void xen(void) {
  int calls = 0;
  uint8_t buffer[3 * 20];
  struct pvhboot_xen_cpuid found;
  struct pvhboot_map map = map_of(0);
  CHECK(pvhboot_find_xen(leaves, &calls, &found) == 1 && calls == 4);
  CHECK(found.base == 0x40000100 && found.version_major == 4 && found.version_minor == 17);
  CHECK(found.hypercall_msr == 0x40000000);
  CHECK(pvhboot_find_xen(no_leaves, NULL, &found) == 0 && found.base == 0);
  memset(buffer, 0, sizeof buffer);
  put(buffer + 8, 0xa0000, 8);
  put(buffer + 16, PVHBOOT_RAM, 4);
  put(buffer + 20, 0x100000, 8);
  put(buffer + 28, 0x700000, 8);
  put(buffer + 36, PVHBOOT_RAM, 4);
  BAD(pvhboot_map_append_xen(&map, -38, 0, buffer, sizeof buffer, &where), xen_no_memory_map, 38);
  BAD(pvhboot_map_append_xen(&map, 0, 3, buffer, sizeof buffer, &where), xen_memory_map_too_large, 3);
  BAD(pvhboot_map_append_xen(&map, 0, 4, buffer, sizeof buffer, &where), xen_memory_map_bad_count, 4);
  GOOD(pvhboot_map_append_xen(&map, 0, 2, buffer, sizeof buffer, &where));
  CHECK(map.size == 2 && is(&map, 1, 0x100000, 0x700000, PVHBOOT_RAM));
}

/* A bzImage of protocol 2.12 with 0x2000 bytes of code. */
static void make_bzimage(void) {
  memset(file, 0, sizeof file);
  file[0x1f1] = 1;
  put(file + 0x1f4, 0x200, 4);
  put(file + 0x1fe, 0xaa55, 2);
  put(file + 0x200, 0x66eb, 2);
  memcpy(file + 0x202, "HdrS", 4);
  put(file + 0x206, 0x20c, 2);
  put(file + 0x20e, 0x100, 2);
  file[0x211] = 1;
  put(file + 0x22c, 0x7fffffff, 4);
  put(file + 0x230, 0x200000, 4);
  file[0x234] = 1;
  file[0x235] = 21;
  put(file + 0x236, 3, 2);
  put(file + 0x238, 2047, 4);
  put(file + 0x248, 0x100, 4);
  put(file + 0x24c, 0x10, 4);
  put(file + 0x258, 0x1000000, 8);
  put(file + 0x260, 0x800000, 4);
  memcpy(file + 0x300, "6.1.0", 6);
  put(file + 0x400 + 0x100, 0xfd28b52f >> 8, 4);
  file[0x500] = 0x28;
  file[0x501] = 0xb5;
  put(file + 0x50c, 0x123456, 4);
}

static enum pvhboot_error count_nodes(void *context, const struct pvhboot_setup_node *node) {
  ++*(int *)context;
  return node->type == 9 ? PVHBOOT_E_bad_setup_indirect : PVHBOOT_OK;
}

static void linux_kernel(void) {
  static uint8_t zero_page[4096], as_linux[4096];
  static uint8_t nodes_storage[0x1000];
  struct pvhboot_setup_data nodes = {nodes_storage, sizeof nodes_storage, 0x30000, 0, 0};
  struct pvhboot_bzimage kernel;
  struct pvhboot_bzimage_values v;
  struct pvhboot_linux_layout layout;
  struct pvhboot_kernel_placement placement;
  struct pvhboot_boot_info boot;
  struct pvhboot_zero_page_values values;
  struct pvhboot_map map = map_of(0), free_ram = map_of(1), back = map_of(2);
  struct pvhboot_window chain_window = {0x30000, nodes_storage, NULL, sizeof nodes_storage};
  const struct pvhboot_memory chain = {&chain_window, pvhboot_window_bytes, NULL};
  struct pvhboot_range keep[1] = {{0, 0, 0}};
  uint64_t initrd = 0;
  uint8_t *payload = NULL;
  int count = 0;
  make_bzimage();
  BAD(pvhboot_parse_bzimage(file, 0x200, &kernel, &where), image_too_short, 0x200);
  BAD(pvhboot_parse_bzimage(file, 0x1000, &kernel, &where), kernel_truncated, 0x2400);
  GOOD(pvhboot_parse_bzimage(file, sizeof file, &kernel, &where));
  CHECK(kernel.code == file + 0x400 && kernel.code_size == 0x2000);
  pvhboot_read_bzimage(&kernel, &v);
  CHECK(v.protocol == 0x20c && v.relocatable == 1 && v.has_entry_64 == 1 && v.loadable_above_4g == 1);
  CHECK(v.pref_address == 0x1000000 && v.init_size == 0x800000 && v.kernel_alignment == 0x200000);
  CHECK(v.min_alignment == 0x200000 && v.cmdline_size == 2047 && v.initrd_addr_max == 0x7fffffff);
  CHECK(v.payload == kernel.code + 0x100 && v.payload_size == 0x10 && v.payload_format == PVHBOOT_PAYLOAD_ZSTD);
  CHECK(v.uncompressed_size == 0x123456 && v.kernel_version_size == 5 && strcmp(v.kernel_version, "6.1.0") == 0);
  CHECK(pvhboot_bzimage_accepts(&kernel, 1) == 1 && pvhboot_bzimage_accepts(&kernel, 9) == 0);

  write_handoff();
  GOOD(pvhboot_parse(&memory, 0x10000, NULL, &boot, &where));
  GOOD(pvhboot_map_append_handoff(&map, &boot, &where));
  GOOD(pvhboot_prepare_for_linux(&map, &where));
  CHECK(map.sanitized == 1 && map.size == 3);
  BAD(pvhboot_prepare_for_linux(&back, &where), no_ram, 0);
  GOOD(pvhboot_map_assign(&free_ram, &map, &where));
  GOOD(pvhboot_place_kernel(&kernel, &free_ram, 0x100000, &placement, &where));
  CHECK(placement.load_paddr == 0x1000000 && placement.load_size == 0x2000 && placement.runtime_start == 0x1000000);
  CHECK(placement.runtime_size == 0x800000 && placement.kernel_alignment == 0x200000);
  BAD(pvhboot_place_kernel(&kernel, &back, 0x100000, &placement, &where), no_place_for_kernel, 0x800000);
  GOOD(pvhboot_map_punch(&free_ram, placement.runtime_start, placement.runtime_size, &where));
  GOOD(pvhboot_place_initrd(&kernel, 0x5000, &free_ram, &initrd, &where));
  CHECK(initrd == 0x100fb000);
  BAD(pvhboot_place_initrd(&kernel, 0x20000000, &free_ram, &initrd, &where), no_place_for_initrd, 0x7fffffff);

  memset(&layout, 0, sizeof layout);
  layout.kernel = placement;
  layout.zero_page_paddr = 0x8000;
  layout.cmdline_paddr = 0x9000;
  layout.cmdline_size = 20;
  layout.initrd_paddr = 0x100fb000;
  layout.initrd_size = 0x5000;
  layout.rsdp_paddr = 0xe0000;
  layout.keep = keep;
  layout.keep_size = 1;
  layout.loader = 0xf;
  layout.loader_version = 0xf;
  keep[0].addr = 0x8800;
  keep[0].size = 1;
  BAD(pvhboot_check_placement(&kernel, &layout, &map, NULL, &where), overlaps, 0x8800);
  BAD(pvhboot_translate_loader(&kernel, &layout, &map, zero_page, &nodes, &where), overlaps, 0x8800);
  keep[0].addr = 0xb000;
  GOOD(pvhboot_check_placement(&kernel, &layout, &map, &nodes, &where));
  nodes.paddr = 0x8000;
  BAD(pvhboot_check_placement(&kernel, &layout, &map, &nodes, &where), overlaps, 0x8000);
  nodes.paddr = 0x30000;
  GOOD(pvhboot_setup_data_reserve(&nodes, 2, 5, &payload, &where));
  CHECK(payload == nodes_storage + 16 && nodes.in_use == 24 && nodes.head == 0x30000);
  BAD(pvhboot_setup_data_reserve(&nodes, 2, sizeof nodes_storage, &payload, &where), setup_data_full, 0x1000);
  GOOD(pvhboot_translate_loader(&kernel, &layout, &map, zero_page, &nodes, &where));
  CHECK(get(zero_page + 0x250, 8) == 0x30000 && zero_page[0x210] == 0xff && zero_page[0x1e8] == 3);
  CHECK(get(zero_page + 0x070, 8) == 0xe0000 && get(zero_page + 0x228, 4) == 0x9000);
  GOOD(pvhboot_read_zero_page(&chain, zero_page, &back, 8, &values, &where));
  CHECK(values.cmdline_paddr == 0x9000 && values.initrd_paddr == 0x100fb000 && values.initrd_size == 0x5000);
  CHECK(values.rsdp_paddr == 0xe0000 && back.size == 3 && is(&back, 0, 0, 0xa0000, PVHBOOT_RAM));
  BAD(pvhboot_read_zero_page(&chain, zero_page, &back, 0, &values, &where), setup_data_loop, 0x30000);
  GOOD(pvhboot_walk_setup_data(&chain, nodes.head, 8, count_nodes, &count, &where));
  CHECK(count == 1);
  GOOD(pvhboot_setup_data_reserve(&nodes, 9, 8, &payload, &where));
  BAD(pvhboot_walk_setup_data(&chain, nodes.head, 8, count_nodes, &count, &where), bad_setup_indirect, nodes.head);
  CHECK(count == 2);
  BAD(pvhboot_walk_setup_data(&chain, 8, 8, count_nodes, &count, &where), setup_data_unreadable, 8);
  layout.entry_64 = 1;
  GOOD(pvhboot_check_placement(&kernel, &layout, &map, &nodes, &where));
  put(file + 0x236, 0, 2);
  GOOD(pvhboot_parse_bzimage(file, sizeof file, &kernel, &where));
  BAD(pvhboot_check_placement(&kernel, &layout, &map, &nodes, &where), no_entry_64, 0x236);

  GOOD(pvhboot_translate_kernel(&boot, &map, PVHBOOT_STARTED_BY_XEN, zero_page, NULL, &where));
  CHECK(zero_page[0x210] == 0x90 && get(zero_page + 0x218, 4) == 0x20000 && get(zero_page + 0x250, 8) == 0);
  GOOD(pvhboot_translate_kernel(&boot, &map, PVHBOOT_STARTED_BY_OTHER, zero_page, &nodes, &where));
  CHECK(zero_page[0x210] == 0xb0 && get(zero_page + 0x250, 8) == nodes.head);
  map.sanitized = 0;
  BAD(pvhboot_translate_kernel(&boot, &map, PVHBOOT_STARTED_BY_XEN, zero_page, NULL, &where), map_not_prepared, 3);
  GOOD(pvhboot_translate_as_linux(&boot, NULL, PVHBOOT_STARTED_BY_XEN, as_linux, &where));
  CHECK(as_linux[0x1e8] == 4 && as_linux[0x210] == 0x90);
  map.size = 2;
  GOOD(pvhboot_translate_as_linux(&boot, &map, PVHBOOT_STARTED_BY_XEN, as_linux, &where));
  CHECK(as_linux[0x1e8] == 3);
  CHECK(pvhboot_e820_ext_size(&map) == 0);
}

/* More ranges than a zero page has room for. */
static void large_map(void) {
  static struct pvhboot_range ranges[300];
  static struct pvhboot_scratch slots_of_300[300];
  static uint8_t zero_page[4096], nodes_storage[0x1000];
  struct pvhboot_setup_data nodes = {nodes_storage, sizeof nodes_storage, 0x30000, 0, 0};
  struct pvhboot_map map = {ranges, 300, slots_of_300, 300, 0, 0};
  struct pvhboot_boot_info boot;
  for (uint64_t i = 0; i < 150; ++i) add(&map, (300 - 2 * i) * 0x100000, 0x1000, PVHBOOT_RAM);
  GOOD(pvhboot_prepare_for_linux(&map, &where));
  CHECK(map.size == 150 && pvhboot_e820_ext_size(&map) == 16 + 22 * 20);
  write_handoff();
  GOOD(pvhboot_parse(&memory, 0x10000, NULL, &boot, &where));
  BAD(pvhboot_translate_kernel(&boot, &map, PVHBOOT_STARTED_BY_XEN, zero_page, NULL, &where), e820_full, 150);
  GOOD(pvhboot_translate_kernel(&boot, &map, PVHBOOT_STARTED_BY_XEN, zero_page, &nodes, &where));
  CHECK(nodes.in_use == 16 + 22 * 20 && nodes.head == 0x30000 && get(zero_page + 0x250, 8) == 0x30000);
  BAD(pvhboot_translate_as_linux(&boot, &map, PVHBOOT_STARTED_BY_XEN, zero_page, &where), e820_full, 150);
}

/* An ELF32 file with a segment of 0x100 + 0x100 bytes at 0x200000, and the notes PHYS32_ENTRY and PHYS32_RELOC. */
static void make_elf(void) {
  memset(file, 0, sizeof file);
  put(file, 0x464c457f, 4);
  file[4] = 1;
  file[5] = 1;
  file[6] = 1;
  put(file + 16, 2, 2);
  put(file + 18, 3, 2);
  put(file + 20, 1, 4);
  put(file + 28, 52, 4);
  put(file + 40, 52, 2);
  put(file + 42, 32, 2);
  put(file + 44, 2, 2);
  put(file + 52, 1, 4); /* PT_LOAD */
  put(file + 56, 0x1000, 4);
  put(file + 60, 0x200000, 4);
  put(file + 64, 0x200000, 4);
  put(file + 68, 0x100, 4);
  put(file + 72, 0x200, 4);
  put(file + 76, 5, 4);
  put(file + 80, 0x1000, 4);
  put(file + 84, 4, 4); /* PT_NOTE */
  put(file + 88, 0x2000, 4);
  put(file + 100, 48, 4);
  put(file + 104, 48, 4);
  put(file + 112, 4, 4);
  put(file + 0x2000, 4, 4);
  put(file + 0x2004, 4, 4);
  put(file + 0x2008, 18, 4);
  memcpy(file + 0x200c, "Xen", 4);
  put(file + 0x2010, 0x200010, 4);
  put(file + 0x2014, 4, 4);
  put(file + 0x2018, 12, 4);
  put(file + 0x201c, 19, 4);
  memcpy(file + 0x2020, "Xen", 4);
  put(file + 0x2024, 0x1000, 4);
  put(file + 0x2028, 0x300000, 4);
  put(file + 0x202c, 0x7fffff, 4);
  file[0x1000] = 0x11;
  file[0x10ff] = 0x22;
}

static void images(void) {
  struct pvhboot_phys32_entry entry;
  struct pvhboot_phys32_reloc reloc;
  struct pvhboot_kernel_extent extent;
  make_elf();
  BAD(pvhboot_find_phys32_entry(file, 8, &entry, &where), elf_too_short, 8);
  BAD(pvhboot_find_phys32_reloc(file, 8, &reloc, &where), elf_too_short, 8);
  BAD(pvhboot_find_kernel_extent(file, 8, &extent, &where), elf_too_short, 8);
  BAD(pvhboot_load_image(file, 8, &memory, 0, &where), elf_too_short, 8);
  GOOD(pvhboot_find_phys32_entry(file, sizeof file, &entry, &where));
  CHECK(entry.paddr == 0x200010 && entry.notes == 1 && entry.differs == 0 && entry.section_header == 0);
  CHECK(entry.note_offset == 0x2000 && entry.foreign == 0 && entry.damage == PVHBOOT_OK && entry.damage_where == 0);
  GOOD(pvhboot_find_phys32_reloc(file, sizeof file, &reloc, &where));
  CHECK(reloc.relocatable == 1 && reloc.alignment == 0x1000 && reloc.minimum == 0x300000 && reloc.maximum == 0x7fffff);
  GOOD(pvhboot_find_kernel_extent(file, sizeof file, &extent, &where));
  CHECK(extent.base == 0x200000 && extent.size == 0x200 && extent.entry_paddr == 0x200010 && extent.relocatable == 1);
  CHECK(extent.alignment == 0x1000 && extent.minimum == 0x300000 && extent.maximum == 0x7fffff);
  memset(guest, 0xa5, sizeof guest);
  BAD(pvhboot_load_image(file, sizeof file, &memory, 0, &where), load_unwritable, 0x200000);
  GOOD(pvhboot_load_image(file, sizeof file, &memory, (uint64_t)0x11000 - 0x200000, &where));
  CHECK(guest[0xfff] == 0xa5 && guest[0x1000] == 0x11 && guest[0x10ff] == 0x22 && guest[0x1100] == 0 &&
        guest[0x11ff] == 0 && guest[0x1200] == 0xa5);
  put(file + 0x2010, 0x300000, 4);
  BAD(pvhboot_find_phys32_entry(file, sizeof file, &entry, &where), phys32_entry_outside, 0x300000);
  BAD(pvhboot_find_kernel_extent(file, sizeof file, &extent, &where), phys32_entry_outside, 0x300000);
  put(file + 0x2018, 11, 4);
  BAD(pvhboot_find_phys32_reloc(file, sizeof file, &reloc, &where), bad_phys32_reloc_size, 0x2014);
}

static void plan(void) {
  static const char cmdline[] = "quiet";
  struct pvhboot_map map = map_of(0), work = map_of(1);
  struct pvhboot_boot_request request;
  struct pvhboot_boot_plan where_to;
  struct pvhboot_handoff_module modules[1];
  struct pvhboot_plan_block blocks[1];
  const uint64_t random = ~(uint64_t)0;
  memset(&request, 0, sizeof request);
  memset(modules, 0, sizeof modules);
  memset(blocks, 0, sizeof blocks);
  make_elf();
  GOOD(pvhboot_find_kernel_extent(file, sizeof file, &request.kernel, &where));
  request.version = 1;
  request.cmdline.chars = cmdline;
  request.cmdline.size = 5;
  modules[0].size = 0x5000;
  request.modules = modules;
  request.modules_size = 1;
  blocks[0].size = 0x1000;
  blocks[0].alignment = 0x1000;
  blocks[0].highest = 0xffffffff;
  blocks[0].type = PVHBOOT_RESERVED;
  request.blocks = blocks;
  request.blocks_size = 1;
  request.acpi_size = 0x2000;
  request.handoff_highest = 0x3fffffff;
  request.modules_highest = 0xffffffff;
  BAD(pvhboot_plan(&map, &work, &request, NULL, &where_to, &where), no_base, 0x200);
  add(&map, 0, 0x1000000, PVHBOOT_RAM);
  GOOD(pvhboot_map_sanitize(&map, &where));
  GOOD(pvhboot_plan(&map, &work, &request, NULL, &where_to, &where));
  CHECK(where_to.kernel_base == 0x200000 && where_to.kernel_shift == 0 && where_to.entry_paddr == 0x200010);
  CHECK(where_to.bases == 1 && blocks[0].paddr == 0xfff000 && modules[0].paddr != 0);
  CHECK(where_to.handoff.rsdp_paddr == 0xffd000 && where_to.handoff.modules == modules);
  CHECK(where_to.handoff.memmap == map.ranges && where_to.handoff.memmap_size == map.size && map.size == 3);
  CHECK(where_to.handoff.cmdline.chars == cmdline && where_to.start_info_paddr >= 0x100000);
  CHECK(work.size != 0 && !pvhboot_covers(&work, where_to.start_info_paddr, 1, PVHBOOT_RAM));
  blocks[0].paddr = 0;
  GOOD(pvhboot_plan(&map, &work, &request, &random, &where_to, &where));
  CHECK(where_to.bases > 1000 && where_to.kernel_base == 0x7ff000);
  blocks[0].paddr = 0;
  blocks[0].alignment = 3;
  BAD(pvhboot_plan(&map, &work, &request, NULL, &where_to, &where), plan_bad_alignment, 3);
}

static uint64_t rsdp_at;
static void finding(void *context, enum pvhboot_oddity what, uint64_t place) {
  ++*(int *)context;
  if (what == PVHBOOT_O_rsdp_unreadable) rsdp_at = place;
}

static void lint(void) {
  struct pvhboot_boot_info boot;
  struct pvhboot_map work = map_of(0);
  struct pvhboot_lint_options options;
  int with = 0, without = 0;
  write_handoff();
  GOOD(pvhboot_parse(&memory, 0x10000, NULL, &boot, &where));
  GOOD(pvhboot_lint(&memory, &boot, &work, finding, &with, NULL, &where));
  CHECK(with > 1 && rsdp_at == 0xe0000);
  memset(&options, 0, sizeof options);
  GOOD(pvhboot_lint(&memory, &boot, &work, finding, &without, &options, &where));
  CHECK(without < with && without > 1);
  work.slots = 2;
  BAD(pvhboot_lint(&memory, &boot, &work, finding, &with, NULL, &where), scratch_too_small, 3);
  CHECK(strcmp(pvhboot_oddity_message(PVHBOOT_O_cmdline_absent), "no command line") == 0);
  CHECK(strcmp(pvhboot_oddity_name(PVHBOOT_O_cmdline_absent), "cmdline_absent") == 0);
  CHECK(strcmp(pvhboot_oddity_where_is(PVHBOOT_O_cmdline_absent), "the field") == 0);
  CHECK(strstr(pvhboot_oddity_fails(PVHBOOT_O_cmdline_absent), "GRUB") != NULL);
  CHECK(pvhboot_oddity_level(PVHBOOT_O_cmdline_over_2047) == PVHBOOT_SEVERITY_WARNING);
  CHECK(strcmp(pvhboot_oddity_message(PVHBOOT_O_NONE), "unknown") == 0);
}

int main(void) {
  errors();
  physical_memory();
  maps();
  write_handoff();
  handoff_apart();
  handoff();
  xen();
  linux_kernel();
  large_map();
  images();
  plan();
  lint();
  printf("%u checks failed\n", failures);
  return failures != 0;
}
