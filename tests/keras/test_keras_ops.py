"""Functions of arrays, symbolic tensors and boxes of autograd: values, gradients, shapes and dtypes."""

import math

import numpy as np
import pytest

from fastlstm.keras import Input, Model, backend, layers, ops, random
from fastlstm.keras.foundation.symbolic import SymbolicTensor
from fastlstm.keras.foundation.tracing import differentiated
from fastlstm.keras.foundation.trees import leaves
from fastlstm.keras.foundation.variable import Variable

GRADIENT = 1e-7  # central differences in float64 are exact to about 1e-9 here
N, T, I = 3, 4, 2


def draw(*shape, low=0.2, high=0.9):
    """Numbers between, where all functions are smooth; the second call gives others."""
    return np.random.default_rng(sum(shape)).uniform(low, high, shape)


X, Y, M = draw(N, T, I), draw(N, T, I, low=1.1, high=1.9), draw(I, 5)

S = np.eye(3) + np.outer([0.1, 0.5, -0.3], [0.1, 0.5, -0.3])  # symmetric, positive
P = np.array([1, 0, 3])


def erf(x):
    return np.vectorize(math.erf)(x)


def normalized(x):
    return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-7)


def attention(q, k, v):
    scores = np.einsum("nthd,nshd->nhts", q, k) / math.sqrt(q.shape[-1])
    powers = np.exp(scores)
    return np.einsum("nhts,nshd->nthd", powers / powers.sum(-1, keepdims=True), v)


# Functions with a gradient: arguments, and NumPy's word for the result. A second case has its kind in brackets.
CASES = {
    "add": ((X, Y), np.add),
    "add (stretched)": ((X, Y[0, 0]), np.add),
    "subtract": ((X, Y), np.subtract),
    "multiply": ((X, Y), np.multiply),
    "divide": ((X, Y), np.divide),
    "divide_no_nan": ((X, Y), np.divide),
    "mod": ((Y, X), np.mod),
    "power": ((X, Y), np.power),
    "negative": ((X,), np.negative),
    "abs": ((-X,), np.abs),
    "maximum": ((X, Y[0] - 1), np.maximum),
    "minimum": ((X[:, :1], Y - 1), np.minimum),
    "clip": ((X, 0.3, 0.7), np.clip),
    "square": ((X,), np.square),
    "sqrt": ((X,), np.sqrt),
    "rsqrt": ((X,), lambda x: x**-0.5),
    "cbrt": ((X,), np.cbrt),
    "hypot": ((X, Y), np.hypot),
    "reciprocal": ((X,), np.reciprocal),
    "nan_to_num": ((X,), np.nan_to_num),
    "copy": ((X,), np.copy),
    **{name: ((X,), getattr(np, name)) for name in ("exp", "exp2", "expm1", "log", "log1p", "log2", "log10")},
    **{name: ((X,), getattr(np, name)) for name in ("sin", "cos", "tan", "arcsin", "arccos", "arctan")},
    **{
        name: ((X,), getattr(np, name)) for name in ("sinh", "cosh", "tanh", "arcsinh", "arctanh", "deg2rad", "rad2deg")
    },
    "arccosh": ((Y,), np.arccosh),
    "arctan2": ((X, Y), np.arctan2),
    "logaddexp": ((X, Y), np.logaddexp),
    "erf": ((X,), erf),
    "erfc": ((X,), lambda x: 1 - erf(x)),
    "where": ((X > 0.5, X[:, :1], Y), np.where),
    "sum": ((X, 1), np.sum),
    "mean": ((X, (0, 2)), np.mean),
    "average": ((X, 1, X[0, :, 0]), lambda x, axis, weights: np.einsum("nti,t->ni", x, weights) / weights.sum()),
    "max": ((X, 1), np.max),
    "min": ((X, -1), np.min),
    "ptp": ((X, 1), np.ptp),
    "prod": ((X, (0, 2)), np.prod),
    "prod (of a zero)": ((X * (X.min() < X), 1), np.prod),
    "var": ((X, 1), np.var),
    "std": ((X, 1), np.std),
    "median": ((X, 1), np.median),
    "quantile": ((X, 0.3, 1), np.quantile),
    "cumsum": ((X, 1), np.cumsum),
    "cumprod": ((X, 1), np.cumprod),
    "logsumexp": ((X, 1), lambda x, axis: np.log(np.exp(x).sum(axis))),
    "norm": ((X, 2, 1), lambda x, order, axis: np.sqrt((x * x).sum(axis))),
    "norm (1)": ((X, 1, 1), lambda x, order, axis: abs(x).sum(axis)),
    "sort": ((X, 1), np.sort),
    "top_k": ((X, 1), lambda x, k: [x.max(-1, keepdims=True), x.argmax(-1)[..., None]]),
    "segment_sum": ((X, [0, 2, 0], 3), lambda x, ids, n: np.stack([x[0] + x[2], 0 * x[1], x[1]])),
    "segment_max": ((X, [0, 1, 0], 2), lambda x, ids, n: np.stack([np.maximum(x[0], x[2]), x[1]])),
    "reshape": ((X, (N, I * T)), np.reshape),
    "ravel": ((X,), np.ravel),
    "transpose": ((X, (0, 2, 1)), np.transpose),
    "swapaxes": ((X, 1, 2), np.swapaxes),
    "moveaxis": ((X, 1, 2), np.moveaxis),
    "expand_dims": ((X, 1), np.expand_dims),
    "squeeze": ((X[:, :1], 1), np.squeeze),
    "concatenate": (([X, Y], 1), np.concatenate),
    "append": ((X, Y, 1), np.append),
    "hstack": (([X, Y],), np.hstack),
    "vstack": (([X, Y],), np.vstack),
    "stack": (([X, Y], 1), np.stack),
    "split": ((X, [1, 3], 1), np.split),
    "array_split": ((X, 3, 1), np.array_split),
    "unstack": ((X, None, 1), lambda x, num, axis: [x[:, k] for k in range(T)]),
    "repeat": ((X, 2, 1), np.repeat),
    "tile": ((X, (1, 2, 1)), np.tile),
    "flip": ((X, 1), np.flip),
    "rot90": ((X, 1, (1, 2)), np.rot90),
    "roll": ((X, 1, 1), np.roll),
    "pad": ((X, ((0, 0), (1, 2), (0, 0))), np.pad),
    "pad (reflected)": ((X, ((0, 0), (1, 2), (0, 0)), "reflect"), np.pad),
    "broadcast_to": ((X[:, :1], (N, T, I)), np.broadcast_to),
    "meshgrid": ((X[0, :, 0], Y[:, 0, 0]), np.meshgrid),
    "diag": ((X[0, :, 0],), np.diag),
    "diagonal": ((X, 0, 1, 2), np.diagonal),
    "trace": ((X, 1, 2, 1), np.trace),
    "tril": ((X,), np.tril),
    "triu": ((X, 1), np.triu),
    "get_item": ((X, (slice(None), -1)), lambda x, key: x[key]),
    "take": ((X, [1, 0, 3, 0], 1), lambda x, places, axis: np.take(x, np.array(places), axis)),
    "take_along_axis": ((X, np.argsort(X, 1), 1), np.take_along_axis),
    "slice": ((X, (0, 1, 0), (2, 2, 1)), lambda x, starts, shape: x[:2, 1:3, :1]),
    "slice_update": ((X, (0, 1, 0), Y[:, :2]), lambda x, s, y: np.concatenate([x[:, :1], y, x[:, 3:]], axis=1)),
    "scatter": (([[0], [2], [0]], X[:, 0, 0], (4,)), lambda at, x, shape: np.array([x[0] + x[2], 0, x[1], 0])),
    "scatter_update": ((X[0, :, 0], [[1], [2]], Y[0, :2, 0]), lambda x, at, y: np.array([x[0], *y, x[3]])),
    "diff": ((X, 1, 1), np.diff),
    "matmul": ((X, M), np.matmul),
    "dot": ((X, M), np.dot),
    "vdot": ((X, Y), np.vdot),
    "inner": ((X, Y), np.inner),
    "outer": ((X[0, :, 0], M[0]), np.outer),
    "tensordot": ((X, M, 1), np.tensordot),
    "einsum": (("nti,io->nto", X, M), np.einsum),
    "cross": ((X[:, :3, 0], Y[:, :3, 1]), np.cross),
    "det": ((S,), np.linalg.det),
    "inv": ((S,), np.linalg.inv),
    "solve": ((S, X[:, 0, 0]), np.linalg.solve),
    "sigmoid": ((X,), lambda x: 1 / (1 + np.exp(-x))),
    "log_sigmoid": ((X,), lambda x: -np.log(1 + np.exp(-x))),
    "relu": ((X - 0.5,), lambda x: np.maximum(x, 0)),
    "relu6": ((8 * X,), lambda x: np.clip(x, 0, 6)),
    "leaky_relu": ((X - 0.5,), lambda x: np.where(x > 0, x, 0.2 * x)),
    "elu": ((X - 0.5,), lambda x: np.where(x > 0, x, np.exp(x) - 1)),
    "selu": ((X - 0.5,), lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(x) - 1))),
    "celu": ((X - 0.5, 2.0), lambda x, alpha: np.where(x > 0, x, alpha * (np.exp(x / alpha) - 1))),
    "silu": ((X,), lambda x: x / (1 + np.exp(-x))),
    "gelu": ((X, False), lambda x, approximate: 0.5 * x * (1 + erf(x / math.sqrt(2)))),
    "gelu (by tanh)": ((X,), lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
    "softplus": ((X,), lambda x: np.log(1 + np.exp(x))),
    "squareplus": ((X,), lambda x: (x + np.sqrt(x * x + 4)) / 2),
    "softsign": ((X,), lambda x: x / (1 + abs(x))),
    "hard_sigmoid": ((8 * X - 4,), lambda x: np.clip(x + 3, 0, 6) / 6),
    "hard_silu": ((8 * X - 4,), lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "hard_tanh": ((4 * X - 2,), lambda x: np.clip(x, -1, 1)),
    "tanh_shrink": ((X,), lambda x: x - np.tanh(x)),
    "hard_shrink": ((X,), lambda x: np.where(x > 0.5, x, 0)),
    "soft_shrink": ((2 * X - 1,), lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0)),
    "threshold": ((X, 0.5, 2.0), lambda x, least, other: np.where(x > least, x, other)),
    "glu": ((X,), lambda x: x[..., :1] / (1 + np.exp(-x[..., 1:]))),
    "softmax": ((X, 1), lambda x, axis: np.exp(x) / np.exp(x).sum(axis, keepdims=True)),
    "log_softmax": ((X, 1), lambda x, axis: x - np.log(np.exp(x).sum(axis, keepdims=True))),
    "normalize": ((X,), lambda x: x / np.sqrt((x * x).sum(-1, keepdims=True))),
    "normalize (3)": ((X, 1, 3), lambda x, axis, order: x / ((x**3).sum(1, keepdims=True) ** (1 / 3))),
    "l2_normalize": ((X, 1), lambda x, axis: x / np.sqrt((x * x).sum(axis, keepdims=True))),
    "moments": ((X, (0, 1)), lambda x, axes: [x.mean(axes), x.var(axes)]),
    "batch_normalization": ((X, X[0, 0], Y[0, 0], -1), lambda x, m, v, axis: (x - m) / np.sqrt(v + 1e-3)),
    "layer_normalization": (
        (X, X[0, :, 0], X[1, :, 0], 1),
        lambda x, gamma, beta, axis: normalized(x) * gamma[:, None] + beta[:, None],
    ),
    "rms_normalization": ((X,), lambda x: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-7)),
    "dot_product_attention": ((X[:, :, None], Y[:, :3, None], Y[:, 1:, None]), attention),
    "binary_crossentropy": ((X, X[::-1]), lambda t, p: -(t * np.log(p) + (1 - t) * np.log(1 - p))),
    "categorical_crossentropy": (
        (X, X[::-1]),
        lambda t, p: -(t * np.log(p / p.sum(-1, keepdims=True))).sum(-1),
    ),
    "sparse_categorical_crossentropy": (
        (np.array([[0, 1, 1, 0]] * N), X),
        lambda t, p: -np.log(np.take_along_axis(p / p.sum(-1, keepdims=True), t[..., None], -1))[..., 0],
    ),
    "full": (((2, 3), X[0, 0, 0]), np.full),
    "full_like": ((X, 2.0), np.full_like),
    "cast": ((X, "float64"), lambda x, dtype: x.astype(dtype)),
}

# Functions without one: arguments, the result, and its dtype.
OTHERS = {
    "cholesky": ((S,), np.linalg.cholesky(S), "float64"),
    "stop_gradient": ((X,), X, "float64"),
    "floor_divide": ((Y, X), np.floor_divide(Y, X), "float64"),
    "sign": ((X - 0.5,), np.sign(X - 0.5), "float64"),
    "floor": ((4 * X,), np.floor(4 * X), "float64"),
    "ceil": ((4 * X,), np.ceil(4 * X), "float64"),
    "trunc": ((-4 * X,), np.trunc(-4 * X), "float64"),
    "round": ((X, 1), np.round(X, 1), "float64"),
    **{
        name: ((X, Y - 1), getattr(np, name)(X, Y - 1), "bool") for name in ("equal", "not_equal", "less", "less_equal")
    },
    **{name: ((X, Y - 1), getattr(np, name)(X, Y - 1), "bool") for name in ("greater", "greater_equal", "isclose")},
    **{
        name: ((X > 0.5, Y > 1.5), getattr(np, name)(X > 0.5, Y > 1.5), "bool")
        for name in ("logical_and", "logical_or", "logical_xor")
    },
    "logical_not": ((X > 0.5,), X <= 0.5, "bool"),
    **{name: ((X,), getattr(np, name)(X), "bool") for name in ("isnan", "isfinite", "isinf")},
    "any": ((X > 0.8, 1), (X > 0.8).any(1), "bool"),
    "all": ((X > 0.3, 1), (X > 0.3).all(1), "bool"),
    "argmax": ((X, 1), X.argmax(1), "int32"),
    "argmin": ((X, 1), X.argmin(1), "int32"),
    "argsort": ((X, 1), X.argsort(1), "int32"),
    "count_nonzero": ((X > 0.5, 1), (X > 0.5).sum(1), "int32"),
    "in_top_k": ((P[:2], X[:2, :, 0], 2), [(X[k, :, 0] > X[k, P[k], 0]).sum() < 2 for k in range(2)], "bool"),
    "searchsorted": ((np.sort(X.ravel()), X[0, 0]), np.searchsorted(np.sort(X.ravel()), X[0, 0]), "int32"),
    "digitize": ((X, [0.3, 0.6]), np.digitize(X, [0.3, 0.6]), "int32"),
    "bincount": ((P,), [1, 1, 0, 1], "int32"),
    "nonzero": ((P,), [0, 2], "int32"),
    "one_hot": ((P, 4), np.eye(4)[P], "float32"),
    "multi_hot": ((P, 5), [1, 1, 0, 1, 0], "float32"),
    "zeros_like": ((X,), 0 * X, "float64"),
    "ones_like": ((X,), 0 * X + 1, "float64"),
    "empty_like": ((X,), 0 * X, "float64"),
    "zeros": (((2, 3),), np.zeros((2, 3)), "float32"),
    "empty": (((2, 3),), np.zeros((2, 3)), "float32"),
    "ones": (((2, 3), "int32"), np.ones((2, 3)), "int32"),
    "eye": ((2, 3, 1), np.eye(2, 3, 1), "float32"),
    "identity": ((2,), np.eye(2), "float32"),
    "tri": ((3,), np.tri(3), "float32"),
    "arange": ((1, 7, 2), [1, 3, 5], "int32"),
    "linspace": ((0, 1, 5), np.linspace(0, 1, 5), "float32"),
    "logspace": ((0, 1, 5), np.logspace(0, 1, 5), "float32"),
    "convert_to_tensor": (([1, 2],), [1, 2], "int32"),
    "array": (([1.5, 2],), [1.5, 2], "float32"),
    "convert_to_numpy": ((X,), X, "float64"),
}
ALIASES = {"absolute", "fabs", "true_divide", "amax", "amin", "swish", "hard_swish", "map", "vectorized_map", "nn"}
WITHOUT_ARRAYS = {"shape", "ndim", "size", "dtype", "is_tensor"}
LOOPS = {"cond", "switch", "while_loop", "fori_loop", "scan"}


def function_of(name):
    return getattr(ops, name.partition(" ")[0])


def test_every_function_is_here():
    named = {name.partition(" ")[0] for name in (*CASES, *OTHERS)}
    assert named | ALIASES | WITHOUT_ARRAYS | LOOPS == set(ops.__all__)


def is_array(part):
    return isinstance(part, np.ndarray | np.floating) and part.dtype.kind == "f"


def changed(arguments, change):
    """The arguments with another thing in place of every array of floats, also in lists."""
    return [
        [change(entry) for entry in part]
        if isinstance(part, list) and is_array(part[0])
        else change(part)
        if is_array(part)
        else part
        for part in arguments
    ]


def assert_same(found, wanted, rtol=1e-12):
    for one, other in zip(leaves(found), leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


def listed(found):
    return list(found) if isinstance(found, tuple) else found


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    arguments, wanted = CASES[name]
    assert_same(listed(function_of(name)(*arguments)), listed(wanted(*arguments)))


@pytest.mark.parametrize("name", OTHERS)
def test_values_without_a_gradient(name):
    arguments, wanted, dtype = OTHERS[name]
    found = function_of(name)(*arguments)
    (found,) = leaves(found)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert found.dtype == dtype


def floats_of(found):
    return [part for part in leaves(listed(found)) if np.asarray(part).dtype.kind == "f"]


@pytest.mark.parametrize("name", CASES)
def test_gradients(name, central_differences):
    function, (arguments, _) = function_of(name), CASES[name]
    flat = [np.asarray(leaf) for leaf in leaves(list(arguments)) if is_array(leaf)]

    def called(values):
        given = iter(values)
        return listed(function(*changed(arguments, lambda part: next(given))))

    y, pullback, _ = differentiated(called, flat)
    rng = np.random.default_rng(1)
    dy = [rng.normal(size=part.shape) if part.dtype.kind == "f" else np.zeros(part.shape) for part in leaves(y)]
    dx, _ = pullback(dy)
    slopes = [d for d, part in zip(dy, leaves(y), strict=True) if part.dtype.kind == "f"]

    def value(values):
        return float(sum((part * d).sum() for part, d in zip(floats_of(called(values)), slopes, strict=True)))

    for k, x in enumerate(flat):
        moved = lambda v, k=k: value([v if i == k else o for i, o in enumerate(flat)])  # noqa: E731
        np.testing.assert_allclose(dx[k], central_differences(moved, x), atol=GRADIENT)


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("cast", "full_like")])
def test_float32_stays(name):
    arguments, _ = CASES[name]
    narrow = changed(arguments, lambda part: part.astype("float32"))
    assert {part.dtype for part in floats_of(function_of(name)(*narrow))} == {np.dtype("float32")}
    assert {part.dtype for part in floats_of(function_of(name)(*arguments))} == {np.dtype("float64")}

    def traced(given):
        values = iter(given)
        return listed(function_of(name)(*changed(narrow, lambda part: next(values))))

    y, pullback, _ = differentiated(traced, [np.asarray(leaf) for leaf in leaves(narrow) if is_array(leaf)])
    assert {part.dtype for part in floats_of(y)} == {np.dtype("float32")}
    assert {part.dtype for part in pullback([np.zeros_like(part) for part in leaves(y)])[0]} == {np.dtype("float32")}


# What looks at values, or at the number of rows, has no shape before there are any.
WITHOUT_OPEN_ROWS = {"reshape", "ravel", "full", "broadcast_to", "scatter", "segment_sum", "segment_max", "det", "inv"}
WITHOUT_OPEN_ROWS |= {
    "cholesky",
    "solve",
    "meshgrid",
    "scatter_update",
    "slice_update",
    "slice",
    "cross",
    "diag",
    "outer",
}


@pytest.mark.parametrize("name", [name for name in CASES if name not in WITHOUT_OPEN_ROWS])
def test_shapes_of_symbolic_tensors(name):
    """What is known of the shape is right, and a model of the function computes it."""
    arguments, _ = CASES[name]
    arrays, tensors = [], []

    def symbolic(part):
        if np.ndim(part) < 3:
            return part
        arrays.append(part)
        tensors.append(Input(batch_shape=(None, *part.shape[1:]), dtype="float64"))
        return tensors[-1]

    y = listed(function_of(name)(*changed(arguments, symbolic)))
    assert all(isinstance(part, SymbolicTensor) for part in leaves(y))
    found = leaves(Model(tensors, leaves(y))(arrays))
    for out, part in zip(found, leaves(y), strict=True):
        assert out.dtype == part.dtype
        assert len(out.shape) == len(part.shape)
        assert all(wanted in (None, size) for size, wanted in zip(out.shape, part.shape, strict=True))
    assert_same(found, listed(function_of(name)(*arguments)), 1e-6)


@pytest.mark.parametrize("name", ["maximum", "minimum", "relu", "clip", "hard_tanh", "leaky_relu", "elu"])
def test_gradients_at_corners_are_those_of_keras(name):
    """As TensorFlow has them: of equal ones the first; 0 at the corner of a relu; 1 at the ends of a clip."""
    x, more, wanted = {
        "maximum": (0.0, (0.0,), 1),
        "minimum": (0.0, (0.0,), 1),
        "relu": (0.0, (), 0),
        "clip": (1.0, (0.0, 1.0), 1),
        "hard_tanh": (1.0, (), 1),
        "leaky_relu": (0.0, (), 0.2),
        "elu": (0.0, (), 1),
    }[name]
    _, pullback, _ = differentiated(lambda given: getattr(ops, name)(given[0], *more), [np.array([x])])
    assert pullback(np.ones(1))[0][0] == wanted


def test_some_gradients_of_their_own(central_differences):
    dy = np.tril(np.random.default_rng(1).normal(size=(3, 3)))
    symmetric = lambda x: ops.cholesky((x + ops.transpose(x)) / 2)  # noqa: E731
    _, pullback, _ = differentiated(lambda given: symmetric(given[0]), [S])
    wanted = central_differences(lambda v: float((symmetric(v) * dy).sum()), S)
    np.testing.assert_allclose(pullback(dy)[0][0], wanted, atol=GRADIENT)
    _, pullback, _ = differentiated(lambda given: ops.stop_gradient(given[0]) * given[0], [X])
    np.testing.assert_array_equal(pullback(np.ones_like(X))[0][0], X)
    for name, ((first, *rest), wanted, _) in OTHERS.items():  # what has no gradient can be called while one is taken
        if is_array(first):
            y, _, _ = differentiated(lambda x, name=name, rest=rest: function_of(name)(x[0], *rest), [first])
            np.testing.assert_array_equal(y, wanted)


def test_results_and_slopes_far_out():
    x = np.array([-1e4, -800.0, 800.0, 1e4])
    for name in ("sigmoid", "silu", "softplus", "log_sigmoid", "tanh", "elu", "selu", "softmax", "log_softmax", "gelu"):
        y, pullback, _ = differentiated(lambda given, name=name: getattr(ops, name)(given[0]), [x])
        assert np.isfinite(y).all(), name
        assert np.isfinite(pullback(np.ones_like(y))[0][0]).all(), name
    with np.errstate(divide="ignore"):
        assert ops.logsumexp(np.array([-np.inf, -np.inf])) == -np.inf
    np.testing.assert_array_equal(ops.maximum(np.array([np.nan, 1]), np.array([1, np.nan])), [np.nan, np.nan])


def test_operators_of_symbolic_tensors():
    x, y = Input((T, I), dtype="float64"), Input((T, I), dtype="float64")
    made = {
        "sum": (x + y, X + Y),
        "difference": (1 - x, 1 - X),
        "product": (2 * x, 2 * X),
        "ratio": (1 / y, 1 / Y),
        "power": (x**2, X**2),
        "array first": (Y + x, Y + X),
        "negative": (-x, -X),
        "matmul": (x @ M, X @ M),
        "last": (x[:, -1], X[:, -1]),
        "slice": (x[:, 1:3, :1], X[:, 1:3, :1]),
        "new axis": (x[:, None], X[:, None]),
        "larger": (x > y, X > Y),
    }
    model = Model([x, y], [tensor for tensor, _ in made.values()])
    for name, out, (_, wanted) in zip(made, model([X, Y]), made.values(), strict=True):
        np.testing.assert_allclose(out, wanted, err_msg=name)
    assert made["last"][0].shape == (None, I)
    assert [layer.name for layer in model.layers if not layer.name.startswith("input")] == []


def test_several_outputs_and_integers():
    x = Input((T,), dtype="int32")
    one, other = ops.split(ops.cast(x, "float32"), 2, axis=1)
    assert (one.shape, one.dtype) == ((None, 2), np.float32)
    model = Model(x, [other, ops.one_hot(x, 5), ops.argmax(x, axis=1)])
    given = np.array([[0, 1, 2, 3], [4, 3, 2, 1]])
    parts = model(given)
    np.testing.assert_array_equal(parts[0], given[:, 2:])
    np.testing.assert_array_equal(parts[1].argmax(-1), given)
    np.testing.assert_array_equal(parts[2], [3, 0])


def test_variables_take_part():
    weight = Variable(M, name="weight")
    np.testing.assert_array_equal(X @ weight, X @ M)
    np.testing.assert_array_equal(ops.matmul(X, weight), X @ M)
    np.testing.assert_array_equal(1 + weight * 2 - weight / 3, 1 + M * 2 - M / 3)
    np.testing.assert_array_equal(-weight, -M)
    np.testing.assert_array_equal(weight[0], M[0])
    y, pullback, _ = differentiated(lambda given: given[0] @ weight + weight[0], [X], [weight])
    dx, (dweight,) = pullback(np.ones_like(y))
    np.testing.assert_allclose(dx[0], np.ones_like(y) @ M.T)
    wanted = np.einsum("nti,nto->io", X, np.ones_like(y))
    wanted[0] += N * T
    np.testing.assert_allclose(dweight, wanted)


BACKEND = {
    "batch_flatten": ((X,), X.reshape(N, -1)),
    "hard_sigmoid": ((8 * X - 4,), np.clip(0.2 * (8 * X - 4) + 0.5, 0, 1)),
    "batch_normalization": (
        (X, X[0, 0], Y[0, 0], M[:, 0], M[:, 1]),
        (X - X[0, 0]) / np.sqrt(Y[0, 0] + 1e-3) * M[:, 1] + M[:, 0],
    ),
    "relu": ((X - 0.5, 0.1, 0.3, 0.2), np.minimum(np.where(X >= 0.7, X - 0.5, 0.1 * (X - 0.7)), 0.3)),
    "clip": ((X, None, 0.5), np.minimum(X, 0.5)),
    "expand_dims": ((X,), X[..., None]),
    "argmax": ((X,), X.argmax(-1)),
    "cumsum": ((X,), np.cumsum(X, 0)),
    "temporal_padding": ((X, (1, 2)), np.pad(X, ((0, 0), (1, 2), (0, 0)))),
    "bias_add": ((X, M[:, 0]), X + M[:, 0]),
    "in_top_k": ((X[:2, :, 0], P[:2], 2), OTHERS["in_top_k"][1]),
    "tile": ((X, [1, 2, 1]), np.tile(X, (1, 2, 1))),
    "l2_normalize": ((X, 1), X / np.sqrt((X * X).sum(1, keepdims=True))),
    "batch_dot": ((X, Y, 2), np.einsum("nti,nsi->nts", X, Y)),
    "batch_dot by default": ((X, np.swapaxes(Y, 1, 2)), np.einsum("nti,nsi->nts", X, Y)),
    "permute_dimensions": ((X, (0, 2, 1)), X.transpose(0, 2, 1)),
    "repeat": ((X[:, 0], 3), np.repeat(X[:, :1], 3, axis=1)),
    "repeat_elements": ((X, 2, 1), np.repeat(X, 2, axis=1)),
    "reverse": ((X, 1), X[:, ::-1]),
    "pow": ((X, 2), X**2),
    "gather": ((X, [2, 0]), X[[2, 0]]),
    "switch": ((X > 0.5, X, Y), np.where(X > 0.5, X, Y)),
    "concatenate": (([X, Y],), np.concatenate([X, Y], -1)),
    "dot": ((X, M), X @ M),
    "int_shape": ((X,), (N, T, I)),
    "flatten": ((X,), X.ravel()),
    "mean": ((X, 1, True), X.mean(1, keepdims=True)),
}


@pytest.mark.parametrize("name", BACKEND)
def test_old_names(name):
    arguments, wanted = BACKEND[name]
    np.testing.assert_allclose(getattr(backend, name.partition(" ")[0])(*arguments), wanted)


def test_the_rest_of_the_backend():
    assert (backend.floatx(), backend.epsilon(), backend.image_data_format()) == ("float32", 1e-7, "channels_last")
    kept = backend.variable([1.0, 2.0], constraint="non_neg")
    backend.set_value(kept, [3.0, 4.0])
    np.testing.assert_array_equal(backend.get_value(kept), [3, 4])
    backend.update_add(kept, [1.0, 1.0])
    backend.update_sub(kept, [0.0, 5.0])
    np.testing.assert_array_equal(backend.update(kept, kept * 2), [8, 0])
    np.testing.assert_allclose(backend.moving_average_update(kept, np.ones(2, "float32"), 0.5), [4.5, 0.5])
    backend.batch_set_value([(kept, [1.0, 1.0])])
    np.testing.assert_array_equal(backend.batch_get_value([kept]), [[1, 1]])
    assert (backend.dtype(kept), backend.count_params(kept), backend.ndim(kept)) == ("float32", 2, 1)
    assert backend.constant(2.0, shape=(2,)).tolist() == [2, 2]
    assert (backend.learning_phase(), backend.in_train_phase(1, lambda: 2), backend.in_test_phase(1, 2)) == (0, 2, 1)
    assert [backend.get_uid("a"), backend.get_uid("a"), backend.get_uid("b")] == [1, 2, 1]
    assert backend.foldl(lambda a, b: a - b, np.arange(4.0)) == -6
    assert backend.foldr(lambda a, b: a - b, np.arange(4.0)) == 0
    np.testing.assert_array_equal(backend.map_fn(lambda x: x + 1, np.arange(3)), [1, 2, 3])
    assert backend.is_keras_tensor(Input((2,)))
    assert not backend.is_keras_tensor(X)
    with pytest.raises(NotImplementedError, match="gradients are taken by fit"):
        backend.gradients(X, X)


WITH_A_VARIABLE = {
    "first": lambda x, w: w + x,
    "last": lambda x, w: x - w,
    "scalar": lambda x, w: 2.0 * w * x,
    "array": lambda x, w: M[:, :2] @ w + x,
    "ufuncs": lambda x, w: np.add(x, w) + np.tanh(w),
    "NumPy's functions": lambda x, w: np.concatenate([x, x * w]).sum(axis=0) + np.mean(x, axis=0),
    "items": lambda x, w: x[0] * w[1] + w[[0, 0, 1]].sum(),
    "sign": lambda x, w: -w + abs(x),
    "iteration": lambda x, w: sum(row * row for row in w) + x[0],
    "power": lambda x, w: (x + 2) ** w,
    "whole and rest": lambda x, w: x // 0.3 + x % 0.3 + w,
    "ops": lambda x, w: ops.matmul(x, w) + ops.reshape(w, (-1,))[:2],
}


@pytest.mark.parametrize("name", WITH_A_VARIABLE)
def test_variables_while_a_gradient_is_taken(name, central_differences):
    """Whatever stands first, and through NumPy's own functions too, the gradient of the variable arrives."""
    function, x, start = WITH_A_VARIABLE[name], X[0, :2] + 0.05, M[:, :2].copy()
    weight = Variable(start, name="weight")
    y, pullback, _ = differentiated(lambda given: function(given[0], weight), [x], [weight])
    np.testing.assert_allclose(y, function(x, start))
    dx, (dweight,) = pullback(np.ones_like(y))
    np.testing.assert_allclose(dx[0], central_differences(lambda v: function(v, start).sum(), x), atol=GRADIENT)
    np.testing.assert_allclose(dweight, central_differences(lambda v: function(x, v).sum(), start), atol=GRADIENT)


def test_numpy_cannot_take_a_variable_apart_while_a_gradient_is_taken():
    weight = Variable(M, name="weight")
    with pytest.raises(
        TypeError, match=r"weight must be used by functions that .* gradient, got .* NumPy.*; use fastlstm\.keras\.ops"
    ):
        differentiated(lambda given: given[0] * np.asarray(weight)[0, 0], [X], [weight])
    with pytest.raises(TypeError, match=r"got what np\.array\(\) made, .*; use .*ops\.stack"):
        differentiated(lambda given: np.array([given[0], given[0]]), [X], [])


def test_loops_and_decisions():
    assert ops.cond(True, lambda: 1, lambda: 2) == 1
    assert ops.switch(7, [lambda x: x, lambda x: -x], 3) == -3
    assert ops.while_loop(lambda k, x: k < 3, lambda k, x: (k + 1, x * 2), (0, 1.0)) == (3, 8.0)
    assert ops.while_loop(lambda k: k < 3, lambda k: k + 1, 0, maximum_iterations=2) == 2
    assert ops.fori_loop(0, 4, lambda k, x: x + k, 0) == 6
    state, ys = ops.scan(lambda h, x: (h + x, h * x), np.zeros(I), X[0])
    np.testing.assert_allclose(state, X[0].sum(0))
    np.testing.assert_allclose(ys, (np.cumsum(X[0], 0) - X[0]) * X[0])
    np.testing.assert_array_equal(ops.scan(lambda h, x: (h, x), 0, X[0], reverse=True)[1], X[0])
    np.testing.assert_array_equal(ops.map(lambda x: x * 2, X), X * 2)

    def last(given):
        return ops.scan(lambda h, x: (ops.tanh(h + x), h), ops.zeros_like(given[0][0]), given[0])[0]

    _, pullback, _ = differentiated(last, [X[0]])
    assert np.all(pullback(np.ones(I))[0][0] > 0)


@pytest.mark.parametrize("name", ["normal", "uniform", "truncated_normal", "gamma", "beta"])
def test_random_numbers_by_their_seed(name):
    draw = getattr(random, name)
    given = {"gamma": {"alpha": 2.0}, "beta": {"alpha": 1.0, "beta": 2.0}}.get(name, {})
    drawn = draw((50, 40), seed=3, **given)
    assert (drawn.shape, drawn.dtype) == ((50, 40), np.float32)
    np.testing.assert_array_equal(drawn, draw((50, 40), seed=3, **given))
    generator = random.SeedGenerator(3)
    assert not np.array_equal(draw((4,), seed=generator, **given), draw((4,), seed=generator, **given))
    assert not np.array_equal(draw((4,), **given), draw((4,), **given))


def test_random_choices():
    assert abs(random.truncated_normal((1000,), seed=1)).max() <= 2
    assert set(random.randint((100,), 1, 4, seed=2).tolist()) == {1, 2, 3}
    assert set(random.binomial((100,), 1, 0.5, seed=2).tolist()) == {0, 1}
    np.testing.assert_array_equal(np.sort(random.shuffle(X, axis=1, seed=5), 1), np.sort(X, 1))
    assert random.categorical(np.log([[0.9, 0.1, 1e-9]] * 2), 200, seed=1).max() == 1
    dropped = random.dropout(X, 0.5, seed=1)
    assert set(np.unique(np.round(dropped / X, 6))) == {0, 2}
    np.testing.assert_array_equal(random.dropout(X, 0.0), X)
    _, pullback, _ = differentiated(lambda given: random.dropout(given[0], 0.5, seed=1), [X])
    np.testing.assert_allclose(pullback(np.ones_like(X))[0][0], dropped / X)
    assert random.dropout(Input((T, I)), 0.5, noise_shape=(None, 1, None)).shape == (None, T, I)


def test_open_axes_may_have_to_be_long():
    x = Input((None, I))
    assert x[:, 100].shape == (None, I)
    with pytest.raises(ValueError, match="out of bounds"):
        x[:, :, 100]


def test_what_a_function_makes_may_fix_the_rows():
    """Noise for a batch of known size, as variational autoencoders draw it: then the rows are known."""
    x = Input((I,))
    for made in (lambda: random.normal((20, I), seed=1), lambda: ops.zeros((20, I))):
        y = layers.Lambda(lambda x, made=made: x + made())(x)
        assert y.shape == (20, I)
        model = Model(x, y)
        assert model.predict(np.ones((40, I)), batch_size=20, verbose=0).shape == (40, I)
        with pytest.raises(ValueError, match="broadcast"):
            model.predict(np.ones((30, I)), batch_size=20, verbose=0)


def test_constants_may_fix_an_open_axis():
    """A table with a row for every step fits an input of open length: the length is then known."""
    x = Input((None, I), dtype="float64")
    y = x + X[0]
    assert y.shape == (None, T, I)
    np.testing.assert_allclose(Model(x, y)(X), X + X[0])
    with pytest.raises(ValueError, match="broadcast"):
        x + np.ones((T, I + 1))
