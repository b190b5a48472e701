"""A training program of PyTorch on a CPU, and the one line of it that changes.

It tells sequences that rise from those that fall, of any length, by packed sequences, Adam and a learning rate that
decays. `--source torch.nn` runs it on PyTorch's own modules; the losses are the same.
"""

import argparse
import importlib
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--source", default="fastlstm.torch", choices=["fastlstm.torch", "torch.nn"])
parser.add_argument("--short", action="store_true", help="some steps only")


def main(source: str, epochs: int) -> list[float]:
    """Train, and return the losses of the epochs."""
    LSTM = importlib.import_module(source).LSTM  # in a program of yours: from fastlstm.torch import LSTM
    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = LSTM(1, 32, num_layers=2, batch_first=True, dropout=0.1)
            self.head = nn.Linear(32, 2)

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            _, (h_n, _) = self.lstm(packed)
            logits: torch.Tensor = self.head(h_n[-1])
            return logits

    labels, lengths = torch.randint(0, 2, (256,)), torch.randint(5, 40, (256,))
    slopes = (2.0 * labels - 1) * 0.05
    series = slopes[:, None] * torch.arange(40) + 0.3 * torch.randn(256, 40)
    rows = torch.utils.data.TensorDataset(series[..., None], lengths, labels)
    model, losses = Net(), []
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    for _ in range(epochs):
        total = 0.0
        for x, steps, label in torch.utils.data.DataLoader(rows, batch_size=32, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x, steps), label)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(label) / 256
        schedule.step()
        losses.append(total)
    return losses


if __name__ == "__main__":
    options: Any = parser.parse_args()
    for number, loss in enumerate(main(options.source, 2 if options.short else 12), 1):
        print(f"epoch {number}: loss {loss:.4f}")
