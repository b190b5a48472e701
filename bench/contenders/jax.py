"""JAX: a jitted ``lax.scan`` with the input projection of all steps taken out of it, as it is and unrolled."""

from __future__ import annotations

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from training import BETA_1, BETA_2, EPSILON, LEARNING_RATE
from workloads import Task

from contenders import Variant, fit_step, require

UNROLL = 4


def versions() -> dict[str, str]:
    return {"jax": jax.__version__}


def prepare(task: Task, threads: int) -> dict[str, Variant]:
    require(task.convolution is None, "timed for recurrent layers only")
    require(task.lengths is None, "no lengths: a scan runs over every step")
    if task.workload.mode == "step":
        return {"jit": _steps(task)}
    make = {"forward": _forward, "train": _train, "fit_step": _fit_step}[task.workload.mode]
    return {"scan": make(task, 1), f"scan unrolled {UNROLL}": make(task, UNROLL)}


def _cell(kind: str, z: Any, recurrent: Any, state: Any) -> Any:
    if kind == "gru":
        (r_x, u_x, n_x), (r_h, u_h, n_h) = jnp.split(z, 3, axis=-1), jnp.split(recurrent, 3, axis=-1)
        u = jax.nn.sigmoid(u_x + u_h)
        n = jnp.tanh(n_x + jax.nn.sigmoid(r_x + r_h) * n_h)
        return (n + u * (state[0] - n),)
    z += recurrent
    if kind == "rnn_tanh":
        return (jnp.tanh(z),)
    if kind == "rnn_relu":
        return (jax.nn.relu(z),)
    i, f, g, o = jnp.split(z, 4, axis=-1)
    c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _layer(kind: str, unroll: int, reverse: bool = False) -> Any:
    def layer(weights: Any, x: Any, state: Any) -> Any:
        weight_ih, weight_hh, bias, *recurrent_bias = weights

        def step(state: Any, z: Any) -> Any:
            state = _cell(kind, z, sum(recurrent_bias, state[0] @ weight_hh), state)
            return state, state[0]

        return lax.scan(step, state, x @ weight_ih + bias, reverse=reverse, unroll=unroll)

    return layer


def _arguments(task: Task, direction: int = 0) -> Any:
    problem = task.problems[direction]
    biases = [bias for bias in (problem.bias, problem.recurrent_bias) if bias is not None]
    weights = tuple(jnp.asarray(w) for w in (problem.weight_ih.T, problem.weight_hh.T, *biases))
    states = (problem.h_0,) if problem.c_0 is None else (problem.h_0, problem.c_0)
    return weights, jnp.asarray(task.problem.x), tuple(jnp.asarray(state) for state in states)


def _forward(task: Task, unroll: int) -> Variant:
    directions = range(task.workload.directions)
    layers = [_layer(task.workload.case.cell, unroll, reverse=direction == 1) for direction in directions]
    arguments = [_arguments(task, direction) for direction in directions]

    @jax.jit
    def call(arguments: Any) -> Any:
        found = [layer(*given) for layer, given in zip(layers, arguments, strict=True)]
        return jnp.concatenate([y for _, y in found], axis=-1), jnp.stack([state[0] for state, _ in found])

    def read(found: Any) -> dict[str, Any]:
        return {"y": np.asarray(found[0]), "h_n": np.asarray(found[1])}

    return Variant(lambda: jax.block_until_ready(call(arguments)), read)


def _steps(task: Task) -> Variant:
    kind = task.workload.case.cell
    weights, _, initial = _arguments(task)

    @jax.jit
    def step(weights: Any, x_t: Any, state: Any) -> Any:
        weight_ih, weight_hh, bias, *recurrent_bias = weights
        return _cell(kind, x_t @ weight_ih + bias, sum(recurrent_bias, state[0] @ weight_hh), state)

    def run() -> list[Any]:
        state, y = initial, []
        for x_t in task.problem.x:
            state = step(weights, x_t, state)
            y.append(state[0].block_until_ready())
        return y

    def read(y: list[Any]) -> dict[str, Any]:
        stacked = np.stack([np.asarray(h) for h in y])
        return {"y": stacked, "h_n": stacked[-1:]}

    return Variant(run, read)


def _train(task: Task, unroll: int) -> Variant:
    layer, (weights, x, state) = _layer(task.workload.case.cell, unroll), _arguments(task)
    dh_n = jnp.asarray(task.problem.dh_n)
    call = jax.jit(jax.grad(lambda weights, x, state: jnp.vdot(layer(weights, x, state)[0][0], dh_n)))

    def read(found: Any) -> dict[str, Any]:
        weight_ih, weight_hh, *biases = (np.asarray(gradient) for gradient in found)
        names = ("bias", "recurrent_bias")
        return {"weight_ih": weight_ih.T, "weight_hh": weight_hh.T, **dict(zip(names, biases, strict=False))}

    return Variant(lambda: jax.block_until_ready(call(weights, x, state)), read)


def _adam(weights: Any, gradients: Any, slots: Any) -> Any:
    """Update every array of a tree; `slots` are the steps so far, m and v."""
    t, m, v = slots[0] + 1, *slots[1:]
    m = jax.tree.map(lambda m, g: m + (1 - BETA_1) * (g - m), m, gradients)
    v = jax.tree.map(lambda v, g: v + (1 - BETA_2) * (g * g - v), v, gradients)
    rate = LEARNING_RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, m, v)
    return weights, (t, m, v)


def _fit_step(task: Task, unroll: int) -> Variant:
    layer, (first, x, initial), head = _layer(task.workload.case.cell, unroll), _arguments(task), task.head
    assert head is not None
    rows, labels = jnp.arange(len(head.labels)), jnp.asarray(head.labels)

    def loss(weights: Any) -> Any:
        (h_n, *_), _ = layer(weights[0], x, initial)
        return -jax.nn.log_softmax(h_n @ weights[1] + weights[2])[rows, labels].mean()

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(weights: Any, slots: Any) -> Any:
        found, gradients = jax.value_and_grad(loss)(weights)
        return found, *_adam(weights, gradients, slots)

    weights: Any = None
    slots: Any = None

    def reset() -> None:
        nonlocal weights, slots
        weights = jax.tree.map(jnp.array, (first, head.weight, head.bias))  # copies: the step takes them for its own
        slots = jnp.zeros(()), *(jax.tree.map(jnp.zeros_like, weights) for _ in range(2))

    def run() -> float:
        nonlocal weights, slots
        found, weights, slots = step(weights, slots)
        return float(jax.block_until_ready(found))

    reset()
    return fit_step(run, reset)
