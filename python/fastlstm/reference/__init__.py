"""The specification: every forward and backward pass in NumPy float64, written to be read.

Letters in shapes: ``T`` steps, ``N`` batch, ``I`` input size, ``H`` hidden size, ``P`` size of a projected hidden
state, ``G`` gates. Whatever comes in is cast to float64. Each cell is a *step*, which is its equations, and the
derivative of that step; they stand in the file of the cell. Two loops shared by all cells carry the steps forward
through time and the gradients back (``through_time.py``). A new cell, or a variant of one, brings a step and its
derivative. A convolution has no steps that depend on each other, and stands by itself. What the core promises to the
bit (roundings, whole numbers, updates of weights) is written down in the dtype that it has there.
"""

from .activations import Activation, read_activation, sigmoid
from .bfloat16 import to_bfloat16
from .convolution import ConvolutionGradients, Taps, convolution, convolution_backward
from .gradients import Gradients
from .gru_cell import gru_step, gru_step_backward
from .gru_sequences import gru, gru_backward
from .lstm_cell import lstm_step, lstm_step_backward
from .lstm_sequences import lstm, lstm_backward
from .quantized import quantized_product
from .rnn_cell import rnn_step, rnn_step_backward
from .rnn_sequences import rnn, rnn_backward
from .softmax import softmax, softmax_cross_entropy
from .updates import update

__all__ = [
    "Activation",
    "ConvolutionGradients",
    "Gradients",
    "Taps",
    "convolution",
    "convolution_backward",
    "gru",
    "gru_backward",
    "gru_step",
    "gru_step_backward",
    "lstm",
    "lstm_backward",
    "lstm_step",
    "lstm_step_backward",
    "quantized_product",
    "read_activation",
    "rnn",
    "rnn_backward",
    "rnn_step",
    "rnn_step_backward",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "to_bfloat16",
    "update",
]
