"""Any object as plain values that JSON can hold, in Keras' form, and back."""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.scopes import Scoped

from .arrays import any_numbers, real_dtype
from .lookup import of_this_package
from .published import find_function, find_maker, is_function, name_of_function, place_of
from .registration import custom_object_scope, get_registered_name, get_registered_object
from .symbolic import SymbolicTensor
from .texts import dtype_name

LEVELS = 150
"""How deep the dicts and lists of a config may lie in each other: some forty models, each inside the next."""

_PLAIN = (str, int, float, bool, type(None))


def serialize_keras_object(obj: Any) -> Any:
    """Return the description of an object, which JSON can hold.

    Parameters
    ----------
    obj : object
        Something with `get_config`, a function with a name, an array, or a list, tuple or dict of such.

    Returns
    -------
    dict
        ``{"module": ..., "class_name": ..., "config": ..., "registered_name": ...}``; plain values stay what they are.
    """
    if isinstance(obj, _PLAIN):
        return obj
    if isinstance(obj, list | tuple):
        parts = [serialize_keras_object(entry) for entry in obj]
        return parts if isinstance(obj, list) else tuple(parts)
    if isinstance(obj, Mapping):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    for kinds, describe in _DESCRIBERS:
        if isinstance(obj, kinds):
            return describe(obj)
    if hasattr(obj, "get_config") and not isinstance(obj, type):
        return _described(obj)
    checks.refuse(TypeError, "what is described", "an object with get_config(), or a value that JSON can hold", obj)


def _special(name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": f"__{name}__", "config": config}


def _described_array(array: Any) -> Any:
    if array.ndim == 0:
        return array.item()
    return _special("numpy", value=array.tolist(), dtype=array.dtype.name)


def _described_slice(part: slice) -> dict[str, Any]:
    ends = {name: serialize_keras_object(getattr(part, name)) for name in ("start", "stop", "step")}
    return _special("slice", **ends)


def described_function(function: Any) -> dict[str, Any]:
    """Return the description of a function: its name."""
    name = name_of_function(function)
    if get_registered_object(name) is None:
        _note(name, function)
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def _described_tensor(tensor: SymbolicTensor) -> dict[str, Any]:
    node = tensor.node
    history = None if node is None else [node.layer.name, node.layer.inbound_nodes.index(node), tensor.index]
    return keras_tensor(tensor, history)


def keras_tensor(tensor: SymbolicTensor, history: list[Any] | None) -> dict[str, Any]:
    """Return the description of a symbolic tensor that comes from the place in a graph that `history` says."""
    return _special("keras_tensor", shape=tensor.shape, dtype=dtype_name(tensor.dtype), keras_history=history)


_DESCRIBERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (bytes, lambda given: _special("bytes", value=given.decode())),
    (slice, _described_slice),
    (types.EllipsisType, lambda given: _special("ellipsis")),
    (SymbolicTensor, _described_tensor),
    (np.ndarray | np.generic, _described_array),
    (np.dtype, lambda dtype: dtype.name),
    (types.FunctionType, described_function),
)


_met = Scoped[tuple[dict[str, Any], ...]]("met", ())
"""Where the classes and functions that are described are noted: one dict for each block."""


def objects_met(found: dict[str, Any]) -> AbstractContextManager[object]:
    """Note the classes and functions that are described in a block, by name: an object copied by it is in no file."""
    return _met.being((*_met.get(), found))


def _note(name: str, thing: Any) -> None:
    for found in _met.get():
        found[name] = thing


def _described(obj: Any) -> dict[str, Any]:
    config = obj.get_config()
    if not isinstance(config, dict):
        checks.refuse(TypeError, f"what get_config() of {type(obj).__name__} gives", "a dict", config)
    name = getattr(obj, "keras_class_name", type(obj).__name__)
    module, registered_name = obj.keras_place if hasattr(obj, "keras_place") else place_of(type(obj))
    found = {
        "module": module,
        "class_name": name,
        "config": serialize_keras_object(config),
        "registered_name": registered_name,
    }
    if registered_name == get_registered_name(type(obj)):
        _note(registered_name, type(obj))
    for key in ("build_config", "compile_config"):
        more = getattr(obj, f"get_{key}", lambda: None)()
        if more is not None:
            found[key] = serialize_keras_object(more)
    return found


_shared = Scoped[dict[Any, Any] | None]("shared", None)
"""What has been read and may be met again, by its number."""


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """Make the object of a description.

    Parameters
    ----------
    config : dict
        What `serialize_keras_object` gives, of this package or of Keras, or what JSON made of it. It is not changed.
    custom_objects : dict, optional
        Classes and functions of your own by the names that the description has for them.
    safe_mode : bool
        Accepted: code in a description is never run.

    Raises
    ------
    TypeError, ValueError
        Something is not as it must be, or names a class that is not known.
    """
    check_levels(config)
    with custom_object_scope(custom_objects), _one_reading():
        try:
            return restored(config)
        except RecursionError:
            checks.complain(ValueError, "config", "not lie so deep in itself", "one that exceeds Python's stack")


def _one_reading() -> AbstractContextManager[object]:
    """Know what was shared among what is read."""
    outer = _shared.get()
    return _shared.being({} if outer is None else outer)


def check_levels(config: Any, argument: str = "config") -> None:
    """Raise ValueError if dicts and lists lie too deep in each other, or in themselves."""
    seen: dict[int, int] = {}
    stack = [(config, 1)]
    while stack:  # not by recursion, which is what this is to prevent
        tree, level = stack.pop()
        if not isinstance(tree, dict | list | tuple) or seen.get(id(tree), 0) >= level:
            continue
        if level > LEVELS:
            checks.complain(ValueError, argument, f"have at most {LEVELS} levels of dicts and lists", "more")
        seen[id(tree)] = level
        stack.extend((entry, level + 1) for entry in (tree.values() if isinstance(tree, dict) else tree))


def restored(described: Any, argument: str = "config", tensor: Callable[[Any], Any] | None = None) -> Any:
    """Make what a description stands for.

    Parameters
    ----------
    described : dict
        The description, or a list or dict of such.
    argument : str
        Its name in errors.
    tensor : callable, optional
        Finds the symbolic tensor of what a description in a graph says about one.
    """
    if isinstance(described, _PLAIN):
        return described
    if isinstance(described, list | tuple):
        return [restored(entry, argument, tensor) for entry in described]
    if not isinstance(described, dict):
        checks.refuse(TypeError, argument, "made of dicts, lists, texts, numbers, True, False and None", described)
    if not {"class_name", "config"} <= described.keys():
        return {key: restored(entry, argument, tensor) for key, entry in described.items()}
    name, config = described["class_name"], described["config"]
    if name == "__keras_tensor__" and tensor is not None:
        return tensor(config)
    if isinstance(name, str) and name in _RESTORERS:
        return _RESTORERS[name](checks.settings(f"{argument}: {name}", config), f"{argument}: {name}")
    if is_function(described):
        return find_function(config, argument)
    return made_of(described, argument)


def _restored_array(config: dict[str, Any], argument: str) -> Any:
    dtype = real_dtype(f"{argument}: dtype", config.get("dtype"))
    found = any_numbers(config.get("value"), f"{argument}: value")
    with np.errstate(all="ignore"):
        return found.astype(dtype)


def _restored_slice(config: dict[str, Any], argument: str) -> slice:
    ends = [config.get(name) for name in ("start", "stop", "step")]
    return slice(*(None if end is None else checks.whole_number(f"{argument}: each end", end) for end in ends))


def _refused_lambda(config: dict[str, Any], argument: str) -> Any:
    cure = "; write the function with def and give it in custom_objects, by a name that the config then has for it"
    checks.complain(ValueError, argument, "be a function with a name", "the code of a lambda, which is not run", cure)


def _refused_tensor(config: dict[str, Any], argument: str) -> Any:
    checks.complain(ValueError, argument, "have symbolic tensors in the calls of a graph only", "one elsewhere")


_RESTORERS: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "__numpy__": _restored_array,
    "__tensor__": _restored_array,
    "__bytes__": lambda config, argument: checks.text(f"{argument}: value", config.get("value")).encode(),
    "__slice__": _restored_slice,
    "__ellipsis__": lambda config, argument: ...,
    "__lambda__": _refused_lambda,
    "__keras_tensor__": _refused_tensor,
}


def made_of(described: dict[str, Any], argument: str = "config") -> Any:
    """Make an object that has a config; one that was met before under the same number of sharing is that one."""
    number, shared = described.get("shared_object_id"), _shared.get()
    if not isinstance(number, int):
        shared = None
    if shared is not None and number in shared:
        return shared[number]
    maker = find_maker(described, argument)
    config = described.get("config")
    if not (isinstance(config, list) and getattr(maker, "config_may_be_a_list", False)):
        config = checks.settings(f"{argument}: config of {described['class_name']}", config)
    # A class of a user's own may take its config apart.
    made = _from_config(maker, config) if of_this_package(maker) else maker.from_config(copy.deepcopy(config))
    _finish(made, described, argument)
    if shared is not None:
        shared[number] = made
    return made


def _from_config(maker: Any, config: Any) -> Any:
    try:
        return maker.from_config(config)
    except TypeError as error:
        if checks.is_worded(error):
            raise
        name = f"the config of {maker.__name__}"
        checks.complain(TypeError, name, "have what the constructor needs", checks.shown(config), f": {error}", error)


def _finish(made: Any, described: dict[str, Any], argument: str) -> None:
    """Build and compile what was made, if it was when it was described."""
    for key, finish, done in (
        ("build_config", "build_from_config", "built"),
        ("compile_config", "compile_from_config", "compiled"),
    ):
        if described.get(key) and hasattr(made, finish) and not getattr(made, done, False):
            getattr(made, finish)(checks.settings(f"{argument}: {key}", described[key]))
