// SPDX-License-Identifier: BSL-1.0
//
// The captures of tests/data through the C interface and through C++: the same answers.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <pvhboot/c/pvhboot.h>

#include <cstring>
#include <vector>

#include "../captures/captured.hpp"

namespace {

using pvhboot::memory_range;

struct buffers {
  pvhboot_range ranges[128];
  pvhboot_scratch scratch[128];
  pvhboot_map map{ranges, 128, scratch, 128, 0, 0};
};

const uint8_t* captured_bytes(void* context, uint64_t paddr, uint64_t n) {
  return static_cast<const captured::memory*>(context)->bytes(paddr, n);
}

bool same(const pvhboot_range& c, const memory_range& cpp) {
  return c.addr == cpp.addr && c.size == cpp.size && c.type == static_cast<uint32_t>(cpp.type);
}
bool same(const pvhboot_map& c, const pvhboot::memory_map& cpp) {
  bool equal = c.size == cpp.size() && (c.sanitized != 0) == cpp.known_sanitized();
  for (size_t i = 0; equal && i < c.size; ++i) equal = same(c.ranges[i], cpp[i]);
  return equal;
}
bool same(const char* c, size_t size, pvhboot::string_ref cpp) {
  return (c == nullptr) == cpp.absent() && size == cpp.size() && (!c || std::memcmp(c, cpp.data(), size + 1) == 0);
}

void collect(void* context, pvhboot_oddity what, uint64_t where) {
  static_cast<std::vector<pvhboot::finding>*>(context)->push_back({static_cast<pvhboot::oddity>(what), where});
}

void compare(captured::memory from) {
  const pvhboot_memory memory{&from, captured_bytes, nullptr};
  pvhboot_boot_info boot;
  uint64_t where = 0;
  const auto info = pvhboot::parse(from, from.start_info());
  REQUIRE(info);
  REQUIRE(pvhboot_parse(&memory, from.start_info(), nullptr, &boot, &where) == PVHBOOT_OK);
  CHECK(boot.paddr == info->paddr());
  CHECK(boot.version == info->version());
  CHECK(boot.flags == info->flags());
  CHECK(boot.rsdp_paddr == info->rsdp_paddr());
  CHECK(boot.cmdline_paddr == info->wire().cmdline_paddr.get());
  CHECK(boot.reserved == info->wire().reserved.get());
  CHECK(boot.memmap_state == static_cast<uint32_t>(info->memory_map_state()));
  CHECK(same(boot.cmdline, boot.cmdline_size, info->cmdline()));
  REQUIRE(boot.modules == info->modules().size());
  REQUIRE(boot.memmap_entries == info->memory_map().size());
  for (uint32_t i = 0; i < boot.modules; ++i) {
    pvhboot_module one;
    const char* text = nullptr;
    size_t size = 0;
    pvhboot_module_at(&boot, i, &one);
    const pvhboot::boot_module m = info->modules()[i];
    CHECK((one.paddr == m.paddr && one.size == m.size && one.cmdline_paddr == m.cmdline_paddr));
    const auto cmdline = info->cmdline_of(m);
    const pvhboot_error bad = pvhboot_module_cmdline(&boot, &one, &text, &size, &where);
    CHECK(cmdline.ok() == (bad == PVHBOOT_OK));
    if (cmdline)
      CHECK(same(text, size, *cmdline));
    else
      CHECK((static_cast<uint32_t>(cmdline.error().code) == bad && cmdline.error().where == where));
  }
  for (uint32_t i = 0; i < boot.memmap_entries; ++i) {
    pvhboot_range entry;
    pvhboot_memmap_at(&boot, i, &entry);
    CHECK(same(entry, info->memory_map()[i]));
  }
  pvhboot_extent pieces[64];
  const size_t n = pvhboot_extents(&boot, pieces, 64);
  size_t i = 0;
  for (const pvhboot::extent& e : pvhboot::extents{*info}) {
    REQUIRE(i < n);
    CHECK(pieces[i].what == static_cast<uint32_t>(e.what));
    CHECK((pieces[i].addr == e.addr && pieces[i].size == e.size && pieces[i].index == e.module));
    ++i;
  }
  CHECK(i == n);

  buffers c;
  pvhboot::memory_map_buffer<128> cpp;
  pvhboot::memory_map map{cpp};
  std::vector<pvhboot::finding> found, expected;
  REQUIRE(lint(from, *info, map, [&](pvhboot::finding f) { expected.push_back(f); }));
  REQUIRE(pvhboot_lint(&memory, &boot, &c.map, collect, &found, nullptr, &where) == PVHBOOT_OK);
  REQUIRE(found.size() == expected.size());
  for (size_t k = 0; k < found.size(); ++k)
    CHECK((found[k].what == expected[k].what && found[k].where == expected[k].where));
  CHECK(!found.empty());

  map.clear();
  c.map.size = 0;
  REQUIRE(map.append(info->memory_map()));
  REQUIRE(pvhboot_map_append_handoff(&c.map, &boot, &where) == PVHBOOT_OK);
  // dom0 gets its map from the hypercall.
  if (map.empty()) {
    const pvhboot_range ram{0x100000, 0x8000000, PVHBOOT_RAM};
    REQUIRE(pvhboot_map_append(&c.map, &ram, &where) == PVHBOOT_OK);
    REQUIRE(map.append({0x100000, 0x8000000, pvhboot::memory_type::ram}));
  }
  CHECK(same(c.map, map));
  REQUIRE(map.sanitize());
  REQUIRE(pvhboot_map_sanitize(&c.map, &where) == PVHBOOT_OK);
  CHECK(same(c.map, map));
  CHECK(pvhboot_total_ram(&c.map) == total_ram(map));
  REQUIRE(prepare_for_linux(map));
  REQUIRE(pvhboot_prepare_for_linux(&c.map, &where) == PVHBOOT_OK);
  CHECK(same(c.map, map));

  static pvhboot::abi::boot_params page;
  static uint8_t bytes[sizeof page];
  REQUIRE(translate(*info, map, pvhboot::started_by::xen, page));
  REQUIRE(pvhboot_translate_kernel(&boot, &c.map, PVHBOOT_STARTED_BY_XEN, bytes, nullptr, &where) == PVHBOOT_OK);
  CHECK(std::memcmp(bytes, &page, sizeof page) == 0);
  REQUIRE(translate_as_linux(*info, info->memory_map(), pvhboot::started_by::other, page));
  REQUIRE(pvhboot_translate_as_linux(&boot, nullptr, PVHBOOT_STARTED_BY_OTHER, bytes, &where) == PVHBOOT_OK);
  CHECK(std::memcmp(bytes, &page, sizeof page) == 0);

  REQUIRE(reserve_handoff(map, *info));
  REQUIRE(pvhboot_reserve_handoff(&c.map, &boot, &where) == PVHBOOT_OK);
  CHECK(same(c.map, map));
}

void compare(const pvhboot::abi::boot_params& page) {
  const pvhboot_window none{0, nullptr, nullptr, 0};
  pvhboot_window window = none;
  const pvhboot_memory memory{&window, pvhboot_window_bytes, nullptr};
  buffers c;
  pvhboot::memory_map_buffer<128> cpp;
  pvhboot::memory_map map{cpp};
  pvhboot_zero_page_values values;
  uint64_t where = 0;
  // A chain of setup_data was not captured.
  pvhboot::abi::boot_params alone = page;
  alone.hdr.setup_data = 0u;
  uint8_t bytes[sizeof alone];
  std::memcpy(bytes, &alone, sizeof alone);
  const auto expected = read_zero_page(pvhboot::memory_window{}, alone, map);
  REQUIRE(expected);
  REQUIRE(pvhboot_read_zero_page(&memory, bytes, &c.map, 64, &values, &where) == PVHBOOT_OK);
  CHECK(values.cmdline_paddr == expected->cmdline_paddr);
  CHECK(values.initrd_paddr == expected->initrd_paddr);
  CHECK(values.initrd_size == expected->initrd_size);
  CHECK(values.rsdp_paddr == expected->rsdp_paddr);
  CHECK(same(c.map, map));
  CHECK(map.size() > 1);
}

}  // namespace

TEST_CASE("QEMU microvm") { compare(captured::memory{captured::qemu_microvm}); }
TEST_CASE("QEMU pc") { compare(captured::memory{captured::qemu_pc}); }
TEST_CASE("QEMU q35") { compare(captured::memory{captured::qemu_q35}); }
TEST_CASE("Xen dom0") { compare(captured::memory{captured::xen_dom0}); }
TEST_CASE("Xen domU") { compare(captured::memory{captured::xen_domu}); }
TEST_CASE("Xen domU above 4 GiB") { compare(captured::memory{captured::xen_domu_above_4g}); }
TEST_CASE("zero pages") {
  compare(captured::zero_page(captured::qemu_microvm_linux));
  compare(captured::zero_page(captured::qemu_microvm_chainload));
  compare(captured::zero_page(captured::qemu_pc_linux));
  compare(captured::zero_page(captured::qemu_pc_chainload));
  compare(captured::zero_page(captured::qemu_q35_linux));
  compare(captured::zero_page(captured::qemu_q35_chainload));
  compare(captured::zero_page(captured::xen_domu_linux));
  compare(captured::zero_page(captured::xen_domu_chainload));
  compare(captured::zero_page(captured::xen_domu_grub));
}
