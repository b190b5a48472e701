"""Tell praise from complaint: words as numbers, padded and masked, read in both directions."""

import numpy as np

from fastlstm.keras.layers import LSTM, Bidirectional, Dense, Embedding
from fastlstm.keras.models import Sequential
from fastlstm.keras.optimizers import SGD
from fastlstm.keras.preprocessing.sequence import pad_sequences
from fastlstm.keras.preprocessing.text import Tokenizer

good, bad = ["lovely", "warm", "quick", "fresh"], ["stale", "rude", "slow", "cold"]
things = ["the soup", "a waiter", "our table", "this place", "the bread"]
rng = np.random.default_rng(2)
labels = rng.integers(2, size=300)
texts = [
    ", and ".join(f"{rng.choice(things)} was {rng.choice(good if label else bad)}" for _ in range(rng.integers(1, 4)))
    for label in labels
]

tokenizer = Tokenizer(num_words=50, oov_token="?")
tokenizer.fit_on_texts(texts[:240])
x = pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=16, padding="post")

model = Sequential([
    Embedding(50, 16, mask_zero=True),
    Bidirectional(LSTM(12)),
    Dense(8, activation="relu"),
    Dense(1, activation="sigmoid"),
])  # fmt: skip
model.compile(SGD(0.3, momentum=0.9), "binary_crossentropy", metrics=["accuracy"])
model.fit(x[:240], labels[:240], batch_size=24, epochs=4, validation_data=(x[240:], labels[240:]))
review = pad_sequences(tokenizer.texts_to_sequences(["the soup was cold, and a waiter was rude"]), 16, padding="post")
print("praise with probability", float(model.predict(review)[0, 0]))
