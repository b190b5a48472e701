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
    cmeel = importlib.util.find_spec("cmeel")
    if cmeel and cmeel.origin:
        configure.append(f"-DCMAKE_PREFIX_PATH={Path(cmeel.origin).parents[1] / 'cmeel.prefix'}")
    call(configure)
    call(["cmake", "--build", folder, "--parallel", str(jobs)])
    return folder / "tests" / "cpp" / "fastlstm_tests"
