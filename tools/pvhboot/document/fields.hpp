// SPDX-License-Identifier: BSL-1.0
//
// The fields of wire structs, by the tables of spec.hpp. reflect.hpp walks fields as well, but needs the C++ standard
// library and is code for each field; here one loop reads the bytes by the tables.
#pragma once

#include <pvhboot/spec.hpp>

#include "json_writer.hpp"

namespace tool::document {

struct shape;

/// A struct: its fields, and the shape of each.
struct struct_shape {
  pvhboot::span<const pvhboot::spec::field> fields{};
  const shape* shapes = nullptr;
  const char* const* meanings = nullptr;
  size_t base = 0;  ///< what the specification counts the first byte as
};

/// What a field is: a number, a struct, or bytes.
struct shape {
  bool is_number = false;
  const struct_shape* inner = nullptr;
};

template <class S> struct shapes_of;

template <class V> concept has_fields = requires { pvhboot::spec::table<V>::fields; };

template <class V> concept has_number = requires(const V& v) { v.get(); };
template <class V> concept is_byte = sizeof(V) == 1 && requires(V v) { v >> 1; };

template <class V> constexpr shape shape_of() {
  if constexpr (has_fields<V>)
    return {false, &shapes_of<V>::whole};
  else
    return {has_number<V> || is_byte<V>, nullptr};
}

/// What the fields of a struct mean; null where meanings.def has nothing on it.
template <class S> struct meanings_of { static constexpr const char* const* all = nullptr; };

// clang-format off
#define MEANINGS(S) template <> struct meanings_of<pvhboot::abi::S> { \
  struct row { const char* field; const char* text; };                 \
  static constexpr row rows[] = {
#define MEANING(S, F, text) {#F, text},
#define MEANINGS_END(S) };                                                       \
  static constexpr auto texts = texts_of(rows, pvhboot::spec::fields<pvhboot::abi::S>()); \
  static constexpr const char* const* all = texts.begin(); };
// clang-format on
constexpr bool is_same(const char* a, const char* b) {
  for (; *a != '\0' && *a == *b; ++a) ++b;
  return *a == *b;
}
/// The texts of the rows; no compilation unless there is one for each field, in order.
template <class Row, size_t N>
consteval pvhboot::array<const char*, N> texts_of(const Row (&rows)[N],
                                                  pvhboot::span<const pvhboot::spec::field> fields) {
  pvhboot::array<const char*, N> texts{};
  if (fields.size() != N) __builtin_trap();  // a row is missing
  for (size_t i = 0; i < N; ++i) {
    if (!is_same(rows[i].field, fields[i].name)) __builtin_trap();  // the row is of another field
    texts[i] = rows[i].text;
  }
  return texts;
}
#include "meanings.def"
#undef MEANINGS
#undef MEANING
#undef MEANINGS_END

// clang-format off
#define PVHBOOT_STRUCT(S, base, size) template <> struct shapes_of<pvhboot::abi::S> { \
  using table = pvhboot::spec::table<pvhboot::abi::S>;                                \
  static constexpr shape all[] = {
#define PVHBOOT_FIELD(S, F, offset, size, since) shape_of<decltype(pvhboot::abi::S::F)>(),
#define PVHBOOT_END(S) }; static constexpr struct_shape whole{table::fields, all, meanings_of<pvhboot::abi::S>::all, table::base}; };
// clang-format on
#include <pvhboot/spec/linux.def>
#include <pvhboot/spec/xen.def>
#undef PVHBOOT_STRUCT
#undef PVHBOOT_FIELD
#undef PVHBOOT_END

inline pvhboot::string_ref text_of(const char* name) {
  size_t n = 0;
  while (name[n] != '\0') ++n;
  return {name, n};
}

/// A field as it is written.
struct written_field {
  const char* outer;  ///< name of the struct that it is nested in, or ""
  const char* name;
  const char* meaning;
  size_t offset;
  size_t size;
  bool is_number;
};

/// {"name", "offset", "size", "meaning", "value"}. The value is a number, or the bytes in hexadecimal digits.
inline void write_field(json_writer& json, const written_field& f, const uint8_t* bytes) {
  json.object([&] {
    json.pieces("name", [&](const text_sink& out) {
      out.text(text_of(f.outer));
      if (*f.outer != '\0') out.one('.');
      out.text(text_of(f.name));
    });
    json.member("offset", f.offset);
    json.member("size", f.size);
    json.member("meaning", text_of(f.meaning));
    if (!f.is_number) return json.member("value", pvhboot::span<const uint8_t>{bytes, f.size});
    uint64_t number = 0;
    for (size_t i = f.size; i != 0; --i) number = number << 8 | bytes[i - 1];
    json.member("value", number);
  });
}

/// `bytes` lie at `offset`; `meaning` is that of fields without one of their own.
inline void write_fields_at(json_writer& json, const struct_shape& s, const char* outer, const char* meaning,
                            const uint8_t* bytes, size_t offset) {
  for (size_t i = 0; i < s.fields.size(); ++i) {
    const pvhboot::spec::field& f = s.fields[i];
    const size_t inside = f.offset - s.base;
    const char* const own = s.meanings != nullptr ? s.meanings[i] : meaning;
    if (s.shapes[i].inner != nullptr)
      write_fields_at(json, *s.shapes[i].inner, f.name, own, bytes + inside,
                      offset + inside);  // no struct nests deeper
    else
      write_field(json, {outer, f.name, own, offset + inside, f.size, s.shapes[i].is_number}, bytes + inside);
  }
}

/// The fields of a struct as the array "fields", those of nested structs one by one as "outer.inner". Offsets count
/// from the start of S, and in a setup_header from the start of the file.
template <has_fields S> void write_fields(json_writer& json, const S& s) {
  constexpr auto& whole = shapes_of<S>::whole;
  json.array("fields", [&] { write_fields_at(json, whole, "", "", reinterpret_cast<const uint8_t*>(&s), whole.base); });
}

}  // namespace tool::document
