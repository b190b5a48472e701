"""Optuna chooses the net that tells speakers apart: kind, size, dropout and learning rate, by cross-validation.

    pip install "fastlstm[sklearn]" optuna
    python examples/choose_with_optuna.py --trials 30

Utterances have 7 to 29 steps, and go in as they are. A trial comes to the same in every run, also where trials run in
parallel threads (`--jobs`), as its random numbers follow from `random_state`. Which arguments are tried next depends on
what is known by then, so with several jobs the trials may be others.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import optuna
from sklearn.model_selection import cross_val_score

from fastlstm.datasets import japanese_vowels
from fastlstm.sklearn import LSTMClassifier


def utterances(x: Any, lengths: Any) -> Any:
    """As many steps of each row as it has, (T, 12), in an array of arrays, which scikit-learn splits."""
    rows = np.empty(len(x), object)
    rows[:] = [row[:length] for row, length in zip(x, lengths, strict=True)]
    return rows


def classifier(trial: Any, epochs: int) -> LSTMClassifier:
    return LSTMClassifier(
        trial.suggest_int("units", 8, 64, log=True),
        cell=trial.suggest_categorical("cell", ["lstm", "gru", "rnn"]),
        bidirectional=trial.suggest_categorical("bidirectional", [False, True]),
        dropout=trial.suggest_float("dropout", 0.0, 0.5),
        learning_rate=trial.suggest_float("learning_rate", 1e-3, 3e-2, log=True),
        epochs=epochs,
        random_state=0,
    )


def main(arguments: list[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args(arguments)
    data = japanese_vowels()
    x, y = utterances(data.x_train, data.lengths_train), data.y_train
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(
        lambda trial: cross_val_score(classifier(trial, options.epochs), x, y, cv=3).mean(),
        n_trials=options.trials,
        n_jobs=options.jobs,
    )
    best = classifier(study.best_trial, options.epochs).fit(x, y)
    found = best.score(utterances(data.x_test, data.lengths_test), data.y_test)
    print(f"{study.best_params}: {study.best_value:.3f} in cross-validation, {found:.3f} of what nobody has seen")
    return float(found)


if __name__ == "__main__":
    main()
