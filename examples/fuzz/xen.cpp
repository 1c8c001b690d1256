// SPDX-License-Identifier: BSL-1.0
//
// What only Xen has: its CPUID leaves, the map that its hypercall returns, and what GRUB makes of that map.
//
// Input: u8 flags, then number what the hypercall returned (flag 1; else 0), number nr_entries (flag 2; else one less
// than fit into the buffer), u8 n % 8, n blocks of CPUID leaves: u8 block, u8 word of the signature that is wrong (1 to
// 3), number last leaf, number version and MSR. The rest is the buffer.
#include <algorithm>

#include <pvhboot/xen/grub_mmap.hpp>

#include "harness.hpp"

namespace {

using namespace fuzz;
using pvhboot::cpuid_leaf;

struct leaves {
  uint32_t base;
  cpuid_leaf first;
  uint64_t values;
};

std::vector<leaves> read_leaves(input& in) {
  std::vector<leaves> all(in.u8() % 8);
  for (leaves& l : all) {
    l.base = 0x40000000 + 0x100 * uint32_t{in.u8()};
    l.first = {0, 0x566e6558, 0x65584d4d, 0x4d4d566e};
    switch (in.u8()) {
      case 1: l.first.ebx ^= 1; break;
      case 2: l.first.ecx ^= 0x100; break;
      case 3: l.first.edx ^= 0x80000000; break;
      default: break;
    }
    l.first.eax = l.base + static_cast<uint32_t>(in.number());
    l.values = in.number();
  }
  return all;
}

/// The first block with the signature and at least two more leaves, and no leaf but its own and the first of others.
void check_find(const std::vector<leaves>& machine) {
  std::vector<uint32_t> asked;
  const auto cpuid = [&](uint32_t leaf) -> cpuid_leaf {
    asked.push_back(leaf);
    for (const leaves& l : machine) {
      if (leaf == l.base) return l.first;
      if (leaf == l.base + 1) return {.eax = static_cast<uint32_t>(l.values)};
      if (leaf == l.base + 2) return {.ebx = static_cast<uint32_t>(l.values >> 32)};
    }
    return {};
  };
  const auto found = pvhboot::find_xen(cpuid);
  uint32_t wanted = 0;
  uint64_t values = 0;
  for (uint32_t base = 0x40000000; base != 0x40010000 && wanted == 0; base += 0x100)
    for (const leaves& l : machine) {
      if (l.base != base) continue;
      const cpuid_leaf& id = l.first;
      const bool signed_so = id.ebx == 0x566e6558 && id.ecx == 0x65584d4d && id.edx == 0x4d4d566e;
      if (signed_so && id.eax >= base + 2 && id.eax <= base + 0xff) {
        wanted = base;
        values = l.values;
      }
      break;  // of two for one block the first answers
    }
  LAW(found.base == wanted && found.found() == (wanted != 0));
  LAW(found.version_major == (values >> 16 & 0xffff) && found.version_minor == (values & 0xffff));
  LAW(found.hypercall_msr == values >> 32);
  const uint32_t blocks = wanted != 0 ? (wanted - 0x40000000) / 0x100 + 1 : 0x100;
  LAW(asked.size() == blocks + (wanted != 0 ? 2 : 0));
  for (uint32_t i = 0; i < blocks; ++i) LAW(asked[i] == 0x40000000 + 0x100 * i);
}

/// Too few slots and too many entries are refused.
void check_grub_refused(std::vector<memory_range> table) {
  std::vector<memory_range> out(pvhboot::grub_mmap_slots - 1);
  table.resize(std::min(table.size(), out.size()));
  const auto small = pvhboot::grub_mmap(table, out);
  LAW(!small && small.error().code == errc::map_full && small.error().where == pvhboot::grub_mmap_slots);
  out.resize(pvhboot::grub_mmap_slots);
  table.resize(pvhboot::grub_mmap_slots + 1);
  const auto large = pvhboot::grub_mmap(table, out);
  LAW(!large && large.error().code == errc::e820_bad_count && large.error().where == table.size());
}

/// In order, what touches is of different types or has no bytes between, and a second time changes nothing.
void check_grub(const std::vector<memory_range>& table) {
  std::vector<memory_range> out(pvhboot::grub_mmap_slots);
  const auto n = pvhboot::grub_mmap(table, out);
  if (!n) {
    const errc code = n.error().code;
    LAW(code == (table.size() > pvhboot::grub_mmap_slots ? errc::e820_bad_count : errc::grub_mmap_endless));
    LAW(code != errc::e820_bad_count || n.error().where == table.size());
    return;
  }
  LAW(*n <= out.size() && (table.empty() ? *n == 0 : *n != 0));
  out.resize(*n);
  for (size_t i = 0; i < out.size(); ++i) {
    bool known = false;
    for (const memory_range& r : table) known = known || r.type == out[i].type;
    LAW(known && out[i].addr % 4096 == 0 && out[i].size % 4096 == 0);
    if (i == 0) continue;
    const uint64_t end = out[i - 1].addr + out[i - 1].size;
    LAW(out[i].addr >= out[i - 1].addr && out[i].addr >= end);
    LAW(out[i].addr != end || out[i].type != out[i - 1].type);
  }
  std::vector<memory_range> again(pvhboot::grub_mmap_slots);
  const auto same = pvhboot::grub_mmap(out, again);
  LAW(same.ok() && *same == out.size());
  again.resize(out.size());
  LAW(again == out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  const uint8_t flags = in.u8();
  const uint64_t returned = (flags & 1) != 0 ? in.number() : 0;
  const uint64_t claimed = (flags & 2) != 0 ? in.number() : 0;
  check_find(read_leaves(in));

  const span<const uint8_t> rest = in.rest();
  const auto block = exact_copy(rest);
  const size_t capacity = rest.size() / 20;
  const uint32_t nr_entries =
      (flags & 2) != 0 ? static_cast<uint32_t>(claimed) : static_cast<uint32_t>(capacity == 0 ? 0 : capacity - 1);
  const auto table = pvhboot::read_xen_memory_map(static_cast<int64_t>(returned), nr_entries,
                                                  span<const uint8_t>{block.get(), rest.size()});
  if (returned != 0) {
    // -errno, and whatever else: its size without the sign.
    const uint64_t number = returned >> 63 != 0 ? ~returned + 1 : returned;
    LAW(!table && table.error().code == errc::xen_no_memory_map && table.error().where == number);
    return 0;
  }
  if (nr_entries >= capacity) {
    LAW(!table && table.error().where == nr_entries);
    LAW(table.error().code ==
        (nr_entries == capacity ? errc::xen_memory_map_too_large : errc::xen_memory_map_bad_count));
    return 0;
  }
  LAW(table.ok() && table->size() == nr_entries);
  std::vector<memory_range> wanted;
  for (size_t i = 0; i < nr_entries; ++i) {
    const uint8_t* p = rest.data() + 20 * i;
    wanted.push_back(
        {little_endian(p, 8), little_endian(p + 8, 8), memory_type{static_cast<uint32_t>(little_endian(p + 16, 4))}});
  }
  owned_map map{2 * wanted.size() + 1};
  LAW(map.map.append(*table).ok() && contents(map.map) == wanted);
  LAW(map.map.sanitize().ok() && map.map.is_sanitized());
  check_grub(wanted);
  check_grub_refused(wanted);
  return 0;
}
