"""Calls in configs as Keras 2 wrote them: as lists, with states among the inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastlstm import checks

from .calling import takes_states


def is_call_of_keras_2(call: Any) -> bool:
    """Whether a call is written as Keras 2 did: a list of places of tensors."""
    return isinstance(call, list | tuple)


def own_calls_in_keras_2(layer: Any) -> int:
    """Return how many calls Keras 2 counts of a layer before those there are: of a graph or a `Sequential`, one."""
    return 1 if getattr(layer, "is_functional", False) or getattr(layer, "is_sequential", False) else 0


def modern_call(layer: Any, call: Any, layers: Mapping[str, Any], argument: str) -> dict[str, Any]:
    """Return a call ``[[layer, call, output, kwargs], ...]`` as the dict that Keras 3 writes."""
    kwargs: dict[str, Any] = {}
    inputs = [_tensor(part, layers, argument, kwargs) for part in call]
    if len(inputs) > 1 and takes_states(layer):  # which were given in one list with the sequence
        inputs, kwargs = inputs[:1], kwargs | {"initial_state": inputs[1:]}
    return {"args": [inputs] if len(inputs) > 1 else inputs, "kwargs": kwargs}


def _tensor(part: Any, layers: Mapping[str, Any], argument: str, kwargs: dict[str, Any]) -> Any:
    """Return the description of a tensor from its place, and add what stands behind the place to `kwargs`."""
    if not isinstance(part, list | tuple) or len(part) not in (3, 4) or not isinstance(part[0], str):
        checks.refuse(ValueError, f"{argument}: each input", "a list [layer, call, output, arguments]", part)
    if len(part) == 4:
        more = checks.settings(f"{argument}: arguments", part[3])
        kwargs |= {name: _with_tensors(value, layers, argument) for name, value in more.items()}
    return _described(part, layers)


def _with_tensors(value: Any, layers: Mapping[str, Any], argument: str) -> Any:
    """Return the value of an argument, in which ``[layer, call, output]`` is a tensor."""
    if not isinstance(value, list | tuple):
        return value
    if len(value) == 3 and isinstance(value[0], str) and value[0] in layers:
        return _described(value, layers)
    return [_with_tensors(entry, layers, argument) for entry in value]


def _described(place: Any, layers: Mapping[str, Any]) -> dict[str, Any]:
    name, number, index, *_ = place
    own = own_calls_in_keras_2(layers.get(name))
    history = [name, number - own if isinstance(number, int) else number, index]
    return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}
