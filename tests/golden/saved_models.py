"""Models that are kept in files after some steps of training, written against Keras' interface."""

import numpy as np

ROWS, T, I = 12, 5, 3
TOKENS = ROWS * T + 1


def stack(keras):
    layers = keras.layers
    return keras.Sequential([keras.Input((T, I)), layers.LSTM(3, return_sequences=True), layers.LSTM(2), head(keras)])


def both_ways(keras):
    layers = keras.layers
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True))
    return keras.Sequential([keras.Input((T, I)), both, layers.BatchNormalization(), layers.GRU(2), head(keras)])


def words(keras):
    layers = keras.layers
    table = layers.Embedding(TOKENS, 3, mask_zero=True)
    cells = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)])
    return keras.Sequential([keras.Input((T,), dtype="int32"), table, cells, head(keras)])


def shared_and_nested(keras):
    layers = keras.layers
    inner_x = keras.Input((T, I))
    inner = keras.Model(inner_x, layers.Dense(2, activation="tanh")(inner_x))
    x, read = keras.Input((T, I)), layers.LSTM(2)
    return keras.Model(x, head(keras)(layers.Add()([read(inner(x)), read(inner(inner_input(keras, x)))])))


def inner_input(keras, x):
    return keras.layers.TimeDistributed(keras.layers.Dense(I))(x)


def head(keras):
    return keras.layers.Dense(1)


SAVED = {build.__name__: build for build in (stack, both_ways, words, shared_and_nested)}


def data_for(model):
    """Return inputs and labels."""
    rng = np.random.default_rng(2)
    y = rng.normal(size=(ROWS, 1)).astype("float32")
    if len(model.input_shape) == 2:
        tokens = rng.permutation(ROWS * T).reshape(ROWS, T).astype("int32") + 1  # of one twice Keras sees one gradient
        tokens[::3, 3:] = 0
        return tokens, y
    return rng.normal(size=(ROWS, T, I)).astype("float32"), y


def train(model, x, y):
    """Train for two epochs, at first with a new Adam, and return the losses."""
    if not model.compiled:
        model.compile("adam", "mse", metrics=["mae"])
    return model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"]
