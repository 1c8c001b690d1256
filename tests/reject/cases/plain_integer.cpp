// SPDX-License-Identifier: BSL-1.0
// A plain integer instead of le: size and offset are right, but not the alignment.
// EXPECT: pvhboot: setup_data must not ask for alignment
// REPLACE abi/setup_data.hpp:   le64 next{}; ->   uint64_t next{};
// REPLACE abi/setup_data.hpp: sizeof(setup_data) == 16 && alignof(setup_data) == 1 -> sizeof(setup_data) == 16
#include <pvhboot/spec.hpp>
