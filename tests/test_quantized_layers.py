"""Array layers after ``quantize``: calls, streams, files, and what is refused."""

from __future__ import annotations

import copy
import itertools
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from running import running
from seeds import for_all

import fastlstm as fl
from fastlstm import _core, precisions
from fastlstm.reference.quantized import to_whole_numbers

I, H = 6, 20
LAYERS: dict[str, Callable[[], Any]] = {
    "lstm": lambda: fl.LSTM(I, H, num_layers=2, seed=1),
    "both": lambda: fl.LSTM(I, H, bidirectional=True, batch_first=True, bias=False, seed=1),
    "projected": lambda: fl.LSTM(I, H, proj_size=7, seed=1),
    "gru": lambda: fl.GRU(I, H, num_layers=2, bidirectional=True, seed=1),
    "rnn": lambda: fl.RNN(I, H, nonlinearity="relu", seed=1),
    "linear": lambda: fl.Linear(I, H, seed=1),
    "cells": lambda: fl.GRUCell(I, H, seed=1),
    "embedding": lambda: fl.Embedding(11, I, seed=1),
    "chain": lambda: chain(),
}
MODES = ["int8", "int16"]


def chain() -> fl.Chain:
    return fl.Chain(
        table=fl.Embedding(11, 8, seed=0),
        below=fl.LSTM(8, H, seed=1),
        above=fl.LSTM(H, H, seed=2),
        norm=fl.LayerNorm(H),
        fc=fl.Linear(H, 3, seed=3),
    )


def quantized(kind: str, activations: str | None = None) -> Any:
    layer = LAYERS[kind]()
    layer.quantize("int8", activations=activations)
    return layer


def given(kind: str, rows: int = 4) -> Any:
    random = np.random.default_rng(0)
    if kind in ("embedding", "chain"):
        return random.integers(0, 11, (9, rows))
    shape = (rows, I) if kind == "cells" else (9, rows, I)
    return random.standard_normal(shape).astype(np.float32)


def output(layer: Any, x: Any) -> Any:
    y = layer(x)
    return y[0] if isinstance(y, tuple) else y


@for_all(
    100,
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 70),
    exponent=st.integers(-130, 127),
)
def test_rounded_numbers_are_those_of_the_core_and_round_to_themselves(seed: int, size: int, exponent: int) -> None:
    random = np.random.default_rng(seed)
    with np.errstate(over="ignore"):
        rows = np.ldexp(random.uniform(-1, 1, (50, size)), exponent + random.integers(0, 2)).astype(np.float32)
    rows[3] = 0
    rows[4, 0], rows[5, -1], rows[6, 0] = np.nan, np.inf, np.finfo(np.float32).max
    whole, scale = precisions.rounded(rows)
    wanted, wanted_scale = to_whole_numbers(rows, precisions.LARGEST)
    np.testing.assert_array_equal(whole, wanted)
    np.testing.assert_array_equal(scale, wanted_scale)
    again, scale_again = precisions.rounded(precisions.restored(whole, scale))
    np.testing.assert_array_equal(again, whole)
    np.testing.assert_array_equal(scale_again, scale)


def test_the_scale_of_every_largest_magnitude_comes_back() -> None:
    """Exponents repeat the same fractions, but for those of the largest floats, which would overflow."""
    for exponent in (0, 127):
        fractions = np.arange(2**23, 2**24, dtype=np.int64).astype(np.float64)
        rows = np.ldexp(fractions, exponent - 23).astype(np.float32)[:, None]
        whole, scale = precisions.rounded(rows)
        again, scale_again = precisions.rounded(precisions.restored(whole, scale))
        assert (whole == 127).all()
        assert (again == 127).all()
        np.testing.assert_array_equal(scale_again, scale)


@pytest.mark.parametrize("activations", MODES)
def test_a_quantized_layer_has_the_bits_of_the_core(activations: str) -> None:
    layer, x = fl.LSTM(I, H, seed=1), given("lstm")
    names = {"weight_ih": "weight_ih", "weight_hh": "weight_hh", "bias": "bias_ih", "recurrent_bias": "bias_hh"}
    arrays = {core: layer.state_dict()[f"{name}_l0"] for core, name in names.items()}
    weights = _core.Weights("lstm", **arrays, precision=precisions.chosen("int8", activations))
    y = np.empty((*x.shape[:2], H), np.float32)
    _core.forward(weights, x, y=y)
    layer.quantize("int8", activations=activations)
    np.testing.assert_array_equal(layer(x)[0], y)


@pytest.mark.parametrize("activations", MODES)
@pytest.mark.parametrize("kind", LAYERS)
def test_outputs_are_near_those_before(kind: str, activations: str) -> None:
    layer, x = LAYERS[kind](), given(kind)
    before = output(layer, x)
    assert layer.quantize("int8", activations=activations) is None
    after = output(layer, x)
    assert after.dtype == np.float32
    assert 0 < np.abs(after - before).max() < 0.03 * np.abs(before).max()


def test_activations_of_16_bits_are_nearer() -> None:
    layer, x = LAYERS["lstm"](), given("lstm")
    before = output(layer, x)
    errors = [np.sqrt(np.mean((output(quantized("lstm", mode), x) - before) ** 2)) for mode in MODES]
    assert errors[1] < 0.8 * errors[0]


@pytest.mark.parametrize("activations", MODES)
@pytest.mark.parametrize("kind", LAYERS)
def test_copies_pickles_files_and_state_dicts_have_the_same_bits(kind: str, activations: str, tmp_path: Path) -> None:
    layer, x = quantized(kind, activations), given(kind)
    wanted = output(layer, x)
    layer.save(tmp_path / "layer.safetensors")
    layer.load_state_dict(layer.state_dict())
    twins = [
        copy.copy(layer),
        copy.deepcopy(layer),
        pickle.loads(pickle.dumps(layer)),
        fl.load(tmp_path / "layer.safetensors"),
        layer,
    ]
    for twin in twins:
        np.testing.assert_array_equal(output(twin, x), wanted)
        assert repr(twin) == repr(layer)
        assert {name: array.dtype for name, array in twin.state_dict().items()} == {
            name: array.dtype for name, array in layer.state_dict().items()
        }


def test_memory_and_files_shrink_to_a_quarter(tmp_path: Path) -> None:
    layer = fl.LSTM(128, 128, seed=0)
    numbers = sum(array.nbytes for array in layer.state_dict().values())
    packed = layer._weights[0].nbytes
    layer.save(tmp_path / "full")
    layer.quantize()
    layer.save(tmp_path / "quantized")
    assert sum(array.nbytes for array in layer._parameters.values()) < 0.28 * numbers
    assert layer._weights[0].nbytes < 0.28 * packed
    assert (tmp_path / "quantized").stat().st_size < 0.29 * (tmp_path / "full").stat().st_size


@pytest.mark.parametrize("kind", ["lstm", "projected", "gru", "rnn", "chain"])
def test_a_row_has_the_same_bits_everywhere(kind: str) -> None:
    x, lengths = given(kind, 5), np.array([9, 0, 4, 7, 1])
    found = []
    for isa, threads in itertools.product(fl.available_isas(), [1, 2]):
        with running(isa, threads):
            layer = quantized(kind)
            whole = layer(x, lengths=lengths)[0]
            alone = [layer(x[:, k : k + 1], lengths=lengths[k : k + 1])[0] for k in range(5)]
            np.testing.assert_array_equal(np.concatenate(alone, axis=1), whole)
            found.append(whole)
    for other in found[1:]:
        if kind != "chain":  # whose LayerNorm is in float32
            np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize("kind", ["lstm", "projected", "rnn", "chain"])
def test_streams_have_the_bits_of_the_whole_sequence(kind: str) -> None:
    layer, x = quantized(kind), given(kind)
    wanted = output(layer, x)
    stream = layer.stream(4)
    np.testing.assert_array_equal(np.stack([stream.step(x_t) for x_t in x]), wanted)
    streams = [layer.stream() for _ in range(4)]
    together = np.stack([fl.step_many(streams, x_t) for x_t in x])
    np.testing.assert_array_equal(together, wanted)


@pytest.mark.parametrize("names", [["below"], ["above"], ["table", "fc"]])
def test_a_chain_of_several_precisions_runs_and_streams(names: list[str]) -> None:
    net, x = chain(), given("chain")
    for k, name in enumerate(names):
        getattr(net, name).quantize("int8", activations=MODES[k])
    stream = net.stream(4)
    np.testing.assert_array_equal(np.stack([stream.step(x_t) for x_t in x]), net(x)[0])
    state = stream.state
    later = stream.copy()
    np.testing.assert_array_equal(later.step(x[0]), stream.step(x[0]))
    later.state = state
    stream.state = state
    np.testing.assert_array_equal(later.step(x[1]), stream.step(x[1]))


def test_two_kinds_of_activations_in_one_stream() -> None:
    net, x = chain(), given("chain")
    net.below.quantize("int8")
    net.above.quantize("int8", activations="int16")
    stream = net.stream(4)
    np.testing.assert_array_equal(np.stack([stream.step(x_t) for x_t in x]), net(x)[0])


def test_streams_and_copies_made_before_stay_as_they_are() -> None:
    layer, x = LAYERS["lstm"](), given("lstm")
    wanted, stream, twin = output(layer, x), layer.stream(4), copy.copy(layer)
    layer.quantize()
    np.testing.assert_array_equal(np.stack([stream.step(x_t) for x_t in x]), wanted)
    np.testing.assert_array_equal(output(twin, x), wanted)
    twin.vjp(x)
    assert (layer.precision, twin.precision) == ("int8", "float32")


def test_calls_in_other_threads_are_before_or_after() -> None:
    x = given("chain")
    before, after = chain()(x)[0], quantized("chain")(x)[0]

    def run(net: Any, found: list[Any]) -> None:
        found.extend(net(x)[0] for _ in range(10))

    for _ in range(10):
        net, found = chain(), list[Any]()
        threads = [threading.Thread(target=run, args=(net, found)) for _ in range(3)]
        for thread in threads:
            thread.start()
        net.quantize()
        for thread in threads:
            thread.join()
        assert all(np.array_equal(y, before) or np.array_equal(y, after) for y in found)


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_are_refused(kind: str) -> None:
    layer = quantized(kind)
    message = "precision must be float32 or float64 for gradients and training, got int8, which is for inference: keep"
    with pytest.raises(ValueError, match=message):
        layer.vjp(given(kind))


@pytest.mark.parametrize("kind", LAYERS)
def test_a_second_time_is_refused_and_changes_nothing(kind: str) -> None:
    layer, x = quantized(kind), given(kind)
    wanted = output(layer, x)
    with pytest.raises(ValueError, match="precision must be float32 for quantize\\(\\), got int8: it is quantized"):
        layer.quantize("int8", activations="int16")
    np.testing.assert_array_equal(output(layer, x), wanted)


def test_a_chain_with_a_quantized_layer_is_refused_whole() -> None:
    net = chain()
    net.fc.quantize()
    with pytest.raises(ValueError, match="fc: Linear: precision must be float32 for quantize"):
        net.quantize()
    assert net.below.precision == "float32"
    assert repr(net) == "Chain(table=Embedding, below=LSTM, above=LSTM, norm=LayerNorm, fc=Linear int8)"


REFUSED: dict[str, tuple[type[Exception], str, Callable[[], Any]]] = {
    "mode": (ValueError, "mode must be 'int8' or 'bfloat16', got 'int4'", lambda: LAYERS["lstm"]().quantize("int4")),
    "no mode": (TypeError, "mode must be 'int8' or 'bfloat16', got 8", lambda: LAYERS["lstm"]().quantize(8)),
    "activations": (
        ValueError,
        "activations must be 'int8' or 'int16', got 'int4'",
        lambda: LAYERS["chain"]().quantize("int8", "int4"),
    ),
    "doubles": (
        TypeError,
        "LSTM: dtype must have dtype float32 to be quantized, got float64",
        lambda: fl.LSTM(3, 4, dtype="float64").quantize(),
    ),
    "doubles in a chain": (
        TypeError,
        "0: Linear: dtype must have dtype float32 to be quantized, got float64",
        lambda: fl.Chain(fl.Linear(3, 4, dtype="float64")).quantize(),
    ),
    "nothing": (
        TypeError,
        "the chain must be one with a recurrent layer, a Linear or an Embedding to be quantized",
        lambda: fl.Chain(fl.ReLU(), fl.LayerNorm(3)).quantize(),
    ),
    "full weights": (
        ValueError,
        "missing=.*weight_hh_scale.*the layer is quantized: load what it was before",
        lambda: quantized("cells").load_state_dict(LAYERS["cells"]().state_dict()),
    ),
    "whole numbers": (
        ValueError,
        "unknown=.*weight_hh_scale.*these are of a quantized layer: quantize",
        lambda: LAYERS["cells"]().load_state_dict(quantized("cells").state_dict()),
    ),
    "a new layer": (
        ValueError,
        "unknown=.*these are of a quantized layer: .*fastlstm.load",
        lambda: fl.GRUCell.from_state_dict(quantized("cells").state_dict()),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str) -> None:
    error, message, call = REFUSED[what]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("name", "change", "error", "message"),
    [
        ("weight", lambda w: w.astype(np.float32), TypeError, "weight must be an array of whole numbers, got dtype"),
        ("weight", lambda w: w.astype(np.int64) * 2, ValueError, "weight must hold whole numbers from -127 to 127"),
        ("weight", lambda w: np.full_like(w, -128), ValueError, "whole numbers from -127 to 127, got -128"),
        ("weight_scale", lambda s: -s, ValueError, "weight_scale must hold numbers of at least 0, or NaN, got -"),
        ("weight_scale", lambda s: s / 0, ValueError, "weight_scale must hold numbers of at least 0, or NaN, got inf"),
        ("weight_scale", lambda s: s[1:], ValueError, "weight_scale must have shape"),
    ],
)
def test_arrays_that_no_quantized_layer_has_are_refused(
    name: str, change: Callable[[Any], Any], error: type[Exception], message: str
) -> None:
    layer = quantized("linear")
    arrays = layer.state_dict()
    with np.errstate(divide="ignore"):
        arrays[name] = change(arrays[name])
    with pytest.raises(error, match=message):
        layer.load_state_dict(arrays)


def test_weights_that_are_not_finite_stay_so(tmp_path: Path) -> None:
    layer = LAYERS["linear"]()
    arrays = layer.state_dict()
    arrays["weight"][2, 3] = np.inf
    layer.load_state_dict(arrays)
    layer.quantize()
    layer.save(tmp_path / "layer")
    for one in (layer, fl.load(tmp_path / "layer")):
        y = one(given("linear"))
        assert np.isnan(y[..., 2]).all()
        assert np.isfinite(np.delete(y, 2, axis=-1)).all()


def test_what_is_trained_of_a_quantized_layer_has_no_matrices() -> None:
    assert [name for name, _ in quantized("linear").named_parameters()] == ["bias"]
    names = dict(quantized("chain").named_parameters())
    assert "norm.weight" in names
    assert "fc.weight" not in names


@pytest.mark.parametrize("described", ["int4", 8, None])
def test_a_file_of_an_unknown_precision_is_refused(described: Any, tmp_path: Path, monkeypatch: Any) -> None:
    layer = quantized("linear")
    monkeypatch.setattr(layer, "_description", lambda: {**fl.Linear._description(layer), "precision": described})
    layer.save(tmp_path / "layer")
    with pytest.raises((ValueError, TypeError), match="precision must be 'int8', 'int8_int16' or 'bfloat16', got"):
        fl.load(tmp_path / "layer")


def test_a_precision_of_what_has_none_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    layer = fl.LayerNorm(3)
    monkeypatch.setattr(layer, "_description", lambda: {**fl.LayerNorm._description(layer), "precision": "int8"})
    layer.save(tmp_path / "layer")
    with pytest.raises(ValueError, match="precision must be left out for a LayerNorm"):
        fl.load(tmp_path / "layer")
