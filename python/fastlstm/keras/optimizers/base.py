"""What all optimizers share: the learning rate, weight decay, clipping, steps, and their state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from fastlstm import checks
from fastlstm.forks import StepLock

from ..foundation import core
from ..foundation.arrays import Array, any_numbers
from ..foundation.configs import Configurable
from ..foundation.lookup import checked_name, of_this_package, snake_case
from ..foundation.rows import RowGradient
from ..foundation.variable import CHANGE, Variable
from .clipping import checked_clips, clip
from .group import BLOCK, Group, Slot
from .rate import Rate
from .rule import Rule
from .schedules import LearningRate, LearningRateSchedule, checked_rate, deserialize, rate_at, serialize
from .slots import Slots, as_variables

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

_ARGUMENTS = (
    *("weight_decay", "clipnorm", "global_clipnorm", "clipvalue"),
    *("use_ema", "ema_momentum", "ema_overwrite_frequency", "gradient_accumulation_steps"),
)
"""Arguments of all optimizers that a config holds as they are."""


class Optimizer(Configurable):
    """Base class of the optimizers.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        Number, `LearningRateSchedule`, or function of nothing or of the number of steps done.
    weight_decay : float, optional
        Each step first takes ``learning_rate * weight_decay`` of every weight off it.
    clipnorm : float, optional
        Gradients of a weight array longer than this are shortened to it.
    clipvalue : float, optional
        Every gradient is kept within plus and minus this.
    global_clipnorm : float, optional
        As `clipnorm`, for all gradients as one vector.
    name : str, optional
        By default the class name in snake case.
    use_ema, ema_momentum, ema_overwrite_frequency : bool; float; int
        Whether to keep a mean of every weight over the steps, ``mean = momentum * mean + (1 - momentum) * w``, and
        after how many steps it takes the place of the weight; None: at the end of `fit` only.
    gradient_accumulation_steps : int, optional
        Calls of `apply`, at least 2, of which the mean of the gradients makes one step.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import optimizers
    >>> from fastlstm.keras.foundation.variable import Variable
    >>> w = Variable(np.zeros(2), name="w")
    >>> optimizer = optimizers.SGD(1.0, gradient_accumulation_steps=2)
    >>> optimizer.apply([np.array([1.0, 0.0])], [w])
    >>> w.numpy().tolist(), optimizer.iterations
    ([0.0, 0.0], 0)
    >>> optimizer.apply([np.array([0.0, 4.0])])
    >>> w.numpy().tolist(), optimizer.iterations
    ([-0.5, -2.0], 1)
    """

    keras_only: ClassVar[Mapping[str, Any]] = {"loss_scale_factor": None}

    slots: tuple[Slot, ...] = ()
    """What is kept for every variable."""
    zero_is_no_step: ClassVar[bool] = False
    """Whether `update` leaves a weight and its slots as they are where the gradient is 0 and the slots are new."""

    def __init__(
        self,
        learning_rate: LearningRate,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        owner = type(self).__name__
        self._refuse_unknown(owner, kwargs)
        clips = checked_clips(owner, clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm)
        self.clipnorm, self.clipvalue, self.global_clipnorm = clips
        self.name = checked_name(name, owner) or snake_case(owner)
        if weight_decay is not None:
            weight_decay = checks.real_number("weight_decay", weight_decay, at_least=0)
        self.weight_decay = weight_decay
        self.use_ema = checks.truth("use_ema", use_ema)
        self.ema_momentum = checks.fraction("ema_momentum", ema_momentum)
        self.ema_overwrite_frequency = _count("ema_overwrite_frequency", ema_overwrite_frequency, 1)
        self.gradient_accumulation_steps = _count("gradient_accumulation_steps", gradient_accumulation_steps, 2)
        self._calls = 0
        self._slots = Slots()
        self._steps = StepLock()
        self._undecayed: tuple[str, ...] = ()
        self._rate: Any = checked_rate(learning_rate)

    @property
    def iterations(self) -> int:
        """Steps done; if gradients are accumulated, it takes several calls of `apply` for one."""
        return self._calls // (self.gradient_accumulation_steps or 1)

    @property
    def learning_rate(self) -> Rate:
        """The rate of the next step; settable unless a schedule gives it, which counts the calls of `apply`."""
        return Rate.of(self, rate_at(self._rate, self._calls))

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        if isinstance(self._rate, LearningRateSchedule) and not callable(value):
            cure = ": a schedule gives it; make the optimizer with a number to set it later"
            checks.refuse(TypeError, "learning_rate", "a schedule or a function", value, cure)
        self._rate = checked_rate(value)

    def _refuse_unknown(self, owner: str, kwargs: dict[str, Any]) -> None:
        for name, value in kwargs.items():
            if name not in self.keras_only:
                checks.complain(ValueError, f"{owner}: arguments", "be ones that the optimizer has", repr(name))
            if type(value) is not type(self.keras_only[name]) or value != self.keras_only[name]:
                raise NotImplementedError(f"{owner}: {name}={checks.shown(value)} is not supported, leave it out")

    @property
    def built(self) -> bool:
        """Whether there are slots."""
        return bool(self._slots.trained)

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the slots for `variables`. Later on, only some of these may be trained; other ones are refused."""
        if not self._slots.trains(variables):  # as it does at every step but the first
            self._slots.build(variables, (*self._shared_slots, *self.slots), type(self).__name__)

    @property
    def _shared_slots(self) -> list[Slot]:
        """Those of all optimizers, the first in every group."""
        wanted = {"average": self.use_ema, "gradient_accumulator": self.gradient_accumulation_steps is not None}
        return [Slot(name) for name, there in wanted.items() if there]

    # -- steps -----------------------------------------------------------------------------------------------------

    def apply(self, gradients: Sequence[Array], variables: Iterable[Variable] | None = None) -> None:
        """One step: replace the values of the variables according to their gradients."""
        with self._steps.lock:
            if variables is not None:
                self.build(variables)
            given = self._slots.checked_gradients(gradients)
            if RowGradient in map(type, given):
                given = self._as_taken(given)
                self._slots.set_apart(given)
            self._apply(given)

    def _as_taken(self, gradients: list[Any]) -> list[Any]:
        """Return gradients by rows as whole ones, for variables of which a step may change other rows too."""
        pairs = zip(self._slots.trained, gradients, strict=True)
        by_rows = (
            self.zero_is_no_step
            and of_this_package(type(self).update)
            and getattr(self, "epsilon", 1.0) > 0
            and not self._shared_slots
            and self.weight_decay is None
        )
        return [
            g.whole() if isinstance(g, RowGradient) and not (by_rows and v.constraint is None) else g for v, g in pairs
        ]

    def _apply(self, gradients: list[Array]) -> None:
        groups = self._slots.groups
        for group in groups:
            group.collect(gradients)
        new: list[Array] = []
        if self._accumulated(groups):
            clip(groups, self.clipnorm, self.clipvalue, self.global_clipnorm)
            rate = rate_at(self._rate, self._calls)
            new = [self._step(group, rate) for group in groups]
        if self.use_ema:
            now = new or [group.weights().copy() for group in groups]
            new = [self._averaged(group, flat) for group, flat in zip(groups, now, strict=True)]
        with CHANGE:
            if new:
                for group, flat in zip(groups, new, strict=True):
                    group.commit(flat)
            self._calls += 1

    def _accumulated(self, groups: list[Group]) -> bool:
        """Whether the gradients for a step are there; then those of the groups are their mean."""
        steps = self.gradient_accumulation_steps
        if steps is None:
            return True
        done = (self._calls + 1) % steps == 0
        for group in groups:
            total, gradient = group.slots[len(self._shared_slots) - 1], group.flat_gradient()
            if done:
                gradient += total
                gradient /= steps
            total[...] = 0 if done else total + gradient
        return done

    def _averaged(self, group: Group, flat: Array) -> Array:
        """Let the means follow the weights, and return what these become: themselves, or their means."""
        average, frequency = group.slots[0], self.ema_overwrite_frequency
        share = 1 - self.ema_momentum if self.iterations else 1.0
        core.update("mean", (share,), average, [flat], average, [])
        if frequency is not None and (self.iterations + 1) % frequency == 0:
            np.copyto(flat, average)
        return flat

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Give those of the variables that are trained the means of their values, if `use_ema`; `fit` ends with it."""
        wanted = {id(variable) for variable in as_variables("var_list", var_list)}
        if not self.use_ema:
            return
        with self._steps.lock, CHANGE:
            for variable, slots in zip(self._slots.trained, self._slots.by_variable(), strict=True):
                if id(variable) in wanted:
                    variable.assign(slots[0])

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
        weights, new = group.weights(), group.room()
        if type(self).update is Optimizer.update and type(self).update_group is Optimizer.update_group:
            decays = self._decays(group, rate)
            own = self._own_slots(group)
            core.update(*self.rule(rate), weights, group.gradients, new, own, decays, group.scales)
        else:
            self.update_group(group, self._decayed(group, weights, rate), new, rate)
        return new

    def _own_slots(self, group: Group) -> list[Array]:
        return group.slots[len(group.slots) - len(self.slots) :]

    def update_group(self, group: Group, weights: Array, new: Array, rate: float) -> None:
        """`update` all weights of one dtype, block by block."""
        own, gradient = self._own_slots(group), group.flat_gradient()
        scratch = np.empty(BLOCK, new.dtype)
        for block in group.blocks():
            slots, free = [slot[block] for slot in own], scratch[: block.stop - block.start]
            self.update(weights[block], gradient[block], new[block], free, slots, rate)

    def update(self, w: Array, g: Array, new: Array, scratch: Array, slots: list[Array], rate: float) -> None:
        """Write the new values of the weights `w` with gradients `g` into `new`, and bring `slots` up to date.

        All are parts of flat arrays; `scratch` is free for use, `iterations` counts the steps before this one. An
        optimizer of your own defines this; those that have a `rule` are one call of the core for all weights.
        """
        core.update(*self.rule(rate), w, [g], new, slots)

    def rule(self, rate: float) -> Rule:
        """Return what the core does for the next step, at this rate; with a `rule` there need not be an `update`."""
        raise NotImplementedError(f"{type(self).__name__} must define update")

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leave the variables of `var_list`, and those with one of `var_names` in the path, out of the weight decay."""
        variables = [] if var_list is None else as_variables("var_list", var_list)
        names = [] if var_names is None else checks.items("var_names", var_names, "a list of texts")
        parts = [checks.text("var_names: each", name) for name in names]
        self._undecayed = (*(variable.path for variable in variables), *parts)

    def _decays(self, group: Group, rate: float) -> list[float]:
        """Return what a step multiplies the weights of each variable with before anything else; none: nothing."""
        if self.weight_decay is None:
            return []
        left_out = [any(part in variable.path for part in self._undecayed) for variable in group.variables]
        return [1.0 if out else 1 - self.weight_decay * rate for out in left_out]

    def _decayed(self, group: Group, weights: Array, rate: float) -> Array:
        decays = self._decays(group, rate)
        weights = weights.copy() if decays else weights
        for span, decay in zip(group.spans, decays, strict=False):
            weights[span] *= decay
        return weights

    # -- state -----------------------------------------------------------------------------------------------------

    def get_weights(self) -> list[Array]:
        """Return the number of calls of `apply`, the learning rate, and the slots, in Keras' order."""
        derived = [np.asarray(value) for value in self.derived_state()] if self.built else []
        slots = [slot.copy() for slot in self._ordered_slots()]
        return [np.asarray(self._calls), np.asarray(self.learning_rate), *slots, *derived]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Go on from what `get_weights` gave; the optimizer must have been built on the same variables."""
        views = self._ordered_slots()
        shapes = [(), (), *(view.shape for view in views), *([()] * len(self.derived_state()) if self.built else [])]
        wanted = "a list as get_weights() gives it"
        given = [any_numbers(entry, "weights", wanted) for entry in checks.items("weights", weights, wanted)]
        if [entry.shape for entry in given] != shapes:
            checks.complain(ValueError, "weights", f"have shapes {shapes}", [entry.shape for entry in given])
        steps = checks.whole_number("weights: the number of steps", given[0], at_least=0)
        rate = checks.real_number("weights: the learning rate", given[1], at_least=0)
        self._calls = steps
        if isinstance(self._rate, float):
            self._rate = rate
        for view, weight in zip(views, given[2:], strict=False):
            view[...] = weight

    def derived_state(self) -> list[float]:
        """Return numbers that Keras keeps beside the slots, though they follow from the number of steps."""
        return []

    def are_kept_in_keras_2(self) -> list[bool]:
        """Return whether Keras 2 keeps it too, for all after the rate in `get_weights`: placeholders it does not."""
        kinds, shapes = (*self._shared_slots, *self.slots), [variable.shape for variable in self._slots.trained]
        own = self.in_order([[not kind.is_placeholder(shape) for kind in kinds] for shape in shapes])
        return [*own, *(False for _ in self.derived_state() if self.built)]

    def _ordered_slots(self) -> list[Array]:
        return self.in_order(self._slots.by_variable())

    def in_order(self, by_variable: Iterable[Sequence[T]]) -> list[T]:
        """Return the slots of every variable in the order in which `get_weights` has those of all."""
        kinds = [*self._shared_slots, *self.slots]
        starts = [k for k, kind in enumerate(kinds) if not kind.with_previous]
        runs = [slice(start, end) for start, end in pairwise([*starts, len(kinds)])]
        by_variable = list(by_variable)
        return [slot for run in runs for slots in by_variable for slot in slots[run]]

    def count_params(self) -> int:
        """Numbers kept: those of the slots, the number of steps and the learning rate."""
        return sum(slot.size for group in self._slots.groups for slot in group.slots) + 2

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; a schedule as its description, a function as it is."""
        rate = serialize(self._rate) if isinstance(self._rate, LearningRateSchedule) else self._rate
        own = {name: getattr(self, name) for name in _ARGUMENTS}
        return {"name": self.name, "learning_rate": rate} | own | dict(self.keras_only)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make an optimizer like the one that gave `config`, before its first step."""
        given = checks.settings("config", config)
        if isinstance(given.get("learning_rate"), dict):
            given["learning_rate"] = deserialize(given["learning_rate"])
        return super().from_config(given)


def _count(name: str, value: Any, at_least: int) -> int | None:
    return None if value is None else checks.whole_number(name, value, at_least=at_least)
