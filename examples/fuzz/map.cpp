// SPDX-License-Identifier: BSL-1.0
//
// Every operation of memory_map in any order, beside a model that is a list: what succeeds makes exactly the ranges of
// the model, what fails has the model's reason and changes nothing.
//
// Input: u8 capacity, u8 slots of scratch; then operations until the input ends: u8 what, range.
#include <pvhboot/core/random_ram.hpp>

#include "map_model.hpp"

namespace {

using namespace fuzz;
using pvhboot::failure;
using pvhboot::result;

/// The ranges of r's type and those of the others that touch each other become one, up to 2^64 - 1 bytes.
ranges merged(const ranges& all, bool (*may)(memory_type)) {
  ranges made;
  for (const memory_range& r : all) {
    if (!made.empty() && made.back().type == r.type && may(r.type) && end_of(made.back()) == r.addr &&
        wide{made.back().size} + r.size <= ~uint64_t{})
      made.back().size += r.size;
    else
      made.push_back(r);
  }
  return made;
}

bool is_clean(const ranges& all) { return in_shape(all) && merged(all, merge_allowed) == all; }

struct model_map {
  size_t capacity;
  size_t slots;
  ranges all{};
  bool known = true;  ///< to be sanitised

  result<void> add(const ranges& more) {
    if (more.size() > capacity - all.size()) return {errc::map_full, all.size()};
    all.insert(all.end(), more.begin(), more.end());
    known = false;
    return {};
  }
  result<void> sanitize() {
    if (!is_clean(all)) {
      const ranges wanted = model(all);
      if (slots < all.size()) return {errc::scratch_too_small, all.size()};
      if (wanted.size() > capacity) return {errc::map_full, wanted.size()};
      all = wanted;
    }
    known = true;
    return {};
  }
  result<void> insert(const memory_range& r) {
    if (auto done = add({r}); !done) return done;
    auto done = sanitize();
    if (!done) all.pop_back();
    return done;
  }
  result<void> overwrite(const memory_range& r) {
    if (r.size == 0) return {};
    ranges made = cut(all, 0, r.addr);
    if (r.type != memory_type{}) made.push_back({r.addr, static_cast<uint64_t>(end_of(r) - r.addr), r.type});
    for (const memory_range& part : cut(all, end_of(r), wide{1} << 64)) made.push_back(part);
    made = merged(made, merge_allowed);
    if (made.size() > capacity) return {errc::map_full, made.size()};
    all = made;
    return {};
  }
  void intersect(const memory_range& r) { all = merged(cut(all, r.addr, end_of(r)), merge_allowed); }
};

void law_same_result(const result<void>& got, const result<void>& wanted) {
  LAW(got.ok() == wanted.ok());
  if (got.ok()) return;
  saw(got.error());
  LAW(got.error().code == wanted.error().code && got.error().where == wanted.error().where);
}

/// The places where n bytes begin at a multiple of align in the RAM of [first, last]: in each range the first one, and
/// how many there are.
struct places {
  uint64_t first;
  wide count;
};
std::vector<places> places_of(const ranges& all, uint64_t n, uint64_t align, uint64_t first, uint64_t last) {
  std::vector<places> found;
  for (const memory_range& r : all) {
    if (r.type != memory_type::ram || n == 0) continue;
    const wide low = std::max(wide{r.addr}, wide{first});
    const wide high = std::min(end_of(r), wide{last} + 1);
    const wide from = round_down(low + (align - 1), align);
    if (high < from + n) continue;
    found.push_back({static_cast<uint64_t>(from), ((high - n - from) >> log2_of(align)) + 1});
  }
  return found;
}

void check_random(const pvhboot::memory_map& map, const model_map& real, const memory_range& r, uint64_t random) {
  const uint64_t align = uint64_t{1} << (random & 63);
  const uint64_t last = r.type == memory_type::ram ? ~uint64_t{} : r.addr + r.size;
  const uint64_t n = r.size >> (random >> 58);
  const auto found = places_of(real.all, n, align, r.addr, last);
  wide count = 0;
  for (const places& p : found) count = count + p.count;
  count = std::min(count, wide{~uint64_t{}});
  LAW(wide{count_ram_places(map, n, align, r.addr, last)} == count);
  const auto got = find_random_ram(map, n, align, r.addr, last, random);
  LAW(got.ok() == !found.empty());
  LAW(count_ram_places(map, n, 0, r.addr, last) == 0 && !find_random_ram(map, n, 0, r.addr, last, random));
  if (!got) {
    LAW(got.error().code == errc::no_free_range && got.error().where == n);
    return;
  }
  wide index = wide{pvhboot::scale_random(random, static_cast<uint64_t>(count))};
  auto p = found.begin();
  for (; index >= p->count; ++p) index = index - p->count;
  LAW(*got == p->first + (static_cast<uint64_t>(index) << log2_of(align)));
  LAW(*find_random_ram(map, n, align, r.addr, last, random) == *got);
}

/// Each type of the standards has a name.
void check_name(const memory_range& r) {
  const auto type = static_cast<uint32_t>(r.type);
  const bool known = (type >= 1 && type <= 8) || type == 12 || type == 13 || type == 128 || type == 0xefffffff;
  LAW((name(r.type) == "unknown") == !known);
}

/// Linux accepts the map, and outside the ISA hole and the last page it says what it said.
void check_prepare(pvhboot::memory_map& map, model_map& real) {
  const ranges before = real.all;
  const auto done = prepare_for_linux(map);
  ranges after = contents(map);
  constexpr memory_range hole = pvhboot::isa_hole;
  const wide last_page = (wide{1} << 64) - 4096;
  const auto outside = [&](const ranges& all) {
    ranges made = cut(model(all), 0, hole.addr);
    for (const memory_range& r : cut(model(all), hole.addr + hole.size, last_page)) made.push_back(r);
    return made;
  };
  LAW(same_coverage(outside(before), outside(after)));
  if (done.ok()) {
    LAW(map.known_sanitized() && in_shape(after) && after.size() >= 2 && total_ram(map) != 0);
    for (const memory_range& r : after) {
      LAW(r.addr + r.size != 0 && (r.type != memory_type::ram || !r.overlaps(hole)));
    }
  } else {
    saw(done.error());
    LAW(done.error().code == errc::no_ram || done.error().code == errc::map_full ||
        done.error().code == errc::scratch_too_small);
    LAW(after == before || after == model(before));
  }
  real.all = after;
  real.known = map.known_sanitized();
}

void operate(owned_map& mine, owned_map& other, model_map& real, unsigned what, const memory_range& r) {
  pvhboot::memory_map& map = mine.map;
  switch (what % 16) {
    case 0: law_same_result(map.append(r), real.add({r})); break;
    case 1: {
      const ranges table(r.size % 4, r);
      law_same_result(map.append(table), real.add(table));
      break;
    }
    case 2: law_same_result(map.sanitize(), real.sanitize()); break;
    case 3: law_same_result(map.insert(r), real.insert(r)); break;
    case 4: {
      LAW(other.map.assign(map).ok() == (real.all.size() <= other.map.capacity()));
      break;
    }
    case 5: {
      const ranges from = contents(other.map);
      const bool fits = from.size() <= real.capacity;
      law_same_result(map.assign(other.map),
                      fits ? result<void>{} : result<void>{failure{errc::map_full, from.size()}});
      if (!fits) break;
      real.all = from;
      real.known = other.map.known_sanitized();
      break;
    }
    case 6:
      map.truncate(static_cast<size_t>(r.size % 64));
      real.all.resize(std::min<size_t>(real.all.size(), static_cast<size_t>(r.size % 64)));
      break;
    case 7:
      map.clear();
      real.all.clear();
      real.known = true;
      break;
    case 8: check_prepare(map, real); break;
    case 9:
      if (real.all.empty()) break;
      map.cut_last(std::min(r.size, real.all.back().size));
      real.all.back().size = std::min(r.size, real.all.back().size);
      if (real.all.back().size == 0) real.all.pop_back();
      if (real.known) real.all = merged(real.all, merge_allowed);
      break;
    default: break;
  }
  if (!is_clean(real.all)) return;
  // These need a sanitised map.
  switch (what % 16) {
    case 10: law_same_result(map.overwrite(r), real.overwrite(r)); break;
    case 11: law_same_result(map.punch(r.addr, r.size), real.overwrite({r.addr, r.size, {}})); break;
    case 12:
      map.intersect(r.addr, r.size);
      real.intersect(r);
      break;
    case 13: check_random(map, real, r, r.addr * 0x9e3779b97f4a7c15u ^ what / 16); break;
    case 14:
      map.merge(memory_type::pram);
      real.all = merged(real.all, [](memory_type t) { return t == memory_type::pram; });
      break;
    case 15:
      map.merge(memory_type::soft_reserved);
      real.all = merged(real.all, [](memory_type t) { return t == memory_type::soft_reserved; });
      break;
    default: break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  const size_t capacity = in.u8();
  const size_t slots = in.u8();
  owned_map mine{capacity, slots}, other{slots, capacity};
  model_map real{capacity, slots};
  for (int i = 0; i < 48 && !in.rest().empty(); ++i) {
    const unsigned what = in.u8();
    const memory_range r = in.range();
    check_name(r);
    operate(mine, other, real, what, r);
    LAW(contents(mine.map) == real.all && mine.map.known_sanitized() == real.known);
    LAW(mine.map.is_sanitized() == is_clean(real.all));
    LAW(mine.map.size() == real.all.size() && mine.map.empty() == real.all.empty());
    LAW(mine.map.capacity() == capacity && mine.map.slots() == slots);
    for (const memory_range& kept : real.all) saw(kept);
  }
  return 0;
}
