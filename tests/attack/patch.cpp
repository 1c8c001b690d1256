// SPDX-License-Identifier: BSL-1.0
//
// set_phys32_entry and remove_phys32_entry against a reader of its own, on files of both classes that no linker writes:
// tables of headers that lie in one another, notes that can be read with two paddings, values that look like sizes.
#include <elf.h>

#include <algorithm>
#include <optional>
#include <vector>

#include <pvhboot/pvh/patch_note.hpp>

#include "attack.hpp"

namespace {

using attack::numbers;
using bytes = std::vector<uint8_t>;

attack::count files{"files"}, set_ok{"set"}, grown{"grown"}, entangled{"entangled"}, no_room{"without room"},
    removed{"notes removed"}, in_section{"notes in sections"};

struct elf32 {
  using file_header = Elf32_Ehdr;
  using program_header = Elf32_Phdr;
  using section_header = Elf32_Shdr;
  static constexpr uint8_t file_class = ELFCLASS32;
  static constexpr uint16_t machine = EM_386;
};
struct elf64 {
  using file_header = Elf64_Ehdr;
  using program_header = Elf64_Phdr;
  using section_header = Elf64_Shdr;
  static constexpr uint8_t file_class = ELFCLASS64;
  static constexpr uint16_t machine = EM_X86_64;
};

constexpr uint32_t load_at = 0x100000, load_size = 0x60;

template <class T> T get(const bytes& file, uint64_t at) {
  T value{};
  std::memcpy(&value, file.data() + at, sizeof value);
  return value;
}
template <class T> void put(bytes& file, uint64_t at, const T& value) {
  if (at + sizeof value <= file.size()) std::memcpy(file.data() + at, &value, sizeof value);
}

/// An entry note: where its type and its value are.
struct found_note {
  uint64_t type_at, value_at;
  uint32_t value_size;
};

/// The entry notes of bytes [from, to), or nothing if they are damaged; then `all` has those before the damage.
bool walk(const bytes& file, uint64_t from, uint64_t to, uint64_t padding, std::vector<found_note>& all, bool& xen) {
  const auto pad = [&](uint64_t n) { return std::min(to, from + (n - from + padding - 1) / padding * padding); };
  for (uint64_t at = from; to - at >= 12;) {
    const auto name_size = get<uint32_t>(file, at), desc_size = get<uint32_t>(file, at + 4);
    if (name_size > to - at - 12) return false;
    const uint64_t desc = pad(at + 12 + name_size);
    if (desc_size > to - desc) return false;
    if (name_size == 4 && std::memcmp(&file[at + 12], "Xen", 4) == 0) {
      xen = true;
      if (get<uint32_t>(file, at + 8) == 18) all.push_back({at + 8, desc, desc_size});
    }
    at = pad(desc + desc_size);
  }
  return true;
}

void read_notes(const bytes& file, uint64_t from, uint64_t size, uint64_t align, std::vector<found_note>& all,
                bool& xen) {
  if (from >= file.size()) return;
  const uint64_t to = from + std::min<uint64_t>(size, file.size() - from);
  std::vector<found_note> by_4, by_8;
  bool xen_4 = false, xen_8 = false;
  const bool fits_4 = walk(file, from, to, 4, by_4, xen_4);
  const bool by_eight = align == 8 && !fits_4 && walk(file, from, to, 8, by_8, xen_8);
  xen = xen || (by_eight ? xen_8 : xen_4);
  const auto& chosen = by_eight ? by_8 : by_4;
  all.insert(all.end(), chosen.begin(), chosen.end());
}

/// What Xen finds in a file.
struct reading {
  std::vector<found_note> notes;
  bool in_sections = false;
};
template <class Elf> reading read_all(const bytes& file) {
  const auto h = get<typename Elf::file_header>(file, 0);
  reading r;
  bool xen = false;
  for (uint64_t i = 0; i < h.e_phnum; ++i) {
    const auto p = get<typename Elf::program_header>(file, h.e_phoff + i * sizeof(typename Elf::program_header));
    if (p.p_type == PT_NOTE && p.p_offset != 0) read_notes(file, p.p_offset, p.p_filesz, p.p_align, r.notes, xen);
  }
  if (xen || h.e_shoff == 0 || h.e_shentsize != sizeof(typename Elf::section_header)) return r;
  if (h.e_shoff + h.e_shnum * sizeof(typename Elf::section_header) > file.size()) return r;
  r.in_sections = true;
  for (uint64_t i = 0; i < h.e_shnum; ++i) {
    const auto s = get<typename Elf::section_header>(file, h.e_shoff + i * sizeof(typename Elf::section_header));
    if (s.sh_type == SHT_NOTE) read_notes(file, s.sh_offset, s.sh_size, s.sh_addralign, r.notes, xen);
  }
  return r;
}

std::optional<uint64_t> value_of(const bytes& file, const found_note& n) {
  if (n.value_size == 4) return get<uint32_t>(file, n.value_at);
  if (n.value_size == 8) return get<uint64_t>(file, n.value_at);
  return {};
}

/// Notes and what may be taken for notes, from `at` on.
void put_notes(numbers& n, bytes& file, uint64_t at) {
  constexpr uint32_t words[] = {0, 0, 0, 4, 4, 5, 8, 11, 12, 16, 18, 18, 19, 0x6e6558, load_at, 1, 7};
  constexpr uint32_t sizes[] = {4, 4, 8, 8, 8, 0, 11, 12, 16};
  for (uint64_t i = at; i + 4 <= file.size(); i += 4) put(file, i, n.chance(3) ? n.of(words) : 0u);
  for (size_t notes = n.index(5); notes != 0; --notes) {
    const uint32_t size = n.of(sizes);
    const uint32_t note[] = {4,
                             size,
                             n.chance(4) ? n.of(words) : 18,
                             0x6e6558,
                             load_at + 4 * static_cast<uint32_t>(n.below(8)),
                             n.chance(8) ? 1u : 0u};
    for (const uint32_t w : note) {
      put(file, at, w);
      at += 4;
    }
    if (size > 8) at += size - 8;
    const uint64_t padding = n.chance(2) ? 4 : 8;
    at = (at + padding - 1) / padding * padding;
    if (n.chance(4)) at += 4 * n.below(8);
  }
}

/// A kernel of one PT_LOAD whose other headers and notes lie anywhere.
template <class Elf> bytes any_file(numbers& n) {
  using file_header = typename Elf::file_header;
  using program_header = typename Elf::program_header;
  using section_header = typename Elf::section_header;
  constexpr uint64_t notes_at = 0x180;
  constexpr uint32_t others[] = {PT_NULL, PT_NULL, PT_NOTE, PT_NOTE, PT_NOTE, PT_PHDR, PT_DYNAMIC};
  constexpr uint64_t aligns[] = {0, 1, 4, 4, 8, 8, 8, 16};
  bytes file(notes_at + 0x20 + n.below(0xa0));
  if (!n.chance(4)) put_notes(n, file, notes_at);
  const auto place = [&] { return n.chance(6) ? n.below(file.size()) : notes_at + 8 * n.below(5); };

  file_header h{};
  std::memcpy(h.e_ident, ELFMAG, SELFMAG);
  h.e_ident[EI_CLASS] = Elf::file_class;
  h.e_ident[EI_DATA] = ELFDATA2LSB;
  h.e_ident[EI_VERSION] = EV_CURRENT;
  h.e_type = ET_EXEC;
  h.e_machine = Elf::machine;
  h.e_version = EV_CURRENT;
  h.e_ehsize = sizeof h;
  h.e_phentsize = sizeof(program_header);
  h.e_shentsize = sizeof(section_header);
  h.e_phoff = n.chance(6) ? static_cast<decltype(h.e_phoff)>(n.below(sizeof h)) : sizeof h;
  h.e_phnum = static_cast<uint16_t>(1 + n.below(4));
  h.e_shnum = static_cast<uint16_t>(n.below(3));
  if (h.e_shnum != 0) h.e_shoff = static_cast<decltype(h.e_shoff)>(n.chance(4) ? n.below(0x200) : 0x130);

  const size_t load = n.index(h.e_phnum);
  for (size_t i = 0; i < h.e_phnum; ++i) {
    program_header p{};
    p.p_type = n.of(others);
    p.p_offset = static_cast<decltype(p.p_offset)>(place());
    p.p_filesz = static_cast<decltype(p.p_filesz)>(n.chance(3) ? n.below(0x80) : file.size() - p.p_offset);
    p.p_memsz = p.p_filesz;
    p.p_align = static_cast<decltype(p.p_align)>(n.of(aligns));
    if (i == load) {
      p.p_type = PT_LOAD;
      p.p_flags = PF_R | PF_X;
      p.p_offset = static_cast<decltype(p.p_offset)>(n.chance(4) ? n.below(0x100) : 0x110);
      p.p_paddr = load_at;
      p.p_filesz = p.p_memsz = load_size;
    }
    put(file, h.e_phoff + i * sizeof p, p);
  }
  for (size_t i = 0; i < h.e_shnum; ++i) {
    section_header s{};
    s.sh_type = n.chance(3) ? SHT_PROGBITS : SHT_NOTE;
    s.sh_offset = static_cast<decltype(s.sh_offset)>(place());
    s.sh_size = static_cast<decltype(s.sh_size)>(n.chance(3) ? n.below(0x80) : file.size() - s.sh_offset);
    s.sh_addralign = static_cast<decltype(s.sh_addralign)>(n.of(aligns));
    put(file, h.e_shoff + i * sizeof s, s);
  }
  // The ELF header goes over a table that lies in it, but what the table has there may matter.
  const bytes under = file;
  put(file, 0, h);
  if (h.e_phoff < sizeof h && n.chance(2)) {
    const uint64_t from = sizeof h - 12;  // e_phentsize and the fields after it
    for (uint64_t i = std::max<uint64_t>(from, h.e_phoff); i < sizeof h; ++i) file[i] = under[i];
  }
  return file;
}

/// The PT_LOADs and the fields of the ELF header that no patch changes.
template <class Elf> bytes fixed_part(const bytes& file) {
  auto h = get<typename Elf::file_header>(file, 0);
  bytes all;
  const auto add = [&](const auto& value) {
    const auto* p = reinterpret_cast<const uint8_t*>(&value);
    all.insert(all.end(), p, p + sizeof value);
  };
  for (uint64_t i = 0; i < h.e_phnum; ++i) {
    const auto p = get<typename Elf::program_header>(file, h.e_phoff + i * sizeof(typename Elf::program_header));
    if (p.p_type == PT_LOAD) add(p);
  }
  h.e_phoff = 0;
  h.e_phnum = 0;
  add(h);
  return all;
}

template <class Elf> void check_set(numbers& n, const bytes& file) {
  const uint32_t entry = load_at + 4 * static_cast<uint32_t>(n.below(load_size / 4));
  bytes buffer = file;
  buffer.resize(file.size() + 8 * n.index(64), 0xee);
  const bytes before = buffer;
  const auto size = pvhboot::set_phys32_entry(buffer, file.size(), entry);
  if (!size) {
    AGREE(buffer == before);
    if (size.error().code == pvhboot::errc::note_entangled) ++entangled;
    if (size.error().code == pvhboot::errc::note_no_room) ++no_room;
    return;
  }
  ++set_ok;
  if (*size > file.size()) ++grown;
  AGREE(*size >= file.size() && *size <= buffer.size());
  for (size_t i = *size; i < buffer.size(); ++i) AGREE(buffer[i] == 0xee);
  buffer.resize(*size);
  AGREE(fixed_part<Elf>(file) == fixed_part<Elf>(buffer));
  const reading r = read_all<Elf>(buffer);
  AGREE(!r.in_sections && !r.notes.empty());
  for (const found_note& note : r.notes) AGREE(value_of(buffer, note) == entry);
}

template <class Elf> void check_remove(const bytes& file) {
  const reading r = read_all<Elf>(file);
  if (r.in_sections) in_section += r.notes.size();
  bytes buffer = file;
  const auto n = pvhboot::remove_phys32_entry(buffer);
  if (!n) {
    AGREE(buffer == file);
    return;
  }
  removed += *n;
  AGREE(*n == r.notes.size());
  AGREE(read_all<Elf>(buffer).notes.empty());
  // No other byte than those of the types.
  for (const found_note& note : r.notes) put(buffer, note.type_at, get<uint32_t>(file, note.type_at));
  AGREE(buffer == file);
}

template <class Elf> void one_class(numbers& n) {
  const bytes file = any_file<Elf>(n);
  const attack::shown input{[&] { return attack::hex(file); }};
  if (!pvhboot::parse_elf(file)) return;
  ++files;
  check_set<Elf>(n, file);
  check_remove<Elf>(file);
}

void one_case(numbers& n) {
  if (n.chance(2))
    one_class<elf32>(n);
  else
    one_class<elf64>(n);
}

}  // namespace

int main(int argc, char** argv) { return attack::run(argc, argv, 200000, one_case); }
