// SPDX-License-Identifier: BSL-1.0
//
// Where the ranges of a memory map lie in a picture of it, for the terminal and for SVG.
//
// Memory is cut into regions at gaps larger than what lies around them, so that the first MiB stays visible beside 64
// GiB. Within a region everything is to scale.
#pragma once

#include <pvhboot/core/memory_range.hpp>
#include <pvhboot/core/sort.hpp>

#include "text_sink.hpp"

namespace tool::document {

/// A range of the picture: of the memory map, or something that lies in it.
struct mark {
  uint64_t address = 0;
  uint64_t size = 0;
  pvhboot::string_ref label{};  ///< of the caller
  pvhboot::memory_type type{};  ///< of the map; 0: not of the map

  [[nodiscard]] uint64_t last() const { return address + (size - 1); }
  [[nodiscard]] bool is_of_map() const { return type != pvhboot::memory_type{}; }
};

/// Part of the address space with its own scale: [first, last].
struct region {
  uint64_t first;
  uint64_t last;

  [[nodiscard]] bool meets(const mark& m) const { return m.address <= last && m.last() >= first; }
};

/// The cells [from, to] of a row.
struct cells {
  unsigned from;
  unsigned to;
};

/// Sorts the marks of a picture and cuts them into regions, in storage of the caller.
class picture_layout {
 public:
  static constexpr size_t regions_for(size_t marks) { return 2 * marks; }

  /// `spare` has as many slots as `marks`, `regions` regions_for as many. Marks that are empty or reach beyond 2^64 are
  /// left out.
  picture_layout(pvhboot::span<mark> marks, pvhboot::span<mark> spare, pvhboot::span<region> regions)
      : regions_(regions) {
    size_t n = 0;
    for (const mark& m : marks)
      if (m.size != 0 && m.size - 1 <= ~m.address) marks[n++] = m;
    marks_ = marks.first(n);
    pvhboot::merge_sort(
        n, [&](size_t i) -> mark& { return marks_[i]; }, [&](size_t i) -> mark& { return spare[i]; },
        [](const mark& a, const mark& b) noexcept { return a.address < b.address; });
    for (const mark& m : marks_) add(m);
  }

  [[nodiscard]] pvhboot::span<const mark> marks() const { return {marks_.data(), marks_.size()}; }
  [[nodiscard]] pvhboot::span<const region> regions() const { return {regions_.data(), count_}; }

  /// What a mark covers of a row of `width` cells that shows a region which it meets; at least one cell.
  static cells place(const mark& m, const region& r, unsigned width) {
    const double scale = static_cast<double>(width) / (static_cast<double>(r.last - r.first) + 1);
    const uint64_t first = m.address > r.first ? m.address - r.first : 0;
    const uint64_t last = (m.last() < r.last ? m.last() : r.last) - r.first;
    const auto cell = [&](uint64_t at) {
      const auto i = static_cast<unsigned>(static_cast<double>(at) * scale);
      return i < width ? i : width - 1;
    };
    return {cell(first), cell(last)};
  }

 private:
  static constexpr uint64_t mib = 1 << 20;

  region& top() { return regions_[count_ - 1]; }
  void start(uint64_t first, uint64_t last) { regions_[count_++] = {first, last}; }
  void extend(uint64_t last) {
    if (last > top().last) top().last = last;
  }

  /// A new region begins above 1 MiB, and after a hole that is wider than a quarter of the region before it.
  void add(const mark& m) {
    const uint64_t last = m.last();
    if (m.address < mib && last >= mib) {  // the low megabyte has a scale of its own
      if (count_ == 0) start(m.address, mib - 1);
      extend(mib - 1);
      start(mib, last);
      return;
    }
    const bool starts = count_ == 0 || (m.address >= mib && top().last < mib) ||
                        (m.address > top().last && m.address - top().last > (top().last - top().first) / 4 + mib);
    if (starts)
      start(m.address, last);
    else
      extend(last);
  }

  pvhboot::span<mark> marks_{};
  pvhboot::span<region> regions_;
  size_t count_ = 0;
};

/// "639 KiB".
inline void write_size(const text_sink& out, uint64_t n) {
  constexpr pvhboot::string_ref units[] = {" bytes", " KiB", " MiB", " GiB", " TiB"};
  size_t unit = 0;
  while (n >= 1024 && n % 1024 == 0 && unit + 1 < sizeof units / sizeof units[0]) {
    n /= 1024;
    ++unit;
  }
  out.decimal(n);
  out.text(units[unit]);
}

/// "[0x0, 0x9fbff]".
inline void write_interval(const text_sink& out, uint64_t first, uint64_t last) {
  out.one('[');
  out.hex(first);
  out.text(", ");
  out.hex(last);
  out.one(']');
}

}  // namespace tool::document
