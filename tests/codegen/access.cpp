// SPDX-License-Identifier: BSL-1.0
//
// The same functions over the library's wire structs and, with PACKED defined, over packed C structs. count.py
// compares.
#include <pvhboot/abi/e820.hpp>
#include <pvhboot/abi/start_info.hpp>

#ifdef PACKED
struct [[gnu::packed]] fields {
  uint8_t u8;
  uint16_t u16;
  uint32_t u32;
  uint64_t u64;
};
struct [[gnu::packed]] memmap_entry {
  uint64_t addr;
  uint64_t size;
  uint32_t type;
  uint32_t reserved;
};
struct [[gnu::packed]] e820_entry {
  uint64_t addr;
  uint64_t size;
  uint32_t type;
};
#else
struct fields {
  uint8_t u8{};
  pvhboot::le16 u16{};
  pvhboot::le32 u32{};
  pvhboot::le64 u64{};
};
using memmap_entry = pvhboot::abi::hvm_memmap_table_entry;
using e820_entry = pvhboot::abi::boot_e820_entry;
#endif
static_assert(sizeof(fields) == 15 && sizeof(memmap_entry) == 24 && sizeof(e820_entry) == 20);

extern "C" {

uint8_t load_8(const fields* f) { return f->u8; }
uint16_t load_16(const fields* f) { return f->u16; }
uint32_t load_32(const fields* f) { return f->u32; }
uint64_t load_64(const fields* f) { return f->u64; }

void store_8(fields* f, uint8_t v) { f->u8 = v; }
void store_16(fields* f, uint16_t v) { f->u16 = v; }
void store_32(fields* f, uint32_t v) { f->u32 = v; }
void store_64(fields* f, uint64_t v) { f->u64 = v; }

void constant_8(fields* f) { f->u8 = 0x12; }
void constant_16(fields* f) { f->u16 = 0x1234; }
void constant_32(fields* f) { f->u32 = 0x12345678; }
void constant_64(fields* f) { f->u64 = 0x123456789abcdef0; }

void loop_memmap_to_e820(e820_entry* to, const memmap_entry* from, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    to[i].addr = from[i].addr;
    to[i].size = from[i].size;
    to[i].type = from[i].type;
  }
}

void loop_e820_to_e820(e820_entry* to, const e820_entry* from, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    to[i].addr = from[i].addr;
    to[i].size = from[i].size;
    to[i].type = from[i].type;
  }
}

}  // extern "C"
