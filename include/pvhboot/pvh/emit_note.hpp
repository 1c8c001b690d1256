// SPDX-License-Identifier: BSL-1.0
//
// Opt-in, asm: the ELF notes that make an image bootable through PVH.
//
//     extern "C" void _start();     // the 32-bit entry, in asm or C++
//     PVHBOOT_EMIT_NOTE(_start);
//
// once, at namespace scope, after a declaration of the entry. The note lands in section .note.Xen; the linker script
// must give it a PT_NOTE segment, since QEMU and linux-loader look nowhere else. Keep .note.gnu.property out of that
// segment (/DISCARD/ it): QEMU pads notes by the segment's alignment, 8 then, and walks past this one.
//
// asm and not a C++ object, because GCC aligns such an object to 16 bytes.
// Source: xen/include/public/elfnote.h; docs/misc/pvh.pandoc.
#pragma once

// QEMU reads 8 bytes of an ELF64 descriptor whatever its size says, so there are 8, the upper four zero.
#if defined(__x86_64__) && !defined(__ILP32__)
#define PVHBOOT_NOTE_PADDING_ ", 0"
#define PVHBOOT_NOTE_DESCSZ_  "8"
#else
#define PVHBOOT_NOTE_PADDING_ ""
#define PVHBOOT_NOTE_DESCSZ_  "4"
#endif

#define PVHBOOT_NOTE_(descsz, type, words)       \
  asm(".pushsection .note.Xen, \"a\", @note\n\t" \
      ".balign 4\n\t"                            \
      ".long 4, " descsz ", " type               \
      "\n\t"                                     \
      ".asciz \"Xen\"\n\t"                       \
      ".long " words                             \
      "\n\t"                                     \
      ".popsection")

/// XEN_ELFNOTE_PHYS32_ENTRY: enter at this symbol, whose link-time address must be its physical one, below 4 GiB. The
/// address is a link-time constant, so a static PIE cannot have it. The symbol is declared before, and marked as used
/// here: link-time optimisation does not see that asm refers to it.
#define PVHBOOT_EMIT_NOTE(symbol)                                                                     \
  _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wredundant-decls\"") extern "C" { \
    [[gnu::__used__]] extern decltype(symbol) symbol; /* NOLINT(bugprone-macro-parentheses) */        \
  }                                                                                                   \
  _Pragma("GCC diagnostic pop") PVHBOOT_NOTE_(PVHBOOT_NOTE_DESCSZ_, "18", #symbol PVHBOOT_NOTE_PADDING_)
// clang-format on

/// XEN_ELFNOTE_PHYS32_RELOC: the image may be loaded elsewhere, shifted as a whole to a multiple of `alignment`, with
/// its first byte not below `minimum` and its last not above `maximum`. Only Xen's dom0 builder acts on it (4.19).
/// Macros in the arguments are expanded.
#define PVHBOOT_EMIT_RELOC_NOTE(alignment, minimum, maximum) PVHBOOT_RELOC_NOTE_(alignment, minimum, maximum)
#define PVHBOOT_RELOC_NOTE_(alignment, minimum, maximum) \
  PVHBOOT_NOTE_("12", "19", #alignment ", " #minimum ", " #maximum)
