// SPDX-License-Identifier: BSL-1.0
//
// An ELF kernel file, checked. Source: System V ABI, "Object Files", chapters 4 and 5.
//
//     const auto image = pvhboot::parse_elf(file);
//     if (!image) return image.error();
//     for (const pvhboot::elf_segment& s : image->segments()) …          // load_image (elf/load.hpp) loads them
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

/// The structures of one ELF class. Their members have the same names.
struct elf32_structs {
  using file_header = abi::Elf32_Ehdr;
  using program_header = abi::Elf32_Phdr;
  using section_header = abi::Elf32_Shdr;
};
struct elf64_structs {
  using file_header = abi::Elf64_Ehdr;
  using program_header = abi::Elf64_Phdr;
  using section_header = abi::Elf64_Shdr;
};

/// A program header as a value, of either class.
struct elf_segment {
  segment_type type{};
  uint32_t flags = 0;   ///< segment_flags
  uint64_t offset = 0;  ///< in the file
  uint64_t vaddr = 0;
  uint64_t paddr = 0;   ///< where a PVH loader puts it
  uint64_t filesz = 0;  ///< bytes in the file
  uint64_t memsz = 0;   ///< bytes in memory; those past filesz are zero
  uint64_t align = 0;

  template <class Phdr> static constexpr elf_segment from(const Phdr& p) noexcept {
    return {segment_type{p.p_type.get()},
            p.p_flags.get(),
            p.p_offset.get(),
            p.p_vaddr.get(),
            p.p_paddr.get(),
            p.p_filesz.get(),
            p.p_memsz.get(),
            p.p_align.get()};
  }

  /// The byte at this physical address belongs to it.
  [[__nodiscard__]] constexpr bool contains(uint64_t a) const noexcept { return a >= paddr && a - paddr < memsz; }
  [[__nodiscard__]] constexpr bool executable() const noexcept { return (flags & segment_flags::execute) != 0; }
};

/// What matters of a section header as a value, of either class.
struct elf_section {
  section_type type{};
  uint64_t offset = 0;  ///< in the file
  uint64_t size = 0;    ///< bytes; the number of section headers in section 0, if e_shnum cannot hold it
  uint64_t align = 0;
  uint32_t info = 0;  ///< the number of program headers in section 0, if e_phnum cannot hold it

  template <class Shdr> static constexpr elf_section from(const Shdr& s) noexcept {
    return {section_type{s.sh_type.get()}, s.sh_offset.get(), s.sh_size.get(), s.sh_addralign.get(), s.sh_info.get()};
  }
};

/// An ELF file that parse_elf accepted. It refers to the file, and copies what was checked.
class elf_image {
 public:
  /// Loadable segments that are kept. Linux has four, and no kernel is known to have ten.
  static constexpr size_t max_segments = 32;

  [[__nodiscard__]] constexpr pvhboot::elf_class file_class() const noexcept { return class_; }
  [[__nodiscard__]] constexpr elf_machine machine() const noexcept { return machine_; }
  [[__nodiscard__]] constexpr elf_type type() const noexcept { return type_; }
  /// e_entry: the entry without PVH. A PVH loader enters where a note says, find_phys32_entry.
  [[__nodiscard__]] constexpr uint64_t entry() const noexcept { return entry_; }
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
  template <class Part> [[__nodiscard__]] constexpr span<const uint8_t> contents_of(const Part& part) const noexcept {
    uint64_t n = 0;
    if constexpr (requires { part.filesz; })
      n = part.filesz;
    else
      n = part.size;
    if (part.offset > file_.size()) return {};
    const span<const uint8_t> rest = file_.after(static_cast<size_t>(part.offset));
    return n < rest.size() ? rest.first(static_cast<size_t>(n)) : rest;
  }

  /// [base, base + size) is the least range of physical memory that holds every segment.
  [[__nodiscard__]] constexpr uint64_t base() const noexcept { return base_; }
  [[__nodiscard__]] constexpr uint64_t size() const noexcept { return end_ - base_; }
  /// The largest p_align of a loadable segment; 0 if none has one.
  [[__nodiscard__]] constexpr uint64_t alignment() const noexcept { return alignment_; }

  /// Program header i as the file has it now, unchecked; i is below program_headers().
  [[__nodiscard__]] constexpr elf_segment program_header(uint64_t i) const noexcept {
    const uint8_t* p = file_.data() + static_cast<size_t>(program_header_offset(i));
    return is_64() ? elf_segment::from(load_once<abi::Elf64_Phdr>(p))
                   : elf_segment::from(load_once<abi::Elf32_Phdr>(p));
  }
  [[__nodiscard__]] constexpr uint64_t program_headers() const noexcept { return phnum_; }
  [[__nodiscard__]] constexpr uint64_t program_header_offset(uint64_t i) const noexcept {
    return phoff_ + i * (is_64() ? sizeof(abi::Elf64_Phdr) : sizeof(abi::Elf32_Phdr));
  }
  /// Section header i as the file has it now, unchecked; i is below section_headers().
  [[__nodiscard__]] constexpr elf_section section_header(uint64_t i) const noexcept {
    const uint8_t* p = file_.data() + static_cast<size_t>(section_header_offset(i));
    return is_64() ? elf_section::from(load_once<abi::Elf64_Shdr>(p))
                   : elf_section::from(load_once<abi::Elf32_Shdr>(p));
  }
  /// 0 if there are none, or if they do not lie in the file: sections_outside().
  [[__nodiscard__]] constexpr uint64_t section_headers() const noexcept { return sections_outside_ ? 0 : shnum_; }
  [[__nodiscard__]] constexpr uint64_t section_header_offset(uint64_t i) const noexcept {
    return shoff_ + i * (is_64() ? sizeof(abi::Elf64_Shdr) : sizeof(abi::Elf32_Shdr));
  }
  [[__nodiscard__]] constexpr bool sections_outside() const noexcept { return sections_outside_; }

 private:
  friend constexpr result<elf_image> parse_elf(span<const uint8_t> file) noexcept;

  constexpr explicit elf_image(span<const uint8_t> file) noexcept : file_(file) {}
  [[__nodiscard__]] constexpr bool is_64() const noexcept { return class_ == pvhboot::elf_class::elf64; }
  /// A table of n entries at this offset lies in the file. More entries than bytes do not, so the product cannot wrap.
  [[__nodiscard__]] constexpr bool holds(uint64_t offset, uint64_t n, size_t entry_size) const noexcept {
    return offset <= file_.size() && n <= file_.size() && n * entry_size <= file_.size() - offset;
  }

  template <class Structs> constexpr result<void> read_file_header() noexcept;
  constexpr result<void> read_segments() noexcept;

  span<const uint8_t> file_;
  pvhboot::elf_class class_{};
  elf_type type_{};
  elf_machine machine_{};
  bool sections_outside_ = false;
  uint64_t entry_ = 0;
  uint64_t phoff_ = 0;
  uint64_t phnum_ = 0;
  uint64_t shoff_ = 0;
  uint64_t shnum_ = 0;
  uint64_t base_ = ~uint64_t{};
  uint64_t end_ = 0;
  uint64_t alignment_ = 0;
  size_t count_ = 0;
  array<elf_segment, max_segments> segments_{};
};

template <class Structs> constexpr result<void> elf_image::read_file_header() noexcept {
  using file_header = typename Structs::file_header;
  if (file_.size() < sizeof(file_header)) return {errc::elf_too_short, file_.size()};
  const auto h = load_once<file_header>(file_.data());
  type_ = elf_type{h.e_type.get()};
  machine_ = elf_machine{h.e_machine.get()};
  entry_ = h.e_entry.get();
  if (machine_ != elf_machine::intel_386 && machine_ != elf_machine::x86_64)
    return {errc::elf_bad_machine, h.e_machine.get()};

  shoff_ = h.e_shoff.get();
  shnum_ = shoff_ != 0 ? h.e_shnum.get() : 0u;
  const bool has_section_0 = shoff_ != 0 && h.e_shentsize.get() == sizeof(typename Structs::section_header) &&
                             holds(shoff_, 1, sizeof(typename Structs::section_header));
  // Numbers that do not fit their 16 bits are in section header 0.
  const elf_section section_0 = has_section_0 ? section_header(0) : elf_section{};
  if (has_section_0 && shnum_ == 0) shnum_ = section_0.size;
  sections_outside_ =
      shoff_ != 0 && (!has_section_0 || !holds(shoff_, shnum_, sizeof(typename Structs::section_header)));

  phoff_ = h.e_phoff.get();
  phnum_ = phoff_ != 0 ? h.e_phnum.get() : 0u;
  if (phnum_ == 0) return {};
  if (h.e_phentsize.get() != sizeof(typename Structs::program_header))
    return {errc::elf_bad_phentsize, h.e_phentsize.get()};
  if (phnum_ == abi::elf_phnum_extended) {
    if (!has_section_0) return {errc::elf_bad_phnum, shoff_};
    phnum_ = section_0.info;
  }
  if (!holds(phoff_, phnum_, sizeof(typename Structs::program_header))) return {errc::elf_phdrs_outside, phoff_};
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

/// Checks an ELF kernel for x86; the rules are at the head of this file. Linear in the number of program headers.
constexpr result<elf_image> parse_elf(span<const uint8_t> file) noexcept {
  using ident_bytes = array<uint8_t, abi::elf_ident_size>;
  if (file.size() < sizeof(ident_bytes)) return {errc::elf_too_short, file.size()};
  const auto ident = load_once<ident_bytes>(file.data());
  if (load<le32>(ident.data()).get() != abi::elf_magic) return {errc::elf_no_magic, 0};
  elf_image image{file};
  image.class_ = elf_class{ident[abi::elf_ident_class]};
  if (image.class_ != elf_class::elf32 && image.class_ != elf_class::elf64)
    return {errc::elf_bad_class, abi::elf_ident_class};
  if (elf_data{ident[abi::elf_ident_data]} != elf_data::lsb) return {errc::elf_not_little_endian, abi::elf_ident_data};
  auto done = image.is_64() ? image.read_file_header<elf64_structs>() : image.read_file_header<elf32_structs>();
  if (done) done = image.read_segments();
  if (!done) return done.error();
  return image;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
