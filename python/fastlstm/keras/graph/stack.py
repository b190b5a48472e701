"""Recurrent layers on top of each other, as one layer for inference."""

from collections.abc import Sequence

from ..foundation.arrays import Array
from ..layers.base import Layer
from ..layers.call import INFERENCE, Call
from ..layers.core.dropout import Dropout
from ..layers.recurrent.cell import scan_together
from ..layers.recurrent.rnn import RNN


class RecurrentStack(Layer):
    """Recurrent layers on top of each other that the core runs in one call: inference only.

    Parameters
    ----------
    layers
        At least two layers that `joined` puts together, built.
    """

    ndim = 3
    mask_ndim = 2

    def __init__(self, layers: Sequence[RNN]) -> None:
        super().__init__(name=layers[0].name, dtype=layers[0].dtype)
        self.layers = layers
        self.input_shape, self.built = layers[0].input_shape, True

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return that of the last layer; those between hand `mask` on."""
        found: Array | None = self.layers[-1].compute_mask(x, mask)
        return found

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Return the last layer's output. What a layer gives at masked steps is not made: the next one skips them."""
        first, last = self.layers[0], self.layers[-1]
        valid, y = last._valid_steps(call.mask), last._output_array(x, None)
        steps, core_mask = None if y is None else last._time_first(y), None if valid is None else valid.T
        starts = [layer._start(x, None) for layer in self.layers]
        cells = [layer.cell for layer in self.layers]
        final = scan_together(cells, first._time_first(x), starts, [steps], core_mask)
        for layer, states in zip(self.layers, final, strict=True):
            layer._keep(states)
        return last._output(final[-1][0], y, valid)


def joined(layers: Sequence[Layer]) -> Sequence[Layer]:
    """Return `layers` with recurrent ones on top of each other put together: the same bits, in inference."""
    if sum(isinstance(layer, RNN) for layer in layers) < 2:  # a small model is called in microseconds
        return layers
    runs: list[list[Layer]] = []
    goes_on = False
    for layer in layers:
        fits = _fits(layer)
        if fits and goes_on and layer.dtype == runs[-1][-1].dtype:
            runs[-1].append(layer)
        else:
            runs.append([layer])
        goes_on = fits and getattr(layer, "return_sequences", True)
    return [layer for run in runs for layer in _stacked(run)]


def _stacked(run: list[Layer]) -> list[Layer]:
    """Return the recurrent layers of a run as one; the run itself if there are fewer than two."""
    recurrent = [layer for layer in run if isinstance(layer, RNN)]
    return [RecurrentStack(recurrent)] if len(recurrent) > 1 else run


def _fits(layer: Layer) -> bool:
    """Whether `layer` is a cell of the core read forwards, with one output, or does nothing in inference."""
    if isinstance(layer, RNN):
        plain = _computes_as(layer, RNN) and layer._compiled and not layer.go_backwards and not layer.return_state
    else:
        plain = isinstance(layer, Dropout) and _computes_as(layer, Dropout)
    return plain and not layer.penalizes_output


def _computes_as(layer: Layer, base: type[Layer]) -> bool:
    """Whether neither a subclass nor an attribute stands in for a method of `base` that a model calls in inference."""
    methods = ((layer.__call__, base.__call__), (layer.forward, base.forward), (layer.compute_mask, base.compute_mask))
    return all(getattr(bound, "__func__", None) is method for bound, method in methods)
