// SPDX-License-Identifier: BSL-1.0
// EXPECT: the text that the case is about
#ifndef CONTROL
#include <no/such/header.hpp>
#endif
