"""The source distribution holds what a build needs, and a build asks nobody for anything."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest
from helpers import NOWHERE

ROOT = Path(__file__).parents[1]
NOT_IN_IT = {".ci", ".github"}
FROM_HERE = "from scikit_build_core.build import build_sdist; print(build_sdist({folder!r}))"

# Files that compile in seconds; all take minutes.
OBJECTS = (
    "CMakeFiles/fastlstm.dir/cpp/kernels/dispatch.cpp.o",
    "CMakeFiles/fastlstm.dir/cpp/layers/schedule.cpp.o",
)

pytestmark = pytest.mark.slow


def call(*command: str | Path) -> str:
    environment = {**os.environ, **NOWHERE}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("scikit_build_core")
    folder = tmp_path_factory.mktemp("sdist")
    name = call(sys.executable, "-c", FROM_HERE.format(folder=str(folder))).split()[-1]
    with tarfile.open(folder / name) as archive:
        archive.extractall(folder, filter="data")
    return folder / name.removesuffix(".tar.gz")


@pytest.mark.skipif(not (ROOT / ".git").exists() or shutil.which("git") is None, reason="needs a repository")
def test_it_has_the_files_of_the_repository_and_nothing_compiled(unpacked: Path) -> None:
    tracked = {name for name in call("git", "ls-files").splitlines() if name.split("/")[0] not in NOT_IN_IT}
    found = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert {name for name in tracked - found if (ROOT / name).exists()} == set()
    assert {name for name in found if name.startswith("build/") or name.endswith((".so", ".o", ".pyc"))} == set()


def test_it_compiles_with_what_is_installed(unpacked: Path, tmp_path: Path) -> None:
    """Nothing is fetched, as there is nothing behind the proxy."""
    pytest.importorskip("pybind11")
    cmeel = pytest.importorskip("cmeel")
    packages = f"{Path(cmeel.__file__).parents[1]};{sysconfig.get_path('purelib')}"
    told = {"SKBUILD_PROJECT_VERSION": "1.2", "SKBUILD_METADATA_DIR": str(tmp_path), "CMAKE_PREFIX_PATH": packages}
    smallest = {"FASTLSTM_ISAS": "plain", "FASTLSTM_TILE_ROWS": "3"}
    options = [f"-D{name}={value}" for name, value in {**told, **smallest}.items()]
    folder = tmp_path / "build"
    call("cmake", "-S", unpacked, "-B", folder, "-G", "Ninja", f"-DPython_EXECUTABLE={sys.executable}", *options)
    call("cmake", "--build", folder, "--target", *OBJECTS)
    parts = json.loads((folder / "fastlstm.cdx.json").read_text())
    assert parts["metadata"]["component"]["version"] == "1.2"
    assert all(re.fullmatch(r"\d+(\.\d+)+", part["version"]) for part in parts["components"])
