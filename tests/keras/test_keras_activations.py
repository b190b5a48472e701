"""The NumPy activations over all exponents, infinities and NaN: values and slopes, and no warning of NumPy's."""

import pickle
import warnings

import numpy as np
import pytest
from exponents import assert_near, everywhere

from fastlstm.keras import Input, Model, Sequential, activations, layers
from fastlstm.reference.activations import read_activation

DTYPES = ["float32", "float64"]
NAMES = [*activations.CORE, "relu6"]
OTHERS = sorted(activations.KNOWN.keys() - {*NAMES, "softmax", "swish", "hard_swish"})
GRADIENT = 1e-7  # central differences in float64 are good to about 1e-9 relative; values here are of order one


def reference(name, x):
    """Value and slope in float64."""
    if name == "relu6":
        return np.clip(x, 0, 6), np.where((x > 0) & (x < 6), 1.0, 0.0)
    function = read_activation(activations.CORE[name])
    return function(x), function.derivative(x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_every_function_everywhere(name, dtype):
    """A few roundings: NumPy's functions are good to one or two, and a slope of 1 - y^2 or y + 1 has twice those of y.

    So does `in_place`, and a slope is asked for with gradients of 1 and -2.
    """
    x, function = everywhere(dtype), activations.get(name)
    y = function(x)
    with np.errstate(over="ignore"):
        value, slope = reference(name, x.astype("float64"))
    assert y.dtype == dtype
    assert_near(y, value, 3)
    for dy in (1.0, -2.0):
        found = function.backward(np.full_like(x, dy), x, y)
        assert found.dtype == dtype
        with np.errstate(over="ignore"):
            wanted = dy * slope
        assert_near(found, wanted, 6)
    again = x.copy()
    function.bind(again)()
    np.testing.assert_array_equal(again, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*NAMES, *OTHERS, "softmax"])
def test_nan_gives_nan(name, dtype):
    function, x = activations.get(name), np.full((2, 3), np.nan, dtype)
    y = function(x)
    assert np.isnan(y).all()
    if name != "linear":  # whose slope depends on nothing
        assert np.isnan(function.backward(np.ones_like(x), x, y)).all()


def test_gradients_that_are_not_finite():
    """Infinity times a slope of 0 is NaN, as in IEEE 754; nothing warns."""
    x, dy = np.array([-1e4, 2.0, 1e4, np.inf, -np.inf]), np.array([np.inf, np.nan, -np.inf, 0.0, np.inf])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in [*NAMES, *OTHERS]:
            function = activations.get(name)
            y = function(x)
            assert np.isnan(function.backward(dy, x, y)[1])


def test_softmax_of_infinities():
    """-infinity is a choice that cannot be; infinity, or none that can be, is no distribution."""
    softmax = activations.get("softmax")
    for dtype in DTYPES:
        x = np.array([[0, 0, -np.inf], [0, np.inf, 1], [-np.inf] * 3], dtype)
        y = softmax(x)
        np.testing.assert_array_equal(y, [[0.5, 0.5, 0], [np.nan] * 3, [np.nan] * 3])
        np.testing.assert_array_equal(softmax.backward(np.ones_like(x), x, y)[0], 0)
        extreme = np.array([[3e38, -3e38, 3e38], [-1e4, -1e4, 0.0]], dtype)
        np.testing.assert_array_equal(softmax(extreme), [[0.5, 0, 0.5], [0, 0, 1]])
        again = x.copy()
        softmax.bind(again)()
        np.testing.assert_array_equal(again, y)


SETTINGS = {
    "relu": [{"negative_slope": 0.25, "max_value": 1.0, "threshold": 0.3}, {"max_value": 6}, {"threshold": 0.5}],
    "leaky_relu": [{"negative_slope": 0.3}],
    "elu": [{"alpha": 0.5}],
    "celu": [{}, {"alpha": 2.0}],
    "softmax": [{"axis": 0}],
    "log_softmax": [{}, {"axis": 0}],
    "sparsemax": [{}, {"axis": 0}],
    "glu": [{}, {"axis": 0}],
    "gelu": [{}, {"approximate": True}],
    "squareplus": [{}, {"b": 2.0}],
    "hard_shrink": [{}, {"threshold": 1.0}],
    "soft_shrink": [{}, {"threshold": 1.0}],
    **{name: [{}] for name in ("hard_tanh", "hard_silu", "sparse_plus", "sparse_sigmoid", "log_sigmoid", "mish")},
    "tanh_shrink": [{}],
}
CASES = [(name, settings) for name, found in SETTINGS.items() for settings in found]
X = np.random.default_rng(4).normal(size=(4, 6)) * 2


@pytest.mark.parametrize(("name", "settings"), CASES, ids=str)
def test_slopes(name, settings, central_differences):
    base = getattr(activations, name)
    function = base.family(**settings) if settings else base
    y = function(X)
    np.testing.assert_array_equal(y, base(X, **settings))
    dy = np.random.default_rng(1).normal(size=y.shape)
    found = function.backward(dy, X, y)
    np.testing.assert_allclose(found, central_differences(lambda v: float((function(v) * dy).sum()), X), atol=GRADIENT)
    assert base(X.astype("float32"), **settings).dtype == "float32"


@pytest.mark.parametrize(("name", "settings"), CASES, ids=str)
def test_symbolic_tensors(name, settings):
    """Noted as an operation of Keras, or as a function; computed as on arrays."""
    x = Input((6,))
    function = getattr(activations, name)
    if settings.get("axis") == 0:
        return  # the rows of a batch are not for each other
    model = Model(x, function(x, **settings))
    np.testing.assert_allclose(model.predict(X, verbose=0), function(X, **settings), atol=1e-6)


@pytest.mark.parametrize("name", [*OTHERS, "hard_swish"])
def test_in_layers(name):
    assert activations.serialize(activations.get(name)) == activations.get(name).name
    for make in (lambda: layers.Activation(name), lambda: layers.Dense(6, activation=name)):
        model = Sequential([Input((3, 6)), make()])
        (layer,) = model.layers
        model.compile("sgd", "mse")
        model.fit(X[:, None].repeat(3, 1), X[:, None].repeat(3, 1), verbose=0)
        wanted = layer(X[:, None].repeat(3, 1).astype("float32"))
        np.testing.assert_array_equal(model.predict(X[:, None].repeat(3, 1), verbose=0), wanted)
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict(X[:, None].repeat(3, 1), verbose=0), wanted)


def test_thresholds():
    np.testing.assert_array_equal(activations.threshold([0.125, 0.25, 0.5], 0.25, -1.0), [-1, -1, 0.5])


def test_limits():
    ends = np.array([-np.inf, np.inf])
    wanted = {
        "gelu": 0,
        "mish": 0,
        "hard_silu": 0,
        "squareplus": 0,
        "celu": -1,
        "sparse_plus": 0,
        "soft_shrink": -np.inf,
    }
    for name, low in wanted.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(activations.get(name)(ends), [low, np.inf])


REFUSED = [
    (lambda: activations.relu(X, max_value=-1.0), ValueError, "relu: max_value must"),
    (lambda: activations.tanh(X, 2.0), TypeError, "tanh must be called on x alone"),
    (lambda: activations.elu(X, beta=2.0), TypeError, "unexpected keyword argument 'beta'"),
    (lambda: activations.glu(X[:, :3]), ValueError, "the axis to halve must be of an even size, got 3"),
    (lambda: activations.softmax(X, axis=2), ValueError, "axis must be one of the 2 axes of x, got 2"),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED, ids=[text for _, _, text in REFUSED])
def test_what_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()
