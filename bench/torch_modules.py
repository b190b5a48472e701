"""Modules of `fastlstm.torch` beside those of `torch.nn`, one run in turn with the other, on one thread.

    taskset -c 0 python bench/torch_modules.py [SECONDS]

A line for each case: milliseconds of ours and of PyTorch's, and the median of the ratios of neighbours. A training step
is `fit_step` of the other benchmarks: recurrent layer, dense softmax over 10 classes of the last step, cross-entropy,
backward, PyTorch's Adam; a packed one has rows of 1 to T steps. Processor time is taken, so that other programs disturb
less.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("FASTLSTM_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch.nn.utils.rnn import pack_padded_sequence

import fastlstm.torch

SHAPES = [(32, 50, 32, 128), (8, 16, 64, 256), (64, 20, 8, 64)]  # N, T, I, H
CALLS = 50  # of a single step, in a turn


def training_step(source: Any, kind: str, shape: tuple[int, ...], packed: bool = False) -> Callable[[], Any]:
    N, T, I, H = shape
    torch.manual_seed(0)
    module, head = getattr(source, kind)(I, H), torch.nn.Linear(H, 10)
    optimizer = torch.optim.Adam([*module.parameters(), *head.parameters()])
    x, labels, lengths = torch.randn(T, N, I), torch.randint(0, 10, (N,)), torch.randint(1, T + 1, (N,))
    lengths[0] = T
    if packed:
        x = pack_padded_sequence(x, lengths, enforce_sorted=False)

    def run() -> None:
        optimizer.zero_grad()
        y, state = module(x)
        last = (state[0] if kind == "LSTM" else state)[-1] if packed else y[-1]
        torch.nn.functional.cross_entropy(head(last), labels).backward()
        optimizer.step()

    return run


def single_steps(source: Any, kind: str, H: int = 64) -> Callable[[], Any]:
    torch.manual_seed(0)
    module = getattr(source, kind)(H, H)
    before = () if kind.endswith("Cell") else (1,)
    x, h, c = (torch.randn(*before, 1, H) for _ in range(3))
    state = (h, c) if kind.startswith("LSTM") else h

    def run() -> None:
        with torch.no_grad():
            for _ in range(CALLS):
                module(x, state)

    return run


def measure(name: str, ours: Callable[[], Any], theirs: Callable[[], Any], seconds: float, calls: int = 1) -> None:
    times: list[tuple[float, float]] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 10:
        moments = [time.process_time()]
        for run in (ours, theirs):
            run()
            moments.append(time.process_time())
        times.append((moments[1] - moments[0], moments[2] - moments[1]))
    times = times[3:]
    own, other = (statistics.median(column) * 1e3 / calls for column in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b in times)
    print(f"{name:32} {own:9.3f} ms {other:9.3f} ms {ratio:6.2f}", flush=True)


def main(seconds: float) -> None:
    torch.set_num_threads(1)
    sources = (fastlstm.torch, torch.nn)
    for kind in ("LSTM", "GRU", "RNN"):
        for shape in SHAPES:
            ours, theirs = (training_step(source, kind, shape) for source in sources)
            measure(f"{kind} {shape}", ours, theirs, seconds)
        ours, theirs = (training_step(source, kind, (32, 100, 32, 128), packed=True) for source in sources)
        measure(f"{kind} packed", ours, theirs, seconds)
    for kind in ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"):
        ours, theirs = (single_steps(source, kind) for source in sources)
        measure(f"{kind}, a step", ours, theirs, seconds, CALLS)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)
