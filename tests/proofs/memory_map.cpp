// SPDX-License-Identifier: BSL-1.0
//
// All maps of up to four ranges over six addresses and three types, against the model of cells: what sanitize makes of
// each, and how it fails where the storage or the scratch is too small. What sanitize makes is one of a few thousand
// maps; every operation and every question is tried on each of these, in map_operations.hpp and map_questions.hpp.
//
// Up to two ranges are of five types, empty, or end above 2^64 as well. The larger bound is three of these, and four of
// three types.
#include <unordered_map>

#include "map_operations.hpp"
#include "map_questions.hpp"

namespace {

using namespace proofs;

count maps{"maps"};
count refused_maps{"refused for want of room or scratch"};
count full_maps{"maps of 2^64 bytes of one type"};
count states{"sanitised maps"};

/// sanitize in constant expressions: each byte has the highest of its types. Bytes are asked for one by one.
constexpr bool holds_at_compile_time(std::span<const memory_range> given) {
  pvhboot::memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  for (const memory_range& r : given)
    if (!map.append(r)) return false;
  if (!map.sanitize() || !map.is_sanitized()) return false;
  for (uint64_t byte = 0; byte < 4; ++byte) {
    uint32_t wanted = 0, got = 0;
    for (const memory_range& r : given)
      if (byte - r.addr < r.size) wanted = std::max(wanted, static_cast<uint32_t>(r.type));
    for (const memory_range& r : map)
      if (byte - r.addr < r.size) got += static_cast<uint32_t>(r.type);
    if (wanted != got) return false;
  }
  return true;
}
constexpr bool every_pair_at_compile_time() {
  memory_range all[30]{};
  size_t n = 0;
  for (uint64_t a = 0; a < 4; ++a)
    for (uint64_t b = a; b < 5; ++b)
      for (const uint32_t type : {1u, 12u})
        if (n < 30) all[n++] = range(a, b - a, type);
  bool good = true;
  memory_range two[2]{};
  for_each_list<memory_range>(std::span{all}.first(n), two,
                              [&](auto list) { good = good && holds_at_compile_time(list); });
  return good;
}
static_assert(every_pair_at_compile_time());

/// Where each piece begins and ends and what it is, as one number.
uint64_t key_of(const memory_map& map, const place& at) {
  uint64_t key = 0;
  for (const memory_range& r : map) {
    const piece p = piece_of(r);
    for (const wide edge : {p.begin, p.end})
      key = key * 8 + static_cast<uint64_t>(std::find(at.points.begin(), at.points.end(), edge) - at.points.begin());
    key = key * 8 + static_cast<uint64_t>(std::find(std::begin(five_types), std::end(five_types), p.type) - five_types);
  }
  return key + map.size() * 0x1000000000000000u;
}

using state_list = std::unordered_map<uint64_t, std::vector<memory_range>>;

void sanitize(std::span<const memory_range> given, const cells& model, const place& at, size_t capacity, size_t scratch,
              bool clean, state_list& made) {
  memory_range storage[8]{};
  pvhboot::sweep_slot slots[8]{};
  std::copy(given.begin(), given.end(), storage);
  memory_map map{{storage, capacity}, {slots, scratch}, given.size()};
  const auto done = map.sanitize();
  if (!clean && scratch < given.size()) {
    ++refused_maps;
    AGREE(fails(done, errc::scratch_too_small, given.size()) && same(ranges_of(map), given));
  } else if (!clean && model.slots() > capacity) {
    ++refused_maps;
    AGREE(fails(done, errc::map_full, model.slots()) && same(ranges_of(map), given));
  } else {
    AGREE(done.ok() && map.known_sanitized());
    agree(map, model);
    if (model.is_full()) ++full_maps;
    std::vector<memory_range>& state = made[key_of(map, at)];
    if (state.empty() && !map.empty()) state.assign(map.begin(), map.end());
  }
}

void prove_map(std::span<const memory_range> given, const place& at, bool all_sizes, state_list& made) {
  const shown doing{[&] { return "map " + text({given.begin(), given.end()}); }};
  ++maps;
  const cells model{at.points, given};
  const bool clean = model.is(given);
  const size_t n = given.size();
  if (all_sizes) {
    memory_range storage[4]{};
    pvhboot::sweep_slot slots[4]{};
    std::copy(given.begin(), given.end(), storage);
    for (size_t scratch = 0; scratch <= n; ++scratch) {
      const memory_map map{storage, {slots, scratch}, n};
      AGREE(map.is_sanitized() == clean && (n == 0 || !map.known_sanitized()));
      check_overlaps(map, given, scratch);
      for (size_t capacity = n; capacity < 2 * n + 1; ++capacity)
        sanitize(given, model, at, capacity, scratch, clean, made);
    }
  } else {
    sanitize(given, model, at, 2 * n - 1, n, clean, made);
    if (model.slots() > n) sanitize(given, model, at, model.slots() - 1, n, clean, made);
  }
}

void prove(bool larger) {
  for (const place& at : places) {
    std::vector<memory_range> few, all;
    add_ranges(few, at, three_types);
    add_ranges(all, at, five_types);
    add_odd_ranges(all, at, five_types);
    state_list made;
    memory_range list[4]{};
    for (size_t n = 0; n <= (larger ? 3 : 2); ++n)
      for_each_list<memory_range>(all, std::span{list}.first(n), [&](auto given) { prove_map(given, at, true, made); });
    add_odd_ranges(few, at, larger ? std::span{three_types} : std::span<const uint32_t>{});
    for (size_t n = 3; n <= 4; ++n)
      for_each_list<memory_range>(few, std::span{list}.first(n),
                                  [&](auto given) { prove_map(given, at, n < 4, made); });
    for (const auto& [key, state] : made) {
      ++states;
      try_operations(state, at, all);
      ask_questions(state, at);
    }
  }
}

}  // namespace

int main(int argc, char** argv) { return proofs::run("memory_map", argc, argv, prove); }
