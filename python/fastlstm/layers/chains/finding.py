"""The pieces of a chain, found in the names and shapes of arrays."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from fastlstm import checks

from ..base import Recurrent
from ..layer import Layer
from ..sizes import named_arrays


def found_pieces(
    mapping: Mapping[str, ArrayLike], prefix: str, batch_first: bool, pieces: Mapping[str, Any]
) -> dict[str, Layer]:
    """Return layers in place of the classes among pieces; see `Chain.from_state_dict`."""
    own = named_arrays(mapping, prefix)
    unused = [prefix + name for name in own if name.partition(".")[0] not in pieces]
    if unused:
        wanted = ", ".join(f"{prefix}{name}." for name in pieces)
        cure = "; leave them out, or name a layer for them"
        checks.complain(ValueError, "mapping", f"have no names but those of {wanted}", checks.shown(unused), cure)
    return {name: _found(piece, mapping, f"{prefix}{name}", batch_first) for name, piece in pieces.items()}


def _found(piece: Any, mapping: Mapping[str, ArrayLike], name: str, batch_first: bool) -> Layer:
    """Return the layer of a piece; `name` stands before those of its arrays."""
    if isinstance(piece, list | tuple):
        piece = {str(k): inner for k, inner in enumerate(piece)}
    if isinstance(piece, dict):
        from .chain import Chain  # which is what is being made

        return Chain(**found_pieces(mapping, f"{name}.", batch_first, piece))
    if isinstance(piece, Layer):
        piece.load_state_dict(named_arrays(mapping, f"{name}."))
        return piece
    made, options = (piece.func, piece.keywords) if isinstance(piece, functools.partial) else (piece, {})
    by_place: Any = getattr(piece, "args", None)
    if not (isinstance(made, type) and issubclass(made, Layer)) or by_place:
        checks.refuse(TypeError, name, "a class of this package, a layer, or a list or dict of those", piece)
    if issubclass(made, Recurrent):
        options = {"batch_first": batch_first, **options}
    return made.from_state_dict(mapping, f"{name}.", **options)
