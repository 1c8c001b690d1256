// SPDX-License-Identifier: BSL-1.0
//
// ROW: a test that runs twice. In a static_assert it proves that nothing undefined happens; in doctest it gives
// coverage, sanitizers, and on failure the line.
#pragma once

#include <doctest/doctest.h>

#include <pvhboot/linux/e820.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvhboot.hpp>

/// Inside a ROW: ends it as failed unless the condition holds.
#define EXPECT(...) \
  if (!(__VA_ARGS__)) return __LINE__

#define ROW_JOIN_(a, b) a##b
#define ROW_NAME_(a, b) ROW_JOIN_(a, b)
/// With PVHBOOT_ROWS_AT_RUN_TIME a row runs in doctest only, which compiles several times faster: for measurements.
#ifdef PVHBOOT_ROWS_AT_RUN_TIME
#define ROW_IS_TRUE_(row, title) true
#else
#define ROW_IS_TRUE_(row, title) row() == 0, title
#endif
/// ROW("title", { statements; EXPECT(condition); })
#define ROW(title, ...)                                                                                            \
  static constexpr auto ROW_NAME_(row_, __LINE__) = []() -> int { __VA_ARGS__ return 0; };                         \
  static_assert(ROW_IS_TRUE_(ROW_NAME_(row_, __LINE__), title));                                                   \
  TEST_CASE(title) {                                                                                               \
    int (*volatile run)() = ROW_NAME_(row_, __LINE__); /* volatile, or the call could be folded into a constant */ \
    const int failed_line = run();                                                                                 \
    CHECK_MESSAGE(failed_line == 0, "line ", failed_line);                                                         \
  }                                                                                                                \
  static_assert(true)

namespace test {

using pvhboot::errc;
using pvhboot::memory_range;
using pvhboot::memory_type;

/// The result failed in this way, at this place.
template <class Result> constexpr bool fails(const Result& r, errc code, uint64_t where) {
  return !r && r.error().code == code && r.error().where == where;
}

/// N equal bytes. A variable of this type, made once at compile time, is copied faster than a loop fills an array.
template <size_t N> constexpr pvhboot::array<uint8_t, N> filled(uint8_t with) {
  pvhboot::array<uint8_t, N> bytes{};
  for (uint8_t& b : bytes) b = with;
  return bytes;
}

/// N bytes of physical memory from `base`, to be filled with wire structs.
template <size_t N> struct memory {
  uint64_t base = 0x1000;
  pvhboot::array<uint8_t, N> contents{};

  template <class Wire> constexpr void put(uint64_t paddr, const Wire& wire) {
    const auto raw = __builtin_bit_cast(pvhboot::array<uint8_t, sizeof(Wire)>, wire);
    for (size_t i = 0; i < sizeof(Wire); ++i) contents[static_cast<size_t>(paddr - base) + i] = raw[i];
  }
  template <size_t Size> constexpr void put_text(uint64_t paddr, const char (&text)[Size]) {
    for (size_t i = 0; i < Size; ++i) contents[static_cast<size_t>(paddr - base) + i] = static_cast<uint8_t>(text[i]);
  }
  [[nodiscard]] constexpr pvhboot::memory_window window() const { return {base, contents}; }
};

/// N ranges. A view to span, so that a temporary one can be an argument.
template <size_t N> struct table {
  using element_type = const memory_range;
  memory_range elems_[N];
  [[nodiscard]] constexpr const memory_range* data() const { return elems_; }
  [[nodiscard]] constexpr memory_range* data() { return elems_; }
  [[nodiscard]] constexpr size_t size() const { return N; }
  [[nodiscard]] constexpr const memory_range* begin() const { return elems_; }
  [[nodiscard]] constexpr const memory_range* end() const { return elems_ + N; }
  constexpr const memory_range& operator[](size_t i) const { return elems_[i]; }
};

constexpr memory_range range(uint64_t addr, uint64_t size, uint32_t type) { return {addr, size, memory_type{type}}; }

}  // namespace test
