"""Functions of arrays, symbolic tensors and boxes of autograd: values, gradients, shapes and dtypes."""

import numpy as np
import pytest

from fastlstm.keras import Input, Model, backend, ops
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

# Each function of arrays, its arguments, and NumPy's word for the result.
CASES = {
    "add": ((X, Y), np.add),
    "subtract": ((X, Y), np.subtract),
    "multiply": ((X, Y), np.multiply),
    "divide": ((X, Y), np.divide),
    "divide_no_nan": ((X, Y), np.divide),
    "mod": ((Y, X), np.mod),
    "power": ((X, Y), np.power),
    "negative": ((X,), np.negative),
    "abs": ((-X,), np.abs),
    "maximum": ((X, Y), np.maximum),
    "minimum": ((X, Y), np.minimum),
    "clip": ((X, 0.3, 0.7), np.clip),
    "square": ((X,), np.square),
    "sqrt": ((X,), np.sqrt),
    "rsqrt": ((X,), lambda x: x**-0.5),
    "reciprocal": ((X,), np.reciprocal),
    **{name: ((X,), getattr(np, name)) for name in ("exp", "expm1", "log", "log1p", "log2", "log10")},
    **{name: ((X,), getattr(np, name)) for name in ("sin", "cos", "tan", "arcsin", "arccos", "arctan")},
    **{name: ((X,), getattr(np, name)) for name in ("sinh", "cosh", "tanh", "arcsinh", "arctanh")},
    "arccosh": ((Y,), np.arccosh),
    "arctan2": ((X, Y), np.arctan2),
    "where": ((X > 0.5, X, Y), np.where),
    "sum": ((X, 1), np.sum),
    "mean": ((X, (0, 2)), np.mean),
    "max": ((X, 1), np.max),
    "min": ((X, -1), np.min),
    "prod": ((X, 1), np.prod),
    "var": ((X, 1), np.var),
    "std": ((X, 1), np.std),
    "cumsum": ((X, 1), np.cumsum),
    "logsumexp": ((X, 1), lambda x, axis: np.log(np.exp(x).sum(axis))),
    "norm": ((X, 2, 1), lambda x, order, axis: np.sqrt((x * x).sum(axis))),
    "sort": ((X, 1), np.sort),
    "reshape": ((X, (N, I * T)), np.reshape),
    "transpose": ((X, (0, 2, 1)), np.transpose),
    "expand_dims": ((X, 1), np.expand_dims),
    "squeeze": ((X[:, :1], 1), np.squeeze),
    "concatenate": (([X, Y], 1), np.concatenate),
    "stack": (([X, Y], 1), np.stack),
    "repeat": ((X, 2, 1), np.repeat),
    "tile": ((X, (1, 2, 1)), np.tile),
    "flip": ((X, 1), np.flip),
    "roll": ((X, 1, 1), np.roll),
    "pad": ((X, ((0, 0), (1, 2), (0, 0))), np.pad),
    "take": ((X, [1, 0, 3], 1), lambda x, places, axis: np.take(x, np.array(places), axis)),
    "swapaxes": ((X, 1, 2), np.swapaxes),
    "moveaxis": ((X, 1, 2), np.moveaxis),
    "ravel": ((X,), np.ravel),
    "matmul": ((X, M), np.matmul),
    "dot": ((X, M), np.dot),
    "tensordot": ((X, M, 1), np.tensordot),
    "einsum": (("nti,io->nto", X, M), np.einsum),
    "sigmoid": ((X,), lambda x: 1 / (1 + np.exp(-x))),
    "log_sigmoid": ((X,), lambda x: -np.log(1 + np.exp(-x))),
    "relu": ((X - 0.5,), lambda x: np.maximum(x, 0)),
    "relu6": ((8 * X,), lambda x: np.clip(x, 0, 6)),
    "leaky_relu": ((X - 0.5,), lambda x: np.where(x > 0, x, 0.2 * x)),
    "elu": ((X - 0.5,), lambda x: np.where(x > 0, x, np.exp(x) - 1)),
    "silu": ((X,), lambda x: x / (1 + np.exp(-x))),
    "softplus": ((X,), lambda x: np.log(1 + np.exp(x))),
    "softsign": ((X,), lambda x: x / (1 + abs(x))),
    "hard_sigmoid": ((X,), lambda x: (x + 3) / 6),
    "softmax": ((X, 1), lambda x, axis: np.exp(x) / np.exp(x).sum(axis, keepdims=True)),
    "log_softmax": ((X, 1), lambda x, axis: x - np.log(np.exp(x).sum(axis, keepdims=True))),
    "normalize": ((X,), lambda x: x / np.sqrt((x * x).sum(-1, keepdims=True))),
    "binary_crossentropy": ((X, X[::-1]), lambda t, p: -(t * np.log(p) + (1 - t) * np.log(1 - p))),
    "categorical_crossentropy": (
        (X, X[::-1]),
        lambda t, p: -(t * np.log(p / p.sum(-1, keepdims=True))).sum(-1),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    arguments, wanted = CASES[name]
    np.testing.assert_allclose(getattr(ops, name)(*arguments), wanted(*arguments), rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_gradients(name, central_differences):
    function, (arguments, _) = getattr(ops, name), CASES[name]
    flat = [leaf for leaf in leaves(list(arguments)) if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"]

    def called(values):
        given = iter(values)
        put = [
            [next(given) for _ in part]
            if isinstance(part, list) and isinstance(part[0], np.ndarray)
            else next(given)
            if isinstance(part, np.ndarray) and part.dtype.kind == "f"
            else part
            for part in arguments
        ]
        return function(*put)

    y, pullback, _ = differentiated(called, flat, [])
    dy = np.random.default_rng(1).normal(size=y.shape)
    dx, _ = pullback(dy)
    for k, x in enumerate(flat):
        moved = lambda v, k=k: float((called([v if i == k else o for i, o in enumerate(flat)]) * dy).sum())  # noqa: E731
        np.testing.assert_allclose(dx[k], central_differences(moved, x), atol=GRADIENT)


@pytest.mark.parametrize("name", CASES)
def test_float32_stays(name):
    arguments, _ = CASES[name]
    narrow = [
        [a.astype("float32") for a in part]
        if isinstance(part, list) and isinstance(part[0], np.ndarray)
        else part.astype("float32")
        if isinstance(part, np.ndarray) and part.dtype.kind == "f"
        else part
        for part in arguments
    ]
    assert getattr(ops, name)(*narrow).dtype == np.float32
    assert getattr(ops, name)(*arguments).dtype == np.float64


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("reshape", "ravel")])
def test_shapes_of_symbolic_tensors(name):
    """What is known of the shape is right, and a model of the function computes it."""
    arguments, _ = CASES[name]
    arrays, tensors = [], []

    def symbolic(part):
        if isinstance(part, list) and isinstance(part[0], np.ndarray):
            return [symbolic(entry) for entry in part]
        if not isinstance(part, np.ndarray) or part.ndim < 3 or part.dtype.kind != "f":
            return part
        arrays.append(part)
        tensors.append(Input(batch_shape=(None, *part.shape[1:]), dtype="float64"))
        return tensors[-1]

    y = getattr(ops, name)(*[symbolic(part) for part in arguments])
    assert isinstance(y, SymbolicTensor)
    out = Model(tensors, y)(arrays)
    assert len(out.shape) == len(y.shape)
    assert all(wanted in (None, size) for size, wanted in zip(out.shape, y.shape, strict=True))
    np.testing.assert_allclose(out, getattr(ops, name)(*arguments), rtol=1e-6)


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
    weight = Variable(M, "weight")
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
    kept = backend.variable([1.0, 2.0])
    backend.set_value(kept, [3.0, 4.0])
    np.testing.assert_array_equal(backend.get_value(kept), [3, 4])
    with pytest.raises(NotImplementedError, match="gradients are taken by fit"):
        backend.gradients(X, X)
