// SPDX-License-Identifier: BSL-1.0
#include "picture.hpp"

#include <fmt/format.h>

#include "document/picture_svg.hpp"
#include "document_text.hpp"

namespace tool {

namespace {

using document::cells;
using document::mark;
using document::picture_layout;
using document::region;

struct look {
  char letter;
  ink colour;
};
look look_of(pvhboot::memory_type type) {
  switch (type) {
    case pvhboot::memory_type::ram: return {'#', ink::good};
    case pvhboot::memory_type::acpi:
    case pvhboot::memory_type::nvs: return {'a', ink::warning};
    case pvhboot::memory_type::unusable: return {'x', ink::bad};
    case pvhboot::memory_type::reserved: return {'-', ink::faint};
    default: return {'?', ink::warning};
  }
}

std::string size_text(uint64_t n) {
  std::string out;
  document::write_size(sink_of(out), n);
  return out;
}

/// Calls use(layout) with the storage that it needs.
template <class Use> void with_layout(std::vector<mark>& marks, const Use& use) {
  std::vector<mark> spare(marks.size());
  std::vector<region> regions(picture_layout::regions_for(marks.size()));
  use(picture_layout{{marks.data(), marks.size()}, {spare.data(), spare.size()}, {regions.data(), regions.size()}});
}

std::string row_of_map(const picture_layout& layout, const region& r, unsigned width) {
  std::string letters(width, ' ');
  std::vector<ink> colours(width, ink::plain);
  for (const mark& m : layout.marks()) {
    if (!m.is_of_map() || !r.meets(m)) continue;
    const cells at = picture_layout::place(m, r, width);
    for (unsigned i = at.from; i <= at.to; ++i) {
      letters[i] = letters[i] == ' ' || letters[i] == look_of(m.type).letter ? look_of(m.type).letter : '!';
      colours[i] = letters[i] == '!' ? ink::bad : look_of(m.type).colour;
    }
  }
  std::string out;
  for (unsigned i = 0; i < width; ++i) out += painted(colours[i], std::string(1, letters[i]));
  return out + "\n";
}

}  // namespace

std::string picture_as_text(std::vector<mark> marks, unsigned width) {
  std::string out;
  with_layout(marks, [&](const picture_layout& layout) {
    for (const region& r : layout.regions()) {
      out += painted(ink::strong, fmt::format("[{:#x}, {:#x}]", r.first, r.last)) + "\n";
      out += row_of_map(layout, r, width);
      for (const mark& m : layout.marks()) {
        if (m.is_of_map() || !r.meets(m)) continue;
        const cells at = picture_layout::place(m, r, width);
        out +=
            fmt::format("{}{} {} [{:#x}, {:#x}] {}\n", std::string(at.from, ' '), std::string(at.to - at.from + 1, '='),
                        text(m.label), m.address, m.last(), size_text(m.size));
      }
      for (const mark& m : layout.marks())
        if (m.is_of_map() && r.meets(m))
          out += fmt::format("  {} [{:#014x}, {:#014x}] {:>12}  {}\n", look_of(m.type).letter, m.address, m.last(),
                             size_text(m.size), text(m.label));
    }
  });
  return out;
}

std::string picture_as_svg(std::vector<mark> marks, const std::string& title) {
  constexpr unsigned width = 760;
  std::string out;
  with_layout(marks, [&](const picture_layout& layout) {
    const document::text_sink sink = sink_of(out);
    document::picture_svg{sink, layout, width, title, true}.write();
  });
  return out;
}

}  // namespace tool
