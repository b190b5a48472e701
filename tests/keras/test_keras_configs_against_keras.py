"""Configs and summaries side by side with real Keras, where it is installed."""

import json

import numpy as np
import pytest
from drawn_graphs import drawn_graphs
from golden.described_layers import MAKERS
from golden.described_models import MODELS, data, fill, outputs
from hypothesis import HealthCheck, given, settings
from test_keras_operation_configs import CASES, ON_ZEROS, WITHOUT, function_of, noted

from fastlstm import keras as ours

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")

OUTPUT = 2e-6  # float32 sums of a few dozen terms of order one, through some steps


def through_json(config):
    return json.loads(json.dumps(config))


def assert_the_same(model, other):
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    fill(model)
    fill(other)
    for got, wanted in zip(outputs(model), outputs(other), strict=True):
        np.testing.assert_allclose(got, np.asarray(wanted), atol=OUTPUT)


@pytest.mark.parametrize("name", MODELS)
def test_keras_reads_what_we_write(name):
    model = MODELS[name](ours)
    assert_the_same(model, theirs.models.model_from_json(model.to_json()))


@pytest.mark.parametrize("name", MODELS)
def test_we_read_what_keras_writes(name):
    other = MODELS[name](theirs)
    assert_the_same(ours.models.model_from_json(other.to_json()), other)


@pytest.mark.filterwarnings("ignore::UserWarning")  # a softmax of one number
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=drawn_graphs(functions=False))
def test_keras_reads_drawn_graphs_and_we_read_them_back(model):
    other = theirs.models.model_from_json(model.to_json())
    fill(model)
    other.set_weights(model.get_weights())
    again = ours.models.model_from_json(other.to_json())
    again.set_weights(model.get_weights())
    x = data(model)
    wanted = leaves(other.predict(x, verbose=0))
    for one in (model, again):
        for got, expected in zip(leaves(one.predict(x, verbose=0)), wanted, strict=True):
            np.testing.assert_allclose(got, expected, atol=10 * OUTPUT)  # softmax and variances of few numbers


def leaves(found):
    if isinstance(found, dict):
        return [part for name in sorted(found) for part in leaves(found[name])]
    return [part for entry in found for part in leaves(entry)] if isinstance(found, list | tuple) else [found]


@pytest.mark.parametrize("name", MAKERS)
def test_keras_makes_our_layers(name):
    described = through_json(ours.saving.serialize_keras_object(MAKERS[name](ours.layers)))
    layer = theirs.saving.deserialize_keras_object(through_json(described))  # which takes apart what it is given
    assert type(layer).__name__ == name.partition(",")[0]
    again = through_json(theirs.saving.serialize_keras_object(layer))
    if not name.startswith("SimpleRNN"):  # of which Keras forgets the seed and the penalty
        assert again["config"].keys() == described["config"].keys()


# Of functions that are one here Keras has two classes; and it knows the default dtype earlier.
OTHER_CLASSES = {"divide": "TrueDivide", "amax": "Max", "amin": "Min", "fabs": "Absolute", "empty_like": "ZerosLike"}
NOT_WRITTEN = {"flash_attention", "attn_logits_soft_cap", "rms_scaling", "sparse", "axisa", "axisb", "axisc", "axis"}


LISTS_REFUSED = {"segment_sum", "segment_max"}  # by Keras, for a symbolic tensor


@pytest.mark.parametrize("name", [name for name in CASES if name not in WITHOUT | ON_ZEROS | LISTS_REFUSED])
def test_operations_are_described_as_by_keras(name):
    arguments, tensors, _ = noted(name, lambda shape: ours.Input(batch_shape=shape))
    if not tensors or not hasattr(theirs.ops, plain := name.partition(" (")[0]):
        pytest.skip("no case with tensors, or no such function in Keras")
    node = leaves(function_of(name)(*arguments))[0].node
    described = through_json(ours.saving.serialize_keras_object(node.layer))
    given, _, _ = noted(name, lambda shape: theirs.Input(batch_shape=shape))
    made = theirs.tree.flatten(getattr(theirs.ops, plain)(*given))[0]
    wanted = through_json(theirs.saving.serialize_keras_object(made._keras_history.operation))
    for one in (described, wanted):
        del one["config"]["name"]
        one["config"].pop("dtype", None)
    if plain in OTHER_CLASSES:
        wanted["class_name"] = wanted["registered_name"] = OTHER_CLASSES[plain]
        wanted["config"] = {**described["config"], **wanted["config"]}
    missing = wanted["config"].keys() - described["config"].keys()
    assert missing <= NOT_WRITTEN
    assert described == wanted | {"config": {k: v for k, v in wanted["config"].items() if k not in missing}}


def in_bfloat16(keras):
    """Return layers made under the policy mixed_bfloat16, and a model of some."""
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    layers = keras.layers
    lonely = [layers.LSTM(3), layers.Dropout(0.1), layers.Embedding(3, 2), layers.RNN(layers.GRUCell(3))]
    both = layers.Bidirectional(layers.LSTM(8))
    model = keras.Sequential([keras.Input((5, 3)), both, layers.BatchNormalization(), layers.Dense(2)])
    keras.backend.clear_session()
    return [*lonely, both, model], model


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras, as it writes
def test_the_policy_mixed_bfloat16_is_described_as_keras_does_and_goes_both_ways(tmp_path):
    (own, _), (others, other) = in_bfloat16(ours), in_bfloat16(theirs)
    assert [layer.get_config()["dtype"] for layer in own] == [layer.get_config()["dtype"] for layer in others]
    other.save(tmp_path / "theirs.keras")
    loaded = ours.models.load_model(tmp_path / "theirs.keras")
    loaded.save(tmp_path / "ours.keras")
    back = theirs.models.load_model(tmp_path / "ours.keras")
    x = np.random.default_rng(0).standard_normal((4, 5, 3)).astype(np.float32)
    wanted = np.asarray(other.predict(x, verbose=0)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(back.predict(x, verbose=0)).astype(np.float32), wanted)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), wanted, rtol=0, atol=16 * 2.0**-9 * np.abs(wanted).max())
    assert [layer.precision_now() for layer in loaded.layers] == ["float32", "float32", "bfloat16"]
    assert loaded.layers[0].forward_layer.precision == "bfloat16"
