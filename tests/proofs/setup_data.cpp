// SPDX-License-Identifier: BSL-1.0
//
// All chains of up to three setup_data nodes in a small memory: nodes over one another, cycles, nodes that point at
// themselves, past the end of memory or half out of it, wrong sizes; at the bottom of memory, and up to 2^64. Then
// every payload of an INDIRECT node, and every use of the writer. The larger bound is every limit of nodes and every
// failure of the visitor with all sizes, and a storage of every number of bytes.
#include "../attack/chain.hpp"
#include "bounded.hpp"

namespace {

using namespace proofs;
using namespace attack;

count chains{"chains"};
count broken{"of them broken"};
count stopped{"stopped by the visitor"};
count payloads{"INDIRECT payloads"};
count writers{"writers"};
count refusals{"nodes refused"};

constexpr size_t memory_size = 40;
/// At 0, 8, 16, 20 and 24 a header fits; at 28 it does not.
constexpr uint64_t offsets[] = {0, 8, 16, 20, 24, 28};
constexpr uint64_t sizes[] = {0, 8, 24, 25, 0xffffffef, 0xfffffff0};
constexpr uint32_t types[] = {1, 0x80000000, 9};

/// The same bytes at an address and at 0: where memory ends at 2^64, more of it follows there.
struct two_blocks {
  one_block high;
  [[nodiscard]] const uint8_t* bytes(uint64_t paddr, uint64_t n) const {
    return paddr < memory_size ? one_block{0, high.held}.bytes(paddr, n) : high.bytes(paddr, n);
  }
};

struct chain {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(memory_size);
  two_blocks memory{};

  void put(uint64_t offset, uint64_t next, uint32_t type, uint64_t size) {
    uint8_t header[16];
    put_little_endian(header, next, 8);
    put_little_endian(header + 8, type, 4);
    put_little_endian(header + 12, size, 4);
    std::memcpy(&bytes[offset], header, std::min<size_t>(sizeof header, memory_size - offset));
  }
};

/// The walk ends with the visitor's failure where that is met.
void stop_at_each(const chain& c, uint64_t first) {
  std::vector<node> nodes;
  follow(c.memory, first, 4, nodes);
  for (size_t stop = 0; stop < nodes.size(); ++stop) {
    ++stopped;
    size_t n = 0;
    const auto done = pvhboot::walk_setup_data(c.memory, first, 4, [&](const pvhboot::setup_node&) {
      return n++ == stop ? pvhboot::result<void>{errc::map_full, stop} : pvhboot::result<void>{};
    });
    AGREE(fails(done, errc::map_full, stop) && n == stop + 1);
  }
}

void walk(const chain& c, uint64_t first, bool every_limit) {
  const shown doing{[&] { return "chain from " + std::to_string(first) + " in " + hex(c.bytes); }};
  for (uint32_t limit = every_limit ? 0 : 4; limit <= 4; ++limit) {
    ++chains;
    if (!check_walk(c.memory, first, limit)) ++broken;
  }
  if (every_limit) stop_at_each(c, first);
}

/// All memories of three nodes with these sizes; the first node begins the chain.
void prove_chains(uint64_t base, std::span<const uint64_t> lengths, bool every_limit) {
  chain c;
  c.memory = {{base, &c.bytes}};
  uint64_t nexts[std::size(offsets) + 2] = {0, base - 8};
  for (size_t i = 0; i < std::size(offsets); ++i) nexts[i + 2] = base + offsets[i];
  uint64_t at[3], next[3], size[3];
  for_each_list<uint64_t>(offsets, at, [&](auto) {
    for_each_list<uint64_t>(nexts, next, [&](auto) {
      for_each_list<uint64_t>(lengths, size, [&](auto) {
        std::fill(c.bytes.begin(), c.bytes.end(), uint8_t{0});
        for (size_t i = 3; i-- > 0;) c.put(at[i], next[i], types[i], size[i]);
        walk(c, base + at[0], every_limit);
      });
    });
  });
}

void prove_indirect() {
  constexpr uint64_t words[] = {0, 1, 2, 0x80000000, 0x80000001, 0xffffffff};
  uint8_t bytes[32];
  uint64_t list[3];
  for (const uint64_t type : words)
    for (size_t size = 0; size <= sizeof bytes; ++size)
      for_each_list<uint64_t>(words, list, [&](auto) {
        ++payloads;
        put_little_endian(bytes, list[0], 4);
        put_little_endian(bytes + 4, list[1], 4);
        put_little_endian(bytes + 8, list[2] << 32 | 7, 8);
        put_little_endian(bytes + 16, 5 | list[2] << 32, 8);
        const auto inner = pvhboot::read_setup_indirect({.paddr = 3,
                                                         .next = 0,
                                                         .type = pvhboot::setup_type{static_cast<uint32_t>(type)},
                                                         .payload = {bytes, size}});
        if (type == 0x80000000 && size == 24 && list[1] == 0 && list[0] > 0x80000000)
          AGREE(inner.ok() && inner->type == list[0] && inner->len == (list[2] << 32 | 7) &&
                inner->addr == (list[2] << 32 | 5));
        else
          AGREE(fails(inner, errc::bad_setup_indirect, 3));
      });
}

/// Up to three nodes into a storage of every size.
void prove_writer(uint64_t paddr, uint64_t before, size_t room) {
  constexpr uint64_t lengths[] = {0, 1, 7, 8, 9, 16, 25, 0xffffffef, 0xfffffff0, 0x100000000, ~uint64_t{} - 7};
  uint64_t list[3];
  for_each_list<uint64_t>(lengths, list, [&](auto) {
    ++writers;
    std::vector<uint8_t> storage(room);
    pvhboot::setup_data_writer writer{storage, paddr, before};
    std::vector<node> made;
    uint64_t head = before;
    size_t used = 0;
    for (const uint64_t size : list) {
      const wide needed = (wide{size} + 16 + 7) / 8 * 8;
      const bool fits = paddr != 0 && size + 16 <= 0xffffffff && needed <= room - used && size < ~uint64_t{} - 16;
      AGREE(writer.has_room(size) == fits);
      const auto payload = writer.reserve(pvhboot::setup_type{static_cast<uint32_t>(9 + made.size())}, size);
      if (!fits) {
        ++refusals;
        AGREE(fails(payload, errc::setup_data_full, size));
      } else {
        AGREE(payload.ok() && payload->data() == storage.data() + used + 16 && payload->size() == size);
        made.insert(made.begin(),
                    {paddr + used, head, static_cast<uint32_t>(9 + made.size()), static_cast<uint32_t>(size)});
        head = paddr + used;
        used += static_cast<size_t>(needed);
      }
      AGREE(writer.head() == head && writer.size() == used);
      AGREE(writer.range() == range(paddr, room, 0));
    }
    const one_block memory{paddr, &storage};
    std::vector<node> found;
    follow(memory, head, static_cast<uint32_t>(made.size()), found);
    AGREE(found.size() == made.size());
    for (size_t i = 0; i < made.size(); ++i)
      AGREE(found[i].paddr == made[i].paddr && found[i].next == made[i].next && found[i].type == made[i].type &&
            found[i].len == made[i].len);
  });
}

void prove(bool larger) {
  for (const uint64_t base : {uint64_t{0}, uint64_t{0x1000}, uint64_t{0} - memory_size}) {
    prove_chains(base, sizes, larger);
    prove_chains(base, std::span{sizes}.first(3), true);
  }
  prove_indirect();
  for (const uint64_t paddr : {uint64_t{0}, uint64_t{0x1000}, uint64_t{0x1004}})
    for (const uint64_t before : {0u, 0xabcu})
      for (size_t room = 0; room <= 80; room += larger ? 1 : 4) prove_writer(paddr, before, room);
}

}  // namespace

int main(int argc, char** argv) { return proofs::run("setup_data", argc, argv, prove); }
