// SPDX-License-Identifier: BSL-1.0
//
// An ELF kernel file, checked. Source: System V ABI, "Object Files", chapters 4 and 5.
//
//     const auto image = pvhboot::parse_elf(file);
//     if (!image) return image.error();
//     for (const pvhboot::elf_segment& s : image->segments()) use(s);   // load_image (elf/load.hpp) loads them
//
// parse_elf reads the ELF header and every program header once and keeps what it checked, so a file that changes
// meanwhile changes bytes of the image, never an extent. It fails with
// - elf_too_short, elf_no_magic, elf_bad_class, elf_not_little_endian, elf_bad_machine for the ELF header;
// - elf_bad_phentsize, elf_bad_phnum, elf_phdrs_outside for the table of program headers;
// - elf_segment_too_small, elf_segment_outside, elf_segment_wraps for one PT_LOAD, elf_segments_overlap for two;
// - elf_nothing_to_load, elf_too_many_segments.
//
// Not an error, because images that ship have it and loaders take it: a class that contradicts the machine (edk2's
// CloudHv is of class 64 for EM_386), any e_type and e_version, segments out of order, a p_align of 0, section headers
// that do not lie in the file. A PT_LOAD without bytes in memory is left out. Flags matter nowhere here; Xen skips a
// PT_LOAD that is neither readable, writable nor executable.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/elf.hpp>
#include <pvhboot/core/memory.hpp>
#include <pvhboot/core/result.hpp>

namespace pvhboot {

/// Reads the fields of an ELF structure in order, each once: the one place where the classes differ. Addresses, offsets
/// and sizes have 4 bytes in class 32 and 8 in class 64.
class elf_fields {
 public:
  /// From p on, which has the whole structure.
  constexpr elf_fields(const uint8_t* p, bool is_64) noexcept : p_(p), is_64_(is_64) {}

  /// Whether it is of class 64.
  [[__nodiscard__]] constexpr bool is_64() const noexcept { return is_64_; }
  /// The next 2 bytes.
  constexpr uint16_t half() noexcept {
    skip(2);
    return load_once<le16>(p_ - 2).get();
  }
  /// The next 4 bytes.
  constexpr uint32_t word() noexcept {
    skip(4);
    return load_once<le32>(p_ - 4).get();
  }
  /// The next 4 or 8 bytes.
  constexpr uint64_t address() noexcept {
    if (!is_64_) return word();
    skip(8);
    return load_once<le64>(p_ - 8).get();
  }
  /// Passes n bytes.
  constexpr void skip(size_t n) noexcept { p_ += n; }

 private:
  const uint8_t* p_;
  bool is_64_;
};

/// What matters of the ELF header as a value, of either class.
struct elf_file_header {
  elf_type type{};         ///< kind of the file
  elf_machine machine{};   ///< architecture
  uint64_t entry = 0;      ///< e_entry, a virtual address
  uint64_t phoff = 0;      ///< offset of the program headers
  uint64_t shoff = 0;      ///< offset of the section headers
  uint32_t phentsize = 0;  ///< bytes of a program header
  uint32_t phnum = 0;      ///< number of program headers
  uint32_t shentsize = 0;  ///< bytes of a section header
  uint32_t shnum = 0;      ///< number of section headers

  /// Reads the header from its first byte on.
  static constexpr elf_file_header from(elf_fields f) noexcept {
    elf_file_header h;
    f.skip(abi::elf_ident_size);
    h.type = elf_type{f.half()};
    h.machine = elf_machine{f.half()};
    f.skip(4);  // e_version
    h.entry = f.address();
    h.phoff = f.address();
    h.shoff = f.address();
    f.skip(4 + 2);  // e_flags, e_ehsize
    h.phentsize = f.half();
    h.phnum = f.half();
    h.shentsize = f.half();
    h.shnum = f.half();
    return h;
  }
};

/// A program header as a value, of either class.
struct elf_segment {
  segment_type type{};  ///< kind of the segment
  uint32_t flags = 0;   ///< segment_flags
  uint64_t offset = 0;  ///< in the file
  uint64_t vaddr = 0;   ///< virtual address
  uint64_t paddr = 0;   ///< where a PVH loader puts it
  uint64_t filesz = 0;  ///< bytes in the file
  uint64_t memsz = 0;   ///< bytes in memory; those past filesz are zero
  uint64_t align = 0;   ///< p_align

  /// Reads a program header from its first byte on.
  static constexpr elf_segment from(elf_fields f) noexcept {
    elf_segment s;
    s.type = segment_type{f.word()};
    if (f.is_64()) s.flags = f.word();
    s.offset = f.address();
    s.vaddr = f.address();
    s.paddr = f.address();
    s.filesz = f.address();
    s.memsz = f.address();
    if (!f.is_64()) s.flags = f.word();
    s.align = f.address();
    return s;
  }

  /// The byte at this physical address belongs to it.
  [[__nodiscard__]] constexpr bool contains(uint64_t a) const noexcept { return a >= paddr && a - paddr < memsz; }
  /// Its flags have segment_flags::execute.
  [[__nodiscard__]] constexpr bool executable() const noexcept { return (flags & segment_flags::execute) != 0; }
};

/// What matters of a section header as a value, of either class.
struct elf_section {
  section_type type{};  ///< kind of the section
  uint64_t offset = 0;  ///< in the file
  uint64_t size = 0;    ///< bytes; the number of section headers in section 0, if e_shnum cannot hold it
  uint32_t info = 0;    ///< the number of program headers in section 0, if e_phnum cannot hold it
  uint64_t align = 0;   ///< sh_addralign

  /// Reads a section header from its first byte on.
  static constexpr elf_section from(elf_fields f) noexcept {
    elf_section s;
    f.skip(4);  // sh_name
    s.type = section_type{f.word()};
    (void)f.address();  // sh_flags
    (void)f.address();  // sh_addr
    s.offset = f.address();
    s.size = f.address();
    f.skip(4);  // sh_link
    s.info = f.word();
    s.align = f.address();
    return s;
  }
};

/// An ELF file that parse_elf accepted. It refers to the file, and copies what was checked.
class elf_image {
 public:
  /// Loadable segments that are kept. Linux has four, and no kernel is known to have ten.
  static constexpr size_t max_segments = 32;

  /// The class of the file.
  [[__nodiscard__]] constexpr elf_class file_class() const noexcept {
    return is_64_ ? elf_class::elf64 : elf_class::elf32;
  }
  /// The architecture of the file.
  [[__nodiscard__]] constexpr elf_machine machine() const noexcept { return header_.machine; }
  /// The kind of the file.
  [[__nodiscard__]] constexpr elf_type type() const noexcept { return header_.type; }
  /// e_entry: the entry without PVH. A PVH loader enters where a note says, find_phys32_entry.
  [[__nodiscard__]] constexpr uint64_t entry() const noexcept { return header_.entry; }
  /// The whole file.
  [[__nodiscard__]] constexpr span<const uint8_t> file() const noexcept { return file_; }

  /// The segments to load, PT_LOAD with bytes in memory, in the file's order.
  [[__nodiscard__]] constexpr span<const elf_segment> segments() const& noexcept { return {segments_.data(), count_}; }
  span<const elf_segment> segments() const&& = delete;  // refers to this object
  /// The segment with the byte at this physical address, or null.
  [[__nodiscard__]] constexpr const elf_segment* segment_at(uint64_t paddr) const& noexcept {
    for (const elf_segment& s : segments())
      if (s.contains(paddr)) return &s;
    return nullptr;
  }
  const elf_segment* segment_at(uint64_t paddr) const&& = delete;
  /// The bytes that the file has of a segment or section, as far as they lie in the file.
  [[__nodiscard__]] constexpr span<const uint8_t> contents_of(const elf_segment& s) const noexcept {
    return part(s.offset, s.filesz);
  }
  [[__nodiscard__]] constexpr span<const uint8_t> contents_of(const elf_section& s) const noexcept {
    return part(s.offset, s.size);
  }

  /// [base, base + size) is the least range of physical memory that holds every segment.
  [[__nodiscard__]] constexpr uint64_t base() const noexcept { return base_; }
  [[__nodiscard__]] constexpr uint64_t size() const noexcept { return end_ - base_; }
  /// The largest p_align of a loadable segment; 0 if none has one.
  [[__nodiscard__]] constexpr uint64_t alignment() const noexcept { return alignment_; }

  /// Program header i as the file has it now, unchecked; i is below program_headers().
  [[__nodiscard__]] constexpr elf_segment program_header(uint64_t i) const noexcept {
    return elf_segment::from({at(program_header_offset(i)), is_64_});
  }
  /// The number of program headers.
  [[__nodiscard__]] constexpr uint64_t program_headers() const noexcept { return phnum_; }
  /// The offset of program header i in the file.
  [[__nodiscard__]] constexpr uint64_t program_header_offset(uint64_t i) const noexcept {
    return header_.phoff + i * size_of(sizeof(abi::Elf32_Phdr), sizeof(abi::Elf64_Phdr));
  }
  /// Section header i as the file has it now, unchecked; i is below section_headers().
  [[__nodiscard__]] constexpr elf_section section_header(uint64_t i) const noexcept {
    return elf_section::from({at(section_header_offset(i)), is_64_});
  }
  /// 0 if there are none, or if they do not lie in the file: sections_outside().
  [[__nodiscard__]] constexpr uint64_t section_headers() const noexcept { return sections_outside_ ? 0 : shnum_; }
  /// The offset of section header i in the file.
  [[__nodiscard__]] constexpr uint64_t section_header_offset(uint64_t i) const noexcept {
    return header_.shoff + i * size_of(sizeof(abi::Elf32_Shdr), sizeof(abi::Elf64_Shdr));
  }
  /// The file has section headers, but they do not lie in it.
  [[__nodiscard__]] constexpr bool sections_outside() const noexcept { return sections_outside_; }

 private:
  friend constexpr result<elf_image> parse_elf(span<const uint8_t> file) noexcept;
  friend class result<elf_image>;  // constructs one in place: it has 2 KiB

  constexpr explicit elf_image(span<const uint8_t> file) noexcept : file_(file) {}
  /// What has the first size in class 32, the second in class 64.
  [[__nodiscard__]] constexpr size_t size_of(size_t in_32, size_t in_64) const noexcept {
    return is_64_ ? in_64 : in_32;
  }
  [[__nodiscard__]] constexpr const uint8_t* at(uint64_t offset) const noexcept {
    return file_.data() + narrow_cast<size_t>(offset);
  }
  [[__nodiscard__]] constexpr span<const uint8_t> part(uint64_t offset, uint64_t n) const noexcept {
    if (offset > file_.size()) return {};
    const span<const uint8_t> rest = file_.after(narrow_cast<size_t>(offset));
    return n < rest.size() ? rest.first(narrow_cast<size_t>(n)) : rest;
  }
  /// A table of n entries at this offset lies in the file. More entries than bytes do not, so the product cannot wrap.
  [[__nodiscard__]] constexpr bool holds(uint64_t offset, uint64_t n, size_t entry_size) const noexcept {
    return offset <= file_.size() && n <= file_.size() && n * entry_size <= file_.size() - offset;
  }

  constexpr result<void> read() noexcept;
  constexpr result<void> find_tables() noexcept;
  constexpr result<void> read_segments() noexcept;

  span<const uint8_t> file_;
  bool is_64_ = false;
  bool sections_outside_ = false;
  elf_file_header header_{};
  uint64_t phnum_ = 0;
  uint64_t shnum_ = 0;
  uint64_t base_ = ~uint64_t{};
  uint64_t end_ = 0;
  uint64_t alignment_ = 0;
  size_t count_ = 0;
  array<elf_segment, max_segments> segments_{};
};

/// Finds the numbers of both kinds of headers, and checks that the program headers lie in the file.
constexpr result<void> elf_image::find_tables() noexcept {
  const elf_file_header& h = header_;
  const size_t section_size = size_of(sizeof(abi::Elf32_Shdr), sizeof(abi::Elf64_Shdr));
  const size_t program_size = size_of(sizeof(abi::Elf32_Phdr), sizeof(abi::Elf64_Phdr));
  shnum_ = h.shoff != 0 ? h.shnum : 0u;
  // Numbers that do not fit their 16 bits are in section header 0.
  const bool has_section_0 = h.shoff != 0 && h.shentsize == section_size && holds(h.shoff, 1, section_size);
  const elf_section section_0 = has_section_0 ? section_header(0) : elf_section{};
  if (has_section_0 && shnum_ == 0) shnum_ = section_0.size;
  sections_outside_ = h.shoff != 0 && (!has_section_0 || !holds(h.shoff, shnum_, section_size));

  phnum_ = h.phoff != 0 ? h.phnum : 0u;
  if (phnum_ == 0) return {};
  if (h.phentsize != program_size) return {errc::elf_bad_phentsize, h.phentsize};
  if (phnum_ == abi::elf_phnum_extended) {
    if (!has_section_0) return {errc::elf_bad_phnum, h.shoff};
    phnum_ = section_0.info;
  }
  if (!holds(h.phoff, phnum_, program_size)) return {errc::elf_phdrs_outside, h.phoff};
  return {};
}

constexpr result<void> elf_image::read_segments() noexcept {
  for (uint64_t i = 0; i < phnum_; ++i) {
    const elf_segment s = program_header(i);
    if (s.type != segment_type::load || (s.filesz == 0 && s.memsz == 0)) continue;
    const uint64_t at = program_header_offset(i);
    if (s.memsz < s.filesz) return {errc::elf_segment_too_small, at};
    if (s.filesz != 0 && !holds(s.offset, s.filesz, 1)) return {errc::elf_segment_outside, at};
    if (s.memsz > ~s.paddr) return {errc::elf_segment_wraps, at};
    for (const elf_segment& other : segments()) {
      if (s.contains(other.paddr)) return {errc::elf_segments_overlap, other.paddr};
      if (other.contains(s.paddr)) return {errc::elf_segments_overlap, s.paddr};
    }
    if (count_ == max_segments) return {errc::elf_too_many_segments, max_segments};
    segments_[count_++] = s;
    if (s.paddr < base_) base_ = s.paddr;
    if (s.paddr + s.memsz > end_) end_ = s.paddr + s.memsz;
    if (s.align > alignment_) alignment_ = s.align;
  }
  if (count_ == 0) return {errc::elf_nothing_to_load, phnum_};
  return {};
}

constexpr result<void> elf_image::read() noexcept {
  if (file_.size() < abi::elf_ident_size) return {errc::elf_too_short, file_.size()};
  if (load_once<le32>(file_.data()).get() != abi::elf_magic) return {errc::elf_no_magic, 0};
  const elf_class width{read_once(file_.data() + abi::elf_ident_class)};
  if (width != elf_class::elf32 && width != elf_class::elf64) return {errc::elf_bad_class, abi::elf_ident_class};
  is_64_ = width == elf_class::elf64;
  if (elf_data{read_once(file_.data() + abi::elf_ident_data)} != elf_data::lsb)
    return {errc::elf_not_little_endian, abi::elf_ident_data};
  if (file_.size() < size_of(sizeof(abi::Elf32_Ehdr), sizeof(abi::Elf64_Ehdr)))
    return {errc::elf_too_short, file_.size()};
  header_ = elf_file_header::from({file_.data(), is_64_});
  if (machine() != elf_machine::intel_386 && machine() != elf_machine::x86_64)
    return {errc::elf_bad_machine, static_cast<uint16_t>(machine())};
  if (auto done = find_tables(); !done) return done;
  return read_segments();
}

/// Checks an ELF kernel for x86; the rules are at the head of this file. Linear in the number of program headers.
constexpr result<elf_image> parse_elf(span<const uint8_t> file) noexcept {
  result<elf_image> image{in_place{}, file};
  if (auto done = (*image).read(); !done) image.fail(done.error());
  return image;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
