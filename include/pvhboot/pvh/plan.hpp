// SPDX-License-Identifier: BSL-1.0
//
// plan_boot: where everything goes in a guest's memory.
//
//     pvhboot::memory_map_buffer<32> buffers[2];
//     pvhboot::memory_map map{buffers[0]}, free{buffers[1]};       // map: the guest's RAM, sanitised
//     pvhboot::handoff_module modules[] = {{.size = initrd_size}};
//     const auto plan = plan_boot(map, free, {.kernel = {.first = 0x1000000, .size = 0x2c00000, .entry = 0x1000010},
//                                             .cmdline = "console=ttyS0",
//                                             .modules = modules,
//                                             .acpi_size = 0x3000});
//     if (!plan) return plan.error();                              // "no free RAM for a module …", which module
//     // load the kernel at plan->kernel_base, the initrd at modules[0].paddr, ACPI at plan->handoff.rsdp_paddr, then
//     if (auto done = write(plan->handoff, guest, plan->start_info_paddr); !done) return done.error();
//     // enter at plan->entry with %ebx = plan->start_info_paddr
//
// What has an address already (a module's paddr, rsdp_paddr, a block's paddr) stays there, and nothing is put on it.
// For everything else a place is found: in RAM, aligned, apart from all others, below its limit, and above 1 MiB, or if
// there is no room, below 640 KiB where neither firmware nor loaders keep things. The same request always leads to the
// same plan.
//
// - A kernel stays where it is linked if that is free; one that is relocatable goes to its highest base otherwise, as
//   with Xen's dom0 builder. With a random number, a relocatable kernel gets one of all its bases in the RAM that the
//   rest has left, each as likely as any other. Whether there is a plan does not depend on the number.
// - The handoff lies below 1 GiB by default, since the early page tables of Linux reach no further.
// - ACPI tables, and blocks that have a memory type, go to the top of RAM and get that type in `map`. So no consumer
//   takes them for free RAM; each costs the map up to two ranges.
//
// `free` is scratch; after success it is the map without everything that has a place. plan_boot fails with
// - map_not_sanitized, and map_full if either map lacks slots: `where` is the ranges it needs;
// - kernel_extent_empty, kernel_extent_wraps, kernel_entry_outside, plan_bad_alignment;
// - plan_wraps, plan_overlaps: what has an address already;
// - not_relocatable, no_base, plan_no_room_for_block, plan_no_room_for_acpi,
//   plan_no_room_for_handoff, plan_no_room_for_module.
// The map and the addresses in the request are then as they were.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/queries.hpp>
#include <pvhboot/core/random_ram.hpp>
#include <pvhboot/pvh/handoff.hpp>

namespace pvhboot {

/// Where a kernel lies when it is loaded as it is linked, and whether it may lie elsewhere: of its ELF image and of its
/// notes PHYS32_ENTRY and PHYS32_RELOC.
struct kernel_extent {
  uint64_t first = 0;             ///< of its lowest byte
  uint64_t size = 0;              ///< bytes up to its highest one, what is zero-filled included
  uint32_t entry = 0;             ///< where it is entered
  bool relocatable = false;       ///< whether it may lie elsewhere
  uint32_t alignment = 0x200000;  ///< of a base, a power of two
  uint32_t minimum = 0;           ///< the lowest base
  uint32_t maximum = 0xffffffff;  ///< the highest byte of a moved kernel
};

/// The same of parse_elf's image and what find_phys32_entry and find_phys32_reloc found in it.
template <class Image, class Entry, class Reloc>
constexpr kernel_extent kernel_extent_of(const Image& image, const Entry& entry, const Reloc& reloc) noexcept {
  return {.first = image.base(),
          .size = image.size(),
          .entry = entry.paddr,
          .relocatable = reloc.relocatable,
          .alignment = reloc.alignment,
          .minimum = reloc.minimum,
          .maximum = reloc.maximum};
}

/// Anything else that needs a place: a GDT, page tables, a device's memory.
struct plan_block {
  uint64_t size = 0;              ///< bytes; 0: needs none
  uint64_t alignment = 0x1000;    ///< a power of two
  uint64_t lowest = 0;            ///< 0: 1 MiB, or less if there is no room
  uint64_t highest = 0xffffffff;  ///< its highest byte
  memory_type type{};             ///< what the map says of it; 0: it stays RAM. With a type it has whole pages
  uint64_t paddr = 0;             ///< 0: plan_boot finds it
};

/// What a guest needs to boot.
struct boot_request {
  kernel_extent kernel{};                 ///< of kernel_extent_of
  uint32_t version = 1;                   ///< of the handoff
  uint32_t flags = 0;                     ///< sif
  string_ref cmdline{};                   ///< absent: none
  span<handoff_module> modules{};         ///< with sizes and command lines; paddr 0: plan_boot finds it
  uint64_t rsdp_paddr = 0;                ///< 0: plan_boot finds it if there is an acpi_size, else none is given
  uint64_t acpi_size = 0;                 ///< bytes of the ACPI tables, the RSDP first
  span<plan_block> blocks{};              ///< placed in their order, before everything but a fixed kernel
  uint64_t handoff_highest = 0x3fffffff;  ///< the highest byte of the handoff
  uint64_t modules_highest = 0xffffffff;  ///< of the modules
};

/// Where everything goes. It refers to the request's lists and texts, and to the map's storage.
struct boot_plan {
  pvhboot::handoff handoff{};     ///< for write, at start_info_paddr
  uint32_t start_info_paddr = 0;  ///< of the block of handoff.size_bytes() bytes, and for %ebx
  uint32_t entry = 0;             ///< for %eip
  uint64_t kernel_base = 0;       ///< of the kernel's lowest byte
  uint64_t kernel_shift = 0;      ///< how far that is from where it is linked, modulo 2^64
  uint64_t bases = 1;             ///< among how many bases the random number chose
};

/// Low memory that looks free and is not: page 0, whose address means absent, with the BIOS data area; the page where
/// loaders by convention put Linux's zero page; the extended BIOS data area and the ISA hole.
inline constexpr memory_range low_memory_traps[] = {{0, 0x1000, {}}, {0x7000, 0x1000, {}}, {0x9f000, 0x61000, {}}};

/// The work of plan_boot.
class boot_planner {
 public:
  /// Keeps references to all of them; `random` may be null.
  constexpr boot_planner(memory_map& map, memory_map& free, const boot_request& request,
                         const uint64_t* random) noexcept
      : map_(map),
        free_(free),
        request_(request),
        random_(request.kernel.relocatable ? random : nullptr),
        entries_(map.size()) {
    // What gets a type can split one range of the map twice.
    if (places_acpi()) entries_ += 2;
    for (const plan_block& b : request.blocks)
      if (b.type != memory_type{}) entries_ += 2;
  }

  /// A run that finds out whether there is a plan, and one that enters it.
  constexpr result<boot_plan> plan() noexcept {
    result<boot_plan> found{boot_plan{}};
    auto done = check();
    if (done) done = run(false, *found);
    if (done) done = run(true, *found);
    if (!done) found.fail(done.error());
    return found;
  }

 private:
  static constexpr uint64_t page = 0x1000;
  static constexpr uint64_t mib = 0x100000;
  static constexpr uint64_t highest_32 = 0xffffffff;

  /// The request is sound, and both maps have room for everything. Quadratic in what has an address already.
  [[__nodiscard__]] constexpr result<void> check() const noexcept {
    const kernel_extent& kernel = request_.kernel;
    if (!map_.is_sanitized()) return {errc::map_not_sanitized, map_.size()};
    if (kernel.size == 0) return {errc::kernel_extent_empty, 0};
    if (kernel.size - 1 > ~kernel.first) return {errc::kernel_extent_wraps, kernel.first};
    if (kernel.entry < kernel.first || kernel.entry - kernel.first >= kernel.size)
      return {errc::kernel_entry_outside, kernel.entry};
    if (!is_power_of_two(kernel.alignment)) return {errc::plan_bad_alignment, kernel.alignment};
    for (const plan_block& b : request_.blocks)
      if (!is_power_of_two(b.alignment)) return {errc::plan_bad_alignment, b.alignment};
    // Each piece that is taken out of the free memory can split a range: the things, the traps, kernel and handoff.
    const size_t pieces = things() + sizeof low_memory_traps / sizeof low_memory_traps[0] + 2;
    if (entries_ > map_.capacity()) return {errc::map_full, entries_};
    if (map_.size() + pieces > free_.capacity()) return {errc::map_full, map_.size() + pieces};
    for (size_t i = 0; i < things(); ++i) {
      const memory_range r = placed(i);
      if (r.wraps()) return {errc::plan_wraps, r.addr};
      for (size_t j = 0; j < i; ++j)
        if (const memory_range other = placed(j); r.overlaps(other))
          return {errc::plan_overlaps, r.addr > other.addr ? r.addr : other.addr};
    }
    return {};
  }

  /// Finds a place for everything. With `enter`, the addresses go into the request and the types into the map.
  [[__nodiscard__]] constexpr result<void> run(bool enter, boot_plan& plan) noexcept {
    const kernel_extent& kernel = request_.kernel;
    static_cast<void>(free_.assign(map_));  // check has seen to the room
    for (size_t i = 0; i < things(); ++i) take(placed(i));
    const bool linked = !random_ && covers(free_, kernel.first, kernel.size, memory_type::ram);
    if (!linked && !kernel.relocatable) return {errc::not_relocatable, kernel.first};
    uint64_t base = kernel.first;
    if (linked) take({base, kernel.size, {}});
    for (const memory_range& trap : low_memory_traps) take(trap);
    const uint64_t lowest = kernel.minimum != 0 ? kernel.minimum : 1;  // base 0 means failure to Xen
    if (!linked && !random_) {
      base = find_highest_ram(free_, kernel.size, kernel.alignment, lowest, kernel.maximum).value_or(0);
      if (base == 0) return {errc::no_base, kernel.size};
      take({base, kernel.size, {}});
    }

    for (size_t i = 0; i < request_.blocks.size(); ++i) {
      plan_block& b = request_.blocks[i];
      memory_range place{b.paddr, b.size, b.type};
      if (b.paddr == 0 && b.size != 0) {
        place = find(b);
        if (place.size == 0) return {errc::plan_no_room_for_block, i};
      }
      if (!enter) continue;
      b.paddr = place.addr;
      if (b.type != memory_type{}) static_cast<void>(map_.overwrite(place));  // check has seen to the room
    }
    pvhboot::handoff& h = plan.handoff;
    h.version = request_.version;
    h.flags = request_.flags;
    h.cmdline = request_.cmdline;
    h.modules = request_.modules;
    h.rsdp_paddr = request_.rsdp_paddr;
    if (places_acpi()) {
      const memory_range place = find_page(request_.acpi_size, highest_32, memory_type::acpi);
      if (place.size == 0) return {errc::plan_no_room_for_acpi, request_.acpi_size};
      h.rsdp_paddr = place.addr;
      if (enter) static_cast<void>(map_.overwrite(place));
    }
    // Room for as many entries as the map can have when the types are in it.
    if (h.version != 0) h.memmap = {map_.data(), entries_};
    const uint64_t size = h.size_bytes();
    const uint64_t highest = request_.handoff_highest < highest_32 ? request_.handoff_highest : highest_32;
    const memory_range block = find_page(size, highest, {});
    if (block.size == 0) return {errc::plan_no_room_for_handoff, size};
    plan.start_info_paddr = static_cast<uint32_t>(block.addr);
    if (h.version != 0) h.memmap = {map_.data(), map_.size()};
    for (size_t i = 0; i < request_.modules.size(); ++i) {
      handoff_module& m = request_.modules[i];
      if (m.paddr != 0) continue;
      // An empty module has an address all the same: 0 would mean that there is none.
      const memory_range place = find_page(m.size != 0 ? m.size : 1, request_.modules_highest, {});
      if (place.size == 0) return {errc::plan_no_room_for_module, i};
      if (enter) m.paddr = place.addr;
    }

    if (random_) {
      plan.bases = count_ram_places(free_, kernel.size, kernel.alignment, lowest, kernel.maximum);
      base = find_random_ram(free_, kernel.size, kernel.alignment, lowest, kernel.maximum, *random_).value_or(0);
      if (base == 0) return {errc::no_base, kernel.size};
      take({base, kernel.size, {}});
    }
    plan.kernel_base = base;
    plan.kernel_shift = base - kernel.first;
    plan.entry = static_cast<uint32_t>(kernel.entry + plan.kernel_shift);
    return {};
  }

  [[__nodiscard__]] constexpr bool places_acpi() const noexcept {
    return request_.acpi_size != 0 && request_.rsdp_paddr == 0;
  }

  /// What may have an address already: the RSDP with its tables, the modules, the blocks.
  [[__nodiscard__]] constexpr size_t things() const noexcept {
    return 1 + request_.modules.size() + request_.blocks.size();
  }
  /// Where thing i lies; of size 0 if it has no address.
  [[__nodiscard__]] constexpr memory_range placed(size_t i) const noexcept {
    const size_t modules = request_.modules.size();
    memory_range r{};
    if (i == 0)
      r = {request_.rsdp_paddr, request_.acpi_size > abi::rsdp_size ? request_.acpi_size : abi::rsdp_size, {}};
    else if (i <= modules)
      r = {request_.modules[i - 1].paddr, request_.modules[i - 1].size, {}};
    else
      r = {request_.blocks[i - 1 - modules].paddr, request_.blocks[i - 1 - modules].size, {}};
    if (r.addr == 0) r.size = 0;
    return r;
  }

  constexpr void take(const memory_range& r) noexcept { static_cast<void>(free_.punch(r.addr, r.size)); }

  /// A free place for a block, which is taken then; of size 0 if there is none.
  [[__nodiscard__]] constexpr memory_range find(const plan_block& b) noexcept {
    const bool typed = b.type != memory_type{};
    const uint64_t size = typed ? (b.size + (page - 1)) & ~(page - 1) : b.size;
    const uint64_t alignment = typed && b.alignment < page ? page : b.alignment;
    uint64_t at = 0;  // never the place of anything
    for (uint64_t lowest = b.lowest != 0 ? b.lowest : mib; at == 0; lowest = page) {
      const auto found = typed ? find_highest_ram(free_, size, alignment, lowest, b.highest)
                               : find_lowest_ram(free_, size, alignment, lowest, b.highest);
      at = found.value_or(0);
      if (b.lowest != 0 || lowest == page) break;
    }
    if (at == 0) return {};
    take({at, size, {}});
    return {at, size, b.type};
  }
  /// The same for whole pages anywhere up to `highest`.
  [[__nodiscard__]] constexpr memory_range find_page(uint64_t size, uint64_t highest, memory_type type) noexcept {
    return find({.size = size, .highest = highest, .type = type});
  }

  memory_map& map_;
  memory_map& free_;
  const boot_request& request_;
  const uint64_t* random_;
  size_t entries_;  ///< that the map may have at the end
};

/// See the head of this file. `map` is the guest's memory map, sanitised, and becomes the one that the handoff has. A
/// kernel that is relocatable moves only if it must.
constexpr result<boot_plan> plan_boot(memory_map& map, memory_map& free, const boot_request& request) noexcept {
  return boot_planner{map, free, request, nullptr}.plan();
}
/// The same with a random number of 64 bits: a kernel that is relocatable lies anywhere.
constexpr result<boot_plan> plan_boot(memory_map& map, memory_map& free, const boot_request& request,
                                      uint64_t random) noexcept {
  return boot_planner{map, free, request, &random}.plan();
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
