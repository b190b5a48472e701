"""Functions of Keras 1 that are gone: what drew initial weights, of a shape and a scale, and what cut arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .. import initializers
from ..foundation.arrays import Array
from .telling import tell

_SCALED: dict[str, tuple[float, Callable[[float], initializers.Initializer], str]] = {
    "uniform": (0.05, lambda scale: initializers.RandomUniform(-scale, scale), "RandomUniform(-scale, scale)"),
    "normal": (0.05, lambda scale: initializers.RandomNormal(0.0, scale), "RandomNormal(0.0, scale)"),
    "orthogonal": (1.1, initializers.Orthogonal, "Orthogonal(scale)"),
    "identity": (1.0, initializers.Identity, "Identity(scale)"),
}
"""By name: the scale by default, what draws today, and how that is written."""

_PLAIN: dict[str, type[initializers.Initializer]] = {
    "glorot_normal": initializers.GlorotNormal,
    "glorot_uniform": initializers.GlorotUniform,
    "he_normal": initializers.HeNormal,
    "he_uniform": initializers.HeUniform,
    "lecun_uniform": initializers.LecunUniform,
    "one": initializers.Ones,
    "zero": initializers.Zeros,
}


def initializations() -> dict[str, Callable[..., Array]]:
    """Return the functions of the module ``initializations``, by name."""
    return {name: _scaled(name) for name in _SCALED} | {name: _plain(name) for name in _PLAIN}


def _scaled(old: str) -> Callable[..., Array]:
    default, made, today = _SCALED[old]

    def draw(shape: Any, scale: float = default, name: Any = None) -> Array:
        tell(f"initializations.{old}()", f"initializers.{today}")
        return made(scale)(shape)

    return draw


def _plain(old: str) -> Callable[..., Array]:
    made = _PLAIN[old]

    def draw(shape: Any, name: Any = None) -> Array:
        tell(f"initializations.{old}()", f"initializers.{made.__name__}()")
        return made()(shape)

    return draw


def as_initializer(given: Any) -> Any:
    """Let a function of a shape and a name be one of a shape and a dtype; all else stays as it is."""
    if not inspect.isfunction(given) or "name" not in inspect.signature(given).parameters:
        return given
    return lambda shape, dtype=None: given(shape, name=None)


def slice_rows(x: Any, start: Any = None, stop: Any = None) -> Any:
    """Return rows of an array, or of every array in a list: from `start` to `stop`, or those that `start` lists."""
    tell("slice_X()", "x[start:stop]")
    rows = start if hasattr(start, "__len__") else slice(start, stop)
    return [part[rows] for part in x] if isinstance(x, list) else x[rows]
