// SPDX-License-Identifier: BSL-1.0
//
// chainload itself, entered under another name.
#define kernel_main chainload_main
#include "../../../examples/chainload/main.cpp"
