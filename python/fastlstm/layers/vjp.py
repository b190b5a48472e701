"""A run of a layer with a way back: tapes, dropout, and gradients."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastlstm import _core, checks, through_time
from fastlstm.through_time import Flow, ThroughTime
from fastlstm.typing import Floats

from .arguments import as_array
from .call import Call, State
from .draws import dropout_mask
from .parameters import core_name

if TYPE_CHECKING:
    from .base import Recurrent

Pullback: TypeAlias = Callable[..., "Gradients"]


@dataclass(frozen=True)
class Gradients:
    """Gradients of a scalar with respect to what went into a layer.

    Attributes
    ----------
    x : ndarray
        In the shape of the input; None where that is of whole numbers, or it was not asked for.
    state : ndarray or tuple of ndarray
        In the form of the initial state; None where there is none.
    parameters : dict of str to ndarray
        By parameter name.
    flow : Flow, dict or None
        Where ``flow=True`` was asked for: how large the gradients of the states after every step are. Of a chain by the
        names of its recurrent layers, if there are several.
    """

    x: Any
    state: State
    parameters: dict[str, Floats]
    flow: Any = None


@dataclass(frozen=True)
class Way:
    """What a way back has found so far, and what is looked for.

    Attributes
    ----------
    wanted : container of str or None
        Names of parameters, and ``"x"``, whose gradients are made; None for all.
    flows : list of Flow or None
        Of every layer and direction, to be filled.
    parameters : dict of str to ndarray
        Gradients by name.
    dstates : list of tuple
        Gradients of the initial states, from the last layer and direction to the first.
    """

    wanted: Container[str] | None
    flows: list[Flow] | None
    parameters: dict[str, Floats] = field(default_factory=dict)
    dstates: list[tuple[Floats, ...]] = field(default_factory=list)

    def wants(self, name: str) -> bool:
        """Return whether a gradient is to be made."""
        return self.wanted is None or name in self.wanted


class TrainingCall(Call):
    """A run that keeps the tapes of its layers and the masks of its dropout; gradients go through time `by` a way."""

    def __init__(
        self, layer: Recurrent, x: Floats, state: State, lengths: Any, by: ThroughTime, name: str = "state"
    ) -> None:
        layer.check_trainable()
        super().__init__((layer,), x, (state,), lengths, (name,))
        if by.tbptt is not None and layer.bidirectional:
            cure = ": the reverse direction has no state of steps before it; leave tbptt out"
            checks.complain(ValueError, "bidirectional", "be False for gradients that are cut by tbptt", True, cure)
        self.by = by
        self.dropout = layer.dropout
        self.parameters = layer._parameters
        self.tapes: list[through_time.Tape] = []
        self.masks: list[Floats | None] = []

    def run(self) -> Floats:
        """All layers, with dropout between them: (T, N, I) to (T, N, D*S)."""
        inputs = self.x
        for layer in range(self.layer.num_layers):
            inputs = self._drop(layer, self._train_layer(layer, inputs))
        return inputs

    def _train_layer(self, layer: int, inputs: Floats) -> Floats:
        """Both directions of one layer, with tapes: (T, N, .) to (T, N, D*S)."""
        y, parts = self.outputs()
        for direction, part in enumerate(parts):
            k = layer * len(parts) + direction
            arguments = (self.weights[k], inputs, *self.states[k], part, self.lengths, direction == 1)
            h_n, c_n, tape = through_time.forward_training(self.by, *arguments)
            self.tapes.append(tape)
            self.final.append((h_n,) if c_n is None else (h_n, c_n))
        return y

    def _drop(self, layer: int, y: Floats) -> Floats:
        """Dropout on the outputs of every layer but the last."""
        p = self.dropout
        mask: Floats | None = None
        if p > 0 and layer < self.layer.num_layers - 1:
            mask = self.dropout_mask(y.shape, p)
        self.masks.append(mask)
        return y if mask is None else y * mask

    def dropout_mask(self, shape: tuple[int, ...], p: float) -> Floats:
        """Draw factors for a (T, N, D*S) array: 0 with probability `p`, else ``1 / (1 - p)``."""
        return dropout_mask(self.layer._rng, shape, p, self.layer.dtype)

    def pullback(self, dy: Floats | None = None, dstate: State = None, flow: bool = False) -> Gradients:
        """From gradients of the outputs to those of the inputs; see `Recurrent.vjp`."""
        if dy is None and dstate is None:
            checks.refuse_pair("pullback", dy=dy, dstate=dstate)
        seeds = self.seeds(dstate, "dstate")
        return self.pull(None if dy is None else self.checked(dy), seeds, checks.truth("flow", flow))

    def seeds(self, dstate: State, name: str, hidden: Floats | None = None) -> Sequence[Floats | None] | None:
        """Return the gradient of the final states, (L*D, N, .): `dstate`, and with it that of `final_hidden`."""
        layer, N = self.layer, self.x.shape[1]
        seeds = None if dstate is None else self.state_arrays(layer, dstate, name)
        if hidden is None:
            return seeds
        D, S = layer.num_directions, layer._state_size
        dh = np.zeros((layer.num_layers * D, N, S), layer.dtype) if seeds is None else seeds[0].copy()
        dh[-D:] += hidden.reshape(N, D, S).transpose(1, 0, 2)
        return (dh, *(seeds or ())[1:])

    def checked(self, dy: Floats) -> Floats:
        """`dy` if it is what the gradient of the output can be."""
        dy = as_array(dy, "dy", self.layer.dtype)
        shape = self.output_shape(self.layer.num_directions * self.layer._state_size)
        if dy.shape != shape:
            checks.refuse_shape("dy", shape, dy.shape)
        return dy

    def pull(
        self,
        dy: Floats | None,
        seeds: Sequence[Floats | None] | None,
        flow: bool,
        wanted: Container[str] | None = None,
    ) -> Gradients:
        """As `pullback`, with what is checked: the `seeds` are dh_n and dc_n, (L*D, N, .).

        Of the parameters and x only the gradients that are `wanted` are made, by name; None: all.
        """
        layer = self.layer
        way = Way(wanted, [self._flow() for _ in self.tapes] if flow else None)
        dinputs = None if dy is None else self.time_first(dy)
        for k in reversed(range(layer.num_layers)):
            mask = self.masks[k]
            dinputs = dinputs if mask is None or dinputs is None else dinputs * mask
            dinputs = self._pull_layer(k, dinputs, seeds, way)
        in_order = {name: way.parameters[name] for name in layer._shapes() if name in way.parameters}
        state = self.pack_state(layer, way.dstates[::-1])
        dx = None if dinputs is None else self.output(dinputs)
        return Gradients(dx, state, in_order, way.flows and self._joined(way.flows))

    def _flow(self) -> Flow:
        """Return what the norms of a layer and direction are written to."""
        steps, rows = self.x.shape[:2]
        return Flow.of(steps, rows, self.layer._states == 2)

    def _joined(self, flows: list[Flow]) -> Flow:
        """Return those of all layers and directions, with the axes of x: (L*D, T, N)."""
        h, c = (None if part[0] is None else np.stack(part) for part in zip(*flows, strict=True))
        assert h is not None
        return Flow(self._as_x(h), None if c is None else self._as_x(c))

    def _as_x(self, norms: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give (L*D, T, N) the axes of x."""
        if not self.batched:
            return norms[..., 0]
        return norms.swapaxes(1, 2) if self.layer.batch_first else norms

    def _pull_layer(
        self, layer: int, dy: Floats | None, seeds: Sequence[Floats | None] | None, way: Way
    ) -> Floats | None:
        """Both directions of one layer, the second first, so that the states of the `way` fill from the end."""
        S, D = self.layer._state_size, self.layer.num_directions
        total: Floats | None = None
        for direction in reversed(range(D)):
            k = layer * D + direction
            dx = self.empty(self.weights[k].input_size) if layer or way.wants("x") else None
            own = self._gradients_of(f"_l{layer}" + ("_reverse" if direction else ""), way)
            part = None if dy is None else dy[..., direction * S : (direction + 1) * S]
            dh_n, dc_n = (None if seed is None else seed[k] for seed in (*(seeds or ()), None, None)[:2])
            flow = None if way.flows is None else way.flows[k]
            dh_0, dc_0 = through_time.backward(self.tapes[k], part, dh_n, dc_n, dx, own, flow)
            way.dstates.append((dh_0,) if dc_0 is None else (dh_0, dc_0))
            total = dx if total is None or dx is None else total + dx
        return total

    def _gradients_of(self, suffix: str, way: Way) -> dict[str, Floats]:
        """Make the arrays of those that are wanted of a layer and direction; return them by the engine's names."""
        names = [name for name in self.layer._parameter_names if way.wants(name + suffix)]
        own = {name: _core.empty(self.parameters[name + suffix].shape, self.layer.dtype) for name in names}
        way.parameters.update((name + suffix, gradient) for name, gradient in own.items())
        return {f"d{core_name(name)}": gradient for name, gradient in own.items()}
