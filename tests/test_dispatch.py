"""The instruction set that was asked for is the one that runs, and no two share code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import Case, make_problem
from helpers import pack

import fastlstm as fl
from fastlstm import _core

ROOT = Path(__file__).parents[1]


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


def test_available_are_built_and_in_order() -> None:
    built = _core.built_isas()
    assert [name for name in built if name in fl.available_isas()] == fl.available_isas()
    assert built[-1] in ("baseline", "neon", "plain")
    assert built[-1] in fl.available_isas()


def test_fastest_is_the_default() -> None:
    code = "import fastlstm as fl; print(fl.active_isa() == fl.available_isas()[0])"
    assert run_python(code, FASTLSTM_ISA="").stdout.strip() == "True"


def test_set_isa(isa: str) -> None:
    assert fl.active_isa() == isa
    assert pack(make_problem(Case("lstm", 1, 1, 1, 1))).isa == isa


def test_each_set_runs_its_own_kernels() -> None:
    """The packed size tells the width of the packets that will read it, and results differ in their last bits."""
    problem = make_problem(Case("lstm", 40, 3, 50, 33))
    sizes, outputs = {}, {}
    before = fl.active_isa()
    for name in fl.available_isas():
        fl.set_isa(name)
        weights = pack(problem)
        sizes[name] = weights.nbytes
        outputs[name] = _core.forward(weights, problem.x)[0].tobytes()
    fl.set_isa(before)
    lanes = {"amx": 16, "avx512": 16, "avx2": 8, "baseline": 4, "neon": 4, "plain": 1}
    for name, size in sizes.items():
        padded = -(-33 // lanes[name]) * lanes[name]
        assert size == 4 * 4 * padded * (50 + 33 + 1)
    if {"avx2", "baseline"} <= set(outputs):
        assert outputs["avx2"] != outputs["baseline"]  # fused multiply-add or not


@pytest.mark.parametrize("name", fl.available_isas())
def test_environment_forces(name: str) -> None:
    code = (
        "import numpy as np, fastlstm as fl; from fastlstm import _core;"
        "one = np.ones((4, 1), 'f'); print(fl.active_isa(), _core.Weights('lstm', one, one).isa)"
    )
    assert run_python(code, FASTLSTM_ISA=name).stdout.split() == [name, name]


@pytest.mark.parametrize("name", ["avx1024", "AVX2", "neon" if "avx2" in _core.built_isas() else "avx2"])
def test_unknown_names_raise_and_list_the_valid_ones(name: str) -> None:
    with pytest.raises(ValueError, match=f"name must be .*'{fl.available_isas()[-1]}'.*got '{name}'"):
        fl.set_isa(name)
    failed = run_python("import fastlstm", FASTLSTM_ISA=name)
    assert failed.returncode != 0
    assert "FASTLSTM_ISA must be an instruction set this build and processor have" in failed.stderr
    assert f"got '{name}'" in failed.stderr
    assert all(f"'{valid}'" in failed.stderr for valid in fl.available_isas())


def test_weights_keep_their_instruction_set() -> None:
    problem = make_problem(Case("lstm", 5, 2, 3, 9))
    before = fl.active_isa()
    weights = pack(problem)
    wanted = _core.forward(weights, problem.x)[0]
    fl.set_isa(fl.available_isas()[-1])
    got = _core.forward(weights, problem.x)[0]
    fl.set_isa(before)
    np.testing.assert_array_equal(got, wanted)


def kernel_names() -> list[str]:
    """The kernels of the instruction sets that were built, of every precision."""
    names = [path.stem.removeprefix("kernels_") for path in (ROOT / "cpp" / "kernels").glob("kernels_*.cpp")]
    return [name for name in names if name.startswith(tuple(_core.built_isas()))]


def compiled_kernels(build: Path) -> dict[str, Path]:
    """The kernel objects in a build folder, as far as they are there."""
    found = {name: sorted(build.rglob(f"kernels_{name}.cpp.o")) for name in kernel_names()}
    return {name: paths[0] for name, paths in found.items() if paths}


def installed_kernels() -> dict[str, Path]:
    """The kernel objects that an installation from these sources has left, if they are newer than the sources."""
    sources = [*(ROOT / "cpp" / "kernels").iterdir(), *(ROOT / "cmake").iterdir(), ROOT / "CMakeLists.txt"]
    changed = max(path.stat().st_mtime for path in sources)
    for build in sorted((ROOT / "build").glob("cp*")):
        kernels = compiled_kernels(build)
        if len(kernels) == len(kernel_names()) and min(p.stat().st_mtime for p in kernels.values()) > changed:
            return kernels
    return {}


@pytest.fixture(scope="module")
def kernel_objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The kernel objects as the project's own build makes them, which takes minutes, or has made them."""
    if kernels := installed_kernels():
        return kernels
    pybind11 = pytest.importorskip("pybind11")
    cmeel = pytest.importorskip("cmeel")
    prefix = f"{Path(cmeel.__file__).parents[1] / 'cmeel.prefix'};{pybind11.get_cmake_dir()}"
    build = tmp_path_factory.mktemp("build")
    configure = ["cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DSKBUILD_PROJECT_VERSION=0"]
    configure += ["-DCMAKE_BUILD_TYPE=Release", "-DFASTLSTM_WERROR=ON"]
    configure += [f"-DCMAKE_PREFIX_PATH={prefix}", f"-DPython_EXECUTABLE={sys.executable}"]
    subprocess.run(configure, check=True, capture_output=True)
    targets = [f"fastlstm_kernels_{name}" for name in kernel_names()]
    subprocess.run(["cmake", "--build", build, "--target", *targets], check=True, capture_output=True)
    return compiled_kernels(build)


def symbols(path: Path, kinds: str) -> set[str]:
    """Names of defined symbols of the given kinds, which are nm's letters."""
    lines = subprocess.run(
        ["nm", "--defined-only", path], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    return {line.split()[-1] for line in lines if line.split()[-2] in kinds}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nm") is None, reason="nm is not installed")
def test_instruction_sets_share_no_symbol(kernel_objects: dict[str, Path]) -> None:
    """A weak symbol in two objects would be linked once, for whichever instruction set came first."""
    names = list(kernel_objects)
    defined = {name: symbols(path, "TDRBVWuvw") for name, path in kernel_objects.items()}
    for name in names:
        assert any("table" in symbol or "kernels" in symbol for symbol in defined[name])
        others = set().union(*(defined[other] for other in names if other != name))
        assert {symbol for symbol in defined[name] & others if not symbol.startswith("DW.ref.")} == set()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nm") is None, reason="nm is not installed")
def test_kernel_objects_start_nothing(kernel_objects: dict[str, Path]) -> None:
    """A static initialiser would run with instructions the processor may not have."""
    for path in kernel_objects.values():
        headers = subprocess.run(["objdump", "-h", path], check=True, capture_output=True, text=True).stdout
        assert ".init_array" not in headers
        assert ".ctors" not in headers
