// SPDX-License-Identifier: BSL-1.0
// Text of unknown length, which needs strlen.
// EXPECT(gcc): no matching function|could not convert|conversion from
// EXPECT(clang): no viable conversion|no matching
#include <pvhboot/core/span.hpp>

#ifdef CONTROL
pvhboot::string_ref f() { return "text"; }
#else
pvhboot::string_ref f(const char* text) { return text; }
#endif
