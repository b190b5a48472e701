"""Activation functions and their derivatives.

Names mean what they mean in Keras 3. Its ``hard_sigmoid`` is ``clip(x + 3, 0, 6) / 6``; that of Keras 1 and 2, which
old models were trained with, is here ``hard_sigmoid_keras2``: ``clip(0.2 x + 0.5, 0, 1)``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks

from .foundation.arrays import Array, any_numbers
from .foundation.boxes import is_box
from .foundation.lookup import function_name
from .foundation.published import is_function, publish_functions
from .foundation.registration import custom_object_scope, get_registered_object
from .foundation.serialization import described_function
from .foundation.symbolic import OPERATORS, SymbolicTensor
from .foundation.tracing import gradient_of, with_backward

InPlace: TypeAlias = Callable[[Array], Callable[[], object]]
Result = TypeVar("Result")


@dataclass(frozen=True)
class ActivationFunction:
    """A function of an array together with its vector-Jacobian product.

    Make one of your own to use a function that is not built in: ``ActivationFunction("cube", lambda x: x**3,
    lambda dy, x, y: 3 * x**2 * dy)``.
    """

    name: str
    forward: Callable[[Array], Array]
    backward: Callable[[Array, Array, Array], Array]
    """``backward(dy, x, y)`` is the gradient of the input, with ``y = forward(x)``."""
    in_place: InPlace | None = None
    """``in_place(y)`` gives a function that replaces the array `y` by ``forward(y)`` and allocates nothing."""
    function: Callable[[Any], Any] | None = None
    """The function that this was made of, if it was one of a user's."""

    def __post_init__(self) -> None:
        checks.text("name", self.name)
        checks.function("forward", self.forward)
        checks.function("backward", self.backward)
        for name in ("in_place", "function"):
            if getattr(self, name) is not None:
                checks.function(name, getattr(self, name))

    def bind(self, y: Array) -> Callable[[], object]:
        """Return a function that replaces the array `y` by ``forward(y)``."""
        return self.in_place(y) if self.in_place else lambda: np.copyto(y, self.forward(y))

    def __reduce__(self) -> Any:
        if _KNOWN.get(self.name) is self:
            return get, (self.name,)
        return type(self), (self.name, self.forward, self.backward, self.in_place, self.function)

    def __call__(self, x: Any) -> Any:
        """Apply the function to an array or number, to a symbolic tensor, or in a function of one's own."""
        if isinstance(x, SymbolicTensor):
            return OPERATORS["activation"](self, x)
        x = x.value if hasattr(x, "assign") else x
        if is_box(x):
            return with_backward(self.forward, self.backward, x)
        x = any_numbers(x, "x")
        return self.forward(x if x.dtype.kind == "f" else x.astype(np.float32))

    @property
    def __name__(self) -> str:
        return self.name


def _quiet(function: Callable[..., Result]) -> Callable[..., Result]:
    """Infinity and NaN are answers here like others: without NumPy's warnings."""

    @wraps(function)
    def quiet(*arguments: Array) -> Result:
        with np.errstate(over="ignore", invalid="ignore"):
            return function(*arguments)

    return quiet


def _steps(x: Array, inside: NDArray[np.bool_], slope: float, outside: float = 0.0) -> Array:
    """Slopes of a function of straight pieces; that of NaN is NaN."""
    result: Array = np.full_like(x, outside)
    np.copyto(result, slope, where=inside)
    np.copyto(result, x, where=np.isnan(x))
    return result


def _least(x: Array) -> Array:
    """Put the least number for -infinity, where infinity times 0 would hide the limit."""
    result: Array = np.maximum(x, np.finfo(x.dtype).min)
    return result


def _sigmoid_in_place(y: Array) -> Callable[[], object]:
    decay, positive = np.empty_like(y), np.empty(y.shape, np.bool_)

    def apply() -> None:
        np.greater_equal(y, 0, out=positive)
        np.negative(np.abs(y, out=decay), out=decay)
        np.exp(decay, out=decay)
        np.copyto(y, decay)
        np.copyto(y, 1, where=positive)
        np.divide(y, np.add(decay, 1, out=decay), out=y)

    return apply


def stable_sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))`` that neither overflows nor loses small values."""
    y = np.array(x)
    _sigmoid_in_place(y)()
    return y


def _softmax_in_place(y: Array) -> Callable[[], object]:
    one, all_alike = np.empty((*y.shape[:-1], 1), y.dtype), np.empty_like(y)  # NumPy would allocate to broadcast

    def apply() -> None:
        np.copyto(all_alike, np.maximum.reduce(y, axis=-1, keepdims=True, initial=-np.inf, out=one))
        np.exp(np.subtract(y, all_alike, out=y), out=y)
        np.copyto(all_alike, np.add.reduce(y, axis=-1, keepdims=True, out=one))
        np.divide(y, all_alike, out=y)

    return apply


def stable_softmax(x: Array) -> Array:
    """Softmax over the last axis."""
    y = np.array(x)
    _softmax_in_place(y)()
    return y


def _softmax_backward(dy: Array, x: Array, y: Array) -> Array:
    weighted = dy * y
    result: Array = weighted - y * np.add.reduce(weighted, axis=-1, keepdims=True)
    return result


def _softplus(x: Array) -> Array:
    result: Array = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return result


def _elu(x: Array) -> Array:
    result: Array = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    return result


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def _selu(x: Array) -> Array:
    result: Array = _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))
    return result


def _selu_backward(dy: Array, x: Array, y: Array) -> Array:
    result: Array = dy * np.where(x > 0, _SELU_SCALE, y + _SELU_SCALE * _SELU_ALPHA)
    return result


def _softsign(x: Array) -> Array:
    largest = np.finfo(x.dtype).max
    bounded = np.clip(x, -largest, largest)
    result: Array = bounded / (1 + np.abs(bounded))
    return result


def _softsign_backward(dy: Array, x: Array, y: Array) -> Array:
    share = 1 / (1 + np.abs(x))
    result: Array = dy * (share * share)
    return result


def _silu(x: Array) -> Array:
    result: Array = _least(x) * stable_sigmoid(x)
    return result


def _silu_backward(dy: Array, x: Array, y: Array) -> Array:
    gate = stable_sigmoid(x)
    result: Array = dy * (gate - _least(-y) * (1 - gate))
    return result


def _built_in(
    name: str,
    forward: Callable[[Array], Array],
    backward: Callable[[Array, Array, Array], Array],
    in_place: InPlace | None = None,
) -> ActivationFunction:
    return ActivationFunction(name, _quiet(forward), _quiet(backward), in_place)


linear = ActivationFunction("linear", lambda x: x, lambda dy, x, y: dy, lambda y: lambda: None)
relu = _built_in(
    "relu", lambda x: np.maximum(x, 0), lambda dy, x, y: dy * np.sign(y), lambda y: partial(np.maximum, y, 0, out=y)
)
relu6 = _built_in(
    "relu6",
    lambda x: np.clip(x, 0, 6),
    lambda dy, x, y: dy * _steps(x, (x > 0) & (x < 6), 1),
    lambda y: partial(np.clip, y, 0, 6, out=y),
)
leaky_relu = _built_in("leaky_relu", lambda x: np.maximum(x, 0.2 * x), lambda dy, x, y: dy * _steps(x, x > 0, 1, 0.2))
tanh = _built_in("tanh", np.tanh, lambda dy, x, y: dy * (1 - y * y), lambda y: partial(np.tanh, y, out=y))
sigmoid = _built_in("sigmoid", stable_sigmoid, lambda dy, x, y: dy * (y * (1 - y)), _sigmoid_in_place)
softmax = _built_in("softmax", stable_softmax, _softmax_backward, lambda y: _quiet(_softmax_in_place(y)))
hard_sigmoid = _built_in(
    "hard_sigmoid",
    lambda x: np.clip(x + 3, 0, 6) / 6,
    lambda dy, x, y: dy * _steps(x, (x > -3) & (x < 3), 1) / 6,
)
# What Keras 1 and 2 called hard_sigmoid.
hard_sigmoid_keras2 = _built_in(
    "hard_sigmoid_keras2",
    lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    lambda dy, x, y: dy * _steps(x, (x > -2.5) & (x < 2.5), 0.2),
)
elu = _built_in("elu", _elu, lambda dy, x, y: dy * np.where(x > 0, 1, y + 1))
selu = _built_in("selu", _selu, _selu_backward)
softplus = _built_in("softplus", _softplus, lambda dy, x, y: dy * stable_sigmoid(x))
softsign = _built_in("softsign", _softsign, _softsign_backward)
silu = _built_in("silu", _silu, _silu_backward)
exponential = _built_in("exponential", np.exp, lambda dy, x, y: dy * y, lambda y: _quiet(partial(np.exp, y, out=y)))

swish = silu

_KNOWN = {
    function.name: function
    for function in (
        *(linear, relu, relu6, leaky_relu, tanh, sigmoid, softmax, hard_sigmoid, hard_sigmoid_keras2),
        *(elu, selu, softplus, softsign, silu, exponential),
    )
} | {"swish": silu}


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


def for_cells(identifier: Any, argument: str) -> str:
    """Return the name of an activation that recurrent cells can have, or ValueError."""
    function = get(identifier, argument)
    if function.name not in CORE or function is not _KNOWN[function.name]:
        names = f"; valid names: {', '.join(sorted(CORE))}"
        checks.refuse(ValueError, argument, "one for recurrent layers", function.name, names)
    return function.name


def get(identifier: Any, argument: str = "activation") -> ActivationFunction:
    """Return the activation that a name or object stands for; None is ``linear``. Errors name the `argument`."""
    if identifier is None:
        return linear
    if is_function(identifier):
        identifier = identifier.get("config")
    if isinstance(identifier, str):
        identifier = _KNOWN.get(identifier) or get_registered_object(identifier) or identifier
    if isinstance(identifier, ActivationFunction):
        return identifier
    if callable(identifier) and not isinstance(identifier, type):
        return _of_function(identifier)
    wanted = "a known name, a function, or an ActivationFunction, which has a derivative too"
    names = f"; valid names: {', '.join(sorted(_KNOWN))}"
    checks.refuse(checks.kind_error(identifier), argument, wanted, identifier, names)


def serialize(activation: ActivationFunction) -> Any:
    """Return the name by which `get` finds a built-in activation, or the description of a function of one's own."""
    if not isinstance(activation, ActivationFunction):
        checks.refuse(TypeError, "activation", "an ActivationFunction", activation)
    if _KNOWN.get(activation.name) is activation:
        return activation.name
    return described_function(activation.function or activation)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> ActivationFunction:
    """Return the activation of a name, or of the description of a function, which may be in `custom_objects`."""
    with custom_object_scope(custom_objects):
        return get(config)


publish_functions(_KNOWN)
