"""Layers on arrays that are no recurrent ones, and do with every step what they do with all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastlstm.layers.dropout import Dropout
from fastlstm.layers.elementwise import LeakyReLU, ReLU, Sigmoid, Tanh
from fastlstm.layers.embedding import Embedding
from fastlstm.layers.layer import Layer
from fastlstm.layers.linear import Linear
from fastlstm.layers.normalization import BatchNorm1d, LayerNorm
from fastlstm.layers.softmax import LogSoftmax, Softmax

from .matrices import floats, of_layer, rows
from .writer import Writer

Write = Callable[[Writer, Any, str], str]
"""Adds the nodes of a layer to what has a name, and returns the name of what they give."""


def _embedding(writer: Writer, layer: Embedding, x: str) -> str:
    return rows(writer, of_layer(layer, layer._parameters, "weight"), x, "weight")


def _linear(writer: Writer, layer: Linear, x: str) -> str:
    kernel = floats(writer, of_layer(layer, layer._parameters, "weight"), "kernel", transposed=True)
    product = writer.node("MatMul", x, kernel)
    return writer.node("Add", product, writer.constant(layer._parameters["bias"], "bias")) if layer.bias else product


def _layer_norm(writer: Writer, layer: LayerNorm, x: str) -> str:
    scale = layer._parameters.get("weight", np.ones(layer.normalized_shape, layer.dtype))
    bias = [writer.constant(layer._parameters["bias"], "bias")] if layer.bias else []
    axis = -len(layer.normalized_shape)
    return writer.node("LayerNormalization", x, writer.constant(scale, "scale"), *bias, axis=axis, epsilon=layer.eps)


def _batch_norm(writer: Writer, layer: BatchNorm1d, x: str) -> str:
    arrays = layer._parameters
    scale, bias = arrays.get("weight"), arrays.get("bias")
    ones = np.ones(layer.num_features, layer.dtype)
    parts = (ones if scale is None else scale, 0 * ones if bias is None else bias)
    names = [writer.constant(part) for part in (*parts, arrays["running_mean"], arrays["running_var"])]
    return writer.node("BatchNormalization", x, *names, epsilon=layer.eps)


def _plain(op: str) -> Write:
    return lambda writer, layer, x: writer.node(op, x)


def _along(op: str) -> Write:
    return lambda writer, layer, x: writer.node(op, x, axis=layer.dim)


STATELESS: dict[type[Layer], Write] = {
    BatchNorm1d: _batch_norm,
    Dropout: lambda writer, layer, x: x,
    Embedding: _embedding,
    LayerNorm: _layer_norm,
    LeakyReLU: lambda writer, layer, x: writer.node("LeakyRelu", x, alpha=layer.negative_slope),
    Linear: _linear,
    LogSoftmax: _along("LogSoftmax"),
    ReLU: _plain("Relu"),
    Sigmoid: _plain("Sigmoid"),
    Softmax: _along("Softmax"),
    Tanh: _plain("Tanh"),
}
"""By class; a subclass of a user's own is none of them."""
