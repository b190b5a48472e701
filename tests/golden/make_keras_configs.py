"""Make ``keras_configs.json``: the descriptions that Keras gives of the objects of ``configured.py``.

    python tests/golden/make_keras_configs.py

The file here was made with Keras 3.15.1.
"""

import json
import os
from operator import attrgetter
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import keras
from configured import MAKERS


def main():
    """Write the file."""
    descriptions = {}
    for place, make in MAKERS.items():
        module = attrgetter(place.rpartition(".")[0])(keras)
        descriptions[place] = module.serialize(make(keras))
    (Path(__file__).parent / "keras_configs.json").write_text(json.dumps(descriptions, indent=1) + "\n")


if __name__ == "__main__":
    main()
