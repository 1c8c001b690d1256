// SPDX-License-Identifier: BSL-1.0
//
// The e820 record as Linux's zero page, SETUP_E820_EXT and XENMEM_memory_map carry it.
// Source: arch/x86/include/uapi/asm/setup_data.h (struct boot_e820_entry); types: memory_type.hpp.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/le.hpp>
#include <pvhboot/abi/memory_type.hpp>

namespace pvhboot::abi {

/// 20 bytes, packed: odd entries of a table are misaligned by nature.
struct boot_e820_entry {
  le64 addr{};             ///< the first byte
  le64 size{};             ///< bytes
  le<memory_type> type{};  ///< what the range is for
};
static_assert(sizeof(boot_e820_entry) == 20 && alignof(boot_e820_entry) == 1);

/// E820_MAX_ENTRIES_ZEROPAGE: slots of boot_params.e820_table. The count beside it is a u8 and can claim up to 255.
inline constexpr size_t e820_max_entries_zeropage = 128;

}  // namespace pvhboot::abi

#include <pvhboot/abi/end.def>
