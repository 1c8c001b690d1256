// SPDX-License-Identifier: BSL-1.0
//
// What PVH's notes say, and how real images say it (A1 to A26 of docs/pitfalls.md).
#include <initializer_list>

#include "elf_image.hpp"

#include <pvhboot/pvh/phys32_note.hpp>

namespace {

using namespace test;
using pvhboot::find_phys32_entry;
using pvhboot::find_phys32_reloc;
using pvhboot::load_image;
using pvhboot::note_origin;
using pvhboot::parse_elf;
using pvhboot::section_type;
using pvhboot::xen_note;

using builder32 = elf_builder<elf32_structs>;
using builder64 = elf_builder<elf64_structs>;

// find_phys32_entry

/// What find_phys32_entry makes of a kernel whose notes `add` writes.
template <class Builder, class Add>
constexpr pvhboot::result<pvhboot::phys32_entry> entry_of(Builder b, const Add& add) {
  b.load(0x100000, 0x80, 0x100);
  b.load(0x100200, 0x40, 0x40, b.rw);
  add(b);
  if (b.notes_begin != b.notes_end) b.note_segment();
  auto file = b.written();
  auto image = parse_elf(file.contents);
  if (!image) return image.error();
  auto entry = find_phys32_entry(*image);
  return entry;
}
template <class Add> constexpr bool both_enter_at(uint32_t paddr, const Add& add) {
  return in_both_classes([&](const auto& b) {
    const auto entry = entry_of(b, add);
    return entry && entry->paddr == paddr;
  });
}
template <class Add> constexpr bool both_fail(errc code, uint64_t where, const Add& add) {
  return in_both_classes([&](const auto& b) { return fails(entry_of(b, add), code, where); });
}

ROW("find_phys32_entry: 4 or 8 bytes in either class", {
  EXPECT(both_enter_at(0x100010, [](auto& b) { b.note("Xen", xen_note::phys32_entry, 0x100010u); }));
  EXPECT(both_enter_at(0x100010, [](auto& b) { b.note("Xen", xen_note::phys32_entry, 0x100010u, 0u); }));
});
ROW("find_phys32_entry: 4 bytes are 4 bytes, whatever follows them (A1, A2)", {
  EXPECT(both_enter_at(0x100010, [](auto& b) {
    b.note("Xen", xen_note::phys32_entry, 0x100010u);
    b.note("Xen", xen_note{0xffffffff}, 0xffffffffu);
  }));
});
ROW("find_phys32_entry: beside .note.gnu.property in one segment (A3)", {
  const auto property = [](auto& b) { b.note("GNU", xen_note{5}, 0xc0000002u, 4u, 3u, 0u); };
  EXPECT(both_enter_at(0x100010, [&](auto& b) {
    property(b);
    b.note("Xen", xen_note::phys32_entry, 0x100010u);
    b.note_segment(8);
  }));
  EXPECT(both_enter_at(0x100010, [&](auto& b) {
    b.note("Xen", xen_note::phys32_entry, 0x100010u);
    b.word(0);
    property(b);
    b.note_segment(8);
  }));
  EXPECT(both_enter_at(0x100010, [&](auto& b) {
    b.note("Xen", xen_note::guest_os, 0x100010u);
    b.word(0);
    b.note("Xen", xen_note::phys32_entry, 0x100010u);
    b.word(0);
    property(b);
    b.note_segment(8);
  }));
});
ROW("find_phys32_entry: p_align 0 (A4)", {
  EXPECT(both_enter_at(0x100010, [](auto& b) {
    b.entry_note(0x100010);
    b.note_segment(0);
  }));
});
ROW("find_phys32_entry: foreign_phys32_entry, a note of another name (A5, A26)", {
  EXPECT(both_fail(errc::foreign_phys32_entry, 0x200,
                   [](auto& b) { b.note("Atmosphere!", xen_note::phys32_entry, 0x100010u); }));
  EXPECT(both_fail(errc::foreign_phys32_entry, 0x214, [](auto& b) {
    b.note("GNU", xen_note{1}, 1u);
    b.note("nuttx", xen_note::phys32_entry, 0x100010u);
    b.note("XEN", xen_note::phys32_entry, 0x100010u);
  }));
  EXPECT(in_both_classes([](const auto& builder) {
    const auto entry = entry_of(builder, [](auto& b) {
      b.entry_note(0x100010);
      b.note_segment();
      b.note("nuttx", xen_note::phys32_entry, 0x100020u);
    });
    return entry && entry->paddr == 0x100010 && entry->notes == 1 &&
           entry->foreign == entry->offset + 16 + (builder.is_64 ? 8 : 4);
  }));
});
ROW("find_phys32_entry: a later segment without the note changes nothing (A8)", {
  EXPECT(both_enter_at(0x100010, [](auto& b) {
    b.entry_note(0x100010);
    b.note_segment();
    b.note("GNU", xen_note{3}, 1u);
    b.note_segment();
  }));
});
ROW("find_phys32_entry: sizes have four bytes, and no entry is not entry 0 (A11)", {
  EXPECT(both_fail(errc::note_desc_outside, 0x200, [](auto& b) {
    b.note_head("Xen", 18, 0x01000004);
    b.word(0x100010);
  }));
  EXPECT(both_fail(errc::no_phys32_entry, 0, [](auto&) {}));
});
ROW("find_phys32_entry: the note's entry, not e_entry (A12)", {
  EXPECT(in_both_classes([](auto b) {
    b.usual().header.e_entry = 0x100044;
    auto file = b.written();
    auto image = parse_elf(file.contents);
    auto entry = image ? find_phys32_entry(*image) : image.error();
    return entry && entry->paddr == 0x100010 && image->entry() == 0x100044;
  }));
});
ROW("find_phys32_entry: a segment whose section is PROGBITS, or that has none (A13)", {
  EXPECT(in_both_classes([](auto b) {
    b.load(0x100000, 0x80, 0x80);
    b.entry_note(0x100010);
    const size_t begin = b.notes_begin;
    b.note_section(section_type::progbits);
    b.notes_begin = begin;
    b.note_segment();
    auto file = b.written();
    auto image = parse_elf(file.contents);
    auto entry = image ? find_phys32_entry(*image) : image.error();
    if (!entry || entry->origin != note_origin::segment) return false;
    b.header.e_shoff = 0;
    file = b.written();
    image = parse_elf(file.contents);
    return image && find_phys32_entry(*image).ok();
  }));
});
ROW("find_phys32_entry: only in a section (A14); one that is not SHT_NOTE does not count (A16)", {
  EXPECT(both_enter_at(0x100010, [](auto& b) {
    b.entry_note(0x100010);
    b.note_section();
  }));
  EXPECT(in_both_classes([](const auto& builder) {
    const auto entry = entry_of(builder, [](auto& b) {
      b.note("GNU", xen_note{3}, 1u);
      b.note_segment();
      b.entry_note(0x100010);
      b.note_section();
    });
    return entry && entry->origin == note_origin::section_header && entry->offset == 0x214;
  }));
  EXPECT(both_fail(errc::no_phys32_entry, 0, [](auto& b) {
    b.entry_note(0x100010);
    b.note_section(section_type::progbits);
  }));
});
ROW("find_phys32_entry: notes for paravirtualised guests move nothing (A17)", {
  EXPECT(in_both_classes([](auto b) {
    b.usual();
    b.note("Xen", xen_note::virt_base, 0xc0000000u);
    b.note("Xen", xen_note::paddr_offset, 0xc0000000u);
    b.note("Xen", xen_note::entry, 0xc0100000u);
    b.note_segment();
    auto file = b.written();
    auto image = parse_elf(file.contents);
    auto entry = image ? find_phys32_entry(*image) : image.error();
    guest_memory<0x400> guest;
    return entry && entry->paddr == 0x100010 && load_image(*image, guest.window()) && guest.has_usual_image(0);
  }));
});
ROW("find_phys32_entry: no_phys32_entry, where a tool left zeroes for the notes (A18)",
    { EXPECT(both_fail(errc::no_phys32_entry, 3, [](auto& b) { b.notes_end += 36; })); });
ROW("find_phys32_entry: a multiboot header does not matter (A19)", {
  EXPECT(both_enter_at(0x100010, [](auto& b) {
    for (size_t i = 0; i < 12; ++i) b.bytes[b.contents_at + i] = uint8_t{0};
    const uint8_t magic[] = {0x02, 0xb0, 0xad, 0x1b, 0, 0, 0, 0, 0xfe, 0x4f, 0x52, 0xe4};
    for (size_t i = 0; i < 12; ++i) b.bytes[b.contents_at + i] = magic[i];
    b.entry_note(0x100010);
  }));
});
ROW("find_phys32_entry: in another segment than the lowest (A24)", {
  EXPECT(both_enter_at(0x200010, [](auto& b) {
    b.load(0x200000, 0x20, 0x20);
    b.load(0x80000, 0x20, 0x20);
    b.entry_note(0x200010);
  }));
});
ROW("find_phys32_entry: phys32_entry_unset, the values that mean none (A25)", {
  for (uint32_t none : {0u, 0xffffffffu}) {
    EXPECT(both_fail(errc::phys32_entry_unset, 0x200, [&](auto& b) { b.note("Xen", xen_note::phys32_entry, none); }));
    EXPECT(
        both_fail(errc::phys32_entry_unset, 0x200, [&](auto& b) { b.note("Xen", xen_note::phys32_entry, none, 0u); }));
  }
});
ROW("find_phys32_entry: bad_phys32_entry_size (A25)", {
  for (uint32_t size : {0u, 1u, 2u, 3u, 5u, 7u, 9u, 12u, 16u})
    EXPECT(both_fail(errc::bad_phys32_entry_size, 0x200, [&](auto& b) {
      b.note_head("Xen", 18, size);
      for (size_t i = 0; i < (size + 3) / 4; ++i) b.word(0x100010);
    }));
});
ROW("find_phys32_entry: phys32_entry_too_high", {
  EXPECT(both_fail(errc::phys32_entry_too_high, 0x200,
                   [](auto& b) { b.note("Xen", xen_note::phys32_entry, 0x100010u, 1u); }));
  EXPECT(both_fail(errc::phys32_entry_too_high, 0x200,
                   [](auto& b) { b.note("Xen", xen_note::phys32_entry, 0u, 0x80000000u); }));
});
ROW("find_phys32_entry: phys32_entry_outside; the end of a segment is not in it (A25)", {
  for (uint32_t at : {0xfffffu, 0x100100u, 0x100240u, 1u, 0xfffffffeu})
    EXPECT(both_fail(errc::phys32_entry_outside, at, [&](auto& b) { b.entry_note(at); }));
  EXPECT(both_enter_at(0x100000, [](auto& b) { b.entry_note(0x100000); }));
});
ROW("find_phys32_entry: phys32_entry_not_executable",
    { EXPECT(both_fail(errc::phys32_entry_not_executable, 0x100200, [](auto& b) { b.entry_note(0x100200); })); });
ROW("find_phys32_entry: phys32_entry_zero_filled", {
  EXPECT(both_fail(errc::phys32_entry_zero_filled, 0x100080, [](auto& b) { b.entry_note(0x100080); }));
  EXPECT(both_enter_at(0x10007f, [](auto& b) { b.entry_note(0x10007f); }));
});
ROW("find_phys32_entry: of several the last counts, and it is said whether they differ", {
  const auto two = [](uint32_t first, uint32_t second) {
    return [=](auto& b) {
      b.note("Xen", xen_note::phys32_entry, first);
      b.note_segment();
      b.note("Xen", xen_note::phys32_entry, second);
    };
  };
  const auto is = [&](uint32_t first, uint32_t second, bool differs) {
    return in_both_classes([&](const auto& b) {
      const auto entry = entry_of(b, two(first, second));
      return entry && entry->paddr == second && entry->notes == 2 && entry->differs == differs &&
             entry->offset == 0x214;
    });
  };
  EXPECT(is(0x100010, 0x100020, true) && is(0x100010, 0x100010, false) && is(0, 0x100020, true));
  EXPECT(both_fail(errc::phys32_entry_unset, 0x214, two(0x100010, 0)));
  EXPECT(in_both_classes([](const auto& b) {
    const auto entry = entry_of(b, [](auto& k) {
      k.load(0, 0x10, 0x10);
      k.note("Xen", xen_note::phys32_entry, 1u, 2u, 3u);  // no entry, which is no 1 either
      k.note("Xen", xen_note::phys32_entry, 1u);
    });
    return entry && entry->paddr == 1 && entry->notes == 2 && entry->differs;
  }));
});
ROW("find_phys32_entry: section 0 is a section like others, as for Xen", {
  EXPECT(in_both_classes([](auto b) {
    b.load(0x100000, 0x80, 0x80);
    b.entry_note(0x100010);
    b.shdrs[0].sh_type = section_type::note;
    b.set(b.shdrs[0].sh_offset, b.notes_at);
    b.set(b.shdrs[0].sh_size, b.notes_end - b.notes_at);
    const auto file = b.written();
    const auto image = parse_elf(file.contents);
    const auto entry = find_phys32_entry(*image);
    return entry && entry->paddr == 0x100010 && entry->origin == note_origin::section_header;
  }));
});
ROW("find_phys32_entry: what follows the section headers is none", {
  EXPECT(in_both_classes([](auto b) {
    b.load(0x100000, 0x80, 0x80);
    b.entry_note(0x100010);
    b.note_section();
    --b.shnum;
    auto file = b.written();
    pvhboot::store(file.contents.data() + b.shoff + b.shnum * sizeof b.shdrs[0], b.shdrs[b.shnum]);
    return fails(find_phys32_entry(*parse_elf(file.contents)), errc::no_phys32_entry, 0);
  }));
});
ROW("find_phys32_entry: a class that contradicts the machine (A21)", {
  EXPECT(both_enter_at(0x100010, [](auto& b) {
    b.header.e_machine = pvhboot::elf_machine{b.is_64 ? uint16_t{3} : uint16_t{62}};
    b.entry_note(0x100010);
  }));
});
ROW("find_phys32_entry: a note segment at file offset 0, and the note in a section (A15)", {
  EXPECT(in_both_classes([](const auto& builder) {
    const auto entry = entry_of(builder, [](auto& b) {
      b.entry_note(0x100010);
      b.note_section();
      b.set(b.add(pvhboot::segment_type::note, 0, 0x20).p_align, 4);
    });
    return entry && entry->paddr == 0x100010 && entry->origin == note_origin::section_header &&
           entry->damage.error().code == errc::notes_at_0;
  }));
});
ROW("find_phys32_entry: damage is the failure if no note is found, and reported beside one", {
  const auto damaged = [](auto& b) {
    b.note_head("Xen", 18, 9);
    b.note_segment();
  };
  EXPECT(both_fail(errc::note_desc_outside, 0x200, damaged));
  EXPECT(both_fail(errc::elf_shdrs_outside, 0x300, [](auto& b) { b.header.e_shnum = uint16_t{0xfffe}; }));
  EXPECT(in_both_classes([&](const auto& builder) {
    const auto entry = entry_of(builder, [&](auto& b) {
      damaged(b);
      b.entry_note(0x100010);
    });
    return entry && entry->paddr == 0x100010 && fails(entry->damage, errc::note_desc_outside, 0x200);
  }));
});
ROW("find_phys32_entry: one note, no damage, nothing foreign", {
  EXPECT(in_both_classes([](const auto& builder) {
    const auto entry = entry_of(builder, [](auto& b) { b.entry_note(0x100010); });
    return entry && entry->notes == 1 && !entry->differs && entry->offset == 0x200 && entry->foreign == 0 &&
           entry->damage && entry->origin == note_origin::segment;
  }));
});

// find_phys32_reloc

/// The relocation note of a kernel whose notes `add` writes.
template <class Builder, class Add>
constexpr pvhboot::result<pvhboot::phys32_reloc> reloc_of(Builder b, const Add& add) {
  b.usual();
  add(b);
  b.note_segment();
  auto file = b.written();
  auto image = parse_elf(file.contents);
  if (!image) return image.error();
  auto reloc = find_phys32_reloc(*image);
  return reloc;
}
template <class Add>
constexpr bool both_have_reloc(uint32_t alignment, uint32_t minimum, uint32_t maximum, const Add& add) {
  return in_both_classes([&](const auto& b) {
    const auto reloc = reloc_of(b, add);
    return reloc && reloc->relocatable && reloc->alignment == alignment && reloc->minimum == minimum &&
           reloc->maximum == maximum;
  });
}

ROW("find_phys32_reloc: 0, 4, 8, 12 and more bytes (A22)", {
  const auto note = [](auto... words) { return [=](auto& b) { b.note("Xen", xen_note::phys32_reloc, words...); }; };
  EXPECT(both_have_reloc(0x1000, 0, 0xffffffff, note()));  // the segments' p_align
  EXPECT(both_have_reloc(0x400000, 0, 0xffffffff, note(0x400000u)));
  EXPECT(both_have_reloc(0x400000, 0x1000000, 0xffffffff, note(0x400000u, 0x1000000u)));
  EXPECT(both_have_reloc(0x200000, 0x1000000, 0x3fffffff, note(0x200000u, 0x1000000u, 0x3fffffffu)));
  EXPECT(both_have_reloc(0x200000, 0x1000000, 0x3fffffff, note(0x200000u, 0x1000000u, 0x3fffffffu, 1u)));
  EXPECT(both_have_reloc(1, 0, 0, note(1u, 0u, 0u)));
});
ROW("find_phys32_reloc: bad_phys32_reloc_size (A22)", {
  for (uint32_t size : {1u, 2u, 3u, 5u, 6u, 7u, 11u, 13u})
    EXPECT(in_both_classes([&](const auto& builder) {
      return fails(reloc_of(builder,
                            [&](auto& b) {
                              b.note_head("Xen", 19, size);
                              for (size_t i = 0; i < (size + 3) / 4; ++i) b.word(0x200000);
                            }),
                   errc::bad_phys32_reloc_size, 0x200u + 16 + (builder.is_64 ? 8 : 4));
    }));
});
ROW("find_phys32_reloc: the alignment is the note's, or the largest p_align from a page on, or 2 MiB", {
  const auto aligned = [](uint64_t align) {
    return [=](auto& b) {
      for (size_t i = 0; i < 3; ++i) b.set(b.phdrs[i].p_align, i == 1 ? align : 1);
      b.note("Xen", xen_note::phys32_reloc);
    };
  };
  EXPECT(both_have_reloc(0x1000, 0, 0xffffffff, aligned(0x1000)));
  EXPECT(both_have_reloc(0x80000000, 0, 0xffffffff, aligned(0x80000000)));
  EXPECT(both_have_reloc(0x200000, 0, 0xffffffff, aligned(0x800)));
  EXPECT(both_have_reloc(0x200000, 0, 0xffffffff, aligned(0)));
  const auto refused = [](auto builder, const auto& add, uint64_t alignment) {
    return fails(reloc_of(builder, add), errc::bad_phys32_reloc_alignment, alignment);
  };
  EXPECT(refused(builder64{}, aligned(0x3000), 0x3000) && refused(builder32{}, aligned(0x3000), 0x3000));
  EXPECT(refused(builder64{}, aligned(0x100000000), 0x100000000));
});
ROW("find_phys32_reloc: bad_phys32_reloc_alignment and bad_phys32_reloc_range", {
  EXPECT(in_both_classes([](const auto& builder) {
    const auto with = [&](uint32_t alignment, uint32_t minimum, uint32_t maximum) {
      return reloc_of(builder, [&](auto& b) { b.note("Xen", xen_note::phys32_reloc, alignment, minimum, maximum); });
    };
    const uint64_t at = 0x200u + 16 + (builder.is_64 ? 8 : 4);
    return fails(with(0, 0, 0xffffffff), errc::bad_phys32_reloc_alignment, 0) &&
           fails(with(0x300000, 0, 0xffffffff), errc::bad_phys32_reloc_alignment, 0x300000) &&
           fails(with(0x200000, 2, 1), errc::bad_phys32_reloc_range, at) && with(0x200000, 1, 1);
  }));
});
ROW("find_phys32_reloc: none, or one of another name: not relocatable, which is no failure", {
  EXPECT(in_both_classes([](const auto& builder) {
    const auto none = reloc_of(builder, [](auto&) {});
    const auto foreign = reloc_of(builder, [](auto& b) { b.note("nuttx", xen_note::phys32_reloc, 1u); });
    return none && !none->relocatable && foreign && !foreign->relocatable && none->maximum == 0xffffffff;
  }));
});
ROW("find_phys32_reloc: of several the last counts", {
  EXPECT(both_have_reloc(0x400000, 0, 0xffffffff, [](auto& b) {
    b.note("Xen", xen_note::phys32_reloc, 0x200000u, 0x1000000u, 0x3fffffffu);
    b.note("Xen", xen_note::phys32_reloc, 0x400000u);
  }));
});

}  // namespace
