// SPDX-License-Identifier: BSL-1.0
//
// The calls of loader.c, in C++.
#include <pvhboot/pvhboot.hpp>

namespace {
pvhboot::memory_map_buffer<256> buffer;
pvhboot::array<uint8_t, 4096> storage;
pvhboot::abi::boot_params zero_page;
}  // namespace

extern "C" int start(uint32_t start_info, const uint8_t* file, size_t size) {
  const pvhboot::identity_map memory{};
  pvhboot::memory_map map{buffer};
  pvhboot::setup_data_writer nodes{storage, 0x9000};
  const auto boot = pvhboot::parse(memory, start_info);
  if (!boot) return 1;
  if (!map.append(boot->memory_map())) return 2;
  if (!map.sanitize()) return 3;
  const auto kernel = pvhboot::parse_bzimage({file, size});
  if (!kernel) return 4;
  const auto place = place_kernel(*kernel, map);
  if (!place) return 5;
  if (!prepare_for_linux(map)) return 6;
  const pvhboot::linux_layout layout{.kernel = *place,
                                     .zero_page_paddr = 0x8000,
                                     .cmdline_paddr = boot->wire().cmdline_paddr,
                                     .cmdline_size = boot->cmdline().size(),
                                     .rsdp_paddr = boot->rsdp_paddr()};
  return translate(*kernel, layout, map, zero_page, &nodes) ? 0 : 7;
}
