// SPDX-License-Identifier: BSL-1.0
// identity_map is not usable in constant expressions.
// EXPECT: non-.?constexpr
#include <pvhboot/pvhboot.hpp>

#ifdef CONTROL
static_assert(!pvhboot::parse(pvhboot::memory_window{}, 0x6000));
#else
static_assert(!pvhboot::parse(pvhboot::identity_map{}, 0x6000));
#endif
