"""Arguments that several callbacks take."""

from typing import Any

from fastlstm import checks


def epochs(name: str, value: Any) -> int:
    """`value` as a number of epochs."""
    return checks.whole_number(name, value, at_least=0)


def verbosity(value: Any) -> int:
    """0, 1 or 2; many programs give a boolean."""
    return int(value) if isinstance(value, bool) else checks.whole_number("verbose", value, at_least=0, at_most=2)
