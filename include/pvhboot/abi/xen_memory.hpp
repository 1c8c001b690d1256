// SPDX-License-Identifier: BSL-1.0
//
// Asking Xen for the memory map: HYPERVISOR_memory_op. Version 0 of hvm_start_info has no map, and a version 1 may come
// with none.
// Source: xen/include/public/memory.h, xen/include/public/xen.h (MIT).
//
// The guest writes the structure, with the capacity in nr_entries. Xen stores that many boot_e820_entry records or
// fewer, puts their number into nr_entries, and drops the rest without an error.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/le.hpp>

namespace pvhboot {

/// __HYPERVISOR_*: the number that goes into %eax.
enum class xen_hypercall : uint32_t {
  set_trap_table = 0,                  ///< __HYPERVISOR_set_trap_table
  mmu_update = 1,                      ///< __HYPERVISOR_mmu_update
  set_gdt = 2,                         ///< __HYPERVISOR_set_gdt
  stack_switch = 3,                    ///< __HYPERVISOR_stack_switch
  set_callbacks = 4,                   ///< __HYPERVISOR_set_callbacks
  fpu_taskswitch = 5,                  ///< __HYPERVISOR_fpu_taskswitch
  sched_op_compat = 6,                 ///< __HYPERVISOR_sched_op_compat
  platform_op = 7,                     ///< __HYPERVISOR_platform_op
  set_debugreg = 8,                    ///< __HYPERVISOR_set_debugreg
  get_debugreg = 9,                    ///< __HYPERVISOR_get_debugreg
  update_descriptor = 10,              ///< __HYPERVISOR_update_descriptor
  memory_op = 12,                      ///< __HYPERVISOR_memory_op
  multicall = 13,                      ///< __HYPERVISOR_multicall
  update_va_mapping = 14,              ///< __HYPERVISOR_update_va_mapping
  set_timer_op = 15,                   ///< __HYPERVISOR_set_timer_op
  event_channel_op_compat = 16,        ///< __HYPERVISOR_event_channel_op_compat
  xen_version = 17,                    ///< __HYPERVISOR_xen_version
  console_io = 18,                     ///< __HYPERVISOR_console_io
  physdev_op_compat = 19,              ///< __HYPERVISOR_physdev_op_compat
  grant_table_op = 20,                 ///< __HYPERVISOR_grant_table_op
  vm_assist = 21,                      ///< __HYPERVISOR_vm_assist
  update_va_mapping_otherdomain = 22,  ///< __HYPERVISOR_update_va_mapping_otherdomain
  iret = 23,                           ///< __HYPERVISOR_iret
  vcpu_op = 24,                        ///< __HYPERVISOR_vcpu_op
  set_segment_base = 25,               ///< __HYPERVISOR_set_segment_base
  mmuext_op = 26,                      ///< __HYPERVISOR_mmuext_op
  xsm_op = 27,                         ///< __HYPERVISOR_xsm_op
  nmi_op = 28,                         ///< __HYPERVISOR_nmi_op
  sched_op = 29,                       ///< __HYPERVISOR_sched_op
  callback_op = 30,                    ///< __HYPERVISOR_callback_op
  xenoprof_op = 31,                    ///< __HYPERVISOR_xenoprof_op
  event_channel_op = 32,               ///< __HYPERVISOR_event_channel_op
  physdev_op = 33,                     ///< __HYPERVISOR_physdev_op
  hvm_op = 34,                         ///< __HYPERVISOR_hvm_op
  sysctl = 35,                         ///< __HYPERVISOR_sysctl
  domctl = 36,                         ///< __HYPERVISOR_domctl
  kexec_op = 37,                       ///< __HYPERVISOR_kexec_op
  tmem_op = 38,                        ///< __HYPERVISOR_tmem_op
  argo_op = 39,                        ///< __HYPERVISOR_argo_op
  xenpmu_op = 40,                      ///< __HYPERVISOR_xenpmu_op
  dm_op = 41,                          ///< __HYPERVISOR_dm_op
  hypfs_op = 42,                       ///< __HYPERVISOR_hypfs_op
  arch_0 = 48,                         ///< __HYPERVISOR_arch_0: mca on x86
  arch_1 = 49,                         ///< __HYPERVISOR_arch_1
  arch_2 = 50,                         ///< __HYPERVISOR_arch_2
  arch_3 = 51,                         ///< __HYPERVISOR_arch_3
  arch_4 = 52,                         ///< __HYPERVISOR_arch_4
  arch_5 = 53,                         ///< __HYPERVISOR_arch_5
  arch_6 = 54,                         ///< __HYPERVISOR_arch_6
  arch_7 = 55,                         ///< __HYPERVISOR_arch_7
};

/// Commands of xen_hypercall::memory_op that deal in memory maps (XENMEM_*).
enum class xen_memory_op : uint32_t {
  memory_map = 9,           ///< XENMEM_memory_map: this domain's
  machine_memory_map = 10,  ///< XENMEM_machine_memory_map: the host's, for dom0
  set_memory_map = 13,      ///< XENMEM_set_memory_map: takes xen_foreign_memory_map
};

namespace abi {

/// xen_memory_map of a 32-bit guest.
struct xen_memory_map_32 {
  le32 nr_entries{};  ///< in: capacity; out: how many were stored
  le32 buffer{};      ///< linear address of boot_e820_entry[]
};
static_assert(sizeof(xen_memory_map_32) == 8 && alignof(xen_memory_map_32) == 1);

/// xen_memory_map of a 64-bit guest.
struct xen_memory_map_64 {
  le32 nr_entries{};  ///< in: capacity; out: how many were stored
  array<uint8_t, 4> _pad{};
  le64 buffer{};  ///< linear address of boot_e820_entry[]
};
static_assert(sizeof(xen_memory_map_64) == 16 && offsetof(xen_memory_map_64, buffer) == 8);

/// xen_foreign_memory_map of a 32-bit guest.
struct xen_foreign_memory_map_32 {
  le16 domid{};  ///< 0x7ff0 (DOMID_SELF) from the domain itself
  array<uint8_t, 2> _pad{};
  xen_memory_map_32 map{};  ///< the map of that domain
};
static_assert(sizeof(xen_foreign_memory_map_32) == 12 && offsetof(xen_foreign_memory_map_32, map) == 4);

/// xen_foreign_memory_map of a 64-bit guest.
struct xen_foreign_memory_map_64 {
  le16 domid{};  ///< 0x7ff0 (DOMID_SELF) from the domain itself
  array<uint8_t, 6> _pad{};
  xen_memory_map_64 map{};
};
static_assert(sizeof(xen_foreign_memory_map_64) == 24 && offsetof(xen_foreign_memory_map_64, map) == 8);

}  // namespace abi
}  // namespace pvhboot

#include <pvhboot/abi/end.def>
