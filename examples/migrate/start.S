// SPDX-License-Identifier: BSL-1.0
//
// A PVH entry written by hand, as docs/migrate.md finds it.
  .section .note.Xen, "a", @note
  .long 4, 4, 18
  .asciz "Xen"
  .long _start

  .text
  .code32
  .globl _start
_start:
  mov $stack_top, %esp
  push %ebx
  lgdt gdt_pointer
  ljmp $0x08, $1f
1:
  mov $0x10, %ax
  mov %ax, %ds
  mov %ax, %ss
  call kernel_main
2:
  hlt
  jmp 2b

  .section .rodata
gdt:
  .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
  .word gdt_pointer - gdt - 1
  .long gdt

  .bss
  .balign 16
  .skip 4096
stack_top:

  .section .note.GNU-stack, "", @progbits
