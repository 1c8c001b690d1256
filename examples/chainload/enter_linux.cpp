// SPDX-License-Identifier: BSL-1.0
#include "enter_linux.hpp"

#include <pvhboot/abi/le.hpp>

extern "C" const uint8_t last_instructions_begin[];
extern "C" const uint8_t last_instructions_end[];

// esi = code, edi = load, ecx = bytes, edx = zero page. Position-independent, since it runs from a copy.
asm(R"(
  .pushsection .text.last_instructions, "ax", @progbits
  .globl last_instructions_begin, last_instructions_end
last_instructions_begin:
  mov %edi, %eax
  cld
  rep movsb
  mov %edx, %esi
  xor %ebx, %ebx
  xor %edi, %edi
  xor %ebp, %ebp
  jmp *%eax
last_instructions_end:
  .popsection
)");

namespace chainload {

namespace {
struct last_page {
  pvhboot::le64 gdt[4];
  pvhboot::le16 gdt_limit;
  pvhboot::le32 gdt_base;
  uint8_t code[64];
};
}  // namespace

void enter_linux(uint64_t page, pvhboot::span<const uint8_t> code, uint64_t load, uint64_t zero_page) {
  auto& last = *reinterpret_cast<last_page*>(static_cast<uintptr_t>(page));
  last.gdt[0] = uint64_t{0};
  last.gdt[1] = uint64_t{0};
  last.gdt[2] = 0x00cf9b000000ffffu;
  last.gdt[3] = 0x00cf93000000ffffu;
  last.gdt_limit = static_cast<uint16_t>(sizeof last.gdt - 1);
  last.gdt_base = static_cast<uint32_t>(page);
  const auto size = static_cast<size_t>(last_instructions_end - last_instructions_begin);
  static_assert(sizeof(last_page) <= 4096);
  __builtin_memcpy(last.code, last_instructions_begin, size);
  // The GDT of this program has the same descriptors at the same selectors, so the segment registers are valid already.
  asm volatile("cli; lgdt %0; jmp *%1"
               :
               : "m"(last.gdt_limit), "r"(last.code), "S"(code.data()), "D"(static_cast<uintptr_t>(load)),
                 "c"(code.size()), "d"(static_cast<uintptr_t>(zero_page))
               : "memory");
  __builtin_unreachable();
}

}  // namespace chainload
