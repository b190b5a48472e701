"""The cell of a convolutional LSTM in NumPy: its products are convolutions along positions.

Positions and features lie side by side in one axis outside of this module, as other cells have their features.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...activations import ActivationFunction
from ...foundation import core
from ...foundation.arrays import Array
from ..convolution.adjoint import Adjoint
from ..windows import Windows
from .equations import lstm
from .loop import StepPullback
from .states import States, tree_map


class Convolved:
    """A convolution of sequences of a known number of positions, and its way back.

    Parameters
    ----------
    kernel : ndarray
        ``(taps, inputs, outputs)``.
    windows : Windows
        Where its windows are.
    positions : int
        Number of positions of an input.
    bias : ndarray, optional
        ``(outputs,)``, or None.
    """

    def __init__(self, kernel: Array, windows: Windows, positions: int, bias: Array | None = None) -> None:
        self.kernel, self.windows = kernel, windows
        self._before, _ = windows.ends(positions)
        self._positions, self.count = positions, windows.number_in(positions, "conv_lstm_cell")
        self._packed = core.Convolution(kernel, bias)

    def __call__(self, x: Array) -> Array:
        """Return the sums ``(N, count, outputs)`` for ``(N, positions, inputs)``."""
        return self._packed(x, -self._before, self.count, self.windows.stride, self.windows.dilation)

    def input_gradient(self, dz: Array) -> Array:
        """Return the gradient of the input."""
        return Adjoint(self.kernel, self.windows, self._before)(dz, self._positions)

    def weight_gradients(self, x: Array, dz: Array) -> list[Array]:
        """Return the gradients of the kernel and of the bias."""
        taps, stride, _, dilation = self.windows
        return list(core.convolution_gradients(x, dz, taps, -self._before, stride, dilation))


class ConvolvedProduct:
    """States convolved with the recurrent kernel; what `equations.Product` is to other cells.

    Parameters
    ----------
    kernel : ndarray
        ``(taps, F, 4F)``.
    positions : int
        Number of positions of a state.
    """

    def __init__(self, kernel: Array, positions: int) -> None:
        self._kernel, self._positions = kernel, positions
        self._windows = Windows(len(kernel), 1, "same")
        self._all = Convolved(kernel, self._windows, positions)

    @cached_property
    def _by_gate(self) -> list[Convolved]:
        kernels = np.split(self._kernel, 4, axis=-1)
        return [Convolved(np.ascontiguousarray(kernel), self._windows, self._positions) for kernel in kernels]

    def __call__(self, h: Array, masks: Array | None) -> Array:
        """See `Product`; `masks` are ``(4, N, positions, F)``."""
        if masks is None:
            return self._all(h)
        return np.concatenate([gate(h * mask) for gate, mask in zip(self._by_gate, masks, strict=True)], axis=-1)

    def back(self, dsums: Array, h: Array, masks: Array | None) -> tuple[Array, Array]:
        """See `Product`."""
        if masks is None:
            return self._all.input_gradient(dsums), self._all.weight_gradients(h, dsums)[0]
        parts = list(map(np.ascontiguousarray, np.split(dsums, 4, axis=-1)))
        gates = list(zip(self._by_gate, masks, parts, strict=True))
        dkernel = [gate.weight_gradients(h * mask, part)[0] for gate, mask, part in gates]
        dh: Array = sum(gate.input_gradient(part) * mask for gate, mask, part in gates)
        return dh, np.concatenate(dkernel, axis=-1)


class ConvolvedWeights:
    """`in_numpy.Weights` of a convolutional LSTM.

    Parameters
    ----------
    weights : sequence of ndarray
        Kernel ``(taps, C, 4F)``, recurrent kernel ``(taps, F, 4F)`` and perhaps bias ``(4F,)``, gates i, f, g, o.
    functions : sequence of ActivationFunction
        Activations of gates, candidate and output.
    windows : Windows
        Those of the inputs.
    positions : int
        Number of positions of an input.
    """

    states = 2

    def __init__(
        self, weights: Sequence[Array], functions: Sequence[ActivationFunction], windows: Windows, positions: int
    ) -> None:
        kernel, recurrent, *bias = weights
        self.functions, self.recurrent, self.dtype = functions, [recurrent], kernel.dtype
        self._inputs, self._positions = Convolved(kernel, windows, positions, *bias), positions
        self.hidden_size = self._inputs.count * recurrent.shape[1]
        self.product = ConvolvedProduct(recurrent, self._inputs.count)

    def projected(self, x: Array) -> Array:
        """See `in_numpy.Weights`."""
        return self._inputs(self._sequences(x)).reshape(*x.shape[:2], -1)

    def projected_back(self, x: Array, dz: Array, dx: Array | None) -> list[Array]:
        """See `in_numpy.Weights`."""
        slopes = dz.reshape(-1, self._inputs.count, self._inputs.kernel.shape[2])
        if dx is not None:
            dx[...] = self._inputs.input_gradient(slopes).reshape(x.shape)
        return self._inputs.weight_gradients(self._sequences(x), slopes)

    def _sequences(self, x: Array) -> Array:
        return x.reshape(-1, self._positions, self._inputs.kernel.shape[1])

    def step(self, z: Array, states: States, masks: Array | None) -> tuple[Array, States, StepPullback]:
        """See `in_numpy.Weights`."""
        apart = None if masks is None else masks.reshape(4, *self._apart(masks[0]).shape)
        output, new_states, inner = lstm(self, self._apart(z), tree_map(self._apart, states), apart)

        def pullback(doutput: Array, dstates: Any) -> tuple[Array, Any, list[Array]]:
            dz, before, gradients = inner(self._apart(doutput), tree_map(self._apart, dstates))
            return _together(dz), tree_map(_together, before), gradients

        return _together(output), tree_map(_together, new_states), pullback

    def _apart(self, x: Array) -> Array:
        return x.reshape(len(x), self._inputs.count, -1)


def _together(x: Array) -> Array:
    return x.reshape(len(x), -1)
