# SPDX-License-Identifier: BSL-1.0
"""Build everything and run the tests, all of them or the named suites; the last line counts them.

Format and clang-tidy are tests too, of the suite "style".
"""

import argparse
import contextlib
import json
import subprocess
import time
from pathlib import Path

import building
from lab import LabError, packages, xen_packages

PASSED = ("OK", "EXPECTEDFAIL")
LAB_SUITES = ("boot", "abi")  # those that need the cached kernel and busybox


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="only these suites (--list tells their names)")
    parser.add_argument("--list", action="store_true", help="list suites and tests")
    parser.add_argument("--build", type=Path, default=building.BUILD, metavar="FOLDER", help="build folder")


def run(options: argparse.Namespace) -> int:
    began = time.monotonic()
    building.configure(options.build)
    known = suites_of(options.build)
    if options.list:
        for suite, tests in sorted(known.items()):
            print(f"{suite}: {' '.join(tests)}")
        return 0
    unknown = [suite for suite in options.suites if suite not in known]
    if unknown:
        raise LabError(f"unknown suite {', '.join(unknown)}: there are {', '.join(sorted(known))}")
    print("test: building", flush=True)
    building.compile_all(options.build)
    if any(suite in (options.suites or known) for suite in LAB_SUITES):
        packages.kernel()
        packages.busybox()
        with contextlib.suppress(xen_packages.Unavailable):  # the tests that want it tell why they are skipped
            xen_packages.provide()
    print(f"test: built after {time.monotonic() - began:.0f} s, now running", flush=True)
    results = run_meson(options.build, options.suites)
    return summary(results)


def suites_of(build: Path) -> dict[str, list[str]]:
    """Suite names, without the project's prefix, and the tests in them."""
    done = subprocess.run(["meson", "introspect", "--tests", str(build)], capture_output=True, text=True, timeout=120,
                          check=False)
    if done.returncode:
        raise LabError(f"meson introspect failed: {done.stdout.strip()} {done.stderr.strip()}")
    found: dict[str, list[str]] = {}
    for test in json.loads(done.stdout):
        for suite in test["suite"]:
            found.setdefault(suite.rpartition(":")[2], []).append(test["name"])
    return found


def run_meson(build: Path, suites: list[str]) -> list[dict]:
    """The records of meson's own log, one a test."""
    log = build / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs"]
    for suite in suites:
        command += ["--suite", suite]
    # Meson ends each test at its own timeout; this one is for Meson itself.
    subprocess.run(command, stdin=subprocess.DEVNULL, timeout=3000, check=False)
    if not log.exists():
        raise LabError("meson test left no log")
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line]


def summary(results: list[dict]) -> int:
    passed = sum(r["result"] in PASSED for r in results)
    skipped = [r for r in results if r["result"] == "SKIP"]
    failed = [r for r in results if r["result"] not in PASSED and r["result"] != "SKIP"]
    print()
    for result in skipped:
        print(f"skipped: {name_of(result)}: {last_line(result)}")
    for result in failed:
        print(f"failed: {name_of(result)} ({result['result'].lower()})")
    if not results:
        raise LabError("no test was run")
    print(f"{passed} passed, {len(failed)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed else 0


def name_of(result: dict) -> str:
    """Meson's "project:suite / name", or only a name when there is one suite, as "suite / name"."""
    return result["name"].rpartition(":")[2]


def last_line(result: dict) -> str:
    lines = (result.get("stdout") or "").strip().splitlines() or (result.get("stderr") or "").strip().splitlines()
    return lines[-1] if lines else "no reason given"
