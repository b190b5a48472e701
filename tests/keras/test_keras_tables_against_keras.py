"""Steps that change few rows of a large table side by side with real Keras, where it is installed."""

import numpy as np
import pytest

from fastlstm import keras as ours

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")

WORDS, SIZE = 20_000, 16
RNG = np.random.default_rng(3)
# No word is twice in a batch: there Keras on TensorFlow squares every occurrence by itself, and ours their sum.
BATCHES = [RNG.permutation(np.r_[0:20, WORDS - 20 : WORDS])[:20].reshape(4, 5) for _ in range(6)]


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda k: k.optimizers.SGD(0.1, momentum=0.9),
        lambda k: k.optimizers.Adam(0.01),
        lambda k: k.optimizers.RMSprop(0.01, momentum=0.5),
        lambda k: k.optimizers.Adagrad(0.1),
        lambda k: k.optimizers.Nadam(0.01, clipnorm=0.1),
    ],
    ids=["sgd", "adam", "rmsprop", "adagrad", "nadam"],
)
def test_training(optimizer):
    found = []
    for k in (ours, theirs):
        model = k.Sequential([k.Input((5,)), k.layers.Embedding(WORDS, SIZE), k.layers.LSTM(4), k.layers.Dense(1)])
        model.set_weights([np.random.default_rng(w.size).normal(size=w.shape) * 0.5 for w in model.get_weights()])
        model.compile(optimizer(k), "mse")
        losses = [float(np.ravel(model.train_on_batch(x, np.ones((4, 1))))[0]) for x in BATCHES]
        found.append([losses, *model.get_weights()])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)  # six steps of float32 training by two implementations
