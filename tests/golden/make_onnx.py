"""Make ``onnx_recurrent.npz``: outputs of recurrent nodes of ONNX in float32, by onnxruntime.

    PYTHONPATH=tests python tests/golden/make_onnx.py

The file here was made with onnxruntime 1.32.0, onnx 1.23.2 and NumPy 2.4.6 on the CPU; it repeats the versions that
made it. Nothing in it is a pickle.

Keys are ``<case>/<array>``, cases ``<op>_<what is tried>``: the inputs and outputs of the node in ONNX' names and
layouts (see ``onnx_nodes.py``) and ``attributes``, as JSON.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx_nodes import activation_attributes, random_node, run_onnxruntime

HERE = Path(__file__).parent
SIZE = (4, 3, 2, 3)  # T, N, I, H

LSTM_FUNCTIONS = [("HardSigmoid", 0.3, 0.4), ("ScaledTanh", 1.3, 0.6), ("LeakyRelu", 0.3, 0.0)]
GRU_FUNCTIONS = [("Sigmoid", 0.0, 0.0), ("Elu", 0.8, 0.0), ("HardSigmoid", 0.3, 0.4), ("Affine", 0.7, 0.1)]
RNN_FUNCTIONS = [("ThresholdedRelu", 0.2, 0.0), ("Softsign", 0.0, 0.0)]

CASES = {
    "lstm_peepholes": ("LSTM", {"peepholes": True, "direction": "bidirectional"}),
    "lstm_clip_peepholes": ("LSTM", {"peepholes": True, "clip": 0.4}),
    "lstm_clip_large_c": ("LSTM", {"clip": 0.2, "scale": 2.0, "direction": "reverse"}),
    "lstm_coupled": ("LSTM", {"input_forget": 1, "direction": "reverse"}),
    "lstm_coupled_peepholes": ("LSTM", {"input_forget": 1, "peepholes": True}),
    "lstm_functions": ("LSTM", activation_attributes(LSTM_FUNCTIONS)),
    "gru_clip_before": ("GRU", {"clip": 0.3, "direction": "reverse"}),
    "gru_clip_after": ("GRU", {"clip": 0.3, "linear_before_reset": 1}),
    "gru_functions": (
        "GRU",
        {"direction": "bidirectional", "linear_before_reset": 1, **activation_attributes(GRU_FUNCTIONS)},
    ),
    "rnn_clip_functions": ("RNN", {"direction": "bidirectional", "clip": 0.5, **activation_attributes(RNN_FUNCTIONS)}),
}


def main():
    """Write the file."""
    kept = {}
    for seed, (case, (op, options)) in enumerate(CASES.items()):
        node = random_node(op, SIZE, seed, **options)
        arrays = node.inputs | run_onnxruntime(node) | {"attributes": np.array(json.dumps(node.attributes))}
        kept |= {f"{case}/{name}": array for name, array in arrays.items()}
    modules = {"onnxruntime": onnxruntime, "onnx": onnx, "numpy": np}
    kept["versions"] = np.array([f"{name} {module.__version__}" for name, module in modules.items()])
    np.savez_compressed(HERE / "onnx_recurrent.npz", **kept)


if __name__ == "__main__":
    main()
