"""Operators by kind: each module has a table of builders, which read a node and return the function that runs it."""

from . import arithmetic, product, recurrent, reduction, shape
from .table import Builder

OPERATORS: dict[tuple[str, str], Builder] = {
    ("", op): build
    for module in (arithmetic, product, recurrent, reduction, shape)
    for op, build in module.OPERATORS.items()
}
"""Builders by domain and name; that of ONNX itself has no name."""
