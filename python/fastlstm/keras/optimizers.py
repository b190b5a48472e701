"""Optimizers with Keras' formulas, and learning-rate schedules.

All weights of one dtype are updated together, as one flat array in blocks that stay in cache.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from operator import is_
from typing import Any, TypeAlias

import numpy as np

from fastlstm import checks
from fastlstm.forks import StepLock

from .foundation.arrays import Array, any_numbers, as_array
from .foundation.lookup import checked_name, find, names_of, snake_case
from .foundation.variable import CHANGE, Variable

BLOCK = 16384
"""Elements updated at a time; a block of weights, gradients and slots stays in the second-level cache."""


class LearningRateSchedule:
    """A learning rate that depends on the number of steps done: ``schedule(step)``."""

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step)")


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate
        Rate at step 0.
    decay_steps
        After so many steps it is multiplied by `decay_rate`.
    decay_rate
        The factor.
    staircase
        Change only at whole multiples of `decay_steps`.
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False
    ) -> None:
        self.initial_learning_rate = checks.real_number("initial_learning_rate", initial_learning_rate, at_least=0)
        self.decay_steps = checks.real_number("decay_steps", decay_steps, above=0)
        self.decay_rate = checks.real_number("decay_rate", decay_rate, at_least=0)
        self.staircase = checks.truth("staircase", staircase)

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        power = checks.real_number("step", step, at_least=0) / self.decay_steps
        return float(self.initial_learning_rate * self.decay_rate ** (math.floor(power) if self.staircase else power))


class CosineDecay(LearningRateSchedule):
    """From the initial rate along a half cosine down to ``alpha`` times it.

    Parameters
    ----------
    initial_learning_rate
        Rate at step 0.
    decay_steps
        Steps until the end of the descent.
    alpha
        Part of the initial rate that stays.
    """

    def __init__(self, initial_learning_rate: float, decay_steps: float, alpha: float = 0.0) -> None:
        self.initial_learning_rate = checks.real_number("initial_learning_rate", initial_learning_rate, at_least=0)
        self.decay_steps = checks.real_number("decay_steps", decay_steps, above=0)
        self.alpha = checks.real_number("alpha", alpha, at_least=0)

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        done = min(checks.real_number("step", step, at_least=0), self.decay_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * done / self.decay_steps))
        return float(self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha))


LearningRate: TypeAlias = float | LearningRateSchedule | Callable[..., float]


class _Group:
    """The weights of one dtype, their gradients and their slots, each as one flat array."""

    def __init__(self, variables: list[Variable], indices: list[int], slots: int) -> None:
        self.variables, self.indices = variables, indices
        self.shapes = [variable.shape for variable in variables]
        ends = np.cumsum([variable.value.size for variable in variables])
        self.spans = [slice(int(end) - v.value.size, int(end)) for v, end in zip(variables, ends, strict=True)]
        size, dtype = int(ends[-1]), variables[0].dtype
        self.gradient, self.scratch = np.empty(size, dtype), np.empty(min(size, BLOCK), dtype)
        self.slots = [np.zeros(size, dtype) for _ in range(slots)]
        self.blocks = [slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]
        self._flat, self._views = np.empty(0, dtype), [np.empty(0, dtype) for _ in variables]

    def collect(self, gradients: Sequence[Array]) -> None:
        np.concatenate([gradients[i].reshape(-1) for i in self.indices], out=self.gradient)

    def weights(self) -> Array:
        """Return the weights as they are, in one array that nobody may write to."""
        if any(variable._value is not view for variable, view in zip(self.variables, self._views, strict=True)):
            self._flat = np.concatenate([variable.value.reshape(-1) for variable in self.variables])
        return self._flat

    def commit(self, flat: Array) -> None:
        for variable, span in zip(self.variables, self.spans, strict=True):
            if variable.constraint is not None:
                view = flat[span].reshape(variable.shape)
                view[...] = variable.constraint(view)
        flat.flags.writeable = False  # and so are the views made of it
        self._flat = flat
        self._views = [flat[span].reshape(shape) for span, shape in zip(self.spans, self.shapes, strict=True)]
        for variable, view in zip(self.variables, self._views, strict=True):
            variable._value = view


class Optimizer:
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
        _refuse_rest(type(self).__name__, kwargs)
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [argument for argument, value in clips.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"{type(self).__name__}: got {' and '.join(given)}, wanted at most one of them")
        for argument in given:
            checks.real_number(f"{type(self).__name__}: {argument}", clips[argument], above=0, infinite=True)
        self.name = checked_name(name, type(self).__name__) or snake_case(type(self).__name__)
        if weight_decay is not None:
            weight_decay = checks.real_number("weight_decay", weight_decay, at_least=0)
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.iterations = 0
        self._groups: list[_Group] = []
        self._trained: list[Variable] = []
        self._shapes: list[tuple[int, ...]] = []
        self._set_aside: list[tuple[Variable, list[Array]]] = []
        self._steps = StepLock()
        self._undecayed: tuple[str, ...] = ()
        self._rate: Any = _checked_rate(learning_rate)

    @property
    def learning_rate(self) -> float:
        """The rate of the next step; settable unless a schedule gives it."""
        rate = self._rate
        if isinstance(rate, float):
            return rate
        if isinstance(rate, LearningRateSchedule) or inspect.signature(rate).parameters:
            return float(rate(self.iterations))
        return float(rate())

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        if isinstance(self._rate, LearningRateSchedule) and not callable(value):
            raise TypeError("learning_rate: a schedule gives it; make the optimizer with a number to set it later")
        self._rate = _checked_rate(value)

    @property
    def built(self) -> bool:
        """Whether there are slots."""
        return bool(self._trained)

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the slots for `variables`. Later on, only some of these may be trained; other ones are refused."""
        if self._trains(variables):  # as at every step
            return
        variables = _variables("variables", variables)
        if self._trains(variables):
            return
        self._set_slots_aside()
        self._check_known(variables)
        self._trained, self._shapes = variables, [v.shape for v in variables]
        self._groups = []
        for dtype in dict.fromkeys(v.dtype for v in variables):
            indices = [i for i, v in enumerate(variables) if v.dtype == dtype]
            self._groups.append(_Group([variables[i] for i in indices], indices, len(self.slot_names)))
        self._start_slots()
        self._take_slots_up()

    def _trains(self, variables: Any) -> bool:
        trained = self._trained
        return isinstance(variables, list) and len(variables) == len(trained) and all(map(is_, variables, trained))

    def _check_known(self, variables: list[Variable]) -> None:
        """Refuse weights that come later: the number of steps, the momenta and the rate are not theirs."""
        known = {id(v) for v, _ in self._set_aside}
        other = [v.path for v in variables if id(v) not in known]
        if known and other:
            first = self._set_aside[0][0].path
            raise ValueError(
                f"optimizer: this {type(self).__name__} trains {first} and other weights, got {other[0]} as a new one; "
                "give every model an optimizer of its own, and call compile() with a new one when a model gets more "
                "weights to train"
            )

    def _set_slots_aside(self) -> None:
        trained = {id(variable) for variable in self._trained}
        self._set_aside = [entry for entry in self._set_aside if id(entry[0]) not in trained]
        for group in self._groups:
            for variable, span in zip(group.variables, group.spans, strict=True):
                self._set_aside.append((variable, [slot[span] for slot in group.slots]))

    def _take_slots_up(self) -> None:
        earlier = {id(variable): slots for variable, slots in self._set_aside}
        for group in self._groups:
            for variable, span in zip(group.variables, group.spans, strict=True):
                for slot, values in zip(group.slots, earlier.get(id(variable), ()), strict=False):
                    slot[span] = values

    def _start_slots(self) -> None:
        """Set slots that do not start at zero."""

    def apply(self, gradients: Sequence[Array], variables: Iterable[Variable] | None = None) -> None:
        """One step: replace the values of the variables according to their gradients."""
        with self._steps.lock:
            self._apply(gradients, variables)

    def _apply(self, gradients: Sequence[Array], variables: Iterable[Variable] | None) -> None:
        if variables is not None:
            self.build(variables)
        gradients = self._checked_gradients(gradients)
        for group in self._groups:
            group.collect(gradients)
        self._clip()
        rate = self.learning_rate
        new = [self._step(group, rate) for group in self._groups]
        with CHANGE:
            for group, flat in zip(self._groups, new, strict=True):
                group.commit(flat)
            self.iterations += 1

    def _checked_gradients(self, gradients: Any) -> list[Array]:
        """Return the gradients, each an array of its variable's shape."""
        floats = isinstance(gradients, list) and all([type(g) is np.ndarray and g.dtype.kind == "f" for g in gradients])
        if floats and [g.shape for g in gradients] == self._shapes:  # as those of a model are
            return list(gradients)
        given = checks.items("gradients", gradients, "a list of arrays")
        if len(given) != len(self._trained):
            raise ValueError(f"gradients: got {len(given)}, wanted {len(self._trained)}, one for each variable")
        for i, variable in enumerate(self._trained):
            given[i] = as_array(given[i], f"gradients: that of {variable.path}", variable.dtype)
            if given[i].shape != variable.shape:
                wanted = f"gradients: that of {variable.path} must have shape {variable.shape}"
                raise ValueError(f"{wanted}, got {given[i].shape}")
        return given

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

    def _step(self, group: _Group, rate: float) -> Array:
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
        variables = [] if var_list is None else _variables("var_list", var_list)
        names = [] if var_names is None else checks.items("var_names", var_names, "a list of texts")
        parts = [checks.text("var_names: each", name) for name in names]
        self._undecayed = (*(variable.path for variable in variables), *parts)

    def _decayed(self, group: _Group, weights: Array, rate: float) -> Array:
        assert self.weight_decay is not None
        weights = weights.copy()
        for variable, span in zip(group.variables, group.spans, strict=True):
            if not any(part in variable.path for part in self._undecayed):
                weights[span] *= 1 - self.weight_decay * rate
        return weights

    def _clip(self) -> None:
        if self.clipvalue is not None:
            for group in self._groups:
                np.clip(group.gradient, -self.clipvalue, self.clipvalue, out=group.gradient)
        elif self.clipnorm is not None:
            for group in self._groups:
                for span in group.spans:
                    _shorten([group.gradient[span]], self.clipnorm)
        elif self.global_clipnorm is not None:
            _shorten([group.gradient for group in self._groups], self.global_clipnorm)

    def get_weights(self) -> list[Array]:
        """Return the number of steps, the learning rate, and the slots, weight by weight."""
        return [np.asarray(self.iterations), np.asarray(self.learning_rate), *(s.copy() for s in self._slot_views())]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Go on from what `get_weights` gave; the optimizer must have been built on the same variables."""
        views = self._slot_views()
        shapes = [(), (), *(view.shape for view in views)]
        wanted = "a list as get_weights() gives it"
        given = [any_numbers(entry, "weights", wanted) for entry in checks.items("weights", weights, wanted)]
        if [entry.shape for entry in given] != shapes:
            raise ValueError(f"weights: got shapes {[entry.shape for entry in given]}, wanted {shapes}")
        steps = checks.whole_number("weights: the number of steps", given[0], at_least=0)
        rate = checks.real_number("weights: the learning rate", given[1], at_least=0)
        self.iterations = steps
        if isinstance(self._rate, float):
            self._rate = rate
        for view, weight in zip(views, given[2:], strict=True):
            view[...] = weight

    def _slot_views(self) -> list[Array]:
        found: dict[int, list[Array]] = {}
        for group in self._groups:
            for i, variable, span in zip(group.indices, group.variables, group.spans, strict=True):
                found[i] = [slot[span].reshape(variable.shape) for slot in group.slots]
        return [view for i in sorted(found) for view in found[i]]

    def count_params(self) -> int:
        """Numbers kept: those of the slots, the number of steps and the learning rate."""
        return sum(slot.size for group in self._groups for slot in group.slots) + 2

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("name", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue")
        return {"learning_rate": self._rate} | {name: getattr(self, name) for name in names}


def _variables(name: str, value: Any) -> list[Variable]:
    variables = checks.items(name, value, "a list of variables")
    for variable in variables:
        if not isinstance(variable, Variable):
            checks.refuse(TypeError, name, "a list of variables", variable)
    return variables


def _refuse_rest(owner: str, kwargs: dict[str, Any]) -> None:
    neutral = {
        "use_ema": False,
        "ema_momentum": 0.99,
        "ema_overwrite_frequency": None,
        "loss_scale_factor": None,
        "gradient_accumulation_steps": None,
    }
    for name, value in kwargs.items():
        if name not in neutral:
            raise ValueError(f"{owner}: unknown argument {name!r}")
        if type(value) is not type(neutral[name]) or value != neutral[name]:
            raise NotImplementedError(f"{owner}: {name}={value!r} is not supported, leave it out")


def _checked_rate(value: Any) -> Any:
    if isinstance(value, type):
        checks.refuse(TypeError, "learning_rate", "a number, a schedule or a function, not a class", value)
    return value if callable(value) else checks.real_number("learning_rate", value, at_least=0)


def _shorten(gradients: list[Array], longest: float) -> None:
    length = math.sqrt(sum(float(np.dot(g, g)) for g in gradients))
    if not length <= longest:
        for gradient in gradients:
            gradient *= longest / length if math.isfinite(length) else math.nan


class SGD(Optimizer):
    """Gradient descent: ``w -= rate * g``; with momentum, ``v = momentum * v - rate * g`` and ``w += v``.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    momentum
        From 0 to 1.
    nesterov
        Look ahead: ``w += momentum * v - rate * g``.
    **kwargs
        Those of `Optimizer`.
    """

    def __init__(
        self, learning_rate: LearningRate = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum = checks.fraction("momentum", momentum)
        self.nesterov = checks.truth("nesterov", nesterov)
        self.slot_names = ("momentum",) if self.momentum else ()

    def update(self, w: Array, g: Array, new: Array, scratch: Array, slots: list[Array], rate: float) -> None:
        """See the class."""
        np.multiply(g, rate, out=scratch)
        if not slots:
            np.subtract(w, scratch, out=new)
            return
        (v,) = slots
        v *= self.momentum
        v -= scratch
        if not self.nesterov:
            np.add(w, v, out=new)
            return
        np.subtract(w, scratch, out=new)
        np.multiply(v, self.momentum, out=scratch)
        new += scratch

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"momentum": self.momentum, "nesterov": self.nesterov}


class RMSprop(Optimizer):
    """``v = rho * v + (1 - rho) * g**2`` and ``w -= rate * g / sqrt(v + epsilon)``.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    rho
        How slowly `v` follows.
    momentum
        Above 0, the steps are gathered: ``m = momentum * m + step`` and ``w -= m``.
    epsilon
        Keeps the divisor from zero; inside the root.
    centered
        Take the square of the mean gradient off `v`.
    **kwargs
        Those of `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho, self.momentum = checks.fraction("rho", rho), checks.fraction("momentum", momentum)
        self.epsilon = checks.real_number("epsilon", epsilon, at_least=0)
        self.centered = checks.truth("centered", centered)
        self.slot_names = ("velocity", *(["momentum"] if momentum else []), *(["average"] if centered else []))

    def update(self, w: Array, g: Array, new: Array, scratch: Array, slots: list[Array], rate: float) -> None:
        """See the class."""
        v = slots[0]
        np.multiply(g, g, out=scratch)
        _follow(v, scratch, self.rho)
        if self.centered:
            average = slots[-1]
            np.copyto(scratch, g)
            _follow(average, scratch, self.rho)
            np.multiply(average, average, out=scratch)
            np.subtract(v, scratch, out=scratch)
            scratch += self.epsilon
        else:
            np.add(v, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=scratch)
        scratch *= rate
        if self.momentum:
            slots[1] *= self.momentum
            slots[1] += scratch
            scratch = slots[1]
        np.subtract(w, scratch, out=new)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("rho", "momentum", "epsilon", "centered")
        return super().get_config() | {name: getattr(self, name) for name in names}


def _follow(mean: Array, values: Array, keep: float) -> None:
    """``mean += (values - mean) * (1 - keep)``; `values` is overwritten."""
    values -= mean
    values *= 1 - keep
    mean += values


class Adam(Optimizer):
    """``m`` and ``v`` follow ``g`` and ``g**2``; ``w -= rate_t * m / (sqrt(v) + epsilon)``.

    With ``rate_t = rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)`` at step t.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    beta_1, beta_2
        How slowly `m` and `v` follow.
    epsilon
        Keeps the divisor from zero.
    amsgrad
        Divide by the largest `v` so far.
    **kwargs
        Those of `Optimizer`.

    References
    ----------
    Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = checks.real_number("beta_1", beta_1, at_least=0, below=1)
        self.beta_2 = checks.real_number("beta_2", beta_2, at_least=0, below=1)
        self.epsilon = checks.real_number("epsilon", epsilon, at_least=0)
        self.amsgrad = checks.truth("amsgrad", amsgrad)
        self.slot_names = ("momentum", "velocity", *(["velocity_hat"] if amsgrad else []))

    def update(self, w: Array, g: Array, new: Array, scratch: Array, slots: list[Array], rate: float) -> None:
        """See the class."""
        t = self.iterations + 1
        m, v = slots[0], slots[1]
        np.subtract(g, m, out=scratch)
        scratch *= 1 - self.beta_1
        m += scratch
        np.multiply(g, g, out=scratch)
        _follow(v, scratch, self.beta_2)
        if self.amsgrad:
            v = np.maximum(slots[2], v, out=slots[2])
        np.sqrt(v, out=scratch)
        scratch += self.epsilon
        np.divide(m, scratch, out=scratch)
        scratch *= rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        np.subtract(w, scratch, out=new)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("beta_1", "beta_2", "epsilon", "amsgrad")
        return super().get_config() | {name: getattr(self, name) for name in names}


class AdamW(Adam):
    """`Adam` with a weight decay of 0.004 by default.

    References
    ----------
    Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019.
    """

    def __init__(
        self, learning_rate: LearningRate = 0.001, weight_decay: float = 0.004, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, *args, weight_decay=weight_decay, **kwargs)


_KNOWN = names_of(SGD, RMSprop, Adam, AdamW, sgd=SGD, rmsprop=RMSprop, adam=Adam, adamw=AdamW)


def get(identifier: Any) -> Optimizer:
    """Return the optimizer that a name, class or instance stands for."""
    known = identifier.lower() if isinstance(identifier, str) else identifier
    return find(known, _KNOWN, Optimizer, "optimizer")
