// SPDX-License-Identifier: BSL-1.0
//
// A memory map as a picture: in the terminal, and as SVG.
#pragma once

#include <string>
#include <vector>

#include "document/picture_layout.hpp"

namespace tool {

/// Ranges of the map and what lies in it. Both pictures show gaps as such, and each range to scale within its region of
/// memory.
std::string picture_as_text(std::vector<document::mark> marks, unsigned width);
std::string picture_as_svg(std::vector<document::mark> marks, const std::string& title);

}  // namespace tool
