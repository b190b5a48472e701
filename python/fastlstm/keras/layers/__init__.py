"""Layers: recurrent, dense, of convolution and attention, around them, and of texts and classes."""

from ..foundation.published import publish
from .activation.elu import ELU
from .activation.prelu import PReLU
from .activation.relu import LeakyReLU, ReLU
from .activation.softmax import Softmax
from .attention.additive_attention import AdditiveAttention
from .attention.attention import Attention
from .attention.multi_head_attention import MultiHeadAttention
from .base import Layer
from .convolution.conv1d import Conv1D, Convolution1D
from .convolution.conv1d_transpose import Conv1DTranspose, Convolution1DTranspose
from .core.activation import Activation
from .core.dense import Dense
from .core.einsum_dense import EinsumDense
from .core.embedding import Embedding
from .core.identity import Identity
from .core.input import Input, InputLayer
from .core.lambda_layer import Lambda
from .core.masking import Masking
from .core.rescaling import Rescaling
from .input_spec import InputSpec
from .merging.concatenate import Concatenate, concatenate
from .merging.dot import Dot, dot
from .merging.extremes import Maximum, Minimum, maximum, minimum
from .merging.multiply import Multiply, multiply
from .merging.sums import Add, Average, Subtract, add, average, subtract
from .normalization.batch_normalization import BatchNormalization
from .normalization.group_normalization import GroupNormalization
from .normalization.layer_normalization import LayerNormalization
from .normalization.rms_normalization import RMSNormalization
from .normalization.unit_normalization import UnitNormalization
from .pooling.whole import GlobalAveragePooling1D, GlobalAvgPool1D, GlobalMaxPool1D, GlobalMaxPooling1D
from .pooling.windows import AveragePooling1D, AvgPool1D, MaxPool1D, MaxPooling1D
from .preprocessing.category_encoding import CategoryEncoding
from .preprocessing.discretization import Discretization
from .preprocessing.hashing import Hashing
from .preprocessing.integer_lookup import IntegerLookup
from .preprocessing.normalization import Normalization
from .preprocessing.string_lookup import StringLookup
from .preprocessing.text_vectorization import TextVectorization
from .recurrent.bidirectional import Bidirectional
from .recurrent.conv_lstm import ConvLSTM1D
from .recurrent.gru import GRU, GRUCell
from .recurrent.lstm import LSTM, LSTMCell
from .recurrent.rnn import RNN
from .recurrent.simple_rnn import SimpleRNN, SimpleRNNCell
from .recurrent.stacked import StackedRNNCells
from .recurrent.time_distributed import TimeDistributed
from .regularization.activity_regularization import ActivityRegularization
from .regularization.dropout import Dropout
from .regularization.gaussian import GaussianDropout, GaussianNoise
from .regularization.spatial_dropout import SpatialDropout1D
from .reshaping.ends import Cropping1D, ZeroPadding1D
from .reshaping.flatten import Flatten
from .reshaping.permute import Permute
from .reshaping.repeating import RepeatVector, UpSampling1D
from .reshaping.reshape import Reshape

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AdditiveAttention",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AvgPool1D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "ConvLSTM1D",
    "Convolution1D",
    "Convolution1DTranspose",
    "Cropping1D",
    "Dense",
    "Discretization",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "GroupNormalization",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPooling1D",
    "Maximum",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
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

publish("keras.layers", *(found for found in map(globals().get, __all__) if isinstance(found, type)))
