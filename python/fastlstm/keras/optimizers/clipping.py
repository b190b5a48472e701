"""Keeping gradients short."""

import math
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
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
            gradient = group.flat_gradient()
            for span in group.spans:
                _shorten([gradient[span]], clipnorm)
    elif global_clipnorm is not None:
        _shorten([group.flat_gradient() for group in groups], global_clipnorm)


def _shorten(gradients: list[Array], longest: float) -> None:
    length = math.sqrt(sum(float(np.dot(g, g)) for g in gradients))
    if not length <= longest:
        for gradient in gradients:
            gradient *= longest / length if math.isfinite(length) else math.nan
