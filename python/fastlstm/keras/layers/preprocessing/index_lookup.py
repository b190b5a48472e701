"""What layers share that number tokens by a vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, any_numbers
from ...foundation.undrawn import within_reason
from ...foundation.whole_configs import are_whole
from .adapting import batches_of
from .counting import TokenCounts
from .discrete import Discrete
from .encoding import MODES
from .hashes import bin_of, salt_of
from .vocabulary import UNKNOWN, Vocabulary, as_lines, can_be_lines, check_tokens, lines_in, lines_of, without_specials

_DROPPED = -2
"""In place of the index of a token that leaves no trace."""


VOCABULARY, IDF_WEIGHTS = "vocabulary.txt", "vars/idf_weights"
"""Where files have them, below the place of the layer."""

_SETTINGS = (
    "invert",
    "max_tokens",
    "num_oov_indices",
    "oov_token",
    "mask_token",
    "pad_to_max_tokens",
    "oov_method",
)
"""Attributes that the config has as they are."""


class IndexLookup(Discrete):
    """Base class of layers with a vocabulary: the indices of tokens and, inverted, the tokens of indices.

    The first index is that of the mask, in mode ``"int"`` and if there is a `mask_token`; then come those of unknown
    tokens, and those of the vocabulary.

    Parameters
    ----------
    max_tokens : int, optional
        Most indices that there may be, those of the mask and of unknown tokens too; None: any number.
    num_oov_indices : int
        How many indices there are for unknown tokens. With more than one a hash decides; with none they raise.
    mask_token : int or str, optional
        What stands for nothing: index 0, or in other modes than ``"int"`` no trace; None: nothing does.
    oov_token : int or str, optional
        What the indices of unknown tokens are in the vocabulary.
    vocabulary : list, array_like or path, optional
        The tokens in order, with or without those of the first indices; or the path of a text file with a line each.
        None: it is found by `adapt`.
    idf_weights : array_like, optional
        For ``"tf_idf"``, what each token of `vocabulary` counts.
    invert : bool
        Whether to give the tokens of indices.
    output_mode : str
        ``"int"``: indices; ``"one_hot"``: a row for each; ``"multi_hot"``, ``"count"`` and ``"tf_idf"``: a row for all
        along the last axis, of which tokens there are, how often, and that times their weights.
    pad_to_max_tokens : bool
        Whether rows have a place for all of `max_tokens`.
    sparse : bool
        False.
    salt : int or sequence of int, optional
        A whole number, or two: others spread unknown tokens otherwise over their indices.
    vocabulary_size : int, optional
        Number of indices that there will be, if it is known before the vocabulary.
    **kwargs : keyword arguments
        Those of `Layer`.
    """

    modes: ClassVar[tuple[str, ...]] = (*MODES, "tf_idf")
    token_dtype: ClassVar[np.dtype[Any]]
    """Of the tokens in arrays."""
    found_places: ClassVar[tuple[str, ...]] = (VOCABULARY, IDF_WEIGHTS)
    file_encoding = "utf-8"
    oov_method = "floormod"

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        salt: int | Sequence[int] | None = None,
        vocabulary_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(output_mode, sparse, **kwargs)
        self.max_tokens = self._count("max_tokens", max_tokens, 2)
        self.num_oov_indices = checks.whole_number(f"{self.name}: num_oov_indices", num_oov_indices, at_least=0)
        self.mask_token = self._special("mask_token", mask_token)
        self.oov_token = self._special("oov_token", oov_token)
        self.invert = checks.truth(f"{self.name}: invert", invert)
        self.pad_to_max_tokens = checks.truth(f"{self.name}: pad_to_max_tokens", pad_to_max_tokens)
        self.salt = salt_of(f"{self.name}: salt", salt)
        self._check_settings()
        self.dtype = np.dtype(np.int64) if self.invert else self.token_dtype
        within_reason(self.num_oov_indices, f"{self.name}: num_oov_indices")
        with checks.memory(f"{self.name}: num_oov_indices", num_oov_indices, 8 * self.num_oov_indices):
            self._specials = [self.mask_token] * self._first_unknown + [self.oov_token] * self.num_oov_indices
        self._vocabulary = Vocabulary([], self._specials)
        size = self._count("vocabulary_size", vocabulary_size, 0) or 0
        self._known_size = size if size > len(self._specials) else None
        self.idf_weights: Array | None = None
        self._given: dict[str, Any] = {"vocabulary": None, "idf_weights": None}
        self.reset_state()
        self._fixed = vocabulary is not None
        if self._fixed or idf_weights is not None:
            self.set_vocabulary(vocabulary, idf_weights)
            self._remember(vocabulary, idf_weights)

    def _count(self, name: str, value: Any, at_least: int) -> int | None:
        bounds = {"at_least": at_least, "at_most": checks.LARGEST_SIZE}
        return None if value is None else checks.whole_number(f"{self.name}: {name}", value, **bounds)

    def _special(self, name: str, value: Any) -> Any:
        return None if value is None else self.as_token(value, f"{self.name}: {name}")

    def _check_settings(self) -> None:
        if self.pad_to_max_tokens and self.max_tokens is None:
            checks.complain(ValueError, f"{self.name}: pad_to_max_tokens", "come with max_tokens", True)
        if self.invert and self.output_mode != "int":
            checks.complain(ValueError, f"{self.name}: output_mode", "be 'int' with invert", repr(self.output_mode))
        if self.invert and self.oov_token is None:
            checks.complain(ValueError, f"{self.name}: oov_token", "be given with invert", None)

    def _remember(self, vocabulary: Any, idf_weights: Any) -> None:
        """Keep what the config has of a vocabulary that was given: nothing of one in a file."""
        in_file = isinstance(vocabulary, str | Path)
        self._given["vocabulary"] = None if in_file else self._listed(vocabulary)
        self._given["idf_weights"] = None if idf_weights is None else np.asarray(idf_weights).tolist()

    # --- Tokens: what a subclass says of them -------------------------------------------------------------------------

    def as_token(self, value: Any, name: str) -> Any:
        """`value` as a token of a vocabulary."""
        raise NotImplementedError(f"{type(self).__name__} must define as_token(value, name)")

    def as_tokens(self, x: Any, name: str) -> Array:
        """`x` as an array of tokens."""
        raise NotImplementedError(f"{type(self).__name__} must define as_tokens(x, name)")

    def token_of_line(self, line: str) -> Any:
        """Return the token in a line of a file."""
        return line

    def array_of(self, tokens: list[Any]) -> Array:
        """Return tokens as an array."""
        raise NotImplementedError(f"{type(self).__name__} must define array_of(tokens)")

    def unknown_number(self, token: Any) -> int:
        """Return which of the indices of unknown tokens one has, from 0."""
        return bin_of(str(token), self.num_oov_indices, self.salt)

    # --- The vocabulary -----------------------------------------------------------------------------------------------

    @property
    def _first_unknown(self) -> int:
        """Index of the first unknown tokens."""
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def depth(self) -> int | None:
        """Length of the rows; None if it is not known yet."""
        return self.max_tokens if self.pad_to_max_tokens else self._known_size

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Return the tokens in the order of their indices.

        Parameters
        ----------
        include_special_tokens : bool
            Whether to begin with those of the mask and of unknown tokens.
        """
        whole = checks.truth(f"{self.name}: include_special_tokens", include_special_tokens)
        return [*(self._specials if whole else ()), *self._vocabulary.tokens]

    def vocabulary_size(self) -> int:
        """Return the number of indices, those of the mask and of unknown tokens too."""
        return len(self._vocabulary)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take another vocabulary.

        Parameters
        ----------
        vocabulary, idf_weights : list, array_like or path; array_like, optional
            As in the constructor; the weights come with ``"tf_idf"``, and only then.
        """
        if (idf_weights is not None) != (self.output_mode == "tf_idf"):
            must = "be given for output_mode='tf_idf', and for no other"
            got = "none" if idf_weights is None else f"them for {self.output_mode!r}"
            checks.complain(ValueError, f"{self.name}: idf_weights", must, got)
        self._set(*self._tokens_of(vocabulary), idf_weights)
        if self._given["vocabulary"] is not None:
            self._remember(vocabulary, idf_weights)

    def _set(self, tokens: list[Any], complete: bool, idf_weights: Any) -> None:
        """Take tokens without special ones; `complete`: the weights are those of these, too."""
        reserved = (self.mask_token, self.oov_token if self.invert else None)
        name = f"{self.name}: vocabulary"
        check_tokens(tokens, reserved, self._specials, name)
        size = len(self._specials) + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            must = f"have at most {self.max_tokens} tokens with {self._specials}, as max_tokens says"
            checks.complain(ValueError, name, must, size)
        weights = None if idf_weights is None else self._checked_weights(idf_weights, size, complete)
        self._keep(tokens, weights)

    def _tokens_of(self, vocabulary: Any) -> tuple[list[Any], bool]:
        """Return the tokens without special ones, and whether these were there; all lines of a file are tokens."""
        if not isinstance(vocabulary, str | Path):
            return without_specials(self._listed(vocabulary), self._specials)
        name = f"{self.name}: vocabulary"
        if self.output_mode == "tf_idf":
            checks.complain(ValueError, name, "be a list for output_mode='tf_idf'", repr(str(vocabulary)))
        return list(map(self.token_of_line, lines_of(str(vocabulary), self.file_encoding, name))), False

    def _listed(self, vocabulary: Any) -> list[Any]:
        name = f"{self.name}: vocabulary"
        is_array = isinstance(vocabulary, np.ndarray) and vocabulary.ndim == 1
        tokens = vocabulary.tolist() if is_array else checks.items(name, vocabulary, "a list of tokens, or a path")
        return [self.as_token(token, f"{name}: each token") for token in tokens]

    def _checked_weights(self, given: Any, size: int, complete: bool) -> Array:
        """Return a weight for every index."""
        weights = any_numbers(given, f"{self.name}: idf_weights")
        first = 0 if complete else len(self._specials)
        if weights.shape != (size - first,):
            wanted = f"{(size - first,)}, a number for each token of the vocabulary"
            checks.refuse_shape(f"{self.name}: idf_weights", wanted, weights.shape)
        return self._for_all(weights, first)

    def _for_all(self, weights: Array, first: int) -> Array:
        """Return weights with their mean for the first indices, and zeros for those without a token."""
        rest = (self.max_tokens or 0) - first - len(weights) if self.pad_to_max_tokens else 0
        parts = (np.full(first, weights.mean(dtype=self.float_dtype)), weights, np.zeros(rest))
        return np.concatenate(parts).astype(self.float_dtype)

    def _keep(self, tokens: Sequence[Any], weights: Array | None) -> None:
        vocabulary = Vocabulary(tokens, self._specials)
        known, size = self._known_size, len(vocabulary)
        if known not in (None, size) and self.output_mode != "int" and not self.pad_to_max_tokens:
            cure = "; make a new layer, or set max_tokens and pad_to_max_tokens"
            must = f"have {known} tokens with {self._specials}, as rows of the output are that long"
            checks.complain(ValueError, f"{self.name}: vocabulary", must, size, cure)
        self._vocabulary, self.idf_weights, self._known_size = vocabulary, weights, size

    # --- A vocabulary in a file ---------------------------------------------------------------------------------------

    def _is_in_config(self) -> bool:
        """Whether the config has the vocabulary: it was given, or no file can have it."""
        return self._given["vocabulary"] is not None or are_whole() or not can_be_lines(self.get_vocabulary())

    def found_by_adapt(self) -> dict[str, Any]:
        """See `Layer.found_by_adapt`: the vocabulary, unless the config has it, and what its tokens count."""
        weights = {} if self.idf_weights is None else {IDF_WEIGHTS: self.idf_weights}
        return weights if self._is_in_config() else {**weights, VOCABULARY: as_lines(self.get_vocabulary())}

    def take_found(self, found: dict[str, Any]) -> None:
        """See `Layer.take_found`."""
        weights = found.get(IDF_WEIGHTS)
        if VOCABULARY not in found or self._given["vocabulary"] is not None:
            if weights is not None:
                self.idf_weights = self._checked_weights(weights[: len(self._vocabulary)], len(self._vocabulary), True)
            return
        tokens = self._tokens_of_lines(lines_in(found[VOCABULARY], f"{self.name}: {VOCABULARY}"))
        if (weights is not None) != (self.output_mode == "tf_idf" and bool(tokens)):
            must = "come with a vocabulary for output_mode='tf_idf', and for no other"
            checks.complain(ValueError, f"{self.name}: {IDF_WEIGHTS}", must, checks.shown(self.output_mode))
        if tokens:
            self._set(tokens, True, None if weights is None else weights[: len(self._specials) + len(tokens)])

    def _tokens_of_lines(self, lines: list[str]) -> list[Any]:
        """Return the tokens after the special ones, which a file begins with."""
        specials = [str(token) for token in self._specials]
        begin = lines[: len(specials)]
        if begin != specials[: len(lines)]:
            checks.complain(ValueError, f"{self.name}: {VOCABULARY}", f"begin with {specials}", checks.shown(begin))
        return [self.token_of_line(line) for line in lines[len(specials) :]]

    # --- Finding a vocabulary -----------------------------------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find the vocabulary: the tokens of data, the commonest first, of two that are as common the larger one.

        Parameters
        ----------
        data : array_like or iterable
            An array or a list of documents, or an iterable of batches of such.
        steps : int, optional
            Batches to stop after.
        """
        self.reset_state()
        whole = hasattr(data, "__array__") or isinstance(data, list | tuple)
        for batch in batches_of(data, steps, self.name, lists_are_whole=True):
            array = self.as_tokens(batch, f"{self.name}: data")
            self.update_state(array[:, None] if whole and array.ndim == 1 else array)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch of documents, beside those of earlier calls; one axis is one document."""
        if self._fixed:
            name, cure = f"{self.name}: vocabulary", "; leave it out, or use set_vocabulary()"
            checks.complain(ValueError, name, "not be given to the constructor for adapt() to find it", "one", cure)
        self._counts.update(self.documents_of(self.as_tokens(data, f"{self.name}: data")))

    def documents_of(self, x: Array) -> Iterable[list[Any]]:
        """Return the tokens of each document."""
        rows: list[list[Any]] = np.atleast_1d(x).reshape(-1, x.shape[-1] if x.ndim else 1).tolist()
        return rows

    def finalize_state(self) -> None:
        """Make a vocabulary of what was counted."""
        most = None if self.max_tokens is None else max(self.max_tokens - len(self._specials), 0)
        tokens = self._counts.commonest(most, (self.mask_token, self.oov_token))
        if tokens:
            rarities = self._counts.rarities(tokens).astype(self.float_dtype) if self.output_mode == "tf_idf" else None
            self._keep(tokens, None if rarities is None else self._for_all(rarities, len(self._specials)))
        self.reset_state()

    def reset_state(self) -> None:
        """Forget what was counted, not the vocabulary."""
        self._counts = TokenCounts(self.output_mode == "tf_idf")

    # --- Computing ----------------------------------------------------------------------------------------------------

    @property
    def number_dtype(self) -> np.dtype[Any]:
        """Dtype of indices or, inverted, of tokens."""
        return self.token_dtype if self.invert else np.dtype(np.int64)

    @property
    def output_dtype(self) -> np.dtype[Any]:
        """Dtype of the output: counts are whole numbers, as in Keras."""
        return self.float_dtype if self.output_mode == "tf_idf" else self.number_dtype

    def as_input(self, x: Any, name: str, wanted: str = "") -> Array:
        """`x` as an array of tokens or, inverted, of indices."""
        return any_numbers(x, name).astype(np.int64, copy=False) if self.invert else self.as_tokens(x, name)

    def indices_of(self, x: Array) -> Array:
        """Return the indices of tokens or, inverted, the tokens of indices."""
        self._check_vocabulary()
        if self.invert:
            return self.array_of(self._vocabulary.tokens_at(x.ravel().tolist(), self.oov_token)).reshape(x.shape)
        return self.looked_up(x.ravel().tolist()).reshape(x.shape)

    def _check_vocabulary(self) -> None:
        if not self._vocabulary.tokens:
            must = "have a vocabulary"
            checks.complain(ValueError, self.name, must, "none", "; call adapt() or set_vocabulary() first")

    def looked_up(self, tokens: list[Any]) -> Array:
        """Return the indices of tokens."""
        found = self._vocabulary.indices(tokens)
        unknown = np.flatnonzero(found == UNKNOWN)
        found[unknown] = [self._index_of_unknown(tokens[place]) for place in unknown]
        return found

    def _index_of_unknown(self, token: Any) -> int:
        if token == self.mask_token and self.mask_token is not None:
            return 0 if self.output_mode == "int" else _DROPPED
        if not self.num_oov_indices:
            must, cure = "be in the vocabulary, as num_oov_indices is 0", "; set it to 1"
            checks.complain(ValueError, f"{self.name}: tokens", must, checks.shown(token), cure)
        return self._first_unknown + (0 if self.num_oov_indices == 1 else self.unknown_number(token))

    def forward(self, x: Array, call: Any = None) -> Array:
        """Compute the output; see `Layer.forward`."""
        return self._weighted(super().forward(x))

    def _weighted(self, counts: Array) -> Array:
        return counts if self.idf_weights is None else counts * self.idf_weights

    def get_build_config(self) -> dict[str, Any] | None:
        """Return nothing: there is nothing to build."""
        return {}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments: of a vocabulary that was found, its size."""
        own = {name: getattr(self, name) for name in _SETTINGS}
        salt = None if self.salt is None else list(self.salt)
        return super().get_config() | own | self._described() | {"vocabulary_size": self._known_size, "salt": salt}

    def _described(self) -> dict[str, Any]:
        """Return what the config has of the vocabulary."""
        tokens = self._vocabulary.tokens
        if not tokens or self._given["vocabulary"] is not None or not self._is_in_config():
            return self._given
        own = slice(len(self._specials), len(self._vocabulary))
        return {
            "vocabulary": tokens,
            "idf_weights": None if self.idf_weights is None else self.idf_weights[own].tolist(),
        }
