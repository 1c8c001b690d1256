// SPDX-License-Identifier: BSL-1.0
//
// Linux's zero page, struct boot_params: everything that a boot loader passes to an x86 kernel, in one page.
// Source: Documentation/arch/x86/zero-page.rst; arch/x86/include/uapi/asm/bootparam.h; the nested structs:
// include/uapi/linux/apm_bios.h, arch/x86/include/uapi/asm/ist.h, include/uapi/video/edid.h.
//
// A loader that enters Linux by the 32- or 64-bit boot protocol fills it with zeroes, copies the image's setup_header
// into it, and points %esi or %rsi to it. Linux writes it itself when it is entered by PVH. The decompressor and the
// kernel read it. It must be writable: the 32-bit entry uses `scratch` for a stack.
//
// If sentinel is not 0, the kernel assumes that the loader copied more of the file than the header, and clears the
// fields that such a copy overwrites; acpi_rsdp_addr and ext_* are among them.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/e820.hpp>
#include <pvhboot/abi/edd.hpp>
#include <pvhboot/abi/le.hpp>
#include <pvhboot/abi/screen_info.hpp>
#include <pvhboot/abi/setup_header.hpp>

namespace pvhboot {

/// Values of boot_params.secure_boot (enum efi_secureboot_mode, include/linux/efi.h in Linux).
enum class efi_secureboot_mode : uint8_t {
  unset = 0,     ///< efi_secureboot_mode_unset
  unknown = 1,   ///< efi_secureboot_mode_unknown
  disabled = 2,  ///< efi_secureboot_mode_disabled
  enabled = 3,   ///< efi_secureboot_mode_enabled
};

namespace abi {

/// From the APM BIOS, for 32-bit kernels.
struct apm_bios_info {
  le16 version{};      ///< of the APM specification, in BCD: major << 8 | minor
  le16 cseg{};         ///< real-mode segment of the 32-bit code
  le32 offset{};       ///< of the 32-bit entry in that segment
  le16 cseg_16{};      ///< real-mode segment of the 16-bit code
  le16 dseg{};         ///< real-mode segment of the data
  le16 flags{};        ///< of INT 15h/5300h
  le16 cseg_len{};     ///< bytes of the 32-bit code segment
  le16 cseg_16_len{};  ///< bytes of the 16-bit code segment
  le16 dseg_len{};     ///< bytes of the data segment
};
static_assert(sizeof(apm_bios_info) == 20 && offsetof(apm_bios_info, cseg_16) == 8);

/// Intel SpeedStep, from INT 15h/E980h, for 32-bit kernels.
struct ist_info {
  le32 signature{};   ///< what the BIOS returned in %eax
  le32 command{};     ///< what it returned in %ebx
  le32 event{};       ///< what it returned in %ecx
  le32 perf_level{};  ///< what it returned in %edx
};
static_assert(sizeof(ist_info) == 16);

/// Micro Channel system description table, obsolete.
struct sys_desc_table {
  le16 length{};               ///< bytes of the BIOS's table, without this word
  array<uint8_t, 14> table{};  ///< its first bytes: model, submodel, BIOS revision, features
};
static_assert(sizeof(sys_desc_table) == 16);

/// Open Firmware of the OLPC laptop.
struct olpc_ofw_header {
  le32 ofw_magic{};       ///< 0x2057464f, "OFW "
  le32 ofw_version{};     ///< of Open Firmware
  le32 cif_handler{};     ///< call into the firmware
  le32 irq_desc_table{};  ///< address of the interrupt descriptor table that Open Firmware uses
};
static_assert(sizeof(olpc_ofw_header) == 16);

/// The monitor's EDID block as it came.
struct edid_info {
  array<uint8_t, 128> dummy{};
};
static_assert(sizeof(edid_info) == 128);

/// EFI hand-off, from the EFI stub or kexec. With a signature set, KASLR reads the EFI memory map and not e820: a PVH
/// loader leaves all of it 0.
struct efi_info {
  le32 efi_loader_signature{};  ///< "EL32" or "EL64"
  le32 efi_systab{};            ///< low half of the address
  le32 efi_memdesc_size{};      ///< bytes
  le32 efi_memdesc_version{};   ///< of the memory descriptors
  le32 efi_memmap{};            ///< low half of the address
  le32 efi_memmap_size{};       ///< bytes
  le32 efi_systab_hi{};         ///< high half of efi_systab
  le32 efi_memmap_hi{};         ///< high half of efi_memmap
};
static_assert(sizeof(efi_info) == 32 && offsetof(efi_info, efi_systab_hi) == 0x18);

/// The zero page: 4096 bytes, with the setup header at 0x1f1.
struct boot_params {
  abi::screen_info screen_info{};
  abi::apm_bios_info apm_bios_info{};
  array<uint8_t, 4> _pad2{};
  le64 tboot_addr{};  ///< shared page of Intel TXT's tboot
  abi::ist_info ist_info{};
  le64 acpi_rsdp_addr{};  ///< Linux 5.0; 0: search for it
  array<uint8_t, 8> _pad3{};
  array<uint8_t, 16> hd0_info{};
  array<uint8_t, 16> hd1_info{};
  abi::sys_desc_table sys_desc_table{};
  abi::olpc_ofw_header olpc_ofw_header{};
  le32 ext_ramdisk_image{};  ///< high half of hdr.ramdisk_image
  le32 ext_ramdisk_size{};   ///< high half of hdr.ramdisk_size
  le32 ext_cmd_line_ptr{};   ///< high half of hdr.cmd_line_ptr
  array<uint8_t, 112> _pad4{};
  le32 cc_blob_address{};  ///< Linux 5.19: from decompressor to kernel; what a loader writes is cleared
  abi::edid_info edid_info{};
  abi::efi_info efi_info{};
  le32 alt_mem_k{};                   ///< INT 15h/E801h: KiB above 1 MiB, when there is no e820
  le32 scratch{};                     ///< the 32-bit entry's stack
  uint8_t e820_entries{};             ///< can claim more than the table has slots
  uint8_t eddbuf_entries{};           ///< 0 to edd_max_entries
  uint8_t edd_mbr_sig_buf_entries{};  ///< 0 to edd_max_mbr_signatures
  uint8_t kbd_status{};               ///< INT 16h/02h: shift state
  efi_secureboot_mode secure_boot{};
  array<uint8_t, 2> _pad5{};
  uint8_t sentinel{};  ///< 0; in the kernel's file 0xff
  array<uint8_t, 1> _pad6{};
  setup_header hdr{};
  array<uint8_t, 0x290 - setup_header_file_offset - sizeof(setup_header)> _pad7{};
  array<le32, edd_max_mbr_signatures> edd_mbr_sig_buffer{};  ///< of BIOS disks 0x80 and up
  array<boot_e820_entry, e820_max_entries_zeropage> e820_table{};
  array<uint8_t, 48> _pad8{};
  array<edd_info, edd_max_entries> eddbuf{};
  array<uint8_t, 276> _pad9{};
};
static_assert(sizeof(boot_params) == 4096 && alignof(boot_params) == 1);
static_assert(offsetof(boot_params, acpi_rsdp_addr) == 0x070 && offsetof(boot_params, ext_ramdisk_image) == 0x0c0);
static_assert(offsetof(boot_params, e820_entries) == 0x1e8 && offsetof(boot_params, sentinel) == 0x1ef);
static_assert(offsetof(boot_params, hdr) == setup_header_file_offset && offsetof(boot_params, e820_table) == 0x2d0);

}  // namespace abi
}  // namespace pvhboot

#include <pvhboot/abi/end.def>
