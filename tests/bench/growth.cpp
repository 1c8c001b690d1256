// SPDX-License-Identifier: BSL-1.0
//
// How the library's work grows: each operation with n = 8 … 131072 entries, counted by callgrind one by one. Without
// valgrind it only checks the results.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <valgrind/callgrind.h>

#include <pvhboot/pvh/handoff.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvh/phys32_note.hpp>
#include <pvhboot/pvhboot.hpp>

namespace {

using pvhboot::memory_map;
using pvhboot::memory_range;
using pvhboot::memory_type;
using pvhboot::memory_window;

constexpr size_t least = 8, most = 131072;
constexpr uint64_t info_at = 0x1000;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "a wrong result: %s\n", what);
  std::exit(1);
}

/// Runs the operation once without counting, which binds symbols and touches pages, then once with it.
template <class Run> void measure(const char* name, size_t n, const Run& run) {
  run();
  const std::string title = std::string(name) + ' ' + std::to_string(n);
  CALLGRIND_ZERO_STATS;
  run();
  CALLGRIND_DUMP_STATS_AT(title.c_str());
}

/// A map and what its operations work in.
struct owned_map {
  std::vector<memory_range> ranges;
  std::vector<pvhboot::sweep_slot> slots;
  memory_map map;
  explicit owned_map(size_t n) : ranges(2 * n + 2), slots(n + 2), map(ranges, slots) {}
};

/// Apart, RAM and reserved by turns, in the order of a linear congruence, which sorts worst.
std::vector<memory_range> shuffled(size_t n) {
  std::vector<memory_range> all(n);
  for (size_t i = 0; i < n; ++i) {
    const uint64_t place = i * 40503 % n;
    all[i] = {0x100000 + 0x2000 * place, 0x1000, place % 2 == 0 ? memory_type::ram : memory_type::reserved};
  }
  return all;
}

/// write, parse, lint, and translate with the entries that the zero page has no slot for.
void handoffs(size_t n) {
  const std::vector<memory_range> entries = shuffled(n);
  const pvhboot::handoff_module modules[] = {{.paddr = 0x40000000, .size = 0x100000}};
  const pvhboot::handoff h{.cmdline = "console=ttyS0", .modules = modules, .memmap = entries};
  std::vector<uint8_t> bytes(static_cast<size_t>(h.size_bytes()));
  measure("write", n, [&] { expect(write(h, {bytes.data(), bytes.size()}, info_at).ok(), "write"); });

  const memory_window memory{info_at, bytes};
  const pvhboot::parse_limits limits{.memmap_entries = most};
  measure("parse", n, [&] {
    const auto boot = pvhboot::parse(memory, info_at, limits);
    expect(boot && boot->memory_map().size() == n, "parse");
  });

  const auto boot = pvhboot::parse(memory, info_at, limits);
  owned_map scratch{n};
  measure("lint", n, [&] {
    size_t found = 0;
    scratch.map.clear();
    const auto count = [&](const pvhboot::finding&) { ++found; };
    expect(lint(memory, *boot, scratch.map, count, {.probe_ram = false}).ok() && found != 0, "lint");
  });

  owned_map prepared{n};
  static pvhboot::abi::boot_params zero_page;
  std::vector<uint8_t> storage(20 * n + 64);
  measure("translate", n, [&] {
    prepared.map.clear();
    expect(prepared.map.append(boot->memory_map()) && prepare_for_linux(prepared.map), "prepare");
    pvhboot::setup_data_writer nodes{storage, 0x100000};
    expect(translate(*boot, prepared.map, pvhboot::started_by::other, zero_page, &nodes).ok(), "translate");
    expect(zero_page.e820_entries == (n < 128 ? n : 128) && (nodes.head() != 0) == (n > 128), "entries");
  });
}

/// An ELF kernel whose last note of n has the entry. More notes than Xen reads are refused.
void notes(size_t n) {
  constexpr size_t headers = 64 + 2 * 56, note = 12 + 4 + 8;
  std::vector<uint8_t> file(headers + n * note);
  const auto put = [&](size_t at, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) file[at + i] = static_cast<uint8_t>(value >> 8 * i);
  };
  const char ident[] = {'\x7f', 'E', 'L', 'F', 2, 1, 1};
  for (size_t i = 0; i < sizeof ident; ++i) file[i] = static_cast<uint8_t>(ident[i]);
  put(16, 2, 2);
  put(18, 62, 2);
  put(32, 64, 8);
  put(54, 56, 2);
  put(56, 2, 2);
  put(64, 1, 4);
  put(64 + 4, 5, 4);
  put(64 + 24, 0x100000, 8);
  put(64 + 32, headers, 8);
  put(64 + 40, 0x1000, 8);
  put(120, 4, 4);
  put(120 + 8, headers, 8);
  put(120 + 32, n * note, 8);
  put(120 + 48, 4, 8);
  for (size_t i = 0; i < n; ++i) {
    const size_t at = headers + i * note;
    put(at, 4, 4);
    put(at + 4, 8, 4);
    put(at + 8, i + 1 == n ? 18 : 1, 4);
    put(at + 12, 0x006e6558, 4);  // "Xen"
    put(at + 16, 0x100010, 8);
  }
  measure("notes", n, [&] {
    const auto image = pvhboot::parse_elf({file.data(), file.size()});
    const auto entry = find_phys32_entry(*image);
    expect(n > pvhboot::max_notes ? !entry && entry.error().code == pvhboot::errc::too_many_notes
                                  : entry && entry->paddr == 0x100010,
           "notes");
  });
}

}  // namespace

int main() {
  for (size_t n = least; n <= most; n *= 4) {
    handoffs(n);
    notes(n);
  }
  return 0;
}
