// SPDX-License-Identifier: BSL-1.0
//
// What the harnesses of the producer's side share: a handoff is written, parsed, read back and linted.
#pragma once

#include <algorithm>
#include <string>

#include <pvhboot/pvh/plan.hpp>

#include "harness.hpp"
#include "storage.hpp"

namespace fuzz {

using pvhboot::oddity;

/// Guest memory of which only a few pieces are there.
struct sparse_memory {
  const std::vector<pvhboot::memory_window>* windows;
  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const {
    for (const pvhboot::memory_window& window : *windows)
      if (const uint8_t* p = window.bytes(paddr, n)) return p;
    return nullptr;
  }
};

/// Bytes that pass for an RSDP of ACPI 2.0.
inline std::vector<uint8_t> sound_rsdp() {
  std::vector<uint8_t> bytes(36, 0);
  const std::string signature = "RSD PTR ";
  std::copy(signature.begin(), signature.end(), bytes.begin());
  unsigned sum = 0;
  for (size_t i = 0; i < 20; ++i) sum += bytes[i];
  bytes[8] = static_cast<uint8_t>(0x100 - sum % 0x100);
  return bytes;
}

/// What was written is read back as the same values.
template <class Boot> void law_same_values(const Boot& boot, const pvhboot::handoff& h) {
  exact_storage storage{h.modules.size(), h.memmap.size()};
  const auto back = placed_values_of(boot, storage.all());
  LAW(back.ok() && back->values == h);
}

/// The limits of a reader that takes everything.
inline constexpr pvhboot::parse_limits no_limits{.memmap_entries = ~uint32_t{}, .modules = ~uint32_t{}};

/// Findings, in any number each. No std::multiset, whose code in libstdc++ is unknown to MemorySanitizer.
class oddity_list {
 public:
  void insert(oddity what) { all_.push_back(what); }
  [[nodiscard]] size_t count(oddity what) const {
    return static_cast<size_t>(std::count(all_.begin(), all_.end(), what));
  }
  [[nodiscard]] auto begin() const { return all_.begin(); }
  [[nodiscard]] auto end() const { return all_.end(); }

 private:
  std::vector<oddity> all_;
};

/// Writes a handoff as a block to paddr, reads it back, and returns what lint finds in it. Where it has an RSDP, there
/// is one.
inline oddity_list oddities(const pvhboot::handoff& h, uint64_t paddr, const memory_range& kernel) {
  std::vector<uint8_t> block(static_cast<size_t>(h.size_bytes()), 0xa5);
  LAW(write(h, span<uint8_t>{block}, paddr).ok());
  const std::vector<uint8_t> rsdp = sound_rsdp();
  const std::vector<pvhboot::memory_window> windows{{paddr, block}, {h.rsdp_paddr, rsdp}};
  const auto boot = pvhboot::parse(sparse_memory{&windows}, paddr, no_limits);
  LAW(boot.ok());
  law_same_values(*boot, h);
  owned_map scratch{2 * std::max(h.memmap.size(), h.modules.size())};
  oddity_list found;
  const auto linted =
      lint(sparse_memory{&windows}, *boot, scratch.map, [&](pvhboot::finding f) noexcept { found.insert(f.what); },
           {.kernel = kernel, .probe_ram = false});
  LAW(linted.ok());
  return found;
}

}  // namespace fuzz
