"""Weigh the steps of an LSTM by hand: attention out of Dense, Softmax and Lambda, with functions of the backend."""

import numpy as np

import fastlstm.keras.backend as K
from fastlstm.keras.layers import LSTM, Activation, Dense, Flatten, Input, Lambda, Multiply, Permute, RepeatVector
from fastlstm.keras.models import Model

steps, features, units = 15, 3, 16
rng = np.random.default_rng(7)
x = rng.normal(size=(400, steps, features))
where = rng.integers(steps, size=400)
x[:, :, 2] = where[:, None] == np.arange(steps)
y = x[np.arange(400), where, 0]

inputs = Input(shape=(steps, features))
sequence = LSTM(units, return_sequences=True)(inputs)
scores = Flatten()(Dense(1, activation="tanh")(sequence))
shares = Activation("softmax", name="shares")(scores)
weighted = Multiply()([sequence, Permute((2, 1))(RepeatVector(units)(shares))])
context = Lambda(lambda z: K.sum(z, axis=1), output_shape=(units,))(weighted)
model = Model(inputs, Dense(1)(context))
model.compile(optimizer="adam", loss="mean_squared_error")
model.fit(x[:320], y[:320], batch_size=32, epochs=4, validation_data=(x[320:], y[320:]))

seen = Model(inputs, model.get_layer("shares").output).predict(x[320:], verbose=0)
print("share of the step that counts:", seen[np.arange(80), where[320:]].mean())
