"""What the call of a built-in layer may be given: its arguments by name, and symbolic tensors where one of them is."""

from __future__ import annotations

from typing import Any

from fastlstm import checks

from ..foundation.arrays import Shape, shape_text
from ..foundation.symbolic import SymbolicTensor
from ..foundation.trees import leaves

FIRST = ("inputs", "sequences", "sequence", "x")
"""Names under which Keras takes what a layer is called on."""


def named_arguments(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name, or TypeError if they are not those of the layer."""
    known, name = layer.call_arguments, f"{layer.name}: the arguments of a call"
    if len(args) > len(known):
        checks.complain(TypeError, name, f"be at most {len(known)}, {', '.join(known)}", len(args))
    given = dict(zip(known, args, strict=False))
    for spelling, value in kwargs.items():
        argument = "x" if spelling in FIRST else spelling
        if argument not in known:
            checks.complain(TypeError, name, f"be among {', '.join(known)}", repr(spelling))
        if argument in given:
            checks.complain(TypeError, name, "be given once each", f"{spelling!r} twice")
        given[argument] = value
    if "x" not in given:
        checks.complain(TypeError, name, "begin with x, what the layer is called on", "no x")
    return given


def check_tensors(name: str, tree: Any) -> None:
    """TypeError if there is anything but symbolic tensors in a tree."""
    for leaf in leaves(tree):
        if not isinstance(leaf, SymbolicTensor):
            checks.refuse(TypeError, name, "symbolic, as other arguments of the call are", leaf)


def check_one(name: str, tree: Any) -> SymbolicTensor:
    """Return the only tensor, which may come in a list, or ValueError."""
    found: list[SymbolicTensor] = leaves(tree)
    if isinstance(tree, dict) or len(found) != 1:
        checks.complain(ValueError, name, "be one tensor", f"{len(found)} in a {type(tree).__name__}")
    return found[0]


def check_mask(name: str, mask: SymbolicTensor, shape: Shape, ndim: int | None) -> None:
    """ValueError if a mask cannot be one for the first axes of an array of `shape`."""
    wanted = shape[: ndim or max(1, mask.ndim)]
    pairs = zip(mask.shape, wanted, strict=False)
    if mask.ndim != len(wanted) or any(None not in pair and pair[0] != pair[1] for pair in pairs):
        checks.refuse_shape(name, f"{shape_text(wanted)}, that of the first axes of x", shape_text(mask.shape))
