"""Layers around other layers: TimeDistributed and Bidirectional."""

from typing import Any

import numpy as np

from fastlstm import _core

from ..arrays import Array, Shape, shape_text
from ..lookup import describe
from ..variable import Variable
from .base import Layer, Pullback, Stepper
from .core import Activation, Dense, Dropout, Flatten
from .embedding import Embedding
from .gru import GRU
from .masking import Masking
from .recurrent import LSTM, Recurrent, SimpleRNN

MERGE_MODES = ("concat", "sum", "mul", "ave", None)


class Wrapper(Layer):
    """What layers around other layers share: the weights are those of the inner layers, in order."""

    def __init__(self, inner: list[Layer], **kwargs: Any) -> None:
        self._inner: list[Layer] = []
        dtype = inner[0].dtype
        super().__init__(**({"dtype": dtype} | kwargs))
        if self.dtype != dtype or any(layer.dtype != dtype for layer in inner):
            found = ", ".join(f"{layer.name} has {layer.dtype}" for layer in inner)
            raise ValueError(f"{self.name}: dtype {self.dtype} must be that of the layers inside: {found}")
        self._inner = inner
        if not self.trainable:
            self.trainable = False

    @property
    def trainable(self) -> bool:
        """Whether `fit` changes the weights; setting it sets that of the inner layers too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._inner:
            layer.trainable = self._trainable

    def _inner_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def _create_weights(self, input_shape: Shape) -> None:
        for layer in self._inner:
            layer.build(self._inner_shape(input_shape))
            for variable in layer.weights:
                variable.path = f"{self.name}/{variable.path}"
        self.weights = [variable for layer in self._inner for variable in layer.weights]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that `fit` changes."""
        return [variable for layer in self._inner for variable in layer.trainable_variables] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The other weights."""
        trained = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in self.weights if id(variable) not in trained]

    trainable_weights = trainable_variables
    non_trainable_weights = non_trainable_variables

    def reset_state(self) -> None:
        """Forget the states that the inner layers carry from batch to batch."""
        for layer in self._inner:
            if hasattr(layer, "reset_state"):
                layer.reset_state()

    reset_states = reset_state

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """Return a layer with the settings of `config`, without weights."""
        inner = ("layer", "backward_layer")
        return cls(**{name: _find_layer(value) if name in inner else value for name, value in config.items()})


class TimeDistributed(Wrapper):
    """Apply a layer to every time step by itself.

    Parameters
    ----------
    layer
        The layer. Its input has the axes of this layer's input without the second one, time.
    **kwargs
        Those of `Layer`.
    """

    min_ndim = 3

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        _check_layer("TimeDistributed", layer)
        if getattr(layer, "stateful", False):
            raise ValueError(f"TimeDistributed: {layer.name} is stateful, but the steps have no common states")
        super().__init__([layer], **kwargs)
        self.logits_activation = layer.logits_activation

    @property
    def layer(self) -> Layer:
        """The layer inside."""
        return self._inner[0]

    def as_input(self, x: Any, name: str, wanted: str = "an array of numbers") -> Array:
        """`x` in the form that the layer inside takes."""
        return self.layer.as_input(x, name, wanted)

    def _inner_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *input_shape[2:])

    def _axes_text(self) -> str:
        return " (batch, time, ...)"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the inner output, with time as second axis."""
        rows, *rest = self.layer.compute_output_shape(self._inner_shape(input_shape))
        return (rows, input_shape[1], *rest)

    def forward(self, x: Array, *, training: bool = False, mask: Array | None = None) -> Array:
        """Compute the output; see `Layer.forward`."""
        return self._split(self.layer.forward(_merged(x), training=training), x)

    def vjp(
        self,
        x: Array,
        *,
        training: bool = True,
        mask: Array | None = None,
        need_dx: bool = True,
        logits: bool = False,
    ) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        y, inner = self.layer.vjp(_merged(x), training=training, need_dx=need_dx, logits=logits)

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            dx, gradients = inner(_merged(dy))
            return None if dx is None else dx.reshape(x.shape), gradients

        return self._split(y, x), pullback

    def step_function(self) -> Stepper:
        """See `Layer.step_function`."""
        if isinstance(self.layer, Recurrent):
            return super().step_function()
        return self.layer.step_function()

    def _split(self, y: Array, x: Array) -> Array:
        return y.reshape(*x.shape[:2], *y.shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"layer": describe(self.layer)}


def _merged(x: Array) -> Array:
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])


class Bidirectional(Wrapper):
    """Read the steps forwards with one layer and backwards with another.

    Parameters
    ----------
    layer
        A recurrent layer. Both directions are made afresh with its settings; its weights are not used.
    merge_mode
        How the outputs are combined: ``"concat"``, ``"sum"``, ``"mul"``, ``"ave"``, or None: a list of both.
    weights
        Not supported; use `set_weights`.
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

    def __init__(
        self,
        layer: Recurrent,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Recurrent | None = None,
        **kwargs: Any,
    ) -> None:
        if merge_mode not in MERGE_MODES:
            valid = ", ".join(map(repr, MERGE_MODES))
            raise ValueError(f"Bidirectional: merge_mode must be one of {valid}, got {merge_mode!r}")
        if weights is not None:
            raise NotImplementedError("Bidirectional: weights is not supported; use set_weights() once it is built")
        for given in (layer, *([] if backward_layer is None else [backward_layer])):
            _check_layer("Bidirectional", given)
            if not isinstance(given, Recurrent):
                raise TypeError(f"Bidirectional: wanted a recurrent layer such as LSTM, got {given!r}")
        super().__init__(_directions(layer, backward_layer), **kwargs)
        self.merge_mode = merge_mode
        _check_directions(self.forward_layer, self.backward_layer)
        for direction in self._both:
            direction.zero_output_for_mask = direction.return_sequences

    @property
    def forward_layer(self) -> Recurrent:
        """The layer that reads forwards."""
        return self._inner[0]  # type: ignore[return-value]

    @property
    def backward_layer(self) -> Recurrent:
        """The layer that reads backwards."""
        return self._inner[1]  # type: ignore[return-value]

    @property
    def _both(self) -> tuple[Recurrent, Recurrent]:
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

    def _axes_text(self) -> str:
        return " (batch, time, features)"

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Shape of the merged outputs; two shapes if they are not merged."""
        shape = self.forward_layer.compute_output_shape(input_shape)
        other = self.backward_layer.compute_output_shape(input_shape)
        if self.merge_mode is None:
            return [shape, other]
        if self.merge_mode == "concat":
            return (*shape[:-1], self.forward_layer.units + self.backward_layer.units)
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
        given = self._halves(initial_state)
        whole, *outs = self._joint_output(x)
        run = self._run_together if self._is_one_core_call(training) else self._run_in_turn
        (y, *states), (y_rev, *more) = run(x, given, outs, training, mask)
        merged = self._merge(y, self._flip(y_rev)) if whole is None else whole
        if not self.return_state:
            return merged
        return [*(merged if self.merge_mode is None else [merged]), *states, *more]

    def _is_one_core_call(self, training: bool) -> bool:
        dropped = training and any(layer.dropout for layer in self._both)
        plain = all(type(layer).forward is Recurrent.forward for layer in self._both)
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
        weights = [layer.frozen() for layer in layers]
        core_mask = None if valid is None else valid.T
        final = _core.forward_stack(weights, x.transpose(1, 0, 2), starts, steps, mask=core_mask)
        results = []
        for layer, y, (h, c) in zip(layers, ys, final, strict=True):
            states = layer._keep(h, c)
            results.append([layer._output(h, y, valid), *states])
        return results

    def _halves(self, initial_state: Any) -> tuple[Any, Any]:
        if initial_state is None:
            return None, None
        wanted = 2 * len(self.forward_layer.state_names)
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
        whole, out, out_rev = self._joint_output(x)
        options: dict[str, Any] = {"training": training, "mask": mask, "need_dx": need_dx}
        y, pullback = self.forward_layer.vjp(x, out=out, **options)
        y_rev, pullback_rev = self.backward_layer.vjp(x, out=out_rev, **options)
        y_rev = self._flip(y_rev)

        def both(dy: Any) -> tuple[Array | None, list[Array]]:
            d, d_rev = self._merge_adjoint(dy, y, y_rev)
            dx, gradients = pullback(d)
            dx_rev, gradients_rev = pullback_rev(self._flip(d_rev))
            if dx is not None:
                dx += dx_rev
            return dx, gradients + gradients_rev

        return self._merge(y, y_rev) if whole is None else whole, both

    def _joint_output(self, x: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Return an array for both outputs side by side, and what each direction writes of it; None: merge later."""
        if self.merge_mode != "concat" or not self.return_sequences:
            return None, None, None
        units = self.forward_layer.units
        whole = np.empty((*x.shape[:2], units + self.backward_layer.units), self.dtype)
        return whole, whole[..., :units], whole[:, ::-1, units:]

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
        own = {"layer": describe(self.forward_layer), "backward_layer": describe(self.backward_layer)}
        return super().get_config() | own | {"merge_mode": self.merge_mode}


def _directions(layer: Recurrent, backward_layer: Recurrent | None) -> list[Layer]:
    config = layer.get_config()
    forward = config | {"name": f"forward_{layer.name.removeprefix('forward_')}"}
    if backward_layer is not None:
        return [type(layer).from_config(forward), backward_layer]
    backward = config | {"name": f"backward_{layer.name.removeprefix('backward_')}", "go_backwards": True}
    return [type(layer).from_config(forward), type(layer).from_config(backward)]


def _check_directions(forward: Recurrent, backward: Recurrent) -> None:
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


def _check_layer(wrapper: str, layer: Any) -> None:
    if not isinstance(layer, Layer):
        raise TypeError(f"{wrapper}: wanted a keras.layers.Layer instance, got {layer!r} ({type(layer).__name__})")


_SIMPLE = (Activation, Dense, Dropout, Embedding, Flatten, Masking)
_KNOWN: dict[str, type[Layer]] = {
    cls.__name__: cls for cls in (*_SIMPLE, GRU, LSTM, SimpleRNN, Bidirectional, TimeDistributed)
}


def _find_layer(identifier: Any) -> Any:
    """Return the layer that a description stands for; a layer stands for itself."""
    if not isinstance(identifier, dict):
        return identifier
    name = identifier.get("class_name")
    if name not in _KNOWN:
        raise ValueError(f"layer: {name!r} is not known; valid names: {', '.join(_KNOWN)}")
    return _KNOWN[name].from_config(identifier["config"])
