"""What every cell is: parameters, a step, which is its equations, and the derivative of that step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .arguments import float64
from .arrays import Array, States
from .gradients import PARAMETERS, Gradients


@dataclass(frozen=True)
class Cell(ABC):
    """Base of the cells. A cell brings `step` and `step_backward`; how its arguments are read is the same for all.

    ``masks (G, N, P)`` holds what each gate's recurrent product multiplies the hidden state with.
    """

    number_of_gates: ClassVar[int]

    weight_ih: Array
    weight_hh: Array
    bias: Array

    @abstractmethod
    def step(self, x_t: Array, states: States, masks: Array) -> States:
        """From the states before the step to those after it."""

    @abstractmethod
    def step_backward(self, x_t: Array, states: States, masks: Array, dstates: States) -> Gradients:
        """From the gradients of the states after the step to those of all that went into it."""

    def whole_gradients(self, x_t: Array, states: States, masks: Array, dstates: States) -> States:
        """From what later steps and outputs say of the states after the step to all that depends on each of them.

        That is the same, but where a state of the step reaches another: ``c_t`` of an LSTM goes into ``h_t``.
        """
        return dstates

    # --- Sizes --------------------------------------------------------------------------------------------------------

    @property
    def input_size(self) -> int:
        """Width of x."""
        return int(self.weight_ih.shape[1])

    @property
    def output_size(self) -> int:
        """Width of h."""
        return int(self.weight_hh.shape[1])

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Width of every state; h comes first."""
        return (self.output_size,)

    @property
    def parameters(self) -> dict[str, Array]:
        """Weights and biases the cell has, by the names `Gradients` has for them."""
        arrays = {name: getattr(self, name, None) for name in PARAMETERS}
        return {name: array for name, array in arrays.items() if array is not None}

    # --- Arguments ----------------------------------------------------------------------------------------------------

    def read_states(self, N: int, states: Mapping[str, ArrayLike | None]) -> States:
        """Read states or gradients of states, by the names of their arguments."""
        widths = zip(states.items(), self.state_sizes, strict=True)
        return tuple(float64(name, state, (N, width)) for (name, state), width in widths)

    def read_masks(self, recurrent_masks: ArrayLike | None, N: int) -> Array:
        """Read the recurrent masks for N rows; None is ones."""
        shape = self.number_of_gates, N, self.output_size
        return np.ones(shape) if recurrent_masks is None else float64("recurrent_masks", recurrent_masks, shape)

    # --- A single step ------------------------------------------------------------------------------------------------

    def read_and_step(
        self, x_t: ArrayLike, states: Mapping[str, ArrayLike], recurrent_masks: ArrayLike | None
    ) -> States:
        """Take one step from arguments as the public functions get them."""
        x_t = float64("x_t", x_t, ("N", self.input_size))
        N = len(x_t)
        return self.step(x_t, self.read_states(N, states), self.read_masks(recurrent_masks, N))

    def read_and_step_backward(
        self,
        x_t: ArrayLike,
        states: Mapping[str, ArrayLike],
        dstates: Mapping[str, ArrayLike],
        recurrent_masks: ArrayLike | None,
    ) -> Gradients:
        """Differentiate `read_and_step`."""
        x_t = float64("x_t", x_t, ("N", self.input_size))
        N = len(x_t)
        masks = self.read_masks(recurrent_masks, N)
        return self.step_backward(x_t, self.read_states(N, states), masks, self.read_states(N, dstates))
