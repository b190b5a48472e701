"""Operations on symbolic tensors come back from configs, every one that there is a case of."""

import json

import numpy as np
import pytest
from test_keras_ops import CASES

from fastlstm.keras import Input, Model, backend, layers, models, ops, saving
from fastlstm.keras.foundation.trees import leaves, mapped


def function_of(name):
    return getattr(ops, name.partition(" (")[0])


def noted(name, make_input):
    """Return what an operation gives for inputs made by `make_input`, these inputs, and the arrays they stand for."""
    arguments, _ = CASES[name]
    arrays, tensors = [], []

    def symbolic(leaf):
        if not isinstance(leaf, np.ndarray) or leaf.ndim < 3 or leaf.dtype.kind != "f":
            return leaf
        arrays.append(leaf)
        tensors.append(make_input(leaf.shape))
        return tensors[-1]

    return mapped(symbolic, list(arguments)), tensors, arrays


def input_of(shape):
    return Input(batch_shape=shape, dtype="float64")


WITHOUT = {name for name in CASES if not hasattr(ops, name.partition(" (")[0])}
ON_ZEROS = {"cholesky", "inv", "solve"}
"""What gives nothing for zeros, by which shapes are found."""


@pytest.mark.parametrize("name", [name for name in CASES if name not in WITHOUT | ON_ZEROS])
def test_an_operation_comes_back(name):
    arguments, tensors, arrays = noted(name, input_of)
    if not tensors:
        pytest.skip("no case with tensors")
    model = Model(tensors, leaves(function_of(name)(*arguments)))
    config = json.loads(json.dumps(model.get_config()))
    other = Model.from_config(config)
    assert json.loads(json.dumps(other.get_config())) == config
    described = config["layers"][-1]
    assert described["module"].startswith(("keras.src.ops.", "fastlstm.keras.ops."))
    assert described["registered_name"] == described["class_name"]
    wanted = outputs(model, arrays)
    for got, expected in zip(outputs(other, arrays), wanted, strict=True):
        np.testing.assert_array_equal(got, expected)


def outputs(model, arrays):
    """Return what a model gives; nothing for what a number of rows other than the real one does not fit."""
    try:
        return leaves(model(arrays))
    except ValueError:
        return []


def test_settings_are_those_of_keras_classes():
    x = Input((4, 3), name="x")
    y = ops.sum(x, 1)
    described = saving.serialize_keras_object(y.node.layer)
    assert described == {
        "module": "keras.src.ops.numpy",
        "class_name": "Sum",
        "config": {"name": "sum", "axis": 1, "keepdims": False},
        "registered_name": "Sum",
    }
    again = saving.deserialize_keras_object(described)
    assert again(x).shape == (None, 3)
    np.testing.assert_array_equal(again(np.ones((2, 4, 3))), np.full((2, 3), 4.0))


def test_settings_may_be_tensors():
    x, low = Input((3,), name="x"), Input((3,), name="low")
    model = Model([x, low], ops.clip(x, low, 1.0))
    other = Model.from_config(json.loads(json.dumps(model.get_config())))
    data = [np.array([[0.0, 0.5, 2.0]]), np.array([[0.2, 0.2, 0.2]])]
    np.testing.assert_array_equal(other.predict(data, verbose=0), model.predict(data, verbose=0))


def test_keys_of_parts():
    x = Input((4, 3), name="x")
    parts = [x[:, -1], x[:, ::2, 1:], x[..., 0], x[:, None], x[0:1]]
    model = Model(x, parts)
    other = models.model_from_json(model.to_json())
    data = np.arange(24.0).reshape(2, 4, 3)
    for got, wanted in zip(other(data), model(data), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_operations_that_keras_does_not_have_come_back_too():
    x = Input((4, 3), name="x")
    model = Model(x, backend.batch_flatten(backend.repeat_elements(x, 2, 1)))
    config = json.loads(json.dumps(model.get_config()))
    assert config["layers"][-1]["module"].startswith("fastlstm.keras.")
    data = np.arange(24.0).reshape(2, 4, 3)
    np.testing.assert_array_equal(Model.from_config(config)(data), model(data))


def test_an_operation_called_twice_in_a_config():
    x, y = Input((3,), name="x"), Input((3,), name="y")
    config = json.loads(json.dumps(Model([x, y], layers.Add(name="a")([x * 2.0, y])).get_config()))
    product = next(entry for entry in config["layers"] if entry["class_name"] == "Multiply")
    call = json.loads(json.dumps(product["inbound_nodes"][0]).replace('"x"', '"y"'))
    product["inbound_nodes"].append(call)
    total = next(entry for entry in config["layers"] if entry["name"] == "a")
    total["inbound_nodes"][0]["args"][0][1]["config"]["keras_history"] = ["multiply", 1, 0]
    model = Model.from_config(config)
    data = [np.ones((1, 3)), np.full((1, 3), 5.0)]
    np.testing.assert_array_equal(model(data), np.full((1, 3), 12.0))


def test_weights_cannot_be_in_a_config():
    x = Input((3,))
    dense = layers.Dense(2)
    dense(x)
    model = Model(x, ops.matmul(x, dense.kernel))
    with pytest.raises(TypeError, match=r"must be an object with get_config\(\), .* got <Variable"):
        model.get_config()
