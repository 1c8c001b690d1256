// SPDX-License-Identifier: BSL-1.0
//
// ELF notes named "Xen": how a kernel is to be entered.
// Source: xen/include/public/elfnote.h, xen/include/public/features.h (MIT); meaning for PVH: docs/misc/pvh.pandoc.
//
// The kernel's build writes them; Xen's toolstack and dom0 builder, QEMU, Cloud Hypervisor and Firecracker read them.
// PVH requires phys32_entry and nothing else; the notes of paravirtualised guests are ignored.
#pragma once

#include <pvhboot/abi/begin.def>

namespace pvhboot {

/// n_type of a note named "Xen" (XEN_ELFNOTE_*). Open.
enum class xen_note : uint32_t {
  info = 0,                   ///< XEN_ELFNOTE_INFO
  entry = 1,                  ///< XEN_ELFNOTE_ENTRY
  hypercall_page = 2,         ///< XEN_ELFNOTE_HYPERCALL_PAGE
  virt_base = 3,              ///< XEN_ELFNOTE_VIRT_BASE
  paddr_offset = 4,           ///< XEN_ELFNOTE_PADDR_OFFSET
  xen_version = 5,            ///< XEN_ELFNOTE_XEN_VERSION: "xen-3.0"
  guest_os = 6,               ///< XEN_ELFNOTE_GUEST_OS: text
  guest_version = 7,          ///< XEN_ELFNOTE_GUEST_VERSION: text
  loader = 8,                 ///< XEN_ELFNOTE_LOADER: text
  pae_mode = 9,               ///< XEN_ELFNOTE_PAE_MODE: text
  features = 10,              ///< XEN_ELFNOTE_FEATURES: text, names separated by '|', '!' before what is required
  bsd_symtab = 11,            ///< XEN_ELFNOTE_BSD_SYMTAB
  hv_start_low = 12,          ///< XEN_ELFNOTE_HV_START_LOW
  l1_mfn_valid = 13,          ///< XEN_ELFNOTE_L1_MFN_VALID
  suspend_cancel = 14,        ///< XEN_ELFNOTE_SUSPEND_CANCEL
  init_p2m = 15,              ///< XEN_ELFNOTE_INIT_P2M
  mod_start_pfn = 16,         ///< XEN_ELFNOTE_MOD_START_PFN
  supported_features = 17,    ///< XEN_ELFNOTE_SUPPORTED_FEATURES: le32, one bit a xen_feature
  phys32_entry = 18,          ///< XEN_ELFNOTE_PHYS32_ENTRY: physical address of the PVH entry, 4 or 8 bytes
  phys32_reloc = 19,          ///< XEN_ELFNOTE_PHYS32_RELOC: Xen 4.19, up to 3 le32: alignment, lowest, highest address
  crash_info = 0x1000001,     ///< XEN_ELFNOTE_CRASH_INFO
  crash_regs = 0x1000002,     ///< XEN_ELFNOTE_CRASH_REGS
  dumpcore_none = 0x2000000,  ///< XEN_ELFNOTE_DUMPCORE_NONE
  dumpcore_header = 0x2000001,          ///< XEN_ELFNOTE_DUMPCORE_HEADER
  dumpcore_xen_version = 0x2000002,     ///< XEN_ELFNOTE_DUMPCORE_XEN_VERSION
  dumpcore_format_version = 0x2000003,  ///< XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION
};

/// Bit numbers of xen_note::supported_features (XENFEAT_*); in the text form the names are these words. Open.
enum class xen_feature : uint32_t {
  writable_page_tables = 0,        ///< XENFEAT_writable_page_tables
  writable_descriptor_tables = 1,  ///< XENFEAT_writable_descriptor_tables
  auto_translated_physmap = 2,     ///< XENFEAT_auto_translated_physmap
  supervisor_mode_kernel = 3,      ///< XENFEAT_supervisor_mode_kernel
  pae_pgdir_above_4gb = 4,         ///< XENFEAT_pae_pgdir_above_4gb
  mmu_pt_update_preserve_ad = 5,   ///< XENFEAT_mmu_pt_update_preserve_ad
  highmem_assist = 6,              ///< XENFEAT_highmem_assist
  gnttab_map_avail_bits = 7,       ///< XENFEAT_gnttab_map_avail_bits
  hvm_callback_vector = 8,         ///< XENFEAT_hvm_callback_vector
  hvm_safe_pvclock = 9,            ///< XENFEAT_hvm_safe_pvclock
  hvm_pirqs = 10,                  ///< XENFEAT_hvm_pirqs
  dom0 = 11,                       ///< XENFEAT_dom0
  grant_map_identity = 12,         ///< XENFEAT_grant_map_identity
  memory_op_vnode_supported = 13,  ///< XENFEAT_memory_op_vnode_supported
  arm_smccc_supported = 14,        ///< XENFEAT_ARM_SMCCC_supported
  linux_rsdp_unrestricted = 15,    ///< XENFEAT_linux_rsdp_unrestricted: the RSDP need not lie below 1 MiB
  not_direct_mapped = 16,          ///< XENFEAT_not_direct_mapped
  direct_mapped = 17,              ///< XENFEAT_direct_mapped
};

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
