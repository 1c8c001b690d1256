// SPDX-License-Identifier: BSL-1.0
//
// memory_map::sanitize, linux_e820, prepare_for_linux and write_e820 against Linux's own way, written anew from its
// rules: a list of change points, starts before ends at one address, and at each of them the list of the entries that
// are active there. The highest type among them counts; an output entry begins where the type changes, and at every
// change point of a type that stays apart. Source: arch/x86/kernel/e820.c, 4.4 to 7.1.
//
// The model first has to make of 22 vectors what is known of them.
#include <pvhboot/linux/e820.hpp>
#include <pvhboot/linux/zero_page.hpp>

#include "ranges.hpp"

namespace {

using namespace attack;
using list = std::vector<memory_range>;
using pvhboot::e820_verdict;
using pvhboot::linux_e820_slots;
using pvhboot::linux_era;

count maps{"maps"};
count verdicts{"verdicts"};
count sanitized{"sanitized"};
count as_it_is{"as they are"};
count cut_off{"cut off"};
count fallback{"fallbacks"};
count prepared{"prepared maps"};
count unprepared{"refused by prepare_for_linux"};
count pages{"zero pages"};

struct entry {
  uint64_t addr = 0;
  uint64_t size = 0;
  uint32_t type = 0;
  friend bool operator==(const entry&, const entry&) = default;
};
using table = std::vector<entry>;

table table_of(const list& ranges) {
  table made;
  for (const memory_range& r : ranges) made.push_back({r.addr, r.size, static_cast<uint32_t>(r.type)});
  return made;
}

/// What a kernel works with, and whether entries were lost for want of slots.
struct kernel_map {
  table entries{};
  bool lost = false;
};

struct change {
  uint64_t addr;
  bool ends;
  size_t who;
};

/// e820__update_table. False: it gives up, and the table is as it was.
bool update_table(kernel_map& map, size_t slots, bool merges_soft_reserved) {
  if (map.entries.size() < 2) return false;
  for (const entry& e : map.entries)
    if (e.addr + e.size < e.addr) return false;
  std::vector<change> changes;
  for (size_t i = 0; i < map.entries.size(); ++i) {
    const entry& e = map.entries[i];
    if (e.size == 0) continue;
    changes.push_back({e.addr, false, i});
    changes.push_back({e.addr + e.size, true, i});
  }
  std::sort(changes.begin(), changes.end(),
            [](const change& a, const change& b) { return a.addr != b.addr ? a.addr < b.addr : a.ends < b.ends; });
  table made;
  std::vector<size_t> active;
  uint32_t type_before = 0;
  entry open{};
  for (const change& c : changes) {
    if (c.ends)
      active.erase(std::find(active.begin(), active.end(), c.who));
    else
      active.push_back(c.who);
    uint32_t type = 0;
    for (const size_t i : active) type = std::max(type, map.entries[i].type);
    const bool apart = type == 12 || (type == 0xefffffff && !merges_soft_reserved);
    if (type == type_before && !apart) continue;
    if (type_before != 0 && c.addr != open.addr) {
      open.size = c.addr - open.addr;
      if (made.size() == slots) {
        map.lost = true;
        break;
      }
      made.push_back(open);
    }
    if (type != 0) open = {c.addr, 0, type};
    type_before = type;
  }
  map.entries = made;
  return true;
}

/// append_e820_table, one entry after the other, into a table of this many slots.
bool append(kernel_map& map, const table& given, size_t slots) {
  for (const entry& e : given) {
    if (e.size != 0 && e.addr > e.addr + (e.size - 1)) return false;
    if (map.entries.size() < slots)
      map.entries.push_back(e);
    else
      map.lost = true;
  }
  return true;
}

struct outcome {
  e820_verdict verdict;
  table entries;
};

/// e820__memory_setup_default.
outcome linux_makes(table given, uint32_t alt_mem_k, uint16_t ext_mem_k, linux_era era, size_t slots) {
  kernel_map map;
  if (era == linux_era::until_4_11) {  // in place first, in the 128 slots of the zero page
    kernel_map page{given};
    update_table(page, 128, true);
    given = page.entries;
    map.lost = page.lost;
  }
  bool accepted = true;
  if (era == linux_era::until_4_11 || era == linux_era::until_6_19) accepted = given.size() >= 2;
  if (era == linux_era::from_7_1) accepted = !given.empty();
  if (!accepted || !append(map, given, slots)) {
    table made{{0, 0x9f000, 1}};
    const uint64_t kib = std::max<uint64_t>(alt_mem_k, ext_mem_k);
    if (kib != 0) made.push_back({0x100000, kib * 1024, 1});
    return {e820_verdict::fallback, made};
  }
  if (!update_table(map, slots, era == linux_era::until_4_11)) return {e820_verdict::as_it_is, map.entries};
  return {map.lost ? e820_verdict::cut_off : e820_verdict::sanitized, map.entries};
}

constexpr linux_era eras[] = {linux_era::until_4_11, linux_era::until_6_19, linux_era::v7_0, linux_era::from_7_1};

struct vector_of_facts {
  table given;
  uint32_t alt;
  uint16_t ext;
  linux_era era;
  table wanted;
};

void check_model() {
  const table low{{0, 0x9f000, 1}, {0x100000, 0x4000000, 1}};
  const auto now = linux_era::until_6_19;
  const table one{{0x100000, 0x7f00000, 1}};
  const vector_of_facts vectors[] = {
      {{}, 0x10000, 0, now, low},
      {{}, 0x10000, 0, linux_era::v7_0, {}},
      {one, 0x10000, 0, now, low},
      {one, 0x10000, 0, linux_era::from_7_1, one},
      {{{0, 0x1000, 1}, {0x1000, 0x1000, 1}}, 0, 0, now, {{0, 0x2000, 1}}},
      {{{0, 0x1000, 1}, {0x1000, 0x1000, 1}}, 0x10000, 0, linux_era::until_4_11, low},
      {{{0x100000, 0x100000, 1}, {0, 0x9fc00, 1}, {0x9fc00, 0x400, 2}},
       0,
       0,
       now,
       {{0, 0x9fc00, 1}, {0x9fc00, 0x400, 2}, {0x100000, 0x100000, 1}}},
      {{{0, 0x10000, 1}, {0x4000, 0x1000, 2}}, 0, 0, now, {{0, 0x4000, 1}, {0x4000, 0x1000, 2}, {0x5000, 0xb000, 1}}},
      {{{0, 0x10000, 2}, {0x4000, 0x1000, 1}}, 0, 0, now, {{0, 0x10000, 2}}},
      {{{0x1000, 0x1000, 1}, {0x1000, 0x3000, 3}}, 0, 0, now, {{0x1000, 0x3000, 3}}},
      {{{0, 0x1000, 2}, {0x1000, 0x1000, 1}}, 0, 0, now, {{0, 0x1000, 2}, {0x1000, 0x1000, 1}}},
      {{{0, 0x1000, 1}, {0x5000, 0, 2}}, 0, 0, now, {{0, 0x1000, 1}}},
      {{{0, 0, 1}, {0x5000, 0, 2}}, 0, 0, now, {}},
      {{{0, 0x1000, 0}, {0x5000, 0x1000, 1}}, 0, 0, now, {{0x5000, 0x1000, 1}}},
      {{{0, 0x3000, 1}, {0x1000, 0x1000, 0}}, 0, 0, now, {{0, 0x3000, 1}}},
      {{{0, 0x1000, 12}, {0x1000, 0x1000, 12}}, 0, 0, now, {{0, 0x1000, 12}, {0x1000, 0x1000, 12}}},
      {{{0, 0x10000, 12}, {0x4000, 0x20000, 1}},
       0,
       0,
       now,
       {{0, 0x4000, 12}, {0x4000, 0xc000, 12}, {0x10000, 0x14000, 1}}},
      {{{0, 0x1000, 7}, {0x1000, 0x1000, 7}}, 0, 0, now, {{0, 0x2000, 7}}},
      {{{0, 0x10000, 0xefffffff}, {0x4000, 0x2000, 2}},
       0,
       0,
       now,
       {{0, 0x4000, 0xefffffff}, {0x4000, 0x2000, 0xefffffff}, {0x6000, 0xa000, 0xefffffff}}},
      {{{0x100000, 0x100000, 1}, {0, 0x1000, 1}, {0xfffffffffffff000, 0x1000, 2}},
       0,
       0,
       now,
       {{0x100000, 0x100000, 1}, {0, 0x1000, 1}, {0xfffffffffffff000, 0x1000, 2}}},
      {{{0x100000, 0x100000, 1}, {0xfffffffffffff000, 0x2000, 2}, {0, 0x1000, 1}},
       0x1000,
       0xfc00,
       now,
       {{0, 0x9f000, 1}, {0x100000, 0x3f00000, 1}}},
      {{{0, 0x1000, 1}, {0, 0x1000, 1}}, 0, 0, now, {{0, 0x1000, 1}}},
      {{{0, 0x40000000, 1}, {0xa0000, 0x60000, 2}},
       0,
       0,
       now,
       {{0, 0xa0000, 1}, {0xa0000, 0x60000, 2}, {0x100000, 0x3ff00000, 1}}},
      {{{0, 0x4000, 0x80}, {0x1000, 0x1000, 0xefffffff}},
       0,
       0,
       now,
       {{0, 0x1000, 0x80}, {0x1000, 0x1000, 0xefffffff}, {0x2000, 0x2000, 0x80}}},
      {{{4, 2, 2},
        {22, 1, 4},
        {4, 4, 1},
        {1, 2, 4},
        {0, 8, 1},
        {20, 2, 3},
        {11, 2, 4},
        {10, 5, 3},
        {14, 2, 2},
        {19, 4, 2},
        {9, 9, 1},
        {21, 2, 1},
        {17, 1, 4}},
       0,
       0,
       now,
       {{0, 1, 1},
        {1, 2, 4},
        {3, 1, 1},
        {4, 2, 2},
        {6, 2, 1},
        {9, 1, 1},
        {10, 1, 3},
        {11, 2, 4},
        {13, 2, 3},
        {15, 1, 2},
        {16, 1, 1},
        {17, 1, 4},
        {19, 1, 2},
        {20, 2, 3},
        {22, 1, 4}}},
  };
  for (const vector_of_facts& v : vectors) AGREE(linux_makes(v.given, v.alt, v.ext, v.era, 320).entries == v.wanted);
}

/// Addresses that meet each other, in one of the sizes that maps have.
list any_ranges(numbers& n, size_t how_many) {
  const uint64_t unit = n.chance(3) ? 1 : uint64_t{1} << n.below(58);
  const uint64_t span = 2 + n.below(n.chance(2) ? 12 : 60);
  const uint64_t base = n.chance(3) ? 0 - unit * span : n.chance(2) ? 0 : n.edge();
  list made(how_many);
  for (memory_range& r : made) {
    r = range(base + unit * n.below(span), unit * n.below(n.chance(2) ? 4 : span), any_type(n));
    if (n.chance(200)) r.addr = n.edge();
    if (n.chance(200)) r.size = n.edge();
  }
  return made;
}

/// Few entries that make many pieces: as many as the kernels' tables have slots, a few more or fewer.
list crowded_ranges(numbers& n) {
  list made{range(0, 0x40000000, 1)};
  const uint64_t holes = 60 + n.below(68);
  for (uint64_t i = 0; i < holes; ++i) {
    static constexpr uint32_t types[] = {2, 2, 2, 3, 12, 0xefffffff};
    made.push_back(range(0x2000 * i + 0x1000, 0x1000 * (1 + n.below(2)), n.of(types)));
  }
  return made;
}

/// As long as nothing reaches 2^64, sanitize and e820__update_table are the same.
void check_sanitize(const list& given) {
  kernel_map map{table_of(given)};
  if (given.size() < 2 || !update_table(map, ~size_t{}, false)) return;
  owned_map work{2 * given.size()};
  AGREE(work.map.append(given).ok() && work.map.sanitize().ok());
  AGREE(table_of(contents(work.map)) == map.entries);
}

void check_eras(numbers& n, const list& given) {
  static constexpr size_t slots[] = {131, 320, 3200, 8};
  const auto alt = static_cast<uint32_t>(n.edge());
  const auto ext = static_cast<uint16_t>(n.next());
  for (const linux_era era : eras) {
    const size_t kernels = n.of(slots);
    if (kernels < given.size()) continue;  // no Linux has a zero page of more entries than its own table has slots
    const outcome wanted = linux_makes(table_of(given), alt, ext, era, kernels);
    owned_map out{2 * given.size() + 2};
    const auto verdict = pvhboot::linux_e820(given, alt, ext, era, out.map, static_cast<linux_e820_slots>(kernels));
    ++verdicts;
    const shown doing{[&] {
      return "era " + std::to_string(static_cast<int>(era)) + ", slots " + std::to_string(kernels) + ": library " +
             text(contents(out.map)) + ", verdict " + std::to_string(static_cast<int>(*verdict)) + ", model " +
             std::to_string(static_cast<int>(wanted.verdict)) + " of " + text(given);
    }};
    AGREE(verdict.ok() && *verdict == wanted.verdict && table_of(contents(out.map)) == wanted.entries);
    switch (wanted.verdict) {
      case e820_verdict::sanitized: ++sanitized; break;
      case e820_verdict::as_it_is: ++as_it_is; break;
      case e820_verdict::cut_off: ++cut_off; break;
      case e820_verdict::fallback: ++fallback; break;
    }
  }
}

/// The type of every byte, by the points where it changes.
uint32_t type_at(const pieces& all, wide a) {
  uint32_t best = 0;
  for (const piece& p : all)
    if (p.begin <= a && a < p.end) best = std::max(best, p.type);
  return best;
}

bool same_memory(const pieces& a, const pieces& b, wide end) {
  std::vector<wide> points{0};
  for (const pieces* list_of : {&a, &b})
    for (const piece& p : *list_of) points.insert(points.end(), {p.begin, p.end});
  for (const wide point : points)
    if (point < end && type_at(a, point) != type_at(b, point)) return false;
  return true;
}

/// What Linux may be given of a map: nothing that ends at 2^64, and the ISA hole reserved if there is RAM in it.
void check_prepared(numbers& n, const list& given) {
  owned_map work{n.chance(10) ? given.size() : 2 * given.size() + 4};
  AGREE(work.map.append(given).ok());
  pieces before;
  for (const memory_range& r : given)
    if (r.size != 0) before.push_back(piece_of(r));
  const auto done = prepare_for_linux(work.map);
  const pieces after = pieces_of(work.map);
  const wide last_page = top - 0x1000;
  const shown doing{[&] { return text(given) + " becomes " + text(contents(work.map)); }};
  if (!done) {
    ++unprepared;
    AGREE(same_memory(before, after, top));
    bool ram = false;
    pieces points = before;
    points.push_back({0x100000, 0x100000, 0});
    for (const piece& p : points)
      for (const wide a : {p.begin, p.end})
        ram = ram || (a < last_page && !(a >= 0xa0000 && a < 0x100000) && type_at(before, a) == 1);
    AGREE(done.error().code == errc::map_full || (done.error().code == errc::no_ram && !ram));
    return;
  }
  ++prepared;
  AGREE(work.map.size() >= 2 && work.map.is_sanitized() && total_ram(work.map) != 0);
  for (const piece& p : after) AGREE(p.end < top && !(p.type == 1 && p.begin < 0x100000 && p.end > 0xa0000));
  // What is still in the last page was there before.
  for (const piece& p : after)
    for (const wide a : {p.begin, p.end - 1}) AGREE(a < last_page || type_at(before, a) == p.type);
  pieces with_hole = before;
  with_hole.push_back({0xa0000, 0x100000, 2});
  if (!same_memory(before, after, last_page)) {
    AGREE(same_memory(with_hole, after, last_page));
    bool ram_in_hole = false;
    for (const piece& p : with_hole)
      ram_in_hole = ram_in_hole || (p.begin >= 0xa0000 && p.begin < 0x100000 && type_at(before, p.begin) == 1);
    AGREE(ram_in_hole || after.size() == 2 || !same_memory(before, with_hole, last_page));
  }

  // In the zero page, every Linux finds the prepared map and nothing else.
  auto page = std::make_unique<pvhboot::abi::boot_params>();
  std::vector<uint8_t> storage(pvhboot::e820_ext_size(work.map));
  const uint64_t storage_at = 0x5000;
  pvhboot::setup_data_writer nodes{storage, storage_at};
  AGREE(pvhboot::write_e820(work.map, *page, &nodes).ok());
  ++pages;
  std::vector<uint8_t> raw(sizeof *page);
  std::memcpy(raw.data(), page.get(), raw.size());
  const auto entry_at = [](const uint8_t* p) {
    return entry{little_endian(p, 8), little_endian(p + 8, 8), static_cast<uint32_t>(little_endian(p + 16, 4))};
  };
  table zero_page;
  for (size_t i = 0; i < raw[0x1e8]; ++i) zero_page.push_back(entry_at(&raw[0x2d0 + 20 * i]));
  for (const linux_era era : eras) {
    // The oldest merges soft_reserved, and 128 pieces of it could become one.
    if (era == linux_era::until_4_11 && zero_page.size() == 128) continue;
    const outcome seen = linux_makes(zero_page, 0, 0, era, 131);
    AGREE(seen.verdict == e820_verdict::sanitized);
    // Only the kernel that merges soft_reserved changes what is clean.
    if (era != linux_era::until_4_11) AGREE(seen.entries == zero_page);
  }
  table all = zero_page;
  if (!storage.empty()) {
    AGREE(nodes.head() == storage_at && little_endian(storage.data(), 8) == 0 && little_endian(&storage[8], 4) == 1);
    const uint64_t len = little_endian(&storage[12], 4);
    AGREE(len % 20 == 0 && 16 + len <= storage.size() && 16 + len + 8 > storage.size());
    for (size_t at = 16; at < 16 + len; at += 20) all.push_back(entry_at(&storage[at]));
  }
  AGREE(all == table_of(contents(work.map)));
  AGREE(zero_page.size() == std::min<size_t>(all.size(), 128));
}

void one_case(numbers& n) {
  ++maps;
  const size_t how_many = n.chance(40) ? n.index(129) : n.index(n.chance(3) ? 40 : 10);
  list given = n.chance(60) ? crowded_ranges(n) : any_ranges(n, how_many);
  check_sanitize(given);
  check_eras(n, given);
  // More often than not a PC: low memory, and something above 1 MiB.
  if (n.chance(2)) given.push_back(range(0, 0x9fc00 + n.below(3) * 0x400, 1));
  if (n.chance(2)) given.push_back(range(0x100000 + 0x1000 * n.below(3), n.edge(), 1));
  if (n.chance(3)) given.push_back(range(0 - 0x1000 * n.below(3) - 0x1000, 0x1000 * n.below(4), any_type(n)));
  if (n.chance(60))
    for (uint64_t i = 0; i < 200; ++i) given.push_back(range(0x200000 + 0x3000 * i, 0x1000, i % 2 != 0 ? 1 : 2));
  check_prepared(n, given);
}

}  // namespace

int main(int argc, char** argv) {
  check_model();
  return attack::run(argc, argv, 40000, one_case);
}
