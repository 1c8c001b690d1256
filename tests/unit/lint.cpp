// SPDX-License-Identifier: BSL-1.0
//
// One row per oddity: the hand-over without it has none at all, the hand-over with it has this one, at this place.
#include <set>
#include <string>
#include <string_view>

#include "row.hpp"

namespace {

using namespace test;
using pvhboot::finding;
using pvhboot::oddity;
namespace abi = pvhboot::abi;

constexpr uint64_t info_at = 0x1000, modlist_at = 0x1040, memmap_at = 0x1100, cmdline_at = 0x2000, rsdp_at = 0x3000;
constexpr uint64_t entry_at(size_t i) { return memmap_at + i * sizeof(abi::hvm_memmap_table_entry); }

/// A hand-over that nobody can find fault with, before the changes.
struct handover {
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
  abi::hvm_memmap_table_entry map[4]{{.addr = 0, .size = 0x3000, .type = 1},
                                     {.addr = 0x3000, .size = 0x1000, .type = 2},
                                     {.addr = 0x100000, .size = 0x100000, .type = 1},
                                     {}};
  char cmdline_byte = 'q';
  uint8_t rsdp_byte = 'R';

  [[nodiscard]] constexpr memory<0x3000> written() const {
    memory<0x3000> m;
    m.put(at, info);
    for (size_t i = 0; i < 2; ++i) m.put(modlist_at + i * 32, modules[i]);
    for (size_t i = 0; i < 4; ++i) m.put(entry_at(i), map[i]);
    m.put_text(cmdline_at, "quiet");
    m.contents[cmdline_at - m.base] = static_cast<uint8_t>(cmdline_byte);
    m.put_text(rsdp_at, "RSD PTR ");
    m.contents[rsdp_at - m.base + 8] = 0x100 - 0x1f;  // makes the sum of 20 bytes 0
    m.contents[rsdp_at - m.base] = rsdp_byte;
    return m;
  }
};

struct count {
  int all = -1;      ///< findings; -1: parse refused
  int this_one = 0;  ///< those with the oddity and the place asked for
};
template <class Change>
constexpr count findings(const Change& change, oddity what = pvhboot::oddity_last, uint64_t where = 0) {
  handover h;
  change(h);
  const auto m = h.written();
  const auto window = m.window();
  const auto boot = pvhboot::parse(window, h.at);
  count c;
  if (!boot) return c;
  c.all = 0;
  pvhboot::lint(window, *boot, [&](finding f) {
    ++c.all;
    if (f.what == what && f.where == where) ++c.this_one;
  });
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

ROW("lint: nothing odd", { EXPECT(findings([](handover&) {}).all == 0); });

ROW("lint: start_info (B15)", {
  EXPECT(only([](handover& h) { h.at = 0x1204; }, oddity::start_info_misaligned, 0x1204));
  EXPECT(only([](handover& h) { h.at = 0x3100; }, oddity::start_info_not_in_ram, 0x3100));
  EXPECT(only([](handover& h) { h.info.version = 2; }, oddity::newer_version, info_at + 4));
  EXPECT(only([](handover& h) { h.info.reserved = 1; }, oddity::reserved_not_zero, info_at + 52));
  EXPECT(!also([](handover& h) { h.info.version = 2, h.info.reserved = 1; }, oddity::reserved_not_zero, info_at + 52));
  EXPECT(only([](handover& h) { h.info.flags = 0x20; }, oddity::unknown_flags, info_at + 8));
  EXPECT(only([](handover& h) { h.info.flags = 2; }, oddity::initdomain_unprivileged, info_at + 8));
  EXPECT(findings([](handover& h) { h.info.flags = 0xff1f; }).all == 0);
});
ROW("lint: start_info_above_4g", {
  memory<0x100> m{.base = 0xffffffe0};
  m.put(0xffffffe0, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .version = 0});
  const auto window = m.window();
  const auto boot = pvhboot::parse(window, 0xffffffe0);
  int n = 0;
  pvhboot::lint(window, *boot, [&](finding f) { n += f.what == oddity::start_info_above_4g && f.where == 0xffffffe0; });
  EXPECT(n == 1);
});
ROW("lint: modules", {
  EXPECT(only([](handover& h) { h.info.nr_modules = 0; }, oddity::modlist_without_modules, info_at + 16));
  EXPECT(only([](handover& h) { h.info.nr_modules = 2; }, oddity::several_modules, info_at + 12));
  EXPECT(also([](handover& h) { h.modules[0].paddr = 0; }, oddity::module_at_zero, modlist_at));
  EXPECT(only([](handover& h) { h.modules[0].size = 0; }, oddity::module_empty, modlist_at + 8));
  EXPECT(also([](handover& h) { h.modules[0].paddr = 0xfffff001; }, oddity::module_above_4g, modlist_at));
  EXPECT(!also([](handover& h) { h.modules[0].paddr = 0xfffff000; }, oddity::module_above_4g, modlist_at));
  EXPECT(only([](handover& h) { h.modules[0].paddr = 0x200000; }, oddity::module_not_in_ram, modlist_at));
  EXPECT(only([](handover& h) { h.modules[0].paddr = 0x100800; }, oddity::module_unaligned, modlist_at));
  EXPECT(only([](handover& h) { h.modules[0].reserved = 1; }, oddity::module_reserved_not_zero, modlist_at + 24));
  EXPECT(only([](handover& h) { h.modules[0].cmdline_paddr = 0xdeadbeef; }, oddity::module_cmdline_broken,
              modlist_at + 16));
  EXPECT(
      only([](handover& h) { h.modules[0].cmdline_paddr = 0x150000; }, oddity::module_cmdline_broken, modlist_at + 16));
  EXPECT(also([](handover& h) { h.info.nr_modules = 2, h.modules[1].paddr = 0x100fff; }, oddity::module_overlaps_module,
              modlist_at + 32));
});
ROW("lint: module_overlaps_metadata (B16): start_info, list, map, command line and its NUL", {
  const auto at = [](uint64_t paddr) {
    return also([=](handover& h) { h.modules[0].paddr = paddr, h.modules[0].size = 1; },
                oddity::module_overlaps_metadata, modlist_at);
  };
  EXPECT(at(info_at + 55) && !at(info_at + 56) && at(modlist_at) && at(entry_at(2) + 23) && !at(entry_at(3)));
  EXPECT(at(cmdline_at + 5) && !at(cmdline_at + 6));
});
ROW("lint: command line", {
  EXPECT(only([](handover& h) { h.info.cmdline_paddr = 0; }, oddity::cmdline_absent, info_at + 24));
  EXPECT(only([](handover& h) { h.cmdline_byte = '\x80'; }, oddity::cmdline_not_ascii, cmdline_at));
});
ROW("lint: cmdline_above_4g and cmdline_over_2047", {
  const auto found = [](uint64_t at, uint64_t size, oddity what) {
    memory<0x2000> m{.base = 0xfffff000};
    for (size_t i = 0; i < size; ++i) m.contents[at - m.base + i] = 'x';
    m.put(m.base, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .version = 0, .cmdline_paddr = at});
    const auto window = m.window();
    int n = 0;
    pvhboot::lint(window, *pvhboot::parse(window, m.base), [&](finding f) { n += f.what == what && f.where == at; });
    return n;
  };
  EXPECT(found(0xfffff100, 2047, oddity::cmdline_over_2047) == 0);
  EXPECT(found(0xfffff100, 2048, oddity::cmdline_over_2047) == 1);
  EXPECT(found(0xfffffffa, 5, oddity::cmdline_above_4g) == 0);  // the NUL is the last byte below
  EXPECT(found(0xfffffffb, 5, oddity::cmdline_above_4g) == 1);
});
ROW("lint: RSDP (D4, D5, D6)", {
  EXPECT(only([](handover& h) { h.info.rsdp_paddr = 0; }, oddity::rsdp_absent, info_at + 32));
  EXPECT(only([](handover& h) { h.rsdp_byte = 'r'; }, oddity::rsdp_damaged, rsdp_at));
  EXPECT(only([](handover& h) { h.info.rsdp_paddr = 0x5000; }, oddity::rsdp_unreadable, 0x5000));
  EXPECT(also([](handover& h) { h.info.rsdp_paddr = 0x100000000; }, oddity::rsdp_above_4g, 0x100000000));
  EXPECT(only([](handover& h) { h.map[1].type = 1; }, oddity::rsdp_in_ram, rsdp_at));
});
ROW("lint: the states of the memory map (B3, C15)", {
  EXPECT(only([](handover& h) { h.info.version = 0; }, oddity::memmap_absent, info_at + 4));
  EXPECT(only([](handover& h) { h.info.memmap_entries = 0, h.info.memmap_paddr = 0; }, oddity::memmap_absent,
              info_at + 48));
  EXPECT(only([](handover& h) { h.info.memmap_entries = 0; }, oddity::memmap_pointer_no_entries, info_at + 40));
  EXPECT(only([](handover& h) { h.info.memmap_paddr = 0; }, oddity::memmap_entries_no_pointer, info_at + 48));
});
ROW("lint: entries of the memory map (C4, C6, C7, C13, C14)", {
  EXPECT(also([](handover& h) { h.info.memmap_entries = 1; }, oddity::memmap_single_entry, memmap_at));
  EXPECT(also([](handover& h) { h.map[0].type = h.map[2].type = 2; }, oddity::memmap_no_ram, memmap_at));
  EXPECT(also([](handover& h) { h.map[2].size = ~uint64_t{0xfffff}; }, oddity::entry_ram_in_isa_hole, entry_at(2)) ==
         false);
  EXPECT(only(
      [](handover& h) { h.info.memmap_entries = 4, h.map[3] = {.addr = ~uint64_t{0xfff}, .size = 0x2000, .type = 2}; },
      oddity::entry_wraps, entry_at(3)));
  EXPECT(findings([](handover& h) {
           h.info.memmap_entries = 4, h.map[3] = {.addr = ~uint64_t{0xfff}, .size = 0x1000, .type = 2};
         }).all == 0);
  EXPECT(only([](handover& h) { h.info.memmap_entries = 4, h.map[3] = {.addr = 0x800000, .size = 0, .type = 2}; },
              oddity::entry_empty, entry_at(3)));
  EXPECT(only([](handover& h) { h.info.memmap_entries = 4, h.map[3] = {.addr = 0x4000, .size = 0x1000, .type = 2}; },
              oddity::entry_unsorted, entry_at(3)));
  EXPECT(
      only([](handover& h) { h.map[1].size = 0x1001, h.map[1].size = 0x1800; }, oddity::entry_unaligned, entry_at(1)));
  EXPECT(
      only([](handover& h) { h.map[1].addr = 0x3800, h.map[1].size = 0x800; }, oddity::entry_unaligned, entry_at(1)));
  EXPECT(only([](handover& h) { h.map[2].reserved = 1; }, oddity::entry_reserved_not_zero, entry_at(2) + 20));
  EXPECT(only([](handover& h) { h.map[1].type = 0; }, oddity::entry_unknown_type, entry_at(1) + 16));
  EXPECT(only([](handover& h) { h.map[1].type = 8; }, oddity::entry_unknown_type, entry_at(1) + 16));
  EXPECT(only([](handover& h) { h.map[2].addr = 0xf0000; }, oddity::entry_ram_in_isa_hole, entry_at(2)));
});
ROW("lint: entry_overlaps, sorted or not", {
  EXPECT(only([](handover& h) { h.map[1].size = 0xfe000; }, oddity::entry_overlaps, entry_at(2)));
  EXPECT(also([](handover& h) { h.info.memmap_entries = 4, h.map[3] = {.addr = 0x2000, .size = 0x1000, .type = 2}; },
              oddity::entry_overlaps, entry_at(3)));
  EXPECT(also([](handover& h) { h.info.memmap_entries = 4, h.map[3] = {.addr = 0x1ff000, .size = 0x1000, .type = 2}; },
              oddity::entry_overlaps, entry_at(3)));
  // Behind one that wraps there is nothing free.
  EXPECT(also([](handover& h) { h.map[1].size = ~uint64_t{0xfff}; }, oddity::entry_overlaps, entry_at(2)));
});
TEST_CASE("lint: more than 128 and more than 255 entries (C1)") {
  for (const uint32_t n : {128u, 129u, 255u, 256u}) {
    memory<0x2000> m;
    m.put(0x1000, abi::hvm_start_info{
                      .magic = abi::hvm_start_magic_value, .version = 1, .memmap_paddr = 0x1040, .memmap_entries = n});
    for (uint32_t i = 0; i < n; ++i)
      m.put(0x1040 + i * 24, abi::hvm_memmap_table_entry{.addr = uint64_t{i} << 20, .size = 0x1000, .type = 1});
    const auto window = m.window();
    int over_128 = 0, over_255 = 0;
    pvhboot::lint(window, *pvhboot::parse(window, 0x1000), [&](finding f) {
      over_128 += f.what == oddity::memmap_over_128 && f.where == 0x1030;
      over_255 += f.what == oddity::memmap_over_255 && f.where == 0x1030;
    });
    CHECK(over_128 == (n > 128));
    CHECK(over_255 == (n > 255));
  }
}
TEST_CASE("lint: every oddity has a sentence of its own") {
  std::set<std::string> sentences;
  for (int what = 0; what <= static_cast<int>(pvhboot::oddity_last); ++what) {
    const auto text = pvhboot::describe(static_cast<oddity>(what));
    CHECK(sentences.insert(std::string(std::string_view(text.sentence))).second);
    CHECK(std::string_view(text.sentence) != "unknown");
    if (text.level == pvhboot::severity::warning) CHECK_FALSE(text.fails.empty());
  }
}

}  // namespace
