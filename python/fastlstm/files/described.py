"""Descriptions in files: JSON in which every name stands once."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from fastlstm import checks

MOST_VALUES = 500_000
"""Of one description: each takes up to a hundred bytes of memory, however few it has in the file."""


def parsed(text: str | bytes, entry: str) -> dict[str, Any]:
    """Return the object that JSON describes.

    Parameters
    ----------
    text : str or bytes
        The JSON; bytes are UTF-8.
    entry : str
        Name of the file and of the part of it, for errors.
    """
    try:
        decoded = text if isinstance(text, str) else text.decode()
        _check_count(decoded)
        found = json.loads(decoded, object_pairs_hook=_with_names_once)
    except RecursionError:
        checks.complain(ValueError, entry, "not be nested so deep", "more levels than Python's stack can hold")
    except ValueError as error:
        if checks.is_worded(error):
            raise checks.named(error, entry) from error
        checks.complain(ValueError, entry, "be JSON", error, cause=error)
    if not isinstance(found, dict):
        checks.refuse(ValueError, entry, "a JSON object, { ... }", found)
    return found


def _check_count(text: str) -> None:
    count = sum(map(text.count, "[{,"))
    if count > MOST_VALUES:
        checks.complain(ValueError, "the description", f"have at most {MOST_VALUES} values", count)


def _with_names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        checks.complain(ValueError, "an object", "have every name once", f"{twice!r} twice")
    return found
