/* SPDX-License-Identifier: BSL-1.0
 *
 * Compiles if the structs are as layout.def says, in C99 and in C++.
 */
#include <pvhboot/c/pvhboot.h>

#define BITS_32                  (sizeof(void *) == 4)
#define SIZE(name, in_32, in_64) typedef char size_##name[sizeof(struct name) == (BITS_32 ? in_32 : in_64) ? 1 : -1];
#define OFFSET(name, member, in_32, in_64) \
  typedef char offset_##name##_##member[offsetof(struct name, member) == (BITS_32 ? in_32 : in_64) ? 1 : -1];
#include "layout.def"
