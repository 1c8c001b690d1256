// SPDX-License-Identifier: BSL-1.0
//
// The laws of a boot loader: where the pieces lie, its number in the header, and the table of the map.
#pragma once

#include <algorithm>

#include "harness.hpp"

namespace fuzz {

inline std::unique_ptr<pvhboot::abi::boot_params> dirty_page() {
  auto page = std::make_unique<pvhboot::abi::boot_params>();
  std::memset(static_cast<void*>(page.get()), 0xa5, sizeof *page);
  return page;
}

/// Every piece lies in RAM, within reach, and overlaps no other. Checked pair by pair, without the library.
inline void check_bootable(const pvhboot::bzimage& kernel, const pvhboot::linux_layout& l,
                           const pvhboot::memory_map& map, const pvhboot::setup_data_writer* nodes) {
  std::vector<memory_range> pieces{{l.kernel.load_paddr, l.kernel.load_size, {}},
                                   {l.kernel.runtime_start, l.kernel.runtime_size, {}},
                                   {l.zero_page_paddr, 4096, {}},
                                   {l.initrd_paddr, l.initrd_size, {}}};
  if (l.cmdline_paddr != 0) pieces.push_back({l.cmdline_paddr, l.cmdline_size + 1, {}});
  if (nodes) pieces.push_back(nodes->range());
  const uint64_t highest = l.entry_64 && kernel.can_be_loaded_above_4g() ? ~uint64_t{} : 0xffffffff;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const memory_range& p = pieces[i];
    if (p.size == 0) continue;
    LAW(p.size - 1 <= highest && p.addr <= highest - (p.size - 1));
    uint64_t ram = 0;
    for (const memory_range& r : map)
      if (r.type == memory_type::ram && r.overlaps(p))
        ram += std::min(r.last(), p.last()) - std::max(r.addr, p.addr) + 1;
    LAW(ram == p.size);
    for (size_t j = i < 2 ? i + 1 : 0; j < i; ++j) LAW(pieces[j].size == 0 || !p.overlaps(pieces[j]));
  }
  LAW(kernel.kernel_alignment() == 0 || !kernel.relocatable() || l.kernel.kernel_alignment != 0);
}

/// set_loader beside the rules of boot.rst, type_of_loader.
inline void check_loader_id(pvhboot::abi::setup_header hdr, uint16_t number, uint16_t version) {
  const pvhboot::abi::setup_header before = hdr;
  const bool is_old = hdr.version < 0x202;  // it has no ext_loader_type and ext_loader_ver
  const bool fits = number != 0xe && number <= (is_old ? 0xf : 0x10f) && version <= (is_old ? 0xf : 0xfff);
  const unsigned type = std::min<unsigned>(number, 0xe + (number < 0x10)) * 16 % 256 + version % 16;
  const auto done = pvhboot::set_loader(hdr, number, version);
  LAW(done.ok() == (fits && type != 0));
  if (!done) {
    LAW(done.error().code == (fits ? errc::loader_type_zero : errc::loader_id_too_large));
    return;
  }
  LAW(hdr.type_of_loader == type);
  LAW(hdr.ext_loader_type == (is_old ? before.ext_loader_type : number < 0x10 ? 0 : number - 0x10));
  LAW(hdr.ext_loader_ver == (is_old ? before.ext_loader_ver : version / 16));
}

/// Without a writer a map has 128 ranges at most.
inline void check_table(const pvhboot::memory_map& map) {
  const auto page = dirty_page();
  const auto done = write_e820(map, *page);
  if (done) {
    LAW(map.known_sanitized() && map.size() >= 2 && map.size() <= 128 && page->e820_entries == map.size());
    return;
  }
  LAW(done.error().code == (map.size() < 2           ? errc::e820_too_few
                            : !map.known_sanitized() ? errc::map_not_prepared
                                                     : errc::e820_full));
  LAW(done.error().where == map.size() && page->e820_entries == 0xa5);
}

}  // namespace fuzz
