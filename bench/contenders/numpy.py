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
    require(task.lengths is None, "lengths are not written out in NumPy here")
    require(not task.workload.bidirectional, "directions are not written out in NumPy here")
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
        self.cell = self.lstm if self.case.cell == "lstm" else self.rnn

    def lstm(self, z: Array, c: Array) -> tuple[Array, Array, tuple[Array, ...]]:
        i, f, g, o = np.split(z, 4, axis=-1)
        # sigmoid(z) = (1 + tanh(z / 2)) / 2 cannot overflow
        i, f, o = (0.5 + 0.5 * np.tanh(0.5 * gate) for gate in (i, f, o))
        g = np.tanh(g)
        c_t = f * c + i * g
        tanh_c = np.tanh(c_t)
        return o * tanh_c, c_t, (i, f, g, o, c, tanh_c)

    def rnn(self, z: Array, c: None) -> tuple[Array, None, tuple[Array, ...]]:
        h = np.tanh(z) if self.case.cell == "rnn_tanh" else np.maximum(z, 0)
        return h, None, (h,)

    def project(self) -> Array:
        x = self.problem.x
        return (x.reshape(-1, x.shape[-1]) @ self.weight_ih + self.problem.bias).reshape(*x.shape[:2], -1)

    def forward(self, keep: list[tuple[Array, ...]] | None = None) -> Array:
        h, c = self.problem.h_0, self.problem.c_0
        y = np.empty(self.problem.dy.shape, h.dtype)
        for t, z in enumerate(self.project()):
            z += h @ self.weight_hh
            h, c, kept = self.cell(z, c)
            y[t] = h
            if keep is not None:
                keep.append(kept)
        return y

    def stream(self) -> Array:
        h, c = self.problem.h_0, self.problem.c_0
        y = np.empty(self.problem.dy.shape, h.dtype)
        for t, x_t in enumerate(self.problem.x):
            h, c, _ = self.cell(x_t @ self.weight_ih + h @ self.weight_hh + self.problem.bias, c)
            y[t] = h
        return y

    def gradients(self) -> dict[str, Array]:
        problem, kept = self.problem, list[tuple[Array, ...]]()
        y = self.forward(kept)
        dz = np.empty((*y.shape[:2], self.weight_hh.shape[1]), y.dtype)
        dh, dc = problem.dh_n, 0.0
        for t in reversed(range(len(y))):
            dz[t], dc = self.cell_backward(dh, dc, *kept[t])
            dh = dz[t] @ problem.weight_hh
        flat = dz.reshape(-1, dz.shape[-1])
        h_before = np.concatenate([problem.h_0[None], y[:-1]]).reshape(-1, y.shape[-1])
        inputs = problem.x.reshape(-1, problem.x.shape[-1])
        return {"weight_ih": flat.T @ inputs, "weight_hh": flat.T @ h_before, "bias": flat.sum(axis=0)}

    def cell_backward(self, dh: Array, dc: Any, *kept: Array) -> tuple[Array, Any]:
        if self.case.cell != "lstm":
            (h,) = kept
            return dh * (1 - h * h if self.case.cell == "rnn_tanh" else h > 0), None
        i, f, g, o, c, tanh_c = kept
        dc = dc + dh * o * (1 - tanh_c * tanh_c)
        parts = (dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g), dh * tanh_c * o * (1 - o))
        return np.concatenate(parts, axis=1), dc * f
