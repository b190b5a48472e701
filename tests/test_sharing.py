"""Layers shared by threads, processes and interpreters: copies, changes under way, exit, and what stays behind."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from helpers import resident_bytes

import fastlstm as fl
from fastlstm import _core

KINDS = [fl.LSTM, fl.GRU, fl.RNN]


def draw(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype("float32")


@contextmanager
def meanwhile(work: Any) -> Iterator[None]:
    """Run `work` again and again in another thread, changing threads often."""
    finished, interval = threading.Event(), sys.getswitchinterval()

    def run() -> None:
        while not finished.is_set():
            work()

    thread = threading.Thread(target=run)
    sys.setswitchinterval(1e-5)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("kind", KINDS)
def test_one_layer_in_eight_threads(kind: type) -> None:
    layer, x = kind(24, 64, num_layers=2, bidirectional=True, seed=0), draw(12, 32, 24)
    (wanted, _), pullback = layer.vjp(x)
    slope = pullback(wanted).x

    def run(_: int) -> tuple[Any, Any]:
        (y, _), pullback = layer.vjp(x)
        return y, pullback(y).x

    with ThreadPoolExecutor(8) as pool:
        for y, dx in pool.map(run, range(24)):
            np.testing.assert_array_equal(y, wanted)
            np.testing.assert_array_equal(dx, slope)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_loaded_meanwhile_are_all_old_or_all_new(kind: type) -> None:
    layer, x = kind(8, 24, num_layers=2, seed=0), draw(6, 3, 8)
    choices = [kind(8, 24, num_layers=2, seed=seed).state_dict() for seed in (1, 2)]
    wanted = set()
    for choice in choices:
        layer.load_state_dict(choice)
        wanted.add(layer(x)[0].tobytes())
    with meanwhile(lambda: [layer.load_state_dict(choice) for choice in choices]):
        found = {layer(x)[0].tobytes() for _ in range(300)}
    assert found <= wanted


def test_an_input_that_changes_meanwhile() -> None:
    """The values are then anyone's; afterwards all is as before. The array cannot be taken away."""
    layer, x = fl.GRU(16, 48, seed=0), draw(40, 8, 16)
    start = x.copy()
    wanted, _ = layer(x)
    with meanwhile(lambda: np.multiply(x, -1, out=x)):
        for _ in range(50):
            (y, _), pullback = layer.vjp(x)
            pullback(y)
    x[...] = start
    np.testing.assert_array_equal(layer(x)[0], wanted)
    _, pullback = layer.vjp(x)
    with pytest.raises(ValueError, match="resize"):
        x.resize((2, 2, 2))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True, "bias": False, "dtype": "float64"}])
@pytest.mark.parametrize("kind", KINDS)
def test_copies_compute_the_same_and_are_independent(kind: type, options: dict[str, Any], copied: Any) -> None:
    layer = kind(3, 5, batch_first=True, dropout=0.5, seed=0, **options)
    x = draw(2, 7, 3).astype(layer.dtype)
    twin = copied(layer)
    np.testing.assert_array_equal(twin(x)[0], layer(x)[0])
    assert vars(twin).keys() == vars(layer).keys()
    twin.load_state_dict({name: 0 * value for name, value in twin.state_dict().items()})
    assert not twin(x)[0].any()
    assert layer(x)[0].any()


def test_a_pickle_holds_no_packed_weights() -> None:
    layer = fl.LSTM(64, 64, seed=0)
    numbers = sum(value.nbytes for value in layer.state_dict().values())
    assert len(pickle.dumps(layer)) < numbers + 4096


def compute(layer: Any, x: Any) -> Any:
    return layer(x)[0]


@pytest.mark.slow
def test_layers_go_to_spawned_processes() -> None:
    layer, x = fl.LSTM(3, 5, seed=0), draw(4, 2, 3)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(compute, (layer, x)), layer(x)[0])


EXIT = """
import threading, time, numpy as np, fastlstm as fl
from fastlstm import _core
layer, x, long = fl.LSTM(256, 512), np.ones((16, 256), "f"), np.ones((60, 16, 256), "f")
both, pullback = fl.GRU(256, 256, 2, bidirectional=True), layer.vjp(long)[1]
stream, streams, dense = layer.stream(16), [layer.stream() for _ in range(16)], _core.Dense(np.ones((256, 4096), "f"))
works = {{"step": lambda: stream.step(x), "step_many": lambda: fl.step_many(streams, x), "dense": lambda: dense(x),
          "stack": lambda: both(long), "backward": lambda: pullback(np.ones((60, 16, 512), "f")),
          "making": lambda: fl.LSTM(256, 512).stream()}}
work = works["{work}"]
def forever():
    while True:
        work()
threading.Thread(target=forever, daemon=True).start()
time.sleep(0.2)
"""


@pytest.mark.parametrize("work", ["step", "step_many", "dense", "stack", "backward", "making"])
def test_exit_with_a_daemon_thread_computing(work: str) -> None:
    code = EXIT.format(work=work)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


SUBINTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
try:
    failure = interpreters.run_string(interpreters.create(), "import fastlstm")
except interpreters.RunFailedError as error:
    failure = error
print(failure)
"""


@pytest.mark.filterwarnings("default")
def test_a_subinterpreter_is_told() -> None:
    """The error may be Python's or NumPy's; either way it is an ImportError and no hang."""
    done = subprocess.run(
        [sys.executable, "-c", SUBINTERPRETER], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "ImportError" in done.stdout
    assert "interpreter" in done.stdout


@pytest.mark.skipif(not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled(), reason="needs free-threaded Python")
def test_free_threaded_python_stays_free() -> None:
    assert _core.__name__ == "fastlstm._core"
    assert not sys._is_gil_enabled()  # type: ignore[attr-defined,unused-ignore]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_memory_does_not_grow() -> None:
    """3000 layers, calls, streams, copies and refused inputs leave less than 8 MB behind."""
    rng = np.random.default_rng(0)

    def churn(rounds: int) -> None:
        for k in range(rounds):
            T, N, I, H = (int(size) for size in rng.integers(1, 24, 4))
            layer, x = KINDS[k % 3](I, H, num_layers=2, bidirectional=k % 2 == 0), draw(T, N, I)
            (y, _), pullback = layer.vjp(x)
            pullback(y)
            pickle.loads(pickle.dumps(layer))(x)
            for wrong in ({"x": x[..., :0]}, {"x": x, "state": x[..., :0]}, {"x": x, "lengths": [-1] * N}):
                with pytest.raises((ValueError, TypeError)):
                    layer(**wrong)
            if k % 2:
                stream = layer.stream(N)
                stream.step(x[0])
                stream.state = stream.copy().state
                with pytest.raises(ValueError, match="out must"):
                    stream.step(x[0], np.empty((N, H + 1), "float32"))

    churn(300)
    gc.collect()
    before = resident_bytes()
    churn(3000)
    gc.collect()
    assert resident_bytes() - before < 8 * 2**20
