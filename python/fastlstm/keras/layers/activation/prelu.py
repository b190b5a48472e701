"""A rectifier whose slope below 0 is learned."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, shape_text
from ...foundation.variable import Variable
from ..base import Layer, Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback


class PReLU(Layer):
    """Rectifier with learned slopes: ``x`` where it is positive, else ``alpha * x``.

    The weight ``alpha`` has the shape of a sample; axes of it may be shared.

    Parameters
    ----------
    alpha_initializer, alpha_regularizer, alpha_constraint : str or object, optional
        Of the weight ``alpha``.
    shared_axes : sequence of int, optional
        Axes along which there is one slope, counted from 1, that behind the batch's: ``[1]`` for sequences of any
        length.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `alpha_initializer`, `alpha_regularizer` or `alpha_constraint` is unknown, `shared_axes` has another
        form, or inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import Input, layers
    >>> layer = layers.PReLU(shared_axes=[1])
    >>> layer(Input((None, 8))).shape
    (None, None, 8)
    >>> layer.alpha.shape
    (1, 8)
    """

    min_ndim = 2
    alpha: Variable

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set_options(
            alpha_initializer=alpha_initializer,
            alpha_regularizer=alpha_regularizer,
            alpha_constraint=alpha_constraint,
        )
        self.shared_axes = self._checked_axes(shared_axes)

    def _checked_axes(self, axes: Any) -> list[int] | None:
        if axes is None:
            return None
        given = axes if isinstance(axes, list | tuple) else [axes]
        return [checks.whole_number(f"{self.name}: shared_axes", axis, at_least=1) for axis in given]

    def _create_weights(self, input_shape: Shape) -> None:
        rank, shared = len(input_shape), self.shared_axes or []
        if any(axis >= rank for axis in shared):
            wanted = f"axes of the input {shape_text(input_shape)}"
            checks.refuse(ValueError, f"{self.name}: shared_axes", wanted, self.shared_axes)
        sizes = tuple(1 if axis in shared else input_shape[axis] for axis in range(1, rank))
        if None in sizes:
            free = [axis for axis in range(1, rank) if input_shape[axis] is None]
            cure = f"; slopes may be shared: shared_axes={free}"
            got = shape_text(input_shape)
            checks.complain(ValueError, f"{self.name}: input_shape", "have sizes that are known", got, cure)
        self.alpha = self._add_weight(sizes, "alpha")  # type: ignore[arg-type]

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """See `Layer.check_input_shape`."""
        super().check_input_shape(shape, name)
        if not self._weights:
            return
        shared = self.shared_axes or []
        wanted = (None, *(None if axis in shared else size for axis, size in enumerate(self.alpha.shape, start=1)))
        pairs = zip(wanted, shape, strict=False)
        if len(shape) != len(wanted) or any(size not in (None, found or size) for size, found in pairs):
            checks.refuse_shape(f"{self.name}: {name}", shape_text(wanted), shape_text(shape))

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        (alpha,) = self.frozen()
        return np.where(x > 0, x, alpha * x)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`; the slope at 0 is 0, as in Keras."""
        (alpha,) = self.frozen()

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            dx = dy * ((x > 0) + alpha * (x < 0)) if call.need_dx else None
            if not self.trainable:
                return dx, []
            shared = tuple(axis for axis in self.shared_axes or ())
            products = np.add.reduce(dy * np.minimum(x, 0), axis=(0, *shared), keepdims=True)
            return dx, [products.reshape(alpha.shape)]

        return self.forward(x, call), pullback

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; the slopes must be shared along time."""
        if 1 not in (self.shared_axes or ()):
            name, must = f"{self.name}: shared_axes", "have 1, the axis of time, for the layer to be streamed"
            checks.complain(ValueError, name, must, self.shared_axes, "; set shared_axes=[1]")
        (alpha,) = self.frozen()
        slopes = alpha[0]

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty_like(x)

            def step() -> None:
                np.multiply(slopes, x, out=y)
                np.copyto(y, x, where=x > 0)

            return step, y

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"shared_axes": self.shared_axes}
