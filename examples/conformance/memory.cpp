// SPDX-License-Identifier: BSL-1.0
#include "memory.hpp"

namespace conformance {

namespace {

constexpr uint64_t page_size = 4096;
constexpr uint64_t four_gib = uint64_t{1} << 32;

/// Writes two patterns to a word, reads them back, and restores the word.
bool keeps(uint64_t paddr) {
  auto* const at = reinterpret_cast<volatile uint32_t*>(static_cast<uintptr_t>(paddr));
  uint32_t before, first, second;
  // asm: address 0 is memory like any other here.
  asm volatile("movl (%[at]), %[before]" : [before] "=r"(before) : [at] "r"(at) : "memory");
  asm volatile(
      "movl %[a], (%[at])\n\t"
      "wbinvd\n\t"
      "movl (%[at]), %[first]"
      : [first] "=&r"(first)
      : [at] "r"(at), [a] "r"(0xa5c33c5a)
      : "memory");
  asm volatile(
      "movl %[b], (%[at])\n\t"
      "movl (%[at]), %[second]\n\t"
      "movl %[before], (%[at])"
      : [second] "=&r"(second)
      : [at] "r"(at), [b] "r"(0x5a3cc3a5), [before] "r"(before)
      : "memory");
  return first == 0xa5c33c5a && second == 0x5a3cc3a5;
}

}  // namespace

ram_probe probe_ram(const pvhboot::memory_map& map, const pvhboot::boot_info<pvhboot::identity_map>& boot,
                    const pvhboot::memory_range& image) {
  ram_probe result;
  const auto in_use = [&](const pvhboot::memory_range& page) {
    if (page.overlaps(image)) return true;
    for (const pvhboot::extent& e : pvhboot::extents{boot})
      if (page.overlaps({e.addr, e.size, {}})) return true;
    return false;
  };
  const auto probe = [&](uint64_t first) {
    if (first >= four_gib) {
      ++result.out_of_reach;
      return;
    }
    if (in_use({first, page_size, {}})) return;
    ++result.pages;
    for (uint64_t at = first; at < first + page_size; at += page_size - 4) {
      if (keeps(at) || result.is_broken) continue;
      result.is_broken = true;
      result.where = at;
    }
  };
  for (const pvhboot::memory_range& r : map) {
    if (r.type != pvhboot::memory_type::ram) continue;
    const uint64_t first = (r.addr + (page_size - 1)) & ~(page_size - 1);
    const uint64_t end = (r.last() + 1) & ~(page_size - 1);
    if (end <= first) continue;
    probe(first);
    if (end - first > page_size) probe(end - page_size);
  }
  return result;
}

}  // namespace conformance
