"""Learn to write from single characters: one-hot windows of a text, and samples at several temperatures."""

import numpy as np

from fastlstm.keras.layers import LSTM, Dense, Input
from fastlstm.keras.models import Sequential
from fastlstm.keras.optimizers import RMSprop

text = "one potato, two potato, three potato, four; " * 12
characters = sorted(set(text))
number = {character: place for place, character in enumerate(characters)}
length, step = 12, 2
starts = range(0, len(text) - length, step)
x = np.zeros((len(starts), length, len(characters)), dtype=bool)
y = np.zeros((len(starts), len(characters)), dtype=bool)
for row, start in enumerate(starts):
    for place, character in enumerate(text[start : start + length]):
        x[row, place, number[character]] = 1
    y[row, number[text[start + length]]] = 1

model = Sequential([Input((length, len(characters))), LSTM(48), Dense(len(characters), activation="softmax")])
model.compile(loss="categorical_crossentropy", optimizer=RMSprop(learning_rate=0.01))

rng = np.random.default_rng(3)
for _ in range(3):
    model.fit(x, y, batch_size=32, epochs=1)
    for temperature in (0.5, 1.0):
        written = text[:length]
        for _ in range(20):
            window = np.eye(len(characters))[[number[character] for character in written[-length:]]]
            scores = np.log(model.predict(window[None], verbose=0)[0].astype("float64") + 1e-9) / temperature
            shares = np.exp(scores) / np.exp(scores).sum()
            written += characters[rng.choice(len(characters), p=shares)]
        print(f"at {temperature}: {written!r}")
