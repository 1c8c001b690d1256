// SPDX-License-Identifier: BSL-1.0
//
// The library's values as text and JSON.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <pvhboot/core/memory_range.hpp>
#include <pvhboot/core/result.hpp>

namespace tool {

using nlohmann::json;

/// Input that cannot be read or used. The program prints it and ends with status 2.
class bad_input : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline std::string text(const pvhboot::string_ref& t) {
  return t.absent() ? std::string{} : std::string(t.data(), t.size());
}

/// "the kernel image is truncated (offset 0x1234)".
std::string text(const pvhboot::failure& f);
/// The bytes of a text of the guest, which is a JSON string, or {"hex": "…"} if it is not UTF-8.
std::string bytes_of(const json& text);

std::string hex(uint64_t number);

/// Text with the control characters of a terminal replaced, so that a file cannot drive the terminal.
std::string printable(std::string_view text);

enum class ink { plain, good, warning, bad, faint, strong };
/// Coloured if standard output is a terminal and NO_COLOR is not set.
std::string painted(ink colour, std::string_view text);

}  // namespace tool
