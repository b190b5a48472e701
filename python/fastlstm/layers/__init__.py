"""LSTM, GRU and RNN layers with PyTorch's constructor, call, shapes and parameter names, on NumPy arrays.

Letters in shapes: ``T`` steps, ``N`` batch, ``I`` input size, ``H`` hidden size, ``L`` layers, ``D`` directions, ``P``
size of a projected hidden state. ``S`` is ``P`` where there is a projection, else ``H``.
"""

from .gru import GRU
from .lstm import LSTM
from .rnn import RNN
from .vjp import Gradients

__all__ = ["GRU", "LSTM", "RNN", "Gradients"]
