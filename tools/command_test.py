# SPDX-License-Identifier: BSL-1.0
"""Build and run the tests, all of them or the named suites. The last line counts them.

The suite "style" runs clang-format and clang-tidy.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import building
import values
from lab import ROOT, LabError, packages, xen_packages

PASSED = ("OK", "EXPECTEDFAIL")
LAB_SUITES = ("boot", "abi")  # these need the kernel and busybox from the cache
FULL = "full"  # the suite, and Meson's test setup, of tests that take too long for every run
EXPECTED_SKIPS = ROOT / "tests" / "expected_skips.txt"
LIMIT = 3000  # seconds for all tests
LIMIT_FULL = 4 * 3600


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="only these suites (--list shows them)")
    parser.add_argument("--list", action="store_true", help="list suites and tests; needs python3 only")
    parser.add_argument("--full", action="store_true", help="run the tests of the suite full as well, which take long")
    parser.add_argument("--build", type=values.folder, default=building.BUILD, metavar="FOLDER", help="build folder")


def check(options: argparse.Namespace) -> None:
    known = stated_suites()
    unknown = [suite for suite in options.suites if suite not in known]
    if unknown:
        raise LabError(f"unknown suite {', '.join(unknown)}: there are {', '.join(sorted(known))}")
    if not options.list:
        values.file_named_by("PVHBOOT_KERNEL")
        values.file_named_by("PVHBOOT_BUSYBOX")


def needs(options: argparse.Namespace) -> bool:
    return not options.list


def run(options: argparse.Namespace) -> int:
    if options.list:
        print(listing(options.build))
        return 0
    began = time.monotonic()
    building.configure(options.build)
    tests = introspect(options.build, "tests")
    chosen, left = choose(tests, options.suites, options.full)
    if not chosen:
        raise LabError(f"no test belongs to {', '.join(options.suites)}")
    print("test: building", flush=True)
    building.compile_all(options.build, None if not options.suites else targets_of(options.build, chosen))
    if any(suite in LAB_SUITES for test in chosen for suite in suites_of(test)):
        packages.kernel()
        packages.busybox()
        with contextlib.suppress(xen_packages.Unavailable):  # the tests that need it are skipped, with the reason
            xen_packages.provide()
    print(f"test: built in {time.monotonic() - began:.0f} s, running", flush=True)
    if left:
        print(f"test: {len(left)} test{'s' * (len(left) != 1)} left to --full", flush=True)
    results = run_meson(options.build, options.suites, options.full, show_output=len(chosen) == 1)
    return summary(results, expected_skips(EXPECTED_SKIPS), is_debian_12())


def stated_suites() -> dict[str, list[str]]:
    """The suites and the folders of their tests, from the text of the meson.build files: this needs no Meson."""
    found: dict[str, list[str]] = {FULL: []}
    for folder in ("examples", "tests"):
        for path in sorted((ROOT / folder).rglob("meson.build")):
            for value in re.findall(r"\bsuite:\s*(\[[^\]]*\]|'[^']*')", path.read_text(encoding="utf-8")):
                for suite in re.findall(r"'([^']*)'", value):
                    places = found.setdefault(suite, [])
                    place = str(path.parent.relative_to(ROOT))
                    if place not in places:
                        places.append(place)
    return found


def listing(build: Path) -> str:
    """The tests of each suite if a build is configured, else the folders of each suite."""
    if (build / "build.ninja").exists() and shutil.which("meson"):
        with contextlib.suppress(LabError):
            return "\n".join([f"suites and their tests, from the build in {build}:", *by_suite(build)])
    rows = [f"{suite}: {' '.join(folders) or '(none yet)'}" for suite, folders in sorted(stated_suites().items())]
    return "\n".join(["suites and their folders; with a configured build, this lists the tests:", *rows])


def by_suite(build: Path) -> list[str]:
    found: dict[str, list[str]] = {}
    for test in introspect(build, "tests"):
        for suite in suites_of(test):
            found.setdefault(suite, []).append(test["name"])
    return [f"{suite}: {' '.join(names)}" for suite, names in sorted(found.items())]


def introspect(build: Path, what: str) -> list[dict]:
    done = subprocess.run(["meson", "introspect", f"--{what}", str(build)], capture_output=True, text=True, timeout=120,
                          check=False)
    if done.returncode:
        raise LabError(f"meson introspect failed: {done.stdout.strip()} {done.stderr.strip()}")
    return json.loads(done.stdout)


def suites_of(test: dict) -> list[str]:
    """The suites of a test, without the project's prefix."""
    return [suite.rpartition(":")[2] for suite in test["suite"]]


def choose(tests: list[dict], suites: list[str], full: bool) -> tuple[list[dict], list[dict]]:
    """The tests to run, and those that only --full adds to them."""
    chosen = [test for test in tests if not suites or set(suites) & set(suites_of(test))]
    left = [] if full or FULL in suites else [test for test in chosen if FULL in suites_of(test)]
    return [test for test in chosen if test not in left], left


def targets_of(build: Path, tests: list[dict]) -> list[str]:
    """The ninja targets of the tests, which `meson test` would build."""
    wanted = {target for test in tests for target in test["depends"]}
    files = [name for target in introspect(build, "targets") if target["id"] in wanted for name in target["filename"]]
    return [os.path.relpath(name, os.path.realpath(build)) for name in files] or ["build.ninja"]


def run_meson(build: Path, suites: list[str], full: bool, show_output: bool = False) -> list[dict]:
    """Run the tests. Return Meson's records, one for each test. A test that runs alone can show what it prints."""
    command = ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs"]
    log = build / "meson-logs" / "testlog.json"
    if full or FULL in suites:
        command += ["--setup", FULL]
        log = log.with_stem(f"{log.stem}-{FULL}")
    else:
        command += ["--no-suite", FULL]
    if show_output:
        command.append("--verbose")
    for suite in suites:
        command += ["--suite", suite]
    log.unlink(missing_ok=True)
    limit = LIMIT_FULL if full else LIMIT
    try:  # Meson ends each test at its timeout; this limit is for Meson.
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=limit, check=False)
    except subprocess.TimeoutExpired as why:
        raise LabError(f"the tests did not end within {limit} s") from why
    if not log.exists():
        raise LabError("meson test left no log")
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line]


def expected_skips(path: Path) -> dict[str, re.Pattern]:
    """The reason for which a test may be skipped, by the name of the test."""
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, reason = line.partition(": ")
        try:
            found[name] = re.compile(reason)
        except re.error as why:
            raise LabError(f"{path.name}:{number}: not a regular expression: {why}") from why
        if not colon or not reason:
            raise LabError(f"{path.name}:{number}: not of the form NAME: REASON")
    return found


def is_debian_12(release: Path = Path("/etc/os-release")) -> bool:
    """Whether ./dev can install everything that the tests need on this system, so that every skip is known."""
    if not release.exists():
        return False
    lines = [line.replace('"', "").strip() for line in release.read_text(encoding="utf-8").splitlines()]
    return "ID=debian" in lines and "VERSION_ID=12" in lines


def summary(results: list[dict], expected: dict[str, re.Pattern], strict: bool) -> int:
    """Print what did not pass, then the counts. With `strict` an unexpected skip counts as failed."""
    if not results:
        raise LabError("no test was run")
    passed, failed, skipped = 0, [], []
    for result in results:
        name, reason = name_of(result), last_line(result)
        pattern = expected.get(name.rpartition(" / ")[2])
        if result["result"] in PASSED:
            passed += 1
        elif result["result"] != "SKIP":
            failed.append(f"{name} ({result['result'].lower()})")
        elif strict and not (pattern and pattern.search(reason)):
            failed.append(f"{name} (skipped, which {EXPECTED_SKIPS.name} does not expect): {reason}")
        else:
            skipped.append(f"{name}: {reason}")
    print()
    for text in skipped:
        print(f"skipped: {text}")
    for text in failed:
        print(f"failed: {text}")
    print(f"{passed} passed, {len(failed)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed else 0


def name_of(result: dict) -> str:
    """The "suite / name" in Meson's "project:suite / name"."""
    return result["name"].rpartition(":")[2]


def last_line(result: dict) -> str:
    lines = (result.get("stdout") or "").strip().splitlines() or (result.get("stderr") or "").strip().splitlines()
    return lines[-1] if lines else "no reason given"
