"""Indices of texts."""

import codecs
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array
from ...foundation.texts import TEXT, as_texts
from .index_lookup import IndexLookup


class TextLookup(IndexLookup):
    """Base class of layers whose tokens are texts.

    Parameters
    ----------
    encoding : str
        Of bytes among the data, and of a file with a vocabulary.
    **kwargs : keyword arguments
        Those of `IndexLookup`.
    """

    token_dtype = TEXT
    input_dtype = "string"

    def __init__(self, encoding: str = "utf-8", **kwargs: Any) -> None:
        self.encoding = self.file_encoding = _encoding(checks.text("encoding", encoding))
        super().__init__(**kwargs)

    def as_token(self, value: Any, name: str) -> str:
        """See `IndexLookup.as_token`."""
        return str(value.decode(self.encoding) if isinstance(value, bytes) else checks.text(name, value))

    def as_tokens(self, x: Any, name: str) -> Array:
        """See `IndexLookup.as_tokens`."""
        return as_texts(x, name, self.encoding)

    def array_of(self, tokens: list[Any]) -> Array:
        """See `IndexLookup.array_of`."""
        return np.array(tokens, object)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"encoding": self.encoding}


class StringLookup(TextLookup):
    """Replace every text by its index in a vocabulary.

    Parameters
    ----------
    max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode : see there
        See `IndexLookup`.
    pad_to_max_tokens, sparse, salt : bool; int or sequence of int
        See `IndexLookup`.
    encoding : str
        See `TextLookup`.
    **kwargs : keyword arguments
        Those of `IndexLookup`.

    Raises
    ------
    ValueError
        If `max_tokens`, `num_oov_indices` or `salt` is out of range, `output_mode` or `encoding` is unknown, or
        `vocabulary` or `idf_weights` has another form.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> lookup = layers.StringLookup(vocabulary=["a", "b", "c"])
    >>> lookup([["a", "c"], ["d", "b"]]).tolist()
    [[1, 3], [0, 2]]
    >>> layers.StringLookup(vocabulary=lookup.get_vocabulary(), invert=True)([1, 3, 0]).tolist()
    ['a', 'c', '[UNK]']
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: int | Sequence[int] | None = None,
        oov_method: str = "floormod",
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
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            encoding=encoding,
            name=name,
            salt=salt,
            **kwargs,
        )
        # Of texts there is always a hash.
        self.oov_method = checks.one_of(f"{self.name}: oov_method", oov_method, ("floormod", "farmhash"))


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        checks.refuse(ValueError, "encoding", "the name of an encoding, such as 'utf-8'", name)
    return name
