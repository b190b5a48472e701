"""Cells: one time step a call, with the state in the caller's hands."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fastlstm import _core, checks
from fastlstm.precisions import for_packing
from fastlstm.typing import Floats

from .arguments import as_array, one_state
from .call import State
from .draws import uniform
from .parameters import core_name
from .quantizable import Quantizable
from .sizes import cell_sizes, missing
from .vjp import Gradients, Pullback


class Cell(Quantizable):
    """Base of the cells."""

    _gates: ClassVar[int]
    _states: ClassVar[int] = 1
    _of_parameters = ("input_size", "hidden_size", "bias")
    _sizes = ("input_size", "hidden_size")
    _weights: _core.Weights

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, dtype: Any = "float32", seed: int | None = None
    ) -> None:
        self.input_size = checks.size("input_size", input_size)
        self.hidden_size = checks.size("hidden_size", hidden_size)
        self.bias = checks.truth("bias", bias)
        self._set_dtype(dtype)
        self._start(np.random.default_rng(checks.seed("seed", seed)))

    @property
    def _cell(self) -> str:
        raise NotImplementedError

    def __call__(self, x: Floats, state: State = None, *, hx: State = None) -> State:
        """Take one step.

        Parameters
        ----------
        x : ndarray
            ``(N, I)``, or ``(I,)`` for one row; of the cell's dtype.
        state : ndarray or tuple of ndarray, optional
            State before the step, ``(N, H)`` each (``(H,)`` for one row); zeros if left out.
        hx : ndarray or tuple of ndarray, optional
            PyTorch's name of `state`.

        Returns
        -------
        ndarray or tuple of ndarray
            State after the step, in that form.

        Raises
        ------
        ValueError
            If a shape is wrong.
        TypeError
            If a dtype is wrong, or something is not an array.
        """
        x = self._input(x)
        found = _core.forward(self._weights, _rows(x)[None], *self._start_of(x, one_state(state, hx), "state"))
        return self._result(x, *found)

    def vjp(self, x: Floats, state: State = None, *, hx: State = None) -> tuple[State, Pullback]:
        """Take one step, and return the way back.

        Parameters
        ----------
        x, state, hx : ndarray; State
            As for a call. `x` is kept, not copied: do not change it before the pullback has run.

        Returns
        -------
        state : ndarray or tuple of ndarray
            State after the step.
        pullback : callable
            ``pullback(dstate) -> Gradients``: from the gradient of a scalar with respect to that state to those with
            respect to `x`, the state before and every parameter. It may be called more than once.
        """
        self.check_trainable()
        x, weights, parameters = self._input(x), self._weights, self._parameters
        start = self._start_of(x, one_state(state, hx), "state")
        h, c, tape = _core.forward_training(weights, _rows(x)[None], *start)

        def pullback(dstate: State) -> Gradients:
            if dstate is None:
                checks.refuse(TypeError, "dstate", "the gradient of the state", dstate)
            dh_n, dc_n = self._start_of(x, dstate, "dstate")
            dx = np.empty((1, *_rows(x).shape), x.dtype)
            own = {name: np.empty(value.shape, x.dtype) for name, value in parameters.items()}
            gradients = {f"d{core_name(name)}": gradient for name, gradient in own.items()}
            dh, dc = _core.backward(tape, None, dh_n, dc_n, dx, **gradients)
            return Gradients(dx.reshape(x.shape), self._result(x, dh, dc), own)

        return self._result(x, h, c), pullback

    def _input(self, x: Any) -> Floats:
        array = as_array(x, "x", self.dtype)
        if array.ndim not in (1, 2) or array.shape[-1] != self.input_size:
            checks.refuse_shape("x", f"(N, {self.input_size}) or ({self.input_size},)", array.shape)
        return array

    def _start_of(self, x: Floats, state: State, name: str) -> tuple[Floats | None, Floats | None]:
        """Return h and c (N, H) of a state, or of a gradient of one."""
        if state is None:
            return None, None
        if self._states == 1:
            return self._part(x, state, name), None
        if not (isinstance(state, (tuple, list)) and len(state) == 2):
            checks.complain(TypeError, name, "be a pair of arrays (h, c)", type(state).__name__)
        h, c = (self._part(x, part, f"{name}[{k}]") for k, part in enumerate(state))
        return h, c

    def _part(self, x: Floats, part: Any, name: str) -> Floats:
        array, shape = as_array(part, name, self.dtype), (*x.shape[:-1], self.hidden_size)
        if array.shape != shape:
            checks.refuse_shape(name, shape, array.shape)
        return _rows(array)

    def _result(self, x: Floats, h: Floats, c: Floats | None) -> State:
        """Give a state (N, H) the axes of `x`."""
        if x.ndim == 1:
            h, c = h[0], None if c is None else c[0]
        return h if c is None else (h, c)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        rows = self._gates * self.hidden_size
        biases = {"bias_ih": (rows,), "bias_hh": (rows,)} if self.bias else {}
        return {"weight_ih": (rows, self.input_size), "weight_hh": (rows, self.hidden_size), **biases}

    def _draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return uniform(rng, self.hidden_size**-0.5, self._shapes())

    def _matrices(self) -> tuple[str, ...]:
        return ("weight_ih", "weight_hh")

    def _pack(self, parameters: dict[str, Any]) -> _core.Weights:
        floats = {core_name(name): value for name, value in self._floats(parameters).items()}
        return _core.Weights(self._cell, **floats, precision=for_packing(self._precision))

    @classmethod
    def _sizes_of(cls, own: dict[str, NDArray[Any]], prefix: str, names: list[Any], owner: str) -> dict[str, Any]:
        for name in ("weight_ih", "weight_hh"):
            if name not in own:
                missing(prefix + name, names)
        return cell_sizes(own, cls._gates, owner, "")


class LSTMCell(Cell):
    """One step of an LSTM: ``h, c = cell(x, (h, c))``.

    Parameters
    ----------
    input_size : int
        ``I``, numbers that go in.
    hidden_size : int
        ``H``, hidden units.
    bias : bool
        Whether to add biases.
    dtype : str or dtype
        ``float32`` or ``float64``, or ``bfloat16`` for products of such numbers: weights, inputs and outputs are
        float32 then.
    seed : int, optional
        For the initial parameters, uniform in ``+-1/sqrt(H)``.

    Raises
    ------
    ValueError
        If a size is out of range.
    TypeError
        If a size is not a whole number or the dtype is another.

    Notes
    -----
    Constructor, call and parameter names are those of ``torch.nn.LSTMCell``. For equations see `LSTM`; where a
    layer can keep the state, its stream is faster.

    Examples
    --------
    >>> import numpy as np, fastlstm as fl
    >>> cell = fl.LSTMCell(3, 5, seed=0)
    >>> h, c = cell(np.ones((2, 3), "float32"))
    >>> h, c = cell(np.ones((2, 3), "float32"), (h, c))
    >>> h.shape
    (2, 5)
    """

    _gates = 4
    _states = 2

    @property
    def _cell(self) -> str:
        return "lstm"


class GRUCell(Cell):
    """One step of a GRU: ``h = cell(x, h)``.

    Parameters
    ----------
    input_size, hidden_size, bias, dtype, seed : int; bool; dtype
        As for `LSTMCell`.

    Raises
    ------
    ValueError
        If a size is out of range, or an input or a state has another shape.
    TypeError
        If an argument, an input or a state has another type.

    Notes
    -----
    Constructor, call and parameter names are those of ``torch.nn.GRUCell``. For equations see `GRU`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> cell = fl.GRUCell(3, 4, seed=0)
    >>> h = cell(np.zeros((2, 3), "float32"))
    >>> h = cell(np.zeros((2, 3), "float32"), h)
    >>> h.shape
    (2, 4)
    """

    _gates = 3

    @property
    def _cell(self) -> str:
        return "gru"


class RNNCell(Cell):
    """One step of a simple recurrent layer: ``h = cell(x, h)``.

    Parameters
    ----------
    input_size, hidden_size, bias, dtype, seed : int; bool; dtype
        As for `LSTMCell`.
    nonlinearity : {"tanh", "relu"}
        The function of the sum.

    Raises
    ------
    ValueError
        If a size is out of range, or an input or a state has another shape.
    TypeError
        If an argument, an input or a state has another type.

    Notes
    -----
    Constructor, call and parameter names are those of ``torch.nn.RNNCell``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> cell = fl.RNNCell(3, 4, nonlinearity="relu", seed=0)
    >>> cell(np.zeros((2, 3), "float32")).shape
    (2, 4)
    """

    _gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        self.nonlinearity = checks.one_of("nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(input_size, hidden_size, bias, dtype, seed)

    @property
    def _cell(self) -> str:
        return f"rnn_{self.nonlinearity}"


def _rows(array: Floats) -> Floats:
    """Return an array with an axis of rows."""
    return array if array.ndim == 2 else array[None]
