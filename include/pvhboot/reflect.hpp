// SPDX-License-Identifier: BSL-1.0
//
// Opt-in, and the only header that includes Boost.PFR (1.81): walk the fields of a wire struct, compare two of them.
//
// PFR gives the values and their types, the tables of spec.hpp the names and offsets; tests/layout proves that the two
// agree. For printing, diffing and fuzzing; costs about half a second of compile time, so no other header uses it.
//
//     pvhboot::for_each_field(zero_page.hdr, [](const pvhboot::spec::field& f, const auto& value) {
//       use(f.name, f.offset, value);
//     });
#pragma once

#include <boost/pfr/core.hpp>
#include <type_traits>
#include <utility>

#include <pvhboot/abi/begin.def>
#include <pvhboot/spec.hpp>

namespace pvhboot {

/// A struct of abi/: it has a table of fields. Members may be such structs again.
template <class S> concept wire_struct = requires { spec::table<S>::fields; };

/// Byte for byte. V is what a wire struct can hold: a le<T>, a byte, an array or another wire struct.
template <class V> constexpr bool same_bytes(const V& a, const V& b) noexcept {
  const auto x = __builtin_bit_cast(array<uint8_t, sizeof(V)>, a);
  const auto y = __builtin_bit_cast(array<uint8_t, sizeof(V)>, b);
  for (size_t i = 0; i < sizeof(V); ++i)
    if (x[i] != y[i]) return false;
  return true;
}

/// visit(field, value…) is noexcept for every field, with one value of each struct S. Fields is fields_of<Struct>.
template <class Fields, class Visitor, class... S> inline constexpr bool visits_noexcept = false;
/// Whether a visit of field I is noexcept.
template <size_t I, class Visitor, class... S>
inline constexpr bool visits_field_noexcept =
    noexcept(std::declval<Visitor&>()(std::declval<const spec::field&>(), boost::pfr::get<I>(std::declval<S&>())...));
template <size_t... I, class Visitor, class... S>
inline constexpr bool visits_noexcept<std::index_sequence<I...>, Visitor, S...> =
    (visits_field_noexcept<I, Visitor, S...> && ...);

/// The indices of the fields of a struct.
template <class Struct> using fields_of = std::make_index_sequence<boost::pfr::tuple_size_v<Struct>>;

/// visit(field, value) for every field in order. A nested struct is one value: walk it in turn where
/// wire_struct<decltype(value)> says that it is one. S may be const or not, and so are the values then.
template <class S, class Visitor>
  requires wire_struct<std::remove_const_t<S>>
constexpr void for_each_field(S& s, Visitor&& visit) noexcept(
    visits_noexcept<fields_of<std::remove_const_t<S>>, Visitor, S>) {
  using Struct = std::remove_const_t<S>;
  [&]<size_t... I>(std::index_sequence<I...> all) noexcept(visits_noexcept<decltype(all), Visitor, S>) {
    (visit(spec::table<Struct>::fields[I], boost::pfr::get<I>(s)), ...);
  }
  (fields_of<Struct>{});
}

/// visit(field, value in a, value in b) for every field whose bytes differ. Returns how many there are.
template <wire_struct S, class Visitor>
constexpr size_t for_each_difference(const S& a, const S& b, Visitor&& visit) noexcept(
    visits_noexcept<fields_of<S>, Visitor, const S, const S>) {
  size_t n = 0;
  [&]<size_t... I>(std::index_sequence<I...> all) noexcept(visits_noexcept<decltype(all), Visitor, const S, const S>) {
    (
        [&]() noexcept(visits_field_noexcept<I, Visitor, const S, const S>) {
          if (same_bytes(boost::pfr::get<I>(a), boost::pfr::get<I>(b))) return;
          ++n;
          visit(spec::table<S>::fields[I], boost::pfr::get<I>(a), boost::pfr::get<I>(b));
        }(),
        ...);
  }
  (fields_of<S>{});
  return n;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
