"""Models that are graphs, against files that Keras wrote; ``golden/make_keras_graphs.py`` says how."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from golden.graphs import GRAPHS, structure, texts

GOLDEN = Path(__file__).parents[1] / "golden"

# After nine or so updates (21 of the stateful model) Keras in float64 is within 3e-7 of these files, and we are within
# 1e-6, in every program: outputs, curves (relative) and weights alike. Both round, in different orders.
OUTPUT = {"rtol": 0, "atol": 1e-5}  # numbers up to 2; where a decoder chooses, the second best is 3e-4 behind
CURVE = {"rtol": 1e-4, "atol": 0}
WEIGHTS = {"rtol": 0, "atol": 1e-5}  # they move by 0.02 to 1; a gradient wrong by a thousandth is beyond this


def load(name):
    with np.load(GOLDEN / f"keras_graph_{name}.npz", allow_pickle=False) as kept:
        return dict(kept)


def part(kept, prefix):
    """Return the arrays ``<prefix>_<name>`` by name, in the file's order."""
    return {key.removeprefix(f"{prefix}_"): array for key, array in kept.items() if key.startswith(f"{prefix}_")}


@pytest.fixture(params=GRAPHS)
def program(request):
    return GRAPHS[request.param], load(request.param)


@pytest.fixture
def keras():
    return importlib.import_module("fastlstm.keras")


def test_made_of_the_same(program, keras):
    graph, kept = program
    wanted = {name: value.tolist() for name, value in part(kept, "is").items() if name not in ("summary", "config")}
    found = {name: value.tolist() for name, value in structure(graph.compiled(keras)).items()}
    # Keras has no such names for a Sequential or a subclass, and sorts those of a dict.
    found["outputs"] = sorted(found["outputs"]) if wanted["outputs"] else []
    assert found == wanted | {"outputs": sorted(wanted["outputs"])}


def test_the_untrained_model_says_the_same(program, keras):
    graph, kept = program
    model = graph.compiled(keras)
    model.set_weights(list(part(kept, "first").values()))
    outputs = graph.predict(model, part(kept, "data"))
    for got, wanted in zip(outputs, part(kept, "untrained").values(), strict=True):
        np.testing.assert_allclose(got, wanted, **OUTPUT)


def test_training_is_the_same(program, keras):
    graph, kept = program
    model = graph.compiled(keras)
    model.set_weights(list(part(kept, "first").values()))
    history = graph.train(model, part(kept, "data"))
    curves = part(kept, "history")
    assert list(history) == list(curves)
    for name, curve in curves.items():
        np.testing.assert_allclose(history[name], curve, **CURVE, err_msg=name)
    for got, wanted, path in zip(model.get_weights(), part(kept, "last").values(), kept["is_paths"], strict=True):
        np.testing.assert_allclose(got, wanted, **WEIGHTS, err_msg=str(path))


def test_the_trained_model_and_its_parts_say_the_same(program, keras):
    graph, kept = program
    model = graph.compiled(keras)
    model.set_weights(list(part(kept, "last").values()))
    found, wanted = graph.after(keras, model, part(kept, "data")), part(kept, "after")
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, **OUTPUT, err_msg=name)


def with_text(name):
    return [
        pytest.param(graph, load(key)[f"is_{name}"], id=key) for key, graph in GRAPHS.items() if name in graph.texts
    ]


@pytest.mark.parametrize(("graph", "wanted"), with_text("summary"))
def test_summary(graph, wanted, keras):
    assert texts(graph, graph.compiled(keras))["summary"].splitlines() == str(wanted).splitlines()


def tensors(arguments):
    """Return where the symbolic tensors among a call's arguments come from: layer, call and output, in order."""
    if isinstance(arguments, dict):
        history = arguments.get("config", {}).get("keras_history") if "class_name" in arguments else None
        return [history] if history else [one for value in arguments.values() for one in tensors(value)]
    return [one for value in arguments for one in tensors(value)] if isinstance(arguments, list) else []


def wiring(config):
    """Return what of a configuration makes the graph: layers, which outputs each is called on, inputs and outputs."""
    layers = [
        (
            layer["class_name"],
            layer["name"],
            [tensors([node["args"], node["kwargs"]]) for node in layer["inbound_nodes"]],
        )
        for layer in config["layers"]
    ]
    return {key: config[key] for key in ("name", "trainable", "input_layers", "output_layers")} | {"layers": layers}


@pytest.mark.parametrize(("graph", "wanted"), with_text("config"))
def test_configuration_has_the_same_graph(graph, wanted, keras):
    config = json.loads(texts(graph, graph.compiled(keras))["config"])
    assert wiring(config) == wiring(json.loads(str(wanted)))


@pytest.mark.parametrize(("graph", "wanted"), with_text("config"))
def test_configurations_of_layers_agree_where_both_say_something(graph, wanted, keras):
    config = json.loads(texts(graph, graph.compiled(keras))["config"])
    for ours, theirs in zip(config["layers"], json.loads(str(wanted))["layers"], strict=True):
        for key, value in theirs["config"].items():
            if key in ours["config"] and not isinstance(value, dict | list):
                assert ours["config"][key] == value, f"{theirs['name']}: {key}"


@pytest.mark.parametrize("name", [name for name, graph in GRAPHS.items() if "config" in graph.texts])
def test_a_model_made_from_its_configuration_says_the_same(name, keras):
    graph, kept = GRAPHS[name], load(name)
    model = graph.compiled(keras)
    again = type(model).from_config(model.get_config())
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    again.set_weights(list(part(kept, "first").values()))
    for got, wanted in zip(graph.predict(again, part(kept, "data")), part(kept, "untrained").values(), strict=True):
        np.testing.assert_allclose(got, wanted, **OUTPUT)
