"""Class numbers of anything, without a vocabulary."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastlstm import checks

from ...foundation.arrays import Array, any_numbers, policy_name
from ...foundation.texts import as_texts, is_text
from .discrete import Discrete
from .encoding import encoded
from .hashes import bin_of, salt_of


class Hashing(Discrete):
    """Give each text or whole number the number of a bin, always the same; several may have one.

    Parameters
    ----------
    num_bins : int
        Number of bins.
    mask_value : float
        What gets bin 0, alone; None: nothing.
    salt : int or sequence of int, optional
        A whole number, or two: others give other bins.
    output_mode : str
        ``"int"``: the numbers; ``"one_hot"``: a row for each; ``"multi_hot"`` and ``"count"``: a row for all along the
        last axis, of which there are, or how often.
    sparse : bool
        False.
    dtype : dtype, optional
        ``"int64"`` (default) or ``"int32"`` for mode ``"int"``, of the rows in others.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `num_bins` or `salt` is out of range, or `output_mode` is unknown.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.Hashing(3)([["A"], ["B"], ["C"], ["D"], ["E"]]).tolist()
    [[1], [0], [1], [1], [2]]
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: int | Sequence[int] | None = None,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        given = _described(dtype)
        gives_numbers = isinstance(output_mode, str) and output_mode == "int"
        super().__init__(output_mode, sparse, dtype=None if gives_numbers else given, **kwargs)
        self.num_bins = checks.size(f"{self.name}: num_bins", num_bins)
        self.salt = salt_of(f"{self.name}: salt", salt)
        self.mask_value = _mask_value(f"{self.name}: mask_value", mask_value)
        if gives_numbers:
            self.dtype = self.float_dtype = _number_dtype(f"{self.name}: dtype", given)

    @property
    def number_dtype(self) -> np.dtype[Any]:
        """Dtype of class numbers."""
        return self.dtype

    @property
    def depth(self) -> int:
        """Length of the rows."""
        return self.num_bins

    def as_input(self, x: Any, name: str, wanted: str = "an array of texts or whole numbers") -> Array:
        """`x` as an array of texts or whole numbers; others are cut to such."""
        array = x if type(x) is np.ndarray else checks.array(name, x, wanted)
        if is_text(array):
            return as_texts(array, name)
        with np.errstate(invalid="ignore"):
            return any_numbers(array, name, wanted).astype(np.int64, copy=False)

    def indices_of(self, x: Array) -> Array:
        """Return the numbers of the bins."""
        masked = self.mask_value is not None and self.num_bins > 1
        number = self.num_bins - masked
        bins = np.array([bin_of(str(entry), number, self.salt) for entry in x.ravel().tolist()], np.int64) + masked
        bins = bins.reshape(x.shape)
        return np.where(x == self.mask_value, 0, bins) if masked else bins

    def forward(self, x: Array, call: Any = None) -> Array:
        """Compute the output; see `Layer.forward`."""
        return encoded(self.indices_of(x), self.output_mode, self.num_bins, self.dtype).astype(self.dtype, copy=False)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        salt = None if self.salt is None else list(self.salt)
        return super().get_config() | {"num_bins": self.num_bins, "salt": salt, "mask_value": self.mask_value}


def _described(dtype: Any) -> Any:
    """Return the dtype that Keras' description of a policy names."""
    return policy_name(dtype, "Hashing: dtype") if isinstance(dtype, dict) else dtype


def _number_dtype(name: str, value: Any) -> np.dtype[Any]:
    wanted = "'int32' or 'int64', as output_mode is 'int'"
    found = checks.any_dtype(name, "int64" if value is None else value, wanted)
    if found not in (np.dtype(np.int32), np.dtype(np.int64)):
        checks.refuse(TypeError, name, wanted, value)
    return found


def _mask_value(name: str, value: Any) -> Any:
    return value if value is None or isinstance(value, str) else checks.whole_number(name, value)
