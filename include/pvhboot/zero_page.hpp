// SPDX-License-Identifier: BSL-1.0
//
// The parts of a zero page that both directions need: its e820 map into the page and out of it, command line, initrd
// and RSDP out of it. Source: Documentation/arch/x86/zero-page.rst; arch/x86/kernel/e820.c and
// arch/x86/include/asm/bootparam_utils.h (Linux) for what the kernel makes of it.
#pragma once

#include <pvhboot/abi/boot_params.hpp>
#include <pvhboot/memory_map.hpp>
#include <pvhboot/parse.hpp>
#include <pvhboot/setup_data_chain.hpp>

namespace pvhboot {

/// All zeroes, without a second page on the stack.
constexpr void clear(abi::boot_params& zero_page) noexcept {
  if (__builtin_is_constant_evaluated())
    zero_page = abi::boot_params{};
  else
    __builtin_memset(static_cast<void*>(&zero_page), 0, sizeof zero_page);
}

/// Ranges as table entries, but for those that are empty, to `to`; returns where the next would go. One that reaches
/// 2^64 ends a page or less below it, and is empty if nothing is left: Linux leaves a whole table unsanitised in which
/// addr + size is 0.
constexpr uint8_t* store_e820(span<const memory_range> ranges, uint8_t* to) noexcept {
  for (const memory_range& r : ranges) {
    abi::boot_e820_entry entry{.addr = r.addr, .size = r.size, .type = static_cast<uint32_t>(r.type)};
    if (r.size - 1 >= ~r.addr) {  // empty, or reaches 2^64: hardly any do
      entry.size = r.size != 0 ? ~r.addr & ~uint64_t{0xfff} : 0;
      if (entry.size == 0) continue;
    }
    store(to, entry);
    to += sizeof entry;
  }
  return to;
}

/// The map into e820_table; what does not fit there into a SETUP_E820_EXT node, if there is a writer for it. A sorted
/// map has its low memory in the table, where KASLR looks, which does not read the node. Sets no field but e820_table
/// and e820_entries. Fails with e820_full and setup_data_full, and then writes nothing.
[[gnu::always_inline]] constexpr result<void> write_e820(const memory_map& map, abi::boot_params& zero_page,
                                                         setup_data_writer* more = nullptr) noexcept {
  constexpr size_t slots = abi::e820_max_entries_zeropage;
  const span<const memory_range> all{map.data(), map.size()};
  if (map.size() > slots) {
    if (!more) return {errc::e820_full, map.size()};
    auto node = more->reserve(setup_type::e820_ext, uint64_t{map.size() - slots} * sizeof(abi::boot_e820_entry));
    if (!node) return node.error();
    for (uint8_t* rest = store_e820(all.after(slots), node->begin()); rest != node->end(); ++rest) *rest = 0;
  }
  size_t used = 0;
  if (__builtin_is_constant_evaluated()) {
    array<uint8_t, sizeof zero_page.e820_table> raw{};
    used = static_cast<size_t>(store_e820(all.first(slots), raw.begin()) - raw.begin());
    zero_page.e820_table = __builtin_bit_cast(decltype(zero_page.e820_table), raw);
  } else {
    auto* table = reinterpret_cast<uint8_t*>(&zero_page.e820_table);
    used = static_cast<size_t>(store_e820(all.first(slots), table) - table);
  }
  zero_page.e820_entries = static_cast<uint8_t>(used / sizeof(abi::boot_e820_entry));
  return {};
}

/// What a zero page says beside its memory map.
struct zero_page_values {
  uint64_t cmdline_paddr = 0;  ///< 0: none
  boot_module initrd{};        ///< of size 0: none
  uint64_t rsdp_paddr = 0;     ///< 0: not given
};

/// Reads a zero page that somebody else made: the values, and into `map` all of its memory map as it stands, the
/// SETUP_E820_EXT nodes included. If the sentinel is not 0, the fields that Linux would clear count as 0
/// (sanitize_boot_params: ext_*, acpi_rsdp_addr).
///
/// Fails with e820_bad_count, map_full, and as walk_setup_data does; `node_limit` ends a chain that loops.
template <physical_memory Memory>
constexpr result<zero_page_values> read_zero_page(const Memory& memory, const abi::boot_params& zero_page,
                                                  memory_map& map, uint32_t node_limit = 64) noexcept {
  const abi::setup_header& hdr = zero_page.hdr;
  const bool kept = zero_page.sentinel == 0;
  const auto whole = [&](uint32_t low, uint32_t high) { return uint64_t{kept ? high : 0} << 32 | low; };
  if (zero_page.e820_entries > abi::e820_max_entries_zeropage) return {errc::e820_bad_count, zero_page.e820_entries};
  for (size_t i = 0; i < zero_page.e820_entries; ++i)
    if (auto done = map.append(memory_range::from(zero_page.e820_table[i])); !done) return done.error();
  const auto append_ext = [&](const setup_node& node) -> result<void> {
    if (node.type != setup_type::e820_ext) return {};
    return map.append(wire_table<abi::boot_e820_entry, memory_range>{
        node.payload.data(), node.payload.size() / sizeof(abi::boot_e820_entry)});
  };
  if (auto done = walk_setup_data(memory, hdr.setup_data, node_limit, append_ext); !done) return done.error();
  zero_page_values values{.cmdline_paddr = whole(hdr.cmd_line_ptr, zero_page.ext_cmd_line_ptr),
                          .rsdp_paddr = kept ? zero_page.acpi_rsdp_addr.get() : 0};
  const uint64_t image = whole(hdr.ramdisk_image, zero_page.ext_ramdisk_image);
  const uint64_t size = whole(hdr.ramdisk_size, zero_page.ext_ramdisk_size);
  if (image != 0 && size != 0) values.initrd = {.paddr = image, .size = size};
  return values;
}

}  // namespace pvhboot
