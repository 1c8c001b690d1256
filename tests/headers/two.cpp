// SPDX-License-Identifier: BSL-1.0
#include "everything.hpp"

shared seen_in_two() { return what_i_see(); }
