// SPDX-License-Identifier: BSL-1.0
//
// One row per rule of parse, and the oddities of real producers that must get through.
#include "row.hpp"

namespace {

using namespace test;
using pvhboot::memory_map_state;
using pvhboot::parse;
namespace abi = pvhboot::abi;

constexpr uint64_t info_at = 0x1000, modlist_at = 0x1040, memmap_at = 0x1080, cmdline_at = 0x10e0,
                   module_cmdline_at = 0x10f0;

/// A handoff with every part: two modules, three map entries, a command line.
struct handoff {
  abi::hvm_start_info info{.magic = abi::hvm_start_magic_value,
                           .version = 1,
                           .nr_modules = 2,
                           .modlist_paddr = modlist_at,
                           .cmdline_paddr = cmdline_at,
                           .rsdp_paddr = 0xf59e0,
                           .memmap_paddr = memmap_at,
                           .memmap_entries = 3};
  abi::hvm_modlist_entry modules[2]{{.paddr = 0x10f0, .size = 4, .cmdline_paddr = module_cmdline_at},
                                    {.paddr = 0x7ff00000, .size = 0x100000}};
  abi::hvm_memmap_table_entry map[3]{{.addr = 0x100000, .size = 0x7ff00000, .type = memory_type{1}},
                                     {.addr = 0, .size = 0xa0000, .type = memory_type{1}},
                                     {.addr = 0xe8000000, .size = 0x10000000, .type = memory_type{2}}};

  [[nodiscard]] constexpr memory<0x100> written() const {
    memory<0x100> m;
    m.put(info_at, info);
    for (size_t i = 0; i < 2; ++i) m.put(modlist_at + i * 32, modules[i]);
    for (size_t i = 0; i < 3; ++i) m.put(memmap_at + i * 24, map[i]);
    m.put_text(cmdline_at, "console=ttyS0");
    m.put_text(module_cmdline_at, "initrd");
    return m;
  }
};

/// The result of parse for the handoff after `change`.
template <class Change> constexpr auto parse_changed(const Change& change, const pvhboot::parse_limits& limits = {}) {
  handoff h;
  change(h);
  const auto m = h.written();
  const auto boot = parse(m.window(), info_at, limits);
  return boot ? pvhboot::result<void>{} : pvhboot::result<void>{boot.error()};
}

ROW("parse: all of a handoff", {
  const auto m = handoff{}.written();
  const auto boot = parse(m.window(), info_at);
  EXPECT(boot);
  EXPECT(boot->paddr() == info_at && boot->version() == 1 && boot->flags() == 0);
  EXPECT(boot->cmdline() == "console=ttyS0");
  EXPECT(boot->rsdp_paddr() == 0xf59e0);
  EXPECT(boot->modules().size() == 2);
  EXPECT(boot->modules()[0].size == 4 && boot->modules()[1].paddr == 0x7ff00000);
  EXPECT(boot->memory_map_state() == memory_map_state::table);
  EXPECT(boot->memory_map().size() == 3);
  EXPECT(boot->memory_map()[0] == range(0x100000, 0x7ff00000, 1));
  uint64_t sum = 0;
  for (const memory_range r : boot->memory_map()) sum += r.size;
  EXPECT(sum == uint64_t{0x7ff00000} + 0xa0000 + 0x10000000);
});

ROW("parse: the worked example of the specification's layout", {
  const memory<56> m{.contents = {0x78, 0xc5, 0x6e, 0x33,                          // magic
                                  0x01, 0x00, 0x00, 0x00,                          // version
                                  0x00, 0x00, 0x00, 0x00,                          // flags
                                  0x00, 0x00, 0x00, 0x00,                          // nr_modules
                                  0x40, 0x60, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // modlist_paddr
                                  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // cmdline_paddr
                                  0x00, 0x00, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00,  // rsdp_paddr
                                  0x00, 0x70, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // memmap_paddr
                                  0x00, 0x00, 0x00, 0x00,                          // memmap_entries
                                  0x00, 0x00, 0x00, 0x00}};                        // reserved
  const auto boot = parse(m.window(), 0x1000);
  EXPECT(boot && boot->rsdp_paddr() == 0xa0000 && boot->wire().memmap_paddr == 0x7000);
});

// The rules, in the order of errc.
ROW("parse: start_info_absent", { EXPECT(fails(parse(handoff{}.written().window(), 0), errc::start_info_absent, 0)); });
ROW("parse: start_info_unreadable", {
  const auto m = handoff{}.written();
  EXPECT(fails(parse(m.window(), 0xfff), errc::start_info_unreadable, 0xfff));
  EXPECT(fails(parse(m.window(), 0x10d9), errc::start_info_unreadable, 0x10d9));  // 39 of 40 bytes
  EXPECT(fails(parse(m.window(), ~uint64_t{}), errc::start_info_unreadable, ~uint64_t{}));
});
/// Memory that ends at 2^64 and has something at 0 as well.
struct two_ends {
  const uint8_t* low;
  const uint8_t* high;
  [[nodiscard]] constexpr const uint8_t* bytes(uint64_t paddr, uint64_t n) const {
    if (paddr < 16 && n <= 16 - paddr) return low + paddr;
    const uint64_t first = ~uint64_t{} - 39;
    return paddr >= first && n <= 40 - (paddr - first) ? high + (paddr - first) : nullptr;
  }
};
ROW("parse: start_info does not go on at address 0", {
  memory<56> m;
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .version = 1});
  const two_ends ends{m.contents.data() + 40, m.contents.data()};
  EXPECT(fails(parse(ends, ~uint64_t{} - 39), errc::start_info_unreadable, ~uint64_t{} - 39));
});
ROW("parse: version 0 promises 40 bytes, version 1 promises 56", {
  memory<56> m;
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .version = 0});
  for (size_t size = 0; size < 56; ++size) {
    const pvhboot::memory_window some{0x1000, pvhboot::span<const uint8_t>{m.contents}.first(size)};
    EXPECT(parse(some, 0x1000).ok() == (size >= 40));
  }
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .version = 1});
  for (size_t size = 0; size <= 56; ++size) {
    const pvhboot::memory_window some{0x1000, pvhboot::span<const uint8_t>{m.contents}.first(size)};
    EXPECT(parse(some, 0x1000).ok() == (size == 56));
  }
});
ROW("parse: bad_magic (B2)", {
  EXPECT(fails(parse_changed([](handoff& h) { h.info.magic = 0x336e4578u; }), errc::bad_magic, info_at));
  EXPECT(fails(parse_changed([](handoff& h) { h.info.magic = 0x78c56e33u; }), errc::bad_magic, info_at));
});
ROW("parse: cmdline_unreadable", {
  EXPECT(fails(parse_changed([](handoff& h) { h.info.cmdline_paddr = 0x1100u; }), errc::cmdline_unreadable, 0x1100));
  EXPECT(fails(parse_changed([](handoff& h) { h.info.cmdline_paddr = ~uint64_t{}; }), errc::cmdline_unreadable,
               ~uint64_t{}));
});
ROW("parse: cmdline_unterminated (B13), at the end of memory and at the limit", {
  const memory<0x40> m = [] {
    memory<0x40> filled;
    for (uint8_t& b : filled.contents) b = 'x';
    filled.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .cmdline_paddr = 0x1038u});
    return filled;
  }();
  EXPECT(fails(parse(m.window(), 0x1000), errc::cmdline_unterminated, 0x1038));
  const auto no_more_than = [](uint64_t n) { return parse_changed([](handoff&) {}, {.string_size = n}); };
  EXPECT(no_more_than(13));
  EXPECT(fails(no_more_than(12), errc::cmdline_unterminated, cmdline_at));
});
/// Memory in two pieces, which lie apart here although they are neighbours to the guest.
struct two_pieces {
  pvhboot::memory_window low;
  pvhboot::memory_window high;
  [[nodiscard]] constexpr const uint8_t* bytes(uint64_t paddr, uint64_t n) const {
    const uint8_t* p = low.bytes(paddr, n);
    return p ? p : high.bytes(paddr, n);
  }
};
ROW("parse: cmdline_unreadable where the text goes on in another piece of memory", {
  const auto judged = [](uint64_t cut) {
    handoff h;
    h.modules[0].cmdline_paddr = 0;
    const auto m = h.written();
    memory<0x100> elsewhere{.base = cut};
    for (uint64_t a = cut; a < info_at + 0x100; ++a) elsewhere.contents[a - cut] = m.contents[a - info_at];
    const auto at = static_cast<size_t>(cut - info_at);
    const pvhboot::span<const uint8_t> low{m.contents};
    const pvhboot::span<const uint8_t> high{elsewhere.contents};
    const two_pieces pieces{{info_at, low.first(at)}, {cut, high.first(low.size() - at)}};
    const auto boot = parse(pieces, info_at);
    return boot ? boot->cmdline() == "console=ttyS0" : !fails(boot, errc::cmdline_unreadable, cmdline_at);
  };
  EXPECT(judged(cmdline_at) && judged(cmdline_at + 14));
  EXPECT(!judged(cmdline_at + 1) && !judged(cmdline_at + 13));
});
ROW("parse: modlist_absent (B5)", {
  EXPECT(fails(parse_changed([](handoff& h) { h.info.modlist_paddr = 0u; }), errc::modlist_absent, info_at + 16));
});
ROW("parse: too_many_modules", {
  EXPECT(parse_changed([](handoff&) {}, {.modules = 2}));
  EXPECT(fails(parse_changed([](handoff&) {}, {.modules = 1}), errc::too_many_modules, info_at + 12));
  EXPECT(
      fails(parse_changed([](handoff& h) { h.info.nr_modules = 0xffffffffu; }), errc::too_many_modules, info_at + 12));
});
ROW("parse: modlist_unreadable, also where count * 32 exceeds 32 bits", {
  EXPECT(fails(parse_changed([](handoff& h) { h.info.nr_modules = 7u; }), errc::modlist_unreadable, modlist_at));
  EXPECT(fails(parse_changed([](handoff& h) { h.info.nr_modules = 0x08000000u; }, {.modules = ~0u}),
               errc::modlist_unreadable, modlist_at));
  EXPECT(fails(parse_changed([](handoff& h) { h.info.modlist_paddr = ~uint64_t{63}; }), errc::modlist_unreadable,
               ~uint64_t{63}));
});
ROW("parse: module_wraps", {
  EXPECT(fails(parse_changed([](handoff& h) { h.modules[1].paddr = ~uint64_t{0xfffff} + 1; }), errc::module_wraps,
               modlist_at + 32));
  EXPECT(fails(parse_changed([](handoff& h) { h.modules[0] = {.paddr = 2, .size = ~uint64_t{}}; }), errc::module_wraps,
               modlist_at));
  EXPECT(parse_changed([](handoff& h) { h.modules[1].paddr = ~uint64_t{0xfffff}; }));  // ends at 2^64
});
ROW("parse: too_many_memmap_entries (C1)", {
  EXPECT(parse_changed([](handoff&) {}, {.memmap_entries = 3}));
  EXPECT(fails(parse_changed([](handoff&) {}, {.memmap_entries = 2}), errc::too_many_memmap_entries, info_at + 48));
});
ROW("parse: memmap_unreadable, also where count * 24 exceeds 32 bits", {
  EXPECT(fails(parse_changed([](handoff& h) { h.info.memmap_entries = 6u; }), errc::memmap_unreadable, memmap_at));
  EXPECT(fails(parse_changed([](handoff& h) { h.info.memmap_entries = 0x0aaaaaabu; }, {.memmap_entries = ~0u}),
               errc::memmap_unreadable, memmap_at));
});

ROW("parse: the four states of the memory map (B3, C15)", {
  const auto state = [](uint32_t version, uint32_t entries, uint64_t paddr) {
    handoff h;
    h.info.version = version;
    h.info.memmap_entries = entries;
    h.info.memmap_paddr = paddr;
    const auto m = h.written();
    const auto boot = parse(m.window(), info_at);
    return boot && boot->memory_map().size() == (boot->memory_map_state() == memory_map_state::table ? entries : 0)
               ? static_cast<int>(boot->memory_map_state())
               : -1;
  };
  EXPECT(state(1, 3, memmap_at) == static_cast<int>(memory_map_state::table));
  EXPECT(state(0, 3, memmap_at) == static_cast<int>(memory_map_state::absent_in_version_0));
  EXPECT(state(1, 0, 0) == static_cast<int>(memory_map_state::no_entries));
  EXPECT(state(1, 0, memmap_at) == static_cast<int>(memory_map_state::no_entries));
  EXPECT(state(1, 3, 0) == static_cast<int>(memory_map_state::contradictory));
});
ROW("parse: a version from the future is read as version 1", {
  handoff h;
  h.info.version = 7u;
  h.info.reserved = 0x1234u;
  const auto m = h.written();
  const auto boot = parse(m.window(), info_at);
  EXPECT(boot && boot->version() == 7 && boot->memory_map().size() == 3);
});
ROW("parse: version 0 does not look at what version 1 brought (B1)", {
  handoff h;
  h.info.version = 0u;
  const auto m = h.written();
  const auto boot = parse(m.window(), info_at);
  EXPECT(boot && boot->wire().memmap_paddr == 0 && boot->wire().memmap_entries == 0 &&
         boot->cmdline() == "console=ttyS0");
});
ROW("parse: an empty command line is not an absent one", {
  handoff h;
  h.info.cmdline_paddr = cmdline_at + 13;
  const auto m = h.written();
  const auto empty = parse(m.window(), info_at);
  EXPECT(empty && empty->cmdline().empty() && !empty->cmdline().absent());
  h.info.cmdline_paddr = 0u;
  const auto m2 = h.written();
  const auto absent = parse(m2.window(), info_at);
  EXPECT(absent && absent->cmdline().empty() && absent->cmdline().absent());
});
ROW("parse: a module's command line and bytes are read only when asked for (B6)", {
  handoff h;
  h.modules[1].cmdline_paddr = 0xdeadbeefu;
  const auto m = h.written();
  const auto boot = parse(m.window(), info_at);
  EXPECT(boot);
  EXPECT(*boot->cmdline_of(boot->modules()[0]) == "initrd");
  EXPECT(fails(boot->cmdline_of(boot->modules()[1]), errc::cmdline_unreadable, 0xdeadbeef));
  EXPECT((*boot->contents_of(boot->modules()[0]))[3] == 't');
  EXPECT(fails(boot->contents_of(boot->modules()[1]), errc::module_unreadable, 0x7ff00000));
  EXPECT((*boot->cmdline_of({.paddr = 1, .size = 1})).absent());
});
ROW("parse: modlist_paddr without modules is odd, not wrong (B4)",
    { EXPECT(parse_changed([](handoff& h) { h.info.nr_modules = 0u; })); });

}  // namespace
