"""What pooling layers share."""

from typing import Any

from ...foundation.arrays import Array
from ...foundation.data_format import checked_data_format
from ..base import Layer


class Pooling(Layer):
    """Base class of layers that make few time steps of many. A mask ends here, as in Keras."""

    ndim = 3
    mask_ndim = 2

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(f"{self.name}: data_format", data_format)

    def _axes_text(self) -> str:
        return " (batch, time, features)"

    def compute_mask(self, x: Array, mask: Array | None = None) -> None:
        """None: the output has other time steps, or none."""
        return None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"data_format": self.data_format}
