// SPDX-License-Identifier: BSL-1.0
//
// The handoff: the structures that %ebx points to when a PVH kernel is entered.
// Source: xen/include/public/arch-x86/hvm/start_info.h (MIT), docs/misc/pvh.pandoc.
//
// Xen's toolstack or hypervisor, QEMU's pvh.bin option ROM or qboot, Cloud Hypervisor or Firecracker writes it. The
// kernel or boot loader reads it once, before it reuses memory, because no entry of the memory map reserves these
// structures. They have no length, no checksum and no tag list: a reader has the magic number, the version, "zero means
// absent" and its own knowledge of memory.
//
// No specification promises an alignment. Xen's dom0 builder places all three structures on 4-byte boundaries.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/le.hpp>
#include <pvhboot/abi/memory_type.hpp>

namespace pvhboot {

/// Bits of hvm_start_info.flags (SIF_*), shared with the PV start_info (xen/include/public/xen.h). PVH only ever sets
/// the first two, and only for dom0.
namespace sif {
inline constexpr uint32_t privileged = 1u << 0;       ///< SIF_PRIVILEGED
inline constexpr uint32_t initdomain = 1u << 1;       ///< SIF_INITDOMAIN
inline constexpr uint32_t multiboot_mod = 1u << 2;    ///< SIF_MULTIBOOT_MOD
inline constexpr uint32_t mod_start_pfn = 1u << 3;    ///< SIF_MOD_START_PFN
inline constexpr uint32_t virt_p2m_4tools = 1u << 4;  ///< SIF_VIRT_P2M_4TOOLS
inline constexpr uint32_t pm_mask = 0xffu << 8;       ///< SIF_PM_MASK
}  // namespace sif

namespace abi {

/// XEN_HVM_START_MAGIC_VALUE: "xEn3" with bit 7 of the 'E' set. The bytes are 78 c5 6e 33.
inline constexpr uint32_t hvm_start_magic_value = 0x336ec578;

/// Every address is physical and 0 means absent. Later versions only append, so a reader of version 1 takes the first
/// 56 bytes of any newer one, and must not touch byte 40 and after when version is 0.
struct hvm_start_info {
  le32 magic{};
  le32 version{};
  le32 flags{};  ///< sif
  le32 nr_modules{};
  le64 modlist_paddr{};  ///< hvm_modlist_entry[nr_modules]
  le64 cmdline_paddr{};  ///< NUL-terminated ASCII, no length limit given
  le64 rsdp_paddr{};
  // version 1 (Xen 4.11)
  le64 memmap_paddr{};    ///< hvm_memmap_table_entry[memmap_entries]
  le32 memmap_entries{};  ///< 0: no map supplied, whatever memmap_paddr says
  le32 reserved{};        ///< zero in version 1
};
static_assert(sizeof(hvm_start_info) == 56 && alignof(hvm_start_info) == 1);
static_assert(offsetof(hvm_start_info, rsdp_paddr) == 32 && offsetof(hvm_start_info, memmap_paddr) == 40);

/// Bytes that version 0 promises.
inline constexpr size_t hvm_start_info_v0_size = offsetof(hvm_start_info, memmap_paddr);

/// Bytes of the RSDP that rsdp_paddr points to: of its first version, which one checksum covers, and of the later ones.
/// Source: ACPI 6.5, section 5.2.5.3, table 5.3.
inline constexpr uint64_t rsdp_v1_size = 20;  ///< of its first version
inline constexpr uint64_t rsdp_size = 36;     ///< of the later ones

/// A module: by convention the first is the initial ramdisk. FreeBSD and hvmloader identify theirs by command line.
struct hvm_modlist_entry {
  le64 paddr{};          ///< the first byte
  le64 size{};           ///< bytes
  le64 cmdline_paddr{};  ///< NUL-terminated ASCII, 0 if none; qboot leaves garbage here
  le64 reserved{};
};
static_assert(sizeof(hvm_modlist_entry) == 32 && alignof(hvm_modlist_entry) == 1);

/// 24 bytes. Not the 20-byte packed record that e820 and XENMEM_memory_map use.
struct hvm_memmap_table_entry {
  le64 addr{};             ///< the first byte
  le64 size{};             ///< bytes
  le<memory_type> type{};  ///< what the range is for
  le32 reserved{};         ///< zero in version 1, but QEMU's option ROM may leave ACPI 3 extended attributes
};
static_assert(sizeof(hvm_memmap_table_entry) == 24 && alignof(hvm_memmap_table_entry) == 1);
static_assert(offsetof(hvm_memmap_table_entry, type) == 16);

}  // namespace abi
}  // namespace pvhboot

#include <pvhboot/abi/end.def>
