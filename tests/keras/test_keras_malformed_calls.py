"""Calls that cannot be meant: of layers, merges, functions, models, and training with several inputs and outputs.

Each ends in a ValueError or TypeError that says ``name must ..., got ...``, before anything is computed or trained.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastlstm import checks
from fastlstm.keras import Input, Model, Sequential, backend, layers, models, ops

A, B = np.ones((4, 5, 3), "float32"), np.ones((4, 2), "float32")
Y, Z = np.ones((4, 2)), np.ones((4, 1))
X, V = Input((5, 3), name="x"), Input((4,), name="v")
ROWS = np.ones(4)


def pair(**settings: Any) -> Model:
    """Return a model of the inputs a and b and the outputs y and z."""
    a, b = Input((5, 3), name="a"), Input((2,), name="b")
    h = layers.LSTM(4)(a)
    y, z = layers.Dense(2, name="y")(layers.Concatenate()([h, b])), layers.Dense(1, name="z")(h)
    model = Model([a, b], [y, z], name="pair")
    model.compile("sgd", **({"loss": "mse"} | settings))
    return model


def fit(x: Any, y: Any, **arguments: Any) -> Any:
    return pair().fit(x, y, verbose=0, **arguments)


def ask(x: Any, **arguments: Any) -> Any:
    return pair()(x, **arguments)


CASES: dict[str, tuple[Callable[[], Any], str]] = {
    # What is called a tensor of a graph, and what a graph is made of.
    "dtype of no number": (lambda: Input((3,), dtype="complex64"), "Input: dtype must be a dtype of real numbers"),
    "no shape": (lambda: Input(), "Input must be given either shape or batch_shape, got shape=None"),
    "shape of shapes": (lambda: Input(((3,), 2)), "Input: shape: each size must be a whole number"),
    "array in place of an input": (lambda: Model(A, X), "inputs must be symbolic tensors, .*, got an array of shape"),
    "layer in place of an output": (lambda: Model(X, layers.Dense(2)), "outputs must be symbolic tensors"),
    "nothing": (lambda: Model([], []), "must have at least one tensor each, got 0 inputs and 0 outputs"),
    "against the current": (lambda: Model(layers.GRU(2)(X), X), "outputs must follow from inputs alone, got .* 'x'"),
    "disconnected": (lambda: Model(X, layers.Dense(2)(V)), r"got outputs that need \(None, 4\) from 'v'"),
    # Calls of layers on tensors.
    "nothing for a layer": (lambda: layers.LSTM(3)(), "arguments of a call must begin with x"),
    "unknown argument": (lambda: layers.LSTM(3)(X, masks=None), "must be among x, initial_state, .*, got 'masks'"),
    "unknown argument of arrays": (lambda: layers.Dense(3)(A, masks=None), "must be among x, training, mask, got"),
    "argument twice": (lambda: layers.Dense(3)(X, inputs=X), "must be given once each, got 'inputs' twice"),
    "too many": (lambda: layers.Dense(3)(X, None, None, None), "must be at most 3, x, training, mask, got 4"),
    "states for a dense layer": (lambda: layers.Dense(3)(X, initial_state=V), "must be among .*, got 'initial_state'"),
    "two tensors": (lambda: layers.Dense(3)([X, X]), "dense.*: x must be one tensor, got 2 in a list"),
    "a tensor as training": (lambda: layers.Dense(3)(X, X), "training must be True or False, got <KerasTensor"),
    "a dict": (lambda: layers.Dense(3)({"x": X}), "x must be one tensor, got 1 in a dict"),
    "an array beside": (lambda: layers.Dense(3)([X, A]), "x must be symbolic, .*, got an array of shape"),
    "an axis too few": (lambda: layers.LSTM(3)(V), r"input_shape must have 3 axes .*, got \(None, 4\); .* 'v'"),
    "numbers that do not fit": (lambda: layers.Reshape((7,))(X), r"as many numbers as the input \(None, 5, 3\), got"),
    "mask of other steps": (
        lambda: layers.LSTM(3)(X, mask=V),
        r"mask must have shape \(None, 5\), .*, got \(None, 4\)",
    ),
    "mask of other shares": (lambda: layers.Softmax()(X, mask=V), "mask must have a shape whose last axes are"),
    "an array as mask": (lambda: layers.LSTM(3)(X, mask=A[..., 0]), "mask must be symbolic, .*, got an array"),
    "two masks": (lambda: layers.LSTM(3)(X, mask=[X[..., 0], X[..., 0]]), "mask must be one tensor, got 2"),
    # States.
    "one state": (
        lambda: layers.LSTM(4)(X, initial_state=V),
        r"initial_state must have the shapes .*, got \(None, 4\)",
    ),
    "wide states": (lambda: layers.LSTM(3)(X, initial_state=[V, V]), "initial_state must have the shapes"),
    "arrays as states": (lambda: layers.GRU(4)(X, initial_state=np.ones((4, 4))), "initial_state must be symbolic"),
    "states of text": (lambda: layers.GRU(4)(X, initial_state="zeros"), "initial_state must be symbolic, .* 'zeros'"),
    "an array between": (lambda: layers.LSTM(4)(X, initial_state=[V, B]), "initial_state must be symbolic, .* array"),
    "states by place": (lambda: layers.LSTM(3)(A, [B]), "initial_state must have 2 arrays, of sizes .*, got 1"),
    "tensors for arrays": (lambda: layers.GRU(4)(A, initial_state=V), "x must be symbolic, .*, got an array of shape"),
    "states of both": (lambda: layers.Bidirectional(layers.GRU(4))(X, initial_state=V), "must be a list of 2 arrays"),
    # Merges.
    "no list": (lambda: layers.Add()(X), "x must be a list of symbolic tensors"),
    "an array in it": (lambda: layers.Add()([X, A]), "x must be a list of symbolic tensors"),
    "sizes": (
        lambda: layers.Add()([X, V]),
        r"must have sizes that are equal, .*, got \(None, 5, 3\), \(None, 4\): .* 'v'",
    ),
    "axes": (lambda: layers.Concatenate()([X, V]), r"must have the same shape but for axis 2, got .* 'v'"),
    "no such axis": (lambda: layers.Concatenate(7)([X, X]), "must have the axis .*: axis is 7"),
    "three": (lambda: layers.Subtract()([X, X, X]), "x must be a list of 2 arrays, got 3"),
    "operator": (lambda: X + V, r"add: the arguments must go together, got .* \(None, 5, 3\) from 'x', .* from 'v'"),
    "operator and text": (lambda: X + "a", "add: the arguments must go together, got shape .*, 'a'"),
    "no such step": (lambda: X[:, 7], r"must go together, got shape .*: index 7 .* from 'x'"),
    "no such key": (lambda: X["a"], "must go together, got shape"),
    "a float of a tensor": (lambda: float(X), "x must have values to convert, got a symbolic tensor"),
    # Functions.
    "axis": (lambda: ops.sum(A, axis=9), r"sum: the arguments must go together, got shape \(4, 5, 3\), axis=9: axis 9"),
    "axis of text": (lambda: ops.mean(A, axis="a"), "mean: the arguments must go together"),
    "nothing to add": (lambda: ops.add(A, None), "add: the arguments must go together, got .*, None"),
    "no argument": (lambda: ops.exp(), "exp: the arguments must go together, got nothing"),
    "places between": (
        lambda: ops.take(A, [1.5], axis=1),
        "indices must be an array of whole numbers, got dtype float",
    ),
    "more than there are": (lambda: ops.top_k(A, 99), "k must be a whole number from 0 to 3, got 99"),
    "a negative number of classes": (lambda: ops.one_hot([1], -2), "num_classes must be a whole number of at least 0"),
    "a part of some axes": (lambda: ops.slice(A, [0, 0], [1, 1]), "shape must have a size for each of the 3 axes"),
    "text that comes out": (lambda: ops.where(A > 0, A, "a"), "the result must be numbers, got dtype"),
    "a shape of text": (lambda: ops.ones("a"), "shape: each size must be a whole number"),
    "a dtype of text": (lambda: ops.zeros((2,), "str"), "dtype must be a dtype of real numbers"),
    "random numbers": (lambda: backend.random_normal((-1,)), "shape: each size must be a whole number"),
    "products": (
        lambda: backend.dot(A, np.ones((7, 2))),
        r"dot: the arguments must go together, got shape \(4, 5, 3\)",
    ),
    "a variable of text": (lambda: backend.variable("a"), "value must be an array of numbers, got 'a'"),
    "Lambda of nothing": (lambda: layers.Lambda(lambda t: t)(), "arguments of a call must have what it is called on"),
    "Lambda that gives nothing": (lambda: layers.Lambda(lambda t: None)(A), r"call\(\) must give arrays of numbers"),
    "Lambda of a tensor": (lambda: layers.Lambda(lambda t: None)(X), r"call\(\) must give arrays .*, got None; .* 'x'"),
    "Lambda out of range": (
        lambda: layers.Lambda(lambda t: t[:, 9])(A),
        r"must go together, got shape \(4, 5, 3\): ind",
    ),
    "Lambda of a step too many": (
        lambda: layers.Lambda(lambda t: t[:, 9])(X),
        "must go together, .* from 'x': index 9",
    ),
    # Models.
    "inputs": (lambda: ask([A, B, A]), r"x must be a list or dict of 2 arrays, for the inputs \['a', 'b'\] .*, got 3"),
    "one array": (lambda: ask(A), "x must be a list or dict of 2 arrays, .*, got an array of shape"),
    "names": (lambda: ask({"a": A, "c": B}), r"x must be .*, got a dict with the keys \['a', 'c'\]; add 'b'"),
    "names of tensors": (lambda: ask({"a": X, "c": V}), r"x must be .*, got a dict with the keys .*; add 'b'"),
    "swapped": (lambda: ask([B, A]), r"x must have shape \(None, 5, 3\), the input 'a' of pair, got \(4, 2\)"),
    "rows": (lambda: ask([A, B[:2]]), "x must have the same number of rows in all inputs, got 4 in a, 2 in b"),
    "an array and a tensor": (lambda: ask([A, V]), "pair: x must be symbolic"),
    "one tensor": (lambda: ask(X), "pair: input_shape must have a shape for each of the 2 inputs, got 1; .* 'x'"),
    "one mask": (lambda: ask([A, B], mask=[None]), "mask must have an entry for each of the 2 inputs of pair, got 1"),
    "no such layer": (lambda: pair().get_layer("w"), "name of a layer must be 'a', .* or 'z', got 'w'"),
    "a clone of nothing": (
        lambda: models.clone_model(pair(), clone_function=lambda layer: None),
        "clone_function must give a layer, got None for",
    ),
    "an input in the middle": (lambda: Sequential([layers.Dense(2), Input((3,))]), "an Input must be the first layer"),
    # Training.
    "labels of one output": (
        lambda: fit([A, B], Y),
        r"y must be a list or dict .* \['y', 'z'\], got an array of shape",
    ),
    "labels of three": (lambda: fit([A, B], [Y, Z, Z]), "y must be a list or dict of one array for each .*, got 3"),
    "labels by a wrong name": (lambda: fit([A, B], {"y": Y, "w": Z}), r"y must name outputs .*\['y', 'z'\], got 'w'"),
    "labels left out": (lambda: fit([A, B], {"y": Y}), "y must have labels for the output 'z', .* a loss, got None"),
    "labels of another size": (lambda: fit([A, B], [Z, Z]), r"output 'y': y must have shape \(None, 2\), .*, got"),
    "weights of one": (lambda: fit([A, B], [Y, Z], sample_weight=[ROWS]), "sample_weight must be a list .*, got 1"),
    "weights by a wrong name": (lambda: fit([A, B], [Y, Z], sample_weight={"w": ROWS}), "must name outputs .* 'w'"),
    "weights of classes": (lambda: fit([A, B], [Y, Z], class_weight={0: 1}), "class_weight must go with one output"),
    "classes by output": (lambda: fit([A, B], [Y, Z], class_weight={"y": {0: 1}}), "a class must be a whole number"),
    "validation of one": (lambda: fit([A, B], [Y, Z], validation_data=([A, B], [Y])), "validation_data: y must be a"),
    "one loss in a list": (lambda: pair(loss=["mse"]), r"loss must have an entry .* \['y', 'z'\], got 1"),
    "a loss of no output": (lambda: pair(loss={"y": "mse", "w": "mse"}), "loss must name outputs .*, got 'w'"),
    "a loss left out": (lambda: pair(loss={"y": "mse"}), r"loss must have an entry .*, got \['y'\]; add 'z'"),
    "losses of both": (lambda: pair(loss=[["mse", "mae"], "mse"]), "loss must be a known name or a Loss, got"),
    "a number for weights": (lambda: pair(loss_weights=2.0), "loss_weights must be a list of 2 numbers"),
    "a tuple of weights": (lambda: pair(loss_weights=(1.0,)), "loss_weights must have an entry .*, got 1"),
    "metrics of three": (lambda: pair(metrics=["mse", "mae", "acc"]), "metrics must have an entry .*, got 3"),
    "metrics of no output": (lambda: pair(metrics={"w": "mae"}), "metrics must name outputs .*, got 'w'"),
    "weighted metrics": (lambda: pair(weighted_metrics={"w": "mae"}), "weighted_metrics must name outputs .* 'w'"),
}


@pytest.mark.parametrize("case", CASES)
def test_calls_that_cannot_be_meant(case: str) -> None:
    call, message = CASES[case]
    with pytest.raises((ValueError, TypeError), match=message) as found:
        call()
    assert checks.is_worded(found.value)


def test_what_may_be_meant() -> None:
    states = [np.ones((4, 3), "float32")] * 2
    lstm, dense = layers.LSTM(3), layers.Dense(2)
    np.testing.assert_array_equal(lstm(A, states), lstm(A, initial_state=states))  # by Keras' order of arguments
    np.testing.assert_array_equal(dense(inputs=B), dense(B))
    assert dense(inputs=Input((2,))).shape == (None, 2)
    model, a, b = pair(), Input((5, 3)), Input((2,))
    assert [y.shape for y in model({"b": b, "a": a})] == [(None, 2), (None, 1)]
    twice = Model([a, b], model({"b": b, "a": a}))
    np.testing.assert_array_equal(twice([A, B])[0], model([A, B])[0])
