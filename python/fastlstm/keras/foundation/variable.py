"""A named weight whose value is an immutable snapshot."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from operator import attrgetter, is_
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from fastlstm import checks
from fastlstm.forks import CHANGES, held_at_forks
from fastlstm.precisions import check_whole
from fastlstm.scopes import Scoped

from .arrays import Array, any_numbers, as_shape
from .boxes import autograd, bare, is_box, value_of
from .eager import as_tensors
from .passes import current
from .settings import floatx
from .symbolic import SymbolicTensor
from .tensors import tensor

if TYPE_CHECKING:
    from ..constraints import Constraint
    from ..regularizers import Regularizer

CHANGE = threading.RLock()
"""Held while weights that belong together change or are made, and while a layer derives something from them."""

held_at_forks(CHANGE, CHANGES)


class Variable:
    """One weight of a layer.

    A change never writes into the array in place but puts another one in its stead. A forward pass in another thread
    therefore goes on with the arrays it started with, and ``variable.value is seen_before`` tells whether it changed.
    The array is read-only: layers keep what they derived from it, and would not see it change.

    Parameters
    ----------
    initializer : str or Initializer
        The first value, numbers of any kind, whose dtype stays for good; or an initializer, which is given shape and
        dtype. An array is copied unless nobody can write to it.
    shape : tuple of int
        Its sizes, for an initializer.
    dtype : dtype, optional
        By default that of the value; of Python's numbers and of an initializer ``floatx()``, of whole ones int32.
    trainable : bool
        Whether training changes it at all.
    autocast, aggregation, synchronization : bool; str
        No effect: there is one process, and layers have a dtype.
    name : str, optional
        For instance ``"kernel"``.
    path : str
        For instance ``"sequential/lstm/kernel"``.
    regularizer : Regularizer, optional
        Its penalty is part of the loss.
    constraint : Constraint, optional
        Applied after every step of training.

    Raises
    ------
    ValueError
        If an initializer is given without a shape.
    TypeError
        If the first values are no numbers, or `dtype` is none.

    Examples
    --------
    >>> scale = Variable([1.0, 2.0], name="scale")
    >>> scale.assign_add([1.0, 1.0])
    >>> scale.numpy()
    array([2., 3.], dtype=float32)
    """

    __slots__ = (
        "__weakref__",
        "_value",
        "constraint",
        "has_gradient",
        "name",
        "other_form",
        "path",
        "regularizer",
        "trainable",
    )

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        synchronization: str = "auto",
        name: str | None = None,
        *,
        path: str = "",
        regularizer: Regularizer | None = None,
        constraint: Constraint | None = None,
    ) -> None:
        value = _first_value(initializer, shape, dtype)
        owned = value.base is None and not value.flags.writeable
        self._value = value if owned else frozen_copy(value)
        self.name = "variable" if name is None else checks.text("Variable: name", name)
        self.path = path or self.name
        self.regularizer = regularizer
        self.constraint = constraint
        self.trainable = self.has_gradient = checks.truth("Variable: trainable", trainable)
        """Whether training changes it, which may be set; and whether layers give a gradient of it, as it was made."""
        self.other_form: Callable[[Array, tuple[int, ...]], Array] | None = None
        """Brings what is assigned in another form into one of a shape; what it does not know stays as it is."""

    @property
    def value(self) -> Array:
        """The value, an array to read from; `assign` changes it, as does ``variable.value = new``.

        While a gradient of a function of one's own is taken, this is autograd's box of it.
        """
        passing = current()
        if passing is None:
            return self._value
        return passing.value_of(self, current_values((self,))[0])  # type: ignore[no-any-return]

    @value.setter
    def value(self, value: Any) -> None:
        self.assign(value)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self._value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the value."""
        return self._value.dtype

    def numpy(self) -> Array:
        """Return a copy of the value."""
        copy: Array = bare(self.value).copy()
        return copy

    def assign(self, value: Any) -> None:
        """Take a copy of `value`, which must have this weight's shape.

        In a function of one's own, this counts from there on, and for everything else once the function is done.
        """
        passing, array = current(), self.checked(value)
        if passing is None:
            self._value = array
        else:
            passing.assign(self, array)

    def checked(self, value: Any) -> Array:
        """Return a read-only copy of `value` fit to be assigned, or ValueError."""
        array = any_numbers(bare(value_of(value)), self.path)
        if array.shape != self.shape and self.other_form is not None:
            array = self.other_form(array, self.shape)
        if array.shape != self.shape:
            checks.refuse_shape(self.path, self.shape, array.shape)
        if self.dtype == np.int8:
            check_whole(self.path, array)
        return frozen_copy(array, self.dtype)

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        self.trainable, self.has_gradient, self.other_form = True, True, None
        for name, value in state[1].items():
            setattr(self, name, value)
        self._value.flags.writeable = False  # which NumPy neither pickles nor copies

    def assign_add(self, value: Any) -> None:
        """Add to the value."""
        self.assign(bare(self.value) + any_numbers(bare(value), self.path))

    def assign_sub(self, value: Any) -> None:
        """Subtract from the value."""
        self.assign(bare(self.value) - any_numbers(bare(value), self.path))

    def __getitem__(self, key: Any) -> Any:
        return as_tensors(self.value[key])

    def __neg__(self) -> Any:
        return -self.value

    def __abs__(self) -> Any:
        return abs(self.value)

    def __len__(self) -> int:
        return len(self._value)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._value.ndim

    def __bool__(self) -> bool:
        return bool(bare(self.value))

    def __float__(self) -> float:
        return float(bare(self.value))

    def __int__(self) -> int:
        return int(bare(self.value))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        values = [*map(value_of, inputs)]
        if any(map(is_box, values)) and method == "__call__":
            return getattr(autograd().numpy, ufunc.__name__)(*values, **kwargs)
        return getattr(ufunc, method)(*values, **kwargs)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        if is_box(self.value):
            got, cure = "a function of NumPy, which a gradient does not follow", "; use fastlstm.keras.ops"
            checks.complain(TypeError, self.path, "be used by functions that know its gradient", got, cure)
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"


def _operator(name: str) -> Any:
    function = getattr(operator, name)

    def method(self: Variable, other: Any) -> Any:
        if isinstance(other, SymbolicTensor):
            return NotImplemented  # the tensor notes the operation, with the variable itself
        return function(self.value, value_of(other))

    return method


def _swapped(name: str) -> Any:
    function = getattr(operator, name)

    def method(self: Variable, other: Any) -> Any:
        return function(other, self.value)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(Variable, f"__{_name}__", _operator(_name))
    setattr(Variable, f"__r{_name}__", _swapped(_name))
for _name in ("lt", "le", "gt", "ge"):
    setattr(Variable, f"__{_name}__", _operator(_name))


class _Made:
    count = 0


def note_new_variables() -> int:
    """Note that layers have other variables than before, which lists made earlier lack; return `count_of_changes`."""
    with CHANGE:
        _Made.count += 1
        return _Made.count


def count_of_changes() -> int:
    """Return how often layers changed their variables."""
    return _Made.count


def frozen_copy(value: Array, dtype: np.dtype[Any] | None = None) -> Array:
    """Return a contiguous copy of `value` that nobody may write to."""
    copy = np.array(value, dtype=dtype, order="C")
    copy.flags.writeable = False
    return copy


_VALUE = attrgetter("_value")


def _first_value(initializer: Any, shape: Any, dtype: DTypeLike | None) -> Array:
    if type(initializer) is np.ndarray and shape is None and dtype is None:
        return initializer
    wanted = None if dtype is None else checks.any_dtype("Variable: dtype", dtype)
    if callable(initializer) and not hasattr(initializer, "__array__"):
        if shape is None:
            checks.complain(ValueError, "Variable: shape", "be given for an initializer", None)
        made = initializer(as_shape(shape, "Variable: shape"), dtype=wanted or np.dtype(floatx()))
        return np.asarray(made, wanted)
    if isinstance(initializer, str):
        cure = f"; initializers.get({initializer!r}) gives one"
        checks.refuse(TypeError, "Variable: initializer", "numbers or an initializer", initializer, cure)
    found: Array = np.asarray(tensor(initializer, "Variable: initializer"))
    if shape is not None and found.shape != as_shape(shape, "Variable: shape"):
        checks.refuse_shape("Variable: initializer", shape, found.shape)
    return found if wanted is None else found.astype(wanted, copy=False)


class Values(dict[Variable, Array]):
    """Values of variables at one moment, and how often layers had changed their variables by then."""

    __slots__ = ("changes",)

    changes: int


_held = Scoped[Values | None]("held", None)


def holding(variables: Sequence[Variable]) -> AbstractContextManager[object]:
    """For this thread and the time of a block, keep the values that variables have now, taken all at once.

    So a pass through many layers sees the weights of one moment, even if another thread sets them meanwhile. A block
    inside another one goes on with what that one holds.

    Parameters
    ----------
    variables : sequence of Variable
        What to hold.
    """
    outer = _held.get()
    return _held.being(values_now(variables) if outer is None else outer)


def values_now(variables: Sequence[Variable]) -> Values:
    """Return the values of `variables`, taken all at once, for `seeing`."""
    with CHANGE:
        values = Values(zip(variables, map(_VALUE, variables), strict=True))
        values.changes = count_of_changes()
    return values


def seeing(values: Values) -> AbstractContextManager[object]:
    """For this thread and the time of a block, go by the `values` of an earlier moment."""
    return _held.being(values)


def changes_seen() -> int | None:
    """Return how often layers had changed their variables when this thread began to hold values; None: it does not."""
    held = _held.get()
    return None if held is None else held.changes


def is_held(variables: list[Variable]) -> bool:
    """Whether this thread holds the values of the variables of a layer, all of them or none."""
    held = _held.get()
    return held is not None and bool(variables) and variables[0] in held


def current_values(variables: Sequence[Variable]) -> tuple[Array, ...]:
    """Return what `variables` are, for this thread: see `holding`."""
    held = _held.get()
    if held is None:
        return tuple(map(_VALUE, variables))
    return tuple(map(held.get, variables, map(_VALUE, variables)))


def are_values(values: Iterable[Array], variables: Iterable[Variable]) -> bool:
    """Whether these very arrays are the values of `variables`, whatever this thread holds."""
    return all(map(is_, values, map(_VALUE, variables)))


def replace_values(variables: Iterable[Variable], values: Iterable[Array]) -> None:
    """Put arrays of the right shapes and dtypes, which nobody can write to, in the place of values; hold `CHANGE`."""
    for variable, value in zip(variables, values, strict=True):
        variable._value = value


def assign_all(variables: list[Variable], values: list[Any], owner: str) -> None:
    """Assign `values` to `variables`: all of them or, if one does not fit, none."""
    if len(values) != len(variables):
        shapes = [variable.shape for variable in variables]
        must = f"be a list of {len(variables)} arrays of shapes {shapes}"
        checks.complain(ValueError, f"{owner}: weights", must, len(values))
    checked = [variable.checked(value) for variable, value in zip(variables, values, strict=True)]
    with CHANGE:
        replace_values(variables, checked)
