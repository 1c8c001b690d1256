// SPDX-License-Identifier: BSL-1.0
//
// The last step: copy the kernel to its place and enter it.
#pragma once

#include <pvhboot/core/span.hpp>

namespace chainload {

/// Copies `code` to `load` and enters it there by Linux's 32-bit protocol (boot.rst): flat 4 GiB segments 0x10 and
/// 0x18, interrupts off, %esi = zero page, %ebp = %edi = %ebx = 0. The instructions for this and their GDT are first
/// copied to the page at `page`, so that `load` may overlap this program, though not `code`.
[[noreturn]] void enter_linux(uint64_t page, pvhboot::span<const uint8_t> code, uint64_t load, uint64_t zero_page);

}  // namespace chainload
