# SPDX-License-Identifier: BSL-1.0
"""The counts of the plugin beside a guest's time stamp counter, which counts instructions under QEMU's -icount."""

import re
from pathlib import Path

import counted
from images import crafted
from lab import LabError, qemu

COPIED, LOOPS = 1000, 999
# rdtsc; mov %eax, %ebp; mov $COPIED, %ecx; mov $BASE, %esi; mov $0x200000, %edi; rep movsb; mov $LOOPS, %ecx; 1: loop 1b
WORK = (b"\x0f\x31\x89\xc5\xb9" + crafted.word(COPIED) + b"\xbe" + crafted.word(crafted.BASE) + b"\xbf" +
        crafted.word(0x200000) + b"\xf3\xa4\xb9" + crafted.word(LOOPS) + b"\xe2\xfe")
# rdtsc; sub %ebp, %eax; mov %eax, %ebp; mov $stack, %esp; call 1f
REPORT = b"\x0f\x31\x29\xe8\x89\xc5\xbc" + crafted.word(crafted.BASE + crafted.STACK) + b"\xe8"
LINE = re.compile("([0-9a-f]{8})!")


def guest() -> bytes:
    """Prints how far its time stamp counter moves during WORK, as hexadecimal digits and an exclamation mark."""
    after = crafted.put_text("!\n") + crafted.END
    code = WORK + REPORT + crafted.word(len(after)) + after + crafted.PRINT
    return crafted.Image(32).load(crafted.PVH, code).notes(crafted.entry(bits=32)).written()


def problems(library: Path, folder: Path) -> list[str]:
    kernel = folder / "tsc"
    kernel.write_bytes(guest())
    spans = [(crafted.PVH, crafted.PVH + len(WORK))]
    lines: list[str] = []

    def on_line(_seconds: float, line: str) -> None:
        lines.append(line)
        if LINE.search(line):
            raise qemu.Stop

    machine = qemu.Machine(kernel, extra=(*counted.CLOCK, *counted.options(library, spans)))
    qemu.start(machine, 60, on_line=on_line)
    count, = counted.read(lines, spans)
    printed = next((int(match[1], 16) for line in lines if (match := LINE.search(line))), None)
    if printed is None:
        raise LabError(f"the guest printed no counter:\n{qemu.Run(lines=lines).tail()}")
    print(f"a guest reads {printed} instructions from its time stamp counter, and the plugin counts {count.executed}")
    # A string instruction ends with one more step, which finds that no repetition is left.
    expected = {"executed": 6 + COPIED + 1 + LOOPS, "instructions": 6 + 1 + 1, "stored": COPIED}
    bad = [f"{what}: {getattr(count, what)} instead of {number}" for what, number in expected.items()
           if getattr(count, what) != number]
    return bad + ([f"the guest's time stamp counter: {printed}"] if printed != count.executed else [])
