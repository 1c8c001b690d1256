// SPDX-License-Identifier: BSL-1.0
//
// The memory of a machine in an ELF core: QEMU's dump-guest-memory, virsh dump --memory-only, and what xl dump-core
// writes.
#pragma once

#include <pvhboot/elf/image.hpp>

#include "text_sink.hpp"

namespace tool::document {

inline constexpr uint64_t core_page_size = 4096;

inline void write_ends_above(const text_sink& problem, uint64_t size, uint64_t base) {
  problem.text("a dump of ");
  problem.decimal(size);
  problem.text(" bytes at ");
  problem.hex(base);
  problem.text(" ends above 2^64");
}

/// The part of the file that an entry of a table names, cut at the end of the file.
inline pvhboot::span<const uint8_t> part(pvhboot::span<const uint8_t> file, uint64_t offset, uint64_t n) {
  if (offset > file.size()) return {};
  const uint64_t rest = file.size() - offset;
  return file.after(static_cast<size_t>(offset)).first(static_cast<size_t>(n < rest ? n : rest));
}

/// Entry i of a table of headers, or nothing if it does not lie in the file.
template <class Header>
bool read_entry(pvhboot::span<const uint8_t> file, uint64_t table, uint64_t i, uint64_t size, bool is_64,
                Header& header) {
  if (i > file.size() / size || table > file.size() || (i + 1) * size > file.size() - table) return false;
  header = Header::from({file.data() + table + i * size, is_64});
  return true;
}

/// xl dump-core: pages in one section, their numbers in another. Such files are of class 64. Returns whether the file
/// has these sections.
template <class Add> bool read_xen_sections(pvhboot::span<const uint8_t> file, const Add& add) {
  using section_header = pvhboot::abi::Elf64_Shdr;
  const auto header = pvhboot::load_once<pvhboot::abi::Elf64_Ehdr>(file.data());
  const auto section = [&](uint64_t i) {
    const auto bytes = part(file, header.e_shoff, (i + 1) * sizeof(section_header));
    if (bytes.size() != (i + 1) * sizeof(section_header)) return section_header{};
    return pvhboot::load_once<section_header>(bytes.end() - sizeof(section_header));
  };
  const auto contents_of = [&](const section_header& s) { return part(file, s.sh_offset, s.sh_size); };
  const auto names = contents_of(section(header.e_shstrndx));
  const auto is_named = [&](const section_header& s, const pvhboot::string_ref& name) {
    const auto found = part(names, s.sh_name, name.size() + 1);
    return found.size() == name.size() + 1 && pvhboot::string_ref{found.data(), name.size()} == name &&
           found[name.size()] == 0;
  };
  pvhboot::span<const uint8_t> pages, numbers;
  size_t stride = 0;
  for (uint64_t i = 0; i < header.e_shnum; ++i) {
    const auto s = section(i);
    if (is_named(s, ".xen_pages")) pages = contents_of(s);
    if (is_named(s, ".xen_pfn")) {
      numbers = contents_of(s);
      stride = 8;
    }
    if (is_named(s, ".xen_p2m")) {  // pairs of pfn and gmfn
      numbers = contents_of(s);
      stride = 16;
    }
  }
  if (stride == 0) return false;
  for (size_t i = 0; i < pages.size() / core_page_size && i < numbers.size() / stride; ++i) {
    const uint64_t number = pvhboot::load<pvhboot::le64>(numbers.data() + i * stride).get();
    if (number < ~uint64_t{} / core_page_size)
      add(number * core_page_size, pages.after(i * core_page_size).first(core_page_size));
  }
  return true;
}

/// Calls add(paddr, bytes) for the pieces of memory in the order of the file. Returns the name of the format, or puts a
/// sentence into `problem` and returns an absent text.
template <class Add>
pvhboot::string_ref read_core(pvhboot::span<const uint8_t> file, const Add& add, const text_sink& problem) {
  using namespace pvhboot::abi;
  const bool is_64 = file.size() > 4 && pvhboot::elf_class{file[4]} == pvhboot::elf_class::elf64;
  if (file.size() < (is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr))) {
    problem.text("the ELF header ends outside the file (");
    problem.decimal(file.size());
    problem.text(" bytes)");
    return {};
  }
  const auto header = pvhboot::elf_file_header::from({file.data(), is_64});
  uint64_t segments = header.phnum;
  pvhboot::elf_section section{};
  if (segments == elf_phnum_extended) {  // section 0 has the number in sh_info
    if (!read_entry(file, header.shoff, 0, is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), is_64, section)) {
      problem.text("the number of program headers lies outside the file");
      return {};
    }
    segments = section.info;
  }
  bool any = false;
  for (uint64_t i = 0; i < segments; ++i) {
    pvhboot::elf_segment s;
    if (!read_entry(file, header.phoff, i, is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), is_64, s)) {
      problem.text("program header ");
      problem.decimal(i);
      problem.text(" lies outside the file (offset ");
      problem.hex(header.phoff);
      problem.one(')');
      return {};
    }
    if (s.type != pvhboot::segment_type::load || s.filesz == 0 || s.filesz - 1 > ~s.paddr) continue;
    const auto bytes = part(file, s.offset, s.filesz);
    if (bytes.empty()) continue;
    any = true;
    add(s.paddr, bytes);
  }
  if (any) return "ELF core";
  bool any_page = false;
  const bool is_of_xen =
      is_64 && read_xen_sections(file, [&](uint64_t paddr, const pvhboot::span<const uint8_t>& page) {
        any_page = true;
        add(paddr, page);
      });
  if (is_of_xen && any_page) return "xl dump-core";
  problem.text("this core has no memory of a machine");
  return {};
}

}  // namespace tool::document
