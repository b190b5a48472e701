"""Masks: what recurrent layers, Masking, losses and metrics do at steps that are not there."""

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers, losses, ops
from fastlstm.keras.layers.call import TRAINING

GRADIENT = 1e-7  # central differences in float64 are good to about 1e-9 relative; values here are of order one
ROUNDING = 1e-13  # float64 with activations good to a few ULP, a few steps

PATTERNS = {
    "right": [[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0]],
    "left": [[0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1]],
    "holes": [[1, 0, 1, 0, 0, 1], [0, 1, 0, 0, 1, 0], [1, 1, 0, 1, 1, 1]],
    "nothing": [[0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0]],
    "all": [[1] * 6] * 3,
}
KINDS = {
    "lstm": layers.LSTM,
    "rnn": layers.SimpleRNN,
    "gru": layers.GRU,
    "gru_before": lambda *args, **options: layers.GRU(*args, reset_after=False, **options),
}


def pattern(name):
    return np.array(PATTERNS[name], bool)


def draw(*shape):
    return np.random.default_rng(5).normal(size=shape)


def step_by_step(layer, x, mask):
    """The definition: call the layer on single steps of single rows, and keep the state where the mask says so."""
    order = range(x.shape[1])[::-1] if layer.go_backwards else range(x.shape[1])
    config = layer.get_config() | {"return_sequences": False, "return_state": True, "go_backwards": False}
    one = type(layer).from_config(config)
    one.build((None, 1, x.shape[2]))
    one.set_weights(layer.get_weights())
    outputs = np.zeros((len(x), x.shape[1], layer.units))
    for row in range(len(x)):
        states, output = None, np.zeros(layer.units)
        for place, t in enumerate(order):
            if mask[row, t]:
                result, *states = one(x[row : row + 1, t : t + 1], initial_state=states)
                output = result[0]
            elif layer.zero_output_for_mask:
                output = np.zeros(layer.units)
            outputs[row, place] = output
    return outputs if layer.return_sequences else outputs[:, -1]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("kind", KINDS)
def test_masked_steps_keep_the_state_and_repeat_the_output(kind, name, sequences, zero, backwards):
    options = {"return_sequences": sequences, "zero_output_for_mask": zero, "go_backwards": backwards}
    layer = KINDS[kind](4, **options, dtype="float64")
    x, mask = draw(3, 6, 2), pattern(name)
    y = layer(x, mask=mask)
    np.testing.assert_allclose(y, step_by_step(layer, x, mask), rtol=0, atol=ROUNDING)
    trained, _ = layer.vjp(x, TRAINING._replace(mask=mask))
    np.testing.assert_array_equal(trained, y)


@pytest.mark.parametrize("options", [{}, {"zero_output_for_mask": True}, {"go_backwards": True}])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("name", ["left", "holes", "nothing"])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_under_a_mask(kind, name, sequences, options, central_differences):
    layer = KINDS[kind](3, return_sequences=sequences, **options, dtype="float64")
    x, mask = draw(3, 6, 2), pattern(name)
    y = layer(x, mask=mask)
    dy = np.random.default_rng(3).normal(size=y.shape)
    dx, gradients = layer.vjp(x, TRAINING._replace(mask=mask))[1](dy)
    wanted = central_differences(lambda v: float((layer(v, mask=mask) * dy).sum()), x)
    np.testing.assert_allclose(dx, wanted, atol=GRADIENT)
    np.testing.assert_array_equal(dx[~mask], 0)
    for variable, gradient in zip(layer.weights, gradients, strict=True):
        start = variable.numpy()

        def loss(value, variable=variable):
            variable.assign(value)
            return float((layer(x, mask=mask) * dy).sum())

        np.testing.assert_allclose(gradient, central_differences(loss, start), atol=GRADIENT, err_msg=variable.path)
        variable.assign(start)


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_at_masked_steps_does_not_matter(kind):
    layer = KINDS[kind](4, return_sequences=True)
    mask = pattern("holes")
    x, dy = draw(3, 6, 2).astype("float32"), draw(3, 6, 4).astype("float32")
    other = np.where(mask[..., None], x, np.float32(np.nan))
    layer(x)
    (y, pullback), (y_other, pullback_other) = (
        layer.vjp(x, TRAINING._replace(mask=mask)),
        layer.vjp(other, TRAINING._replace(mask=mask)),
    )
    np.testing.assert_array_equal(y, y_other)
    for a, b in zip(pullback(dy)[1], pullback_other(dy)[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_right_padded_row_is_the_short_row():
    layer = layers.LSTM(4, return_state=True)
    x = draw(3, 6, 2).astype("float32")
    mask = pattern("right")
    _, *states = layer(x, mask=mask)
    for row, length in enumerate(mask.sum(axis=1)):
        for state, wanted in zip(states, layer(x[row : row + 1, :length])[1:], strict=True):
            np.testing.assert_array_equal(state[row], wanted[0])


def test_a_full_mask_is_no_mask():
    layer = layers.LSTM(4, return_sequences=True)
    x = draw(3, 6, 2).astype("float32")
    np.testing.assert_array_equal(layer(x, mask=np.ones((3, 6), bool)), layer(x))
    np.testing.assert_array_equal(layer(x, mask=np.ones((3, 6), int).tolist()), layer(x))


def test_states_under_a_mask_start_from_the_given_ones_and_empty_rows_keep_them():
    layer = layers.LSTM(4, return_sequences=True, return_state=True)
    x, states = draw(3, 6, 2).astype("float32"), [draw(3, 4).astype("float32"), draw(3, 4).astype("float32")]
    y, h, c = layer(x, mask=pattern("nothing"), initial_state=states)
    np.testing.assert_array_equal(h[0], states[0][0])
    np.testing.assert_array_equal(c[2], states[1][2])
    np.testing.assert_array_equal(y[0], 0)  # nothing has been put out yet: zero, as with Keras on TensorFlow
    layer.return_sequences = False
    np.testing.assert_array_equal(layer(x, mask=pattern("nothing"), initial_state=states)[0][[0, 2]], 0)


def test_masking_layer():
    x = np.array([[[1, 2], [0, 0], [0, 3]], [[0, 0], [0, 0], [0, 0]]], "float32")
    layer = layers.Masking()
    np.testing.assert_array_equal(layer.compute_mask(x), [[True, False, True], [False, False, False]])
    np.testing.assert_array_equal(layer(x), x)
    special = layers.Masking(mask_value=-1.5)
    x[0, 1] = -1.5
    np.testing.assert_array_equal(special.compute_mask(x), [[True, False, True], [True, True, True]])
    y, pullback = special.vjp(x)
    np.testing.assert_array_equal(y, np.where(x == -1.5, 0, x))
    np.testing.assert_array_equal(pullback(np.ones_like(x))[0], np.where(x == -1.5, 0, 1))
    assert layers.Masking.from_config(special.get_config()).mask_value == -1.5
    assert layer.compute_output_shape((None, 3, 2)) == (None, 3, 2)


@pytest.mark.parametrize("value", [np.nan, np.float32(np.nan), -np.inf])
def test_steps_marked_by_numbers_that_are_none(value):
    x, mask, _ = padded()
    net = lambda mask_value: Sequential(  # noqa: E731
        [Input((None, 2)), layers.Masking(mask_value), layers.Bidirectional(layers.GRU(4)), layers.Dense(1)]
    )
    one, two = net(value), net(0.0)
    two.set_weights(one.get_weights())
    marked = np.where(mask[..., None], x, np.float32(value))
    for model, values in ((one, marked), (two, x)):
        model.compile("sgd", "mse")
        model.train_on_batch(values, np.ones((12, 1)))
    np.testing.assert_array_equal(one.predict(marked, verbose=0), two.predict(x, verbose=0))
    assert layers.Masking.from_config(one.layers[0].get_config()).compute_mask(marked).tolist() == mask.tolist()


def test_a_step_that_is_nan_in_part_is_there():
    x = np.array([[[np.nan, 1.0], [np.nan, np.nan]]], "float32")
    np.testing.assert_array_equal(layers.Masking(np.nan).compute_mask(x), [[True, False]])


def padded(rows=12, steps=6, features=2):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, steps, features)).astype("float32")
    lengths = rng.integers(0, steps + 1, rows)
    mask = np.arange(steps) < lengths[:, None]
    return np.where(mask[..., None], x, np.float32(0)), mask, lengths


def test_padding_does_not_change_a_model():
    x, _, lengths = padded()
    model = Sequential([Input((None, 2)), layers.Masking(), layers.LSTM(4), layers.Dense(3, "softmax")])
    y = model.predict(x, verbose=0)
    longer = np.concatenate([x, np.zeros((12, 5, 2), "float32")], axis=1)
    np.testing.assert_array_equal(model.predict(longer, verbose=0), y)
    for row in np.flatnonzero(lengths):
        np.testing.assert_array_equal(model.predict(x[row : row + 1, : lengths[row]], verbose=0)[0], y[row])
    np.testing.assert_array_equal(model(x), y)


def test_a_mask_goes_through_the_layers_and_ends_with_the_sequence():
    x, mask, _ = padded()
    inner = layers.LSTM(4, return_sequences=True)
    parts = [layers.Masking(), inner, layers.Dropout(0.5), layers.Dense(3, "tanh"), layers.LSTM(2)]
    model = Sequential([Input((6, 2)), *parts])
    hidden = parts[3](inner(x, mask=mask))
    np.testing.assert_array_equal(model.predict(x, verbose=0), parts[4](hidden, mask=mask))
    np.testing.assert_array_equal(Sequential(parts[1:])(x, mask=mask), parts[4](hidden, mask=mask))
    assert parts[4].compute_mask(hidden, mask) is None
    assert layers.Flatten().compute_mask(hidden, mask) is None


@pytest.mark.parametrize("weighting", [None, "rows", "steps"])
@pytest.mark.parametrize("loss", ["mse", "sparse_categorical_crossentropy"])
def test_loss_and_metrics_count_valid_steps_only(loss, weighting):
    x, mask, _ = padded()
    output = layers.Dense(3, "softmax")
    model = Sequential([Input((6, 2)), layers.Masking(), layers.SimpleRNN(4, return_sequences=True), output])
    rng = np.random.default_rng(1)
    y = rng.normal(size=(12, 6, 3)) if loss == "mse" else rng.integers(0, 3, (12, 6))
    weights = {None: None, "rows": rng.random(12), "steps": rng.random((12, 6))}[weighting]
    metric = "mae" if loss == "mse" else "accuracy"
    model.compile(loss=loss, metrics=[metric], weighted_metrics=[metric])
    result = model.evaluate(x, y, sample_weight=weights, batch_size=12, verbose=0)
    p = model.predict(x, verbose=0)
    if loss == "mse":
        entries, values = ((p - y) ** 2).mean(-1), np.abs(p - y).mean(-1)
    else:
        entries, values = -np.log(np.take_along_axis(p, y[..., None], -1))[..., 0], p.argmax(-1) == y
    each = np.ones((12, 6)) if weights is None else np.broadcast_to(weights.reshape(12, -1), (12, 6))
    wanted = [
        (entries * each)[mask].sum() / mask.sum(),
        values[mask].mean(),
        (values * each)[mask].sum() / each[mask].sum(),
    ]
    np.testing.assert_allclose(result, wanted, rtol=2e-6)


def test_training_does_not_see_the_labels_of_masked_steps():
    x, mask, _ = padded()
    y = np.random.default_rng(1).normal(size=(12, 6, 1))
    trained = []
    for labels in (y, np.where(mask[..., None], y, 1e3)):
        model = Sequential([Input((6, 2)), layers.Masking(), layers.LSTM(4, return_sequences=True), layers.Dense(1)])
        model.set_weights([np.full(w.shape, 0.1) for w in model.weights])
        model.compile("sgd", "mse", metrics=["mae"])
        history = model.fit(x, labels, epochs=2, batch_size=5, shuffle=False, verbose=0).history
        trained.append([*model.get_weights(), *map(np.array, history.values())])
    for a, b in zip(*trained, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_batch_without_any_valid_step_has_no_loss_and_no_gradient():
    model = Sequential([Input((6, 2)), layers.Masking(), layers.LSTM(4, return_sequences=True), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    before = model.get_weights()
    history = model.fit(np.zeros((4, 6, 2)), np.ones((4, 6, 1)), verbose=0).history
    assert history == {"loss": [0.0], "mae": [0.0]}
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_metrics_and_losses_without_a_value_for_every_step():
    x, mask, _ = padded()
    model = Sequential([Input((6, 2)), layers.Masking(), layers.LSTM(4, return_sequences=True), layers.Dense(1)])

    def row(y_true, y_pred):
        return np.arange(12.0)

    model.compile("sgd", "mse", metrics=[row])
    found = model.evaluate(x, np.ones((12, 6, 1)), batch_size=12, verbose=0)[1]
    assert found == pytest.approx((np.arange(12) * mask.mean(axis=1)).sum() / mask.mean(axis=1).sum(), rel=1e-6)

    class PerRow(losses.Loss):
        def call(self, y_true, y_pred):
            return np.square(y_pred - y_true).mean(axis=(1, 2))

    model.compile("sgd", PerRow())
    with pytest.raises(
        ValueError, match=r"'per_row': call\(\) must give one value a step .* shape \(12, 6\), got .* \(12,\)"
    ):
        model.evaluate(x, np.ones((12, 6, 1)), batch_size=12, verbose=0)


@pytest.mark.parametrize(("rows", "steps"), [(0, 6), (3, 0), (0, 0)])
@pytest.mark.parametrize("sequences", [False, True])
def test_nothing_to_do(rows, steps, sequences):
    x, mask = np.ones((rows, steps, 2), "float32"), np.zeros((rows, steps), bool)
    for layer in (
        layers.LSTM(4, return_sequences=sequences),
        layers.Bidirectional(layers.GRU(2, return_sequences=sequences)),
    ):
        layer.build((None, 6, 2))
        y, pullback = layer.vjp(x, TRAINING._replace(mask=mask))
        assert y.shape == ((rows, steps, 4) if sequences else (rows, 4))
        np.testing.assert_array_equal(y, 0)
        assert pullback(y)[0].shape == x.shape


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_gradient_of_a_masked_model(reduction, central_differences):
    x, _, _ = padded(3, 4)
    y = draw(3, 4, 2)
    recurrent = layers.LSTM(3, return_sequences=True, dtype="float64")
    model = Sequential(
        [Input((4, 2)), layers.Masking(dtype="float64"), recurrent, layers.Dense(2, "softmax", dtype="float64")]
    )
    model.compile("sgd", losses.CategoricalCrossentropy(reduction=reduction))
    network = model._objective()
    _, gradients = network.gradients([x.astype("float64")], [y], [None])
    for variable, gradient in zip(model.weights, gradients, strict=True):
        start = variable.numpy()

        def loss(value, variable=variable):
            variable.assign(value)
            return network.evaluate([x.astype("float64")], [y], [None]).loss

        np.testing.assert_allclose(gradient, central_differences(loss, start), atol=GRADIENT, err_msg=variable.path)
        variable.assign(start)


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (np.ones((2, 4), bool), ValueError, r"lstm: mask must have shape \(2, 5\), .*, got \(2, 4\)"),
        (np.ones(2, bool), ValueError, r"lstm: mask must have shape \(2, 5\), .*, got \(2,\)"),
        (np.ones((2, 5, 3), bool), ValueError, r"lstm: mask must have shape \(2, 5\), .*, got \(2, 5, 3\)"),
        ("yes", TypeError, "lstm: mask must be an array of booleans"),
    ],
)
def test_wrong_masks(mask, error, message):
    with pytest.raises(error, match=message):
        layers.LSTM(3)(np.ones((2, 5, 3)), mask=mask)


def test_wrong_mask_value():
    with pytest.raises(TypeError, match="masking: mask_value must be a number, got 'zero'"):
        layers.Masking("zero")


# --- Layers called on arrays, one on what another gives ---------------------------------------------------------------

NUMBERS = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [2, 1, 4, 3]])
THERE = NUMBERS != 0


class Halves(layers.Layer):
    """Splits sequences and their masks."""

    def call(self, x):
        return ops.split(x, 2, axis=1)

    def compute_mask(self, x, mask=None):
        return None if mask is None else ops.split(mask, 2, axis=1)


class Sum(layers.Layer):
    """Adds up the steps that are there."""

    def call(self, x, mask=None):
        return ops.sum(x * ops.cast(ops.expand_dims(mask, -1), x.dtype), axis=1)


def embedded():
    return layers.Embedding(5, 3, mask_zero=True)(NUMBERS)


@pytest.mark.parametrize(
    "layer",
    [
        layers.LSTM(2),
        layers.GRU(2, return_sequences=True, return_state=True),
        layers.Bidirectional(layers.SimpleRNN(2)),
        layers.GlobalAveragePooling1D(),
        Sum(),
    ],
    ids=lambda layer: type(layer).__name__,
)
@pytest.mark.filterwarnings("ignore:.* does not support masking")
def test_a_mask_goes_with_the_array_to_the_next_layer(layer):
    x = embedded()
    found, wanted = layer(x), layer(np.asarray(x), mask=THERE)
    for one, other in zip(found if isinstance(found, list) else [found], wanted, strict=False):
        np.testing.assert_array_equal(one, other if isinstance(found, list) else wanted)
    if not isinstance(layer, Sum):  # which needs a mask
        assert any((np.asarray(a) != b).any() for a, b in zip(layer(np.asarray(x)), found, strict=True))


@pytest.mark.parametrize(
    ("options", "seen"), [({}, THERE), ({"initial_state": np.ones((3, 2))}, None)], ids=["zeros", "states"]
)
def test_a_mask_goes_on_behind_states_that_are_given_but_is_not_seen_there(options, seen):
    """As in Keras 3."""
    gru, x = layers.GRU(2, return_sequences=True), embedded()
    y = gru(x, **options)
    np.testing.assert_array_equal(y._keras_mask, THERE)
    np.testing.assert_array_equal(y, gru(np.asarray(x), mask=seen, **options))


@pytest.mark.filterwarnings("ignore:.* does not support masking")
def test_what_layers_on_arrays_give_has_the_mask_that_it_has_in_a_model():
    x = embedded()
    np.testing.assert_array_equal(x._keras_mask, THERE)
    for given in (layers.Dense(2)(x), layers.Dropout(0.5)(x), layers.LSTM(2, return_sequences=True)(x)):
        np.testing.assert_array_equal(given._keras_mask, THERE)
    for given in (layers.Flatten()(x), layers.LSTM(2)(x), layers.Dense(2)(np.asarray(x)), layers.Add()([x, x + 1])):
        assert given._keras_mask is None
    np.testing.assert_array_equal(layers.Concatenate(axis=1)([x, x])._keras_mask, np.hstack([THERE, THERE]))
    np.testing.assert_array_equal(layers.LSTM(2, return_sequences=True)(x + 0, mask=THERE)._keras_mask, THERE)
    first, second = Halves()(x)
    np.testing.assert_array_equal(np.hstack([first._keras_mask, second._keras_mask]), THERE)


def test_what_numpy_makes_of_such_an_array_has_no_mask():
    x = embedded()
    assert x[:, 1:]._keras_mask is None
    assert (x + 1)._keras_mask is None
    assert type(np.exp(x)) is np.ndarray


def test_models_on_arrays_take_and_give_masks():
    i, j = Input((4,)), Input((4, 3))
    table, gru = layers.Embedding(5, 3, mask_zero=True), layers.GRU(2, return_sequences=True)
    np.testing.assert_array_equal(Model(i, gru(table(i)))(NUMBERS)._keras_mask, THERE)
    np.testing.assert_array_equal(Sequential([table, gru])(NUMBERS)._keras_mask, THERE)
    k, last = Input((4, 3)), layers.LSTM(2)
    two, x = Model([j, k], last(j) + last(k)), table(NUMBERS)
    wanted = last(np.asarray(x), mask=THERE) + last(np.asarray(x))
    np.testing.assert_array_equal(two([x, np.asarray(x)]), wanted)
    np.testing.assert_array_equal(two({j.name: x, k.name: np.asarray(x)}), wanted)


def test_a_symbolic_tensor_says_its_mask():
    i = Input((None,), dtype="int32")
    h = layers.Dense(2)(layers.LSTM(3, return_sequences=True)(layers.Embedding(5, 3, mask_zero=True)(i)))
    np.testing.assert_array_equal(Model(i, h._keras_mask).predict(NUMBERS, verbose=0), THERE)
    split = Halves()(layers.Masking()(Input((4, 3))))
    assert split[1]._keras_mask.shape == (None, 2)
    for tensor in (i, layers.Embedding(5, 3)(i), layers.LSTM(3)(h), h + 1):
        assert tensor._keras_mask is None


class Softmax(layers.Layer):
    """Shares of the steps that are there; has to be given a mask."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x, mask=None):
        assert mask is not None
        there = ops.exp(x) * ops.cast(ops.expand_dims(mask, -1), x.dtype)
        return there / ops.sum(there, axis=1, keepdims=True)


@pytest.mark.parametrize(
    "between",
    [
        lambda x: x,
        lambda x: layers.Add()([layers.Dense(3)(x), x]),
        lambda x: layers.Concatenate()([x, layers.GRU(2, return_sequences=True)(x)]),
        lambda x: Model(i := Input((4, 3)), layers.Dropout(0.5)(i))(x),
        lambda x: Softmax()(x),
    ],
    ids=["embedding", "merge", "states", "model", "own"],
)
def test_a_layer_of_ones_own_has_its_mask_from_the_first(between):
    i = Input((4,), dtype="int32")
    h = Softmax()(between(layers.Embedding(5, 3, mask_zero=True)(i)))
    y = Model(i, h).predict(NUMBERS, verbose=0)
    np.testing.assert_array_equal(y[~THERE], 0)
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-6)
    with pytest.raises(AssertionError):
        Softmax()(Input((4, 3)))
