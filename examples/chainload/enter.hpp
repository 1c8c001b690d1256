// SPDX-License-Identifier: BSL-1.0
//
// The last step: copy the kernel to its place and enter it.
#pragma once

#include <pvhboot/elf/image.hpp>

namespace chainload {

/// Copies `code` to `load` and enters it there by Linux's 32-bit protocol (boot.rst): flat 4 GiB segments 0x10 and
/// 0x18, interrupts off, %esi = zero page, %ebp = %edi = %ebx = 0. The instructions for this and their GDT are first
/// copied to the page at `page`, so that `load` may overlap this program, though not `code`.
[[noreturn]] void enter_linux(uint64_t page, pvhboot::span<const uint8_t> code, uint64_t load, uint64_t zero_page);

/// Copies the segments of an image to their p_paddr + shift, clears what the file does not have of them, and enters the
/// kernel by PVH (pvh.pandoc): flat 4 GiB segments, a 32-bit TSS, interrupts off, %ebx = start_info. Instructions, GDT
/// and the list of segments are first copied to the page at `page`, as above.
[[noreturn]] void enter_pvh(uint64_t page, const pvhboot::elf_image& image, uint64_t shift, uint32_t entry,
                            uint64_t start_info);

}  // namespace chainload
