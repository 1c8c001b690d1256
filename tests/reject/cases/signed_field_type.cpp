// SPDX-License-Identifier: BSL-1.0
// No field of the protocols is signed.
// EXPECT: pvhboot: le<T> takes an unsigned integer type
#include <pvhboot/abi/le.hpp>

#ifdef CONTROL
pvhboot::le<unsigned> field{};
#else
pvhboot::le<int> field{};
#endif
