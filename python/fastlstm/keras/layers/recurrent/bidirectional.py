"""Two recurrent layers, one for each direction."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastlstm import _core, checks

from ...foundation.arrays import Array, Shape, shape_text
from ..base import Layer, describe_layer
from ..wrapper import Wrapper
from .cell import scan_together
from .rnn import RNN

MERGE_MODES = ("concat", "sum", "mul", "ave", None)


class Bidirectional(Wrapper):
    """Read the steps forwards with one layer and backwards with another.

    Parameters
    ----------
    layer
        A recurrent layer. Both directions are made afresh with its settings; its weights are not used.
    merge_mode
        How the outputs are combined: ``"concat"``, ``"sum"``, ``"mul"``, ``"ave"``, or None: a list of both.
    weights
        What the weights start as, those of the forward layer first, as `get_weights` gives them.
    backward_layer
        The layer that reads backwards, itself; by default one like `layer`, the other way round.
    **kwargs
        Those of `Layer`.

    Notes
    -----
    The weights are those of the forward layer, then those of the backward layer; states, too. With
    ``return_sequences`` the output at steps a mask leaves out is zero.
    """

    ndim = 3
    mask_ndim = 2
    inner_names = ("layer", "backward_layer")

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
            raise TypeError(f"Bidirectional: weights must be a list of arrays, got {type(weights).__name__}")
        for name, given in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(given, RNN) and (given is not None or name == "layer"):
                checks.refuse(TypeError, f"Bidirectional: {name}", "a recurrent layer such as LSTM", given)
        super().__init__(_directions(layer, backward_layer), **kwargs)
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

    @property
    def penalizes_output(self) -> bool:
        """Whether there is a penalty on the output, or on that of a layer inside."""
        return super().penalizes_output or any(layer.penalizes_output for layer in self._inner)

    def _axes_text(self) -> str:
        return " (batch, time, features)"

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Shape of the merged outputs; two shapes if they are not merged."""
        input_shape = self._checked_shape(input_shape)
        shape = self.forward_layer.compute_output_shape(input_shape)
        other = self.backward_layer.compute_output_shape(input_shape)
        if self.merge_mode is None:
            return [shape, other]
        if self.merge_mode == "concat":
            return (*shape[:-1], self.forward_layer.output_size + self.backward_layer.output_size)
        if shape != other:
            raise ValueError(
                f"{self.name}: merge_mode={self.merge_mode!r} needs outputs of one shape, got {shape_text(shape)} and "
                f"{shape_text(other)}; use 'concat'"
            )
        return shape

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask of the input if there is an output at every step."""
        return mask if self.return_sequences else None

    def forward(self, x: Array, *, training: bool = False, mask: Array | None = None, initial_state: Any = None) -> Any:
        """Return the output for `x`; a list, if there are several outputs or states."""
        return self._forward(x, training, mask, initial_state)[0]

    def penalized_forward(self, x: Array, **options: Any) -> tuple[Any, float]:
        """See `Layer.penalized_forward`; the layers inside have penalties of their own."""
        return self._forward(x, **options)

    def _forward(
        self, x: Array, training: bool = False, mask: Array | None = None, initial_state: Any = None
    ) -> tuple[Any, float]:
        given = self._halves(initial_state)
        whole, *outs = self._joint_output(x)
        run = self._run_together if self._is_one_core_call(training) else self._run_in_turn
        (y, *states), (y_rev, *more) = run(x, given, outs, training, mask)
        merged = self._merge(y, self._flip(y_rev)) if whole is None else whole
        penalty = self.forward_layer._penalty(y) + self.backward_layer._penalty(y_rev)
        if self.return_state:
            merged = [*(merged if self.merge_mode is None else [merged]), *states, *more]
        return merged, penalty + self._penalty(merged)

    def _is_one_core_call(self, training: bool) -> bool:
        plain = all(layer._compiled and type(layer).forward is RNN.forward for layer in self._both)
        dropped = plain and training and any(layer.cell.drops for layer in self._both)
        return plain and not dropped and self.backward_layer.go_backwards

    def _run_in_turn(
        self, x: Array, given: tuple[Any, Any], outs: list[Array | None], training: bool, mask: Array | None
    ) -> list[list[Array]]:
        """Return output and final states of each direction, the outputs in the order of reading."""
        results = []
        for layer, start, out in zip(self._both, given, outs, strict=True):
            result = layer.forward(x, training=training, mask=mask, initial_state=start, out=out)
            results.append(result if self.return_state else [result])
        return results

    def _run_together(
        self, x: Array, given: tuple[Any, Any], outs: list[Array | None], training: bool, mask: Array | None
    ) -> list[list[Array]]:
        """As `_run_in_turn`; the core runs the directions at the same time if that is faster."""
        layers = self._both
        starts = [layer._start(x, start) for layer, start in zip(layers, given, strict=True)]
        valid = self.forward_layer._valid_steps(mask)
        ys = [layer._output_array(x, out) for layer, out in zip(layers, outs, strict=True)]
        steps = [None if y is None else y.transpose(1, 0, 2) for y in ys]
        if steps[1] is not None:
            steps[1] = steps[1][::-1]  # from the order of reading to that of time
        core_mask = None if valid is None else valid.T
        cells = [layer.cell for layer in layers]
        final = scan_together(cells, x.transpose(1, 0, 2), starts, steps, core_mask)
        results = []
        for layer, y, states in zip(layers, ys, final, strict=True):
            layer._keep(states)
            results.append([layer._output(states[0], y, valid), *states])
        return results

    def _halves(self, initial_state: Any) -> tuple[Any, Any]:
        if initial_state is None:
            return None, None
        wanted = 2 * len(self.forward_layer.state_size)
        if not isinstance(initial_state, list | tuple) or len(initial_state) != wanted:
            got = len(initial_state) if isinstance(initial_state, list | tuple) else type(initial_state).__name__
            raise ValueError(f"{self.name}: initial_state must be a list of {wanted} arrays, got {got}")
        return initial_state[: wanted // 2], initial_state[wanted // 2 :]

    def vjp(
        self,
        x: Array,
        *,
        training: bool = True,
        mask: Array | None = None,
        need_dx: bool = True,
        logits: bool = False,
    ) -> tuple[Any, Any]:
        """See `Layer.vjp`; without merging, the output and its gradient are lists of two arrays."""
        options: dict[str, Any] = {"training": training, "mask": mask, "need_dx": need_dx}
        return self._vjp(x, lambda layer, **more: (*layer.vjp(x, **options, **more), 0.0))[:2]

    def penalized_vjp(self, x: Array, *, logits: bool = False, **options: Any) -> tuple[Any, Any, float]:
        """See `Layer.penalized_vjp`; the layers inside have penalties of their own."""
        y, pullback, penalty = self._vjp(x, lambda layer, **more: layer.penalized_vjp(x, **options, **more))
        return y, self._penalized_pullback(y, pullback), penalty + self._penalty(y)

    def _vjp(self, x: Array, run: Callable[..., Any]) -> tuple[Any, Any, float]:
        """Output, pullback and penalty, from those that `run` gives for each direction."""
        whole, out, out_rev = self._joint_output(x)
        y, pullback, penalty = run(self.forward_layer, out=out)
        y_rev, pullback_rev, penalty_rev = run(self.backward_layer, out=out_rev)
        y_rev = self._flip(y_rev)

        def both(dy: Any) -> tuple[Array | None, list[Array]]:
            d, d_rev = self._merge_adjoint(dy, y, y_rev)
            dx, gradients = pullback(d)
            dx_rev, gradients_rev = pullback_rev(self._flip(d_rev))
            if dx is not None:
                dx += dx_rev
            return dx, gradients + gradients_rev

        return self._merge(y, y_rev) if whole is None else whole, both, penalty + penalty_rev

    def _joint_output(self, x: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Return an array for both outputs side by side, and what each direction writes of it; None: merge later."""
        if self.merge_mode != "concat" or not self.return_sequences:
            return None, None, None
        size = self.forward_layer.output_size
        whole = _core.empty((*x.shape[:2], size + self.backward_layer.output_size), self.dtype)
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


def _directions(layer: RNN, backward_layer: RNN | None) -> list[Layer]:
    config = layer.get_config()
    forward = config | {"name": f"forward_{layer.name.removeprefix('forward_')}"}
    if backward_layer is not None:
        return [type(layer).from_config(forward), backward_layer]
    backward = config | {"name": f"backward_{layer.name.removeprefix('backward_')}", "go_backwards": True}
    return [type(layer).from_config(forward), type(layer).from_config(backward)]


def _check_directions(forward: RNN, backward: RNN) -> None:
    if forward.go_backwards == backward.go_backwards:
        raise ValueError(
            f"Bidirectional: {forward.name} and {backward.name} both have go_backwards={forward.go_backwards}; "
            "one must read forwards and one backwards"
        )
    for name in ("return_sequences", "return_state", "stateful"):
        if getattr(forward, name) != getattr(backward, name):
            raise ValueError(
                f"Bidirectional: {forward.name} has {name}={getattr(forward, name)}, but {backward.name} has "
                f"{getattr(backward, name)}; both must have the same"
            )
