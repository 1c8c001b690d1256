// SPDX-License-Identifier: BSL-1.0
//
// chainload with another name for its entry.
#define kernel_main chainload_main
#include "../../../examples/chainload/main.cpp"
