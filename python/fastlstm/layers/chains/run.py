"""Runs of a chain: without a way back, and with one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks
from fastlstm.through_time import WHOLE, ThroughTime
from fastlstm.typing import Floats

from ..call import Call
from ..layer import CHANGE, Layer
from ..over_time import FinalHidden, OverTime, steps_first
from ..over_time import Sequence as Steps
from ..stateless import Stateless, as_gradient
from ..vjp import Gradients, TrainingCall
from .plan import Plan, Stage


class Run:
    """One run of a chain: what goes from layer to layer, and the states that recurrent layers end with.

    Parameters
    ----------
    plan : Plan
        The chain.
    x : array_like
        Its input.
    state : state, optional
        Initial state, in the form of `Plan.states_of`.
    lengths : array_like, optional
        Valid steps of every row, or None.
    """

    def __init__(self, plan: Plan, x: Any, state: Any, lengths: Any) -> None:
        self.plan = plan
        self.layers = layers_now(plan)
        self.values: Any = plan.as_input(x)
        self.states = plan.states_of(state, "state")
        if lengths is not None and not plan.recurrent:
            checks.refuse(ValueError, "lengths", "left out for a chain without a recurrent layer", lengths)
        self.lengths = lengths
        self.batched = True
        self.final: dict[int, Any] = {}

    def run(self) -> Floats:
        """Go through all stages."""
        for stage in self.plan.stages:
            try:
                self.values = self._stack(stage) if stage.recurrent else self._single(stage.places[0])
            except (ValueError, TypeError) as error:
                raise checks.named(error, self.plan.names[stage.places[0]]) from error
        result: Floats = self.values
        return result

    def _stack(self, stage: Stage) -> Floats:
        """Recurrent layers on top of each other."""
        names = [self.plan.state_name(place, "state") for place in stage.places]
        layers: Any = [self.layers[place] for place in stage.places]
        call = Call(layers, self.values, [self.states[place] for place in stage.places], self.lengths, names)
        if stage.hidden:
            call.run_to_state()
            y = call.final_hidden()
        else:
            y = call.output(call.run())
        self._keep(call, stage.places)
        return y

    def _keep(self, call: Call, places: Sequence[int]) -> None:
        """Note what a run of recurrent layers says: their final states, and the form of its input."""
        self.final |= dict(zip(places, call.final_states(), strict=True))
        self.lengths, self.batched = call.lengths, call.batched

    def _single(self, place: int) -> Floats:
        layer = self.layers[place]
        if isinstance(layer, OverTime):
            return self._without_time(layer.forward(self._steps()))
        assert isinstance(layer, Stateless)
        return layer.forward(layer.checked(self.values))

    def _steps(self) -> Steps:
        """Return the outputs of all steps, time first."""
        return Steps(steps_first(self.values, self._axis), self.lengths)

    @property
    def _axis(self) -> int:
        """Axis of time."""
        return 1 if self.batched and self.plan.batch_first else 0

    def _without_time(self, y: Floats) -> Floats:
        """Give (N, F) the axes that there were beside time."""
        return y if self.batched else y[0]

    def final_state(self) -> Any:
        """Return the states after the last step."""
        return self.plan.packed(self.final)


class TrainingRun(Run):
    """A run that keeps the way back; gradients go through time `by` a way."""

    def __init__(self, plan: Plan, x: Any, state: Any, lengths: Any, by: ThroughTime) -> None:
        super().__init__(plan, x, state, lengths)
        if by is not WHOLE and not plan.recurrent:
            name, value = next((name, value) for name, value in by._asdict().items() if value is not None)
            checks.refuse(ValueError, name, "left out for a chain without a recurrent layer", value)
        self.by = by.share(plan.tapes)
        self.trail: list[Any] = []  # of every layer what leads back through it

    def run(self) -> Floats:
        """Go through all layers."""
        for place, (name, layer) in enumerate(zip(self.plan.names, self.layers, strict=True)):
            try:
                self.values = self._train(place, layer)
            except (ValueError, TypeError) as error:
                raise checks.named(error, name) from error
        result: Floats = self.values
        return result

    def _train(self, place: int, layer: Any) -> Floats:
        y: Floats
        if place in self.states:
            name = self.plan.state_name(place, "state")
            call = TrainingCall(layer, self.values, self.states[place], self.lengths, self.by, name)
            y = call.output(call.run())
            self._keep(call, [place])
            self.trail.append(call)
        elif isinstance(layer, FinalHidden):
            y = self.trail[-1].final_hidden()
            self.trail.append(None)
        elif isinstance(layer, OverTime):
            steps, back = layer.forward_training(self._steps())
            y = self._without_time(steps)
            self.trail.append(self._over_time(back))
        else:
            y, back = layer.forward_training(layer.checked(self.values))
            self.trail.append(back)
        return y

    def _over_time(self, back: Any) -> Any:
        """Return what leads back, in the axes that values have."""
        batched, axis = self.batched, self._axis

        def all_steps(dy: Floats) -> tuple[NDArray[Any], dict[str, Floats]]:
            dsteps = back(dy if batched else dy[None])
            return (dsteps.swapaxes(0, axis) if batched else dsteps[:, 0]), {}

        return all_steps

    def pullback(self, dy: Floats | None = None, dstate: Any = None, flow: bool = False) -> Gradients:
        """From gradients of the outputs to those of the inputs; see `Chain.vjp`."""
        if dy is None and dstate is None:
            checks.refuse_pair("pullback", dy=dy, dstate=dstate)
        if checks.truth("flow", flow) and not self.plan.recurrent:
            checks.refuse(ValueError, "flow", "False for a chain without a recurrent layer", flow)
        dvalues: Any = None if dy is None else as_gradient(dy, self.values)
        if dy is None and not isinstance(self.trail[-1], TrainingCall):
            dvalues = np.zeros_like(self.values)
        dstates = self.plan.states_of(dstate, "dstate")
        found: dict[int, Gradients] = {}
        hidden: Floats | None = None
        for place in reversed(range(len(self.trail))):
            back = self.trail[place]
            if back is None:
                hidden, dvalues = dvalues, None
                continue
            if isinstance(back, TrainingCall):
                name = self.plan.state_name(place, "dstate")
                found[place] = back.pull(dvalues, back.seeds(dstates[place], name, hidden), flow)
                hidden = None
            else:
                dx, parameters = back(dvalues)
                found[place] = Gradients(dx, None, parameters)
            dvalues = found[place].x
        return self._gathered(dvalues, found, flow)

    def _gathered(self, dx: Any, found: dict[int, Gradients], flow: bool) -> Gradients:
        """Return the gradients of all layers as those of the chain."""
        parameters = {
            f"{self.plan.names[place]}.{name}": found[place].parameters[name]
            for place, layer in enumerate(self.layers)
            for name, _ in layer.named_parameters()
        }
        state = self.plan.packed({place: found[place].state for place in self.states})
        flows = self.plan.packed({place: found[place].flow for place in self.states}) if flow else None
        return Gradients(dx, state, parameters, flows)


def layers_now(plan: Plan) -> list[Layer]:
    """Return the layers with the arrays that they have now."""
    with CHANGE:
        return [layer._now() if layer._of_parameters else layer for layer in plan.layers]
