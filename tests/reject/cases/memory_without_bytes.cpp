// SPDX-License-Identifier: BSL-1.0
// A type that is no memory: the message names the concept.
// EXPECT(gcc): physical_memory
// EXPECT(clang): constraints not satisfied
#include <pvhboot/pvhboot.hpp>

struct guest {
#ifdef CONTROL
  static const uint8_t* bytes(uint64_t, uint64_t) { return nullptr; }
#else
  int bytes;
#endif
};
bool f() { return static_cast<bool>(pvhboot::parse(guest{}, 0)); }
