// SPDX-License-Identifier: BSL-1.0
//
// A zero page → a PVH handoff: for a VMM that made a zero page and enters a kernel through PVH, and for a boot loader
// that was entered by Linux's protocol and starts a PVH kernel. Source: zero-page.rst, start_info.h. The other
// direction: pvh_to_linux.hpp.
//
//     pvhboot::handoff_module initrd;
//     const auto print_loss = [](pvhboot::linux_loss l) { warn(name(l.what), l.where); };
//     const auto h = linux_to_pvh(memory, zero_page, map, initrd, print_loss);
//     if (!h) return h.error();
//     if (auto done = write(*h, guest, paddr); !done) return done.error();
//
// The handoff has the command line, the initrd, the RSDP and the memory map, unsorted if the zero page has it so (see
// sort_memmap). It has no field for anything else in a zero page: each item that is not 0 is reported as a loss.
//
// Fails with e820_bad_count, map_full, and as walk_setup_data and read_string do.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/message.hpp>
#include <pvhboot/linux/zero_page.hpp>
#include <pvhboot/pvh/handoff.hpp>
#include <pvhboot/pvh/parse.hpp>

namespace pvhboot {

/// What a zero page has and a handoff has not.
enum class linux_item : uint8_t {
  screen_info,       ///< video mode and frame buffer
  apm_bios_info,     ///< the APM BIOS
  tboot_addr,        ///< address of tboot's shared page
  ist_info,          ///< Intel SpeedStep
  disks,             ///< hd0_info and hd1_info
  sys_desc_table,    ///< Micro Channel
  olpc_ofw_header,   ///< Open Firmware of the OLPC
  edid_info,         ///< the EDID block of the monitor
  efi_info,          ///< the EFI system table and memory map
  alt_mem_k,         ///< RAM in KiB, where there is no e820
  edd,               ///< the BIOS's disks: eddbuf and edd_mbr_sig_buffer
  kbd_status,        ///< the state of the keyboard
  secure_boot,       ///< whether UEFI Secure Boot is on
  type_of_loader,    ///< Linux sets its own when PVH enters it
  hardware_subarch,  ///< with its data
  setup_data,        ///< a node that is no memory map: a random seed, a device tree, measurements
};

/// An item that the handoff cannot have.
struct linux_loss {
  linux_item what;    ///< the item
  uint64_t where;     ///< offset in the zero page; of setup_data the address of the node
  setup_type type{};  ///< of setup_data
};

/// Its name, NUL-terminated.
constexpr string_ref name(linux_item what) noexcept {
  constexpr auto count = static_cast<size_t>(linux_item::setup_data) + 1;
  const auto i = static_cast<size_t>(what);
  return nth_text(
      "screen_info\0apm_bios_info\0tboot_addr\0ist_info\0disks\0sys_desc_table\0olpc_ofw_header\0"
      "edid_info\0efi_info\0alt_mem_k\0edd\0kbd_status\0secure_boot\0type_of_loader\0hardware_subarch\0setup_data\0"
      "unknown",
      i < count ? i : count);
}

/// The bytes of a zero page that have one meaning.
struct linux_item_bytes {
  uint16_t offset;  ///< in the zero page
  uint16_t size;
  linux_item what;  ///< the item
  bool kept;        ///< if the sentinel is set; Linux clears the others then (sanitize_boot_params)
};
/// The items of a zero page, in the order of their bytes.
inline constexpr linux_item_bytes linux_items[] = {
    {0x000, 0x040, linux_item::screen_info, true},
    {0x040, 0x014, linux_item::apm_bios_info, true},
    {0x058, 0x008, linux_item::tboot_addr, true},
    {0x060, 0x010, linux_item::ist_info, true},
    {0x080, 0x020, linux_item::disks, true},
    {0x0a0, 0x010, linux_item::sys_desc_table, true},
    {0x0b0, 0x010, linux_item::olpc_ofw_header, true},
    {0x140, 0x080, linux_item::edid_info, false},
    {0x1c0, 0x020, linux_item::efi_info, true},
    {0x1e0, 0x004, linux_item::alt_mem_k, true},
    {0x1e9, 0x002, linux_item::edd, true},
    {0x1eb, 0x001, linux_item::kbd_status, false},
    {0x1ec, 0x001, linux_item::secure_boot, true},
    {0x210, 0x001, linux_item::type_of_loader, true},
    {0x23c, 0x00c, linux_item::hardware_subarch, true},
    {0x290, 0x040, linux_item::edd, true},
    {0xd00, 0x1ec, linux_item::edd, true},
};

/// Reports each item that is not 0 of the 4096 bytes of a zero page.
template <class Report>
constexpr void report_lost_items(const uint8_t* page, Report& report) noexcept(noexcept(report(linux_loss{}))) {
  const bool sentinel = read_once(page + offsetof(abi::boot_params, sentinel)) != 0;
  for (const linux_item_bytes& item : linux_items) {
    uint8_t any = 0;
    for (size_t i = 0; i < item.size; ++i) any = static_cast<uint8_t>(any | read_once(page + item.offset + i));
    if (any != 0 && (item.kept || !sentinel)) report(linux_loss{item.what, item.offset, {}});
  }
}

/// What the caller is ready to accept.
struct linux_to_pvh_limits {
  uint64_t string_size = 65536;  ///< bytes of the command line before its NUL
  uint32_t node_limit = 64;      ///< setup_data nodes; a chain that loops ends here
};

/// The rules are at the head of this file. The handoff refers to `map`, whose ranges are lost, to `initrd`, and to the
/// guest's memory. It has version 1 and no flags. report(linux_loss) is called for each loss.
template <physical_memory Memory, class Report>
constexpr result<handoff> linux_to_pvh(
    const Memory& memory, const abi::boot_params& zero_page, memory_map& map, handoff_module& initrd, Report&& report,
    const linux_to_pvh_limits& limits = {}) noexcept(reads_noexcept<Memory>&& noexcept(report(linux_loss{}))) {
  map.clear();
  const auto values = read_zero_page(memory, zero_page, map, limits.node_limit);
  if (!values) return values.error();
  handoff h{.rsdp_paddr = values->rsdp_paddr, .memmap = {map.data(), map.size()}};
  if (values->cmdline_paddr != 0) {
    const auto text = read_string(memory, values->cmdline_paddr, limits.string_size);
    if (!text) return text.error();
    h.cmdline = *text;
  }
  if (values->initrd_size != 0) {
    initrd = {.paddr = values->initrd_paddr, .size = values->initrd_size};
    h.modules = {&initrd, 1};
  }
  if (__builtin_is_constant_evaluated()) {
    const auto raw = __builtin_bit_cast(array<uint8_t, sizeof zero_page>, zero_page);
    report_lost_items(raw.data(), report);
  } else {
    report_lost_items(reinterpret_cast<const uint8_t*>(&zero_page), report);
  }
  const auto report_node = [&](const setup_node& node) noexcept(noexcept(report(linux_loss{}))) -> result<void> {
    if (node.type != setup_type::e820_ext) report(linux_loss{linux_item::setup_data, node.paddr, node.type});
    return {};
  };
  if (auto done = walk_setup_data(memory, zero_page.hdr.setup_data, limits.node_limit, report_node); !done)
    return done.error();
  return h;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
