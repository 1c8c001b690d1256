// SPDX-License-Identifier: BSL-1.0
//
// BIOS Enhanced Disk Drive information.
// Source: include/uapi/linux/edd.h (Linux); T13 BIOS Enhanced Disk Drive Services (EDD-3), INT 13h functions 41h, 48h.
//
// The setup code of a 16-bit boot writes it: it asks the BIOS about disks 80h and up. A 32-bit loader leaves it empty.
// Linux's edd driver reads it, to find the disk that the BIOS booted from.
//
// The two paths are unions in C; interface_type and host_bus_type select the member. Here they are bytes, and each
// alternative is a struct of the same size: `__builtin_bit_cast(edd_interface_path_pci, p.interface_path)`.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/le.hpp>

namespace pvhboot {

/// Bits of edd_info.interface_support (EDD_EXT_*).
namespace edd_ext {
inline constexpr uint16_t fixed_disk_access = 1u << 0;            ///< EDD_EXT_FIXED_DISK_ACCESS
inline constexpr uint16_t device_locking_and_ejecting = 1u << 1;  ///< EDD_EXT_DEVICE_LOCKING_AND_EJECTING
inline constexpr uint16_t enhanced_disk_drive_support = 1u << 2;  ///< EDD_EXT_ENHANCED_DISK_DRIVE_SUPPORT
inline constexpr uint16_t extensions_64bit = 1u << 3;             ///< EDD_EXT_64BIT_EXTENSIONS
}  // namespace edd_ext

/// Bits of edd_device_params.info_flags (EDD_INFO_*).
namespace edd_info_flags {
inline constexpr uint16_t dma_boundary_error_transparent = 1u << 0;  ///< EDD_INFO_DMA_BOUNDARY_ERROR_TRANSPARENT
inline constexpr uint16_t geometry_valid = 1u << 1;                  ///< EDD_INFO_GEOMETRY_VALID
inline constexpr uint16_t removable = 1u << 2;                       ///< EDD_INFO_REMOVABLE
inline constexpr uint16_t write_verify = 1u << 3;                    ///< EDD_INFO_WRITE_VERIFY
inline constexpr uint16_t media_change_notification = 1u << 4;       ///< EDD_INFO_MEDIA_CHANGE_NOTIFICATION
inline constexpr uint16_t lockable = 1u << 5;                        ///< EDD_INFO_LOCKABLE
inline constexpr uint16_t no_media_present = 1u << 6;                ///< EDD_INFO_NO_MEDIA_PRESENT
inline constexpr uint16_t use_int13_fn50 = 1u << 7;                  ///< EDD_INFO_USE_INT13_FN50
}  // namespace edd_info_flags

namespace abi {

inline constexpr size_t edd_max_entries = 6;          ///< EDDMAXNR: slots of boot_params.eddbuf
inline constexpr size_t edd_max_mbr_signatures = 16;  ///< EDD_MBR_SIG_MAX: slots of boot_params.edd_mbr_sig_buffer

/// interface_path when host_bus_type is "ISA ".
struct edd_interface_path_isa {
  le16 base_address{};  ///< I/O port
  le16 reserved1{};
  le32 reserved2{};
};
static_assert(sizeof(edd_interface_path_isa) == 8);

/// interface_path when host_bus_type is "PCI " or "PCIX".
struct edd_interface_path_pci {
  uint8_t bus{};       ///< number of the bus
  uint8_t slot{};      ///< number of the device on the bus
  uint8_t function{};  ///< number of the function
  uint8_t channel{};   ///< number of the channel of the controller
  le32 reserved{};
};
static_assert(sizeof(edd_interface_path_pci) == 8);

/// interface_path of the other buses: ibnd, xprs, htpt and unknown.
struct edd_interface_path_unknown {
  le64 reserved{};
};
static_assert(sizeof(edd_interface_path_unknown) == 8);

/// device_path when interface_type is "ATA     " or "SATA    ".
struct edd_device_path_ata {
  uint8_t device{};  ///< 0 master, 1 slave
  uint8_t reserved1{};
  le16 reserved2{};
  le32 reserved3{};
  le64 reserved4{};
};
static_assert(sizeof(edd_device_path_ata) == 16);

/// device_path when interface_type is "ATAPI   ".
struct edd_device_path_atapi {
  uint8_t device{};  ///< 0 master, 1 slave
  uint8_t lun{};     ///< logical unit
  uint8_t reserved1{};
  uint8_t reserved2{};
  le32 reserved3{};
  le64 reserved4{};
};
static_assert(sizeof(edd_device_path_atapi) == 16);

/// device_path when interface_type is "SCSI    ".
struct edd_device_path_scsi {
  le16 id{};   ///< of the target
  le64 lun{};  ///< logical unit
  le16 reserved1{};
  le32 reserved2{};
};
static_assert(sizeof(edd_device_path_scsi) == 16 && offsetof(edd_device_path_scsi, lun) == 2);

/// device_path when interface_type is "USB     ".
struct edd_device_path_usb {
  le64 serial_number{};  ///< of the device
  le64 reserved{};
};
static_assert(sizeof(edd_device_path_usb) == 16);

/// device_path when interface_type is "1394    ".
struct edd_device_path_i1394 {
  le64 eui{};  ///< EUI-64 of the device
  le64 reserved{};
};
static_assert(sizeof(edd_device_path_i1394) == 16);

/// device_path when interface_type is "FIBRE   ".
struct edd_device_path_fibre {
  le64 wwid{};  ///< world-wide identifier
  le64 lun{};   ///< logical unit
};
static_assert(sizeof(edd_device_path_fibre) == 16);

/// device_path when interface_type is "I2O     ".
struct edd_device_path_i2o {
  le64 identity_tag{};  ///< of the device
  le64 reserved{};
};
static_assert(sizeof(edd_device_path_i2o) == 16);

/// device_path when interface_type is "RAID    ".
struct edd_device_path_raid {
  le32 array_number{};  ///< number of the array
  le32 reserved1{};
  le64 reserved2{};
};
static_assert(sizeof(edd_device_path_raid) == 16);

/// device_path of everything else.
struct edd_device_path_unknown {
  le64 reserved1{};
  le64 reserved2{};
};
static_assert(sizeof(edd_device_path_unknown) == 16);

/// What INT 13h/48h returned.
struct edd_device_params {
  le16 length{};                      ///< bytes of the buffer that the BIOS filled
  le16 info_flags{};                  ///< edd_info_flags
  le32 num_default_cylinders{};       ///< cylinders of the default geometry
  le32 num_default_heads{};           ///< heads of the default geometry
  le32 sectors_per_track{};           ///< of the default geometry
  le64 number_of_sectors{};           ///< of the whole disk
  le16 bytes_per_sector{};            ///< bytes of a sector
  le32 dpte_ptr{};                    ///< far pointer to the device parameter table extension; all ones: none
  le16 key{};                         ///< 0xbedd: what follows is valid
  uint8_t device_path_info_length{};  ///< 44
  uint8_t reserved2{};
  le16 reserved3{};
  array<uint8_t, 4> host_bus_type{};   ///< "PCI ", "ISA ", ...: padded with blanks, no NUL
  array<uint8_t, 8> interface_type{};  ///< "ATA     ", "SCSI    ", ...
  array<uint8_t, 8> interface_path{};  ///< edd_interface_path_*
  array<uint8_t, 16> device_path{};    ///< edd_device_path_*
  uint8_t reserved4{};
  uint8_t checksum{};  ///< bytes from key on sum to 0
};
static_assert(sizeof(edd_device_params) == 74 && alignof(edd_device_params) == 1);
static_assert(offsetof(edd_device_params, key) == 0x1e && offsetof(edd_device_params, device_path) == 0x38);

/// One BIOS disk.
struct edd_info {
  uint8_t device{};                    ///< BIOS number, 0x80 and up
  uint8_t version{};                   ///< of EDD, as INT 13h/41h gave it
  le16 interface_support{};            ///< edd_ext
  le16 legacy_max_cylinder{};          ///< the highest cylinder by INT 13h/08h
  uint8_t legacy_max_head{};           ///< the highest head by INT 13h/08h
  uint8_t legacy_sectors_per_track{};  ///< by INT 13h/08h
  edd_device_params params{};          ///< by INT 13h/48h
};
static_assert(sizeof(edd_info) == 82 && alignof(edd_info) == 1);
static_assert(offsetof(edd_info, params) == 8);

}  // namespace abi
}  // namespace pvhboot

#include <pvhboot/abi/end.def>
