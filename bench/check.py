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

# The same in reduced precision. A rounding to bfloat16 moves a number by 2^-9 of it, one to 8 bits by 2^-8 of the
# largest that shares its scale, and the recurrence, whose weights have a norm of 0.9 to 1.8 here, passes errors on for
# some steps. Of libraries that are right 0.018 was the most in bfloat16, by one that rounds states too, and 0.093 in
# int8, by one with a scale for a whole matrix. Products of 8 bits that saturate were found at 0.09 to 0.75; a forgotten
# bias and exchanged gates are further off.
REDUCED = {
    "bfloat16": {"step": 0.03, "forward": 0.03, "train": 0.03},
    "int8": {"step": 0.1, "forward": 0.1},
}


class WrongResultError(Exception):
    """A contender's numbers are not the problem's solution."""


def check(workload: Workload, outputs: Arrays, expected: Arrays, precision: str = "float32") -> float:
    """Give the largest relative error; raise `WrongResultError` for one beyond the tolerance or a missing array.

    What is said to be in a reduced precision and is as near as float32 was not computed in it, and is refused too.
    """
    allowed = REDUCED.get(precision, TOLERANCE)[workload.mode]
    worst = _largest_error(outputs, expected, allowed)
    if precision != "float32" and worst <= TOLERANCE[workload.mode]:
        raise WrongResultError(f"off by {worst:.1e} only: it was not computed in {precision}")
    return worst


def _largest_error(outputs: Arrays, expected: Arrays, allowed: float) -> float:
    worst = 0.0
    for name, wanted in expected.items():
        if name not in outputs:
            raise WrongResultError(f"{name} was not computed")
        got = np.asarray(outputs[name])
        if got.shape != wanted.shape:
            raise WrongResultError(f"{name} must have shape {wanted.shape}, got {got.shape}")
        error = float(np.abs(got - wanted).max() / max(1.0, np.abs(wanted).max()))
        if not error <= allowed:  # so that NaN fails too
            raise WrongResultError(f"{name} is off by {error:.1e}, allowed {allowed:.0e}")
        worst = max(worst, error)
    return worst
