#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""./dev refuses bad values in one sentence, before it installs, builds or downloads anything."""

import support

# A command line, and the beginning of the error. The stub of apt-get would record an install.
REFUSED = (
    ("test nowhere", "unknown suite nowhere: there are "),
    ("test unit nowhere other", "unknown suite nowhere, other: there are "),
    ("test --list nowhere", "unknown suite nowhere: there are "),
    ("test --build README.md", "--build: 'README.md' is not a folder"),
    ("test --fast", "unrecognized arguments: --fast"),
    ("boot --machine x86", "--machine: invalid choice: 'x86' (choose from "),
    ("boot --accel hvf", "--accel: invalid choice: 'hvf' (choose from "),
    ("boot --memory 256X", "invalid memory size '256X'"),
    ("boot --memory 0", "invalid memory size '0'"),
    ("boot --memory -1G", "invalid memory size '-1G'"),
    ("boot --memory 1.5G", "invalid memory size '1.5G'"),
    ("boot --xen --memory 256X", "invalid memory size '256X'"),
    ("boot --xen --memory 5G", "a domain of 5120 MiB does not fit"),
    ("boot --xen --direct", "--xen allows only "),
    ("boot --xen --machine pc", "--xen allows only "),
    ("boot --timeout -5", "--timeout: '-5' is not a time"),
    ("boot --timeout 0", "--timeout: '0' is not a time"),
    ("boot --timeout nan", "--timeout: 'nan' is not a time"),
    ("boot --timeout inf", "--timeout: 'inf' is not a time"),
    ("boot --timeout soon", "--timeout: 'soon' is not a time"),
    ("boot --kernel nothing", "--kernel: no such file: nothing"),
    ("boot --kernel include", "--kernel: include is a folder"),
    ("boot --xen --initrd nothing", "--initrd: no such file: nothing"),
    ("vmm", "the following arguments are required: --kernel"),
    ("vmm --kernel nothing", "--kernel: no such file: nothing"),
    ("vmm --kernel README.md --initrd nothing", "--initrd: no such file: nothing"),
    ("vmm --kernel README.md --module nothing=words", "--module: no such file: nothing"),
    ("vmm --kernel README.md --loader include", "--loader: include is a folder"),
    ("vmm --kernel README.md --memory 1.5G", "invalid memory size '1.5G'"),
    ("vmm --kernel README.md --cpus 0", "--cpus: 0 is not a number of CPUs from 1 to 64"),
    ("vmm --kernel README.md --cpus 65", "--cpus: 65 is not a number of CPUs from 1 to 64"),
    ("vmm --kernel README.md --via uefi", "--via: invalid choice: 'uefi' (choose from "),
    ("fuzz nothing", "no harness nothing: there are "),
    ("fuzz replay", "no harness replay: there are "),
    ("fuzz --time 0", "--time: '0' is not a time"),
    ("fuzz --time -1", "--time: '-1' is not a time"),
    ("fuzz --time 1.5", "--time: '1.5' is not a time"),
    ("fuzz --time 99999999999999999999999", "--time: '99999999999999999999999' is not a time"),
    ("fuzz --jobs 0", "--jobs: '0' is not a number of jobs"),
    ("fuzz --engine afl --sanitizer memory", "--engine afl has no --sanitizer memory"),
    ("fuzz --engine afl --minimize", "--minimize needs --engine libfuzzer"),
    ("fuzz --seed 0", "--seed: '0' is not a seed"),
    ("fuzz --seed 4294967296", "--seed: '4294967296' is not a seed"),
    ("matrix g++-2", "no compiler or machine g++-2: there are "),
    ("lint nothing.hpp", "no header and no example ends with nothing.hpp"),
    ("format all", "unrecognized arguments: all"),
    ("bench --fast", "unrecognized arguments: --fast"),
    ("mutate --sample 0", "--sample: '0' is not a number of mutants"),
    ("mutate --header core/nothing.hpp", "--header: no such header: core/nothing.hpp"),
    ("mutate --log include", "--log: include is a folder"),
    ("coverage boot", "what: invalid choice: 'boot' (choose from "),
    ("coverage --html README.md", "--html: 'README.md' is not a folder"),
)


class Refused(support.Bare):
    def setUp(self) -> None:
        super().setUp()
        self.become("0")

    def refused(self, line: str, sentence: str, **environment: str) -> None:
        with self.subTest(line):
            words = line.replace("--memory -", "--memory=-").split()
            done = self.dev(*words, **environment)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done)
            self.assertTrue(done.stderr.startswith(f"error: {sentence}"), done.stderr)
            self.assert_nothing_happened()

    def test_values(self) -> None:
        for line, sentence in REFUSED:
            self.refused(line, sentence)

    def test_environment(self) -> None:
        for command in ("boot", "test boot"):
            for variable in ("PVHBOOT_KERNEL", "PVHBOOT_BUSYBOX"):
                self.refused(command, f"${variable}: no such file: nothing", **{variable: "nothing"})

    def test_good_values_get_further(self) -> None:
        for line in ("boot --memory 5G --machine pc --timeout 0.5 --kernel README.md", "boot --xen --memory 768M",
                     "vmm --kernel README.md --memory 5G --cpus 64 --kaslr",
                     "test unit boot", "fuzz parse --time 1 --seed 4294967295", "lint parse.hpp", "matrix m32"):
            with self.subTest(line):
                self.calls.write_text("", encoding="utf-8")
                done = self.dev(*line.split())
                self.assertEqual(done.returncode, 1)
                self.assertIn("update", self.calls.read_text(encoding="utf-8"))


if __name__ == "__main__":
    support.main()
