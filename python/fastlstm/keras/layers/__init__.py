"""Layers."""

from .base import Layer
from .core.activation import Activation
from .core.dense import Dense
from .core.dropout import Dropout
from .core.embedding import Embedding
from .core.input import Input, InputLayer
from .core.masking import Masking
from .merging.concatenate import Concatenate, concatenate
from .merging.dot import Dot, dot
from .merging.extremes import Maximum, Minimum, maximum, minimum
from .merging.multiply import Multiply, multiply
from .merging.sums import Add, Average, Subtract, add, average, subtract
from .pooling.whole import GlobalAveragePooling1D, GlobalAvgPool1D, GlobalMaxPool1D, GlobalMaxPooling1D
from .pooling.windows import AveragePooling1D, AvgPool1D, MaxPool1D, MaxPooling1D
from .recurrent.bidirectional import Bidirectional
from .recurrent.gru import GRU, GRUCell
from .recurrent.lstm import LSTM, LSTMCell
from .recurrent.rnn import RNN
from .recurrent.simple_rnn import SimpleRNN, SimpleRNNCell
from .recurrent.stacked import StackedRNNCells
from .recurrent.time_distributed import TimeDistributed
from .reshaping.ends import Cropping1D, ZeroPadding1D
from .reshaping.flatten import Flatten
from .reshaping.permute import Permute
from .reshaping.repeating import RepeatVector, UpSampling1D
from .reshaping.reshape import Reshape

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "Add",
    "Average",
    "AveragePooling1D",
    "AvgPool1D",
    "Bidirectional",
    "Concatenate",
    "Cropping1D",
    "Dense",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "Input",
    "InputLayer",
    "LSTMCell",
    "Layer",
    "Masking",
    "MaxPool1D",
    "MaxPooling1D",
    "Maximum",
    "Minimum",
    "Multiply",
    "Permute",
    "RepeatVector",
    "Reshape",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "Subtract",
    "TimeDistributed",
    "UpSampling1D",
    "ZeroPadding1D",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]
