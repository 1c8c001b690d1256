// SPDX-License-Identifier: BSL-1.0
//
// The C interface's functions, which pvhboot.h describes. One source for the user's build, with any C++20 compiler and
// the user's own flags; it references memcpy, memmove, memset and memcmp, and no C++ runtime.
//
//     g++ -std=c++20 -m32 -Os -ffreestanding -ffunction-sections -I include -c include/pvhboot/c/pvhboot_c.cpp
//
// A struct of pvhboot.h that is used as one of the library's in place has the same members; the static_asserts below
// and tests/c check that. Objects of the library's classes lie in the members `opaque`, as bytes.
#include <pvhboot/c/pvhboot.h>

#include <pvhboot/abi/begin.def>
#include <pvhboot/bridge/pvh_to_linux.hpp>
#include <pvhboot/core/message.hpp>
#include <pvhboot/core/queries.hpp>
#include <pvhboot/core/random_ram.hpp>
#include <pvhboot/core/writable_memory.hpp>
#include <pvhboot/elf/image.hpp>
#include <pvhboot/elf/load.hpp>
#include <pvhboot/linux/boot_loader.hpp>
#include <pvhboot/linux/bzimage.hpp>
#include <pvhboot/linux/zero_page.hpp>
#include <pvhboot/pvh/extents.hpp>
#include <pvhboot/pvh/handoff_layout.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvh/phys32_note.hpp>
#include <pvhboot/pvh/plan.hpp>
#include <pvhboot/xen/xen.hpp>

namespace {

using pvhboot::errc;
using pvhboot::failure;
using pvhboot::result;
using pvhboot::span;
using pvhboot::string_ref;

/// The caller's functions as the library's memory. They are noexcept by contract, which C cannot say.
struct caller_memory {
  pvhboot_memory functions;

  [[__nodiscard__]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const noexcept {
    using silent = const uint8_t* (*)(void*, uint64_t, uint64_t) noexcept;
    return reinterpret_cast<silent>(functions.bytes)(functions.context, paddr, n);
  }
  [[__nodiscard__]] span<uint8_t> writable(uint64_t paddr, uint64_t n) const noexcept {
    using silent = uint8_t* (*)(void*, uint64_t, uint64_t, uint64_t*) noexcept;
    uint64_t there = 0;
    uint8_t* const p = functions.writable
                           ? reinterpret_cast<silent>(functions.writable)(functions.context, paddr, n, &there)
                           : nullptr;
    return p ? span<uint8_t>{p, pvhboot::narrow_cast<size_t>(there)} : span<uint8_t>{};
  }
};
static_assert(pvhboot::physical_memory<caller_memory> && pvhboot::writable_memory<caller_memory>);

using boot_info = pvhboot::boot_info<caller_memory>;

[[gnu::__noinline__]] pvhboot_error fail(const failure& why, uint64_t* where) noexcept {
  if (where) *where = why.where;
  return static_cast<pvhboot_error>(why.code);
}
pvhboot_error end(const result<void>& done, uint64_t* where) noexcept {
  return done ? PVHBOOT_OK : fail(done.error(), where);
}

// Structs with the same members on both sides.
template <class To, class From> To* same(From* from) noexcept {
  static_assert(sizeof(To) == sizeof(From));
  static_assert(alignof(To) == alignof(From));
  return reinterpret_cast<To*>(from);
}
static_assert(offsetof(pvhboot_range, size) == offsetof(pvhboot::memory_range, size));
static_assert(offsetof(pvhboot_range, type) == offsetof(pvhboot::memory_range, type));
static_assert(offsetof(pvhboot_scratch, by_end) == offsetof(pvhboot::sweep_slot, by_end));
static_assert(offsetof(pvhboot_scratch, heap) == offsetof(pvhboot::sweep_slot, heap));
static_assert(offsetof(pvhboot_linux_layout, kernel) == offsetof(pvhboot::linux_layout, kernel));
static_assert(offsetof(pvhboot_linux_layout, entry_64) == offsetof(pvhboot::linux_layout, entry_64));
static_assert(offsetof(pvhboot_linux_layout, zero_page_paddr) == offsetof(pvhboot::linux_layout, zero_page_paddr));
static_assert(offsetof(pvhboot_linux_layout, cmdline_paddr) == offsetof(pvhboot::linux_layout, cmdline_paddr));
static_assert(offsetof(pvhboot_linux_layout, cmdline_size) == offsetof(pvhboot::linux_layout, cmdline_size));
static_assert(offsetof(pvhboot_linux_layout, initrd_paddr) == offsetof(pvhboot::linux_layout, initrd_paddr));
static_assert(offsetof(pvhboot_linux_layout, initrd_size) == offsetof(pvhboot::linux_layout, initrd_size));
static_assert(offsetof(pvhboot_linux_layout, rsdp_paddr) == offsetof(pvhboot::linux_layout, rsdp_paddr));
static_assert(offsetof(pvhboot_linux_layout, keep) == offsetof(pvhboot::linux_layout, keep));
static_assert(offsetof(pvhboot_linux_layout, loader) == offsetof(pvhboot::linux_layout, loader));
static_assert(offsetof(pvhboot_linux_layout, loader_version) == offsetof(pvhboot::linux_layout, loader_version));
static_assert(offsetof(pvhboot_kernel_placement, load_paddr) == offsetof(pvhboot::kernel_placement, load_paddr));
static_assert(offsetof(pvhboot_kernel_placement, load_size) == offsetof(pvhboot::kernel_placement, load_size));
static_assert(offsetof(pvhboot_kernel_placement, runtime_start) == offsetof(pvhboot::kernel_placement, runtime_start));
static_assert(offsetof(pvhboot_kernel_placement, runtime_size) == offsetof(pvhboot::kernel_placement, runtime_size));
static_assert(offsetof(pvhboot_kernel_placement, kernel_alignment) ==
              offsetof(pvhboot::kernel_placement, kernel_alignment));
static_assert(sizeof(pvhboot_linux_layout) == sizeof(pvhboot::linux_layout));
static_assert(sizeof(pvhboot_kernel_placement) == sizeof(pvhboot::kernel_placement));
static_assert(offsetof(pvhboot_plan_block, alignment) == offsetof(pvhboot::plan_block, alignment));
static_assert(offsetof(pvhboot_plan_block, lowest) == offsetof(pvhboot::plan_block, lowest));
static_assert(offsetof(pvhboot_plan_block, highest) == offsetof(pvhboot::plan_block, highest));
static_assert(offsetof(pvhboot_plan_block, type) == offsetof(pvhboot::plan_block, type));
static_assert(offsetof(pvhboot_plan_block, paddr) == offsetof(pvhboot::plan_block, paddr));
static_assert(offsetof(pvhboot_handoff_module, size) == offsetof(pvhboot::handoff_module, size));
static_assert(offsetof(pvhboot_handoff_module, cmdline) == offsetof(pvhboot::handoff_module, cmdline));
static_assert(offsetof(pvhboot_handoff_module, reserved) == offsetof(pvhboot::handoff_module, reserved));

// Objects in the members `opaque`.
static_assert(sizeof(result<boot_info>) == sizeof(pvhboot_boot_info::opaque));
static_assert(offsetof(pvhboot_boot_info, opaque) % alignof(boot_info) == 0);
static_assert(alignof(pvhboot_boot_info) == alignof(boot_info));
static_assert(sizeof(pvhboot::bzimage) == sizeof(pvhboot_bzimage::opaque));
static_assert(offsetof(pvhboot_bzimage, opaque) % alignof(pvhboot::bzimage) == 0);
static_assert(alignof(pvhboot_bzimage) == alignof(pvhboot::bzimage));

/// Where new makes one.
struct in_opaque {
  unsigned char* bytes;
};

const boot_info& object(const pvhboot_boot_info* c) noexcept { return *reinterpret_cast<const boot_info*>(c->opaque); }
const pvhboot::bzimage& object(const pvhboot_bzimage* c) noexcept {
  return *reinterpret_cast<const pvhboot::bzimage*>(c->opaque);
}

/// A map of the caller's for one call; update gives it back.
struct map_of : pvhboot::memory_map {
  explicit map_of(const pvhboot_map* map) noexcept
      : memory_map({same<pvhboot::memory_range>(map->ranges), map->capacity},
                   {same<pvhboot::sweep_slot>(map->scratch), map->slots}, map->size, map->sanitized != 0) {}
  void update(pvhboot_map* map) const noexcept {
    map->size = size();
    map->sanitized = known_sanitized();
  }
};
pvhboot_error end(const map_of& changed, pvhboot_map* map, const result<void>& done, uint64_t* where) noexcept {
  changed.update(map);
  return end(done, where);
}
pvhboot::memory_range value(const pvhboot_range* r) noexcept {
  return {r->addr, r->size, static_cast<pvhboot::memory_type>(r->type)};
}
pvhboot_range value(const pvhboot::memory_range& r) noexcept { return {r.addr, r.size, static_cast<uint32_t>(r.type)}; }

/// A chain of the caller's, or null. Its storage is cut as the constructor does.
pvhboot::setup_data_writer* writer(pvhboot_setup_data* nodes) noexcept {
  if (nodes) nodes->size = pvhboot::setup_data_writer::usable(nodes->size, nodes->paddr);
  return same<pvhboot::setup_data_writer>(nodes);
}

string_ref text(const pvhboot_text& t) noexcept {
  return t.bytes ? string_ref{t.bytes, t.size} : t.chars ? string_ref{t.chars, t.size} : string_ref{};
}
pvhboot_text text(const string_ref& t) noexcept { return {t.absent() ? nullptr : t.data(), nullptr, t.size()}; }
const char* chars(const string_ref& t) noexcept { return t.absent() ? nullptr : t.data(); }

pvhboot::linux_layout value(const pvhboot_linux_layout* c) noexcept {
  pvhboot::linux_layout layout;
  __builtin_memcpy(static_cast<void*>(&layout), c, sizeof layout);  // a third of the code of one member after the other
  layout.entry_64 = c->entry_64 != 0;
  return layout;
}

pvhboot::handoff value(const pvhboot_handoff* c) noexcept {
  return {.version = c->version,
          .flags = c->flags,
          .cmdline = text(c->cmdline),
          .modules = {same<const pvhboot::handoff_module>(c->modules), c->modules_size},
          .rsdp_paddr = c->rsdp_paddr,
          .memmap = {same<const pvhboot::memory_range>(c->memmap), c->memmap_size},
          .memmap_reserved = {c->memmap_reserved, c->memmap_reserved_size},
          .reserved = c->reserved};
}

pvhboot::kernel_extent value(const pvhboot_kernel_extent& c) noexcept {
  return {.first = c.base,
          .size = c.size,
          .entry = c.entry_paddr,
          .relocatable = c.relocatable != 0,
          .alignment = c.alignment,
          .minimum = c.minimum,
          .maximum = c.maximum};
}

pvhboot::abi::boot_params& zero_page_at(uint8_t* p) noexcept {
  return *reinterpret_cast<pvhboot::abi::boot_params*>(p);
}

}  // namespace

/// <new> is no freestanding header of every toolchain.
inline void* operator new(size_t, const in_opaque& place) noexcept { return place.bytes; }

extern "C" {

// Errors.

const char* pvhboot_message(enum pvhboot_error rule) { return message(static_cast<errc>(rule)).data(); }
const char* pvhboot_name(enum pvhboot_error rule) { return name(static_cast<errc>(rule)).data(); }
const char* pvhboot_where_is(enum pvhboot_error rule) { return name(where_is(static_cast<errc>(rule))).data(); }

// Physical memory.

const uint8_t* pvhboot_identity_bytes(void*, uint64_t paddr, uint64_t n) {
  return pvhboot::identity_map{}.bytes(paddr, n);
}
uint8_t* pvhboot_identity_writable(void*, uint64_t paddr, uint64_t n, uint64_t* there) {
  const auto bytes = pvhboot::writable_identity_map{}.writable(paddr, n);
  *there = bytes.size();
  return bytes.empty() ? nullptr : bytes.data();
}
const uint8_t* pvhboot_window_bytes(void* context, uint64_t paddr, uint64_t n) {
  const auto* const w = static_cast<const pvhboot_window*>(context);
  return pvhboot::memory_window{w->base, {w->readable, w->size}}.bytes(paddr, n);
}
uint8_t* pvhboot_window_writable(void* context, uint64_t paddr, uint64_t n, uint64_t* there) {
  const auto* const w = static_cast<const pvhboot_window*>(context);
  const size_t size = w->writable ? w->size : 0;
  const auto bytes = pvhboot::writable_window{w->base, {w->writable, size}}.writable(paddr, n);
  *there = bytes.size();
  return bytes.empty() ? nullptr : bytes.data();
}

// Memory maps.

enum pvhboot_error pvhboot_map_append(struct pvhboot_map* map, const struct pvhboot_range* added, uint64_t* where) {
  map_of m{map};
  const auto done = m.append(value(added));
  return end(m, map, done, where);
}
enum pvhboot_error pvhboot_map_sanitize(struct pvhboot_map* map, uint64_t* where) {
  map_of m{map};
  const auto done = m.sanitize();
  return end(m, map, done, where);
}
enum pvhboot_error pvhboot_map_insert(struct pvhboot_map* map, const struct pvhboot_range* added, uint64_t* where) {
  map_of m{map};
  const auto done = m.insert(value(added));
  return end(m, map, done, where);
}
enum pvhboot_error pvhboot_map_overwrite(struct pvhboot_map* map, const struct pvhboot_range* over, uint64_t* where) {
  map_of m{map};
  const auto done = m.overwrite(value(over));
  return end(m, map, done, where);
}
enum pvhboot_error pvhboot_map_punch(struct pvhboot_map* map, uint64_t addr, uint64_t size, uint64_t* where) {
  map_of m{map};
  const auto done = m.punch(addr, size);
  return end(m, map, done, where);
}
void pvhboot_map_intersect(struct pvhboot_map* map, uint64_t addr, uint64_t size) {
  map_of m{map};
  m.intersect(addr, size);
  m.update(map);
}
enum pvhboot_error pvhboot_map_assign(struct pvhboot_map* map, const struct pvhboot_map* other, uint64_t* where) {
  map_of m{map};
  const auto done = m.assign(map_of{other});
  return end(m, map, done, where);
}
int pvhboot_map_is_sanitized(const struct pvhboot_map* map) { return map_of{map}.is_sanitized(); }
const char* pvhboot_memory_type_name(uint32_t type) { return name(static_cast<pvhboot::memory_type>(type)).data(); }

uint64_t pvhboot_total_ram(const struct pvhboot_map* map) { return total_ram(map_of{map}); }
int pvhboot_covers(const struct pvhboot_map* map, uint64_t addr, uint64_t size, uint32_t type) {
  return covers(map_of{map}, addr, size, static_cast<pvhboot::memory_type>(type));
}
enum pvhboot_error pvhboot_find_lowest_ram(const struct pvhboot_map* map, uint64_t size, uint64_t alignment,
                                           uint64_t lowest, uint64_t highest, uint64_t* paddr, uint64_t* where) {
  const auto found = find_lowest_ram(map_of{map}, size, alignment, lowest, highest);
  if (!found) return fail(found.error(), where);
  *paddr = *found;
  return PVHBOOT_OK;
}
enum pvhboot_error pvhboot_find_highest_ram(const struct pvhboot_map* map, uint64_t size, uint64_t alignment,
                                            uint64_t lowest, uint64_t highest, uint64_t* paddr, uint64_t* where) {
  const auto found = find_highest_ram(map_of{map}, size, alignment, lowest, highest);
  if (!found) return fail(found.error(), where);
  *paddr = *found;
  return PVHBOOT_OK;
}
enum pvhboot_error pvhboot_find_random_ram(const struct pvhboot_map* map, uint64_t size, uint64_t alignment,
                                           uint64_t lowest, uint64_t highest, uint64_t random, uint64_t* paddr,
                                           uint64_t* where) {
  const auto found = find_random_ram(map_of{map}, size, alignment, lowest, highest, random);
  if (!found) return fail(found.error(), where);
  *paddr = *found;
  return PVHBOOT_OK;
}

// The handoff, read.

enum pvhboot_error pvhboot_parse(const struct pvhboot_memory* memory, uint64_t paddr,
                                 const struct pvhboot_parse_limits* limits, struct pvhboot_boot_info* boot,
                                 uint64_t* where) {
  pvhboot::parse_limits chosen{};
  if (limits) chosen = {limits->memmap_entries, limits->modules, limits->string_size};
  auto& made = *new (in_opaque{boot->opaque})
                   result<boot_info>{pvhboot::in_place{}, caller_memory{*memory}, paddr, chosen.string_size};
  if (const auto done = (*made).read(chosen); !done) return fail(done.error(), where);
  const boot_info& info = object(boot);
  const pvhboot::abi::hvm_start_info& wire = info.wire();
  boot->paddr = paddr;
  boot->cmdline_paddr = wire.cmdline_paddr;
  boot->rsdp_paddr = wire.rsdp_paddr;
  const string_ref& cmdline = info.cmdline();
  boot->cmdline = cmdline.absent() ? nullptr : cmdline.data();
  boot->cmdline_size = cmdline.size();
  boot->version = wire.version;
  boot->flags = wire.flags;
  boot->modules = wire.nr_modules;
  boot->memmap_entries = pvhboot::narrow_cast<uint32_t>(info.memory_map().size());
  boot->memmap_state = static_cast<uint32_t>(info.memory_map_state());
  boot->reserved = wire.reserved;
  return PVHBOOT_OK;
}
void pvhboot_module_at(const struct pvhboot_boot_info* boot, uint32_t index, struct pvhboot_module* one) {
  const pvhboot::boot_module m = object(boot).modules()[index];
  *one = {m.paddr, m.size, m.cmdline_paddr};
}
enum pvhboot_error pvhboot_module_cmdline(const struct pvhboot_boot_info* boot, const struct pvhboot_module* one,
                                          const char** text, size_t* size, uint64_t* where) {
  const auto found = object(boot).cmdline_of({one->paddr, one->size, one->cmdline_paddr});
  if (!found) return fail(found.error(), where);
  *text = chars(*found);
  *size = found->size();
  return PVHBOOT_OK;
}
enum pvhboot_error pvhboot_module_contents(const struct pvhboot_boot_info* boot, const struct pvhboot_module* one,
                                           const uint8_t** contents, uint64_t* where) {
  const auto found = object(boot).contents_of({one->paddr, one->size, one->cmdline_paddr});
  if (!found) return fail(found.error(), where);
  *contents = found->data();
  return PVHBOOT_OK;
}
void pvhboot_memmap_at(const struct pvhboot_boot_info* boot, uint32_t index, struct pvhboot_range* as_it_is) {
  *as_it_is = value(object(boot).memory_map()[index]);
}
enum pvhboot_error pvhboot_map_append_handoff(struct pvhboot_map* map, const struct pvhboot_boot_info* boot,
                                              uint64_t* where) {
  map_of m{map};
  const auto done = m.append(object(boot).memory_map());
  return end(m, map, done, where);
}
size_t pvhboot_extents(const struct pvhboot_boot_info* boot, struct pvhboot_extent* pieces, size_t capacity) {
  size_t n = 0;
  for (const pvhboot::extent& e : pvhboot::extents<caller_memory>{object(boot)}) {
    if (n < capacity) pieces[n] = {e.addr, e.size, static_cast<uint32_t>(e.what), e.module};
    ++n;
  }
  return n;
}
enum pvhboot_error pvhboot_reserve_handoff(struct pvhboot_map* map, const struct pvhboot_boot_info* boot,
                                           uint64_t* where) {
  map_of m{map};
  const auto done = reserve_handoff(m, object(boot));
  return end(m, map, done, where);
}

// Xen.

int pvhboot_find_xen(void (*execute)(void* context, uint32_t leaf, struct pvhboot_cpuid_leaf* answer), void* context,
                     struct pvhboot_xen_cpuid* xen) {
  using silent = void (*)(void*, uint32_t, pvhboot_cpuid_leaf*) noexcept;
  const auto found = pvhboot::find_xen([&](uint32_t leaf) noexcept -> pvhboot::cpuid_leaf {
    pvhboot_cpuid_leaf answer{};
    reinterpret_cast<silent>(execute)(context, leaf, &answer);
    return {answer.a, answer.b, answer.c, answer.d};
  });
  *xen = {found.base, found.hypercall_msr, found.version_major, found.version_minor};
  return found.found();
}
enum pvhboot_error pvhboot_map_append_xen(struct pvhboot_map* map, int64_t returned, uint32_t nr_entries,
                                          const uint8_t* buffer, size_t size, uint64_t* where) {
  const auto table = pvhboot::read_xen_memory_map(returned, nr_entries, {buffer, size});
  if (!table) return fail(table.error(), where);
  map_of m{map};
  const auto done = m.append(*table);
  return end(m, map, done, where);
}

// Linux.

enum pvhboot_error pvhboot_parse_bzimage(const uint8_t* file, size_t size, struct pvhboot_bzimage* kernel,
                                         uint64_t* where) {
  const auto parsed = pvhboot::parse_bzimage({file, size});
  if (!parsed) return fail(parsed.error(), where);
  const pvhboot::bzimage& image = *parsed;
  kernel->code = image.code().data();
  kernel->code_size = image.code().size();
  __builtin_memcpy(kernel->opaque, &image, sizeof image);
  return PVHBOOT_OK;
}
void pvhboot_read_bzimage(const struct pvhboot_bzimage* kernel, struct pvhboot_bzimage_values* values) {
  const pvhboot::bzimage& image = object(kernel);
  values->pref_address = image.pref_address();
  values->init_size = image.init_size();
  values->payload = image.payload().data();
  values->payload_size = image.payload().size();
  values->kernel_version = chars(image.kernel_version());
  values->kernel_version_size = image.kernel_version().size();
  values->cmdline_size = image.cmdline_size();
  values->initrd_addr_max = image.initrd_addr_max();
  values->kernel_alignment = image.kernel_alignment();
  values->min_alignment = image.min_alignment();
  values->uncompressed_size = image.uncompressed_size();
  values->protocol = image.protocol();
  values->payload_format = static_cast<uint8_t>(image.payload_format());
  values->relocatable = image.relocatable();
  values->has_entry_64 = image.has_entry_64();
  values->loadable_above_4g = image.can_be_loaded_above_4g();
}
int pvhboot_bzimage_accepts(const struct pvhboot_bzimage* kernel, uint32_t setup_type) {
  return object(kernel).accepts(static_cast<pvhboot::setup_type>(setup_type));
}
enum pvhboot_error pvhboot_place_kernel(const struct pvhboot_bzimage* kernel, const struct pvhboot_map* free_ram,
                                        uint64_t lowest, struct pvhboot_kernel_placement* placement, uint64_t* where) {
  const auto found = place_kernel(object(kernel), map_of{free_ram}, lowest);
  if (!found) return fail(found.error(), where);
  const pvhboot::kernel_placement& place = *found;
  __builtin_memcpy(placement, &place, sizeof place);
  return PVHBOOT_OK;
}
enum pvhboot_error pvhboot_place_initrd(const struct pvhboot_bzimage* kernel, uint64_t size,
                                        const struct pvhboot_map* free_ram, uint64_t* paddr, uint64_t* where) {
  const auto found = place_initrd(object(kernel), size, map_of{free_ram});
  if (!found) return fail(found.error(), where);
  *paddr = *found;
  return PVHBOOT_OK;
}
enum pvhboot_error pvhboot_prepare_for_linux(struct pvhboot_map* map, uint64_t* where) {
  map_of m{map};
  const auto done = prepare_for_linux(m);
  return end(m, map, done, where);
}
enum pvhboot_error pvhboot_setup_data_reserve(struct pvhboot_setup_data* nodes, uint32_t setup_type, uint64_t size,
                                              uint8_t** payload, uint64_t* where) {
  const auto room = writer(nodes)->reserve(static_cast<pvhboot::setup_type>(setup_type), size);
  if (!room) return fail(room.error(), where);
  *payload = room->data();
  return PVHBOOT_OK;
}
uint64_t pvhboot_e820_ext_size(const struct pvhboot_map* map) { return e820_ext_size(map_of{map}); }
enum pvhboot_error pvhboot_walk_setup_data(const struct pvhboot_memory* memory, uint64_t head, uint32_t most,
                                           enum pvhboot_error (*on_node)(void* context,
                                                                         const struct pvhboot_setup_node* node),
                                           void* context, uint64_t* where) {
  using silent = pvhboot_error (*)(void*, const pvhboot_setup_node*) noexcept;
  const auto visit = [&](const pvhboot::setup_node& node) noexcept -> result<void> {
    const pvhboot_setup_node c{node.paddr, node.next, node.payload.data(), node.payload.size(),
                               static_cast<uint32_t>(node.type)};
    const pvhboot_error stop = reinterpret_cast<silent>(on_node)(context, &c);
    if (stop == PVHBOOT_OK) return {};
    return {static_cast<errc>(stop), node.paddr};
  };
  return end(pvhboot::walk_setup_data(caller_memory{*memory}, head, most, visit), where);
}
enum pvhboot_error pvhboot_check_placement(const struct pvhboot_bzimage* kernel,
                                           const struct pvhboot_linux_layout* layout, const struct pvhboot_map* map,
                                           const struct pvhboot_setup_data* nodes, uint64_t* where) {
  pvhboot_setup_data chain = nodes ? *nodes : pvhboot_setup_data{};
  return end(check_placement(object(kernel), value(layout), map_of{map}, writer(nodes ? &chain : nullptr)), where);
}
enum pvhboot_error pvhboot_translate_loader(const struct pvhboot_bzimage* kernel,
                                            const struct pvhboot_linux_layout* layout, const struct pvhboot_map* map,
                                            uint8_t* zero_page, struct pvhboot_setup_data* nodes, uint64_t* where) {
  return end(translate(object(kernel), value(layout), map_of{map}, zero_page_at(zero_page), writer(nodes)), where);
}
enum pvhboot_error pvhboot_translate_kernel(const struct pvhboot_boot_info* boot, const struct pvhboot_map* map,
                                            enum pvhboot_started_by by, uint8_t* zero_page,
                                            struct pvhboot_setup_data* nodes, uint64_t* where) {
  const auto done = translate(object(boot), map_of{map}, static_cast<pvhboot::started_by>(by), zero_page_at(zero_page),
                              writer(nodes));
  return end(done, where);
}
enum pvhboot_error pvhboot_translate_as_linux(const struct pvhboot_boot_info* boot, const struct pvhboot_map* table,
                                              enum pvhboot_started_by by, uint8_t* zero_page, uint64_t* where) {
  const auto host_of_kernel = static_cast<pvhboot::started_by>(by);
  const boot_info& info = object(boot);
  return end(table ? translate_as_linux(info, map_of{table}, host_of_kernel, zero_page_at(zero_page))
                   : translate_as_linux(info, info.memory_map(), host_of_kernel, zero_page_at(zero_page)),
             where);
}
enum pvhboot_error pvhboot_read_zero_page(const struct pvhboot_memory* memory, const uint8_t* zero_page,
                                          struct pvhboot_map* map, uint32_t most,
                                          struct pvhboot_zero_page_values* values, uint64_t* where) {
  map_of m{map};
  const auto read_values =
      read_zero_page(caller_memory{*memory}, *reinterpret_cast<const pvhboot::abi::boot_params*>(zero_page), m, most);
  m.update(map);
  if (!read_values) return fail(read_values.error(), where);
  *values = {read_values->cmdline_paddr, read_values->initrd_paddr, read_values->initrd_size, read_values->rsdp_paddr};
  return PVHBOOT_OK;
}

// Kernel images with a PVH note.

enum pvhboot_error pvhboot_find_phys32_entry(const uint8_t* file, size_t size, struct pvhboot_phys32_entry* found,
                                             uint64_t* where) {
  const auto image = pvhboot::parse_elf({file, size});
  if (!image) return fail(image.error(), where);
  const auto entry_found = find_phys32_entry(*image);
  if (!entry_found) return fail(entry_found.error(), where);
  const result<void>& damage = entry_found->damage;
  *found = {.paddr = entry_found->paddr,
            .notes = entry_found->notes,
            .note_offset = entry_found->offset,
            .foreign = entry_found->foreign,
            .damage_where = damage ? 0 : damage.error().where,
            .damage = damage ? 0u : static_cast<uint32_t>(damage.error().code),
            .differs = entry_found->differs,
            .section_header = entry_found->origin == pvhboot::note_origin::section_header};
  return PVHBOOT_OK;
}
enum pvhboot_error pvhboot_find_phys32_reloc(const uint8_t* file, size_t size, struct pvhboot_phys32_reloc* found,
                                             uint64_t* where) {
  const auto image = pvhboot::parse_elf({file, size});
  if (!image) return fail(image.error(), where);
  const auto reloc = find_phys32_reloc(*image);
  if (!reloc) return fail(reloc.error(), where);
  *found = {reloc->alignment, reloc->minimum, reloc->maximum, reloc->relocatable};
  return PVHBOOT_OK;
}
enum pvhboot_error pvhboot_find_kernel_extent(const uint8_t* file, size_t size, struct pvhboot_kernel_extent* found,
                                              uint64_t* where) {
  const auto image = pvhboot::parse_elf({file, size});
  if (!image) return fail(image.error(), where);
  const auto entry_found = find_phys32_entry(*image);
  if (!entry_found) return fail(entry_found.error(), where);
  const auto reloc = find_phys32_reloc(*image);
  if (!reloc) return fail(reloc.error(), where);
  *found = {image->base(),  image->size(),  entry_found->paddr, reloc->alignment,
            reloc->minimum, reloc->maximum, reloc->relocatable};
  return PVHBOOT_OK;
}
enum pvhboot_error pvhboot_load_image(const uint8_t* file, size_t size, const struct pvhboot_memory* memory,
                                      uint64_t shift, uint64_t* where) {
  const auto image = pvhboot::parse_elf({file, size});
  if (!image) return fail(image.error(), where);
  return end(load_image(*image, caller_memory{*memory}, shift), where);
}

// The handoff, written.

uint64_t pvhboot_handoff_size(const struct pvhboot_handoff* handoff) { return value(handoff).size_bytes(); }
enum pvhboot_error pvhboot_write(const struct pvhboot_handoff* handoff, const struct pvhboot_memory* memory,
                                 uint64_t paddr, uint64_t* where) {
  return end(write(value(handoff), caller_memory{*memory}, paddr), where);
}
enum pvhboot_error pvhboot_write_at(const struct pvhboot_handoff* handoff, const struct pvhboot_memory* memory,
                                    const struct pvhboot_handoff_layout* at, uint64_t* where) {
  const pvhboot::handoff_layout layout{
      .start_info_paddr = at->start_info_paddr,
      .modlist_paddr = at->modlist_paddr,
      .memmap_paddr = at->memmap_paddr,
      .cmdline_paddr = at->cmdline_paddr,
      .module_cmdlines_paddr = at->module_cmdlines_paddr,
      .module_cmdline_paddrs = {at->module_cmdline_paddrs, at->module_cmdline_paddrs_size}};
  return end(write(value(handoff), caller_memory{*memory}, layout), where);
}

// Plan.

enum pvhboot_error pvhboot_plan(struct pvhboot_map* map, struct pvhboot_map* free_ram,
                                const struct pvhboot_boot_request* request, const uint64_t* random,
                                struct pvhboot_boot_plan* plan, uint64_t* where) {
  const pvhboot::boot_request wanted{
      .kernel = value(request->kernel),
      .version = request->version,
      .flags = request->flags,
      .cmdline = text(request->cmdline),
      .modules = {same<pvhboot::handoff_module>(request->modules), request->modules_size},
      .rsdp_paddr = request->rsdp_paddr,
      .acpi_size = request->acpi_size,
      .blocks = {same<pvhboot::plan_block>(request->blocks), request->blocks_size},
      .handoff_highest = request->handoff_highest,
      .modules_highest = request->modules_highest};
  map_of m{map};
  map_of left{free_ram};
  const auto found = random ? plan_boot(m, left, wanted, *random) : plan_boot(m, left, wanted);
  m.update(map);
  left.update(free_ram);
  if (!found) return fail(found.error(), where);
  const pvhboot::handoff& h = found->handoff;
  *plan = {.handoff = {.version = h.version,
                       .flags = h.flags,
                       .cmdline = text(h.cmdline),
                       .modules = request->modules,
                       .modules_size = h.modules.size(),
                       .rsdp_paddr = h.rsdp_paddr,
                       .memmap = h.memmap.empty() ? nullptr : map->ranges,
                       .memmap_size = h.memmap.size(),
                       .memmap_reserved = nullptr,
                       .memmap_reserved_size = 0,
                       .reserved = h.reserved},
           .start_info_paddr = found->start_info_paddr,
           .entry_paddr = found->entry,
           .kernel_base = found->kernel_base,
           .kernel_shift = found->kernel_shift,
           .bases = found->bases};
  return PVHBOOT_OK;
}

// Lint.

enum pvhboot_error pvhboot_lint(const struct pvhboot_memory* memory, const struct pvhboot_boot_info* boot,
                                struct pvhboot_map* scratch,
                                void (*on_finding)(void* context, enum pvhboot_oddity what, uint64_t where),
                                void* context, const struct pvhboot_lint_options* options, uint64_t* where) {
  using silent = void (*)(void*, pvhboot_oddity, uint64_t) noexcept;
  pvhboot::lint_options chosen{};
  if (options) chosen = {.kernel = value(&options->kernel), .probe_ram = options->probe_ram != 0};
  map_of m{scratch};
  const auto done = lint(
      caller_memory{*memory}, object(boot), m,
      [&](const pvhboot::finding& f) noexcept {
        reinterpret_cast<silent>(on_finding)(context, static_cast<pvhboot_oddity>(f.what), f.where);
      },
      chosen);
  return end(m, scratch, done, where);
}
const char* pvhboot_oddity_message(enum pvhboot_oddity what) {
  return message(static_cast<pvhboot::oddity>(what)).data();
}
const char* pvhboot_oddity_name(enum pvhboot_oddity what) { return name(static_cast<pvhboot::oddity>(what)).data(); }
const char* pvhboot_oddity_where_is(enum pvhboot_oddity what) {
  return where_is(static_cast<pvhboot::oddity>(what)).data();
}
const char* pvhboot_oddity_fails(enum pvhboot_oddity what) { return fails(static_cast<pvhboot::oddity>(what)).data(); }
enum pvhboot_severity pvhboot_oddity_level(enum pvhboot_oddity what) {
  return static_cast<pvhboot_severity>(level(static_cast<pvhboot::oddity>(what)));
}

}  // extern "C"

#include <pvhboot/abi/end.def>
