# SPDX-License-Identifier: BSL-1.0
# Made by tools/write_spec.py from fields.json.
meta:
  id: pvh
  title: x86 PVH boot protocol
  license: BSL-1.0
  endian: le
  ks-version: 0.9
doc: |
  The handoff of the PVH boot protocol in a window of guest memory, and the structures of the Linux boot protocol. The
  window holds every address that hvm_start_info names, or reading it fails.
params:
  - id: window_paddr
    type: u8
    doc: physical address of the first byte of the window
  - id: start_info_paddr
    type: u8
    doc: physical address of hvm_start_info, the value of ebx at entry
instances:
  start_info:
    pos: start_info_paddr - window_paddr
    type: hvm_start_info
  cmdline:
    pos: start_info.cmdline_paddr - window_paddr
    type: strz
    encoding: ASCII
    if: start_info.cmdline_paddr != 0
  modules:
    pos: start_info.modlist_paddr - window_paddr
    type: hvm_modlist_entry
    repeat: expr
    repeat-expr: start_info.nr_modules
    if: start_info.nr_modules != 0
  memmap:
    pos: start_info.memmap_paddr - window_paddr
    type: hvm_memmap_table_entry
    repeat: expr
    repeat-expr: start_info.memmap_entries
    if: start_info.version >= 1 and start_info.memmap_entries != 0
types:
  hvm_start_info:
    doc-ref: "xen/include/public/arch-x86/hvm/start_info.h, Xen 4.17: the layout chart in its leading comment."
    seq:
      - id: magic
        -orig-id: magic
        type: u4
        doc: "0x336ec578"
      - id: version
        -orig-id: version
        type: u4
        doc: "1: the memory map is there"
      - id: flags
        -orig-id: flags
        type: u4
        doc: "bit 0: privileged domain; bit 1: initial domain, dom0"
      - id: nr_modules
        -orig-id: nr_modules
        type: u4
        doc: "number of modules"
      - id: modlist_paddr
        -orig-id: modlist_paddr
        type: u8
        doc: "address of the modules' entries"
      - id: cmdline_paddr
        -orig-id: cmdline_paddr
        type: u8
        doc: "address of the command line; 0: none"
      - id: rsdp_paddr
        -orig-id: rsdp_paddr
        type: u8
        doc: "address of the ACPI RSDP; 0: none given"
      - id: memmap_paddr
        -orig-id: memmap_paddr
        type: u8
        if: version >= 1
        doc: "address of the memory map"
      - id: memmap_entries
        -orig-id: memmap_entries
        type: u4
        if: version >= 1
        doc: "number of entries of the memory map; 0: none given"
      - id: reserved
        -orig-id: reserved
        type: u4
        if: version >= 1
        doc: "must be 0"
  hvm_modlist_entry:
    doc-ref: "xen/include/public/arch-x86/hvm/start_info.h, Xen 4.17: the layout chart in its leading comment."
    seq:
      - id: paddr
        -orig-id: paddr
        type: u8
        doc: "the first byte"
      - id: size
        -orig-id: size
        type: u8
        doc: "bytes"
      - id: cmdline_paddr
        -orig-id: cmdline_paddr
        type: u8
        doc: "NUL-terminated ASCII, 0 if none; qboot leaves garbage here"
      - id: reserved
        -orig-id: reserved
        type: u8
  hvm_memmap_table_entry:
    doc-ref: "xen/include/public/arch-x86/hvm/start_info.h, Xen 4.17: the layout chart in its leading comment."
    seq:
      - id: addr
        -orig-id: addr
        type: u8
        doc: "the first byte"
      - id: size
        -orig-id: size
        type: u8
        doc: "bytes"
      - id: type
        -orig-id: type
        type: u4
        enum: memory_type
        doc: "what the range is for"
      - id: reserved
        -orig-id: reserved
        type: u4
        doc: "zero in version 1, but QEMU's option ROM may leave ACPI 3 extended attributes"
  xen_memory_map_32:
    doc-ref: "xen/include/public/memory.h, Xen 4.17: xen_memory_map, xen_foreign_memory_map, with the guest handle of either width."
    seq:
      - id: nr_entries
        -orig-id: nr_entries
        type: u4
        doc: "in: capacity; out: how many were stored"
      - id: buffer
        -orig-id: buffer
        type: u4
        doc: "linear address of boot_e820_entry[]"
  xen_memory_map_64:
    doc-ref: "xen/include/public/memory.h, Xen 4.17: xen_memory_map, xen_foreign_memory_map, with the guest handle of either width."
    seq:
      - id: nr_entries
        -orig-id: nr_entries
        type: u4
        doc: "in: capacity; out: how many were stored"
      - id: pad
        -orig-id: _pad
        size: 4
      - id: buffer
        -orig-id: buffer
        type: u8
        doc: "linear address of boot_e820_entry[]"
  xen_foreign_memory_map_32:
    doc-ref: "xen/include/public/memory.h, Xen 4.17: xen_memory_map, xen_foreign_memory_map, with the guest handle of either width."
    seq:
      - id: domid
        -orig-id: domid
        type: u2
        doc: "0x7ff0 (DOMID_SELF) from the domain itself"
      - id: pad
        -orig-id: _pad
        size: 2
      - id: map
        -orig-id: map
        type: xen_memory_map_32
        doc: "the map of that domain"
  xen_foreign_memory_map_64:
    doc-ref: "xen/include/public/memory.h, Xen 4.17: xen_memory_map, xen_foreign_memory_map, with the guest handle of either width."
    seq:
      - id: domid
        -orig-id: domid
        type: u2
        doc: "0x7ff0 (DOMID_SELF) from the domain itself"
      - id: pad
        -orig-id: _pad
        size: 6
      - id: map
        -orig-id: map
        type: xen_memory_map_64
  screen_info:
    doc-ref: "include/uapi/linux/screen_info.h, Linux 6.1. zero-page.rst: 000/040."
    seq:
      - id: orig_x
        -orig-id: orig_x
        type: u1
        doc: "cursor column; the decompressor moves it on"
      - id: orig_y
        -orig-id: orig_y
        type: u1
        doc: "cursor row"
      - id: ext_mem_k
        -orig-id: ext_mem_k
        type: u2
        doc: "INT 15h/88h: KiB above 1 MiB, the last resort for a memory map"
      - id: orig_video_page
        -orig-id: orig_video_page
        type: u2
        doc: "of the text mode"
      - id: orig_video_mode
        -orig-id: orig_video_mode
        type: u1
        doc: "BIOS mode; 7 means monochrome at 0xb0000"
      - id: orig_video_cols
        -orig-id: orig_video_cols
        type: u1
        doc: "columns of the text mode"
      - id: flags
        -orig-id: flags
        type: u1
        doc: "video_flags"
      - id: unused2
        -orig-id: unused2
        type: u1
      - id: orig_video_ega_bx
        -orig-id: orig_video_ega_bx
        type: u2
        doc: "%bx of INT 10h/12h/10h: memory of an EGA"
      - id: unused3
        -orig-id: unused3
        type: u2
      - id: orig_video_lines
        -orig-id: orig_video_lines
        type: u1
        doc: "rows of the text mode"
      - id: orig_video_is_vga
        -orig-id: orig_video_isVGA
        type: u1
        enum: video_type
        doc: "what kind of display it is"
      - id: orig_video_points
        -orig-id: orig_video_points
        type: u2
        doc: "font height"
      - id: lfb_width
        -orig-id: lfb_width
        type: u2
        doc: "pixels"
      - id: lfb_height
        -orig-id: lfb_height
        type: u2
        doc: "pixels"
      - id: lfb_depth
        -orig-id: lfb_depth
        type: u2
        doc: "bits per pixel"
      - id: lfb_base
        -orig-id: lfb_base
        type: u4
        doc: "low half of the address"
      - id: lfb_size
        -orig-id: lfb_size
        type: u4
        doc: "units of 64 KiB for video_type::vlfb, bytes for video_type::efi"
      - id: cl_magic
        -orig-id: cl_magic
        type: u2
        doc: "0xa33f: cl_offset names a command line; protocols before 2.02"
      - id: cl_offset
        -orig-id: cl_offset
        type: u2
        doc: "from the start of the real-mode code"
      - id: lfb_linelength
        -orig-id: lfb_linelength
        type: u2
        doc: "bytes"
      - id: red_size
        -orig-id: red_size
        type: u1
        doc: "bits"
      - id: red_pos
        -orig-id: red_pos
        type: u1
        doc: "lowest bit"
      - id: green_size
        -orig-id: green_size
        type: u1
        doc: "bits"
      - id: green_pos
        -orig-id: green_pos
        type: u1
        doc: "lowest bit"
      - id: blue_size
        -orig-id: blue_size
        type: u1
        doc: "bits"
      - id: blue_pos
        -orig-id: blue_pos
        type: u1
        doc: "lowest bit"
      - id: rsvd_size
        -orig-id: rsvd_size
        type: u1
        doc: "bits without a colour"
      - id: rsvd_pos
        -orig-id: rsvd_pos
        type: u1
        doc: "lowest of these"
      - id: vesapm_seg
        -orig-id: vesapm_seg
        type: u2
        doc: "segment of the VESA protected-mode interface"
      - id: vesapm_off
        -orig-id: vesapm_off
        type: u2
        doc: "its offset"
      - id: pages
        -orig-id: pages
        type: u2
        doc: "images that the frame buffer holds"
      - id: vesa_attributes
        -orig-id: vesa_attributes
        type: u2
        doc: "of the VESA mode"
      - id: capabilities
        -orig-id: capabilities
        type: u4
        doc: "video_capability"
      - id: ext_lfb_base
        -orig-id: ext_lfb_base
        type: u4
        doc: "high half of the address, with video_capability::base_64bit"
      - id: reserved
        -orig-id: _reserved
        size: 2
  apm_bios_info:
    doc-ref: "include/uapi/linux/apm_bios.h, Linux 6.1. zero-page.rst: 040/014."
    seq:
      - id: version
        -orig-id: version
        type: u2
        doc: "of the APM specification, in BCD: major << 8 | minor"
      - id: cseg
        -orig-id: cseg
        type: u2
        doc: "real-mode segment of the 32-bit code"
      - id: offset
        -orig-id: offset
        type: u4
        doc: "of the 32-bit entry in that segment"
      - id: cseg_16
        -orig-id: cseg_16
        type: u2
        doc: "real-mode segment of the 16-bit code"
      - id: dseg
        -orig-id: dseg
        type: u2
        doc: "real-mode segment of the data"
      - id: flags
        -orig-id: flags
        type: u2
        doc: "of INT 15h/5300h"
      - id: cseg_len
        -orig-id: cseg_len
        type: u2
        doc: "bytes of the 32-bit code segment"
      - id: cseg_16_len
        -orig-id: cseg_16_len
        type: u2
        doc: "bytes of the 16-bit code segment"
      - id: dseg_len
        -orig-id: dseg_len
        type: u2
        doc: "bytes of the data segment"
  ist_info:
    doc-ref: "arch/x86/include/uapi/asm/ist.h, Linux 6.1. zero-page.rst: 060/010."
    seq:
      - id: signature
        -orig-id: signature
        type: u4
        doc: "what the BIOS returned in %eax"
      - id: command
        -orig-id: command
        type: u4
        doc: "what it returned in %ebx"
      - id: event
        -orig-id: event
        type: u4
        doc: "what it returned in %ecx"
      - id: perf_level
        -orig-id: perf_level
        type: u4
        doc: "what it returned in %edx"
  sys_desc_table:
    doc-ref: "arch/x86/include/uapi/asm/bootparam.h, Linux 6.1. zero-page.rst: 0A0/010, 0B0/010, 140/080, 1C0/020."
    seq:
      - id: length
        -orig-id: length
        type: u2
        doc: "bytes of the BIOS's table, without this word"
      - id: table
        -orig-id: table
        size: 14
        doc: "its first bytes: model, submodel, BIOS revision, features"
  olpc_ofw_header:
    doc-ref: "arch/x86/include/uapi/asm/bootparam.h, Linux 6.1. zero-page.rst: 0A0/010, 0B0/010, 140/080, 1C0/020."
    seq:
      - id: ofw_magic
        -orig-id: ofw_magic
        type: u4
        doc: "0x2057464f, \"OFW \""
      - id: ofw_version
        -orig-id: ofw_version
        type: u4
        doc: "of Open Firmware"
      - id: cif_handler
        -orig-id: cif_handler
        type: u4
        doc: "call into the firmware"
      - id: irq_desc_table
        -orig-id: irq_desc_table
        type: u4
        doc: "address of the interrupt descriptor table that Open Firmware uses"
  edid_info:
    doc-ref: "arch/x86/include/uapi/asm/bootparam.h, Linux 6.1. zero-page.rst: 0A0/010, 0B0/010, 140/080, 1C0/020."
    seq:
      - id: dummy
        -orig-id: dummy
        size: 128
  efi_info:
    doc-ref: "arch/x86/include/uapi/asm/bootparam.h, Linux 6.1. zero-page.rst: 0A0/010, 0B0/010, 140/080, 1C0/020."
    seq:
      - id: efi_loader_signature
        -orig-id: efi_loader_signature
        type: u4
        doc: "\"EL32\" or \"EL64\""
      - id: efi_systab
        -orig-id: efi_systab
        type: u4
        doc: "low half of the address"
      - id: efi_memdesc_size
        -orig-id: efi_memdesc_size
        type: u4
        doc: "bytes"
      - id: efi_memdesc_version
        -orig-id: efi_memdesc_version
        type: u4
        doc: "of the memory descriptors"
      - id: efi_memmap
        -orig-id: efi_memmap
        type: u4
        doc: "low half of the address"
      - id: efi_memmap_size
        -orig-id: efi_memmap_size
        type: u4
        doc: "bytes"
      - id: efi_systab_hi
        -orig-id: efi_systab_hi
        type: u4
        doc: "high half of efi_systab"
      - id: efi_memmap_hi
        -orig-id: efi_memmap_hi
        type: u4
        doc: "high half of efi_memmap"
  setup_header:
    doc-ref: "Documentation/arch/x86/boot.rst, \"The Real-Mode Kernel Header\", Linux 6.1: offsets in the file. syssize had 2 bytes before 2.04. kernel_alignment and min_alignment may be written from 2.10 on."
    seq:
      - id: setup_sects
        -orig-id: setup_sects
        type: u1
        doc: "sectors of setup code after the boot sector; 0 means 4"
      - id: root_flags
        -orig-id: root_flags
        type: u2
        doc: "not 0: the root file system is mounted read-only"
      - id: syssize
        -orig-id: syssize
        type: u4
        doc: "size of the protected-mode code in units of 16 bytes"
      - id: ram_size
        -orig-id: ram_size
        type: u2
        doc: "obsolete ramdisk flags"
      - id: vid_mode
        -orig-id: vid_mode
        type: u2
        doc: "video mode; 0xffff: normal"
      - id: root_dev
        -orig-id: root_dev
        type: u2
        doc: "number of the root device"
      - id: boot_flag
        -orig-id: boot_flag
        type: u2
        doc: "0xaa55"
      - id: jump
        -orig-id: jump
        type: u2
        doc: "jump over the header; its second byte gives the header's end"
      - id: header
        -orig-id: header
        type: u4
        doc: "\"HdrS\""
      - id: version
        -orig-id: version
        type: u2
        doc: "boot protocol: major << 8 | minor"
      - id: realmode_swtch
        -orig-id: realmode_swtch
        type: u4
        doc: "real-mode hook of the loader"
      - id: start_sys_seg
        -orig-id: start_sys_seg
        type: u2
        doc: "load segment, obsolete"
      - id: kernel_version
        -orig-id: kernel_version
        type: u2
        doc: "offset of the version string, less 0x200"
      - id: type_of_loader
        -orig-id: type_of_loader
        type: u1
        doc: "identifier of the loader << 4 | its version; 0xff: undefined"
      - id: loadflags
        -orig-id: loadflags
        type: u1
        doc: "bit 0: loaded high; bit 5: quiet; bit 6: keep segments; bit 7: heap_end_ptr is valid"
      - id: setup_move_size
        -orig-id: setup_move_size
        type: u2
        doc: "bytes of setup code to move, protocol 2.00 and 2.01"
      - id: code32_start
        -orig-id: code32_start
        type: u4
        doc: "address of the protected-mode code"
      - id: ramdisk_image
        -orig-id: ramdisk_image
        type: u4
        doc: "low half of the initrd's address"
      - id: ramdisk_size
        -orig-id: ramdisk_size
        type: u4
        doc: "low half of the initrd's size in bytes"
      - id: bootsect_kludge
        -orig-id: bootsect_kludge
        type: u4
        doc: "obsolete"
      - id: heap_end_ptr
        -orig-id: heap_end_ptr
        type: u2
        doc: "end of the setup heap, less 0x200"
      - id: ext_loader_ver
        -orig-id: ext_loader_ver
        type: u1
        doc: "high bits of the loader's version"
      - id: ext_loader_type
        -orig-id: ext_loader_type
        type: u1
        doc: "identifier of the loader, less 0x10, if the other one is 0xe"
      - id: cmd_line_ptr
        -orig-id: cmd_line_ptr
        type: u4
        doc: "low half of the command line's address"
      - id: initrd_addr_max
        -orig-id: initrd_addr_max
        type: u4
        doc: "highest address that the initrd may occupy"
      - id: kernel_alignment
        -orig-id: kernel_alignment
        type: u4
        doc: "alignment of the kernel in bytes"
      - id: relocatable_kernel
        -orig-id: relocatable_kernel
        type: u1
        doc: "1: the kernel may be loaded elsewhere"
      - id: min_alignment
        -orig-id: min_alignment
        type: u1
        doc: "smallest alignment that works, as a power of two"
      - id: xloadflags
        -orig-id: xloadflags
        type: u2
        doc: "bit 0: 64-bit entry at 0x200; bit 1: may lie above 4 GiB; bits 2, 3: EFI handover; bit 4: EFI kexec; bit 5: 5-level paging"
      - id: cmdline_size
        -orig-id: cmdline_size
        type: u4
        doc: "longest command line in bytes, without its NUL"
      - id: hardware_subarch
        -orig-id: hardware_subarch
        type: u4
        enum: x86_hardware_subarch
        doc: "0: PC, 1: lguest, 2: Xen, 3: Intel MID, 4: CE4100"
      - id: hardware_subarch_data
        -orig-id: hardware_subarch_data
        type: u8
        doc: "data of the subarchitecture"
      - id: payload_offset
        -orig-id: payload_offset
        type: u4
        doc: "offset of the compressed kernel in the protected-mode code"
      - id: payload_length
        -orig-id: payload_length
        type: u4
        doc: "bytes of the compressed kernel"
      - id: setup_data
        -orig-id: setup_data
        type: u8
        doc: "address of the first setup_data node; 0: none"
      - id: pref_address
        -orig-id: pref_address
        type: u8
        doc: "address that the kernel prefers"
      - id: init_size
        -orig-id: init_size
        type: u4
        doc: "bytes of memory that the kernel needs from its start"
      - id: handover_offset
        -orig-id: handover_offset
        type: u4
        doc: "offset of the EFI handover entry, less 0x200 in 64-bit kernels"
      - id: kernel_info_offset
        -orig-id: kernel_info_offset
        type: u4
        doc: "offset of kernel_info in the protected-mode code"
  edd_interface_path_isa:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: base_address
        -orig-id: base_address
        type: u2
        doc: "I/O port"
      - id: reserved1
        -orig-id: reserved1
        type: u2
      - id: reserved2
        -orig-id: reserved2
        type: u4
  edd_interface_path_pci:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: bus
        -orig-id: bus
        type: u1
        doc: "number of the bus"
      - id: slot
        -orig-id: slot
        type: u1
        doc: "number of the device on the bus"
      - id: function
        -orig-id: function
        type: u1
        doc: "number of the function"
      - id: channel
        -orig-id: channel
        type: u1
        doc: "number of the channel of the controller"
      - id: reserved
        -orig-id: reserved
        type: u4
  edd_interface_path_unknown:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: reserved
        -orig-id: reserved
        type: u8
  edd_device_path_ata:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: device
        -orig-id: device
        type: u1
        doc: "0 master, 1 slave"
      - id: reserved1
        -orig-id: reserved1
        type: u1
      - id: reserved2
        -orig-id: reserved2
        type: u2
      - id: reserved3
        -orig-id: reserved3
        type: u4
      - id: reserved4
        -orig-id: reserved4
        type: u8
  edd_device_path_atapi:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: device
        -orig-id: device
        type: u1
        doc: "0 master, 1 slave"
      - id: lun
        -orig-id: lun
        type: u1
        doc: "logical unit"
      - id: reserved1
        -orig-id: reserved1
        type: u1
      - id: reserved2
        -orig-id: reserved2
        type: u1
      - id: reserved3
        -orig-id: reserved3
        type: u4
      - id: reserved4
        -orig-id: reserved4
        type: u8
  edd_device_path_scsi:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: id
        -orig-id: id
        type: u2
        doc: "of the target"
      - id: lun
        -orig-id: lun
        type: u8
        doc: "logical unit"
      - id: reserved1
        -orig-id: reserved1
        type: u2
      - id: reserved2
        -orig-id: reserved2
        type: u4
  edd_device_path_usb:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: serial_number
        -orig-id: serial_number
        type: u8
        doc: "of the device"
      - id: reserved
        -orig-id: reserved
        type: u8
  edd_device_path_i1394:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: eui
        -orig-id: eui
        type: u8
        doc: "EUI-64 of the device"
      - id: reserved
        -orig-id: reserved
        type: u8
  edd_device_path_fibre:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: wwid
        -orig-id: wwid
        type: u8
        doc: "world-wide identifier"
      - id: lun
        -orig-id: lun
        type: u8
        doc: "logical unit"
  edd_device_path_i2o:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: identity_tag
        -orig-id: identity_tag
        type: u8
        doc: "of the device"
      - id: reserved
        -orig-id: reserved
        type: u8
  edd_device_path_raid:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: array_number
        -orig-id: array_number
        type: u4
        doc: "number of the array"
      - id: reserved1
        -orig-id: reserved1
        type: u4
      - id: reserved2
        -orig-id: reserved2
        type: u8
  edd_device_path_unknown:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: reserved1
        -orig-id: reserved1
        type: u8
      - id: reserved2
        -orig-id: reserved2
        type: u8
  edd_device_params:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: length
        -orig-id: length
        type: u2
        doc: "bytes of the buffer that the BIOS filled"
      - id: info_flags
        -orig-id: info_flags
        type: u2
        doc: "edd_info_flags"
      - id: num_default_cylinders
        -orig-id: num_default_cylinders
        type: u4
        doc: "cylinders of the default geometry"
      - id: num_default_heads
        -orig-id: num_default_heads
        type: u4
        doc: "heads of the default geometry"
      - id: sectors_per_track
        -orig-id: sectors_per_track
        type: u4
        doc: "of the default geometry"
      - id: number_of_sectors
        -orig-id: number_of_sectors
        type: u8
        doc: "of the whole disk"
      - id: bytes_per_sector
        -orig-id: bytes_per_sector
        type: u2
        doc: "bytes of a sector"
      - id: dpte_ptr
        -orig-id: dpte_ptr
        type: u4
        doc: "far pointer to the device parameter table extension; all ones: none"
      - id: key
        -orig-id: key
        type: u2
        doc: "0xbedd: what follows is valid"
      - id: device_path_info_length
        -orig-id: device_path_info_length
        type: u1
        doc: "44"
      - id: reserved2
        -orig-id: reserved2
        type: u1
      - id: reserved3
        -orig-id: reserved3
        type: u2
      - id: host_bus_type
        -orig-id: host_bus_type
        size: 4
        doc: "\"PCI \", \"ISA \", ...: padded with blanks, no NUL"
      - id: interface_type
        -orig-id: interface_type
        size: 8
        doc: "\"ATA     \", \"SCSI    \", ..."
      - id: interface_path
        -orig-id: interface_path
        size: 8
        doc: "edd_interface_path_*"
      - id: device_path
        -orig-id: device_path
        size: 16
        doc: "edd_device_path_*"
      - id: reserved4
        -orig-id: reserved4
        type: u1
      - id: checksum
        -orig-id: checksum
        type: u1
        doc: "bytes from key on sum to 0"
  edd_info:
    doc-ref: "include/uapi/linux/edd.h, Linux 6.1; the views of both unions, then the structs."
    seq:
      - id: device
        -orig-id: device
        type: u1
        doc: "BIOS number, 0x80 and up"
      - id: version
        -orig-id: version
        type: u1
        doc: "of EDD, as INT 13h/41h gave it"
      - id: interface_support
        -orig-id: interface_support
        type: u2
        doc: "edd_ext"
      - id: legacy_max_cylinder
        -orig-id: legacy_max_cylinder
        type: u2
        doc: "the highest cylinder by INT 13h/08h"
      - id: legacy_max_head
        -orig-id: legacy_max_head
        type: u1
        doc: "the highest head by INT 13h/08h"
      - id: legacy_sectors_per_track
        -orig-id: legacy_sectors_per_track
        type: u1
        doc: "by INT 13h/08h"
      - id: params
        -orig-id: params
        type: edd_device_params
        doc: "by INT 13h/48h"
  boot_e820_entry:
    doc-ref: "Documentation/arch/x86/zero-page.rst and struct boot_params in bootparam.h, Linux 6.1."
    seq:
      - id: addr
        -orig-id: addr
        type: u8
        doc: "the first byte"
      - id: size
        -orig-id: size
        type: u8
        doc: "bytes"
      - id: type
        -orig-id: type
        type: u4
        enum: memory_type
        doc: "what the range is for"
  boot_params:
    doc-ref: "Documentation/arch/x86/zero-page.rst and struct boot_params in bootparam.h, Linux 6.1."
    seq:
      - id: screen_info
        -orig-id: screen_info
        type: screen_info
        doc: "video mode and frame buffer"
      - id: apm_bios_info
        -orig-id: apm_bios_info
        type: apm_bios_info
        doc: "APM BIOS"
      - id: pad2
        -orig-id: _pad2
        size: 4
        doc: "padding"
      - id: tboot_addr
        -orig-id: tboot_addr
        type: u8
        doc: "address of tboot's shared page; 0: no tboot"
      - id: ist_info
        -orig-id: ist_info
        type: ist_info
        doc: "Intel SpeedStep BIOS interface"
      - id: acpi_rsdp_addr
        -orig-id: acpi_rsdp_addr
        type: u8
        doc: "address of the ACPI RSDP; 0: the kernel searches for it"
      - id: pad3
        -orig-id: _pad3
        size: 8
        doc: "padding"
      - id: hd0_info
        -orig-id: hd0_info
        size: 16
        doc: "BIOS parameters of the first disk, obsolete"
      - id: hd1_info
        -orig-id: hd1_info
        size: 16
        doc: "BIOS parameters of the second disk, obsolete"
      - id: sys_desc_table
        -orig-id: sys_desc_table
        type: sys_desc_table
        doc: "Micro Channel description, obsolete"
      - id: olpc_ofw_header
        -orig-id: olpc_ofw_header
        type: olpc_ofw_header
        doc: "Open Firmware of the OLPC"
      - id: ext_ramdisk_image
        -orig-id: ext_ramdisk_image
        type: u4
        doc: "high half of the initrd's address"
      - id: ext_ramdisk_size
        -orig-id: ext_ramdisk_size
        type: u4
        doc: "high half of the initrd's size"
      - id: ext_cmd_line_ptr
        -orig-id: ext_cmd_line_ptr
        type: u4
        doc: "high half of the command line's address"
      - id: pad4
        -orig-id: _pad4
        size: 112
        doc: "padding"
      - id: cc_blob_address
        -orig-id: cc_blob_address
        type: u4
        doc: "address of the confidential computing blob"
      - id: edid_info
        -orig-id: edid_info
        type: edid_info
        doc: "EDID block of the monitor"
      - id: efi_info
        -orig-id: efi_info
        type: efi_info
        doc: "EFI system table and memory map"
      - id: alt_mem_k
        -orig-id: alt_mem_k
        type: u4
        doc: "KiB of memory above 1 MiB, by INT 15h/E801h"
      - id: scratch
        -orig-id: scratch
        type: u4
        doc: "used by the kernel's setup code"
      - id: e820_entries
        -orig-id: e820_entries
        type: u1
        doc: "number of entries of e820_table"
      - id: eddbuf_entries
        -orig-id: eddbuf_entries
        type: u1
        doc: "number of entries of eddbuf"
      - id: edd_mbr_sig_buf_entries
        -orig-id: edd_mbr_sig_buf_entries
        type: u1
        doc: "number of entries of edd_mbr_sig_buffer"
      - id: kbd_status
        -orig-id: kbd_status
        type: u1
        doc: "keyboard shift flags, by INT 16h/02h"
      - id: secure_boot
        -orig-id: secure_boot
        type: u1
        enum: efi_secureboot_mode
        doc: "0: unset, 1: unknown, 2: disabled, 3: enabled"
      - id: pad5
        -orig-id: _pad5
        size: 2
        doc: "padding"
      - id: sentinel
        -orig-id: sentinel
        type: u1
        doc: "not 0: the loader did not clear the page, and Linux clears fields itself"
      - id: pad6
        -orig-id: _pad6
        size: 1
        doc: "padding"
      - id: hdr
        -orig-id: hdr
        type: setup_header
        doc: "setup header"
      - id: pad7
        -orig-id: _pad7
        size: 36
        doc: "padding"
      - id: edd_mbr_sig_buffer
        -orig-id: edd_mbr_sig_buffer
        type: u4
        repeat: expr
        repeat-expr: 16
        doc: "signatures of the disks' MBRs"
      - id: e820_table
        -orig-id: e820_table
        type: boot_e820_entry
        repeat: expr
        repeat-expr: 128
        doc: "memory map: address, size and type of each range"
      - id: pad8
        -orig-id: _pad8
        size: 48
        doc: "padding"
      - id: eddbuf
        -orig-id: eddbuf
        type: edd_info
        repeat: expr
        repeat-expr: 6
        doc: "BIOS Enhanced Disk Drive data"
      - id: pad9
        -orig-id: _pad9
        size: 276
        doc: "padding"
  setup_data:
    doc-ref: "boot.rst, setup_data and setup_indirect; struct setup_data in bootparam.h, Linux 6.1."
    seq:
      - id: next
        -orig-id: next
        type: u8
        doc: "address of the next node, 0 at the end"
      - id: type
        -orig-id: type
        type: u4
        enum: setup_type
        doc: "of the payload"
      - id: len
        -orig-id: len
        type: u4
        doc: "bytes of payload"
  setup_indirect:
    doc-ref: "boot.rst, setup_data and setup_indirect; struct setup_data in bootparam.h, Linux 6.1."
    seq:
      - id: type
        -orig-id: type
        type: u4
        doc: "setup_type of the data, or-ed with indirect; never indirect or none themselves"
      - id: reserved
        -orig-id: reserved
        type: u4
        doc: "zero"
      - id: len
        -orig-id: len
        type: u8
        doc: "bytes"
      - id: addr
        -orig-id: addr
        type: u8
        doc: "physical"
  pci_setup_rom_64:
    doc-ref: "arch/x86/include/asm/pci.h, Linux 6.1: struct pci_setup_rom without the node it begins with, natural alignment."
    seq:
      - id: vendor
        -orig-id: vendor
        type: u2
      - id: devid
        -orig-id: devid
        type: u2
      - id: pad
        -orig-id: _pad
        size: 4
      - id: pcilen
        -orig-id: pcilen
        type: u8
        doc: "bytes"
      - id: segment
        -orig-id: segment
        type: u8
      - id: bus
        -orig-id: bus
        type: u8
      - id: device
        -orig-id: device
        type: u8
      - id: function
        -orig-id: function
        type: u8
  pci_setup_rom_32:
    doc-ref: "arch/x86/include/asm/pci.h, Linux 6.1: struct pci_setup_rom without the node it begins with, natural alignment."
    seq:
      - id: vendor
        -orig-id: vendor
        type: u2
        doc: "PCI vendor"
      - id: devid
        -orig-id: devid
        type: u2
        doc: "PCI device identifier"
      - id: pcilen
        -orig-id: pcilen
        type: u8
        doc: "bytes"
      - id: segment
        -orig-id: segment
        type: u4
        doc: "PCI segment group"
      - id: bus
        -orig-id: bus
        type: u4
        doc: "number of the bus"
      - id: device
        -orig-id: device
        type: u4
        doc: "number of the device on the bus"
      - id: function
        -orig-id: function
        type: u4
        doc: "number of the function"
  efi_setup_data:
    doc-ref: "arch/x86/include/asm/efi.h, Linux 6.1: struct efi_setup_data."
    seq:
      - id: fw_vendor
        -orig-id: fw_vendor
        type: u8
        doc: "physical address of the firmware vendor's name"
      - id: unused
        -orig-id: unused
        type: u8
      - id: tables
        -orig-id: tables
        type: u8
        doc: "physical address of the EFI configuration tables"
      - id: smbios
        -orig-id: smbios
        type: u8
        doc: "physical address of the SMBIOS entry point"
      - id: reserved
        -orig-id: reserved
        type: u8
        repeat: expr
        repeat-expr: 8
  properties_header:
    doc-ref: "drivers/firmware/efi/apple-properties.c, Linux 6.1."
    seq:
      - id: len
        -orig-id: len
        type: u4
        doc: "bytes of all, this header included"
      - id: version
        -orig-id: version
        type: u4
        doc: "1"
      - id: dev_count
        -orig-id: dev_count
        type: u4
        doc: "number of devices"
  dev_header:
    doc-ref: "drivers/firmware/efi/apple-properties.c, Linux 6.1."
    seq:
      - id: len
        -orig-id: len
        type: u4
        doc: "bytes, this header included"
      - id: prop_count
        -orig-id: prop_count
        type: u4
        doc: "number of properties"
  jailhouse_setup_data_hdr:
    doc-ref: "bootparam.h, Linux 6.1: struct jailhouse_setup_data."
    seq:
      - id: version
        -orig-id: version
        type: u2
        doc: "not 0"
      - id: compatible_version
        -orig-id: compatible_version
        type: u2
        doc: "Linux requires 1 (JAILHOUSE_SETUP_REQUIRED_VERSION)"
  jailhouse_setup_data_v1:
    doc-ref: "bootparam.h, Linux 6.1: struct jailhouse_setup_data."
    seq:
      - id: pm_timer_address
        -orig-id: pm_timer_address
        type: u2
        doc: "I/O port of the ACPI timer"
      - id: num_cpus
        -orig-id: num_cpus
        type: u2
        doc: "CPUs of the cell"
      - id: pci_mmconfig_base
        -orig-id: pci_mmconfig_base
        type: u8
        doc: "physical address of the PCI configuration space"
      - id: tsc_khz
        -orig-id: tsc_khz
        type: u4
        doc: "frequency of the TSC in kHz"
      - id: apic_khz
        -orig-id: apic_khz
        type: u4
        doc: "frequency of the local APIC's timer in kHz"
      - id: standard_ioapic
        -orig-id: standard_ioapic
        type: u1
        doc: "not 0: there is an IOAPIC at the usual address"
      - id: cpu_ids
        -orig-id: cpu_ids
        size: 255
        doc: "local APIC identifiers of the CPUs"
  jailhouse_setup_data_v2:
    doc-ref: "bootparam.h, Linux 6.1: struct jailhouse_setup_data."
    seq:
      - id: flags
        -orig-id: flags
        type: u4
        doc: "a bit for each serial port that the cell may use"
  jailhouse_setup_data:
    doc-ref: "bootparam.h, Linux 6.1: struct jailhouse_setup_data."
    seq:
      - id: hdr
        -orig-id: hdr
        type: jailhouse_setup_data_hdr
        doc: "the versions"
      - id: v1
        -orig-id: v1
        type: jailhouse_setup_data_v1
        doc: "of version 1"
      - id: v2
        -orig-id: v2
        type: jailhouse_setup_data_v2
        doc: "of version 2"
  cc_setup_data:
    doc-ref: "arch/x86/boot/compressed/sev.c, Linux 6.1: struct cc_setup_data without the node it begins with."
    seq:
      - id: cc_blob_address
        -orig-id: cc_blob_address
        type: u4
        doc: "physical address of the confidential computing blob"
  ima_setup_data:
    doc-ref: "bootparam.h, Linux 6.1; arch/x86/include/uapi/asm/setup_data.h, Linux 6.16."
    seq:
      - id: addr
        -orig-id: addr
        type: u8
        doc: "physical"
      - id: size
        -orig-id: size
        type: u8
        doc: "bytes; 0 means none"
  kho_data:
    doc-ref: "bootparam.h, Linux 6.1; arch/x86/include/uapi/asm/setup_data.h, Linux 6.16."
    seq:
      - id: fdt_addr
        -orig-id: fdt_addr
        type: u8
        doc: "physical address of the device tree with the state"
      - id: fdt_size
        -orig-id: fdt_size
        type: u8
        doc: "bytes"
      - id: scratch_addr
        -orig-id: scratch_addr
        type: u8
        doc: "physical address of the list of scratch regions"
      - id: scratch_size
        -orig-id: scratch_size
        type: u8
        doc: "bytes"
  kernel_info:
    doc-ref: "boot.rst, \"The kernel_info\", Linux 6.1."
    seq:
      - id: header
        -orig-id: header
        type: u4
        doc: "kernel_info_magic"
      - id: size
        -orig-id: size
        type: u4
        doc: "bytes of the fixed part, header included"
      - id: size_total
        -orig-id: size_total
        type: u4
        doc: "bytes of all of it"
      - id: setup_type_max
        -orig-id: setup_type_max
        type: u4
        doc: "largest setup_type accepted, or-ed with setup_type::indirect"
  elf32_ehdr:
    doc-ref: "System V ABI edition 4.1, \"Object Files\", figure 4-3: ELF header."
    seq:
      - id: e_ident
        -orig-id: e_ident
        size: 16
        doc: "magic, class, byte order and version: elf_ident_*"
      - id: e_type
        -orig-id: e_type
        type: u2
        enum: elf_type
        doc: "kind of the file"
      - id: e_machine
        -orig-id: e_machine
        type: u2
        enum: elf_machine
        doc: "architecture"
      - id: e_version
        -orig-id: e_version
        type: u4
        doc: "elf_version_current"
      - id: e_entry
        -orig-id: e_entry
        type: u4
        doc: "virtual address of the entry; 0: none"
      - id: e_phoff
        -orig-id: e_phoff
        type: u4
        doc: "file offset of Elf32_Phdr[e_phnum]; 0 if none"
      - id: e_shoff
        -orig-id: e_shoff
        type: u4
        doc: "file offset of Elf32_Shdr[e_shnum]; 0 if none"
      - id: e_flags
        -orig-id: e_flags
        type: u4
        doc: "of the architecture; 0 on x86"
      - id: e_ehsize
        -orig-id: e_ehsize
        type: u2
        doc: "bytes of this header"
      - id: e_phentsize
        -orig-id: e_phentsize
        type: u2
        doc: "bytes of a program header"
      - id: e_phnum
        -orig-id: e_phnum
        type: u2
        doc: "number of program headers; elf_phnum_extended: section header 0 has it in sh_info"
      - id: e_shentsize
        -orig-id: e_shentsize
        type: u2
        doc: "bytes of a section header"
      - id: e_shnum
        -orig-id: e_shnum
        type: u2
        doc: "number of section headers; 0 with an e_shoff: section header 0 has it in sh_size"
      - id: e_shstrndx
        -orig-id: e_shstrndx
        type: u2
        doc: "index of the section that has the sections' names"
  elf64_ehdr:
    doc-ref: "System V ABI edition 4.1, \"Object Files\", figure 4-3: ELF header."
    seq:
      - id: e_ident
        -orig-id: e_ident
        size: 16
      - id: e_type
        -orig-id: e_type
        type: u2
        enum: elf_type
      - id: e_machine
        -orig-id: e_machine
        type: u2
        enum: elf_machine
      - id: e_version
        -orig-id: e_version
        type: u4
      - id: e_entry
        -orig-id: e_entry
        type: u8
      - id: e_phoff
        -orig-id: e_phoff
        type: u8
        doc: "file offset of Elf64_Phdr[e_phnum]; 0 if none"
      - id: e_shoff
        -orig-id: e_shoff
        type: u8
        doc: "file offset of Elf64_Shdr[e_shnum]; 0 if none"
      - id: e_flags
        -orig-id: e_flags
        type: u4
      - id: e_ehsize
        -orig-id: e_ehsize
        type: u2
      - id: e_phentsize
        -orig-id: e_phentsize
        type: u2
      - id: e_phnum
        -orig-id: e_phnum
        type: u2
      - id: e_shentsize
        -orig-id: e_shentsize
        type: u2
      - id: e_shnum
        -orig-id: e_shnum
        type: u2
      - id: e_shstrndx
        -orig-id: e_shstrndx
        type: u2
  elf32_phdr:
    doc-ref: "System V ABI edition 4.1, figure 5-1: program header. The 64-bit form has p_flags second."
    seq:
      - id: p_type
        -orig-id: p_type
        type: u4
        enum: segment_type
        doc: "kind of the segment"
      - id: p_offset
        -orig-id: p_offset
        type: u4
        doc: "offset in the file"
      - id: p_vaddr
        -orig-id: p_vaddr
        type: u4
        doc: "virtual address"
      - id: p_paddr
        -orig-id: p_paddr
        type: u4
        doc: "where a PVH loader puts it"
      - id: p_filesz
        -orig-id: p_filesz
        type: u4
        doc: "bytes in the file"
      - id: p_memsz
        -orig-id: p_memsz
        type: u4
        doc: "bytes in memory; those past p_filesz are zero"
      - id: p_flags
        -orig-id: p_flags
        type: u4
        doc: "segment_flags"
      - id: p_align
        -orig-id: p_align
        type: u4
        doc: "real notes say 0, 4 or 8"
  elf64_phdr:
    doc-ref: "System V ABI edition 4.1, figure 5-1: program header. The 64-bit form has p_flags second."
    seq:
      - id: p_type
        -orig-id: p_type
        type: u4
        enum: segment_type
      - id: p_flags
        -orig-id: p_flags
        type: u4
        doc: "segment_flags"
      - id: p_offset
        -orig-id: p_offset
        type: u8
      - id: p_vaddr
        -orig-id: p_vaddr
        type: u8
      - id: p_paddr
        -orig-id: p_paddr
        type: u8
        doc: "where a PVH loader puts it"
      - id: p_filesz
        -orig-id: p_filesz
        type: u8
      - id: p_memsz
        -orig-id: p_memsz
        type: u8
      - id: p_align
        -orig-id: p_align
        type: u8
        doc: "real notes say 0, 4 or 8"
  elf32_shdr:
    doc-ref: "System V ABI edition 4.1, figure 4-8: section header."
    seq:
      - id: sh_name
        -orig-id: sh_name
        type: u4
        doc: "offset of its name in the section of names"
      - id: sh_type
        -orig-id: sh_type
        type: u4
        enum: section_type
        doc: "kind of the section"
      - id: sh_flags
        -orig-id: sh_flags
        type: u4
        doc: "section_flags"
      - id: sh_addr
        -orig-id: sh_addr
        type: u4
        doc: "virtual address; 0 if it is not in memory"
      - id: sh_offset
        -orig-id: sh_offset
        type: u4
        doc: "offset in the file"
      - id: sh_size
        -orig-id: sh_size
        type: u4
        doc: "bytes"
      - id: sh_link
        -orig-id: sh_link
        type: u4
        doc: "index of another section, by the type"
      - id: sh_info
        -orig-id: sh_info
        type: u4
        doc: "by the type"
      - id: sh_addralign
        -orig-id: sh_addralign
        type: u4
        doc: "a power of two; 0 and 1: none"
      - id: sh_entsize
        -orig-id: sh_entsize
        type: u4
        doc: "bytes of an entry, if the section is a table"
  elf64_shdr:
    doc-ref: "System V ABI edition 4.1, figure 4-8: section header."
    seq:
      - id: sh_name
        -orig-id: sh_name
        type: u4
      - id: sh_type
        -orig-id: sh_type
        type: u4
        enum: section_type
      - id: sh_flags
        -orig-id: sh_flags
        type: u8
        doc: "section_flags"
      - id: sh_addr
        -orig-id: sh_addr
        type: u8
      - id: sh_offset
        -orig-id: sh_offset
        type: u8
      - id: sh_size
        -orig-id: sh_size
        type: u8
      - id: sh_link
        -orig-id: sh_link
        type: u4
      - id: sh_info
        -orig-id: sh_info
        type: u4
      - id: sh_addralign
        -orig-id: sh_addralign
        type: u8
      - id: sh_entsize
        -orig-id: sh_entsize
        type: u8
  elf32_nhdr:
    doc-ref: "System V ABI edition 4.1, figure 5-2: note. The document has no names for its words; these are <elf.h>'s."
    seq:
      - id: n_namesz
        -orig-id: n_namesz
        type: u4
        doc: "bytes, with the NUL"
      - id: n_descsz
        -orig-id: n_descsz
        type: u4
        doc: "bytes"
      - id: n_type
        -orig-id: n_type
        type: u4
        doc: "of the namespace that the name gives: xen_note for \"Xen\""
enums:
  efi_secureboot_mode:
    0: "unset"
    1: "unknown"
    2: "disabled"
    3: "enabled"
  elf_class:
    0: "none"
    1: "elf32"
    2: "elf64"
  elf_data:
    0: "none"
    1: "lsb"
    2: "msb"
  elf_type:
    0: "none"
    1: "rel"
    2: "exec"
    3: "dyn"
    4: "core"
  elf_machine:
    0: "none"
    3: "intel_386"
    62: "x86_64"
  segment_type:
    0: "null"
    1: "load"
    2: "dynamic"
    3: "interp"
    4: "note"
    5: "shlib"
    6: "phdr"
    7: "tls"
  section_type:
    0: "null"
    1: "progbits"
    2: "symtab"
    3: "strtab"
    4: "rela"
    5: "hash"
    6: "dynamic"
    7: "note"
    8: "nobits"
    9: "rel"
    10: "shlib"
    11: "dynsym"
  memory_type:
    1: "ram"
    2: "reserved"
    3: "acpi"
    4: "nvs"
    5: "unusable"
    6: "disabled"
    7: "pmem"
    8: "unaccepted"
    12: "pram"
    13: "coreboot"
    128: "reserved_kern"
    4026531839: "soft_reserved"
  video_type:
    16: "mda"
    17: "cga"
    32: "egam"
    33: "egac"
    34: "vgac"
    35: "vlfb"
    48: "pica_s3"
    49: "mips_g364"
    51: "sgi"
    64: "tgac"
    80: "sun"
    81: "sunpci"
    96: "pmac"
    112: "efi"
  setup_type:
    0: "none"
    1: "e820_ext"
    2: "dtb"
    3: "pci"
    4: "efi"
    5: "apple_properties"
    6: "jailhouse"
    7: "cc_blob"
    8: "ima"
    9: "rng_seed"
    10: "kexec_kho"
    2147483648: "indirect"
  x86_hardware_subarch:
    0: "pc"
    1: "lguest"
    2: "xen"
    3: "intel_mid"
    4: "ce4100"
  loader_id:
    0: "lilo"
    1: "loadlin"
    2: "bootsect_loader"
    3: "syslinux"
    4: "etherboot"
    5: "elilo"
    7: "grub"
    8: "u_boot"
    9: "xen"
    10: "gujin"
    11: "qemu"
    12: "arcturus"
    13: "kexec_tools"
    14: "extended"
    15: "special"
    17: "minimal_linux_bootloader"
    18: "ovmf"
    19: "barebox"
  xen_hypercall:
    0: "set_trap_table"
    1: "mmu_update"
    2: "set_gdt"
    3: "stack_switch"
    4: "set_callbacks"
    5: "fpu_taskswitch"
    6: "sched_op_compat"
    7: "platform_op"
    8: "set_debugreg"
    9: "get_debugreg"
    10: "update_descriptor"
    12: "memory_op"
    13: "multicall"
    14: "update_va_mapping"
    15: "set_timer_op"
    16: "event_channel_op_compat"
    17: "xen_version"
    18: "console_io"
    19: "physdev_op_compat"
    20: "grant_table_op"
    21: "vm_assist"
    22: "update_va_mapping_otherdomain"
    23: "iret"
    24: "vcpu_op"
    25: "set_segment_base"
    26: "mmuext_op"
    27: "xsm_op"
    28: "nmi_op"
    29: "sched_op"
    30: "callback_op"
    31: "xenoprof_op"
    32: "event_channel_op"
    33: "physdev_op"
    34: "hvm_op"
    35: "sysctl"
    36: "domctl"
    37: "kexec_op"
    38: "tmem_op"
    39: "argo_op"
    40: "xenpmu_op"
    41: "dm_op"
    42: "hypfs_op"
    48: "arch_0"
    49: "arch_1"
    50: "arch_2"
    51: "arch_3"
    52: "arch_4"
    53: "arch_5"
    54: "arch_6"
    55: "arch_7"
  xen_memory_op:
    9: "memory_map"
    10: "machine_memory_map"
    13: "set_memory_map"
  xen_note:
    0: "info"
    1: "entry"
    2: "hypercall_page"
    3: "virt_base"
    4: "paddr_offset"
    5: "xen_version"
    6: "guest_os"
    7: "guest_version"
    8: "loader"
    9: "pae_mode"
    10: "features"
    11: "bsd_symtab"
    12: "hv_start_low"
    13: "l1_mfn_valid"
    14: "suspend_cancel"
    15: "init_p2m"
    16: "mod_start_pfn"
    17: "supported_features"
    18: "phys32_entry"
    19: "phys32_reloc"
    16777217: "crash_info"
    16777218: "crash_regs"
    33554432: "dumpcore_none"
    33554433: "dumpcore_header"
    33554434: "dumpcore_xen_version"
    33554435: "dumpcore_format_version"
  xen_feature:
    0: "writable_page_tables"
    1: "writable_descriptor_tables"
    2: "auto_translated_physmap"
    3: "supervisor_mode_kernel"
    4: "pae_pgdir_above_4gb"
    5: "mmu_pt_update_preserve_ad"
    6: "highmem_assist"
    7: "gnttab_map_avail_bits"
    8: "hvm_callback_vector"
    9: "hvm_safe_pvclock"
    10: "hvm_pirqs"
    11: "dom0"
    12: "grant_map_identity"
    13: "memory_op_vnode_supported"
    14: "arm_smccc_supported"
    15: "linux_rsdp_unrestricted"
    16: "not_direct_mapped"
    17: "direct_mapped"
