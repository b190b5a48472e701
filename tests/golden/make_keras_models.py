"""Make ``keras_models.json``, ``keras_layers.json`` and ``keras_summaries.json``: what Keras says of models and layers.

    python tests/golden/make_keras_models.py

The files here were made with Keras 3.15.1 on TensorFlow 2.21.0. Of every model of ``described_models.py`` there is
``model``, what ``to_json`` gives; ``outputs``, for the weights and data that are made there; ``layers`` and ``paths``,
the names of layers and weights. Of some there are the tables that ``summary`` prints. Of every layer of
``described_layers.py`` there is ``layer``, its description, and ``called``, what is known of a call.
"""

import json
import os
from pathlib import Path

# The width of a terminal limits what summary() prints.
os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "200"}

import described_layers
import keras
import numpy as np
from described_models import MODELS, TABLES, fill, outputs, summaries


def of_model(build):
    """Return what is kept of a model."""
    keras.utils.clear_session()
    model = build(keras)
    fill(model)
    found = [np.round(np.asarray(output, "float64"), 7).tolist() for output in outputs(model)]
    return {
        "model": json.loads(model.to_json()),
        "outputs": found,
        "layers": [layer.name for layer in model.layers],
        "paths": [weight.path for weight in model.weights],
    }


def of_layer(name, make):
    """Return what is kept of a layer."""
    keras.utils.clear_session()
    layer = make(keras.layers)
    described = keras.saving.serialize_keras_object(layer)
    return {"layer": described, "called": described_layers.called(keras, name, layer)}


def of_table(name):
    """Return the tables of a model."""
    keras.utils.clear_session()
    return summaries(MODELS[name](keras))


def write(name, found):
    """Write a file with a line for each entry."""
    values = {key: json.dumps(value, separators=(",", ":"), ensure_ascii=False) for key, value in found.items()}
    lines = (f"{json.dumps(key)}:{value}" for key, value in values.items())
    (Path(__file__).parent / name).write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    """Write the files."""
    write("keras_models.json", {name: of_model(build) for name, build in MODELS.items()})
    write("keras_summaries.json", {name: of_table(name) for name in TABLES})
    write("keras_layers.json", {name: of_layer(name, make) for name, make in described_layers.MAKERS.items()})


if __name__ == "__main__":
    main()
