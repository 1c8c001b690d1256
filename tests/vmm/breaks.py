# SPDX-License-Identifier: BSL-1.0
"""What finds each guest that `vmm --break` breaks on purpose: a part of the sentence."""

SEGMENT = "is not a flat 32-bit {} segment of ring 0"
CODE, DATA = SEGMENT.format("code"), SEGMENT.format("data")
TSS = "tr is not a busy 32-bit TSS"

# check_entry_state, on what KVM_GET_SREGS and KVM_GET_REGS return. Most of it a guest cannot see.
ENTRY = {
    "cr0-pe": "cr0.PE is 0", "cr0-pg": "cr0.PG is 1", "cr0-wp": "cr0 has bits set", "cr0-ne": "cr0 has bits set",
    "cr4": "cr4 is not 0", "efer": "EFER.LME is set", "eflags-vm": "eflags.VM is set", "eflags-if": "eflags.IF is set",
    "eflags-tf": "eflags.TF is set", "eflags-df": "eflags.DF is set", "ebx-zero": "ebx is 0",
    "ebx-elsewhere": "ebx is not the address of start_info", "eip": "eip is not the kernel's entry",
    **{f"cs-{part}": f"cs {CODE}" for part in ("base", "limit", "type", "16-bit")},
    **{f"ds-{part}": f"ds {DATA}" for part in ("base", "limit", "type")},
    **{f"es-{part}": f"es {DATA}" for part in ("base", "limit", "unset")},
    **{f"ss-{part}": f"ss {DATA}" for part in ("base", "limit")},
    **{f"tr-{part}": TSS for part in ("base", "limit", "none")},
    "gdt-none": "there is no GDT",
}
# parse and lint, on the handoff in guest memory.
HANDOFF = {
    "magic": "start_info does not begin with the magic", "version": "a version newer than 1",
    "flags": "flags that are not defined", "flags-initdomain": "SIF_INITDOMAIN without SIF_PRIVILEGED",
    "reserved": "start_info.reserved is not zero", "modules-absent": "nr_modules is not 0 but modlist_paddr is",
    "modules-uncounted": "a module list without modules", "modules-outside": "the module list does not lie in readable",
    "module-at-zero": "a module at address 0", "module-empty": "a module of no bytes",
    "module-outside": "a module lies outside the map's RAM", "module-unaligned": "a module does not begin on a page",
    "module-on-handoff": "a module overlaps the handoff's own", "module-on-kernel": "a module lies in the kernel's image",
    "module-on-module": "a module overlaps another", "cmdline-on-start-info": "two structures of the handoff overlap",
    "cmdline-on-kernel": "a structure of the handoff lies in the kernel's image",
    "module-reserved": "a module's reserved word is not zero", "module-cmdline": "a module's command line cannot be read",
    "cmdline-absent": "no command line", "cmdline-outside": "the command line does not lie in readable memory",
    "cmdline-contents": "the command line is not ASCII", "rsdp-absent": "no RSDP",
    "rsdp-elsewhere": "rsdp_paddr does not point to an RSDP", "rsdp-checksum": "rsdp_paddr does not point to an RSDP",
    "acpi-in-ram": "the RSDP lies in RAM", "map-absent": "no memory map", "map-uncounted": "memmap_paddr without entries",
    "map-no-address": "memory map entries at address 0", "map-no-ram": "a memory map without RAM",
    "map-too-large": "RAM whose first or last byte cannot be read",
    "map-without-kernel": "start_info lies outside the map's RAM", "map-overlap": "an entry overlaps another",
    "map-wraps": "an entry ends above 2^64", "map-type": "an entry of a type that PVH does not define",
    "map-reserved": "an entry's reserved word is not zero",
}
# Only a guest can find these.
GUEST = {"a20", "gdt-empty", "module-contents", "acpi-checksum", "image-contents", "image-bss"}
# What makes each line of examples/conformance red. The segments ds, es and ss share a descriptor in the GDT.
CLAUSES = {
    "cr0_rest": "cr0-wp", "cr4": "cr4", "cs": "cs-limit", "ds": "ds-limit", "es": "ds-limit", "ss": "ds-limit",
    "tr": "tr-limit", "eflags_if": "eflags-if", "a20": "a20", "bss": "image-bss", "image": "image-contents",
    "start_info": "magic", "handoff": "modules-outside", "initial_domain": "flags-initdomain",
    "structures_apart": "cmdline-on-start-info", "image_apart": "cmdline-on-kernel", "modules_there": "module-at-zero",
    "modules_apart": "module-on-module", "modules_metadata": "module-on-handoff", "modules_image": "module-on-kernel",
    "module_contents": "module-contents", "map_pointer": "map-no-address", "map_wraps": "map-wraps",
    "map_ram": "map-no-ram", "map_covers_image": "map-without-kernel", "ram": "map-too-large", "rsdp": "rsdp-checksum",
    "acpi_tables": "acpi-checksum",
}
# Lines that no guest can report, as it ends before its first one. check_entry_state has them, in ENTRY.
UNREPORTED = {"cr0_pe": "cr0-pe", "cr0_pg": "cr0-pg", "eflags_vm": "eflags-vm", "eflags_tf": "eflags-tf"}
EVERY = {*ENTRY, *HANDOFF, *GUEST}
