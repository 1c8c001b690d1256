// SPDX-License-Identifier: BSL-1.0
//
// Facts about a kernel image that the setup header has no room for, protocol 2.15.
// Source: Documentation/arch/x86/boot.rst, "The kernel_info"; arch/x86/boot/compressed/kernel_info.S (Linux).
//
// The kernel's build writes it at setup_header.kernel_info_offset from the start of the protected-mode code; the offset
// is 0 if there is none. A loader reads it to learn which setup_data types it may pass.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/le.hpp>

namespace pvhboot::abi {

inline constexpr uint32_t kernel_info_magic = 0x506f544c;  ///< "LToP"

/// New fixed fields are appended and make `size` grow; then come chunks of variable length, each a four-character tag
/// and a le32 length that counts both, up to `size_total`. A development kernel had no setup_type_max and said size 12.
struct kernel_info {
  le32 header{};          ///< kernel_info_magic
  le32 size{};            ///< bytes of the fixed part, header included
  le32 size_total{};      ///< bytes of all of it
  le32 setup_type_max{};  ///< largest setup_type accepted, or-ed with setup_type::indirect
};
static_assert(sizeof(kernel_info) == 16 && alignof(kernel_info) == 1);

}  // namespace pvhboot::abi

#include <pvhboot/abi/end.def>
