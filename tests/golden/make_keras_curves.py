"""Make ``keras_curves.json``: curves of trainings with every optimizer and loss that Keras has.

    python tests/golden/make_keras_curves.py

The file here was made with Keras 3.15.1 on TensorFlow 2.21.0. `curves.py` says what is trained.
"""

import json
import os
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import curves
import keras


def main():
    """Write the file."""
    lines = (f"{json.dumps(name)}: {json.dumps(found)}" for name, found in curves.curves(keras).items())
    (Path(__file__).parent / "keras_curves.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
