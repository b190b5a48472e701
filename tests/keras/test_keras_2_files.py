"""Files that Keras 2 wrote: equal predictions, and training that goes on."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from fastlstm.keras import models

pytest.importorskip("h5py")

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
