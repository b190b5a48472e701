"""How often tokens occur."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...foundation.arrays import Array


class TokenCounts:
    """Counts of tokens, and of the documents that have them.

    Parameters
    ----------
    by_document : bool
        Whether documents are counted too.
    """

    def __init__(self, by_document: bool) -> None:
        self.by_document = by_document
        self.tokens: Counter[Any] = Counter()
        self.documents: Counter[Any] = Counter()
        self.number = 0
        """Of documents."""

    def update(self, documents: Iterable[Sequence[Any]]) -> None:
        """Count the tokens of documents, beside those of earlier calls."""
        for document in documents:
            self.number += 1
            self.tokens.update(document)
            if self.by_document:
                self.documents.update(set(document))

    def commonest(self, most: int | None, without: Iterable[Any]) -> list[Any]:
        """Return tokens by how often they occur, the larger first of two that do so as often."""
        left_out = set(without)
        counted = [(count, token) for token, count in self.tokens.items() if token not in left_out]
        return [token for _, token in sorted(counted, reverse=True)][:most]

    def rarities(self, tokens: Iterable[Any]) -> Array:
        """Return the inverse document frequencies: ``log(1 + documents / (1 + documents with the token))``."""
        having = np.array([self.documents[token] for token in tokens])
        return np.log(1 + self.number / (1 + having))
