"""What a module of operators offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..node import Function, Node

Builder: TypeAlias = Callable[[Node], Function]
"""Reads a node and returns the function that runs it."""

Table: TypeAlias = dict[str, Builder]
"""Builders by the names of their operators."""
