// SPDX-License-Identifier: BSL-1.0
//
// Corners that no other row reaches: each is the other side of a condition. Locals are not const here: a compiler may
// compute a constant that is made by a constexpr function, and then nothing would run.
#include <string_view>

#include "image.hpp"

namespace {

using namespace test;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;
using pvhboot::setup_type;
namespace abi = pvhboot::abi;

constexpr uint64_t MiB = 1 << 20;
constexpr uint64_t top = ~uint64_t{};

ROW("bzimage: a payload that begins like ELF, and is not", {
  for (uint32_t begin : {0x4600457fu, 0x004c457fu}) {
    image i;
    auto file = i.written();
    file.put(image::code_offset + 0x100, pvhboot::le32{begin});
    auto kernel = pvhboot::parse_bzimage(file.contents);
    EXPECT(kernel && kernel->payload_format() == pvhboot::payload_format::unknown);
  }
});
ROW("bzimage: syssize 0 says nothing", {
  image i;
  i.header.syssize = 0;
  auto file = i.written();
  auto kernel = pvhboot::parse_bzimage(file.contents);
  EXPECT(kernel && kernel->code().size() == image::code_size);
});

/// How many findings of this kind lint has about the handoff in the window at 0x1000.
constexpr int said(pvhboot::memory_window window, pvhboot::oddity what) {
  int n = 0;
  auto boot = pvhboot::parse(window, 0x1000);
  if (!boot) return -1;
  memory_map_buffer<8> buffer{};
  memory_map scratch{buffer};
  auto done = lint(window, *boot, scratch, [&](pvhboot::finding f) { n += f.what == what ? 1 : 0; });
  return done ? n : -1;
}
ROW("lint: each module that begins inside another is reported once", {
  memory<0x100> m;
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .nr_modules = 3, .modlist_paddr = 0x1040});
  for (uint64_t i = 0; i < 3; ++i)
    m.put(0x1040 + 32 * i, abi::hvm_modlist_entry{.paddr = 0x100000 + 0x1000 * i, .size = i == 2 ? 1u : 0x1000u});
  EXPECT(said(m.window(), pvhboot::oddity::module_overlaps_module) == 0);
  m.put(0x1080, abi::hvm_modlist_entry{.paddr = 0x100000, .size = 0x2000});
  EXPECT(said(m.window(), pvhboot::oddity::module_overlaps_module) == 2);
});
ROW("lint: an RSDP with its signature and a wrong sum", {
  memory<0x100> m;
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .rsdp_paddr = 0x1040});
  m.put_text(0x1040, "RSD PTR ");
  EXPECT(said(m.window(), pvhboot::oddity::rsdp_damaged) == 1);
  m.contents[0x48] = 0xe1;  // the sum of the signature and this is 0
  EXPECT(said(m.window(), pvhboot::oddity::rsdp_damaged) == 0);
});
ROW("memory_map: insert and overwrite without room", {
  memory_map_buffer<1> buffer{};
  memory_map map{buffer};
  EXPECT(map.insert(range(0, 0x3000, 1)));
  EXPECT(fails(map.insert(range(0x8000, 0x1000, 1)), errc::map_full, 1) && map.size() == 1);
  EXPECT(fails(map.overwrite(range(0x1000, 0x1000, 2)), errc::map_full, 3) && map[0] == range(0, 0x3000, 1));
  EXPECT(fails(map.overwrite(range(0x1000, 0x1000, 0)), errc::map_full, 2) && map.overwrite(range(9, 0, 2)));
  EXPECT(map.overwrite(range(0x2000, 0x1000, 0)) && map.size() == 1 && map[0] == range(0, 0x2000, 1));
});
ROW("memory_map: ranges that would be 2^64 bytes together stay two", {
  memory_map_buffer<2> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(range(uint64_t{1} << 63, uint64_t{1} << 63, 1)) && map.append(range(0, uint64_t{1} << 63, 1)));
  EXPECT(map.sanitize() && map.size() == 2 && map.is_sanitized() && map[1].last() == top);
});
ROW("memory_range: equal in all three", {
  auto r = range(1, 2, 3);
  EXPECT(!(r == range(9, 2, 3)) && !(r == range(1, 9, 3)) && !(r == range(1, 2, 9)) && r == range(1, 2, 3));
});
TEST_CASE("name: every memory type that has one") {
  const std::string_view names[] = {"ram", "reserved", "acpi", "nvs", "unusable", "disabled", "pmem", "unaccepted"};
  uint32_t number = 1;
  for (const std::string_view text : names) CHECK(std::string_view(name(memory_type{number++})) == text);
  CHECK((name(memory_type{number}) == "unknown"));
  CHECK((name(memory_type::pram) == "pram"));
  CHECK((name(memory_type::coreboot) == "coreboot"));
  CHECK((name(memory_type::reserved_kern) == "reserved_kern"));
}

ROW("read_string: text that goes on to the end of the address space", {
  memory<4> m{.base = top - 3, .contents = {{'a', 'b', 'c', 0}}};
  EXPECT(*pvhboot::read_string(m.window(), top - 3, 100) == "abc");
  m.contents[3] = 'd';
  EXPECT(fails(pvhboot::read_string(m.window(), top - 3, 100), errc::cmdline_unterminated, top - 3));
});

/// The place of a kernel that cannot be moved, in this RAM.
constexpr pvhboot::result<uint64_t> fixed_place(uint64_t first, uint64_t size, uint64_t pref) {
  image i;
  i.header.relocatable_kernel = 0;
  i.header.pref_address = pref;
  auto file = i.written();
  auto kernel = pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<2> buffer{};
  memory_map ram{buffer};
  if (!ram.append(range(first, size, 1))) return {errc::map_full, 0};
  auto place = pvhboot::place_kernel(*kernel, ram);
  if (!place) return place.error();
  return place->load_paddr;
}
ROW("place_kernel: of a kernel that cannot be moved, every condition", {
  EXPECT(*fixed_place(MiB, 255 * MiB, 16 * MiB) == MiB);
  EXPECT(fails(fixed_place(2 * MiB, 254 * MiB, 16 * MiB), errc::no_place_for_kernel, 32 * MiB));
  EXPECT(fails(fixed_place(MiB, 46 * MiB, 16 * MiB), errc::no_place_for_kernel, 32 * MiB));
  EXPECT(fails(fixed_place(MiB, 4095 * MiB, 2048 * MiB), errc::no_place_for_kernel, 32 * MiB));
});
ROW("place_kernel: an alignment of one byte is the last that is tried", {
  image i;
  i.header.kernel_alignment = 1;
  auto file = i.written();
  auto kernel = pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<2> buffer{};
  memory_map ram{buffer};
  EXPECT(ram.append(range(16 * MiB + 1, 32 * MiB, 1)));
  auto place = pvhboot::place_kernel(*kernel, ram);
  EXPECT(place && place->load_paddr == 16 * MiB + 1 && place->kernel_alignment == 1);
  ram.intersect(0, 48 * MiB);
  EXPECT(fails(pvhboot::place_kernel(*kernel, ram), errc::no_place_for_kernel, 32 * MiB));
});

ROW("setup_data: a node whose payload would begin at 2^64", {
  memory<16> m{.base = top - 15};
  m.put(top - 15, abi::setup_data{.next = 0, .type = pvhboot::setup_type{9}, .len = 0});
  auto done =
      walk_setup_data(m.window(), top - 15, 8, [](const pvhboot::setup_node&) { return pvhboot::result<void>{}; });
  EXPECT(fails(done, errc::setup_data_unreadable, top - 15));
});

ROW("prepare_for_linux: a map that cannot be sanitised", {
  table<2> storage{{range(0x1000, 0x1000, 1), range(0, 0x1000, 2)}};
  memory_map map{storage, {}};
  EXPECT(map.append(range(0x1000, 0x1000, 1)) && map.append(range(0, 0x1000, 2)));
  EXPECT(fails(pvhboot::prepare_for_linux(map), errc::scratch_too_small, 2));
});
ROW("translate: a boot loader's map of more than 128 ranges without a place for the rest", {
  image i;
  auto file = i.written();
  auto kernel = pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<129> buffer{};
  memory_map map{buffer};
  for (uint64_t n = 0; n < 128; ++n) EXPECT(map.append(range(0x2000 * n, 0x1000, 1)));
  EXPECT(map.append(range(16 * MiB, 64 * MiB, 1)) && map.sanitize());
  abi::boot_params zero_page{};
  pvhboot::linux_layout values{.kernel = *place_kernel(*kernel, map), .zero_page_paddr = 0x2000};
  zero_page.sentinel = 0x55;
  EXPECT(fails(translate(*kernel, values, map, zero_page), errc::e820_full, 129) && zero_page.sentinel == 0x55);
});
ROW("translate: a kernel's own zero page without a module", {
  memory<0x100> m;
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value});
  auto boot = pvhboot::parse(m.window(), 0x1000);
  memory_map_buffer<2> buffer{};
  memory_map map{buffer};
  abi::boot_params zero_page{};
  EXPECT(fails(translate(*boot, map, pvhboot::started_by::other, zero_page), errc::e820_too_few, 0));
  EXPECT(map.append(table<2>{{range(0, 0x1000, 1), range(0x1000, 0x1000, 2)}}) && map.sanitize());
  EXPECT(translate(*boot, map, pvhboot::started_by::other, zero_page) && zero_page.hdr.ramdisk_image == 0 &&
         zero_page.e820_entries == 2);
});
ROW("read_zero_page: an initrd of no bytes is none", {
  memory<16> m;
  memory_map_buffer<2> buffer{};
  memory_map map{buffer};
  abi::boot_params zero_page{};
  zero_page.hdr.ramdisk_image = 0x1000;
  EXPECT(pvhboot::read_zero_page(m.window(), zero_page, map)->initrd_paddr == 0);
});

ROW("find_xen: a signature that is only begun", {
  for (uint32_t words : {1u, 2u, 3u}) {
    auto machine = [=](uint32_t) -> pvhboot::cpuid_leaf {
      return {0x40000005, 0x566e6558, words > 1 ? 0x65584d4du : 0, words > 2 ? 0x4d4d566eu : 0};
    };
    EXPECT(pvhboot::find_xen(machine).found() == (words == 3));
  }
});

ROW("memory_map: merge, of one type only, of neighbours only, and never to 2^64 bytes", {
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(table<6>{{range(0, 0x1000, 12), range(0x1000, 0x1000, 12), range(0x2000, 0x1000, 1),
                              range(0x3000, 0x1000, 12), range(0x5000, 0x1000, 12), range(0x6000, 0x1000, 2)}}));
  map.merge(memory_type::pram);
  EXPECT(map.size() == 5 && map[0] == range(0, 0x2000, 12) && map[2] == range(0x3000, 0x1000, 12));
  map.clear();
  EXPECT(map.append(table<2>{{range(0, uint64_t{1} << 63, 12), range(uint64_t{1} << 63, uint64_t{1} << 63, 12)}}));
  map.merge(memory_type::pram);
  EXPECT(map.size() == 2);
  map.truncate(1);
  map.truncate(7);
  EXPECT(map.size() == 1);
});
ROW("memory_range: a query that wraps inside a range that wraps", {
  auto r = range(top - 15, 0x100, 1);
  auto inside = top - 7;
  EXPECT(!r.contains(inside, 0x20) && r.contains(inside, 8) && !r.contains(inside, 0x200));
});
ROW("check_placement: ranges of the kernel that wrap, by the 64-bit entry", {
  image i;
  i.header.init_size = 0x2000000;
  auto file = i.written();
  auto kernel = pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<2> buffer{};
  memory_map ram{buffer};
  EXPECT(ram.append(range(0, top, 1)));
  pvhboot::linux_layout l{.kernel = {.load_paddr = top - 0xfff,
                                     .load_size = 0x2000,
                                     .runtime_start = 16 * MiB,
                                     .runtime_size = 32 * MiB,
                                     .kernel_alignment = 0x200000},
                          .entry_64 = true,
                          .zero_page_paddr = 0x8000};
  EXPECT(fails(check_placement(*kernel, l, ram), errc::kernel_too_high, top - 0xfff));
  l.kernel.load_paddr = l.kernel.runtime_start = 0 - uint64_t{0x200000};
  EXPECT(fails(check_placement(*kernel, l, ram), errc::kernel_too_high, 0 - uint64_t{0x200000}));
});
ROW("translate: a chain whose head is in the writer's own storage, and storage that is too small", {
  image i;
  auto file = i.written();
  auto kernel = pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<160> buffer{};
  memory_map ram{buffer};
  for (uint64_t n = 0; n < 128; ++n) EXPECT(ram.append(range(0x2000 * n, 0x1000, 1)));
  EXPECT(ram.append(range(16 * MiB, 64 * MiB, 1)) && ram.sanitize());
  memory<0x80> storage{.base = 0x4000};
  pvhboot::setup_data_writer nodes{storage.contents, storage.base};
  EXPECT(nodes.reserve(setup_type::rng_seed, 8) && nodes.head() == 0x4000);
  abi::boot_params page{};
  pvhboot::linux_layout l{.kernel = *place_kernel(*kernel, ram), .zero_page_paddr = 0x2000};
  EXPECT(translate(*kernel, l, ram, page, &nodes) && page.hdr.setup_data == 0x4018);
  pvhboot::setup_data_writer narrow{pvhboot::span<uint8_t>{storage.contents}.first(35), storage.base};
  EXPECT(fails(translate(*kernel, l, ram, page, &narrow), errc::setup_data_full, 20) && narrow.size() == 0);
});
ROW("place_kernel: one that cannot be moved, below what the caller allows, or above 2 GiB", {
  EXPECT(fails(fixed_place(0, 255 * MiB, 0x10000), errc::no_place_for_kernel, 32 * MiB));
  EXPECT(fails(fixed_place(0, top, 0x80000000), errc::no_place_for_kernel, 32 * MiB));
  EXPECT(fails(fixed_place(0, top, 0x7f000000), errc::no_place_for_kernel, 32 * MiB));
  image i;
  i.header.relocatable_kernel = 0;
  auto file = i.written();
  auto kernel = pvhboot::parse_bzimage(file.contents);
  memory_map_buffer<2> buffer{};
  memory_map ram{buffer};
  EXPECT(ram.append(range(0, 255 * MiB, 1)));
  EXPECT(fails(place_kernel(*kernel, ram, 2 * MiB), errc::no_place_for_kernel, 32 * MiB));
});
ROW("prepare_for_linux: a range that reaches 2^64 keeps all pages but the last", {
  memory_map_buffer<4> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(table<2>{{range(0, 0x9f000, 1), range(top - 0x2fff, 0x3000, 2)}}));
  EXPECT(prepare_for_linux(map) && map.size() == 2 && map[1] == range(top - 0x2fff, 0x2000, 2));
  EXPECT(pvhboot::e820_ext_size(map) == 0);
});
ROW("lint: map_full for a list of more modules than ranges", {
  memory<0x100> m;
  m.put(0x1000, abi::hvm_start_info{.magic = abi::hvm_start_magic_value, .nr_modules = 3, .modlist_paddr = 0x1040});
  auto window = m.window();
  auto boot = pvhboot::parse(window, 0x1000);
  pvhboot::array<memory_range, 2> ranges{};
  pvhboot::array<pvhboot::sweep_slot, 3> slots{};
  memory_map scratch{ranges, slots};
  EXPECT(fails(lint(window, *boot, scratch, [](pvhboot::finding) {}), errc::map_full, 3));
});

}  // namespace
