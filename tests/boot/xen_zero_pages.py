# SPDX-License-Identifier: BSL-1.0
"""Compare two zero pages for the same kernel and machine by field. Tables list the differences and their reasons."""

from lab import wire

PAGE = 4096

# Linux, Documentation/arch/x86/zero-page.rst and boot.rst; include/uapi/linux/screen_info.h: offset and size.
FIELDS = {
    "orig_x": (0x000, 1), "orig_y": (0x001, 1), "ext_mem_k": (0x002, 2), "orig_video_page": (0x004, 2),
    "orig_video_mode": (0x006, 1), "orig_video_cols": (0x007, 1), "orig_video_ega_bx": (0x00A, 2),
    "orig_video_lines": (0x00E, 1), "orig_video_isVGA": (0x00F, 1), "orig_video_points": (0x010, 2),
    "lfb": (0x012, 14), "cl_magic": (0x020, 2), "cl_offset": (0x022, 2), "lfb, continued": (0x024, 28),
    "apm_bios_info": (0x040, 20), "tboot_addr": (0x058, 8), "ist_info": (0x060, 16), "acpi_rsdp_addr": (0x070, 8),
    "hd0_info": (0x080, 16), "hd1_info": (0x090, 16), "sys_desc_table": (0x0A0, 16), "olpc_ofw_header": (0x0B0, 16),
    "ext_ramdisk_image": (0x0C0, 4), "ext_ramdisk_size": (0x0C4, 4), "ext_cmd_line_ptr": (0x0C8, 4),
    "cc_blob_address": (0x13C, 4), "edid_info": (0x140, 128), "efi_info": (0x1C0, 32), "alt_mem_k": (0x1E0, 4),
    "scratch": (0x1E4, 4), "e820_entries": (0x1E8, 1), "eddbuf_entries": (0x1E9, 1),
    "edd_mbr_sig_buf_entries": (0x1EA, 1), "kbd_status": (0x1EB, 1), "secure_boot": (0x1EC, 1), "sentinel": (0x1EF, 1),
    "setup_sects": (0x1F1, 1), "root_flags": (0x1F2, 2), "syssize": (0x1F4, 4), "ram_size": (0x1F8, 2),
    "vid_mode": (0x1FA, 2), "root_dev": (0x1FC, 2), "boot_flag": (0x1FE, 2), "jump": (0x200, 2), "header": (0x202, 4),
    "version": (0x206, 2), "realmode_swtch": (0x208, 4), "start_sys_seg": (0x20C, 2), "kernel_version": (0x20E, 2),
    "type_of_loader": (0x210, 1), "loadflags": (0x211, 1), "setup_move_size": (0x212, 2), "code32_start": (0x214, 4),
    "ramdisk_image": (0x218, 4), "ramdisk_size": (0x21C, 4), "bootsect_kludge": (0x220, 4), "heap_end_ptr": (0x224, 2),
    "ext_loader_ver": (0x226, 1), "ext_loader_type": (0x227, 1), "cmd_line_ptr": (0x228, 4),
    "initrd_addr_max": (0x22C, 4), "kernel_alignment": (0x230, 4), "relocatable_kernel": (0x234, 1),
    "min_alignment": (0x235, 1), "xloadflags": (0x236, 2), "cmdline_size": (0x238, 4), "hardware_subarch": (0x23C, 4),
    "hardware_subarch_data": (0x240, 8), "payload_offset": (0x248, 4), "payload_length": (0x24C, 4),
    "setup_data": (0x250, 8), "pref_address": (0x258, 8), "init_size": (0x260, 4), "handover_offset": (0x264, 4),
    "kernel_info_offset": (0x268, 4), "edd_mbr_sig_buffer": (0x290, 64), "e820_table": (0x2D0, 128 * 20),
    "eddbuf": (0xD00, 0x1EC),
}


def field_of(offset: int) -> str:
    for name, (start, size) in FIELDS.items():
        if start <= offset < start + size:
            return name
    return f"the hole at {offset:#05x}"


def differing(left: bytes, right: bytes) -> dict[str, str]:
    """The fields that differ, with both contents."""
    names = dict.fromkeys(field_of(offset) for offset in range(PAGE) if left[offset] != right[offset])
    return {name: f"{content(left, name)} against {content(right, name)}" for name in names}


def content(page: bytes, name: str) -> str:
    start, size = FIELDS.get(name, (0, 0))
    return f"{int.from_bytes(page[start:start + size], 'little'):#x}" if 0 < size <= 8 else f"{size} bytes"


def types_of_pages(ranges: list[wire.Range]) -> list[wire.Range]:
    """The map as Linux uses it: RAM cut to whole pages, other types widened to pages, and no RAM in the ISA hole."""
    found = []
    for entry in wire.without_isa_ram(ranges):
        start, end = entry.addr // PAGE * PAGE, (entry.end + PAGE - 1) // PAGE * PAGE
        if entry.type == wire.RAM:
            start, end = (entry.addr + PAGE - 1) // PAGE * PAGE, entry.end // PAGE * PAGE
        if start < end:
            found.append(wire.Range(start, end - start, entry.type))
    return found


# Fields that differ between GRUB 2.06 and chainload, for the same kernel and initrd.
PLACE = "each boot loader chooses the address"
GRUB_DIFFERENCES = {
    "type_of_loader": "0x72 is GRUB's number; chainload has none and writes 0xff",
    "cmd_line_ptr": PLACE,
    "ramdisk_image": f"{PLACE}: GRUB copies the initrd below the top of RAM, chainload leaves it where Xen put it",
    "e820_entries": "GRUB rounds Xen's map to pages, merges the ACPI entries, and leaves RAM in the ISA hole",
    "e820_table": "the same; a separate check compares the types of all pages",
    "loadflags": "GRUB sets CAN_USE_HEAP, which only the 16-bit entry reads, and QUIET_FLAG, for the word quiet",
    "heap_end_ptr": "GRUB sets the size of the 16-bit heap; chainload keeps the kernel's value",
    "boot_flag": "GRUB's structure has other fields here and clears them; Linux does not read the field again",
    "root_dev": "GRUB sets the RAM disk of the time before initramfs",
    "cl_magic": "GRUB also writes the command line pointer of protocols before 2.02",
    "cl_offset": "the same",
    "ext_mem_k": "GRUB reports 32 MiB for kernels that do not read e820",
    "alt_mem_k": "the same",
    "orig_video_points": "GRUB describes a text screen with characters of 16 lines, which a PVH guest does not have",
}
# Fields that differ between Linux's PVH entry and chainload. A vmlinux has no setup header.
NO_HEADER = "a field of the setup header, which only the bzImage has"
OWN_DIFFERENCES = dict.fromkeys((
    "setup_sects", "root_flags", "syssize", "vid_mode", "boot_flag", "jump", "header", "start_sys_seg",
    "kernel_version", "loadflags", "setup_move_size", "code32_start", "heap_end_ptr", "initrd_addr_max",
    "kernel_alignment", "relocatable_kernel", "min_alignment", "xloadflags", "cmdline_size", "payload_offset",
    "payload_length", "pref_address", "init_size", "handover_offset", "kernel_info_offset"), NO_HEADER) | {
    "acpi_rsdp_addr": "this kernel keeps the RSDP in its PVH code; Linux of 2026 writes it here",
    "version": "Linux writes 2.12; the bzImage has its own version",
    "type_of_loader": "Linux writes 0x90, Xen's number",
    "cmd_line_ptr": PLACE,
    "ramdisk_image": PLACE,
    "scratch": "the decompressor writes it, and a vmlinux has no decompressor",
    "e820_entries": "Linux copies the map one to one and appends the ISA hole; it sanitises the map later",
    "e820_table": "the same",
}
