"""What recurrent layers share, LSTM and SimpleRNN, over the compiled core."""

from typing import Any

import numpy as np

from fastlstm import _core

from .. import activations
from ..arrays import Array, Shape, as_array
from ..initializers import Initializer
from ..lookup import snake_case
from ..random import draw_seed
from ..variable import Variable
from .base import Layer, Pullback, fraction, positive_int, refuse
from .core import dropout_mask
from .masks import keep_rows, repeat_last, repeat_last_adjoint

States = tuple[Array, ...]
WEIGHTS = ("kernel", "recurrent", "bias")


class Recurrent(Layer):
    """What all recurrent layers share: arguments, weights, states and the calls into the core.

    Parameters
    ----------
    units
        Hidden size H.
    use_bias
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer
        Of the weights ``kernel (I, G*H)``, ``recurrent_kernel (H, G*H)`` and ``bias (G*H,)``.
    kernel_regularizer, recurrent_regularizer, bias_regularizer
        Names or regularizers: penalties added to the loss.
    kernel_constraint, recurrent_constraint, bias_constraint
        Names or constraints, applied after every step of training.
    dropout
        Fraction of the inputs dropped while training, the same ones at every step.
    recurrent_dropout
        Not supported; any but 0 raises NotImplementedError.
    return_sequences
        Whether the output is that of every step, ``(N, T, H)``, or of the last one, ``(N, H)``.
    return_state
        Whether a call on arrays also gives the final states.
    go_backwards
        Read the steps from the last to the first; the output stays in the order of reading.
    stateful
        Start every batch with the final states of the one before, row by row, until `reset_state`. That goes on from
        `fit` to `evaluate` and `predict`. Batches must have the same number of rows until then; no fixed batch size
        needs to be declared.
    seed
        Seed of the dropout.
    zero_output_for_mask
        What the output is at steps a mask leaves out: zero, or (default) that of the last valid step before them, zero
        if there was none.
    unroll, implementation, use_cudnn
        Ways of computing; accepted and ignored.
    **kwargs
        Those of `Layer`.
    """

    ndim = 3
    mask_ndim = 2
    gates = 1
    state_names: tuple[str, ...] = ("h",)

    def __init__(
        self,
        units: int,
        *,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        dropout: float,
        recurrent_dropout: float,
        return_sequences: bool,
        return_state: bool,
        go_backwards: bool,
        stateful: bool,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        for ignored in ("unroll", "implementation", "use_cudnn", "time_major"):
            if kwargs.pop(ignored, None) and ignored == "time_major":
                raise NotImplementedError(f"{type(self).__name__}: {ignored}=True is not supported, leave it out")
        self.zero_output_for_mask = bool(kwargs.pop("zero_output_for_mask", False))
        roles = [f"{weight}_{option}" for option in ("regularizer", "constraint") for weight in WEIGHTS]
        options = {name: kwargs.pop(name, None) for name in roles}
        super().__init__(**kwargs)
        refuse(self.name, {"recurrent_dropout": recurrent_dropout}, "use dropout, or a Dropout layer")
        self.units = positive_int(self.name, "units", units)
        self.use_bias = bool(use_bias)
        self._set_options(
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            **options,
        )
        self.dropout = fraction(self.name, "dropout", dropout)
        self.return_sequences, self.return_state = bool(return_sequences), bool(return_state)
        self.go_backwards, self.stateful = bool(go_backwards), bool(stateful)
        self.seed = seed
        self._dropout_generator = np.random.default_rng(draw_seed() if seed is None else seed)
        self.states: States | None = None

    bias_initializer: Initializer
    kernel: Variable
    recurrent_kernel: Variable
    bias: Variable | None

    @property
    def cell_name(self) -> str:
        """Name of the core's cell."""
        raise NotImplementedError

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """``(G*H,)``."""
        return (self.gates * self.units,)

    @property
    def weight_prefix(self) -> str:
        """Keras keeps the weights in a cell inside the layer, and so do the paths here."""
        return f"{self.name}/{snake_case(type(self).__name__)}_cell"

    def _axes_text(self) -> str:
        return " (batch, time, features)"

    def _shape_from_features(self, features: int, length: int | None) -> Shape:
        return (length, features)

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
        return _core.Weights(self.cell_name, kernel.T, recurrent.T, bias[0] if bias else None)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(N, T, H)`` with `return_sequences`, else ``(N, H)``."""
        rows, steps, _ = input_shape
        return (rows, steps, self.units) if self.return_sequences else (rows, self.units)

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask of the input if there is an output at every step."""
        return mask if self.return_sequences else None

    def forward(
        self,
        x: Array,
        *,
        training: bool = False,
        mask: Array | None = None,
        initial_state: Any = None,
        out: Array | None = None,
    ) -> Any:
        """Return the output for `x`; with `return_state`, a list of the output and the final states.

        With `return_sequences`, `out` is an array or a view of one to write the outputs into.
        """
        if training and self.dropout:
            x = x * self._dropout_mask(x)
        start = self._start(x, initial_state)
        valid = self._valid_steps(mask)
        y = self._output_array(x, out)
        core_mask = None if valid is None else valid.T
        h, c = _core.forward(self.frozen(), self._time_first(x), *start, _steps_first(y), mask=core_mask)
        states = self._keep(h, c)
        result = self._output(h, y, valid)
        return [result, *states] if self.return_state else result

    def vjp(
        self,
        x: Array,
        *,
        training: bool = True,
        mask: Array | None = None,
        need_dx: bool = True,
        logits: bool = False,
        out: Array | None = None,
    ) -> tuple[Array, Pullback]:
        """See `Layer.vjp`, and `forward` for `out`; states carried over from an earlier batch get no gradient."""
        drop = self._dropout_mask(x) if training and self.dropout else None
        inputs = x if drop is None else x * drop
        start = self._start(x, None)
        valid = self._valid_steps(mask)
        y = self._output_array(x, out)
        core_mask, steps = None if valid is None else valid.T, self._time_first(inputs)
        h, c, tape = _core.forward_training(self.frozen(), steps, *start, _steps_first(y), mask=core_mask)
        self._keep(h, c)

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            dx = np.empty_like(inputs) if need_dx else None
            gradients = [np.empty_like(variable.value) for variable in self.trainable_variables]
            dy = self._output_adjoint(dy, valid)
            dy_all, dh_n = (None, dy) if y is None else (_steps_first(dy), None)
            dx_view = None if dx is None else self._time_first(dx)
            gradients = self._backward(tape, dy_all, dh_n, dx_view, gradients)
            return dx if drop is None or dx is None else dx * drop, gradients

        return self._output(h, y, valid), pullback

    def _backward(
        self, tape: _core.Tape, dy: Array | None, dh_n: Array | None, dx: Array | None, gradients: list[Array]
    ) -> list[Array]:
        """Fill `dx` and the `gradients` of the weights, which have their shapes; return the latter."""
        _core.backward(tape, dy, dh_n, None, dx, *(gradient.T for gradient in gradients))
        return gradients

    def _valid_steps(self, mask: Array | None) -> Array | None:
        """Which steps to take, in the order of reading; None: all."""
        if mask is None or mask.all():
            return None
        valid: Array = mask[:, ::-1] if self.go_backwards else mask
        return valid

    def _output(self, h: Array, y: Array | None, valid: Array | None) -> Array:
        """Return the output as Keras defines it under a mask, from the core's."""
        if valid is None:
            return h if y is None else y
        if y is None:
            return keep_rows(h, self._rows_with_output(valid))
        if not self.zero_output_for_mask:
            repeat_last(y, valid)
        return y

    def _output_adjoint(self, dy: Array, valid: Array | None) -> Array:
        if valid is None:
            return dy
        if not self.return_sequences:
            return keep_rows(dy, self._rows_with_output(valid))
        return dy if self.zero_output_for_mask else repeat_last_adjoint(dy, valid)

    def _rows_with_output(self, valid: Array) -> Array:
        return np.asarray(valid[:, -1] if self.zero_output_for_mask else valid.any(axis=1))

    def _time_first(self, x: Array) -> Array:
        return (x[:, ::-1] if self.go_backwards else x).transpose(1, 0, 2)  # the core takes any strides

    def _output_array(self, x: Array, out: Array | None) -> Array | None:
        if not self.return_sequences:
            return None
        return np.empty((*x.shape[:2], self.units), self.dtype) if out is None else out

    def _dropout_mask(self, x: Array) -> Array:
        shape = (x.shape[0], 1, x.shape[2])
        return dropout_mask(self._dropout_generator, shape, self.dropout, self.dtype)

    def _start(self, x: Array, given: Any) -> tuple[Array | None, Array | None]:
        states = self._check_states(given, x.shape[0]) if given is not None else self.states
        if states is None:
            return None, None
        if states[0].shape[0] != x.shape[0]:
            raise ValueError(
                f"{self.name}: x has {x.shape[0]} rows, but the layer is stateful and holds the states of "
                f"{states[0].shape[0]}; call reset_state(), of the layer or the model, or keep the batch size"
            )
        return states[0], states[1] if len(states) > 1 else None

    def _check_states(self, given: Any, rows: int) -> States:
        states = list(given) if isinstance(given, list | tuple) else [given]
        if len(states) != len(self.state_names):
            wanted = f"{len(self.state_names)} ({', '.join(self.state_names)})"
            raise ValueError(f"{self.name}: initial_state has {len(states)} arrays, wanted {wanted}")
        arrays = tuple(as_array(state, f"{self.name}: initial_state", self.dtype) for state in states)
        for array in arrays:
            if array.shape != (rows, self.units):
                shape = (rows, self.units)
                raise ValueError(f"{self.name}: initial_state must have shape {shape}, got {array.shape}")
        return arrays

    def _keep(self, h: Array, c: Array | None) -> States:
        states = (h,) if c is None else (h, c)
        if self.stateful:
            self.states = tuple(state.copy() for state in states)
        return states

    def stream_weights(self) -> _core.Weights:
        """Return the packed weights, for a stream; ValueError if the layer reads backwards."""
        if self.go_backwards:
            raise ValueError(f"{self.name}: go_backwards=True cannot be streamed: the last step would come first")
        weights: _core.Weights = self.frozen()
        return weights

    def reset_state(self) -> None:
        """Forget the states of the last batch."""
        self.states = None

    reset_states = reset_state

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("units", "use_bias", "dropout", "return_sequences", "return_state", "go_backwards", "stateful", "seed")
        own = {name: getattr(self, name) for name in (*names, "zero_output_for_mask")}
        return super().get_config() | own


def _steps_first(y: Array | None) -> Array | None:
    return None if y is None else y.transpose(1, 0, 2)


def cell_activation(layer: str, argument: str, given: Any, valid: tuple[str, ...]) -> str:
    """Name of the activation given, if it is among the ones the kernels compute."""
    name = activations.get(given).name
    if name not in valid:
        raise ValueError(f"{layer}: {argument}={name!r} is not supported; supported: {', '.join(valid)}")
    return name


class LSTM(Recurrent):
    """Long short-term memory.

    With gates i, f, o = sigmoid and g = tanh, each of ``x_t @ kernel + h_{t-1} @ recurrent_kernel + bias``::

        c_t = f * c_{t-1} + i * g
        h_t = o * tanh(c_t)

    Parameters
    ----------
    units
        Hidden size H.
    activation, recurrent_activation
        ``"tanh"`` and ``"sigmoid"``, the ones the kernels compute.
    use_bias
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer
        Of the weights, whose columns hold the gates in the order i, f, g, o.
    unit_forget_bias
        Start the bias of the forget gate at one.
    dropout
        Fraction of the inputs dropped while training, the same ones at every step.
    return_sequences
        Whether the output is that of every step, ``(N, T, H)``, or of the last one, ``(N, H)``.
    return_state
        Whether a call on arrays gives ``[output, h, c]``.
    go_backwards, stateful, seed
        See `Recurrent`.
    **kwargs
        Further arguments of `Recurrent` and `Layer`.

    References
    ----------
    Hochreiter and Schmidhuber, Long Short-Term Memory, Neural Computation 9(8), 1997.
    """

    gates = 4
    state_names = ("h", "c")

    @property
    def cell_name(self) -> str:
        """``lstm``."""
        return "lstm"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            seed=seed,
            **kwargs,
        )
        self.activation = cell_activation(self.name, "activation", activation, ("tanh",))
        self.recurrent_activation = cell_activation(
            self.name, "recurrent_activation", recurrent_activation, ("sigmoid",)
        )
        self.unit_forget_bias = bool(unit_forget_bias)

    def _bias_start(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        bias = super()._bias_start(shape, dtype)
        if self.unit_forget_bias:
            bias = bias.copy()
            bias[self.units : 2 * self.units] = 1
        return bias

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("activation", "recurrent_activation", "unit_forget_bias")
        return super().get_config() | {name: getattr(self, name) for name in names}


class SimpleRNN(Recurrent):
    """Fully connected recurrent layer: ``h_t = activation(x_t @ kernel + h_{t-1} @ recurrent_kernel + bias)``.

    Parameters
    ----------
    units
        Hidden size H.
    activation
        ``"tanh"`` or ``"relu"``, the ones the kernels compute.
    use_bias
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer
        Of the weights.
    dropout
        Fraction of the inputs dropped while training, the same ones at every step.
    return_sequences
        Whether the output is that of every step, ``(N, T, H)``, or of the last one, ``(N, H)``.
    return_state
        Whether a call on arrays gives ``[output, h]``.
    go_backwards, stateful, seed
        See `Recurrent`.
    **kwargs
        Further arguments of `Recurrent` and `Layer`.

    References
    ----------
    Elman, Finding Structure in Time, Cognitive Science 14(2), 1990.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            seed=seed,
            **kwargs,
        )
        self.activation = cell_activation(self.name, "activation", activation, ("tanh", "relu"))

    @property
    def cell_name(self) -> str:
        """``rnn_tanh`` or ``rnn_relu``."""
        return f"rnn_{self.activation}"

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"activation": self.activation}
