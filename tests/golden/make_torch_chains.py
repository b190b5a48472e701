"""Make ``torch_chains.npz``: small networks in float64, their outputs and gradients, by PyTorch.

    python tests/golden/make_torch_chains.py

The file here was made with PyTorch 2.13.0. Keys are ``<case>/<array>``: the input ``x``, perhaps ``lengths`` and
``h_0`` (``c_0``), the output ``y`` and its gradient ``dy``, the final state ``h_n`` (``c_n``), ``state/<name>`` for
what is in ``state_dict()`` and ``grad/<name>`` for the gradients of parameters.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils import rnn

HERE = Path(__file__).parent
STEPS = torch.arange(6)


class Classifier(nn.Module):
    """Words to classes, by the last step."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 3, padding_idx=0)
        self.lstm = nn.LSTM(3, 4, num_layers=2, batch_first=True)
        self.fc = nn.Linear(4, 2)

    def forward(self, x, lengths, state):
        y, state = self.lstm(self.embedding(x), state)
        return self.fc(y[:, -1]), state


class Forecaster(nn.Module):
    """Every step, from a given state."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 4)
        self.head = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Dropout(), nn.Linear(5, 1), nn.Tanh())

    def forward(self, x, lengths, state):
        y, state = self.gru(x, state)
        return self.head(y), state


class Tagger(nn.Module):
    """Both directions, of rows of several lengths."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(3, 4, batch_first=True, bidirectional=True, nonlinearity="relu")
        self.norm = nn.LayerNorm(8)
        self.fc = nn.Linear(8, 3, bias=False)

    def forward(self, x, lengths, state):
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        packed, state = self.rnn(packed, state)
        y, _ = rnn.pad_packed_sequence(packed, batch_first=True, total_length=len(STEPS))
        return torch.log_softmax(self.fc(self.norm(y)), -1), state


class Pooled(nn.Module):
    """What is left of all steps: the final hidden state, the mean or the maximum."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.lstm = nn.LSTM(3, 4, batch_first=True, bidirectional=True, proj_size=2)
        self.norm = nn.BatchNorm1d(4)
        self.fc = nn.Linear(4, 3)
        with torch.no_grad():
            for array in (self.norm.weight, self.norm.bias, self.norm.running_mean):
                array.normal_()
            self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x, lengths, state):
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        packed, (h, c) = self.lstm(packed, state)
        y, _ = rnn.pad_packed_sequence(packed, batch_first=True, total_length=len(STEPS))
        valid = (lengths[:, None] > STEPS)[..., None]
        pooled = {
            "final": torch.cat((h[-2], h[-1]), 1),
            "mean": (y * valid).sum(1) / lengths[:, None],
            "max": y.masked_fill(~valid, -torch.inf).max(1).values,
            "valid": y[torch.arange(len(x)), lengths - 1],
        }[self.how]
        return torch.sigmoid(self.fc(self.norm(pooled))), (h, c)


def run(net, x, lengths=None, state=None):
    """Return what goes in and comes out, and the gradients, by name."""
    net = net.double().eval()
    y, final = net(x, lengths, state)
    dy = torch.randn_like(y)
    y.backward(dy)
    found = {"x": x, "y": y, "dy": dy}
    found |= {} if lengths is None else {"lengths": lengths}
    for name, states in (("0", state), ("n", final)):
        parts = () if states is None else states if isinstance(states, tuple) else (states,)
        found |= {f"{kind}_{name}": part for kind, part in zip("hc", parts, strict=False)}
    found |= {f"state/{name}": value for name, value in net.state_dict().items()}
    found |= {f"grad/{name}": value.grad for name, value in net.named_parameters()}
    return {name: value.detach().numpy() for name, value in found.items()}


def main():
    """Write the file."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    lengths, double = torch.tensor([3, 6, 1, 4]), {"dtype": torch.float64}
    series = torch.randn(4, 6, 3, **double)
    cases = {
        "classifier": run(Classifier(), torch.randint(0, 9, (4, 6))),
        "forecaster": run(Forecaster(), torch.randn(6, 4, 3, **double), state=torch.randn(1, 4, 4, **double)),
        "tagger": run(Tagger(), series, lengths),
        **{how: run(Pooled(how), series, lengths) for how in ("final", "mean", "max", "valid")},
    }
    kept = {f"{case}/{name}": array for case, arrays in cases.items() for name, array in arrays.items()}
    np.savez_compressed(HERE / "torch_chains.npz", **kept)


if __name__ == "__main__":
    main()
