"""Against PyTorch itself, where it is installed: layers, cells and chains with every option, values and gradients."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import fastlstm as fl

torch: Any = pytest.importorskip("torch")
nn, pack, pad = torch.nn, torch.nn.utils.rnn.pack_padded_sequence, torch.nn.utils.rnn.pad_packed_sequence

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch's own, about what is slow there

# Largest difference, by dtype. float32: sums of some ten numbers of order one, a few times over; gradients sum over
# some hundred of them.
CLOSE = {"float32": {"rtol": 1e-4, "atol": 2e-5}, "float64": {"rtol": 1e-11, "atol": 1e-12}}


def assert_like(ours: Any, theirs: Any, name: str = "") -> None:
    array = theirs.detach().numpy()
    assert ours.shape == array.shape, name
    assert ours.dtype == array.dtype, name
    np.testing.assert_allclose(ours, array, **CLOSE[array.dtype.name], err_msg=name)


def options_of(**choices: list[Any]) -> list[dict[str, Any]]:
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


STATELESS = [
    ("Linear", (5, 3), {}),
    ("Linear", (5, 3), {"bias": False}),
    ("LayerNorm", (5,), {}),
    ("LayerNorm", ([4, 5],), {"eps": 0.1}),
    ("LayerNorm", (5,), {"bias": False}),
    ("LayerNorm", (5,), {"elementwise_affine": False}),
    ("BatchNorm1d", (4,), {"eps": 0.1}),
    ("BatchNorm1d", (4,), {"affine": False}),
    *(("ReLU", (), {}), ("LeakyReLU", (), {}), ("LeakyReLU", (0.3,), {}), ("Sigmoid", (), {}), ("Tanh", (), {})),
    *(("Softmax", (dim,), {}) for dim in (-1, 0, 1)),
    *(("LogSoftmax", (dim,), {}) for dim in (-1, 1)),
    ("Dropout", (0.3,), {}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "arguments", "options"), STATELESS, ids=str)
def test_layers_without_a_state(name: str, arguments: Any, options: Any, dtype: str) -> None:
    torch.manual_seed(0)
    theirs = getattr(nn, name)(*arguments, **options).to(getattr(torch, dtype)).eval()
    for value in theirs.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.5, 2)
    own = {"dtype": dtype} if theirs.state_dict() or name == "LayerNorm" else {}
    ours = getattr(fl, name)(*arguments, **options, **own)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    assert [key for key, _ in ours.named_parameters()] == [key for key, _ in theirs.named_parameters()]
    x = torch.randn(3, 4, 5, dtype=getattr(torch, dtype), requires_grad=True)
    wanted = theirs(x)
    assert_like(ours(x.detach().numpy()), wanted)
    if name == "Dropout":
        return
    dy = torch.randn_like(wanted)
    wanted.backward(dy)
    y, pullback = ours.vjp(x.detach().numpy())
    assert_like(y, wanted)
    gradients = pullback(dy.numpy())
    assert_like(gradients.x, x.grad, "x")
    for key, parameter in theirs.named_parameters():
        assert_like(gradients.parameters[key], parameter.grad, key)


@pytest.mark.parametrize("padding", [None, 0, -2])
def test_a_table(padding: int | None) -> None:
    theirs = nn.Embedding(7, 3, padding)
    ours = fl.Embedding(7, 3, padding)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randint(0, 7, (4, 6))
    wanted = theirs(x)
    y, pullback = ours.vjp(x.numpy())
    assert_like(y, wanted)
    dy = torch.randn_like(wanted)
    wanted.backward(dy)
    assert_like(pullback(dy.numpy()).parameters["weight"], theirs.weight.grad)


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("name", ["LSTMCell", "GRUCell", "RNNCell"])
def test_cells(name: str, bias: bool, one: bool) -> None:
    theirs = getattr(nn, name)(3, 5, bias).double()
    ours = getattr(fl, name)(3, 5, bias, dtype="float64")
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    rows = () if one else (4,)
    x = torch.randn(*rows, 3, dtype=torch.float64, requires_grad=True)
    parts = [torch.randn(*rows, 5, dtype=torch.float64, requires_grad=True) for _ in range(ours._states)]
    start = tuple(parts) if len(parts) == 2 else parts[0]
    wanted = theirs(x, start)
    state, pullback = ours.vjp(x.detach().numpy(), hx=to_numpy(start))
    dstate = [torch.randn_like(parts[0]) for _ in parts]
    torch.autograd.backward(list(wanted) if len(parts) == 2 else [wanted], dstate)
    gradients = pullback(to_numpy(tuple(dstate) if len(parts) == 2 else dstate[0]))
    for got, want in zip(listed(state), listed(wanted), strict=True):
        assert_like(got, want)
    assert_like(gradients.x, x.grad)
    for got, part in zip(listed(gradients.state), parts, strict=True):
        assert_like(got, part.grad)
    for key, parameter in theirs.named_parameters():
        assert_like(gradients.parameters[key], parameter.grad, key)
    assert_like(listed(ours(x.detach().numpy()))[0], listed(theirs(x))[0])


def listed(state: Any) -> list[Any]:
    return list(state) if isinstance(state, tuple) else [state]


def to_numpy(state: Any) -> Any:
    return tuple(map(to_numpy, state)) if isinstance(state, tuple) else state.detach().numpy()


SIZES = options_of(
    num_layers=[1, 3], bias=[True, False], bidirectional=[False, True], proj_size=[0, 2], dtype=["float32", "float64"]
)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_sizes_follow_from_names_and_shapes(kind: str) -> None:
    for options in SIZES:
        if kind != "LSTM" and options["proj_size"]:
            continue
        told = {key: value for key, value in options.items() if key != "proj_size" or value}
        theirs = getattr(nn, kind)(3, 5, **{**told, "dtype": getattr(torch, options["dtype"])})
        net = {f"net.rnn.{key}": value for key, value in theirs.state_dict().items()} | {"fc.weight": torch.ones(2, 2)}
        ours = getattr(fl, kind).from_state_dict(net, "net.rnn.")
        assert {key: getattr(ours, key) for key in options} == options
        x = torch.randn(4, 2, 3, dtype=theirs.weight_ih_l0.dtype)
        assert_like(ours(x.numpy())[0], theirs(x)[0])


class Net(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
    """What public programs are made of."""

    def __init__(self, kind: str, pool: str, options: dict[str, Any]) -> None:
        super().__init__()
        self.pool = pool
        self.embedding = nn.Embedding(11, 3)
        self.rnn = getattr(nn, kind)(3, 4, **options)
        size = (options.get("proj_size") or 4) * (1 + self.rnn.bidirectional)
        self.norm = nn.LayerNorm(size)
        self.fc = nn.Sequential(nn.Linear(size, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3))

    def forward(self, x: Any, lengths: Any, state: Any) -> Any:
        first = self.rnn.batch_first
        e, T = self.embedding(x), x.shape[1 if first else 0]
        if lengths is None:
            y, final = self.rnn(e, state)
            lengths = torch.full((4,), T)
        else:
            packed, final = self.rnn(pack(e, lengths, batch_first=first, enforce_sorted=False), state)
            y, _ = pad(packed, batch_first=first, total_length=T)
        return torch.log_softmax(
            self.fc(self.norm(self.pooled(y if first else y.transpose(0, 1), final, lengths))), -1
        ), final

    def pooled(self, y: Any, final: Any, lengths: Any) -> Any:
        """Take one step of (N, T, F); "all" takes every step."""
        h = final[0] if isinstance(final, tuple) else final
        valid = (torch.arange(y.shape[1]) < lengths[:, None])[..., None]
        return {
            "all": lambda: y if self.rnn.batch_first else y.transpose(0, 1),
            "last": lambda: y[:, -1],
            "valid": lambda: y[torch.arange(4), lengths - 1],
            "final": lambda: torch.cat((h[-2], h[-1]), 1) if self.rnn.bidirectional else h[-1],
            "mean": lambda: (y * valid).sum(1) / lengths[:, None],
            "max": lambda: y.masked_fill(~valid, -torch.inf).amax(1),
        }[self.pool]()


POOLS: dict[str, Any] = {
    "all": lambda: {},
    "last": lambda: {"pool": fl.LastStep()},
    "valid": lambda: {"pool": fl.LastValidStep()},
    "final": lambda: {"pool": fl.FinalHidden()},
    "mean": lambda: {"pool": fl.MeanOverTime()},
    "max": lambda: {"pool": fl.MaxOverTime()},
}
STACKS = options_of(num_layers=[1, 2], bidirectional=[False, True], batch_first=[False, True])


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN", "LSTM, projected"])
def test_chains(kind: str, pool: str, ragged: bool) -> None:
    if ragged and pool == "last":
        return  # which is refused here
    for k, options in enumerate(STACKS):
        torch.manual_seed(k)
        dtype = torch.float64 if k % 2 else torch.float32
        more = {"proj_size": 2} if kind.endswith("projected") else {}
        cls = kind.partition(",")[0]
        theirs = Net(cls, pool, options | more).to(dtype).eval()
        ours = fl.Chain.from_state_dict(
            theirs.state_dict(),
            batch_first=options["batch_first"],
            **{"embedding": fl.Embedding, "rnn": getattr(fl, cls), **POOLS[pool](), "norm": fl.LayerNorm},
            fc=[fl.Linear, fl.ReLU(), fl.Dropout(0.0), fl.Linear],
            out=fl.LogSoftmax(),
        )
        assert list(ours.state_dict()) == list(theirs.state_dict())
        lengths = torch.tensor([3, 6, 1, 4]) if ragged else None
        x = torch.randint(0, 11, (4, 6) if options["batch_first"] else (6, 4))
        start = given_state(theirs.rnn, dtype) if k % 3 else None
        wanted, final = theirs(x, lengths, start)
        arguments = (
            x.numpy(),
            None if start is None else to_numpy(start),
            None if lengths is None else lengths.numpy(),
        )
        (y, state), pullback = ours.vjp(*arguments)
        assert_like(ours(*arguments)[0], wanted)
        assert_like(y, wanted)
        for got, want in zip(listed(state), listed(final), strict=True):
            assert_like(got, want)
        dy = torch.randn_like(wanted)
        wanted.backward(dy)
        gradients = pullback(dy.numpy())
        for key, parameter in theirs.named_parameters():
            assert_like(gradients.parameters[key], parameter.grad, key)


def given_state(layer: Any, dtype: Any) -> Any:
    depth, sizes = layer.num_layers * (1 + layer.bidirectional), [layer.proj_size or 4, 4]
    parts = [torch.randn(depth, 4, size, dtype=dtype) / 2 for size in sizes]
    return tuple(parts) if isinstance(layer, nn.LSTM) else parts[0]
