"""Descriptions in files: JSON in which every name stands once."""

from __future__ import annotations

import json
from typing import Any

from fastlstm import checks


def parsed(text: str | bytes, entry: str) -> dict[str, Any]:
    """Return the object that JSON describes.

    Parameters
    ----------
    text
        The JSON; bytes are UTF-8.
    entry
        Name of the file and of the part of it, for errors.
    """
    try:
        found = json.loads(text, object_pairs_hook=_with_names_once)
    except RecursionError:
        checks.complain(ValueError, entry, "not be nested so deep", "more levels than Python's stack can hold")
    except ValueError as error:
        checks.complain(ValueError, entry, "be JSON", error, cause=error)
    if not isinstance(found, dict):
        checks.refuse(ValueError, entry, "a JSON object, { ... }", found)
    return found


def _with_names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        checks.complain(ValueError, "an object", "have every name once", f"{twice!r} twice")
    return found
