// SPDX-License-Identifier: BSL-1.0
//
// Opt-in: what QEMU, Xen, linux-loader, Cloud Hypervisor and Firecracker do with a kernel image, and why. Their readers
// are modelled with their faults, which docs/pitfalls.md lists as A1 to A29. Source: hw/i386/x86-common.c, multiboot.c
// and elf_ops.h.inc of QEMU; libelf and libxenguest of Xen; src/loader/elf of linux-loader.
//
//     const auto v = pvhboot::explain(file, pvhboot::image_reader::qemu);
//     if (v.outcome != pvhboot::image_outcome::enters) puts(message(v.reason).data());
//
// Every file has a verdict, and nothing is required of it. What the readers check of the guest's memory is not
// modelled: it is taken to be large enough, and free where the image goes. Nor is what Xen makes of the notes FEATURES
// and SUPPORTED_FEATURES, and of PHYS32_RELOC: if the dom0 builder moves an image, it moves the entry with it.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/setup_header.hpp>
#include <pvhboot/pvh/image_reason.hpp>
#include <pvhboot/pvh/phys32_note.hpp>

namespace pvhboot {

/// What is known about the reader beside the image.
struct explain_options {
  uint64_t shift = 0;  ///< how far linux-loader's caller moves the image (kernel_offset)
};

/// A kernel image as its readers see it: fields at offsets, unchecked.
class explained_image {
 public:
  /// The file must outlive this object.
  constexpr explicit explained_image(span<const uint8_t> file) noexcept : file_(file) {}

  /// What QEMU does.
  constexpr image_verdict qemu(bool before_6_0) noexcept;
  /// What Xen's toolstack does, or its dom0 builder.
  constexpr image_verdict xen(bool toolstack) noexcept;
  /// What linux-loader does, and Cloud Hypervisor and Firecracker with it.
  constexpr image_verdict rust_vmm(image_reader who, uint64_t shift) noexcept;

  /// The file has the magic of a setup header.
  [[__nodiscard__]] constexpr bool is_bzimage() const noexcept {
    return has(0x202, 4) && word(0x202) == abi::setup_header_magic;
  }
  /// The payload of a bzImage, as far as it lies in the file.
  [[__nodiscard__]] constexpr span<const uint8_t> payload() const noexcept;

 private:
  /// A note that a reader takes, before it was found out what it says.
  struct taken_note {
    bool found = false;
    bool foreign = false;    ///< its name is not Xen
    bool padded = false;     ///< its descriptor was looked for at another place than where it is
    bool truncated = false;  ///< its address does not fit the entry
    uint64_t value = 0;
  };
  /// What Xen's libelf learns from notes.
  struct xen_words {
    size_t notes = 0;      ///< of any name
    size_t xen_notes = 0;  ///< named Xen
    bool has_entry = false;
    uint64_t entry_size = 0;
    uint64_t entry = 0;
    bool generic_loader = false;
    bool guest_os_linux = false;
    bool version_3 = false;
    [[__nodiscard__]] constexpr bool are_of_pv() const noexcept {
      return (generic_loader || guest_os_linux) && version_3;
    }
  };
  /// Steps of all walks together, a limit for hostile files: Xen has one on notes, the others have none.
  static constexpr size_t max_steps = size_t{1} << 20;

  static constexpr image_verdict refuses(image_reason why) noexcept { return {image_outcome::refuses, why, 0}; }
  static constexpr image_verdict undefined(image_reason why) noexcept { return {image_outcome::undefined, why, 0}; }
  static constexpr image_verdict by_other_protocol(image_reason why, uint64_t entry = 0) noexcept {
    return {image_outcome::other_protocol, why, entry};
  }
  constexpr image_verdict enters(uint64_t entry, const taken_note& note) const noexcept;
  [[__nodiscard__]] constexpr image_reason missing_note() const noexcept;

  [[__nodiscard__]] constexpr bool has(uint64_t at, uint64_t n) const noexcept {
    return at <= file_.size() && n <= file_.size() - at;
  }
  [[__nodiscard__]] constexpr const uint8_t* at(uint64_t offset) const noexcept {
    return file_.data() + narrow_cast<size_t>(offset);
  }
  [[__nodiscard__]] constexpr uint32_t word(uint64_t offset) const noexcept {
    return load_once<le32>(at(offset)).get();
  }
  [[__nodiscard__]] constexpr uint32_t half(uint64_t offset) const noexcept {
    return load_once<le16>(at(offset)).get();
  }
  [[__nodiscard__]] constexpr bool is_elf() const noexcept { return has(0, 4) && word(0) == abi::elf_magic; }
  [[__nodiscard__]] constexpr bool is_little_endian() const noexcept {
    return elf_data{read_once(at(abi::elf_ident_data))} == elf_data::lsb;
  }
  /// The name at this offset is Xen and a NUL.
  [[__nodiscard__]] constexpr bool named_xen(uint64_t offset) const noexcept {
    return has(offset, 4) && word(offset) == 0x006e6558;
  }
  [[__nodiscard__]] constexpr bool begins(uint64_t offset, const string_ref& text) const noexcept {
    if (!has(offset, text.size())) return false;
    for (size_t i = 0; i < text.size(); ++i)
      if (read_once(at(offset + i)) != static_cast<uint8_t>(text[i])) return false;
    return true;
  }

  /// Reads the ELF header as one of this class, if it lies in the file.
  constexpr bool read_header(bool is_64) noexcept {
    is_64_ = is_64;
    if (!has(0, is_64 ? sizeof(abi::Elf64_Ehdr) : sizeof(abi::Elf32_Ehdr))) return false;
    header_ = elf_file_header::from({file_.data(), is_64});
    phdr_size_ = is_64 ? sizeof(abi::Elf64_Phdr) : sizeof(abi::Elf32_Phdr);
    stride_ = phdr_size_;
    return true;
  }
  [[__nodiscard__]] constexpr elf_segment segment(uint32_t i) const noexcept {
    return elf_segment::from({at(header_.phoff + uint64_t{i} * stride_), is_64_});
  }
  /// A segment puts bytes of the file at this address. Xen loads no segment without a flag.
  [[__nodiscard__]] constexpr bool loads(uint64_t paddr) const noexcept {
    for (uint32_t i = 0; i < header_.phnum; ++i) {
      const elf_segment s = segment(i);
      if (s.type == segment_type::load && s.contains(paddr) && paddr - s.paddr < s.filesz && has(s.offset, s.filesz))
        return true;
    }
    return false;
  }
  constexpr bool step() noexcept { return steps_++ < max_steps; }

  [[__nodiscard__]] constexpr image_verdict qemu_multiboot(uint64_t offset) const noexcept;
  [[__nodiscard__]] constexpr uint64_t qemu_padded(uint32_t n, uint64_t align) const noexcept;
  constexpr image_verdict qemu_notes(const elf_segment& s, taken_note& note) noexcept;
  constexpr image_verdict rust_vmm_notes(const elf_segment& s, taken_note& note) noexcept;
  constexpr bool xen_notes(uint64_t from, uint64_t end, xen_words& words) noexcept;
  constexpr void xen_note_at(uint64_t note, xen_words& words) const noexcept;
  [[__nodiscard__]] constexpr bool segments_overlap() noexcept;

  span<const uint8_t> file_;
  bool is_64_ = false;
  uint64_t phdr_size_ = 0;
  uint64_t stride_ = 0;  ///< from one program header to the next
  elf_file_header header_{};
  size_t steps_ = 0;
};

/// The verdict on an entry that the reader uses.
constexpr image_verdict explained_image::enters(uint64_t entry, const taken_note& note) const noexcept {
  const auto verdict = [&](image_reason why) noexcept { return image_verdict{image_outcome::enters, why, entry}; };
  if (note.foreign) return verdict(image_reason::foreign_name);
  if (note.padded) return verdict(image_reason::padded_by_alignment);
  if (note.truncated) return verdict(image_reason::entry_truncated);
  if (!loads(entry)) return verdict(image_reason::entry_outside);
  if (const auto image = parse_elf(file_)) {
    const auto right = find_phys32_entry(*image);
    if (right && right->paddr != entry) return verdict(image_reason::another_note);
  }
  return verdict(image_reason::as_the_note_says);
}

/// Why a reader of segments found no note.
constexpr image_reason explained_image::missing_note() const noexcept {
  const auto image = parse_elf(file_);
  if (!image) return image_reason::no_note;
  bool foreign = false;
  bool in_segment = false;
  bool in_section = false;
  for (const elf_note& n : image_notes{*image}) {
    if (n.type != narrow_cast<uint32_t>(xen_note::phys32_entry)) continue;
    if (!n.is_named("Xen"))
      foreign = true;
    else if (n.origin == note_origin::segment)
      in_segment = true;
    else
      in_section = true;
  }
  if (in_segment) return image_reason::padded_by_alignment;
  if (in_section) return image_reason::note_in_section_only;
  return foreign ? image_reason::foreign_name : image_reason::no_note;
}

/// Bytes of file contents, or where memory of one segment overlaps such bytes of another.
constexpr bool explained_image::segments_overlap() noexcept {
  // QEMU cuts the zeroes of a segment if they overlap another one. What then overlaps is refused.
  const auto overlap = [](uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) noexcept {
    return a < b ? b - a < a_size && b_size != 0 : a - b < b_size;  // a_size is not 0
  };
  const auto size_of = [&](uint32_t i) noexcept {
    const elf_segment s = segment(i);
    if (s.type != segment_type::load) return uint64_t{0};
    for (uint32_t j = 0; s.memsz > s.filesz && j < header_.phnum; ++j) {
      if (!step()) break;
      const elf_segment other = segment(j);
      if (j == i || other.type != segment_type::load) continue;
      if (overlap(s.paddr + s.filesz, s.memsz - s.filesz, other.paddr, other.memsz)) return s.filesz;
    }
    return s.memsz;
  };
  for (uint32_t i = 0; i < header_.phnum; ++i) {
    const uint64_t size = size_of(i);
    if (size == 0) continue;
    for (uint32_t j = 0; j < i; ++j) {
      if (!step()) return false;
      if (segment(j).type != segment_type::load) continue;
      if (overlap(segment(i).paddr, size, segment(j).paddr, size_of(j))) return true;
    }
  }
  return false;
}

/// QEMU probes for multiboot before ELF.
constexpr image_verdict explained_image::qemu_multiboot(uint64_t offset) const noexcept {
  constexpr uint32_t has_addresses = 0x10000;
  if ((word(offset + 4) & has_addresses) != 0)
    return by_other_protocol(image_reason::multiboot, has(offset + 28, 4) ? word(offset + 28) : 0);
  if (has(18, 2) && elf_machine{narrow_cast<uint16_t>(half(18))} == elf_machine::x86_64)
    return refuses(image_reason::multiboot_64);
  return by_other_protocol(image_reason::multiboot, header_.entry);
}

constexpr image_verdict explained_image::qemu(bool before_6_0) noexcept {
  if (is_bzimage()) return by_other_protocol(image_reason::bzimage);
  const bool whole = is_elf() && has(0, abi::elf_ident_size) &&
                     read_header(elf_class{read_once(at(abi::elf_ident_class))} == elf_class::elf64);
  constexpr uint32_t multiboot_magic = 0x1badb002;
  for (uint64_t i = 0; i < 8192 - 48 && has(i, 12); i += 4)
    if (word(i) == multiboot_magic && word(i) + word(i + 4) + word(i + 8) == 0) return qemu_multiboot(i);

  if (!is_elf()) return refuses(image_reason::not_elf);
  if (!whole) return refuses(image_reason::header_cut);
  constexpr uint32_t refused_flags = 0x10004;
  if ((word(is_64_ ? 48 : 36) & refused_flags) != 0) return refuses(image_reason::wrong_flags);
  if (!is_little_endian()) return refuses(image_reason::big_endian);
  if (header_.machine != elf_machine::intel_386 && header_.machine != elf_machine::x86_64)
    return refuses(image_reason::wrong_machine);
  if (!has(header_.phoff, header_.phnum * stride_)) return refuses(image_reason::program_headers_outside);

  taken_note note{};
  for (uint32_t i = 0; i < header_.phnum; ++i) {
    const elf_segment s = segment(i);
    if (s.type == segment_type::load) {
      if (s.filesz > s.memsz) return undefined(image_reason::segment_too_small);  // 7.2 hangs, later ones refuse
      if (s.filesz != 0 && !has(s.offset, s.filesz)) return refuses(image_reason::segment_outside);
    } else if (s.type == segment_type::note && s.filesz != 0) {
      if (!has(s.offset, s.filesz)) return refuses(image_reason::notes_outside);
      if (before_6_0 && !is_64_) return undefined(image_reason::elf32_read_as_elf64);
      const image_verdict broken = qemu_notes(s, note);
      if (broken.outcome != image_outcome::enters) return broken;
    }
  }
  if (!note.found) return refuses(missing_note());
  if (note.value == 0) return refuses(image_reason::entry_unset);
  if (segments_overlap()) return refuses(image_reason::segments_overlap);
  return enters(note.value & 0xffffffff, note);
}

/// (n + align - 1) / align * align in words of the file's class, for an alignment that may be any number but 0. Without
/// a division of 64 bits, which a 32-bit kernel may not have.
constexpr uint64_t explained_image::qemu_padded(uint32_t n, uint64_t align) const noexcept {
  const auto narrow = narrow_cast<uint32_t>(align);
  if (!is_64_) {
    const uint32_t wrapped = (n + narrow - 1) / narrow * narrow;
    return wrapped;
  }
  if (n == 0 || align - 1 > ~uint64_t{n}) return 0;  // the sum wraps
  return align >= n ? align : (uint64_t{(n - 1) / narrow} + 1) * narrow;
}

/// Walks as QEMU does: padded by p_align, and until a single note is larger than the segment.
constexpr image_verdict explained_image::qemu_notes(const elf_segment& s, taken_note& note) noexcept {
  const uint64_t mask = is_64_ ? ~uint64_t{} : 0xffffffff;  // its words are those of the class
  const auto padded = [&](uint32_t n) noexcept { return qemu_padded(n, s.align); };
  uint64_t here = s.offset;
  for (;;) {
    if (!has(here, sizeof(abi::Elf32_Nhdr))) return undefined(image_reason::reads_outside);
    if (!step()) return undefined(image_reason::too_many_notes);
    if (word(here + 8) == narrow_cast<uint32_t>(xen_note::phys32_entry)) break;
    if (s.align == 0) return undefined(image_reason::alignment_zero);
    const uint64_t size = (sizeof(abi::Elf32_Nhdr) + padded(word(here)) + padded(word(here + 4))) & mask;
    if (size > (s.filesz & mask)) return {};
    if (size == 0 || !has(here, size)) return undefined(image_reason::reads_outside);
    here += size;
  }
  if (s.align == 0) return undefined(image_reason::alignment_zero);
  const uint32_t name_size = word(here);
  const uint64_t desc = here + sizeof(abi::Elf32_Nhdr) + padded(name_size);
  if (padded(name_size) > file_.size() || !has(desc, is_64_ ? 8 : 4)) return undefined(image_reason::reads_outside);
  note.found = true;
  note.foreign = name_size != 4 || !named_xen(here + sizeof(abi::Elf32_Nhdr));
  note.padded = padded(name_size) != ((uint64_t{name_size} + 3) & ~uint64_t{3});
  note.value = is_64_ ? load_once<le64>(at(desc)).get() : word(desc);
  note.truncated = word(here + 4) >= 8 && note.value > 0xffffffff;  // of fewer bytes it reads the next note as well
  return {};
}

/// linux-loader, which reads every file with the structures of ELF64.
constexpr image_verdict explained_image::rust_vmm(image_reader who, uint64_t shift) noexcept {
  const bool bare = who == image_reader::linux_loader;
  if (is_bzimage() && !is_elf())
    return bare ? refuses(image_reason::bzimage) : by_other_protocol(image_reason::bzimage);
  if (!read_header(true)) return refuses(is_elf() ? image_reason::header_cut : image_reason::not_elf);
  if (!is_elf()) return refuses(image_reason::not_elf);
  if (!is_little_endian()) return refuses(image_reason::big_endian);
  if (header_.phentsize != phdr_size_)
    return refuses(elf_class{read_once(at(abi::elf_ident_class))} == elf_class::elf32
                       ? image_reason::elf32
                       : image_reason::program_header_size);
  if (header_.phoff < sizeof(abi::Elf64_Ehdr)) return refuses(image_reason::program_headers_in_header);
  constexpr uint64_t high_memory = 0x100000;
  if (!bare && header_.entry < high_memory) return refuses(image_reason::e_entry_too_low);
  if (shift % 0x200000 != 0) return refuses(image_reason::shift_misaligned);
  if (!has(header_.phoff, header_.phnum * stride_)) return refuses(image_reason::program_headers_outside);

  taken_note note{};
  bool earlier = false;
  for (uint32_t i = 0; i < header_.phnum; ++i) {
    const elf_segment s = segment(i);
    if (s.type == segment_type::load && s.filesz != 0) {
      if (!has(s.offset, s.filesz)) return refuses(image_reason::segment_outside);
      if (s.paddr > ~s.memsz || s.paddr + s.memsz > ~shift) return refuses(image_reason::segment_wraps);
    } else if (s.type == segment_type::note && shift == 0) {
      earlier = earlier || note.found;
      note = {};
      const image_verdict broken = rust_vmm_notes(s, note);
      if (broken.outcome != image_outcome::enters) return broken;
    }
  }
  if (shift != 0) return by_other_protocol(image_reason::shifted, header_.entry + shift);
  if (note.found) return enters(note.value, note);
  if (who == image_reader::firecracker) return by_other_protocol(image_reason::linux_64, header_.entry);
  const image_reason why = missing_note();
  return refuses(earlier ? image_reason::later_segment : why);
}

constexpr image_verdict explained_image::rust_vmm_notes(const elf_segment& s, taken_note& note) noexcept {
  for (uint64_t done = 0; done < s.filesz;) {
    if (!has(s.offset + done, sizeof(abi::Elf32_Nhdr))) return refuses(image_reason::notes_outside);
    if (!step()) return undefined(image_reason::too_many_notes);
    const uint64_t here = s.offset + done;
    const uint64_t name_size = word(here);
    const uint64_t desc_size = word(here + 4);
    if (word(here + 8) == narrow_cast<uint32_t>(xen_note::phys32_entry) && name_size == 4) {
      if (!has(here + sizeof(abi::Elf32_Nhdr), 4)) return refuses(image_reason::notes_outside);
      if (named_xen(here + sizeof(abi::Elf32_Nhdr))) {
        if (desc_size < 4) return refuses(image_reason::descriptor_size);
        if (!has(here + 16, 4)) return refuses(image_reason::notes_outside);
        note = {.found = true,
                .truncated = desc_size >= 8 && has(here + 20, 4) && word(here + 20) != 0,
                .value = word(here + 16)};
        return {};
      }
    }
    done += sizeof(abi::Elf32_Nhdr) + ((name_size + 3) & ~uint64_t{3}) + ((desc_size + 3) & ~uint64_t{3});
  }
  return {};
}

/// Xen's libelf, in the toolstack and in the hypervisor.
constexpr image_verdict explained_image::xen(bool toolstack) noexcept {
  if (is_bzimage() && !is_elf()) return {image_outcome::unpacks, image_reason::bzimage_payload, 0};
  if (!is_elf()) return refuses(image_reason::not_elf);
  if (!has(0, abi::elf_ident_size)) return refuses(image_reason::header_cut);
  if (!is_little_endian()) return undefined(image_reason::big_endian);  // it swaps, which this model does not
  if (!read_header(elf_class{read_once(at(abi::elf_ident_class))} == elf_class::elf64))
    return refuses(image_reason::header_cut);
  stride_ = header_.phentsize;
  const uint64_t phnum = header_.phnum;
  if (!has(header_.phoff, phnum * stride_)) return refuses(image_reason::program_headers_outside);
  if (!has(header_.shoff, uint64_t{header_.shnum} * header_.shentsize))
    return refuses(image_reason::section_headers_outside);
  // The last program header may reach past the file if e_phentsize is too small.
  if (phnum != 0 && !has(header_.phoff, (phnum - 1) * stride_ + phdr_size_))
    return undefined(image_reason::program_headers_outside);

  uint64_t low = ~uint64_t{};
  uint64_t high = 0;
  xen_words words{};
  bool at_0 = false;
  for (uint32_t i = 0; i < header_.phnum; ++i) {
    const elf_segment s = segment(i);
    if (s.type == segment_type::load && (s.flags & 7) != 0) {
      if (s.paddr < low) low = s.paddr;
      if (s.paddr + s.memsz > high) high = s.paddr + s.memsz;
    }
    if (s.type != segment_type::note) continue;
    at_0 = at_0 || s.offset == 0;
    if (s.offset != 0 && !xen_notes(s.offset, s.offset + s.filesz, words)) break;
  }
  const uint64_t shdr_size = is_64_ ? sizeof(abi::Elf64_Shdr) : sizeof(abi::Elf32_Shdr);
  const bool in_sections = words.xen_notes == 0;
  for (uint32_t i = 1; in_sections && i < header_.shnum; ++i) {
    const uint64_t offset = header_.shoff + uint64_t{i} * header_.shentsize;
    if (!has(offset, shdr_size)) break;
    const elf_section s = elf_section::from({at(offset), is_64_});
    if (s.type == section_type::note && !xen_notes(s.offset, s.offset + s.size, words)) break;
  }

  constexpr uint64_t unset = 0xffffffff;
  const uint64_t entry = words.entry & 0xffffffff;
  const bool has_entry = words.has_entry && entry != unset;
  const uint64_t used = has_entry ? entry : header_.entry;
  const bool inside = low <= high && used >= low && used <= high;
  if (has_entry && inside)
    return enters(entry, {.found = true, .truncated = words.entry > 0xffffffff, .value = words.entry});
  image_reason why = image_reason::no_note;
  if (low > high)
    why = image_reason::nothing_to_load;
  else if (has_entry)
    why = words.entry_size == 4 || words.entry_size == 8 ? image_reason::entry_outside : image_reason::descriptor_size;
  else if (words.has_entry)
    why = image_reason::entry_unset;
  else if (words.are_of_pv())
    why = image_reason::pv_only;
  else if (at_0)
    why = image_reason::notes_at_0;
  else if (missing_note() == image_reason::foreign_name)
    why = image_reason::foreign_name;
  // libxenguest then tries its loader of firmware, which takes any ELF32 file that the loader of kernels refuses.
  const bool is_kernel = !has_entry && words.are_of_pv() && inside;
  if (toolstack && !is_kernel && !is_64_ && low <= high)
    return {image_outcome::enters, image_reason::firmware, header_.entry};
  return refuses(why);
}

/// Walks one segment or section; false if it stops the whole search.
constexpr bool explained_image::xen_notes(uint64_t from, uint64_t end, xen_words& words) noexcept {
  constexpr uint64_t longest_name = 4096;
  for (uint64_t note = from; note < end;) {
    if (words.notes == max_notes) return false;
    ++words.notes;
    if (!has(note, sizeof(abi::Elf32_Nhdr))) return true;
    const uint64_t name = note + sizeof(abi::Elf32_Nhdr);
    static_assert(longest_name > 4);
    if (named_xen(name)) {
      ++words.xen_notes;
      xen_note_at(note, words);
    }
    const uint32_t name_size = (word(note) + 3) & ~3u;
    const uint32_t desc_size = (word(note + 4) + 3) & ~3u;
    note = name + name_size + desc_size;
  }
  return true;
}

constexpr void explained_image::xen_note_at(uint64_t note, xen_words& words) const noexcept {
  const uint64_t desc = note + sizeof(abi::Elf32_Nhdr) + ((word(note) + 3) & ~3u);
  const uint32_t size = word(note + 4);
  const xen_note type{word(note + 8)};
  if (type == xen_note::loader) words.generic_loader = begins(desc, "generic");
  if (type == xen_note::guest_os) words.guest_os_linux = begins(desc, "linux");
  if (type == xen_note::xen_version) words.version_3 = begins(desc, "xen-3.0");
  if (type != xen_note::phys32_entry) return;
  words.has_entry = true;
  words.entry_size = size;
  words.entry = 0;  // of any other size
  if ((size == 1 || size == 2 || size == 4 || size == 8) && has(desc, size))
    for (uint32_t i = 0; i < size; ++i) words.entry |= uint64_t{read_once(at(desc + i))} << 8 * i;
}

constexpr span<const uint8_t> explained_image::payload() const noexcept {
  constexpr uint64_t setup_sects = 0x1f1, version = 0x206, offset = 0x248, length = 0x24c;
  if (!is_bzimage() || !has(0, length + 4) || half(version) < 0x208) return {};
  const uint64_t sectors = read_once(at(setup_sects));
  const uint64_t from = ((sectors != 0 ? sectors : 4) + 1) * 512 + word(offset);
  if (!has(from, word(length))) return {};
  return {at(from), word(length)};
}

/// What the reader does with this file, and why. Linear in the size of the file, but for segments: up to 2^20 pairs.
constexpr image_verdict explain(span<const uint8_t> file, image_reader who,
                                const explain_options& options = {}) noexcept {
  explained_image image{file};
  switch (who) {
    case image_reader::qemu:
    case image_reader::qemu_before_6_0: return image.qemu(who == image_reader::qemu_before_6_0);
    case image_reader::xen_toolstack:
    case image_reader::xen_dom0: return image.xen(who == image_reader::xen_toolstack);
    case image_reader::linux_loader:
    case image_reader::cloud_hypervisor:
    case image_reader::firecracker:
    default: return image.rust_vmm(who, options.shift);
  }
}

/// The compressed kernel in a bzImage: where a vmlinux comes from. Empty if there is none. Its format:
/// payload_format_of (linux/bzimage.hpp).
constexpr span<const uint8_t> explain_payload(span<const uint8_t> file) noexcept {
  return explained_image{file}.payload();
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
