"""What a training step has besides the layer: a softmax, cross-entropy and Adam, the same for everybody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from cases import Case
from numpy.typing import NDArray

CLASSES = 10
CHECKED_STEPS = 4  # losses compared before the clock; from the second on they show the updates
LEARNING_RATE, BETA_1, BETA_2 = 1e-3, 0.9, 0.999
EPSILON = 1e-10  # so small that it does not matter on which side of the bias correction a library adds it


@dataclass(frozen=True)
class Head:
    """The dense layer over the last step, and what it should say."""

    weight: NDArray[np.floating]  # (H, CLASSES)
    bias: NDArray[np.floating]  # (CLASSES,)
    labels: NDArray[np.int64]  # (N,)


def make_head(case: Case) -> Head:
    """Draw the head of a case, the same in every process."""
    rng = np.random.default_rng([case.T, case.N, case.I, case.H, CLASSES])
    weight = (case.H**-0.5 * rng.standard_normal((case.H, CLASSES))).astype("float32")
    return Head(weight, np.zeros(CLASSES, "float32"), rng.integers(0, CLASSES, case.N))
