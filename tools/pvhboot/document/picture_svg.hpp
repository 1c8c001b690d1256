// SPDX-License-Identifier: BSL-1.0
//
// A memory map as SVG: for `pvhboot map --svg`, the documents, and the page in the browser.
//
// A region of memory has a title, a bar with the ranges of the map, a row for each thing that lies in it, and a list of
// the ranges. Each range and thing is one group of the class "mark" with a title and its address and size as data, in
// the order of addresses: the page makes these groups selectable.
#pragma once

#include "picture_layout.hpp"

namespace tool::document {

class picture_svg {
 public:
  /// `alone`: the picture is a file of its own, with its style. Otherwise the page that contains it has one.
  picture_svg(const text_sink& out, const picture_layout& layout, unsigned width, const pvhboot::string_ref& title,
              bool alone)
      : out_(out), layout_(layout), bar_width_(width - 2 * margin), title_(title), alone_(alone) {}

  void write() {
    open();
    for (const region& r : layout_.regions()) {
      write_head(r);
      write_bar(r);
      write_things(r);
      write_list(r);
      y_ += region_gap;
    }
    out_.text("</svg>\n");
  }

 private:
  static constexpr unsigned margin = 12, bar = 30, line = 18, thing_height = 10, region_gap = 22;
  static constexpr unsigned wide = 480, twice_as_wide = 640;
  static constexpr unsigned character = 7;  ///< the width of most characters, rounded up

  static pvhboot::string_ref colour_of(const mark& m) {
    if (!m.is_of_map()) return "#3b7dd8";
    switch (m.type) {
      case pvhboot::memory_type::ram: return "#58a97c";
      case pvhboot::memory_type::acpi:
      case pvhboot::memory_type::nvs: return "#dba844";
      case pvhboot::memory_type::unusable: return "#d9706c";
      case pvhboot::memory_type::reserved: return "#9a9a9a";
      default: return "#9a8fc4";
    }
  }

  void escaped(const pvhboot::string_ref& text) const {
    for (const char c : text) {
      if (c == '<')
        out_.text("&lt;");
      else if (c == '>')
        out_.text("&gt;");
      else if (c == '&')
        out_.text("&amp;");
      else if (c == '"')
        out_.text("&quot;");
      else if (static_cast<uint8_t>(c) >= 0x20)
        out_.one(c);
    }
  }
  void attribute(const pvhboot::string_ref& name, uint64_t value) const {
    out_.one(' ');
    out_.text(name);
    out_.text("=\"");
    out_.decimal(value);
    out_.one('"');
  }
  void describe(const mark& m) const {
    escaped(m.label);
    out_.one(' ');
    write_interval(out_, m.address, m.last());
    out_.one(' ');
    write_size(out_, m.size);
  }

  /// The rows below the bar of a region.
  [[nodiscard]] unsigned height_of(const region& r) const {
    unsigned things = 0, ranges = 0;
    for (const mark& m : layout_.marks())
      if (r.meets(m)) ++(m.is_of_map() ? ranges : things);
    return line + bar + 6 + (things + rows_for(ranges)) * line + region_gap;
  }
  [[nodiscard]] unsigned columns() const { return bar_width_ >= twice_as_wide ? 2 : 1; }
  [[nodiscard]] unsigned rows_for(unsigned ranges) const { return (ranges + columns() - 1) / columns(); }

  void open() const {
    unsigned height = margin;
    for (const region& r : layout_.regions()) height += height_of(r);
    out_.text("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ");
    out_.decimal(bar_width_ + 2 * margin);
    out_.one(' ');
    out_.decimal(height);
    out_.one('"');
    if (alone_) {
      out_.text(" role=\"img\" aria-label=\"");
      escaped(title_);
      out_.text(
          "\">\n<style>text{font:12px system-ui,sans-serif;fill:#444}.head{font-weight:600}.in{fill:#111}"
          "@media(prefers-color-scheme:dark){text{fill:#bbb}.in{fill:#111}}</style>\n<title>");
      escaped(title_);
      out_.text("</title>\n");
    } else {
      out_.text(">\n");
    }
  }

  void open_text(unsigned x, unsigned y, const pvhboot::string_ref& kind) const {
    out_.text("<text");
    attribute("x", x);
    attribute("y", y);
    out_.text(" class=\"");
    out_.text(kind);
    out_.text("\">");
  }
  void rectangle(unsigned x, unsigned y, unsigned width, unsigned height, const mark& m) const {
    out_.text("<rect");
    attribute("x", x);
    attribute("y", y);
    attribute("width", width);
    attribute("height", height);
    out_.text(" fill=\"");
    out_.text(colour_of(m));
    out_.text("\"/>");
  }
  void open_mark(const mark& m) const {
    out_.text("<g class=\"mark\"");
    attribute("data-address", m.address);
    attribute("data-size", m.size);
    out_.text("><title>");
    describe(m);
    out_.text("</title>");
  }
  void close_mark() const { out_.text("</g>\n"); }

  void write_head(const region& r) {
    y_ += line;
    open_text(margin, y_ - 5, "head");
    write_interval(out_, r.first, r.last);
    out_.text("</text>\n");
  }

  void write_bar(const region& r) {
    for (const mark& m : layout_.marks()) {
      if (!m.is_of_map() || !r.meets(m)) continue;
      const cells at = picture_layout::place(m, r, bar_width_);
      const unsigned width = at.to - at.from + 1;
      open_mark(m);
      rectangle(margin + at.from, y_, width > 1 ? width : 2, bar, m);
      if (width > (m.label.size() + 2) * character) {
        open_text(margin + at.from + character, y_ + bar / 2 + 4, "in");
        escaped(m.label);
        out_.text("</text>");
      }
      close_mark();
    }
    y_ += bar + 6;
  }

  /// The text is on the side of the mark that has more room. A narrow picture has room for the label alone.
  void write_things(const region& r) {
    for (const mark& m : layout_.marks()) {
      if (m.is_of_map() || !r.meets(m)) continue;
      const cells at = picture_layout::place(m, r, bar_width_);
      const unsigned width = at.to - at.from + 1 > 3 ? at.to - at.from + 1 : 3;
      const bool is_right = at.from < bar_width_ - at.to;
      open_mark(m);
      rectangle(margin + at.from, y_ + 2, width, thing_height, m);
      out_.text(is_right ? pvhboot::string_ref{"<text"} : "<text text-anchor=\"end\"");
      attribute("x", is_right ? margin + at.from + width + 6 : margin + at.from - 6);
      attribute("y", y_ + 11);
      out_.text(" class=\"thing\">");
      if (bar_width_ >= wide)
        describe(m);
      else
        escaped(m.label);
      out_.text("</text>");
      close_mark();
      y_ += line;
    }
  }

  void write_list(const region& r) {
    unsigned ranges = 0, i = 0;
    for (const mark& m : layout_.marks())
      if (m.is_of_map() && r.meets(m)) ++ranges;
    const unsigned rows = rows_for(ranges);
    if (rows == 0) return;
    for (const mark& m : layout_.marks()) {
      if (!m.is_of_map() || !r.meets(m)) continue;
      const unsigned x = margin + i / rows * (bar_width_ / columns());
      const unsigned y = y_ + i % rows * line;
      rectangle(x, y + 3, 9, 9, m);
      open_text(x + 15, y + 12, "range");
      describe(m);
      out_.text("</text>\n");
      ++i;
    }
    y_ += rows * line;
  }

  const text_sink& out_;
  const picture_layout& layout_;
  unsigned bar_width_;
  pvhboot::string_ref title_;
  bool alone_;
  unsigned y_ = margin;
};

}  // namespace tool::document
