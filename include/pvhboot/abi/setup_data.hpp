// SPDX-License-Identifier: BSL-1.0
//
// The chain of typed data that hangs off setup_header.setup_data, protocol 2.09.
// Source: arch/x86/include/uapi/asm/setup_data.h, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
//
// The boot loader, kexec and Linux's EFI stub write nodes; a new node goes in front and points to the chain before it.
// The decompressor reads them (to keep its output away, for CC_BLOB and the RSDP), then Linux does. Linux trusts every
// length and follows `next` until 0, so a cycle hangs it. Nodes may lie at any alignment, in writable RAM that the boot
// loader has mapped.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/le.hpp>

namespace pvhboot {

/// Values of setup_data.type (SETUP_*). Open.
enum class setup_type : uint32_t {
  none = 0,                ///< SETUP_NONE
  e820_ext = 1,            ///< SETUP_E820_EXT: boot_e820_entry[], what the zero page has no slot for
  dtb = 2,                 ///< SETUP_DTB: a flattened device tree
  pci = 3,                 ///< SETUP_PCI: pci_setup_rom_32 or _64
  efi = 4,                 ///< SETUP_EFI: efi_setup_data
  apple_properties = 5,    ///< SETUP_APPLE_PROPERTIES: properties_header
  jailhouse = 6,           ///< SETUP_JAILHOUSE: jailhouse_setup_data
  cc_blob = 7,             ///< SETUP_CC_BLOB: cc_setup_data
  ima = 8,                 ///< SETUP_IMA: ima_setup_data
  rng_seed = 9,            ///< SETUP_RNG_SEED: random bytes; Linux wipes them and sets len to 0
  kexec_kho = 10,          ///< SETUP_KEXEC_KHO: kho_data, Linux 6.16
  indirect = 0x80000000u,  ///< SETUP_INDIRECT: setup_indirect, protocol 2.15; also a flag on its `type`
};

/// SETUP_ENUM_MAX of the newest headers known here. What a given kernel accepts is in its kernel_info.setup_type_max.
inline constexpr setup_type setup_type_enum_max = setup_type::kexec_kho;

namespace abi {

/// One node; `len` bytes follow. len + 16 must not wrap 32 bits.
struct setup_data {
  le64 next{};            ///< address of the next node, 0 at the end
  le<setup_type> type{};  ///< of the payload
  le32 len{};             ///< bytes of payload
};
static_assert(sizeof(setup_data) == 16 && alignof(setup_data) == 1);

/// Payload of setup_type::indirect: the data proper lies elsewhere. Linux reserves that memory and lists it, but
/// consumes no type this way.
struct setup_indirect {
  le32 type{};      ///< setup_type of the data, or-ed with indirect; never indirect or none themselves
  le32 reserved{};  ///< zero
  le64 len{};       ///< bytes
  le64 addr{};      ///< physical
};
static_assert(sizeof(setup_indirect) == 24 && alignof(setup_indirect) == 1);

/// Payload of setup_type::pci from a 64-bit EFI stub; pcilen bytes of option ROM follow. Natural alignment of a C
/// struct that begins with the node. Source: struct pci_setup_rom, arch/x86/include/asm/pci.h (Linux).
struct pci_setup_rom_64 {
  le16 vendor{};
  le16 devid{};
  array<uint8_t, 4> _pad{};
  le64 pcilen{};  ///< bytes
  le64 segment{};
  le64 bus{};
  le64 device{};
  le64 function{};
};
static_assert(sizeof(pci_setup_rom_64) == 48 && offsetof(pci_setup_rom_64, pcilen) == 8);

/// The same from a 32-bit EFI stub. Nothing in the node distinguishes them: the kernel that follows has the stub's
/// bitness.
struct pci_setup_rom_32 {
  le16 vendor{};    ///< PCI vendor
  le16 devid{};     ///< PCI device identifier
  le64 pcilen{};    ///< bytes
  le32 segment{};   ///< PCI segment group
  le32 bus{};       ///< number of the bus
  le32 device{};    ///< number of the device on the bus
  le32 function{};  ///< number of the function
};
static_assert(sizeof(pci_setup_rom_32) == 28 && offsetof(pci_setup_rom_32, pcilen) == 4);

/// Payload of setup_type::efi, from kexec: what the next kernel cannot ask the firmware for again.
/// Source: struct efi_setup_data, arch/x86/include/asm/efi.h (Linux), where the second member is spelled __unused.
struct efi_setup_data {
  le64 fw_vendor{};  ///< physical address of the firmware vendor's name
  le64 unused{};
  le64 tables{};  ///< physical address of the EFI configuration tables
  le64 smbios{};  ///< physical address of the SMBIOS entry point
  array<le64, 8> reserved{};
};
static_assert(sizeof(efi_setup_data) == 96 && alignof(efi_setup_data) == 1);

/// Payload of setup_type::apple_properties: dev_count devices follow, len bytes in all, this header included.
/// Source: drivers/firmware/efi/apple-properties.c (Linux).
struct properties_header {
  le32 len{};        ///< bytes of all, this header included
  le32 version{};    ///< 1
  le32 dev_count{};  ///< number of devices
};
static_assert(sizeof(properties_header) == 12);

/// One device: an EFI device path follows, then prop_count pairs of key (UTF-16) and value, each after a le32 that
/// counts itself.
struct dev_header {
  le32 len{};         ///< bytes, this header included
  le32 prop_count{};  ///< number of properties
};
static_assert(sizeof(dev_header) == 8);

/// The versions of Jailhouse's data.
struct jailhouse_setup_data_hdr {
  le16 version{};             ///< not 0
  le16 compatible_version{};  ///< Linux requires 1 (JAILHOUSE_SETUP_REQUIRED_VERSION)
};
static_assert(sizeof(jailhouse_setup_data_hdr) == 4);

/// What version 1 has.
struct jailhouse_setup_data_v1 {
  le16 pm_timer_address{};        ///< I/O port of the ACPI timer
  le16 num_cpus{};                ///< CPUs of the cell
  le64 pci_mmconfig_base{};       ///< physical address of the PCI configuration space
  le32 tsc_khz{};                 ///< frequency of the TSC in kHz
  le32 apic_khz{};                ///< frequency of the local APIC's timer in kHz
  uint8_t standard_ioapic{};      ///< not 0: there is an IOAPIC at the usual address
  array<uint8_t, 255> cpu_ids{};  ///< local APIC identifiers of the CPUs
};
static_assert(sizeof(jailhouse_setup_data_v1) == 276 && offsetof(jailhouse_setup_data_v1, cpu_ids) == 21);

/// What version 2 adds.
struct jailhouse_setup_data_v2 {
  le32 flags{};  ///< a bit for each serial port that the cell may use
};
static_assert(sizeof(jailhouse_setup_data_v2) == 4);

/// Payload of setup_type::jailhouse. Version 1 ends before v2: 280 bytes.
struct jailhouse_setup_data {
  jailhouse_setup_data_hdr hdr{};  ///< the versions
  jailhouse_setup_data_v1 v1{};    ///< of version 1
  jailhouse_setup_data_v2 v2{};    ///< of version 2
};
static_assert(sizeof(jailhouse_setup_data) == 284 && alignof(jailhouse_setup_data) == 1);
static_assert(offsetof(jailhouse_setup_data, v2) == 280);

/// Payload of setup_type::cc_blob (SEV-SNP). Source: struct cc_setup_data, arch/x86/boot/compressed/sev.c (Linux).
struct cc_setup_data {
  le32 cc_blob_address{};  ///< physical address of the confidential computing blob
};
static_assert(sizeof(cc_setup_data) == 4);

/// Payload of setup_type::ima: the measurement list of the kernel before, by kexec.
struct ima_setup_data {
  le64 addr{};  ///< physical
  le64 size{};  ///< bytes; 0 means none
};
static_assert(sizeof(ima_setup_data) == 16 && alignof(ima_setup_data) == 1);

/// Payload of setup_type::kexec_kho: KHO, state that the next kernel preserves across kexec.
struct kho_data {
  le64 fdt_addr{};      ///< physical address of the device tree with the state
  le64 fdt_size{};      ///< bytes
  le64 scratch_addr{};  ///< physical address of the list of scratch regions
  le64 scratch_size{};  ///< bytes
};
static_assert(sizeof(kho_data) == 32 && alignof(kho_data) == 1);

}  // namespace abi
}  // namespace pvhboot

#include <pvhboot/abi/end.def>
