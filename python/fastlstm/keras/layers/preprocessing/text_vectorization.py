"""Texts as numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, shape_text
from ...foundation.serialization import restored, serialize_keras_object
from ...foundation.texts import as_texts
from .encoding import as_mode, counts_of_rows
from .string_lookup import TextLookup

PUNCTUATION = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"

_LOWER = {ord("A") + k: ord("a") + k for k in range(26)}
_STRIP = dict.fromkeys(map(ord, PUNCTUATION))
STANDARDS: dict[str, dict[int, int | None]] = {
    "lower_and_strip_punctuation": {**_LOWER, **_STRIP},
    "lower": {**_LOWER},
    "strip_punctuation": {**_STRIP},
}
"""What becomes of characters; None: they are left out. As in TensorFlow, letters beyond ASCII stay what they are."""

SPLITS: dict[str, Callable[[str], list[str]]] = {
    "whitespace": re.compile(r"\S+", re.ASCII).findall,
    "character": list,
}
"""Take a text apart."""


_INNER = "_lookup_layer/"
"""Where files of Keras have what the layer found a second time: a layer inside it, which is not there here."""


class Split(NamedTuple):
    """Texts that were taken apart into tokens."""

    rows: list[list[str]]
    shape: tuple[int, ...]
    """Of the texts: there is a row for each."""


class TextVectorization(TextLookup):
    """Take texts apart into tokens, and replace these by their indices in a vocabulary.

    Index 0 fills rows up to the length of the longest, or to `output_sequence_length`; 1 is that of unknown tokens.

    Parameters
    ----------
    max_tokens : int, optional
        See `IndexLookup`.
    standardize : str or callable, optional
        What is done with texts first: ``"lower_and_strip_punctuation"``, ``"lower"``, ``"strip_punctuation"`` (letters
        and marks of ASCII), None, or a function of an array of texts that gives another.
    split : str or callable, optional
        What takes them apart: ``"whitespace"``, ``"character"``, None if what is along the last axis are tokens, or a
        function of an array of texts ``(N,)`` that gives a list of tokens for each.
    ngrams : int or tuple of int, optional
        Largest number of tokens that count together, with spaces between them, as one; or a tuple of numbers. None: 1.
    output_mode : str
        ``"int"``, ``"multi_hot"``, ``"count"`` or ``"tf_idf"``; see `IndexLookup`.
    output_sequence_length : int, optional
        Length of all rows, in mode ``"int"``; None: that of the longest one.
    pad_to_max_tokens, vocabulary, idf_weights, sparse : bool; list, array_like or path; array_like
        See `IndexLookup`.
    ragged : bool
        False.
    encoding : str
        See `TextLookup`.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `max_tokens`, `ngrams` or `output_sequence_length` is out of range, `output_mode` or `encoding` is
        unknown, or `standardize`, `split`, `vocabulary` or `idf_weights` has another form.
    TypeError
        If an argument has another type.

    Notes
    -----
    The layer takes arrays and lists of texts or bytes, of shape ``(N,)`` or ``(N, 1)``, and may be the first one of a
    model, whose ``Input`` then has the dtype ``"string"``.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> vectorize = layers.TextVectorization(output_sequence_length=4)
    >>> vectorize.adapt(["The cat sat.", "The cat ran!"])
    >>> vectorize.get_vocabulary()
    ['', '[UNK]', 'the', 'cat', 'sat', 'ran']
    >>> vectorize(["the dog sat", "Cat?"]).tolist()
    [[2, 1, 4, 0], [3, 0, 0, 0]]
    """

    modes = ("int", "multi_hot", "count", "tf_idf")
    found_places = tuple(f"{layer}{place}" for place in TextLookup.found_places for layer in ("", _INNER))

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=1,
            mask_token="",
            oov_token="[UNK]",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            encoding=encoding,
            name=name,
            **kwargs,
        )
        self.standardize = _named_or_function(f"{self.name}: standardize", standardize, STANDARDS)
        self.split = _named_or_function(f"{self.name}: split", split, SPLITS)
        self.ngrams = ngrams
        self._widths = _widths(f"{self.name}: ngrams", ngrams)
        self.output_sequence_length = self._count("output_sequence_length", output_sequence_length, 0)
        if output_sequence_length is not None and self.output_mode != "int":
            must = "be None for other output modes than 'int'"
            checks.complain(ValueError, f"{self.name}: output_sequence_length", must, output_sequence_length)
        if checks.truth(f"{self.name}: ragged", ragged):
            cure = "; rows are filled up with 0, which Embedding(mask_zero=True) leaves out again"
            checks.complain(ValueError, f"{self.name}: ragged", "be False", True, cure)
        if split is None:
            self.min_ndim = 1

    # --- Tokens of texts ----------------------------------------------------------------------------------------------

    def documents_of(self, x: Array) -> Iterable[list[str]]:
        """See `IndexLookup.documents_of`."""
        return self._taken_apart(x).rows

    def _taken_apart(self, x: Array) -> Split:
        texts = self._standardized(x)
        if self.split is None:
            rows, shape = super().documents_of(texts), texts.shape[:-1]
        else:
            self._check_texts(texts.shape, "x")
            shape = texts.shape[:-1] if texts.ndim > 1 else texts.shape
            rows = self._split(texts.reshape(-1))
        return Split([*map(self._with_neighbours, rows)] if self._widths else list(rows), shape)

    def _standardized(self, x: Array) -> Array:
        if self.standardize is None:
            return x
        if callable(self.standardize):
            texts = as_texts(self.standardize(np.array(x, np.str_)), f"{self.name}: what standardize() gives")
            if texts.shape != x.shape:
                checks.refuse_shape(f"{self.name}: what standardize() gives", x.shape, texts.shape)
            return texts
        table = STANDARDS[self.standardize]
        return self.array_of([text.translate(table) for text in x.ravel()]).reshape(x.shape)

    def _check_texts(self, shape: Shape, name: str) -> None:
        if len(shape) > 1 and shape[-1] not in (1, None):
            cure = "; set split=None if they are tokens"
            must = "have a single text along the last axis"
            checks.complain(ValueError, f"{self.name}: {name}", must, f"shape {shape_text(shape)}", cure)

    def _split(self, texts: Array) -> Iterable[list[str]]:
        if not callable(self.split):
            return map(SPLITS[self.split], texts)
        name = f"{self.name}: what split() gives"
        rows = list(self.split(np.array(texts, np.str_)))
        if len(rows) != len(texts):
            checks.refuse_count(name, f"{len(texts)} lists of tokens, one for each text", rows)
        return [[self.as_token(token, f"{name}: each token") for token in row] for row in rows]

    def _with_neighbours(self, tokens: list[str]) -> list[str]:
        """Return every run of as many tokens as count together, as one."""
        widths = self._widths[: len(tokens)] if isinstance(self._widths, range) else self._widths or ()
        return [" ".join(tokens[k : k + width]) for width in widths for k in range(len(tokens) - width + 1)]

    # --- Computing ----------------------------------------------------------------------------------------------------

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """See `Layer.check_input_shape`."""
        super().check_input_shape(shape, name)
        if self.split is not None:
            self._check_texts(shape, name)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output for an input of `input_shape`, both with the batch axis."""
        shape = self._checked_shape(input_shape)
        of_texts = shape[:-1] if self.split is None or len(shape) > 1 else shape
        if self.output_mode != "int":
            return (*of_texts, self.depth)
        kept = shape[-1] if self.split is None and not self._widths else None
        return (*of_texts, kept if self.output_sequence_length is None else self.output_sequence_length)

    def forward(self, x: Array, call: Any = None) -> Array:
        """Compute the output; see `Layer.forward`."""
        self._check_vocabulary()
        rows, shape = self._taken_apart(x)
        if self.output_sequence_length is not None:
            rows = [row[: self.output_sequence_length] for row in rows]
        lengths = np.array([len(row) for row in rows], np.int64)
        indices = self.looked_up(list(chain.from_iterable(rows)))
        found = self._filled_up(indices, lengths) if self.output_mode == "int" else self._counted(indices, lengths)
        return found.reshape(*shape, found.shape[-1])

    def _filled_up(self, indices: Array, lengths: Array) -> Array:
        longest = self.output_sequence_length
        found = np.zeros((len(lengths), lengths.max(initial=0) if longest is None else longest), np.int64)
        found[np.arange(found.shape[1]) < lengths[:, None]] = indices
        return found

    def _counted(self, indices: Array, lengths: Array) -> Array:
        of_row = np.repeat(np.arange(len(lengths)), lengths)
        counts = counts_of_rows(of_row, indices, len(lengths), self.depth or 0)
        return self._weighted(as_mode(counts, self.output_mode, self.output_dtype))

    def found_by_adapt(self) -> dict[str, Any]:
        """See `Layer.found_by_adapt`: twice, as Keras reads it."""
        return {f"{layer}{place}": value for place, value in super().found_by_adapt().items() for layer in ("", _INNER)}

    def get_build_config(self) -> None:
        """None: there is nothing to build."""
        return

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments: of a vocabulary that was found, its size."""
        found = super().get_config()
        for name in ("invert", "num_oov_indices", "oov_token", "mask_token", "oov_method", "salt"):
            del found[name]
        functions = {name: serialize_keras_object(getattr(self, name)) for name in ("standardize", "split")}
        own = {name: getattr(self, name) for name in ("ngrams", "output_sequence_length")}
        return (
            found
            | functions
            | own
            | {"ragged": False, "vocabulary_size": found["vocabulary_size"] or self.vocabulary_size()}
        )

    @classmethod
    def _restored(cls, given: dict[str, Any]) -> dict[str, Any]:
        for name in ("standardize", "split"):
            if isinstance(given.get(name), dict):
                given[name] = restored(given[name], f"{cls.__name__}: config: {name}")
        if isinstance(given.get("ngrams"), list):
            given["ngrams"] = tuple(given["ngrams"])
        return given


def _named_or_function(name: str, value: Any, known: dict[str, Any]) -> Any:
    return value if callable(value) else checks.one_of(name, value, (*known, None))


def _widths(name: str, ngrams: Any) -> tuple[int, ...] | range | None:
    """Return how many tokens count together."""
    if ngrams is None:
        return None
    if isinstance(ngrams, tuple):
        return tuple(checks.whole_number(f"{name}: each", width, at_least=1) for width in ngrams)
    return range(1, checks.whole_number(name, ngrams, at_least=1, at_most=checks.LARGEST_SIZE) + 1)
