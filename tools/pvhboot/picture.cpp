// SPDX-License-Identifier: BSL-1.0
//
// Memory is cut into regions at gaps larger than what lies around them, so that the first MiB stays visible beside 64
// GiB. Within a region everything is to scale.
#include "picture.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "text.hpp"

namespace tool {

namespace {

/// Part of the address space with its own scale: [first, last].
struct region {
  uint64_t first;
  uint64_t last;
};

uint64_t last_of(const mark& m) { return m.address + (m.size - 1); }

std::vector<mark> whole(std::vector<mark> marks) {
  marks.erase(
      std::remove_if(marks.begin(), marks.end(), [](const mark& m) { return m.size == 0 || m.size - 1 > ~m.address; }),
      marks.end());
  std::stable_sort(marks.begin(), marks.end(), [](const mark& a, const mark& b) { return a.address < b.address; });
  return marks;
}

/// Cut below 1 MiB, and where a hole is wider than a quarter of what was seen before it.
std::vector<region> regions_of(const std::vector<mark>& marks) {
  constexpr uint64_t mib = 1 << 20;
  std::vector<region> all;
  for (const mark& m : marks) {
    const uint64_t last = last_of(m);
    if (m.address < mib && last >= mib) {  // the low megabyte has a scale of its own
      if (all.empty()) all.push_back({m.address, mib - 1});
      all.back().last = std::max(all.back().last, mib - 1);
      all.push_back({mib, last});
      continue;
    }
    const bool starts =
        all.empty() || (m.address >= mib && all.back().last < mib) ||
        (m.address > all.back().last && m.address - all.back().last > (all.back().last - all.back().first) / 4 + mib);
    if (starts)
      all.push_back({m.address, last});
    else
      all.back().last = std::max(all.back().last, last);
  }
  return all;
}

bool meets(const mark& m, const region& r) { return m.address <= r.last && last_of(m) >= r.first; }

/// The cells [from, to] of `width` that a mark covers in a region; at least one.
std::pair<unsigned, unsigned> cells(const mark& m, const region& r, unsigned width) {
  const double scale = static_cast<double>(width) / (static_cast<double>(r.last - r.first) + 1);
  const uint64_t first = std::max(m.address, r.first) - r.first;
  const uint64_t last = std::min(last_of(m), r.last) - r.first;
  const auto from = std::min(width - 1, static_cast<unsigned>(static_cast<double>(first) * scale));
  const auto to = std::min(width - 1, std::max(from, static_cast<unsigned>(static_cast<double>(last) * scale)));
  return {from, to};
}

struct look {
  char letter;
  ink colour;
  const char* fill;  ///< of the SVG, in both themes
};
look look_of(pvhboot::memory_type type) {
  switch (type) {
    case pvhboot::memory_type::ram: return {'#', ink::good, "#4c9f70"};
    case pvhboot::memory_type::acpi:
    case pvhboot::memory_type::nvs: return {'a', ink::warning, "#d9a441"};
    case pvhboot::memory_type::unusable: return {'x', ink::bad, "#c0504d"};
    case pvhboot::memory_type::reserved: return {'-', ink::faint, "#8c8c8c"};
    default: return {'?', ink::warning, "#7a6fa5"};
  }
}

std::string size_text(uint64_t n) {
  constexpr const char* units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (n >= 1024 && n % 1024 == 0 && unit + 1 < sizeof units / sizeof units[0]) {
    n /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", n, units[unit]);
}

std::string escaped(const std::string& t) {
  std::string safe;
  for (const char c : t) {
    if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '&')
      safe += "&amp;";
    else if (c == '"')
      safe += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20)
      safe += c;
  }
  return safe;
}

}  // namespace

std::string picture_as_text(const std::vector<mark>& map, const std::vector<mark>& things, unsigned width) {
  const auto ranges = whole(map);
  const auto others = whole(things);
  std::vector<mark> all = ranges;
  all.insert(all.end(), others.begin(), others.end());
  std::string out;
  for (const region& r : regions_of(whole(all))) {
    out += painted(ink::strong, fmt::format("[{:#x}, {:#x}]", r.first, r.last)) + "\n";
    std::string letters(width, ' ');
    std::vector<ink> colours(width, ink::plain);
    for (const mark& m : ranges) {
      if (!meets(m, r)) continue;
      const auto [from, to] = cells(m, r, width);
      for (unsigned i = from; i <= to; ++i) {
        letters[i] = letters[i] == ' ' || letters[i] == look_of(m.type).letter ? look_of(m.type).letter : '!';
        colours[i] = letters[i] == '!' ? ink::bad : look_of(m.type).colour;
      }
    }
    for (unsigned i = 0; i < width; ++i) out += painted(colours[i], std::string(1, letters[i]));
    out += "\n";
    for (const mark& m : others) {
      if (!meets(m, r)) continue;
      const auto [from, to] = cells(m, r, width);
      out += fmt::format("{}{} {} [{:#x}, {:#x}] {}\n", std::string(from, ' '), std::string(to - from + 1, '='),
                         m.label, m.address, last_of(m), size_text(m.size));
    }
    for (const mark& m : ranges)
      if (meets(m, r))
        out += fmt::format("  {} [{:#014x}, {:#014x}] {:>12}  {}\n", look_of(m.type).letter, m.address, last_of(m),
                           size_text(m.size), m.label);
  }
  return out;
}

std::string picture_as_svg(const std::vector<mark>& map, const std::vector<mark>& things, const std::string& title) {
  constexpr unsigned width = 720, left = 20, bar = 26, line = 16;
  const auto ranges = whole(map);
  const auto others = whole(things);
  std::vector<mark> all = ranges;
  all.insert(all.end(), others.begin(), others.end());
  std::string body;
  unsigned y = 34;
  const auto box = [&](const mark& m, const region& r, unsigned height, const char* fill) {
    const auto [from, to] = cells(m, r, width);
    body += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"><title>{} [{:#x}, {:#x}]</title></rect>\n",
        left + from, y, to - from + 1, height, fill, escaped(m.label), m.address, last_of(m));
  };
  const auto words = [&](const std::string& t, const char* style) {
    body += fmt::format("<text x=\"{}\" y=\"{}\" class=\"{}\">{}</text>\n", left, y, style, escaped(t));
  };
  for (const region& r : regions_of(whole(all))) {
    words(fmt::format("[{:#x}, {:#x}]", r.first, r.last), "head");
    y += 6;
    for (const mark& m : ranges)
      if (meets(m, r)) box(m, r, bar, look_of(m.type).fill);
    y += bar + 2;
    for (const mark& m : others) {
      if (!meets(m, r)) continue;
      box(m, r, 6, "#2f6db3");
      y += line + 4;
      words(fmt::format("{} [{:#x}, {:#x}] {}", m.label, m.address, last_of(m), size_text(m.size)), "thing");
      y += 5;
    }
    y += 4;
    for (const mark& m : ranges) {
      if (!meets(m, r)) continue;
      y += line;
      words(fmt::format("[{:#x}, {:#x}] {} {}", m.address, last_of(m), size_text(m.size), m.label), "range");
    }
    y += 2 * line;
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n"
      "<style>text{{font:12px sans-serif;fill:#555}}.head{{font-weight:bold}}"
      "@media(prefers-color-scheme:dark){{text{{fill:#bbb}}}}</style>\n<title>{}</title>\n{}</svg>\n",
      width + 2 * left, y, escaped(title), escaped(title), body);
}

}  // namespace tool
