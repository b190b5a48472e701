"""Errors about what is not there."""

from __future__ import annotations

from .instead import instead
from .names import is_known

PAGE = "docs/from-keras.md"


class AbsentError(AttributeError):
    """Keras has it, this package has not; `cure` says what to do instead."""

    def __init__(self, text: str, cure: str) -> None:
        super().__init__(text + cure)
        self.cure = cure


def missing(owner: str, name: str, place: str) -> AttributeError:
    """Return the error about a `name` that `owner` has not, which may be what Keras has at `place`."""
    text = f"{owner} has no attribute {name!r}"
    return AbsentError(text, f": {instead(place)} (see {PAGE})") if is_known(place) else AttributeError(text)
