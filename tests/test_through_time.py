"""Gradients through time from states that are kept here and there, and gradients that are cut."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from drawing import Arguments, Drawn, Sizes, layers, make_arguments
from helpers import Array, num_threads
from running import assert_same, on, prepared, train, train_forward
from seeds import for_all

import fastlstm as fl

THREADS = [1, 2, 3, 5]
KINDS = [(cell, skip) for cell in ("lstm", "gru", "gru_reset_before", "rnn_tanh") for skip in ("nothing", "lengths")]


def arguments_of(cell: str, sizes: Sizes, **more: Any) -> Arguments:
    return make_arguments(Drawn(cell, sizes, "float32", 1, fl.active_isa(), **more))


# --- Computed once more -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [Sizes(700, 3, 5, 40), Sizes(3501, 1, 2, 17), Sizes(61, 41, 3, 33)], ids=str)
@pytest.mark.parametrize(("cell", "skip"), [*KINDS, ("lstm", "mask"), ("rnn_relu", "nothing")])
def test_the_bits_of_gradients_do_not_depend_on_what_is_kept(cell: str, skip: str, sizes: Sizes) -> None:
    arguments = arguments_of(cell, sizes, skip=skip, masked=sizes.N == 3, reverse=sizes.N == 1)
    whole = train(arguments)
    full = train_forward(arguments)[1].nbytes
    assert skip == "lengths" or train_forward(arguments, checkpoint_every=1)[1].nbytes < full
    for threads in THREADS:
        with num_threads(threads):
            for every in (1, sizes.T // 3):
                assert_same(train(arguments, checkpoint_every=every), whole)


@for_all(10, drawn=layers(teams=True))
def test_whatever_the_cell(drawn: Drawn) -> None:
    arguments, whole = prepared(drawn)
    with on(drawn):
        for every in (1, drawn.sizes.T // 2 + 1):
            assert_same(train(arguments, checkpoint_every=every), whole)


@pytest.mark.parametrize("options", [{"projection": 7}, {"peepholes": True}, {"options": {"input_forget": True}}])
def test_options_of_an_lstm(options: dict[str, Any]) -> None:
    arguments = arguments_of("lstm", Sizes(900, 2, 3, 21), **options)
    assert_same(train(arguments, checkpoint_every=100), train(arguments))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru_reset_before", "rnn_tanh"])
def test_a_limit_of_memory_is_kept_and_used(cell: str, masked: bool) -> None:
    arguments = arguments_of(cell, Sizes(20_001, 1, 2, 40), masked=masked)
    whole, full = train(arguments), train_forward(arguments)[1].nbytes
    assert train_forward(arguments, memory_limit=full)[1].nbytes == full
    for part in (0.9, 0.4):
        limit = int(part * full)
        taken = train_forward(arguments, memory_limit=limit)[1].nbytes
        assert (part - 0.2) * full < taken <= limit
        assert_same(train(arguments, memory_limit=limit), whole)


def test_a_limit_that_is_too_small_says_what_is_needed() -> None:
    layer, x = fl.GRU(3, 16, num_layers=2, seed=0), np.ones((9000, 1, 3), "float32")
    with pytest.raises(ValueError, match=r"memory_limit must be at least \d+ bytes a layer .*, got 500$") as error:
        layer.vjp(x, memory_limit=1000)
    least = int(str(error.value).split()[5])
    assert layer.vjp(x, memory_limit=2 * least)


STACKS: list[Callable[[], Any]] = [
    lambda: fl.LSTM(3, 40, num_layers=2, bidirectional=True, dropout=0.4, seed=1),
    lambda: fl.GRU(3, 40, num_layers=3, seed=1, dtype="float64"),
    lambda: fl.Chain(rnn=fl.RNN(3, 40, seed=0), drop=fl.Dropout(0.3, seed=0), gru=fl.GRU(40, 30, seed=1)),
]


def gradients_of(make: Callable[[], Any], x: Array, lengths: Any = None, **how: int) -> dict[str, Array]:
    (y, _), pullback = make().vjp(x, None, lengths, **how)
    dy = np.random.default_rng(1).standard_normal(y.shape).astype(y.dtype)
    found = pullback(dy)
    assert_same(pullback(dy).parameters, found.parameters)
    return {"y": y, "x": found.x, **found.parameters}


@pytest.mark.parametrize("make", STACKS)
@pytest.mark.parametrize("how", [{"checkpoint_every": 50}, {"memory_limit": 8_000_000}], ids=str)
def test_layers_and_chains(make: Callable[[], Any], how: dict[str, int]) -> None:
    x = np.random.default_rng(0).standard_normal((3000, 2, 3)).astype(make().dtype)
    for lengths in (None, [3000, 1821]):
        wanted = gradients_of(make, x, lengths)
        for threads in THREADS:
            with num_threads(threads):
                assert_same(gradients_of(make, x, lengths, **how), wanted)


def test_central_differences(isa: str) -> None:
    layer = fl.LSTM(2, 3, seed=0, dtype="float64")
    x = np.random.default_rng(0).standard_normal((4001, 1, 2))
    (y, _), pullback = layer.vjp(x, checkpoint_every=300)
    direction = np.random.default_rng(1).standard_normal(x.shape)
    found = np.vdot(pullback(np.cos(y)).x, direction)
    up, down = (np.sin(layer(x + step * direction)[0]).sum() for step in (1e-6, -1e-6))
    np.testing.assert_allclose(found, (up - down) / 2e-6, rtol=1e-6)


PEAK = """
import numpy as np
import fastlstm as fl

def peak():
    return 1024 * next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

steps, rows, units = {sizes}
layer = fl.LSTM(1, units, seed=0)
x = np.random.default_rng(0).standard_normal((steps, rows, 1)).astype("float32")
layer.vjp(x[:10])[1](None, layer(x[:10])[1])
before = peak()
(y, state), pullback = layer.vjp(x, {how})
gradients = pullback(None, state)
print(peak() if {whole} else peak() - before, y.nbytes + gradients.x.nbytes)
"""


def peak_of(sizes: tuple[int, int, int], how: str, whole: bool = False) -> tuple[int, int]:
    """Bytes that a process takes more for a step of training, or takes, and those of what comes out."""
    program = PEAK.format(sizes=sizes, how=how, whole=whole)
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=600)
    taken, given_out = map(int, found.stdout.split())
    return taken, given_out


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_memory_of_a_step() -> None:
    sizes = (10_000, 2, 64)  # a tape of 36 MB
    full = peak_of(sizes, "checkpoint_every=None")[0]
    for how, room in (("checkpoint_every=500", 2e6), ("memory_limit=10_000_000", 10e6)):
        taken, given_out = peak_of(sizes, how)
        assert taken - given_out < room + 10e6  # what a call works with, and blocks kept for the next one
        assert full - taken > 15e6


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_hundred_thousand_steps_within_a_gigabyte() -> None:
    taken, _ = peak_of((100_000, 4, 128), "memory_limit=300_000_000", whole=True)  # a tape of 1.4 GB
    assert taken < 2**30


# --- Cut --------------------------------------------------------------------------------------------------------------


def by_hand(layer: Any, x: Array, dy: Array, dstate: Any, k: int, lengths: Array | None) -> dict[str, Any]:
    """Piece after piece, with states handed on that count as constants."""
    state, backs = None, []
    for begin in range(0, len(x), k):
        left = None if lengths is None else np.clip(lengths - begin, 0, len(x[begin : begin + k]))
        (_, state), pullback = layer.vjp(x[begin : begin + k], state, left)
        backs.append((slice(begin, begin + k), pullback))
    found: dict[str, Any] = {"x": np.empty_like(x)}
    for part, pullback in reversed(backs):
        gradients = pullback(dy[part], dstate)
        dstate, found["x"][part] = None, gradients.x
        for name, value in gradients.parameters.items():
            found[name] = found[name] + value if name in found else value
    return found | {"state": gradients.state}


@pytest.mark.parametrize("cls", [fl.LSTM, fl.GRU, fl.RNN])
@pytest.mark.parametrize("k", [1, 7, 20, 61, 100])
def test_gradients_are_those_of_pieces(cls: Any, k: int) -> None:
    layer = cls(3, 9, num_layers=2, seed=0)
    draw = np.random.default_rng(0)
    x, dy = (draw.standard_normal((61, 5, size)).astype("float32") for size in (3, 9))
    for lengths in (None, np.array([61, 0, 7, 20, 59])):
        (y, state), _ = layer.vjp(x, None, lengths, tbptt=k)
        np.testing.assert_array_equal(y, layer(x, None, lengths)[0])
        wanted = by_hand(layer, x, dy, state, k, lengths)
        for threads in THREADS:
            with num_threads(threads):
                found = layer.vjp(x, None, lengths, tbptt=k)[1](dy, state)
                assert_same({"x": found.x, **found.parameters}, {n: v for n, v in wanted.items() if n != "state"})
                np.testing.assert_array_equal(found.state, wanted["state"])


@pytest.mark.parametrize("how", [{"tbptt": 1000}, {"tbptt": 61}, {"tbptt": 70, "checkpoint_every": 3}], ids=str)
def test_a_piece_of_all_steps_is_the_whole(how: dict[str, int]) -> None:
    x = np.random.default_rng(0).standard_normal((61, 40, 3)).astype("float32")
    wanted = gradients_of(STACKS[2], x)
    assert_same(gradients_of(STACKS[2], x, **how), wanted)


def test_cut_gradients_by_central_differences(isa: str) -> None:
    """A scalar of the outputs, where states at the start of a piece are those of the layer as it was."""
    k, layer = 4, fl.LSTM(2, 3, num_layers=2, seed=0, dtype="float64")
    x = np.random.default_rng(0).standard_normal((13, 2, 2))
    starts = [layer(x[:begin])[1] if begin else None for begin in range(0, 13, k)]

    def scalar(changed: Any) -> float:
        parts = [changed(x[n * k : n * k + k], start)[0] for n, start in enumerate(starts)]
        return float(np.sin(np.concatenate(parts)).sum())

    (y, _), pullback = layer.vjp(x, tbptt=k)
    found = pullback(np.cos(y)).parameters
    other = fl.LSTM(2, 3, num_layers=2, seed=0, dtype="float64")
    for name, value in layer.state_dict().items():
        differences = np.empty_like(value)
        for index in np.ndindex(value.shape):
            values = []
            for step in (1e-6, -1e-6):
                shifted = layer.state_dict()
                shifted[name][index] += step
                other.load_state_dict(shifted)
                values.append(scalar(other))
            differences[index] = (values[0] - values[1]) / 2e-6
        np.testing.assert_allclose(found[name], differences, rtol=1e-6, atol=1e-8, err_msg=name)


def test_what_is_asked_of_the_last_step_reaches_the_last_piece() -> None:
    layer, x = fl.GRU(2, 4, seed=0, batch_first=True), np.ones((3, 10, 2), "float32")
    (_, state), pullback = layer.vjp(x, tbptt=4)
    dx = pullback(None, state).x
    assert not dx[:, :8].any()
    assert dx[:, 8:].all()


def test_one_sequence_and_none() -> None:
    layer = fl.RNN(2, 4, seed=0)
    (y, _), pullback = layer.vjp(np.ones((9, 2), "float32"), tbptt=2, checkpoint_every=1)
    assert pullback(y).x.shape == (9, 2)
    (y, _), pullback = layer.vjp(np.ones((0, 3, 2), "float32"), tbptt=2)
    assert not pullback(y).parameters["weight_hh_l0"].any()


def test_what_cannot_be_asked_for() -> None:
    x = np.ones((5, 2, 3), "float32")
    with pytest.raises(ValueError, match=r"bidirectional must be False .* got True: the reverse direction"):
        fl.LSTM(3, 4, bidirectional=True).vjp(x, tbptt=2)
    with pytest.raises(ValueError, match="checkpoint_every must be left out where memory_limit is given, got both"):
        fl.LSTM(3, 4).vjp(x, checkpoint_every=2, memory_limit=1000)
    with pytest.raises(ValueError, match="tbptt must be left out for a chain without a recurrent layer, got 2"):
        fl.Chain(fl.Linear(3, 4)).vjp(x, tbptt=2)
    with pytest.raises(ValueError, match="lstm: bidirectional must be False"):
        fl.Chain(lstm=fl.LSTM(3, 4, bidirectional=True)).vjp(x, tbptt=2)
