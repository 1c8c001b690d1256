// SPDX-License-Identifier: BSL-1.0
//
// What a range of physical memory is for: ACPI's "Address Range Types".
//
// One number space serves three tables: the PVH memory map (XEN_HVM_MEMMAP_TYPE_*), e820, and XENMEM_memory_map. No
// reader converts between them: all rely on the numbers being the same.
#pragma once

#include <pvhboot/abi/begin.def>

namespace pvhboot {

/// Open: a number without a name here is kept unchanged. ACPI requires an operating system to treat it as reserved.
/// Sources: ACPI 6.5 table 15.6; xen/include/public/arch-x86/hvm/start_info.h; arch/x86/include/asm/e820/types.h
/// (Linux).
enum class memory_type : uint32_t {
  ram = 1,                     ///< XEN_HVM_MEMMAP_TYPE_RAM, E820_RAM
  reserved = 2,                ///< XEN_HVM_MEMMAP_TYPE_RESERVED, E820_RESERVED
  acpi = 3,                    ///< XEN_HVM_MEMMAP_TYPE_ACPI, E820_ACPI: tables, reclaimable once parsed
  nvs = 4,                     ///< XEN_HVM_MEMMAP_TYPE_NVS, E820_NVS: must survive ACPI sleep states
  unusable = 5,                ///< XEN_HVM_MEMMAP_TYPE_UNUSABLE, E820_UNUSABLE: errors; on Xen, RAM dom0 does not own
  disabled = 6,                ///< XEN_HVM_MEMMAP_TYPE_DISABLED
  pmem = 7,                    ///< XEN_HVM_MEMMAP_TYPE_PMEM, E820_PMEM: persistent memory that the NFIT describes
  unaccepted = 8,              ///< ACPI 6.5, confidential guests: RAM that must be accepted first; no Xen constant
  pram = 12,                   ///< E820_PRAM: Linux, legacy NVDIMM; adjacent ranges never merge
  coreboot = 13,               ///< Linux 7.0: device regions of coreboot
  reserved_kern = 128,         ///< E820_RESERVED_KERN: Linux before 6.15, internal: never hand over
  soft_reserved = 0xefffffff,  ///< Linux: EFI specific-purpose memory; adjacent ranges never merge
};

/// A function of integers: clang takes ten times as long to compile == of two enumerations.
constexpr bool is_ram(memory_type t) noexcept {
  return static_cast<uint32_t>(t) == static_cast<uint32_t>(memory_type::ram);
}

/// The numbers the PVH memory map defines; all others, 0 included, are undefined there.
constexpr bool is_defined_by_pvh(memory_type t) noexcept { return t >= memory_type::ram && t <= memory_type::pmem; }

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
