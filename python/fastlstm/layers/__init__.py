"""Layers with PyTorch's constructors, calls, shapes and parameter names, on NumPy arrays.

Letters in shapes: ``T`` steps, ``N`` batch, ``I`` input size, ``H`` hidden size, ``L`` layers, ``D`` directions, ``P``
size of a projected hidden state. ``S`` is ``P`` where there is a projection, else ``H``.
"""

from .cells import GRUCell, LSTMCell, RNNCell
from .chains import Chain
from .dropout import Dropout
from .elementwise import LeakyReLU, ReLU, Sigmoid, Tanh
from .embedding import Embedding
from .gru import GRU
from .linear import Linear
from .lstm import LSTM
from .normalization import BatchNorm1d, LayerNorm
from .over_time import FinalHidden, LastStep, LastValidStep, MaxOverTime, MeanOverTime
from .rnn import RNN
from .softmax import LogSoftmax, Softmax
from .vjp import Gradients

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "BatchNorm1d",
    "Chain",
    "Dropout",
    "Embedding",
    "FinalHidden",
    "GRUCell",
    "Gradients",
    "LSTMCell",
    "LastStep",
    "LastValidStep",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxOverTime",
    "MeanOverTime",
    "RNNCell",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
]
