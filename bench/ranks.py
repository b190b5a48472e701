"""What it costs to train on several ranks: a step of each, and of it the sums.

    mpiexec -n 1 python -m mpi4py bench/ranks.py
    mpiexec -n 2 python -m mpi4py bench/ranks.py

Every rank has the rows of a step of one process (weak scaling), and one thread. `step` is the median of epochs, divided
by their steps; `alone` that of rank 0 without a distribution, while the others wait; `sum` that of the gradients.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("FASTLSTM_NUM_THREADS", "1")

import numpy as np

from fastlstm import keras
from fastlstm.keras.distribution import DataParallel, set_distribution
from fastlstm.keras.layers import LSTM, Dense

CASES = {"demo": (32, 29, 12, 128), "H=128": (64, 50, 128, 128), "H=512": (64, 20, 512, 512)}
"""Rows of a rank, steps, features and units."""
STEPS = {"demo": 20, "H=128": 8, "H=512": 3}
REPEATS = 5


def seconds(run: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median time of a call, after one that is not counted."""
    run()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def measured(name: str, distribution: DataParallel) -> str:
    """Return a line about a case."""
    rows, time_steps, features, units = CASES[name]
    rows, steps = rows * distribution.size, STEPS[name]
    x = np.random.default_rng(0).normal(size=(rows * steps, time_steps, features)).astype("float32")
    y = np.arange(len(x)) % 9
    model = keras.Sequential([keras.Input(x.shape[1:]), LSTM(units), Dense(9, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    step = seconds(lambda: model.fit(x, y, batch_size=rows, verbose=0)) / steps
    own = len(x) // distribution.size
    set_distribution(None)
    alone = 0.0
    if distribution.rank == 0:
        each = rows // distribution.size
        alone = seconds(lambda: model.fit(x[:own], y[:own], batch_size=each, verbose=0)) / steps
    set_distribution(distribution)
    flat = np.zeros((len(distribution.own_parts), sum(w.size for w in model.get_weights())), "float32")
    added = seconds(lambda: distribution.sum(list(flat)), 50)
    size = flat[0].nbytes / 1e6
    times = f"alone {alone * 1e3:7.2f} ms, step {step * 1e3:7.2f} ms"
    return f"{name:6} {times}, sum of {size:4.2f} MB {added * 1e6:6.0f} us, {added / step:.1%} of the step"


def main() -> None:
    """Print a line a case, for sums of MPI's own and for those in one order."""
    for shards in (None, 4):
        distribution = DataParallel(shards=shards)
        set_distribution(distribution)
        for name in CASES:
            line = measured(name, distribution)
            if distribution.rank == 0:
                print(f"{distribution.size} ranks, shards={shards}: {line}", flush=True)


if __name__ == "__main__":
    main()
