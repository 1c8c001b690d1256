// SPDX-License-Identifier: BSL-1.0
//
// Blocks of exactly the requested size, at a fraction of what a heap block costs: they lie one after the other in one
// static room, and AddressSanitizer detects every access to the bytes between them. MemorySanitizer detects a read of
// bytes that were not written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include <pvhboot/core/span.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define FUZZ_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FUZZ_ASAN 1
#elif __has_feature(memory_sanitizer)
#define FUZZ_MSAN 1
#endif
#endif
#if defined(FUZZ_ASAN)
#include <sanitizer/asan_interface.h>
#elif defined(FUZZ_MSAN)
#include <sanitizer/msan_interface.h>
#endif

namespace fuzz {

inline void forbid([[maybe_unused]] const void* p, [[maybe_unused]] size_t n) {
#if defined(FUZZ_ASAN)
  ASAN_POISON_MEMORY_REGION(p, n);
#elif defined(FUZZ_MSAN)
  __msan_poison(p, n);
#endif
}
inline void allow([[maybe_unused]] const void* p, [[maybe_unused]] size_t n) {
#if defined(FUZZ_ASAN)
  ASAN_UNPOISON_MEMORY_REGION(p, n);
#endif
}

/// The room of all blocks. It is empty again when every block was given back.
class block_room {
 public:
  /// A block, or null if there is no room.
  static uint8_t* take(size_t n) {
    if (used_ == 0) {
      forbid(bytes_, size);
      used_ = gap;
    }
    if (n > size - gap || used_ > size - gap - n) return nullptr;
    uint8_t* const p = bytes_ + used_;
    used_ += (n + gap - 1) / gap * gap + gap;
    ++live_;
    allow(p, n);
    return p;
  }
  static void give_back(const uint8_t* p, size_t n) {
    forbid(p, n);
    if (--live_ == 0) used_ = gap;
  }
  static bool holds(const void* p) { return p >= bytes_ && p < bytes_ + used_; }

 private:
  static constexpr size_t gap = 16;  // between two blocks; also their alignment
  static constexpr size_t size = size_t{1} << 20;
  alignas(gap) static inline uint8_t bytes_[size];
  static inline size_t used_ = 0;
  static inline size_t live_ = 0;
};

/// n objects of a type without constructor and destructor, in a block of exactly their size. They are not initialised.
template <class T> class exact {
 public:
  explicit exact(size_t n)
      : block_(block_room::take(n * sizeof(T))),
        heap_(block_ ? nullptr : new uint8_t[n * sizeof(T)]),
        first_(reinterpret_cast<T*>(block_ ? block_ : heap_.get())),
        size_(n) {}
  exact(exact&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        heap_(std::move(other.heap_)),
        first_(other.first_),
        size_(other.size_) {}
  exact& operator=(exact&&) = delete;
  ~exact() {
    if (block_) block_room::give_back(block_, size_ * sizeof(T));
  }

  [[nodiscard]] T* get() const { return first_; }
  [[nodiscard]] size_t size() const { return size_; }
  T& operator[](size_t i) const { return first_[i]; }
  [[nodiscard]] pvhboot::span<T> all() const { return {first_, size_}; }

 private:
  uint8_t* block_;
  std::unique_ptr<uint8_t[]> heap_;  ///< if there was no room
  T* first_;
  size_t size_;
};

inline exact<uint8_t> exact_copy(pvhboot::span<const uint8_t> bytes) {
  exact<uint8_t> copy{bytes.size()};
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  return copy;
}

}  // namespace fuzz
