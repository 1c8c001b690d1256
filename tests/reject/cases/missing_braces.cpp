// SPDX-License-Identifier: BSL-1.0
// A member without {}: -Wextra warns in every program that initialises only some fields.
// EXPECT: (missing initializer for member|missing field).*size
// UNLESS clang++-14: it does not warn of members that designated initializers leave out
// REPLACE abi/start_info.hpp:   le64 size{}; ->   le64 size;
#include "../../layout/members.cpp"
