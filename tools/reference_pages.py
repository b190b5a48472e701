"""Write ``docs/made/*.rst``: the reference, a page for each module that ``docs/reference.md`` lists.

    python tools/reference_pages.py

The site is built with it (``docs/conf.py``). What a page has is asked of its module; a test wants every module listed.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any, NamedTuple

DOCS = Path(__file__).parents[1] / "docs"
SPECIAL = ("__call__", "__iter__", "__len__")


class Entry(NamedTuple):
    """A public name, and where what it names is described: there, or under another name."""

    place: str
    value: Any
    first: str = ""

    @property
    def name(self) -> str:
        """The last part of the place."""
        return self.place.rpartition(".")[2]


def main() -> None:
    """Write the pages."""
    (DOCS / "made").mkdir(exist_ok=True)
    for name, text in pages().items():
        path = DOCS / "made" / f"{name}.rst"
        if not path.exists() or path.read_text("utf-8") != text:  # what has not changed is not read again
            path.write_text(text, "utf-8")


def listed() -> list[str]:
    """Return the modules that the reference has, in its order."""
    return re.findall(r"^   (fastlstm[\w.]*)$", (DOCS / "reference.md").read_text("utf-8"), re.MULTILINE)


def pages() -> dict[str, str]:
    """Return the texts of all pages, by the names of their modules."""
    modules = [importlib.import_module(name) for name in listed()]
    places = first_places(modules)
    return {module.__name__: page(module, entries(module, places), places) for module in modules}


def first_places(modules: list[ModuleType]) -> dict[Any, str]:
    """Return where everything is described: in the module listed first, by its own name if it has it there."""
    places: dict[Any, str] = {}
    for module in modules:
        for entry in sorted(entries(module), key=lambda entry: getattr(entry.value, "__name__", "") != entry.name):
            places.setdefault(key(entry), entry.place)
    return places


def key(entry: Entry) -> Any:
    """Return what two names of one thing have in common; numbers and texts have nothing."""
    return id(entry.value) if callable(entry.value) else entry.place


def entries(module: ModuleType, places: Mapping[Any, str] = MappingProxyType({})) -> list[Entry]:
    """Return the public names of a module that are no modules; without ``__all__``, those that it defines."""
    names = getattr(module, "__all__", None) or [name for name, value in vars(module).items() if is_own(value, module)]
    values = {name: value_of(module, name) for name in sorted(names) if name[0] != "_"}
    found = [Entry(f"{module.__name__}.{name}", value) for name, value in values.items() if not inspect.ismodule(value)]
    return [entry._replace(first=places.get(key(entry), "")) for entry in found]


def value_of(module: ModuleType, name: str) -> Any:
    """Return what a module has; itself for a module in it whose package is not installed."""
    try:
        return getattr(module, name)
    except ImportError:
        return module


def is_own(value: Any, module: ModuleType) -> bool:
    """Whether a module defines something."""
    return getattr(value, "__module__", None) == module.__name__


def page(module: ModuleType, found: list[Entry], places: Mapping[Any, str]) -> str:
    """Return the page of a module."""
    name = module.__name__
    parts = [name, "=" * len(name), "", inspect.getdoc(module) or "", "", f".. module:: {name}", ""]
    own = [entry for entry in found if entry.place == entry.first and is_code(entry.value)]
    if own:
        parts += [".. autosummary::", "   :nosignatures:", "", *(f"   {entry.name}" for entry in own), ""]
    parts += [*other_names(name, found), *other_values(found)]
    for entry in own:
        parts += directive(entry, places)
    return "\n".join(parts)


def other_names(module: str, found: list[Entry]) -> Iterator[str]:
    """Yield a paragraph on names of what is described under another name, or on another page."""
    said = [
        f"``{entry.name}`` is :py:obj:`{entry.first.removeprefix(f'{module}.')} <{entry.first}>`"
        for entry in found
        if entry.place != entry.first
    ]
    if said:
        yield from ("Other names: " + ", ".join(said) + ".", "")


def other_values(found: list[Entry]) -> Iterator[str]:
    """Yield a paragraph on what is neither a class of ours nor a function, by its kind."""
    kinds: dict[str, list[str]] = {}
    for entry in found:
        if entry.place == entry.first and not is_code(entry.value):
            kinds.setdefault(type(entry.value).__name__, []).append(f"``{entry.name}``")
    if kinds:
        yield from (
            "Values: " + "; ".join(f"of ``{kind}`` {', '.join(names)}" for kind, names in kinds.items()) + ".",
            "",
        )


def is_code(value: Any) -> bool:
    """Whether something has a docstring of its own."""
    return inspect.isfunction(value) or inspect.isclass(value)


def directive(entry: Entry, places: Mapping[Any, str]) -> Iterator[str]:
    """Yield the lines that have Sphinx describe something."""
    if inspect.isclass(entry.value):
        members = own_members(entry.value, places)
        yield from (f".. autoclass:: {entry.name}", *([f"   :members: {', '.join(members)}"] if members else []), "")
    else:
        yield from (f".. autofunction:: {entry.name}", "")


def own_members(cls: type, places: Mapping[Any, str]) -> list[str]:
    """Return methods and properties that a class has beyond those of its bases that have an entry themselves."""
    others = [base for base in cls.__mro__[1:] if id(base) in places or not base.__module__.startswith("fastlstm")]
    mine = [base for base in cls.__mro__ if base not in others]
    names = sorted({name for base in mine for name in vars(base) if name[0] != "_" or name in SPECIAL})
    kinds = property | staticmethod | classmethod | FunctionType
    described = [name for name in names if isinstance(inspect.getattr_static(cls, name), kinds)]
    return [name for name in described if not any(hasattr(base, name) for base in others)]


if __name__ == "__main__":
    main()
