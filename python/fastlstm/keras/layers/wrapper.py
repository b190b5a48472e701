"""What layers around other layers share."""

from typing import Any, ClassVar

from fastlstm import checks

from ..foundation.arrays import Shape
from ..foundation.variable import Variable
from .base import Layer
from .configs import find_layers
from .quantizing import quantize_parts


class Wrapper(Layer):
    """What layers around other layers share: the weights are those of the inner layers, in order."""

    inner_names: ClassVar[tuple[str, ...]] = ("layer",)
    """Arguments of the constructor that are layers or lists of layers."""

    def __init__(self, inner: list[Layer], **kwargs: Any) -> None:
        self._inner: list[Layer] = []
        if inner and kwargs.get("dtype") is None:
            kwargs["dtype"] = inner[0].dtype_policy
        super().__init__(**kwargs)
        if any(layer.dtype != self.dtype for layer in inner):
            found = ", ".join(f"{layer.dtype} of {layer.name}" for layer in inner)
            checks.complain(ValueError, f"{self.name}: dtype", f"be that of the layers inside, {found}", self.dtype)
        self._inner = inner
        if not self.trainable:
            self.trainable = False

    @property
    def trainable(self) -> bool:
        """Whether `fit` changes the weights; setting it sets that of the inner layers too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = checks.truth(f"{self.name}: trainable", value)
        for layer in self._inner:
            layer.trainable = self._trainable

    def _inner_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def _create_weights(self, input_shape: Shape) -> None:
        for layer in self._inner:
            layer.ensure_built(self._inner_shape(input_shape))
        self._adopt_weights()

    def _adopt_weights(self) -> None:
        for layer in self._inner:
            for variable in layer.weights:
                variable.path = f"{self.name}/{variable.path}"
        self._weights = [variable for layer in self._inner for variable in layer.weights]

    @property
    def weights(self) -> list[Variable]:
        """All weights."""
        return [variable for layer in self._inner for variable in layer.weights] if self._weights else []

    def quantize(
        self, mode: Any = None, config: Any = None, type_check: bool = True, *, activations: str | None = None
    ) -> None:
        """Quantize the layers inside; see `Model.quantize`."""
        quantize_parts(self, mode, config, type_check, activations)

    @property
    def differentiated(self) -> list[Variable]:
        """See `Layer.differentiated`."""
        return [variable for layer in self._inner for variable in layer.differentiated] if self.trainable else []

    def reset_state(self) -> None:
        """Forget the states that the inner layers carry from batch to batch."""
        for layer in self._inner:
            if hasattr(layer, "reset_state"):
                layer.reset_state()

    reset_states = reset_state

    @classmethod
    def _restored(cls, given: dict[str, Any]) -> dict[str, Any]:
        return given | {
            name: find_layers(given[name], f"{cls.__name__}: {name}") for name in cls.inner_names if name in given
        }


def check_layer(wrapper: str, layer: Any) -> None:
    """TypeError if `layer` is none."""
    if not isinstance(layer, Layer):
        checks.refuse(TypeError, f"{wrapper}: layer", "a keras.layers.Layer instance", layer)
