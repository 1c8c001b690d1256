// SPDX-License-Identifier: BSL-1.0
//
// Common code of the harnesses: the check of a law, the reader of an input, and maps with their storage.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include <pvhboot/core/format.hpp>
#include <pvhboot/linux/e820.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvhboot.hpp>

#include "exact.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

/// A check or a model of the harness itself. Its branches do not guide the fuzzer, which looks for those of the
/// library.
#if defined(__clang__)
#define MODEL [[gnu::noinline, clang::no_sanitize("coverage")]]
#else
#define MODEL [[gnu::noinline]]
#endif

/// Checks a law of the library. A fuzzer saves the input that breaks it. GCC refuses to compile a law that it knows to
/// hold without optimisation: such a law cannot fail, whatever the library does.
#ifdef FUZZ_DIGEST
#define LAW(...)                                                            \
  do {                                                                      \
    static const fuzz::reached_law reached{__FILE__, __LINE__};             \
    const bool holds = static_cast<bool>(__VA_ARGS__);                      \
    if (__builtin_constant_p(holds)) fuzz::cannot_fail();                   \
    fuzz::law(holds != reached.inverted, #__VA_ARGS__, __FILE__, __LINE__); \
  } while (false)
#else
#define LAW(...) fuzz::law(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#endif

namespace fuzz {

/// Declared only: no program calls it.
[[gnu::error("this law cannot fail")]] void cannot_fail();

using pvhboot::errc;
using pvhboot::memory_range;
using pvhboot::memory_type;
using pvhboot::span;

[[noreturn, gnu::cold, gnu::noinline]] inline void broken(const char* text, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken law: %s\n", file, line, text);
  std::abort();
}

#ifdef FUZZ_DIGEST
/// A number for all that a harness saw: which laws it checked, and the results that it passes to `saw`. Builds for
/// different machines must agree on it.
inline uint64_t digest = 0;
inline void saw(uint64_t number) { digest = (digest ^ number) * 0x9e3779b97f4a7c15u; }

/// A law that was checked: the tests hold that the corpus reaches every one, and that each one stops the harness if it
/// is inverted.
struct reached_law {
  const char* file;
  int line;
  bool inverted;
  const reached_law* next;
  static inline const reached_law* all = nullptr;
  /// The place of the law to invert, as FILE:LINE, or nullptr.
  static inline const char* invert = nullptr;
  reached_law(const char* in, int at) : file(in), line(at), inverted(invert && is_at(invert)), next(all) { all = this; }

  [[nodiscard]] bool is_at(const char* place) const {
    const size_t n = std::strlen(file);
    return std::strncmp(place, file, n) == 0 && place[n] == ':' && std::atoi(place + n + 1) == line;
  }
};
#else
inline void saw(uint64_t) {}
#endif
inline void saw(const pvhboot::failure& why) {
  saw(static_cast<uint64_t>(why.code));
  saw(why.where);
}
inline void saw(const memory_range& r) {
  saw(r.addr);
  saw(r.size);
  saw(static_cast<uint64_t>(r.type));
}

inline void law(bool holds, const char* text, const char* file, int line) {
  saw(static_cast<uint64_t>(line));
  if (!holds) broken(text, file, line);
}

/// Reads the bytes of an input one after the other; after its end, zeroes.
class input {
 public:
  input(const uint8_t* data, size_t size) : rest_(data, size) {}

  uint8_t u8() {
    const uint8_t value = rest_.empty() ? uint8_t{0} : rest_[0];
    rest_ = rest_.after(1);
    return value;
  }
  uint16_t u16() {
    const unsigned low = u8();
    return static_cast<uint16_t>(low | unsigned{u8()} << 8);
  }
  uint64_t u64() {
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) value |= uint64_t{u8()} << 8 * i;
    return value;
  }

  /// An address or a size from two bytes k and d, with many values at the boundaries:
  ///
  ///     k < 64       16 * k + d                    small numbers, often equal
  ///     k < 128      2^(k - 64) + d                just above a power of two
  ///     k < 192      2^(k - 128) - 1 - d           just below a power of two
  ///     k < 255      2^64 - 1 - 16 * (k - 192) - d the end of the address space
  ///     k == 255     the number itself in eight more bytes
  uint64_t number() {
    const unsigned k = u8();
    const uint64_t d = u8();
    if (k < 64) return uint64_t{16} * k + d;
    if (k < 128) return (uint64_t{1} << (k - 64)) + d;
    if (k < 192) return (uint64_t{1} << (k - 128)) - 1 - d;
    if (k < 255) return ~uint64_t{} - uint64_t{16} * (k - 192) - d;
    return u64();
  }
  /// A memory type from one byte: up to 127 the number itself, then the special types, then RAM.
  memory_type type() {
    const uint32_t t = u8();
    if (t < 128) return memory_type{t};
    constexpr uint32_t special[] = {128, 0xefffffff, 0xffffffff, 12, 2};
    return memory_type{t - 128 < std::size(special) ? special[t - 128] : 1};
  }
  /// A range from a number, a number and a type: five bytes.
  memory_range range() {
    const uint64_t addr = number();
    const uint64_t size = number();
    return {addr, size, type()};
  }
  std::vector<memory_range> ranges(size_t n) {
    std::vector<memory_range> all(n);
    for (memory_range& r : all) r = range();
    return all;
  }

  [[nodiscard]] span<const uint8_t> rest() const { return rest_; }

 private:
  span<const uint8_t> rest_;
};

/// A map with its storage.
struct owned_map {
  exact<memory_range> storage;
  exact<pvhboot::sweep_slot> scratch;
  pvhboot::memory_map map;

  owned_map(size_t capacity, size_t slots) : storage(capacity), scratch(slots), map(storage.all(), scratch.all()) {}
  explicit owned_map(size_t capacity) : owned_map(capacity, capacity) {}
};

/// A failure has a sentence and a document. Its line is complete in a buffer of format_size, and cut in a smaller one.
inline void law_failure(const pvhboot::failure& why) {
  LAW(message(why.code) != "unknown error" && source(why.code) != "unknown");
  char text[pvhboot::format_size];
  const std::string_view whole = format(why, text);
  LAW(whole.size() + 1 < sizeof text && whole.back() == ')' && text[whole.size()] == '\0');
  const exact<char> small{static_cast<size_t>(why.code) % 16};
  const pvhboot::string_ref cut = format(why, small.all());
  LAW(small.size() == 0 ? cut.absent() : cut == whole.substr(0, small.size() - 1));
}

inline std::vector<memory_range> contents(const pvhboot::memory_map& map) { return {map.begin(), map.end()}; }

/// n bytes at p as a little-endian number, read without the library.
inline uint64_t little_endian(const uint8_t* p, unsigned n) {
  uint64_t value = 0;
  for (unsigned i = 0; i < n; ++i) value |= uint64_t{p[i]} << 8 * i;
  return value;
}

/// A harness reads a file of this size or less, and a larger one if it ends in the right word (seal in seeds_elf.py).
/// Only crafted files are larger: those that take the library a hundred times as long as others. A fuzzer does not
/// compute the word, and so spends no time on what it makes of them.
inline bool may_read(span<const uint8_t> file) {
  if (file.size() <= 0x1000) return true;
  uint32_t sum = 0;
  for (size_t i = 0; i + 4 <= file.size(); i += 4)
    sum = sum * 0x9e3779b1 + static_cast<uint32_t>(little_endian(file.data() + i, 4));
  return sum == 0 && file.size() % 4 == 0;
}

}  // namespace fuzz
