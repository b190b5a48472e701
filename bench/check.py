"""The check before the clock: what a contender computes against `expected.py`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from workloads import Workload

Arrays = Mapping[str, NDArray[np.floating]]

# Largest difference from the reference, relative to the largest magnitude in the array (at least 1). It lets every
# float32 implementation pass, approximate activations included, and none that computes in bf16 (4e-3) or TF32 (5e-4).
# Gradients sum over rows and steps. Losses are means over rows: float32 leaves them within 2e-6, bf16 weights move them
# by 1e-5 and a net with one bias more by 5e-4.
TOLERANCE = {"step": 1e-4, "forward": 1e-4, "train": 3e-4, "fit_step": 5e-6}


class WrongResultError(Exception):
    """A contender's numbers are not the problem's solution."""


def check(workload: Workload, outputs: Arrays, expected: Arrays) -> float:
    """Give the largest relative error; raise `WrongResultError` for one beyond the tolerance or a missing array."""
    worst = 0.0
    for name, wanted in expected.items():
        if name not in outputs:
            raise WrongResultError(f"{name} was not computed")
        got = np.asarray(outputs[name])
        if got.shape != wanted.shape:
            raise WrongResultError(f"{name} must have shape {wanted.shape}, got {got.shape}")
        error = float(np.abs(got - wanted).max() / max(1.0, np.abs(wanted).max()))
        if not error <= TOLERANCE[workload.mode]:  # so that NaN fails too
            raise WrongResultError(f"{name} is off by {error:.1e}, allowed {TOLERANCE[workload.mode]:.0e}")
        worst = max(worst, error)
    return worst
