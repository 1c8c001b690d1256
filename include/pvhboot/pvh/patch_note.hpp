// SPDX-License-Identifier: BSL-1.0
//
// Opt-in: adds, corrects or removes the PHYS32_ENTRY note of an ELF kernel that lies in memory. Stripped files and
// files without sections will do.
//
//     const auto size = pvhboot::set_phys32_entry(ram, file.size(), 0x100000);
//     if (!size) return size.error();           // note_no_room: where is the size that the buffer needs
//     use(ram.first(*size));
//
// set_phys32_entry changes as little as it can, and nothing if the note is right:
// - notes of 4 or 8 bytes in a PT_NOTE get the value, all of them, so that all readers agree; their segment gets a
//   p_align of 4 where that is how its notes are padded (QEMU pads by it);
// - a note in a section only gets a PT_NOTE, and so does a new note;
// - a PT_NOTE takes the place of a PT_NULL if that is the last of the PT_NOTE's (linux-loader heeds the last one), or
//   comes after the program headers if there are zeroes that nothing uses; otherwise the table moves to the end;
// - a note that has another size loses its type, as do all of them in remove_phys32_entry: no byte of the file moves.
//
// set_phys32_entry fails, before it changes a byte, with
// - what parse_elf fails with;
// - phys32_entry_unset, phys32_entry_outside, phys32_entry_not_executable, phys32_entry_zero_filled for the entry;
// - note_no_room, if the buffer ends too early; note_no_header, if there can be no other program header: because their
//   number does not fit e_phnum, or a PT_PHDR says where they are;
// - too_many_notes: no other note would be found, or there are too many entry notes to compare with all else;
// - note_entangled: headers or notes share bytes with each other, notes or section headers reach past the end of a file
//   that must grow, or the change would make readers guess another padding (elf/notes.hpp). No linker writes such
//   files.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/pvh/phys32_note.hpp>

namespace pvhboot {

/// A kernel file in a buffer that may be larger than the file.
class note_patcher {
 public:
  /// The image is that of the first `size` bytes of the buffer, and outlives this object.
  constexpr note_patcher(span<uint8_t> buffer, size_t size, const elf_image& image) noexcept
      : buffer_(buffer), size_(size), image_(&image), wide_(image.file_class() == elf_class::elf64) {}
  note_patcher(span<uint8_t>, size_t, const elf_image&&) = delete;  // refers to the image

  /// Makes the note have this entry. Returns the size of the file then.
  constexpr result<size_t> set(uint32_t entry) const noexcept;
  /// Removes the note. Returns how many there were.
  constexpr result<size_t> remove() const noexcept;

 private:
  /// Where a PT_NOTE goes, and its note.
  struct place {
    uint64_t table = 0;  ///< e_phoff, old or new
    uint64_t index = 0;  ///< of the program header
    uint64_t note = 0;   ///< offset of the note
    uint64_t note_size = 0;
    uint64_t size = 0;    ///< of the file
    bool is_new = false;  ///< the note is to be written
  };

  static constexpr uint64_t round_up(uint64_t n, uint64_t to) noexcept { return (n + to - 1) & ~(to - 1); }
  [[__nodiscard__]] constexpr uint64_t phdr_size() const noexcept {
    return wide_ ? sizeof(abi::Elf64_Phdr) : sizeof(abi::Elf32_Phdr);
  }
  [[__nodiscard__]] constexpr uint8_t* at(uint64_t offset) const noexcept {
    return buffer_.data() + narrow_cast<size_t>(offset);
  }
  [[__nodiscard__]] constexpr bool meets_elf_header(uint64_t offset, uint64_t n) const noexcept {
    return meet(0, wide_ ? sizeof(abi::Elf64_Ehdr) : sizeof(abi::Elf32_Ehdr), offset, n);
  }
  [[__nodiscard__]] constexpr bool meets_program_headers(uint64_t offset, uint64_t n) const noexcept {
    return meet(image_->program_header_offset(0), image_->program_headers() * phdr_size(), offset, n);
  }
  /// A table without headers has its first one all the same: the size in it can be their number.
  [[__nodiscard__]] constexpr uint64_t section_headers_size() const noexcept {
    uint64_t headers = image_->section_headers();
    if (headers == 0 && image_->section_header_offset(0) != 0) headers = 1;
    return headers * (wide_ ? sizeof(abi::Elf64_Shdr) : sizeof(abi::Elf32_Shdr));
  }
  constexpr void put_word(uint64_t offset, uint32_t w) const noexcept {
    le32 wire{};
    wire = w;
    store(at(offset), wire);
  }
  /// The descriptor's offset in the file.
  [[__nodiscard__]] constexpr uint64_t desc_of(const elf_note& n) const noexcept {
    return narrow_cast<uint64_t>(n.desc.data() - image_->file().data());
  }
  static constexpr bool is_entry(const elf_note& n) noexcept { return n.is("Xen", xen_note::phys32_entry); }
  static constexpr bool has_room(const elf_note& n) noexcept { return n.desc.size() == 4 || n.desc.size() == 8; }

  /// Two ranges have a byte in common. The first is not empty.
  static constexpr bool meet(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) noexcept {
    return a < b ? b - a < a_size && b_size != 0 : a - b < b_size;
  }
  [[__nodiscard__]] constexpr bool in_headers(uint64_t offset, uint64_t n) const noexcept;
  [[__nodiscard__]] constexpr result<void> check_headers() const noexcept;
  [[__nodiscard__]] static constexpr bool decides_padding(const elf_note& n, uint64_t desc, span<const uint8_t> walk,
                                                          uint64_t walk_at) noexcept;
  template <class Visit> constexpr void for_each_walk(note_origin from, const Visit& visit) const noexcept;
  [[__nodiscard__]] constexpr result<void> check_notes() const noexcept;
  [[__nodiscard__]] constexpr bool is_free(uint64_t offset, uint64_t n) const noexcept;
  [[__nodiscard__]] constexpr result<place> find_place(const elf_note& in_section) const noexcept;
  constexpr void correct(const elf_note& n, uint32_t entry) const noexcept;
  constexpr void put_header(const place& p) const noexcept;
  constexpr void fix_alignment() const noexcept;

  span<uint8_t> buffer_;
  size_t size_;
  const elf_image* image_;
  bool wide_;
};

/// These bytes of the file are part of a header. There is at least one.
constexpr bool note_patcher::in_headers(uint64_t offset, uint64_t n) const noexcept {
  return meets_elf_header(offset, n) || meets_program_headers(offset, n) ||
         meet(offset, n, image_->section_header_offset(0), section_headers_size());
}

/// What is written into the program headers changes neither other headers nor notes.
constexpr result<void> note_patcher::check_headers() const noexcept {
  const auto is_changed = [&](uint64_t offset, uint64_t n) noexcept {
    return meets_elf_header(offset, n) || meets_program_headers(offset, n);
  };
  const uint64_t table = image_->program_header_offset(0);
  const uint64_t sections = image_->section_header_offset(0);
  if (meets_elf_header(table, 1)) return {errc::note_entangled, table};
  if (is_changed(sections, section_headers_size())) return {errc::note_entangled, sections};
  for (uint64_t i = 0; i < image_->program_headers(); ++i) {
    const elf_segment s = image_->program_header(i);
    if (s.type == segment_type::note && s.offset != 0 && is_changed(s.offset, s.filesz))
      return {errc::note_entangled, s.offset};
  }
  return {};
}

/// A walk over these bytes with the padding that was not chosen reads what is written into a note as a size. It could
/// then be the one that fits.
constexpr bool note_patcher::decides_padding(const elf_note& n, uint64_t desc, span<const uint8_t> walk,
                                             uint64_t walk_at) noexcept {
  const elf_notes chosen{walk, 8, walk_at};
  if (chosen.padding() == 4 && chosen.check()) return false;  // 4 goes first
  const auto is_written = [&](uint64_t word) noexcept {
    return word == n.offset + 8 || meet(word, 4, desc, n.desc.size());
  };
  elf_notes::iterator other{walk, 12 - chosen.padding(), walk_at};
  for (; !other.at_end(); ++other)
    if (is_written(other->offset) || is_written(other->offset + 4)) return true;
  const failure end = other.damage().error();  // it does not fit
  return is_written(end.where) || (end.code == errc::note_desc_outside && is_written(end.where + 4));
}

/// Calls visit(part, size, alignment) for each segment of notes, and for each section if notes are found in sections.
template <class Visit> constexpr void note_patcher::for_each_walk(note_origin from, const Visit& visit) const noexcept {
  for (uint64_t i = 0; i < image_->program_headers(); ++i) {
    const elf_segment s = image_->program_header(i);
    if (s.type == segment_type::note && s.offset != 0) visit(s, s.filesz, s.align);
  }
  for (uint64_t i = 0; from == note_origin::section_header && i < image_->section_headers(); ++i) {
    const elf_section s = image_->section_header(i);
    if (s.type == section_type::note) visit(s, s.size, s.align);
  }
}

/// What is written into a note changes no header, no note of another walk, and no padding.
constexpr result<void> note_patcher::check_notes() const noexcept {
  constexpr uint64_t max_steps = 1u << 24;
  uint64_t entries = 0;
  uint64_t notes = 0;
  for (const elf_note& n : image_notes{*image_}) {
    ++notes;
    if (is_entry(n)) ++entries;
  }
  size_t budget = max_notes;  // of image_notes, which is to find the padding that is found here
  for_each_walk(note_origin::section_header, [&](const auto& part, uint64_t, uint64_t align) noexcept {
    elf_notes::padding_of(image_->contents_of(part), align, budget);
  });
  if (notes == max_notes || budget == 0 ||
      entries * (notes + image_->program_headers() + image_->section_headers()) > max_steps)
    return {errc::too_many_notes, notes};

  for (const elf_note& n : image_notes{*image_}) {
    if (!is_entry(n)) continue;
    const uint64_t desc = n.desc.empty() ? 0 : desc_of(n);
    const uint64_t size = n.desc.empty() ? 16 : desc + n.desc.size() - n.offset;
    bool entangled = in_headers(n.offset, size);
    span<const uint8_t> walk{};
    uint64_t walk_at = 0;
    uint64_t align = 0;
    bool is_walked = false;
    for_each_walk(n.origin, [&](const auto& part, uint64_t length, uint64_t alignment) noexcept {
      if (!meet(n.offset, size, part.offset, length)) return;
      const auto bytes = image_->contents_of(part);
      entangled = entangled || (is_walked && (walk_at != part.offset || (align == 8) != (alignment == 8) ||
                                              (align == 8 && walk.size() != bytes.size())));
      walk = bytes;
      walk_at = part.offset;
      is_walked = true;
      align = alignment;
    });
    if (entangled || (align == 8 && decides_padding(n, desc, walk, walk_at))) return {errc::note_entangled, n.offset};
  }
  return {};
}

/// Nothing uses these bytes of the file, and they are zero.
constexpr bool note_patcher::is_free(uint64_t offset, uint64_t n) const noexcept {
  if (offset + n > size_ || in_headers(offset, n)) return false;
  const auto meets = [&](uint64_t other, uint64_t other_size) noexcept { return meet(offset, n, other, other_size); };
  for (uint64_t i = 0; i < image_->program_headers(); ++i) {
    const elf_segment s = image_->program_header(i);
    if (s.type != segment_type::null && meets(s.offset, s.filesz)) return false;
  }
  for (uint64_t i = 0; i < image_->section_headers(); ++i) {
    const elf_section s = image_->section_header(i);
    if (s.type != section_type::null && s.type != section_type::nobits && meets(s.offset, s.size)) return false;
  }
  for (uint64_t i = 0; i < n; ++i)
    if (*at(offset + i) != 0) return false;
  return true;
}

/// Finds room for a PT_NOTE, and for a note unless one lies in a section.
constexpr result<note_patcher::place> note_patcher::find_place(const elf_note& in_section) const noexcept {
  const uint64_t headers = image_->program_headers();
  place p{.table = image_->program_header_offset(0), .index = headers, .size = size_};
  p.is_new = in_section.desc.empty();
  p.note_size = sizeof(abi::Elf32_Nhdr) + 4 + (p.is_new ? (wide_ ? 8 : 4) : in_section.desc.size());
  p.note = in_section.offset;

  bool fixed = false;
  bool reused = false;
  for (uint64_t i = 0; i < headers; ++i) {
    const segment_type type = image_->program_header(i).type;
    fixed = fixed || type == segment_type::phdr;
    if (type == segment_type::note) reused = false;
    if (type == segment_type::null && !reused) {
      reused = true;
      p.index = i;
    }
  }
  const uint64_t table_end = p.table + headers * phdr_size();
  uint64_t gap = table_end;
  if (!reused) {
    p.index = headers;
    if (fixed || headers + 1 >= abi::elf_phnum_extended) return {errc::note_no_header, headers};
    if (is_free(table_end, phdr_size())) {
      gap += phdr_size();
    } else {
      p.table = round_up(p.size, 8);
      p.size = p.table + (headers + 1) * phdr_size();
      gap = p.size;  // of the new table: there is none
    }
  }
  if (p.is_new) {
    p.note = round_up(gap, 8);
    if (p.table != image_->program_header_offset(0) || !is_free(p.note, p.note_size)) {
      p.note = round_up(p.size, 8);
      p.size = p.note + p.note_size;
    }
  }
  if (p.size > size_ && image_->sections_outside() && image_->section_header_offset(0) < p.size)
    return {errc::note_entangled, image_->section_header_offset(0)};
  for (uint64_t i = 0; p.size > size_ && i < headers; ++i) {
    const elf_segment s = image_->program_header(i);
    if (s.type == segment_type::note && image_->contents_of(s).size() != s.filesz)
      return {errc::note_entangled, image_->program_header_offset(i)};
  }
  if (p.size > buffer_.size() || (!wide_ && p.size > 0xffffffff)) return {errc::note_no_room, p.size};
  return p;
}

constexpr void note_patcher::correct(const elf_note& n, uint32_t entry) const noexcept {
  put_word(desc_of(n), entry);
  if (n.desc.size() == 8) put_word(desc_of(n) + 4, 0);
}

constexpr void note_patcher::put_header(const place& p) const noexcept {
  const uint64_t old_table = image_->program_header_offset(0);
  for (uint64_t i = size_; i < p.size; ++i) *at(i) = 0;
  if (p.table != old_table) {
    for (uint64_t i = 0; i < image_->program_headers() * phdr_size(); ++i) *at(p.table + i) = *at(old_table + i);
    put_word(wide_ ? 32 : 28, narrow_cast<uint32_t>(p.table));
    if (wide_) put_word(36, narrow_cast<uint32_t>(p.table >> 32));
  }
  if (p.index == image_->program_headers()) {
    le16 number{};
    number = narrow_cast<uint16_t>(p.index + 1);
    store(at(wide_ ? 56 : 44), number);
  }
  const auto fill = [&](auto header) noexcept {
    header.p_type = segment_type::note;
    header.p_flags = segment_flags::read;
    header.p_offset = narrow_cast<decltype(header.p_offset.get())>(p.note);
    header.p_filesz = narrow_cast<decltype(header.p_filesz.get())>(p.note_size);
    header.p_memsz = narrow_cast<decltype(header.p_memsz.get())>(p.note_size);
    header.p_align = 4;
    store(at(p.table + p.index * phdr_size()), header);
  };
  if (wide_)
    fill(abi::Elf64_Phdr{});
  else
    fill(abi::Elf32_Phdr{});
}

/// Segments that have the note and pad notes to 4 bytes say so.
constexpr void note_patcher::fix_alignment() const noexcept {
  for (uint64_t i = 0; i < image_->program_headers(); ++i) {
    const elf_segment s = image_->program_header(i);
    if (s.type != segment_type::note || s.offset == 0 || s.align == 4) continue;
    const elf_notes notes{image_->contents_of(s), s.align};
    bool found = false;
    for (const elf_note& n : notes) found = found || is_entry(n);
    if (!found || notes.padding() != 4) continue;
    const uint64_t field = image_->program_header_offset(i) + (wide_ ? 48 : 28);
    put_word(field, 4);
    if (wide_) put_word(field + 4, 0);
  }
}

constexpr result<size_t> note_patcher::set(uint32_t entry) const noexcept {
  if (entry == 0 || entry == 0xffffffff) return {errc::phys32_entry_unset, entry};
  const elf_segment* segment = image_->segment_at(entry);
  if (!segment) return {errc::phys32_entry_outside, entry};
  if (!segment->executable()) return {errc::phys32_entry_not_executable, entry};
  if (entry - segment->paddr >= segment->filesz) return {errc::phys32_entry_zero_filled, entry};

  if (auto sound = check_notes(); !sound) return sound.error();
  if (auto sound = check_headers(); !sound) return sound.error();

  elf_note in_section{};
  bool in_segment = false;
  for (const elf_note& n : image_notes{*image_}) {
    if (!is_entry(n) || !has_room(n)) continue;
    if (n.origin == note_origin::segment)
      in_segment = true;
    else
      in_section = n;
  }
  place p{.size = size_};
  if (!in_segment) {
    const auto found = find_place(in_section);
    if (!found) return found.error();
    p = *found;
  }
  for (const elf_note& n : image_notes{*image_}) {
    if (!is_entry(n)) continue;
    if (has_room(n))
      correct(n, entry);
    else
      put_word(n.offset + 8, narrow_cast<uint32_t>(xen_note::info));
  }
  fix_alignment();
  if (in_segment) return size_;
  put_header(p);
  if (!p.is_new) return narrow_cast<size_t>(p.size);
  const uint32_t words[] = {4, wide_ ? 8u : 4u, narrow_cast<uint32_t>(xen_note::phys32_entry), 0x006e6558, entry, 0};
  for (uint64_t i = 0; i < p.note_size / 4; ++i) put_word(p.note + 4 * i, words[i]);
  return narrow_cast<size_t>(p.size);
}

constexpr result<size_t> note_patcher::remove() const noexcept {
  if (auto sound = check_notes(); !sound) return sound.error();
  size_t removed = 0;
  for (const elf_note& n : image_notes{*image_}) removed += is_entry(n) ? 1u : 0u;
  for (const elf_note& n : image_notes{*image_})
    if (is_entry(n)) put_word(n.offset + 8, narrow_cast<uint32_t>(xen_note::info));
  return removed;
}

/// Makes PVH readers enter the kernel at this physical address. The file is the first `file_size` bytes of the buffer,
/// and may grow into the rest. Returns its size. The rules are at the head of this file.
constexpr result<size_t> set_phys32_entry(span<uint8_t> buffer, size_t file_size, uint32_t entry) noexcept {
  const auto image = parse_elf(buffer.first(file_size));
  if (!image) return image.error();
  return note_patcher{buffer, image->file().size(), *image}.set(entry);
}

/// Takes the type from every PHYS32_ENTRY note that Xen would find, so that no reader takes it for one. Notes of other
/// names stay. Returns how many there were, as find_phys32_entry counts. Fails as parse_elf, or with too_many_notes or
/// note_entangled.
constexpr result<size_t> remove_phys32_entry(span<uint8_t> file) noexcept {
  const auto image = parse_elf(file);
  if (!image) return image.error();
  return note_patcher{file, file.size(), *image}.remove();
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
