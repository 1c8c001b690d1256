// SPDX-License-Identifier: BSL-1.0
// A result that is ignored.
// EXPECT: ignoring return|nodiscard
#include <pvhboot/pvhboot.hpp>

void f(const uint8_t* p, uint64_t n) {
#ifdef CONTROL
  (void)pvhboot::parse(pvhboot::memory_window{0, {p, n}}, 0);
#else
  pvhboot::parse(pvhboot::memory_window{0, {p, n}}, 0);
#endif
}
