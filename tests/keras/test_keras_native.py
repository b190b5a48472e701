"""Models come back from files of the native format, with their bits, and go on training with the same numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_files import rewritten

import fastlstm as fl
from fastlstm import keras
from fastlstm.keras import Input, Model, Sequential, layers
from fastlstm.keras.files.native import load_native, save_native

X = np.random.default_rng(0).normal(size=(8, 6, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 2)).astype("float32")


def chain() -> Any:
    parts = [layers.LSTM(4, return_sequences=True), layers.BatchNormalization(), layers.GRU(3), layers.Dense(2)]
    return Sequential([Input((6, 3)), *parts])


def graph() -> Any:
    x = Input((6, 3))
    shared = layers.Bidirectional(layers.LSTM(3))
    inner = Model(x, shared(x) + shared(x[:, :3]) + layers.GRU(6)(x))
    y = Input((6, 3))
    return Model(y, layers.Dense(2)(inner(y) + inner(y * 2)))


@keras.saving.register_keras_serializable(package="native")
class Doubled(layers.Layer):
    """A layer of a user."""

    def call(self, x: Any) -> Any:
        return x * 2


def with_own_layer() -> Any:
    return Sequential([Input((6, 3)), layers.SimpleRNN(4), Doubled(), layers.Dense(2)])


MODELS = {"Sequential": chain, "functional": graph, "a layer of one's own": with_own_layer}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_and_goes_on_training(tmp_path: Path, name: str) -> None:
    if name == "a layer of one's own":
        pytest.importorskip("autograd")
    model = MODELS[name]()
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    model.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    save_native(model, tmp_path / "a.fastlstm")
    found = fl.load(tmp_path / "a.fastlstm")
    assert type(found) is type(model)
    assert [v.path for v in found.weights] == [v.path for v in model.weights]
    for one, other in zip(found.get_weights(), model.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()
    np.testing.assert_array_equal(found.predict(X, verbose=0), model.predict(X, verbose=0))
    runs = [m.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0).history for m in (model, found)]
    assert runs[0] == runs[1]


def test_weights_are_not_drawn_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = chain()
    save_native(model, tmp_path / "a")
    monkeypatch.setattr(np.linalg, "qr", None)  # which the initializer of recurrent weights needs
    np.testing.assert_array_equal(fl.load(tmp_path / "a").predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_model_that_is_not_compiled_comes_back_so(tmp_path: Path) -> None:
    model = chain()
    save_native(model, tmp_path / "a")
    assert not fl.load(tmp_path / "a").compiled
    model.compile("sgd", "mse")
    save_native(model, tmp_path / "a")
    assert fl.load(tmp_path / "a").compiled
    assert not load_native(tmp_path / "a", compiled=False).compiled


def test_a_model_without_weights_yet_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must have weights, got none yet"):
        save_native(Sequential([layers.Dense(2)]), tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


class Unknown(layers.Layer):
    """A layer that is not registered."""

    def call(self, x: Any) -> Any:
        return x


def test_classes_of_ones_own_are_found_in_what_is_given_only(tmp_path: Path) -> None:
    pytest.importorskip("autograd")
    model = Sequential([Input((6, 3)), layers.LSTM(2), Unknown()])
    save_native(model, tmp_path / "a")
    with pytest.raises((ValueError, TypeError), match="Unknown"):
        fl.load(tmp_path / "a")
    found = fl.load(tmp_path / "a", custom_objects={"Unknown": Unknown})
    assert isinstance(found.layers[-1], Unknown)


def of_lambda(description: dict[str, Any]) -> None:
    layer = description["model"]["config"]["layers"][1]
    layer.update(module="builtins", class_name="eval", config={"source": "1"}, registered_name=None)


CHANGES = {
    "the description must be an object of kind, model": lambda d: d.update(more=1),
    "eval": of_lambda,
    "must be the place of something": lambda d: d["model"]["config"]["layers"].pop(),
    "must have shape": lambda d: d["model"]["config"]["layers"][-1]["config"].update(units=1),
    "must be of at most 8 numbers": lambda d: d["model"]["config"]["layers"][-1]["config"].update(units=3),
    "must be that of a model": lambda d: d.update(model=keras.saving.serialize_keras_object(layers.Dense(2))),
}


@pytest.mark.parametrize("message", CHANGES)
def test_descriptions_that_are_no_model_are_refused(tmp_path: Path, message: str) -> None:
    path = tmp_path / "a"
    save_native(chain(), path)
    rewritten(path, CHANGES[message])
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as raised:
        fl.load(path)
    assert str(raised.value).startswith(str(path))
