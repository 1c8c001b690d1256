// SPDX-License-Identifier: BSL-1.0
//
// Where generated text goes, and how numbers and quoted text are written. Freestanding, as everything in this folder:
// the program and the page in the browser share it.
#pragma once

#include <pvhboot/core/span.hpp>

namespace tool::document {

/// Takes text piece by piece. A function pointer, so that what writes is compiled once for every destination.
struct text_sink {
  void (*put)(void* to, const char* text, size_t n);
  void* to;

  void chars(const char* text, size_t n) const {
    if (n != 0) put(to, text, n);
  }
  void one(char c) const { put(to, &c, 1); }
  void text(const pvhboot::string_ref& t) const { chars(t.data(), t.size()); }

  void decimal(uint64_t n) const {
    char digits[20];
    size_t at = sizeof digits;
    do {
      digits[--at] = static_cast<char>('0' + n % 10);
      n /= 10;
    } while (n != 0);
    chars(digits + at, sizeof digits - at);
  }
  /// "0x1f", without leading zeroes.
  void hex(uint64_t n) const {
    unsigned shift = 60;
    while (shift != 0 && n >> shift == 0) shift -= 4;
    text("0x");
    for (;; shift -= 4) {
      one(hex_digit(n >> shift));
      if (shift == 0) break;
    }
  }
  /// Two digits a byte.
  void hex_bytes(pvhboot::span<const uint8_t> bytes) const {
    for (const uint8_t b : bytes) {
      const char pair[] = {hex_digit(b >> 4), hex_digit(b)};
      chars(pair, 2);
    }
  }
  static char hex_digit(uint64_t n) { return "0123456789abcdef"[n & 0xf]; }
};

}  // namespace tool::document
