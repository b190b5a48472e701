"""Every layer in a stream: the bits or the numbers of the whole sequence, or an error that says why not."""

import numpy as np
import pytest

import fastlstm as fl
from fastlstm.keras import Input, Model, Sequential, layers

ROUNDING = 1e-6  # float32 sums of a few dozen terms by NumPy, in another order for one step than for many

N, T, I = 3, 7, 4
X = np.random.default_rng(0).normal(size=(N, T, I)).astype(np.float32)
WIDE = np.random.default_rng(1).normal(size=(N, T, 5, I)).astype(np.float32)
WORDS = np.random.default_rng(2).integers(0, 8, (N, T))


def chain(*parts):
    return lambda: Sequential([Input((T, I)), *(part() for part in parts)])


def wide(*parts):
    return lambda: Sequential([Input((T, 5, I)), *(part() for part in parts)])


def merged(make):
    def model():
        inputs = Input((T, I))
        return Model(inputs, make(layers.Dense(I)(inputs), layers.LSTM(I, return_sequences=True)(inputs)))

    return model


def words():
    return Sequential([Input((T,)), layers.Embedding(8, 3)])


EXACT = {
    "Activation": chain(lambda: layers.Activation("gelu")),
    "ActivityRegularization": chain(lambda: layers.ActivityRegularization(0.1)),
    "Add": merged(lambda a, b: layers.Add()([a, b])),
    "Average": merged(lambda a, b: layers.Average()([a, b])),
    "BatchNormalization": chain(layers.BatchNormalization),
    "Concatenate": merged(lambda a, b: layers.Concatenate()([a, b])),
    "Conv1D": chain(lambda: layers.Conv1D(3, 3, padding="causal", dilation_rate=2)),
    "Dense": chain(lambda: layers.Dense(3, "softmax")),
    "Dropout": chain(lambda: layers.Dropout(0.5)),
    "ELU": chain(layers.ELU),
    "Embedding": words,
    "GRU": chain(lambda: layers.GRU(3)),
    "GaussianDropout": chain(lambda: layers.GaussianDropout(0.5)),
    "GaussianNoise": chain(lambda: layers.GaussianNoise(0.5)),
    "Identity": chain(layers.Identity),
    "LSTM": chain(lambda: layers.LSTM(3)),
    "LSTM of NumPy": chain(lambda: layers.LSTM(3, activation="gelu", recurrent_activation="hard_silu")),
    "GRU of NumPy": chain(lambda: layers.GRU(3, activation="softmax", reset_after=False)),
    "SimpleRNN of NumPy": chain(lambda: layers.SimpleRNN(3, activation="mish"), lambda: layers.Dense(2)),
    "ConvLSTM1D": wide(lambda: layers.ConvLSTM1D(2, 3), layers.ReLU),
    "RNN": chain(lambda: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2, activation="gelu")])),
    "LayerNormalization": chain(layers.LayerNormalization),
    "LeakyReLU": chain(layers.LeakyReLU),
    "Maximum": merged(lambda a, b: layers.Maximum()([a, b])),
    "Minimum": merged(lambda a, b: layers.Minimum()([a, b])),
    "Multiply": merged(lambda a, b: layers.Multiply()([a, b])),
    "PReLU": chain(lambda: layers.PReLU(shared_axes=[1])),
    "Normalization": chain(lambda: layers.Normalization(mean=0.5, variance=2.0)),
    "Permute": wide(lambda: layers.Permute((1, 3, 2))),
    "RMSNormalization": chain(layers.RMSNormalization),
    "ReLU": chain(layers.ReLU),
    "Rescaling": chain(lambda: layers.Rescaling(0.5, 1)),
    "Reshape": wide(lambda: layers.Reshape((T, 20))),
    "SimpleRNN": chain(lambda: layers.SimpleRNN(3)),
    "Softmax": chain(layers.Softmax),
    "SpatialDropout1D": chain(lambda: layers.SpatialDropout1D(0.5)),
    "Subtract": merged(lambda a, b: layers.Subtract()([a, b])),
    "TimeDistributed": chain(lambda: layers.TimeDistributed(layers.Dense(2))),
    "UnitNormalization": chain(layers.UnitNormalization),
}
CLOSE = {"EinsumDense": chain(lambda: layers.EinsumDense("abc,cd->abd", (None, 3)))}

REFUSED = {
    "AdditiveAttention": merged(lambda a, b: layers.AdditiveAttention()([a, b])),
    "Attention": merged(lambda a, b: layers.Attention()([a, b])),
    "AveragePooling1D": chain(lambda: layers.AveragePooling1D(2)),
    "Bidirectional": chain(lambda: layers.Bidirectional(layers.LSTM(2))),
    "Conv1DTranspose": chain(lambda: layers.Conv1DTranspose(2, 2)),
    "Conv1D": chain(lambda: layers.Conv1D(3, 3)),
    "Cropping1D": chain(layers.Cropping1D),
    "Dot": merged(lambda a, b: layers.Dot(2)([a, b])),
    "Flatten": chain(layers.Flatten),
    "GlobalAveragePooling1D": chain(layers.GlobalAveragePooling1D),
    "GlobalMaxPooling1D": chain(layers.GlobalMaxPooling1D),
    "GroupNormalization": chain(lambda: layers.GroupNormalization(2)),
    "Lambda": chain(lambda: layers.Lambda(lambda x: 2 * x)),
    "Masking": chain(layers.Masking),
    "MaxPooling1D": chain(lambda: layers.MaxPooling1D(2)),
    "MultiHeadAttention": merged(lambda a, b: layers.MultiHeadAttention(2, 2)(a, b)),
    "UpSampling1D": chain(layers.UpSampling1D),
    "ZeroPadding1D": chain(layers.ZeroPadding1D),
    "go_backwards": chain(lambda: layers.GRU(2, activation="gelu", go_backwards=True)),
}


def filled(model):
    rng = np.random.default_rng(3)
    model.set_weights([np.abs(rng.normal(size=w.shape)) * 0.5 for w in model.get_weights()])
    return model


def data(model):
    shape = model.input_shape[2:]
    return WORDS if not shape else X if len(shape) == 1 else WIDE


def whole_and_steps(make):
    model = filled(make())
    x, stream = data(model), model.stream(N)
    steps = [stream.step(x[:, t]) for t in range(T)]
    y = model.predict(x, verbose=0)
    last_only = y.ndim < steps[0].ndim + 1
    return (y, steps[-1]) if last_only else (y, np.stack(steps, axis=1))


@pytest.mark.parametrize("name", EXACT)
def test_the_bits_of_the_whole(name):
    np.testing.assert_array_equal(*whole_and_steps(EXACT[name]))


@pytest.mark.parametrize("name", CLOSE)
def test_the_numbers_of_the_whole(name):
    np.testing.assert_allclose(*whole_and_steps(CLOSE[name]), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_streamed_says_why(name):
    model = REFUSED[name]()
    with pytest.raises(
        ValueError,
        match=r"(for the layer to be streamed|got (an? \w+|one with a call\(\) of its own): |so that windows end)",
    ) as caught:
        model.stream(N)
    assert any(layer.name in str(caught.value) for layer in model.layers)


CELLS = {"StackedRNNCells", "LSTMCell", "GRUCell", "SimpleRNNCell"}
OF_DATA = {"TextVectorization", "StringLookup", "IntegerLookup", "Hashing", "CategoryEncoding", "Discretization"}
NO_STEP = CELLS | OF_DATA | {"InputLayer", "InputSpec", "Layer", "RepeatVector"}


def test_every_layer_is_here():
    classes = {c.__name__ for c in map(layers.__dict__.get, layers.__all__) if isinstance(c, type)}
    assert classes - NO_STEP <= EXACT.keys() | CLOSE.keys() | REFUSED.keys()


STATES = {
    "numpy": (EXACT["LSTM of NumPy"], ["h", "c"], (N, 3)),
    "stack": (EXACT["RNN"], ["lstm_cell.* h", "lstm_cell.* c", "gru_cell.* h"], (N, 3)),
    "convolution": (EXACT["ConvLSTM1D"], ["h", "c"], (N, 6)),
}


@pytest.mark.parametrize("name", STATES)
def test_states_of_cells_stepped_in_python(name):
    """They can be kept, set and reset, and many streams step at once."""
    make, names, shape = STATES[name]
    model = filled(make())
    x, stream = data(model), model.stream(N)
    first, second = stream.step(x[:, 0]), stream.step(x[:, 1])
    held = stream.state
    assert len(held) == len(names)
    assert held[0].shape == shape
    third = stream.step(x[:, 2])
    stream.state = held
    np.testing.assert_array_equal(stream.step(x[:, 2]), third)
    stream.reset()
    np.testing.assert_array_equal(stream.step(x[:, 0]), first)
    together = [model.stream() for _ in range(N)]
    np.testing.assert_array_equal(fl.step_many(together, x[:, 0]), first)
    np.testing.assert_array_equal(fl.step_many(together, x[:, 1]), second)
    with pytest.raises(ValueError, match=f"state must be a tuple of {len(names)} arrays: .*{names[0]}"):
        stream.state = held[:-1]


def test_a_stream_keeps_the_weights_of_then():
    model = filled(EXACT["LSTM of NumPy"]())
    stream, other = model.stream(N), model.stream(N)
    wanted = stream.step(X[:, 0])
    model.set_weights([2 * w for w in model.get_weights()])
    np.testing.assert_array_equal(other.step(X[:, 0]), wanted)


def test_a_cell_of_ones_own_cannot_be_streamed():
    class Fading(layers.Layer):
        state_size = 4

        def call(self, inputs, states):
            h = 0.9 * states[0] + inputs
            return h, [h]

    model = Sequential([Input((T, I)), layers.RNN(Fading())])
    with pytest.raises(ValueError, match="the cell must be a built-in one, or a stack of such, for the layer to be"):
        model.stream()
