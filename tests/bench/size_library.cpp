// SPDX-License-Identifier: BSL-1.0
//
// With the library. The same in C: size_twin.c.
#include <pvhboot/bridge/pvh_to_linux.hpp>

#include "size.h"

extern pvhboot::memory_map prepared;  // by prepare_for_linux, elsewhere

namespace {

pvhboot::result<void> to_zero_page(uint32_t start_info_paddr, pvhboot::started_by host, pvhboot::abi::boot_params& page,
                                   pvhboot::setup_data_writer& more) {
  const auto boot = pvhboot::parse(pvhboot::identity_map{}, start_info_paddr);
  if (!boot) return boot.error();
  return translate(*boot, prepared, host, page, &more);
}

}  // namespace

outcome zero_page_of_handoff(uint32_t start_info_paddr, int on_xen, void* zero_page, uint8_t* more,
                             uint32_t more_size) {
  pvhboot::setup_data_writer writer{{more, more_size}, reinterpret_cast<uintptr_t>(more)};
  auto& page = *static_cast<pvhboot::abi::boot_params*>(zero_page);
  auto done =
      to_zero_page(start_info_paddr, on_xen != 0 ? pvhboot::started_by::xen : pvhboot::started_by::other, page, writer);
  if (!done) return {done.error().where, static_cast<int>(done.error().code)};
  return {0, -1};
}
