// SPDX-License-Identifier: BSL-1.0
// A negative constant.
// EXPECT: value_does_not_fit_in_field
#include <pvhboot/abi/le.hpp>

#ifdef CONTROL
constinit pvhboot::le32 field = 1;
#else
constinit pvhboot::le32 field = -1;
#endif
