"""What LSTM, GRU and RNN share: how a layer is made, called, differentiated and stepped."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from fastlstm import checks, through_time
from fastlstm.streaming import Stream
from fastlstm.typing import Floats

from .arguments import one_state
from .call import Call, State
from .parameters import RecurrentParameters
from .vjp import Pullback, TrainingCall


class Recurrent(RecurrentParameters):
    """One or more layers of a cell, in one or both directions."""

    _states: ClassVar[int]  # arrays in a state: 2 for (h, c), 1 for h

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        dtype: Any,
        seed: int | None,
        proj_size: int = 0,
    ) -> None:
        self.input_size = checks.size("input_size", input_size)
        self.hidden_size = checks.size("hidden_size", hidden_size)
        self.proj_size = checks.whole_number("proj_size", proj_size, at_least=0)
        if self.proj_size >= self.hidden_size and proj_size:
            checks.refuse(ValueError, "proj_size", f"smaller than hidden_size {hidden_size}", proj_size)
        self.num_layers = checks.size("num_layers", num_layers)
        self.bias = checks.truth("bias", bias)
        self.batch_first = checks.truth("batch_first", batch_first)
        self.dropout = checks.fraction("dropout", dropout)
        self.bidirectional = checks.truth("bidirectional", bidirectional)
        self._set_dtype(dtype)
        self._rng = np.random.default_rng(checks.seed("seed", seed))
        self._start(self._rng)

    def __call__(
        self, x: Floats, state: State = None, lengths: ArrayLike | None = None, *, hx: State = None
    ) -> tuple[Floats, State]:
        """Run the layer over sequences, without dropout.

        Parameters
        ----------
        x : ndarray
            ``(T, N, I)``, ``(N, T, I)`` if `batch_first`, or ``(T, I)`` for one sequence; of the layer's dtype.
        state : ndarray or tuple of ndarray, optional
            Initial state, ``(L*D, N, H)`` each (``(L*D, H)`` for one sequence); zeros if left out. The h of a projected
            LSTM has P numbers in place of H.
        lengths : array_like of int, optional
            ``(N,)``, valid steps of every row, in any order. Outputs past them are zero, the final state is the one at
            the last valid step, where the reverse direction starts.
        hx : ndarray or tuple of ndarray, optional
            PyTorch's name of `state`.

        Returns
        -------
        y : ndarray
            ``(T, N, D*S)``, or with the axes of `x`: the last layer's hidden states.
        state : ndarray or tuple of ndarray
            Final state, in the form of the initial one.

        Raises
        ------
        ValueError
            If a shape or a length is wrong.
        TypeError
            If a dtype is wrong, or something is not an array.
        """
        call = Call((self,), x, (state if hx is None else one_state(state, hx),), lengths)
        y = call.run()
        return call.output(y), call.final_states()[0]

    def vjp(
        self,
        x: Floats,
        state: State = None,
        lengths: ArrayLike | None = None,
        *,
        hx: State = None,
        tbptt: int | None = None,
        checkpoint_every: int | None = None,
        memory_limit: int | None = None,
    ) -> tuple[tuple[Floats, State], Pullback]:
        """Run the layer as in training, with dropout between layers, and return the way back.

        Parameters
        ----------
        x, state, lengths, hx : ndarray; State; array_like
            As for a call. `x` is kept, not copied: do not change it before the pullback has run.
        tbptt : int, optional
            Cut gradients after so many steps, counted from the first one: what comes out stays the same, states are
            handed from piece to piece, but their gradients are not. Not for a bidirectional layer.
        checkpoint_every : int, optional
            Keep a state every so many steps, in place of all that the way back needs of every step, and compute the
            steps between them once more there. Gradients are the same to the bit; they take up to a third more time.
            The core rounds up to whole chunks of steps that it adds up at a time, some hundreds for one row.
        memory_limit : int, optional
            Bytes that all this may take, in place of `checkpoint_every`: as much as goes into it is kept. Outputs and
            gradients, also those between layers, are not counted.

        Returns
        -------
        outputs : tuple
            ``(y, state)``, as a call returns.
        pullback : callable
            ``pullback(dy=None, dstate=None, flow=False) -> Gradients``: from gradients of a scalar with respect to the
            outputs to those with respect to `x`, `state` and every parameter. None is for an output that the scalar
            does not depend on. It may be called more than once. With ``flow=True`` they have `flow`, how large the
            gradients of the states after every step are: Euclidean norms of dL/dh_t in every row, ``flow.h`` of shape
            ``(L*D, T, N)`` with the axes of `x`, and ``flow.c`` of an LSTM likewise; see `fastlstm.through_time.Flow`.

        Examples
        --------
        >>> import numpy as np, fastlstm as fl
        >>> layer = fl.LSTM(3, 5, seed=0)
        >>> (y, (h_n, c_n)), pullback = layer.vjp(np.ones((7, 2, 3), "float32"))
        >>> grads = pullback(np.ones_like(y))
        >>> grads.x.shape, grads.parameters["weight_hh_l0"].shape
        ((7, 2, 3), (20, 5))

        How a gradient of the last step alone fades on its way back:

        >>> pullback(None, (np.ones_like(h_n), np.zeros_like(c_n)), flow=True).flow.h[0, :, 0].round(3)
        array([0.019, 0.027, 0.037, 0.05 , 0.065, 0.253, 2.236])
        """
        by = through_time.checked(tbptt, checkpoint_every, memory_limit).share(self._tapes)
        call = TrainingCall(self, x, one_state(state, hx), lengths, by)
        y = call.run()
        return (call.output(y), call.final_states()[0]), call.pullback

    def stream(self, batch_size: int = 1) -> Stream:
        """Make a stream: one time step a call, with a state of its own and this layer's weights as they are now.

        Parameters
        ----------
        batch_size : int
            Independent sequences stepped side by side.

        Returns
        -------
        Stream

        Raises
        ------
        ValueError
            If the layer is bidirectional: the reverse direction needs the end of the sequence first.
        """
        self.check_step()
        return Stream(self._weights, batch_size)

    def check_step(self) -> None:
        """Raise unless a time step can be taken by itself."""
        if self.bidirectional:
            cure = ": the reverse direction starts at the end"
            checks.complain(ValueError, "bidirectional", "be False for a layer to stream", True, cure)
