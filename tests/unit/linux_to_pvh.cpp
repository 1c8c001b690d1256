// SPDX-License-Identifier: BSL-1.0
//
// From a zero page to a handoff: what goes over, and each thing that does not.
#include <pvhboot/bridge/linux_to_pvh.hpp>
#include <pvhboot/pvh/values_of.hpp>

#include "row.hpp"

namespace {

using namespace test;
using pvhboot::handoff;
using pvhboot::handoff_module;
using pvhboot::linux_item;
using pvhboot::linux_loss;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;
using pvhboot::setup_type;
using pvhboot::string_ref;
namespace abi = pvhboot::abi;

constexpr uint64_t MiB = 1 << 20;

/// The zero page of a usual boot, and a piece of guest memory with its command line and room for setup_data.
struct scene {
  abi::boot_params page{};
  memory<0x400> guest{.base = 0x20000};
  memory_map_buffer<160> buffer{};
  memory_map map{buffer};
  handoff_module initrd{};

  constexpr scene() {
    page.hdr.type_of_loader = 0xff;
    page.hdr.cmd_line_ptr = 0x20000;
    page.hdr.ramdisk_image = 0x8000000;
    page.hdr.ramdisk_size = 0x123456;
    page.acpi_rsdp_addr = 0xfc008000;
    page.e820_table[0] = {.addr = 0, .size = 0x9fc00, .type = pvhboot::memory_type{1}};
    page.e820_table[1] = {.addr = MiB, .size = 255 * MiB, .type = pvhboot::memory_type{1}};
    page.e820_table[2] = {.addr = 0x9fc00, .size = 0x400, .type = pvhboot::memory_type{2}};
    page.e820_entries = 3;
    guest.put_text(0x20000, "console=ttyS0");
  }
  template <class Report> constexpr pvhboot::result<handoff> converted(const Report& report) {
    return linux_to_pvh(guest.window(), page, map, initrd, report);
  }
  constexpr pvhboot::result<handoff> converted() {
    return converted([](const linux_loss&) noexcept {});
  }
};
constexpr memory_range entries[] = {range(0, 0x9fc00, 1), range(MiB, 255 * MiB, 1), range(0x9fc00, 0x400, 2)};

ROW("linux_to_pvh: command line, initrd, RSDP and map, as they stand", {
  scene s;
  (void)s.map.append(range(5, 5, 5));  // lost
  const auto h = s.converted();
  const handoff_module initrd[] = {{.paddr = 0x8000000, .size = 0x123456}};
  EXPECT(h &&
         *h == handoff{.cmdline = "console=ttyS0", .modules = initrd, .rsdp_paddr = 0xfc008000, .memmap = entries});
});
ROW("linux_to_pvh: what is absent stays absent", {
  scene s;
  s.page = {};
  const auto h = s.converted();
  EXPECT(h && *h == handoff{} && h->cmdline.absent());
});
ROW("linux_to_pvh: high halves of addresses (B14)", {
  scene s;
  s.guest.base = 0x500020000;
  s.page.ext_cmd_line_ptr = 5;
  s.page.ext_ramdisk_image = 6;
  s.page.ext_ramdisk_size = 1;
  const auto h = s.converted();
  EXPECT(h && h->cmdline == string_ref{"console=ttyS0"} && h->modules[0].paddr == 0x608000000 &&
         h->modules[0].size == 0x100123456);
});
ROW("linux_to_pvh: an initrd that Linux ignores is none", {
  scene s;
  s.page.hdr.type_of_loader = 0;
  EXPECT(s.converted()->modules.empty());
});
ROW("linux_to_pvh: e820 entries beyond 128 come from setup_data", {
  scene s;
  s.page.e820_entries = 128;
  for (size_t i = 0; i < 128; ++i)
    s.page.e820_table[i] = {.addr = i * MiB, .size = 0x1000, .type = pvhboot::memory_type{1}};
  s.guest.put(0x20100, abi::setup_data{.next = 0, .type = pvhboot::setup_type{1}, .len = 20});
  s.guest.put(0x20110, abi::boot_e820_entry{.addr = 200 * MiB, .size = 0x2000, .type = pvhboot::memory_type{3}});
  s.page.hdr.setup_data = 0x20100;
  int losses = 0;
  const auto h =
      s.converted([&](const linux_loss& l) noexcept { losses += l.what == linux_item::type_of_loader ? 1 : 9; });
  EXPECT(h && h->memmap.size() == 129 && h->memmap[128] == range(200 * MiB, 0x2000, 3) && losses == 1);
});

/// The losses after the change, without the loader's number: how many, and how many of this item at this place.
struct count {
  int all = 0;
  int this_one = 0;
};
template <class Change> constexpr count losses(const Change& change, linux_item what, uint64_t where) {
  scene s;
  change(s);
  count c;
  const auto h = s.converted([&](const linux_loss& l) noexcept {
    if (l.what == linux_item::type_of_loader) return;
    ++c.all;
    c.this_one += l.what == what && l.where == where ? 1 : 0;
  });
  return h ? c : count{-1, -1};
}
template <class Change> constexpr bool only(const Change& change, linux_item what, uint64_t where) {
  const count c = losses(change, what, where);
  return c.all == 1 && c.this_one == 1;
}
ROW("linux_to_pvh: each loss, by its last byte", {
  EXPECT(losses([](scene&) {}, {}, 0).all == 0);
  EXPECT(only([](scene& s) { s.page.screen_info._reserved[1] = 1; }, linux_item::screen_info, 0));
  EXPECT(only([](scene& s) { s.page.apm_bios_info.cseg_16_len = 0x100; }, linux_item::apm_bios_info, 0x40));
  EXPECT(only([](scene& s) { s.page.tboot_addr = uint64_t{1} << 63; }, linux_item::tboot_addr, 0x58));
  EXPECT(only([](scene& s) { s.page.ist_info.perf_level = 0x1000000; }, linux_item::ist_info, 0x60));
  EXPECT(only([](scene& s) { s.page.hd1_info[15] = 1; }, linux_item::disks, 0x80));
  EXPECT(only([](scene& s) { s.page.sys_desc_table.table[13] = 1; }, linux_item::sys_desc_table, 0xa0));
  EXPECT(only([](scene& s) { s.page.olpc_ofw_header.irq_desc_table = 0x1000000; }, linux_item::olpc_ofw_header, 0xb0));
  EXPECT(only([](scene& s) { s.page.edid_info.dummy[127] = 1; }, linux_item::edid_info, 0x140));
  EXPECT(only([](scene& s) { s.page.efi_info.efi_memmap_hi = 0x1000000; }, linux_item::efi_info, 0x1c0));
  EXPECT(only([](scene& s) { s.page.alt_mem_k = 0x1000000; }, linux_item::alt_mem_k, 0x1e0));
  EXPECT(only([](scene& s) { s.page.eddbuf_entries = 1; }, linux_item::edd, 0x1e9));
  EXPECT(only([](scene& s) { s.page.edd_mbr_sig_buf_entries = 1; }, linux_item::edd, 0x1e9));
  EXPECT(only([](scene& s) { s.page.kbd_status = 1; }, linux_item::kbd_status, 0x1eb));
  EXPECT(only([](scene& s) { s.page.secure_boot = pvhboot::efi_secureboot_mode::enabled; }, linux_item::secure_boot,
              0x1ec));
  EXPECT(only([](scene& s) { s.page.hdr.hardware_subarch = pvhboot::x86_hardware_subarch{2}; },
              linux_item::hardware_subarch, 0x23c));
  EXPECT(only([](scene& s) { s.page.hdr.hardware_subarch_data = uint64_t{1} << 63; }, linux_item::hardware_subarch,
              0x23c));
  EXPECT(only([](scene& s) { s.page.edd_mbr_sig_buffer[15] = 0x1000000; }, linux_item::edd, 0x290));
});
ROW("linux_to_pvh: the disks' table to its end", {
  scene s;
  auto raw = __builtin_bit_cast(pvhboot::array<uint8_t, sizeof s.page>, s.page);
  raw[0xd00 + 0x1eb] = 1;
  raw[0xd00 + 0x1ec] = 1;  // padding
  s.page = __builtin_bit_cast(abi::boot_params, raw);
  int n = 0;
  EXPECT(
      s.converted([&](const linux_loss& l) noexcept { n += l.what == linux_item::edd && l.where == 0xd00 ? 1 : 100; }));
  EXPECT(n == 101);  // and the loader's number
});
ROW("linux_to_pvh: a set sentinel takes away what Linux clears", {
  scene s;
  s.page.sentinel = 1;
  s.page.edid_info.dummy[0] = s.page.kbd_status = 1;
  s.page.secure_boot = pvhboot::efi_secureboot_mode::unknown;
  bool secure_boot = false;
  bool cleared = false;
  const auto h = s.converted([&](const linux_loss& l) noexcept {
    secure_boot = secure_boot || l.what == linux_item::secure_boot;
    cleared = cleared || l.what == linux_item::edid_info || l.what == linux_item::kbd_status;
  });
  EXPECT(h && secure_boot && !cleared && h->rsdp_paddr == 0);
});
ROW("linux_to_pvh: setup_data nodes, with type and address: PVH has none for a random seed", {
  scene s;
  s.page.hdr.setup_data = 0x20100;
  s.guest.put(0x20100, abi::setup_data{.next = 0x20200, .type = pvhboot::setup_type{9}, .len = 32});
  s.guest.put(0x20200, abi::setup_data{.next = 0, .type = pvhboot::setup_type{2}, .len = 4});
  linux_loss found[4]{};
  size_t n = 0;
  EXPECT(s.converted([&](const linux_loss& l) noexcept { found[n++] = l; }) && n == 3);
  EXPECT(found[0].what == linux_item::type_of_loader && found[0].where == 0x210);
  EXPECT(found[1].what == linux_item::setup_data && found[1].where == 0x20100 && found[1].type == setup_type::rng_seed);
  EXPECT(found[2].where == 0x20200 && found[2].type == setup_type::dtb);
});
ROW("linux_to_pvh: what cannot be read is refused", {
  scene s;
  s.page.hdr.cmd_line_ptr = 0x30000;
  EXPECT(fails(s.converted(), errc::cmdline_unreadable, 0x30000));
  scene t;
  EXPECT(fails(
      linux_to_pvh(t.guest.window(), t.page, t.map, t.initrd, [](const linux_loss&) noexcept {}, {.string_size = 5}),
      errc::cmdline_unterminated, 0x20000));
  t.page.e820_entries = 129;
  EXPECT(fails(t.converted(), errc::e820_bad_count, 129));
  scene u;
  u.page.hdr.setup_data = 0x20100;
  u.guest.put(0x20100, abi::setup_data{.next = 0x20100, .type = pvhboot::setup_type{2}, .len = 0});
  EXPECT(fails(u.converted(), errc::setup_data_loop, 0x20100));
});

/// A chain that can be read as often as this.
struct forgetful_memory {
  pvhboot::memory_window inside;
  int* good;
  [[nodiscard]] constexpr const uint8_t* bytes(uint64_t paddr, uint64_t n) const noexcept {
    return (*good)-- > 0 ? inside.bytes(paddr, n) : nullptr;
  }
};
ROW("linux_to_pvh: a chain that has changed meanwhile is refused as well", {
  scene s;
  s.page.hdr.cmd_line_ptr = 0;
  s.page.hdr.setup_data = 0x20100;
  s.guest.put(0x20100, abi::setup_data{.next = 0, .type = pvhboot::setup_type{2}, .len = 0});
  int good = 2;
  const auto quiet = [](const linux_loss&) noexcept {};
  EXPECT(fails(linux_to_pvh(forgetful_memory{s.guest.window(), &good}, s.page, s.map, s.initrd, quiet),
               errc::setup_data_unreadable, 0x20100));
});
ROW("linux_to_pvh: there and back: a handoff, a zero page, the same handoff", {
  memory<0x400> guest{.base = 0x20000};
  const handoff_module initrd[] = {{.paddr = 0x4000000, .size = 5000}};
  const memory_range map_entries[] = {range(0, 0x9fc00, 1), range(0x9fc00, 0x60400, 2), range(MiB, 255 * MiB, 1)};
  const handoff before{.cmdline = "quiet", .modules = initrd, .rsdp_paddr = 0xf59e0, .memmap = map_entries};
  EXPECT(write(before, guest.contents, guest.base));
  const auto boot = pvhboot::parse(guest.window(), guest.base);
  memory_map_buffer<8> buffer{};
  memory_map map{buffer};
  EXPECT(map.append(boot->memory_map()) && prepare_for_linux(map));
  scene s;
  EXPECT(translate(*boot, map, pvhboot::started_by::other, s.page));
  handoff_module module{};
  int n = 0;
  const auto after = linux_to_pvh(guest.window(), s.page, map, module, [&](const linux_loss& l) noexcept {
    n += l.what == linux_item::type_of_loader ? 1 : 100;
  });
  EXPECT(after && *after == before && n == 1);
});
ROW("linux_item: each has a name of its own", {
  for (int i = 0; i <= static_cast<int>(linux_item::setup_data); ++i) {
    EXPECT(!name(linux_item{static_cast<uint8_t>(i)}).empty());
    for (int j = 0; j < i; ++j)
      EXPECT(!(name(linux_item{static_cast<uint8_t>(i)}) == name(linux_item{static_cast<uint8_t>(j)})));
  }
  EXPECT(name(linux_item::screen_info) == string_ref{"screen_info"} && name(linux_item::edd) == string_ref{"edd"});
  EXPECT(name(linux_item::setup_data) == string_ref{"setup_data"} && name(linux_item{99}) == string_ref{"unknown"});
});
static_assert(pvhboot::linux_items[0].size == sizeof(abi::screen_info));

}  // namespace
