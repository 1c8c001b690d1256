/* SPDX-License-Identifier: BSL-1.0 */
/* Finds the PVH entry of an ELF kernel by hand, with the checks of parse_elf and find_phys32_entry. */
#include <stdbool.h>
#include <string.h>

#include "bench.h"

enum { most_notes = 4096, most_segments = 32, pt_load = 1, pt_note = 4, sht_note = 7, phys32_entry = 18 };

struct file {
  const uint8_t *bytes;
  uint64_t size;
  bool wide;
};

/* A header of a segment or a section, of either class. */
struct header {
  uint32_t type, flags;
  uint64_t offset, paddr, filesz, memsz, align;
};

struct found {
  uint64_t value;
  uint32_t notes, all;
  bool good, owner_seen, foreign, damaged, differs;
};

static uint64_t get(const uint8_t *p, size_t n) {
  uint16_t half;
  uint32_t word;
  uint64_t big;
  if (n == 2) return memcpy(&half, p, 2), half;
  if (n == 4) return memcpy(&word, p, 4), word;
  return memcpy(&big, p, 8), big;
}

static bool holds(const struct file *f, uint64_t offset, uint64_t n, uint64_t each) {
  return offset <= f->size && n <= f->size && n * each <= f->size - offset;
}

static struct header program_header(const struct file *f, uint64_t at) {
  const uint8_t *p = f->bytes + at;
  if (f->wide)
    return (struct header){(uint32_t)get(p, 4), (uint32_t)get(p + 4, 4), get(p + 8, 8), get(p + 24, 8),
                           get(p + 32, 8),      get(p + 40, 8),          get(p + 48, 8)};
  return (struct header){(uint32_t)get(p, 4), (uint32_t)get(p + 24, 4), get(p + 4, 4), get(p + 12, 4),
                         get(p + 16, 4),      get(p + 20, 4),           get(p + 28, 4)};
}

static struct header section_header(const struct file *f, uint64_t at) {
  const uint8_t *p = f->bytes + at;
  if (f->wide)
    return (struct header){(uint32_t)get(p + 4, 4), 0, get(p + 24, 8), 0, get(p + 32, 8), get(p + 44, 4),
                           get(p + 48, 8)};
  return (struct header){(uint32_t)get(p + 4, 4), 0, get(p + 16, 4), 0, get(p + 20, 4), get(p + 28, 4), get(p + 32, 4)};
}

/* Walks notes; with `found`, looks for the entry. Returns whether all of them are sound. */
static bool walk(const uint8_t *bytes, uint64_t size, uint64_t padding, uint32_t *budget, struct found *found) {
  uint64_t at = 0;
  while (size - at >= 12) {
    if (*budget == 0) return false;
    --*budget;
    const uint8_t *p = bytes + at;
    const uint32_t namesz = (uint32_t)get(p, 4), descsz = (uint32_t)get(p + 4, 4), type = (uint32_t)get(p + 8, 4);
    const uint64_t name_end = at + 12 + namesz, desc = (name_end + padding - 1) & ~(padding - 1);
    if (name_end > size) return false;
    if (descsz != 0 && (desc > size || descsz > size - desc)) return false;
    at = (desc + descsz + padding - 1) & ~(padding - 1);
    if (at > size) at = size;
    if (!found || type != phys32_entry) continue;
    if (namesz != 4 || memcmp(p + 12, "Xen", 4) != 0) {
      found->foreign = true;
      continue;
    }
    found->owner_seen = true;
    uint64_t value = 0;
    bool good = true;
    if (descsz == 4)
      value = get(bytes + desc, 4);
    else if (descsz == 8)
      value = get(bytes + desc, 8);
    else
      good = false;
    good = good && value <= 0xffffffff && value != 0 && value != 0xffffffff;
    if (found->notes != 0 && value != found->value) found->differs = true;
    found->value = value;
    found->good = good;
    ++found->notes;
  }
  return true;
}

static void look(const struct file *f, const struct header *h, struct found *found, uint32_t *padding_budget,
                 uint32_t *budget) {
  uint64_t offset = h->offset < f->size ? h->offset : f->size;
  uint64_t size = f->size - offset < h->filesz ? f->size - offset : h->filesz;
  if (size != h->filesz) found->damaged = true;
  const uint8_t *bytes = f->bytes + offset;
  const uint64_t padding =
      h->align == 8 && !walk(bytes, size, 4, padding_budget, NULL) && walk(bytes, size, 8, padding_budget, NULL) ? 8
                                                                                                                 : 4;
  if (!walk(bytes, size, padding, budget, found)) found->damaged = true;
}

uint32_t c_find_entry(const uint8_t *bytes, size_t size) {
  struct file f = {bytes, size, false};
  if (size < 16 || get(bytes, 4) != 0x464c457f || (bytes[4] != 1 && bytes[4] != 2) || bytes[5] != 1) return 0;
  f.wide = bytes[4] == 2;
  if (size < (f.wide ? 64u : 52u)) return 0;
  const uint64_t machine = get(bytes + 18, 2);
  if (machine != 3 && machine != 62) return 0;
  const uint64_t phoff = f.wide ? get(bytes + 32, 8) : get(bytes + 28, 4);
  const uint64_t shoff = f.wide ? get(bytes + 40, 8) : get(bytes + 32, 4);
  const uint8_t *tail = bytes + (f.wide ? 54 : 42);
  const uint64_t phentsize = get(tail, 2), shentsize = get(tail + 4, 2);
  const uint64_t phsize = f.wide ? 56 : 32, shsize = f.wide ? 64 : 40;
  uint64_t phnum = phoff != 0 ? get(tail + 2, 2) : 0, shnum = shoff != 0 ? get(tail + 6, 2) : 0;
  const bool has_section_0 = shoff != 0 && shentsize == shsize && holds(&f, shoff, 1, shsize);
  if (has_section_0 && shnum == 0) shnum = section_header(&f, shoff).filesz;
  const bool sections_outside = shoff != 0 && (!has_section_0 || !holds(&f, shoff, shnum, shsize));
  if (phnum == 0 || phentsize != phsize) return 0;
  if (phnum == 0xffff) {
    if (!has_section_0) return 0;
    phnum = section_header(&f, shoff).memsz;
  }
  if (!holds(&f, phoff, phnum, phsize)) return 0;

  struct header loads[most_segments];
  size_t count = 0;
  for (uint64_t i = 0; i < phnum; ++i) {
    const struct header h = program_header(&f, phoff + i * phsize);
    if (h.type != pt_load || (h.filesz == 0 && h.memsz == 0)) continue;
    if (h.memsz < h.filesz || (h.filesz != 0 && !holds(&f, h.offset, h.filesz, 1)) || h.memsz > ~h.paddr) return 0;
    for (size_t k = 0; k < count; ++k)
      if ((loads[k].paddr >= h.paddr && loads[k].paddr - h.paddr < h.memsz) ||
          (h.paddr >= loads[k].paddr && h.paddr - loads[k].paddr < loads[k].memsz))
        return 0;
    if (count == most_segments) return 0;
    loads[count++] = h;
  }
  if (count == 0) return 0;

  struct found found = {0};
  uint32_t padding_budget = most_notes, budget = most_notes;
  for (uint64_t i = 0; i < phnum; ++i) {
    const struct header h = program_header(&f, phoff + i * phsize);
    if (h.type != pt_note) continue;
    if (h.offset == 0)
      found.damaged = found.damaged || h.filesz != 0;
    else
      look(&f, &h, &found, &padding_budget, &budget);
  }
  if (!found.owner_seen && !sections_outside)
    for (uint64_t i = 0; i < shnum; ++i) {
      const struct header h = section_header(&f, shoff + i * shsize);
      if (h.type == sht_note) look(&f, &h, &found, &padding_budget, &budget);
    }
  if (found.notes == 0 || !found.good) return 0;
  for (size_t k = 0; k < count; ++k)
    if (found.value >= loads[k].paddr && found.value - loads[k].paddr < loads[k].memsz)
      return (loads[k].flags & 1) != 0 && found.value - loads[k].paddr < loads[k].filesz ? (uint32_t)found.value : 0;
  return 0;
}
