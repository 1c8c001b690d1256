// SPDX-License-Identifier: BSL-1.0
// A run-time value that is wider than the field.
// EXPECT: not a constant expression|(not a constant|is not usable in a constant)
#include <pvhboot/abi/boot_params.hpp>

void store(pvhboot::abi::boot_params& p, uint64_t address) {
#ifdef CONTROL
  p.hdr.ramdisk_image = static_cast<uint32_t>(address);
#else
  p.hdr.ramdisk_image = address;
#endif
}
