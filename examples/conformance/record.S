/* SPDX-License-Identifier: BSL-1.0
 *
 * The entry: it records what the CPU and the memory are like before anything changes them. All that is written lies in
 * .data, since .bss is looked at first. The stack of conformance_main is in .bss.
 */
#include <pvhboot/pvh/emit_note.hpp>

	.section .data.recorded, "aw"
	.balign 16
	.globl recorded
	/* struct recorded_state of record.hpp. The words are not 0, so the linker cannot move them into .bss. */
recorded:
	.fill 64, 4, 0xdddddddd
	.balign 16
	.fill 64, 1, 0xdd
first_stack:
	.globl probe
probe:
	.long 0x70726f62

#define EAX    recorded + 0
#define EBX    recorded + 4
#define ECX    recorded + 8
#define EDX    recorded + 12
#define ESI    recorded + 16
#define EDI    recorded + 20
#define EBP    recorded + 24
#define ESP    recorded + 28
#define EFLAGS recorded + 32
#define CR0    recorded + 36
#define CR4    recorded + 40
#define GDTR   recorded + 44
#define IDTR   recorded + 52
#define A20    recorded + 60
#define BSS    recorded + 64
/* Of each segment register: the selector, whether lar and lsl accept it, and what they give. */
#define SEGMENT(n) recorded + 68 + 16 * (n)

	.text
	.code32
.macro look n, register
	mov \register, %eax
	movzwl %ax, %eax
	mov %eax, SEGMENT(\n)
	movl $0, SEGMENT(\n) + 4
	lar %eax, %ecx
	jnz 1f
	mov %ecx, SEGMENT(\n) + 8
	lsl %eax, %ecx
	jnz 1f
	mov %ecx, SEGMENT(\n) + 12
	movl $1, SEGMENT(\n) + 4
1:
.endm

	.section .text.first, "ax"
	.globl _start
_start:
	mov %eax, EAX
	mov %ebx, EBX
	mov %ecx, ECX
	mov %edx, EDX
	mov %esi, ESI
	mov %edi, EDI
	mov %ebp, EBP
	mov %esp, ESP
	mov %cr0, %eax
	mov %eax, CR0
	mov %cr4, %eax
	mov %eax, CR4
	sgdt GDTR
	sidt IDTR
	mov $first_stack, %esp
	pushf
	pop EFLAGS
	push $2
	popf

	look 0, %cs
	look 1, %ds
	look 2, %es
	look 3, %fs
	look 4, %gs
	look 5, %ss
	str %eax
	look 6, %eax

	/* With A20 off, a word of this image and the one whose address differs in bit 20 are one. The other is only read. */
	mov $probe, %esi
	mov %esi, %edi
	xor $0x100000, %edi
	mov (%edi), %eax
	notl (%esi)
	mov (%edi), %ecx
	notl (%esi)
	xor %edx, %edx
	cmp %eax, %ecx
	sete %dl
	mov %edx, A20

	/* The first byte of .bss that is not 0, or 0. */
	mov $bss_begin, %edi
	xor %edx, %edx
2:	cmp $bss_end, %edi
	jae 4f
	cmpb $0, (%edi)
	jne 3f
	inc %edi
	jmp 2b
3:	mov %edi, %edx
	movb $0, (%edi)		/* the program needs a .bss of zeroes */
	inc %edi
	jmp 5f
4:	jmp 6f
5:	cmp $bss_end, %edi
	jae 6f
	movb $0, (%edi)
	inc %edi
	jmp 5b
6:	mov %edx, BSS

	lgdt gdtr
	ljmp $0x08, $7f
7:	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	mov %eax, %ss
	mov $stack_end, %esp
	xor %ebp, %ebp
	mov EBX, %eax
	call conformance_main
8:	cli
	hlt
	jmp 8b

	.section .rodata.gdt, "a"
	.balign 8
gdt:
	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:
	.word gdtr - gdt - 1
	.long gdt

	.section .bss.stack, "aw", @nobits
	.balign 16
	.skip 32768
stack_end:

	PVHBOOT_EMIT_NOTE(_start)
#ifdef CONFORMANCE_RELOC
	PVHBOOT_EMIT_RELOC_NOTE(0x1000, image_begin, image_last)
#endif
#ifdef CONFORMANCE_NOTES
	.section .note.Xen, "a", @note
	.balign 4
	.rept 40
	.long 4, 20, 3
	.asciz "GNU"
	.fill 5, 4, 0x01020304
	.endr
#endif
	PVHBOOT_REQUIRE_NOTE()
	.section .note.GNU-stack, "", @progbits
