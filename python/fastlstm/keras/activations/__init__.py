"""Activation functions and their derivatives.

Names mean what they mean in Keras 3. Its ``hard_sigmoid`` is ``clip(x + 3, 0, 6) / 6``; that of Keras 1 and 2, which
old models were trained with, is here ``hard_sigmoid_keras2``: ``clip(0.2 x + 0.5, 0, 1)``.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.lookup import function_name
from ..foundation.operation import Operation
from ..foundation.published import is_function, publish_functions
from ..foundation.registration import custom_object_scope, get_registered_object
from ..foundation.serialization import described_function, made_of, serialize_keras_object
from ..foundation.tracing import gradient_of
from .along_axis import glu, log_softmax, sparsemax
from .classic import (
    elu,
    exponential,
    hard_sigmoid,
    hard_sigmoid_keras2,
    leaky_relu,
    linear,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    stable_sigmoid,
    swish,
    tanh,
)
from .function import KNOWN, ActivationFunction
from .pieces import (
    hard_shrink,
    hard_silu,
    hard_swish,
    hard_tanh,
    soft_shrink,
    sparse_plus,
    sparse_sigmoid,
    threshold,
)
from .smooth import celu, gelu, log_sigmoid, mish, squareplus, tanh_shrink

__all__ = [
    "CORE",
    "KNOWN",
    "ActivationFunction",
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_sigmoid_keras2",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "in_core",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "stable_sigmoid",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

KNOWN |= {
    function.name: function
    for function in (
        *(linear, relu, relu6, leaky_relu, tanh, sigmoid, softmax, hard_sigmoid, hard_sigmoid_keras2),
        *(elu, selu, softplus, softsign, silu, exponential),
        *(hard_shrink, hard_silu, hard_tanh, soft_shrink, sparse_plus, sparse_sigmoid),
        *(log_softmax, sparsemax),
        *(celu, gelu, log_sigmoid, mish, squareplus, tanh_shrink),
    )
} | {"swish": silu, "hard_swish": hard_silu}


CORE: dict[str, tuple[str, float, float]] = {
    "linear": ("affine", 1.0, 0.0),
    "relu": ("relu", 0.0, 0.0),
    "leaky_relu": ("leaky_relu", 0.2, 0.0),
    "tanh": ("tanh", 0.0, 0.0),
    "sigmoid": ("sigmoid", 0.0, 0.0),
    "hard_sigmoid": ("hard_sigmoid", 1 / 6, 0.5),
    "hard_sigmoid_keras2": ("hard_sigmoid", 0.2, 0.5),
    "elu": ("elu", 1.0, 0.0),
    "selu": ("selu", 0.0, 0.0),
    "softplus": ("softplus", 0.0, 0.0),
    "softsign": ("softsign", 0.0, 0.0),
    "silu": ("silu", 0.0, 0.0),
    "exponential": ("exponential", 0.0, 0.0),
}
"""What the compiled core calls the activations that recurrent cells can have: name, alpha and beta."""


def _of_function(function: Callable[[Any], Any]) -> ActivationFunction:
    """Make an activation of a function written with `ops`; the derivative is autograd's."""

    def backward(dy: Array, x: Array, y: Array) -> Array:
        return gradient_of(function, x, dy)

    name = function_name(function)
    return ActivationFunction(name, lambda x: np.asarray(function(x)), backward, function=function)


def _of_layer(layer: Any) -> ActivationFunction:
    """Make an activation of a layer without weights."""

    def forward(x: Array) -> Array:
        y = np.asarray(layer(x))
        if layer.weights:
            checks.refuse(ValueError, "activation", "without weights", layer, "; put this layer behind")
        return y

    def backward(dy: Array, x: Array, y: Array) -> Array:
        _, pullback = layer.vjp(layer.as_input(x, "x"))
        dx: Array = pullback(dy)[0]
        return dx

    return ActivationFunction(function_name(layer), forward, backward, function=layer)


def in_core(function: ActivationFunction) -> bool:
    """Whether recurrent cells with an activation run in the compiled core."""
    return function.name in CORE and function is KNOWN[function.name]


def get(identifier: Any, argument: str = "activation") -> ActivationFunction:
    """Return the activation that a name or object stands for; None is ``linear``. Errors name the `argument`."""
    if identifier is None:
        return linear
    if is_function(identifier):
        name = identifier.get("config")
        identifier = get_registered_object(name) or name
    elif isinstance(identifier, dict) and "class_name" in identifier:
        identifier = made_of(identifier, argument)
    if isinstance(identifier, str):
        identifier = KNOWN.get(identifier) or get_registered_object(identifier) or identifier
    if isinstance(identifier, ActivationFunction):
        return identifier
    if isinstance(identifier, Operation):
        return _of_layer(identifier)
    if callable(identifier) and not isinstance(identifier, type):
        return _of_function(identifier)
    wanted = "a known name, a function, or an ActivationFunction, which has a derivative too"
    names = f"; valid names: {', '.join(sorted(KNOWN))}"
    checks.refuse(checks.kind_error(identifier), argument, wanted, identifier, names)


def serialize(activation: ActivationFunction) -> Any:
    """Return the name by which `get` finds a built-in activation, or the description of a function or a layer."""
    if not isinstance(activation, ActivationFunction):
        checks.refuse(TypeError, "activation", "an ActivationFunction", activation)
    if KNOWN.get(activation.name) is activation:
        return activation.name
    if isinstance(activation.function, Operation):
        return serialize_keras_object(activation.function)
    return described_function(activation.function or activation)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> ActivationFunction:
    """Return the activation of a name, or of the description of a function, which may be in `custom_objects`."""
    with custom_object_scope(custom_objects):
        return get(config)


publish_functions(KNOWN)
