"""Graphs of layers and operations drawn at random, for tests of what must hold for any of them.

They are drawn from a generator of random numbers and made by the package that is given, so that two packages can make
the same one.
"""

from hypothesis import assume
from hypothesis import strategies as st

from fastlstm import keras as ours

T, I, VOCABULARY = 4, 3, 7
BATCH = 4
"""Rows of a batch, where layers have states that stay."""


@st.composite
def drawn_graphs(draw, **options):
    """Draw a functional model of some layers: merges, shared layers, models inside, states, operations."""
    for _ in range(20):
        try:
            return fitting(Drawing(draw(st.randoms(use_true_random=False)), ours, **options).model())
        except ValueError:  # an axis that must be known is open, or too short
            continue
    assume(False)


@st.composite
def graphs_to_stream(draw):
    """Draw a functional model of one sequence, whose layers go one step at a time, most of them."""
    for _ in range(20):
        drawing = Drawing(draw(st.randoms(use_true_random=False)), ours)
        drawing.steps, drawing.inputs = STEPS_TO_STREAM, [ours.Input((drawing.rng.choice([T, None]), I))]
        try:
            return fitting(drawing.model(alone=True))
        except ValueError:
            continue
    assume(False)


def fitting(model):
    """Return a model of this package, unless open axes that were merged differ for inputs of `T` steps."""
    model.compute_output_shape([(BATCH, *(T if n is None else n for n in x.shape[1:])) for x in model.inputs])
    return model


class Drawing:
    """One model in the making.

    Parameters
    ----------
    rng
        Says what to take, as `random.Random` does.
    keras
        The package that has the layers.
    dtype
        Of the layers; None: the default.
    stateful
        Whether states of recurrent layers may stay, for batches of `BATCH`.
    functions
        Whether there may be layers of functions without a name, which no config can hold.
    """

    def __init__(self, rng, keras, dtype=None, stateful=False, functions=True):
        self.steps, self.inputs = STEPS, None
        self.rng, self.keras, self.layers, self.ops = rng, keras, keras.layers, keras.ops
        self.dtype = {} if dtype is None else {"dtype": dtype}
        self.stateful, self.functions = stateful, functions
        self.pool, self.used = [], []

    def model(self, alone=False):
        """Return a model of one to three inputs, whose outputs are a tensor, a list, a tuple or a dict."""
        inputs = [self.source() for _ in range(self.rng.randint(1, 3))] if self.inputs is None else self.inputs
        self.pool += [x for x in inputs if self.number(x)]
        for x in inputs:
            if not self.number(x):
                self.pool.append(self.embedded(x))
        floor = len(self.pool)
        for _ in range(self.rng.randint(1, 8)):
            self.pool += flat(self.rng.choice(self.steps)(self))
        made = self.pool[floor:] or self.pool
        ends = [self.rng.choice(made) for _ in range(self.rng.randint(1, 3))]
        ends = [end for k, end in enumerate(ends) if all(end is not other for other in ends[:k])]
        form = "alone" if alone else self.rng.choice(["alone", "list", "tuple", "dict"])
        if form == "alone":
            ends = ends[:1]
        named = {f"out_{(k * 7) % 3}": end for k, end in enumerate(ends)}
        outputs = {"alone": ends[0], "list": ends, "tuple": tuple(ends), "dict": named}[form]
        given = inputs[0] if len(inputs) == 1 and self.rng.random() < 0.5 else inputs
        return self.keras.Model(given, outputs)

    def source(self):
        kind = self.rng.choice(["steps", "steps", "steps", "open", "vector", "tokens"])
        shape = {"steps": (T, I), "open": (None, I), "vector": (I,), "tokens": (T,)}[kind]
        dtype = {"dtype": "int32"} if kind == "tokens" else self.dtype
        if self.stateful:
            return self.keras.Input(batch_shape=(BATCH, *shape), **dtype)
        return self.keras.Input(shape, **dtype)

    @staticmethod
    def number(x):
        return "int" not in str(x.dtype)

    def embedded(self, x):
        mask_zero = self.rng.random() < 0.6
        return self.layers.Embedding(VOCABULARY, I, mask_zero=mask_zero, **self.dtype)(x)

    # --- What to take -------------------------------------------------------------------------------------------------

    def one_of(self, ndim=None, like=None):
        """Take a tensor with so many axes, or of the shape of another one; there may be none."""
        fits = [
            t
            for t in self.pool
            if (ndim is None or len(t.shape) == ndim) and (like is None or tuple(t.shape) == tuple(like.shape))
        ]
        return self.rng.choice(fits) if fits else None

    def flag(self):
        return self.rng.random() < 0.5

    def units(self):
        return self.rng.randint(1, 3)

    def common(self):
        """Options of any layer with weights."""
        options = dict(self.dtype)
        if self.rng.random() < 0.15:
            options["trainable"] = False
        if self.rng.random() < 0.15:
            options["kernel_regularizer"] = self.keras.regularizers.L2(0.1)
        if self.rng.random() < 0.15:
            options["activity_regularizer"] = self.keras.regularizers.L1(0.1)
        return options

    def recurrent_options(self, kind=""):
        options = self.common()
        if kind == "SimpleRNN":  # of which Keras forgets it
            options.pop("activity_regularizer", None)
        options["return_sequences"] = self.flag()
        options["return_state"] = self.rng.random() < 0.25
        options["go_backwards"] = self.rng.random() < 0.2
        if self.stateful and self.rng.random() < 0.3:
            options["stateful"] = True
        return options

    def recurrent(self):
        kind = self.rng.choice(["LSTM", "GRU", "SimpleRNN"])
        return getattr(self.layers, kind)(self.units(), **self.recurrent_options(kind))

    def recurrent_alone(self):
        """A recurrent layer that gives one tensor."""
        options = {**self.recurrent_options(), "return_state": False, "stateful": False}
        return self.layers.GRU(self.units(), **options)


def flat(y):
    return [leaf for part in y for leaf in flat(part)] if isinstance(y, list | tuple) else [y]


# --- Steps: each adds some tensors ------------------------------------------------------------------------------------


def layer_on(make, ndim=None):
    def step(drawing):
        x = drawing.one_of(ndim)
        if x is None:
            return []
        layer = make(drawing)
        drawing.used.append((layer, x))
        return layer(x)

    return step


def again(drawing):
    """Call a layer once more."""
    if not drawing.used:
        return []
    layer, before = drawing.rng.choice(drawing.used)
    return layer(drawing.one_of(like=before))


def merged(drawing):
    a = drawing.one_of()
    layers, rng = drawing.layers, drawing.rng
    parts = [a, *(drawing.one_of(like=a) for _ in range(rng.randint(1, 2)))]
    kinds = [layers.Add, layers.Multiply, layers.Maximum, layers.Minimum, layers.Average]
    kinds += [layers.Concatenate, layers.Subtract]
    kind = rng.choice(kinds)
    return kind(**drawing.dtype)(parts[:2] if kind is layers.Subtract else parts)


def dotted(drawing):
    a = drawing.one_of(3)
    if a is None:
        return []
    return drawing.layers.Dot(axes=drawing.rng.choice([1, 2]), **drawing.dtype)([a, drawing.one_of(like=a)])


def joined_steps(drawing):
    a = drawing.one_of(3)
    if a is None:
        return []
    return drawing.layers.Concatenate(axis=1, **drawing.dtype)([a, drawing.one_of(like=a)])


def with_states(drawing):
    """A recurrent layer whose states begin with what another layer gave."""
    x, h = drawing.one_of(3), drawing.one_of(2)
    if x is None or h is None or h.shape[-1] is None:
        return []
    kind = drawing.rng.choice(["GRU", "SimpleRNN", "LSTM", "Bidirectional"])
    options = {**drawing.recurrent_options(kind), "stateful": False}
    units = h.shape[-1]
    if kind == "Bidirectional":
        options["go_backwards"] = False
        layer = drawing.layers.Bidirectional(drawing.layers.GRU(units, **options), **drawing.dtype)
        return layer(x, initial_state=[h, drawing.one_of(like=h)])
    layer = getattr(drawing.layers, kind)(units, **options)
    states = [h, drawing.one_of(like=h)] if kind == "LSTM" else h
    return layer(x, initial_state=states)


def operation(drawing):
    ops = drawing.ops
    x = drawing.one_of()
    number = drawing.rng.randint(1, 3) / 4
    other = drawing.one_of(like=x)
    kinds = [lambda: x * number, lambda: number - x, lambda: ops.tanh(x), lambda: x + other, lambda: -x, lambda: x**2]
    kinds += [lambda: ops.softmax(x, axis=1), lambda: ops.concatenate([x, x], axis=-1), lambda: ops.maximum(x, other)]
    kinds += [lambda: x / (ops.abs(other) + 1.0), lambda: ops.where(x > 0, x, other), lambda: ops.sigmoid(x)]
    if len(x.shape) == 3:
        kinds += [
            lambda: x[:, -1],
            lambda: x[:, ::2],
            lambda: ops.mean(x, axis=1),
            lambda: x[:, 0, :],
            lambda: x[..., :1],
        ]
        kinds += [lambda: x[..., :1], lambda: ops.transpose(x, (0, 2, 1)), lambda: ops.max(x, axis=1)]
        kinds += [lambda: ops.flip(x, axis=1)]
    return drawing.rng.choice(kinds)()


def model_inside(drawing):
    """A model as a layer: a chain or a graph, which may hold a model itself."""
    x = drawing.one_of(3)
    if x is None:
        return []
    keras, layers = drawing.keras, drawing.layers
    kind = drawing.rng.choice(["chain", "graph", "deep"])
    shape = tuple(x.shape[1:])
    options = drawing.dtype
    if kind == "chain":
        chain = [layers.Dense(2, **drawing.common()), drawing.recurrent_alone()]
        inner = keras.Sequential([keras.Input(shape, **options), *chain])
    elif kind == "graph":
        given = keras.Input(shape, **options)
        inner = keras.Model(given, [layers.LSTM(2, **drawing.common())(given), given * 2.0])
    else:
        given = keras.Input(shape, **options)
        chain = keras.Sequential([keras.Input(shape, **options), layers.LSTM(2, return_sequences=True, **options)])
        deep = keras.Model(given, [chain(given), chain(given * 0.5)])
        y, z = deep(given)
        inner = keras.Model(given, layers.Add(**options)([y, layers.Dense(2, **drawing.common())(z)]))
    if drawing.rng.random() < 0.2:
        inner.trainable = False
    drawing.used.append((inner, x))
    return inner(x)


def given_mask(drawing):
    x = drawing.one_of(3)
    if x is None:
        return []
    mask = drawing.ops.any(x > 0.0, axis=-1)
    return drawing.recurrent_alone()(x, mask=mask)


def bidirectional(drawing):
    layers = drawing.layers
    inner = {**drawing.recurrent_options(), "go_backwards": False, "return_state": drawing.rng.random() < 0.2}
    for name in ("trainable", "activity_regularizer", "stateful"):
        inner.pop(name, None)
    mode = drawing.rng.choice(["concat", "sum", "mul", "ave", None])
    kind = drawing.rng.choice([layers.LSTM, layers.GRU, layers.SimpleRNN])
    return layers.Bidirectional(kind(drawing.units(), **inner), merge_mode=mode, **drawing.dtype)


def stacked(drawing):
    layers = drawing.layers
    cells = [layers.LSTMCell(2, **drawing.dtype), layers.GRUCell(drawing.units(), **drawing.dtype)]
    options = {"return_sequences": drawing.flag(), "return_state": drawing.rng.random() < 0.3, **drawing.dtype}
    return layers.RNN(cells, **options)


def function(drawing):
    ops = drawing.ops
    if not drawing.functions:
        return drawing.layers.Identity(**drawing.dtype)
    functions = [lambda t: ops.mean(t, axis=1), lambda t: t[:, -1], lambda t: ops.tanh(t) * t]
    return drawing.layers.Lambda(drawing.rng.choice(functions), **drawing.dtype)


def dense(drawing):
    units = drawing.units()
    functions = [None, "relu", "softmax" if units > 1 else "sigmoid"]
    return drawing.layers.Dense(units, drawing.rng.choice(functions), **drawing.common())


def plain(name, *args, **options):
    return lambda drawing: getattr(drawing.layers, name)(*args, **options, **drawing.dtype)


def some_layer(drawing):
    """A layer that changes nothing in training, or the shape."""
    return drawing.rng.choice(SMALL)(drawing)


SMALL = [
    plain("LayerNormalization"),
    plain("BatchNormalization"),
    plain("BatchNormalization", momentum=0.5, trainable=False),
    plain("Dropout", 0.0),
    plain("Activation", "sigmoid"),
    plain("LeakyReLU"),
    plain("Flatten"),
    plain("ActivityRegularization", l2=0.1),
    plain("PReLU"),
]
SMALL_3 = [
    plain("GlobalAveragePooling1D"),
    plain("GlobalMaxPooling1D"),
    plain("GlobalAveragePooling1D", keepdims=True),
    plain("MaxPooling1D", 2),
    plain("AveragePooling1D", 2, padding="same"),
    plain("Permute", (2, 1)),
    plain("ZeroPadding1D", 1),
    plain("UpSampling1D", 2),
    plain("Cropping1D", (1, 0)),
    plain("SpatialDropout1D", 0.0),
]


def distributed(drawing):
    layers = drawing.layers
    inner = drawing.rng.choice([plain("Dense", 2), plain("LayerNormalization"), plain("Activation", "tanh")])(drawing)
    return layers.TimeDistributed(inner, **drawing.dtype)


def repeated(drawing):
    return drawing.layers.RepeatVector(T, **drawing.dtype)


STEPS = [
    *(layer_on(Drawing.recurrent, 3),) * 4,
    layer_on(bidirectional, 3),
    layer_on(distributed, 3),
    layer_on(stacked, 3),
    *(layer_on(dense),) * 2,
    layer_on(some_layer),
    layer_on(lambda drawing: drawing.rng.choice(SMALL_3)(drawing), 3),
    layer_on(function, 3),
    layer_on(repeated, 2),
    layer_on(plain("Masking"), 3),
    *(again, again, merged, merged, dotted, joined_steps, with_states, with_states, operation, operation),
    *(model_inside, given_mask),
]
STEPS_TO_STREAM = [
    *(layer_on(lambda drawing: drawing.layers.LSTM(drawing.units(), return_sequences=True), 3),) * 3,
    layer_on(lambda drawing: drawing.layers.GRU(drawing.units(), return_sequences=drawing.flag()), 3),
    layer_on(distributed, 3),
    *(layer_on(dense), layer_on(some_layer), merged, merged, model_inside, again),
]
