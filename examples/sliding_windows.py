"""Forecast a series from windows that a generator makes, as programs of Keras 2 train."""

import numpy as np

from fastlstm.keras.layers import GRU, Dense, Dropout
from fastlstm.keras.models import Sequential
from fastlstm.keras.preprocessing.sequence import TimeseriesGenerator

hours = np.arange(500)
rng = np.random.default_rng(4)
load = np.sin(2 * np.pi * hours / 24) + 0.3 * np.cos(2 * np.pi * hours / 168) + 0.1 * rng.normal(size=500)
series = load[:, None]
train = TimeseriesGenerator(series, load, length=24, batch_size=32, end_index=399)
test = TimeseriesGenerator(series, load, length=24, batch_size=32, start_index=400)

model = Sequential()
model.add(GRU(24, activation="relu", input_shape=(24, 1)))
model.add(Dropout(0.0))
model.add(Dense(1))
model.compile(optimizer="adam", loss="mse")
model.fit_generator(train, steps_per_epoch=len(train), epochs=4, validation_data=test)
print("mean squared error:", model.evaluate_generator(test))
print("next hours:", model.predict_generator(test)[:3, 0])
