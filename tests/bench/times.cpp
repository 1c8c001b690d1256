// SPDX-License-Identifier: BSL-1.0
//
// Times of the operations that a boot spends most on, with Google Benchmark. They are reported and no test depends on
// them.
#include <vector>

#include <benchmark/benchmark.h>

#include <pvhboot/pvh/handoff.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvhboot.hpp>

namespace {

using pvhboot::memory_map;
using pvhboot::memory_range;
using pvhboot::memory_type;
using pvhboot::memory_window;

constexpr uint64_t info_at = 0x1000;

std::vector<memory_range> map_of(size_t n) {
  std::vector<memory_range> all(n);
  for (size_t i = 0; i < n; ++i)
    all[i] = {0x100000 + 0x2000 * uint64_t{i}, 0x1000, i % 2 == 0 ? memory_type::ram : memory_type::reserved};
  return all;
}

/// A handoff of n entries, written.
struct written {
  std::vector<memory_range> entries;
  std::vector<uint8_t> bytes;

  explicit written(size_t n) : entries(map_of(n)) {
    const pvhboot::handoff h{.cmdline = "console=ttyS0", .memmap = entries};
    bytes.resize(static_cast<size_t>(h.size_bytes()));
    static_cast<void>(write(h, {bytes.data(), bytes.size()}, info_at));
  }
  [[nodiscard]] memory_window memory() const { return {info_at, bytes}; }
};

void write_handoff(benchmark::State& state) {
  written w{static_cast<size_t>(state.range(0))};
  const pvhboot::handoff h{.cmdline = "console=ttyS0", .memmap = w.entries};
  for (auto _ : state) benchmark::DoNotOptimize(write(h, {w.bytes.data(), w.bytes.size()}, info_at));
}
BENCHMARK(write_handoff)->Arg(1)->Arg(8)->Arg(128);

void parse_and_lint(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(0));
  const written w{n};
  std::vector<memory_range> ranges(2 * n + 2);
  std::vector<pvhboot::sweep_slot> slots(n + 2);
  memory_map scratch{ranges, slots};
  for (auto _ : state) {
    const auto boot = pvhboot::parse(w.memory(), info_at);
    size_t found = 0;
    scratch.clear();
    const auto count = [&](const pvhboot::finding&) { ++found; };
    static_cast<void>(lint(w.memory(), *boot, scratch, count, {.probe_ram = false}));
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(parse_and_lint)->Arg(8)->Arg(128);

void parse_and_translate(benchmark::State& state) {
  const written w{static_cast<size_t>(state.range(0))};
  static pvhboot::abi::boot_params zero_page;
  pvhboot::memory_map_buffer<256> buffer;
  memory_map map{buffer};
  for (auto _ : state) {
    const auto boot = pvhboot::parse(w.memory(), info_at);
    map.clear();
    static_cast<void>(map.append(boot->memory_map()));
    static_cast<void>(prepare_for_linux(map));
    static_cast<void>(translate(*boot, map, pvhboot::started_by::other, zero_page));
    benchmark::DoNotOptimize(zero_page);
  }
}
BENCHMARK(parse_and_translate)->Arg(8)->Arg(128);

}  // namespace

BENCHMARK_MAIN();
