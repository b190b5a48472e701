"""What ``quantize()`` may be told as `config`, under Keras' names."""

from __future__ import annotations

from typing import Any

from fastlstm import checks

from .foundation.configs import Configurable

DEFAULT = "default"
"""The quantizer that Keras has by default."""


class AbsMaxQuantizer(Configurable):
    """Whole numbers of 8 bits with the largest magnitude of a row for 127: the one quantizer there is.

    Parameters
    ----------
    axis : int, optional
        -1 or None: each row, along its last axis, has a scale of its own.

    Raises
    ------
    NotImplementedError
        If `axis` is another than the last.

    Examples
    --------
    >>> from fastlstm import keras
    >>> keras.quantizers.AbsMaxQuantizer(axis=-1).get_config()
    {'axis': -1}
    """

    def __init__(self, axis: int | None = None) -> None:
        if axis is not None and checks.whole_number("axis", axis) != -1:
            checks.refuse(NotImplementedError, "axis", "-1 or None, as each row has a scale", axis)
        self.axis = axis


class Int8QuantizationConfig(Configurable):
    """Weights of 8 bits, and what the left side of products is rounded to.

    Parameters
    ----------
    weight_quantizer : None
        None: each unit has a scale of its own.
    activation_quantizer : AbsMaxQuantizer, optional
        ``"default"`` or an `AbsMaxQuantizer`: 8 bits, by row. None, with which Keras leaves activations in float, is
        ``activations="int16"`` here.

    Raises
    ------
    NotImplementedError
        If a quantizer is another one: with a scale for something else than units and rows, or of other bits.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers, quantizers
    >>> layer = layers.Dense(3)
    >>> y = layer(np.ones((1, 2), "float32"))
    >>> layer.quantize(config=quantizers.Int8QuantizationConfig(activation_quantizer=None))
    >>> layer.precision
    'int8_int16'
    """

    mode = "int8"

    def __init__(self, weight_quantizer: None = None, activation_quantizer: Any = DEFAULT) -> None:
        if weight_quantizer is not None:
            checks.refuse(NotImplementedError, "weight_quantizer", "None", weight_quantizer)
        if activation_quantizer not in (None, DEFAULT) and not isinstance(activation_quantizer, AbsMaxQuantizer):
            wanted = f"None, {DEFAULT!r} or an AbsMaxQuantizer"
            checks.refuse(NotImplementedError, "activation_quantizer", wanted, activation_quantizer)
        self.weight_quantizer = weight_quantizer
        self.activation_quantizer = activation_quantizer

    @property
    def activations(self) -> str:
        """What ``quantize()`` calls it."""
        return "int16" if self.activation_quantizer is None else "int8"
