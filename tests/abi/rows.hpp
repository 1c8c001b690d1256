// SPDX-License-Identifier: BSL-1.0
//
// Prints and counts the rows of a comparison. It uses printf, so that -m32 needs no 32-bit libstdc++.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

namespace rows {

inline int agreed = 0;
inline int absent_as_known = 0;
inline int wrong = 0;

inline void field(const char* name, size_t offset, size_t size, size_t their_offset, size_t their_size) {
  const bool same = offset == their_offset && size == their_size;
  (same ? agreed : wrong) += 1;
  if (same)
    printf("agrees   %s: offset 0x%03zx, size %zu\n", name, offset, size);
  else
    printf("DIFFERS  %s: offset 0x%03zx, size %zu; theirs 0x%03zx, %zu\n", name, offset, size, their_offset,
           their_size);
}

inline void constant(const char* name, const char* theirs, uint64_t value, uint64_t their_value) {
  const bool same = value == their_value;
  (same ? agreed : wrong) += 1;
  printf(same ? "agrees   %s = %s: 0x%llx\n" : "DIFFERS  %s = %s: 0x%llx; theirs 0x%llx\n", name, theirs,
         static_cast<unsigned long long>(value), static_cast<unsigned long long>(their_value));
}

/// `why` is null unless the absence was expected.
inline void absent(const char* name, const char* theirs, const char* why) {
  (why != nullptr ? absent_as_known : wrong) += 1;
  printf("%s %s: this header has no %s%s%s\n", why != nullptr ? "absent  " : "MISSING ", name, theirs,
         why != nullptr ? ": " : "", why != nullptr ? why : "");
}

inline int summary(const char* witness) {
  printf("%s: %d rows agree, %d absent as known, %d wrong\n", witness, agreed, absent_as_known, wrong);
  return wrong == 0 && agreed != 0 ? 0 : 1;
}

}  // namespace rows
