// SPDX-License-Identifier: BSL-1.0
//
// Where a handoff lies, and that none of it is left in free memory.
#include "row.hpp"

namespace {

using namespace test;
using pvhboot::extent;
using pvhboot::extents;
using pvhboot::handoff_piece;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;
namespace abi = pvhboot::abi;

/// A handoff with every piece: two modules, the first with a command line, the second with garbage for one.
constexpr auto whole(uint32_t version = 1) {
  memory<0x200> m;
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value,
                                    .version = version,
                                    .nr_modules = 2,
                                    .modlist_paddr = 0x1040,
                                    .cmdline_paddr = 0x1100,
                                    .rsdp_paddr = 0xe0000,
                                    .memmap_paddr = 0x1080,
                                    .memmap_entries = 2});
  m.put(0x1040, abi::hvm_modlist_entry{.paddr = 0x300000, .size = 0x1234, .cmdline_paddr = 0x1110});
  m.put(0x1060, abi::hvm_modlist_entry{.paddr = 0x400000, .size = 0, .cmdline_paddr = 0xdeadbeefdeadbeef});
  m.put(0x1080, abi::hvm_memmap_table_entry{.addr = 0, .size = 0x800000, .type = pvhboot::memory_type{1}});
  m.put(0x1098, abi::hvm_memmap_table_entry{.addr = 0x900000, .size = 0x100000, .type = pvhboot::memory_type{2}});
  m.put_text(0x1100, "quiet");
  m.put_text(0x1110, "mod");
  return m;
}

ROW("extents: every piece with its address and size, absent and unreadable ones left out", {
  const auto m = whole();
  const auto boot = pvhboot::parse(m.window(), 0x1000);
  const extent wanted[] = {
      {handoff_piece::start_info, 0, 0x1000, 56},
      {handoff_piece::cmdline, 0, 0x1100, 6},
      {handoff_piece::modlist, 0, 0x1040, 64},
      {handoff_piece::memmap, 0, 0x1080, 48},
      {handoff_piece::rsdp, 0, 0xe0000, pvhboot::abi::rsdp_size},
      {handoff_piece::module, 0, 0x300000, 0x1234},
      {handoff_piece::module_cmdline, 0, 0x1110, 4},
  };
  size_t n = 0;
  for (const extent& e : extents{*boot}) {
    EXPECT(n < sizeof wanted / sizeof wanted[0]);
    EXPECT(e.what == wanted[n].what && e.module == wanted[n].module && e.addr == wanted[n].addr &&
           e.size == wanted[n].size);
    ++n;
  }
  EXPECT(n == sizeof wanted / sizeof wanted[0] && extents{*boot}.capacity() >= n);
});
ROW("extents: version 0 has 40 bytes and no map; a bare handoff is start_info alone", {
  const auto m = whole(0);
  const auto boot = pvhboot::parse(m.window(), 0x1000);
  EXPECT((*extents{*boot}.begin()).size == 40);
  for (const extent& e : extents{*boot}) EXPECT(e.what != handoff_piece::memmap);
  memory<56> bare;
  bare.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .version = 1});
  const auto alone = pvhboot::parse(bare.window(), 0x1000);
  size_t n = 0;
  for (const extent& e : extents{*alone}) n += e.what == handoff_piece::start_info ? 1 : 100;
  EXPECT(n == 1);
});
ROW("reserve_handoff: no piece is left in the map", {
  const auto m = whole();
  const auto boot = pvhboot::parse(m.window(), 0x1000);
  memory_map_buffer<32> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(boot->memory_map()) && map.sanitize() && reserve_handoff(map, *boot) && map.is_sanitized());
  uint64_t taken = 0;
  for (const extent& e : extents{*boot}) {
    for (const memory_range& r : map) EXPECT(!r.overlaps({e.addr, e.size, {}}));
    taken += e.size;
  }
  EXPECT(total_ram(map) == 0x800000 - taken);
  EXPECT(reserve(map, 0x500000, 0x1000) && total_ram(map) == 0x800000 - taken - 0x1000);
});
ROW("reserve_handoff: map_full before anything is taken", {
  const auto m = whole();
  const auto boot = pvhboot::parse(m.window(), 0x1000);
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(boot->memory_map()) && map.sanitize());
  EXPECT(fails(reserve_handoff(map, *boot), errc::map_full, 2 + extents{*boot}.capacity()));
  EXPECT(map.size() == 2 && map[0] == range(0, 0x800000, 1));
});

}  // namespace
