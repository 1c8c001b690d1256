// SPDX-License-Identifier: BSL-1.0
//
// memory_map, compared with a model that finds the winning range at every address where the type can change.
//
// Input: u8 slots of Linux's own table (bits 0 and 1; if both are set, one and as many as the other bits say), u8 free
// slots, u8 missing scratch slots, u8 n, n ranges; then operations until the input ends: u8 what, range.
#include <algorithm>
#include <tuple>

#include "map_model.hpp"

namespace {

using namespace fuzz;
using pvhboot::memory_map;

ranges in_any_order(ranges all) {
  std::sort(all.begin(), all.end(), [](const memory_range& a, const memory_range& b) {
    return std::tuple{a.addr, a.size, a.type} < std::tuple{b.addr, b.size, b.type};
  });
  return all;
}

void check_sanitize(const ranges& given, size_t free_slots, size_t missing) {
  const ranges wanted = model(given);
  LAW(in_shape(wanted));
  owned_map small{given.size() + free_slots, given.size() - std::min(missing, given.size())};
  LAW(small.map.append(given).ok());
  const bool was_clean = small.map.is_sanitized();
  const auto done = small.map.sanitize();
  if (done) {
    LAW(contents(small.map) == wanted);
  } else if (done.error().code == errc::scratch_too_small) {
    LAW(done.error().where == given.size() && small.scratch.size() < given.size() && contents(small.map) == given);
  } else {
    LAW(done.error().code == errc::map_full && done.error().where == wanted.size());
    LAW(wanted.size() > small.map.capacity() && contents(small.map) == given);
  }
  if (was_clean) LAW(done.ok() && contents(small.map) == given);

  // Twice as many slots are always enough.
  owned_map large{2 * given.size() + 1};
  LAW(large.map.append(given).ok() && large.map.sanitize().ok() && contents(large.map) == wanted);
  LAW(large.map.is_sanitized() && wanted.size() <= (given.empty() ? 0 : 2 * given.size() - 1));
  owned_map twice{wanted.size()};
  LAW(twice.map.append(wanted).ok() && twice.map.sanitize().ok() && contents(twice.map) == wanted);
  // An address with an entry of another type never becomes RAM.
  for (const memory_range& r : given)
    for (const memory_range& ram : wanted)
      if (r.type > memory_type::ram && ram.type == memory_type::ram) LAW(!r.overlaps(ram));
}

/// Without enough scratch nothing is reported.
void check_report_refused(const ranges& given, size_t missing) {
  owned_map small{given.size(), given.size() - std::min(missing, given.size())};
  LAW(small.map.append(given).ok());
  size_t reported = 0;
  const auto done = small.map.report_overlaps([&](const memory_range&, const memory_range&) { ++reported; });
  LAW(done.ok() == (small.scratch.size() == given.size()));
  if (done) return;
  LAW(done.error().code == errc::scratch_too_small && done.error().where == given.size());
  LAW(reported == 0 && contents(small.map) == given);
}

void check_report(const ranges& given) {
  owned_map all{given.size()};
  LAW(all.map.append(given).ok());
  size_t reported = 0;
  const auto done = all.map.report_overlaps([&](const memory_range& earlier, const memory_range& later) {
    ++reported;
    LAW(earlier.addr <= later.addr && end_of(earlier) > later.addr && later.size != 0);
  });
  LAW(done.ok());
  size_t wanted = 0;
  wide highest = 0;
  for (const memory_range& r : in_any_order(given)) {
    if (r.size == 0) continue;
    wanted += highest > r.addr;
    highest = std::max(highest, end_of(r));
  }
  LAW(reported == wanted && in_any_order(contents(all.map)) == in_any_order(given));
}

/// The lowest or the highest address that fits, found by trying every candidate.
wide search(const ranges& all, uint64_t n, uint64_t align, uint64_t first, uint64_t last, bool from_above) {
  constexpr wide nowhere = wide{1} << 64;
  wide found = nowhere;
  for (const memory_range& r : all) {
    if (r.type != memory_type::ram || n == 0) continue;
    const wide low = std::max(wide{r.addr}, wide{first});
    const wide high = std::min(end_of(r), wide{last} + 1);
    if (high < low + n) continue;
    const wide lowest = round_down(low + (align - 1), align);
    const wide highest = round_down(high - n, align);
    if (lowest + n <= high && lowest < found && !from_above) found = lowest;
    if (highest >= low && from_above) found = highest;
  }
  return found;
}

void check_questions(const memory_map& map, const memory_range& r, uint8_t how) {
  const ranges all = contents(map);
  const uint64_t align = uint64_t{1} << (how & 63);
  const uint64_t last = r.type == memory_type::ram ? ~uint64_t{} : r.addr + r.size;
  for (const bool from_above : {false, true}) {
    const auto got = from_above ? find_highest_ram(map, r.size, align, r.addr, last)
                                : find_lowest_ram(map, r.size, align, r.addr, last);
    const wide wanted = search(all, r.size, align, r.addr, last, from_above);
    LAW(got.ok() == (wanted < wide{1} << 64));
    if (got) LAW(*got == wanted);
    if (!got) LAW(got.error().code == errc::no_free_range && got.error().where == r.size);
  }
  wide ram = 0;
  for (const memory_range& piece : all) {
    if (piece.type == memory_type::ram) ram = ram + piece.size;
  }
  // Follows adjacent pieces of the type from the start of the range.
  wide at = r.addr;
  const wide end = wide{r.addr} + r.size;
  for (const memory_range& piece : all)
    if (piece.type == r.type && piece.addr <= at && end_of(piece) > at) at = end_of(piece);
  const bool covered = r.size != 0 && end <= wide{1} << 64 && at >= end;
  LAW(total_ram(map) == std::min(ram, wide{~uint64_t{}}) && covers(map, r.addr, r.size, r.type) == covered);
}

/// A map with one type in this range and `rest` outside it.
ranges replaced(const ranges& all, const memory_range& r, bool keep_outside, memory_type inside) {
  ranges made;
  const wide end = end_of(r);
  ranges with_range = all;
  with_range.push_back(r);
  const auto points = change_points(with_range);
  for (size_t i = 1; i < points.size(); ++i) {
    const bool in_range = points[i - 1] >= r.addr && points[i - 1] < end;
    const memory_type before = type_at(all, points[i - 1]);
    const memory_type type = !in_range                    ? (keep_outside ? before : memory_type{})
                             : inside == memory_type::ram ? before
                                                          : inside;
    if (type != memory_type{})
      made.push_back({static_cast<uint64_t>(points[i - 1]), static_cast<uint64_t>(points[i] - points[i - 1]), type});
  }
  return made;
}

void operate(memory_map& map, uint8_t what, const memory_range& r) {
  const ranges before = contents(map);
  switch (what >> 6) {
    case 0: {
      ranges with = before;
      with.push_back(r);
      const bool done = map.insert(r).ok();
      LAW(contents(map) == (done ? model(with) : before));
      break;
    }
    case 1: {
      const auto done = map.punch(r.addr, r.size);
      if (!done) LAW(done.error().code == errc::map_full && contents(map) == before && before.size() == map.capacity());
      if (done) LAW(in_shape(contents(map)) && same_coverage(contents(map), replaced(before, r, true, memory_type{})));
      break;
    }
    case 2:
      map.intersect(r.addr, r.size);
      LAW(in_shape(contents(map)) && same_coverage(contents(map), replaced(before, r, false, memory_type::ram)));
      break;
    default: {
      const memory_range nvs{r.addr, r.size, memory_type::nvs};
      const ranges wanted = model(replaced(before, r, true, memory_type::nvs));
      if (const auto done = map.overwrite(nvs); done)
        LAW(same_coverage(contents(map), wanted));
      else
        LAW(contents(map) == before && done.error().where > map.capacity());
    }
  }
}

/// With less storage than the map has the same verdict and map, or a refusal.
void check_linux_in_little(const ranges& given, pvhboot::linux_era era, pvhboot::linux_e820_slots slots, size_t missing,
                           pvhboot::e820_verdict verdict, const memory_map& map) {
  const size_t capacity = map.capacity() - std::min(missing, map.capacity());
  owned_map little{capacity, capacity / 2};
  const auto same = pvhboot::linux_e820(given, 0x10000, 0, era, little.map, slots);
  if (same)
    LAW(*same == verdict && contents(little.map) == contents(map));
  else
    LAW(same.error().code == errc::map_full || same.error().code == errc::scratch_too_small);
}

/// Every range in Linux's map comes from the table, or is one of the two that Linux adds.
void check_linux(const ranges& given, pvhboot::linux_e820_slots slots, size_t missing) {
  using pvhboot::e820_verdict;
  for (const auto era : {pvhboot::linux_era::until_4_11, pvhboot::linux_era::until_6_19, pvhboot::linux_era::v7_0,
                         pvhboot::linux_era::from_7_1}) {
    owned_map out{2 * given.size() + 2};
    const auto verdict = pvhboot::linux_e820(given, 0x10000, 0, era, out.map, slots);
    LAW(verdict.ok());
    const bool merges_all = era == pvhboot::linux_era::until_4_11;
    if (*verdict == e820_verdict::sanitized && !merges_all) LAW(contents(out.map) == model(given));
    LAW(*verdict == e820_verdict::fallback || out.map.size() <= static_cast<size_t>(slots));
    if (*verdict == e820_verdict::as_it_is) LAW(out.map.size() <= given.size());
    if (*verdict == e820_verdict::fallback) LAW(out.map.size() == 2 && out.map[1].size == 0x4000000);
    check_linux_in_little(given, era, slots, missing, *verdict, out.map);
    // The larger of two numbers counts.
    const auto again = pvhboot::linux_e820(given, 0, 0x8000, era, out.map, slots);
    LAW(*again == *verdict && (*verdict != e820_verdict::fallback || out.map[1].size == 0x2000000));
    LAW(*pvhboot::linux_e820(given, 0, 0, era, out.map, slots) == *verdict);
    LAW(*verdict != e820_verdict::fallback || out.map.size() == 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  constexpr pvhboot::linux_e820_slots slots[] = {pvhboot::linux_e820_slots::without_numa,
                                                 pvhboot::linux_e820_slots::nodes_shift_6,
                                                 pvhboot::linux_e820_slots::nodes_shift_10};
  const uint8_t kind = in.u8();
  const auto kernels = kind % 4 < 3 ? slots[kind % 4] : pvhboot::linux_e820_slots{static_cast<uint16_t>(1 + kind / 4)};
  const size_t free_slots = in.u8();
  const size_t missing = in.u8();
  const ranges given = in.ranges(in.u8() % 64);
  check_sanitize(given, free_slots, missing);
  check_report(given);
  check_report_refused(given, missing);
  check_linux(given, kernels, missing);

  owned_map work{2 * given.size() + free_slots % 16};
  LAW(work.map.append(given).ok());
  if (!work.map.sanitize()) return 0;
  for (int i = 0; i < 16 && !in.rest().empty(); ++i) {
    const uint8_t what = in.u8();
    const memory_range r = in.range();
    for (const memory_range& g : given) {
      const wide end = wide{r.addr} + r.size;
      LAW(g.contains(r.addr, r.size) == (r.size != 0 && r.addr >= g.addr && end <= end_of(g)));
    }
    check_questions(work.map, r, what);
    operate(work.map, what, r);
    LAW(work.map.is_sanitized() && in_shape(contents(work.map)));
  }
  return 0;
}
