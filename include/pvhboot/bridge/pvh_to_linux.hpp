// SPDX-License-Identifier: BSL-1.0
//
// A PVH handoff → Linux's zero page, in the two roles it is done in.
//
// - A boot loader that was entered by PVH and starts a bzImage: linux/boot_loader.hpp has the steps and `translate`;
//   the memory map and the RSDP come from the handoff.
// - A kernel that was entered by PVH and fills a zero page for itself, as Linux does in
//   arch/x86/platform/pvh/enlighten.c: the two functions here.
//
// Neither writes a count, an address or a string that does not fit its field. The way back: linux/zero_page.hpp.
//
//     if (auto done = map.append(boot->memory_map()); !done) return done.error();
//     if (auto done = prepare_for_linux(map); !done) return done.error();
//     auto done = translate(*boot, map, pvhboot::started_by::other, zero_page, &nodes);
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/linux/boot_loader.hpp>
#include <pvhboot/pvh/parse.hpp>

namespace pvhboot {

/// Who started the kernel, as Linux's own PVH entry records it: the value of type_of_loader.
enum class started_by : uint8_t {
  xen = 0x90,    ///< Xen's CPUID leaves are there
  other = 0xb0,  ///< anything else; the number is QEMU's
};

/// Role kernel, strict: the zero page of a kernel that was entered by PVH itself, with nothing lost. `map` is what
/// prepare_for_linux made of boot.memory_map(), or of the hypervisor's map where the handoff has none. Module 0 is
/// the initrd. Version and loader type are those of Linux's own PVH entry: 2.12, and 0x90 on Xen or else 0xb0.
/// Addresses and sizes above 4 GiB go to the ext_ fields, ranges beyond 128 to `nodes`. Fails as write_e820 does.
template <physical_memory Memory>
[[gnu::__always_inline__]] constexpr result<void> translate(const boot_info<Memory>& boot, const memory_map& map,
                                                            started_by host, abi::boot_params& zero_page,
                                                            setup_data_writer* nodes = nullptr) noexcept {
  clear(zero_page);
  zero_page.hdr.version = 0x020c;
  zero_page.hdr.type_of_loader = static_cast<uint8_t>(host);
  zero_page.acpi_rsdp_addr = boot.rsdp_paddr();
  set_halves(zero_page.hdr.cmd_line_ptr, zero_page.ext_cmd_line_ptr, boot.wire().cmdline_paddr);
  if (!boot.modules().empty()) {
    const boot_module initrd = boot.modules()[0];
    set_halves(zero_page.hdr.ramdisk_image, zero_page.ext_ramdisk_image, initrd.paddr);
    set_halves(zero_page.hdr.ramdisk_size, zero_page.ext_ramdisk_size, initrd.size);
  }
  if (auto done = write_e820(map, zero_page, nodes); !done) return done;
  if (nodes) zero_page.hdr.setup_data = nodes->head();
  return {};
}

/// Role kernel, as Linux 6.1 does it: the same bytes, for comparison and for those who rely on them. The map goes over
/// one to one, unsorted; the ISA hole is appended whether or not it is covered, if there are fewer than 127 entries;
/// high halves of addresses are lost; the RSDP is kept elsewhere. `table` is boot.memory_map(), or Xen's.
///
/// Fails with e820_full above 128 entries: there Linux writes beyond its table, and 256 count as none.
template <physical_memory Memory, class Table>
constexpr result<void> translate_as_linux(const boot_info<Memory>& boot, const Table& table, started_by host,
                                          abi::boot_params& zero_page) noexcept(walks_noexcept<Table>) {
  if (table.size() > abi::e820_max_entries_zeropage) return {errc::e820_full, table.size()};
  clear(zero_page);
  abi::boot_e820_entry* to = zero_page.e820_table.begin();
  for_each_range(table, [&](const memory_range& r) noexcept { *to++ = to_e820(r); });
  if (table.size() < abi::e820_max_entries_zeropage - 1) *to++ = to_e820(isa_hole);
  zero_page.e820_entries = static_cast<uint8_t>(to - zero_page.e820_table.begin());
  zero_page.hdr.cmd_line_ptr = static_cast<uint32_t>(boot.wire().cmdline_paddr.get());
  if (!boot.modules().empty()) {
    const boot_module initrd = boot.modules()[0];
    zero_page.hdr.ramdisk_image = static_cast<uint32_t>(initrd.paddr);
    zero_page.hdr.ramdisk_size = static_cast<uint32_t>(initrd.size);
  }
  zero_page.hdr.version = 0x020c;
  zero_page.hdr.type_of_loader = static_cast<uint8_t>(host);
  return {};
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
