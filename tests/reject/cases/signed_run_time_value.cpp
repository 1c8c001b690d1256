// SPDX-License-Identifier: BSL-1.0
// A run-time value that may be negative.
// EXPECT: not a constant expression|(not a constant|is not usable in a constant)
#include <pvhboot/abi/start_info.hpp>

void store(pvhboot::abi::hvm_start_info& s, int n) {
#ifdef CONTROL
  s.nr_modules = static_cast<uint32_t>(n);
#else
  s.nr_modules = n;
#endif
}
