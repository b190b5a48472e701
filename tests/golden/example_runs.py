"""The programs of ``examples/``, run with Keras or with this package, from weights that both can make.

``make_keras_examples.py`` keeps the curves of Keras, ``tests/keras/test_examples.py`` compares them.
"""

import contextlib
import io
import re
import warnings
from pathlib import Path
from unittest import mock

import numpy as np

FOLDER = Path(__file__).parents[2] / "examples"
TEXTS = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.py")}
WORKED = sorted(name for name, text in TEXTS.items() if "import showing" in text)
OTHERS = {name for name, text in TEXTS.items() if re.search(r"\b(fastlstm\.(sklearn|torch)|fastapi)\b", text)}
SHARED = {name for name in TEXTS if re.search(rf"^(import|from) {name}\b", "\n".join(TEXTS.values()), re.MULTILINE)}
NAMES = sorted(TEXTS.keys() - SHARED - OTHERS - set(WORKED))
"""Programs as users of Keras write them; worked examples, what they share, and others have tests of their own."""

OF_TODAY = {
    "keras_1_text": {
        "layers.convolutional import": "layers import",
        "layers.core import": "layers import",
        "layers.embeddings import": "layers import",
        "layers.recurrent import": "layers import",
        "utils.np_utils import": "utils import",
        'output_dim=12, input_length=maxlen, init="uniform"': 'output_dim=12, embeddings_initializer="uniform"',
        'nb_filter=12, filter_length=3, border_mode="same"': 'filters=12, kernel_size=3, padding="same"',
        "pool_length": "pool_size",
        'output_dim=12, init="glorot_uniform", inner_init="orthogonal", inner_activation="sigmoid"': "units=12",
        'output_dim=nb_classes, init="uniform"': "units=nb_classes",
        "SGD(lr=": "SGD(learning_rate=",
        "nb_epoch": "epochs",
        "model.predict_classes(texts[320:])": "model.predict(texts[320:]).argmax(axis=-1)",
    },
    "keras_2_adding": {
        "import Adam\n": "import Adam\nfrom fastlstm.keras.optimizers.schedules import InverseTimeDecay\n",
        "Adam(lr=0.01, decay=1e-3)": "Adam(InverseTimeDecay(0.01, 1, 1e-3))",
    },
    "stateful_forecast": {
        "import LSTM, Dense": "import LSTM, Dense, Input",
        "model.add(LSTM(20, stateful=True, return_sequences=True, batch_input_shape=(rows, piece, 1)))": (
            "model.add(Input(batch_shape=(rows, piece, 1)))\nmodel.add(LSTM(20, stateful=True, return_sequences=True))"
        ),
        "model.reset_states()": "model.layers[0].reset_states()",
    },
    "sliding_windows": {"fit_generator": "fit", "evaluate_generator": "evaluate", "predict_generator": "predict"},
}
"""Spellings that Keras 3 no longer takes, by program, and what stands for them today."""


def program(name, package, today):
    """Return the text of a program on `package`; `today`: in the spelling of Keras 3."""
    text = TEXTS[name]
    for old, new in OF_TODAY.get(name, {}).items() if today else ():
        assert old in text, old
        text = text.replace(old, new)
    return text.replace("fastlstm", package)


def curves(name, keras, package, today=False):
    """Return the losses of all epochs of all runs of `fit` in a program, by name; it says nothing."""
    found = []
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), fitting(keras, found):
        warnings.simplefilter("ignore")
        exec(compile(program(name, package, today), f"{name}.py", "exec"), {"__name__": name})
    return {key: [loss for run in found for loss in run[key]] for key in found[0] if "loss" in key}


@contextlib.contextmanager
def fitting(keras, found):
    """Let `fit` begin with weights that everybody can make and keep the order of rows; `found` gets its histories."""
    met, original = [], keras.Model.fit

    def fit(model, x, *args, **kwargs):
        if not any(model is other for other in met):
            met.append(model)
            fill(model, x)
        history = original(model, x, *args, **{**kwargs, "shuffle": False, "verbose": 0})
        found.append({key: [float(value) for value in values] for key, values in history.history.items()})
        return history

    with mock.patch.object(keras.Model, "fit", fit):
        yield


def fill(model, x):
    """Give a model its weights: normal numbers that keep sums of inputs near one; means and variances as they begin."""
    if not model.built:
        model(np.asarray(x[:1]))
    rng = np.random.default_rng(0)
    for variable in model.weights:
        drawn = rng.normal(size=variable.shape) / np.sqrt(max(np.prod(variable.shape[:-1]), 10))
        if "moving_" not in variable.name:
            variable.assign(drawn.astype("float32"))
