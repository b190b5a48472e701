"""Normalization."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks
from fastlstm.typing import Floats

from .arguments import as_array
from .sizes import check_size, missing
from .stateless import Back, Stateless


class LayerNorm(Stateless):
    r"""Layer normalization: :math:`y = w (x - \mu) / \sqrt{\sigma^2 + \epsilon} + b` over the last axes.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The last axes, over which mean and variance are taken.
    eps : float
        Added to the variance.
    elementwise_affine : bool
        Whether there are ``weight`` and ``bias``, both of `normalized_shape`.
    bias : bool
        Whether there is a bias beside the weight.
    dtype : str or dtype
        ``float32`` or ``float64``.

    Raises
    ------
    ValueError
        If a size is out of range.
    TypeError
        If a size is not a whole number or the dtype is another.

    Notes
    -----
    Constructor, call and parameter names are those of ``torch.nn.LayerNorm``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> fl.LayerNorm(2)(np.array([[1.0, 3.0]], "float32")).round(3).tolist()
    [[-1.0, 1.0]]
    """

    _of_parameters = ("normalized_shape", "elementwise_affine", "bias")
    _sizes = ("normalized_shape",)

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dtype: Any = "float32",
    ) -> None:
        wanted = "a whole number or a list of them"
        sizes = normalized_shape if isinstance(normalized_shape, Iterable) else [normalized_shape]
        self.normalized_shape = tuple(
            checks.size("normalized_shape", size) for size in checks.items("normalized_shape", sizes, wanted)
        )
        if not self.normalized_shape:
            checks.refuse(ValueError, "normalized_shape", wanted, normalized_shape)
        self.eps = checks.real_number("eps", eps, at_least=0)
        self.elementwise_affine = checks.truth("elementwise_affine", elementwise_affine)
        self.bias = checks.truth("bias", bias) and self.elementwise_affine
        self.dtype = checks.float_dtype("dtype", dtype)
        self._start(np.random.default_rng(0))

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        names = ("weight",) * self.elementwise_affine + ("bias",) * self.bias
        return dict.fromkeys(names, self.normalized_shape)

    def _draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return {name: np.full(shape, name == "weight", self.dtype) for name, shape in self._shapes().items()}

    @classmethod
    def _sizes_of(cls, own: dict[str, NDArray[Any]], prefix: str, names: list[Any], owner: str) -> dict[str, Any]:
        if "weight" not in own:
            missing(f"{prefix}weight", names)
        return {"normalized_shape": own["weight"].shape, "elementwise_affine": True, "bias": "bias" in own}

    def checked(self, x: Any) -> Floats:
        """Return the input, if it can be one."""
        array, sizes = as_array(x, "x", self.dtype), self.normalized_shape
        if array.shape[-len(sizes) :] != sizes:
            checks.refuse_shape("x", f"(..., {', '.join(map(str, sizes))})", array.shape)
        return array

    def forward(self, x: NDArray[Any]) -> Floats:
        """Compute the output."""
        return self._scaled(self._normalized(x)[0]).reshape(x.shape)

    def forward_training(self, x: NDArray[Any]) -> tuple[Floats, Back]:
        """Compute the output, and what leads back."""
        normal, deviation = self._normalized(x)
        weight = self._parameters["weight"].reshape(-1) if self.elementwise_affine else self.dtype.type(1)

        def back(dy: Floats) -> tuple[Floats, dict[str, Floats]]:
            rows = dy.reshape(normal.shape)
            found = {"weight": (rows * normal).sum(0), "bias": rows.sum(0)}
            slopes = rows * weight
            along = normal * (slopes * normal).mean(-1, keepdims=True)
            dx = (slopes - slopes.mean(-1, keepdims=True) - along) / deviation
            gradients = {name: found[name].reshape(self.normalized_shape) for name in self._shapes()}
            return dx.reshape(x.shape), cast(dict[str, Floats], gradients)

        return self._scaled(normal).reshape(x.shape), back

    def _normalized(self, x: NDArray[Any]) -> tuple[Floats, Floats]:
        """Return rows of mean 0 and variance 1, and the deviation of each."""
        rows = np.ascontiguousarray(x).reshape(-1, math.prod(self.normalized_shape))
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite makes NaN, as in PyTorch
            centred = rows - rows.mean(-1, keepdims=True)
            deviation = np.sqrt((centred * centred).mean(-1, keepdims=True) + self.dtype.type(self.eps))
            return centred / deviation, deviation

    def _scaled(self, normal: Floats) -> Floats:
        arrays = {name: self._parameters[name].reshape(-1) for name in self._shapes()}
        scaled = normal * arrays["weight"] if "weight" in arrays else normal
        return cast(Floats, scaled + arrays["bias"] if "bias" in arrays else scaled)

    def size_behind(self, size: int | None, has_time: bool) -> int | None:
        """Return the size that came in; see `Stateless.size_behind`."""
        check_size("normalized_shape", self.normalized_shape[-1], size)
        return size

    def check_step(self) -> None:
        """Raise unless it acts on the last axis alone, which time steps have."""
        if len(self.normalized_shape) > 1:
            must = "be one number for a layer to stream: steps have no axis of time"
            checks.complain(ValueError, "normalized_shape", must, self.normalized_shape)


class BatchNorm1d(Stateless):
    r"""Batch normalization as in inference: :math:`y = w (x - \mu) / \sqrt{\sigma^2 + \epsilon} + b` for every feature.

    Mean and variance are those that training in PyTorch left, ``running_mean`` and ``running_var``: `vjp` goes by them
    too, as there in ``eval()``, and changes none of them.

    Parameters
    ----------
    num_features : int
        ``C``; inputs are ``(N, C)`` or ``(N, C, L)``.
    eps : float
        Added to the variance.
    affine : bool
        Whether there are ``weight`` and ``bias``.
    dtype : str or dtype
        ``float32`` or ``float64``.

    Raises
    ------
    ValueError
        If a size is out of range.
    TypeError
        If a size is not a whole number or the dtype is another.

    Notes
    -----
    Names and shapes of the arrays are those of ``torch.nn.BatchNorm1d``, ``num_batches_tracked`` among them.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> layer = fl.BatchNorm1d(2)
    >>> layer(np.ones((3, 2), "float32")).shape
    (3, 2)
    >>> sorted(layer.state_dict())
    ['bias', 'num_batches_tracked', 'running_mean', 'running_var', 'weight']
    """

    _of_parameters = ("num_features", "affine")
    _sizes = ("num_features",)

    def __init__(self, num_features: int, eps: float = 1e-5, affine: bool = True, dtype: Any = "float32") -> None:
        self.num_features = checks.size("num_features", num_features)
        self.eps = checks.real_number("eps", eps, at_least=0)
        self.affine = checks.truth("affine", affine)
        self.dtype = checks.float_dtype("dtype", dtype)
        self._start(np.random.default_rng(0))

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        names = ("weight", "bias") * self.affine + ("running_mean", "running_var")
        return {**dict.fromkeys(names, (self.num_features,)), "num_batches_tracked": ()}

    def _buffer_names(self) -> tuple[str, ...]:
        return ("running_mean", "running_var", "num_batches_tracked")

    def _dtype_of(self, name: str) -> np.dtype[Any]:
        return np.dtype(np.int64) if name == "num_batches_tracked" else self.dtype

    def _draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return {name: np.full(shape, name in ("weight", "running_var")) for name, shape in self._shapes().items()}

    @classmethod
    def _sizes_of(cls, own: dict[str, NDArray[Any]], prefix: str, names: list[Any], owner: str) -> dict[str, Any]:
        if "running_mean" not in own:
            missing(f"{prefix}running_mean", names)
        return {"num_features": own["running_mean"].size, "affine": "weight" in own}

    def checked(self, x: Any) -> Floats:
        """Return the input, if it can be one."""
        array, C = as_array(x, "x", self.dtype), self.num_features
        if array.ndim not in (2, 3) or array.shape[1] != C:
            checks.refuse_shape("x", f"(N, {C}) or (N, {C}, L)", array.shape)
        return array

    def forward(self, x: NDArray[Any]) -> Floats:
        """Compute the output."""
        arrays = self._parameters
        normal = (x - self._along(arrays["running_mean"], x)) / self._deviation(x)
        return self._scaled(normal)

    def forward_training(self, x: NDArray[Any]) -> tuple[Floats, Back]:
        """Compute the output, and what leads back."""
        mean, deviation = self._along(self._parameters["running_mean"], x), self._deviation(x)
        normal, axes = (x - mean) / deviation, (0, 2)[: x.ndim - 1]

        def back(dy: Floats) -> tuple[Floats, dict[str, Floats]]:
            if not self.affine:
                return dy / deviation, {}
            weight = self._along(self._parameters["weight"], x)
            return dy * weight / deviation, {"weight": (dy * normal).sum(axes), "bias": dy.sum(axes)}

        return self._scaled(normal), back

    def _along(self, array: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
        """Return one number a feature along the axes of `x`."""
        return array.reshape((-1, 1)[: x.ndim - 1])

    def _deviation(self, x: NDArray[Any]) -> NDArray[Any]:
        variance = self._along(self._parameters["running_var"], x)
        return cast(NDArray[Any], np.sqrt(variance + self.dtype.type(self.eps)))

    def _scaled(self, normal: NDArray[Any]) -> Floats:
        if not self.affine:
            return cast(Floats, normal)
        weight, bias = (self._along(self._parameters[name], normal) for name in ("weight", "bias"))
        return cast(Floats, normal * weight + bias)

    def size_behind(self, size: int | None, has_time: bool) -> int | None:
        """Return the size that came in; see `Stateless.size_behind`."""
        if not has_time:
            check_size("num_features", self.num_features, size)
        return size

    def check_step(self) -> None:
        """Raise: of a sequence it takes axis 1 for the features, which a step does not have."""
        checks.complain(ValueError, "a layer to stream", "act on the last axis", "a BatchNorm1d, which acts on axis 1")
