"""Training on long sequences: gradients from states kept here and there, and gradients that are cut."""

import subprocess
import sys

import numpy as np
import pytest

import fastlstm as fl
from fastlstm.keras import Input, Model, Sequential, layers, optimizers
from fastlstm.keras.layers import LSTM

THREADS = [1, 2, 3, 5]
STEPS = 61


@pytest.fixture(params=THREADS)
def threads(request):
    before = fl.get_num_threads()
    fl.set_num_threads(request.param)
    yield request.param
    fl.set_num_threads(before)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


class Fading(layers.Layer):
    """A cell that is stepped in Python, with a derivative of its own or by autograd."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units), "glorot_uniform", name="kernel")

    def call(self, inputs, states):
        h = 0.9 * states[0] + inputs @ self.kernel.value
        return h, [h]

    def vjp(self, inputs, states):
        def pullback(doutput, dstates):
            dh = doutput + dstates[0]
            return dh @ self.kernel.value.T, [0.9 * dh], [inputs.T @ dh]

        return self.call(inputs, states), pullback


class Own(layers.Layer):
    """A layer inside a function of a user's own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.GRU(4, return_sequences=True)

    def call(self, x):
        return 2 * self.inner(x)


def sequential(*chain, loss="mse", rows=None):
    model = Sequential([Input((None, 2), batch_size=rows), *chain])
    model.compile(optimizers.SGD(0.5), loss)
    return model


CHAINS = {
    "lstm": lambda: sequential(layers.LSTM(5, return_sequences=True), layers.Dense(2)),
    "two": lambda: sequential(layers.GRU(5, return_sequences=True), layers.SimpleRNN(2, return_sequences=True)),
    "masked": lambda: sequential(layers.Masking(), layers.LSTM(5, return_sequences=True), layers.Dense(2)),
    "stacked cells": lambda: sequential(
        layers.RNN([layers.LSTMCell(4), layers.GRUCell(3, reset_after=False)], return_sequences=True), layers.Dense(2)
    ),
    "general": lambda: sequential(layers.LSTM(2, activation="softsign", return_sequences=True)),
    "in numpy": lambda: sequential(layers.LSTM(2, activation="gelu", return_sequences=True)),
    "in python": lambda: sequential(layers.RNN(Fading(2), return_sequences=True)),
    "within a layer": lambda: sequential(Own(), layers.Dense(2)),
    "stateful": lambda: sequential(layers.LSTM(2, stateful=True, return_sequences=True), rows=6),
}
IN_CORE = {"lstm", "two", "masked", "stacked cells", "general", "within a layer", "stateful"}


def data(steps=STEPS, rows=6):
    x, y = numbers(rows, steps, 2), numbers(rows, steps, 2, seed=1)
    x[0, steps // 3 : steps // 2] = 0
    x[1, steps // 2 :] = 0
    return x, y


def gradients_of(make, x, y, weights=None, **how):
    """What a step of plain descent takes from the weights, and the loss."""
    fl.keras.utils.set_random_seed(3)
    model = make()
    before = model.get_weights()
    loss = model.fit(x, y, batch_size=len(y), verbose=0, sample_weight=weights, **how).history["loss"]
    return [(a - b) / 0.5 for a, b in zip(before, model.get_weights(), strict=True)], loss


@pytest.fixture(autouse=True)
def doubles():
    fl.keras.backend.set_floatx("float64")
    yield
    fl.keras.backend.set_floatx("float32")


def assert_same(found, wanted):
    for a, b in zip(found[0], wanted[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert found[1] == wanted[1]


# --- Computed once more -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(IN_CORE))
def test_the_bits_do_not_depend_on_what_is_kept(name, threads):
    pytest.importorskip("autograd") if name == "within a layer" else None
    x, y = data(907)
    wanted = gradients_of(CHAINS[name], x, y)
    for every in (1, 7, 333):
        assert_same(gradients_of(CHAINS[name], x, y, checkpoint_every=every), wanted)


def test_dropout_is_that_of_a_whole_tape():
    def make():
        return sequential(LSTM(5, dropout=0.3, recurrent_dropout=0.2, return_sequences=True, seed=1), layers.Dense(2))

    x, y = data(907)
    assert_same(gradients_of(make, x, y, checkpoint_every=10), gradients_of(make, x, y))


def test_both_directions_and_several_outputs():
    def make():
        a, b = Input((None, 2)), Input((None, 3))
        y = layers.Bidirectional(layers.GRU(4, return_sequences=True))(a)
        z, *states = layers.LSTM(3, return_state=True)(b)
        h = layers.LSTM(3, return_sequences=True)(y, initial_state=states)
        model = Model([a, b], [layers.Dense(2)(h), z])
        model.compile(optimizers.SGD(0.5), ["mae", "mse"])
        return model

    x, y = [numbers(3, 1500, 2), numbers(3, 900, 3)], [numbers(3, 1500, 2), numbers(3, 3)]

    def step(**how):
        fl.keras.utils.set_random_seed(3)
        model = make()
        loss = model.fit(x, y, verbose=0, **how).history["loss"]
        return model.get_weights(), loss

    assert_same(step(checkpoint_every=100), step())
    assert_same(step(memory_limit=4_100_000), step())
    with pytest.raises(ValueError, match="memory_limit must be at least"):
        step(memory_limit=100_000)


PEAK = """
import numpy as np
from fastlstm.keras import Input, Sequential, layers

steps, rows, units, how = {steps}, {rows}, {units}, {how}
model = Sequential([Input((None, 1)), layers.LSTM(units), layers.Dense(1)])
model.compile("adam", "mse")
x, y = np.ones((rows, steps, 1), "float32"), np.ones((rows, 1), "float32")
model.fit(x, y, verbose=0, **how)
print(1024 * next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def peak_of(**settings):
    program = PEAK.format(**settings)
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=600)
    return int(found.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_memory_of_a_training():
    sizes = {"steps": 10_000, "rows": 4, "units": 64}  # a tape of 72 MB
    whole = peak_of(how={}, **sizes)
    assert peak_of(how={"memory_limit": 20_000_000}, **sizes) < whole - 45e6
    assert peak_of(how={"checkpoint_every": 500}, **sizes) < whole - 55e6


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_hundred_thousand_steps_train_within_a_gigabyte():
    sizes = {"steps": 100_000, "rows": 4, "units": 128}  # a tape of 1.4 GB
    assert peak_of(how={"memory_limit": 500_000_000}, **sizes) < 2**30


# --- Cut --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted({*CHAINS} - {"masked", "within a layer"}))
@pytest.mark.parametrize("k", [1, 7, 20, 60])
def test_cut_gradients_are_those_of_pieces(name, k):
    """One after the other, by stateful layers, which count what they carry as constants."""
    x, y = data()
    found, loss = gradients_of(CHAINS[name], x, y, tbptt=k)
    fl.keras.utils.set_random_seed(3)
    model = CHAINS[name]()
    for layer in model.layers:
        layer.stateful = True
    start, wanted, total = model.get_weights(), 0, 0.0
    for begin in range(0, STEPS, k):
        part = slice(begin, begin + k)
        share = y[:, part].shape[1] / STEPS
        model.set_weights(start)
        total += share * model.train_on_batch(x[:, part], y[:, part])
        wanted = [
            w + share * (a - b) / 0.5 for w, a, b in zip(wanted or start, start, model.get_weights(), strict=True)
        ]
    np.testing.assert_allclose(loss, [total], rtol=1e-12)
    for a, b, first in zip(found, wanted, start, strict=True):
        np.testing.assert_allclose(a, b - first, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CHAINS)
def test_what_is_cut_is_the_way_back_alone(name):
    pytest.importorskip("autograd") if name == "within a layer" else None
    x, y = data()
    found, wanted = gradients_of(CHAINS[name], x, y, tbptt=7), gradients_of(CHAINS[name], x, y)
    assert found[1] == wanted[1]
    assert any(not np.allclose(a, b, rtol=1e-6) for a, b in zip(found[0], wanted[0], strict=True))


@pytest.mark.parametrize("name", CHAINS)
def test_a_piece_of_all_steps_is_the_whole(name):
    pytest.importorskip("autograd") if name == "within a layer" else None
    x, y = data()
    assert_same(gradients_of(CHAINS[name], x, y, tbptt=STEPS), gradients_of(CHAINS[name], x, y))


def test_cut_gradients_have_the_same_bits_on_any_number_of_threads(threads):
    x, y = data(211)
    found = gradients_of(CHAINS["two"], x, y, tbptt=17)
    fl.set_num_threads(1)
    assert_same(found, gradients_of(CHAINS["two"], x, y, tbptt=17))


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
@pytest.mark.parametrize("masked", [False, True])
def test_central_differences(kind, masked):
    """Of a loss with weights, where the states at the start of a piece stay those of the weights as they were."""
    k, rows, steps = 4, 3, 11
    x, y, weights = numbers(rows, steps, 2), numbers(rows, steps, 2, seed=1), np.array([0.5, 2.0, 1.0])
    if masked:
        x[0, 2:5], x[1, 7:] = 0, 0
    mask = np.any(x != 0, axis=-1)

    def make():
        return sequential(*([layers.Masking()] if masked else []), kind(2, return_sequences=True))

    found, _ = gradients_of(make, x, y, weights, tbptt=k)
    fl.keras.utils.set_random_seed(3)
    layer = make().layers[-1]
    given = layer.get_weights()
    starts = [layer.get_initial_state(rows) if hasattr(layer, "get_initial_state") else None]
    reader = kind(2, return_sequences=True, return_state=True)
    reader.build((None, None, 2))

    def pieces(values, starts):
        reader.set_weights(values)
        outputs, states = [], [None]
        for number, begin in enumerate(range(0, steps, k)):
            part = slice(begin, begin + k)
            start = starts[number] if starts else states[-1]
            y_part, *state = reader(x[:, part], mask=mask[:, part] if masked else None, initial_state=start)
            outputs.append(np.asarray(y_part))
            states.append([np.array(entry) for entry in state])
        return np.concatenate(outputs, axis=1), states

    starts = pieces(given, None)[1]

    def loss(values):
        errors = ((pieces(values, starts)[0] - y) ** 2).mean(-1) * weights[:, None]
        return (errors * mask).sum() / (mask.sum() if masked else errors.size)

    for number, value in enumerate(given):
        differences = np.empty_like(value)
        for index in np.ndindex(value.shape):
            both = []
            for step in (1e-6, -1e-6):
                changed = [entry.copy() for entry in given]
                changed[number][index] += step
                both.append(loss(changed))
            differences[index] = (both[0] - both[1]) / 2e-6
        np.testing.assert_allclose(found[number], differences, rtol=1e-5, atol=1e-8)


def test_a_loss_at_the_last_step_reaches_the_last_piece():
    """The only step that is left over for it."""
    x, y = numbers(4, 9, 2), numbers(4, 1, seed=1)
    chain = lambda: sequential(layers.SimpleRNN(3), layers.Dense(1))  # noqa: E731
    (kernel, recurrent, bias, *_), _ = gradients_of(chain, x, y, tbptt=4)
    fl.keras.utils.set_random_seed(3)
    layer = chain().layers[0]
    h = np.asarray(layer(x))
    np.testing.assert_allclose(kernel, x[:, 8].T @ _slope(chain, x, y, h), rtol=1e-9)
    np.testing.assert_allclose(bias, _slope(chain, x, y, h).sum(0), rtol=1e-9)
    assert recurrent.any()


def _slope(chain, x, y, h):
    fl.keras.utils.set_random_seed(3)
    kernel, bias = chain().get_weights()[3:]
    return 2 * (h @ kernel + bias - y) / len(y) @ kernel.T * (1 - h**2)


def test_any_loss_and_labels_by_step():
    """That of a whole output, which is no sum over steps; weights by step; class numbers."""
    x, y = data()

    def loss(y_true, y_pred):
        return fl.keras.ops.max(fl.keras.ops.abs(y_true - y_pred), axis=(1, 2))

    pytest.importorskip("autograd")
    make = lambda: sequential(layers.GRU(2, return_sequences=True), loss=loss)  # noqa: E731
    assert gradients_of(make, x, y, tbptt=5)[1] == gradients_of(make, x, y)[1]
    make = lambda: sequential(  # noqa: E731
        layers.GRU(4, return_sequences=True),
        layers.Dense(3, activation="softmax"),
        loss="sparse_categorical_crossentropy",
    )
    classes, weights = np.arange(6 * STEPS).reshape(6, STEPS) % 3, np.abs(numbers(6, STEPS))
    found, wanted = (gradients_of(make, x, classes, weights, **how) for how in ({"tbptt": 9}, {}))
    assert found[1] == wanted[1]
    assert not np.allclose(found[0][0], wanted[0][0])


def test_what_cannot_be_asked_for():
    x, y = data()
    with pytest.raises(ValueError, match=r"go_backwards must be False .* got True: it reads the last step first"):
        gradients_of(lambda: sequential(layers.Bidirectional(layers.LSTM(1, return_sequences=True))), x, y, tbptt=5)
    backwards = sequential(layers.GRU(2, go_backwards=True, return_sequences=True, name="backwards"))
    with pytest.raises(ValueError, match="backwards: go_backwards must be False"):
        backwards.fit(x, y, tbptt=5)
    with pytest.raises(ValueError, match="tbptt must be left out for a model without recurrent layers, got 5"):
        gradients_of(lambda: sequential(layers.Dense(2)), x, y, tbptt=5)
    with pytest.raises(ValueError, match=r"checkpoint_every must be left out, got 5 for the Fading of rnn.*in Python"):
        gradients_of(CHAINS["in python"], x, y, checkpoint_every=5)
    with pytest.raises(ValueError, match=r"memory_limit must be left out, got 5 for the LSTMCell of lstm.*in Python"):
        gradients_of(CHAINS["in numpy"], x, y, memory_limit=5)
    with pytest.raises(ValueError, match="checkpoint_every must be left out where memory_limit is given"):
        gradients_of(CHAINS["lstm"], x, y, memory_limit=5, checkpoint_every=5)


def test_a_callback_goes_its_own_way():
    """What it runs within a training is not part of it."""
    x, y = data()
    seen = []

    class Watch(fl.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(gradients_of(CHAINS["lstm"], x, y))

    gradients_of(CHAINS["lstm"], x, y, tbptt=3, callbacks=[Watch()])
    assert_same(seen[0], gradients_of(CHAINS["lstm"], x, y))
