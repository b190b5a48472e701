"""What a module of operators offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..node import Function, Node
from ..values import Array

Builder: TypeAlias = Callable[[Node], Function | Array]
"""Reads a node and returns the function that runs it, or the array that it gives in every run."""

Table: TypeAlias = dict[str, Builder]
"""Builders by the names of their operators."""
