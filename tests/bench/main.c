/* SPDX-License-Identifier: BSL-1.0 */
/* Makes the inputs and calls the measured functions, with callgrind's counters set to zero before and dumped after each
   call. Without valgrind it only compares the results. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include "bench.h"

enum { entries = 128, most = 131072, nested_most_for_linux = 2048 };

static uint8_t memory[0x2000];
static uint8_t pages[4][4096] __attribute__((aligned(4096)));

static void put(size_t at, uint64_t value, size_t n) {
  for (size_t i = 0; i < n; ++i) memory[at + i] = (uint8_t)(value >> 8 * i);
}

/* 128 sorted entries, alternately RAM and reserved, none in the ISA hole; a module; a command line. */
static struct handoff make_handoff(void) {
  const struct handoff h = {memory, 0x1000, sizeof memory, 0x1000};
  put(0, 0x336ec578, 4);
  put(4, 1, 4);
  put(12, 1, 4);
  put(16, 0x1040, 8);
  put(24, 0x1060, 8);
  put(32, 0xf59e0, 8);
  put(40, 0x1080, 8);
  put(48, entries, 4);
  put(0x40, 0x8000000, 8);
  put(0x48, 0x100000, 8);
  strcpy((char *)memory + 0x60, "console=ttyS0");
  for (size_t i = 0; i < entries; ++i) {
    put(0x80 + 24 * i, i == 0 ? 0 : 0x100000 * i, 8);
    put(0x88 + 24 * i, 0x80000, 8);
    put(0x90 + 24 * i, 1 + i % 2, 4);
  }
  return h;
}

static uint32_t state;
static uint32_t any(void) { return state = state * 1664525u + 1013904223u, state >> 8; }

/* clean: sorted and disjoint; shuffled: the same in random order; overlapping: each overlaps a few others; nested: each
   lies in the one before it. */
static void make_ranges(const char *kind, struct range *ranges, size_t n) {
  state = 1;
  for (size_t i = 0; i < n; ++i) {
    ranges[i] = (struct range){0x2000 * i, 0x1000, 1 + (uint32_t)i % 3};
    if (strcmp(kind, "overlapping") == 0) ranges[i].size = 0x1000 * (1 + any() % 8);
    if (strcmp(kind, "nested") == 0) ranges[i] = (struct range){0x1000 * i, 0x2000 * (n - i), 1 + (uint32_t)i % 3};
  }
  if (strcmp(kind, "clean") == 0) return;
  for (size_t i = n; i-- > 1;) {
    const size_t j = any() % (i + 1);
    const struct range t = ranges[i];
    ranges[i] = ranges[j];
    ranges[j] = t;
  }
}

#define MEASURE(name, call)        \
  do {                             \
    CALLGRIND_ZERO_STATS;          \
    call;                          \
    CALLGRIND_DUMP_STATS_AT(name); \
  } while (0)

static int same(const struct range *a, const struct range *b, size_t n) {
  for (size_t i = 0; i < n; ++i)
    if (a[i].addr != b[i].addr || a[i].size != b[i].size || a[i].type != b[i].type) return 0;
  return 1;
}

static uint8_t blocks[2][0x2000];

static void expect(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "the results differ: %s\n", what);
  exit(1);
}

/* A kernel like Linux's: four segments, and a PT_NOTE of 24 notes, of which the 20th has the entry. */
static uint8_t kernel[0x2000];
static void kernel_put(size_t at, uint64_t value, size_t n) {
  for (size_t i = 0; i < n; ++i) kernel[at + i] = (uint8_t)(value >> 8 * i);
}
static void make_kernel(void) {
  memcpy(kernel, "\177ELF\2\1\1", 7);
  kernel_put(16, 2, 2);
  kernel_put(18, 62, 2);
  kernel_put(32, 64, 8);
  kernel_put(54, 56, 2);
  kernel_put(56, 5, 2);
  for (size_t i = 0; i < 4; ++i) {
    const size_t at = 64 + 56 * i;
    kernel_put(at, 1, 4);
    kernel_put(at + 4, 7, 4);
    kernel_put(at + 8, 0x1000, 8);
    kernel_put(at + 24, 0x1000000 + 0x200000 * i, 8);
    kernel_put(at + 32, 0x800, 8);
    kernel_put(at + 40, 0x100000, 8);
  }
  size_t at = 0x400;
  for (size_t i = 0; i < 24; ++i) {
    kernel_put(at, 4, 4);
    kernel_put(at + 4, 8, 4);
    kernel_put(at + 8, i == 19 ? 18 : 0x100 + i, 4);
    memcpy(kernel + at + 12, i % 6 == 5 ? "GNU" : "Xen", 4);
    kernel_put(at + 16, 0x1000040, 8);
    at += 24;
  }
  kernel_put(64 + 56 * 4, 4, 4);
  kernel_put(64 + 56 * 4 + 8, 0x400, 8);
  kernel_put(64 + 56 * 4 + 32, at - 0x400, 8);
  kernel_put(64 + 56 * 4 + 48, 4, 8);
}
/* Both agree on the kernel and on each of its variants with one damaged byte of headers or notes. */
static int entries_agree(void) {
  size_t refused = 0;
  for (size_t at = 0; at < 0x400 + 24 * 24; ++at)
    for (unsigned bit = 0; bit < 8; ++bit) {
      kernel[at] ^= (uint8_t)(1u << bit);
      const uint32_t ours = library_find_entry(kernel, sizeof kernel), theirs = c_find_entry(kernel, sizeof kernel);
      kernel[at] ^= (uint8_t)(1u << bit);
      refused += ours == 0;
      if (ours != theirs) return fprintf(stderr, "bit %u of byte %#zx: %#x and %#x\n", bit, at, ours, theirs), 0;
    }
  return refused > 100;
}

int main(void) {
  const struct handoff h = make_handoff();
  int n[4];
  /* A first call without counting resolves the lazily bound symbols. */
  for (int round = 0; round < 2; ++round) {
    MEASURE("linux_translate", n[0] = linux_translate(&h, pages[0]));
    MEASURE("library_as_linux", n[1] = library_as_linux(&h, pages[1]));
    MEASURE("library_strict_and_map", n[2] = library_strict_and_map(&h, pages[2]));
    MEASURE("library_strict", n[3] = library_strict(&h, pages[3]));
  }
  expect(memcmp(pages[0], pages[1], 4096) == 0, "as Linux");
  expect(memcmp(pages[2], pages[3], 4096) == 0, "strict");
  expect(n[0] == entries && n[1] == entries && n[2] == entries && n[3] == entries, "entries");

  static struct range map[entries];
  make_ranges("clean", map, entries);
  size_t size = 0;
  for (int round = 0; round < 2; ++round) {
    MEASURE("library_write", size = library_write(map, entries, blocks[0], sizeof blocks[0], 0x1000));
    MEASURE("memcpy", memcpy(blocks[1], blocks[0], size));
  }
  expect(size == 56 + 32 + entries * 24 + 14 && memcmp(blocks[0], blocks[1], size) == 0, "write");

  make_kernel();
  uint32_t found[2] = {0, 0};
  for (int round = 0; round < 2; ++round) {
    MEASURE("library_find_entry", found[0] = library_find_entry(kernel, sizeof kernel));
    MEASURE("c_find_entry", found[1] = c_find_entry(kernel, sizeof kernel));
  }
  expect(found[0] == 0x1000040 && found[1] == found[0] && entries_agree(), "find_entry");
#ifdef WITH_LIBELF
  for (int round = 0; round < 2; ++round)
    MEASURE("libelf_find_entry", found[1] = libelf_find_entry(kernel, sizeof kernel));
  expect(found[1] == found[0], "find_entry with libelf");
#endif

  static const char *const kinds[] = {"clean", "shuffled", "overlapping", "nested"};
  struct range *ours = malloc(2 * most * sizeof *ours), *theirs = malloc(2 * most * sizeof *theirs);
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; ++k)
    for (size_t size = 8; size <= most; size *= 4) {
      char name[64];
      make_ranges(kinds[k], ours, size);
      memcpy(theirs, ours, size * sizeof *ours);
      size_t made, made_by_linux;
      snprintf(name, sizeof name, "library_%s %zu", kinds[k], size);
      MEASURE(name, made = library_sanitize(ours, size));
      expect(made != 0, name);
      if (strcmp(kinds[k], "nested") == 0 && size > nested_most_for_linux) continue;
      snprintf(name, sizeof name, "linux_%s %zu", kinds[k], size);
      MEASURE(name, made_by_linux = linux_sanitize(theirs, size));
      expect(made == made_by_linux && same(ours, theirs, made), name);
    }
  free(ours);
  free(theirs);
  return 0;
}
