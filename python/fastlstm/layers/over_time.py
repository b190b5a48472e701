"""What programs do with the outputs of all steps: take one of them, or their mean or maximum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks
from fastlstm.typing import Floats

from .layer import Layer


class Sequence(NamedTuple):
    """Outputs of steps.

    Parameters
    ----------
    y : ndarray
        ``(T, N, F)``.
    lengths : ndarray, optional
        ``(N,)``, valid steps of every row, or None: all are.
    """

    y: Floats
    lengths: NDArray[np.int64] | None

    def ends(self) -> NDArray[np.int64]:
        """Return the number of valid steps of every row."""
        T, N = self.y.shape[:2]
        return np.full(N, T) if self.lengths is None else self.lengths

    def valid(self) -> NDArray[np.bool_]:
        """Return which steps are, (T, N, 1)."""
        return (np.arange(len(self.y))[:, None] < self.ends())[..., None]


class OverTime(Layer):
    """Base of what makes one step of all: in a `Chain`, behind a recurrent layer, which says where time is."""

    def forward(self, sequence: Sequence) -> Floats:
        """Return (N, F)."""
        raise NotImplementedError

    def forward_training(self, sequence: Sequence) -> tuple[Floats, Callable[[Floats], Floats]]:
        """Return (N, F), and what makes the gradient of all steps of that."""
        raise NotImplementedError


class LastStep(OverTime):
    """The last step of a sequence, ``y[:, -1]`` of programs with PyTorch.

    In a `Chain` behind a recurrent layer. Where `lengths` are given, rows end earlier: take `LastValidStep`.

    Raises
    ------
    ValueError
        If rows have lengths: the last step of one that has ended is zeros.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> net = fl.Chain(fl.LSTM(3, 4, batch_first=True), fl.LastStep())
    >>> y, state = net(np.zeros((2, 5, 3), "float32"))
    >>> y.shape
    (2, 4)
    """

    def forward(self, sequence: Sequence) -> Floats:
        """Return the last step."""
        if sequence.lengths is not None:
            cure = "; where a row has ended there are zeros: LastValidStep takes its end"
            checks.complain(ValueError, "lengths", "be None for a LastStep", f"{len(sequence.lengths)} lengths", cure)
        if len(sequence.y) == 0:
            checks.complain(ValueError, "x", "have at least one step for a LastStep", "none")
        return np.array(sequence.y[-1])

    def forward_training(self, sequence: Sequence) -> tuple[Floats, Callable[[Floats], Floats]]:
        """Return the last step, and what puts a gradient there."""
        shape = sequence.y.shape

        def back(dy: Floats) -> Floats:
            dsequence = np.zeros(shape, dy.dtype)
            dsequence[-1] = dy
            return dsequence

        return self.forward(sequence), back


class ChosenStep(OverTime):
    """Base of what takes a step of its own in every row, or for every feature: a layer defines `place`."""

    def place(self, sequence: Sequence) -> NDArray[np.int64]:
        """Return which step is taken, (N, 1) or (N, F); -1 is none, which is zeros."""
        raise NotImplementedError

    def forward(self, sequence: Sequence) -> Floats:
        """Return the steps."""
        return self.forward_training(sequence)[0]

    def forward_training(self, sequence: Sequence) -> tuple[Floats, Callable[[Floats], Floats]]:
        """Return the steps, and what puts a gradient there."""
        shape, zero = sequence.y.shape, sequence.y.dtype.type(0)
        if shape[0] == 0:
            return np.zeros(shape[1:], sequence.y.dtype), lambda dy: np.zeros(shape, dy.dtype)
        place = self.place(sequence)
        chosen, at = place >= 0, (place, np.arange(shape[1])[:, None], np.arange(shape[2]))
        found = np.where(chosen, sequence.y[at], zero)

        def back(dy: Floats) -> Floats:
            dsequence = np.zeros(shape, dy.dtype)
            dsequence[at] = np.where(chosen, dy, zero)
            return dsequence

        return found, back


class LastValidStep(ChosenStep):
    """The last valid step of every row, or zeros for a row of length 0.

    In a `Chain` behind a recurrent layer; without `lengths` every step is valid.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> net = fl.Chain(fl.LSTM(3, 4, batch_first=True), fl.LastValidStep())
    >>> y, state = net(np.zeros((2, 5, 3), "float32"))
    >>> y.shape
    (2, 4)
    """

    def place(self, sequence: Sequence) -> NDArray[np.int64]:
        """Return the last valid step of every row."""
        return sequence.ends()[:, None] - 1


class MaxOverTime(ChosenStep):
    """The maximum over the valid steps for every feature, or zeros for a row of length 0.

    In a `Chain` behind a recurrent layer. The gradient goes to the first step that has it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> net = fl.Chain(fl.LSTM(3, 4, batch_first=True), fl.MaxOverTime())
    >>> y, state = net(np.zeros((2, 5, 3), "float32"))
    >>> y.shape
    (2, 4)
    """

    def place(self, sequence: Sequence) -> NDArray[np.int64]:
        """Return the step of the maximum."""
        valid = sequence.valid()
        steps = np.argmax(np.where(valid, sequence.y, -np.inf), 0)
        return cast("NDArray[np.int64]", np.where(valid[0], steps, -1))


class MeanOverTime(OverTime):
    """The mean over the valid steps, or zeros for a row of length 0.

    In a `Chain` behind a recurrent layer.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> net = fl.Chain(fl.LSTM(3, 4, batch_first=True), fl.MeanOverTime())
    >>> y, state = net(np.zeros((2, 5, 3), "float32"))
    >>> y.shape
    (2, 4)
    """

    def forward(self, sequence: Sequence) -> Floats:
        """Return the mean, summed in float64."""
        valid, counts = sequence.valid(), np.maximum(sequence.ends(), 1)[:, None]
        with np.errstate(invalid="ignore"):  # infinities of both signs make NaN, as in PyTorch
            total = np.sum(np.where(valid, sequence.y, 0), 0, np.float64)
        return cast(Floats, (total / counts).astype(sequence.y.dtype))

    def forward_training(self, sequence: Sequence) -> tuple[Floats, Callable[[Floats], Floats]]:
        """Return the mean, and what shares a gradient out."""
        valid, counts = sequence.valid(), np.maximum(sequence.ends(), 1)[:, None]

        def back(dy: Floats) -> Floats:
            return cast(Floats, np.where(valid, dy / counts.astype(dy.dtype), dy.dtype.type(0)))

        return self.forward(sequence), back


class FinalHidden(Layer):
    """The final hidden state ``h_n`` of the last layer, both directions joined: ``torch.cat((h_n[-2], h_n[-1]), 1)``.

    In a `Chain` directly behind a recurrent layer; of one direction it is ``h_n[-1]``. It is the state at the last
    valid step of every row, of the reverse direction that at the first, and for a row of length 0 the initial one.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> net = fl.Chain(fl.LSTM(3, 4, batch_first=True), fl.FinalHidden())
    >>> y, state = net(np.zeros((2, 5, 3), "float32"))
    >>> y.shape
    (2, 4)
    """


def steps_first(y: NDArray[Any], axis: int) -> Floats:
    """Return an array with its `axis` of time first and with an axis of rows: (T, N, F)."""
    return cast(Floats, y[:, None] if y.ndim == 2 else y.swapaxes(0, axis))
