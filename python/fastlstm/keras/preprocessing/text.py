"""Text as sequences of numbers."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json"]

Analyzer: TypeAlias = Callable[[str], Iterable[Any]]
"""Takes a text apart into words."""

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
"""What stands between words, unless said otherwise."""


def text_to_word_sequence(input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """Return the words of a text.

    Parameters
    ----------
    input_text : str
        The text.
    filters : str
        Characters to take for `split`.
    lower : bool
        Whether to bring the text to lower case.
    split : str
        What is between words.
    """
    between = {ord(mark): split for mark in filters}
    text = (input_text.lower() if lower else input_text).translate(between)
    return [word for word in text.split(split) if word]


def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Analyzer | None = None,
) -> list[int]:
    """Return a number from 1 to ``n - 1`` for each word, by Python's ``hash``; see `hashing_trick`."""
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Any = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Analyzer | None = None,
) -> list[int]:
    """Return a number from 1 to ``n - 1`` for each word; several words may have one.

    Parameters
    ----------
    text, filters, lower, split : str; bool
        See `text_to_word_sequence`.
    n : int
        Number of numbers, with 0, which no word gets.
    hash_function : str or callable
        Takes a word, gives a whole number; ``"md5"`` for one that stays from process to process. By default ``hash``.
    analyzer : Analyzer, optional
        Takes the text apart, in place of `text_to_word_sequence`.
    """
    n = checks.whole_number("n", n, at_least=2)
    number = _md5 if isinstance(hash_function, str) and hash_function == "md5" else hash_function or hash
    if not callable(number):
        checks.refuse(checks.kind_error(number), "hash_function", "'md5' or a function", number)
    words = text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    return [number(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Numbers words by how often they occur, from 1.

    Parameters
    ----------
    num_words : int, optional
        One more than the number of words that are used, the commonest; None: all.
    filters, lower, split : str; bool
        See `text_to_word_sequence`. A text that is a list is taken as its words.
    char_level : bool
        Whether every character is a word.
    oov_token : str, optional
        What stands for words that are not used, as number 1; None: they are left out.
    analyzer : Analyzer, optional
        Takes a text apart, in place of `text_to_word_sequence`.
    document_count : int
        Number of texts that were counted.

    Attributes
    ----------
    word_counts, word_docs
        How often words occur, and in how many texts.
    word_index, index_word
        Numbers of words, and words of numbers.
    index_docs
        In how many texts words occur, by their numbers.

    Raises
    ------
    ValueError
        If `num_words` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras.preprocessing.text import Tokenizer
    >>> tokenizer = Tokenizer(num_words=10)
    >>> tokenizer.fit_on_texts(["the cat sat", "the dog"])
    >>> tokenizer.texts_to_sequences(["the dog sat"])
    [[1, 4, 3]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Analyzer | None = None,
        document_count: int = 0,
    ) -> None:
        self.num_words = None if num_words is None else checks.whole_number("num_words", num_words, at_least=0)
        self.filters, self.lower, self.split = filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.document_count = checks.whole_number("document_count", document_count, at_least=0)
        self.word_counts: dict[Any, int] = {}
        self.word_docs: dict[Any, int] = defaultdict(int)
        self.word_index: dict[Any, int] = {}
        self.index_word: dict[int, Any] = {}
        self.index_docs: dict[int, int] = defaultdict(int)

    def _words(self, text: Any) -> Any:
        if self.char_level or isinstance(text, list):
            if not self.lower:
                return text
            return [word.lower() for word in text] if isinstance(text, list) else text.lower()
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of texts, beside those of earlier calls, and number all of them anew."""
        for text in texts:
            self.document_count += 1
            words = list(self._words(text))
            for word, count in Counter(words).items():
                self.word_counts[word] = self.word_counts.get(word, 0) + count
                self.word_docs[word] += 1
        by_count = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        numbered = by_count if self.oov_token is None else [self.oov_token, *by_count]
        self.word_index = {word: number for number, word in enumerate(numbered, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Any) -> None:
        """Count in how many sequences each number occurs."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for number in set(sequence):
                self.index_docs[number] += 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Return the numbers of the words of every text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """Give the numbers of the words of one text after the other."""
        for text in texts:
            yield self._known(map(self.word_index.get, self._words(text)), self.word_index.get(self.oov_token))

    def sequences_to_texts(self, sequences: Iterable[Any]) -> list[str]:
        """Return the words of the numbers of every sequence, with spaces between them."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Any]) -> Iterator[str]:
        """Give the words of one sequence after the other."""
        for sequence in sequences:
            numbers = (number if number in self.index_word else None for number in sequence)
            known = self._known(numbers, self.word_index.get(self.oov_token))
            yield " ".join(self.index_word[number] for number in known)

    def _known(self, numbers: Iterable[int | None], other: int | None) -> list[int]:
        """Return the numbers of words that are used, with `other`, unless there is none, for the rest."""
        most = self.num_words
        found = (other if number is None or (most and number >= most) else number for number in numbers)
        return [number for number in found if number is not None]

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> Array:
        """Return a row for each text; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> Array:
        """Return a row for each sequence, with a column for each number.

        Parameters
        ----------
        sequences : list of sequences
            Lists of numbers.
        mode : str
            ``"binary"``: whether a number is there; ``"count"``: how often; ``"freq"``: as a part of all;
            ``"tfidf"``: weighted by how rare it is among the texts that were counted.
        """
        checks.one_of("mode", mode, ("binary", "count", "freq", "tfidf"))
        columns = self.num_words or (len(self.word_index) + 1 if self.word_index else 0)
        if not columns:
            checks.complain(ValueError, "num_words", "be given, or fit_on_texts() called first", "neither")
        if mode == "tfidf" and not self.document_count:
            checks.complain(ValueError, "mode", "not be 'tfidf' before fit_on_texts() has counted texts", repr(mode))
        found = np.zeros((len(sequences), columns))
        for row, sequence in zip(found, sequences, strict=True):
            for number, count in Counter(number for number in sequence if number < columns).items():
                row[number] = self._weight(mode, number, count, len(sequence))
        return found

    def _weight(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "tfidf":
            rarity = np.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
            return float((1 + np.log(count)) * rarity)
        return {"binary": 1.0, "count": count, "freq": count / length}[mode]

    def get_config(self) -> dict[str, Any]:
        """Return the settings, and the counts and numbers as text."""
        settings = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        config = {name: getattr(self, name) for name in settings}
        return config | {name: json.dumps(getattr(self, name)) for name in _COUNTED}

    def to_json(self, **kwargs: Any) -> str:
        """Return `get_config` as text, for `tokenizer_from_json`; `kwargs` are those of ``json.dumps``."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


_COUNTED = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Return the tokenizer that `Tokenizer.to_json` described."""
    described = checks.settings("json_string", json.loads(json_string))
    config = checks.settings("json_string: config", described.get("config"))
    counted = {name: json.loads(config.pop(name)) for name in _COUNTED}
    tokenizer = Tokenizer(**config)
    for name, found in counted.items():
        of_numbers = name.startswith("index_")  # which JSON has as text
        setattr(tokenizer, name, {int(key): entry for key, entry in found.items()} if of_numbers else found)
    return tokenizer
