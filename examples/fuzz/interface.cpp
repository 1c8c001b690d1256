// SPDX-License-Identifier: BSL-1.0
//
// The C interface and C++ on the same input: every function of pvhboot.h gives the answer of its C++ counterpart, with
// the same error at the same place.
//
// Input: u8 which part of the interface; the functions compare_… describe by their code what they read.
#include <pvhboot/producer.hpp>

// NOLINTNEXTLINE(bugprone-suspicious-include): a harness is one file.
#include <pvhboot/c/pvhboot_c.cpp>

#include "interface_booting.hpp"
#include "interface_reading.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fuzz;
  constexpr void (*parts[])(input&) = {compare_handoff, compare_maps,    compare_linux,
                                       compare_kernel,  compare_written, compare_xen};
  input in{data, size};
  if (size > 0x4000) return 0;
  parts[in.u8() % std::size(parts)](in);
  return 0;
}
