"""Python's extension under the address and undefined behaviour sanitizers, and the tests in Python on it.

The extension lies with a copy of the package under build/sanitize-extension, so that the one that is installed stays.
The program itself is Python's own: its sanitizer has to be loaded first, and leaks are not looked for, as Python frees
little at its end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from core_tests import ROOT, call, prefix_of_packages

FOLDER = ROOT / "build" / "sanitize-extension"
PACKAGE = FOLDER / "package"
ISA = "baseline"
QUICK = ("-m", "not slow")


def build() -> None:
    """Build the extension for the smallest instruction set and put it into a copy of the package."""
    configure: list[str | Path] = ["cmake", "-S", ROOT, "-B", FOLDER, "-G", "Ninja", "-DFASTLSTM_PYTHON=ON"]
    configure += ["-DCMAKE_UNITY_BUILD=ON", "-DFASTLSTM_SANITIZE=address,undefined"]
    configure += [f"-DFASTLSTM_ISAS={ISA}", "-DFASTLSTM_TILE_ROWS=3", f"-DPython_EXECUTABLE={sys.executable}"]
    call([*configure, f"-DCMAKE_PREFIX_PATH={prefix_of_packages('cmeel', 'pybind11')}"])
    call(["cmake", "--build", FOLDER, "--parallel", str(os.cpu_count() or 1)])
    shutil.rmtree(PACKAGE, ignore_errors=True)
    left_out = shutil.ignore_patterns("_core.*.so", "__pycache__")
    shutil.copytree(ROOT / "python", PACKAGE, ignore=left_out)
    call(["cmake", "--install", FOLDER, "--prefix", PACKAGE])


def library(name: str) -> str:
    """Return where the compiler finds a library."""
    command = ["c++", f"-print-file-name={name}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def environment() -> dict[str, str]:
    """Return what the tests run in: every allocation is one that the sanitizer sees.

    Without libstdc++ beside it the sanitizer would not find how to throw. Tests ask for more memory than there is, and
    limit that of a process, in which the sanitizer has many terabytes of addresses of its own.
    """
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(map(library, ("libasan.so", "libstdc++.so"))),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:strict_init_order=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(PACKAGE),
        "FASTLSTM_ISA": ISA,
    }


def build_and_test(arguments: list[str]) -> None:
    """Build, and run pytest with these arguments, or the quick tests; end the program if something fails."""
    start = time.monotonic()
    build()
    print(f"extension: built for {ISA} in {time.monotonic() - start:.0f} s", flush=True)
    start = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", *(arguments or QUICK)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), check=False)
    print(f"extension: tests of {time.monotonic() - start:.0f} s", flush=True)
    if done.returncode != 0:
        sys.exit(f"extension: the tests ended with {done.returncode}")
