"""Gradients that are sums over many rows: what is added up in parts rounds less often than one long chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from drawing import Drawn, Sizes, make_arguments
from helpers import Array
from running import train

import fastlstm as fl
from fastlstm import _core

T, N, I, H = 300, 32, 3, 21
ROUNDINGS = 10  # of half a unit in the last place; a chain over the 9,600 rows makes 20 to 60 of them


def assert_close(found: Array, exact: Array) -> None:
    assert np.max(np.abs(found / exact - 1)) <= ROUNDINGS * np.finfo("float32").eps / 2


def test_gradients_of_weights_and_biases(isa: str, threads: int) -> None:
    """With weights of 0 the slope of tanh is 1: the gradients are sums of numbers that are known, all positive."""
    layer = fl.RNN(I, H)
    layer.load_state_dict({name: np.zeros_like(value) for name, value in layer.state_dict().items()})
    draw = np.random.default_rng(1)
    x, dy = (draw.uniform(0.5, 1, (T, N, size)).astype("float32") for size in (I, H))
    found = layer.vjp(x)[1](dy).parameters
    exact = dy.reshape(-1, H).astype("float64")
    assert_close(found["weight_ih_l0"], exact.T @ x.reshape(-1, I).astype("float64"))
    assert_close(found["bias_ih_l0"], exact.sum(axis=0))


def test_gradients_of_kernels_of_convolutions(isa: str, threads: int) -> None:
    draw = np.random.default_rng(2)
    x, dy = (draw.uniform(0.5, 1, (N, T, size)).astype("float32") for size in (I, H))
    dkernel, dbias = _core.convolution_gradients(x, dy, 1, 0)
    exact = dy.reshape(-1, H).astype("float64")
    assert_close(dkernel[0], x.reshape(-1, I).astype("float64").T @ exact)
    assert_close(dbias, exact.sum(axis=0))


def test_gradients_of_peepholes(isa: str, threads: int) -> None:
    """Every c is 1 and every o a half: what a peephole of o gets is a sum of dy tanh(1) / 4."""
    drawn = Drawn("lstm", Sizes(T, N, I, H), "float32", threads, isa, peepholes=True)
    arguments = make_arguments(drawn)
    weights = {name: np.zeros_like(value) for name, value in arguments.weights.items()}
    weights["bias"].reshape(4, H)[...] = np.array([[50], [-50], [50], [0]])
    dy = np.random.default_rng(3).uniform(0.5, 1, (T, N, H)).astype("float32")
    zeros = {name: np.zeros_like(getattr(arguments, name)) for name in ("h_0", "c_0", "dh_n", "dc_n")}
    found = train(replace(arguments, weights=weights, dy=dy, **zeros))
    exact = dy.reshape(-1, H).sum(axis=0, dtype="float64") * np.tanh(1.0) / 4
    assert_close(found["dpeepholes"].reshape(3, H)[2], exact)
