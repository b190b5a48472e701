"""Who is speaking? An answer every 6.4 ms, while the sound comes in.

An LSTM hears nine men say /ae/, and after every step says who it is, beside discriminant analysis of what has been
heard. `docs/examples/who_is_speaking.md` says what came out.
"""

# %%
import time
from typing import Any

import numpy as np
import showing

from fastlstm import keras
from fastlstm.datasets import japanese_vowels
from fastlstm.keras import layers, optimizers

options = showing.options(__doc__)
SEEDS, EPOCHS, UNITS = (2, 2, 16) if options.short else (10, 60, 64)
HEARD = (1, 3, 5, 10, 15, 29)

# %% [markdown]
# 270 utterances to learn from and 370 to be tested on, of 7 to 29 steps of 12 numbers, scaled by what is to learn from.

# %%
data = japanese_vowels()
steps = np.arange(29)
spoken = steps < data.lengths_train[:, None]
mean, deviation = data.x_train[spoken].mean(axis=0), data.x_train[spoken].std(axis=0)
x, y, x_test, y_test = (data.x_train - mean) / deviation, data.y_train, (data.x_test - mean) / deviation, data.y_test


def right(scores: Any) -> Any:
    """Return the part of right answers after 1, 2, ... steps; who is silent by then has been heard to the end."""
    heard = np.minimum(steps, data.lengths_test[:, None] - 1)
    return (np.take_along_axis(scores.argmax(-1), heard, axis=1) == y_test[:, None]).mean(axis=0)


# %% [markdown]
# What a net has to beat. *Means*: linear discriminant analysis of the mean of the steps heard so far, with one of these
# for each number of steps. *Steps*: a normal distribution for each speaker, of single steps in whatever order, whose
# logarithms are added up as the steps come in.


# %%
def by_means() -> Any:
    sums, sums_test, scores = x.cumsum(axis=1), x_test.cumsum(axis=1), np.empty((370, 29, 9))
    for step in steps:
        last, last_test = (np.minimum(step, lengths - 1) for lengths in (data.lengths_train, data.lengths_test))
        seen = sums[np.arange(270), last] / (last + 1)[:, None]
        centres = np.array([seen[y == speaker].mean(axis=0) for speaker in range(9)])
        spread = np.cov((seen - centres[y]).T)
        weights = np.linalg.solve(0.9 * spread + 0.1 * np.eye(12) * spread.trace() / 12, centres.T)
        scores[:, step] = sums_test[np.arange(370), last_test] / (last_test + 1)[:, None] @ weights
        scores[:, step] -= (weights * centres.T).sum(axis=0) / 2
    return scores


def by_steps() -> Any:
    scores = np.empty((370, 29, 9))
    for speaker in range(9):
        own = x[y == speaker][spoken[y == speaker]]
        spread, away = np.cov(own.T), x_test - own.mean(axis=0)
        scores[..., speaker] = -(away * (away @ np.linalg.inv(spread)) + np.linalg.slogdet(spread)[1] / 12).sum(-1) / 2
    return scores.cumsum(axis=1)


# %% [markdown]
# The net has a label at every step, and steps after the end have no weight.


# %%
def learn(seed: int) -> Any:
    keras.utils.set_random_seed(seed)
    inside = [layers.GaussianNoise(0.6), layers.LSTM(UNITS, return_sequences=True), layers.Dropout(0.3)]
    model = keras.Sequential([keras.Input((None, 12)), *inside, layers.Dense(9, activation="softmax")])
    rate = optimizers.schedules.CosineDecay(0.005, EPOCHS * -(-len(x) // 16))
    model.compile(optimizers.Adam(rate), "sparse_categorical_crossentropy", weighted_metrics=[])
    labels, weights = np.repeat(y[:, None], 29, axis=1), spoken.astype("float32")
    model.fit(x, labels, batch_size=16, epochs=EPOCHS, sample_weight=weights, verbose=0)
    return model


models = [learn(seed) for seed in range(SEEDS)]
found = {"LSTM": [right(model.predict(x_test, verbose=0)) for model in models]}
found |= {"means": [right(by_means())], "steps": [right(by_steps())]}
rows = [[name, *(showing.spread([run[heard - 1] for run in runs]) for heard in HEARD)] for name, runs in found.items()]
showing.table(["right answers after", *(f"{heard} steps" if heard > 1 else "1 step" for heard in HEARD)], rows)

# %% [markdown]
# An utterance as it comes in, through a stream that keeps the state; its answers have the bits of `predict`. It is the
# one about which the first net changes its mind most after three steps.

# %%
whole = models[0].predict(x_test, verbose=0)
of_speaker = whole[np.arange(370), :, y_test]
shown = int((of_speaker[np.arange(370), data.lengths_test - 1] - of_speaker[:, 2]).argmax())
stream, said = models[0].stream(), x_test[shown, : data.lengths_test[shown]]
shares, ends = zip(*((stream.step(step), time.perf_counter()) for step in said), strict=True)
print("\nSame bits as predict:", np.array_equal(shares, whole[shown, : len(shares)]))
print(f"A step takes {1e6 * np.median(np.diff(ends)):.0f} us; the next one comes after 6,400.")


# %%
def draw(figure: Any) -> None:
    curves, sure = figure.subplots(1, 2)
    for name, runs in found.items():
        curves.plot(steps + 1, np.mean(runs, axis=0), label=name)
    curves.fill_between(steps + 1, np.min(found["LSTM"], axis=0), np.max(found["LSTM"], axis=0), alpha=0.2)
    curves.set(xlabel="steps heard", ylabel="right answers", title=f"{SEEDS} nets: mean, least and most")
    curves.yaxis.set_major_formatter("{x:.0%}")
    curves.legend(frameon=False, loc="lower right")
    for speaker, line in enumerate(np.transpose(shares)):
        sure.plot(steps[: len(line)] + 1, line, color="tab:blue" if speaker == y_test[shown] else "silver")
    sure.set(xlabel="steps heard", ylabel="share", title="one utterance: its speaker in blue")
    sure.set_xticks(range(0, len(shares) + 1, 5))


showing.picture(options.pictures / "who_is_speaking.png", draw)
