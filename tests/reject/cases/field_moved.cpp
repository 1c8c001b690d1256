// SPDX-License-Identifier: BSL-1.0
// A field moved by one byte: the message names it and both offsets.
// EXPECT: pvhboot: hvm_start_info\.version is not at offset 0x04 with size 4
// EXPECT(gcc): Spec = 4; Actual = 5
// EXPECT(clang): 5 == 4
// REPLACE abi/start_info.hpp:   le32 version{}; ->   uint8_t inserted{}; le32 version{};
#include <pvhboot/spec.hpp>
