// SPDX-License-Identifier: BSL-1.0
//
// From the text that document/ writes to a JSON value.
#pragma once

#include <string>

#include "document/json_writer.hpp"
#include "text.hpp"

namespace tool {

/// Appends to a std::string.
inline document::text_sink sink_of(std::string& to) {
  return {[](void* string, const char* text, size_t n) { static_cast<std::string*>(string)->append(text, n); }, &to};
}

/// What write(json_writer&) writes, a whole value.
template <class Write> json parsed(const Write& write) {
  std::string text;
  document::json_writer out{sink_of(text)};
  write(out);
  return json::parse(text);
}

/// The object of the members that write(json_writer&) writes.
template <class Write> json parsed_object(const Write& write) {
  return parsed([&](document::json_writer& out) { out.object([&] { write(out); }); });
}

}  // namespace tool
