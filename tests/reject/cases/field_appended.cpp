// SPDX-License-Identifier: BSL-1.0
// A member after the last row.
// EXPECT: pvhboot: size of kernel_info is not 16
// REPLACE abi/kernel_info.hpp: le32 setup_type_max{}; -> le32 setup_type_max{}; le32 more{};
// REPLACE abi/kernel_info.hpp: static_assert(sizeof(kernel_info) == 16 -> static_assert(sizeof(kernel_info) != 0
#include <pvhboot/spec.hpp>
