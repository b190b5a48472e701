"""Layers at which a mask ends without being looked at say so, once."""

import warnings

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers

X = np.ones((2, 4, 3), np.float32)


class Doubled(layers.Layer):
    def call(self, x):
        return 2 * x


class Kept(Doubled):
    supports_masking = True


ENDS = {
    "convolution": lambda: layers.Conv1D(2, 2),
    "transposed": lambda: layers.Conv1DTranspose(2, 2),
    "pooling": lambda: layers.MaxPooling1D(2),
    "global": lambda: layers.GlobalMaxPooling1D(),
    "flatten": lambda: layers.Flatten(),
    "reshape": lambda: layers.Reshape((3, 4)),
    "permute": lambda: layers.Permute((2, 1)),
    "padding": lambda: layers.ZeroPadding1D(1),
    "cropping": lambda: layers.Cropping1D(1),
    "upsampling": lambda: layers.UpSampling1D(2),
    "einsum": lambda: layers.EinsumDense("abc,cd->abd", (None, 2)),
    "rms": lambda: layers.RMSNormalization(),
    "lambda": lambda: layers.Lambda(lambda x: 2 * x),
    "call": Doubled,
}
USES = {
    "dense": lambda: layers.Dense(2),
    "lstm": lambda: layers.LSTM(2),
    "average": lambda: layers.GlobalAveragePooling1D(),
    "lambda": lambda: layers.Lambda(lambda x: 2 * x, mask=lambda x, mask: mask),
    "call": Kept,
}


def warnings_of(run):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    return [(str(w.message), w.filename) for w in caught]


def masked(layer):
    inputs = Input((4, 3))
    return Model(inputs, layer(layers.Masking()(inputs)))


@pytest.mark.parametrize("name", ENDS)
def test_a_mask_that_ends_is_told_once(name):
    layer = ENDS[name]()
    model = masked(layer)
    (text, file), *more = warnings_of(lambda: [model.predict(X, verbose=0) for _ in range(2)])
    assert not more
    assert f"{layer.name}: a {type(layer).__name__} does not support masking" in text
    assert file == __file__


@pytest.mark.parametrize("name", ENDS)
def test_on_arrays_too(name):
    layer = ENDS[name]()
    assert warnings_of(lambda: layer(X)) == []
    assert len(warnings_of(lambda: layer(layers.Masking()(X)))) == 1
    assert warnings_of(lambda: layer(layers.Masking()(X))) == []


@pytest.mark.parametrize("name", USES)
def test_a_mask_that_is_used_or_handed_on_is_not_told(name):
    layer = USES[name]()
    assert warnings_of(lambda: masked(layer).predict(X, verbose=0)) == []
    assert warnings_of(lambda: layer(layers.Masking()(X))) == []


def test_training_tells_it_once_too():
    model = Sequential([Input((4, 3)), layers.Masking(), layers.Conv1D(2, 2), layers.LSTM(2)])
    model.compile("sgd", "mse")
    assert len(warnings_of(lambda: model.fit(X, np.ones((2, 2)), epochs=3, verbose=0))) == 1
