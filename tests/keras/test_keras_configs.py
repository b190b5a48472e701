"""Configs hold all that an object was made with, in plain values and in Keras' form, and make another one like it."""

import json
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.configured import MAKERS

from fastlstm import keras
from fastlstm.keras import (
    activations,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    saving,
)
from fastlstm.keras.foundation.configs import plain

KERAS = json.loads((Path(__file__).parents[1] / "golden" / "keras_configs.json").read_text())
LOOKUPS = (losses.lookup, metrics.lookup, optimizers.lookup, optimizers.schedules.lookup)
MODULES = (*LOOKUPS, initializers, regularizers, constraints)
KINDS: list[Any] = [vars(module)["_KIND"] for module in MODULES]
OURS_ONLY = {  # which Keras forgets
    "losses.Huber": {"delta": 0.5},
    "losses.CosineSimilarity": {"axis": 1},
    "metrics.CosineSimilarity": {"axis": 1},
    "initializers.Identity": {"gain": 2.0},
}


def module_of(place: str) -> Any:
    return attrgetter(place.rpartition(".")[0])(keras)


def through_json(config: Any) -> Any:
    return json.loads(json.dumps(config))


def assert_alike(one: Any, other: Any) -> None:
    """They are of one class and were made with the same arguments, as far as attributes tell."""
    assert type(one) is type(other)
    assert one.get_config() == other.get_config()
    for name, value in vars(one).items():
        if isinstance(value, str | int | float | list | None):
            assert plain(getattr(other, name)) == plain(value)


def test_no_class_is_forgotten() -> None:
    made = {type(make(keras)) for make in MAKERS.values()}
    for kind in KINDS:
        assert set(kind.known.values()) <= made, kind.module


@pytest.mark.parametrize("place", MAKERS)
def test_an_object_comes_back_from_its_config(place: str) -> None:
    thing = MAKERS[place](keras)
    config = thing.get_config()
    assert_alike(type(thing).from_config(through_json(config)), thing)
    assert config == thing.get_config()  # which making another one does not change
    module = module_of(place)
    described = module.serialize(thing)
    assert set(described) == {"module", "class_name", "config", "registered_name"}
    assert_alike(module.deserialize(through_json(described)), thing)
    assert_alike(module.deserialize({"class_name": type(thing).__name__, "config": config}), thing)
    if hasattr(module, "get"):
        assert_alike(module.get(through_json(described)), thing)


@pytest.mark.parametrize("place", MAKERS)
def test_configs_are_those_of_keras(place: str) -> None:
    theirs, thing = KERAS[place], MAKERS[place](keras)
    ours = module_of(place).serialize(thing)
    assert ours == theirs | {"config": theirs["config"] | OURS_ONLY.get(place, {})}
    if place not in OURS_ONLY:
        assert_alike(module_of(place).deserialize(theirs), thing)


@pytest.mark.parametrize("place", [place for place in MAKERS if place.startswith("initializers")])
def test_the_numbers_are_the_same(place: str) -> None:
    thing = MAKERS[place](keras)
    shape = (2, 2)
    np.testing.assert_array_equal(type(thing).from_config(thing.get_config())(shape), thing(shape))


def test_a_loss_and_a_metric_work_as_before() -> None:
    labels, outputs = np.array([[1.0, 0.0]]), np.array([[0.7, 0.3]])
    for place in ("losses.BinaryCrossentropy", "losses.Huber"):
        thing = MAKERS[place](keras)
        np.testing.assert_array_equal(
            type(thing).from_config(thing.get_config())(labels, outputs), thing(labels, outputs)
        )
    strict = metrics.BinaryAccuracy.from_config(metrics.BinaryAccuracy(threshold=0.75).get_config())
    assert strict(labels, outputs) == 0.5


def test_a_schedule_comes_back_with_its_optimizer() -> None:
    made = optimizers.Adam(optimizers.CosineDecay(0.5, 4))
    again = optimizers.get(through_json(optimizers.serialize(made)))
    assert [again._rate(step) for step in range(6)] == [made._rate(step) for step in range(6)]
    by_step = lambda step: 1 / (1 + step)  # noqa: E731
    assert optimizers.SGD.from_config(optimizers.SGD(by_step).get_config())._rate is by_step


def test_numbers_of_numpy_are_plain_in_configs() -> None:
    for thing in (
        optimizers.SGD(np.float32(0.5), clipnorm=np.float32(2)),
        initializers.Constant(np.ones((2, 1), "float32")),
        initializers.Constant([(np.float32(1), np.float64(2))]),
        constraints.UnitNorm(np.int64(1)),
        metrics.TopKCategoricalAccuracy(np.int8(3), dtype=np.float64),
    ):
        assert_alike(type(thing).from_config(through_json(thing.get_config())), thing)


@saving.register_keras_serializable("tests")
class Halved(initializers.Initializer):
    def __init__(self, value: float) -> None:
        self.value = value

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return np.full(shape, self.value / 2)


class Twice(regularizers.L2):
    pass


def test_classes_of_users() -> None:
    described = initializers.serialize(Halved(3.0))
    assert described == {
        "module": __name__,
        "class_name": "Halved",
        "config": {"value": 3.0},
        "registered_name": "tests>Halved",
    }
    assert_alike(initializers.deserialize(described), Halved(3.0))
    assert_alike(initializers.get(described), Halved(3.0))
    named = {"class_name": "Other", "config": {"value": 3.0}}
    assert_alike(initializers.deserialize(named, {"Other": Halved}), Halved(3.0))
    with pytest.raises(
        ValueError, match=r"initializer must be a known name or an Initializer, got 'Other'; valid names: .* registered"
    ):
        initializers.deserialize(named)
    with pytest.raises(ValueError, match="regularizer must be a known name or a Regularizer, got 'Halved'"):
        regularizers.deserialize(described)


def test_a_class_that_nobody_registered_is_found_in_custom_objects_only() -> None:
    described = regularizers.serialize(Twice(0.5))
    assert described["registered_name"] == "Twice"
    with pytest.raises(ValueError, match="got 'Twice'"):
        regularizers.get(described)
    assert_alike(regularizers.deserialize(described, {"Twice": Twice}), Twice(0.5))
    with saving.custom_object_scope({"Twice": Twice}):
        assert_alike(regularizers.get(described), Twice(0.5))


def test_functions() -> None:
    assert activations.serialize(activations.silu) == "silu"
    assert activations.deserialize("silu") is activations.silu
    described = {"module": "builtins", "class_name": "function", "registered_name": "function"}
    assert activations.deserialize(described | {"config": "relu"}) is activations.relu
    assert isinstance(losses.get(described | {"config": "mean_squared_error"}), losses.MeanSquaredError)
    own = activations.ActivationFunction("cube", lambda x: x**3, lambda dy, x, y: 3 * x**2 * dy)
    assert activations.serialize(own) == described | {"config": "cube"}
    assert activations.deserialize(described | {"config": "cube"}, {"cube": own}) is own


def doubled(x: Any) -> Any:
    return 2 * x


def test_functions_of_users_are_known_by_name() -> None:
    described = activations.serialize(activations.get(doubled))
    assert described["config"] == "doubled"
    with pytest.raises(ValueError, match=r"activation must be a known name, a function, .* got 'doubled'"):
        activations.deserialize(described)
    assert activations.deserialize(described, {"doubled": doubled})(3.0) == 6.0
    with saving.custom_object_scope({"doubled": doubled}):
        assert activations.get("doubled").function is doubled
        assert saving.deserialize_keras_object(described) is doubled
    with pytest.raises(ValueError, match="a function in a config must be one with a name"):
        activations.serialize(activations.get(lambda x: x))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: losses.serialize(3), TypeError, "loss must be a Loss, got 3"),  # type: ignore[arg-type]
        (lambda: losses.deserialize("mse"), TypeError, "loss must be a dict with class_name and config, got 'mse'"),
        (
            lambda: optimizers.deserialize({"class_name": "Adam", "config": 3}),
            TypeError,
            "optimizer: config must be a dict from argument names to values, got 3",
        ),
        (
            lambda: optimizers.SGD.from_config({"learning_rate": {"class_name": "Slope", "config": {}}}),
            ValueError,
            "learning_rate_schedule must be a known name or a LearningRateSchedule, got 'Slope'",
        ),
        (
            lambda: optimizers.SGD.from_config({"loss_scale_factor": 2.0}),
            NotImplementedError,
            "SGD: loss_scale_factor=2.0 is not supported, only None is",
        ),
        (lambda: metrics.deserialize({"class_name": 3, "config": {}}), TypeError, "metrics must be a known name or a"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
