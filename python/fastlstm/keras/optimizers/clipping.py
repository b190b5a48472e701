"""Keeping gradients short."""

import math
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation import core
from .group import Group


def checked_clips(owner: str, **clips: Any) -> list[float | None]:
    """Return the bounds, at most one of which may be given."""
    given = [argument for argument, value in clips.items() if value is not None]
    if len(given) > 1:
        checks.complain(ValueError, f"{owner}: {', '.join(clips)}", "not come together", " and ".join(given))
    return [
        None if value is None else checks.real_number(f"{owner}: {argument}", value, above=0, infinite=True)
        for argument, value in clips.items()
    ]


def clip(groups: list[Group], clipnorm: float | None, clipvalue: float | None, global_clipnorm: float | None) -> None:
    """Bring the gradients of all groups within the one bound that is not None."""
    if clipvalue is not None:
        for gradient in (group.flat_gradient() for group in groups):
            np.clip(gradient, -clipvalue, clipvalue, out=gradient)
    elif clipnorm is not None:
        for group in groups:
            group.scales = [_scale(squares, clipnorm) for squares in core.squares(group.gradients)]
    elif global_clipnorm is not None:
        scale = _scale(sum(sum(core.squares(group.gradients)) for group in groups), global_clipnorm)
        for group in groups:
            group.scales = [scale] * len(group.gradients)


def _scale(squares: float, longest: float) -> float:
    """Return what makes a gradient with this sum of squares no longer than it may be."""
    length = math.sqrt(squares)
    if length <= longest:
        return 1.0
    return longest / length if math.isfinite(length) else math.nan
