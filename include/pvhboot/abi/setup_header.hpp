// SPDX-License-Identifier: BSL-1.0
//
// The header of a Linux kernel image, protocol 2.00 to 2.15.
// Source: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"; arch/x86/include/uapi/asm/bootparam.h.
//
// The kernel's build writes it at byte 0x1f1 of the file. It ends at 0x202 plus the displacement of the short jump at
// 0x200, and never beyond 0x281. The loader copies exactly that many bytes to 0x1f1 of a zeroed boot_params, fills in
// the fields that a loader owns, and enters the kernel. The kernel and its decompressor read the copy, so a partial
// copy is fatal (init_size, kernel_alignment).
//
// A field that is newer than `version` does not exist: in an old image its bytes are code.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/le.hpp>

namespace pvhboot {

/// Bits of setup_header.loadflags.
namespace loadflags {
inline constexpr uint8_t loaded_high = 1u << 0;    ///< LOADED_HIGH: read; a bzImage, to be loaded at 1 MiB or above
inline constexpr uint8_t kaslr_flag = 1u << 1;     ///< KASLR_FLAG: between decompressor and kernel
inline constexpr uint8_t quiet_flag = 1u << 5;     ///< QUIET_FLAG: write; no early messages
inline constexpr uint8_t keep_segments = 1u << 6;  ///< KEEP_SEGMENTS: obsolete; write 0
inline constexpr uint8_t can_use_heap = 1u << 7;   ///< CAN_USE_HEAP: write; heap_end_ptr is valid
}  // namespace loadflags

/// Bits of setup_header.xloadflags (XLF_*), protocol 2.12.
namespace xloadflags {
inline constexpr uint16_t kernel_64 = 1u << 0;               ///< XLF_KERNEL_64: 64-bit entry at +0x200
inline constexpr uint16_t can_be_loaded_above_4g = 1u << 1;  ///< XLF_CAN_BE_LOADED_ABOVE_4G
inline constexpr uint16_t efi_handover_32 = 1u << 2;         ///< XLF_EFI_HANDOVER_32
inline constexpr uint16_t efi_handover_64 = 1u << 3;         ///< XLF_EFI_HANDOVER_64
inline constexpr uint16_t efi_kexec = 1u << 4;               ///< XLF_EFI_KEXEC
inline constexpr uint16_t level5 = 1u << 5;                  ///< XLF_5LEVEL: may be entered with LA57 paging
inline constexpr uint16_t level5_enabled = 1u << 6;          ///< XLF_5LEVEL_ENABLED
inline constexpr uint16_t mem_encryption = 1u << 7;          ///< XLF_MEM_ENCRYPTION: between decompressor and kernel
}  // namespace xloadflags

/// Fields of setup_header.ram_size, obsolete (RAMDISK_*).
namespace ramdisk_flags {
inline constexpr uint16_t image_start_mask = 0x07ff;  ///< RAMDISK_IMAGE_START_MASK
inline constexpr uint16_t load_flag = 0x4000;         ///< RAMDISK_LOAD_FLAG
inline constexpr uint16_t prompt_flag = 0x8000;       ///< RAMDISK_PROMPT_FLAG
}  // namespace ramdisk_flags

/// Values of setup_header.hardware_subarch (X86_SUBARCH_*), protocol 2.07. A PVH loader writes pc.
enum class x86_hardware_subarch : uint32_t {
  pc = 0,         ///< X86_SUBARCH_PC
  lguest = 1,     ///< X86_SUBARCH_LGUEST
  xen = 2,        ///< X86_SUBARCH_XEN: the paravirtualised entry, not PVH
  intel_mid = 3,  ///< X86_SUBARCH_INTEL_MID
  ce4100 = 4,     ///< X86_SUBARCH_CE4100
};

/// Assigned loader numbers: type_of_loader is number << 4 | version. From 0x10 on the nibble is `extended`, and
/// ext_loader_type holds the number less 0x10. 0 makes Linux ignore the ramdisk. boot.rst, field type_of_loader.
enum class loader_id : uint8_t {
  lilo = 0x0,                       ///< the boot loader LILO
  loadlin = 0x1,                    ///< Loadlin
  bootsect_loader = 0x2,            ///< the boot sector of old kernels
  syslinux = 0x3,                   ///< Syslinux
  etherboot = 0x4,                  ///< Etherboot, gPXE, iPXE
  elilo = 0x5,                      ///< its EFI version, ELILO
  grub = 0x7,                       ///< the boot loader GRUB
  u_boot = 0x8,                     ///< U-Boot
  xen = 0x9,                        ///< Xen
  gujin = 0xa,                      ///< Gujin
  qemu = 0xb,                       ///< the option ROM of QEMU
  arcturus = 0xc,                   ///< Arcturus
  kexec_tools = 0xd,                ///< kexec-tools
  extended = 0xe,                   ///< the number is in ext_loader_type
  special = 0xf,                    ///< 0xff in type_of_loader: no number assigned
  minimal_linux_bootloader = 0x11,  ///< Minimal Linux Bootloader
  ovmf = 0x12,                      ///< the firmware OVMF
  barebox = 0x13,                   ///< barebox
};

namespace abi {

inline constexpr uint16_t setup_header_boot_flag = 0xaa55;  ///< the last two bytes of a boot sector
inline constexpr uint32_t setup_header_magic = 0x53726448;  ///< "HdrS"
inline constexpr size_t setup_header_file_offset = 0x1f1;   ///< in the image, and in boot_params

/// 123 bytes in protocol 2.15. The comments give the offset in the file, the protocol that brought the field if it was
/// not the first, and who acts on it.
struct setup_header {
  uint8_t setup_sects{};         ///< 0x1f1 read: real-mode sectors after the boot sector; 0 means 4
  le16 root_flags{};             ///< 0x1f2
  le32 syssize{};                ///< 0x1f4 read: 16-byte units of protected-mode code; before 2.04 only 2 bytes
  le16 ram_size{};               ///< 0x1f8 ramdisk_flags
  le16 vid_mode{};               ///< 0x1fa write: 0xffff normal, 0xfffe extended, 0xfffd ask
  le16 root_dev{};               ///< 0x1fc
  le16 boot_flag{};              ///< 0x1fe read: setup_header_boot_flag
  le16 jump{};                   ///< 0x200 2.00 read: 0xeb, then a displacement that ends the header
  le32 header{};                 ///< 0x202 2.00 read: setup_header_magic
  le16 version{};                ///< 0x206 2.00 read: major << 8 | minor; 0x020e never shipped and means 0x020d
  le32 realmode_swtch{};         ///< 0x208 2.00
  le16 start_sys_seg{};          ///< 0x20c 2.00
  le16 kernel_version{};         ///< 0x20e 2.00 read: offset of a string, less 0x200; 0 if none
  uint8_t type_of_loader{};      ///< 0x210 2.00 write: loader_id << 4 | version
  uint8_t loadflags{};           ///< 0x211 2.00 modify: loadflags
  le16 setup_move_size{};        ///< 0x212 2.00 and 2.01 only
  le32 code32_start{};           ///< 0x214 2.00 modify: where the protected-mode code was put
  le32 ramdisk_image{};          ///< 0x218 2.00 write: low half of the address; page aligned
  le32 ramdisk_size{};           ///< 0x21c 2.00 write: low half, bytes
  le32 bootsect_kludge{};        ///< 0x220 2.00
  le16 heap_end_ptr{};           ///< 0x224 2.01 write: end of the setup heap, less 0x200; 16-bit boots
  uint8_t ext_loader_ver{};      ///< 0x226 2.02 write
  uint8_t ext_loader_type{};     ///< 0x227 2.02 write
  le32 cmd_line_ptr{};           ///< 0x228 2.02 write: low half of the address
  le32 initrd_addr_max{};        ///< 0x22c 2.03 read: last byte the ramdisk may occupy
  le32 kernel_alignment{};       ///< 0x230 2.05 read; 2.10 modify
  uint8_t relocatable_kernel{};  ///< 0x234 2.05 read
  uint8_t min_alignment{};       ///< 0x235 2.10 read: a power of two
  le16 xloadflags{};             ///< 0x236 2.12 read: xloadflags
  le32 cmdline_size{};           ///< 0x238 2.06 read: longest command line, without its NUL
  le<x86_hardware_subarch> hardware_subarch{};  ///< 0x23c 2.07 write
  le64 hardware_subarch_data{};                 ///< 0x240 2.07 write
  le32 payload_offset{};                        ///< 0x248 2.08 read: from the start of the protected-mode code
  le32 payload_length{};                        ///< 0x24c 2.08 read: bytes
  le64 setup_data{};                            ///< 0x250 2.09 write: first setup_data node
  le64 pref_address{};                          ///< 0x258 2.10 read
  le32 init_size{};           ///< 0x260 2.10 read: bytes from the run-time start that must be free RAM
  le32 handover_offset{};     ///< 0x264 2.11 read: EFI entry, from the start of the protected-mode code
  le32 kernel_info_offset{};  ///< 0x268 2.15 read: kernel_info, from the start of the protected-mode code
};
static_assert(sizeof(setup_header) == 123 && alignof(setup_header) == 1);
static_assert(offsetof(setup_header, header) == 0x202 - setup_header_file_offset);
static_assert(offsetof(setup_header, init_size) == 0x260 - setup_header_file_offset);

}  // namespace abi
}  // namespace pvhboot

#include <pvhboot/abi/end.def>
