#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""./dev fuzz in a copy of the project with two more harnesses: one has a finding, the other has none."""

import re
import shlex
import shutil
import subprocess
import sys

import support
import fuzz_build

STEADY = """// SPDX-License-Identifier: BSL-1.0
#include <stddef.h>
#include <stdint.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return size > 2 && data[0] == 'a' && data[1] == 'b' && data[2] == 'c' ? -1 : 0;
}
"""
BROKEN = STEADY.replace("-1 : 0", "(__builtin_trap(), 0) : 0")
NO_HARNESS = """// SPDX-License-Identifier: BSL-1.0
extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long);  // declared, not defined
"""


class Fuzz(support.Scratch):
    def setUp(self) -> None:
        super().setUp()
        if not fuzz_build.clang():
            self.skipTest("no clang++ with libFuzzer is installed")
        self.project = self.copy()
        self.sources = self.project / "examples" / "fuzz"
        for name, text in (("steady", STEADY), ("broken", BROKEN), ("declaration", NO_HARNESS)):
            (self.sources / f"{name}.cpp").write_text(text, encoding="utf-8")

    def command(self, *words: str) -> list[str]:
        return [str(support.PYTHON), "tools/devtool.py", "fuzz", *words]

    def test_harnesses_are_found_by_their_files(self) -> None:
        done = self.run_in(self.project, *self.command("--help"))
        for name in ("parse", "steady", "broken"):
            self.assertRegex(done.stdout, rf"\b{name}\b")
        for name in ("declaration", "replay"):
            self.assertIn(f"error: no harness {name}: ", self.run_in(self.project, *self.command(name)).stderr)

    def test_meson_has_no_list_of_its_own(self) -> None:
        kept = self.sources / "corpus" / "steady"
        (self.sources / "corpus" / "broken").mkdir()
        kept.mkdir()
        (kept / "one").write_bytes(b"1")
        build = str(self.folder / "build")
        # building.configure, as in ./dev, must notice a file that is added after the configuration.
        for harness in ("", "late"):
            if harness:
                (self.sources / "late.cpp").write_text(STEADY, encoding="utf-8")
            code = (f"import sys; sys.path.insert(0, {str(self.project / 'tools')!r}); import building, pathlib; "
                    f"building.configure(pathlib.Path({build!r}))")
            self.assertEqual(self.run_in(self.project, sys.executable, "-c", code).stderr, "")
        names = self.run_in(self.project, "meson", "test", "-C", build, "--list").stdout
        for name in ("fuzz_late", "fuzz_steady", "fuzz_broken", "replay_steady", "replay_parse"):
            self.assertRegex(names, rf"\b{name}\b")
        for name in ("replay_broken", "replay_late", "fuzz_declaration"):  # nothing to replay; no harness
            self.assertNotRegex(names, rf"\b{name}\b")

    def test_finding_seed_and_progress(self) -> None:
        build = self.folder / "a build"
        done = self.run_in(self.project, *self.command("steady", "broken", "--time", "4", "--seed", "5", "--build",
                                                       str(build)))
        lines = done.stdout.splitlines()
        self.assertEqual((done.returncode, lines[-1]),
                         (1, "fuzz: 1 harnesses ran for 4 s without a finding, 1 failed"), done)
        for name in ("steady", "broken"):
            self.assertIn(f"{name}: there is no corpus yet: made examples/fuzz/corpus/{name}", lines)
            self.assertTrue((self.sources / "corpus" / name).is_dir())
            self.assertIn(f"{name}: seed 5 (again: ./dev fuzz {name} --seed 5 --time 4)", lines)
        status = r"steady: \d+ execs/s, coverage \d+, corpus \d+"
        self.assertTrue(any(re.search(status, line) for line in lines), lines)
        self.assertTrue(any(line.startswith("steady: Done ") for line in lines))
        # The command that replays the finding, run by a shell in another folder.
        command = next(line for line in lines if line.startswith("broken: replay: ")).removeprefix("broken: replay: ")
        self.assertEqual((build / "broken" / "findings"), support.Path(shlex.split(command)[-1]).parent)
        self.assertTrue(support.Path(shlex.split(command)[-1]).read_bytes().startswith(b"abc"))
        again = subprocess.run(command, shell=True, cwd="/", capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("ERROR: libFuzzer: deadly signal", again.stderr)

    def test_live_line_on_a_terminal(self) -> None:
        status, printed = support.on_terminal(self.command("steady", "--time", "3"), self.project)
        self.assertEqual(status, 0, printed)
        seeds = re.findall(r"steady: seed (\d+) ", printed)
        self.assertEqual(len(seeds), 1)
        updates = [text for text in printed.split("\r\x1b[K") if re.match(r"\d+ s  steady: \d+ execs/s", text)]
        self.assertGreaterEqual(len(updates), 2, printed)
        self.assertNotIn("\n", "".join(updates))


if __name__ == "__main__":
    support.main()
