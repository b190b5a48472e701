"""Find bursts in a noisy signal: a convolution in front of an LSTM, with callbacks that steer the training."""

import numpy as np

from fastlstm.keras import layers, models, optimizers
from fastlstm.keras.callbacks import Callback, EarlyStopping, LearningRateScheduler, ReduceLROnPlateau

rng = np.random.default_rng(5)
x = rng.normal(size=(400, 40, 2))
burst = rng.integers(2, size=400)
for row in np.flatnonzero(burst):
    start = rng.integers(30)
    x[row, start : start + 8] += np.sin(np.arange(8))[:, None] * 2
y = burst.astype("float32")


class Best(Callback):
    """Remembers the best epoch."""

    def on_train_begin(self, logs=None):
        self.epoch, self.loss = 0, np.inf

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.loss:
            self.epoch, self.loss = epoch, logs["val_loss"]


model = models.Sequential()
model.add(layers.Input(shape=(40, 2)))
model.add(layers.Conv1D(16, 5, padding="same", use_bias=False))
model.add(layers.BatchNormalization())
model.add(layers.Activation("relu"))
model.add(layers.MaxPooling1D(2))
model.add(layers.LSTM(16))
model.add(layers.Dense(1, activation="sigmoid"))
model.compile(optimizer=optimizers.Adam(learning_rate=0.01), loss="binary_crossentropy", metrics=["accuracy"])

best = Best()
callbacks = [
    LearningRateScheduler(lambda epoch, rate: rate if epoch < 2 else rate * 0.8),
    ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2),
    EarlyStopping(monitor="val_loss", patience=4, restore_best_weights=True),
    best,
]
model.fit(x[:320], y[:320], batch_size=32, epochs=6, validation_data=(x[320:], y[320:]), callbacks=callbacks)
print("best epoch:", best.epoch + 1, "rate now:", float(model.optimizer.learning_rate))
