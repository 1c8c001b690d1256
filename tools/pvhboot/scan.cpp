// SPDX-License-Identifier: BSL-1.0
#include "scan.hpp"

#include <cstring>

#include <pvhboot/abi/setup_header.hpp>
#include <pvhboot/abi/start_info.hpp>

namespace tool {

namespace {

template <class Word> Word word_at(const uint8_t* p) {
  Word word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

/// Some word of the block at a multiple of 4 is one of the magic numbers. Without a branch per word, so that compilers
/// use vectors.
uint32_t found_aligned(const uint8_t* block, size_t n) {
  uint32_t found = 0;
  for (size_t i = 0; i + 4 <= n; i += 4) {
    const auto word = word_at<uint32_t>(block + i);
    found |= word == pvhboot::abi::hvm_start_magic_value ? 1u : 0u;
    found |= word == pvhboot::abi::setup_header_magic ? 1u : 0u;
  }
  return found;
}

}  // namespace

bool is_zero(pvhboot::span<const uint8_t> bytes) {
  uint64_t any = 0;
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) any |= word_at<uint64_t>(bytes.data() + i);
  for (; i < bytes.size(); ++i) any |= bytes[i];
  return any == 0;
}

bool has_magic(pvhboot::span<const uint8_t> bytes) {
  uint32_t found = 0;
  for (size_t shift = 0; shift < 4 && shift < bytes.size(); ++shift)
    found |= found_aligned(bytes.data() + shift, bytes.size() - shift);
  return found != 0;
}

}  // namespace tool
