// SPDX-License-Identifier: BSL-1.0
//
// parse, lint and every accessor, on arbitrary memory.
//
// Input: number base, number offset of start_info in the window, u16 offset at which the window is in two pieces, three
// u8 limits (map entries, modules, string length in units of 8; 255 for 4096), then the window's contents.
#include <algorithm>
#include <bitset>

#include "memory.hpp"
#include "storage.hpp"
#include "structures.hpp"

namespace {

using namespace fuzz;
using pvhboot::memory_map_state;
using boot_info = pvhboot::boot_info<memory>;

/// The bytes of the window at paddr, read without the library.
struct reference {
  uint64_t base;
  span<const uint8_t> contents;
  [[nodiscard]] const uint8_t* at(uint64_t paddr) const { return contents.data() + (paddr - base); }
  [[nodiscard]] uint64_t word(uint64_t paddr, unsigned n) const { return little_endian(at(paddr), n); }
};

/// The text equals the guest's bytes up to the first NUL.
MODEL void check_text(const reference& real, uint64_t paddr, pvhboot::string_ref text) {
  LAW(!text.absent());
  LAW(real.contents.size() - (paddr - real.base) > text.size());
  for (size_t i = 0; i < text.size(); ++i) LAW(text[i] != 0 && static_cast<uint8_t>(text[i]) == *real.at(paddr + i));
  LAW(*real.at(paddr + text.size()) == 0);
}

/// A module's command line that cannot be read is refused with its address, or dropped.
MODEL void check_unreadable(const boot_info& boot, uint64_t cmdline_paddr) {
  exact_storage storage{boot.modules().size(), boot.memory_map().size()};
  const auto refused = values_of(boot, storage.all());
  LAW(!refused && refused.error().where == cmdline_paddr);
  LAW(values_of(boot, storage.all(), pvhboot::unreadable_cmdline::drop).ok());
  for (size_t i = 0; i < storage.modules.size(); ++i)
    LAW(storage.modules[i].cmdline.absent() ==
        (boot.modules()[i].cmdline_paddr == 0 || !boot.cmdline_of(boot.modules()[i])));
}

MODEL void check_accepted(const boot_info& boot, const reference& real, uint64_t at,
                          const pvhboot::parse_limits& limits) {
  LAW(boot.paddr() == at && real.word(at, 4) == 0x336ec578);
  const uint64_t version = real.word(at + 4, 4);
  LAW(boot.version() == version && boot.flags() == real.word(at + 8, 4) && boot.rsdp_paddr() == real.word(at + 32, 8));

  const uint64_t cmdline = real.word(at + 24, 8);
  LAW(boot.cmdline().absent() == (cmdline == 0));
  if (cmdline != 0) check_text(real, cmdline, boot.cmdline());
  LAW(boot.cmdline().size() <= limits.string_size);

  const auto modules = boot.modules();
  LAW(modules.size() == real.word(at + 12, 4) && modules.size() <= limits.modules);
  uint64_t entry = real.word(at + 16, 8), unreadable = 0;
  for (const pvhboot::boot_module m : modules) {
    LAW(m.paddr == real.word(entry, 8) && m.size == real.word(entry + 8, 8) &&
        m.cmdline_paddr == real.word(entry + 16, 8));
    LAW(!memory_range{m.paddr, m.size, {}}.wraps());
    const auto text = boot.cmdline_of(m);
    if (text && m.cmdline_paddr != 0) check_text(real, m.cmdline_paddr, *text);
    if (!text) {
      LAW(text.error().where == m.cmdline_paddr);
      if (unreadable == 0) unreadable = m.cmdline_paddr;
    }
    if (const auto bytes = boot.contents_of(m)) {
      LAW(bytes->size() == m.size);
      if (m.size != 0) LAW(std::memcmp(bytes->data(), real.at(m.paddr), bytes->size()) == 0);
    } else {
      LAW(bytes.error().code == errc::module_unreadable && bytes.error().where == m.paddr);
    }
    entry += 32;
  }
  if (unreadable != 0) check_unreadable(boot, unreadable);

  const auto map = boot.memory_map();
  const bool has_table = version != 0 && real.word(at + 48, 4) != 0 && real.word(at + 40, 8) != 0;
  LAW((boot.memory_map_state() == memory_map_state::table) == has_table);
  LAW(map.size() == (has_table ? real.word(at + 48, 4) : 0) && map.size() <= limits.memmap_entries);
  for (size_t i = 0; i < map.size(); ++i) {
    const uint64_t e = real.word(at + 40, 8) + i * 24;
    LAW(map[i] ==
        memory_range{real.word(e, 8), real.word(e + 8, 8), memory_type{static_cast<uint32_t>(real.word(e + 16, 4))}});
    LAW(*(map.begin() + static_cast<ptrdiff_t>(i)) == map[i]);
  }
}

/// lint refuses a map to work in that is one too small, with the number that it needs, and reports nothing.
MODEL void check_small_scratch(const boot_info& boot, const memory& guest) {
  const size_t entries = boot.memory_map().size(), modules = boot.modules().size();
  const size_t slots = std::max(entries, modules), capacity = std::max(2 * entries, modules);
  if (slots == 0) return;
  size_t findings = 0;
  const auto count = [&](pvhboot::finding) noexcept { ++findings; };
  owned_map few_slots{capacity, slots - 1}, few_ranges{capacity - 1, slots};
  const auto without_slots = lint(guest, boot, few_slots.map, count);
  LAW(!without_slots && without_slots.error().code == errc::scratch_too_small && without_slots.error().where == slots);
  const auto without_ranges = lint(guest, boot, few_ranges.map, count);
  LAW(!without_ranges && without_ranges.error().code == errc::map_full && without_ranges.error().where == capacity);
  LAW(findings == 0);
}

/// Every finding has its texts, which are looked up once for each kind.
void law_finding(const pvhboot::finding& f) {
  static std::bitset<0x10000> known;
  saw(f.where);
  const auto kind = static_cast<uint16_t>(f.what);
  if (known[kind]) return;
  LAW(message(f.what) != "unknown" && name(f.what) != "unknown");
  known[kind] = true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  const uint64_t base = in.number();
  const uint64_t at = base + in.number();
  const size_t split = in.u16();
  const uint32_t entries = in.u8();
  const uint32_t modules = in.u8();
  const uint64_t units = in.u8();
  const pvhboot::parse_limits limits{
      .memmap_entries = entries, .modules = modules, .string_size = units == 255 ? 4096 : 8 * units};
  const span<const uint8_t> contents = in.rest();
  if (contents.size() > 0x2000) return 0;  // a string needs one request per byte
  guarded_memory guarded{base, contents, split};

  const auto boot = pvhboot::parse(memory{&guarded}, at, limits);
  // Only the command line is read twice: its first byte, and all of it at the end.
  LAW(guarded.granted_bytes() <=
      56 + 2 * limits.string_size + 3 + uint64_t{limits.modules} * 32 + uint64_t{limits.memmap_entries} * 24);
  if (!boot) {
    LAW((static_cast<uint16_t>(boot.error().code) & 0xff00) ==
        (static_cast<uint16_t>(pvhboot::errc::start_info_absent) & 0xff00));
    LAW(message(boot.error().code) != "unknown error");
    return 0;
  }
  const reference real{base, contents};
  if (boot->version() == 0)
    for (const auto& request : guarded.granted())
      LAW(request.paddr != at + 40 || request.block.size() != 16 || boot->wire().cmdline_paddr == at + 40);
  check_accepted(*boot, real, at, limits);
  check_small_scratch(*boot, memory{&guarded});

  const uint64_t known = guarded.requests();
  owned_map scratch{2 * std::max(boot->memory_map().size(), boot->modules().size())};
  const auto linted = lint(memory{&guarded}, *boot, scratch.map, [](pvhboot::finding f) noexcept { law_finding(f); });
  LAW(linted.ok());
  // lint also reads the RSDP, the command line of each module and both ends of each entry.
  LAW(guarded.requests() - known <=
      1 + boot->modules().size() * (limits.string_size + 3) + 2 * boot->memory_map().size());
  return 0;
}

std::vector<fuzz::structure> fuzz::structures_of(const uint8_t* data, size_t size) {
  input in{data, size};
  structure_list list{data, size};
  const uint64_t base = in.number();
  const uint64_t at = base + in.number();
  for (int i = 0; i < 5; ++i) in.u8();  // the split and the limits
  add_handoff(list, list.offset_of(in), base, at);
  return list.found();
}
