"""What a careful user writes in NumPy: float32, all gates in one product, the input projection of all steps in one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from workloads import Task

from contenders import Variant, require

Array = NDArray[Any]


def versions() -> dict[str, str]:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {"numpy": np.__version__, "blas": f"{blas['name']} {blas['version']}"}


def prepare(task: Task, threads: int) -> dict[str, Variant]:
    require(task.convolution is None, "convolutions are not written out in NumPy here")
    require(task.lengths is None, "lengths are not written out in NumPy here")
    require(not task.workload.bidirectional, "directions are not written out in NumPy here")
    require(task.workload.mode != "fit_step", "a loss and Adam are not written out in NumPy here")
    net = _Net(task)
    whole = {"step": net.stream, "forward": net.forward, "train": net.gradients}[task.workload.mode]
    if task.workload.mode == "train":
        return {"numpy": Variant(whole, lambda found: found)}
    return {"numpy": Variant(whole, lambda y: {"y": y, "h_n": y[-1:]})}


class _Net:
    def __init__(self, task: Task) -> None:
        self.problem = task.problem
        self.case = task.workload.case
        self.weight_ih = np.ascontiguousarray(self.problem.weight_ih.T)  # (I, G*H)
        self.weight_hh = np.ascontiguousarray(self.problem.weight_hh.T)
        self.cell = {"lstm": self.lstm, "gru": self.gru}.get(self.case.cell, self.rnn)

    def lstm(self, z: Array, h: Array, c: Any) -> tuple[Array, Any, tuple[Array, ...]]:
        z += h @ self.weight_hh
        i, f, g, o = np.split(z, 4, axis=-1)
        # sigmoid(z) = (1 + tanh(z / 2)) / 2 cannot overflow
        i, f, o = (0.5 + 0.5 * np.tanh(0.5 * gate) for gate in (i, f, o))
        g = np.tanh(g)
        c_t = f * c + i * g
        tanh_c = np.tanh(c_t)
        return o * tanh_c, c_t, (i, f, g, o, c, tanh_c)

    def gru(self, z: Array, h: Array, c: Any) -> tuple[Array, Any, tuple[Array, ...]]:
        H = self.case.H
        recurrent = h @ self.weight_hh + self.problem.recurrent_bias
        r, u = np.split(0.5 + 0.5 * np.tanh(0.5 * (z[:, : 2 * H] + recurrent[:, : 2 * H])), 2, axis=-1)
        n = np.tanh(z[:, 2 * H :] + r * recurrent[:, 2 * H :])
        return n + u * (h - n), None, (r, u, n, h, recurrent[:, 2 * H :])

    def rnn(self, z: Array, h: Array, c: Any) -> tuple[Array, Any, tuple[Array, ...]]:
        z += h @ self.weight_hh
        h = np.tanh(z) if self.case.cell == "rnn_tanh" else np.maximum(z, 0)
        return h, None, (h,)

    def project(self) -> Array:
        x = self.problem.x
        return (x.reshape(-1, x.shape[-1]) @ self.weight_ih + self.problem.bias).reshape(*x.shape[:2], -1)

    def forward(self, keep: list[tuple[Array, ...]] | None = None) -> Array:
        h, c = self.problem.h_0, self.problem.c_0
        y = np.empty(self.problem.dy.shape, h.dtype)
        for t, z in enumerate(self.project()):
            h, c, kept = self.cell(z, h, c)
            y[t] = h
            if keep is not None:
                keep.append(kept)
        return y

    def stream(self) -> Array:
        h, c = self.problem.h_0, self.problem.c_0
        y = np.empty(self.problem.dy.shape, h.dtype)
        for t, x_t in enumerate(self.problem.x):
            h, c, _ = self.cell(x_t @ self.weight_ih + self.problem.bias, h, c)
            y[t] = h
        return y

    def gradients(self) -> dict[str, Array]:
        problem, kept = self.problem, list[tuple[Array, ...]]()
        y = self.forward(kept)
        dz = np.empty((*y.shape[:2], self.weight_hh.shape[1]), y.dtype)
        # Of the recurrent product; a GRU's differs in one gate.
        dp = np.empty_like(dz) if self.case.cell == "gru" else dz
        backward = {"lstm": self.lstm_backward, "gru": self.gru_backward}.get(self.case.cell, self.rnn_backward)
        dh, carried = problem.dh_n, 0.0
        for t in reversed(range(len(y))):
            dz[t], dp[t], direct, carried = backward(dh, carried, *kept[t])
            dh = dp[t] @ problem.weight_hh + direct
        flat, flat_p = (d.reshape(-1, d.shape[-1]) for d in (dz, dp))
        h_before = np.concatenate([problem.h_0[None], y[:-1]]).reshape(-1, y.shape[-1])
        inputs = problem.x.reshape(-1, problem.x.shape[-1])
        found = {"weight_ih": flat.T @ inputs, "weight_hh": flat_p.T @ h_before, "bias": flat.sum(axis=0)}
        return found | ({"recurrent_bias": flat_p.sum(axis=0)} if self.case.cell == "gru" else {})

    # Each gives the gradients of the input's and the recurrent product, and those of h and c past the products.

    def rnn_backward(self, dh: Array, dc: Any, h: Array) -> tuple[Array, Array, Any, Any]:
        dz = dh * (1 - h * h if self.case.cell == "rnn_tanh" else h > 0)
        return dz, dz, 0.0, None

    def lstm_backward(self, dh: Array, dc: Any, *kept: Array) -> tuple[Array, Array, Any, Any]:
        i, f, g, o, c, tanh_c = kept
        dc = dc + dh * o * (1 - tanh_c * tanh_c)
        parts = (dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g), dh * tanh_c * o * (1 - o))
        dz = np.concatenate(parts, axis=1)
        return dz, dz, 0.0, dc * f

    def gru_backward(self, dh: Array, dc: Any, *kept: Array) -> tuple[Array, Array, Any, Any]:
        r, u, n, h, recurrent_n = kept
        dn = dh * (1 - u) * (1 - n * n)
        gates = (dn * recurrent_n * r * (1 - r), dh * (h - n) * u * (1 - u))
        return np.concatenate([*gates, dn], axis=1), np.concatenate([*gates, dn * r], axis=1), dh * u, None
