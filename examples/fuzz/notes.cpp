// SPDX-License-Identifier: BSL-1.0
//
// elf_notes on any bytes, beside a reader of its own; what was found is written again and found again.
//
// Input: u8 p_align (its low 4 bits as a power of two, 0 for none), then the segment's contents.
#include <algorithm>

#include <pvhboot/producer.hpp>

#include "harness.hpp"
#include "structures.hpp"

namespace {

using namespace fuzz;
using pvhboot::elf_note;
using pvhboot::elf_notes;

struct plain_note {
  uint64_t offset, name_at, name_size, desc_at, desc_size, type;
};
struct walk {
  std::vector<plain_note> notes;
  errc damage{};  ///< 0: none
  uint64_t damaged_at = 0;
};

uint64_t round_up(uint64_t n, uint64_t to) { return n % to == 0 ? n : n + (to - n % to); }

/// The notes of a segment, read without the library.
walk walk_notes(span<const uint8_t> bytes, uint64_t padding) {
  walk w;
  for (uint64_t at = 0; bytes.size() - at >= 12;) {
    const uint8_t* p = bytes.data() + at;
    plain_note n{at, at + 12, little_endian(p, 4), 0, little_endian(p + 4, 4), little_endian(p + 8, 4)};
    n.desc_at = round_up(n.name_at + n.name_size, padding);
    w.damaged_at = at;
    if (n.name_at + n.name_size > bytes.size()) return w.damage = errc::note_name_outside, w;
    if (n.desc_size != 0 && n.desc_at + n.desc_size > bytes.size()) return w.damage = errc::note_desc_outside, w;
    w.notes.push_back(n);
    at = std::min<uint64_t>(round_up(n.desc_at + n.desc_size, padding), bytes.size());
  }
  return w;
}

void check_note(const elf_note& note, const plain_note& plain, span<const uint8_t> bytes) {
  LAW(note.offset == plain.offset && note.type == plain.type && note.name_size == plain.name_size);
  LAW(note.desc.size() == plain.desc_size && note.origin == pvhboot::note_origin::segment);
  if (plain.desc_size != 0) LAW(note.desc.data() == bytes.data() + plain.desc_at);
  const bool has_nul = plain.name_size != 0 && bytes[plain.name_at + plain.name_size - 1] == 0;
  LAW(note.name.size() == plain.name_size - (has_nul ? 1 : 0));
  for (size_t i = 0; i < note.name.size(); ++i) LAW(static_cast<uint8_t>(note.name[i]) == bytes[plain.name_at + i]);
  const bool is_xen = plain.name_size == 4 && std::memcmp(bytes.data() + plain.name_at, "Xen", 4) == 0;
  LAW(note.is_named("Xen") == is_xen && note.is("Xen", 18) == (is_xen && plain.type == 18));

  const auto entry = pvhboot::read_phys32_entry(note);
  const bool sized = plain.desc_size == 4 || plain.desc_size == 8;
  const uint64_t value = sized ? little_endian(note.desc.data(), static_cast<unsigned>(plain.desc_size)) : 0;
  LAW(entry.ok() == (value != 0 && value < 0xffffffff));
  if (entry) LAW(*entry == value);
}

void put(std::vector<uint8_t>& to, uint64_t word) {
  for (unsigned i = 0; i < 4; ++i) to.push_back(static_cast<uint8_t>(word >> 8 * i));
}

/// The same notes, padded to 4 bytes.
std::vector<uint8_t> written(const std::vector<plain_note>& notes, span<const uint8_t> bytes) {
  std::vector<uint8_t> all;
  for (const plain_note& n : notes) {
    put(all, n.name_size);
    put(all, n.desc_size);
    put(all, n.type);
    for (uint64_t i = 0; i < n.name_size; ++i) all.push_back(bytes[n.name_at + i]);
    all.resize(round_up(all.size(), 4));
    for (uint64_t i = 0; i < n.desc_size; ++i) all.push_back(bytes[n.desc_at + i]);
    all.resize(round_up(all.size(), 4));
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  const unsigned power = in.u8() % 16;
  const uint64_t align = power == 0 ? 0 : uint64_t{1} << power;
  if (in.rest().size() > 0x10000) return 0;  // the search for a padding has a limit that is not modelled here
  const auto block = exact_copy(in.rest());
  const span<const uint8_t> bytes{block.get(), in.rest().size()};

  const walk by_4 = walk_notes(bytes, 4);
  const walk by_8 = walk_notes(bytes, 8);
  const bool eight = align == 8 && by_4.damage != errc{} && by_8.damage == errc{};
  const walk& real = eight ? by_8 : by_4;

  const elf_notes notes{bytes, align};
  LAW(notes.padding() == (eight ? 8 : 4));
  auto it = notes.begin();
  for (const plain_note& n : real.notes) {
    LAW(!it.at_end() && it != notes.end());
    check_note(*it, n, bytes);
    const auto same = it++;
    LAW(same->offset == n.offset && same != it && same == elf_notes::iterator{same});
  }
  LAW(it.at_end() && it == notes.end());
  LAW(it.damage().ok() == (real.damage == errc{}) && notes.check().ok() == it.damage().ok());
  if (auto sound = it.damage(); !sound)
    LAW(sound.error().code == real.damage && sound.error().where == real.damaged_at);
  const elf_notes elsewhere{bytes, align, 0x1000};
  if (!real.notes.empty()) LAW(elsewhere.begin()->offset == 0x1000);

  const std::vector<uint8_t> again = written(real.notes, bytes);
  size_t i = 0;
  for (const elf_note& note : elf_notes{again}) {
    LAW(i < real.notes.size());
    const plain_note& n = real.notes[i++];
    LAW(note.type == n.type && note.name_size == n.name_size && note.desc.size() == n.desc_size);
    LAW(n.desc_size == 0 || std::memcmp(note.desc.data(), bytes.data() + n.desc_at, n.desc_size) == 0);
  }
  LAW(i == real.notes.size() && elf_notes{again}.check().ok());
  return 0;
}

std::vector<fuzz::structure> fuzz::structures_of(const uint8_t* data, size_t size) {
  structure_list list{data, size};
  add_notes(list, 1, size);
  return list.found();
}
