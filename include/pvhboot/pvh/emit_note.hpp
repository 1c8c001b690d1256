// SPDX-License-Identifier: BSL-1.0
//
// Opt-in, asm: the ELF notes that make an image bootable through PVH.
//
//     extern "C" void _start();     // the 32-bit entry, in asm or C++
//     PVHBOOT_EMIT_NOTE(_start);
//     PVHBOOT_REQUIRE_NOTE();
//
// once, at namespace scope, after a declaration of the entry. The note lands in section .note.Xen; the linker script
// must give it a PT_NOTE segment, since QEMU and linux-loader look nowhere else. Keep .note.gnu.property out of that
// segment (/DISCARD/ it): QEMU pads notes by the segment's alignment, 8 then, and walks past this one.
//
// PVHBOOT_REQUIRE_NOTE belongs into the file that has the entry: then an image without the note does not link, whether
// the linker script discards the note or nothing emits it, and a note in an archive is linked. lld before 18 does not
// notice that a note is discarded, and no linker that PHDRS has no PT_NOTE: explain (pvh/explain.hpp) finds both in the
// finished image.
//
// An assembler file includes this header as well (as .S, through the preprocessor); it has the same macros.
//
// asm and not a C++ object, because GCC aligns such an object to 16 bytes.
// Source: xen/include/public/elfnote.h; docs/misc/pvh.pandoc.
#pragma once

// QEMU reads 8 bytes of an ELF64 descriptor whatever its size says, so there are 8, the upper four zero. The label
// makes a second note a second definition, which linkers refuse: readers disagree on which of two counts.
#ifdef __ASSEMBLER__

// clang-format off
#if defined(__x86_64__) && !defined(__ILP32__)
#define PVHBOOT_NOTE_ENTRY_(symbol) .long 4, 8, 18; .asciz "Xen"; .long symbol, 0
#else
#define PVHBOOT_NOTE_ENTRY_(symbol) .long 4, 4, 18; .asciz "Xen"; .long symbol
#endif
#define PVHBOOT_EMIT_NOTE(symbol)                                         \
  .pushsection .note.Xen, "a", @note; .balign 4;                          \
  .globl pvhboot_phys32_note; .hidden pvhboot_phys32_note;                \
  pvhboot_phys32_note: PVHBOOT_NOTE_ENTRY_(symbol); .popsection
#define PVHBOOT_EMIT_RELOC_NOTE(alignment, minimum, maximum)              \
  .pushsection .note.Xen, "a", @note; .balign 4;                          \
  .long 4, 12, 19; .asciz "Xen"; .long alignment, minimum, maximum; .popsection
#define PVHBOOT_REQUIRE_NOTE()                                            \
  .pushsection .rodata.pvhboot_note, "aR", @progbits; .balign 4;          \
  .hidden pvhboot_phys32_note; .long pvhboot_phys32_note - .; .popsection
// clang-format on

#else  // C++

#if defined(__x86_64__) && !defined(__ILP32__)
#define PVHBOOT_NOTE_PADDING_ ", 0"
#define PVHBOOT_NOTE_DESCSZ_  "8"
#else
#define PVHBOOT_NOTE_PADDING_ ""
#define PVHBOOT_NOTE_DESCSZ_  "4"
#endif

#define PVHBOOT_NOTE_(label, descsz, type, words)        \
  asm(".pushsection .note.Xen, \"a\", @note\n\t"         \
      ".balign 4\n" label "\t.long 4, " descsz ", " type \
      "\n\t"                                             \
      ".asciz \"Xen\"\n\t"                               \
      ".long " words                                     \
      "\n\t"                                             \
      ".popsection")
#define PVHBOOT_NOTE_LABEL_                                       \
  "\t.globl pvhboot_phys32_note\n\t.hidden pvhboot_phys32_note\n" \
  "pvhboot_phys32_note:\n"

/// XEN_ELFNOTE_PHYS32_ENTRY: enter at this symbol, whose link-time address must be its physical one, below 4 GiB. The
/// address is a link-time constant, so a static PIE cannot have it. The symbol is declared before, and marked as used
/// here: link-time optimisation does not see that asm refers to it.
#define PVHBOOT_EMIT_NOTE(symbol)                                                                     \
  _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wredundant-decls\"") extern "C" { \
    [[gnu::__used__]] extern decltype(symbol) symbol; /* NOLINT(bugprone-macro-parentheses) */        \
  }                                                                                                   \
  _Pragma("GCC diagnostic pop")                                                                       \
      PVHBOOT_NOTE_(PVHBOOT_NOTE_LABEL_, PVHBOOT_NOTE_DESCSZ_, "18", #symbol PVHBOOT_NOTE_PADDING_)

/// XEN_ELFNOTE_PHYS32_RELOC: the image may be loaded elsewhere, shifted as a whole to a multiple of `alignment`, with
/// its first byte not below `minimum` and its last not above `maximum`. Only Xen's dom0 builder acts on it (4.19).
/// Macros in the arguments are expanded.
#define PVHBOOT_EMIT_RELOC_NOTE(alignment, minimum, maximum) PVHBOOT_RELOC_NOTE_(alignment, minimum, maximum)
#define PVHBOOT_RELOC_NOTE_(alignment, minimum, maximum) \
  PVHBOOT_NOTE_("", "12", "19", #alignment ", " #minimum ", " #maximum)

/// Refers to the note from read-only data, 4 bytes that garbage collection of sections keeps. GCC's link-time
/// optimisation does not see the reference: there, the note must not be in an archive.
#define PVHBOOT_REQUIRE_NOTE()                                   \
  asm(".pushsection .rodata.pvhboot_note, \"aR\", @progbits\n\t" \
      ".balign 4\n\t"                                            \
      ".hidden pvhboot_phys32_note\n\t"                          \
      ".long pvhboot_phys32_note - .\n\t"                        \
      ".popsection")

#endif
