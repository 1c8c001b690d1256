// SPDX-License-Identifier: BSL-1.0
//
// The ELF notes of one segment's bytes; those of a whole file: elf/image_notes.hpp. Source: System V ABI, "Note
// Section"; elfutils (gelf_getnote) for 8-byte padding.
//
//     for (const pvhboot::elf_note& n : pvhboot::elf_notes{segment})
//       if (n.is("Xen", pvhboot::xen_note::phys32_entry)) use(n.desc);
//
// A note is three words, a name and a descriptor, each of the two padded to 4 bytes. p_align does not change that: Xen,
// Linux and linkers mean 4 whatever it says. Only where p_align is 8 and the notes do not fit that way, but do with 8
// (a Xen note followed by .note.gnu.property), they are read so. The last note's padding may be missing, and up to 11
// bytes that are too few for a note may follow it.
//
// Damage ends the walk: the notes before it are given, and iterator::damage() or check() has the rule and the offset of
// the note that breaks it:
// - note_name_outside, note_desc_outside: its name or its descriptor ends outside the segment.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/elf.hpp>
#include <pvhboot/core/memory.hpp>
#include <pvhboot/core/result.hpp>

namespace pvhboot {

/// Xen reads no image with more notes (libelf).
inline constexpr size_t max_notes = 65536;

/// Where a note was found. QEMU and linux-loader look into segments only.
enum class note_origin : uint8_t {
  segment,         ///< in a PT_NOTE segment
  section_header,  ///< in an SHT_NOTE section
};

/// A note, checked.
struct elf_note {
  uint32_t type = 0;           ///< of the namespace that the name gives: xen_note for "Xen"
  uint32_t name_size = 0;      ///< bytes, with the NUL
  string_ref name{};           ///< without its NUL; a name may lack one, or have more than one
  span<const uint8_t> desc{};  ///< the descriptor; refers to the file
  uint64_t offset = 0;         ///< of the note, in the file or in what elf_notes was given
  note_origin origin{};        ///< where it was found

  /// The name is `owner` and one NUL.
  [[__nodiscard__]] constexpr bool is_named(const string_ref& owner) const noexcept {
    return name_size == owner.size() + 1 && name == owner;
  }
  /// The note has this owner and this type.
  template <class Type> [[__nodiscard__]] constexpr bool is(const string_ref& owner, Type t) const noexcept {
    return type == narrow_cast<uint32_t>(t) && is_named(owner);
  }
};

/// The notes of a segment's bytes, in order. `align` is its p_align, `offset` what is added to the notes' offsets.
class elf_notes {
 public:
  /// The bytes must outlive the notes.
  constexpr explicit elf_notes(span<const uint8_t> bytes, uint64_t align = 4, uint64_t offset = 0) noexcept
      : bytes_(bytes), offset_(offset) {
    size_t budget = max_notes;
    padding_ = padding_of(bytes, align, budget);
  }

  class iterator {
   public:
    using value_type = elf_note;
    using difference_type = ptrdiff_t;

    constexpr iterator() noexcept = default;
    constexpr iterator(span<const uint8_t> bytes, uint64_t padding, uint64_t offset,
                       note_origin origin = note_origin::segment) noexcept
        : bytes_(bytes), mask_(padding - 1), offset_(offset), ended_(false) {
      note_.origin = origin;
      advance();
    }
    constexpr const elf_note& operator*() const noexcept { return note_; }
    constexpr const elf_note* operator->() const noexcept { return &note_; }
    constexpr iterator& operator++() noexcept {
      advance();
      return *this;
    }
    constexpr iterator operator++(int) noexcept {
      const iterator old = *this;
      advance();
      return old;
    }
    /// Whether the two stand at one note of the same bytes, or both at the end.
    friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept {
      return a.ended_ == b.ended_ && (a.ended_ || a.next_ == b.next_);
    }
    friend constexpr bool operator!=(const iterator& a, const iterator& b) noexcept { return !(a == b); }

    /// There is no further note.
    [[__nodiscard__]] constexpr bool at_end() const noexcept { return ended_; }
    /// Why the walk ended, once it did.
    [[__nodiscard__]] constexpr result<void> damage() const noexcept { return damage_; }

   private:
    constexpr void advance() noexcept;
    /// The padded end of what ends at n, or the end of the bytes: padding may be missing there.
    [[__nodiscard__]] constexpr uint64_t padded(uint64_t n) const noexcept {
      const uint64_t end = (n + mask_) & ~mask_;
      return end < bytes_.size() ? end : bytes_.size();
    }

    span<const uint8_t> bytes_{};
    uint64_t mask_ = 3;  ///< of the padding
    uint64_t offset_ = 0;
    uint64_t next_ = 0;  ///< the note after this one, or the damaged one; never past the end
    bool ended_ = true;
    result<void> damage_{};
    elf_note note_{};
  };

  [[__nodiscard__]] constexpr iterator begin() const noexcept { return {bytes_, padding_, offset_}; }
  [[__nodiscard__]] static constexpr iterator end() noexcept { return {}; }
  /// What name and descriptor are padded to: 4, or 8.
  [[__nodiscard__]] constexpr uint64_t padding() const noexcept { return padding_; }
  /// Whether all of the bytes are sound notes.
  [[__nodiscard__]] constexpr result<void> check() const noexcept {
    iterator it = begin();
    while (!it.at_end()) ++it;
    return it.damage();
  }

  /// The padding that the notes of a segment have. Looks at no more than `budget` notes, which it counts down.
  static constexpr uint64_t padding_of(span<const uint8_t> bytes, uint64_t align, size_t& budget) noexcept {
    return align == 8 && !fits(bytes, 4, budget) && fits(bytes, 8, budget) ? 8 : 4;
  }

 private:
  static constexpr bool fits(span<const uint8_t> bytes, uint64_t padding, size_t& budget) noexcept {
    iterator it{bytes, padding, 0};
    for (; !it.at_end() && budget != 0; ++it) --budget;
    return it.at_end() && it.damage();
  }

  span<const uint8_t> bytes_;
  uint64_t offset_;
  uint64_t padding_ = 4;
};

constexpr void elf_notes::iterator::advance() noexcept {
  const uint64_t size = bytes_.size();
  const uint64_t at = next_;
  ended_ = true;
  if (size - at < sizeof(abi::Elf32_Nhdr)) return;
  const uint8_t* const head = bytes_.data() + narrow_cast<size_t>(at);
  const auto h = load_once<abi::Elf32_Nhdr>(head);
  const uint32_t name_size = h.n_namesz.get();
  const uint32_t desc_size = h.n_descsz.get();

  const uint64_t name_end = at + sizeof h + name_size;
  if (name_end > size) {
    damage_ = {errc::note_name_outside, offset_ + at};
    return;
  }
  const uint64_t desc_at = padded(name_end);
  if (desc_size > size - desc_at) {
    damage_ = {errc::note_desc_outside, offset_ + at};
    return;
  }
  const uint8_t* const name = head + sizeof h;
  const bool has_nul = name_size != 0 && name[name_size - 1] == 0;
  note_.type = h.n_type.get();
  note_.name_size = name_size;
  note_.name = {name, has_nul ? name_size - 1 : name_size};
  note_.desc = {bytes_.data() + narrow_cast<size_t>(desc_at), desc_size};
  note_.offset = offset_ + at;
  next_ = padded(desc_at + desc_size);
  ended_ = false;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
