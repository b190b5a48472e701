"""Pictures of models: the text that graphviz draws, and what is drawn where it is installed."""

import re
import shutil
import sys
import types

import numpy as np
import pytest
from golden.described_models import MODELS

from fastlstm import keras
from fastlstm.keras import Input, Model, Sequential, layers, utils

with_graphviz = pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")


def boxes(graph):
    """Return the labels of the boxes without marks, by their names in the text."""
    found = re.findall(r"^(layer_\d+) \[label=<(.*)>\];$", graph.to_string(), re.MULTILINE)
    return {name: re.sub(r"<[^>]*>", "|", label) for name, label in found}


def titles(graph):
    return [re.sub(r"\|+", "|", label).strip("|").split("|")[0] for label in boxes(graph).values()]


def lines(graph):
    """Return which layer gives to which, by their titles."""
    names = dict(zip(boxes(graph), titles(graph), strict=True))
    return {(names[a], names[b]) for a, b in re.findall(r"^(layer_\d+) -> (layer_\d+);$", str(graph), re.MULTILINE)}


def test_boxes_and_lines_of_a_graph():
    graph = utils.model_to_dot(MODELS["shared"](keras))
    assert titles(graph) == ["x", "twice", "y", "encoder", "apart", "same"]
    pairs = {("x", "twice"), ("twice", "twice"), ("y", "twice"), ("twice", "encoder")}
    assert lines(graph) == pairs | {("encoder", "apart"), ("apart", "same")}
    assert "rankdir=TB;" in str(graph)
    assert "dpi=200;" in str(graph)


def test_a_chain_and_a_class():
    model = Sequential([Input((3,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")])
    graph = utils.model_to_dot(model, rankdir="LR", splines="curved")
    assert titles(graph) == ["a", "b"]
    assert lines(graph) == {("a", "b")}
    assert "rankdir=LR;" in str(graph)
    assert "splines=curved;" in str(graph)

    class Net(Model):
        def call(self, x):
            return x

    net = Net(name="net")
    net(np.ones((1, 2)))
    assert titles(utils.model_to_dot(net)) == ["net"]


def test_models_inside_are_boxes_or_frames():
    model = MODELS["nested"](keras)
    assert titles(utils.model_to_dot(model)) == ["x", "y", "graph", "chain", "add"]
    graph = utils.model_to_dot(model, expand_nested=True)
    assert titles(graph) == ["x", "y", "h", "dense", "lstm", "add"]
    assert lines(graph) == {("x", "h"), ("y", "h"), ("h", "dense"), ("dense", "lstm"), ("lstm", "add")}
    assert re.findall(r'label="(.*)";', str(graph)) == ["graph", "chain"]
    assert str(graph).count("{") == str(graph).count("}") == 3


def test_what_is_said_of_layers():
    x = Input((4, 3), name="x")
    frozen = layers.LSTM(2, return_state=True, trainable=False, name="l")
    y, *_ = frozen(x)
    model = Model(x, [layers.Dense(1, activation="relu", name="d")(y), y * 2.0])
    said = dict(shows("show_layer_names", "show_shapes", "show_dtype", "show_layer_activations", "show_trainable"))
    l, d, op = (label for label in boxes(utils.model_to_dot(model, **said)).values() if "InputLayer" not in label)
    for label, parts in (
        (l, ["(LSTM)", "(None, 4, 3)", "[(None, 2), (None, 2), (None, 2)]", "tanh", "Non-trainable"]),
        (d, ["(Dense)", "relu", "(None, 2)", "(None, 1)", "float32", "Trainable"]),
        (op, ["(Multiply)", "(None, 2)"]),
    ):
        assert all(part in label for part in parts)
    assert "rainable" not in op
    plain = "".join(boxes(utils.model_to_dot(model, show_layer_names=False)).values())
    assert "(LSTM)" not in plain
    assert "|LSTM|" in plain
    assert "shape" not in plain


def shows(*names):
    return [(name, True) for name in names]


def test_names_cannot_leave_their_boxes():
    evil = 'a"];<b>&}\n\x00'
    inner = Sequential([Input((3,)), layers.Dense(3)], name=evil)
    x = Input((3,))
    graph = utils.model_to_dot(Model(x, layers.Dense(2, name=f"{evil}2")(inner(x))), expand_nested=True)
    assert "a&quot;];&lt;b&gt;&amp;}" in str(graph)
    assert 'label="a\\"];<b>&} ' in str(graph)


def test_the_text_needs_no_graphviz(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    model = MODELS["shared"](keras)
    for name in ("m.dot", "m.gv"):
        assert utils.plot_model(model, tmp_path / name) is None
        assert (tmp_path / name).read_text() == str(utils.model_to_dot(model, show_layer_names=False))
    with pytest.raises(ImportError, match=r"apt install graphviz.*a file that ends in \.dot is written without it"):
        utils.plot_model(model, tmp_path / "m.png")
    assert not (tmp_path / "m.png").exists()


@with_graphviz
@pytest.mark.parametrize(
    ("ending", "start"), [(".png", b"\x89PNG"), ("", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")]
)
def test_pictures(tmp_path, ending, start):
    model = MODELS["nested"](keras)
    options = dict(shows("show_shapes", "show_dtype", "show_layer_names", "show_layer_activations", "show_trainable"))
    assert utils.plot_model(model, str(tmp_path / f"m{ending}"), **options, expand_nested=True, dpi=60) is None
    assert (tmp_path / f"m{ending}").read_bytes().startswith(start)


@with_graphviz
def test_graphviz_says_what_it_cannot_draw(tmp_path):
    with pytest.raises(ValueError, match=r"format must be one that graphviz draws, got 'xyz'; it says: "):
        utils.plot_model(MODELS["shared"](keras), tmp_path / "m.xyz")
    for evil in ("png -o/tmp/x", "", "ö"):
        with pytest.raises(ValueError, match="format must be one that graphviz draws"):
            utils.model_to_dot(MODELS["shared"](keras)).create(format=evil)
    evil = 'a"];<b>&}\n\x00'
    x = Input((3,), name=evil)
    assert utils.model_to_dot(Model(x, layers.Dense(2)(x), name=evil)).create(format="svg").startswith(b"<?xml")


@with_graphviz
def test_notebooks_are_given_the_picture(tmp_path, monkeypatch):
    display = types.ModuleType("IPython.display")
    display.Image = lambda filename: ("image", filename)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    assert utils.plot_model(MODELS["shared"](keras), tmp_path / "m.png") == ("image", str(tmp_path / "m.png"))
    assert utils.plot_model(MODELS["shared"](keras), tmp_path / "m.pdf") is None
    assert utils.model_to_dot(MODELS["shared"](keras))._repr_svg_().startswith("<?xml")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": 3}, TypeError, "model must be a Model, got 3"),
        ({"model": Sequential([layers.Dense(2)], name="s")}, ValueError, "model must be built, got s"),
        ({"rankdir": "XY"}, ValueError, "rankdir must be 'TB'"),
        ({"splines": "]"}, ValueError, "splines must be 'ortho'"),
        ({"dpi": 0}, ValueError, "dpi must be a number above 0"),
        ({"show_shapes": "x"}, TypeError, "show_shapes must be True or False"),
        ({"expand_nested": 3}, ValueError, "expand_nested must be True or False"),
        ({"subgraph": True}, ValueError, "subgraph must be False"),
    ],
)
def test_errors(options, error, message):
    with pytest.raises(error, match=message):
        utils.model_to_dot(**{"model": MODELS["shared"](keras)} | options)


def test_the_file_must_be_a_path():
    with pytest.raises(TypeError, match="to_file must be a path, got 3"):
        utils.plot_model(MODELS["shared"](keras), 3)
