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
  size_t base = 0;  ///< what the specification counts the first byte as
};

/// What a field is: a number, a struct, or bytes.
struct shape {
  bool is_number = false;
  const struct_shape* inner = nullptr;
};

template <class S> struct shapes_of;

template <class V> concept has_fields = requires { pvhboot::spec::table<V>::fields; };

template <class V> constexpr shape shape_of() {
  if constexpr (has_fields<V>)
    return {false, &shapes_of<V>::whole};
  else if constexpr (requires(const V& v) { v.get(); })
    return {true, nullptr};
  else
    return {sizeof(V) == 1 && requires(V v){v >> 1;
}
, nullptr
};  // namespace tool::document
}

// clang-format off
#define PVHBOOT_STRUCT(S, base, size) template <> struct shapes_of<pvhboot::abi::S> { \
  using table = pvhboot::spec::table<pvhboot::abi::S>;                                \
  static constexpr shape all[] = {
#define PVHBOOT_FIELD(S, F, offset, size, since) shape_of<decltype(pvhboot::abi::S::F)>(),
#define PVHBOOT_END(S) }; static constexpr struct_shape whole{table::fields, all, table::base}; };
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

/// {"name", "offset", "size", "value"}. The value is a number, or the bytes in hexadecimal digits.
inline void write_field(json_writer& json, const pvhboot::spec::field& f, bool is_number, const char* outer,
                        const uint8_t* bytes) {
  json.object([&] {
    json.pieces("name", [&](const text_sink& out) {
      out.text(text_of(outer));
      if (*outer != '\0') out.one('.');
      out.text(text_of(f.name));
    });
    json.member("offset", f.offset);
    json.member("size", f.size);
    if (!is_number) return json.member("value", pvhboot::span<const uint8_t>{bytes, f.size});
    uint64_t number = 0;
    for (size_t i = f.size; i != 0; --i) number = number << 8 | bytes[i - 1];
    json.member("value", number);
  });
}

inline void write_fields_at(json_writer& json, const struct_shape& s, const char* outer, const uint8_t* bytes) {
  for (size_t i = 0; i < s.fields.size(); ++i) {
    const pvhboot::spec::field& f = s.fields[i];
    const uint8_t* const at = bytes + (f.offset - s.base);
    if (s.shapes[i].inner != nullptr)
      write_fields_at(json, *s.shapes[i].inner, f.name, at);  // no struct nests deeper
    else
      write_field(json, f, s.shapes[i].is_number, outer, at);
  }
}

/// The fields of a struct as the array "fields", those of nested structs one by one as "outer.inner". Offsets count as
/// the specification does.
template <has_fields S> void write_fields(json_writer& json, const S& s) {
  json.array("fields", [&] { write_fields_at(json, shapes_of<S>::whole, "", reinterpret_cast<const uint8_t*>(&s)); });
}

}  // namespace tool::document
