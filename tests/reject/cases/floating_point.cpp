// SPDX-License-Identifier: BSL-1.0
// A value that is not an integer.
// EXPECT(gcc): cannot convert|could not convert|conversion from
// EXPECT(clang): no viable (conversion|overloaded)|implicit conversion
#include <pvhboot/abi/le.hpp>

#ifdef CONTROL
constinit pvhboot::le32 field = 1;
#else
constinit pvhboot::le32 field = 1.5;
#endif
