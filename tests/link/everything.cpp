// SPDX-License-Identifier: BSL-1.0
//
// Every function that a kernel or a loader would call, in one freestanding object. symbols.py looks at what it needs.
// All are noexcept, so one call that is not costs a terminate where exceptions are on.
#include <pvhboot/bridge/linux_to_pvh.hpp>
#include <pvhboot/bridge/load_bzimage.hpp>
#include <pvhboot/core/format.hpp>
#include <pvhboot/linux/e820.hpp>
#include <pvhboot/producer.hpp>
#include <pvhboot/pvh/check_entry_state.hpp>
#include <pvhboot/pvh/explain.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvh/patch_note.hpp>
#include <pvhboot/pvh/values_of.hpp>
#include <pvhboot/pvhboot.hpp>
#include <pvhboot/spec.hpp>
#include <pvhboot/xen/grub_mmap.hpp>

using namespace pvhboot;

namespace {

memory_map_buffer<256> storage;

void put(string_ref& out, string_ref text) noexcept {
  if (out.empty()) out = text;
}

}  // namespace

extern "C" {

abi::boot_params zero_page;
uint64_t sink;

/// Reads all of a handoff through a map that the caller chooses.
bool read_handoff(uint32_t ebx, uintptr_t offset) noexcept {
  string_ref text;
  const auto boot = parse(offset_map{.offset = offset}, ebx);
  if (!boot) {
    char line[format_size];
    put(text, format(boot.error(), line));
    sink = source(boot.error().code).size() + name(boot.error().code).size();
    sink += boot.error().where + text.size();
    return false;
  }
  sink += boot->version() + boot->flags() + boot->rsdp_paddr() + boot->cmdline().size() + boot->paddr();
  for (const boot_module m : boot->modules()) {
    if (const auto name = boot->cmdline_of(m)) sink += name->size();
    if (const auto bytes = boot->contents_of(m)) sink += bytes->size();
  }
  for (const memory_range r : boot->memory_map()) sink += r.addr + r.size + name(r.type).size();
  sink += boot->wire().reserved + static_cast<uint64_t>(boot->memory_map_state());
  return true;
}

/// A kernel that PVH entered: its own zero page.
bool own_zero_page(uint32_t ebx, started_by host) noexcept {
  const auto boot = parse(identity_map{}, ebx);
  if (!boot) return false;
  memory_map map{storage};
  if (!map.append(boot->memory_map()) || !map.sanitize() || !prepare_for_linux(map)) return false;
  if (!reserve_handoff(map, *boot) || !reserve(map, 0, 0x1000)) return false;
  for (const extent& e : extents{*boot}) sink += e.size;
  sink += total_ram(map);
  return translate(*boot, map, host, zero_page).ok();
}

/// A boot loader: somebody else's zero page.
bool boot_linux(uint32_t ebx, const uint8_t* file, size_t size) noexcept {
  const auto boot = parse(identity_map{}, ebx);
  const auto kernel = parse_bzimage({file, size});
  if (!boot || !kernel) return false;
  memory_map map{storage};
  if (!map.append(boot->memory_map()) || !map.sanitize()) return false;
  const auto place = place_kernel(*kernel, map);
  const auto initrd = place_initrd(*kernel, 4096, map);
  if (!place || !initrd || !prepare_for_linux(map)) return false;
  const linux_layout values{.kernel = *place,
                            .zero_page_paddr = 0x8000,
                            .initrd_paddr = *initrd,
                            .initrd_size = 4096,
                            .rsdp_paddr = boot->rsdp_paddr()};
  return translate(*kernel, values, map, zero_page).ok();
}

/// Lints a handoff, and finds what another Linux makes of its map.
void judge(uint32_t ebx) noexcept {
  const auto boot = parse(identity_map{}, ebx);
  if (!boot) return;
  memory_map map{storage};
  const auto report = [](const finding& f) noexcept {
    sink += f.where + message(f.what).size() + fails(f.what).size() + name(f.what).size();
    sink += static_cast<uint64_t>(level(f.what)) + hurts(f.what, consumer::freebsd) + where_is(f.what).size();
  };
  if (!lint(identity_map{}, *boot, map, report)) return;
  map.clear();
  if (const auto verdict = linux_e820(boot->memory_map(), 0, 0, linux_era::from_7_1, map))
    sink += static_cast<uint64_t>(*verdict);
  sink += translate_as_linux(*boot, boot->memory_map(), started_by::xen, zero_page).ok();
  if (map.append(boot->memory_map()))
    sink += map.report_overlaps([](const memory_range& a, const memory_range& b) noexcept { sink += a.addr + b.addr; })
                .ok();
  static array<memory_range, grub_mmap_slots> grub;
  if (const auto entries = grub_mmap(boot->memory_map(), grub)) sink += *entries;
}

/// Edits a map, and asks the specifications.
bool edit(uint64_t addr, uint64_t size, string_ref field) noexcept {
  memory_map map{storage};
  if (!map.append({addr, size, memory_type::ram}) || !map.insert({0, size, memory_type::acpi})) return false;
  map.intersect(size, addr);
  map.merge(memory_type::ram);
  map.truncate(3);
  const auto low = find_lowest_ram(map, size, 4096, 0, addr);
  const auto high = find_highest_ram(map, size, 4096, 0, addr);
  sink += (low ? *low : 0) + (high ? *high : 0) + e820_ext_size(map);
  for (const spec::field& f : spec::fields_in<abi::setup_header>(0x0206)) sink += f.offset;
  return map.punch(addr, size) && spec::find_field<abi::boot_params>(field);
}

/// Both ways through a chain of setup_data.
bool chain(uint8_t* room, size_t size, uint64_t paddr) noexcept {
  setup_data_writer writer{{room, size}, paddr};
  if (!writer.add(setup_type::ima, abi::ima_setup_data{.addr = 1, .size = 2})) return false;
  zero_page.hdr.setup_data = writer.head();
  memory_map map{storage};
  const auto values = read_zero_page(identity_map{}, zero_page, map);
  if (values) sink += values->cmdline_paddr + values->rsdp_paddr;
  return walk_setup_data(identity_map{}, writer.head(), 64,
                         [](const setup_node& node) noexcept -> result<void> {
                           if (const auto inner = read_setup_indirect(node)) sink += inner->len;
                           return {};
                         })
      .ok();
}

/// Xen's memory map.
bool on_xen(cpuid_leaf (*cpuid)(uint32_t) noexcept, int64_t returned, uint32_t n, const uint8_t* buffer,
            size_t size) noexcept {
  const xen_cpuid xen = find_xen(cpuid);
  const auto table = read_xen_memory_map(returned, n, {buffer, size});
  memory_map map{storage};
  return xen.found() && table && map.append(*table) && map.sanitize();
}

/// A VMM, or a loader that starts a PVH kernel: an ELF file into memory, at its own place or at a random one.
bool load_kernel(const uint8_t* file, size_t size, uint64_t random, image_place& place) {
  const auto image = parse_elf({file, size});
  if (!image) return false;
  const auto entry = find_phys32_entry(*image);
  const auto reloc = find_phys32_reloc(*image);
  memory_map map{storage};
  if (!entry || !reloc || !map.append({0x100000, 0x40000000, memory_type::ram})) return false;
  sink += count_bases(*image, *reloc, map) + image_notes{*image}.check().ok();
  const auto base = random != 0 ? choose_base(*image, *reloc, map, random) : choose_base(*image, *reloc, map);
  const auto placed = base ? place_image(*image, *entry, *base) : base.error();
  if (!placed) return false;
  place = *placed;
  return load_image(*image, writable_identity_map{}, place.shift).ok();
}

/// A VMM whose guest has memory in two pieces.
bool load_guest(const uint8_t* file, size_t size, uint8_t* low, uint8_t* high, size_t each) {
  const auto image = parse_elf({file, size});
  const writable_window pieces[] = {{0, {low, each}}, {0x100000000, {high, each}}};
  return image && load_image(*image, memory_pieces{pieces}) &&
         write_struct(memory_pieces{pieces}, 0x1000, abi::hvm_start_info{});
}

/// A VMM, up to the CPU: plan, handoff, entry state.
bool produce(const boot_request& request, const uint64_t* random, uint8_t* low, size_t size,
             boot_plan& started) noexcept {
  static memory_map_buffer<64> buffers[2];
  memory_map map{buffers[0]};
  memory_map free{buffers[1]};
  if (!map.append(memory_range{0, size, memory_type::ram}) || !map.sanitize()) return false;
  const auto plan = random ? plan_boot(map, free, request, *random) : plan_boot(map, free, request);
  if (!plan || !write(plan->handoff, span<uint8_t>{low, size}, plan->start_info_paddr)) return false;
  started = *plan;
  const entry_state state{plan->entry, plan->start_info_paddr};
  int odd = 0;
  check_entry_state(state, [&](finding) noexcept { ++odd; }, {.profile = entry_profile::as_seen});
  return odd == 0 && write_struct(writable_window{0, {low, size}}, 0x500, entry_gdt(state)[1]);
}
/// A loader that passes a handoff on, with what it was given but for the first module, or a zero page's.
bool pass_on(uint32_t ebx, uint64_t paddr) noexcept {
  static handoff_buffer<16, 256> buffer;
  const auto boot = parse(identity_map{}, ebx);
  if (!boot) return false;
  auto read = placed_values_of(*boot, buffer, unreadable_cmdline::drop);
  if (!read || !write(read->values, writable_identity_map{}, read->layout)) return false;
  handoff next = read->values;
  next.modules = next.modules.after(1);
  return write(next, writable_identity_map{}, paddr).ok();
}
bool from_linux(const abi::boot_params& page, uint64_t paddr) noexcept {
  memory_map map{storage};
  handoff_module initrd{};
  auto h = linux_to_pvh(identity_map{}, page, map, initrd, [](const linux_loss& l) noexcept { sink += l.where; });
  return h && sort_memmap(*h, map) && write(*h, writable_identity_map{}, paddr);
}

/// What every reader does with an image.
void explain_image(const uint8_t* file, size_t size) noexcept {
  for (size_t i = 0; i < image_readers; ++i) {
    const image_verdict v = explain({file, size}, static_cast<image_reader>(i));
    sink += v.entry + message(v.reason).size() + remedy(v.reason).size() + name(v.outcome).size();
    sink += name(static_cast<image_reader>(i)).size() + source(v.reason).size() + name(v.reason).size();
  }
  sink += static_cast<uint64_t>(payload_format_of(explain_payload({file, size})));
}

/// A note into a file, and out of it.
bool patch_image(uint8_t* buffer, size_t room, size_t size, uint32_t entry) noexcept {
  const auto grown = set_phys32_entry({buffer, room}, size, entry);
  return grown && remove_phys32_entry({buffer, *grown}).value_or(0) == 1;
}

/// Copies of whole wire structs, which is where compilers call memcpy and memset.
void copy(abi::boot_params* to, const abi::boot_params* from) noexcept { *to = *from; }
void reset(abi::boot_params* p) noexcept { *p = {}; }
bool same_text(const char* a, size_t n, const char* b, size_t m) noexcept {
  return string_ref{a, n} == string_ref{b, m};
}

}  // extern "C"
