"""What layers do whose ``call`` a user wrote."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.eager import as_eager
from ..foundation.lookup import of_this_package
from ..foundation.passes import Pass, current
from ..foundation.symbolic import Arguments, SymbolicTensor
from ..foundation.texts import numbers_or_texts
from ..foundation.trees import leaves, mapped, one_or_list, unique
from ..foundation.variable import Variable
from . import inside, running
from .call import INFERENCE, TRAINING, Call, Pullback


class Composed:
    """The methods of a layer with a ``call``, which `adopt` gives to its class: functions of arrays, and layers inside.

    The class may define any of them itself.
    """

    def forward(self: Any, x: Any, call: Call = INFERENCE) -> Any:
        """Return what ``call`` gives."""
        return running.run(self, x, call)[0]

    def vjp(self: Any, x: Any, call: Call = TRAINING) -> tuple[Any, Pullback]:
        """Return what ``call`` gives, and its vector-Jacobian product by autograd."""
        return running.run_vjp(self, x, call)[:2]

    def penalized_forward(self: Any, x: Any, call: Call = INFERENCE) -> tuple[Any, float]:
        """Return what `forward` gives, and the penalties: on the output, of layers inside, and from ``add_loss``."""
        y, penalty = running.run(self, x, call)
        return y, penalty + self.output_penalty(y)

    def penalized_vjp(self: Any, x: Any, call: Call = TRAINING) -> tuple[Any, Pullback, float]:
        """Return what `vjp` gives, and the penalties, whose gradient the pullback adds."""
        if type(self).vjp is Composed.vjp:
            y, pullback, penalty = running.run_vjp(self, x, call, penalized=True)
        else:
            (y, pullback), penalty = self.vjp(x, call), 0.0
        return y, self.penalized_pullback(y, pullback), penalty + self.output_penalty(y)

    @property
    def penalizes_output(self: Any) -> bool:
        """Whether there is a penalty on the output or on that of a layer inside, or one may come from ``add_loss``."""
        return (
            self.activity_regularizer is not None
            or self._adds_losses
            or "add_loss" in getattr(getattr(self.call, "__code__", None), "co_names", ())
            or any(part.penalizes_output for part in running.parts_of(self))
        )

    @property
    def told_of_mask(self: Any) -> bool:
        """Whether ``call`` takes the mask of its input."""
        return "mask" in running.parameters(self.call)

    def compute_mask(self: Any, x: Any, mask: Any = None) -> Any:
        """Return the mask of the output: that of the layer inside that made it or, with `supports_masking`, `mask`."""
        return running.mask_of_output(self, x, mask)

    @property
    def ends_masks(self: Any) -> bool:
        """Whether masks of inputs are not handed on, unless layers inside do."""
        return not self.supports_masking and type(self).compute_mask is Composed.compute_mask

    def compute_output_shape(self: Any, input_shape: Any) -> Any:
        """Shape of the output for an input of `input_shape`, both with the batch axis."""
        return self.output_shape_for(*_of_shape(input_shape, self.dtype))

    def outputs_for(self: Any, shape: Any, arguments: Arguments) -> tuple[Any, Any]:
        """Shape and dtype of what ``call`` gives for zeros."""
        return running.tried(self, arguments, shape)

    def output_shape_for(self: Any, shape: Any, arguments: Arguments) -> Any:
        """Shape of the output."""
        return self.outputs_for(shape, arguments)[0]

    def as_input(self: Any, x: Any, name: str, wanted: str = "an array of numbers") -> Array:
        """`x` as an array: floats of this layer's dtype, integers and texts as they are."""
        return numbers_or_texts(x, name, self.dtype, wanted)

    def _checked_shape(self: Any, shape: Any) -> Any:
        """Let any pass, lists too."""
        return shape

    def _build_parts(self: Any, input_shape: Any) -> None:
        """Create the weights of the layers inside, by a try.

        A ``build`` of the user's own sees to that, and so does the run that a pass is about to make of this layer.
        """
        theirs = not of_this_package(type(self).build)
        if (
            not theirs
            and current() is None
            and running.takes_one(self.call)
            and not all(part.built for part in running.parts_of(self))
        ):
            shape, arguments = _of_shape(input_shape, self.dtype)
            running.tried(self, arguments, shape)

    def check_input_shape(self: Any, shape: Any, name: str = "input_shape") -> None:
        """Let any pass: ``call`` says what fits."""

    def _on_arrays(self: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("training") is not None:
            checks.truth(f"{self.name}: training", kwargs["training"])
        passing = Pass()
        try:
            y = inside.called(self, passing, args, kwargs)
        except (ValueError, TypeError, IndexError) as error:
            if checks.is_worded(error):
                raise
            given = ", ".join(f"shape {np.shape(leaf)}" for leaf in leaves([args, kwargs]) if running.is_array(leaf))
            checks.refuse_call(error, f"{self.name}: ", given)
        return mapped(lambda part: as_eager(part, passing.mask_of(part)), y)

    def _noted(self: Any, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        return self.note(Arguments(args, kwargs), training=training)

    def get_ready(self: Any, arguments: Arguments, shape: Any) -> None:
        """Build the layer for the shapes that its ``build`` names."""
        running.build_for(self, arguments, [tensor.shape for tensor in arguments.tensors])

    @property
    def weights(self: Any) -> list[Variable]:
        """All weights: its own, from `add_weight` or among the attributes, and those of the layers inside."""
        return unique([*running.variables_of(self), *(v for part in running.parts_of(self) for v in part.weights)])

    @property
    def differentiated(self: Any) -> list[Variable]:
        """See `Layer.differentiated`."""
        if not self.trainable:
            return []
        own = [variable for variable in running.variables_of(self) if variable.has_gradient]
        return unique([*own, *(v for part in running.parts_of(self) for v in part.differentiated)])

    @property
    def losses(self: Any) -> list[float]:
        """Penalties of the regularizers, part of the loss."""
        return [v.regularizer(v.value) for v in self.trainable_variables if v.regularizer is not None]

    @property
    def logits_activation(self) -> None:
        """None: what ends in a loss is not known."""

    @logits_activation.setter
    def logits_activation(self, name: Any) -> None:
        """Forget what a built-in layer says of itself."""

    def step_function(self: Any) -> Any:
        """ValueError: see `Layer.step_function`."""
        must, cure = "be a layer that can be streamed, one time step at a time", ": it may look at other steps"
        checks.complain(ValueError, self.name, must, "one with a call() of its own", cure)

    stream_weights = step_function


def adopt(cls: Any) -> None:
    """Give a class whose ``call`` a user wrote the methods of `Composed`, save those that a user wrote as well."""
    cls.composed = True
    for name, method in vars(Composed).items():
        holder = next((base for base in cls.__mro__ if name in vars(base)), None)
        own = holder is cls or not (holder is None or of_this_package(holder))
        if name not in _NOT_METHODS and name not in cls.keeps and not own:
            setattr(cls, name, method)


_NOT_METHODS = vars(type("Empty", (), {})).keys() | {"__annotations__", "__firstlineno__", "__static_attributes__"}


def _of_shape(shape: Any, dtype: Any) -> tuple[Any, Arguments]:
    """Return a shape, or a tree of shapes, as a list of shapes or a single one, and the arguments of a call for it."""
    tree = tensors_of(shape, dtype)
    arguments = Arguments((tree,), {})
    shapes = [tensor.shape for tensor in arguments.tensors]
    return one_or_list(shapes), arguments


def tensors_of(shape: Any, dtype: Any) -> Any:
    """Return symbolic tensors of a shape, or of a tree of shapes."""
    if isinstance(shape, dict):
        return {key: tensors_of(part, dtype) for key, part in shape.items()}
    if isinstance(shape, list | tuple) and any(isinstance(part, list | tuple | dict) for part in shape):
        return [tensors_of(part, dtype) for part in shape]
    return SymbolicTensor(shape, dtype)
