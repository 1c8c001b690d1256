// SPDX-License-Identifier: BSL-1.0
//
// Uses what the tests need of doctest and Boost.PFR.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <boost/pfr.hpp>

namespace {
struct pair {
  int first;
  char second;
};
}  // namespace

TEST_CASE("both libraries work") {
  static_assert(boost::pfr::tuple_size_v<pair> == 2);
  CHECK(boost::pfr::get<1>(pair{1, 'x'}) == 'x');
}
