// SPDX-License-Identifier: BSL-1.0
//
// A boot loader. Entered through PVH, it starts a Linux bzImage through the 32-bit entry, with the memory map, RSDP,
// command line and initrd of the handoff.
//
// Modules: a kernel, then its initrd; or a first module that begins with a cpio "newc" archive of `vmlinuz` and
// optionally `cmdline`, and whose remaining bytes are the initrd. Without `cmdline` Linux gets the command line of this
// boot loader. Further modules are appended to the initrd: Linux accepts several archives in a row.
//
// On an error it prints one line that names the broken rule, and ends the machine with the code `refused`.
#include "../common/report.hpp"
#include "cpio.hpp"
#include "enter_linux.hpp"

using chainload::bytes;
using example::hex;
using example::line;

namespace {

constexpr pvhboot::string_ref who = "chainload: ";

/// What Linux gets in addition to the memory map and the RSDP.
struct cargo {
  bytes kernel{};
  bytes initrds[8]{};
  size_t initrd_count = 0;
  bytes cmdline{};
};

// Slots for the hypervisor's memory map and for the pieces into which reserved ranges cut it.
constexpr size_t map_slots = 512;
pvhboot::memory_map_buffer<map_slots> linux_buffer;
pvhboot::memory_map_buffer<map_slots> free_buffer;

/// Reports a rule of the library, or one of this boot loader.
[[noreturn]] void refuse(const pvhboot::failure& f) {
  example::report_error(who, f);
  example::end_machine(example::refused);
}
[[noreturn]] void refuse(pvhboot::string_ref rule, pvhboot::string_ref sentence, pvhboot::string_ref word,
                         uint64_t where) {
  example::report_error(who, rule, sentence, word, where);
  example::end_machine(example::refused);
}
void must(const pvhboot::result<void>& done) {
  if (!done) refuse(done.error());
}
template <class T> T must(const pvhboot::result<T>& got) {
  if (!got) refuse(got.error());
  return *got;
}

uint64_t address_of(bytes b) { return reinterpret_cast<uintptr_t>(b.data()); }

bytes bytes_of(pvhboot::string_ref text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

/// Adds all modules except for the first.
void add_initrds(cargo& found, const pvhboot::boot_info<pvhboot::identity_map>& boot) {
  const auto modules = boot.modules();
  for (size_t i = 1; i < modules.size(); ++i) {
    if (modules[i].size == 0) continue;
    if (found.initrd_count == sizeof found.initrds / sizeof found.initrds[0])
      refuse("too_many_initrds", "more initrds than this loader joins", "address", modules[i].paddr);
    found.initrds[found.initrd_count++] = must(boot.contents_of(modules[i]));
  }
}

/// Finds the kernel, the initrds and the command line in the modules.
cargo unload(const pvhboot::boot_info<pvhboot::identity_map>& boot) {
  cargo found{.cmdline = bytes_of(boot.cmdline())};
  const auto modules = boot.modules();
  if (modules.empty())
    refuse("no_module", "no module: a kernel is needed", "address",
           boot.paddr() + offsetof(pvhboot::abi::hvm_start_info, nr_modules));
  const bytes first = must(boot.contents_of(modules[0]));
  if (!chainload::is_newc(first)) {
    found.kernel = first;
    add_initrds(found, boot);
    return found;
  }
  const chainload::archive archive = chainload::read_archive(first);
  if (!archive.ok) refuse("damaged_archive", "the cpio archive is damaged", "offset", archive.offset);
  if (archive.kernel.empty())
    refuse("no_kernel_in_archive", "the cpio archive holds no vmlinuz", "address", address_of(first));
  found.kernel = archive.kernel;
  if (!archive.rest.empty()) found.initrds[found.initrd_count++] = archive.rest;
  add_initrds(found, boot);
  if (archive.has_cmdline) {
    found.cmdline = archive.cmdline;
    while (!found.cmdline.empty() && found.cmdline[found.cmdline.size() - 1] == '\n')
      found.cmdline = found.cmdline.first(found.cmdline.size() - 1);
    for (const uint8_t& c : found.cmdline)
      if (c == 0)
        refuse("cmdline_has_nul", "the command line in the archive has a NUL", "offset",
               static_cast<uint64_t>(&c - found.cmdline.data()));
  }
  return found;
}

/// The free memory: RAM without the first page, the ISA hole and the extents of the handoff.
void find_free(pvhboot::memory_map& free, const pvhboot::memory_map& map,
               const pvhboot::boot_info<pvhboot::identity_map>& boot) {
  must(free.append(map));
  must(reserve(free, 0, 0x1000));
  must(reserve(free, pvhboot::isa_hole.addr, pvhboot::isa_hole.size));
  must(reserve_handoff(free, boot));
}

uint8_t* pointer_to(uint64_t paddr) { return reinterpret_cast<uint8_t*>(static_cast<uintptr_t>(paddr)); }

/// Places the initrd on a page and below the kernel's limit. A single initrd that meets both stays in place. Several
/// are joined, each aligned to 4 bytes; Linux skips the zeroes between them.
void place_initrd(const cargo& load, const pvhboot::bzimage& kernel, pvhboot::memory_map& free,
                  pvhboot::linux_layout& values) {
  uint64_t size = 0;
  for (size_t i = 0; i < load.initrd_count; ++i) size = ((size + 3) & ~uint64_t{3}) + load.initrds[i].size();
  if (size == 0) return;
  values.initrd_size = size;
  values.initrd_paddr = address_of(load.initrds[0]);
  if (load.initrd_count > 1 || values.initrd_paddr % 4096 != 0 ||
      values.initrd_paddr + (size - 1) > kernel.initrd_addr_max()) {
    values.initrd_paddr = must(pvhboot::place_initrd(kernel, size, free));
    must(reserve(free, values.initrd_paddr, size));
    uint8_t* to = pointer_to(values.initrd_paddr);
    for (size_t i = 0; i < load.initrd_count; ++i) {
      while (reinterpret_cast<uintptr_t>(to) % 4 != 0) *to++ = 0;
      __builtin_memcpy(to, load.initrds[i].data(), load.initrds[i].size());
      to += load.initrds[i].size();
    }
  }
  line(who, "placed initrd [", hex{values.initrd_paddr}, ", ", hex{values.initrd_paddr + size}, ") ", size, " bytes");
}

/// One block of memory: the zero page, the page with the last instructions and their GDT, the setup_data node for the
/// e820 entries that do not fit the zero page, and the command line.
struct block {
  uint64_t zero_page;
  uint64_t last_page;
  uint64_t nodes;
  uint64_t nodes_size;
  uint64_t cmdline;
};

block place_block(const pvhboot::memory_map& free, size_t cmdline_size, const pvhboot::memory_map& map) {
  constexpr uint64_t page = 4096;
  const uint64_t nodes = e820_ext_size(map);
  // Linux reads 2048 bytes from the command line's address, regardless of its length.
  const uint64_t text = (cmdline_size + 1 > 2048 ? cmdline_size + 1 : 2048);
  const uint64_t all = 2 * page + ((nodes + text + page - 1) & ~(page - 1));
  auto place = find_highest_ram(free, all, page, 0x10000, 0x9ffff);
  if (!place) place = find_highest_ram(free, all, page, 0x10000, 0x7fffffff);
  const uint64_t at = must(place);
  return {.zero_page = at,
          .last_page = at + page,
          .nodes = at + 2 * page,
          .nodes_size = nodes,
          .cmdline = at + 2 * page + nodes};
}

}  // namespace

extern "C" const uint8_t image_begin[];
extern "C" const uint8_t image_end[];

extern "C" [[noreturn]] void kernel_main(uint32_t start_info) {
  example::xen::begin();
  const auto boot = must(pvhboot::parse(pvhboot::identity_map{}, start_info));
  example::report(who, boot);

  pvhboot::memory_map map{linux_buffer};
  must(example::receive(who, boot, map));
  const size_t received = map.size();
  if (received == 0) refuse("no_memory_map", "the handoff has no memory map", "address", boot.paddr());
  must(pvhboot::prepare_for_linux(map));
  line(who, "memory map ", uint64_t{received}, " entries received, ", uint64_t{map.size()}, " after sanitising");
  for (const pvhboot::memory_range& r : map) example::report_range(who, "map sanitised", r);

  cargo load = unload(boot);
  const auto kernel = must(pvhboot::parse_bzimage(load.kernel));
  line(who, "kernel \"", kernel.kernel_version(), "\" protocol ", uint32_t{kernel.protocol()} >> 8, ".",
       uint32_t{kernel.protocol()} & 0xff, ", ", uint64_t{load.kernel.size()}, " bytes at ",
       hex{address_of(load.kernel)});

  pvhboot::memory_map free{free_buffer};
  find_free(free, map, boot);
  // The kernel may overlap this program: the last instructions run from another page.
  pvhboot::linux_layout layout{.kernel = must(pvhboot::place_kernel(kernel, free)),
                               .cmdline_size = load.cmdline.size(),
                               .rsdp_paddr = boot.rsdp_paddr()};
  const pvhboot::kernel_placement& place = layout.kernel;
  line(who, "placed kernel [", hex{place.load_paddr}, ", ", hex{place.load_paddr + place.load_size}, ") runs at [",
       hex{place.runtime_start}, ", ", hex{place.runtime_start + place.runtime_size}, ")");
  must(reserve(free, place.load_paddr, place.load_size));
  must(reserve(free, place.runtime_start, place.runtime_size));
  must(reserve(free, address_of({image_begin, 0}), static_cast<uint64_t>(image_end - image_begin)));

  place_initrd(load, kernel, free, layout);

  const block at = place_block(free, load.cmdline.size(), map);
  uint8_t* const text = pointer_to(at.cmdline);
  for (size_t i = 0; i < load.cmdline.size(); ++i) text[i] = load.cmdline[i];
  text[load.cmdline.size()] = 0;
  layout.cmdline_paddr = at.cmdline;
  layout.zero_page_paddr = at.zero_page;
  const pvhboot::memory_range last_page[] = {{at.last_page, 4096, {}}};
  layout.keep = last_page;
  auto& zero_page = *reinterpret_cast<pvhboot::abi::boot_params*>(pointer_to(at.zero_page));
  pvhboot::setup_data_writer nodes{{pointer_to(at.nodes), static_cast<size_t>(at.nodes_size)}, at.nodes};
  must(pvhboot::translate(kernel, layout, map, zero_page, &nodes));
  line(who, "placed zero page ", hex{at.zero_page}, " command line ", hex{at.cmdline});
  line(who, "zero page type_of_loader ", hex{zero_page.hdr.type_of_loader}, " acpi_rsdp_addr ",
       hex{zero_page.acpi_rsdp_addr}, " e820 ", uint32_t{zero_page.e820_entries}, " entries and ",
       uint64_t{map.size() - zero_page.e820_entries}, " more");
  must(pvhboot::check_placement(kernel, layout, map, &nodes));  // the final layout, with the nodes
  line(who, "entering ", hex{place.load_paddr});
  chainload::enter_linux(at.last_page, kernel.code(), place.load_paddr, at.zero_page);
}
