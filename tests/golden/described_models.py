"""Models of which configs are made, written against Keras' interface; `keras` is either module.

``make_keras_models.py`` keeps what Keras says of them, ``test_keras_model_configs.py`` compares and reads it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

T, I = 4, 3
ROWS = 5


def translator(keras):
    layers = keras.layers
    source, before = keras.Input((T, I), name="source"), keras.Input((None, 2), name="before")
    _, *states = layers.LSTM(5, return_state=True, name="encoder")(source)
    decoded = layers.LSTM(5, return_sequences=True, name="decoder")(before, initial_state=states)
    return keras.Model(
        [source, before], layers.Dense(2, activation="softmax", name="token")(decoded), name="translator"
    )


def both_ways(keras):
    layers = keras.layers
    x, start = keras.Input((T, I), name="x"), keras.Input((3,), name="start")
    h, *states = layers.Bidirectional(layers.GRU(3, return_state=True), name="read")(x)
    again = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="sum", name="again")
    return keras.Model([x, start], [h, again(x, initial_state=[states[0], start])], name="both_ways")


def merged(keras):
    layers = keras.layers
    x, y = keras.Input((T, I), name="x"), keras.Input((T, I), name="y")
    kinds = (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)
    parts = [kind(name=kind.__name__.lower())([x, y]) for kind in kinds]
    parts.append(layers.Dot(axes=(2, 2), normalize=True, name="dot")([x, y]))
    every = layers.Concatenate(axis=-1, name="every")(parts)
    return keras.Model(
        {"x": x, "y": y}, {"last": layers.SimpleRNN(3, name="rnn")(every), "every": every}, name="merged"
    )


def attention(keras):
    layers, ops = keras.layers, keras.ops
    x = keras.Input((T, I), name="x")
    h = layers.GRU(4, return_sequences=True, name="gru")(x)
    a = ops.softmax(layers.Dense(1, activation="tanh", name="score")(h), axis=1)
    context = ops.sum(a * h, axis=1)
    last = 2.0 * h[:, -1] - ops.mean(h[:, 1:-1], axis=1) * np.linspace(0, 1, 4).astype("float32")
    both = ops.concatenate([context, ops.reshape(last, (-1, 4))], axis=-1)
    return keras.Model(x, layers.Dense(2, name="kind")(both), name="attention")


def shared(keras):
    layers = keras.layers
    x, y = keras.Input((T, I), name="x"), keras.Input((T, I), name="y")
    encoder, twice = layers.LSTM(4, name="encoder"), layers.Dense(I, activation="relu", name="twice")
    apart = layers.Subtract(name="apart")([encoder(twice(twice(x))), encoder(twice(y))])
    return keras.Model([x, y], layers.Dense(1, activation="sigmoid", name="same")(apart), name="shared")


def nested(keras):
    layers = keras.layers
    chain = keras.Sequential([keras.Input((T, 2), name="in"), layers.LSTM(2, name="lstm")], name="chain")
    h = keras.Input((T, I), name="h")
    graph = keras.Model(h, layers.Dense(2, name="dense")(h), name="graph")
    x, y = keras.Input((T, I), name="x"), keras.Input((T, I), name="y")
    of_x, of_y = graph(x), graph(y)
    both = layers.Add(name="add")([chain(of_x), chain(of_y)])
    return keras.Model([x, y], [both, of_y], name="nested")


def chained(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((T, I), name="x"),
            layers.TimeDistributed(layers.Dense(4, activation="tanh", name="dense"), name="each"),
            layers.Dropout(0.25, name="drop"),
            layers.RNN([layers.LSTMCell(3, name="one"), layers.GRUCell(2, name="two")], name="stack"),
            layers.Activation("relu", name="relu"),
            layers.Dense(2, name="out"),
        ],
        name="chained",
    )


def masked(keras):
    layers = keras.layers
    x = keras.Input((T, I), name="x")
    m = layers.Masking(name="masking")(x)
    h = layers.LSTM(I, return_sequences=True, name="lstm")(m)
    g = layers.Bidirectional(layers.GRU(2), name="both")(layers.Add(name="add")([m, h]))
    return keras.Model(x, layers.Dense(1, name="out")(g), name="masked")


def told_its_mask(keras):
    layers = keras.layers
    words, there = keras.Input((T,), dtype="int32", name="words"), keras.Input((T,), dtype="bool", name="there")
    e = layers.Embedding(7, 3, mask_zero=True, name="embedding")(words)
    return keras.Model([words, there], [layers.LSTM(2, name="own")(e), layers.LSTM(2, name="told")(e, mask=there)])


def merged_masks(keras):
    """What makes a mask of several is far from the outputs: the embedding comes before the dense layer for it."""
    layers = keras.layers
    x, words = keras.Input((T, I), name="x"), keras.Input((T,), dtype="int32", name="words")
    d = layers.Dense(3, name="dense")(x)
    e = layers.Embedding(7, 3, mask_zero=True, name="embedding")(words)
    both = layers.Concatenate(name="both")([d, e])
    steps = layers.TimeDistributed(layers.Dense(3), name="steps")(layers.LSTM(2, return_sequences=True)(both))
    found = layers.Attention(name="attention")([e, steps])
    g = layers.GlobalAveragePooling1D(name="mean")(layers.Dropout(0.0, name="drop")(found))
    return keras.Model([x, words], [g, layers.LSTM(1, name="last")(steps)], name="merged_masks")


def with_options(keras):
    """Settings other than the defaults, all of which leave the numbers alone or can be seen in them."""
    layers = keras.layers
    x = keras.Input(batch_shape=(ROWS, T, I), dtype="float64", name="x")
    lstm = layers.LSTM(
        3,
        activation="relu",
        recurrent_activation="hard_sigmoid",
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.5, seed=3),
        recurrent_initializer="he_uniform",
        unit_forget_bias=False,
        kernel_regularizer=keras.regularizers.L2(0.25),
        bias_constraint=keras.constraints.MaxNorm(2.0),
        dropout=0.25,
        recurrent_dropout=0.5,
        return_sequences=True,
        stateful=True,
        trainable=False,
        dtype="float64",
        name="lstm",
    )
    gru = layers.GRU(2, reset_after=False, go_backwards=True, use_bias=False, seed=7, dtype="float64", name="gru")
    dense = layers.Dense(
        2, activation="elu", activity_regularizer=keras.regularizers.L1L2(0.5, 0.25), dtype="float64", name="dense"
    )
    return keras.Model(x, dense(gru(lstm(x))), name="with_options")


def cut_out(keras):
    """The second half of a model."""
    layers = keras.layers
    x = keras.Input((T, I), name="x")
    h = layers.LSTM(4, name="lstm")(x)
    out = layers.Dense(2, name="dense")(h)
    return keras.Model(h, out, name="cut_out")


def compiled(keras):
    layers = keras.layers
    x = keras.Input((T, I), name="x")
    h = layers.SimpleRNN(3, name="rnn")(x)
    model = keras.Model(
        x, [layers.Dense(1, name="a")(h), layers.Dense(2, activation="softmax", name="b")(h)], name="two"
    )
    model.compile(
        keras.optimizers.SGD(0.5, momentum=0.25),
        loss={"a": "mse", "b": keras.losses.CategoricalCrossentropy(label_smoothing=0.25)},
        loss_weights={"a": 2.0, "b": 0.5},
        metrics={"b": ["accuracy", keras.metrics.MeanSquaredError(name="square")]},
    )
    return model


MODELS: dict[str, Callable[[Any], Any]] = {
    build.__name__: build
    for build in (
        *(translator, both_ways, merged, attention, shared, nested, chained, masked, told_its_mask),
        *(merged_masks, with_options, cut_out, compiled),
    )
}


def some(shape, number, dtype="float32"):
    """Numbers that look like any, the same wherever they are made."""
    size = int(np.prod(shape))
    return np.sin(np.arange(1, size + 1) * (1.0 + 0.37 * number)).reshape(shape).astype(dtype) / 2


def fill(model):
    """Give a model weights that everybody can make again."""
    model.set_weights([some(weight.shape, k, weight.dtype) for k, weight in enumerate(model.get_weights())])


def data(model):
    """Return arrays for the inputs of a model, in the form of them; the last steps of sequences are zeros."""
    tree = model.input if hasattr(model, "input") else model.inputs
    if isinstance(tree, dict):
        return {name: _array(tensor, k) for k, (name, tensor) in enumerate(tree.items())}
    if isinstance(tree, list | tuple) and len(tree) > 1:
        return [_array(tensor, k) for k, tensor in enumerate(tree)]
    return _array(tree[0] if isinstance(tree, list | tuple) else tree, 0)


def _array(tensor, number):
    shape = (ROWS, *(T if size is None else size for size in tensor.shape[1:]))
    dtype = np.dtype(str(tensor.dtype))
    if dtype.kind in "ib":
        found = np.arange(np.prod(shape)).reshape(shape) % 7
        return (found > 2) if dtype.kind == "b" else found.astype(dtype)
    array = some(shape, number, dtype)
    array[:, -1] *= len(shape) == 2
    return array


def outputs(model):
    """Return what a model says to `data`, as a list."""
    found = model.predict(data(model), batch_size=ROWS, verbose=0)
    if isinstance(found, dict):
        return [found[name] for name in sorted(found)]
    return found if isinstance(found, list | tuple) else [found]


TABLES = ("translator", "shared", "nested", "chained", "masked", "told_its_mask", "merged_masks", "cut_out")
"""Models whose tables are kept."""

SUMMARIES: list[dict[str, Any]] = [
    {"line_length": 100},
    {"line_length": 60, "show_trainable": True},
    {"line_length": 130, "expand_nested": True, "show_trainable": True},
    {"line_length": 90, "positions": [0.25, 0.5, 0.75, 0.9]},
]
"""Ways of printing a table."""


def summaries(model):
    """Return the tables of a model."""
    found = []
    for options in SUMMARIES:
        model.summary(print_fn=lambda text: found.append(str(text)), **options)
    return found
