"""What all metrics share: values of entries gathered to a mean, weights, and their config."""

from typing import Any

import numpy as np

from fastlstm import checks

from .. import initializers, losses
from ..foundation.arrays import Array, any_numbers, weight_shape
from ..foundation.carried import State, check_keys
from ..foundation.configs import Configurable
from ..foundation.lookup import checked_name, snake_case
from ..foundation.settings import floatx
from ..foundation.trees import leaves
from ..foundation.variable import Variable


class Metric(Configurable):
    """Base class. A metric of your own defines `call`, the value of every entry, or `update_state` and `result`.

    What it gathers are weights from `add_weight`, or other metrics, kept as attributes; `reset_state` makes them zeros.

    Parameters
    ----------
    name : str, optional
        Under which it is logged; by default the class name in snake case.
    dtype : dtype or DTypePolicy, optional
        Accepted and ignored: sums are kept as Python floats.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> class Largest(metrics.Metric):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.reset_state()
    ...
    ...     def reset_state(self):
    ...         self.largest = 0.0
    ...
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest = max(self.largest, float(abs(y_pred - y_true).max()))
    ...
    ...     def result(self):
    ...         return self.largest
    ...
    >>> metric = Largest()
    >>> import numpy as np
    >>> metric.update_state(np.zeros(2), np.array([1.0, -3.0]))
    >>> metric.result()
    3.0
    """

    direction = "down"
    """Whether a better model has a higher (``"up"``) or lower (``"down"``) value."""

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.name = checked_name(name, type(self).__name__) or snake_case(type(self).__name__)
        self._dtype = floatx() if dtype is None else checks.any_dtype("dtype", dtype).name
        self.total, self.count = 0.0, 0.0

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: Any = None, aggregation: Any = None
    ) -> Variable:
        """Return a weight that the metric gathers something in; keep it as an attribute.

        Parameters
        ----------
        shape : tuple of int
            Its sizes; by default those of a number.
        initializer : str or Initializer
            Of its first value; by default zeros.
        dtype : dtype or DTypePolicy, optional
            By default that of the metric.
        name : str
            By default ``variable``.
        aggregation : str
            There is nothing to choose; accepted and ignored.
        """
        name = checked_name(name, "add_weight") or "variable"
        value = initializers.get(initializer)(weight_shape(shape, "shape")).astype(np.dtype(dtype or self._dtype))
        return Variable(value, name=name, path=f"{self.name}/{name}", trainable=False)

    add_variable = add_weight

    @property
    def variables(self) -> list[Variable]:
        """The weights, those of other metrics inside too."""
        found: list[Variable] = []
        for value in leaves(list(vars(self).values())):
            found += [value] if isinstance(value, Variable) else value.variables if isinstance(value, Metric) else []
        return found

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the value of every entry."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred)")

    def check(self, y_true: Array, output_shape: tuple[int | None, ...]) -> None:
        """Raise if labels and outputs of these shapes cannot be compared; asked once, before the first step."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch."""
        labels, outputs = any_numbers(y_true, "y_true"), losses.as_outputs(y_pred)
        if labels.shape[:1] != outputs.shape[:1]:
            checks.complain(ValueError, "y_true", f"have the rows of y_pred {outputs.shape}", f"shape {labels.shape}")
        self.add(self.call(labels, outputs), sample_weight)

    def add(self, values: Array, sample_weight: Any = None) -> None:
        """Take in the values of some entries: all rows count alike, or by their weights."""
        if values.ndim == 0:
            self.total += float(values)
            self.count += 1
        elif sample_weight is not None:
            self._add_weighted(values, any_numbers(sample_weight, "sample_weight"))
        elif values.size:
            rows = len(values)
            total = np.count_nonzero(values) if values.dtype == np.bool_ else np.add.reduce(values, axis=None)
            self.total += float(total) * rows / values.size
            self.count += rows

    def _add_weighted(self, values: Array, weights: Array) -> None:
        if weights.ndim > values.ndim:
            weights = weights.mean(axis=tuple(range(values.ndim, weights.ndim)))
        if values.ndim > weights.ndim:
            values = values.mean(axis=tuple(range(weights.ndim, values.ndim)))
        if values.size:
            scale = len(values) / values.size
            self.total += float(losses.weighted(values, weights).sum()) * scale
            self.count += float(np.broadcast_to(weights, values.shape).sum()) * scale

    def result(self) -> Any:
        """Return the mean so far, 0 before the first batch."""
        return self.total / self.count if self.count else 0.0

    def reset_state(self) -> None:
        """Forget everything."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape))
        for part in leaves(list(vars(self).values())):
            if isinstance(part, Metric):
                part.reset_state()
        self.total, self.count = 0.0, 0.0

    def get_state(self) -> State:
        """Return what the metric has gathered, for a checkpoint: numbers, arrays, weights and metrics inside it.

        A metric of your own that gathers anything else in its attributes adds it.
        """
        found = {name: _kept(value) for name, value in vars(self).items()}
        return {name: value for name, value in found.items() if value is not None}

    def set_state(self, state: State) -> None:
        """Go on from what `get_state` gave."""
        check_keys(self.name, {name: None for name in state if name not in vars(self)}, ())
        for name, value in state.items():
            own = getattr(self, name)
            if isinstance(own, Variable):
                own.assign(value)
            elif isinstance(own, Metric):
                own.set_state(value)
            else:
                setattr(self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in one batch and give the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"name": self.name, "dtype": self._dtype} | dict(self.keras_only)


def _kept(value: Any) -> Any:
    """Return what a checkpoint has of an attribute; None: nothing, as it is a setting."""
    if isinstance(value, Variable):
        return value.numpy()
    if isinstance(value, Metric):
        return value.get_state()
    if isinstance(value, list | tuple | dict):
        return value if all(map(_is_number, leaves(value))) else None
    return value if _is_number(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | np.ndarray) and not isinstance(value, bool)
