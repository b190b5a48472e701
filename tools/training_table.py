"""Print the accuracy of nets trained in float32 and in bfloat16: a table of ``docs/reduced-precision.md``.

The nets are those of ``python -m fastlstm demo``, each trained from ten seeds. The last epoch counts.
"""

from __future__ import annotations

import numpy as np

from fastlstm import demo
from fastlstm.keras import layers, mixed_precision

SEEDS, EPOCHS = range(10), 20
POLICIES = ("float32", "mixed_bfloat16")
LAYERS = (layers.LSTM, layers.GRU, layers.SimpleRNN)


def main() -> None:
    """Print the table."""
    print("| layer | dtype | test accuracy, mean of ten seeds | lowest | highest |")
    print("|---|---|---:|---:|---:|")
    for layer in LAYERS:
        for policy in POLICIES:
            found = np.array([accuracy(layer, policy, seed) for seed in SEEDS])
            figures = " | ".join(f"{100 * figure:.1f} %" for figure in (found.mean(), found.min(), found.max()))
            print(f"| {layer.__name__} | `{policy}` | {figures} |", flush=True)


def accuracy(layer: type, policy: str, seed: int) -> float:
    """Train a net of the demo; return the share of right answers on the test set."""
    mixed_precision.set_global_policy(policy)
    try:
        run = demo._train(layer, demo._standardised_vowels(), EPOCHS, seed, verbose=0)
    finally:
        mixed_precision.set_global_policy("float32")
    return float(run.history["val_accuracy"][-1])


if __name__ == "__main__":
    main()
