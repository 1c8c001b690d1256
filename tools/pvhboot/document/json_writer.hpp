// SPDX-License-Identifier: BSL-1.0
//
// JSON as text, written in order: the caller nests objects and arrays by calls.
//
//     json.object([&] {
//       json.member("address", paddr);
//       json.array("notes", [&] { for (...) json.value(note); });
//     });
#pragma once

#include "text_sink.hpp"

namespace tool::document {

template <class N> concept unsigned_number = requires(N n) { n >> 1; }
&&static_cast<N>(~N{}) > N{};

/// The length of the UTF-8 character at text[i]; 0 if there is none. Without surrogates and longer forms than needed.
inline size_t utf8_length(const pvhboot::string_ref& text, size_t i) {
  const auto byte = [&](size_t at) { return at < text.size() ? static_cast<uint8_t>(text[at]) : 0u; };
  const unsigned lead = byte(i);
  if (lead < 0x80) return 1;
  const size_t n = lead < 0xc2 ? 0u : lead < 0xe0 ? 2u : lead < 0xf0 ? 3u : lead < 0xf5 ? 4u : 0u;
  for (size_t k = 1; k < n; ++k)
    if (byte(i + k) >> 6 != 2) return 0;
  const unsigned second = byte(i + 1);
  const bool is_bad = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                      (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return is_bad ? 0 : n;
}

inline bool is_utf8(const pvhboot::string_ref& text) {
  for (size_t i = 0; i < text.size();) {
    const size_t n = utf8_length(text, i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

class json_writer {
 public:
  explicit json_writer(text_sink out) : out_(out) {}

  template <class Members> void object(const Members& members) { enclose('{', '}', members); }
  template <class Members> void object(const pvhboot::string_ref& name, const Members& members) {
    key(name);
    object(members);
  }
  template <class Elements> void array(const pvhboot::string_ref& name, const Elements& elements) {
    key(name);
    enclose('[', ']', elements);
  }
  template <class Value> void member(const pvhboot::string_ref& name, const Value& v) {
    key(name);
    value(v);
  }
  void null_member(const pvhboot::string_ref& name) {
    key(name);
    begin();
    out_.text("null");
  }

  template <unsigned_number N> void value(N n) {
    begin();
    out_.decimal(n);
  }
  void value(bool b) {
    begin();
    if (b)
      out_.text("true");
    else
      out_.text("false");
  }
  void value(const pvhboot::string_ref& text) {
    begin();
    quoted([&] {
      for (const char c : text) escaped(c);
    });
  }
  template <size_t N> void value(const char (&literal)[N]) { value(pvhboot::string_ref{literal}); }
  /// Bytes as a string of hexadecimal digits.
  void value(const pvhboot::span<const uint8_t>& bytes) {
    begin();
    quoted([&] { out_.hex_bytes(bytes); });
  }
  /// A string that the caller puts into the sink piece by piece, without characters that need an escape.
  template <class Pieces> void pieces(const pvhboot::string_ref& name, const Pieces& put) {
    key(name);
    begin();
    quoted([&] { put(out_); });
  }
  /// Text of the guest: a string if it is UTF-8, {"hex": "…"} otherwise, null if it is absent.
  void guest_text(const pvhboot::string_ref& name, const pvhboot::string_ref& text) {
    if (text.absent())
      null_member(name);
    else if (is_utf8(text))
      member(name, text);
    else
      object(name, [&] {
        member("hex", pvhboot::span<const uint8_t>{reinterpret_cast<const uint8_t*>(text.data()), text.size()});
      });
  }

 private:
  void begin() {
    if (comma_) out_.one(',');
    comma_ = true;
  }
  void key(const pvhboot::string_ref& name) {
    value(name);
    out_.one(':');
    comma_ = false;
  }
  template <class Inside> void enclose(char first, char last, const Inside& inside) {
    begin();
    out_.one(first);
    comma_ = false;
    inside();
    out_.one(last);
    comma_ = true;
  }
  template <class Inside> void quoted(const Inside& inside) {
    out_.one('"');
    inside();
    out_.one('"');
  }
  void escaped(char c) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') out_.one('\\');
    if (byte >= 0x20) return out_.one(c);
    out_.text("\\u00");
    out_.hex_bytes({&byte, 1});
  }

  text_sink out_;
  bool comma_ = false;  ///< something is before the next value
};

}  // namespace tool::document
