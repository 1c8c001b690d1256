// SPDX-License-Identifier: BSL-1.0
//
// One row per rule of parse_elf, load_image and the notes of ELF files, and quirks of real images and readers (A1 to
// A26 of docs/pitfalls.md). Locals that the rows run on are not const: what a compiler can compute, no test runs.
#include <algorithm>
#include <vector>

#include "elf_image.hpp"

namespace {

using namespace test;
using pvhboot::elf_image;
using pvhboot::elf_note;
using pvhboot::elf_notes;
using pvhboot::image_notes;
using pvhboot::load_image;
using pvhboot::note_origin;
using pvhboot::parse_elf;
using pvhboot::section_type;
using pvhboot::segment_type;
using pvhboot::span;
using pvhboot::xen_note;

using builder32 = elf_builder<elf32_structs>;
using builder64 = elf_builder<elf64_structs>;

/// Where program header i of this file is.
template <class Builder> constexpr uint64_t phdr_at(const Builder&, size_t i) {
  return Builder::phoff + i * sizeof(typename Builder::program_header);
}

// parse_elf

ROW("parse_elf: a kernel of either class", {
  EXPECT(in_both_classes([](auto b) {
    b.usual();
    b.set(b.phdrs[1].p_align, 0x2000);
    auto file = b.written();
    auto image = parse_elf(file.contents);
    if (!image || image->entry() != 0x100020 || image->type() != pvhboot::elf_type::exec) return false;
    if ((image->file_class() == pvhboot::elf_class::elf64) != b.is_64) return false;
    if ((image->machine() == pvhboot::elf_machine::x86_64) != b.is_64) return false;
    if (image->base() != 0x100000 || image->size() != 0x380 || image->alignment() != 0x2000) return false;
    if (image->segments().size() != 3 || image->program_headers() != 4 || image->section_headers() != 1) return false;
    const pvhboot::elf_segment& code = image->segments()[0];
    if (code.paddr != 0x100000 || code.vaddr != 0xc0100000 || code.filesz != 0x80 || code.memsz != 0x100) return false;
    if (!code.executable() || image->segments()[1].executable()) return false;
    if (image->contents_of(code).data() != file.contents.data() + b.contents_at) return false;
    if (image->file().data() != file.contents.data() || image->sections_outside()) return false;
    return image->segment_at(0x1000ff) == &code && !image->segment_at(0x100100) && !image->segment_at(0xfffff);
  }));
});
ROW("parse_elf: elf_too_short, wherever a file ends inside its ELF header", {
  EXPECT(in_both_classes([](auto b) {
    auto file = b.usual().written();
    const span<const uint8_t> all{file.contents};
    for (size_t size = 0; size < sizeof(b.header); ++size)
      if (!fails(parse_elf(all.first(size)), errc::elf_too_short, size)) return false;
    return fails(parse_elf(all.first(sizeof(b.header))), errc::elf_phdrs_outside, b.phoff);
  }));
});
ROW("parse_elf: elf_too_short, not a byte past the end", {
  const uint8_t begin[15] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
  EXPECT(fails(parse_elf(begin), errc::elf_too_short, 15) && fails(parse_elf({}), errc::elf_too_short, 0));
});
ROW("parse_elf: elf_no_magic, whichever byte of it is wrong", {
  for (size_t i = 0; i < 4; ++i) EXPECT(both_refuse([&](auto& b) { b.header.e_ident[i] ^= 1; }, errc::elf_no_magic, 0));
});
ROW("parse_elf: elf_bad_class", {
  for (uint8_t bad : {uint8_t{0}, uint8_t{3}, uint8_t{0xff}})
    EXPECT(both_refuse([&](auto& b) { b.header.e_ident[4] = bad; }, errc::elf_bad_class, 4));
});
ROW("parse_elf: elf_not_little_endian", {
  for (uint8_t bad : {uint8_t{0}, uint8_t{2}})
    EXPECT(both_refuse([&](auto& b) { b.header.e_ident[5] = bad; }, errc::elf_not_little_endian, 5));
});
ROW("parse_elf: elf_bad_machine", {
  EXPECT(both_refuse([](auto& b) { b.header.e_machine = pvhboot::elf_machine{40}; }, errc::elf_bad_machine, 40));
  EXPECT(both_refuse([](auto& b) { b.header.e_machine = pvhboot::elf_machine{0}; }, errc::elf_bad_machine, 0));
});
ROW("parse_elf: a class that contradicts the machine is not an error (A21)", {
  EXPECT(in_both_classes([](auto b) {
    b.header.e_machine = pvhboot::elf_machine{b.is_64 ? uint16_t{3} : uint16_t{62}};
    auto file = b.usual().written();
    auto image = parse_elf(file.contents);
    return image && image->machine() == pvhboot::elf_machine{b.is_64 ? uint16_t{3} : uint16_t{62}} &&
           image_notes{*image}.begin()->is("Xen", xen_note::phys32_entry);
  }));
});
ROW("parse_elf: neither e_type nor a version is looked at", {
  EXPECT(in_both_classes([](auto b) {
    b.header.e_type = pvhboot::elf_type::dyn;
    b.header.e_version = 0;
    b.header.e_ident[6] = 0;
    auto file = b.usual().written();
    auto image = parse_elf(file.contents);
    return image && image->type() == pvhboot::elf_type::dyn;
  }));
});
ROW("parse_elf: elf_bad_phentsize, but only if there are program headers", {
  EXPECT(both_refuse([](auto& b) { b.header.e_phentsize = uint16_t{33}; }, errc::elf_bad_phentsize, 33));
  EXPECT(both_refuse([](auto& b) { b.header.e_phentsize = uint16_t{0}, b.header.e_phoff = 0; },
                     errc::elf_nothing_to_load, 0));
});
ROW("parse_elf: elf_phdrs_outside, also where offset and size exceed 64 bits", {
  EXPECT(both_refuse([](auto& b) { b.set(b.header.e_phoff, b.file_size - 1); }, errc::elf_phdrs_outside, 0x5ff));
  EXPECT(both_refuse([](auto& b) { b.header.e_phnum = uint16_t{0xfffe}; }, errc::elf_phdrs_outside, 0x40));
  EXPECT(both_refuse([](auto& b) { b.set(b.header.e_phoff, 0xfffffff0); }, errc::elf_phdrs_outside, 0xfffffff0));
  builder64 b;
  b.usual().header.e_phoff = ~uint64_t{} - 7;
  auto file = b.written();
  EXPECT(fails(parse_elf(file.contents), errc::elf_phdrs_outside, ~uint64_t{} - 7));
});
ROW("parse_elf: the last program header ends with the file", {
  EXPECT(in_both_classes([](auto b) {
    b.usual();
    const size_t end = b.phoff + 4 * sizeof(b.phdrs[0]);
    for (auto& p : b.phdrs) b.set(p.p_offset, 0);
    auto file = b.written();
    const span<const uint8_t> all{file.contents};
    return parse_elf(all.first(end)) && fails(parse_elf(all.first(end - 1)), errc::elf_phdrs_outside, b.phoff);
  }));
});
ROW("parse_elf: e_phnum 0xffff, the number is in section header 0", {
  EXPECT(in_both_classes([](auto b) {
    b.usual().header.e_phnum = uint16_t{0xffff};
    b.shdrs[0].sh_info = 4;
    auto file = b.written();
    auto image = parse_elf(file.contents);
    return image && image->program_headers() == 4 && image->segments().size() == 3;
  }));
});
ROW("parse_elf: elf_bad_phnum, there is no section header 0", {
  const auto extended = [](auto change, uint64_t where) {
    return both_refuse([&](auto& b) { b.header.e_phnum = uint16_t{0xffff}, change(b); }, errc::elf_bad_phnum, where);
  };
  EXPECT(extended([](auto& b) { b.header.e_shoff = 0; }, 0));
  EXPECT(extended([](auto& b) { b.header.e_shentsize = uint16_t{41}; }, 0x300));
  EXPECT(extended([](auto& b) { b.set(b.header.e_shoff, b.file_size - 1); }, 0x5ff));
  EXPECT(both_refuse([](auto& b) { b.header.e_phnum = uint16_t{0xffff}; }, errc::elf_nothing_to_load, 0));
});
ROW("parse_elf: elf_segment_too_small", {
  EXPECT(both_refuse([](auto& b) { b.set(b.phdrs[0].p_memsz, 0x7f); }, errc::elf_segment_too_small, 0x40));
  EXPECT(both_refuse([](auto& b) { b.set(b.phdrs[0].p_memsz, 0); }, errc::elf_segment_too_small, 0x40));
});
ROW("parse_elf: elf_segment_outside, also where offset and size exceed 64 bits", {
  EXPECT(both_refuse([](auto& b) { b.set(b.phdrs[0].p_offset, 0x581); }, errc::elf_segment_outside, 0x40));
  EXPECT(both_refuse([](auto& b) { b.set(b.phdrs[0].p_offset, 0xffffffff); }, errc::elf_segment_outside, 0x40));
  EXPECT(in_both_classes([](auto b) {
    b.usual();
    b.set(b.phdrs[0].p_offset, 0x580);
    auto file = b.written();
    return parse_elf(file.contents).ok();
  }));
  builder64 b;
  b.usual().phdrs[0].p_offset = ~uint64_t{} - 0x10;
  auto file = b.written();
  EXPECT(fails(parse_elf(file.contents), errc::elf_segment_outside, 0x40));
  b.usual().phdrs[0].p_filesz = ~uint64_t{} - 0x300;
  b.phdrs[0].p_memsz = ~uint64_t{} - 0x300;
  b.phdrs[0].p_offset = 0x400;
  b.phdrs[0].p_paddr = 0;
  file = b.written();
  EXPECT(fails(parse_elf(file.contents), errc::elf_segment_outside, 0x40));
});
ROW("parse_elf: elf_segment_wraps", {
  builder64 b;
  b.usual().phdrs[0].p_paddr = ~uint64_t{} - 0x100;
  auto file = b.written();
  EXPECT(parse_elf(file.contents));
  b.phdrs[0].p_paddr = ~uint64_t{} - 0xff;
  file = b.written();
  EXPECT(fails(parse_elf(file.contents), errc::elf_segment_wraps, 0x40));
});
ROW("parse_elf: a segment of class 32 may end above 4 GiB", {
  builder32 b;
  b.usual().phdrs[0].p_paddr = 0xffffffff;
  auto file = b.written();
  auto image = parse_elf(file.contents);
  EXPECT(image && image->base() == 0x100200 && image->base() + image->size() == 0x1000000ff);
});
ROW("parse_elf: elf_segments_overlap, whichever comes first; neighbours do not", {
  for (uint64_t at : {0xfff01u, 0x100000u, 0x10007fu, 0x1000ffu})
    EXPECT(both_refuse([&](auto& b) { b.load(at, 0x20, 0x100); }, errc::elf_segments_overlap,
                       at < 0x100000 ? 0x100000 : at));
  EXPECT(both_refuse([&](auto& b) { b.load(0xf0000, 0, 0x100000); }, errc::elf_segments_overlap, 0x100000));
  for (uint64_t at : {0xfff00u, 0x100100u})
    EXPECT(in_both_classes([&](auto b) {
      b.usual().load(at, 0, 0x100);
      auto file = b.written();
      return parse_elf(file.contents).ok();
    }));
});
ROW("parse_elf: elf_nothing_to_load; a PT_LOAD without bytes is left out, wherever it would be", {
  EXPECT(both_refuse([](auto& b) { b.phnum = 0; }, errc::elf_nothing_to_load, 0));
  EXPECT(in_both_classes([](auto b) {
    b.load(0, 0, 0);
    b.set(b.phdrs[0].p_offset, 0xffffff00);
    auto file = b.written();
    if (!fails(parse_elf(file.contents), errc::elf_nothing_to_load, 1)) return false;
    b.usual();
    file = b.written();
    auto image = parse_elf(file.contents);
    return image && image->base() == 0x100000 && image->segments().size() == 3;
  }));
});
ROW("parse_elf: a segment without bytes in the file may have any offset", {
  EXPECT(in_both_classes([](auto b) {
    b.usual();
    b.set(b.phdrs[2].p_offset, 0xffffff00);
    auto file = b.written();
    auto image = parse_elf(file.contents);
    return image && image->segments()[2].memsz == 0x80 && image->contents_of(image->segments()[2]).empty();
  }));
});
ROW("parse_elf: elf_too_many_segments", {
  builder64 b;
  memory<0x1000> file{.base = 0};
  const auto with = [&](size_t n) {
    for (size_t i = 0; i < n; ++i) {
      b.phdrs[0] = {.p_type = pvhboot::segment_type::load, .p_paddr = 0x100000 + 0x100 * uint64_t{i}, .p_memsz = 0x10};
      file.put(b.phoff + i * sizeof b.phdrs[0], b.phdrs[0]);
    }
    b.header.e_phnum = static_cast<uint16_t>(n);
    file.put(0, b.header);
    return parse_elf(file.contents);
  };
  EXPECT(with(elf_image::max_segments) && with(32)->segments().size() == 32);
  EXPECT(fails(with(elf_image::max_segments + 1), errc::elf_too_many_segments, 32));
});
ROW("parse_elf: section headers outside the file are not an error, but there are none then", {
  EXPECT(in_both_classes([](auto b) {
    b.usual().header.e_shnum = uint16_t{0xfffe};
    auto file = b.written();
    auto image = parse_elf(file.contents);
    if (!image || !image->sections_outside() || image->section_headers() != 0) return false;
    b.header.e_shoff = 0;
    file = b.written();
    image = parse_elf(file.contents);
    return image && !image->sections_outside() && image->section_headers() == 0;
  }));
});
ROW("parse_elf: e_shnum 0, the number is in section header 0", {
  EXPECT(in_both_classes([](auto b) {
    b.usual().shnum = 0;
    b.set(b.shdrs[0].sh_size, 3);
    auto file = b.written();
    auto image = parse_elf(file.contents);
    if (!image || image->section_headers() != 3) return false;
    b.set(b.shdrs[0].sh_size, 0xffffffff);
    file = b.written();
    image = parse_elf(file.contents);
    return image && image->sections_outside();
  }));
  builder64 b;  // 2^58 headers have 2^64 bytes
  b.usual().shnum = 0;
  b.shdrs[0].sh_size = uint64_t{1} << 58;
  auto file = b.written();
  auto image = parse_elf(file.contents);
  EXPECT(image && image->sections_outside());
});

// load_image

ROW("load_image: segments to p_paddr, the rest of them cleared, gaps untouched (A9)", {
  EXPECT(in_both_classes([](auto b) {
    auto file = b.usual().written();
    auto image = parse_elf(file.contents);
    guest_memory<0x400> guest;
    return image && load_image(*image, guest.window()) && guest.has_usual_image(0);
  }));
});
ROW("load_image: memory that holds zeroes gets the bytes of the file and no other", {
  EXPECT(in_both_classes([](auto b) {
    auto file = b.usual().written();
    auto image = parse_elf(file.contents);
    guest_memory<0x400> guest;
    return image && load_image(*image, guest.window(), 0, pvhboot::memory_before::zeroes) &&
           guest.holds(0, 0x80, 0x100) && guest.holds(0x80, 0x200, 0xee) && guest.holds(0x200, 0x240, 0x100) &&
           guest.holds(0x240, 0x400, 0xee);
  }));
});
ROW("load_image: the order of the segments does not matter (A24)", {
  EXPECT(in_both_classes([](auto b) {
    b.usual();
    const auto first = b.phdrs[0];
    b.phdrs[0] = b.phdrs[2];
    b.phdrs[2] = first;
    auto file = b.written();
    auto image = parse_elf(file.contents);
    guest_memory<0x400> guest;
    return image && image->base() == 0x100000 && load_image(*image, guest.window()) && guest.has_usual_image(0);
  }));
});
ROW("load_image: shifted up, shifted down", {
  EXPECT(in_both_classes([](auto b) {
    auto file = b.usual().written();
    auto image = parse_elf(file.contents);
    guest_memory<0x500> up;
    guest_memory<0x400> down;
    down.base = 0x1000;
    return image && load_image(*image, up.window(), 0x111) && up.has_usual_image(0x111) &&
           load_image(*image, down.window(), 0x1040 - uint64_t{0x100000}) && down.has_usual_image(0x40);
  }));
});
ROW("load_image: into memory of pieces that are apart here", {
  EXPECT(in_both_classes([](auto b) {
    auto file = b.usual().written();
    auto image = parse_elf(file.contents);
    guest_memory<0x400> guest;  // written in pieces of 0x3c bytes, and read as a whole
    pvhboot::writable_window pieces[18]{};
    for (size_t i = 0; i < 18; ++i) {
      const size_t at = (17 - i) * 0x3c;
      pieces[i] = {0x100000 + at, span<uint8_t>{guest.bytes}.after(at).first(0x3c)};
    }
    return image && load_image(*image, pvhboot::memory_pieces{pieces}) && guest.has_usual_image(0);
  }));
});
ROW("load_image: load_unwritable, at the first address that is not, and nothing is written", {
  EXPECT(in_both_classes([](auto b) {
    auto file = b.usual().written();
    auto image = parse_elf(file.contents);
    if (!image) return false;
    guest_memory<0x400> guest;
    const auto window = [&](size_t from, size_t to) {
      return pvhboot::writable_window{0x100000 + from, span<uint8_t>{guest.bytes}.first(to).after(from)};
    };
    if (!fails(load_image(*image, window(0, 0x37f)), errc::load_unwritable, 0x10037f)) return false;
    if (!fails(load_image(*image, window(1, 0x380)), errc::load_unwritable, 0x100000)) return false;
    if (!fails(load_image(*image, window(0, 0)), errc::load_unwritable, 0x100000)) return false;
    const pvhboot::writable_window with_hole[] = {window(0, 0x220), window(0x221, 0x400)};
    if (!fails(load_image(*image, pvhboot::memory_pieces{with_hole}), errc::load_unwritable, 0x100220)) return false;
    const pvhboot::writable_window in_gap[] = {window(0, 0x100), window(0x200, 0x240), window(0x300, 0x380)};
    return guest.holds(0, 0x400, 0xee) && load_image(*image, pvhboot::memory_pieces{in_gap}) &&
           guest.has_usual_image(0);
  }));
});
ROW("load_image: load_wraps, but ending at 2^64 is sound", {
  EXPECT(in_both_classes([](auto b) {
    auto file = b.usual().written();
    auto image = parse_elf(file.contents);
    guest_memory<0x380> guest;
    guest.base = 0 - uint64_t{0x380};
    const uint64_t shift = guest.base - 0x100000;
    return image && fails(load_image(*image, guest.window(), shift + 1), errc::load_wraps, guest.base + 1) &&
           guest.holds(0, 0x380, 0xee) && load_image(*image, guest.window(), shift) && guest.has_usual_image(0);
  }));
});

/// Memory that refuses one request, after so many others.
struct failing_memory {
  pvhboot::writable_window window;
  int* left;
  [[nodiscard]] constexpr span<uint8_t> writable(uint64_t paddr, uint64_t n) const noexcept {
    return --*left == -1 ? span<uint8_t>{} : window.writable(paddr, n);
  }
};
ROW("load_image: memory that is not writable any more is a failure, not a loop", {
  auto file = builder64{}.usual().written();
  auto image = parse_elf(file.contents);
  EXPECT(image);
  guest_memory<0x400> guest;
  const auto after = [&](int requests) { return load_image(*image, failing_memory{guest.window(), &requests}); };
  EXPECT(fails(after(3), errc::load_unwritable, 0x100000));  // three segments to check
  EXPECT(fails(after(4), errc::load_unwritable, 0x100080));
  EXPECT(fails(after(5), errc::load_unwritable, 0x100200));
  EXPECT(after(7));
});
TEST_CASE("load_image: load_overlaps_file, where the file lies in the guest's memory") {
  auto file = builder64{}.usual().written();
  std::vector<uint8_t> guest(0x2000, 0xee);
  for (const size_t at : {size_t{0}, size_t{0x37f}, size_t{0x380}, size_t{0x1a00}}) {
    std::copy(file.contents.begin(), file.contents.end(), guest.begin() + static_cast<ptrdiff_t>(at));
    auto image = parse_elf(span<const uint8_t>{guest}.after(at).first(file.contents.size()));
    REQUIRE(image);
    const pvhboot::writable_window window{0x100000, guest};
    if (at == 0)
      CHECK((fails(load_image(*image, window), errc::load_overlaps_file, 0x100000)));
    else if (at == 0x37f)
      CHECK((fails(load_image(*image, window), errc::load_overlaps_file, 0x100300)));
    else
      CHECK((load_image(*image, window).ok()));
  }
  // The file ends before the first byte that is written.
  std::copy(file.contents.begin(), file.contents.end(), guest.begin());
  auto below = parse_elf(span<const uint8_t>{guest}.first(file.contents.size()));
  CHECK((below && load_image(*below, pvhboot::writable_window{0xff000, guest}).ok()));
  auto image = parse_elf(file.contents);
  CHECK((image && load_image(*image, pvhboot::writable_window{0x100000, guest}).ok()));
}

// elf_notes

/// The notes between notes_at and notes_end of a builder.
template <class Builder> constexpr span<const uint8_t> notes_of(const Builder& b) {
  return span<const uint8_t>{b.bytes}.first(b.notes_end).after(b.notes_at);
}
constexpr size_t count(const elf_notes& notes) {
  size_t n = 0;
  for (const elf_note& note : notes) n += note.offset < ~uint64_t{} ? 1u : 0u;
  return n;
}

ROW("elf_notes: name, type, descriptor and offset", {
  builder64 b;
  b.note("Xen", xen_note::guest_os, 0x756e696cu, 0x78u);
  b.note("Linux", xen_note{0x101}, 7u);
  b.note("Xen", xen_note::bsd_symtab);
  elf_notes notes{notes_of(b), 4, 0x200};
  auto it = notes.begin();
  EXPECT(it->is("Xen", xen_note::guest_os) && it->name == "Xen" && it->name_size == 4 && it->offset == 0x200);
  EXPECT(it->desc.size() == 8 && it->desc[0] == 'l' && it->desc[4] == 'x' && it->origin == note_origin::segment);
  EXPECT((*it++).offset == 0x200 && it->is("Linux", 0x101u) && it->desc.size() == 4 && it->desc[0] == 7 &&
         it->offset == 0x218);
  EXPECT(!it->is_named("Linu") && !it->is_named("Linux ") && !it->is("Linux", 0x100));
  EXPECT((++it)->is("Xen", xen_note::bsd_symtab) && it->desc.empty() && it != notes.end());
  EXPECT(it != notes.begin() && notes.begin() == notes.begin() && notes.begin() != notes.end());
  EXPECT(++it == notes.end() && it.at_end() && it.damage() && notes.check() && count(notes) == 3);
});
ROW("elf_notes: nothing, or too few bytes for a note", {
  uint8_t junk[11] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  for (size_t n = 0; n <= 11; ++n) EXPECT(elf_notes{span<const uint8_t>{junk}.first(n)}.check());
  EXPECT(elf_notes{{}}.begin() == elf_notes::end() && elf_notes{junk}.begin() == elf_notes{{}}.begin());
});
ROW("elf_notes: up to 11 bytes may follow the last note", {
  for (size_t more = 0; more < 12; ++more) {
    builder64 b;
    b.entry_note(0x100010);
    for (size_t i = 0; i < more; ++i) b.bytes[b.notes_end++] = 0xff;
    elf_notes notes{notes_of(b)};
    EXPECT(notes.check() && count(notes) == 1);
  }
});
ROW("elf_notes: the last note may lack its padding, and end exactly", {
  builder64 b;
  b.note_head("Xen", 18, 2);
  b.notes_end += 2;
  elf_notes notes{notes_of(b)};
  EXPECT(notes.check() && count(notes) == 1 && notes.begin()->desc.size() == 2);
  builder64 c;
  c.note_head("Linux", 1, 0);
  c.notes_end -= 2;
  elf_notes named{notes_of(c)};
  EXPECT(named.check() && count(named) == 1 && named.begin()->is("Linux", 1) && named.begin()->desc.empty());
});
ROW("elf_notes: note_name_outside and note_desc_outside, with what came before", {
  for (size_t cut = 1; cut < 24; ++cut) {
    builder64 b;
    b.note("Xen", xen_note::guest_os, 1u);
    b.note("Xen", xen_note::phys32_entry, 1u, 2u);
    b.notes_end -= cut;
    elf_notes notes{notes_of(b), 4, 0x200};
    auto done = notes.check();
    EXPECT(count(notes) == 1);
    const errc expected = cut <= 8 ? errc::note_desc_outside : errc::note_name_outside;
    EXPECT(cut <= 12 ? fails(done, expected, 0x214) : done.ok());
  }
});
ROW("elf_notes: sizes near 2^32 neither wrap nor loop (A7)", {
  for (uint32_t huge : {0xfffffff0u, 0xfffffff4u, 0xfffffffcu, 0xffffffffu, 0x80000000u, 0x7fffffffu}) {
    builder64 b;
    b.word(4);
    b.word(huge);
    b.word(18);
    b.word(0x006e6558);
    EXPECT(fails(elf_notes{notes_of(b)}.check(), errc::note_desc_outside, 0) && count(elf_notes{notes_of(b)}) == 0);
    builder64 c;
    c.word(huge);
    c.word(huge);
    c.word(18);
    EXPECT(fails(elf_notes{notes_of(c)}.check(), errc::note_name_outside, 0));
    EXPECT(fails(elf_notes(notes_of(c), 8).check(), errc::note_name_outside, 0));
  }
});
ROW("elf_notes: a descriptor past a name without its padding", {
  builder64 b;
  b.note_head("Xen", 18, 0);
  b.bytes[b.notes_at] = 3;
  b.notes_end -= 1;  // the name's three bytes are the last
  EXPECT(elf_notes{notes_of(b)}.check() && elf_notes{notes_of(b)}.begin()->name_size == 3);
  b.bytes[b.notes_at + 4] = 1;
  EXPECT(fails(elf_notes{notes_of(b)}.check(), errc::note_desc_outside, 0));
});
ROW("elf_notes: a name is its bytes and one NUL (A10)", {
  const auto is_xen = [](auto name) {
    builder64 b;
    b.note_head(name.text, 18, 0);
    b.bytes[b.notes_at] = name.size;
    return elf_notes{notes_of(b)}.begin()->is("Xen", xen_note::phys32_entry);
  };
  struct name_of_size {
    char text[8];
    uint8_t size;
  };
  EXPECT(is_xen(name_of_size{"Xen", 4}));
  EXPECT(!is_xen(name_of_size{"Xen", 3}) && !is_xen(name_of_size{"Xen", 5}) && !is_xen(name_of_size{"Xen", 8}));
  EXPECT(!is_xen(name_of_size{"Xe", 4}) && !is_xen(name_of_size{"Xe", 3}) && !is_xen(name_of_size{"Xen!", 4}));
  EXPECT(!is_xen(name_of_size{"xen", 4}) && !is_xen(name_of_size{"", 0}) && !is_xen(name_of_size{"", 4}));
});
ROW("elf_notes: padding to 4, whatever p_align is (A3, A4, A6)", {
  for (uint64_t align :
       {uint64_t{0}, uint64_t{1}, uint64_t{4}, uint64_t{8}, uint64_t{16}, uint64_t{0x1000}, ~uint64_t{}}) {
    builder64 b;
    b.note("Linux", xen_note{0x101}, 7u);
    b.note("Xen", xen_note::phys32_entry, 0x100010u);
    b.note("GNU", xen_note{5}, 0xc0000002u, 4u, 3u, 0u);
    elf_notes notes{notes_of(b), align};
    EXPECT(notes.check() && notes.padding() == 4 && count(notes) == 3);
  }
});
ROW("elf_notes: padding to 8, if p_align is 8 and the notes fit no other way (A3)", {
  builder64 b;
  b.note("Xen", xen_note::phys32_entry, 0x100010u);
  b.word(0);
  b.note("GNU", xen_note{5}, 0xc0000002u, 4u, 3u, 0u);
  elf_notes notes{notes_of(b), 8};
  EXPECT(notes.check() && notes.padding() == 8 && count(notes) == 2 && (++notes.begin())->is("GNU", 5));
  EXPECT(fails(elf_notes(notes_of(b), 4).check(), errc::note_name_outside, 36));
  b.notes_end -= 4;  // fits neither way: 4, which is what Xen sees
  elf_notes cut{notes_of(b), 8};
  EXPECT(fails(cut.check(), errc::note_name_outside, 36) && cut.padding() == 4);
});
ROW("elf_notes: the search for a padding ends with its budget", {
  builder64 b;
  b.note("Xen", xen_note::phys32_entry, 0x100010u);
  b.word(0);
  b.note("GNU", xen_note{5}, 0xc0000002u, 4u, 3u, 0u);
  const auto with = [&](size_t budget) { return elf_notes::padding_of(notes_of(b), 8, budget); };
  EXPECT(with(0) == 4 && with(1) == 4 && with(2) == 4 && with(3) == 4 && with(4) == 8);
  size_t left = 10;
  EXPECT(elf_notes::padding_of(notes_of(b), 8, left) == 8 && left == 6);
  EXPECT(elf_notes::padding_of(notes_of(b), 4, left) == 4 && left == 6);
});

// image_notes

/// How many notes this file has, where the last was found, and the first damage.
struct found_notes {
  size_t n = 0;
  note_origin origin{};
  pvhboot::failure damage{};
};
template <class File> constexpr found_notes notes_in(const File& file) {
  auto image = parse_elf(file.contents);
  if (!image) return {0, {}, image.error()};
  found_notes found;
  const image_notes notes{*image};
  auto it = notes.begin();
  for (; it != notes.end(); it++) {
    ++found.n;
    found.origin = it->origin;
  }
  if (found.n != it.count()) return {};
  if (auto sound = it.damage(); !sound) found.damage = sound.error();
  if (notes.check().ok() != (found.damage.code == errc{})) return {};
  return found;
}

ROW("image_notes: every PT_NOTE, in the order of the program headers", {
  EXPECT(in_both_classes([](auto b) {
    b.usual();
    b.note("GNU", xen_note{3}, 1u, 2u);
    b.note("Xen", xen_note::guest_os, 3u);
    b.note_segment();
    auto file = b.written();
    auto image = parse_elf(file.contents);
    if (!image) return false;
    const image_notes notes{*image};
    auto it = notes.begin();
    if (!it->is("Xen", xen_note::phys32_entry) || it->offset != b.notes_at || it.count() != 1) return false;
    if (!(++it)->is("GNU", 3) || !(++it)->is("Xen", xen_note::guest_os) || it.count() != 3) return false;
    if (it == notes.begin() || notes.begin() != notes.begin() || notes.begin() == notes.end() || !(*it).is_named("Xen"))
      return false;
    return ++it == notes.end() && it.at_end() && it.damage().ok() && image_notes::iterator{} == image_notes::end();
  }));
});
ROW("image_notes: sections, only if no segment has a note of Xen's (A14)", {
  EXPECT(in_both_classes([](auto b) {
    b.load(0x100000, 0x80, 0x80);
    b.note("GNU", xen_note{3}, 1u);
    b.note_segment();
    b.entry_note(0x100010);
    b.note_section();
    b.note("GNU", xen_note{3}, 1u);
    b.note_section();
    auto file = b.written();
    found_notes found = notes_in(file);
    if (found.n != 3 || found.origin != note_origin::section_header || found.damage.code != errc{}) return false;
    b.note("Xen", xen_note::guest_os, 1u);
    b.note("GNU", xen_note{3}, 1u);
    b.note_segment();
    file = b.written();
    found = notes_in(file);
    return found.n == 3 && found.origin == note_origin::segment;
  }));
});
ROW("image_notes: whose sections count is the owner's choice", {
  builder64 b;
  b.usual().note("Nux", xen_note{1});
  b.note_section();
  auto file = b.written();
  auto image = parse_elf(file.contents);
  EXPECT(image);
  size_t n = 0;
  for (const elf_note& note : image_notes{*image, "Nux"}) n += note.is_named("Nux") ? 100u : 1u;
  EXPECT(n == 101 && notes_in(file).n == 1);
});
ROW("image_notes: notes_at_0, a PT_NOTE at file offset 0 is skipped (A15)", {
  EXPECT(in_both_classes([](auto b) {
    b.usual();
    b.entry_note(0x100014);
    b.note_section();
    b.set(b.phdrs[3].p_offset, 0);
    auto file = b.written();
    found_notes found = notes_in(file);
    if (found.n != 1 || found.origin != note_origin::section_header || found.damage.code != errc::notes_at_0)
      return false;
    if (found.damage.where != phdr_at(b, 3)) return false;
    b.set(b.phdrs[3].p_filesz, 0);
    file = b.written();
    return notes_in(file).damage.code == errc{};
  }));
});
ROW("image_notes: notes_outside, what is in the file counts", {
  EXPECT(in_both_classes([](auto b) {
    b.usual();
    b.set(b.phdrs[3].p_filesz, 0xfffffff0);
    for (size_t i = 0x300; i < b.file_size; ++i) b.bytes[i] = 0;
    auto file = b.written();
    auto image = parse_elf(file.contents);
    if (!image || image_notes{*image}.check().error().code != errc::notes_outside) return false;
    if (image_notes{*image}.check().error().where != phdr_at(b, 3) || image_notes{*image}.begin().at_end())
      return false;
    b.set(b.phdrs[3].p_offset, 0xfffffff0);
    file = b.written();
    found_notes found = notes_in(file);
    return found.n == 0 && found.damage.code == errc::notes_outside && found.damage.where == phdr_at(b, 3);
  }));
});
ROW("image_notes: notes_outside, of a section", {
  EXPECT(in_both_classes([](auto b) {
    b.load(0x100000, 0x80, 0x80);
    b.set(b.note_section().sh_size, 0x7fffffff);
    b.set(b.shdrs[1].sh_offset, 0x5f8);
    auto file = b.written();
    found_notes found = notes_in(file);
    return found.n == 0 && found.damage.code == errc::notes_outside &&
           found.damage.where == b.shoff + sizeof(b.shdrs[0]);
  }));
});
ROW("image_notes: damage ends a segment and not the walk; the first damage is kept", {
  EXPECT(in_both_classes([](auto b) {
    b.load(0x100000, 0x80, 0x80);
    b.note("Xen", xen_note::guest_os, 1u);
    b.note_head("Xen", 18, 9);
    b.note_segment();
    b.note_head("Xen", 18, 10);
    b.note_segment();
    b.entry_note(0x100010);
    b.note_segment();
    auto file = b.written();
    found_notes found = notes_in(file);
    return found.n == 2 && found.damage.code == errc::note_desc_outside && found.damage.where == 0x214;
  }));
});
ROW("image_notes: elf_shdrs_outside, if the sections are needed", {
  EXPECT(in_both_classes([](auto b) {
    b.usual().header.e_shnum = uint16_t{0xfffe};
    auto file = b.written();
    found_notes found = notes_in(file);
    if (found.n != 1 || found.damage.code != errc{}) return false;
    b.phdrs[3].p_type = pvhboot::segment_type{0};
    file = b.written();
    found = notes_in(file);
    return found.n == 0 && found.damage.code == errc::elf_shdrs_outside && found.damage.where == b.shoff;
  }));
});
TEST_CASE("image_notes: 65536 notes, as Xen, and no more") {
  builder64 b;
  b.load(0x100000, 0x80, 0x80);
  for (const size_t n : {pvhboot::max_notes, pvhboot::max_notes + 1}) {
    std::vector<uint8_t> file(0x600 + 12 * n);
    b.phnum = 1;
    b.add(segment_type::note, 0x600, 12 * n).p_align = 8;
    const auto head = b.written();
    std::copy(head.contents.begin(), head.contents.end(), file.begin());
    auto image = parse_elf(file);
    REQUIRE(image);
    auto it = image_notes{*image}.begin();
    while (!it.at_end()) ++it;
    CHECK(it.count() == pvhboot::max_notes);
    CHECK(it.damage().ok() == (n == pvhboot::max_notes));
    if (n != pvhboot::max_notes) CHECK((fails(it.damage(), errc::too_many_notes, pvhboot::max_notes)));
  }
}

}  // namespace
