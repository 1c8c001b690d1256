// SPDX-License-Identifier: BSL-1.0
//
// The types of tests/data: the pieces of memory of a handoff, and the rows of a zero page that are not
// zero.
#pragma once

#include <pvhboot/linux/e820.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvhboot.hpp>

namespace captured {

struct piece {
  uint64_t paddr;
  const uint8_t* bytes;
  size_t size;
};

struct page_row {
  uint16_t offset;
  uint8_t bytes[16];
};

/// Physical memory that consists of the captured pieces.
struct memory {
  pvhboot::span<const piece> pieces;

  [[nodiscard]] constexpr const uint8_t* bytes(uint64_t paddr, uint64_t n) const noexcept {
    for (const piece& p : pieces)
      if (const uint8_t* found = pvhboot::memory_window{p.paddr, {p.bytes, p.size}}.bytes(paddr, n)) return found;
    return nullptr;
  }
  /// The address of hvm_start_info, the first piece.
  [[nodiscard]] constexpr uint64_t start_info() const noexcept { return pieces[0].paddr; }
};
static_assert(pvhboot::physical_memory<memory>);

template <size_t N> constexpr pvhboot::abi::boot_params zero_page(const page_row (&rows)[N]) noexcept {
  pvhboot::array<uint8_t, sizeof(pvhboot::abi::boot_params)> page{};
  for (const page_row& row : rows)
    for (size_t i = 0; i < sizeof row.bytes; ++i) page[row.offset + i] = row.bytes[i];
  return __builtin_bit_cast(pvhboot::abi::boot_params, page);
}

#include "../data/qemu_microvm.inc"
#include "../data/qemu_pc.inc"
#include "../data/qemu_q35.inc"
#include "../data/xen_dom0.inc"
#include "../data/xen_domu.inc"
#include "../data/xen_domu_above_4g.inc"

}  // namespace captured
