// SPDX-License-Identifier: BSL-1.0
//
// Every operation of memory_map and of core/queries.hpp against the model of cells.hpp. The points of a case lie one
// byte apart at the bottom, at the top or somewhere between, or at any distance.
//
// A failed call leaves the map as it was, and its `where` is the number that the model expects.
#include "cells.hpp"

namespace {

using namespace attack;
using list = std::vector<memory_range>;

count maps{"maps"};
count operations{"operations"};
count refused{"of them refused"};
count questions{"questions"};
count full{"maps of 2^64 bytes of one type"};

std::vector<wide> make_points(numbers& n) {
  std::vector<wide> at{0, top};
  const wide bytes = 8 + n.below(40);
  switch (n.below(5)) {
    case 0:
      for (wide i = 0; i <= bytes; ++i) at.push_back(i);
      break;
    case 1:
      for (wide i = 0; i <= bytes; ++i) at.push_back(top - i);
      break;
    case 2: {
      const wide base = n.edge();
      for (wide i = 0; i <= bytes && base + i < top; ++i) at.push_back(base + i);
      break;
    }
    default:
      for (wide i = 0; i < bytes / 2; ++i) at.push_back(n.edge());
  }
  std::sort(at.begin(), at.end());
  at.erase(std::unique(at.begin(), at.end()), at.end());
  return at;
}

/// A range between two of the points. Some are empty, and some say more than there is up to 2^64.
memory_range any_range(numbers& n, const std::vector<wide>& at) {
  const size_t from = n.index(at.size() - 1);
  const auto addr = static_cast<uint64_t>(at[from]);
  const uint32_t type = any_type(n);
  if (n.chance(12)) return range(addr, 0, type);
  if (addr > 1 && n.chance(12)) {
    const auto room = static_cast<uint64_t>(top - addr);
    return range(addr, room + 1 + n.below(~uint64_t{} - room), type);
  }
  const size_t far = at.size() - 1 - from;
  const size_t to = from + 1 + n.index(n.chance(2) && far > 4 ? 4 : far);
  const wide size = at[to] - at[from];  // 2^64 is more than a size can say: 0 then
  return range(addr, static_cast<uint64_t>(size), type);
}

/// The lowest or highest address by trying where a stretch of RAM allows one. 2^64: nowhere.
wide search(const pieces& map, uint64_t n, uint64_t align, uint64_t first, uint64_t last, bool highest) {
  pieces stretches;
  for (const piece& p : map) {
    if (p.type != 1) continue;
    if (!stretches.empty() && stretches.back().end == p.begin)
      stretches.back().end = p.end;
    else
      stretches.push_back(p);
  }
  wide found = top;
  for (const piece& p : stretches) {
    const wide low = std::max(p.begin, wide{first});
    const wide high = std::min(p.end, wide{last} + 1);
    if (n == 0 || high < low + n) continue;
    const wide lowest = (low + align - 1) / align * align;
    const wide up = (high - n) / align * align;
    if (!highest && lowest + n <= high) found = std::min(found, lowest);
    if (highest && up >= low) found = up;
  }
  return found;
}

uint64_t near(numbers& n, const std::vector<wide>& at) {
  return static_cast<uint64_t>(at[n.index(at.size())]) + n.below(3) - 1;
}

void ask(numbers& n, const memory_map& map, const cells& model, const std::vector<wide>& at) {
  questions += 4;
  AGREE(total_ram(map) == static_cast<uint64_t>(std::min(model.ram(), top - 1)));

  const uint64_t a = near(n, at);
  const uint64_t size = n.chance(8) ? n.edge() : near(n, at) - a;
  const uint32_t type = n.chance(2) ? 1 : std::max(any_type(n), 1u);
  AGREE(covers(map, a, size, memory_type{type}) == model.all(a, wide{a} + size, type));

  const uint64_t align = n.chance(2) ? uint64_t{1} << n.below(8) : uint64_t{1} << n.below(64);
  const uint64_t first = n.chance(2) ? 0 : near(n, at);
  const uint64_t last = n.chance(2) ? ~uint64_t{} : near(n, at);
  const uint64_t bytes = n.chance(2) ? n.below(12) : size;
  if (model.is_full()) return;  // its two ranges are searched one by one
  for (const bool highest : {false, true}) {
    const wide wanted = search(model.wanted(), bytes, align, first, last, highest);
    const auto got =
        highest ? find_highest_ram(map, bytes, align, first, last) : find_lowest_ram(map, bytes, align, first, last);
    if (wanted == top) {
      AGREE(fails(got, errc::no_free_range, bytes));
      continue;
    }
    AGREE(got.ok() && *got == wanted);
    AGREE(*got % align == 0 && model.all(*got, wide{*got} + bytes, 1) && *got >= first && *got + (bytes - 1) <= last);
  }
  // Where single bytes are the cells, every address is tried.
  if (at.size() < 12 || bytes == 0 || bytes > 64) return;
  const wide from = at[1] - std::min(at[1], wide{2});
  wide lowest = top;
  for (wide i = 0; i < 64 && from + i < top; ++i) {
    const wide here = from + i;
    if (here % align == 0 && here >= first && here + bytes <= wide{last} + 1 && model.all(here, here + bytes, 1)) {
      lowest = here;
      break;
    }
  }
  const auto got = find_lowest_ram(map, bytes, align, std::max(first, static_cast<uint64_t>(from)), last);
  if (lowest < from + 64 && lowest != top) AGREE(got.ok() && *got == lowest);
}

void sanitize_given(memory_map& map, const list& given, const std::vector<wide>& at, size_t scratch) {
  const cells model{at, given};
  const bool clean = is_clean(at, given);
  AGREE(map.is_sanitized() == clean);
  ++operations;
  const auto done = map.sanitize();
  if (!clean && scratch < given.size()) {
    ++refused;
    AGREE(fails(done, errc::scratch_too_small, given.size()) && contents(map) == given);
  } else if (!clean && model.slots() > map.capacity()) {
    ++refused;
    AGREE(fails(done, errc::map_full, model.slots()) && contents(map) == given);
  } else {
    AGREE(done.ok());
    if (model.is_full()) ++full;
    agree(map, model);
  }
}

/// One operation on a sanitised map; `model` follows.
void operate(numbers& n, memory_map& map, cells& model, const std::vector<wide>& at, size_t scratch) {
  ++operations;
  const list before = contents(map);
  const memory_range r = any_range(n, at);
  const uint64_t what = n.below(16);
  const shown doing{[&] {
    return "operation " + std::to_string(what) + " " + text({r}) + " on " + text(before) + " in " +
           std::to_string(map.capacity()) + " slots";
  }};
  cells wanted = model;
  if (what < 5) {  // insert
    list with = before;
    with.push_back(r);
    wanted = cells{at, with};
    const bool clean = is_clean(at, with);
    const auto done = map.insert(r);
    const bool no_slot = before.size() == map.capacity();
    const bool no_scratch = !clean && scratch < with.size();
    const bool no_room = wanted.slots() > map.capacity();
    if (no_slot || no_scratch || no_room) {
      ++refused;
      AGREE(contents(map) == before);
      if (no_slot)
        AGREE(fails(done, errc::map_full, before.size()));
      else if (no_scratch)
        AGREE(fails(done, errc::scratch_too_small, with.size()));
      else
        AGREE(fails(done, errc::map_full, wanted.slots()));
      return;
    }
    AGREE(done.ok());
  } else if (what < 11) {  // overwrite, punch, reserve
    const memory_range hole{r.addr, r.size, {}};
    wanted.overwrite(what < 8 ? r : hole);
    const auto done = what < 8 ? map.overwrite(r) : what < 10 ? map.punch(r.addr, r.size) : map.overwrite(hole);
    if (wanted.slots() > map.capacity()) {
      ++refused;
      AGREE(fails(done, errc::map_full, wanted.slots()) && contents(map) == before);
      return;
    }
    AGREE(done.ok());
  } else if (what < 12) {
    wanted.keep_only(r.size != 0 ? piece_of(r) : piece{});
    map.intersect(r.addr, r.size);
  } else if (what < 14) {
    wanted.merge(static_cast<uint32_t>(r.type));
    map.merge(r.type);
  } else if (what < 15) {
    const size_t kept = n.index(before.size() + 2);
    map.truncate(kept);
    wanted = cells{at, list(before.begin(), before.begin() + static_cast<ptrdiff_t>(std::min(kept, before.size())))};
    // The pieces that stay may have been cut by one that is gone.
    wanted.cut_like(map);
  } else {  // append to itself: the same map twice is the same map
    const auto done = map.append(map);
    if (2 * before.size() > map.capacity()) {
      ++refused;
      AGREE(fails(done, errc::map_full, before.size()) && contents(map) == before);
      return;
    }
    AGREE(done.ok() && map.size() == 2 * before.size());
    if (const auto sanitized = map.sanitize(); !sanitized) {
      AGREE(fails(sanitized, errc::scratch_too_small, 2 * before.size()) && scratch < 2 * before.size());
      map.truncate(before.size());
    }
  }
  if (wanted.is_full()) ++full;
  agree(map, wanted);
  model = wanted;
  if (model.is_full()) model.cut_like(map);
}

void one_case(numbers& n) {
  ++maps;
  const std::vector<wide> at = make_points(n);
  list given(n.index(n.chance(4) ? 20 : 7));
  for (memory_range& r : given) r = any_range(n, at);
  const size_t capacity = given.size() + n.index(n.chance(3) ? 4 : 30);
  const size_t scratch = n.chance(8) ? n.index(capacity + 1) : capacity;
  owned_map work{capacity, scratch};
  const shown doing{[&] {
    return "map " + text(given) + " in " + std::to_string(capacity) + " slots, scratch " + std::to_string(scratch);
  }};

  questions += 4;
  check_range(any_range(n, at), any_range(n, at));
  operations += 2;
  AGREE(work.map.append(given).ok() && contents(work.map) == given);
  const list more(capacity - given.size() + 1, range(1, 1, 1));
  AGREE(fails(work.map.append(more), errc::map_full, given.size()) && contents(work.map) == given);
  ++operations;
  if (scratch < given.size()) ++refused;
  check_overlaps(work.map, given, scratch);
  sanitize_given(work.map, given, at, scratch);
  if (!work.map.is_sanitized()) return;

  cells model{at, given};
  if (model.is_full()) model.cut_like(work.map);
  ask(n, work.map, model, at);
  for (int i = 0; i < 8; ++i) {
    operate(n, work.map, model, at, scratch);
    ask(n, work.map, model, at);
  }
}

}  // namespace

int main(int argc, char** argv) { return attack::run(argc, argv, 20000, one_case); }
