"""A plan as one function with a gradient."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, Shape
from ..foundation.lookup import of_this_package
from ..foundation.trees import filled, leaves
from ..foundation.variable import holding
from ..foundation.watching import note_run
from ..layers.call import Call, Pullback
from ..layers.core.embedding import Embedding
from ..layers.core.masking import Masking
from ..layers.recurrent.time_distributed import TimeDistributed
from .plan import Plan, Step
from .stack import stacked
from .ways import Back, Trained, Way, trained_of, ways

Slopes: TypeAlias = Sequence[Array | None]
"""Gradients of arrays, None for one that has none."""


_NONE: frozenset[int] = frozenset()


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
        rest = [None] * (plan.size - len(inputs))
        self.values: list[Any] = [*inputs, *rest]  # inputs have the first places
        self.masks: list[Any] = [None] * plan.size if masks is None else [*masks, *rest]
        self.penalty = 0.0

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
        masks = [*([] if mask is None else leaves(mask)), *[None] * len(parts)]
        for place, part, of_part in zip(step.outputs, parts, masks, strict=False):
            self.values[place], self.masks[place] = part, of_part

    def found(self, plan: Plan) -> Found:
        """Return what is wanted of the plan."""
        values, masks = self.values, self.masks
        return Found([values[place] for place in plan.wanted], [masks[place] for place in plan.wanted], self.penalty)


class Network:
    """What a plan does, with the settings its layers have now.

    Parameters
    ----------
    plan : Plan
        The steps.
    penalties : bool
        Whether penalties on outputs of layers are wanted.
    logits : collection of int
        Numbers of the outputs that are wanted without the activation of the layer that makes them.
    by_rows : bool
        Whether gradients of large tables may come as a `RowGradient`.
    """

    def __init__(
        self, plan: Plan, penalties: bool = False, logits: Collection[int] = (), by_rows: bool = False
    ) -> None:
        self.plan, self.mixed, self.by_rows = plan, plan.mixed, by_rows
        self.penalized = penalties and any([step.layer.penalizes_output for step in plan.steps])
        self.bare = frozenset([plan.wanted[k] for k in logits]) if logits else _NONE
        self._trained: Trained | None = None

    @property
    def trained(self) -> Trained:
        """The weights that are trained, and what follows from that."""
        if self._trained is None:
            self._trained = trained_of(self.plan)
        return self._trained

    def infer(self, inputs: Sequence[Array]) -> list[Array]:
        """Return the outputs, computed with the weights of one moment."""
        with holding(self.plan.weights):
            return self.run(inputs).outputs

    def run(
        self, inputs: Sequence[Array], masks: Sequence[Array | None] | None = None, training: bool = False
    ) -> Found:
        """Return outputs, their masks and the penalties."""
        note_run()
        run = Run(self.plan, inputs, masks)
        self._go(self._ways(training), run, [])
        return run.found(self.plan)

    def _ways(self, training: bool) -> list[Way]:
        """Return how the steps are taken without a gradient."""
        plan = self.plan
        steps = plan.steps if training else stacked(plan)
        if steps is not plan.steps:
            return ways(steps, training, self.bare)
        key = training, self.bare
        found: list[Way] | None = plan.known.get(key)
        if found is None:
            found = plan.known[key] = ways(steps, training, self.bare)
        return found

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
        inputs, masks : sequence of ndarray
            As in `run`. The inputs must stay unchanged until the pullback is done.
        need : bool
            Whether the pullback must give gradients of the inputs.
        training : bool
            Whether dropout drops.

        Returns
        -------
        found, pullback
            ``pullback(slopes)`` takes the gradients of the outputs, None for one without, and gives those of the inputs
            (None where there is none) and those of `variables`.
        """
        note_run()
        run, trained = Run(self.plan, inputs, masks), self.trained
        back: list[tuple[Back, Pullback]] = []
        self._go(trained.ways(training, self.bare, need, self.by_rows), run, back)
        return run.found(self.plan), partial(self._pull_back, back, trained, trained.live(need))

    def _go(self, taken: Sequence[Way], run: Run, pullbacks: list[tuple[Back, Pullback]]) -> None:
        """Take steps; append the pullbacks that there are."""
        special, values, masks = self.mixed or self.penalized, run.values, run.masks
        for way in taken:
            layer, plain, first, out, call, back, done, _ = way
            if special or not plain:
                self._take(way, run, pullbacks)
            else:  # as nearly all steps are: see there
                x, mask = values[first], masks[first]
                if mask is not None:
                    call = call._replace(mask=mask)
                if back is None:
                    values[out] = layer.forward(x, call)
                else:
                    values[out], pullback = layer.vjp(x, call)
                    pullbacks.append((back, pullback))
                masks[out] = layer.compute_mask(x, mask)
                if mask is not None:
                    layer.watch_mask(mask, masks[out])
            for place in done:
                values[place] = None

    def _take(self, way: Way, run: Run, pullbacks: list[tuple[Back, Pullback]]) -> None:
        """Take a step: one that needs more than calling its layer on one array."""
        layer, call = way.layer, way.call
        x, mask = run.taken(way.step)
        x = self._cast(x, layer) if self.mixed else x
        if mask is not None and (way.step.mask is not None or layer.sees_mask_of(x)):
            call = call._replace(mask=mask)
        if way.back is None:
            y = self._penalized_forward(run, layer, x, call) if self.penalized else layer.forward(x, call)
        else:
            y, pullback = self._penalized_vjp(run, layer, x, call) if self.penalized else layer.vjp(x, call)
            pullbacks.append((way.back, pullback))
        found = layer.compute_mask(x, mask)
        if mask is not None:
            layer.watch_mask(mask, found)
        run.keep(way.step, y, found)

    def _penalized_vjp(self, run: Run, layer: Any, x: Any, call: Call) -> tuple[Any, Pullback]:
        y, pullback, penalty = layer.penalized_vjp(x, call)
        run.penalty += penalty
        return y, pullback

    def _penalized_forward(self, run: Run, layer: Any, x: Any, call: Call) -> Any:
        y, penalty = layer.penalized_forward(x, call)
        run.penalty += penalty
        return y

    def _pull_back(
        self, pullbacks: list[tuple[Back, Pullback]], trained: Trained, live: list[bool], slopes: Slopes
    ) -> tuple[list[Any], list[Array]]:
        plan, special, complete = self.plan, self.mixed or self.penalized, trained.complete
        sums: list[Any] = [None] * plan.size
        gradients: list[Any] = [None] * len(trained.differentiated)
        for place, slope in zip(plan.wanted, slopes, strict=True):
            _add(sums, place, slope)
        for back, pullback in reversed(pullbacks):
            plain, out, into, numbers, _ = back
            if special or not plain:
                complete = self._pull_step(back, pullback, sums, gradients, live) and complete
                continue
            # As nearly all steps are: see there.
            dy = sums[out]
            if dy is None:
                complete = False
                continue
            dx, gradients[numbers] = pullback(dy)
            sums[out] = None
            if into >= 0:
                sums[into] = dx if sums[into] is None else sums[into] + dx
        if len(gradients) != len(trained.differentiated):
            must = f"give a gradient for each of the {len(trained.differentiated)} trainable weights"
            checks.complain(ValueError, f"{plan.name}: the layers' vjp()", must, len(gradients))
        if not complete:  # nothing that the loss sees depends on some weights
            pairs = zip(trained.differentiated, gradients, strict=True)
            gradients = [np.zeros_like(v.value) if g is None else g for v, g in pairs]
        return [sums[place] for place in plan.given], trained.of_trained(gradients)

    def _pull_step(
        self, back: Back, pullback: Pullback, sums: list[Any], gradients: list[Any], live: list[bool]
    ) -> bool:
        """Take a step back: add to the gradients of what it takes; return whether any depends on what it gave."""
        step, numbers = back.step, back.numbers
        dy = self._slopes_of(step, sums)
        if dy is None and not (self.penalized and step.layer.penalizes_output):
            return False
        dx, found = pullback(dy)
        places = range(numbers.start, numbers.stop) if isinstance(numbers, slice) else numbers
        for k, gradient in zip(places, found, strict=True):
            gradients[k] = gradient if gradients[k] is None else gradients[k] + gradient
        for place in step.outputs:
            sums[place] = None
        for place, part in zip(step.inputs, dx if isinstance(dx, list) else (dx,), strict=True):
            if live[place]:
                _add(sums, place, part)
        return True

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
        dtype = layer.dtype
        if dtype is None or x.dtype == dtype:
            return x
        # Integers may be indices, which the layer itself looks after; so are texts.
        return x.astype(dtype) if x.dtype.kind == "f" else layer.as_input(x, f"{layer.name}: x")

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
    if isinstance(layer, Masking | Embedding) or getattr(layer, "composed", False):
        return True
    return not of_this_package(type(layer).compute_mask)
