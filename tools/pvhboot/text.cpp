// SPDX-License-Identifier: BSL-1.0
#include "text.hpp"

#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

#include <pvhboot/core/format.hpp>

namespace tool {

std::string text(const pvhboot::failure& f) {
  char line[pvhboot::format_size];
  return text(format(f, line));
}

std::string bytes_of(const json& text) {
  if (text.is_string()) return text.get<std::string>();
  const auto digits = text.at("hex").get<std::string>();
  std::string bytes;
  if (digits.size() % 2 != 0) throw bad_input("\"hex\" has an odd number of digits");
  for (size_t i = 0; i < digits.size(); i += 2) {
    const std::string pair = digits.substr(i, 2);
    if (pair.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
      throw bad_input(fmt::format("\"hex\" has {:?}, which is no hexadecimal number", pair));
    bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
  }
  return bytes;
}

std::string hex(uint64_t number) { return fmt::format("{:#x}", number); }

std::string printable(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      line += fmt::format("\\x{:02x}", byte);
    else
      line += c;
  }
  return line;
}

std::string painted(ink colour, std::string_view text) {
  static const bool on = [] {
    const char* no = std::getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) != 0 && (no == nullptr || *no == '\0');
  }();
  constexpr const char* codes[] = {"", "32", "33", "31", "2", "1"};
  const char* code = codes[static_cast<size_t>(colour)];
  if (!on || *code == '\0') return std::string{text};
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

}  // namespace tool
