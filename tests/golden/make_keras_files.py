"""Make ``keras_files.npz``: files that Keras wrote, what their models say, and how the training of them goes on.

    python tests/golden/make_keras_files.py

The files here were made with Keras 3.15.1 on TensorFlow 2.21.0. Of every model of ``saved_models.py`` there are
``file``, the bytes of the ``.keras``, packed again with compression; ``predictions`` for the data there; and ``losses``
of the epochs that follow.
"""

import os
import tempfile
import zipfile
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import keras
import numpy as np
from saved_models import SAVED, data_for, train


def packed(model):
    """Return the bytes of the file of a model."""
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder, "m.keras"), Path(folder, "small.keras")
        model.save(path)
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                target.writestr(name, source.read(name))
        return np.frombuffer(small.read_bytes(), np.uint8)


def main():
    """Write the file."""
    found = {}
    for name, build in SAVED.items():
        keras.utils.clear_session()
        keras.utils.set_random_seed(1)
        model = build(keras)
        x, y = data_for(model)
        train(model, x, y)
        found[f"{name}/file"] = packed(model)
        found[f"{name}/predictions"] = model.predict(x, verbose=0)
        found[f"{name}/losses"] = np.asarray(train(model, x, y))
    np.savez_compressed(Path(__file__).parent / "keras_files.npz", **found)


if __name__ == "__main__":
    main()
