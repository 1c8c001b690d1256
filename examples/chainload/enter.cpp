// SPDX-License-Identifier: BSL-1.0
#include "enter.hpp"

#include <pvhboot/abi/le.hpp>
#include <pvhboot/pvh/entry_state.hpp>

extern "C" const uint8_t enter_linux_begin[], enter_linux_end[], enter_pvh_begin[], enter_pvh_end[];

// Both are position-independent, since they run from a copy.
//
// Both copy by words, since emulators execute each repetition.
//
// enter_linux: esi = code, edi = load, ecx = bytes, edx = zero page.
// enter_pvh: ebp = the list of copies, which ends with a destination of 0; edx = entry, ebx = start_info.
asm(R"(
  .pushsection .text.last_instructions, "ax", @progbits
  .globl enter_linux_begin, enter_linux_end, enter_pvh_begin, enter_pvh_end
enter_linux_begin:
  mov %edi, %eax
  mov %ecx, %ebx
  shr $2, %ecx
  cld
  rep movsl
  mov %ebx, %ecx
  and $3, %ecx
  rep movsb
  mov %edx, %esi
  xor %ebx, %ebx
  xor %edi, %edi
  xor %ebp, %ebp
  jmp *%eax
enter_linux_end:

enter_pvh_begin:
  cld
1:
  mov (%ebp), %esi
  mov 4(%ebp), %edi
  mov 8(%ebp), %ecx
  shr $2, %ecx
  rep movsl
  mov 8(%ebp), %ecx
  and $3, %ecx
  rep movsb
  mov 12(%ebp), %ecx
  xor %eax, %eax
  rep stosb
  add $16, %ebp
  cmpl $0, 4(%ebp)
  jne 1b
  mov $0x20, %eax
  ltr %ax
  xor %eax, %eax
  xor %esi, %esi
  xor %edi, %edi
  xor %ebp, %ebp
  jmp *%edx
enter_pvh_end:
  .popsection
)");

namespace chainload {

namespace {

struct segment_copy {
  uint32_t from, to, bytes, zeros;
};

struct last_page {
  pvhboot::le64 gdt[5];
  pvhboot::le16 gdt_limit;
  pvhboot::le32 gdt_base;
  uint8_t code[66];
  segment_copy copies[pvhboot::elf_image::max_segments + 1];
};
static_assert(sizeof(last_page) <= 4096);

/// The page with its GDT and the instructions in [begin, end).
last_page& prepare(uint64_t page, const uint8_t* begin, const uint8_t* end) {
  auto& last = *reinterpret_cast<last_page*>(static_cast<uintptr_t>(page));
  pvhboot::segment_state tss = pvhboot::busy_tss;
  tss.attributes = 0x089;  // available: ltr makes it busy
  last.gdt[0] = uint64_t{0};
  last.gdt[1] = uint64_t{0};
  last.gdt[2] = pvhboot::flat_code.descriptor();
  last.gdt[3] = pvhboot::flat_data.descriptor();
  last.gdt[4] = tss.descriptor();
  last.gdt_limit = static_cast<uint16_t>(sizeof last.gdt - 1);
  last.gdt_base = static_cast<uint32_t>(page);
  const auto size = static_cast<size_t>(end - begin);
  if (size > sizeof last.code) __builtin_trap();
  __builtin_memcpy(last.code, begin, size);
  return last;
}

}  // namespace

// The GDT of this program has the same descriptors at the same selectors, so the segment registers are valid already.

void enter_linux(uint64_t page, pvhboot::span<const uint8_t> code, uint64_t load, uint64_t zero_page) {
  last_page& last = prepare(page, enter_linux_begin, enter_linux_end);
  asm volatile("cli; lgdt %0; jmp *%1"
               :
               : "m"(last.gdt_limit), "r"(last.code), "S"(code.data()), "D"(static_cast<uintptr_t>(load)),
                 "c"(code.size()), "d"(static_cast<uintptr_t>(zero_page))
               : "memory");
  __builtin_unreachable();
}

void enter_pvh(uint64_t page, const pvhboot::elf_image& image, uint64_t shift, uint32_t entry, uint64_t start_info) {
  last_page& last = prepare(page, enter_pvh_begin, enter_pvh_end);
  segment_copy* copy = last.copies;
  for (const pvhboot::elf_segment& s : image.segments())
    *copy++ = {static_cast<uint32_t>(reinterpret_cast<uintptr_t>(image.contents_of(s).data())),
               static_cast<uint32_t>(s.paddr + shift), static_cast<uint32_t>(s.filesz),
               static_cast<uint32_t>(s.memsz - s.filesz)};
  *copy = {0, 0, 0, 0};
  // %ebp may hold the frame: it is loaded last.
  asm volatile("cli; lgdt %0; mov %2, %%ebp; jmp *%1"
               :
               : "m"(last.gdt_limit), "a"(last.code), "c"(&last.copies), "d"(entry),
                 "b"(static_cast<uint32_t>(start_info))
               : "memory");
  __builtin_unreachable();
}

}  // namespace chainload
