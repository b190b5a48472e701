"""Layers one after the other, as one: the plan of a chain, its runs and its streams."""

from .chain import Chain

__all__ = ["Chain"]
