// SPDX-License-Identifier: BSL-1.0
// A value of another enumeration.
// EXPECT(gcc): cannot convert|invalid conversion
// EXPECT(clang): cannot initialize
#include <pvhboot/abi/memory_type.hpp>
#include <pvhboot/abi/xen_note.hpp>

#ifdef CONTROL
constexpr pvhboot::memory_type t = pvhboot::memory_type::ram;
#else
constexpr pvhboot::memory_type t = pvhboot::xen_note::entry;
#endif
static_assert(t == pvhboot::memory_type::ram);
