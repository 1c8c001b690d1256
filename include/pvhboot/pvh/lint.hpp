// SPDX-License-Identifier: BSL-1.0
//
// Opt-in: what is odd about a handoff that parse accepted, where, and which real consumer fails on it. For the author
// of a VMM, who learns how other kernels read the structures it wrote, and for the user of a kernel whose hypervisor is
// at fault. Nothing reported here keeps this library from reading the handoff.
//
//     pvhboot::memory_map_buffer<1024> buffer;
//     pvhboot::memory_map scratch{buffer};
//     auto done = lint(memory, *boot, scratch, [](pvhboot::finding f) { use(message(f.what), f.where); });
//
// The findings are the rows of oddities.def; oddity.hpp has their texts and the consumers that each hurts.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/queries.hpp>
#include <pvhboot/pvh/oddity.hpp>
#include <pvhboot/pvh/parse.hpp>

namespace pvhboot {

/// What else is known about the guest.
struct lint_options {
  memory_range kernel{};  ///< where the kernel's image lies; of size 0: unknown. The type does not matter
  bool probe_ram = true;  ///< read the first and the last byte of each RAM entry. Off for a memory that is only a part
};

/// One pass over a handoff: a function per structure.
template <class Memory, class Report> class linter {
 public:
  /// Whether run() is noexcept.
  static constexpr bool silent = reads_noexcept<Memory>&& noexcept((*static_cast<Report*>(nullptr))(finding{}));

  /// Keeps references to all of them.
  constexpr linter(const Memory& memory, const boot_info<Memory>& boot, memory_map& scratch, Report& report,
                   const lint_options& options) noexcept
      : memory_(memory), boot_(boot), info_(boot.wire()), scratch_(scratch), report_(report), options_(options) {}

  /// Reports everything that is odd.
  constexpr result<void> run() const noexcept(silent) {
    const size_t entries = boot_.memory_map().size();
    const size_t modules = boot_.modules().size();
    const size_t slots = entries > modules ? entries : modules;
    if (scratch_.slots() < slots) return {errc::scratch_too_small, slots};
    if (scratch_.capacity() < 2 * entries || scratch_.capacity() < modules)
      return {errc::map_full, 2 * entries > modules ? 2 * entries : modules};
    check_overlaps();
    // From here on scratch is the sanitised map: which of the pieces lie in RAM?
    scratch_.clear();
    static_cast<void>(scratch_.append(boot_.memory_map()));  // there is room
    static_cast<void>(scratch_.sanitize());
    check_start_info();
    check_modules();
    check_cmdline();
    check_rsdp();
    check_memory_map();
    return {};
  }

 private:
  static constexpr uint64_t four_gib = uint64_t{1} << 32;
  static constexpr uint64_t page = 4096;

  constexpr void report(oddity what, uint64_t where) const noexcept(silent) { report_(finding{what, where}); }
  [[__nodiscard__]] constexpr uint64_t field(size_t offset) const noexcept { return boot_.paddr() + offset; }
  [[__nodiscard__]] constexpr uint64_t module_at(size_t i) const noexcept {
    return info_.modlist_paddr + uint64_t{i} * sizeof(abi::hvm_modlist_entry);
  }
  [[__nodiscard__]] constexpr uint64_t entry_at(size_t i) const noexcept {
    return info_.memmap_paddr + uint64_t{i} * sizeof(abi::hvm_memmap_table_entry);
  }
  [[__nodiscard__]] constexpr bool has_map() const noexcept {
    return boot_.memory_map_state() == memory_map_state::table;
  }
  /// There is a map, and it has no RAM for [addr, addr + size).
  [[__nodiscard__]] constexpr bool outside_ram(uint64_t addr, uint64_t size) const noexcept {
    return has_map() && size != 0 && !covers(scratch_, addr, size, memory_type::ram);
  }

  /// The structures of the handoff, of size 0 if absent. The type does not matter.
  enum : size_t { start_info, modlist, memmap, cmdline, rsdp, structures };
  [[__nodiscard__]] constexpr memory_range structure(size_t i) const noexcept {
    switch (i) {
      case start_info: return {boot_.paddr(), boot_.wire_size(), {}};
      case modlist: return {info_.modlist_paddr, uint64_t{boot_.modules().size()} * sizeof(abi::hvm_modlist_entry), {}};
      case memmap:
        return {info_.memmap_paddr, uint64_t{boot_.memory_map().size()} * sizeof(abi::hvm_memmap_table_entry), {}};
      case cmdline:
        return {info_.cmdline_paddr, boot_.cmdline().absent() ? 0 : boot_.cmdline().size() + uint64_t{1}, {}};
      default: return {info_.rsdp_paddr, boot_.rsdp_paddr() != 0 ? abi::rsdp_v1_size : 0, {}};
    }
  }

  /// The structures among themselves, the modules among themselves, the entries among themselves. The last two by
  /// sorting: scratch holds the ranges, each with its index for a type.
  constexpr void check_overlaps() const noexcept(silent) {
    for (size_t i = 0; i < structures; ++i)
      for (size_t j = 0; j < i; ++j) {
        const memory_range a = structure(i);
        const memory_range b = structure(j);
        if (a.overlaps(b)) report(oddity::structures_overlap, a.addr > b.addr ? a.addr : b.addr);
      }
    const auto sort = [this](size_t n, const auto& range, const auto& found) noexcept(silent) {
      scratch_.clear();
      for (size_t i = 0; i < n; ++i) {
        memory_range r = range(i);
        r.type = memory_type{narrow_cast<uint32_t>(i)};
        static_cast<void>(scratch_.append(r));  // run has checked the room
      }
      static_cast<void>(scratch_.report_overlaps([&](const memory_range&, const memory_range& later) noexcept(silent) {
        found(narrow_cast<size_t>(later.type));
      }));
    };
    const auto modules = boot_.modules();
    sort(
        modules.size(), [&](size_t i) noexcept { return range_of(modules[i]); },
        [&](size_t i) noexcept(silent) { report(oddity::module_overlaps_module, module_at(i)); });
    const auto map = boot_.memory_map();
    sort(
        map.size(), [&](size_t i) noexcept { return map[i]; },
        [&](size_t i) noexcept(silent) { report(oddity::entry_overlaps, entry_at(i)); });
  }
  static constexpr memory_range range_of(const boot_module& m) noexcept { return {m.paddr, m.size, {}}; }

  constexpr void check_start_info() const noexcept(silent) {
    const memory_range place = structure(start_info);
    if (place.last() >= four_gib) report(oddity::start_info_above_4g, place.addr);
    if (place.addr % 8 != 0) report(oddity::start_info_misaligned, place.addr);
    if (outside_ram(place.addr, place.size)) report(oddity::start_info_not_in_ram, place.addr);
    if (info_.version.get() > 1) report(oddity::newer_version, field(offsetof(abi::hvm_start_info, version)));
    if (info_.version.get() == 1 && info_.reserved.get() != 0)
      report(oddity::reserved_not_zero, field(offsetof(abi::hvm_start_info, reserved)));
    constexpr uint32_t defined = sif::privileged | sif::initdomain | sif::multiboot_mod | sif::mod_start_pfn |
                                 sif::virt_p2m_4tools | sif::pm_mask;
    const uint64_t flags_at = field(offsetof(abi::hvm_start_info, flags));
    if ((info_.flags.get() & ~defined) != 0) report(oddity::unknown_flags, flags_at);
    if ((info_.flags.get() & sif::initdomain) != 0 && (info_.flags.get() & sif::privileged) == 0)
      report(oddity::initdomain_unprivileged, flags_at);
    for (size_t i = 0; i < structures; ++i)
      if (structure(i).overlaps(options_.kernel)) report(oddity::overlaps_kernel, structure(i).addr);
  }

  constexpr void check_modules() const noexcept(silent) {
    const auto modules = boot_.modules();
    if (modules.empty() && info_.modlist_paddr.get() != 0)
      report(oddity::modlist_without_modules, field(offsetof(abi::hvm_start_info, modlist_paddr)));
    if (modules.size() > 1) report(oddity::several_modules, field(offsetof(abi::hvm_start_info, nr_modules)));
    const memory_range list = structure(modlist);
    if (outside_ram(list.addr, list.size)) report(oddity::modlist_not_in_ram, list.addr);
    for (size_t i = 0; i < modules.size(); ++i) check_module(module_at(i), modules.wire(i));
  }
  constexpr void check_module(uint64_t at, const abi::hvm_modlist_entry& wire) const noexcept(silent) {
    const boot_module m = boot_module::from(wire);
    const memory_range bytes = range_of(m);
    if (m.paddr == 0) report(oddity::module_at_zero, at);
    if (m.paddr % page != 0) report(oddity::module_unaligned, at);
    if (m.size == 0) report(oddity::module_empty, at + offsetof(abi::hvm_modlist_entry, size));
    if (m.size != 0 && bytes.last() >= four_gib) report(oddity::module_above_4g, at);
    if (outside_ram(m.paddr, m.size)) report(oddity::module_not_in_ram, at);
    bool on_structure = false;
    for (size_t i = 0; i < structures; ++i) on_structure = on_structure || bytes.overlaps(structure(i));
    if (on_structure) report(oddity::module_overlaps_metadata, at);
    if (bytes.overlaps(options_.kernel)) report(oddity::module_overlaps_kernel, at);
    // With garbage in the pointer the map is the only hint of what may be touched.
    if (m.cmdline_paddr != 0 && (outside_map(m.cmdline_paddr) || !boot_.cmdline_of(m)))
      report(oddity::module_cmdline_broken, at + offsetof(abi::hvm_modlist_entry, cmdline_paddr));
    if (wire.reserved.get() != 0)
      report(oddity::module_reserved_not_zero, at + offsetof(abi::hvm_modlist_entry, reserved));
  }
  [[__nodiscard__]] constexpr bool outside_map(uint64_t addr) const noexcept {
    for (const memory_range& r : scratch_)
      if (r.contains(addr, 1)) return false;
    return has_map();
  }

  constexpr void check_cmdline() const noexcept(silent) {
    const string_ref text = boot_.cmdline();
    if (text.absent()) {
      report(oddity::cmdline_absent, field(offsetof(abi::hvm_start_info, cmdline_paddr)));
      return;
    }
    const memory_range place = structure(cmdline);
    if (place.last() >= four_gib) report(oddity::cmdline_above_4g, place.addr);
    if (outside_ram(place.addr, place.size)) report(oddity::cmdline_not_in_ram, place.addr);
    if (text.size() > 2047) report(oddity::cmdline_over_2047, place.addr);
    for (size_t i = 0; i < text.size(); ++i) {
      if (static_cast<unsigned char>(text[i]) < 0x80) continue;
      report(oddity::cmdline_not_ascii, place.addr + i);
      break;
    }
  }

  constexpr void check_rsdp() const noexcept(silent) {
    const memory_range place = structure(rsdp);
    if (place.size == 0) {
      report(oddity::rsdp_absent, field(offsetof(abi::hvm_start_info, rsdp_paddr)));
      return;
    }
    if (place.last() >= four_gib) report(oddity::rsdp_above_4g, place.addr);
    if (const uint8_t* p = memory_.bytes(place.addr, place.size); !p) {
      report(oddity::rsdp_unreadable, place.addr);
    } else {
      constexpr char signature[] = "RSD PTR ";
      uint8_t sum = 0;
      bool is_signed = true;
      for (size_t i = 0; i < abi::rsdp_v1_size; ++i) {
        const uint8_t byte = read_once(p + i);
        sum = static_cast<uint8_t>(sum + byte);
        if (i < 8 && byte != static_cast<uint8_t>(signature[i])) is_signed = false;
      }
      if (!is_signed || sum != 0) report(oddity::rsdp_damaged, place.addr);
    }
    if (has_map() && covers(scratch_, place.addr, place.size, memory_type::ram))
      report(oddity::rsdp_in_ram, place.addr);
  }

  constexpr void check_memory_map() const noexcept(silent) {
    const uint64_t entries_at = field(offsetof(abi::hvm_start_info, memmap_entries));
    switch (boot_.memory_map_state()) {
      case memory_map_state::absent_in_version_0:
        report(oddity::memmap_absent, field(offsetof(abi::hvm_start_info, version)));
        return;
      case memory_map_state::no_entries:
        if (info_.memmap_paddr.get() != 0)
          report(oddity::memmap_pointer_no_entries, field(offsetof(abi::hvm_start_info, memmap_paddr)));
        else
          report(oddity::memmap_absent, entries_at);
        return;
      case memory_map_state::contradictory: report(oddity::memmap_entries_no_pointer, entries_at); return;
      case memory_map_state::table:
      default: break;
    }
    const auto map = boot_.memory_map();
    const memory_range place = structure(memmap);
    if (outside_ram(place.addr, place.size)) report(oddity::memmap_not_in_ram, place.addr);
    if (map.size() == 1) report(oddity::memmap_single_entry, place.addr);
    if (map.size() > 128) report(oddity::memmap_over_128, entries_at);
    if (map.size() > 255) report(oddity::memmap_over_255, entries_at);
    bool has_ram = false;
    bool any = false;     // an entry that is not empty came before
    uint64_t before = 0;  // and began here
    for (size_t i = 0; i < map.size(); ++i) {
      const abi::hvm_memmap_table_entry wire = map.wire(i);
      const memory_range r = memory_range::from(wire);
      const uint64_t at = entry_at(i);
      if (any && r.size != 0 && r.addr < before) report(oddity::entry_unsorted, at);
      if (r.size != 0) {
        any = true;
        before = r.addr;
        has_ram = has_ram || r.type == memory_type::ram;
      }
      check_entry(at, r, wire.reserved.get());
    }
    if (!has_ram) report(oddity::memmap_no_ram, place.addr);
  }
  constexpr void check_entry(uint64_t at, const memory_range& r, uint32_t reserved) const noexcept(silent) {
    if (!is_defined_by_pvh(r.type))
      report(oddity::entry_unknown_type, at + offsetof(abi::hvm_memmap_table_entry, type));
    if (reserved != 0) report(oddity::entry_reserved_not_zero, at + offsetof(abi::hvm_memmap_table_entry, reserved));
    if (r.size == 0) {
      report(oddity::entry_empty, at);
      return;
    }
    if (r.wraps()) report(oddity::entry_wraps, at);
    if (r.addr % page != 0 || (r.addr + r.size) % page != 0) report(oddity::entry_unaligned, at);
    if (r.type != memory_type::ram) return;
    if (r.overlaps(isa_hole)) report(oddity::entry_ram_in_isa_hole, at);
    if (options_.probe_ram && (!memory_.bytes(r.addr, 1) || !memory_.bytes(r.last(), 1)))
      report(oddity::entry_unreadable, at);
  }

  const Memory& memory_;
  const boot_info<Memory>& boot_;
  const abi::hvm_start_info& info_;
  memory_map& scratch_;
  Report& report_;
  const lint_options& options_;
};

/// Calls report(finding) for everything that is odd. No allocation: `scratch` is a map to work in, with room for twice
/// the entries of the handoff's map, and at least one range and one slot for each entry and each module; what it held
/// is lost.
///
/// Fails with map_full and scratch_too_small, before it reports anything. O(n log n) in the entries and in the modules,
/// plus each module's command line, which parse_limits bound: 256 modules with garbage for pointers can cost 256 times
/// 64 KiB single-byte requests.
template <physical_memory Memory, class Report>
constexpr result<void> lint(
    const Memory& memory, const boot_info<Memory>& boot, memory_map& scratch, Report&& report,
    const lint_options& options = {}) noexcept(reads_noexcept<Memory>&& noexcept(report(finding{}))) {
  return linter<Memory, typename without_reference<Report>::type>{memory, boot, scratch, report, options}.run();
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
