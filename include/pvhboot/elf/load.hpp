// SPDX-License-Identifier: BSL-1.0
//
// Loading an ELF image into a guest's memory. Source: docs/misc/pvh.pandoc (Xen): segments go to their physical
// address.
//
//     auto done = load_image(*image, pvhboot::writable_window{0, ram});
//     if (!done) return done.error();
//
// Everything is checked before the first byte is written. load_image fails with
// - load_wraps: shifted, the image ends above 2^64;
// - load_unwritable: a segment does not lie in writable memory; where is the first such address;
// - load_overlaps_file: the file lies where a segment goes, as a module can that a loader was passed in its own memory.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/writable_memory.hpp>
#include <pvhboot/elf/image.hpp>

namespace pvhboot {

/// What memory holds before an image is loaded into it.
enum class memory_before : uint8_t {
  anything,  ///< all bytes of a segment are written
  zeroes,    ///< as fresh pages of a host: what the file does not have is not written, and costs the host no memory
};

/// Copies every segment of the image to its p_paddr + shift (modulo 2^64) and clears what the file does not have of it.
/// Nothing else is written, not even the gaps between segments. Segments do not overlap one another: parse_elf refuses
/// such a file. The other rules are at the head of this file.
///
/// A shift is for images that say that they are relocatable: place_image (pvh/choose_base.hpp) computes it.
template <writable_memory Memory>
constexpr result<void> load_image(const elf_image& image, const Memory& memory, uint64_t shift = 0,
                                  memory_before before = memory_before::anything) noexcept(writes_noexcept<Memory>) {
  if (image.size() - 1 > ~(image.base() + shift)) return {errc::load_wraps, image.base() + shift};
  const span<const uint8_t> file = image.file();
  for (const elf_segment& s : image.segments()) {
    bool over_file = false;
    const uint64_t there = for_each_piece(memory, s.paddr + shift, s.memsz, [&](const span<uint8_t>& to) noexcept {
      if (__builtin_is_constant_evaluated()) return true;  // where addresses of different objects cannot be compared
      const auto begins_before_end = [](const uint8_t* begin, const uint8_t* end) noexcept {
        return reinterpret_cast<uintptr_t>(begin) < reinterpret_cast<uintptr_t>(end);
      };
      over_file = begins_before_end(to.begin(), file.end()) && begins_before_end(file.begin(), to.end());
      return !over_file;
    });
    if (over_file) return {errc::load_overlaps_file, s.paddr + shift + there};
    if (there != s.memsz) return {errc::load_unwritable, s.paddr + shift + there};
  }
  for (const elf_segment& s : image.segments()) {
    const uint64_t to = s.paddr + shift;
    uint64_t done = write_bytes(memory, to, image.contents_of(s));
    const uint64_t wanted = before == memory_before::zeroes ? s.filesz : s.memsz;
    if (done == s.filesz) done += write_zeros(memory, to + done, wanted - done);
    if (done != wanted) return {errc::load_unwritable, to + done};  // a memory that is not what it was above
  }
  return {};
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
