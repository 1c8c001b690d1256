// SPDX-License-Identifier: BSL-1.0
//
// Where the structures of the formats lie: a handoff, an ELF file with its notes, the header of a kernel image. For the
// mutator, so no more than the bytes of the input is read and nothing is checked.
#pragma once

#include <pvhboot/abi/elf.hpp>

#include "mutate.hpp"

namespace fuzz {

class structure_list {
 public:
  structure_list(const uint8_t* data, size_t size) : data_(data), size_(size) { found_.reserve(64); }

  /// Adds S at an offset; false if it does not lie in the input.
  template <class S> bool add(uint64_t at) {
    if (at > size_ || sizeof(S) > size_ - at) return false;
    found_.push_back(structure_at<S>(static_cast<size_t>(at)));
    return true;
  }
  /// Up to n of them, one after the other; never more than a few dozen in all.
  template <class S> void add(uint64_t at, uint64_t n) {
    for (uint64_t i = 0; i < n && found_.size() < 64; ++i)
      if (!add<S>(at + i * sizeof(S))) return;
  }
  [[nodiscard]] uint64_t number(uint64_t at, unsigned n) const {
    return at <= size_ && n <= size_ - at ? little_endian(data_ + at, n) : 0;
  }
  /// The offset of what was taken from the input so far.
  [[nodiscard]] size_t offset_of(const input& in) const {
    return in.rest().empty() ? size_ : static_cast<size_t>(in.rest().data() - data_);
  }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] const std::vector<structure>& found() const { return found_; }

 private:
  const uint8_t* data_;
  size_t size_;
  std::vector<structure> found_;
};

/// start_info at `at`, in memory that begins at `base` and in the input at `memory`.
inline void add_handoff(structure_list& list, size_t memory, uint64_t base, uint64_t at) {
  namespace abi = pvhboot::abi;
  const uint64_t info = memory + (at - base);
  if (!list.add<abi::hvm_start_info>(info)) return;
  list.add<abi::hvm_modlist_entry>(memory + (list.number(info + 16, 8) - base), list.number(info + 12, 4));
  list.add<abi::hvm_memmap_table_entry>(memory + (list.number(info + 40, 8) - base), list.number(info + 48, 4));
}

inline void add_notes(structure_list& list, uint64_t at, uint64_t end) {
  for (int i = 0; i < 16 && at < end; ++i) {
    if (!list.add<pvhboot::abi::Elf32_Nhdr>(at)) return;
    const uint64_t name = list.number(at, 4), desc = list.number(at + 4, 4);
    at += 12 + (name + 3) / 4 * 4 + (desc + 3) / 4 * 4;
  }
}

template <class Header, class Segment, class Section>
void add_elf(structure_list& list, size_t file, uint64_t phoff, uint64_t shoff, unsigned counts) {
  list.add<Header>(file);
  const uint64_t n = std::min<uint64_t>(list.number(file + counts, 2), 16);
  list.add<Segment>(file + phoff, n);
  list.add<Section>(file + shoff, list.number(file + counts + 4, 2) % 16);
  constexpr bool wide = sizeof(Header) == 64;
  for (uint64_t i = 0; i < n; ++i) {
    const uint64_t s = file + phoff + i * sizeof(Segment);
    if (list.number(s, 4) != 4) continue;
    const uint64_t at = wide ? list.number(s + 8, 8) : list.number(s + 4, 4);
    const uint64_t size = wide ? list.number(s + 32, 8) : list.number(s + 16, 4);
    add_notes(list, file + at, file + at + std::min<uint64_t>(size, list.size()));
  }
}
inline void add_elf(structure_list& list, size_t file) {
  namespace abi = pvhboot::abi;
  if (list.number(file + 4, 1) == 2)
    add_elf<abi::Elf64_Ehdr, abi::Elf64_Phdr, abi::Elf64_Shdr>(list, file, list.number(file + 32, 8),
                                                               list.number(file + 40, 8), 56);
  else
    add_elf<abi::Elf32_Ehdr, abi::Elf32_Phdr, abi::Elf32_Shdr>(list, file, list.number(file + 28, 4),
                                                               list.number(file + 32, 4), 44);
}

/// The header of an image in the format of image.hpp, which is at `image`.
inline void add_image(structure_list& list, size_t image) { list.add<pvhboot::abi::setup_header>(image + 3); }

}  // namespace fuzz
