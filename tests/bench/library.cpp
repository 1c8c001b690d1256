// SPDX-License-Identifier: BSL-1.0
//
// The library's side of what is measured.
#include <pvhboot/pvhboot.hpp>

#include "bench.h"

namespace {

using pvhboot::memory_map;
using pvhboot::memory_range;
using pvhboot::memory_window;

auto parse(const handover* h) {
  return pvhboot::parse(memory_window{h->base, {h->bytes, h->size}}, h->start_info_paddr);
}

/// The wire struct has alignment 1, so any page will do.
pvhboot::abi::boot_params& page(uint8_t* p) { return *reinterpret_cast<pvhboot::abi::boot_params*>(p); }

pvhboot::memory_map_buffer<256> buffer;
memory_map prepared{buffer};

constexpr size_t most = 131072;
memory_range ranges_of_sanitize[2 * most];
pvhboot::sweep_slot scratch[most];

}  // namespace

int library_as_linux(const handover* h, uint8_t* zero_page) {
  const auto boot = parse(h);
  if (!boot || !translate_as_linux(*boot, boot->memory_map(), pvhboot::started_by::other, page(zero_page))) return -1;
  return page(zero_page).e820_entries;
}

int library_strict(const handover* h, uint8_t* zero_page) {
  const auto boot = parse(h);
  if (!boot || !translate(*boot, prepared, pvhboot::started_by::other, page(zero_page))) return -1;
  return page(zero_page).e820_entries;
}

int library_strict_and_map(const handover* h, uint8_t* zero_page) {
  const auto boot = parse(h);
  if (!boot) return -1;
  prepared.clear();
  if (!prepared.append(boot->memory_map()) || !prepare_for_linux(prepared)) return -1;
  if (!translate(*boot, prepared, pvhboot::started_by::other, page(zero_page))) return -1;
  return page(zero_page).e820_entries;
}

size_t library_sanitize(range* ranges, size_t n) {
  memory_map map{ranges_of_sanitize, scratch};
  for (size_t i = 0; i < n; ++i)
    if (!map.append(memory_range{ranges[i].addr, ranges[i].size, pvhboot::memory_type{ranges[i].type}})) return 0;
  if (!map.sanitize()) return 0;
  for (size_t i = 0; i < map.size(); ++i) ranges[i] = {map[i].addr, map[i].size, static_cast<uint32_t>(map[i].type)};
  return map.size();
}
