"""The sizes of a layer, found in the names and shapes of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from fastlstm import checks

_FIRST, _RECURRENT, _PROJECTION = "weight_ih_l0", "weight_hh_l0", "weight_hr_l0"
_CELLS = {1: "an RNN", 3: "a GRU", 4: "an LSTM"}

OF_PARAMETERS = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")
"""Arguments that follow from the parameters."""


def own_parameters(mapping: Any, prefix: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of a mapping whose names begin with `prefix`, by the rest of their names."""
    if not isinstance(mapping, Mapping):
        checks.refuse(TypeError, "mapping", "a dict from parameter names to arrays", mapping)
    names = [name for name in mapping if isinstance(name, str) and name.startswith(checks.text("prefix", prefix))]
    own = {name.removeprefix(prefix): checks.array(name, mapping[name]) for name in names}
    for name in (_FIRST, _RECURRENT):
        if name not in own:
            got = f"the names {checks.shown(list(mapping))}; prefix= says what stands before a layer's"
            checks.complain(ValueError, "mapping", f"have {prefix + name!r}", got)
    return own


def sizes_of(own: Mapping[str, NDArray[Any]], gates: int, owner: str) -> dict[str, Any]:
    """Return what the constructor is to be given, where parameters have the names and shapes of a layer.

    Parameters
    ----------
    own
        The parameters.
    gates
        Of the cell.
    owner
        The layer, for errors.
    """
    first, recurrent = own[_FIRST], own[_RECURRENT]
    for name, array in ((_FIRST, first), (_RECURRENT, recurrent)):
        if array.ndim != 2 or 0 in array.shape or array.shape[0] % gates:
            checks.refuse_shape(f"{owner}: {name}", f"({gates} * hidden_size, ...)", array.shape)
    projected = _PROJECTION in own and gates == 4  # only an LSTM has one
    if not projected and recurrent.shape[0] != gates * recurrent.shape[1]:
        other = _CELLS.get(recurrent.shape[0] // recurrent.shape[1])
        cure = f"; it is of {other}" if other and recurrent.shape[0] % recurrent.shape[1] == 0 else ""
        checks.refuse_shape(f"{owner}: {_RECURRENT}", f"({gates} * hidden_size, hidden_size)", recurrent.shape, cure)
    found = {
        "input_size": first.shape[1],
        "hidden_size": first.shape[0] // gates,
        "num_layers": _count(own),
        "bias": "bias_ih_l0" in own,
        "bidirectional": f"{_FIRST}_reverse" in own,
    }
    return {**found, "proj_size": recurrent.shape[1]} if projected else found


def _count(own: Mapping[str, NDArray[Any]]) -> int:
    count = 1
    while f"weight_ih_l{count}" in own:
        count += 1
    return count
