// SPDX-License-Identifier: BSL-1.0
//
// translate: a PVH hand-over → Linux's zero page, in the two roles it is done in.
//
// - A boot loader that was entered by PVH and starts a bzImage: the kernel's setup_header, the loader's decisions and
//   the hand-over's memory map and RSDP make the zero page that %esi points to. Source: boot.rst, zero-page.rst.
// - A kernel that was entered by PVH and wants Linux's view of the world, as Linux does itself in
//   arch/x86/platform/pvh/enlighten.c.
//
// Neither writes a count, an address or a string that does not fit its field.
#pragma once

#include <pvhboot/abi/boot_params.hpp>
#include <pvhboot/parse.hpp>
#include <pvhboot/placement.hpp>

namespace pvhboot {

/// Video memory and option ROMs of a PC: [0xa0000, 0x100000).
inline constexpr memory_range isa_hole{0xa0000, 0x60000, memory_type::reserved};

/// Makes a map that every Linux takes as it is: sanitised, since KASLR walks the table without resolving overlaps; no
/// RAM in the ISA hole, which libxl declares; and never fewer than two ranges, since Linux before 7.0 ignores a map of
/// one. Fails as memory_map::append and sanitize do, and with no_ram.
constexpr result<void> prepare_for_linux(memory_map& map) noexcept {
  if (auto done = map.sanitize(); !done) return done;
  bool has_ram = false;
  bool ram_in_hole = false;
  for (const memory_range& r : map) {
    has_ram |= r.type == memory_type::ram;
    ram_in_hole |= r.type == memory_type::ram && r.overlaps(isa_hole);
  }
  if (!has_ram) return {errc::no_ram, map.size()};
  if (!ram_in_hole && map.size() >= 2) return {};
  if (auto done = map.append(isa_hole); !done) return done;
  return map.sanitize();
}

/// All zeroes, without a second page on the stack.
constexpr void clear(abi::boot_params& zero_page) noexcept {
  if (__builtin_is_constant_evaluated())
    zero_page = abi::boot_params{};
  else
    __builtin_memset(static_cast<void*>(&zero_page), 0, sizeof zero_page);
}

/// The map into e820_table. A range that ends at 2^64 loses its last page: Linux leaves a whole table unsanitised in
/// which addr + size is 0. Fails with e820_full and writes nothing then.
constexpr result<void> write_e820(const memory_map& map, abi::boot_params& zero_page) noexcept {
  if (map.size() > abi::e820_max_entries_zeropage) return {errc::e820_full, map.size()};
  uint8_t n = 0;
  for (const memory_range& r : map) {
    const uint64_t cut = r.size != 0 && r.last() == ~uint64_t{} ? 4096 : 0;
    if (r.size <= cut) continue;
    zero_page.e820_table[n++] = {.addr = r.addr, .size = r.size - cut, .type = static_cast<uint32_t>(r.type)};
  }
  zero_page.e820_entries = n;
  return {};
}

/// What a boot loader decided, and what it passes on from its own hand-over.
struct linux_handover {
  kernel_placement placement{};
  uint64_t cmdline_paddr = 0;     ///< 0: none. Linux reads 2048 bytes from here, whatever the length
  uint64_t cmdline_size = 0;      ///< bytes before the NUL
  uint64_t initrd_paddr = 0;      ///< page aligned
  uint64_t initrd_size = 0;       ///< bytes; 0: none
  uint64_t rsdp_paddr = 0;        ///< 0: not given
  uint8_t type_of_loader = 0xff;  ///< 0xff: no number assigned
};

/// Role boot loader: the zero page for the 32-bit entry of this kernel. `map` is what prepare_for_linux made. The page
/// is cleared, the header copied to its end and no further, so sentinel stays 0 and Linux keeps acpi_rsdp_addr.
///
/// Fails with an errc of the group "placement and translation"; zero_page means nothing then.
constexpr result<void> translate(const bzimage& kernel, const linux_handover& values, const memory_map& map,
                                 abi::boot_params& zero_page) noexcept {
  constexpr uint64_t highest = 0xffffffff;
  const kernel_placement& place = values.placement;
  if (place.load > highest) return {errc::kernel_too_high, place.load};
  if (values.cmdline_size > kernel.cmdline_size()) return {errc::cmdline_too_long, kernel.cmdline_size()};
  if (values.cmdline_paddr > highest || values.cmdline_size > highest - values.cmdline_paddr)
    return {errc::cmdline_too_high, values.cmdline_paddr};
  if (place.overlaps(values.cmdline_paddr, values.cmdline_size + 1))
    return {errc::overlaps_kernel, values.cmdline_paddr};
  if (values.type_of_loader == 0) return {errc::loader_type_zero, 0x210};
  if (values.initrd_size != 0) {
    const memory_range initrd{values.initrd_paddr, values.initrd_size, {}};
    if (initrd.last() > kernel.initrd_addr_max()) return {errc::initrd_too_high, initrd.last()};
    if (place.overlaps(initrd.addr, initrd.size)) return {errc::overlaps_kernel, initrd.addr};
  }

  clear(zero_page);
  // The header may be longer than the struct that this version of the library knows, and goes on in the hole behind it.
  const span<const uint8_t> header = kernel.header_bytes();
  array<uint8_t, sizeof(abi::setup_header)> known{};
  for (size_t i = 0; i < header.size(); ++i)
    (i < known.size() ? known[i] : zero_page._pad7[i - known.size()]) = header[i];
  zero_page.hdr = __builtin_bit_cast(abi::setup_header, known);

  abi::setup_header& hdr = zero_page.hdr;
  hdr.type_of_loader = values.type_of_loader;
  // Heap and segments matter to the 16-bit entry only; KASLR's flag is the decompressor's.
  hdr.loadflags = loadflags::loaded_high;
  hdr.vid_mode = 0xffff;
  hdr.code32_start = static_cast<uint32_t>(place.load);
  if (kernel.relocatable()) hdr.kernel_alignment = place.kernel_alignment;
  if (kernel.protocol() >= 0x0202) hdr.cmd_line_ptr = static_cast<uint32_t>(values.cmdline_paddr);
  if (values.initrd_size != 0) {
    hdr.ramdisk_image = static_cast<uint32_t>(values.initrd_paddr);
    hdr.ramdisk_size = static_cast<uint32_t>(values.initrd_size);
  }
  zero_page.acpi_rsdp_addr = values.rsdp_paddr;
  return write_e820(map, zero_page);
}

/// Role kernel: the zero page of a kernel that was entered by PVH itself. `map` is what prepare_for_linux made of
/// boot.memory_map(), or of the hypervisor's map where the hand-over has none. Module 0 is the initrd. The header has
/// the version and loader type that Linux's own PVH entry gives itself: 2.12, and 0x90 on Xen or else 0xb0.
///
/// Fails with e820_full. Addresses above 4 GiB go to the ext_ fields, sizes too.
template <physical_memory Memory>
constexpr result<void> translate(const boot_info<Memory>& boot, const memory_map& map, bool on_xen,
                                 abi::boot_params& zero_page) noexcept {
  const auto low = [](uint64_t v) { return static_cast<uint32_t>(v); };
  const auto high = [](uint64_t v) { return static_cast<uint32_t>(v >> 32); };
  clear(zero_page);
  zero_page.hdr.version = 0x020c;
  zero_page.hdr.type_of_loader = on_xen ? 0x90 : 0xb0;
  const uint64_t cmdline = boot.wire().cmdline_paddr;
  zero_page.hdr.cmd_line_ptr = low(cmdline);
  zero_page.ext_cmd_line_ptr = high(cmdline);
  if (!boot.modules().empty()) {
    const boot_module initrd = boot.modules()[0];
    zero_page.hdr.ramdisk_image = low(initrd.paddr);
    zero_page.ext_ramdisk_image = high(initrd.paddr);
    zero_page.hdr.ramdisk_size = low(initrd.size);
    zero_page.ext_ramdisk_size = high(initrd.size);
  }
  zero_page.acpi_rsdp_addr = boot.rsdp_paddr();
  return write_e820(map, zero_page);
}

}  // namespace pvhboot
