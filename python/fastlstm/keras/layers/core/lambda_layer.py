"""A function as a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array
from ..base import Layer
from ..running import parameters


class Lambda(Layer):
    """Apply a function, written with `ops` or operators, to the input.

    Parameters
    ----------
    function
        Takes the input, an array or a list of arrays, and perhaps ``mask`` and ``training``.
    output_shape
        Accepted and not needed: the shape is found by trying.
    mask
        Mask of the output, or a function of input and mask that gives it; None: it has none.
    arguments
        Further keyword arguments of the function.
    **kwargs
        Those of `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Lambda(lambda x: x[:, -1])(np.arange(6.0).reshape(1, 3, 2)).tolist()
    [[4.0, 5.0]]
    """

    composed = True
    describable = False

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
        self.mask = mask

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        """Apply the function."""
        given = {"mask": mask, "training": training}
        return self.function(
            inputs, **self.arguments, **{k: v for k, v in given.items() if k in parameters(self.function)}
        )

    def compute_mask(self, x: Any, mask: Any = None) -> Array | None:
        """Return what `mask` says."""
        found = self.mask(x, mask) if callable(self.mask) else self.mask
        return None if found is None else np.asarray(found)

    def get_config(self) -> dict[str, Any]:
        """NotImplementedError: a function cannot be described."""
        raise NotImplementedError(f"{self.name}: a Lambda has no config; write a layer with call() and get_config()")
