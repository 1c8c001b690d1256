// SPDX-License-Identifier: BSL-1.0
//
// The inspector as a WebAssembly module, for the page in this folder: a file is put into its memory, and it answers
// with the documents and pictures of ../document. It imports nothing.
//
// The page calls prepare(size), writes the file to the address that it gets, and then inspect and structures as often
// as it changes bytes there. Text is at output(), output_size() bytes. A module serves one file.
#include "../document/core_file.hpp"
#include "../document/inspect.hpp"
#include "../document/picture_svg.hpp"
#include "../document/places.hpp"
#include "heap.hpp"
#include "structures.hpp"

namespace {

using pvhboot::memory_window;
using pvhboot::span;
using tool::dump_memory;
using namespace tool::document;
using web::heap;
using web::list;

span<uint8_t> file;
pvhboot::string_ref format;  ///< of a dump
list<char> text;
list<memory_window> pieces;
list<uint64_t> start_infos, zero_pages;
list<web::range> kept;
list<mark> marks;
list<char> labels;

text_sink output_sink() {
  return {[](void*, const char* chars, size_t n) {
            for (size_t i = 0; i < n; ++i) text.push(chars[i]);
          },
          nullptr};
}

dump_memory memory() { return {pieces.data(), pieces.size()}; }

/// One scratch area for all handoffs, which need it one after the other.
constexpr auto scratch = [](size_t slots, const auto& use) {
  static list<pvhboot::memory_range> ranges;
  static list<pvhboot::sweep_slot> sweep;
  ranges.resize(slots);
  sweep.resize(slots);
  pvhboot::memory_map map{{ranges.data(), slots}, {sweep.data(), slots}};
  use(map);
};

bool read_pieces(uint64_t base) {
  if (tool::recognise(file) == tool::kind::raw) {
    format = "raw memory";
    if (file.empty()) return true;
    if (file.size() - 1 > ~base) {
      write_ends_above(output_sink(), file.size(), base);
      return false;
    }
    pieces.push({base, file});
    return true;
  }
  const auto add = [](uint64_t paddr, const span<const uint8_t>& bytes) {
    if (pieces.empty() || !tool::join(pieces.last(), paddr, bytes)) pieces.push({paddr, bytes});
  };
  format = read_core(file, add, output_sink());
  if (format.absent()) return false;
  list<memory_window> spare;
  spare.resize(pieces.size());
  pieces.resize(tool::arrange({pieces.data(), pieces.size()}, {spare.data(), spare.size()}));
  return true;
}

bool find_all() {
  constexpr size_t page = 4096;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const memory_window piece = pieces[i];
    for (size_t at = 0; at < piece.contents.size(); at += page) {
      find_places(
          memory(), piece.base + at, piece.contents.after(at).first(page + overhang),
          [](uint64_t paddr) { start_infos.push(paddr); }, [](uint64_t paddr) { zero_pages.push(paddr); });
      if (start_infos.size() + zero_pages.size() <= place_limit) continue;
      write_too_many_places(output_sink());
      return false;
    }
  }
  return true;
}

}  // namespace

#define EXPORT(name) extern "C" [[clang::export_name(#name)]]

/// Room for a file, filled with zeroes.
EXPORT(prepare) uint8_t* prepare(size_t size) {
  uint8_t* const at = heap::take(size);
  file = {at, size};
  return at;
}

/// Writes the document, or returns false and writes a sentence. `start_info` is an address if `has_start_info`.
EXPORT(inspect) bool inspect(uint64_t base, bool has_start_info, uint64_t start_info) {
  text.clear();
  start_infos.clear();
  zero_pages.clear();
  pieces.clear();
  const tool::kind k = tool::recognise(file);
  if (k == tool::kind::core || k == tool::kind::raw) {
    if (!read_pieces(base)) return false;
    if (has_start_info)
      start_infos.push(start_info);
    else if (!find_all())
      return false;
  }
  json_writer json{output_sink()};
  write_inspect(json, file, "", scratch, [&](json_writer& out) {
    write_memory(out, format, memory(), {start_infos.data(), start_infos.size()},
                 {zero_pages.data(), zero_pages.size()}, scratch);
  });
  return true;
}

EXPORT(output) const char* output() { return text.data(); }
EXPORT(output_size) size_t output_size() { return text.size(); }

/// Where n bytes of guest memory lie in the file; -1 if they do not lie there in one piece.
EXPORT(offset_of) int64_t offset_of(uint64_t paddr, uint64_t n) {
  const uint8_t* const at = memory().bytes(paddr, n);
  return at == nullptr ? -1 : at - file.data();
}

/// The parts of the file that the document comes from: pairs of offset and size, ascending and apart. Returns how many.
EXPORT(structures) size_t structures() {
  kept.clear();
  web::structures of{file, memory(), kept};
  of.add_all({start_infos.data(), start_infos.size()}, {zero_pages.data(), zero_pages.size()});
  return kept.size();
}
EXPORT(structure_table) const web::range* structure_table() { return kept.data(); }

/// A picture is made of marks: first clear_marks, then add_mark for each, whose label is at label_room(size).
EXPORT(clear_marks) void clear_marks() {
  marks.clear();
  labels.clear();
}
EXPORT(label_room) char* label_room(size_t size) {
  labels.resize(size);
  return labels.data();
}
EXPORT(add_mark) void add_mark(uint64_t address, uint64_t size, uint32_t type) {
  auto* const label = reinterpret_cast<char*>(heap::take(labels.size()));
  for (size_t i = 0; i < labels.size(); ++i) label[i] = labels[i];
  marks.push({address, size, {label, labels.size()}, pvhboot::memory_type{type}});
}
EXPORT(draw) void draw(unsigned width) {
  text.clear();
  list<mark> spare;
  list<region> regions;
  spare.resize(marks.size());
  regions.resize(picture_layout::regions_for(marks.size()));
  const picture_layout layout{
      {marks.data(), marks.size()}, {spare.data(), spare.size()}, {regions.data(), regions.size()}};
  const text_sink sink = output_sink();
  picture_svg{sink, layout, width, "", false}.write();
}
