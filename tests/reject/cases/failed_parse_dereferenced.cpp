// SPDX-License-Identifier: BSL-1.0
// In a constant expression, * on a failed result is a compile error, so no test can miss the failure.
// EXPECT: result_is_a_failure
#include <pvhboot/pvhboot.hpp>

constexpr pvhboot::array<uint8_t, 64> zeroes{};

#ifdef CONTROL
constexpr auto boot = pvhboot::parse(pvhboot::memory_window{0, zeroes}, 0);
static_assert(!boot);
#else
constexpr auto boot = *pvhboot::parse(pvhboot::memory_window{0, zeroes}, 0);
#endif
