"""What all optimizers share: the learning rate, weight decay, clipping, steps, and their state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlstm import checks
from fastlstm.forks import StepLock

from ..foundation.arrays import Array, any_numbers
from ..foundation.configs import Configurable
from ..foundation.lookup import checked_name, snake_case
from ..foundation.variable import CHANGE, Variable
from .clipping import checked_clips, clip
from .group import Group
from .schedules import LearningRate, LearningRateSchedule, checked_rate, deserialize, rate_at, serialize
from .slots import Slots, as_variables

if TYPE_CHECKING:
    from typing_extensions import Self


_NEUTRAL = {
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}
"""Arguments of Keras that have one value here, and it."""


class Optimizer(Configurable):
    """Base class of the optimizers.

    Parameters
    ----------
    learning_rate
        Number, `LearningRateSchedule`, or function of nothing or of the number of steps done.
    weight_decay
        Each step first takes ``learning_rate * weight_decay`` of every weight off it.
    clipnorm
        Gradients of a weight array longer than this are shortened to it.
    clipvalue
        Every gradient is kept within plus and minus this.
    global_clipnorm
        As `clipnorm`, for all gradients as one vector.
    name
        By default the class name in snake case.
    use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps
        Not supported: any but the default raises.
    """

    slot_names: tuple[str, ...] = ()

    def __init__(
        self,
        learning_rate: LearningRate,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        owner = type(self).__name__
        _refuse_rest(owner, kwargs)
        clips = checked_clips(owner, clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm)
        self.clipnorm, self.clipvalue, self.global_clipnorm = clips
        self.name = checked_name(name, owner) or snake_case(owner)
        if weight_decay is not None:
            weight_decay = checks.real_number("weight_decay", weight_decay, at_least=0)
        self.weight_decay = weight_decay
        self.iterations = 0
        self._slots = Slots()
        self._steps = StepLock()
        self._undecayed: tuple[str, ...] = ()
        self._rate: Any = checked_rate(learning_rate)

    @property
    def learning_rate(self) -> float:
        """The rate of the next step; settable unless a schedule gives it."""
        return rate_at(self._rate, self.iterations)

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        if isinstance(self._rate, LearningRateSchedule) and not callable(value):
            cure = ": a schedule gives it; make the optimizer with a number to set it later"
            checks.refuse(TypeError, "learning_rate", "a schedule or a function", value, cure)
        self._rate = checked_rate(value)

    @property
    def built(self) -> bool:
        """Whether there are slots."""
        return bool(self._slots.trained)

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the slots for `variables`. Later on, only some of these may be trained; other ones are refused."""
        self._slots.build(variables, len(self.slot_names), type(self).__name__)

    # -- steps -----------------------------------------------------------------------------------------------------

    def apply(self, gradients: Sequence[Array], variables: Iterable[Variable] | None = None) -> None:
        """One step: replace the values of the variables according to their gradients."""
        with self._steps.lock:
            if variables is not None:
                self.build(variables)
            self._apply(self._slots.checked_gradients(gradients))

    def _apply(self, gradients: list[Array]) -> None:
        groups = self._slots.groups
        for group in groups:
            group.collect(gradients)
        clip(groups, self.clipnorm, self.clipvalue, self.global_clipnorm)
        rate = self.learning_rate
        new = [self._step(group, rate) for group in groups]
        with CHANGE:
            for group, flat in zip(groups, new, strict=True):
                group.commit(flat)
            self.iterations += 1

    def apply_gradients(self, gradients_and_variables: Iterable[tuple[Array, Variable]]) -> int:
        """`apply` for pairs; gives the number of steps done."""
        name, wanted = "gradients_and_variables", "a list of pairs (gradient, variable)"
        pairs = checks.items(name, gradients_and_variables, wanted)
        if not pairs:
            checks.refuse(ValueError, name, wanted, pairs)
        for pair in pairs:
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                checks.refuse(TypeError, name, wanted, pair)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self.iterations

    def _step(self, group: Group, rate: float) -> Array:
        weights = group.weights()
        if self.weight_decay is not None:
            weights = self._decayed(group, weights, rate)
        new = np.empty_like(weights)
        for block in group.blocks:
            slots = [slot[block] for slot in group.slots]
            scratch = group.scratch[: block.stop - block.start]
            self.update(weights[block], group.gradient[block], new[block], scratch, slots, rate)
        return new

    def update(self, w: Array, g: Array, new: Array, scratch: Array, slots: list[Array], rate: float) -> None:
        """Write the new values of the weights `w` with gradients `g` into `new`, and bring `slots` up to date.

        All are parts of flat arrays; `scratch` is free for use, `iterations` counts the steps before this one.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update")

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leave the variables of `var_list`, and those with one of `var_names` in the path, out of the weight decay."""
        variables = [] if var_list is None else as_variables("var_list", var_list)
        names = [] if var_names is None else checks.items("var_names", var_names, "a list of texts")
        parts = [checks.text("var_names: each", name) for name in names]
        self._undecayed = (*(variable.path for variable in variables), *parts)

    def _decayed(self, group: Group, weights: Array, rate: float) -> Array:
        assert self.weight_decay is not None
        weights = weights.copy()
        for variable, span in zip(group.variables, group.spans, strict=True):
            if not any(part in variable.path for part in self._undecayed):
                weights[span] *= 1 - self.weight_decay * rate
        return weights

    # -- state -----------------------------------------------------------------------------------------------------

    def get_weights(self) -> list[Array]:
        """Return the number of steps, the learning rate, and the slots, weight by weight."""
        return [np.asarray(self.iterations), np.asarray(self.learning_rate), *(s.copy() for s in self._slots.views())]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Go on from what `get_weights` gave; the optimizer must have been built on the same variables."""
        views = self._slots.views()
        shapes = [(), (), *(view.shape for view in views)]
        wanted = "a list as get_weights() gives it"
        given = [any_numbers(entry, "weights", wanted) for entry in checks.items("weights", weights, wanted)]
        if [entry.shape for entry in given] != shapes:
            checks.complain(ValueError, "weights", f"have shapes {shapes}", [entry.shape for entry in given])
        steps = checks.whole_number("weights: the number of steps", given[0], at_least=0)
        rate = checks.real_number("weights: the learning rate", given[1], at_least=0)
        self.iterations = steps
        if isinstance(self._rate, float):
            self._rate = rate
        for view, weight in zip(views, given[2:], strict=True):
            view[...] = weight

    def count_params(self) -> int:
        """Numbers kept: those of the slots, the number of steps and the learning rate."""
        return sum(slot.size for group in self._slots.groups for slot in group.slots) + 2

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; a schedule as its description, a function as it is."""
        rate = serialize(self._rate) if isinstance(self._rate, LearningRateSchedule) else self._rate
        names = ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue")
        return {"name": self.name, "learning_rate": rate} | {name: getattr(self, name) for name in names} | _NEUTRAL

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make an optimizer like the one that gave `config`, before its first step."""
        given = checks.settings("config", config)
        if isinstance(given.get("learning_rate"), dict):
            given["learning_rate"] = deserialize(given["learning_rate"])
        return super().from_config(given)


def _refuse_rest(owner: str, kwargs: dict[str, Any]) -> None:
    for name, value in kwargs.items():
        if name not in _NEUTRAL:
            checks.complain(ValueError, f"{owner}: arguments", "be ones that the optimizer has", repr(name))
        if type(value) is not type(_NEUTRAL[name]) or value != _NEUTRAL[name]:
            raise NotImplementedError(f"{owner}: {name}={value!r} is not supported, leave it out")
