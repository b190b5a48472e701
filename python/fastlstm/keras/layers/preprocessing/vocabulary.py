"""Tokens and their indices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array

UNKNOWN = -1
"""In place of the index of a token that is not in a vocabulary."""


class Vocabulary:
    """Tokens in the order of their indices, which never change.

    Parameters
    ----------
    tokens : sequence
        The tokens.
    specials : sequence
        What the indices before them stand for.
    """

    def __init__(self, tokens: Sequence[Any], specials: Sequence[Any]) -> None:
        self.tokens, self.specials = list(tokens), list(specials)
        self._indices = {token: index for index, token in enumerate(tokens, len(specials))}

    def __len__(self) -> int:
        return len(self.specials) + len(self.tokens)

    def indices(self, tokens: Iterable[Any]) -> Array:
        """Return the indices of tokens, `UNKNOWN` where there is none."""
        return np.fromiter(map(self._indices.get, tokens, repeat(UNKNOWN)), np.int64)

    def tokens_at(self, indices: Iterable[int], unknown: Any) -> list[Any]:
        """Return the tokens of indices; `unknown` where there is none."""
        known = [*self.specials, *self.tokens]
        return [known[index] if 0 <= index < len(known) else unknown for index in indices]


def lines_of(path: str, encoding: str, name: str) -> list[str]:
    """Return the lines of a text file."""
    if not Path(path).is_file():
        checks.refuse(ValueError, name, "a list of tokens, or the path of a file that is there", path)
    text = Path(path).read_text(encoding=encoding)
    return text.removesuffix("\n").split("\n") if text else []


MOST_TOKENS = 500_000
"""In a file of a model: each takes some hundred bytes of memory, however few it has in the file."""


def can_be_lines(tokens: Sequence[Any]) -> bool:
    """Whether tokens can be the lines of a file: none has an end of a line in it, nor is the last one empty."""
    text = "\n".join(map(str, tokens))
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return text.splitlines() == [*map(str, tokens)]


def as_lines(tokens: Iterable[Any]) -> bytes:
    """Return a file that has a line for every token."""
    return "\n".join(map(str, tokens)).encode()


def lines_in(data: bytes, name: str) -> list[str]:
    """Return the lines of a file, but for empty ones at its end."""
    try:
        text = data.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        checks.complain(ValueError, name, "be text in UTF-8", error, cause=error)
    if text.count("\n") >= MOST_TOKENS:
        checks.complain(ValueError, name, f"have at most {MOST_TOKENS} lines", text.count("\n") + 1)
    return text.splitlines()


def without_specials(tokens: list[Any], specials: list[Any]) -> tuple[list[Any], bool]:
    """Return the tokens after the special ones, and whether these were there."""
    found = bool(specials) and tokens[: len(specials)] == specials
    return (tokens[len(specials) :], True) if found else (tokens, False)


def check_tokens(tokens: list[Any], reserved: Iterable[Any], specials: list[Any], name: str) -> None:
    """ValueError if there are no tokens, one twice, or a `reserved` one among them."""
    if not tokens:
        checks.complain(ValueError, name, "have tokens", "none")
    twice = [token for token, count in Counter(tokens).items() if count > 1]
    if twice:
        checks.complain(ValueError, name, "have every token once", f"{checks.shown(twice[0])} twice")
    for token in reserved:
        if token is not None and token in tokens:
            must = f"have {checks.shown(token)} at the start only, where all of {specials} may be"
            checks.complain(ValueError, name, must, f"it at place {tokens.index(token)}")
