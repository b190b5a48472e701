"""Models as configs and JSON: those of Keras are read, ours are as Keras writes them, and all of them come back."""

import contextlib
import copy
import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from drawn_graphs import drawn_graphs
from golden.described_models import MODELS, data, fill, outputs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastlstm import keras
from fastlstm.keras import (
    Input,
    Model,
    Sequential,
    activations,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    saving,
)
from fastlstm.keras.graph import plan as plans

GOLDEN = Path(__file__).parents[1] / "golden"
KERAS = json.loads((GOLDEN / "keras_models.json").read_text())
KERAS_2 = json.loads((GOLDEN / "keras_2_models.json").read_text())

OUTPUT = 2e-6  # float32 sums of a few dozen terms of order one, through some steps


def through_json(config):
    return json.loads(json.dumps(config))


@pytest.mark.parametrize("name", MODELS)
def test_what_keras_wrote_is_read(name):
    kept = KERAS[name]
    before = copy.deepcopy(kept)
    model = models.model_from_json(json.dumps(kept["model"]))
    assert [layer.name for layer in model.layers] == kept["layers"]
    assert [weight.path for weight in model.weights] == kept["paths"]
    fill(model)
    for got, wanted in zip(outputs(model), kept["outputs"], strict=True):
        np.testing.assert_allclose(got, np.asarray(wanted), atol=OUTPUT)
    config = kept["model"]["config"]
    again = type(model).from_config(config)
    assert kept == before
    assert [weight.path for weight in again.weights] == kept["paths"]
    assert models.model_from_json(model.to_json()).to_json() == model.to_json()


def without(tree, *keys):
    """Return a tree without what has these keys in dicts."""
    if isinstance(tree, dict):
        return {key: without(value, *keys) for key, value in tree.items() if key not in keys}
    return [without(value, *keys) for value in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("name", MODELS)
def test_ours_are_as_keras_writes_them(name):
    ours, theirs = through_json(json.loads(MODELS[name](keras).to_json())), KERAS[name]["model"]
    # Keras notes the shapes of given states too, and forgets the seed of a SimpleRNN.
    left_out = ["build_config"] * (name in ("translator", "both_ways")) + ["seed"] * (name in ("merged", "compiled"))
    assert without(ours, *left_out) == without(theirs, *left_out)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_in_every_way(name):
    model = MODELS[name](keras)
    config, text = model.get_config(), model.to_json()
    before = copy.deepcopy(config)
    cases = [
        type(model).from_config(through_json(config)),
        type(model).from_config(config),
        models.model_from_json(text),
        models.clone_model(model),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
    ]
    assert config == before
    wanted = outputs(model)
    for other in cases:
        assert json.dumps(other.get_config()) == json.dumps(config)
        other.set_weights(model.get_weights())
        for got, expected in zip(outputs(other), wanted, strict=True):
            np.testing.assert_array_equal(got, expected)
    if name == "compiled":
        assert all(other.to_json() == text for other in cases[2:])


@pytest.mark.filterwarnings("ignore:.*does not support masking:UserWarning")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(model=drawn_graphs(functions=False))
def test_drawn_graphs_come_back_to_the_bit(model):
    config = through_json(model.get_config())
    before = copy.deepcopy(config)
    other = Model.from_config(config)
    assert config == before
    assert through_json(other.get_config()) == config
    assert [layer.name for layer in other.operations] == [layer.name for layer in model.operations]
    other.set_weights(model.get_weights())
    x = data(model)
    for got, wanted in zip(*(as_list(m.predict(x, verbose=0)) for m in (other, model)), strict=True):
        np.testing.assert_array_equal(got, wanted)


def as_list(found):
    if isinstance(found, dict):
        return [part for name in sorted(found) for part in as_list(found[name])]
    return [part for entry in found for part in as_list(entry)] if isinstance(found, list | tuple) else [found]


def test_training_goes_on_from_a_config_as_from_the_model():
    model = MODELS["compiled"](keras)
    other = models.model_from_json(model.to_json())
    other.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(8, 4, 3))
    y = {"a": x[:, 0, :1], "b": np.eye(2)[(x[:, 1, 0] > 0).astype(int)]}
    histories = [m.fit(x, y, epochs=2, verbose=0, shuffle=False).history for m in (model, other)]
    assert histories[0] == histories[1]


# Keras 2.


@pytest.mark.parametrize("name", KERAS_2)
def test_what_keras_2_wrote_is_read(name):
    before = copy.deepcopy(KERAS_2[name])
    model = models.model_from_json(json.dumps(KERAS_2[name]))
    assert KERAS_2[name] == before
    fill(model)
    assert models.model_from_json(model.to_json()).to_json() == model.to_json()
    x = np.arange(8).reshape(2, 4) % 7 if name == "list of layers" else data(model)
    assert np.isfinite(model.predict(x, verbose=0)).all()
    direct = type(model).from_config(KERAS_2[name]["config"])
    assert [layer.name for layer in direct.layers] == [layer.name for layer in model.layers]


def test_a_hard_sigmoid_of_keras_2_is_the_one_it_was_trained_with():
    config = KERAS_2["chain"]
    old = models.model_from_json(json.dumps(config)).layers[0]
    new = models.model_from_json(json.dumps(config | {"keras_version": "3.1.0"})).layers[0]
    assert old.recurrent_activation is activations.hard_sigmoid_keras2
    assert new.recurrent_activation is activations.hard_sigmoid


def test_states_that_keras_2_gave_among_the_inputs():
    model = models.model_from_json(json.dumps(KERAS_2["graph"]))
    fill(model)
    source, before = data(model)
    _, *states = model.get_layer("encoder")(source)
    decoded = model.get_layer("decoder")(before, initial_state=states)
    wanted = model.get_layer("inner")(decoded) + before
    np.testing.assert_array_equal(model.predict([source, before], verbose=0), wanted)


# Structures, settings, weights.


def test_the_form_of_inputs_and_outputs_is_kept():
    x, y = Input((3,), name="x"), Input((2,), name="y")
    a, b = layers.Dense(2, name="a")(x), layers.Dense(2, name="b")(y)
    for inputs, ends in (([x, y], [a, b]), ({"p": x, "q": y}, {"s": b, "r": a}), ([x, y], {"one": a, "two": [a, b]})):
        model = Model(inputs, ends)
        config = through_json(model.get_config())
        other = Model.from_config(config)
        assert json.dumps(other.get_config()) == json.dumps(config)
        assert other.output_shape == model.output_shape
        assert other.input_names == model.input_names
    model = Model([x], [layers.Dense(1)(x)])
    assert model.get_config()["input_layers"] == [["x", 0, 0]]


def test_what_is_trained_is_kept():
    x = Input((3,))
    model = Model(x, layers.Dense(2, name="b")(layers.Dense(2, name="a", trainable=False)(x)))
    other = Model.from_config(model.get_config())
    assert [layer.trainable for layer in other.layers[1:]] == [False, True]
    model.trainable = False
    other = Model.from_config(model.get_config())
    assert model.get_config()["trainable"] is False
    assert [layer.trainable for layer in other.layers[1:]] == [False, False]
    chain = Sequential([Input((3,)), layers.Dense(2)])
    chain.trainable = False
    assert not Sequential.from_config(chain.get_config()).layers[0].trainable


def test_calls_told_to_drop_or_not_keep_what_they_were_told():
    x = Input((4, 3), name="x")
    h = layers.Dropout(0.5, name="always")(x, training=True)
    model = Model(x, layers.LSTM(2, dropout=0.5, name="never")(h, training=False))
    always, never = (model.get_config()["layers"][k]["inbound_nodes"][0]["kwargs"] for k in (1, 2))
    assert (always, never) == ({"training": True}, {"training": False})
    other = Model.from_config(model.get_config())
    assert [node.training for layer in other.layers[1:] for node in layer.inbound_nodes] == [True, None]


def test_a_sequential_that_waits_for_its_shape():
    model = Sequential([layers.LSTM(2, name="a"), layers.Dense(1, name="b")], name="s")
    config = through_json(model.get_config())
    assert "build_input_shape" not in config
    other = Sequential.from_config(config)
    assert not other.built
    other.build((None, 4, 3))
    assert other.get_config()["build_input_shape"] == (None, 4, 3)
    assert other.get_config()["layers"][0]["class_name"] == "InputLayer"
    assert Sequential.from_config(other.get_config()).built
    without_input = other.get_config() | {"layers": other.get_config()["layers"][1:]}
    assert Sequential.from_config(without_input).input_shape == (None, 4, 3)


def test_losses_and_metrics_of_ones_own_in_what_a_model_was_compiled_with():
    def steep(y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred))

    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile(optimizers.Adam(optimizers.schedules.CosineDecay(0.5, 10)), steep, metrics=["mae", steep])
    assert model.get_compile_config()["loss"]["config"] == "steep"
    with pytest.raises(ValueError, match=r"must be a known function, .* got 'steep'"):
        models.model_from_json(model.to_json())
    other = models.model_from_json(model.to_json(), {"steep": steep})
    assert other.loss is steep
    assert other.get_compile_config() == through_json(model.get_compile_config())
    model.compile(
        "sgd", losses.MeanSquaredError(), metrics=[lambda y_true, y_pred: y_pred, metrics.MeanAbsoluteError()]
    )
    with pytest.warns(UserWarning, match="how it is compiled is not in its config, so compile it again"):
        text = model.to_json()
    assert not models.model_from_json(text).compiled


@pytest.mark.parametrize("argument", ["colour", "self"])
def test_what_compile_does_not_take_is_refused(argument):
    model = Sequential([Input((3,)), layers.Dense(1)])
    with pytest.raises(ValueError, match=r"argument in compile_config must be .*, got"):
        model.compile_from_config({"loss": "mse", argument: 3})


# Models that begin in the middle.


def test_a_model_from_the_middle_has_an_input_of_its_own():
    x = Input((4, 3), name="x")
    h = layers.LSTM(4, name="lstm")(x)
    whole = Model(x, layers.Dense(2, name="b")(layers.Dense(3, name="a")(h)))
    rest = Model(h, whole.output)
    assert [layer.name for layer in rest.layers] == [f"{h.name}CLONE", "a", "b"]
    assert rest.get_layer("a") is whole.get_layer("a")
    data = np.ones((2, 4))
    other = Model.from_config(rest.get_config())
    other.set_weights(rest.get_weights())
    np.testing.assert_array_equal(other.predict(data, verbose=0), rest.predict(data, verbose=0))
    assert whole.get_layer("a").output is whole.get_layer("a").inbound_nodes[0].outputs[0]
    (call,) = rest.get_config()["layers"][1]["inbound_nodes"]
    assert call["args"][0]["config"]["keras_history"] == [f"{h.name}CLONE", 0, 0]


# Models that are classes.


class Net(Model):
    def __init__(self, units=3, depth=1):
        super().__init__()
        self.units = units
        self.steps = [layers.Dense(units) for _ in range(depth)]

    def call(self, x):
        for step in self.steps:
            x = step(x)
        return x


class Told(Model):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, x):
        return self.layer(x)


@saving.register_keras_serializable("tests")
class Graph(Model):
    """A graph by the arguments of its constructor."""


def test_the_config_of_a_class_is_what_it_was_given():
    model = Net(4, depth=2)
    config = model.get_config()
    assert {key: config[key] for key in ("units", "depth")} == {"units": 4, "depth": 2}
    model(np.ones((2, 3)))
    other = models.model_from_json(model.to_json(), {"Net": Net})
    assert [weight.shape for weight in other.weights] == [weight.shape for weight in model.weights]
    clone = models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(np.ones((2, 3))), model(np.ones((2, 3))))
    with pytest.raises(ValueError, match="got 'Net'"):
        models.model_from_json(model.to_json())
    with pytest.raises(NotImplementedError, match=r"Told must define get_config\(\), as its argument layer is"):
        Told(layers.Dense(2)).get_config()


def test_a_class_that_takes_a_graph_is_one():
    x = Input((3,), name="x")
    model = Graph(x, layers.Dense(2, name="d")(x), name="g")
    described = json.loads(model.to_json())
    assert (described["class_name"], described["registered_name"]) == ("Graph", "tests>Graph")
    other = models.model_from_json(model.to_json())
    assert type(other) is type(models.clone_model(model)) is Graph
    assert other.get_config() == model.get_config()


# Clones.


def test_clones_have_layers_and_weights_of_their_own():
    model = MODELS["nested"](keras)
    clone = models.clone_model(model)
    assert {id(layer) for layer in clone.layers}.isdisjoint({id(layer) for layer in model.layers})
    assert {id(weight) for weight in clone.weights}.isdisjoint({id(weight) for weight in model.weights})


def test_functions_say_how_layers_are_cloned_and_called():
    model = MODELS["nested"](keras)

    def wider(layer):
        config = layer.get_config()
        return type(layer).from_config(config | {"seed": 5} if "units" in config and "seed" in config else config)

    clone = models.clone_model(model, clone_function=wider, recursive=True)
    assert clone.get_layer("chain").layers[0].seed == 5
    assert models.clone_model(model, clone_function=wider).get_layer("chain").layers[0].seed is None
    same = models.clone_model(model, clone_function=lambda layer: layer)
    assert same.get_layer("graph") is model.get_layer("graph")

    def doubled(layer, *args, **kwargs):
        return 2.0 * layer(*args, **kwargs)

    x = Input((3,))
    plain = Model(x, layers.Dense(2)(x))
    twice = models.clone_model(plain, clone_function=lambda layer: layer, call_function=doubled)
    np.testing.assert_array_equal(
        twice.predict(np.ones((1, 3)), verbose=0), 2 * plain.predict(np.ones((1, 3)), verbose=0)
    )


def test_a_clone_may_begin_with_tensors_that_are_there():
    x = Input((4, 3), name="mine")
    clone = models.clone_model(MODELS["chained"](keras), input_tensors=layers.Dense(3, name="first")(x))
    assert clone.input_shape == (None, 4, 3)
    model = MODELS["shared"](keras)
    given = [Input((4, 3), name="p"), Input((4, 3), name="q")]
    assert models.clone_model(model, given).input_names == ["p", "q"]
    for wrong in (3, given[:1], [given[0], 3]):
        with pytest.raises(ValueError, match="input_tensors must be 2 symbolic tensors"):
            models.clone_model(model, wrong)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: models.clone_model(3), TypeError, "model must be a Model, got 3"),
        (lambda: models.clone_model(MODELS["shared"](keras), None, 3), TypeError, "clone_function must be a function"),
        (
            lambda: models.clone_model(MODELS["chained"](keras), call_function=lambda *a: a),
            ValueError,
            "call_function must be None for the Sequential chained",
        ),
        (
            lambda: models.clone_model(Net(), clone_function=lambda layer: layer),
            ValueError,
            "clone_function must be None for net, whose class says",
        ),
    ],
)
def test_errors_of_clones(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Configs that make no sense.


def small():
    x, y = Input((4, 3), name="x"), Input((2,), name="y")
    h = layers.LSTM(2, name="l")(x)
    return through_json(
        Model([x, y], layers.Add(name="a")([h, layers.Dense(2, name="d")(y)]) * 2.0, name="m").get_config()
    )


def changed(*path, to):
    """Return a function that puts something at a place of a config, or takes it away."""

    def change(config):
        *way, last = path
        for key in way:
            config = config[key]
        if to is ...:
            del config[last]
        else:
            config[last] = to

    return change


HISTORY = ("layers", 2, "inbound_nodes", 0, "args", 0, "config", "keras_history")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (changed("layers", to=...), ValueError, "must have layers, input_layers and output_layers, .* 'layers'"),
        (changed("output_layers", to=...), ValueError, "got none of the name 'output_layers'"),
        (changed("layers", to=3), TypeError, "config of 'm': layers must be a list of descriptions, got 3"),
        (changed("layers", 0, to="x"), TypeError, "layers: each entry must be a dict"),
        (changed("layers", 2, "class_name", to=...), TypeError, "layer 'l': class_name must be a str, got None"),
        (changed("layers", 2, "class_name", to="Lstm"), ValueError, "layer 'l': class_name must .* got 'Lstm'"),
        (changed("layers", 2, "class_name", to="Adam"), ValueError, "layer 'l': class_name must .* got 'Adam'"),
        (changed("layers", 2, "config", to=...), TypeError, "layer 'l': config of LSTM must be a dict"),
        (changed("layers", 2, "config", "units", to=0), ValueError, "units must be a whole number from 1"),
        (changed("layers", 2, "name", to=3), TypeError, "name of an entry must be a str"),
        (changed("layers", 2, "name", to="d"), ValueError, "layers must have a name each, got 'd' twice"),
        (changed("layers", 2, "inbound_nodes", to=3), TypeError, "inbound_nodes of 'l' must be a list of calls, got 3"),
        (
            changed("layers", 2, "inbound_nodes", to=[]),
            ValueError,
            "must be on what layers of the config give, got 'l', which has no call 0",
        ),
        (changed("layers", 2, "inbound_nodes", 0, to=3), TypeError, "call of 'l' must be a dict"),
        (changed("layers", 2, "inbound_nodes", 0, "args", to=3), TypeError, "call of 'l': args must be a list"),
        (changed("layers", 2, "inbound_nodes", 0, "args", to=[]), ValueError, "call of 'l' must be on the outputs"),
        (
            changed("layers", 2, "inbound_nodes", 0, "args", to=[[1.0]]),
            ValueError,
            "call of 'l' must be on the outputs",
        ),
        (changed("layers", 2, "inbound_nodes", 0, "kwargs", to=[3]), TypeError, "call of 'l': kwargs must be a dict"),
        (
            changed("layers", 2, "inbound_nodes", 0, "kwargs", to={"colour": 3}),
            ValueError,
            "call of 'l': argument must be one that the layer has, got 'colour'",
        ),
        (changed("layers", 2, "inbound_nodes", 0, "kwargs", to={"training": 3}), ValueError, "training must be"),
        (changed("layers", 2, "inbound_nodes", 0, "kwargs", to={"initial_state": [1.0]}), ValueError, "initial_state"),
        (changed(*HISTORY, to=None), ValueError, "keras_history must be a list"),
        (changed(*HISTORY, to=["x", 0]), ValueError, "keras_history must be a list"),
        (changed(*HISTORY, to=["x", 0, "0"]), TypeError, "keras_history: output must be a whole number"),
        (changed(*HISTORY, to=["x", -1, 0]), ValueError, "keras_history: call must be a whole number of at least 0"),
        (changed(*HISTORY, to=[0, 0, 0]), TypeError, "keras_history: layer must be a str"),
        (
            changed(*HISTORY, to=["z", 0, 0]),
            ValueError,
            "call of 'l' must be on what layers of the config give, got 'z', which is no layer",
        ),
        (
            changed(*HISTORY, to=["x", 1, 0]),
            ValueError,
            "call of 'l' must be on what layers of the config give, got 'x', which has no call 1",
        ),
        (changed(*HISTORY, to=["x", 0, 1]), ValueError, "must be the place of a tensor that there is"),
        (changed(*HISTORY, to=["l", 0, 0]), ValueError, "layers must not need what they give themselves, .* 'l'"),
        (changed(*HISTORY, to=["multiply", 0, 0]), ValueError, "circle of .*'l'"),
        (changed(*HISTORY, to=["y", 0, 0]), ValueError, "l: input_shape must have 3 axes"),
        (changed("input_layers", to="x"), ValueError, "input_layers must be a place of a tensor"),
        (changed("input_layers", to=[]), ValueError, "input_layers must be a place of a tensor"),
        (changed("input_layers", to=[["x", 0, 0]]), ValueError, "outputs must follow from inputs alone"),
        (changed("output_layers", to=["q", 0, 0]), ValueError, "output_layers must be the place of a tensor"),
        (changed("output_layers", to=["a", 0, 7]), ValueError, "output_layers must be the place of a tensor"),
        (changed("output_layers", to=[["a", 0]]), ValueError, "keras_history must be a list"),
        (changed("trainable", to="yes"), TypeError, "trainable must be True or False"),
        (changed("name", to=3), TypeError, "name must be a str"),
        (changed("colour", to=3), ValueError, "colour"),
        (
            changed("layers", 5, "config", "colour", to=3),
            ValueError,
            "multiply: a setting in the config must be .* got 'colour'",
        ),
        (changed("layers", 5, "inbound_nodes", 0, "args", to=[1.0]), ValueError, "call of 'multiply' must be on the"),
        (
            changed("layers", 5, "inbound_nodes", 0, "args", 1, to="a"),
            TypeError,
            "call of 'multiply' must be one that works",
        ),
    ],
)
def test_configs_that_make_no_sense_are_refused_by_name(change, error, message):
    config = small()
    change(config)
    before = copy.deepcopy(config)
    with pytest.raises(error, match=message):
        Model.from_config(config)
    assert config == before


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (3, TypeError, "json_string must be a str, got 3"),
        ("{", ValueError, "Expecting"),
        ("[]", TypeError, "json_string must be that of an object"),
        ("{}", TypeError, "json_string must be that of a model, got {}"),
        ("[" * 100_000 + "]" * 100_000, ValueError, "json_string must not be nested so deep|at most 150 levels"),
        ('{"a":' * 500 + "1" + "}" * 500, ValueError, "json_string must have at most 150 levels"),
        ('{"class_name": "Dense", "config": {"units": 2}}', TypeError, "json_string must be that of a model"),
        ('{"class_name": "Sequential", "config": {"layers": 3}}', TypeError, "layers must be a list of descriptions"),
        ('{"class_name": "Sequential", "config": {"layers": [3]}}', TypeError, "layer must be a keras.layers.Layer"),
        ('{"class_name": "Sequential", "config": {}}', TypeError, "layers must be a list of descriptions, got None"),
        (
            '{"class_name": "Sequential", "config": {"layers": [], "build_input_shape": 3, "trainable": 7}}',
            ValueError,
            "trainable must be True or False, got 7",
        ),
    ],
)
def test_texts_that_make_no_sense(text, error, message):
    with pytest.raises(error, match=message):
        models.model_from_json(text)


JUNK = [
    *(None, True, 0, -1, 3, 2.5, 2**40, float("nan"), "", "x", "LSTM", [], {}, [None], ["x", 0, 0], [["x", 0, 0]]),
    {"class_name": "Dense", "config": {"units": 2}},
    {"class_name": "__numpy__", "config": {"value": [1.0], "dtype": "float32"}},
    {"class_name": "function", "config": "relu"},
]
DAMAGED = [kept["model"] for kept in KERAS.values()] + list(KERAS_2.values())


def places(tree, way=()):
    """Return the ways to everything in a tree."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [one for key, value in pairs for one in ((*way, key), *places(value, (*way, key)))]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choices=st.data())
def test_damaged_configs_are_read_or_refused(choices):
    config = copy.deepcopy(choices.draw(st.sampled_from(DAMAGED)))
    for _ in range(choices.draw(st.integers(1, 2))):
        *way, last = choices.draw(st.sampled_from(places(config)))
        changed(*way, last, to=copy.deepcopy(choices.draw(st.sampled_from([..., *JUNK]))))(config)
    with contextlib.suppress(ValueError, TypeError, NotImplementedError, MemoryError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # another class can make an old or a better spelled setting of one
        assert isinstance(models.model_from_json(json.dumps(config)), Model)


def test_models_in_each_other_without_end_are_refused():
    x = Input((3,), name="x")
    config = Model(x, layers.Dense(3, name="d")(x), name="m").get_config()
    entry = json.loads(Model(x, Model.from_config(config)(x)).to_json())["config"]["layers"][1]
    for _ in range(5_000):
        outer = {key: value for key, value in config.items() if key != "layers"} | {"output_layers": ["m", 1, 0]}
        config = outer | {"layers": [config["layers"][0], entry | {"config": config}]}
    with pytest.raises(ValueError, match="config must have at most 150 levels"):
        Model.from_config(config)


def test_some_models_in_each_other_are_fine():
    x = Input((3,), name="x")
    model = Model(x, layers.Dense(3, name="d")(x), name="m0")
    for k in range(1, 30):
        x = Input((3,), name="x")
        model = Model(x, model(x), name=f"m{k}")
    other = models.model_from_json(model.to_json())
    assert other.to_json() == model.to_json()


def test_models_that_grow_with_every_one_around_them_are_refused(monkeypatch):
    monkeypatch.setattr(plans, "MOST_STEPS", 1000)
    x = Input((3,), name="x")
    model = Model(x, layers.Activation("relu")(x), name="m0")
    for k in range(1, 10):
        x = Input((3,), name="x")
        model = Model(x, model(model(x)), name=f"m{k}")
    x = Input((3,), name="x")
    y = model(model(x))
    with pytest.raises(ValueError, match="m10 must have at most 1000 calls of layers"):
        Model(x, y, name="m10")


def test_long_models_come_back():
    x = y = Input((3,), name="x")
    for _ in range(3000):
        y = layers.Activation("relu")(y)
    config = through_json(Model(x, y).get_config())
    config["layers"].reverse()
    assert len(Model.from_config(config).layers) == 3001
    chain = Sequential([Input((3,)), *[layers.Activation("relu") for _ in range(3000)]])
    assert len(Sequential.from_config(chain.get_config()).layers) == 3000


# What else models have.


def test_operations_and_layers():
    model = Model.from_config(small())
    assert [operation.name for operation in model.operations] == ["x", "y", "l", "d", "a", "multiply"]
    assert [layer.name for layer in model.layers] == ["x", "y", "l", "d", "a"]
    for other in (model, Sequential([layers.Dense(2)])):
        with pytest.raises(AttributeError, match="layers"):
            other.layers = []
    assert repr(model) == "<Functional name=m, built=True>"
    assert repr(Sequential(name="s")) == "<Sequential name=s, built=False>"
    assert repr(Net()).startswith("<Net name=net")
