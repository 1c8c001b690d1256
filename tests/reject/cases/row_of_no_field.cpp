// SPDX-License-Identifier: BSL-1.0
// A row for a field that the struct does not have.
// EXPECT: memmap_padr
// REPLACE spec/xen.def: memmap_paddr -> memmap_padr
#include <pvhboot/spec.hpp>
