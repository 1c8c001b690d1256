// SPDX-License-Identifier: BSL-1.0
//
// Where everything goes: each rule of plan_boot, and then random requests of which every plan is written, parsed and
// linted.
#include <pvhboot/pvh/plan.hpp>

#include "../../examples/fuzz/plan_laws.hpp"
#include "row.hpp"

namespace {

using namespace test;
using pvhboot::boot_request;
using pvhboot::handoff_module;
using pvhboot::kernel_extent;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;
using pvhboot::plan_block;
using pvhboot::plan_boot;

constexpr uint64_t KiB = 1 << 10, MiB = 1 << 20, GiB = 1 << 30, page = 0x1000, top = ~uint64_t{};

constexpr memory_range ram(uint64_t addr, uint64_t size) { return range(addr, size, 1); }

/// A map, and what is left of it.
struct machine {
  memory_map_buffer<32> buffers[2]{};
  memory_map map{buffers[0]};
  memory_map free{buffers[1]};

  template <class... Ranges> constexpr explicit machine(const Ranges&... ranges) { (void)(map.append(ranges) && ...); }
};
constexpr kernel_extent linux_kernel{.first = 16 * MiB, .size = 32 * MiB, .entry = 16 * MiB + 0x10};
constexpr kernel_extent movable{.first = 16 * MiB,
                                .size = 32 * MiB,
                                .entry = 16 * MiB + 0x10,
                                .relocatable = true,
                                .minimum = 16 * MiB,
                                .maximum = GiB - 1};
#define PC ram(0, 0x9fc00), range(0x9fc00, 0x60400, 2), ram(MiB, 255 * MiB)

ROW("plan_boot: kernel where it is linked, handoff and modules from 1 MiB up, ACPI at the top", {
  machine m{PC};
  handoff_module modules[] = {{.size = 5 * MiB + 1}, {.size = 20 * MiB, .cmdline = "second"}, {.size = 1}};
  auto plan =
      plan_boot(m.map, m.free, {.kernel = linux_kernel, .cmdline = "x", .modules = modules, .acpi_size = 0x3000});
  EXPECT(plan && plan->kernel_base == 16 * MiB && plan->kernel_shift == 0 && plan->entry == 16 * MiB + 0x10);
  EXPECT(plan->start_info_paddr == MiB && plan->bases == 1);
  EXPECT(modules[0].paddr == MiB + page && modules[1].paddr == 48 * MiB && modules[2].paddr == 6 * MiB + 2 * page);
  EXPECT(plan->handoff.rsdp_paddr == 256 * MiB - 0x3000);
  // The map says what became of the top of RAM, and the handoff has this very map.
  EXPECT(m.map.size() == 4 && m.map[3] == range(256 * MiB - 0x3000, 0x3000, 3));
  EXPECT(m.map[2] == ram(MiB, 255 * MiB - 0x3000) && m.map.is_sanitized());
  EXPECT(plan->handoff.memmap.data() == m.map.data() && plan->handoff.memmap.size() == 4);
  EXPECT(plan->handoff.modules.data() == modules && plan->handoff.cmdline == pvhboot::string_ref{"x"});
  EXPECT(plan->handoff.size_bytes() == 56 + 3 * 32 + 4 * 24 + 2 + 7);
  // What is left is free: neither kernel nor anything else is in it.
  EXPECT(!covers(m.free, MiB, 1, memory_type::ram) && !covers(m.free, 48 * MiB - 1, 1, memory_type::ram));
  EXPECT(covers(m.free, 6 * MiB + 2 * page + 1, 10 * MiB - 2 * page - 1, memory_type::ram) && m.free.is_sanitized());
});
ROW("plan_boot: written, parsed and read back, the plan is the handoff", {
  machine m{PC};
  handoff_module modules[] = {{.size = 0x1234, .cmdline = "a"}, {.size = 1}};
  auto plan = plan_boot(m.map, m.free, {.kernel = linux_kernel, .flags = 3, .cmdline = "quiet", .modules = modules});
  EXPECT(plan);
  memory<0x200> guest{.base = plan->start_info_paddr};
  EXPECT(write(plan->handoff, guest.contents, plan->start_info_paddr));
  const auto boot = pvhboot::parse(guest.window(), plan->start_info_paddr);
  pvhboot::handoff_buffer<2, 8> buffer{};
  EXPECT(boot && *values_of(*boot, buffer) == plan->handoff && boot->flags() == 3 && boot->memory_map().size() == 3);
});
ROW("plan_boot: of version 0 no map is handed over", {
  machine m{PC};
  auto plan = plan_boot(m.map, m.free, {.kernel = linux_kernel, .version = 0});
  EXPECT(plan && plan->handoff.memmap.empty() && plan->handoff.size_bytes() == 40);
});
ROW("plan_boot: what lies somewhere stays there, and nothing is put on it (B10)", {
  machine m{PC};
  handoff_module modules[] = {{.paddr = MiB, .size = 2 * MiB}, {.size = MiB}, {.paddr = 0xfffffffffff00000, .size = 5}};
  plan_block blocks[] = {{.size = page, .paddr = 3 * MiB}, {.size = 0}, {.size = page}, {.size = page, .paddr = 0x500}};
  auto plan = plan_boot(
      m.map, m.free,
      {.kernel = linux_kernel, .modules = modules, .rsdp_paddr = 4 * MiB, .acpi_size = 2 * page, .blocks = blocks});
  EXPECT(plan && modules[0].paddr == MiB && modules[2].paddr == 0xfffffffffff00000 && blocks[0].paddr == 3 * MiB);
  EXPECT(blocks[1].paddr == 0 && blocks[2].paddr == 3 * MiB + page && plan->start_info_paddr == 3 * MiB + 2 * page);
  EXPECT(modules[1].paddr == 4 * MiB + 2 * page && plan->handoff.rsdp_paddr == 4 * MiB && m.map.size() == 3);
  EXPECT(!covers(m.free, 0x500, 1, memory_type::ram));
});
ROW("plan_boot: an RSDP of which no size is known has 36 bytes", {
  machine m{ram(MiB, 64 * MiB)};
  handoff_module modules[] = {{.paddr = 2 * MiB + 35, .size = 1}};
  const boot_request request{.kernel = linux_kernel, .modules = modules, .rsdp_paddr = 2 * MiB};
  EXPECT(fails(plan_boot(m.map, m.free, request), errc::plan_overlaps, 2 * MiB + 35));
  modules[0].paddr = 2 * MiB + 36;
  EXPECT(plan_boot(m.map, m.free, request));
});
ROW("plan_boot: the traps of low memory are left alone, even if the map calls them RAM (B16)", {
  // Nothing is free above 1 MiB, and everything below is RAM.
  machine m{ram(0, MiB + 32 * MiB)};
  handoff_module modules[] = {{.size = 0x5001}, {.size = page}, {.size = 0x9f000 - 0x8000}};
  const kernel_extent kernel{.first = MiB, .size = 32 * MiB, .entry = MiB};
  plan_block blocks[] = {{.size = 0x80, .alignment = 0x80}};
  boot_request request{.kernel = kernel, .modules = pvhboot::span<handoff_module>{modules}.first(2), .blocks = blocks};
  auto plan = plan_boot(m.map, m.free, request);
  EXPECT(plan && blocks[0].paddr == 0x1000 && plan->start_info_paddr == 0x2000);
  EXPECT(modules[0].paddr == 0x8000 && modules[1].paddr == 0x3000);
  blocks[0].paddr = modules[0].paddr = modules[1].paddr = 0;
  request.modules = {modules + 2, 1};
  EXPECT(plan_boot(m.map, m.free, request) && modules[2].paddr == 0x8000);
  modules[2] = {.size = 0x9f000 - 0x8000 + 1};
  blocks[0].paddr = 0;
  EXPECT(fails(plan_boot(m.map, m.free, request), errc::plan_no_room_for_module, 0) && modules[2].paddr == 0);
});
ROW("plan_boot: a kernel that is linked in a trap is the kernel's affair", {
  machine m{PC};
  const kernel_extent low{.first = 0x7000, .size = 0x10000, .entry = 0x7000};
  EXPECT(plan_boot(m.map, m.free, {.kernel = low})->kernel_base == 0x7000);
});
ROW("plan_boot: an empty module has an address, on a page of its own", {
  machine m{PC};
  handoff_module modules[] = {{.size = 0}, {.size = 0}};
  auto plan = plan_boot(m.map, m.free, {.kernel = linux_kernel, .modules = modules});
  EXPECT(plan && modules[0].paddr == MiB + page && modules[1].paddr == MiB + 2 * page);
});
ROW("plan_boot: the limits, to the byte", {
  const kernel_extent kernel{.first = 2 * GiB, .size = MiB, .entry = static_cast<uint32_t>(2 * GiB)};
  const auto planned = [&](uint64_t first, const boot_request& request) {
    machine m{ram(first, 2 * GiB + MiB - first)};
    return plan_boot(m.map, m.free, request);
  };
  EXPECT(planned(GiB - 80, {.kernel = kernel}).error().code == errc::plan_no_room_for_handoff);
  EXPECT(planned(GiB - page, {.kernel = kernel})->start_info_paddr == GiB - page);
  EXPECT(fails(planned(GiB - page, {.kernel = kernel, .handoff_highest = GiB - page + 78}),
               errc::plan_no_room_for_handoff, 80));
  EXPECT(planned(GiB - page, {.kernel = kernel, .handoff_highest = GiB - page + 79}));
  EXPECT(planned(GiB, {.kernel = kernel, .handoff_highest = top})->start_info_paddr == GiB);
  handoff_module modules[] = {{.size = page}};
  boot_request request{.kernel = kernel, .modules = modules, .modules_highest = GiB + page - 2};
  EXPECT(fails(planned(GiB - page, request), errc::plan_no_room_for_module, 0));
  request.modules_highest = GiB + page - 1;
  EXPECT(planned(GiB - page, request) && modules[0].paddr == GiB);
});
ROW("plan_boot: nothing above 4 GiB unless it is asked for (B14)", {
  const kernel_extent kernel{.first = MiB, .size = MiB, .entry = MiB};
  machine m{ram(MiB, MiB), ram(4 * GiB, GiB)};
  EXPECT(
      fails(plan_boot(m.map, m.free, {.kernel = kernel, .handoff_highest = top}), errc::plan_no_room_for_handoff, 104));
  machine n{ram(MiB, MiB + page), ram(4 * GiB, GiB)};
  handoff_module modules[] = {{.size = MiB}};
  boot_request request{.kernel = kernel, .modules = modules};
  EXPECT(fails(plan_boot(n.map, n.free, request), errc::plan_no_room_for_module, 0) && modules[0].paddr == 0);
  request.modules_highest = top;
  EXPECT(plan_boot(n.map, n.free, request) && modules[0].paddr == 4 * GiB);
  machine o{ram(MiB, MiB + page), ram(4 * GiB, GiB)};
  EXPECT(fails(plan_boot(o.map, o.free, {.kernel = kernel, .acpi_size = page + 1}), errc::plan_no_room_for_acpi,
               page + 1));
});
ROW("plan_boot: a block has its own window, alignment and type", {
  machine m{PC};
  plan_block blocks[] = {{.size = 0x1001, .alignment = 0x100, .type = memory_type::reserved},
                         {.size = 24, .alignment = 8, .lowest = 0x500, .highest = 0x6fff},
                         {.size = 24, .alignment = 8, .lowest = 0x500, .highest = 0x6fff},
                         {.size = MiB, .alignment = 4 * MiB},
                         {.size = 64 * KiB, .type = memory_type::nvs, .paddr = 0xfeff0000}};
  EXPECT(plan_boot(m.map, m.free, {.kernel = linux_kernel, .blocks = blocks}));
  EXPECT(blocks[0].paddr == 256 * MiB - 2 * page && blocks[1].paddr == 0x1000 && blocks[2].paddr == 0x1018);
  EXPECT(blocks[3].paddr == 4 * MiB && m.map.size() == 5);
  EXPECT(m.map[3] == range(256 * MiB - 2 * page, 2 * page, 2) && m.map[4] == range(0xfeff0000, 64 * KiB, 4));
});
ROW("plan_boot: what did not fit, by its number or its size", {
  machine m{PC};
  plan_block blocks[] = {{.size = page}, {.size = 256 * MiB}};
  EXPECT(fails(plan_boot(m.map, m.free, {.kernel = linux_kernel, .blocks = blocks}), errc::plan_no_room_for_block, 1));
  EXPECT(blocks[0].paddr == 0 && m.map.size() == 3);
  handoff_module modules[] = {{.size = page}, {.size = 209 * MiB}, {.size = top}};
  EXPECT(
      fails(plan_boot(m.map, m.free, {.kernel = linux_kernel, .modules = modules}), errc::plan_no_room_for_module, 1));
  EXPECT(modules[0].paddr == 0);
  modules[1].size = page;
  EXPECT(
      fails(plan_boot(m.map, m.free, {.kernel = linux_kernel, .modules = modules}), errc::plan_no_room_for_module, 2));
  EXPECT(fails(plan_boot(m.map, m.free, {.kernel = linux_kernel, .acpi_size = top}), errc::plan_no_room_for_acpi, top));
  EXPECT(fails(plan_boot(m.map, m.free, {.kernel = linux_kernel, .cmdline = "x", .handoff_highest = page}),
               errc::plan_no_room_for_handoff, 56 + 3 * 24 + 2));
});
ROW("plan_boot: not_relocatable, no RAM there or something else", {
  machine m{PC};
  EXPECT(fails(plan_boot(m.map, m.free, {.kernel = {.first = 0x9f000, .size = page, .entry = 0x9f000}}),
               errc::not_relocatable, 0x9f000));
  plan_block blocks[] = {{.size = 1, .paddr = 48 * MiB - 1}};
  EXPECT(fails(plan_boot(m.map, m.free, {.kernel = linux_kernel, .blocks = blocks}), errc::not_relocatable, 16 * MiB));
  EXPECT(
      fails(plan_boot(m.map, m.free, {.kernel = linux_kernel, .blocks = blocks}, 5), errc::not_relocatable, 16 * MiB));
  blocks[0].paddr = 48 * MiB;
  EXPECT(plan_boot(m.map, m.free, {.kernel = linux_kernel, .blocks = blocks}));
});
ROW("plan_boot: a relocatable kernel moves if it must, to its highest base", {
  machine m{PC};
  plan_block blocks[] = {{.size = 1, .paddr = 48 * MiB - 1}};
  auto plan = plan_boot(m.map, m.free, {.kernel = movable, .blocks = blocks});
  EXPECT(plan && plan->kernel_base == 224 * MiB && plan->entry == 224 * MiB + 0x10 && plan->kernel_shift == 208 * MiB);
  EXPECT(plan->bases == 1 && plan->start_info_paddr == MiB);
  kernel_extent limited = movable;
  limited.maximum = 100 * MiB - 1;
  EXPECT(plan_boot(m.map, m.free, {.kernel = limited, .blocks = blocks})->kernel_base == 68 * MiB);
  limited.maximum = 80 * MiB - 2;
  limited.minimum = 48 * MiB - 1;
  EXPECT(fails(plan_boot(m.map, m.free, {.kernel = limited, .blocks = blocks}), errc::no_base, 32 * MiB));
  blocks[0].paddr = 0;
  EXPECT(plan_boot(m.map, m.free, {.kernel = limited, .blocks = blocks})->kernel_base == 16 * MiB);
});
ROW("plan_boot: a kernel moves down, and never to 0", {
  machine m{ram(0, 0x4000)};
  const kernel_extent high{.first = GiB, .size = 0x2000, .entry = GiB + 8, .relocatable = true, .alignment = 0x1000};
  auto plan = plan_boot(m.map, m.free, {.kernel = high});
  EXPECT(plan && plan->kernel_base == 0x2000 && plan->entry == 0x2008 && plan->start_info_paddr == 0x1000);
  EXPECT(plan->kernel_shift == 0x2000 - uint64_t{GiB});
});
ROW("plan_boot: with a random number, any base in what the rest has left", {
  handoff_module modules[] = {{.size = 5 * MiB}, {.paddr = 100 * MiB, .size = 28 * MiB}};
  const auto base = [&](uint64_t random) {
    machine m{PC};
    modules[0].paddr = 0;
    const auto plan = plan_boot(m.map, m.free, {.kernel = movable, .modules = modules}, random);
    // 16, 18, … 68 and 128, … 224 MiB.
    return plan && plan->bases == 27 + 49 && plan->kernel_base % (2 * MiB) == 0 &&
                   plan->entry == plan->kernel_base + 0x10 && modules[0].paddr == MiB + page
               ? plan->kernel_base
               : 0;
  };
  EXPECT(base(0) == 16 * MiB && base(top) == 224 * MiB && base(uint64_t{1} << 63) == 150 * MiB);
  EXPECT(base(top / 76 * 27 - 100) == 68 * MiB && base(top / 76 * 27 + 100) == 128 * MiB);
});
ROW("plan_boot: with a random number, no_base, whatever the number", {
  machine m{ram(16 * MiB, 32 * MiB)};
  EXPECT(plan_boot(m.map, m.free, {.kernel = movable}).error().code == errc::plan_no_room_for_handoff);
  EXPECT(fails(plan_boot(m.map, m.free, {.kernel = movable}, 0), errc::no_base, 32 * MiB));
  EXPECT(fails(plan_boot(m.map, m.free, {.kernel = movable}, top), errc::no_base, 32 * MiB));
});
ROW("plan_boot: with a random number, a kernel that is not relocatable stays", {
  machine m{PC};
  EXPECT(plan_boot(m.map, m.free, {.kernel = linux_kernel}, top)->kernel_base == 16 * MiB);
});
ROW("plan_boot: kernel_extent_empty, kernel_extent_wraps, kernel_entry_outside", {
  machine m{PC};
  const auto refuses = [&](const kernel_extent& kernel, errc code, uint64_t where) {
    return fails(plan_boot(m.map, m.free, {.kernel = kernel}), code, where);
  };
  EXPECT(refuses({}, errc::kernel_extent_empty, 0));
  EXPECT(refuses({.first = 2, .size = top, .entry = 2}, errc::kernel_extent_wraps, 2));
  EXPECT(!refuses({.first = 2, .size = top - 1, .entry = 2}, errc::kernel_extent_wraps, 2));  // ends at 2^64
  EXPECT(refuses({.first = MiB, .size = page, .entry = MiB - 1}, errc::kernel_entry_outside, MiB - 1));
  EXPECT(refuses({.first = MiB, .size = page, .entry = MiB + page}, errc::kernel_entry_outside, MiB + page));
  EXPECT(plan_boot(m.map, m.free, {.kernel = {.first = MiB, .size = page, .entry = MiB + page - 1}}));
});
ROW("plan_boot: plan_bad_alignment", {
  machine m{PC};
  kernel_extent kernel = movable;
  kernel.alignment = 0;
  EXPECT(fails(plan_boot(m.map, m.free, {.kernel = kernel}), errc::plan_bad_alignment, 0));
  plan_block blocks[] = {{.size = 1}, {.size = 1, .alignment = 24}};
  EXPECT(fails(plan_boot(m.map, m.free, {.kernel = linux_kernel, .blocks = blocks}), errc::plan_bad_alignment, 24));
});
ROW("plan_boot: plan_wraps and plan_overlaps, of what lies somewhere already", {
  machine m{PC};
  handoff_module modules[] = {{.paddr = top, .size = 2}, {.size = 1}};
  plan_block blocks[] = {{.size = page}};
  boot_request request{.kernel = linux_kernel, .modules = modules, .blocks = blocks};
  EXPECT(fails(plan_boot(m.map, m.free, request), errc::plan_wraps, top));
  modules[0] = {.paddr = 4 * MiB, .size = page + 1};
  blocks[0].paddr = 4 * MiB + page;
  EXPECT(fails(plan_boot(m.map, m.free, request), errc::plan_overlaps, 4 * MiB + page));
  blocks[0].paddr = 4 * MiB - 1;
  EXPECT(fails(plan_boot(m.map, m.free, request), errc::plan_overlaps, 4 * MiB));
  blocks[0].paddr = 4 * MiB + page + 1;
  EXPECT(plan_boot(m.map, m.free, request));
});
ROW("plan_boot: map_not_sanitized", {
  machine m{ram(MiB, 255 * MiB), ram(0, MiB)};
  EXPECT(fails(plan_boot(m.map, m.free, {.kernel = linux_kernel}), errc::map_not_sanitized, 2));
});
ROW("plan_boot: map_full, for either map, before anything is done", {
  memory_map_buffer<5> five{};
  memory_map_buffer<9> nine{};
  memory_map map{five};
  memory_map free{nine};
  EXPECT(map.append(table<3>{{PC}}));
  handoff_module modules[] = {{.size = page}};
  boot_request request{.kernel = linux_kernel, .modules = modules, .acpi_size = page};
  // Three ranges, RSDP and module, three traps, kernel and handoff.
  EXPECT(fails(plan_boot(map, free, request), errc::map_full, 10) && modules[0].paddr == 0);
  request.modules = {};
  EXPECT(plan_boot(map, free, request) && map.size() == 4);
  EXPECT(fails(plan_boot(map, free, request), errc::map_full, 6) && map.size() == 4);
});

// Random requests, the same ones everywhere; examples/fuzz/plan_laws.hpp has the laws.

struct generator {
  uint64_t state = 1;
  uint64_t operator()() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 29) ^ state;
  }
  uint64_t below(uint64_t n) { return (operator()() >> 16) % n; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  /// Of any magnitude below 2^bits.
  uint64_t sized(unsigned bits) { return (operator()() >> 8) & ((uint64_t{1} << below(bits)) - 1); }
};

fuzz::plan_case any_request(generator& random) {
  fuzz::plan_case c;
  // Up to ten ranges, most of them RAM, as a PC has them or anywhere below 8 GiB.
  if (random.one_in(2)) {
    c.ranges = {ram(0, 0x9fc00), range(0x9fc00, 0x60400, 2)};
    c.ranges.push_back(ram(MiB, random.one_in(2) ? page + random.sized(32) : MiB * (1 + random.below(4000))));
  }
  for (uint64_t n = random.below(7); n > 0; --n)
    c.ranges.push_back(
        range(random.sized(33), 1 + random.sized(31), static_cast<uint32_t>(random.one_in(4) ? random.below(9) : 1)));
  kernel_extent& kernel = c.kernel;
  kernel.first = random.one_in(3) ? random.sized(32) : uint64_t{MiB} << random.below(9);
  kernel.size = 1 + random.sized(27);
  kernel.entry = static_cast<uint32_t>(kernel.first + random.below(kernel.size));
  kernel.relocatable = random.one_in(2);
  kernel.alignment = uint32_t{1} << random.below(25);
  if (random.one_in(2)) kernel.minimum = static_cast<uint32_t>(random.sized(28));
  if (random.one_in(2)) kernel.maximum = static_cast<uint32_t>(random.sized(32));
  static const char texts[] = "one two three four five six seven eight nine ten";
  const auto length = [&] { return static_cast<size_t>(random.below(sizeof texts - 1)); };
  c.modules.resize(static_cast<size_t>(random.below(5)));
  for (handoff_module& m : c.modules) {
    m.size = random.one_in(5) ? 0 : random.sized(26);
    if (random.one_in(2)) m.cmdline = {texts, length()};
    if (random.one_in(8)) m.paddr = random.sized(32);
  }
  c.blocks.resize(static_cast<size_t>(random.below(4)));
  for (plan_block& b : c.blocks) {
    b.size = random.sized(24);
    b.alignment = uint64_t{1} << random.below(22);
    if (random.one_in(3)) b.lowest = random.sized(30);
    if (random.one_in(3)) b.highest = random.sized(34);
    if (random.one_in(3)) b.type = memory_type{static_cast<uint32_t>(2 + random.below(3))};
    if (random.one_in(8)) b.paddr = random.sized(32);
  }
  c.version = random.one_in(8) ? 0u : 1u;
  c.acpi_size = random.one_in(2) ? random.sized(20) : 0;
  c.has_cmdline = !random.one_in(4);
  c.cmdline = std::string(texts, length());
  if (random.one_in(8)) c.rsdp_paddr = 0xe0000 + 16 * random.below(0x2000);
  c.has_random = random.one_in(2);
  c.random = random();
  return c;
}
TEST_CASE("plan_boot: random requests, written, parsed and linted (B10, B16)") {
  generator random;
  int planned = 0;
  for (int i = 0; i < 4000; ++i) {
    fuzz::plan_case c = any_request(random);
    planned += law_plan(c) ? 1 : 0;
  }
  CHECK(planned > 1300);
  CHECK(planned < 3500);
}

}  // namespace
