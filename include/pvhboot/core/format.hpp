// SPDX-License-Identifier: BSL-1.0
//
// Opt-in: a failure in one line, without stdio, and the document that its rule comes from.
//
//     char text[pvhboot::format_size];
//     puts(format(boot.error(), text).data());   // "the kernel image is truncated (offset 0x1234)"
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/message.hpp>

namespace pvhboot {

/// The document that the rule comes from.
constexpr string_ref source(errc code) noexcept {
  switch (static_cast<uint16_t>(code) & 0xff00) {
// clang-format off
#define PVHBOOT_ERROR_GROUP(group, first, source) case first: return (source);
// clang-format on
#include <pvhboot/core/errors.def>
    default: return "unknown";
  }
}

/// Room for the text of every failure and its NUL.
inline constexpr size_t format_size = 160;

/// "the kernel image is truncated (offset 0x1234)" into `buffer`, with a NUL, cut if it does not fit. Returns the text
/// without the NUL; absent if the buffer is empty.
constexpr string_ref format(const failure& f, span<char> buffer) noexcept {
  if (buffer.empty()) return {};
  size_t n = 0;
  const auto put = [&](char c) noexcept {
    if (n + 1 < buffer.size()) buffer[n++] = c;
  };
  const auto put_text = [&](const string_ref& text) noexcept {
    for (size_t i = 0; i < text.size(); ++i) put(text[i]);
  };
  put_text(message(f.code));
  put_text(" (");
  put_text(name(where_is(f.code)));
  put_text(" 0x");
  unsigned shift = 60;
  while (shift != 0 && f.where >> shift == 0) shift -= 4;
  for (;; shift -= 4) {
    put("0123456789abcdef"[(f.where >> shift) & 0xf]);
    if (shift == 0) break;
  }
  put(')');
  buffer[n] = '\0';
  return {buffer.data(), n};
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
