"""Operators by kind: each module has a table of builders, which read a node and return the function that runs it."""

from . import (
    arithmetic,
    axes,
    control,
    normalization,
    ordering,
    product,
    quantized,
    recurrent,
    reduction,
    shape,
    windows,
)
from .table import Builder

_MODULES = (
    *(arithmetic, axes, control, normalization, ordering, product),
    *(quantized, recurrent, reduction, shape, windows),
)

OPERATORS: dict[tuple[str, str], Builder] = {
    **{("", op): build for module in _MODULES for op, build in module.OPERATORS.items()},
    **{("com.microsoft", op): build for op, build in quantized.MICROSOFT.items()},
}
"""Builders by domain and name; that of ONNX itself has no name."""
