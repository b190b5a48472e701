"""Layers whose products can have another precision: bfloat16, or Keras' whole numbers of 8 bits for inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple
from weakref import ref

import numpy as np

from fastlstm import checks, precisions
from fastlstm.precisions import FULL, SCALE, WHOLE

from ..foundation.arrays import Array, Shape
from ..foundation.lookup import of_this_package
from ..foundation.variable import CHANGE, Variable, changes_seen, note_new_variables
from . import quantizers
from .base import Layer
from .call import TRAINING, Call, Pullback


class Form(NamedTuple):
    """A precision and the weights that are in it."""

    precision: str
    weights: list[Variable]


class Earlier(NamedTuple):
    """The form that a layer had until a change of variables of that number, for passes that began before.

    A pass holds the variables of its layers; nobody else keeps them for it.
    """

    until: int
    precision: str
    weights: list[ref[Variable]]


class Quantizable(Layer):
    """What layers share that can be quantized.

    A subclass has weights of the names in `matrices`; its `_freeze` takes what `_floats` gives, or the whole numbers.
    """

    may_be_quantized = True
    matrices: ClassVar[Mapping[str, int]] = {}
    """The weights that are quantized, and the axis along which numbers have one scale."""

    _form = Form(FULL, [])
    _earlier: tuple[Earlier, ...] = ()

    def _form_now(self) -> Form:
        """Return precision and weights of the moment that this thread goes by: see `holding`."""
        if self._earlier and (seen := changes_seen()) is not None:
            for until, precision, weights in self._earlier:
                if seen < until:
                    return Form(precision, [variable for of in weights if (variable := of()) is not None])
        return self._form

    def _take_form(self, form: Form) -> None:
        """Have another form from now on; hold `CHANGE`."""
        precision, weights = self._form
        earlier = Earlier(note_new_variables(), precision, [ref(variable) for variable in weights])
        self._earlier = (*self._earlier, earlier)
        self._form = form

    @property
    def _precision(self) -> str:
        return self._form_now().precision

    @_precision.setter
    def _precision(self, precision: str) -> None:
        self._form = Form(precision, self._form.weights)

    @property
    def _weights(self) -> list[Variable]:
        return self._form_now().weights

    @_weights.setter
    def _weights(self, weights: list[Variable]) -> None:
        self._form = Form(self._form.precision, weights)

    def build(self, input_shape: Shape) -> None:
        """Create the weights for inputs of `input_shape`; those of a quantized layer are zeros until they are set."""
        is_new = not self.built
        if is_new and self._is_whole:
            self.check_kind()
        super().build(input_shape)
        if is_new and self._is_whole:
            self._weights = self._whole(
                {name: np.zeros(getattr(self, name).shape, np.float32) for name in self.matrices}
            )
            note_new_variables()

    def set_precision(self, precision: str) -> None:
        """Take what a dtype such as ``"int8_from_float32"`` says beside the dtype."""
        precisions.check_float32(f"{self.name}: dtype", self.dtype)
        self._precision = precision

    def quantize(
        self, mode: Any = None, config: Any = None, type_check: bool = True, *, activations: str | None = None
    ) -> None:
        """Compute products in another precision from now on.

        The layer changes in place. Biases, gates and states, inputs and outputs stay float32. Streams made before go on
        as they were.

        Parameters
        ----------
        mode : str
            ``"int8"`` is for inference: ``kernel`` becomes int8, ``kernel_scale`` stands beside it, and the float32
            weights are dropped. ``"bfloat16"`` is what the dtype ``"mixed_bfloat16"`` makes; the weights stay float32
            and can be trained.
        config : dict
            None: the quantizers are those that Keras has by default; or a `quantizers.Int8QuantizationConfig`. A mode
            may stand here too.
        type_check : bool
            Whether a subclass of your own is refused, as it may use its weights in another way.
        activations : str, optional
            What the left side of products of int8 is rounded to, row by row: ``"int8"``, the default, or ``"int16"``,
            which is more accurate and slower.

        Raises
        ------
        ValueError
            The layer is not built, or in that mode or int8 already; there is no such mode.
        TypeError
            The dtype of the layer is not float32.
        NotImplementedError
            The layer cannot be quantized: it runs in NumPy, or its class is one of your own.

        Notes
        -----
        In int8 a row has the same bits in any batch, on any number of threads and on any instruction set, and the
        layer cannot be trained any more.
        """
        precision = self.check_quantized(mode, config, type_check, activations)
        with CHANGE:
            if precision in WHOLE:
                weights = self._whole({name: getattr(self, name).value for name in self.matrices})
            else:
                weights = [*self._form.weights]  # `frozen` tells forms apart by their lists
            self._take_form(Form(precision, weights))
            self._frozen = None  # which may hold the floats

    def check_quantized(self, mode: Any, config: Any, type_check: Any, activations: Any) -> str:
        """Return the precision that `quantize` is told, or raise."""
        precision = quantizers.told(self.name, mode, config, activations)
        check_class(self, type_check)
        self.check_kind()
        if not self.built:
            checks.complain(ValueError, self.name, "be built to be quantized", "a layer without weights")
        if self._precision in (*WHOLE, precision):
            got = f"{self._precision}: it is quantized already"
            checks.complain(ValueError, f"{self.name}: precision", "be float32 for quantize()", got)
        precisions.check_float32(f"{self.name}: dtype", self.dtype)
        return precision

    @property
    def precision(self) -> str:
        """Of the products: ``"bfloat16"``, after `quantize` ``"int8"`` or ``"int8_int16"``, or that of the dtype."""
        return self.precision_now()

    @property
    def _is_whole(self) -> bool:
        """Whether the matrices are whole numbers."""
        return self._precision in WHOLE

    def check_kind(self) -> None:
        """NotImplementedError if the layer computes in a way that has no other precision."""

    def check_trainable(self) -> None:
        """Raise unless there are gradients of the layer."""
        if self._is_whole:
            precisions.refuse_training(self.name, self._precision)

    def vjp(self, x: Any, call: Call = TRAINING) -> tuple[Any, Pullback]:
        """See `Layer.vjp`."""
        if call.training:
            self.check_trainable()
        found = super().vjp(x, call)
        return self._without_gradient(found[0]) if self._is_whole else found

    def _without_gradient(self, y: Array) -> tuple[Array, Pullback]:
        """Return an output of the quantized layer, from which nothing leads back."""

        def pullback(dy: Any) -> tuple[Any, list[Array]]:
            self.check_trainable()
            return None, []

        return y, pullback

    def _whole(self, matrices: dict[str, Array]) -> list[Variable]:
        """Put whole numbers, and scales beside them, in the place of `matrices`; return the weights there are then."""
        others = [variable for variable in self._form.weights if variable.name not in matrices]
        made: list[Variable] = []
        for name, value in matrices.items():
            path = getattr(self, name).path
            whole, scale = self._rounded(name, value)
            for end, array in (("", whole), (SCALE, scale)):
                variable = Variable(array, name=name + end, path=path + end, trainable=False)
                setattr(self, name + end, variable)
                made.append(variable)
        self._all_have_gradients = False
        return [*others, *made]

    def _rounded(self, name: str, values: Array) -> tuple[Array, Array]:
        """Return the whole numbers of a matrix, and their scales."""
        return quantizers.rounded(values, self.matrices[name])

    def _restored_floats(self, name: str, whole: Array, scale: Array) -> Array:
        """Return the floats that whole numbers stand for."""
        return quantizers.restored(whole, scale, self.matrices[name])

    def in_file_order(self, variables: list[Variable]) -> list[Variable]:
        """Return the weights as files have them: scales come last."""
        if not self._is_whole:
            return super().in_file_order(variables)
        names = [*self._full_order(), *(name + SCALE for name in self.matrices)]
        return sorted(variables, key=lambda variable: names.index(variable.name))

    def _full_order(self) -> list[str]:
        """Return the names of the weights as they are before `quantize`."""
        others = [variable.name for variable in self._weights if variable.name.removesuffix(SCALE) not in self.matrices]
        return [*self.matrices, *others]

    def _floats(self, values: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return what the weights stand for, from their `values`: floats, in the order before `quantize`."""
        if not self._is_whole:
            return values
        by_name = {variable.name: value for variable, value in zip(self._weights, values, strict=True)}
        for name in self.matrices:
            by_name[name] = self._restored_floats(name, by_name[name], by_name[name + SCALE])
        return tuple(by_name[name] for name in self._full_order())

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_earlier": ()}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | self.described_quantizers()

    def described_quantizers(self) -> dict[str, Any]:
        """Return what a config says of the quantizers, if there are any."""
        return {} if not self._is_whole else {quantizers.KEY: quantizers.described(self._precision)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Return a layer with the settings of `config`, without weights."""
        layer = super().from_config(quantizers.without(config))
        layer.take_quantizers(config)
        return layer

    def take_quantizers(self, config: Mapping[str, Any]) -> None:
        """Go by the quantizers of a config, if the layer is quantized."""
        if self._is_whole:
            self._precision = quantizers.precision_of(config, self.name)


def check_class(layer: Layer, type_check: Any) -> None:
    """NotImplementedError for a class of a user's own, which may use its weights in another way."""
    if checks.truth(f"{layer.name}: type_check", type_check) and not of_this_package(type(layer)):
        text = f"{layer.name}: a {type(layer).__name__} does not say how it is quantized"
        raise NotImplementedError(f"{text}: type_check=False quantizes what it inherits")
