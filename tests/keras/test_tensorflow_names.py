"""What programs find that say ``import fastlstm as tf`` or ``import fastlstm.tensorflow as tf``."""

from __future__ import annotations

import subprocess
import sys
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastlstm
import fastlstm.tensorflow as tf
from fastlstm import keras
from fastlstm.keras import Input, Model, Sequential, layers
from fastlstm.tensorflow.table import NAMES, TAKING_TEXTS

X = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")


@pytest.mark.parametrize("namespace", NAMES)
def test_every_name_of_the_table_is_found(namespace: str) -> None:
    holder = attrgetter(namespace)(tf) if namespace else tf
    assert set(NAMES[namespace]) <= set(dir(holder))
    for name in NAMES[namespace]:
        found = getattr(holder, name)
        assert found is getattr(holder, name)
        if getattr(found, "__module__", "").endswith("finding"):
            assert found.__name__ == name


def test_texts_are_taken_by_functions_of_the_table():
    assert {entry.split()[0] for names in NAMES.values() for entry in names.values()} >= TAKING_TEXTS


def test_the_package_itself_has_the_names():
    assert fastlstm.reduce_sum is tf.reduce_sum
    assert fastlstm.data is tf.data
    assert fastlstm.math.log is tf.math.log
    assert fastlstm.random.uniform is tf.random.uniform
    assert tf.keras is keras
    assert tf.__version__.split(".")[0] == "2"
    assert fastlstm.__version__ != tf.__version__


def test_names_are_imported():
    program = (
        "from fastlstm.tensorflow import data as tf_data, strings as tf_strings, keras, cast\n"
        "from fastlstm.random import normal, set_seed\n"
        "import fastlstm.tensorflow as tf\n"
        "assert tf_data.Dataset is tf.data.Dataset and cast is tf.cast\n"
        "print(tf_strings.upper('a').numpy().decode())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "A"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("GradientTape", r"'fastlstm.tensorflow' has no attribute 'GradientTape': .*vjp\(x\).*from-keras.md"),
        ("ragged", "'ragged': tensors are NumPy arrays.*from-keras.md"),
        ("math.igamma", "'fastlstm.tensorflow.math' has no attribute 'igamma': tensors are.*from-keras.md"),
        ("nn.conv2d", "'conv2d': keras.activations and keras.ops.nn.*from-keras.md"),
        (
            "data.TFRecordDataset",
            r"'fastlstm.data' has no attribute 'TFRecordDataset': .*from_generator\(\).*from-keras",
        ),
        ("data.Dataset.rebatch", r"'Dataset' has no attribute 'rebatch': .*from_generator\(\).*from-keras.md"),
        ("math.nothing_such", "'fastlstm.tensorflow.math' has no attribute 'nothing_such'$"),
    ],
)
def test_errors_say_what_to_do(place: str, text: str) -> None:
    def find() -> Any:
        holder: Any = tf
        for name in place.split("."):
            holder = getattr(holder, name)

    with pytest.raises(AttributeError, match=text):
        find()


def test_what_programs_tell_tensorflow_of_itself_is_taken():
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    tf.logging.set_verbosity(tf.logging.WARN)
    tf.get_logger().setLevel("ERROR")
    assert tf.config.experimental.list_physical_devices("GPU") == tf.config.list_logical_devices("GPU") == []
    assert (tf.test.is_gpu_available(), tf.test.gpu_device_name()) == (False, "")
    with pytest.raises(ValueError, match=r"device must be a GPU, of which .* gives none, got PhysicalDevice"):
        tf.config.experimental.set_memory_growth(tf.config.list_physical_devices()[0], True)


@pytest.mark.parametrize("v1", [tf, tf.compat.v1])
def test_sessions_are_taken_and_run_nothing(v1: Any) -> None:
    with pytest.warns(DeprecationWarning, match="tf.ConfigProto is an old spelling; leave it out"):
        config = v1.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    with pytest.warns(DeprecationWarning, match="tf.Session is an old spelling; leave it out"):
        session = v1.Session(config=config)
    assert tf.compat.v1.keras is keras
    with session, pytest.raises(TypeError, match="fetches must be left out, as everything is computed when it is"):
        session.run(tf.constant(1))
    told = pytest.warns(DeprecationWarning, match="tf.Session")
    with told, pytest.raises(TypeError, match="config must be a ConfigProto, got 3"):
        v1.InteractiveSession(config=3)


@pytest.mark.parametrize("gfile", [tf.gfile, tf.io.gfile])
def test_files_are_those_of_this_machine(tmp_path: Path, gfile: Any) -> None:
    gfile.makedirs(tmp_path / "a" / "b")
    with gfile.GFile(tmp_path / "a" / "c.txt", "w") as file:
        file.write("\u00fc\n")
    with gfile.GFile(tmp_path / "a" / "c.txt", "rb") as file:
        assert file.read() == b"\xc3\xbc\n"
    with gfile.GFile(name=tmp_path / "a" / "c.txt") as file:
        assert file.read() == "\u00fc\n"
    assert gfile.listdir(tmp_path / "a") == ["b", "c.txt"]
    assert gfile.glob(f"{tmp_path}/a/*.txt") == gfile.glob([f"{tmp_path}/a/*.txt"]) == [f"{tmp_path}/a/c.txt"]
    assert gfile.exists(tmp_path / "a" / "c.txt")
    assert gfile.isdir(tmp_path / "a" / "b")
    assert not gfile.isdir(tmp_path / "a" / "c.txt")


def test_texts_of_a_lookup_are_texts_of_tensorflow():
    letters = layers.StringLookup(vocabulary=["a", "b"], invert=True)([1, 2, 2])
    assert tf.strings.reduce_join(letters, axis=-1).numpy() == b"abb"
    assert tf.strings.join([letters, letters]).numpy().tolist() == [b"aa", b"bb", b"bb"]


def test_what_they_give_is_a_tensor():
    assert tf.reduce_sum([1, 2, 3]).numpy() == 6
    assert tf.reduce_mean(input_tensor=[[1.0, 3.0]], axis=1, keepdims=True, name="mean").numpy().tolist() == [[2.0]]
    parts = tf.split(tf.range(6), [1, 2, 3])
    assert [part.numpy().tolist() for part in parts] == [[0], [1, 2], [3, 4, 5]]
    assert tf.argmax([[1, 3, 2]], axis=1).dtype == tf.int64
    assert (tf.constant([1, 2]) + 1).numpy().tolist() == [2, 3]


def test_texts_are_put_elsewhere_and_compared():
    joined = tf.concat([["a"], ["b", "c"]], axis=0)
    assert joined.numpy().tolist() == [b"a", b"b", b"c"]
    assert tf.gather(joined, [2, 0]).numpy().tolist() == [b"c", b"a"]
    assert tf.equal(joined, "b").numpy().tolist() == [False, True, False]
    assert tf.where([True, False], ["x", "y"], "z").numpy().tolist() == [b"x", b"z"]
    assert tf.reshape(tf.expand_dims("a", 0), [1, 1]).shape == (1, 1)
    assert tf.identity("ü").numpy().decode() == "ü"


def test_they_note_operations_on_symbolic_tensors():
    x = Input((5, 3))
    y = tf.reduce_mean(tf.nn.relu(tf.concat([x, tf.zeros_like(x)], axis=-1)), axis=1)
    model = Model(x, y)
    wanted = np.maximum(np.concatenate([X, 0 * X], -1), 0).mean(axis=1)
    np.testing.assert_allclose(model(X), wanted, rtol=1e-6)
    assert tf.shape(x) == (None, 5, 3)


class Scaled(layers.Layer):
    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

    @tf.function
    def call(self, x: Any) -> Any:
        steps = tf.TensorArray(x.dtype, size=x.shape[1])
        for t in tf.range(x.shape[1]):
            steps = steps.write(t, tf.tanh(x[:, t] * self.scale))
        return tf.transpose(steps.stack(), [1, 0, 2])


def test_variables_are_weights_of_the_layer_that_holds_them():
    pytest.importorskip("autograd")

    class Shifted(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.shift = tf.Variable(initial_value=lambda: tf.zeros(3), trainable=True, name="shift")
            self.count = tf.Variable(0, trainable=False, dtype="float32")

        def call(self, x: Any) -> Any:
            return tf.add(x, self.shift)

    model = Sequential([Input((5, 3)), Shifted(), layers.LSTM(2)])
    assert [v.shape for v in model.layers[0].trainable_weights] == [(3,)]
    assert [v.shape for v in model.layers[0].non_trainable_weights] == [()]
    model.compile("sgd", "mse")
    model.fit(X, X[:, 0, :2], verbose=0)
    assert model.layers[0].shift.numpy().any()
    assert tf.Variable([1, 2]).dtype == tf.int32
    assert tf.Variable([1.0, 2.0]).dtype == tf.float32
    limited = tf.Variable([1.0], constraint="non_neg")
    assert limited.constraint(np.array([-1.0])).tolist() == [0.0]


def test_gradients_pass_through_them():
    pytest.importorskip("autograd")
    model = Sequential([Input((5, 3)), Scaled(), layers.LSTM(2)])
    model.compile("sgd", "mse")
    before = model.layers[0].scale.numpy()
    losses = model.fit(X, X[:, 0, :2], epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert not np.array_equal(before, model.layers[0].scale.numpy())


def test_structures():
    structure = {"b": 1, "a": [2, (3,)]}
    assert tf.nest.flatten(structure) == [2, 3, 1]
    assert tf.nest.map_structure(lambda a, b: a + b, structure, structure) == {"b": 2, "a": [4, (6,)]}
    with pytest.raises(ValueError, match="structure must have the same form as the others"):
        tf.nest.map_structure(max, [1], [1, 2])


def test_devices():
    assert [device.device_type for device in tf.config.list_physical_devices()] == ["CPU"]
    assert tf.config.list_physical_devices("GPU") == []
    with tf.device("/CPU:0"), tf.distribute.MirroredStrategy().scope():
        assert tf.distribute.get_strategy().num_replicas_in_sync == 1
        assert tf.distribute.get_strategy().run(max, (1, 2)) == 2
    with pytest.raises(ValueError, match="device_name must be 'CPU:0', got '/GPU:1'"), tf.device("/GPU:1"):
        pass
    with pytest.raises(ValueError, match="devices must be one device, got 2 of them"):
        tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def test_random_numbers_follow_from_the_seed():
    def drawn() -> list[Any]:
        tf.random.set_seed(5)
        logits = np.log([[0.1, 0.0001, 0.9]])
        numbers = tf.random.categorical(logits, num_samples=20), tf.random.shuffle(np.arange(9))
        return [
            part.numpy().tolist()
            for part in (tf.random.normal([2]), tf.random.uniform((3,), 5, 9, dtype=tf.int32), *numbers)
        ]

    assert drawn() == drawn()
    assert set(drawn()[1]) <= {5, 6, 7, 8}
    with pytest.raises(ValueError, match="maxval must be given for whole numbers"):
        tf.random.uniform((3,), dtype=tf.int32)


def test_arrays_of_tensors():
    growing = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    written = growing.write(0, [1.0]).write(1, [2.0])
    assert (growing.size(), written.size()) == (0, 2)
    assert written.stack().tolist() == [[1.0], [2.0]]
    assert written.concat().tolist() == [1.0, 2.0]
    assert written.read(1).tolist() == [2.0]
    assert growing.unstack(np.ones((3, 2))).size() == 3
    with pytest.raises(ValueError, match="index must be a whole number from 0 to 1, got 2"):
        tf.TensorArray(tf.float32, size=2).write(2, 1.0)
    with pytest.raises(ValueError, match="the TensorArray must have all its tensors written, got none at 1"):
        tf.TensorArray(tf.float32, size=2).write(0, 1.0).stack()


def test_python_in_a_pipeline():
    numbers = tf.data.Dataset.range(3).map(lambda x: tf.py_function(lambda n: n.numpy() * 0.5, [x], tf.float32))
    assert [x.numpy() for x in numbers] == [0.0, 0.5, 1.0]
    whole, text = tf.numpy_function(lambda n: (n + 1, "a"), [1], [tf.int64, tf.string])
    assert (whole.numpy(), text.numpy()) == (2, b"a")
    with pytest.raises(ValueError, match="what func gives must be 2 values as Tout says"):
        tf.numpy_function(lambda n: n, [1], [tf.int64, tf.string])


def test_compiled_functions_are_functions():
    @tf.function
    def one(x: Any) -> Any:
        return x + 1

    @tf.function(input_signature=[tf.TensorSpec([None])], jit_compile=True)
    def two(x: Any) -> Any:
        return one(x) + 1

    assert two(1) == 3
    assert tf.executing_eagerly()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: tf.convert_to_tensor(1.5, tf.int32), TypeError, "value must have dtype int32, got float32; cast()"),
        (lambda: tf.convert_to_tensor("a", tf.int32), TypeError, "value must have dtype int32"),
        (
            lambda: tf.gather([1, 2], 0, batch_dims=1),
            NotImplementedError,
            "batch_dims must be 0, got 1; keras.ops.take_",
        ),
        (lambda: tf.pad([1], [[1, 1]], "WRAP"), ValueError, "mode must be 'constant', 'reflect' or 'symmetric'"),
        (lambda: tf.sort([1], direction="UP"), ValueError, "direction must be 'ASCENDING' or 'DESCENDING', got 'UP'"),
        (lambda: tf.strings.lower(3), TypeError, "input must be texts, got dtype int32"),
        (lambda: tf.strings.length("a", unit="WORD"), ValueError, "unit must be 'BYTE' or 'UTF8_CHAR', got 'WORD'"),
        (
            lambda: tf.strings.split([["a"]]),
            ValueError,
            r"input must be a text or an array of one axis, got shape \(1, 1",
        ),
        (lambda: tf.strings.substr("abc", 4, 1), ValueError, "pos must lie within the text, which is 3 long, got 4"),
        (lambda: tf.split(tf.range(5), 2), ValueError, "must divide the size 5 of axis 0, got 2"),
        (lambda: tf.reduce_sum([1], axes=0), TypeError, "unexpected keyword argument 'axes'"),
    ],
)
def test_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
