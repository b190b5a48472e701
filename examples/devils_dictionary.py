"""A network that writes like The Devil's Dictionary, character by character.

It learns from nine tenths of Ambrose Bierce's book, and is measured by the bits it needs for a character of the last
twentieth, beside n-grams and compression programs. `docs/examples/devils_dictionary.md` says what came out.
"""

# %%
import bz2
import lzma
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import showing

from fastlstm import keras
from fastlstm.keras import layers, optimizers

options = showing.options(__doc__)
SEEDS, EPOCHS, UNITS, ORDERS, LENGTH = (1, 1, 16, 3, 40) if options.short else (3, 10, 128, 6, 300)
ROWS, STEPS = 8, 64

# %% [markdown]
# The book is cut in its own order: nine tenths to learn from, a twentieth by which the sizes above were chosen, and a
# twentieth that nothing was chosen by. Its notice and preface, before the first word, are left out.

# %%
book = bz2.decompress((showing.DATA / "devils_dictionary.txt.bz2").read_bytes()).decode()
book = book[book.index("ABASEMENT") :][: 20_000 if options.short else None]
alphabet = sorted(set(book))
number = {character: code for code, character in enumerate(alphabet)}
train, choice, tail = (book[len(book) * a // 20 : len(book) * b // 20] for a, b in ((0, 18), (18, 19), (19, 20)))

# %% [markdown]
# Compression programs get the tail behind the rest of the book, and what it adds to the file counts.

# %%
found, whole, before = {}, book.encode(), (train + choice).encode()
for name, program in (("zlib", zlib), ("bz2", bz2), ("lzma", lzma)):
    found[name] = [8 * (len(program.compress(whole)) - len(program.compress(before))) / len(tail)]

# %% [markdown]
# An n-gram counts what followed the last n - 1 characters, and leaves what it has not seen to the shorter ones: where a
# context was seen N times, before D different characters, `p_n = (count + D p_(n-1)) / (N + D)` (Witten and Bell).

# %%
follow: defaultdict[str, Counter[str]] = defaultdict(Counter)
for place, character in enumerate(train):
    for order in range(min(ORDERS, place) + 1):
        follow[train[place - order : place]][character] += 1
shares = np.empty((len(tail) - ORDERS, ORDERS + 1))
for place, row in enumerate(shares, start=ORDERS):
    share = 1 / len(alphabet)
    for order in range(ORDERS + 1):
        if seen := follow.get(tail[place - order : place]):
            share = (seen[tail[place]] + len(seen) * share) / (seen.total() + len(seen))
        row[order] = share
found |= {f"{n}-gram": [bits] for n, bits in enumerate(-np.log2(shares).mean(axis=0), start=1)}

# %% [markdown]
# The network is trained on pieces of 64 characters. A *stream* then reads one character a step and keeps the
# state: it is measured on a text of any length, and writes without reading again what it has written.


# %%
def learn(seed: int) -> Any:
    keras.utils.set_random_seed(seed)
    inside = [layers.Embedding(len(alphabet), 64), layers.LSTM(UNITS, return_sequences=True), layers.Dropout(0.1)]
    model = keras.Sequential([keras.Input((None,)), *inside, layers.Dense(len(alphabet), activation="softmax")])
    rows = (len(train) - 1) // STEPS
    codes = np.array([number[character] for character in train[: rows * STEPS + 1]])
    rate = optimizers.schedules.CosineDecay(0.005, EPOCHS * -(-rows // ROWS))
    model.compile(optimizers.Adam(rate, clipnorm=1.0), "sparse_categorical_crossentropy")
    x, y = (part.reshape(rows, STEPS) for part in (codes[:-1], codes[1:]))
    model.fit(x, y, batch_size=ROWS, epochs=EPOCHS, verbose=0)
    return model


def bits(model: Any, text: str) -> float:
    stream, codes = model.stream(), [number[character] for character in text]
    return float(-np.mean([np.log2(stream.step(code)[following]) for code, following in pairwise(codes)]))


models = [learn(seed) for seed in range(SEEDS)]
found["LSTM"] = [bits(model, tail) for model in models]
showing.table(["", "bits a character"], [[name, showing.spread(values, "{:.2f}")] for name, values in found.items()])
print(f"The part to choose by: LSTM {showing.spread([bits(model, choice) for model in models], '{:.2f}')}")


# %%
def write(model: Any, start: str, temperature: float) -> Iterator[str]:
    stream, rng = model.stream(), np.random.default_rng(0)
    shares = [stream.step(number[character]) for character in start][-1]
    for _ in range(LENGTH):
        weights = shares.astype("float64") ** (1 / temperature)
        code = int(rng.choice(len(alphabet), p=weights / weights.sum()))
        yield alphabet[code]
        shares = stream.step(code)


for temperature in (0.3, 0.7, 1.0):
    print(f"\nTemperature {temperature}: LOVE, n.", end="")
    for character in write(models[0], "LOVE, n.", temperature):
        print(character, end="", flush=True)
print("\n")


# %%
def draw(figure: Any) -> None:
    axes, colours = figure.subplots(), ["tab:blue"] + ["tab:grey"] * (len(found) - 1)
    bars = axes.barh([*found][::-1], [np.mean(values) for values in found.values()][::-1], color=colours)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set(xlabel="bits a character of the tail (less is better)")


showing.picture(options.pictures / "devils_dictionary.png", draw, (6, 3.6))
