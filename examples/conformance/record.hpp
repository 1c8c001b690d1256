// SPDX-License-Identifier: BSL-1.0
//
// What record.S recorded at the entry, as the library's entry_state.
#pragma once

#include <pvhboot/pvh/entry_state.hpp>

namespace conformance {

/// A segment register. lar and lsl read the GDT that is loaded, not what the CPU keeps.
struct recorded_segment {
  uint32_t selector;
  uint32_t is_in_gdt;  ///< lar and lsl accept the selector
  uint32_t access;     ///< of lar
  uint32_t limit;      ///< of lsl, in bytes
};

/// The layout that record.S has.
struct recorded_state {
  uint32_t eax, ebx, ecx, edx, esi, edi, ebp, esp;
  uint32_t eflags, cr0, cr4;
  uint16_t gdt_limit;
  uint16_t gdt_base[2];  ///< not aligned
  uint16_t unused_1;
  uint16_t idt_limit;
  uint16_t idt_base[2];
  uint16_t unused_2;
  uint32_t a20_on;
  uint32_t bss_at;  ///< of the first byte of .bss that was not 0; 0: none
  recorded_segment cs, ds, es, fs, gs, ss, tr;
};
static_assert(sizeof(recorded_state) == 68 + 7 * 16);

inline uint32_t gdt_base(const recorded_state& r) { return r.gdt_base[0] | uint32_t{r.gdt_base[1]} << 16; }

/// A segment as its descriptor in the GDT has it; as the specification has it where the GDT lacks one. `gdt` reads a
/// descriptor of that table.
template <class Gdt>
pvhboot::segment_state segment_of(const recorded_segment& s, const pvhboot::segment_state& otherwise, const Gdt& gdt) {
  if (s.is_in_gdt == 0) return otherwise;
  const uint64_t descriptor = gdt(s.selector & 0xfff8);
  const auto attributes = static_cast<uint16_t>((s.access >> 8 & 0xff) | (s.access >> 12 & 0xf00));
  const uint64_t base = (descriptor >> 16 & 0xffffff) | (descriptor >> 56 << 24);
  return {static_cast<uint16_t>(s.selector), attributes, s.limit, base};
}

/// All that a guest can see of its entry. The rest is as the specification has it.
template <class Gdt> pvhboot::entry_state state_of(const recorded_state& r, const Gdt& gdt) {
  const pvhboot::entry_state good{};
  return {.ebx = r.ebx,
          .esi = r.esi,
          .esp = r.esp,
          .eflags = r.eflags,
          .cr0 = r.cr0,
          .cr4 = r.cr4,
          .cs = segment_of(r.cs, good.cs, gdt),
          .ds = segment_of(r.ds, good.ds, gdt),
          .es = segment_of(r.es, good.es, gdt),
          .fs = segment_of(r.fs, good.fs, gdt),
          .gs = segment_of(r.gs, good.gs, gdt),
          .ss = segment_of(r.ss, good.ss, gdt),
          .tr = segment_of(r.tr, good.tr, gdt),
          .gdt = {gdt_base(r), r.gdt_limit}};
}

}  // namespace conformance
