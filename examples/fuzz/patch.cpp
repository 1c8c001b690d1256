// SPDX-License-Identifier: BSL-1.0
//
// The note of any file: set and then found, removed and then not found. A call that fails changes nothing, and one that
// succeeds changes nothing but notes, program headers of notes, the place and number of program headers, and zeroes
// that nothing uses.
//
// Input: number entry, u8 room after the file (in steps of 8 bytes), then the file.
#include <algorithm>

#include <pvhboot/pvh/patch_note.hpp>

#include "harness.hpp"
#include "structures.hpp"

namespace {

using namespace fuzz;
using pvhboot::elf_image;
using pvhboot::elf_segment;
using pvhboot::find_phys32_entry;
using pvhboot::parse_elf;
using pvhboot::remove_phys32_entry;
using pvhboot::segment_type;
using pvhboot::set_phys32_entry;

using bytes = std::vector<uint8_t>;

/// Which bytes of the file a patch may change: 1, or 2 if only zeroes.
bytes changeable(span<const uint8_t> file, const elf_image& image, bool to_set) {
  bytes may(file.size(), to_set ? 2 : 0);
  const auto mark = [&](uint64_t from, uint64_t n, uint8_t what) {
    for (uint64_t i = from; i < from + n && i < may.size(); ++i) may[static_cast<size_t>(i)] = what;
  };
  const bool wide = image.file_class() == pvhboot::elf_class::elf64;
  const uint64_t size = wide ? 56 : 32;
  for (uint64_t i = 0; i < image.program_headers(); ++i) {
    const elf_segment s = image.program_header(i);
    if (s.type != segment_type::null && s.offset < file.size())
      mark(s.offset, std::min<uint64_t>(s.filesz, 0x10000), 0);
  }
  for (const pvhboot::elf_note& n : pvhboot::image_notes{image}) {
    if (!n.is("Xen", 18)) continue;
    mark(n.offset + 8, 4, 1);
    if (to_set && !n.desc.empty()) mark(static_cast<uint64_t>(n.desc.begin() - file.begin()), n.desc.size(), 1);
  }
  mark(0, wide ? 64 : 52, 0);
  mark(image.program_header_offset(0), size * image.program_headers(), 0);
  if (to_set) {
    mark(wide ? 32 : 28, wide ? 8 : 4, 1);
    mark(wide ? 56 : 44, 2, 1);
    for (uint64_t i = 0; i < image.program_headers(); ++i) {
      const segment_type type = image.program_header(i).type;
      if (type == segment_type::null) mark(image.program_header_offset(i), size, 1);
      if (type == segment_type::note) mark(image.program_header_offset(i) + (wide ? 48 : 28), wide ? 8 : 4, 1);
    }
  }
  return may;
}

void check_changes(const bytes& before, const bytes& after, size_t size, const bytes& may) {
  for (size_t i = 0; i < size; ++i) LAW(before[i] == after[i] || may[i] == 1 || (may[i] == 2 && before[i] == 0));
}

size_t xen_entries(const elf_image& image) {
  size_t n = 0;
  for (const pvhboot::elf_note& note : pvhboot::image_notes{image}) n += note.is("Xen", 18);
  return n;
}

/// A PT_PHDR says where the program headers are, and how many.
bool describes_its_table(const elf_image& image) {
  for (uint64_t i = 0; i < image.program_headers(); ++i)
    if (image.program_header(i).type == segment_type::phdr) return true;
  return false;
}

void check_set(const bytes& file, uint32_t entry, size_t room) {
  const auto image = parse_elf(file);
  bytes buffer = file;
  buffer.resize(file.size() + room, 0xee);
  const bytes before = buffer;
  const auto size = set_phys32_entry(buffer, file.size(), entry);
  if (!size) {
    LAW(buffer == before);
    law_failure(size.error());
    LAW(image.ok() || size.error().code == image.error().code);
    if (size.error().code != errc::note_no_room) return;
    LAW(size.error().where > buffer.size() && size.error().where < buffer.size() + 0x4000);
    bytes enough = file;
    enough.resize(static_cast<size_t>(size.error().where));
    LAW(set_phys32_entry(enough, file.size(), entry).value_or(0) == enough.size());
    return;
  }
  LAW(image.ok() && *size >= file.size() && *size <= buffer.size());
  check_changes(before, buffer, file.size(), changeable(file, *image, true));
  for (size_t i = *size; i < buffer.size(); ++i) LAW(buffer[i] == 0xee);

  const span<const uint8_t> result = span<const uint8_t>{buffer}.first(*size);
  const auto patched = parse_elf(result);
  LAW(patched.ok() && patched->base() == image->base() && patched->size() == image->size());
  LAW(patched->segments().size() == image->segments().size() && patched->entry() == image->entry());
  if (describes_its_table(*image))
    LAW(patched->program_header_offset(0) == image->program_header_offset(0) &&
        patched->program_headers() == image->program_headers());
  const auto found = find_phys32_entry(*patched);
  LAW(found && found->paddr == entry && !found->differs && found->origin == pvhboot::note_origin::segment);

  bytes again(result.begin(), result.end());
  LAW(set_phys32_entry(again, again.size(), entry).value_or(0) == *size);
  LAW(std::equal(again.begin(), again.end(), result.begin()));
  LAW(remove_phys32_entry(again).value_or(0) == found->notes);
}

void check_remove(const bytes& file) {
  const auto image = parse_elf(file);
  bytes buffer = file;
  const auto removed = remove_phys32_entry(buffer);
  if (!removed) {
    LAW(buffer == file && (image.ok() || image.error().code == removed.error().code));
    return;
  }
  LAW(image.ok() && *removed == xen_entries(*image));
  check_changes(file, buffer, file.size(), changeable(file, *image, false));
  const auto without = parse_elf(buffer);
  LAW(without.ok() && xen_entries(*without) == 0 && !find_phys32_entry(*without));
  LAW(remove_phys32_entry(buffer).value_or(9) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  const auto entry = static_cast<uint32_t>(in.number());
  const size_t room = size_t{8} * in.u8();
  if (!may_read(in.rest())) return 0;
  const bytes file(in.rest().begin(), in.rest().end());
  check_set(file, entry, room);
  check_remove(file);
  // An entry that there is, for more files.
  if (const auto image = parse_elf(file)) {
    const elf_segment& s = image->segments()[0];
    check_set(file, static_cast<uint32_t>(s.paddr), room);
  }
  return 0;
}

std::vector<fuzz::structure> fuzz::structures_of(const uint8_t* data, size_t size) {
  input in{data, size};
  structure_list list{data, size};
  in.number();
  in.u8();
  add_elf(list, list.offset_of(in));
  return list.found();
}
