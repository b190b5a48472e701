"""Train an LSTM and a simple RNN to tell nine speakers apart, and show them side by side.

The command ``python -m fastlstm demo``. Both networks are the classic Keras program on the Japanese Vowels data, padded
in front so that the last step is the last of the utterance, and scaled to zero mean and unit variance over the training
steps. The test set serves as validation data for the curves only: nothing is chosen by it, the last epoch counts.
"""

from __future__ import annotations

import argparse
import importlib
import time
import warnings
from typing import Any, NamedTuple

import numpy as np

import fastlstm as fl
from fastlstm import keras
from fastlstm.datasets import japanese_vowels
from fastlstm.keras.layers import LSTM, Dense, SimpleRNN
from fastlstm.keras.models import Sequential

__all__ = ["main"]

UNITS, BATCH_SIZE, SPEAKERS = 128, 32, 9
PICTURE = "fastlstm_demo.png"


class Run(NamedTuple):
    """One trained network: its name, number of parameters, curves by metric, and seconds of training."""

    name: str
    parameters: int
    history: dict[str, list[float]]
    seconds: float


def main(argv: list[str]) -> int:
    """Run the command with these arguments; return its exit status."""
    options = _options(argv)
    data = _standardised_vowels()
    verbose = 0 if options.quiet else 1
    runs = [_train(layer, data, options.epochs, options.seed, verbose) for layer in (LSTM, SimpleRNN)]
    print(_table(runs))
    if not options.no_plot:
        print(_save_picture(runs, options.plot))
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fastlstm demo", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training data (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and shuffling (default: %(default)s)")
    parser.add_argument("--plot", metavar="FILE", default=PICTURE, help="where the picture goes (default: %(default)s)")
    parser.add_argument("--no-plot", action="store_true", help="make no picture")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    options = parser.parse_args(argv)
    if options.epochs < 1:
        parser.error(f"--epochs must be at least 1, got {options.epochs}")
    return options


def _standardised_vowels() -> tuple[Any, Any, Any, Any]:
    """Return ``x_train, y_train, x_test, y_test`` with one-hot speakers; padding stays zero."""
    data = japanese_vowels(pad="pre")
    steps = data.x_train.shape[1]
    spoken_train, spoken_test = (
        np.arange(steps) >= steps - lengths[:, None] for lengths in (data.lengths_train, data.lengths_test)
    )
    spoken = data.x_train[spoken_train]
    mean, deviation = spoken.mean(axis=0), spoken.std(axis=0)
    for x, where in ((data.x_train, spoken_train), (data.x_test, spoken_test)):
        x[where] = (x[where] - mean) / deviation
    one_hot = np.eye(SPEAKERS, dtype=np.float32)
    return data.x_train, one_hot[data.y_train], data.x_test, one_hot[data.y_test]


def _train(layer: Any, data: tuple[Any, Any, Any, Any], epochs: int, seed: int, verbose: int) -> Run:
    x_train, y_train, x_test, y_test = data
    name = f"{layer.__name__}({UNITS})"
    if verbose:
        print(name)
    keras.utils.set_random_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # `input_shape` is the older way to say it, and the classic one
        model = Sequential()
        model.add(layer(UNITS, input_shape=x_train.shape[1:]))
        model.add(Dense(SPEAKERS, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

    start = time.perf_counter()
    history = model.fit(
        x_train, y_train, epochs=epochs, batch_size=BATCH_SIZE, validation_data=(x_test, y_test), verbose=verbose
    ).history
    seconds = time.perf_counter() - start
    if verbose:
        print()
    return Run(name, model.count_params(), history, seconds)


def _table(runs: list[Run]) -> str:
    rows = [
        ("", *(run.name for run in runs)),
        ("test accuracy", *(f"{run.history['val_accuracy'][-1]:.1%}" for run in runs)),
        ("test loss", *(f"{run.history['val_loss'][-1]:.3f}" for run in runs)),
        ("parameters", *(f"{run.parameters:,}" for run in runs)),
        ("training time", *(f"{run.seconds:.2f} s" for run in runs)),
        ("per epoch", *(f"{1e3 * run.seconds / len(run.history['loss']):.0f} ms" for run in runs)),
    ]
    lines = [f"{label:<14}" + "".join(f"{cell:>16}" for cell in cells) for label, *cells in rows]
    lines.insert(1, "-" * len(lines[0]))
    lines.append(f"\nKernels: {fl.active_isa()}, threads: up to {fl.get_num_threads()}")
    return "\n".join(lines)


def _save_picture(runs: list[Run], path: str) -> str:
    """Draw the curves where matplotlib is installed; return what to tell the user."""
    try:
        figure_module = importlib.import_module("matplotlib.figure")
    except ImportError:
        return "No picture: matplotlib is not installed (pip install fastlstm[plot])."
    figure = figure_module.Figure(figsize=(10, 4.2), layout="constrained")  # no window, whatever the backend
    figure.suptitle("Telling nine speakers apart (Japanese Vowels)")
    losses, accuracies = figure.subplots(1, 2)
    _draw(losses, runs, "loss", "Cross-entropy loss")
    _draw(accuracies, runs, "accuracy", "Accuracy")
    losses.set_yscale("log")
    accuracies.set_ylim(0, 1.02)
    accuracies.yaxis.set_major_formatter("{x:.0%}")
    accuracies.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=150)
    return f"Curves: {path}"


def _draw(axes: Any, runs: list[Run], metric: str, label: str) -> None:
    for run, colour in zip(runs, ("tab:blue", "tab:orange"), strict=True):
        epochs = range(1, len(run.history[metric]) + 1)
        axes.plot(epochs, run.history[metric], "--", color=colour, linewidth=1.2, label=f"{run.name}, training")
        axes.plot(epochs, run.history[f"val_{metric}"], color=colour, linewidth=2, label=f"{run.name}, test")
    axes.set(xlabel="Epoch", ylabel=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
