"""The array layers: PyTorch's constructor, call, shapes, names and errors, and gradients of whole stacks."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import fastlstm as fl
from fastlstm import _core, reference
from fastlstm.layers.vjp import TrainingCall
from fastlstm.through_time import WHOLE

STACKS = [
    {"num_layers": layers, "bidirectional": both, "batch_first": first, "bias": bias}
    for layers, both, first, bias in [
        (1, False, False, True),
        (1, True, True, True),
        (2, True, False, True),
        (3, False, True, False),
    ]
]
KINDS_AND_STACKS = [(kind, options) for kind in (fl.LSTM, fl.GRU, fl.RNN) for options in STACKS] + [
    (fl.LSTM, options | {"proj_size": size}) for options, size in zip(STACKS, (2, 1, 4, 3), strict=True)
]


def make(kind: type, I: int = 3, H: int = 5, **options: Any) -> Any:
    return kind(I, H, seed=1, **{"dtype": "float64", **options})


def draw(*shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def random_call(layer: Any, T: int = 6, N: int = 4) -> tuple[NDArray[np.float64], Any]:
    """An input and an initial state for a layer."""
    x = draw(N, T, layer.input_size) if layer.batch_first else draw(T, N, layer.input_size)
    count = layer.num_layers * layer.num_directions
    h_0, c_0 = draw(count, N, layer.proj_size or layer.hidden_size), draw(count, N, layer.hidden_size) / 2
    return x, ((h_0, c_0) if isinstance(layer, fl.LSTM) else h_0)


@pytest.mark.parametrize(("kind", "options"), KINDS_AND_STACKS, ids=str)
def test_central_differences(kind: type, options: dict[str, Any]) -> None:
    """Every parameter, the input and the state of stacks in both directions, with lengths."""
    layer = make(kind, **options)
    x, state = random_call(layer)
    lengths = [6, 0, 3, 5]
    (y, final), pullback = layer.vjp(x, state, lengths)
    dy = draw(*y.shape)
    dstate = tuple(draw(*part.shape) for part in final) if kind is fl.LSTM else draw(*final.shape)
    gradients = pullback(dy, dstate)

    def scalar(x: Any, state: Any) -> float:
        y, final = layer(x, state, lengths)
        pairs = zip(final, dstate, strict=True) if kind is fl.LSTM else [(final, dstate)]
        return float(np.sum(y * dy) + sum(np.sum(a * b) for a, b in pairs))

    def check(gradient: Any, direction: Any, up: float, down: float) -> None:
        # along a random direction; truncation is of order step^2, rounding 1e-16 * |scalar| / step
        np.testing.assert_allclose(np.sum(gradient * direction), (up - down) / 2e-6, rtol=1e-6, atol=1e-7)

    direction = draw(*x.shape) * 1e-6
    check(gradients.x, direction / 1e-6, scalar(x + direction, state), scalar(x - direction, state))
    for k in range(layer._states):
        parts = list(state) if kind is fl.LSTM else [state]
        found = gradients.state[k] if kind is fl.LSTM else gradients.state
        direction = draw(*parts[k].shape)

        def moved(sign: float, k: int = k, direction: Any = direction, parts: Any = parts) -> Any:
            new = [part + sign * 1e-6 * direction if j == k else part for j, part in enumerate(parts)]
            return tuple(new) if kind is fl.LSTM else new[0]

        check(found, direction, scalar(x, moved(1)), scalar(x, moved(-1)))
    parameters = layer.state_dict()
    assert gradients.parameters.keys() == parameters.keys()
    for name, value in parameters.items():
        direction = draw(*value.shape)
        values = []
        for sign in (1, -1):
            layer.load_state_dict({**parameters, name: value + sign * 1e-6 * direction})
            values.append(scalar(x, state))
        check(gradients.parameters[name], direction, *values)


@pytest.mark.parametrize(("kind", "options"), KINDS_AND_STACKS, ids=str)
def test_like_pytorch(kind: type, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, kind.__name__)(3, 5, dtype=torch.float64, **options)
    ours = make(kind, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x, state = random_call(ours)
    their_x = torch.from_numpy(x).requires_grad_()
    their_state = tuple(map(torch.from_numpy, state)) if kind is fl.LSTM else torch.from_numpy(state)
    their_y, their_final = theirs(their_x, their_state)
    (y, final), pullback = ours.vjp(x, state)
    dy = draw(*y.shape)
    their_y.backward(torch.from_numpy(dy))
    gradients = pullback(dy)
    close = {"rtol": 0, "atol": 1e-12}  # float64 on both sides, values and gradients of order one to a hundred
    np.testing.assert_allclose(y, their_y.detach(), **close)
    states = zip(final, their_final, strict=True) if kind is fl.LSTM else [(final, their_final)]
    for got, wanted in states:
        np.testing.assert_allclose(got, wanted.detach(), **close)
    np.testing.assert_allclose(gradients.x, their_x.grad, **close)
    for name, parameter in theirs.named_parameters():
        np.testing.assert_allclose(gradients.parameters[name], parameter.grad, **close, err_msg=name)


@pytest.mark.parametrize("kind", [fl.LSTM, fl.GRU, fl.RNN])
def test_signature_is_pytorchs(kind: type) -> None:
    torch = pytest.importorskip("torch")
    x = torch.zeros(2, 1, 3)
    arguments = (3, 4, 2, "relu") if kind is fl.RNN else (3, 4, 2)
    assert getattr(torch.nn, kind.__name__)(*arguments)(x)[0].shape == (2, 1, 4)
    assert kind(*arguments)(np.zeros((2, 1, 3), "float32"))[0].shape == (2, 1, 4)


def test_signature_is_the_contract() -> None:
    names = list(inspect.signature(fl.LSTM).parameters)
    assert names == [
        "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size",
        "dtype", "seed",
    ]  # fmt: skip


@pytest.mark.parametrize("proj_size", [0, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_layer_is_the_reference(isa: str, bidirectional: bool, proj_size: int) -> None:
    layer = make(fl.LSTM, bidirectional=bidirectional, proj_size=proj_size)
    size = proj_size or 5
    x, (h_0, c_0) = random_call(layer)
    lengths = np.array([6, 2, 0, 5])
    y, (h_n, c_n) = layer(x, (h_0, c_0), lengths)
    p = layer.state_dict()
    for d, suffix in enumerate(["_l0", "_l0_reverse"][: layer.num_directions]):
        weights = p["weight_ih" + suffix], p["weight_hh" + suffix], p["bias_ih" + suffix] + p["bias_hh" + suffix]
        projection = p.get("weight_hr" + suffix)
        wanted = reference.lstm(x, *weights, h_0[d], c_0[d], lengths, reverse=d == 1, weight_hr=projection)
        for got, want in zip((y[..., size * d : size * (d + 1)], h_n[d], c_n[d]), wanted, strict=True):
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-14)


def test_gru_is_the_reference(isa: str) -> None:
    layer = make(fl.GRU)
    x, h_0 = random_call(layer)
    lengths = np.array([6, 2, 0, 5])
    y, h_n = layer(x, h_0, lengths)
    wanted = reference.gru(x, *layer.state_dict().values(), h_0[0], lengths=lengths)
    for got, want in zip((y, h_n[0]), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", [fl.LSTM, fl.GRU, fl.RNN])
def test_unbatched_is_a_batch_of_one(kind: type) -> None:
    layer = make(kind, num_layers=2, bidirectional=True)
    x, state = random_call(layer, N=1)
    alone = tuple(part[:, 0] for part in state) if kind is fl.LSTM else state[:, 0]
    y, final = layer(x, state)
    y_alone, final_alone = layer(x[:, 0], alone)
    np.testing.assert_array_equal(y_alone, y[:, 0])
    np.testing.assert_array_equal(np.stack(final_alone), np.stack(final)[..., 0, :] if kind is fl.LSTM else final[:, 0])
    gradients = layer.vjp(x[:, 0], alone)[1](np.ones_like(y_alone))
    assert gradients.x.shape == (6, 3)


def test_batch_first_is_the_transpose() -> None:
    layer, twin = make(fl.LSTM, num_layers=2), make(fl.LSTM, num_layers=2, batch_first=True)
    x = draw(6, 4, 3)
    y, _ = layer(x)
    y_twin, _ = twin(np.ascontiguousarray(x.transpose(1, 0, 2)))
    np.testing.assert_array_equal(y_twin.transpose(1, 0, 2), y)
    assert y_twin.flags.c_contiguous


def test_initial_parameters() -> None:
    """Uniform in +-1/sqrt(H), biases too; the seed decides."""
    layer, twin, other = fl.LSTM(40, 64, seed=7), fl.LSTM(40, 64, seed=7), fl.LSTM(40, 64, seed=8)
    bound = 64**-0.5
    for name, value in layer.state_dict().items():
        assert np.abs(value).max() <= bound
        assert np.abs(value).max() > 0.9 * bound
        assert abs(value.std() - bound / 3**0.5) < 0.15 * bound  # a uniform distribution's
        np.testing.assert_array_equal(value, twin.state_dict()[name])
        assert not np.array_equal(value, other.state_dict()[name])


def test_dropout_between_layers_in_training_only() -> None:
    layer = make(fl.LSTM, H=50, num_layers=2, dropout=0.4)
    x = draw(20, 10, 3)
    np.testing.assert_array_equal(layer(x)[0], layer(x)[0])
    (y, _), _ = layer.vjp(x)
    assert not np.array_equal(y, layer(x)[0])
    everything = make(fl.LSTM, num_layers=2, dropout=1.0)
    first_gone = everything.vjp(draw(4, 2, 3))[1](np.ones((4, 2, 5)))
    assert not first_gone.x.any()
    assert not first_gone.parameters["weight_ih_l0"].any()
    assert first_gone.parameters["bias_ih_l1"].any()


def test_calls_under_way_keep_their_parameters() -> None:
    layer = make(fl.LSTM)
    x = draw(6, 4, 3)
    (y, _), pullback = layer.vjp(x)
    before = pullback(np.ones_like(y))
    layer.load_state_dict({name: np.zeros_like(value) for name, value in layer.state_dict().items()})
    np.testing.assert_array_equal(pullback(np.ones_like(y)).x, before.x)
    assert not layer(x)[0].any()


def test_state_dict_holds_copies() -> None:
    layer = make(fl.LSTM)
    x = draw(6, 4, 3)
    before, _ = layer(x)
    for value in layer.state_dict().values():
        value[...] = 0
    np.testing.assert_array_equal(layer(x)[0], before)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"hidden_size": 0}, ValueError, "hidden_size must be a whole number from 1 to 2147483647, got 0"),
        ({"input_size": -1}, ValueError, "input_size must be a whole number from 1 to 2147483647, got -1"),
        ({"num_layers": 0}, ValueError, "num_layers must be a whole number from 1 to 2147483647, got 0"),
        ({"hidden_size": 2.5}, TypeError, "hidden_size must be a whole number .*, got 2.5"),
        ({"hidden_size": "5"}, TypeError, "hidden_size must be a whole number .*, got '5'"),
        ({"dropout": 1.5}, ValueError, "dropout must be a number from 0 to 1, got 1.5"),
        ({"dtype": "float16"}, TypeError, "dtype must be 'float32', 'float64' or 'bfloat16', got 'float16'"),
    ],
)
def test_wrong_constructor_arguments(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fl.LSTM(**{"input_size": 3, "hidden_size": 5, **arguments})


def test_wrong_nonlinearity() -> None:
    with pytest.raises(ValueError, match="nonlinearity must be 'tanh' or 'relu', got 'sigmoid'"):
        fl.RNN(3, 5, nonlinearity="sigmoid")  # type: ignore[arg-type]


H_0 = np.zeros((1, 4, 5))
WRONG_STATE = (H_0, H_0[:, :1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros((6, 4, 2)),), ValueError, r"x must have shape \(T, N, 3\) or \(T, 3\), got \(6, 4, 2\)"),
        ((np.zeros(3),), ValueError, r"x must have shape .* got \(3,\)"),
        (
            (np.zeros((6, 4, 3), "float32"),),
            TypeError,
            r"x must have dtype float64, that of the layer, .*astype\('float64'\)",
        ),
        (
            (np.zeros((6, 4, 3), "complex128"),),
            TypeError,
            "x must have dtype float64, that of the layer, got complex128",
        ),
        (([[1.0]],), TypeError, "x must be a NumPy array of float64, got list"),
        ((None,), TypeError, "x must be a NumPy array of float64, got NoneType"),
        ((np.zeros((6, 4, 3)), H_0), TypeError, r"state must be a pair of arrays \(h, c\), got ndarray"),
        (
            (np.zeros((6, 4, 3)), (H_0, H_0[:, :1])),
            ValueError,
            r"state\[1\] must have shape \(1, 4, 5\), got \(1, 1, 5\)",
        ),
        ((np.zeros((6, 4, 3)), (H_0[..., :1], H_0)), ValueError, r"state\[0\] must have shape \(1, 4, 5\), got"),
        ((np.zeros((6, 4, 3)), (H_0[0], H_0[0])), ValueError, r"state\[0\] must have shape .* got \(4, 5\)"),
        ((np.zeros((6, 4, 3)), (H_0, None)), TypeError, r"state\[1\] must be a NumPy array of float64, got NoneType"),
        ((np.zeros((6, 4, 3)), None, [1, 2, 3]), ValueError, r"lengths must have shape \(4,\), got \(3,\)"),
        ((np.zeros((6, 4, 3)), None, [1, 7, 3, 2]), ValueError, "between 0 and the number of steps 6, got 7 in row 1"),
        ((np.zeros((6, 4, 3)), None, [1, -1, 3, 2]), ValueError, "got -1 in row 1"),
        (
            (np.zeros((6, 4, 3)), None, np.array([2**64 - 1, 1, 3, 2], "uint64")),
            ValueError,
            "lengths must be an array of .*, got 18446744073709551615",
        ),
        ((np.zeros((6, 4, 3)), None, [[1, 1, 3, 2]]), ValueError, r"lengths must have shape \(4,\), got \(1, 4\)"),
        (
            (np.zeros((6, 4, 3)), None, [1.5, 1, 3, 2]),
            TypeError,
            "lengths must be an array of whole numbers, got dtype float64",
        ),
    ],
)
def test_wrong_call_arguments(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    layer = make(fl.LSTM)
    with pytest.raises(error, match=message):
        layer(*arguments)
    with pytest.raises(error, match=message):
        layer.vjp(*arguments)


def test_wrong_gradients() -> None:
    (y, (h_n, _)), pullback = make(fl.LSTM).vjp(np.zeros((6, 4, 3)))
    with pytest.raises(ValueError, match=r"dy must have shape \(6, 4, 5\), got \(4, 6, 5\)"):
        pullback(y.transpose(1, 0, 2))
    with pytest.raises(TypeError, match="dstate must be a pair of arrays"):
        pullback(y, h_n)


def test_wrong_state_dicts() -> None:
    layer = make(fl.LSTM)
    good = layer.state_dict()
    with pytest.raises(ValueError, match=r"missing=\['bias_hh_l0'\], unknown=\['bias'\]"):
        layer.load_state_dict({("bias" if name == "bias_hh_l0" else name): value for name, value in good.items()})
    with pytest.raises(ValueError, match=r"weight_ih_l0 must have shape \(20, 3\), got \(3, 20\)"):
        layer.load_state_dict({**good, "weight_ih_l0": good["weight_ih_l0"].T})
    with pytest.raises(TypeError, match="weight_ih_l0 must hold floating-point numbers, got dtype int64"):
        layer.load_state_dict({**good, "weight_ih_l0": np.zeros((20, 3), "int64")})


@pytest.mark.parametrize("kind", [fl.LSTM, fl.GRU, fl.RNN])
def test_a_row_of_length_zero_keeps_its_state(kind: type) -> None:
    layer, x = make(kind), draw(6, 4, 3)
    _, state = layer(x)
    y, final = layer(x, state, lengths=[6, 0, 3, 0])
    assert not y[:, [1, 3]].any()
    np.testing.assert_array_equal(np.stack(final)[..., [1, 3], :], np.stack(state)[..., [1, 3], :])
    assert y[:3, [0, 2]].all()


@pytest.mark.parametrize(("T", "N"), [(0, 4), (6, 0)])
def test_empty_input(T: int, N: int) -> None:
    layer = make(fl.LSTM, num_layers=2, bidirectional=True)
    (y, (h_n, c_n)), pullback = layer.vjp(np.zeros((T, N, 3)))
    assert y.shape == (T, N, 10)
    assert h_n.shape == c_n.shape == (4, N, 5)
    gradients = pullback(y)
    assert gradients.x.shape == (T, N, 3)
    assert not any(value.any() for value in gradients.parameters.values())


def test_big_endian_input() -> None:
    layer = make(fl.LSTM)
    x = draw(6, 4, 3)
    np.testing.assert_array_equal(layer(x.astype(">f8"))[0], layer(x)[0])


def test_the_active_instruction_set_packs(isa: str) -> None:
    assert make(fl.LSTM)._weights[0].isa == isa == _core.active_isa()


@pytest.mark.parametrize("kind", [fl.LSTM, fl.GRUCell])
def test_a_layer_follows_arrays_of_somebody_else(kind: type) -> None:
    layer = make(kind)
    theirs = {name: value.copy() for name, value in layer.state_dict().items()}
    packed = layer._weights
    layer.follow([*theirs.values()])
    assert layer._weights is packed
    theirs["bias_hh" + ("_l0" if kind is fl.LSTM else "")][2] += 1
    layer.follow([*theirs.values()])
    assert layer._weights is not packed
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, theirs[name])
    x = draw(4, 3) if kind is fl.GRUCell else draw(2, 4, 3)
    wanted = kind.from_state_dict(theirs)(x)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(layer(x)[0], wanted[0])


@pytest.mark.parametrize(("kind", "options"), KINDS_AND_STACKS, ids=str)
def test_gradients_that_are_wanted_have_the_bits_of_all(kind: type, options: dict[str, Any]) -> None:
    layer = make(kind, **options)
    x, state = random_call(layer)
    call = TrainingCall(layer, x, state, None, WHOLE)
    dy = draw(*call.output(call.run()).shape)
    every = call.pull(dy, None, False)
    for wanted in ({"x"}, {"weight_hh_l0"}, {"x", *list(every.parameters)[1::2]}, set[str]()):
        some = call.pull(dy, None, False, wanted)
        assert {*some.parameters} == wanted - {"x"}
        for name, value in some.parameters.items():
            np.testing.assert_array_equal(value, every.parameters[name])
        assert (some.x is not None) == ("x" in wanted)
        if some.x is not None:
            np.testing.assert_array_equal(some.x, every.x)
