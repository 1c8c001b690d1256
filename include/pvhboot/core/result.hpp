// SPDX-License-Identifier: BSL-1.0
//
// Error codes and the result type. A function that can fail returns a result<T>: a value, or a failure that names the
// broken rule and the place.
//
//     const auto boot = pvhboot::parse(memory, paddr);
//     if (!boot) return boot.error();
//
// No exceptions and no allocation. The rules are the rows of errors.def; message.hpp has their sentences.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/span.hpp>

namespace pvhboot {

/// One value is one rule. A number keeps its meaning in later versions. 0 is no rule.
enum class errc : uint16_t {
#define PVHBOOT_ERROR(number, name, where, sentence) name = (number),
#include <pvhboot/core/errors.def>
};

/// A broken rule and where it is broken. What kind of number `where` is: where_is(code).
struct failure {
  errc code;       ///< the rule
  uint64_t where;  ///< the place
};

/// Not constexpr, so a constant expression that dereferences a failed result does not compile. Traps at run time.
[[__noreturn__]] inline void result_is_a_failure() noexcept { __builtin_trap(); }
/// The same for the error of a result that has a value.
[[__noreturn__]] inline void result_is_not_a_failure() noexcept { __builtin_trap(); }

/// Tag for in-place construction.
struct in_place {};

/// A T, or the reason why there is none. T is trivially destructible.
///
///     result<T> r = f();   if (!r) return r.error();   use(*r);   r->member
///
/// `*f()` copies the value, so a reference bound to it does not dangle.
template <class T> class [[__nodiscard__]] result {
 public:
  /// Success.
  constexpr result(T value) noexcept : value_(value), ok_(true) {}
  /// A failure.
  constexpr result(failure f) noexcept : failure_(f), ok_(false) {}
  /// A failure of this rule at this place.
  constexpr result(errc code, uint64_t where) noexcept : failure_{code, where}, ok_(false) {}
  /// T(arguments...) in place, for a T that is expensive to copy.
  template <class... Arguments>
  constexpr explicit result(in_place, const Arguments&... arguments) noexcept : value_(arguments...), ok_(true) {}
  /// Gives the value up.
  constexpr void fail(failure f) noexcept {
    failure_ = f;
    ok_ = false;
  }

  /// Whether there is a value.
  [[__nodiscard__]] constexpr bool ok() const noexcept { return ok_; }
  constexpr explicit operator bool() const noexcept { return ok_; }
  constexpr const T& operator*() const& noexcept {
    if (!ok_) result_is_a_failure();
    return value_;
  }
  constexpr T& operator*() & noexcept {
    if (!ok_) result_is_a_failure();
    return value_;
  }
  constexpr T operator*() const&& noexcept { return *static_cast<const result&>(*this); }
  constexpr const T* operator->() const noexcept { return &**this; }
  /// What is broken and where. Traps if there is a value.
  [[__nodiscard__]] constexpr failure error() const noexcept {
    if (ok_) result_is_not_a_failure();
    return failure_;
  }
  /// The value, or `other` if there is none.
  [[__nodiscard__]] constexpr T value_or(T other) const noexcept { return ok_ ? value_ : other; }

 private:
  union {
    T value_;
    failure failure_;
  };
  bool ok_;
};

/// Success without a value, or the reason why not.
template <> class [[__nodiscard__]] result<void> {
 public:
  /// Success.
  constexpr result() noexcept : failure_{errc{}, 0}, ok_(true) {}
  /// A failure.
  constexpr result(failure f) noexcept : failure_(f), ok_(false) {}
  /// A failure of this rule at this place.
  constexpr result(errc code, uint64_t where) noexcept : failure_{code, where}, ok_(false) {}

  /// Whether it is success.
  [[__nodiscard__]] constexpr bool ok() const noexcept { return ok_; }
  constexpr explicit operator bool() const noexcept { return ok_; }
  /// What is broken and where. Traps on success.
  [[__nodiscard__]] constexpr failure error() const noexcept {
    if (ok_) result_is_not_a_failure();
    return failure_;
  }

 private:
  failure failure_;
  bool ok_;
};

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
