// SPDX-License-Identifier: BSL-1.0
//
// A small ELF kernel of either class, correct in every respect, to be damaged by the tests.
#pragma once

#include "row.hpp"

#include <pvhboot/abi/xen_note.hpp>
#include <pvhboot/elf/image_notes.hpp>
#include <pvhboot/elf/load.hpp>

namespace test {

/// The structures of one ELF class. Their members have the same names.
struct elf32_structs {
  using file_header = pvhboot::abi::Elf32_Ehdr;
  using program_header = pvhboot::abi::Elf32_Phdr;
  using section_header = pvhboot::abi::Elf32_Shdr;
};
struct elf64_structs {
  using file_header = pvhboot::abi::Elf64_Ehdr;
  using program_header = pvhboot::abi::Elf64_Phdr;
  using section_header = pvhboot::abi::Elf64_Shdr;
};

/// A file of 0x600 bytes: the ELF header, up to 8 program headers at 0x40, notes at 0x200, up to 4 section headers at
/// 0x300, the contents of segments from 0x400 on.
template <class Structs> struct elf_builder {
  using file_header = typename Structs::file_header;
  using program_header = typename Structs::program_header;
  using section_header = typename Structs::section_header;
  static constexpr bool is_64 = sizeof(program_header) == 56;
  static constexpr size_t phoff = 0x40, notes_at = 0x200, shoff = 0x300, contents_at = 0x400, file_size = 0x600;
  static constexpr uint32_t rx = 5, rw = 6;

  file_header header{};
  pvhboot::array<program_header, 8> phdrs{};
  pvhboot::array<section_header, 4> shdrs{};
  pvhboot::array<uint8_t, file_size> bytes{};
  size_t phnum = 0;
  size_t shnum = 1;  // section 0
  size_t notes_begin = notes_at;
  size_t notes_end = notes_at;
  size_t contents_end = contents_at;

  constexpr elf_builder() {
    const uint8_t ident[] = {0x7f, 'E', 'L', 'F', is_64 ? uint8_t{2} : uint8_t{1}, 1, 1};
    for (size_t i = 0; i < sizeof ident; ++i) header.e_ident[i] = ident[i];
    header.e_type = pvhboot::elf_type::exec;
    header.e_machine = is_64 ? pvhboot::elf_machine::x86_64 : pvhboot::elf_machine::intel_386;
    header.e_version = 1;
    set(header.e_entry, 0x100020);
    set(header.e_phoff, phoff);
    set(header.e_shoff, shoff);
    header.e_ehsize = uint16_t{sizeof(file_header)};
    header.e_phentsize = uint16_t{sizeof(program_header)};
    header.e_shentsize = uint16_t{sizeof(section_header)};
  }

  /// Assigns a number to a field of either class.
  template <class T> static constexpr void set(pvhboot::le<T>& field, uint64_t value) { field = static_cast<T>(value); }

  constexpr program_header& add(pvhboot::segment_type type, uint64_t offset, uint64_t filesz) {
    program_header& p = phdrs[phnum++];
    p.p_type = type;
    set(p.p_offset, offset);
    set(p.p_filesz, filesz);
    set(p.p_memsz, filesz);
    return p;
  }
  /// A segment of filesz bytes 1, 2, 3, … in the file and memsz in memory.
  constexpr program_header& load(uint64_t paddr, size_t filesz, uint64_t memsz, uint32_t flags = rx) {
    program_header& p = add(pvhboot::segment_type::load, contents_end, filesz);
    for (size_t i = 0; i < filesz; ++i) bytes[contents_end + i] = static_cast<uint8_t>(i + 1);
    contents_end += filesz;
    set(p.p_vaddr, 0xc0000000 + paddr);
    set(p.p_paddr, paddr);
    set(p.p_memsz, memsz);
    p.p_flags = flags;
    set(p.p_align, 0x1000);
    return p;
  }

  constexpr void word(uint32_t w) {
    for (unsigned i = 0; i < 4; ++i) bytes[notes_end++] = static_cast<uint8_t>(w >> 8 * i);
  }
  /// The head of a note and its name, with its NUL and padding.
  template <size_t N> constexpr void note_head(const char (&name)[N], uint32_t type, uint32_t descsz) {
    word(N);
    word(descsz);
    word(type);
    for (size_t i = 0; i < (N + 3) / 4 * 4; ++i)
      bytes[notes_end++] = i < N ? static_cast<uint8_t>(name[i]) : uint8_t{0};
  }
  /// A note whose descriptor is these words.
  template <size_t N, class... Words>
  constexpr void note(const char (&name)[N], pvhboot::xen_note type, Words... words) {
    note_head(name, static_cast<uint32_t>(type), 4 * sizeof...(words));
    (word(static_cast<uint32_t>(words)), ...);
  }
  /// A PHYS32_ENTRY note as QEMU likes it best: 4 bytes in class 32, 8 in class 64.
  constexpr void entry_note(uint32_t paddr) {
    if (is_64)
      note("Xen", pvhboot::xen_note::phys32_entry, paddr, 0u);
    else
      note("Xen", pvhboot::xen_note::phys32_entry, paddr);
  }
  /// A PT_NOTE, or an SHT_NOTE, of the notes since the last one.
  constexpr program_header& note_segment(uint64_t align = 4) {
    program_header& p = add(pvhboot::segment_type::note, notes_begin, notes_end - notes_begin);
    set(p.p_align, align);
    notes_begin = notes_end;
    return p;
  }
  constexpr section_header& note_section(pvhboot::section_type type = pvhboot::section_type::note, uint64_t align = 4) {
    section_header& s = shdrs[shnum++];
    s.sh_type = type;
    set(s.sh_offset, notes_begin);
    set(s.sh_size, notes_end - notes_begin);
    set(s.sh_addralign, align);
    notes_begin = notes_end;
    return s;
  }

  /// 0x80 bytes of code at 1 MiB, of 0x100 in memory; data above them and a bss; an entry note for 0x100010.
  constexpr elf_builder& usual() {
    load(0x100000, 0x80, 0x100);
    load(0x100200, 0x40, 0x40, rw);
    load(0x100300, 0, 0x80, rw);
    entry_note(0x100010);
    note_segment();
    return *this;
  }

  /// The file. Numbers of headers are set unless a test has set others.
  [[nodiscard]] constexpr memory<file_size> written() const {
    memory<file_size> f{.base = 0, .contents = bytes};
    file_header h = header;
    if (h.e_phnum.get() == 0) h.e_phnum = static_cast<uint16_t>(phnum);
    if (h.e_shnum.get() == 0 && shnum != 0) h.e_shnum = static_cast<uint16_t>(shnum);
    f.put(0, h);
    for (size_t i = 0; i < phnum; ++i) f.put(phoff + i * sizeof(program_header), phdrs[i]);
    for (size_t i = 0; i < shdrs.size(); ++i) f.put(shoff + i * sizeof(section_header), shdrs[i]);
    return f;
  }
};

/// N bytes of guest memory, all 0xee at first.
template <size_t N> struct guest_memory {
  uint64_t base = 0x100000;
  uint8_t bytes[N]{};

  constexpr guest_memory() {
    for (uint8_t& b : bytes) b = 0xee;
  }
  [[nodiscard]] constexpr pvhboot::writable_window window() { return {base, bytes}; }
  /// Every byte of [from, to) is `value`, or, if value is 0x100, 1, 2, 3, …
  [[nodiscard]] constexpr bool holds(size_t from, size_t to, unsigned value) const {
    for (size_t i = from; i < to; ++i)
      if (bytes[i] != (value == 0x100 ? i - from + 1 : value)) return false;
    return true;
  }
  /// The usual image was loaded at `at`, and nothing else was written.
  [[nodiscard]] constexpr bool has_usual_image(size_t at) const {
    return holds(0, at, 0xee) && holds(at, at + 0x80, 0x100) && holds(at + 0x80, at + 0x100, 0) &&
           holds(at + 0x100, at + 0x200, 0xee) && holds(at + 0x200, at + 0x240, 0x100) &&
           holds(at + 0x240, at + 0x300, 0xee) && holds(at + 0x300, at + 0x380, 0) && holds(at + 0x380, N, 0xee);
  }
};

/// Whether test(builder) holds for both classes.
template <class Test> constexpr bool in_both_classes(const Test& test) {
  return test(elf_builder<elf32_structs>{}) && test(elf_builder<elf64_structs>{});
}

/// What parse_elf makes of the usual file of each class after `change`: the same failure.
template <class Change> constexpr bool both_refuse(const Change& change, errc code, uint64_t where) {
  return in_both_classes([&](auto b) {
    b.usual();
    change(b);
    auto file = b.written();
    return fails(pvhboot::parse_elf(file.contents), code, where);
  });
}

}  // namespace test
