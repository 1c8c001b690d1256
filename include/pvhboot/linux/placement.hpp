// SPDX-License-Identifier: BSL-1.0
//
// Where a bzImage and its initrd can lie. Source: boot.rst, "Details of Header Fields" (init_size, pref_address,
// kernel_alignment, initrd_addr_max), and what arch/x86/boot/compressed/head_64.S really does.
//
// A kernel needs two ranges: [load_paddr, +code), where its file is put, and [runtime_start, +init_size), where it
// unpacks itself. boot.rst says that a relocatable kernel runs at its load address, aligned; the code also never goes
// below pref_address. So a relocatable kernel that is loaded at 1 MiB runs at 16 MiB, and both places must be free.
//
//     const auto place = place_kernel(*kernel, free_ram);
//     if (!place) return place.error();
//     if (auto done = reserve(free_ram, place->runtime_start, place->runtime_size); !done) return done.error();
//     const auto initrd = place_initrd(*kernel, initrd_size, free_ram);       // result<uint64_t>
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/queries.hpp>
#include <pvhboot/linux/bzimage.hpp>

namespace pvhboot {

/// A kernel needs two ranges: where its file is put and entered, and where it unpacks itself.
struct kernel_placement {
  uint64_t load_paddr = 0;        ///< address of the protected-mode code, and the 32-bit entry
  uint64_t load_size = 0;         ///< bytes
  uint64_t runtime_start = 0;     ///< where the kernel unpacks itself
  uint64_t runtime_size = 0;      ///< bytes that must be free RAM from there
  uint32_t kernel_alignment = 0;  ///< goes into the zero page; the kernel's own, or less if memory is tight

  /// [a, a + n) has a byte in common with one of the two ranges.
  [[__nodiscard__]] constexpr bool overlaps(uint64_t a, uint64_t n) const noexcept {
    const memory_range other{a, n, {}};
    return memory_range{load_paddr, load_size, {}}.overlaps(other) ||
           memory_range{runtime_start, runtime_size, {}}.overlaps(other);
  }
};

/// A place for the kernel in the free RAM of a sanitised map, from which everything that is still needed was taken out.
/// For the 32-bit entry. Load address and run-time start are the same where the kernel allows it. Nothing is placed
/// below `lowest` or above 2 GiB, since older kernels compare the address as signed (head_64.S, jge). Fails with
/// no_place_for_kernel.
constexpr result<kernel_placement> place_kernel(const bzimage& kernel, const memory_map& free,
                                                uint64_t lowest = 0x100000) noexcept {
  constexpr uint64_t highest = 0x7fffffff;
  kernel_placement p{.load_paddr = 0x100000,
                     .load_size = kernel.code().size(),
                     .runtime_start = kernel.pref_address(),
                     .runtime_size = kernel.init_size(),
                     .kernel_alignment = kernel.kernel_alignment()};
  if (!kernel.relocatable()) {
    if (p.load_paddr >= lowest && p.runtime_start >= lowest && p.runtime_start <= highest &&
        p.runtime_size - 1 <= highest - p.runtime_start && covers(free, p.load_paddr, p.load_size, memory_type::ram) &&
        covers(free, p.runtime_start, p.runtime_size, memory_type::ram))
      return p;
    return {errc::no_place_for_kernel, p.runtime_size};
  }
  const uint64_t both = p.runtime_size > p.load_size ? p.runtime_size : p.load_size;
  const uint64_t from = p.runtime_start > lowest ? p.runtime_start : lowest;
  // From preferred alignment to minimum: the preferred address first, then the lowest above it.
  for (; p.kernel_alignment != 0 && p.kernel_alignment >= kernel.min_alignment(); p.kernel_alignment /= 2) {
    const auto place = find_lowest_ram(free, both, p.kernel_alignment, from, highest);
    if (!place) continue;
    p.load_paddr = p.runtime_start = *place;
    return p;
  }
  return {errc::no_place_for_kernel, both};
}

/// Where the kernel really runs if it is loaded at `load_paddr`: never below pref_address, whatever boot.rst says.
constexpr uint64_t runtime_start_of(const bzimage& kernel, uint64_t load_paddr, uint32_t alignment) noexcept {
  if (!kernel.relocatable() || alignment == 0) return kernel.pref_address();
  const uint64_t aligned = load_paddr + ((0 - load_paddr) & (uint64_t{alignment} - 1));
  return aligned > kernel.pref_address() ? aligned : kernel.pref_address();
}

/// The highest page-aligned place for an initrd of n bytes in the free RAM of a sanitised map, within what the kernel
/// can reach. The kernel's own ranges must have been taken out. Fails with no_place_for_initrd.
constexpr result<uint64_t> place_initrd(const bzimage& kernel, uint64_t n, const memory_map& free) noexcept {
  const auto place = find_highest_ram(free, n, 4096, 0x100000, kernel.initrd_addr_max());
  if (!place) return {errc::no_place_for_initrd, kernel.initrd_addr_max()};
  return *place;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
