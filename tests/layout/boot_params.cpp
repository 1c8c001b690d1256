// SPDX-License-Identifier: BSL-1.0
//
// The zero page in constant expressions, within the default limits of all compilers: built, changed, converted to bytes
// and back. Freestanding, since the suite matrix compiles this file as well.
#include <pvhboot/pvhboot.hpp>

namespace {

using namespace pvhboot;
using page = array<uint8_t, 4096>;

constexpr abi::boot_params make() {
  abi::boot_params p{.acpi_rsdp_addr = 0xe0000u, .e820_entries = 2, .hdr = {.header = abi::setup_header_magic}};
  p.hdr.version = 0x020f;
  p.hdr.loadflags |= loadflags::can_use_heap;
  p.hdr.setup_data = 0x123456789abcdef0u;
  p.e820_table[0] = {.addr = 0, .size = 0xa0000, .type = memory_type::ram};
  p.e820_table[1] = {.addr = 0x100000, .size = 0x7ff00000, .type = memory_type::ram};
  p.e820_table[127].type = memory_type{0xefffffff};
  p.eddbuf[5].params.device_path =
      __builtin_bit_cast(decltype(p.eddbuf[5].params.device_path), abi::edd_device_path_scsi{.id = 7, .lun = 3});
  return p;
}

constexpr page bytes = __builtin_bit_cast(page, make());
static_assert(bytes[0x070] == 0x00 && bytes[0x072] == 0x0e);
static_assert(bytes[0x1e8] == 2 && bytes[0x202] == 'H' && bytes[0x203] == 'd' && bytes[0x204] == 'r');
static_assert(bytes[0x206] == 0x0f && bytes[0x207] == 0x02 && bytes[0x211] == 0x80);
static_assert(bytes[0x250] == 0xf0 && bytes[0x257] == 0x12);
static_assert(bytes[0x2d0 + 10] == 0x0a && bytes[0x2d0 + 20 + 2] == 0x10 && bytes[0xccf] == 0xef);
static_assert(bytes[0xd00 + 5 * 82 + 8 + 0x38] == 7 && bytes[0xd00 + 5 * 82 + 8 + 0x3a] == 3);

constexpr abi::boot_params back = __builtin_bit_cast(abi::boot_params, bytes);
static_assert(back.e820_table[1].type == memory_type::ram);
static_assert(back.hdr.header == abi::setup_header_magic && back.e820_table[1].size == 0x7ff00000);
static_assert(__builtin_bit_cast(abi::edd_device_path_scsi, back.eddbuf[5].params.device_path).lun == 3);

constexpr uint32_t sum(const page& p) {
  uint32_t s = 0;
  for (const uint8_t b : p) s += b;
  return s;
}
static_assert(sum(bytes) == sum(__builtin_bit_cast(page, back)) && sum(bytes) != 0);
static_assert(sum(__builtin_bit_cast(page, abi::boot_params{})) == 0);

}  // namespace
