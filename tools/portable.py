"""Build the core's tests (tests/cpp) with another compiler, or for another kind of processor, and run them.

python tools/portable.py                  all of those below whose compiler is installed
python tools/portable.py clang aarch64    some of them

    clang     this machine's instruction sets by clang, whose warnings are others
    plain     the kernels for any processor, one number at a time, by the usual compiler
    aarch64   64-bit ARM, under QEMU
    riscv64   a processor that has the kernels for any, under QEMU

Warnings are errors. Long tests are left out, as QEMU takes minutes for the others. Needs doctest, such as Debian's
doctest-dev, and from the test extra cmake, ninja and cmeel-eigen; and for one or the other Debian's clang,
g++-aarch64-linux-gnu or g++-riscv64-linux-gnu, and qemu-user. Builds lie under build/portable-*.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import core_tests


class Target(NamedTuple):
    """A compiler and what it makes."""

    compiler: str
    processor: str | None = None
    """Another one than that of this machine, which QEMU runs."""
    isas: tuple[str, ...] = ()

    @property
    def emulator(self) -> list[str]:
        """What goes before a command."""
        return [f"qemu-{self.processor}", "-L", f"/usr/{self.processor}-linux-gnu"] if self.processor else []

    @property
    def is_installed(self) -> bool:
        """Whether there are compiler and emulator."""
        return all(shutil.which(name) for name in (self.compiler, *self.emulator[:1]))

    def options(self) -> list[str]:
        """Return what CMake is told."""
        found = ["-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_COMPILER={self.compiler}"]
        if self.processor:
            found += ["-DCMAKE_SYSTEM_NAME=Linux", f"-DCMAKE_SYSTEM_PROCESSOR={self.processor}"]
        return found


TARGETS = {
    "clang": Target("clang++"),
    "plain": Target("c++", isas=("plain",)),
    "aarch64": Target("aarch64-linux-gnu-g++", "aarch64"),
    "riscv64": Target("riscv64-linux-gnu-g++", "riscv64"),
}


def run(name: str, target: Target, jobs: int) -> None:
    """Build the tests and run them; end the program if they fail."""
    start = time.monotonic()
    tests = core_tests.build(f"portable-{name}", target.options(), target.isas, True, jobs)
    print(f"{name}: built in {time.monotonic() - start:.0f} s", flush=True)
    command: list[str | Path] = [*target.emulator, tests, "--test-suite-exclude=long"]
    done = subprocess.run(command, check=False)
    print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    if done.returncode != 0:
        sys.exit(f"{name}: the tests ended with {done.returncode}")


def main() -> None:
    """Go through the targets that are named, or installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "targets", nargs="*", metavar="target", help=f"{', '.join(TARGETS)}; default: what is installed"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="compilers at once (default: %(default)s)"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - set(TARGETS):
        parser.error(f"a target must be one of {', '.join(TARGETS)}, got {', '.join(sorted(unknown))}")
    for name in arguments.targets or [name for name, target in TARGETS.items() if target.is_installed]:
        if not TARGETS[name].is_installed:
            parser.error(f"{name} needs {' and '.join((TARGETS[name].compiler, *TARGETS[name].emulator[:1]))}")
        run(name, TARGETS[name], arguments.jobs)


if __name__ == "__main__":
    main()
