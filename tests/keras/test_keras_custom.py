"""Layers, models, losses and metrics that users write with functions of arrays."""

import subprocess
import sys

import numpy as np
import pytest

from fastlstm import keras
from fastlstm.keras import (
    Input,
    Model,
    Sequential,
    Variable,
    activations,
    initializers,
    layers,
    losses,
    metrics,
    ops,
    regularizers,
)
from fastlstm.keras import backend as K
from fastlstm.keras.foundation.tracing import differentiated
from fastlstm.keras.graph.network import Network

N, T, I = 4, 5, 3
GRADIENT = 1e-7  # central differences in float64 are exact to about 1e-9 here


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(
    ("given", "options", "wanted"),
    [
        (1.5, {}, np.float32(1.5)),
        (3, {}, np.int32(3)),
        ([[1.0], [2.0]], {"name": "column"}, np.array([[1], [2]], "float32")),
        ([1, 2], {"dtype": "float64"}, np.array([1.0, 2.0])),
        (np.arange(3.0), {}, np.arange(3.0)),
        (initializers.Ones(), {"shape": (2, 1)}, np.ones((2, 1), "float32")),
        (lambda shape, dtype: np.full(shape, 7, dtype), {"shape": [2], "dtype": "int64"}, np.array([7, 7])),
    ],
)
def test_a_variable_is_made_as_in_keras(given, options, wanted):
    variable = Variable(given, trainable=False, **options)
    assert variable.name == options.get("name", "variable")
    assert not variable.trainable
    found = variable.numpy()
    assert (type(found), found.dtype, found.shape) == (np.ndarray, wanted.dtype, wanted.shape)
    np.testing.assert_array_equal(found, wanted)
    assert isinstance(variable, keras.Variable)


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ("ones", {"shape": (2,)}, TypeError, "must be numbers or an initializer, got 'ones'; initializers.get"),
        (initializers.Ones(), {}, ValueError, "Variable: shape must be given for an initializer, got None"),
        ([1.0, 2.0], {"shape": (3,)}, ValueError, r"initializer must have shape \(3,\), got \(2,\)"),
        (1.0, {"name": 5}, TypeError, "Variable: name must be"),
        (1.0, {"trainable": "no"}, TypeError, "Variable: trainable must be"),
        (object(), {}, TypeError, "Variable: initializer"),
    ],
)
def test_a_variable_that_cannot_be_made(given, options, error, message):
    with pytest.raises(error, match=message):
        Variable(given, **options)


class Attention(layers.Layer):
    """Weighted sum of the steps; has a weight, and a layer inside."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = layers.Dense(units, activation="tanh", dtype=self.dtype)

    def build(self, input_shape):
        self.score = self.add_weight(shape=(self.units, 1), initializer="glorot_uniform", name="score")

    def call(self, h):
        weights = ops.softmax(ops.matmul(self.hidden(h), self.score), axis=1)
        return ops.sum(weights * h, axis=1)


class Gated(layers.Layer):
    """Calls a recurrent layer with states, twice, and a list of layers."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.LSTM(3, return_sequences=True, return_state=True, dtype=self.dtype)
        self.outer = [layers.Dense(2, dtype=self.dtype), layers.Dense(3, use_bias=False, dtype=self.dtype)]

    def call(self, x, training=None):
        y, h, c = self.inner(x)
        y, h, c = self.inner(x, initial_state=[c, h])
        return self.outer[1](self.outer[0](y)) * h[:, None] + K.mean(c)


class Old(layers.Layer):
    """As Keras 2 has it: K functions, a weight that is not trained."""

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], 2), initializer="uniform", regularizer="l2"
        )
        self.shift = self.add_weight(name="shift", shape=(2,), initializer="ones", trainable=False)
        super().build(input_shape)

    def call(self, x):
        return K.dot(x, self.kernel) + self.shift

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 2)


class Kept(layers.Layer):
    """Variables that are attributes, alone and in lists, one of them not trained, one that of a layer beside it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = Variable(draw(I, 2, seed=3), name="first")
        self.others = [
            Variable(draw(2, seed=4), name="shift"),
            Variable(np.full(2, 2.0), name="scale", trainable=False),
        ]
        beside = layers.Dense(2, use_bias=False, dtype="float64")
        beside.build((None, I))
        self.shared = beside.kernel

    def build(self, input_shape):
        self.last = self.add_weight((1,), "ones", name="last")

    def call(self, x):
        shift, scale = self.others
        return (x @ self.first + shift) * scale * self.last + x @ self.shared


class Two(Model):
    """A subclassed model of one input and two outputs."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.encode = layers.LSTM(4, return_sequences=True, dtype="float64")
        self.parts = {"a": layers.Dense(2, dtype="float64"), "b": layers.GRU(3, dtype="float64")}

    def call(self, x, training=False):
        h = self.encode(x)
        return [self.parts["a"](h[:, -1]), self.parts["b"](ops.tanh(h))]


LAYERS = {
    "attention": lambda: Attention(4, dtype="float64"),
    "gated": lambda: Gated(dtype="float64"),
    "old": lambda: Old(dtype="float64"),
    "lambda": lambda: layers.Lambda(lambda t: t[:, -1, :] * K.sum(t), dtype="float64"),
    "own activation": lambda: layers.Dense(3, activation=lambda t: ops.tanh(t) ** 2, dtype="float64"),
    "NumPy's activation": lambda: layers.Dense(3, activation=np.tanh, dtype="float64"),
    "model": lambda: Two(dtype="float64"),
    "variables": lambda: Kept(dtype="float64"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_layers_without_a_vjp(name, central_differences):
    layer, x = LAYERS[name](), draw(N, T, I)
    outputs = layer(x)
    y, pullback = layer.vjp(x)
    parts, wanted = (found if isinstance(found, list) else [found] for found in (y, outputs))
    for a, b in zip(parts, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    dy = [draw(*part.shape, seed=2) for part in parts]
    dx, gradients = pullback(dy if isinstance(y, list) else dy[0])

    def value(v):
        found = layer(v)
        found = found if isinstance(found, list) else [found]
        return float(sum((a * d).sum() for a, d in zip(found, dy, strict=True)))

    np.testing.assert_allclose(dx, central_differences(value, x), atol=GRADIENT)
    assert len(gradients) == len(layer.trainable_variables)
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        start = variable.numpy()

        def moved(v, variable=variable):
            variable.assign(v)
            return value(x)

        np.testing.assert_allclose(gradient, central_differences(moved, start), atol=GRADIENT, err_msg=variable.path)
        variable.assign(start)


def test_weights_of_what_is_inside_belong_to_the_layer():
    layer = Gated()
    assert layer.weights == []
    layer(draw(N, T, I))
    assert [v.name for v in layer.weights] == ["kernel", "recurrent_kernel", "bias", "kernel", "bias", "kernel"]
    layer.inner.trainable = False
    assert len(layer.trainable_variables) == 3
    assert len(layer.non_trainable_variables) == 3
    old = Old()
    old.build((None, I))
    assert [v.name for v in old.trainable_variables] == ["kernel"]
    assert [v.name for v in old.non_trainable_variables] == ["shift"]


class Scaling(Model):
    def __init__(self):
        super().__init__()
        self.scale = Variable(np.ones(1, "float32"), name="scale")
        self.kept = Kept()

    def call(self, x):
        return self.kept(x) * self.scale


def test_variables_among_the_attributes_are_weights_of_the_layer_or_model():
    model, x = Scaling(), draw(20, T, I).astype("float32")
    model.compile("sgd", "mse")
    before = (model(x), model.get_weights())[1]
    names = ["scale", "last", "first", "shift", "scale", "kernel"]
    assert [v.name for v in model.weights] == names
    assert [v.name for v in model.non_trainable_weights] == ["scale"]
    history = model.fit(x, x[..., :2], epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    same = [np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert same == [False, False, False, False, True, False]


def test_such_weights_are_in_files(tmp_path):
    pytest.importorskip("h5py")
    model, other, x = Scaling(), Scaling(), draw(20, T, I).astype("float32")
    model.compile("sgd", "mse")
    model.fit(x, x[..., :2], epochs=1, verbose=0)
    model.save_weights(tmp_path / "m.weights.h5")
    other(x)
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other(x), model(x))


@pytest.mark.parametrize("name", ["attention", "gated", "old", "lambda"])
def test_training_in_a_model(name):
    model = Sequential([Input((T, I)), layers.GRU(3, return_sequences=True), LAYERS[name](), layers.Dense(1)])
    model.compile("adam", "mse")
    x = draw(60, T, I)
    y = x[:, 0, :1] if len(model.output_shape) == 2 else x[:, :, :1]
    history = model.fit(x, y, epochs=12, verbose=0).history["loss"]
    assert history[-1] < history[0]
    np.testing.assert_array_equal(model.predict(x, batch_size=60, verbose=0), model(x))


def test_a_subclassed_model_trains_and_names_its_outputs():
    model = Two(dtype="float64")
    model.compile("adam", ["mse", "mae"], loss_weights=[1.0, 0.5])
    x = draw(40, T, I)
    history = model.fit(x, [x[:, 0, :2], x[:, 1]], epochs=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    one, other = model.predict(x, verbose=0)
    assert (one.shape, other.shape) == ((40, 2), (40, 3))
    assert [layer.name for layer in model.layers] == ["lstm", "dense", "gru"]
    inside = Input((T, I), dtype="float64")
    np.testing.assert_array_equal(Model(inside, model(inside))(x)[0], one)


def test_masks_travel_inside():
    class Reader(layers.Layer):
        def __init__(self):
            super().__init__()
            self.embed, self.read = layers.Embedding(7, 3, mask_zero=True), layers.LSTM(4)

        def call(self, tokens):
            return self.read(self.embed(tokens))

    reader, tokens = Reader(), np.array([[1, 2, 3, 0], [4, 0, 0, 0]])
    np.testing.assert_array_equal(reader(tokens)[1:], reader(tokens[1:, :1]))
    y, pullback = reader.vjp(tokens)
    np.testing.assert_array_equal(y, reader(tokens))
    assert pullback(np.ones_like(y))[1][0][0].any() == 0  # row 0 of the table is never read

    class Masked(layers.Layer):
        supports_masking = True

        def call(self, x, mask=None):
            return x * ops.cast(mask, "float32")[..., None]

    x = Input((None,))
    h = layers.Embedding(7, 3, mask_zero=True)(x)
    model = Model(x, layers.LSTM(4)(Masked()(h)))
    np.testing.assert_array_equal(model(tokens)[1:], model(tokens[1:, :1]))


def weighted_error(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred) * 2.0, axis=-1)


class Quartic(losses.Loss):
    """A loss without a gradient of its own."""

    def call(self, y_true, y_pred):
        return ops.mean((y_true - y_pred) ** 4, axis=-1)


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        (weighted_error, lambda e: (2 * e**2).mean()),
        (lambda y, p: K.mean(K.abs(y - p)), lambda e: abs(e).mean()),
        (Quartic(), lambda e: (e**4).mean()),
        (Quartic, lambda e: (e**4).mean()),
    ],
)
def test_losses_without_a_gradient(loss, value, central_differences):
    x = Input((T, I), dtype="float64")
    model = Model(x, layers.Dense(2, dtype="float64")(layers.LSTM(3, dtype="float64")(x)))
    model.compile("sgd", loss)
    data, labels = draw(N, T, I), draw(N, 2, seed=1)
    objective = model._objective()
    outcome, gradients = objective.gradients([data], [labels], [None])
    assert outcome.loss == pytest.approx(value(labels - model(data)), rel=1e-12)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        start = variable.numpy()

        def moved(v, variable=variable):
            variable.assign(v)
            return objective.evaluate([data], [labels], [None]).loss

        np.testing.assert_allclose(gradient, central_differences(moved, start), atol=GRADIENT)
        variable.assign(start)


def test_functions_as_metrics_are_named_and_averaged_as_in_keras():
    model = Sequential([Input((T, I)), layers.LSTM(3), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=[weighted_error, lambda y, p: K.max(K.abs(y - p))])
    x, y = draw(10, T, I), draw(10, 2, seed=1).astype("float32")
    found = model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    assert sorted(found) == ["lambda", "loss", "weighted_error"]
    error = abs(y - model(x))
    # One number a batch: batches of 4, 4 and 2 rows count alike.
    assert found["lambda"] == pytest.approx(np.mean([error[:4].max(), error[4:8].max(), error[8:].max()]), rel=1e-5)
    assert found["weighted_error"] == pytest.approx((2 * error**2).mean(), rel=1e-5)
    assert isinstance(metrics.get(weighted_error), metrics.MeanMetricWrapper)


def test_training_reaches_layers_inside():
    class Dropping(layers.Layer):
        def __init__(self):
            super().__init__()
            self.drop = layers.Dropout(0.5)

        def call(self, x):
            return self.drop(x)

    class Saying(Dropping):
        def call(self, x, training=False):
            return self.drop(x, training=False), ops.ones(()) * training

    x = np.ones((50, 4), "float32")
    assert Dropping()(x).all()
    assert not Dropping()(x, training=True).all()
    model = Sequential([Input((4,)), Dropping(), layers.Dense(1)])
    assert not np.array_equal(model(x, training=True), model(x))
    kept, said = Saying()(x, training=True)
    assert kept.all()
    assert said == 1


def test_penalties_from_inside_count():
    class Penalized(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = layers.Dense(3, activity_regularizer="l2", kernel_regularizer="l1")

        def call(self, x):
            y = self.inner(x)
            self.add_loss([ops.mean(x), 2.0 * ops.sum(self.inner.kernel)])
            return y

    layer, x = Penalized(activity_regularizer=lambda y: 3.0 * ops.sum(y**2)), draw(N, I).astype("float32")
    model = Sequential([Input((I,)), layer])
    model.compile("sgd", "mse")
    y = model(x)
    loss = model.evaluate(x, np.zeros((N, 3)), verbose=0)
    kernel = layer.inner.kernel.numpy()
    wanted = (y**2).mean() + 3.01 * (y**2).sum() / N + x.mean() + 2 * kernel.sum() + 0.01 * abs(kernel).sum()
    assert loss == pytest.approx(wanted, rel=1e-5)
    gradient = model._objective().gradients([x], [np.zeros((N, 3), "float32")], [None])[1][0]
    slope = x.T @ (2 * y / y.size + 6.02 * y / N)
    np.testing.assert_allclose(gradient, slope + 2 + 0.01 * np.sign(kernel), rtol=1e-4)
    with pytest.raises(ValueError, match=r"penalized: add_loss\(\) must be called within call"):
        layer.add_loss(1.0)


def test_what_a_call_assigns_counts_from_there_on():
    class Counting(layers.Layer):
        def build(self, input_shape):
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")

        def call(self, x):
            self.seen.assign_add(1.0)
            return x * self.seen

    layer, x = Counting(), np.ones((2, 3), "float32")
    model = Sequential([Input((3,)), layer, layers.Dense(1)])
    assert layer.seen.numpy() == 0  # trying it out to see the shape leaves nothing behind
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x), 2 * x)
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], batch_size=1, epochs=2, verbose=0)
    assert layer.seen.numpy() == 6


def test_classes_derived_from_built_in_ones():
    class Doubled(layers.Dense):
        def call(self, inputs):
            return 2 * super().call(inputs)

    class Squared(layers.LSTM):
        def call(self, x, training=False, mask=None):
            return super().call(x, training=training) ** 2

    x = draw(N, T, I)
    layer, plain = Doubled(2, activation="softmax", dtype="float64"), layers.Dense(2, "softmax", dtype="float64")
    np.testing.assert_array_equal(layer(x).shape, (N, T, 2))
    plain.build((None, T, I))
    plain.set_weights(layer.get_weights())
    dy = draw(N, T, 2, seed=1)
    (y, back), (y_plain, back_plain) = layer.vjp(x), plain.vjp(x)
    np.testing.assert_array_equal(y, 2 * y_plain)
    for one, other in zip(back(dy)[1], back_plain(2 * dy)[1], strict=True):
        np.testing.assert_allclose(one, other)
    recurrent = Squared(3)
    model = Sequential([Input((T, I)), recurrent, layers.Dense(2)])
    assert (len(recurrent.weights), model.output_shape) == (3, (None, 2))
    model.compile("adam", "mse")
    losses = model.fit(x, x[:, 0, :2], epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    with pytest.raises(
        ValueError, match=r"squared must be a layer that can be streamed, .*, got one with a call\(\) of its own"
    ):
        model.stream()


def test_cells_inside(central_differences):
    class Decoder(layers.Layer):
        def __init__(self):
            super().__init__(dtype="float64")
            self.cell = layers.LSTMCell(3, dtype="float64")
            self.top = layers.StackedRNNCells(
                [layers.GRUCell(2, dtype="float64"), layers.SimpleRNNCell(2, dtype="float64")]
            )

        def call(self, x):
            h = c = ops.zeros_like(x)
            tops = self.top.get_initial_state(len(x))
            for _ in range(3):
                h, (h, c) = self.cell(x * h + x, [h, c])
                y, tops = self.top(h, tops)
            return y

    layer, x = Decoder(), draw(N, 3)
    y = layer(x)
    found, pullback = layer.vjp(x)
    np.testing.assert_array_equal(found, y)
    dx, gradients = pullback(np.ones_like(y))
    np.testing.assert_allclose(dx, central_differences(lambda v: layer(v).sum(), x), atol=GRADIENT)
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        start = variable.numpy()

        def moved(v, variable=variable):
            variable.assign(v)
            return layer(x).sum()

        np.testing.assert_allclose(gradient, central_differences(moved, start), atol=GRADIENT, err_msg=variable.path)
        variable.assign(start)


def test_builds_and_calls_with_several_arguments():
    class Mixed(layers.Layer):
        def build(self, a_shape, b_shape):
            self.shapes = a_shape, b_shape

        def call(self, a, b, factor=1.0, mask=None):
            return {"sum": factor * (a + b), "mask": ops.cast(mask is not None, "float32") * ops.sum(a)}

    layer, x = Mixed(), draw(N, 3).astype("float32")
    found = layer(x, b=x, factor=2.0)
    np.testing.assert_array_equal(found["sum"], 4 * x)
    assert layer.shapes == ((None, 3), (None, 3))
    assert found["mask"] == 0
    assert layer(x, x, mask=np.ones(N, bool))["mask"] != 0

    class Of(layers.Layer):
        def build(self, shape):
            self.shape = shape

        def call(self, parts):
            return parts["a"] * parts["b"][0]

    inner, one, other = Of(), Input((3,)), Input((3,))
    y = inner({"a": one, "b": [other]})
    assert inner.shape == {"a": (None, 3), "b": [(None, 3)]}
    np.testing.assert_array_equal(Model([one, other], y)([x, x]), x * x)


def test_functions_as_regularizers_constraints_initializers():
    dense = layers.Dense(
        2,
        kernel_initializer=lambda shape, dtype=None: np.full(shape, 0.5, dtype),
        kernel_regularizer=lambda w: 0.1 * ops.sum(w**4),
        kernel_constraint=lambda w: ops.clip(w, -0.25, 0.25),
    )
    model = Sequential([Input((3,)), dense])
    model.compile("sgd", "mse")
    x = np.zeros((2, 3), "float32")
    assert model.evaluate(x, x[:, :2], verbose=0) == pytest.approx(0.1 * 6 * 0.5**4)
    assert model.losses == [pytest.approx(0.1 * 6 * 0.5**4)]
    gradient = model._objective().gradients([x], [x[:, :2]], [None])[1][0]
    np.testing.assert_allclose(gradient, 0.4 * 0.5**3, rtol=1e-6)
    model.fit(x, x[:, :2], verbose=0)
    np.testing.assert_array_equal(dense.kernel.numpy(), 0.25)

    class Quartic(regularizers.Regularizer):
        def __call__(self, x):
            return ops.sum(x**4)

    np.testing.assert_allclose(Quartic().gradient(np.array([2.0])), [32])
    with pytest.raises(ValueError, match=r"initializer must give an array of shape \(3, 2\), got \(3,\)"):
        layers.Dense(2, kernel_initializer=lambda shape, dtype=None: np.zeros(3)).build((None, 3))


class Share(metrics.Metric):
    """The share of large errors."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.large = self.add_weight(name="large", initializer="zeros")
        self.seen = self.add_variable(shape=(), initializer="zeros")
        self.inner = metrics.MeanSquaredError()

    def update_state(self, y_true, y_pred):
        self.large.assign_add(ops.sum(ops.cast(ops.abs(y_true - y_pred) > 0.5, "float32")))
        self.seen.assign(self.seen + ops.size(y_pred))
        self.inner.update_state(y_true, y_pred)

    def result(self):
        return self.large / self.seen + 0 * self.inner.result()


@pytest.mark.filterwarnings("ignore:.* does not support masking")
def test_training_and_mask_may_be_handed_on_as_none_without_their_names():
    class Told(layers.Layer):
        def __call__(self, inputs, training=None, mask=None):
            return super().__call__(inputs, training, mask)

        def call(self, inputs, training=None, mask=None):
            return inputs + float(training) + ops.cast(mask, "float32")[:, :, None]

    x = Input((T, I))
    model = Model(x, Told()(layers.Masking()(x)))
    data = np.ones((N, T, I), np.float32)
    data[0, 1:] = 0
    np.testing.assert_array_equal(model(data), data + (data != 0))
    np.testing.assert_array_equal(model(data, training=True), data + 1 + (data != 0))


def test_metrics_that_gather_weights():
    metric = Share()
    assert [v.path for v in metric.variables] == ["share/large", "share/variable"]
    model = Sequential([Input((T, I)), layers.LSTM(3), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=[metric])
    x, y = draw(10, T, I), draw(10, 2, seed=1).astype("float32")
    found = model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    assert found["share"] == pytest.approx((abs(y - model(x)) > 0.5).mean())
    assert isinstance(found["share"], float)
    assert metric.seen.numpy() == 20
    metric.reset_state()
    assert (metric.seen.numpy(), metric.inner.count) == (0, 0)


def test_steps_of_several_tensors_may_meet_where_their_numbers_are_open():
    """In an attention the steps are the last axis of the scores and the second of what they weigh."""
    source, target = Input((None, I), dtype="float64"), Input((None, I), dtype="float64")
    scores = ops.softmax(ops.matmul(target, ops.transpose(source, (0, 2, 1))))
    context = layers.Lambda(lambda pair: ops.matmul(*pair), dtype="float64")([scores, source])
    assert (scores.shape, context.shape) == ((None, None, None), (None, None, I))
    x, y = draw(N, 6, I), draw(N, 4, I, seed=1)
    weights = np.exp(y @ x.swapaxes(1, 2))
    weights /= weights.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(Model([source, target], context)([x, y]), weights @ x, rtol=1e-12)


def test_names_of_keras_inside_functions(central_differences):
    """Activations, losses and regularizers, whose own derivatives are used."""
    x = draw(N, 3)
    labels = np.abs(draw(N, 3, seed=1))
    functions = {
        "activation": activations.tanh,
        "activation by name": activations.get("softmax"),
        "loss": lambda t: losses.mean_squared_error(labels, t),
        "object": lambda t: losses.Huber(0.3)(labels, t),
        "weighted": lambda t: losses.MeanAbsoluteError()(labels, t, np.arange(4.0)),
        "crossentropy": lambda t: losses.CategoricalCrossentropy()(labels, activations.softmax(t)),
        "own": lambda t: Quartic()(labels, t),
        "regularizer": lambda t: regularizers.L1L2(0.1, 0.2)(t),
    }
    for name, function in functions.items():
        y, pullback, _ = differentiated(lambda given, f=function: f(given[0]), [x])
        np.testing.assert_allclose(y, function(x), err_msg=name)
        dy = draw(*y.shape, seed=3)
        wanted = central_differences(lambda v, f=function, dy=dy: (f(v) * dy).sum(), x)
        np.testing.assert_allclose(pullback(dy)[0][0], wanted, atol=GRADIENT, err_msg=name)
    x = Input((3,))
    assert activations.softmax(x).name.startswith("keras_tensor")
    assert Model(x, activations.sigmoid(x)).operations[-1].name == "sigmoid" if hasattr(Model, "operations") else True
    with pytest.raises(TypeError, match="y_true must not depend on what is trained"):
        differentiated(lambda given: losses.mean_squared_error(given[0], labels), [labels])


def test_masks_in_training_are_those_of_inference():
    class Reader(layers.Layer):
        def __init__(self):
            super().__init__()
            self.embed = layers.Embedding(7, 3, mask_zero=True)

        def call(self, tokens):
            return self.embed(tokens)

    model = Sequential([Input((4,)), Reader(), layers.LSTM(2, return_sequences=True)])
    model.compile("sgd", "mse")
    tokens, y = np.array([[1, 2, 3, 0], [4, 0, 0, 0]]), draw(2, 4, 2).astype("float32")
    loss = model.evaluate(tokens, y, verbose=0)
    assert loss == pytest.approx(((model(tokens) - y) ** 2)[tokens != 0].mean(), rel=1e-5)
    assert model.train_on_batch(tokens, y) == pytest.approx(loss, rel=1e-6)


def test_layers_that_were_not_set_up_say_so():
    class Bare(layers.Layer):
        def __init__(self):
            self.inner = 1

        def call(self, x):
            return x

    with pytest.raises(RuntimeError, match=r"Bare: call super\(\).__init__\(\) first"):
        Bare()(draw(N, I))


def test_float64_goes_all_the_way():
    x = Input((T, I), dtype="float64")
    h = layers.LSTM(3, return_sequences=True, dtype="float64")(x)
    model = Model(x, ops.sum(h[:, -1] * 2.0, axis=-1, keepdims=True))
    y = model(draw(N, T, I))
    assert y.dtype == np.float64
    assert not np.array_equal(y, y.astype("float32"))
    slope = Network(model.plan).vjp([draw(N, T, I)], need=True)[1]([np.ones_like(y)])[0][0]
    assert slope.dtype == np.float64


def test_what_cannot_be_done_says_so(monkeypatch):
    class Step(Model):
        def train_step(self, data):
            """A loop of its own."""

    model = Step(x := Input((I,)), layers.Dense(1)(x))
    model.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match=r"a train_step\(\) of one's own is not supported"):
        model.fit(draw(N, I), draw(N, 1))

    class Nothing(Model):
        pass

    with pytest.raises(NotImplementedError, match=r"must have inputs and outputs, or a class with call"):
        Nothing()(draw(N, I))


def test_without_autograd_the_error_says_what_to_do():
    code = """
import sys
import numpy as np
sys.modules["autograd"] = None
from fastlstm.keras import Sequential, Input, layers, ops
x = np.ones((4, 3), "float32")
model = Sequential([Input((3,)), layers.Dense(2), layers.Lambda(lambda t: ops.tanh(t))])
model.compile("sgd", "mse")
print(model.predict(x, verbose=0).shape)
try:
    model.fit(x, x[:, :2], verbose=0)
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("(4, 2)")
    assert 'pip install "fastlstm[autograd]"' in done.stdout
    assert "vjp(x, call)" in done.stdout


def test_a_loss_whose_rows_depend_on_each_other_trains_on_its_weighted_mean(central_differences):
    """What autograd differentiates is the weighted mean, not the plain sum: weights come before the derivative."""

    def spread(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1) * ops.std(y_pred)

    y, out, weights = draw(N, 2, seed=1), draw(N, 2, seed=2), np.array([0.0, 2.0, 0.5, 1.0])
    loss = losses.get(spread)
    entries, pullback = loss.with_pullback(y, out)
    np.testing.assert_allclose(entries, spread(y, out), rtol=1e-12)

    wanted = central_differences(lambda out: float(np.sum(weights * spread(y, out)) / N), out)
    np.testing.assert_allclose(pullback(weights, 1 / N), wanted, atol=GRADIENT)


def test_what_does_not_count_has_no_gradient_from_a_loss_of_ones_own():
    """0 times NaN is NaN on autograd's way back."""
    model = Sequential([Input((T, I)), layers.LSTM(4), layers.Dense(2)])
    model.compile("sgd", lambda t, p: ops.mean(ops.sqrt(ops.square(t - p)), axis=-1))
    x, y = draw(N, T, I), draw(N, 2)
    y[1] = np.nan
    loss = model.train_on_batch(x, y, sample_weight=np.array([1.0, 0.0, 1.0, 1.0]))
    assert np.isfinite(loss)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


# --- Layers inside of which the first axis is not that of the rows ----------------------------------------------------


class Neighbours(layers.Layer):
    """Takes some of the nodes, which come first; in training it has a second layer."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(2), layers.Dense(2)

    def call(self, x, training=False):
        x = self.first(ops.take(x, np.array([0, 3, 6]), axis=0))
        return self.second(x) if training else x


class OnNodes(layers.Layer):
    """Has the nodes first for the layer inside, and last outside."""

    def __init__(self):
        super().__init__()
        self.nodes, self.last = Neighbours(), layers.Dense(1)

    def call(self, x, training=False):
        y = self.last(self.nodes(ops.transpose(x, (2, 0, 1)), training=training))
        return ops.transpose(ops.squeeze(y, -1), (1, 0))


def test_a_layer_inside_is_built_by_what_it_is_called_on():
    x = np.ones((4, 5, 7), "float32")
    assert OnNodes()(x).shape == (4, 3)
    assert Neighbours()(np.ones((7, 4, 5))).shape == (3, 4, 2)
    model = Sequential([Input((5, 7)), OnNodes()])
    assert model.output_shape == (None, 3)
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(x, np.ones((4, 3)), verbose=0)
    assert len(model.weights) == 6
    assert any((one != other).any() for one, other in zip(before, model.get_weights(), strict=False))


class Later(Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)


def test_a_class_may_get_its_call_later():
    model = Later()
    with pytest.raises(NotImplementedError, match=r"must have inputs and outputs, or a class with call\(self, x\)"):
        model(np.ones((2, 3)))
    Later.call = lambda self, x: self.dense(x) * 2
    try:
        y = model(np.ones((2, 3)))
        np.testing.assert_allclose(y, 2 * model.dense(np.ones((2, 3))))
        model.compile("sgd", "mse")
        assert np.isfinite(model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0).history["loss"][0])
    finally:
        del Later.call


class Numbers(Model):
    def call(self, x):
        return ops.cast(x, "float32") * 2


def test_a_list_of_numbers_is_one_array_for_a_model():
    assert Numbers()([1, 10, 100]).tolist() == [2, 20, 200]
    assert Numbers()([[1.5, 2.0]]).tolist() == [[3.0, 4.0]]
