"""Layers of several inputs: values, gradients, masks, shapes, streams."""

import copy
import functools

import numpy as np
import pytest

from fastlstm.keras import Input, Model, layers
from fastlstm.keras.foundation.symbolic import SymbolicTensor
from fastlstm.keras.graph.network import Network
from fastlstm.keras.layers.call import TRAINING, Call

GRADIENT = 1e-7  # central differences in float64 are good to about 1e-9 relative; values here are of order one
RNG = np.random.default_rng(11)
MASKS = [RNG.random((3, 4)) < 0.6 for _ in range(3)]
for _mask in MASKS:
    _mask[0] = False  # a row of which nothing is there
    _mask[1, :2] = [True, False]

ELEMENTWISE = {
    "add": lambda parts: sum(parts[1:], parts[0]),
    "multiply": lambda parts: functools.reduce(np.multiply, parts),
    "average": lambda parts: sum(parts[1:], parts[0]) / len(parts),
    "maximum": lambda parts: functools.reduce(np.maximum, parts),
    "minimum": lambda parts: functools.reduce(np.minimum, parts),
}
CLASSES = {
    **{name: getattr(layers, name.title()) for name in (*ELEMENTWISE, "subtract", "concatenate")},
    "dot": functools.partial(layers.Dot, 2),
}
SHAPES = {
    "one": [(3, 4, 2)],
    "two": [(3, 4, 2), (3, 4, 2)],
    "three": [(3, 4, 2), (3, 4, 2), (3, 4, 2)],
    "stretched": [(3, 1, 2), (3, 4, 1), (3, 4, 2)],
    "ranks": [(3, 2), (3, 4, 2), (3, 1, 1, 2)],
}


def draw(shapes, dtype="float64"):
    rng = np.random.default_rng(5)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def tensor(shape):
    return SymbolicTensor((None, *shape), "float32")


def lifted(x, rank):
    return x.reshape(len(x), *[1] * (rank - x.ndim), *x.shape[1:])


def check_gradients(layer, parts, masks, central_differences):
    """Central differences of every input."""
    y, pullback = layer.vjp(parts, TRAINING._replace(mask=masks))
    np.testing.assert_array_equal(y, layer(parts, mask=masks))
    dy = np.random.default_rng(3).normal(size=y.shape)
    found, gradients = pullback(dy)
    assert gradients == []
    assert len(found) == len(parts)
    for k, dx in enumerate(found):

        def value(v, k=k):
            return float((layer([*parts[:k], v, *parts[k + 1 :]], mask=masks) * dy).sum())

        np.testing.assert_allclose(dx, central_differences(value, parts[k]), atol=GRADIENT)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_values_entry_by_entry(name, shapes):
    parts = draw(SHAPES[shapes])
    layer = CLASSES[name](dtype="float64")
    y = layer(parts)
    rank = max(part.ndim for part in parts)
    # The same operations in the same order.
    np.testing.assert_array_equal(y, ELEMENTWISE[name]([lifted(part, rank) for part in parts]))
    assert layer.compute_output_shape([part.shape for part in parts]) == y.shape
    open_rows = [(None, *part.shape[1:]) for part in parts]
    assert layer.compute_output_shape(open_rows) == (None, *y.shape[1:])
    assert layer.output_shape == (None, *y.shape[1:])


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_gradients_entry_by_entry(name, shapes, central_differences):
    check_gradients(CLASSES[name](dtype="float64"), draw(SHAPES[shapes]), None, central_differences)


@pytest.mark.parametrize("masked", [(0,), (1,), (0, 1), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_gradients_under_masks(name, masked, central_differences):
    masks = [MASKS[k] if k in masked else None for k in range(3)]
    check_gradients(CLASSES[name](dtype="float64"), draw(SHAPES["three"]), masks, central_differences)


def test_subtract(central_differences):
    one, other = draw([(3, 4, 2), (3, 2)])
    layer = layers.Subtract(dtype="float64")
    np.testing.assert_array_equal(layer([one, other]), one - other[:, None])
    check_gradients(layer, [one, other], None, central_differences)


def test_zeros_do_not_end_the_gradient_of_a_product():
    x = [np.array([[0.0, 2.0]]), np.array([[3.0, 0.0]]), np.array([[5.0, 0.0]])]
    found, _ = layers.Multiply(dtype="float64").vjp(x)[1](np.ones((1, 2)))
    np.testing.assert_array_equal(found, [[[15, 0]], [[0, 0]], [[0, 0]]])


def test_equal_entries_give_the_first_input_the_gradient():
    for layer in (layers.Maximum(), layers.Minimum()):
        x = [np.ones((1, 2), "float32")] * 3
        found, _ = layer.vjp(x)[1](np.ones((1, 2), "float32"))
        np.testing.assert_array_equal(found, [[[1, 1]], [[0, 0]], [[0, 0]]])


def test_nan_is_the_extreme():
    x = [np.array([[np.nan, 1.0, 2.0]]), np.array([[1.0, np.nan, 3.0]])]
    for layer, last in ((layers.Maximum(), 3), (layers.Minimum(), 2)):
        np.testing.assert_array_equal(layer(x), [[np.nan, np.nan, last]])
        np.testing.assert_array_equal(layer.vjp(layer._prepared(x))[0], [[np.nan, np.nan, last]])


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_extremes_count_what_is_there(name):
    parts = draw(SHAPES["three"])
    y = CLASSES[name](dtype="float64")(parts, mask=MASKS)
    worst = -np.inf if name == "maximum" else np.inf
    left = [np.where(mask[..., None], part, worst) for part, mask in zip(parts, MASKS, strict=True)]
    best = ELEMENTWISE[name](left)
    np.testing.assert_array_equal(y, np.where(np.isinf(best), parts[0], best))


def test_a_product_counts_what_is_there():
    parts = draw(SHAPES["two"])
    masks = [mask[..., None] for mask in MASKS[:2]]
    one, other = (np.where(mask, part, 1) for part, mask in zip(parts, masks, strict=True))
    layer = layers.Multiply(dtype="float64")
    np.testing.assert_array_equal(layer(parts, mask=MASKS[:2]), one * other * (masks[0] | masks[1]))
    np.testing.assert_array_equal(layer(parts, mask=[MASKS[0], None]), one * parts[1])


@pytest.mark.parametrize("name", [*ELEMENTWISE, "subtract"])
def test_masks_of_outputs(name):
    layer, parts = CLASSES[name](), draw(SHAPES["two"], "float32")
    np.testing.assert_array_equal(layer.compute_mask(parts, MASKS[:2]), MASKS[0] | MASKS[1])
    for masks in ([MASKS[0], None], [None, None], None):
        assert layer.compute_mask(parts, masks) is None
    one, other = draw([(3, 4, 2), (3, 2)])
    rows = np.array([True, False, True])
    np.testing.assert_array_equal(layer.compute_mask([one, other], [MASKS[0], rows]), MASKS[0] | rows[:, None])


@pytest.mark.parametrize("axis", [-3, -2, -1, 0, 1, 2])
def test_concatenate(axis, central_differences):
    shapes = [[3, 4, 2], [3, 4, 2], [3, 4, 2]]
    shapes[1][axis] = 5
    parts = draw(shapes)
    layer = layers.Concatenate(axis, dtype="float64")
    y = layer(parts)
    np.testing.assert_array_equal(y, np.concatenate(parts, axis))
    assert layer.compute_output_shape([part.shape for part in parts]) == y.shape
    check_gradients(layer, parts, None, central_differences)


def test_masks_of_concatenate():
    parts = draw(SHAPES["two"])
    side = layers.Concatenate()
    np.testing.assert_array_equal(side.compute_mask(parts, MASKS[:2]), MASKS[0] | MASKS[1])
    np.testing.assert_array_equal(side.compute_mask(parts, [MASKS[0], None]), np.ones((3, 4), bool))
    assert side.compute_mask(parts, [None, None]) is side.compute_mask(parts, None) is None
    longer = layers.Concatenate(1)
    np.testing.assert_array_equal(longer.compute_mask(parts, MASKS[:2]), np.concatenate(MASKS[:2], 1))
    half = np.concatenate([np.ones((3, 4), bool), MASKS[1]], 1)
    np.testing.assert_array_equal(longer.compute_mask(parts, [None, MASKS[1]]), half)


DOTS = {
    "vectors": ([(3, 4), (3, 4)], 1, "ni,ni->n", (3, 1)),
    "vectors from the end": ([(3, 4), (3, 4)], -1, "ni,ni->n", (3, 1)),
    "scores": ([(3, 4), (3, 5, 4)], (1, 2), "ni,nti->nt", (3, 5)),
    "scores of a query behind": ([(3, 5, 4), (3, 4)], -1, "nti,ni->nt", (3, 5)),
    "sums of steps": ([(3, 5, 4), (3, 5, 2)], 1, "nti,ntj->nij", (3, 4, 2)),
    "products": ([(3, 5, 4), (3, 4, 2)], (2, 1), "nti,nij->ntj", (3, 5, 2)),
    "many axes": ([(3, 2, 4, 5), (3, 4, 2, 3)], (-2, -3), "nabc,nbde->nacde", (3, 2, 5, 2, 3)),
}


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("name", DOTS)
def test_dot(name, normalize, central_differences):
    shapes, axes, formula, shape = DOTS[name]
    parts = draw(shapes)
    layer = layers.Dot(axes, normalize=normalize, dtype="float64")
    y = layer(parts)
    assert y.shape == shape == layer.compute_output_shape(shapes)
    pair = axes if isinstance(axes, tuple) else (axes, axes)
    if normalize:
        units = [x / np.linalg.norm(x, axis=axis, keepdims=True) for x, axis in zip(parts, pair, strict=True)]
    # A few products of order one in float64.
    np.testing.assert_allclose(y, np.einsum(formula, *(units if normalize else parts)).reshape(shape), atol=1e-14)
    check_gradients(layer, parts, None, central_differences)
    assert layer.compute_mask(parts, [None, np.ones(3, bool)]) is None


def test_cosines_with_nothing():
    layer = layers.Dot(1, normalize=True, dtype="float64")
    parts = [np.zeros((1, 2)), np.array([[3.0, 4.0]])]
    y, pullback = layer.vjp(parts)
    np.testing.assert_array_equal(y, [[0]])
    # Keras divides what is shorter by 1e-7.
    np.testing.assert_allclose(pullback(np.ones((1, 1)))[0], [[[6e6, 8e6]], [[0, 0]]])


def test_functions_make_the_layers():
    one, other = draw(SHAPES["two"], "float32")
    for name in [*ELEMENTWISE, "subtract"]:
        np.testing.assert_array_equal(getattr(layers, name)([one, other]), CLASSES[name]()([one, other]))
    np.testing.assert_array_equal(layers.concatenate([one, other], axis=1), np.concatenate([one, other], 1))
    assert layers.dot([one, other], axes=(1, 1), normalize=True).shape == (3, 2, 2)
    assert layers.add([tensor((4, 2)), tensor((4, 2))], name="sum").shape == (None, 4, 2)


def test_inputs_are_cast_to_the_dtype_of_the_layer():
    single, double = np.ones((2, 3), "float32"), np.ones((2, 3))
    for parts in ([single, double], [double, [[1, 2, 3], [4, 5, 6]]], [single, np.ones((2, 3), bool)]):
        assert layers.Add()(parts).dtype == layers.Concatenate()(parts).dtype == np.float32
        assert layers.Add(dtype="float64")(parts).dtype == np.float64
    y, pullback = layers.Add().vjp([single, double])
    assert y.dtype == np.float32
    assert len(pullback(y)[0]) == 2


@pytest.mark.parametrize("name", CLASSES)
def test_unneeded_gradients_are_left_out(name):
    parts = draw(SHAPES["two"], "float32")
    y, pullback = CLASSES[name]().vjp(parts, Call(training=True, need_dx=False))
    assert pullback(np.ones_like(y)) == ([None, None], [])


@pytest.mark.parametrize("name", CLASSES)
def test_config_makes_the_same_layer(name):
    layer = CLASSES[name](name="merged", dtype="float64", trainable=False)
    config = layer.get_config()
    assert type(layer).from_config(copy.deepcopy(config)).get_config() == config


def test_shapes_that_are_open():
    for name in ("add", "concatenate"):
        assert CLASSES[name]().compute_output_shape([(None, None, 3), (None, None, 3)])[:2] == (None, None)
    assert layers.Add().compute_output_shape([(8, None, 3), (None, 5, 3)]) == (8, None, 3)
    assert layers.Add().compute_output_shape([(None, 1), (None, 5, 3)]) == (None, 5, 3)
    assert layers.Concatenate(1).compute_output_shape([(None, 2, 3), (None, None, 3)]) == (None, None, 3)
    assert layers.Concatenate().compute_output_shape([(None, None, 3), (None, 2, 3)]) == (None, None, 6)
    assert layers.Dot(2).compute_output_shape([(None, None, 3), (None, 4, None)]) == (None, None, 4)


def test_symbolic_calls_note_all_inputs():
    one, other = tensor((None, 3)), tensor((None, 1))
    layer = layers.Add()
    y = layer([one, other])
    assert y.shape == (None, None, 3)
    assert layer.inbound_nodes[0].inputs == [one, other]
    assert layers.Concatenate()((one, other)).shape == (None, None, 4)
    assert layers.Add()([one]).shape == (None, None, 3)


@pytest.mark.parametrize("name", [*ELEMENTWISE, "subtract", "concatenate"])
def test_steps_have_the_bits_of_the_whole(name):
    shapes = [(3, 4, 2), (3, 4, 2 if name != "concatenate" else 5)]
    parts = draw(shapes, "float32")
    layer = CLASSES[name]()
    whole = layer(parts)
    inputs = [np.empty((3, *shape[2:]), "float32") for shape in shapes]
    step, y = layer.step_function()(inputs)
    for t in range(4):
        for array, part in zip(inputs, parts, strict=True):
            array[:] = part[:, t]
        step()
        np.testing.assert_array_equal(y, whole[:, t])


def built(layer, *shapes):
    layer.build(list(shapes))
    return layer


ERRORS = {
    "no list": (lambda: layers.Add()(np.ones((2, 3))), TypeError, "add: x must be a list of arrays, got an array"),
    "no symbolic list": (lambda: layers.Add()(tensor((3,))), TypeError, "add: x must be a list of symbolic tensors"),
    "an array among tensors": (
        lambda: layers.Add()([tensor((3,)), np.ones((2, 3))]),
        TypeError,
        "x must be a list of symbolic tensors; an array cannot be among them, got",
    ),
    "nothing": (lambda: layers.Add()([]), ValueError, "add: x must be a list of one or more arrays, got 0"),
    "numbers": (lambda: layers.Add()([1.0, 2.0]), ValueError, r"add: x\[0\] must have at least 1 axis, got a number"),
    "text": (lambda: layers.Add()([np.ones((2, 3)), "a"]), TypeError, r"add: x\[1\] must be an array of numbers"),
    "one of two": (lambda: layers.Subtract()([np.ones((2, 3))]), ValueError, "x must be a list of 2 arrays, got 1"),
    "three of two": (lambda: layers.Dot(1)([np.ones((2, 3))] * 3), ValueError, "x must be a list of 2 arrays, got 3"),
    "sizes": (
        lambda: layers.Add()([tensor((5, 3)), tensor((4, 3))]),
        ValueError,
        r"add: the inputs must have sizes that are equal, or 1, axis by axis, got \(None, 5, 3\), \(None, 4, 3\): "
        r"input 1 has 4 at axis 1 and input 0 has 5",
    ),
    "sizes of the third": (
        lambda: layers.Maximum().compute_output_shape([(None, 1, 3), (None, 4, 3), (None, 2)]),
        ValueError,
        r"input 2, taken as \(None, 1, 2\), has 2 at axis 2 and input 0 has 3",
    ),
    "rows": (
        lambda: layers.Add()([np.ones((2, 3)), np.ones((1, 3))]),
        ValueError,
        r"add: the inputs must have the same number of rows, got \(2, 3\), \(1, 3\): input 1 has 1 rows and input 0",
    ),
    "side by side": (
        lambda: layers.Concatenate()([tensor((5, 3)), tensor((None, 3)), tensor((4, 3))]),
        ValueError,
        r"concatenate: the inputs must have the same shape but for axis 2, got \(None, 5, 3\), \(None, None, 3\), "
        r"\(None, 4, 3\): input 2 has 4 at axis 1 and input 0 has 5",
    ),
    "side by side, an open size first": (
        lambda: layers.Concatenate()([tensor((None, 3)), tensor((5, 3)), tensor((4, 3))]),
        ValueError,
        "input 2 has 4 at axis 1 and input 1 has 5",
    ),
    "side by side, axes": (
        lambda: layers.Concatenate()([tensor((5, 3)), tensor((3,))]),
        ValueError,
        "concatenate: .* same shape but for axis 2.* input 1 has 2 axes and input 0 has 3",
    ),
    "side by side, no such axis": (
        lambda: layers.Concatenate(3)([np.ones((2, 3))] * 2),
        ValueError,
        "axis is 3, and there are 2 axes",
    ),
    "dot": (
        lambda: layers.Dot(2)([tensor((5, 3)), tensor((4, 2))]),
        ValueError,
        r"dot: the inputs must have the same size where they are summed over, got \(None, 5, 3\), \(None, 4, 2\): "
        "input 0 has 3 at axis 2 and input 1 has 2 at axis 2",
    ),
    "dot, no such axis": (
        lambda: layers.Dot(2)([tensor((5, 3)), tensor((3,))]),
        ValueError,
        "axes is 2, and input 1 has 2 axes",
    ),
    "dot of rows": (lambda: layers.Dot(0)([tensor((3,)), tensor((3,))]), ValueError, "behind that of the batch"),
    "three axes": (lambda: layers.Dot((1, 2, 3)), ValueError, r"axes must be .* two of them, got \(1, 2, 3\)"),
    "axes of text": (lambda: layers.Dot((1, "a")), TypeError, "dot: axes: each axis must be a whole number, got 'a'"),
    "a mask of one": (
        lambda: layers.Add()([np.ones((2, 3))] * 2, mask=[None]),
        ValueError,
        "mask must have an entry for each of the 2 inputs, got 1",
    ),
    "a mask of another shape": (
        lambda: layers.Add()([np.ones((2, 3, 1))] * 2, mask=[None, np.ones((2, 4))]),
        ValueError,
        r"add: mask\[1\] must have shape \(2, 3\), .*, got \(2, 4\)",
    ),
    "masks": (
        lambda: layers.Add().compute_mask([np.ones((2, 3))] * 2, [None]),
        ValueError,
        "mask must have an entry for each of the 2 inputs, got 1",
    ),
    "a shape": (lambda: layers.Add().build([(None, 3), ()]), ValueError, "input_shape must be a list of shapes"),
    "stream of steps side by side": (
        lambda: layers.Concatenate(1).step_function(),
        ValueError,
        "concatenate: axis must be behind that of time for the layer to be streamed, got 1",
    ),
    "stream of steps side by side, from the end": (
        lambda: built(layers.Concatenate(-2), (None, 5, 3), (None, 5, 3)).step_function(),
        ValueError,
        "concatenate: axis must be behind that of time for the layer to be streamed, got -2",
    ),
    "stream beside a vector": (
        lambda: built(layers.Add(), (None, 5, 3), (None, 3)).step_function(),
        ValueError,
        r"add: the inputs must all be sequences for the layer to be streamed, got shapes \(None, 5, 3\), \(None, 3\)",
    ),
    "stream of products": (
        lambda: layers.Dot(2).step_function(),
        ValueError,
        "dot must be a layer that can be streamed, .*, got a Dot",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    make, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        make()


def test_penalties_on_what_is_merged():
    layer = layers.Add(activity_regularizer="l2", dtype="float64")
    x = draw([(3, 2), (3, 2)])
    y, pullback, penalty = layer.penalized_vjp(x)
    assert penalty == pytest.approx(0.01 * (y**2).sum() / 3)
    np.testing.assert_allclose(pullback(np.zeros_like(y))[0][1], 0.02 * y / 3)


@pytest.mark.parametrize("merge", [layers.Add(), layers.Concatenate(), layers.Concatenate(1)], ids=lambda m: m.name)
def test_masks_of_a_models_output_are_known_without_its_values(merge):
    x = Input((4, 3))
    steps = layers.Masking()(x)
    branches = [layers.LSTM(2, return_sequences=True)(steps) for _ in range(2)]
    model = Model(x, layers.Dense(1)(merge(branches)))
    values = np.where(MASKS[0][..., None], draw([(3, 4, 3)])[0], 0).astype("float32")
    whole = Network(model.plan).run([values]).masks
    found = Network(model.plan).output_masks([values])
    np.testing.assert_array_equal(found, whole)
    np.testing.assert_array_equal(found[0][:, :4], MASKS[0])


def test_a_stream_through_merges():
    x = Input((None, 3))
    one, other = (layers.LSTM(4, return_sequences=True)(x) for _ in range(2))
    merged = layers.concatenate([layers.add([one, other]), layers.multiply([one, other]), layers.maximum([one, other])])
    model = Model(x, layers.Dense(2)(layers.LeakyReLU()(layers.GRU(3, return_sequences=True)(merged))))
    values = draw([(2, 6, 3)], "float32")[0]
    stream = model.stream(2)
    outputs = [stream.step(values[:, t]) for t in range(6)]
    np.testing.assert_array_equal(np.stack(outputs, axis=1), model(values))
