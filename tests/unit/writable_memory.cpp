// SPDX-License-Identifier: BSL-1.0
//
// Guest memory that can be written, of one piece and of several.
#include "row.hpp"

#include <pvhboot/core/writable_memory.hpp>

namespace {

using namespace test;
using pvhboot::for_each_piece;
using pvhboot::memory_pieces;
using pvhboot::span;
using pvhboot::writable_bytes;
using pvhboot::writable_window;
using pvhboot::write_bytes;
using pvhboot::write_struct;
using pvhboot::write_zeros;

constexpr uint64_t top = ~uint64_t{};

ROW("writable_window: as much as there is, from the byte that is asked for", {
  uint8_t ram[0x10]{};
  writable_window window{0x1000, ram};
  EXPECT(window.writable(0x1000, 0x10).data() == ram && window.writable(0x1000, 0x10).size() == 0x10);
  EXPECT(window.writable(0x1004, 4).data() == ram + 4 && window.writable(0x1004, 4).size() == 4);
  EXPECT(window.writable(0x100f, top).size() == 1 && window.writable(0x1000, top).size() == 0x10);
  EXPECT(window.writable(0x1010, 1).empty() && window.writable(0x1011, 1).empty() &&
         window.writable(0xfff, 2).empty() && window.writable(0x1000, 0).empty());
  EXPECT(window.writable(top, 1).empty() && window.writable(0, top).empty());
  EXPECT(window.bytes(0x1001, 0xf) == ram + 1 && !window.bytes(0x1001, 0x10));
});
ROW("writable_window: what would lie above 2^64 does not exist", {
  uint8_t ram[0x10]{};
  writable_window window{top - 7, ram};
  EXPECT(window.writable(top - 7, 0x10).size() == 8 && window.writable(top, 9).size() == 1);
  EXPECT(window.writable(0, 1).empty() && !window.bytes(top - 7, 9));
  EXPECT(writable_bytes(window, top - 7, 0x10) == 8);
  writable_window all{0, ram};
  EXPECT(all.writable(0, top).size() == 0x10);
});
ROW("memory_pieces: a read within one piece, a write across several", {
  uint8_t low[4]{};
  uint8_t middle[4]{};
  uint8_t high[4]{};
  const writable_window pieces[] = {{0x1008, high}, {0x1000, low}, {0x1004, middle}, {0x2000, {}}};
  memory_pieces memory{pieces};
  EXPECT(memory.bytes(0x1005, 3) == middle + 1 && !memory.bytes(0x1003, 2) && !memory.bytes(0x100c, 1));
  EXPECT(memory.writable(0x1003, 9).size() == 1 && memory.writable(0x100c, 1).empty());
  EXPECT(memory.writable(0x2000, 1).empty() && memory_pieces{}.writable(0, 1).empty());
  const uint8_t text[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT(write_bytes(memory, 0x1002, text) == 9);
  EXPECT(low[1] == 0 && low[2] == 1 && low[3] == 2 && middle[0] == 3 && middle[3] == 6 && high[0] == 7 && high[2] == 9);
  EXPECT(write_zeros(memory, 0x1003, 6) == 6 && low[2] == 1 && low[3] == 0 && middle[3] == 0 && high[0] == 0 &&
         high[1] == 8);
});
ROW("write_bytes, write_zeros: stop at the first byte that cannot be written", {
  uint8_t ram[4] = {9, 9, 9, 9};
  writable_window window{0x1000, ram};
  const uint8_t text[] = {1, 2, 3};
  EXPECT(write_bytes(window, 0x1002, text) == 2 && ram[2] == 1 && ram[3] == 2);
  EXPECT(write_bytes(window, 0x1004, text) == 0 && write_bytes(window, 0x1000, {}) == 0);
  EXPECT(write_zeros(window, 0x1003, 5) == 1 && ram[3] == 0 && ram[2] == 1 && write_zeros(window, 0xfff, 5) == 0);
  EXPECT(writable_bytes(window, 0x1001, 3) == 3 && writable_bytes(window, 0x1001, 4) == 3);
});
ROW("write_struct: across pieces, byte for byte", {
  uint8_t low[3]{};
  uint8_t high[3]{};
  const writable_window pieces[] = {{0x1000, low}, {0x1003, high}};
  memory_pieces memory{pieces};
  EXPECT(write_struct(memory, 0x1001, pvhboot::le32{0x04030201u}));
  EXPECT(low[0] == 0 && low[1] == 1 && low[2] == 2 && high[0] == 3 && high[1] == 4 && high[2] == 0);
  EXPECT(!write_struct(memory, 0x1003, pvhboot::le32{1u}));
});

/// A memory that gives out more than was asked for.
struct generous_memory {
  span<uint8_t> all;
  [[nodiscard]] constexpr span<uint8_t> writable(uint64_t, uint64_t) const noexcept { return all; }
};
ROW("for_each_piece: no more than was asked for, even of a memory that gives more", {
  uint8_t ram[4] = {9, 9, 9, 9};
  EXPECT(write_zeros(generous_memory{ram}, 0, 3) == 3 && ram[2] == 0 && ram[3] == 9);
});
ROW("for_each_piece: ends at 2^64, even in a memory that wraps", {
  uint8_t ram[4]{};
  EXPECT(writable_bytes(generous_memory{ram}, top - 3, 100) == 4);
  EXPECT(writable_bytes(generous_memory{ram}, top - 7, 100) == 8);
});
ROW("for_each_piece: ends where the callee says so", {
  uint8_t ram[8]{};
  int calls = 0;
  const auto once = [&](const span<uint8_t>&) noexcept { return ++calls < 2; };
  EXPECT(for_each_piece(generous_memory{span<uint8_t>{ram}.first(3)}, 0, 8, once) == 3 && calls == 2);
  calls = 0;
  EXPECT(for_each_piece(writable_window{}, 0, 8, once) == 0 && calls == 0);  // and not for no bytes
});
TEST_CASE("writable_identity_map: an address is a pointer, but for 0 and the last byte") {
  uint8_t ram[16] = {};
  const auto at = reinterpret_cast<uintptr_t>(&ram[0]);
  const pvhboot::writable_identity_map memory;
  CHECK(memory.writable(at, 16).data() == ram);
  CHECK(memory.writable(at, 16).size() == 16);
  CHECK(memory.bytes(at + 1, 1) == ram + 1);
  CHECK(memory.writable(0, 1).empty());
  CHECK(memory.writable(at, 0).empty());
  CHECK(memory.writable(~uintptr_t{}, 1).empty());
  CHECK(memory.writable(~uintptr_t{} - 1, top).size() == 1);
  const uint8_t text[] = {1, 2, 3};
  CHECK(write_bytes(memory, at + 4, text) == 3);
  CHECK(write_zeros(memory, at + 5, 1) == 1);
  CHECK((ram[4] == 1 && ram[5] == 0 && ram[6] == 3));
  if constexpr (sizeof(uintptr_t) < sizeof(uint64_t)) CHECK(memory.writable(uint64_t{1} << 32, 1).empty());
}

/// A memory of one's own may throw, and then so may what writes to it.
struct throwing_memory {
  [[nodiscard]] span<uint8_t> writable(uint64_t, uint64_t) const { return {}; }
};
static_assert(pvhboot::writable_memory<throwing_memory> && !pvhboot::writes_noexcept<throwing_memory>);
static_assert(!pvhboot::writable_memory<pvhboot::identity_map> && pvhboot::writes_noexcept<memory_pieces>);
static_assert(noexcept(writable_bytes(memory_pieces{}, 0, 0)) && !noexcept(writable_bytes(throwing_memory{}, 0, 0)));

}  // namespace
