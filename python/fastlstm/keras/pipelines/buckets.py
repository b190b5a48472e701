"""Batches of elements of similar length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from .batching import Padding, stacked
from .specs import with_batch_axis
from .structures import called, nested


class Buckets:
    """Puts elements into groups by their length, and gives a batch of a group when it is full.

    Parameters
    ----------
    length_of : callable
        Function of a user that gives the length of an element.
    bounds : sequence of int
        Lengths at which the next group begins.
    sizes : sequence of int
        Elements of a batch of each group.
    padding : Padding, optional
        How elements are filled up; None: they must have the same shape.
    to_boundary : bool
        Whether open axes get the length of the longest element that belongs to the group.
    drop_remainder : bool
        Whether to leave out batches that have fewer elements.
    """

    def __init__(
        self,
        length_of: Callable[..., Any],
        bounds: Sequence[int],
        sizes: Sequence[int],
        padding: Padding | None,
        to_boundary: bool,
        drop_remainder: bool,
    ) -> None:
        self.length_of = checks.function("element_length_func", length_of)
        self.bounds = _rising(bounds)
        given = checks.items("bucket_batch_sizes", sizes, "a list of whole numbers")
        self.sizes = [checks.whole_number("bucket_batch_sizes: each", size, at_least=1) for size in given]
        if len(self.sizes) != len(self.bounds) + 1:
            checks.refuse_count("bucket_batch_sizes", f"{len(self.bounds) + 1} sizes, one for each group", self.sizes)
        self.padding, self.to_boundary, self.drop_remainder = padding, to_boundary, drop_remainder

    def batches(self, elements: Iterable[Any], spec: Callable[[], Any]) -> Iterator[Any]:
        """Give the batches; at the end those that are not full, the shortest elements first."""
        groups: list[list[Any]] = [[] for _ in self.sizes]
        for element in elements:
            number = int(np.searchsorted(self.bounds, self._length(element), side="right"))
            groups[number].append(element)
            if len(groups[number]) == self.sizes[number]:
                yield self._joined(number, groups[number], spec)
                groups[number] = []
        if not self.drop_remainder:
            yield from (self._joined(number, group, spec) for number, group in enumerate(groups) if group)

    def _length(self, element: Any) -> int:
        return checks.whole_number("what element_length_func gives", called(self.length_of, element), at_least=0)

    def _joined(self, number: int, group: list[Any], spec: Callable[[], Any]) -> Any:
        if self.padding is None:
            return stacked(group)
        if not self.to_boundary:
            return self.padding(group)
        if number == len(self.bounds):
            must = f"be below {self.bounds[-1]}, the last of bucket_boundaries, with pad_to_bucket_boundary"
            checks.complain(ValueError, "lengths of elements", must, self._length(group[0]))
        return self._filled_to(self.bounds[number] - 1, spec())(group)

    def _filled_to(self, length: int, spec: Any) -> Padding:
        """Return the padding that gives open axes this length."""
        assert self.padding is not None
        shapes = nested(lambda sizes: [length if n in (None, -1) else n for n in sizes], self.padding.shapes_for(spec))
        return Padding(shapes, self.padding.values)

    def spec(self, spec: Any) -> Any:
        """Return the specs of the batches of elements with these specs."""
        return with_batch_axis(spec if self.padding is None else self.padding.spec(spec), None)


def _rising(bounds: Any) -> list[int]:
    given = checks.items("bucket_boundaries", bounds, "a list of rising whole numbers")
    found = [checks.whole_number("bucket_boundaries: each", bound, at_least=1) for bound in given]
    if not found or found != sorted(set(found)):
        checks.refuse(ValueError, "bucket_boundaries", "a list of rising whole numbers", bounds)
    return found
