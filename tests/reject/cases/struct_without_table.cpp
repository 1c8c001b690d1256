// SPDX-License-Identifier: BSL-1.0
// The tables are for the structs of abi/ alone.
// EXPECT: incomplete type|undefined template
#include <pvhboot/spec.hpp>

struct mine {
  int x;
};

#ifdef CONTROL
constexpr auto fields = pvhboot::spec::fields<pvhboot::abi::kernel_info>();
#else
constexpr auto fields = pvhboot::spec::fields<mine>();
#endif
static_assert(fields.size() != 0);
