// SPDX-License-Identifier: BSL-1.0
//
// The laws of load_bzimage in guest memory that has holes, that gives more than was asked for, or that becomes
// unwritable after the check. A failure writes nothing, and what is written is read back.
#pragma once

#include <algorithm>

#include <pvhboot/bridge/load_bzimage.hpp>

#include "harness.hpp"

namespace fuzz {

/// Guest memory of 2^64 bytes, which are 0xee until they are written. It has the pages that were asked for.
class sparse_ram {
 public:
  static constexpr uint64_t page = 4096;

  memory_range hole{};              ///< what cannot be written
  bool gives_more = false;          ///< up to the end of the page, whatever is asked for
  uint64_t requests = ~uint64_t{};  ///< how many are granted

  span<uint8_t> writable(uint64_t paddr, uint64_t n) {
    if (n == 0 || requests == 0 || hole.contains(paddr, 1)) return {};
    --requests;
    uint64_t there = page - paddr % page;
    if (hole.size != 0 && hole.addr > paddr) there = std::min(there, hole.addr - paddr);
    if (!gives_more) there = std::min(there, n);
    return {page_at(paddr - paddr % page) + paddr % page, static_cast<size_t>(there)};
  }
  std::vector<uint8_t> read(const memory_range& r) {
    std::vector<uint8_t> bytes;
    for (uint64_t i = 0; i < r.size; ++i) bytes.push_back(page_at((r.addr + i) / page * page)[(r.addr + i) % page]);
    return bytes;
  }
  /// No byte outside these two ranges was written.
  [[nodiscard]] bool is_fresh_but(const memory_range& a, const memory_range& b) const {
    for (const one& p : pages_)
      for (size_t i = 0; i < page; ++i)
        if (p.bytes[i] != 0xee && !a.contains(p.at + i, 1) && !b.contains(p.at + i, 1)) return false;
    return true;
  }

 private:
  struct one {
    uint64_t at;
    exact<uint8_t> bytes;
  };
  uint8_t* page_at(uint64_t at) {
    for (const one& p : pages_)
      if (p.at == at) return p.bytes.get();
    pages_.push_back({at, exact<uint8_t>{page}});
    std::memset(pages_.back().bytes.get(), 0xee, page);
    return pages_.back().bytes.get();
  }
  std::vector<one> pages_;
};

struct sparse_guest {
  sparse_ram* ram;
  [[nodiscard]] span<uint8_t> writable(uint64_t paddr, uint64_t n) const { return ram->writable(paddr, n); }
};

/// What the laws load, and where.
struct load_case {
  pvhboot::linux_request request;
  const pvhboot::memory_map& map;  ///< prepared for Linux
  pvhboot::memory_map& free;       ///< with the same ranges
  sparse_ram ram{};
  bool changes = false;  ///< the memory is not always what it was when it was checked
};

inline void law_loaded(const pvhboot::bzimage& kernel, const pvhboot::linux_start& start, load_case& c) {
  const pvhboot::linux_layout& at = start.layout;
  LAW(check_placement(kernel, at, c.map).ok());
  const uint64_t nodes_size = e820_ext_size(c.map);
  const uint64_t text_size = std::max<uint64_t>(c.request.cmdline.size() + 1, 2048);
  const memory_range code{at.kernel.load_paddr, kernel.code().size(), {}};
  const memory_range block{at.zero_page_paddr, at.cmdline_paddr + text_size + nodes_size - at.zero_page_paddr, {}};
  for (const memory_range& r : c.free) {
    LAW(r.type != memory_type::ram || (!r.overlaps(code) && !r.overlaps(block)));
    LAW(!r.overlaps({at.kernel.runtime_start, at.kernel.runtime_size, {}}));
    LAW(!r.overlaps({at.initrd_paddr, at.initrd_size, {}}));
  }
  LAW(c.ram.is_fresh_but(code, block));
  const auto code_back = c.ram.read(code);
  LAW(std::memcmp(code_back.data(), kernel.code().data(), code_back.size()) == 0);

  const auto bytes = c.ram.read(block);
  const pvhboot::memory_window guest{block.addr, bytes};
  const auto page = pvhboot::load<pvhboot::abi::boot_params>(bytes.data());
  owned_map back{c.map.size()};
  const auto values = read_zero_page(guest, page, back.map);
  LAW(values.ok() && contents(back.map) == contents(c.map) && values->rsdp_paddr == c.request.rsdp_paddr);
  LAW(values->initrd_paddr == at.initrd_paddr && values->initrd_size == c.request.initrd_size);
  LAW(values->cmdline_paddr == at.cmdline_paddr);
  const uint8_t* text = guest.bytes(at.cmdline_paddr, text_size);
  for (size_t i = 0; i < text_size; ++i)
    LAW(text[i] == (i < c.request.cmdline.size() ? static_cast<uint8_t>(c.request.cmdline[i]) : 0));

  LAW(start.cpu.esi == at.zero_page_paddr);
  LAW(start.cpu.eip == at.kernel.load_paddr + (c.request.entry_64 ? 0x200u : 0u));
  const uint8_t* gdt = guest.bytes(start.cpu.gdt.base, start.cpu.gdt.limit + uint64_t{1});
  LAW(gdt && little_endian(gdt + 16, 8) == start.cpu.cs.descriptor());
  LAW(little_endian(gdt + 24, 8) == start.cpu.ds.descriptor());
  if (!c.request.entry_64) return;
  // Each of the first 4 GiB is mapped to itself.
  for (uint64_t a = 0; a < uint64_t{1} << 32; a += 0x3fe00000) {
    uint64_t table = start.cpu.cr3;
    for (const unsigned shift : {39u, 30u, 21u}) {
      const uint64_t entry = little_endian(guest.bytes(table + (a >> shift) % 512 * 8, 8), 8);
      LAW((entry & 0xfff) == (shift == 21 ? 0x83 : 3));
      table = entry & ~uint64_t{0xfff};
    }
    LAW(table == a / 0x200000 * 0x200000);
  }
}

inline void check_load(const pvhboot::bzimage& kernel, load_case& c) {
  const auto start = load_bzimage(kernel, c.request, c.map, c.free, sparse_guest{&c.ram});
  if (start) return law_loaded(kernel, *start, c);
  const pvhboot::failure why = start.error();
  law_failure(why);
  saw(why);
  LAW(c.changes || c.ram.is_fresh_but({}, {}));
  const uint64_t nodes = e820_ext_size(c.map);
  // The nodes must lie together, and this memory has each page apart.
  if (why.code == errc::load_unwritable)
    LAW(c.changes || c.ram.hole.contains(why.where, 1) || (nodes != 0 && why.where % sparse_ram::page == 0));
  if (why.code == errc::linux_nul_in_cmdline) LAW(c.request.cmdline[static_cast<size_t>(why.where)] == '\0');
}

}  // namespace fuzz
