// SPDX-License-Identifier: BSL-1.0
//
// What readers of kernel images do with one (A1 to A29 of docs/pitfalls.md). tests/images/readers.py asks real ones.
#include <algorithm>
#include <iterator>
#include <vector>

#include "elf_image.hpp"

#include <pvhboot/pvh/explain.hpp>

namespace {

using namespace test;
using pvhboot::explain;
using pvhboot::image_outcome;
using pvhboot::image_reader;
using pvhboot::image_reason;
using pvhboot::image_verdict;
using pvhboot::section_type;
using pvhboot::segment_type;
using pvhboot::xen_note;

using builder32 = elf_builder<elf32_structs>;
using builder64 = elf_builder<elf64_structs>;

constexpr image_verdict enters(uint64_t entry, image_reason why = image_reason::as_the_note_says) {
  return {image_outcome::enters, why, entry};
}
constexpr image_verdict refuses(image_reason why) { return {image_outcome::refuses, why, 0}; }
constexpr image_verdict undefined(image_reason why) { return {image_outcome::undefined, why, 0}; }
constexpr image_verdict other(image_reason why, uint64_t entry = 0) {
  return {image_outcome::other_protocol, why, entry};
}
constexpr bool same(const image_verdict& a, const image_verdict& b) {
  return a.outcome == b.outcome && a.reason == b.reason && a.entry == b.entry;
}

/// What each reader does with a file.
struct verdicts {
  image_verdict qemu;
  image_verdict toolstack;
  image_verdict dom0;
  image_verdict loader;
  image_verdict cloud_hypervisor;
  image_verdict firecracker;
};
constexpr bool says(pvhboot::span<const uint8_t> file, const verdicts& v) {
  return same(explain(file, image_reader::qemu), v.qemu) &&
         same(explain(file, image_reader::xen_toolstack), v.toolstack) &&
         same(explain(file, image_reader::xen_dom0), v.dom0) &&
         same(explain(file, image_reader::linux_loader), v.loader) &&
         same(explain(file, image_reader::cloud_hypervisor), v.cloud_hypervisor) &&
         same(explain(file, image_reader::firecracker), v.firecracker);
}
/// A kernel whose notes, and more, `add` writes.
template <class Builder, class Add> constexpr auto kernel(Builder b, const Add& add) {
  b.load(0x100000, 0x80, 0x100);
  b.load(0x100200, 0x40, 0x40, b.rw);
  add(b);
  if (b.notes_begin != b.notes_end) b.note_segment();
  return b.written();
}
template <class Add> constexpr bool says64(const Add& add, const verdicts& v) {
  const auto file = kernel(builder64{}, add);
  return says(file.contents, v);
}
template <class Add> constexpr bool says32(const Add& add, const verdicts& v) {
  const auto file = kernel(builder32{}, add);
  return says(file.contents, v);
}
/// Of a file that every reader treats in one way, but those of ELF64 if it is of class 32.
constexpr verdicts all(const image_verdict& v) { return {v, v, v, v, v, v}; }
constexpr verdicts all32(const image_verdict& qemu, const image_verdict& toolstack, const image_verdict& dom0) {
  constexpr auto no = refuses(image_reason::elf32);
  return {qemu, toolstack, dom0, no, no, no};
}
constexpr auto right = enters(0x100010);
/// Of readers of segments, that they have no note; linux_64 is Firecracker's way out.
constexpr verdicts no_segment_note(const image_verdict& qemu, const image_verdict& xen, image_reason why) {
  return {qemu, xen, xen, refuses(why), refuses(why), other(image_reason::linux_64, 0x100020)};
}

ROW("explain: a right image is entered by all", {
  EXPECT(says64([](auto& b) { b.entry_note(0x100010); }, all(right)));
  EXPECT(says64([](auto& b) { b.note("Xen", xen_note::phys32_entry, 0x100010u); }, all(right)));
});
ROW("explain: linux-loader reads ELF64 only; QEMU before 6.0 read ELF32 as ELF64 (A1, A9)", {
  const auto file = kernel(builder32{}, [](auto& b) { b.entry_note(0x100010); });
  EXPECT(says(file.contents, all32(right, right, right)));
  EXPECT(same(explain(file.contents, image_reader::qemu_before_6_0), undefined(image_reason::elf32_read_as_elf64)));
  const auto wide = kernel(builder64{}, [](auto& b) { b.entry_note(0x100010); });
  EXPECT(same(explain(wide.contents, image_reader::qemu_before_6_0), right));
  const auto none = kernel(builder32{}, [](auto&) {});
  EXPECT(same(explain(none.contents, image_reader::qemu_before_6_0), refuses(image_reason::no_note)));
});
ROW("explain: QEMU reads 8 bytes of a descriptor of 4 (A2)", {
  EXPECT(says64(
      [](auto& b) {
        b.note("Xen", xen_note::phys32_entry, 0x100010u);
        b.note("Xen", xen_note{7}, 1u);
      },
      all(right)));
  EXPECT(says32(
      [](auto& b) {
        b.note("Xen", xen_note::phys32_entry, 0x100010u);
        b.note("Xen", xen_note{7}, 1u);
      },
      all32(right, right, right)));
});
ROW("explain: QEMU pads by p_align (A3)", {
  const auto property = [](auto& b) { b.note("GNU", xen_note{5}, 0xc0000002u, 4u, 3u, 0u); };
  EXPECT(says64(
      [&](auto& b) {
        property(b);
        b.entry_note(0x100010);
        b.note_segment(8);
      },
      {refuses(image_reason::padded_by_alignment), right, right, right, right, right}));
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.word(0x100020);
        b.note_segment(8);
      },
      {enters(0, image_reason::padded_by_alignment), right, right, right, right, right}));
  EXPECT(says32(
      [](auto& b) {
        b.note("Xen", xen_note::phys32_entry, 0x100010u);
        b.word(0x100020);
        b.note_segment(8);
      },
      all32(enters(0x100020, image_reason::padded_by_alignment), right, right)));
});
ROW("explain: p_align may be any number (A3)", {
  const auto aligned = [](uint64_t align) {
    auto file = kernel(builder64{}, [&](auto& b) {
      b.entry_note(0x100010);
      b.note_segment(align);
    });
    return explain(file.contents, image_reader::qemu);
  };
  EXPECT(same(aligned(1), right) && same(aligned(2), right) && same(aligned(4), right));
  EXPECT(same(aligned(3), enters(0x10, image_reason::padded_by_alignment)));  // 6 bytes of name
  EXPECT(same(aligned(0x1000), undefined(image_reason::reads_outside)));
  EXPECT(same(aligned(~uint64_t{}), enters(0x006e6558, image_reason::padded_by_alignment)));
});
ROW("explain: QEMU divides by a p_align of 0 (A4)", {
  const auto by_0 = undefined(image_reason::alignment_zero);
  const auto add = [](auto& b) {
    b.entry_note(0x100010);
    b.note_segment(0);
  };
  EXPECT(says64(add, {by_0, right, right, right, right, right}));
  EXPECT(says32(add, all32(by_0, right, right)));
  EXPECT(says64(
      [](auto& b) {
        b.note("Xen", xen_note{7}, 1u);
        b.entry_note(0x100010);
        b.note_segment(0);
      },
      {by_0, right, right, right, right, right}));
});
ROW("explain: QEMU takes a note of any name (A5, A10)", {
  const auto foreign = enters(0x100010, image_reason::foreign_name);
  EXPECT(says64([](auto& b) { b.note("nuttx", xen_note::phys32_entry, 0x100010u, 0u); },
                no_segment_note(foreign, refuses(image_reason::foreign_name), image_reason::foreign_name)));
  EXPECT(says64([](auto& b) { b.note("Xeo", xen_note::phys32_entry, 0x100010u, 0u); },
                no_segment_note(foreign, refuses(image_reason::foreign_name), image_reason::foreign_name)));
  EXPECT(says32([](auto& b) { b.note("nuttx", xen_note::phys32_entry, 0x100010u); },
                all32(foreign, enters(0x100020, image_reason::firmware), refuses(image_reason::foreign_name))));
  EXPECT(says64(
      [](auto& b) {
        b.note("nuttx", xen_note::phys32_entry, 0x100014u, 0u);
        b.entry_note(0x100010);
      },
      {enters(0x100014, image_reason::foreign_name), right, right, right, right, right}));
});
ROW("explain: Xen compares the name and not its size", {
  const auto add = [](auto& b) {
    b.word(3);
    b.word(8);
    b.word(18);
    b.word(0x006e6558);
    b.word(0x100010);
    b.word(0);
  };
  EXPECT(says64(add, no_segment_note(enters(0x100010, image_reason::foreign_name), right, image_reason::foreign_name)));
});
ROW("explain: notes whose sizes lead outside (A7)", {
  const auto huge = [](auto& b) {
    b.note_head("Xen", 2, 0xfffffff0);
    b.entry_note(0x100010);
  };
  EXPECT(says64(
      huge, {refuses(image_reason::no_note), refuses(image_reason::no_note), refuses(image_reason::no_note),
             refuses(image_reason::no_note), refuses(image_reason::no_note), other(image_reason::linux_64, 0x100020)}));
  // The padding of a size wraps in QEMU's 32 bits, and in Xen's.
  EXPECT(says32(
      [](auto& b) {
        b.note_head("Xen", 2, 0xffffffff);
        b.entry_note(0x100010);
      },
      all32(right, right, right)));
  // The size of a note becomes 0: QEMU reads it for ever.
  EXPECT(says32([](auto& b) { b.note_head("Xen", 2, 0xfffffff0); },
                all32(undefined(image_reason::reads_outside), enters(0x100020, image_reason::firmware),
                      refuses(image_reason::no_note))));
});
ROW("explain: a walk that leaves the file", {
  auto last = kernel(builder64{}, [](auto& b) {
    b.notes_begin = b.notes_end = b.file_size - 0x10;
    b.note_head("Xen", 2, 0);
    b.note_segment();
  });
  EXPECT(says(last.contents, {undefined(image_reason::reads_outside), refuses(image_reason::no_note),
                              refuses(image_reason::no_note), refuses(image_reason::no_note),
                              refuses(image_reason::no_note), other(image_reason::linux_64, 0x100020)}));
  // Its size fits the segment, but not the file any more where it lies.
  auto long_last = kernel(builder64{}, [](auto& b) {
    b.notes_begin = b.file_size - 0x60;
    b.notes_end = b.notes_begin;
    for (int i = 0; i < 5; ++i) b.note_head("Xen", 2, 0);
    b.note_head("Xen", 2, 0x40);
    b.note_segment();
  });
  EXPECT(same(explain(long_last.contents, image_reader::qemu), undefined(image_reason::reads_outside)));
  // The head of the note, but not what it has.
  const auto cut_at = [](size_t left, size_t part) {
    auto file = kernel(builder64{}, [&](auto& b) {
      b.notes_begin = b.notes_end = b.file_size - left;
      b.note_head("Xen", 18, 8);
      b.notes_end = b.notes_begin + part;
      b.note_segment();
    });
    return file;
  };
  const auto no_desc = cut_at(16, 16);
  const auto outside = refuses(image_reason::notes_outside);
  EXPECT(says(no_desc.contents, {undefined(image_reason::reads_outside), refuses(image_reason::entry_outside),
                                 refuses(image_reason::entry_outside), outside, outside, outside}));
  auto no_name = no_desc;
  no_name.contents[builder64::file_size - 16] = 4;
  EXPECT(same(explain(pvhboot::span<const uint8_t>{no_name.contents}.first(builder64::file_size - 4),
                      image_reader::linux_loader),
              outside));
  EXPECT(
      same(explain(pvhboot::span<const uint8_t>{no_name.contents}.first(builder64::file_size - 4), image_reader::qemu),
           outside));
  EXPECT(same(explain(pvhboot::span<const uint8_t>{no_name.contents}.first(builder64::file_size - 8),
                      image_reader::firecracker),
              outside));
  EXPECT(same(
      explain(pvhboot::span<const uint8_t>{no_name.contents}.first(builder64::file_size - 4), image_reader::xen_dom0),
      refuses(image_reason::no_note)));
  // 4 bytes of a descriptor of 8.
  const auto half_desc = cut_at(20, 20);
  EXPECT(same(explain(half_desc.contents, image_reader::linux_loader), enters(0, image_reason::entry_outside)));
  EXPECT(same(
      explain(pvhboot::span<const uint8_t>{no_name.contents}.first(builder64::file_size - 8), image_reader::xen_dom0),
      refuses(image_reason::no_note)));
});
ROW("explain: linux-loader sees the upper half of an entry that ends with the file", {
  const auto file = kernel(builder64{}, [](auto& b) {
    b.notes_begin = b.notes_end = b.file_size - 24;
    b.note("Xen", xen_note::phys32_entry, 0x100010u, 1u);
    b.note_segment();
  });
  EXPECT(same(explain(file.contents, image_reader::linux_loader), enters(0x100010, image_reason::entry_truncated)));
});
ROW("explain: notes that do not lie in the file", {
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.set(b.note_segment().p_filesz, 0x1000);
      },
      {refuses(image_reason::notes_outside), right, right, right, right, right}));
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.set(b.note_segment().p_offset, ~uint64_t{} - 4);
      },
      {refuses(image_reason::notes_outside), refuses(image_reason::no_note), refuses(image_reason::no_note),
       refuses(image_reason::notes_outside), refuses(image_reason::notes_outside),
       refuses(image_reason::notes_outside)}));
});
ROW("explain: a later segment hides the note from linux-loader (A8)", {
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.note_segment();
        b.note("GNU", xen_note{3}, 1u);
        b.note_segment();
        b.note("GNU", xen_note{3}, 2u);
      },
      {right, right, right, refuses(image_reason::later_segment), refuses(image_reason::later_segment),
       other(image_reason::linux_64, 0x100020)}));
});
ROW("explain: several notes (A25)", {
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.entry_note(0x100014);
      },
      {enters(0x100010, image_reason::another_note), enters(0x100014), enters(0x100014),
       enters(0x100010, image_reason::another_note), enters(0x100010, image_reason::another_note),
       enters(0x100010, image_reason::another_note)}));
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.note_segment();
        b.entry_note(0x100014);
      },
      all(enters(0x100014))));
});
ROW("explain: notes in sections only (A14, A15, A16)", {
  const auto add = [](auto& b) {
    b.entry_note(0x100010);
    b.note_section();
  };
  const auto hidden = refuses(image_reason::note_in_section_only);
  EXPECT(says64(add, no_segment_note(hidden, right, image_reason::note_in_section_only)));
  EXPECT(says32(add, all32(hidden, right, right)));
  EXPECT(says64(
      [&](auto& b) {
        b.add(segment_type::note, 0, 0x40);
        add(b);
      },
      no_segment_note(undefined(image_reason::alignment_zero), right, image_reason::note_in_section_only)));
  EXPECT(says64(
      [](auto& b) { b.set(b.add(segment_type::note, 0, 0x40).p_align, 4); },
      no_segment_note(refuses(image_reason::no_note), refuses(image_reason::notes_at_0), image_reason::no_note)));
  // Xen reads all sections, also after one with a Xen note; the section headers may end early.
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.note_section();
        b.note("Xen", xen_note::phys32_entry, 0x100014u);
        b.note_section();
      },
      no_segment_note(hidden, enters(0x100014), image_reason::note_in_section_only)));
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.note_section(section_type::progbits);
      },
      no_segment_note(refuses(image_reason::no_note), refuses(image_reason::no_note), image_reason::no_note)));
  auto small = builder64{};
  small.load(0x100000, 0x80, 0x80);
  small.header.e_shentsize = uint16_t{1};
  small.header.e_shnum = uint16_t{3};
  small.set(small.header.e_shoff, small.file_size - 3);
  const auto small_file = small.written();
  EXPECT(same(explain(small_file.contents, image_reader::xen_dom0), refuses(image_reason::no_note)));
});
ROW("explain: notes of PV kernels (A17)", {
  const auto texts = [](auto& b, const auto& loader, const auto& os, const auto& version) {
    const auto text = [&](xen_note type, const auto& t) {
      b.note_head("Xen", static_cast<uint32_t>(type), 8);
      for (size_t i = 0; i < 8; ++i) b.bytes[b.notes_end++] = i < sizeof t ? static_cast<uint8_t>(t[i]) : uint8_t{0};
    };
    text(xen_note::loader, loader);
    text(xen_note::guest_os, os);
    text(xen_note::xen_version, version);
  };
  const auto none = refuses(image_reason::no_note);
  const auto pv = refuses(image_reason::pv_only);
  EXPECT(says64([&](auto& b) { texts(b, "generic", "osv", "xen-3.0"); }, no_segment_note(none, pv, none.reason)));
  EXPECT(says32([&](auto& b) { texts(b, "other", "linux", "xen-3.0"); }, all32(none, pv, pv)));
  // Of no generic loader, of another version, and with an entry outside: then it is no kernel, but firmware.
  const auto firmware = enters(0x100020, image_reason::firmware);
  EXPECT(says32([&](auto& b) { texts(b, "other", "osv", "xen-3.0"); }, all32(none, firmware, none)));
  EXPECT(says32([&](auto& b) { texts(b, "generic", "linux", "xen-2.0"); }, all32(none, firmware, none)));
  EXPECT(says32(
      [&](auto& b) {
        texts(b, "generic", "linux", "xen-3.0");
        b.set(b.header.e_entry, 0x200000);
      },
      all32(none, enters(0x200000, image_reason::firmware), pv)));
  auto cut = builder32{};
  cut.load(0x100000, 0x80, 0x80);
  cut.notes_begin = cut.notes_end = cut.file_size - 0x14;
  cut.note_head("Xen", 8, 7);
  cut.note_segment();
  const auto cut_file = cut.written();
  EXPECT(same(explain(cut_file.contents, image_reader::xen_dom0), none));
});
ROW("explain: no note at all (A18, A28)", {
  const auto none = refuses(image_reason::no_note);
  EXPECT(says64([](auto&) {}, no_segment_note(none, none, none.reason)));
  EXPECT(says32([](auto&) {}, all32(none, enters(0x100020, image_reason::firmware), none)));
  EXPECT(says64([](auto& b) { b.add(segment_type::note, 0x200, 0); }, no_segment_note(none, none, none.reason)));
});
ROW("explain: a multiboot header hides PVH from QEMU (A19)", {
  const auto header = [](auto& file, uint32_t flags, uint32_t sum) {
    const uint32_t words[] = {0x1badb002, flags, sum - 0x1badb002 - flags};
    for (size_t i = 0; i < 12; ++i) file.contents[0x1c0 + i] = static_cast<uint8_t>(words[i / 4] >> 8 * (i % 4));
  };
  auto wide = kernel(builder64{}, [](auto& b) { b.entry_note(0x100010); });
  header(wide, 0, 0);
  EXPECT(says(wide.contents, {refuses(image_reason::multiboot_64), right, right, right, right, right}));
  header(wide, 0, 1);
  EXPECT(says(wide.contents, all(right)));
  auto narrow = kernel(builder32{}, [](auto& b) { b.entry_note(0x100010); });
  header(narrow, 0, 0);
  EXPECT(says(narrow.contents, all32(other(image_reason::multiboot, 0x100020), right, right)));
  header(narrow, 0xffff, 0);  // no flag for addresses
  EXPECT(says(narrow.contents, all32(other(image_reason::multiboot, 0x100020), right, right)));
  header(narrow, 0x10000, 0);
  narrow.contents[0x1c0 + 30] = 7;
  EXPECT(says(narrow.contents, all32(other(image_reason::multiboot, 0x70000), right, right)));
  memory<16> flat{};
  for (size_t i = 0; i < 12; ++i) flat.contents[i] = narrow.contents[0x1c0 + i];
  EXPECT(same(explain(flat.contents, image_reader::qemu), other(image_reason::multiboot)));
  header(narrow, 0, 0);
  for (size_t i = 0; i < 12; ++i) flat.contents[i] = narrow.contents[0x1c0 + i];
  EXPECT(same(explain(pvhboot::span<const uint8_t>{flat.contents}.first(12), image_reader::qemu),
              other(image_reason::multiboot)));
});
ROW("explain: where QEMU looks for a multiboot header, and for the machine of what may be no ELF file", {
  memory<0x2100> file{};
  const auto at = [&](size_t offset) {
    const uint32_t words[] = {0x1badb002, 0, 0u - 0x1badb002u};
    auto changed = file;
    for (size_t i = 0; i < 12; ++i) changed.contents[offset + i] = static_cast<uint8_t>(words[i / 4] >> 8 * (i % 4));
    changed.contents[18] = 62;
    return changed;
  };
  const auto verdict = [&](size_t offset, size_t size = 0x2100) {
    const auto whole = at(offset);
    return explain(pvhboot::span<const uint8_t>{whole.contents}.first(size), image_reader::qemu);
  };
  // Before 8192 - 48, at a multiple of 4.
  EXPECT(same(verdict(8140), refuses(image_reason::multiboot_64)));
  EXPECT(same(verdict(8144), refuses(image_reason::not_elf)));
  EXPECT(same(verdict(8142), refuses(image_reason::not_elf)));
  EXPECT(same(verdict(0, 20), refuses(image_reason::multiboot_64)));
  EXPECT(same(verdict(0, 19), other(image_reason::multiboot)));
});
ROW("explain: the machine and other fields of the header (A21)", {
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.header.e_machine = pvhboot::elf_machine::intel_386;
      },
      all(right)));
  const auto arm = [](auto& b) {
    b.entry_note(0x100010);
    b.header.e_machine = pvhboot::elf_machine{183};
  };
  EXPECT(says64(arm, {refuses(image_reason::wrong_machine), right, right, right, right, right}));
  const auto flags = [](auto& b) {
    b.entry_note(0x100010);
    b.header.e_flags = 4;
  };
  EXPECT(says64(flags, {refuses(image_reason::wrong_flags), right, right, right, right, right}));
  EXPECT(says32(flags, all32(refuses(image_reason::wrong_flags), right, right)));
  const auto big = [](auto& b) {
    b.entry_note(0x100010);
    b.header.e_ident[5] = 2;
  };
  const auto no = refuses(image_reason::big_endian);
  EXPECT(says64(big, {no, undefined(image_reason::big_endian), undefined(image_reason::big_endian), no, no, no}));
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.header.e_phentsize = uint16_t{32};
      },
      {right, refuses(image_reason::no_note), refuses(image_reason::no_note),
       refuses(image_reason::program_header_size), refuses(image_reason::program_header_size),
       refuses(image_reason::program_header_size)}));
});
ROW("explain: e_entry is checked although the note counts", {
  const auto low = [](auto& b) {
    b.entry_note(0x100010);
    b.set(b.header.e_entry, 0xfffff);
  };
  EXPECT(says64(low, {right, right, right, right, refuses(image_reason::e_entry_too_low),
                      refuses(image_reason::e_entry_too_low)}));
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.set(b.header.e_entry, 0x100000);
      },
      all(right)));
});
ROW("explain: what follows the program headers is none", {
  auto b = builder64{};
  b.load(0x100000, 0x80, 0x100);
  b.entry_note(0x100010);
  b.note_segment();
  auto file = b.written();
  EXPECT(says(file.contents, all(right)));
  file.contents[56] = 1;  // e_phnum
  for (const auto who : {image_reader::xen_toolstack, image_reader::xen_dom0, image_reader::linux_loader})
    EXPECT(same(explain(file.contents, who), refuses(image_reason::no_note)));
  EXPECT(explain(file.contents, image_reader::qemu).outcome == image_outcome::refuses);
});
ROW("explain: Xen goes on after a segment that is too small for a note", {
  auto b = builder64{};
  b.load(0x100000, 0x80, 0x100);
  b.add(segment_type::note, builder64::file_size - 8, 8);
  b.entry_note(0x100010);
  b.note_segment();
  const auto file = b.written();
  EXPECT(same(explain(file.contents, image_reader::xen_toolstack), right));
  EXPECT(same(explain(file.contents, image_reader::xen_dom0), right));
});
ROW("explain: the value of the note (A25)", {
  const auto value = [](uint32_t low, uint32_t high) {
    return [=](auto& b) { b.note("Xen", xen_note::phys32_entry, low, high); };
  };
  const auto outside = enters(0, image_reason::entry_outside);
  EXPECT(says64(value(0, 0), {refuses(image_reason::entry_unset), refuses(image_reason::entry_outside),
                              refuses(image_reason::entry_outside), outside, outside, outside}));
  const auto highest = enters(0xffffffff, image_reason::entry_outside);
  EXPECT(says64(value(0xffffffff, 0), {highest, refuses(image_reason::entry_unset), refuses(image_reason::entry_unset),
                                       highest, highest, highest}));
  EXPECT(says64(value(0x100010, 1), all(enters(0x100010, image_reason::entry_truncated))));
  const auto away = enters(0x300000, image_reason::entry_outside);
  EXPECT(says64(value(0x300000, 0),
                {away, refuses(image_reason::entry_outside), refuses(image_reason::entry_outside), away, away, away}));
  // Between the segments, in zeroes, and right after the last byte, Xen does not mind.
  for (const uint32_t at : {0x100080u, 0x100180u, 0x100240u})
    EXPECT(says64(value(at, 0), all(enters(at, image_reason::entry_outside))));
  EXPECT(says32([](auto& b) { b.note("Xen", xen_note::phys32_entry, 0x300000u); },
                all32(away, enters(0x100020, image_reason::firmware), refuses(image_reason::entry_outside))));
});
ROW("explain: sizes of the descriptor (A2, A22, A25)", {
  const auto sized = [](uint32_t size) {
    return [=](auto& b) {
      b.note_head("Xen", 18, size);
      b.word(0x100010);
      b.word(0);
      b.word(0);
      b.word(0);
    };
  };
  const auto size = refuses(image_reason::descriptor_size);
  EXPECT(says64(sized(16), {right, size, size, right, right, right}));
  EXPECT(says64(sized(3), {right, size, size, size, size, size}));
  EXPECT(says64(sized(1), {right, size, size, size, size, size}));
  EXPECT(says64(sized(2), {right, size, size, size, size, size}));
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.note("Xen", xen_note::phys32_reloc, 0x200000u, 0u);
      },
      all(right)));
});
ROW("explain: segments", {
  const auto after = [](const auto& change) {
    return [=](auto& b) {
      b.entry_note(0x100010);
      b.note_segment();
      change(b);
    };
  };
  const auto cut = refuses(image_reason::segment_outside);
  EXPECT(says64(after([](auto& b) { b.set(b.phdrs[1].p_offset, 0x10000); }), {cut, right, right, cut, cut, cut}));
  EXPECT(says64(after([](auto& b) { b.set(b.phdrs[0].p_offset, 0x10000); }),
                {cut, enters(0x100010, image_reason::entry_outside), enters(0x100010, image_reason::entry_outside), cut,
                 cut, cut}));
  EXPECT(says64(after([](auto& b) { b.set(b.phdrs[1].p_memsz, 1); }),
                {undefined(image_reason::segment_too_small), right, right, right, right, right}));
  EXPECT(says64(after([](auto& b) { b.set(b.phdrs[1].p_paddr, 0x100040); }),
                {refuses(image_reason::segments_overlap), right, right, right, right, right}));
  EXPECT(says64(after([](auto& b) { b.set(b.phdrs[1].p_paddr, 0x100080); }), all(right)));
  EXPECT(says64(after([](auto& b) { b.load(0xfff00, 0, 0x101, 6); }), all(right)));
  EXPECT(says64(after([](auto& b) { b.load(0x100300, 0, 0x10, 6); }), all(right)));
  EXPECT(says64(after([](auto& b) { b.load(0x1000c0, 0, 0, 6); }), all(right)));
  const auto wraps = refuses(image_reason::segment_wraps);
  EXPECT(says64(after([](auto& b) { b.set(b.phdrs[1].p_paddr, ~uint64_t{}); }),
                {right, right, right, wraps, wraps, wraps}));
  const auto none = refuses(image_reason::nothing_to_load);
  EXPECT(says64(after([](auto& b) { b.phdrs[0].p_flags = b.phdrs[1].p_flags = 0; }),
                {right, none, none, right, right, right}));
  EXPECT(says32(after([](auto& b) { b.phdrs[0].p_flags = b.phdrs[1].p_flags = 0; }), all32(right, none, none)));
});
ROW("explain: files that are cut, or headers that do not lie in them (A29)", {
  const auto file = kernel(builder64{}, [](auto& b) { b.entry_note(0x100010); });
  const auto first = [](const auto& f, size_t n) { return pvhboot::span<const uint8_t>{f.contents}.first(n); };
  const auto headers = refuses(image_reason::program_headers_outside);
  EXPECT(says(first(file, 100), all(headers)));
  for (const size_t n : {size_t{8}, size_t{16}, size_t{63}}) {
    const auto cut = refuses(image_reason::header_cut);
    EXPECT(says(first(file, n), all(cut)));
  }
  EXPECT(says(first(file, 3), all(refuses(image_reason::not_elf))));
  EXPECT(says({}, all(refuses(image_reason::not_elf))));
  auto no_magic = file;
  no_magic.contents[1] = 0;
  EXPECT(says(no_magic.contents, all(refuses(image_reason::not_elf))));
  const auto narrow = kernel(builder32{}, [](auto& b) { b.entry_note(0x100010); });
  EXPECT(says(first(narrow, 51), {refuses(image_reason::header_cut), refuses(image_reason::header_cut),
                                  refuses(image_reason::header_cut), refuses(image_reason::header_cut),
                                  refuses(image_reason::header_cut), refuses(image_reason::header_cut)}));
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.set(b.header.e_shoff, 0x10000);
      },
      {right, refuses(image_reason::section_headers_outside), refuses(image_reason::section_headers_outside), right,
       right, right}));
  EXPECT(says64(
      [](auto& b) {
        b.entry_note(0x100010);
        b.set(b.header.e_phoff, 0x3f);
      },
      {refuses(image_reason::no_note), refuses(image_reason::nothing_to_load), refuses(image_reason::nothing_to_load),
       refuses(image_reason::program_headers_in_header), refuses(image_reason::program_headers_in_header),
       refuses(image_reason::program_headers_in_header)}));
  auto at_end = builder64{};
  at_end.header.e_phentsize = uint16_t{1};
  at_end.header.e_phnum = uint16_t{2};
  at_end.shnum = 0;
  at_end.set(at_end.header.e_shoff, 0);
  at_end.set(at_end.header.e_phoff, at_end.file_size - 2);
  const auto at_end_file = at_end.written();
  EXPECT(same(explain(at_end_file.contents, image_reader::xen_dom0), undefined(image_reason::program_headers_outside)));
  auto empty = builder64{};
  empty.set(empty.header.e_phoff, 0);
  const auto empty_file = empty.written();
  EXPECT(same(explain(empty_file.contents, image_reader::xen_toolstack), refuses(image_reason::nothing_to_load)));
});
ROW("explain: linux-loader ignores the note of an image that it moves (A23)", {
  const auto file = kernel(builder64{}, [](auto& b) {
    b.entry_note(0x100010);
    b.load(0x200000, 0x10, 0x10);
  });
  const auto moved = [&](uint64_t shift) {
    return explain(file.contents, image_reader::linux_loader, {.shift = shift});
  };
  EXPECT(same(moved(0x200000), other(image_reason::shifted, 0x300020)));
  EXPECT(same(moved(0x1000), refuses(image_reason::shift_misaligned)));
  EXPECT(same(moved(~uint64_t{} << 21), refuses(image_reason::segment_wraps)));
});
ROW("explain: a bzImage, and where its payload lies", {
  memory<0x1000> file{};
  const auto put = [&](size_t at, uint32_t word) {
    for (size_t i = 0; i < 4; ++i) file.contents[at + i] = static_cast<uint8_t>(word >> 8 * i);
  };
  put(0x202, 0x53726448);
  put(0x206, 0x208);
  put(0x248, 0x10);
  put(0x24c, 0x20);
  constexpr image_verdict unpacks{image_outcome::unpacks, image_reason::bzimage_payload, 0};
  const auto linux_too = other(image_reason::bzimage);
  EXPECT(says(file.contents, {linux_too, unpacks, unpacks, refuses(image_reason::bzimage), linux_too, linux_too}));
  EXPECT(pvhboot::explain_payload(file.contents).data() == file.contents.data() + 5 * 512 + 0x10);
  EXPECT(pvhboot::explain_payload(file.contents).size() == 0x20);
  const auto cut = [&](size_t size) {
    return explain(pvhboot::span<const uint8_t>{file.contents}.first(size), image_reader::qemu);
  };
  EXPECT(same(cut(0x206), linux_too) && same(cut(0x205), refuses(image_reason::not_elf)));
  file.contents[0x1f1] = 1;
  EXPECT(pvhboot::explain_payload(file.contents).data() == file.contents.data() + 2 * 512 + 0x10);
  put(0x206, 0x207);
  EXPECT(pvhboot::explain_payload(file.contents).empty());
  put(0x206, 0x208);
  EXPECT(!pvhboot::explain_payload(file.contents).empty());
  EXPECT(pvhboot::explain_payload(pvhboot::span<const uint8_t>{file.contents}.first(0x24f)).empty());
  put(0x24c, 0x1000);
  EXPECT(pvhboot::explain_payload(file.contents).empty());
  put(0x24c, 0x20);
  put(0x202, 0);
  EXPECT(pvhboot::explain_payload(file.contents).empty());
  // The payload may begin with the header's last byte, and have no bytes.
  put(0x202, 0x53726448);
  put(0x24c, 0);
  put(0x248, 0);
  file.contents[0x1f1] = 1;
  EXPECT(pvhboot::explain_payload(pvhboot::span<const uint8_t>{file.contents}.first(0x400)).data() ==
         file.contents.data() + 0x400);
  put(0x202, 0);
  // With the ELF magic in front, readers of ELF take it for ELF.
  put(0x202, 0x53726448);
  put(0, 0x464c457f);
  EXPECT(explain(file.contents, image_reader::firecracker).reason == image_reason::big_endian);
  EXPECT(explain(file.contents, image_reader::xen_dom0).reason == image_reason::big_endian);
});
ROW("explain: texts of all reasons, readers and outcomes", {
  for (const image_reason why : pvhboot::image_reason_numbers) {
    EXPECT(!message(why).empty() && message(why) != "unknown" && !source(why).empty() && name(why) != "unknown");
    EXPECT(remedy(why).empty() == (why == image_reason::as_the_note_says));
  }
  constexpr auto none = static_cast<image_reason>(0xfff);
  EXPECT(message(none) == "unknown" && name(none) == "unknown" && source(none) == "unknown" && remedy(none).empty());
  EXPECT(name(image_reader::qemu) == "QEMU" && name(image_reader::firecracker) == "Firecracker");
  EXPECT(name(static_cast<image_reader>(7)) == "unknown");
  EXPECT(name(image_outcome::enters) == "enters" && name(image_outcome::undefined) == "undefined");
  EXPECT(name(static_cast<image_outcome>(9)) == "unknown");
});

/// Too large for a constant expression.
TEST_CASE("explain: as many notes as readers follow") {
  constexpr size_t notes = (size_t{1} << 20) + 100;
  builder64 b;
  b.load(0x100000, 0x80, 0x80);
  auto& segment = b.note_segment();
  b.set(segment.p_offset, builder64::file_size);
  b.set(segment.p_filesz, notes * 12);
  const auto head = b.written();
  std::vector<uint8_t> file(head.contents.begin(), head.contents.end());
  file.resize(file.size() + notes * 12);
  CHECK(same(explain(file, image_reader::qemu), undefined(image_reason::too_many_notes)));
  CHECK(same(explain(file, image_reader::linux_loader), undefined(image_reason::too_many_notes)));
  CHECK(same(explain(file, image_reader::xen_dom0), refuses(image_reason::no_note)));
}

TEST_CASE("explain: Xen reads 65536 notes and no more") {
  const auto entry_after = [](size_t empty_notes) {
    const uint8_t entry[] = {4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0, 0x10, 0, 0x10, 0};
    const size_t size = empty_notes * 12 + sizeof entry;
    builder64 b;
    b.load(0x100000, 0x80, 0x80);
    auto& segment = b.note_segment();
    b.set(segment.p_offset, builder64::file_size);
    b.set(segment.p_filesz, size);
    const auto head = b.written();
    std::vector<uint8_t> file(head.contents.begin(), head.contents.end());
    file.resize(builder64::file_size + size);
    std::copy(std::begin(entry), std::end(entry), file.end() - sizeof entry);
    return explain(file, image_reader::xen_dom0);
  };
  CHECK(same(entry_after(65535), right));
  CHECK(same(entry_after(65536), refuses(image_reason::no_note)));
}
TEST_CASE("explain: as many notes in sections as Xen follows") {
  constexpr size_t notes = 65536 + 100;
  builder64 b;
  b.load(0x100000, 0x80, 0x80);
  auto& section = b.note_section();
  b.set(section.sh_offset, builder64::file_size);
  b.set(section.sh_size, notes * 12);
  b.shdrs[2] = section;
  b.shnum = 3;
  const auto head = b.written();
  std::vector<uint8_t> file(head.contents.begin(), head.contents.end());
  file.resize(file.size() + notes * 12);
  CHECK(same(explain(file, image_reader::xen_dom0), refuses(image_reason::no_note)));
}
/// A kernel of two headers and `segments - 2` more, of which `load` says where they lie; 0: it is a PT_NULL.
template <class Load> std::vector<uint8_t> with_segments(size_t segments, const Load& load) {
  builder64 b;
  b.load(0x100000, 0x80, 0x80);
  b.entry_note(0x100010);
  b.note_segment();
  const auto head = b.written();
  std::vector<uint8_t> file(head.contents.begin(), head.contents.end());
  const size_t table = file.size();
  file.resize(table + segments * 56);
  const auto put = [&](size_t at, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) file[at + i] = static_cast<uint8_t>(value >> 8 * i);
  };
  put(32, table, 8);
  put(56, segments, 2);
  for (size_t i = 0; i < 2 * 56; ++i) file[table + i] = file[builder64::phoff + i];
  for (size_t i = 2; i < segments; ++i) {
    if (load(i) == 0) continue;
    put(table + i * 56, 1, 4);
    put(table + i * 56 + 4, 6, 4);
    put(table + i * 56 + 24, load(i), 8);
    put(table + i * 56 + 8, builder64::contents_at, 8);
    put(table + i * 56 + 32, 8, 8);
    put(table + i * 56 + 40, 0x10, 8);
  }
  return file;
}

TEST_CASE("explain: as many segments as QEMU's model compares") {
  const auto apart = [](size_t i) { return 0x200000 + i * 0x1000; };
  const auto many = with_segments(2000, apart);
  CHECK(same(explain(many, image_reader::qemu), enters(0x100010)));
  // Each header that is looked at counts, so a segment that overlaps is found among few of them only.
  const auto first_ones = [](size_t i) { return i < 20 ? 0x200000 + i * 0x1000 : i == 20 ? uint64_t{0x100000} : 0; };
  const auto few = with_segments(100, first_ones);
  CHECK(same(explain(few, image_reader::qemu), refuses(image_reason::segments_overlap)));
  const auto most = with_segments(65000, first_ones);
  CHECK(same(explain(most, image_reader::qemu), enters(0x100010)));
}

}  // namespace
