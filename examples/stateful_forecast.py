"""Forecast a long wave piece by piece: a stateful LSTM goes on where the batch before ended, as in Keras 2."""

import numpy as np

from fastlstm.keras.layers import LSTM, Dense
from fastlstm.keras.models import Sequential

rows, piece, pieces = 4, 10, 12
time = np.arange(pieces * piece + 1)
waves = np.stack([np.sin(0.11 * (row + 2) * time) for row in range(rows)])
# Piece after piece, each with a row of every wave: batches of `rows`.
x = waves[:, :-1].reshape(rows, pieces, piece, 1).swapaxes(0, 1).reshape(-1, piece, 1)
y = waves[:, 1:].reshape(rows, pieces, piece, 1).swapaxes(0, 1).reshape(-1, piece, 1)

model = Sequential()
model.add(LSTM(20, stateful=True, return_sequences=True, batch_input_shape=(rows, piece, 1)))
model.add(Dense(1))
model.compile(loss="mean_squared_error", optimizer="adam")
for _ in range(4):
    model.fit(x, y, batch_size=rows, epochs=1, shuffle=False)
    model.reset_states()

forecast = model.predict(x, batch_size=rows)
print("error of the last piece:", np.abs(forecast[-rows:] - y[-rows:]).mean())
