"""Turn digits round: an encoder hands its states to a decoder, which later runs one step at a time."""

import numpy as np

from fastlstm.keras.layers import LSTM, Dense, Input
from fastlstm.keras.models import Model

length, units, symbols = 4, 48, 12  # ten digits, start and end
START, END = 10, 11
rng = np.random.default_rng(6)
digits = rng.integers(10, size=(600, length))
turned = np.hstack([np.full((600, 1), START), digits[:, ::-1], np.full((600, 1), END)])
one_hot = np.eye(symbols)
encoder_data, decoder_data, targets = one_hot[digits], one_hot[turned[:, :-1]], one_hot[turned[:, 1:]]

encoder_inputs = Input(shape=(None, symbols))
encoder_outputs, state_h, state_c = LSTM(units, return_state=True)(encoder_inputs)
encoder_states = [state_h, state_c]
decoder_inputs = Input(shape=(None, symbols))
decoder_lstm = LSTM(units, return_sequences=True, return_state=True)
decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=encoder_states)
decoder_dense = Dense(symbols, activation="softmax")
model = Model([encoder_inputs, decoder_inputs], decoder_dense(decoder_outputs))
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
model.fit([encoder_data, decoder_data], targets, batch_size=40, epochs=4, validation_split=0.2)

encoder_model = Model(encoder_inputs, encoder_states)
given_h, given_c = Input(shape=(units,)), Input(shape=(units,))
outputs, h, c = decoder_lstm(decoder_inputs, initial_state=[given_h, given_c])
decoder_model = Model([decoder_inputs, given_h, given_c], [decoder_dense(outputs), h, c])

for row in range(2):
    states = encoder_model.predict(encoder_data[row : row + 1], verbose=0)
    symbol, answer = START, []
    while symbol != END and len(answer) < length:
        shares, *states = decoder_model.predict([one_hot[[[symbol]]], *states], verbose=0)
        symbol = int(shares[0, -1].argmax())
        answer.append(symbol)
    print(digits[row], "->", answer)
