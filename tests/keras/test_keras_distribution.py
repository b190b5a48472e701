"""Several ranks train one model: threads play them, so there need be no MPI (that is in test_keras_mpi.py)."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ranks import Comm, Job, in_ranks
from trainings import SIZE, TRAININGS, X, Y

from fastlstm import keras
from fastlstm.keras import Input, Model, Sequential, callbacks, distribution, layers, losses, optimizers, regularizers
from fastlstm.keras.distribution import DataParallel
from fastlstm.keras.distribution.trees import largest_nodes, tree_sum
from fastlstm.keras.training.joint.turns import Turns

ROWS, STEPS, FEATURES = 22, 7, 3
source = np.random.default_rng(0)
LENGTHS = np.sort(source.integers(1, STEPS + 1, ROWS))
SORTED = np.where(np.arange(STEPS)[None, :, None] < LENGTHS[:, None, None], source.normal(size=(ROWS, STEPS, 3)), 0.0)
"""Rows sorted by length, filled up with zeros: parts of a batch have other numbers of steps that count."""
LABELS = source.normal(size=(ROWS, STEPS, 1))
WEIGHTS = source.uniform(0, 2, ROWS) * (np.arange(ROWS) % 5 != 0)

Made = tuple[Any, dict[str, Any]]


# -- sums ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 6, 8, 12])
def test_sums_have_the_same_bits_for_any_number_of_ranks(parts: int) -> None:
    numbers = np.random.default_rng(parts).normal(size=(parts, 37)).astype(np.float32)
    wanted = tree_sum({(k, k + 1): part.copy() for k, part in enumerate(numbers)}, (0, parts))
    for ranks in [n for n in range(1, parts + 1) if parts % n == 0]:
        found = in_ranks(ranks, lambda d: d.sum([numbers[k].copy() for k in d.own_parts]), shards=parts)
        assert all((got == wanted).all() for got in found)


def test_another_order_of_additions_has_other_bits() -> None:
    """So the test above sees the order."""
    numbers = np.random.default_rng(8).normal(size=(8, 37)).astype(np.float32)
    tree = tree_sum({(k, k + 1): part.copy() for k, part in enumerate(numbers)}, (0, 8))
    assert (tree != np.add.accumulate(numbers)[-1]).any()


def test_fewer_numbers_than_ranks_are_summed() -> None:
    assert [got.tolist() for got in in_ranks(4, lambda d: d.sum([np.ones(1)]), shards=4)] == [[4.0]] * 4


@pytest.mark.parametrize("parts", [1, 5, 6, 12])
def test_nodes_of_neighbours_are_as_few_as_there_are(parts: int) -> None:
    for start in range(parts):
        for stop in range(start + 1, parts + 1):
            nodes = list(largest_nodes(range(start, stop), (0, parts)))
            assert [k for first, last in nodes for k in range(first, last)] == list(range(start, stop))
            assert len(nodes) <= 2 * parts.bit_length()


# -- the same as in one process ------------------------------------------------------------------------------------


def masked(loss: Any = "mse", rate: float = 0.5, **options: Any) -> Made:
    model = Sequential([Input((STEPS, FEATURES)), layers.Masking(), layers.LSTM(4, return_sequences=True), *_dense()])
    model.compile(optimizers.SGD(rate), loss, metrics=["mae"], weighted_metrics=["mse"])
    return model, {"x": SORTED, "y": LABELS} | options


def _dense() -> list[Any]:
    return [layers.Dense(1)]


def with_weights() -> Made:
    return masked(sample_weight=WEIGHTS)


def with_mean_of_weights() -> Made:
    return masked(losses.MeanSquaredError(reduction="mean_with_sample_weight"), sample_weight=WEIGHTS)


def with_sum() -> Made:
    return masked(losses.MeanSquaredError(reduction="sum"), rate=0.01)


def with_penalties() -> Made:
    chain = [
        layers.Masking(),
        layers.GRU(4, kernel_regularizer=regularizers.L2(0.1), return_sequences=True),
        layers.ActivityRegularization(l1=0.01, l2=0.03),
        layers.Dense(1, activity_regularizer="l2"),
    ]
    model = Sequential([Input((STEPS, FEATURES)), *chain])
    model.compile(optimizers.SGD(0.5, global_clipnorm=0.4), "mae")
    return model, {"x": SORTED, "y": LABELS}


def with_two_outputs() -> Made:
    """Each has a count of its own: of steps, and of weights."""
    x = Input((STEPS, FEATURES))
    h = layers.LSTM(4, return_sequences=True)(layers.Masking()(x))
    model = Model(x, {"a": layers.Dense(1, name="a")(h), "b": layers.Dense(2, "softmax", name="b")(layers.GRU(3)(h))})
    model.compile(
        optimizers.SGD(0.5, clipnorm=0.3),
        {"a": "mse", "b": losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")},
        loss_weights={"a": 0.3},
        metrics={"b": ["accuracy"]},
    )
    return model, {
        "x": SORTED,
        "y": {"a": LABELS, "b": np.arange(ROWS) % 2},
        "sample_weight": {"a": None, "b": WEIGHTS},
    }


def with_classes() -> Made:
    model = Sequential([Input((STEPS, FEATURES)), layers.SimpleRNN(4), layers.Dense(3, "softmax")])
    named = ["accuracy", keras.metrics.F1Score("macro"), keras.metrics.AUC(20, name="auc")]
    model.compile(optimizers.SGD(0.5), "categorical_crossentropy", metrics=named)
    return model, {"x": SORTED, "y": np.eye(3)[np.arange(ROWS) % 3], "class_weight": {0: 3.0, 2: 0.5}}


def normalized(*chain: Any, rate: float = 0.5, **options: Any) -> Made:
    """Batches of 7 rows, and a last one of 1, for which one rank has none."""
    model = Sequential([Input((STEPS, FEATURES)), *chain])
    model.compile(optimizers.SGD(rate), "mse", metrics=["mae"])
    return model, {"x": SORTED + 1.0, "y": LABELS, "batch_size": 7} | options


def with_batch_normalization() -> Made:
    """In the middle, and at both ends; gradients of what is below depend on all rows."""
    norms = [layers.BatchNormalization(momentum=0.8), layers.BatchNormalization(scale=False), _norm(center=False)]
    return normalized(norms[0], layers.LSTM(4, return_sequences=True), norms[1], layers.Dense(1), norms[2], rate=0.1)


def _norm(**options: Any) -> Any:
    return layers.BatchNormalization(**options)


def with_normalization_of_what_is_there() -> Made:
    """Under a mask, with weights of rows: parts have other numbers of steps. At the axis of time, too."""
    chain = [layers.Masking(), layers.GRU(4, return_sequences=True), _norm(), _norm(axis=1), layers.Dense(1)]
    return normalized(*chain, x=SORTED, sample_weight=WEIGHTS + 0.1, rate=0.1)


def with_normalization_under_penalties() -> Made:
    """Means over rows of a part, in front of what sums over all parts and behind it."""
    chain = [layers.Dense(4, activity_regularizer="l2"), _norm(gamma_regularizer="l2"), layers.Dense(1)]
    return normalized(*chain, layers.ActivityRegularization(l2=0.03))


def with_normalization_by_steps() -> Made:
    return normalized(layers.Dense(4), layers.TimeDistributed(_norm()), layers.Dropout(0.0), layers.Dense(1))


def with_normalization_twice() -> Made:
    """One layer in two places, one that is always in training and one that never is, and one that is not trained."""
    x, norm = Input((STEPS, FEATURES)), _norm(momentum=0.5)
    h = norm(layers.Dense(4)(norm(layers.Dense(4)(x))))
    h = _norm(trainable=False)(_norm()(_norm()(h, training=True), training=False))
    model = Model(x, layers.Dense(1)(h))
    model.compile(optimizers.SGD(0.1), "mse")
    return model, {"x": SORTED + 1.0, "y": LABELS, "batch_size": 7}


class Inside(Model):
    """A normalization inside a function of a user."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.last(keras.ops.tanh(self.norm(self.first(x))))


def with_normalization_inside() -> Made:
    pytest.importorskip("autograd")
    model = Inside()
    model.compile(optimizers.SGD(0.1), "mse")
    return model, {"x": SORTED + 1.0, "y": LABELS, "batch_size": 7}


NORMALIZED = [
    with_batch_normalization,
    with_normalization_of_what_is_there,
    with_normalization_under_penalties,
    with_normalization_by_steps,
    with_normalization_twice,
    with_normalization_inside,
]
MADE = [masked, with_weights, with_mean_of_weights, with_sum, with_penalties, with_two_outputs, with_classes]
MADE += NORMALIZED


def fitted(make: Callable[[], Made], seed: int = 5, **options: Any) -> tuple[list[Any], dict[str, Any], Any]:
    """Return weights, history, and what an evaluation gives, all in float64."""
    keras.utils.set_random_seed(seed)
    model, given = make()
    given = {"batch_size": 9, "epochs": 2, "verbose": 0} | given | options
    history = model.fit(**given).history
    weights = {"sample_weight": given["sample_weight"]} if "sample_weight" in given else {}
    return model.get_weights(), history, model.evaluate(given["x"], given["y"], 5, 0, **weights)


@pytest.fixture
def float64() -> Any:
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
@pytest.mark.parametrize(("ranks", "shards"), [(2, None), (1, 6), (3, 6), (4, 32)])
def test_ranks_train_as_one_process_does(make: Callable[[], Made], ranks: int, shards: int | None) -> None:
    """With masks and rows sorted by length, penalties, clipping, weights, and parts without rows: 32 of 9 rows."""
    weights, history, result = fitted(make)
    for got, logs, value in in_ranks(ranks, lambda _: fitted(make), shards):
        for own, wanted in zip(got, weights, strict=True):  # sums of 1e2 numbers in another order, over 6 steps
            np.testing.assert_allclose(own, wanted, rtol=1e-11, atol=1e-13)
        assert {name: pytest.approx(values, rel=1e-10) for name, values in history.items()} == logs
        assert value == pytest.approx(result, rel=1e-10)


@pytest.mark.filterwarnings("ignore:the loss is nan")
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("ranks", "shards"), [(2, None), (1, 4), (2, 4)])
def test_rows_that_are_broken_and_do_not_count_are_done_over_on_all_ranks(ranks: int, shards: int | None) -> None:
    """Where a row of one rank is part of the means of all."""

    def weights(_: Any) -> Any:
        keras.utils.set_random_seed(5)
        model, given = normalized(layers.Dense(4), _norm(), layers.Dense(1), layers.ActivityRegularization(l2=0.03))
        broken = np.arange(ROWS) == 3
        x, counts = np.where(broken[:, None, None], np.nan, given["x"]), 1.0 - broken
        model.fit(x, LABELS, 7, 2, verbose=0, shuffle=False, sample_weight=counts)
        return model.get_weights()

    wanted = weights(None)
    assert all(np.isfinite(own).all() for own in wanted)
    for got in in_ranks(ranks, weights, shards):
        for own, other in zip(got, wanted, strict=True):  # as above
            np.testing.assert_allclose(own, other, rtol=1e-11, atol=1e-13)


def test_the_mean_of_the_means_of_ranks_would_be_far_off() -> None:
    """So the test above sees whose denominators are taken."""
    model, given = masked()
    halves = [slice(0, 11), slice(11, 22)]
    means = [model.test_on_batch(given["x"][part], given["y"][part])[0] for part in halves]
    assert abs(np.mean(means) / model.test_on_batch(given["x"], given["y"])[0] - 1) > 0.03


# -- the same bits for any number of ranks -------------------------------------------------------------------------

SHARED_BY_ALL = {"of_numbered", "of_numbered_in_parts", "of_generator"}
"""They draw from NumPy's own generator, which ranks that are threads share; test_keras_mpi.py has them."""
REFUSED = {"stateful", "of_ones_own"}


def bits_of(name: str, **options: Any) -> list[Any]:
    keras.utils.set_random_seed(7)
    model, own = TRAININGS[name]()
    given = {"x": X, "y": Y, "batch_size": SIZE, "epochs": 4, "verbose": 0} | own | options
    history = model.fit(**given)
    state = [np.asarray(part).tobytes() for part in (*model.get_weights(), *model.optimizer.get_weights())]
    return [state, repr(history.history), history.epoch]


@pytest.mark.parametrize("name", sorted({*TRAININGS} - SHARED_BY_ALL - REFUSED))
def test_trainings_have_the_same_bits_for_1_2_and_4_ranks(name: str) -> None:
    """Noise, weights of rows, several outputs, callbacks that decide, batches of all kinds, the last a short one."""
    (wanted,) = in_ranks(1, lambda _: bits_of(name), shards=4)
    for ranks in (2, 4):
        assert in_ranks(ranks, lambda _: bits_of(name), shards=4) == [wanted] * ranks


def with_noise_behind_normalization() -> Made:
    """From a generator of the layer, which a part goes on with that has waited."""
    return normalized(layers.Dropout(0.3), _norm(), layers.Dropout(0.3, seed=4), _norm(), layers.Dense(1))


@pytest.mark.parametrize("make", [*MADE, with_noise_behind_normalization], ids=lambda make: make.__name__)
def test_masks_penalties_and_clipping_have_the_same_bits(make: Callable[[], Made]) -> None:
    ((weights, *logs),) = in_ranks(1, lambda _: fitted(make, epochs=1), shards=12)
    for ranks in (2, 3, 4):
        for got, *other in in_ranks(ranks, lambda _: fitted(make, epochs=1), shards=12):
            assert all((own == wanted).all() for own, wanted in zip(got, weights, strict=True))
            assert repr(other) == repr(logs)


def test_single_steps_have_the_same_bits() -> None:
    def steps(_: Any) -> Any:
        model, _ = TRAININGS["noisy"]()
        found = [model.train_on_batch(X[:n], Y[:n]) for n in (9, 3, 1)]
        return repr(found), repr(model.test_on_batch(X, Y)), [w.tobytes() for w in model.get_weights()]

    (wanted,) = in_ranks(1, steps, shards=4)
    assert in_ranks(4, steps, shards=4) == [wanted] * 4


# -- what ranks have in common -------------------------------------------------------------------------------------


def small(**options: Any) -> Sequential:
    model = Sequential([Input((5, 3)), layers.LSTM(4), layers.Dense(1)])
    model.compile(**{"optimizer": "adam", "loss": "mse"} | options)
    return model


def test_ranks_begin_with_the_weights_of_the_first() -> None:
    """Whatever their own seeds were; and draw the same orders."""

    def train(d: DataParallel) -> Any:
        keras.utils.set_random_seed(d.rank)
        model = small()
        model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
        return [w.tobytes() for w in model.get_weights()]

    first, second = in_ranks(2, train)
    assert first == second


def test_ranks_go_on_from_the_state_of_the_optimizer_of_the_first() -> None:
    def train(d: DataParallel) -> Any:
        model = small()
        if d.rank == 0:
            with distribution_off():
                model.fit(X, Y, epochs=3, verbose=0)
        model.fit(X, Y, batch_size=8, verbose=0)
        return [np.asarray(w).tobytes() for w in model.optimizer.get_weights()]

    first, second = in_ranks(2, train)
    assert first == second


def test_ranks_evaluate_what_the_first_has() -> None:
    def evaluate(d: DataParallel) -> Any:
        keras.utils.set_random_seed(d.rank)
        return small().evaluate(X, Y, verbose=0)

    first, second = in_ranks(2, evaluate)
    keras.utils.set_random_seed(0)
    assert first == second == pytest.approx(small().evaluate(X, Y, verbose=0), rel=1e-6)  # float32, another order


def distribution_off() -> Any:
    return DataParallel(Comm(Job(1), 0)).scope()


def unequal_rows(d: DataParallel) -> None:
    small().fit(X[: 20 - d.rank], Y[: 20 - d.rank], verbose=0)


def unequal_batches(d: DataParallel) -> None:
    small().fit(((X[:4], Y[:4]) for _ in range(3 + d.rank)), verbose=0)


def unequal_sizes(d: DataParallel) -> None:
    small().fit(X, Y, batch_size=8 + d.rank, verbose=0)


def unequal_models(d: DataParallel) -> None:
    model = Sequential([Input((5, 3)), layers.LSTM(4 + d.rank), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)


def unequal_steps(d: DataParallel) -> None:
    small().train_on_batch(X[: 8 + d.rank], Y[: 8 + d.rank])


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (unequal_rows, r"x must be the same on every rank, got .*'rows': 20.* on rank 0 and .*'rows': 19.* on rank 1"),
        (
            unequal_batches,
            "the number of rows of a batch must be the same on every rank, got 0 on rank 0 and 4 on rank 1",
        ),
        (unequal_sizes, "'batch_size': 8"),
        (unequal_models, "the weights of the model must be the same on every rank"),
        (
            unequal_steps,
            "the number of rows of a batch must be the same on every rank, got 8 on rank 0 and 9 on rank 1",
        ),
    ],
)
def test_what_differs_between_ranks_is_refused_on_all(run: Any, text: str) -> None:
    errors = in_ranks(2, lambda d: message_of(lambda: run(d)))
    assert errors[0] == errors[1]
    with pytest.raises(ValueError, match=text):
        in_ranks(2, run)


def message_of(run: Callable[[], Any]) -> str:
    with pytest.raises(ValueError, match="must") as error:
        run()
    return str(error.value)


# -- callbacks, files and words ------------------------------------------------------------------------------------


class Noted(callbacks.Callback):
    """Notes what it is told, changes the model, and evaluates it."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.rank, self.told = rank, list[Any]()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.told.append((batch, logs["loss"]))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["seen"] = self.model.evaluate(X, Y, verbose=0)
        self.model.optimizer.learning_rate = 0.5**epoch
        self.model.layers[-1].set_weights([np.full((4, 1), epoch), np.zeros(1)])
        if epoch == 2:
            self.model.stop_training = True


def test_callbacks_run_on_the_first_rank_and_all_follow() -> None:
    def train(d: DataParallel) -> Any:
        model, noted = small(), Noted(d.rank)
        history = model.fit(X, Y, batch_size=8, epochs=9, verbose=0, callbacks=[noted])
        return len(noted.told), repr(history.history), model.optimizer.learning_rate, model.get_weights()[-2].tolist()

    first, second = in_ranks(2, train)
    assert (first[0], second[0]) == (9, 0)
    assert first[1:] == second[1:]
    assert (first[2], first[3]) == (0.25, [[2.0]] * 4)
    assert "'seen'" in first[1]


def test_only_the_first_rank_may_have_callbacks() -> None:
    def train(d: DataParallel) -> Any:
        given = [callbacks.EarlyStopping("loss", patience=1, min_delta=9.0)] if d.rank == 0 else None
        return small().fit(X, Y, epochs=9, verbose=0, callbacks=given).epoch

    assert in_ranks(3, train) == [[0, 1]] * 3


def test_one_rank_prints(capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as written:
        in_ranks(2, lambda d: small().fit(X, Y, epochs=2, verbose=2, validation_split=0.2))
    assert written.getvalue().count("Epoch 1/2") == 1
    assert written.getvalue().count("val_loss") == 2


def test_one_rank_warns_of_a_loss_that_is_not_finite() -> None:
    with pytest.warns(RuntimeWarning, match="the loss is nan") as warned:
        in_ranks(2, lambda d: small().fit(np.full_like(X, np.nan), Y, verbose=0))
    assert len(warned) == 1


class Broken(callbacks.Callback):
    """Ends a training."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 2:
            raise InterruptedError


@pytest.mark.parametrize("name", ["noisy", "watched", "of_passes"])
def test_a_training_goes_on_with_another_number_of_ranks(name: str, tmp_path: Any) -> None:
    def interrupted(d: DataParallel) -> None:
        more = [callbacks.BackupAndRestore(tmp_path), Broken()]
        bits_of(name, callbacks=[*TRAININGS[name]()[1].get("callbacks", ()), *more])

    def resumed(d: DataParallel) -> Any:
        given = [callbacks.BackupAndRestore(tmp_path if d.rank == 0 else tmp_path / "none")]
        return bits_of(name, callbacks=[*TRAININGS[name]()[1].get("callbacks", ()), *given])

    (wanted,) = in_ranks(1, lambda d: bits_of(name), shards=4)
    with pytest.raises(InterruptedError):
        in_ranks(1, interrupted, shards=4)
    for got in in_ranks(4, resumed, shards=4):
        assert got == wanted


def test_a_training_goes_on_within_an_epoch(tmp_path: Any) -> None:
    """With the metrics of the batches before."""
    path = tmp_path / "checkpoint.fastlstm"

    def train(**options: Any) -> Any:
        return bits_of("averaged", **options)

    (wanted,) = in_ranks(1, lambda d: train(), shards=4)
    with pytest.raises(InterruptedError):
        in_ranks(2, lambda d: train(callbacks=[callbacks.ModelCheckpoint(path, save_freq=3), Stopping()]), shards=4)
    for got in in_ranks(4, lambda d: train(resume_from=path), shards=4):
        assert got == wanted


class Stopping(callbacks.Callback):
    """Ends a training within its second epoch."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if (self.params["epochs"], batch) == (4, 3) and self.model.optimizer.iterations:
            raise InterruptedError


# -- parts that wait for each other ---------------------------------------------------------------------------------


def asking(times: int, error: BaseException | None = None) -> Callable[[Any], list[float]]:
    """Return the work of a part: it asks for sums, and then raises an error or gives them."""

    def work(total: Any) -> list[float]:
        found = [float(total(np.ones(1) * k)[0]) for k in range(times)]
        if error is not None:
            raise error
        return found

    return work


def taken(*works: Any) -> dict[int, list[float]]:
    return Turns(dict(enumerate(works)), lambda asked: sum(asked.values(), np.zeros(1)), contextlib.nullcontext).taken()


def test_parts_get_what_all_have_asked_for() -> None:
    assert taken(asking(3), asking(3), asking(3)) == {k: [0.0, 3.0, 6.0] for k in range(3)}
    assert taken(asking(2)) == {0: [0.0, 1.0]}


def test_parts_that_ask_for_nothing_need_no_threads() -> None:
    threads = taken(*[lambda total: threading.get_ident()] * 3)  # type: ignore[list-item]
    assert set(threads.values()) == {threading.get_ident()}


def test_sums_are_made_in_the_thread_that_begins() -> None:
    """An MPI may allow no other."""
    found = []

    def added(asked: Any) -> Any:
        found.append(threading.get_ident())
        return asked[0]

    Turns(dict.fromkeys(range(3), asking(4)), added, contextlib.nullcontext).taken()
    assert found == [threading.get_ident()] * 4


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("times", [0, 1, 2])
def test_the_error_of_a_part_ends_all(place: int, times: int) -> None:
    works = [asking(2) for _ in range(3)]
    works[place] = asking(times, LookupError("a hole"))
    before = threading.active_count()
    with pytest.raises(LookupError, match="a hole"):
        taken(*works)
    assert threading.active_count() == before


def test_ctrl_c_ends_all_parts_when_the_one_that_works_asks() -> None:
    """Signals reach the main thread, which may be waiting."""

    def interrupting(total: Any) -> list[float]:
        total(np.ones(1))
        signal.raise_signal(signal.SIGINT)
        return [float(total(np.ones(1))[0]) for _ in range(1000)]

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        taken(asking(1001), asking(1001), interrupting)
    assert threading.active_count() == before


@pytest.mark.parametrize("times", [(2, 2, 1), (1, 2, 2), (0, 0, 1), (1, 0, 0)])
def test_parts_that_ask_for_more_than_others_are_refused(times: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="layers must ask for the same sums for all parts of a batch"):
        taken(*map(asking, times))


# -- what is refused -----------------------------------------------------------------------------------------------


def fit_of(*chain: Any, loss: Any = "mse", **options: Any) -> Any:
    model = Sequential([Input((5, 3), batch_size=options.pop("rows", None)), *chain, layers.Dense(1)])
    model.compile("sgd", loss)
    return model.fit(X[:20], Y[:20], batch_size=10, verbose=0, **options)


class Counting(layers.Layer):
    """Assigns to a weight of its own in training."""

    def build(self, input_shape: Any) -> None:
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x: Any) -> Any:
        self.calls.assign(self.calls + 1.0)
        return x


REFUSALS: dict[str, tuple[Callable[[], Any], str]] = {
    "stateful": (lambda: fit_of(layers.LSTM(2, stateful=True), rows=10), "no layer that is stateful where"),
    "assigning": (lambda: fit_of(Counting(), layers.LSTM(2)), "leave weights that are not trained as they are"),
    "one loss": (
        lambda: fit_of(layers.LSTM(2), loss=lambda y, p: keras.ops.max(abs(y - p))),
        "must give a value for every row where several ranks train",
    ),
    "gradient flow": (
        lambda: fit_of(layers.LSTM(2), callbacks=[callbacks.GradientFlow()]),
        "callbacks must not have a GradientFlow",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_needs_all_rows_is_refused(name: str) -> None:
    run, text = REFUSALS[name]
    with pytest.raises(ValueError, match=text):
        in_ranks(2, lambda d: run())


def test_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="shards must be a multiple of the number of ranks, 4, got 6"):
        DataParallel(Comm(Job(4), 0), shards=6)
    with pytest.raises(TypeError, match="comm must be a communicator of mpi4py, got 4"):
        DataParallel(4)
    with pytest.raises(TypeError, match="value must be a DataParallel or None, got 4"):
        distribution.set_distribution(4)  # type: ignore[arg-type]


def test_without_mpi4py_an_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(ImportError, match=r"DataParallel needs mpi4py: pip install fastlstm\[mpi\]"):
        DataParallel()


def test_a_distribution_of_one_rank_changes_nothing() -> None:
    alone = fitted(masked)
    (got,) = in_ranks(1, lambda d: fitted(masked))
    assert repr(got) == repr(alone)


def test_what_is_in_force() -> None:
    alone = DataParallel(Comm(Job(1), 0))
    assert distribution.distribution() is None
    distribution.set_distribution(alone)
    try:
        assert distribution.distribution() is alone
        with DataParallel(Comm(Job(1), 0), shards=2).scope():
            assert distribution.distribution() is not alone
        assert distribution.distribution() is alone
    finally:
        distribution.set_distribution(None)


# -- engines of one's own ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("make", [masked, with_weights, with_mean_of_weights, with_penalties])
def test_gradients_of_parts_make_those_of_the_whole(make: Callable[[], Made]) -> None:
    """Weighted with their counts; two halves of a step are a step of training."""
    keras.utils.set_random_seed(5)
    model, given = make()
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    twin.compile(optimizers.SGD.from_config(model.optimizer.get_config()), model.loss)
    names = ("x", "y", "sample_weight")
    whole = [given.get(name) for name in names]
    part = lambda rows: [None if array is None else array[rows] for array in whole]  # noqa: E731
    found = [model.compute_gradients(*part(rows)) for rows in (slice(0, 5), slice(5, 9), slice(9, ROWS))]
    counts = [one.counts[0] for one in found]
    if make is not with_penalties:  # those on outputs are means over rows
        gradients = [np.average(parts, 0, counts) for parts in zip(*(one.gradients for one in found), strict=True)]
        for got, wanted in zip(gradients, model.compute_gradients(*whole).gradients, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-14)
    gradients = model.compute_gradients(*whole).gradients
    assert model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True)) == 1
    twin.train_on_batch(*whole)
    assert all((a == b).all() for a, b in zip(model.get_weights(), twin.get_weights(), strict=True))
