// SPDX-License-Identifier: BSL-1.0
//
// The CPU at entry: what a state is made of, the structs of KVM and Xen, and what is off with the states of producers.
// tests/abi/entry_state.cpp has the real headers.
#include <initializer_list>

#include <pvhboot/pvh/check_entry_state.hpp>

#include "row.hpp"

namespace {

using namespace test;
using pvhboot::busy_tss;
using pvhboot::entry_profile;
using pvhboot::entry_state;
using pvhboot::finding;
using pvhboot::flat_code;
using pvhboot::flat_data;
using pvhboot::oddity;
using pvhboot::segment_state;

/// As linux/kvm.h has them.
struct kvm_segment {
  uint64_t base;
  uint32_t limit;
  uint16_t selector;
  uint8_t type, present, dpl, db, s, l, g, avl, unusable, padding;
};
struct kvm_dtable {
  uint64_t base;
  uint16_t limit;
  uint16_t padding[3];
};
struct kvm_sregs {
  kvm_segment cs, ds, es, fs, gs, ss, tr, ldt;
  kvm_dtable gdt, idt;
  uint64_t cr0, cr2, cr3, cr4, cr8, efer, apic_base, interrupt_bitmap[4];
};
struct kvm_regs {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags;
};
/// As xen/hvm/hvm_vcpu.h has it.
struct hvm_context {
  uint32_t mode, pad;
  struct {
    struct {
      uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi, eip, eflags, cr0, cr3, cr4, pad1;
      uint64_t efer;
      uint32_t cs_base, ds_base, ss_base, es_base, tr_base, cs_limit, ds_limit, ss_limit, es_limit, tr_limit;
      uint16_t cs_ar, ds_ar, ss_ar, es_ar, tr_ar, pad2[3];
    } x86_32;
  } cpu_regs;
};

/// A state with a different value in every field.
constexpr entry_state distinct() {
  return {.eip = 0x1000010,
          .ebx = 0x6000,
          .esi = 0x7000,
          .esp = 0x8ff0,
          .eflags = 0x402,
          .cr0 = 0x60000011,
          .cr3 = 0x3000,
          .cr4 = 0x20,
          .efer = 0x800,
          .cs = {0x20, 0xe9f, 0xfffff, 0x12345678},
          .ds = {0x28, 0xcf3, 0xfffffff, 0x87654321},
          .es = {0x30, 0x191, 1, 2},
          .fs = {0x38, 0x292, 3, 4},
          .gs = {0x40, 0x493, 5, 6},
          .ss = {0x48, 0x896, 7, 8},
          .tr = {0x50, 0x08b, 9, 10},
          .gdt = {0x500, 31},
          .idt = {0x520, 7}};
}

ROW("entry_state: the descriptors that Cloud Hypervisor, Firecracker and gokvm write", {
  EXPECT(flat_code.descriptor() == 0x00cf9b000000ffff && flat_data.descriptor() == 0x00cf93000000ffff);
  EXPECT(busy_tss.descriptor() == 0x00008b0000000067);
  const auto gdt = entry_gdt(entry_state{});
  EXPECT(gdt[0].get() == 0 && gdt[flat_code.selector / 8].get() == flat_code.descriptor() &&
         gdt[flat_data.selector / 8].get() == flat_data.descriptor() &&
         gdt[busy_tss.selector / 8].get() == busy_tss.descriptor());
});
ROW("entry_state: a descriptor has each field in its place", {
  EXPECT(segment_state{0, 0, 0, 0xfedcba98}.descriptor() == 0xfe0000dcba980000);
  EXPECT(segment_state{0, 0, 0xfffff, 0}.descriptor() == 0x000f00000000ffff);
  EXPECT(segment_state{0, 0x800, 0xfffff, 0}.descriptor() == 0x00800000000000ff);
  EXPECT(segment_state{0, 0x0ff, 0, 0}.descriptor() == 0x0000ff0000000000);
  EXPECT(segment_state{0, 0xf700, 0, 0}.descriptor() == 0x0070000000000000);
});
ROW("entry_state: an entry and an address are all it takes", {
  constexpr entry_state state{0x100000, 0x6000};
  EXPECT(state.eip == 0x100000 && state.ebx == 0x6000 && state.cr0 == 0x11 && state.cr4 == 0 && state.eflags == 2);
});
ROW("to_kvm: the structs as Cloud Hypervisor fills them", {
  kvm_sregs sregs{};
  kvm_regs regs{};
  regs.rax = regs.rbx = regs.rcx = regs.rsi = regs.rdi = regs.rsp = regs.rbp = regs.r8 = regs.r15 = 1;
  regs.rdx = 0x600;
  sregs.apic_base = 0xfee00900;
  sregs.interrupt_bitmap[3] = 1;
  sregs.cr2 = sregs.cr3 = sregs.cr8 = 5;
  sregs.ldt.present = 1;
  entry_state state{0x100000, 0x6000};
  state.gdt = {0x500, 31};
  state.idt = {0x520, 7};
  to_kvm(state, sregs, regs);
  EXPECT(regs.rip == 0x100000 && regs.rbx == 0x6000 && regs.rflags == 2);
  EXPECT(regs.rax == 0 && regs.rcx == 0 && regs.rdx == 0 && regs.rsi == 0 && regs.rdi == 0 && regs.rsp == 0 &&
         regs.rbp == 0 && regs.r15 == 0);
  const auto is = [](const kvm_segment& s, uint16_t selector, int type, uint32_t limit, int db, int code_or_data) {
    return s.base == 0 && s.limit == limit && s.selector == selector && s.type == type && s.present == 1 &&
           s.dpl == 0 && s.db == db && s.s == code_or_data && s.l == 0 && s.g == db && s.avl == 0 && s.unusable == 0;
  };
  EXPECT(is(sregs.cs, 0x08, 11, 0xffffffff, 1, 1) && is(sregs.tr, 0x18, 11, 0x67, 0, 0));
  for (const kvm_segment& s : {sregs.ds, sregs.es, sregs.fs, sregs.gs, sregs.ss})
    EXPECT(is(s, 0x10, 3, 0xffffffff, 1, 1));
  EXPECT(sregs.ldt.unusable == 1 && sregs.ldt.present == 0);
  EXPECT(sregs.gdt.base == 0x500 && sregs.gdt.limit == 31 && sregs.idt.base == 0x520 && sregs.idt.limit == 7);
  EXPECT(sregs.cr0 == 0x11 && sregs.cr2 == 0 && sregs.cr3 == 0 && sregs.cr4 == 0 && sregs.cr8 == 0 && sregs.efer == 0);
  EXPECT(sregs.apic_base == 0xfee00900 && sregs.interrupt_bitmap[3] == 1);
});
/// A struct whose bytes are all 0xaa.
template <class Struct> constexpr Struct used_before() {
  pvhboot::array<uint8_t, sizeof(Struct)> bytes{};
  for (uint8_t& b : bytes) b = 0xaa;
  return __builtin_bit_cast(Struct, bytes);
}
ROW("to_kvm, to_xen: nothing of the structs' contents stays that belongs to the boot protocol", {
  auto sregs = used_before<kvm_sregs>();
  auto regs = used_before<kvm_regs>();
  to_kvm(distinct(), sregs, regs);
  EXPECT(pvhboot::from_kvm(sregs, regs) == distinct());
  for (const kvm_dtable& table : {sregs.gdt, sregs.idt}) EXPECT(table.padding[0] == 0 && table.padding[2] == 0);
  for (const kvm_segment& s : {sregs.cs, sregs.ds, sregs.es, sregs.fs, sregs.gs, sregs.ss, sregs.tr, sregs.ldt})
    EXPECT(s.padding == 0);
  EXPECT(sregs.ldt.base == 0 && sregs.ldt.limit == 0 && sregs.ldt.selector == 0 && sregs.ldt.unusable == 1);
  EXPECT(sregs.cr2 == 0 && sregs.cr8 == 0 && sregs.apic_base == 0xaaaaaaaaaaaaaaaa);
  EXPECT(regs.rax == 0 && regs.rcx == 0 && regs.rdx == 0 && regs.rdi == 0 && regs.rbp == 0 && regs.r15 == 0);
  auto context = used_before<hvm_context>();
  auto state = entry_state{0x100000, 0x6000};
  EXPECT(to_xen(state, context) && context.mode == 0 && context.pad == 0);
  const auto& x = context.cpu_regs.x86_32;
  EXPECT(x.eax == 0 && x.ecx == 0 && x.edx == 0 && x.ebp == 0 && x.edi == 0 && x.pad1 == 0 && x.pad2[0] == 0);
});
ROW("to_kvm and from_kvm: every value there and back", {
  kvm_sregs sregs{};
  kvm_regs regs{};
  to_kvm(distinct(), sregs, regs);
  EXPECT(pvhboot::from_kvm(sregs, regs) == distinct());
  EXPECT(sregs.cs.type == 15 && sregs.cs.s == 1 && sregs.cs.dpl == 0 && sregs.cs.present == 1 && sregs.cs.avl == 0 &&
         sregs.cs.l == 1 && sregs.cs.db == 1 && sregs.cs.g == 1 && sregs.ds.dpl == 3 && sregs.es.avl == 1);
  sregs.es.unusable = 1;
  EXPECT(pvhboot::from_kvm(sregs, regs).es.attributes == (0x191 & ~0x80));
});
ROW("from_kvm: a segment that is usable and not present is not present", {
  kvm_segment s{};
  s.type = 3;
  EXPECT((pvhboot::from_kvm(s).attributes & 0x80) == 0);
  s.present = 1;
  EXPECT((pvhboot::from_kvm(s).attributes & 0x80) != 0);
  s.unusable = 1;
  EXPECT((pvhboot::from_kvm(s).attributes & 0x80) == 0);
});
ROW("entry_state: two states are the same if every value is", {
  const auto differs = [](const auto& change) {
    entry_state other = distinct();
    change(other);
    return !(other == distinct());
  };
  EXPECT(distinct() == distinct());
  EXPECT(differs([](entry_state& s) { ++s.eip; }) && differs([](entry_state& s) { ++s.ebx; }));
  EXPECT(differs([](entry_state& s) { ++s.esi; }) && differs([](entry_state& s) { ++s.cr3; }));
  EXPECT(differs([](entry_state& s) { ++s.esp; }) && differs([](entry_state& s) { ++s.eflags; }));
  EXPECT(differs([](entry_state& s) { ++s.cr0; }) && differs([](entry_state& s) { ++s.cr4; }));
  EXPECT(differs([](entry_state& s) { ++s.efer; }) && differs([](entry_state& s) { ++s.cs.selector; }));
  EXPECT(differs([](entry_state& s) { ++s.ds.attributes; }) && differs([](entry_state& s) { ++s.es.limit; }));
  EXPECT(differs([](entry_state& s) { ++s.fs.base; }) && differs([](entry_state& s) { ++s.gs.base; }));
  EXPECT(differs([](entry_state& s) { ++s.ss.base; }) && differs([](entry_state& s) { ++s.tr.base; }));
  EXPECT(differs([](entry_state& s) { ++s.gdt.base; }) && differs([](entry_state& s) { ++s.idt.limit; }));
});
ROW("to_xen and from_xen: every value that the context has there and back", {
  hvm_context context{};
  context.mode = context.pad = 1;
  context.cpu_regs.x86_32.eax = 7;
  entry_state state = distinct();
  EXPECT(to_xen(state, context) && context.mode == 0 && context.pad == 0 && context.cpu_regs.x86_32.eax == 0);
  const auto& regs = context.cpu_regs.x86_32;
  EXPECT(regs.cs_ar == 0xe9f && regs.cs_limit == 0xfffff && regs.cs_base == 0x12345678 && regs.tr_ar == 0x8b);
  state.fs = state.gs = {};
  state.gdt = state.idt = {};
  for (segment_state* s : {&state.cs, &state.ds, &state.es, &state.ss, &state.tr}) s->selector = 0;
  EXPECT(pvhboot::from_xen(context) == state);
  EXPECT(to_xen(entry_state{0x100000, 0x6000}, context) && regs.cs_ar == 0xc9b && regs.ds_ar == 0xc93 &&
         regs.es_ar == 0xc93 && regs.ss_ar == 0xc93 && regs.tr_ar == 0x8b && regs.tr_limit == 0x67);
});
ROW("to_xen: no value is cut to 32 bits", {
  hvm_context context{};
  const auto fits = [&](const auto& change) {
    entry_state state{0x100000, 0x6000};
    change(state);
    return to_xen(state, context);
  };
  constexpr uint64_t high = uint64_t{1} << 32;
  EXPECT(fits([](entry_state&) {}));
  EXPECT(!fits([](entry_state& s) { s.eip |= high; }) && !fits([](entry_state& s) { s.ebx |= high; }));
  EXPECT(!fits([](entry_state& s) { s.esp |= high; }) && !fits([](entry_state& s) { s.eflags |= high; }));
  EXPECT(!fits([](entry_state& s) { s.cr0 |= high; }) && !fits([](entry_state& s) { s.cr4 |= high; }));
  EXPECT(!fits([](entry_state& s) { s.cs.base |= high; }) && !fits([](entry_state& s) { s.ds.base |= high; }));
  EXPECT(!fits([](entry_state& s) { s.es.base |= high; }) && !fits([](entry_state& s) { s.ss.base |= high; }));
  EXPECT(!fits([](entry_state& s) { s.tr.base |= high; }));
});

/// A state without a finding, before the changes.
constexpr entry_state sound() {
  entry_state state{0x100000, 0x6000};
  state.esp = 0x9000;
  state.gdt = {0x500, 31};
  return state;
}
struct count {
  int all = 0;
  int this_one = 0;
};
constexpr count findings(const entry_state& state, oddity what, uint64_t where, entry_profile profile) {
  count c;
  check_entry_state(state,
                    [&](finding f) noexcept {
                      ++c.all;
                      if (f.what == what && f.where == where) ++c.this_one;
                    },
                    {.profile = profile, .entry = 0x100000, .start_info = 0x6000});
  return c;
}
/// The change brings this finding and no other; as_seen drops it unless it is an error.
template <class Change> constexpr bool only(const Change& change, oddity what, uint64_t where) {
  entry_state state = sound();
  change(state);
  const count all = findings(state, what, where, entry_profile::specification);
  const count seen = findings(state, what, where, entry_profile::as_seen);
  return all.all == 1 && all.this_one == 1 && seen.all == (level(what) == pvhboot::severity::error ? 1 : 0);
}
template <class Change> constexpr bool none(const Change& change) {
  entry_state state = sound();
  change(state);
  return findings(state, {}, 0, entry_profile::specification).all == 0;
}

ROW("check_entry_state: nothing off, with what the specification leaves open", {
  EXPECT(none([](entry_state&) {}));
  EXPECT(none([](entry_state& s) { s.cs.selector = s.ds.selector = s.es.selector = 0xfff8; }));
  EXPECT(none([](entry_state& s) { s.fs = s.gs = {}; }) && none([](entry_state& s) { s.idt = {0, 0xffff}; }));
  EXPECT(none([](entry_state& s) { s.cs.attributes = 0xc9a, s.ds.attributes = 0xc92; }));  // not accessed yet
  EXPECT(none([](entry_state& s) { s.cs.attributes = 0xd9e; }));                           // conforming, AVL
  EXPECT(none([](entry_state& s) { s.eflags = 0x8d7; }));
  EXPECT(none([](entry_state& s) { s.efer = 0x800; }));
});
ROW("check_entry_state: control registers (E4, E5)", {
  EXPECT(only([](entry_state& s) { s.cr0 = 0x10; }, oddity::not_protected_mode, 0x10));
  EXPECT(only([](entry_state& s) { s.cr0 = 0x80000011; }, oddity::paging_on, 0x80000011));
  EXPECT(only([](entry_state& s) { s.cr0 = 0x60000011; }, oddity::cr0_other_bits, 0x60000011));
  EXPECT(only([](entry_state& s) { s.cr0 = 0x100000011; }, oddity::cr0_other_bits, 0x100000011));
  EXPECT(only([](entry_state& s) { s.cr0 = 0x1; }, oddity::cr0_et_clear, 0x1));
  EXPECT(only([](entry_state& s) { s.cr4 = 0x1000; }, oddity::cr4_not_zero, 0x1000));
  EXPECT(only([](entry_state& s) { s.efer = 0x100; }, oddity::long_mode_enabled, 0x100));
});
/// Each way in which a segment is not flat: base, limit, not writable or readable, system, ring, absent, 64-bit,
/// 16-bit, bytes, and for data expand-down.
template <class Set> constexpr bool every_fault(const segment_state& good, oddity what, const Set& set, bool is_code) {
  const auto broken = [&](const auto& change) {
    segment_state s = good;
    change(s);
    return only([&](entry_state& state) { set(state, s); }, what, s.descriptor());
  };
  const auto flipped = [&](unsigned bits) {
    return broken([&](segment_state& s) { s.attributes = static_cast<uint16_t>(s.attributes ^ bits); });
  };
  return broken([](segment_state& s) { s.base = 1; }) && broken([](segment_state& s) { s.limit = 0xfffff; }) &&
         flipped(0x2) && flipped(0x8) && flipped(0x10) && flipped(0x20) && flipped(0x40) && flipped(0x80) &&
         flipped(0x200) && flipped(0x400) && flipped(0x800) && (is_code || flipped(0x4)) &&
         broken([](segment_state& s) { s = {}; });
}
ROW("check_entry_state: segments, each fault of each (E1)", {
  EXPECT(every_fault(
      flat_code, oddity::cs_not_flat, [](entry_state& s, const segment_state& x) { s.cs = x; }, true));
  EXPECT(every_fault(
      flat_data, oddity::ds_not_flat, [](entry_state& s, const segment_state& x) { s.ds = x; }, false));
  EXPECT(every_fault(
      flat_data, oddity::es_not_flat, [](entry_state& s, const segment_state& x) { s.es = x; }, false));
  EXPECT(every_fault(
      flat_data, oddity::ss_not_flat, [](entry_state& s, const segment_state& x) { s.ss = x; }, false));
});
ROW("check_entry_state: the TSS (E3)", {
  EXPECT(only([](entry_state& s) { s.tr = {0, 0x82, 0xffff, 0}; }, oddity::no_busy_tss, 0x000082000000ffff));  // reset
  EXPECT(only([](entry_state& s) { s.tr = {}; }, oddity::no_busy_tss, 0));
  EXPECT(only([](entry_state& s) { s.tr.attributes = 0x89; }, oddity::no_busy_tss, 0x0000890000000067));
  EXPECT(only([](entry_state& s) { s.tr.base = 0x1000; }, oddity::no_busy_tss, 0x00008b0010000067));
  EXPECT(only([](entry_state& s) { s.tr.limit = 0x66; }, oddity::no_busy_tss, 0x00008b0000000066));
  EXPECT(only([](entry_state& s) { s.tr.attributes = 0x9b; }, oddity::no_busy_tss, 0x00009b0000000067));
  EXPECT(only([](entry_state& s) { s.tr.attributes = 0x0b; }, oddity::no_busy_tss, 0x00000b0000000067));
});
ROW("check_entry_state: eflags (E6)", {
  EXPECT(only([](entry_state& s) { s.eflags = 0x20002; }, oddity::eflags_vm, 0x20002));
  EXPECT(only([](entry_state& s) { s.eflags = 0x202; }, oddity::eflags_if, 0x202));
  EXPECT(only([](entry_state& s) { s.eflags = 0x102; }, oddity::eflags_tf, 0x102));
  EXPECT(only([](entry_state& s) { s.eflags = 0; }, oddity::eflags_bit_1_clear, 0));
  EXPECT(only([](entry_state& s) { s.eflags = 0x402; }, oddity::direction_flag, 0x402));
});
ROW("check_entry_state: ebx, eip, esp and the GDT (E2)", {
  EXPECT(only([](entry_state& s) { s.ebx = 0; }, oddity::ebx_zero, 0));
  EXPECT(only([](entry_state& s) { s.ebx = 0x7000; }, oddity::ebx_not_start_info, 0x7000));
  EXPECT(only([](entry_state& s) { s.eip = 0x100001; }, oddity::eip_not_entry, 0x100001));
  EXPECT(only([](entry_state& s) { s.esp = 0; }, oddity::esp_zero, 0));
  EXPECT(only([](entry_state& s) { s.gdt = {}; }, oddity::no_gdt, 0));
  // What is not known is not compared.
  int n = 0;
  entry_state state = sound();
  state.ebx = state.eip = 5;
  check_entry_state(state, [&](finding) noexcept { ++n; });
  EXPECT(n == 0);
});

/// The findings of a state, one bit each from row 0x800 on.
constexpr uint32_t found(const entry_state& state, entry_profile profile = entry_profile::specification) {
  uint32_t bits = 0;
  check_entry_state(state, [&](finding f) noexcept { bits |= 1u << (static_cast<unsigned>(f.what) - 0x800); },
                    {.profile = profile});
  return bits;
}
template <class... Oddities> constexpr uint32_t bits_of(Oddities... what) {
  return ((1u << (static_cast<unsigned>(what) - 0x800)) | ...);
}
ROW("check_entry_state: what producers set, each with what is off", {
  using enum oddity;
  entry_state libxl{0x100000, 0x6000};
  libxl.eflags = 0;
  libxl.fs = libxl.gs = {};
  EXPECT(found(libxl) == bits_of(eflags_bit_1_clear, esp_zero, no_gdt));
  entry_state old_xen = libxl;
  old_xen.es = {};
  EXPECT(found(old_xen) == bits_of(eflags_bit_1_clear, esp_zero, no_gdt, es_not_flat));
  entry_state cloud_hypervisor{0x100000, 0x6000};
  cloud_hypervisor.cr0 = 0x1;
  cloud_hypervisor.gdt = {0x500, 31};
  EXPECT(found(cloud_hypervisor) == bits_of(cr0_et_clear, esp_zero));
  entry_state firecracker = cloud_hypervisor;
  firecracker.cr0 = 0x11;
  EXPECT(found(firecracker) == bits_of(esp_zero));
  entry_state qemu{0x100000, 0x21e0};
  qemu.esp = 0x2000;
  qemu.gdt = {0xcb000, 39};
  qemu.tr = {0, 0x8b, 0xffff, 0};
  EXPECT(found(qemu) == bits_of(no_busy_tss));
  for (const entry_state& state : {libxl, old_xen, cloud_hypervisor, firecracker, qemu})
    EXPECT(found(state, entry_profile::as_seen) == 0);
  EXPECT(found(entry_state{0x100000, 0}, entry_profile::as_seen) == bits_of(ebx_zero));
});
static_assert(noexcept(check_entry_state(entry_state{}, [](finding) noexcept {})) &&
              !noexcept(check_entry_state(entry_state{}, [](finding) {})));

}  // namespace
