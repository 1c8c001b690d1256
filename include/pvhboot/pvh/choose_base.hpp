// SPDX-License-Identifier: BSL-1.0
//
// Where a kernel image goes in physical memory, and what that makes of its entry.
//
//     const auto reloc = pvhboot::find_phys32_reloc(*image);
//     const auto base = choose_base(*image, *reloc, free_ram, random64);     // or without the last: as Xen does
//     if (!base) return base.error();
//     const auto entry = pvhboot::find_phys32_entry(*image);
//     const auto place = place_image(*image, *entry, *base);
//     if (!place) return place.error();
//     if (auto done = load_image(*image, guest, place->shift); !done) return done.error();
//     // %eip = place->entry
//
// `free_ram` is the guest's sanitised memory map, out of which the caller has taken what is in use: modules, tables.
// The functions that take it fail with
// - map_not_sanitized;
// - not_relocatable: the image must stay where it is linked, and that is not free RAM;
// - no_base: no range of free RAM has room for it within the limits of its note.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/queries.hpp>
#include <pvhboot/core/random_ram.hpp>
#include <pvhboot/pvh/phys32_note.hpp>

namespace pvhboot {

/// The lowest base that the note allows. Base 0 is none: it means failure to Xen.
constexpr uint64_t lowest_base(const phys32_reloc& reloc) noexcept { return reloc.minimum != 0 ? reloc.minimum : 1; }

/// Among how many bases choose_base with a random number chooses; less than 2^32. Its logarithm is the entropy that a
/// guest gets. 1 for an image that is not relocatable.
constexpr uint64_t count_bases(const elf_image& image, const phys32_reloc& reloc, const memory_map& free) noexcept {
  if (!reloc.relocatable) return 1;
  return count_ram_places(free, image.size(), reloc.alignment, lowest_base(reloc), reloc.maximum);
}

/// The base that Xen's dom0 builder chooses (4.19, dom0_build.c, check_and_adjust_load_address): the linked one if it
/// lies in RAM, even where the note does not allow it; or else the highest that the note allows.
///
/// Three differences, none of which a dom0 meets: Xen counts a PT_LOAD without bytes to the image, and leaves out one
/// without flags; and where the maximum is 0xffffffff it uses no range of RAM that crosses 4 GiB, since it computes the
/// end in 32 bits.
constexpr result<uint64_t> choose_base(const elf_image& image, const phys32_reloc& reloc,
                                       const memory_map& free) noexcept {
  if (!free.is_sanitized()) return {errc::map_not_sanitized, free.size()};
  if (covers(free, image.base(), image.size(), memory_type::ram)) return image.base();
  if (!reloc.relocatable) return {errc::not_relocatable, image.base()};
  const auto base = find_highest_ram(free, image.size(), reloc.alignment, lowest_base(reloc), reloc.maximum);
  if (!base) return {errc::no_base, image.size()};
  return base;
}

/// One of all the bases that the note allows in all free RAM, each as likely as any other: random number i of 2^64
/// stands for base i * N / 2^64, so that no base is favoured by more than N / 2^64. The linked base is chosen like any
/// other, if the note allows it. An image that is not relocatable stays where it is linked.
constexpr result<uint64_t> choose_base(const elf_image& image, const phys32_reloc& reloc, const memory_map& free,
                                       uint64_t random) noexcept {
  if (!reloc.relocatable) return choose_base(image, reloc, free);
  if (!free.is_sanitized()) return {errc::map_not_sanitized, free.size()};
  const auto base = find_random_ram(free, image.size(), reloc.alignment, lowest_base(reloc), reloc.maximum, random);
  if (!base) return {errc::no_base, image.size()};
  return base;
}

/// An image at a base: what to shift its segments by, and where it is entered then.
struct image_place {
  uint64_t base = 0;   ///< of its first byte
  uint64_t shift = 0;  ///< modulo 2^64; for load_image
  uint32_t entry = 0;  ///< where the moved image is entered
};

/// Applies a base. Fails with base_too_high if the entry, which has 32 bits, does not lie below 4 GiB then.
constexpr result<image_place> place_image(const elf_image& image, const phys32_entry& entry, uint64_t base) noexcept {
  const uint64_t from_base = entry.paddr - image.base();
  if (from_base > 0xffffffff || base > 0xffffffff - from_base) return {errc::base_too_high, base};
  return image_place{base, base - image.base(), narrow_cast<uint32_t>(base + from_base)};
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
