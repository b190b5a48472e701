"""Masks of symbolic tensors: what tables show of them, and that no run needs their operations."""

import json
import pickle

import numpy as np
import pytest
from golden.described_models import MODELS

from fastlstm import keras
from fastlstm.keras import Input, Model, layers, models, ops

RNG = np.random.default_rng(8)
X = RNG.normal(size=(3, 5, 2)) * (np.arange(5) < np.array([[5], [2], [3]]))[..., None]


def names(model):
    return [operation.name for operation in model.operations]


def masked():
    x = Input((5, 2), name="x")
    h = layers.Masking(name="masking")(x)
    return Model(x, layers.GRU(2, name="gru")(layers.LSTM(2, return_sequences=True, name="lstm")(h)))


@pytest.mark.parametrize("name", ["masked", "told_its_mask", "merged_masks"])
def test_no_run_takes_operations_of_masks_that_come_with_the_input(name):
    model = MODELS[name](keras)
    again = models.model_from_json(model.to_json())
    for one in (model, again, models.clone_model(model), pickle.loads(pickle.dumps(model))):
        assert all(isinstance(step.layer, layers.Layer) for step in one.plan.steps)
        assert names(one) == names(model)
        assert len(one.operations) > len(one.layers)


def test_a_mask_of_ones_own_is_not_left_out():
    """It is made like that of Masking, but for the value."""
    x = Input((5, 2), name="x")
    h = layers.Masking(1.0)(x)
    y = layers.LSTM(2)(h, mask=ops.any(ops.not_equal(x, 0.0), axis=-1))
    model = Model(x, y)
    again = models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    assert [type(step.layer).__name__ for step in again.plan.steps].count("FunctionOperation") == 2
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    ours = masked_by(layers.Masking(0.0), model)
    np.testing.assert_array_equal(ours.predict(X, verbose=0), model.predict(X, verbose=0))


def masked_by(masking, like):
    x = Input((5, 2))
    model = Model(x, layers.LSTM(2)(masking(x)))
    model.set_weights(like.get_weights())
    return model


def test_a_clone_with_another_masking_has_another_mask():
    def clone(layer):
        return layers.Masking(7.0) if isinstance(layer, layers.Masking) else layer.from_config(layer.get_config())

    model = models.clone_model(masked(), clone_function=clone)
    (compared,) = [
        entry for entry in json.loads(model.to_json())["config"]["layers"] if entry["class_name"] == "NotEqual"
    ]
    assert compared["inbound_nodes"][0]["args"][1] == 7.0


def test_masks_of_functions_that_want_arrays_are_not_drawn():
    x = Input((5, 2), name="x")
    h = layers.Lambda(lambda t: t * 1, mask=lambda t, mask: np.asarray(t).any(axis=-1), name="own")(x)
    model = Model(x, layers.LSTM(2, name="lstm")(h))
    assert names(model) == ["x", "own", "lstm"]
    wanted = masked_by(layers.Masking(), model)
    np.testing.assert_array_equal(model.predict(X, verbose=0), wanted.predict(X, verbose=0))


def test_a_model_that_begins_behind_its_mask_is_drawn_without():
    model = masked()
    rest = Model(model.get_layer("masking").output, model.output)
    assert names(rest)[1:] == ["lstm", "gru"]
    np.testing.assert_array_equal(rest.predict(X, verbose=0), rest(X))


def test_layers_take_a_mask_or_pass_it_on():
    x = Input((5, 2), name="x")
    h = layers.Masking(name="masking")(x)
    assert h._keras_mask is h.mask
    assert h.mask.shape == (None, 5)
    for layer in (layers.Dense(2), layers.Dropout(0.1), layers.LayerNormalization()):
        assert layer(h).mask is h.mask
        assert layer.inbound_nodes[0].told == []
    for layer in (
        layers.LSTM(2, return_sequences=True),
        layers.BatchNormalization(),
        layers.TimeDistributed(layers.Dense(2)),
    ):
        assert layer(h).mask is h.mask
        assert layer.inbound_nodes[0].told == [h.mask]
    for layer in (layers.LSTM(2), layers.Flatten(), layers.Conv1D(2, 2), layers.GlobalAveragePooling1D()):
        assert layer(h).mask is None


class Told(layers.Layer):
    """Takes a mask, and passes it on."""

    def __init__(self):
        super().__init__(name="told")
        self.supports_masking = True

    def call(self, x, mask=None):
        return x if mask is None else x * ops.cast(ops.expand_dims(mask, -1), x.dtype)


def test_layers_that_users_write_are_told_too():
    x = Input((5, 2), name="x")
    h = Told()(layers.Masking(name="masking")(x))
    model = Model(x, layers.LSTM(2, name="lstm")(h))
    (call,) = model.get_layer("told").inbound_nodes
    assert call.told == [h.mask]
    assert call.drawn == [*call.needs, h.mask]
    assert model.get_layer("lstm").inbound_nodes[0].told == [h.mask]
