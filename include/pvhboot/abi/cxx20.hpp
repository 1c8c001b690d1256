// SPDX-License-Identifier: BSL-1.0
//
// Ends a compilation in a standard older than C++20 with one error instead of hundreds.
#pragma once

#if !defined(__cplusplus) || __cplusplus < 202002L
#error "pvhboot needs C++20: add -std=c++20 (or -std=gnu++20) to the compiler's flags"
// #error does not end a compilation, a header that does not exist does.
#include <pvhboot/abi/needs-std=c++20>
#endif
