// SPDX-License-Identifier: BSL-1.0
//
// The part of ELF that a loader needs to find an entry note and to load a kernel.
// Source: System V ABI, "Object Files" (gABI), chapters 4 and 5. Member names as in <elf.h>.
//
// The linker writes it; the toolstack, hypervisor or VMM that loads the kernel reads it. Little-endian only: x86 has no
// other, and elf_data shows that a file is big-endian before any of these fields is read.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/le.hpp>

namespace pvhboot {

/// e_ident[abi::elf_ident_class].
enum class elf_class : uint8_t {
  none = 0,   ///< ELFCLASSNONE
  elf32 = 1,  ///< ELFCLASS32
  elf64 = 2,  ///< ELFCLASS64
};

/// e_ident[abi::elf_ident_data].
enum class elf_data : uint8_t {
  none = 0,  ///< ELFDATANONE
  lsb = 1,   ///< ELFDATA2LSB
  msb = 2,   ///< ELFDATA2MSB
};

/// e_type (ET_*).
enum class elf_type : uint16_t {
  none = 0,  ///< ET_NONE
  rel = 1,   ///< ET_REL
  exec = 2,  ///< ET_EXEC
  dyn = 3,   ///< ET_DYN: position-independent executables too
  core = 4,  ///< ET_CORE
};

/// e_machine (EM_*). CloudHv firmware is a 64-bit file for intel_386.
enum class elf_machine : uint16_t {
  none = 0,       ///< EM_NONE
  intel_386 = 3,  ///< EM_386
  x86_64 = 62,    ///< EM_X86_64
};

/// p_type (PT_*).
enum class segment_type : uint32_t {
  null = 0,     ///< PT_NULL
  load = 1,     ///< PT_LOAD
  dynamic = 2,  ///< PT_DYNAMIC
  interp = 3,   ///< PT_INTERP
  note = 4,     ///< PT_NOTE
  shlib = 5,    ///< PT_SHLIB
  phdr = 6,     ///< PT_PHDR
  tls = 7,      ///< PT_TLS
};

/// Bits of p_flags (PF_*).
namespace segment_flags {
inline constexpr uint32_t execute = 1u << 0;  ///< PF_X
inline constexpr uint32_t write = 1u << 1;    ///< PF_W
inline constexpr uint32_t read = 1u << 2;     ///< PF_R
}  // namespace segment_flags

/// sh_type (SHT_*).
enum class section_type : uint32_t {
  null = 0,      ///< SHT_NULL
  progbits = 1,  ///< SHT_PROGBITS: GRUB's note section says so, though a note it is
  symtab = 2,    ///< SHT_SYMTAB
  strtab = 3,    ///< SHT_STRTAB
  rela = 4,      ///< SHT_RELA
  hash = 5,      ///< SHT_HASH
  dynamic = 6,   ///< SHT_DYNAMIC
  note = 7,      ///< SHT_NOTE
  nobits = 8,    ///< SHT_NOBITS
  rel = 9,       ///< SHT_REL
  shlib = 10,    ///< SHT_SHLIB
  dynsym = 11,   ///< SHT_DYNSYM
};

/// Bits of sh_flags (SHF_*).
namespace section_flags {
inline constexpr uint32_t write = 1u << 0;      ///< SHF_WRITE
inline constexpr uint32_t alloc = 1u << 1;      ///< SHF_ALLOC
inline constexpr uint32_t execinstr = 1u << 2;  ///< SHF_EXECINSTR
}  // namespace section_flags

namespace abi {

inline constexpr uint32_t elf_magic = 0x464c457f;       ///< ELFMAG: 0x7f "ELF", the first four bytes of e_ident
inline constexpr size_t elf_ident_class = 4;            ///< EI_CLASS
inline constexpr size_t elf_ident_data = 5;             ///< EI_DATA
inline constexpr size_t elf_ident_version = 6;          ///< EI_VERSION
inline constexpr size_t elf_ident_size = 16;            ///< EI_NIDENT
inline constexpr uint8_t elf_version_current = 1;       ///< EV_CURRENT
inline constexpr uint16_t elf_phnum_extended = 0xffff;  ///< PN_XNUM: the count is in sh_info of section 0

/// The ELF header of class 32. Source: System V ABI, "ELF Header".
struct Elf32_Ehdr {
  array<uint8_t, elf_ident_size> e_ident{};  ///< magic, class, byte order and version: elf_ident_*
  le<elf_type> e_type{};                     ///< kind of the file
  le<elf_machine> e_machine{};               ///< architecture
  le32 e_version{};                          ///< elf_version_current
  le32 e_entry{};                            ///< virtual address of the entry; 0: none
  le32 e_phoff{};                            ///< file offset of Elf32_Phdr[e_phnum]; 0 if none
  le32 e_shoff{};                            ///< file offset of Elf32_Shdr[e_shnum]; 0 if none
  le32 e_flags{};                            ///< of the architecture; 0 on x86
  le16 e_ehsize{};                           ///< bytes of this header
  le16 e_phentsize{};                        ///< bytes of a program header
  le16 e_phnum{};      ///< number of program headers; elf_phnum_extended: section header 0 has it in sh_info
  le16 e_shentsize{};  ///< bytes of a section header
  le16 e_shnum{};      ///< number of section headers; 0 with an e_shoff: section header 0 has it in sh_size
  le16 e_shstrndx{};   ///< index of the section that has the sections' names
};
static_assert(sizeof(Elf32_Ehdr) == 52 && alignof(Elf32_Ehdr) == 1 && offsetof(Elf32_Ehdr, e_phoff) == 28);

/// The ELF header of class 64.
struct Elf64_Ehdr {
  array<uint8_t, elf_ident_size> e_ident{};
  le<elf_type> e_type{};
  le<elf_machine> e_machine{};
  le32 e_version{};
  le64 e_entry{};
  le64 e_phoff{};  ///< file offset of Elf64_Phdr[e_phnum]; 0 if none
  le64 e_shoff{};  ///< file offset of Elf64_Shdr[e_shnum]; 0 if none
  le32 e_flags{};
  le16 e_ehsize{};
  le16 e_phentsize{};
  le16 e_phnum{};
  le16 e_shentsize{};
  le16 e_shnum{};
  le16 e_shstrndx{};
};
static_assert(sizeof(Elf64_Ehdr) == 64 && alignof(Elf64_Ehdr) == 1 && offsetof(Elf64_Ehdr, e_phoff) == 32);

/// A program header of class 32. Source: System V ABI, "Program Header".
struct Elf32_Phdr {
  le<segment_type> p_type{};  ///< kind of the segment
  le32 p_offset{};            ///< offset in the file
  le32 p_vaddr{};             ///< virtual address
  le32 p_paddr{};             ///< where a PVH loader puts it
  le32 p_filesz{};            ///< bytes in the file
  le32 p_memsz{};             ///< bytes in memory; those past p_filesz are zero
  le32 p_flags{};             ///< segment_flags
  le32 p_align{};             ///< real notes say 0, 4 or 8
};
static_assert(sizeof(Elf32_Phdr) == 32 && alignof(Elf32_Phdr) == 1 && offsetof(Elf32_Phdr, p_paddr) == 12);

/// The 64-bit form has its flags further up.
struct Elf64_Phdr {
  le<segment_type> p_type{};
  le32 p_flags{};  ///< segment_flags
  le64 p_offset{};
  le64 p_vaddr{};
  le64 p_paddr{};  ///< where a PVH loader puts it
  le64 p_filesz{};
  le64 p_memsz{};
  le64 p_align{};  ///< real notes say 0, 4 or 8
};
static_assert(sizeof(Elf64_Phdr) == 56 && alignof(Elf64_Phdr) == 1 && offsetof(Elf64_Phdr, p_paddr) == 24);

/// A section header of class 32. Source: System V ABI, "Sections".
struct Elf32_Shdr {
  le32 sh_name{};              ///< offset of its name in the section of names
  le<section_type> sh_type{};  ///< kind of the section
  le32 sh_flags{};             ///< section_flags
  le32 sh_addr{};              ///< virtual address; 0 if it is not in memory
  le32 sh_offset{};            ///< offset in the file
  le32 sh_size{};              ///< bytes
  le32 sh_link{};              ///< index of another section, by the type
  le32 sh_info{};              ///< by the type
  le32 sh_addralign{};         ///< a power of two; 0 and 1: none
  le32 sh_entsize{};           ///< bytes of an entry, if the section is a table
};
static_assert(sizeof(Elf32_Shdr) == 40 && alignof(Elf32_Shdr) == 1 && offsetof(Elf32_Shdr, sh_offset) == 16);

/// A section header of class 64.
struct Elf64_Shdr {
  le32 sh_name{};
  le<section_type> sh_type{};
  le64 sh_flags{};  ///< section_flags
  le64 sh_addr{};
  le64 sh_offset{};
  le64 sh_size{};
  le32 sh_link{};
  le32 sh_info{};
  le64 sh_addralign{};
  le64 sh_entsize{};
};
static_assert(sizeof(Elf64_Shdr) == 64 && alignof(Elf64_Shdr) == 1 && offsetof(Elf64_Shdr, sh_offset) == 24);

/// Head of a note: name, then descriptor follow, each padded to 4 bytes. The gABI once asked for 8 in 64-bit files, and
/// GNU property notes do it; everything of Xen's uses 4.
struct Elf32_Nhdr {
  le32 n_namesz{};  ///< bytes, with the NUL
  le32 n_descsz{};  ///< bytes
  le32 n_type{};    ///< of the namespace that the name gives: xen_note for "Xen"
};
static_assert(sizeof(Elf32_Nhdr) == 12 && alignof(Elf32_Nhdr) == 1);

/// Three 32-bit words in 64-bit files as well.
using Elf64_Nhdr = Elf32_Nhdr;

}  // namespace abi
}  // namespace pvhboot

#include <pvhboot/abi/end.def>
