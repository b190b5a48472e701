"""Make ``onnx_node_tests.npz``: the tests that the package onnx has for its operators LSTM, GRU and RNN.

    python tests/golden/make_onnx_node_tests.py

The file here was made with onnx 1.23.2. Keys are ``<test>/model``, the bytes of the model, and ``<test>/inputs/<k>``
and ``<test>/outputs/<k>``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx.backend.test.case.node import collect_testcases

OPERATORS = {"LSTM", "GRU", "RNN"}


def main() -> None:
    """Write the file."""
    kept = {}
    for case in collect_testcases():
        if {node.op_type for node in case.model.graph.node} <= OPERATORS:
            kept[f"{case.name}/model"] = np.frombuffer(case.model.SerializeToString(), np.uint8)
            inputs, outputs = case.data_sets[0]
            for kind, arrays in (("inputs", inputs), ("outputs", outputs)):
                kept |= {f"{case.name}/{kind}/{k}": np.asarray(array) for k, array in enumerate(arrays)}
    np.savez_compressed(Path(__file__).parent / "onnx_node_tests.npz", **kept)


if __name__ == "__main__":
    main()
