"""A whole model, one time step at a time."""

import copy
import io
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import peak_of

import fastlstm as fl
from fastlstm.keras import Input, Model, Sequential, activations, layers

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
    with pytest.raises(
        ValueError, match=r"x_t must have whole numbers from 0 to 7, indices of .* embedding, got 8 at row 0"
    ):
        stream.step([8, 0, 0, 0])


def test_states_can_be_kept_set_and_reset():
    model = make("stack")
    stream = model.stream(4)
    assert [state.shape for state in stream.state] == [(4, 33), (4, 33), (4, 6)]
    first = stream.step(X[:, 0])
    held = stream.state
    second = stream.step(X[:, 1])
    stream.state = held
    np.testing.assert_array_equal(stream.step(X[:, 1]), second)
    other = model.stream(4)
    other.state = [np.float64(state) for state in held]
    np.testing.assert_array_equal(other.step(X[:, 1]), second)
    stream.reset()
    assert not np.any(stream.state[1])
    np.testing.assert_array_equal(stream.step(X[:, 0]), first)


@pytest.mark.parametrize("name", MODELS)
def test_out_is_written(name):
    model = make(name)
    stream, plain = model.stream(4), model.stream(4)
    whole = np.zeros((4, 9, model.output_shape[-1]), model.layers[-1].dtype)
    for t in range(9):
        assert stream.step(X[:, t], out=whole[:, t]).base is whole
        np.testing.assert_array_equal(whole[:, t], plain.step(X[:, t]))


@pytest.mark.parametrize("shift", [-6, -1, 0, 1, 6])
def test_out_may_share_memory_with_the_input(shift):
    model = Sequential([Input((None, 5)), layers.Dense(5), layers.Dropout(0.5)])
    memory = np.random.default_rng(0).normal(size=60).astype("float32")
    x, out = memory[20:40].reshape(4, 5), memory[20 + shift : 40 + shift].reshape(4, 5)
    wanted = model.stream(4).step(x.copy())
    model.stream(4).step(x, out)
    np.testing.assert_array_equal(out, wanted)


def test_a_result_stays_as_it_is():
    stream = make("classifier").stream()
    first = stream.step(X[0, 0])
    kept = first.copy()
    stream.step(X[0, 1])
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("name", sorted(activations.KNOWN))
def test_activations_step_as_they_run(name):
    model = Sequential([Input((None, I)), layers.Dense(7, name), layers.Activation(name)])
    x = 9 * X
    x[0, 0] = [np.nan, np.inf, -np.inf, 0, -0.0]
    with np.errstate(all="ignore"):
        wanted, stream = model.predict(x, verbose=0), model.stream(4)
        for t in range(9):
            np.testing.assert_array_equal(stream.step(x[:, t]), wanted[:, t])


@pytest.mark.parametrize("activation", ["linear", "relu", "relu6", "tanh", "sigmoid", "softmax", "exponential"])
def test_a_step_with_out_allocates_nothing(activation):
    parts = layers.Embedding(9, 8), layers.LSTM(8), layers.Dropout(0.1), layers.Dense(256, activation)
    model = Sequential([Input((None,)), *parts, layers.Activation(activation)])
    stream, words, out = model.stream(64), np.arange(64) % 9, np.empty((64, 256), "float32")

    def steps(**options):
        for _ in range(5):
            stream.step(words, **options)

    # Python's own small objects: frames, iterators, integers. An array of the step would have 64 KB.
    assert peak_of(lambda: steps(out=out)) < 4096
    assert peak_of(steps) > 65536


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda stream: stream.copy()])
def test_copies_go_their_own_way(copied):
    stream = make("stack").stream(4)
    stream.step(X[:, 0])
    twin = copied(stream)
    second = stream.step(X[:, 1])
    third = stream.step(X[:, 2])
    np.testing.assert_array_equal(twin.step(X[:, 1]), second)
    np.testing.assert_array_equal(twin.step(X[:, 2]), third)


def test_states_can_be_saved():
    model = make("stack")
    stream, again, file = model.stream(4), model.stream(4), io.BytesIO()
    stream.step(X[:, 0])
    np.savez(file, *stream.state)
    file.seek(0)
    saved = [tuple(np.load(file).values()), pickle.loads(pickle.dumps(stream.state))]
    wanted = stream.step(X[:, 1])
    for state in saved:
        again.state = state
        np.testing.assert_array_equal(again.step(X[:, 1]), wanted)
    with pytest.raises(TypeError, match="cannot be pickled: save its state"):
        pickle.dumps(stream)


@pytest.mark.parametrize("name", MODELS)
def test_many_streams_at_once_have_the_bits_of_each_alone(name):
    model = make(name)
    together, alone = ([model.stream() for _ in range(4)] for _ in range(2))
    for t, count in enumerate([4, 1, 3, 4]):
        x, out = X[:count, t], np.empty((count, model.output_shape[-1]), model.layers[-1].dtype)
        assert fl.step_many(together[:count], x, out) is out
        for k in range(count):
            np.testing.assert_array_equal(out[k], alone[k].step(x[k]))
    for one, other in zip(together, alone, strict=True):
        for got, wanted in zip(one.state, other.state, strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_streams_that_cannot_step_together():
    model = make("stack")
    stream, x = model.stream(), X[:2, 0]
    model.layers[0].set_weights([2 * w for w in model.layers[0].get_weights()])
    for other, message in [
        (model.stream(), "one model with the same weights"),
        (stream.copy().copy(), None),
        (make("stack").stream(), "one model"),
        (model.stream(2), "batch size of 1"),
        (stream, "got one twice"),
        (fl.LSTM(5, 5).stream(), "one layer or model"),
    ]:
        if message is None:
            assert fl.step_many([stream, other], x).shape == (2, 3)
            continue
        with pytest.raises(ValueError, match=message):
            fl.step_many([stream, other], x)
    with pytest.raises(ValueError, match=r"x must have shape \(2, 5\), got \(2, 4\)"):
        fl.step_many([stream, stream.copy()], x[:, :4])


def test_many_streams_in_many_threads():
    model = make("stack")
    wanted = model.predict(np.tile(X, (50, 1, 1)), verbose=0)
    streams = [model.stream() for _ in range(200)]

    def run(row):
        return [streams[row].step(x_t) for x_t in X[row % 4]]

    with ThreadPoolExecutor(8) as pool:
        np.testing.assert_array_equal(list(pool.map(run, range(200))), wanted)


def test_one_stream_in_two_threads_is_refused_or_in_order():
    """The second thread gets an error, never a mixture, wherever Python changes threads."""
    model = make("stack")
    stream, x, refused = model.stream(), X[0, 0], []

    def work():
        for _ in range(300):
            try:
                stream.step(x)
            except RuntimeError as error:
                refused.append(str(error))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.setswitchinterval(interval)
    assert all("stepping in another thread" in text for text in refused)
    alone = model.stream()
    for _ in range(900 - len(refused)):
        alone.step(x)
    for got, wanted in zip(stream.state, alone.state, strict=True):
        np.testing.assert_array_equal(got, wanted)


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
        ([layers.Masking(), layers.LSTM(2)], "masking.* must be a layer that can be streamed, .*, got a Masking"),
        (
            [layers.Bidirectional(layers.LSTM(2))],
            "bidirectional.* must be a layer that can be streamed, .*, got a Bidirectional",
        ),
        (
            [layers.LSTM(2, go_backwards=True)],
            "lstm.*: go_backwards must be False for the layer to be streamed, got True",
        ),
        (
            [layers.LSTM(2, return_sequences=True), layers.Flatten()],
            "flatten.* must be a layer that can be streamed, .*, got a Flatten",
        ),
    ],
)
def test_layers_that_cannot_be_streamed(parts, message):
    with pytest.raises(ValueError, match=message):
        Sequential([Input((9, I)), *parts]).stream()


def test_models_with_operations_cannot_be_streamed():
    x = Input((9, I))
    with pytest.raises(ValueError, match=r"add must be a layer that can be streamed, .*, got a Add"):
        Model(x, layers.LSTM(I, return_sequences=True)(x) + x).stream()
    with pytest.raises(ValueError, match=r"functional.* must have a layer to be streamed, got none"):
        Model(x, x).stream()


def test_errors():
    model = make("stack")
    stream = model.stream(4)
    with pytest.raises(ValueError, match=r"x_t must have shape \(4, 5\), got \(4, 6\)"):
        stream.step(np.ones((4, 6)))
    with pytest.raises(ValueError, match=r"x_t must have shape \(4, 5\), got \(5,\)"):
        stream.step(np.ones(5))
    with pytest.raises(ValueError, match=r"x_t must have shape \(1, 5\) or \(5,\), got \(4,\)"):
        model.stream().step(np.ones(4))
    with pytest.raises(TypeError, match="x_t must be an array of numbers"):
        stream.step("x")
    with pytest.raises(ValueError, match="state must be a tuple of 3 arrays: lstm h, lstm c, simple_rnn h, got 1"):
        stream.state = stream.state[:1]
    with pytest.raises(ValueError, match=r"state must be a tuple of 3 arrays: .*, got"):
        stream.state = stream.state[0]
    held = stream.state
    with pytest.raises(ValueError, match=r"state: simple_rnn h must have shape \(4, 6\), got \(1, 6\)"):
        stream.state = (1 + held[0], held[1], held[2][:1])
    np.testing.assert_array_equal(stream.state[0], held[0])
    y = stream.step(X[:, 0])
    for out, error, message in [
        (y.astype("float64"), TypeError, "out must have dtype float32, got float64"),
        (y[:1], ValueError, r"out must have shape \(4, 3\), got \(1, 3\)"),
        (y.tolist(), TypeError, r"out must be a NumPy array, got \[\["),
        (np.broadcast_to(y, y.shape), ValueError, "out must be an array that can be written, got a read-only one"),
        (
            np.lib.stride_tricks.as_strided(y, y.shape, (4, 4)),
            ValueError,
            "out must be an array whose rows lie apart, got one whose elements overlap",
        ),
    ]:
        state = stream.state
        with pytest.raises(error, match=message):
            stream.step(X[:, 1], out)
        np.testing.assert_array_equal(stream.state[0], state[0])
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1, got 0"):
        model.stream(0)
    with pytest.raises(ValueError, match="must have weights, got none yet"):
        Sequential([layers.LSTM(2)]).stream()
    with pytest.raises(ValueError, match=r"must take inputs with time steps to be streamed, got inputs \(None, 3\)"):
        Sequential([Input((3,)), layers.Dense(2)]).stream()
    with pytest.raises(ValueError, match="mask_zero must be False for the layer to be streamed, got True"):
        Sequential([Input((3,)), layers.Embedding(4, 2, mask_zero=True)]).stream()
