// SPDX-License-Identifier: BSL-1.0
//
// What readers do with any file: there is a verdict, a file without a note is entered nowhere, and a file in which
// nothing is odd is entered by all readers where the note says.
//
// Input: number shift, then the file.
#include <algorithm>

#include <pvhboot/pvh/explain.hpp>

#include "harness.hpp"
#include "structures.hpp"

namespace {

using namespace fuzz;
using pvhboot::image_outcome;
using pvhboot::image_reader;
using pvhboot::image_reason;
using pvhboot::image_verdict;

/// The bytes of this word are somewhere in the file.
bool has_word(span<const uint8_t> file, uint32_t word) {
  uint8_t bytes[4];
  for (unsigned i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(word >> 8 * i);
  return std::search(file.begin(), file.end(), std::begin(bytes), std::end(bytes)) != file.end();
}

/// The entry of a file in which no reader finds fault; 0 for any other.
uint32_t plain_entry(span<const uint8_t> file) {
  const auto image = pvhboot::parse_elf(file);
  if (!image || image->file_class() != pvhboot::elf_class::elf64 || has_word(file, 0x1badb002) ||
      has_word(file, 0x53726448) || image->entry() < 0x100000)
    return 0;
  const uint64_t flags = little_endian(file.data() + 48, 4), phoff = little_endian(file.data() + 32, 8),
                 shoff = little_endian(file.data() + 40, 8), shnum = little_endian(file.data() + 60, 2),
                 phnum = little_endian(file.data() + 56, 2);
  if (flags != 0 || phoff < 64 || shoff != 0 || shnum != 0 || phnum == 0xffff) return 0;
  size_t notes = 0;
  for (uint64_t i = 0; i < image->program_headers(); ++i) {
    const pvhboot::elf_segment s = image->program_header(i);
    if (s.type == pvhboot::segment_type::load && ((s.flags & 7) == 0 || s.memsz == 0)) return 0;
    if (s.type != pvhboot::segment_type::note) continue;
    if (s.offset == 0 || s.align != 4 || image->contents_of(s).size() != s.filesz) return 0;
    ++notes;
  }
  const auto entry = pvhboot::find_phys32_entry(*image);
  // QEMU reads eight bytes of the descriptor, which here may be the last four of the file.
  constexpr uint64_t note_size = 12 + 4 + 8;
  const bool is_plain = entry && notes == 1 && entry->notes == 1 && entry->foreign == 0 && entry->damage &&
                        file.size() - entry->offset >= note_size;
  return is_plain ? entry->paddr : 0;
}

void check(span<const uint8_t> file, uint64_t shift) {
  const bool may_have_note = has_word(file, 18);
  const uint32_t plain = plain_entry(file);
  for (size_t i = 0; i < pvhboot::image_readers; ++i) {
    const auto who = static_cast<image_reader>(i);
    const image_verdict v = explain(file, who);
    const image_verdict moved = explain(file, who, {.shift = shift});
    const bool by_linux_loader = who >= image_reader::linux_loader;
    LAW(by_linux_loader || (moved.outcome == v.outcome && moved.reason == v.reason && moved.entry == v.entry));
    LAW(!by_linux_loader || shift == 0 || moved.outcome != image_outcome::enters);
    LAW(v.outcome <= image_outcome::undefined && name(v.outcome) != "unknown" && message(v.reason) != "unknown" &&
        source(v.reason) != "unknown");
    const bool starts = v.outcome == image_outcome::enters || v.outcome == image_outcome::other_protocol;
    LAW(starts || v.entry == 0);
    LAW(v.reason != image_reason::as_the_note_says || v.outcome == image_outcome::enters);
    if (v.outcome == image_outcome::enters) {
      LAW(v.reason == image_reason::firmware ? who == image_reader::xen_toolstack
                                             : may_have_note && v.entry <= 0xffffffff);
      LAW(file.size() >= 52 && little_endian(file.data(), 4) == 0x464c457f);
    }
    if (v.reason == image_reason::as_the_note_says)
      if (const auto image = pvhboot::parse_elf(file))
        if (const auto entry = pvhboot::find_phys32_entry(*image)) LAW(entry->paddr == v.entry);
    if (plain != 0) LAW(v.reason == image_reason::as_the_note_says && v.entry == plain);
  }
  // A number past the last reader has a verdict, too, but no name. Nor has a number past the last outcome.
  constexpr auto past_readers = static_cast<image_reader>(pvhboot::image_readers);
  const image_outcome outcome = explain(file, past_readers).outcome;
  LAW(outcome <= image_outcome::undefined && name(past_readers) == "unknown");
  constexpr unsigned outcomes = static_cast<unsigned>(image_outcome::undefined) + 1;
  LAW(name(static_cast<image_outcome>(static_cast<unsigned>(outcome) + outcomes)) == "unknown");
  const span<const uint8_t> payload = pvhboot::explain_payload(file);
  LAW(payload.empty() || (payload.begin() >= file.begin() && payload.end() <= file.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  const uint64_t shift = in.number();
  if (!may_read(in.rest())) return 0;
  const auto block = exact_copy(in.rest());
  check({block.get(), in.rest().size()}, shift);
  return 0;
}

std::vector<fuzz::structure> fuzz::structures_of(const uint8_t* data, size_t size) {
  input in{data, size};
  structure_list list{data, size};
  in.number();
  add_elf(list, list.offset_of(in));
  return list.found();
}
