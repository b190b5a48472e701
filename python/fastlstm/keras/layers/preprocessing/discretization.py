"""Numbers as those of the bins that they are in."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastlstm import checks

from ...foundation.arrays import Array, any_numbers
from .adapting import batches_of
from .discrete import Discrete


class Discretization(Discrete):
    """Replace every number by that of the bin it is in.

    Parameters
    ----------
    bin_boundaries : sequence of float, optional
        Where bins meet, in rising order: a number equal to one is in the bin above.
    num_bins : int, optional
        How many bins `adapt` is to make, in place of `bin_boundaries`.
    epsilon : float
        How exact `adapt` is, as a part of the numbers: it keeps about ``1 / epsilon`` of them.
    output_mode : str
        See `Hashing`.
    sparse : bool
        False.
    dtype, name : dtype; str, optional
        See `Layer`.

    Raises
    ------
    ValueError
        If `num_bins` or `epsilon` is out of range, `output_mode` is unknown, `bin_boundaries` has another form,
        or inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.Discretization([0.0, 1.0, 2.0])([[-1.5, 1.0, 3.4, 0.5]]).tolist()
    [[0, 2, 3, 1]]
    >>> halves = layers.Discretization(num_bins=2)
    >>> halves.adapt([[1.0, 2.0, 3.0, 40.0]])
    >>> halves.bin_boundaries
    [2.0]
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(output_mode, sparse, dtype=dtype, name=name)
        if (bin_boundaries is None) == (num_bins is None):
            checks.refuse_pair(self.name, bin_boundaries=bin_boundaries, num_bins=num_bins)
        self.num_bins = None if num_bins is None else checks.size(f"{self.name}: num_bins", num_bins)
        self.epsilon = checks.real_number(f"{self.name}: epsilon", epsilon, above=0, at_most=1)
        self.bin_boundaries = None if bin_boundaries is None else self._boundaries(bin_boundaries)
        self.summary = _NOTHING

    def _boundaries(self, given: Any) -> list[float]:
        name, wanted = f"{self.name}: bin_boundaries", "a list of numbers in rising order"
        found = any_numbers(given, name, wanted)
        if found.ndim != 1 or np.isnan(found).any() or (np.diff(found) < 0).any():
            checks.refuse(ValueError, name, wanted, given)
        return [float(one) for one in found]

    @property
    def number_dtype(self) -> np.dtype[Any]:
        """Dtype of the numbers of bins."""
        return np.dtype(np.int32)

    @property
    def depth(self) -> int | None:
        """Number of bins."""
        return self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Make bins that have about as many of the numbers each.

        Parameters
        ----------
        data : array_like or iterable
            An array, or an iterable of batches.
        steps : int, optional
            Batches to stop after.
        """
        if self.num_bins is None:
            must, cure = "be None for adapt() to find them", "; give num_bins in place of them"
            checks.complain(ValueError, f"{self.name}: bin_boundaries", must, checks.shown(self.bin_boundaries), cure)
        self.reset_state()
        for batch in batches_of(data, steps, self.name, lists_are_whole=False):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Take in numbers, beside those of earlier calls."""
        numbers = any_numbers(data, f"{self.name}: data").astype(np.float32).reshape(-1)
        both = np.concatenate([_thinned(numbers, self.epsilon), self.summary], axis=1)
        self.summary = _compressed(both[:, np.argsort(both[0])], self.epsilon)

    def finalize_state(self) -> None:
        """Make bins of what was taken in."""
        if self.num_bins is not None and self.summary.size:
            self.bin_boundaries = _compressed(self.summary, 1 / self.num_bins)[0, :-1].tolist()

    def reset_state(self) -> None:
        """Forget what was taken in."""
        self.summary = _NOTHING

    def indices_of(self, x: Array) -> Array:
        """Return the numbers of the bins."""
        if self.bin_boundaries is None:
            must, cure = "be known", "; call adapt() first, or give bin_boundaries"
            checks.complain(ValueError, f"{self.name}: the bins", must, None, cure)
        return np.digitize(x, np.asarray(self.bin_boundaries, x.dtype)).astype(self.number_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {name: getattr(self, name) for name in ("bin_boundaries", "num_bins", "epsilon")}
        found = super().get_config() | own | {"dtype": self.float_dtype.name}
        del found["trainable"]
        return found

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Return a layer with the settings of `config`: with the bins that another one found, too."""
        given = checks.settings(f"{cls.__name__}: config", config)
        known = given.get("num_bins") is not None
        boundaries = given.pop("bin_boundaries", None) if known else None
        made = super().from_config(given)
        if boundaries is not None:
            made.bin_boundaries = made._boundaries(boundaries)
        return made


_NOTHING = np.zeros((2, 0), np.float32)
"""A summary is values in rising order, and for each how many numbers it stands for."""


def _thinned(numbers: Array, epsilon: float) -> Array:
    """Return a summary of numbers: every so many of them."""
    step = max(len(numbers) * epsilon, 1.0)
    values = np.sort(numbers)[int(step - 1) :: int(step)]
    return np.stack([values, np.full_like(values, step)])


def _compressed(summary: Array, epsilon: float) -> Array:
    """Return a summary of values that stand for a part `epsilon` of the numbers each."""
    if summary.shape[1] * epsilon < 1:
        return summary
    values, counts = summary
    total = counts.cumsum()
    at = epsilon + np.arange(0.0, 1.0, epsilon)
    parts = np.interp(at, total / total[-1], values), np.interp(at, total / total[-1], total)
    return np.stack([parts[0], np.diff(parts[1], prepend=0)]).astype(np.float32)
