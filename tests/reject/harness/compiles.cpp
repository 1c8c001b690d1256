// SPDX-License-Identifier: BSL-1.0
// EXPECT: never said
int x;
