"""Graphs of layers and operations drawn at random, for tests of what must hold for any of them."""

from hypothesis import strategies as st

from fastlstm.keras import Input, Model, Sequential, layers, ops

T, I = 4, 3


@st.composite
def drawn_graphs(draw):
    """Draw a functional model of some layers: merges, shared layers, models inside, states, operations."""
    inputs = [Input((T, I)) for _ in range(draw(st.integers(1, 2)))]
    pool, used = list(inputs), []
    for _ in range(draw(st.integers(1, 7))):
        step = draw(st.sampled_from(STEPS))
        pool.extend(step(draw, pool, used))
    ends = draw(st.lists(st.sampled_from(pool[len(inputs) :] or pool), min_size=1, max_size=3))
    form = draw(st.sampled_from(["alone", "list", "dict"]))
    outputs = {"alone": ends[0], "list": ends, "dict": {f"out_{k}": end for k, end in enumerate(ends)}}[form]
    used_inputs = inputs if len(inputs) > 1 or draw(st.booleans()) else inputs[0]
    return Model(used_inputs, outputs)


def one_of(draw, pool, ndim=None, like=None):
    """Draw a tensor with so many axes, or of the shape of another one; there may be none."""
    fits = [t for t in pool if (ndim is None or t.ndim == ndim) and (like is None or t.shape == like.shape)]
    return draw(st.sampled_from(fits)) if fits else None


def layer_on(make, ndim=None):
    def step(draw, pool, used):
        x = one_of(draw, pool, ndim)
        if x is None:
            return []
        layer = make(draw)
        used.append((layer, x))
        y = layer(x)
        return list(y) if isinstance(y, list) else [y]

    return step


def again(draw, pool, used):
    """Call a layer once more."""
    if not used:
        return []
    layer, before = draw(st.sampled_from(used))
    y = layer(one_of(draw, pool, like=before))
    return list(y) if isinstance(y, list) else [y]


def merged(draw, pool, used):
    a = one_of(draw, pool)
    parts = [a, *(one_of(draw, pool, like=a) for _ in range(draw(st.integers(1, 2))))]
    kind = draw(st.sampled_from([layers.Add, layers.Multiply, layers.Maximum, layers.Average, layers.Concatenate]))
    return [kind()(parts)]


def with_states(draw, pool, used):
    x = one_of(draw, pool, 3)
    h = one_of(draw, pool, 2)
    if x is None or h is None:
        return []
    y = layers.GRU(h.shape[-1], return_state=True)(x, initial_state=h)
    return list(y)


def operation(draw, pool, used):
    x = one_of(draw, pool)
    number = draw(st.integers(1, 3)) / 4
    kinds = [lambda: x * number, lambda: number - x, lambda: ops.tanh(x), lambda: x + one_of(draw, pool, like=x)]
    kinds += [lambda: ops.softmax(x, axis=1), lambda: ops.concatenate([x, x], axis=-1)]
    if x.ndim == 3:
        kinds += [lambda: x[:, -1], lambda: x[:, ::2], lambda: ops.mean(x, axis=1), lambda: ops.transpose(x, (0, 2, 1))]
    return [draw(st.sampled_from(kinds))()]


def model_inside(draw, pool, used):
    x = one_of(draw, pool, 3)
    if x is None:
        return []
    if draw(st.booleans()):
        inner = Sequential([Input(x.shape[1:]), layers.Dense(2), layers.LSTM(2)])
    else:
        given = Input(x.shape[1:])
        inner = Model(given, [layers.SimpleRNN(2)(given), given * 2.0])
    used.append((inner, x))
    y = inner(x)
    return list(y) if isinstance(y, list) else [y]


def masked(draw, pool, used):
    x = one_of(draw, pool, 3)
    return [] if x is None else [layers.Masking()(x)]


units = st.integers(1, 3)
STEPS = [
    layer_on(lambda draw: layers.LSTM(draw(units), return_sequences=draw(st.booleans())), 3),
    layer_on(lambda draw: layers.SimpleRNN(draw(units), return_state=True, go_backwards=draw(st.booleans())), 3),
    layer_on(lambda draw: layers.Bidirectional(layers.GRU(draw(units), return_sequences=draw(st.booleans()))), 3),
    layer_on(lambda draw: layers.TimeDistributed(layers.Dense(draw(units))), 3),
    layer_on(lambda draw: layers.RNN([layers.LSTMCell(2), layers.GRUCell(draw(units))]), 3),
    layer_on(lambda draw: layers.Dense(draw(units), draw(st.sampled_from([None, "relu", "softmax"])))),
    layer_on(lambda draw: layers.Dropout(0.25)),
    layer_on(lambda draw: layers.LayerNormalization()),
    *(again, merged, with_states, operation, model_inside, masked),
]
