# SPDX-License-Identifier: BSL-1.0
"""A guest of a dozen instructions, for tests of the lab. It prints a text on the serial port, then exits, resets,
powers off or hangs."""

import struct

LOAD = 0x100000
XEN_PHYS32_ENTRY = 18
NOTE_SIZE = 20
# mov $0x7000, %esp; push $0; push $0; lidt (%esp); int3: an exception without a table is a triple fault.
TRIPLE_FAULT = b"\xbc\0\x70\0\0\x6a\0\x6a\0\x0f\x01\x1c\x24\xcc"
# mov $0x604, %dx; mov $0x2000, %ax; out %ax, (%dx): the PM1a control register of q35.
POWER_OFF = b"\x66\xba\x04\x06\x66\xb8\0\x20\x66\xef"


def elf(text: str, exit_value: int | None, last: bytes = b"") -> bytes:
    """An ELF32 file with the PVH note. Without `exit_value` the guest executes `last` and loops."""
    message = text.encode() + b"\0"
    head = 52 + 2 * 32
    note = struct.pack("<III4sI", 4, 4, XEN_PHYS32_ENTRY, b"Xen\0", LOAD + head + NOTE_SIZE)
    # mov $exit_value, %eax; out %eax, $0xf4
    end = last if exit_value is None else b"\xb8" + struct.pack("<I", exit_value) + b"\xe7\xf4"
    size_of_code = 5 + 4 + 8 + len(end) + 2
    code = (b"\xbe" + struct.pack("<I", LOAD + head + len(note) + size_of_code)  # mov $message, %esi
            + b"\x66\xba\xf8\x03"  # mov $0x3f8, %dx
            + b"\xac\x84\xc0\x74\x03\xee\xeb\xf8"  # 1: lodsb; test %al, %al; jz 2f; out %al, (%dx); jmp 1b
            + end + b"\xeb\xfe")  # 2: …; jmp .
    body = note + code + message
    size = head + len(body)
    header = struct.pack("<4sBBB9xHHIIIIIHHHHHH", b"\x7fELF", 1, 1, 1, 2, 3, 1, LOAD + head + len(note), 52, 0, 0, 52,
                         32, 2, 0, 0, 0)
    load = struct.pack("<8I", 1, 0, LOAD, LOAD, size, size, 7, 4096)
    notes = struct.pack("<8I", 4, head, LOAD + head, LOAD + head, len(note), len(note), 4, 4)
    return header + load + notes + body
