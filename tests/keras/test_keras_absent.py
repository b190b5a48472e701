"""What Keras has and this package has not: errors that say what to do, and the page that lists it all."""

import importlib
import importlib.util
import pickle
import sys
import types
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest

import fastlstm
from fastlstm import absent, keras
from fastlstm.keras import layers

TOOL = Path(__file__).parents[2] / "tools" / "from_keras.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("from_keras", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_says_what_holds_today(tool):
    assert tool.PAGE.read_text("utf-8") == tool.page(), "run tools/from_keras.py"


def test_what_is_there_is_found(tool):
    assert "`Conv2D`, `Conv2DTranspose`" in tool.page()
    assert "`LSTM`" in tool.section("layers", ("LSTM", "Conv2D")).split("| not there")[0]
    assert "not there" not in tool.section("Sequential", ("add", "pop"))


@pytest.mark.parametrize("place", ["", "layers", "models", "callbacks", "ops", "Model", "tf"])
def test_every_name_has_a_cure(place):
    for name in absent.keras_names()[place]:
        assert absent.instead(f"{place}.{name}".lstrip("."))


def test_no_entry_of_the_table_is_idle(tool):
    """Every pattern is the first that fits something which is not there; take out what has come."""
    patterns = [pattern for _, patterns in absent.TABLE for pattern in patterns.split()]
    known = absent.keras_names().items()
    places = [f"{place}.{name}".lstrip(".") for place, names in known for name in tool.not_there(place, names)]
    first = {next(pattern for pattern in patterns if fnmatchcase(place, pattern)) for place in places}
    assert set(patterns) - first <= {"*"}, "take these out"


def test_notes_are_of_places_that_are_there():
    assert set(absent.DIFFERENT) - {"everywhere"} <= set(absent.keras_names())


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (lambda: layers.Conv2D, "module 'fastlstm.keras.layers' has no attribute 'Conv2D': images are for Keras"),
        (lambda: keras.saving.KerasFileEditor, r"'KerasFileEditor': model.save\('m.keras'\) and models.load_model"),
        (lambda: keras.applications, "'fastlstm.keras' has no attribute 'applications': images"),
        (lambda: keras.backend.conv2d, "'conv2d': images"),
        (lambda: keras.layers.convolutional.Conv2D, "'fastlstm.keras.layers.convolutional' has no .*: images"),
        (lambda: layers.TimeDistributedDense, r"TimeDistributed\(Dense"),
        (lambda: keras.backend.set_learning_phase, r"model\(x, training=True\)"),
        (lambda: keras.models.Graph, r"Model\(inputs, outputs\)"),
        (lambda: fastlstm.GradientTape, r"module 'fastlstm' has no attribute 'GradientTape': .*vjp\(x\)"),
        (
            lambda: keras.export,
            r"'fastlstm.keras' has no attribute 'export': model.export\(path\) writes a file of ONNX",
        ),
        (lambda: keras.Model.compute_loss, "type object 'Model' has no attribute 'compute_loss': a loss of your own"),
        (lambda: layers.LSTM(2).quantized_call, r"no attribute 'quantized_call': layer.quantize\('int8'\)"),
        (lambda: keras.optimizers.SGD().variables, r"'SGD' object has no attribute 'variables': get_weights\(\)"),
    ],
)
def test_errors_say_what_to_do_and_name_the_page(use, text):
    with pytest.raises(AttributeError, match=f"{text}.*from-keras.md"):
        use()


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("from fastlstm.keras.layers import LSTM, ConvLSTM2D", "'ConvLSTM2D' from 'fastlstm.keras.layers': images"),
        ("from fastlstm.keras.layers.convolutional import Conv2D", "'Conv2D' from .*convolutional': images"),
        ("from fastlstm.keras.backend import conv2d", "'conv2d' from 'fastlstm.keras.backend': images"),
        ("from fastlstm.keras.backend import get_session", "'get_session' from .*: .*at once"),
        ("from fastlstm.keras import applications", "'applications' from 'fastlstm.keras': images"),
        ("import fastlstm.keras.applications.vgg16", "'applications' from 'fastlstm.keras': images"),
        ("from fastlstm.keras.preprocessing.image import load_img", "'image' from .*preprocessing': images"),
        (
            "from fastlstm.keras.wrappers import SKLearnClassifier",
            "'SKLearnClassifier' from .*: .*KerasClassifier",
        ),
        ("from fastlstm.keras.callbacks import RemoteMonitor", "LambdaCallback"),
        ("from fastlstm import GradientTape", "'GradientTape' from 'fastlstm': .*vjp"),
    ],
)
def test_imports_say_what_to_do_and_name_the_page(program, text):
    with pytest.raises(ImportError, match=f"cannot import name .*{text}.*from-keras.md"):
        exec(program)


def test_what_keras_has_not_either_is_told_as_python_does():
    for owner, text in ((layers, "module 'fastlstm.keras.layers'"), (fastlstm, "module 'fastlstm'")):
        with pytest.raises(AttributeError, match=f"^{text} has no attribute 'Nothing'$"):
            owner.Nothing  # noqa: B018
    with pytest.raises(ImportError, match=r"cannot import name 'Nothing' from 'fastlstm.keras.layers'"):
        from fastlstm.keras.layers import Nothing  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'fastlstm.keras.nothing'"):
        importlib.import_module("fastlstm.keras.nothing")
    assert importlib.util.find_spec("fastlstm.keras.layers.nothing") is None


def test_asking_is_answered():
    assert not hasattr(layers, "Conv2D")
    assert getattr(keras.Model, "compute_loss", None) is None
    assert "fastlstm.keras.applications" not in sys.modules


def test_programs_may_define_what_is_not_there():
    class Mine(layers.Layer):
        def __init__(self):
            super().__init__()
            self.input_spec = "mine"

        def quantize(self):
            return self.input_spec

        def call(self, x):
            return x

    assert Mine().quantize() == "mine"
    layer = pickle.loads(pickle.dumps(layers.Dense(2)))
    layer.path = "a"
    assert layer.path == "a"


def test_short_modules_are_no_folders_to_python_tools():
    assert isinstance(keras.backend, types.ModuleType)
    assert importlib.util.find_spec("fastlstm.keras.backend").submodule_search_locations is None


def test_names_of_classes_and_functions_at_the_top():
    assert keras.Optimizer is keras.optimizers.Optimizer
    assert keras.Loss is keras.losses.Loss
    assert keras.Metric is keras.metrics.Metric
    assert keras.Initializer is keras.initializers.Initializer
    assert keras.Regularizer is keras.regularizers.Regularizer
    assert keras.version() == keras.__version__
    weight = keras.Variable(np.zeros(2, "float32"), name="w")
    weight.assign([1, 2])
    assert weight.numpy().tolist() == [1, 2]
    drawn = keras.initializers.glorot_uniform(seed=3)
    np.testing.assert_array_equal(drawn((2, 3)), keras.initializers.GlorotUniform(3)((2, 3)))
