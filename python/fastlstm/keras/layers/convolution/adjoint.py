"""Convolutions the other way, from windows to the steps they were made of."""

from ...foundation import core
from ...foundation.arrays import Array
from ..windows import Windows


class Adjoint:
    """The adjoint of a convolution: its output has the steps that the convolution takes.

    It is a convolution of its input for each phase of the stride. Step u is under tap k of window w if
    ``u + before = w * stride + k * dilation``; with a stride the steps of one phase are under every stride-th tap only.

    Parameters
    ----------
    kernel : ndarray
        That of the convolution, ``(taps, outputs / groups, inputs)``.
    windows : Windows
        Those of the convolution; a stride or a dilation other than 1, not both.
    before : int
        Number of steps that the convolution adds before a sequence.
    groups : int
        Of the convolution.
    bias : ndarray, optional
        ``(outputs,)``, added to the output.
    """

    def __init__(
        self, kernel: Array, windows: Windows, before: int, groups: int = 1, bias: Array | None = None
    ) -> None:
        turned = _turned(kernel, groups)
        _, self._stride, _, self._dilation = windows
        self._outputs = turned.shape[2]
        self._bias = 0 if bias is None else bias
        self._phases = []
        for phase in range(self._stride):
            first, tap = divmod(phase + before, self._stride)
            taps = turned[tap :: self._stride][::-1]
            packed = core.Convolution(taps, bias, groups=groups) if len(taps) else None
            self._phases.append((first - (len(taps) - 1) * self._dilation, packed))

    def __call__(self, x: Array, steps: int) -> Array:
        """Return the output ``(N, steps, outputs)`` for windows ``(N, windows, inputs)``."""
        y = core.empty((len(x), steps, self._outputs), x.dtype)
        for phase, (first, packed) in enumerate(self._phases[:steps]):
            part = y[:, phase :: self._stride]
            if packed is None:
                part[...] = self._bias
            else:
                packed(x, first, part.shape[1], 1, self._dilation, part)
        return y


def _turned(kernel: Array, groups: int) -> Array:
    """Return a kernel ``(taps, inputs / groups, outputs)`` with inputs and outputs of each group exchanged."""
    taps, inputs, outputs = kernel.shape
    by_group = kernel.reshape(taps, inputs, groups, outputs // groups)
    return by_group.transpose(0, 3, 2, 1).reshape(taps, outputs // groups, groups * inputs)
