// SPDX-License-Identifier: BSL-1.0
// A number where a field of a wire struct is an enumeration.
// EXPECT(gcc): could not convert|no match for
// EXPECT(clang): no viable conversion|no matching constructor|no viable overloaded
#include <pvhboot/abi/start_info.hpp>

#ifdef CONTROL
constexpr pvhboot::abi::hvm_memmap_table_entry entry{.type = pvhboot::memory_type{1}};
#else
constexpr pvhboot::abi::hvm_memmap_table_entry entry{.type = 1u};
#endif
static_assert(entry.type == pvhboot::memory_type::ram);
