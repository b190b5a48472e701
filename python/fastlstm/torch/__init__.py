"""PyTorch modules that compute with fastlstm: LSTM, GRU, RNN and their cells, in place of those of ``torch.nn``.

They are subclasses of PyTorch's with the same constructors, parameters, calls and ``state_dict``, so a program on a CPU
changes the line that imports them. What does not run here, such as tensors on a GPU, is handed to PyTorch.

Examples
--------
>>> import torch
>>> from fastlstm.torch import LSTM
>>> lstm = LSTM(3, 5, num_layers=2, batch_first=True)
>>> y, (h_n, c_n) = lstm(torch.ones(2, 7, 3))
>>> y.sum().backward()
>>> y.shape, lstm.weight_ih_l0.grad.shape
(torch.Size([2, 7, 5]), torch.Size([20, 3]))
>>> isinstance(lstm, torch.nn.LSTM)
True
"""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("fastlstm.torch needs PyTorch: pip install fastlstm[torch]") from error

from .cells import GRUCell, LSTMCell, RNNCell
from .recurrent import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]
