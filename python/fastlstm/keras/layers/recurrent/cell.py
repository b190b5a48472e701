"""Cells: what recurrent layers do at one time step, and for built-in ones, at all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from fastlstm import checks

from ... import activations
from ...activations import ActivationFunction
from ...foundation import core
from ...foundation.arrays import Array, Shape
from ...foundation.boxes import is_box
from ...foundation.passes import current, within
from ...foundation.random import generator
from ...foundation.symbolic import any_symbolic
from ...foundation.tracing import as_one_step
from ...foundation.training_step import listeners
from ...foundation.trees import leaves
from ...foundation.variable import Variable
from ...initializers import Initializer
from .. import inside
from ..base import Layer
from ..call import INFERENCE, Call
from ..quantizable import Quantizable
from ..regularization.dropout import dropout_mask
from . import in_numpy
from .loop import Reading, Step, StepPullback
from .options import CellOptions, WeightOptions, defaults
from .states import States, as_lists, checked_states, total, tree_map, zeros

if TYPE_CHECKING:
    from typing_extensions import Unpack

ScanPullback: TypeAlias = Callable[[Array | None, Any, Array | None], tuple[list[Array], Any]]
"""``pullback(dy, dstates, dx)``: takes the gradient of the outputs ``(T, N, O)``, or of the last one ``(N, O)`` if only
that was wanted, and those of the last states, each None where there is none; writes that of the inputs into `dx`
(T, N, I), if there is one; gives those of the trainable weights and of the first states."""

WEIGHTS = ("kernel", "recurrent", "bias")


class Cell(Layer):
    """What takes one time step: ``cell(inputs, states)`` gives the output and the new states.

    Parameters
    ----------
    **kwargs : keyword arguments
        Those of `Layer`, without `activity_regularizer`: give it to the layer around the cell.
    """

    ndim = 2

    def __init__(self, **kwargs: Any) -> None:
        penalty = kwargs.get("activity_regularizer")
        if penalty is not None:
            name = f"{type(self).__name__}: activity_regularizer"
            checks.refuse(ValueError, name, "None", penalty, "; give it to the RNN layer")
        super().__init__(**kwargs)

    @property
    def state_size(self) -> Any:
        """Sizes of the states: an int, a list of ints, or for stacked cells a list of such."""
        raise NotImplementedError(f"{type(self).__name__} must define state_size")

    @property
    def output_size(self) -> int:
        """Size of the output."""
        raise NotImplementedError(f"{type(self).__name__} must define output_size")

    def _axes_text(self) -> str:
        return " (batch, features): a cell takes one step; for sequences put it into a layer, RNN(cell)"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(N, O)``."""
        return (self._checked_shape(input_shape)[0], self.output_size)

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return states of zeros, for so many rows."""
        rows, sizes = checks.whole_number(f"{self.name}: batch_size", batch_size, at_least=0), size_tree(self)
        with checks.memory(f"{self.name}: batch_size", rows, rows * total(sizes) * self.dtype.itemsize):
            states: list[Any] = as_lists(zeros(sizes, rows, self.dtype))
        return states

    def call(self, inputs: Array, states: Any, training: bool = False) -> tuple[Array, Any]:
        """Take one step, on arrays of this cell's dtype.

        Parameters
        ----------
        inputs : ndarray
            ``(N, I)``.
        states : list of array_like
            A list as `get_initial_state` gives it; one array, if there is one only.
        training : bool
            Nothing is dropped in single steps: this is left to the layer around the cell.

        Returns
        -------
        output, new states
            In the form of `states`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define call(inputs, states)")

    def __call__(self, inputs: Any, states: Any = None, training: bool = False) -> tuple[Array, Any]:
        """Take one step, see `call`, with whatever makes arrays; builds the cell at first."""
        if any_symbolic(inputs, states):
            self.forward(inputs)
        x = inside.taken(self, inputs, "inputs")
        self.check_input_shape(x.shape, "inputs")
        self.ensure_built((None, *x.shape[1:]))
        if current() is not None:
            return self.call(x, states, training)
        given = checked_states(states, size_tree(self), len(x), self.dtype, f"{self.name}: states")
        return self.call(x, as_lists(given) if isinstance(states, list | tuple) else given[0], training)

    def forward(self, x: Array, call: Call = INFERENCE) -> Any:
        """TypeError: a cell is no layer of a model."""
        cure = f"; put it into a layer, RNN({type(self).__name__}(...))"
        checks.complain(TypeError, self.name, "be given single steps, arrays", "a call as that of a layer", cure)


class RecurrentCell(Quantizable, Cell):
    """What LSTMCell, GRUCell and SimpleRNNCell share: arguments, weights and the calls into what computes them.

    Parameters
    ----------
    units : int
        Hidden size H.
    **options : keyword arguments
        Those of `CellOptions`.
    """

    gates = 1
    matrices: ClassVar[Mapping[str, int]] = {"kernel": 0, "recurrent_kernel": 0}
    state_names: tuple[str, ...] = ("h",)

    kernel_initializer: Any
    recurrent_initializer: Any
    bias_initializer: Initializer
    kernel: Variable
    recurrent_kernel: Variable
    bias: Variable | None

    def __init__(self, units: int, **options: Unpack[CellOptions]) -> None:
        known = defaults(WeightOptions)
        super().__init__(**{name: value for name, value in options.items() if name not in known})
        settings = {**known, **options}
        self.units = checks.size(f"{self.name}: units", units)
        roles = [f"{weight}_{option}" for option in ("initializer", "regularizer", "constraint") for weight in WEIGHTS]
        self._set_options(**{role: settings[role] for role in roles})
        self.use_bias = checks.truth(f"{self.name}: use_bias", settings["use_bias"])
        self.dropout = checks.fraction(f"{self.name}: dropout", settings["dropout"])
        self.recurrent_dropout = checks.fraction(f"{self.name}: recurrent_dropout", settings["recurrent_dropout"])
        self.seed = checks.seed(f"{self.name}: seed", settings["seed"])
        checks.whole_number(f"{self.name}: implementation", settings["implementation"], at_least=0, at_most=2)
        self._generator = None if self.seed is None else np.random.default_rng(self.seed)

    def _set_activations(self, **given: Any) -> None:
        """Keep the activations as attributes."""
        found = {name: activations.get(activation, f"{self.name}: {name}") for name, activation in given.items()}
        for name, function in found.items():
            setattr(self, name, function)
        self._activations = tuple(found)
        self._all_in_core = all(map(activations.in_core, found.values()))

    @property
    def state_size(self) -> int | list[int]:
        """H, once for every state."""
        return self.units if len(self.state_names) == 1 else [self.units] * len(self.state_names)

    @property
    def output_size(self) -> int:
        """H."""
        return self.units

    @property
    def core_name(self) -> str:
        """Name of the core's cell."""
        raise NotImplementedError

    @property
    def core_activations(self) -> list[ActivationFunction] | None:
        """The activations in the core's order; None for those that its cell of this name has anyhow."""
        raise NotImplementedError

    @property
    def in_core(self) -> bool:
        """Whether the compiled core has the activations; else the cell runs in NumPy."""
        return self._all_in_core

    @property
    def _engine(self) -> Any:
        """What runs the cell: two modules with the same functions."""
        return core if self.in_core else in_numpy

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """``(G*H,)``."""
        return (self.gates * self.units,)

    def _create_weights(self, input_shape: Shape) -> None:
        columns = self.gates * self.units
        inputs = self._known_features(input_shape)
        self.kernel = self._add_weight((inputs, columns), "kernel")
        self.recurrent_kernel = self._add_weight((self.units, columns), "recurrent_kernel", "recurrent")
        self.bias = self._add_weight(self.bias_shape, "bias", draw=self._bias_start) if self.use_bias else None
        if self.bias is not None:
            self.bias.other_form = self._two_biases

    @property
    def _two_biases(self) -> Callable[[Array, tuple[int, ...]], Array] | None:
        """How the two biases of cuDNN become that of this cell; None: it has no such cell."""
        return None

    def _bias_start(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        return self.bias_initializer(shape, dtype)

    def _freeze(self, values: tuple[Array, ...]) -> Any:
        return self._packed(self._floats(values))

    def _packed(self, weights: Sequence[Array]) -> Any:
        """Return the weights, with the gates in the core's order, as `_engine` takes them."""
        functions: Sequence[Any] = self.core_activations or ()
        if not self.in_core:
            return in_numpy.packed(self.core_name, weights, functions)
        functions = [activations.CORE[function.name] for function in functions]
        return core.packed(self.core_name, weights, functions, self._precision)

    def precision_now(self) -> str:
        """See `Layer.precision_now`; what runs in NumPy has that of the dtype."""
        return super().precision_now() if self.in_core else self.dtype.name

    def check_kind(self) -> None:
        """See `Quantizable.check_kind`."""
        if not self.in_core:
            raise NotImplementedError(f"{self.name}: a cell that runs in NumPy cannot be quantized")

    def call(self, inputs: Array, states: Any, training: bool = False) -> tuple[Array, Any]:
        """See `Cell.call`."""
        if current() is not None:
            return self._step_in_a_pass(inputs, states)
        found = self._engine.forward(self.frozen(), inputs[None], _as_tuple(states))
        return found[0], _in_form_of(states, found)

    def step_of_now(self) -> Step:
        """Return what takes one step with the weights of now."""
        engine, weights = self._engine, self.frozen()

        def step(x_t: Array, states: States) -> tuple[Array, States]:
            found = engine.forward(weights, x_t[None], states)
            return found[0], found

        return step

    def _step_in_a_pass(self, inputs: Any, states: Any) -> tuple[Any, Any]:
        """Take one step in a function of a user's own: its derivative is that of `vjp`."""
        given = [inside.taken(self, part) for part in (inputs, *leaves(states))]
        weights = [variable.value for variable in self.differentiated]
        if not any(map(is_box, (*given, *weights))):
            with within(None):
                return RecurrentCell.call(self, given[0], given[1:] if isinstance(states, list | tuple) else given[1])

        def vjp(values: list[Array]) -> tuple[Any, Any, float]:
            (output, new_states), through = RecurrentCell.vjp(self, values[0], values[1:])

            def pullback(dy: Any) -> tuple[list[Array], list[Array]]:
                doutput, *dstates = [np.zeros_like(output) if part is None else part for part in dy]
                dx, before, gradients = through(doutput, dstates)
                return [dx, *before], gradients

            return [output, *new_states], pullback, 0.0

        (output, *new_states), _ = as_one_step(vjp, given, weights)
        return output, new_states if isinstance(states, list | tuple) else new_states[0]

    def vjp(  # type: ignore[override]
        self, inputs: Array, states: Any, training: bool = True
    ) -> tuple[tuple[Array, Any], StepPullback]:
        """Take one step as `call`, and return its vector-Jacobian product too.

        Returns
        -------
        (output, new states), pullback
            ``pullback(doutput, dstates)`` gives the gradients of the inputs, of the states, and a list of those of the
            trainable weights.
        """
        self.check_trainable()
        found, tape = self._engine.forward_training(self.frozen(), inputs[None], _as_tuple(states))

        def pullback(doutput: Array, dstates: Any) -> tuple[Array, Any, list[Array]]:
            dx = np.empty_like(inputs)
            gradients, dstart = self._backward(tape, None, _with_output(_as_tuple(dstates), doutput), dx[None])
            return dx, _in_form_of(states, dstart), gradients

        return (found[0], _in_form_of(states, found)), pullback

    def scan(self, reading: Reading, training: bool) -> tuple[Array, States]:
        """Take all steps; see `steps.scan`."""
        masks = None
        if training and self.drops:
            reading, _, masks = self._dropped(reading)
        if masks is None:
            states = self._engine.forward(self.frozen(), *reading)
        else:  # which are known in training only
            self.check_trainable()
            states, _ = self._engine.forward_training(self.frozen(), *reading, masks)
        return states[0], states

    def scan_vjp(self, reading: Reading, training: bool) -> tuple[Array, States, ScanPullback]:
        """Take all steps and return the pullback; see `steps.scan_vjp`."""
        self.check_trainable()
        drop, masks = None, None
        if training and self.drops:
            reading, drop, masks = self._dropped(reading)
        states, tape = self._engine.forward_training(self.frozen(), *reading, masks)
        last_only = reading.y is None

        def pullback(dy: Array | None, dstates: Any, dx: Array | None) -> tuple[list[Array], Any]:
            if last_only:
                dy, dstates = None, _with_output(dstates, dy)
            found = self._backward(tape, dy, dstates, dx, reading)
            if dx is not None and drop is not None:
                dx *= drop
            return found

        return states[0], states, pullback

    def _dropped(self, reading: Reading) -> tuple[Reading, Array | None, Array | None]:
        """Return what is left of the reading, and the factors ``(N, I)`` of inputs and ``(G, N, H)`` of states."""
        rows = reading.x.shape[1]
        drop = self._dropout_mask(self.dropout, reading.x.shape[1:])
        masks = self._dropout_mask(self.recurrent_dropout, (self.gates, rows, self.output_size))
        return reading if drop is None else reading._replace(x=reading.x * drop), drop, masks

    def _backward(
        self, tape: Any, dy: Array | None, dstates: States | None, dx: Array | None, reading: Reading | None = None
    ) -> tuple[list[Array], States]:
        """Fill `dx`; return the gradients of the trainable weights and those of the first states."""
        gradients = self._empty_gradients()
        return gradients, self._walk_back(tape, dy, dstates, dx, gradients, reading)

    def _walk_back(
        self,
        tape: Any,
        dy: Array | None,
        dstates: States | None,
        dx: Array | None,
        gradients: list[Array],
        reading: Reading | None,
    ) -> States:
        """Fill `dx` and `gradients`, which are as the core has them; return the gradients of the first states.

        Who wants to know how large those of all states are is told, where a whole `reading` is gone through.
        """
        told = listeners()
        if reading is None or not told or not self.in_core:
            first: States = self._engine.backward(tape, dy, dstates, dx, gradients)
            return first
        steps, rows = reading.x.shape[:2]
        flow = core.Flow.of(steps, rows, "c" in self.state_names)
        found = core.backward(tape, dy, dstates, dx, gradients, flow)
        for listener in told:
            listener(self, flow, reading.mask)
        return found

    def _empty_gradients(self) -> list[Array]:
        return [np.empty(variable.shape, variable.dtype) for variable in self.differentiated]

    @property
    def drops(self) -> bool:
        """Whether anything is dropped in training; in Keras a rate of 1 drops nothing."""
        return 0 < self.dropout < 1 or 0 < self.recurrent_dropout < 1

    def _dropout_mask(self, rate: float, shape: tuple[int, ...]) -> Array | None:
        """Factors of zero or what keeps the mean; None if nothing is dropped."""
        if not 0 < rate < 1:
            return None
        return dropout_mask(self._generator or generator("noise"), shape, rate, self.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        functions = {name: activations.serialize(getattr(self, name)) for name in self._activations}
        names = ("use_bias", "dropout", "recurrent_dropout", "seed")
        own = {name: getattr(self, name) for name in names}
        return super().get_config() | {"units": self.units} | functions | own


def size_tree(cell: Any) -> Any:
    """`state_size` of a cell as a tree of tuples."""
    cells = getattr(cell, "cells", None)
    if isinstance(cell, Cell) and cells is not None:
        return tuple(map(size_tree, cells))
    sizes = cell.state_size
    return tree_map(int, sizes if isinstance(sizes, tuple | list) else (sizes,))


def output_size(cell: Any) -> int:
    """`output_size` of a cell, by default the size of its first state."""
    size = getattr(cell, "output_size", None)
    return int(size_tree(cell)[0] if size is None else size)


def _with_output(dstates: States | None, dy: Array | None) -> States | None:
    """Gradients of the last states, with that of the last output added: it is the first of the states."""
    if dstates is None or dy is None:
        return dstates if dy is None else (dy,)
    dh, *others = dstates
    return dy if dh is None else dy + dh, *others


def _as_tuple(states: Any) -> States:
    return tuple(states) if isinstance(states, list | tuple) else (states,)


def _in_form_of(given: Any, states: States) -> Any:
    return list(states) if isinstance(given, list | tuple) else states[0]
