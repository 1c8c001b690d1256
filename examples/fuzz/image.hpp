// SPDX-License-Identifier: BSL-1.0
//
// Makes a kernel image from few bytes, so that inputs contain no kilobytes of code.
#pragma once

#include "harness.hpp"

namespace fuzz {

/// An image in a block of exactly its size.
struct image_file {
  exact<uint8_t> block;
  [[nodiscard]] span<const uint8_t> bytes() const { return block.all(); }
};

/// Input: u8 fill, u16 size, 144 bytes for 0x1f1 up to 0x281, the end of the longest header; u8 n, n patches of u16
/// offset (from the protected-mode code), u8 and four bytes.
inline image_file read_image(input& in) {
  constexpr size_t header_at = 0x1f1;
  constexpr size_t header_size = 0x281 - header_at;
  const uint8_t fill = in.u8();
  exact<uint8_t> file{in.u16()};
  std::memset(file.get(), fill, file.size());
  for (size_t i = header_at; i < header_at + header_size; ++i) {
    const uint8_t b = in.u8();
    if (i < file.size()) file[i] = b;
  }
  const size_t code_at = file.size() > header_at ? (file[header_at] + size_t{1}) * 512 : 0;
  for (unsigned n = in.u8() % 8; n > 0; --n) {
    const size_t at = code_at + in.u16();
    for (size_t i = at; i < at + 4; ++i) {
      const uint8_t b = in.u8();
      if (i < file.size()) file[i] = b;
    }
  }
  return {std::move(file)};
}

}  // namespace fuzz
