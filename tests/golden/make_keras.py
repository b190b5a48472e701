"""Make ``keras_<program>.npz``: data, first weights, loss curves and last weights of each program, by Keras.

    python tests/golden/make_keras.py

The files here were made with Keras 3.15.1 on TensorFlow 2.21.0 and NumPy 2.4.6, on one thread; each file repeats the
versions that made it. The same versions give the same curves. Nothing in a file is a pickle.

Keys: ``x y x_val y_val`` and, in one program, ``sample_weight``; ``first_<k>`` and ``last_<k>``, the k-th array of
``model.get_weights()`` before and after; ``history_<name>``, one value an epoch; ``versions``.
"""

import os
import sys
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import keras
import numpy as np
import tensorflow as tf
from programs import PROGRAMS

HERE = Path(__file__).parent


def run(program, seed):
    """Train once and return everything a file keeps."""
    keras.utils.set_random_seed(seed)
    kept = program.data(np.random.default_rng(seed))
    model = program.build(keras)
    first = model.get_weights()
    history = program.train(model, kept)
    last = model.get_weights()
    kept |= {f"first_{k}": weights for k, weights in enumerate(first)}
    kept |= {f"last_{k}": weights for k, weights in enumerate(last)}
    kept |= {f"history_{name}": np.array(curve) for name, curve in history.items()}
    kept["versions"] = np.array(
        [f"keras {keras.__version__}", f"tensorflow {tf.__version__}", f"numpy {np.__version__}"]
    )
    return kept


def main(names):
    """Write the files of the named programs, or of all."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    for seed, (name, program) in enumerate(PROGRAMS.items()):
        if not names or name in names:
            kept = run(program, seed)
            np.savez_compressed(HERE / f"keras_{name}.npz", **kept)
            print(f"{name:14}", *(f"{key[8:]} {kept[key].round(4)}" for key in kept if key.startswith("history_")))


if __name__ == "__main__":
    main(sys.argv[1:])
