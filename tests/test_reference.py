"""The reference against numbers worked out by hand, central differences, and PyTorch where it is installed."""

import math
from itertools import product

import numpy as np
import pytest
from reference_runs import (
    CELLS,
    ROUNDING,
    SIZES,
    assert_gradients_match_differences,
    backward,
    forward,
    random_inputs,
    random_upstream,
)

from fastlstm import reference

# --- Worked by hand ---------------------------------------------------------------------------------------------------


def scalar_sigmoid(z):
    return 1 / (1 + math.exp(-z))


def test_lstm_by_hand():
    """Two steps of one unit on one input, gate after gate in plain arithmetic."""
    x, h, c = [0.5, -1.5], 0.25, -0.75
    for x_t in x:
        input_gate = scalar_sigmoid(0.1 * x_t + 0.9 * h + 0.01)
        forget_gate = scalar_sigmoid(-0.2 * x_t + 0.7 * h + 0.5)
        candidate = math.tanh(1.3 * x_t - 0.6 * h - 0.3)
        output_gate = scalar_sigmoid(0.4 * x_t + 1.1 * h + 0.2)
        c = forget_gate * c + input_gate * candidate
        h = output_gate * math.tanh(c)

    y, h_n, c_n = reference.lstm(
        np.reshape(x, (2, 1, 1)),
        weight_ih=[[0.1], [-0.2], [1.3], [0.4]],
        weight_hh=[[0.9], [0.7], [-0.6], [1.1]],
        bias=[0.01, 0.5, -0.3, 0.2],
        h_0=[[0.25]],
        c_0=[[-0.75]],
    )
    np.testing.assert_allclose([h_n.item(), c_n.item()], [h, c], rtol=1e-15)
    assert y[-1].item() == h_n.item()


def test_lstm_step_by_hand_with_two_units():
    """Two units that see each other: a transposed matrix or units mixed across gates would show."""
    W = [[0.1], [0.2], [-0.3], [0.4], [0.5], [-0.6], [0.7], [0.8]]  # i, i, f, f, g, g, o, o
    R = [
        [0.11, -0.12],
        [0.21, 0.22],
        [0.31, 0.32],
        [-0.41, 0.42],
        [0.51, 0.52],
        [0.61, -0.62],
        [0.71, 0.72],
        [0.81, 0.82],
    ]
    b = [0.01, -0.02, 0.03, 0.04, -0.05, 0.06, 0.07, -0.08]
    x, h, c = 1.5, [0.3, -0.7], [0.9, -0.2]
    z = [W[k][0] * x + R[k][0] * h[0] + R[k][1] * h[1] + b[k] for k in range(8)]
    c_0 = scalar_sigmoid(z[2]) * c[0] + scalar_sigmoid(z[0]) * math.tanh(z[4])
    c_1 = scalar_sigmoid(z[3]) * c[1] + scalar_sigmoid(z[1]) * math.tanh(z[5])
    h_0 = scalar_sigmoid(z[6]) * math.tanh(c_0)
    h_1 = scalar_sigmoid(z[7]) * math.tanh(c_1)

    got_h, got_c = reference.lstm_step([[x]], [h], [c], W, R, b)
    np.testing.assert_allclose(got_h, [[h_0, h_1]], rtol=1e-14)
    np.testing.assert_allclose(got_c, [[c_0, c_1]], rtol=1e-14)


def test_lstm_step_backward_by_hand():
    """One unit, derivatives written out factor by factor."""
    x, h, c, dh, dc = 0.5, 0.25, -0.75, 1.7, -0.4
    W, R, b = [0.1, -0.2, 1.3, 0.4], [0.9, 0.7, -0.6, 1.1], [0.01, 0.5, -0.3, 0.2]
    z_i, z_f, z_g, z_o = (W[k] * x + R[k] * h + b[k] for k in range(4))
    i, f, g, o = scalar_sigmoid(z_i), scalar_sigmoid(z_f), math.tanh(z_g), scalar_sigmoid(z_o)
    tanh_c = math.tanh(f * c + i * g)
    into_c = dc + dh * o * (1 - tanh_c * tanh_c)
    dz = [
        into_c * g * i * (1 - i),
        into_c * c * f * (1 - f),
        into_c * i * (1 - g * g),
        dh * tanh_c * o * (1 - o),
    ]

    grads = reference.lstm_step_backward(
        [[x]], [[h]], [[c]], np.reshape(W, (4, 1)), np.reshape(R, (4, 1)), b, dh=[[dh]], dc=[[dc]]
    )
    np.testing.assert_allclose(grads.bias, dz, rtol=1e-13)
    np.testing.assert_allclose(grads.weight_ih[:, 0], [d * x for d in dz], rtol=1e-13)
    np.testing.assert_allclose(grads.weight_hh[:, 0], [d * h for d in dz], rtol=1e-13)
    np.testing.assert_allclose(grads.x.item(), sum(d * w for d, w in zip(dz, W, strict=True)), rtol=1e-13)
    np.testing.assert_allclose(grads.h_0.item(), sum(d * r for d, r in zip(dz, R, strict=True)), rtol=1e-13)
    np.testing.assert_allclose(grads.c_0.item(), into_c * f, rtol=1e-13)


@pytest.mark.parametrize(("nonlinearity", "scalar"), [("tanh", math.tanh), ("relu", lambda z: max(z, 0.0))])
def test_rnn_by_hand(nonlinearity, scalar):
    """Two units, three steps; relu lets one unit fall to zero on the way."""
    W, R, b = [[0.5], [-0.8]], [[0.1, 0.6], [-0.7, 0.2]], [0.05, -0.15]
    x, h = [1.0, -2.0, 0.5], [0.3, -0.4]
    states = []
    for x_t in x:
        first = scalar(W[0][0] * x_t + R[0][0] * h[0] + R[0][1] * h[1] + b[0])
        second = scalar(W[1][0] * x_t + R[1][0] * h[0] + R[1][1] * h[1] + b[1])
        h = [first, second]
        states.append(h)

    y, h_n = reference.rnn(np.reshape(x, (3, 1, 1)), W, R, b, h_0=[[0.3, -0.4]], nonlinearity=nonlinearity)
    np.testing.assert_allclose(y[:, 0], states, rtol=1e-14)
    np.testing.assert_array_equal(h_n, y[-1])


@pytest.mark.parametrize("reset_after", [True, False])
def test_gru_by_hand(reset_after):
    """Two units, two steps: where the reset gate acts, and which of the two biases it acts on, shows."""
    W = [[0.1], [0.2], [-0.3], [0.4], [0.5], [-0.6]]  # r, r, u, u, n, n
    R = [[0.11, -0.12], [0.21, 0.22], [0.31, 0.32], [-0.41, 0.42], [0.51, 0.52], [0.61, -0.62]]
    b, c = [0.01, -0.02, 0.03, 0.04, -0.05, 0.06], [0.3, -0.1, 0.2, -0.4, 0.7, -0.8]
    x, h = [1.5, -0.5], [0.3, -0.7]
    for x_t in x:
        gates = [scalar_sigmoid(W[k][0] * x_t + b[k] + R[k][0] * h[0] + R[k][1] * h[1] + c[k]) for k in range(4)]
        r, u = gates[:2], gates[2:]
        seen = h if reset_after else [r[0] * h[0], r[1] * h[1]]
        a = [R[k][0] * seen[0] + R[k][1] * seen[1] + c[k] for k in (4, 5)]
        if reset_after:
            a = [r[0] * a[0], r[1] * a[1]]
        n = [math.tanh(W[4 + k][0] * x_t + b[4 + k] + a[k]) for k in range(2)]
        h = [(1 - u[k]) * n[k] + u[k] * h[k] for k in range(2)]

    _, h_n = reference.gru(np.reshape(x, (2, 1, 1)), W, R, b, c, h_0=[[0.3, -0.7]], reset_after=reset_after)
    np.testing.assert_allclose(h_n, [h], rtol=1e-14)


# --- Central differences ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [*SIZES[:2], *(pytest.param(size, marks=pytest.mark.slow) for size in SIZES[2:])])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_central_differences(cell, size):
    assert_gradients_match_differences(cell, random_inputs(cell, *size))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_with_lengths_are_central_differences(cell, reverse):
    inputs = random_inputs(cell, 5, 4, 3, 2)
    assert_gradients_match_differences(cell, inputs, lengths=[3, 0, 5, 1], reverse=reverse)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_what_was_left_out(cell):
    """Leaving out the bias and states is passing zeros, and each upstream gradient left out is one of zeros."""
    inputs = random_inputs(cell, 4, 3, 2, 3)
    few = {name: inputs[name] for name in ["x", "weight_ih", "weight_hh"]}
    zeros = {name: np.zeros_like(array) for name, array in inputs.items() if name not in few}
    upstream = random_upstream(cell, inputs)
    for wanted, got in zip(backward(cell, few | zeros, upstream), backward(cell, few, upstream), strict=True):
        if wanted is not None:  # an RNN has no cell state
            np.testing.assert_allclose(got, wanted, **ROUNDING)
    for grads in backward(cell, inputs, [])[:2]:
        np.testing.assert_array_equal(grads, 0.0)


# --- Lengths and direction --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_each_row_is_as_if_alone_and_cut_to_its_length(cell, reverse):
    inputs = random_inputs(cell, 6, 5, 3, 4)
    lengths = [6, 2, 0, 5, 1]
    results = forward(cell, inputs, lengths=lengths, reverse=reverse)
    for n, length in enumerate(lengths):
        alone = {name: a[n : n + 1] if name in ("h_0", "c_0") else a for name, a in inputs.items()}
        alone["x"] = inputs["x"][:length, n : n + 1]
        y, *states = forward(cell, alone, reverse=reverse)
        np.testing.assert_allclose(results[0][:length, n], y[:, 0], **ROUNDING)
        np.testing.assert_array_equal(results[0][length:, n], 0.0)
        for got, wanted in zip(results[1:], states, strict=True):
            np.testing.assert_allclose(got[n], wanted[0], **ROUNDING)


@pytest.mark.parametrize("cell", CELLS)
def test_reverse_is_the_flipped_input_flipped_back(cell):
    inputs = random_inputs(cell, 6, 3, 2, 4)
    y, *states = forward(cell, inputs, reverse=True)
    flipped_y, *flipped_states = forward(cell, inputs | {"x": inputs["x"][::-1]})
    np.testing.assert_allclose(y, flipped_y[::-1], **ROUNDING)
    np.testing.assert_allclose(states, flipped_states, **ROUNDING)


@pytest.mark.parametrize("cell", CELLS)
def test_padding_is_not_read(cell):
    """NaN beyond a row's length reaches neither the results nor any gradient."""
    inputs = random_inputs(cell, 4, 2, 3, 2)
    upstream = random_upstream(cell, inputs)
    lengths = [4, 2]
    wanted = forward(cell, inputs, lengths=lengths), backward(cell, inputs, upstream, lengths=lengths)
    inputs["x"][2:, 1] = np.nan
    upstream[0][2:, 1] = np.nan
    got = forward(cell, inputs, lengths=lengths), backward(cell, inputs, upstream, lengths=lengths)
    for a, b in zip(got, wanted, strict=True):
        for x, y in zip(a, b, strict=True):
            if x is not None:
                np.testing.assert_allclose(x, y, **ROUNDING)


@pytest.mark.parametrize("cell", CELLS)
def test_a_split_sequence_is_the_whole(cell):
    inputs = random_inputs(cell, 7, 3, 2, 4)
    y, *states = forward(cell, inputs)
    first_y, *handed_over = forward(cell, inputs | {"x": inputs["x"][:3]})
    rest = inputs | {"x": inputs["x"][3:]} | dict(zip(["h_0", "c_0"], handed_over, strict=False))
    last_y, *last_states = forward(cell, rest)
    np.testing.assert_allclose(np.concatenate([first_y, last_y]), y, **ROUNDING)
    np.testing.assert_allclose(last_states, states, **ROUNDING)


# --- Edges ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("T", "N"), [(0, 3), (4, 0), (0, 0)])
@pytest.mark.parametrize("cell", CELLS)
def test_nothing_in_nothing_out(cell, T, N):
    inputs = random_inputs(cell, T, N, 2, 3)
    upstream = random_upstream(cell, inputs)
    y, *states = forward(cell, inputs)
    assert y.shape == (T, N, 3)
    np.testing.assert_array_equal(states, [inputs[name] for name in ["h_0", "c_0"] if name in inputs])
    grads = backward(cell, inputs, upstream)
    assert grads.x.shape == (T, N, 2)
    np.testing.assert_array_equal(grads.states, upstream[1:])
    for total in grads.parameters:
        np.testing.assert_array_equal(total, 0.0)


@pytest.mark.parametrize("cell", CELLS)
def test_length_zero_keeps_the_state(cell):
    inputs = random_inputs(cell, 3, 2, 2, 3)
    y, *states = forward(cell, inputs, lengths=[0, 0])
    np.testing.assert_array_equal(y, 0.0)
    np.testing.assert_array_equal(states, [inputs[name] for name in ["h_0", "c_0"] if name in inputs])


@pytest.mark.parametrize("cell", CELLS)
def test_results_are_float64_and_inputs_stay_as_they_were(cell):
    inputs = {name: array.astype(np.float32) for name, array in random_inputs(cell, 3, 2, 2, 3).items()}
    upstream = [array.astype(np.float32) for array in random_upstream(cell, inputs)]
    before = {name: array.copy() for name, array in inputs.items()}
    results = [*forward(cell, inputs), *backward(cell, inputs, upstream)]
    assert {result.dtype for result in results if result is not None} == {np.dtype(np.float64)}
    for name, array in inputs.items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"x": np.zeros((3, 2))}, ValueError, r"x must have shape \(T, N, 2\), got \(3, 2\)"),
        ({"x": np.zeros((3, 2, 5))}, ValueError, r"x must have shape \(T, N, 2\), got \(3, 2, 5\)"),
        ({"weight_ih": np.zeros((8, 2))}, ValueError, r"weight_ih must have shape \(12, I\), got \(8, 2\)"),
        ({"weight_hh": np.zeros((8, 3))}, ValueError, r"weight_hh must have shape \(12, 3\), got \(8, 3\)"),
        ({"weight_hh": np.zeros(3)}, ValueError, r"weight_hh must have shape \(4H, H\), got \(3,\)"),
        ({"bias": np.zeros(3)}, ValueError, r"bias must have shape \(12,\), got \(3,\)"),
        ({"h_0": np.zeros((1, 3))}, ValueError, r"h_0 must have shape \(2, 3\), got \(1, 3\)"),
        ({"c_0": np.zeros((2, 1))}, ValueError, r"c_0 must have shape \(2, 3\), got \(2, 1\)"),
        ({"lengths": [1]}, ValueError, r"lengths must have shape \(2,\), got \(1,\)"),
        ({"lengths": [1, 5]}, ValueError, "lengths must lie between 0 and 4, got 1 to 5"),
        ({"lengths": [-1, 4]}, ValueError, "lengths must lie between 0 and 4, got -1 to 4"),
        ({"lengths": [1.0, 2.0]}, TypeError, "lengths must be an array of whole numbers, got dtype float64"),
    ],
)
def test_errors_name_the_argument(change, error, text):
    with pytest.raises(error, match=text):
        reference.lstm(**random_inputs("lstm", 4, 2, 2, 3) | change)


def test_an_unknown_nonlinearity_is_named():
    inputs = random_inputs("rnn_tanh", 0, 1, 1, 1)
    with pytest.raises(ValueError, match="nonlinearity must be 'tanh' or 'relu', got 'sine'"):
        reference.rnn(**inputs, nonlinearity="sine")


# --- PyTorch ----------------------------------------------------------------------------------------------------------


def torch_layer(torch, cell, inputs, reversed_inputs=None):
    """``torch.nn`` layer with our weights; with a second set of them the other direction's, and bidirectional."""
    H, I = inputs["weight_hh"].shape[1], inputs["x"].shape[2]
    options = {"bidirectional": reversed_inputs is not None, "dtype": torch.float64}
    if cell in ("lstm", "gru"):
        layer = getattr(torch.nn, cell.upper())(I, H, **options)
    else:
        layer = torch.nn.RNN(I, H, nonlinearity=cell.removeprefix("rnn_"), **options)
    for suffix, weights in [("", inputs), ("_reverse", reversed_inputs)][: 1 + options["bidirectional"]]:
        for theirs, ours in [("weight_ih", "weight_ih"), ("weight_hh", "weight_hh"), ("bias_ih", "bias")]:
            getattr(layer, f"{theirs}_l0{suffix}").data = torch.tensor(weights[ours])
        zeros = np.zeros_like(weights["bias"])
        getattr(layer, f"bias_hh_l0{suffix}").data = torch.tensor(weights.get("recurrent_bias", zeros))
    return layer


def torch_results(torch, cell, layer, inputs, upstream, lengths):
    """Results and gradients in our order and shapes, the direction's axis of states kept."""
    x = torch.tensor(inputs[0]["x"], requires_grad=True)
    names = ["h_0", "c_0"] if cell == "lstm" else ["h_0"]
    states = [torch.tensor(np.stack([i[name] for i in inputs]), requires_grad=True) for name in names]
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    y, state_n = layer(packed, tuple(states) if cell == "lstm" else states[0])
    y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, total_length=len(x))
    results = [y, *(state_n if cell == "lstm" else [state_n])]
    torch.autograd.backward(results, [torch.tensor(d) for d in upstream])
    return [r.detach().numpy() for r in results], x.grad.numpy(), [s.grad.numpy() for s in states]


@pytest.mark.parametrize(("cell", "size"), [(c, s) for c, s in product(CELLS, SIZES) if c != "gru_reset_before"])
def test_bidirectional_packed_sequences_agree_with_torch(cell, size):
    torch = pytest.importorskip("torch")
    inputs = [random_inputs(cell, *size, seed=seed) for seed in (2, 3)]
    inputs[1]["x"] = inputs[0]["x"]
    lengths = np.random.default_rng(4).integers(1, size[0] + 1, size[1])  # torch refuses a length of 0
    directions = [random_upstream(cell, i, seed) for i, seed in zip(inputs, (5, 6), strict=True)]
    upstream = [np.concatenate([d[0] for d in directions], axis=2)]
    upstream += [np.stack(pair) for pair in zip(*(d[1:] for d in directions), strict=True)]

    layer = torch_layer(torch, cell, *inputs)
    (y, *states), dx, dstates = torch_results(torch, cell, layer, inputs, upstream, lengths)

    ours_dx = 0.0
    for direction, (suffix, given) in enumerate(zip(["", "_reverse"], inputs, strict=True)):
        options = {"lengths": lengths, "reverse": bool(direction)}
        results = forward(cell, given, **options)
        grads = backward(cell, given, directions[direction], **options)
        ours_dx = ours_dx + grads.x
        np.testing.assert_allclose(results[0], np.split(y, 2, axis=2)[direction], **ROUNDING)
        np.testing.assert_allclose(results[1:], [state[direction] for state in states], **ROUNDING)
        np.testing.assert_allclose(grads.states, [d[direction] for d in dstates], **ROUNDING)
        names = [("weight_ih", "weight_ih"), ("weight_hh", "weight_hh"), ("bias", "bias_ih")]
        names.append(("recurrent_bias" if cell == "gru" else "bias", "bias_hh"))
        for ours, theirs in names:
            wanted = getattr(layer, f"{theirs}_l0{suffix}").grad.numpy()
            np.testing.assert_allclose(getattr(grads, ours), wanted, **ROUNDING, err_msg=ours)
    np.testing.assert_allclose(ours_dx, dx, **ROUNDING)
