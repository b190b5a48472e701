"""Cells: what recurrent layers do at one time step, and for those of the compiled core, at all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fastlstm import _core, checks

from ... import activations
from ...foundation.arrays import Array, Shape
from ...foundation.boxes import is_box
from ...foundation.passes import current, within
from ...foundation.random import draw_seed
from ...foundation.symbolic import any_symbolic
from ...foundation.tracing import as_one_step
from ...foundation.trees import leaves
from ...foundation.variable import Variable
from ...initializers import Initializer
from .. import inside
from ..base import Layer
from ..call import INFERENCE, Call
from ..regularization.dropout import dropout_mask
from .options import CellOptions, WeightOptions, defaults
from .states import States, as_lists, checked_states, total, tree_map, zeros

if TYPE_CHECKING:
    from typing_extensions import Unpack

ScanPullback: TypeAlias = Callable[[Array | None, Any, Array | None], tuple[list[Array], Any]]
"""``pullback(dy, dstates, dx)``: takes the gradient of the outputs ``(T, N, O)``, or of the last one ``(N, O)`` if only
that was wanted, and those of the last states, each None where there is none; writes that of the inputs into `dx`
(T, N, I), if there is one; gives those of the trainable weights and of the first states."""

StepPullback: TypeAlias = Callable[[Array, Any], tuple[Array, Any, list[Array]]]
"""``pullback(doutput, dstates)``: gives the gradients of inputs, states and trainable weights."""

WEIGHTS = ("kernel", "recurrent", "bias")


class Cell(Layer):
    """What takes one time step: ``cell(inputs, states)`` gives the output and the new states.

    Parameters
    ----------
    **kwargs
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
        inputs
            ``(N, I)``.
        states
            A list as `get_initial_state` gives it; one array, if there is one only.
        training
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
        self._check_shape(x.shape, "inputs")
        self.ensure_built((None, *x.shape[1:]))
        if current() is not None:
            return self.call(x, states, training)
        given = checked_states(states, size_tree(self), len(x), self.dtype, f"{self.name}: states")
        return self.call(x, as_lists(given) if isinstance(states, list | tuple) else given[0], training)

    def forward(self, x: Array, call: Call = INFERENCE) -> Any:
        """TypeError: a cell is no layer of a model."""
        cure = f"; put it into a layer, RNN({type(self).__name__}(...))"
        checks.complain(TypeError, self.name, "be given single steps, arrays", "a call as that of a layer", cure)


class RecurrentCell(Cell):
    """What LSTMCell, GRUCell and SimpleRNNCell share: arguments, weights and the calls into the core.

    Parameters
    ----------
    units
        Hidden size H.
    **options
        Those of `CellOptions`.
    """

    gates = 1
    state_names: tuple[str, ...] = ("h",)

    kernel_initializer: Any
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
        self._dropout_generator = np.random.default_rng(draw_seed() if self.seed is None else self.seed)

    def _set_activations(self, **given: Any) -> None:
        """Keep the names of the activations as attributes."""
        self._activations = tuple(given)
        for argument, activation in given.items():
            setattr(self, argument, activations.for_cells(activation, f"{self.name}: {argument}"))

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
    def core_activations(self) -> list[str] | None:
        """Names of the activations in the core's order; None for those that its cell of this name has anyhow."""
        raise NotImplementedError

    def _pack(self, *arrays: Array) -> _core.Weights:
        """Return the core's weights, from its arrays in its order."""
        names = self.core_activations or []
        return _core.Weights(self.core_name, *arrays, activations=[activations.CORE[name] for name in names])

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

    def _bias_start(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        return self.bias_initializer(shape, dtype)

    def _freeze(self, values: tuple[Array, ...]) -> _core.Weights:
        kernel, recurrent, *bias = values
        return self._pack(kernel.T, recurrent.T, *bias)

    def call(self, inputs: Array, states: Any, training: bool = False) -> tuple[Array, Any]:
        """See `Cell.call`."""
        if current() is not None:
            return self._step_in_a_pass(inputs, states)
        h, c = _core.forward(self.frozen(), inputs[None], *pair(states))
        return h, _in_form_of(states, _states(h, c))

    def _step_in_a_pass(self, inputs: Any, states: Any) -> tuple[Any, Any]:
        """Take one step in a function of a user's own: its derivative is that of `vjp`."""
        given = [inside.taken(self, part) for part in (inputs, *leaves(states))]
        weights = [variable.value for variable in self.trainable_variables]
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
        h, c, tape = _core.forward_training(self.frozen(), inputs[None], *pair(states))

        def pullback(doutput: Array, dstates: Any) -> tuple[Array, Any, list[Array]]:
            dh, dc = pair(dstates)
            dx = np.empty_like(inputs)
            dstates_0, gradients = self._backward(tape, None, doutput + dh, dc, dx[None])
            return dx, _in_form_of(states, dstates_0), gradients

        return (h, _in_form_of(states, _states(h, c))), pullback

    def scan(
        self, x: Array, states: States | None, y: Array | None, mask: Array | None, training: bool
    ) -> tuple[Array, States]:
        """Take all steps; see `steps.scan`."""
        if training and self.recurrent_dropout:  # which the core knows in training only
            return self.scan_vjp(x, states, y, mask, training)[:2]
        drop = self._dropout_mask(self.dropout, x.shape[1:]) if training else None
        h, c = _core.forward(self.frozen(), x if drop is None else x * drop, *pair(states), y, mask=mask)
        return h, _states(h, c)

    def scan_vjp(
        self, x: Array, states: States | None, y: Array | None, mask: Array | None, training: bool
    ) -> tuple[Array, States, ScanPullback]:
        """Take all steps and return the pullback; see `steps.scan_vjp`."""
        drop = self._dropout_mask(self.dropout, x.shape[1:]) if training else None
        inputs = x if drop is None else x * drop
        masks = self._recurrent_masks(x.shape[1]) if training else None
        h, c, tape = _core.forward_training(self.frozen(), inputs, *pair(states), y, mask=mask, recurrent_masks=masks)

        def pullback(dy: Array | None, dstates: Any, dx: Array | None) -> tuple[list[Array], Any]:
            dh, dc = pair(dstates)
            dy_all, dh_n = (None, _added(dy, dh)) if y is None else (dy, dh)
            dstates_0, gradients = self._backward(tape, dy_all, dh_n, dc, dx)
            if dx is not None and drop is not None:
                dx *= drop
            return gradients, dstates_0

        return h, _states(h, c), pullback

    def _backward(
        self, tape: _core.Tape, dy: Array | None, dh_n: Array | None, dc_n: Array | None, dx: Array | None
    ) -> tuple[States, list[Array]]:
        """Fill `dx`; return the gradients of the first states and those of the trainable weights."""
        gradients = [np.empty_like(variable.value) for variable in self.trainable_variables]
        dh_0, dc_0 = _core.backward(tape, dy, dh_n, dc_n, dx, *(gradient.T for gradient in gradients))
        return _states(dh_0, dc_0), gradients

    @property
    def drops(self) -> bool:
        """Whether anything is dropped in training; in Keras a rate of 1 drops nothing."""
        return any(0 < rate < 1 for rate in (self.dropout, self.recurrent_dropout))

    def _recurrent_masks(self, rows: int) -> Array | None:
        """Return the factors ``(G, N, H)`` of the states in the sums of the gates; None if nothing is dropped."""
        return self._dropout_mask(self.recurrent_dropout, (self.gates, rows, self.units))

    def _dropout_mask(self, rate: float, shape: tuple[int, ...]) -> Array | None:
        """Factors of zero or what keeps the mean; None if nothing is dropped."""
        return dropout_mask(self._dropout_generator, shape, rate, self.dtype) if 0 < rate < 1 else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("units", *self._activations, "use_bias", "dropout", "recurrent_dropout", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}


def scan_together(
    cells: Sequence[RecurrentCell],
    x: Array,
    states: Sequence[States | None],
    y: Sequence[Array | None],
    mask: Array | None,
) -> list[States]:
    """Take all steps of layers and directions in one call of the core, in inference; see `_core.forward_stack`."""
    weights = [cell.frozen() for cell in cells]
    final = _core.forward_stack(weights, x, [pair(start) for start in states], y, mask=mask)
    return [_states(h, c) for h, c in final]


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


def _added(a: Array | None, b: Array | None) -> Array | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _states(h: Array, c: Array | None) -> States:
    return (h,) if c is None else (h, c)


def pair(states: Any) -> tuple[Any, Any]:
    """H and c of what stands for states; None for what is not there."""
    h, c = (*states, None, None)[:2] if isinstance(states, list | tuple) else (states, None)
    return h, c


def _in_form_of(given: Any, states: States) -> Any:
    return list(states) if isinstance(given, list | tuple) else states[0]
