"""Trainings of five epochs, one for every optimizer and one for every loss, the same in Keras and here.

A net reads 40 sequences of 6 steps with 3 features, 8 at a time in their order, from weights drawn here. What a loss is
given has the form that it is for: numbers, ones and zeros, shares or class numbers.
"""

import numpy as np

ROWS, STEPS, FEATURES, UNITS, CLASSES, EPOCHS = 40, 6, 3, 7, 4, 5

RATE = 0.02
"""Of all optimizers but those named."""

OPTIMIZERS = {
    "SGD": {"momentum": 0.9, "nesterov": True},
    "RMSprop": {"momentum": 0.5, "centered": True, "learning_rate": 0.002},
    "Adam": {"amsgrad": True},
    "AdamW": {"weight_decay": 0.1},
    "Nadam": {},
    "Adagrad": {},
    "Adadelta": {"learning_rate": 1.0},
    "Adamax": {},
    "Lion": {"learning_rate": 0.002},
    "Ftrl": {"l1_regularization_strength": 0.001},
    "Adafactor": {},
    "Lamb": {},
}

NUMBERS, POSITIVE, BITS, SIGNS, SHARES = "numbers", "positive", "bits", "signs", "shares"
CLASS, COLUMN = "class", "column of classes"

LOSSES = {  # what the labels are, the activation of the last layer, and how the loss is set
    "MeanSquaredError": (NUMBERS, None, {}),
    "MeanAbsoluteError": (NUMBERS, None, {}),
    "MeanAbsolutePercentageError": (POSITIVE, "softplus", {}),
    "MeanSquaredLogarithmicError": (POSITIVE, "softplus", {}),
    "Huber": (NUMBERS, None, {"delta": 0.7}),
    "LogCosh": (NUMBERS, None, {}),
    "Poisson": (POSITIVE, "softplus", {}),
    "CosineSimilarity": (NUMBERS, None, {}),
    "Hinge": (SIGNS, "tanh", {}),
    "SquaredHinge": (SIGNS, "tanh", {}),
    "BinaryCrossentropy": (BITS, "sigmoid", {"label_smoothing": 0.1}),
    "BinaryFocalCrossentropy": (BITS, "sigmoid", {"apply_class_balancing": True}),
    "Dice": (BITS, "sigmoid", {}),
    "Tversky": (BITS, "sigmoid", {"alpha": 0.3, "beta": 0.7}),
    "CategoricalCrossentropy": (SHARES, "softmax", {}),
    "CategoricalFocalCrossentropy": (SHARES, "softmax", {"gamma": 1.5}),
    "CategoricalGeneralizedCrossEntropy": (CLASS, "softmax", {}),
    "CategoricalHinge": (SHARES, "softmax", {}),
    "KLDivergence": (SHARES, "softmax", {}),
    "SparseCategoricalCrossentropy": (COLUMN, "softmax", {}),
    "CTC": (CLASS, None, {}),
}

METRICS = {
    NUMBERS: ["mae"],
    POSITIVE: ["mse"],
    BITS: ["binary_accuracy"],
    SIGNS: ["mse"],
    SHARES: ["categorical_accuracy", "mae"],
    CLASS: ["sparse_categorical_accuracy"],
    COLUMN: ["sparse_categorical_accuracy"],
}


def labels(kind, rng):
    """Return what the net is to say of every row."""
    classes = rng.integers(0, CLASSES, ROWS)
    found = {
        NUMBERS: rng.normal(size=(ROWS, CLASSES)),
        POSITIVE: rng.uniform(0.5, 2, size=(ROWS, CLASSES)),
        BITS: rng.integers(0, 2, (ROWS, CLASSES)),
        SIGNS: 2 * rng.integers(0, 2, (ROWS, CLASSES)) - 1,
        SHARES: np.eye(CLASSES)[classes],
        CLASS: classes,
        COLUMN: classes[:, None],
    }
    return found[kind].astype("int32" if kind in (CLASS, COLUMN) else "float32")


def trained(keras, optimizer, loss, kind, activation, metrics):
    """Return the curves of a training."""
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(ROWS, STEPS, FEATURES)).astype("float32"), labels(kind, rng)
    sequences = type(loss).__name__ == "CTC"  # which reads steps; class 0 is its blank
    if sequences:
        y, metrics = 1 + rng.integers(0, CLASSES - 1, (ROWS, 3)), []
    recurrent = keras.layers.LSTM(UNITS, return_sequences=sequences)
    dense = keras.layers.Dense(CLASSES, activation=activation)
    model = keras.Sequential([keras.Input((STEPS, FEATURES)), recurrent, dense])
    model.set_weights([0.4 * rng.normal(size=np.shape(weight)).astype("float32") for weight in model.get_weights()])
    model.compile(optimizer, loss, metrics=metrics)
    history = model.fit(x, y, batch_size=8, epochs=EPOCHS, shuffle=False, verbose=0).history
    return {name: [float(value) for value in values] for name, values in history.items()}


def curves(keras):
    """Return those of every optimizer, with the same loss, and of every loss, with the same optimizer."""
    found = {}
    for name, options in OPTIMIZERS.items():
        optimizer = getattr(keras.optimizers, name)(**{"learning_rate": RATE} | options)
        loss = keras.losses.CategoricalCrossentropy()
        found[name] = trained(keras, optimizer, loss, SHARES, "softmax", METRICS[SHARES])
    for name, (kind, activation, options) in LOSSES.items():
        optimizer, loss = keras.optimizers.SGD(RATE, momentum=0.9), getattr(keras.losses, name)(**options)
        found[name] = trained(keras, optimizer, loss, kind, activation, METRICS[kind])
    return found
