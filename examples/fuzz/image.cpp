// SPDX-License-Identifier: BSL-1.0
//
// A kernel file from parse_elf to guest memory, beside readers and choosers of their own: what is accepted can be
// loaded into memory that covers it, byte for byte; a base is one of those that are allowed; a file that changes after
// it was checked leads nowhere.
//
// Input: u8 what is odd about the memory (bit 0: one byte is missing), u16 where, u16 size of its pieces, number shift,
// u64 random, u8 n, n ranges, then the file.
#include "image_loading.hpp"
#include "structures.hpp"

namespace {

using namespace fuzz;
using pvhboot::memory_map;
using pvhboot::phys32_reloc;

/// Fields of the file by their offsets in the gABI, read without the library.
struct reference {
  span<const uint8_t> file;
  bool is_64 = file[4] == 2;

  [[nodiscard]] uint64_t number(uint64_t at, unsigned n) const { return little_endian(file.data() + at, n); }
  [[nodiscard]] uint64_t address(uint64_t at, uint64_t in_32, uint64_t in_64) const {
    return is_64 ? number(at + in_64, 8) : number(at + in_32, 4);
  }
  [[nodiscard]] elf_segment program_header(uint64_t at) const {
    return {.type = pvhboot::segment_type{static_cast<uint32_t>(number(at, 4))},
            .flags = static_cast<uint32_t>(number(at + (is_64 ? 4 : 24), 4)),
            .offset = address(at, 4, 8),
            .vaddr = address(at, 8, 16),
            .paddr = address(at, 12, 24),
            .filesz = address(at, 16, 32),
            .memsz = address(at, 20, 40),
            .align = address(at, 28, 48)};
  }
  /// e_phnum, or section header 0's sh_info.
  [[nodiscard]] uint64_t program_headers() const {
    const uint64_t n = number(is_64 ? 56 : 44, 2);
    if (address(0, 28, 32) == 0) return 0;
    return n != 0xffff ? n : number(address(0, 32, 40) + (is_64 ? 44 : 28), 4);
  }
  [[nodiscard]] std::vector<elf_segment> segments(uint32_t type) const {
    std::vector<elf_segment> all;
    for (uint64_t i = 0; i < program_headers(); ++i) {
      const elf_segment s = program_header(address(0, 28, 32) + i * (is_64 ? 56 : 32));
      if (s.type == pvhboot::segment_type{type}) all.push_back(s);
    }
    return all;
  }
};

/// A table of n entries, or n bytes, at this offset.
bool lies_in(span<const uint8_t> file, uint64_t offset, uint64_t n, uint64_t entry_size) {
  return offset <= file.size() && n <= (file.size() - offset) / entry_size;
}

/// What parse_elf must make of this file; 0: accept it.
errc expected(span<const uint8_t> file) {
  if (file.size() < 16) return errc::elf_too_short;
  if (little_endian(file.data(), 4) != 0x464c457f) return errc::elf_no_magic;
  if (file[4] != 1 && file[4] != 2) return errc::elf_bad_class;
  if (file[5] != 1) return errc::elf_not_little_endian;
  const reference real{file};
  if (file.size() < (real.is_64 ? 64u : 52u)) return errc::elf_too_short;
  const uint64_t machine = real.number(18, 2);
  if (machine != 3 && machine != 62) return errc::elf_bad_machine;
  const uint64_t size = real.is_64 ? 56 : 32;
  const uint64_t phoff = real.address(0, 28, 32);
  const uint64_t shoff = real.address(0, 32, 40);
  uint64_t phnum = phoff == 0 ? 0 : real.number(real.is_64 ? 56 : 44, 2);
  if (phnum == 0) return errc::elf_nothing_to_load;
  if (real.number(real.is_64 ? 54 : 42, 2) != size) return errc::elf_bad_phentsize;
  if (phnum == 0xffff) {
    const uint64_t section = real.is_64 ? 64 : 40;
    if (shoff == 0 || real.number(real.is_64 ? 58 : 46, 2) != section || !lies_in(file, shoff, 1, section))
      return errc::elf_bad_phnum;
    phnum = real.program_headers();
  }
  if (!lies_in(file, phoff, phnum, size)) return errc::elf_phdrs_outside;
  std::vector<elf_segment> loads;
  for (const elf_segment& s : real.segments(1)) {
    if (s.filesz == 0 && s.memsz == 0) continue;
    if (s.filesz > s.memsz) return errc::elf_segment_too_small;
    if (s.filesz != 0 && !lies_in(file, s.offset, s.filesz, 1)) return errc::elf_segment_outside;
    if (s.paddr + s.memsz < s.paddr) return errc::elf_segment_wraps;
    for (const elf_segment& other : loads)
      if (s.paddr < other.paddr + other.memsz && other.paddr < s.paddr + s.memsz) return errc::elf_segments_overlap;
    if (loads.size() == 32) return errc::elf_too_many_segments;
    loads.push_back(s);
  }
  return loads.empty() ? errc::elf_nothing_to_load : errc{};
}

bool same(const elf_segment& a, const elf_segment& b) {
  return a.type == b.type && a.flags == b.flags && a.offset == b.offset && a.vaddr == b.vaddr && a.paddr == b.paddr &&
         a.filesz == b.filesz && a.memsz == b.memsz && a.align == b.align;
}

void check_headers(const elf_image& image, const reference& real) {
  LAW((image.file_class() == pvhboot::elf_class::elf64) == real.is_64);
  const uint64_t machine = real.number(18, 2);
  LAW((machine == 3 || machine == 62) && static_cast<uint64_t>(image.machine()) == machine);
  LAW(static_cast<uint64_t>(image.type()) == real.number(16, 2));
  LAW(image.entry() == real.address(24, 0, 0) && image.program_headers() == real.program_headers());

  std::vector<elf_segment> loads = real.segments(1);
  std::erase_if(loads, [](const elf_segment& s) { return s.memsz == 0; });
  LAW(!loads.empty() && loads.size() <= elf_image::max_segments && image.segments().size() == loads.size());
  uint64_t base = ~uint64_t{}, end = 0, align = 0;
  for (size_t i = 0; i < loads.size(); ++i) {
    const elf_segment& s = loads[i];
    LAW(same(s, image.segments()[i]) && s.filesz <= s.memsz && s.memsz <= ~uint64_t{} - s.paddr);
    LAW(s.filesz == 0 || (s.offset <= real.file.size() && s.filesz <= real.file.size() - s.offset));
    LAW(image.contents_of(s).size() == s.filesz);
    LAW(image.segment_at(s.paddr) == &image.segments()[i] &&
        image.segment_at(s.paddr + s.memsz - 1) == &image.segments()[i]);
    for (size_t j = 0; j < i; ++j)
      LAW(s.paddr + s.memsz <= loads[j].paddr || loads[j].paddr + loads[j].memsz <= s.paddr);
    base = std::min(base, s.paddr);
    end = std::max(end, s.paddr + s.memsz);
    align = std::max(align, s.align);
  }
  LAW(image.base() == base && image.size() == end - base && image.alignment() == align);
}

/// Both of PVH's notes as the segments have them, or the sections.
void check_notes(const elf_image& image, const reference& real) {
  std::vector<uint64_t> entries;
  uint64_t last_entry = 0;
  bool xen_in_segments = false;
  bool whole = true;
  for (const elf_segment& s : real.segments(4)) {
    const uint64_t from = std::min<uint64_t>(s.offset, real.file.size());
    const span<const uint8_t> bytes = real.file.after(static_cast<size_t>(from))
                                          .first(static_cast<size_t>(std::min<uint64_t>(s.filesz, real.file.size())));
    if (s.offset == 0) continue;
    whole = whole && bytes.size() == s.filesz;
    for (const pvhboot::elf_note& n : pvhboot::elf_notes{bytes, s.align, s.offset}) {
      xen_in_segments = xen_in_segments || n.is_named("Xen");
      if (!n.is("Xen", 18)) continue;
      entries.push_back(n.offset);
      if (!n.desc.empty()) last_entry = n.desc.size() < 4 ? 0 : little_endian(n.desc.data(), 4);
    }
  }
  size_t seen = 0;
  bool in_section = false;
  const pvhboot::image_notes notes{image};
  auto it = notes.begin();
  while (!it.at_end()) {
    const auto here = it++;
    LAW(here != it && here == pvhboot::image_notes::iterator{here});
    const pvhboot::elf_note& n = *here;
    const uint64_t desc_end = n.desc.empty() ? 0 : static_cast<uint64_t>(n.desc.end() - real.file.begin());
    LAW(n.offset + 12 + n.name_size <= real.file.size() && desc_end <= real.file.size());
    LAW(real.number(n.offset, 4) == n.name_size && real.number(n.offset + 8, 4) == n.type);
    LAW(!in_section || n.origin == pvhboot::note_origin::section_header);
    in_section = n.origin == pvhboot::note_origin::section_header;
    if (n.is("Xen", 18) && !in_section) {
      LAW(seen < entries.size() && n.offset == entries[seen]);
      ++seen;
    }
  }
  LAW(it == notes.end() && notes.check().ok() == it.damage().ok() && it.count() <= 65536);
  LAW(!in_section || !xen_in_segments);
  LAW(seen == entries.size());
  if (!whole) LAW(!it.damage());

  const auto entry = pvhboot::find_phys32_entry(image);
  if (!entry) {
    LAW(entry.error().code != errc::no_phys32_entry || entries.empty());
    law_failure(entry.error());
    return;
  }
  LAW((entry->origin == pvhboot::note_origin::section_header) == entries.empty());
  if (!entries.empty())
    LAW(entry->offset == entries.back() && entry->notes == entries.size() && entry->paddr == last_entry);
  const elf_segment* s = image.segment_at(entry->paddr);
  LAW(s && (s->flags & 1) != 0 && entry->paddr - s->paddr < s->filesz && entry->paddr != 0);
}

/// Where Xen's dom0 builder puts an image that does not lie in RAM; 0 for nowhere. Its words of 32 bits are not
/// modelled.
uint64_t xen_base(uint64_t size, const phys32_reloc& reloc, const std::vector<memory_range>& map) {
  for (size_t i = map.size(); i > 0; --i) {
    const memory_range& r = map[i - 1];
    if (r.type != memory_type::ram || r.size < size || r.addr > reloc.maximum) continue;
    const uint64_t last = std::min<uint64_t>(r.last(), reloc.maximum);
    if (last < size - 1) continue;
    const uint64_t unaligned = last - (size - 1);
    const uint64_t start = unaligned - unaligned % reloc.alignment;
    if (start < reloc.minimum) return 0;
    if (start >= r.addr && start != 0) return start;
  }
  return 0;
}

void check_place(const elf_image& image, uint64_t base) {
  const auto below = place_image(image, {.paddr = static_cast<uint32_t>(image.base() - 1)}, base);
  LAW(image.base() - 1 > 0xffffffff || (!below && below.error().code == errc::base_too_high));
  const auto entry = pvhboot::find_phys32_entry(image);
  if (!entry) return;
  const uint64_t into = entry->paddr - image.base();
  const auto place = place_image(image, *entry, base);
  LAW(place.ok() == (base <= 0xffffffff && base + into <= 0xffffffff));
  if (place) LAW(place->entry == base + into && place->base == base && image.base() + place->shift == base);
}

/// Nothing is chosen from a map that is not sanitised, but its ranges are counted.
void check_unsanitized(const elf_image& image, const memory_map& map, uint64_t random) {
  const auto base = choose_base(image, {}, map);
  LAW(!base && base.error().code == errc::map_not_sanitized && base.error().where == map.size());
  const auto chosen = choose_base(image, {.relocatable = true}, map, random);
  LAW(!chosen && chosen.error().code == errc::map_not_sanitized && chosen.error().where == map.size());
}

/// The three words of the last note, and what stands for those that are missing.
void check_reloc(const elf_image& image, const phys32_reloc& reloc) {
  span<const uint8_t> words{};
  for (const pvhboot::elf_note& n : pvhboot::image_notes{image})
    if (n.is("Xen", 19)) words = n.desc;
  const uint64_t missing[] = {image.alignment() < 0x1000 ? 0x200000 : image.alignment(), 0, 0xffffffff};
  const uint64_t found[] = {reloc.alignment, reloc.minimum, reloc.maximum};
  for (size_t i = 0; i < 3; ++i)
    LAW(found[i] == (words.size() < 4 * i + 4 ? missing[i] : little_endian(words.data() + 4 * i, 4)));
}

void check_bases(const elf_image& image, const memory_map& map, uint64_t random, const memory_shape& shape) {
  const auto reloc = pvhboot::find_phys32_reloc(image);
  if (!reloc) {
    LAW(reloc.error().code == errc::bad_phys32_reloc_size || reloc.error().code == errc::bad_phys32_reloc_alignment ||
        reloc.error().code == errc::bad_phys32_reloc_range);
    return;
  }
  LAW((reloc->alignment & (reloc->alignment - 1)) == 0 && reloc->alignment != 0 && reloc->minimum <= reloc->maximum);
  if (reloc->relocatable) check_reloc(image, *reloc);
  const bool stays = covers(map, image.base(), image.size(), memory_type::ram);
  const auto base = choose_base(image, *reloc, map);
  const auto chosen = choose_base(image, *reloc, map, random);
  const uint64_t n = count_bases(image, *reloc, map);
  if (!reloc->relocatable) {
    LAW(base.ok() == stays && chosen.ok() == stays && n == 1);
    if (stays) LAW(*base == image.base() && *chosen == image.base());
    return;
  }
  const uint64_t highest = xen_base(image.size(), *reloc, contents(map));
  LAW(base.value_or(0) == (stays ? image.base() : highest));
  LAW(chosen.ok() == (n != 0) && (n != 0) == (highest != 0) && n <= 0xffffffff);
  if (!chosen) return;
  LAW(*chosen % reloc->alignment == 0 && *chosen >= reloc->minimum && *chosen != 0 && *chosen <= highest);
  LAW(image.size() - 1 <= reloc->maximum - *chosen && covers(map, *chosen, image.size(), memory_type::ram));
  const auto lowest = choose_base(image, *reloc, map, 0);
  LAW(lowest && *lowest <= *chosen && choose_base(image, *reloc, map, ~uint64_t{}).value_or(0) == highest);
  if (n == 1) LAW(*lowest == highest);

  check_place(image, *chosen);
  if (image.size() > largest_load) return;
  const guest ram{*chosen, image.size(), shape.piece, ~uint64_t{}};
  LAW(load_image(image, ram.memory(), *chosen - image.base()).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  memory_shape shape{};
  shape.has_hole = (in.u8() & 1) != 0;
  shape.hole = in.u16();
  shape.piece = uint64_t{in.u16()} + 1;
  const uint64_t shift = in.number();
  const uint64_t random = in.u64();
  const std::vector<memory_range> ranges = in.ranges(in.u8() % 16);
  if (!may_read(in.rest())) return 0;
  const auto block = exact_copy(in.rest());
  const span<uint8_t> file{block.get(), in.rest().size()};

  const auto image = pvhboot::parse_elf(file);
  LAW(expected(file) == (image ? errc{} : image.error().code));
  if (!image) return 0;
  check_headers(*image, {file});
  check_notes(*image, {file});
  check_load(*image, file, 0, {false, 0, shape.piece});
  check_load(*image, file, shift, shape);
  check_load_over_file(file, shape);
  check_vanishing(*image, file, shape);
  check_place(*image, image->base() + shift);

  owned_map owned{2 * ranges.size() + 1};
  LAW(owned.map.append(ranges).ok());
  if (!owned.map.is_sanitized()) check_unsanitized(*image, owned.map, random);
  LAW(owned.map.sanitize().ok());
  check_bases(*image, owned.map, random, shape);

  // The file changes. Nothing that was checked does.
  const elf_image before = *image;
  for (size_t i = 0; i < file.size(); ++i) file[i] = static_cast<uint8_t>(file[i] ^ random >> (i % 8) * 8);
  LAW(image->base() == before.base() && image->size() == before.size());
  for (const pvhboot::elf_note& n : pvhboot::image_notes{*image}) LAW(n.desc.size() <= file.size());
  (void)pvhboot::find_phys32_entry(*image).ok();
  (void)pvhboot::find_phys32_reloc(*image).ok();
  check_load(*image, file, 0, {false, 0, shape.piece});
  return 0;
}

std::vector<fuzz::structure> fuzz::structures_of(const uint8_t* data, size_t size) {
  input in{data, size};
  structure_list list{data, size};
  for (int i = 0; i < 5; ++i) in.u8();  // the shape of the memory
  in.number();
  in.u64();
  in.ranges(in.u8() % 16);
  add_elf(list, list.offset_of(in));
  return list.found();
}
