"""What LSTM, GRU and RNN share: how a layer is made, called, differentiated and stepped."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from fastlstm import checks
from fastlstm.files import native
from fastlstm.files.bundle import Bundle
from fastlstm.streaming import Stream
from fastlstm.typing import Floats

from .call import Call, State
from .parameters import Parameters
from .vjp import Pullback, TrainingCall

KERAS_ENDINGS = (".keras", ".h5", ".hdf5")


class Recurrent(Parameters):
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
        self.dtype = checks.float_dtype("dtype", dtype)
        self._rng = np.random.default_rng(checks.seed("seed", seed))
        self._start(self._rng)

    def __call__(self, x: Floats, state: State = None, lengths: ArrayLike | None = None) -> tuple[Floats, State]:
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
        call = Call(self, x, state, lengths)
        y = call.run()
        return call.output(y), call.final_state()

    def vjp(
        self, x: Floats, state: State = None, lengths: ArrayLike | None = None
    ) -> tuple[tuple[Floats, State], Pullback]:
        """Run the layer as in training, with dropout between layers, and return the way back.

        Parameters
        ----------
        x, state, lengths
            As for a call. `x` is kept, not copied: do not change it before the pullback has run.

        Returns
        -------
        outputs : tuple
            ``(y, state)``, as a call returns.
        pullback : callable
            ``pullback(dy, dstate=None) -> Gradients``: from gradients of a scalar with respect to the outputs to those
            with respect to `x`, `state` and every parameter. It may be called more than once.

        Examples
        --------
        >>> import numpy as np, fastlstm as fl
        >>> layer = fl.LSTM(3, 5, seed=0)
        >>> (y, (h_n, c_n)), pullback = layer.vjp(np.ones((7, 2, 3), "float32"))
        >>> grads = pullback(np.ones_like(y))
        >>> grads.x.shape, grads.parameters["weight_hh_l0"].shape
        ((7, 2, 3), (20, 5))
        """
        call = TrainingCall(self, x, state, lengths)
        y = call.run()
        return (call.output(y), call.final_state()), call.pullback

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
        if self.bidirectional:
            cure = ": the reverse direction starts at the end"
            checks.complain(ValueError, "bidirectional", "be False for a layer to stream", True, cure)
        return Stream(self._weights, batch_size)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the layer to a file, from which `fastlstm.load` makes it again, with the same bits.

        Parameters
        ----------
        path : path
            Of the file, in the format safetensors whatever it ends in. One that is there is replaced, and whole until
            then.

        Raises
        ------
        ValueError
            If the path ends as files of Keras do.
        TypeError
            If the class of the layer is one of your own.
        OSError
            If one cannot write there. Nothing is left over then.

        Examples
        --------
        >>> import os, tempfile, fastlstm as fl
        >>> path = os.path.join(tempfile.mkdtemp(), "layer.safetensors")
        >>> fl.LSTM(3, 5).save(path)
        >>> fl.load(path).hidden_size
        5
        """
        target = Path(checks.path("path", path))
        if target.suffix in KERAS_ENDINGS:
            cure = "; files of Keras hold models"
            checks.complain(ValueError, "path", f"not end in {' or '.join(KERAS_ENDINGS)}", f"{target}{cure}")
        native.write(target, Bundle({**self._parameters}, self._description()))

    def _description(self) -> dict[str, Any]:
        """Return what a file says of the layer: its class and the arguments of the constructor."""
        cls = type(self)
        if not cls.__module__.startswith("fastlstm."):
            cure = "; keep its state_dict() with fastlstm.write_weights()"
            checks.refuse(TypeError, "a layer that is saved", "of a class of this package", self, cure)
        names = [name for name in inspect.signature(cls).parameters if name != "seed"]
        arguments = {name: getattr(self, name) for name in names} | {"dtype": self.dtype.name}
        return {"kind": "layer", "class": cls.__name__, "arguments": arguments}
