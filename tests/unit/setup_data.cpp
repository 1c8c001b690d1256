// SPDX-License-Identifier: BSL-1.0
//
// Chains that are sound, chains that would hang or mislead Linux, and chains made here.
#include "row.hpp"

namespace {

using namespace test;
using pvhboot::setup_data_writer;
using pvhboot::setup_node;
using pvhboot::setup_type;
using pvhboot::walk_setup_data;
namespace abi = pvhboot::abi;

/// Two nodes, RNG_SEED of 4 bytes at 0x1000 and DTB of 3 bytes at 0x1021: no alignment is promised.
constexpr memory<0x100> two_nodes() {
  memory<0x100> m;
  m.put(0x1000, abi::setup_data{.next = 0x1021, .type = pvhboot::setup_type{9}, .len = 4});
  m.put(0x1021, abi::setup_data{.next = 0, .type = pvhboot::setup_type{2}, .len = 3});
  m.put_text(0x1031, "dtb");
  return m;
}

ROW("setup_data: walk a chain, at any alignment (P25)", {
  const auto m = two_nodes();
  int n = 0;
  bool as_written = true;
  const auto done = walk_setup_data(m.window(), 0x1000, 8, [&](const setup_node& node) -> pvhboot::result<void> {
    as_written &= node.type == (n == 0 ? setup_type::rng_seed : setup_type::dtb);
    as_written &= node.payload.size() == (n == 0 ? 4u : 3u) && node.paddr == (n == 0 ? 0x1000u : 0x1021u);
    ++n;
    return {};
  });
  EXPECT(done && n == 2 && as_written);
  EXPECT(walk_setup_data(m.window(), 0, 0, [](const setup_node&) -> pvhboot::result<void> { return {}; }));
});
ROW("setup_data: the visitor's own failure ends the walk", {
  const auto m = two_nodes();
  const auto done = walk_setup_data(m.window(), 0x1000, 8, [](const setup_node& node) -> pvhboot::result<void> {
    return {errc::no_ram, node.paddr};
  });
  EXPECT(fails(done, errc::no_ram, 0x1000));
});

constexpr pvhboot::result<void> walk(const memory<0x100>& m, uint64_t first, uint32_t limit) {
  return walk_setup_data(m.window(), first, limit, [](const setup_node&) -> pvhboot::result<void> { return {}; });
}
ROW("setup_data: setup_data_loop (P25)", {
  auto m = two_nodes();
  EXPECT(walk(m, 0x1000, 2));
  EXPECT(fails(walk(m, 0x1000, 1), errc::setup_data_loop, 0x1021));
  m.put(0x1021, abi::setup_data{.next = 0x1000, .type = pvhboot::setup_type{2}, .len = 3});
  EXPECT(fails(walk(m, 0x1000, 100), errc::setup_data_loop, 0x1000));
  m.put(0x1021, abi::setup_data{.next = 0x1021, .type = pvhboot::setup_type{2}, .len = 3});
  EXPECT(fails(walk(m, 0x1000, 100), errc::setup_data_loop, 0x1021));
});
ROW("setup_data: setup_data_unreadable, header and payload", {
  auto m = two_nodes();
  EXPECT(fails(walk(m, 0xfff, 8), errc::setup_data_unreadable, 0xfff));
  EXPECT(fails(walk(m, 0x10f1, 8), errc::setup_data_unreadable, 0x10f1));
  EXPECT(walk(m, 0x10f0, 8));
  m.put(0x1021, abi::setup_data{.next = 0, .type = pvhboot::setup_type{2}, .len = 0xcf});
  EXPECT(walk(m, 0x1000, 8));
  m.put(0x1021, abi::setup_data{.next = 0, .type = pvhboot::setup_type{2}, .len = 0xd0});
  EXPECT(fails(walk(m, 0x1000, 8), errc::setup_data_unreadable, 0x1021));
});
ROW("setup_data: setup_data_wraps", {
  auto m = two_nodes();
  m.put(0x1021, abi::setup_data{.next = 0, .type = pvhboot::setup_type{2}, .len = 0xfffffff0});
  EXPECT(fails(walk(m, 0x1000, 8), errc::setup_data_wraps, 0x1021));
  m.put(0x1021, abi::setup_data{.next = 0, .type = pvhboot::setup_type{2}, .len = 0xffffffef});
  EXPECT(fails(walk(m, 0x1000, 8), errc::setup_data_unreadable, 0x1021));
});

ROW("setup_data: INDIRECT and its rules (P26)", {
  const auto judged = [](uint32_t type, uint32_t reserved, size_t size) {
    memory<32> m;
    m.put(0x1000, abi::setup_indirect{.type = type, .reserved = reserved, .len = 0x1000, .addr = 0x200000});
    const auto inner = pvhboot::read_setup_indirect(
        {.paddr = 0x9000, .type = setup_type::indirect, .payload = {m.contents.data(), size}});
    return inner ? inner->addr == 0x200000 : fails(inner, errc::bad_setup_indirect, 0x9000) ? 0 : -1;
  };
  EXPECT(judged(0x80000001, 0, 24) == 1);
  EXPECT(judged(0x80000000, 0, 24) == 0);  // INDIRECT | NONE is INDIRECT itself
  EXPECT(judged(1, 0, 24) == 0 && judged(0x80000001, 1, 24) == 0);
  EXPECT(judged(0x80000001, 0, 23) == 0 && judged(0x80000001, 0, 25) == 0);
  EXPECT(fails(pvhboot::read_setup_indirect({.paddr = 1, .type = setup_type::dtb}), errc::bad_setup_indirect, 1));
});

ROW("setup_data: what is written is walked; a chain that was there is kept", {
  memory<0x100> m;
  m.put(0x1080, abi::setup_data{.next = 0, .type = pvhboot::setup_type{3}, .len = 0});
  setup_data_writer writer{pvhboot::span<uint8_t>{m.contents}.first(0x80), 0x1000, 0x1080};
  const auto seed = writer.reserve(setup_type::rng_seed, 5);
  EXPECT(seed && seed->size() == 5);
  (*seed)[4] = 0xee;
  EXPECT(writer.size() == 24 && writer.head() == 0x1000);
  EXPECT(writer.add(setup_type::ima, abi::ima_setup_data{.addr = 0x5000, .size = 0x100}));
  EXPECT(writer.head() == 0x1018);
  pvhboot::array<setup_type, 4> types{};
  size_t n = 0;
  EXPECT(walk_setup_data(m.window(), writer.head(), 8, [&](const setup_node& node) -> pvhboot::result<void> {
    types[n++] = node.type;
    return node.type == setup_type::rng_seed && node.payload[4] != 0xee ? pvhboot::result<void>{errc::no_ram, 0}
                                                                        : pvhboot::result<void>{};
  }));
  EXPECT(n == 3 && types[0] == setup_type::ima && types[1] == setup_type::rng_seed && types[2] == setup_type::pci);
});
ROW("setup_data: setup_data_full", {
  memory<32> m;
  setup_data_writer writer{m.contents, 0x1000};
  EXPECT(fails(writer.reserve(setup_type::dtb, 17), errc::setup_data_full, 17));
  EXPECT(fails(writer.reserve(setup_type::dtb, 0xffffffff), errc::setup_data_full, 0xffffffff));
  EXPECT(fails(writer.reserve(setup_type::dtb, ~uint64_t{}), errc::setup_data_full, ~uint64_t{}));
  EXPECT(writer.reserve(setup_type::dtb, 16) && writer.size() == 32);
  EXPECT(fails(writer.reserve(setup_type::none, 0), errc::setup_data_full, 0));
  EXPECT(fails(writer.add(setup_type::ima, abi::ima_setup_data{}), errc::setup_data_full, 16));
});

}  // namespace
