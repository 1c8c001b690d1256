// SPDX-License-Identifier: BSL-1.0
//
// Captured handoffs: parsed, linted, sanitised and translated, and compared with the zero pages of Linux and GRUB.
#include "../unit/row.hpp"
#include "captured.hpp"

namespace {

using namespace test;
using captured::memory;
using pvhboot::memory_map_state;
using pvhboot::oddity;
namespace abi = pvhboot::abi;

using buffer = pvhboot::memory_map_buffer<64>;
constexpr uint64_t mib = 1 << 20;

/// The map that a consumer gets, from the table or from the hypercall.
template <class Table> constexpr bool receive(pvhboot::memory_map& map, const Table& table) {
  return map.append(table) && map.sanitize();
}

constexpr bool same(const pvhboot::memory_map& a, const pvhboot::memory_map& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!(a[i] == b[i])) return false;
  return true;
}

constexpr bool same(const abi::boot_params& a, const abi::boot_params& b) {
  using bytes = pvhboot::array<uint8_t, sizeof(abi::boot_params)>;
  const auto x = __builtin_bit_cast(bytes, a);
  const auto y = __builtin_bit_cast(bytes, b);
  for (size_t i = 0; i < x.size(); ++i)
    if (x[i] != y[i]) return false;
  return true;
}

/// The map and the RSDP, which a handoff and its zero pages have in common.
constexpr bool tell_the_same(const abi::boot_params& a, const abi::boot_params& b) {
  for (size_t i = 0; i < a.e820_entries; ++i)
    if (!(memory_range::from(a.e820_table[i]) == memory_range::from(b.e820_table[i]))) return false;
  return a.e820_entries == b.e820_entries && a.acpi_rsdp_addr == b.acpi_rsdp_addr;
}

constexpr bool append(pvhboot::memory_map& map, const abi::boot_params& page) {
  for (size_t i = 0; i < page.e820_entries; ++i)
    if (!map.append(memory_range::from(page.e820_table[i]))) return false;
  return true;
}

/// The oddities that lint finds, by row. RAM is not probed, since a capture contains only a part of it.
struct found_oddities {
  bool rows[sizeof pvhboot::oddity_numbers / sizeof pvhboot::oddity_numbers[0] + 1]{};
};
template <class Boot> constexpr found_oddities oddities(const memory& captured_memory, const Boot& boot) {
  found_oddities found{};
  buffer lint_buffer{};
  pvhboot::memory_map scratch{lint_buffer};
  const auto add = [&](pvhboot::finding f) { found.rows[row_of(f.what)] = true; };
  if (!lint(captured_memory, boot, scratch, add, {.probe_ram = false})) return {};
  found.rows[row_of(oddity{})] = true;  // lint succeeded
  return found;
}
constexpr bool has(const found_oddities& found, oddity what) {
  return found.rows[row_of(oddity{})] && found.rows[row_of(what)];
}

/// The properties that QEMU's handoffs have in common, and the zero pages of Linux and chainload.
template <size_t Linux, size_t Chainload>
constexpr int replay_qemu(const memory& from, const captured::page_row (&by_linux)[Linux],
                          const captured::page_row (&by_chainload)[Chainload]) {
  const auto boot = pvhboot::parse(from, from.start_info());
  EXPECT(boot && boot->version() == 1 && boot->flags() == 0);
  EXPECT(boot->cmdline() == pvhboot::string_ref{"console=ttyS0 panic=-1 dump"});
  EXPECT(boot->modules().size() == 1 && boot->rsdp_paddr() != 0 && boot->memory_map_state() == memory_map_state::table);
  const auto odd = oddities(from, *boot);
  EXPECT(!has(odd, oddity::rsdp_damaged) && !has(odd, oddity::rsdp_unreadable) && !has(odd, oddity::entry_overlaps));

  buffer ours_buffer{};
  pvhboot::memory_map ours{ours_buffer};
  EXPECT(receive(ours, boot->memory_map()) && prepare_for_linux(ours));
  EXPECT(total_ram(ours) > 255 * mib && total_ram(ours) < 256 * mib);

  // chainload's zero page has this table and the RSDP.
  const abi::boot_params chained = captured::zero_page(by_chainload);
  abi::boot_params page{};
  EXPECT(translate(*boot, ours, pvhboot::started_by::other, page) && tell_the_same(page, chained));
  EXPECT(chained.acpi_rsdp_addr != 0 && chained.hdr.type_of_loader == 0xff && chained.sentinel == 0);

  // From this handoff Linux made this zero page. Sanitised, its table equals our map.
  const abi::boot_params linux = captured::zero_page(by_linux);
  EXPECT(translate_as_linux(*boot, boot->memory_map(), pvhboot::started_by::other, page) && same(page, linux));
  buffer linux_buffer{};
  pvhboot::memory_map linux_map{linux_buffer};
  EXPECT(append(linux_map, linux) && linux_map.sanitize());
  EXPECT(ours.append(pvhboot::isa_hole) && ours.sanitize() && same(linux_map, ours));
  return 0;
}

ROW("QEMU q35: nine entries, the map inside the memory that it gives away", {
  EXPECT(replay_qemu({captured::qemu_q35}, captured::qemu_q35_linux, captured::qemu_q35_chainload) == 0);
  const auto boot = pvhboot::parse(memory{captured::qemu_q35}, captured::qemu_q35[0].paddr);
  EXPECT(boot->memory_map().size() == 9 && boot->memory_map()[0].contains(boot->wire().memmap_paddr, 9 * 24));
});
ROW("QEMU pc",
    { EXPECT(replay_qemu({captured::qemu_pc}, captured::qemu_pc_linux, captured::qemu_pc_chainload) == 0); });
ROW("QEMU microvm: the last entry is empty, and of type 0", {
  EXPECT(replay_qemu({captured::qemu_microvm}, captured::qemu_microvm_linux, captured::qemu_microvm_chainload) == 0);
  const memory from{captured::qemu_microvm};
  const auto boot = pvhboot::parse(from, from.start_info());
  const size_t n = boot->memory_map().size();
  EXPECT(boot->memory_map()[n - 1] == memory_range{} && has(oddities(from, *boot), oddity::entry_empty));
  // qboot builds its module list on the stack without clearing it.
  EXPECT(has(oddities(from, *boot), oddity::module_reserved_not_zero));
});

ROW("Xen dom0: version 0 on 4 bytes, one module, the map by hypercall", {
  const memory from{captured::xen_dom0};
  EXPECT(from.start_info() % 8 == 4 && captured::xen_dom0[0].size == abi::hvm_start_info_v0_size);
  const auto boot = pvhboot::parse(from, from.start_info());
  EXPECT(boot && boot->version() == 0 && boot->flags() == 3);
  EXPECT(boot->memory_map_state() == memory_map_state::absent_in_version_0 && boot->memory_map().empty());
  EXPECT(boot->cmdline() == pvhboot::string_ref{"first second dump"} && boot->modules().size() == 1);
  EXPECT(boot->modules()[0].size == 6 && boot->modules()[0].cmdline_paddr != 0);
  const auto odd = oddities(from, *boot);
  EXPECT(has(odd, oddity::start_info_misaligned) && has(odd, oddity::memmap_absent) && !has(odd, oddity::rsdp_damaged));

  // A buffer for one more entry: a full buffer means that entries may be missing.
  pvhboot::array<uint8_t, sizeof captured::xen_dom0_hypercall_map + sizeof(abi::boot_e820_entry)> filled{};
  for (size_t i = 0; i < sizeof captured::xen_dom0_hypercall_map; ++i) filled[i] = captured::xen_dom0_hypercall_map[i];
  constexpr uint32_t n = sizeof captured::xen_dom0_hypercall_map / sizeof(abi::boot_e820_entry);
  const auto table = pvhboot::read_xen_memory_map(0, n, filled);
  EXPECT(table && table->size() == 11);
  buffer b{};
  pvhboot::memory_map map{b};
  EXPECT(receive(map, *table) && map.size() == 11);
  // RAM ends inside a page, at the RSDP: dom0_mem less the rest of that page.
  EXPECT(total_ram(map) < 128 * mib && total_ram(map) > 128 * mib - 4096);
  EXPECT(covers(map, boot->rsdp_paddr(), 36, memory_type::acpi));
  bool unusable = false;  // the memory of the host that dom0 does not have
  for (const memory_range& r : map) unusable |= r.type == memory_type::unusable;
  EXPECT(unusable && prepare_for_linux(map) && map.size() == 11);
});

/// The properties of libxl's handoff, for any size of the domain.
constexpr int replay_libxl(const memory& from, uint64_t ram) {
  const auto boot = pvhboot::parse(from, from.start_info());
  EXPECT(boot && boot->version() == 1 && boot->flags() == 0 && from.start_info() % 4096 == 0);
  EXPECT(boot->rsdp_paddr() == 0xfc008000);
  const auto odd = oddities(from, *boot);
  EXPECT(has(odd, oddity::entry_unsorted) && has(odd, oddity::entry_unaligned) &&
         has(odd, oddity::entry_ram_in_isa_hole));
  EXPECT(!has(odd, oddity::rsdp_damaged) && !has(odd, oddity::rsdp_unreadable));
  buffer b{};
  pvhboot::memory_map map{b};
  EXPECT(receive(map, boot->memory_map()) && total_ram(map) == ram &&
         covers(map, boot->rsdp_paddr(), 36, memory_type::acpi));
  // libxl provides RAM in the ISA hole, but a Linux that assumes a PC must not use it.
  EXPECT(prepare_for_linux(map) && total_ram(map) == ram - pvhboot::isa_hole.size);
  EXPECT(covers(map, 0xa0000, 0x60000, memory_type::reserved));
  return 0;
}
ROW("Xen domU: unsorted, ends inside pages, RAM in the ISA hole",
    { EXPECT(replay_libxl({captured::xen_domu}, 256 * mib) == 0); });
ROW("Xen domU with RAM above 4 GiB", {
  EXPECT(replay_libxl({captured::xen_domu_above_4g}, 4352 * mib) == 0);
  const memory from{captured::xen_domu_above_4g};
  const auto boot = pvhboot::parse(from, from.start_info());
  EXPECT(boot->memory_map()[boot->memory_map().size() - 1] == range(0x100000000, 4352 * mib - 0xfc000000, 1));
});

constexpr abi::boot_params by_linux = captured::zero_page(captured::xen_domu_linux);
constexpr abi::boot_params by_chainload = captured::zero_page(captured::xen_domu_chainload);
constexpr abi::boot_params by_grub = captured::zero_page(captured::xen_domu_grub);

ROW("Xen domU: the zero page that Linux makes of the same map", {
  const memory from{captured::xen_domu};
  const auto boot = pvhboot::parse(from, from.start_info());
  buffer b{};
  pvhboot::memory_map map{b};
  EXPECT(receive(map, boot->memory_map()) && prepare_for_linux(map));
  abi::boot_params page{};
  EXPECT(translate_as_linux(*boot, boot->memory_map(), pvhboot::started_by::xen, page));
  // Linux is larger than the kernel that dumped the handoff, so its own handoff lies higher.
  page.hdr.cmd_line_ptr = by_linux.hdr.cmd_line_ptr;
  page.hdr.ramdisk_image = by_linux.hdr.ramdisk_image;
  EXPECT(same(page, by_linux));
  buffer linux_buffer{};
  pvhboot::memory_map linux_map{linux_buffer};
  EXPECT(append(linux_map, by_linux) && linux_map.sanitize() && same(linux_map, map));
});
ROW("Xen domU: the zero page that chainload made of the same map", {
  const memory from{captured::xen_domu};
  const auto boot = pvhboot::parse(from, from.start_info());
  buffer b{};
  pvhboot::memory_map map{b};
  EXPECT(receive(map, boot->memory_map()) && prepare_for_linux(map));
  abi::boot_params page{};
  EXPECT(translate(*boot, map, pvhboot::started_by::xen, page) && tell_the_same(page, by_chainload));
  EXPECT(by_chainload.acpi_rsdp_addr == 0xfc008000 && by_chainload.hdr.type_of_loader == 0xff);
});
ROW("Xen domU: GRUB's zero page has the same RSDP and, in whole pages, the same map", {
  EXPECT(by_grub.acpi_rsdp_addr == by_chainload.acpi_rsdp_addr && by_grub.hdr.type_of_loader == 0x72);
  buffer grub_buffer{};
  pvhboot::memory_map grub{grub_buffer};
  EXPECT(append(grub, by_grub) && grub.is_sanitized() && grub.append(pvhboot::isa_hole) && grub.sanitize());
  buffer ours_buffer{};
  pvhboot::memory_map ours{ours_buffer};
  for (size_t i = 0; i < by_chainload.e820_entries; ++i) {
    memory_range r = memory_range::from(by_chainload.e820_table[i]);
    r.size = (r.size + 4095) / 4096 * 4096;  // each begins on a page
    EXPECT(r.addr % 4096 == 0 && ours.append(r));
  }
  EXPECT(ours.sanitize() && same(grub, ours));
});

}  // namespace
