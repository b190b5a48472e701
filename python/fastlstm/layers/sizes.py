"""The sizes of a layer, found in the names and shapes of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from numpy.typing import NDArray

from fastlstm import checks

_CELLS = {1: "an RNN", 3: "a GRU", 4: "an LSTM"}


def named_arrays(mapping: Any, prefix: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of a mapping whose names begin with `prefix`, by the rest of their names."""
    if not isinstance(mapping, Mapping):
        checks.refuse(TypeError, "mapping", "a dict from parameter names to arrays", mapping)
    begin = checks.text("prefix", prefix)
    names = [name for name in mapping if checks.text("names in mapping", name).startswith(begin)]
    return {name.removeprefix(prefix): checks.array(name, mapping[name]) for name in names}


def missing(name: str, names: list[Any]) -> NoReturn:
    """Raise ValueError about a `name` that is not among the `names` of a mapping."""
    got = f"the names {checks.shown(names)}; prefix= says what stands before a layer's"
    checks.complain(ValueError, "mapping", f"have {name!r}", got)


def shape_of(own: Mapping[str, NDArray[Any]], name: str, prefix: str, names: list[Any], owner: str) -> tuple[int, int]:
    """Return the shape of the matrix `name`, of which no axis is empty."""
    if name not in own:
        missing(prefix + name, names)
    shape = own[name].shape
    if len(shape) != 2 or 0 in shape:
        checks.refuse_shape(f"{owner}: {name}", "(rows, columns), at least one of each", shape)
    return shape[0], shape[1]


def cell_sizes(own: Mapping[str, NDArray[Any]], gates: int, owner: str, suffix: str) -> dict[str, Any]:
    """Return the sizes of a cell of which ``weight_ih`` and ``weight_hh`` with a suffix are there.

    Parameters
    ----------
    own : dict
        The parameters.
    gates : int
        Of the cell.
    owner : str
        The layer, for errors.
    suffix : str
        Of the names.
    """
    first_name, recurrent_name, projection = (f"weight_{kind}{suffix}" for kind in ("ih", "hh", "hr"))
    first, recurrent = own[first_name], own[recurrent_name]
    for name, array in ((first_name, first), (recurrent_name, recurrent)):
        if array.ndim != 2 or 0 in array.shape or array.shape[0] % gates:
            checks.refuse_shape(f"{owner}: {name}", f"({gates} * hidden_size, ...)", array.shape)
    projected = projection in own and gates == 4 and suffix != ""  # only an LSTM has one
    if not projected and recurrent.shape[0] != gates * recurrent.shape[1]:
        other = _CELLS.get(recurrent.shape[0] // recurrent.shape[1])
        cure = f"; it is of {other}" if other and recurrent.shape[0] % recurrent.shape[1] == 0 else ""
        checks.refuse_shape(
            f"{owner}: {recurrent_name}", f"({gates} * hidden_size, hidden_size)", recurrent.shape, cure
        )
    found = {
        "input_size": first.shape[1],
        "hidden_size": first.shape[0] // gates,
        "bias": f"bias_ih{suffix}" in own,
    }
    return {**found, "proj_size": recurrent.shape[1]} if projected else found


def stack_sizes(own: Mapping[str, NDArray[Any]], gates: int, owner: str) -> dict[str, Any]:
    """Return the sizes of a recurrent layer, as `cell_sizes`."""
    found = {"num_layers": _count(own), "bidirectional": "weight_ih_l0_reverse" in own}
    return cell_sizes(own, gates, owner, "_l0") | found


def _count(own: Mapping[str, NDArray[Any]]) -> int:
    count = 1
    while f"weight_ih_l{count}" in own:
        count += 1
    return count


def check_size(name: str, own: int, size: int | None) -> None:
    """Raise ValueError unless the `size` that comes in, if it is known, is a layer's own."""
    if size is not None and size != own:
        checks.complain(ValueError, name, f"be {size}, what the layer before gives", own)
