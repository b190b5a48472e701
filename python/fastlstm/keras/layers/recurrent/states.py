"""States of cells: trees of arrays ``(N, size)``.

The sizes of a cell are an int or a list of ints, as Keras has them; those of stacked cells, a list of such. Here the
tree of a cell is always a tuple, with one entry where Keras has an int.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from fastlstm import checks

from ...foundation.arrays import as_array

States: TypeAlias = tuple[Any, ...]
"""A tuple of arrays, or for stacked cells of such tuples. None in place of a tuple is zeros."""


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Tuples in the shape of `tree` with the `function` of its leaves and those of the `others`."""
    if isinstance(tree, tuple | list):
        return tuple(tree_map(function, *leaves) for leaves in zip(tree, *others, strict=True))
    return function(tree, *others)


def as_lists(tree: Any) -> Any:
    """Tuples as lists, which is what Keras gives."""
    return [as_lists(entry) for entry in tree] if isinstance(tree, tuple) else tree


def lists_of(function: Callable[[int], Any], sizes: Any) -> Any:
    """Return lists in the shape of a tree of sizes with the `function` of each."""
    return [lists_of(function, size) for size in sizes] if isinstance(sizes, tuple) else function(sizes)


def zeros(sizes: Any, rows: int, dtype: np.dtype[Any]) -> Any:
    """States of zero."""
    return tree_map(lambda size: np.zeros((rows, size), dtype), sizes)


def filled(tree: Any, sizes: Any, rows: int, dtype: np.dtype[Any]) -> Any:
    """`tree` with zeros of its `sizes` for what is None, a leaf or a branch."""
    if tree is None:
        return zeros(sizes, rows, dtype)
    if not isinstance(sizes, tuple):
        return tree
    return tuple(filled(entry, size, rows, dtype) for entry, size in zip(tree, sizes, strict=True))


def grown(flat: Iterator[Any], sizes: Any) -> Any:
    """Return the tree of `sizes` whose arrays come from `flat`: what `trees.leaves` takes apart."""
    return tuple(grown(flat, size) for size in sizes) if isinstance(sizes, tuple) else next(flat)


def total(sizes: Any) -> int:
    """Numbers of all states of a row."""
    return sum(map(total, sizes)) if isinstance(sizes, tuple) else int(sizes)


def rows_of(tree: Any) -> int | None:
    """Return the number of rows of the states, None if there are no arrays."""
    if isinstance(tree, tuple):
        return next((rows for rows in map(rows_of, tree) if rows is not None), None)
    return None if tree is None else len(tree)


def checked_states(given: Any, sizes: Any, rows: int, dtype: np.dtype[Any], name: str) -> Any:
    """States a user gave, as a tree of `sizes`; a single array may come without a list around it."""
    if not isinstance(sizes, tuple):
        array = as_array(given, name, dtype)
        if array.shape != (rows, sizes):
            checks.refuse_shape(name, (rows, sizes), array.shape)
        return array
    entries = list(given) if isinstance(given, list | tuple) else [given]
    if len(entries) != len(sizes):
        checks.complain(ValueError, name, f"have {len(sizes)} arrays, of sizes {as_lists(sizes)}", len(entries))
    return tuple(checked_states(g, s, rows, dtype, name) for g, s in zip(entries, sizes, strict=True))
