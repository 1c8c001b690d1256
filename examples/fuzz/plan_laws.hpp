// SPDX-License-Identifier: BSL-1.0
//
// The laws of plan_boot, for a fuzzer's requests and for random ones (tests/unit/plan.cpp).
#pragma once

#include "handoff.hpp"

namespace fuzz {

/// A request that owns its lists.
struct plan_case {
  std::vector<memory_range> ranges;  ///< of the guest's memory, in any order
  pvhboot::kernel_extent kernel;
  uint32_t version = 1;
  std::string cmdline;
  bool has_cmdline = false;
  std::vector<pvhboot::handoff_module> modules;
  uint64_t rsdp_paddr = 0;
  uint64_t acpi_size = 0;
  std::vector<pvhboot::plan_block> blocks;
  bool has_random = false;
  uint64_t random = 0;
  uint64_t handoff_highest = 0x3fffffff;
};

/// plan_boot for a case, whose addresses it enters.
inline auto plan_of(plan_case& c, pvhboot::memory_map& map, pvhboot::memory_map& free, uint64_t random) {
  const pvhboot::boot_request request{
      .kernel = c.kernel,
      .version = c.version,
      .cmdline = c.has_cmdline ? pvhboot::string_ref{c.cmdline.data(), c.cmdline.size()} : pvhboot::string_ref{},
      .modules = c.modules,
      .rsdp_paddr = c.rsdp_paddr,
      .acpi_size = c.acpi_size,
      .blocks = c.blocks,
      .handoff_highest = c.handoff_highest};
  return c.has_random ? plan_boot(map, free, request, random) : plan_boot(map, free, request);
}

/// Something with a place.
struct placed_thing {
  memory_range range;
  uint64_t alignment;
  uint64_t highest;
  bool found;  ///< by the plan; otherwise the request had the place
};

/// Every thing of the request with the place that it has in the plan; the kernel is the first.
inline std::vector<placed_thing> things_of(const plan_case& asked, const plan_case& c, const pvhboot::boot_plan& plan) {
  constexpr uint64_t page = 0x1000, highest_32 = 0xffffffff;
  const bool free_base = c.has_random && c.kernel.relocatable;
  const bool moved = free_base || plan.kernel_base != c.kernel.first;
  std::vector<placed_thing> things;
  things.push_back({{plan.kernel_base, c.kernel.size, {}},
                    moved ? c.kernel.alignment : uint64_t{1},
                    moved ? c.kernel.maximum : ~uint64_t{},
                    moved});
  things.push_back(
      {{plan.start_info_paddr, plan.handoff.size_bytes(), {}}, page, std::min(c.handoff_highest, highest_32), true});
  const bool finds_rsdp = asked.rsdp_paddr == 0 && asked.acpi_size != 0;
  if (finds_rsdp || asked.rsdp_paddr != 0) {
    const uint64_t size = finds_rsdp ? asked.acpi_size : std::max<uint64_t>(asked.acpi_size, 36);
    things.push_back({{plan.handoff.rsdp_paddr, size, {}}, finds_rsdp ? page : 1, highest_32, finds_rsdp});
  }
  for (size_t i = 0; i < c.modules.size(); ++i) {
    const bool found = asked.modules[i].paddr == 0;
    things.push_back({{c.modules[i].paddr, c.modules[i].size, {}}, found ? page : 1, highest_32, found});
  }
  for (size_t i = 0; i < c.blocks.size(); ++i) {
    const pvhboot::plan_block& b = c.blocks[i];
    const bool found = asked.blocks[i].paddr == 0;
    things.push_back({{b.paddr, b.size, {}}, found ? b.alignment : 1, b.highest, found});
  }
  return things;
}

/// lint finds only what the request forces. About where the plan put things it finds nothing.
inline void law_lint(const plan_case& asked, const pvhboot::boot_plan& plan, const std::vector<memory_range>& before) {
  constexpr uint64_t page = 0x1000;
  const auto found = oddities(plan.handoff, plan.start_info_paddr, {plan.kernel_base, asked.kernel.size, {}});
  oddity_list forced;
  const auto force = [&](oddity what, bool when) {
    if (when) forced.insert(what);
  };
  force(oddity::cmdline_absent, !asked.has_cmdline);
  force(oddity::cmdline_over_2047, asked.cmdline.size() > 2047);
  force(oddity::cmdline_not_ascii, true);
  force(oddity::rsdp_absent, plan.handoff.rsdp_paddr == 0);
  force(oddity::several_modules, asked.modules.size() > 1);
  for (const pvhboot::handoff_module& m : asked.modules) {
    const bool lies = m.paddr != 0;
    force(oddity::module_empty, m.size == 0);
    force(oddity::module_reserved_not_zero, m.reserved != 0);
    force(oddity::module_unaligned, lies && m.paddr % page != 0);
    force(oddity::module_not_in_ram, lies);
    force(oddity::module_above_4g, lies && (memory_range{m.paddr, m.size, {}}.last() >> 32) != 0);
  }
  if (asked.rsdp_paddr != 0)
    for (const oddity what : {oddity::rsdp_in_ram, oddity::rsdp_above_4g}) forced.insert(what);
  // The map has the oddities that it had. Where a type is entered, an odd range can become two, and the entries more.
  const auto of_map = oddities({.memmap = before}, page, {});
  const size_t typed = static_cast<size_t>(std::count_if(asked.blocks.begin(), asked.blocks.end(),
                                                         [](const auto& b) { return b.type != memory_type{}; })) +
                       (asked.acpi_size != 0 ? 1 : 0);
  force(oddity::memmap_absent, asked.version == 0);
  force(oddity::memmap_over_128, before.size() + 2 * typed > 128);
  force(oddity::memmap_over_255, before.size() + 2 * typed > 255);
  for (const pvhboot::plan_block& b : asked.blocks) {
    const bool odd_place = b.paddr != 0 && (b.paddr % page != 0 || (b.paddr + b.size) % page != 0);
    force(oddity::memmap_single_entry, b.type != memory_type{} && b.paddr != 0);  // can cover or join all others
    force(oddity::entry_unaligned, b.type != memory_type{} && odd_place);
    force(oddity::entry_unknown_type, b.type != memory_type{} && !is_defined_by_pvh(b.type));
    force(oddity::entry_ram_in_isa_hole, b.type == memory_type::ram);
  }
  for (const oddity what : found) {
    const bool is_of_map = static_cast<uint16_t>(what) >= static_cast<uint16_t>(oddity::memmap_absent);
    const bool is_forced =
        forced.count(what) >= (is_of_map ? 1 : found.count(what)) || (is_of_map && of_map.count(what));
    if (!is_forced) std::fprintf(stderr, "not forced: %s\n", name(what).data());
    LAW(is_forced);
  }
}

inline void law_unsanitized(plan_case c, pvhboot::memory_map& map) {
  owned_map free{map.capacity()};
  const auto plan = plan_of(c, map, free.map, c.random);
  LAW(!plan && plan.error().code == errc::map_not_sanitized && plan.error().where == map.size());
}

/// Of two maps with plenty of slots one has few. If they are too few, then up to the number that the refusal says.
inline void law_room(const plan_case& asked, const pvhboot::memory_map& given,
                     const pvhboot::result<pvhboot::boot_plan>& usual, size_t plenty) {
  const auto plan_in = [&](const size_t(&slots)[2]) {
    owned_map map{slots[0]}, free{slots[1]};
    LAW(map.map.assign(given).ok());
    plan_case c = asked;
    return plan_of(c, map.map, free.map, c.random);
  };
  const auto is_usual = [&](const pvhboot::result<pvhboot::boot_plan>& plan) {
    if (!plan || !usual) return plan.ok() == usual.ok() && plan.error().code == usual.error().code;
    return plan->kernel_base == usual->kernel_base && plan->start_info_paddr == usual->start_info_paddr;
  };
  for (const size_t which : {size_t{0}, size_t{1}}) {
    size_t slots[] = {plenty, plenty};
    slots[which] = which == 0 ? given.size() : 0;
    const auto first = plan_in(slots);
    if (first || first.error().code != errc::map_full) {
      LAW(is_usual(first));
      continue;
    }
    const uint64_t needed = first.error().where;
    LAW(needed > slots[which]);
    slots[which] = static_cast<size_t>(needed - 1);
    const auto refused = plan_in(slots);
    LAW(!refused && refused.error().code == errc::map_full && refused.error().where == needed);
    ++slots[which];
    LAW(is_usual(plan_in(slots)));
  }
}

/// Plans the case, and holds the plan or the refusal to every law. Returns whether there was a plan.
inline bool law_plan(plan_case& c) {
  const size_t slots = 2 * c.ranges.size() + c.modules.size() + 3 * c.blocks.size() + 16;
  owned_map map{slots}, free{slots}, old{slots};
  for (const memory_range& r : c.ranges) LAW(map.map.append(r).ok());
  if (!map.map.is_sanitized()) law_unsanitized(c, map.map);
  LAW(map.map.sanitize().ok() && old.map.assign(map.map).ok());
  const std::vector<memory_range> before = contents(map.map);
  const plan_case asked = c;
  const auto plan_with = [&](uint64_t random) { return plan_of(c, map.map, free.map, random); };
  const auto plan = plan_with(c.random);
  law_room(asked, old.map, plan, slots);
  if (!plan) {
    law_failure(plan.error());
    for (size_t i = 0; i < c.modules.size(); ++i) LAW(c.modules[i] == asked.modules[i]);
    for (size_t i = 0; i < c.blocks.size(); ++i) LAW(c.blocks[i].paddr == asked.blocks[i].paddr);
    LAW(contents(map.map) == before);
    // No other random number makes a plan.
    const auto other = plan_with(~c.random);
    LAW(!other.ok() && other.error().code == plan.error().code && other.error().where == plan.error().where);
    return false;
  }

  LAW(plan->kernel_shift == plan->kernel_base - c.kernel.first);
  LAW(plan->kernel_base != 0 || c.kernel.first == 0);
  LAW(plan->entry - plan->kernel_base == c.kernel.entry - c.kernel.first);
  LAW(c.kernel.relocatable || plan->kernel_shift == 0);
  LAW(plan->handoff.memmap.size() == (c.version == 0 ? 0 : map.map.size()) && map.map.is_sanitized());
  LAW(free.map.is_sanitized());
  const std::vector<placed_thing> things = things_of(asked, c, *plan);
  for (size_t i = 0; i < things.size(); ++i) {
    const placed_thing& t = things[i];
    if (t.range.size == 0) continue;
    LAW((!t.found && i != 0) || covers(old.map, t.range.addr, t.range.size, memory_type::ram));
    LAW(!t.found || (t.range.addr % t.alignment == 0 && t.range.last() <= t.highest));
    for (const memory_range& trap : pvhboot::low_memory_traps) LAW(!t.found || !t.range.overlaps(trap));
    for (size_t j = 0; j < i; ++j) LAW(!t.range.overlaps(things[j].range));
    for (const memory_range& r : free.map) LAW(!r.overlaps(t.range));
  }
  if (things[0].found) LAW(plan->kernel_base >= c.kernel.minimum);
  for (size_t i = 0; i < c.modules.size(); ++i) {
    pvhboot::handoff_module m = c.modules[i];
    LAW(m.paddr != 0 && (asked.modules[i].paddr == 0 || asked.modules[i].paddr == m.paddr));
    m.paddr = asked.modules[i].paddr;
    LAW(m == asked.modules[i]);
  }
  for (size_t i = 0; i < c.blocks.size(); ++i) {
    const pvhboot::plan_block& b = c.blocks[i];
    LAW(asked.blocks[i].paddr == b.paddr || (asked.blocks[i].paddr == 0 && b.size != 0 && b.paddr >= b.lowest));
    if (b.type != memory_type{} && b.size != 0) LAW(covers(map.map, b.paddr, b.size, b.type));
  }
  if (asked.rsdp_paddr == 0 && asked.acpi_size != 0)
    LAW(covers(map.map, plan->handoff.rsdp_paddr, asked.acpi_size, memory_type::acpi));
  law_lint(asked, *plan, before);

  // The same request has the same plan, and with every random number there is one.
  const plan_case first = c;
  const auto again_with = [&](uint64_t random) {
    c = asked;
    LAW(map.map.assign(old.map).ok());
    return plan_with(random);
  };
  const auto again = again_with(asked.random);
  LAW(again.ok() && again->kernel_base == plan->kernel_base && again->start_info_paddr == plan->start_info_paddr);
  for (size_t i = 0; i < c.modules.size(); ++i) LAW(c.modules[i] == first.modules[i]);
  for (size_t i = 0; i < c.blocks.size(); ++i) LAW(c.blocks[i].paddr == first.blocks[i].paddr);
  LAW(again_with(~asked.random).ok() && again_with(0).ok());
  return true;
}

}  // namespace fuzz
