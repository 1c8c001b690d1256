// SPDX-License-Identifier: BSL-1.0
#include "dump.hpp"

#include <algorithm>

#include "document/core_file.hpp"
#include "document/places.hpp"
#include "document_text.hpp"
#include "file.hpp"

namespace tool {

using pvhboot::memory_window;
using pvhboot::span;

void dump::add(uint64_t paddr, span<const uint8_t> bytes) {
  if (pieces_.empty() || !join(pieces_.back(), paddr, bytes)) pieces_.push_back({paddr, bytes});
}

dump dump::raw(span<const uint8_t> file, uint64_t base) {
  dump d;
  d.file_ = file;
  d.format_ = "raw memory";
  if (file.empty()) return d;
  std::string problem;
  if (file.size() - 1 > ~base) {
    document::write_ends_above(sink_of(problem), file.size(), base);
    throw bad_input(problem);
  }
  d.add(base, file);
  return d;
}

dump dump::core(span<const uint8_t> file) {
  dump d;
  d.file_ = file;
  std::string problem;
  const auto add = [&](uint64_t paddr, const span<const uint8_t>& bytes) { d.add(paddr, bytes); };
  d.format_ = document::read_core(file, add, sink_of(problem));
  if (!problem.empty()) throw bad_input(problem);
  std::vector<memory_window> spare(d.pieces_.size());
  d.pieces_.resize(arrange({d.pieces_.data(), d.pieces_.size()}, {spare.data(), spare.size()}));
  return d;
}

dump::places dump::find(const marked_pages* marked) const {
  constexpr size_t ahead = size_t{4} << 20;
  places found;
  uint64_t whole = 0;
  for (const memory_window& piece : pieces_) whole += piece.contents.size();
  progress shown{whole};
  for (const memory_window& piece : pieces_) {
    const uint8_t* const begin = piece.contents.data();
    const size_t size = piece.contents.size();
    for (size_t at = 0; at < size; at += scan_page) {
      const size_t n = std::min<size_t>(scan_page, size - at);
      shown.add(n);
      if (marked == nullptr && at % ahead == 0) prefetch(piece.contents.after(at).first(ahead));
      const span<const uint8_t> page{begin + at, std::min<size_t>(scan_page + document::overhang, size - at)};
      if (marked != nullptr ? marked->meets(static_cast<uint64_t>(page.data() - file_.data()), n)
                            : !is_zero(page) && has_magic(page))
        look_at(piece.base + at, page, found);
    }
  }
  return found;
}

/// Adds what a page has.
void dump::look_at(uint64_t paddr, span<const uint8_t> page, places& found) const {
  document::find_places(
      memory(), paddr, page, [&](uint64_t at) { found.start_info.push_back(at); },
      [&](uint64_t at) { found.zero_pages.push_back(at); });
  if (found.start_info.size() + found.zero_pages.size() <= document::place_limit) return;
  std::string problem;
  document::write_too_many_places(sink_of(problem));
  throw bad_input(problem);
}

}  // namespace tool
