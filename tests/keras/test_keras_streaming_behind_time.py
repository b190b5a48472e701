"""Streams of models with layers behind the last output of another, where there is no axis of time."""

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers

T, ROWS = 6, 2
X = np.random.default_rng(0).normal(size=(ROWS, T, 3)).astype(np.float32)


class Own(layers.Layer):
    """A layer of a user, of which nothing is known."""

    def call(self, x):
        return x * x.sum(-1, keepdims=True)


def last(x, units=4):
    return layers.LSTM(units)(x)


def nested(x):
    inner, read = Input((None, 3)), Input((4,))
    encoder = Model(inner, last(inner))
    head = Model(read, layers.Dense(4)(layers.BatchNormalization()(read)))
    return layers.LayerNormalization()(head(encoder(x)))


BEHIND = {
    "softmax": lambda x: layers.Softmax()(last(x)),
    "layer normalisation": lambda x: layers.LayerNormalization()(last(x)),
    "unit normalisation": lambda x: layers.UnitNormalization()(last(x)),
    "batch normalisation": lambda x: layers.BatchNormalization()(last(x)),
    "normalisation": lambda x: layers.Normalization(mean=0.5, variance=2.0)(last(x)),
    "side by side": lambda x: layers.Concatenate()([last(x), layers.SimpleRNN(3)(x)]),
    "by its number": lambda x: layers.Concatenate(axis=1)([last(x), layers.GRU(3)(x)]),
    "dot": lambda x: layers.Dot(1)([last(x), layers.GRU(4)(x)]),
    "einsum": lambda x: layers.EinsumDense("bd,de->be", 5)(last(x)),
    "prelu": lambda x: layers.PReLU("ones")(last(x)),
    "reshape": lambda x: layers.Flatten()(layers.Permute((2, 1))(layers.Reshape((2, 2))(last(x)))),
    "dropout": lambda x: layers.Dense(2)(layers.Dropout(0.5)(last(x))),
    "nested": nested,
    "decoder": lambda x: layers.GRU(3, return_sequences=True)(layers.RepeatVector(3)(last(x))),
    "a layer of a user": lambda x: Own()(last(x)),
    "a function": lambda x: layers.Lambda(lambda value: value[:, ::-1])(last(x)),
}


def streamed(model, rows=ROWS):
    stream = model.stream(rows)
    outputs = [stream.step(x_t) for x_t in X.transpose(1, 0, 2)]
    return outputs


@pytest.mark.parametrize("name", BEHIND)
def test_a_step_has_the_bits_of_the_sequence_so_far(name):
    x = Input((None, 3))
    model = Model(x, BEHIND[name](x))
    for t, y in enumerate(streamed(model), 1):
        np.testing.assert_array_equal(y, model.predict(X[:, :t], verbose=0))


def test_it_goes_on_with_the_weights_it_started_with():
    model = Sequential([Input((None, 3)), layers.LSTM(4), layers.LayerNormalization(), layers.Dense(1)])
    model.compile("sgd", "mse")
    stream, wanted = model.stream(ROWS), model.predict(X, verbose=0)
    model.fit(X, np.ones((ROWS, 1)), epochs=1, verbose=0)
    for x_t in X.transpose(1, 0, 2):
        y = stream.step(x_t)
    np.testing.assert_array_equal(y, wanted)
    assert not np.array_equal(y, model.predict(X, verbose=0))


def test_what_reads_sequences_must_still_take_one_step():
    x = Input((None, 3))
    h = layers.LSTM(4, return_sequences=True)(x)
    for y, message in [
        (Own()(h), "one with a call"),
        (layers.GlobalMaxPooling1D()(h), "must be a layer that can be streamed"),
        (layers.Add()([h, layers.LSTM(4)(h)]), "the inputs must all be sequences"),
        (layers.LSTM(2, stateful=True)(layers.RepeatVector(2)(layers.LSTM(4)(h))), "must keep no state"),
    ]:
        with pytest.raises(ValueError, match=message):
            Model(x, y).stream(ROWS)
