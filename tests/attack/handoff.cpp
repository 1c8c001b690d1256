// SPDX-License-Identifier: BSL-1.0
//
// parse, every accessor, extents, reserve_handoff and lint, on handoffs in guest memory of several pieces, against
// answers that the model reads out of the same bytes by the rules of start_info.h.
//
// Each request for memory gets a block of its own of exactly the bytes asked for, so AddressSanitizer sees every read
// that was not asked for. What parse asks for is held to what the structures promise.
#include <optional>
#include <set>

#include <pvhboot/pvh/extents.hpp>
#include <pvhboot/pvh/lint.hpp>

#include "ranges.hpp"

namespace {

using namespace attack;
using pvhboot::handoff_piece;
using pvhboot::oddity;

count handoffs{"handoffs"};
count accepted{"accepted"};
count modules_read{"modules"};
count extents_seen{"extents"};
count reservations{"reservations"};
count findings{"findings"};
count all_oddities{"kinds of findings"};
count all_errors{"kinds of refusals"};

std::set<errc> errors_seen;
std::set<oddity> oddities_seen;

struct block {
  uint64_t base;
  std::vector<uint8_t> bytes;
};

struct request {
  uint64_t paddr;
  uint64_t n;
};

class guest {
 public:
  std::vector<block> blocks;
  std::vector<request> requests;

  /// Where these bytes are, if one block has all of them.
  [[nodiscard]] uint8_t* at(uint64_t paddr, uint64_t n) {
    for (block& b : blocks)
      if (paddr >= b.base && wide{paddr} + n <= wide{b.base} + b.bytes.size()) return b.bytes.data() + (paddr - b.base);
    return nullptr;
  }
  [[nodiscard]] std::optional<uint64_t> word(uint64_t paddr, unsigned n) {
    const uint8_t* p = at(paddr, n);
    return p ? std::optional{little_endian(p, n)} : std::nullopt;
  }
  void put(uint64_t paddr, uint64_t value, unsigned n) {
    if (uint8_t* p = at(paddr, n)) put_little_endian(p, value, n);
  }
  const uint8_t* copy(uint64_t paddr, uint64_t n) {
    const uint8_t* p = at(paddr, n);
    if (!p) return nullptr;
    requests.push_back({paddr, n});
    copies_.emplace_back(new uint8_t[static_cast<size_t>(n)]);
    std::memcpy(copies_.back().get(), p, static_cast<size_t>(n));
    return copies_.back().get();
  }

 private:
  std::vector<std::unique_ptr<uint8_t[]>> copies_;
};

struct memory {
  guest* all;
  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const { return all->copy(paddr, n); }
};

using boot_info = pvhboot::boot_info<memory>;

/// The library's own memories: exactly these bytes or null, and nothing at or above 2^64. What an offset_map points to
/// is not looked at; its last byte is out of reach, since a pointer past it would be null.
void check_memories(numbers& n) {
  static const std::vector<uint8_t> held(64);
  const uint64_t base = n.chance(2) ? n.edge() : ~uint64_t{} - n.below(80);
  const uint64_t paddr = n.chance(2) ? base + n.below(80) - 8 : n.edge();
  const uint64_t size = n.chance(2) ? n.below(80) : n.edge();
  const pvhboot::memory_window window{base, held};
  const uint8_t* p = window.bytes(paddr, size);
  const wide end = wide{paddr} + size;
  const bool there = paddr >= base && end <= wide{base} + held.size() && end <= top;
  if (size != 0) AGREE((p != nullptr) == there);
  if (p) AGREE(there && p == held.data() + (paddr - base));

  const pvhboot::offset_map shifted{static_cast<uintptr_t>(n.chance(3) ? 0 : n.edge()),
                                    n.chance(2) ? ~uint64_t{} : n.edge()};
  const uint8_t* q = shifted.bytes(paddr, size);
  const bool mapped = end <= shifted.limit && end + shifted.offset < top;
  AGREE((q != nullptr) == (mapped && wide{paddr} + shifted.offset != 0));
  if (q) AGREE(reinterpret_cast<uintptr_t>(q) == paddr + shifted.offset);
  AGREE(pvhboot::identity_map{}.bytes(paddr, size) == pvhboot::offset_map{}.bytes(paddr, size));
}

struct failed {
  errc code;
  uint64_t where;
};

/// The length of the text, or why it cannot be had.
struct text_or_failure {
  uint64_t size = 0;
  std::optional<failed> why{};
};

text_or_failure read_text(guest& g, uint64_t paddr, uint64_t limit) {
  for (uint64_t i = 0; i <= limit && i <= ~paddr; ++i) {
    const uint8_t* p = g.at(paddr + i, 1);
    if (!p && i == 0) return {0, failed{errc::cmdline_unreadable, paddr}};
    if (!p) break;
    if (*p != 0) continue;
    if (!g.at(paddr, i + 1)) return {0, failed{errc::cmdline_unreadable, paddr}};
    return {i};
  }
  return {0, failed{errc::cmdline_unterminated, paddr}};
}

struct module_entry {
  uint64_t at, paddr, size, cmdline, reserved;
};
struct map_entry {
  uint64_t at, addr, size;
  uint32_t type, reserved;
  [[nodiscard]] piece bytes() const { return {addr, std::min(wide{addr} + size, top), type}; }
};

/// The handoff as its bytes say it.
struct reading {
  uint64_t at = 0;
  uint32_t version = 0, flags = 0, nr_modules = 0, memmap_entries = 0, reserved = 0;
  uint64_t modlist = 0, cmdline = 0, rsdp = 0, memmap = 0;
  uint64_t cmdline_size = 0;
  std::vector<module_entry> modules{};
  std::vector<map_entry> map{};
  bool has_table = false;
  [[nodiscard]] uint64_t size() const { return version == 0 ? 40 : 56; }
};

std::optional<failed> read_handoff(guest& g, uint64_t at, const pvhboot::parse_limits& limits, reading& r) {
  r.at = at;
  const auto u32 = [&](uint64_t where) { return static_cast<uint32_t>(*g.word(where, 4)); };
  const auto u64 = [&](uint64_t where) { return *g.word(where, 8); };
  if (at == 0) return failed{errc::start_info_absent, 0};
  if (!g.at(at, 40)) return failed{errc::start_info_unreadable, at};
  if (u32(at) != 0x336ec578) return failed{errc::bad_magic, at};
  r.version = u32(at + 4);
  r.flags = u32(at + 8);
  r.nr_modules = u32(at + 12);
  r.modlist = u64(at + 16);
  r.cmdline = u64(at + 24);
  r.rsdp = u64(at + 32);
  if (r.version != 0) {
    if (at > ~uint64_t{} - 40 || !g.at(at + 40, 16)) return failed{errc::start_info_unreadable, at};
    r.memmap = u64(at + 40);
    r.memmap_entries = u32(at + 48);
    r.reserved = u32(at + 52);
  }
  if (r.cmdline != 0) {
    const text_or_failure text = read_text(g, r.cmdline, limits.string_size);
    if (text.why) return text.why;
    r.cmdline_size = text.size;
  }
  if (r.nr_modules != 0) {
    if (r.modlist == 0) return failed{errc::modlist_absent, at + 16};
    if (r.nr_modules > limits.modules) return failed{errc::too_many_modules, at + 12};
    if (!g.at(r.modlist, uint64_t{r.nr_modules} * 32)) return failed{errc::modlist_unreadable, r.modlist};
    for (uint64_t i = 0; i < r.nr_modules; ++i) {
      const uint64_t e = r.modlist + 32 * i;
      r.modules.push_back({e, u64(e), u64(e + 8), u64(e + 16), u64(e + 24)});
      if (wide{r.modules.back().paddr} + r.modules.back().size > top) return failed{errc::module_wraps, e};
    }
  }
  r.has_table = r.version != 0 && r.memmap_entries != 0 && r.memmap != 0;
  if (r.has_table) {
    if (r.memmap_entries > limits.memmap_entries) return failed{errc::too_many_memmap_entries, at + 48};
    if (!g.at(r.memmap, uint64_t{r.memmap_entries} * 24)) return failed{errc::memmap_unreadable, r.memmap};
    for (uint64_t i = 0; i < r.memmap_entries; ++i) {
      const uint64_t e = r.memmap + 24 * i;
      r.map.push_back({e, u64(e), u64(e + 8), u32(e + 16), u32(e + 20)});
    }
  }
  return std::nullopt;
}

bool is_text(guest& g, const pvhboot::string_ref& text, uint64_t paddr, uint64_t size) {
  if (text.absent() || text.size() != size) return false;
  const uint8_t* p = g.at(paddr, size + 1);
  for (size_t i = 0; i < size; ++i)
    if (static_cast<uint8_t>(text[i]) != p[i]) return false;
  return p[size] == 0;
}

void check_values(guest& g, const boot_info& boot, const reading& r, const pvhboot::parse_limits& limits) {
  using pvhboot::memory_map_state;
  AGREE(boot.paddr() == r.at && boot.version() == r.version && boot.flags() == r.flags && boot.rsdp_paddr() == r.rsdp);
  AGREE(boot.wire_size() == r.size() && boot.wire().memmap_paddr == r.memmap && boot.wire().reserved == r.reserved);
  if (r.cmdline == 0)
    AGREE(boot.cmdline().absent());
  else
    AGREE(is_text(g, boot.cmdline(), r.cmdline, r.cmdline_size));
  AGREE(boot.modules().size() == r.modules.size());
  for (size_t i = 0; i < r.modules.size(); ++i) {
    ++modules_read;
    const module_entry& wanted = r.modules[i];
    const pvhboot::boot_module m = boot.modules()[i];
    AGREE(m.paddr == wanted.paddr && m.size == wanted.size && m.cmdline_paddr == wanted.cmdline);
    const auto bytes = boot.contents_of(m);
    if (const uint8_t* p = g.at(m.paddr, m.size))
      AGREE(bytes.ok() && bytes->size() == m.size && std::memcmp(bytes->data(), p, bytes->size()) == 0);
    else
      AGREE(!bytes && bytes.error().code == errc::module_unreadable && bytes.error().where == m.paddr);
    const auto text = boot.cmdline_of(m);
    if (m.cmdline_paddr == 0) {
      AGREE(text.ok() && text->absent());
      continue;
    }
    const text_or_failure there = read_text(g, m.cmdline_paddr, limits.string_size);
    if (there.why)
      AGREE(!text && text.error().code == there.why->code && text.error().where == there.why->where);
    else
      AGREE(text.ok() && is_text(g, *text, m.cmdline_paddr, there.size));
  }
  AGREE(boot.memory_map().size() == r.map.size());
  for (size_t i = 0; i < r.map.size(); ++i)
    AGREE(boot.memory_map()[i] == range(r.map[i].addr, r.map[i].size, r.map[i].type));
  const memory_map_state state = r.has_table             ? memory_map_state::table
                                 : r.version == 0        ? memory_map_state::absent_in_version_0
                                 : r.memmap_entries == 0 ? memory_map_state::no_entries
                                                         : memory_map_state::contradictory;
  AGREE(boot.memory_map_state() == state);
}

struct wanted_extent {
  handoff_piece what;
  uint32_t module;
  uint64_t addr;
  uint64_t size;
};

std::vector<wanted_extent> extents_of(guest& g, const reading& r, uint64_t limit) {
  std::vector<wanted_extent> all{{handoff_piece::start_info, 0, r.at, r.size()}};
  if (r.cmdline != 0) all.push_back({handoff_piece::cmdline, 0, r.cmdline, r.cmdline_size + 1});
  if (!r.modules.empty()) all.push_back({handoff_piece::modlist, 0, r.modlist, 32 * r.modules.size()});
  if (r.has_table) all.push_back({handoff_piece::memmap, 0, r.memmap, 24 * r.map.size()});
  if (r.rsdp != 0) all.push_back({handoff_piece::rsdp, 0, r.rsdp, 36});
  for (uint32_t i = 0; i < r.modules.size(); ++i) {
    const module_entry& m = r.modules[i];
    if (m.size != 0) all.push_back({handoff_piece::module, i, m.paddr, m.size});
    if (m.cmdline == 0) continue;
    const text_or_failure text = read_text(g, m.cmdline, limit);
    if (!text.why) all.push_back({handoff_piece::module_cmdline, i, m.cmdline, text.size + 1});
  }
  return all;
}

uint32_t type_at(const pieces& all, wide a) {
  for (const piece& p : all)
    if (p.begin <= a && a < p.end) return p.type;
  return 0;
}

void check_extents(numbers& n, guest& g, const boot_info& boot, const reading& r, uint64_t limit) {
  const auto wanted = extents_of(g, r, limit);
  const pvhboot::extents<memory> got{boot};
  size_t i = 0;
  for (const pvhboot::extent& e : got) {
    AGREE(i < wanted.size() && e.what == wanted[i].what && e.module == wanted[i].module && e.addr == wanted[i].addr &&
          e.size == wanted[i].size);
    ++i;
    ++extents_seen;
  }
  AGREE(i == wanted.size() && got.capacity() >= i);

  // What is reserved is gone from the map, and nothing else is.
  ++reservations;
  owned_map work{2 * r.map.size() + 1 + n.index(2) * (got.capacity() + n.index(2))};
  AGREE(work.map.append(boot.memory_map()).ok() && work.map.sanitize().ok());
  const pieces before = pieces_of(work.map);
  const size_t room = work.map.capacity() - work.map.size();
  const auto done = reserve_handoff(work.map, boot);
  if (room < got.capacity()) {
    AGREE(!done && done.error().code == errc::map_full && done.error().where == before.size() + got.capacity() &&
          pieces_of(work.map) == before);
    return;
  }
  AGREE(done.ok() && work.map.is_sanitized());
  const pieces after = pieces_of(work.map);
  std::vector<wide> points;
  for (const pieces* all : {&before, &after})
    for (const piece& p : *all) points.insert(points.end(), {p.begin, p.end});
  for (const wanted_extent& e : wanted) points.insert(points.end(), {wide{e.addr}, wide{e.addr} + e.size});
  for (const wide at : points) {
    if (at >= top) continue;
    bool reserved = false;
    for (const wanted_extent& e : wanted) reserved = reserved || (e.addr <= at && at < wide{e.addr} + e.size);
    AGREE(type_at(after, at) == (reserved ? 0 : type_at(before, at)));
  }
}

/// Every byte of [a, a + n) lies in an entry of type 1 and in none of a higher type, and none lies beyond 2^64.
bool in_ram(const reading& r, uint64_t a, uint64_t n) {
  const wide end = wide{a} + n;
  if (n == 0 || end > top) return false;
  std::vector<wide> points{a};
  for (const map_entry& e : r.map) points.insert(points.end(), {e.bytes().begin, e.bytes().end});
  for (const wide at : points) {
    if (at < a || at >= end) continue;
    uint32_t highest = 0;
    for (const map_entry& e : r.map)
      if (e.bytes().begin <= at && at < e.bytes().end) highest = std::max(highest, e.type);
    if (highest != 1) return false;
  }
  return true;
}

bool meet(wide a, wide a_end, wide b, wide b_end) { return a < a_end && b < b_end && a < b_end && b < a_end; }

using finding_set = std::multiset<std::pair<oddity, uint64_t>>;

finding_set oddities_of(guest& g, const reading& r, uint64_t limit, const pvhboot::lint_options& options) {
  using enum oddity;
  finding_set all;
  const auto say_if = [&](bool odd, oddity what, uint64_t where) {
    if (odd) all.insert({what, where});
  };
  constexpr wide four_gib = wide{1} << 32;
  const uint64_t text_size = r.cmdline != 0 ? r.cmdline_size + 1 : 0;
  struct part {
    uint64_t addr, size;
    [[nodiscard]] wide end() const { return wide{addr} + size; }
  };
  const part parts[] = {{r.at, r.size()},
                        {r.modlist, 32 * r.modules.size()},
                        {r.memmap, 24 * r.map.size()},
                        {r.cmdline, text_size},
                        {r.rsdp, r.rsdp != 0 ? 20u : 0u}};
  const wide kernel_end = wide{options.kernel.addr} + options.kernel.size;
  for (const part& a : parts) {
    for (const part* b = parts; b != &a; ++b)
      say_if(meet(a.addr, a.end(), b->addr, b->end()), structures_overlap, std::max(a.addr, b->addr));
    say_if(meet(a.addr, a.end(), options.kernel.addr, kernel_end), overlaps_kernel, a.addr);
  }
  const auto outside = [&](const part& a) { return r.has_table && a.size != 0 && !in_ram(r, a.addr, a.size); };
  say_if(outside(parts[1]), modlist_not_in_ram, r.modlist);
  say_if(outside(parts[2]), memmap_not_in_ram, r.memmap);
  say_if(outside(parts[3]), cmdline_not_in_ram, r.cmdline);

  say_if(wide{r.at} + r.size() > four_gib, start_info_above_4g, r.at);
  say_if(r.at % 8 != 0, start_info_misaligned, r.at);
  say_if(r.has_table && !in_ram(r, r.at, r.size()), start_info_not_in_ram, r.at);
  say_if(r.version > 1, newer_version, r.at + 4);
  say_if(r.version == 1 && r.reserved != 0, reserved_not_zero, r.at + 52);
  say_if((r.flags & 0xffff00e0) != 0, unknown_flags, r.at + 8);
  say_if((r.flags & 3) == 2, initdomain_unprivileged, r.at + 8);

  say_if(r.nr_modules == 0 && r.modlist != 0, modlist_without_modules, r.at + 16);
  say_if(r.nr_modules > 1, several_modules, r.at + 12);
  for (size_t i = 0; i < r.modules.size(); ++i) {
    const module_entry& m = r.modules[i];
    const wide end = wide{m.paddr} + m.size;
    say_if(m.paddr == 0, module_at_zero, m.at);
    say_if(m.paddr % 4096 != 0, module_unaligned, m.at);
    say_if(m.size == 0, module_empty, m.at + 8);
    say_if(m.size != 0 && end > four_gib, module_above_4g, m.at);
    say_if(m.size != 0 && r.has_table && !in_ram(r, m.paddr, m.size), module_not_in_ram, m.at);
    bool on_module = false;
    for (size_t j = 0; j < r.modules.size(); ++j) {
      const module_entry& other = r.modules[j];
      if (other.paddr < m.paddr || (other.paddr == m.paddr && j < i))
        on_module = on_module || meet(m.paddr, end, other.paddr, wide{other.paddr} + other.size);
    }
    say_if(on_module, module_overlaps_module, m.at);
    bool on_part = false;
    for (const part& a : parts) on_part = on_part || meet(m.paddr, end, a.addr, a.end());
    say_if(on_part, module_overlaps_metadata, m.at);
    say_if(meet(m.paddr, end, options.kernel.addr, kernel_end), module_overlaps_kernel, m.at);
    bool described = false;
    for (const map_entry& e : r.map)
      if (e.type != 0) described = described || meet(m.cmdline, wide{m.cmdline} + 1, e.bytes().begin, e.bytes().end);
    say_if(m.cmdline != 0 && ((r.has_table && !described) || read_text(g, m.cmdline, limit).why), module_cmdline_broken,
           m.at + 16);
    say_if(m.reserved != 0, module_reserved_not_zero, m.at + 24);
  }

  say_if(r.cmdline == 0, cmdline_absent, r.at + 24);
  if (r.cmdline != 0) {
    say_if(wide{r.cmdline} + r.cmdline_size + 1 > four_gib, cmdline_above_4g, r.cmdline);
    say_if(r.cmdline_size > 2047, cmdline_over_2047, r.cmdline);
    const uint8_t* p = g.at(r.cmdline, r.cmdline_size);
    const uint8_t* odd = std::find_if(p, p + r.cmdline_size, [](uint8_t c) { return c > 0x7f; });
    say_if(odd != p + r.cmdline_size, cmdline_not_ascii, r.cmdline + static_cast<uint64_t>(odd - p));
  }

  say_if(r.rsdp == 0, rsdp_absent, r.at + 32);
  if (r.rsdp != 0) {
    say_if(wide{r.rsdp} + 20 > four_gib, rsdp_above_4g, r.rsdp);
    if (const uint8_t* p = g.at(r.rsdp, 20)) {
      unsigned sum = 0;
      for (size_t i = 0; i < 20; ++i) sum += p[i];
      say_if(std::memcmp(p, "RSD PTR ", 8) != 0 || sum % 256 != 0, rsdp_damaged, r.rsdp);
    } else {
      say_if(true, rsdp_unreadable, r.rsdp);
    }
    say_if(in_ram(r, r.rsdp, 20), rsdp_in_ram, r.rsdp);
  }

  if (!r.has_table) {
    if (r.version == 0)
      say_if(true, memmap_absent, r.at + 4);
    else if (r.memmap_entries != 0)
      say_if(true, memmap_entries_no_pointer, r.at + 48);
    else if (r.memmap != 0)
      say_if(true, memmap_pointer_no_entries, r.at + 40);
    else
      say_if(true, memmap_absent, r.at + 48);
    return all;
  }
  say_if(r.map.size() == 1, memmap_single_entry, r.memmap);
  say_if(r.map.size() > 128, memmap_over_128, r.at + 48);
  say_if(r.map.size() > 255, memmap_over_255, r.at + 48);
  bool ram = false;
  const map_entry* before = nullptr;
  for (size_t i = 0; i < r.map.size(); ++i) {
    const map_entry& e = r.map[i];
    say_if(e.type == 0 || e.type > 7, entry_unknown_type, e.at + 16);
    say_if(e.reserved != 0, entry_reserved_not_zero, e.at + 20);
    say_if(e.size == 0, entry_empty, e.at);
    if (e.size == 0) continue;
    say_if(wide{e.addr} + e.size > top, entry_wraps, e.at);
    say_if(e.addr % 4096 != 0 || (e.addr + e.size) % 4096 != 0, entry_unaligned, e.at);
    say_if(before && e.addr < before->addr, entry_unsorted, e.at);
    bool overlaps = false;
    for (size_t j = 0; j < r.map.size(); ++j) {
      const map_entry& other = r.map[j];
      if (other.addr < e.addr || (other.addr == e.addr && j < i))
        overlaps = overlaps || meet(e.bytes().begin, e.bytes().end, other.bytes().begin, other.bytes().end);
    }
    say_if(overlaps, entry_overlaps, e.at);
    say_if(e.type == 1 && meet(e.bytes().begin, e.bytes().end, 0xa0000, 0x100000), entry_ram_in_isa_hole, e.at);
    const auto last = static_cast<uint64_t>(std::min(e.bytes().end, top) - 1);
    say_if(e.type == 1 && options.probe_ram && (!g.at(e.addr, 1) || !g.at(last, 1)), entry_unreadable, e.at);
    ram = ram || e.type == 1;
    before = &e;
  }
  say_if(!ram, memmap_no_ram, r.memmap);
  return all;
}

/// parse reads what the structures promise: nothing else, and of version 0 not what came later.
void check_requests(const guest& g, const reading& r, uint64_t at, const pvhboot::parse_limits& limits) {
  for (const request& q : g.requests) {
    const bool head = q.paddr == at && q.n == 40;
    const bool tail = q.paddr == at + 40 && q.n == 16 && r.version != 0;
    const bool text = r.cmdline != 0 && q.paddr >= r.cmdline && q.paddr - r.cmdline <= limits.string_size &&
                      (q.n == 1 || (q.paddr == r.cmdline && q.n - 1 <= limits.string_size));
    const bool modules = q.paddr == r.modlist && q.n == uint64_t{r.nr_modules} * 32 && q.n != 0;
    const bool map = q.paddr == r.memmap && q.n == uint64_t{r.memmap_entries} * 24 && q.n != 0;
    AGREE(head || tail || text || modules || map);
  }
}

/// An address in one of the blocks, or close to it, or anywhere.
uint64_t any_address(numbers& n, const guest& g, uint64_t room) {
  if (n.chance(30)) return n.chance(3) ? 0 : n.edge();
  const block& b = g.blocks[n.index(g.blocks.size())];
  const uint64_t free = b.bytes.size() > room ? b.bytes.size() - room : 0;
  if (n.chance(12)) return b.base + b.bytes.size() - n.below(std::min<uint64_t>(room, b.bytes.size()) + 1);
  const uint64_t address = b.base + n.below(free + 1);
  return n.chance(3) ? address : address & ~uint64_t{7};
}

guest make_guest(numbers& n) {
  guest g;
  static constexpr uint64_t bases[] = {0x1000,     0x6000,      0x9f000,      0x100000,           0xfffff000,
                                       0xffffff80, 0x100000000, 0x8000000000, ~uint64_t{} - 0x2ff};
  uint64_t base = n.of(bases);
  for (uint64_t i = 0; i <= n.below(4); ++i) {
    const size_t size = n.chance(20) ? 0x2000 + n.index(0x2000) : 0x40 + n.index(0x300);
    if (base + size < base) break;
    bool free = true;
    for (const block& b : g.blocks)
      free = free && !meet(base, wide{base} + size, b.base, wide{b.base} + b.bytes.size());
    if (!free) break;
    g.blocks.push_back({base, std::vector<uint8_t>(size)});
    base = n.chance(2) ? base + size : base + size + n.below(0x2000);  // neighbours are two blocks all the same
    if (n.chance(4)) base = n.of(bases) + 0x10000;
  }
  if (g.blocks.empty()) g.blocks.push_back({0x1000, std::vector<uint8_t>(0x100)});
  return g;
}

void put_text(numbers& n, guest& g, uint64_t paddr, bool is_long) {
  const uint64_t size = is_long ? 2040 + n.below(20) : n.below(n.chance(3) ? 100 : 20);
  for (uint64_t i = 0; i < size; ++i) g.put(paddr + i, n.chance(60) ? 0x80 + n.below(0x80) : 0x20 + n.below(0x5f), 1);
  if (!n.chance(40)) g.put(paddr + size, 0, 1);
}

/// Writes a handoff, sound or not; returns where its start_info is.
uint64_t write_handoff(numbers& n, guest& g) {
  for (block& b : g.blocks)
    for (uint8_t& byte : b.bytes) byte = n.chance(3) ? uint8_t{0} : n.byte();
  const uint64_t at = any_address(n, g, 56);
  const uint64_t modules = n.chance(3) ? 0 : n.below(n.chance(40) ? 12 : 4);
  const bool large = g.blocks[0].bytes.size() > 0x2000;
  const uint64_t entries = n.chance(3) ? 0 : large && n.chance(4) ? 120 + n.below(150) : n.below(10);
  const uint64_t modlist = modules == 0 && n.chance(2) ? 0 : any_address(n, g, modules * 32);
  const uint64_t memmap = entries == 0 && n.chance(2) ? 0 : any_address(n, g, entries * 24);
  const uint64_t cmdline = n.chance(4) ? 0 : any_address(n, g, 64);
  const uint64_t rsdp = n.chance(4) ? 0 : any_address(n, g, 36);
  if (cmdline != 0) put_text(n, g, cmdline, large && n.chance(4));
  for (uint64_t i = 0; i < modules; ++i) {
    const uint64_t text = n.chance(2) ? 0 : any_address(n, g, 20);
    if (text != 0) put_text(n, g, text, false);
    const uint64_t paddr = n.chance(4) ? any_address(n, g, 64) & ~uint64_t{0xfff} : any_address(n, g, 64);
    const uint64_t values[] = {n.chance(20) ? n.edge() : paddr, n.chance(6) ? n.edge() : n.below(100), text,
                               n.chance(6) ? n.next() : 0};
    for (unsigned j = 0; j < 4; ++j) g.put(modlist + 32 * i + 8 * j, values[j], 8);
  }
  uint64_t addr = n.chance(2) ? 0 : g.blocks[0].base & ~uint64_t{0xfff};
  for (uint64_t i = 0; i < entries; ++i) {
    uint64_t size = 0x1000 * n.below(n.chance(3) ? 0x200 : 4);
    if (n.chance(12)) size = n.edge();
    if (n.chance(12)) addr = n.chance(2) ? g.blocks[0].base + n.below(0x40) : n.edge();
    if (n.chance(6)) size += n.below(0x100);
    g.put(memmap + 24 * i, addr, 8);
    g.put(memmap + 24 * i + 8, size, 8);
    g.put(memmap + 24 * i + 16, n.chance(3) ? any_type(n) : 1, 4);
    g.put(memmap + 24 * i + 20, n.chance(12) ? n.next() : 0, 4);
    addr += n.chance(4) ? size + 0x1000 : size;
  }
  if (rsdp != 0 && n.chance(2)) {
    static constexpr char signature[] = "RSD PTR ";
    for (unsigned i = 0; i < 8; ++i) g.put(rsdp + i, static_cast<uint8_t>(signature[i]), 1);
    uint64_t sum = 0;
    for (unsigned i = 0; i < 20; ++i) sum += i == 8 ? 0 : g.word(rsdp + i, 1).value_or(0);
    g.put(rsdp + 8, n.chance(8) ? 1 : 0 - sum, 1);
  }
  static constexpr uint32_t versions[] = {0, 0, 1, 1, 1, 1, 1, 2, 0xffffffff};
  g.put(at, n.chance(60) ? n.next() : 0x336ec578, 4);
  g.put(at + 4, n.of(versions), 4);
  g.put(at + 8, n.chance(3) ? n.below(0x20) | (n.chance(4) ? n.edge() : 0) : 0, 4);
  g.put(at + 12, n.chance(60) ? n.edge() : modules, 4);
  g.put(at + 16, modlist, 8);
  g.put(at + 24, cmdline, 8);
  g.put(at + 32, rsdp, 8);
  g.put(at + 40, memmap, 8);
  g.put(at + 48, n.chance(60) ? n.edge() : entries, 4);
  g.put(at + 52, n.chance(6) ? n.next() : 0, 4);
  return at;
}

std::string dump(const guest& g, uint64_t at, const pvhboot::parse_limits& limits) {
  std::string text = "start_info at " + std::to_string(at) + ", limits " + std::to_string(limits.memmap_entries) +
                     " entries, " + std::to_string(limits.modules) + " modules, " + std::to_string(limits.string_size) +
                     " bytes of text";
  for (const block& b : g.blocks) text += "\nat " + std::to_string(b.base) + ": " + hex(b.bytes);
  return text;
}

void one_case(numbers& n) {
  ++handoffs;
  check_memories(n);
  guest g = make_guest(n);
  const uint64_t at = write_handoff(n, g);
  pvhboot::parse_limits limits;
  if (n.chance(8)) limits.memmap_entries = static_cast<uint32_t>(n.below(8));
  if (n.chance(8)) limits.modules = static_cast<uint32_t>(n.below(3));
  if (n.chance(8)) limits.string_size = n.below(30);
  if (n.chance(8)) limits.string_size = n.edge();
  const shown doing{[&] { return dump(g, at, limits); }};

  reading wanted;
  const auto why = read_handoff(g, at, limits, wanted);
  const auto boot = pvhboot::parse(memory{&g}, at, limits);
  check_requests(g, wanted, at, limits);
  if (why) {
    if (errors_seen.insert(why->code).second) ++all_errors;
    AGREE(!boot && boot.error().code == why->code && boot.error().where == why->where);
    return;
  }
  ++accepted;
  AGREE(boot.ok());
  check_values(g, *boot, wanted, limits);
  check_extents(n, g, *boot, wanted, limits.string_size);

  finding_set found;
  const size_t entries = wanted.map.size();
  const size_t modules = wanted.modules.size();
  owned_map work{std::max(2 * entries, modules)};
  pvhboot::lint_options options{{}, n.chance(2)};
  if (n.chance(2)) {
    const uint64_t near[] = {wanted.at, wanted.modlist, wanted.memmap, wanted.cmdline, wanted.rsdp};
    options.kernel.addr = near[n.index(5)] + n.below(64) - 32;
    options.kernel.size = n.below(64);
    if (options.kernel.wraps()) options.kernel = {};
  }
  const auto linted = pvhboot::lint(
      memory{&g}, *boot, work.map,
      [&](pvhboot::finding f) {
        found.insert({f.what, f.where});
      },
      options);
  AGREE(linted.ok());
  const finding_set odd = oddities_of(g, wanted, limits.string_size, options);
  const shown difference{[&] {
    std::string text = dump(g, at, limits);
    for (const auto& f : odd)
      if (found.count(f) != odd.count(f))
        text += "\nfrom the model: " + std::to_string(static_cast<int>(f.first)) + " at " + std::to_string(f.second);
    for (const auto& f : found)
      if (found.count(f) != odd.count(f))
        text += "\nfrom lint: " + std::to_string(static_cast<int>(f.first)) + " at " + std::to_string(f.second);
    return text;
  }};
  AGREE(found == odd);
  findings += found.size();
  for (const auto& f : found)
    if (oddities_seen.insert(f.first).second) ++all_oddities;
}

}  // namespace

int main(int argc, char** argv) {
  const int status = attack::run(argc, argv, 80000, one_case);
  if (argc > 1) return status;
  for (const oddity what : pvhboot::oddity_numbers) {
    if (static_cast<unsigned>(what) >= 0x800 || oddities_seen.count(what) != 0) continue;  // 0x800: of the CPU
    const pvhboot::string_ref which = name(what);
    std::printf("no handoff has this oddity: %.*s\n", static_cast<int>(which.size()), which.data());
    return 1;
  }
  return status;
}
