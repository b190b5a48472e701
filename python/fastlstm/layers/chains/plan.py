"""What the layers of a chain do one after the other, and what cannot follow what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks
from fastlstm.precisions import is_bfloat16

from ..base import Recurrent
from ..cells import Cell
from ..dropout import Dropout
from ..embedding import Embedding
from ..layer import Layer
from ..over_time import FinalHidden, OverTime
from ..sizes import check_size
from ..stateless import Stateless


class Stage(NamedTuple):
    """What runs at once in inference: recurrent layers on top of each other, or one other layer.

    Parameters
    ----------
    places : tuple of int
        Of the layers in the plan.
    recurrent : bool
        Whether they are recurrent.
    hidden : bool
        Whether the final hidden state follows, in place of the outputs.
    """

    places: tuple[int, ...]
    recurrent: bool
    hidden: bool = False


class Plan:
    """The layers of a chain in order.

    Parameters
    ----------
    named : sequence of tuple
        Layers by their names, those of chains within with a dot.
    """

    def __init__(self, named: Sequence[tuple[str, Layer]]) -> None:
        self.names, self.layers = [name for name, _ in named], [layer for _, layer in named]
        self.recurrent = [place for place, layer in enumerate(self.layers) if isinstance(layer, Recurrent)]
        self.tapes = sum(layer._tapes for layer in self.layers if isinstance(layer, Recurrent))
        self.dtype = self._agreed(
            "dtype", [place for place in range(len(named)) if hasattr(self.layers[place], "dtype")]
        )
        self.batch_first = bool(self._agreed("batch_first", self.recurrent))
        self._check_different()
        self._check_order()
        self.stages = list(self._stages())

    def _agreed(self, argument: str, places: Sequence[int]) -> Any:
        """Return what all these layers have as an argument."""
        for place in places[1:]:
            first, other = (getattr(self.layers[k], argument) for k in (places[0], place))
            if other != first:
                wanted = f"be {first}, that of {self.names[places[0]]}"
                checks.complain(ValueError, f"{self.names[place]}: {argument}", wanted, other)
        return getattr(self.layers[places[0]], argument) if places else None

    def _check_different(self) -> None:
        seen: dict[int, str] = {}
        for name, layer in zip(self.names, self.layers, strict=True):
            if layer._of_parameters and id(layer) in seen:
                checks.complain(ValueError, name, "be a layer of its own", f"that of {seen[id(layer)]}")
            seen[id(layer)] = name

    def _check_order(self) -> None:
        """Raise unless every layer can take what the one before gives."""
        size: int | None = None
        has_time = True
        for place, (name, layer) in enumerate(zip(self.names, self.layers, strict=True)):
            self._check_place(place, has_time)
            try:
                size = _size_behind(layer, size, has_time)
            except ValueError as error:
                raise checks.named(error, name) from error
            has_time = has_time and not isinstance(layer, OverTime | FinalHidden)

    def _check_place(self, place: int, has_time: bool) -> None:
        layer, behind = self.layers[place], self.layers[:place]
        must = ""
        if isinstance(layer, Embedding) and place > 0:
            must = "be the first layer: it takes whole numbers"
        elif isinstance(layer, FinalHidden) and not (behind and isinstance(behind[-1], Recurrent)):
            must = "come directly behind a recurrent layer, of which it takes the final state"
        elif isinstance(layer, OverTime) and not any(isinstance(before, Recurrent) for before in behind):
            must = "come behind a recurrent layer, which says where time is"
        elif isinstance(layer, OverTime | Recurrent) and not has_time:
            must = "come where there are time steps"
        if must:
            after = self.names[place - 1] if place else ""
            got = f"a {type(layer).__name__} {f'behind {after}' if after else 'as the first layer'}"
            checks.complain(ValueError, self.names[place], must, got)

    def _stages(self) -> Iterator[Stage]:
        """Put recurrent layers on top of each other together; what does nothing in inference is left out."""
        active = [k for k, layer in enumerate(self.layers) if not isinstance(layer, Dropout)]
        run: list[int] = []
        for place in active:
            layer = self.layers[place]
            if run and not (isinstance(layer, Recurrent) and self._fits(run[-1], layer)):
                hidden = isinstance(layer, FinalHidden)
                yield Stage(tuple(run), True, hidden)
                run = []
                if hidden:
                    continue
            if isinstance(layer, Recurrent):
                run.append(place)
            else:
                yield Stage((place,), False)
        if run:
            yield Stage(tuple(run), True)

    def _fits(self, below: int, layer: Recurrent) -> bool:
        """Whether the core takes a layer in one call with the one below."""
        lower = self.layers[below]
        return isinstance(lower, Recurrent) and lower.num_directions == layer.num_directions

    def streamed_stages(self, layers: Sequence[Any]) -> Iterator[Stage]:
        """As `stages`, of layers with one precision each; `layers` are those of now, by their places."""
        for stage in self.stages:
            for _, places in groupby(stage.places, key=lambda place: getattr(layers[place], "precision", None)):
                yield stage._replace(places=tuple(places))

    # -- states ------------------------------------------------------------------------------------------------------

    def state_name(self, place: int, name: str) -> str:
        """Return what errors call the state of a layer: ``state``, or ``state['lstm']`` if there are several."""
        return name if len(self.recurrent) == 1 else f"{name}[{self.names[place]!r}]"

    def states_of(self, state: Any, name: str) -> dict[int, Any]:
        """Return the states of the recurrent layers by their places."""
        places = {self.names[place]: place for place in self.recurrent}
        if state is None:
            return dict.fromkeys(self.recurrent)
        if not places:
            checks.refuse(ValueError, name, "left out for a chain without a recurrent layer", state)
        if len(places) == 1:
            return {self.recurrent[0]: state}
        if not isinstance(state, Mapping):
            checks.refuse(TypeError, name, f"a dict from {', '.join(places)} to states", state)
        for key in state:
            checks.one_of(f"names in {name}", key, places)
        return {place: state.get(key) for key, place in places.items()}

    def packed(self, states: Mapping[int, Any]) -> Any:
        """Return the states of the recurrent layers in the form that `states_of` takes."""
        if len(self.recurrent) == 1:
            return states[self.recurrent[0]]
        return {self.names[place]: states[place] for place in self.recurrent} or None

    def as_input(self, x: Any) -> Any:
        """`x` if it has the dtype of the chain."""
        if self.dtype is None or isinstance(self.layers[0], Embedding) or not isinstance(x, np.ndarray):
            return x  # which the first layer checks
        if is_bfloat16(x) and self.dtype == np.float32:
            return x.astype(self.dtype)
        if x.dtype != self.dtype and x.dtype.newbyteorder("=") != self.dtype:
            checks.refuse_dtype("x", f"{self.dtype}, that of the chain", x.dtype, f": use x.astype('{self.dtype}')")
        return x


def _size_behind(layer: Layer, size: int | None, has_time: bool) -> int | None:
    """Return the length of the last axis of what a layer gives; see `Stateless.size_behind`."""
    if isinstance(layer, Stateless):
        return layer.size_behind(size, has_time)
    if isinstance(layer, Recurrent):
        check_size("input_size", layer.input_size, size)
        return layer.num_directions * layer._state_size
    return size


def flattened(pieces: Mapping[str, Any]) -> Iterator[tuple[str, Layer]]:
    """Give the layers of pieces with their names; a chain is the layers in it."""
    for name, piece in pieces.items():
        inner = getattr(piece, "_pieces", None)
        if inner is not None:
            yield from ((f"{name}.{below}", layer) for below, layer in flattened(inner))
        elif isinstance(piece, Cell):
            checks.refuse(TypeError, name, "a layer over sequences, such as LSTM", piece, ": a cell takes single steps")
        elif not isinstance(piece, Layer):
            got = f"the class {piece.__name__}; from_state_dict takes classes" if isinstance(piece, type) else None
            checks.complain(TypeError, name, "be a layer of this package", got or checks.shown(piece))
        else:
            yield name, piece
