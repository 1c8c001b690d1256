// SPDX-License-Identifier: BSL-1.0
//
// The PHYS32_ENTRY note of files in memory. tests/images/readers.py boots patched images.
#include <type_traits>
#include <vector>

#include "elf_image.hpp"

#include <pvhboot/pvh/explain.hpp>
#include <pvhboot/pvh/patch_note.hpp>

namespace {

using namespace test;
using pvhboot::find_phys32_entry;
using pvhboot::parse_elf;
using pvhboot::remove_phys32_entry;
using pvhboot::section_type;
using pvhboot::segment_type;
using pvhboot::set_phys32_entry;
using pvhboot::xen_note;

using builder32 = elf_builder<elf32_structs>;
using builder64 = elf_builder<elf64_structs>;

constexpr size_t file_size = builder64::file_size;

constexpr auto dirty = filled<file_size + 0x200>(0xee);

/// A file and room after it, and what became of it.
struct patched {
  pvhboot::array<uint8_t, file_size + 0x200> before{};
  pvhboot::array<uint8_t, file_size + 0x200> bytes = dirty;
  pvhboot::result<size_t> size{file_size};

  template <class Builder> constexpr explicit patched(const Builder& b) {
    const auto file = b.written();
    for (size_t i = 0; i < file_size; ++i) bytes[i] = file.contents[i];
    before = bytes;
  }
  constexpr patched& set(uint32_t entry, size_t room = file_size + 0x200) {
    size = set_phys32_entry(pvhboot::span<uint8_t>{bytes}.first(room), file_size, entry);
    return *this;
  }
  [[nodiscard]] constexpr pvhboot::span<const uint8_t> file() const {
    return pvhboot::span<const uint8_t>{bytes}.first(size.value_or(file_size));
  }
  /// Where the file is entered; 0 for nowhere.
  [[nodiscard]] constexpr uint32_t entry() const {
    const auto image = parse_elf(file());
    if (!image) return 0;
    const auto found = find_phys32_entry(*image);
    return found && !found->differs ? found->paddr : 0;
  }
  /// QEMU and Xen agree.
  [[nodiscard]] constexpr bool enters(uint32_t paddr) const {
    for (const auto who : {pvhboot::image_reader::qemu, pvhboot::image_reader::xen_toolstack}) {
      const auto v = pvhboot::explain(file(), who);
      if (v.outcome != pvhboot::image_outcome::enters || v.reason != pvhboot::image_reason::as_the_note_says ||
          v.entry != paddr)
        return false;
    }
    return entry() == paddr;
  }
  /// How many bytes of [from, to) are not as they were.
  [[nodiscard]] constexpr size_t changed(size_t from = 0, size_t to = file_size + 0x200) const {
    size_t n = 0;
    for (size_t i = from; i < to; ++i) n += bytes[i] != before[i];
    return n;
  }
};

/// A kernel whose notes `add` writes.
template <class Builder, class Add> constexpr Builder kernel(Builder b, const Add& add) {
  b.load(0x100000, 0x80, 0x100);
  b.load(0x100200, 0x40, 0x40, b.rw);
  add(b);
  if (b.notes_begin != b.notes_end) b.note_segment();
  return b;
}

ROW("set_phys32_entry: written, found, patched, found", {
  EXPECT(in_both_classes([](const auto& b) {
    patched p{kernel(b, [](auto& k) { k.entry_note(0x100010); })};
    return p.entry() == 0x100010 && p.set(0x100014).enters(0x100014) && p.changed() == 1 && *p.size == file_size;
  }));
});
ROW("set_phys32_entry: nothing is written if the note is right", {
  EXPECT(in_both_classes([](const auto& b) {
    patched p{kernel(b, [](auto& k) { k.entry_note(0x100010); })};
    return p.set(0x100010, file_size).enters(0x100010) && p.changed() == 0;
  }));
});
ROW("set_phys32_entry: a new note and its header, in the zeroes after the headers", {
  EXPECT(in_both_classes([](const auto& b) {
    patched p{kernel(b, [](auto&) {})};
    const size_t end = b.phoff + 2 * sizeof(typename std::remove_cvref_t<decltype(b)>::program_header);
    return p.set(0x100010, file_size).enters(0x100010) && *p.size == file_size && p.changed(0, 44) == 0 &&
           p.changed(end + 0x80) == 0 && parse_elf(p.file())->program_header(2).align == 4;
  }));
});
ROW("set_phys32_entry: the header in the zeroes, the note at the end", {
  EXPECT(in_both_classes([](auto b) {
    using header = typename decltype(b)::program_header;
    const size_t end = b.phoff + 3 * sizeof(header);
    b.load(0x100000, 0x80, 0x100);
    b.load(0x100200, 0x40, 0x40, b.rw);
    for (size_t i = end; i < end + 0x40; ++i) b.bytes[i] = 0x33;
    patched p{b};
    const size_t size = file_size + (b.is_64 ? 24 : 20);
    return fails(p.set(0x100010, size - 1).size, errc::note_no_room, size) && p.changed() == 0 &&
           p.set(0x100010, size).enters(0x100010) && *p.size == size && p.changed(end, file_size) == 0;
  }));
});
ROW("set_phys32_entry: the table of headers moves to the end", {
  EXPECT(in_both_classes([](auto b) {
    using header = typename decltype(b)::program_header;
    b.load(0x100000, 0x80, 0x100);
    b.load(0x100200, 0x40, 0x40, b.rw);
    b.note("GNU", xen_note{3}, 1u);
    b.note_segment();
    for (size_t i = b.phoff + 3 * sizeof(header); i < b.notes_at; ++i) b.bytes[i] = 0x33;
    patched p{b};
    const size_t table_end = file_size + 4 * sizeof(header);
    const size_t size = (table_end + 7) / 8 * 8 + (b.is_64 ? 24 : 20);
    return fails(p.set(0x100010, size - 1).size, errc::note_no_room, size) && p.changed() == 0 &&
           p.set(0x100010).enters(0x100010) && *p.size == size && p.changed(b.phoff, file_size) == 0 &&
           p.changed(size) == 0;
  }));
});
ROW("set_phys32_entry: what follows the program headers is no header", {
  EXPECT(in_both_classes([](auto b) {
    using builder = decltype(b);
    b = kernel(b, [](auto& k) { k.entry_note(0x100010); });
    // As if one more PT_NOTE began in the headers, and then among the notes.
    for (const uint64_t offset : {uint64_t{builder::phoff}, uint64_t{builder::notes_at + 4}}) {
      typename builder::program_header fake{};
      fake.p_type = segment_type::note;
      builder::set(fake.p_offset, offset);
      builder::set(fake.p_filesz, 0x10);
      patched p{b};
      pvhboot::store(p.bytes.data() + builder::phoff + 3 * sizeof fake, fake);
      p.before = p.bytes;
      if (!p.set(0x100014).enters(0x100014) || p.changed() != 1) return false;
    }
    return true;
  }));
});
ROW("set_phys32_entry: what follows the section headers is no header", {
  EXPECT(in_both_classes([](auto b) {
    using builder = decltype(b);
    b.load(0x100000, 0x80, 0x100);
    b.note_section(section_type::progbits);
    typename builder::section_header fake{};  // of the zeroes that become a program header
    fake.sh_type = section_type::progbits;
    builder::set(fake.sh_offset, builder::phoff);
    builder::set(fake.sh_size, 0x1c0);
    patched p{b};
    pvhboot::store(p.bytes.data() + builder::shoff + b.shnum * sizeof fake, fake);
    p.before = p.bytes;
    return p.set(0x100010, file_size).enters(0x100010) && *p.size == file_size;
  }));
  EXPECT(in_both_classes([](auto b) {
    using builder = decltype(b);
    b.load(0x100000, 0x80, 0x100);
    b.entry_note(0x100010);
    b.note_section();
    typename builder::section_header fake{};  // as if notes began inside the note
    fake.sh_type = section_type::note;
    builder::set(fake.sh_offset, builder::notes_at + 4);
    builder::set(fake.sh_size, 0x10);
    patched p{b};
    pvhboot::store(p.bytes.data() + builder::shoff + b.shnum * sizeof fake, fake);
    return p.set(0x100014).enters(0x100014);
  }));
});
ROW("set_phys32_entry: the number of sections, which the first section header can hold, stays", {
  EXPECT(in_both_classes([](auto b) {
    b.load(0x100000, 0x80, 0x100);
    b.shnum = 0;
    // Of the zeroes that become a program header otherwise.
    b.set(b.header.e_shoff, b.phoff + sizeof(typename decltype(b)::program_header));
    patched p{b};
    if (!p.set(0x100010).enters(0x100010)) return false;
    const auto image = parse_elf(p.file());
    return image->section_headers() == 0 && !image->sections_outside();
  }));
});
ROW("set_phys32_entry: a table that moves leaves what follows it", {
  EXPECT(in_both_classes([](auto b) {
    using builder = decltype(b);
    b.load(0x100000, 0x80, 0x100);
    typename builder::program_header fake{};  // as if a PT_NOTE reached past the end of the file
    fake.p_type = segment_type::note;
    builder::set(fake.p_offset, 0x10);
    builder::set(fake.p_filesz, 0x100000);
    patched p{b};
    pvhboot::store(p.bytes.data() + builder::phoff + sizeof fake, fake);
    return p.set(0x100010).enters(0x100010) && *p.size > file_size;
  }));
});
ROW("set_phys32_entry: note_entangled, section headers whose first bytes would lie in what is added", {
  auto b = builder64{};
  b.load(0x100000, 0x80, 0x100);
  for (size_t i = b.phoff + 2 * 56; i < b.phoff + 2 * 56 + 0x40; ++i) b.bytes[i] = 0x33;
  const auto with_sections_at = [&](uint64_t offset) {
    b.set(b.header.e_shoff, offset);
    return patched{b}.set(0x100010).size;
  };
  EXPECT(fails(with_sections_at(file_size + 20), errc::note_entangled, file_size + 20));
  EXPECT(with_sections_at(file_size + 24));
});
ROW("set_phys32_entry: the moved table has every header that there was", {
  EXPECT(in_both_classes([](auto b) {
    using header = typename decltype(b)::program_header;
    for (uint64_t i = 0; i < 5; ++i) b.load(0x100000 + 0x1000 * i, 0x10, 0x10);
    const size_t table_size = 5 * sizeof(header);
    for (size_t i = b.phoff + table_size; i < b.notes_at; ++i) b.bytes[i] = 0x33;
    patched p{b};
    if (!p.set(0x100008).enters(0x100008)) return false;
    for (size_t i = 0; i < table_size; ++i)
      if (p.bytes[file_size + i] != p.before[b.phoff + i]) return false;
    return true;
  }));
});
ROW("set_phys32_entry: a segment of the headers alone leaves the zeroes after them free", {
  EXPECT(in_both_classes([](auto b) {
    using header = typename decltype(b)::program_header;
    b.load(0x100000, 0x80, 0x100);
    b.set(b.add(segment_type::load, 0, b.phoff + 2 * sizeof(header)).p_paddr, 0x200000);
    patched p{b};
    return p.set(0x100010, file_size).enters(0x100010) && *p.size == file_size;
  }));
});
ROW("set_phys32_entry: a file whose size is no multiple of 8 grows by zeroes", {
  auto b = builder64{};
  b.load(0x100000, 0x80, 0x100);
  for (size_t i = b.phoff + 56; i < b.notes_at; ++i) b.bytes[i] = 0x33;
  patched p{b};
  p.size = set_phys32_entry(p.bytes, file_size - 3, 0x100010);
  EXPECT(p.enters(0x100010) && p.bytes[file_size - 3] == 0 && p.bytes[file_size - 1] == 0);
});
ROW("set_phys32_entry: a PT_NULL after the last PT_NOTE becomes the header", {
  const auto nulls = [](auto& b) {
    b.add(segment_type::null, 0, 0);
    b.note("GNU", xen_note{3}, 1u);
    b.note_segment();
    b.add(segment_type::null, 0, 0);
    b.add(segment_type::null, 0, 0);
  };
  EXPECT(in_both_classes([&](const auto& b) {
    patched p{kernel(b, nulls)};
    using header = typename std::remove_cvref_t<decltype(b)>::program_header;
    return p.set(0x100010).enters(0x100010) && p.changed(0, b.phoff + 4 * sizeof(header)) == 0 &&
           p.changed(b.phoff + 4 * sizeof(header), b.phoff + 5 * sizeof(header)) != 0;
  }));
  // One before the last PT_NOTE would do for all but linux-loader.
  patched before{kernel(builder64{}, [](auto& b) {
    b.add(segment_type::null, 0, 0);
    b.note("GNU", xen_note{3}, 1u);
  })};
  EXPECT(before.set(0x100010).enters(0x100010));
  EXPECT(pvhboot::explain(before.file(), pvhboot::image_reader::linux_loader).entry == 0x100010);
});
ROW("set_phys32_entry: a note in a section gets a header", {
  EXPECT(in_both_classes([](const auto& b) {
    patched p{kernel(b, [](auto& k) {
      k.entry_note(0x100010);
      k.note_section();
    })};
    return p.entry() == 0x100010 && p.set(0x100014, file_size).enters(0x100014) && p.changed(b.notes_at) == 1;
  }));
  EXPECT(in_both_classes([](const auto& b) {
    patched p{kernel(b, [](auto& k) {
      k.note("Xen", xen_note::phys32_entry, 0x100010u);
      k.note_section();
    })};
    return p.set(0x100014, file_size).entry() == 0x100014;
  }));
  // Padded to 8, it can be read with 4 when it is alone.
  patched eight{kernel(builder64{}, [](auto& b) {
    b.note_head("GNU", 3, 4);
    b.word(1);
    b.word(0xffffffff);
    b.entry_note(0x100010);
    b.note_section(section_type::note, 8);
  })};
  EXPECT(eight.set(0x100014).enters(0x100014));
});
ROW("set_phys32_entry: all notes that there are", {
  patched several{kernel(builder64{}, [](auto& b) {
    b.entry_note(0x100010);
    b.note("Xen", xen_note::phys32_entry, 0x100018u);
    b.note_segment(8);
    b.note("Xen", xen_note::phys32_entry, 0x10001cu, 7u);
  })};
  EXPECT(several.set(0x100014, file_size).enters(0x100014));
});
ROW("set_phys32_entry: a note of another size loses its type", {
  EXPECT(in_both_classes([](const auto& b) {
    patched p{kernel(b, [](auto& k) {
      k.note("Xen", xen_note::phys32_entry, 0x100010u, 0u, 0u, 0u);
      k.note("Xen", xen_note::phys32_entry);
    })};
    return p.set(0x100014).enters(0x100014) && p.changed(b.notes_at, b.notes_at + 0x40) == 2 &&
           p.bytes[b.notes_at + 8] == 0 && p.bytes[b.notes_at + 12] == 'X';
  }));
});
ROW("set_phys32_entry: p_align becomes 4 where QEMU would pad by it", {
  const auto aligned = [](uint64_t align) {
    return [=](auto& b) {
      b.entry_note(0x100010);
      b.note_segment(align);
    };
  };
  for (const uint64_t align : {uint64_t{0}, uint64_t{8}, uint64_t{0x1000}})
    EXPECT(in_both_classes(
        [&](const auto& b) { return patched{kernel(b, aligned(align))}.set(0x100014, file_size).enters(0x100014); }));
  // A segment of other notes is none of its business, nor is one that is padded to 8.
  patched other{kernel(builder64{}, [](auto& b) {
    b.note("GNU", xen_note{5}, 0xc0000002u, 4u, 3u, 0u);
    b.note_segment(8);
    b.set(b.add(segment_type::note, 0, 0x10).p_align, 8);
    b.entry_note(0x100010);
  })};
  EXPECT(other.set(0x100010).enters(0x100010) && other.changed() == 0);
  patched eight{kernel(builder64{}, [](auto& b) {
    b.note_head("Xen", 7, 4);
    b.word(1);
    b.word(0xffffffff);
    b.note_head("Xen", 18, 8);
    b.word(0x100010);
    b.word(0);
    b.note_segment(8);
  })};
  EXPECT(eight.set(0x100010).changed() == 0);
});
ROW("set_phys32_entry: the entry is checked as find_phys32_entry does", {
  const auto b = kernel(builder64{}, [](auto&) {});
  const auto refused = [&](uint32_t entry, errc code) {
    patched p{b};
    return fails(p.set(entry).size, code, entry) && p.changed() == 0;
  };
  EXPECT(refused(0, errc::phys32_entry_unset) && refused(0xffffffff, errc::phys32_entry_unset));
  EXPECT(refused(0x300000, errc::phys32_entry_outside) && refused(0x100200, errc::phys32_entry_not_executable));
  EXPECT(refused(0x100080, errc::phys32_entry_zero_filled));
  patched p{b};
  p.bytes[0] = 0;
  EXPECT(fails(p.set(0x100010).size, errc::elf_no_magic, 0));
  EXPECT(fails(remove_phys32_entry(p.bytes), errc::elf_no_magic, 0));
});
ROW("set_phys32_entry: note_no_header", {
  patched fixed{kernel(builder64{}, [](auto& b) { b.add(segment_type::phdr, b.phoff, 3 * 56); })};
  EXPECT(fails(fixed.set(0x100010).size, errc::note_no_header, 3) && fixed.changed() == 0);
  patched reusable{kernel(builder64{}, [](auto& b) {
    b.add(segment_type::phdr, b.phoff, 4 * 56);
    b.add(segment_type::null, 0, 0);
  })};
  EXPECT(reusable.set(0x100010).enters(0x100010));
});
ROW("set_phys32_entry: zeroes that something uses stay", {
  // A segment, a section and the section headers in turn.
  EXPECT(in_both_classes([](auto b) {
    using header = typename decltype(b)::program_header;
    b.load(0x100000, 0x80, 0x100);
    b.set(b.add(segment_type::load, 0, 0x1c0).p_paddr, 0x200000);
    patched p{b};
    return p.set(0x100010).enters(0x100010) && p.changed(b.phoff + 2 * sizeof(header), file_size) == 0;
  }));
  EXPECT(in_both_classes([](auto b) {
    b.load(0x100000, 0x80, 0x100);
    b.note_section(section_type::progbits);
    b.set(b.shdrs[1].sh_offset, b.phoff);
    b.set(b.shdrs[1].sh_size, 0x1c0);
    patched p{b};
    return p.set(0x100010).enters(0x100010) && *p.size > file_size;
  }));
  EXPECT(in_both_classes([](auto b) {
    b.load(0x100000, 0x80, 0x100);
    for (const section_type type : {section_type::nobits, section_type::null}) {
      b.note_section(type);
      b.set(b.shdrs[b.shnum - 1].sh_offset, b.phoff);
      b.set(b.shdrs[b.shnum - 1].sh_size, 0x1c0);
    }
    b.set(b.add(segment_type::null, b.phoff, 0x1c0).p_memsz, 0);
    b.add(segment_type::dynamic, b.phoff + 0x100, 0);
    b.note("GNU", xen_note{3}, 1u);
    b.note_segment();
    patched p{b};
    return p.set(0x100010).enters(0x100010) && *p.size == file_size;
  }));
  auto tables = builder64{};
  tables.load(0x100000, 0x80, 0x100);
  tables.set(tables.header.e_shoff, tables.phoff + 56);
  patched p{tables};
  for (size_t i = 0; i < 64; ++i) p.bytes[tables.phoff + 56 + i] = 0;
  p.before = p.bytes;
  EXPECT(p.set(0x100010).enters(0x100010) && *p.size > file_size);
  // The file ends after the headers.
  auto short_file = builder64{};
  short_file.set(short_file.load(0x100000, 0x10, 0x10).p_offset, 0x10);
  patched cut{short_file};
  cut.bytes[0x28] = cut.bytes[0x29] = 0;  // e_shoff
  cut.size = set_phys32_entry(cut.bytes, short_file.phoff + 56, 0x100008);
  EXPECT(cut.enters(0x100008) && *cut.size == short_file.phoff + 56 + 2 * 56 + 24);
});
ROW("set_phys32_entry, remove_phys32_entry: note_entangled", {
  const auto both_fail = [](const patched& p, uint64_t where) {
    auto set = p;
    auto removed = p.bytes;
    return fails(set.set(0x100014).size, errc::note_entangled, where) && set.changed() == 0 &&
           fails(remove_phys32_entry(removed), errc::note_entangled, where);
  };
  // In the section headers.
  patched in_headers{kernel(builder64{}, [](auto& b) {
    b.entry_note(0x100010);
    b.set(b.header.e_shoff, b.notes_at);
    b.header.e_shnum = uint16_t{1};
  })};
  for (size_t i = 0; i < 24; ++i)
    in_headers.bytes[builder64::notes_at + i] =
        kernel(builder64{}, [](auto& b) { b.entry_note(0x100010); }).bytes[builder64::notes_at + i];
  in_headers.before = in_headers.bytes;
  EXPECT(both_fail(in_headers, builder64::notes_at));
  // In the program headers: the note is itself a PT_NOTE.
  auto as_header = builder64{};
  as_header.load(0x100000, 0x80, 0x100);
  as_header.set(as_header.add(segment_type::note, as_header.phoff + 2 * 56, 24).p_align, 4);
  auto& itself = as_header.add(segment_type::note, uint64_t{0x006e6558} << 32 | 18, 0);
  itself.p_flags = 8;
  as_header.set(itself.p_vaddr, 0x100010);
  EXPECT(both_fail(patched{as_header}, as_header.phoff + 2 * 56));
  // In two segments that are walked differently, but not in one twice.
  const auto twice = [](size_t shift, uint64_t align) {
    return patched{kernel(builder64{}, [&](auto& b) {
      b.entry_note(0x100010);
      const uint64_t size = b.notes_end - b.notes_begin;
      b.note_segment();
      b.set(b.add(segment_type::note, b.notes_at + shift, size - shift).p_align, align);
    })};
  };
  EXPECT(both_fail(twice(4, 4), builder64::notes_at) && both_fail(twice(0, 8), builder64::notes_at));
  EXPECT(twice(0, 4).set(0x100014).enters(0x100014));
  // Bytes that the one walk has and the other lacks decide its padding.
  const auto shorter = [](uint64_t align, size_t less) {
    return patched{kernel(builder64{}, [&](auto& b) {
      b.entry_note(0x100010);
      b.note("GNU", xen_note{3}, 1u);
      const uint64_t size = b.notes_end - b.notes_begin;
      b.note_segment(align);
      b.set(b.add(segment_type::note, b.notes_at, size - less).p_align, align);
    })};
  };
  EXPECT(both_fail(shorter(8, 16), builder64::notes_at));
  EXPECT(shorter(8, 0).set(0x100014).entry() == 0x100014 && shorter(4, 16).set(0x100014).entry() == 0x100014);
  // Both are padded to 4 bytes, and the shorter one has no whole note: it keeps its p_align.
  auto cut_twice = shorter(0, 28);
  EXPECT(cut_twice.set(0x100014).entry() == 0x100014);
  cut_twice.before = cut_twice.bytes;
  EXPECT(cut_twice.set(0x100014).size.ok() && cut_twice.changed() == 0);
  EXPECT(both_fail(patched{kernel(builder64{},
                                  [](auto& b) {
                                    b.entry_note(0x100010);
                                    b.note_section();
                                    b.set(b.note_section().sh_offset, b.notes_at + 4);
                                    b.set(b.shdrs[2].sh_size, 8);
                                  })},
                   builder64::notes_at));
});
ROW("set_phys32_entry: note_entangled, program headers in other headers or in notes", {
  // In the ELF header: the table begins in its e_phentsize and the fields after it.
  auto over = builder32{};
  over.load(0x100000, 0x80, 0x100);
  patched p{over};
  for (size_t i = 0; i < 32; ++i) p.bytes[48 + i] = p.bytes[builder32::phoff + i];
  p.bytes[28] = 48;
  p.before = p.bytes;
  EXPECT(parse_elf(p.file()).ok());
  EXPECT(fails(p.set(0x100010).size, errc::note_entangled, 48) && p.changed() == 0);
  // In the section headers; these in the ELF header.
  for (const uint64_t shoff : {uint64_t{builder64::phoff + 8}, uint64_t{8}}) {
    auto b = kernel(builder64{}, [](auto&) {});
    b.set(b.header.e_shoff, shoff);
    patched sections{b};
    EXPECT(fails(sections.set(0x100010).size, errc::note_entangled, shoff) && sections.changed() == 0);
  }
  // In the notes of another owner: a new header there could be read as a note.
  auto notes = kernel(builder64{}, [](auto&) {});
  notes.set(notes.add(segment_type::note, notes.phoff + 2 * 56, 2 * 56).p_align, 4);
  notes.add(segment_type::null, 0, 0);
  patched in_notes{notes};
  EXPECT(fails(in_notes.set(0x100010).size, errc::note_entangled, notes.phoff + 2 * 56) && in_notes.changed() == 0);
});
ROW("set_phys32_entry, remove_phys32_entry: note_entangled, a value that decides the padding", {
  const auto words = [](uint64_t size, auto... w) {
    auto b = builder64{};
    b.load(0, 0x80, 0x100);
    b.load(0x100000, 0x80, 0x100);
    (b.word(static_cast<uint32_t>(w)), ...);
    b.set(b.note_segment(8).p_filesz, size);
    return patched{b};
  };
  constexpr uint32_t name = 0x006e6558;
  constexpr uint64_t at = builder64::notes_at;
  // Read with a padding of 4, the type of an entry note is the size that does not fit.
  patched p = words(0x72, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 18, name, 0x100000, 0,  //
                    0, 0, 0, 0, 4, 11, 18, name, 0x100004, 0);
  auto removed = p.bytes;
  EXPECT(fails(p.set(0x100010).size, errc::note_entangled, at + 0x20) && p.changed() == 0);
  EXPECT(fails(remove_phys32_entry(removed), errc::note_entangled, at + 0x20));
  patched last = words(0x72, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 7, name, 0x100000, 0,  //
                       0, 0, 0, 0, 4, 11, 18, name, 0x100004, 0);
  EXPECT(fails(last.set(0x100010).size, errc::note_entangled, at + 0x48) && last.changed() == 0);
  // So is its value: 4 would fit, and the note would be lost.
  patched value = words(56, 4, 4, 7, name, 1, 4, 4, 8, 18, name, 0x100010, 0, 0, 0);
  EXPECT(value.entry() == 0x100010 && fails(value.set(4).size, errc::note_entangled, at + 24));
  // The words of a second note are no such sizes, and 4 fits here.
  patched reloc = words(56, 4, 12, 19, name, 0, 0, ~0, 0, 4, 4, 18, name, 0x100010, 0);
  EXPECT(reloc.entry() == 0x100010 && reloc.set(0x100014).entry() == 0x100014);
  patched after = words(48, 4, 4, 18, name, 0x100010, 0, 4, 8, 9, 0, ~0, 0);
  EXPECT(after.entry() == 0x100010 && after.set(0x100014).entry() == 0x100014);
  // A value that is a size and fits.
  patched small = words(68, 4, 4, 7, name, 1, 4, 4, 8, 18, name, 4, 0, 0, 4, ~0, 0, 0);
  EXPECT(small.entry() == 4 && fails(small.set(8).size, errc::note_entangled, at + 24));
  // Neither fits: what the notes before the damage say counts.
  patched damaged = words(44, 4, 8, 18, name, 0x100010, 0, ~0, 0, 0, 0, 0);
  EXPECT(damaged.entry() == 0x100010 && damaged.set(0x100014).entry() == 0x100014);
});
ROW("set_phys32_entry: note_entangled, notes that would reach into what is added", {
  const auto cut = [](bool has_gap) {
    auto b = kernel(builder64{}, [](auto& k) {
      k.note("GNU", xen_note{3}, 1u);
      k.set(k.note_segment().p_filesz, 0x1000);
    });
    for (size_t i = b.phoff + 3 * 56; !has_gap && i < b.notes_at; ++i) b.bytes[i] = 0x33;
    return patched{b};
  };
  EXPECT(cut(true).set(0x100010).enters(0x100010) == false);  // QEMU refuses such a file
  EXPECT(cut(true).set(0x100010).entry() == 0x100010);
  // So would section headers; those that lie further away are left alone.
  for (const bool near : {true, false}) {
    auto b = kernel(builder64{}, [](auto&) {});
    b.set(b.header.e_shoff, near ? file_size - 8 : file_size + 0x1000);
    for (size_t i = b.phoff + 2 * 56; i < b.notes_at; ++i) b.bytes[i] = 0x33;
    patched sections{b};
    for (size_t i = file_size - 8; i < file_size; ++i) sections.bytes[i] = 0;
    if (near) {
      EXPECT(fails(sections.set(0x100010).size, errc::note_entangled, file_size - 8));
    } else {
      EXPECT(sections.set(0x100010).entry() == 0x100010);
    }
  }
  auto p = cut(false);
  EXPECT(fails(p.set(0x100010).size, errc::note_entangled, builder64::phoff + 2 * 56) && p.changed() == 0);
});
ROW("remove_phys32_entry: all of them, and nothing else", {
  EXPECT(in_both_classes([](const auto& b) {
    patched p{kernel(b, [](auto& k) {
      k.entry_note(0x100010);
      k.note("Xen", xen_note::phys32_reloc);
      k.note("Xen", xen_note::phys32_entry);
    })};
    const auto removed = remove_phys32_entry(pvhboot::span<uint8_t>{p.bytes}.first(file_size));
    return removed && *removed == 2 && p.entry() == 0 && p.changed() == 2 && p.set(0x100010).enters(0x100010);
  }));
  EXPECT(in_both_classes([](const auto& b) {
    patched p{kernel(b, [](auto& k) {
      k.entry_note(0x100010);
      k.note_section();
    })};
    const auto removed = remove_phys32_entry(pvhboot::span<uint8_t>{p.bytes}.first(file_size));
    return removed && *removed == 1 && p.entry() == 0 && p.changed() == 1;
  }));
  // A note in two segments counts twice, as in find_phys32_entry.
  patched twice{kernel(builder64{}, [](auto& b) {
    b.entry_note(0x100010);
    b.note_segment();
    b.phdrs[b.phnum] = b.phdrs[b.phnum - 1];
    ++b.phnum;
  })};
  EXPECT(remove_phys32_entry(twice.bytes).value_or(9) == 2 && twice.entry() == 0 && twice.changed() == 1);
  patched none{kernel(builder64{}, [](auto& b) { b.note("nuttx", xen_note::phys32_entry, 0x100010u); })};
  EXPECT(remove_phys32_entry(none.bytes).value_or(9) == 0 && none.changed() == 0);
});

/// Too large for a constant expression. The low half of e_phoff is the name.
TEST_CASE("set_phys32_entry: note_entangled, a note in the ELF header") {
  constexpr size_t phoff = 0x006e6558;
  builder64 b;
  b.load(0x100000, 0x80, 0x80);
  b.set(b.add(segment_type::note, 20, 28).p_align, 4);
  b.header.e_version = uint32_t{4};
  b.header.e_entry = uint64_t{18} << 32 | 8;
  b.header.e_phoff = uint64_t{phoff};
  b.header.e_shoff = uint64_t{0};
  const auto head = b.written();
  std::vector<uint8_t> file(phoff + 2 * 56);
  for (size_t i = 0; i < file_size; ++i) file[i] = head.contents[i];
  for (size_t i = 0; i < 2 * 56; ++i) file[phoff + i] = head.contents[builder64::phoff + i];
  CHECK(fails(set_phys32_entry(file, file.size(), 0x100010), errc::note_entangled, 20));
}

/// Too large for constant expressions.
TEST_CASE("set_phys32_entry, remove_phys32_entry: too_many_notes") {
  /// `count` empty notes.
  const auto file_of = [](size_t count, uint64_t align) {
    builder64 b;
    b.load(0x100000, 0x80, 0x80);
    auto& p = b.note_segment(align);
    b.set(p.p_offset, file_size);
    b.set(p.p_filesz, count * 12);
    const auto head = b.written();
    std::vector<uint8_t> file(head.contents.begin(), head.contents.end());
    file.resize(file_size + count * 12);
    return file;
  };
  const auto refused = [](std::vector<uint8_t> file, uint64_t notes) {
    const auto before = file;
    return fails(set_phys32_entry(file, file.size(), 0x100014), errc::too_many_notes, notes) &&
           fails(remove_phys32_entry(file), errc::too_many_notes, notes) && file == before;
  };
  CHECK(refused(file_of(pvhboot::max_notes, 4), pvhboot::max_notes));
  auto most = file_of(pvhboot::max_notes - 1, 4);
  CHECK(remove_phys32_entry(most).value_or(9) == 0);
  // The two paddings of a segment are tried on as many notes. The last word is the size of a name.
  auto padded = file_of(40000, 8);
  padded[padded.size() - 12] = 1;
  CHECK(refused(padded, 39999));
  // Each entry note is compared with all notes.
  constexpr size_t entries = 6000;
  auto many = file_of(entries / 3 * 4, 4);
  const uint8_t note[] = {4, 0, 0, 0, 0, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0};
  for (size_t i = 0; i < entries * sizeof note; ++i) many[file_size + i] = note[i % sizeof note];
  CHECK(refused(many, entries));
  // In 2^24 steps: with five program headers and a section header, 4093 times 4099 pass, 4094 times 4100 do not.
  const auto entries_only = [&](size_t n) {
    auto file = file_of((n * sizeof note + 11) / 12, 4);
    file.resize(file_size + n * sizeof note);
    file[builder64::phoff + 56 + 32] = static_cast<uint8_t>(n * sizeof note);
    file[builder64::phoff + 56 + 33] = static_cast<uint8_t>(n * sizeof note >> 8);
    file[builder64::phoff + 56 + 34] = static_cast<uint8_t>(n * sizeof note >> 16);
    for (size_t i = 0; i < n * sizeof note; ++i) file[file_size + i] = note[i % sizeof note];
    file[56] = 5;  // e_phnum: three headers of type 0 follow
    for (size_t i = 0; i < size_t{3} * 56; ++i) file[builder64::phoff + size_t{2} * 56 + i] = 0;
    return file;
  };
  auto passes = entries_only(4093);
  CHECK(remove_phys32_entry(passes).value_or(0) == 4093);
  CHECK(refused(entries_only(4094), 4094));
}

/// Too large for a constant expression.
TEST_CASE("set_phys32_entry: note_no_header, as many headers as e_phnum can count") {
  std::vector<uint8_t> file(64 + 0xfffe * 56 + 0x100);
  builder64 b;
  b.load(0x100000, 0x80, 0x80);
  b.phdrs[0].p_offset = uint64_t{64} + 0xfffe * 56;
  b.header.e_phnum = uint16_t{0xfffe};
  b.header.e_shoff = uint64_t{0};
  b.shnum = 0;
  b.set(b.phdrs[1].p_type, 4);
  const auto head = b.written();
  for (size_t i = 0; i < 64 + 56; ++i) file[i] = head.contents[i];
  for (size_t i = 1; i < 0xfffe; ++i) file[64 + i * 56] = 5;  // PT_SHLIB, which is no PT_NULL
  CHECK(fails(set_phys32_entry(file, file.size(), 0x100010), errc::note_no_header, 0xfffe));
}

}  // namespace
