"""Tensors without values: what a functional model is written down with.

A layer called on such a tensor computes nothing. It notes the call as a `Node` and gives what will
come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastlstm import checks

from .arrays import Shape, shape_text
from .lookup import auto_name
from .texts import dtype_name
from .trees import leaves, mapped

OPERATORS: dict[str, Callable[..., Any]] = {}
"""What ``x + y``, ``x[i]`` and the like mean for symbolic tensors; `ops` enters them here."""


class SymbolicTensor:
    """A tensor that is yet to come.

    Parameters
    ----------
    shape : tuple of int
        With the batch axis; None for what is open.
    dtype : dtype
        Of its entries.
    name : str, optional
        By default ``keras_tensor``, numbered.

    Examples
    --------
    >>> from fastlstm import keras
    >>> x = keras.Input((5, 3))
    >>> (x + 1).shape
    (None, 5, 3)
    """

    __array_ufunc__ = None  # so that NumPy leaves ``array + tensor`` to the tensor

    def __init__(self, shape: Shape, dtype: DTypeLike, name: str | None = None) -> None:
        self.shape: Shape = tuple(shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.name = name or auto_name("KerasTensor")
        self.node: Node | None = None
        self.index = 0
        self.mask: SymbolicTensor | None = None
        """Which of its entries count, as far as that is known before there are values."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def origin(self) -> str:
        """Name of the layer or operation that gives it, that of an `Input` too."""
        return self.name if self.node is None or self.node.layer is None else self.node.layer.name

    @property
    def _keras_mask(self) -> Any:
        """What Keras calls `mask`."""
        return self.mask

    def _refuse(self, what: str, cure: str) -> Any:
        checks.complain(TypeError, self.name, f"have values {what}", "a symbolic tensor, which has none", f"; {cure}")

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Any:
        return self._refuse("that NumPy could take", "use fastlstm.keras.ops, or a layer")

    def __bool__(self) -> bool:
        return bool(self._refuse("to decide by", "use ops.where, or decide in the call() of a layer"))

    def __float__(self) -> float:
        return float(self._refuse("to convert", "use fastlstm.keras.ops"))

    def __int__(self) -> int:
        return int(self._refuse("to convert", "use fastlstm.keras.ops"))

    def __len__(self) -> int:
        return int(self._refuse("to count", "see its shape"))

    def __iter__(self) -> Iterator[Any]:
        self._refuse("to go through", "take parts by x[:, i]")
        yield

    def __getitem__(self, key: Any) -> Any:
        return OPERATORS["getitem"](self, key)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={dtype_name(self.dtype)}, name={self.name}>"


def _operator(name: str, swapped: bool = False) -> Callable[..., Any]:
    def method(self: SymbolicTensor, *others: Any) -> Any:
        operands = (*others, self) if swapped else (self, *others)
        return OPERATORS[name](*operands)

    return method


_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_COMPARISONS = ("lt", "le", "gt", "ge")
_UNARY = ("neg", "abs", "pos", "invert")

for _name in (*_BINARY, *_COMPARISONS, *_UNARY):
    setattr(SymbolicTensor, f"__{_name}__", _operator(_name))
for _name in _BINARY:
    setattr(SymbolicTensor, f"__r{_name}__", _operator(_name, swapped=True))


def described(tensors: Iterable[SymbolicTensor]) -> str:
    """Say which tensors these are: shapes, and the layers they come from."""
    return ", ".join(dict.fromkeys(f"{shape_text(tensor.shape)} from {tensor.origin!r}" for tensor in tensors))


class Arguments:
    """What a layer or an operation was called with, and which of it are tensors.

    Parameters
    ----------
    args, kwargs : tuple
        As given: tensors may be inside lists, tuples and dicts.
    is_tensor : callable, optional
        Says which leaves are; by default the symbolic ones.
    """

    def __init__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], is_tensor: Callable[[Any], bool] | None = None
    ) -> None:
        is_tensor = is_tensor or _is_symbolic
        self.tensors: list[Any] = []
        self.args, self.kwargs = mapped(lambda leaf: self._entry(leaf, is_tensor), [args, kwargs])

    def _entry(self, leaf: Any, is_tensor: Callable[[Any], bool]) -> Any:
        if not is_tensor(leaf):
            return leaf
        self.tensors.append(leaf)
        return Hole(len(self.tensors) - 1)

    def filled(self, values: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return args and kwargs with these values, one or a list, for the tensors."""
        given = values if isinstance(values, list) else [values]

        def put(leaf: Any) -> Any:
            return given[leaf.number] if isinstance(leaf, Hole) else leaf

        args, kwargs = mapped(put, [self.args, self.kwargs])
        return args, kwargs


class Hole:
    """Where a tensor belongs among arguments."""

    def __init__(self, number: int) -> None:
        self.number = number


def _is_symbolic(leaf: Any) -> bool:
    return isinstance(leaf, SymbolicTensor)


class Node:
    """One call of a layer on symbolic tensors.

    Parameters
    ----------
    layer : Layer
        What was called; None for an input of a model.
    arguments : Arguments
        What it was called with; the tensors among it are its inputs, in order.
    outputs : array_like or list of array_like
        Tensor, or tree of tensors, that it gives.
    mask : SymbolicTensor, optional
        Tensor given as ``mask=``.
    training : bool, optional
        What was given as ``training=``; None: whatever the model does.
    """

    def __init__(
        self,
        layer: Any,
        arguments: Arguments,
        outputs: Any,
        mask: SymbolicTensor | None = None,
        training: bool | None = None,
    ) -> None:
        self.layer, self.arguments, self.structure = layer, arguments, outputs
        self.inputs: list[SymbolicTensor] = arguments.tensors
        self.outputs: list[SymbolicTensor] = leaves(outputs)
        self.mask, self.training = mask, training
        self.told: list[SymbolicTensor] = []
        """Masks that came with the inputs, which Keras lists among what the call needs."""
        for index, tensor in enumerate(self.outputs):
            tensor.node, tensor.index = self, index

    @property
    def needs(self) -> list[SymbolicTensor]:
        """The tensors that must be there first."""
        return self.inputs if self.mask is None else [*self.inputs, self.mask]

    @property
    def drawn(self) -> list[SymbolicTensor]:
        """`needs`, and the masks that it is told of."""
        return [*self.needs, *self.told] if self.told else self.needs


def any_symbolic(*trees: Any) -> bool:
    """Whether there is a symbolic tensor among the leaves."""
    return any(isinstance(leaf, SymbolicTensor) for tree in trees for leaf in leaves(tree))
