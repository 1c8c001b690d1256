# SPDX-License-Identifier: BSL-1.0
"""Which versions find_package accepts, for this version of the library and for later ones."""

from pathlib import Path

from steps import Failure, copy_sources, run

# The versions that are installed, and what they are asked for. An answer is true if the version is compatible.
ANSWERS = {
    "0.1.0": {"0": True, "0.1": True, "0.1.0": True, "0.1.0 EXACT": True, "0.1 EXACT": True, "0.1.1": False, "0.2": False,
              "1": False, "0.0": False, "0.1...0.3": True, "0.0.1...<0.1": False, "0.1.1...0.3": False},
    "0.3.2": {"0": True, "0.1": False, "0.3": True, "0.3.2": True, "0.3.3": False, "0.3.1 EXACT": False, "0.4": False,
              "0.1...0.3": False, "0.1...0.4": True},
    "1.2.3": {"0": False, "0.1": False, "1": True, "1.1": True, "1.2.3": True, "1.3": False, "2": False, "0.1...1.9": True},
    "10.0.1": {"1": False, "10": True, "10.0.2": False},
}


def check_versions(scratch: Path, project: Path) -> None:
    for version, answers in ANSWERS.items():
        sources, prefix = scratch / version, scratch / f"prefix-{version}"
        copy_sources(sources)
        set_version(sources / "include" / "pvhboot" / "version.hpp", version)
        run("cmake", "-S", sources, "-B", sources / "build", f"-DCMAKE_INSTALL_PREFIX={prefix}")
        run("cmake", "--install", sources / "build")
        printed = run("cmake", "-S", project, "-B", scratch / f"build-{version}", f"-DCMAKE_PREFIX_PATH={prefix}",
                      f"-DASKED={';'.join(answers)}")
        for asked, answer in answers.items():
            if f"asked for {asked}: {int(answer)}" not in printed:
                raise Failure(f"version {version}, asked for {asked}: the answer should be {answer}:\n{printed}")


def set_version(header: Path, version: str) -> None:
    lines = header.read_text(encoding="utf-8").splitlines(keepends=True)
    for part, number in zip(("MAJOR", "MINOR", "PATCH"), version.split(".")):
        begin = f"#define PVHBOOT_VERSION_{part} "
        lines = [f"{begin}{number}\n" if line.startswith(begin) else line for line in lines]
    header.write_text("".join(lines), encoding="utf-8")
