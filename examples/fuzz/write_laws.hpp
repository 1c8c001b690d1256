// SPDX-License-Identifier: BSL-1.0
//
// What write.cpp holds of every handoff that can be written: about its values, storage that is too small, and what lint
// finds in it.
#pragma once

#include <utility>

#include "handoff.hpp"

namespace fuzz {

/// A handoff equals one with copies of its lists, and none in which one value differs.
MODEL inline void law_equality(const pvhboot::handoff& h) {
  std::vector<pvhboot::handoff_module> modules{h.modules.begin(), h.modules.end()};
  std::vector<memory_range> entries{h.memmap.begin(), h.memmap.end()};
  std::vector<uint32_t> reserved(entries.size());
  std::copy(h.memmap_reserved.begin(), h.memmap_reserved.end(), reserved.begin());
  pvhboot::handoff copy = h;
  copy.modules = modules;
  copy.memmap = entries;
  copy.memmap_reserved = reserved;
  LAW(copy == h && h == copy);

  const auto law_differs = [&](auto& value, const auto& other) {
    const auto before = std::exchange(value, other);
    LAW(!(copy == h) && !(h == copy));
    value = before;
  };
  const auto law_text_differs = [&](pvhboot::string_ref& text) {
    const std::string longer = std::string(text.data() ? text.data() : "", text.size()) + "x";
    law_differs(text, pvhboot::string_ref{longer.data(), longer.size()});
    law_differs(text, text.absent() ? pvhboot::string_ref{longer.data(), 0} : pvhboot::string_ref{});
  };
  law_differs(copy.version, h.version ^ 1);
  law_differs(copy.flags, ~h.flags);
  law_differs(copy.rsdp_paddr, ~h.rsdp_paddr);
  law_differs(copy.reserved, ~h.reserved);
  law_text_differs(copy.cmdline);
  if (!modules.empty()) {
    law_differs(copy.modules, h.modules.first(modules.size() - 1));
    pvhboot::handoff_module& m = modules[h.flags % modules.size()];
    law_differs(m.paddr, ~m.paddr);
    law_differs(m.size, ~m.size);
    law_differs(m.reserved, ~m.reserved);
    law_text_differs(m.cmdline);
  }
  if (!entries.empty()) {
    law_differs(copy.memmap, h.memmap.first(entries.size() - 1));
    const size_t i = h.flags % entries.size();
    law_differs(entries[i].addr, ~entries[i].addr);
    law_differs(reserved[i], ~reserved[i]);
  }
}

/// sort_memmap makes the map that memory_map makes. If it fails, the handoff is as it was.
MODEL inline void law_sort_memmap(const pvhboot::handoff& h) {
  const size_t n = h.memmap.size();
  owned_map wanted{2 * n}, map{2 * n}, without_scratch{2 * n, 0};
  LAW(wanted.map.append(h.memmap).ok() && wanted.map.sanitize().ok());
  pvhboot::handoff sorted = h;
  LAW(sort_memmap(sorted, map.map).ok() && sorted.memmap_reserved.empty());
  LAW(contents(wanted.map) == std::vector<memory_range>(sorted.memmap.begin(), sorted.memmap.end()));
  pvhboot::handoff same = h;
  const auto done = sort_memmap(same, without_scratch.map);
  if (!done) LAW(done.error().code == errc::scratch_too_small && done.error().where == n && same == h);
  if (n == 0) return;
  owned_map small{n - 1, n};
  const auto full = sort_memmap(same = h, small.map);
  LAW(!full && full.error().code == errc::map_full && same == h);
}

/// Each list that is one too short is refused with the number that it needs.
template <class Boot> void law_small_storage(const Boot& boot, const pvhboot::handoff& h) {
  exact_storage storage{h.modules.size(), h.memmap.size()};
  const auto law_refused = [&](auto pvhboot::handoff_storage::*list, errc code, size_t n) {
    if (n == 0) return;
    pvhboot::handoff_storage small = storage.all();
    small.*list = (small.*list).first(n - 1);
    const auto back = values_of(boot, small);
    LAW(!back && back.error().code == code && back.error().where == n);
  };
  law_refused(&pvhboot::handoff_storage::modules, errc::handoff_modules_full, h.modules.size());
  law_refused(&pvhboot::handoff_storage::module_cmdline_paddrs, errc::handoff_modules_full, h.modules.size());
  law_refused(&pvhboot::handoff_storage::memmap, errc::map_full, h.memmap.size());
  law_refused(&pvhboot::handoff_storage::memmap_reserved, errc::map_full, h.memmap.size());
  LAW(values_of(boot, storage.all()).ok());
}

/// lint finds what the values alone make odd, in the block at paddr.
MODEL inline void law_findings(const pvhboot::handoff& h, uint64_t paddr) {
  const oddity_list found = oddities(h, paddr, {});
  LAW((found.count(oddity::cmdline_absent) != 0) == h.cmdline.absent());
  LAW((found.count(oddity::several_modules) != 0) == (h.modules.size() > 1));
  LAW((found.count(oddity::unknown_flags) != 0) == ((h.flags & 0xffff00e0) != 0));
  if (h.version == 0) return;
  LAW((found.count(oddity::reserved_not_zero) != 0) == (h.reserved != 0));
  LAW((found.count(oddity::memmap_over_128) != 0) == (h.memmap.size() > 128));
  LAW((found.count(oddity::memmap_over_255) != 0) == (h.memmap.size() > 255));
}

}  // namespace fuzz
