// SPDX-License-Identifier: BSL-1.0
//
// The CPU when a PVH kernel is entered, as values, and in the structs of KVM and of Xen. Source: docs/misc/pvh.pandoc
// and xen/include/public/hvm/hvm_vcpu.h (Xen); linux/kvm.h.
//
//     // kvm_sregs sregs, from KVM_GET_SREGS, and kvm_regs regs
//     const pvhboot::entry_state state{plan->entry, plan->start_info_paddr};
//     to_kvm(state, sregs, regs);                            // then KVM_SET_SREGS and KVM_SET_REGS
//
// A state made of an entry and an address is the one that the specification asks for: 32-bit protected mode without
// paging, flat segments, interrupts off. What the specification leaves open is what other producers set: the registers
// are 0, %fs and %gs are flat, and there is no GDT, so a kernel that loads a segment register before its own lgdt
// crashes. With a GDT (entry_gdt, state.gdt) it does not.
//
// Nothing here includes a header of KVM or Xen: to_kvm and from_kvm take every struct that has the members of kvm_sregs
// and kvm_regs, to_xen and from_xen every one that has those of vcpu_hvm_context. check_entry_state.hpp judges a state.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/le.hpp>

namespace pvhboot {

/// A segment register with what the CPU keeps of its descriptor.
struct segment_state {
  uint16_t selector = 0;  ///< what the segment register holds
  /// As Xen has them: type in bits 0 to 3, S 4, DPL 5 and 6, P 7, AVL 8, L 9, D/B 10, G 11.
  uint16_t attributes = 0;
  uint32_t limit = 0;  ///< in bytes, whatever G is
  uint64_t base = 0;   ///< linear address of the segment

  /// The descriptor in a GDT. The upper half of a 64-bit base is not in it.
  [[__nodiscard__]] constexpr uint64_t descriptor() const noexcept {
    const uint64_t units = (attributes & 0x800) != 0 ? limit >> 12 : limit;
    return (units & 0xffff) | (base & 0xffffff) << 16 | uint64_t{attributes & 0xffu} << 40 | (units >> 16 & 0xf) << 48 |
           uint64_t{attributes >> 8 & 0xfu} << 52 | (base >> 24 & 0xff) << 56;
  }
  friend constexpr bool operator==(const segment_state&, const segment_state&) = default;
};

/// The segments of the specification, with the selectors of entry_gdt.
inline constexpr segment_state flat_code{0x08, 0xc9b, 0xffffffff, 0};  ///< code, 4 GiB
inline constexpr segment_state flat_data{0x10, 0xc93, 0xffffffff, 0};  ///< writable data, 4 GiB
inline constexpr segment_state busy_tss{0x18, 0x08b, 0x67, 0};         ///< a 32-bit TSS of the least size

/// GDTR or IDTR.
struct descriptor_table {
  uint64_t base = 0;   ///< linear address
  uint16_t limit = 0;  ///< the last byte's offset

  friend constexpr bool operator==(const descriptor_table&, const descriptor_table&) = default;
};

/// The boot CPU. All other registers are 0.
struct entry_state {
  uint64_t eip = 0;              ///< the PHYS32_ENTRY note, moved with the kernel
  uint64_t ebx = 0;              ///< start_info
  uint64_t esi = 0;              ///< 0 for PVH; Linux's own protocols pass the zero page in it
  uint64_t esp = 0;              ///< undefined by the protocol: there is no stack
  uint64_t eflags = 0x2;         ///< bit 1 is always 1
  uint64_t cr0 = 0x11;           ///< PE, and ET, which is always 1
  uint64_t cr3 = 0;              ///< no page tables
  uint64_t cr4 = 0;              ///< no extensions
  uint64_t efer = 0;             ///< no long mode
  segment_state cs = flat_code;  ///< flat code
  segment_state ds = flat_data;  ///< flat data
  segment_state es = flat_data;  ///< flat data
  segment_state fs = flat_data;  ///< flat data
  segment_state gs = flat_data;  ///< flat data
  segment_state ss = flat_data;  ///< flat data
  segment_state tr = busy_tss;   ///< a busy TSS
  descriptor_table gdt{};        ///< undefined by the protocol
  descriptor_table idt{};        ///< undefined by the protocol

  friend constexpr bool operator==(const entry_state&, const entry_state&) = default;
};

/// A GDT that has the segments of a state, for write_struct into guest memory. With `state.gdt = {paddr, 31}` the
/// kernel can load its segment registers again.
constexpr array<le64, 4> entry_gdt(const entry_state& state) noexcept {
  return {{le64{uint64_t{0}}, le64{state.cs.descriptor()}, le64{state.ds.descriptor()}, le64{state.tr.descriptor()}}};
}

/// Fills the struct of one segment of KVM.
template <class Segment> constexpr void to_kvm(const segment_state& from, Segment& segment) noexcept {
  const auto bits = [&](unsigned shift, unsigned mask) noexcept {
    return static_cast<uint8_t>(from.attributes >> shift & mask);
  };
  segment = {};
  segment.base = from.base;
  segment.limit = from.limit;
  segment.selector = from.selector;
  segment.type = bits(0, 0xf);
  segment.s = bits(4, 1);
  segment.dpl = bits(5, 3);
  segment.present = bits(7, 1);
  segment.avl = bits(8, 1);
  segment.l = bits(9, 1);
  segment.db = bits(10, 1);
  segment.g = bits(11, 1);
  segment.unusable = static_cast<uint8_t>(segment.present == 0 ? 1 : 0);
}

/// The way back. A segment that cannot be used is one that is not present.
template <class Segment> constexpr segment_state from_kvm(const Segment& segment) noexcept {
  const unsigned present = segment.unusable != 0 ? 0u : segment.present & 1u;
  const unsigned attributes = (segment.type & 0xfu) | (segment.s & 1u) << 4 | (segment.dpl & 3u) << 5 | present << 7 |
                              (segment.avl & 1u) << 8 | (segment.l & 1u) << 9 | (segment.db & 1u) << 10 |
                              (segment.g & 1u) << 11;
  return {segment.selector, static_cast<uint16_t>(attributes), segment.limit, segment.base};
}

/// Fills the structs of KVM_SET_SREGS and KVM_SET_REGS. Of `sregs` what is none of the boot protocol's stays as it was:
/// the base of the local APIC, pending interrupts, and what newer structs have. So begin with KVM_GET_SREGS.
template <class Sregs, class Regs> constexpr void to_kvm(const entry_state& state, Sregs& sregs, Regs& regs) noexcept {
  to_kvm(state.cs, sregs.cs);
  to_kvm(state.ds, sregs.ds);
  to_kvm(state.es, sregs.es);
  to_kvm(state.fs, sregs.fs);
  to_kvm(state.gs, sregs.gs);
  to_kvm(state.ss, sregs.ss);
  to_kvm(state.tr, sregs.tr);
  to_kvm(segment_state{}, sregs.ldt);
  sregs.gdt = {};
  sregs.gdt.base = state.gdt.base;
  sregs.gdt.limit = state.gdt.limit;
  sregs.idt = {};
  sregs.idt.base = state.idt.base;
  sregs.idt.limit = state.idt.limit;
  sregs.cr0 = state.cr0;
  sregs.cr2 = 0;
  sregs.cr3 = state.cr3;
  sregs.cr4 = state.cr4;
  sregs.cr8 = 0;
  sregs.efer = state.efer;
  regs = {};
  regs.rip = state.eip;
  regs.rbx = state.ebx;
  regs.rsi = state.esi;
  regs.rsp = state.esp;
  regs.rflags = state.eflags;
}

/// The way back, from KVM_GET_SREGS and KVM_GET_REGS.
template <class Sregs, class Regs> constexpr entry_state from_kvm(const Sregs& sregs, const Regs& regs) noexcept {
  return {.eip = regs.rip,
          .ebx = regs.rbx,
          .esi = regs.rsi,
          .esp = regs.rsp,
          .eflags = regs.rflags,
          .cr0 = sregs.cr0,
          .cr3 = sregs.cr3,
          .cr4 = sregs.cr4,
          .efer = sregs.efer,
          .cs = from_kvm(sregs.cs),
          .ds = from_kvm(sregs.ds),
          .es = from_kvm(sregs.es),
          .fs = from_kvm(sregs.fs),
          .gs = from_kvm(sregs.gs),
          .ss = from_kvm(sregs.ss),
          .tr = from_kvm(sregs.tr),
          .gdt = {sregs.gdt.base, sregs.gdt.limit},
          .idt = {sregs.idt.base, sregs.idt.limit}};
}

/// Fills Xen's vcpu_hvm_context, for XEN_DOMCTL_setvcpucontext and VCPUOP_initialise, in its mode of 32 bits. It has no
/// fields for selectors, %fs, %gs, GDTR and IDTR. False if a value of the state has more than 32 bits.
template <class Context> [[__nodiscard__]] constexpr bool to_xen(const entry_state& state, Context& context) noexcept {
  if (((state.eip | state.ebx | state.esi | state.esp | state.eflags | state.cr0 | state.cr3 | state.cr4 |
        state.cs.base | state.ds.base | state.es.base | state.ss.base | state.tr.base) >>
       32) != 0)
    return false;
  const auto low = [](uint64_t v) noexcept { return static_cast<uint32_t>(v); };
  context = {};
  context.mode = 0;  // VCPU_HVM_MODE_32B
  auto& regs = context.cpu_regs.x86_32;
  regs = {};
  regs.eip = low(state.eip);
  regs.ebx = low(state.ebx);
  regs.esi = low(state.esi);
  regs.esp = low(state.esp);
  regs.eflags = low(state.eflags);
  regs.cr0 = low(state.cr0);
  regs.cr3 = low(state.cr3);
  regs.cr4 = low(state.cr4);
  regs.efer = state.efer;
  const auto set = [&](const segment_state& from, auto& segment_base, auto& segment_limit, auto& ar) noexcept {
    segment_base = low(from.base);
    segment_limit = from.limit;
    ar = from.attributes;
  };
  set(state.cs, regs.cs_base, regs.cs_limit, regs.cs_ar);
  set(state.ds, regs.ds_base, regs.ds_limit, regs.ds_ar);
  set(state.es, regs.es_base, regs.es_limit, regs.es_ar);
  set(state.ss, regs.ss_base, regs.ss_limit, regs.ss_ar);
  set(state.tr, regs.tr_base, regs.tr_limit, regs.tr_ar);
  return true;
}

/// The way back, of a context in the mode of 32 bits. What it has no fields for is 0.
template <class Context> constexpr entry_state from_xen(const Context& context) noexcept {
  const auto& regs = context.cpu_regs.x86_32;
  return {.eip = regs.eip,
          .ebx = regs.ebx,
          .esi = regs.esi,
          .esp = regs.esp,
          .eflags = regs.eflags,
          .cr0 = regs.cr0,
          .cr3 = regs.cr3,
          .cr4 = regs.cr4,
          .efer = regs.efer,
          .cs = {0, regs.cs_ar, regs.cs_limit, regs.cs_base},
          .ds = {0, regs.ds_ar, regs.ds_limit, regs.ds_base},
          .es = {0, regs.es_ar, regs.es_limit, regs.es_base},
          .fs = {},
          .gs = {},
          .ss = {0, regs.ss_ar, regs.ss_limit, regs.ss_base},
          .tr = {0, regs.tr_ar, regs.tr_limit, regs.tr_base}};
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
