// SPDX-License-Identifier: BSL-1.0
//
// What the instrumented headers of switched.py call: a mutant is on if the environment variable MUTANT has its number.
// In constant expressions all are off.
//
// a < b becomes a < operation<N, OLD, NEW>{} < b, which keeps the precedence; its first half makes a `left` of a.
#pragma once

extern "C" char* getenv(const char*) noexcept;

namespace switched {

inline const int active = [] {
  int n = 0;
  for (const char* p = getenv("MUTANT"); p && *p != 0; ++p) n = n * 10 + (*p - '0');
  return n;
}();

template <int N> constexpr bool on() noexcept { return !__builtin_is_constant_evaluated() && active == N; }
template <int N, class T> constexpr T number(T value, T other) noexcept { return on<N>() ? other : value; }

template <int N, int Old, int New> struct operation {};
template <int N, int Old, int New, class T> struct left { const T& value; };

template <int Which, class A, class B> constexpr auto apply(const A& a, const B& b) noexcept {
  if constexpr (Which == 0) return a < b;
  if constexpr (Which == 1) return a <= b;
  if constexpr (Which == 2) return a > b;
  if constexpr (Which == 3) return a >= b;
  if constexpr (Which == 4) return a == b;
  if constexpr (Which == 5) return a != b;
  if constexpr (Which == 6) return a + b;
  if constexpr (Which == 7) return a - b;
  if constexpr (Which == 8) return a * b;
  if constexpr (Which == 9) return a / b;
  if constexpr (Which == 10) return a % b;
  if constexpr (Which == 11) return a & b;
  if constexpr (Which == 12) return a | b;
  if constexpr (Which == 13) return a ^ b;
  if constexpr (Which == 14) return a << b;
  if constexpr (Which == 15) return a >> b;
}

#define SWITCHED_OPERATOR(sign)                                                               \
  template <class A, int N, int Old, int New>                                                 \
  constexpr left<N, Old, New, A> operator sign(const A& a, operation<N, Old, New>) noexcept { \
    return {a};                                                                               \
  }                                                                                           \
  template <int N, int Old, int New, class A, class B>                                        \
  constexpr auto operator sign(const left<N, Old, New, A>& a, const B& b) noexcept {          \
    using result = decltype(apply<Old>(a.value, b));                                          \
    return on<N>() ? static_cast<result>(apply<New>(a.value, b)) : apply<Old>(a.value, b);    \
  }
SWITCHED_OPERATOR(<)
SWITCHED_OPERATOR(<=)
SWITCHED_OPERATOR(>)
SWITCHED_OPERATOR(>=)
SWITCHED_OPERATOR(==)
SWITCHED_OPERATOR(!=)
SWITCHED_OPERATOR(+)
SWITCHED_OPERATOR(-)
SWITCHED_OPERATOR(*)
SWITCHED_OPERATOR(/)
SWITCHED_OPERATOR(%)
SWITCHED_OPERATOR(&)
SWITCHED_OPERATOR(|)
SWITCHED_OPERATOR(^)
SWITCHED_OPERATOR(<<)
SWITCHED_OPERATOR(>>)
#undef SWITCHED_OPERATOR

}  // namespace switched
