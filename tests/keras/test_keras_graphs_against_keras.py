"""Graphs drawn at random side by side with real Keras, where it is installed: the same one, made by either."""

import random

import numpy as np
import pytest
from drawn_graphs import BATCH, Drawing, fitting
from seeds import FIXED, FRESH
from test_keras_every_graph import data_for, leaves

from fastlstm import keras as ours

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")

PREDICTIONS = 1e-5  # float32 sums of a few dozen terms of order one, through some layers
TRAINED = 2e-4  # such sums in the gradients of nine steps

DRAWS = [FIXED + k for k in range(12)] + [(FRESH + k) % 2**32 for k in range(4)]

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # a softmax of one number, masks that end


def drawn(keras, seed):
    keras.utils.clear_session()
    rng = random.Random(seed)
    options = {"dtype": rng.choice([None, None, "float64"]), "stateful": rng.random() < 0.2}
    return Drawing(rng, keras, **options).model()


def twins(seed):
    """The model by both, with the same weights; and its inputs. What both refuse is skipped."""
    print(f"seed {seed}, FASTLSTM_TEST_SEED={FRESH}")
    try:
        model = drawn(ours, seed)
    except ValueError:
        with pytest.raises(ValueError, match=r".*"):
            drawn(theirs, seed)
        pytest.skip("refused by both")
    wanted = drawn(theirs, seed)
    try:
        fitting(model)
    except ValueError:
        pytest.skip("open axes that do not fit")
    rng = np.random.default_rng(seed)
    values = [
        rng.uniform(0.5, 2, w.shape) if "variance" in w.path else 0.4 * rng.normal(size=w.shape) for w in model.weights
    ]
    model.set_weights(values)
    wanted.set_weights(values)
    return model, wanted, data_for(model, rng, 2 * BATCH), rng


def first_rows(tree):
    if isinstance(tree, dict):
        return {key: part[:BATCH] for key, part in tree.items()}
    return [part[:BATCH] for part in tree] if isinstance(tree, list) else tree[:BATCH]


def eagerly(keras):
    """Keras compiles for seconds what takes milliseconds."""
    return {"run_eagerly": True} if keras is theirs else {}


def predicted(model, x):
    try:
        return model.predict(x, batch_size=BATCH, verbose=0)
    except TypeError as error:
        if "loop" not in str(error):
            raise
        pytest.skip("stacked cells of float64, whose states Keras begins with float32")


@pytest.mark.parametrize("seed", DRAWS)
def test_drawn_graphs_are_made_and_compute_as_in_keras(seed):
    model, wanted, x, _ = twins(seed)
    assert model.name == wanted.name
    # Masks are operations of the graph in Keras, which change the order; here they go beside the arrays.
    assert sorted(layer.name for layer in model.layers) == sorted(layer.name for layer in wanted.layers)
    for kind in ("weights", "trainable_weights", "non_trainable_weights"):
        assert [w.path for w in getattr(model, kind)] == [w.path for w in getattr(wanted, kind)]
    for tensors, others in ((model.inputs, wanted.inputs), (model.outputs, wanted.outputs)):
        assert [(t.shape, str(t.dtype)) for t in tensors] == [(tuple(t.shape), str(t.dtype)) for t in others]
    expected, found = predicted(wanted, x), model.predict(x, batch_size=BATCH, verbose=0)
    assert type(found) is type(expected)
    for got, other in zip(leaves(found), leaves(expected), strict=True):
        np.testing.assert_allclose(got, other, rtol=PREDICTIONS, atol=PREDICTIONS)


@pytest.mark.parametrize("seed", DRAWS)
def test_drawn_graphs_train_as_in_keras(seed):
    model, wanted, x, rng = twins(seed)
    labels = [rng.normal(size=part.shape).astype(part.dtype) for part in leaves(predicted(wanted, x))]
    keys = sorted(wanted.output) if isinstance(wanted.output, dict) else None
    if keys is None and len(set(wanted.output_names)) < len(labels):
        pytest.skip("two outputs of one layer, whose logs have the same name in Keras and overwrite each other")
    y = labels if keys is None else dict(zip(keys, labels, strict=True))
    logs = []
    for keras, one in ((ours, model), (theirs, wanted)):
        for layer in one.layers:
            if getattr(layer, "stateful", False):
                layer.reset_states()
        losses = ["mse", keras.losses.MeanAbsoluteError(), "huber"][: len(labels)]
        losses = losses if keys is None else dict(zip(keys, losses, strict=True))
        metrics = [["mae"] for _ in labels] if keys is None else {key: ["mae"] for key in keys}
        one.compile(keras.optimizers.SGD(0.02), losses, metrics=metrics, **eagerly(keras))
        try:
            history = one.fit(x, y, batch_size=BATCH, epochs=3, shuffle=False, verbose=0).history
        except Exception as error:
            if "Incompatible shapes" not in str(error) and "InvalidArgument" not in repr(error):
                raise
            pytest.skip("a mask or a penalty of another dtype that Keras does not bring together with the loss")
        evaluated = one.evaluate(x, y, batch_size=BATCH, verbose=0)
        batch = one.test_on_batch(first_rows(x), first_rows(y), return_dict=True)
        logs.append((history, evaluated, batch))
    assert list(logs[0][0]) == list(logs[1][0])
    assert sorted(logs[0][2]) == sorted(logs[1][2])
    for got, other in zip(leaves(list(logs[0])), leaves(list(logs[1])), strict=True):
        np.testing.assert_allclose(got, other, rtol=TRAINED, atol=TRAINED)
    for got, other in zip(model.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_allclose(got, other, rtol=TRAINED, atol=TRAINED)


def models_in_turn(keras, start):
    """Train two models with an encoder in common in turn, freeze it, cut a part out and train that."""
    keras.utils.clear_session()
    layers, rng = keras.layers, np.random.default_rng(0)
    x, y, z = (rng.normal(size=(12, *shape)).astype("float32") for shape in ((4, 3), (2,), (1,)))
    given, encoder = keras.Input((4, 3)), layers.LSTM(3, name="encoder")
    state = encoder(given)
    one = keras.Model(given, layers.Dense(2)(state))
    other = keras.Model(given, layers.Dense(1)(layers.Dense(2, activation="tanh")(state)))
    for model, weights in zip((one, other), start or [one.get_weights(), other.get_weights()], strict=True):
        model.set_weights(weights)
    begun, log = [one.get_weights(), other.get_weights()], []

    def fit(model, labels):
        log.append(model.fit(x, labels, batch_size=5, epochs=2, shuffle=False, verbose=0).history["loss"])
        log.extend(other.get_weights() + one.get_weights())

    def compiled(model):
        model.compile(keras.optimizers.Adam(0.01), "mse", **eagerly(keras))
        return model

    compiled(one)
    compiled(other)
    for model, labels in ((one, y), (other, z), (one, y)):
        fit(model, labels)
    encoder.trainable = False
    fit(compiled(one), y)
    encoder.trainable = True
    fit(compiled(one), y)
    fit(compiled(keras.Model(one.input, one.get_layer("encoder").output)), x[:, 0])
    fit(compiled(keras.Sequential([*one.layers[:-1], layers.Dense(1, kernel_initializer="ones")])), z)
    fit(other, z)
    return begun, log


def test_models_with_common_layers_train_in_turn_as_in_keras():
    begun, found = models_in_turn(ours, None)
    _, wanted = models_in_turn(theirs, begun)
    for got, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, expected, rtol=TRAINED, atol=TRAINED)
