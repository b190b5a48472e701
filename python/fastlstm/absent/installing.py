"""Putting the errors in place: in modules, in classes, and where modules are imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any, NoReturn

from .errors import AbsentError, missing
from .names import has, keras_names


def install(root: str, classes: Mapping[str, type]) -> None:
    """Let what is not there be told of.

    Parameters
    ----------
    root : str
        Name of the package that has Keras' modules.
    classes : dict
        By their names in Keras, those of which methods and attributes are told of.
    """
    for place in keras_names():
        module = sys.modules.get(f"{root}.{place}".rstrip("."))
        if module is not None:
            _tell_in_module(module, place)
    for place, cls in classes.items():
        _tell_in_class(cls, place)
    sys.meta_path.append(_Finder())


def _tell_in_module(module: ModuleType, place: str) -> None:
    # Without a finder of names of its own, it gets one; with a path, `from module import name` asks finders of modules.
    module.__dict__.setdefault("__getattr__", _teller(module.__name__, place))
    module.__dict__.setdefault("__path__", [])


def _teller(owner: str, place: str) -> Callable[[str], Any]:
    def tell(name: str) -> NoReturn:
        raise missing(f"module {owner!r}", name, f"{place}.{name}".lstrip("."))

    return tell


def _tell_in_class(cls: type, place: str) -> None:
    for name in keras_names()[place]:
        if not has(cls, name):
            setattr(cls, name, _Missing(f"{place}.{name}"))


class _Missing:
    """An attribute that is not there."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        name = self.place.rpartition(".")[2]
        whose = f"type object {owner.__name__!r}" if instance is None else f"{owner.__name__!r} object"
        raise missing(whose, name, self.place)


class _Finder(MetaPathFinder):
    """Asked for what nothing else has found: modules, and names that ``from ... import`` looks for as such."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Raise ImportError if Keras has what is imported and the package has not."""
        above, _, own = name.rpartition(".")
        if name.startswith("fastlstm.") and above in sys.modules:
            try:
                getattr(sys.modules[above], own)
            except AbsentError as error:
                raise ImportError(f"cannot import name {own!r} from {above!r}{error.cure}", name=above) from None
            except AttributeError:
                return
