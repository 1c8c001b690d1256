# SPDX-License-Identifier: BSL-1.0
"""Build examples/vmm and boot a kernel with it: on /dev/kvm if that works, else inside a machine that QEMU emulates.

On a terminal, Ctrl-A x ends the guest.
"""

import argparse
import shlex
import subprocess
import tempfile
from pathlib import Path

import building
from lab import LabError, boot, cpio, inputs, nested, qemu

VMM = Path("examples/vmm/vmm")
WAYS = ("pvh-loader", "linux32", "linux64")
PROBE_LIMIT = 20  # seconds


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kernel", type=Path, metavar="FILE", required=True,
                        help="an ELF kernel with a PHYS32_ENTRY note, or a Linux bzImage")
    parser.add_argument("--initrd", type=Path, metavar="FILE", help="the first module")
    parser.add_argument("--module", action="append", default=[], metavar="FILE[=CMDLINE]", help="another module")
    parser.add_argument("--memory", default="256M", metavar="SIZE", help="such as 512M or 5G (default: 256M)")
    parser.add_argument("--cpus", type=int, default=1, metavar="N", help="number of CPUs (default: 1)")
    parser.add_argument("--append", default="", metavar="TEXT", help="the command line")
    parser.add_argument("--via", choices=WAYS, help="how a bzImage is booted (default: by examples/chainload)")
    parser.add_argument("--loader", type=Path, metavar="FILE", help="another boot loader for --via pvh-loader")
    parser.add_argument("--kaslr", action="store_true", help="load the kernel at a random base that its note allows")
    parser.add_argument("--debug-exit", action="store_true", help="a byte written to port 0xf4 ends the guest")
    parser.add_argument("--dump-handoff", type=Path, metavar="FILE", help="write the handoff to a file")
    parser.add_argument("--describe", action="store_true", help="print the plan as JSON and boot nothing")
    parser.add_argument("--nested", action="store_true", help="do not try /dev/kvm")


def check(options: argparse.Namespace) -> None:
    inputs.kernel(options.kernel, "--kernel", direct=True)
    if options.initrd:
        inputs.initrd(options.initrd, "--initrd")
    for name in options.module:
        inputs.beginning(Path(name.partition("=")[0]), "--module")
    if options.loader:
        inputs.beginning(options.loader, "--loader")
    qemu.check_memory_size(options.memory)
    if not 1 <= options.cpus <= 64:
        raise LabError(f"--cpus: {options.cpus} is not a number of CPUs from 1 to 64")


def run(options: argparse.Namespace) -> int:
    building.configure(options=building.EXAMPLES)
    building.compile_all(targets=[str(VMM), str(boot.CHAINLOAD)])
    return launch(building.BUILD / VMM, options)


def launch(vmm: Path, options: argparse.Namespace) -> int:
    """Run the program where it can, and return its exit status."""
    if options.describe:
        return subprocess.run([vmm, *words(options, {})], check=False).returncode
    reason = "--nested was given" if options.nested else missing_kvm(vmm)
    if not reason:
        print("vmm: runs on /dev/kvm", flush=True)
        return subprocess.run([vmm, *words(options, {})], check=False).returncode
    print(f"vmm: runs inside a machine that QEMU emulates ({reason})", flush=True)
    if options.dump_handoff:
        raise LabError("--dump-handoff: there the file is lost: give --describe as well")
    return launch_nested(vmm, options)


def missing_kvm(vmm: Path) -> str:
    """Why /dev/kvm does not do; empty if a guest ran on it."""
    try:
        done = subprocess.run([vmm, "--probe"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PROBE_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"the probe of /dev/kvm did not end within {PROBE_LIMIT} s"
    return "" if done.returncode == 0 else done.stderr.strip().rpartition("\n")[2].removeprefix("vmm: ")


def words(options: argparse.Namespace, names: dict[Path, str]) -> list[str]:
    """The options for vmm. `names` replaces the names of files."""
    def name(path: Path) -> str:
        return names.get(path, str(path))

    found = ["--kernel", name(options.kernel), "--memory", options.memory, "--cpus", str(options.cpus)]
    for option in ("initrd", "loader", "dump_handoff"):
        if path := getattr(options, option):
            found += [f"--{option.replace('_', '-')}", name(path)]
    for module in options.module:
        path, equals, cmdline = module.partition("=")
        found += ["--module", name(Path(path)) + equals + cmdline]
    if options.append:
        found += [f"--append={options.append}"]
    if options.via:
        found += ["--via", options.via]
    return found + [f"--{flag}" for flag in ("kaslr", "debug-exit", "describe") if getattr(options, flag.replace("-", "_"))]


def launch_nested(vmm: Path, options: argparse.Namespace) -> int:
    paths = [path for path in (options.kernel, options.initrd, options.loader) if path]
    paths += [Path(module.partition("=")[0]) for module in options.module]
    names = {path: f"{number}-{path.name}" for number, path in enumerate(paths)}
    files = {"vmm": vmm.read_bytes(), **{name: path.read_bytes() for path, name in names.items()}}
    chainload = vmm.parent.parent / "chainload" / "chainload.elf"
    if chainload.exists():
        files["chainload.elf"] = chainload.read_bytes()
    return run_on_console(shlex.join(["./vmm", *words(options, names)]), files)


def run_on_console(command: str, files: dict[str, bytes]) -> int:
    """Run a command of the shell in the emulated machine, whose console is this terminal."""
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        module, status = Path(scratch) / "initramfs", Path(scratch) / "status"
        module.write_bytes(nested.initramfs(nested.ONE, cpio.Entry("command", command.encode()), files))
        machine = nested.machine(module)
        serial = machine.command().index("-serial")
        words_of_qemu = machine.command()
        # Without signal=off, Ctrl-C would end QEMU instead of reaching the guest.
        words_of_qemu[serial:serial + 2] = ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
        done = subprocess.run([*words_of_qemu, "-debugcon", f"file:{status}"], check=False)
        if done.returncode:
            raise LabError(f"QEMU ended with status {done.returncode}")
        byte = status.read_bytes()
    if not byte:
        raise LabError("the emulated machine ended before the guest did")
    return byte[-1]
