// SPDX-License-Identifier: BSL-1.0
// A C array: size and offset are right, but Boost.PFR counts its elements.
// EXPECT: pvhboot: boot_params has more members or fewer than its table has rows
// REPLACE abi/boot_params.hpp: array<uint8_t, 4> _pad2{}; -> uint8_t _pad2[4]{};
#include "../../layout/members.cpp"
