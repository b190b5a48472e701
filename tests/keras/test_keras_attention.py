"""Attention layers: values, gradients, masks, shapes, calls by name, models."""

import json

import numpy as np
import pytest

from fastlstm.keras import Input, Model, layers
from fastlstm.keras.foundation.symbolic import Arguments
from fastlstm.keras.layers.call import TRAINING

GRADIENT = 1e-7  # central differences in float64 are good to about 1e-9 relative; values here are of order one
N, T, S, D = 2, 3, 4, 3
RNG = np.random.default_rng(5)
QUERY, VALUE, KEY = RNG.normal(size=(N, T, D)), RNG.normal(size=(N, S, D)), RNG.normal(size=(N, S, D))
QUERY_MASK = np.array([[True, True, False], [True, True, True]])
VALUE_MASK = np.array([[True, False, True, True], [True, True, False, True]])
KINDS = {
    "dot": lambda **options: layers.Attention(**options),
    "scaled": lambda **options: layers.Attention(use_scale=True, **options),
    "concat": lambda **options: layers.Attention(score_mode="concat", **options),
    "concat scaled": lambda **options: layers.Attention(True, "concat", **options),
    "additive": lambda **options: layers.AdditiveAttention(**options),
    "additive, bare": lambda **options: layers.AdditiveAttention(use_scale=False, **options),
    "heads": lambda **options: layers.MultiHeadAttention(2, 3, **options),
    "heads, gated": lambda **options: layers.MultiHeadAttention(2, 3, 4, use_gate=True, output_shape=2, **options),
    "heads, near": lambda **options: layers.MultiHeadAttention(1, 3, sliding_window=2, use_bias=False, **options),
}


def called(layer, parts, masks=(None, None), **switches):
    """Return the arguments of a call, as a graph has them."""
    arrays = [part for part in (*parts, *masks) if part is not None]
    if isinstance(layer, layers.MultiHeadAttention):
        given = dict(zip(("query", "value", "key"), parts, strict=False))
        args, kwargs = (given.pop("query"), given.pop("value")), given | switches
        kwargs |= {} if masks[1] is None else {"value_mask": masks[1]}
        arrays = [*parts, *([] if masks[1] is None else [masks[1]])]
    else:
        args, kwargs = (list(parts),), switches | ({} if masks[1] is None else {"mask": list(masks)})
    return arrays, TRAINING._replace(arguments=Arguments(args, kwargs, lambda leaf: isinstance(leaf, np.ndarray)))


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize(
    ("parts", "both"), [((QUERY, VALUE), False), ((QUERY, VALUE, KEY), True)], ids=["two", "three"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind, parts, both, masked, central_differences):
    layer = KINDS[kind](dtype="float64")
    masks = (QUERY_MASK, VALUE_MASK) if masked else (None, None)
    switches = {"use_causal_mask": masked} | ({"return_attention_scores": True} if both else {})
    arrays, call = called(layer, parts, masks, **switches)
    layer.ensure_built([part.shape for part in parts])
    layer.set_weights([np.random.default_rng(1).normal(size=w.shape) for w in layer.get_weights()])
    y, pullback = layer.vjp(arrays, call)
    outputs = y if both else [y]
    slopes = [np.random.default_rng(k).normal(size=part.shape) for k, part in enumerate(outputs)]
    dx, gradients = pullback(slopes if both else slopes[0])
    assert len(gradients) == len(layer.weights)

    def total(values):
        found = layer.forward(values, call)
        return sum(float((a * s).sum()) for a, s in zip(found if both else [found], slopes, strict=True))

    for k in range(len(parts)):

        def of_input(v, k=k):
            return total([*arrays[:k], v, *arrays[k + 1 :]])

        np.testing.assert_allclose(dx[k], central_differences(of_input, arrays[k]), atol=GRADIENT)
    for variable, gradient in zip(layer.weights, gradients, strict=True):
        kept = variable.numpy()

        def of_weight(v, variable=variable):
            variable.assign(v)
            return total(arrays)

        np.testing.assert_allclose(gradient, central_differences(of_weight, kept), atol=GRADIENT)
        variable.assign(kept)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_computes_what_the_layer_does(kind):
    layer = KINDS[kind]()
    query, value = Input((T, D)), Input((S, D))
    many = isinstance(layer, layers.MultiHeadAttention)
    made = (lambda q, v, **k: layer(q, v, **k)) if many else (lambda q, v, **k: layer([q, v], **k))
    output, shares = made(query, value, return_attention_scores=True, use_causal_mask=True)
    model = Model([query, value], [output, shares])
    found = model.predict([QUERY, VALUE], verbose=0)
    wanted = made(QUERY, VALUE, return_attention_scores=True, use_causal_mask=True)
    for a, b, tensor in zip(found, wanted, model.outputs, strict=True):
        np.testing.assert_array_equal(a, b)
        assert tensor.shape == (None, *a.shape[1:])
    again = Model.from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict([QUERY, VALUE], verbose=0)[1], found[1])
    model.compile("sgd", ["mse", "mse"])
    zeros = [np.zeros_like(part) for part in found]
    losses = model.fit([QUERY, VALUE], zeros, epochs=2, verbose=0).history["loss"]
    assert not layer.weights or losses[1] < losses[0]


def padded(x, mask):
    return np.where(mask[..., None], x, 0).astype("float32")


@pytest.mark.parametrize("kind", KINDS)
def test_masks_travel(kind):
    """Masks that arrays bring in a model count as those that a call is given, and that of the query goes on."""
    layer = KINDS[kind]()
    many = isinstance(layer, layers.MultiHeadAttention)
    query, value = Input((T, D)), Input((S, D))
    parts = [layers.Masking()(query), layers.Masking()(value)]
    y = layer(*parts) if many else layer(parts)
    model = Model([query, value], [y, layers.SimpleRNN(1, "linear", name="after")(y)])
    xs = [padded(QUERY, QUERY_MASK), padded(VALUE, VALUE_MASK)]
    found, after = model.predict(xs, verbose=0)
    alone = layer(*xs, value_mask=VALUE_MASK) if many else layer(xs, mask=[QUERY_MASK, VALUE_MASK])
    np.testing.assert_array_equal(found[QUERY_MASK], alone[QUERY_MASK])
    np.testing.assert_array_equal(after, model.get_layer("after")(found, mask=QUERY_MASK))
    hidden = [xs[0], np.where(VALUE_MASK[..., None], xs[1], 7).astype("float32")]
    other = layer(*hidden, value_mask=VALUE_MASK) if many else layer(hidden, mask=[QUERY_MASK, VALUE_MASK])
    np.testing.assert_allclose(other[QUERY_MASK], alone[QUERY_MASK], atol=1e-6)  # what is left out has no share


def test_masks_that_arrays_carry():
    """Between layers called on arrays masks travel too."""
    query, value = layers.Masking()(padded(QUERY, QUERY_MASK)), layers.Masking()(padded(VALUE, VALUE_MASK))
    for y, wanted in (
        (layers.Attention()([query, value]), layers.Attention()([QUERY, VALUE], mask=[QUERY_MASK, VALUE_MASK])),
        (layers.Attention()([query, value], mask=[None, VALUE_MASK]), layers.Attention()([QUERY, VALUE])),
    ):
        np.testing.assert_array_equal(y._keras_mask, QUERY_MASK)
        assert y.shape == wanted.shape
    np.testing.assert_array_equal(layers.Attention()([query, value])[~QUERY_MASK], 0)


def test_masks_of_a_model_by_name():
    query, value, there = Input((T, D)), Input((S, D)), Input((T, S), dtype="bool")
    layer = layers.MultiHeadAttention(2, 3)
    model = Model([query, value, there], layer(value=value, query=query, attention_mask=there))
    seen = RNG.random((N, T, S)) < 0.7
    found = model.predict([QUERY, VALUE, seen], verbose=0)
    np.testing.assert_array_equal(found, layer(QUERY, VALUE, attention_mask=seen.astype(int)))
    again = Model.from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict([QUERY, VALUE, seen], verbose=0), found)


def test_a_sequence_that_looks_at_itself():
    x = Input((T, D))
    layer = layers.MultiHeadAttention(2, 3, attention_axes=-2)
    model = Model(x, layers.Dense(1)(layer(x, x, x)))
    model.compile("sgd", "mse")
    assert layer.attention_axes == (1,)
    history = model.fit(QUERY, QUERY[..., :1], epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_looking_along_two_axes():
    x = RNG.normal(size=(2, 3, 4, 5))
    layer = layers.MultiHeadAttention(2, 3, dtype="float64")
    y, shares = layer(x, x, return_attention_scores=True)
    assert y.shape == x.shape
    assert shares.shape == (2, 2, 3, 4, 3, 4)
    flat = layers.MultiHeadAttention(2, 3, dtype="float64")
    flat.ensure_built([(None, 12, 5), (None, 12, 5)])
    flat.set_weights(layer.get_weights())
    rows = x.reshape(2, 12, 5)
    np.testing.assert_allclose(y.reshape(2, 12, 5), flat(rows, rows), atol=1e-12)
    within = layers.MultiHeadAttention(2, 3, attention_axes=2, dtype="float64")
    within.ensure_built([x.shape, x.shape])
    within.set_weights(layer.get_weights())
    each = flat(x.reshape(6, 4, 5), x.reshape(6, 4, 5)).reshape(x.shape)
    np.testing.assert_allclose(within(x, x), each, atol=1e-12)


def test_dropout_in_training():
    layer = layers.MultiHeadAttention(2, 3, dropout=0.5, seed=1)
    y = layer(QUERY, VALUE)
    assert np.array_equal(y, layer(QUERY, VALUE, training=False))
    assert not np.allclose(y, layer(QUERY, VALUE, training=True))
    shares = layers.Attention(dropout=0.5, seed=2)([QUERY, VALUE], training=True, return_attention_scores=True)[1]
    assert 0 < (shares == 0).mean() < 1


def test_penalties_on_the_projections():
    layer = layers.MultiHeadAttention(1, 2, activity_regularizer="l2")
    x = Input((T, D))
    model = Model(x, layer(x, x))
    model.compile("sgd", "mse")
    assert model.evaluate(QUERY, model.predict(QUERY, verbose=0), verbose=0) > 0
    before = layer.query_dense.kernel.numpy()
    model.fit(QUERY, model.predict(QUERY, verbose=0), verbose=0)
    assert not np.array_equal(layer.query_dense.kernel.numpy(), before)


def test_in_a_layer_of_ones_own():
    pytest.importorskip("autograd")

    class Block(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.attention = layers.MultiHeadAttention(2, 3)
            self.look = layers.Attention()

        def call(self, x):
            return x + self.attention(value=x, query=x) + self.look([x, x], mask=[None, x[..., 0] > 0])

    x = Input((T, D))
    block = Block()
    model = Model(x, block(x))
    model.compile("sgd", "mse")
    assert model.fit(QUERY, QUERY, epochs=2, verbose=0).history["loss"][1] > 0
    wanted = QUERY + block.attention(QUERY, QUERY) + block.look([QUERY, QUERY], mask=[None, QUERY[..., 0] > 0])
    np.testing.assert_allclose(model.predict(QUERY, verbose=0), wanted, atol=1e-5)


REFUSED = {
    "one input": (lambda: layers.Attention()([QUERY]), ValueError, "inputs must be a list of query, value"),
    "no list": (lambda: layers.Attention()(QUERY[0, 0]), TypeError, "inputs must be a list of query, value"),
    "axes": (lambda: layers.Attention()([QUERY[0], VALUE[0]]), ValueError, r"3 axes \(batch, time, features\)"),
    "features": (lambda: layers.Attention()([QUERY, VALUE[..., :2]]), ValueError, "same number of features"),
    "steps": (lambda: layers.Attention()([QUERY, VALUE, KEY[:, :2]]), ValueError, "as many steps in value as in key"),
    "rows": (lambda: layers.Attention()([QUERY, VALUE[:1]]), ValueError, "same number of rows"),
    "mask": (lambda: layers.Attention()([QUERY, VALUE], mask=[None, QUERY_MASK]), ValueError, "value_mask must have"),
    "mode": (lambda: layers.Attention(score_mode="sum"), ValueError, "score_mode must be 'dot' or 'concat'"),
    "argument": (lambda: layers.MultiHeadAttention(2, 3)(QUERY), TypeError, "missing a required argument|'value'"),
    "unknown": (lambda: layers.MultiHeadAttention(2, 3)(QUERY, VALUE, valve=1), TypeError, "'valve'"),
    "switch": (lambda: layers.Attention()([QUERY, VALUE], use_causal_mask="no"), TypeError, "use_causal_mask"),
    "heads": (lambda: layers.MultiHeadAttention(0, 3), ValueError, "num_heads must"),
    "along": (lambda: layers.MultiHeadAttention(1, 3, attention_axes=0)(QUERY, VALUE), ValueError, "attention_axes"),
    "attention mask": (
        lambda: layers.MultiHeadAttention(1, 3)(QUERY, VALUE, attention_mask=np.ones((N, 7, S))),
        ValueError,
        "attention_mask must be one of masks that fit",
    ),
    "tensor among arrays": (
        lambda: layers.MultiHeadAttention(1, 3)(Input((T, D)), VALUE),
        TypeError,
        "value must be a tensor, as the others are",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    call, error, text = REFUSED[name]
    with pytest.raises(error, match=text):
        call()


def test_a_built_layer_wants_its_features():
    layer = layers.MultiHeadAttention(1, 3)
    layer(QUERY, VALUE)
    with pytest.raises(ValueError, match="must have shape"):
        layer(QUERY, VALUE[..., :2])
