// SPDX-License-Identifier: BSL-1.0
//
// A handoff as values: written, read back, refused.
#include <pvhboot/pvh/values_of.hpp>

#include "row.hpp"

namespace {

using namespace test;
using pvhboot::handoff;
using pvhboot::handoff_buffer;
using pvhboot::handoff_layout;
using pvhboot::handoff_module;
using pvhboot::placed_values_of;
using pvhboot::string_ref;
using pvhboot::values_of;
using pvhboot::writable_window;
namespace abi = pvhboot::abi;

constexpr uint64_t MiB = 1 << 20;
constexpr uint64_t base = 0x6000;

/// Every part that a handoff can have: a map that is unsorted, overlaps and has reserved words, three modules of which
/// one has an empty command line and one has none, and a reserved word of its own.
struct whole {
  memory_range map[4] = {range(MiB, 255 * MiB, 1), range(0, 0xa0000, 1), range(0x9fc00, 0x400, 2), range(0, 0, 0)};
  uint32_t reserved[2] = {0, 7};
  handoff_module modules[3] = {{.paddr = 0x4000000, .size = 0x1234, .cmdline = "firmware"},
                               {.paddr = 0x4002000, .size = 0, .cmdline = ""},
                               {.paddr = 0x4004000, .size = 1, .reserved = 0xdeadbeef00000009}};
  [[nodiscard]] constexpr handoff values() const {
    return {.flags = 3,
            .cmdline = "console=ttyS0",
            .modules = modules,
            .rsdp_paddr = 0xe0000,
            .memmap = map,
            .memmap_reserved = reserved,
            .reserved = 0x80000001};
  }
};

/// N bytes that held `before` until they were written to.
template <size_t N> struct block {
  pvhboot::array<uint8_t, N> bytes{};
  constexpr explicit block(uint8_t before = 0xa5) {
    for (uint8_t& b : bytes) b = before;
  }
  [[nodiscard]] constexpr bool untouched() const {
    for (const uint8_t b : bytes)
      if (b != 0xa5) return false;
    return true;
  }
  [[nodiscard]] constexpr bool operator==(const block& other) const {
    for (size_t i = 0; i < N; ++i)
      if (bytes[i] != other.bytes[i]) return false;
    return true;
  }
};

/// The bytes at paddr are these.
template <size_t N, class... Bytes> constexpr bool holds(const block<N>& b, uint64_t paddr, Bytes... wanted) {
  const int bytes[] = {wanted...};
  size_t i = static_cast<size_t>(paddr - base);
  for (const int byte : bytes)
    if (b.bytes[i++] != byte) return false;
  return true;
}

constexpr whole everything{};
constexpr size_t everything_size = static_cast<size_t>(everything.values().size_bytes());
static_assert(everything_size == 56 + 3 * 32 + 4 * 24 + 14 + 9 + 1);

constexpr auto written = [] {
  block<everything_size> b;
  (void)write(everything.values(), b.bytes, base);
  return b;
}();
constexpr auto parsed = pvhboot::parse(pvhboot::memory_window{base, written.bytes}, base);
static_assert(
    [] {
      handoff_buffer<3, 4> buffer{};
      const auto back = values_of(*parsed, buffer);
      return back && *back == everything.values();
    }(),
    "a handoff with every part, written and parsed, equals itself");

ROW("handoff: with every part, written and parsed, it equals itself (B9, B18)", {
  const whole w;
  block<everything_size> b;
  EXPECT(write(w.values(), b.bytes, base));
  const auto boot = pvhboot::parse(pvhboot::memory_window{base, b.bytes}, base);
  EXPECT(boot && boot->flags() == 3 && boot->modules().size() == 3 && boot->memory_map().size() == 4);
  EXPECT(boot->cmdline() == string_ref{"console=ttyS0"} && boot->wire().reserved == 0x80000001);
  handoff_buffer<3, 4> buffer{};
  const auto back = placed_values_of(*boot, buffer);
  EXPECT(back && back->values == w.values());
  EXPECT(back->values.modules[1].cmdline.empty() && !back->values.modules[1].cmdline.absent());
  EXPECT(back->values.modules[2].cmdline.absent() && back->layout.module_cmdline_paddrs[2] == 0);
  // Written again at the addresses it had, it is the same bytes.
  block<everything_size> again;
  EXPECT(write(back->values, writable_window{base, again.bytes}, back->layout) && again == b);
});
ROW("handoff: every byte of the block is written, and none outside it (D7)", {
  const whole w;
  block<everything_size> x{0};
  block<everything_size> y{0xff};
  EXPECT(write(w.values(), x.bytes, base) && write(w.values(), y.bytes, base) && x == y);
  block<everything_size + 8> wider;
  EXPECT(write(w.values(), writable_window{base - 4, wider.bytes}, base));
  for (size_t i = 0; i < 4; ++i) EXPECT(wider.bytes[i] == 0xa5 && wider.bytes[everything_size + 4 + i] == 0xa5);
  for (size_t i = 0; i < everything_size; ++i) EXPECT(wider.bytes[4 + i] == x.bytes[i]);
});
ROW("handoff: of memory in pieces, wherever they meet", {
  const whole w;
  block<everything_size> together;
  EXPECT(write(w.values(), together.bytes, base));
  for (size_t split = 0; split <= everything_size; split += split < 60 ? 5 : 17) {
    block<everything_size> b;
    const pvhboot::span<uint8_t> all{b.bytes};
    const writable_window pieces[] = {{base + split, all.after(split)}, {base, all.first(split)}};
    EXPECT(write(w.values(), pvhboot::memory_pieces{pieces}, base) && b == together);
  }
});
/// Memory in two pieces that notices when a byte outside the block is asked for.
struct watchful_pieces {
  pvhboot::memory_pieces inside;
  uint64_t first, last;
  bool* outside;
  [[nodiscard]] constexpr pvhboot::span<uint8_t> writable(uint64_t paddr, uint64_t n) const noexcept {
    if (n != 0 && (paddr < first || n - 1 > last - paddr)) *outside = true;
    return inside.writable(paddr, n);
  }
};
ROW("handoff: no byte outside is asked for, of memory in pieces either", {
  const whole w;
  block<everything_size + 64> b;
  const pvhboot::span<uint8_t> all{b.bytes};
  const writable_window halves[] = {{base, all.first(100)}, {base + 100, all.after(100)}};
  bool outside = false;
  const watchful_pieces memory{{halves}, base, base + everything_size - 1, &outside};
  EXPECT(write(w.values(), memory, base) && !outside);
  EXPECT(write(w.values(), memory, handoff_layout::block(w.values(), base)) && !outside);
});
ROW("handoff: version 0 has 40 bytes, and not one more is written (B1)", {
  handoff h{.version = 0, .flags = 3, .cmdline = "x", .rsdp_paddr = 0x8060f26};
  EXPECT(h.size_bytes() == 42);
  block<42> b;
  EXPECT(write(h, b.bytes, base));
  EXPECT(holds(b, base, 0x78, 0xc5, 0x6e, 0x33, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0));
  EXPECT(holds(b, base + 16, 0, 0, 0, 0, 0, 0, 0, 0, 0x28, 0x60, 0, 0, 0, 0, 0, 0));
  EXPECT(holds(b, base + 32, 0x26, 0x0f, 0x06, 0x08, 0, 0, 0, 0, 'x', 0));
  const auto boot = pvhboot::parse(pvhboot::memory_window{base, b.bytes}, base);
  handoff_buffer<1, 1> buffer{};
  EXPECT(boot && *values_of(*boot, buffer) == h);
});
ROW("handoff: what is absent is 0, pointer and count alike (B3, B4, D5, D8)", {
  block<56> b;
  const handoff nothing{};
  EXPECT(nothing.size_bytes() == 56 && write(nothing, b.bytes, base));
  EXPECT(holds(b, base, 0x78, 0xc5, 0x6e, 0x33, 1));
  for (size_t i = 5; i < 56; ++i) EXPECT(b.bytes[i] == 0);
});
ROW("handoff: an empty command line is a NUL, and no absent one (B9, B18)", {
  block<57> b;
  EXPECT(write({.cmdline = ""}, b.bytes, base) && b.bytes[56] == 0 && holds(b, base + 24, 0x38, 0x60, 0));
  EXPECT(!(handoff{.cmdline = ""} == handoff{}) && handoff{.cmdline = ""} == handoff{.cmdline = ""});
});
ROW("handoff: what is not stated is 0 or absent", {
  const handoff_module m{};
  EXPECT(m.paddr == 0 && m.size == 0 && m.reserved == 0 && m.cmdline.absent());
  const handoff h{};
  EXPECT(h.version == 1 && h.flags == 0 && h.rsdp_paddr == 0 && h.reserved == 0 && h.cmdline.absent());
  const handoff_layout at{};
  EXPECT(at.start_info_paddr == 0 && at.modlist_paddr == 0 && at.memmap_paddr == 0 && at.cmdline_paddr == 0 &&
         at.module_cmdlines_paddr == 0);
});
ROW("handoff: equality compares every value, and no address", {
  const whole w;
  const auto differs = [&](const auto& change) {
    whole other;
    handoff h = other.values();
    change(other, h);
    return !(h == w.values()) && !(w.values() == h);
  };
  EXPECT(!differs([](whole&, handoff&) {}));
  EXPECT(differs([](whole&, handoff& h) { h.version = 0; }) && differs([](whole&, handoff& h) { h.flags = 1; }));
  EXPECT(differs([](whole&, handoff& h) { h.cmdline = "x"; }) && differs([](whole&, handoff& h) { h.cmdline = {}; }));
  EXPECT(differs([](whole&, handoff& h) { h.rsdp_paddr = 0; }) && differs([](whole&, handoff& h) { h.reserved = 0; }));
  EXPECT(differs([](whole&, handoff& h) { h.modules = h.modules.first(2); }));
  EXPECT(differs([](whole&, handoff& h) { h.memmap = h.memmap.first(3); }));
  EXPECT(differs([](whole&, handoff& h) { h.memmap_reserved = {}; }));
  EXPECT(differs([](whole& o, handoff&) { o.reserved[0] = 1; }) &&
         differs([](whole& o, handoff&) { o.map[3].addr = 1; }));
  EXPECT(differs([](whole& o, handoff&) { o.modules[0].paddr = 1; }) &&
         differs([](whole& o, handoff&) { o.modules[0].size = 1; }) &&
         differs([](whole& o, handoff&) { o.modules[0].reserved = 1; }) &&
         differs([](whole& o, handoff&) { o.modules[0].cmdline = "firmwarf"; }) &&
         differs([](whole& o, handoff&) { o.modules[1].cmdline = {}; }));
  // Reserved words that are not listed are 0.
  const uint32_t zeros[4] = {};
  EXPECT(handoff{.memmap = w.map, .memmap_reserved = zeros} == handoff{.memmap = w.map});
});

/// A handoff at its producer's addresses, in a window from 0x6000 on.
template <size_t N> constexpr block<N> at_addresses(const handoff& h, const handoff_layout& at) {
  block<N> b{0};
  return write(h, writable_window{base, b.bytes}, at) ? b : block<N>{0xee};
}
ROW("handoff: the bytes of Cloud Hypervisor", {
  const memory_range map[] = {range(0, 0xa0000, 1), range(MiB, 0x7ff00000, 1), range(0xe8000000, 0x10000000, 2)};
  const handoff_module initramfs[] = {{.paddr = 0x7ff00000 - MiB, .size = MiB}};
  const handoff h{.cmdline = "", .modules = initramfs, .rsdp_paddr = 0xa0000, .memmap = map};
  const auto b = at_addresses<0x1a001>(
      h, {.start_info_paddr = 0x6000, .modlist_paddr = 0x6040, .memmap_paddr = 0x7000, .cmdline_paddr = 0x20000});
  EXPECT(holds(b, 0x6000, 0x78, 0xc5, 0x6e, 0x33, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0));
  EXPECT(holds(b, 0x6010, 0x40, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0));
  EXPECT(holds(b, 0x6020, 0, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0x70, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT(holds(b, 0x6040, 0, 0, 0xe0, 0x7f, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0));
  EXPECT(holds(b, 0x6050, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT(holds(b, 0x7000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
  EXPECT(holds(b, 0x7018, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
  EXPECT(holds(b, 0x7030, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT(b.bytes[0x1a000] == 0);
});
ROW("handoff: the bytes of Firecracker, which gives no RSDP and no list without a module (B4, D5)", {
  const memory_range map[] = {range(0, 0x9fc00, 1), range(0x9fc00, 0x40400, 2), range(0xeec00000, 0x10000000, 2),
                              range(MiB, 127 * MiB, 1)};
  const auto b = at_addresses<0x1a010>({.cmdline = "reboot=k panic=1", .memmap = map},
                                       {.start_info_paddr = 0x6000, .memmap_paddr = 0x7000, .cmdline_paddr = 0x1fff0});
  EXPECT(holds(b, 0x6000, 0x78, 0xc5, 0x6e, 0x33, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT(holds(b, 0x6018, 0xf0, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x70, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0));
  EXPECT(holds(b, 0x7018, 0, 0xfc, 9, 0, 0, 0, 0, 0, 0, 4, 4, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0));
  EXPECT(holds(b, 0x7030, 0, 0, 0xc0, 0xee, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 2, 0, 0, 0));
  EXPECT(holds(b, 0x7048, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0xf0, 7, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT(holds(b, 0x1fff0, 'r', 'e', 'b', 'o', 'o', 't', '=', 'k', ' ', 'p'));
});
ROW("handoff: the bytes of linux-loader's own test, but for the map that it announces with 0 entries (B3, C6)", {
  const memory_range map[] = {range(MiB, 0, 1)};
  const handoff_module modules[] = {{.paddr = 0x20000, .size = 0x100}};
  const auto b = at_addresses<0x1018>({.modules = modules, .memmap = map},
                                      {.start_info_paddr = 0x6000, .modlist_paddr = 0x6040, .memmap_paddr = 0x7000});
  EXPECT(holds(b, 0x6000, 0x78, 0xc5, 0x6e, 0x33, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x40, 0x60));
  EXPECT(holds(b, 0x6028, 0, 0x70, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
  EXPECT(holds(b, 0x6040, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0));
  EXPECT(holds(b, 0x7000, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
});
ROW("handoff: an initrd's size is no address, and is not rounded to pages (B7, B11)", {
  const handoff_module modules[] = {{.paddr = 0x7000, .size = 0x1234}};
  const auto b = at_addresses<88>({.modules = modules}, handoff_layout::block({.modules = modules}, base));
  EXPECT(holds(b, base + 56, 0, 0x70, 0, 0, 0, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 0));
});
ROW("handoff: several modules, each with its command line, packed or apart (B8)", {
  const handoff_module modules[] = {{.paddr = 0x8000, .size = 1, .cmdline = "a"},
                                    {.paddr = 0x9000, .size = 1},
                                    {.paddr = 0xa000, .size = 1, .cmdline = "bc"}};
  const handoff h{.modules = modules};
  block<157> b;
  EXPECT(h.size_bytes() == 157 && write(h, b.bytes, base));
  EXPECT(holds(b, base + 152, 'a', 0, 'b', 'c', 0) && holds(b, base + 56 + 16, 0x98, 0x60, 0));
  EXPECT(holds(b, base + 88 + 16, 0, 0, 0) && holds(b, base + 120 + 16, 0x9a, 0x60, 0));
  const uint64_t apart[] = {0x6400, 0, 0x6300};
  const auto c =
      at_addresses<0x402>(h, {.start_info_paddr = 0x6000, .modlist_paddr = 0x6100, .module_cmdline_paddrs = apart});
  EXPECT(holds(c, 0x6400, 'a', 0) && holds(c, 0x6300, 'b', 'c', 0) && holds(c, 0x6110, 0, 0x64, 0));
  EXPECT(holds(c, 0x6130, 0, 0, 0) && holds(c, 0x6150, 0, 0x63, 0));
});
ROW("handoff: a count has 32 bits, not 8 (C1)", {
  memory_range map[300] = {};
  for (size_t i = 0; i < 300; ++i) map[i] = range(i * MiB, MiB, 1);
  block<56 + 300 * 24> b;
  EXPECT(write({.memmap = map}, b.bytes, base) && holds(b, base + 48, 0x2c, 1, 0, 0));
  EXPECT(holds(b, base + 56 + 299 * 24, 0, 0, 0xb0, 0x12, 0));
});
TEST_CASE("handoff: reserved words of any number of entries, whatever the padding of a range holds (D7)") {
  alignas(memory_range) unsigned char storage[20 * sizeof(memory_range)];
  for (unsigned char& b : storage) b = 0xff;
  auto* const map = reinterpret_cast<memory_range*>(storage);
  for (size_t i = 0; i < 20; ++i) {
    map[i].addr = i * MiB;
    map[i].size = 0x1000 + i;
    map[i].type = memory_type::ram;
  }
  const uint32_t words[] = {7, 8, 9};
  for (size_t n = 0; n <= 20; ++n)
    for (size_t listed = 0; listed <= 3 && listed <= n; ++listed) {
      block<56 + 20 * 24> b;
      const handoff h{.memmap = {map, n}, .memmap_reserved = {words, listed}};
      REQUIRE(write(h, b.bytes, base));
      const auto boot = pvhboot::parse(pvhboot::memory_window{base, b.bytes}, base);
      REQUIRE(boot);
      for (size_t i = 0; i < n; ++i) {
        const abi::hvm_memmap_table_entry entry = boot->memory_map().wire(i);
        CHECK(entry.reserved.get() == (i < listed ? words[i] : 0));
        CHECK(memory_range::from(entry) == map[i]);
      }
      CHECK(b.bytes[56 + n * 24 < b.bytes.size() ? 56 + n * 24 : 0] == (n < 20 ? 0xa5 : 0x78));
    }
}
ROW("handoff: a map of undefined types, empty and inside pages, goes over as it is (C2, C4, C6, C7)", {
  const memory_range map[] = {range(0x1234, 1, 0x1234567), range(1, 0, 0), range(~uint64_t{}, 2, 1)};
  block<56 + 72> b;
  EXPECT(write({.memmap = map}, b.bytes, base));
  EXPECT(holds(b, base + 56, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x67, 0x45, 0x23, 1));
});

/// Refused with this code and place, and nothing is written.
constexpr bool refused(const handoff& h, const handoff_layout& at, errc code, uint64_t where) {
  block<0x400> b;
  return fails(write(h, writable_window{base, b.bytes}, at), code, where) && b.untouched();
}
/// The same as a block, and with the block's layout.
constexpr bool refused(const handoff& h, errc code, uint64_t where, uint64_t paddr = base) {
  block<0x400> b;
  return fails(write(h, writable_window{base, b.bytes}, paddr), code, where) && b.untouched() &&
         refused(h, handoff_layout::block(h, paddr), code, where);
}

ROW("write: handoff_version", { EXPECT(refused({.version = 2}, errc::handoff_version, 2)); });
ROW("write: handoff_memmap_in_version_0, handoff_reserved_in_version_0", {
  const whole w;
  EXPECT(refused({.version = 0, .memmap = w.map}, errc::handoff_memmap_in_version_0, 4));
  EXPECT(refused({.version = 0, .reserved = 5}, errc::handoff_reserved_in_version_0, 5));
});
ROW("write: handoff_too_many, before a list is looked at (C1)", {
  if constexpr (sizeof(size_t) > 4) {
    const whole w;
    const size_t n = static_cast<size_t>(uint64_t{1} << 32);
    EXPECT(fails(pvhboot::check_values({.modules = {w.modules, n}}), errc::handoff_too_many, n));
    EXPECT(fails(pvhboot::check_values({.memmap = {w.map, n}}), errc::handoff_too_many, n));
  }
});
ROW("write: handoff_reserved_without_entry", {
  const whole w;
  EXPECT(refused({.memmap_reserved = w.reserved}, errc::handoff_reserved_without_entry, 2));
});
ROW("write: handoff_cmdline_addresses", {
  const whole w;
  const uint64_t two[] = {0x6300, 0x6310};
  const handoff h{.modules = w.modules};
  EXPECT(refused(h, {.start_info_paddr = 0x6000, .modlist_paddr = 0x6040, .module_cmdline_paddrs = two},
                 errc::handoff_cmdline_addresses, 2));
});
ROW("write: a NUL inside a text would cut it off (B13)", {
  const char text[] = "quiet\0ro";
  const string_ref whole_text{text, 8};
  EXPECT(refused({.cmdline = whole_text}, errc::handoff_nul_in_cmdline, 5));
  const uint8_t bytes[] = {'a', 0};
  EXPECT(refused({.cmdline = string_ref{bytes, 2}}, errc::handoff_nul_in_cmdline, 1));
  const handoff_module modules[] = {{.paddr = 0x10000}, {.paddr = 0x10000, .cmdline = whole_text}};
  EXPECT(refused({.modules = modules}, errc::handoff_nul_in_module_cmdline, 1));
});
ROW("write: handoff_module_wraps (C13)", {
  const handoff_module modules[] = {{.paddr = 0x10000, .size = 1}, {.paddr = ~uint64_t{}, .size = 2}};
  EXPECT(refused({.modules = modules}, errc::handoff_module_wraps, 1));
});
ROW("write: start_info_absent", {
  EXPECT(refused({}, handoff_layout{}, errc::start_info_absent, 0));
  EXPECT(refused({}, errc::start_info_absent, 0, 0));
});
ROW("write: handoff_unplaced, a count without a pointer (B5)", {
  const whole w;
  const handoff h = w.values();
  const auto without = [&](const auto& change, uint64_t where) {
    handoff_layout at = handoff_layout::block(h, base);
    change(at);
    return refused(h, at, errc::handoff_unplaced, where);
  };
  EXPECT(without([](handoff_layout& at) { at.modlist_paddr = 0; }, base + 16));
  EXPECT(without([](handoff_layout& at) { at.cmdline_paddr = 0; }, base + 24));
  EXPECT(without([](handoff_layout& at) { at.memmap_paddr = 0; }, base + 40));
  EXPECT(without([](handoff_layout& at) { at.module_cmdlines_paddr = 0; }, base + 56 + 16));
  const uint64_t addresses[] = {0x6300, 0, 0};
  EXPECT(without(
      [&](handoff_layout& at) {
        at.module_cmdlines_paddr = 0;
        at.module_cmdline_paddrs = addresses;
      },
      base + 56 + 32 + 16));
});
ROW("write: handoff_placed_nothing, a pointer without a count (B3, B4)", {
  const auto odd = [](const handoff_layout& at, uint64_t where) {
    return refused({}, at, errc::handoff_placed_nothing, where);
  };
  EXPECT(odd({.start_info_paddr = base, .modlist_paddr = 0x6100}, base + 16));
  EXPECT(odd({.start_info_paddr = base, .memmap_paddr = 0x6100}, base + 40));
  EXPECT(odd({.start_info_paddr = base, .cmdline_paddr = 0x6100}, base + 24));
  EXPECT(odd({.start_info_paddr = base, .module_cmdlines_paddr = 0x6100}, 16));
  const handoff_module modules[] = {{.paddr = 0x10000, .cmdline = "x"}, {.paddr = 0x10000}};
  const uint64_t addresses[] = {0x6300, 0x6310};
  handoff_layout at{.start_info_paddr = base, .modlist_paddr = 0x6100, .module_cmdline_paddrs = addresses};
  EXPECT(refused({.modules = modules}, at, errc::handoff_placed_nothing, 0x6100 + 32 + 16));
  at.module_cmdlines_paddr = 0x6200;  // both ways at once
  EXPECT(refused({.modules = modules}, at, errc::handoff_placed_nothing, 0x6100 + 16));
});
ROW("write: handoff_wraps", {
  const uint64_t top = ~uint64_t{};
  EXPECT(refused({.cmdline = "x"}, {.start_info_paddr = base, .cmdline_paddr = top}, errc::handoff_wraps, top));
  EXPECT(refused({}, errc::handoff_wraps, top - 54, top - 54));
});
ROW("write: handoff_too_high, to the byte", {
  const uint64_t highest = 0x100000000 - 56;
  EXPECT(refused({}, {.start_info_paddr = highest + 1}, errc::handoff_too_high, highest + 1));
  EXPECT(refused({}, errc::handoff_too_high, highest + 1, highest + 1));
  EXPECT(refused({}, errc::handoff_too_high, uint64_t{1} << 32, uint64_t{1} << 32));
  block<56> b;
  EXPECT(write({}, writable_window{highest, b.bytes}, highest));
  EXPECT(write({}, writable_window{highest, b.bytes}, pvhboot::handoff_layout{.start_info_paddr = highest}));
  EXPECT(refused({.version = 0}, {.start_info_paddr = highest + 17}, errc::handoff_too_high, highest + 17));
});
ROW("write: handoff_overlaps, any two parts, a module, the RSDP (B16)", {
  const whole w;
  const handoff h = w.values();
  const auto meets = [&](const auto& change, uint64_t where) {
    handoff_layout at{.start_info_paddr = 0x6000,
                      .modlist_paddr = 0x6040,
                      .memmap_paddr = 0x60a0,
                      .cmdline_paddr = 0x6100,
                      .module_cmdlines_paddr = 0x6110};
    change(at);
    return refused(h, at, errc::handoff_overlaps, where);
  };
  EXPECT(meets([](handoff_layout& at) { at.modlist_paddr = 0x6037; }, 0x6037));
  EXPECT(meets([](handoff_layout& at) { at.memmap_paddr = 0x609f; }, 0x609f));
  EXPECT(meets([](handoff_layout& at) { at.cmdline_paddr = 0x60ff; }, 0x60ff));
  EXPECT(meets([](handoff_layout& at) { at.module_cmdlines_paddr = 0x610d; }, 0x610d));
  EXPECT(meets([](handoff_layout& at) { at.memmap_paddr = 0x6000; }, 0x6000));
  const uint64_t addresses[] = {0x6200, 0x6208, 0};
  EXPECT(meets(
      [&](handoff_layout& at) {
        at.module_cmdlines_paddr = 0;
        at.module_cmdline_paddrs = addresses;
      },
      0x6208));
  handoff_module over[] = {{.paddr = base + 87, .size = 1}};
  EXPECT(refused({.modules = over}, errc::handoff_overlaps, base + 87));
  over[0] = {.paddr = base - 5, .size = 6};
  EXPECT(refused({.modules = over}, errc::handoff_overlaps, base));
  block<0x400> b;
  over[0] = {.paddr = base + 88, .size = 6};
  EXPECT(write({.modules = over}, b.bytes, base));
  EXPECT(refused({.rsdp_paddr = base + 55}, errc::handoff_overlaps, base + 55));
  EXPECT(refused({.rsdp_paddr = base - 19}, errc::handoff_overlaps, base));
  EXPECT(write({.rsdp_paddr = base - 20}, b.bytes, base) && write({.rsdp_paddr = base + 56}, b.bytes, base));
});
ROW("write: handoff_unwritable, at the first byte that is not there", {
  const whole w;
  EXPECT(refused({}, {.start_info_paddr = base + 0x400 - 10}, errc::handoff_unwritable, base + 0x400));
  EXPECT(refused({}, {.start_info_paddr = base - 1}, errc::handoff_unwritable, base - 1));
  block<everything_size - 1> b;
  EXPECT(fails(write(w.values(), b.bytes, base), errc::handoff_unwritable, base + everything_size - 1));
  EXPECT(b.untouched());
});
ROW("write: the modules' texts in a row, at an address of their own", {
  const handoff_module modules[] = {
      {.paddr = 0x10000, .cmdline = "ab"}, {.paddr = 0x11000}, {.paddr = 0x12000, .cmdline = "cd"}};
  const handoff h{.modules = modules};
  const handoff_layout at{.start_info_paddr = base, .modlist_paddr = base + 64, .module_cmdlines_paddr = base + 200};
  block<256> b;
  EXPECT(write(h, writable_window{base, b.bytes}, at));
  const auto boot = pvhboot::parse(pvhboot::memory_window{base, b.bytes}, base);
  EXPECT(boot && *boot->cmdline_of(boot->modules()[0]) == "ab" && *boot->cmdline_of(boot->modules()[2]) == "cd");
  EXPECT(boot->modules()[0].cmdline_paddr == base + 200 && boot->modules()[2].cmdline_paddr == base + 203);
});
ROW("handoff: texts may be larger than all the rest", {
  char text[200]{};
  for (char& c : text) c = 'x';
  const handoff_module modules[] = {{.paddr = 0x10000, .cmdline = {text, sizeof text}}};
  EXPECT((handoff{.modules = modules}.size_bytes() == 56 + 32 + 201));
});
ROW("write: texts whose sizes exceed 64 bits in sum have no place", {
  const char c = 'x';
  const handoff_module modules[] = {{.paddr = 0x10000, .cmdline = {&c, ~size_t{} - 1}},
                                    {.paddr = 0x10000, .cmdline = {&c, ~size_t{} - 1}}};
  const handoff h{.modules = modules};
  constexpr bool wide = sizeof(size_t) == 8;
  EXPECT(h.module_cmdlines_size() == (wide ? ~uint64_t{} : 2 * uint64_t{~size_t{}}));
  EXPECT(h.size_bytes() == (wide ? ~uint64_t{} : 120 + 2 * uint64_t{~size_t{}}));
});

/// Memory that can be written `good` times.
struct failing_memory {
  writable_window inside;
  int* good;
  [[nodiscard]] constexpr pvhboot::span<uint8_t> writable(uint64_t paddr, uint64_t n) const noexcept {
    return n == 0 || (*good)-- > 0 ? inside.writable(paddr, n) : pvhboot::span<uint8_t>{};
  }
};
struct failing_pieces {
  pvhboot::memory_pieces inside;
  int* good;
  [[nodiscard]] constexpr pvhboot::span<uint8_t> writable(uint64_t paddr, uint64_t n) const noexcept {
    return (*good)-- > 0 ? inside.writable(paddr, n) : pvhboot::span<uint8_t>{};
  }
};
ROW("write: a memory that changes meanwhile makes it fail", {
  const whole w;
  const auto result = [&](int n, const auto& where) {
    block<everything_size> c;
    int good = n;
    return write(w.values(), failing_memory{{base, c.bytes}, &good}, where);
  };
  int enough = 100;
  block<everything_size> b;
  EXPECT(write(w.values(), failing_memory{{base, b.bytes}, &enough}, handoff_layout::block(w.values(), base)));
  for (int n = 5; n < 100 - enough; ++n)
    EXPECT(fails(result(n, handoff_layout::block(w.values(), base)), errc::handoff_unwritable, base));
  EXPECT(result(1, base) && fails(result(0, base), errc::handoff_unwritable, base));
  const pvhboot::span<uint8_t> all{b.bytes};
  const writable_window pieces[] = {{base, all.first(100)}, {base + 100, all.after(100)}};
  const pvhboot::memory_pieces apart{pieces};
  // Once at the beginning, once for each piece, and again for the second.
  int three = 3;
  EXPECT(fails(write(w.values(), failing_pieces{apart, &three}, base), errc::handoff_unwritable, base));
  int four = 4;
  EXPECT(write(w.values(), failing_pieces{apart, &four}, base));
});

ROW("values_of: handoff_modules_full and map_full", {
  const whole w;
  block<everything_size> b;
  EXPECT(write(w.values(), b.bytes, base));
  const auto boot = pvhboot::parse(pvhboot::memory_window{base, b.bytes}, base);
  handoff_buffer<2, 4> few_modules{};
  EXPECT(fails(values_of(*boot, few_modules), errc::handoff_modules_full, 3));
  handoff_buffer<3, 3> few_entries{};
  EXPECT(fails(values_of(*boot, few_entries), errc::map_full, 4));
  handoff_buffer<3, 4> enough{};
  pvhboot::handoff_storage uneven{enough};
  uneven.module_cmdline_paddrs = uneven.module_cmdline_paddrs.first(2);
  EXPECT(fails(values_of(*boot, uneven), errc::handoff_modules_full, 3));
  uneven = pvhboot::handoff_storage{enough};
  uneven.memmap_reserved = uneven.memmap_reserved.first(3);
  EXPECT(fails(values_of(*boot, uneven), errc::map_full, 4));
});
ROW("values_of: a module's command line that cannot be read is refused, or dropped when asked (B6)", {
  block<88> b;
  const handoff_module modules[] = {{.paddr = 0x10000, .size = 5}};
  EXPECT(write({.modules = modules}, b.bytes, base));
  for (size_t i = 0; i < 8; ++i) b.bytes[56 + 16 + i] = 0xcd;
  const auto boot = pvhboot::parse(pvhboot::memory_window{base, b.bytes}, base);
  handoff_buffer<1, 1> buffer{};
  EXPECT(fails(values_of(*boot, buffer), errc::cmdline_unreadable, 0xcdcdcdcdcdcdcdcd));
  const auto back = placed_values_of(*boot, buffer, pvhboot::unreadable_cmdline::drop);
  EXPECT(back && back->values == handoff{.modules = modules} && back->layout.module_cmdline_paddrs.empty());
});
ROW("values_of: a map at address 0, or of no entries, is none (B3, C15)", {
  const memory_range map[] = {range(0, MiB, 1)};
  block<80> b;
  EXPECT(write({.memmap = map}, b.bytes, base));
  handoff_buffer<1, 1> buffer{};
  const auto values = [&] {
    const auto boot = pvhboot::parse(pvhboot::memory_window{base, b.bytes}, base);
    return placed_values_of(*boot, buffer);
  };
  b.bytes[48] = 0;
  EXPECT(values()->values == handoff{} && values()->layout.memmap_paddr == 0);
  b.bytes[48] = 1;
  b.bytes[40] = b.bytes[41] = 0;
  EXPECT(values()->values == handoff{} && values()->layout.memmap_paddr == 0);
});
ROW("values_of: a version above 1 is kept, and refused by write until it is set to 1", {
  block<56> b;
  EXPECT(write({.flags = 1}, b.bytes, base));
  b.bytes[4] = 2;
  const auto boot = pvhboot::parse(pvhboot::memory_window{base, b.bytes}, base);
  handoff_buffer<1, 1> buffer{};
  auto back = values_of(*boot, buffer);
  EXPECT(back && back->version == 2 && refused(*back, errc::handoff_version, 2));
  (*back).version = 1;
  EXPECT(write(*back, b.bytes, base));
});
ROW("sort_memmap: sorted and disjoint on request (C2, C3)", {
  const whole w;
  handoff h = w.values();
  pvhboot::memory_map_buffer<8> buffer{};
  pvhboot::memory_map map{buffer};
  EXPECT(sort_memmap(h, map) && h.memmap.size() == 3 && h.memmap_reserved.empty());
  EXPECT(h.memmap[0] == range(0, 0x9fc00, 1) && h.memmap[1] == range(0x9fc00, 0x400, 2));
  EXPECT(h.memmap[2] == range(MiB, 255 * MiB, 1) && h.flags == 3);
  EXPECT(sort_memmap(h, map) && h.memmap.size() == 3);  // from its own storage
});
ROW("sort_memmap: map_full and scratch_too_small leave the handoff as it was", {
  const whole w;
  handoff h = w.values();
  pvhboot::memory_map_buffer<3> small{};
  pvhboot::memory_map map{small};
  EXPECT(fails(sort_memmap(h, map), errc::map_full, 0) && h == w.values());
  pvhboot::array<memory_range, 8> ranges{};
  pvhboot::array<pvhboot::sweep_slot, 3> slots{};
  pvhboot::memory_map narrow{ranges, slots};
  EXPECT(fails(sort_memmap(h, narrow), errc::scratch_too_small, 4) && h == w.values());
});

/// What may throw when its memory may.
struct throwing_memory {
  [[nodiscard]] pvhboot::span<uint8_t> writable(uint64_t, uint64_t) const { return {}; }
};
static_assert(!noexcept(write(handoff{}, throwing_memory{}, 1)) && noexcept(write(handoff{}, writable_window{}, 1)));

}  // namespace
