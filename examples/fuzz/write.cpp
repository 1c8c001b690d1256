// SPDX-License-Identifier: BSL-1.0
//
// write, as a block and with each part at an address of its own: read back it is the same handoff; every byte of its
// parts is written and no other; a refusal writes nothing; memory in two pieces gets the same bytes.
//
// Input: number base, u16 size of the memory (modulo 10240), u16 offset at which it is in two pieces; u8 version, u64
// flags and reserved word, number RSDP; u8 layout (0 block at the number that follows, else five numbers and, if even,
// one for each module, or with 254 for all but the last); text; u8 n, n modules (number address, number size, u64
// reserved, text); u8 n, n entries (range, u16 reserved word), 255 for 300 of them; u8 how many of the reserved words
// count. A text is u8 n, n bytes; 255 for none.
#include "vanishing.hpp"
#include "write_laws.hpp"

namespace {

using namespace fuzz;

struct text {
  std::string bytes;
  bool absent = false;
  [[nodiscard]] pvhboot::string_ref ref() const {
    return absent ? pvhboot::string_ref{} : pvhboot::string_ref{bytes.data(), bytes.size()};
  }
};

/// Memory of zeroes in two pieces.
struct two_pieces {
  two_pieces(uint64_t base, size_t size, size_t split)
      : bytes(size, 0),
        halves{{base, span<uint8_t>{bytes}.first(split)}, {base + split, span<uint8_t>{bytes}.after(split)}} {}
  two_pieces(const two_pieces&) = delete;
  [[nodiscard]] pvhboot::memory_pieces memory() const { return {halves}; }

  std::vector<uint8_t> bytes;
  pvhboot::writable_window halves[2];
};

text read_text(input& in) {
  text t;
  const unsigned n = in.u8();
  t.absent = n == 255;
  for (unsigned i = 0; i < n && !t.absent; ++i) t.bytes += static_cast<char>(in.u8());
  return t;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  const uint64_t base = in.number();
  const size_t memory_size = in.u16() % 0x2800;
  const size_t split = in.u16();
  pvhboot::handoff h{.version = in.u8()};
  const uint64_t words = in.u64();
  h.flags = static_cast<uint32_t>(words);
  h.reserved = static_cast<uint32_t>(words >> 32);
  h.rsdp_paddr = in.number();
  const unsigned kind = in.u8();
  pvhboot::handoff_layout at{.start_info_paddr = in.number()};
  std::vector<uint64_t> addresses;
  if (kind != 0) {
    at.modlist_paddr = in.number();
    at.memmap_paddr = in.number();
    at.cmdline_paddr = in.number();
    at.module_cmdlines_paddr = in.number();
  }
  const text cmdline = read_text(in);
  h.cmdline = cmdline.ref();
  std::vector<pvhboot::handoff_module> modules(in.u8() % 8);
  std::vector<text> texts(modules.size());
  for (size_t i = 0; i < modules.size(); ++i) {
    modules[i].paddr = in.number();
    modules[i].size = in.number();
    modules[i].reserved = in.u64();
    texts[i] = read_text(in);
    modules[i].cmdline = texts[i].ref();
    if (kind != 0 && kind % 2 == 0) addresses.push_back(in.number());
  }
  if (kind == 254 && !addresses.empty()) addresses.pop_back();
  const size_t n = in.u8();
  std::vector<memory_range> entries(n == 255 ? 300 : n);
  std::vector<uint32_t> reserved(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i] = in.range();
    reserved[i] = in.u16();
  }
  h.modules = modules;
  h.memmap = entries;
  h.memmap_reserved = span<const uint32_t>{reserved}.first(in.u8());
  at.module_cmdline_paddrs = addresses;

  // The same memory three times: with other contents before, and in two pieces.
  std::vector<uint8_t> zeros(memory_size, 0), ones(memory_size, 0xff);
  two_pieces pieces{base, memory_size, split}, vanishing{base, memory_size, split};
  const auto write_to = [&](const auto& memory) {
    return kind == 0 ? write(h, memory, at.start_info_paddr) : write(h, memory, at);
  };
  const auto done = write_to(pvhboot::writable_window{base, zeros});
  const auto done_over_ones = write_to(pvhboot::writable_window{base, ones});
  LAW(done.ok() == done_over_ones.ok());
  if (base <= ~uint64_t{} - memory_size) {
    const auto done_in_pieces = write_to(pieces.memory());
    LAW(done.ok() == done_in_pieces.ok() && pieces.bytes == zeros);
    size_t requests = h.flags % 16;
    const auto done_at_first = write_to(vanishing_memory{vanishing.memory(), &requests});
    LAW(done_at_first.ok() ? vanishing.bytes == zeros
                           : !done || done_at_first.error().code == errc::handoff_unwritable);
  }
  if (!done) {
    law_failure(done.error());
    LAW(done.error().code == done_over_ones.error().code);
    for (size_t i = 0; i < memory_size; ++i) LAW(zeros[i] == 0 && ones[i] == 0xff);
    return 0;
  }
  size_t written = 0;
  for (size_t i = 0; i < memory_size; ++i) written += zeros[i] == ones[i] ? 1u : 0u;
  LAW(written == h.size_bytes());
  const pvhboot::memory_window memory{base, zeros};
  const auto boot = pvhboot::parse(memory, at.start_info_paddr, no_limits);
  LAW(boot.ok());
  law_same_values(*boot, h);
  law_small_storage(*boot, h);
  law_equality(h);
  law_sort_memmap(h);
  if (kind == 0) law_findings(h, at.start_info_paddr);
  // No count without its pointer, no pointer without its count.
  const auto& info = boot->wire();
  LAW((info.nr_modules.get() != 0) == (info.modlist_paddr.get() != 0));
  LAW((info.memmap_entries.get() != 0) == (info.memmap_paddr.get() != 0));
  LAW((info.cmdline_paddr.get() != 0) == !cmdline.absent);
  for (const pvhboot::boot_module m : boot->modules()) {
    for (const pvhboot::extent& e : pvhboot::extents{*boot})
      LAW(e.what == pvhboot::handoff_piece::module || e.what == pvhboot::handoff_piece::rsdp ||
          !memory_range{e.addr, e.size, {}}.overlaps({m.paddr, m.size, {}}));
  }
  return 0;
}
