"""From a series and some facts to a number and a class: branches by name, with a schedule for the learning rate."""

import numpy as np

import fastlstm as tf

tf.random.set_seed(9)
rng = np.random.default_rng(9)
series, facts = rng.normal(size=(400, 20, 2)), rng.normal(size=(400, 3))
amount = series[:, -5:, 0].sum(axis=1, keepdims=True) + facts[:, :1]
kind = (series[:, :, 1].mean(axis=1) > 0).astype(int) + (facts[:, 1] > 0)

series_in = tf.keras.Input(shape=(20, 2), name="series")
facts_in = tf.keras.Input(shape=(3,), name="facts")
read = tf.keras.layers.Bidirectional(tf.keras.layers.GRU(12))(series_in)
known = tf.keras.layers.Dense(8, activation="relu")(facts_in)
both = tf.keras.layers.concatenate([read, known])
both = tf.keras.layers.LayerNormalization()(both)
amount_out = tf.keras.layers.Dense(1, name="amount")(both)
kind_out = tf.keras.layers.Dense(3, activation="softmax", name="kind")(both)

model = tf.keras.Model(inputs=[series_in, facts_in], outputs=[amount_out, kind_out])
rate = tf.keras.optimizers.schedules.ExponentialDecay(0.01, decay_steps=20, decay_rate=0.9)
model.compile(
    optimizer=tf.keras.optimizers.Adam(rate, clipnorm=1.0),
    loss=["mse", "sparse_categorical_crossentropy"],
    loss_weights=[0.3, 1.0],
    metrics=[["mae"], ["accuracy"]],
)
model.fit({"series": series, "facts": facts}, [amount, kind], batch_size=32, epochs=4, validation_split=0.2)
numbers, shares = model.predict([series[:2], facts[:2]], verbose=0)
print(numbers.ravel(), shares.argmax(axis=-1))
