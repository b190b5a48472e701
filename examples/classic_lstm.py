"""Train a classifier of noisy waves with LSTM: the classic Keras program, on fastlstm."""

import numpy as np

from fastlstm.keras.layers import LSTM, Dense
from fastlstm.keras.models import Sequential
from fastlstm.keras.utils import to_categorical

timesteps, input_dim, output_dim = 20, 3, 4
rng = np.random.default_rng(0)
labels = rng.integers(output_dim, size=1000)
time = np.arange(timesteps)[:, None] + rng.uniform(0, 6, (1000, 1, input_dim))
x = np.sin((0.3 + 0.4 * labels[:, None, None]) * time) + 0.3 * rng.normal(size=(1000, timesteps, input_dim))
y = to_categorical(labels, output_dim)
x_train, y_train, x_val, y_val = x[:800], y[:800], x[800:], y[800:]

model = Sequential()
model.add(LSTM(128, input_shape=(timesteps, input_dim)))
model.add(Dense(output_dim, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.summary()
model.fit(x_train, y_train, epochs=10, batch_size=32, validation_data=(x_val, y_val))
