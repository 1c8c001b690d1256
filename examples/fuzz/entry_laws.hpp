// SPDX-License-Identifier: BSL-1.0
//
// The laws of entry_state and check_entry_state: the state of an entry is sound, every change of it is found as a list
// of its own says, and the structs of KVM and Xen keep it.
#pragma once

#include <pvhboot/pvh/check_entry_state.hpp>

#include "handoff.hpp"

namespace fuzz {

using pvhboot::entry_state;
using pvhboot::segment_state;

/// The members of the structs of KVM and Xen. tests/abi/entry_state.cpp has the real ones.
struct kvm_segment {
  uint64_t base;
  uint32_t limit;
  uint16_t selector;
  uint8_t type, present, dpl, db, s, l, g, avl, unusable;
};
struct kvm_table {
  uint64_t base;
  uint16_t limit;
};
struct kvm_sregs {
  kvm_segment cs, ds, es, fs, gs, ss, tr, ldt;
  kvm_table gdt, idt;
  uint64_t cr0, cr2, cr3, cr4, cr8, efer;
};
struct kvm_regs {
  uint64_t rip, rbx, rsi, rsp, rflags;
};
struct xen_context {
  uint32_t mode;
  struct {
    struct {
      uint32_t ebx, esp, esi, eip, eflags, cr0, cr3, cr4;
      uint64_t efer;
      uint32_t cs_base, ds_base, ss_base, es_base, tr_base, cs_limit, ds_limit, ss_limit, es_limit, tr_limit;
      uint16_t cs_ar, ds_ar, ss_ar, es_ar, tr_ar;
    } x86_32;
  } cpu_regs;
};

/// What is off about a state, by the numbers of the findings. A bit of the list is a finding of 0x800 and above.
MODEL inline uint32_t odd_bits(const entry_state& s, const pvhboot::entry_expectation& expected) {
  const auto bit = [](uint64_t value, unsigned n) { return value >> n & 1; };
  const auto flat = [&](const segment_state& seg, bool code) {
    const unsigned a = seg.attributes;
    return seg.base == 0 && seg.limit == 0xffffffff && bit(a, 1) == 1 && bit(a, 3) == (code ? 1 : 0) &&
           (code || bit(a, 2) == 0) && (a >> 4 & 0xf) == 9 && bit(a, 9) == 0 && bit(a, 10) == 1 && bit(a, 11) == 1;
  };
  const bool odd[] = {
      bit(s.cr0, 0) == 0,
      bit(s.cr0, 31) == 1,
      (s.cr0 & 0xffffffff7fffffee) != 0,
      bit(s.cr0, 4) == 0,
      s.cr4 != 0,
      bit(s.efer, 8) == 1,
      !flat(s.cs, true),
      !flat(s.ds, false),
      !flat(s.es, false),
      !flat(s.ss, false),
      s.tr.base != 0 || s.tr.limit != 0x67 || (s.tr.attributes & 0x1f) != 11 || bit(s.tr.attributes, 7) == 0,
      bit(s.eflags, 17) == 1,
      bit(s.eflags, 9) == 1,
      bit(s.eflags, 8) == 1,
      bit(s.eflags, 1) == 0,
      bit(s.eflags, 10) == 1,
      s.ebx == 0,
      s.ebx != 0 && expected.start_info != 0 && s.ebx != expected.start_info,
      expected.entry != 0 && s.eip != expected.entry,
      s.esp == 0,
      s.gdt.limit == 0};
  uint32_t bits = 0;
  for (size_t i = 0; i < std::size(odd); ++i) bits |= uint32_t{odd[i]} << i;
  return bits;
}

inline uint32_t found_bits(const entry_state& s, const pvhboot::entry_expectation& expected) {
  uint32_t bits = 0;
  check_entry_state(
      s, [&](pvhboot::finding f) noexcept { bits |= uint32_t{1} << (static_cast<unsigned>(f.what) - 0x800); },
      expected);
  return bits;
}

/// Changes a field. Input: u8 which one, number, u16 attributes.
inline void change(entry_state& s, input& in) {
  uint64_t* const words[] = {&s.eip, &s.ebx, &s.esi, &s.esp, &s.eflags, &s.cr0, &s.cr3, &s.cr4, &s.efer};
  segment_state* const segments[] = {&s.cs, &s.ds, &s.es, &s.fs, &s.gs, &s.ss, &s.tr};
  const size_t which = in.u8();
  const uint64_t value = in.number();
  const uint16_t attributes = in.u16() & 0xfff;
  if (which < std::size(words)) *words[which] = value;
  if (const size_t i = which - 16; i < std::size(segments)) segments[i]->attributes = attributes;
  if (const size_t i = which - 32; i < std::size(segments)) segments[i]->base = value;
  if (const size_t i = which - 48; i < std::size(segments)) segments[i]->limit = static_cast<uint32_t>(value);
  if (which == 64) s.gdt = {value, attributes};
  if (which == 65) s.idt = {value, attributes};
}

/// Input: u8 n, n changes.
inline void law_entry(uint32_t entry, uint32_t start_info, input& in) {
  const pvhboot::entry_expectation expected{.entry = entry, .start_info = start_info};
  entry_state state{entry, start_info};
  LAW(found_bits(state, expected) == 3u << 19);  // no stack and no GDT
  const entry_state sound = state;
  for (unsigned n = in.u8() % 8; n > 0; --n) change(state, in);
  LAW(found_bits(state, expected) == odd_bits(state, expected) && found_bits(state, {}) == odd_bits(state, {}));
  const uint32_t seen = found_bits(state, {.profile = pvhboot::entry_profile::as_seen});
  constexpr uint32_t errors = 0x738d7;
  LAW(seen == (odd_bits(state, {}) & errors));

  kvm_sregs sregs{};
  kvm_regs regs{};
  to_kvm(state, sregs, regs);
  const entry_state by_kvm = pvhboot::from_kvm(sregs, regs);
  LAW(by_kvm == state && (by_kvm == sound) == (state == sound));
  LAW(entry_gdt(state)[1].get() == state.cs.descriptor());

  xen_context context{};
  const bool fits = to_xen(state, context);
  uint64_t all = state.eip | state.ebx | state.esi | state.esp | state.eflags | state.cr0 | state.cr3 | state.cr4;
  for (const segment_state* s : {&state.cs, &state.ds, &state.es, &state.ss, &state.tr}) all |= s->base;
  LAW(fits == (all <= 0xffffffff));
  if (!fits) return;
  entry_state by_xen = pvhboot::from_xen(context);
  for (const auto segment : {&entry_state::cs, &entry_state::ds, &entry_state::es, &entry_state::ss, &entry_state::tr})
    (by_xen.*segment).selector = (state.*segment).selector;
  by_xen.fs = state.fs;
  by_xen.gs = state.gs;
  by_xen.gdt = state.gdt;
  by_xen.idt = state.idt;
  LAW(by_xen == state);
}

}  // namespace fuzz
