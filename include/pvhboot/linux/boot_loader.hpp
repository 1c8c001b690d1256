// SPDX-License-Identifier: BSL-1.0
//
// What a boot loader does to start Linux, from the kernel file to the zero page. Source: boot.rst, zero-page.rst.
//
// 1. parse_bzimage checks the kernel file; prepare_for_linux makes the memory map that Linux receives.
// 2. The loader takes out of a copy of that map everything that is in use: the structures it was given, its own code.
// 3. place_kernel and place_initrd choose places in what is left; the loader chooses those of command line, zero page
//    and setup_data nodes. All of it goes into a linux_layout.
// 4. The loader copies initrd and command line to their places.
// 5. translate checks the whole layout and writes the zero page.
// 6. The loader copies the kernel's code() to load_paddr and enters it there with %esi = zero page (32-bit entry), or
//    at load_paddr + 0x200 in long mode with %rsi (64-bit entry).
//
// The decompressor reads the zero page, the setup_data chain and the command line, and unpacks the kernel to
// runtime_start; Linux copies the zero page and 2048 bytes of command line, and reads the initrd last.
//
//     const pvhboot::linux_layout layout{.kernel = *place_kernel(*kernel, free_ram),
//                                        .zero_page_paddr = 0x90000,
//                                        .rsdp_paddr = boot->rsdp_paddr()};
//     if (auto done = translate(*kernel, layout, map, zero_page, &nodes); !done) return done.error();
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/linux/placement.hpp>
#include <pvhboot/linux/zero_page.hpp>

namespace pvhboot {

/// Everything a boot loader placed and chose for one boot of Linux.
struct linux_layout {
  kernel_placement kernel{};     ///< of place_kernel
  bool entry_64 = false;         ///< entered at +0x200 in long mode, where addresses above 4 GiB may be allowed
  uint64_t zero_page_paddr = 0;  ///< page aligned
  uint64_t cmdline_paddr = 0;    ///< 0: none. Linux reads up to 2048 bytes from here, whatever the length
  uint64_t cmdline_size = 0;     ///< bytes before the NUL
  uint64_t initrd_paddr = 0;     ///< page aligned
  uint64_t initrd_size = 0;      ///< bytes; 0: none
  uint64_t rsdp_paddr = 0;       ///< 0: not given
  /// What else must survive until Linux runs: the loader's last instructions and GDT, page tables, setup_data nodes of
  /// a chain that came with the loader's own handoff. Their types do not matter.
  span<const memory_range> keep{};
  uint16_t loader = 0xf;          ///< loader_id, or an extended number from 0x10 on; 0xf: none assigned
  uint16_t loader_version = 0xf;  ///< the loader's own number, up to 15 for a number below 0x10
};

/// Checks a layout: both ranges of the kernel and every other piece lie in RAM, within reach of the entry and aligned,
/// and no two of them overlap. `map` is what prepare_for_linux made, `nodes` the writer of the setup_data chain, whose
/// whole storage counts as a piece. Quadratic in the number of pieces to keep.
///
/// Fails with
/// - protocol_too_old (the 32-bit entry came with 2.03), no_entry_64;
/// - kernel_too_high, bad_kernel_alignment, bad_load_address, bad_runtime_start, kernel_range_too_small,
///   kernel_not_in_ram for the kernel itself;
/// - cmdline_too_long, cmdline_absent, initrd_absent, initrd_too_high, zero_page_absent;
/// - too_high, misaligned, not_in_ram, overlaps_kernel and overlaps for every piece.
constexpr result<void> check_placement(const bzimage& kernel, const linux_layout& layout, const memory_map& map,
                                       const setup_data_writer* nodes = nullptr) noexcept {
  const kernel_placement& p = layout.kernel;
  if (kernel.protocol() < 0x0203) return {errc::protocol_too_old, kernel.protocol()};
  if (layout.entry_64 && !kernel.has_entry_64()) return {errc::no_entry_64, offsetof(abi::boot_params, hdr.xloadflags)};
  const bool above_4g = layout.entry_64 && kernel.can_be_loaded_above_4g();
  const uint64_t highest = above_4g ? ~uint64_t{} : 0xffffffff;

  const memory_range loaded{p.load_paddr, p.load_size, {}};
  const memory_range unpacked{p.runtime_start, p.runtime_size, {}};
  if (p.load_size < kernel.code().size()) return {errc::kernel_range_too_small, kernel.code().size()};
  if (p.runtime_size < kernel.init_size()) return {errc::kernel_range_too_small, kernel.init_size()};
  if (loaded.wraps() || loaded.last() > highest) return {errc::kernel_too_high, p.load_paddr};
  if (kernel.relocatable()) {
    const uint32_t a = p.kernel_alignment;
    if (!is_power_of_two(a) || a < kernel.min_alignment()) return {errc::bad_kernel_alignment, 0x230};
  } else if (p.load_paddr != 0x100000) {
    return {errc::bad_load_address, p.load_paddr};
  }
  if (const uint64_t runs_at = runtime_start_of(kernel, p.load_paddr, p.kernel_alignment); p.runtime_start != runs_at)
    return {errc::bad_runtime_start, runs_at};
  if (unpacked.wraps() || unpacked.last() > highest) return {errc::kernel_too_high, p.runtime_start};
  if (!covers(map, p.load_paddr, p.load_size, memory_type::ram)) return {errc::kernel_not_in_ram, p.load_paddr};
  if (!covers(map, p.runtime_start, p.runtime_size, memory_type::ram))
    return {errc::kernel_not_in_ram, p.runtime_start};

  if (layout.zero_page_paddr == 0) return {errc::zero_page_absent, 0};
  if (layout.cmdline_size > kernel.cmdline_size()) return {errc::cmdline_too_long, kernel.cmdline_size()};
  if (layout.cmdline_paddr == 0 && layout.cmdline_size != 0) return {errc::cmdline_absent, layout.cmdline_size};
  if (layout.initrd_paddr == 0 && layout.initrd_size != 0) return {errc::initrd_absent, layout.initrd_size};

  // The pieces that every layout may have, then those to keep.
  enum : size_t { zero_page, cmdline, initrd, storage, chain, fixed };
  memory_range pieces[fixed] = {{layout.zero_page_paddr, sizeof(abi::boot_params), {}},
                                {layout.cmdline_paddr, layout.cmdline_paddr != 0 ? layout.cmdline_size + 1 : 0, {}},
                                {layout.initrd_paddr, layout.initrd_size, {}}};
  if (nodes) {
    pieces[storage] = nodes->range();
    const uint64_t head = nodes->head();
    if (head != 0 && !pieces[storage].contains(head, 1)) pieces[chain] = {head, sizeof(abi::setup_data), {}};
  }
  const auto piece_at = [&](size_t i) noexcept -> const memory_range& {
    return i < fixed ? pieces[i] : layout.keep[i - fixed];
  };
  // Linux copies as much command line as it accepts, up to its own buffer of 2048 bytes.
  const uint64_t copied = kernel.cmdline_size() < 2047 ? uint64_t{kernel.cmdline_size()} + 1 : 2048;
  for (size_t i = 0; i < fixed + layout.keep.size(); ++i) {
    const memory_range& one = piece_at(i);
    if (one.size == 0) continue;
    const uint64_t limit = i >= fixed ? ~uint64_t{} : i == initrd && !above_4g ? kernel.initrd_addr_max() : highest;
    if (one.wraps() || one.last() > limit) return {i == initrd ? errc::initrd_too_high : errc::too_high, one.addr};
    if ((i == zero_page || i == initrd) && (one.addr & 0xfff) != 0) return {errc::misaligned, one.addr};
    const uint64_t read = i == cmdline && one.size < copied ? copied : one.size;
    if (!covers(map, one.addr, read, memory_type::ram)) return {errc::not_in_ram, one.addr};
    if (p.overlaps(one.addr, one.size)) return {errc::overlaps_kernel, one.addr};
    for (size_t j = 0; j < i; ++j)
      if (one.overlaps(piece_at(j))) return {errc::overlaps, one.addr};
  }
  return {};
}

/// type_of_loader and its extensions, from number and version (boot.rst, field type_of_loader). Fails with
/// loader_id_too_large (also for 0xe, which means "extended"), and loader_type_zero.
constexpr result<void> set_loader(abi::setup_header& hdr, uint16_t number, uint16_t version) noexcept {
  constexpr uint16_t extended = static_cast<uint16_t>(loader_id::extended);
  if (number == extended || number > 0x10f) return {errc::loader_id_too_large, number};
  if (version > 0xfff || (version > 0xf && hdr.version.get() < 0x0202)) return {errc::loader_id_too_large, version};
  if (number >= 0x10 && hdr.version.get() < 0x0202) return {errc::loader_id_too_large, number};
  const unsigned nibble = number < 0x10 ? number : extended;
  hdr.type_of_loader = static_cast<uint8_t>(nibble << 4 | (version & 0xf));
  if (hdr.type_of_loader == 0) return {errc::loader_type_zero, 0x210};
  if (hdr.version.get() < 0x0202) return {};
  hdr.ext_loader_type = static_cast<uint8_t>(number < 0x10 ? 0 : number - 0x10);
  hdr.ext_loader_ver = static_cast<uint8_t>(version >> 4);
  return {};
}

/// Role boot loader: the zero page for the entry of this kernel. `map` is what prepare_for_linux made. The page is
/// cleared, the header copied to its end and no further, so sentinel stays 0 and Linux keeps acpi_rsdp_addr.
///
/// `nodes` takes the ranges that the page has no room for, in memory that the kernel can reach, and carries an existing
/// setup_data chain: its head becomes hdr.setup_data. Without it a map of more than 128 ranges is refused.
///
/// Fails as check_placement, set_loader and write_e820 do, and with setup_data_unsupported.
/// Page and writer are then as they were.
constexpr result<void> translate(const bzimage& kernel, const linux_layout& layout, const memory_map& map,
                                 abi::boot_params& zero_page, setup_data_writer* nodes = nullptr) noexcept {
  if (map.size() < 2) return {errc::e820_too_few, map.size()};
  if (!map.known_sanitized() || map[map.size() - 1].last() == ~uint64_t{}) return {errc::map_not_prepared, map.size()};
  if (auto done = check_placement(kernel, layout, map, nodes); !done) return done;
  const bool spills = map.size() > abi::e820_max_entries_zeropage;
  if (spills && nodes && !kernel.accepts(setup_type::e820_ext))
    return {errc::setup_data_unsupported, kernel.protocol()};
  if (nodes && nodes->head() != 0 && kernel.protocol() < 0x0209)
    return {errc::setup_data_unsupported, kernel.protocol()};

  // The header may be longer than the struct that this version of the library knows, and goes on in the hole after it.
  const span<const uint8_t> header = kernel.header_bytes();
  array<uint8_t, sizeof(abi::setup_header)> known{};
  for (size_t i = 0; i < known.size() && i < header.size(); ++i) known[i] = header[i];
  auto hdr = __builtin_bit_cast(abi::setup_header, known);
  if (auto done = set_loader(hdr, layout.loader, layout.loader_version); !done) return done;
  if (spills) {
    if (!nodes) return {errc::e820_full, map.size()};
    const uint64_t payload = uint64_t{map.size() - abi::e820_max_entries_zeropage} * sizeof(abi::boot_e820_entry);
    if (!nodes->has_room(payload)) return {errc::setup_data_full, payload};
  }
  // Nothing fails from here on.
  clear(zero_page);
  for (size_t i = known.size(); i < header.size(); ++i) zero_page._pad7[i - known.size()] = header[i];
  // Heap and segments matter to the 16-bit entry only; KASLR's flag is the decompressor's.
  hdr.loadflags = loadflags::loaded_high;
  hdr.vid_mode = 0xffff;
  if (layout.kernel.load_paddr <= 0xffffffff) hdr.code32_start = static_cast<uint32_t>(layout.kernel.load_paddr);
  if (kernel.relocatable()) hdr.kernel_alignment = layout.kernel.kernel_alignment;
  // Cleared even when absent: what the file has in these fields points nowhere.
  set_halves(hdr.cmd_line_ptr, zero_page.ext_cmd_line_ptr, layout.cmdline_paddr);
  set_halves(hdr.ramdisk_image, zero_page.ext_ramdisk_image, layout.initrd_size != 0 ? layout.initrd_paddr : 0);
  set_halves(hdr.ramdisk_size, zero_page.ext_ramdisk_size, layout.initrd_size);
  zero_page.acpi_rsdp_addr = layout.rsdp_paddr;
  auto done = write_e820(map, zero_page, nodes);
  hdr.setup_data = nodes ? nodes->head() : 0;
  zero_page.hdr = hdr;
  return done;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
