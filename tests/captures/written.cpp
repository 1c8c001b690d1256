// SPDX-License-Identifier: BSL-1.0
//
// Each captured handoff as values, and written again at its producer's addresses: byte for byte what was captured.
#include <pvhboot/pvh/values_of.hpp>

#include "../unit/row.hpp"
#include "captured.hpp"

namespace {

using namespace test;
using captured::memory;

/// Writable memory of which only some pieces are there, as in a capture.
struct pieces {
  static constexpr size_t most = 8;
  static constexpr size_t largest = 256;
  uint64_t paddr[most]{};
  uint8_t bytes[most][largest]{};
  size_t size[most]{};
  size_t count = 0;

  constexpr pieces(const memory& like, uint8_t before) {
    for (const captured::piece& p : like.pieces) {
      paddr[count] = p.paddr;
      size[count] = p.size;
      for (size_t i = 0; i < p.size; ++i) bytes[count][i] = before;
      ++count;
    }
  }
};
struct writable_pieces {
  pieces* of;
  [[nodiscard]] constexpr pvhboot::span<uint8_t> writable(uint64_t at, uint64_t n) const noexcept {
    for (size_t i = 0; i < of->count; ++i) {
      const pvhboot::writable_window window{of->paddr[i], {of->bytes[i], of->size[i]}};
      if (const auto found = window.writable(at, n); !found.empty()) return found;
    }
    return {};
  }
};

/// How many bytes of the capture's pieces were written and are the same; 0 if one is not. What is no part of the
/// structures is left out: the RSDP and the modules' own bytes.
constexpr size_t written_again(const memory& from) {
  const auto boot = pvhboot::parse(from, from.start_info());
  pvhboot::handoff_buffer<2, 16> buffer{};
  const auto back = placed_values_of(*boot, buffer);
  if (!back) return 0;
  pieces x{from, 0};
  pieces y{from, 0xff};
  if (!write(back->values, writable_pieces{&x}, back->layout)) return 0;
  if (!write(back->values, writable_pieces{&y}, back->layout)) return 0;
  size_t same = 0;
  for (size_t i = 0; i < x.count; ++i)
    for (size_t j = 0; j < x.size[i]; ++j) {
      const bool was_written = x.bytes[i][j] == y.bytes[i][j];
      if (was_written && x.bytes[i][j] != from.pieces[i].bytes[j]) return 0;
      same += was_written ? 1 : 0;
    }
  return same;
}
/// start_info, the lists and the texts, as parse found them.
constexpr size_t structures(const memory& from) {
  const auto boot = pvhboot::parse(from, from.start_info());
  size_t n = 0;
  for (const pvhboot::extent& e : pvhboot::extents{*boot})
    if (e.what != pvhboot::handoff_piece::module && e.what != pvhboot::handoff_piece::rsdp)
      n += static_cast<size_t>(e.size);
  return n;
}
constexpr bool is_written_again(const memory& from, size_t wanted) {
  return structures(from) == wanted && written_again(from) == wanted;
}

constexpr uint8_t nul = 0;

ROW("QEMU q35, written again: the same bytes",
    { EXPECT(is_written_again({captured::qemu_q35}, 56 + 32 + 9 * 24 + 28)); });
ROW("QEMU pc, written again: the same bytes",
    { EXPECT(is_written_again({captured::qemu_pc}, 56 + 32 + 7 * 24 + 28)); });
ROW("QEMU microvm, written again: the same bytes, and what qboot's stack left in the module's reserved word", {
  const memory from{captured::qemu_microvm};
  EXPECT(is_written_again(from, 56 + 32 + 6 * 24 + 28));
  const auto boot = pvhboot::parse(from, from.start_info());
  pvhboot::handoff_buffer<1, 6> buffer{};
  EXPECT(values_of(*boot, buffer)->modules[0].reserved == 0x965000000);
});
ROW("Xen dom0, written again: the same 40 bytes, on 4-byte addresses, with the module's empty command line (B9)", {
  // The byte that the module's command line consists of was not captured. It follows the module's 6 bytes, on 8.
  const captured::piece all[] = {
      captured::xen_dom0[0], captured::xen_dom0[1], captured::xen_dom0[2], {0x126008, &nul, 1}};
  const memory from{all};
  EXPECT(is_written_again(from, 40 + 32 + 18 + 1));
});
ROW("Xen domU, written again: the same bytes", { EXPECT(is_written_again({captured::xen_domu}, 89 + 32 + 120)); });
ROW("Xen domU with RAM above 4 GiB, written again: the same bytes",
    { EXPECT(is_written_again({captured::xen_domu_above_4g}, 61 + 144)); });

}  // namespace
