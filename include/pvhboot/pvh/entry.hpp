// SPDX-License-Identifier: BSL-1.0
//
// Opt-in, asm: the code from the PVH entry to a C++ function, with the note that makes the image bootable. It loads a
// GDT and flat segments, sets up a stack, and for a 64-bit kernel enters long mode.
//
//     void kernel_main(uint32_t start_info);   // pvhboot::parse takes this address
//     PVHBOOT_ENTRY_64(kernel_main, 16384);    // a stack of 16 KiB
//
// once in an image, at namespace scope, after a declaration of the function. The entry is the symbol _start. It is
// written in AT&T syntax, so the file cannot be compiled with -masm=intel. The linker script needs a PT_NOTE segment
// for the section .note.Xen; docs/kernel.md has scripts and the compiler's flags. A source in assembler includes
// pvh/entry.S instead, whose kernel_main is a symbol.
//
// - PVHBOOT_ENTRY_32(kernel_main, stack_bytes [, options]): 32-bit protected mode, flat, without paging.
// - PVHBOOT_ENTRY_64(kernel_main, stack_bytes [, options]): long mode; the lowest 4 GiB are mapped to themselves.
// - PVHBOOT_ENTRY_64_HIGH(kernel_main, stack_bytes, virtual_base [, options]): as before, and the lowest 1 GiB is also
//   mapped at virtual_base, where kernel_main runs. The image is linked at its physical address, which ends below 1
//   GiB, plus virtual_base, a multiple of 1 GiB such as 0xffffffff80000000; 0 is no higher half. If the image was
//   moved, the mapping moves by the same distance.
//
// Options, combined with |:
// - PVHBOOT_ENTRY_CLEAR_BSS: clear the memory from the symbol __bss_start to __bss_end. Every loader of the protocol
//   does that; one that copies a flat file does not.
// - PVHBOOT_ENTRY_RELOCATABLE: also emit PHYS32_RELOC. A loader may move the image by a multiple of 2 MiB, to 2 MiB or
//   above and below 4 GiB. With virtual_base nothing else changes, if the image is linked at a multiple of 2 MiB.
//   Without it the kernel's code must be position-independent and have no relocations.
// - PVHBOOT_ENTRY_1G_PAGES: map the lowest 512 GiB, with pages of 1 GiB.
//
// kernel_main takes the physical address of the start info and, if it has a second parameter, the distance that the
// image was moved (modulo 2^32), and runs with interrupts off, the direction flag clear, and an aligned stack.
// Selectors: 0x10 32-bit code, 0x18 data, 0x20 64-bit code. EFER.NXE is set if the CPU has it. There is no IDT and no
// TSS, and SSE is off: compile with -mgeneral-regs-only. If kernel_main returns, the CPU halts.
//
// A CPU without long mode, or without the pages that an option needs, and an image that was moved by another distance
// end with a message on port 0xe9 and the first serial port, and halt.
//
// Source: docs/misc/pvh.pandoc; Intel SDM volume 3, "Initializing IA-32e Mode".
#pragma once

#include <pvhboot/abi/begin.def>

#define PVHBOOT_I_(...) #__VA_ARGS__ "\n\t"
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdollar-in-identifier-extension"
#endif
#include <pvhboot/pvh/entry.def>
#ifdef __clang__
#pragma clang diagnostic pop
#endif

namespace pvhboot {

// With one parameter, and with two.
/// Calls a kernel_main with one parameter.
template <class Result, class Address>
[[gnu::__always_inline__]] inline void enter_kernel(Result (*kernel_main)(Address), uint32_t start_info, uint32_t) {
  static_cast<void>(kernel_main(start_info));
}
/// Calls a kernel_main with two parameters.
template <class Result, class Address, class Distance>
[[gnu::__always_inline__]] inline void enter_kernel(Result (*kernel_main)(Address, Distance), uint32_t start_info,
                                                    uint32_t distance) {
  static_cast<void>(kernel_main(start_info, distance));
}

}  // namespace pvhboot

// What the asm calls. The compiler sees the call of kernel_main, also with link-time optimisation.
#define PVHBOOT_ENTRY_CALLS_(kernel_main)                                                          \
  extern "C" void pvhboot_enter_kernel(uint32_t, uint32_t);                                        \
  extern "C" [[gnu::__used__]] void pvhboot_enter_kernel(uint32_t start_info, uint32_t distance) { \
    pvhboot::enter_kernel(kernel_main, start_info, distance);                                      \
  }

// The zeroes stand for options that are left out; the last one is for the dots.
// clang-format off
#if defined(__x86_64__) && !defined(__ILP32__)
/// The PVH entry of a 32-bit kernel: PVHBOOT_ENTRY_32(kernel_main, stack_bytes, options). The
/// options may be left out.
#define PVHBOOT_ENTRY_32(...)                   static_assert(false, "PVHBOOT_ENTRY_32 needs -m32")
/// The PVH entry of a 64-bit kernel that is linked at its physical address: (kernel_main, stack_bytes, options).
#define PVHBOOT_ENTRY_64(kernel_main, ...)      PVHBOOT_ENTRY_64_(kernel_main, __VA_ARGS__, 0, 0)
/// The PVH entry of a 64-bit kernel whose virtual addresses are its physical ones plus virtual_base: (kernel_main,
/// stack_bytes, virtual_base, options).
#define PVHBOOT_ENTRY_64_HIGH(kernel_main, ...) PVHBOOT_ENTRY_64_HIGH_(kernel_main, __VA_ARGS__, 0, 0)
#define PVHBOOT_ENTRY_64_(kernel_main, stack_bytes, options, ...) \
  PVHBOOT_ENTRY_CALLS_(kernel_main) asm(PVHBOOT_ENTRY_TEXT_64_(pvhboot_enter_kernel, stack_bytes, 0, options))
#define PVHBOOT_ENTRY_64_HIGH_(kernel_main, stack_bytes, virtual_base, options, ...) \
  PVHBOOT_ENTRY_CALLS_(kernel_main) \
  asm(PVHBOOT_ENTRY_TEXT_64_(pvhboot_enter_kernel, stack_bytes, (virtual_base), options))
#else
#define PVHBOOT_ENTRY_64(...)                   static_assert(false, "PVHBOOT_ENTRY_64 needs -m64")
#define PVHBOOT_ENTRY_64_HIGH(...)              static_assert(false, "PVHBOOT_ENTRY_64_HIGH needs -m64")
#define PVHBOOT_ENTRY_32(kernel_main, ...)      PVHBOOT_ENTRY_32_(kernel_main, __VA_ARGS__, 0, 0)
#define PVHBOOT_ENTRY_32_(kernel_main, stack_bytes, options, ...) \
  PVHBOOT_ENTRY_CALLS_(kernel_main) asm(PVHBOOT_ENTRY_TEXT_32_(pvhboot_enter_kernel, stack_bytes, options))
#endif
// clang-format on

#include <pvhboot/abi/end.def>
