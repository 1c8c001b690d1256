// SPDX-License-Identifier: BSL-1.0
//
// A handoff whose parts lie apart, at addresses of the caller's: to do as another producer does, byte for byte.
//
//     pvhboot::handoff_layout at{.start_info_paddr = 0x6000, .memmap_paddr = 0x7000, .cmdline_paddr = 0x20000};
//     if (auto done = write(h, guest, at); !done) return done.error();   // as Cloud Hypervisor without an initramfs
//
// write checks what it checks for a block (handoff.hpp), and beside that fails with
// - handoff_cmdline_addresses: not one address for each module;
// - start_info_absent, handoff_unplaced, handoff_placed_nothing: a part without an address, or the reverse. So there is
//   never a count without its pointer, or a pointer without its count.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/pvh/handoff.hpp>

namespace pvhboot {

/// The parts of a handoff in its layout, for checks that look at all of them.
class handoff_parts {
 public:
  /// Collects the parts, which refer to the handoff.
  constexpr handoff_parts(const handoff& h, const handoff_layout& at) noexcept : h_(h), at_(at) {}

  [[__nodiscard__]] constexpr size_t size() const noexcept { return single + at_.module_cmdline_paddrs.size(); }
  /// Part i, of size 0 if the handoff does not have it. The type does not matter.
  [[__nodiscard__]] constexpr memory_range operator[](size_t i) const noexcept {
    switch (i) {
      case 0: return {at_.start_info_paddr, h_.start_info_size(), {}};
      case 1: return {at_.modlist_paddr, h_.modlist_size(), {}};
      case 2: return {at_.memmap_paddr, h_.memmap_size(), {}};
      case 3: return {at_.cmdline_paddr, size_with_nul(h_.cmdline), {}};
      case 4: return {at_.module_cmdlines_paddr, at_.module_cmdline_paddrs.empty() ? h_.module_cmdlines_size() : 0, {}};
      default: return {at_.module_cmdline_paddrs[i - single], size_with_nul(h_.modules[i - single].cmdline), {}};
    }
  }
  /// The address of the field that points to part i, which is not 0.
  [[__nodiscard__]] constexpr uint64_t field_of(size_t i) const noexcept {
    switch (i) {
      case 1: return at_.start_info_paddr + offsetof(abi::hvm_start_info, modlist_paddr);
      case 2: return at_.start_info_paddr + offsetof(abi::hvm_start_info, memmap_paddr);
      case 3: return at_.start_info_paddr + offsetof(abi::hvm_start_info, cmdline_paddr);
      default: break;
    }
    const size_t module = i < single ? 0 : i - single;
    return at_.modlist_paddr + uint64_t{module} * sizeof(abi::hvm_modlist_entry) +
           offsetof(abi::hvm_modlist_entry, cmdline_paddr);
  }

 private:
  static constexpr size_t single = 5;
  const handoff& h_;
  const handoff_layout& at_;
};

/// The layout suits the handoff: the rules that concern addresses. Quadratic in the number of module_cmdline_paddrs.
constexpr result<void> check_layout(const handoff& h, const handoff_layout& at) noexcept {
  const handoff_parts parts{h, at};
  if (const size_t n = at.module_cmdline_paddrs.size(); n != 0 && n != h.modules.size())
    return {errc::handoff_cmdline_addresses, n};
  if (at.start_info_paddr == 0) return {errc::start_info_absent, 0};
  for (size_t i = 0; i < parts.size(); ++i) {
    const memory_range part = parts[i];
    if (part.size == 0 && part.addr != 0) return {errc::handoff_placed_nothing, parts.field_of(i)};
    if (part.size == 0) continue;
    if (part.addr == 0) return {errc::handoff_unplaced, parts.field_of(i)};
    if (auto good = check_place(h, part); !good) return good;
    if (i == 0 && part.last() > 0xffffffff) return {errc::handoff_too_high, part.addr};
    for (size_t j = 0; j < i; ++j)
      if (const memory_range other = parts[j]; part.overlaps(other))
        return {errc::handoff_overlaps, part.addr > other.addr ? part.addr : other.addr};
  }
  return {};
}

/// Writes the handoff with its parts where the layout has them. Every byte of every part is written;
/// what lies between them is not touched. The rules are at the head of this file.
template <writable_memory Memory>
constexpr result<void> write(const handoff& h, const Memory& memory,
                             const handoff_layout& at) noexcept(writes_noexcept<Memory>) {
  if (auto good = check_values(h); !good) return good;
  if (auto good = check_layout(h, at); !good) return good;
  const handoff_parts parts{h, at};
  for (size_t i = 0; i < parts.size(); ++i) {
    const memory_range part = parts[i];
    const uint64_t there = writable_bytes(memory, part.addr, part.size);
    if (there != part.size) return {errc::handoff_unwritable, part.addr + there};
  }
  if (!handoff_writer<Memory, false>{h, memory, at}.run()) return {errc::handoff_unwritable, at.start_info_paddr};
  return {};
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
