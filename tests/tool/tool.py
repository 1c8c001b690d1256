#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Run the program pvhboot as a user does, and compare what it prints with other sources.

Cases:
  explain   every image of tests/images: the verdicts are those that QEMU and Xen confirm
  captures  tests/data as a raw dump and as a core: the handoff is found, and its values are those of the bytes
  write     inspect, write, inspect: the same handoff
  note      add, set and remove, and what must be refused
  pictures  those of docs/pictures are what map --svg makes of tests/data; PVHBOOT_WRITE_PICTURES=1 writes them
  errors    unreadable and damaged input: one sentence with the place, and status 2
  schema    each document is valid by its schema, and one with a foreign member is not
  options   the manual and the completions name every command and option of --help
  chain     zero pages in dumps, with their setup_data
  dump      a core of --size GiB as a file and through a pipe: how much anonymous memory is used, how fast it is read
            beside wc -c, and how far it says it is
"""

import argparse
import contextlib
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from pathlib import Path

from common import skip
from images import crafted

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests/data"
SCHEMAS = ROOT / "tools/pvhboot/schema"
PICTURES = ROOT / "docs/pictures"
GIB = 1 << 30
# Names of --for, and those of tests/images/explain.cpp where they differ.
READERS = {"xen": "xen-toolstack"}


class Failed(Exception):
    """A check that does not hold."""


def check(what: str, holds: bool, detail: object = "") -> None:
    print(f"{'ok    ' if holds else 'NOT OK'} {what}{f': {detail}' if detail != '' and not holds else ''}")
    if not holds:
        raise Failed(what)


class Tool:
    """The program, and the documents that it printed."""

    def __init__(self, program: Path) -> None:
        self.program = program.resolve()
        self.documents: list[dict] = []
        self.dump_size = 1

    def run(self, *words: object, status: int = 0, **options: object) -> subprocess.CompletedProcess:
        done = subprocess.run([self.program, *map(str, words)], capture_output=True, timeout=300, check=False, **options)
        if done.returncode != status:
            raise Failed(f"{words}: status {done.returncode} instead of {status}: {done.stderr.decode()}")
        return done

    def json(self, *words: object, status: int = 0, **options: object) -> dict:
        document = json.loads(self.run(*words, "--json", status=status, **options).stdout)
        self.documents.append(document)
        return document


def capture(name: str) -> list[tuple[int, bytes]]:
    """The pieces of a capture of tests/data; the first is start_info."""
    text = (DATA / f"{name}.inc").read_text(encoding="ascii")
    arrays = {key: bytes(int(n, 16) for n in re.findall(r"0x[0-9a-f]+", values))
              for key, values in re.findall(rf"uint8_t ({name}_\d+)\[\] = \{{(.*?)\}};", text, re.S)}
    pieces = re.search(rf"piece {name}\[\] = \{{(.*)\}};", text)[1]
    return [(int(paddr, 16), arrays[key]) for paddr, key in re.findall(rf"\{{(0x[0-9a-f]+), ({name}_\d+),", pieces)]


def core(pieces: list[tuple[int, bytes]]) -> bytes:
    """An ELF core as QEMU's dump-guest-memory writes one."""
    head = 64 + 56 * len(pieces)
    headers, contents = b"", b""
    for paddr, data in pieces:
        headers += struct.pack("<IIQQQQQQ", 1, 0, head + len(contents), 0, paddr, len(data), len(data), 0)
        contents += data
    ident = b"\x7fELF\2\1\1" + bytes(9)
    return ident + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(pieces), 0, 0, 0) + headers + contents


def xen_core(pieces: list[tuple[int, bytes]]) -> bytes:
    """What xl dump-core writes: pages in one section and their numbers in another."""
    pages: dict[int, bytearray] = {}
    for paddr, data in pieces:
        for at, byte in enumerate(data, paddr):
            pages.setdefault(at >> 12, bytearray(4096))[at & 4095] = byte
    names = b"\0.shstrtab\0.xen_pages\0.xen_pfn\0"
    numbers = b"".join(struct.pack("<Q", number) for number in pages)
    body = [names, numbers, b"".join(bytes(page) for page in pages.values())]
    offsets = [64, 64 + len(names), 64 + len(names) + len(numbers)]
    shoff = offsets[2] + len(body[2])
    table = bytes(64)
    for name, kind, offset, data in ((1, 3, offsets[0], names), (22, 1, offsets[1], numbers), (11, 1, offsets[2], body[2])):
        table += struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, len(data), 0, 0, 1, 0)
    ident = b"\x7fELF\2\1\1" + bytes(9)
    head = ident + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 0, shoff, 0, 64, 0, 0, 64, 4, 1)
    return head + b"".join(body) + table


def test_explain(tool: Tool, folder: Path, explain: Path) -> None:
    images = {name: folder / name for name in crafted.IMAGES}
    for name, path in images.items():
        path.write_bytes(crafted.IMAGES[name][1]().written())
    lines = subprocess.run([explain, *images.values()], capture_output=True, text=True, timeout=60, check=True).stdout
    confirmed = {}
    for path, reader, outcome, entry, reason in (line.split(" ") for line in lines.splitlines()):
        confirmed[Path(path).name, reader] = (outcome.replace("-", " "), int(entry), reason)
    seen = 0
    for name, path in images.items():
        words = [tool.program, "explain", path, "--json"]
        done = subprocess.run(words, capture_output=True, timeout=60, check=False)
        document = json.loads(done.stdout)
        tool.documents.append(document)
        for v in document["verdicts"]:
            known = confirmed[name, READERS.get(v["reader"], v["reader"])]
            if (v["outcome"], v["entry"], v["reason"]) != known:
                raise Failed(f"{name}, {v['reader']}: {v} instead of {known}")
            seen += 1
        boots = all(v["boots"] for v in document["verdicts"])
        if done.returncode != (0 if boots else 1):
            raise Failed(f"{name}: status {done.returncode}")
    check(f"{seen} verdicts of {len(images)} images are those that real readers confirm", seen == 7 * len(images))
    usual = images["usual-64"]
    check("a kernel that all readers boot", tool.run("explain", usual).stdout.count(b"yes ") == 7)
    check("--for chooses readers", len(tool.json("explain", usual, "--for", "qemu,xen")["verdicts"]) == 2)
    tool.run("explain", images["no-note-64"], "--for", "qemu", status=1)
    tool.run("explain", usual, "--for", "bochs", status=2)
    check("a foreign owner boots in QEMU alone", [v["reader"] for v in tool.json("explain", images["foreign"], status=1)["verdicts"]
                                               if v["outcome"] == "enters"] == ["qemu", "qemu-before-6.0"])


def handoff_of(document: dict) -> dict:
    return document["memory"]["handoffs"][0]


def test_captures(tool: Tool, folder: Path, _explain: Path) -> None:
    for name in sorted(path.stem for path in DATA.glob("*.inc")):
        pieces = capture(name)
        path = folder / name
        path.write_bytes(core(pieces))
        document = tool.json("inspect", path)
        found = handoff_of(document)
        magic, version, flags, modules, modlist, cmdline, rsdp = struct.unpack_from("<IIIIQQQ", pieces[0][1])
        check(f"{name}: start_info, version, flags, modules, RSDP",
              (found["address"], found["version"], found["flags"], len(found["modules"]), found["rsdp"]["address"]) ==
              (pieces[0][0], version, flags, modules, rsdp) and magic == 0x336EC578)
        text = next((data[cmdline - at:].split(b"\0")[0] for at, data in pieces if at <= cmdline < at + len(data)), None)
        check(f"{name}: command line", found["cmdline"] == (None if text is None else text.decode()), found["cmdline"])
        if version:
            at, entries = struct.unpack_from("<QI", pieces[0][1], 40)
            data = next(data[at - start:] for start, data in pieces if start <= at < start + len(data))
            wanted = [struct.unpack_from("<QQII", data, 24 * i) for i in range(entries)]
            check(f"{name}: memory map", [(r["address"], r["size"], r["type"], r["reserved"]) for r in found["memory_map"]] == wanted)
        (folder / f"{name}.xen").write_bytes(xen_core(pieces))
        dumped = tool.json("inspect", folder / f"{name}.xen")
        check(f"{name}: the same from xl dump-core", dumped["memory"]["format"] == "xl dump-core" and
              [h for h in dumped["memory"]["handoffs"] if h["address"] == found["address"]][0]["fields"] == found["fields"])
        tool.json("lint", path, status=1 if any(f["level"] != "info" for f in found["findings"]) else 0)
        tool.json("map", path)
        picture = tool.run("map", path).stdout.decode()
        check(f"{name}: map draws every range", version == 0 or all(f"{r['address']:#014x}" in picture for r in found["memory_map"] if r["size"]))
        tool.run("map", path, "--svg", folder / "map.svg")
        check(f"{name}: svg", (folder / "map.svg").read_text(encoding="utf-8").startswith("<svg "))
    a, b = folder / "qemu_q35", folder / "qemu_pc"
    tool.json("diff", a, a)
    differences = {d["path"] for d in tool.json("diff", a, b, status=1)["differences"]}
    other = bytearray(zero_page(0))
    other[0x1C4] = other[0x228] = other[0x2D0] = 1
    for name, data in (("page", zero_page(0)), ("other", bytes(other))):
        (folder / name).write_bytes(data)
    fields = [d["path"] for d in tool.json("diff", folder / "page", folder / "other", status=1)["differences"] if d["path"].startswith("/fields/")]
    check("diff of two zero pages", fields == ["/fields/efi_info.efi_systab", "/fields/hdr.cmd_line_ptr", "/fields/e820_table"], fields)
    check("diff of q35 and pc finds the memory map", any(path.startswith("/memory_map") for path in differences), differences)


def test_write(tool: Tool, folder: Path, _explain: Path) -> None:
    for name in sorted(path.stem for path in DATA.glob("*.inc")):
        path = folder / name
        path.write_bytes(core(capture(name)))
        before = tool.json("inspect", path)
        (folder / "json").write_text(json.dumps(before), encoding="utf-8")
        tool.run("write", folder / "json", "-o", folder / "block", "--address", "0x9000")
        after = handoff_of(tool.json("inspect", folder / "block", "--base", "0x9000"))
        piped = tool.json("inspect", "-", "--base", "0x9000", input=(folder / "block").read_bytes())
        check(f"{name}: a pipe has the same handoff", handoff_of(piped) == after)
        keys = ("version", "flags", "cmdline", "memory_map")
        first = handoff_of(before)
        check(f"{name}: the same values", all(first[key] == after[key] for key in keys) and
              first["rsdp"]["address"] == after["rsdp"]["address"] and
              [(m["address"], m["size"]) for m in first["modules"]] == [(m["address"], m["size"]) for m in after["modules"]])
    odd = {"version": 1, "cmdline": {"hex": "ff00fe"}}
    (folder / "json").write_text(json.dumps(odd), encoding="utf-8")
    tool.run("write", folder / "json", "-o", folder / "block", status=2)
    odd["cmdline"] = {"hex": "fffe20"}
    (folder / "json").write_text(json.dumps(odd), encoding="utf-8")
    tool.run("write", folder / "json", "-o", folder / "block")
    found = handoff_of(tool.json("inspect", folder / "block", "--base", "0x6000"))
    check("bytes that are no UTF-8", found["cmdline"] == {"hex": "fffe20"}, found["cmdline"])
    for wrong in ("{", "[]", '{"version": 2}', '{"version": -1}', '{"modules": [{"address": 1.5}]}', '{"cmdline": {"hex": "0"}}'):
        said = tool.run("write", "-", "-o", folder / "block", status=2, input=wrong.encode()).stderr.decode()
        check(f"refused: {wrong}", said.startswith("pvhboot: ") and said.count("\n") == 1, said)


def test_note(tool: Tool, folder: Path, _explain: Path) -> None:
    plain, out = folder / "plain", folder / "out"
    for name in ("no-note-64", "no-note-32", "section-64"):
        plain.write_bytes(crafted.IMAGES[name][1]().written())
        plain.chmod(0o750)
        tool.json("note", "set", plain, "-o", out, "--entry", hex(crafted.PVH))
        check(f"{name}: boots after note set", tool.run("explain", out, "--for", "qemu,xen").returncode == 0)
        check(f"{name}: keeps its permissions", out.stat().st_mode & 0o777 == 0o750)
        tool.json("note", "remove", out, "-o", folder / "without")
        tool.run("explain", folder / "without", "--for", "qemu", status=1)
    tool.run("note", "add", out, "-o", folder / "twice", "--entry", hex(crafted.PVH), status=2)
    tool.run("note", "set", out, "-o", folder / "twice", "--entry", "0x7", status=2)


def test_pictures(tool: Tool, folder: Path, _explain: Path) -> None:
    for name in sorted(path.stem for path in DATA.glob("*.inc")):
        (folder / name).write_bytes(core(capture(name)))
        tool.run("map", name, "--svg", "svg", cwd=folder)  # the name is in the picture
        made, known = (folder / "svg").read_text(encoding="utf-8"), PICTURES / f"{name}.svg"
        xml.etree.ElementTree.fromstring(made)
        if os.environ.get("PVHBOOT_WRITE_PICTURES"):
            PICTURES.mkdir(exist_ok=True)
            known.write_text(made, encoding="utf-8")
        check(f"docs/pictures/{name}.svg", known.exists() and known.read_text(encoding="utf-8") == made)


def test_errors(tool: Tool, folder: Path, _explain: Path) -> None:
    usual = crafted.IMAGES["usual-64"][1]().written()
    cases = {
        "no such file": (["inspect", folder / "none"], "No such file"),
        "a directory": (["inspect", folder], "is a directory"),
        "no handoff in an image": (["lint", folder / "usual"], "has no handoff"),
        "no start_info": (["map", folder / "empty"], "no start_info was found"),
        "start_info elsewhere": (["lint", folder / "empty", "--start-info", "0x1000"], "start_info"),
        "a cut core": (["inspect", folder / "cut"], "outside the file"),
        "a base that wraps": (["inspect", folder / "usual.raw", "--base", "0xffffffffffffffff"], "above 2^64"),
        "a plan without a kernel": (["plan", folder / "empty"], "ends inside its ELF header"),
        "a plan without room": (["plan", folder / "usual", "--memory", "64K"], "not relocatable"),
        "kaslr without a note": (["plan", folder / "usual", "--random", "1"], "PHYS32_RELOC"),
    }
    (folder / "usual").write_bytes(usual)
    (folder / "usual.raw").write_bytes(usual[4:])
    (folder / "empty").write_bytes(b"")
    (folder / "cut").write_bytes(core([(0x1000, b"x" * 64)])[:80])
    for what, (words, sentence) in cases.items():
        said = tool.run(*words, status=2).stderr.decode()
        check(what, sentence in said and said.startswith("pvhboot: ") and said.count("\n") == 1, said)
    coloured = tool.run("explain", folder / "usual").stdout
    check("no colours in a pipe", b"\x1b" not in coloured)
    (folder / "bell").write_bytes(core([(0x1000, struct.pack("<IIIIQQQQII", 0x336EC578, 1, 0, 0, 0, 0x1038, 0, 0, 0, 0) +
                                         b"\x1b]0;title\x07\0")]))
    check("control characters are not passed on", b"\x1b" not in tool.run("inspect", folder / "bell").stdout)
    plan = tool.json("plan", folder / "usual", "--memory", "5G", "--append", "quiet", "--acpi-size", "4096")
    placed = sorted((p["address"], p["size"]) for p in plan["placed"])
    check("the plan's pieces are apart", all(a + n <= b for (a, n), (b, _) in zip(placed, placed[1:])), placed)
    tool.json("host", "--root", folder)


def test_schema(tool: Tool, folder: Path, explain: Path) -> None:
    """Runs the other cases, then a validator on what they printed."""
    for case in (test_explain, test_captures, test_write, test_note, test_chain, test_errors):
        case(tool, folder, explain)
    for path in sorted((ROOT / ".cache/packages/linux-image-amd64/boot").glob("vmlinuz-*"))[:1]:
        tool.json("inspect", path)
    tool.json("inspect", folder / "usual")
    tool.json("host")
    kinds = {document["schema"] for document in tool.documents}
    names = {f"pvhboot/{path.stem}/1" for path in SCHEMAS.glob("*.json")}
    check("every schema has a document", kinds == names, kinds ^ names)
    wrong = dict(tool.documents[0], foreign=1)
    (folder / "documents").write_text(json.dumps([*tool.documents, wrong]), encoding="utf-8")
    # Debian's package is for the system's Python.
    program = ("import json, sys, jsonschema\n"
               "bad = 0\n"
               "for i, d in enumerate(json.load(open(sys.argv[1]))):\n"
               "    schema = json.load(open(f'{sys.argv[2]}/{d[\"schema\"].split(\"/\")[1]}.json'))\n"
               "    jsonschema.Draft7Validator.check_schema(schema)\n"
               "    for e in jsonschema.Draft7Validator(schema).iter_errors(d):\n"
               "        print(i, d['schema'], list(e.absolute_path), e.message[:200])\n"
               "        bad += 1\n"
               "print('errors', bad)\n")
    done = subprocess.run(["/usr/bin/python3", "-c", program, folder / "documents", SCHEMAS], capture_output=True, text=True,
                          timeout=120, check=False)
    if "No module named 'jsonschema'" in done.stderr:
        sys.exit(skip("the system's Python has no jsonschema"))
    lines = done.stdout.splitlines()
    check(f"{len(tool.documents)} documents are valid, and one with a foreign member is not",
          lines[-1:] == ["errors 1"] and lines[0].startswith(str(len(tool.documents))), done.stdout + done.stderr)


def zero_page(chain: int) -> bytes:
    """One that a boot loader has filled in: a range of RAM, and a chain of setup_data."""
    page = bytearray(4096)
    page[0x1E8] = 1  # e820_entries
    struct.pack_into("<H", page, 0x1FE, 0xAA55)
    struct.pack_into("<I", page, 0x202, 0x53726448)
    page[0x210] = 0xB0  # type_of_loader
    struct.pack_into("<Q", page, 0x250, chain)
    struct.pack_into("<QQI", page, 0x2D0, 0, 0x9FC00, 1)
    return bytes(page)


def node(following: int, kind: int, payload: bytes) -> bytes:
    return struct.pack("<QII", following, kind, len(payload)) + payload


def test_chain(tool: Tool, folder: Path, _explain: Path) -> None:
    """Zero pages in a dump, and the setup_data that hangs off them."""
    more = struct.pack("<QQI", 0x100000, 0x700000, 1)
    inner = struct.pack("<IIQQ", 0x80000009, 0, 32, 0x5000)
    pieces = [(0x10000, zero_page(0x20000)), (0x20000, node(0x20100, 9, b"seed") + bytes(236) + node(0x20200, 1, more) + bytes(220) +
                                              node(0, 0x80000000, inner))]
    (folder / "chain").write_bytes(core(pieces))
    page, = tool.json("inspect", folder / "chain")["memory"]["zero_pages"]
    check("a zero page in a dump", page["address"] == 0x10000, page["address"])
    check("its chain", [(n["address"], n["name"], n["size"]) for n in page["setup_data"]] ==
          [(0x20000, "rng_seed", 4), (0x20100, "e820_ext", 20), (0x20200, "indirect", 24)], page["setup_data"])
    fields = {f["name"]: f for f in page["fields"]}
    check("offsets of nested fields count from the page", [fields[name]["offset"] for name in ("efi_info.efi_systab", "hdr.setup_data")] ==
          [0x1C4, 0x250])
    check("every field has a meaning", all(f["meaning"] for f in page["fields"]))
    check("an indirect node", page["setup_data"][2]["indirect"] == {"type": 0x80000009, "address": 0x5000, "size": 32})
    check("its map has the nodes' ranges", [r["address"] for r in page["memory_map"]] == [0, 0x100000])
    check("the text has the chain", b"rng_seed" in tool.run("inspect", folder / "chain").stdout)
    (folder / "loop").write_bytes(core([(0x10000, zero_page(0x20000)), (0x20000, node(0x20000, 9, b""))]))
    page, = tool.json("inspect", folder / "loop")["memory"]["zero_pages"]
    check("a loop ends", len(page["setup_data"]) == 65 and "error" in page["setup_data"][-1] and "error" in page)
    (folder / "alone").write_bytes(zero_page(0x20000))
    page = tool.json("inspect", folder / "alone")["zero_page"]
    check("a page alone has its own map", len(page["memory_map"]) == 1 and "setup_data" not in page, page)
    # A bzImage that lies in memory has the same magic number, and neither a loader's type nor a map.
    image = bytearray(zero_page(0))
    image[0x210] = image[0x1E8] = 0
    (folder / "image").write_bytes(core([(0x10000, bytes(image))]))
    check("a setup header is no zero page", tool.json("inspect", folder / "image")["memory"]["zero_pages"] == [])


def big_core(path: Path, size: int, at: int) -> None:
    """A core whose memory is a hole of the file, except for the start_info at an address."""
    ident = b"\x7fELF\2\1\1" + bytes(9)
    head = ident + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    head += struct.pack("<IIQQQQQQ", 1, 0, 4096, 0, 0, size, size, 0)
    info = struct.pack("<IIIIQQQQII", 0x336EC578, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    with open(path, "wb") as file:
        file.truncate(4096 + size)
        file.write(head)
        file.seek(4096 + at)
        file.write(info)


def highest_anonymous(process: subprocess.Popen) -> int:
    """KiB of anonymous memory that a program has at most until it ends."""
    highest = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        except OSError:
            break
        match = re.search(r"RssAnon:\s+(\d+) kB", status)
        highest = max(highest, int(match[1]) if match else 0)
        time.sleep(0.02)
    return highest


def test_dump(tool: Tool, folder: Path, _explain: Path) -> None:
    size = tool.dump_size * GIB
    path = folder / "big"
    at = size - 0x100000
    big_core(path, size, at)
    took = []
    for _ in range(2):  # the first brings the file into the cache
        began = time.monotonic()
        with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as reader:
            subprocess.run(["wc", "-c"], stdin=reader.stdout, stdout=subprocess.DEVNULL, timeout=300, check=True)
        took.append(time.monotonic() - began)
    for way in ("a file", "a pipe"):
        began = time.monotonic()
        with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as reader, \
                subprocess.Popen([tool.program, "inspect", path if way == "a file" else "-", "--json"],
                                 stdin=reader.stdout, stdout=subprocess.PIPE) as process:
            if way == "a file":
                reader.kill()
            reader.stdout.close()
            highest = highest_anonymous(process)
            document = json.loads(process.stdout.read())
        seconds = time.monotonic() - began
        check(f"{way}: start_info of {tool.dump_size} GiB is found", [h["address"] for h in document["memory"]["handoffs"]] == [at])
        check(f"{way}: anonymous memory: {highest / 1024:.1f} of 64 MiB", highest < 64 * 1024)
        print(f"       {size / GIB / seconds:.1f} GiB/s; {took[1] / seconds:.2f} of the speed of wc -c through a pipe")
    test_unaligned(tool, folder)
    test_progress(tool, path)
    test_flood(tool, folder)


def test_unaligned(tool: Tool, folder: Path) -> None:
    """A start_info that crosses pages of the file and blocks of the stream, in a core whose segment begins at an odd offset."""
    for at in (4093, 4094, 4095, 4096, (1 << 20) - 2, (1 << 20) - 1):
        info = struct.pack("<IIIIQQQQII", 0x336EC578, 1, 0, 0, 0, 0, 0, 0, 0, 0)
        memory = bytearray(b"\1" * (2 << 20))
        begin = at - 121  # the segment begins at byte 121 of the file
        base = -begin % 4
        memory[begin:begin + len(info)] = info
        ident = b"\x7fELF\2\1\1" + bytes(9)
        head = ident + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        head += struct.pack("<IIQQQQQQ", 1, 0, 121, 0, base, len(memory), len(memory), 0) + b"\1"
        (folder / "odd").write_bytes(head + memory)
        for words in (["inspect", folder / "odd"], ["inspect", "-"]):
            with open(folder / "odd", "rb") as file:
                source = {"input": file.read()} if words[1] == "-" else {}
            found = [h["address"] for h in tool.json(*words, **source)["memory"]["handoffs"]]
            check(f"start_info at byte {at} of {'a pipe' if source else 'a file'}", found == [base + begin], found)


def test_progress(tool: Tool, path: Path) -> None:
    """A scan of 1 GiB says how far it is, on a terminal only."""
    master, slave = pty.openpty()
    with subprocess.Popen([tool.program, "inspect", path, "--json"], stdout=subprocess.DEVNULL, stderr=slave) as process:
        os.close(slave)
        said = b""
        with contextlib.suppress(OSError):  # the other end was closed
            while part := os.read(master, 4096):
                said += part
        check("a terminal: status", process.wait(60) == 0)
    os.close(master)
    shares = [int(n) for n in re.findall(rb"(\d+) % of", said)]
    check("a terminal: shares of the scan, then an empty line", len(shares) >= 3 and shares == sorted(shares) and
          said.rstrip(b" \r").endswith(b"MiB") and said.endswith(b"\r"), said)
    check("no terminal: nothing", tool.run("inspect", path, "--json").stderr == b"")


def test_flood(tool: Tool, folder: Path) -> None:
    info = struct.pack("<IIIIQQQQII", 0x336EC578, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    (folder / "flood").write_bytes(info * 5000)
    said = tool.run("inspect", folder / "flood", status=2).stderr.decode()
    check("a dump full of start_info", "more than 4096 places" in said and said.count("\n") == 1, said)


def test_options(tool: Tool, _folder: Path, _explain: Path) -> None:
    manual = (ROOT / "tools/pvhboot/pvhboot.1").read_text(encoding="utf-8").replace("\\", "")
    files = sorted((ROOT / "tools/pvhboot/completions").iterdir())
    completions = {path.name: path.read_text(encoding="utf-8") for path in files}
    commands = re.findall(r"^  (\w+) {2,}", tool.run("--help").stdout.decode().partition("Subcommands:")[2], re.M)
    check("commands", len(commands) == 9, commands)
    for command in commands:
        check(f"{command}: in the manual", command in manual)
        words = [command, "set"] if command == "note" else [command]
        for option in re.findall(r"--([a-z-]+)", tool.run(*words, "--help").stdout.decode().partition("Options:")[2]):
            for name, text in completions.items():
                spelled = f"-l {option}" if name.endswith(".fish") else f"--{option}"
                check(f"{command} --{option}: {name}", option == "help" or spelled in text)
    for name, shell in (("pvhboot.bash", "bash"),):
        done = subprocess.run([shell, "-n", ROOT / "tools/pvhboot/completions" / name], capture_output=True, timeout=30,
                              check=False)
        check(f"{name} is sound", done.returncode == 0, done.stderr)


CASES = {"explain": test_explain, "captures": test_captures, "write": test_write, "note": test_note, "pictures": test_pictures, "errors": test_errors,
         "options": test_options, "schema": test_schema, "chain": test_chain, "dump": test_dump}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--tool", type=Path, required=True, help="the program")
    parser.add_argument("--explain", type=Path, required=True, help="tests/images/explain")
    parser.add_argument("--size", type=int, default=1, metavar="GIB", help="dump: of the core")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as folder:
        try:
            tool = Tool(options.tool)
            tool.dump_size = options.size
            CASES[options.case](tool, Path(folder), options.explain.resolve())
        except Failed as why:
            print(f"FAILED {options.case}: {why}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
