"""What the ranks of a job run for test_keras_mpi.py: ``mpi_program.py FOLDER CASE ...``; a line of JSON a case."""

from __future__ import annotations

import json
import os
import signal
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import trainings
from trainings import SIZE, TRAININGS, X, Y

from fastlstm import keras
from fastlstm.keras import Input, Sequential, callbacks, distribution, layers, optimizers, regularizers

FOLDER = Path(sys.argv[1])
SHARDS = int(os.environ["SHARDS"]) or None


def fitted(model: Any, *arguments: Any, **options: Any) -> list[Any]:
    """Return what a training comes to."""
    history = model.fit(*arguments, **options).history
    state = b"".join(np.asarray(part).tobytes() for part in (*model.get_weights(), *model.optimizer.get_weights()))
    return [sha256(state).hexdigest(), repr(history)]


def of_trainings(name: str, **options: Any) -> list[Any]:
    model, own = TRAININGS[name]()
    given = {"x": X, "y": Y, "batch_size": SIZE, "epochs": 2, "verbose": 0} | own | options
    return fitted(model, **given)


def everything() -> list[Any]:
    """Masks, means over all rows, dropout, clipping, regularizers, weights, a last batch of fewer rows than ranks."""
    steps = np.arange(9)[:, None] % 5 + 1 > np.arange(5)
    x, y = np.where(steps[..., None], X[:9], 0), X[:9, :, :1]
    chain = [
        layers.Masking(),
        layers.LSTM(
            4, dropout=0.3, recurrent_dropout=0.2, kernel_regularizer=regularizers.L2(0.1), return_sequences=True
        ),
        layers.Dropout(0.2, seed=3),
        layers.BatchNormalization(),
        layers.ActivityRegularization(l2=0.1),
        layers.Dense(1),
    ]
    model = Sequential([Input((5, 3)), *chain])
    model.compile(optimizers.Adam(0.1, global_clipnorm=0.1), "mse", metrics=["mae"])
    return fitted(model, x, y, batch_size=4, epochs=3, verbose=0, sample_weight=np.linspace(0, 1, 9))


def interrupted() -> list[Any]:
    """Leave a checkpoint in the folder."""

    class Stopping(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == 0

    kept = callbacks.ModelCheckpoint(FOLDER / "kept.fastlstm", save_freq=3)
    return of_trainings("noisy", callbacks=[kept, Stopping()])


def resumed() -> list[Any]:
    return of_trainings("noisy", resume_from=FOLDER / "kept.fastlstm")


def with_seeds_of_their_own() -> list[Any]:
    keras.utils.set_random_seed(COMM_RANK)
    distribution.set_distribution(distribution.distribution())
    return of_trainings("noisy")


def printing() -> list[Any]:
    return of_trainings("noisy", verbose=2)


def broken(kill: bool) -> list[Any]:
    def batches() -> Any:
        for number in range(5):
            if number == 3 and COMM_RANK == 1 and kill:
                os.kill(os.getpid(), signal.SIGKILL)
            if number == 3 and COMM_RANK == 1:
                raise LookupError("the data of rank 1 have a hole")
            yield X[:8], Y[:8]

    return of_trainings("noisy", x=batches(), y=None, batch_size=None)


CASES: dict[str, Any] = {
    "everything": everything,
    "interrupted": interrupted,
    "resumed": resumed,
    "with_seeds_of_their_own": with_seeds_of_their_own,
    "printing": printing,
    "raising": lambda: broken(False),
    "killed": lambda: broken(True),
}

if __name__ == "__main__":
    shared = distribution.DataParallel(shards=SHARDS)
    COMM_RANK = shared.rank
    for case in sys.argv[2:]:
        keras.utils.set_random_seed(3)
        distribution.set_distribution(shared)
        found = CASES[case]() if case in CASES else of_trainings(case)
        with open(FOLDER / f"{shared.size}-{shared.rank}.json", "a") as file:
            file.write(json.dumps([case, *found]) + "\n")
    assert trainings
