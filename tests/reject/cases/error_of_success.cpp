// SPDX-License-Identifier: BSL-1.0
// A successful result has no error.
// EXPECT: result_is_not_a_failure
#include <pvhboot/core/result.hpp>

constexpr pvhboot::result<int> one = 1;

#ifdef CONTROL
static_assert(*one == 1);
#else
constexpr pvhboot::failure f = one.error();
#endif
