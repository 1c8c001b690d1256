// SPDX-License-Identifier: BSL-1.0
//
// grub_mmap against a model of events.
//
// The model's entries are always in order; nothing is sorted again. It asks for the next event, makes it happen, and
// asks again, until there is none:
//
// 1. The first entry that begins inside the one before it cuts that one. What the cut one had beyond the end of the
//    other becomes an entry after all that begin at or below its beginning, if there is a slot; else it is lost.
// 2. Only when nothing is left to cut: the first entry that continues the one before it, with the same type, joins it.
//    The last entry of the table takes its place, which matters where several begin at the same address: the moved one
//    is now the first of them.
//
// Entries of no bytes take part in both. One that lies strictly inside another cuts it in two, and the two cannot join,
// since they are no neighbours. Where several entries begin at one address, each is cut to no bytes by the next, and
// what is left of it competes from the end of that one on. By rule 2 an entry that comes to lie before one of no bytes
// is cut by it, so the halves join and are cut by turns: GRUB never ends. The model finds these maps by the state,
// which comes back.
#include <pvhboot/xen/grub_mmap.hpp>

#include "ranges.hpp"

namespace {

using namespace attack;
using list = std::vector<memory_range>;

count maps{"maps"};
count entries{"entries"};
count cuts{"cuts"};
count joins{"joins"};
count endless{"endless maps"};
count full_tables{"maps that lost a rest for want of slots"};
count with_empty{"results with entries of no bytes"};
count by_bytes{"compared byte by byte"};

constexpr size_t slots = 128;

struct part {
  uint64_t begin = 0;
  uint64_t end = 0;  ///< modulo 2^64, as GRUB adds
  uint32_t type = 0;
  friend bool operator==(const part&, const part&) = default;
};
using parts = std::vector<part>;

parts page_by_page(const list& given) {
  parts made;
  for (const memory_range& r : given) {
    const uint64_t end = r.addr + r.size;
    const auto up = [](uint64_t a) { return a % 4096 == 0 ? a : a - a % 4096 + 4096; };
    const auto down = [](uint64_t a) { return a - a % 4096; };
    const bool ram = static_cast<uint32_t>(r.type) == 1;
    made.push_back({ram ? up(r.addr) : down(r.addr), ram ? down(end) : up(end), static_cast<uint32_t>(r.type)});
  }
  return made;
}

/// Where an entry that begins here comes to lie: after or before those that begin at the same address.
ptrdiff_t place(const parts& in_order, size_t from, uint64_t begin, bool after_equals) {
  size_t i = from;
  while (i < in_order.size() && (in_order[i].begin < begin || (after_equals && in_order[i].begin == begin))) ++i;
  return static_cast<ptrdiff_t>(i);
}

struct outcome {
  parts table{};
  bool ends = true;
  bool lost = false;
  unsigned restarts = 0;
};

bool cut_one(outcome& o) {
  parts& t = o.table;
  for (size_t i = 1; i < t.size(); ++i) {
    if (t[i].begin >= t[i - 1].end) continue;
    ++cuts;
    const part rest{t[i].end, t[i - 1].end, t[i - 1].type};
    t[i - 1].end = t[i].begin;
    if (rest.begin >= rest.end) return true;
    if (t.size() == slots) {
      o.lost = true;
      return true;
    }
    ++o.restarts;
    t.insert(t.begin() + place(t, 0, rest.begin, true), rest);
    return true;
  }
  return false;
}

bool join_one(outcome& o) {
  parts& t = o.table;
  for (size_t i = 1; i < t.size(); ++i) {
    if (t[i].begin != t[i - 1].end || t[i].type != t[i - 1].type) continue;
    ++joins;
    ++o.restarts;
    t[i - 1].end = t[i].end;
    t.erase(t.begin() + static_cast<ptrdiff_t>(i));
    if (i == t.size()) return true;
    const part last = t.back();
    t.pop_back();
    t.insert(t.begin() + place(t, i, last.begin, false), last);
    return true;
  }
  return false;
}

outcome grub_makes(const list& given) {
  outcome o;
  for (const part& p : page_by_page(given)) o.table.insert(o.table.begin() + place(o.table, 0, p.begin, true), p);
  // A state that comes back: one is remembered, and another at every power of two.
  parts remembered;
  uint64_t events = 0;
  uint64_t next_to_remember = 64;
  while (cut_one(o) || join_one(o)) {
    if (o.table == remembered) {
      o.ends = false;
      return o;
    }
    if (++events == next_to_remember) {
      remembered = o.table;
      next_to_remember *= 2;
    }
  }
  return o;
}

/// What page-aligned entries below 2^64 say of a byte: whether anything is there, and which types may be.
void check_bytes(const list& given, const parts& made) {
  std::vector<uint64_t> points;
  const parts aligned = page_by_page(given);
  for (const parts* all : {&aligned, &made})
    for (const part& p : *all) points.insert(points.end(), {p.begin, p.end});
  for (const uint64_t at : points) {
    const auto holds = [&](const part& p) { return p.begin <= at && at < p.end; };
    const auto holders = std::count_if(made.begin(), made.end(), holds);
    AGREE(holders <= 1);
    AGREE((holders == 1) == std::any_of(aligned.begin(), aligned.end(), holds));
    if (holders == 0) continue;
    const part winner = *std::find_if(made.begin(), made.end(), holds);
    AGREE(
        std::any_of(aligned.begin(), aligned.end(), [&](const part& p) { return holds(p) && p.type == winner.type; }));
  }
}

list any_map(numbers& n) {
  const bool crowded = n.chance(400);
  list given(crowded ? 60 + n.index(69) : n.index(n.chance(3) ? 14 : 7));
  const uint64_t span = crowded ? 20 + n.below(2000) : 2 + n.below(14);
  const uint64_t base = n.chance(20) ? 0 - 0x1000 * span : 0x1000 * n.below(3);
  const bool odd = n.chance(5);  // not on pages: RAM that shrinks to nothing and below
  const uint64_t longest = crowded && n.chance(2) ? span : 1 + n.below(span);
  static constexpr uint32_t types[] = {1, 1, 2, 2, 3, 5};
  for (memory_range& r : given) {
    const uint64_t from = n.below(span);
    r = range(base + 0x1000 * from, 0x1000 * n.below(std::min(longest, span - from) + 1), n.of(types));
    if (odd && n.chance(2)) r.addr += n.below(0x1000);
    if (odd && n.chance(2)) r.size += n.below(0x1000);
    if (n.chance(300)) r.size = n.edge();
    if (n.chance(300)) r.addr = n.edge();
  }
  return given;
}

bool is_plain(const list& given) {
  for (const memory_range& r : given)
    if (r.addr % 4096 != 0 || r.size % 4096 != 0 || wide{r.addr} + r.size >= top) return false;
  return true;
}

void one_case(numbers& n) {
  ++maps;
  const list given = any_map(n);
  entries += given.size();
  std::vector<memory_range> out(slots);
  const auto got = pvhboot::grub_mmap(given, out);
  const outcome wanted = grub_makes(given);
  const shown doing{[&] {
    return text(given) + " becomes " +
           (got ? text({out.begin(), out.begin() + static_cast<ptrdiff_t>(*got)}) : std::string{"nothing"}) + ", by " +
           std::to_string(wanted.restarts) + " restarts of the model";
  }};
  if (!wanted.ends) {
    ++endless;
    AGREE(!got && got.error().code == errc::grub_mmap_endless);
    return;
  }
  AGREE(got.ok() && *got == wanted.table.size());
  bool empty = false;
  for (size_t i = 0; i < *got; ++i) {
    const part p{out[i].addr, out[i].addr + out[i].size, static_cast<uint32_t>(out[i].type)};
    AGREE(p == wanted.table[i]);
    empty = empty || out[i].size == 0;
  }
  if (empty) ++with_empty;
  if (wanted.lost) ++full_tables;
  if (is_plain(given) && !wanted.lost) {
    ++by_bytes;
    check_bytes(given, wanted.table);
  }
}

}  // namespace

int main(int argc, char** argv) { return attack::run(argc, argv, 60000, one_case); }
