"""Threads, signals and memory."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cases import Case, make_problem
from helpers import assert_same_bits, kernel_backward, kernel_forward, pack, resident_bytes

import fastlstm as fl
from fastlstm import _core

LARGE = Case("lstm", 20, 32, 24, 96)


@pytest.mark.parametrize("n", [0, -1, 1025, 2**70])
def test_thread_numbers_out_of_range(n: int) -> None:
    with pytest.raises(ValueError, match=f"n must be a whole number from 1 to 1024, got {n}"):
        fl.set_num_threads(n)


@pytest.mark.parametrize("n", [1.5, "2", None, True])
def test_thread_numbers_of_the_wrong_kind(n: object) -> None:
    with pytest.raises(TypeError, match="n must be a whole number from 1 to 1024, got"):
        fl.set_num_threads(n)  # type: ignore[arg-type]


def test_one_layer_from_many_threads() -> None:
    problem = make_problem(LARGE)
    weights = pack(problem)
    wanted = kernel_forward(problem, weights)
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(lambda _: kernel_forward(problem, weights), range(64)):
            assert_same_bits(got, wanted)


def test_training_from_many_threads() -> None:
    problem = make_problem(LARGE)
    wanted = kernel_backward(problem)
    with ThreadPoolExecutor(4) as pool:
        for values, gradients in pool.map(lambda _: kernel_backward(problem), range(16)):
            assert_same_bits(values, wanted[0])
            assert_same_bits(gradients, wanted[1])


def test_other_python_threads_run_meanwhile() -> None:
    """The main thread gets to count while a long forward is under way: the GIL is not held."""
    problem = make_problem(Case("lstm", 4000, 8, 64, 128))
    weights = pack(problem)
    worker = threading.Thread(target=lambda: _core.forward(weights, problem.x))
    worker.start()
    counted = 0
    while worker.is_alive():
        counted += 1
        time.sleep(0.001)
    assert counted >= 3


NO_MORE_THREADS = """
import os, resource, numpy as np, fastlstm as fl
rows, units = np.ones((15, 64, 24), "f"), np.ones((15, 2, 24), "f")  # what a team splits
tries = [(fl.LSTM(24, 96, seed=0), rows), (fl.LSTM(24, 96, 2, bidirectional=True, seed=0), rows),
         (fl.GRU(24, 400, seed=0), units)]
fl.set_num_threads(1)
wanted = [(layer(x)[0], layer.vjp(x)[1](layer(x)[0]).x) for layer, x in tries]
fl.set_num_threads(64)
assert "refused" not in fl.config()["threads"]
if os.getuid() == 0:
    os.setuid(65534)  # the limit is not for root
resource.setrlimit(resource.RLIMIT_NPROC, ({most}, {most}))
for (layer, x), (y, dx) in zip(tries, wanted):
    assert np.array_equal(layer(x)[0], y)
    assert np.array_equal(layer.vjp(x)[1](y).x, dx)
print(fl.config()["threads"])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit counts threads on Linux only")
@pytest.mark.parametrize("most", [1, 3])
def test_where_no_more_threads_can_be_started(most: int) -> None:
    """Calls run on those there are, with the same bits, and `config` says so.

    The limit is for all processes of a user: where there are some, no thread at all is to be had.
    """
    run = [sys.executable, "-c", NO_MORE_THREADS.format(most=most)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    pattern = r"64 \(calls run on [1-9]: the system refused to start more\)\n"
    assert re.fullmatch(pattern, done.stdout), (done.stdout, done.stderr)


def test_exit_with_a_daemon_thread_computing() -> None:
    code = """
import threading, numpy as np
from fastlstm import _core
one = np.ones((4 * 64, 64), "f")
weights = _core.Weights("lstm", one, one)
x = np.ones((2000, 32, 64), "f")
def forever():
    while True:
        _core.forward(weights, x)
threading.Thread(target=forever, daemon=True).start()
import time; time.sleep(0.2)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


LONG_CALL = """
import sys, numpy as np
from fastlstm import _core
rows = np.ones((4 * 256, 256), "f") * 0.01
weights = _core.Weights("lstm", rows, rows)
x = np.broadcast_to(np.ones((1, 1, 256), "f"), (3_000_000, {N}, 256))
print("started", flush=True)
try:
    _core.forward(weights, x)
except KeyboardInterrupt:
    print("interrupted", np.isfinite(_core.forward(weights, x[:10])[0]).all(), flush=True)
"""


@pytest.mark.parametrize("N", [1, 32])
@pytest.mark.parametrize("count", ["1", "2"])
def test_ctrl_c_ends_a_long_call(N: int, count: str) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", LONG_CALL.format(N=N)],
        env={**os.environ, "FASTLSTM_NUM_THREADS": count},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "started\n"
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    try:
        assert run.communicate(timeout=20)[0] == "interrupted True\n"
    finally:
        run.kill()


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_memory_does_not_grow() -> None:
    """Thousands of layers, shapes and refused inputs leave less than 8 MB behind."""
    rng = np.random.default_rng(0)

    def churn(rounds: int) -> None:
        for _ in range(rounds):
            T, N, I, H = (int(size) for size in rng.integers(1, 24, 4))
            problem = make_problem(Case("lstm", T, N, I, H))
            kernel_backward(problem)
            with pytest.raises(ValueError, match="x must have shape"):
                _core.forward(pack(problem), problem.x[0])

    churn(300)
    gc.collect()
    before = resident_bytes()
    churn(1500)
    gc.collect()
    assert resident_bytes() - before < 8 * 2**20


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_memory_does_not_grow_with_the_number_of_shapes() -> None:
    """Thousands of shapes whose buffers are large enough to be kept: some gigabytes go by, less than 16 MB stay.

    Kept are 64 blocks at most, of up to 3 MB here; which of them depends on the last shapes.
    """
    rng = np.random.default_rng(0)

    def churn(rounds: int) -> None:
        for _ in range(rounds):
            T, N, I, H = (int(size) for size in rng.integers(1, (40, 40, 64, 96)))
            layer = fl.GRU(I, H, seed=0)
            (y, _), pullback = layer.vjp(np.ones((T, N, I), "float32"))
            pullback(y)
            layer(np.ones((T, N, I), "float32"))

    churn(300)
    before = resident_bytes()
    churn(3000)
    assert resident_bytes() - before < 16 * 2**20


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_inference_scratch_does_not_grow_with_time() -> None:
    """A sequence of a million steps, itself a view that takes no memory."""
    problem = make_problem(Case("lstm", 1, 1, 4, 8))
    weights = pack(problem)
    long = np.broadcast_to(problem.x, (1_000_000, 1, 4))
    _core.forward(weights, long[:1000])
    grown = []
    for _ in range(3):  # what other tests have left may move meanwhile
        before = resident_bytes()
        _core.forward(weights, long)
        grown.append(resident_bytes() - before)
    assert min(grown) < 2 * 2**20


def test_config_names_what_bug_reports_need(capsys: pytest.CaptureFixture[str]) -> None:
    fl.show_config()
    printed = capsys.readouterr().out
    for word in ("fastlstm", "numpy", "isas built", "isas available", "isa active", "products", "threads", "flags"):
        assert any(line.startswith(word) for line in printed.splitlines()), word
    assert fl.config()["isa active"] == fl.active_isa()
    assert fl.__version__ == fl.config()["fastlstm"]
