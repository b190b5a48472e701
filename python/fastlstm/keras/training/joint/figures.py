"""What metrics gather, as one array of numbers, so that those of several parts of a batch can be added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...foundation.arrays import Array
from ...foundation.trees import filled, leaves
from ...metrics import Metric


class Form(NamedTuple):
    """What the states of metrics are made of; settings among them, which no batch changes, are not added up."""

    states: list[Any]
    """As `Metric.get_state` gives them, of a metric that has seen a batch."""
    start: Array
    """What the numbers in them are before the first batch."""


def added(metrics: Sequence[Metric]) -> tuple[Array, Form]:
    """Return what metrics have gathered since they were reset, and reset them."""
    states = [metric.get_state() for metric in metrics]
    for metric in metrics:
        metric.reset_state()
    pairs = zip(_numbers(states), _numbers([metric.get_state() for metric in metrics]), strict=True)
    # An array that grows with the first batch begins with zeros.
    before = [start if start.shape == now.shape else np.zeros_like(now) for now, start in pairs]
    start = _flat(before)
    return _flat(_numbers(states)) - start, Form(states, start)


def put(metrics: Sequence[Metric], sums: Array, form: Form) -> None:
    """Let metrics have gathered these numbers."""
    numbers, at = form.start + sums, 0
    found = []
    for leaf in leaves(form.states):
        size = np.size(leaf)
        found.append(_like(leaf, numbers[at : at + size]))
        at += size
    for metric, state in zip(metrics, filled(form.states, iter(found)), strict=True):
        metric.set_state(state)


def _numbers(states: list[Any]) -> list[Array]:
    return [np.asarray(leaf, np.float64) for leaf in leaves(states)]


def _flat(parts: Sequence[Array]) -> Array:
    return np.concatenate([np.empty(0), *[part.reshape(-1) for part in parts]])


def _like(leaf: Any, numbers: Array) -> Any:
    """Return numbers as what a state has in one place: an array, or a number of Python."""
    if isinstance(leaf, np.ndarray):
        return numbers.reshape(leaf.shape).astype(leaf.dtype)
    return type(leaf)(numbers[0])
