"""Make ``torch_lstm.pt``, ``torch_checkpoint.pt``, ``torch_module.pt`` and ``torch_legacy.pt``, by PyTorch.

    python tests/golden/make_torch_files.py

The files here were made with PyTorch 2.13.0. The numbers of ``torch_lstm.pt`` are in ``torch_files.npz`` too, by the
same names, with an input ``x`` of its LSTM and the output ``y`` beside them.
"""

from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent


class Net(torch.nn.Module):
    """A classifier as public programs have it."""

    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True, proj_size=2)
        self.fc = torch.nn.Linear(4, 2)


torch.manual_seed(0)
net = Net()
x = torch.randn(2, 5, 3)
y, _ = net.lstm(x)
torch.save(net.state_dict(), HERE / "torch_lstm.pt")
state = {name: value.numpy() for name, value in net.state_dict().items()}
np.savez(HERE / "torch_files.npz", x=x.numpy(), y=y.detach().numpy(), **state)

parts = {
    "transposed": torch.arange(6, dtype=torch.float64).reshape(2, 3).T,
    "sliced": torch.arange(10)[2:8:2],
    "half": torch.tensor([1.5, -2], dtype=torch.float16),
    "brain": torch.tensor([1.5, -2], dtype=torch.bfloat16),
    "empty": torch.zeros(0, 3),
    "scalar": torch.tensor(7, dtype=torch.int32),
    "flags": torch.tensor([True, False]),
    "parameter": torch.nn.Parameter(torch.ones(2)),
}
checkpoint = {
    "model": parts,
    "epoch": 3,
    "rate": 0.5,
    "note": "ü",
    "list": [1, None, True, (2**40, -1)],
    "size": parts["half"].shape,
}
torch.save(checkpoint, HERE / "torch_checkpoint.pt")
torch.save(net.fc, HERE / "torch_module.pt")
torch.save({"w": torch.ones(2)}, HERE / "torch_legacy.pt", _use_new_zipfile_serialization=False)
