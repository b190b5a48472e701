"""Finding what a name stands for."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from functools import cache, partial, wraps
from types import ModuleType
from typing import Any

import numpy as np

from fastlstm import absent
from fastlstm.keras.foundation.eager import as_tensors
from fastlstm.keras.foundation.tensors import tensor
from fastlstm.keras.foundation.texts import is_text
from fastlstm.keras.foundation.trees import leaves

from .table import MODULES, NAMES, TAKING_TEXTS

ROOT = __name__.rpartition(".")[0]
KERAS = "fastlstm.keras"

NOT_TENSORS = frozenset(("shape", "dims", "start", "num_rows", "pred", "cond", "fn", "equation"))
"""First arguments that lists may be without being tensors."""


def names_in(namespace: str) -> list[str]:
    """Return the names of a namespace, among them those of namespaces in it; those of the first have no dot before."""
    start = f"{namespace}." if namespace else ""
    inner = {place.removeprefix(start).partition(".")[0] for place in (*NAMES, *MODULES) if place.startswith(start)}
    return sorted({*NAMES.get(namespace, ()), *inner} - {""})


def find(owner: str, namespace: str, name: str) -> Any:
    """Return what a name in a namespace stands for; AttributeError says what to do instead of one that is not there."""
    place = ".".join(filter(None, [namespace, name]))
    if place in MODULES:
        return importlib.import_module(MODULES[place])
    if name in NAMES.get(namespace, ()):
        return _found(NAMES[namespace][name], name)
    if name in names_in(namespace):
        return _namespace(place)
    raise absent.missing(f"module {owner!r}", name, f"tf.{place}")


@cache
def _namespace(name: str) -> ModuleType:
    module = ModuleType(f"{ROOT}.{name}", f"Names of ``tf.{name}``; see `{ROOT}`.")
    module.__dict__["__getattr__"] = partial(find, module.__name__, name)
    module.__dict__["__all__"] = names_in(name)
    module.__dict__["__dir__"] = partial(names_in, name)
    return module


@cache
def _found(entry: str, name: str) -> Any:
    """Return what an entry of the table says."""
    place, *arguments = entry.split()
    module, _, attribute = (f"{ROOT}.functions{place}" if place.startswith(".") else f"{KERAS}.{place}").rpartition(".")
    found = getattr(importlib.import_module(module), attribute)
    return _named(found, name, arguments, place in TAKING_TEXTS) if inspect.isfunction(found) else found


def _named(function: Callable[..., Any], called: str, arguments: list[str], takes_texts: bool) -> Callable[..., Any]:
    """Return a function under another name, with other names of its arguments, that takes `name` and gives tensors."""
    renamed = dict(zip(arguments, inspect.signature(function).parameters, strict=False))
    of_tensors = bool(arguments) and arguments[0] not in NOT_TENSORS

    @wraps(function)
    def call(*args: Any, name: str | None = None, **kwargs: Any) -> Any:
        given = {renamed.get(key, key): value for key, value in kwargs.items()}
        if takes_texts and any(map(_is_text, leaves([args, given]))):
            args, given = _texts_as_tensors(args), {key: _texts_as_tensors(part) for key, part in given.items()}
            return as_tensors(function.__wrapped__(np, *args, **given))  # type: ignore[attr-defined]
        if of_tensors and args and _is_list_of_numbers(args[0]):
            args = (tensor(args[0]), *args[1:])
        return as_tensors(function(*args, **given))

    call.__name__ = call.__qualname__ = called
    return call


def _is_list_of_numbers(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(leaf, bool | int | float) for leaf in leaves(value))


def _is_text(leaf: Any) -> bool:
    return isinstance(leaf, str | bytes) or (isinstance(leaf, np.ndarray) and is_text(leaf))


def _texts_as_tensors(value: Any) -> Any:
    """Return tensors in place of texts and of lists of such."""
    if not isinstance(value, list | tuple) or (value and all(isinstance(part, str | bytes) for part in value)):
        return tensor(value) if any(map(_is_text, leaves(value))) else value
    return tuple([_texts_as_tensors(part) for part in value])
