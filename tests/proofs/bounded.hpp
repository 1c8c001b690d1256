// SPDX-License-Identifier: BSL-1.0
//
// What the programs of this folder share: the end of a proof, and every choice of some from a list.
//
// A program tries every input up to a bound. With the argument "larger" the bound is larger and takes minutes.
#pragma once

#include <cstring>
#include <span>

#include "../attack/attack.hpp"

namespace proofs {

using attack::count;
using attack::shown;
using attack::wide;

/// Calls visit(list) for each list of n elements of an alphabet.
template <class T, class Visit>
constexpr void for_each_list(std::span<const T> alphabet, std::span<T> list, const Visit& visit, size_t n = 0) {
  if (n == list.size()) {
    visit(std::span<const T>{list});
    return;
  }
  for (const T& one : alphabet) {
    list[n] = one;
    for_each_list(alphabet, list, visit, n + 1);
  }
}

inline int run(const char* name, int argc, char** argv, void (*prove)(bool larger)) {
  const bool larger = argc == 2 && std::strcmp(argv[1], "larger") == 0;
  if (argc != 1 && !larger) {
    std::fprintf(stderr, "usage: %s [larger]\n", argv[0]);
    return 2;
  }
  const attack::clock time;
  prove(larger);
  std::printf("%s: ", name);
  count::print();
  std::printf("differences 0, %.1f s\n", time.seconds());
  if (const char* never = count::never()) {
    std::printf("this program never made: %s\n", never);
    return 1;
  }
  return 0;
}

}  // namespace proofs
