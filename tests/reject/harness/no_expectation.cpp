// SPDX-License-Identifier: BSL-1.0
#ifndef CONTROL
static_assert(sizeof(char) == 2, "no such size");
#endif
