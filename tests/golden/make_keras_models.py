"""Make ``keras_models.json``: what Keras says of the models of ``described_models.py``, and what they say.

    python tests/golden/make_keras_models.py

The file here was made with Keras 3.15.1 on TensorFlow 2.21.0. Of every model it has ``model``, what ``to_json`` gives;
``outputs``, for the weights and data that ``described_models.py`` makes; ``layers`` and ``paths``, the names of layers
and weights.
"""

import json
import os
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import keras
import numpy as np
from described_models import MODELS, fill, outputs


def kept(build):
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


def main():
    """Write the file."""
    found = {name: kept(build) for name, build in MODELS.items()}
    text = json.dumps(found, separators=(",", ":"))
    (Path(__file__).parent / "keras_models.json").write_text(text.replace('{"model"', '\n{"model"') + "\n")


if __name__ == "__main__":
    main()
