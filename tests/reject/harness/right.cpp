// SPDX-License-Identifier: BSL-1.0
// EXPECT: no such size
#ifndef CONTROL
static_assert(sizeof(char) == 2, "no such size");
#endif
