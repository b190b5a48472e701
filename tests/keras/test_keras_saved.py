"""Models in files: what comes back, how training goes on, and what is refused."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from drawn_graphs import drawn_graphs
from golden.described_models import MODELS, data, fill, outputs
from golden.saved_models import SAVED, data_for, train
from hypothesis import HealthCheck, given, settings

from fastlstm import keras
from fastlstm.keras import Input, Model, Sequential, layers, models, saving

h5py = pytest.importorskip("h5py")

ENDINGS = ("m.keras", "m.h5", "m.hdf5", "m.safetensors", "m")


def assert_the_same(model, other):
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    for got, wanted in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)
    for got, wanted in zip(outputs(other), outputs(model), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back(name, ending, tmp_path):
    model = MODELS[name](keras)
    fill(model)
    model.save(tmp_path / ending)
    assert_the_same(model, models.load_model(tmp_path / ending))
    assert [path.name for path in tmp_path.iterdir()] == [ending]


@pytest.mark.filterwarnings("ignore::UserWarning")  # a softmax of one number
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=drawn_graphs(functions=False))
def test_drawn_graphs_come_back(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("drawn") / "m.keras"
    fill(model)
    model.set_weights([np.abs(weight) for weight in model.get_weights()])  # some are variances
    model.save(path)
    other = models.load_model(path)
    for got, wanted in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)
    x = data(model)
    np.testing.assert_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("ending", ENDINGS)
def test_training_goes_on_with_the_same_numbers(model, data, ending, tmp_path):
    x, y = data
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / ending)
    other = models.load_model(tmp_path / ending)
    wanted, got = (m.fit(x, y, epochs=2, shuffle=False, verbose=0).history for m in (model, other))
    assert got == wanted
    assert other.optimizer.iterations == model.optimizer.iterations == 12


def test_a_model_comes_back_without_its_training(model, data, tmp_path):
    x, y = data
    model.fit(x, y, verbose=0)
    for ending in ENDINGS:
        model.save(tmp_path / ending)
        other = models.load_model(tmp_path / ending, compile=False)
        assert not other.compiled
        np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
    model.save(tmp_path / "bare.h5", include_optimizer=False)
    assert not models.load_model(tmp_path / "bare.h5").compiled


def test_weights_come_back(model, data, tmp_path):
    x, y = data
    model.fit(x, y, verbose=0)
    model.save_weights(tmp_path / "m.weights.h5")
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    for name in ("m.weights.h5", "m.keras", "m.h5"):
        other = Sequential([Input((5, 3)), layers.LSTM(6), layers.Dense(4, activation="softmax")])
        other.load_weights(tmp_path / name)
        np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))


def test_functions_of_saving(model, tmp_path):
    saving.save_model(model, tmp_path / "m.keras")
    saving.save_weights(model, tmp_path / "m.weights.h5")
    saving.load_weights(model, tmp_path / "m.weights.h5")
    assert_of_class = saving.load_model(str(tmp_path / "m.keras"))
    assert isinstance(assert_of_class, Sequential)
    with pytest.raises(FileExistsError, match=r"m.keras; overwrite=True replaces it"):
        saving.save_model(model, tmp_path / "m.keras", overwrite=False)


def paths_of(path):
    """Return the arrays of a file by path."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item.shape}) if hasattr(item, "shape") else None)
    return found


def test_names_of_groups_are_those_of_keras(tmp_path):
    """They come from classes and attributes, not from names, which differ from one run to the next."""
    inner = Sequential([layers.Dense(2, name="any"), layers.Dense(2)])
    cells = layers.RNN([layers.LSTMCell(2), layers.LSTMCell(1)], return_sequences=True)
    model = Sequential([Input((5, 3)), layers.Bidirectional(layers.GRU(2, return_sequences=True)), cells, inner])
    model.add(layers.TimeDistributed(layers.Dense(1)))
    model.save_weights(tmp_path / "m.weights.h5")
    groups = {path.rpartition("/vars/")[0] for path in paths_of(tmp_path / "m.weights.h5")}
    assert groups == {
        "layers/bidirectional/backward_layer/cell",
        "layers/bidirectional/forward_layer/cell",
        "layers/rnn/cell/cells/lstm_cell",
        "layers/rnn/cell/cells/lstm_cell_1",
        "layers/sequential/layers/dense",
        "layers/sequential/layers/dense_1",
        "layers/time_distributed/layer",
    }


class Scored(Model):
    """A model of a user's own, with layers in attributes, lists and dicts."""

    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.read = layers.GRU(units)
        self.heads = [layers.Dense(2, activation="tanh"), layers.Dense(1)]
        self.by_name = {"a": layers.Dense(units)}

    def call(self, x):
        h = self.by_name["a"](self.read(x))
        for head in self.heads:
            h = head(h)
        return h


def test_classes_of_ones_own(tmp_path):
    model, x = Scored(3), np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    wanted = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"m.keras: config.json: .*custom_objects, got 'Scored'"):
        models.load_model(tmp_path / "m.keras")
    other = models.load_model(tmp_path / "m.keras", custom_objects={"Scored": Scored})
    np.testing.assert_array_equal(other.predict(x, verbose=0), wanted)
    names = {path.rpartition("/vars/")[0] for path in paths_of_zip(tmp_path / "m.keras")}
    assert names == {"by_name/dense", "heads/dense", "heads/dense_1", "layers/gru/cell"}


def paths_of_zip(path):
    with zipfile.ZipFile(path) as packed:
        return paths_of(io.BytesIO(packed.read("model.weights.h5")))


# --- Old files --------------------------------------------------------------------------------------------------------


def put(group, layers_of, version="2.4.0"):
    """Write weights of layers as Keras 2 did."""
    group.attrs["layer_names"] = [name.encode() for name in layers_of]
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = version.encode()
    for name, weights in layers_of.items():
        layer = group.create_group(name)
        layer.attrs["weight_names"] = [weight.encode() for weight in weights]
        for weight, value in weights.items():
            layer[weight] = value


def named(model):
    """Return the weights of a model by layer and by name, as Keras 2 called them."""
    return {
        layer.name: {f"{variable.path}:0": variable.numpy() for variable in layer.weights} for layer in model.layers
    }


def old_model(units=3):
    return Sequential([Input((5, 3)), layers.LSTM(units, name="read"), layers.Dense(2, name="say")], name="old")


def test_weights_by_order_and_by_name(tmp_path):
    model, other = old_model(), old_model()
    fill(model)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        put(file, named(model))
    other.load_weights(tmp_path / "w.h5")
    assert_the_same(model, other)
    renamed = Sequential([Input((5, 3)), layers.LSTM(3, name="read"), layers.Dense(4, name="new")])
    before = renamed.layers[1].get_weights()
    renamed.load_weights(tmp_path / "w.h5", by_name=True)
    for got, wanted in zip(renamed.layers[0].get_weights(), model.layers[0].get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(renamed.layers[1].get_weights()[0], before[0])


def test_what_does_not_fit_is_skipped_if_that_is_wanted(tmp_path):
    model, other = old_model(), old_model(4)
    fill(model)
    fill(other)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        put(file, named(model))
    model.save_weights(tmp_path / "m.weights.h5")
    before = other.get_weights()
    for name in ("w.h5", "m.weights.h5"):
        with pytest.raises(ValueError, match=rf"{name}.* must have .*shape"):
            other.load_weights(tmp_path / name)
        with pytest.warns(UserWarning, match=rf"{name}: .* skipped: \["):
            other.load_weights(tmp_path / name, skip_mismatch=True)
        for got, wanted in zip(other.get_weights()[:3], before[:3], strict=True):
            np.testing.assert_array_equal(got, wanted)


def of_dense(width):
    """Return a model whose last kernel depends on the width, and its bias does not."""
    return Sequential([Input((3,)), layers.Dense(width, name="wide"), layers.Dense(1, name="say")])


@pytest.mark.parametrize("name", ["m.h5", "m.weights.h5", "m.keras"])
def test_what_is_skipped_is_a_layer_or_in_files_of_keras_2_a_weight(tmp_path, name):
    """As Keras has it: a layer that fits in part is left out, or is filled in part."""
    model, other = of_dense(2), of_dense(4)
    for part, value in ((model, 1.0), (other, 0.0)):
        part.set_weights([np.full_like(array, value) for array in part.get_weights()])
    (model.save_weights if "weights" in name else model.save)(tmp_path / name)
    with pytest.warns(UserWarning, match=r"what does not fit the model is skipped: \['[a-z_/]+', '[a-z_/0-9]+'\]$"):
        other.load_weights(tmp_path / name, skip_mismatch=True)
    assert [array.sum() for array in other.get_weights()] == [0, 0, 0, 1 if name == "m.h5" else 0]


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_layers_of_cudnn(kind, tmp_path):
    """Their kernels are transposed gate by gate, and their bias is two of one."""
    gates, units = {"LSTM": 4, "GRU": 3}[kind], 4
    model = Sequential([Input((5, 3)), getattr(layers, kind)(units, name="r")])
    fill(model)
    kernel, recurrent, bias = model.get_weights()
    if kind == "LSTM":
        bias = np.stack([bias / 4, bias * 3 / 4])
    saved = [
        np.hstack([part.reshape(part.shape[::-1], order="F").T for part in np.hsplit(kernel, gates)]),
        np.hstack([part.T for part in np.hsplit(recurrent, gates)]),
        bias.reshape(-1),
    ]
    saved[0] = np.hstack([part.T.reshape(part.shape) for part in np.hsplit(kernel, gates)])
    with h5py.File(tmp_path / "w.h5", "w") as file:
        put(file, {"cu_dnn": {f"r/{k}:0": value for k, value in enumerate(saved)}})
    other = Sequential([Input((5, 3)), getattr(layers, kind)(units)])
    other.load_weights(tmp_path / "w.h5")
    for got, wanted in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-7)


@pytest.mark.parametrize(("kind", "order"), [("LSTM", (0, 2, 1, 3)), ("GRU", (0, 1, 2))])
def test_cells_of_keras_1(kind, order, tmp_path):
    """They have a matrix for each gate, those of an LSTM as i, c, f, o."""
    options = {"reset_after": False} if kind == "GRU" else {}
    model = Sequential([Input((5, 3)), getattr(layers, kind)(4, name="r", **options)])
    fill(model)
    parts = [np.split(weight, len(order), axis=-1) for weight in model.get_weights()]
    saved = {f"r_{gate}_{k}": part[gate] for gate in order for k, part in enumerate(parts)}
    with h5py.File(tmp_path / "w.h5", "w") as file:
        put(file, {"lstm_1": saved}, "1.2.2")
    other = Sequential([Input((5, 3)), getattr(layers, kind)(4, **options)])
    other.load_weights(tmp_path / "w.h5")
    for got, wanted in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_a_model_of_keras_2(tmp_path):
    """With the old optimizer, whose slots of a kind lie together and whose rate is in the config alone."""
    config = {
        "class_name": "Sequential",
        "config": {
            "name": "old",
            "layers": [
                {
                    "class_name": "LSTM",
                    "config": {
                        **{"name": "read", "batch_input_shape": [None, 5, 3], "units": 3, "implementation": 2},
                        **{"activation": "tanh", "recurrent_activation": "hard_sigmoid", "time_major": False},
                    },
                },
                {"class_name": "Dense", "config": {"name": "say", "units": 2, "activation": "linear"}},
            ],
        },
        "keras_version": "2.4.0",
        "backend": "tensorflow",
    }
    training = {
        "loss": "mse",
        "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "mae", "fn": "mean_absolute_error"}}]],
        "weighted_metrics": None,
        "loss_weights": None,
        "optimizer_config": {"class_name": "Adam", "config": {"name": "Adam", "lr": 0.02, "decay": 0.0}},
    }
    model = old_model()
    fill(model)
    slots = [np.full(v.shape, 0.1 * k, np.float32) for k in (1, 2) for v in model.weights]
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"], file.attrs["training_config"] = json.dumps(config), json.dumps(training).encode()
        file.attrs["keras_version"] = "2.4.0"
        put(file.create_group("model_weights"), named(model))
        group = file.create_group("optimizer_weights")
        names = ["training/Adam/iterations:0", *(f"training/Adam/{k}:0" for k in range(len(slots)))]
        group.attrs["weight_names"] = [name.encode() for name in names]
        for name, value in zip(names, [np.int64(7), *slots], strict=True):
            group[name] = value
    other = models.load_model(tmp_path / "m.h5")
    assert other.optimizer.iterations == 7
    assert float(other.optimizer.learning_rate) == 0.02
    assert [float(slot.flat[0]) for slot in other.optimizer.get_weights()[2:4]] == pytest.approx([0.1, 0.2])
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    hard = Sequential([Input((5, 3)), layers.LSTM(3, recurrent_activation="hard_sigmoid_keras2"), layers.Dense(2)])
    hard.set_weights(model.get_weights())
    np.testing.assert_array_equal(other.predict(x, verbose=0), hard.predict(x, verbose=0))
    assert list(other.evaluate(x, np.zeros((4, 2)), verbose=0, return_dict=True)) == ["loss", "mae"]


# --- Files that Keras wrote -------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parents[1] / "golden" / "keras_files.npz"


@pytest.mark.parametrize("name", SAVED)
def test_files_of_keras(name, tmp_path):
    with np.load(GOLDEN) as kept:
        file, predictions, losses = (kept[f"{name}/{part}"] for part in ("file", "predictions", "losses"))
    (tmp_path / "m.keras").write_bytes(file.tobytes())
    model = models.load_model(tmp_path / "m.keras")
    x, y = data_for(model)
    np.testing.assert_allclose(model.predict(x, verbose=0), predictions, atol=1e-5)
    np.testing.assert_allclose(train(model, x, y), losses, rtol=1e-4)  # as curves of training agree


@pytest.mark.parametrize("name", ["w.weights.h5", "w.h5", "w.hdf5"])
def test_weights_alone(name, tmp_path):
    model, other = (MODELS["nested"](keras) for _ in range(2))
    fill(model)
    model.save_weights(tmp_path / name)
    other.load_weights(tmp_path / name)
    for got, wanted in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)
