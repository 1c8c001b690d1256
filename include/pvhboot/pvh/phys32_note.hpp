// SPDX-License-Identifier: BSL-1.0
//
// The two notes of a kernel image that PVH defines: PHYS32_ENTRY, where it is entered, and PHYS32_RELOC, whether and
// where it may be loaded elsewhere. Source: xen/include/public/elfnote.h; what Xen, QEMU and linux-loader do with them.
//
//     const auto entry = pvhboot::find_phys32_entry(*image);    // of parse_elf
//     if (!entry) return entry.error();
//     if (entry->notes > 1 && entry->differs) warn("readers of this image disagree on its entry");
//
// The notes are found as image_notes finds them. Of several the last counts, as for Xen.
//
// find_phys32_entry fails with
// - no_phys32_entry, or if something that holds notes is damaged, with that damage (elf/notes.hpp);
// - foreign_phys32_entry: only a note of another name has this type. QEMU alone ignores names and enters there;
// - bad_phys32_entry_size, phys32_entry_too_high (the upper half of 8 bytes), phys32_entry_unset (0 is no entry for
//   QEMU, 0xffffffff none for Xen);
// - phys32_entry_outside, phys32_entry_not_executable, phys32_entry_zero_filled for the address itself.
//
// find_phys32_reloc fails with
// - bad_phys32_reloc_size: not a multiple of 4, which Xen takes for words that are 0;
// - bad_phys32_reloc_alignment: not a power of two; bad_phys32_reloc_range: minimum above maximum.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/xen_note.hpp>
#include <pvhboot/elf/image_notes.hpp>

namespace pvhboot {

/// Where an image is entered by PVH: its note's value, checked against its segments. e_entry is independent of it.
struct phys32_entry {
  uint32_t paddr = 0;     ///< where the image is entered
  uint32_t notes = 0;     ///< how many there are
  bool differs = false;   ///< they do not say the same: QEMU takes the first of the last segment that has one
  note_origin origin{};   ///< section_header: Xen finds it, QEMU and linux-loader do not
  uint64_t offset = 0;    ///< of the note in the file
  uint64_t foreign = 0;   ///< offset of the first note of this type with another name, which QEMU may take; 0: none
  result<void> damage{};  ///< the first damage that was passed
};

/// The address that a PHYS32_ENTRY note has: 4 bytes, or 8 of which the upper four are zero (in files of either class).
constexpr result<uint32_t> read_phys32_entry(const elf_note& note) noexcept {
  uint64_t paddr = 0;
  if (note.desc.size() == 4)
    paddr = load_once<le32>(note.desc.data()).get();
  else if (note.desc.size() == 8)
    paddr = load_once<le64>(note.desc.data()).get();
  else
    return {errc::bad_phys32_entry_size, note.offset};
  if (paddr > 0xffffffff) return {errc::phys32_entry_too_high, note.offset};
  if (paddr == 0 || paddr == 0xffffffff) return {errc::phys32_entry_unset, note.offset};
  return narrow_cast<uint32_t>(paddr);
}

/// Finds the entry; the rules are at the head of this file. Linear in the number of notes and headers.
constexpr result<phys32_entry> find_phys32_entry(const elf_image& image) noexcept {
  phys32_entry found{};
  result<uint32_t> last{errc::no_phys32_entry, 0};
  const image_notes notes{image};
  image_notes::iterator it = notes.begin();
  for (; !it.at_end(); ++it) {
    if (it->type != narrow_cast<uint32_t>(xen_note::phys32_entry)) continue;
    if (!it->is_named("Xen")) {
      if (found.foreign == 0) found.foreign = it->offset;
      continue;
    }
    const auto value = read_phys32_entry(*it);
    if (found.notes != 0 && value.value_or(0) != last.value_or(0)) found.differs = true;
    last = value;
    ++found.notes;
    found.origin = it->origin;
    found.offset = it->offset;
  }
  found.damage = it.damage();
  if (found.notes == 0) {
    if (found.foreign != 0) return {errc::foreign_phys32_entry, found.foreign};
    return found.damage ? failure{errc::no_phys32_entry, it.count()} : found.damage.error();
  }
  if (!last) return last.error();
  found.paddr = *last;
  const elf_segment* segment = image.segment_at(found.paddr);
  if (!segment) return {errc::phys32_entry_outside, found.paddr};
  if (!segment->executable()) return {errc::phys32_entry_not_executable, found.paddr};
  if (found.paddr - segment->paddr >= segment->filesz) return {errc::phys32_entry_zero_filled, found.paddr};
  return found;
}

/// Where an image may be loaded, shifted as a whole. Only Xen's dom0 builder acts on it (4.19).
struct phys32_reloc {
  bool relocatable = false;       ///< there is a note
  uint32_t alignment = 0x200000;  ///< of the first byte
  uint32_t minimum = 0;           ///< lowest address of the first byte
  uint32_t maximum = 0xffffffff;  ///< highest address of the last byte
};

/// Reads the relocation note. It has up to three words: alignment, minimum, maximum; a fourth would be a later
/// version's. The defaults stand for words that are missing, but an alignment that is missing is the largest p_align of
/// a loadable segment if that is at least a page. Without a note the image is not relocatable, which is no failure.
constexpr result<phys32_reloc> find_phys32_reloc(const elf_image& image) noexcept {
  phys32_reloc reloc{};
  elf_note last{};
  for (const elf_note& n : image_notes{image}) {
    if (!n.is("Xen", xen_note::phys32_reloc)) continue;
    reloc.relocatable = true;
    last = n;
  }
  if (!reloc.relocatable) return reloc;
  if (last.desc.size() % 4 != 0) return {errc::bad_phys32_reloc_size, last.offset};
  const auto word = [&](size_t i, uint32_t otherwise) noexcept {
    return i < last.desc.size() / 4 ? load_once<le32>(last.desc.data() + 4 * i).get() : otherwise;
  };
  constexpr uint64_t page = 4096;
  uint64_t alignment = image.alignment() >= page ? image.alignment() : reloc.alignment;
  if (!last.desc.empty()) alignment = word(0, 0);
  if (!is_power_of_two(alignment) || alignment > 0xffffffff) return {errc::bad_phys32_reloc_alignment, alignment};
  reloc.alignment = narrow_cast<uint32_t>(alignment);
  reloc.minimum = word(1, reloc.minimum);
  reloc.maximum = word(2, reloc.maximum);
  if (reloc.minimum > reloc.maximum) return {errc::bad_phys32_reloc_range, last.offset};
  return reloc;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
