// SPDX-License-Identifier: BSL-1.0
//
// What a reader of kernel images does with one, as values: whether it enters the image, at which address, and why. The
// reasons are in image_reasons.def; explain.hpp finds them.
//
//     void print(pvhboot::image_verdict v) {
//       printf("%s at %#" PRIx64 ": %s", name(v.outcome).data(), v.entry, message(v.reason).data());
//       if (!remedy(v.reason).empty()) printf("; %s", remedy(v.reason).data());
//     }
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/message.hpp>

namespace pvhboot {

/// The programs whose behaviour is known.
enum class image_reader : uint8_t {
  qemu,              ///< 6.0 and later; read up to 11.1
  qemu_before_6_0,   ///< reads the notes of ELF32 files wrong
  xen_toolstack,     ///< libxenguest for a PVH domain: xl, libvirt
  xen_dom0,          ///< the hypervisor's dom0 builder, dom0=pvh
  linux_loader,      ///< rust-vmm/linux-loader 0.14
  cloud_hypervisor,  ///< linux-loader, and an e_entry of at least 1 MiB
  firecracker,       ///< the same; without a note it starts the image by Linux's 64-bit protocol
};
/// The number of readers.
inline constexpr size_t image_readers = 7;

/// What the reader does.
enum class image_outcome : uint8_t {
  enters,          ///< loads the image and enters it by PVH
  refuses,         ///< reports an error, or has nothing to enter
  other_protocol,  ///< starts the image, but not by PVH
  unpacks,         ///< unpacks the payload and does with it what explain says of the payload
  undefined,       ///< divides by zero, or reads what is not there: it may crash, refuse, or enter anywhere
};

/// One value is one row. A number keeps its meaning in later versions.
enum class image_reason : uint16_t {
#define PVHBOOT_IMAGE_REASON(number, name, sentence, change, source) name = (number),
#include <pvhboot/pvh/image_reasons.def>
};

/// What one reader does with one image.
struct image_verdict {
  image_outcome outcome{};  ///< what the reader does
  image_reason reason{};    ///< why
  uint64_t entry = 0;       ///< where the image is entered; 0 if the outcome has no entry
};

/// The number of each row.
inline constexpr image_reason image_reason_numbers[] = {
#define PVHBOOT_IMAGE_REASON(number, name, sentence, change, source) image_reason::name,
#include <pvhboot/pvh/image_reasons.def>
};
/// The name of each row, with its NUL.
inline constexpr char image_reason_names[] =
#define PVHBOOT_IMAGE_REASON(number, name, sentence, change, source) #name "\0"
#include <pvhboot/pvh/image_reasons.def>
    "unknown";
/// The sentence of each row, with its NUL.
inline constexpr char image_reason_sentences[] =
#define PVHBOOT_IMAGE_REASON(number, name, sentence, change, source) sentence "\0"
#include <pvhboot/pvh/image_reasons.def>
    "unknown";
/// The change of each row, with its NUL.
inline constexpr char image_reason_changes[] =
#define PVHBOOT_IMAGE_REASON(number, name, sentence, change, source) change "\0"
#include <pvhboot/pvh/image_reasons.def>
    "";
/// The source of each row, with its NUL.
inline constexpr char image_reason_sources[] =
#define PVHBOOT_IMAGE_REASON(number, name, sentence, change, source) source "\0"
#include <pvhboot/pvh/image_reasons.def>
    "unknown";

/// The row of a reason; the number of rows for a number that is none.
constexpr size_t row_of(image_reason why) noexcept { return index_in(image_reason_numbers, why); }

/// What the reader met, in a sentence. All texts are NUL-terminated.
constexpr string_ref message(image_reason why) noexcept { return nth_text(image_reason_sentences, row_of(why)); }
/// What to change in the image; empty if there is nothing.
constexpr string_ref remedy(image_reason why) noexcept { return nth_text(image_reason_changes, row_of(why)); }
/// The reason's name as it is spelled in the code.
constexpr string_ref name(image_reason why) noexcept { return nth_text(image_reason_names, row_of(why)); }
/// The program and function, or the document, where it comes from.
constexpr string_ref source(image_reason why) noexcept { return nth_text(image_reason_sources, row_of(why)); }

/// The name of a reader for messages, NUL-terminated.
constexpr string_ref name(image_reader who) noexcept {
  const auto i = static_cast<size_t>(who);
  return nth_text(
      "QEMU\0QEMU before 6.0\0Xen's toolstack\0Xen's dom0 builder\0linux-loader\0Cloud "
      "Hypervisor\0Firecracker\0unknown",
      i < image_readers ? i : image_readers);
}
/// The name of an outcome for messages, NUL-terminated.
constexpr string_ref name(image_outcome what) noexcept {
  constexpr auto last = static_cast<size_t>(image_outcome::undefined);
  const auto i = static_cast<size_t>(what);
  return nth_text("enters\0refuses\0other protocol\0unpacks\0undefined\0unknown", i <= last ? i : last + 1);
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
