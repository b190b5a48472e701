"""A function of the user's own as a loss."""

from collections.abc import Callable
from typing import Any

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.lookup import function_name
from .base import Loss


class FunctionLoss(Loss):
    """A function ``f(y_true, y_pred)`` as a loss: the value of every entry or row, or one number.

    Parameters
    ----------
    function : callable
        Written with `ops` or operators.
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`.

    Raises
    ------
    ValueError
        If `reduction` is unknown.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import losses, ops
    >>> loss = losses.FunctionLoss(lambda y_true, y_pred: ops.mean(ops.abs(y_pred - y_true), axis=-1))
    >>> float(loss([[1.0, 2.0]], [[1.0, 4.0]]))
    1.0
    """

    def __init__(
        self,
        function: Callable[[Array, Array], Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.function = checks.function("function", function)
        super().__init__(function_name(function) if name is None else name, reduction, dtype)

    def call(self, y_true: Array, y_pred: Array) -> Any:
        """Return what the function gives."""
        return self.function(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """NotImplementedError: a function cannot be described."""
        raise NotImplementedError(f"loss {self.name!r} is a function and has no config")
