// SPDX-License-Identifier: BSL-1.0
// Two swapped neighbours of the same size: the size of the struct is right.
// EXPECT: pvhboot: efi_info\.efi_memmap is not at offset 0x010 with size 4
// EXPECT: pvhboot: efi_info\.efi_memmap_size is not at offset 0x014
// REPLACE abi/boot_params.hpp: efi_memmap{} -> temporary{}
// REPLACE abi/boot_params.hpp: efi_memmap_size{} -> efi_memmap{}
// REPLACE abi/boot_params.hpp: temporary{} -> efi_memmap_size{}
#include <pvhboot/spec.hpp>
