"""The equations of the built-in cells at one step in NumPy, with any activations, and their slopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from fastlstm import checks

from ...activations import ActivationFunction
from ...foundation import core
from ...foundation.arrays import Array
from .loop import StepPullback
from .states import States

Equations: TypeAlias = Callable[[Any, Array, States, Any], tuple[Array, States, StepPullback]]
"""``(weights, z, states, masks)``: weights of `in_numpy`, the projected inputs of a step ``(N, G*H)``, the states, and
factors of these for each gate or None. Gives the output, the new states, and a pullback to the gradients of `z`, of the
states, and a list of those of the recurrent kernel and the recurrent bias."""


class Product:
    """States times the columns of some gates of the recurrent kernel.

    Parameters
    ----------
    kernel : ndarray
        ``(H, g*H)``.
    bias : ndarray, optional
        ``(g*H,)``, or None.
    """

    def __init__(self, kernel: Array, bias: Array | None = None) -> None:
        self.kernel, self.bias = kernel, bias
        self._dense = core.Dense(kernel, bias)
        size = len(kernel)
        self._by_gate = kernel.reshape(size, -1, size).transpose(1, 0, 2)

    def __call__(self, h: Array, masks: Array | None) -> Array:
        """Return the sums ``(N, g*H)``; `masks` are factors ``(g, N, H)`` of the states."""
        if masks is None:
            return self._dense(h)
        sums = _side_by_side(np.matmul(h * masks, self._by_gate))
        return sums if self.bias is None else sums + self.bias

    def back(self, dsums: Array, h: Array, masks: Array | None) -> tuple[Array, Array]:
        """Return the gradients of the states and of the kernel."""
        if masks is None:
            return dsums @ self.kernel.T, h.T @ dsums
        rows, size = h.shape
        by_gate = dsums.reshape(rows, -1, size).transpose(1, 0, 2)
        dh = (np.matmul(by_gate, self._by_gate.transpose(0, 2, 1)) * masks).sum(axis=0)
        return dh, _side_by_side(np.matmul((h * masks).transpose(0, 2, 1), by_gate))


def _side_by_side(by_gate: Array) -> Array:
    """From ``(g, N, H)`` to ``(N, g*H)``."""
    return by_gate.transpose(1, 0, 2).reshape(by_gate.shape[1], -1)


class Applied:
    """An activation at a place: its value `y`, and the way back."""

    def __init__(self, function: ActivationFunction, x: Array) -> None:
        self._function, self._x = function, x
        y = function.forward(x)
        if y.shape != x.shape:
            checks.refuse_shape(f"activation {function.name}: the result in a recurrent cell", x.shape, y.shape)
        self.y = y if y.dtype == x.dtype else y.astype(x.dtype)

    def back(self, dy: Array) -> Array:
        """Return the gradient of what the function was applied to."""
        return self._function.backward(dy, self._x, self.y)


def rnn(weights: Any, z: Array, states: States, masks: Any) -> tuple[Array, States, StepPullback]:
    """``h' = f(z + R h)``."""
    (h,), (function,) = states, weights.functions
    new = Applied(function, z + weights.product(h, masks))

    def pullback(doutput: Array, dstates: Any) -> tuple[Array, Any, list[Array]]:
        dz = new.back(doutput + dstates[0])
        dh, dkernel = weights.product.back(dz, h, masks)
        return dz, (dh,), [dkernel]

    return new.y, (new.y,), pullback


def lstm(weights: Any, z: Array, states: States, masks: Any) -> tuple[Array, States, StepPullback]:
    """Gates i, f, g, o of ``z + R h``: ``c' = f c + i g`` and ``h' = o tanh(c')``."""
    (h, c), (gate, candidate, output) = states, weights.functions
    sums = np.split(z + weights.product(h, masks), 4, axis=-1)
    i, f, g, o = map(Applied, (gate, gate, candidate, gate), sums)
    new_c = f.y * c + i.y * g.y
    shown = Applied(output, new_c)
    new_h = o.y * shown.y

    def pullback(doutput: Array, dstates: Any) -> tuple[Array, Any, list[Array]]:
        dh = doutput + dstates[0]
        dc = dstates[1] + shown.back(dh * o.y)
        dz = np.concatenate([i.back(dc * g.y), f.back(dc * c), g.back(dc * i.y), o.back(dh * shown.y)], axis=-1)
        dh, dkernel = weights.product.back(dz, h, masks)
        return dz, (dh, dc * f.y), [dkernel]

    return new_h, (new_h, new_c), pullback


def gru(weights: Any, z: Array, states: States, masks: Any) -> tuple[Array, States, StepPullback]:
    """Gates r, u, n: ``n = tanh(z_n + r (R_n h + b))`` and ``h' = u h + (1 - u) n``."""
    (h,), (gate, candidate) = states, weights.functions
    inner = np.split(weights.product(h, masks), 3, axis=1)
    outer = np.split(z, 3, axis=1)
    r, u = Applied(gate, outer[0] + inner[0]), Applied(gate, outer[1] + inner[1])
    n = Applied(candidate, outer[2] + r.y * inner[2])
    new = u.y * h + (1 - u.y) * n.y

    def pullback(doutput: Array, dstates: Any) -> tuple[Array, Any, list[Array]]:
        dh = doutput + dstates[0]
        dn = n.back(dh * (1 - u.y))
        dr, du = r.back(dn * inner[2]), u.back(dh * (h - n.y))
        dinner = np.concatenate([dr, du, dn * r.y], axis=1)
        through, dkernel = weights.product.back(dinner, h, masks)
        gradients = [dkernel] if weights.product.bias is None else [dkernel, dinner.sum(axis=0)]
        return np.concatenate([dr, du, dn], axis=1), (through + dh * u.y,), gradients

    return new, (new,), pullback


def gru_reset_before(weights: Any, z: Array, states: States, masks: Any) -> tuple[Array, States, StepPullback]:
    """Gates r, u, n: ``n = tanh(z_n + R_n (r h))`` and ``h' = u h + (1 - u) n``."""
    (h,), (gate, candidate) = states, weights.functions
    of_gates, of_n = (None, None) if masks is None else (masks[:2], masks[2:])
    outer = np.split(z, 3, axis=1)
    r, u = map(Applied, (gate, gate), np.split(z[:, : -h.shape[1]] + weights.product(h, of_gates), 2, axis=1))
    kept = r.y * h
    n = Applied(candidate, outer[2] + weights.product_of_n(kept, of_n))
    new = u.y * h + (1 - u.y) * n.y

    def pullback(doutput: Array, dstates: Any) -> tuple[Array, Any, list[Array]]:
        dh = doutput + dstates[0]
        dn = n.back(dh * (1 - u.y))
        dkept, dkernel_of_n = weights.product_of_n.back(dn, kept, of_n)
        dgates = np.concatenate([r.back(dkept * h), u.back(dh * (h - n.y))], axis=1)
        through, dkernel = weights.product.back(dgates, h, of_gates)
        dz = np.concatenate([dgates, dn], axis=1)
        return dz, (through + dkept * r.y + dh * u.y,), [np.concatenate([dkernel, dkernel_of_n], axis=1)]

    return new, (new,), pullback


EQUATIONS: dict[str, Equations] = {"rnn": rnn, "lstm": lstm, "gru": gru, "gru_reset_before": gru_reset_before}
"""By what the core calls the cells."""
