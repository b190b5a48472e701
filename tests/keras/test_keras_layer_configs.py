"""Configs of layers are those of Keras, here from files that Keras wrote, and make the same layers again."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from golden.described_layers import MAKERS, called

from fastlstm import keras
from fastlstm.keras import Input, Model, layers, saving

KERAS = json.loads((Path(__file__).parents[1] / "golden" / "keras_layers.json").read_text())

SEED = {"config.seed": "Keras forgets it of a SimpleRNN"}
PENALTY = {"config.activity_regularizer": "Keras forgets it of a SimpleRNN"}
DEVIATIONS = {
    "SimpleRNN": SEED,
    "SimpleRNN, other": PENALTY | SEED,
}
"""What of a description is not as Keras has it, and why."""

NOTHING_TO_BUILD = ["Cropping1D", "Flatten", "Permute", "RepeatVector", "Rescaling", "UpSampling1D", "ZeroPadding1D"]
"""Layers without weights of which Keras notes nevertheless what they were built for."""


def through_json(config):
    return json.loads(json.dumps(config))


def differences(ours, theirs, place=""):
    """Return where two trees differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = dict.fromkeys([*ours, *theirs])
        pairs = [(key, ours.get(key, "nothing"), theirs.get(key, "nothing")) for key in keys]
        return [one for key, a, b in pairs for one in differences(a, b, f"{place}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [one for k, (a, b) in pairs for one in differences(a, b, f"{place}[{k}]")]
    close = isinstance(ours, float) and isinstance(theirs, float) and np.float32(ours) == np.float32(theirs)
    return [] if ours == theirs or close else [place[1:]]


def test_no_layer_is_forgotten():
    public = {cls.__name__ for cls in map(vars(layers).get, layers.__all__) if inspect.isclass(cls)}
    assert public - {"InputSpec", "Layer", "Lambda"} == {name.partition(",")[0] for name in MAKERS}


@pytest.mark.parametrize("name", MAKERS)
def test_descriptions_are_those_of_keras(name):
    described = through_json(saving.serialize_keras_object(MAKERS[name](layers)))
    assert differences(described, KERAS[name]["layer"]) == list(DEVIATIONS.get(name, {}))


@pytest.mark.parametrize("name", MAKERS)
def test_what_keras_describes_is_made(name):
    kept = KERAS[name]["layer"]
    before = through_json(kept)
    layer = saving.deserialize_keras_object(kept)
    assert kept == before
    assert type(layer) is getattr(layers, name.partition(",")[0])
    again = through_json(saving.serialize_keras_object(layer))
    assert differences(again, kept) == list(SEED if name.startswith("SimpleRNN") and "Cell" not in name else {})
    old = {key: value for key, value in kept.items() if key in ("class_name", "config")}
    assert saving.deserialize_keras_object(old).get_config() == layer.get_config()


@pytest.mark.parametrize("name", MAKERS)
def test_a_layer_comes_back_from_its_config(name):
    layer = MAKERS[name](layers)
    config = through_json(layer.get_config())
    before = through_json(config)
    other = type(layer).from_config(config)
    assert config == before
    assert through_json(other.get_config()) == before
    assert other.name == layer.name


@pytest.mark.parametrize("name", MAKERS)
def test_calls_are_noted_as_keras_does(name):
    wanted, found = KERAS[name]["called"], through_json(called(keras, name, MAKERS[name](layers)))
    if wanted is None:
        assert found is None
        return
    if name.partition(",")[0] not in NOTHING_TO_BUILD:
        assert found["build_config"] == wanted["build_config"]
    if getattr(MAKERS[name](layers), "stateful", False) and not name.startswith("RNN"):
        assert wanted["kwargs"] == {}  # of such a layer Keras notes nothing
    else:
        assert found["kwargs"] == wanted["kwargs"]


@pytest.mark.parametrize("name", ["Dense", "LSTM", "Bidirectional", "TimeDistributed", "RNN", "BatchNormalization"])
def test_a_description_of_a_built_layer_makes_one_with_weights(name):
    layer = MAKERS[name](layers)
    layer(np.ones((2, 4, 3)))
    described = through_json(saving.serialize_keras_object(layer))
    assert described["build_config"] == {"input_shape": [None, 4, 3]}
    other = saving.deserialize_keras_object(described)
    assert [w.shape for w in other.weights] == [w.shape for w in layer.weights]
    other.set_weights(layer.get_weights())
    np.testing.assert_array_equal(other(np.ones((2, 4, 3))), layer(np.ones((2, 4, 3))))


def test_shapes_of_states_in_a_build_config_are_taken():
    config = {"shapes_dict": {"sequences_shape": [None, 4, 3], "initial_state_shape": [[None, 2], [None, 2]]}}
    layer = layers.LSTM(2)
    layer.build_from_config(config)
    assert layer.kernel.shape == (3, 8)


# What other versions of Keras say.


@pytest.mark.parametrize(
    ("cls", "config"),
    [
        (layers.LSTM, {"units": 2, "implementation": 1, "unroll": True, "time_major": False, "dtype": "float32"}),
        (layers.LSTM, {"units": 2, "batch_input_shape": [None, 4, 3], "use_cudnn": "auto"}),
        (layers.Dense, {"units": 2, "lora_rank": None, "quantization_config": None, "activity_regularizer": None}),
        (layers.Embedding, {"input_dim": 7, "output_dim": 2, "input_length": 4}),
        (layers.InputLayer, {"batch_input_shape": [None, 3], "sparse": False, "ragged": False, "name": "x"}),
        (layers.LSTM, {"units": 2, "dtype": {"class_name": "Policy", "config": {"name": "float64"}}}),
        (layers.Dense, {"units": 2, "kernel_initializer": {"class_name": "Zeros", "config": {}}, "autocast": True}),
    ],
)
def test_settings_of_other_versions_that_change_nothing_are_taken(cls, config):
    before = through_json(config)
    layer = cls.from_config(config)
    assert config == before
    if "batch_input_shape" in config and cls is layers.LSTM:
        assert layer.batch_input_shape == (None, 4, 3)


@pytest.mark.parametrize(
    ("cls", "config", "error", "message"),
    [
        (layers.Dense, {"units": 2, "lora_rank": 4}, NotImplementedError, "Dense: lora_rank=4 is not supported"),
        (layers.Dense, {"units": 2, "colour": "red"}, ValueError, "colour"),
        (layers.InputLayer, {"batch_shape": [None, 3], "sparse": True}, NotImplementedError, "sparse=True"),
        (layers.LSTM, {"units": 2, "time_major": True}, NotImplementedError, "time_major"),
        (layers.LSTM, {"units": 2, "dtype": {"config": {"name": "float32"}}}, ValueError, "dtype must be a dtype, or"),
        (
            layers.LSTM,
            {"units": 2, "dtype": {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}},
            TypeError,
            "dtype must be .*mixed_float16",
        ),
        (layers.LSTM, {"units": "2"}, TypeError, "units must be a whole number from 1 to 2147483647, got '2'"),
        (layers.LSTM, [("units", 2)], TypeError, "LSTM: config must be a dict"),
        (layers.LSTM, {}, TypeError, "units"),
        (layers.Dense, {"units": 2, "kernel_initializer": {"class_name": "X", "config": {}}}, ValueError, "got 'X'"),
        (layers.TimeDistributed, {"layer": {"class_name": "Adam", "config": {}}}, ValueError, "layer: class_name must"),
        (layers.RNN, {"cell": [{"class_name": "LSTMCell", "config": {"units": 0}}]}, ValueError, "units must"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(cls, config, error, message):
    with pytest.raises(error, match=message):
        cls.from_config(config)


def test_layers_in_each_other_without_end_are_refused():
    config = {"class_name": "Dense", "config": {"units": 2}}
    for _ in range(10_000):
        config = {"class_name": "TimeDistributed", "config": {"layer": config}}
    for read in (saving.deserialize_keras_object, lambda c: layers.TimeDistributed.from_config(c["config"])):
        with pytest.raises(ValueError, match="config must have at most 150 levels of dicts and lists, got more"):
            read(config)
    circle = {"units": 2}
    circle["kernel_initializer"] = circle
    with pytest.raises(ValueError, match="at most 150 levels"):
        layers.Dense.from_config(circle)


# Classes and functions of users.


class Scaled(layers.Layer):
    def __init__(self, factor, *, offset=0.5, **kwargs):
        super().__init__(**kwargs)
        self.factor, self.offset = factor, offset

    def call(self, x):
        return x * self.factor + self.offset


@saving.register_keras_serializable("tests")
class Registered(Scaled):
    pass


class WithAConfig(layers.Layer):
    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer

    def call(self, x):
        return self.layer(x)

    def get_config(self):
        return super().get_config() | {"layer": self.layer}

    @classmethod
    def from_config(cls, config):
        config["layer"] = saving.deserialize_keras_object(config["layer"])
        return cls(**config)


class TakesNothing(layers.Layer):
    def __init__(self):
        super().__init__(name="fixed")

    def call(self, x):
        return x


def test_the_config_of_ones_own_layer_is_made_of_its_arguments():
    layer = Scaled(2.0, name="s", dtype="float64")
    assert layer.get_config() == {
        "name": "s",
        "trainable": True,
        "dtype": saving.serialize_keras_object(layers.Flatten(dtype="float64"))["config"]["dtype"],
        "factor": 2.0,
        "offset": 0.5,
    }
    other = Scaled.from_config(through_json(layer.get_config()))
    assert (other.factor, other.offset, other.name, other.dtype) == (2.0, 0.5, "s", np.float64)


@pytest.mark.parametrize("argument", [np.ones(3), object(), {1: 2}, [layers.Dense(2)]])
def test_arguments_that_no_config_can_hold(argument):
    layer = Scaled(argument)
    with pytest.raises(NotImplementedError, match=r"Scaled must define get_config\(\), as its argument factor is"):
        layer.get_config()


def test_a_constructor_need_not_take_what_all_layers_have():
    layer = TakesNothing()
    layer.trainable = False
    other = TakesNothing.from_config(layer.get_config())
    assert (other.name, other.trainable) == ("fixed", False)


def test_ones_own_layer_is_found_if_it_is_registered_or_given():
    described = through_json(saving.serialize_keras_object(Registered(3.0)))
    assert (described["class_name"], described["registered_name"]) == ("Registered", "tests>Registered")
    assert saving.deserialize_keras_object(described).factor == 3.0
    described = through_json(saving.serialize_keras_object(Scaled(3.0)))
    assert (described["module"], described["registered_name"]) == (__name__, "Scaled")
    with pytest.raises(ValueError, match=r"class_name must be that of a known class, .* custom_objects, got 'Scaled'"):
        saving.deserialize_keras_object(described)
    assert saving.deserialize_keras_object(described, {"Scaled": Scaled}).factor == 3.0
    with saving.custom_object_scope({"Scaled": Scaled}):
        assert saving.deserialize_keras_object(described).factor == 3.0


def test_nothing_is_imported_for_a_config():
    for module, name in (("os", "system"), ("subprocess", "Popen"), (__name__, "Scaled"), ("fastlstm.keras", "Model")):
        described = {"module": module, "class_name": name, "config": {}, "registered_name": name}
        with pytest.raises(ValueError, match=f"got '{name}' of {module}"):
            saving.deserialize_keras_object(described)


def test_a_from_config_of_ones_own_may_change_what_it_gets():
    described = saving.serialize_keras_object(WithAConfig(layers.Dense(2, name="d"), name="w"))
    before = through_json(described)
    for _ in range(2):
        other = saving.deserialize_keras_object(described, {"WithAConfig": WithAConfig})
        assert other.layer.units == 2
    assert through_json(described) == before


def test_ones_own_cell_is_copied_without_being_registered():
    class Kept(layers.Layer):
        state_size = 3

        def call(self, inputs, states):
            return states[0], states

    wrapped = layers.Bidirectional(layers.RNN(Kept()))
    assert isinstance(wrapped.backward_layer.cell, Kept)
    with pytest.raises(ValueError, match="got 'Kept'"):
        layers.Bidirectional.from_config(wrapped.get_config())


def doubled(x):
    return 2 * x


@saving.register_keras_serializable("tests", "half")
def halved(x, by=2):
    return x / by


@pytest.mark.parametrize(
    ("make", "custom"),
    [
        (lambda: layers.Lambda(doubled), {"doubled": doubled}),
        (lambda: layers.Lambda(halved, arguments={"by": 4}, output_shape=(3,)), None),
        (lambda: layers.Dense(3, activation=doubled, kernel_initializer="ones"), {"doubled": doubled}),
        (lambda: layers.Activation(halved), None),
    ],
)
def test_functions_come_back_by_their_names(make, custom):
    layer = make()
    described = through_json(saving.serialize_keras_object(layer))
    if custom is not None:
        with pytest.raises(ValueError, match="'doubled'"):
            saving.deserialize_keras_object(described)
    other = saving.deserialize_keras_object(described, custom)
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(other(x), layer(x))


def test_code_is_neither_written_nor_run():
    with pytest.raises(ValueError, match=r"one: a function in a config must be one with a name, written with def"):
        layers.Lambda(lambda x: x, name="one").get_config()
    for function in ({"class_name": "__lambda__", "config": {"code": "4wEA"}}, ["4wEA", None, None]):
        config = {"function": function, "function_type": "lambda", "output_shape_type": "raw", "module": "__main__"}
        with pytest.raises(ValueError, match="the code of a lambda, which is not run"):
            layers.Lambda.from_config({key: value for key, value in config.items() if key != "function_type"})
    with pytest.raises(ValueError, match="which is not run"):
        saving.deserialize_keras_object({"class_name": "__lambda__", "config": {"value": "4wEA"}}, safe_mode=False)


def test_a_layer_of_a_graph_knows_its_config():
    x = Input((4, 3))
    model = Model(x, layers.LSTM(2, name="l")(x))
    assert model.get_layer("l").get_config()["units"] == 2


# Any object.


@pytest.mark.parametrize(
    "thing",
    [None, True, 3, 2.5, "a", [1, [2, "b"]], {"a": {"b": None}}, slice(1, None, 2), ..., b"abc"],
)
def test_plain_things_come_back(thing):
    described = through_json(saving.serialize_keras_object(thing))
    assert saving.deserialize_keras_object(described) == thing


def test_arrays_come_back():
    for array in (np.arange(6.0).reshape(2, 3), np.ones(2, "float32"), np.array([True, False])):
        found = saving.deserialize_keras_object(through_json(saving.serialize_keras_object(array)))
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype
    assert saving.serialize_keras_object(np.float32(2.5)) == 2.5
    assert saving.serialize_keras_object((np.int64(2), [np.dtype("int8")])) == (2, ["int8"])


@pytest.mark.parametrize(
    ("described", "error", "message"),
    [
        ({"class_name": "__numpy__", "config": {"value": ["a"], "dtype": "U1"}}, TypeError, "dtype of real numbers"),
        ({"class_name": "__numpy__", "config": {"value": [[1], [1, 2]], "dtype": "int8"}}, TypeError, "ragged"),
        ({"class_name": "__numpy__", "config": {"value": [1], "dtype": "object"}}, TypeError, "dtype of real numbers"),
        ({"class_name": "__numpy__", "config": [1]}, TypeError, "__numpy__ must be a dict"),
        ({"class_name": "__slice__", "config": {"start": "a"}}, TypeError, "each end must be a whole number, got 'a'"),
        ({"class_name": "__bytes__", "config": {"value": 3}}, TypeError, "value must be a str, got 3"),
        (
            {"class_name": "__keras_tensor__", "config": {}},
            ValueError,
            "must have symbolic tensors in the calls of a graph only, got one elsewhere",
        ),
        ({"class_name": ["LSTM"], "config": {}}, TypeError, "class_name must be a str"),
        ({"class_name": "LSTM", "module": 3, "config": {}}, TypeError, "module must be a str"),
        ({"class_name": "LSTM", "registered_name": [], "config": {}}, TypeError, "registered_name must be a str"),
        ({"class_name": "LSTM", "config": 3}, TypeError, "config of LSTM must be a dict"),
        ({"class_name": "Sum", "module": "keras.layers", "config": {}}, ValueError, "got 'Sum' of keras.layers"),
        ({"class_name": "function", "config": "system"}, ValueError, "must be a known function, .* got 'system'"),
        ({"class_name": "function", "config": ["relu"]}, TypeError, "must be a known function"),
        (object(), TypeError, "config must be made of dicts, lists, texts"),
        ([object()], TypeError, "config must be made of dicts, lists, texts"),
    ],
)
def test_descriptions_of_nothing(described, error, message):
    with pytest.raises(error, match=message):
        saving.deserialize_keras_object(described)


def test_an_object_shared_in_a_description_is_made_once():
    described = saving.serialize_keras_object(layers.Dense(2, name="d")) | {"shared_object_id": 7}
    one, other = saving.deserialize_keras_object([described, through_json(described)])
    assert one is other
    assert saving.deserialize_keras_object(described) is not one


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: saving.register_keras_serializable(3), TypeError, "package must be a str"),
        (
            lambda: saving.register_keras_serializable()(3),
            TypeError,
            "what is registered must be a class or a function",
        ),
        (lambda: saving.register_keras_serializable()(dict), ValueError, r"dict must have a get_config\(\)"),
        (lambda: saving.custom_object_scope(3).__enter__(), TypeError, "custom_objects must be a dict"),
        (lambda: saving.serialize_keras_object(object()), TypeError, r"must be an object with get_config\(\)"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_names_of_what_is_registered():
    assert saving.get_registered_name(Registered) == "tests>Registered"
    assert saving.get_registered_name(Scaled) == "Scaled"
    assert saving.get_registered_object("tests>half") is halved
    assert saving.get_registered_object("half") is None
    assert saving.get_registered_object("a", {"a": 1}) == saving.get_registered_object("a", None, {"a": 1}) == 1
    assert saving.get_custom_objects()["tests>half"] is halved
    assert keras.utils.register_keras_serializable is saving.register_keras_serializable
