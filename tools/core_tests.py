"""The core's tests (tests/cpp), built in some way, for the tools that run them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def call(command: Sequence[str | Path]) -> None:
    """Run a command and end the program with its output if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def prefix_of_packages(*names: str) -> str:
    """Return where CMake finds what these packages of Python bring, as far as they are installed."""
    folders = {"cmeel": "../cmeel.prefix", "pybind11": "share/cmake/pybind11"}
    specs = {name: importlib.util.find_spec(name) for name in names}
    origins = {name: spec.origin for name, spec in specs.items() if spec and spec.origin}
    return ";".join(str((Path(origin).parent / folders[name]).resolve()) for name, origin in origins.items())


def build(name: str, options: Sequence[str], isas: Sequence[str], short: bool, jobs: int) -> Path:
    """Return the tests, built.

    Parameters
    ----------
    name
        Of the folder under build.
    options
        Of CMake.
    isas
        Instruction sets; none: those that the build has by default.
    short
        Whether kernels have few shapes of tiles, out of the same source.
    jobs
        Compilers at once.
    """
    folder = ROOT / "build" / name
    configure: list[str | Path] = ["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DSKBUILD_PROJECT_VERSION=0"]
    configure += ["-DFASTLSTM_PYTHON=OFF", "-DFASTLSTM_TESTS=ON", "-DFASTLSTM_WERROR=ON"]
    configure += [*options, f"-DFASTLSTM_TILE_ROWS={3 if short else 8}"]
    if isas:
        configure.append(f"-DFASTLSTM_ISAS={';'.join(isas)}")
    call([*configure, f"-DCMAKE_PREFIX_PATH={prefix_of_packages('cmeel')}"])
    call(["cmake", "--build", folder, "--parallel", str(jobs)])
    return folder / "tests" / "cpp" / "fastlstm_tests"
