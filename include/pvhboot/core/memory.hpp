// SPDX-License-Identifier: BSL-1.0
//
// The one way to touch physical memory. No other header turns an address into a pointer.
//
//     const pvhboot::memory_window guest{0x100000, file};         // 1 MiB and up, held in a file
//     if (const uint8_t* p = guest.bytes(0x100200, 4)) use(*p);   // null where not all 4 bytes are there
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/le.hpp>
#include <pvhboot/core/span.hpp>

namespace pvhboot {

#if defined(__has_builtin)
#if __has_builtin(__is_trivially_destructible)
#define PVHBOOT_TRIVIALLY_DESTRUCTIBLE_(T) __is_trivially_destructible(T)
#endif
#endif
#ifndef PVHBOOT_TRIVIALLY_DESTRUCTIBLE_
#define PVHBOOT_TRIVIALLY_DESTRUCTIBLE_(T) __has_trivial_destructor(T)
#endif

/// Has bytes(paddr, n), which returns a const uint8_t*.
template <class M> concept has_bytes = requires(const M& memory, uint64_t paddr, uint64_t n, const uint8_t*& p) {
  p = memory.bytes(paddr, n);
};
/// Is kept by value, inside a result: refer to guest memory, do not own it.
template <class M> concept trivially_destructible = PVHBOOT_TRIVIALLY_DESTRUCTIBLE_(M);

/// A copy of an M does not throw.
template <class M> concept nothrow_copyable = noexcept(M(*static_cast<const M*>(nullptr)));

/// What every reader is written against: bytes(paddr, n) points to exactly n readable bytes at that physical address,
/// or is null. It must be null when [paddr, paddr + n) is not wholly readable or ends above 2^64. A type of your own,
/// for guest memory in several pieces for instance, needs only this. parse keeps a copy: the type is trivially
/// destructible and cheap to copy, without exceptions. A function here is noexcept exactly when bytes is.
template <class M> concept physical_memory = has_bytes<M> && trivially_destructible<M> && nothrow_copyable<M>;

/// Physical memory that begins at `base` and is held in `contents`: guest memory in a VMM, a capture, a test, a
/// fuzzer's input. Usable in constant expressions. What would lie above 2^64 does not exist.
struct memory_window {
  uint64_t base = 0;               ///< physical address of the first byte
  span<const uint8_t> contents{};  ///< the bytes

  /// n bytes at paddr, or null.
  [[__nodiscard__]] constexpr const uint8_t* bytes(uint64_t paddr, uint64_t n) const noexcept {
    if (paddr < base || paddr - base > contents.size() || n > contents.size() - (paddr - base)) return nullptr;
    if (n != 0 && n - 1 > ~paddr) return nullptr;
    return contents.data() + narrow_cast<size_t>(paddr - base);
  }
};

/// Physical memory mapped `offset` bytes higher in the address space of this program, up to `limit` (exclusive). With
/// offset 0 and the default limit: a kernel without paging. Which of the addresses below the limit are RAM is unknown
/// here, so set it to what is mapped where that is less.
struct offset_map {
  uintptr_t offset = 0;          ///< what is added to a physical address
  uint64_t limit = ~uint64_t{};  ///< the first address that is out of reach

  /// n bytes at paddr, or null.
  [[__nodiscard__]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const noexcept {
    // The last byte of the address space stays out of reach: a pointer past it would be null.
    const uint64_t mapped = ~uintptr_t{} - offset;
    const uint64_t end = limit < mapped ? limit : mapped;
    if (paddr > end || n > end - paddr) return nullptr;
    return reinterpret_cast<const uint8_t*>(narrow_cast<uintptr_t>(paddr) + offset);
  }
};

/// Physical address = pointer: a kernel or boot loader as PVH enters it. The same as an offset_map of offset 0, but
/// checked in the machine's own words, which is less code with -m32.
struct identity_map {
  /// n bytes at paddr, or null.
  [[__nodiscard__]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const noexcept {
    const auto p = narrow_cast<uintptr_t>(paddr);
    if (p != paddr || n > ~uintptr_t{} - p) return nullptr;
    return reinterpret_cast<const uint8_t*>(p);
  }
};

static_assert(physical_memory<memory_window> && physical_memory<offset_map> && physical_memory<identity_map>);

/// bytes(paddr, n) is noexcept.
template <class M>
inline constexpr bool reads_noexcept = noexcept(static_cast<const M*>(nullptr)->bytes(uint64_t{}, uint64_t{}));

/// A byte in memory that somebody else may change. One read: the compiler must neither repeat it nor look again.
[[gnu::__always_inline__]] constexpr uint8_t read_once(const uint8_t* p) noexcept {
  if (__builtin_is_constant_evaluated()) return *p;
  return *static_cast<const volatile uint8_t*>(p);
}

/// The wire struct at p, copied: no alignment is needed.
template <class Wire> [[gnu::__always_inline__]] constexpr Wire load(const uint8_t* p) noexcept {
  static_assert(alignof(Wire) == 1, "pvhboot: a wire struct is made of le<T> and bytes");
  if (__builtin_is_constant_evaluated()) {
    array<uint8_t, sizeof(Wire)> raw{};
    for (size_t i = 0; i < sizeof(Wire); ++i) raw[i] = p[i];
    return __builtin_bit_cast(Wire, raw);
  }
  Wire w;
  __builtin_memcpy(&w, p, sizeof w);
  return w;
}

/// The same from memory that somebody else may change: the source is read once. Without the barrier the compiler may
/// forget the copy and read a field from the source again, after it was checked.
template <class Wire> [[gnu::__always_inline__]] constexpr Wire load_once(const uint8_t* p) noexcept {
  const Wire w = load<Wire>(p);
  if (!__builtin_is_constant_evaluated()) asm volatile("" ::: "memory");
  return w;
}

/// The wire struct's bytes to p.
template <class Wire> constexpr void store(uint8_t* p, const Wire& w) noexcept {
  static_assert(alignof(Wire) == 1, "pvhboot: a wire struct is made of le<T> and bytes");
  if (__builtin_is_constant_evaluated()) {
    const auto raw = __builtin_bit_cast(array<uint8_t, sizeof(Wire)>, w);
    for (size_t i = 0; i < sizeof(Wire); ++i) p[i] = raw[i];
  } else {
    __builtin_memcpy(p, &w, sizeof w);
  }
}

/// n bytes at p into the wire struct, from its byte `at` on; other bytes are unchanged.
template <class Wire> constexpr void load_part(Wire& w, size_t at, const uint8_t* p, size_t n) noexcept {
  static_assert(alignof(Wire) == 1, "pvhboot: a wire struct is made of le<T> and bytes");
  if (__builtin_is_constant_evaluated()) {
    auto raw = __builtin_bit_cast(array<uint8_t, sizeof(Wire)>, w);
    for (size_t i = 0; i < n; ++i) raw[at + i] = p[i];
    w = __builtin_bit_cast(Wire, raw);
  } else {
    __builtin_memcpy(reinterpret_cast<uint8_t*>(&w) + at, p, n);
  }
}

/// An array of wire structs seen as values: an element is decoded when it is dereferenced, by Value::from(Wire). The
/// iterators are random-access by the standard's concepts.
template <class Wire, class Value> class wire_table {
  static constexpr bool decodes_noexcept = noexcept(Value::from(*static_cast<const Wire*>(nullptr)));

 public:
  class iterator {
   public:
    using value_type = Value;
    using difference_type = ptrdiff_t;

    constexpr iterator() noexcept = default;
    constexpr explicit iterator(const uint8_t* p) noexcept : p_(p) {}
    constexpr Value operator*() const noexcept(decodes_noexcept) { return Value::from(load_once<Wire>(p_)); }
    constexpr Value operator[](difference_type i) const noexcept(decodes_noexcept) { return *(*this + i); }
    constexpr iterator& operator++() noexcept { return *this += 1; }
    constexpr iterator& operator--() noexcept { return *this -= 1; }
    constexpr iterator operator++(int) noexcept {
      const iterator old = *this;
      ++*this;
      return old;
    }
    constexpr iterator operator--(int) noexcept {
      const iterator old = *this;
      --*this;
      return old;
    }
    constexpr iterator& operator+=(difference_type n) noexcept {
      p_ += n * stride;
      return *this;
    }
    constexpr iterator& operator-=(difference_type n) noexcept { return *this += -n; }
    friend constexpr iterator operator+(iterator i, difference_type n) noexcept { return i += n; }
    friend constexpr iterator operator+(difference_type n, iterator i) noexcept { return i += n; }
    friend constexpr iterator operator-(iterator i, difference_type n) noexcept { return i -= n; }
    friend constexpr difference_type operator-(iterator a, iterator b) noexcept { return (a.p_ - b.p_) / stride; }
    friend constexpr bool operator==(iterator a, iterator b) noexcept { return a.p_ == b.p_; }
    friend constexpr bool operator!=(iterator a, iterator b) noexcept { return a.p_ != b.p_; }
    friend constexpr bool operator<(iterator a, iterator b) noexcept { return a.p_ < b.p_; }
    friend constexpr bool operator>(iterator a, iterator b) noexcept { return a.p_ > b.p_; }
    friend constexpr bool operator<=(iterator a, iterator b) noexcept { return a.p_ <= b.p_; }
    friend constexpr bool operator>=(iterator a, iterator b) noexcept { return a.p_ >= b.p_; }

   private:
    static constexpr difference_type stride = sizeof(Wire);
    const uint8_t* p_ = nullptr;
  };

  constexpr wire_table() noexcept = default;
  /// `first` points to size * sizeof(Wire) readable bytes.
  constexpr wire_table(const uint8_t* first, size_t size) noexcept : first_(first), size_(size) {}

  [[__nodiscard__]] constexpr size_t size() const noexcept { return size_; }
  [[__nodiscard__]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[__nodiscard__]] constexpr iterator begin() const noexcept { return iterator{first_}; }
  [[__nodiscard__]] constexpr iterator end() const noexcept { return iterator{first_ + size_ * sizeof(Wire)}; }
  constexpr Value operator[](size_t i) const noexcept(decodes_noexcept) { return Value::from(wire(i)); }
  /// Element i as it stands in memory.
  [[__nodiscard__]] constexpr Wire wire(size_t i) const noexcept { return load_once<Wire>(first_ + i * sizeof(Wire)); }
  /// Calls visit(value) for each element, in order, to copy it: the compiler may read memory again, so look at the
  /// copy.
  template <class Visit>
  constexpr void for_each_copy(const Visit& visit) const noexcept(noexcept(visit(Value::from(Wire{})))) {
    for (const uint8_t *p = first_, *const last = first_ + size_ * sizeof(Wire); p != last; p += sizeof(Wire))
      visit(Value::from(load<Wire>(p)));
  }

 private:
  const uint8_t* first_ = nullptr;
  size_t size_ = 0;
};

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
