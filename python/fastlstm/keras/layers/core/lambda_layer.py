"""A function as a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array
from ...foundation.published import find_function
from ...foundation.serialization import described_function, restored, serialize_keras_object
from ...foundation.symbolic import any_symbolic
from ..base import Layer
from ..running import parameters


class Lambda(Layer):
    """Apply a function, written with `ops` or operators, to the input.

    Parameters
    ----------
    function : callable
        Takes the input, an array or a list of arrays, and perhaps ``mask`` and ``training``.
    output_shape : tuple of int or callable, optional
        Accepted and not needed: the shape is found by trying.
    mask : array_like, optional
        Mask of the output, or a function of input and mask that gives it; None: it has none.
    arguments : dict, optional
        Further keyword arguments of the function.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Lambda(lambda x: x[:, -1])(np.arange(6.0).reshape(1, 3, 2)).tolist()
    [[4.0, 5.0]]
    """

    told_of_mask = True
    composed = True
    keras_past: ClassVar[Mapping[str, Any]] = {"output_shape_type": ..., "output_shape_module": ..., "module": ...}

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.function = checks.function(f"{self.name}: function", function)
        if not (output_shape is None or isinstance(output_shape, list | tuple) or callable(output_shape)):
            checks.refuse(TypeError, f"{self.name}: output_shape", "a tuple of sizes, or None", output_shape)
        if not (mask is None or isinstance(mask, np.ndarray) or callable(mask)):
            checks.refuse(TypeError, f"{self.name}: mask", "a function, an array or None", mask)
        self.arguments = {} if arguments is None else checks.settings(f"{self.name}: arguments", arguments)
        self.mask, self._output_shape = mask, output_shape

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        """Apply the function."""
        given = {"mask": mask, "training": training}
        return self.function(
            inputs, **self.arguments, **{k: v for k, v in given.items() if k in parameters(self.function)}
        )

    @property
    def ends_masks(self) -> bool:
        """Whether nothing was said of masks."""
        return self.mask is None

    def compute_mask(self, x: Any, mask: Any = None) -> Array | None:
        """Return what `mask` says."""
        found = self.mask(x, mask) if callable(self.mask) else self.mask
        return found if found is None or any_symbolic(found) else np.asarray(found)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments: of functions their names, by which they must be known to be read."""
        own = {"function": self._described(self.function), "arguments": serialize_keras_object(self.arguments)}
        if self._output_shape is not None:
            own["output_shape"] = self._described(self._output_shape)
        if self.mask is not None:
            own["mask"] = self._described(self.mask)
        return super().get_config() | own

    def _described(self, value: Any) -> Any:
        try:
            return described_function(value) if callable(value) else serialize_keras_object(value)
        except ValueError as error:
            raise checks.named(error, self.name) from None

    @classmethod
    def _restored(cls, given: dict[str, Any]) -> dict[str, Any]:
        return given | {name: _named(given[name], name) for name in _FUNCTIONS if name in given}


_FUNCTIONS = ("function", "output_shape", "mask")
"""Arguments that may be functions."""


def _named(described: Any, name: str) -> Any:
    """Return the function or array that a config has for an argument; code, as Keras 2 has it, is not run."""
    argument = f"Lambda: {name}"
    if name == "function" and isinstance(described, list):
        described = {"class_name": "__lambda__", "config": {}}
    if name == "function" and isinstance(described, str):
        return find_function(described, argument)
    is_object = isinstance(described, dict) and {"class_name", "config"} <= described.keys()
    return restored(described, argument) if is_object else described
