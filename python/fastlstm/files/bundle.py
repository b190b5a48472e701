"""What every format of files is read into and written from."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray


class Bundle(NamedTuple):
    """Arrays by name, and what they are."""

    arrays: dict[str, NDArray[Any]]
    description: dict[str, Any]
    """Of values that JSON can hold."""
