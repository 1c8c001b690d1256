// SPDX-License-Identifier: BSL-1.0
//
// The measured functions with the library.
#include <pvhboot/pvh/handoff.hpp>
#include <pvhboot/pvh/phys32_note.hpp>
#include <pvhboot/pvhboot.hpp>

#include "bench.h"

namespace {

using pvhboot::memory_map;
using pvhboot::memory_range;
using pvhboot::memory_window;

auto parse(const handoff* h) {
  return pvhboot::parse(memory_window{h->base, {h->bytes, h->size}}, h->start_info_paddr);
}

/// The wire struct has alignment 1, so any buffer of its size is valid.
pvhboot::abi::boot_params& page(uint8_t* p) { return *reinterpret_cast<pvhboot::abi::boot_params*>(p); }

pvhboot::memory_map_buffer<256> buffer;
memory_map prepared{buffer};

constexpr size_t most = 131072;
pvhboot::sweep_slot scratch[most];

}  // namespace

int library_as_linux(const handoff* h, uint8_t* zero_page) {
  const auto boot = parse(h);
  if (!boot || !translate_as_linux(*boot, boot->memory_map(), pvhboot::started_by::other, page(zero_page))) return -1;
  return page(zero_page).e820_entries;
}

int library_strict(const handoff* h, uint8_t* zero_page) {
  const auto boot = parse(h);
  if (!boot || !translate(*boot, prepared, pvhboot::started_by::other, page(zero_page))) return -1;
  return page(zero_page).e820_entries;
}

int library_strict_and_map(const handoff* h, uint8_t* zero_page) {
  const auto boot = parse(h);
  if (!boot) return -1;
  prepared.clear();
  if (!prepared.append(boot->memory_map()) || !prepare_for_linux(prepared)) return -1;
  if (!translate(*boot, prepared, pvhboot::started_by::other, page(zero_page))) return -1;
  return page(zero_page).e820_entries;
}

size_t library_sanitize(range* ranges, size_t n) {
  // In place, as Linux does: the two structs have one layout.
  static_assert(sizeof(range) == sizeof(memory_range) && offsetof(range, type) == offsetof(memory_range, type));
  memory_map map{{reinterpret_cast<memory_range*>(ranges), 2 * n}, scratch, n};
  return map.sanitize() ? map.size() : 0;
}

size_t library_write(const range* entries, size_t n, uint8_t* to, size_t size, uint64_t paddr) {
  const pvhboot::handoff_module modules[] = {{.paddr = 0x8000000, .size = 0x100000}};
  const pvhboot::handoff h{.cmdline = "console=ttyS0",
                           .modules = modules,
                           .rsdp_paddr = 0xf59e0,
                           .memmap = {reinterpret_cast<const memory_range*>(entries), n}};
  return write(h, {to, size}, paddr) ? static_cast<size_t>(h.size_bytes()) : 0;
}

uint32_t library_find_entry(const uint8_t* file, size_t size) {
  const auto image = pvhboot::parse_elf({file, size});
  if (!image) return 0;
  const auto entry = find_phys32_entry(*image);
  return entry ? entry->paddr : 0;
}
