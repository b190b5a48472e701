"""RNN around cells: built-in ones, stacks of them, and cells of a user's own."""

import copy
import inspect
import pickle

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, layers, ops, saving
from fastlstm.keras.foundation.trees import mapped
from fastlstm.keras.layers.call import TRAINING

GRADIENT = 1e-7  # central differences in float64 are good to about 1e-9 relative; values here are of order one
ROUNDING = 1e-12  # float64, the same sums in another order, a few steps

N, T, I = 3, 5, 2
X = np.random.default_rng(0).normal(size=(N, T, I))
MASKS = {
    "none": None,
    "holes": np.array([[1, 0, 1, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0]], bool),
    "right": np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]], bool),
}
OPTIONS = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "zero_output_for_mask": True, "go_backwards": True},
    {"zero_output_for_mask": True, "go_backwards": True},
]
LAYERS = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.SimpleRNN}
CELLS = {"lstm": layers.LSTMCell, "gru": layers.GRUCell, "rnn": layers.SimpleRNNCell}


class Fading(layers.Layer):
    """Two states, a (3) and b (2), and an output (5) that is neither: ``[new_a + new_b_0, b]``."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.state_size, self.output_size = [3, 2], 5

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], 3), "glorot_uniform", name="kernel")
        self.fade = self.add_weight((2,), "ones", name="fade")

    def call(self, inputs, states):
        a, b = states
        new_a = np.tanh(inputs @ self.kernel + a)
        new_b = b * self.fade + inputs[:, :2]
        return np.concatenate([new_a + new_b[:, :1], b], axis=1), [new_a, new_b]


class TrainedFading(Fading):
    def call(self, inputs, states):
        return super().call(inputs, states)

    def vjp(self, inputs, states):
        b = states[1]
        output, (new_a, new_b) = self.call(inputs, states)
        kernel, fade = self.kernel.value, self.fade.value

        def pullback(doutput, dstates):
            da, db = dstates
            da = (da + doutput[:, :3]) * (1 - new_a**2)
            db_new = db.copy()
            db_new[:, 0] += doutput[:, :3].sum(axis=1)
            dx = da @ kernel.T
            dx[:, :2] += db_new
            return dx, [da, db_new * fade + doutput[:, 3:]], [inputs.T @ da, (db_new * b).sum(axis=0)]

        return (output, [new_a, new_b]), pullback


def stepped(kind):
    """A cell like a built-in one that, having its own `call`, is taken for a user's."""

    class Stepped(kind):
        def call(self, inputs, states, training=False):
            return super().call(inputs, states)

        def vjp(self, inputs, states):
            return super().vjp(inputs, states)

    return Stepped


def twins(cells, others, **options):
    """Two RNN layers with the same weights."""
    pair = [layers.RNN(cells, **options), layers.RNN(others, **options)]
    for layer in pair:
        layer.build((None, T, I))
    pair[1].set_weights(pair[0].get_weights())
    return pair


def same(got, wanted, **tolerance):
    if isinstance(wanted, list | tuple):
        assert len(got) == len(wanted)
        for a, b in zip(got, wanted, strict=True):
            same(a, b, **tolerance)
    else:
        np.testing.assert_allclose(got, wanted, **tolerance)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_its_cell_at_every_step(name, options, mask):
    layer = LAYERS[name](4, return_state=True, bias_initializer="normal", dtype="float64", **options)
    rnn = layers.RNN(CELLS[name](4, dtype="float64"), return_state=True, **options)
    layer.build((None, T, I))
    rnn.build((None, T, I))
    assert [v.shape for v in rnn.weights] == [v.shape for v in layer.weights]
    rnn.set_weights(layer.get_weights())
    for a, b in zip(rnn(X, mask=mask), layer(X, mask=mask), strict=True):
        np.testing.assert_array_equal(a, b)


STACKS = {
    "one": lambda kind: [kind(layers.LSTMCell)(4, dtype="float64")],
    "before": lambda kind: [kind(layers.GRUCell)(3, reset_after=False, dtype="float64")],
    "three": lambda kind: [
        *(kind(layers.LSTMCell)(4, dtype="float64"), kind(layers.GRUCell)(3, dtype="float64")),
        kind(layers.SimpleRNNCell)(4, dtype="float64"),
    ],
    "nested": lambda kind: [
        layers.StackedRNNCells([kind(layers.GRUCell)(3, dtype="float64"), TrainedFading(dtype="float64")]),
        kind(layers.LSTMCell)(2, dtype="float64"),
    ],
    "own_first": lambda kind: [TrainedFading(dtype="float64"), kind(layers.LSTMCell)(2, dtype="float64")],
}


def filled(tree):
    return [filled(entry) for entry in tree] if isinstance(tree, list) else np.full_like(tree, 0.3)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", STACKS)
def test_compiled_and_stepped_cells_agree(name, options, mask):
    """Values, states and gradients, however many of the cells run step by step in Python."""
    compiled, other = twins(STACKS[name](lambda kind: kind), STACKS[name](stepped), return_state=True, **options)
    for initial in (None, filled(compiled.cell.get_initial_state(N))):
        same(other(X, mask=mask, initial_state=initial), compiled(X, mask=mask, initial_state=initial), atol=ROUNDING)
    y, pullback = compiled.vjp(X, TRAINING._replace(mask=mask))
    y_other, pullback_other = other.vjp(X, TRAINING._replace(mask=mask))
    same(y_other, y, atol=ROUNDING)
    rng = np.random.default_rng(3)
    dy = mapped(lambda part: rng.normal(size=part.shape), y)
    same(pullback_other(dy), pullback(dy), atol=ROUNDING)


MAKERS = {
    "stack": lambda: layers.RNN([layers.LSTMCell(3, dtype="float64"), layers.GRUCell(2, dtype="float64")]),
    "own": lambda: layers.RNN(TrainedFading(dtype="float64")),
    "mixed": lambda: layers.RNN(
        [layers.GRUCell(3, dtype="float64"), TrainedFading(dtype="float64"), layers.LSTMCell(2, dtype="float64")]
    ),
    "both": lambda: layers.Bidirectional(layers.RNN([layers.SimpleRNNCell(2, dtype="float64")])),
    "both_own": lambda: layers.Bidirectional(layers.RNN(TrainedFading(dtype="float64")), merge_mode="mul"),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_gradients_are_central_differences(name, sequences, mask, central_differences):
    layer = MAKERS[name]()
    for rnn in (layer, getattr(layer, "forward_layer", layer), getattr(layer, "backward_layer", layer)):
        if isinstance(rnn, layers.RNN):
            rnn.return_sequences = sequences
    y = layer(X, mask=mask)
    dy = np.random.default_rng(3).normal(size=y.shape)
    out, pullback = layer.vjp(X, TRAINING._replace(mask=mask))
    np.testing.assert_array_equal(out, y)
    dx, gradients = pullback(dy)
    wanted = central_differences(lambda v: float((layer(v, mask=mask) * dy).sum()), X)
    np.testing.assert_allclose(dx, wanted, atol=GRADIENT)
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        start = variable.numpy()

        def loss(v, variable=variable):
            variable.assign(v)
            return float((layer(X, mask=mask) * dy).sum())

        np.testing.assert_allclose(gradient, central_differences(loss, start), atol=GRADIENT, err_msg=variable.path)
        variable.assign(start)


def flat(tree):
    return [leaf for entry in tree for leaf in flat(entry)] if isinstance(tree, list) else [tree]


@pytest.mark.parametrize(
    "make",
    [
        *(lambda kind=kind: kind(3, dtype="float64") for kind in CELLS.values()),
        lambda: layers.GRUCell(3, reset_after=False, dtype="float64"),
        lambda: layers.StackedRNNCells([layers.LSTMCell(3, dtype="float64"), TrainedFading(dtype="float64")]),
    ],
)
def test_single_steps_are_the_layer(make, central_differences):
    cell = make()
    rnn = layers.RNN(cell, return_state=True)
    wanted, *final = rnn(X)
    states = cell.get_initial_state(N)
    for t in range(T):
        before, (output, states) = states, cell(X[:, t], states)
    same(output, wanted, atol=ROUNDING)
    same(states, final, atol=ROUNDING)

    x, rng = X[:, -1], np.random.default_rng(3)
    (out, new), pullback = cell.vjp(x, before)
    same(out, output, atol=0)
    doutput, dstates = rng.normal(size=out.shape), copy.deepcopy(new)
    for array in flat(dstates):
        array[...] = rng.normal(size=array.shape)

    def value(v):
        output, new = cell.call(v, before)
        pairs = [(output, doutput), *zip(flat(new), flat(dstates), strict=True)]
        return float(sum((array * slope).sum() for array, slope in pairs))

    dx, dbefore, gradients = pullback(doutput, dstates)
    np.testing.assert_allclose(dx, central_differences(value, x), atol=GRADIENT)
    assert [g.shape for g in gradients] == [v.shape for v in cell.weights]
    for array, gradient in zip(flat(before), flat(dbefore), strict=True):

        def moved(v, array=array):
            kept = array.copy()
            array[...] = v
            result = value(x)
            array[...] = kept
            return result

        np.testing.assert_allclose(gradient, central_differences(moved, array.copy()), atol=GRADIENT)


def test_a_single_state_comes_in_the_form_it_was_given_in():
    cell = layers.GRUCell(3)
    output, state = cell(X[:, 0], np.zeros((N, 3)))
    assert isinstance(state, np.ndarray)
    listed = cell(X[:, 0], [np.zeros((N, 3))])
    same(listed, [output, [state]], atol=0)


class Counter:
    """A cell that is no layer, begins at 10 and notes how it is called."""

    state_size = 1

    def __init__(self):
        self.built_for, self.seen = None, []

    def build(self, input_shape):
        self.built_for = input_shape

    def get_initial_state(self, batch_size=None):
        return np.full((batch_size, 1), 10)

    def call(self, inputs, states, training=False):
        self.seen.append(training)
        return states[0] + 1, states[0] + 1


def test_a_cell_that_is_no_layer():
    layer = layers.RNN(Counter(), return_sequences=True, return_state=True, name="count")
    y, h = layer(X, mask=MASKS["holes"])
    np.testing.assert_array_equal(y[..., 0], [[11, 11, 12, 12, 12], [0, 11, 11, 12, 13], [0] * 5])
    np.testing.assert_array_equal(h[:, 0], [12, 13, 10])
    assert y.dtype == np.float32
    assert layer.cell.built_for == (None, I)
    assert layer.weights == []
    assert layer.cell.seen == [False] * T
    layer(X, training=True)
    assert layer.cell.seen[T:] == [True] * T


def test_states_go_on_from_batch_to_batch():
    cells = [layers.LSTMCell(3, dtype="float64"), TrainedFading(dtype="float64")]
    layer = layers.RNN(cells, stateful=True, return_state=True)
    whole, *states = layer(X)
    layer.reset_state()
    layer(X[:, :2])
    y, *carried = layer(X[:, 2:])
    same([y, carried], [whole, states], atol=0)
    with pytest.raises(ValueError, match=r"x must have 3 rows, as the states .*, got 1"):
        layer(X[:1])


def test_weights_have_keras_paths_and_options_reach_them():
    cells = [layers.LSTMCell(3, kernel_regularizer="l2", kernel_constraint="non_neg"), layers.GRUCell(2)]
    first = layers.RNN(cells, return_sequences=True)
    model = Sequential([Input((T, I)), first, layers.RNN(layers.SimpleRNNCell(4)), layers.Dense(1)])
    names, place = ("kernel", "recurrent_kernel", "bias"), "sequential/rnn/stacked_rnn_cells"
    wanted = [f"{place}/{cell}/{name}" for cell in ("lstm_cell", "gru_cell") for name in names]
    assert [v.path for v in model.weights][:7] == [*wanted, "sequential/rnn_1/simple_rnn_cell/kernel"]
    model.compile("adam", "mse")
    model.fit(X, X[:, 0, :1], epochs=2, verbose=0)
    assert model.weights[0].value.min() >= 0
    assert len(model.losses) == 1


def test_dropout_of_a_stack_drops_in_training_only():
    layer = layers.RNN([layers.GRUCell(3, seed=1), layers.LSTMCell(3, dropout=0.5, seed=2)])
    y = layer(X)
    dropped = layer(X, training=True)
    assert not np.array_equal(dropped, y)
    np.testing.assert_array_equal(layer(X), y)


def test_a_cell_that_is_not_trained_keeps_its_weights():
    model = Sequential([Input((T, I)), layers.RNN([layers.LSTMCell(3, trainable=False), layers.GRUCell(2)])])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, X[:, 0], verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False] * 3 + [True] * 3
    model.layers[0].trainable = False
    assert model.trainable_variables == []


def test_a_cell_without_a_vjp_has_the_gradients_of_one_with():
    ours, theirs = (
        layers.RNN(kind(dtype="float64"), return_sequences=True, return_state=True) for kind in (Fading, TrainedFading)
    )
    x = np.random.default_rng(1).normal(size=(N, T, I))
    for layer in (ours, theirs):
        layer.build((None, T, I))
    theirs.set_weights(ours.get_weights())
    for mask in MASKS.values():
        (y, back), (y_theirs, back_theirs) = (layer.vjp(x, TRAINING._replace(mask=mask)) for layer in (ours, theirs))
        dy = [np.random.default_rng(2).normal(size=part.shape) for part in y]
        (dx, gradients), (dx_theirs, gradients_theirs) = back(dy), back_theirs(dy)
        for part, wanted in zip([*y, dx, *gradients], [*y_theirs, dx_theirs, *gradients_theirs], strict=True):
            np.testing.assert_allclose(part, wanted, rtol=ROUNDING, atol=ROUNDING)


def test_a_cell_with_layers_inside_trains():
    class Inside(layers.Layer):
        def __init__(self, units):
            super().__init__()
            self.units = self.state_size = units
            self.new, self.drop = layers.Dense(units), layers.Dropout(0.5)
            self.gate = layers.Dense(units, activation="sigmoid")

        def call(self, inputs, states):
            both = ops.concatenate([inputs, states[0]], axis=-1)
            gate = self.gate(both)
            h = gate * states[0] + (1 - gate) * ops.tanh(self.new(self.drop(both)))
            return h, [h]

    layer = layers.RNN(Inside(4))
    model = Sequential([Input((T, I)), layer, layers.Dense(1)])
    assert len(layer.weights) == 4
    model.compile("adam", "mse")
    losses = model.fit(X, X[:, 0, :1], epochs=60, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert not np.array_equal(layer(X, training=True), layer(X))


def test_a_derivative_must_be_as_new_as_the_call_it_belongs_to():
    class Doubled(layers.LSTMCell):
        def call(self, inputs, states, training=False):
            output, states = super().call(inputs, states)
            return 2 * output, states

    layer, plain = twins(Doubled(3), layers.LSTMCell(3))
    np.testing.assert_array_equal(layer(X), 2 * plain(X))
    x = X.astype("float32")
    dy = np.ones((N, 3), "float32")
    dx, wanted = (one.vjp(x)[1](slope)[0] for one, slope in ((layer, dy), (plain, 2 * dy)))
    np.testing.assert_allclose(dx, wanted, rtol=1e-5)  # the same sums, step by step


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies(clone):
    layer = layers.RNN([layers.LSTMCell(3), Fading()])
    y = layer(X)
    np.testing.assert_array_equal(clone(layer)(X), y)


def test_config_makes_the_same_layer():
    layer = layers.RNN([layers.LSTMCell(3, use_bias=False), Fading()], return_sequences=True)
    with saving.custom_object_scope({"Fading": Fading}):
        other = layers.RNN.from_config(layer.get_config())
    assert other.get_config() == layer.get_config()
    assert isinstance(other.cell.cells[1], Fading)


@pytest.mark.parametrize("kind", [*LAYERS.values(), *CELLS.values(), layers.RNN])
def test_signatures_show_every_argument(kind):
    parameters = inspect.signature(kind).parameters
    assert all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    given = {name: p.default for name, p in parameters.items() if p.default is not inspect.Parameter.empty}
    for shape in ("input_shape", "batch_input_shape", "input_dim"):
        given.pop(shape, None)
    first = layers.GRUCell(2) if kind is layers.RNN else 2
    written, plain = kind(first, **given).get_config(), kind(first).get_config()
    assert {**written, "name": ""} == {**plain, "name": ""}


class Broken(layers.Layer):
    """A cell whose methods give what they are told to."""

    state_size = 2

    def __init__(self, result, slope=None):
        super().__init__()
        self.result, self.slope = result, slope

    def call(self, inputs, states):
        return self.result

    def vjp(self, inputs, states):
        return self.result, lambda doutput, dstates: self.slope


Z = np.zeros((N, 2))


def cell_with(**attributes):
    return type("C", (), attributes)()


def pull(result, slope=None):
    """Go one step forwards and backwards through a cell that gives this."""
    return layers.RNN(Broken(result, slope)).vjp(X[:, :1])[1](Z)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.RNN(layers.LSTMCell), TypeError, r"RNN: cell must be an instance, LSTMCell"),
        (
            lambda: layers.RNN(layers.Dense(3)),
            TypeError,
            r"RNN: cell must be an object .*, call is missing, got <Dense",
        ),
        (lambda: layers.RNN([]), ValueError, r"cells must be a list of at least one cell, got \[\]"),
        (lambda: layers.StackedRNNCells([3]), TypeError, "StackedRNNCells: cells must be an object .* got 3"),
        (lambda: layers.StackedRNNCells(layers.GRUCell(3)), TypeError, "cells must be a list"),
        (lambda: layers.RNN(cell_with(call=1)), TypeError, "state_size is missing, got"),
        (lambda: layers.RNN(cell_with(call=1, state_size="a")), TypeError, "state_size of C must be a positive int"),
        (lambda: layers.RNN(cell_with(call=1, state_size=[3, 0])), TypeError, r"got \[3, 0\]"),
        (
            lambda: layers.RNN(cell_with(call=1, state_size=[3, 2], output_size=[3, 2])),
            TypeError,
            r"output_size of C must be a positive integer, got \[3, 2\]; inputs and outputs of a cell are arrays",
        ),
        (
            lambda: layers.RNN(layers.GRUCell(3), units=3),
            ValueError,
            r"RNN: arguments must be ones that the layer has, got \['units'\]",
        ),
        (
            lambda: layers.GRUCell(3, return_sequences=True),
            ValueError,
            r"GRUCell: arguments must be ones that the layer has, got \['return_sequences'\]",
        ),
        (lambda: layers.GRUCell(0), ValueError, "gru_cell: units must be a whole number from 1 to 2147483647, got 0"),
        (
            lambda: layers.GRUCell(3, activity_regularizer="l2"),
            ValueError,
            "GRUCell: activity_regularizer must be None, got .l2.",
        ),
        (
            lambda: layers.RNN(layers.GRUCell(3), dtype="float64"),
            ValueError,
            "dtype must be that of the layers inside, float32 of gru_cell, got float64",
        ),
        (lambda: layers.RNN(layers.GRUCell(3), time_major=True), NotImplementedError, "time_major=True"),
        (lambda: Sequential([Input((T, I)), layers.GRUCell(3)]), TypeError, r"put it into a layer, RNN\(GRUCell"),
        (lambda: layers.GRUCell(3).forward(X), TypeError, "must be given single steps, arrays, got"),
        (lambda: layers.GRUCell(3)(X[:, 0], Z), ValueError, r"states must have shape \(3, 3\), got \(3, 2\)"),
        (lambda: setattr(layers.GRU(3), "units", 4), AttributeError, "units belongs to the cell; set it there"),
        (
            lambda: layers.Bidirectional(layers.RNN(Counter())),
            TypeError,
            r"must be a Layer, or have a get_config\(\), got <",
        ),
        (
            lambda: layers.RNN(Broken(Z))(X),
            TypeError,
            r"broken: call\(\) must give a pair \(output, new_states\), got an array of shape \(3, 2\)",
        ),
        (lambda: layers.RNN(Broken((Z[:1], Z)))(X), ValueError, r"call\(\)'s output must have shape \(3, 2\), got"),
        (
            lambda: layers.RNN(Broken((Z, [Z, Z])))(X),
            ValueError,
            r"new_states must have 1 arrays, of sizes \[2\], got 2",
        ),
        (lambda: pull((Z, Z)), TypeError, r"pullback\(\) must give \(dinputs, .*, got None"),
        (
            lambda: pull((Z, Z), (X[:, 0], Z, [Z])),
            ValueError,
            r"gradients must have the shapes \[\], .*, got \[\(3, 2\)\]",
        ),
        (lambda: pull((Z, Z), (Z[:1], Z, [])), ValueError, r"dinputs must have shape \(3, 2\), got \(1, 2\)"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_what_stands_at_masked_steps_does_not_reach_a_cell_of_ones_own():
    layer = layers.RNN(TrainedFading(), return_sequences=True)
    x, mask = np.random.default_rng(0).normal(size=(3, T, I)).astype("float32"), np.ones((3, T), bool)
    mask[0, 1:3] = mask[1] = False
    other = np.where(mask[..., None], x, np.float32(np.nan))
    layer(x)
    (y, pullback), (y_other, pullback_other) = (
        layer.vjp(x, TRAINING._replace(mask=mask)),
        layer.vjp(other, TRAINING._replace(mask=mask)),
    )
    np.testing.assert_array_equal(y, y_other)
    for a, b in zip(pullback(np.ones_like(y))[1], pullback_other(np.ones_like(y))[1], strict=True):
        np.testing.assert_array_equal(a, b)
