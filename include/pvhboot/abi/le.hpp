// SPDX-License-Identifier: BSL-1.0
//
// le<T>: a little-endian integer or enumeration of fixed width whose alignment is 1, and the array that goes with it.
//
// Every multi-byte member of a wire struct is one of these, because a plain integer would make the layout depend on the
// target: {u64, u64, u32} is 24 bytes with -m64 and 20 with -m32, and Xen's dom0 builder hands over structures that are
// only 4-byte aligned. A read or write compiles to the instruction a packed C struct would use (tests/codegen).
#pragma once

#include <pvhboot/abi/begin.def>

namespace pvhboot {

/// std::array without <array>, which clang cannot compile with -mgeneral-regs-only. Aggregate; indices are not checked.
template <class T, size_t N> struct array {
  using value_type = T;
  T elems_[N];

  constexpr T& operator[](size_t i) noexcept { return elems_[i]; }
  constexpr const T& operator[](size_t i) const noexcept { return elems_[i]; }
  static constexpr size_t size() noexcept { return N; }
  constexpr T* data() noexcept { return elems_; }
  constexpr const T* data() const noexcept { return elems_; }
  constexpr T* begin() noexcept { return elems_; }
  constexpr T* end() noexcept { return elems_ + N; }
  constexpr const T* begin() const noexcept { return elems_; }
  constexpr const T* end() const noexcept { return elems_ + N; }
};

/// v, which the caller knows to fit, as a To. A template, as g++ -Wuseless-cast refuses the cast from uint64_t to
/// size_t elsewhere with -m64, where the two are one type.
template <class To, class From> constexpr To narrow_cast(From v) noexcept { return static_cast<To>(v); }

/// What an alignment has to be.
constexpr bool is_power_of_two(uint64_t n) noexcept { return n != 0 && (n & (n - 1)) == 0; }

/// v with its bytes reversed on a big-endian machine, v itself on a little-endian one.
template <class T> constexpr T swap_to_little_endian(T v) noexcept {
  if constexpr (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ || sizeof(T) == 1)
    return v;
  else if constexpr (sizeof(T) == 2)
    return __builtin_bswap16(v);
  else if constexpr (sizeof(T) == 4)
    return __builtin_bswap32(v);
  else
    return __builtin_bswap64(v);
}

// These are variable templates and not requires-expressions on a value of type U: an expression would recurse through
// the conversions of le itself, and through the probe type that Boost.PFR counts members with.
/// An unsigned integer type of the language, which bool and char are not.
template <class T> inline constexpr bool is_unsigned_integer = false;
template <> inline constexpr bool is_unsigned_integer<unsigned char> = true;
template <> inline constexpr bool is_unsigned_integer<unsigned short> = true;
template <> inline constexpr bool is_unsigned_integer<unsigned int> = true;
template <> inline constexpr bool is_unsigned_integer<unsigned long> = true;
template <> inline constexpr bool is_unsigned_integer<unsigned long long> = true;
/// An integer type of the language, which bool and char are not.
template <class T> inline constexpr bool is_integer = is_unsigned_integer<T>;
template <> inline constexpr bool is_integer<signed char> = true;
template <> inline constexpr bool is_integer<short> = true;
template <> inline constexpr bool is_integer<int> = true;
template <> inline constexpr bool is_integer<long> = true;
template <> inline constexpr bool is_integer<long long> = true;

/// Not constexpr: a constant that a field cannot hold ends compilation at a call to this name. It has a body because
/// clang 14 emits consteval functions that a lambda uses.
template <class T> void value_does_not_fit_in_field(T) noexcept { __builtin_trap(); }

/// Named in the diagnostic of `field = value`, where value is wider than the field, or signed, and no constant.
struct run_time_value_needs_a_static_cast_to_the_type_of_the_field;

/// A little-endian T in sizeof(T) bytes, alignment 1. Reads convert implicitly; get() does so where the language cannot
/// choose (`c ? s.flags.get() : 1u`). Only unsigned integers of the field's width or less convert to it, and constants
/// of any integer type that fit; every other value is a compile error. No |= and the like, which would hide a
/// narrowing: write h.flags = h.flags | bit.
template <class T> struct le {
  static_assert(is_unsigned_integer<T>, "pvhboot: le<T> takes an unsigned integer type");
  using value_type = T;

  /// U is the type of the field.
  template <class U> static constexpr bool is_value = __is_same(U, T);
  /// Every value of U fits the field.
  template <class U>
  static constexpr bool always_fits = is_unsigned_integer<U> && !is_value<U> && sizeof(U) <= sizeof(T);

  /// Not initialised; `le{}` is 0.
  le() = default;
  // Templates, all of them: a plain parameter of type T takes floating-point numbers, wide enumerations and __int128.
  /// From a type whose values all fit.
  template <class U>
    requires(is_value<U> || always_fits<U>)
  constexpr le(U v) noexcept : raw_{swap_to_little_endian(static_cast<T>(v))} {}
  template <class U, class Hint = run_time_value_needs_a_static_cast_to_the_type_of_the_field>
    requires(is_integer<U> && !is_value<U> && !always_fits<U>)
#ifdef __clang__  // names constructor and hint in its diagnostic; 14 does not take a template argument by reference
  /// From a constant that fits.
  consteval le(U v) noexcept : le(fit(v)) {}
#else  // g++ names the constructor only if the value is a reference
  consteval le(const U& v) noexcept : le(fit(v)) {}
#endif

  /// The value.
  [[__nodiscard__]] constexpr T get() const noexcept { return swap_to_little_endian(raw_.value); }
  /// The same as get().
  constexpr operator T() const noexcept { return get(); }

 private:
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpacked"  // g++ calls it unnecessary: the alignment of 1 is what it is for
  /// Packed, so that the alignment is 1, and private, so that nothing can bind a reference to it. Bytes and
  /// __builtin_bit_cast would do as well, but g++ -O1 then stores a constant byte by byte and clang 14 unrolls copies.
  struct [[gnu::__packed__, gnu::__may_alias__]] word {
    T value;
  };
#pragma GCC diagnostic pop

  word raw_;

  template <class U> static consteval T fit(U v) noexcept {
    if (v < U{} || static_cast<U>(static_cast<T>(v)) != v) value_does_not_fit_in_field(v);
    return static_cast<T>(v);
  }
};

/// A little-endian enumeration of fixed, unsigned underlying type. Takes and gives the enumeration and nothing else;
/// the number that a type lacks a name for is written `E{n}`.
template <class E>
  requires(__is_enum(E))
struct le<E> {
  using value_type = E;

  /// Not initialised; `le{}` is 0.
  le() = default;
  /// From the enumeration and nothing else.
  constexpr le(E v) noexcept : raw_{static_cast<__underlying_type(E)>(v)} {}

  /// The value.
  [[__nodiscard__]] constexpr E get() const noexcept { return static_cast<E>(raw_.get()); }
  /// The same as get().
  constexpr operator E() const noexcept { return get(); }

 private:
  le<__underlying_type(E)> raw_;
};

/// Two bytes.
using le16 = le<uint16_t>;
/// Four bytes.
using le32 = le<uint32_t>;
/// Eight bytes.
using le64 = le<uint64_t>;

static_assert(sizeof(le16) == 2 && sizeof(le32) == 4 && sizeof(le64) == 8 && alignof(le64) == 1);
static_assert(__is_trivially_copyable(le64) && __is_trivial(le64) && __is_standard_layout(le64));
static_assert(__builtin_bit_cast(array<uint8_t, 4>, le32(0x336ec578u))[0] == 0x78);

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
