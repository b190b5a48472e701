"""What a layer of a user's own says of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Shape, as_shape, shape_text
from ..foundation.boxes import bare
from ..foundation.lookup import checked_name
from ..foundation.trees import leaves

if TYPE_CHECKING:
    from typing_extensions import Self


class InputSpec:
    """What an input of a layer must be like; a layer has one as ``input_spec``, or a list or dict of them.

    Parameters
    ----------
    dtype : dtype or DTypePolicy, optional
        Of the input as the layer takes it.
    shape : tuple of int
        Its sizes with the batch axis; None is any.
    ndim, max_ndim, min_ndim : int, optional
        Number of axes: exactly, at most, at least.
    axes : dict, optional
        Sizes of some axes by number, counted from the end if negative; None is any.
    allow_last_axis_squeeze : bool
        Whether a last axis of 1 may be there or not, in the input or in `shape`.
    name : str, optional
        Key of the input, where the layer is called on a dict.
    optional : bool
        Whether it may be None.

    Raises
    ------
    ValueError
        By a layer with such a spec, if an input of a call is not like that.

    Examples
    --------
    >>> import numpy as np
    >>> spec = InputSpec(ndim=3, axes={-1: 2})
    >>> spec.check(np.ones((1, 4, 2)), "x")
    >>> spec.check(np.ones((1, 2)), "x")
    Traceback (most recent call last):
    ValueError: x must have 3 axes, got shape (1, 2)
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else checks.any_dtype("InputSpec: dtype", dtype).name
        self.shape: Shape | None = None if shape is None else as_shape(shape, "InputSpec: shape")
        self.ndim = _count("ndim", ndim) if self.shape is None else len(self.shape)
        self.max_ndim, self.min_ndim = _count("max_ndim", max_ndim), _count("min_ndim", min_ndim)
        self.axes = _checked_axes({} if axes is None else axes, self.max_ndim if self.ndim is None else self.ndim)
        self.allow_last_axis_squeeze = checks.truth("InputSpec: allow_last_axis_squeeze", allow_last_axis_squeeze)
        self.name = checked_name(name, "InputSpec")
        self.optional = checks.truth("InputSpec: optional", optional)

    def check(self, x: Any, name: str) -> None:
        """ValueError about the argument `name` if `x`, an array or a symbolic tensor, is not like that."""
        if x is None and self.optional:
            return
        if not hasattr(x, "shape"):
            checks.refuse(TypeError, name, "an array", x)
        shape = tuple(x.shape)
        must = self._unmet_rank(len(shape)) or self._unmet_axes(shape)
        if must:
            checks.complain(ValueError, name, must, f"shape {shape_text(shape)}")
        if self.dtype is not None and np.dtype(x.dtype) != self.dtype:
            checks.complain(ValueError, name, f"have dtype {self.dtype}", np.dtype(x.dtype).name)

    def _unmet_rank(self, rank: int) -> str:
        if self.ndim is not None and rank != self.ndim and not self.allow_last_axis_squeeze:
            return f"have {self.ndim} axes"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"have at most {self.max_ndim} axes"
        return f"have at least {self.min_ndim} axes" if self.min_ndim is not None and rank < self.min_ndim else ""

    def _unmet_axes(self, shape: Shape) -> str:
        for axis, size in self.axes.items():
            if not -len(shape) <= axis < len(shape) or not _may_be(size, shape[axis]):
                return f"have size {size} in axis {axis}"
        if self.shape is None:
            return ""
        wanted = self.shape
        if self.allow_last_axis_squeeze:
            wanted, shape = _squeezed(wanted), _squeezed(shape)
        fits = len(wanted) == len(shape) and all(map(_may_be, wanted, shape))
        return "" if fits else f"have shape {shape_text(self.shape)}"

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return one with the settings of `config`."""
        return cls(**config)

    def __repr__(self) -> str:
        said = {name: value for name, value in self.get_config().items() if value}
        return f"InputSpec({', '.join(f'{name}={value}' for name, value in said.items())})"


def check_spec(spec: Any, x: Any, layer: str) -> None:
    """ValueError if `x`, what a layer of that name is called on, is not as its ``input_spec`` says.

    Parameters
    ----------
    spec : array_like
        An `InputSpec` or a list, tuple or dict of them, None among them for any input.
    x : array_like
        An array, box or symbolic tensor, or a list, tuple or dict of such.
    layer : str
        Name of the layer.
    """
    specs = leaves(spec)
    for part in specs:
        if not isinstance(part, InputSpec | None):
            checks.refuse(TypeError, f"{layer}: input_spec", "an InputSpec, or a list or dict of them", part)
    given = _by_name(specs, x, layer) if isinstance(x, dict) else leaves(x)
    if len(given) != len(specs):
        checks.complain(ValueError, f"{layer}: x", f"be {len(specs)} arrays", len(given))
    for number, (part, of_part) in enumerate(zip(given, specs, strict=True)):
        if of_part is not None:
            of_part.check(bare(part), f"{layer}: x" if len(specs) == 1 else f"{layer}: x[{number}]")


def _by_name(specs: list[Any], x: dict[str, Any], layer: str) -> list[Any]:
    """Return the inputs in a dict in the order of the specs, if these have names."""
    names = [spec.name for spec in specs if spec is not None and spec.name is not None]
    if len(names) < len(specs):
        return leaves(x)
    missing = [name for name in names if name not in x]
    if missing:
        checks.complain(ValueError, f"{layer}: x", f"have the keys {names}", sorted(x))
    return [x[name] for name in names]


def _count(name: str, value: Any) -> int | None:
    return None if value is None else checks.whole_number(f"InputSpec: {name}", value, at_least=0)


def _checked_axes(axes: Any, rank: int | None) -> dict[int, int | None]:
    if not isinstance(axes, Mapping):
        checks.refuse(TypeError, "InputSpec: axes", "a dict of sizes by axis", axes)
    found = {_axis(axis): _count(f"axes: {axis}", size) for axis, size in axes.items()}
    if rank is not None and found and max(found) >= rank:
        checks.complain(ValueError, "InputSpec: axes", f"be axes of an input with {rank}", max(found))
    return found


def _axis(given: Any) -> int:
    """Return the number of an axis, which is a text in what JSON has of a config."""
    is_text = isinstance(given, str) and given.removeprefix("-").isdecimal()
    return checks.whole_number("InputSpec: axes: each axis", int(given) if is_text else given)


def _may_be(wanted: int | None, size: int | None) -> bool:
    """Whether an axis has the wanted size, as far as both are known."""
    return wanted is None or size is None or wanted == size


def _squeezed(shape: Shape) -> Shape:
    return shape[:-1] if shape and shape[-1] == 1 else shape
