"""Make ``keras_graph_<program>.npz``: what Keras makes of each program in ``graphs.py``.

    python tests/golden/make_keras_graphs.py

The files here were made with Keras 3.15.1 on TensorFlow 2.21.0 and NumPy 2.4.6, on one thread; each file repeats the
versions that made it. The same versions give the same curves. Nothing in a file is a pickle.

Keys: ``data_<name>``, what the program drew; ``first_<k>`` and ``last_<k>``, the k-th array of ``model.get_weights()``
before and after; ``untrained_<k>``, the k-th output of the model with its first weights for the rows held back;
``history_<name>``, one value an epoch; ``after_<name>``, what was computed with the last weights; ``is_<name>``, what
the model is made of, in words and numbers; ``versions``.
"""

import os
import sys
from pathlib import Path

# The width of a terminal limits what summary() prints.
os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "200"}

import keras
import numpy as np
import tensorflow as tf
from graphs import GRAPHS, structure, texts

HERE = Path(__file__).parent


def run(graph, seed):
    """Train once and return everything a file keeps."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    arrays = graph.draw(rng)
    model = graph.compiled(keras)
    # No weight starts at zero, as biases would: a gradient that goes astray between them would not show.
    model.set_weights([w + rng.normal(0, 0.1, w.shape).astype(w.dtype) for w in model.get_weights()])
    kept = structure(model) | texts(graph, model)
    kept = {f"is_{name}": value for name, value in kept.items()} | {f"data_{name}": a for name, a in arrays.items()}
    kept |= numbered("first", model.get_weights()) | numbered("untrained", graph.predict(model, arrays))
    history = graph.train(model, arrays)
    kept |= {f"history_{name}": np.array(curve) for name, curve in history.items()}
    kept |= numbered("last", model.get_weights())
    kept |= {f"after_{name}": array for name, array in graph.after(keras, model, arrays).items()}
    kept["versions"] = np.array(
        [f"keras {keras.__version__}", f"tensorflow {tf.__version__}", f"numpy {np.__version__}"]
    )
    return kept


def numbered(name, arrays):
    return {f"{name}_{k}": np.asarray(array) for k, array in enumerate(arrays)}


def main(names):
    """Write the files of the named programs, or of all."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    for seed, (name, graph) in enumerate(GRAPHS.items()):
        if not names or name in names:
            kept = run(graph, seed)
            np.savez_compressed(HERE / f"keras_graph_{name}.npz", **kept)
            print(f"{name:26}", *(f"{key[8:]} {kept[key].round(4)}" for key in kept if key.startswith("history_")))


if __name__ == "__main__":
    main(sys.argv[1:])
