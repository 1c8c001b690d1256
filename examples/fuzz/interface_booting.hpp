// SPDX-License-Identifier: BSL-1.0
//
// C and C++ on the same bytes: Linux's protocol, kernels with a note, a handoff that is written, a plan.
#pragma once

#include "image.hpp"
#include "interface.hpp"

namespace fuzz {

inline pvhboot_linux_layout c_layout(const pvhboot::linux_layout& l) {
  return {.kernel = {l.kernel.load_paddr, l.kernel.load_size, l.kernel.runtime_start, l.kernel.runtime_size,
                     l.kernel.kernel_alignment},
          .entry_64 = l.entry_64,
          .zero_page_paddr = l.zero_page_paddr,
          .cmdline_paddr = l.cmdline_paddr,
          .cmdline_size = l.cmdline_size,
          .initrd_paddr = l.initrd_paddr,
          .initrd_size = l.initrd_size,
          .rsdp_paddr = l.rsdp_paddr,
          .keep = nullptr,
          .keep_size = 0,
          .loader = l.loader,
          .loader_version = l.loader_version};
}

inline void compare_values(const pvhboot_bzimage& c, const pvhboot::bzimage& cpp) {
  pvhboot_bzimage_values v;
  pvhboot_read_bzimage(&c, &v);
  LAW(c.code == cpp.code().data() && c.code_size == cpp.code().size());
  LAW(v.pref_address == cpp.pref_address() && v.init_size == cpp.init_size() && v.protocol == cpp.protocol());
  LAW(v.payload == cpp.payload().data() && v.payload_size == cpp.payload().size());
  LAW(same_text(v.kernel_version, v.kernel_version_size, cpp.kernel_version()));
  LAW(v.cmdline_size == cpp.cmdline_size() && v.initrd_addr_max == cpp.initrd_addr_max());
  LAW(v.kernel_alignment == cpp.kernel_alignment() && v.min_alignment == cpp.min_alignment());
  LAW(v.uncompressed_size == cpp.uncompressed_size() && v.payload_format == static_cast<uint8_t>(cpp.payload_format()));
  LAW((v.relocatable != 0) == cpp.relocatable() && (v.has_entry_64 != 0) == cpp.has_entry_64());
  LAW((v.loadable_above_4g != 0) == cpp.can_be_loaded_above_4g());
  for (const uint32_t type : {0u, 1u, 9u, 10u, 0x80000000u, 0x80000001u})
    LAW((pvhboot_bzimage_accepts(&c, type) != 0) == cpp.accepts(pvhboot::setup_type{type}));
}

/// A place by both sides, or the numbers of the input, and then the zero page by both.
inline void compare_loader(input& in, const pvhboot_bzimage& c, const pvhboot::bzimage& cpp, two_maps& map) {
  uint64_t where = 0;
  pvhboot_kernel_placement c_place{};
  const uint64_t lowest = in.number();
  const auto place = place_kernel(cpp, map.cpp.map, lowest);
  if (both(pvhboot_place_kernel(&c, &map.c, lowest, &c_place, &where), where, place))
    LAW(c_place.load_paddr == place->load_paddr && c_place.load_size == place->load_size &&
        c_place.runtime_start == place->runtime_start && c_place.runtime_size == place->runtime_size &&
        c_place.kernel_alignment == place->kernel_alignment);
  const uint64_t initrd_size = in.number();
  uint64_t paddr = 0;
  const auto initrd = place_initrd(cpp, initrd_size, map.cpp.map);
  if (both(pvhboot_place_initrd(&c, initrd_size, &map.c, &paddr, &where), where, initrd)) LAW(paddr == *initrd);

  pvhboot::linux_layout layout{.zero_page_paddr = in.number()};
  if (place) layout.kernel = *place;
  layout.entry_64 = in.u8() % 2 != 0;
  layout.cmdline_paddr = in.number();
  layout.cmdline_size = in.u8();
  layout.initrd_paddr = initrd ? *initrd : in.number();
  layout.initrd_size = initrd ? 0x1000 : 0;
  layout.rsdp_paddr = in.number();
  layout.loader = in.u8();
  const auto wanted_layout = c_layout(layout);
  const uint64_t nodes_at = in.number();
  exact<uint8_t> storage{in.u8() * size_t{16}}, c_storage{storage.size()};
  std::memset(storage.get(), 0, storage.size());
  std::memset(c_storage.get(), 0, storage.size());
  pvhboot::setup_data_writer nodes{storage.all(), nodes_at};
  pvhboot_setup_data c_nodes{c_storage.get(), c_storage.size(), nodes_at, 0, 0};
  const uint64_t payload = in.u8();
  uint8_t* c_room = nullptr;
  const auto room = nodes.reserve(pvhboot::setup_type{9}, payload);
  if (both(pvhboot_setup_data_reserve(&c_nodes, 9, payload, &c_room, &where), where, room)) {
    std::memset(room->data(), 7, room->size());
    std::memset(c_room, 7, room->size());
  }
  both(pvhboot_check_placement(&c, &wanted_layout, &map.c, &c_nodes, &where), where,
       check_placement(cpp, layout, map.cpp.map, &nodes));
  static pvhboot::abi::boot_params page;
  static uint8_t c_page[sizeof page];
  std::memset(static_cast<void*>(&page), 0x5a, sizeof page);
  std::memset(c_page, 0x5a, sizeof page);
  const auto done = translate(cpp, layout, map.cpp.map, page, &nodes);
  both(pvhboot_translate_loader(&c, &wanted_layout, &map.c, c_page, &c_nodes, &where), where, done);
  LAW(std::memcmp(c_page, &page, sizeof page) == 0 && c_nodes.head == nodes.head() && c_nodes.in_use == nodes.size());
  LAW(storage.size() == 0 || std::memcmp(storage.get(), c_storage.get(), storage.size()) == 0);
}

struct c_nodes {
  std::vector<pvhboot_setup_node> all;
  size_t stop;
  static pvhboot_error add(void* context, const pvhboot_setup_node* node) {
    auto* to = static_cast<c_nodes*>(context);
    to->all.push_back(*node);
    return to->all.size() == to->stop ? PVHBOOT_E_setup_data_full : PVHBOOT_OK;
  }
};

inline void compare_zero_page(input& in) {
  exact<uint8_t> bytes{4096};
  std::memset(bytes.get(), 0, 4096);
  for (unsigned n = in.u8(); n > 0; --n) {
    const size_t at = in.u16() % 4096;
    bytes[at] = in.u8();
  }
  const uint32_t limit = in.u8();
  const size_t stop = in.u8();
  two_maps map{in.u8()};
  guarded_memory guarded{0x10000, in.rest(), SIZE_MAX};
  const pvhboot_memory c_guest = c_memory(guarded);
  const auto page = pvhboot::load<pvhboot::abi::boot_params>(bytes.get());
  pvhboot_zero_page_values c{};
  uint64_t where = 0;
  const auto cpp = read_zero_page(memory{&guarded}, page, map.cpp.map, limit);
  if (both(pvhboot_read_zero_page(&c_guest, bytes.get(), &map.c, limit, &c, &where), where, cpp))
    LAW(c.cmdline_paddr == cpp->cmdline_paddr && c.initrd_paddr == cpp->initrd_paddr &&
        c.initrd_size == cpp->initrd_size && c.rsdp_paddr == cpp->rsdp_paddr);
  LAW(map.c.size == map.cpp.map.size());
  c_nodes found{{}, stop};
  size_t n = 0;
  const uint64_t head = page.hdr.setup_data;
  const pvhboot_error c_done = pvhboot_walk_setup_data(&c_guest, head, limit, c_nodes::add, &found, &where);
  const auto done = pvhboot::walk_setup_data(
      memory{&guarded}, head, limit, [&](const pvhboot::setup_node& node) -> pvhboot::result<void> {
        LAW(n < found.all.size());
        const pvhboot_setup_node& one = found.all[n];
        LAW(one.paddr == node.paddr && one.next == node.next && one.type == static_cast<uint32_t>(node.type));
        LAW(one.size == node.payload.size() &&
            (one.size == 0 || std::memcmp(one.payload, node.payload.data(), one.size) == 0));
        if (++n == stop) return {errc::setup_data_full, node.paddr};
        return {};
      });
  both(c_done, where, done);
  LAW(n == found.all.size());
}

inline void compare_linux(input& in) {
  if (in.u8() % 2 != 0) return compare_zero_page(in);
  const image_file image = read_image(in);
  pvhboot_bzimage c;
  uint64_t where = 0;
  const auto cpp = pvhboot::parse_bzimage(image.bytes());
  if (!both(pvhboot_parse_bzimage(image.block.get(), image.block.size(), &c, &where), where, cpp)) return;
  compare_values(c, *cpp);
  const auto ranges = in.ranges(in.u8() % 32);
  two_maps map{2 * ranges.size() + 2};
  map.add(ranges);
  both(pvhboot_prepare_for_linux(&map.c, &where), where, prepare_for_linux(map.cpp.map));
  map.law_same();
  if (map.cpp.map.known_sanitized()) compare_loader(in, c, *cpp, map);
}

inline pvhboot_memory c_writable(pvhboot_window& window) {
  return {&window, pvhboot_window_bytes, pvhboot_window_writable};
}

inline void compare_kernel(input& in) {
  const uint64_t shift = in.number();
  const uint64_t base = in.number();
  const size_t ram_size = in.u16() % 0x2000;
  if (in.rest().size() > 0x4000) return;
  const auto file = exact_copy(in.rest());
  const auto image = pvhboot::parse_elf(file.all());
  uint64_t where = 0;
  const auto then = [&](auto find) {
    using type = decltype(find(*image));
    return image ? find(*image) : type{image.error()};
  };
  pvhboot_phys32_entry e{};
  const auto entry = then([](const pvhboot::elf_image& i) { return find_phys32_entry(i); });
  if (both(pvhboot_find_phys32_entry(file.get(), file.size(), &e, &where), where, entry)) {
    LAW(e.paddr == entry->paddr && e.notes == entry->notes && e.note_offset == entry->offset);
    LAW(e.foreign == entry->foreign && (e.differs != 0) == entry->differs && (e.damage == 0) == entry->damage.ok());
    LAW((e.section_header != 0) == (entry->origin == pvhboot::note_origin::section_header));
    if (!entry->damage)
      LAW(e.damage == static_cast<uint32_t>(entry->damage.error().code) &&
          e.damage_where == entry->damage.error().where);
  }
  pvhboot_phys32_reloc r{};
  const auto reloc = then([](const pvhboot::elf_image& i) { return find_phys32_reloc(i); });
  if (both(pvhboot_find_phys32_reloc(file.get(), file.size(), &r, &where), where, reloc))
    LAW(r.alignment == reloc->alignment && r.minimum == reloc->minimum && r.maximum == reloc->maximum &&
        (r.relocatable != 0) == reloc->relocatable);
  pvhboot_kernel_extent k{};
  const auto bad = pvhboot_find_kernel_extent(file.get(), file.size(), &k, &where);
  if (!entry) {
    both(bad, where, entry);
  } else if (both(bad, where, reloc)) {
    LAW(k.base == image->base() && k.size == image->size() && k.entry_paddr == entry->paddr);
    LAW(k.alignment == r.alignment && k.minimum == r.minimum && k.maximum == r.maximum &&
        k.relocatable == r.relocatable);
  }
  exact<uint8_t> ram{ram_size}, c_ram_bytes{ram_size};
  std::memset(ram.get(), 0xee, ram_size);
  std::memset(c_ram_bytes.get(), 0xee, ram_size);
  pvhboot_window window{base, c_ram_bytes.get(), c_ram_bytes.get(), ram_size};
  const pvhboot_memory c_guest = c_writable(window);
  const auto loaded = image ? load_image(*image, pvhboot::writable_window{base, ram.all()}, shift)
                            : pvhboot::result<void>{image.error()};
  both(pvhboot_load_image(file.get(), file.size(), &c_guest, shift, &where), where, loaded);
  LAW(std::memcmp(ram.get(), c_ram_bytes.get(), ram_size) == 0);
}

inline void compare_plan(input& in, std::vector<pvhboot::handoff_module> modules,
                         std::vector<pvhboot_handoff_module> c_modules) {
  const uint8_t flags = in.u8();
  const pvhboot::kernel_extent kernel{.first = in.number(),
                                      .size = in.number(),
                                      .entry = static_cast<uint32_t>(in.number()),
                                      .relocatable = (flags & 1) != 0,
                                      .alignment = uint32_t{1} << in.u8() % 32,
                                      .minimum = static_cast<uint32_t>(in.number()),
                                      .maximum = static_cast<uint32_t>(in.number())};
  pvhboot::plan_block block{.size = in.number(), .alignment = 0x1000, .type = in.type()};
  pvhboot_plan_block c_block{block.size, 0x1000, block.lowest, block.highest, static_cast<uint32_t>(block.type), 0};
  pvhboot::boot_request request{.kernel = kernel,
                                .version = (flags & 2) != 0 ? 0u : 1u,
                                .modules = modules,
                                .acpi_size = in.number(),
                                .blocks = {&block, 1}};
  const pvhboot_boot_request c_request{.kernel = {kernel.first, kernel.size, kernel.entry, kernel.alignment,
                                                  kernel.minimum, kernel.maximum, kernel.relocatable},
                                       .version = request.version,
                                       .flags = 0,
                                       .cmdline = {nullptr, nullptr, 0},
                                       .modules = c_modules.data(),
                                       .modules_size = c_modules.size(),
                                       .rsdp_paddr = 0,
                                       .acpi_size = request.acpi_size,
                                       .blocks = &c_block,
                                       .blocks_size = 1,
                                       .handoff_highest = request.handoff_highest,
                                       .modules_highest = request.modules_highest};
  const uint64_t random = in.u64();
  const auto ranges = in.ranges(in.u8() % 16);
  two_maps map{2 * ranges.size() + 24}, free{2 * ranges.size() + 24};
  map.add(ranges);
  uint64_t where = 0;
  both(pvhboot_map_sanitize(&map.c, &where), where, map.cpp.map.sanitize());
  const auto plan = (flags & 4) != 0 ? plan_boot(map.cpp.map, free.cpp.map, request, random)
                                     : plan_boot(map.cpp.map, free.cpp.map, request);
  pvhboot_boot_plan c{};
  const auto bad = pvhboot_plan(&map.c, &free.c, &c_request, (flags & 4) != 0 ? &random : nullptr, &c, &where);
  if (!both(bad, where, plan)) return;
  map.law_same();
  LAW(c.start_info_paddr == plan->start_info_paddr && c.entry_paddr == plan->entry && c.bases == plan->bases);
  LAW(c.kernel_base == plan->kernel_base && c.kernel_shift == plan->kernel_shift && c_block.paddr == block.paddr);
  LAW(c.handoff.rsdp_paddr == plan->handoff.rsdp_paddr && c.handoff.memmap_size == plan->handoff.memmap.size());
  LAW(c.handoff.modules_size == modules.size() && pvhboot_handoff_size(&c.handoff) == plan->handoff.size_bytes());
  for (size_t i = 0; i < modules.size(); ++i) LAW(c_modules[i].paddr == modules[i].paddr);
}

inline void compare_written(input& in) {
  const uint64_t base = in.number(), paddr = in.number();
  const size_t memory_size = in.u16() % 0x800;
  const std::vector<uint8_t> letters(in.u8(), 'x');
  std::vector<pvhboot::handoff_module> modules(in.u8() % 4);
  std::vector<pvhboot_handoff_module> c_modules(modules.size());
  for (size_t i = 0; i < modules.size(); ++i) {
    modules[i].paddr = in.number();
    modules[i].size = in.number();
    modules[i].cmdline = pvhboot::string_ref{letters.data(), letters.size() / 2};
    c_modules[i] = {modules[i].paddr, modules[i].size, {nullptr, letters.data(), letters.size() / 2}, 0};
    if (letters.empty()) modules[i].cmdline = {};
  }
  if (in.u8() % 2 != 0) return compare_plan(in, modules, c_modules);
  const auto ranges = in.ranges(in.u8() % 32);
  std::vector<pvhboot_range> c_ranges;
  c_ranges.reserve(ranges.size());
  for (const memory_range& r : ranges) c_ranges.push_back({r.addr, r.size, static_cast<uint32_t>(r.type)});
  const uint32_t reserved[] = {in.u8(), in.u8()};
  pvhboot::handoff h{.version = in.u8() % 2u, .rsdp_paddr = in.number()};
  if (!letters.empty()) h.cmdline = pvhboot::string_ref{letters.data(), letters.size()};
  h.modules = modules;
  h.memmap = ranges;
  h.memmap_reserved = reserved;
  const pvhboot_handoff c{.version = h.version,
                          .flags = 0,
                          .cmdline = {reinterpret_cast<const char*>(letters.data()), nullptr, letters.size()},
                          .modules = c_modules.data(),
                          .modules_size = c_modules.size(),
                          .rsdp_paddr = h.rsdp_paddr,
                          .memmap = c_ranges.data(),
                          .memmap_size = c_ranges.size(),
                          .memmap_reserved = reserved,
                          .memmap_reserved_size = 2,
                          .reserved = 0};
  LAW(pvhboot_handoff_size(&c) == h.size_bytes());
  const pvhboot::handoff_layout at{.start_info_paddr = paddr,
                                   .modlist_paddr = in.number(),
                                   .memmap_paddr = in.number(),
                                   .cmdline_paddr = in.number(),
                                   .module_cmdlines_paddr = in.number()};
  const pvhboot_handoff_layout c_at{
      at.start_info_paddr, at.modlist_paddr, at.memmap_paddr, at.cmdline_paddr, at.module_cmdlines_paddr, nullptr, 0};
  exact<uint8_t> guest{memory_size}, c_guest_bytes{memory_size};
  std::memset(guest.get(), 0, memory_size);
  std::memset(c_guest_bytes.get(), 0, memory_size);
  pvhboot_window window{base, c_guest_bytes.get(), c_guest_bytes.get(), memory_size};
  const pvhboot_memory c_guest = c_writable(window);
  const pvhboot::writable_window to{base, guest.all()};
  uint64_t where = 0;
  both(pvhboot_write(&c, &c_guest, paddr, &where), where, write(h, to, paddr));
  LAW(std::memcmp(guest.get(), c_guest_bytes.get(), memory_size) == 0);
  both(pvhboot_write_at(&c, &c_guest, &c_at, &where), where, write(h, to, at));
  LAW(std::memcmp(guest.get(), c_guest_bytes.get(), memory_size) == 0);
}

}  // namespace fuzz
