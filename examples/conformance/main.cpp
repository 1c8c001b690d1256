// SPDX-License-Identifier: BSL-1.0
//
// A guest that judges its hypervisor: whether the CPU, the memory and the handoff are as the specification of PVH has
// them. It reports in TAP on the serial port, port 0xe9 and Xen's console, and ends with code 0x10 if no clause is
// broken, else 0x20. docs/conformance.md explains each line.
#include <pvhboot/core/queries.hpp>
#include <pvhboot/pvh/check_entry_state.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvhboot.hpp>

#include "../common/console.hpp"
#include "../common/xen.hpp"
#include "acpi.hpp"
#include "checks.hpp"
#include "memory.hpp"
#include "record.hpp"
#include "tap.hpp"

extern "C" conformance::recorded_state recorded;
extern "C" const uint8_t image_begin[];
extern "C" const uint8_t image_end[];

namespace {

using namespace conformance;
using pvhboot::finding;
using pvhboot::identity_map;
using pvhboot::memory_range;
using boot_info = pvhboot::boot_info<identity_map>;

constexpr size_t map_slots = 1024;
constexpr uint64_t four_gib = uint64_t{1} << 32;
pvhboot::memory_map_buffer<map_slots> map_buffer;
pvhboot::memory_map_buffer<map_slots> lint_buffer;

// Two tables of the image, in its read-only and in its writable segment.
const known_words<1024> read_only;
known_words<1024> writable;

template <size_t N> pvhboot::string_ref text(const char (&literal)[N]) { return {literal, N - 1}; }

memory_range image() {
  const auto begin = reinterpret_cast<uintptr_t>(image_begin);
  return {begin, reinterpret_cast<uintptr_t>(image_end) - begin, pvhboot::memory_type::ram};
}

template <class... Clauses> void hold(Clauses... c) { (holds(c), ...); }
template <class... Clauses> void skip(pvhboot::string_ref why, Clauses... c) { (skipped(c, why), ...); }

/// A finding breaks its clause, or is only odd.
void take(finding f) {
  const clause c = clause_of(f.what);
  if (c == clause::count)
    note(f);
  else
    broken(c, f.where);
}

void check_entry() {
  const auto descriptor = [](uint32_t selector) {
    const uint8_t* p = identity_map{}.bytes(gdt_base(recorded) + selector, 8);
    return p == nullptr ? 0 : pvhboot::load<pvhboot::le64>(p).get();
  };
  const auto state = state_of(recorded, descriptor);
  const auto see = [](const recorded_segment& s, clause c) {
    if (s.is_in_gdt == 0) skipped(c, text("not observable: the selector is not in the GDT that is loaded"));
  };
  check_entry_state(state, take);
  see(recorded.cs, clause::cs);
  see(recorded.ds, clause::ds);
  see(recorded.es, clause::es);
  see(recorded.ss, clause::ss);
  see(recorded.tr, clause::tr);
  hold(clause::cr0_pe, clause::cr0_pg, clause::cr0_rest, clause::cr4, clause::cs, clause::ds, clause::es, clause::ss,
       clause::tr, clause::eflags_vm, clause::eflags_if, clause::eflags_tf);
  if (recorded.a20_on == 0) broken(clause::a20, 0x100000);
  holds(clause::a20);
  if (recorded.bss_at != 0) broken(clause::bss, recorded.bss_at);
  holds(clause::bss);
  if (read_only.intact() != 1024) broken(clause::image, reinterpret_cast<uintptr_t>(&read_only));
  if (writable.intact() != 1024) broken(clause::image, reinterpret_cast<uintptr_t>(&writable));
  holds(clause::image);
}

void check_modules(const boot_info& boot) {
  uint32_t number = 0;
  uint32_t compared = 0;
  for (const pvhboot::boot_module m : boot.modules()) {
    const stated_checksum stated = checksum_of_module(boot.cmdline(), number++);
    if (!stated.is_there) continue;
    if (m.size != 0 && m.paddr + (m.size - 1) >= four_gib) {
      skipped(clause::module_contents, text("a module lies above 4 GiB"));
      continue;
    }
    const auto contents = boot.contents_of(m);
    if (!stated.is_number || !contents || crc32(*contents) != stated.value) broken(clause::module_contents, m.paddr);
    ++compared;
  }
  if (checksum_of_module(boot.cmdline(), number).is_there) broken(clause::module_contents, number);  // it did not come
  if (compared == 0) skipped(clause::module_contents, text("the command line has no conformance.module0=CRC32"));
  holds(clause::module_contents);
}

/// The map of the handoff, or Xen's.
pvhboot::result<void> receive(const boot_info& boot, pvhboot::memory_map& map) {
  if (boot.memory_map_state() == pvhboot::memory_map_state::table || !example::xen::cpuid().found())
    return map.append(boot.memory_map());
  const auto table = example::xen::memory_map();
  return table ? map.append(*table) : pvhboot::result<void>{table.error().code, table.error().where};
}

/// `map` has the sanitised map after it, which is empty if there is none.
void check_memory(const boot_info& boot, pvhboot::memory_map& map) {
  auto done = receive(boot, map);
  if (done) done = map.sanitize();
  if (!done) {
    map.clear();
    comment(text("the memory map:"), message(done.error().code));
    skip(text("this guest has no room for the memory map"), clause::map_covers_image, clause::ram);
    return;
  }
  if (map.empty()) {
    skip(text("there is no memory map"), clause::map_covers_image, clause::ram);
    return;
  }
  if (!covers(map, image().addr, image().size, pvhboot::memory_type::ram))
    broken(clause::map_covers_image, image().addr);
  holds(clause::map_covers_image);
  const ram_probe probe = probe_ram(map, boot, image());
  if (probe.is_broken) broken(clause::ram, probe.where);
  if (probe.pages == 0) skipped(clause::ram, text("no page below 4 GiB is free"));
  comment(text("pages of RAM written and read:"), probe.pages);
  if (probe.out_of_reach != 0) comment(text("pages of RAM above 4 GiB, not reached:"), probe.out_of_reach);
  holds(clause::ram);
}

void check_acpi(const boot_info& boot, const pvhboot::memory_map& map) {
  if (boot.rsdp_paddr() == 0) {
    skip(text("the handoff has no RSDP"), clause::rsdp, clause::acpi_tables);
    return;
  }
  const acpi_result found = check_rsdp(boot.rsdp_paddr(), map);
  if (found.what == acpi_result::rsdp) broken(clause::rsdp, found.where);
  if (found.what == acpi_result::rsdp) skipped(clause::acpi_tables, text("the RSDP is not valid"));
  if (found.what == acpi_result::rsdp_above_4g)
    skip(text("the RSDP lies above 4 GiB"), clause::rsdp, clause::acpi_tables);
  if (found.what == acpi_result::table) broken(clause::acpi_tables, found.where);
  if (found.what == acpi_result::table_above_4g) skipped(clause::acpi_tables, text("a table lies above 4 GiB"));
  if (found.in_ram != 0) comment(text("an ACPI table lies in RAM of the map:"), found.in_ram);
  comment(text("ACPI tables:"), found.tables);
  holds(clause::rsdp);
  holds(clause::acpi_tables);
}

void check_handoff(const boot_info& boot) {
  holds(clause::start_info);
  holds(clause::handoff);
  pvhboot::memory_map scratch{lint_buffer};
  const auto done = lint(identity_map{}, boot, scratch, take, {.kernel = image(), .probe_ram = false});
  if (!done) {
    comment(text("lint:"), message(done.error().code));
    return;  // the clauses that it judges are not reached
  }
  if (boot.memory_map_state() == pvhboot::memory_map_state::absent_in_version_0)
    skip(text("version 0 has no memory map"), clause::map_pointer, clause::map_wraps, clause::map_ram);
  if (boot.modules().empty())
    skip(text("there are no modules"), clause::modules_there, clause::modules_apart, clause::modules_metadata,
         clause::modules_image);
  hold(clause::initial_domain, clause::structures_apart, clause::image_apart, clause::modules_there,
       clause::modules_apart, clause::modules_metadata, clause::modules_image, clause::map_pointer, clause::map_wraps,
       clause::map_ram);
}

/// A failure of parse that breaks no clause: the protocol has neither limits nor the rule that all lies below 4 GiB,
/// where this 32-bit guest can read.
bool is_out_of_reach(const pvhboot::failure& f) {
  switch (f.code) {
    case pvhboot::errc::too_many_modules:
    case pvhboot::errc::too_many_memmap_entries: return true;
    case pvhboot::errc::cmdline_unreadable:
    case pvhboot::errc::modlist_unreadable:
    case pvhboot::errc::memmap_unreadable: return f.where >= four_gib;
    default: return false;
  }
}

/// The 12 characters of a hypervisor's CPUID leaf, if there is one.
void name_hypervisor() {
  uint32_t r[4];
  const auto cpuid = [&](uint32_t leaf) {
    asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
  };
  cpuid(1);
  if ((r[2] >> 31) == 0) return;
  cpuid(0x40000000);
  char name[12];
  __builtin_memcpy(name, r + 1, sizeof name);
  size_t n = 0;
  while (n < sizeof name && name[n] >= ' ' && name[n] <= '~') ++n;
  comment(text("hypervisor"), {name, n});
}

}  // namespace

extern "C" [[noreturn]] void conformance_main(uint32_t start_info) {
  example::xen::begin();
  begin();
  name_hypervisor();
  check_entry();
  const auto boot = pvhboot::parse(identity_map{}, start_info);
  if (boot) {
    comment(text("start_info at"), start_info);
    comment(text("version"), boot->version());
    check_handoff(*boot);
    check_modules(*boot);
    pvhboot::memory_map map{map_buffer};
    check_memory(*boot, map);
    check_acpi(*boot, map);
  } else {
    const auto code = boot.error().code;
    const bool is_start_info = code == pvhboot::errc::start_info_absent ||
                               code == pvhboot::errc::start_info_unreadable || code == pvhboot::errc::bad_magic;
    if (is_out_of_reach(boot.error()))
      skipped(clause::handoff, text("above 4 GiB, or larger than this guest has room for"));
    else
      broken(is_start_info ? clause::start_info : clause::handoff, boot.error().where);
    comment(text("the handoff:"), message(code));
    if (!is_start_info) holds(clause::start_info);
  }
  example::end_machine(end() ? example::success : example::refused);
}
