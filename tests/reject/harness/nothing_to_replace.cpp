// SPDX-License-Identifier: BSL-1.0
// EXPECT: anything
// REPLACE abi/e820.hpp: this text is not in that file -> nor this
#include <pvhboot/abi/e820.hpp>
