// SPDX-License-Identifier: BSL-1.0
//
// C and C++ on the same bytes: the handoff, memory maps, Xen, texts.
#pragma once

#include <pvhboot/core/random_ram.hpp>

#include "interface.hpp"

namespace fuzz {

struct c_findings {
  std::vector<pvhboot::finding> all;
  static void add(void* context, pvhboot_oddity what, uint64_t where) {
    static_cast<c_findings*>(context)->all.push_back({static_cast<pvhboot::oddity>(what), where});
  }
};

inline void compare_modules(const pvhboot_boot_info& c, const pvhboot::boot_info<memory>& cpp) {
  LAW(c.modules == cpp.modules().size());
  uint64_t where = 0;
  for (uint32_t i = 0; i < c.modules; ++i) {
    pvhboot_module one;
    pvhboot_module_at(&c, i, &one);
    const pvhboot::boot_module m = cpp.modules()[i];
    LAW(one.paddr == m.paddr && one.size == m.size && one.cmdline_paddr == m.cmdline_paddr);
    const char* text = nullptr;
    size_t size = 0;
    if (const auto wanted = cpp.cmdline_of(m);
        both(pvhboot_module_cmdline(&c, &one, &text, &size, &where), where, wanted))
      LAW(same_text(text, size, *wanted));
    const uint8_t* contents = nullptr;
    if (const auto wanted = cpp.contents_of(m);
        both(pvhboot_module_contents(&c, &one, &contents, &where), where, wanted))
      LAW(wanted->empty() || std::memcmp(contents, wanted->data(), wanted->size()) == 0);
  }
}

inline void compare_use_of(const pvhboot_boot_info& c, const pvhboot::boot_info<memory>& cpp,
                           const pvhboot_memory& c_guest, const memory& guest, bool probe) {
  uint64_t where = 0;
  LAW(c.memmap_entries == cpp.memory_map().size());
  for (uint32_t i = 0; i < c.memmap_entries; ++i) {
    pvhboot_range entry;
    pvhboot_memmap_at(&c, i, &entry);
    const memory_range wanted = cpp.memory_map()[i];
    LAW(entry.addr == wanted.addr && entry.size == wanted.size && entry.type == static_cast<uint32_t>(wanted.type));
  }
  two_maps map{2 * size_t{c.memmap_entries} + 2 * size_t{c.modules} + 4};
  const pvhboot::lint_options options{.kernel = {0x100000, 0x1000, {}}, .probe_ram = probe};
  const pvhboot_lint_options c_options{{0x100000, 0x1000, 0}, probe};
  c_findings found;
  std::vector<pvhboot::finding> wanted;
  const auto linted = lint(
      guest, cpp, map.cpp.map, [&](pvhboot::finding f) noexcept { wanted.push_back(f); }, options);
  both(pvhboot_lint(&c_guest, &c, &map.c, c_findings::add, &found, &c_options, &where), where, linted);
  LAW(found.all.size() == wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i)
    LAW(found.all[i].what == wanted[i].what && found.all[i].where == wanted[i].where);

  map.cpp.map.clear();
  map.c.size = 0;
  both(pvhboot_map_append_handoff(&map.c, &c, &where), where, map.cpp.map.append(cpp.memory_map()));
  both(pvhboot_map_sanitize(&map.c, &where), where, map.cpp.map.sanitize());
  map.law_same();
  pvhboot_extent pieces[8];
  const size_t n = pvhboot_extents(&c, pieces, 8);
  size_t i = 0;
  for (const pvhboot::extent& e : pvhboot::extents{cpp}) {
    if (i < 8)
      LAW(pieces[i].addr == e.addr && pieces[i].size == e.size && pieces[i].what == static_cast<uint32_t>(e.what) &&
          pieces[i].index == e.module);
    ++i;
  }
  LAW(i == n);
  both(pvhboot_reserve_handoff(&map.c, &c, &where), where, reserve_handoff(map.cpp.map, cpp));
  map.law_same();

  static pvhboot::abi::boot_params page;
  static uint8_t c_page[sizeof page];
  const auto table_wanted = translate_as_linux(cpp, cpp.memory_map(), pvhboot::started_by::xen, page);
  if (both(pvhboot_translate_as_linux(&c, nullptr, PVHBOOT_STARTED_BY_XEN, c_page, &where), where, table_wanted))
    LAW(std::memcmp(c_page, &page, sizeof page) == 0);
  const auto map_wanted = translate_as_linux(cpp, map.cpp.map, pvhboot::started_by::other, page);
  if (both(pvhboot_translate_as_linux(&c, &map.c, PVHBOOT_STARTED_BY_OTHER, c_page, &where), where, map_wanted))
    LAW(std::memcmp(c_page, &page, sizeof page) == 0);
  both(pvhboot_prepare_for_linux(&map.c, &where), where, prepare_for_linux(map.cpp.map));
  map.law_same();
  const auto kernel_wanted = translate(cpp, map.cpp.map, pvhboot::started_by::xen, page);
  if (both(pvhboot_translate_kernel(&c, &map.c, PVHBOOT_STARTED_BY_XEN, c_page, nullptr, &where), where, kernel_wanted))
    LAW(std::memcmp(c_page, &page, sizeof page) == 0);
}

inline void compare_handoff(input& in) {
  const uint64_t base = in.number();
  const uint64_t at = base + in.number();
  const size_t split = in.u16();
  const uint32_t entries = in.u8();
  const uint32_t modules = in.u8();
  const uint8_t flags = in.u8();
  guarded_memory guarded{base, in.rest(), split};
  const memory guest{&guarded};
  const pvhboot_memory c_guest = c_memory(guarded);
  const pvhboot::parse_limits limits{.memmap_entries = entries, .modules = modules, .string_size = 512};
  const pvhboot_parse_limits c_limits{entries, modules, 512};
  pvhboot_boot_info c;
  uint64_t where = 0;
  const auto cpp = (flags & 1) != 0 ? pvhboot::parse(guest, at) : pvhboot::parse(guest, at, limits);
  if (!both(pvhboot_parse(&c_guest, at, (flags & 1) != 0 ? nullptr : &c_limits, &c, &where), where, cpp)) return;
  LAW(c.paddr == cpp->paddr() && c.version == cpp->version() && c.flags == cpp->flags());
  LAW(c.rsdp_paddr == cpp->rsdp_paddr() && c.cmdline_paddr == cpp->wire().cmdline_paddr.get());
  LAW(c.reserved == cpp->wire().reserved.get() && c.memmap_state == static_cast<uint32_t>(cpp->memory_map_state()));
  LAW(same_text(c.cmdline, c.cmdline_size, cpp->cmdline()));
  compare_modules(c, *cpp);
  compare_use_of(c, *cpp, c_guest, guest, (flags & 2) != 0);
}

inline void compare_questions(const two_maps& map, const memory_range& r, uint8_t how) {
  const uint64_t align = uint64_t{1} << (how & 63);
  uint64_t paddr = 0, where = 0;
  LAW(pvhboot_total_ram(&map.c) == total_ram(map.cpp.map));
  LAW((pvhboot_covers(&map.c, r.addr, r.size, static_cast<uint32_t>(r.type)) != 0) ==
      covers(map.cpp.map, r.addr, r.size, r.type));
  LAW(pvhboot_e820_ext_size(&map.c) == e820_ext_size(map.cpp.map));
  const auto low = find_lowest_ram(map.cpp.map, r.size, align, r.addr, ~uint64_t{});
  if (both(pvhboot_find_lowest_ram(&map.c, r.size, align, r.addr, ~uint64_t{}, &paddr, &where), where, low))
    LAW(paddr == *low);
  const auto high = find_highest_ram(map.cpp.map, r.size, align, 0, r.addr);
  if (both(pvhboot_find_highest_ram(&map.c, r.size, align, 0, r.addr, &paddr, &where), where, high))
    LAW(paddr == *high);
  const uint64_t random = r.addr * 0x9e3779b97f4a7c15u;
  const auto any = find_random_ram(map.cpp.map, r.size, align, 0, ~r.addr, random);
  if (both(pvhboot_find_random_ram(&map.c, r.size, align, 0, ~r.addr, random, &paddr, &where), where, any))
    LAW(paddr == *any);
}

inline void compare_maps(input& in) {
  const size_t capacity = in.u8();
  two_maps map{capacity, in.u8()}, copy{capacity / 2};
  uint64_t where = 0;
  for (int i = 0; i < 32 && !in.rest().empty(); ++i) {
    const uint8_t what = in.u8();
    const memory_range r = in.range();
    const pvhboot_range c{r.addr, r.size, static_cast<uint32_t>(r.type)};
    const bool clean = map.cpp.map.is_sanitized();
    LAW((pvhboot_map_is_sanitized(&map.c) != 0) == clean);
    if (clean) compare_questions(map, r, what);
    switch (what % 8) {
      case 0: both(pvhboot_map_append(&map.c, &c, &where), where, map.cpp.map.append(r)); break;
      case 1: both(pvhboot_map_sanitize(&map.c, &where), where, map.cpp.map.sanitize()); break;
      case 2: both(pvhboot_map_insert(&map.c, &c, &where), where, map.cpp.map.insert(r)); break;
      case 3:
        if (clean) both(pvhboot_map_overwrite(&map.c, &c, &where), where, map.cpp.map.overwrite(r));
        break;
      case 4:
        if (clean) both(pvhboot_map_punch(&map.c, r.addr, r.size, &where), where, map.cpp.map.punch(r.addr, r.size));
        break;
      case 5:
        if (!clean) break;
        pvhboot_map_intersect(&map.c, r.addr, r.size);
        map.cpp.map.intersect(r.addr, r.size);
        break;
      case 6:
        both(pvhboot_map_assign(&copy.c, &map.c, &where), where, copy.cpp.map.assign(map.cpp.map));
        copy.law_same();
        break;
      default: both(pvhboot_prepare_for_linux(&map.c, &where), where, prepare_for_linux(map.cpp.map));
    }
    map.law_same();
  }
}

inline void compare_texts(uint32_t number) {
  LAW(name(memory_type{number}).data() == pvhboot_memory_type_name(number));
  number &= 0xfff;  // an enum of C++ holds no larger number
  const auto rule = static_cast<errc>(number);
  const auto c = static_cast<pvhboot_error>(number);
  LAW(message(rule) == pvhboot::string_ref{pvhboot_message(c), std::strlen(pvhboot_message(c))});
  LAW(name(rule) == pvhboot::string_ref{pvhboot_name(c), std::strlen(pvhboot_name(c))});
  LAW(name(where_is(rule)).data() == pvhboot_where_is(c));
  const auto odd = static_cast<pvhboot::oddity>(number);
  const auto c_odd = static_cast<pvhboot_oddity>(number);
  LAW(message(odd).data() == pvhboot_oddity_message(c_odd) && name(odd).data() == pvhboot_oddity_name(c_odd));
  LAW(where_is(odd).data() == pvhboot_oddity_where_is(c_odd) && fails(odd).data() == pvhboot_oddity_fails(c_odd));
  if (message(odd) != "unknown")
    LAW(static_cast<uint32_t>(level(odd)) == static_cast<uint32_t>(pvhboot_oddity_level(c_odd)));
}

struct machine {
  uint32_t base;
  pvhboot_cpuid_leaf first;
  uint64_t values;
  static void execute(void* context, uint32_t leaf, pvhboot_cpuid_leaf* answer) {
    const auto* m = static_cast<const machine*>(context);
    *answer = {};
    if (leaf == m->base) *answer = m->first;
    if (leaf == m->base + 1) answer->a = static_cast<uint32_t>(m->values);
    if (leaf == m->base + 2) answer->b = static_cast<uint32_t>(m->values >> 32);
  }
};

inline void compare_xen(input& in) {
  machine m{};
  m.base = 0x40000000 + 0x100 * uint32_t{in.u8()};
  m.first = {m.base + in.u8(), 0x566e6558u ^ (in.u8() == 7 ? 1 : 0), 0x65584d4d, 0x4d4d566e};
  m.values = in.number();
  pvhboot_xen_cpuid c{};
  const int is_there = pvhboot_find_xen(machine::execute, &m, &c);
  const auto cpp = pvhboot::find_xen([&](uint32_t leaf) -> pvhboot::cpuid_leaf {
    pvhboot_cpuid_leaf answer{};
    machine::execute(&m, leaf, &answer);
    return {answer.a, answer.b, answer.c, answer.d};
  });
  LAW((is_there != 0) == cpp.found() && c.base == cpp.base && c.hypercall_msr == cpp.hypercall_msr);
  LAW(c.version_major == cpp.version_major && c.version_minor == cpp.version_minor);

  compare_texts(static_cast<uint32_t>(in.number()));
  const uint64_t base = in.number(), paddr = base + in.u8(), n = in.number();
  const auto returned = static_cast<int64_t>(in.number());
  const auto nr_entries = static_cast<uint32_t>(in.number());
  two_maps map{in.u8()};
  const auto buffer = exact_copy(in.rest());
  uint64_t where = 0;
  const auto table = pvhboot::read_xen_memory_map(returned, nr_entries, buffer.all());
  const auto done = table ? map.cpp.map.append(*table) : pvhboot::result<void>{table.error()};
  both(pvhboot_map_append_xen(&map.c, returned, nr_entries, buffer.get(), buffer.size(), &where), where, done);
  map.law_same();

  pvhboot_window window{base, buffer.get(), buffer.get(), buffer.size()};
  LAW(pvhboot_window_bytes(&window, paddr, n) == pvhboot::memory_window{base, buffer.all()}.bytes(paddr, n));
  LAW(pvhboot_identity_bytes(nullptr, paddr, n) == pvhboot::identity_map{}.bytes(paddr, n));
  uint64_t there = 0;
  const auto writable = pvhboot::writable_window{base, buffer.all()}.writable(paddr, n);
  const uint8_t* p = pvhboot_window_writable(&window, paddr, n, &there);
  LAW(there == writable.size() && p == (writable.empty() ? nullptr : writable.data()));
  const auto identity = pvhboot::writable_identity_map{}.writable(paddr, n);
  p = pvhboot_identity_writable(nullptr, paddr, n, &there);
  LAW(there == identity.size() && p == (identity.empty() ? nullptr : identity.data()));
}

}  // namespace fuzz
