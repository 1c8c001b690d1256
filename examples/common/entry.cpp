// SPDX-License-Identifier: BSL-1.0
//
// The entry point and its ELF note. PVH enters in flat 32-bit protected mode without paging, with %ebx = hvm_start_info
// and without a valid stack, GDT or IDT (docs/misc/pvh.pandoc). %es and %ss are loaded here because Xen before 4.14
// does not set them. The selectors are those of Linux's boot protocol.
//
// Calls kernel_main(start_info). A 64-bit build enters long mode first, with the lowest 4 GiB identity-mapped.
#include <pvhboot/pvh/emit_note.hpp>

extern "C" void _start();
PVHBOOT_EMIT_NOTE(_start);

asm(R"(
  .pushsection .text._start, "ax", @progbits
  .code32
  .globl _start
_start:
  cli
  cld
  lgdt gdt_pointer
  ljmp $0x10, $1f
1:
  mov $0x18, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  mov %eax, %ss
  mov $stack_top, %esp
)"
#ifdef __x86_64__
    R"(
  # Long mode: CPUID 0x80000001, edx bit 29.
  mov %ebx, %ebp
  mov $0x80000000, %eax
  cpuid
  cmp $0x80000001, %eax
  jb no_long_mode
  mov $0x80000001, %eax
  cpuid
  bt $29, %edx
  jnc no_long_mode
  # 2048 pages of 2 MiB in four page directories.
  mov $page_directories, %edi
  mov $0x83, %eax
  xor %edx, %edx
2:
  mov %eax, (%edi)
  mov %edx, 4(%edi)
  add $8, %edi
  add $0x200000, %eax
  jnc 2b
  mov $page_directories + 3, %eax
  mov $page_directory_pointers, %edi
  mov $4, %ecx
3:
  mov %eax, (%edi)
  add $8, %edi
  add $0x1000, %eax
  loop 3b
  movl $page_directory_pointers + 3, page_map
  mov $page_map, %eax
  mov %eax, %cr3
  mov %cr4, %eax
  or $0x20, %eax
  mov %eax, %cr4
  mov $0xc0000080, %ecx
  rdmsr
  or $0x100, %eax
  wrmsr
  mov %cr0, %eax
  or $0x80000000, %eax
  mov %eax, %cr0
  ljmp $0x20, $4f
no_long_mode:
  mov $0x7f, %eax
  out %eax, $0xf4
  hlt
  jmp no_long_mode
  .code64
4:
  mov %ebp, %edi
  xor %ebp, %ebp
  call kernel_main
)"
#else
    R"(
  mov %ebx, %eax  # -mregparm=3
  xor %ebp, %ebp
  call kernel_main
)"
#endif
    R"(
  .popsection

  .pushsection .rodata
  .balign 8
gdt:
  .quad 0, 0
  .quad 0x00cf9b000000ffff  # 0x10: 32-bit code
  .quad 0x00cf93000000ffff  # 0x18: data
  .quad 0x00af9b000000ffff  # 0x20: 64-bit code
gdt_pointer:
  .word gdt_pointer - gdt - 1
  .long gdt
  .popsection

  .pushsection .bss
  .balign 4096
)"
#ifdef __x86_64__
    R"(
page_map: .skip 0x1000
page_directory_pointers: .skip 0x1000
page_directories: .skip 0x4000
)"
#endif
    R"(
  .skip 0x4000
stack_top:
  .popsection
)");
