"""Keyword arguments that recurrent layers and their cells share: names, types, defaults and meanings, in one place.

A constructor takes them as ``**options: Unpack[...]``, which type checkers and editors expand; `shows` does the same
for ``inspect.signature`` and ``help``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, TypedDict, TypeVar, get_type_hints

from ...foundation.arrays import Shape

F = TypeVar("F", bound=Callable[..., Any])


class LayerOptions(TypedDict, total=False):
    """Arguments of every `Layer`."""

    name: Annotated[str | None, None]
    dtype: Annotated[Any, None]
    trainable: Annotated[bool, True]
    activity_regularizer: Annotated[Any, None]
    input_shape: Annotated[Shape | int | None, None]
    batch_input_shape: Annotated[Shape | None, None]
    input_dim: Annotated[int | None, None]


class WeightOptions(TypedDict, total=False):
    """What a recurrent layer hands on to its cell.

    Parameters
    ----------
    use_bias : bool
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer, optional
        Names or initializers of the weights ``kernel (I, G*H)``, ``recurrent_kernel (H, G*H)`` and ``bias (G*H,)``.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Names or regularizers: penalties added to the loss.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        Names or constraints, applied after every step of training.
    dropout : float
        Fraction of the inputs dropped while training, the same ones at every step and for every gate. 1 drops none.
    recurrent_dropout : float
        Fraction of the states dropped from the sums of the gates while training, the same ones at every step, others
        for every gate. 1 drops none.
    seed : int, optional
        Seed of the dropout.
    implementation : int
        A way of computing; accepted and ignored.
    """

    use_bias: Annotated[bool, True]
    kernel_initializer: Annotated[Any, "glorot_uniform"]
    recurrent_initializer: Annotated[Any, "orthogonal"]
    bias_initializer: Annotated[Any, "zeros"]
    kernel_regularizer: Annotated[Any, None]
    recurrent_regularizer: Annotated[Any, None]
    bias_regularizer: Annotated[Any, None]
    kernel_constraint: Annotated[Any, None]
    recurrent_constraint: Annotated[Any, None]
    bias_constraint: Annotated[Any, None]
    dropout: Annotated[float, 0.0]
    recurrent_dropout: Annotated[float, 0.0]
    seed: Annotated[int | None, None]
    implementation: Annotated[int, 2]


class CellOptions(WeightOptions, total=False):
    """Arguments of `LSTMCell`, `GRUCell` and `SimpleRNNCell`: those of `WeightOptions`, and these of `Layer`."""

    name: Annotated[str | None, None]
    dtype: Annotated[Any, None]
    trainable: Annotated[bool, True]


class SequenceOptions(LayerOptions, total=False):
    """Arguments of `RNN`, and those of `LayerOptions`.

    Parameters
    ----------
    return_sequences : bool
        Whether the output is that of every step, ``(N, T, O)``, or of the last one, ``(N, O)``.
    return_state : bool
        Whether a call on arrays also gives the final states.
    go_backwards : bool
        Read the steps from the last to the first; the output stays in the order of reading.
    stateful : bool
        Start every batch with the final states of the one before, row by row, until `reset_state`. That goes on from
        `fit` to `evaluate` and `predict`. Batches must have the same number of rows until then; no fixed batch size
        needs to be declared.
    zero_output_for_mask : bool
        What the output is at steps a mask leaves out: zero, or (default) that of the last valid step before them, zero
        if there was none.
    unroll, use_cudnn : bool; bool or str
        Ways of computing; accepted and ignored.
    time_major : bool
        Not supported; True raises NotImplementedError.
    """

    return_sequences: Annotated[bool, False]
    return_state: Annotated[bool, False]
    go_backwards: Annotated[bool, False]
    stateful: Annotated[bool, False]
    zero_output_for_mask: Annotated[bool, False]
    unroll: Annotated[bool, False]
    use_cudnn: Annotated[Any, "auto"]
    time_major: Annotated[bool, False]


class RecurrentOptions(WeightOptions, SequenceOptions, total=False):
    """Arguments of `LSTM`, `GRU` and `SimpleRNN`: those of `WeightOptions` and of `SequenceOptions`."""


@cache
def _hints(options: type) -> Mapping[str, Any]:
    return get_type_hints(options, include_extras=True)


@cache
def defaults(options: type) -> Mapping[str, Any]:
    """Default of every argument in `options`."""
    return {name: hint.__metadata__[0] for name, hint in _hints(options).items()}


def split(options: RecurrentOptions, cell: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments for the cell of this name, with `more` of them, and those for the layer around it."""
    inner = {name: value for name, value in options.items() if name in defaults(CellOptions)}
    outer = {name: value for name, value in options.items() if name not in defaults(WeightOptions)}
    return inner | more | {"name": cell}, outer


def shows(options: type) -> Callable[[F], F]:
    """Give the function a signature in which the keyword arguments of `options` stand in place of ``**options``."""

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        shared = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=hint.__metadata__[0], annotation=hint.__origin__
            )
            for name, hint in _hints(options).items()
            if name not in signature.parameters
        ]
        function.__signature__ = signature.replace(parameters=own + shared)  # type: ignore[attr-defined]
        return function

    return decorate
