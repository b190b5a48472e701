"""Files that Keras 2 wrote: equal predictions, and training that goes on."""

import io
import json
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers, models

h5py = pytest.importorskip("h5py")

GOLDEN = Path(__file__).parents[1] / "golden" / "keras_2_files.npz"
FILES = ("masked.h5", "masked.keras", "stacked.h5", "graph.h5", "graph.keras")


@pytest.fixture(name="file", params=FILES)
def _file(request):
    """Return what is kept of a model, and the ending of one of its files."""
    model, ending = request.param.split(".")
    with np.load(GOLDEN) as found:
        return {name.partition("/")[2]: found[name] for name in found.files if name.startswith(f"{model}/")}, ending


def arrays(kept, kind):
    found = [kept[name] for name in (f"{kind}0", f"{kind}1") if name in kept]
    return found if len(found) > 1 else found[0]


def loaded(file, path):
    kept, ending = file
    path = path / f"m.{ending}"
    path.write_bytes(kept[ending].tobytes())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return models.load_model(path)


def test_predictions(file, tmp_path):
    kept, _ = file
    outputs = loaded(file, tmp_path).predict(arrays(kept, "x"), verbose=0)
    found = np.hstack(outputs if isinstance(outputs, list) else [outputs])
    np.testing.assert_allclose(found, kept["predictions"], atol=1e-5)


def test_training_goes_on(file, tmp_path):
    kept, _ = file
    model = loaded(file, tmp_path)
    x, y = arrays(kept, "x"), arrays(kept, "y")
    history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["loss"], kept["losses"], rtol=1e-4)
    assert set(history) == set(kept["names"].tolist())


def test_models_are_kept_as_today(file, tmp_path):
    model, x = loaded(file, tmp_path), arrays(file[0], "x")
    model.save(tmp_path / "again.keras")
    again = models.load_model(tmp_path / "again.keras")
    assert again.optimizer.iterations == model.optimizer.iterations
    pairs = zip(again.predict_on_batch(x), model.predict_on_batch(x), strict=True)
    for got, wanted in pairs:
        np.testing.assert_array_equal(got, wanted)


def as_of_keras_2(path, change):
    """Let a file say that Keras 2 wrote it; `change` gets what it is compiled with and the state of the optimizer."""
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    config, memory = json.loads(parts["config.json"]), io.BytesIO(parts["model.weights.h5"])
    with h5py.File(memory, "a") as file:
        state = [file[f"optimizer/vars/{k}"][()] for k in range(len(file["optimizer/vars"]))]
        del file["optimizer"]
        for k, array in enumerate(change(config["compile_config"], state)):
            file[f"optimizer/vars/{k}"] = array
    changed = {"config.json": json.dumps(config), "metadata.json": '{"keras_version": "2.15.0"}'}
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in (parts | changed | {"model.weights.h5": memory.getvalue()}).items():
            packed.writestr(name, content)


def trained(optimizer):
    """Return a model after some steps, and the data it learns."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 5, 2)).astype("float32"), rng.normal(size=(8, 1)).astype("float32")
    model = Sequential([Input((5, 2)), layers.LSTM(2, seed=0), layers.Dense(1)])
    model.compile(optimizer, "mse")
    model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return model, x, y


def without_placeholders(settings, state):
    return [state[0], *(array for array in state[2:] if array.shape)]


def test_adafactor_has_no_placeholders(tmp_path):
    """For the rows and columns of vectors."""
    model, x, y = trained("adafactor")
    model.save(tmp_path / "m.keras")
    as_of_keras_2(tmp_path / "m.keras", without_placeholders)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = models.load_model(tmp_path / "m.keras")
    curves = [one.fit(x, y, epochs=3, shuffle=False, verbose=0).history["loss"] for one in (model, again)]
    np.testing.assert_array_equal(*curves)


def without_state(settings, state):
    settings["optimizer"]["module"] = "keras.optimizers.legacy"
    return []


def test_a_legacy_optimizer_is_not_kept(tmp_path):
    trained("adam")[0].save(tmp_path / "m.keras")
    as_of_keras_2(tmp_path / "m.keras", without_state)
    said = r"m.keras: model.weights.h5 has no state of the optimizer: Adam begins anew; Keras 2 keeps that of a legacy"
    with pytest.warns(UserWarning, match=said) as found:
        model = models.load_model(tmp_path / "m.keras")
    assert found[0].filename == __file__
    assert model.optimizer.iterations == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models.load_model(tmp_path / "m.keras", compile=False)


def test_the_momentum_of_nadam_is_another(tmp_path):
    trained("nadam")[0].save(tmp_path / "m.keras")
    as_of_keras_2(tmp_path / "m.keras", lambda settings, state: [state[0], *state[2:-1]])
    said = r"Keras 2 lets the momentum of Nadam grow in another way, .* model.compile\(\) with a new optimizer begins"
    with pytest.warns(UserWarning, match=said):
        model = models.load_model(tmp_path / "m.keras")
    assert model.optimizer.iterations == 4


def metric(name):
    return {"class_name": "MeanAbsoluteError", "module": "keras.metrics", "config": {"name": name}}


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ([[metric("a_one")], [metric("b_two"), "mse"]], ["a_one", "b_mse", "b_two"]),
        ({"a": metric("a_one"), "b": ["mse", metric("b_two")]}, ["a_one", "b_mse", "b_two"]),
        ({"b": [metric("b_b_two")]}, ["b_b_two"]),
        (["mse"], ["a_mse", "b_mse"]),
        ([metric("one"), "mse"], ["a_mse", "a_one", "b_mse", "b_one"]),
        ([[metric("a_one")], [None]], ["a_one"]),
        ([[metric("a_one")], None], ["a_one"]),
    ],
)
@pytest.mark.parametrize("argument", ["metrics", "weighted_metrics"])
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_metrics_of_several_outputs(tmp_path, ending, argument, metrics, names):
    """Their names begin with those of the outputs once, as in the training before; a plain list is for every output."""
    x, path = Input((3,)), tmp_path / f"m.{ending}"
    model = Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", "mse")
    model.save(path)
    if ending == "keras":
        as_of_keras_2(path, lambda settings, state: settings.update({argument: metrics}) or state[:1])
    else:
        with h5py.File(path, "a") as file:
            settings = json.loads(file.attrs["training_config"]) | {argument: metrics}
            file.attrs.update({"training_config": json.dumps(settings), "keras_version": "2.15.0"})
    again = models.load_model(path)
    history = again.fit(np.ones((4, 3)), [np.ones((4, 1))] * 2, verbose=0).history
    assert sorted(set(history) - {"loss", "a_loss", "b_loss"}) == names
