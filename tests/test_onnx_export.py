"""What is exported gives the numbers it gave here: read again, and by onnxruntime where that is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastlstm as fl
from fastlstm.keras import Input, Model, Sequential, layers

onnx = pytest.importorskip("onnx")

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def floats(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def runners(path: Path) -> list[Any]:
    """Functions from named arrays to named arrays."""
    found: list[Any] = [fl.onnx.load(path)]
    if importlib.util.find_spec("onnxruntime"):
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        found.append(lambda inputs: dict(zip(names, session.run(None, inputs), strict=True)))
    return found


# -- layers on arrays --------------------------------------------------------------------------------------------------

LAYERS = [
    fl.LSTM(4, 6, seed=0),
    fl.LSTM(4, 6, num_layers=3, seed=0),
    fl.LSTM(4, 6, num_layers=2, bidirectional=True, batch_first=True, seed=0),
    fl.LSTM(4, 6, bias=False, batch_first=True, seed=0),
    fl.GRU(4, 6, seed=0),
    fl.GRU(4, 6, num_layers=2, bidirectional=True, seed=0),
    fl.RNN(4, 6, bidirectional=True, nonlinearity="relu", seed=0),
    fl.RNN(4, 6, num_layers=2, bias=False, seed=0),
]


@pytest.mark.parametrize("states", [False, True])
@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("number", range(len(LAYERS)))
def test_layers(tmp_path: Path, number: int, states: bool, lengths: bool) -> None:
    layer: Any = LAYERS[number]
    fl.onnx.export(layer, tmp_path / "a.onnx", states=states, lengths=lengths)
    T, N = 5, 3
    x = floats(*((N, T) if layer.batch_first else (T, N)), 4)
    state = given = None
    if states:
        shape = (layer.num_layers * layer.num_directions, N, 6)
        given = {"h_0": floats(*shape, seed=1), "c_0": floats(*shape, seed=2)}
        given = given if isinstance(layer, fl.LSTM) else {"h_0": given["h_0"]}
        state = tuple(given.values()) if isinstance(layer, fl.LSTM) else given["h_0"]
    valid = np.array([5, 1, 3], "int32") if lengths else None
    y, last = layer(x, state, valid)
    h_n, *c_n = last if isinstance(last, tuple) else (last,)
    inputs = {"x": x, **(given or {}), **({} if valid is None else {"lengths": valid})}
    for run in runners(tmp_path / "a.onnx"):
        got = run(inputs)
        np.testing.assert_allclose(got["y"], y, **TOLERANCE)
        np.testing.assert_allclose(got["h_n"], h_n, **TOLERANCE)
        if c_n:
            np.testing.assert_allclose(got["c_n"], c_n[0], **TOLERANCE)


def test_a_layer_in_float64(tmp_path: Path) -> None:
    layer = fl.GRU(4, 6, dtype="float64", seed=0)
    fl.onnx.export(layer, tmp_path / "a.onnx")
    x = floats(5, 3, 4).astype("float64")
    np.testing.assert_allclose(fl.onnx.load(tmp_path / "a.onnx")({"x": x})["y"], layer(x)[0], rtol=1e-12)


def test_a_layer_goes_on_as_a_stream(tmp_path: Path) -> None:
    layer = fl.LSTM(4, 6, num_layers=2, seed=0)
    fl.onnx.export(layer, tmp_path / "a.onnx", states=True)
    stream, x = fl.onnx.load(tmp_path / "a.onnx").stream(), floats(5, 1, 4)
    assert stream.states == {"h_0": "h_n", "c_0": "c_n"}
    got = np.concatenate([stream.step({"x": x[k : k + 1]})["y"] for k in range(5)])
    np.testing.assert_array_equal(got, layer(x)[0])


# -- models ------------------------------------------------------------------------------------------------------------


def chain(*parts: Any, shape: tuple[Any, ...] = (None, 4)) -> Any:
    model = Sequential([Input(shape), *parts])
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(scale=0.4, size=w.shape).astype(w.dtype) ** 2 for w in model.get_weights()])
    for layer in model.layers:  # all were positive, as variances are
        if not isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.normal(scale=0.4, size=w.shape).astype(w.dtype) for w in layer.get_weights()])
    return model


CELLS = (layers.LSTM, layers.GRU, layers.SimpleRNN)
MODELS: dict[str, Any] = {
    **{f"{cell.__name__}": lambda cell=cell: chain(cell(5), layers.Dense(3, "softmax")) for cell in CELLS},
    **{f"{cell.__name__} stacked": lambda cell=cell: chain(cell(5, return_sequences=True), cell(4)) for cell in CELLS},
    **{
        f"{cell.__name__} backwards": lambda cell=cell: chain(cell(5, return_sequences=True, go_backwards=True))
        for cell in CELLS
    },
    **{f"{cell.__name__} relu": lambda cell=cell: chain(cell(5, activation="relu", use_bias=False)) for cell in CELLS},
    **{
        f"both directions {mode} {every}": lambda mode=mode, every=every: chain(
            layers.Bidirectional(layers.LSTM(5, return_sequences=every), merge_mode=mode)
        )
        for mode in ("concat", "sum", "mul", "ave")
        for every in (False, True)
    },
    "GRU reset before": lambda: chain(layers.GRU(5, reset_after=False)),
    "hard sigmoid": lambda: chain(layers.LSTM(5, recurrent_activation="hard_sigmoid", activation="softsign")),
    "linear": lambda: chain(layers.SimpleRNN(5, activation="linear")),
    "masked": lambda: chain(layers.Masking(), layers.LSTM(5, return_sequences=True), layers.GRU(3)),
    "masked by 2": lambda: chain(layers.Masking(2.0), layers.LSTM(5, return_sequences=True)),
    "masked, both directions": lambda: chain(
        layers.Masking(),
        layers.Bidirectional(layers.GRU(5, return_sequences=True)),
        layers.Dropout(0.5),
        layers.Bidirectional(layers.LSTM(3)),
        layers.Dense(2, "sigmoid"),
    ),
    "masked, averaged": lambda: chain(layers.Masking(), layers.GlobalAveragePooling1D()),
    "convolutions": lambda: chain(
        layers.Conv1D(6, 3, padding="same", activation="relu"),
        layers.Conv1D(6, 3, padding="causal", dilation_rate=2),
        layers.BatchNormalization(),
        layers.MaxPooling1D(2, padding="same"),
        layers.AveragePooling1D(2, strides=1, padding="same"),
        layers.LSTM(4, return_sequences=True),
        layers.GlobalMaxPooling1D(),
    ),
    "shapes": lambda: chain(
        layers.ZeroPadding1D((1, 2)),
        layers.Cropping1D((1, 0)),
        layers.Permute((2, 1)),
        layers.Reshape((2, -1)),
        layers.Flatten(),
        layers.RepeatVector(3),
        layers.TimeDistributed(layers.Dense(2, "tanh")),
        shape=(9, 4),
    ),
    "activations": lambda: chain(
        layers.Dense(4, "gelu"),
        layers.ReLU(),
        layers.LeakyReLU(),
        layers.ELU(0.5),
        layers.Activation("silu"),
        layers.LayerNormalization(),
        layers.Rescaling(0.5, 1.0),
        layers.Softmax(),
        layers.GaussianNoise(0.1),
        layers.SpatialDropout1D(0.2),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_models(tmp_path: Path, name: str) -> None:
    model = MODELS[name]()
    model.export(tmp_path / "a.onnx", format="onnx")
    for N, T in ((3, 9), (1, 9)) if name == "shapes" else ((3, 7), (1, 4)):
        x = floats(N, T, 4)
        if name.startswith("masked"):
            for row, length in enumerate((T, 2, 1)[:N]):
                x[row, length:] = 2 if name == "masked by 2" else 0
        wanted = model.predict(x, verbose=0)
        for run in runners(tmp_path / "a.onnx"):
            (got,) = run({model.input_names[0]: x}).values()
            assert got.dtype == wanted.dtype
            np.testing.assert_allclose(got, wanted, **TOLERANCE)


def test_words(tmp_path: Path) -> None:
    embedding = layers.Embedding(20, 6, mask_zero=True)
    model = chain(embedding, layers.LSTM(5, return_sequences=True), layers.LSTM(4), shape=(None,))
    model.export(tmp_path / "a.onnx", format="onnx")
    x = np.array([[3, 4, 5, 6], [1, 2, 0, 0], [7, 0, 0, 0]], "float32")
    for run in runners(tmp_path / "a.onnx"):
        (got,) = run({model.input_names[0]: x}).values()
        np.testing.assert_allclose(got, model.predict(x, verbose=0), **TOLERANCE)


def test_a_mask_that_is_no_length_is_an_error_of_the_run(tmp_path: Path) -> None:
    model = chain(layers.Masking(), layers.LSTM(5))
    model.export(tmp_path / "a.onnx", format="onnx")
    x = floats(2, 4, 4)
    x[1, 1] = 0
    for run in runners(tmp_path / "a.onnx"):
        with pytest.raises(Exception, match="sequence_lens"):
            run({model.input_names[0]: x})


def translator() -> Any:
    source, target = Input((None, 4), name="source"), Input((None, 3), name="target")
    encoded, h, c = layers.LSTM(5, return_state=True, name="encoder")(source)
    decoded = layers.LSTM(5, return_sequences=True, name="decoder")(target, initial_state=[h, c])
    first = layers.Dense(2, name="words")(decoded)
    summed = layers.Add(name="sum")([encoded, h])
    second = layers.Concatenate(name="joined")([summed, layers.Multiply()([c, h]), layers.Subtract()([c, h])])
    return Model([source, target], [first, second])


def test_models_of_several_inputs_and_outputs(tmp_path: Path) -> None:
    model = translator()
    model.export(tmp_path / "a.onnx", format="onnx")
    inputs = {"source": floats(2, 6, 4), "target": floats(2, 3, 3)}
    wanted = model.predict(inputs, verbose=0)
    for run in runners(tmp_path / "a.onnx"):
        got = run(inputs)
        assert [*got] == ["words", "joined"]
        for array, other in zip(got.values(), wanted, strict=True):
            np.testing.assert_allclose(array, other, **TOLERANCE)


def test_axes_are_named(tmp_path: Path) -> None:
    translator().export(tmp_path / "a.onnx", format="onnx")
    network = fl.onnx.load(tmp_path / "a.onnx")
    assert [info.shape for info in network.inputs] == [("batch", "time", 4), ("batch", "time", 3)]


class Own(layers.Dense):
    pass


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: chain(Own(3, name="mine")), "mine must be of a class that ONNX can express: .* got Own"),
        (lambda: chain(layers.RNN(layers.LSTMCell(3), name="r")), "r must be of a class that ONNX can express"),
        (lambda: chain(layers.LSTM(3, activation="gelu", name="l")), "activation must be of elu, .* got 'gelu'"),
        (lambda: chain(layers.LSTM(3, stateful=True, name="l")), "l must not be stateful for ONNX"),
        (lambda: chain(layers.Masking(), layers.GlobalMaxPooling1D(name="p")), "p must take inputs without masks"),
        (lambda: chain(layers.ReLU(threshold=1.0, name="r")), "r must be without threshold"),
        (lambda: chain(layers.TimeDistributed(layers.Flatten(), name="t")), "t: layer must be of Activation"),
    ],
)
def test_what_onnx_cannot_express_is_refused_naming_the_layer(tmp_path: Path, model: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model().export(tmp_path / "a.onnx", format="onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda path: fl.onnx.export([], path), TypeError, "model must be a model of fastlstm.keras, a Chain"),
        (lambda path: fl.onnx.export(LAYERS[0], None), TypeError, "path must be a path"),
        (lambda path: fl.onnx.export(LAYERS[0], path, states=3), ValueError, "states must be True or False"),
        (
            lambda path: fl.onnx.export(translator(), path, states=True),
            TypeError,
            "states must be left out for a model",
        ),
        (lambda path: translator().export(path, format="pb"), ValueError, "format must be 'onnx', got 'pb'"),
        (lambda path: fl.onnx.export(fl.LSTM(4, 6, proj_size=2), path), ValueError, "what ONNX can express"),
    ],
)
def test_wrong_calls(tmp_path: Path, call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(tmp_path / "a.onnx")
