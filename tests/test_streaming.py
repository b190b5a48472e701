"""Streams: the bits of the sequence a step at a time, states to read and set, many streams over one set of weights."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from cases import CELLS, Case, make_problem
from helpers import kernel_forward, pack

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
    stream.set_state(0, problem.h_0, problem.c_0)
    np.testing.assert_array_equal([stream.step(x_t) for x_t in problem.x], wanted.y)


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


def test_out_may_be_the_input() -> None:
    layer = fl.LSTM(5, 5, num_layers=2, seed=0)
    x = draw(4, 5)
    wanted = layer.stream(4).step(x)
    layer.stream(4).step(x, out=x)
    np.testing.assert_array_equal(x, wanted)


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
        ([], "streams must hold at least one stream"),
        ([stream, stream], "streams must be different streams, got one twice"),
        ([stream, other.stream()], "streams must come from one layer"),
        ([stream, layer.stream(2)], "streams must come from one layer and have a batch size of 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            fl.step_many(streams, x)
    with pytest.raises(ValueError, match=r"x must have shape \(2, 3\), got \(2, 4\)"):
        fl.step_many([stream, layer.stream()], draw(2, 4))
    before = stream.state
    np.testing.assert_array_equal(np.stack(before), 0)


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
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        layer.stream(0)
    with pytest.raises(TypeError, match=r"batch_size must be a whole number, got 1.5"):
        layer.stream(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a bidirectional layer cannot stream"):
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
    with pytest.raises(IndexError, match="layer must be from 0 to 0, got 1"):
        stream.state(1)
    with pytest.raises(TypeError, match="c must be a NumPy array, got None"):
        stream.set_state(0, np.zeros((1, 5), "float32"))
