// SPDX-License-Identifier: BSL-1.0
//
// The fields of wire structs as JSON, by reflection.
#pragma once

#include <string>
#include <type_traits>

#include <pvhboot/reflect.hpp>

#include "text.hpp"

namespace tool {

/// A number of a wire struct, or the bytes of an array in hexadecimal digits.
template <class V> json value_of(const V& v) {
  if constexpr (requires { v.get(); }) {
    const auto value = v.get();
    if constexpr (std::is_enum_v<std::remove_const_t<decltype(value)>>)
      return static_cast<std::underlying_type_t<std::remove_const_t<decltype(value)>>>(value);
    else
      return value;
  } else if constexpr (std::is_integral_v<V>) {
    return v;
  } else {
    const auto raw = __builtin_bit_cast(pvhboot::array<uint8_t, sizeof(V)>, v);
    return hex(pvhboot::span<const uint8_t>{raw.begin(), sizeof(V)});
  }
}

/// Appends {"name", "offset", "size", "value"} for every field, those of nested structs one by one. Offsets count as
/// the specification does.
template <class S> void add_fields(json& list, const S& s, const std::string& prefix = {}) {
  pvhboot::for_each_field(s, [&](const pvhboot::spec::field& f, const auto& value) {
    using value_type = std::remove_cvref_t<decltype(value)>;
    if constexpr (pvhboot::wire_struct<value_type>)
      add_fields(list, value, prefix + f.name + ".");
    else
      list.push_back({{"name", prefix + f.name}, {"offset", f.offset}, {"size", f.size}, {"value", value_of(value)}});
  });
}

template <class S> json fields_of(const S& s) {
  json list = json::array();
#ifdef __clang_analyzer__  // clang-tidy 14 takes the references in Boost.PFR's tuple for uninitialised
  static_cast<void>(s);
#else
  add_fields(list, s);
#endif
  return list;
}

}  // namespace tool
