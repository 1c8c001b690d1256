// SPDX-License-Identifier: BSL-1.0
//
// span<T> and string_ref: a pointer and a length. They convert from and to the standard's own where the user has those.
//
//     const uint8_t bytes[] = {1, 2, 3};
//     const pvhboot::span<const uint8_t> s{bytes};
//     use(s.first(2), s.after(1));                                // neither reaches past the end
//     if (pvhboot::string_ref{text, 4} == "ttyS") use(s.size());
#pragma once

#include <pvhboot/abi/begin.def>

namespace pvhboot {

/// T without its reference.
template <class T> struct without_reference {
  /// The type without the reference.
  using type = T;
  /// Whether T was a reference.
  static constexpr bool had_one = false;
};
/// The same of a reference.
template <class T> struct without_reference<T&> {
  /// The type without the reference.
  using type = T;
  /// Whether T was a reference.
  static constexpr bool had_one = true;
};

/// What a span may refer to after the full expression: an object that has a name, or a temporary that is a view itself.
/// A view is recognised by its member element_type, which std::span has and containers do not.
template <class Range> concept lends_its_elements = without_reference<Range>::had_one || requires {
  typename without_reference<Range>::type::element_type;
};

/// A view of size() objects of type T that the caller owns. Indices are not checked. A temporary container does not
/// convert: the span would dangle.
template <class T> class span {
 public:
  using element_type = T;

  constexpr span() noexcept = default;
  /// `size` objects from `data` on.
  constexpr span(T* data, size_t size) noexcept : data_(data), size_(size) {}
  /// From an array.
  template <size_t N> constexpr span(T (&elements)[N]) noexcept : data_(elements), size_(N) {}
  /// From anything with data() and size(): pvhboot::array, std::array, std::span, std::vector, span of non-const. The
  /// elements are of type T but for const: those of a derived type have another stride.
  template <class Range>
    requires lends_its_elements<Range> && requires(Range& r, T (*&elements)[], size_t& size) {
      size = r.size();
      elements = static_cast<typename without_reference<decltype(*r.data())>::type(*)[]>(nullptr);
    }
  constexpr span(Range&& r) noexcept(noexcept(r.data()) && noexcept(r.size())) : data_(r.data()), size_(r.size()) {}

  [[__nodiscard__]] constexpr T* data() const noexcept { return data_; }
  [[__nodiscard__]] constexpr size_t size() const noexcept { return size_; }
  [[__nodiscard__]] constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T& operator[](size_t i) const noexcept { return data_[i]; }
  constexpr T* begin() const noexcept { return data_; }
  constexpr T* end() const noexcept { return data_ + size_; }

  /// The first n elements, or all of them if there are fewer.
  [[__nodiscard__]] constexpr span first(size_t n) const noexcept { return {data_, n < size_ ? n : size_}; }
  /// What follows the first n elements; empty if there are fewer.
  [[__nodiscard__]] constexpr span after(size_t n) const noexcept {
    return n < size_ ? span{data_ + n, size_ - n} : span{data_ + size_, 0};
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

/// A string type of another library: the standard's, or one like it.
template <class Text> concept foreign_string = requires(const Text& t, const char*& data, size_t& size) {
  typename Text::traits_type;
  data = t.data();
  size = t.size();
};

/// Text that the caller owns. absent() is not the same as empty: the protocol has both.
///
/// Text in guest memory is bytes, and a constant expression cannot look at bytes as char. So both kinds of pointer are
/// kept, and characters are read through operator[] or the iterator. data() works at run time for either.
class string_ref {
 public:
  class iterator {
   public:
    using value_type = char;
    using difference_type = ptrdiff_t;

    constexpr iterator() noexcept = default;
    constexpr iterator(const string_ref& text, size_t i) noexcept : chars_(text.chars_), bytes_(text.bytes_), i_(i) {}
    constexpr char operator*() const noexcept { return bytes_ ? static_cast<char>(bytes_[i_]) : chars_[i_]; }
    constexpr iterator& operator++() noexcept {
      ++i_;
      return *this;
    }
    constexpr iterator operator++(int) noexcept {
      const iterator old = *this;
      ++i_;
      return old;
    }
    friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept { return a.i_ == b.i_; }
    friend constexpr bool operator!=(const iterator& a, const iterator& b) noexcept { return a.i_ != b.i_; }

   private:
    const char* chars_ = nullptr;
    const uint8_t* bytes_ = nullptr;
    size_t i_ = 0;
  };

  constexpr string_ref() noexcept = default;
  /// Text that is char.
  constexpr string_ref(const char* data, size_t size) noexcept : chars_(data), size_(size) {}
  /// Text that is bytes, as in guest memory.
  constexpr string_ref(const uint8_t* data, size_t size) noexcept : bytes_(data), size_(size) {}
  /// A literal: all of its array but the NUL. Measured by the array, since clang would call strlen otherwise; constexpr
  /// and not consteval, since clang 14 crashes on a consteval constructor in an argument or an initialiser.
  template <size_t N> constexpr string_ref(const char (&literal)[N]) noexcept : chars_(literal), size_(N - 1) {}
  /// A buffer is no literal: its text ends at a NUL somewhere inside. Give pointer and length.
  template <size_t N> string_ref(char (&buffer)[N]) = delete;
  /// From std::string_view and std::string.
  template <foreign_string Text>
  constexpr string_ref(const Text& t) noexcept(noexcept(t.data()) && noexcept(t.size()))
      : chars_(t.data()), size_(t.size()) {}

  /// To std::string_view: anything with traits that is made of a pointer and a length.
  template <class Text>
    requires requires(const char* p, size_t n) {
      typename Text::traits_type;
      Text(p, n);
    }
  constexpr operator Text() const noexcept(noexcept(Text(static_cast<const char*>(nullptr), size_t{}))) {
    return Text(data(), size_);
  }

  /// The characters in memory. A constant expression can have them only of text that was char to begin with.
  [[__nodiscard__]] constexpr const char* data() const noexcept {
    return bytes_ ? reinterpret_cast<const char*>(bytes_) : chars_;
  }
  [[__nodiscard__]] constexpr size_t size() const noexcept { return size_; }
  [[__nodiscard__]] constexpr bool empty() const noexcept { return size_ == 0; }
  /// There is no text at all, not even an empty one.
  [[__nodiscard__]] constexpr bool absent() const noexcept { return !chars_ && !bytes_; }
  constexpr char operator[](size_t i) const noexcept { return bytes_ ? static_cast<char>(bytes_[i]) : chars_[i]; }
  constexpr iterator begin() const noexcept { return {*this, 0}; }
  constexpr iterator end() const noexcept { return {*this, size_}; }

  friend constexpr bool operator==(const string_ref& a, const string_ref& b) noexcept {
    if (a.size_ != b.size_) return false;
    for (size_t i = 0; i < a.size_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }
  /// With the standard's strings: without this one, both conversions would do equally well.
  template <foreign_string Text>
  friend constexpr bool operator==(const string_ref& a, const Text& b) noexcept(noexcept(string_ref{b})) {
    return a == string_ref{b};
  }

 private:
  const char* chars_ = nullptr;
  const uint8_t* bytes_ = nullptr;
  size_t size_ = 0;
};

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
