"""Add the two marked numbers of a sequence, many to one, in the spelling of Keras 2: `lr`, `decay`, `input_shape`."""

import numpy as np

from fastlstm.keras.layers import LSTM, Dense
from fastlstm.keras.models import Sequential
from fastlstm.keras.optimizers import Adam

timesteps = 12
rng = np.random.default_rng(1)
numbers, marks = rng.uniform(size=(600, timesteps)), np.zeros((600, timesteps))
for row in marks:
    row[rng.choice(timesteps, size=2, replace=False)] = 1
x = np.stack([numbers, marks], axis=-1)
y = (numbers * marks).sum(axis=1)

model = Sequential()
model.add(LSTM(16, return_sequences=True, input_shape=(timesteps, 2)))
model.add(LSTM(16))
model.add(Dense(1))
model.compile(loss="mse", optimizer=Adam(lr=0.01, decay=1e-3), metrics=["mae"])
model.fit(x[:500], y[:500], batch_size=50, epochs=5, validation_split=0.2)
loss, mae = model.evaluate(x[500:], y[500:])
print("mean absolute error:", mae)
