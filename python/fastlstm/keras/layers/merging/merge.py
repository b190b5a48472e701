"""What layers of several inputs share: they take a list of arrays."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, as_array, as_mask, as_shape, shape_text
from ...foundation.symbolic import SymbolicTensor, any_symbolic
from ..base import Layer
from ..call import INFERENCE, TRAINING, Call, Pullback

Masks = list[Array | None]
"""Which entries of each input are there; None: all."""


class Merge(Layer):
    """Base class of layers that make one array of a list of arrays.

    A subclass defines `_merged_shape`, `_merge` and `_merge_vjp`. Their inputs come as a list, also where there is
    only one.
    """

    merges = takes_several = True
    count: int | None = None
    """How many inputs there must be; None: one or more."""

    @property
    def _has_build(self) -> bool:
        return True

    def build(self, input_shape: Any) -> None:
        """See whether inputs of the shapes in the list `input_shape`, each with the batch axis, go together."""
        shapes = self._shapes(input_shape)
        self._merged_shape(shapes)
        if not self.built:
            self.input_shape = tuple(shapes)  # type: ignore[arg-type]  # one for every input
            self.built = True

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Shape of the output for inputs of the shapes in the list `input_shape`, all with the batch axis."""
        return self._merged_shape(self._shapes(input_shape))

    def _shapes(self, input_shape: Any) -> list[Shape]:
        """Shapes of the inputs; a single shape is that of the only one."""
        wanted = "a list of shapes, each a tuple of sizes"
        if not isinstance(input_shape, list | tuple):
            checks.refuse(TypeError, f"{self.name}: input_shape", wanted, input_shape)
        many = bool(input_shape) and all(isinstance(part, list | tuple) for part in input_shape)
        given = input_shape if many else [input_shape]
        shapes = [as_shape(part, f"{self.name}: input_shape", wanted) for part in given]
        if not all(shapes):
            wanted += ", the first that of the batch"
            checks.refuse(ValueError, f"{self.name}: input_shape", wanted, input_shape)
        if self.count not in (None, len(shapes)):
            self._refuse_count(len(shapes))
        return shapes

    def _refuse_count(self, found: int) -> None:
        checks.complain(ValueError, f"{self.name}: x", f"be a list of {self.count or 'one or more'} arrays", found)

    def _refuse_shapes(self, shapes: list[Shape], wanted: str, cause: str) -> None:
        given = ", ".join(map(shape_text, shapes))
        checks.complain(ValueError, f"{self.name}: the inputs", f"have {wanted}", given, f": {cause}")

    def _merged_shape(self, shapes: list[Shape]) -> Shape:
        """Shape of the output, or ValueError if the shapes do not go together."""
        raise NotImplementedError(f"{type(self).__name__} must define _merged_shape(shapes)")

    def _check_rows(self, shapes: list[Shape]) -> int | None:
        """Return the number of rows, which must be the same everywhere; None where it is open."""
        known = {k: shape[0] for k, shape in enumerate(shapes) if shape[0] is not None}
        first = next(iter(known), 0)
        for k, rows in known.items():
            if rows != known[first]:
                cause = f"input {k} has {rows} rows and input {first} has {known[first]}"
                self._refuse_shapes(shapes, "the same number of rows", cause)
        return known.get(first)

    def _noted(self, x: Any, training: Any = None, mask: Any = None, initial_state: Any = None) -> Any:
        if not isinstance(x, list | tuple) or not all(isinstance(part, SymbolicTensor) for part in x):
            wanted = "a list of symbolic tensors; an array cannot be among them"
            checks.refuse(TypeError, f"{self.name}: x", wanted, x)
        return super()._noted(x, training, mask)

    def _prepared(self, x: Any) -> Any:
        given = checks.items(f"{self.name}: x", x, "a list of arrays")
        if not given:
            self._refuse_count(0)
        parts = [as_array(part, f"{self.name}: x[{k}]", self.dtype) for k, part in enumerate(given)]
        for k, part in enumerate(parts):
            if part.ndim == 0:
                checks.complain(ValueError, f"{self.name}: x[{k}]", "have at least 1 axis", "a number")
        shapes: Any = [part.shape for part in parts]
        self.compute_output_shape(shapes)
        self.ensure_built([(None, *shape[1:]) for shape in shapes])  # type: ignore[arg-type]
        return parts

    def _checked_mask(self, mask: Any, x: Any) -> Any:
        if mask is None:
            return None
        given = checks.items(f"{self.name}: mask", mask, "a list of masks, None for an input that has none")
        if len(given) != len(x):
            must = f"have an entry for each of the {len(x)} inputs"
            checks.complain(ValueError, f"{self.name}: mask", must, len(given))
        names = [f"{self.name}: mask[{k}]" for k in range(len(x))]
        triples = zip(given, names, x, strict=True)
        return [None if part is None else as_mask(part, name, of.shape) for part, name, of in triples]

    def _parts(self, x: Any) -> list[Array]:
        """Return the inputs as a list, of this layer's dtype."""
        return [part.astype(self.dtype, copy=False) for part in (x if isinstance(x, list) else [x])]

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return where any of the inputs is there, if all of them have a mask; else None."""
        parts = x if isinstance(x, list | tuple) else [x]
        if any_symbolic(x):
            return self._symbolic_mask(list(parts), mask if isinstance(mask, list) else [mask])
        return self._merged_mask(list(parts), as_masks(mask, len(parts)))

    def _merged_mask(self, parts: list[Array], masks: Masks) -> Array | None:
        return None

    def _symbolic_mask(self, parts: list[Any], masks: list[Any]) -> Any:
        """`_merged_mask` for symbolic tensors, by the operations that Keras notes."""
        return None

    def forward(self, x: Any, call: Call = INFERENCE) -> Array:
        """Compute the output for the list `x` of arrays; see `Layer.forward`."""
        parts = self._parts(x)
        return self._merge(parts, as_masks(call.mask, len(parts)))

    def _merge(self, parts: list[Array], masks: Masks) -> Array:
        raise NotImplementedError(f"{type(self).__name__} must define _merge(parts, masks)")

    def vjp(self, x: Any, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`; the gradients come as a list if `x` does."""
        parts = self._parts(x)
        y, slopes = self._merge_vjp(parts, as_masks(call.mask, len(parts)))

        def pullback(dy: Array) -> tuple[Any, list[Array]]:
            dx: list[Any] = slopes(dy) if call.need_dx else [None] * len(parts)
            return dx if isinstance(x, list) else dx[0], []

        return y, pullback

    def _merge_vjp(self, parts: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the output, and the function from its gradient to the list of those of the inputs."""
        raise NotImplementedError(f"{type(self).__name__} must define _merge_vjp(parts, masks)")


def as_masks(mask: Any, count: int) -> Masks:
    """Return a mask, or None, for each of `count` inputs."""
    masks = list(mask) if isinstance(mask, list | tuple) else [mask] * count
    if len(masks) != count:
        checks.complain(ValueError, "mask", f"have an entry for each of the {count} inputs", len(masks))
    return [None if part is None else np.asarray(part) for part in masks]
