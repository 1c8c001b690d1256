// SPDX-License-Identifier: BSL-1.0
//
// A memory map as a picture: in the terminal, and as SVG.
#pragma once

#include <string>
#include <vector>

#include <pvhboot/core/memory_range.hpp>

namespace tool {

/// A range of the picture: of the memory map, or something that lies in it.
struct mark {
  uint64_t address = 0;
  uint64_t size = 0;
  std::string label;
  pvhboot::memory_type type{};  ///< of the map; 0: not of the map
};

/// Ranges of the map first, then what lies in it. Both pictures show gaps as such, and each range to scale within its
/// region of memory.
std::string picture_as_text(const std::vector<mark>& map, const std::vector<mark>& things, unsigned width);
std::string picture_as_svg(const std::vector<mark>& map, const std::vector<mark>& things, const std::string& title);

}  // namespace tool
