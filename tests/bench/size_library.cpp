// SPDX-License-Identifier: BSL-1.0
//
// With the library. The C twin: size_twin.c.
#include <pvhboot/translate.hpp>

#include "size.h"

namespace {

pvhboot::array<pvhboot::memory_range, 256> ranges;

outcome no(const pvhboot::failure& f) { return {f.where, static_cast<int>(f.code)}; }

}  // namespace

outcome hand_over(uint32_t start_info_paddr, int on_xen, void* zero_page, uint8_t* more, uint32_t more_size) {
  const auto boot = pvhboot::parse(pvhboot::identity_map{}, start_info_paddr);
  if (!boot) return no(boot.error());
  pvhboot::memory_map map{ranges, {}};
  if (const auto done = map.append(boot->memory_map()); !done) return no(done.error());
  pvhboot::setup_data_writer writer{{more, more_size}, reinterpret_cast<uintptr_t>(more)};
  auto& page = *static_cast<pvhboot::abi::boot_params*>(zero_page);
  if (const auto done = translate(*boot, map, on_xen != 0, page, &writer); !done) return no(done.error());
  return {0, -1};
}
