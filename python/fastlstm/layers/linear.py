"""Linear layer."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fastlstm import _core, checks
from fastlstm.precisions import for_packing, product
from fastlstm.typing import Floats

from .arguments import as_array
from .draws import uniform
from .quantizable import Quantizable
from .sizes import check_size, shape_of
from .stateless import Back, Stateless


class Linear(Quantizable, Stateless):
    r"""Linear layer: :math:`y = W x + b` over the last axis.

    Parameters
    ----------
    in_features : int
        Numbers that go in.
    out_features : int
        Numbers that come out.
    bias : bool
        Whether to add one.
    dtype : str or dtype
        ``float32`` or ``float64``, or ``bfloat16`` for products of such numbers: weights, inputs and outputs are
        float32 then.
    seed : int, optional
        For the initial parameters, uniform in ``+-1/sqrt(in_features)``.

    Raises
    ------
    ValueError
        If a size is out of range.
    TypeError
        If a size is not a whole number or the dtype is another.

    Notes
    -----
    Constructor, call and parameter names, ``weight (out_features, in_features)`` and ``bias (out_features,)``, are
    those of ``torch.nn.Linear``. A row's bits do not depend on the others.

    Examples
    --------
    >>> import numpy as np, fastlstm as fl
    >>> fl.Linear(3, 2, seed=0)(np.ones((7, 4, 3), "float32")).shape
    (7, 4, 2)
    """

    _of_parameters = ("in_features", "out_features", "bias")
    _sizes = ("in_features", "out_features")
    _weights: _core.Dense

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, dtype: Any = "float32", seed: int | None = None
    ) -> None:
        self.in_features = checks.size("in_features", in_features)
        self.out_features = checks.size("out_features", out_features)
        self.bias = checks.truth("bias", bias)
        self._set_dtype(dtype)
        self._start(np.random.default_rng(checks.seed("seed", seed)))

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        bias = {"bias": (self.out_features,)} if self.bias else {}
        return {"weight": (self.out_features, self.in_features), **bias}

    def _draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return uniform(rng, self.in_features**-0.5, self._shapes())

    def _matrices(self) -> tuple[str, ...]:
        return ("weight",)

    def _pack(self, parameters: dict[str, Any]) -> _core.Dense:
        floats = self._floats(parameters)
        return _core.Dense(floats["weight"].T, floats.get("bias"), precision=for_packing(self._precision))

    @classmethod
    def _sizes_of(cls, own: dict[str, NDArray[Any]], prefix: str, names: list[Any], owner: str) -> dict[str, Any]:
        rows, columns = shape_of(own, "weight", prefix, names, owner)
        return {"in_features": columns, "out_features": rows, "bias": "bias" in own}

    def checked(self, x: Any) -> Floats:
        """Return the input, if it can be one."""
        array = as_array(x, "x", self.dtype)
        if array.ndim == 0 or array.shape[-1] != self.in_features:
            checks.refuse_shape("x", f"(..., {self.in_features})", array.shape)
        return array

    def forward(self, x: NDArray[Any]) -> Floats:
        """Compute the output."""
        rows = x.reshape(-1, self.in_features)
        return self._weights(rows).reshape(*x.shape[:-1], self.out_features)

    def forward_training(self, x: NDArray[Any]) -> tuple[Floats, Back]:
        """Compute the output, and what leads back."""
        self.check_trainable()
        weight, rows, precision = self._parameters["weight"], x.reshape(-1, self.in_features), self._precision

        def back(dy: Floats) -> tuple[Floats, dict[str, Floats]]:
            drows = dy.reshape(-1, self.out_features)
            bias = {"bias": cast(Floats, drows.sum(0))} if self.bias else {}
            dx, dweight = product(drows, weight, precision), product(drows.T, rows, precision)
            return dx.reshape(x.shape), {"weight": dweight, **bias}

        return self.forward(x), back

    def size_behind(self, size: int | None, has_time: bool) -> int | None:
        """Return what comes out; see `Stateless.size_behind`."""
        check_size("in_features", self.in_features, size)
        return self.out_features
