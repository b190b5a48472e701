"""Arguments that several callbacks take."""

import os
from typing import Any

from fastlstm import checks


def epochs(name: str, value: Any) -> int:
    """`value` as a number of epochs."""
    return checks.whole_number(name, value, at_least=0)


def verbosity(value: Any) -> int:
    """0, 1 or 2; many programs give a boolean."""
    return int(value) if isinstance(value, bool) else checks.whole_number("verbose", value, at_least=0, at_most=2)


def names(name: str, value: Any) -> list[str]:
    """`value` as a list of texts, at least one."""
    found = [checks.text(name, item) for item in checks.items(name, value, "a list of names")]
    return found or checks.refuse(ValueError, name, "a list of at least one name", value)


def path_with_a_name(name: str, value: Any) -> str:
    """`value` as a path, which must be text."""
    if not isinstance(value, str | os.PathLike):
        checks.refuse(TypeError, name, "a path", value)
    path = os.fspath(value)
    if not isinstance(path, str) or not path:
        checks.refuse(ValueError, name, "a path with a name", value)
    return path
