"""Texts as numbers of words: how Keras' data sets are numbered, shuffled and cut."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array

Texts = list[list[int]]


class Choice(NamedTuple):
    """Which words of which texts are wanted, and under which numbers."""

    num_words: int | None
    """Words with this number or a larger one are left out; None: with the largest one that there is."""
    skip_top: int
    """Words with a smaller number are left out, too."""
    maxlen: int | None
    """Texts with so many words or more are left out."""
    seed: int
    start_char: int | None
    """What every text begins with."""
    oov_char: int | None
    """What stands for a word that is left out; None: nothing."""
    index_from: int
    """Added to all numbers."""

    def source(self) -> Any:
        """Return what the orders of the texts are drawn from, as Keras draws them."""
        return np.random.RandomState(self.seed)

    def checked(self) -> Choice:
        """Raise TypeError or ValueError unless all are whole numbers, or None where that may be."""
        for name, value in self._asdict().items():
            if value is not None or name in ("skip_top", "seed", "index_from"):
                checks.whole_number(name, value, at_least=0)
        return self


def shuffled(texts: Texts, labels: Array, choice: Choice, source: Any) -> tuple[Texts, Array]:
    """Return texts in an order drawn from a source, with their labels, numbered as is wanted."""
    order = np.arange(len(texts))
    source.shuffle(order)
    start = [] if choice.start_char is None else [choice.start_char]
    shift = choice.index_from
    return [[*start, *(word + shift for word in texts[k])] for k in order.tolist()], labels[order]


def short(texts: Texts, labels: Array, choice: Choice) -> tuple[Texts, Array]:
    """Return the texts that are not too long, and their labels."""
    if not choice.maxlen:
        return texts, labels
    kept = [k for k, text in enumerate(texts) if len(text) < choice.maxlen]
    if not kept:
        longest = min(map(len, texts), default=0) + 1
        checks.complain(ValueError, "maxlen", f"be {longest} at least, so that a text is left", choice.maxlen)
    return [texts[k] for k in kept], labels[kept]


def chosen(texts: Texts, choice: Choice) -> Texts:
    """Return texts without the words that are not wanted."""
    end = choice.num_words or max(max(text, default=0) for text in texts)
    begin, other = choice.skip_top, choice.oov_char
    if other is None:
        return [[word for word in text if begin <= word < end] for text in texts]
    return [[word if begin <= word < end else other for word in text] for text in texts]


def as_objects(texts: Texts) -> Array:
    """Return an array of lists."""
    found = np.empty(len(texts), object)
    found[:] = texts
    return found
