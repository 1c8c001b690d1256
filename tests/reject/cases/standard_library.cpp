// SPDX-License-Identifier: BSL-1.0
// A header of the C++ library in a public header.
// EXPECT: array.*(file not found|No such file)
// REPLACE pvhboot.hpp: #pragma once -> #include <array>
// FLAGS: -ffreestanding -nostdinc++
#include <pvhboot/pvhboot.hpp>
