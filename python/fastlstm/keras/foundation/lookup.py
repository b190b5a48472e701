"""Finding the object a user names: by string, class or instance."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, TypeVar

from fastlstm import checks

T = TypeVar("T")

_counts: defaultdict[str, int] = defaultdict(int)


def snake_case(name: str) -> str:
    """``SimpleRNN`` -> ``simple_rnn``, as Keras names layers."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(class_name: str) -> str:
    """``lstm``, ``lstm_1``, ... counted per process."""
    base = snake_case(class_name)
    count = _counts[base]
    _counts[base] += 1
    return base if count == 0 else f"{base}_{count}"


def function_name(function: Any) -> str:
    """Name of a function or callable object in snake case, ``lambda`` for one without."""
    return snake_case(getattr(function, "__name__", type(function).__name__))


def of_this_package(thing: Any) -> bool:
    """Whether a class or a function is defined in this package, not by a user."""
    return bool(thing.__module__.startswith("fastlstm."))


def article(noun: str) -> str:
    """Return ``an Optimizer``, ``a Loss``."""
    return f"{'an' if noun[0] in 'AEIOU' else 'a'} {noun}"


def checked_name(name: Any, owner: str) -> str:
    """`name` if it is text; empty for None."""
    return "" if name is None else checks.text(f"{owner}: name", name)


def reset_names() -> None:
    """Start the automatic names again."""
    _counts.clear()


def find(identifier: Any, known: Mapping[str, type[T]], base: type[T], kind: str) -> T:
    """Return the object that `identifier` stands for: an instance, class or description, or a `known` name.

    `kind` is the argument that errors name.
    """
    if isinstance(identifier, base):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, base):
        return identifier()
    config: dict[str, Any] = {}
    if isinstance(identifier, dict) and {"class_name", "config"} <= set(identifier):
        config = checks.settings(f"{kind}: config", identifier["config"])
        identifier = identifier["class_name"]
    if isinstance(identifier, str) and identifier in known:
        return known[identifier](**config)
    names = ", ".join(sorted({snake_case(cls.__name__) for cls in known.values()}))
    wanted = f"a known name or {article(base.__name__)}"
    checks.refuse(checks.kind_error(identifier), kind, wanted, identifier, f"; valid names: {names}")


def names_of(*classes: type[T], **aliases: type[T]) -> dict[str, type[T]]:
    """Lookup table of `classes` under their class and snake case names, and under `aliases`."""
    table = {cls.__name__: cls for cls in classes} | {snake_case(cls.__name__): cls for cls in classes}
    return table | aliases | {alias.upper(): cls for alias, cls in aliases.items()}
