"""Tell two kinds of texts apart, in the spelling of Keras 1: every old name is told by a DeprecationWarning."""

import numpy as np
from fastlstm.keras.layers.convolutional import Convolution1D, MaxPooling1D
from fastlstm.keras.layers.embeddings import Embedding
from fastlstm.keras.utils.np_utils import to_categorical

from fastlstm.keras.layers.core import Activation, Dense
from fastlstm.keras.layers.recurrent import LSTM
from fastlstm.keras.models import Sequential
from fastlstm.keras.optimizers import SGD

nb_words, maxlen, nb_classes = 40, 16, 2
rng = np.random.default_rng(0)
labels = rng.integers(nb_classes, size=400)
# Texts of the second kind have more of the later words.
texts = np.minimum(rng.integers(nb_words, size=(400, maxlen)) + 8 * labels[:, None], nb_words - 1)
y = to_categorical(labels, nb_classes)

model = Sequential()
model.add(Embedding(input_dim=nb_words, output_dim=12, input_length=maxlen, init="uniform"))
model.add(Convolution1D(nb_filter=12, filter_length=3, border_mode="same", activation="relu"))
model.add(MaxPooling1D(pool_length=2))
model.add(LSTM(output_dim=12, init="glorot_uniform", inner_init="orthogonal", inner_activation="sigmoid"))
model.add(Dense(output_dim=nb_classes, init="uniform"))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer=SGD(lr=0.1, momentum=0.9, nesterov=True), metrics=["accuracy"])
model.fit(texts[:320], y[:320], batch_size=32, nb_epoch=4, validation_data=(texts[320:], y[320:]))
print("right:", np.mean(model.predict_classes(texts[320:]) == labels[320:]))
