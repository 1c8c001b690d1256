// SPDX-License-Identifier: BSL-1.0
//
// The ELF notes of a whole file, where Xen looks for those of a kernel. Source: Xen's libelf (libelf-dominfo.c).
//
//     const pvhboot::image_notes notes{*image};             // of parse_elf
//     for (const pvhboot::elf_note& n : notes)
//       if (n.is("Xen", pvhboot::xen_note::phys32_entry)) use(n.desc);
//     if (auto sound = notes.check(); !sound) warn(sound.error());
//
// Damage ends a segment, not the walk: the notes before it are given, then those of the next segment.
// iterator::damage() and check() have the first damage that was met:
// - note_name_outside, note_desc_outside: as in elf/notes.hpp; where is the note's offset in the file;
// - notes_outside: a segment or section reaches past the end of the file, and is cut there; where is its header;
// - notes_at_0: a PT_NOTE at file offset 0, which some binutils wrote. It is skipped, as in Xen;
// - elf_shdrs_outside: no segment has a note of the owner, and the section headers do not lie in the file;
// - too_many_notes: more than Xen's limit. The walk ends there.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/elf/image.hpp>
#include <pvhboot/elf/notes.hpp>

namespace pvhboot {

/// The notes of a whole file, where Xen looks for them: every PT_NOTE segment in the order of the program headers; and
/// every SHT_NOTE section, but only if no segment has a note of this owner.
class image_notes {
 public:
  /// The image must outlive the notes.
  constexpr explicit image_notes(const elf_image& image, string_ref owner = "Xen") noexcept
      : image_(&image), owner_(owner) {}
  image_notes(const elf_image&&, string_ref = {}) = delete;  // refers to the image

  class iterator {
   public:
    using value_type = elf_note;
    using difference_type = ptrdiff_t;

    constexpr iterator() noexcept = default;
    constexpr iterator(const elf_image& image, const string_ref& owner) noexcept
        : image_(&image), owner_(owner), ended_(false) {
      find_notes();
    }
    constexpr const elf_note& operator*() const noexcept { return *notes_; }
    constexpr const elf_note* operator->() const noexcept { return &*notes_; }
    constexpr iterator& operator++() noexcept {
      ++notes_;
      find_notes();
      return *this;
    }
    constexpr iterator operator++(int) noexcept {
      const iterator old = *this;
      ++*this;
      return old;
    }
    /// Whether the two stand at one note of the same image, or both at the end.
    friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept {
      return a.ended_ == b.ended_ && (a.ended_ || a.count_ == b.count_);
    }
    friend constexpr bool operator!=(const iterator& a, const iterator& b) noexcept { return !(a == b); }

    /// There is no further note.
    [[__nodiscard__]] constexpr bool at_end() const noexcept { return ended_; }
    /// The first damage that was passed so far.
    [[__nodiscard__]] constexpr result<void> damage() const noexcept { return damage_; }
    /// Notes so far, this one included.
    [[__nodiscard__]] constexpr size_t count() const noexcept { return count_; }

   private:
    constexpr void find_notes() noexcept;
    constexpr bool next_part() noexcept;
    constexpr void enter(span<const uint8_t> bytes, uint64_t size, uint64_t align, uint64_t offset,
                         uint64_t header_at) noexcept;
    constexpr void keep(const result<void>& damage) noexcept {
      if (damage_) damage_ = damage;
    }

    const elf_image* image_ = nullptr;
    string_ref owner_{};
    elf_notes::iterator notes_{};
    bool in_sections_ = false;
    uint64_t next_header_ = 0;  ///< of segments, or of sections
    size_t count_ = 0;
    size_t padding_budget_ = max_notes;
    bool owner_seen_ = false;
    bool ended_ = true;
    result<void> damage_{};
  };

  [[__nodiscard__]] constexpr iterator begin() const noexcept { return {*image_, owner_}; }
  [[__nodiscard__]] static constexpr iterator end() noexcept { return {}; }
  /// Whether everything that holds notes is sound.
  [[__nodiscard__]] constexpr result<void> check() const noexcept {
    iterator it = begin();
    while (!it.at_end()) ++it;
    return it.damage();
  }

 private:
  const elf_image* image_;
  string_ref owner_;
};

/// Moves on to the next note, which may be the current one, or to the end.
constexpr void image_notes::iterator::find_notes() noexcept {
  while (notes_.at_end()) {
    keep(notes_.damage());
    if (next_part()) continue;
    ended_ = true;
    return;
  }
  if (count_ == max_notes) {
    keep({errc::too_many_notes, max_notes});
    ended_ = true;
    return;
  }
  ++count_;
  owner_seen_ = owner_seen_ || notes_->is_named(owner_);
}

/// Enters the next segment or section with notes, if there is one.
constexpr bool image_notes::iterator::next_part() noexcept {
  notes_ = {};
  for (; !in_sections_ && next_header_ < image_->program_headers(); ++next_header_) {
    const elf_segment s = image_->program_header(next_header_);
    if (s.type != segment_type::note) continue;
    if (s.offset == 0) {
      if (s.filesz != 0) keep({errc::notes_at_0, image_->program_header_offset(next_header_)});
      continue;
    }
    enter(image_->contents_of(s), s.filesz, s.align, s.offset, image_->program_header_offset(next_header_++));
    return true;
  }
  if (!in_sections_) {
    if (owner_seen_) return false;
    if (image_->sections_outside()) keep({errc::elf_shdrs_outside, image_->section_header_offset(0)});
    in_sections_ = true;
    next_header_ = 0;
  }
  for (; next_header_ < image_->section_headers(); ++next_header_) {
    const elf_section s = image_->section_header(next_header_);
    if (s.type != section_type::note) continue;
    enter(image_->contents_of(s), s.size, s.align, s.offset, image_->section_header_offset(next_header_++));
    return true;
  }
  return false;
}

constexpr void image_notes::iterator::enter(span<const uint8_t> bytes, uint64_t size, uint64_t align, uint64_t offset,
                                            uint64_t header_at) noexcept {
  if (bytes.size() != size) keep({errc::notes_outside, header_at});
  notes_ = {bytes, elf_notes::padding_of(bytes, align, padding_budget_), offset,
            in_sections_ ? note_origin::section_header : note_origin::segment};
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
