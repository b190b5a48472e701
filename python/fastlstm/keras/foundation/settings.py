"""What holds for all layers made from now on: the default dtype, and the smallest probability."""

from fastlstm import checks

EPSILON = 1e-7
"""Probabilities are kept this far from 0 and 1 before a logarithm, as in Keras."""

_floatx = "float32"


def floatx() -> str:
    """Return the dtype of layers that are not told one."""
    return _floatx


def set_floatx(value: str) -> None:
    """Set the dtype of layers that are not told one: ``"float32"`` or ``"float64"``."""
    global _floatx
    _floatx = checks.float_dtype("value", value).name


def epsilon() -> float:
    """Return the smallest probability that a logarithm is taken of."""
    return EPSILON
