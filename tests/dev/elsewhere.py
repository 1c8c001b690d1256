#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""./dev in a folder with spaces in its path, called from another folder by an unprivileged user."""

import os
import subprocess

import support

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
SUITES = ("link", "docs")  # these need the linker script, every compiler, Python and the list of tests


class Elsewhere(support.Scratch):
    def setUp(self) -> None:
        super().setUp()
        self.project = self.copy("a path with  spaces/and 'quotes'")
        self.user: dict = {}
        if os.geteuid() == 0:
            self.user = {"user": support.UNPRIVILEGED, "group": support.UNPRIVILEGED, "extra_groups": []}
            for place, folders, files in os.walk(self.folder):
                for name in [place, *(os.path.join(place, name) for name in folders + files)]:
                    os.chown(name, support.UNPRIVILEGED, support.UNPRIVILEGED, follow_symlinks=False)

    def dev(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": PATH, "HOME": str(self.folder), "LANG": "C.UTF-8"}
        return subprocess.run([str(self.project / "dev"), *words], cwd=self.folder, env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=250, check=False,
                              **self.user)

    def test_build_and_run(self) -> None:
        done = self.dev("test", *SUITES)
        if "missing on this machine" in done.stderr:
            self.skipTest(f"packages are missing: {done.stderr.splitlines()[0]}")
        self.assertRegex(done.stdout.splitlines()[-1], r"^[1-9]\d* passed, 0 failed(, \d+ skipped)?$", done)
        self.assertEqual(done.returncode, 0)
        # The build is in the copy.
        self.assertTrue((self.project / "build" / "examples" / "chainload" / "chainload.elf").exists())
        listed = self.dev("test", "--list").stdout
        self.assertIn(str(self.project / "build"), listed.splitlines()[0])
        self.assertRegex(listed, r"(?m)^link: .*\bchainload\b")

    def test_help_and_refusal(self) -> None:
        self.assertEqual(self.dev("boot", "--help").returncode, 0)
        refused = self.dev("boot", "--kernel", "no such file")
        self.assertEqual((refused.returncode, refused.stderr), (2, "error: --kernel: no such file: no such file\n"))


if __name__ == "__main__":
    support.main()
