// SPDX-License-Identifier: BSL-1.0
//
// Memory for the module: it grows and is never given back, since a module serves one file. Without memory the module
// traps, which the page reports.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" uint8_t __heap_base;  // the linker's: the first byte that nothing uses

namespace web {

class heap {
 public:
  /// Bytes that are 0, aligned to 16.
  static uint8_t* take(size_t n) {
    constexpr size_t page = 65536;
    static auto next = reinterpret_cast<size_t>(&__heap_base);
    const size_t at = (next + 15) & ~size_t{15};
    if (n > ~at) __builtin_trap();
    next = at + n;
    const size_t has = __builtin_wasm_memory_size(0);
    const size_t wants = next / page + 1;
    if (wants > has && __builtin_wasm_memory_grow(0, wants - has) == ~size_t{}) __builtin_trap();
    return reinterpret_cast<uint8_t*>(at);
  }
};

/// An array that grows. Its elements are copied by assignment; those that resize adds are not set.
template <class T> class list {
 public:
  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] T& operator[](size_t i) { return data_[i]; }
  [[nodiscard]] T& last() { return data_[size_ - 1]; }
  void clear() { size_ = 0; }
  void resize(size_t n) {
    reserve(n);
    size_ = n;
  }
  void push(const T& value) {
    if (size_ == capacity_) reserve(2 * size_ + 64);
    data_[size_++] = value;
  }

 private:
  void reserve(size_t n) {
    if (n <= capacity_) return;
    if (n > ~size_t{} / sizeof(T)) __builtin_trap();
    T* const to = reinterpret_cast<T*>(heap::take(n * sizeof(T)));
    for (size_t i = 0; i < size_; ++i) to[i] = data_[i];
    data_ = to;
    capacity_ = n;
  }

  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace web
