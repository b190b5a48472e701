"""What LSTM, GRU and SimpleRNN share: each is an `RNN` around one cell that it makes itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...foundation.policies import DTypePolicy
from .. import quantizers
from ..quantizable import check_class
from .cell import RecurrentCell
from .options import SequenceOptions
from .rnn import RNN
from .states import States

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["OfCell", "Recurrent", "States"]


class OfCell:
    """Attribute of a layer that is the attribute of this name of its cell."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        return self if layer is None else getattr(layer.cell, self.name)

    def __set__(self, layer: Any, value: Any) -> None:
        raise AttributeError(f"{layer.name}: {self.name} belongs to the cell; set it there, {layer.name}.cell")


class Recurrent(RNN):
    """An `RNN` around one built-in cell, with the attributes and the settings of that cell.

    Parameters
    ----------
    cell : RecurrentCell
        The cell.
    **options : keyword arguments
        Those of `SequenceOptions`.
    """

    cell: RecurrentCell
    may_be_quantized = True

    units = OfCell()
    activation = OfCell()
    recurrent_activation = OfCell()
    use_bias = OfCell()
    kernel = OfCell()
    recurrent_kernel = OfCell()
    bias = OfCell()
    kernel_scale = OfCell()
    recurrent_kernel_scale = OfCell()
    kernel_initializer = OfCell()
    recurrent_initializer = OfCell()
    bias_initializer = OfCell()
    kernel_regularizer = OfCell()
    recurrent_regularizer = OfCell()
    bias_regularizer = OfCell()
    kernel_constraint = OfCell()
    recurrent_constraint = OfCell()
    bias_constraint = OfCell()
    dropout = OfCell()
    recurrent_dropout = OfCell()
    seed = OfCell()
    state_names = OfCell()

    def __init__(self, cell: RecurrentCell, **options: Unpack[SequenceOptions]) -> None:
        super().__init__(cell, **options)

    def set_precision(self, precision: str) -> None:
        """Leave it to the cell, which is told the same."""

    precision = OfCell()

    def precision_now(self) -> str:
        """Return that of the cell."""
        return self.cell.precision_now()

    @property
    def dtype_policy(self) -> DTypePolicy:
        """That of the cell."""
        return self.cell.dtype_policy

    def described_policy(self) -> dict[str, Any]:
        """Return that of the cell."""
        return self.cell.described_policy()

    def quantize(
        self, mode: Any = None, config: Any = None, type_check: bool = True, *, activations: str | None = None
    ) -> None:
        """Quantize the cell; see `Dense.quantize`."""
        self.check_quantized(mode, config, type_check, activations)
        self.cell.quantize(mode, config, type_check, activations=activations)

    def check_quantized(self, mode: Any, config: Any, type_check: Any, activations: Any) -> str:
        """See `Layer.check_quantized`."""
        check_class(self, type_check)
        return self.cell.check_quantized(mode, config, type_check, activations)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = {"activity_regularizer": None} | self.cell.get_config() | super().get_config()
        del config["cell"]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Return a layer with the settings of `config`, without weights."""
        layer = super().from_config(quantizers.without(config))
        layer.cell.take_quantizers(config)
        return layer
