"""Layers of which configs are made, one of every class and again with other settings; `layers` is either module.

The settings are numbers that are the same in any precision, except those of regularizers and constraints by name.
"""

from collections.abc import Callable
from typing import Any

WEIGHTS = {
    "kernel_initializer": "he_normal",
    "bias_initializer": "ones",
    "kernel_regularizer": "l2",
    "kernel_constraint": "max_norm",
    "bias_constraint": "non_neg",
}
RECURRENT = WEIGHTS | {
    "recurrent_initializer": "glorot_uniform",
    "recurrent_regularizer": "L1L2",
    "recurrent_constraint": "unit_norm",
    "dropout": 0.25,
    "recurrent_dropout": 0.5,
    "seed": 3,
    "name": "named",
    "trainable": False,
    "dtype": "float64",
}
SEQUENCE = {
    "return_sequences": True,
    "return_state": True,
    "go_backwards": True,
    "stateful": True,
    "zero_output_for_mask": True,
    "unroll": True,
    "activity_regularizer": "l2",
}
NORMALIZATION = {
    "axis": [1, 2],
    "epsilon": 0.25,
    "beta_initializer": "ones",
    "gamma_regularizer": "l2",
    "beta_constraint": "non_neg",
}

MAKERS: dict[str, Callable[[Any], Any]] = {
    "ActivityRegularization": lambda layers: layers.ActivityRegularization(0.25, 0.5),
    "Activation": lambda layers: layers.Activation("tanh", name="named"),
    "Add": lambda layers: layers.Add(),
    "AdditiveAttention": lambda layers: layers.AdditiveAttention(),
    "Attention": lambda layers: layers.Attention(),
    "Attention, other": lambda layers: layers.Attention(True, "concat", 0.25, 3),
    "Average": lambda layers: layers.Average(),
    "AveragePooling1D": lambda layers: layers.AveragePooling1D(2),
    "AveragePooling1D, other": lambda layers: layers.AveragePooling1D(3, 1, "same"),
    "BatchNormalization": lambda layers: layers.BatchNormalization(),
    "BatchNormalization, other": lambda layers: layers.BatchNormalization(
        1, 0.5, 0.25, False, moving_mean_initializer="ones", gamma_constraint="non_neg", synchronized=True
    ),
    "Bidirectional": lambda layers: layers.Bidirectional(layers.LSTM(3)),
    "Bidirectional, other": lambda layers: layers.Bidirectional(
        layers.LSTM(3, name="a"), "sum", backward_layer=layers.GRU(3, go_backwards=True, name="b"), name="named"
    ),
    "CategoryEncoding": lambda layers: layers.CategoryEncoding(4),
    "CategoryEncoding, other": lambda layers: layers.CategoryEncoding(4, "count", name="named", dtype="float64"),
    "Concatenate": lambda layers: layers.Concatenate(),
    "Concatenate, other": lambda layers: layers.Concatenate(axis=1),
    "Cropping1D": lambda layers: layers.Cropping1D(),
    "Cropping1D, other": lambda layers: layers.Cropping1D((1, 0)),
    "Conv1D": lambda layers: layers.Conv1D(3, 2),
    "Conv1D, other": lambda layers: layers.Conv1D(
        6, 3, 1, "causal", None, 2, 3, "relu", False, **WEIGHTS, activity_regularizer="l2", name="named"
    ),
    "Conv1D, strides": lambda layers: layers.Conv1D(4, [3], (2,), "same"),
    "Conv1DTranspose": lambda layers: layers.Conv1DTranspose(3, 2),
    "Conv1DTranspose, other": lambda layers: layers.Conv1DTranspose(
        6, 3, 2, "same", None, None, 1, "relu", False, **WEIGHTS, activity_regularizer="l2", name="named"
    ),
    "ConvLSTM1D": lambda layers: layers.ConvLSTM1D(3, 2),
    "ConvLSTM1D, other": lambda layers: layers.ConvLSTM1D(
        6, 3, 2, "same", None, 1, "gelu", "hard_silu", unit_forget_bias=False, **RECURRENT | {"dtype": "float32"}
    ),
    "Dense": lambda layers: layers.Dense(3),
    "Dense, other": lambda layers: layers.Dense(3, "relu", False, **WEIGHTS, activity_regularizer="l2"),
    "Discretization": lambda layers: layers.Discretization([0.5, 1.0]),
    "Discretization, other": lambda layers: layers.Discretization(None, 4, 0.25, "one_hot", name="named"),
    "Dot": lambda layers: layers.Dot(1),
    "Dot, other": lambda layers: layers.Dot((1, 2), normalize=True),
    "Dropout": lambda layers: layers.Dropout(0.5),
    "Dropout, other": lambda layers: layers.Dropout(0.25, (None, 1, 3), 7),
    "ELU": lambda layers: layers.ELU(0.5),
    "EinsumDense": lambda layers: layers.EinsumDense("abc,cd->abd", (None, 4)),
    "EinsumDense, other": lambda layers: layers.EinsumDense(
        "...x,xyz->...yz", (2, 3), "relu", "z", **WEIGHTS, activity_regularizer="l2"
    ),
    "Embedding": lambda layers: layers.Embedding(7, 3),
    "Embedding, other": lambda layers: layers.Embedding(7, 3, "ones", "l2", "max_norm", True),
    "Flatten": lambda layers: layers.Flatten(),
    "GRU": lambda layers: layers.GRU(3),
    "GRU, other": lambda layers: layers.GRU(3, "relu", "hard_sigmoid", reset_after=False, **RECURRENT, **SEQUENCE),
    "GRUCell": lambda layers: layers.GRUCell(3),
    "GRUCell, other": lambda layers: layers.GRUCell(3, "relu", None, reset_after=False, **RECURRENT),
    "GaussianDropout": lambda layers: layers.GaussianDropout(0.25, seed=3),
    "GaussianNoise": lambda layers: layers.GaussianNoise(0.25),
    "GlobalAveragePooling1D": lambda layers: layers.GlobalAveragePooling1D(keepdims=True),
    "GlobalMaxPooling1D": lambda layers: layers.GlobalMaxPooling1D(),
    "GroupNormalization": lambda layers: layers.GroupNormalization(3),
    "GroupNormalization, other": lambda layers: layers.GroupNormalization(
        2, 1, 0.25, False, gamma_initializer="zeros", gamma_regularizer="l2", gamma_constraint="non_neg"
    ),
    "Identity": lambda layers: layers.Identity(),
    "InputLayer": lambda layers: layers.InputLayer((3,)),
    "InputLayer, other": lambda layers: layers.InputLayer(batch_shape=(2, None, 3), dtype="int32", name="named"),
    "LSTM": lambda layers: layers.LSTM(3),
    "LSTM, other": lambda layers: layers.LSTM(
        3, "relu", "hard_sigmoid", unit_forget_bias=False, **RECURRENT, **SEQUENCE
    ),
    "LSTMCell": lambda layers: layers.LSTMCell(3),
    "LSTMCell, other": lambda layers: layers.LSTMCell(3, "elu", "relu", unit_forget_bias=False, **RECURRENT),
    "LayerNormalization": lambda layers: layers.LayerNormalization(),
    "LayerNormalization, other": lambda layers: layers.LayerNormalization(**NORMALIZATION),
    "LeakyReLU": lambda layers: layers.LeakyReLU(negative_slope=0.5),
    "Masking": lambda layers: layers.Masking(),
    "Masking, other": lambda layers: layers.Masking(2.5),
    "MaxPooling1D": lambda layers: layers.MaxPooling1D(3, padding="same"),
    "Maximum": lambda layers: layers.Maximum(),
    "Minimum": lambda layers: layers.Minimum(),
    "MultiHeadAttention": lambda layers: layers.MultiHeadAttention(2, 3),
    "MultiHeadAttention, other": lambda layers: layers.MultiHeadAttention(
        2, 3, 4, 0.25, False, (5,), (1,), 6, use_gate=True, seed=7, **WEIGHTS, activity_regularizer="l2"
    ),
    "Multiply": lambda layers: layers.Multiply(),
    "Normalization": lambda layers: layers.Normalization(),
    "Normalization, other": lambda layers: layers.Normalization((1, 2), [1.0, 2.0, 3.0], [1.0, 4.0, 9.0], True),
    "PReLU": lambda layers: layers.PReLU(),
    "PReLU, other": lambda layers: layers.PReLU("ones", "l2", "non_neg", (1,)),
    "Permute": lambda layers: layers.Permute((2, 1)),
    "RNN": lambda layers: layers.RNN(layers.LSTMCell(3)),
    "RNN, other": lambda layers: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], **SEQUENCE),
    "RMSNormalization": lambda layers: layers.RMSNormalization(epsilon=0.25),
    "RMSNormalization, other": lambda layers: layers.RMSNormalization([1, 2], epsilon=0.5),
    "ReLU": lambda layers: layers.ReLU(),
    "ReLU, other": lambda layers: layers.ReLU(6.0, 0.5, 0.25),
    "RepeatVector": lambda layers: layers.RepeatVector(3),
    "Rescaling": lambda layers: layers.Rescaling(0.5, -1.0),
    "Reshape": lambda layers: layers.Reshape((3, -1)),
    "SimpleRNN": lambda layers: layers.SimpleRNN(3),
    "SimpleRNN, other": lambda layers: layers.SimpleRNN(3, "relu", **RECURRENT, **SEQUENCE),
    "SimpleRNNCell": lambda layers: layers.SimpleRNNCell(3),
    "SimpleRNNCell, other": lambda layers: layers.SimpleRNNCell(3, "relu", **RECURRENT),
    "Softmax": lambda layers: layers.Softmax(),
    "Softmax, other": lambda layers: layers.Softmax((1, 2)),
    "SpatialDropout1D": lambda layers: layers.SpatialDropout1D(0.5),
    "StackedRNNCells": lambda layers: layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(2)]),
    "Subtract": lambda layers: layers.Subtract(),
    "TimeDistributed": lambda layers: layers.TimeDistributed(layers.Dense(3)),
    "UnitNormalization": lambda layers: layers.UnitNormalization(),
    "UnitNormalization, other": lambda layers: layers.UnitNormalization([1, 2]),
    "UpSampling1D": lambda layers: layers.UpSampling1D(3),
    "ZeroPadding1D": lambda layers: layers.ZeroPadding1D(),
    "ZeroPadding1D, other": lambda layers: layers.ZeroPadding1D((1, 0)),
    "Hashing": lambda layers: layers.Hashing(5),
    "Hashing, other": lambda layers: layers.Hashing(5, "a", 7, "count", name="named", dtype="float64"),
    "IntegerLookup": lambda layers: layers.IntegerLookup(),
    "IntegerLookup, other": lambda layers: layers.IntegerLookup(
        9, 2, 0, -2, [12, 36], idf_weights=[0.5, 1.0], output_mode="tf-idf", pad_to_max_tokens=True, name="named"
    ),
    "IntegerLookup, spread": lambda layers: layers.IntegerLookup(
        num_oov_indices=3, vocabulary=[7], oov_method="farmhash", salt=[1, 2]
    ),
    "StringLookup": lambda layers: layers.StringLookup(),
    "StringLookup, other": lambda layers: layers.StringLookup(
        9, 2, "", "?", ["a", "b"], output_mode="one_hot", salt=3, encoding="latin-1", name="named"
    ),
    "StringLookup, inverted": lambda layers: layers.StringLookup(vocabulary=["a", "b"], invert=True),
    "TextVectorization": lambda layers: layers.TextVectorization(),
    "TextVectorization, other": lambda layers: layers.TextVectorization(
        9, None, "character", (1, 2), "count", None, True, ["a", "b"], name="named"
    ),
    "TextVectorization, of a length": lambda layers: layers.TextVectorization(
        standardize="lower", split=None, ngrams=2, output_sequence_length=7, vocabulary=["a"]
    ),
}
"""By class."""

PREPROCESSING = ("CategoryEncoding", "Discretization", "Hashing", "IntegerLookup", "StringLookup", "TextVectorization")
"""Of which Keras notes what some were built for, though there is nothing to build."""

N, T, I = 2, 4, 3  # stateful layers want to know the rows


def called(keras, name, layer):
    """Return what is noted of a call of a layer on symbolic tensors, and what for it was built; None for some."""
    if "Cell" in name or name.startswith("InputLayer"):
        return None
    kind = name.partition(",")[0]
    if kind in PREPROCESSING:
        return None
    x = keras.Input(batch_shape=(N, T, I), name="x")
    if kind in ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"):
        x = [x, keras.Input(batch_shape=(N, I, T) if name == "Dot, other" else (N, T, I), name="y")]
    elif kind in ("RepeatVector", "Embedding"):
        x = keras.Input(batch_shape=(N, T), name="x")
    elif kind == "ConvLSTM1D":
        x = keras.Input(batch_shape=(N, T, 3, I), name="x")
    y = layer(x, x) if kind == "MultiHeadAttention" else layer([x, x] if kind.endswith("Attention") else x)
    model = keras.Model(x, y)
    described = keras.saving.serialize_keras_object(layer)
    (call,) = model.get_config()["layers"][-1]["inbound_nodes"]
    return {"kwargs": call["kwargs"], "build_config": described.get("build_config")}
