/* SPDX-License-Identifier: BSL-1.0 */
/* What is measured: functions that are written once in C++ with the library and once in C. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What every translation here gets: memory that begins at physical address base, and where start_info lies in it. */
struct handover {
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

/* With the library (library.cpp): parse, then translate in the role of a kernel. The first as Linux does it; the second
   from a map that is sanitised already; the third with everything from the hand-over to the sanitised map as well.
   They return how many entries the zero page has, or -1. */
int library_as_linux(const struct handover *h, uint8_t *zero_page);
int library_strict(const struct handover *h, uint8_t *zero_page);
int library_strict_and_map(const struct handover *h, uint8_t *zero_page);
/* Sanitises in place; there is room for 2n. Returns how many ranges there are then. */
size_t library_sanitize(struct range *ranges, size_t n);

/* In C (linux_like.c): Linux's PVH entry, which checks nothing, and its sweep over the change points of an e820 table.
 */
int linux_translate(const struct handover *h, uint8_t *zero_page);
size_t linux_sanitize(struct range *ranges, size_t n);

#ifdef __cplusplus
}
#endif
