// SPDX-License-Identifier: BSL-1.0
//
// Where a handoff or a zero page lies in guest memory, by their magic numbers.
#pragma once

#include <pvhboot/abi/boot_params.hpp>
#include <pvhboot/pvh/parse.hpp>

#include "text_sink.hpp"

namespace tool::document {

inline constexpr size_t place_limit = 4096;  ///< of structures that a dump can have
inline void write_too_many_places(const text_sink& out) {
  out.text("more than ");
  out.decimal(place_limit);
  out.text(" places look like a start_info or a zero page; --start-info names one");
}

/// Bytes that belong to a magic number that begins in the page before them.
inline constexpr size_t overhang = 3;

/// A boot loader has filled it in: the same header in a bzImage has neither a loader's type nor a memory map.
template <class Memory> bool is_zero_page(const Memory& memory, uint64_t paddr) {
  const uint8_t* const bytes = memory.bytes(paddr, sizeof(pvhboot::abi::boot_params));
  if (bytes == nullptr) return false;
  const auto page = pvhboot::load_once<pvhboot::abi::boot_params>(bytes);
  return page.hdr.boot_flag.get() == pvhboot::abi::setup_header_boot_flag && page.hdr.type_of_loader != 0 &&
         page.e820_entries != 0 && page.e820_entries <= pvhboot::abi::e820_max_entries_zeropage;
}

/// Calls start_info(address) for each one that parse accepts, and zero_page(address), in a page of memory with its
/// overhang. Both structures are aligned to 4.
template <class Memory, class StartInfo, class ZeroPage>
void find_places(const Memory& memory, uint64_t paddr, pvhboot::span<const uint8_t> page, const StartInfo& start_info,
                 const ZeroPage& zero_page) {
  constexpr uint64_t before = 0x202;  // bytes of a zero page in front of hdr.header
  for (auto i = static_cast<size_t>(-paddr & 1); i + 4 <= page.size(); i += 2) {
    const uint32_t word = pvhboot::load<pvhboot::le32>(page.data() + i).get();
    const uint64_t at = paddr + i;
    if (word == pvhboot::abi::hvm_start_magic_value && at % 4 == 0 && pvhboot::parse(memory, at)) start_info(at);
    if (word == pvhboot::abi::setup_header_magic && at % 4 == 2 && at >= before && is_zero_page(memory, at - before))
      zero_page(at - before);
  }
}

}  // namespace tool::document
