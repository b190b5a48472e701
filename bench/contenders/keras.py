"""Keras on TensorFlow: the layer in a ``tf.function``, as a graph and compiled by XLA.

A training step is ``train_on_batch``, and the same step written out in a ``tf.function``. bfloat16 is the policy
``mixed_bfloat16``.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from training import BETA_1, BETA_2, CLASSES, EPSILON, LEARNING_RATE
from workloads import Task

from contenders import Variant, fit_step, keras_weights, reorder_gates, require

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def versions() -> dict[str, str]:
    return {"keras": keras.__version__, "tensorflow": tf.__version__}


def prepare(task: Task, threads: int) -> dict[str, Variant]:
    require(task.convolution is None, "timed for recurrent layers only")
    require(task.precision == "float32" or task.workload.mode != "fit_step", "timed in float32")
    _set_threads(threads)
    if task.workload.mode == "fit_step":
        return _fit_steps(task)
    make = {"step": _steps, "forward": _forward, "train": _train}[task.workload.mode]
    return {name: make(task, compiled) for name, compiled in (("graph", False), ("XLA", True))}


def _set_threads(threads: int) -> None:
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def _layer(task: Task, direction: int = 0, **options: Any) -> Any:
    case, problem = task.workload.case, task.problems[direction]
    options |= {"go_backwards": direction == 1, "dtype": POLICIES[task.precision]}
    if case.cell == "lstm":
        layer = keras.layers.LSTM(case.H, return_state=True, **options)
    elif case.cell == "gru":
        layer = keras.layers.GRU(case.H, return_state=True, **options)
    else:
        activation = case.cell.removeprefix("rnn_")
        layer = keras.layers.SimpleRNN(case.H, activation=activation, return_state=True, **options)
    layer.build((case.N, case.T, case.I))
    layer.set_weights(keras_weights(problem))
    return layer


def _initial_state(task: Task) -> list[Any]:
    states = [state for problem in task.problems for state in (problem.h_0, problem.c_0)]
    return [tf.constant(state) for state in states if state is not None]


def _mask(task: Task) -> Any:
    return None if task.lengths is None else tf.constant(np.arange(task.workload.case.T) < task.lengths[:, None])


def _compile(function: Callable[..., Any], compiled: bool) -> Any:
    return tf.function(function, jit_compile=compiled)


def _forward(task: Task, compiled: bool) -> Variant:
    case, state = task.workload.case, _initial_state(task)
    layers = [
        _layer(task, direction, return_sequences=True, zero_output_for_mask=task.lengths is not None)
        for direction in range(task.workload.directions)
    ]
    layer, mask = layers[0], _mask(task)
    if task.workload.bidirectional:
        layer = keras.layers.Bidirectional(layers[0], backward_layer=layers[1])
        layer.build((case.N, case.T, case.I))
        # It made the layers anew.
        layer.set_weights([array for problem in task.problems for array in keras_weights(problem)])
    x = tf.constant(task.problem.x.transpose(1, 0, 2))
    call = _compile(lambda x, *state: layer(x, initial_state=list(state), mask=mask), compiled)

    def read(found: Any) -> dict[str, Any]:
        y, *states = found
        h_n = states[:: len(states) // task.workload.directions]
        return {"y": y.numpy().transpose(1, 0, 2), "h_n": np.stack([h.numpy() for h in h_n])}

    return Variant(lambda: call(x, *state), read)


def _steps(task: Task, compiled: bool) -> Variant:
    layer, initial = _layer(task), _initial_state(task)
    call = _compile(lambda x_t, *state: layer(x_t, initial_state=list(state)), compiled)
    steps = [tf.constant(x_t[:, None]) for x_t in task.problem.x]

    def run() -> list[Any]:
        state, y = initial, []
        for x_t in steps:
            h, *state = call(x_t, *state)
            y.append(h)
        return y

    def read(y: list[Any]) -> dict[str, Any]:
        stacked = np.stack([h.numpy() for h in y])
        return {"y": stacked, "h_n": stacked[-1:]}

    return Variant(run, read)


def _train(task: Task, compiled: bool) -> Variant:
    require(not task.workload.bidirectional, "timed for one direction only")
    layer, state, mask = _layer(task), _initial_state(task), _mask(task)
    x, dh_n = tf.constant(task.problem.x.transpose(1, 0, 2)), tf.constant(task.problem.dh_n)
    variables = [weight.value for weight in layer.trainable_weights]

    def gradients(x: Any, *state: Any) -> Any:
        with tf.GradientTape() as tape:
            h_n, *_ = layer(x, initial_state=list(state), mask=mask, training=True)
        return tape.gradient(h_n, variables, output_gradients=tf.cast(dh_n, h_n.dtype))

    call = _compile(gradients, compiled)

    def read(found: Any) -> dict[str, Any]:
        kernel, recurrent, bias = (gradient.numpy() for gradient in found)
        if task.problem.recurrent_bias is None:
            return {"weight_ih": kernel.T, "weight_hh": recurrent.T, "bias": bias}
        # Swapping two gates once more brings them back.
        kernel, recurrent, bias = (reorder_gates(array, "urn", 1) for array in (kernel, recurrent, bias))
        return {"weight_ih": kernel.T, "weight_hh": recurrent.T, "bias": bias[0], "recurrent_bias": bias[1]}

    return Variant(lambda: call(x, *state), read)


def _fit_steps(task: Task) -> dict[str, Variant]:
    variants = {}
    for name, compiled in (("graph", False), ("XLA", True)):
        variants[f"train_on_batch, {name}"] = _train_on_batch(task, compiled)
        variants[f"tf.function, {name}"] = _own_step(task, compiled)
    return variants


def _net(task: Task, activation: str | None) -> tuple[Any, Any, Callable[[], None]]:
    """Give a net, its optimizer, and what takes both back to the start."""
    case, head = task.workload.case, task.head
    assert head is not None
    make = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}.get(case.cell)
    layer = make(case.H) if make else keras.layers.SimpleRNN(case.H, activation=case.cell.removeprefix("rnn_"))
    net = keras.Sequential(
        [keras.Input(batch_shape=(case.N, case.T, case.I)), layer, keras.layers.Dense(CLASSES, activation=activation)]
    )
    adam = keras.optimizers.Adam(LEARNING_RATE, BETA_1, BETA_2, EPSILON)
    adam.build(net.trainable_variables)
    fresh = [variable.numpy() for variable in adam.variables]

    def reset() -> None:
        net.set_weights([*keras_weights(task.problem), head.weight, head.bias])
        for variable, value in zip(adam.variables, fresh, strict=True):
            variable.assign(value)

    return net, adam, reset


def _batch(task: Task) -> tuple[Any, Any]:
    assert task.head is not None
    return np.ascontiguousarray(task.problem.x.transpose(1, 0, 2)), task.head.labels


def _train_on_batch(task: Task, compiled: bool) -> Variant:
    net, adam, reset = _net(task, "softmax")
    net.compile(optimizer=adam, loss="sparse_categorical_crossentropy", jit_compile=compiled)
    x, labels = _batch(task)
    return fit_step(lambda: net.train_on_batch(x, labels), reset)


def _own_step(task: Task, compiled: bool) -> Variant:
    net, adam, reset = _net(task, None)
    x, labels = map(tf.constant, _batch(task))

    def step(x: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, net(x, training=True))
            loss = tf.reduce_mean(losses)
        variables = net.trainable_variables
        adam.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
        return loss

    call = _compile(step, compiled)
    return fit_step(lambda: float(call(x, labels)), reset)
