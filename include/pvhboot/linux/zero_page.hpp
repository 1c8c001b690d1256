// SPDX-License-Identifier: BSL-1.0
//
// The memory map of a zero page: make a map fit for Linux, write it, read it back together with command line, initrd
// and RSDP. Source: Documentation/arch/x86/zero-page.rst; arch/x86/kernel/e820.c and
// arch/x86/include/asm/bootparam_utils.h (Linux) for what the kernel makes of it.
//
//     if (auto done = prepare_for_linux(map); !done) return done.error();
//     if (auto done = write_e820(map, zero_page, &nodes); !done) return done.error();
//     const auto values = read_zero_page(memory, zero_page, map);             // the way back
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/boot_params.hpp>
#include <pvhboot/core/memory_map.hpp>
#include <pvhboot/linux/setup_data.hpp>

namespace pvhboot {

/// All zeroes, without a second page on the stack.
constexpr void clear(abi::boot_params& zero_page) noexcept {
  if (__builtin_is_constant_evaluated())
    zero_page = abi::boot_params{};
  else
    __builtin_memset(static_cast<void*>(&zero_page), 0, sizeof zero_page);
}

/// The bytes of a range of a sanitised map that Linux may be given. A range that reaches 2^64 loses its last page, or a
/// part of it: Linux leaves a whole table unsanitised in which addr + size is 0.
constexpr uint64_t e820_size(const memory_range& r) noexcept {
  return r.last() == ~uint64_t{} ? ~r.addr & ~uint64_t{0xfff} : r.size;
}

/// Makes a map that every Linux accepts as it is: sanitised, since KASLR walks the table without resolving overlaps; no
/// RAM in the ISA hole, which libxl declares; nothing in the last page below 2^64; and never fewer than two ranges,
/// since Linux before 7.0 ignores a map of one. Fails as memory_map::sanitize and insert do, and with no_ram; the map
/// then describes the same memory as before.
constexpr result<void> prepare_for_linux(memory_map& map) noexcept {
  if (auto done = map.sanitize(); !done) return done;
  bool has_ram = false;
  bool ram_in_hole = false;
  size_t kept = 0;
  for (const memory_range& r : map) {
    const memory_range given{r.addr, e820_size(r), r.type};
    if (given.size != 0) ++kept;
    if (given.size == 0 || !is_ram(r.type)) continue;
    if (!isa_hole.contains(given.addr, given.size)) has_ram = true;
    if (given.overlaps(isa_hole)) ram_in_hole = true;
  }
  if (!has_ram) return {errc::no_ram, map.size()};
  if (ram_in_hole || kept < 2)
    if (auto done = map.insert(isa_hole); !done) return done;
  // Only the last range can reach 2^64.
  map.cut_last(e820_size(map[map.size() - 1]));
  return {};
}

/// Bytes of setup_data storage that write_e820 needs for the ranges beyond the zero page's 128. 0 if there are none.
constexpr uint64_t e820_ext_size(const memory_map& map) noexcept {
  constexpr size_t slots = abi::e820_max_entries_zeropage;
  if (map.size() <= slots) return 0;
  return setup_data_writer::size_of(uint64_t{map.size() - slots} * sizeof(abi::boot_e820_entry));
}

/// A number of 64 bits into a field of the header and the field that extends it (ext_…).
[[gnu::__always_inline__]] constexpr void set_halves(le32& low, le32& high, uint64_t value) noexcept {
  low = static_cast<uint32_t>(value);
  high = static_cast<uint32_t>(value >> 32);
}

/// A range as an entry of the table, as it is.
constexpr abi::boot_e820_entry to_e820(const memory_range& r) noexcept {
  return {.addr = r.addr, .size = r.size, .type = r.type};
}

/// Writes the ranges to `to`, one entry each.
[[gnu::__noinline__]] constexpr void store_e820(span<const memory_range> ranges, uint8_t* to) noexcept {
  for (const memory_range& r : ranges) {
    store(to, to_e820(r));
    to += sizeof(abi::boot_e820_entry);
  }
}

/// Writes a map that prepare_for_linux made into e820_table, and what does not fit there into a SETUP_E820_EXT node, if
/// there is a writer for it. A sorted map has its low memory in the table, the only place KASLR reads. Sets no field
/// but e820_table and e820_entries.
///
/// Fails with map_not_prepared (not sanitised since a range was appended, or a range reaches 2^64), e820_too_few,
/// e820_full and setup_data_full, and then writes nothing.
[[gnu::__always_inline__]] constexpr result<void> write_e820(const memory_map& map, abi::boot_params& zero_page,
                                                             setup_data_writer* nodes = nullptr) noexcept {
  constexpr size_t slots = abi::e820_max_entries_zeropage;
  const span<const memory_range> all{map.data(), map.size()};
  if (all.size() < 2) return {errc::e820_too_few, all.size()};
  const memory_range& top = all[all.size() - 1];
  if (!map.known_sanitized() || top.addr + top.size == 0) return {errc::map_not_prepared, all.size()};
  if (all.size() > slots) {
    if (!nodes) return {errc::e820_full, all.size()};
    auto node = nodes->reserve(setup_type::e820_ext, uint64_t{all.size() - slots} * sizeof(abi::boot_e820_entry));
    if (!node) return node.error();
    store_e820(all.after(slots), node->begin());
  }
  if (__builtin_is_constant_evaluated()) {
    array<uint8_t, sizeof zero_page.e820_table> raw{};
    store_e820(all.first(slots), raw.begin());
    zero_page.e820_table = __builtin_bit_cast(decltype(zero_page.e820_table), raw);
  } else {
    store_e820(all.first(slots), reinterpret_cast<uint8_t*>(&zero_page.e820_table));
  }
  zero_page.e820_entries = static_cast<uint8_t>(all.first(slots).size());
  return {};
}

/// What a zero page holds beside its memory map.
struct zero_page_values {
  uint64_t cmdline_paddr = 0;  ///< 0: none
  uint64_t initrd_paddr = 0;   ///< physical address of the initrd
  uint64_t initrd_size = 0;    ///< bytes; 0: none
  uint64_t rsdp_paddr = 0;     ///< 0: not given
};

/// Reads a zero page as Linux does: the values, and into `map` all of its memory map as it stands, the SETUP_E820_EXT
/// nodes included. If the sentinel is not 0, the fields that Linux clears count as 0 (sanitize_boot_params: ext_*,
/// acpi_rsdp_addr). If type_of_loader is 0, there is no initrd, because Linux ignores it.
///
/// The page may lie in memory that changes meanwhile: each field is read once. Fails with e820_bad_count, map_full, and
/// as walk_setup_data does; `node_limit` ends a chain that loops. The map then has the ranges that it had.
template <physical_memory Memory>
constexpr result<zero_page_values> read_zero_page(const Memory& memory, const abi::boot_params& zero_page,
                                                  memory_map& map,
                                                  uint32_t node_limit = 64) noexcept(reads_noexcept<Memory>) {
  const abi::setup_header& hdr = zero_page.hdr;
  const size_t known = map.size();
  const auto failed = [&](const failure& why) noexcept {
    map.truncate(known);
    return why;
  };
  const bool kept = zero_page.sentinel == 0;
  const auto whole = [&](uint32_t low, uint32_t high) noexcept { return uint64_t{kept ? high : 0} << 32 | low; };
  const size_t entries = read_once(&zero_page.e820_entries);
  if (entries > abi::e820_max_entries_zeropage) return {errc::e820_bad_count, entries};
  for (size_t i = 0; i < entries; ++i)
    if (auto done = map.append(memory_range::from(zero_page.e820_table[i])); !done) return failed(done.error());
  const auto append_ext = [&](const setup_node& node) noexcept -> result<void> {
    if (node.type != setup_type::e820_ext) return {};
    return map.append(wire_table<abi::boot_e820_entry, memory_range>{
        node.payload.data(), node.payload.size() / sizeof(abi::boot_e820_entry)});
  };
  if (auto done = walk_setup_data(memory, hdr.setup_data, node_limit, append_ext); !done) return failed(done.error());
  zero_page_values values{.cmdline_paddr = whole(hdr.cmd_line_ptr, zero_page.ext_cmd_line_ptr),
                          .rsdp_paddr = kept ? zero_page.acpi_rsdp_addr.get() : 0};
  const uint64_t image = whole(hdr.ramdisk_image, zero_page.ext_ramdisk_image);
  const uint64_t size = whole(hdr.ramdisk_size, zero_page.ext_ramdisk_size);
  if (image != 0 && size != 0 && hdr.type_of_loader != 0) {
    values.initrd_paddr = image;
    values.initrd_size = size;
  }
  return values;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
