// SPDX-License-Identifier: BSL-1.0
// A field that is too wide.
// EXPECT: pvhboot: setup_header\.root_flags is not at offset 0x1f2 with size 2
// EXPECT(gcc): Spec = 2; Actual = 4
// EXPECT(clang): 4 == 2
// REPLACE abi/setup_header.hpp: le16 root_flags{}; -> le32 root_flags{};
#include <pvhboot/spec.hpp>
