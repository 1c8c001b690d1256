// SPDX-License-Identifier: BSL-1.0
//
// Where a kernel goes: Xen's choice, the choice by a random number, and what becomes of the entry.
#include <vector>

#include "elf_image.hpp"

#include <pvhboot/pvh/choose_base.hpp>

namespace {

using namespace test;
using pvhboot::choose_base;
using pvhboot::count_bases;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;
using pvhboot::parse_elf;
using pvhboot::phys32_reloc;
using pvhboot::place_image;

constexpr uint64_t KiB = 1 << 10, MiB = 1 << 20, GiB = 1 << 30;
constexpr phys32_reloc fixed{};
constexpr phys32_reloc anywhere{.relocatable = true, .alignment = 0x1000};

/// The usual image of 0x380 bytes at 1 MiB, and a map.
struct scene {
  memory<0x600> file = elf_builder<elf64_structs>{}.usual().written();
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};

  template <class... Ranges> constexpr explicit scene(const Ranges&... ranges) { (void)(map.append(ranges) && ...); }
  [[nodiscard]] constexpr pvhboot::elf_image image() const { return *parse_elf(file.contents); }
  /// Every random number leads to a base, and these are all there are, in order.
  template <class... Bases> [[nodiscard]] constexpr bool has_bases(const phys32_reloc& reloc, Bases... bases) const {
    const uint64_t wanted[] = {static_cast<uint64_t>(bases)...};
    constexpr uint64_t n = sizeof...(bases);
    if (count_bases(image(), reloc, map) != n) return false;
    const uint64_t share = ~uint64_t{} / n;
    for (uint64_t i = 0; i < n; ++i) {
      // The first and the last number of the share of base i, up to a rounding of n in 2^64.
      for (const uint64_t random : {i * share + n, (i + 1) * share - n})
        if (choose_base(image(), reloc, map, random).value_or(0) != wanted[i]) return false;
    }
    return choose_base(image(), reloc, map, 0).value_or(0) == wanted[0] &&
           choose_base(image(), reloc, map, ~uint64_t{}).value_or(0) == wanted[n - 1];
  }
};
constexpr memory_range ram(uint64_t addr, uint64_t size) { return range(addr, size, 1); }

ROW("choose_base: the linked place, if it is RAM, whatever the note says", {
  scene s{ram(0, 640 * KiB), ram(MiB, 0x380), ram(4 * MiB, MiB)};
  EXPECT(choose_base(s.image(), fixed, s.map).value_or(0) == MiB);
  EXPECT(choose_base(s.image(), anywhere, s.map).value_or(0) == MiB);
  const phys32_reloc high{.relocatable = true, .minimum = 4 * MiB};
  EXPECT(choose_base(s.image(), high, s.map).value_or(0) == MiB);
});
ROW("choose_base: not_relocatable (A23)", {
  scene s{ram(0, 640 * KiB), ram(MiB, 0x37f), ram(4 * MiB, MiB)};
  EXPECT(fails(choose_base(s.image(), fixed, s.map), errc::not_relocatable, MiB));
  EXPECT(fails(choose_base(s.image(), fixed, s.map, 5), errc::not_relocatable, MiB));
  scene reserved{range(0, GiB, 2)};
  EXPECT(fails(choose_base(reserved.image(), fixed, reserved.map), errc::not_relocatable, MiB));
});
ROW("choose_base: the highest aligned place otherwise", {
  scene s{ram(0, 640 * KiB), ram(4 * MiB, MiB + 0x37f)};
  EXPECT(choose_base(s.image(), anywhere, s.map).value_or(0) == 5 * MiB - 0x1000);
  scene exact{ram(0, 640 * KiB), ram(4 * MiB, MiB + 0x380)};
  EXPECT(choose_base(exact.image(), anywhere, exact.map).value_or(0) == 5 * MiB);
  const phys32_reloc coarse{.relocatable = true, .alignment = 0x400000};
  EXPECT(choose_base(exact.image(), coarse, exact.map).value_or(0) == 4 * MiB);
});
ROW("choose_base: a range that has room only unaligned is skipped", {
  scene s{ram(4 * MiB, 0x380), ram(6 * MiB - 1, 0x380), range(7 * MiB, MiB, 2), ram(8 * MiB, 0x37f)};
  EXPECT(choose_base(s.image(), anywhere, s.map).value_or(0) == 4 * MiB);
});
ROW("choose_base: within minimum and maximum, the last byte included", {
  scene s{ram(0, 640 * KiB), ram(2 * MiB, 6 * MiB)};
  phys32_reloc reloc{.relocatable = true, .alignment = 0x1000, .minimum = 0x200000, .maximum = 0x40037f};
  EXPECT(choose_base(s.image(), reloc, s.map).value_or(0) == 4 * MiB);
  reloc.maximum = 0x40037e;
  EXPECT(choose_base(s.image(), reloc, s.map).value_or(0) == 4 * MiB - 0x1000);
  reloc.minimum = 0x3ff001;
  EXPECT(fails(choose_base(s.image(), reloc, s.map), errc::no_base, 0x380));
  EXPECT(fails(choose_base(s.image(), reloc, s.map, 0), errc::no_base, 0x380));
  reloc.minimum = reloc.maximum = 0x400000;
  EXPECT(fails(choose_base(s.image(), reloc, s.map), errc::no_base, 0x380));
});
ROW("choose_base: no_base, where there is no RAM or too little", {
  scene none{range(0, GiB, 2)};
  EXPECT(fails(choose_base(none.image(), anywhere, none.map), errc::no_base, 0x380));
  EXPECT(fails(choose_base(none.image(), anywhere, none.map, ~uint64_t{}), errc::no_base, 0x380));
  scene little{ram(0x1000, 0x37f), ram(0x2000, 0x37f)};
  EXPECT(fails(choose_base(little.image(), anywhere, little.map), errc::no_base, 0x380));
  scene high{ram(4 * GiB, GiB)};
  EXPECT(fails(choose_base(high.image(), anywhere, high.map), errc::no_base, 0x380));
  const phys32_reloc above{.relocatable = true, .alignment = 1, .minimum = 0x1000};
  scene low{ram(0, 0x300)};
  EXPECT(fails(choose_base(low.image(), above, low.map), errc::no_base, 0x380));
  EXPECT(count_bases(low.image(), above, low.map) == 0);
  scene empty;
  EXPECT(fails(choose_base(empty.image(), anywhere, empty.map), errc::no_base, 0x380));
});
ROW("choose_base: never base 0", {
  scene s{ram(0, 0x1380)};
  EXPECT(choose_base(s.image(), anywhere, s.map).value_or(0) == 0x1000 && s.has_bases(anywhere, 0x1000));
  scene zero{ram(0, 0x137f)};
  EXPECT(fails(choose_base(zero.image(), anywhere, zero.map), errc::no_base, 0x380));
});
ROW("choose_base: a range that crosses 4 GiB, and all of memory", {
  scene s{ram(4 * GiB - 2 * MiB, GiB)};
  EXPECT(choose_base(s.image(), anywhere, s.map).value_or(0) == 4 * GiB - 0x1000);
  scene all{ram(0x100001, ~uint64_t{} - 0x100000)};
  EXPECT(choose_base(all.image(), anywhere, all.map).value_or(0) == 4 * GiB - 0x1000);
  EXPECT(count_bases(all.image(), anywhere, all.map) == 0x100000 - 0x101);
  const phys32_reloc bytes{.relocatable = true, .alignment = 1};
  scene whole{ram(0, 8 * GiB)};
  EXPECT(count_bases(whole.image(), bytes, whole.map) == 0xffffffff - 0x37f);
  EXPECT(choose_base(whole.image(), bytes, whole.map, ~uint64_t{}).value_or(0) == 4 * GiB - 0x380);
  EXPECT(choose_base(whole.image(), bytes, whole.map, 0).value_or(0) == 1);
  const phys32_reloc halves{.relocatable = true, .alignment = 0x80000000};
  EXPECT(whole.has_bases(halves, 0x80000000));
});
ROW("choose_base: map_not_sanitized", {
  scene s{ram(MiB, MiB), ram(0, 640 * KiB)};
  EXPECT(fails(choose_base(s.image(), fixed, s.map), errc::map_not_sanitized, 2));
  EXPECT(fails(choose_base(s.image(), anywhere, s.map), errc::map_not_sanitized, 2));
  EXPECT(fails(choose_base(s.image(), anywhere, s.map, 0), errc::map_not_sanitized, 2));
});

ROW("choose_base: by a random number, every base of every range of RAM and no other", {
  scene s{ram(0x1000, 0x1380), range(0x3000, 0x1000, 3), ram(0x4000, 0x37f), ram(0x7fff, 0x382), ram(0x9000, 0x380)};
  EXPECT(s.has_bases(anywhere, 0x1000, 0x2000, 0x8000, 0x9000));
  const phys32_reloc limited{.relocatable = true, .alignment = 0x1000, .minimum = 0x1001, .maximum = 0x937e};
  EXPECT(s.has_bases(limited, 0x2000, 0x8000));
});
ROW("choose_base: the linked place is a base like others, if the note allows it", {
  scene s{ram(MiB, 0x1380)};
  EXPECT(s.has_bases(anywhere, 0x100000, 0x101000));
  const phys32_reloc high{.relocatable = true, .alignment = 0x1000, .minimum = 0x100001};
  EXPECT(s.has_bases(high, 0x101000));
});
ROW("choose_base: by a random number, an image that is not relocatable stays", {
  scene s{ram(MiB, GiB)};
  EXPECT(choose_base(s.image(), fixed, s.map, 0).value_or(0) == MiB && count_bases(s.image(), fixed, s.map) == 1);
  EXPECT(choose_base(s.image(), fixed, s.map, ~uint64_t{}).value_or(0) == MiB);
});
ROW("choose_base: each base has its share of the random numbers, to one", {
  scene s{ram(0x1000, 0x2380)};  // 3 bases: 2^64 / 3 numbers each
  const auto base = [&](uint64_t random) { return choose_base(s.image(), anywhere, s.map, random).value_or(0); };
  EXPECT(base(0x5555555555555555) == 0x1000 && base(0x5555555555555556) == 0x2000);
  EXPECT(base(0xaaaaaaaaaaaaaaaa) == 0x2000 && base(0xaaaaaaaaaaaaaaab) == 0x3000);
});

/// Another small generator, so that the test is the same everywhere.
struct generator {
  uint64_t state = 1;
  uint64_t operator()() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 32) ^ state;
  }
  uint64_t below(uint64_t n) { return (operator()() >> 16) % n; }
};
TEST_CASE("choose_base: as a search through every address finds, in small memories") {
  generator random;
  size_t with_bases = 0;
  for (int round = 0; round < 2000; ++round) {
    scene s;
    for (uint64_t at = random.below(0x400); s.map.size() < s.map.capacity();) {
      const uint64_t size = 1 + random.below(0x900);
      REQUIRE(s.map.append(range(at, size, random.below(4) != 0 ? 1 : 2)));
      at += size + 1 + random.below(0x40);
    }
    REQUIRE(s.map.sanitize());
    phys32_reloc reloc{.relocatable = true, .alignment = uint32_t{1} << random.below(11)};
    reloc.minimum = static_cast<uint32_t>(random.below(0x800));
    reloc.maximum = reloc.minimum + static_cast<uint32_t>(random.below(0x5000));
    std::vector<uint64_t> bases;
    for (uint64_t base = reloc.alignment; base < 0x8000; base += reloc.alignment)
      if (base >= reloc.minimum && base + 0x37f <= reloc.maximum && covers(s.map, base, 0x380, memory_type::ram))
        bases.push_back(base);
    CHECK(count_bases(s.image(), reloc, s.map) == bases.size());
    CHECK(choose_base(s.image(), reloc, s.map).value_or(0) == (bases.empty() ? 0 : bases.back()));
    const uint64_t number = random() << 32 | random() >> 32;
    const auto chosen = choose_base(s.image(), reloc, s.map, number);
    REQUIRE(chosen.ok() == !bases.empty());
    if (!chosen) continue;
    ++with_bases;
    // Base k is chosen from k * 2^64 / n on, rounded up.
    const uint64_t n = bases.size(), share = ~uint64_t{} / n, rest = ~uint64_t{} % n + 1;
    uint64_t i = 0;
    while (i + 1 < n && (i + 1) * share + ((i + 1) * rest + n - 1) / n <= number) ++i;
    CHECK(*chosen == bases[static_cast<size_t>(i)]);
  }
  CHECK(with_bases > 500);
}

ROW("place_image: shift and entry", {
  scene s;
  auto image = s.image();
  auto entry = find_phys32_entry(image);
  EXPECT(entry);
  auto up = place_image(image, *entry, 0x40000000);
  EXPECT(up && up->base == 0x40000000 && up->shift == 0x3ff00000 && up->entry == 0x40000010);
  auto down = place_image(image, *entry, 0x8000);
  EXPECT(down && down->shift == 0x8000 - uint64_t{0x100000} && down->entry == 0x8010);
  auto stay = place_image(image, *entry, image.base());
  EXPECT(stay && stay->shift == 0 && stay->entry == entry->paddr);
});
ROW("place_image: base_too_high", {
  scene s;
  auto image = s.image();
  auto entry = find_phys32_entry(image);
  EXPECT(place_image(image, *entry, 0xffffffff - 0x10)->entry == 0xffffffff);
  EXPECT(fails(place_image(image, *entry, 0xffffffff - 0xf), errc::base_too_high, 0xfffffff0));
  EXPECT(fails(place_image(image, *entry, ~uint64_t{}), errc::base_too_high, ~uint64_t{}));
  const pvhboot::phys32_entry below{.paddr = 0xfffff};  // of another image
  EXPECT(fails(place_image(image, below, 0x100000), errc::base_too_high, 0x100000));
});
ROW("place_image: found, chosen, placed and loaded, in a constant expression", {
  elf_builder<elf64_structs> b;
  b.usual().note("Xen", pvhboot::xen_note::phys32_reloc, 0x200u);
  b.note_segment();
  auto file = b.written();
  auto image = parse_elf(file.contents);
  auto entry = find_phys32_entry(*image);
  auto reloc = find_phys32_reloc(*image);
  scene s{ram(0x1000, 0x900)};
  auto base = choose_base(*image, *reloc, s.map, uint64_t{1} << 63);
  EXPECT(base && *base == 0x1200);  // of 0x1000, 0x1200 and 0x1400 the middle one
  auto place = place_image(*image, *entry, *base);
  uint8_t guest[0x900]{};
  EXPECT(place && place->entry == 0x1210 && load_image(*image, pvhboot::writable_window{0x1000, guest}, place->shift) &&
         guest[0x210] == 0x11);
});

}  // namespace
