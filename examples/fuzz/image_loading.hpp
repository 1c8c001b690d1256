// SPDX-License-Identifier: BSL-1.0
//
// The laws of load_image: what is loaded is what the file has, and a load that fails is refused at the right address.
#pragma once

#include <algorithm>

#include <pvhboot/producer.hpp>

#include "harness.hpp"
#include "vanishing.hpp"

namespace fuzz {

using pvhboot::elf_image;
using pvhboot::elf_segment;

inline constexpr uint64_t largest_load = 0x4000;

/// Guest memory of pieces on the heap, each exactly as large as it says.
struct guest {
  std::vector<std::unique_ptr<uint8_t[]>> blocks;
  std::vector<pvhboot::writable_window> pieces;

  /// [from, from + n) in pieces of `each` bytes, but no more than a hundred of them, without the byte at `hole`.
  guest(uint64_t from, uint64_t n, uint64_t each, uint64_t hole) {
    each = std::max(each, n / 100 + 1);
    for (uint64_t at = 0; at < n;) {
      const uint64_t end = at < hole ? std::min(hole, n) : n;
      const auto size = static_cast<size_t>(std::min(each, end - at));
      if (at != hole) {
        blocks.push_back(std::make_unique<uint8_t[]>(size));
        std::memset(blocks.back().get(), 0xee, size);
        pieces.push_back({from + at, {blocks.back().get(), size}});
      }
      at += at == hole ? 1 : size;
    }
    std::reverse(pieces.begin(), pieces.end());
  }
  [[nodiscard]] pvhboot::memory_pieces memory() const { return {pieces}; }
  /// holds(paddr, byte) of every byte there is.
  template <class Holds> [[nodiscard]] bool all(const Holds& holds) const {
    for (const pvhboot::writable_window& piece : pieces)
      for (size_t i = 0; i < piece.contents.size(); ++i)
        if (!holds(piece.base + i, piece.contents[i])) return false;
    return true;
  }
  [[nodiscard]] bool untouched() const {
    return all([](uint64_t, uint8_t byte) { return byte == 0xee; });
  }
};

/// The byte at this address of the image, or what was there before.
inline uint8_t loaded_byte(const std::vector<elf_segment>& segments, span<const uint8_t> file, uint64_t paddr) {
  for (const elf_segment& s : segments)
    if (s.contains(paddr)) return paddr - s.paddr < s.filesz ? file[s.offset + (paddr - s.paddr)] : uint8_t{0};
  return 0xee;
}

struct memory_shape {
  bool has_hole;
  uint64_t hole;
  uint64_t piece;
};

inline void check_load(const elf_image& image, span<const uint8_t> file, uint64_t shift, const memory_shape& shape) {
  const uint64_t base = image.base() + shift;
  if (image.size() - 1 > ~uint64_t{} - base) {
    const guest none{0, 0, 1, ~uint64_t{}};
    const auto done = load_image(image, none.memory(), shift);
    LAW(!done && done.error().code == errc::load_wraps && done.error().where == base);
    return;
  }
  if (image.size() > largest_load) {
    const guest little{base, 0x100, 0x100, ~uint64_t{}};
    const auto done = load_image(image, little.memory(), shift);
    LAW(!done && done.error().code == errc::load_unwritable);
    LAW(little.untouched());
    return;
  }
  const std::vector<elf_segment> segments{image.segments().begin(), image.segments().end()};
  const uint64_t hole = shape.has_hole ? shape.hole % image.size() : ~uint64_t{};
  const guest ram{base, image.size(), shape.piece, hole};
  const auto done = load_image(image, ram.memory(), shift);
  const bool in_segment = shape.has_hole && image.segment_at(image.base() + hole) != nullptr;
  LAW(done.ok() == !in_segment);
  if (!done) LAW(done.error().code == errc::load_unwritable && done.error().where == base + hole);
  if (!done) LAW(ram.untouched());
  if (done) LAW(ram.all([&](uint64_t at, uint8_t byte) { return byte == loaded_byte(segments, file, at - shift); }));
}

/// A memory that vanishes during a load: the load says where, and it can vanish only in a segment.
inline void check_vanishing(const elf_image& image, span<const uint8_t> file, const memory_shape& shape) {
  if (image.size() > largest_load) return;
  const guest ram{image.base(), image.size(), shape.piece, ~uint64_t{}};
  size_t requests = shape.hole % 64;
  const auto done = load_image(image, vanishing_memory{ram.memory(), &requests});
  const std::vector<elf_segment> segments{image.segments().begin(), image.segments().end()};
  if (done) LAW(ram.all([&](uint64_t at, uint8_t byte) { return byte == loaded_byte(segments, file, at); }));
  if (done) return;
  LAW(requests == 0 && done.error().code == errc::load_unwritable && image.segment_at(done.error().where) != nullptr);
}

/// The file lies in the memory that it is loaded into: refused if a segment meets it, and harmless if none does.
inline void check_load_over_file(span<const uint8_t> file, const memory_shape& shape) {
  const elf_image image = *pvhboot::parse_elf(file);
  if (image.size() > largest_load) return;
  const auto n = static_cast<size_t>(image.size());
  const size_t at = static_cast<size_t>(shape.hole) % (n + 1);
  exact<uint8_t> block{n + file.size()};
  std::memset(block.get(), 0xee, block.size());
  std::memcpy(block.get() + at, file.data(), file.size());
  const exact<uint8_t> before = exact_copy(block.all());
  const elf_image inside = *pvhboot::parse_elf(span<const uint8_t>{block.get() + at, file.size()});
  const elf_segment* met = nullptr;
  for (const elf_segment& s : image.segments()) {
    const uint64_t from = s.paddr - image.base();
    if (!met && from < at + file.size() && at < from + s.memsz) met = &s;
  }
  const auto done = load_image(inside, pvhboot::writable_window{image.base(), block.all()});
  LAW(done.ok() == !met && std::equal(file.begin(), file.end(), block.get() + at));
  if (!met) return;
  LAW(done.error().code == errc::load_overlaps_file && done.error().where == met->paddr);
  LAW(std::memcmp(block.get(), before.get(), block.size()) == 0);
}

}  // namespace fuzz
