"""LSTM and RNN alone, on top of each other and side by side, with equally many parameters.

Makes the tables and the picture of docs/lstm-and-rnn.md. Needs scikit-learn, for the digits.
"""

import multiprocessing
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import showing
from five_nets import LSTM, NETS, RNN, equal_units, memory, net
from measuring import Array, interval, timed

from fastlstm import keras
from fastlstm.datasets import japanese_vowels

RATES = (1e-3, 3e-3, 1e-2)


class Task(NamedTuple):
    name: str
    train: tuple[Array, Array]
    test: tuple[Array, Array]
    epochs: int

    def shortened(self) -> "Task":
        (x, y), (x_test, y_test) = self.train, self.test
        return Task(self.name, (x[::5], y[::5]), (x_test[::5], y_test[::5]), 1)


def tasks() -> list[Task]:
    data = japanese_vowels(pad="pre")
    spoken = data.x_train[data.x_train.any(-1)]
    said = [np.where(x.any(-1, keepdims=True), (x - spoken.mean(0)) / spoken.std(0), 0) for x in (data[0], data[3])]
    found = [Task("speakers", (said[0], data.y_train), (said[1], data.y_test), 40)]
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        print("Speakers only: the digits come with scikit-learn, which is not installed (pip install scikit-learn).")
        return found
    pixels, digits = load_digits(return_X_y=True)
    for name, shape, epochs in (("digits by rows", (-1, 8, 8), 30), ("digits by pixels", (-1, 64, 1), 25)):
        x = (pixels / 16).reshape(shape).astype("float32")
        found.append(Task(name, (x[:1257], digits[:1257]), (x[1257:], digits[1257:]), epochs))
    return found


def accuracy(name: str, task: Task, units: tuple[int, int], rate: float, seed: int, tuning: bool = False) -> float:
    """Train on all and test, or, for tuning, on four fifths of what is for training and test on the fifth."""
    (x, y), test = task.train, task.test
    if tuning:
        held = np.arange(len(x)) % 5 == 4
        (x, y), test = (x[~held], y[~held]), (x[held], y[held])
    keras.utils.set_random_seed(seed)
    model = net(name, x.shape[1:], int(y.max()) + 1, units, rate)
    model.fit(x, y, epochs=task.epochs, batch_size=32, verbose=0)
    return 100 * float(model.evaluate(*test, verbose=0)[1])


def compare(task: Task, seeds: int, tuning_seeds: int) -> dict[str, list[float]]:
    rows, found = [], dict[str, list[float]]()
    shape, classes = task.train[0].shape[1:], int(task.train[1].max()) + 1
    for name in NETS:
        units = equal_units(name, shape, classes)
        tried = {
            rate: [accuracy(name, task, units, rate, 100 + s, True) for s in range(tuning_seeds)] for rate in RATES
        }
        rate = max(RATES, key=lambda rate: np.mean(tried[rate]))
        found[name] = [accuracy(name, task, units, rate, seed) for seed in range(seeds)]
        model = net(name, shape, classes, units)
        width = " and ".join(str(layer.units) for layer in model.layers if isinstance(layer, (LSTM, RNN)))
        rows.append([name, width, f"{model.count_params():,}", rate, interval(found[name], "{:.2f}")])
    for row in rows:
        row += [interval(np.subtract(found[row[0]], found[alone]), "{:+.2f}") for alone in ("LSTM", "RNN")]
    print(f"\n{task.name}")
    showing.table(["net", "units", "parameters", "rate", "% right", "against LSTM", "against RNN"], rows)
    return found


def costs(rounds: int) -> None:
    """Times with a batch of 32 utterances, 29 steps each, and memory."""
    x, y = np.random.default_rng(0).normal(size=(32, 29, 12)).astype("float32"), np.arange(32) % 9
    units = {name: equal_units(name, (29, 12), 9) for name in NETS}
    nets = {name: net(name, (29, 12), 9, units[name]) for name in NETS}
    step = timed({name: partial(model.train_on_batch, x, y) for name, model in nets.items()}, rounds)
    whole = timed({name: partial(model.predict_on_batch, x) for name, model in nets.items()}, rounds)
    single = timed({name: partial(model.predict_on_batch, x[:1]) for name, model in nets.items()}, rounds)
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        more = dict(zip(NETS, pool.starmap(memory, units.items(), chunksize=1), strict=True))
    rows = [[n, f"{step[n]:,.0f}", f"{whole[n]:,.0f}", f"{single[n]:,.0f}", f"{more[n]:.0f}"] for n in NETS]
    print()
    showing.table(["net", "training step, us", "inference, us", "of one utterance, us", "memory, MB"], rows)


def draw(figure: Any, found: dict[str, dict[str, list[float]]]) -> None:
    for axes, (task, nets) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True):
        for place, right in enumerate(nets.values()):
            axes.plot(right, [place] * len(right), "o", alpha=0.35, color=f"C{place}")
            axes.plot(np.mean(right), place, "|", markersize=22, markeredgewidth=2.5, color=f"C{place}")
        axes.set(title=task, xlabel="% right", yticks=range(len(nets)), yticklabels=list(nets))
        axes.invert_yaxis()
        axes.label_outer()


def main() -> None:
    options = showing.options(__doc__)
    every = [task.shortened() for task in tasks()] if options.short else tasks()
    found = {task.name: compare(task, *((2, 1) if options.short else (10, 2))) for task in every}
    costs(3 if options.short else 300)
    showing.picture(options.pictures / "combining_lstm_and_rnn.png", partial(draw, found=found))


if __name__ == "__main__":
    main()
