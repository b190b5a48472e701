"""Make ``keras_2_files.npz``: files that Keras 2 wrote, what their models say, and how the training of them goes on.

    python tests/golden/make_keras_2_files.py

The files here were made with tf_keras 2.21.0 on TensorFlow 2.21.0. Of every model there are ``h5`` and ``keras``, the
bytes of the files, the second where the state of the optimizer is in it; ``x0``, ``x1`` and ``y0``, ``y1``, the data;
``predictions`` for them; and ``losses`` of the epochs that follow, with the ``names`` of what the history has.
"""

import os
import tempfile
from pathlib import Path

os.environ |= {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import numpy as np
import tf_keras as keras
from tf_keras import Input, Model, Sequential, layers, optimizers

ROWS, STEPS, FEATURES = 8, 5, 2
RNG = np.random.default_rng(0)


def masked():
    """Return a bidirectional reader of padded sentences, and its data."""
    embedding = layers.Embedding(6, 3, mask_zero=True, input_length=STEPS)
    model = Sequential([embedding, layers.Bidirectional(layers.LSTM(2)), layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    x = RNG.integers(1, 6, (ROWS, STEPS))
    x[::2, 3:] = 0
    return model, [x], [RNG.integers(0, 3, ROWS)]


def stacked():
    """Return GRUs of both kinds with an optimizer from before Keras 2.11, and their data."""
    first = layers.GRU(2, reset_after=False, recurrent_activation="hard_sigmoid", return_sequences=True)
    model = Sequential([Input((STEPS, FEATURES)), first, layers.GRU(2), layers.BatchNormalization(), layers.Dense(1)])
    model.compile(optimizers.legacy.RMSprop(0.01, centered=True, momentum=0.5, epsilon=1e-3), keras.losses.Huber(0.5))
    return model, [RNG.normal(size=(ROWS, STEPS, FEATURES))], [RNG.normal(size=(ROWS, 1))]


def graph():
    """Return a chain that a graph calls twice, with two outputs that have metrics, and its data."""
    inner = Sequential([Input((STEPS, FEATURES)), layers.LSTM(2)])
    a, b = Input((STEPS, FEATURES)), Input((STEPS, FEATURES))
    difference = layers.Subtract()([inner(a), inner(b)])
    outputs = [layers.Dense(1, name="far")(difference), layers.Dense(1, activation="sigmoid", name="near")(inner(b))]
    model = Model([a, b], outputs)
    model.compile(optimizers.Adam(0.01, amsgrad=True), ["logcosh", "binary_crossentropy"], metrics=[["mae"], ["acc"]])
    xs = [RNG.normal(size=(ROWS, STEPS, FEATURES)) for _ in range(2)]
    return model, xs, [RNG.normal(size=(ROWS, 1)), RNG.integers(0, 2, (ROWS, 1))]


MODELS = {"masked": masked, "stacked": stacked, "graph": graph}


def of_model(build):
    """Return what is kept of a model."""
    keras.utils.set_random_seed(1)
    model, xs, ys = build()
    xs, ys = ([array.astype("float32") for array in arrays] for arrays in (xs, ys))
    given = [arrays if len(arrays) > 1 else arrays[0] for arrays in (xs, ys)]
    options = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0}
    model.fit(*given, **options)
    found = {f"{name}{k}": array for name, arrays in (("x", xs), ("y", ys)) for k, array in enumerate(arrays)}
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("h5",) if isinstance(model.optimizer, optimizers.legacy.Optimizer) else ("h5", "keras"):
            path = Path(folder, f"m.{ending}")
            model.save(path)
            found[ending] = np.frombuffer(path.read_bytes(), np.uint8)
    outputs = model.predict(given[0], verbose=0)
    found["predictions"] = np.hstack(outputs if isinstance(outputs, list) else [outputs])
    history = model.fit(*given, **options).history
    return found | {"losses": history["loss"], "names": np.asarray(list(history))}


def main():
    """Write the file."""
    found = {f"{name}/{part}": value for name, build in MODELS.items() for part, value in of_model(build).items()}
    np.savez_compressed(Path(__file__).parent / "keras_2_files.npz", **found)


if __name__ == "__main__":
    main()
