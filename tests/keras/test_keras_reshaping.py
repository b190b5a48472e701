"""Layers that move numbers: values, gradients, shapes, masks, steps."""

import copy

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers
from fastlstm.keras.layers.call import TRAINING

X = np.random.default_rng(6).normal(size=(3, 4, 6))


def repeated(x, n):
    return np.stack([x] * n, axis=1)


# What a layer does, and the same in NumPy.
CASES = {
    "repeat_vector": (lambda **o: layers.RepeatVector(3, **o), X[:, 0], lambda x: repeated(x, 3)),
    "reshape": (lambda **o: layers.Reshape((3, 8), **o), X, lambda x: x.reshape(3, 3, 8)),
    "reshape_rest": (lambda **o: layers.Reshape([2, -1, 3], **o), X, lambda x: x.reshape(3, 2, 4, 3)),
    "reshape_flat": (lambda **o: layers.Reshape((-1,), **o), X, lambda x: x.reshape(3, 24)),
    "permute": (lambda **o: layers.Permute((2, 1), **o), X, lambda x: x.swapaxes(1, 2)),
    "permute_three": (
        lambda **o: layers.Permute((2, 3, 1), **o),
        X.reshape(3, 2, 2, 6),
        lambda x: x.transpose(0, 2, 3, 1),
    ),
    "flatten": (lambda **o: layers.Flatten(**o), X, lambda x: x.reshape(3, 24)),
    "flatten_numbers": (lambda **o: layers.Flatten(**o), X[:, 0, 0], lambda x: x[:, None]),
    "up_sampling1d": (lambda **o: layers.UpSampling1D(3, **o), X, lambda x: x[:, np.arange(12) // 3]),
    "zero_padding1d": (
        lambda **o: layers.ZeroPadding1D(2, **o),
        X,
        lambda x: np.concatenate([np.zeros((3, 2, 6)), x, np.zeros((3, 2, 6))], axis=1),
    ),
    "zero_padding1d_end": (
        lambda **o: layers.ZeroPadding1D((0, 1), **o),
        X,
        lambda x: np.concatenate([x, np.zeros((3, 1, 6))], axis=1),
    ),
    "cropping1d": (lambda **o: layers.Cropping1D(**o), X, lambda x: x[:, 1:3]),
    "cropping1d_start": (lambda **o: layers.Cropping1D((3, 0), **o), X, lambda x: x[:, 3:]),
    "cropping1d_nothing": (lambda **o: layers.Cropping1D(0, **o), X, lambda x: x),
}


@pytest.mark.parametrize("name", CASES)
def test_values_shapes_and_masks(name):
    make, x, wanted = CASES[name]
    layer = make(dtype="float64")
    y = layer(x)
    np.testing.assert_array_equal(y, wanted(x))
    assert layer.compute_output_shape(x.shape) == y.shape
    assert layer.output_shape == (None, *y.shape[1:])
    assert make()(x).dtype == np.float32
    assert layer.compute_mask(x, np.ones(x.shape[:2], bool)) is None


@pytest.mark.parametrize("name", CASES)
def test_gradients(name, check_gradients):
    make, x, _ = CASES[name]
    check_gradients(make(dtype="float64"), x)


@pytest.mark.parametrize("name", CASES)
def test_unneeded_gradients_are_left_out(name):
    make, x, _ = CASES[name]
    y, pullback = make(dtype="float64").vjp(x, TRAINING._replace(need_dx=False))
    assert pullback(y) == (None, [])


@pytest.mark.parametrize("name", CASES)
def test_config_makes_the_same_layer(name):
    layer = CASES[name][0](dtype="float64", trainable=False)
    config = layer.get_config()
    twin = type(layer).from_config(copy.deepcopy(config))
    assert twin.get_config() == config
    np.testing.assert_array_equal(twin(CASES[name][1]), layer(CASES[name][1]))


def test_shapes_that_are_open():
    assert layers.Reshape((-1, 3)).compute_output_shape((None, None, 6)) == (None, None, 3)
    assert layers.Reshape((2, 3)).compute_output_shape((None, None)) == (None, 2, 3)
    assert layers.Permute((2, 1)).compute_output_shape((None, None, 3)) == (None, 3, None)
    assert layers.UpSampling1D().compute_output_shape((8, None, 3)) == (8, None, 3)
    assert layers.ZeroPadding1D().compute_output_shape((None, None, 3)) == (None, None, 3)
    assert layers.Cropping1D().compute_output_shape((None, None, None)) == (None, None, None)
    assert layers.Flatten().compute_output_shape((None, None, 3)) == (None, None)


def test_one_layer_takes_inputs_of_different_sizes():
    for layer in (layers.Flatten(), layers.UpSampling1D(), layers.Reshape((-1, 1))):
        assert len(layer(np.ones((2, 5, 3)))) == len(layer(np.ones((2, 7, 4)))) == 2


def test_a_model_of_them_trains():
    x = Input((4, 6))
    y = layers.LSTM(3)(layers.Cropping1D((0, 1))(layers.ZeroPadding1D(1)(x)))
    y = layers.SimpleRNN(2, return_sequences=True)(layers.RepeatVector(2)(y))
    model = Model(x, layers.Dense(1)(layers.Flatten()(layers.Permute((2, 1))(layers.UpSampling1D(2)(y)))))
    model.compile("adam", "mse")
    before = model.get_weights()
    model.fit(X, np.ones(3), epochs=2, verbose=0)
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_indices_may_be_given_another_shape():
    model = Sequential([Input((2, 3), dtype="int64"), layers.Reshape((6,)), layers.Embedding(7, 2)])
    (table,) = model.get_weights()
    indices = np.arange(6).reshape(1, 2, 3)
    np.testing.assert_array_equal(model(indices), table[indices.reshape(1, 6)])


STREAMED = {
    "reshape": lambda: layers.Reshape((4, 3, 2)),
    "reshape_open": lambda: layers.Reshape((-1, 3, 2)),
    "permute": lambda: layers.Permute((1, 3, 2)),
}


@pytest.mark.parametrize("name", STREAMED)
def test_steps_have_the_bits_of_the_whole(name):
    x = X.astype("float32") if name != "permute" else X.astype("float32").reshape(3, 4, 2, 3)
    layer = STREAMED[name]()
    whole = layer(x)
    inputs = np.empty((3, *x.shape[2:]), "float32")
    step, y = layer.step_function()(inputs)
    for t in range(4):
        inputs[:] = x[:, t]
        step()
        np.testing.assert_array_equal(y, whole[:, t])


def built(layer, shape):
    layer.build(shape)
    return layer


ERRORS = {
    "n": (lambda: layers.RepeatVector(0), ValueError, "repeat_vector: n must be a whole number from 1 .* got 0"),
    "a sequence": (
        lambda: layers.RepeatVector(2)(X),
        ValueError,
        r"repeat_vector: x must have 2 axes \(batch, features\), got \(3, 4, 6\)",
    ),
    "sizes": (
        lambda: layers.Reshape((5, 5))(X),
        ValueError,
        r"reshape: the output must have as many numbers as the input \(3, 4, 6\), got \(3, 5, 5\)",
    ),
    "no rest": (
        lambda: layers.Reshape((-1, 5))(Input((4, 6))),
        ValueError,
        r"as many numbers as the input \(None, 4, 6\), got \(None, -1, 5\)",
    ),
    "rest of nothing": (lambda: layers.Reshape((-1, 0))(X), ValueError, r"got \(3, -1, 0\)"),
    "two rests": (lambda: layers.Reshape((-1, -1)), ValueError, r"target_shape must be .*one of which may be -1, got"),
    "a size": (lambda: layers.Reshape(5), TypeError, "reshape: target_shape must be a tuple of sizes.*got 5"),
    "dims": (lambda: layers.Permute((0, 1)), ValueError, "dims must be the axes from 1 in any order, each once, got"),
    "axes": (lambda: layers.Permute((2, 1))(X[0]), ValueError, r"permute: x must have 3 axes.*got \(4, 6\)"),
    "size": (lambda: layers.UpSampling1D(1.5), TypeError, "up_sampling1d: size must be a whole number"),
    "padding": (lambda: layers.ZeroPadding1D((1, 2, 3)), ValueError, "padding must be a whole number, or two of them"),
    "less than nothing": (lambda: layers.ZeroPadding1D((-1, 2)), ValueError, "padding must be a whole number from 0"),
    "all steps": (
        lambda: layers.Cropping1D(2)(X),
        ValueError,
        r"cropping1d: x must have more than the 4 time steps that cropping \(2, 2\) takes, got shape \(3, 4, 6\)",
    ),
    "all steps of a symbolic tensor": (
        lambda: layers.Cropping1D((4, 1))(Input((5, 1))),
        ValueError,
        "more than the 5 time steps",
    ),
    "channels first": (
        lambda: layers.Flatten("channels_first"),
        NotImplementedError,
        "flatten: data_format must be 'channels_last', got 'channels_first'; put a Permute in front",
    ),
    "channels": (lambda: layers.ZeroPadding1D(data_format="last"), ValueError, "data_format must be 'channels_last'"),
    "stream of other steps": (
        lambda: built(layers.Reshape((2, 12)), (None, 4, 6)).step_function(),
        ValueError,
        "reshape must be a layer that can be streamed, .*, got a Reshape",
    ),
    "stream of swapped axes": (
        lambda: layers.Permute((2, 1)).step_function(),
        ValueError,
        "must be a layer that can be streamed",
    ),
    "stream of vectors": (
        lambda: layers.RepeatVector(2).step_function(),
        ValueError,
        "must be a layer that can be streamed",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    make, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        make()
