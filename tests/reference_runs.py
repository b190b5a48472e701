"""Random inputs of every cell of the reference, its runs on them, and central differences."""

import numpy as np

from fastlstm import reference

# Central differences in float64 are off by about eps^(2/3), 4e-11, relative to values of order one, and more where a
# long chain magnifies; gradients and PyTorch's float64 results differ by rounding alone.
DIFFERENCES = {"rtol": 1e-6, "atol": 1e-8}
ROUNDING = {"rtol": 1e-11, "atol": 1e-13}

CELLS = ["lstm", "gru", "gru_reset_before", "rnn_tanh", "rnn_relu"]
GATES = {"lstm": 4, "gru": 3, "gru_reset_before": 3}
SIZES = [(1, 1, 1, 1), (5, 3, 2, 4), (7, 2, 5, 3), (4, 6, 1, 7)]  # T, N, I, H


def random_inputs(cell, T, N, I, H, seed=0, *, P=None, peepholes=False):
    """Every array input of a cell: no zeros, no symmetry, no two gates alike. ``P`` projects the LSTM's output."""
    draw = np.random.default_rng(seed).normal
    G, width = GATES.get(cell, 1), P or H
    shapes = {"x": (T, N, I), "weight_ih": (G * H, I), "weight_hh": (G * H, width), "bias": (G * H,), "h_0": (N, width)}
    if cell == "lstm":
        shapes["c_0"] = (N, H)
    if cell.startswith("gru"):
        shapes["recurrent_bias"] = (G * H,)
    if P:
        shapes["weight_hr"] = (P, H)
    if peepholes:
        shapes["peepholes"] = (3 * H,)
    return {name: draw(scale=0.7, size=shape) for name, shape in shapes.items()}


def forward(cell, inputs, **options):
    """``(y, h_n)`` or ``(y, h_n, c_n)``."""
    if cell == "lstm":
        return reference.lstm(**inputs, **options)
    if cell.startswith("gru"):
        return reference.gru(**inputs, **options, reset_after=cell == "gru")
    return reference.rnn(**inputs, **options, nonlinearity=cell.removeprefix("rnn_"))


def backward(cell, inputs, upstream, **options):
    given = dict(zip(["dy", "dh_n", "dc_n"], upstream, strict=False))
    if cell == "lstm":
        return reference.lstm_backward(**inputs, **given, **options)
    if cell.startswith("gru"):
        return reference.gru_backward(**inputs, **given, **options, reset_after=cell == "gru")
    return reference.rnn_backward(**inputs, **given, **options, nonlinearity=cell.removeprefix("rnn_"))


def random_upstream(cell, inputs, seed=1):
    draw = np.random.default_rng(seed).normal
    return [draw(size=result.shape) for result in forward(cell, inputs)]


def central_differences(scalar, array, h=1e-6):
    """Gradient of ``scalar()`` with respect to ``array``, which is nudged in place and put back."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + h
        above = scalar()
        array[index] = value - h
        below = scalar()
        array[index] = value
        gradient[index] = (above - below) / (2 * h)
    return gradient


def assert_gradients_match_differences(cell, inputs, **options):
    upstream = random_upstream(cell, inputs)

    def scalar():
        results = forward(cell, inputs, **options)
        return sum(np.vdot(d, result) for d, result in zip(upstream, results, strict=True))

    grads = backward(cell, inputs, upstream, **options)
    for name, array in inputs.items():
        wanted = central_differences(scalar, array)
        np.testing.assert_allclose(getattr(grads, name), wanted, **DIFFERENCES, err_msg=name)
