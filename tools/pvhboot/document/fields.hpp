// SPDX-License-Identifier: BSL-1.0
//
// The fields of wire structs, by the tables of spec.hpp. reflect.hpp walks fields as well, but needs the C++ standard
// library.
#pragma once

#include <pvhboot/spec.hpp>

#include "json_writer.hpp"

namespace tool::document {

/// walk(s, visit) calls visit(field, value) for each field of a wire struct.
// clang-format off
#define PVHBOOT_STRUCT(S, base, size)                                                    \
  template <class Visit> void walk(const pvhboot::abi::S& s, const Visit& visit) {       \
    const pvhboot::spec::field* f = pvhboot::spec::table<pvhboot::abi::S>::fields;
#define PVHBOOT_FIELD(S, F, offset, size, since) visit(*f++, s.F);
#define PVHBOOT_END(S) }
// clang-format on
#include <pvhboot/spec/linux.def>
#include <pvhboot/spec/xen.def>
#undef PVHBOOT_STRUCT
#undef PVHBOOT_FIELD
#undef PVHBOOT_END

template <class V> concept has_fields = requires { pvhboot::spec::table<V>::fields; };

inline pvhboot::string_ref text_of(const char* name) {
  size_t n = 0;
  while (name[n] != '\0') ++n;
  return {name, n};
}

/// A number, or the bytes of an array in hexadecimal digits.
template <class V> void write_value(json_writer& json, const V& v) {
  if constexpr (requires { v.get(); }) {
    json.member("value", static_cast<uint64_t>(v.get()));
  } else if constexpr (unsigned_number<V>) {
    json.member("value", v);
  } else {
    const auto raw = __builtin_bit_cast(pvhboot::array<uint8_t, sizeof(V)>, v);
    json.member("value", pvhboot::span<const uint8_t>{raw.begin(), sizeof(V)});
  }
}

/// {"name", "offset", "size", "value"} for each field, those of nested structs one by one as "outer.inner". Offsets
/// count as the specification does.
template <has_fields S> void write_fields_of(json_writer& json, const S& s, const pvhboot::string_ref& outer = {}) {
  walk(s, [&]<class V>(const pvhboot::spec::field& f, const V& value) {
    if constexpr (has_fields<V>)
      write_fields_of(json, value, text_of(f.name));  // no struct nests deeper
    else
      json.object([&] {
        json.pieces("name", [&](const text_sink& out) {
          out.text(outer);
          if (!outer.empty()) out.one('.');
          out.text(text_of(f.name));
        });
        json.member("offset", f.offset);
        json.member("size", f.size);
        write_value(json, value);
      });
  });
}

template <has_fields S> void write_fields(json_writer& json, const S& s) {
  json.array("fields", [&] { write_fields_of(json, s); });
}

}  // namespace tool::document
