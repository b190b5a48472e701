"""Streams: the bits of the sequence a step at a time, states to read and set, many streams over one set of weights."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import pickle
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from cases import CELLS, Case, make_problem
from helpers import kernel_forward, pack, peak_of, resident_bytes

import fastlstm as fl
from fastlstm import _core


def draw(*shape: int, dtype: str = "float32") -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


KINDS = [fl.LSTM, fl.GRU, fl.RNN]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("I", "H", "layers", "N"), [(1, 32, 1, 1), (3, 5, 1, 4), (7, 33, 3, 1), (20, 70, 2, 9)])
@pytest.mark.parametrize("kind", KINDS)
def test_steps_have_the_sequences_bits(isa: str, kind: type, I: int, H: int, layers: int, N: int, dtype: str) -> None:
    layer = kind(I, H, num_layers=layers, dtype=dtype, seed=0)
    x = draw(6, N, I, dtype=dtype)
    y, final = layer(x)
    stream = layer.stream(N)
    for t in range(6):
        np.testing.assert_array_equal(stream.step(x[t]), y[t])
    np.testing.assert_array_equal(np.stack(stream.state), np.stack(final))


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_steps(isa: str, cell: str) -> None:
    problem = make_problem(Case(cell, 6, 3, 4, 37))
    wanted, stream = kernel_forward(problem), _core.Stream([pack(problem)], 3)
    stream.set_state([(problem.h_0, problem.c_0)])
    np.testing.assert_array_equal([stream.step(x_t) for x_t in problem.x], wanted.y)


@pytest.mark.parametrize("cell", [*CELLS, "projected", "peepholes"])
def test_large_steps_have_the_sequences_bits_on_several_threads(isa: str, threads: int, cell: str) -> None:
    problem = make_problem(Case(cell if cell in CELLS else "lstm", 5, 64, 70, 130))  # over a million multiply-adds
    parameters = {name: getattr(problem, name) for name in ("weight_ih", "weight_hh", "bias", "recurrent_bias")}
    if cell == "projected":
        parameters |= {"weight_hr": draw(40, 130), "weight_hh": draw(520, 40)}
    if cell == "peepholes":
        parameters |= {"peepholes": draw(390)}
    weights = _core.Weights(problem.case.cell, **parameters)
    y = np.empty((5, 64, weights.state_size), "float32")
    _core.forward(weights, problem.x, y=y)
    stream = _core.Stream([weights], 64)
    np.testing.assert_array_equal([stream.step(x_t) for x_t in problem.x], y)


def test_one_sequence_needs_no_batch_axis() -> None:
    layer = fl.LSTM(3, 5, seed=0)
    x = draw(6, 3)
    plain, batched = layer.stream(), layer.stream()
    for x_t in x:
        h = plain.step(x_t)
        assert h.shape == (5,)
        np.testing.assert_array_equal(batched.step(x_t[None])[0], h)


@pytest.mark.parametrize("kind", KINDS)
def test_out_is_written(kind: type) -> None:
    layer = kind(3, 5, seed=0)
    x = draw(3)
    out = np.zeros(5, "float32")
    assert layer.stream().step(x, out) is out
    np.testing.assert_array_equal(out, layer.stream().step(x))
    rows = np.zeros((4, 20), "float32")[:, 3:8]
    layer.stream(4).step(np.tile(x, (4, 1)), out=rows)
    np.testing.assert_array_equal(rows, np.tile(out, (4, 1)))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shift", [-31, -5, -1, 0, 1, 8, 40])
def test_out_may_share_memory_with_the_input(kind: type, layers: int, shift: int) -> None:
    layer = kind(7, 7, num_layers=layers, seed=0)
    memory = draw(200)

    def rows(first: int) -> Any:
        return memory[first : first + 40].reshape(5, 8)[:, :7]

    wanted = layer.stream(5).step(rows(60).copy())
    layer.stream(5).step(rows(60), out=rows(60 + shift))
    np.testing.assert_array_equal(rows(60 + shift), wanted)


def test_many_outs_may_share_memory_with_the_input() -> None:
    layer, memory = fl.LSTM(7, 7, seed=0), draw(80)
    wanted = fl.step_many([layer.stream() for _ in range(5)], memory[10:45].reshape(5, 7).copy())
    fl.step_many([layer.stream() for _ in range(5)], memory[10:45].reshape(5, 7), memory[14:49].reshape(5, 7))
    np.testing.assert_array_equal(memory[14:49].reshape(5, 7), wanted)


def overlapping(rows: int, size: int, stride: int) -> Any:
    return np.lib.stride_tricks.as_strided(np.zeros(rows * size, "float32"), (rows, size), (4 * stride, 4))


@pytest.mark.parametrize("stride", [0, 1, 4])
def test_an_out_that_overlaps_itself_is_refused(stride: int) -> None:
    layer = fl.GRU(3, 5, seed=0)
    stream, out = layer.stream(2), overlapping(2, 5, stride)
    with pytest.raises(ValueError, match="out must not overlap itself"):
        stream.step(draw(2, 3), out)
    with pytest.raises(ValueError, match="out must not overlap itself"):
        fl.step_many([layer.stream(), layer.stream()], draw(2, 3), out)
    assert not stream.state.any()
    with pytest.raises(ValueError, match="y must not overlap itself"):
        _core.forward(layer._weights[0], draw(1, 2, 3), y=out[None])
    np.testing.assert_array_equal(stream.step(draw(2, 3), overlapping(2, 5, 5)), layer.stream(2).step(draw(2, 3)))


@pytest.mark.parametrize("rows", [1, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_with_out_allocates_nothing(kind: type, rows: int) -> None:
    layer = kind(3, 512, num_layers=2, seed=0)
    stream, x, out = layer.stream(rows), draw(rows, 3), np.empty((rows, 512), "float32")

    def steps(count: int, **options: Any) -> None:
        for _ in range(count):
            stream.step(x, **options)

    # Python's loop itself holds the iterator and an integer; an output would be 2 KB or more.
    assert peak_of(lambda: steps(100, out=out)) < 512
    assert peak_of(lambda: steps(1)) > 2048


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_thousands_of_streams_share_the_weights() -> None:
    """3000 streams of a layer whose weights take 2.1 MB: 7 x 256 numbers and a little each, 8.4 KB in all."""
    layer = fl.LSTM(256, 256, seed=0)
    warm = [layer.stream() for _ in range(100)]
    before = resident_bytes()
    streams = [layer.stream() for _ in range(3000)]
    assert (resident_bytes() - before) / len(streams) < 12_000
    assert len(warm) + len(streams) == 3100


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_read_set_copied_and_reset(kind: type) -> None:
    layer = kind(3, 5, num_layers=2, seed=0)
    x = draw(8, 2, 3)
    first = layer.stream(2)
    for x_t in x[:4]:
        first.step(x_t)
    saved, twin = first.state, first.copy()
    rest = [first.step(x_t) for x_t in x[4:]]
    np.testing.assert_array_equal([twin.step(x_t) for x_t in x[4:]], rest)
    again = layer.stream(2)
    again.state = saved
    np.testing.assert_array_equal([again.step(x_t) for x_t in x[4:]], rest)
    first.reset()
    np.testing.assert_array_equal(np.stack(first.state), 0)
    np.testing.assert_array_equal(first.step(x[0]), layer.stream(2).step(x[0]))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, fl.streaming.Stream.copy])
def test_copies_go_their_own_way(copied: Any) -> None:
    stream, x = fl.GRU(3, 5, num_layers=2, seed=0).stream(), draw(2, 3)
    stream.step(x[0])
    twin = copied(stream)
    stream.step(x[1])
    assert not np.array_equal(twin.state, stream.state)
    twin.step(x[1])
    np.testing.assert_array_equal(twin.state, stream.state)


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_ordinary_values_that_can_be_saved(kind: type) -> None:
    layer = kind(3, 5, num_layers=2, seed=0)
    stream, x, again = layer.stream(2), draw(2, 3), layer.stream(2)
    stream.step(x)
    state, file = stream.state, io.BytesIO()
    np.savez(file, *(state if kind is fl.LSTM else [state]))
    file.seek(0)
    loaded = tuple(np.load(file).values())
    wanted = stream.step(x)
    for saved in (loaded if kind is fl.LSTM else loaded[0], pickle.loads(pickle.dumps(state)), copy.deepcopy(state)):
        again.state = saved
        np.testing.assert_array_equal(again.step(x), wanted)
    swapped = tuple(part.astype(">f4") for part in loaded)
    again.state = swapped if kind is fl.LSTM else swapped[0]
    np.testing.assert_array_equal(again.step(x), wanted)


def test_a_stream_itself_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="cannot be pickled: save its state"):
        pickle.dumps(fl.LSTM(3, 5).stream())


def step_when_free(stream: Any, x_t: Any) -> None:
    """Step; where there is no GIL another thread may be reading the state, and the step is refused."""
    while True:
        with contextlib.suppress(RuntimeError):
            stream.step(x_t)
            return


def test_a_state_read_by_another_thread_is_that_after_some_step() -> None:
    layer, x = fl.GRU(16, 64, num_layers=3, seed=0), draw(60, 16)
    stream, whole = layer.stream(), layer.stream()
    after = [whole.state.tobytes()]
    for x_t in x:
        whole.step(x_t)
        after.append(whole.state.tobytes())
    seen, finished = [], threading.Event()

    def read() -> None:
        while not finished.is_set():
            with contextlib.suppress(RuntimeError):  # the stream is stepping
                seen.append(stream.state.tobytes())

    reader = threading.Thread(target=read)
    reader.start()
    for x_t in x:
        step_when_free(stream, x_t)
        time.sleep(1e-5)  # lets the reader in
    finished.set()
    reader.join()
    assert set(seen) <= set(after)
    assert len(set(seen)) > 2


def test_a_stream_keeps_the_weights_it_began_with() -> None:
    layer = fl.LSTM(3, 5, seed=0)
    stream, twin, x = layer.stream(), layer.stream(), draw(3)
    layer.load_state_dict({name: np.zeros_like(value) for name, value in layer.state_dict().items()})
    np.testing.assert_array_equal(stream.step(x), twin.step(x))
    assert stream.step(x).any()
    assert not layer.stream().step(x).any()


def test_thousands_of_streams_in_many_threads() -> None:
    layer = fl.LSTM(4, 16, seed=0)
    x = draw(5, 2000, 4)
    y, _ = layer(x)
    streams = [layer.stream() for _ in range(2000)]

    def run(row: int) -> Any:
        return [streams[row].step(x_t) for x_t in x[:, row]]

    with ThreadPoolExecutor(8) as pool:
        np.testing.assert_array_equal(np.stack(list(pool.map(run, range(2000))), axis=1), y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_many_streams_at_once_have_the_bits_of_each_alone(isa: str, kind: type, dtype: str) -> None:
    layer = kind(3, 21, num_layers=2, dtype=dtype, seed=0)
    together, alone = ([layer.stream() for _ in range(13)] for _ in range(2))
    x = draw(5, 13, 3, dtype=dtype)
    for count, x_t in zip((13, 1, 7, 13, 2), x, strict=True):
        out = np.empty((count, 21), dtype)
        assert fl.step_many(together[:count], x_t[:count], out) is out
        for k in range(count):
            np.testing.assert_array_equal(out[k], alone[k].step(x_t[k]))
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(np.stack(one.state), np.stack(other.state))


def test_streams_that_cannot_step_together() -> None:
    layer, other, x = fl.LSTM(3, 5), fl.LSTM(3, 5), draw(2, 3)
    stream = layer.stream()
    for streams, message in [
        ([], "streams must be a list of at least one stream"),
        ([stream, stream], "streams must be different streams, got one twice"),
        ([stream, other.stream()], "streams must come from one layer"),
        ([stream, fl.LSTM(3, 5, dtype="float64").stream()], "streams must come from one layer"),
        ([stream, layer.stream(2)], "streams must come from one layer and have a batch size of 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            fl.step_many(streams, x)
    with pytest.raises(ValueError, match=r"x must have shape \(2, 3\), got \(2, 4\)"):
        fl.step_many([stream, layer.stream()], draw(2, 4))
    with pytest.raises(TypeError, match="streams must hold streams, got int"):
        fl.step_many([stream, 3], x)  # type: ignore[list-item]
    np.testing.assert_array_equal(np.stack(stream.state), 0)


def test_one_stream_in_two_threads_is_refused_or_in_order() -> None:
    """Large steps release the GIL: the second thread gets an error, never a mixture."""
    layer = fl.LSTM(256, 512, seed=0)
    stream, x, refused = layer.stream(8), draw(8, 256), []

    def work() -> None:
        for _ in range(200):
            try:
                stream.step(x)
            except RuntimeError as error:
                refused.append(str(error))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all("stepping in another thread" in text for text in refused)
    alone = layer.stream(8)
    for _ in range(400 - len(refused)):
        alone.step(x)
    np.testing.assert_array_equal(np.stack(stream.state), np.stack(alone.state))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((draw(4),), ValueError, r"x must have shape \(3,\), got \(4,\)"),
        ((draw(2, 3),), ValueError, r"x must have shape \(1, 3\), got \(2, 3\)"),
        ((draw(3, dtype="float64"),), TypeError, "x must have dtype float32, got float64"),
        (([1.0, 2.0, 3.0],), TypeError, "x must be a NumPy array, got list"),
        ((draw(3), draw(6)), ValueError, r"out must have shape \(5,\), got \(6,\)"),
        ((draw(3), draw(5, dtype="float64")), TypeError, "out must have dtype float32"),
        ((draw(3), draw(10)[::2]), ValueError, "out must be aligned"),
        ((draw(3), draw(5).astype(">f4")), ValueError, "out must be aligned, in native byte order"),
        ((draw(3), np.frombuffer(bytes(20), "float32")), ValueError, "out must be writeable"),
        ((draw(3), [0.0] * 5), TypeError, "out must be a NumPy array, got list"),
    ],
)
def test_wrong_arguments(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    stream = fl.LSTM(3, 5).stream()
    with pytest.raises(error, match=message):
        stream.step(*arguments)


def test_wrong_batches_and_states() -> None:
    layer = fl.LSTM(3, 5)
    with pytest.raises(ValueError, match=r"x must have shape \(2, 3\), got \(3,\)"):
        layer.stream(2).step(draw(3))
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1, got 0"):
        layer.stream(0)
    with pytest.raises(TypeError, match=r"batch_size must be a whole number of at least 1, got 1.5"):
        layer.stream(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="bidirectional must be False for a layer to stream"):
        fl.LSTM(3, 5, bidirectional=True).stream()
    stream = layer.stream()
    with pytest.raises(TypeError, match=r"state must be a pair of arrays \(h, c\), got ndarray"):
        stream.state = np.zeros((1, 1, 5), "float32")
    with pytest.raises(ValueError, match=r"state must hold arrays of shape \(1, 1, 5\), got \(1, 5\)"):
        stream.state = (np.zeros((1, 5), "float32"),) * 2
    with pytest.raises(TypeError, match="state must have dtype float32, got float64"):
        stream.state = (np.zeros((1, 1, 5)),) * 2


def test_the_core_refuses_what_does_not_fit() -> None:
    one, other = fl.LSTM(3, 5)._weights[0], fl.LSTM(4, 5)._weights[0]
    with pytest.raises(ValueError, match="a layer of input size 4 follows one of hidden size 5"):
        _core.Stream([one, other], 1)
    with pytest.raises(ValueError, match="layers must hold at least one"):
        _core.Stream([], 1)
    with pytest.raises(TypeError, match="layers must all have the same dtype"):
        _core.Stream([one, fl.LSTM(5, 5, dtype="float64")._weights[0]], 1)
    stream = _core.Stream([one], 1)
    h = np.zeros((1, 5), "float32")
    with pytest.raises(ValueError, match=r"state must have a pair \(h, c\) for each of 1 layers, got 2"):
        stream.set_state([(h, h)] * 2)
    with pytest.raises(TypeError, match="c must be a NumPy array, got None"):
        stream.set_state([(h, None)])
    with pytest.raises(TypeError, match="c must be None: the layer has no cell state"):
        _core.Stream([fl.GRU(3, 5)._weights[0]], 1).set_state([(h, h)])


@pytest.mark.parametrize(
    ("arguments", "named", "got"),
    [((), {}, "0 by place"), ((1, 2, 3), {}, "3 by place"), ((1,), {"into": 2}, "1 by place, 'into'")],
)
def test_a_step_with_other_arguments(arguments: tuple[int, ...], named: dict[str, int], got: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"step must be called as step(x, out=None), got {got}")):
        fl.LSTM(3, 5).stream().step(*arguments, **named)
