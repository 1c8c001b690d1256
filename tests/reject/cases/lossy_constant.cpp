// SPDX-License-Identifier: BSL-1.0
// A constant that the field cannot hold.
// EXPECT: value_does_not_fit_in_field
#include <pvhboot/abi/le.hpp>

#ifdef CONTROL
constinit pvhboot::le16 field = 0xffff;
#else
constinit pvhboot::le16 field = 0x10000;
#endif
