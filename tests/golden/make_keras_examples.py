"""Make ``keras_examples.json``: the losses that the programs of ``examples/`` have with Keras.

    python tests/golden/make_keras_examples.py

The file here was made with Keras 3.15.1 on TensorFlow 2.21.0. `example_runs.py` says how the programs are run.
"""

import json
import os
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import example_runs
import keras


def main():
    """Write the file."""
    found = {name: example_runs.curves(name, keras, "tensorflow", today=True) for name in example_runs.NAMES}
    lines = (f"{json.dumps(name)}: {json.dumps(curves)}" for name, curves in found.items())
    (Path(__file__).parent / "keras_examples.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
