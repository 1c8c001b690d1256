/* SPDX-License-Identifier: BSL-1.0 */
/* The note search as a program with libelf writes it: every PT_NOTE, every note of owner "Xen". */
#include <gelf.h>
#include <string.h>

#include "bench.h"

enum { phys32_entry = 18 };

static uint32_t entry_of(Elf_Data *data) {
  GElf_Nhdr note;
  size_t name, desc;
  for (size_t at = 0; (at = gelf_getnote(data, at, &note, &name, &desc)) > 0;) {
    const char *bytes = data->d_buf;
    uint32_t entry;
    if (note.n_type != phys32_entry || note.n_namesz != 4 || memcmp(bytes + name, "Xen", 4) != 0) continue;
    if (note.n_descsz != 4 && note.n_descsz != 8) continue;
    memcpy(&entry, bytes + desc, sizeof entry);
    return entry;
  }
  return 0;
}

uint32_t libelf_find_entry(const uint8_t *file, size_t size) {
  uint32_t entry = 0;
  size_t headers = 0;
  elf_version(EV_CURRENT);
  /* elf_memory takes a pointer to bytes that it may change; without ELF_C_WRITE it does not. */
  Elf *elf = elf_memory((char *)(uintptr_t)file, size);
  if (elf == NULL) return 0;
  if (elf_getphdrnum(elf, &headers) == 0)
    for (size_t i = 0; entry == 0 && i < headers; ++i) {
      GElf_Phdr p;
      if (gelf_getphdr(elf, (int)i, &p) == NULL || p.p_type != PT_NOTE) continue;
      Elf_Data *data =
          elf_getdata_rawchunk(elf, (int64_t)p.p_offset, p.p_filesz, p.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
      if (data != NULL) entry = entry_of(data);
    }
  elf_end(elf);
  return entry;
}
