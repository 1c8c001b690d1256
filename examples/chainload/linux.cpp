// SPDX-License-Identifier: BSL-1.0
//
// A bzImage: places it, its initrd and the zero page, and enters it by Linux's 32-bit protocol. Several modules are
// joined to one initrd: Linux accepts several archives in a row.
#include "chainload.hpp"
#include "enter.hpp"

using example::hex;
using example::line;

namespace chainload {

namespace {

pvhboot::memory_map_buffer<map_slots> free_buffer;

struct initrds {
  bytes parts[8]{};
  size_t count = 0;

  void add(bytes part) {
    if (part.empty()) return;
    if (count == sizeof parts / sizeof parts[0])
      refuse("too_many_initrds", "more initrds than this loader joins", "address", address_of(part));
    parts[count++] = part;
  }
};

initrds find_initrds(const cargo& load, const boot_info& boot) {
  initrds found;
  found.add(load.archive_rest);
  const auto modules = boot.modules();
  for (size_t i = 1; i < modules.size(); ++i)
    if (modules[i].size != 0) found.add(must(boot.contents_of(modules[i])));
  return found;
}

/// Places the initrd in RAM, on a page and below the kernel's limit. A single initrd that meets all three stays in
/// place: QEMU's microvm with SeaBIOS puts its end into memory that the map reserves. Several are joined, each aligned
/// to 4 bytes; Linux skips the zeroes between them.
void place_initrd(const initrds& load, const pvhboot::bzimage& kernel, const pvhboot::memory_map& map,
                  pvhboot::memory_map& free, pvhboot::linux_layout& values) {
  uint64_t size = 0;
  for (size_t i = 0; i < load.count; ++i) size = ((size + 3) & ~uint64_t{3}) + load.parts[i].size();
  if (size == 0) return;
  values.initrd_size = size;
  values.initrd_paddr = address_of(load.parts[0]);
  if (load.count > 1 || values.initrd_paddr % 4096 != 0 ||
      !covers(map, values.initrd_paddr, size, pvhboot::memory_type::ram) ||
      values.initrd_paddr + (size - 1) > kernel.initrd_addr_max()) {
    values.initrd_paddr = must(pvhboot::place_initrd(kernel, size, free));
    must(reserve(free, values.initrd_paddr, size));
    uint8_t* to = pointer_to(values.initrd_paddr);
    for (size_t i = 0; i < load.count; ++i) {
      while (reinterpret_cast<uintptr_t>(to) % 4 != 0) *to++ = 0;
      __builtin_memcpy(to, load.parts[i].data(), load.parts[i].size());
      to += load.parts[i].size();
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

void boot_linux(const cargo& load, const boot_info& boot, pvhboot::memory_map& map) {
  const size_t received = map.size();
  must(pvhboot::prepare_for_linux(map));
  line(who, "memory map ", uint64_t{received}, " entries received, ", uint64_t{map.size()}, " after sanitising");
  for (const pvhboot::memory_range& r : map) example::report_range(who, "map sanitised", r);
  const auto kernel = must(pvhboot::parse_bzimage(load.kernel));
  line(who, "kernel \"", kernel.kernel_version(), "\" protocol ", uint32_t{kernel.protocol()} >> 8, ".",
       uint32_t{kernel.protocol()} & 0xff, ", ", uint64_t{load.kernel.size()}, " bytes at ",
       hex{address_of(load.kernel)});

  pvhboot::memory_map free{free_buffer};
  find_usable(free, map);
  must(reserve_handoff(free, boot));
  // The kernel may overlap this program: the last instructions run from another page.
  pvhboot::linux_layout layout{.kernel = must(pvhboot::place_kernel(kernel, free)),
                               .cmdline_size = load.cmdline.size(),
                               .rsdp_paddr = boot.rsdp_paddr()};
  const pvhboot::kernel_placement& place = layout.kernel;
  line(who, "placed kernel [", hex{place.load_paddr}, ", ", hex{place.load_paddr + place.load_size}, ") runs at [",
       hex{place.runtime_start}, ", ", hex{place.runtime_start + place.runtime_size}, ")");
  must(reserve(free, place.load_paddr, place.load_size));
  must(reserve(free, place.runtime_start, place.runtime_size));
  reserve_this_program(free);

  place_initrd(find_initrds(load, boot), kernel, map, free, layout);

  const block at = place_block(free, load.cmdline.size(), map);
  uint8_t* const text = pointer_to(at.cmdline);
  for (size_t i = 0; i < load.cmdline.size(); ++i) text[i] = static_cast<uint8_t>(load.cmdline[i]);
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
  enter_linux(at.last_page, kernel.code(), place.load_paddr, at.zero_page);
}

}  // namespace chainload
