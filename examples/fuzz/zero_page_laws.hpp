// SPDX-License-Identifier: BSL-1.0
//
// The laws of any zero page, read as values and made into a handoff, beside a list of what a handoff has no room for.
#pragma once

#include <pvhboot/bridge/linux_to_pvh.hpp>

#include "memory.hpp"

namespace fuzz {

/// The bytes of a zero page that are lost, in zero-page.rst's order. Linux clears those that are not kept if the
/// sentinel is set.
struct lost_bytes {
  size_t begin, end;
  const char* name;
  bool kept = true;
};
inline constexpr lost_bytes lost_list[] = {{0x000, 0x040, "screen_info"},
                                           {0x040, 0x054, "apm_bios_info"},
                                           {0x058, 0x060, "tboot_addr"},
                                           {0x060, 0x070, "ist_info"},
                                           {0x080, 0x0a0, "disks"},
                                           {0x0a0, 0x0b0, "sys_desc_table"},
                                           {0x0b0, 0x0c0, "olpc_ofw_header"},
                                           {0x140, 0x1c0, "edid_info", false},
                                           {0x1c0, 0x1e0, "efi_info"},
                                           {0x1e0, 0x1e4, "alt_mem_k"},
                                           {0x1e9, 0x1eb, "edd"},
                                           {0x1eb, 0x1ec, "kbd_status", false},
                                           {0x1ec, 0x1ed, "secure_boot"},
                                           {0x210, 0x211, "type_of_loader"},
                                           {0x23c, 0x248, "hardware_subarch"},
                                           {0x290, 0x2d0, "edd"},
                                           {0xd00, 0xeec, "edd"}};

/// The text at paddr of at most `limit` bytes before its NUL; absent if there is none.
inline pvhboot::string_ref text_at(uint64_t base, span<const uint8_t> contents, uint64_t paddr, size_t limit) {
  if (paddr < base || paddr - base >= contents.size()) return {};
  const span<const uint8_t> text = contents.after(static_cast<size_t>(paddr - base)).first(limit + 1);
  const void* nul = std::memchr(text.data(), 0, text.size());
  return nul ? pvhboot::string_ref{text.data(), static_cast<size_t>(static_cast<const uint8_t*>(nul) - text.data())}
             : pvhboot::string_ref{};
}

/// `page` has these bytes, and was read as `values`; the memory has `contents` at `base`.
inline void check_handoff(const pvhboot::abi::boot_params& page, const std::vector<uint8_t>& bytes, uint64_t base,
                          span<const uint8_t> contents, const pvhboot::result<pvhboot::zero_page_values>& values) {
  guarded_memory guarded{base, contents, SIZE_MAX};
  constexpr pvhboot::linux_to_pvh_limits limits{.string_size = 40, .node_limit = 64};
  const memory guest{&guarded};
  owned_map map{256};
  pvhboot::handoff_module initrd;
  std::vector<pvhboot::linux_loss> losses;
  const auto h = linux_to_pvh(
      guest, page, map.map, initrd, [&](pvhboot::linux_loss l) { losses.push_back(l); }, limits);
  if (!values) {
    LAW(!h && h.error().code == values.error().code && h.error().where == values.error().where && losses.empty());
    return;
  }
  const pvhboot::string_ref text = text_at(base, contents, values->cmdline_paddr, limits.string_size);
  if (values->cmdline_paddr != 0 && text.absent()) {
    LAW(!h && h.error().where == values->cmdline_paddr && losses.empty());
    LAW(h.error().code == errc::cmdline_unreadable || h.error().code == errc::cmdline_unterminated);
    return;
  }
  LAW(h.ok() && h->cmdline == text && h->cmdline.absent() == (values->cmdline_paddr == 0));
  LAW(h->version == 1 && h->rsdp_paddr == values->rsdp_paddr && h->memmap.size() == map.map.size());
  LAW(h->modules.size() == (values->initrd_size != 0 ? 1u : 0u));
  if (!h->modules.empty()) LAW(initrd.paddr == values->initrd_paddr && initrd.size == values->initrd_size);

  size_t n = 0;
  for (const lost_bytes& item : lost_list) {
    bool any = false;
    for (size_t i = item.begin; i < item.end; ++i) any = any || bytes[i] != 0;
    if (!any || (!item.kept && bytes[0x1ef] != 0)) continue;
    LAW(n < losses.size() && losses[n].where == item.begin && name(losses[n].what) == std::string_view{item.name});
    ++n;
  }
  const auto walked = walk_setup_data(guest, page.hdr.setup_data, 64, [&](const pvhboot::setup_node& node) {
    if (node.type == pvhboot::setup_type::e820_ext) return pvhboot::result<void>{};
    LAW(n < losses.size() && losses[n].where == node.paddr && losses[n].type == node.type);
    LAW(name(losses[n++].what) == "setup_data");
    return pvhboot::result<void>{};
  });
  LAW(walked.ok() && n == losses.size());
}

/// Any page, with the memory that its addresses may lead to.
inline void check_zero_page(const std::vector<uint8_t>& bytes, uint64_t base, span<const uint8_t> contents) {
  const auto page = pvhboot::load<pvhboot::abi::boot_params>(bytes.data());
  guarded_memory guarded{base, contents, SIZE_MAX};
  owned_map map{256};
  const auto values = read_zero_page(memory{&guarded}, page, map.map);
  check_handoff(page, bytes, base, contents, values);
  if (!values) {
    const errc code = values.error().code;
    LAW(code == errc::e820_bad_count || code == errc::map_full || code == errc::setup_data_loop ||
        code == errc::setup_data_unreadable || code == errc::setup_data_wraps);
    return;
  }
  LAW(map.map.size() >= page.e820_entries && (values->initrd_size == 0) == (values->initrd_paddr == 0));
  for (size_t i = 0; i < page.e820_entries; ++i)
    LAW(map.map[i].addr == little_endian(bytes.data() + 0x2d0 + 20 * i, 8));
  if (page.sentinel != 0) LAW(values->cmdline_paddr <= 0xffffffff && values->rsdp_paddr == 0);
  uint32_t nodes = 0;
  [[maybe_unused]] volatile uint8_t read = 0;  // every byte of a payload is readable
  const auto walked = walk_setup_data(memory{&guarded}, page.hdr.setup_data, 64, [&](const pvhboot::setup_node& node) {
    ++nodes;
    if (const auto inner = read_setup_indirect(node)) LAW((inner->type & 0x80000000) != 0 && inner->reserved == 0);
    for (const uint8_t b : node.payload) read = b;
    return pvhboot::result<void>{};
  });
  LAW(walked.ok() && nodes <= 64);
}

}  // namespace fuzz
