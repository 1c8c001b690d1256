// SPDX-License-Identifier: BSL-1.0
//
// Xen's CPUID leaves, and the map that it returns.
#include "row.hpp"

namespace {

using namespace test;
using pvhboot::cpuid_leaf;
using pvhboot::find_xen;
using pvhboot::read_xen_memory_map;
namespace abi = pvhboot::abi;

/// A machine with Xen's leaves at `base`, the last of them `last`.
constexpr auto machine(uint32_t base, uint32_t last) {
  return [=](uint32_t leaf) -> cpuid_leaf {
    if (leaf == base) return {last, 0x566e6558, 0x65584d4d, 0x4d4d566e};
    if (leaf == base + 1) return {.eax = 0x00040011};
    if (leaf == base + 2) return {.eax = 1, .ebx = 0x40000000};
    if (leaf == 0x40000000) return {0x40000006, 0x7263694d, 0x666f736f, 0x76482074};  // Viridian
    return {};
  };
}
ROW("find_xen: at the first place, and after another interface", {
  EXPECT(find_xen(machine(0x40000000, 0x40000005)).base == 0x40000000);
  const auto xen = find_xen(machine(0x40000100, 0x40000105));
  EXPECT(xen.found() && xen.base == 0x40000100 && xen.hypercall_msr == 0x40000000);
  EXPECT(xen.version_major == 4 && xen.version_minor == 17);
  EXPECT(find_xen(machine(0x4000ff00, 0x4000ff02)).base == 0x4000ff00);
});
ROW("find_xen: not there, too far, or with too few leaves", {
  EXPECT(!find_xen([](uint32_t) { return cpuid_leaf{}; }).found());
  EXPECT(!find_xen(machine(0x40010000, 0x40010005)).found());
  EXPECT(!find_xen(machine(0x40000000, 0x40000001)).found() && !find_xen(machine(0x40000000, 0)).found());
  EXPECT(!find_xen(machine(0x40000000, 0xffffffff)).found());
  EXPECT(find_xen(machine(0x40000000, 0x400000ff)).found() && !find_xen(machine(0x40000000, 0x40000100)).found());
});

constexpr auto returned_map() {
  memory<60> m;
  m.put(0x1000, abi::boot_e820_entry{.addr = 0, .size = 0xa0000, .type = pvhboot::memory_type{1}});
  m.put(0x1014, abi::boot_e820_entry{.addr = 0x100000, .size = 0x7f00000, .type = pvhboot::memory_type{1}});
  return m;
}
ROW("read_xen_memory_map: 20-byte entries join the same path", {
  const auto m = returned_map();
  const auto table = read_xen_memory_map(0, 2, m.contents);
  EXPECT(table && table->size() == 2);
  pvhboot::memory_map_buffer<4> buffer{};
  pvhboot::memory_map map{buffer};
  EXPECT(map.append(*table) && total_ram(map) == 0xa0000 + 0x7f00000);
});
ROW("read_xen_memory_map: xen_no_memory_map, xen_memory_map_too_large, xen_memory_map_bad_count", {
  const auto m = returned_map();
  EXPECT(fails(read_xen_memory_map(-38, 2, m.contents), errc::xen_no_memory_map, 38));
  EXPECT(fails(read_xen_memory_map(0, 3, m.contents), errc::xen_memory_map_too_large, 3));
  EXPECT(fails(read_xen_memory_map(0, 4, m.contents), errc::xen_memory_map_bad_count, 4));
  EXPECT(read_xen_memory_map(0, 0, m.contents)->empty());
});

}  // namespace
