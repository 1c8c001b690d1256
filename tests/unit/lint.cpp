// SPDX-License-Identifier: BSL-1.0
//
// One row per oddity: the handoff without it has none at all, the handoff with it has this one, at this place.
#include <set>
#include <string>
#include <string_view>

#include <pvhboot/pvh/handoff.hpp>

#include "row.hpp"

namespace {

using namespace test;
using pvhboot::finding;
using pvhboot::oddity;
namespace abi = pvhboot::abi;

constexpr uint64_t info_at = 0x1000, modlist_at = 0x1040, memmap_at = 0x1100, cmdline_at = 0x2000, rsdp_at = 0x3000;
constexpr uint64_t entry_at(size_t i) { return memmap_at + i * sizeof(abi::hvm_memmap_table_entry); }

/// A handoff without a fault, before the changes.
struct handoff {
  uint64_t at = info_at;
  abi::hvm_start_info info{.magic = abi::hvm_start_magic_value,
                           .version = 1,
                           .nr_modules = 1,
                           .modlist_paddr = modlist_at,
                           .cmdline_paddr = cmdline_at,
                           .rsdp_paddr = rsdp_at,
                           .memmap_paddr = memmap_at,
                           .memmap_entries = 3};
  abi::hvm_modlist_entry modules[2]{{.paddr = 0x100000, .size = 0x1000, .cmdline_paddr = cmdline_at},
                                    {.paddr = 0x110000, .size = 0x1000}};
  abi::hvm_memmap_table_entry map[4]{{.addr = 0, .size = 0x3000, .type = memory_type{1}},
                                     {.addr = 0x3000, .size = 0x1000, .type = memory_type{2}},
                                     {.addr = 0x100000, .size = 0x100000, .type = memory_type{1}},
                                     {}};
  char cmdline_byte = 'q';
  uint64_t cmdline_byte_at = cmdline_at;
  uint8_t rsdp_byte = 'R';

  [[nodiscard]] constexpr memory<0x3000> written() const {
    memory<0x3000> m;
    m.put(at, info);
    for (size_t i = 0; i < 2; ++i) m.put(modlist_at + i * 32, modules[i]);
    for (size_t i = 0; i < 4; ++i) m.put(entry_at(i), map[i]);
    m.put_text(cmdline_at, "quiet");
    m.contents[cmdline_byte_at - m.base] = static_cast<uint8_t>(cmdline_byte);
    m.put_text(rsdp_at, "RSD PTR ");
    m.contents[rsdp_at - m.base + 8] = 0x100 - 0x1f;  // makes the sum of 20 bytes 0
    m.contents[rsdp_at - m.base] = rsdp_byte;
    return m;
  }
};

/// lint with room for what these rows need. RAM is not probed: the window holds little of it.
template <class Memory, class Report>
constexpr bool linted(const Memory& memory, uint64_t at, const Report& report, const memory_range& kernel = {},
                      bool probe_ram = false) {
  const auto boot = pvhboot::parse(memory, at);
  if (!boot) return false;
  pvhboot::memory_map_buffer<16> buffer{};
  pvhboot::memory_map scratch{buffer};
  return lint(memory, *boot, scratch, report, {.kernel = kernel, .probe_ram = probe_ram}).ok();
}
constexpr oddity no_oddity{};

struct count {
  int all = 0;       ///< findings; -1: parse or lint refused
  int this_one = 0;  ///< those with the oddity and the place asked for
};
template <class Change>
constexpr count findings(const Change& change, oddity what = no_oddity, uint64_t where = 0,
                         const memory_range& kernel = {}) {
  handoff h;
  change(h);
  const auto m = h.written();
  count c{.all = 0};
  const auto add = [&](finding f) {
    ++c.all;
    if (f.what == what && f.where == where) ++c.this_one;
  };
  if (!linted(m.window(), h.at, add, kernel)) c.all = -1;
  return c;
}
/// The change brings this oddity at this place once, and no other.
template <class Change> constexpr bool only(const Change& change, oddity what, uint64_t where) {
  const count c = findings(change, what, where);
  return c.all == 1 && c.this_one == 1;
}
/// The change brings this oddity at this place once, beside others that follow from it.
template <class Change> constexpr bool also(const Change& change, oddity what, uint64_t where) {
  return findings(change, what, where).this_one == 1;
}

ROW("lint: nothing odd", { EXPECT(findings([](handoff&) {}).all == 0); });

ROW("lint: start_info (B15)", {
  EXPECT(only([](handoff& h) { h.at = 0x1204; }, oddity::start_info_misaligned, 0x1204));
  EXPECT(only([](handoff& h) { h.at = 0x3100; }, oddity::start_info_not_in_ram, 0x3100));
  EXPECT(only([](handoff& h) { h.info.version = 2; }, oddity::newer_version, info_at + 4));
  EXPECT(only([](handoff& h) { h.info.reserved = 1; }, oddity::reserved_not_zero, info_at + 52));
  EXPECT(!also([](handoff& h) { h.info.version = 2, h.info.reserved = 1; }, oddity::reserved_not_zero, info_at + 52));
  EXPECT(only([](handoff& h) { h.info.flags = 0x20; }, oddity::unknown_flags, info_at + 8));
  EXPECT(only([](handoff& h) { h.info.flags = 2; }, oddity::initdomain_unprivileged, info_at + 8));
  EXPECT(findings([](handoff& h) { h.info.flags = 0xff1f; }).all == 0);
});
ROW("lint: start_info_above_4g", {
  memory<0x100> m{.base = 0xffffffe0};
  m.put(0xffffffe0, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .version = 0});
  int n = 0;
  const auto add = [&](finding f) { n += f.what == oddity::start_info_above_4g && f.where == 0xffffffe0 ? 1 : 0; };
  EXPECT(linted(m.window(), 0xffffffe0, add) && n == 1);
});
ROW("lint: modules", {
  EXPECT(only([](handoff& h) { h.info.nr_modules = 0; }, oddity::modlist_without_modules, info_at + 16));
  EXPECT(only([](handoff& h) { h.info.nr_modules = 2; }, oddity::several_modules, info_at + 12));
  EXPECT(also([](handoff& h) { h.modules[0].paddr = 0; }, oddity::module_at_zero, modlist_at));
  EXPECT(only([](handoff& h) { h.modules[0].size = 0; }, oddity::module_empty, modlist_at + 8));
  EXPECT(also([](handoff& h) { h.modules[0].paddr = 0xfffff001; }, oddity::module_above_4g, modlist_at));
  EXPECT(!also([](handoff& h) { h.modules[0].paddr = 0xfffff000; }, oddity::module_above_4g, modlist_at));
  EXPECT(only([](handoff& h) { h.modules[0].paddr = 0x200000; }, oddity::module_not_in_ram, modlist_at));
  EXPECT(only([](handoff& h) { h.modules[0].paddr = 0x100800; }, oddity::module_unaligned, modlist_at));
  EXPECT(only([](handoff& h) { h.modules[0].reserved = 1; }, oddity::module_reserved_not_zero, modlist_at + 24));
  EXPECT(only([](handoff& h) { h.modules[0].cmdline_paddr = 0xdeadbeef; }, oddity::module_cmdline_broken,
              modlist_at + 16));
  EXPECT(
      only([](handoff& h) { h.modules[0].cmdline_paddr = 0x150000; }, oddity::module_cmdline_broken, modlist_at + 16));
  EXPECT(also([](handoff& h) { h.info.nr_modules = 2, h.modules[1].paddr = 0x100fff; }, oddity::module_overlaps_module,
              modlist_at + 32));
});
ROW("lint: module_overlaps_metadata (B16): start_info, list, map, command line and its NUL", {
  const auto at = [](uint64_t paddr) {
    return also([=](handoff& h) { h.modules[0].paddr = paddr, h.modules[0].size = 1; },
                oddity::module_overlaps_metadata, modlist_at);
  };
  EXPECT(at(info_at + 55) && !at(info_at + 56) && at(modlist_at) && at(entry_at(2) + 23) && !at(entry_at(3)));
  EXPECT(at(cmdline_at + 5) && !at(cmdline_at + 6));
});
ROW("lint: command line", {
  EXPECT(only([](handoff& h) { h.info.cmdline_paddr = 0; }, oddity::cmdline_absent, info_at + 24));
  EXPECT(only([](handoff& h) { h.cmdline_byte = '\x80'; }, oddity::cmdline_not_ascii, cmdline_at));
  EXPECT(only([](handoff& h) { h.cmdline_byte = '\x80', h.cmdline_byte_at = cmdline_at + 3; },
              oddity::cmdline_not_ascii, cmdline_at + 3));
});
ROW("lint: cmdline_above_4g and cmdline_over_2047", {
  const auto found = [](uint64_t at, uint64_t size, oddity what) {
    memory<0x2000> m{.base = 0xfffff000};
    for (size_t i = 0; i < size; ++i) m.contents[at - m.base + i] = 'x';
    m.put(m.base, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .version = 0, .cmdline_paddr = at});
    int n = 0;
    const auto add = [&](finding f) { n += f.what == what && f.where == at ? 1 : 0; };
    return linted(m.window(), m.base, add) ? n : -1;
  };
  EXPECT(found(0xfffff100, 2047, oddity::cmdline_over_2047) == 0);
  EXPECT(found(0xfffff100, 2048, oddity::cmdline_over_2047) == 1);
  EXPECT(found(0xfffffffa, 5, oddity::cmdline_above_4g) == 0);  // the NUL is the last byte below
  EXPECT(found(0xfffffffb, 5, oddity::cmdline_above_4g) == 1);
});
ROW("lint: RSDP (D4, D5, D6)", {
  EXPECT(only([](handoff& h) { h.info.rsdp_paddr = 0; }, oddity::rsdp_absent, info_at + 32));
  EXPECT(only([](handoff& h) { h.rsdp_byte = 'r'; }, oddity::rsdp_damaged, rsdp_at));
  EXPECT(only([](handoff& h) { h.info.rsdp_paddr = 0x5000; }, oddity::rsdp_unreadable, 0x5000));
  EXPECT(also([](handoff& h) { h.info.rsdp_paddr = 0x100000000; }, oddity::rsdp_above_4g, 0x100000000));
  EXPECT(only([](handoff& h) { h.map[1].type = memory_type{1}; }, oddity::rsdp_in_ram, rsdp_at));
});
ROW("lint: the states of the memory map (B3, C15)", {
  EXPECT(only([](handoff& h) { h.info.version = 0; }, oddity::memmap_absent, info_at + 4));
  EXPECT(only([](handoff& h) { h.info.memmap_entries = 0, h.info.memmap_paddr = 0; }, oddity::memmap_absent,
              info_at + 48));
  EXPECT(only([](handoff& h) { h.info.memmap_entries = 0; }, oddity::memmap_pointer_no_entries, info_at + 40));
  EXPECT(only([](handoff& h) { h.info.memmap_paddr = 0; }, oddity::memmap_entries_no_pointer, info_at + 48));
});
ROW("lint: entries of the memory map (C4, C6, C7, C13, C14)", {
  EXPECT(also([](handoff& h) { h.info.memmap_entries = 1; }, oddity::memmap_single_entry, memmap_at));
  EXPECT(also([](handoff& h) { h.map[0].type = h.map[2].type = memory_type{2}; }, oddity::memmap_no_ram, memmap_at));
  EXPECT(also([](handoff& h) { h.map[2].size = ~uint64_t{0xfffff}; }, oddity::entry_ram_in_isa_hole, entry_at(2)) ==
         false);
  EXPECT(only(
      [](handoff& h) {
        h.info.memmap_entries = 4, h.map[3] = {.addr = ~uint64_t{0xfff}, .size = 0x2000, .type = memory_type{2}};
      },
      oddity::entry_wraps, entry_at(3)));
  EXPECT(findings([](handoff& h) {
           h.info.memmap_entries = 4, h.map[3] = {.addr = ~uint64_t{0xfff}, .size = 0x1000, .type = memory_type{2}};
         }).all == 0);
  EXPECT(only(
      [](handoff& h) { h.info.memmap_entries = 4, h.map[3] = {.addr = 0x800000, .size = 0, .type = memory_type{2}}; },
      oddity::entry_empty, entry_at(3)));
  EXPECT(only(
      [](handoff& h) {
        h.info.memmap_entries = 4, h.map[3] = {.addr = 0x4000, .size = 0x1000, .type = memory_type{2}};
      },
      oddity::entry_unsorted, entry_at(3)));
  EXPECT(only([](handoff& h) { h.map[1].size = 0x1800; }, oddity::entry_unaligned, entry_at(1)));
  EXPECT(only([](handoff& h) { h.map[1].addr = 0x3800, h.map[1].size = 0x800; }, oddity::entry_unaligned, entry_at(1)));
  EXPECT(only([](handoff& h) { h.map[2].reserved = 1; }, oddity::entry_reserved_not_zero, entry_at(2) + 20));
  EXPECT(only([](handoff& h) { h.map[1].type = memory_type{0}; }, oddity::entry_unknown_type, entry_at(1) + 16));
  EXPECT(only([](handoff& h) { h.map[1].type = memory_type{8}; }, oddity::entry_unknown_type, entry_at(1) + 16));
  EXPECT(only([](handoff& h) { h.map[2].addr = 0xf0000; }, oddity::entry_ram_in_isa_hole, entry_at(2)));
});
ROW("lint: entry_overlaps, sorted or not", {
  EXPECT(also([](handoff& h) { h.map[1].size = 0xfe000; }, oddity::entry_overlaps, entry_at(2)));
  EXPECT(also(
      [](handoff& h) {
        h.info.memmap_entries = 4, h.map[3] = {.addr = 0x2000, .size = 0x1000, .type = memory_type{2}};
      },
      oddity::entry_overlaps, entry_at(3)));
  EXPECT(also(
      [](handoff& h) {
        h.info.memmap_entries = 4, h.map[3] = {.addr = 0x1ff000, .size = 0x1000, .type = memory_type{2}};
      },
      oddity::entry_overlaps, entry_at(3)));
  // After one that wraps nothing is free.
  EXPECT(also([](handoff& h) { h.map[1].size = ~uint64_t{0xfff}; }, oddity::entry_overlaps, entry_at(2)));
});
TEST_CASE("lint: more than 128 and more than 255 entries (C1)") {
  for (const uint32_t n : {128u, 129u, 255u, 256u}) {
    memory<0x2000> m;
    m.put(0x1000, abi::hvm_start_info{
                      .magic = abi::hvm_start_magic_value, .version = 1, .memmap_paddr = 0x1040, .memmap_entries = n});
    for (uint32_t i = 0; i < n; ++i)
      m.put(0x1040 + i * 24,
            abi::hvm_memmap_table_entry{.addr = uint64_t{i} << 20, .size = 0x1000, .type = pvhboot::memory_type{1}});
    const auto window = m.window();
    int over_128 = 0, over_255 = 0;
    pvhboot::memory_map_buffer<512> buffer{};
    pvhboot::memory_map scratch{buffer};
    CHECK(lint(window, *pvhboot::parse(window, 0x1000), scratch, [&](finding f) {
      over_128 += f.what == oddity::memmap_over_128 && f.where == 0x1030 ? 1 : 0;
      over_255 += f.what == oddity::memmap_over_255 && f.where == 0x1030 ? 1 : 0;
    }));
    CHECK(over_128 == (n > 128 ? 1 : 0));
    CHECK(over_255 == (n > 255 ? 1 : 0));
  }
}
ROW("lint: structures_overlap, in any pair and in part (B16)", {
  constexpr auto pair = [](const auto& change, uint64_t where) {
    return also(change, oddity::structures_overlap, where);
  };
  EXPECT(pair([](handoff& h) { h.info.memmap_paddr = cmdline_at - 8, h.info.memmap_entries = 1; }, cmdline_at));
  EXPECT(pair([](handoff& h) { h.info.memmap_paddr = info_at + 55, h.info.memmap_entries = 1; }, info_at + 55));
  EXPECT(pair([](handoff& h) { h.info.modlist_paddr = info_at + 24, h.info.nr_modules = 1; }, info_at + 24));
  EXPECT(pair([](handoff& h) { h.info.modlist_paddr = memmap_at - 8, h.info.nr_modules = 1; }, memmap_at));
  EXPECT(pair([](handoff& h) { h.info.cmdline_paddr = modlist_at; }, modlist_at));
  EXPECT(pair([](handoff& h) { h.info.rsdp_paddr = cmdline_at + 5; }, cmdline_at + 5));
  EXPECT(!pair([](handoff& h) { h.info.rsdp_paddr = cmdline_at + 6; }, cmdline_at + 6));
});
ROW("lint: overlaps_kernel and module_overlaps_kernel (B10)", {
  constexpr auto on_kernel = [](uint64_t addr, uint64_t size, oddity what, uint64_t where) {
    return findings([](handoff&) {}, what, where, {addr, size, {}}).this_one;
  };
  EXPECT(on_kernel(info_at + 55, 1, oddity::overlaps_kernel, info_at) == 1);
  EXPECT(on_kernel(info_at + 56, 1, oddity::overlaps_kernel, info_at) == 0);
  EXPECT(on_kernel(0, 0x1000, oddity::overlaps_kernel, info_at) == 0);
  EXPECT(on_kernel(cmdline_at, 1, oddity::overlaps_kernel, cmdline_at) == 1);
  EXPECT(on_kernel(0x100fff, 0x1000, oddity::module_overlaps_kernel, modlist_at) == 1);
  EXPECT(on_kernel(0x101000, 0x1000, oddity::module_overlaps_kernel, modlist_at) == 0);
});
ROW("lint: structures outside the map's RAM", {
  EXPECT(only([](handoff& h) { h.info.cmdline_paddr = rsdp_at + 0x80; }, oddity::cmdline_not_in_ram, rsdp_at + 0x80));
  EXPECT(also([](handoff& h) { h.info.modlist_paddr = rsdp_at + 0x80; }, oddity::modlist_not_in_ram, rsdp_at + 0x80));
  EXPECT(also([](handoff& h) { h.map[0].addr = memmap_at + 8, h.map[0].size = 0x3000 - memmap_at - 8; },
              oddity::memmap_not_in_ram, memmap_at));
});
ROW("lint: entry_unreadable, probed at both ends", {
  const auto unreadable = [](uint64_t addr, uint64_t size) {
    handoff h;
    h.map[2] = {.addr = addr, .size = size, .type = memory_type{1}};
    h.info.memmap_entries = 3;
    h.map[0] = {.addr = 0x1000, .size = 0x2000, .type = memory_type{1}};
    const auto m = h.written();
    int n = 0;
    const auto add = [&](finding f) { n += f.what == oddity::entry_unreadable && f.where == entry_at(2) ? 1 : 0; };
    return linted(m.window(), info_at, add, {}, true) ? n : -1;
  };
  EXPECT(unreadable(0x3000, 0x1000) == 0 && unreadable(0x3000, 0x1001) == 1 && unreadable(0xfff, 0x1000) == 1);
  EXPECT(unreadable(0x3000, 0) == 0);
});
ROW("lint: map_full and scratch_too_small before anything is reported", {
  const auto m = handoff{}.written();
  const auto window = m.window();
  const auto boot = pvhboot::parse(window, info_at);
  int n = 0;
  const auto add = [&](finding) { ++n; };
  pvhboot::array<memory_range, 6> ranges{};
  pvhboot::array<pvhboot::sweep_slot, 3> slots{};
  pvhboot::memory_map scratch{ranges, slots};
  EXPECT(lint(window, *boot, scratch, add, {.probe_ram = false}) && n == 0);
  pvhboot::memory_map narrow{pvhboot::span<memory_range>{ranges}.first(5), slots};
  EXPECT(fails(lint(window, *boot, narrow, add), errc::map_full, 6));
  pvhboot::memory_map without{ranges, pvhboot::span<pvhboot::sweep_slot>{slots}.first(2)};
  EXPECT(fails(lint(window, *boot, without, add), errc::scratch_too_small, 3) && n == 0);
  // A slot for each module, if these are more than twice as many as the entries.
  pvhboot::array<uint8_t, 0x200> bytes{};
  constexpr pvhboot::handoff_module modules[5]{
      {0x100000, 1}, {0x100001, 1}, {0x100002, 1}, {0x100003, 1}, {0x100004, 1}};
  constexpr memory_range map[2]{range(0, 0x1000, 1), range(0x100000, 0x1000, 1)};
  EXPECT(pvhboot::write(pvhboot::handoff{.modules = modules, .memmap = map}, pvhboot::writable_window{0x6000, bytes},
                        0x6000));
  const pvhboot::memory_window many{0x6000, bytes};
  pvhboot::array<pvhboot::sweep_slot, 5> enough{};
  pvhboot::memory_map four{pvhboot::span<memory_range>{ranges}.first(4), enough};
  EXPECT(fails(lint(many, *pvhboot::parse(many, 0x6000), four, add), errc::map_full, 5));
});

/// Every oddity, from the table.
constexpr oddity oddities[] = {
#define PVHBOOT_ODDITY(number, name, level, where, sentence, consumers, fails) oddity::name,
#include <pvhboot/pvh/oddities.def>
};
TEST_CASE("oddity: every one has a sentence and a name of its own, and a warning says who fails") {
  std::set<std::string> seen;
  for (const oddity what : oddities) {
    CHECK(seen.insert(std::string(std::string_view(message(what)))).second);
    CHECK(seen.insert(std::string(std::string_view(name(what)))).second);
    CHECK((message(what) != std::string_view("unknown")));
    CHECK_FALSE(where_is(what).empty());
    const bool known = level(what) != pvhboot::severity::info;
    if (level(what) == pvhboot::severity::warning) CHECK_FALSE(fails(what).empty());
    bool any = false;
    for (uint16_t bit = 1; bit != 0; bit = static_cast<uint16_t>(bit << 1))
      any = any || hurts(what, pvhboot::consumer{bit});
    CHECK((!any || !fails(what).empty()));
    CHECK((known || !any || !fails(what).empty()));
  }
  CHECK((message(no_oddity) == "unknown"));
  CHECK((name(no_oddity) == "unknown"));
  CHECK((fails(no_oddity) == ""));
  CHECK((level(no_oddity) == pvhboot::severity::info));
  CHECK_FALSE(hurts(no_oddity, pvhboot::consumer::xen));
}
ROW("oddity: what one consumer says is a filter", {
  using enum pvhboot::consumer;
  EXPECT(hurts(oddity::start_info_not_in_ram, linux_6_12) && !hurts(oddity::start_info_not_in_ram, linux_6_1));
  EXPECT(hurts(oddity::modlist_without_modules, freebsd) && !hurts(oddity::modlist_without_modules, xen));
  EXPECT(hurts(oddity::memmap_over_128, grub) && hurts(oddity::memmap_over_128, rust_hypervisor_firmware));
  EXPECT(hurts(oddity::rsdp_absent, ovmf_xen) && level(oddity::memmap_no_ram) == pvhboot::severity::error);
});
static_assert(static_cast<uint16_t>(oddity::start_info_above_4g) == 0x100, "numbers are part of the interface");

}  // namespace
