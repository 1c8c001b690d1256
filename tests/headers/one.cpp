// SPDX-License-Identifier: BSL-1.0
#include <stdio.h>

#include "everything.hpp"

int main() {
  const shared a = what_i_see();
  const shared b = seen_in_two();
  const bool same = a.constant == b.constant && a.variable_template == b.variable_template && a.table == b.table &&
                    a.function == b.function && a.size == b.size;
  printf("%s\n", same ? "both units agree" : "the units differ");
  return same ? 0 : 1;
}
