"""Print how far layers of each precision are from float64: the tables of ``docs/reduced-precision.md``.

Weights are uniform in ``1/sqrt(H)`` and inputs normal. The error is that of the outputs of all steps of 16 sequences,
the largest and the root of the mean square, against the same layer in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import fastlstm as fl

LAYERS: dict[str, Any] = {"LSTM": fl.LSTM, "GRU": fl.GRU, "RNN": fl.RNN}
SIZES = (32, 128, 512)
STEPS = (100, 1000)
PRECISIONS = ("float32", "bfloat16", "int8", "int16")
ROWS = 16


def main() -> None:
    """Print the table."""
    names = [f"{precision}, T={T}" for precision in PRECISIONS for T in STEPS]
    print("| layer |", " | ".join(names), "|")
    print("|---|" + "---:|" * len(names))
    for kind in LAYERS:
        for size in SIZES:
            cells = [cell for precision in PRECISIONS for cell in _cells(kind, size, precision)]
            print(f"| {kind} H={size} |", " | ".join(cells), "|")


def _cells(kind: str, size: int, precision: str) -> list[str]:
    """Return the errors over the first steps of one run, for each of `STEPS`."""
    wanted, found = _outputs(kind, size, "float64", ""), _outputs(kind, size, "float32", precision)
    errors = np.abs(found - wanted)
    return [f"{errors[:T].max():.1e} / {np.sqrt(np.mean(errors[:T] ** 2)):.1e}" for T in STEPS]


def _outputs(kind: str, size: int, dtype: str, precision: str) -> Any:
    drawn = LAYERS[kind](size, size, seed=size).state_dict()  # in float32, which is exact in float64
    layer = LAYERS[kind](size, size, dtype=dtype)
    layer.load_state_dict(drawn)
    if precision.startswith("int"):
        layer.quantize("int8", activations=precision)
    elif precision == "bfloat16":
        layer.quantize(precision)
    x = np.random.default_rng(0).standard_normal((max(STEPS), ROWS, size)).astype("float32")
    return layer(x.astype(dtype))[0]


if __name__ == "__main__":
    main()
