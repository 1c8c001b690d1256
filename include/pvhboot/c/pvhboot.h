/* SPDX-License-Identifier: BSL-1.0
 *
 * The C interface: the library for projects in C, and for other languages that call C. C99, freestanding, also valid
 * C++. Add pvhboot_c.cpp, beside this file, to your build, with a C++20 compiler and your own flags, and with
 * -ffunction-sections and the linker's --gc-sections, so that a program has what it calls and no more: with -Os a boot
 * loader that parses, sanitises, places and translates has 14 KiB of it, of the 68 KiB of 32-bit code that all of it
 * has.
 *
 *     static struct pvhboot_range ranges[256];
 *     static struct pvhboot_scratch scratch[256];
 *
 *     void kernel_main(uint32_t start_info) {
 *       const struct pvhboot_memory memory = {.bytes = pvhboot_identity_bytes};
 *       struct pvhboot_map map = {.ranges = ranges, .capacity = 256, .scratch = scratch, .slots = 256};
 *       struct pvhboot_boot_info boot;
 *       uint64_t where;
 *       enum pvhboot_error bad = pvhboot_parse(&memory, start_info, NULL, &boot, &where);
 *       if (bad == PVHBOOT_OK) bad = pvhboot_map_append_handoff(&map, &boot, &where);
 *       if (bad == PVHBOOT_OK) bad = pvhboot_map_sanitize(&map, &where);
 *       if (bad != PVHBOOT_OK) fail(pvhboot_message(bad), where);
 *       for (size_t i = 0; i < map.size; ++i) use(map.ranges[i].addr, map.ranges[i].size, map.ranges[i].type);
 *     }
 *
 * Conventions:
 * - A function that can fail returns PVHBOOT_OK or the rule that is broken. Its last parameter, `where`, may be null;
 * on failure it receives the place, whose kind is pvhboot_where_is(rule). What it fails with is what the C++ function
 *   fails with; the comments name the groups of core/errors.def.
 * - Sizes are in bytes, addresses are physical; both have 64 bits unless they concern this program's own memory. An
 *   address of 0 means absent. A range is [addr, addr + size).
 * - Flags are of type uint8_t: 0 or 1.
 * - Nothing is allocated. Structs are the caller's, and so is what their pointers point to. Input and output do not
 *   overlap, and a pointer is not null unless its comment allows it.
 * - A struct with a member `opaque` can be copied, but only within this program. No other member refers to it.
 * - Nothing has state of its own: calls with different objects can run concurrently.
 * - Set every member of a struct that you pass, most easily with an initialiser: later versions may append members.
 * - For tools that generate bindings: no bit-fields, no unions, no macros but those that include the tables.
 */
#ifndef PVHBOOT_C_PVHBOOT_H
#define PVHBOOT_C_PVHBOOT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

/* The rules that input can break, PVHBOOT_E_ and the name of a row in core/errors.def. A number keeps its meaning in
 * later versions. */
enum pvhboot_error {
#define PVHBOOT_ERROR(number, name, where, sentence) PVHBOOT_E_##name = (number),
#include <pvhboot/core/errors.def>
  PVHBOOT_OK = 0 /* no rule is broken */
};

/* The rule in a sentence: "the kernel image is truncated". Never null; "unknown error" for a number that is no rule. */
const char *pvhboot_message(enum pvhboot_error rule);
/* Its name as in core/errors.def: "kernel_truncated". */
const char *pvhboot_name(enum pvhboot_error rule);
/* A word for `where`: "address", "offset", "bytes", "ranges", "entries", "version" (major << 8 | minor), "number",
 * "error number" (a positive errno), "module" (an index). */
const char *pvhboot_where_is(enum pvhboot_error rule);

/* ---- Physical memory --------------------------------------------------------------------------------------------- */

/* How the library reaches physical memory. `context` is passed to both functions, which must return: no exception, no
 * longjmp. They may be called any number of times. */
struct pvhboot_memory {
  void *context; /* passed to both functions */
  /* n readable bytes at paddr, or null unless all of [paddr, paddr + n) is readable and ends at or below 2^64. */
  const uint8_t *(*bytes)(void *context, uint64_t paddr, uint64_t n);
  /* Writable memory at paddr: as much of [paddr, paddr + n) from its beginning as lies together here, 1 to n bytes,
   * whose number goes to *there. Null if the byte at paddr cannot be written or n is 0. The pointer to the function may
   * be null where nothing is written. */
  uint8_t *(*writable)(void *context, uint64_t paddr, uint64_t n, uint64_t *there);
};

/* Physical address = pointer: a kernel or boot loader as PVH enters it. The context is not used. Which addresses are
 * RAM is unknown here. Neither writes to address 0. */
const uint8_t *pvhboot_identity_bytes(void *context, uint64_t paddr, uint64_t n);
uint8_t *pvhboot_identity_writable(void *context, uint64_t paddr, uint64_t n, uint64_t *there);

/* Physical memory that begins at `base` and is held in an array: guest memory of one piece, a capture, a test. */
struct pvhboot_window {
  uint64_t base;           /* physical address of the first byte */
  const uint8_t *readable; /* the bytes */
  uint8_t *writable;       /* the same array, or null if nothing is written */
  size_t size;
};
/* The context is a struct pvhboot_window. */
const uint8_t *pvhboot_window_bytes(void *context, uint64_t paddr, uint64_t n);
uint8_t *pvhboot_window_writable(void *context, uint64_t paddr, uint64_t n, uint64_t *there);

/* ---- Memory maps ------------------------------------------------------------------------------------------------- */

/* The types of memory, with the numbers of ACPI, e820 and PVH. Every other number is kept as it is: Linux has
 * 0xefffffff for soft-reserved memory, which an enum of C cannot have. */
enum pvhboot_memory_type {
  PVHBOOT_RAM = 1,
  PVHBOOT_RESERVED = 2,
  PVHBOOT_ACPI = 3, /* tables, reclaimable once parsed */
  PVHBOOT_NVS = 4,
  PVHBOOT_UNUSABLE = 5,
  PVHBOOT_DISABLED = 6,
  PVHBOOT_PMEM = 7,
  PVHBOOT_UNACCEPTED = 8,
  PVHBOOT_PRAM = 12,
  PVHBOOT_COREBOOT = 13,
  PVHBOOT_RESERVED_KERN = 128
};

/* A range may end at exactly 2^64, where addr + size is 0. */
struct pvhboot_range {
  uint64_t addr; /* the first byte */
  uint64_t size;
  uint32_t type; /* enum pvhboot_memory_type, or another number */
};

/* Memory to work in, one for each range. Its contents mean nothing between calls. */
struct pvhboot_scratch {
  struct pvhboot_range covered; /* a range of the map */
  uint32_t by_end;              /* index of a slot, in the order of the ranges' ends */
  uint32_t heap;                /* index of a slot in the heap of the sweep */
};

/* A memory map: the first `size` of `capacity` ranges. Overlapping ranges split when they are made disjoint: twice as
 * many as the source has always suffice. A call that fails leaves the map as it was. */
struct pvhboot_map {
  struct pvhboot_range *ranges;    /* the caller's storage */
  size_t capacity;                 /* ranges that the storage holds */
  struct pvhboot_scratch *scratch; /* null if nothing is ever sanitised */
  size_t slots;                    /* of scratch: as many as ranges suffice */
  size_t size;                     /* ranges in use: 0 at first */
  uint8_t sanitized;               /* known to be sorted and disjoint; set it to 0 when you change a range yourself */
};

/* Adds a range as it is. Fails with map_full. */
enum pvhboot_error pvhboot_map_append(struct pvhboot_map *map, const struct pvhboot_range *added, uint64_t *where);
/* Makes the map sorted and disjoint, as Linux does: empty ranges and type 0 vanish, the highest type wins, neighbours
 * of one type merge. O(n log n). Fails with scratch_too_small and map_full, whose where is the ranges needed. */
enum pvhboot_error pvhboot_map_sanitize(struct pvhboot_map *map, uint64_t *where);
/* Adds a range and sanitises. Fails as the two do. */
enum pvhboot_error pvhboot_map_insert(struct pvhboot_map *map, const struct pvhboot_range *added, uint64_t *where);
/* Of a sanitised map: makes [addr, addr + size) of this type, whatever its type until then; type 0 takes it out. Needs
 * no scratch. Fails with map_full. */
enum pvhboot_error pvhboot_map_overwrite(struct pvhboot_map *map, const struct pvhboot_range *over, uint64_t *where);
/* The same with type 0: takes [addr, addr + size) out, for what is in use. */
enum pvhboot_error pvhboot_map_punch(struct pvhboot_map *map, uint64_t addr, uint64_t size, uint64_t *where);
/* Leaves only what lies in [addr, addr + size) of a sanitised map. */
void pvhboot_map_intersect(struct pvhboot_map *map, uint64_t addr, uint64_t size);
/* `map` becomes a copy of `other`, in its own storage. Fails with map_full. */
enum pvhboot_error pvhboot_map_assign(struct pvhboot_map *map, const struct pvhboot_map *other, uint64_t *where);
/* 1 if the map is sorted and disjoint, with no empty or wrapping range and nothing left to merge. One pass. */
int pvhboot_map_is_sanitized(const struct pvhboot_map *map);
/* The name of a type: "ram", "reserved", …; "unknown" for a number that has none. */
const char *pvhboot_memory_type_name(uint32_t type);

/* Searches and sums over a sanitised map. */

/* Bytes of RAM. */
uint64_t pvhboot_total_ram(const struct pvhboot_map *map);
/* 1 if every byte of [addr, addr + size) is of this type; 0 also if the range is empty or ends above 2^64. */
int pvhboot_covers(const struct pvhboot_map *map, uint64_t addr, uint64_t size, uint32_t type);
/* The lowest, or the highest, address in [lowest, highest] (highest is the last byte) where `size` bytes of RAM begin
 * at a multiple of `alignment`, a power of two. Fails with no_free_range. */
enum pvhboot_error pvhboot_find_lowest_ram(const struct pvhboot_map *map, uint64_t size, uint64_t alignment,
                                           uint64_t lowest, uint64_t highest, uint64_t *paddr, uint64_t *where);
enum pvhboot_error pvhboot_find_highest_ram(const struct pvhboot_map *map, uint64_t size, uint64_t alignment,
                                            uint64_t lowest, uint64_t highest, uint64_t *paddr, uint64_t *where);
/* One of all such addresses, each as likely as any other; `random` has 64 random bits. */
enum pvhboot_error pvhboot_find_random_ram(const struct pvhboot_map *map, uint64_t size, uint64_t alignment,
                                           uint64_t lowest, uint64_t highest, uint64_t random, uint64_t *paddr,
                                           uint64_t *where);

/* ---- The handoff, read ------------------------------------------------------------------------------------------- */

/* What the caller is ready to accept. */
struct pvhboot_parse_limits {
  uint32_t memmap_entries; /* 4096 by default */
  uint32_t modules;        /* 256 */
  uint64_t string_size;    /* bytes before the NUL: 65536 */
};

/* Why there is a memory map, or not. */
enum pvhboot_memmap_state {
  PVHBOOT_MEMMAP_TABLE = 0,
  PVHBOOT_MEMMAP_ABSENT_IN_VERSION_0 = 1, /* ask the hypervisor */
  PVHBOOT_MEMMAP_NO_ENTRIES = 2,          /* so does Xen's init-xenstore-domain: ask the hypervisor */
  PVHBOOT_MEMMAP_CONTRADICTORY = 3        /* entries are announced, but no address */
};

/* A handoff that pvhboot_parse accepted. It refers to the memory that it was read from, which nothing in the memory map
 * reserves: copy what you need before you reuse that. */
struct pvhboot_boot_info {
  uint64_t paddr;                                /* of start_info */
  uint64_t cmdline_paddr;                        /* 0: none */
  uint64_t rsdp_paddr;                           /* 0: not given */
  const char *cmdline;                           /* with its NUL; null: none, which is not an empty one */
  size_t cmdline_size;                           /* bytes before the NUL */
  uint32_t version;                              /* as the producer wrote it, above 1 too */
  uint32_t flags;                                /* SIF_* of Xen */
  uint32_t modules;                              /* how many */
  uint32_t memmap_entries;                       /* in the table; 0 if there is none */
  uint32_t memmap_state;                         /* enum pvhboot_memmap_state */
  uint32_t reserved;                             /* of start_info; 0 in version 0 */
  unsigned char opaque[72 + 9 * sizeof(void *)]; /* the library's own */
};

/* Reads and checks the handoff whose start_info lies at `paddr`: %ebx at entry. A version above 1 is read as version 1.
 * `limits` may be null. Memory that changes meanwhile is read once and then checked. Fails with the group parse. */
enum pvhboot_error pvhboot_parse(const struct pvhboot_memory *memory, uint64_t paddr,
                                 const struct pvhboot_parse_limits *limits, struct pvhboot_boot_info *boot,
                                 uint64_t *where);

/* A module as the list has it. */
struct pvhboot_module {
  uint64_t paddr; /* the first byte */
  uint64_t size;
  uint64_t cmdline_paddr; /* 0: none */
};
/* Module `index` of the handoff; index is below boot->modules. The first is the initial ramdisk, by convention. */
void pvhboot_module_at(const struct pvhboot_boot_info *boot, uint32_t index, struct pvhboot_module *one);
/* Its command line, with its NUL; *text is null if it has none. Read only now. Fails with cmdline_unreadable and
 * cmdline_unterminated: qboot leaves garbage in the pointer. */
enum pvhboot_error pvhboot_module_cmdline(const struct pvhboot_boot_info *boot, const struct pvhboot_module *one,
                                          const char **text, size_t *size, uint64_t *where);
/* Its bytes, one->size of them. Fails with module_unreadable. */
enum pvhboot_error pvhboot_module_contents(const struct pvhboot_boot_info *boot, const struct pvhboot_module *one,
                                           const uint8_t **contents, uint64_t *where);

/* Entry `index` of the handoff's memory map as it was handed over; index is below boot->memmap_entries. */
void pvhboot_memmap_at(const struct pvhboot_boot_info *boot, uint32_t index, struct pvhboot_range *as_it_is);
/* Adds every entry to a map, as it is. Fails with map_full, and then adds none. */
enum pvhboot_error pvhboot_map_append_handoff(struct pvhboot_map *map, const struct pvhboot_boot_info *boot,
                                              uint64_t *where);

/* What lies in memory that a handoff leads to. */
enum pvhboot_piece {
  PVHBOOT_PIECE_START_INFO = 0,    /* hvm_start_info */
  PVHBOOT_PIECE_CMDLINE = 1,       /* with its NUL */
  PVHBOOT_PIECE_MODLIST = 2,       /* the list of modules */
  PVHBOOT_PIECE_MEMMAP = 3,        /* the memory map */
  PVHBOOT_PIECE_RSDP = 4,          /* 36 bytes; the tables that it leads to are no pieces */
  PVHBOOT_PIECE_MODULE = 5,        /* the bytes of a module */
  PVHBOOT_PIECE_MODULE_CMDLINE = 6 /* with its NUL; not there if it cannot be read */
};

/* A piece of the handoff: [addr, addr + size), which is not empty. */
struct pvhboot_extent {
  uint64_t addr; /* the first byte */
  uint64_t size;
  uint32_t what;  /* enum pvhboot_piece */
  uint32_t index; /* the module's index, for the last two */
};
/* Writes the first `capacity` pieces to `pieces`, and returns how many there are, at most 5 + 2 * boot->modules. */
size_t pvhboot_extents(const struct pvhboot_boot_info *boot, struct pvhboot_extent *pieces, size_t capacity);
/* Takes all pieces out of a sanitised map, whose RAM is then free. Fails with map_full: the map needs a free slot for
 * each of 5 + 2 * boot->modules pieces. */
enum pvhboot_error pvhboot_reserve_handoff(struct pvhboot_map *map, const struct pvhboot_boot_info *boot,
                                           uint64_t *where);

/* ---- Xen --------------------------------------------------------------------------------------------------------- */

/* What the instruction CPUID returns. */
struct pvhboot_cpuid_leaf {
  uint32_t a; /* %eax */
  uint32_t b; /* %ebx */
  uint32_t c; /* %ecx */
  uint32_t d; /* %edx */
};
/* What Xen's CPUID leaves say. */
struct pvhboot_xen_cpuid {
  uint32_t base;          /* the first of Xen's leaves; 0: not on Xen */
  uint32_t hypercall_msr; /* write a page's address to this MSR, and Xen fills the page: 32 bytes a hypercall */
  uint16_t version_major; /* of the hypervisor */
  uint16_t version_minor; /* of the hypervisor */
};
/* Looks for Xen's CPUID leaves; `execute` executes the instruction. Returns 1 if they are there. */
int pvhboot_find_xen(void (*execute)(void *context, uint32_t leaf, struct pvhboot_cpuid_leaf *answer), void *context,
                     struct pvhboot_xen_cpuid *xen);

/* Adds what XENMEM_memory_map returned, as it is: `returned` is the hypercall's return value, nr_entries the count that
 * Xen wrote into its argument, `buffer` what the argument pointed to, all `size` bytes of it. Fails with the group xen,
 * in particular if the buffer came back full, and with map_full; then it adds none. */
enum pvhboot_error pvhboot_map_append_xen(struct pvhboot_map *map, int64_t returned, uint32_t nr_entries,
                                          const uint8_t *buffer, size_t size, uint64_t *where);

/* ---- Linux: kernel file, places, zero page ------------------------------------------------------------------------
 */

/* A bzImage that pvhboot_parse_bzimage accepted. It refers to the file. */
struct pvhboot_bzimage {
  const uint8_t *code;                            /* the protected-mode code: what goes to the load address */
  size_t code_size;                               /* bytes */
  unsigned char opaque[280 + 6 * sizeof(void *)]; /* the library's own */
};
/* Judges a kernel file of protocol 2.00 or newer that is loaded high. Fails with the group bzimage. */
enum pvhboot_error pvhboot_parse_bzimage(const uint8_t *file, size_t size, struct pvhboot_bzimage *kernel,
                                         uint64_t *where);

/* How the kernel proper is compressed in its bzImage. */
enum pvhboot_payload_format {
  PVHBOOT_PAYLOAD_UNKNOWN = 0,
  PVHBOOT_PAYLOAD_GZIP = 1,
  PVHBOOT_PAYLOAD_BZIP2 = 2,
  PVHBOOT_PAYLOAD_LZMA = 3,
  PVHBOOT_PAYLOAD_XZ = 4,
  PVHBOOT_PAYLOAD_LZO = 5,
  PVHBOOT_PAYLOAD_LZ4 = 6,
  PVHBOOT_PAYLOAD_ZSTD = 7,
  PVHBOOT_PAYLOAD_ELF = 8
};

/* What a kernel's header says, with the documented default for a field that its protocol version does not have. */
struct pvhboot_bzimage_values {
  uint64_t pref_address;      /* where the kernel would like to run */
  uint64_t init_size;         /* bytes of RAM that it needs from there */
  const uint8_t *payload;     /* the compressed kernel, inside of the code */
  size_t payload_size;        /* 0: unknown */
  const char *kernel_version; /* with its NUL; null: none */
  size_t kernel_version_size; /* bytes before the NUL */
  uint32_t cmdline_size;      /* the longest command line without its NUL */
  uint32_t initrd_addr_max;   /* the last byte that the initrd may occupy */
  uint32_t kernel_alignment;  /* bytes */
  uint32_t min_alignment;     /* bytes */
  uint32_t uncompressed_size; /* bytes; 0: unknown */
  uint16_t protocol;          /* major << 8 | minor */
  uint8_t payload_format;     /* enum pvhboot_payload_format */
  uint8_t relocatable;        /* flag */
  uint8_t has_entry_64;       /* flag: the 64-bit entry, at +0x200 of the code */
  uint8_t loadable_above_4g;  /* flag: with the 64-bit entry */
};
/* Reads the values of a kernel. */
void pvhboot_read_bzimage(const struct pvhboot_bzimage *kernel, struct pvhboot_bzimage_values *values);
/* 1 if the kernel knows this setup_data type. */
int pvhboot_bzimage_accepts(const struct pvhboot_bzimage *kernel, uint32_t setup_type);

/* A kernel needs two ranges: where its file is put and entered, and where it unpacks itself. */
struct pvhboot_kernel_placement {
  uint64_t load_paddr;
  uint64_t load_size;
  uint64_t runtime_start;
  uint64_t runtime_size;
  uint32_t kernel_alignment; /* goes into the zero page */
};
/* A place for the kernel in the free RAM of a sanitised map, from which everything in use was taken out. For the 32-bit
 * entry. Nothing is placed below `lowest`, for which 0x100000 is the usual value, or above 2 GiB. Fails with
 * no_place_for_kernel. */
enum pvhboot_error pvhboot_place_kernel(const struct pvhboot_bzimage *kernel, const struct pvhboot_map *free_ram,
                                        uint64_t lowest, struct pvhboot_kernel_placement *placement, uint64_t *where);
/* The highest page-aligned place for an initrd of `size` bytes, in a map from which the kernel's two ranges were taken
 * out too. Fails with no_place_for_initrd. */
enum pvhboot_error pvhboot_place_initrd(const struct pvhboot_bzimage *kernel, uint64_t size,
                                        const struct pvhboot_map *free_ram, uint64_t *paddr, uint64_t *where);

/* Makes a map that every Linux accepts: sanitised, no RAM in the ISA hole, nothing in the last page below 2^64, at
 * least two ranges. Fails as sanitising does, and with no_ram. */
enum pvhboot_error pvhboot_prepare_for_linux(struct pvhboot_map *map, uint64_t *where);

/* A chain of setup_data nodes in the caller's memory. New nodes go in front, so a chain that is there already is kept:
 * begin with its address in `head`. */
struct pvhboot_setup_data {
  uint8_t *storage; /* the caller's memory for nodes */
  size_t size;      /* of the storage, cut before the last byte of the address space; a node takes 16 bytes and its
                       payload, padded to 8 */
  uint64_t paddr;   /* of the storage; not 0 */
  uint64_t head;    /* of the chain, for the zero page; 0: empty */
  size_t in_use;    /* bytes of the storage: 0 at first */
};
/* Adds a node with room for `size` bytes, which are the caller's to fill in. Fails with setup_data_full. */
enum pvhboot_error pvhboot_setup_data_reserve(struct pvhboot_setup_data *nodes, uint32_t setup_type, uint64_t size,
                                              uint8_t **payload, uint64_t *where);
/* Bytes of storage that the ranges beyond the zero page's 128 need; 0 if there are none. */
uint64_t pvhboot_e820_ext_size(const struct pvhboot_map *map);

/* A node of the chain. */
struct pvhboot_setup_node {
  uint64_t paddr;         /* of its header */
  uint64_t next;          /* 0: the last one */
  const uint8_t *payload; /* its bytes */
  size_t size;            /* bytes of the payload */
  uint32_t type;          /* of the payload */
};
/* Calls on_node for each node from `head` on, until it returns something else than PVHBOOT_OK, which this function then
 * returns, with the node's address as place. Fails with the group setup_data, also after `most` nodes. */
enum pvhboot_error pvhboot_walk_setup_data(const struct pvhboot_memory *memory, uint64_t head, uint32_t most,
                                           enum pvhboot_error (*on_node)(void *context,
                                                                         const struct pvhboot_setup_node *node),
                                           void *context, uint64_t *where);

/* Everything that a boot loader placed and chose for one boot of Linux. */
struct pvhboot_linux_layout {
  struct pvhboot_kernel_placement kernel; /* of pvhboot_place_kernel */
  uint8_t entry_64;                       /* flag: entered at +0x200 in long mode */
  uint64_t zero_page_paddr;               /* page aligned */
  uint64_t cmdline_paddr;                 /* 0: none. Linux reads up to 2048 bytes from here */
  uint64_t cmdline_size;                  /* bytes before the NUL */
  uint64_t initrd_paddr;                  /* page aligned */
  uint64_t initrd_size;                   /* 0: none */
  uint64_t rsdp_paddr;                    /* 0: not given */
  /* What else must survive until Linux runs: the loader's last instructions and GDT, page tables. Null if keep_size is
   * 0; the types do not matter. */
  const struct pvhboot_range *keep;
  size_t keep_size;        /* ranges of keep */
  uint16_t loader;         /* the assigned number, or an extended one from 0x10 on; 0xf: none assigned */
  uint16_t loader_version; /* the loader's own number */
};
/* Checks a layout: every piece lies in RAM, within reach and aligned, and no two overlap. `map` is what
 * pvhboot_prepare_for_linux made; `nodes` may be null. Fails with the group placement, protocol_too_old, no_entry_64.
 */
enum pvhboot_error pvhboot_check_placement(const struct pvhboot_bzimage *kernel,
                                           const struct pvhboot_linux_layout *layout, const struct pvhboot_map *map,
                                           const struct pvhboot_setup_data *nodes, uint64_t *where);

/* Role boot loader: checks the layout, and writes the zero page, 4096 bytes, for the entry of this kernel. `map` is
 * what pvhboot_prepare_for_linux made. `nodes` takes the ranges beyond 128 and carries an existing chain; it may be
 * null. Fails as pvhboot_check_placement does, and with the groups zero_page and setup_data; page and nodes are then as
 * they were. */
enum pvhboot_error pvhboot_translate_loader(const struct pvhboot_bzimage *kernel,
                                            const struct pvhboot_linux_layout *layout, const struct pvhboot_map *map,
                                            uint8_t *zero_page, struct pvhboot_setup_data *nodes, uint64_t *where);

/* Who started a kernel, as Linux's own PVH entry records it. */
enum pvhboot_started_by { PVHBOOT_STARTED_BY_XEN = 0x90, PVHBOOT_STARTED_BY_OTHER = 0xb0 };

/* Role kernel: the zero page, 4096 bytes, of a kernel that was entered by PVH itself. `map` is what
 * pvhboot_prepare_for_linux made; `nodes` may be null. Fails with map_not_prepared, e820_too_few, e820_full,
 * setup_data_full. */
enum pvhboot_error pvhboot_translate_kernel(const struct pvhboot_boot_info *boot, const struct pvhboot_map *map,
                                            enum pvhboot_started_by by, uint8_t *zero_page,
                                            struct pvhboot_setup_data *nodes, uint64_t *where);
/* Role kernel, byte for byte as Linux 6.1 does it. `table` is the map as it was handed over, or null for the handoff's
 * own. Fails with e820_full. */
enum pvhboot_error pvhboot_translate_as_linux(const struct pvhboot_boot_info *boot, const struct pvhboot_map *table,
                                              enum pvhboot_started_by by, uint8_t *zero_page, uint64_t *where);

/* What a zero page leads to. */
struct pvhboot_zero_page_values {
  uint64_t cmdline_paddr; /* 0: none */
  uint64_t initrd_paddr;  /* physical address of the initrd */
  uint64_t initrd_size;   /* 0: none */
  uint64_t rsdp_paddr;    /* 0: not given */
};
/* Reads a zero page, 4096 bytes, as Linux does; its memory map is appended to `map` as it stands, SETUP_E820_EXT nodes
 * included, of which `most` ends a chain that loops. Fails with e820_bad_count, map_full, and the group setup_data. */
enum pvhboot_error pvhboot_read_zero_page(const struct pvhboot_memory *memory, const uint8_t *zero_page,
                                          struct pvhboot_map *map, uint32_t most,
                                          struct pvhboot_zero_page_values *values, uint64_t *where);

/* ---- Kernel images with a PVH note ----------------------------------------------------------------------------------
 */

/* Where an image is entered by PVH: the last PHYS32_ENTRY note. */
struct pvhboot_phys32_entry {
  uint32_t paddr;         /* where the image is entered */
  uint32_t notes;         /* how many there are */
  uint64_t note_offset;   /* of the note in the file */
  uint64_t foreign;       /* of the first note of this type with another name, which QEMU may take; 0: none */
  uint64_t damage_where;  /* the place of the damage */
  uint32_t damage;        /* enum pvhboot_error: the first damage that was passed; 0: none */
  uint8_t differs;        /* flag: the notes do not say the same */
  uint8_t section_header; /* flag: a section header leads to it, which Xen finds, QEMU and linux-loader do not */
};
/* `file` is an ELF kernel for x86. Fails with the groups elf and phys32. */
enum pvhboot_error pvhboot_find_phys32_entry(const uint8_t *file, size_t size, struct pvhboot_phys32_entry *found,
                                             uint64_t *where);

/* Whether and where an image may be loaded elsewhere. */
struct pvhboot_phys32_reloc {
  uint32_t alignment;  /* of the first byte */
  uint32_t minimum;    /* the lowest address of the first byte */
  uint32_t maximum;    /* the highest address of the last byte */
  uint8_t relocatable; /* flag: there is a note */
};
/* An image without the note is no failure. Fails with the groups elf and phys32. */
enum pvhboot_error pvhboot_find_phys32_reloc(const uint8_t *file, size_t size, struct pvhboot_phys32_reloc *found,
                                             uint64_t *where);

/* Where a kernel lies when it is loaded as it is linked, and whether it may lie elsewhere. */
struct pvhboot_kernel_extent {
  uint64_t base;        /* of its lowest byte */
  uint64_t size;        /* what is zero-filled included */
  uint32_t entry_paddr; /* where it is entered */
  uint32_t alignment;   /* of a base, a power of two */
  uint32_t minimum;     /* the lowest base */
  uint32_t maximum;     /* the highest byte of a kernel that was moved */
  uint8_t relocatable;  /* flag */
};
/* All three of a file, for pvhboot_plan. Fails as they do. */
enum pvhboot_error pvhboot_find_kernel_extent(const uint8_t *file, size_t size, struct pvhboot_kernel_extent *found,
                                              uint64_t *where);

/* Copies every segment of the image to its physical address + shift, and clears what the file does not have of it.
 * Everything is checked before the first byte is written. Fails with the group elf. */
enum pvhboot_error pvhboot_load_image(const uint8_t *file, size_t size, const struct pvhboot_memory *memory,
                                      uint64_t shift, uint64_t *where);

/* ---- The handoff, written
 * -------------------------------------------------------------------------------------------- */

/* Text with its size: `size` bytes at chars, or at bytes. If both are null there is no text, which is not an empty one.
 * A NUL at the end is not part of it. */
struct pvhboot_text {
  const char *chars;    /* text that is char; null otherwise */
  const uint8_t *bytes; /* the same for text that is not char; null otherwise */
  size_t size;
};

/* A module as its producer knows it. Its bytes are the caller's to load; only its command line is written. */
struct pvhboot_handoff_module {
  uint64_t paddr; /* the first byte */
  uint64_t size;
  struct pvhboot_text cmdline;
  uint64_t reserved; /* 0 */
};

/* Everything that a handoff says, as values. Counts and addresses are derived from them. A list may be null if its size
 * is 0. */
struct pvhboot_handoff {
  uint32_t version; /* 1, or 0, which has no memory map */
  uint32_t flags;   /* SIF_* of Xen */
  struct pvhboot_text cmdline;
  const struct pvhboot_handoff_module *modules; /* the first is the initial ramdisk, by convention */
  size_t modules_size;                          /* number of modules */
  uint64_t rsdp_paddr;                          /* 0: not given */
  const struct pvhboot_range *memmap;           /* written as it is */
  size_t memmap_size;                           /* number of entries */
  const uint32_t *memmap_reserved;              /* the entries' reserved words, in order; those without one have 0 */
  size_t memmap_reserved_size;                  /* number of words */
  uint32_t reserved;                            /* 0 in version 1 */
};

/* Bytes of the block that holds all of it; 2^64 - 1 also if it has more. */
uint64_t pvhboot_handoff_size(const struct pvhboot_handoff *handoff);
/* Writes the handoff as one block at `paddr`, where start_info is then: the value for %ebx. Nothing is written if the
 * call fails, with the group write or start_info_absent. */
enum pvhboot_error pvhboot_write(const struct pvhboot_handoff *handoff, const struct pvhboot_memory *memory,
                                 uint64_t paddr, uint64_t *where);

/* Where the parts of a handoff lie; 0 for a part that it does not have. */
struct pvhboot_handoff_layout {
  uint64_t start_info_paddr;             /* the value for %ebx */
  uint64_t modlist_paddr;                /* of the list of modules */
  uint64_t memmap_paddr;                 /* of the memory map */
  uint64_t cmdline_paddr;                /* of the command line */
  uint64_t module_cmdlines_paddr;        /* of all of them, one after the other */
  const uint64_t *module_cmdline_paddrs; /* or one address for each module, 0 for one without */
  size_t module_cmdline_paddrs_size;     /* number of addresses */
};
/* Writes the parts where the layout has them. Fails as pvhboot_write does. */
enum pvhboot_error pvhboot_write_at(const struct pvhboot_handoff *handoff, const struct pvhboot_memory *memory,
                                    const struct pvhboot_handoff_layout *at, uint64_t *where);

/* ---- Plan: where everything goes in a guest's memory
 * ------------------------------------------------------------------ */

/* Anything that needs a place beside kernel, modules, ACPI tables and handoff. */
struct pvhboot_plan_block {
  uint64_t size;      /* 0: needs none */
  uint64_t alignment; /* a power of two; 0x1000 is the usual value */
  uint64_t lowest;    /* 0: 1 MiB, or less if there is no room */
  uint64_t highest;   /* its highest byte; 0xffffffff is the usual value */
  uint32_t type;      /* what the map says of it; 0: it stays RAM */
  uint64_t paddr;     /* 0: the plan finds it, and stores it here */
};

/* What a guest needs to boot. Lists may be null if their size is 0. */
struct pvhboot_boot_request {
  struct pvhboot_kernel_extent kernel; /* of pvhboot_find_kernel_extent */
  uint32_t version;                    /* of the handoff: 1, or 0 */
  uint32_t flags;                      /* SIF_* of Xen */
  struct pvhboot_text cmdline;
  struct pvhboot_handoff_module *modules; /* with sizes and command lines; paddr 0: the plan finds it, and stores it */
  size_t modules_size;                    /* number of modules */
  uint64_t rsdp_paddr;                    /* 0: the plan finds it if there is an acpi_size, else none is given */
  uint64_t acpi_size;                     /* bytes of the ACPI tables, the RSDP first */
  struct pvhboot_plan_block *blocks;      /* placed in their order */
  size_t blocks_size;                     /* number of blocks */
  uint64_t handoff_highest;               /* the highest byte of the handoff; 0x3fffffff is the usual value */
  uint64_t modules_highest;               /* of the modules; 0xffffffff is the usual value */
};

/* Where everything goes. It refers to the request's lists and texts, and to the map's ranges. */
struct pvhboot_boot_plan {
  struct pvhboot_handoff handoff; /* for pvhboot_write */
  uint32_t start_info_paddr;      /* where to write it, and the value for %ebx */
  uint32_t entry_paddr;           /* for %eip */
  uint64_t kernel_base;           /* of the kernel's lowest byte */
  uint64_t kernel_shift;          /* how far that is from where it is linked, modulo 2^64: for pvhboot_load_image */
  uint64_t bases;                 /* among how many bases the random number chose */
};
/* Finds a place for everything. `map` is the guest's memory map, sanitised, and becomes the one of the handoff;
 * `free_ram` is a map to work in, with room for more ranges. `random` may be null: a kernel then moves only if it must.
 * Fails with the groups plan and phys32, map_not_sanitized, map_full; map and request are then as they were. */
enum pvhboot_error pvhboot_plan(struct pvhboot_map *map, struct pvhboot_map *free_ram,
                                const struct pvhboot_boot_request *request, const uint64_t *random,
                                struct pvhboot_boot_plan *plan, uint64_t *where);

/* ---- Lint: what is odd about a handoff, and who fails on it
 * ------------------------------------------------------------ */

/* The kinds of oddities, PVHBOOT_O_ and the name of a row in pvh/oddities.def. */
enum pvhboot_oddity {
#define PVHBOOT_ODDITY(number, name, level, where, sentence, consumers, fails) PVHBOOT_O_##name = (number),
#include <pvhboot/pvh/oddities.def>
  PVHBOOT_O_NONE = 0 /* no row */
};

/* How bad an oddity is. */
enum pvhboot_severity {
  PVHBOOT_SEVERITY_INFO = 0,    /* unusual, and no consumer is known to mind */
  PVHBOOT_SEVERITY_WARNING = 1, /* a real consumer fails */
  PVHBOOT_SEVERITY_ERROR = 2    /* against the specification */
};

/* What else is known about the guest. */
struct pvhboot_lint_options {
  struct pvhboot_range kernel; /* where the kernel's image lies; of size 0: unknown */
  uint8_t probe_ram;           /* flag: read the first and the last byte of each RAM entry */
};
/* Calls on_finding(context, what, address) for everything that is odd. `scratch` is a map to work in, with room for
 * twice the entries of the handoff's map, and slots for each entry and each module; what it held is lost. `options` may
 * be null: kernel unknown, probe_ram 1. Fails with map_full and scratch_too_small, before it reports anything. */
enum pvhboot_error pvhboot_lint(const struct pvhboot_memory *memory, const struct pvhboot_boot_info *boot,
                                struct pvhboot_map *scratch,
                                void (*on_finding)(void *context, enum pvhboot_oddity what, uint64_t where),
                                void *context, const struct pvhboot_lint_options *options, uint64_t *where);
/* What is odd, in a few words; its name in pvh/oddities.def; what `where` is the address of; who fails on it and how,
 * empty if no consumer is known to; how bad it is. */
const char *pvhboot_oddity_message(enum pvhboot_oddity what);
const char *pvhboot_oddity_name(enum pvhboot_oddity what);
const char *pvhboot_oddity_where_is(enum pvhboot_oddity what);
const char *pvhboot_oddity_fails(enum pvhboot_oddity what);
enum pvhboot_severity pvhboot_oddity_level(enum pvhboot_oddity what);

#ifdef __cplusplus
}
#endif

#endif
