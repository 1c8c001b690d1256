// SPDX-License-Identifier: BSL-1.0
//
// What the display looked like when the kernel was entered.
// Source: include/uapi/linux/screen_info.h (Linux), Documentation/arch/x86/zero-page.rst.
//
// The setup code of a 16-bit boot writes it, or a boot loader that sets a graphics mode (GRUB, the EFI stub). A PVH
// boot loader without a screen leaves zeroes. The decompressor reads it for its messages (without lines or columns it
// has no console), then the console and framebuffer drivers do.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/le.hpp>

namespace pvhboot {

/// Values of screen_info.orig_video_isVGA (VIDEO_TYPE_*). Open: GRUB writes 1 for a text mode.
enum class video_type : uint8_t {
  mda = 0x10,        ///< VIDEO_TYPE_MDA
  cga = 0x11,        ///< VIDEO_TYPE_CGA
  egam = 0x20,       ///< VIDEO_TYPE_EGAM
  egac = 0x21,       ///< VIDEO_TYPE_EGAC
  vgac = 0x22,       ///< VIDEO_TYPE_VGAC
  vlfb = 0x23,       ///< VIDEO_TYPE_VLFB: VESA linear framebuffer
  pica_s3 = 0x30,    ///< VIDEO_TYPE_PICA_S3
  mips_g364 = 0x31,  ///< VIDEO_TYPE_MIPS_G364
  sgi = 0x33,        ///< VIDEO_TYPE_SGI
  tgac = 0x40,       ///< VIDEO_TYPE_TGAC
  sun = 0x50,        ///< VIDEO_TYPE_SUN
  sunpci = 0x51,     ///< VIDEO_TYPE_SUNPCI
  pmac = 0x60,       ///< VIDEO_TYPE_PMAC
  efi = 0x70,        ///< VIDEO_TYPE_EFI
};

/// Bits of screen_info.flags (VIDEO_FLAGS_*).
namespace video_flags {
inline constexpr uint8_t nocursor = 1u << 0;  ///< VIDEO_FLAGS_NOCURSOR
}  // namespace video_flags

/// Bits of screen_info.capabilities (VIDEO_CAPABILITY_*).
namespace video_capability {
inline constexpr uint32_t skip_quirks = 1u << 0;  ///< VIDEO_CAPABILITY_SKIP_QUIRKS
inline constexpr uint32_t base_64bit = 1u << 1;   ///< VIDEO_CAPABILITY_64BIT_BASE: ext_lfb_base is valid
}  // namespace video_capability

namespace abi {

/// Offset 0 of boot_params.
struct screen_info {
  uint8_t orig_x{};           ///< cursor column; the decompressor moves it on
  uint8_t orig_y{};           ///< cursor row
  le16 ext_mem_k{};           ///< INT 15h/88h: KiB above 1 MiB, the last resort for a memory map
  le16 orig_video_page{};     ///< of the text mode
  uint8_t orig_video_mode{};  ///< BIOS mode; 7 means monochrome at 0xb0000
  uint8_t orig_video_cols{};  ///< columns of the text mode
  uint8_t flags{};            ///< video_flags
  uint8_t unused2{};
  le16 orig_video_ega_bx{};  ///< %bx of INT 10h/12h/10h: memory of an EGA
  le16 unused3{};
  uint8_t orig_video_lines{};     ///< rows of the text mode
  video_type orig_video_isVGA{};  ///< what kind of display it is
  le16 orig_video_points{};       ///< font height
  le16 lfb_width{};               ///< pixels
  le16 lfb_height{};              ///< pixels
  le16 lfb_depth{};               ///< bits per pixel
  le32 lfb_base{};                ///< low half of the address
  le32 lfb_size{};                ///< units of 64 KiB for video_type::vlfb, bytes for video_type::efi
  le16 cl_magic{};                ///< 0xa33f: cl_offset names a command line; protocols before 2.02
  le16 cl_offset{};               ///< from the start of the real-mode code
  le16 lfb_linelength{};          ///< bytes
  uint8_t red_size{};             ///< bits
  uint8_t red_pos{};              ///< lowest bit
  uint8_t green_size{};           ///< bits
  uint8_t green_pos{};            ///< lowest bit
  uint8_t blue_size{};            ///< bits
  uint8_t blue_pos{};             ///< lowest bit
  uint8_t rsvd_size{};            ///< bits without a colour
  uint8_t rsvd_pos{};             ///< lowest of these
  le16 vesapm_seg{};              ///< segment of the VESA protected-mode interface
  le16 vesapm_off{};              ///< its offset
  le16 pages{};                   ///< images that the frame buffer holds
  le16 vesa_attributes{};         ///< of the VESA mode
  le32 capabilities{};            ///< video_capability
  le32 ext_lfb_base{};            ///< high half of the address, with video_capability::base_64bit
  array<uint8_t, 2> _reserved{};
};
static_assert(sizeof(screen_info) == 64 && alignof(screen_info) == 1);
static_assert(offsetof(screen_info, lfb_base) == 0x18 && offsetof(screen_info, ext_lfb_base) == 0x3a);

}  // namespace abi
}  // namespace pvhboot

#include <pvhboot/abi/end.def>
