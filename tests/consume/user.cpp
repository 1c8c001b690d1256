// SPDX-License-Identifier: BSL-1.0
//
// A small user of the library: it parses a literal handoff and translates it to a zero page, at compile time and at run
// time. The tests build it in every way in which a project can use the headers.
#include <pvhboot/pvhboot.hpp>

namespace {

constexpr uint64_t base = 0x6000;

struct literal {
  pvhboot::abi::hvm_start_info info{};
  pvhboot::array<pvhboot::abi::hvm_memmap_table_entry, 2> map{};
  pvhboot::array<uint8_t, 2> text{};
};

constexpr literal handoff{
    .info = {.magic = pvhboot::abi::hvm_start_magic_value,
             .version = 1u,
             .cmdline_paddr = base + offsetof(literal, text),
             .rsdp_paddr = 0xe0000u,
             .memmap_paddr = base + offsetof(literal, map),
             .memmap_entries = 2u},
    .map = {{{.addr = 0x100000u, .size = 0x700000u, .type = pvhboot::memory_type::ram},
             {.addr = 0u, .size = 0xa0000u, .type = pvhboot::memory_type::ram}}},
    .text = {{'x', 0}},
};
constexpr auto blob = __builtin_bit_cast(pvhboot::array<uint8_t, sizeof(literal)>, handoff);

/// 0, or the number of the step that failed.
constexpr int try_it() {
  const auto boot = pvhboot::parse(pvhboot::memory_window{base, blob}, base);
  if (!boot) return 1;
  pvhboot::memory_map_buffer<8> buffer;
  pvhboot::memory_map map{buffer};
  if (!map.append(boot->memory_map()) || !pvhboot::prepare_for_linux(map)) return 2;
  pvhboot::abi::boot_params zero_page{};
  if (!pvhboot::translate(*boot, map, pvhboot::started_by::other, zero_page)) return 3;
  if (zero_page.e820_entries != 2 || zero_page.e820_table[0].size != 0xa0000) return 4;
  return zero_page.acpi_rsdp_addr == 0xe0000 && zero_page.hdr.cmd_line_ptr == base + offsetof(literal, text) ? 0 : 5;
}
static_assert(try_it() == 0);

}  // namespace

int main() { return try_it(); }
