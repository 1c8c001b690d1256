// SPDX-License-Identifier: BSL-1.0
// An alignment of the whole struct.
// EXPECT: pvhboot: edd_info must not ask for alignment
// REPLACE abi/edd.hpp: struct edd_info { -> struct alignas(2) edd_info {
#include <pvhboot/spec.hpp>
