"""Gradients that enter and leave recurrent layers through their states."""

import numpy as np
import pytest
from test_keras_cells import TrainedFading

from fastlstm.keras import layers
from fastlstm.keras.foundation.trees import filled, leaves
from fastlstm.keras.layers.call import TRAINING

N, T, I = 3, 4, 2
GRADIENT = 1e-7  # central differences in float64 are exact to about 1e-9 here
MASK = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 0]], bool)


def both(layer, **options):
    return lambda **more: layers.Bidirectional(layer(**more), **options)


KINDS = {
    "LSTM": lambda **o: layers.LSTM(3, **o),
    "GRU": lambda **o: layers.GRU(3, **o),
    "GRU reset before": lambda **o: layers.GRU(3, reset_after=False, **o),
    "SimpleRNN": lambda **o: layers.SimpleRNN(3, **o),
    "relu LSTM": lambda **o: layers.LSTM(3, activation="softsign", recurrent_activation="hard_sigmoid", **o),
    "stacked": lambda **o: layers.RNN([layers.LSTMCell(3, dtype="float64"), layers.GRUCell(2, dtype="float64")], **o),
    "own cell": lambda **o: layers.RNN(TrainedFading(dtype="float64"), **o),
    "backwards": lambda **o: layers.LSTM(3, go_backwards=True, **o),
    "Bidirectional": both(lambda **o: layers.LSTM(3, **o)),
    "Bidirectional sum": both(lambda **o: layers.GRU(3, **o), merge_mode="sum"),
    "Bidirectional apart": both(lambda **o: layers.SimpleRNN(3, **o), merge_mode=None),
}


def make(kind, sequences):
    layer = KINDS[kind](return_sequences=sequences, return_state=True, dtype="float64")
    layer.build((None, T, I))
    return layer


def given(layer, rng):
    inner = getattr(layer, "forward_layer", layer)
    sizes = leaves(inner.state_size) * (2 if inner is not layer else 1)
    return [rng.normal(size=(N, T, I)), *(rng.normal(size=(N, size)) for size in sizes)]


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_inputs_states_and_weights(kind, sequences, mask, central_differences):
    rng = np.random.default_rng(1)
    layer = make(kind, sequences)
    inputs = given(layer, rng)
    y, pullback = layer.vjp(inputs, TRAINING._replace(mask=mask))
    dy = [rng.normal(size=part.shape) for part in leaves(y)]
    dinputs, gradients = pullback(filled(y, iter(dy)))

    def value(_=None):
        outputs = leaves(layer.forward(inputs, TRAINING._replace(mask=mask, training=False)))
        return float(sum((out * slope).sum() for out, slope in zip(outputs, dy, strict=True)))

    for place, dx in enumerate(dinputs):

        def moved(v, place=place):
            before, inputs[place] = inputs[place], v
            result = value()
            inputs[place] = before
            return result

        np.testing.assert_allclose(dx, central_differences(moved, inputs[place]), atol=GRADIENT, err_msg=str(place))
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        start = variable.numpy()

        def set_to(v, variable=variable):
            variable.assign(v)
            return value()

        np.testing.assert_allclose(gradient, central_differences(set_to, start), atol=GRADIENT, err_msg=variable.path)
        variable.assign(start)


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_has_no_gradient_counts_as_zeros(kind, sequences):
    rng = np.random.default_rng(2)
    layer = make(kind, sequences)
    inputs = given(layer, rng)
    y, pullback = layer.vjp(inputs)
    slopes = [rng.normal(size=part.shape) for part in leaves(y)]
    for there in (*np.eye(len(slopes), dtype=bool), np.ones(len(slopes), bool)):
        some = [slope if t else None for slope, t in zip(slopes, there, strict=True)]
        zeros = [slope if t else np.zeros_like(slope) for slope, t in zip(slopes, there, strict=True)]
        found, wanted = (pullback(filled(y, iter(given))) for given in (some, zeros))
        for a, b in zip([*found[0], *found[1]], [*wanted[0], *wanted[1]], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_is_a_call_with_initial_state(kind):
    layer = make(kind, True)
    x, *states = given(layer, np.random.default_rng(3))
    nested = states
    if kind == "stacked":
        nested = [states[:2], states[2]]
    for a, b in zip(leaves(layer.forward([x, *states])), leaves(layer(x, initial_state=nested)), strict=True):
        np.testing.assert_array_equal(a, b)
