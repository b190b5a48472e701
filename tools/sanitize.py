"""Build the core's tests (tests/cpp) under the thread and the address sanitizer and for valgrind, and run them.

python tools/sanitize.py            everything, on each instruction set of this machine
python tools/sanitize.py --short    the quick tests on the smallest instruction set and low tiles, as in CI
python tools/sanitize.py thread     one of them only: thread, address (with undefined behaviour), valgrind, extension

`extension` is Python's extension under the address sanitizer, on the smallest instruction set, and the quick tests in
Python; it is done only where it is named. Arguments of pytest may stand behind `--`.

Ends with an error at the first report. Builds lie under build/sanitize-*. Needs doctest, such as Debian's doctest-dev,
and from the test extra cmake, ninja and cmeel-eigen; `extension` needs all of the test extra, and `valgrind` valgrind.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import core_tests
import sanitized_extension

SANITIZERS = {"thread": "thread", "address": "address,undefined"}
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=1"]
"""Looks for numbers that nobody has set, above all; leaks are found by the address sanitizer."""
OPTIONS = {
    "TSAN_OPTIONS": "halt_on_error=1:history_size=4",
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_init_order=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


def isas_of_this_machine() -> list[str]:
    """Return the instruction sets that the processor has, smallest first."""
    if platform.machine() in ("aarch64", "arm64"):
        return ["neon"]
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    wanted = {"avx2": {"avx2", "fma"}, "avx512": {"avx512f", "avx512dq", "avx512bw", "avx512vl", "fma"}}
    return ["baseline", *(name for name, needed in wanted.items() if needed <= flags)]


def options_of(sanitizer: str) -> list[str]:
    """Return the options of CMake; valgrind only wants to know lines."""
    if sanitizer == "valgrind":
        return ["-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS=-g1"]
    return [f"-DFASTLSTM_SANITIZE={SANITIZERS[sanitizer]}"]


def build(sanitizer: str, isas: list[str], short: bool, jobs: int) -> Path:
    """Return the tests, built; what several files include is compiled and instrumented once."""
    start = time.monotonic()
    options = ["-DCMAKE_UNITY_BUILD=ON", *options_of(sanitizer)]
    tests = core_tests.build(f"sanitize-{sanitizer}", options, isas, short, jobs)
    print(f"{sanitizer}: built for {', '.join(isas)} in {time.monotonic() - start:.0f} s", flush=True)
    return tests


def without_random_addresses() -> list[str]:
    """Return what to put before a command, if it works here: older thread sanitizers do not know all address maps."""
    prefix = ["setarch", "-R"]
    if shutil.which("setarch") is None:
        return []
    works = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    return prefix if works else []


def run(sanitizer: str, tests: Path, isa: str, short: bool) -> None:
    """Run the tests on an instruction set and end the program if they fail."""
    start = time.monotonic()
    command: list[str | Path] = [*(VALGRIND if sanitizer == "valgrind" else without_random_addresses()), tests]
    if short:
        command.append("--test-suite-exclude=long")
    environment = {**os.environ, **OPTIONS, "FASTLSTM_ISA": isa}
    print(f"{sanitizer}: {isa}, {'short' if short else 'all'} tests", flush=True)
    done = subprocess.run(command, env=environment, check=False)
    print(f"{sanitizer}: {isa}, {time.monotonic() - start:.0f} s", flush=True)
    if done.returncode != 0:
        sys.exit(f"{sanitizer}: the tests ended with {done.returncode} on {isa}")


def run_core(sanitizers: list[str], short: bool) -> None:
    """Build all at once, a compiler having one large file for each instruction set, and run one by one."""
    isas = isas_of_this_machine()[: 1 if short else None]
    jobs = max(1, (os.cpu_count() or 1) // len(sanitizers))
    with ThreadPoolExecutor() as pool:
        builds = list(pool.map(lambda sanitizer: build(sanitizer, isas, short, jobs), sanitizers))
    for sanitizer, tests in zip(sanitizers, builds, strict=True):
        for isa in isas:
            if (sanitizer, isa) != ("valgrind", "avx512"):  # whose instructions it does not know
                run(sanitizer, tests, isa, short)


def main() -> None:
    """Run the core's tests under what is named, then those of Python."""
    own = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = (*SANITIZERS, "valgrind", "extension")
    parser.add_argument("sanitizers", nargs="*", metavar="sanitizer", help=f"{', '.join(known)}; the first 3")
    parser.add_argument("--short", action="store_true", help="quick tests, smallest instruction set, low tiles")
    arguments = parser.parse_args(sys.argv[1:own])
    wanted = arguments.sanitizers or [*SANITIZERS, "valgrind"]
    if unknown := set(wanted) - set(known):
        parser.error(f"a sanitizer must be one of {', '.join(known)}, got {', '.join(sorted(unknown))}")
    if "valgrind" in wanted and shutil.which("valgrind") is None:
        parser.error("valgrind is not installed: install it, or name the other sanitizers")
    if of_core := [name for name in wanted if name != "extension"]:
        run_core(of_core, arguments.short)
    if "extension" in wanted:
        sanitized_extension.build_and_test(sys.argv[own + 1 :])


if __name__ == "__main__":
    main()
