"""A whole model, one time step at a time."""

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, layers

I = 5
X = np.random.default_rng(0).normal(size=(4, 9, I)).astype("float32")

MODELS = {
    "classifier": lambda: [layers.LSTM(17, return_sequences=True), layers.Dense(9, "softmax")],
    "stack": lambda: [
        layers.Dense(7, "tanh"),
        layers.LSTM(33, return_sequences=True),
        layers.Dropout(0.5),
        layers.SimpleRNN(6, return_sequences=True, activation="relu", dropout=0.5),
        layers.Activation("sigmoid"),
        layers.TimeDistributed(layers.Dense(3, "softmax")),
    ],
    "gru": lambda: [
        layers.GRU(9, return_sequences=True),
        layers.GRU(4, return_sequences=True, reset_after=False),
        layers.Dense(3),
    ],
    "double": lambda: [
        layers.LSTM(5, return_sequences=True, dtype="float64"),
        layers.SimpleRNN(4, return_sequences=True),
        layers.Dense(2, dtype="float64"),
    ],
    "no_state": lambda: [layers.TimeDistributed(layers.Dense(3)), layers.Dense(2)],
}


def make(name):
    return Sequential([Input((None, I)), *MODELS[name]()])


@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("name", MODELS)
def test_steps_have_the_bits_of_the_whole(name, rows):
    model = make(name)
    stream = model.stream(batch_size=rows)
    y = np.stack([stream.step(X[:rows, t]) for t in range(X.shape[1])], axis=1)
    np.testing.assert_array_equal(y, model.predict(X[:rows], verbose=0))
    assert y.dtype == model.layers[-1].dtype


def test_one_sequence_needs_no_batch_axis():
    model = make("classifier")
    one, batch = model.stream(), model.stream()
    for x_t in X[0]:
        y = one.step(x_t)
        assert y.shape == (9,)
        np.testing.assert_array_equal(batch.step(x_t[None]), y[None])


def test_return_sequences_does_not_matter():
    model = Sequential([Input((9, I)), layers.LSTM(6), layers.Dense(3)])
    stream = model.stream(4)
    for t in range(9):
        y = stream.step(X[:, t])
        np.testing.assert_array_equal(y, model.predict(X[:, : t + 1], verbose=0))


def test_embedding_is_fed_with_indices():
    words = np.random.default_rng(1).integers(0, 8, (4, 9))
    model = Sequential([Input((None,)), layers.Embedding(8, 3), layers.LSTM(5, return_sequences=True)])
    whole = model.predict(words, verbose=0)
    stream, one = model.stream(4), model.stream()
    for t in range(9):
        np.testing.assert_array_equal(stream.step(words[:, t]), whole[:, t])
        np.testing.assert_array_equal(one.step(words[0, t]), whole[0, t])
    with pytest.raises(ValueError, match="index 8 at row 0, but embedding has 8 rows"):
        stream.step([8, 0, 0, 0])


def test_states_can_be_kept_set_and_reset():
    model = make("stack")
    stream = model.stream(4)
    assert [len(state) for state in stream.states] == [2, 1]
    first = stream.step(X[:, 0])
    held = stream.states
    second = stream.step(X[:, 1])
    stream.states = held
    np.testing.assert_array_equal(stream.step(X[:, 1]), second)
    other = model.stream(4)
    other.states = [tuple(np.float64(state) for state in states) for states in held]
    np.testing.assert_array_equal(other.step(X[:, 1]), second)
    stream.reset()
    assert not np.any(stream.states[0][1])
    np.testing.assert_array_equal(stream.step(X[:, 0]), first)


def test_streams_go_on_with_the_weights_they_started_with():
    model = make("stack")
    wanted = model.predict(X, verbose=0)
    stream = model.stream(4)
    model.set_weights([2 * w for w in model.get_weights()])
    y = [stream.step(X[:, t]) for t in range(9)]
    np.testing.assert_array_equal(np.stack(y, axis=1), wanted)


def test_a_stream_leaves_stateful_layers_alone():
    model = Sequential([Input((None, I)), layers.LSTM(3, stateful=True)])
    y = model.stream(4).step(X[:, 0])
    assert model.layers[0].states is None
    np.testing.assert_array_equal(model.predict(X[:, :1], verbose=0), y)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([layers.Masking(), layers.LSTM(2)], "masking.*: a Masking layer cannot be streamed"),
        ([layers.Bidirectional(layers.LSTM(2))], "bidirectional.*: a Bidirectional layer cannot be streamed"),
        ([layers.LSTM(2, go_backwards=True)], "lstm.*: go_backwards=True cannot be streamed"),
        ([layers.LSTM(2), layers.Flatten()], "flatten.*: a Flatten layer cannot be streamed"),
    ],
)
def test_layers_that_cannot_be_streamed(parts, message):
    with pytest.raises(ValueError, match=message):
        Sequential([Input((9, I)), *parts]).stream()


def test_errors():
    model = make("stack")
    stream = model.stream(4)
    with pytest.raises(ValueError, match=r"x_t: got shape \(4, 6\), wanted \(4, 5\)"):
        stream.step(np.ones((4, 6)))
    with pytest.raises(ValueError, match=r"x_t: got shape \(5,\), wanted \(4, 5\)"):
        stream.step(np.ones(5))
    with pytest.raises(ValueError, match=r"x_t: got shape \(4,\), wanted \(1, 5\) or \(5,\)"):
        model.stream().step(np.ones(4))
    with pytest.raises(TypeError, match="x_t: expected an array of numbers"):
        stream.step("x")
    with pytest.raises(ValueError, match="states: got 1 entries, wanted 2, one for each of lstm, simple_rnn"):
        stream.states = stream.states[:1]
    with pytest.raises(ValueError, match=r"states: lstm has 2 \(h, c\)"):
        stream.states = [stream.states[1], stream.states[1]]
    held = stream.states
    with pytest.raises(ValueError, match=r"states: simple_rnn needs arrays of shape \(4, 6\), got \(4, 33\)"):
        stream.states = [tuple(1 + s for s in held[0]), (held[0][0],)]
    np.testing.assert_array_equal(stream.states[0][0], held[0][0])
    with pytest.raises(ValueError, match="batch_size: got 0"):
        model.stream(0)
    with pytest.raises(ValueError, match="has no weights yet"):
        Sequential([layers.LSTM(2)]).stream()
    with pytest.raises(ValueError, match="without time steps to stream"):
        Sequential([Input((3,)), layers.Dense(2)]).stream()
    with pytest.raises(ValueError, match="mask_zero=True cannot be streamed"):
        Sequential([Input((3,)), layers.Embedding(4, 2, mask_zero=True)]).stream()
