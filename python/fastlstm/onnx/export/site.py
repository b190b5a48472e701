"""The place where the nodes of a layer go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from ..values import NUMBERS
from .writer import Writer


class Site:
    """A call of a layer.

    Parameters
    ----------
    writer : Writer
        The graph.
    layer : Layer
        The layer.
    inputs : sequence of str
        Names of what it takes.
    mask : str, optional
        The name of the mask of the first of these.
    shapes : sequence of tuple of int
        Of what it takes; None where an axis is open.
    lengths : dict
        Names of the lengths that masks are, by the names of the masks.
    """

    def __init__(
        self,
        writer: Writer,
        layer: Any,
        inputs: Sequence[str],
        mask: str | None,
        shapes: Sequence[tuple[int | None, ...]],
        lengths: dict[str, str],
    ) -> None:
        self.writer, self.layer, self.inputs, self.shapes = writer, layer, list(inputs), list(shapes)
        self.mask = self.behind = mask
        self._lengths = lengths

    def of(self, layer: Any) -> Site:
        """Return the same place for another layer."""
        return Site(self.writer, layer, self.inputs, self.mask, self.shapes, self._lengths)

    @property
    def x(self) -> str:
        """The name of the first input."""
        return self.inputs[0]

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape of it."""
        return self.shapes[0]

    @property
    def number(self) -> int:
        """Number of the dtype of the layer in the format."""
        return NUMBERS[np.dtype(self.layer.dtype)]

    def check_ranks(self) -> None:
        """Refuse inputs that differ in rank."""
        if len({len(shape) for shape in self.shapes}) > 1:
            checks.complain(ValueError, self.layer.name, "take inputs of one rank for ONNX", self.shapes)

    def lengths(self) -> str:
        """Return the name of the lengths of the rows that the mask says; "" if there is none.

        For a row whose mask leaves out others than the last steps it is more than there are steps, which a recurrent
        node refuses: no numbers come of a mask that is no length.
        """
        if self.mask is None:
            return ""
        if self.mask not in self._lengths:
            self._lengths[self.mask] = self._written(self.mask)
        return self._lengths[self.mask]

    def _written(self, mask: str) -> str:
        writer = self.writer
        there = writer.node("Cast", mask, to=7)
        count = writer.node("ReduceSum", there, writer.numbers(1), keepdims=0)
        steps = writer.node("Gather", writer.node("Shape", mask), writer.constant(np.int64(1)))
        one = writer.constant(np.int64(1))
        places = writer.node("Range", one, writer.node("Add", steps, one), one)
        last = writer.node("ReduceMax", writer.node("Mul", there, places), axes=[1], keepdims=0)
        beyond = writer.node("Mul", writer.node("Sub", last, count), steps)
        return writer.node("Cast", writer.node("Add", count, beyond), to=6)
