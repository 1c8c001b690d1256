// SPDX-License-Identifier: BSL-1.0
//
// A piece of physical memory and what it is for, as a value. One type for the PVH memory map, e820 and
// XENMEM_memory_map.
//
//     const pvhboot::memory_range r{0x100000, 0x7ff00000, pvhboot::memory_type::ram};
//     if (!r.wraps() && r.size != 0) use(r.addr, r.last(), name(r.type));
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/e820.hpp>
#include <pvhboot/abi/memory_type.hpp>
#include <pvhboot/abi/start_info.hpp>
#include <pvhboot/core/span.hpp>

namespace pvhboot {

/// [addr, addr + size). A range may end at exactly 2^64, where addr + size is 0: compare last() instead of an end.
struct memory_range {
  uint64_t addr = 0;   ///< the first byte
  uint64_t size = 0;   ///< bytes
  memory_type type{};  ///< what it is for

  /// The range of an entry of a handoff.
  static constexpr memory_range from(const abi::hvm_memmap_table_entry& e) noexcept {
    return {e.addr, e.size, e.type.get()};
  }
  /// The range of an e820 entry.
  static constexpr memory_range from(const abi::boot_e820_entry& e) noexcept { return {e.addr, e.size, e.type.get()}; }

  /// Ends above 2^64. Ending exactly there is valid.
  [[__nodiscard__]] constexpr bool wraps() const noexcept { return size != 0 && size - 1 > ~addr; }
  /// The last byte that exists, of a range that is not empty.
  [[__nodiscard__]] constexpr uint64_t last() const noexcept { return wraps() ? ~uint64_t{} : addr + (size - 1); }
  /// Every byte of [a, a + n) is in this range. An empty or wrapping [a, a + n) never is.
  [[__nodiscard__]] constexpr bool contains(uint64_t a, uint64_t n) const noexcept {
    return n != 0 && a >= addr && a - addr < size && n <= size - (a - addr) && n - 1 <= ~a;
  }
  /// The two have a byte in common.
  [[__nodiscard__]] constexpr bool overlaps(const memory_range& other) const noexcept {
    return size != 0 && other.size != 0 && addr <= other.last() && other.addr <= last();
  }

  friend constexpr bool operator==(const memory_range&, const memory_range&) = default;
};

/// Reading a table of memory ranges is noexcept: its size, its iterators and the conversion of their elements.
template <class Table> concept walks_noexcept = requires(const Table& table, decltype(table.begin()) i) {
  requires noexcept(table.size())&& noexcept(table.begin())&& noexcept(i != table.end())&& noexcept(++i)&& noexcept(
      static_cast<memory_range>(*i));
};

/// Calls visit(range) for each range of a table, by the shortest way that the table has.
template <class Table, class Visit>
constexpr void for_each_range(const Table& table, const Visit& visit) noexcept(walks_noexcept<Table>) {
  if constexpr (requires { table.for_each_copy(visit); })
    table.for_each_copy(visit);
  else
    for (const memory_range r : table) visit(r);
}

/// Video memory and option ROMs of a PC, where it has no RAM: [0xa0000, 0x100000).
inline constexpr memory_range isa_hole{0xa0000, 0x60000, memory_type::reserved};

/// The name of a type for messages; "unknown" for a number that has none.
constexpr string_ref name(memory_type t) noexcept {
  switch (t) {
    case memory_type::ram: return "ram";
    case memory_type::reserved: return "reserved";
    case memory_type::acpi: return "acpi";
    case memory_type::nvs: return "nvs";
    case memory_type::unusable: return "unusable";
    case memory_type::disabled: return "disabled";
    case memory_type::pmem: return "pmem";
    case memory_type::unaccepted: return "unaccepted";
    case memory_type::pram: return "pram";
    case memory_type::coreboot: return "coreboot";
    case memory_type::reserved_kern: return "reserved_kern";
    case memory_type::soft_reserved: return "soft_reserved";
    default: return "unknown";
  }
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
