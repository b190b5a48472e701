"""What a node of a graph computes: the base of layers, and of functions of symbolic tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm import checks

from .published import place_of
from .symbolic import Arguments, Node, SymbolicTensor, described
from .trees import one_or_list


class Operation:
    """Something that can be called on symbolic tensors.

    A subclass has `forward`, `vjp`, `compute_mask` and `output_shape_for`, as `Layer` describes them.
    """

    name: str
    logits_activation: str | None = None
    """Name of the activation that ends this operation, if `vjp` can leave it out for a loss that has it built in."""
    dtype: Any = None
    """What floats among its inputs are cast to; None: they are taken as they are."""

    def __init__(self) -> None:
        self.inbound_nodes: list[Node] = []

    @property
    def keras_class_name(self) -> str:
        """What configs and tables call the class."""
        return type(self).__name__

    @property
    def keras_place(self) -> tuple[str | None, str | None]:
        """Module and registered name of the class in configs."""
        return place_of(type(self))

    @property
    def weights(self) -> list[Any]:
        """All weights."""
        return []

    @property
    def trainable_variables(self) -> list[Any]:
        """The weights that training changes."""
        return []

    @property
    def penalizes_output(self) -> bool:
        """Whether there is a penalty on the output."""
        return False

    @property
    def losses(self) -> list[float]:
        """Penalties of the regularizers, part of the loss."""
        return []

    def forward(self, x: Any, call: Any) -> Any:
        """Return the output for `x`, an array or a list of such."""
        raise NotImplementedError

    def vjp(self, x: Any, call: Any) -> tuple[Any, Any]:
        """Return the output and its vector-Jacobian product."""
        raise NotImplementedError

    def penalized_forward(self, x: Any, call: Any) -> tuple[Any, float]:
        """Return what `forward` gives, and the penalty on it."""
        return self.forward(x, call), 0.0

    def penalized_vjp(self, x: Any, call: Any) -> tuple[Any, Any, float]:
        """Return what `vjp` gives, and the penalty."""
        return *self.vjp(x, call), 0.0

    def sees_mask_of(self, x: Any) -> bool:
        """Whether it is told of the mask that its input carries: an array, or a list of arrays."""
        return True

    def step_function(self) -> Any:
        """See `Layer.step_function`."""
        must = "be a layer that can be streamed, one time step at a time"
        checks.complain(ValueError, self.name, must, f"a {self.keras_class_name}")

    def output_shape_for(self, shape: Any, arguments: Arguments) -> Any:
        """Shape of the output of a call with `arguments`, for inputs of a shape or of a list of shapes."""
        raise NotImplementedError

    def outputs_for(self, shape: Any, arguments: Arguments) -> tuple[Any, Any]:
        """Return what `output_shape_for` gives, and the dtype of the output, or a list where there are several."""
        return self.output_shape_for(shape, arguments), self.dtype

    def get_ready(self, arguments: Arguments, shape: Any) -> None:
        """Do what has to be done before the outputs of a call are known, as making weights."""

    def note(self, arguments: Arguments, mask: Any = None, training: bool | None = None) -> Any:
        """Note a call on symbolic tensors, and return what it gives: a tensor, or a list or dict of them."""
        shape = one_or_list([tensor.shape for tensor in arguments.tensors])
        try:
            self.get_ready(arguments, shape)
            found = self.outputs_for(shape, arguments)
        except (ValueError, TypeError, IndexError) as error:
            owner = "" if str(error).startswith(self.name) else f"{self.name}: "
            checks.refuse_call(error, owner, described(arguments.tensors))
        outputs = _tensors(*found)
        if training is not None:
            training = checks.truth(f"{self.name}: training", training)
        self.inbound_nodes.append(Node(self, arguments, outputs, mask, training))
        return outputs

    @property
    def input(self) -> Any:
        """The symbolic tensor, or list of them, that this was first called on."""
        return one_or_list(self._first_node("input").inputs)

    @property
    def output(self) -> Any:
        """What this gave when it was first called on a symbolic tensor."""
        return self._first_node("output").structure

    def _first_node(self, what: str) -> Node:
        if not self.inbound_nodes:
            raise AttributeError(f"{self.name} was never called on a symbolic tensor and has no {what}")
        return self.inbound_nodes[0]


def _tensors(shape: Any, dtype: Any) -> Any:
    """Symbolic tensors of a shape, or of a list or dict of shapes."""
    if isinstance(shape, dict):
        return {key: _tensors(entry, dtype[key] if isinstance(dtype, dict) else dtype) for key, entry in shape.items()}
    if isinstance(shape, list):
        dtypes = dtype if isinstance(dtype, list) else [dtype] * len(shape)
        return [_tensors(entry, of_entry) for entry, of_entry in zip(shape, dtypes, strict=True)]
    return SymbolicTensor(shape, np.dtype(dtype))
