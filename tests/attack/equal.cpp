// SPDX-License-Identifier: BSL-1.0
//
// The same answers in constant evaluation and at run time, and on every machine: each answer is a hash of all that the
// library makes of one generated input. No expression draws two numbers in an order that is the compiler's to choose.
// The first answers of every kind are constants of this program and compared with those of run time; equal.py builds it
// for several machines, whose hashes of all answers must be the same.
#include <utility>

#include <pvhboot/linux/e820.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvhboot.hpp>
#include <pvhboot/xen/grub_mmap.hpp>

#include "attack.hpp"

namespace {

using attack::numbers;
using pvhboot::array;
using pvhboot::memory_map;
using pvhboot::memory_map_buffer;
using pvhboot::memory_range;
using pvhboot::memory_type;
using pvhboot::span;
namespace abi = pvhboot::abi;

class hash {
 public:
  constexpr void add(uint64_t v) { value_ = ((value_ ^ v) * 0x9e3779b97f4a7c15u) ^ (value_ >> 29); }
  constexpr void add(const memory_range& r) {
    add(r.addr);
    add(r.size);
    add(static_cast<uint32_t>(r.type));
  }
  constexpr void add(const memory_map& map) {
    add(map.size());
    for (const memory_range& r : map) add(r);
  }
  constexpr void add(const pvhboot::failure& f) {
    add(static_cast<uint16_t>(f.code));
    add(f.where);
  }
  constexpr void add(const pvhboot::result<void>& r) {
    add(r.ok());
    if (!r) add(r.error());
  }
  constexpr void add(const pvhboot::result<uint64_t>& r) {
    add(r.ok());
    if (r)
      add(*r);
    else
      add(r.error());
  }
  constexpr void add(const pvhboot::string_ref& text) {
    add(text.absent());
    add(text.size());
    for (const char c : text) add(static_cast<uint8_t>(c));
  }
  constexpr void add(const abi::boot_params& page) {
    for (const uint8_t b : __builtin_bit_cast(array<uint8_t, sizeof page>, page)) value_ = value_ * 0x100000001b3u ^ b;
  }
  [[nodiscard]] constexpr uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325u;
};

constexpr memory_type any_type(numbers& n) {
  constexpr uint32_t types[] = {1, 1, 1, 2, 2, 3, 12, 0xefffffff, 0};
  return memory_type{n.of(types)};
}

constexpr memory_range any_range(numbers& n) {
  if (n.chance(6)) {
    const uint64_t addr = n.edge();
    return {addr, n.edge(), any_type(n)};
  }
  const uint64_t addr = 0x1000 * n.below(20);
  return {addr, 0x1000 * n.below(8), any_type(n)};
}

template <size_t N> constexpr void put(array<uint8_t, N>& bytes, uint64_t at, uint64_t value, unsigned width) {
  for (unsigned i = 0; i < width && at + i < N; ++i)
    bytes[static_cast<size_t>(at + i)] = static_cast<uint8_t>(value >> 8 * i);
}

constexpr uint64_t of_map(numbers& n) {
  hash h;
  memory_map_buffer<16> buffer{};
  memory_map map{buffer};
  for (uint64_t i = n.below(8); i > 0; --i) h.add(map.append(any_range(n)));
  h.add(map.is_sanitized());
  h.add(map.report_overlaps([&](const memory_range& a, const memory_range& b) {
    h.add(a);
    h.add(b);
  }));
  h.add(map.sanitize());
  h.add(map);
  if (!map.is_sanitized()) return h.value();
  for (int i = 0; i < 5; ++i) {
    const memory_range r = any_range(n);
    switch (n.below(6)) {
      case 0: h.add(map.insert(r)); break;
      case 1: h.add(map.overwrite(r)); break;
      case 2: h.add(map.punch(r.addr, r.size)); break;
      case 3: map.intersect(r.addr, r.size); break;
      case 4: map.merge(r.type); break;
      default: h.add(prepare_for_linux(map));
    }
    h.add(map);
    h.add(total_ram(map));
    h.add(covers(map, r.addr, r.size, memory_type::ram));
    const uint64_t align = uint64_t{1} << n.below(16);
    h.add(find_lowest_ram(map, r.size, align, n.below(0x10000), ~uint64_t{}));
    h.add(find_highest_ram(map, r.size, align, 0, n.edge()));
  }
  return h.value();
}

constexpr uint64_t of_handoff(numbers& n) {
  constexpr uint64_t base = 0x1000;
  array<uint8_t, 0x280> bytes{};
  for (uint64_t i = n.below(20); i > 0; --i) bytes[n.index(bytes.size())] = n.byte();
  const uint64_t at = 8 * n.below(4);
  const uint64_t modules = n.below(3);
  const uint64_t entries = n.below(5);
  put(bytes, at, n.chance(30) ? 0 : 0x336ec578, 4);
  put(bytes, at + 4, n.below(3), 4);
  put(bytes, at + 8, n.below(5), 4);
  put(bytes, at + 12, modules, 4);
  put(bytes, at + 16, modules != 0 ? base + 0x100 : 0, 8);
  put(bytes, at + 24, n.chance(3) ? 0 : base + 0x60 + n.below(0x10), 8);
  put(bytes, at + 32, n.chance(3) ? 0 : base + 0x240 + n.below(0x40), 8);
  put(bytes, at + 40, entries != 0 ? base + 0x180 : 0, 8);
  put(bytes, at + 48, n.chance(30) ? n.edge() : entries, 4);
  for (uint64_t i = 0; i < n.below(40); ++i) put(bytes, 0x60 + i, 0x20 + n.below(0x60), 1);
  for (uint64_t i = 0; i < 3; ++i) {
    put(bytes, 0x100 + 32 * i, n.chance(8) ? n.edge() : base + n.below(0x200), 8);
    put(bytes, 0x108 + 32 * i, n.chance(8) ? n.edge() : n.below(0x80), 8);
    put(bytes, 0x110 + 32 * i, n.chance(2) ? 0 : base + 0x60, 8);
  }
  for (uint64_t i = 0; i < 5; ++i) {
    const memory_range r = any_range(n);
    put(bytes, 0x180 + 24 * i, r.addr, 8);
    put(bytes, 0x188 + 24 * i, r.size, 8);
    put(bytes, 0x190 + 24 * i, static_cast<uint32_t>(r.type), 4);
    put(bytes, 0x194 + 24 * i, n.chance(8) ? 1 : 0, 4);
  }

  hash h;
  const pvhboot::memory_window window{base, bytes};
  const auto boot = pvhboot::parse(window, base + at, {.memmap_entries = 8, .modules = 3, .string_size = 40});
  h.add(boot.ok());
  if (!boot) {
    h.add(boot.error());
    return h.value();
  }
  h.add(boot->version());
  h.add(boot->flags());
  h.add(boot->cmdline());
  h.add(boot->rsdp_paddr());
  h.add(static_cast<uint8_t>(boot->memory_map_state()));
  for (const pvhboot::boot_module m : boot->modules()) {
    h.add(m.paddr);
    h.add(m.size);
    const auto text = boot->cmdline_of(m);
    h.add(text.ok());
    if (text)
      h.add(*text);
    else
      h.add(text.error());
    const auto contents = boot->contents_of(m);
    h.add(contents.ok());
    if (!contents) h.add(contents.error());
    if (contents)
      for (const uint8_t b : *contents) h.add(b);
  }
  for (const memory_range r : boot->memory_map()) h.add(r);
  const pvhboot::extents<pvhboot::memory_window> pieces{*boot};
  for (const pvhboot::extent& e : pieces) {
    h.add(static_cast<uint8_t>(e.what));
    h.add(e.module);
    h.add(e.addr);
    h.add(e.size);
  }
  memory_map_buffer<32> lint_buffer{};
  memory_map scratch{lint_buffer};
  const auto linted = pvhboot::lint(window, *boot, scratch, [&](pvhboot::finding f) {
    h.add(static_cast<uint64_t>(f.what));
    h.add(f.where);
  });
  h.add(linted);
  memory_map_buffer<24> buffer{};
  memory_map map{buffer};
  h.add(map.append(boot->memory_map()));
  h.add(map.sanitize());
  h.add(reserve_handoff(map, *boot));
  h.add(map);
  abi::boot_params page{};
  h.add(translate(*boot, map, pvhboot::started_by::other, page));
  h.add(page);
  h.add(translate_as_linux(*boot, boot->memory_map(), pvhboot::started_by::xen, page));
  h.add(page);
  return h.value();
}

constexpr uint64_t of_kernel(numbers& n) {
  constexpr uint16_t versions[] = {0x20f, 0x20f, 0x20e, 0x20d, 0x20c, 0x20a, 0x209, 0x208, 0x205, 0x203, 0x202, 0x200};
  constexpr size_t code_at = 1024;
  array<uint8_t, code_at + 128> file{};
  for (uint64_t i = n.below(10); i > 0; --i) file[n.index(file.size())] = n.byte();
  put(file, 0x1f1, 1, 1);
  put(file, 0x1f4, n.chance(8) ? n.below(12) : 8, 4);
  put(file, 0x1fe, 0xaa55, 2);
  put(file, 0x200, n.chance(4) ? 0xeb | (n.below(0x80) << 8) : 0x6aeb, 2);
  put(file, 0x202, 0x53726448, 4);
  put(file, 0x206, n.of(versions), 2);
  put(file, 0x20e, n.below(0x240), 2);
  put(file, 0x211, n.chance(30) ? 0 : 1, 1);
  put(file, 0x22c, n.chance(4) ? n.edge() : 0x7fffffff, 4);
  put(file, 0x230, n.chance(20) ? n.edge() : uint64_t{1} << (12 + n.below(12)), 4);
  put(file, 0x234, n.chance(4) ? 0 : 1, 1);
  put(file, 0x235, n.chance(2) ? 12 : n.below(33), 1);
  put(file, 0x236, n.below(4), 2);
  put(file, 0x238, n.below(3000), 4);
  put(file, 0x248, n.below(0x80), 4);
  put(file, 0x24c, n.below(0x30), 4);
  put(file, 0x258, n.chance(8) ? n.edge() : 0x100000 * n.below(20), 8);
  put(file, 0x260, n.chance(8) ? n.edge() : 0x1000 * n.below(0x1000), 4);
  if (n.chance(2)) {
    put(file, 0x268, 0x20, 4);
    put(file, code_at + 0x20, 0x506f544c, 4);
    put(file, code_at + 0x24, n.chance(3) ? 12 : 16, 4);
    put(file, code_at + 0x28, 16, 4);
    put(file, code_at + 0x2c, 0x80000009, 4);
  }

  hash h;
  const auto kernel = pvhboot::parse_bzimage(file);
  h.add(kernel.ok());
  if (!kernel) {
    h.add(kernel.error());
    return h.value();
  }
  h.add(kernel->protocol());
  h.add(kernel->header_bytes().size());
  h.add(kernel->code().size());
  h.add(kernel->cmdline_size());
  h.add(kernel->min_alignment());
  h.add(kernel->pref_address());
  h.add(kernel->init_size());
  h.add(kernel->payload().size());
  h.add(static_cast<uint8_t>(kernel->payload_format()));
  h.add(kernel->uncompressed_size());
  h.add(kernel->kernel_version());
  h.add(kernel->accepts(pvhboot::setup_type::rng_seed));

  memory_map_buffer<24> buffer{};
  memory_map map{buffer};
  h.add(map.append(memory_range{0, 0x9fc00, memory_type::ram}));
  h.add(map.append(memory_range{0x100000, 0x100000 * (1 + n.below(64)), memory_type::ram}));
  for (uint64_t i = n.below(4); i > 0; --i) {
    memory_range r = any_range(n);
    r.addr += 0x100000 * n.below(40);
    h.add(map.append(r));
  }
  h.add(prepare_for_linux(map));
  h.add(map);
  if (!map.is_sanitized()) return h.value();
  const auto place = place_kernel(*kernel, map, n.chance(3) ? 0 : 0x100000);
  h.add(place.ok());
  if (!place) {
    h.add(place.error());
    return h.value();
  }
  h.add(place->load_paddr);
  h.add(place->runtime_start);
  h.add(place->kernel_alignment);
  const auto initrd = place_initrd(*kernel, 0x1000 * n.below(0x400), map);
  h.add(initrd);
  array<uint8_t, 128> storage{};
  pvhboot::setup_data_writer nodes{storage, 0x9000};
  const auto seed = nodes.reserve(pvhboot::setup_type::rng_seed, n.below(80));
  h.add(seed.ok());
  const pvhboot::linux_layout layout{.kernel = *place,
                                     .entry_64 = n.chance(4),
                                     .zero_page_paddr = 0x8000,
                                     .cmdline_paddr = n.chance(2) ? 0u : 0x20000u,
                                     .cmdline_size = n.chance(2) ? 0 : n.below(3000),
                                     .initrd_paddr = initrd.value_or(0),
                                     .initrd_size = initrd.ok() ? 0x1000u : 0u,
                                     .rsdp_paddr = n.edge()};
  h.add(check_placement(*kernel, layout, map, &nodes));
  abi::boot_params page{};
  h.add(translate(*kernel, layout, map, page, n.chance(2) ? &nodes : nullptr));
  h.add(page);
  map.clear();
  const auto back = read_zero_page(pvhboot::memory_window{0x9000, storage}, page, map);
  h.add(back.ok());
  if (back) {
    h.add(back->cmdline_paddr);
    h.add(back->initrd_paddr);
    h.add(back->rsdp_paddr);
  }
  h.add(map);
  return h.value();
}

constexpr uint64_t of_tables(numbers& n) {
  hash h;
  array<memory_range, 6> table{};
  const size_t size = n.index(table.size() + 1);
  for (size_t i = 0; i < size; ++i) table[i] = any_range(n);
  const span<const memory_range> given = span<const memory_range>{table}.first(size);
  memory_map_buffer<16> buffer{};
  memory_map map{buffer};
  for (uint8_t era = 0; era < 4; ++era) {
    const auto verdict =
        pvhboot::linux_e820(given, 0x1000, static_cast<uint16_t>(n.next()), pvhboot::linux_era{era}, map);
    h.add(verdict.ok());
    if (verdict) h.add(static_cast<uint8_t>(*verdict));
    h.add(map);
  }
  array<memory_range, pvhboot::grub_mmap_slots> out{};
  const auto entries = pvhboot::grub_mmap(given, out);
  h.add(entries.ok());
  if (entries)
    for (const memory_range& r : span<const memory_range>{out}.first(*entries)) h.add(r);

  array<uint8_t, 100> wire{};
  for (uint8_t& b : wire) b = n.byte();
  const auto returned = n.chance(4) ? static_cast<int64_t>(n.edge()) : 0;
  const auto nr_entries = static_cast<uint32_t>(n.below(8));
  const auto from_xen = pvhboot::read_xen_memory_map(returned, nr_entries, wire);
  h.add(from_xen.ok());
  if (from_xen)
    for (const memory_range r : *from_xen) h.add(r);
  else
    h.add(from_xen.error());
  const uint32_t base = 0x40000000 + 0x100 * static_cast<uint32_t>(n.below(0x102));
  const uint64_t version = n.next();
  const uint64_t last = base + n.below(n.chance(3) ? 4 : 0x120);
  const auto found = pvhboot::find_xen([&](uint32_t leaf) -> pvhboot::cpuid_leaf {
    if (leaf == base) return {static_cast<uint32_t>(last), 0x566e6558, 0x65584d4d, 0x4d4d566e};
    return {static_cast<uint32_t>(version), static_cast<uint32_t>(version >> 32), leaf, 0};
  });
  h.add(found.base);
  h.add(found.version_major);
  h.add(found.version_minor);
  h.add(found.hypercall_msr);
  return h.value();
}

constexpr uint64_t answer(unsigned kind, uint64_t seed) {
  numbers n{seed * 4 + kind};
  switch (kind) {
    case 0: return of_map(n);
    case 1: return of_handoff(n);
    case 2: return of_kernel(n);
    default: return of_tables(n);
  }
}
constexpr unsigned kinds = 4;

/// Each is a constant expression of its own, within the compilers' limits for one.
template <uint64_t Index> inline constexpr uint64_t constant = answer(Index % kinds, Index / kinds);

template <uint64_t... Index> constexpr auto constants(std::integer_sequence<uint64_t, Index...>) {
  return array<uint64_t, sizeof...(Index)>{{constant<Index>...}};
}
#ifndef CONSTANTS
#define CONSTANTS 160
#endif
constexpr auto known = constants(std::make_integer_sequence<uint64_t, CONSTANTS>{});

}  // namespace

int main(int argc, char** argv) {
  const attack::options o = attack::read_options(argc, argv);
  if (o.only != ~uint64_t{}) {
    std::printf("answer %" PRIu64 ": %016" PRIx64 "\n", o.only, answer(o.only % kinds, o.only / kinds));
    return 0;
  }
  for (size_t i = 0; i < known.size(); ++i) {
    const volatile uint64_t index = i;
    if (answer(index % kinds, index / kinds) == known[i]) continue;
    std::fprintf(stderr, "answer %zu is not the one that the compiler gave\n", i);
    return 1;
  }
  const uint64_t first = (o.seed - 1) * 1000000007u;
  const auto inputs = static_cast<uint64_t>(o.seconds > 0 ? o.seconds * 40000 : 100000);
  hash all;
  for (uint64_t i = first; i < first + inputs; ++i) all.add(answer(i % kinds, i / kinds));
  std::printf("constants %zu, answers %" PRIu64 ", hash %016" PRIx64 "\n", known.size(), inputs, all.value());
  return 0;
}
