// SPDX-License-Identifier: BSL-1.0
//
// lint: what is odd about a hand-over that parse accepted, where, and which real consumer trips over it.
//
// For the author of a VMM who wants to know what other kernels will make of his structures, and for the user of a
// kernel whose hypervisor is at fault. Nothing reported here keeps this library from reading the hand-over.
#pragma once

#include <pvhboot/pvh/parse.hpp>

namespace pvhboot {

enum class severity : uint8_t {
  info,     ///< unusual, and nobody is known to mind
  warning,  ///< a real consumer fails
  error,    ///< against the specification
};

/// One value is one line of the checklist. The comments say what `where` of the finding is: "value" is the address of
/// the field that holds the odd value.
enum class oddity : uint8_t {
  // start_info
  start_info_above_4g,      ///< where: its address
  start_info_misaligned,    ///< not on 8 bytes. where: its address
  start_info_not_in_ram,    ///< no RAM range of the map holds it. where: its address
  newer_version,            ///< where: value
  reserved_not_zero,        ///< in version 1. where: value
  unknown_flags,            ///< where: value
  initdomain_unprivileged,  ///< SIF_INITDOMAIN without SIF_PRIVILEGED. where: value
  // modules
  modlist_without_modules,   ///< modlist_paddr but nr_modules 0. where: value
  several_modules,           ///< where: value (nr_modules)
  module_at_zero,            ///< where: value
  module_empty,              ///< where: value
  module_above_4g,           ///< where: value
  module_not_in_ram,         ///< where: value
  module_unaligned,          ///< not on a page. where: value
  module_overlaps_module,    ///< where: value, of the later one
  module_overlaps_metadata,  ///< start_info, module list, memory map or command line. where: value
  module_reserved_not_zero,  ///< where: value
  module_cmdline_broken,     ///< unreadable or without a NUL. where: value
  // command line
  cmdline_absent,     ///< where: value
  cmdline_above_4g,   ///< where: its address
  cmdline_not_ascii,  ///< where: the first such byte
  cmdline_over_2047,  ///< where: its address
  // RSDP
  rsdp_absent,      ///< where: value
  rsdp_above_4g,    ///< where: its address
  rsdp_unreadable,  ///< where: its address
  rsdp_damaged,     ///< signature or checksum. where: its address
  rsdp_in_ram,      ///< where: its address
  // memory map
  memmap_absent,              ///< version 0, or no entries and no pointer. where: value
  memmap_pointer_no_entries,  ///< where: value
  memmap_entries_no_pointer,  ///< where: value
  memmap_single_entry,        ///< where: the entry
  memmap_over_128,            ///< where: value
  memmap_over_255,            ///< where: value
  memmap_no_ram,              ///< where: the table
  entry_wraps,                ///< where: the entry
  entry_empty,                ///< where: the entry
  entry_unsorted,             ///< begins below the one before. where: the entry
  entry_overlaps,             ///< an earlier one. where: the entry
  entry_unknown_type,         ///< where: value
  entry_unaligned,            ///< begins or ends inside a page. where: the entry
  entry_reserved_not_zero,    ///< where: value
  entry_ram_in_isa_hole,      ///< where: the entry
};

inline constexpr oddity oddity_last = oddity::entry_ram_in_isa_hole;

struct finding {
  oddity what;
  uint64_t where;  ///< physical address of what the comment of the oddity names
};

struct oddity_text {
  severity level;
  string_ref sentence;
  string_ref fails;  ///< who fails on it and how; empty if nobody is known to
};

constexpr oddity_text describe(oddity what) noexcept {
  using enum severity;
  switch (what) {
    case oddity::start_info_above_4g: return {error, "start_info lies above 4 GiB, where %ebx cannot point", ""};
    case oddity::start_info_misaligned: return {info, "start_info is not 8-byte aligned", ""};
    case oddity::start_info_not_in_ram:
      return {warning, "start_info lies outside the map's RAM", "Linux 6.12 and Xen 4.20 write to it"};
    case oddity::newer_version: return {info, "a version newer than 1, read as version 1", ""};
    case oddity::reserved_not_zero: return {info, "start_info.reserved is not zero in version 1", ""};
    case oddity::unknown_flags: return {info, "flags that are not defined", ""};
    case oddity::initdomain_unprivileged: return {error, "SIF_INITDOMAIN without SIF_PRIVILEGED", ""};
    case oddity::modlist_without_modules: return {warning, "a module list without modules", "FreeBSD shuts down"};
    case oddity::several_modules: return {info, "more than one module", "Linux uses the first and ignores the others"};
    case oddity::module_at_zero: return {error, "a module at address 0, which means absent", ""};
    case oddity::module_empty: return {info, "a module of no bytes", ""};
    case oddity::module_above_4g:
      return {warning, "a module reaches above 4 GiB",
              "Linux takes the low 32 bits of its address; Xen as a guest panics"};
    case oddity::module_not_in_ram: return {info, "a module lies outside the map's RAM", ""};
    case oddity::module_unaligned:
      return {info, "a module does not begin on a page", "Linux expects its initrd to, and warns when it frees it"};
    case oddity::module_overlaps_module: return {error, "a module overlaps another", ""};
    case oddity::module_overlaps_metadata: return {error, "a module overlaps the hand-over's own structures", ""};
    case oddity::module_reserved_not_zero: return {info, "a module's reserved word is not zero", ""};
    case oddity::module_cmdline_broken:
      return {warning, "a module's command line cannot be read",
              "who follows the pointer blindly; qboot leaves garbage in it"};
    case oddity::cmdline_absent: return {info, "no command line", ""};
    case oddity::cmdline_above_4g:
      return {warning, "the command line lies above 4 GiB",
              "Linux takes the low 32 bits of its address; Xen as a guest panics"};
    case oddity::cmdline_not_ascii: return {info, "the command line is not ASCII", ""};
    case oddity::cmdline_over_2047: return {warning, "the command line is longer than 2047 bytes", "Linux cuts it off"};
    case oddity::rsdp_absent: return {info, "no RSDP", "OvmfXen asserts; others search the BIOS area"};
    case oddity::rsdp_above_4g: return {info, "the RSDP lies above 4 GiB", ""};
    case oddity::rsdp_unreadable: return {info, "the RSDP lies where nothing can be read", ""};
    case oddity::rsdp_damaged:
      return {warning, "what rsdp_paddr points to is no RSDP", "every ACPI user; gokvm points to its MP table"};
    case oddity::rsdp_in_ram: return {info, "the RSDP lies in RAM that the map gives away", ""};
    case oddity::memmap_absent: return {info, "no memory map: ask the hypervisor", "Linux on anything but Xen panics"};
    case oddity::memmap_pointer_no_entries:
      return {warning, "memmap_paddr without entries", "FreeBSD and rust-hypervisor-firmware see an empty map"};
    case oddity::memmap_entries_no_pointer:
      return {error, "memory map entries at address 0", "Linux reads its map from physical 0"};
    case oddity::memmap_single_entry:
      return {info, "a memory map of a single entry", "Linux before 7.0 ignores it unless it adds the ISA hole"};
    case oddity::memmap_over_128:
      return {warning, "more than 128 memory map entries",
              "Linux writes beyond its zero page, rust-hypervisor-firmware panics, GRUB loses entries"};
    case oddity::memmap_over_255: return {warning, "more than 255 memory map entries", "Linux counts them in 8 bits"};
    case oddity::memmap_no_ram: return {error, "a memory map without RAM", ""};
    case oddity::entry_wraps:
      return {error, "an entry ends above 2^64", "Linux rejects or does not sanitise the whole map"};
    case oddity::entry_empty: return {info, "an entry of no bytes", ""};
    case oddity::entry_unsorted: return {info, "an entry begins below the one before it", ""};
    case oddity::entry_overlaps:
      return {warning, "an entry overlaps an earlier one", "Linux's KASLR may choose reserved memory"};
    case oddity::entry_unknown_type:
      return {warning, "an entry of a type that PVH does not define", "rust-hypervisor-firmware panics"};
    case oddity::entry_unaligned: return {info, "an entry begins or ends inside a page", ""};
    case oddity::entry_reserved_not_zero: return {info, "an entry's reserved word is not zero", ""};
    case oddity::entry_ram_in_isa_hole: return {info, "RAM between 640 KiB and 1 MiB, where a PC has none", ""};
  }
  return {info, "unknown", ""};
}

/// Calls report(finding) for everything that is odd, in the order of the structures in memory's chain: start_info,
/// modules, command line, RSDP, memory map. No allocation. Quadratic in the modules, and in the map's entries if these
/// are not sorted; parse_limits bound both.
template <physical_memory Memory, class Report>
constexpr void lint(const Memory& memory, const boot_info<Memory>& boot, Report&& report) {
  constexpr uint64_t four_gib = uint64_t{1} << 32;
  constexpr uint64_t page = 4096;
  const abi::hvm_start_info& info = boot.wire();
  const auto say = [&](oddity what, uint64_t where) { report(finding{what, where}); };
  const auto field = [&](size_t offset) { return boot.paddr() + offset; };
  const auto map = boot.memory_map();
  const bool has_map = boot.memory_map_state() == memory_map_state::table;
  // Adjacent RAM entries count as one. Each pass over the entries moves `addr` up or ends the search.
  const auto in_ram = [&](uint64_t addr, uint64_t size) {
    if (size == 0 || size - 1 > ~addr) return false;
    const uint64_t last = addr + (size - 1);
    for (;;) {
      const uint64_t before = addr;
      for (const memory_range r : map) {
        if (r.type != memory_type::ram || !r.contains(addr, 1)) continue;
        if (r.last() >= last) return true;
        addr = r.last() + 1;
      }
      if (addr == before) return false;
    }
  };
  const auto in_any = [&](uint64_t addr) {
    for (const memory_range r : map)
      if (r.contains(addr, 1)) return true;
    return false;
  };

  const uint64_t info_size = info.version == 0 ? abi::hvm_start_info_v0_size : sizeof info;
  if (boot.paddr() > four_gib - info_size) say(oddity::start_info_above_4g, boot.paddr());
  if (boot.paddr() % 8 != 0) say(oddity::start_info_misaligned, boot.paddr());
  if (has_map && !in_ram(boot.paddr(), info_size)) say(oddity::start_info_not_in_ram, boot.paddr());
  if (info.version > 1) say(oddity::newer_version, field(offsetof(abi::hvm_start_info, version)));
  if (info.version == 1 && info.reserved != 0)
    say(oddity::reserved_not_zero, field(offsetof(abi::hvm_start_info, reserved)));
  const uint64_t flags_at = field(offsetof(abi::hvm_start_info, flags));
  constexpr uint32_t defined =
      sif::privileged | sif::initdomain | sif::multiboot_mod | sif::mod_start_pfn | sif::virt_p2m_4tools | sif::pm_mask;
  if ((info.flags & ~defined) != 0) say(oddity::unknown_flags, flags_at);
  if ((info.flags & sif::initdomain) != 0 && (info.flags & sif::privileged) == 0)
    say(oddity::initdomain_unprivileged, flags_at);

  const auto modules = boot.modules();
  if (modules.empty() && info.modlist_paddr != 0)
    say(oddity::modlist_without_modules, field(offsetof(abi::hvm_start_info, modlist_paddr)));
  if (modules.size() > 1) say(oddity::several_modules, field(offsetof(abi::hvm_start_info, nr_modules)));
  const memory_range metadata[] = {
      {boot.paddr(), info_size, {}},
      {info.modlist_paddr, uint64_t{modules.size()} * sizeof(abi::hvm_modlist_entry), {}},
      {info.memmap_paddr, uint64_t{map.size()} * sizeof(abi::hvm_memmap_table_entry), {}},
      {info.cmdline_paddr, boot.cmdline().absent() ? 0 : boot.cmdline().size() + uint64_t{1}, {}},
  };
  for (size_t i = 0; i < modules.size(); ++i) {
    const boot_module m = modules[i];
    const memory_range bytes{m.paddr, m.size, {}};
    const uint64_t at = info.modlist_paddr + uint64_t{i} * sizeof(abi::hvm_modlist_entry);
    const uint64_t size_at = at + offsetof(abi::hvm_modlist_entry, size);
    if (m.paddr == 0) say(oddity::module_at_zero, at);
    if (m.paddr % page != 0) say(oddity::module_unaligned, at);
    if (m.size == 0) {
      say(oddity::module_empty, size_at);
    } else {
      if (bytes.last() >= four_gib) say(oddity::module_above_4g, at);
      if (has_map && !in_ram(m.paddr, m.size)) say(oddity::module_not_in_ram, at);
    }
    bool overlaps = false;
    for (size_t j = 0; j < i && !overlaps; ++j) {
      const boot_module other = modules[j];
      overlaps = bytes.overlaps({other.paddr, other.size, {}});
    }
    if (overlaps) say(oddity::module_overlaps_module, at);
    bool on_metadata = false;
    for (const memory_range& r : metadata) on_metadata |= bytes.overlaps(r);
    if (on_metadata) say(oddity::module_overlaps_metadata, at);
    // With garbage in the pointer the map is the only hint of what may be touched.
    if (m.cmdline_paddr != 0 && ((has_map && !in_any(m.cmdline_paddr)) || !boot.cmdline_of(m)))
      say(oddity::module_cmdline_broken, at + offsetof(abi::hvm_modlist_entry, cmdline_paddr));
    if (modules.wire(i).reserved != 0)
      say(oddity::module_reserved_not_zero, at + offsetof(abi::hvm_modlist_entry, reserved));
  }

  const string_ref cmdline = boot.cmdline();
  if (cmdline.absent()) {
    say(oddity::cmdline_absent, field(offsetof(abi::hvm_start_info, cmdline_paddr)));
  } else {
    if (info.cmdline_paddr >= four_gib - cmdline.size()) say(oddity::cmdline_above_4g, info.cmdline_paddr);
    if (cmdline.size() > 2047) say(oddity::cmdline_over_2047, info.cmdline_paddr);
    for (size_t i = 0; i < cmdline.size(); ++i) {
      if (static_cast<unsigned char>(cmdline[i]) < 0x80) continue;
      say(oddity::cmdline_not_ascii, info.cmdline_paddr + i);
      break;
    }
  }

  if (const uint64_t rsdp = boot.rsdp_paddr(); rsdp == 0) {
    say(oddity::rsdp_absent, field(offsetof(abi::hvm_start_info, rsdp_paddr)));
  } else {
    // The first 20 bytes: signature, and a checksum over them (ACPI 6.5, section 5.2.5.3).
    constexpr uint64_t rsdp_v1_size = 20;
    if (rsdp > four_gib - rsdp_v1_size) say(oddity::rsdp_above_4g, rsdp);
    if (const uint8_t* p = memory.bytes(rsdp, rsdp_v1_size); !p) {
      say(oddity::rsdp_unreadable, rsdp);
    } else {
      constexpr char signature[] = "RSD PTR ";
      uint8_t sum = 0;
      bool signed_so = true;
      for (size_t i = 0; i < rsdp_v1_size; ++i) {
        sum = static_cast<uint8_t>(sum + p[i]);
        if (i < 8) signed_so &= p[i] == static_cast<uint8_t>(signature[i]);
      }
      if (!signed_so || sum != 0) say(oddity::rsdp_damaged, rsdp);
    }
    if (in_ram(rsdp, rsdp_v1_size)) say(oddity::rsdp_in_ram, rsdp);
  }

  const uint64_t entries_at = field(offsetof(abi::hvm_start_info, memmap_entries));
  switch (boot.memory_map_state()) {
    case memory_map_state::absent_in_version_0:
      say(oddity::memmap_absent, field(offsetof(abi::hvm_start_info, version)));
      return;
    case memory_map_state::no_entries:
      if (info.memmap_paddr != 0)
        say(oddity::memmap_pointer_no_entries, field(offsetof(abi::hvm_start_info, memmap_paddr)));
      else
        say(oddity::memmap_absent, entries_at);
      return;
    case memory_map_state::contradictory: say(oddity::memmap_entries_no_pointer, entries_at); return;
    case memory_map_state::table: break;
  }
  if (map.size() == 1) say(oddity::memmap_single_entry, info.memmap_paddr);
  if (map.size() > 128) say(oddity::memmap_over_128, entries_at);
  if (map.size() > 255) say(oddity::memmap_over_255, entries_at);
  constexpr memory_range isa{0xa0000, 0x60000, {}};
  bool has_ram = false;
  bool sorted = true;    // so far
  uint64_t highest = 0;  // the last byte of all entries so far
  uint64_t before = 0;   // where the entry before that is not empty begins
  bool any = false;      // an entry that is not empty came before
  for (size_t i = 0; i < map.size(); ++i) {
    const memory_range r = map[i];
    const uint64_t at = info.memmap_paddr + uint64_t{i} * sizeof(abi::hvm_memmap_table_entry);
    if (!is_defined_by_pvh(r.type)) say(oddity::entry_unknown_type, at + offsetof(abi::hvm_memmap_table_entry, type));
    if (map.wire(i).reserved != 0)
      say(oddity::entry_reserved_not_zero, at + offsetof(abi::hvm_memmap_table_entry, reserved));
    if (r.size == 0) {
      say(oddity::entry_empty, at);
      continue;
    }
    if (r.wraps()) say(oddity::entry_wraps, at);
    if (r.addr % page != 0 || (r.addr + r.size) % page != 0) say(oddity::entry_unaligned, at);
    if (any && r.addr < before) {
      sorted = false;
      say(oddity::entry_unsorted, at);
    }
    bool overlaps = any && sorted && r.addr <= highest;
    for (size_t j = 0; !sorted && j < i && !overlaps; ++j) overlaps = r.overlaps(map[j]);
    if (overlaps) say(oddity::entry_overlaps, at);
    highest = any && highest > r.last() ? highest : r.last();
    before = r.addr;
    any = true;
    has_ram |= r.type == memory_type::ram;
    if (r.type == memory_type::ram && r.overlaps(isa)) say(oddity::entry_ram_in_isa_hole, at);
  }
  if (!has_ram) say(oddity::memmap_no_ram, info.memmap_paddr);
}

}  // namespace pvhboot
