// SPDX-License-Identifier: BSL-1.0
//
// translate: a PVH hand-over → Linux's zero page, in the two roles it is done in.
//
// - A boot loader that was entered by PVH and starts a bzImage: the kernel's setup_header, the loader's decisions and
//   the hand-over's memory map and RSDP make the zero page that %esi or %rsi points to. Source: boot.rst,
//   zero-page.rst.
// - A kernel that was entered by PVH and wants Linux's view of the world, as Linux does itself in
//   arch/x86/platform/pvh/enlighten.c.
//
// Neither writes a count, an address or a string that does not fit its field. The way back: zero_page.hpp.
#pragma once

#include <pvhboot/placement.hpp>
#include <pvhboot/zero_page.hpp>

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
    if (r.type != memory_type::ram) continue;
    has_ram |= !isa_hole.contains(r.addr, r.size);
    ram_in_hole |= r.overlaps(isa_hole);
  }
  if (!has_ram) return {errc::no_ram, map.size()};
  if (!ram_in_hole && map.size() >= 2) return {};
  return map.insert(isa_hole);
}

/// What a boot loader decided, and what it passes on from its own hand-over.
struct linux_handover {
  kernel_placement placement{};
  bool entry_64 = false;       ///< enters at +0x200 in long mode, where the kernel may be told addresses above 4 GiB
  uint64_t cmdline_paddr = 0;  ///< 0: none. Linux reads 2048 bytes from here, whatever the length
  uint64_t cmdline_size = 0;   ///< bytes before the NUL
  uint64_t initrd_paddr = 0;   ///< page aligned
  uint64_t initrd_size = 0;    ///< bytes; 0: none
  uint64_t rsdp_paddr = 0;     ///< 0: not given
  uint16_t loader = 0xf;       ///< loader_id, or an extended number from 0x10 on; 0xf: none assigned
  uint16_t loader_version = 0xf;
};

/// type_of_loader and its extensions, from number and version (boot.rst, field type_of_loader). Fails with
/// loader_id_too_large, which also the number 0xe is, and loader_type_zero.
constexpr result<void> set_loader(abi::setup_header& hdr, uint16_t number, uint16_t version) noexcept {
  constexpr uint16_t extended = static_cast<uint16_t>(loader_id::extended);
  if (number == extended || number > 0x10f) return {errc::loader_id_too_large, number};
  if (version > 0xfff || (version > 0xf && hdr.version < 0x0202)) return {errc::loader_id_too_large, version};
  if (number >= 0x10 && hdr.version < 0x0202) return {errc::loader_id_too_large, number};
  const unsigned nibble = number < 0x10 ? number : extended;
  hdr.type_of_loader = static_cast<uint8_t>(nibble << 4 | (version & 0xf));
  if (hdr.type_of_loader == 0) return {errc::loader_type_zero, 0x210};
  if (hdr.version < 0x0202) return {};
  hdr.ext_loader_type = static_cast<uint8_t>(number < 0x10 ? 0 : number - 0x10);
  hdr.ext_loader_ver = static_cast<uint8_t>(version >> 4);
  return {};
}

/// Role boot loader: the zero page for the entry of this kernel. `map` is what prepare_for_linux made. The page is
/// cleared, the header copied to its end and no further, so sentinel stays 0 and Linux keeps acpi_rsdp_addr.
///
/// `more` takes what the page has no room for, in memory that the kernel can reach, and brings the setup_data chain
/// that shall be passed on: its head becomes hdr.setup_data. Without it a map of more than 128 ranges is refused.
///
/// Fails with an errc of the groups "placement and translation" and "setup_data"; zero_page means nothing then.
constexpr result<void> translate(const bzimage& kernel, const linux_handover& values, const memory_map& map,
                                 abi::boot_params& zero_page, setup_data_writer* more = nullptr) noexcept {
  const auto low = [](uint64_t v) { return static_cast<uint32_t>(v); };
  const auto high = [](uint64_t v) { return static_cast<uint32_t>(v >> 32); };
  const kernel_placement& place = values.placement;
  // The 32-bit entry came with 2.03, the 64-bit one with 2.12.
  if (kernel.protocol() < 0x0203) return {errc::protocol_too_old, kernel.protocol()};
  if (values.entry_64 && !kernel.has_entry_64()) return {errc::protocol_too_old, kernel.protocol()};
  const bool above_4g = values.entry_64 && kernel.can_be_loaded_above_4g();
  const uint64_t highest = above_4g ? ~uint64_t{} : 0xffffffff;
  if (place.load > highest) return {errc::kernel_too_high, place.load};
  if (values.cmdline_paddr != 0) {
    if (values.cmdline_size > kernel.cmdline_size()) return {errc::cmdline_too_long, kernel.cmdline_size()};
    if (values.cmdline_paddr > highest || values.cmdline_size > highest - values.cmdline_paddr)
      return {errc::cmdline_too_high, values.cmdline_paddr};
    if (place.overlaps(values.cmdline_paddr, values.cmdline_size + 1))
      return {errc::overlaps_kernel, values.cmdline_paddr};
  }
  if (values.initrd_size != 0) {
    if (values.initrd_paddr == 0) return {errc::initrd_absent, values.initrd_size};
    const memory_range initrd{values.initrd_paddr, values.initrd_size, {}};
    const uint64_t limit = above_4g ? highest : kernel.initrd_addr_max();
    if (initrd.wraps() || initrd.last() > limit) return {errc::initrd_too_high, initrd.last()};
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
  if (auto done = set_loader(hdr, values.loader, values.loader_version); !done) return done;
  // Heap and segments matter to the 16-bit entry only; KASLR's flag is the decompressor's.
  hdr.loadflags = loadflags::loaded_high;
  hdr.vid_mode = 0xffff;
  if (place.load <= 0xffffffff) hdr.code32_start = low(place.load);
  if (kernel.relocatable()) hdr.kernel_alignment = place.kernel_alignment;
  // Also where there is none of it: what the file has in these fields points nowhere.
  const uint64_t initrd_paddr = values.initrd_size != 0 ? values.initrd_paddr : 0;
  hdr.cmd_line_ptr = low(values.cmdline_paddr);
  zero_page.ext_cmd_line_ptr = high(values.cmdline_paddr);
  hdr.ramdisk_image = low(initrd_paddr);
  hdr.ramdisk_size = low(values.initrd_size);
  zero_page.ext_ramdisk_image = high(initrd_paddr);
  zero_page.ext_ramdisk_size = high(values.initrd_size);
  hdr.setup_data = 0;
  zero_page.acpi_rsdp_addr = values.rsdp_paddr;
  if (auto done = write_e820(map, zero_page, more); !done) return done;
  if (!more || more->head() == 0) return {};
  if (!kernel.accepts(setup_type::e820_ext)) return {errc::setup_data_unsupported, kernel.protocol()};
  hdr.setup_data = more->head();
  return {};
}

/// Role kernel, strict: the zero page of a kernel that was entered by PVH itself, with nothing lost. `map` is what
/// prepare_for_linux made of boot.memory_map(), or of the hypervisor's map where the hand-over has none. Module 0 is
/// the initrd. Version and loader type are those of Linux's own PVH entry: 2.12, and 0x90 on Xen or else 0xb0.
/// Addresses and sizes above 4 GiB go to the ext_ fields, ranges beyond 128 to `more`. Fails as write_e820 does.
template <physical_memory Memory>
[[gnu::always_inline]] constexpr result<void> translate(const boot_info<Memory>& boot, const memory_map& map,
                                                        bool on_xen, abi::boot_params& zero_page,
                                                        setup_data_writer* more = nullptr) noexcept {
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
  if (auto done = write_e820(map, zero_page, more); !done) return done;
  if (more) zero_page.hdr.setup_data = more->head();
  return {};
}

/// Role kernel, as Linux 6.1 does it: the same bytes, for comparison and for those who rely on them. The map goes over
/// one to one, unsorted; the ISA hole is appended whether or not it is covered, if there are fewer than 127 entries;
/// high halves of addresses are lost; the RSDP is kept elsewhere. `table` is boot.memory_map(), or Xen's.
///
/// Fails with e820_full above 128 entries: there Linux writes beyond its table, and 256 count as none.
template <physical_memory Memory, class Table>
constexpr result<void> translate_as_linux(const boot_info<Memory>& boot, const Table& table, bool on_xen,
                                          abi::boot_params& zero_page) noexcept {
  if (table.size() > abi::e820_max_entries_zeropage) return {errc::e820_full, table.size()};
  clear(zero_page);
  uint8_t n = 0;
  for (const memory_range r : table)
    zero_page.e820_table[n++] = {.addr = r.addr, .size = r.size, .type = static_cast<uint32_t>(r.type)};
  if (n < abi::e820_max_entries_zeropage - 1)
    zero_page.e820_table[n++] = {
        .addr = isa_hole.addr, .size = isa_hole.size, .type = static_cast<uint32_t>(isa_hole.type)};
  zero_page.e820_entries = n;
  zero_page.hdr.cmd_line_ptr = static_cast<uint32_t>(boot.wire().cmdline_paddr.get());
  if (!boot.modules().empty()) {
    const boot_module initrd = boot.modules()[0];
    zero_page.hdr.ramdisk_image = static_cast<uint32_t>(initrd.paddr);
    zero_page.hdr.ramdisk_size = static_cast<uint32_t>(initrd.size);
  }
  zero_page.hdr.version = 0x020c;
  zero_page.hdr.type_of_loader = on_xen ? 0x90 : 0xb0;
  return {};
}

}  // namespace pvhboot
