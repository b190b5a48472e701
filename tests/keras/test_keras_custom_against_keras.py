"""Pieces that users write side by side with real Keras, where it is installed: the same lines, run by either."""

import numpy as np
import pytest

from fastlstm import keras as ours

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")

# Some steps of SGD in float32 from the same weights: sums of up to a hundred terms of order one, in another order.
ROUNDING = 2e-5

pytestmark = pytest.mark.filterwarnings("ignore:.*does not support masking.*")  # as is meant

N, T, I = 12, 5, 3
RNG = np.random.default_rng(4)
X = RNG.normal(size=(N, T, I)).astype(np.float32)
Y = RNG.normal(size=(N, 2)).astype(np.float32)
TOKENS = RNG.integers(1, 7, (N, T)) * (np.arange(T) < RNG.integers(1, T + 1, (N, 1)))


def attention(keras):
    class Attention(keras.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.hidden = keras.layers.Dense(units, activation="tanh")

        def build(self, input_shape):
            self.hidden.build(input_shape)
            self.score = self.add_weight(shape=(self.hidden.units, 1), initializer="glorot_uniform", name="score")

        def call(self, h):
            weights = keras.ops.softmax(keras.ops.matmul(self.hidden(h), self.score), axis=1)
            return keras.ops.sum(weights * h, axis=1)

    x = keras.Input((T, I))
    return keras.Model(x, keras.layers.Dense(2)(Attention(4)(keras.layers.LSTM(4, return_sequences=True)(x))))


def several_tensors(keras):
    class Mixed(keras.layers.Layer):
        def build(self, a_shape, b_shape):
            self.w = self.add_weight(shape=(a_shape[-1], b_shape[-1]), initializer="ones")
            self.shift = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, a, b, factor=1.0):
            return [factor * (a @ self.w) + b + self.shift, keras.ops.mean(b, axis=-1, keepdims=True)]

    x = keras.Input((T, I))
    one, other = Mixed()(keras.layers.Dense(4)(x), b=keras.layers.Dense(2)(x), factor=0.5)
    return keras.Model(x, one[:, -1] * other[:, 0])


def derived_from_a_built_in(keras):
    class Doubled(keras.layers.Dense):
        def call(self, inputs):
            return 2 * super().call(inputs) - keras.ops.sum(self.kernel)

    class Last(keras.layers.GRU):
        def call(self, sequences, initial_state=None, mask=None, training=False):
            return super().call(sequences, initial_state=initial_state, mask=mask, training=training) ** 2

    return keras.Sequential([keras.Input((T, I)), Last(4), Doubled(2, activation="softmax")])


def functions(keras):
    K = ours.backend if keras is ours else pytest.importorskip("keras.src.legacy.backend")
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((T, I)),
            layers.Dense(4, activation=lambda t: keras.ops.relu(t) ** 2 + 0.1 * t),
            layers.Lambda(lambda t: K.concatenate([t[:, -1], K.mean(t, axis=1)], axis=-1)),
            layers.Lambda(lambda t, factor: K.clip(K.exp(t * factor), 0.1, 2.0), arguments={"factor": 0.5}),
            layers.Dense(2, kernel_regularizer=lambda w: 0.1 * keras.ops.sum(w**4)),
        ]
    )


def nested_model(keras):
    class Block(keras.Model):
        def __init__(self, units):
            super().__init__()
            self.read = keras.layers.LSTM(units, return_sequences=True)
            self.rest = [keras.layers.Dense(units, activation="tanh"), keras.layers.Dense(2)]

        def call(self, x, training=False):
            h = self.read(x)
            for layer in self.rest:
                h = layer(h)
            return h[:, -1]

    x = keras.Input((T, I))
    return keras.Model(x, Block(3)(x) + keras.layers.Dense(2)(x[:, 0]))


def subclassed(keras):
    class Whole(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed = keras.layers.Embedding(7, 4, mask_zero=True)
            self.read = keras.layers.Bidirectional(keras.layers.LSTM(3))
            self.out = keras.layers.Dense(2)

        def call(self, tokens):
            return self.out(self.read(self.embed(tokens)))

    model = Whole()
    model(TOKENS)
    return model


def masked_sum(keras):
    class Sum(keras.layers.Layer):
        def call(self, x, mask=None):
            return keras.ops.sum(x * keras.ops.cast(mask, x.dtype)[..., None], axis=1)

    class Scaled(keras.layers.Layer):
        supports_masking = True

        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x):
            return 2 * x

    h = keras.layers.Embedding(7, 4, mask_zero=True)(x := keras.Input((T,)))
    return keras.Model(x, keras.layers.Dense(2)(Sum()(keras.layers.GRU(4, return_sequences=True)(Scaled()(h)))))


def cell(keras):
    class Minimal(keras.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = self.state_size = units

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer="uniform", name="kernel")
            self.recurrent = self.add_weight(shape=(self.units, self.units), initializer="uniform", name="recurrent")

        def call(self, inputs, states):
            h = keras.ops.tanh(keras.ops.matmul(inputs, self.kernel) + keras.ops.matmul(states[0], self.recurrent))
            return h, [h]

    x = keras.Input((T, I))
    return keras.Model(x, keras.layers.Dense(2)(keras.layers.RNN(Minimal(4))(keras.layers.Masking()(x))))


def steps_by_hand(keras):
    class Decoder(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.cell = keras.layers.LSTMCell(3)
            self.attend = keras.layers.Dense(3)

        def build(self, input_shape):
            self.cell.build((None, 3))
            self.attend.build(input_shape)

        def call(self, x):
            keys = self.attend(x)
            h = c = keras.ops.zeros_like(keys[:, 0])
            for _ in range(3):
                weights = keras.ops.softmax(keras.ops.sum(keys * h[:, None], axis=-1), axis=-1)
                h, (h, c) = self.cell(keras.ops.sum(weights[..., None] * keys, axis=1), [h, c])
            return h

    return keras.Sequential([keras.Input((T, I)), Decoder(), keras.layers.Dense(2)])


def penalties(keras):
    class Penalized(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = keras.layers.Dense(4, activity_regularizer="l2")
            x = keras.Input((4,))
            self.graph = keras.Model(x, x * keras.layers.Dense(4, activity_regularizer="l1")(x))

        def build(self, input_shape):
            self.inner.build(input_shape)

        def call(self, x):
            h = self.graph(self.inner(x))
            self.add_loss(0.1 * keras.ops.mean(keras.ops.abs(h)))
            return h

    x = keras.Input((T, I))
    return keras.Model(x, keras.layers.Dense(2)(Penalized()(x[:, -1])))


def counting(keras):
    class Centred(keras.layers.Layer):
        def build(self, input_shape):
            self.mean = self.add_weight(shape=(input_shape[-1],), initializer="zeros", trainable=False, name="mean")

        def call(self, x, training=False):
            if training:
                self.mean.assign(0.9 * self.mean + 0.1 * keras.ops.mean(x, axis=(0, 1)))
            return x - self.mean

    return keras.Sequential([keras.Input((T, I)), Centred(), keras.layers.Flatten(), keras.layers.Dense(2)])


def names_of_keras(keras):
    """Activations, losses and regularizers called inside."""

    class Called(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.activation = keras.activations.get("sigmoid")
            self.penalty = keras.regularizers.L2(0.1)

        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1], 3), initializer="glorot_uniform")

        def call(self, x):
            h = keras.activations.tanh(x @ self.w)
            self.add_loss(self.penalty(self.w))
            self.add_loss(keras.losses.mean_squared_error(keras.ops.zeros((3,)), self.w[0]))
            return self.activation(h) * keras.activations.relu(h) + keras.activations.softmax(x)

    x = keras.Input((T, I))
    return keras.Model(x, keras.layers.Dense(2)(keras.activations.relu(Called()(x)[:, -1])))


def positions(keras):
    class Positions(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.table = keras.layers.Embedding(T, I)

        def build(self, input_shape):
            self.table.build(())

        def call(self, x):
            return x + self.table(keras.ops.arange(keras.ops.shape(x)[1]))

    return keras.Sequential([keras.Input((T, I)), Positions(), keras.layers.LSTM(3), keras.layers.Dense(2)])


def translator(keras):
    """Encoder and decoder with attention, as one subclassed model of two inputs."""
    layers = keras.layers

    class Translator(keras.Model):
        def __init__(self):
            super().__init__()
            self.encode = layers.GRU(4, return_sequences=True, return_state=True)
            self.decode = layers.GRU(4, return_sequences=True)
            self.out = layers.Dense(2)

        def call(self, inputs):
            source, target = inputs
            h, state = self.encode(source)
            y = self.decode(target, initial_state=state)
            weights = keras.ops.softmax(y @ keras.ops.transpose(h, (0, 2, 1)), axis=-1)
            return self.out(keras.ops.concatenate([y, weights @ h], axis=-1)[:, -1])

    inner = Translator()
    x = keras.Input((T, I))
    return keras.Model(x, inner([x, keras.layers.Dense(2)(x)]))


def models_inside(keras):
    class Block(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.chain = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(3)])
            x = keras.Input((3,))
            self.graph = keras.Model(x, x + keras.layers.Dense(3)(x))

        def build(self, input_shape):
            self.chain.build(input_shape)

        def call(self, x):
            return self.graph(self.chain(x))

        def compute_output_shape(self, input_shape):
            return input_shape

    x = keras.Input((T, I))
    return keras.Model(x, keras.layers.Dense(2)(keras.layers.TimeDistributed(Block())(x)[:, 1]))


def normalized(keras):
    class Block(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.norm = keras.layers.BatchNormalization(momentum=0.5)
            self.drop = keras.layers.Dropout(0.0)

        def build(self, input_shape):
            self.norm.build(input_shape)

        def call(self, x):
            return self.drop(self.norm(x))

    return keras.Sequential([keras.Input((T, I)), keras.layers.GRU(3), Block(), keras.layers.Dense(2)])


def frozen(keras):
    class Two(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.a, self.b = keras.layers.Dense(3, trainable=False), keras.layers.Dense(2)

        def build(self, input_shape):
            self.a.build(input_shape)
            self.b.build((None, 3))

        def call(self, x):
            return self.b(keras.ops.tanh(self.a(x)))

    return keras.Sequential([keras.Input((T, I)), keras.layers.LSTM(3), Two()])


def queries(keras):
    """A weight as the input of a layer, einsum, and a product over steps."""

    class Query(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.key = keras.layers.Dense(4)

        def build(self, input_shape):
            self.query = self.add_weight(shape=(2, I), initializer="glorot_uniform")
            self.key.build(input_shape)

        def call(self, x):
            scores = keras.ops.einsum("qk,ntk->nqt", self.key(self.query), self.key(x))
            return keras.ops.einsum("nqt,nti->nqi", keras.ops.softmax(scores, axis=-1), x)

    return keras.Sequential(
        [keras.Input((T, I)), Query(), keras.layers.Reshape((2 * I,)), keras.layers.Dense(2, use_bias=False)]
    )


def several_inputs_of_a_lambda(keras):
    ops, x = keras.ops, keras.Input((T, I))
    h = keras.layers.LSTM(I, return_sequences=True)(x)
    y = keras.layers.Lambda(lambda parts: ops.sum(parts[0] * parts[1], axis=1))([x, h])
    return keras.Model(x, keras.layers.Dense(2)(ops.where(y > 0, y, 0.1 * y) + ops.max(h, axis=1)))


PIECES = {
    piece.__name__: piece
    for piece in (
        *(attention, several_tensors, derived_from_a_built_in, functions, nested_model, subclassed, masked_sum),
        *(cell, steps_by_hand, penalties, counting, names_of_keras, positions, translator, models_inside, normalized),
        *(frozen, queries, several_inputs_of_a_lambda),
    )
}


def twins(piece):
    """The model by both, with the same weights."""
    theirs.backend.clear_session()
    model, wanted = piece(ours), piece(theirs)
    assert [w.shape for w in model.weights] == [tuple(w.shape) for w in wanted.weights]
    assert [w.name for w in model.weights] == [w.name for w in wanted.weights]
    model.set_weights(wanted.get_weights())
    return model, wanted


def data_for(name):
    return TOKENS if name in ("subclassed", "masked_sum") else X


@pytest.mark.parametrize("name", PIECES)
def test_pieces_compute_and_train_as_in_keras(name):
    model, wanted = twins(PIECES[name])
    x = data_for(name)
    np.testing.assert_allclose(model(x), wanted(x), rtol=ROUNDING, atol=ROUNDING)
    for one, keras in ((model, ours), (wanted, theirs)):
        one.compile(keras.optimizers.SGD(0.03), "mse")
    histories = [one.fit(x, Y, batch_size=5, epochs=3, shuffle=False, verbose=0).history for one in (model, wanted)]
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=ROUNDING)
    for a, b in zip(model.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=ROUNDING, atol=ROUNDING)
    np.testing.assert_allclose(model.predict(x, verbose=0), wanted.predict(x, verbose=0), rtol=ROUNDING, atol=ROUNDING)


def losses_of(keras):
    ops = keras.ops

    def mixed(y_true, y_pred):
        return keras.losses.mean_squared_error(y_true, y_pred) + 0.1 * ops.mean(ops.abs(y_pred), axis=-1)

    def huber(y_true, y_pred):
        return 2 * keras.losses.Huber(delta=0.3, reduction=None)(y_true, y_pred)

    def weighted_error(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred) * 2.0, axis=-1)

    def contrast(y_true, y_pred):
        return ops.mean(ops.maximum(0.0, 1.0 - y_pred @ ops.transpose(y_true)))

    class Quartic(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean((y_true - y_pred) ** 4, axis=-1)

    class Pairs(keras.losses.Loss):
        """Every row's loss depends on the other rows."""

        def call(self, y_true, y_pred):
            return ops.mean((y_pred - ops.roll(y_pred, 1, axis=0) - y_true) ** 2, axis=-1)

    return {
        "function": weighted_error,
        "number": contrast,
        "entries": lambda y, p: ops.abs(y - p),
        "class": Quartic(),
        "rows": Pairs(),
        "mixed": mixed,
        "of a class": huber,
        "sum": Quartic(reduction="sum"),
    }


@pytest.mark.parametrize("weights", [None, np.linspace(0, 2, N)], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", losses_of(ours))
def test_losses_train_as_in_keras(name, weights):
    model, wanted = twins(
        lambda keras: keras.Sequential([keras.Input((T, I)), keras.layers.GRU(4), keras.layers.Dense(2)])
    )
    if name in ("number", "entries") and weights is not None:
        pytest.skip("Keras multiplies the number with every weight, and needs one value a row")
    for one, keras in ((model, ours), (wanted, theirs)):
        one.compile(keras.optimizers.SGD(0.01), losses_of(keras)[name])
    histories = [
        one.fit(X, Y, sample_weight=weights, batch_size=5, epochs=3, shuffle=False, verbose=0).history
        for one in (model, wanted)
    ]
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=ROUNDING)
    for a, b in zip(model.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=ROUNDING, atol=ROUNDING)


def metrics_of(keras):
    ops = keras.ops

    class Share(keras.metrics.Metric):
        """The share of large errors, gathered in weights."""

        def __init__(self, name="share", **kwargs):
            super().__init__(name=name, **kwargs)
            self.large = self.add_weight(name="large", initializer="zeros")
            self.seen = self.add_variable(shape=(), initializer="zeros", name="seen")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.large.assign_add(ops.sum(ops.cast(ops.abs(y_true - y_pred) > 0.5, "float32")))
            self.seen.assign(self.seen + ops.cast(ops.size(y_pred), "float32"))

        def result(self):
            return self.large / self.seen

    def largest(y_true, y_pred):
        return ops.max(ops.abs(y_true - y_pred))

    return [Share(), largest, lambda y, p: ops.mean(ops.abs(y - p), axis=-1), lambda y, p: ops.abs(y - p)]


def test_metrics_are_as_in_keras():
    model, wanted = twins(
        lambda keras: keras.Sequential([keras.Input((T, I)), keras.layers.GRU(4), keras.layers.Dense(2)])
    )
    for one, keras in ((model, ours), (wanted, theirs)):
        one.compile(keras.optimizers.SGD(0.1), "mse", metrics=metrics_of(keras))
    histories = [
        one.fit(X, Y, validation_data=(X, Y), batch_size=5, epochs=2, shuffle=False, verbose=0).history
        for one in (model, wanted)
    ]
    assert list(histories[0]) == list(histories[1])
    for name, values in histories[1].items():
        np.testing.assert_allclose(histories[0][name], values, rtol=ROUNDING, err_msg=name)
