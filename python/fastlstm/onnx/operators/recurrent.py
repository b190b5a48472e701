"""LSTM, GRU and RNN, on the core."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fastlstm import _core, checks

from ..node import Function, Node
from ..values import Array
from .table import Table

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class _Kind(NamedTuple):
    """An operator."""

    gates: Sequence[int]
    """Where the format has the gates of the core."""
    functions: Sequence[str]
    """The activations of one direction if none are given."""
    states: int
    """Arrays of a state."""


_KINDS = {
    "LSTM": _Kind((0, 2, 3, 1), ("Sigmoid", "Tanh", "Tanh"), 2),
    "GRU": _Kind((1, 0, 2), ("Sigmoid", "Tanh"), 1),
    "RNN": _Kind((0,), ("Tanh",), 1),
}
_PEEPHOLES = (0, 2, 1)

_DIRECTIONS = ("forward", "reverse", "bidirectional")

_ACTIVATIONS: dict[str, tuple[str, float | None, float | None]] = {
    "affine": ("affine", 0.0, 0.0),
    "relu": ("relu", None, None),
    "leakyrelu": ("leaky_relu", 0.01, None),
    "thresholdedrelu": ("thresholded_relu", 0.0, None),
    "tanh": ("tanh", None, None),
    "scaledtanh": ("scaled_tanh", 0.0, 0.0),
    "sigmoid": ("sigmoid", None, None),
    "hardsigmoid": ("hard_sigmoid", 0.2, 0.5),
    "elu": ("elu", 1.0, None),
    "softsign": ("softsign", None, None),
    "softplus": ("softplus", None, None),
}
"""Names in the core, and the alpha and beta of those that take them, which are those of ONNX Runtime."""

Activations = list[tuple[str, float, float]]

_X, _W, _R, _B, _LENGTHS, _H, _C, _P = range(8)


def _recurrent(node: Node) -> Function:
    """Read the attributes, and pack the weights if they are known."""
    kind = _KINDS[node.op]
    node.expect(3, 8 if node.op == "LSTM" else 6, outputs=1 + kind.states)
    options = _Options(node, kind)
    constants = [node.constant(number) for number in _WEIGHTS]
    known = all(not node.has(k) or constant is not None for k, constant in zip(_WEIGHTS, constants, strict=True))
    return Run(node, options, options.packed(*constants) if known else None)


def lstm_of_quantized(node: Node) -> Function:
    """Build an LSTM whose weights are of 8 bits.

    The weights are turned into floats at load, and so the inputs and states of the products stay floats. ONNX Runtime
    rounds these to 8 bits at every step; the results here are nearer to those of the LSTM before it was quantized.
    """
    node.expect(12, outputs=3, optional=range(3, 8))
    options = _Options(node, _KINDS["LSTM"])
    constants = [node.constant(number) for number in (*_WEIGHTS, *range(8, 12))]
    if any(constant is None for constant in (*constants[:2], *constants[4:])):
        node.refuse("W, R, scales and zero points", "known at load", node.inputs)
    W, R, B, P, *scales = constants
    return Run(node, options, options.packed(_dequantized(W, *scales[:2]), _dequantized(R, *scales[2:]), B, P))


def _dequantized(weights: Any, scale: Any, zero: Any) -> Array:
    """Return weights ``(D, I, 4H)`` of whole numbers as floats ``(D, 4H, I)``."""
    points, factors = (part.reshape(len(weights), 1, -1) for part in (zero.astype(np.int32), scale))
    found: Array = ((weights.astype(np.int32) - points) * factors).astype(scale.dtype)
    return found.transpose(0, 2, 1)


_WEIGHTS = (_W, _R, _B, _P)


class _Options:
    """The attributes of a node."""

    def __init__(self, node: Node, kind: _Kind) -> None:
        self.label, self.kind = node.label, kind
        self.direction = node.one_of("direction", node.text("direction", "forward"), _DIRECTIONS)
        self.count = 2 if self.direction == "bidirectional" else 1
        self.hidden_size = node.number("hidden_size", None)
        self.clip = checks.real_number(f"{node.label}: clip", node.real("clip", 0.0), at_least=0)
        self.input_forget = kind is _KINDS["LSTM"] and node.truth("input_forget")
        self.reset_after = kind is _KINDS["GRU"] and node.truth("linear_before_reset")
        self.batch_first = node.truth("layout")
        self.activations = self._activations(node)

    def _activations(self, node: Node) -> Activations:
        """Return what the core takes, of each direction one after the other."""
        if not any(map(node.has_attribute, _FUNCTIONS)):
            return _standard(self.kind) * self.count
        names = node.texts("activations") or [*self.kind.functions] * self.count
        alphas, betas = (list(node.reals(f"activation_{name}") or []) for name in ("alpha", "beta"))
        if len(names) != len(self.kind.functions) * self.count:
            node.refuse("activations", f"{len(self.kind.functions)} for each of {self.count} directions", names)
        found: Activations = []
        for name in names:
            if name.lower() not in _ACTIVATIONS:
                node.refuse("activations", f"of {', '.join(_ACTIVATIONS)}, in any case", name)
            own, alpha, beta = _ACTIVATIONS[name.lower()]
            found.append((own, _next(alpha, alphas), _next(beta, betas)))
        for parameter, left in (("alpha", alphas), ("beta", betas)):
            if left:
                wanted = "a number for each activation that takes one"
                node.refuse(f"activation_{parameter}", wanted, f"{len(left)} more of them")
        return found

    def packed(self, W: Any, R: Any, B: Any, P: Any) -> list[_core.Weights]:
        """Check the weights, and pack them for each direction."""
        self._check(W, R, B, P)
        D, gates = self.count, self.kind.gates
        W, R = _reordered(W, gates), _reordered(R, gates)
        biases: Any = [(None, None)] * D if B is None else _reordered(B.reshape(2 * D, -1), gates).reshape(D, 2, -1)
        peepholes: Any = [None] * D if P is None else _reordered(P, _PEEPHOLES)
        return [self._packed(*parts) for parts in zip(range(D), W, R, biases, peepholes, strict=True)]

    def _check(self, W: Array, R: Array, B: Array | None, P: Array | None) -> None:
        D, G = self.count, len(self.kind.gates)
        H = R.shape[-1] if R.ndim else 0
        if self.hidden_size not in (None, H):
            checks.complain(ValueError, f"{self.label}: hidden_size", f"be {H}, as R has it", self.hidden_size)
        I = W.shape[-1] if W.ndim else 0
        wanted = {"W": (D, G * H, I), "R": (D, G * H, H), "B": (D, 2 * G * H), "P": (D, 3 * H)}
        for (name, shape), array in zip(wanted.items(), (W, R, B, P), strict=True):
            if array is None:
                continue
            if array.dtype not in _FLOATS or array.dtype != W.dtype:
                checks.refuse_dtype(f"{self.label}: {name}", "float32 or float64, the same for all", array.dtype)
            if array.shape != shape or not min(H, I):
                checks.refuse_shape(f"{self.label}: {name}", shape, array.shape)

    def _packed(self, number: int, W: Array, R: Array, biases: Any, peepholes: Any) -> _core.Weights:
        cell, functions = self._cell_and_functions(number)
        options: dict[str, Any] = {"activations": functions, "clip": self.clip, "input_forget": self.input_forget}
        return _core.Weights(cell, W, R, *biases, peepholes=peepholes, **options)

    def _cell_and_functions(self, number: int) -> tuple[str, Activations]:
        """Return the name of the cell in the core, and its activations unless they are those of the name."""
        count = len(self.kind.functions)
        functions = self.activations[number * count : (number + 1) * count]
        standard = functions == _standard(self.kind)
        if self.kind.states == 2:
            return "lstm", [] if standard else functions
        if count == 2:
            return "gru" if self.reset_after else "gru_reset_before", [] if standard else functions
        plain = functions[0][0] in ("tanh", "relu")
        return (f"rnn_{functions[0][0]}", []) if plain else ("rnn", functions)


def _next(default: float | None, given: list[float]) -> float:
    """Return the parameter of a function: None as default says that it takes none."""
    if default is None:
        return 0.0
    return given.pop(0) if given else default


_FUNCTIONS = ("activations", "activation_alpha", "activation_beta")
"""Attributes that say which activations there are."""


@cache
def _standard(kind: _Kind) -> Activations:
    """Return the activations that one direction of an operator has if none are given."""
    return [(_ACTIVATIONS[name.lower()][0], 0.0, 0.0) for name in kind.functions]


def _reordered(gates: Array, order: Sequence[int]) -> Array:
    """Put the blocks of the second axis in another order."""
    return gates.reshape(len(gates), len(order), -1).take(order, 1).reshape(gates.shape)


class Run:
    """Takes all steps: the function of a node."""

    def __init__(self, node: Node, options: _Options, packed: list[_core.Weights] | None) -> None:
        self.options, self.packed, self.wants_y = options, packed, node.takes(0)
        self.batch_first, self.direction, self.count = options.batch_first, options.direction, options.count
        self.states = options.kind.states

    def __call__(
        self,
        x: Array,
        W: Any,
        R: Any,
        B: Any = None,
        lengths: Any = None,
        h: Any = None,
        c: Any = None,
        P: Any = None,
        *_: Any,
    ) -> tuple[Any, ...]:
        """Return the sequences and last states."""
        weights = self.packed or self.options.packed(W, R, B, P)
        self._check(x, weights[0])
        x = x.transpose(1, 0, 2) if self.batch_first else x
        T, N, _ = x.shape
        lengths = None if lengths is None else checked_lengths(lengths, T, N)
        y, parts = self._outputs(T, N, weights[0]) if self.wants_y else (None, [None] * self.count)
        final = self._run(weights, x, self._starts(h, c, N, weights[0]), parts, lengths)
        return (y, *[self._final(arrays, lengths) for arrays in list(zip(*final, strict=True))[: self.states]])

    def _check(self, x: Array, weights: _core.Weights) -> None:
        if x.ndim != 3 or x.shape[2] != weights.input_size:
            axes = "N, T" if self.batch_first else "T, N"
            checks.refuse_shape("X", f"({axes}, {weights.input_size})", x.shape)
        if x.dtype != weights.dtype:
            checks.refuse_dtype("X", f"{weights.dtype}, that of the weights", x.dtype)

    def _starts(self, h: Any, c: Any, N: int, weights: _core.Weights) -> list[tuple[Array | None, Array | None]]:
        """Return the initial states of each direction."""
        if h is None and c is None:
            return [(None, None)] * self.count
        parts = (self._start("initial_h", h, N, weights), self._start("initial_c", c, N, weights))
        return list(zip(*parts, strict=True))

    def _start(self, name: str, state: Any, N: int, weights: _core.Weights) -> Sequence[Array | None]:
        """Return an initial state for each direction."""
        if state is None:
            return [None] * self.count
        wanted = (self.count, N, weights.hidden_size)
        state = state.transpose(1, 0, 2) if self.batch_first and state.ndim == 3 else state
        if state.shape != wanted:
            checks.refuse_shape(name, self._as_given(wanted), self._as_given(state.shape))
        return list(state)

    def _as_given(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[1], shape[0], *shape[2:]) if self.batch_first and len(shape) == 3 else shape

    def _outputs(self, T: int, N: int, weights: _core.Weights) -> tuple[Array, list[Any]]:
        """Make Y and the part of each direction, in memory as ``(T, N, D, H)``: so joining directions moves nothing."""
        D, H = self.count, weights.hidden_size
        if self.batch_first:
            y = _core.empty((N, T, D, H), weights.dtype)
            return y, [y[:, :, d].transpose(1, 0, 2) for d in range(D)]
        y = _core.empty((T, N, D, H), weights.dtype)
        return y.transpose(0, 2, 1, 3), [y[:, :, d] for d in range(D)]

    def _run(
        self, weights: list[_core.Weights], x: Any, starts: Sequence[Any], parts: Sequence[Any], lengths: Any
    ) -> list[tuple[Any, Any]]:
        if self.direction == "reverse":
            h, c = starts[0]
            return [_core.forward(weights[0], x, h, c, parts[0], lengths, reverse=True)]
        return _core.forward_stack(weights, x, starts, parts, lengths)

    def _final(self, arrays: Sequence[Array], lengths: Array | None) -> Array:
        state = joined_state(arrays, lengths)
        return state.transpose(1, 0, 2) if self.batch_first else state


def checked_lengths(lengths: Array, T: int, N: int) -> Array:
    """Return valid steps of every row."""
    found = checks.whole_numbers("sequence_lens", lengths)
    if found.shape != (N,):
        checks.refuse_shape("sequence_lens", (N,), found.shape)
    if N and not (found.min() >= 0 and found.max() <= T):
        checks.refuse(ValueError, "sequence_lens", f"of whole numbers from 0 to {T}", found)
    return found


def joined_state(arrays: Sequence[Array], lengths: Array | None) -> Array:
    """Return a last state ``(D, N, H)``: that of rows without steps is zeros, as ONNX Runtime has it."""
    state = arrays[0][None] if len(arrays) == 1 else np.stack(arrays)
    if lengths is not None and not lengths.all():
        state[:, lengths == 0] = 0
    return state


OPERATORS: Table = dict.fromkeys(_KINDS, _recurrent)
