// SPDX-License-Identifier: BSL-1.0
//
// Where a bzImage and its initrd may lie. Source: boot.rst, "Details of Header Fields" (init_size, pref_address,
// kernel_alignment, initrd_addr_max), and what arch/x86/boot/compressed/head_64.S really does.
//
// A kernel needs two ranges: [load, +code), where its file is put, and [runtime_start, +init_size), where it unpacks
// itself. boot.rst says that a relocatable kernel runs at its load address, aligned; the code also never goes below
// pref_address. So a relocatable kernel that is loaded at 1 MiB runs at 16 MiB, and both places must be free.
#pragma once

#include <pvhboot/bzimage.hpp>
#include <pvhboot/memory_map.hpp>

namespace pvhboot {

struct kernel_placement {
  uint64_t load = 0;              ///< address of the protected-mode code, and the 32-bit entry
  uint64_t load_size = 0;         ///< bytes
  uint64_t runtime_start = 0;     ///< where the kernel unpacks itself
  uint64_t runtime_size = 0;      ///< bytes that must be free RAM from there
  uint32_t kernel_alignment = 0;  ///< to be told to the kernel; its own, or less if memory is tight

  /// [a, a + n) has a byte in common with one of the two ranges.
  [[nodiscard]] constexpr bool overlaps(uint64_t a, uint64_t n) const noexcept {
    const memory_range other{a, n, {}};
    return memory_range{load, load_size, {}}.overlaps(other) ||
           memory_range{runtime_start, runtime_size, {}}.overlaps(other);
  }
};

/// A place for the kernel in the free RAM of a sanitised map, from which everything that is still needed was taken out.
/// For the 32-bit entry. Load address and run-time start are the same where the kernel allows it; above 2 GiB nothing
/// is placed, since older kernels compare the address as signed (head_64.S, jge). Fails with no_place_for_kernel.
constexpr result<kernel_placement> place_kernel(const bzimage& kernel, const memory_map& free) noexcept {
  constexpr uint64_t highest = 0x7fffffff;
  kernel_placement p{.load = 0x100000,
                     .load_size = kernel.code().size(),
                     .runtime_start = kernel.pref_address(),
                     .runtime_size = kernel.init_size(),
                     .kernel_alignment = kernel.kernel_alignment()};
  if (!kernel.relocatable()) {
    if (free.covers(p.load, p.load_size, memory_type::ram) &&
        free.covers(p.runtime_start, p.runtime_size, memory_type::ram) &&
        p.runtime_start + (p.runtime_size - 1) <= highest)
      return p;
    return {errc::no_place_for_kernel, p.runtime_size};
  }
  const uint64_t both = p.runtime_size > p.load_size ? p.runtime_size : p.load_size;
  // From the alignment it likes down to the one it tolerates: the preferred address first, then the lowest above it.
  for (; p.kernel_alignment != 0 && p.kernel_alignment >= kernel.min_alignment(); p.kernel_alignment /= 2) {
    const auto place = free.find_lowest_ram(both, p.kernel_alignment, p.runtime_start, highest);
    if (!place) continue;
    p.load = p.runtime_start = *place;
    return p;
  }
  return {errc::no_place_for_kernel, both};
}

/// Where the kernel will really run if it is loaded at `load`: never below pref_address, whatever boot.rst says.
constexpr uint64_t runtime_start_of(const bzimage& kernel, uint64_t load, uint32_t alignment) noexcept {
  if (!kernel.relocatable() || alignment == 0) return kernel.pref_address();
  const uint64_t aligned = load + ((0 - load) & (uint64_t{alignment} - 1));
  return aligned > kernel.pref_address() ? aligned : kernel.pref_address();
}

/// Checks a placement that somebody else chose, and what must survive the kernel's unpacking: zero page, command line,
/// initrd, setup_data nodes and what INDIRECT ones point to, GDT, page tables. `map` is the sanitised memory map before
/// anything was taken out; the types of `keep` do not matter.
///
/// Fails with kernel_too_high, bad_runtime_start, bad_kernel_alignment, no_place_for_kernel (a range is not RAM, or is
/// smaller than the kernel needs), overlaps_kernel, not_in_ram, and overlaps for two things to keep.
constexpr result<void> check_placement(const bzimage& kernel, const kernel_placement& p, const memory_map& map,
                                       span<const memory_range> keep) noexcept {
  if (p.load > 0xffffffff) return {errc::kernel_too_high, p.load};
  if (kernel.relocatable()) {
    const uint32_t a = p.kernel_alignment;
    if (a == 0 || (a & (a - 1)) != 0 || a < kernel.min_alignment()) return {errc::bad_kernel_alignment, 0x230};
  } else if (p.load != 0x100000) {
    return {errc::bad_runtime_start, 0x100000};
  }
  if (const uint64_t runs_at = runtime_start_of(kernel, p.load, p.kernel_alignment); p.runtime_start != runs_at)
    return {errc::bad_runtime_start, runs_at};
  if (p.load_size < kernel.code().size() || !map.covers(p.load, p.load_size, memory_type::ram))
    return {errc::no_place_for_kernel, kernel.code().size()};
  if (p.runtime_size < kernel.init_size() || !map.covers(p.runtime_start, p.runtime_size, memory_type::ram))
    return {errc::no_place_for_kernel, kernel.init_size()};
  for (size_t i = 0; i < keep.size(); ++i) {
    const memory_range& r = keep[i];
    if (r.size == 0) continue;
    if (p.overlaps(r.addr, r.size)) return {errc::overlaps_kernel, r.addr};
    if (!map.covers(r.addr, r.size, memory_type::ram)) return {errc::not_in_ram, r.addr};
    for (size_t j = 0; j < i; ++j)
      if (r.overlaps(keep[j])) return {errc::overlaps, r.addr};
  }
  return {};
}

/// The highest page-aligned place for an initrd of n bytes in the free RAM of a sanitised map, within what the kernel
/// can reach. The kernel's own ranges must have been taken out. Fails with no_place_for_initrd.
constexpr result<uint64_t> place_initrd(const bzimage& kernel, uint64_t n, const memory_map& free) noexcept {
  const auto place = free.find_highest_ram(n, 4096, 0x100000, kernel.initrd_addr_max());
  if (!place) return {errc::no_place_for_initrd, kernel.initrd_addr_max()};
  return *place;
}

}  // namespace pvhboot
