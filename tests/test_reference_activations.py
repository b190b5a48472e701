"""Activations of the reference: figures worked out by hand, derivatives, kinks, limits, and PyTorch and Keras."""

import math

import numpy as np
import pytest

from fastlstm.reference import Activation, read_activation, sigmoid

# Figures at -2, 0.25 and 3, to the digits that are written.
FIGURES = {
    "affine": ("linear", [-2.0, 0.25, 3.0]),
    "affine 0.7, 0.2": (("affine", 0.7, 0.2), [-1.2, 0.375, 2.3]),
    "relu": ("relu", [0.0, 0.25, 3.0]),
    "leaky_relu": ("leaky_relu", [-0.02, 0.25, 3.0]),
    "leaky_relu 0.3": (("leaky_relu", 0.3, 0.0), [-0.6, 0.25, 3.0]),
    "thresholded_relu": ("thresholded_relu", [0.0, 0.0, 3.0]),
    "thresholded_relu 0.1": (("thresholded_relu", 0.1, 0.0), [0.0, 0.25, 3.0]),
    "tanh": ("tanh", [-0.9640275801, 0.2449186624, 0.9950547537]),
    "scaled_tanh": ("scaled_tanh", [-0.9640275801, 0.2449186624, 0.9950547537]),
    "scaled_tanh 2, 0.5": (("scaled_tanh", 2.0, 0.5), [-1.5231883119, 0.2487059967, 1.8102965071]),
    "sigmoid": ("sigmoid", [0.1192029220, 0.5621765009, 0.9525741268]),
    "hard_sigmoid": ("hard_sigmoid", [0.1, 0.55, 1.0]),
    "hard_sigmoid 0.3, 0.4": (("hard_sigmoid", 0.3, 0.4), [0.0, 0.475, 1.0]),
    "elu": ("elu", [-0.8646647168, 0.25, 3.0]),
    "elu 0.5": (("elu", 0.5, 0.0), [-0.4323323584, 0.25, 3.0]),
    "softsign": ("softsign", [-2 / 3, 0.2, 0.75]),
    "softplus": ("softplus", [0.1269280110, 0.8259394198, 3.0485873516]),
    "exponential": ("exponential", [0.1353352832, 1.2840254167, 20.0855369232]),
    "selu": ("selu", [-1.5201664686, 0.2626752468, 3.1521029620]),
    "silu": ("silu", [-0.2384058440, 0.1405441252, 2.8577223804]),
}
NAMES = sorted({read_activation(entry).name for entry, _ in FIGURES.values()})


@pytest.mark.parametrize(("entry", "values"), FIGURES.values(), ids=FIGURES)
def test_values_are_the_figures(entry, values):
    np.testing.assert_allclose(read_activation(entry)(np.array([-2.0, 0.25, 3.0])), values, rtol=1e-7, atol=1e-15)


@pytest.mark.parametrize("entry", [entry for entry, _ in FIGURES.values()], ids=FIGURES)
def test_derivatives_are_central_differences(entry):
    """At points away from the kinks, which lie at multiples of 1/6 and the like."""
    act = read_activation(entry)
    x = np.linspace(-4, 4, 81) + 0.0123
    wanted = (act(x + 1e-5) - act(x - 1e-5)) / 2e-5
    np.testing.assert_allclose(act.derivative(x), wanted, rtol=1e-8, atol=1e-9)  # h^2 and eps / h, both 1e-10


@pytest.mark.parametrize(
    ("entry", "kink", "derivative"),
    [
        ("relu", 0.0, 0.0),
        (("leaky_relu", 0.3, 0.0), 0.0, 0.3),
        (("thresholded_relu", 0.5, 0.0), 0.5, 0.0),
        (("hard_sigmoid", 0.25, 0.5), -2.0, 0.0),
        (("hard_sigmoid", 0.25, 0.5), 2.0, 0.0),
        (("elu", 0.5, 0.0), 0.0, 0.5),
        ("selu", 0.0, 1.7580993408473766),
    ],
)
def test_derivatives_at_the_kinks(entry, kink, derivative):
    np.testing.assert_allclose(read_activation(entry).derivative(np.array([kink])), derivative, rtol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_a_number_stays_so(name):
    assert np.isnan(read_activation(name)(np.array([np.nan]))).all()


@pytest.mark.parametrize(
    ("name", "below", "above"),
    [
        ("relu", 0.0, np.inf),
        ("thresholded_relu", 0.0, np.inf),
        ("tanh", -1.0, 1.0),
        ("sigmoid", 0.0, 1.0),
        ("hard_sigmoid", 0.0, 1.0),
        ("elu", -1.0, np.inf),
        ("softsign", -1.0, 1.0),
        ("softplus", 0.0, np.inf),
        ("exponential", 0.0, np.inf),
        ("selu", -1.7580993408473766, np.inf),
        ("silu", 0.0, np.inf),
    ],
)
def test_infinities_give_the_limits(name, below, above):
    np.testing.assert_allclose(read_activation(name)(np.array([-np.inf, np.inf])), [below, above], rtol=1e-15)


def test_sigmoid_keeps_small_values_and_propagates_what_is_not_finite():
    x = np.array([-745.0, -40.0, -1.0, 0.0, 1.0, 40.0])
    np.testing.assert_allclose(sigmoid(x), [math.exp(v) / (1 + math.exp(v)) for v in x], rtol=1e-15)
    np.testing.assert_array_equal(sigmoid([-np.inf, np.inf, np.nan]), [0.0, 1.0, np.nan])


# --- Entries ----------------------------------------------------------------------------------------------------------


def test_an_entry_is_a_name_or_a_name_and_two_numbers():
    assert read_activation("linear") == Activation("affine", 1.0, 0.0)
    assert read_activation("hard_sigmoid") == Activation("hard_sigmoid", 0.2, 0.5)
    assert read_activation(("elu", 2, 0)) == Activation("elu", 2.0, 0.0)
    assert read_activation(("elu", np.float32(0.5), 0)) == Activation("elu", 0.5, 0.0)
    assert read_activation(read_activation("selu")) == Activation("selu", 0.0, 0.0)


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(ValueError, match=r"must be one of affine, relu, .*, silu, linear, got 'sine'"):
        read_activation("sine")


@pytest.mark.parametrize("entry", [None, math.tanh, ("elu",), ("elu", 1.0), ("elu", "1", 0.0), (1.0, "elu", 0.0)])
def test_an_entry_of_another_kind_is_named(entry):
    with pytest.raises(TypeError, match="must be a name or"):
        read_activation(entry)


# --- Peers ------------------------------------------------------------------------------------------------------------

POINTS = np.concatenate([np.linspace(-7, 7, 57) + 0.01, [0.0, 300.0, -300.0]])


@pytest.mark.parametrize(
    ("entry", "theirs"),
    [
        ("relu", lambda torch, x: torch.relu(x)),
        (("leaky_relu", 0.3, 0.0), lambda torch, x: torch.nn.functional.leaky_relu(x, 0.3)),
        (("thresholded_relu", 0.5, 0.0), lambda torch, x: torch.nn.functional.threshold(x, 0.5, 0.0)),
        ("tanh", lambda torch, x: torch.tanh(x)),
        ("sigmoid", lambda torch, x: torch.sigmoid(x)),
        (("hard_sigmoid", 1 / 6, 0.5), lambda torch, x: torch.clamp(x / 6 + 0.5, 0, 1)),
        (("elu", 0.8, 0.0), lambda torch, x: torch.nn.functional.elu(x, 0.8)),
        ("softsign", lambda torch, x: torch.nn.functional.softsign(x)),
        ("softplus", lambda torch, x: torch.nn.functional.softplus(x, threshold=1000)),
        ("selu", lambda torch, x: torch.selu(x)),
        ("silu", lambda torch, x: torch.nn.functional.silu(x)),
    ],
)
def test_values_and_derivatives_are_those_of_torch(entry, theirs):
    torch = pytest.importorskip("torch")
    act = read_activation(entry)
    x = torch.tensor(POINTS, requires_grad=True)
    y = theirs(torch, x)
    y.sum().backward()
    np.testing.assert_allclose(act(POINTS), y.detach().numpy(), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(act.derivative(POINTS), x.grad.numpy(), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("entry", "theirs"),
    [
        ("linear", "linear"),
        ("relu", "relu"),
        (("leaky_relu", 0.2, 0.0), "leaky_relu"),  # Keras' default slope
        ("tanh", "tanh"),
        ("sigmoid", "sigmoid"),
        (("hard_sigmoid", 1 / 6, 0.5), "hard_sigmoid"),
        ("elu", "elu"),
        ("softsign", "softsign"),
        ("softplus", "softplus"),
        ("exponential", "exponential"),
        ("selu", "selu"),
        ("silu", "silu"),
    ],
)
def test_values_are_those_of_keras(entry, theirs):
    ops, activations = pytest.importorskip("keras.ops"), pytest.importorskip("keras.activations")
    x = POINTS[np.abs(POINTS) < 80].astype(np.float32)  # exp(89) is beyond float32
    wanted = ops.convert_to_numpy(activations.get(theirs)(ops.convert_to_tensor(x)))
    # float32, and 1 - exp(x) near zero for elu and selu
    np.testing.assert_allclose(read_activation(entry)(x.astype(np.float64)), wanted, rtol=2e-6, atol=2e-7)
