"""Handwritten digits, read row by row from the top: an answer after every row, and how sure it is.

An LSTM and a GRU say after each of the eight rows which digit it will be, beside classifiers of which each was made for
so many rows. Needs scikit-learn, which has the pictures. `docs/examples/digits_by_row.md` says what came out.
"""

# %%
from typing import Any

import numpy as np
import showing

from fastlstm import keras
from fastlstm.keras import layers, optimizers

try:
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
except ImportError:
    raise SystemExit("The digits come with scikit-learn, which is not installed: pip install scikit-learn") from None

options = showing.options(__doc__)
SEEDS, EPOCHS, UNITS = (2, 1, 16) if options.short else (5, 15, 128)

# %% [markdown]
# 1,797 pictures of 8 x 8 pixels, the last 500 of which are for the test. A random choice would be easier for everybody,
# as neighbours in the set resemble each other. The 1,297 others come three times: as they are, and moved by a pixel to
# the left and to the right.

# %%
digits = load_digits()
pictures, answers = (digits.images / 16).astype("float32"), digits.target
padded = np.pad(pictures[:-500], ((0, 0), (0, 0), (1, 1)))
x, y = np.concatenate([padded[:, :, left : left + 8] for left in (1, 0, 2)]), np.tile(answers[:-500], 3)
x_test, y_test = pictures[-500:], answers[-500:]

# %% [markdown]
# One network for any number of rows: a label stands at every row, so it learns to answer as well as it can so far.
# Noise on the pixels, for the training alone, keeps it from learning the pictures by heart.


# %%
def learn(layer: Any, seed: int) -> Any:
    keras.utils.set_random_seed(seed)
    inside = [layers.GaussianNoise(0.2), layer(UNITS, return_sequences=True), layers.Dropout(0.3)]
    model = keras.Sequential([keras.Input((8, 8)), *inside, layers.Dense(10, activation="softmax")])
    rate = optimizers.schedules.CosineDecay(0.005, EPOCHS * -(-len(x) // 32))
    model.compile(optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(x, np.repeat(y[:, None], 8, axis=1), batch_size=32, epochs=EPOCHS, verbose=0)
    return model


def right_of(make: Any) -> Any:
    """Return the part of right answers of eight classifiers, each of so many rows."""
    parts = [(x[:, :rows].reshape(len(x), -1), x_test[:, :rows].reshape(500, -1)) for rows in range(1, 9)]
    return np.array([make().fit(seen, y).score(seen_test, y_test) for seen, seen_test in parts])


models = {layer.__name__: [learn(layer, seed) for seed in range(SEEDS)] for layer in (layers.LSTM, layers.GRU)}
shares = {name: [model.predict(x_test, verbose=0) for model in trained] for name, trained in models.items()}
found = {name: [(p.argmax(-1) == y_test[:, None]).mean(axis=0) for p in every] for name, every in shares.items()}
found["3 nearest neighbours"] = [right_of(lambda: KNeighborsClassifier(3))]
found["logistic regression"] = [right_of(lambda: LogisticRegression(max_iter=5000))]
sure = {f"{name}, share of its answer": [p.max(-1).mean(axis=0) for p in every] for name, every in shares.items()}
chosen = {f"{rows} rows": rows - 1 for rows in (2, 4, 6, 8)}
rows = (found | sure).items()
table = [[name, *(showing.spread([run[row] for run in runs]) for row in chosen.values())] for name, runs in rows]
showing.table(["right answers after", *chosen], table)

# %% [markdown]
# A digit as it comes in, a row a step: the one about which the first LSTM changed its mind most in the second half.

# %%
first = shares["LSTM"][0]
true = first[np.arange(500), :, y_test]
shown = int((true[:, 7] - true[:, 3]).argmax())
stream = models["LSTM"][0].stream()
print(f"\nA {y_test[shown]}, row by row:")
for row in x_test[shown]:
    now = stream.step(row)
    print("".join(" .:*#"[int(4 * pixel)] for pixel in row), f" {now.argmax()} ({now.max():.0%})")


# %%
def draw(figure: Any) -> None:
    curves, picture, answer = figure.subplots(1, 3, width_ratios=(1.6, 0.8, 1))
    for name, runs in found.items():
        curves.plot(range(1, 9), np.mean(runs, axis=0), "o-" if len(runs) > 1 else ".--", label=name, markersize=4)
    curves.set(xlabel="rows seen", ylabel="right answers", ylim=(0, 1.02))
    curves.yaxis.set_major_formatter("{x:.0%}")
    curves.legend(frameon=False, loc="lower right")
    picture.imshow(x_test[shown], cmap="Greys", extent=(0, 8, 8.5, 0.5), aspect="auto")
    picture.set(title=f"a {y_test[shown]}", xticks=[], ylabel="row")
    answer.imshow(first[shown], cmap="Blues", vmin=0, vmax=1, extent=(-0.5, 9.5, 8.5, 0.5), aspect="auto")
    answer.set(title="the LSTM's answer", xlabel="digit (darker: surer)", xticks=range(10), yticks=range(1, 9))


showing.picture(options.pictures / "digits_by_row.png", draw)
