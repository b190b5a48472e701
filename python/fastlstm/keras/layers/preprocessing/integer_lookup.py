"""Indices of whole numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, any_numbers
from .index_lookup import IndexLookup


class IntegerLookup(IndexLookup):
    """Replace every whole number by its index in a vocabulary.

    Parameters
    ----------
    max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode : see there
        See `IndexLookup`.
    vocabulary_dtype : str
        ``"int64"``.
    sparse, pad_to_max_tokens, salt : bool; int or sequence of int
        See `IndexLookup`; a salt is for ``oov_method="farmhash"``.
    oov_method : str
        What spreads unknown numbers over several indices: ``"floormod"``, the rest of a division, or ``"farmhash"``.
    **kwargs : keyword arguments
        Those of `IndexLookup`.

    Raises
    ------
    ValueError
        If a number is out of range, `output_mode`, `vocabulary_dtype` or `oov_method` is unknown, `vocabulary`
        or `idf_weights` has another form, or inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> lookup = layers.IntegerLookup()
    >>> lookup.adapt([12, 36, 12])
    >>> lookup.get_vocabulary()
    [-1, 12, 36]
    >>> lookup([[36, 5]]).tolist()
    [[2, 0]]
    """

    token_dtype = np.dtype(np.int64)
    input_dtype = "int64"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: int | Sequence[int] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            invert=invert,
            output_mode=output_mode,
            sparse=sparse,
            pad_to_max_tokens=pad_to_max_tokens,
            salt=salt,
            name=name,
            **kwargs,
        )
        self.vocabulary_dtype = checks.one_of(f"{self.name}: vocabulary_dtype", vocabulary_dtype, ("int64",))
        self.oov_method = checks.one_of(f"{self.name}: oov_method", oov_method, ("floormod", "farmhash"))
        if self.salt is not None and self.oov_method != "farmhash":
            checks.complain(ValueError, f"{self.name}: salt", "come with oov_method='farmhash'", list(self.salt))

    def as_token(self, value: Any, name: str) -> int:
        """See `IndexLookup.as_token`."""
        return checks.whole_number(name, value, at_least=-(2**63), at_most=2**63 - 1)

    def as_tokens(self, x: Any, name: str) -> Array:
        """`x` as an array of whole numbers; others are cut to such."""
        with np.errstate(invalid="ignore"):
            return any_numbers(x, name).astype(np.int64, copy=False)

    def token_of_line(self, line: str) -> int:
        """See `IndexLookup.token_of_line`."""
        try:
            return int(line)
        except ValueError:
            checks.complain(ValueError, f"{self.name}: vocabulary", "have whole numbers as lines", checks.shown(line))

    def array_of(self, tokens: list[Any]) -> Array:
        """See `IndexLookup.array_of`."""
        return np.array(tokens, np.int64)

    def unknown_number(self, token: int) -> int:
        """See `IndexLookup.unknown_number`."""
        return token % self.num_oov_indices if self.oov_method == "floormod" else super().unknown_number(token)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"vocabulary_dtype": self.vocabulary_dtype}
