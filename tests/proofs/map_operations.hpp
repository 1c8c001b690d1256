// SPDX-License-Identifier: BSL-1.0
//
// Every operation of memory_map on one sanitised map: with every range of the place, and with every size of the storage
// up to what the result needs.
#pragma once

#include "small_maps.hpp"

namespace proofs {

inline count operations{"operations"};
inline count refused{"of them refused"};

/// A sanitised map in a storage of this capacity, and the model of it.
struct trial {
  static constexpr size_t max_capacity = 16;
  memory_range storage[max_capacity]{};
  pvhboot::sweep_slot slots[max_capacity]{};
  memory_map map;
  cells model;

  trial(std::span<const memory_range> state, const place& at, size_t capacity, size_t scratch = max_capacity)
      : map((std::copy(state.begin(), state.end(), storage), pvhboot::span<memory_range>{storage, capacity}),
            {slots, scratch}, state.size(), true),
        model(at.points, state) {
    ++operations;
    if (model.is_full()) model.cut_like(map);
  }
};

inline void expect_room(trial& t, const pvhboot::result<void>& done, std::span<const memory_range> before) {
  if (t.model.slots() > t.map.capacity()) {
    ++refused;
    AGREE(fails(done, errc::map_full, t.model.slots()) && same(ranges_of(t.map), before));
  } else {
    AGREE(done.ok());
    agree(t.map, t.model);
  }
}

inline void try_insert(std::span<const memory_range> state, const place& at, const memory_range& r, size_t capacity,
                       size_t scratch) {
  trial t{state, at, capacity, scratch};
  std::vector<memory_range> with(state.begin(), state.end());
  with.push_back(r);
  const cells wanted{at.points, with};
  const bool clean = wanted.is(with);
  const auto done = t.map.insert(r);
  const bool no_slot = state.size() == capacity;
  const bool no_scratch = !clean && scratch < with.size();
  if (no_slot || no_scratch || (!clean && wanted.slots() > capacity)) {
    ++refused;
    AGREE(same(ranges_of(t.map), state) && !(t.map.known_sanitized() && !no_slot));
    if (no_slot)
      AGREE(fails(done, errc::map_full, state.size()));
    else if (no_scratch)
      AGREE(fails(done, errc::scratch_too_small, with.size()));
    else
      AGREE(fails(done, errc::map_full, wanted.slots()));
    return;
  }
  AGREE(done.ok() && t.map.known_sanitized());
  agree(t.map, wanted);
}

inline void try_with_range(std::span<const memory_range> state, const place& at, const memory_range& r) {
  const shown doing{[&] { return "range " + text({r}); }};
  const memory_range hole{r.addr, r.size, {}};
  const size_t n = state.size();
  for (size_t capacity = n; capacity <= n + 3; ++capacity) {
    {
      trial t{state, at, capacity};
      t.model.overwrite(r);
      expect_room(t, t.map.overwrite(r), state);
    }
    {
      trial t{state, at, capacity};
      t.model.overwrite(hole);
      expect_room(t, t.map.punch(r.addr, r.size), state);
    }
    for (const size_t scratch : {n, n + 1}) try_insert(state, at, r, capacity, scratch);
  }
  trial kept{state, at, n};
  kept.model.keep_only(r.size != 0 ? piece_of(r) : piece{});
  kept.map.intersect(r.addr, r.size);
  agree(kept.map, kept.model);
  for (const memory_range& other : state) check_range(r, other);
}

/// The operations that take no range.
inline void try_others(std::span<const memory_range> state, const place& at) {
  const size_t n = state.size();
  for (const uint32_t type : five_types) {
    trial t{state, at, n};
    t.model.merge(type);
    t.map.merge(memory_type{type});
    agree(t.map, t.model);
  }
  for (size_t kept = 0; kept <= n + 1; ++kept) {
    trial t{state, at, n};
    t.map.truncate(kept);
    AGREE(same(ranges_of(t.map), state.first(std::min(kept, n))) && t.map.is_sanitized() && t.map.known_sanitized());
  }
  if (n != 0) {
    const memory_range last = state.back();
    for (uint64_t size = 0; size <= std::min(last.size, uint64_t{6}); ++size) {
      trial t{state, at, n};
      t.map.cut_last(size);
      if (t.model.is_full() && size != last.size) {  // two ranges stood for 2^64 bytes, which no size says
        AGREE(t.map.size() == 1 && t.map[0] == memory_range{0, state[0].size + size, last.type});
        continue;
      }
      AGREE(same(ranges_of(t.map).first(n - 1), state.first(n - 1)) && t.map.size() == n - (size == 0 ? 1 : 0));
      AGREE(size == 0 || t.map[n - 1] == memory_range{last.addr, size, last.type});
    }
  }
  for (size_t capacity = 0; capacity <= n + 1; ++capacity) {
    const trial from{state, at, n};
    trial to{{}, at, capacity};
    const auto done = to.map.assign(from.map);
    AGREE(capacity < n ? fails(done, errc::map_full, n) && to.map.empty()
                       : done.ok() && same(ranges_of(to.map), state));
    AGREE(to.map.capacity() == capacity && to.map.known_sanitized());
  }
  for (size_t capacity = n; capacity <= 2 * n + 1; ++capacity) {  // the same map twice is the same map
    trial t{state, at, capacity};
    const auto done = t.map.append(t.map);
    if (2 * n > capacity) {
      ++refused;
      AGREE(fails(done, errc::map_full, n) && same(ranges_of(t.map), state));
      continue;
    }
    AGREE(done.ok() && t.map.size() == 2 * n && same(ranges_of(t.map).last(n), state) && !t.map.known_sanitized());
    AGREE(t.map.sanitize().ok());
    agree(t.map, t.model);
  }
  trial t{state, at, n};
  AGREE(t.map.is_sanitized() && t.map.empty() == (n == 0) && t.map.data() == t.map.begin());
  t.map.clear();
  AGREE(t.map.empty() && t.map.size() == 0 && t.map.known_sanitized() && t.map.end() == t.map.begin());
}

inline void try_operations(std::span<const memory_range> state, const place& at, std::span<const memory_range> ranges) {
  const shown doing{[&] { return "on " + text({state.begin(), state.end()}); }};
  for (const memory_range& r : ranges) try_with_range(state, at, r);
  try_others(state, at);
}

}  // namespace proofs
