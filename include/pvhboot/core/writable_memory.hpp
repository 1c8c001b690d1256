// SPDX-License-Identifier: BSL-1.0
//
// Writable physical memory, the sibling of physical_memory: guest memory in a VMM, or a kernel's own.
//
//     const pvhboot::writable_window pieces[] = {{0, {low, 0x80000000}}, {0x100000000, {high, 0x40000000}}};
//     const pvhboot::memory_pieces guest{pieces};
//     if (write_bytes(guest, 0x20000, file) != file.size()) warn("the file does not fit");
//
// Neighbours in the guest's memory need not be neighbours here, so every function that writes goes through
// for_each_piece or one of the functions made of it. They return how many bytes they reached, and stop at the first
// that cannot be written; what comes before it is written then. To write all or nothing, ask writable_bytes first.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/memory.hpp>

namespace pvhboot {

/// What every writer is written against: writable(paddr, n) is the memory at [paddr, paddr + n), or as much of its
/// beginning as lies together here: a span<uint8_t> of 1 to n bytes. It is empty if the byte at paddr cannot be written
/// or n is 0, and never reaches past 2^64. A function here is noexcept exactly when writable is.
template <class M>
concept writable_memory = requires(const M& memory, uint64_t paddr, uint64_t n, span<uint8_t>& bytes) {
  bytes = memory.writable(paddr, n);
};

/// writable(paddr, n) is noexcept.
template <class M>
inline constexpr bool writes_noexcept = noexcept(static_cast<const M*>(nullptr)->writable(uint64_t{}, uint64_t{}));

/// Physical memory that begins at `base` and is held in `contents`: guest memory of one piece, or a test's. Usable in
/// constant expressions. Readable, too.
struct writable_window {
  uint64_t base = 0;         ///< physical address of the first byte
  span<uint8_t> contents{};  ///< the bytes

  /// n bytes at paddr, or null.
  [[__nodiscard__]] constexpr const uint8_t* bytes(uint64_t paddr, uint64_t n) const noexcept {
    return memory_window{base, contents}.bytes(paddr, n);
  }
  /// Writable bytes at paddr, up to n; empty if there are none.
  [[__nodiscard__]] constexpr span<uint8_t> writable(uint64_t paddr, uint64_t n) const noexcept {
    if (paddr < base || paddr - base >= contents.size()) return {};
    const size_t at = narrow_cast<size_t>(paddr - base);
    const size_t there = contents.size() - at;
    if (n > there) n = there;
    if (n != 0 && n - 1 > ~paddr) n = 0 - paddr;  // what would lie above 2^64 does not exist
    return {contents.data() + at, narrow_cast<size_t>(n)};
  }
};

/// Physical memory in several windows, in any order: guest memory with holes, or of pieces mapped apart. The list and
/// the memory are the caller's. A read that crosses from one window into another fails; a write does not.
struct memory_pieces {
  span<const writable_window> pieces{};  ///< windows, which do not overlap

  /// n bytes at paddr in one window, or null.
  [[__nodiscard__]] constexpr const uint8_t* bytes(uint64_t paddr, uint64_t n) const noexcept {
    for (const writable_window& piece : pieces)
      if (const uint8_t* p = piece.bytes(paddr, n)) return p;
    return nullptr;
  }
  /// Writable bytes at paddr in one window, up to n; empty if there are none.
  [[__nodiscard__]] constexpr span<uint8_t> writable(uint64_t paddr, uint64_t n) const noexcept {
    for (const writable_window& piece : pieces)
      if (const span<uint8_t> bytes = piece.writable(paddr, n); !bytes.empty()) return bytes;
    return {};
  }
};

/// Physical address = pointer, for a kernel or boot loader without paging. Which addresses are RAM is unknown here: the
/// caller writes only where its memory map has some. Neither address 0 nor the last byte of the address space is in it.
struct writable_identity_map : identity_map {
  /// Writable bytes at paddr, up to n; empty if there are none.
  [[__nodiscard__]] span<uint8_t> writable(uint64_t paddr, uint64_t n) const noexcept {
    const auto p = narrow_cast<uintptr_t>(paddr);
    if (p != paddr || p == 0) return {};
    const uintptr_t there = ~uintptr_t{} - p;
    return {reinterpret_cast<uint8_t*>(p), n < there ? narrow_cast<size_t>(n) : there};
  }
};

static_assert(writable_memory<writable_window> && physical_memory<writable_window>);
static_assert(writable_memory<memory_pieces> && physical_memory<memory_pieces>);
static_assert(writable_memory<writable_identity_map> && physical_memory<writable_identity_map>);

/// Calls piece(bytes) for each run of [paddr, paddr + n) that lies together here, in order, until it returns false.
/// Returns how many bytes it was called for with success: n, unless it returned false or a byte cannot be written.
template <writable_memory Memory, class Piece>
constexpr uint64_t for_each_piece(const Memory& memory, uint64_t paddr, uint64_t n,
                                  const Piece& piece) noexcept(writes_noexcept<Memory>) {
  uint64_t done = 0;
  while (done != n && done <= ~paddr) {
    span<uint8_t> bytes = memory.writable(paddr + done, n - done);
    if (bytes.size() > n - done) bytes = bytes.first(narrow_cast<size_t>(n - done));
    if (bytes.empty() || !piece(bytes)) break;
    done += bytes.size();
  }
  return done;
}

/// How many bytes from paddr on can be written, up to n.
template <writable_memory Memory>
constexpr uint64_t writable_bytes(const Memory& memory, uint64_t paddr, uint64_t n) noexcept(writes_noexcept<Memory>) {
  return for_each_piece(memory, paddr, n, [](const span<uint8_t>&) noexcept { return true; });
}

/// Copies `from` to paddr; the two do not overlap. Returns how many bytes were written.
template <writable_memory Memory>
[[__nodiscard__]] constexpr uint64_t write_bytes(const Memory& memory, uint64_t paddr,
                                                 span<const uint8_t> from) noexcept(writes_noexcept<Memory>) {
  return for_each_piece(memory, paddr, from.size(), [&](const span<uint8_t>& to) noexcept {
    if (__builtin_is_constant_evaluated())
      for (size_t i = 0; i < to.size(); ++i) to[i] = from[i];
    else
      __builtin_memcpy(to.data(), from.data(), to.size());
    from = from.after(to.size());
    return true;
  });
}

/// Clears n bytes from paddr on. Returns how many were written.
template <writable_memory Memory>
[[__nodiscard__]] constexpr uint64_t write_zeros(const Memory& memory, uint64_t paddr,
                                                 uint64_t n) noexcept(writes_noexcept<Memory>) {
  return for_each_piece(memory, paddr, n, [](const span<uint8_t>& to) noexcept {
    if (__builtin_is_constant_evaluated())
      for (uint8_t& b : to) b = 0;
    else
      __builtin_memset(to.data(), 0, to.size());
    return true;
  });
}

/// Copies the wire struct to paddr. False if it does not fit there; its first bytes may be written then.
template <class Wire, writable_memory Memory>
[[__nodiscard__]] constexpr bool write_struct(const Memory& memory, uint64_t paddr,
                                              const Wire& wire) noexcept(writes_noexcept<Memory>) {
  static_assert(alignof(Wire) == 1, "pvhboot: a wire struct is made of le<T> and bytes");
  const auto raw = __builtin_bit_cast(array<uint8_t, sizeof(Wire)>, wire);
  return write_bytes(memory, paddr, raw) == sizeof(Wire);
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
