"""A plan as one function with a gradient."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..foundation.arrays import Array, Shape
from ..foundation.trees import filled, leaves
from ..foundation.variable import Variable, holding
from ..layers.call import Call, Pullback
from ..layers.core.embedding import Embedding
from ..layers.core.masking import Masking
from ..layers.recurrent.time_distributed import TimeDistributed
from .plan import Plan, Step
from .stack import joined

Slopes: TypeAlias = Sequence[Array | None]
"""Gradients of arrays, None for one that has none."""


class Found(NamedTuple):
    """What a run of a network gives."""

    outputs: list[Array]
    masks: list[Array | None]
    """Which entries of each output count, None if all do."""
    penalty: float
    """The penalties on outputs of layers."""


class Run:
    """The arrays of one run, and their masks."""

    def __init__(self, plan: Plan, inputs: Sequence[Array], masks: Sequence[Array | None] | None) -> None:
        self.values: list[Any] = [None] * plan.size
        self.masks: list[Any] = [None] * plan.size
        self.penalty = 0.0
        for k, place in enumerate(plan.given):
            self.values[place] = inputs[k]
            if masks is not None:
                self.masks[place] = masks[k]

    def taken(self, step: Step) -> tuple[Any, Any]:
        """Return what a step takes, and the mask of it: an array each, or a list each."""
        if len(step.inputs) == 1:
            (place,) = step.inputs
            x, mask = self.values[place], self.masks[place]
        else:
            x, mask = [self.values[place] for place in step.inputs], [self.masks[place] for place in step.inputs]
            if not any(part is not None for part in mask):
                mask = None
        if step.mask is not None:
            given = self.values[step.mask]
            mask = [given, *[None] * (len(x) - 1)] if isinstance(x, list) else given
        return x, mask

    def keep(self, step: Step, y: Any, mask: Any) -> None:
        """Put what a step gave, and the mask of it, where they belong."""
        if step.structure is None:
            (place,) = step.outputs
            self.values[place], self.masks[place] = y, mask
            return
        parts = leaves(y)
        masks = [None] * len(parts) if mask is None else leaves(mask)
        for place, part, of_part in zip(step.outputs, parts, masks, strict=True):
            self.values[place], self.masks[place] = part, of_part

    def found(self, plan: Plan) -> Found:
        """Return what is wanted of the plan."""
        values, masks = self.values, self.masks
        return Found([values[place] for place in plan.wanted], [masks[place] for place in plan.wanted], self.penalty)


class Network:
    """What a plan does, with the settings its layers have now.

    Parameters
    ----------
    plan
        The steps.
    penalties
        Whether penalties on outputs of layers are wanted.
    logits
        Numbers of the outputs that are wanted without the activation of the layer that makes them.
    """

    def __init__(self, plan: Plan, penalties: bool = False, logits: Collection[int] = ()) -> None:
        self.plan, self.mixed = plan, plan.mixed
        self.penalized = penalties and any([step.layer.penalizes_output for step in plan.steps])
        self.bare = {plan.wanted[k] for k in logits}

    @cached_property
    def variables(self) -> list[Variable]:
        """The weights that are trained."""
        return self.plan.trainable_variables

    @cached_property
    def _trained(self) -> dict[int, list[int]]:
        """Numbers of the variables of each layer, in its order."""
        order = {id(variable): k for k, variable in enumerate(self.variables)}
        layers = self.plan.working_layers
        return {id(layer): [order[id(variable)] for variable in layer.trainable_variables] for layer in layers}

    @cached_property
    def _live(self) -> list[bool]:
        """Whether each array depends on a weight that is trained."""
        live = [False] * self.plan.size
        for step in self.plan.steps:
            if self._trained[id(step.layer)] or any(live[place] for place in step.inputs):
                for place in step.outputs:
                    live[place] = True
        return live

    def infer(self, inputs: Sequence[Array]) -> list[Array]:
        """Return the outputs, computed with the weights of one moment."""
        with holding(self.plan.weights):
            return self.run(inputs).outputs

    def run(
        self, inputs: Sequence[Array], masks: Sequence[Array | None] | None = None, training: bool = False
    ) -> Found:
        """Return outputs, their masks and the penalties."""
        run = Run(self.plan, inputs, masks)
        for step in self.plan.steps if training else joined(self.plan):
            self._do(step, run, training)
        return run.found(self.plan)

    def vjp(
        self,
        inputs: Sequence[Array],
        masks: Sequence[Array | None] | None = None,
        need: bool = False,
        training: bool = True,
    ) -> tuple[Found, Callable[[Slopes], tuple[list[Any], list[Array]]]]:
        """Return what `run` gives in training, and the pullback.

        Parameters
        ----------
        inputs, masks
            As in `run`. The inputs must stay unchanged until the pullback is done.
        need
            Whether the pullback must give gradients of the inputs.
        training
            Whether dropout drops.

        Returns
        -------
        found, pullback
            ``pullback(slopes)`` takes the gradients of the outputs, None for one without, and gives those of the inputs
            (None where there is none) and those of `variables`.
        """
        run = Run(self.plan, inputs, masks)
        live = [True] * self.plan.size if need else self._live
        back: list[tuple[Step, Pullback]] = []
        for step in self.plan.steps:
            self._do(step, run, training, live, back)
        return run.found(self.plan), partial(self._pull_back, back, live)

    def _do(
        self,
        step: Step,
        run: Run,
        training: bool,
        live: list[bool] | None = None,
        back: list[tuple[Step, Pullback]] | None = None,
    ) -> None:
        """Take a step; with `back`, append the pullback of one on which a `live` array depends."""
        layer, plain, out = step.layer, step.plain, step.outputs[0]
        # A plain step, as nearly all are, is done without a call: a small model takes microseconds.
        x, mask = (run.values[step.inputs[0]], run.masks[step.inputs[0]]) if plain else run.taken(step)
        if self.mixed:
            x = self._cast(x, layer)
        drops, bare = training if step.training is None else step.training, out in self.bare
        if live is not None and (live[out] or bare):
            need_dx = any([live[place] for place in step.inputs])
            y, pullback = self._with_pullback(run, layer, x, Call(drops, mask, need_dx, bare, step.arguments))
            back.append((step, pullback))  # type: ignore[union-attr]
        else:
            y = self._without_pullback(run, layer, x, Call(drops, mask, False, bare, step.arguments))
        of_y = layer.compute_mask(x, mask)
        if plain:
            run.values[out], run.masks[out] = y, of_y
        else:
            run.keep(step, y, of_y)
        for place in step.done:
            run.values[place] = None

    def _with_pullback(self, run: Run, layer: Any, x: Any, call: Call) -> tuple[Any, Pullback]:
        if not self.penalized:
            found: tuple[Any, Pullback] = layer.vjp(x, call)
            return found
        y, pullback, penalty = layer.penalized_vjp(x, call)
        run.penalty += penalty
        return y, pullback

    def _without_pullback(self, run: Run, layer: Any, x: Any, call: Call) -> Any:
        if call.logits:
            return layer.vjp(x, call)[0]
        if not self.penalized:
            return layer.forward(x, call)
        y, penalty = layer.penalized_forward(x, call)
        run.penalty += penalty
        return y

    def _pull_back(
        self, back: list[tuple[Step, Pullback]], live: list[bool], slopes: Slopes
    ) -> tuple[list[Any], list[Array]]:
        sums: list[Any] = [None] * self.plan.size
        gradients: list[Any] = [None] * len(self.variables)
        for place, slope in zip(self.plan.wanted, slopes, strict=True):
            _add(sums, place, slope)
        for step, pullback in reversed(back):
            dy = sums[step.outputs[0]] if step.plain and not self.mixed else self._slopes_of(step, sums)
            if dy is None and not (self.penalized and step.layer.penalizes_output):
                continue
            dx, found = pullback(dy)
            for k, gradient in zip(self._trained[id(step.layer)], found, strict=True):
                gradients[k] = gradient if gradients[k] is None else gradients[k] + gradient
            for place, part in zip(step.inputs, dx if isinstance(dx, list) else (dx,), strict=True):
                if live[place]:
                    _add(sums, place, part)
            for place in step.outputs:
                sums[place] = None
        for k, variable in enumerate(self.variables):
            if gradients[k] is None:  # nothing that the loss sees depends on it
                gradients[k] = np.zeros_like(variable.value)
        return [sums[place] for place in self.plan.given], gradients

    def _slopes_of(self, step: Step, sums: list[Any]) -> Any:
        """Return the gradient of what a step gave, or a tree of them; None if nothing that counts depends on it."""
        parts = [sums[place] for place in step.outputs]
        if all([part is None for part in parts]) and not step.layer.penalizes_output:
            return None
        if self.mixed:
            parts = [None if part is None else self._cast(part, step.layer) for part in parts]
        return parts[0] if step.structure is None else filled(step.structure, iter(parts))

    def _cast(self, x: Any, layer: Any) -> Any:
        if isinstance(x, list):
            return [self._cast(part, layer) for part in x]
        # Integers are indices, which the layer itself looks after.
        dtype = layer.dtype
        return x.astype(dtype) if dtype is not None and x.dtype != dtype and x.dtype.kind == "f" else x

    def output_masks(self, inputs: Sequence[Array]) -> list[Array | None] | None:
        """Return the masks of the outputs; None if they are not to be known without changing states.

        Only what the masks depend on is computed; of other arrays `compute_mask` sees the shape.
        """
        steps, shapes = self.plan.steps, self.plan.array_shapes([x.shape for x in inputs])
        last = max((i for i, step in enumerate(steps) if _masks_by_input(step.layer)), default=-1)
        if any(getattr(step.layer, "stateful", False) for step in steps[: max(last, 0)]):
            return None
        run = Run(self.plan, inputs, None)
        for i, step in enumerate(steps):
            x, mask = run.taken(step)
            if i < last:
                x = self._cast(x, step.layer) if self.mixed else x
                run.keep(step, step.layer.forward(x, Call(mask=mask)), step.layer.compute_mask(x, mask))
            else:
                self._keep_mask(run, step, x, mask)
                for place in step.outputs:
                    run.values[place] = _of_shape(shapes[place])
        return [run.masks[place] for place in self.plan.wanted]

    def _keep_mask(self, run: Run, step: Step, x: Any, mask: Any) -> None:
        found = step.layer.compute_mask(x, mask)
        masks = [found] if step.structure is None or found is None else leaves(found)
        for place, of_part in zip(step.outputs, masks, strict=False):
            run.masks[place] = of_part


def _add(sums: list[Any], place: int, slope: Array | None) -> None:
    """Add to the gradient of the array at a place."""
    if slope is not None:
        known = sums[place]
        sums[place] = slope if known is None else known + slope


def _of_shape(shape: Shape) -> Array:
    """Return an array of a shape that takes no memory; open sizes are 1."""
    return np.broadcast_to(np.float32(0), tuple(1 if size is None else size for size in shape))


def _masks_by_input(layer: Any) -> bool:
    """Whether the layer's mask depends on the values of its input, not only on their mask."""
    if isinstance(layer, TimeDistributed):
        return _masks_by_input(layer.layer)
    own = type(layer).compute_mask.__module__
    composed = getattr(layer, "composed", False)
    return isinstance(layer, Masking | Embedding) or composed or not own.startswith("fastlstm.")
