// SPDX-License-Identifier: BSL-1.0
// A missing row.
// EXPECT: pvhboot: the rows of hvm_modlist_entry leave a gap or overlap
// REPLACE spec/xen.def: PVHBOOT_FIELD(hvm_modlist_entry, size, 0x08, 8, 0) ->
#include <pvhboot/spec.hpp>
