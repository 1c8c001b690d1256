// SPDX-License-Identifier: BSL-1.0
// The enumerations are scoped and do not convert to integers.
// EXPECT(gcc): cannot convert|invalid conversion
// EXPECT(clang): cannot initialize
#include <pvhboot/abi/setup_data.hpp>

#ifdef CONTROL
constexpr uint32_t type = static_cast<uint32_t>(pvhboot::setup_type::dtb);
#else
constexpr uint32_t type = pvhboot::setup_type::dtb;
#endif
static_assert(type == 2);
