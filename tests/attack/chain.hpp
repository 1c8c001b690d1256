// SPDX-License-Identifier: BSL-1.0
//
// A chain of setup_data as the bytes of memory say it, and walk_setup_data against it.
#pragma once

#include <optional>

#include <pvhboot/linux/setup_data.hpp>

#include "ranges.hpp"

namespace attack {

struct failed {
  errc code;
  uint64_t where;
  friend auto operator<=>(const failed&, const failed&) = default;
};

struct one_block {
  uint64_t base;
  const std::vector<uint8_t>* held;
  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const {
    if (paddr < base || wide{paddr} + n > wide{base} + held->size()) return nullptr;
    return held->data() + (paddr - base);
  }
};

struct node {
  uint64_t paddr, next;
  uint32_t type, len;
};

/// A chain as its bytes say it, and what ends it early.
template <class Memory>
std::optional<failed> follow(const Memory& memory, uint64_t first, uint32_t limit, std::vector<node>& nodes) {
  for (uint64_t at = first; at != 0;) {
    if (nodes.size() == limit) return failed{errc::setup_data_loop, at};
    const uint8_t* p = memory.bytes(at, 16);
    if (!p) return failed{errc::setup_data_unreadable, at};
    const node one{at, little_endian(p, 8), static_cast<uint32_t>(little_endian(p + 8, 4)),
                   static_cast<uint32_t>(little_endian(p + 12, 4))};
    if (uint64_t{one.len} + 16 > 0xffffffff) return failed{errc::setup_data_wraps, at};
    if (wide{at} + 16 > ~uint64_t{} || !memory.bytes(at + 16, one.len)) return failed{errc::setup_data_unreadable, at};
    nodes.push_back(one);
    at = one.next;
  }
  return std::nullopt;
}

/// Whether the chain is sound.
template <class Memory> bool check_walk(const Memory& memory, uint64_t first, uint32_t limit) {
  static std::vector<node> wanted;  // one allocation for all calls
  wanted.clear();
  const auto why = follow(memory, first, limit, wanted);
  size_t n = 0;
  const auto done = pvhboot::walk_setup_data(memory, first, limit, [&](const pvhboot::setup_node& got) {
    AGREE(n < wanted.size() && got.paddr == wanted[n].paddr && got.next == wanted[n].next);
    AGREE(static_cast<uint32_t>(got.type) == wanted[n].type && got.payload.size() == wanted[n].len);
    AGREE(got.payload.data() == memory.bytes(got.paddr + 16, wanted[n].len));
    const uint8_t* p = got.payload.data();
    const bool indirect = wanted[n].type == 0x80000000 && wanted[n].len == 24 && little_endian(p + 4, 4) == 0 &&
                          little_endian(p, 4) > 0x80000000;
    const auto inner = read_setup_indirect(got);
    AGREE(inner.ok() == indirect);
    if (inner)
      AGREE(inner->type == little_endian(p, 4) && inner->len == little_endian(p + 8, 8) &&
            inner->addr == little_endian(p + 16, 8));
    else
      AGREE(inner.error().code == errc::bad_setup_indirect && inner.error().where == got.paddr);
    ++n;
    return pvhboot::result<void>{};
  });
  AGREE(n == wanted.size() && done.ok() == !why);
  if (!why) return true;
  AGREE(done.error().code == why->code && done.error().where == why->where);
  return false;
}

}  // namespace attack
