// SPDX-License-Identifier: BSL-1.0
// A writable view of constant bytes.
// EXPECT(gcc): no matching function|could not convert|conversion from|invalid conversion
// EXPECT(clang): no viable conversion|no matching
#include <pvhboot/abi/le.hpp>
#include <pvhboot/core/span.hpp>

constexpr pvhboot::array<uint8_t, 4> bytes{};

#ifdef CONTROL
pvhboot::span<const uint8_t> s = bytes;
#else
pvhboot::span<uint8_t> s = bytes;
#endif
