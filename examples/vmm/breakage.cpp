// SPDX-License-Identifier: BSL-1.0
#include "breakage.hpp"

#include <algorithm>
#include <stdexcept>

#include <pvhboot/elf/image.hpp>
#include <pvhboot/pvh/parse.hpp>

namespace vmm {

namespace {

using pvhboot::memory_type;

auto handoff_of(const broken_guest& g) {
  if (g.made.start_info == 0) throw std::runtime_error("--break is for guests that are entered through PVH");
  return *pvhboot::parse(g.memory, g.made.start_info);
}

template <class Wire> void put(const broken_guest& g, uint64_t paddr, const Wire& wire) {
  if (!write_struct(g.memory, paddr, wire)) throw std::runtime_error("--break: there is no memory to write to");
}

/// Changes the structure as it lies in memory.
template <class Change> void in_start_info(const broken_guest& g, const Change& change) {
  auto info = handoff_of(g).wire();
  change(info);
  put(g, g.made.start_info, info);
}

template <class Change>
void in_list(const broken_guest& g, const auto& list, uint64_t at, size_t i, const Change& change) {
  if (i >= list.size()) throw std::runtime_error("--break: the guest has no such module or map entry");
  auto wire = list.wire(i);
  change(wire);
  put(g, at + i * sizeof wire, wire);
}

template <class Change> void in_module(const broken_guest& g, const Change& change) {
  const auto boot = handoff_of(g);
  in_list(g, boot.modules(), boot.wire().modlist_paddr, 0, change);
}

/// Entry 1 has the RAM from 1 MiB on.
template <class Change> void in_map(const broken_guest& g, size_t i, const Change& change) {
  const auto boot = handoff_of(g);
  in_list(g, boot.memory_map(), boot.wire().memmap_paddr, i, change);
}

const placed& piece_of(const broken_guest& g, const std::string& what) {
  const auto found =
      std::find_if(g.made.pieces.begin(), g.made.pieces.end(), [&](const placed& p) { return p.what == what; });
  if (found == g.made.pieces.end()) throw std::runtime_error("--break: the guest has no " + what);
  return *found;
}

void flip(const broken_guest& g, uint64_t paddr) {
  const auto byte = g.memory.writable(paddr, 1);
  if (byte.empty()) throw std::runtime_error("--break: there is no memory to write to");
  byte[0] = static_cast<uint8_t>(~byte[0]);
}

uint64_t middle_of_last_segment(const broken_guest& g) {
  const auto image = *pvhboot::parse_elf(g.kernel);
  uint64_t middle = 0;
  for (const pvhboot::elf_segment& s : image.segments())
    if (s.filesz != 0) middle = s.paddr + s.filesz / 2;
  return piece_of(g, "kernel").addr - image.base() + middle;
}

/// The last address of the guest that is RAM, and more.
uint64_t end_of_ram(const broken_guest& g) { return g.made.map.back().addr + g.made.map.back().size; }

/// The segments of the state also stand in the GDT, where the guest can look.
void write_gdt(const broken_guest& g) { put(g, g.cpu.gdt.base, entry_gdt(g.cpu)); }

template <auto Segment> void shorten(broken_guest& g) {
  (g.cpu.*Segment).limit /= 2;
  write_gdt(g);
}
template <auto Segment> void move(broken_guest& g) {
  (g.cpu.*Segment).base = 16;
  write_gdt(g);
}
template <auto Segment, const pvhboot::segment_state& Other> void retype(broken_guest& g) {
  (g.cpu.*Segment).attributes = Other.attributes;
  write_gdt(g);
}
template <auto Segment> void to_16_bits(broken_guest& g) {
  constexpr unsigned is_32_bit = 1u << 10;
  (g.cpu.*Segment).attributes = static_cast<uint16_t>((g.cpu.*Segment).attributes & ~is_32_bit);
  write_gdt(g);
}

using state = pvhboot::entry_state;
using guest = broken_guest;

const std::vector<breakage> all{
    {without_a20, "bit 20 of addresses is ignored", nullptr},
    {"cr0-pe", "real mode", [](guest& g) { g.cpu.cr0 &= ~uint64_t{1}; }},
    {"cr0-pg", "paging is on", [](guest& g) { g.cpu.cr0 |= uint64_t{1} << 31; }},
    {"cr0-wp", "cr0.WP is set", [](guest& g) { g.cpu.cr0 |= uint64_t{1} << 16; }},
    {"cr0-ne", "cr0.NE is set", [](guest& g) { g.cpu.cr0 |= uint64_t{1} << 5; }},
    {"cr4", "cr4.PSE is set", [](guest& g) { g.cpu.cr4 |= uint64_t{1} << 4; }},
    {"efer", "EFER.LME is set", [](guest& g) { g.cpu.efer |= uint64_t{1} << 8; }},
    {"eflags-vm", "eflags.VM is set", [](guest& g) { g.cpu.eflags |= uint64_t{1} << 17; }},
    {"eflags-if", "eflags.IF is set", [](guest& g) { g.cpu.eflags |= uint64_t{1} << 9; }},
    {"eflags-tf", "eflags.TF is set", [](guest& g) { g.cpu.eflags |= uint64_t{1} << 8; }},
    {"eflags-df", "eflags.DF is set", [](guest& g) { g.cpu.eflags |= uint64_t{1} << 10; }},
    {"ebx-zero", "ebx is 0", [](guest& g) { g.cpu.ebx = 0; }},
    {"ebx-elsewhere", "ebx points past start_info", [](guest& g) { g.cpu.ebx += 8; }},
    {"eip", "eip is past the entry", [](guest& g) { g.cpu.eip += 1; }},
    {"cs-base", "the base of cs is not 0", move<&state::cs>},
    {"cs-limit", "cs ends at 2 GiB", shorten<&state::cs>},
    {"cs-type", "cs is a data segment", retype<&state::cs, pvhboot::flat_data>},
    {"cs-16-bit", "cs is a segment of 16 bits", to_16_bits<&state::cs>},
    {"ds-base", "the base of ds is not 0", move<&state::ds>},
    {"ds-limit", "ds ends at 2 GiB", shorten<&state::ds>},
    {"ds-type", "ds is a code segment", retype<&state::ds, pvhboot::flat_code>},
    {"es-base", "the base of es is not 0", [](guest& g) { g.cpu.es.base = 16; }},
    {"es-limit", "es ends at 2 GiB", [](guest& g) { g.cpu.es.limit /= 2; }},
    {"es-unset", "es has no segment", [](guest& g) { g.cpu.es = {}; }},
    {"ss-base", "the base of ss is not 0", [](guest& g) { g.cpu.ss.base = 16; }},
    {"ss-limit", "ss ends at 2 GiB", [](guest& g) { g.cpu.ss.limit /= 2; }},
    {"tr-base", "the base of the TSS is not 0", move<&state::tr>},
    {"tr-limit", "the TSS is too short", shorten<&state::tr>},
    {"tr-none", "there is no TSS",
     [](guest& g) {
       g.cpu.tr = {};
       write_gdt(g);
     }},
    {"gdt-none", "there is no GDT", [](guest& g) { g.cpu.gdt = {}; }},
    {"gdt-empty", "the GDT has no segments", [](guest& g) { put(g, g.cpu.gdt.base, decltype(entry_gdt(g.cpu)){}); }},
    {"magic", "start_info begins with 0", [](guest& g) { in_start_info(g, [](auto& i) { i.magic = 0u; }); }},
    {"version", "the version is 7", [](guest& g) { in_start_info(g, [](auto& i) { i.version = 7u; }); }},
    {"flags", "a flag that is not defined is set",
     [](guest& g) { in_start_info(g, [](auto& i) { i.flags = 1u << 20; }); }},
    {"flags-initdomain", "SIF_INITDOMAIN without SIF_PRIVILEGED",
     [](guest& g) { in_start_info(g, [](auto& i) { i.flags = 1u << 1; }); }},
    {"reserved", "start_info.reserved is not 0", [](guest& g) { in_start_info(g, [](auto& i) { i.reserved = 1u; }); }},
    {"modules-absent", "modules are counted, and the list has no address",
     [](guest& g) {
       in_start_info(g, [](auto& i) {
         i.nr_modules = 1u;
         i.modlist_paddr = uint64_t{0};
       });
     }},
    {"modules-uncounted", "the list has an address, and no modules are counted",
     [](guest& g) { in_start_info(g, [](auto& i) { i.nr_modules = 0u; }); }},
    {"modules-outside", "the list lies outside RAM",
     [](guest& g) { in_start_info(g, [&](auto& i) { i.modlist_paddr = end_of_ram(g); }); }},
    {"module-at-zero", "module 0 has the address 0",
     [](guest& g) { in_module(g, [](auto& m) { m.paddr = uint64_t{0}; }); }},
    {"module-empty", "module 0 has no bytes", [](guest& g) { in_module(g, [](auto& m) { m.size = uint64_t{0}; }); }},
    {"module-outside", "module 0 lies outside RAM",
     [](guest& g) { in_module(g, [&](auto& m) { m.paddr = end_of_ram(g); }); }},
    {"module-unaligned", "module 0 does not begin on a page",
     [](guest& g) { in_module(g, [](auto& m) { m.paddr = m.paddr.get() + 1; }); }},
    {"module-on-handoff", "module 0 lies on start_info",
     [](guest& g) { in_module(g, [&](auto& m) { m.paddr = g.made.start_info; }); }},
    {"module-on-kernel", "module 0 lies in the kernel",
     [](guest& g) { in_module(g, [&](auto& m) { m.paddr = piece_of(g, "kernel").addr; }); }},
    {"module-on-module", "module 1 lies on module 0",
     [](guest& g) {
       const auto boot = handoff_of(g);
       in_list(g, boot.modules(), boot.wire().modlist_paddr, 1,
               [&](auto& m) { m.paddr = piece_of(g, "module 0").addr; });
     }},
    {"module-reserved", "a module's reserved word is not 0",
     [](guest& g) { in_module(g, [](auto& m) { m.reserved = uint64_t{1}; }); }},
    {"module-cmdline", "the command line of module 0 cannot be read",
     [](guest& g) { in_module(g, [&](auto& m) { m.cmdline_paddr = end_of_ram(g); }); }},
    {"module-contents", "the first byte of module 0 is another one",
     [](guest& g) { flip(g, piece_of(g, "module 0").addr); }},
    {"cmdline-absent", "there is no command line",
     [](guest& g) { in_start_info(g, [](auto& i) { i.cmdline_paddr = uint64_t{0}; }); }},
    {"cmdline-outside", "the command line lies outside RAM",
     [](guest& g) { in_start_info(g, [&](auto& i) { i.cmdline_paddr = end_of_ram(g); }); }},
    {"cmdline-on-start-info", "the command line lies in start_info",
     [](guest& g) { in_start_info(g, [&](auto& i) { i.cmdline_paddr = g.made.start_info; }); }},
    {"cmdline-on-kernel", "the command line lies in the kernel",
     [](guest& g) { in_start_info(g, [&](auto& i) { i.cmdline_paddr = piece_of(g, "kernel").addr; }); }},
    {"cmdline-contents", "the first byte of the command line is another one",
     [](guest& g) { flip(g, handoff_of(g).wire().cmdline_paddr); }},
    {"rsdp-absent", "there is no RSDP",
     [](guest& g) { in_start_info(g, [](auto& i) { i.rsdp_paddr = uint64_t{0}; }); }},
    {"rsdp-elsewhere", "the RSDP is past its address",
     [](guest& g) { in_start_info(g, [](auto& i) { i.rsdp_paddr = i.rsdp_paddr.get() + 16; }); }},
    {"rsdp-checksum", "a byte of the RSDP is another one", [](guest& g) { flip(g, handoff_of(g).rsdp_paddr() + 9); }},
    {"acpi-checksum", "the last byte of the ACPI tables is another one",
     [](guest& g) {
       const placed& acpi = piece_of(g, "ACPI");
       uint64_t last = acpi.addr + acpi.size - 1;
       while (last > acpi.addr && *g.memory.bytes(last, 1) == 0) --last;  // past the tables is padding
       flip(g, last);
     }},
    {"acpi-in-ram", "the map calls the ACPI tables RAM",
     [](guest& g) { in_map(g, 2, [](auto& e) { e.type = memory_type::ram; }); }},
    {"map-absent", "there is no memory map",
     [](guest& g) {
       in_start_info(g, [](auto& i) {
         i.memmap_paddr = uint64_t{0};
         i.memmap_entries = 0u;
       });
     }},
    {"map-uncounted", "the map has an address and no entries",
     [](guest& g) { in_start_info(g, [](auto& i) { i.memmap_entries = 0u; }); }},
    {"map-no-address", "the map has entries and no address",
     [](guest& g) { in_start_info(g, [](auto& i) { i.memmap_paddr = uint64_t{0}; }); }},
    {"map-no-ram", "the map has no RAM",
     [](guest& g) {
       for (size_t i = 0; i < handoff_of(g).memory_map().size(); ++i)
         in_map(g, i, [](auto& e) { e.type = memory_type::reserved; });
     }},
    {"map-too-large", "the map has more RAM than the guest",
     [](guest& g) { in_map(g, 2, [](auto& e) {
                      e = {e.addr, e.size.get() * 16, memory_type::ram, 0u};
                    }); }},
    {"map-without-kernel", "the map has no RAM where the kernel lies",
     [](guest& g) { in_map(g, 1, [](auto& e) { e.type = memory_type::reserved; }); }},
    {"map-overlap", "an entry of the map overlaps another",
     [](guest& g) { in_map(g, 1, [](auto& e) { e.addr = uint64_t{0}; }); }},
    {"map-wraps", "an entry of the map ends above 2^64",
     [](guest& g) { in_map(g, 2, [](auto& e) { e.size = ~uint64_t{0}; }); }},
    {"map-type", "an entry of the map has an undefined type",
     [](guest& g) { in_map(g, 0, [](auto& e) { e.type = static_cast<memory_type>(99); }); }},
    {"map-reserved", "an entry's reserved word is not 0",
     [](guest& g) { in_map(g, 0, [](auto& e) { e.reserved = 1u; }); }},
    {"image-contents", "a byte in the middle of the kernel's last segment is another one",
     [](guest& g) { flip(g, middle_of_last_segment(g)); }},
    {"image-bss", "the last byte of the kernel's zero-filled part is not 0",
     [](guest& g) { flip(g, piece_of(g, "kernel").addr + piece_of(g, "kernel").size - 1); }},
};

}  // namespace

const std::vector<breakage>& breakages() { return all; }

void break_guest(const std::string& name, broken_guest& g) {
  static_cast<void>(handoff_of(g));
  for (const breakage& b : all)
    if (b.name == name && b.apply != nullptr) b.apply(g);
}

}  // namespace vmm
