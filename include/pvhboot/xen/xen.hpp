// SPDX-License-Identifier: BSL-1.0
//
// Xen's CPUID leaves and its memory map hypercall, for a handoff without a memory map (version 0, as dom0 gets it, or a
// version 1 without entries). The caller executes cpuid and the hypercall; the functions here interpret the answers.
// Source: xen/include/public/arch-x86/cpuid.h, xen/include/public/memory.h (MIT).
//
//     const auto xen = pvhboot::find_xen([](uint32_t leaf) { return execute_cpuid(leaf); });
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/xen_memory.hpp>
#include <pvhboot/core/memory.hpp>
#include <pvhboot/core/memory_range.hpp>
#include <pvhboot/core/result.hpp>

namespace pvhboot {

/// What the instruction CPUID returns.
struct cpuid_leaf {
  uint32_t eax = 0;  ///< %eax
  uint32_t ebx = 0;  ///< %ebx
  uint32_t ecx = 0;  ///< %ecx
  uint32_t edx = 0;  ///< %edx
};

/// Where Xen's CPUID leaves are, and the first of what they say.
struct xen_cpuid {
  uint32_t base = 0;           ///< the first of its leaves, 0x40000000 + n * 0x100
  uint16_t version_major = 0;  ///< base + 1
  uint16_t version_minor = 0;  ///< base + 1
  uint32_t hypercall_msr = 0;  ///< base + 2: write a page's address to this MSR and Xen fills it; 32 bytes a hypercall

  /// Whether the guest runs on Xen.
  [[__nodiscard__]] constexpr bool found() const noexcept { return base != 0; }
};

/// Looks for "XenVMMXenVMM" at 0x40000000, 0x40000100, … 0x4000ff00: another interface (Viridian) may come first.
/// `cpuid(leaf)` returns a cpuid_leaf.
template <class Cpuid> constexpr xen_cpuid find_xen(const Cpuid& cpuid) noexcept(noexcept(cpuid(uint32_t{}))) {
  for (uint32_t base = 0x40000000; base < 0x40010000; base += 0x100) {
    const cpuid_leaf id = cpuid(base);
    if (id.ebx != 0x566e6558 || id.ecx != 0x65584d4d || id.edx != 0x4d4d566e) continue;
    // eax is the last leaf; a wrap below base is as bad as one that ends too soon.
    if (id.eax < base + 2 || id.eax - base > 0xff) continue;
    const uint32_t version = cpuid(base + 1).eax;
    return {.base = base,
            .version_major = static_cast<uint16_t>(version >> 16),
            .version_minor = static_cast<uint16_t>(version),
            .hypercall_msr = cpuid(base + 2).ebx};
  }
  return {};
}

/// The table that XENMEM_memory_map fills.
using xen_memory_map_table = wire_table<abi::boot_e820_entry, memory_range>;

/// What XENMEM_memory_map returned, as a table for memory_map::append. `returned` is the hypercall's return value,
/// `nr_entries` the count that Xen wrote into its argument, `buffer` what the argument pointed to.
///
/// Fails with xen_no_memory_map if Xen has none for this domain; with xen_memory_map_too_large if the buffer came back
/// full, since Xen drops what does not fit without a word; with xen_memory_map_bad_count if it claims more than that.
constexpr result<xen_memory_map_table> read_xen_memory_map(int64_t returned, uint32_t nr_entries,
                                                           span<const uint8_t> buffer) noexcept {
  const size_t capacity = buffer.size() / sizeof(abi::boot_e820_entry);
  // A hypercall fails with -errno. The sign goes in unsigned arithmetic, where also that of INT64_MIN does.
  const auto number = static_cast<uint64_t>(returned);
  if (returned != 0) return {errc::xen_no_memory_map, returned < 0 ? 0 - number : number};
  if (nr_entries > capacity) return {errc::xen_memory_map_bad_count, nr_entries};
  if (nr_entries == capacity) return {errc::xen_memory_map_too_large, capacity};
  return xen_memory_map_table{buffer.data(), nr_entries};
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
