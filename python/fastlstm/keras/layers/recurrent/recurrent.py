"""What LSTM, GRU and SimpleRNN share: each is an `RNN` around one cell that it makes itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    cell
        The cell.
    **options
        Those of `SequenceOptions`.
    """

    cell: RecurrentCell

    units = OfCell()
    activation = OfCell()
    recurrent_activation = OfCell()
    use_bias = OfCell()
    kernel = OfCell()
    recurrent_kernel = OfCell()
    bias = OfCell()
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

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = {"activity_regularizer": None} | self.cell.get_config() | super().get_config()
        del config["cell"]
        return config
