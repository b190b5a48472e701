"""Layers around layers, and Embedding."""

import copy
import pickle

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, layers, optimizers, regularizers, utils
from fastlstm.keras.layers.call import TRAINING

GRADIENT = 1e-7  # central differences in float64 are good to about 1e-9 relative; values here are of order one
MASK = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]], bool)


def draw(*shape, dtype="float64"):
    return np.random.default_rng(5).normal(size=shape).astype(dtype)


def check_gradients(layer, x, mask, central_differences):
    y = layer(x, mask=mask)
    dy = np.random.default_rng(3).normal(size=np.shape(y))
    out, pullback = layer.vjp(x, TRAINING._replace(mask=mask))
    np.testing.assert_array_equal(out, y)
    dx, gradients = pullback(dy)

    def value(v):
        return float((np.asarray(layer(v, mask=mask)) * dy).sum())

    if x.dtype.kind == "f":
        np.testing.assert_allclose(dx, central_differences(value, x), atol=GRADIENT)
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        start = variable.numpy()

        def loss(v, variable=variable):
            variable.assign(v)
            return value(x)

        np.testing.assert_allclose(gradient, central_differences(loss, start), atol=GRADIENT, err_msg=variable.path)
        variable.assign(start)


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
def test_bidirectional_gradients(mode, sequences, mask, central_differences):
    inner = layers.LSTM(2, return_sequences=sequences, dtype="float64")
    check_gradients(layers.Bidirectional(inner, merge_mode=mode), draw(3, 4, 2), mask, central_differences)


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("sequences", [False, True])
def test_bidirectional_is_two_layers(sequences, mask):
    x = draw(3, 4, 2, dtype="float32")
    layer = layers.Bidirectional(layers.SimpleRNN(3, return_sequences=sequences))
    y = layer(x, mask=mask)
    forward = layers.SimpleRNN(3, return_sequences=sequences, zero_output_for_mask=sequences)
    backward = layers.SimpleRNN(3, return_sequences=sequences, zero_output_for_mask=sequences, go_backwards=True)
    for part, weights in zip((forward, backward), (layer.get_weights()[:3], layer.get_weights()[3:]), strict=True):
        part.build((None, 4, 2))
        part.set_weights(weights)
    one, other = forward(x, mask=mask), backward(x, mask=mask)
    np.testing.assert_array_equal(y, np.concatenate([one, other[:, ::-1] if sequences else other], axis=-1))
    if sequences and mask is not None:
        np.testing.assert_array_equal(y[~mask], 0)


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum", None])
def test_directions_in_one_call_have_the_bits_of_two_calls(monkeypatch, mode, sequences, mask):
    x = np.repeat(draw(3, 4, 60, dtype="float32"), 10, axis=1)  # enough work for two threads
    mask = None if mask is None else np.repeat(mask, 10, axis=1)
    options = {"return_sequences": sequences, "return_state": True}
    backward = layers.GRU(64, go_backwards=True, reset_after=False, **options)
    layer = layers.Bidirectional(layers.LSTM(64, **options), merge_mode=mode, backward_layer=backward)
    one = layer(x, mask=mask)
    monkeypatch.setattr(layer, "_is_one_core_call", lambda training: False)
    for got, wanted in zip(one, layer(x, mask=mask), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_bidirectional_of_the_flipped_input_is_the_flipped_output_with_the_directions_exchanged():
    x = draw(3, 4, 2, dtype="float32")
    layer = layers.Bidirectional(layers.LSTM(3, return_sequences=True))
    y = layer(x, mask=MASK)
    twin = layers.Bidirectional(layers.LSTM(3, return_sequences=True))
    twin.build((None, 4, 2))
    weights = layer.get_weights()
    twin.set_weights(weights[3:] + weights[:3])
    flipped = twin(x[:, ::-1], mask=MASK[:, ::-1])[:, ::-1]
    np.testing.assert_array_equal(flipped, np.concatenate([y[..., 3:], y[..., :3]], axis=-1))


def test_bidirectional_states():
    x = draw(3, 4, 2, dtype="float32")
    layer = layers.Bidirectional(layers.LSTM(3, return_state=True))
    y, *states = layer(x)
    assert [s.shape for s in states] == [(3, 3)] * 4
    np.testing.assert_array_equal(y, np.concatenate([states[0], states[2]], axis=-1))
    started = layer(x, initial_state=states)
    layer.forward_layer.return_state = layer.backward_layer.return_state = False
    one = layer.forward_layer(x, initial_state=states[:2])
    np.testing.assert_array_equal(started[0], np.concatenate([one, started[3]], axis=-1))
    two = layers.Bidirectional(layers.LSTM(3, return_state=True), merge_mode=None)(x)
    assert len(two) == 6
    with pytest.raises(ValueError, match="initial_state must be a list of 4 arrays, got 2"):
        layer(x, initial_state=states[:2])


def test_stateful_bidirectional_carries_and_forgets():
    x = draw(3, 4, 2, dtype="float32")
    layer = layers.Bidirectional(layers.SimpleRNN(3, stateful=True))
    first = layer(x)
    assert len(layer.states) == 2
    assert not np.array_equal(layer(x), first)
    layer.reset_state()
    np.testing.assert_array_equal(layer(x), first)


def test_bidirectional_names_paths_and_shapes():
    model = Sequential([Input((4, 2)), layers.Bidirectional(layers.LSTM(3, return_sequences=True)), layers.Dense(1)])
    layer = model.layers[0]
    assert (layer.name, layer.forward_layer.name, layer.backward_layer.name) == (
        *("bidirectional", "forward_lstm", "backward_lstm"),
    )
    assert [v.path for v in model.weights][:4] == [
        "sequential/bidirectional/forward_lstm/lstm_cell/kernel",
        "sequential/bidirectional/forward_lstm/lstm_cell/recurrent_kernel",
        "sequential/bidirectional/forward_lstm/lstm_cell/bias",
        "sequential/bidirectional/backward_lstm/lstm_cell/kernel",
    ]
    assert layer.output_shape == (None, 4, 6)
    assert layer.count_params() == 2 * 4 * 3 * (2 + 3 + 1)
    assert layers.Bidirectional(layers.LSTM(3), merge_mode="sum").compute_output_shape((None, 4, 2)) == (None, 3)


def test_the_directions_start_from_different_weights():
    layer = layers.Bidirectional(layers.LSTM(3))
    layer.build((None, 4, 2))
    kernels = [weights for weights in layer.get_weights() if weights.ndim == 2]
    assert not np.array_equal(kernels[0], kernels[2])
    assert not np.array_equal(kernels[1], kernels[3])


def test_the_settings_of_the_wrapped_layer_hold_in_both_directions():
    inner = layers.LSTM(3, kernel_initializer="ones", kernel_regularizer=regularizers.L2(0.5), dtype="float64")
    layer = layers.Bidirectional(inner)
    layer.build((None, 4, 2))
    assert layer.losses == [0.5 * 2 * 12, 0.5 * 2 * 12]
    assert layer.dtype == layer.backward_layer.dtype == np.float64


@pytest.mark.parametrize(
    "inner", [lambda: layers.Dense(3, "tanh", dtype="float64"), lambda: layers.LSTM(2, dtype="float64")]
)
def test_time_distributed_gradients(inner, central_differences):
    layer = inner()
    x = draw(2, 3, 2) if isinstance(layer, layers.Dense) else draw(2, 2, 3, 2)
    check_gradients(layers.TimeDistributed(layer), x, None, central_differences)


def test_time_distributed_is_the_layer_at_every_step():
    x = draw(3, 4, 5, 2, dtype="float32")
    layer = layers.TimeDistributed(layers.LSTM(3))
    y = layer(x)
    assert y.shape == layer.compute_output_shape(x.shape) == (3, 4, 3)
    for t in range(4):
        np.testing.assert_array_equal(y[:, t], layer.layer(x[:, t]))
    assert layer.name == "time_distributed"
    assert layer.weights[0].path == "time_distributed/lstm/lstm_cell/kernel"


def test_time_distributed_model_of_sentences_of_words():
    rows = 2**24 + 2  # beyond what float32 counts
    words = layers.TimeDistributed(layers.Embedding(rows, 1, "zeros"))
    model = Sequential([Input((None, 3)), words, layers.TimeDistributed(layers.Flatten()), layers.Dense(2)])
    table = np.zeros((rows, 1), "float32")
    table[-1] = 1
    words.set_weights([table])
    x = np.zeros((2, 4, 3), int)
    x[0, 1, 2] = rows - 1
    x[1, 0, 0] = rows - 2
    y = model.predict(x, verbose=0)
    assert y.shape == (2, 4, 2)
    assert np.abs(y[0, 1]).max() > 0
    np.testing.assert_array_equal(y[1], 0)
    assert model.predict(x[:, :2], verbose=0).shape == (2, 2, 2)
    with pytest.raises(ValueError, match=r"x must have shape \(None, None, 3\), .*, got \(2, 4, 4\)"):
        model.predict(np.zeros((2, 4, 4)), verbose=0)


def test_time_distributed_dense_trains_as_dense_and_passes_the_mask():
    x, y = draw(6, 4, 2), np.random.default_rng(0).integers(0, 3, (6, 4))
    results = []
    for make in (lambda: layers.Dense(3, "softmax"), lambda: layers.TimeDistributed(layers.Dense(3, "softmax"))):
        utils.set_random_seed(1)
        model = Sequential([Input((4, 2)), layers.Masking(), layers.LSTM(3, return_sequences=True), make()])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        x[2, 1:] = 0
        history = model.fit(x, y, epochs=2, verbose=0).history
        results.append([*model.get_weights(), *map(np.array, history.values())])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_trainable_goes_to_the_inner_layers_and_back():
    layer = layers.Bidirectional(layers.LSTM(3), trainable=False)
    layer(draw(3, 4, 2))
    assert layer.trainable_variables == []
    assert len(layer.non_trainable_variables) == 6
    assert not layer.backward_layer.trainable
    assert layer.vjp(draw(3, 4, 2, dtype="float32"))[1](np.ones((3, 6), "float32"))[1] == []
    layer.trainable = True
    layer.forward_layer.trainable = False
    assert len(layer.trainable_variables) == len(layer.non_trainable_variables) == 3
    kept = layers.TimeDistributed(layers.Dense(2, trainable=False))
    kept.build((None, 4, 2))
    assert kept.trainable_variables == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Bidirectional(layers.GRU(3, reset_after=False), merge_mode="mul"),
        lambda: layers.Bidirectional(layers.LSTM(3, return_sequences=True, kernel_regularizer="l2"), merge_mode="sum"),
        lambda: layers.Bidirectional(layers.LSTM(3), backward_layer=layers.SimpleRNN(4, go_backwards=True)),
        lambda: layers.TimeDistributed(layers.Dense(3, kernel_constraint="max_norm")),
        lambda: layers.Embedding(7, 3, mask_zero=True, embeddings_initializer="ones"),
        lambda: layers.Masking(-1.0),
    ],
)
def test_config_makes_the_same_layer(make):
    layer = make()
    config = layer.get_config()
    assert type(layer).from_config(copy.deepcopy(config)).get_config() == config


def test_copies_compute_the_same():
    x = draw(3, 4, 2)
    layer = layers.Bidirectional(layers.LSTM(3))
    y = layer(x)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other(x), y)
        assert other.weights[0] is other.forward_layer.weights[0]


INDICES = np.array([[1, 2, 0], [6, 1, 1]])


def test_embedding_looks_rows_up():
    layer = layers.Embedding(7, 3)
    y = layer(INDICES)
    (table,) = layer.get_weights()
    np.testing.assert_array_equal(y, table[INDICES])
    assert y.dtype == np.float32
    assert np.abs(table).max() <= 0.05
    assert layer.compute_output_shape((None, 3)) == (None, 3, 3)
    for same in (INDICES.tolist(), INDICES.astype("float32"), INDICES.astype("uint8"), INDICES.astype(">i4")):
        np.testing.assert_array_equal(layer(same), y)
    np.testing.assert_array_equal(layers.Embedding(7, 3, weights=[table])(INDICES), y)


def test_embedding_gradient(central_differences):
    layer = layers.Embedding(7, 3, dtype="float64")
    check_gradients(layer, INDICES, None, central_differences)
    empty = np.empty((0, 3), np.int64)
    np.testing.assert_array_equal(layer.vjp(empty)[1](np.empty((0, 3, 3)))[1][0], np.zeros((7, 3)))


def test_embedding_mask():
    assert layers.Embedding(7, 3).compute_mask(INDICES) is None
    np.testing.assert_array_equal(layers.Embedding(7, 3, mask_zero=True).compute_mask(INDICES), INDICES != 0)


def test_embedding_model_takes_any_number_of_steps_and_large_vocabularies():
    rows = 2**24 + 2  # beyond what float32 counts
    model = Sequential([layers.Embedding(rows, 1, "zeros", mask_zero=True), layers.SimpleRNN(2)])
    x = np.array([[rows - 1, 0], [rows - 2, 0]])
    model.build((None, 2))
    table = np.zeros((rows, 1), "float32")
    table[-1] = 1
    model.layers[0].set_weights([table])
    y = model.predict(x, verbose=0)
    assert np.abs(y[0]).max() > 0
    np.testing.assert_array_equal(y[1], 0)
    np.testing.assert_array_equal(model.predict(x[:, :1], verbose=0), y)


def test_embedding_model_trains():
    rng = np.random.default_rng(0)
    x = rng.integers(1, 7, (64, 5))
    y = (x == 3).any(axis=1).astype("float32")
    model = Sequential([Input((None,), dtype="int32"), layers.Embedding(7, 4, mask_zero=True), layers.LSTM(8)])
    model.add(layers.Dense(1, "sigmoid"))
    model.compile(optimizers.Adam(0.02), "bce")
    losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    steps = Sequential([layers.Embedding(7, 4), layers.LSTM(8, return_sequences=True), layers.Dense(2, "softmax")])
    steps.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert list(steps.fit(x, x % 2, verbose=0).history) == ["accuracy", "loss"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: layers.Embedding(0, 3),
            ValueError,
            "embedding: input_dim must be a whole number from 1 to 2147483647, got 0",
        ),
        (
            lambda: layers.Embedding(7, 3)([[0, 7]]),
            ValueError,
            "x must have whole numbers from 0 to 6, .*, got 7 at row 0, step 1",
        ),
        (lambda: layers.Embedding(7, 3)([[-1]]), ValueError, "x must have whole numbers .*, got -1 at row 0, step 0"),
        (lambda: layers.Embedding(7, 3)([[1.5]]), ValueError, "x must have whole numbers .*, got 1.5 at row 0, step 0"),
        (lambda: layers.Embedding(7, 3)([[np.nan]]), ValueError, "x must have whole numbers .*, got nan at row 0"),
        (lambda: layers.Embedding(7, 3)([["a"]]), TypeError, "must be an array of whole numbers"),
        (lambda: layers.Embedding(7, 3).build((None, 2)) or Sequential(["a"]), TypeError, "layer must be a keras"),
        (lambda: layers.TimeDistributed("dense"), TypeError, "TimeDistributed: layer must be a keras.layers.Layer"),
        (
            lambda: layers.TimeDistributed(layers.LSTM(2, stateful=True)),
            ValueError,
            r"layer lstm must be stateful=False, got True: the steps have no common states",
        ),
        (lambda: layers.TimeDistributed(layers.Dense(2))(np.ones((2, 3))), ValueError, "at least 3 axes"),
        (lambda: layers.Bidirectional(layers.Dense(2)), TypeError, "layer must be a recurrent layer such as LSTM"),
        (
            lambda: layers.Bidirectional(layers.LSTM(2), "stack"),
            ValueError,
            "merge_mode must be 'concat'.*'stack'",
        ),
        (
            lambda: layers.Bidirectional(layers.LSTM(2, go_backwards=True)),
            ValueError,
            "must have another go_backwards than the layer forward_lstm, got True",
        ),
        (
            lambda: layers.Bidirectional(
                layers.LSTM(2, return_sequences=True), backward_layer=layers.LSTM(2, go_backwards=True)
            ),
            ValueError,
            "lstm_1 must have return_sequences=True as the layer forward_lstm, got False",
        ),
        (
            lambda: layers.Bidirectional(
                layers.LSTM(2), "sum", backward_layer=layers.LSTM(3, go_backwards=True)
            ).compute_output_shape((None, 4, 2)),
            ValueError,
            "must have one shape for merge_mode='sum', got",
        ),
        (
            lambda: layers.Bidirectional(layers.LSTM(2), dtype="float64"),
            ValueError,
            "dtype must be that of the layers inside, .*, got float64",
        ),
        (lambda: Sequential([layers.Bidirectional(layers.LSTM(2), None)]), ValueError, "must give one output, got two"),
        (lambda: Sequential([layers.Bidirectional(layers.LSTM(2, return_state=True))]), ValueError, "return_state"),
        (
            lambda: layers.TimeDistributed.from_config({"layer": {"class_name": "Lamda", "config": {}}}),
            ValueError,
            "class_name must be that of a known class, .* registered .*, got 'Lamda'",
        ),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_weights_to_start_with():
    inner = layers.GRU(3)
    values = [np.full(shape, i) for i, shape in enumerate([(2, 9), (3, 9), (2, 9)] * 2)]
    layer = layers.Bidirectional(inner, weights=values)
    layer.build((None, 4, 2))
    for got, wanted in zip(layer.get_weights(), values, strict=True):
        np.testing.assert_array_equal(got, wanted)
    with pytest.raises(ValueError, match=r"weights must be a list of 6 arrays of shapes .*, got 5"):
        layers.Bidirectional(inner, weights=values[:-1]).build((None, 4, 2))
    with pytest.raises(TypeError, match="weights must be a list of arrays, got an array"):
        layers.Bidirectional(inner, weights=values[0])


def test_masks_go_into_time_distributed(central_differences):
    x, mask = draw(2, 3, 4, 2), np.random.default_rng(1).random((2, 3, 4)) < 0.5
    layer = layers.TimeDistributed(layers.LSTM(2, dtype="float64"))
    check_gradients(layer, x, mask, central_differences)
    y = layer(x, mask=mask)
    for t in range(3):
        np.testing.assert_array_equal(y[:, t], layer.layer(x[:, t], mask=mask[:, t]))
    np.testing.assert_array_equal(layer.compute_mask(x, mask), mask.any(axis=2))
    steps = layers.TimeDistributed(layers.LSTM(2, return_sequences=True, dtype="float64"))
    np.testing.assert_array_equal(steps.compute_mask(x, mask), mask)
    np.testing.assert_array_equal(layer(x, mask=mask[..., 0]), layer(x))


def test_sentences_of_words():
    """A mask of words (N, sentences, words) ends as one of sentences, for the layer over them."""
    indices = np.array([[[1, 2, 0], [3, 0, 0]], [[2, 1, 1], [0, 0, 0]]])
    model = Sequential(
        [
            *(Input((2, 3)), layers.Embedding(4, 2, mask_zero=True)),
            *(layers.TimeDistributed(layers.LSTM(3)), layers.GRU(2)),
        ]
    )
    y = model.predict(indices, verbose=0)
    alone = model.predict(indices[1:, :1], verbose=0)
    # One sentence more, of padding only, changes nothing; float32 through two layers.
    np.testing.assert_allclose(y[1], alone[0], atol=1e-6)
