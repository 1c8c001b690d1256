/* SPDX-License-Identifier: BSL-1.0
 *
 * Takes the place of grub-core/kern/i386/xen/pvh.c in GRUB 2.06: what GRUB's PVH image does before its console, with
 * the C interface of pvhboot. README.md has the differences.
 *
 * GRUB expects from this file: grub_xen_setup_pvh(), which grub_machine_init() calls first; grub_xen_hypercall();
 * grub_machine_mmap_iterate(); grub_rsdp_addr, which its Linux loader writes to the zero page; and values for the
 * variables of kern/xen/init.c and term/xen/console.c. startup_pvh.S stores %ebx in pvh_start_info.
 *
 * Nothing can be shown on a console yet. Messages go to Xen's debug port, and the command line also to GRUB's variable
 * pvh_cmdline. */
#include <pvhboot/c/pvhboot.h> /* first: grub/xen.h renames memset */

#include <grub/env.h>
#include <grub/i386/cpuid.h>
#include <grub/i386/io.h>
#include <grub/kernel.h>
#include <grub/machine/kernel.h>
#include <grub/machine/memory.h>
#include <grub/memory.h>
#include <grub/misc.h>
#include <grub/mm.h>
#include <grub/xen.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>

/* What Xen stores for a domain (E820MAX); the map can have no more when it is written back. */
#define MAP_CAPACITY 1024
#define PAGE         ((uint64_t)GRUB_XEN_PAGE_SIZE)
#define FOUR_GIB     (1ULL << 32)

grub_uint64_t grub_rsdp_addr;

static char hypercalls[GRUB_XEN_PAGE_SIZE] __attribute__((aligned(GRUB_XEN_PAGE_SIZE)));
static int hypercalls_ready;
static struct start_info pv_start_info; /* GRUB's Xen code reads the console and the store from the structure of PV */

static struct pvhboot_range ranges[MAP_CAPACITY];
static struct pvhboot_scratch scratch[MAP_CAPACITY];
static struct pvhboot_map map = {.ranges = ranges, .capacity = MAP_CAPACITY, .scratch = scratch, .slots = MAP_CAPACITY};
/* For the hypercalls. One entry more than the map: a full buffer may be a truncated one. */
static struct grub_e820_mmap_entry table[MAP_CAPACITY + 1];

static void say(const char *text) {
  for (; *text; text++) grub_outb(*text, XEN_HVM_DEBUGCONS_IOPORT);
}

static void say_line(const char *format, ...) {
  char line[160];
  va_list args;

  va_start(args, format);
  grub_vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  say("grub: ");
  say(line);
  say("\n");
}

/* Ends the domain as crashed, which Xen's toolstack reports. */
static void __attribute__((noreturn)) fail(const char *what, const char *where_is, uint64_t where) {
  struct sched_shutdown crash = {.reason = SHUTDOWN_crash};

  say_line("error: %s: %s 0x%llx", what, where_is, (unsigned long long)where);
  if (hypercalls_ready) grub_xen_sched_op(SCHEDOP_shutdown, &crash);
  for (;;) asm volatile("cli; hlt");
}

static void check(enum pvhboot_error rule, uint64_t where) {
  if (rule != PVHBOOT_OK) fail(pvhboot_message(rule), pvhboot_where_is(rule), where);
}

int grub_xen_hypercall(grub_uint32_t callno, grub_uint32_t a0, grub_uint32_t a1, grub_uint32_t a2, grub_uint32_t a3,
                       grub_uint32_t a4, grub_uint32_t a5 __attribute__((unused))) {
  int answer;

  asm volatile("call *%%eax"
               : "=a"(answer), "+b"(a0), "+c"(a1), "+d"(a2), "+S"(a3), "+D"(a4)
               : "0"(hypercalls + 32 * callno)
               : "memory", "cc");
  return answer;
}

static int memory_op(unsigned int command, void *argument) {
  return grub_xen_hypercall(__HYPERVISOR_memory_op, command, (grub_addr_t)argument, 0, 0, 0, 0);
}

static void cpuid(void *context __attribute__((unused)), uint32_t leaf, struct pvhboot_cpuid_leaf *answer) {
  grub_cpuid(leaf, answer->a, answer->b, answer->c, answer->d);
}

static void set_up_hypercalls(void) {
  struct pvhboot_xen_cpuid xen;

  if (!pvhboot_find_xen(cpuid, NULL, &xen)) fail("this machine is not a guest of Xen", "leaf", 0x40000000);
  asm volatile("wrmsr" : : "c"(xen.hypercall_msr), "a"(hypercalls), "d"(0) : "memory");
  hypercalls_ready = 1;
}

static uint32_t hvm_param(uint32_t index) {
  struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index};
  int answer = grub_xen_hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, (grub_addr_t)&param, 0, 0, 0, 0);

  if (answer != 0) fail("Xen does not give a parameter of this domain", "number", index);
  return param.value;
}

static void *page_of(uint32_t number) { return (void *)(grub_addr_t)(number << GRUB_XEN_LOG_PAGE_SIZE); }

/* The memory map as it was handed over: from the start info, or else from Xen. */
static void receive_map(const struct pvhboot_boot_info *boot) {
  struct xen_memory_map request = {.nr_entries = ARRAY_SIZE(table)};
  uint64_t where = 0;
  int answer;

  if (boot->memmap_state == PVHBOOT_MEMMAP_TABLE)
    check(pvhboot_map_append_handoff(&map, boot, &where), where);
  else {
    set_xen_guest_handle(request.buffer, table);
    answer = memory_op(XENMEM_memory_map, &request);
    check(pvhboot_map_append_xen(&map, answer, request.nr_entries, (const uint8_t *)table, sizeof(table), &where),
          where);
  }
  say_line("map of %u entries, %s", (unsigned int)map.size,
           boot->memmap_state == PVHBOOT_MEMMAP_TABLE ? "of the start info" : "from XENMEM_memory_map");
}

/* Sorted and disjoint, in whole pages: less RAM, more of everything else. RAM of two entries may share a page, so they
 * are merged before they are cut. */
static void sanitize_map(void) {
  uint64_t where = 0;
  size_t i;

  check(pvhboot_map_sanitize(&map, &where), where);
  for (i = 0; i < map.size; i++) {
    struct pvhboot_range *const one = &ranges[i];
    const uint64_t inward = PAGE - 1;
    const uint64_t end = one->addr + one->size; /* 0 for 2^64, which is aligned */
    const uint64_t from = one->type == PVHBOOT_RAM ? (one->addr + inward) & ~inward : one->addr & ~inward;
    const uint64_t to = one->type == PVHBOOT_RAM ? end & ~inward : (end + inward) & ~inward;

    /* RAM may have no whole page, or begin in the last one below 2^64. */
    one->size = one->type == PVHBOOT_RAM && ((end != 0 && to <= from) || from < one->addr) ? 0 : to - from;
    one->addr = from;
  }
  map.sanitized = 0;
  check(pvhboot_map_sanitize(&map, &where), where);
}

/* A page below 4 GiB, from `lowest` on, that nothing uses: in a hole of the map, or else the highest page of RAM, which
 * the map then reserves. */
static uint64_t take_page(uint64_t lowest) {
  struct pvhboot_range taken = {.size = PAGE, .type = PVHBOOT_RESERVED};
  uint64_t hole = lowest, where = 0;
  size_t i;

  for (i = 0; i < map.size; i++) {
    if (hole + PAGE <= ranges[i].addr) break;
    if (ranges[i].addr + ranges[i].size == 0 || ranges[i].addr + ranges[i].size > hole)
      hole = ranges[i].addr + ranges[i].size;
    if (hole == 0) break; /* the map reaches to 2^64 */
  }
  if (hole != 0 && hole + PAGE <= FOUR_GIB) return hole;
  check(pvhboot_find_highest_ram(&map, PAGE, PAGE, grub_modules_get_end(), FOUR_GIB - 1, &taken.addr, &where), where);
  check(pvhboot_map_overwrite(&map, &taken, &where), where);
  return taken.addr;
}

static void *map_page(unsigned int space, uint64_t paddr) {
  struct xen_add_to_physmap request = {.domid = DOMID_SELF, .space = space, .gpfn = paddr >> GRUB_XEN_LOG_PAGE_SIZE};

  if (memory_op(XENMEM_add_to_physmap, &request) != 0) fail("Xen does not map a page of its own", "address", paddr);
  return (void *)(grub_addr_t)paddr;
}

/* A kernel that asks Xen for the map gets the one that GRUB passes on. If Xen refuses it, such a kernel gets the former
 * one, which does not reserve the pages of take_page. */
static void write_back_map(void) {
  struct xen_foreign_memory_map request = {.domid = DOMID_SELF, .map = {.nr_entries = map.size}};
  size_t i;
  int answer;

  for (i = 0; i < map.size; i++) {
    table[i].addr = ranges[i].addr;
    table[i].len = ranges[i].size;
    table[i].type = ranges[i].type;
  }
  set_xen_guest_handle(request.map.buffer, table);
  answer = memory_op(XENMEM_set_memory_map, &request);
  if (answer != 0) say_line("Xen keeps its memory map: error number %d", -answer);
}

/* RAM below 4 GiB, above GRUB and its modules, is GRUB's heap. The handoff lies there and is overwritten. */
static void make_heap(void) {
  const uint64_t lowest = grub_modules_get_end();
  size_t i;

  for (i = 0; i < map.size; i++) {
    uint64_t from = ranges[i].addr, to = ranges[i].addr + ranges[i].size;

    if (ranges[i].type != PVHBOOT_RAM || from >= FOUR_GIB) continue;
    if (to > FOUR_GIB || to == 0) to = FOUR_GIB;
    if (from < lowest) from = lowest;
    if (from < to) grub_mm_init_region((void *)(grub_addr_t)from, to - from);
  }
}

/* GRUB's variables need the heap, and the heap overwrites the handoff: the text is copied before. */
static char cmdline[4096];

static void keep_cmdline(const struct pvhboot_boot_info *boot) {
  if (boot->cmdline == NULL) {
    say_line("no command line");
    return;
  }
  if (boot->cmdline_size >= sizeof(cmdline))
    fail("the command line is longer than this program takes", "bytes", boot->cmdline_size);
  grub_memcpy(cmdline, boot->cmdline, boot->cmdline_size + 1);
  say("grub: command line \"");
  say(cmdline);
  say("\"\n");
}

static void say_map(void) {
  size_t i;

  for (i = 0; i < map.size; i++)
    say_line("map [0x%llx, 0x%llx) %u %s", (unsigned long long)ranges[i].addr,
             (unsigned long long)(ranges[i].addr + ranges[i].size), ranges[i].type,
             pvhboot_memory_type_name(ranges[i].type));
}

void grub_xen_setup_pvh(void) {
  const struct pvhboot_memory memory = {.bytes = pvhboot_identity_bytes};
  struct pvhboot_boot_info boot;
  uint64_t where = 0, page;

  set_up_hypercalls();
  check(pvhboot_parse(&memory, (grub_addr_t)pvh_start_info, NULL, &boot, &where), where);
  say_line("start info version %u at 0x%llx", boot.version, (unsigned long long)boot.paddr);
  keep_cmdline(&boot);
  grub_rsdp_addr = boot.rsdp_paddr;
  say_line("rsdp 0x%llx", (unsigned long long)boot.rsdp_paddr);
  receive_map(&boot);
  sanitize_map();

  grub_xen_start_page_addr = &pv_start_info;
  pv_start_info.console.domU.mfn = hvm_param(HVM_PARAM_CONSOLE_PFN);
  pv_start_info.console.domU.evtchn = hvm_param(HVM_PARAM_CONSOLE_EVTCHN);
  grub_xen_xcons = page_of(pv_start_info.console.domU.mfn);
  pv_start_info.store_mfn = hvm_param(HVM_PARAM_STORE_PFN);
  pv_start_info.store_evtchn = hvm_param(HVM_PARAM_STORE_EVTCHN);
  grub_xen_xenstore = page_of(pv_start_info.store_mfn);

  page = take_page(GRUB_MEMORY_MACHINE_UPPER_START);
  grub_xen_grant_table = map_page(XENMAPSPACE_grant_table, page);
  page = take_page(page + PAGE);
  grub_xen_shared_info = map_page(XENMAPSPACE_shared_info, page);

  say_map();
  write_back_map();
  make_heap();
  if (boot.cmdline != NULL) grub_env_set("pvh_cmdline", cmdline);
  say_line("ready");
}

grub_err_t grub_machine_mmap_iterate(grub_memory_hook_t hook, void *hook_data) {
  size_t i;

  for (i = 0; i < map.size; i++)
    if (hook(ranges[i].addr, ranges[i].size, ranges[i].type, hook_data)) break;
  return GRUB_ERR_NONE;
}
