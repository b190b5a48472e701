"""What convolutions over time share."""

from collections.abc import Mapping
from typing import Any, ClassVar

from fastlstm import checks

from ...foundation.arrays import Array
from ...foundation.data_format import checked_data_format
from ..affine import Affine
from ..windows import Windows, one_size


class Convolution(Affine):
    """Base class of `Conv1D` and `Conv1DTranspose`. A mask is not looked at, and ends here, as in Keras."""

    ndim = 3
    mask_ndim = 2
    over_time = True
    keras_past: ClassVar[Mapping[str, Any]] = {"lora_rank": None, "lora_alpha": None}
    paddings: tuple[str, ...]
    """What `padding` may be."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        options: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(activation, use_bias, options, **kwargs)
        self.filters = checks.size(f"{self.name}: filters", filters)
        self.kernel_size = one_size(f"{self.name}: kernel_size", kernel_size)
        self.strides = one_size(f"{self.name}: strides", strides)
        self.dilation_rate = one_size(f"{self.name}: dilation_rate", dilation_rate)
        lower = padding.lower() if isinstance(padding, str) else padding
        self.padding = checks.one_of(f"{self.name}: padding", lower, self.paddings)
        self.data_format = checked_data_format(f"{self.name}: data_format", data_format)
        self._windows = Windows(*self.kernel_size, *self.strides, self.padding, *self.dilation_rate)
        if self._windows.stride > 1 and self._windows.dilation > 1:
            checks.complain(ValueError, f"{self.name}: strides", "be 1 where dilation_rate is not", self.strides)

    def _axes_text(self) -> str:
        return " (batch, time, features)"

    def compute_mask(self, x: Array, mask: Array | None = None) -> None:
        """None: the output has other time steps."""
        return None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")
        own = {name: getattr(self, name) for name in names}
        return {"activity_regularizer": None} | super().get_config() | own
