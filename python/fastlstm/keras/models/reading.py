"""The graph of a config: layers and operations made again, and called as the config says.

A config may come from anybody. What is wrong with it ends in an error that says where.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

from fastlstm import checks

from ..foundation.operation import Operation
from ..foundation.serialization import made_of, restored
from ..foundation.symbolic import SymbolicTensor
from ..layers.base import Layer
from ..layers.symbolic_masks import adopted
from .calling import call_as_said
from .keras_2 import is_call_of_keras_2, modern_call, own_calls_in_keras_2
from .writing import own_calls

Key: TypeAlias = tuple[str, int]
"""A call: name of the layer, and which of its calls."""


class Wanted(NamedTuple):
    """A call that is to be made."""

    args: Any
    kwargs: Any
    needs: tuple[Key, ...]
    """The calls that come before."""


class GraphReader:
    """Makes the layers of a config, calls them, and knows the tensors that they give.

    Parameters
    ----------
    entries : array_like
        ``layers`` of the config.
    owner : str
        What the config is of, for errors.
    """

    def __init__(self, entries: Any, owner: str) -> None:
        self.owner = owner
        self.layers: dict[str, Any] = {}
        self.outputs: dict[Key, list[SymbolicTensor]] = {}
        self.of_keras_2 = False
        calls = [self._made(entry) for entry in checks.items(f"{owner}: layers", entries, "a list of descriptions")]
        wanted = {key: self._wanted(key[0], call) for of_layer in calls for key, call in of_layer.items()}
        self._check_needs(wanted)
        for key in _in_order(wanted, owner):
            self._call(key[0], wanted[key])

    def _made(self, entry: Any) -> dict[Key, Any]:
        """Make a layer, and return the calls of it."""
        described = checks.settings(f"{self.owner}: layers: each entry", entry)
        config = described.get("config")
        given = described.get("name", config.get("name") if isinstance(config, dict) else None)
        name = checks.text(f"{self.owner}: layers: name of an entry", given)
        if name in self.layers:
            checks.complain(ValueError, f"{self.owner}: layers", "have a name each", f"{name!r} twice")
        described.pop("build_config", None)  # its first call builds it
        self.layers[name] = layer = made_of(described, f"{self.owner}: layer {name!r}")
        if not isinstance(layer, Operation):
            checks.refuse(TypeError, f"{self.owner}: layer {name!r}", "a layer or an operation", layer)
        for number, node in enumerate(layer.inbound_nodes):  # that of an Input
            self.outputs[name, number] = node.outputs
        argument = f"{self.owner}: inbound_nodes of {name!r}"
        inbound = checks.items(argument, described.get("inbound_nodes", []), "a list of calls")
        return {(name, len(layer.inbound_nodes) + k): call for k, call in enumerate(inbound)}

    def _wanted(self, name: str, call: Any) -> Wanted:
        argument = f"{self.owner}: call of {name!r}"
        if is_call_of_keras_2(call):
            self.of_keras_2 = True
            call = modern_call(self.layers[name], call, self.layers, argument)
        given = checks.settings(argument, call)
        args = checks.items(f"{argument}: args", given.get("args", []), "a list")
        kwargs = checks.settings(f"{argument}: kwargs", given.get("kwargs", {}))
        needs = [_history(config, argument)[:2] for config in _tensors_in([args, kwargs])]
        return Wanted(args, kwargs, tuple(needs))

    def _check_needs(self, wanted: Mapping[Key, Wanted]) -> None:
        for (owner, _), call in wanted.items():
            for name, number in call.needs:
                if name not in self.layers:
                    missing = f"{name!r}, which is no layer"
                elif (name, number) not in wanted and (name, number) not in self.outputs:
                    missing = f"{name!r}, which has no call {number}"
                else:
                    continue
                must = "be on what layers of the config give"
                checks.complain(ValueError, f"{self.owner}: call of {owner!r}", must, missing)

    def _call(self, name: str, call: Wanted) -> None:
        layer, argument = self.layers[name], f"{self.owner}: call of {name!r}"
        args, kwargs = restored([call.args, call.kwargs], argument, lambda config: self._tensor(config, argument))
        number = len(layer.inbound_nodes)
        if isinstance(layer, Layer):
            _take_mask(args, kwargs)
        with _errors_of_values(argument, isinstance(layer, Layer)):
            call_as_said(layer, args, kwargs, argument)
        self.outputs[name, number] = layer.inbound_nodes[number].outputs

    def ends(self, tree: Any, argument: str) -> Any:
        """Return the tensors of ``input_layers`` or ``output_layers``, in the form in which they are there."""
        argument = f"{self.owner}: {argument}"
        found = self._ends(tree, argument)
        return found[0] if self.of_keras_2 and isinstance(found, list) and len(found) == 1 else found

    def _ends(self, tree: Any, argument: str) -> Any:
        if isinstance(tree, dict):
            return {name: self._ends(entry, argument) for name, entry in tree.items()}
        if not isinstance(tree, list | tuple) or not tree:
            wanted = "a place of a tensor, [layer, call, output], or a list or dict of such"
            checks.refuse(ValueError, argument, wanted, tree)
        if isinstance(tree[0], str):
            name, number, index = _history(tree, argument)
            return self._found(name, number - self._own_calls(name), index, argument)
        return [self._ends(entry, argument) for entry in tree]

    def _own_calls(self, name: str) -> int:
        count = own_calls_in_keras_2 if self.of_keras_2 else own_calls
        return count(self.layers.get(name))

    def _tensor(self, config: Any, argument: str) -> SymbolicTensor:
        return self._found(*_history(config, argument), argument)

    def _found(self, name: str, number: int, index: int, argument: str) -> SymbolicTensor:
        found = self.outputs.get((name, number), [])
        if index >= len(found):
            wanted = "the place of a tensor that there is, [layer, call, output]"
            checks.refuse(ValueError, argument, wanted, [name, number, index])
        return found[index]


def _take_mask(args: Any, kwargs: Any) -> None:
    """Leave a mask out that is the one that comes with the input: no run needs its operations then."""
    if not (isinstance(args, list) and len(args) == 1 and isinstance(kwargs, dict)):
        return
    x, mask = args[0], kwargs.get("mask")
    if isinstance(x, SymbolicTensor) and isinstance(mask, SymbolicTensor) and adopted(x, mask):
        del kwargs["mask"]


def _tensors_in(tree: Any) -> Iterator[Any]:
    """Return what descriptions of symbolic tensors in a tree say."""
    if isinstance(tree, dict) and tree.get("class_name") == "__keras_tensor__":
        yield tree.get("config")
        return
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        for entry in tree:
            yield from _tensors_in(entry)


def _history(place: Any, argument: str) -> tuple[str, int, int]:
    """Return the parts of what says where a tensor comes from."""
    history = place.get("keras_history") if isinstance(place, dict) else place
    if not isinstance(history, list | tuple) or len(history) != 3:
        checks.refuse(ValueError, f"{argument}: keras_history", "a list [layer, call, output]", history)
    name, number, index = history
    return (
        checks.text(f"{argument}: keras_history: layer", name),
        checks.whole_number(f"{argument}: keras_history: call", number, at_least=0),
        checks.whole_number(f"{argument}: keras_history: output", index, at_least=0),
    )


def _in_order(wanted: Mapping[Key, Wanted], owner: str) -> list[Key]:
    """Return the calls in an order in which each comes after those it needs, and after the one before of its layer."""
    waiting: dict[Key, int] = {}
    then: defaultdict[Key, list[Key]] = defaultdict(list)
    for (name, number), call in wanted.items():
        needs = {need for need in (*call.needs, (name, number - 1)) if need in wanted}
        waiting[name, number] = len(needs)
        for need in needs:
            then[need].append((name, number))
    ready, order = deque(key for key, count in waiting.items() if not count), list[Key]()
    while ready:
        order.append(ready.popleft())
        for key in then[order[-1]]:
            waiting[key] -= 1
            if not waiting[key]:
                ready.append(key)
    if len(order) < len(wanted):
        stuck = sorted({name for (name, _), count in waiting.items() if count})
        must = "not need what they give themselves"
        checks.complain(ValueError, f"{owner}: layers", must, f"a circle of {checks.shown(stuck)}")
    return order


@contextmanager
def _errors_of_values(argument: str, of_layer: bool) -> Iterator[None]:
    """Turn what functions raise for arguments that make no sense into an error about the call; layers say it well."""
    try:
        yield
    except (MemoryError, NotImplementedError, ImportError):
        raise
    except Exception as error:
        if of_layer and isinstance(error, ValueError | TypeError):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        checks.complain(kind, argument, "be one that works", f"{type(error).__name__}: {error}", cause=error)
