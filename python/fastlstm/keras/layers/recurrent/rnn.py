"""A cell at every step of a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastlstm import checks

from ...foundation import core
from ...foundation.arrays import Array, Shape, shape_text
from ...foundation.carried import State, check_keys
from ...foundation.eager import as_eager
from ...foundation.trees import leaves
from ..base import Layer, Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback, first_of, several
from ..configs import describe_layer
from ..history import StepWithMemory
from ..wrapper import Wrapper
from .cell import output_size, size_tree
from .loop import Reading
from .masks import keep_rows, repeat_last, repeat_last_adjoint
from .options import LayerOptions, SequenceOptions, defaults, shows
from .stacked import StackedRNNCells, build_cell, checked_cell
from .states import States, as_lists, checked_states, grown, lists_of, rows_of, tree_map
from .steps import initial_states, is_compiled, scan, scan_vjp, starts_from_zeros
from .streamed import CellMemory, state_names, step_of_now

if TYPE_CHECKING:
    from typing_extensions import Unpack


_SWITCHES = [name for name, default in defaults(SequenceOptions).items() if default is False]


class RNN(Wrapper):
    """A cell at every step of a sequence, its states carried from step to step.

    Parameters
    ----------
    cell : layer
        A cell, or a list of cells for `StackedRNNCells` of them. `LSTMCell`, `GRUCell` and `SimpleRNNCell` run in the
        compiled core, alone or stacked; a cell of your own runs step by step in Python, see below.
    **options : keyword arguments
        Those of `SequenceOptions`: `return_sequences` and others.

    Raises
    ------
    ValueError
        If `cell` has another form, or inputs have another shape.
    TypeError
        If `cell` has another type.

    Notes
    -----
    A cell of your own is an object, for instance a `Layer`, with

    - ``state_size``: an int, or a list of ints for several states;
    - ``output_size``: by default the first size in ``state_size``;
    - ``call(inputs, states) -> (output, new_states)`` on arrays ``(N, I)`` and a list of ``(N, size)``, written with
      `ops`, NumPy's functions and other layers;
    - ``build(input_shape)``, which creates weights by ``self.add_weight(shape, initializer, name=name)``;
    - ``get_initial_state(batch_size)``: by default zeros;
    - ``vjp(inputs, states) -> ((output, new_states), pullback)``, if it shall be trained fast. ``pullback(doutput,
      dstates)`` takes the gradients of what `call` gives, and gives ``(dinputs, dstates, gradients)``: those of what it
      takes, and a list of those of the trainable weights. Without it, autograd finds them.

    `call` and `vjp` may have an argument `training`. Only ``build`` and the weights need a `Layer`. One whose arguments
    are not numbers, texts and the like defines `get_config` if the layer around it is to be copied, as `Bidirectional`
    does.

    Examples
    --------
    A cell whose state fades, trained:

    >>> import numpy as np
    >>> from fastlstm.keras import Input, Sequential, layers
    >>> class Fading(layers.Layer):
    ...     def __init__(self, units, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.units = self.state_size = units
    ...
    ...     def build(self, input_shape):
    ...         self.kernel = self.add_weight((input_shape[-1], self.units), "glorot_uniform", name="kernel")
    ...
    ...     def call(self, inputs, states):
    ...         h = 0.9 * states[0] + inputs @ self.kernel.value
    ...         return h, [h]
    ...
    ...     def vjp(self, inputs, states):
    ...         kernel = self.kernel.value
    ...
    ...         def pullback(doutput, dstates):
    ...             dh = doutput + dstates[0]
    ...             return dh @ kernel.T, [0.9 * dh], [inputs.T @ dh]
    ...
    ...         return self.call(inputs, states), pullback
    >>> model = Sequential([Input((5, 3)), layers.RNN(Fading(4)), layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> x = np.ones((8, 5, 3))
    >>> losses = model.fit(x, x[:, 0, :1], epochs=50, verbose=0).history["loss"]
    >>> losses[-1] < losses[0]
    True
    """

    told_of_mask = True
    ndim = 3
    over_time = True
    mask_ndim = 2
    takes_several = True
    call_arguments = ("x", "initial_state", "mask", "training")
    inner_names = ("cell",)
    keras_call: ClassVar[Mapping[str, Any]] = {"training": False, "mask": None}

    @shows(SequenceOptions)
    def __init__(self, cell: Any, **options: Unpack[SequenceOptions]) -> None:
        cell = (
            StackedRNNCells(cell)
            if isinstance(cell, list | tuple)
            else checked_cell(cell, f"{type(self).__name__}: cell")
        )
        own = defaults(SequenceOptions).keys() - defaults(LayerOptions).keys()
        settings = {**defaults(SequenceOptions), **options}
        others = {name: value for name, value in options.items() if name not in own}
        super().__init__([cell] if isinstance(cell, Layer) else [], **others)
        self.cell = cell
        switches = {name: checks.truth(f"{self.name}: {name}", settings[name]) for name in _SWITCHES}
        if not isinstance(settings["use_cudnn"], str) or settings["use_cudnn"] != "auto":
            checks.truth(f"{self.name}: use_cudnn", settings["use_cudnn"])
        if switches["time_major"]:
            raise NotImplementedError(f"{self.name}: time_major=True is not supported, leave it out")
        self.return_sequences, self.return_state = switches["return_sequences"], switches["return_state"]
        self.go_backwards, self.stateful = switches["go_backwards"], switches["stateful"]
        self.zero_output_for_mask, self.unroll = switches["zero_output_for_mask"], switches["unroll"]
        self._states: States | None = None
        self._measure()

    def _measure(self) -> None:
        """Keep the sizes of the cell, which may depend on its inputs."""
        self._sizes, self._output_size = size_tree(self.cell), output_size(self.cell)

    @property
    def states(self) -> Any:
        """What the next batch of a stateful layer starts with, a tuple of arrays ``(N, size)``; None: from the start.

        It may be set, also to a list, or to one array for a cell with one state; the arrays are copied.
        """
        return self._states

    @states.setter
    def states(self, given: Any) -> None:
        if given is None:
            self._states = None
            return
        if not self.stateful:
            cure = "; make it with stateful=True, or call it with initial_state"
            checks.complain(ValueError, f"{self.name}: states", "be set of a stateful layer", "one that is not", cure)
        self._states = tree_map(np.copy, self._checked_states(given, f"{self.name}: states"))

    def _checked_states(self, given: Any, name: str) -> States:
        first = leaves(given)[0] if isinstance(given, list | tuple) and len(given) else given
        rows = np.shape(first)[:1] or (0,)
        return self.checked_start(given, rows[0], name)

    @property
    def state_size(self) -> list[Any]:
        """Sizes of the states, a list; for stacked cells those of each cell."""
        sizes = self.cell.state_size
        return list(sizes) if isinstance(sizes, list | tuple) else [sizes]

    @property
    def output_size(self) -> int:
        """Size of the output of a step."""
        return self._output_size

    def _axes_text(self) -> str:
        return " (batch, time, features)"

    def _create_weights(self, input_shape: Shape) -> None:
        build_cell(self.cell, (input_shape[0], *input_shape[2:]))
        self._measure()
        self._adopt_weights()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """``(N, T, O)`` with `return_sequences`, else ``(N, O)``; with `return_state` a list with those of the states.

        Where states are given, `input_shape` is a list with theirs.
        """
        shapes = several(input_shape)
        rows, steps, _ = self._checked_shape(shapes[0])
        self._check_state_shapes(shapes[1:])
        shape = (rows, steps, self._output_size) if self.return_sequences else (rows, self._output_size)
        if not self.return_state:
            return shape
        return [shape, *lists_of(lambda size: (rows, size), self._sizes)]

    def _check_state_shapes(self, given: list[Shape]) -> None:
        wanted = [(None, size) for size in leaves(self._sizes)]
        if given and [tuple(shape[1:]) for shape in given] != [shape[1:] for shape in wanted]:
            got = ", ".join(map(shape_text, given))
            checks.complain(ValueError, f"{self.name}: initial_state", f"have the shapes {wanted}", got)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask of the input if there is an output at every step; states have none."""
        steps = first_of(mask) if self.return_sequences else None
        if not self.return_state:
            return steps
        return [steps, *lists_of(lambda size: None, self._sizes)]

    def forward(self, x: Any, call: Call = INFERENCE, out: Array | None = None) -> Any:
        """Return the output for `x`; with `return_state`, a list of the output and the final states.

        Parameters
        ----------
        x : array_like
            Inputs ``(N, T, I)``, or a list of them and the states to start with.
        call : Call
            See `Layer.forward`.
        out : ndarray, optional
            With `return_sequences`, an array or a view of one to write the outputs into.
        """
        reading = self.reading_of(x, call.mask, out)
        last, states = scan(self.cell, reading, call.training)
        return self.result_of(reading, last, states)

    def vjp(self, x: Any, call: Call = TRAINING, out: Array | None = None) -> tuple[Any, Pullback]:
        """See `Layer.vjp` and `forward`; states carried over from an earlier batch get no gradient."""
        reading = self.reading_of(x, call.mask, out)
        last, states, through = scan_vjp(self.cell, reading, call.training)

        def pullback(dy: Any) -> tuple[Any, list[Array]]:
            dx = dx_steps = None
            if call.need_dx:
                steps, rows, features = reading.x.shape
                dx = core.empty((rows, steps, features), reading.x.dtype)
                dx_steps = self._in_reading_order(dx)
            slope, dstates = self._slopes(dy, reading.mask)
            gradients, dstart = through(slope, dstates, dx_steps)
            return [dx, *leaves(dstart)] if isinstance(x, list) else dx, gradients

        return self.result_of(reading, last, states), pullback

    def _on_arrays(self, x: Any, training: bool = False, mask: Any = None, initial_state: Any = None) -> Any:
        if initial_state is None:
            return super()._on_arrays(x, training, mask)
        x, of_x = self._with_mask(x, mask)
        given = self.checked_start(initial_state, len(x))
        told = None if mask is None else of_x  # see `sees_mask_of`
        y = self.forward([x, *leaves(given)], Call(self._drops(training), told))
        return as_eager(y, self.compute_mask(x, of_x))

    def sees_mask_of(self, x: Any) -> bool:
        """Not where states are given: Keras 3 reads these steps as if there were no mask, unless the call has one."""
        return not isinstance(x, list)

    def reading_of(self, x: Any, mask: Any = None, out: Array | None = None) -> Reading:
        """Return what the cell takes where the layer takes `x` and its mask; see `forward`."""
        given = None
        if isinstance(x, list):
            x, *given = x
        start, y = self.start_of(len(x), given), None
        if self.return_sequences:
            y = core.empty((*x.shape[:2], self._output_size), self.dtype) if out is None else out
            y = y.transpose(1, 0, 2)  # it is already in the order of reading
        if mask is not None:
            mask = self._steps_there(first_of(mask))
        return Reading(self._in_reading_order(x), start, y, mask)

    def result_of(self, reading: Reading, last: Array, states: States) -> Any:
        """Return what the layer gives, from what the cell gave; a stateful layer keeps the states."""
        self.keep_states(states)
        y = last if reading.y is None else reading.y.transpose(1, 0, 2)
        if reading.mask is not None:
            y = self._masked(y, reading.mask.T)
        return [y, *as_lists(states)] if self.return_state else y

    def _slopes(self, dy: Any, mask: Array | None) -> tuple[Array | None, Any]:
        """Return the gradients of the outputs of the cell and of its states, from those of what the layer gives."""
        dstates = None
        if self.return_state:
            dy, *dstates = dy
            dstates = tuple(dstates)
        if dy is None:
            return None, dstates
        if mask is not None:
            dy = self._masked_adjoint(dy, mask.T)
        return dy.transpose(1, 0, 2) if self.return_sequences else dy, dstates

    def _in_reading_order(self, x: Array) -> Array:
        """`x` with time first, a view, as the core takes any strides."""
        return (x[:, ::-1] if self.go_backwards else x).transpose(1, 0, 2)

    def _steps_there(self, mask: Array | None) -> Array | None:
        """Which steps to take, ``(T, N)`` in the order of reading; None: all."""
        if mask is None or mask.all():
            return None
        return (mask[:, ::-1] if self.go_backwards else mask).T

    def _masked(self, y: Array, valid: Array) -> Array:
        """Return the output as Keras defines it under a mask, from that of the cell."""
        if not self.return_sequences:
            return keep_rows(y, self._rows_with_output(valid))
        if not self.zero_output_for_mask:
            repeat_last(y, valid)
        return y

    def _masked_adjoint(self, dy: Array, valid: Array) -> Array:
        if not self.return_sequences:
            return keep_rows(dy, self._rows_with_output(valid))
        return dy if self.zero_output_for_mask else repeat_last_adjoint(dy, valid)

    def _rows_with_output(self, valid: Array) -> Array:
        return np.asarray(valid[:, -1] if self.zero_output_for_mask else valid.any(axis=1))

    def checked_start(self, given: Any, rows: int, name: str | None = None) -> States:
        """States to start with that a user gave, as the cell takes them; `name` is what errors call them."""
        name = name or f"{self.name}: initial_state"
        checked: States = checked_states(given, self._sizes, rows, self.dtype, name)
        return checked

    def start_of(self, rows: int, given: list[Array] | None = None) -> States | None:
        """Return the states to start with: those that are given, or carried over, or the cell's; None: zeros."""
        if given is not None:
            return self._grown_start(given, rows)
        if self._states is None:
            return None if starts_from_zeros(self.cell) else initial_states(self.cell, rows, self.dtype)
        if rows_of(self._states) != rows:
            must = f"have {rows_of(self._states)} rows, as the states that the stateful layer holds"
            cure = "; call reset_state(), of the layer or the model, or keep the batch size"
            checks.complain(ValueError, f"{self.name}: x", must, rows, cure)
        return self._states

    def _grown_start(self, given: list[Array], rows: int) -> States:
        if len(given) != len(leaves(self._sizes)):
            sizes = as_lists(self._sizes)
            must = f"have one array for each of {sizes}"
            checks.complain(ValueError, f"{self.name}: initial_state", must, len(given))
        return self.checked_start(grown(iter(given), self._sizes), rows)

    def keep_states(self, states: States) -> None:
        """Carry the last states over to the next batch, if the layer is stateful."""
        if self.stateful:
            self._states = tree_map(np.copy, states)

    @property
    def is_compiled(self) -> bool:
        """Whether this is one cell of the compiled core, whose `core_weights` there are."""
        return is_compiled(self.cell)

    @property
    def tapes(self) -> int:
        """Cells that leave a tape of the core in training: one for each of stacked ones, none if one runs in Python."""
        cells = self.cell.cells if isinstance(self.cell, StackedRNNCells) else [self.cell]
        return len(cells) if all(map(is_compiled, cells)) else 0

    def core_weights(self) -> core.Weights:
        """Return the weights of a compiled layer as the core takes them."""
        weights: core.Weights = self.cell.frozen()
        return weights

    def stream_weights(self) -> core.Weights:
        """Return the packed weights of a compiled layer, for a stream; ValueError if it reads backwards."""
        self._check_streamed()
        return self.core_weights()

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; this is for cells that are stepped in Python."""
        self._check_streamed()
        step, names, sizes = step_of_now(self.cell), state_names(self.cell), self._sizes

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty((len(x), self._output_size), self.dtype)
            memory = CellMemory(names, sizes, len(x), self.dtype)

            def run() -> None:
                output, memory.states = step(x, memory.states)
                np.copyto(y, output)

            return StepWithMemory(run, memory), y

        return stepper

    def _check_streamed(self) -> None:
        """ValueError if the layer reads backwards."""
        if self.go_backwards:
            name, cure = f"{self.name}: go_backwards", ": the last step would come first"
            checks.complain(ValueError, name, "be False for the layer to be streamed", True, cure)

    def reset_state(self) -> None:
        """Forget the states of the last batch."""
        self._states = None

    def reset_states(self, states: Any = None) -> None:
        """Let the next batch start with `states`, see the attribute of that name; None: forget those of the last."""
        self.states = states

    def get_state(self) -> State:
        """See `Layer.get_state`; the states of a stateful layer are among it."""
        return super().get_state() | ({"states": self._states} if self.stateful else {})

    def set_state(self, state: State) -> None:
        """See `Layer.set_state`."""
        if self.stateful:
            check_keys(self.name, state, self.get_state())
            self.states = state["states"]
        super().set_state({name: entry for name, entry in state.items() if name != "states"})

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("return_sequences", "return_state", "go_backwards", "stateful", "zero_output_for_mask", "unroll")
        own = {name: getattr(self, name) for name in names}
        return super().get_config() | own | {"cell": describe_layer(self.cell)}
