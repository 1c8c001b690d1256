// SPDX-License-Identifier: BSL-1.0
//
// Opt-in: what is off about a CPU that is to enter a PVH kernel, or has just entered one. Source: docs/misc/pvh.pandoc.
//
//     const auto report = [](pvhboot::finding f) { warn(message(f.what), f.where); };
//     pvhboot::check_entry_state(pvhboot::from_kvm(sregs, regs), report, {.entry = plan->entry});
//
// The findings are the rows of oddities.def from 0x800 on; `where` is the value that is odd, of a segment its
// descriptor. An error is against the specification, and no producer is known that does it. A warning is against it
// too, but producers that are in use do it: QEMU's option ROM and qboot load no TSS, Xen before 4.14 set no %es. An
// info is within the specification, and a kernel has failed on it nevertheless.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/pvh/entry_state.hpp>
#include <pvhboot/pvh/oddity.hpp>

namespace pvhboot {

/// Against what a state is held.
enum class entry_profile : uint8_t {
  specification,  ///< every finding
  as_seen,        ///< what producers in use do is accepted: errors alone are found
};

/// What a CPU is compared with.
struct entry_expectation {
  entry_profile profile = entry_profile::specification;  ///< whose rules
  uint64_t entry = 0;                                    ///< where the kernel is entered; 0: unknown
  uint64_t start_info = 0;                               ///< its address; 0: unknown
};

/// Calls report(finding) for everything that is off.
template <class Report>
constexpr void check_entry_state(const entry_state& state, Report&& report,
                                 const entry_expectation& expected = {}) noexcept(noexcept(report(finding{}))) {
  const auto unless = [&](bool good, oddity what, uint64_t value) noexcept(noexcept(report(finding{}))) {
    if (good || (expected.profile == entry_profile::as_seen && level(what) != severity::error)) return;
    report(finding{what, value});
  };
  constexpr uint64_t pe = 1u << 0, et = 1u << 4, pg = uint64_t{1} << 31;
  unless((state.cr0 & pe) != 0, oddity::not_protected_mode, state.cr0);
  unless((state.cr0 & pg) == 0, oddity::paging_on, state.cr0);
  unless((state.cr0 & ~(pe | et | pg)) == 0, oddity::cr0_other_bits, state.cr0);
  unless((state.cr0 & et) != 0, oddity::cr0_et_clear, state.cr0);
  unless(state.cr4 == 0, oddity::cr4_not_zero, state.cr4);
  constexpr uint64_t lme = 1u << 8;
  unless((state.efer & lme) == 0, oddity::long_mode_enabled, state.efer);

  // Type without "accessed", S, DPL, P, L, D/B, G: AVL is anybody's. A code segment may be conforming.
  constexpr unsigned data_bits = 0xefe, code_bits = data_bits & ~0x4u;
  const auto flat = [](const segment_state& s, unsigned mask, unsigned wanted) noexcept {
    return s.base == 0 && s.limit == 0xffffffff && (s.attributes & mask) == wanted;
  };
  unless(flat(state.cs, code_bits, 0xc9a), oddity::cs_not_flat, state.cs.descriptor());
  unless(flat(state.ds, data_bits, 0xc92), oddity::ds_not_flat, state.ds.descriptor());
  unless(flat(state.es, data_bits, 0xc92), oddity::es_not_flat, state.es.descriptor());
  unless(flat(state.ss, data_bits, 0xc92), oddity::ss_not_flat, state.ss.descriptor());
  // Of the TSS: type, S and P. A limit of 0x67 bytes needs no G.
  unless(state.tr.base == 0 && state.tr.limit == 0x67 && (state.tr.attributes & 0x9f) == 0x8b, oddity::no_busy_tss,
         state.tr.descriptor());

  constexpr uint64_t fixed = 1u << 1, tf = 1u << 8, interrupts = 1u << 9, df = 1u << 10, vm = 1u << 17;
  unless((state.eflags & vm) == 0, oddity::eflags_vm, state.eflags);
  unless((state.eflags & interrupts) == 0, oddity::eflags_if, state.eflags);
  unless((state.eflags & tf) == 0, oddity::eflags_tf, state.eflags);
  unless((state.eflags & fixed) != 0, oddity::eflags_bit_1_clear, state.eflags);
  unless((state.eflags & df) == 0, oddity::direction_flag, state.eflags);

  unless(state.ebx != 0, oddity::ebx_zero, state.ebx);
  unless(state.ebx == 0 || expected.start_info == 0 || state.ebx == expected.start_info, oddity::ebx_not_start_info,
         state.ebx);
  unless(expected.entry == 0 || state.eip == expected.entry, oddity::eip_not_entry, state.eip);
  unless(state.esp != 0, oddity::esp_zero, state.esp);
  unless(state.gdt.limit != 0, oddity::no_gdt, state.gdt.limit);
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
