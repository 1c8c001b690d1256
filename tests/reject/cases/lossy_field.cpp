// SPDX-License-Identifier: BSL-1.0
// An address above 4 GiB in a field of 32 bits.
// EXPECT: value_does_not_fit_in_field
#include <pvhboot/abi/boot_params.hpp>

#ifdef CONTROL
constexpr pvhboot::abi::boot_params p{.hdr = {.cmd_line_ptr = 0xffffffffu}};
#else
constexpr pvhboot::abi::boot_params p{.hdr = {.cmd_line_ptr = 0x100000000u}};
#endif
static_assert(p.hdr.cmd_line_ptr == 0xffffffffu);
