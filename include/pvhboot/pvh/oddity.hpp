// SPDX-License-Identifier: BSL-1.0
//
// What is odd about a handoff, as values: the kinds, how bad each is, which real consumers fail on it and how. The rows
// are in oddities.def. Handoffs, images and zero pages report through one type, finding.
//
//     void print(pvhboot::finding f) {
//       printf("%s at %#" PRIx64, message(f.what).data(), f.where);
//       if (hurts(f.what, pvhboot::consumer::freebsd)) printf(": %s", fails(f.what).data());
//     }
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/message.hpp>

namespace pvhboot {

/// How bad an oddity is.
enum class severity : uint8_t {
  info,     ///< unusual, and no consumer is known to mind
  warning,  ///< a real consumer fails
  error,    ///< against the specification
};

/// Consumers whose behaviour is known. A set of them is the values or-ed together.
enum class consumer : uint16_t {
  linux_6_1 = 1 << 0,                 ///< Linux before 6.12
  linux_6_12 = 1 << 1,                ///< Linux from 6.12 on, whose PVH entry is relocatable
  freebsd = 1 << 2,                   ///< FreeBSD 14
  xen = 1 << 3,                       ///< Xen as a guest
  grub = 1 << 4,                      ///< GRUB's i386-xen_pvh
  rust_hypervisor_firmware = 1 << 5,  ///< rust-hypervisor-firmware
  ovmf_xen = 1 << 6,                  ///< edk2's OvmfXen
};

/// The words that the column `consumers` is written in.
namespace consumer_words {
inline constexpr auto linux_6_12 = static_cast<unsigned>(consumer::linux_6_12);             ///< Linux 6.12
inline constexpr auto linux_any = static_cast<unsigned>(consumer::linux_6_1) | linux_6_12;  ///< every Linux
inline constexpr auto freebsd = static_cast<unsigned>(consumer::freebsd);                   ///< FreeBSD
inline constexpr auto xen = static_cast<unsigned>(consumer::xen);                           ///< Xen as a guest
inline constexpr auto grub = static_cast<unsigned>(consumer::grub);                         ///< GRUB
inline constexpr auto rust_hypervisor_firmware =
    static_cast<unsigned>(consumer::rust_hypervisor_firmware);               ///< rust-hypervisor-firmware
inline constexpr auto ovmf_xen = static_cast<unsigned>(consumer::ovmf_xen);  ///< edk2's OvmfXen
}  // namespace consumer_words

/// One value is one row. A number keeps its meaning in later versions.
enum class oddity : uint16_t {
#define PVHBOOT_ODDITY(number, name, level, where, sentence, consumers, fails) name = (number),
#include <pvhboot/pvh/oddities.def>
};

/// Something odd, and the physical address of what its row names.
struct finding {
  oddity what;     ///< the row
  uint64_t where;  ///< the address
};

/// The number of each row.
inline constexpr oddity oddity_numbers[] = {
#define PVHBOOT_ODDITY(number, name, level, where, sentence, consumers, fails) oddity::name,
#include <pvhboot/pvh/oddities.def>
};
/// The level of each row, and one for a number that is none.
inline constexpr severity oddity_levels[] = {
#define PVHBOOT_ODDITY(number, name, level, where, sentence, consumers, fails) severity::level,
#include <pvhboot/pvh/oddities.def>
    severity::info};
namespace consumer_words {
/// The consumers that fail on each row, and none for a number that is none.
inline constexpr uint16_t failing[] = {
#define PVHBOOT_ODDITY(number, name, level, where, sentence, consumers, fails) (consumers),
#include <pvhboot/pvh/oddities.def>
    0};
}  // namespace consumer_words
/// The name of each row, with its NUL.
inline constexpr char oddity_names[] =
#define PVHBOOT_ODDITY(number, name, level, where, sentence, consumers, fails) #name "\0"
#include <pvhboot/pvh/oddities.def>
    "unknown";
/// The place of each row, with its NUL.
inline constexpr char oddity_places[] =
#define PVHBOOT_ODDITY(number, name, level, where, sentence, consumers, fails) where "\0"
#include <pvhboot/pvh/oddities.def>
    "unknown";
/// The sentence of each row, with its NUL.
inline constexpr char oddity_sentences[] =
#define PVHBOOT_ODDITY(number, name, level, where, sentence, consumers, fails) sentence "\0"
#include <pvhboot/pvh/oddities.def>
    "unknown";
/// The failure of each row, with its NUL.
inline constexpr char oddity_failures[] =
#define PVHBOOT_ODDITY(number, name, level, where, sentence, consumers, fails) fails "\0"
#include <pvhboot/pvh/oddities.def>
    "";

/// The row of an oddity; the number of rows for a number that is none.
constexpr size_t row_of(oddity what) noexcept { return index_in(oddity_numbers, what); }

/// What is odd, in a few words. All texts are NUL-terminated.
constexpr string_ref message(oddity what) noexcept { return nth_text(oddity_sentences, row_of(what)); }
/// Its name as it is spelled in the code.
constexpr string_ref name(oddity what) noexcept { return nth_text(oddity_names, row_of(what)); }
/// What `where` of a finding is the address of.
constexpr string_ref where_is(oddity what) noexcept { return nth_text(oddity_places, row_of(what)); }
/// How bad it is.
constexpr severity level(oddity what) noexcept { return oddity_levels[row_of(what)]; }
/// Who fails on it and how; empty if no consumer is known to.
constexpr string_ref fails(oddity what) noexcept { return nth_text(oddity_failures, row_of(what)); }
/// This consumer fails on it.
constexpr bool hurts(oddity what, consumer who) noexcept {
  return (consumer_words::failing[row_of(what)] & static_cast<unsigned>(who)) != 0;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
