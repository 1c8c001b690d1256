#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""./dev on a machine without the packages that it needs."""

import re
import subprocess

import support
import devtool


class Answers(support.Bare):
    """Help and lists work without any package."""

    def test_help(self) -> None:
        for words in ([], ["--help"], ["-h"], ["help"]):
            done = self.dev(*words)
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)
            listed = re.findall(r"^  (\w+) ", done.stdout, re.MULTILINE)
            self.assertEqual([name for name in listed if name != "help"], list(devtool.COMMANDS))
        self.assert_nothing_happened()

    def test_help_of_each_command(self) -> None:
        for command in devtool.COMMANDS:
            done = self.dev(command, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), command)
            self.assertIn(f"usage: ./dev {command}", done.stdout)
        self.assert_nothing_happened()

    def test_list(self) -> None:
        done = self.dev("test", "--list")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("with a configured build", done.stdout.splitlines()[0])
        self.assertIn("\nunit: tests/captures tests/unit\n", done.stdout)
        self.assert_nothing_happened()

    def test_without_python(self) -> None:
        (self.tools / "python3").unlink()
        self.become("0")
        self.assertEqual(self.dev("--help").returncode, 0)
        for words in (["boot", "--help"], ["test", "--list"]):
            done = self.dev(*words)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertEqual(done.stderr,
                             f"dev: error: ./dev {' '.join(words)} needs python3, which is not installed\n")
        self.assert_nothing_happened()

    def test_unknown_command(self) -> None:
        for word in ("tset", "", "  ", "*", "test  boot"):
            done = self.dev(word)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), word)
            self.assertIn(f"unknown command {word}: ", done.stderr)
        self.assert_nothing_happened()


class Installing(support.Bare):
    """./dev names all missing packages at once."""

    def packages(self, done: subprocess.CompletedProcess[str]) -> list[str]:
        """The packages in the command that an unprivileged user is shown."""
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 3), done)
        missing, error, command = done.stderr.splitlines()
        for what in ("g++", "meson", "ninja", "qemu-system-x86_64", "m32", "libfuzzer"):
            self.assertIn(what, re.split("[:,] ", missing))
        self.assertIn("this user cannot install packages", error)
        found = re.fullmatch(r"(?:apt-get update && )?apt-get install --no-install-recommends ([a-z0-9.+ -]+)", command)
        self.assertIsNotNone(found, command)
        self.assert_nothing_happened()
        return found[1].split()

    def test_neither_root_nor_sudo(self) -> None:
        packages = self.packages(self.dev("test"))
        self.assertEqual(packages, sorted(set(packages)))
        for package in ("g++", "meson", "ninja-build", "qemu-system-x86", "valgrind", "libc6-dev-i386"):
            self.assertIn(package, packages)
        self.assertNotIn("python3", packages)

    def test_sudo_that_refuses(self) -> None:
        self.script("sudo", f'echo "$*" >"{self.folder}/asked"; exit 1')
        self.packages(self.dev("test"))
        self.assertEqual((self.folder / "asked").read_text(encoding="utf-8"), "-n true\n")

    def test_python_is_in_the_list(self) -> None:
        (self.tools / "python3").unlink()
        self.assertIn("python3", self.packages(self.dev("test")))

    def test_root_installs_with_one_command(self) -> None:
        self.become("0")
        done = self.dev("boot")
        calls = self.calls.read_text(encoding="utf-8").splitlines()
        self.assertEqual([call.split()[2] for call in calls], ["update", "-y"], done)
        for package in ("g++", "meson", "ninja-build", "qemu-system-x86", "xz-utils", "zstd"):
            self.assertIn(f" {package}", calls[1])
        # The stub installs nothing, and ./dev detects that.
        self.assertEqual(done.returncode, 1)
        self.assertIn("these are still missing", done.stderr)

    def test_sudo_without_a_password(self) -> None:
        self.script("sudo", '[ "$1" = -n ] && exit 0; "$@"')
        self.dev("boot")
        self.assertEqual(len(self.calls.read_text(encoding="utf-8").splitlines()), 2)

    def test_python_is_installed_alone_before_options_are_checked(self) -> None:
        (self.tools / "python3").unlink()
        self.become("0")
        self.script("apt-get", f'echo "$*" >>"{self.calls}"\n'
                    f'[ "$3" = update ] || ln -s {support.PYTHON} "{self.tools}/python3"')
        done = self.dev("boot", "--memory", "256X")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done)
        calls = self.calls.read_text(encoding="utf-8").splitlines()
        self.assertEqual([call.split()[-2:] for call in calls],
                         [["-q", "update"], ["--no-install-recommends", "python3"]])


if __name__ == "__main__":
    support.main()
