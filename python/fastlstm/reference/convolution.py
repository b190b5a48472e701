"""Convolution over time: every output step is a sum over a window of input steps.

Letters: ``K`` taps, ``C`` inputs and ``F`` outputs, in `groups` of which each sees its own inputs alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array


class Taps(NamedTuple):
    """Where the windows lie: ``w`` has its taps at the steps ``w * stride + tap * dilation`` of the padded input.

    `before` and `behind` are numbers of steps of zeros around a sequence.
    """

    before: int = 0
    behind: int = 0
    stride: int = 1
    dilation: int = 1

    def windows(self, steps: int, taps: int) -> int:
        """Return the number of windows that fit."""
        room = self.before + steps + self.behind - (taps - 1) * self.dilation - 1
        return max(room // self.stride + 1, 0)

    def places(self, windows: int, taps: int) -> list[slice]:
        """Return, for each tap, which steps of the padded input it meets."""
        starts = (tap * self.dilation for tap in range(taps))
        return [slice(start, start + windows * self.stride, self.stride) for start in starts]


PLAIN = Taps()
"""One window at each step that has room for it."""


class ConvolutionGradients(NamedTuple):
    """Gradients of a scalar with respect to everything that went into a convolution, each in its shape."""

    x: Array
    kernel: Array
    bias: Array


def convolution(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, taps: Taps = PLAIN, groups: int = 1
) -> Array:
    """Return ``bias + sum over taps of (step under the tap) @ kernel[tap]`` for every window.

    Parameters
    ----------
    x : array_like
        Sequences ``(N, T, C)``.
    kernel : array_like
        ``(K, C / groups, F)``.
    bias : array_like, optional
        ``(F,)``; None is zeros.
    taps : Taps
        Where the windows lie.
    groups : int
        Number of equal parts of inputs, and of outputs.

    Returns
    -------
    ndarray
        ``(N, windows, F)``.
    """
    x, kernel = np.asarray(x, np.float64), np.asarray(kernel, np.float64)
    windows = taps.windows(x.shape[1], len(kernel))
    y = np.zeros((len(x), windows, kernel.shape[2]))
    y += 0 if bias is None else np.asarray(bias, np.float64)
    padded = _padded(x, taps)
    for place, tap in zip(taps.places(windows, len(kernel)), kernel, strict=True):
        for inputs, outputs in _groups(x.shape[2], kernel.shape[2], groups):
            y[..., outputs] += padded[:, place, inputs] @ tap[:, outputs]
    return y


def convolution_backward(
    dy: ArrayLike, x: ArrayLike, kernel: ArrayLike, taps: Taps = PLAIN, groups: int = 1
) -> ConvolutionGradients:
    """Return the gradients of ``sum(dy * convolution(x, kernel, bias, taps, groups))``."""
    dy, x, kernel = (np.asarray(array, np.float64) for array in (dy, x, kernel))
    padded = _padded(x, taps)
    dpadded, dkernel = np.zeros_like(padded), np.zeros_like(kernel)
    for tap, place in enumerate(taps.places(dy.shape[1], len(kernel))):
        for inputs, outputs in _groups(x.shape[2], kernel.shape[2], groups):
            dpadded[:, place, inputs] += dy[..., outputs] @ kernel[tap, :, outputs].T
            dkernel[tap, :, outputs] = np.einsum("ntc,ntf->cf", padded[:, place, inputs], dy[..., outputs])
    dx = dpadded[:, taps.before : taps.before + x.shape[1]]
    return ConvolutionGradients(dx, dkernel, dy.sum(axis=(0, 1)))


def _padded(x: Array, taps: Taps) -> Array:
    return np.pad(x, ((0, 0), (taps.before, taps.behind), (0, 0)))


def _groups(inputs: int, outputs: int, groups: int) -> Iterator[tuple[slice, slice]]:
    """Yield the inputs and the outputs of each group."""
    i, o = inputs // groups, outputs // groups
    for group in range(groups):
        yield slice(group * i, (group + 1) * i), slice(group * o, (group + 1) * o)
