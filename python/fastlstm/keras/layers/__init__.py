"""Layers."""

from ..foundation.published import publish
from .base import Layer
from .core.activation import Activation
from .core.dense import Dense
from .core.dropout import Dropout
from .core.embedding import Embedding
from .core.flatten import Flatten
from .core.input import Input, InputLayer
from .core.lambda_layer import Lambda
from .core.masking import Masking
from .core.softmax import Softmax
from .merging.concatenate import Concatenate, concatenate
from .merging.dot import Dot, dot
from .merging.extremes import Maximum, Minimum, maximum, minimum
from .merging.multiply import Multiply, multiply
from .merging.sums import Add, Average, Subtract, add, average, subtract
from .recurrent.bidirectional import Bidirectional
from .recurrent.gru import GRU, GRUCell
from .recurrent.lstm import LSTM, LSTMCell
from .recurrent.rnn import RNN
from .recurrent.simple_rnn import SimpleRNN, SimpleRNNCell
from .recurrent.stacked import StackedRNNCells
from .recurrent.time_distributed import TimeDistributed
from .reshaping.permute import Permute
from .reshaping.repeat_vector import RepeatVector
from .reshaping.reshape import Reshape

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "Add",
    "Average",
    "Bidirectional",
    "Concatenate",
    "Dense",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "Input",
    "InputLayer",
    "LSTMCell",
    "Lambda",
    "Layer",
    "Masking",
    "Maximum",
    "Minimum",
    "Multiply",
    "Permute",
    "RepeatVector",
    "Reshape",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "StackedRNNCells",
    "Subtract",
    "TimeDistributed",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]

publish("keras.layers", *(found for found in map(globals().get, __all__) if isinstance(found, type)))
