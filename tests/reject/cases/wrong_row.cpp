// SPDX-License-Identifier: BSL-1.0
// A wrong row in a table.
// EXPECT: pvhboot: boot_e820_entry\.type is not at offset 0x011 with size 4
// EXPECT(gcc): Spec = 17; Actual = 16
// EXPECT(clang): 16 == 17
// REPLACE spec/linux.def: PVHBOOT_FIELD(boot_e820_entry, type, 0x010, -> PVHBOOT_FIELD(boot_e820_entry, type, 0x011,
#include <pvhboot/spec.hpp>
