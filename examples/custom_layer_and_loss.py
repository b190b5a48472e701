"""A layer, a loss and a metric of one's own, written with `ops`: gradients come from autograd."""

import numpy as np

from fastlstm.keras import Input, Model, layers, ops

rng = np.random.default_rng(8)
x = rng.normal(size=(400, 10, 4)).astype("float32")
y = (x[:, :, :1].max(axis=1) + 0.2 * rng.normal(size=(400, 1))).astype("float32")


class Pooling(layers.Layer):
    """The mean of all steps, weighed by learned scores."""

    def build(self, input_shape):
        self.direction = self.add_weight(shape=(input_shape[-1], 1), initializer="glorot_uniform", name="direction")

    def call(self, inputs):
        scores = ops.matmul(ops.tanh(inputs), self.direction)
        return ops.sum(inputs * ops.softmax(scores, axis=1), axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])


def upper_quantile(y_true, y_pred):
    """Too little costs four times what too much does."""
    error = y_true - y_pred
    return ops.mean(ops.maximum(0.8 * error, -0.2 * error), axis=-1)


def share_below(y_true, y_pred):
    return ops.mean(ops.cast(y_true <= y_pred, "float32"), axis=-1)


inputs = Input((10, 4))
sequence = layers.GRU(16, return_sequences=True)(inputs)
model = Model(inputs, layers.Dense(1)(Pooling()(sequence)))
model.compile(optimizer="adam", loss=upper_quantile, metrics=[share_below])
model.fit(x[:320], y[:320], batch_size=32, epochs=4, validation_data=(x[320:], y[320:]))
print("labels below the forecast:", (y[320:] <= model(x[320:]).numpy()).mean())
