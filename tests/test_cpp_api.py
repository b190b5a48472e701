"""The library for C++: installed, found by programs of their own, and held to the bits of Python on the same files."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pages
import pytest
from edited_models import edited
from hostile_files import SAFETENSORS, mutations, rewritten
from numpy.typing import NDArray
from seeds import FIXED, FRESH

import fastlstm as fl
from fastlstm.keras import Input, Model, Sequential, layers

ROOT = Path(__file__).parents[1]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the driver asks Linux to watch its calls"),
    pytest.mark.skipif(None in map(shutil.which, ("c++", "cmake", "ninja")), reason="nothing to build with"),
    pytest.mark.filterwarnings("ignore::fastlstm.EmulatedPrecisionWarning"),
]

Programs = dict[str, Path]
ISA = next(name for name in ("avx2", "neon", "baseline") if name in fl.available_isas())
ROWS, STEPS, SIZE = 5, 7, 3
PROJECT = """
cmake_minimum_required(VERSION 3.20)
project(program LANGUAGES CXX)
add_executable(program program.cpp)
"""


def call(*command: str | Path) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]


def built(source: Path, build: Path, *definitions: str) -> Path:
    """Configure and build a project with CMake."""
    call("cmake", "-S", source, "-B", build, "-G", "Ninja", *[f"-D{definition}" for definition in definitions])
    call("cmake", "--build", build, "--parallel", "2")
    return build


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """The driver and the example; processes that share the tests build them once."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cpp"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            build_programs(folder)
            (folder / "done").touch()
    found = {name: folder / "programs" / name for name in ("driver", "plain", "example")}
    return found | {"stream_samples": folder / "example" / "stream_samples"}


def build_programs(folder: Path) -> None:
    """Build programs with what an installation of the smallest useful build has."""
    cmeel = importlib.util.find_spec("cmeel")
    if cmeel is None or cmeel.origin is None:
        pytest.skip("cmeel-eigen is not installed")
    eigen = f"CMAKE_PREFIX_PATH={Path(cmeel.origin).parents[1] / 'cmeel.prefix'}"
    smallest = ("FASTLSTM_INFERENCE_ONLY=ON", f"FASTLSTM_ISAS={ISA}", "FASTLSTM_TILE_ROWS=3")
    library = built(ROOT, folder / "library", "FASTLSTM_WERROR=ON", "CMAKE_UNITY_BUILD=ON", *smallest, eigen)
    call("cmake", "--install", library, "--prefix", folder / "installed")
    found = f"CMAKE_PREFIX_PATH={folder / 'installed'}"
    built(ROOT / "tests" / "cpp_api", folder / "programs", found)
    built(ROOT / "examples" / "cpp", folder / "example", found)


@pytest.fixture(autouse=True)
def same_isa() -> Iterator[None]:
    """Let Python have the one instruction set that the programs have."""
    before = fl.active_isa()
    fl.set_isa(ISA)
    yield
    fl.set_isa(before)


def output(programs: Programs, what: str, path: Path, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the driver writes."""
    command = [programs["driver"], what, path, *map(str, x.shape[:2])]
    done = subprocess.run(command, input=x.tobytes(), capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, (done.returncode, done.stderr)
    if done.stdout == b"no seal":
        pytest.skip("this system does not seal a process")
    return np.frombuffer(done.stdout, np.float32)


def sequential(*stages: Any, shape: tuple[int | None, ...] = (None, SIZE)) -> Any:
    """A model whose biases are not zero."""
    model, rng = Sequential([Input(shape), *stages]), np.random.default_rng(1)
    for variable in model.weights:
        if variable.name == "bias":
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return model


def quantized(model: Any, *arguments: Any) -> Any:
    model.quantize(arguments[0], **({"activations": arguments[1]} if arguments[1:] else {}))
    return model


def chain() -> Any:
    """Every recurrent cell."""
    return sequential(
        layers.LSTM(19, return_sequences=True),
        layers.Dropout(0.5),
        layers.GRU(9, return_sequences=True),
        layers.GRU(11, reset_after=False, return_sequences=True),
        layers.SimpleRNN(10, return_sequences=True),
        layers.TimeDistributed(layers.Dense(4, activation="relu")),
    )


def graph() -> Any:
    x = Input((None, SIZE))
    return Model(x, layers.Dense(2)(layers.LSTM(4)(x)))


def general(activation: str) -> Any:
    cells = [layers.LSTM(9, activation, "hard_sigmoid", return_sequences=True), layers.SimpleRNN(9, activation)]
    return sequential(*cells, layers.Dense(3, use_bias=False))


def both_ways(merge: str, whole: bool) -> Any:
    pair = [layers.Bidirectional(layers.LSTM(9, return_sequences=True), merge), layers.Bidirectional(layers.GRU(5))]
    return sequential(*(pair[:1] if whole else pair), layers.Dense(2, activation="softmax"))


PRECISIONS = [("int8",), ("int8", "int16"), ("bfloat16",)]
MODELS: dict[str, Callable[[], Any]] = {
    "lstm and dense": lambda: sequential(layers.LSTM(5), layers.Dense(2)),
    "chain": chain,
    "graph": graph,
    "without biases": lambda: sequential(layers.LSTM(5, use_bias=False), layers.Dense(2, use_bias=False)),
    "dense alone": lambda: sequential(layers.TimeDistributed(layers.Dense(2)), layers.ReLU(), layers.LeakyReLU(0.1)),
    **{name: lambda name=name: general(name) for name in ("relu", "hard_sigmoid", "elu", "softsign", "silu", "linear")},
    **{" ".join(given): lambda given=given: quantized(chain(), *given) for given in PRECISIONS},
    **{f"whole {merge}": lambda merge=merge: both_ways(merge, True) for merge in ("concat", "sum", "mul", "ave")},
    "last of both ways": lambda: both_ways("sum", False),
    "backwards": lambda: sequential(layers.GRU(4, go_backwards=True, return_sequences=True), layers.LSTM(3)),
}
READS_BACKWARDS = {"last of both ways", "backwards", *(name for name in MODELS if name.startswith("whole "))}


def saved(model: Any, path: Path) -> Path:
    model.save(path)
    return path


def drawn(size: int = SIZE) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(ROWS, STEPS, size)).astype("float32")


def check_all(programs: Programs, path: Path, x: NDArray[np.float32], y: Any, streams: bool) -> None:
    """Hold calls and steps, in C++ and in C, to what Python gives: (N, T, O), or (N, O) of the last step."""
    got = output(programs, "run", path, x)
    np.testing.assert_array_equal(got, np.concatenate([y, y]).reshape(-1))
    if not streams:
        return
    steps = output(programs, "step", path, x).reshape(2, STEPS, ROWS, -1)
    np.testing.assert_array_equal(steps[0], steps[1])
    np.testing.assert_array_equal(steps[0] if y.ndim == 3 else steps[0, -1], y.swapaxes(0, 1) if y.ndim == 3 else y)


@pytest.mark.parametrize("name", MODELS)
def test_models_of_keras(programs: Programs, tmp_path: Path, name: str) -> None:
    model, x = MODELS[name](), drawn()
    path = saved(model, tmp_path / "m.fastlstm")
    check_all(programs, path, x, np.asarray(model.predict(x, verbose=0)), name not in READS_BACKWARDS)


@pytest.mark.parametrize("precision", [(), *PRECISIONS], ids=" ".join)
def test_embeddings(programs: Programs, tmp_path: Path, precision: tuple[str, ...]) -> None:
    model = sequential(layers.Embedding(10, 6), layers.LSTM(5), layers.Dense(2), shape=(STEPS,))
    if precision:
        quantized(model, *precision)
    x = np.random.default_rng(0).integers(0, 10, (ROWS, STEPS, 1)).astype("float32")
    path = saved(model, tmp_path / "m.fastlstm")
    check_all(programs, path, x, np.asarray(model.predict(x[..., 0], verbose=0)), True)
    x[2, 3] = 10
    command = [programs["driver"], "run", path, str(ROWS), str(STEPS)]
    done = subprocess.run(command, input=x.tobytes(), capture_output=True, check=False)
    assert b"x must hold whole numbers from 0 to 9" in done.stderr


LAYERS: dict[str, Callable[[], Any]] = {
    "lstm": lambda: fl.LSTM(SIZE, 19, num_layers=2),
    "projected": lambda: fl.LSTM(SIZE, 19, proj_size=4),
    "both ways": lambda: fl.LSTM(SIZE, 9, num_layers=2, bidirectional=True),
    "gru": lambda: fl.GRU(SIZE, 9, bias=False),
    "rnn": lambda: fl.RNN(SIZE, 9, nonlinearity="relu"),
    "linear": lambda: fl.Linear(SIZE, 2),
    "last step": lambda: fl.Chain(a=fl.LSTM(SIZE, 8), b=fl.LastStep(), c=fl.Linear(8, 2), d=fl.Sigmoid()),
    "final": lambda: fl.Chain(a=fl.GRU(SIZE, 8, bidirectional=True), b=fl.FinalHidden(), c=fl.Linear(16, 2)),
    "nested": lambda: fl.Chain(a=fl.Chain(a=fl.LSTM(SIZE, 8), b=fl.Dropout(0.5), c=fl.GRU(8, 4)), b=fl.Softmax()),
    "functions": lambda: fl.Chain(a=fl.RNN(SIZE, 8), b=fl.Tanh(), c=fl.Linear(8, 5), d=fl.LeakyReLU(0.3), e=fl.ReLU()),
}


@pytest.mark.parametrize("precision", [(), *PRECISIONS], ids=" ".join)
@pytest.mark.parametrize("name", LAYERS)
def test_array_layers(programs: Programs, tmp_path: Path, name: str, precision: tuple[str, ...]) -> None:
    layer, x = LAYERS[name](), drawn()
    if precision:
        quantized(layer, *precision)
    y = layer(x.swapaxes(0, 1))
    y = y[0] if isinstance(y, tuple) else y
    path = saved(layer, tmp_path / "l.fastlstm")
    check_all(programs, path, x, y.swapaxes(0, 1) if y.ndim == 3 else y, name not in ("both ways", "final"))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "exponential", "elu"])
def test_activations_that_numpy_has_in_python(programs: Programs, tmp_path: Path, activation: str) -> None:
    """Of dense layers of Keras: NumPy's exponential is another, and both are good to 3 units in the last place."""
    model, x = sequential(layers.LSTM(4), layers.Dense(20, activation=activation)), drawn()
    got = output(programs, "run", saved(model, tmp_path / "m.fastlstm"), x)[: ROWS * 20]
    np.testing.assert_allclose(got.reshape(ROWS, 20), model.predict(x, verbose=0), rtol=6 * 2.0**-23, atol=2.0**-25)


@pytest.mark.parametrize("name", ["chain", "int8", "bfloat16"])
def test_a_step_calls_nothing_of_the_system(programs: Programs, tmp_path: Path, name: str) -> None:
    path, x = saved(MODELS[name](), tmp_path / "m.fastlstm"), drawn()
    wanted = output(programs, "step", path, x)
    np.testing.assert_array_equal(output(programs, "sealed", path, x), wanted[: wanted.size // 2])


def test_large_steps_stay_on_their_thread(programs: Programs, tmp_path: Path) -> None:
    """Steps of so many weights are shared out among threads in Python."""
    layer, x = fl.LSTM(SIZE, 600), drawn()
    y = output(programs, "sealed", saved(layer, tmp_path / "l.fastlstm"), x)
    np.testing.assert_array_equal(y.reshape(STEPS, ROWS, 600), layer(x.swapaxes(0, 1))[0])


def test_the_example(programs: Programs, tmp_path: Path) -> None:
    chain = fl.Chain(lstm=fl.LSTM(1, 32), out=fl.Linear(32, 1))
    command = [programs["stream_samples"], saved(chain, tmp_path / "m.fastlstm"), "20"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    x = np.sin(np.float32(0.1) * np.arange(20, dtype="float32")).astype("float32")
    wanted = chain(x[:, None, None])[0].reshape(-1)  # the sine of C is another than NumPy's in the last place
    np.testing.assert_allclose([float(line.split()[1]) for line in lines], wanted, rtol=1e-5, atol=1e-6)


def test_the_example_allocates_as_much_for_any_number_of_samples(programs: Programs, tmp_path: Path) -> None:
    path = saved(fl.Chain(lstm=fl.LSTM(1, 32), out=fl.Linear(32, 1)), tmp_path / "m.fastlstm")
    done = [
        subprocess.run([programs["example"], path, count], check=True, capture_output=True, text=True)
        for count in ("10", "1000")
    ]
    assert done[0].stderr == done[1].stderr
    assert int(done[0].stderr) > 0


def test_the_programs_of_pages(programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the model that docs/cpp.md saves, and with what it tells CMake."""
    monkeypatch.chdir(tmp_path)
    pages.run("cpp")
    (told,) = pages.blocks("cpp", "cmake")
    for block in [*pages.blocks("cpp", "cpp"), *pages.blocks("README", "cpp")]:
        (tmp_path / "program.cpp").write_text(pages.program_in_cpp(block))
        (tmp_path / "CMakeLists.txt").write_text(PROJECT + told.code)
        installed = programs["driver"].parents[1] / "installed"
        call(built(tmp_path, tmp_path / "build", f"CMAKE_PREFIX_PATH={installed}") / "program")


def test_a_program_in_c(programs: Programs, tmp_path: Path) -> None:
    layer = fl.LSTM(SIZE, 4)
    path = saved(layer, tmp_path / "l.fastlstm")
    lines = subprocess.run([programs["plain"], path], check=True, capture_output=True, text=True).stdout.split()
    np.testing.assert_array_equal(np.array(lines, np.float32), layer(np.zeros((1, 1, SIZE), "float32"))[0].reshape(-1))
    path.write_bytes(b"")
    failed = subprocess.run([programs["plain"], path], capture_output=True, text=True, check=False)
    assert f"{path} must be a file that fastlstm wrote" in failed.stderr


# --- Files that are none ----------------------------------------------------------------------------------------------

BAD_FILE, NOT_SUPPORTED = "2", "3"


def told(programs: Programs, *paths: Path) -> list[str]:
    """What loading each of the files ends with: a status, and an error or sizes."""
    done = subprocess.run([programs["driver"], "load", *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.returncode
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", SAFETENSORS)
def test_hostile_files(programs: Programs, tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.fastlstm"
    path.write_bytes(SAFETENSORS[name]())
    (line,) = told(programs, path)
    assert line.startswith(f"{BAD_FILE} {path}")
    # of sizes whose product is 0 NumPy alone says that it cannot have them
    assert ("without a description" in line) == (name == "shape with 0 and 2**62")
    assert " must " in line
    assert ", got " in line


@pytest.mark.parametrize("seed", [FIXED, pytest.param(FRESH, id="fresh_seed")])
@pytest.mark.parametrize("kind", ["edited", "damaged"])
def test_edited_files(programs: Programs, tmp_path: Path, kind: str, seed: int) -> None:
    print(f"FASTLSTM_TEST_SEED={seed}")
    count = int(os.environ.get("FASTLSTM_TEST_FILES", "100"))
    whole = [saved(make(), tmp_path / "whole").read_bytes() for make in (chain, lambda: both_ways("sum", False))]
    rng, paths = np.random.default_rng(seed), []
    for data in edited(whole, "", rng, count) if kind == "edited" else mutations(whole, rng, count):
        paths.append(tmp_path / str(len(paths)))
        paths[-1].write_bytes(data)
    lines = told(programs, *paths)
    assert {line[0] for line in lines} <= {"0", BAD_FILE, NOT_SUPPORTED}
    assert sum(line[0] != "0" for line in lines) > count / 10


def test_what_is_refused_names_the_layer(programs: Programs, tmp_path: Path) -> None:
    refused = {
        "m: a must be one of LSTM, .*, got Flatten": sequential(layers.LSTM(3), layers.Flatten(name="a")),
        "m: a: activation must be one of .*, got 'gelu'": sequential(layers.Dense(3, activation="gelu", name="a")),
        "m: a: dtype: config: name must be .*, got 'float64'": sequential(layers.LSTM(3, name="a", dtype="float64")),
        "m: LSTMCell must be one of a Chain, .*, got LSTMCell": fl.LSTMCell(2, 3),
        "m: GRU: dtype must be 'float32' to be run in C.., got 'float64'": fl.GRU(2, 3, dtype="float64"),
        "m: Chain: b: dim must be -1": fl.Chain(a=fl.LSTM(2, 3), b=fl.Softmax(0)),
        "m: a must be one of LSTM, .*, got BatchNormalization": sequential(layers.BatchNormalization(name="a")),
    }
    for wanted, model in refused.items():
        (line,) = told(programs, saved(model, tmp_path / "m"))
        assert line.startswith(NOT_SUPPORTED), line
        assert re.search(wanted, line), line


def test_versions(programs: Programs, tmp_path: Path) -> None:
    path = saved(fl.LSTM(2, 3), tmp_path / "m")
    rewritten(path, lambda description: description.update(format_version=2))
    assert "format_version must be at most 1" in told(programs, path)[0]


def test_no_file(programs: Programs, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        assert told(programs, path)[0].startswith(f"{BAD_FILE} {path} must be a regular file")
