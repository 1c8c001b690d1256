// SPDX-License-Identifier: BSL-1.0
//
// Parts of the guest's checks that need no machine: tests/conformance runs them on the host.
#pragma once

#include <pvhboot/core/memory_range.hpp>

namespace conformance {

/// CRC-32 as gzip and zlib compute it.
constexpr uint32_t crc32(pvhboot::span<const uint8_t> bytes) {
  uint32_t crc = 0xffffffff;
  for (const uint8_t b : bytes) {
    crc ^= b;
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/// The checksum that the word "conformance.moduleN=XXXXXXXX" of a command line states.
struct stated_checksum {
  bool is_there = false;
  bool is_number = false;
  uint32_t value = 0;
};
constexpr stated_checksum checksum_of_module(pvhboot::string_ref cmdline, uint32_t module) {
  constexpr char word[] = "conformance.module";
  constexpr size_t n = sizeof word - 1;
  for (size_t at = 0; at + n <= cmdline.size(); ++at) {
    if (at != 0 && cmdline[at - 1] != ' ') continue;
    size_t same = 0;
    while (same < n && cmdline[at + same] == word[same]) ++same;
    size_t i = at + n;
    if (same != n) continue;
    uint32_t number = 0;
    const size_t digits = i;
    for (; i < cmdline.size() && cmdline[i] >= '0' && cmdline[i] <= '9'; ++i)
      number = number * 10 + static_cast<uint32_t>(cmdline[i] - '0');
    if (i == digits || number != module || i == cmdline.size() || cmdline[i] != '=') continue;
    stated_checksum found{.is_there = true};
    size_t count = 0;
    for (++i; i < cmdline.size() && cmdline[i] != ' '; ++i, ++count) {
      const char c = cmdline[i];
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
      if (digit < 0 || count == 8) return found;
      found.value = found.value << 4 | static_cast<uint32_t>(digit);
    }
    found.is_number = count == 8;
    return found;
  }
  return {};
}

/// A table whose contents are known, so that the image can check how it was loaded.
template <size_t N> struct known_words {
  uint32_t words[N];

  constexpr known_words() : words() {
    for (size_t i = 0; i < N; ++i) words[i] = word(i);
  }
  static constexpr uint32_t word(size_t i) { return static_cast<uint32_t>(i + 1) * 0x9e3779b9u; }
  /// The number of words that are as they were made. Reads memory, whatever the compiler knows.
  [[nodiscard]] size_t intact() const {
    size_t n = 0;
    const volatile uint32_t* w = words;
    for (size_t i = 0; i < N; ++i) n += w[i] == word(i) ? 1u : 0u;
    return n;
  }
};

}  // namespace conformance
