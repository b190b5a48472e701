"""A graph called again and again, with its states kept between calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlstm import checks
from fastlstm.streaming import StreamBase
from fastlstm.typing import Floats

from .values import Array, Input, ValueInfo

if TYPE_CHECKING:
    from .network import Network


class NetworkStream(StreamBase):
    """A graph whose states are inputs and outputs. Made by ``network.stream()``.

    A stream owns its states; any number of them share a network. Streams may step in many threads at once, each stream
    in one thread at a time.

    Attributes
    ----------
    states : dict of str to str
        Outputs by the inputs that they replace in the next step.
    batch_size : int
        ``N``, sequences side by side.
    """

    __slots__ = ("_network", "_state", "batch_size", "states")

    def __init__(self, network: Network, states: Mapping[str, str], batch_size: int) -> None:
        self.states = dict(states)
        self.batch_size = checks.whole_number("batch_size", batch_size, at_least=1)
        self._network = network
        self._state: dict[str, Array] = {}
        self.reset()

    def step(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the graph from the states as they are, and keep those it ends with.

        Parameters
        ----------
        inputs : mapping of str to ndarray
            Arrays for the inputs that are no states.

        Returns
        -------
        dict of str to ndarray
            The outputs that are no states, by name.

        Raises
        ------
        ValueError, TypeError
            As a call of the network; the states are then as before.
        """
        taken = checks.settings("inputs", inputs)
        for name in self.states:
            if name in taken:
                cure = "; set stream.state"
                checks.complain(ValueError, "inputs", "be without the states", f"{name!r} among them{cure}")
        found = self._network({**taken, **self._state})
        self._state = {name: found[end] for name, end in self.states.items()}
        ends = set(self.states.values())
        return {name: array for name, array in found.items() if name not in ends}

    @property
    def state(self) -> dict[str, Array]:
        """Copies of the states by the names of their inputs. May be assigned."""
        return {name: array.copy() for name, array in self._state.items()}

    @state.setter
    def state(self, state: Mapping[str, Array]) -> None:
        given = checks.settings("state", state)
        if given.keys() != self.states.keys():
            checks.complain(
                ValueError, "state", f"have the names {checks.shown([*self.states])}", checks.shown([*given])
            )
        infos = {info.name: info for info in self._network.inputs}
        self._state = {name: Input(infos[name]).taken(given[name]).copy() for name in self.states}

    def reset(self) -> None:
        """Set the states to zero."""
        infos = {info.name: info for info in self._network.inputs}
        self._state = {name: np.zeros(self._shape(infos[name]), infos[name].dtype) for name in self.states}

    def _shape(self, info: ValueInfo) -> list[int]:
        """Return the shape of a state: the one axis that may vary is that of the batch."""
        free = {axis for axis in info.shape or () if not isinstance(axis, int)}
        if info.shape is None or len(free) > 1:
            checks.complain(ValueError, f"the state {info.name}", "have one free axis at most", info.shown_shape)
        return [axis if isinstance(axis, int) else self.batch_size for axis in info.shape]

    def copy(self) -> NetworkStream:
        """Make a second stream that goes on from this one's states."""
        twin = NetworkStream(self._network, self.states, self.batch_size)
        twin._state = dict(self._state)  # never written to
        return twin

    @classmethod
    def step_together(cls, streams: Sequence[Any], x: Floats, out: Floats | None) -> Floats:
        """Refuse: `step_many` takes one array, and a graph may take several."""
        checks.refuse(TypeError, "streams", "of layers or of models of fastlstm.keras", streams[0])
