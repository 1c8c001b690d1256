// SPDX-License-Identifier: BSL-1.0
//
// Chains of setup_data: any chain in any memory, with loops and with hostile lengths, is walked as a second reader
// walks it; what is written is walked back, and no byte is written but those of its nodes. Then the memory itself
// (memory_laws.hpp): limit << stop % 64 bytes at the first node.
//
// Input: number base, u16 offset at which the memory is in two pieces, number first node, u8 limit of nodes, u8 nodes
// after which the visitor stops (0: never); number address and u16 size (modulo 4096) of the storage to write to,
// number head of the chain that is there already, u8 n % 16, n nodes (u8 type, number size of the payload); then the
// memory.
#include <pvhboot/linux/setup_data.hpp>

#include "memory.hpp"
#include "memory_laws.hpp"

namespace {

using namespace fuzz;
using pvhboot::result;
using pvhboot::setup_data_writer;
using pvhboot::setup_node;
using pvhboot::setup_type;

constexpr uint64_t header = 16;  // bytes of a node before its payload

struct plain_node {
  uint64_t paddr, next, type;
  span<const uint8_t> payload;
};
struct walk {
  std::vector<plain_node> nodes;
  errc end{};  ///< 0: the chain ends
  uint64_t where = 0;
};

/// The memory without the library: `contents` at `base`, up to 2^64, in two pieces.
struct plain_memory {
  uint64_t base;
  span<const uint8_t> contents;
  uint64_t split;

  [[nodiscard]] const uint8_t* at(uint64_t paddr, uint64_t n) const {
    if (paddr < base) return nullptr;
    const uint64_t offset = paddr - base;
    const uint64_t size = base == 0 ? contents.size() : std::min<uint64_t>(contents.size(), 0 - base);
    if (offset > size || n > size - offset || (offset < split && n > split - offset)) return nullptr;
    return contents.data() + offset;
  }
};

MODEL walk walk_plainly(const plain_memory& guest, uint64_t first, uint32_t limit) {
  walk w;
  for (uint64_t at = first; at != 0; at = w.nodes.back().next) {
    w.where = at;
    if (w.nodes.size() == limit) return w.end = errc::setup_data_loop, w;
    const uint8_t* head = guest.at(at, header);
    if (!head) return w.end = errc::setup_data_unreadable, w;
    const uint64_t len = little_endian(head + 12, 4);
    if (len + header > 0xffffffff) return w.end = errc::setup_data_wraps, w;
    const uint8_t* payload = at + header == 0 ? nullptr : guest.at(at + header, len);
    if (!payload) return w.end = errc::setup_data_unreadable, w;
    w.nodes.push_back({at, little_endian(head, 8), little_endian(head + 8, 4), {payload, static_cast<size_t>(len)}});
  }
  return w;
}

MODEL void check_indirect(const setup_node& node, const plain_node& plain) {
  const auto inner = read_setup_indirect(node);
  const uint8_t* p = plain.payload.data();
  const bool sound = plain.type == 0x80000000 && plain.payload.size() == 24 && little_endian(p + 4, 4) == 0 &&
                     little_endian(p, 4) > 0x80000000;
  LAW(inner.ok() == sound);
  if (!inner) LAW(inner.error().code == errc::bad_setup_indirect && inner.error().where == node.paddr);
  if (inner)
    LAW(static_cast<uint32_t>(inner->type.get()) == little_endian(p, 4) && inner->len == little_endian(p + 8, 8) &&
        inner->addr == little_endian(p + 16, 8));
}

MODEL void check_node(const setup_node& node, const plain_node& plain) {
  LAW(node.paddr == plain.paddr && node.next == plain.next && static_cast<uint32_t>(node.type) == plain.type);
  LAW(node.payload.size() == plain.payload.size());
  LAW(node.payload.empty() || std::memcmp(node.payload.data(), plain.payload.data(), node.payload.size()) == 0);
  saw(plain.type);
  check_indirect(node, plain);
}

/// Walks with the library; the visitor stops after so many nodes.
void check_walk(const plain_memory& guest, uint64_t first, uint32_t limit, size_t stop) {
  constexpr pvhboot::failure stopped{errc::setup_data_full, 77};
  const walk real = walk_plainly(guest, first, limit);
  guarded_memory guarded{guest.base, guest.contents, static_cast<size_t>(guest.split)};
  size_t n = 0;
  const auto done =
      pvhboot::walk_setup_data(memory{&guarded}, first, limit, [&](const setup_node& node) -> result<void> {
        LAW(n < real.nodes.size());
        check_node(node, real.nodes[n++]);
        return n == stop ? result<void>{stopped} : result<void>{};
      });
  const bool stops = stop != 0 && real.nodes.size() >= stop;
  LAW(n == (stops ? stop : real.nodes.size()));
  LAW(guarded.requests() <= 2 * uint64_t{limit} && (stops || real.end != errc{} || guarded.requests() == 2 * n));
  if (stops) {
    LAW(!done && done.error().code == stopped.code && done.error().where == stopped.where);
  } else {
    LAW(done.ok() == (real.end == errc{}));
    if (!done) LAW(done.error().code == real.end && done.error().where == real.where);
  }
  if (!done) saw(done.error());
}

void check_write(input& in) {
  const uint64_t paddr = in.number();
  const size_t size = in.u16() % 0x1000;
  const uint64_t old = in.number();
  const exact<uint8_t> storage{size};
  std::memset(storage.get(), 0xee, size);
  setup_data_writer writer{storage.all(), paddr, old};
  LAW(writer.head() == old && writer.size() == 0 &&
      writer.range() == memory_range{paddr, std::min<uint64_t>(size, ~paddr), {}});

  struct written {
    uint64_t at, size, type;
  };
  std::vector<written> nodes;
  std::vector<uint8_t> wanted(size, 0xee);
  uint64_t used = 0;
  for (unsigned n = in.u8() % 16; n > 0; --n) {
    const uint8_t kind = in.u8();
    const uint64_t payload = in.number();
    const uint64_t whole = (header + payload + 7) / 8 * 8;
    const bool below_end = paddr + used >= paddr && whole <= ~(paddr + used);
    const bool fits = paddr != 0 && payload <= 0xffffffff - header && whole <= size - used && below_end;
    LAW(writer.has_room(payload) == fits && setup_data_writer::size_of(payload) == whole);
    const uint64_t head = writer.head();
    const auto place = writer.reserve(setup_type{kind}, payload);
    LAW(place.ok() == fits);
    if (!place) {
      LAW(place.error().code == errc::setup_data_full && place.error().where == payload);
      LAW(writer.head() == head && writer.size() == used);
      continue;
    }
    LAW(place->size() == payload && writer.head() == paddr + used && writer.size() == used + whole);
    const auto put = [&](uint64_t at, uint64_t value, unsigned bytes) {
      for (unsigned i = 0; i < bytes; ++i) wanted[static_cast<size_t>(at + i)] = static_cast<uint8_t>(value >> 8 * i);
    };
    put(used, head, 8);
    put(used + 8, kind, 4);
    put(used + 12, payload, 4);
    for (size_t i = 0; i < payload; ++i) put(used + header + i, (*place)[i] = static_cast<uint8_t>(i + kind), 1);
    nodes.push_back({paddr + used, payload, kind});
    used += whole;
  }
  // The last one as a struct.
  pvhboot::array<uint8_t, 24> last;
  for (size_t i = 0; i < last.size(); ++i) last[i] = static_cast<uint8_t>(i + 0x33);
  const uint64_t head = writer.head();
  const bool fits = writer.has_room(sizeof last);
  LAW(writer.add(setup_type{0x33}, last).ok() == fits && (fits || writer.head() == head));
  if (fits) {
    const pvhboot::abi::setup_data node{.next = head, .type = setup_type{0x33}, .len = 24u};
    std::memcpy(wanted.data() + used, &node, sizeof node);
    std::memcpy(wanted.data() + used + sizeof node, &last, sizeof last);
    nodes.push_back({paddr + used, sizeof last, 0x33});
  }
  LAW(std::equal(wanted.begin(), wanted.end(), storage.get()));

  // Back, the last one first, up to the chain that was there.
  const pvhboot::memory_window window{paddr, storage.all()};
  if (window.bytes(old, 1)) return;  // it would lead back into the storage
  size_t left = nodes.size();
  const auto done = pvhboot::walk_setup_data(window, writer.head(), 17, [&](const setup_node& node) -> result<void> {
    LAW(left > 0);
    const written& w = nodes[--left];
    LAW(node.paddr == w.at && node.payload.size() == w.size && static_cast<uint32_t>(node.type) == w.type);
    for (size_t i = 0; i < node.payload.size(); ++i) LAW(node.payload[i] == static_cast<uint8_t>(i + w.type));
    return {};
  });
  LAW(left == 0 && done.ok() == (old == 0));
  if (!done) LAW(done.error().code == errc::setup_data_unreadable && done.error().where == old);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input in{data, size};
  const uint64_t base = in.number();
  const size_t split = in.u16();
  const uint64_t first = in.number();
  const uint32_t limit = in.u8();
  const size_t stop = in.u8();
  check_write(in);
  check_walk({base, in.rest(), split}, first, limit, stop);
  const memory_case guest{base, in.rest(), first, uint64_t{limit} << stop % 64};
  check_reads(guest);
  check_pieces(guest, split);
  return 0;
}
