#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""./dev test: the selection of tests, the option --full, and expected skips."""

import contextlib
import io
import re
import shutil
import subprocess
import unittest

import support
import command_test
from lab import LabError

# A small project: quick tests, one for --full only, and two that are skipped.
PROJECT = """
project('small', meson_version: '>=1.0.0')
sh = find_program('sh')
add_test_setup('quick', exclude_suites: 'full', is_default: true)
add_test_setup('full')
test('short', sh, suite: 'unit', args: ['-c', 'exit 0'])
test('long', sh, suite: ['unit', 'full'], args: ['-c', 'exit 0'])
test('other', sh, suite: 'odd', args: ['-c', 'exit 0'])
test('known-skip', sh, suite: 'odd', args: ['-c', 'echo "no such thing"; exit 77'])
test('other-skip', sh, suite: 'odd', args: ['-c', 'echo "forgotten"; exit 77'])
"""


def record(name: str, result: str, stdout: str = "") -> dict:
    return {"name": f"pvhboot:{name}", "result": result, "stdout": stdout}


def summary(*results: dict, strict: bool = True) -> tuple[int, list[str]]:
    expected = {"host": re.compile("no file '/sys/.*'")}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = command_test.summary(list(results), expected, strict)
    return status, printed.getvalue().strip().splitlines()


class Summary(unittest.TestCase):
    """The last line and the exit status."""

    def test_passed_and_failed(self) -> None:
        self.assertEqual(summary(record("unit / a", "OK"), record("unit / b", "EXPECTEDFAIL")),
                         (0, ["2 passed, 0 failed"]))
        self.assertEqual(summary(record("unit / a", "OK"), record("unit / b", "TIMEOUT")),
                         (1, ["failed: unit / b (timeout)", "1 passed, 1 failed"]))
        self.assertRaises(LabError, summary)

    def test_expected_skip(self) -> None:
        for name in ("boot / host", "boot+full / host", "host"):
            status, lines = summary(record(name, "SKIP", "searching\nskipped: no file '/sys/x'\n"))
            self.assertEqual((status, lines[-1]), (0, "0 passed, 0 failed, 1 skipped"))
            self.assertIn("skipped: no file '/sys/x'", lines[0])

    def test_other_skips_fail_where_everything_can_be_installed(self) -> None:
        for name, reason in (("boot / host", "no reason"), ("boot / other", "no file '/sys/x'"), ("boot / host", "")):
            for strict, wanted, count in ((True, 1, "0 passed, 1 failed"), (False, 0, "0 passed, 0 failed, 1 skipped")):
                status, lines = summary(record(name, "SKIP", reason), strict=strict)
                self.assertEqual((status, lines[-1], len(lines)), (wanted, count, 2))
                self.assertIn(name, lines[0])

    def test_an_expected_skip_that_fails_has_failed(self) -> None:
        self.assertEqual(summary(record("boot / host", "FAIL", "no file '/sys/x'"))[0], 1)


class Lists(support.Scratch):
    def test_the_committed_list(self) -> None:
        expected = command_test.expected_skips(command_test.EXPECTED_SKIPS)
        names = {test["name"] for test in command_test.introspect(support.BUILD, "tests")}
        self.assertLessEqual(set(expected), names, "there is no such test")
        reason = "skipped: this machine does not show its zero page: [Errno 2] No such file or directory: "
        self.assertTrue(expected["host-zero-page"].search(f"{reason}'/sys/kernel/boot_params/data'"))
        self.assertFalse(expected["host-zero-page"].search(f"{reason}'/sys/firmware/memmap'"))

    def test_a_bad_list(self) -> None:
        path = self.folder / "skips.txt"
        for line, fault in (("host", "not of the form NAME: REASON"), ("host: ", "not of the form NAME: REASON"),
                            ("host: (", "not a regular expression")):
            path.write_text(f"# reasons\n\n{line}\n", encoding="utf-8")
            with self.assertRaisesRegex(LabError, rf"^skips.txt:3: {fault}"):
                command_test.expected_skips(path)

    def test_debian_12(self) -> None:
        path = self.folder / "os-release"
        for text, wanted in (('ID=debian\nVERSION_ID="12"\n', True), ('VERSION_ID=12\nID="debian"', True),
                             ('ID=debian\nVERSION_ID="13"\n', False), ('ID=debian\n', False),
                             ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="12"\n', False)):
            path.write_text(text, encoding="utf-8")
            self.assertIs(command_test.is_debian_12(path), wanted, text)
        self.assertFalse(command_test.is_debian_12(self.folder / "nothing"))


class Suites(support.Scratch):
    def test_stated_suites_are_those_of_the_build(self) -> None:
        # Without Meson the suites are read from the text of its files, in the common notation only.
        tests = command_test.introspect(support.BUILD, "tests")
        built = {suite for test in tests for suite in command_test.suites_of(test)}
        self.assertLessEqual(built, set(command_test.stated_suites()))
        self.assertIn("dev", built)

    def test_list_of_a_configured_build(self) -> None:
        lines = command_test.listing(support.BUILD).splitlines()
        self.assertIn(str(support.BUILD), lines[0])
        self.assertIn("dev-testing", next(line for line in lines if line.startswith("dev: ")).split())

    def test_list_without_a_build(self) -> None:
        lines = command_test.listing(self.folder / "nothing").splitlines()
        self.assertIn("with a configured build", lines[0])
        self.assertIn("dev: tests/dev", lines)


class Full(support.Scratch):
    """The option --full with Meson."""

    def setUp(self) -> None:
        super().setUp()
        (self.folder / "meson.build").write_text(PROJECT, encoding="utf-8")
        self.build = self.folder / "build"
        subprocess.run(["meson", "setup", str(self.build), str(self.folder)], env=support.clean(), check=True,
                       capture_output=True, timeout=60)

    def ran(self, suites: list[str], full: bool) -> tuple[set[str], int]:
        tests = command_test.introspect(self.build, "tests")
        chosen, left = command_test.choose(tests, suites, full)
        results = command_test.run_meson(self.build, suites, full)
        self.assertEqual({command_test.name_of(result).rpartition(" / ")[2] for result in results},
                         {test["name"] for test in chosen})
        return {test["name"] for test in chosen}, len(left)

    def test_who_runs(self) -> None:
        odd = {"other", "known-skip", "other-skip"}
        self.assertEqual(self.ran([], False), (odd | {"short"}, 1))
        self.assertEqual(self.ran([], True), (odd | {"short", "long"}, 0))
        self.assertEqual(self.ran(["unit"], False), ({"short"}, 1))
        self.assertEqual(self.ran(["unit"], True), ({"short", "long"}, 0))
        self.assertEqual(self.ran(["full"], False), ({"long"}, 0))
        self.assertEqual(self.ran(["odd"], False), (odd, 0))

    def test_plain_meson_leaves_it_out_too(self) -> None:
        done = subprocess.run(["meson", "test", "-C", str(self.build)], capture_output=True, text=True, timeout=60,
                              env=support.clean(), check=False)
        self.assertRegex(done.stdout, r"Ok: +2\b")

    def test_the_project_has_both_setups(self) -> None:
        # `meson test` uses the default setup, which must exclude the suite.
        source = (support.ROOT / "meson.build").read_text(encoding="utf-8")
        self.assertIn("add_test_setup('quick', exclude_suites: 'full', is_default: true)", source)
        self.assertIn("add_test_setup('full')", source)


class WholeCommand(support.Scratch):
    """`./dev test` in a copy of the project with the tests of the small one."""

    def setUp(self) -> None:
        super().setUp()
        self.project = self.copy()
        shutil.rmtree(self.project / "tests")
        for folder in ("tests", "examples"):
            (self.project / folder).mkdir(exist_ok=True)
            (self.project / folder / "meson.build").write_text("", encoding="utf-8")
        (self.project / "meson_options.txt").write_text(
            "option('tests', type: 'feature')\noption('examples', type: 'feature')\noption('tool', type: 'feature')\n", encoding="utf-8")
        (self.project / "meson.build").write_text(PROJECT, encoding="utf-8")
        # The suites are read from this file.
        (self.project / "tests" / "meson.build").write_text(
            "\n".join(line for line in PROJECT.splitlines() if line.startswith("test(")), encoding="utf-8")
        (self.project / "tests" / "expected_skips.txt").write_text("known-skip: no such\n", encoding="utf-8")

    def run_tests(self, *words: str) -> tuple[int, list[str]]:
        done = self.run_in(self.project, "python3", "tools/devtool.py", "test", *words)
        return done.returncode, done.stdout.splitlines()

    def test_lines(self) -> None:
        status, lines = self.run_tests("unit")
        self.assertEqual((status, lines[-1]), (0, "1 passed, 0 failed"), lines)
        self.assertIn("test: 1 test left to --full", lines)
        status, lines = self.run_tests("unit", "--full")
        self.assertEqual((status, lines[-1]), (0, "2 passed, 0 failed"), lines)
        self.assertFalse([line for line in lines if "--full" in line and line.startswith("test:")])
        self.assertFalse([line for line in lines if "passed" in line][:-1], "one line counts")

    def test_skips(self) -> None:
        strict = command_test.is_debian_12()
        status, lines = self.run_tests("odd")
        self.assertEqual(status, 1 if strict else 0)
        self.assertIn("skipped: odd / known-skip: no such thing", lines)
        self.assertEqual(lines[-1], "1 passed, 1 failed, 1 skipped" if strict else "1 passed, 0 failed, 2 skipped")


if __name__ == "__main__":
    support.main()
