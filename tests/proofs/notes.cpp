// SPDX-License-Identifier: BSL-1.0
//
// All note segments of up to eight words over {0, 4, 8, 18, "Xen\0", 0xffffffff}, with a p_align of 0, 4 and 8, whole
// and with up to three bytes missing at the end: the notes, the padding and the damage that elf_notes finds, against a
// reader of bytes. Each segment is then the PT_NOTE of a kernel of either class, for the entry that find_phys32_entry
// finds. The larger bound is nine words.
#include <optional>

#include <pvhboot/elf/notes.hpp>
#include <pvhboot/pvh/phys32_note.hpp>

#include "../attack/ranges.hpp"
#include "bounded.hpp"

namespace {

using namespace proofs;
using attack::fails;
using attack::hex;
using attack::little_endian;
using attack::put_little_endian;
using pvhboot::errc;

count segments{"segments"};
count notes{"notes"};
count damaged{"damaged segments"};
count by_8{"padded to 8"};
count images{"images"};
count entries{"entries found"};

constexpr uint32_t words[] = {0, 4, 8, 18, 0x6e6558, 0xffffffff};

/// Offsets in a segment.
struct note {
  size_t at, name, name_size, desc, desc_size;
  uint32_t type;
};
struct reading {
  note found[4];
  size_t n = 0;
  std::optional<errc> damage{};  ///< of the note at `end`
  size_t end = 0;
};

/// The notes of bytes: three words, a name, a descriptor. What is missing of the last padding is no damage.
reading read(std::span<const uint8_t> bytes, size_t padding) {
  reading r;
  const auto pad = [&](size_t n) {
    while (n % padding != 0) ++n;
    return std::min(n, bytes.size());
  };
  while (bytes.size() - r.end >= 12) {
    const size_t name_size = little_endian(&bytes[r.end], 4), desc_size = little_endian(&bytes[r.end + 4], 4);
    note one{r.end, r.end + 12, name_size, 0, desc_size, static_cast<uint32_t>(little_endian(&bytes[r.end + 8], 4))};
    if (name_size > bytes.size() - one.name) r.damage = errc::note_name_outside;
    if (r.damage) return r;
    one.desc = pad(one.name + name_size);
    if (desc_size > bytes.size() - one.desc) r.damage = errc::note_desc_outside;
    if (r.damage) return r;
    r.end = pad(one.desc + desc_size);
    r.found[r.n++] = one;
  }
  return r;
}
/// With 4, or with 8 if that is the p_align and only that fits.
reading read_aligned(std::span<const uint8_t> bytes, uint64_t align, size_t& padding) {
  padding = 4;
  reading r = read(bytes, 4);
  if (align != 8 || !r.damage) return r;
  const reading other = read(bytes, 8);
  if (other.damage) return r;
  padding = 8;
  return other;
}

bool is_xen(std::span<const uint8_t> bytes, const note& n) {
  return n.name_size == 4 && std::memcmp(&bytes[n.name], "Xen", 4) == 0;
}

constexpr uint64_t added = 0x500;  // to the offsets of the notes

void compare(std::span<const uint8_t> bytes, uint64_t align) {
  ++segments;
  size_t padding = 0;
  const reading wanted = read_aligned(bytes, align, padding);
  const pvhboot::elf_notes got{{bytes.data(), bytes.size()}, align, added};
  AGREE(got.padding() == padding);
  size_t i = 0;
  auto it = got.begin();
  for (; it != got.end(); ++it, ++i) {
    AGREE(i < wanted.n && it == it);
    const note& w = wanted.found[i];
    const bool nul = w.name_size != 0 && bytes[w.name + w.name_size - 1] == 0;
    AGREE(it->offset == added + w.at && it->type == w.type && it->name_size == w.name_size);
    AGREE(it->name.size() == w.name_size - (nul ? 1 : 0));
    AGREE(std::memcmp(it->name.data(), bytes.data() + w.name, it->name.size()) == 0);
    AGREE(it->desc.data() == bytes.data() + w.desc && it->desc.size() == w.desc_size);
    AGREE(it->is("Xen", pvhboot::xen_note::phys32_entry) == (w.type == 18 && is_xen(bytes, w)));
    AGREE(it->origin == pvhboot::note_origin::segment);
  }
  AGREE(i == wanted.n && it.at_end());
  notes += wanted.n;
  if (padding == 8) ++by_8;
  if (wanted.damage) {
    ++damaged;
    AGREE(fails(it.damage(), *wanted.damage, added + wanted.end) &&
          fails(got.check(), *wanted.damage, added + wanted.end));
  } else {
    AGREE(it.damage().ok() && got.check().ok());
  }
}

/// A kernel with one loadable segment that has the entries 4, 8 and 18, and a PT_NOTE.
struct kernel {
  static constexpr size_t note_at = 0x100, size = note_at + 36;
  bool wide_class;
  uint8_t file[size] = {};

  explicit kernel(bool is_64) : wide_class(is_64) {
    const uint8_t ident[] = {0x7f, 'E', 'L', 'F', uint8_t(is_64 ? 2 : 1), 1, 1};
    std::memcpy(file, ident, sizeof ident);
    put(16, 2, 2);               // ET_EXEC
    put(18, is_64 ? 62 : 3, 2);  // the machine
    put(20, 1, 4);               // version
    const size_t header = is_64 ? 64 : 52;
    put(is_64 ? 32 : 28, header, word());  // program headers
    put(is_64 ? 52 : 40, header, 2);
    put(is_64 ? 54 : 42, is_64 ? 56 : 32, 2);
    put(is_64 ? 56 : 44, 2, 2);
    put_segment(0, 1, 0, 0x40, 5, 1);
  }
  void put(size_t at, uint64_t value, unsigned n) { put_little_endian(file + at, value, n); }
  [[nodiscard]] unsigned word() const { return wide_class ? 8 : 4; }
  /// A program header at physical address 0.
  void put_segment(size_t i, uint32_t type, uint64_t offset, uint64_t filesz, uint32_t flags, uint64_t align) {
    const size_t at = wide_class ? 64 + 56 * i : 52 + 32 * i;
    put(at, type, 4);
    put(at + (wide_class ? 8 : 4), offset, word());
    put(at + (wide_class ? 32 : 16), filesz, word());
    put(at + (wide_class ? 40 : 20), type == 1 ? filesz : 0, word());
    put(at + (wide_class ? 4 : 24), flags, 4);
    put(at + (wide_class ? 48 : 28), align, word());
  }
};

/// The last entry note counts, and what is wrong with it is the failure.
void find_entry(kernel& k, std::span<const uint8_t> bytes, uint64_t align) {
  ++images;
  std::memcpy(k.file + kernel::note_at, bytes.data(), bytes.size());
  k.put_segment(1, 4, kernel::note_at, bytes.size(), 4, align);
  const auto image = pvhboot::parse_elf(pvhboot::span<const uint8_t>{k.file, kernel::size});
  AGREE(image.ok());
  const auto got = find_phys32_entry(*image);

  size_t padding = 0;
  const reading all = read_aligned(bytes, align, padding);
  const note* last = nullptr;
  const note* foreign = nullptr;
  unsigned n = 0;
  bool differs = false;
  const auto value = [&](const note& one) -> uint64_t {
    const uint64_t v = one.desc_size == 4 || one.desc_size == 8
                           ? little_endian(&bytes[one.desc], static_cast<unsigned>(one.desc_size))
                           : 0;
    return v < 0xffffffff ? v : 0;
  };
  for (size_t i = 0; i < all.n; ++i) {
    const note& one = all.found[i];
    if (one.type != 18) continue;
    if (!is_xen(bytes, one)) {
      if (!foreign) foreign = &one;
      continue;
    }
    differs = differs || (last && value(one) != value(*last));
    last = &one;
    ++n;
  }
  if (!last) {
    if (foreign)
      AGREE(fails(got, errc::foreign_phys32_entry, kernel::note_at + foreign->at));
    else if (all.damage)
      AGREE(fails(got, *all.damage, kernel::note_at + all.end));
    else
      AGREE(fails(got, errc::no_phys32_entry, all.n));
    return;
  }
  const uint64_t at = kernel::note_at + last->at;
  if (last->desc_size != 4 && last->desc_size != 8) return AGREE(fails(got, errc::bad_phys32_entry_size, at));
  const uint64_t entry = little_endian(&bytes[last->desc], static_cast<unsigned>(last->desc_size));
  if (entry > 0xffffffff) return AGREE(fails(got, errc::phys32_entry_too_high, at));
  if (entry == 0 || entry == 0xffffffff) return AGREE(fails(got, errc::phys32_entry_unset, at));
  if (entry >= 0x40) return AGREE(fails(got, errc::phys32_entry_outside, entry));
  ++entries;
  AGREE(got.ok() && got->paddr == entry && got->notes == n && got->differs == differs && got->offset == at);
  AGREE(got->foreign == (foreign ? kernel::note_at + foreign->at : 0) && got->damage.ok() == !all.damage);
}

void prove(bool larger) {
  uint8_t bytes[36];
  uint32_t list[9];
  kernel kernels[] = {kernel{false}, kernel{true}};
  for (size_t n = 0; n <= (larger ? 9 : 8); ++n)
    for_each_list<uint32_t>(words, std::span{list}.first(n), [&](auto chosen) {
      for (size_t i = 0; i < n; ++i) put_little_endian(bytes + 4 * i, chosen[i], 4);
      const std::span<const uint8_t> all{bytes, 4 * n};
      const shown doing{[&] { return "segment " + hex(bytes, 4 * n); }};
      for (const uint64_t align : {0u, 4u, 8u}) {
        for (size_t missing = 0; missing < 4 && missing <= 4 * n; ++missing) compare(all.first(4 * n - missing), align);
        for (kernel& k : kernels) find_entry(k, all, align);
      }
    });
}

}  // namespace

int main(int argc, char** argv) { return proofs::run("notes", argc, argv, prove); }
