// SPDX-License-Identifier: BSL-1.0
// Only the structs of abi/ have tables.
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
