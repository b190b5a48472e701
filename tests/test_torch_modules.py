"""Modules of PyTorch on our kernels: as PyTorch's own, in values, gradients, files, errors and all that programs do."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pages
import pytest

torch: Any = pytest.importorskip("torch")

import fastlstm as fl  # noqa: E402
import fastlstm.torch as ours  # noqa: E402
from fastlstm import _core  # noqa: E402
from fastlstm.torch import elsewhere, graph  # noqa: E402

nn, rnn = torch.nn, torch.nn.utils.rnn

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # PyTorch's own

# Sums of tens of products of order one, in another order; a wrong term is of order one.
CLOSE = {"rtol": 0, "atol": 1e-12}
I, H, T, N = 5, 6, 7, 4

STACKS = [
    {},
    {"batch_first": True, "bias": False},
    {"num_layers": 3, "bidirectional": True, "dropout": 0.4, "batch_first": True},
    {"num_layers": 2, "dropout": 0.3},
    {"num_layers": 2, "dropout": 1.0},
]
KINDS_AND_STACKS = [(name, options) for name in ("LSTM", "GRU", "RNN") for options in STACKS] + [
    ("LSTM", {"proj_size": 3, "num_layers": 2, "bidirectional": True}),
    ("RNN", {"nonlinearity": "relu"}),
]
CELLS = [("LSTMCell", {}), ("GRUCell", {"bias": False}), ("GRUCell", {}), ("RNNCell", {"nonlinearity": "relu"})]


@pytest.fixture(autouse=True)
def _from_one_seed() -> None:
    torch.manual_seed(0)


def pair(name: str, options: Any, dtype: Any = torch.float64) -> tuple[Any, Any]:
    """PyTorch's module and ours, with the same parameters."""
    theirs = getattr(nn, name)(I, H, **options).to(dtype)
    own = getattr(ours, name)(I, H, **options).to(dtype)
    own.load_state_dict(theirs.state_dict())
    return theirs, own


def tuple_of(state: Any) -> tuple[Any, ...]:
    return state if isinstance(state, tuple) else (state,)


def state_for(module: Any, *rows: int, dtype: Any = torch.float64) -> Any:
    """An initial state that wants a gradient."""
    cell = isinstance(module, nn.RNNCellBase)
    before = () if cell else (module.num_layers * (2 if module.bidirectional else 1),)
    sizes = (getattr(module, "proj_size", 0) or H, H)
    parts = [torch.randn(*before, *rows, size, dtype=dtype, requires_grad=True) for size in sizes]
    return tuple(parts) if isinstance(module, nn.LSTM | nn.LSTMCell) else parts[0]


def input_for(module: Any, unbatched: bool = False) -> Any:
    first = getattr(module, "batch_first", False)
    shape = (T, I) if unbatched else (N, T, I) if first else (T, N, I)
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def results(module: Any, x: Any, state: Any, packed: bool = False) -> list[Any]:
    """What a module gives, and the gradients of a scalar of that; dropout from one seed."""
    leaves = [leaf.detach().clone().requires_grad_() for leaf in (x, *(() if state is None else tuple_of(state)))]
    hx = None if state is None else tuple(leaves[1:]) if isinstance(state, tuple) else leaves[1]
    given = leaves[0]
    if packed:
        lengths, first = torch.tensor([3, 7, 1, 5]), module.batch_first
        given = rnn.pack_padded_sequence(leaves[0], lengths, batch_first=first, enforce_sorted=False)
    torch.manual_seed(3)
    y, last = module(given, hx)
    outputs = [y.data if packed else y, *tuple_of(last)]
    noise = torch.Generator().manual_seed(1)
    slopes = [torch.randn(part.shape, generator=noise, dtype=part.dtype) for part in outputs]
    sum((part * slope).sum() for part, slope in zip(outputs, slopes, strict=True)).backward()
    found = [*outputs, *[leaf.grad for leaf in leaves], *[parameter.grad for parameter in module.parameters()]]
    module.zero_grad()
    return found


def assert_same(found: list[Any], wanted: list[Any], **close: float) -> None:
    for number, (got, their) in enumerate(zip(found, wanted, strict=True)):
        assert got.shape == their.shape
        assert got.dtype == their.dtype
        np.testing.assert_allclose(got.detach(), their.detach(), err_msg=str(number), **(close or CLOSE))


@pytest.mark.parametrize("given_state", [False, True])
@pytest.mark.parametrize("form", ["padded", "packed", "one"])
@pytest.mark.parametrize(("name", "options"), KINDS_AND_STACKS, ids=str)
def test_values_and_gradients_are_pytorchs(name: str, options: Any, form: str, given_state: bool) -> None:
    """Of every option; dropout draws from PyTorch's generator what PyTorch draws."""
    theirs, own = pair(name, options)
    x = input_for(own, unbatched=form == "one")
    state = state_for(own, *(() if form == "one" else (N,))) if given_state else None
    assert_same(*[results(module, x, state, form == "packed") for module in (own, theirs)])


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("form", ["padded", "packed", "one"])
@pytest.mark.parametrize(("name", "options"), KINDS_AND_STACKS, ids=str)
def test_values_without_a_way_back(name: str, options: Any, form: str, training: bool) -> None:
    theirs, own = pair(name, options)
    x, state = input_for(own, unbatched=form == "one"), state_for(own, *(() if form == "one" else (N,)))
    given = x
    if form == "packed":
        lengths = torch.tensor([7, 5, 5, 2])
        given = rnn.pack_padded_sequence(x, lengths, batch_first=own.batch_first)
    with torch.no_grad():
        found = []
        for module in (own, theirs):
            torch.manual_seed(3)
            y, last = module.train(training)(given, state)
            found.append([y.data if form == "packed" else y, *tuple_of(last)])
    assert_same(*found)
    assert not any(part.requires_grad for part in found[0])


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"])
def test_numbers_have_the_bits_of_array_layers(name: str, grad: bool) -> None:
    """Which nothing else has; but cells that record gradients are PyTorch's."""
    module, cell = getattr(ours, name)(I, H), "Cell" in name
    x = torch.randn(3, I) if cell else torch.randn(T, N, I)
    arrays = {key: value.numpy() for key, value in module.state_dict().items()}
    layer = getattr(fl, name).from_state_dict(arrays)
    with torch.set_grad_enabled(grad and not cell):
        found = module(x, module(x) if cell else module(x)[1])
    wanted = layer(x.numpy(), layer(x.numpy()) if cell else layer(x.numpy())[1])
    assert_same([tuple_of(found)[0]], [torch.from_numpy(tuple_of(wanted)[0])], rtol=0, atol=0)


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("given_state", [False, True])
@pytest.mark.parametrize("rows", [(), (4,)])
@pytest.mark.parametrize(("name", "options"), CELLS, ids=str)
def test_cells_are_pytorchs(name: str, options: Any, rows: tuple[int, ...], given_state: bool, grad: bool) -> None:
    theirs, own = pair(name, options)
    x = torch.randn(*rows, I, dtype=torch.float64, requires_grad=True)
    state = state_for(own, *rows) if given_state else None
    found = []
    for module in (own, theirs):
        with torch.set_grad_enabled(grad):
            after = module(x, module(x, state))
        wanted = [x, *(tuple_of(state) if given_state else ()), *module.parameters()]
        scalar = sum((part * part.detach().cos()).sum() for part in tuple_of(after)) if grad else None
        gradients = torch.autograd.grad(scalar, wanted) if grad else ()
        found.append([*tuple_of(after), *gradients])
    assert_same(*found)


@pytest.mark.parametrize(("name", "options"), [*KINDS_AND_STACKS[::3], *CELLS], ids=str)
def test_gradcheck(name: str, options: Any) -> None:
    module = getattr(ours, name)(2, 3, **{**options, **({"proj_size": 2} if "proj_size" in options else {})}).double()
    x = torch.randn(*((2, 2) if "Cell" in name else (2, 3, 2)), dtype=torch.float64, requires_grad=True)
    names, values = zip(*module.named_parameters(), strict=True)

    def run(x: Any, *values: Any) -> Any:
        torch.manual_seed(0)
        found = torch.func.functional_call(module, dict(zip(names, values, strict=True)), (x,))
        return tuple_of(found) if "Cell" in name else (found[0], *tuple_of(found[1]))

    assert torch.autograd.gradcheck(run, (x, *values))


# -- what programs do -----------------------------------------------------------------------------------------------


def curve(source: Any, name: str, dropout: float = 0.0) -> list[float]:
    """The losses of a small training program, whose layer comes from `source`."""
    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(12, I, padding_idx=0)
            self.rnn = getattr(source, name)(I, 16, num_layers=2, dropout=dropout, batch_first=True, bidirectional=True)
            self.head = nn.Linear(32, 3)

        def forward(self, words: Any, lengths: Any) -> Any:
            packed = rnn.pack_padded_sequence(self.embedding(words), lengths, batch_first=True, enforce_sorted=False)
            y, _ = rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
            return self.head(y.mean(1))

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    words, lengths = torch.randint(1, 12, (64, 9)), torch.randint(1, 10, (64,))
    lengths[0] = 9
    losses = []
    for rows in torch.arange(64).split(16) * 10:
        optimizer.zero_grad()
        labels = words[rows].sum(1) % 3
        loss = nn.functional.cross_entropy(model(words[rows], lengths[rows]), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(("name", "dropout"), [("LSTM", 0.0), ("GRU", 0.2), ("RNN", 0.0)])
def test_a_program_that_changes_its_import_trains_as_before(name: str, dropout: float) -> None:
    losses = curve(ours, name, dropout)
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(losses, curve(nn, name, dropout), rtol=0, atol=1e-5)  # float32, forty steps of Adam


def test_the_programs_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = pages.run("from-pytorch", lambda block: "import torch" in block.code)
    nn.LSTM(3, 16, num_layers=2).load_state_dict(torch.load("lstm.pt"))
    assert isinstance(names["lstm"], ours.LSTM)


def test_the_example_has_the_losses_of_pytorch() -> None:
    import pytorch_training

    losses = [pytorch_training.main(source, 2) for source in ("fastlstm.torch", "torch.nn")]
    np.testing.assert_allclose(*losses, rtol=0, atol=1e-5)


CHANGES: dict[str, Any] = {
    "an optimizer": lambda module: torch.optim.SGD(module.parameters(), lr=0.1).step(),
    "in place": lambda module: module.weight_hh_l0.detach().mul_(0.5),
    "one number by data": lambda module: module.weight_ih_l0.data[3, 2:3].add_(1.0),
    "a copy to data": lambda module: module.bias_hh_l0.data.copy_(torch.ones(4 * H)),
    "other data": lambda module: setattr(module.weight_ih_l0, "data", torch.ones(4 * H, I, dtype=torch.float64)),
    "a transposed view as data": lambda module: setattr(
        module.weight_ih_l0, "data", torch.linspace(-1, 1, 4 * H * I, dtype=torch.float64).view(I, 4 * H).t()
    ),
    "an array on its memory": lambda module: module.weight_hh_l0.detach().numpy().__setitem__((0, 0), 3.0),
    "a state_dict": lambda module: module.load_state_dict({k: v * 2 for k, v in module.state_dict().items()}),
    "a new parameter": lambda module: setattr(module, "bias_ih_l0", nn.Parameter(torch.zeros(4 * H).double())),
    "another dtype and back": lambda module: module.float().double(),
    "a norm of weights": lambda module: nn.utils.parametrizations.weight_norm(module, "weight_hh_l0"),
}


@pytest.mark.filterwarnings("ignore:grad and param do not obey")  # that is slower, where the data are transposed
@pytest.mark.parametrize("change", CHANGES)
def test_weights_are_seen_however_they_change(change: str) -> None:
    theirs, own = pair("LSTM", {})
    x = input_for(own).detach()
    with torch.no_grad():
        own(x)
    for module in (own, theirs):
        module(x)[0].sum().backward()
        CHANGES[change](module)
    with torch.no_grad():
        assert_same([own(x)[0]], [theirs(x)[0]])
    assert_same(*[results(module, x, None) for module in (own, theirs)])


def test_weights_that_have_not_changed_are_not_packed_again() -> None:
    module = ours.LSTM(I, H)
    module(torch.randn(T, N, I))
    packed = module._twin.layer(module._weights())._weights
    with torch.no_grad():
        module(torch.randn(T, 1, I))
    assert module._twin.layer(module._weights())._weights is packed
    module.weight_hh_l0.data[0, 0] += 1
    assert module._twin.layer(module._weights())._weights is not packed


def test_memory_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs and gradients are what the core has written, and an input is read where it lies."""
    module, x = ours.GRU(I, H), torch.randn(T, N, I, requires_grad=True)
    (back,) = graph._tickets.values() if (y := module(x)[0]) is not None else ()
    assert back.kept.__self__.x.ctypes.data == x.data_ptr()
    written: list[int] = []

    def empty(shape: Any, dtype: Any) -> Any:
        array = np.empty(shape, dtype)
        written.append(array.ctypes.data)
        return array

    monkeypatch.setattr(_core, "empty", empty)
    y.sum().backward()
    assert {parameter.grad.data_ptr() for parameter in module.parameters()} < {*written}


def test_only_gradients_that_are_wanted_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ours.LSTM(I, H, num_layers=2)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    module.bias_hh_l1.requires_grad_(True)
    made: list[Any] = []
    pull = ours.sequences.Run.pull
    monkeypatch.setattr(ours.sequences.Run, "pull", lambda *given: made.append(pull(*given)) or made[-1])
    module(torch.randn(T, N, I))[0].sum().backward()
    assert [*made[0].parameters] == ["bias_hh_l1"]
    assert made[0].x is None
    assert module.weight_ih_l0.grad is None
    module.bias_hh_l1.requires_grad_(False)
    assert not module(torch.randn(T, N, I))[0].requires_grad


@pytest.fixture
def tapes() -> Any:
    """How many tapes there are."""
    gc.collect()
    before = len(graph._tickets)
    return lambda: len(graph._tickets) - before


def test_tapes_go_with_the_graph(tapes: Any) -> None:
    module, x = ours.LSTM(I, H), torch.randn(T, N, I)
    y, _ = module(x)
    assert tapes() == 1
    y.sum().backward(retain_graph=True)
    first = module.weight_hh_l0.grad.clone()
    y.sum().backward()
    torch.testing.assert_close(module.weight_hh_l0.grad, 2 * first, rtol=0, atol=0)
    assert tapes() == 0
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()
    z = module(x)
    assert tapes() == 1
    del z
    assert tapes() == 0
    with torch.no_grad():
        kept = module(x)
    assert tapes() == 0
    assert kept[0].grad_fn is None


def test_checkpoints_keep_no_tape(tapes: Any) -> None:
    module, x = ours.LSTM(I, H, num_layers=2, dropout=0.5), torch.randn(T, N, I, requires_grad=True)
    torch.manual_seed(2)
    y = torch.utils.checkpoint.checkpoint(lambda x: module(x)[0], x, use_reentrant=False)
    assert tapes() == 0
    y.sum().backward()
    found = [x.grad, *[parameter.grad for parameter in module.parameters()]]
    x.grad = None
    module.zero_grad()
    torch.manual_seed(2)
    module(x)[0].sum().backward()
    assert_same(found, [x.grad, *[parameter.grad for parameter in module.parameters()]], rtol=0, atol=0)


def test_saved_tensors_that_were_copied_have_no_tape() -> None:
    with torch.autograd.graph.saved_tensors_hooks(torch.clone, lambda copied: copied):
        y, _ = ours.LSTM(I, H)(torch.randn(T, N, I))
    with pytest.raises(RuntimeError, match="the tape of this step is gone"):
        y.sum().backward()


def test_an_input_that_was_changed_is_told() -> None:
    x = torch.randn(T, N, I)
    y, _ = ours.LSTM(I, H)(x)
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_outputs_may_be_changed() -> None:
    found = []
    theirs, own = pair("LSTM", {})
    x = input_for(own).detach()
    for module in (own, theirs):
        y, (h, _) = module(x)
        y.mul_(2)
        (y.sum() + h.sum()).backward()
        found.append([parameter.grad for parameter in module.parameters()])
    assert_same(*found)


@pytest.mark.parametrize("form", ["padded", "packed", "one"])
@pytest.mark.parametrize(("name", "options"), [*KINDS_AND_STACKS[2::2], *CELLS], ids=str)
def test_gradients_of_gradients_are_pytorchs(name: str, options: Any, form: str) -> None:
    theirs, own = pair(name, options)
    cell, rows = "Cell" in name, () if form == "one" else (N,)
    x = torch.randn(*rows, I, dtype=torch.float64, requires_grad=True) if cell else input_for(own, form == "one")
    state = state_for(own, *rows)
    found = []
    for module in (own, theirs):
        given = x
        if form == "packed" and not cell:
            given = rnn.pack_padded_sequence(x, torch.tensor([7, 5, 5, 2]), batch_first=own.batch_first)
        torch.manual_seed(3)
        outputs = module(given, state)  # float64, so none of oneDNN's
        y = tuple_of(outputs)[0]
        (dx,) = torch.autograd.grad(
            (y.data if isinstance(y, rnn.PackedSequence) else y).square().sum(), x, create_graph=True
        )
        seconds = torch.autograd.grad(dx.square().sum(), [x, *tuple_of(state), *module.parameters()], allow_unused=True)
        found.append([dx, *[second for second in seconds if second is not None]])
    assert len(found[0]) > 3
    assert_same(*found, rtol=1e-9, atol=1e-11)  # of some tens, as squares are summed twice


# -- files and copies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"])
def test_names_repr_and_class_are_pytorchs(name: str) -> None:
    theirs, own = pair(name, {})
    assert isinstance(own, getattr(nn, name))
    assert repr(own) == repr(theirs)
    assert [*own.state_dict()] == [*theirs.state_dict()]
    assert [name for name, _ in own.named_modules()] == [""]
    theirs.load_state_dict(own.state_dict())
    with pytest.raises(TypeError):
        getattr(ours, name)(I)


def saved(module: Any) -> Any:
    memory = io.BytesIO()
    torch.save(module, memory)
    memory.seek(0)
    return torch.load(memory, weights_only=False)


@pytest.mark.parametrize("way", [copy.deepcopy, copy.copy, saved, lambda module: pickle.loads(pickle.dumps(module))])
@pytest.mark.parametrize("name", ["LSTM", "GRUCell"])
def test_copies_and_files(name: str, way: Any) -> None:
    own = getattr(ours, name)(I, H)
    x = torch.randn(3, I) if "Cell" in name else torch.randn(T, N, I)
    y = tuple_of(own(x))[0]
    other = way(own)
    assert type(other) is type(own)
    torch.testing.assert_close(tuple_of(other(x))[0], y, rtol=0, atol=0)
    next(iter(other.parameters())).data.zero_()
    wanted = tuple_of(other(x))[0] if way is copy.copy else y  # which shares the parameters
    torch.testing.assert_close(tuple_of(own(x))[0], wanted, rtol=0, atol=0)


def test_a_file_has_no_packed_weights() -> None:
    module = ours.LSTM(I, 64)
    before = len(pickle.dumps(module))
    module(torch.randn(T, N, I))[0].sum().backward()
    module.zero_grad()
    assert len(pickle.dumps(module)) == before


class Reads(torch.utils.data.Dataset):  # type: ignore[misc]
    """Items that a module computes in the worker."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        with torch.no_grad():
            return self.module(torch.full((T, I), float(index)))[0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_modules_run_in_workers_of_a_data_loader() -> None:
    module = ours.LSTM(I, H)
    loader = torch.utils.data.DataLoader(Reads(module), num_workers=2)
    wanted = [item[None] for item in (Reads(module)[k] for k in range(4))]
    for found, item in zip(loader, wanted, strict=True):
        torch.testing.assert_close(found, item, rtol=0, atol=0)
        assert module(found[0, :, :I])[0].requires_grad


# -- what goes to PyTorch -------------------------------------------------------------------------------------------


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing had been told yet."""
    monkeypatch.setattr(elsewhere, "_told", set())


@pytest.mark.usefixtures("untold")
@pytest.mark.parametrize("kind", ["GRU", "LSTMCell"])
def test_other_devices_and_dtypes_are_pytorchs_with_one_warning(kind: str) -> None:
    module = getattr(ours, kind)(I, H)
    shape = (3, I) if "Cell" in kind else (T, N, I)
    grad = torch.set_grad_enabled("Cell" not in kind)  # a cell that records gradients is PyTorch's anyway
    with grad, pytest.warns(RuntimeWarning, match=r"tensors are on meta\. This is said once"):
        y = tuple_of(module.to("meta")(torch.empty(*shape, device="meta")))[0]
    assert y.is_meta
    half = getattr(ours, kind)(I, H).bfloat16()
    with grad, pytest.warns(RuntimeWarning, match=r"parameters are torch\.bfloat16"):
        assert tuple_of(half(torch.ones(*shape).bfloat16()))[0].dtype == torch.bfloat16
    with grad, pytest.warns(RuntimeWarning, match="autocast"), torch.autocast("cpu", torch.bfloat16):
        getattr(ours, kind)(I, H)(torch.ones(*shape))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module(torch.empty(*shape, device="meta"))


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"])
def test_errors_are_pytorchs(name: str) -> None:
    theirs, own = pair(name, {}, torch.float32)
    cell = "Cell" in name
    x = torch.ones(N, I) if cell else torch.ones(T, N, I)
    state = tuple(part.detach().float() for part in tuple_of(state_for(own, N)))
    form = (lambda parts: parts) if "LSTM" in name else lambda parts: parts[0]
    calls = [
        (x[..., 1:], None),
        (x.double(), None),
        (x[None], None),
        (x.long(), None),
        (x, form(tuple(part[..., 1:] for part in state))),
        (x, form(tuple(part[..., 1:, :] for part in state))),
        (x, form(tuple(part.double() for part in state))),
        (x[..., :0, :], form(state)),
        (x[:0], None) if not cell else (x[..., :0], None),
        *([] if cell else [(x, form(tuple(torch.cat((part, part)) for part in state)))]),
        (x, state[0] if "LSTM" in name else state),
        (None, None),
    ]
    for arguments in calls:
        for grad in (False, True):
            errors = []
            for module in (own, theirs):
                with torch.set_grad_enabled(grad):
                    try:
                        module(*arguments)
                        errors.append(None)
                    except Exception as error:
                        errors.append((type(error), str(error)))
            assert errors[0] == errors[1]


@pytest.mark.filterwarnings("ignore")
def test_traces_have_pytorchs_operations() -> None:
    theirs, own = pair("LSTM", {}, torch.float32)
    x, other = torch.randn(T, N, I), torch.randn(T + 1, N, I)
    traced = torch.jit.trace(own, x)
    assert "aten::lstm" in str(traced.graph)
    torch.testing.assert_close(traced(other)[0], theirs(other)[0])


@pytest.mark.parametrize("name", ["LSTM", "RNN", "GRUCell"])
def test_tangents_are_pytorchs(name: str) -> None:
    """Of forward-mode gradients, also where no gradient is recorded."""
    theirs, own = pair(name, {})
    x = torch.randn(*((3, I) if "Cell" in name else (T, N, I)), dtype=torch.float64)
    for grad in (False, True):
        with torch.autograd.forward_ad.dual_level(), torch.set_grad_enabled(grad):
            dual = torch.autograd.forward_ad.make_dual(x, x.cos())
            tangents = [
                torch.autograd.forward_ad.unpack_dual(tuple_of(module(dual))[0]).tangent for module in (own, theirs)
            ]
        assert_same(tangents[:1], tangents[1:])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("strict", [False, True])
def test_exported_programs_have_pytorchs_operations(strict: bool) -> None:
    import torch._dynamo

    own, x = ours.GRU(I, H), torch.randn(T, N, I)
    with torch._dynamo.config.patch(allow_rnn=True):
        program = torch.export.export(own, (x,), strict=strict)
    assert "aten.gru" in str(program.graph)
    torch.testing.assert_close(program.module()(x)[0], own(x)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_transforms_of_functions_are_pytorchs() -> None:
    own = ours.GRUCell(I, H)
    x = torch.randn(3, 2, I)
    each = torch.func.vmap(lambda x: own(x))(x)
    torch.testing.assert_close(each, torch.stack([own(row) for row in x]), rtol=1e-5, atol=1e-6)


class Net(nn.Module):  # type: ignore[misc]
    """Some layers around one of `source`."""

    def __init__(self, source: Any, name: str, options: Any) -> None:
        super().__init__()
        self.rnn = getattr(source, name)(I, H, batch_first=True, **options)
        self.head = nn.Linear(H * (2 if self.rnn.bidirectional else 1), 2)

    def forward(self, x: Any) -> Any:
        return self.head(torch.relu(self.rnn(x)[0]))[:, -1]


COMPILED = [("LSTM", {}), ("GRU", {"num_layers": 2, "bidirectional": True, "dropout": 0.3}), ("RNN", {"bias": False})]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("name", "options"), COMPILED, ids=str)
def test_compiled_models_give_the_same(name: str, options: Any, whole: bool, backend: str, tapes: Any) -> None:
    """By default the compiler goes around modules of this kind; told to take them, it has one operation."""
    import torch._dynamo

    plain = Net(ours, name, options)
    compiled = torch.compile(plain, fullgraph=whole, backend=backend)
    x = torch.randn(3, T, I, requires_grad=True)
    torch._dynamo.reset()
    found = []
    with torch._dynamo.config.patch(allow_rnn=whole):
        for model in (compiled, plain):
            torch.manual_seed(1)
            y = model(x)
            y.square().sum().backward()
            with torch.no_grad():
                last = model(x[:2, 1:])
            found.append([y, last, x.grad, *[parameter.grad for parameter in plain.parameters()]])
            plain.zero_grad()
            x.grad = None
    assert_same(*found, rtol=0, atol=1e-6)  # float32; the compiler may add up in another order
    del y, found
    gc.collect()
    assert tapes() == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_graph_has_one_operation_for_a_layer() -> None:
    import torch._dynamo

    graphs = []

    def note(module: Any, inputs: Any) -> Any:
        graphs.append(module)
        return module.forward

    torch._dynamo.reset()
    with torch._dynamo.config.patch(allow_rnn=True):
        torch.compile(Net(ours, "LSTM", {"num_layers": 2}), backend=note, fullgraph=True)(torch.randn(3, T, I))
    called = [str(node.target) for node in graphs[0].graph.nodes if node.op == "call_function"]
    assert len([target for target in called if "fastlstm" in target]) == 1
    assert not any("lstm." in target and "fastlstm" not in target for target in called)
