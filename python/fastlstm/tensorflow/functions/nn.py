"""Functions of networks that have other arguments or defaults than their kin in ``keras.ops``."""

from __future__ import annotations

from typing import Any

from fastlstm.keras import ops, random


def dropout(x: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """`x` with a part set to 0, and the rest larger, so that the mean stays."""
    return random.dropout(x, rate, noise_shape, seed)


def embedding_lookup(params: Any, ids: Any) -> Any:
    """Rows of a table."""
    return ops.take(params, ids, 0)


def gelu(features: Any, approximate: bool = False) -> Any:
    """``x`` times the normal distribution function of it, which tanh may approximate."""
    return ops.gelu(features, approximate)


def moments(x: Any, axes: Any, shift: None = None, keepdims: bool = False) -> Any:
    """Mean and variance along axes; `shift` has no effect."""
    return tuple(ops.moments(x, axes, keepdims))


def sigmoid_cross_entropy_with_logits(labels: Any, logits: Any) -> Any:
    """How far the sigmoid of every logit is from its label."""
    return ops.binary_crossentropy(labels, logits, from_logits=True)


def silu(features: Any, beta: float = 1.0) -> Any:
    """``x * sigmoid(beta * x)``."""
    return ops.multiply(features, ops.sigmoid(ops.multiply(features, beta)))


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1) -> Any:
    """How far the softmax of logits is from labels that are probabilities."""
    return ops.categorical_crossentropy(labels, logits, from_logits=True, axis=axis)


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any) -> Any:
    """How far the softmax of logits is from labels that are class numbers."""
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
