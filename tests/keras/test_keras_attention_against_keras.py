"""Attention layers and EinsumDense side by side with real Keras, where it is installed: values, gradients, masks."""

import inspect

import numpy as np
import pytest

from fastlstm import keras as ours
from fastlstm.keras.foundation.symbolic import Arguments
from fastlstm.keras.layers.call import TRAINING

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

FLOAT32 = 1e-5  # float32 products of a few terms of order one, one after the other

N, T, S, D = 3, 4, 5, 6
RNG = np.random.default_rng(8)
QUERY, VALUE, KEY = (RNG.normal(size=(N, steps, D)).astype("float32") for steps in (T, S, S))
QUERY_MASK, VALUE_MASK = RNG.random((N, T)) < 0.6, RNG.random((N, S)) < 0.6
VALUE_MASK[0] = False

LAYERS = {
    "dot": lambda k: k.Attention(),
    "scaled": lambda k: k.Attention(use_scale=True),
    "concat": lambda k: k.Attention(score_mode="concat"),
    "concat_scaled": lambda k: k.Attention(use_scale=True, score_mode="concat"),
    "additive": lambda k: k.AdditiveAttention(),
    "additive_bare": lambda k: k.AdditiveAttention(use_scale=False),
    "heads": lambda k: k.MultiHeadAttention(2, 3),
    "heads_others": lambda k: k.MultiHeadAttention(3, 2, value_dim=4, use_bias=False, output_shape=5),
    "heads_gated": lambda k: k.MultiHeadAttention(2, 3, use_gate=True),
    "heads_near": lambda k: k.MultiHeadAttention(2, 3, sliding_window=2),
}
MASKS = {
    "whole": {},
    "causal": {"use_causal_mask": True},
    "values": {"value_mask": VALUE_MASK},
    "both": {"query_mask": QUERY_MASK, "value_mask": VALUE_MASK},
    "all": {"query_mask": QUERY_MASK, "value_mask": VALUE_MASK, "use_causal_mask": True},
}


def made(name, parts):
    """Return a layer of each library with the same weights."""
    pair = [LAYERS[name](k.layers) for k in (ours, theirs)]
    for layer in pair:
        layer(*parts) if name.startswith("heads") else layer(list(parts))
    weights = [np.random.default_rng(w.size).normal(size=w.shape) for w in pair[1].get_weights()]
    for layer in pair:
        layer.set_weights(weights)
    return pair


def arguments(name, parts, masks, both):
    """Return what a layer is called with."""
    switches = {key: value for key, value in masks.items() if key == "use_causal_mask"}
    switches |= {"return_attention_scores": True} if both else {}
    if name.startswith("heads"):
        given = {key: value for key, value in masks.items() if key == "value_mask"}
        return tuple(parts), given | switches
    mask = [masks.get("query_mask"), masks.get("value_mask")]
    return (list(parts),), switches | ({"mask": mask} if "value_mask" in masks else {})


@pytest.mark.parametrize("both", [False, True], ids=["output", "with_shares"])
@pytest.mark.parametrize("parts", [(QUERY, VALUE), (QUERY, VALUE, KEY), (QUERY, QUERY)], ids=["two", "three", "same"])
@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("name", LAYERS)
def test_values_and_gradients(name, masks, parts, both):
    masks = dict(MASKS[masks])
    if parts[1] is QUERY and "value_mask" in masks:
        masks["value_mask"] = QUERY_MASK
    layer, other = made(name, parts)
    given = [tf.constant(part) for part in parts]
    with tf.GradientTape() as tape:
        tape.watch(given)
        args, kwargs = arguments(name, given, masks, both)
        found = other(*args, **kwargs)
        wanted = list(found) if both else [found]
        slopes = [np.random.default_rng(k).normal(size=y.shape).astype("float32") for k, y in enumerate(wanted)]
        total = sum(tf.reduce_sum(y * s) for y, s in zip(wanted, slopes, strict=True))
    gradients = tape.gradient(total, [*given, *other.trainable_weights])
    args, kwargs = arguments(name, parts, masks, both)
    call = Arguments(args, kwargs, lambda leaf: isinstance(leaf, np.ndarray))
    y, pullback = layer.vjp(call.tensors, TRAINING._replace(training=False, arguments=call))
    for a, b in zip(y if both else [y], wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)
    dx, found = pullback(slopes if both else slopes[0])
    for a, b in zip([*dx[: len(parts)], *found], gradients, strict=True):
        np.testing.assert_allclose(a, b, atol=10 * FLOAT32)


@pytest.mark.parametrize("name", LAYERS)
def test_masks_of_arrays(name):
    """What a layer makes of masks that arrays bring, and the mask of its output."""
    found = []
    for k in (ours, theirs):
        query, value = k.Input((T, D)), k.Input((S, D))
        parts = [k.layers.Masking()(query), k.layers.Masking()(value)]
        layer = LAYERS[name](k.layers)
        y = layer(*parts) if name.startswith("heads") else layer(parts)
        count = k.layers.SimpleRNN(1, "linear", name="count")
        model = k.Model([query, value], [y, count(y)])
        model.set_weights([np.random.default_rng(w.size).normal(size=w.shape) * 0.5 for w in model.get_weights()])
        xs = [np.where(QUERY_MASK[..., None], QUERY, 0), np.where(VALUE_MASK[..., None], VALUE, 0)]
        found.append([np.asarray(part) for part in model(xs)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


@pytest.mark.parametrize("axes", [None, 1, 2, (1, 2)], ids=str)
def test_heads_along_axes(axes):
    x = RNG.normal(size=(2, 3, 4, 5)).astype("float32")
    pair = [k.layers.MultiHeadAttention(2, 3, attention_axes=axes) for k in (ours, theirs)]
    for layer in pair:
        layer(x, x)
    pair[0].set_weights(pair[1].get_weights())
    got, wanted = (layer(x, x, return_attention_scores=True) for layer in pair)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


def test_penalties_and_training():
    found = []
    for k in (ours, theirs):
        x = k.Input((T, D))
        y = k.layers.MultiHeadAttention(2, 3, kernel_regularizer="l2", activity_regularizer="l2")(x, x)
        y = k.layers.GlobalAveragePooling1D()(k.layers.LayerNormalization()(k.layers.Add()([x, y])))
        model = k.Model(x, k.layers.Dense(1)(y))
        values = [np.random.default_rng(w.size).normal(size=w.shape) * 0.5 for w in model.get_weights()]
        model.set_weights(values)
        model.compile("adam", "mse")
        history = model.fit(QUERY, QUERY[:, 0, :1], epochs=3, batch_size=2, shuffle=False, verbose=0).history["loss"]
        found.append([history, *model.get_weights(), model.predict(QUERY, verbose=0)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)  # six steps of float32 training by two implementations


EQUATIONS = {
    "abc,cd->abd": (None, 4),
    "abc,dc->abd": (None, 4),
    "...x,xy->...y": 4,
    "abc,bcd->abd": (T, 4),
    "abc,cde->abde": (None, 2, 3),
    "abc,bcd->ad": 4,
    "ab...,bc->ac...": 4,
    "abc,bd->ad": 4,
    "abc,bd->adc": (4, None),
}


@pytest.mark.filterwarnings("ignore:Layer 'einsum_dense")  # of the mask that it loses, as ours does
@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum_dense(equation):
    bias = "d" if equation.endswith("dc") else "y" if "y" in equation else "c" if "..." in equation else equation[-1]
    pair = [k.layers.EinsumDense(equation, EQUATIONS[equation], "tanh", bias) for k in (ours, theirs)]
    for layer in pair:
        layer.build((None, T, D))
        layer.set_weights([np.random.default_rng(w.size).normal(size=w.shape) for w in layer.get_weights()])
    layer, other = pair
    given = tf.constant(QUERY)
    with tf.GradientTape() as tape:
        tape.watch(given)
        y = other(given)
        slope = np.random.default_rng(1).normal(size=y.shape).astype("float32")
        total = tf.reduce_sum(y * slope)
    wanted = tape.gradient(total, [given, *other.trainable_weights])
    out, pullback = layer.vjp(QUERY)
    np.testing.assert_allclose(out, y, atol=FLOAT32)
    dx, gradients = pullback(slope)
    for a, b in zip([dx, *gradients], wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=10 * FLOAT32)
    for rows in (None, N):
        shape = (rows, T, D)
        known = zip(layer.compute_output_shape(shape), other.compute_output_shape(shape), strict=True)
        assert all(b in (None, a) for a, b in known)
    given._keras_mask = tf.constant(QUERY_MASK)
    assert getattr(other(given), "_keras_mask", None) is None
    assert layer.compute_mask(QUERY, QUERY_MASK) is None


def test_einsum_dense_draws_as_keras():
    found = []
    for k in (ours, theirs):
        layer = k.layers.EinsumDense("abc,cde->abde", (None, 20, 30))
        layer.build((None, T, 40))
        found.append(layer.get_weights()[0])
    np.testing.assert_allclose(*(abs(kernel).max() for kernel in found), rtol=1e-3)  # of 24,000 uniform draws


@pytest.mark.parametrize("name", ["Attention", "MultiHeadAttention", "EinsumDense"])
def test_constructors_take_the_same_arguments(name):
    taken, wanted = (inspect.signature(getattr(k.layers, name)).parameters for k in (ours, theirs))
    past = {"kwargs", "lora_rank", "lora_alpha", "gptq_unpacked_column_size", "quantization_config"}
    for argument in wanted.keys() - past:
        assert taken[argument].default == wanted[argument].default, argument
    assert [argument for argument in taken if argument in wanted] == [a for a in wanted if a in taken]
