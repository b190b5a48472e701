"""A fully connected layer over axes of choice, said by an equation."""

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from fastlstm import checks
from fastlstm.precisions import BFLOAT16, FULL, for_packing

from ... import activations
from ...foundation import core
from ...foundation.arrays import Array, Shape, as_shape, shape_text
from ...foundation.variable import Variable
from ...initializers import Initializer, VarianceScaling
from .. import quantizers
from ..base import Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback
from ..quantizable import Quantizable

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FORM = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


class Labels(NamedTuple):
    """A letter for every axis of input, kernel and output."""

    x: str
    kernel: str
    y: str


class EinsumDense(Quantizable):
    """Fully connected layer over axes of choice: ``activation(einsum(equation, x, kernel) + bias)``.

    Parameters
    ----------
    equation : str
        Letters for the axes of input and kernel, and then for those of the output, as in ``"abc,cd->abd"``. What is in
        both and not in the output is summed over. ``...`` stands for more axes, first or last in input and output.
    output_shape : tuple of int or callable, optional
        Sizes of the output without the axis of the batch and those of ``...``; None for a size that is the input's.
    activation : str or callable, optional
        Name or `ActivationFunction`; None is linear.
    bias_axes : str, optional
        Letters of the axes of the output along which there is a bias; None: there is none.
    kernel_initializer, bias_initializer : str or Initializer
        Of the weights ``kernel`` and ``bias``.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on them.
    kernel_constraint, bias_constraint : str or Constraint, optional
        What they are brought to after every update.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If what is named is unknown, `output_shape`, `equation` or `bias_axes` has another form, or inputs have
        another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    Two heads of four numbers for every step:

    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.EinsumDense("btf,fhd->bthd", (None, 2, 4), bias_axes="hd")(np.ones((1, 5, 3))).shape
    (1, 5, 2, 4)
    """

    min_ndim = 2
    ends_masks = True
    matrices: ClassVar[Mapping[str, int]] = {"kernel": 0}
    keras_only: ClassVar[Mapping[str, Any]] = {"quantization_config": None}
    keras_past: ClassVar[Mapping[str, Any]] = {
        "lora_rank": None,
        "lora_alpha": None,
        "gptq_unpacked_column_size": None,
    }

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.equation = checks.text(f"{self.name}: equation", equation)
        self._terms = self._parsed(self.equation)
        given = output_shape if isinstance(output_shape, list | tuple) else (output_shape,)
        self.partial_output_shape = as_shape(given, f"{self.name}: output_shape")
        self.activation = activations.get(activation, f"{self.name}: activation")
        self.bias_axes = None if bias_axes is None else checks.text(f"{self.name}: bias_axes", bias_axes)
        if self.bias_axes is not None and not 0 < len(set(self.bias_axes) & set(self._terms.y)) == len(self.bias_axes):
            checks.refuse(ValueError, f"{self.name}: bias_axes", f"letters of the output {self._terms.y!r}", bias_axes)
        self._set_options(
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )

    kernel_initializer: Initializer
    kernel: Variable
    bias: Variable | None

    def _parsed(self, equation: str) -> Labels:
        """Return the letters of an equation without those of ``...``."""
        found = _FORM.fullmatch(equation)
        name = f"{self.name}: equation"
        if found is None or found[1] != found[5] or found[3] != found[7] or (found[1] and found[3]):
            checks.refuse(ValueError, name, "[X],[Y]->[Z], ...[X],[Y]->...[Z] or [X]...,[Y]->[Z]...", equation)
        x, kernel, y = found[2], found[4], found[6]
        unknown = sorted((set(kernel) - set(x + y)) | (set(y) - set(x + kernel)))
        if unknown or any(len(set(term)) < len(term) for term in (x, kernel, y)):
            wanted = "made of letters once a term, those of kernel and output in another term too"
            checks.refuse(ValueError, name, wanted, equation)
        self._elided = "left" if found[1] else "right" if found[3] else ""
        return Labels(x, kernel, y)

    def _labels(self, rank: int) -> Labels:
        """Return the letters of all axes for inputs with `rank` of them."""
        x, kernel, y = self._terms
        count = rank - len(x)
        if count < (self._elided == "left") or (count and not self._elided):
            wanted = f"the axes of {self.equation!r}"
            checks.complain(ValueError, f"{self.name}: input_shape", f"have {wanted}", f"{rank} axes")
        free = "".join([letter for letter in _LETTERS if letter not in x + kernel + y][:count])
        return Labels(x + free, kernel, y + free) if self._elided == "right" else Labels(free + x, kernel, free + y)

    def _sizes(self, shape: Shape) -> dict[str, int | None]:
        """Return the size of every letter, for inputs of a `shape`."""
        labels = self._labels(len(shape))
        sizes = dict(zip(labels.x, shape, strict=True))
        free = set(labels.y) - set(self._terms.y)
        own = [letter for letter in labels.y[1:] if letter not in free] if not free or self._elided == "right" else None
        own = list(self._terms.y) if own is None else own
        if len(own) != len(self.partial_output_shape):
            wanted = f"{len(own)} sizes, for the axes {''.join(own)!r} of {self.equation!r}"
            checks.refuse(ValueError, f"{self.name}: output_shape", wanted, self.partial_output_shape)
        for letter, size in zip(own, self.partial_output_shape, strict=True):
            if None not in (size, sizes.get(letter)) and size != sizes[letter]:
                given = f"{shape_text(shape)}: {sizes[letter]} at {letter!r} for {size}"
                checks.complain(ValueError, f"{self.name}: input_shape", "have the sizes of output_shape", given)
            sizes[letter] = sizes.get(letter) if size is None else size
        return sizes

    def _create_weights(self, input_shape: Shape) -> None:
        labels, sizes = self._labels(len(input_shape)), self._sizes(input_shape)
        shape = tuple(sizes[letter] for letter in labels.kernel)
        if not all(shape):
            wanted = f"positive sizes for the axes {labels.kernel!r} of the kernel"
            checks.complain(ValueError, f"{self.name}: input_shape", f"have {wanted}", shape_text(input_shape))
        draw: Any = self.kernel_initializer
        if isinstance(draw, VarianceScaling):
            outputs = [k for k, letter in enumerate(labels.kernel) if letter in labels.y]
            draw = draw.for_axes([k for k in range(len(shape)) if k not in outputs], outputs)
        self.kernel = self._add_weight(shape, "kernel", draw=draw)  # type: ignore[arg-type]
        self.bias = None if self.bias_axes is None else self._add_weight(self._bias_shape(labels, sizes), "bias")

    def _bias_shape(self, labels: Labels, sizes: dict[str, int | None]) -> Any:
        """Sizes of the bias from the first of its axes on."""
        wanted = set(self.bias_axes or "")
        first = min(labels.y.index(letter) for letter in wanted)
        return tuple(sizes[letter] if letter in wanted else 1 for letter in labels.y[first:])

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """Raise unless the sizes are those that the equation and the weights want."""
        labels, built = self._labels(len(shape)), self.input_shape if self._weights else None
        sizes = self._sizes(shape)
        if built is None:
            return
        kernel = dict(zip(labels.kernel, self.kernel.shape, strict=True))
        if any(sizes[letter] not in (None, size) for letter, size in kernel.items()):
            wanted = shape_text(tuple(kernel.get(letter) for letter in labels.x))
            checks.refuse_shape(f"{self.name}: {name}", wanted, shape_text(shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output for an input of `input_shape`, both with the batch axis."""
        shape = self._checked_shape(input_shape)
        sizes = self._sizes(shape)
        return tuple(sizes[letter] for letter in self._labels(len(shape)).y)

    def compute_mask(self, x: Array, mask: Array | None) -> None:
        """None, as in Keras."""

    @property
    def _is_product(self) -> bool:
        """Whether the equation is that of a product of matrices."""
        x, kernel, y = self._terms
        return all((letter in kernel) != (letter in y) for letter in x)

    def check_kind(self) -> None:
        """See `Quantizable.check_kind`: the equation must be that of a product of matrices."""
        if not self._is_product:
            text = f"{self.name}: {self.equation!r} cannot be quantized: it is not a product of matrices"
            raise NotImplementedError(text)

    def _rounded(self, name: str, values: Array) -> tuple[Array, Array]:
        labels = self._labels(len(self.input_shape or self._terms.x))
        summed = tuple(k for k, letter in enumerate(labels.kernel) if letter not in labels.y)
        whole, scale = quantizers.rounded(values, summed)
        sizes = dict(zip(labels.kernel, values.shape, strict=True))
        own = [letter for letter in labels.kernel if letter in labels.y]
        in_order = scale.transpose([own.index(letter) for letter in labels.y if letter in own])
        return whole, in_order.reshape([sizes.get(letter, 1) for letter in labels.y])

    def _restored_floats(self, name: str, whole: Array, scale: Array) -> Array:
        y, kernel = self._labels(len(self.input_shape or self._terms.x)).y, self._terms.kernel
        own = [letter for letter in y if letter in kernel]
        in_order = scale.reshape([whole.shape[kernel.index(letter)] for letter in own])
        in_order = in_order.transpose([own.index(letter) for letter in kernel if letter in own])
        return quantizers.restored(whole, in_order, tuple(k for k, letter in enumerate(kernel) if letter not in own))

    def _freeze(self, values: tuple[Array, ...]) -> tuple[Any, ...]:
        kernel, *bias = self._floats(values)
        return (self._right(self._terms.kernel, self._terms.x, kernel), *bias)

    def _right(self, letters: str, of_other: str, array: Array) -> Any:
        """Return the right side of a product with letters for its axes, packed if there is a reduced precision."""
        is_full = self._precision == FULL or not self._is_product or not array.size
        return array if is_full else MatrixProduct(letters, of_other, array, self._precision)

    def _values(self) -> tuple[Any, Array | None]:
        kernel, *rest = self.frozen()
        return kernel, rest[0] if rest else None

    def _affine(self, x: Array) -> Array:
        kernel, bias = self._values()
        z = product(*self._labels(x.ndim), x, kernel)
        return z if bias is None else z + bias

    def precision_now(self) -> str:
        """See `Layer.precision_now`; other sums than products of matrices are NumPy's and have that of the dtype."""
        return super().precision_now() if self._is_product else self.dtype.name

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        return self.activation.forward(self._affine(x))

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        if call.training:
            self.check_trainable()
        if self._is_whole:
            return self._without_gradient(self.forward(x, call))
        z, labels, (kernel, bias) = self._affine(x), self._labels(x.ndim), self._values()
        y = self.activation.forward(z)

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            dz = self.activation.backward(dy, z, y)
            dx = self._spread(labels, dz, kernel, x.shape) if call.need_dx else None
            if not self.trainable:
                return dx, []
            dkernel = product(labels.x, labels.y, labels.kernel, x, self._right(labels.y, labels.x, dz))
            return dx, [dkernel] if bias is None else [dkernel, _summed_to(dz, bias.shape)]

        return y, pullback

    def _spread(self, labels: Labels, dz: Array, kernel: Any, shape: tuple[int, ...]) -> Array:
        """Return the gradient of an input of a `shape`; axes that were summed over alone have it everywhere."""
        known = "".join(letter for letter in labels.x if letter in labels.kernel + labels.y)
        if isinstance(kernel, MatrixProduct):
            kernel = self._right(labels.kernel, labels.y, kernel.array)
        dx = product(labels.y, labels.kernel, known, dz, kernel)
        sizes = [size if letter in known else 1 for letter, size in zip(labels.x, shape, strict=True)]
        return np.broadcast_to(dx.reshape(sizes), shape)

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; the second axis, time, must stay where it is."""
        labels = self._labels(len(self.input_shape or (None, *self._terms.x[1:])))
        kernel, bias = self._values()
        time = labels.x[1:2]
        if not time or labels.y[1:2] != time or time in labels.kernel + (self.bias_axes or ""):
            return super().step_function()
        x_axes, y_axes = labels.x.replace(time, ""), labels.y.replace(time, "")
        offset = None if bias is None else bias.reshape(bias.shape[max(0, bias.ndim - len(y_axes)) :])

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.array(product(x_axes, labels.kernel, y_axes, x, kernel))
            activate = self.activation.bind(y)

            def step() -> None:
                np.copyto(y, product(x_axes, labels.kernel, y_axes, x, kernel))
                if offset is not None:
                    np.add(y, offset, out=y)
                activate()

            return step, y

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return (
            {"activity_regularizer": None}
            | super().get_config()
            | {
                "equation": self.equation,
                "output_shape": self.partial_output_shape,
                "activation": activations.serialize(self.activation),
                "bias_axes": self.bias_axes,
            }
        )


class MatrixProduct:
    """The right side of a product in a reduced precision, as a matrix.

    Parameters
    ----------
    letters, of_x : str
        Of the axes of the right and the left side: what both have is summed over.
    array : ndarray
        Floats.
    precision : str
        Of the product.
    """

    def __init__(self, letters: str, of_x: str, array: Array, precision: str) -> None:
        self.array: Any = array if precision == BFLOAT16 else None  # for gradients
        self.summed = "".join(letter for letter in letters if letter in of_x)
        self.others = "".join(letter for letter in letters if letter not in of_x)
        axes = [letters.index(letter) for letter in self.summed + self.others]
        in_order, count = array.transpose(axes), len(self.summed)
        self.sizes = in_order.shape[count:]
        matrix = in_order.reshape(math.prod(in_order.shape[:count]), math.prod(self.sizes))
        self._dense = core.Dense(matrix, precision=for_packing(precision))

    def __call__(self, of_x: str, of_y: str, x: Array) -> Array:
        """Return the product with an input, letters for whose axes are given, in the order of those of the output."""
        free = "".join(letter for letter in of_x if letter not in self.summed)
        in_order = x.transpose([of_x.index(letter) for letter in free + self.summed])
        sizes = in_order.shape[: len(free)]
        rows = in_order.reshape(math.prod(sizes), math.prod(in_order.shape[len(free) :]))
        found = self._dense(np.ascontiguousarray(rows)).reshape(*sizes, *self.sizes)
        return found.transpose([(free + self.others).index(letter) for letter in of_y])


def product(of_one: str, of_other: str, of_result: str, one: Array, other: Any) -> Array:
    """Return the sum of products that letters for the axes say, by a matrix product where there is one."""
    if isinstance(other, MatrixProduct):
        return other(of_one, of_result, one)
    path: Any = ["einsum_path", (0, 1)]
    result: Array = np.einsum(f"{of_one},{of_other}->{of_result}", one, other, optimize=path)
    return result


def _summed_to(dz: Array, shape: tuple[int, ...]) -> Array:
    """Return `dz` summed over the axes along which a bias of a `shape` is repeated."""
    full = (1,) * (dz.ndim - len(shape)) + shape
    axes = tuple(k for k, (size, wanted) in enumerate(zip(dz.shape, full, strict=True)) if wanted == 1 != size)
    result: Array = np.add.reduce(dz, axis=axes, keepdims=True).reshape(shape)
    return result
