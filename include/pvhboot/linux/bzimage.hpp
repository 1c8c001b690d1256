// SPDX-License-Identifier: BSL-1.0
//
// bzimage: a Linux kernel file, parsed and checked. Source: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel
// Header" and "Details of Header Fields"; the order of the checks follows the order in which their bytes can be
// trusted.
//
//     const auto kernel = pvhboot::parse_bzimage(file);
//     if (!kernel) return kernel.error();
//     use(kernel->kernel_version(), kernel->protocol(), kernel->code());
//
// The accessors give each field its meaning for the image's own protocol version: a field that is newer than the
// version, or lies past the header's end, is code in an old image and is never read. The accessor returns the
// documented default instead.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/kernel_info.hpp>
#include <pvhboot/abi/setup_data.hpp>
#include <pvhboot/abi/setup_header.hpp>
#include <pvhboot/core/memory.hpp>
#include <pvhboot/core/result.hpp>

namespace pvhboot {

/// Where the header that a correct image of this protocol version carries ends in the file. 0 before 2.00.
constexpr size_t setup_header_end(uint16_t version) noexcept {
  if (version >= 0x020f) return 0x26c;
  if (version >= 0x020b) return 0x268;  // 2.14 never shipped: as 2.13
  if (version >= 0x020a) return 0x264;
  if (version >= 0x0209) return 0x258;
  if (version >= 0x0208) return 0x250;
  if (version >= 0x0207) return 0x248;
  if (version >= 0x0206) return 0x23c;
  if (version >= 0x0205) return 0x238;
  if (version >= 0x0203) return 0x230;
  if (version >= 0x0202) return 0x22c;
  if (version >= 0x0201) return 0x228;
  return version >= 0x0200 ? 0x224 : 0;
}

/// The longest header that a short jump at 0x200 can pass over, from 0x1f1 on.
inline constexpr size_t longest_setup_header = 0x202 + 0x7f - abi::setup_header_file_offset;

/// How the kernel proper is compressed in its bzImage, by the first bytes of the payload (boot.rst, payload_offset).
enum class payload_format : uint8_t {
  unknown,  ///< none of the others
  gzip,     ///< DEFLATE in a gzip file
  bzip2,    ///< bzip2
  lzma,     ///< LZMA
  xz,       ///< LZMA2 in an xz file
  lzo,      ///< LZO in an lzop file
  lz4,      ///< LZ4, the legacy frame
  zstd,     ///< Zstandard
  elf,      ///< an ELF file that is not compressed
};

/// The format of a payload, by its first bytes.
constexpr payload_format payload_format_of(span<const uint8_t> p) noexcept {
  if (p.size() < 4) return payload_format::unknown;
  const auto begins = [&](uint8_t a, uint8_t b) noexcept { return p[0] == a && p[1] == b; };
  if (begins(0x1f, 0x8b) || begins(0x1f, 0x9e)) return payload_format::gzip;
  if (begins(0x42, 0x5a)) return payload_format::bzip2;
  if (begins(0x5d, 0x00)) return payload_format::lzma;
  if (begins(0xfd, 0x37)) return payload_format::xz;
  if (begins(0x89, 0x4c)) return payload_format::lzo;
  if (begins(0x02, 0x21)) return payload_format::lz4;
  if (begins(0x28, 0xb5)) return payload_format::zstd;
  if (begins(0x7f, 0x45) && p[2] == 0x4c && p[3] == 0x46) return payload_format::elf;
  return payload_format::unknown;
}

/// A kernel image that parse_bzimage accepted. It refers to the file, and copies the header.
class bzimage {
 public:
  /// major << 8 | minor. 2.14 never shipped and counts as 2.13 (boot.rst).
  [[__nodiscard__]] constexpr uint16_t protocol() const noexcept {
    return header_.version.get() == 0x020e ? uint16_t{0x020d} : header_.version.get();
  }
  /// The fields that exist; those that do not are 0.
  [[__nodiscard__]] constexpr const abi::setup_header& header() const noexcept { return header_; }
  /// What a loader copies into the zero page at 0x1f1: up to the header's end, as the file gives it, and no further.
  /// The copy that was checked, so a file that changes meanwhile changes nothing here.
  [[__nodiscard__]] constexpr span<const uint8_t> header_bytes() const& noexcept {
    return span<const uint8_t>{raw_}.first(header_end_ - abi::setup_header_file_offset);
  }
  span<const uint8_t> header_bytes() const&& = delete;  // refers to this object
  /// The protected-mode code: what is put at the load address. Without what may follow it in the file (signatures).
  [[__nodiscard__]] constexpr span<const uint8_t> code() const noexcept {
    return file_.after(code_offset_).first(code_size_);
  }
  /// Where the protected-mode code begins in the file.
  [[__nodiscard__]] constexpr size_t code_offset() const noexcept { return code_offset_; }

  /// Longest command line without its NUL. 255 before 2.06.
  [[__nodiscard__]] constexpr uint32_t cmdline_size() const noexcept {
    return has(0x206, 0x238 + 4) ? header_.cmdline_size.get() : 255;
  }
  /// The last byte that the initrd may occupy.
  [[__nodiscard__]] constexpr uint32_t initrd_addr_max() const noexcept {
    return header_.initrd_addr_max.get() != 0 ? header_.initrd_addr_max.get() : 0x37ffffff;
  }
  /// The kernel runs elsewhere than at its preferred address, too.
  [[__nodiscard__]] constexpr bool relocatable() const noexcept { return header_.relocatable_kernel != 0; }
  /// Bytes, a power of two, if the kernel is relocatable.
  [[__nodiscard__]] constexpr uint32_t kernel_alignment() const noexcept { return header_.kernel_alignment; }
  /// The least alignment the kernel puts up with, at a cost. kernel_alignment() if it does not say.
  [[__nodiscard__]] constexpr uint32_t min_alignment() const noexcept {
    const uint8_t shift = header_.min_alignment;
    return shift != 0 && shift < 32 && uint32_t{1} << shift < kernel_alignment() ? uint32_t{1} << shift
                                                                                 : kernel_alignment();
  }
  /// Where the kernel would like to run; 1 MiB before 2.10.
  [[__nodiscard__]] constexpr uint64_t pref_address() const noexcept {
    return has(0x20a, 0x258 + 8) ? header_.pref_address.get() : 0x100000;
  }
  /// Bytes from the run-time start that must be free RAM until the kernel knows its memory map. Unspecified
  /// before 2.10: three times the code then, as GRUB assumes.
  [[__nodiscard__]] constexpr uint64_t init_size() const noexcept {
    return header_.init_size.get() != 0 ? header_.init_size.get() : uint64_t{3} * code_size_;
  }
  /// The 64-bit entry, at +0x200 of the code.
  [[__nodiscard__]] constexpr bool has_entry_64() const noexcept {
    return (header_.xloadflags.get() & xloadflags::kernel_64) != 0;
  }
  /// Kernel, initrd and command line may lie above 4 GiB, if the 64-bit entry is used.
  [[__nodiscard__]] constexpr bool can_be_loaded_above_4g() const noexcept {
    return (header_.xloadflags.get() & xloadflags::can_be_loaded_above_4g) != 0;
  }
  /// The compressed kernel, inside code(). Empty before 2.08 and if the image does not give its place.
  [[__nodiscard__]] constexpr span<const uint8_t> payload() const noexcept {
    return code().after(header_.payload_offset).first(header_.payload_length);
  }
  /// The format of the payload; unknown if there is none.
  [[__nodiscard__]] constexpr pvhboot::payload_format payload_format() const noexcept {
    return payload_format_of(payload());
  }
  /// Bytes of the kernel once it is unpacked: gzip ends with them, and the build appends them to every other format.
  /// Not checked. 0 if the image has no such field.
  [[__nodiscard__]] constexpr uint32_t uncompressed_size() const noexcept {
    const span<const uint8_t> p = payload();
    if (payload_format() == pvhboot::payload_format::elf) return narrow_cast<uint32_t>(p.size());
    return p.size() < 4 ? 0 : load<le32>(p.data() + p.size() - 4).get();
  }
  /// Protocol 2.15. Zeroes if the image has none.
  [[__nodiscard__]] constexpr const abi::kernel_info& kernel_info() const noexcept { return kernel_info_; }
  /// The kernel knows this setup_data type: kernel_info says so, or the type is older than kernel_info.
  [[__nodiscard__]] constexpr bool accepts(setup_type type) const noexcept {
    if (protocol() < 0x0209) return false;
    const auto number = static_cast<uint32_t>(type) & ~static_cast<uint32_t>(setup_type::indirect);
    if (kernel_info_.setup_type_max.get() == 0)  // before 2.15, which brought INDIRECT as well
      return number == static_cast<uint32_t>(type) && number <= static_cast<uint32_t>(setup_type::jailhouse);
    return number <= (kernel_info_.setup_type_max.get() & ~static_cast<uint32_t>(setup_type::indirect));
  }

  /// What `file` or `uname -rv` would show. absent() if the image has none.
  [[__nodiscard__]] constexpr string_ref kernel_version() const noexcept {
    const size_t v = header_.kernel_version;
    if (v == 0 || v + 0x200 >= code_offset_) return {};
    const span<const uint8_t> text = file_.first(code_offset_).after(v + 0x200);
    size_t n = 0;
    while (n < text.size() && text[n] != 0) ++n;
    return n < text.size() ? string_ref{text.data(), n} : string_ref{};
  }

 private:
  friend constexpr result<bzimage> parse_bzimage(span<const uint8_t> file) noexcept;

  constexpr explicit bzimage(span<const uint8_t> file) noexcept : file_(file) {}
  /// The field that ends at this file offset and came with this version exists.
  [[__nodiscard__]] constexpr bool has(uint16_t since, size_t end) const noexcept {
    return protocol() >= since && end <= header_end_;
  }

  span<const uint8_t> file_;
  array<uint8_t, longest_setup_header> raw_{};
  abi::setup_header header_{};
  abi::kernel_info kernel_info_{};
  size_t header_end_ = 0;
  size_t code_offset_ = 0;
  size_t code_size_ = 0;
};

/// The end of the last field before `end` that `end` does not cut in two. Three fields have 8 bytes, those at 0x240,
/// 0x250 and 0x258; from 0x224 on the others begin at multiples of 4 or are inside such a word.
constexpr size_t whole_fields_end(size_t end) noexcept {
  const size_t word = end & ~size_t{3};
  if (word == 0x244 || word == 0x254 || word == 0x25c) return word - 4;
  if (word == 0x224) return end == 0x225 ? word : end;     // 16 bits and two bytes
  if (word == 0x234) return end == 0x237 ? end - 1 : end;  // two bytes and 16 bits
  return word;
}

/// Judges a kernel file of protocol 2.00 or newer that is loaded high. Refers to the file, and copies only its header.
/// Fails with an errc of the group "bzimage".
constexpr result<bzimage> parse_bzimage(span<const uint8_t> file) noexcept {
  constexpr size_t at = abi::setup_header_file_offset;
  bzimage image{file};
  if (file.size() < setup_header_end(0x0200)) return {errc::image_too_short, file.size()};

  // The only read of these bytes: what is checked is what is kept.
  const span<const uint8_t> there = file.after(at).first(image.raw_.size());
  for (size_t i = 0; i < there.size(); ++i) image.raw_[i] = read_once(&there[i]);
  array<uint8_t, sizeof(abi::setup_header)> raw{};
  for (size_t i = 0; i < raw.size(); ++i) raw[i] = image.raw_[i];
  const auto all = __builtin_bit_cast(abi::setup_header, raw);
  if (all.boot_flag.get() != abi::setup_header_boot_flag) return {errc::no_boot_flag, 0x1fe};
  if (all.header.get() != abi::setup_header_magic) return {errc::no_header_magic, 0x202};
  if (all.version.get() < 0x0200) return {errc::protocol_too_old, all.version};
  const size_t displacement = all.jump.get() >> 8;
  if ((all.jump.get() & 0xff) != 0xeb || displacement > 0x7f) return {errc::bad_header_jump, 0x200};
  image.header_end_ = 0x202 + displacement;
  static_assert(0x202 + 0x7f - at == longest_setup_header && sizeof(abi::setup_header) <= longest_setup_header);
  if (image.header_end_ < setup_header_end(0x0200)) return {errc::header_truncated, image.header_end_};
  if (file.size() < image.header_end_) return {errc::image_too_short, file.size()};

  const size_t version_end = setup_header_end(all.version);
  const size_t whole_end = whole_fields_end(image.header_end_);
  const size_t end = version_end < whole_end ? version_end : whole_end;
  for (size_t i = end - at; i < raw.size(); ++i) raw[i] = 0;
  image.header_ = __builtin_bit_cast(abi::setup_header, raw);
  abi::setup_header& h = image.header_;
  // Bytes that an older protocol used otherwise, or not at all, inside a field that exists.
  if (h.version.get() < 0x0204) h.syssize = h.syssize.get() & 0xffffu;
  if (h.version.get() < 0x020a) h.min_alignment = 0;
  if (h.version.get() < 0x020c) h.xloadflags = uint16_t{0};

  const size_t sectors = h.setup_sects != 0 ? h.setup_sects : 4;
  image.code_offset_ = (sectors + 1) * 512;
  if (file.size() <= image.code_offset_) return {errc::setup_truncated, image.code_offset_};
  if ((h.loadflags & loadflags::loaded_high) == 0) return {errc::not_loaded_high, 0x211};
  const size_t rest = file.size() - image.code_offset_;
  // syssize is rounded up to 16 bytes and may say up to 15 more than there are. Before 2.04 two of its bytes are
  // missing.
  const uint64_t said = uint64_t{h.syssize.get()} * 16;
  const bool trusted = h.version.get() >= 0x0204 && said != 0;
  if (trusted && said > uint64_t{rest} + 15) return {errc::kernel_truncated, image.code_offset_ + said};
  image.code_size_ = trusted && said < rest ? narrow_cast<size_t>(said) : rest;

  const uint32_t alignment = h.kernel_alignment.get();
  if (h.relocatable_kernel != 0 && !is_power_of_two(alignment)) return {errc::bad_kernel_alignment, 0x230};
  if (h.payload_length.get() != 0) {
    const uint64_t payload_end = uint64_t{h.payload_offset.get()} + h.payload_length.get();
    if (payload_end > image.code_size_) return {errc::payload_out_of_bounds, payload_end};
  }
  if (const uint64_t offset = h.kernel_info_offset; offset != 0) {
    // A kernel_info without setup_type_max has 12 bytes; kernel_info.size distinguishes the two.
    constexpr size_t least = 12;
    const span<const uint8_t> code = image.code();
    if (offset > code.size() || code.size() - offset < least) return {errc::bad_kernel_info, offset};
    array<uint8_t, sizeof(abi::kernel_info)> words{};
    const span<const uint8_t> info_bytes = code.after(narrow_cast<size_t>(offset)).first(words.size());
    for (size_t i = 0; i < info_bytes.size(); ++i) words[i] = read_once(&info_bytes[i]);
    auto info = __builtin_bit_cast(abi::kernel_info, words);
    if (info.header.get() != abi::kernel_info_magic || info.size.get() < least ||
        info.size.get() > info.size_total.get() || info.size_total.get() > code.size() - offset)
      return {errc::bad_kernel_info, offset};
    if (info.size.get() < sizeof info) info.setup_type_max = 0u;
    image.kernel_info_ = info;
  }
  return image;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
