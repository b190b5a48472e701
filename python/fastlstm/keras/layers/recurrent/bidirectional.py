"""Two recurrent layers, one for each direction."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from ...foundation import core
from ...foundation.arrays import Array, Shape, shape_text
from ...foundation.eager import as_eager
from ...foundation.trees import leaves
from ..base import Layer
from ..call import INFERENCE, TRAINING, Call, Pullback, several
from ..configs import copy_of, describe_layer
from ..wrapper import Wrapper
from .rnn import RNN

MERGE_MODES = ("concat", "sum", "mul", "ave", None)


class Bidirectional(Wrapper):
    """Read the steps forwards with one layer and backwards with another.

    Parameters
    ----------
    layer : RNN
        A recurrent layer. Both directions are made afresh with its settings; its weights are not used.
    merge_mode : str, optional
        How the outputs are combined: ``"concat"``, ``"sum"``, ``"mul"``, ``"ave"``, or None: a list of both.
    weights : array_like or list of array_like
        What the weights start as, those of the forward layer first, as `get_weights` gives them.
    backward_layer : RNN, optional
        The layer that reads backwards, itself; by default one like `layer`, the other way round.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `merge_mode` is unknown, or inputs have another shape.
    TypeError
        If an argument has another type.

    Notes
    -----
    The weights are those of the forward layer, then those of the backward layer; states, too. With
    ``return_sequences`` the output at steps a mask leaves out is zero.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layer = layers.Bidirectional(layers.LSTM(4))
    >>> layer(np.zeros((2, 5, 3))).shape  # forwards and backwards, side by side
    (2, 8)
    >>> layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode="sum")(np.zeros((2, 5, 3))).shape
    (2, 5, 4)
    """

    told_of_mask = True
    ndim = 3
    mask_ndim = 2
    no_stream = "one of its layers reads the last step first"
    takes_several = True
    call_arguments = ("x", "initial_state", "mask", "training")
    inner_names = ("layer", "backward_layer")
    keras_call: ClassVar[Mapping[str, Any]] = {"mask": None}

    def __init__(
        self,
        layer: RNN,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: RNN | None = None,
        **kwargs: Any,
    ) -> None:
        checks.one_of("Bidirectional: merge_mode", merge_mode, MERGE_MODES)
        if weights is not None and not isinstance(weights, list | tuple):
            checks.refuse(TypeError, "Bidirectional: weights", "a list of arrays", weights)
        for name, given in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(given, RNN) and (given is not None or name == "layer"):
                checks.refuse(TypeError, f"Bidirectional: {name}", "a recurrent layer such as LSTM", given)
        super().__init__(_directions(layer, backward_layer), **kwargs)
        self.ndim = self.forward_layer.ndim
        self.merge_mode = merge_mode
        self._first_weights = None if weights is None else list(weights)
        _check_directions(self.forward_layer, self.backward_layer)
        for direction in self._both:
            direction.zero_output_for_mask = direction.return_sequences

    def _create_weights(self, input_shape: Shape) -> None:
        super()._create_weights(input_shape)
        if self._first_weights is not None:
            self.set_weights(self._first_weights)
            self._first_weights = None

    @property
    def forward_layer(self) -> RNN:
        """The layer that reads forwards."""
        return self._inner[0]  # type: ignore[return-value]

    @property
    def backward_layer(self) -> RNN:
        """The layer that reads backwards."""
        return self._inner[1]  # type: ignore[return-value]

    @property
    def _both(self) -> tuple[RNN, RNN]:
        return self.forward_layer, self.backward_layer

    def named_parts(self) -> list[tuple[str, Any]]:
        """See `Layer.named_parts`."""
        return [("backward_layer", self.backward_layer), ("forward_layer", self.forward_layer)]

    @property
    def return_sequences(self) -> bool:
        """Whether the output is that of every step."""
        return self.forward_layer.return_sequences

    @property
    def return_state(self) -> bool:
        """Whether a call on arrays also gives the final states."""
        return self.forward_layer.return_state

    @property
    def stateful(self) -> bool:
        """Whether every batch starts with the final states of the one before."""
        return self.forward_layer.stateful

    @property
    def states(self) -> Any:
        """The states carried over, those of the forward layer first; None: there are none."""
        forward, backward = self.forward_layer.states, self.backward_layer.states
        return None if forward is None or backward is None else (*forward, *backward)

    @states.setter
    def states(self, given: Any) -> None:
        halves = (None, None) if given is None else self._halves(given)
        for layer, half in zip(self._both, halves, strict=True):
            layer.states = half

    def reset_states(self, states: Any = None) -> None:
        """See `RNN.reset_states`."""
        self.states = states

    @property
    def penalizes_output(self) -> bool:
        """Whether there is a penalty on the output, or on that of a layer inside."""
        return super().penalizes_output or any(layer.penalizes_output for layer in self._inner)

    def _axes_text(self) -> str:
        return self.forward_layer._axes_text()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the merged outputs; a list if they are not merged, or with `return_state`."""
        shapes = several(input_shape)
        self._checked_shape(shapes[0])
        found = [
            layer.compute_output_shape([shapes[0], *half] if half else shapes[0])
            for layer, half in zip(self._both, self._halves(shapes[1:] or None), strict=True)
        ]
        return self._merged_parts(found[0], found[1], self._merged_shape)

    def _merged_parts(self, part: Any, part_rev: Any, merge: Callable[[Any, Any], Any] | None = None) -> Any:
        """Return what this layer gives, of shapes or masks that its directions give."""
        (y, *states), (y_rev, *more) = (part, part_rev) if self.return_state else ([part], [part_rev])
        if self.merge_mode is None:
            return self._with_states([y, y_rev], [*states, *more])
        return self._with_states(y if merge is None else merge(y, y_rev), [*states, *more])

    def _merged_shape(self, shape: Shape, other: Shape) -> Shape:
        if self.merge_mode == "concat":
            return (*shape[:-1], shape[-1] + other[-1])  # type: ignore[operator]
        if shape != other:
            must, got = (
                f"have one shape for merge_mode={self.merge_mode!r}",
                f"{shape_text(shape)} and {shape_text(other)}",
            )
            checks.complain(ValueError, f"{self.name}: the outputs", must, got, "; use 'concat'")
        return shape

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask of the input for an output at every step; states have none."""
        return self._merged_parts(self.forward_layer.compute_mask(x, mask), self.backward_layer.compute_mask(x, mask))

    def _on_arrays(self, x: Any, training: bool = False, mask: Any = None, initial_state: Any = None) -> Any:
        if initial_state is None:
            return super()._on_arrays(x, training, mask)
        x, of_x = self._with_mask(x, mask)
        given = zip(self._both, self._halves(initial_state), strict=True)
        states = [layer.checked_start(half, len(x)) for layer, half in given]
        told = None if mask is None else of_x  # see `sees_mask_of`
        y = self.forward([x, *leaves(states)], Call(self._drops(training), told))
        return as_eager(y, self.compute_mask(x, of_x))

    def forward(self, x: Any, call: Call = INFERENCE) -> Any:
        """Return the output for `x`; a list, if there are several outputs or states."""
        return self._forward(x, call)[0]

    def penalized_forward(self, x: Any, call: Call = INFERENCE) -> tuple[Any, float]:
        """See `Layer.penalized_forward`; the layers inside have penalties of their own."""
        return self._forward(x, call)

    def _forward(self, x: Any, call: Call) -> tuple[Any, float]:
        inputs = self._inputs_of_both(x)
        whole, *outs = self._joint_output(x)
        run = self._run_together if self._is_one_core_call(call.training) else self._run_in_turn
        (y, *states), (y_rev, *more) = run(inputs, outs, call)
        merged = self._merge(y, self._flip(y_rev)) if whole is None else whole
        penalty = self.forward_layer.output_penalty(y) + self.backward_layer.output_penalty(y_rev)
        given = self._with_states(merged, [*states, *more])
        return given, penalty + self.output_penalty(given)

    def _with_states(self, merged: Any, states: list[Any]) -> Any:
        """Return what this layer gives: the outputs and, with `return_state`, the states behind them."""
        if not self.return_state:
            return merged
        return [*(merged if self.merge_mode is None else [merged]), *states]

    def sees_mask_of(self, x: Any) -> bool:
        """See `RNN.sees_mask_of`."""
        return not isinstance(x, list)

    def _inputs_of_both(self, x: Any) -> list[Any]:
        """Return what each direction takes: the inputs or, where states are given, a list of them and its states."""
        if not isinstance(x, list):
            return [x, x]
        inputs, *given = x
        return [[inputs, *half] for half in self._halves(given)]

    def _is_one_core_call(self, training: bool) -> bool:
        plain = all(layer.is_compiled and type(layer).forward is RNN.forward for layer in self._both)
        dropped = plain and training and any(layer.cell.drops for layer in self._both)
        return plain and not dropped and self.backward_layer.go_backwards

    def _run_in_turn(self, inputs: list[Any], outs: list[Array | None], call: Call) -> list[list[Array]]:
        """Return output and final states of each direction, the outputs in the order of reading."""
        triples = zip(self._both, inputs, outs, strict=True)
        return [self._as_list(layer.forward(x, call, out)) for layer, x, out in triples]

    def _run_together(self, inputs: list[Any], outs: list[Array | None], call: Call) -> list[list[Array]]:
        """As `_run_in_turn`; the core runs the directions at the same time if that is faster."""
        triples = zip(self._both, inputs, outs, strict=True)
        reading, other = readings = [layer.reading_of(x, call.mask, out) for layer, x, out in triples]
        y_rev = None if other.y is None else other.y[::-1]  # from the order of reading to that of time
        weights, starts = [layer.core_weights() for layer in self._both], [reading.start, other.start]
        final = core.forward_together(weights, reading.x, starts, [reading.y, y_rev], reading.mask)
        found = zip(self._both, readings, final, strict=True)
        return [self._as_list(layer.result_of(own, states[0], states)) for layer, own, states in found]

    def _as_list(self, result: Any) -> list[Array]:
        """Return what a direction gives as a list of output and states."""
        return result if self.return_state else [result]

    def _halves(self, initial_state: Any) -> tuple[Any, Any]:
        if initial_state is None:
            return None, None
        wanted = 2 * len(self.forward_layer.state_size)
        if not isinstance(initial_state, list | tuple) or len(initial_state) != wanted:
            checks.refuse_count(f"{self.name}: initial_state", f"a list of {wanted} arrays", initial_state)
        return initial_state[: wanted // 2], initial_state[wanted // 2 :]

    def vjp(self, x: Any, call: Call = TRAINING) -> tuple[Any, Any]:
        """See `Layer.vjp`; without merging, the output and its gradient are lists of two arrays."""
        return self._vjp(x, lambda layer, inputs, out: (*layer.vjp(inputs, call, out), 0.0))[:2]

    def penalized_vjp(self, x: Any, call: Call = TRAINING) -> tuple[Any, Any, float]:
        """See `Layer.penalized_vjp`; the layers inside have penalties of their own."""

        def run(layer: RNN, inputs: Any, out: Array | None) -> tuple[Any, Pullback, float]:
            y, pullback = layer.vjp(inputs, call, out)
            return y, layer.penalized_pullback(y, pullback), layer.output_penalty(y)

        y, pullback, penalty = self._vjp(x, run)
        return y, self.penalized_pullback(y, pullback), penalty + self.output_penalty(y)

    def _vjp(self, x: Any, run: Callable[..., Any]) -> tuple[Any, Any, float]:
        """Output, pullback and penalty, from those that `run` gives for each direction."""
        inputs, inputs_rev = self._inputs_of_both(x)
        whole, out, out_rev = self._joint_output(x)
        found, pullback, penalty = run(self.forward_layer, inputs, out)
        found_rev, pullback_rev, penalty_rev = run(self.backward_layer, inputs_rev, out_rev)
        (y, *states), (y_rev, *more) = (found, found_rev) if self.return_state else ([found], [found_rev])
        y_rev = self._flip(y_rev)

        def both(dy: Any) -> tuple[Any, list[Array]]:
            d, d_rev = self._slopes_of_both(dy, y, y_rev)
            dx, gradients = pullback(d)
            dx_rev, gradients_rev = pullback_rev(d_rev)
            return _joined_slopes(dx, dx_rev), gradients + gradients_rev

        merged = self._merge(y, y_rev) if whole is None else whole
        return self._with_states(merged, [*states, *more]), both, penalty + penalty_rev

    def _slopes_of_both(self, dy: Any, y: Array, y_rev: Array) -> tuple[Any, Any]:
        """Return what the pullback of each direction takes, from the gradient of what this layer gives."""
        outputs, states = (dy, []) if not self.return_state else self._outputs_and_states(dy)
        d, d_rev = (None, None) if outputs is None else self._merge_adjoint(outputs, y, y_rev)
        d_rev = None if d_rev is None else self._flip(d_rev)
        if not self.return_state:
            return d, d_rev
        half = len(states) // 2
        return [d, *states[:half]], [d_rev, *states[half:]]

    def _outputs_and_states(self, parts: list[Any]) -> tuple[Any, list[Any]]:
        """Part what this layer gives with `return_state`."""
        return (parts[:2], parts[2:]) if self.merge_mode is None else (parts[0], parts[1:])

    def _joint_output(self, x: Any) -> tuple[Array | None, Array | None, Array | None]:
        """Return an array for both outputs side by side, and what each direction writes of it; None: merge later."""
        x = x[0] if isinstance(x, list) else x
        if self.merge_mode != "concat" or not self.return_sequences or x.ndim != 3:
            return None, None, None
        size = self.forward_layer.output_size
        whole = core.empty((*x.shape[:2], size + self.backward_layer.output_size), self.dtype)
        return whole, whole[..., :size], whole[:, ::-1, size:]

    def _flip(self, y: Array) -> Array:
        return y[:, ::-1] if self.return_sequences else y

    def _merge(self, y: Array, y_rev: Array) -> Any:
        if self.merge_mode == "concat":
            return np.concatenate([y, y_rev], axis=-1)
        if self.merge_mode == "mul":
            return y * y_rev
        if self.merge_mode is None:
            return [y, y_rev]
        return y + y_rev if self.merge_mode == "sum" else (y + y_rev) / 2

    def _merge_adjoint(self, dy: Any, y: Array, y_rev: Array) -> tuple[Array, Array]:
        if self.merge_mode == "concat":
            return dy[..., : y.shape[-1]], dy[..., y.shape[-1] :]
        if self.merge_mode == "mul":
            return dy * y_rev, dy * y
        if self.merge_mode is None:
            return dy[0], dy[1]
        return (dy, dy) if self.merge_mode == "sum" else (dy / 2, dy / 2)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"layer": describe_layer(self.forward_layer), "backward_layer": describe_layer(self.backward_layer)}
        return super().get_config() | own | {"merge_mode": self.merge_mode}


def _joined_slopes(dx: Any, dx_rev: Any) -> Any:
    """Gradients of what the layer takes: the inputs of both directions are the same, the states apart."""
    if isinstance(dx, list):
        return [_joined_slopes(dx[0], dx_rev[0]), *dx[1:], *dx_rev[1:]]
    if dx is not None:
        dx += dx_rev
    return dx


def _directions(layer: RNN, backward_layer: RNN | None) -> list[Layer]:
    forward = copy_of(layer, name=f"forward_{layer.name.removeprefix('forward_')}")
    if backward_layer is not None:
        return [forward, backward_layer]
    return [forward, copy_of(layer, name=f"backward_{layer.name.removeprefix('backward_')}", go_backwards=True)]


def _check_directions(forward: RNN, backward: RNN) -> None:
    if forward.go_backwards == backward.go_backwards:
        must = f"have another go_backwards than the layer {forward.name}"
        checks.complain(ValueError, f"Bidirectional: backward_layer {backward.name}", must, backward.go_backwards)
    for name in ("return_sequences", "return_state", "stateful"):
        if getattr(forward, name) != getattr(backward, name):
            must = f"have {name}={getattr(forward, name)} as the layer {forward.name}"
            checks.complain(ValueError, f"Bidirectional: backward_layer {backward.name}", must, getattr(backward, name))
