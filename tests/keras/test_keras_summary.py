"""The tables of models are those that Keras draws."""

import json
from pathlib import Path

import numpy as np
import pytest
from golden.described_models import MODELS, SUMMARIES, TABLES, summaries

from fastlstm import keras
from fastlstm.keras import Input, Model, Sequential, layers, ops
from fastlstm.keras.models.table import column_widths, wrapped

KERAS = json.loads((Path(__file__).parents[1] / "golden" / "keras_summaries.json").read_text())


@pytest.mark.parametrize("options", range(len(SUMMARIES)))
@pytest.mark.parametrize("name", TABLES)
def test_tables_are_those_of_keras(name, options):
    ours, theirs = summaries(MODELS[name](keras))[options], KERAS[name][options]
    if name == "cut_out":  # named after a tensor, which Keras has counted differently
        ours, theirs = (text.replace("keras_tensor_1CLONE", "keras_tensor_?CLONE") for text in (ours, theirs))
        theirs = theirs.replace("keras_tensor_3CLONE", "keras_tensor_?CLONE")
    assert ours.splitlines() == theirs.splitlines()


def text_of(model, **options):
    parts = []
    model.summary(**{"line_length": 80, "print_fn": parts.append} | options)
    (text,) = parts  # it is called once
    return text


def rows_of(text):
    """Return the cells of the first line of every row."""
    lines = text.splitlines()
    return [
        [cell.strip() for cell in lines[k + 1].split("│")[1:-1]] for k in range(3, len(lines)) if lines[k][0] in "┡├"
    ]


class Net(Model):
    def __init__(self):
        super().__init__(name="net")
        self.out = layers.Dense(2, name="out")
        self.steps = [layers.LSTM(3, name="lstm", return_sequences=True)]
        self.never = layers.Dense(4, name="never")

    def call(self, x):
        return self.out(self.steps[0](x))


def test_models_that_are_classes():
    model = Net()
    assert rows_of(text_of(model)) == [
        ["out (Dense)", "?", "0 (unbuilt)"],
        ["lstm (LSTM)", "?", "0 (unbuilt)"],
        ["never (Dense)", "?", "0 (unbuilt)"],
    ]
    model(np.ones((2, 4, 3)))
    text = text_of(model, show_trainable=True)
    assert rows_of(text) == [
        ["out (Dense)", "(None, 4, 2)", "8", "Y"],
        ["lstm (LSTM)", "(None, 4, 3)", "84", "Y"],
        ["never (Dense)", "?", "0 (unbuilt)", "-"],
    ]
    assert " Total params: 92 (368.00 B)\n" in text


def test_shapes_and_connections_count_every_call():
    x, y = Input((3,), name="x"), Input((3,), name="y")
    dense = layers.Dense(3, name="d")
    dense(y)  # outside of the model
    twice = layers.GRU(3, return_state=True, name="g")(layers.RepeatVector(2, name="r")(dense(x)))
    model = Model([x, y], layers.Add(name="a")([*twice, dense(y)]))
    rows = {row[0]: row[1:] for row in rows_of(text_of(model, line_length=200))}
    assert rows["d (Dense)"] == ["(None, 3)", "12", "x[0][0], y[0][0]"]
    assert rows["g (GRU)"] == ["[(None, 3), (None, 3)]", "72", "r[0][0]"]
    assert rows["a (Add)"] == ["(None, 3)", "0", "g[0][0], g[0][1], d[2][0]"]


def test_which_graphs_are_chains():
    x, y = Input((3,)), Input((3,))
    h = layers.Dense(3)(x)
    shared = layers.Dense(3)
    for model, chain in (
        (Model(x, layers.Dense(1)(h)), True),
        (Model(x, [h, layers.Dense(1)(h)]), True),
        (Model(x, x), True),
        (Model([x, y], layers.Dense(1)(h)), False),
        (Model(x, layers.Add()([h, h])), False),
        (Model(x, [layers.Dense(1)(h), layers.Dense(2)(h)]), False),
        (Model(x, shared(shared(x))), False),
    ):
        assert ("Connected to" in text_of(model, line_length=120)) is not chain


def test_layers_may_be_picked_by_their_names():
    model = Sequential([Input((3,)), *[layers.Dense(3, name=f"d{k}") for k in range(5)]])
    names = lambda *range_: [row[0] for row in rows_of(text_of(model, layer_range=range_))]  # noqa: E731
    assert names("d1", "d3") == names("d3", "d1") == ["d1 (Dense)", "d2 (Dense)", "d3 (Dense)"]
    assert names("d[34]", "d.") == ["d3 (Dense)", "d4 (Dense)"]


def test_the_width_is_that_of_the_terminal(monkeypatch):
    model = Sequential([Input((3,)), layers.Dense(3)])
    for columns, width in (("60", 56), ("300", 88)):
        monkeypatch.setenv("COLUMNS", columns)
        assert len(text_of(model, line_length=None).splitlines()[1]) == width
    graph = MODELS["shared"](keras)
    assert len(text_of(graph, line_length=None).splitlines()[1]) == 108
    assert len(text_of(graph, line_length=None, show_trainable=True).splitlines()[1]) == 120


def test_what_is_printed(capsys):
    Sequential([Input((3,)), layers.Dense(3)], name="s").summary(line_length=60)
    assert capsys.readouterr().out.startswith('Model: "s"\n┏━')


@pytest.mark.parametrize("width", range(34, 130, 7))
@pytest.mark.parametrize("positions", [(0.45, 0.8, 1.0), (0.3, 0.56, 0.74, 1.0), (0.2, 0.5, 0.8)])
def test_columns_fill_the_line(width, positions):
    assert sum(column_widths(positions, width)) + 3 * len(positions) + 1 == width


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 4, [""]),
        ("ab cd", 5, ["ab cd"]),
        ("ab cd", 4, ["ab", "cd"]),
        ("abcdef gh", 4, ["abc…", "gh"]),
        ("a   └ bc", 4, ["a", "└ bc"]),
        ("   └ abc", 5, ["   └", "abc"]),
    ],
)
def test_lines_of_a_cell(text, width, lines):
    assert wrapped(text, width) == lines


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"line_length": 8}, ValueError, "line_length must leave room for 3 columns, got 8"),
        ({"line_length": "x"}, TypeError, "line_length must be a whole number"),
        ({"positions": [0.5, 1.0]}, ValueError, "positions must be 3 rising numbers"),
        ({"positions": [0.5, 0.4, 1.0]}, ValueError, "positions must be 3 rising numbers"),
        ({"positions": [0.5, 40, 100]}, ValueError, "positions: each must be a number above 0 and of at most 1"),
        ({"positions": 3}, TypeError, "positions must be 3 rising numbers"),
        ({"print_fn": 3}, TypeError, "print_fn must be a function"),
        ({"expand_nested": "x"}, TypeError, "expand_nested must be True or False"),
        ({"show_trainable": 7}, ValueError, "show_trainable must be True or False"),
        ({"layer_range": ["d"]}, ValueError, "layer_range must be two names"),
        ({"layer_range": ["d", 3]}, ValueError, "layer_range must be two names"),
        ({"layer_range": 3}, TypeError, "layer_range must be two names"),
        ({"layer_range": ["d", "q"]}, ValueError, "layer_range must be names that layers of the model have"),
    ],
)
def test_errors(options, error, message):
    model = Sequential([Input((3,)), layers.Dense(3, name="d")])
    with pytest.raises(error, match=message):
        model.summary(**{"print_fn": lambda text: None} | options)


class Rows(layers.Layer):
    """Takes rows of an array, at places that are whole numbers."""

    def call(self, inputs):
        x, places = inputs
        return ops.take(x, places, axis=0)


class Looking(Model):
    def __init__(self):
        super().__init__()
        self.rows, self.dense = Rows(name="rows"), layers.Dense(2)

    def call(self, x):
        return self.dense(self.rows((x, np.array([0, 0]))))


def test_a_shape_that_cannot_be_tried_is_unknown():
    model = Looking()
    model(np.ones((4, 3)))
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert any("rows (Rows)" in line and "?" in line for line in "\n".join(lines).splitlines())
