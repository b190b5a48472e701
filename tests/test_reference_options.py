"""Options of the reference: by hand, against central differences, combined, contradicted, and against PyTorch."""

import math

import numpy as np
import pytest
from reference_runs import (
    ROUNDING,
    assert_gradients_match_differences,
    backward,
    forward,
    random_inputs,
    random_upstream,
)

from fastlstm import reference

T, N, I, H, P = 4, 3, 2, 4, 3
SMOOTH = {  # other functions than a cell's own, none alike
    "lstm": [("hard_sigmoid", 0.3, 0.45), ("scaled_tanh", 1.3, 0.6), "softsign"],
    "gru": ["softsign", ("elu", 0.7, 0.0)],
    "rnn": ["silu"],
}
CLIP = 0.4


def kind_of(cell):
    return cell.partition("_")[0]


def random_masks(cell, seed=7):
    """Dropout of a third, scaled so that the mean stays."""
    shape = {"lstm": 4, "gru": 3, "rnn": 1}[kind_of(cell)], N, H
    return np.where(np.random.default_rng(seed).random(shape) < 1 / 3, 0.0, 1.5)


def random_mask(seed=8):
    return np.random.default_rng(seed).random((T, N)) < 0.6


def clipped(z, c):
    return max(-c, min(c, z))


def scalar_sigmoid(z):
    return 1 / (1 + math.exp(-z))


# --- Worked by hand ---------------------------------------------------------------------------------------------------


def dot(weights, state):
    return sum(w * s for w, s in zip(weights, state, strict=True))


@pytest.mark.parametrize("input_forget", [False, True])
def test_lstm_by_hand(input_forget):
    """Two units seen through one output, three steps; peepholes come before the clip, which does not touch c."""
    W = [[0.9], [0.2], [-0.3], [1.4], [2.5], [-1.6], [0.7], [0.8]]  # i, i, f, f, g, g, o, o
    R = [[0.11], [0.21], [0.31], [-0.41], [0.51], [0.61], [0.71], [0.81]]
    b = [0.01, -0.02, 0.53, 0.54, -0.05, 0.06, 0.07, -0.08]
    p = [0.6, -0.5, 0.4, 0.3, -0.2, 0.9]  # i, i, f, f, o, o
    projection = [0.75, -1.25]
    x, h, c, bound = [1.5, -0.5, 2.5], 0.3, [0.9, -1.2], 0.8
    for x_t in x:
        z = [W[k][0] * x_t + R[k][0] * h + b[k] for k in range(8)]
        i = [scalar_sigmoid(clipped(z[k] + p[k] * c[k], bound)) for k in range(2)]
        f = [scalar_sigmoid(clipped(z[2 + k] + p[2 + k] * c[k], bound)) for k in range(2)]
        if input_forget:
            f = [1 - gate for gate in i]
        g = [2 * clipped(z[4 + k], bound) for k in range(2)]
        c = [f[k] * c[k] + i[k] * g[k] for k in range(2)]
        o = [scalar_sigmoid(clipped(z[6 + k] + p[4 + k] * c[k], bound)) for k in range(2)]
        h = dot(projection, [o[k] * math.tanh(c[k]) for k in range(2)])

    _, h_n, c_n = reference.lstm(
        np.reshape(x, (3, 1, 1)),
        W,
        R,
        b,
        [[0.3]],
        [[0.9, -1.2]],
        activations=["sigmoid", ("affine", 2.0, 0.0), "tanh"],
        clip=bound,
        peepholes=p,
        input_forget=input_forget,
        weight_hr=[projection],
    )
    assert max(map(abs, c)) > bound  # or it would not show that c is not clipped
    np.testing.assert_allclose(c_n, [c], rtol=1e-14)
    np.testing.assert_allclose(h_n, [[h]], rtol=1e-14)


@pytest.mark.parametrize("reset_after", [True, False])
def test_gru_by_hand(reset_after):
    """Two units, two steps; the mask is not on what u carries over, the recurrent part of n is not clipped alone."""
    W = [[0.1], [0.2], [-0.3], [0.4], [0.5], [-0.6]]  # r, r, u, u, n, n
    R = [[0.11, -0.12], [0.21, 0.22], [0.31, 0.32], [-0.41, 0.42], [1.51, 0.52], [0.61, -1.62]]
    b, c = [0.01, -0.02, 0.03, 0.04, -0.05, 0.06], [0.3, -0.1, 0.2, -0.4, 0.7, -0.8]
    m = [[1.5, 0.0], [0.5, 2.0], [0.8, 1.2]]  # r, u, n
    x, h, bound = [1.5, -0.5], [0.3, -0.7], 0.45
    for x_t in x:
        z = [W[k][0] * x_t + b[k] + c[k] + dot(R[k], [m[k // 2][j] * h[j] for j in range(2)]) for k in range(4)]
        gates = [scalar_sigmoid(clipped(z[k], bound)) for k in range(4)]
        r, u = gates[:2], gates[2:]
        seen = [m[2][j] * h[j] * (1 if reset_after else r[j]) for j in range(2)]
        a = [(dot(R[4 + k], seen) + c[4 + k]) * (r[k] if reset_after else 1) for k in range(2)]
        n = [math.tanh(clipped(W[4 + k][0] * x_t + b[4 + k] + a[k], bound)) for k in range(2)]
        h = [(1 - u[k]) * n[k] + u[k] * h[k] for k in range(2)]

    options = {"reset_after": reset_after, "clip": bound, "recurrent_masks": np.reshape(m, (3, 1, 2))}
    _, h_n = reference.gru(np.reshape(x, (2, 1, 1)), W, R, b, c, h_0=[[0.3, -0.7]], **options)
    np.testing.assert_allclose(h_n, [h], rtol=1e-14)


def test_rnn_by_hand():
    x, h = [1.0, -2.0, 0.5], 0.3
    for x_t in x:
        h = 1.5 * clipped(0.5 * x_t + 0.8 * 1.25 * h + 0.1, 0.6) - 0.2
    _, h_n = reference.rnn(
        np.reshape(x, (3, 1, 1)),
        [[0.5]],
        [[0.8]],
        [0.1],
        [[0.3]],
        activations=[("affine", 1.5, -0.2)],
        clip=0.6,
        recurrent_masks=[[[1.25]]],
    )
    np.testing.assert_allclose(h_n.item(), h, rtol=1e-14)


# --- Central differences ----------------------------------------------------------------------------------------------

LSTM_OPTIONS = ["activations", "clip", "peepholes", "input_forget", "projection", "recurrent_masks", "mask"]
LSTM_COMBINATIONS = [
    *([name] for name in LSTM_OPTIONS),
    ["peepholes", "input_forget"],
    ["peepholes", "clip"],
    ["peepholes", "projection"],
    ["input_forget", "recurrent_masks"],
    ["activations", "clip", "peepholes", "input_forget", "projection", "mask"],
    ["activations", "clip", "peepholes", "input_forget", "recurrent_masks", "mask"],
]
OTHERS = ["activations", "clip", "recurrent_masks", "mask"]


def given(cell, names, seed=0):
    """Arrays and keyword options for a list of options' names."""
    P_or_not = P if "projection" in names else None
    inputs = random_inputs(cell, T, N, I, H, seed, P=P_or_not, peepholes="peepholes" in names)
    values = {
        "activations": SMOOTH[kind_of(cell)],
        "clip": CLIP,
        "input_forget": True,
        "recurrent_masks": random_masks(cell),
        "mask": random_mask(),
    }
    return inputs, {name: values[name] for name in names if name in values}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("names", LSTM_COMBINATIONS, ids=" ".join)
def test_gradients_of_lstm_are_central_differences(names, reverse):
    inputs, options = given("lstm", names)
    lengths = {} if "mask" in names else {"lengths": [3, 0, 4]}
    assert_gradients_match_differences("lstm", inputs, reverse=reverse, **options, **lengths)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("names", [*([name] for name in OTHERS), OTHERS], ids=" ".join)
@pytest.mark.parametrize("cell", ["gru", "gru_reset_before", "rnn_tanh"])
def test_gradients_are_central_differences(cell, names, reverse):
    inputs, options = given(cell, names)
    lengths = {} if "mask" in names else {"lengths": [3, 0, 4]}
    assert_gradients_match_differences(cell, inputs, reverse=reverse, **options, **lengths)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        *(("lstm", name) for name in LSTM_OPTIONS if name not in ("peepholes", "projection")),
        *((cell, name) for cell in ("gru", "gru_reset_before", "rnn_tanh") for name in OTHERS),
    ],
)
def test_each_option_tells(cell, name):
    """What the comparisons above use differs from the plain cell: a clip, say, that bites."""
    inputs, options = given(cell, [name])
    assert np.abs(forward(cell, inputs, **options)[0] - forward(cell, inputs)[0]).max() > 0.05


def test_no_gradient_passes_where_a_sum_was_clipped():
    inputs, _ = given("lstm", ["peepholes"])
    options = {"clip": 1e-9, "peepholes": inputs.pop("peepholes")}
    grads = backward("lstm", inputs, random_upstream("lstm", inputs), **options)
    for gradient in (grads.x, grads.h_0, *grads.parameters):
        np.testing.assert_array_equal(gradient, 0.0)
    assert np.abs(grads.c_0).min() > 0  # c passes through the half-open gates, which do not depend on anything


def test_gradients_of_an_unused_forget_gate_are_zeros():
    inputs, options = given("lstm", ["peepholes", "input_forget"])
    grads = backward("lstm", inputs, random_upstream("lstm", inputs), **options)
    for stacked in (grads.weight_ih, grads.weight_hh, grads.bias):
        i, f, *_ = np.split(stacked, 4)
        np.testing.assert_array_equal(f, 0.0)
        assert np.abs(i).max() > 0
    np.testing.assert_array_equal(np.split(grads.peepholes, 3)[1], 0.0)


def test_parameters_are_those_the_cell_has():
    inputs, options = given("lstm", ["peepholes", "projection"])
    grads = backward("lstm", inputs, random_upstream("lstm", inputs), **options)
    wanted = [inputs[name].shape for name in ["weight_ih", "weight_hh", "bias", "weight_hr", "peepholes"]]
    assert [gradient.shape for gradient in grads.parameters] == wanted
    plain = random_inputs("gru", T, N, I, H)
    grads = backward("gru", plain, random_upstream("gru", plain))
    wanted = [plain[name].shape for name in ["weight_ih", "weight_hh", "bias", "recurrent_bias"]]
    assert [gradient.shape for gradient in grads.parameters] == wanted
    assert grads.weight_hr is grads.peepholes is None


# --- Steps ------------------------------------------------------------------------------------------------------------


def assert_same_gradients(of_step, of_sequence):
    np.testing.assert_array_equal(of_step.x, of_sequence.x[0])
    pairs = zip(of_step.states + of_step.parameters, of_sequence.states + of_sequence.parameters, strict=True)
    for got, wanted in pairs:
        np.testing.assert_array_equal(got, wanted)


def test_an_lstm_step_is_a_sequence_of_one():
    names = ["activations", "clip", "peepholes", "input_forget", "recurrent_masks"]
    inputs, options = given("lstm", names)
    sequence = inputs | {"x": inputs["x"][:1]}
    upstream = [np.zeros((1, N, H)), *random_upstream("lstm", inputs)[1:]]
    results, grads = forward("lstm", sequence, **options), backward("lstm", sequence, upstream, **options)

    x_t, h, c = inputs.pop("x")[0], inputs.pop("h_0"), inputs.pop("c_0")
    np.testing.assert_array_equal(reference.lstm_step(x_t, h, c, **inputs, **options), results[1:])
    step_grads = reference.lstm_step_backward(x_t, h, c, **inputs, **options, dh=upstream[1], dc=upstream[2])
    assert_same_gradients(step_grads, grads)


@pytest.mark.parametrize("cell", ["gru", "gru_reset_before", "rnn_tanh"])
def test_a_step_is_a_sequence_of_one(cell):
    inputs, options = given(cell, ["activations", "clip", "recurrent_masks"])
    sequence = inputs | {"x": inputs["x"][:1]}
    upstream = [np.zeros((1, N, H)), *random_upstream(cell, inputs)[1:]]
    results, grads = forward(cell, sequence, **options), backward(cell, sequence, upstream, **options)

    x_t, h = inputs.pop("x")[0], inputs.pop("h_0")
    step, step_backward = reference.rnn_step, reference.rnn_step_backward
    if cell != "rnn_tanh":
        step, step_backward = reference.gru_step, reference.gru_step_backward
        options["reset_after"] = cell == "gru"
    np.testing.assert_array_equal(step(x_t, h, **inputs, **options), results[1])
    step_grads = step_backward(x_t, h, **inputs, **options, dh=upstream[1])
    assert_same_gradients(step_grads, grads)


# --- Masks of steps ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_before", "rnn_tanh"])
def test_each_row_is_as_if_alone_with_its_valid_steps(cell, reverse):
    inputs, mask = random_inputs(cell, T, N, I, H), random_mask()
    assert len({tuple(row) for row in mask.T}) == N  # no two rows alike
    y, *states = forward(cell, inputs, mask=mask, reverse=reverse)
    np.testing.assert_array_equal(y[~mask], 0.0)
    for n in range(N):
        alone = {name: a[n : n + 1] if name in ("h_0", "c_0") else a for name, a in inputs.items()}
        alone["x"] = inputs["x"][mask[:, n], n : n + 1]
        alone_y, *alone_states = forward(cell, alone, reverse=reverse)
        np.testing.assert_allclose(y[mask[:, n], n], alone_y[:, 0], **ROUNDING)
        for got, wanted in zip(states, alone_states, strict=True):
            np.testing.assert_allclose(got[n], wanted[0], **ROUNDING)


# --- Errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"activations": ["tanh"]}, ValueError, r"activations must be a sequence of 3 \(f, g, h\), got \['tanh'\]"),
        ({"activations": "tanh"}, TypeError, r"activations must be a sequence of 3 \(f, g, h\), got 'tanh'"),
        ({"activations": ["tanh", "tanh", "sine"]}, ValueError, "an activation must be one of .*, got 'sine'"),
        ({"activations": ["tanh", "tanh", 3]}, TypeError, "an activation must be a name"),
        ({"clip": 0}, ValueError, "clip must be a number above 0, got 0"),
        ({"clip": -0.5}, ValueError, "clip must be a number above 0, got -0.5"),
        ({"clip": math.nan}, ValueError, "clip must be a number above 0, got nan"),
        ({"clip": "1"}, TypeError, "clip must be a number above 0, got '1'"),
        ({"peepholes": np.ones(4 * H)}, ValueError, r"peepholes must have shape \(12,\), got \(16,\)"),
        ({"peepholes": np.ones((3, H))}, ValueError, r"peepholes must have shape \(12,\), got \(3, 4\)"),
        ({"weight_hr": np.ones(H)}, ValueError, r"weight_hr must have shape \(P, H\), got \(4,\)"),
        ({"weight_hr": np.ones((P, H))}, ValueError, r"weight_hh must have shape \(16, 3\), got \(16, 4\)"),
        ({"recurrent_masks": np.ones((3, N, H))}, ValueError, r"recurrent_masks must have shape \(4, 3, 4\)"),
        (
            {"recurrent_masks": np.ones((4, N, H)), "weight_hr": np.ones((H, H))},
            ValueError,
            "recurrent_masks and weight_hr must not both be given",
        ),
        ({"mask": np.ones((T, N))}, TypeError, "mask must have dtype bool, got float64"),
        ({"mask": np.ones((N, T), bool)}, ValueError, r"mask must have shape \(4, 3\), got \(3, 4\)"),
        ({"mask": np.ones((T, N), bool), "lengths": [1, 2, 3]}, ValueError, "lengths and mask must not both"),
    ],
)
def test_contradictions_name_the_argument(options, error, text):
    inputs = random_inputs("lstm", T, N, I, H)
    with pytest.raises(error, match=text):
        reference.lstm(**inputs, **options)
    with pytest.raises(error, match=text):
        reference.lstm_backward(**inputs, **options)


def test_activations_replace_the_nonlinearity_of_an_rnn():
    inputs = random_inputs("rnn_relu", T, N, I, H)
    wanted = forward("rnn_tanh", inputs)
    for got, array in zip(forward("rnn_relu", inputs, activations=["tanh"]), wanted, strict=True):
        np.testing.assert_array_equal(got, array)


# --- Peers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(5, 3, 2, 4, 3), (7, 2, 3, 5, 1)])
def test_projection_is_that_of_torch(size):
    torch = pytest.importorskip("torch")
    T, N, I, H, P = size
    inputs = random_inputs("lstm", T, N, I, H, seed=2, P=P)
    upstream = random_upstream("lstm", inputs)
    layer = torch.nn.LSTM(I, H, proj_size=P, dtype=torch.float64)
    zeros = np.zeros_like(inputs["bias"])
    ours = {"weight_ih": "weight_ih", "weight_hh": "weight_hh", "bias_ih": "bias", "weight_hr": "weight_hr"}
    layer.load_state_dict(
        {f"{theirs}_l0": torch.tensor(inputs[name]) for theirs, name in ours.items()}
        | {"bias_hh_l0": torch.tensor(zeros)}
    )
    x, h_0, c_0 = (torch.tensor(inputs[name], requires_grad=True) for name in ("x", "h_0", "c_0"))
    y, (h_n, c_n) = layer(x, (h_0[None], c_0[None]))
    results = [y, h_n[0], c_n[0]]
    torch.autograd.backward(results, [torch.tensor(d) for d in upstream])

    for got, wanted in zip(forward("lstm", inputs), results, strict=True):
        np.testing.assert_allclose(got, wanted.detach().numpy(), **ROUNDING)
    grads = backward("lstm", inputs, upstream)
    for got, wanted in [(grads.x, x), (grads.h_0, h_0), (grads.c_0, c_0)]:
        np.testing.assert_allclose(got, wanted.grad.numpy(), **ROUNDING)
    for theirs, name in ours.items():
        wanted = getattr(layer, f"{theirs}_l0").grad.numpy()
        np.testing.assert_allclose(getattr(grads, name), wanted, **ROUNDING, err_msg=name)


class DropoutOnce:
    """Hands a Keras cell the masks that it would draw."""

    def __init__(self, masks):
        self.masks = masks

    def __call__(self, step_input):
        return self.masks


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_before", "rnn_tanh"])
def test_recurrent_masks_are_those_of_keras(cell):
    """One step of the real cell in training, given our masks for its own."""
    layers, ops = pytest.importorskip("keras.layers"), pytest.importorskip("keras.ops")
    inputs, masks = random_inputs(cell, T, N, I, H), random_masks(cell)
    order = {"lstm": [0, 1, 2, 3], "gru": [1, 0, 2], "rnn": [0]}[kind_of(cell)]  # Keras has u before r
    options = {"reset_after": cell == "gru"} if kind_of(cell) == "gru" else {}
    kind = {"lstm": layers.LSTMCell, "gru": layers.GRUCell, "rnn": layers.SimpleRNNCell}[kind_of(cell)]
    theirs = kind(H, recurrent_dropout=0.5, dtype="float64", **options)
    theirs.build((N, I))
    theirs.set_weights(keras_weights(inputs, order, cell))
    theirs_masks = [ops.convert_to_tensor(masks[k]) for k in order]
    theirs.get_recurrent_dropout_mask = DropoutOnce(theirs_masks if len(order) > 1 else theirs_masks[0])

    states = [ops.convert_to_tensor(inputs[name]) for name in ("h_0", "c_0") if name in inputs]
    _, wanted = theirs(ops.convert_to_tensor(inputs["x"][0]), states, training=True)
    _, *got = forward(cell, inputs | {"x": inputs["x"][:1]}, recurrent_masks=masks)
    for ours, state in zip(got, wanted, strict=True):
        np.testing.assert_allclose(ours, ops.convert_to_numpy(state), **ROUNDING)


def keras_weights(inputs, order, cell):
    """Kernel, recurrent kernel and bias as Keras stacks and transposes them."""

    def stacked(array):
        blocks = np.split(array, len(order))
        return np.concatenate([blocks[k] for k in order]).T

    bias = stacked(inputs["bias"])
    if cell == "gru":
        bias = np.stack([bias, stacked(inputs["recurrent_bias"])])
    elif cell == "gru_reset_before":
        bias = bias + stacked(inputs["recurrent_bias"])
    return [stacked(inputs["weight_ih"]), stacked(inputs["weight_hh"]), bias]
