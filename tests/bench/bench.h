/* SPDX-License-Identifier: BSL-1.0 */
/* The measured functions: each is written in C++ with the library, and in C. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The input of a translation: memory that begins at physical address base, and the address of start_info. */
struct handoff {
  const uint8_t *bytes;
  uint64_t base;
  uint32_t size;
  uint64_t start_info_paddr;
};

struct range {
  uint64_t addr;
  uint64_t size;
  uint32_t type;
};

/* With the library (library.cpp): parse, then translate in the role of a kernel. The first is translate_as_linux, the
   second takes a sanitised map, and the third also makes the sanitised map from the handoff. They return the number of
   entries in the zero page, or -1. */
int library_as_linux(const struct handoff *h, uint8_t *zero_page);
int library_strict(const struct handoff *h, uint8_t *zero_page);
int library_strict_and_map(const struct handoff *h, uint8_t *zero_page);
/* Sanitises n ranges in place; there are slots for 2n. Returns the new number of ranges. */
size_t library_sanitize(struct range *ranges, size_t n);

/* Writes a version 1 handoff with these entries, a module and a command line to paddr, where `to` lies. Returns its
   size in bytes, or 0. */
size_t library_write(const struct range *entries, size_t n, uint8_t *to, size_t size, uint64_t paddr);

/* The PVH entry of an ELF kernel, 0 if it has none: with parse_elf and find_phys32_entry, and in C with the same checks
   (note_search.c). */
uint32_t library_find_entry(const uint8_t *file, size_t size);
uint32_t c_find_entry(const uint8_t *file, size_t size);
/* The same with libelf, where it is installed (libelf.c). */
uint32_t libelf_find_entry(const uint8_t *file, size_t size);

/* In C (linux_like.c): Linux's PVH entry, which has no checks, and its sweep over the change points of an e820 table.
 */
int linux_translate(const struct handoff *h, uint8_t *zero_page);
size_t linux_sanitize(struct range *ranges, size_t n);

#ifdef __cplusplus
}
#endif
