// SPDX-License-Identifier: BSL-1.0
//
// Common code of the harnesses: the check of a law, the reader of an input, and physical memory that detects every read
// outside the requested bytes.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include <pvhboot/linux/e820.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvhboot.hpp>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

/// Checks a law of the library. A fuzzer saves the input that breaks it.
#define LAW(...) fuzz::law(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)

namespace fuzz {

using pvhboot::errc;
using pvhboot::memory_range;
using pvhboot::memory_type;
using pvhboot::span;

inline void law(bool holds, const char* text, const char* file, int line) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: broken law: %s\n", file, line, text);
  std::abort();
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

/// A heap block of exactly these bytes: AddressSanitizer detects a read before or after it.
inline std::unique_ptr<uint8_t[]> exact_copy(span<const uint8_t> bytes) {
  std::unique_ptr<uint8_t[]> copy{new uint8_t[bytes.size()]};
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  return copy;
}

/// Physical memory of two pieces that are adjacent in the guest but not in this program. Each request gets its own
/// block of exactly the requested bytes. A read outside them is detected, also if it uses the pointer of another
/// request.
class guarded_memory {
 public:
  struct request {
    uint64_t paddr;
    uint64_t n;
  };

  /// `contents` lies at `base` and is cut at 2^64. No request may cross base + split.
  guarded_memory(uint64_t base, span<const uint8_t> contents, size_t split)
      : window_{base, contents.first(~base < contents.size() ? static_cast<size_t>(~base) + 1 : contents.size())},
        split_(split) {}

  const uint8_t* bytes(uint64_t paddr, uint64_t n) {
    const uint8_t* p = window_.bytes(paddr, n);
    if (!p || (paddr - window_.base < split_ && n > split_ - (paddr - window_.base))) return nullptr;
    granted_.push_back({paddr, n});
    blocks_.push_back(exact_copy({p, static_cast<size_t>(n)}));
    return blocks_.back().get();
  }

  [[nodiscard]] const std::vector<request>& granted() const { return granted_; }

 private:
  pvhboot::memory_window window_;
  uint64_t split_;
  std::vector<request> granted_;
  std::vector<std::unique_ptr<uint8_t[]>> blocks_;
};

/// The guarded memory as a value, as the library expects it.
struct memory {
  guarded_memory* guarded;
  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const { return guarded->bytes(paddr, n); }
};
static_assert(pvhboot::physical_memory<memory>);

/// A map with its storage.
struct owned_map {
  std::vector<memory_range> storage;
  std::vector<pvhboot::sweep_slot> scratch;
  pvhboot::memory_map map;

  owned_map(size_t capacity, size_t slots) : storage(capacity), scratch(slots), map(storage, scratch) {}
  explicit owned_map(size_t capacity) : owned_map(capacity, capacity) {}
};

inline std::vector<memory_range> contents(const pvhboot::memory_map& map) { return {map.begin(), map.end()}; }

/// n bytes at p as a little-endian number, read without the library.
inline uint64_t little_endian(const uint8_t* p, unsigned n) {
  uint64_t value = 0;
  for (unsigned i = 0; i < n; ++i) value |= uint64_t{p[i]} << 8 * i;
  return value;
}

}  // namespace fuzz
