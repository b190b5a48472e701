"""Layers of several inputs side by side with real Keras, where it is installed: models with masks, shapes, errors."""

import numpy as np
import pytest

from fastlstm import keras as ours

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")

FLOAT32 = 2e-6  # float32 products and sums of a few terms of order one

N, T, I = 5, 4, 3
RNG = np.random.default_rng(4)

MERGES = {
    "add": lambda k: k.Add(),
    "subtract": lambda k: k.Subtract(),
    "multiply": lambda k: k.Multiply(),
    "average": lambda k: k.Average(),
    "maximum": lambda k: k.Maximum(),
    "minimum": lambda k: k.Minimum(),
    "concatenate": lambda k: k.Concatenate(),
    "concatenate_steps": lambda k: k.Concatenate(axis=1),
    "concatenate_steps_from_the_end": lambda k: k.Concatenate(axis=-2),
    "dot": lambda k: k.Dot(axes=2),
    "dot_steps": lambda k: k.Dot(axes=(1, 1)),
    "cosine": lambda k: k.Dot(axes=-1, normalize=True),
}


def padded(seed, features=I):
    x = np.random.default_rng(seed).normal(size=(N, T, features)).astype("float32")
    x[np.random.default_rng(seed + 100).random((N, T)) < 0.4] = 0
    x[0] = 0
    return x


def values_and_mask(k, make, xs, masked):
    """Run a model of a merge behind a Masking of some of its inputs; a layer behind it shows the mask."""
    inputs = [k.Input(x.shape[1:]) for x in xs]
    parts = [k.layers.Masking()(x) if yes else x for x, yes in zip(inputs, masked, strict=True)]
    y = make(k.layers)(parts)
    outputs = [y]
    if len(y.shape) == 3:
        # What a pooling of ones gives is 1, however many steps a mask leaves; a recurrent sum counts them.
        count = k.layers.SimpleRNN(1, "linear", kernel_initializer="zeros", recurrent_initializer="ones", name="count")
        counted = count(y)
        outputs.append(counted)
    model = k.Model(inputs, outputs)
    if len(outputs) > 1:
        kernel, recurrent, _ = model.get_layer("count").get_weights()
        model.get_layer("count").set_weights([kernel, recurrent, np.ones(1, "float32")])
    found = model(xs)
    return [np.asarray(part) for part in (found if isinstance(found, list) else [found])], tuple(y.shape)


@pytest.mark.parametrize("masked", [(False, False), (True, False), (False, True), (True, True)], ids=str)
@pytest.mark.parametrize("name", MERGES)
def test_models(name, masked):
    xs = [padded(1), padded(2)]
    (got, shape), (wanted, wanted_shape) = (values_and_mask(k, MERGES[name], xs, masked) for k in (ours, theirs))
    assert shape == wanted_shape
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


@pytest.mark.parametrize("masked", [(True, True, True), (True, False, True), (False, True, True)], ids=str)
@pytest.mark.parametrize("name", ["add", "multiply", "average", "maximum", "minimum", "concatenate"])
def test_models_of_three(name, masked):
    xs = [padded(1), padded(2), padded(3)]
    (got, _), (wanted, _) = (values_and_mask(k, MERGES[name], xs, masked) for k in (ours, theirs))
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


SHAPES = {
    "sizes of one": [(N, T, I), (N, 1, I)],
    "sizes of one in both": [(N, T, 1), (N, 1, I)],
    "ranks": [(N, T, I), (N, I)],
    "ranks, lower first": [(N, I), (N, T, I)],
    "many ranks": [(N, I), (N, T, I), (N, 2, 1, I)],
}


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "average", "maximum", "minimum"])
def test_broadcasting(name, shapes):
    xs = [RNG.normal(size=shape).astype("float32") for shape in SHAPES[shapes]]
    if name == "subtract":
        xs = xs[:2]
    got, wanted = (np.asarray(MERGES[name](k.layers)(xs)) for k in (ours, theirs))
    np.testing.assert_allclose(got, wanted, atol=FLOAT32)


DOTS = [
    ([(N, 4), (N, 4)], 1),
    ([(N, 4), (N, 4)], -1),
    ([(N, 4), (N, 6, 4)], (1, 2)),
    ([(N, 6, 4), (N, 4)], (2, 1)),
    ([(N, 6, 4), (N, 4)], -1),
    ([(N, 6, 4), (N, 6, 2)], 1),
    ([(N, 6, 4), (N, 4, 2)], (-1, -2)),
    ([(N, 2, 4, 5), (N, 4, 2, 3)], (2, 1)),
    ([(N, 2, 4), (N, 5, 2, 3)], (1, 2)),
]


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(("shapes", "axes"), DOTS, ids=str)
def test_dot(shapes, axes, normalize):
    xs = [RNG.normal(size=shape).astype("float32") for shape in shapes]
    xs[0][0] = 0
    got, wanted = (k.layers.Dot(axes, normalize)(xs) for k in (ours, theirs))
    np.testing.assert_allclose(got, np.asarray(wanted), atol=FLOAT32)
    layer, other = (k.layers.Dot(axes, normalize) for k in (ours, theirs))
    assert layer.compute_output_shape(shapes) == tuple(other.compute_output_shape(shapes))


OPEN = [
    [(None, None, 3), (None, 5, 3)],
    [(None, 5, 3), (None, None, 3)],
    [(8, 5, 3), (None, 5, 3)],
    [(None, 5, 3), (None, 3)],
    [(None, None, 1), (None, 1, 3)],
    [(None, 5, None), (None, 5, 3)],
    [(None, 5, 3)],
]


@pytest.mark.parametrize("shapes", OPEN, ids=str)
@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "average"])
def test_shapes(name, shapes):
    layer, other = (MERGES[name](k.layers) for k in (ours, theirs))
    assert layer.compute_output_shape(shapes) == tuple(other.compute_output_shape(shapes))


@pytest.mark.parametrize("axis", [-1, 1, 2])
@pytest.mark.parametrize("shapes", [OPEN[0], OPEN[1], OPEN[5], OPEN[6]], ids=str)
def test_shapes_side_by_side(shapes, axis):
    layer, other = (k.layers.Concatenate(axis) for k in (ours, theirs))
    assert layer.compute_output_shape(shapes) == tuple(other.compute_output_shape(shapes))


@pytest.mark.parametrize(
    ("make", "shapes"),
    [
        (MERGES["add"], [(5, 3), (4, 3)]),
        (MERGES["multiply"], [(5, 3), (2,)]),
        (MERGES["subtract"], [(5, 3)]),
        (MERGES["subtract"], [(5, 3)] * 3),
        (MERGES["concatenate"], [(5, 3), (4, 3)]),
        (MERGES["concatenate"], [(5, 3), (3,)]),
        (MERGES["dot"], [(5, 3), (5, 4)]),
        (MERGES["dot"], [(5, 3)]),
    ],
)
def test_what_is_refused(make, shapes):
    for k in (theirs, ours):
        inputs = [k.Input(shape) for shape in shapes]
        with pytest.raises((ValueError, IndexError)):
            make(k.layers)(inputs)


def test_gradients():
    """Of equal entries, of what a mask leaves out, and of cosines."""
    tf = pytest.importorskip("tensorflow")
    xs = [padded(1), padded(2)]
    xs[1][1] = xs[0][1]
    masks = [(x != 0).any(axis=-1) for x in xs]
    for name in MERGES:
        layer, other = (MERGES[name](k.layers) for k in (ours, theirs))
        given = [tf.constant(x) for x in xs]
        with tf.GradientTape() as tape:
            tape.watch(given)
            for x, mask in zip(given, masks, strict=True):
                x._keras_mask = tf.constant(mask)
            y = other(given)
            slope = RNG.normal(size=y.shape).astype("float32")
            total = tf.reduce_sum(y * slope)
        wanted = tape.gradient(total, given)
        out, pullback = layer.vjp(xs, ours.layers.base.Call(training=True, mask=masks))
        np.testing.assert_allclose(out, y, atol=FLOAT32, err_msg=name)
        for dx, other_dx, x in zip(pullback(slope)[0], wanted, xs, strict=True):
            there = slice(None) if name != "cosine" else (x != 0).any(axis=-1)
            np.testing.assert_allclose(dx[there], other_dx.numpy()[there], atol=10 * FLOAT32, err_msg=name)


def test_constructors_take_the_same_arguments():
    for name in ("add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate", "dot"):
        layer, other = (MERGES[name](k.layers) for k in (ours, theirs))
        own = {"name", "trainable", "dtype"}
        assert {key: value for key, value in layer.get_config().items() if key not in own} == {
            key: value for key, value in other.get_config().items() if key not in own
        }
        xs = [padded(1), padded(2)]
        options = {"axes": 2} if name == "dot" else {}
        got, wanted = (np.asarray(getattr(k.layers, name)(xs, **options)) for k in (ours, theirs))
        np.testing.assert_allclose(got, wanted, atol=FLOAT32)
