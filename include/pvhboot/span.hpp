// SPDX-License-Identifier: BSL-1.0
//
// span<T> and string_ref: a pointer and a length. They convert from and to the standard's own where the user has those.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace pvhboot {

/// A view of size() objects of type T that somebody else owns. Indices are not checked.
template <class T> class span {
 public:
  using element_type = T;

  constexpr span() noexcept = default;
  constexpr span(T* data, size_t size) noexcept : data_(data), size_(size) {}
  template <size_t N> constexpr span(T (&elements)[N]) noexcept : data_(elements), size_(N) {}
  /// From anything with data() and size(): pvhboot::array, std::array, std::span, std::vector, span of non-const.
  template <class Range>
    requires requires(Range& r, T*& data, size_t& size) {
      data = r.data();
      size = r.size();
    }
  constexpr span(Range&& r) noexcept : data_(r.data()), size_(r.size()) {}

  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T& operator[](size_t i) const noexcept { return data_[i]; }
  constexpr T* begin() const noexcept { return data_; }
  constexpr T* end() const noexcept { return data_ + size_; }

  /// The first n elements, or all of them if there are fewer.
  [[nodiscard]] constexpr span first(size_t n) const noexcept { return {data_, n < size_ ? n : size_}; }
  /// What follows the first n elements; empty if there are fewer.
  [[nodiscard]] constexpr span after(size_t n) const noexcept {
    return n < size_ ? span{data_ + n, size_ - n} : span{data_ + size_, 0};
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

/// Text that somebody else owns. data() is null when the text is absent, which is not the same as empty.
class string_ref {
 public:
  constexpr string_ref() noexcept = default;
  constexpr string_ref(const char* data, size_t size) noexcept : data_(data), size_(size) {}
  /// A literal, measured by its array: measuring at run time would make clang call strlen.
  template <size_t N> consteval string_ref(const char (&literal)[N]) noexcept : data_(literal), size_(N - 1) {}
  /// From std::string_view and std::string.
  template <class Text>
    requires requires(const Text& t, const char*& data, size_t& size) {
      data = t.data();
      size = t.size();
      t.substr(0);
    }
  constexpr string_ref(const Text& t) noexcept : data_(t.data()), size_(t.size()) {}

  /// To std::string_view: anything with traits that is made of a pointer and a length.
  template <class Text>
    requires requires(const char* p, size_t n) {
      typename Text::traits_type;
      Text(p, n);
    }
  constexpr operator Text() const { return Text(data_, size_); }

  [[nodiscard]] constexpr const char* data() const noexcept { return data_; }
  [[nodiscard]] constexpr size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr char operator[](size_t i) const noexcept { return data_[i]; }
  constexpr const char* begin() const noexcept { return data_; }
  constexpr const char* end() const noexcept { return data_ + size_; }

  friend constexpr bool operator==(string_ref a, string_ref b) noexcept {
    if (a.size_ != b.size_) return false;
    for (size_t i = 0; i < a.size_; ++i)
      if (a.data_[i] != b.data_[i]) return false;
    return true;
  }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace pvhboot
