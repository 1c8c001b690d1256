// SPDX-License-Identifier: BSL-1.0
//
// The entry state in the structs of the real headers of KVM and Xen: filled, read back, and judged by the rules that
// Xen's hypervisor has for a context (arch_set_info_hvm_guest, check_segment).
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if __has_include(<xen/hvm/hvm_vcpu.h>)
#define __XEN_TOOLS__ 1  // without it Xen's headers declare the interface of 2005
#include <xen/hvm/hvm_vcpu.h>
#include <xen/xen.h>
#define HAS_XEN 1
#endif

#include <pvhboot/pvh/entry_state.hpp>

namespace {

int agreed = 0, wrong = 0;
void expect(bool holds, const char* what) {
  (holds ? agreed : wrong) += 1;
  if (!holds) printf("WRONG: %s\n", what);
}
#define EXPECT(...) expect(__VA_ARGS__, #__VA_ARGS__)

const pvhboot::entry_state state{0x1000010, 0x6000};

template <class Sregs> void check_kvm() {
  Sregs sregs;
  kvm_regs regs;
  memset(&sregs, 0xa5, sizeof sregs);
  memset(&regs, 0xa5, sizeof regs);
  to_kvm(state, sregs, regs);
  EXPECT(pvhboot::from_kvm(sregs, regs) == state);
  EXPECT(regs.rip == 0x1000010 && regs.rbx == 0x6000 && regs.rflags == 2 && regs.rax == 0 && regs.r15 == 0);
  EXPECT(sregs.cs.base == 0 && sregs.cs.limit == 0xffffffff && sregs.cs.type == 11 && sregs.cs.s == 1);
  EXPECT(sregs.cs.present == 1 && sregs.cs.db == 1 && sregs.cs.l == 0 && sregs.cs.g == 1 && sregs.cs.dpl == 0);
  EXPECT(sregs.ds.type == 3 && sregs.es.type == 3 && sregs.ss.type == 3 && sregs.fs.type == 3 && sregs.gs.type == 3);
  EXPECT(sregs.tr.type == 11 && sregs.tr.s == 0 && sregs.tr.present == 1 && sregs.tr.limit == 0x67);
  EXPECT(sregs.cs.padding == 0 && sregs.cs.unusable == 0 && sregs.ldt.unusable == 1 && sregs.gdt.padding[2] == 0);
  EXPECT(sregs.cr0 == 0x11 && sregs.cr2 == 0 && sregs.cr3 == 0 && sregs.cr4 == 0 && sregs.cr8 == 0 && sregs.efer == 0);
  EXPECT(sregs.apic_base == 0xa5a5a5a5a5a5a5a5);  // kept
}

#ifdef HAS_XEN
void check_xen() {
  vcpu_hvm_context context;
  memset(&context, 0xa5, sizeof context);
  EXPECT(to_xen(state, context));
  const vcpu_hvm_x86_32& regs = context.cpu_regs.x86_32;
  EXPECT(context.mode == VCPU_HVM_MODE_32B && context.pad == 0 && regs.pad1 == 0 && regs.pad2[0] == 0);
  EXPECT(regs.eip == 0x1000010 && regs.ebx == 0x6000 && regs.cr0 == 0x11 && regs.cr3 == 0 && regs.cr4 == 0);
  EXPECT(regs.eax == 0 && regs.edi == 0 && regs.efer == 0 && (regs.eflags & ~0x2u) == 0);
  EXPECT(regs.cs_ar == 0xc9b && regs.ds_ar == 0xc93 && regs.es_ar == 0xc93 && regs.ss_ar == 0xc93);
  EXPECT(regs.tr_ar == 0x8b && regs.tr_base == 0 && regs.tr_limit == 0x67);
  // Unused bits are blank, tr is a busy 32-bit TSS, ss is writable data, cs and ss have one DPL, eip is within cs.
  EXPECT(((regs.cs_ar | regs.ds_ar | regs.es_ar | regs.ss_ar | regs.tr_ar) & 0xf000) == 0);
  EXPECT((regs.tr_ar & 0x1f) == 0xb && (regs.ss_ar & 0x1a) == 0x12);
  EXPECT((regs.cs_ar >> 5 & 3) == (regs.ss_ar >> 5 & 3) && regs.eip <= regs.cs_limit);
  const pvhboot::entry_state back = pvhboot::from_xen(context);
  EXPECT(back.eip == state.eip && back.cs.attributes == state.cs.attributes && back.tr.limit == state.tr.limit);
}
#endif

}  // namespace

int main() {
  check_kvm<kvm_sregs>();
  check_kvm<kvm_sregs2>();
#ifdef HAS_XEN
  check_xen();
  printf("entry_state: %d agree with KVM's and Xen's headers, %d do not\n", agreed, wrong);
  return wrong != 0 ? 1 : 0;
#else
  if (wrong != 0) return 1;
  printf("entry_state: %d agree with KVM's headers\nskipped: libxen-dev is not installed\n", agreed);
  return 77;
#endif
}
