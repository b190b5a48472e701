"""Layers."""

from .base import Layer
from .core import Activation, Dense, Dropout, Flatten, Input, InputLayer
from .recurrent import LSTM, SimpleRNN

__all__ = ["LSTM", "Activation", "Dense", "Dropout", "Flatten", "Input", "InputLayer", "Layer", "SimpleRNN"]
