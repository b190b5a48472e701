"""Layers one after the other, as one layer."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike, NDArray

from fastlstm import checks, precisions, through_time

from ..arguments import one_state
from ..call import State
from ..layer import CHANGE, Layer, Prepared, check_names
from ..quantizable import Quantizable
from ..vjp import Pullback
from .finding import found_pieces
from .plan import Plan, flattened
from .run import Run, TrainingRun, layers_now
from .stream import ChainStream

if TYPE_CHECKING:
    from typing_extensions import Self


class Chain(Layer):
    """Layers one after the other, with the names that a PyTorch module has for its own.

    A recurrent layer hands its outputs on; `LastStep`, `LastValidStep`, `FinalHidden`, `MeanOverTime` and `MaxOverTime`
    take one step of them.

    Parameters
    ----------
    *pieces : layer
        Layers in order, named "0", "1" and so on as in ``torch.nn.Sequential``.
    **named : layer
        In place of these: layers in order by their names. A chain may be among them.

    Attributes
    ----------
    dtype : dtype
        That of the layers, which is one; None where none of them has arrays.

    Raises
    ------
    ValueError
        If a layer cannot take what the one before gives, or layers differ in `dtype` or `batch_first`.
    TypeError
        If something is not a layer.

    Notes
    -----
    Layers are attributes of their names. Recurrent layers on top of each other, with nothing or `Dropout` between them,
    take as long as one layer with that `num_layers`.

    Examples
    --------
    >>> import numpy as np, fastlstm as fl
    >>> net = fl.Chain(
    ...     embedding=fl.Embedding(50, 8, seed=0),
    ...     lstm=fl.LSTM(8, 16, batch_first=True, seed=0),
    ...     last=fl.LastStep(),
    ...     fc=fl.Linear(16, 3, seed=0),
    ... )
    >>> logits, (h_n, c_n) = net([[4, 8, 15], [16, 23, 42]])
    >>> logits.shape, h_n.shape
    ((2, 3), (1, 2, 16))
    >>> list(net.state_dict())[:2]
    ['embedding.weight', 'lstm.weight_ih_l0']
    """

    def __init__(self, *pieces: Any, **named: Any) -> None:
        if bool(pieces) == bool(named):
            got = "both" if pieces else "none"
            checks.complain(ValueError, "Chain", "be given layers, all by place or all by name", got)
        self._pieces = dict(named) if named else {str(k): piece for k, piece in enumerate(pieces)}
        for name in self._pieces:
            if "." in name or not name or name.startswith("_") or hasattr(Chain, name) or name == "dtype":
                checks.refuse(ValueError, "names of layers", "other than those of a chain, and without dots", name)
        self._plan = Plan(list(flattened(self._pieces)))
        self.dtype = self._plan.dtype

    def __getattr__(self, name: str) -> Any:
        pieces = self.__dict__.get("_pieces", {})
        if name not in pieces:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return pieces[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name != "dtype":
            raise AttributeError(f"the layers of a chain are fixed: make a new Chain with another {name}")
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *self._pieces])

    def __repr__(self) -> str:
        return f"Chain({', '.join(f'{name}={_in_short(piece)}' for name, piece in self._pieces.items())})"

    def named_children(self) -> Iterator[tuple[str, Layer]]:
        """Give the layers, each with its name.

        Returns
        -------
        iterator of (str, layer)
            In order.
        """
        return iter(self._pieces.items())

    def __call__(self, x: ArrayLike, state: State = None, lengths: ArrayLike | None = None, *, hx: State = None) -> Any:
        """Run the layers over sequences, as PyTorch does in ``eval()``.

        Parameters
        ----------
        x : ndarray
            What the first layer takes: ``(T, N, I)``, ``(N, T, I)`` with `batch_first`, or ``(T, I)`` for one sequence;
            whole numbers without the last axis for an `Embedding`.
        state : ndarray, tuple of ndarray or dict, optional
            Initial state of the recurrent layer, or of several those by their names, which may be left out for zeros.
        lengths : array_like of int, optional
            ``(N,)``, valid steps of every row: for the recurrent layers, and what takes one step of all.
        hx : optional
            PyTorch's name of `state`.

        Returns
        -------
        y : ndarray
            What the last layer gives.
        state : ndarray, tuple of ndarray or dict
            Final state, in the form of the initial one. Only with a recurrent layer; a chain without gives `y` alone.

        Raises
        ------
        ValueError
            If a shape or a length is wrong, or a state or lengths are given without a recurrent layer.
        TypeError
            If a dtype is wrong, or something is not an array.
        """
        run = Run(self._plan, x, one_state(state, hx), lengths)
        y = run.run()
        return (y, run.final_state()) if self._plan.recurrent else y

    def vjp(
        self,
        x: ArrayLike,
        state: State = None,
        lengths: ArrayLike | None = None,
        *,
        hx: State = None,
        tbptt: int | None = None,
        checkpoint_every: int | None = None,
        memory_limit: int | None = None,
    ) -> tuple[Any, Pullback]:
        """Run the layers as in training, with dropout, and return the way back.

        Parameters
        ----------
        x, state, lengths, hx : array_like; State
            As for a call. `x` is kept, not copied: do not change it before the pullback has run.
        tbptt, checkpoint_every, memory_limit : int, optional
            See `LSTM.vjp`; for all recurrent layers, which share the bytes.

        Returns
        -------
        outputs
            ``(y, state)``, or `y` alone, as a call returns.
        pullback : callable
            ``pullback(dy=None, dstate=None, flow=False) -> Gradients``: from gradients of a scalar with respect to the
            outputs to those with respect to `x`, `state` and every parameter, by the names of `named_parameters`. None
            is for an output that the scalar does not depend on. It may be called more than once. `flow` is that of
            `LSTM.vjp`; what it gives has the form of the state, with that of a layer in place of its state.
        """
        by = through_time.checked(tbptt, checkpoint_every, memory_limit)
        run = TrainingRun(self._plan, x, one_state(state, hx), lengths, by)
        y = run.run()
        return ((y, run.final_state()) if self._plan.recurrent else y), run.pullback

    def stream(self, batch_size: int = 1) -> ChainStream:
        """Make a stream: one time step a call, with a state of its own and the layers' arrays as they are now.

        Parameters
        ----------
        batch_size : int
            Independent sequences stepped side by side.

        Returns
        -------
        ChainStream

        Raises
        ------
        ValueError
            If a layer cannot take one step: it is bidirectional, takes one step of all, or there is none with a state.
        """
        return ChainStream(self._plan, layers_now(self._plan), batch_size)

    # -- arrays --------------------------------------------------------------------------------------------------------

    @classmethod
    def from_state_dict(
        cls,
        mapping: Mapping[str, ArrayLike],
        prefix: str = "",
        *,
        batch_first: bool = False,
        **pieces: Any,
    ) -> Self:
        """Make a chain of the parameters of a PyTorch module.

        Parameters
        ----------
        mapping : mapping of str to array_like
            The module's ``state_dict()``, or what `fastlstm.read_weights` gives.
        prefix : str
            What stands before the names of this chain. Other names are left alone.
        batch_first : bool
            That of the recurrent layers that are made.
        **pieces : class, function, list, dict or layer
            What there is in order, by name: a class, of which a layer is made with the sizes that the mapping has;
            ``functools.partial`` of one, which says more arguments; a layer, which takes its arrays from the mapping; a
            list or dict of those for a chain within, named as in ``torch.nn.Sequential`` if it is a list.

        Returns
        -------
        Chain

        Raises
        ------
        ValueError
            If names are missing or not used, or a shape is wrong.
        TypeError
            If a value is not floating-point, or a piece is none.

        Examples
        --------
        >>> import fastlstm as fl
        >>> weights = fl.Chain(lstm=fl.LSTM(3, 5), last=fl.LastStep(), fc=fl.Linear(5, 2)).state_dict()
        >>> net = fl.Chain.from_state_dict(weights, lstm=fl.LSTM, last=fl.LastStep(), fc=fl.Linear, batch_first=True)
        >>> net.fc.out_features
        2
        """
        return cls(**found_pieces(mapping, prefix, checks.truth("batch_first", batch_first), pieces))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        with CHANGE:
            named = [(name, layer._arrays()) for name, layer in zip(self._plan.names, self._plan.layers, strict=True)]
        return {f"{owner}.{name}": value for owner, arrays in named for name, value in arrays.items()}

    def _buffer_names(self) -> tuple[str, ...]:
        named = zip(self._plan.names, self._plan.layers, strict=True)
        return tuple(f"{owner}.{name}" for owner, layer in named for name in layer._buffer_names())

    def _prepared(self, mapping: Mapping[str, ArrayLike], prefix: str = "") -> Any:
        check_names(mapping, list(self._arrays()))
        prepared: list[Prepared] = []
        for owner, layer in zip(self._plan.names, self._plan.layers, strict=True):
            own = {name: mapping[f"{owner}.{name}"] for name in layer._stored_shapes()}
            prepared.append(layer._prepared(own, f"{prefix}{owner}."))
        return prepared

    def _take(self, prepared: Any) -> None:
        with CHANGE:
            for layer, own in zip(self._plan.layers, prepared, strict=True):
                layer._take(own)

    def quantize(self, mode: str = "int8", activations: str | None = None) -> None:
        """Compute the products of all layers that can in another precision from now on; see `LSTM.quantize`.

        Those are recurrent layers, `Linear` and `Embedding`. Others stay as they are.

        Parameters
        ----------
        mode : {"int8", "bfloat16"}
            Of the weights.
        activations : {"int8", "int16"}, optional
            Of the rows that go into products of ``"int8"``, by default 8 bits.

        Raises
        ------
        ValueError
            If there is no such mode, or a layer is in it or in int8 already. Nothing is changed then.
        TypeError
            If no layer can be quantized, or the dtype is not float32.
        """
        precision = precisions.chosen(mode, activations)
        with CHANGE:
            named = zip(self._plan.names, self._plan.layers, strict=True)
            able = [(name, layer) for name, layer in named if isinstance(layer, Quantizable)]
            if not able:
                cure = "one with a recurrent layer, a Linear or an Embedding to be quantized"
                checks.refuse(TypeError, "the chain", cure, self)
            quantized = [_named_quantized(name, layer, precision) for name, layer in able]
            for (_, layer), twin in zip(able, quantized, strict=True):
                layer._take_quantized(twin)

    def __copy__(self) -> Self:
        return type(self)(**{name: copy.copy(piece) for name, piece in self._pieces.items()})

    def __getstate__(self) -> dict[str, Any]:
        return {"_pieces": self._pieces}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Chain.__init__(self, **state["_pieces"])

    # -- files ---------------------------------------------------------------------------------------------------------

    def _described_arguments(self) -> dict[str, Any]:
        return {name: piece._description() for name, piece in self._pieces.items()}


def _in_short(piece: Layer) -> str:
    """Return the class of a piece, and its precision if that is not its dtype."""
    precision = piece.precision if isinstance(piece, Quantizable) else ""
    return f"{type(piece).__name__} {precision}" if precision in precisions.NAMES else type(piece).__name__


def _named_quantized(name: str, layer: Quantizable, precision: str) -> Quantizable:
    """Return a layer of a chain in a precision; errors have its name."""
    try:
        return layer._quantized(precision)
    except (ValueError, TypeError) as error:
        raise checks.named(error, name) from error
