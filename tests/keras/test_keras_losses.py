"""Losses and metrics: values worked by hand, gradients, reductions, and what accuracy means."""

import itertools
import math

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, layers, losses, metrics
from fastlstm.keras.losses import plain

# Central differences in float64 are good to about 1e-9 relative; values here are of order one.
GRADIENT = 1e-7
# float64 formulas of a few operations.
EXACT = 1e-12

RNG = np.random.default_rng(0)
PROBABILITIES = RNG.uniform(0.2, 1.0, (3, 2, 4))
PROBABILITIES /= PROBABILITIES.sum(-1, keepdims=True)
ONE_HOT = np.eye(4)[RNG.integers(0, 4, (3, 2))]
NUMBERS = RNG.integers(0, 4, (3, 2))
BITS = RNG.integers(0, 2, (3, 2, 4)).astype(float)
REAL = RNG.normal(size=(3, 2, 4))

CASES = {
    "cce": (losses.CategoricalCrossentropy(), ONE_HOT, PROBABILITIES * 1.7),
    "cce_smoothed": (losses.CategoricalCrossentropy(label_smoothing=0.2), ONE_HOT, PROBABILITIES),
    "cce_logits": (losses.CategoricalCrossentropy(from_logits=True), ONE_HOT, REAL),
    "cce_soft_labels": (losses.CategoricalCrossentropy(from_logits=True), 2 * PROBABILITIES, REAL),
    "sparse": (losses.SparseCategoricalCrossentropy(), NUMBERS, PROBABILITIES * 0.9),
    "sparse_logits": (losses.SparseCategoricalCrossentropy(from_logits=True), NUMBERS, REAL),
    "bce": (losses.BinaryCrossentropy(), BITS, PROBABILITIES),
    "bce_smoothed": (losses.BinaryCrossentropy(label_smoothing=0.2), BITS, PROBABILITIES),
    "bce_logits": (losses.BinaryCrossentropy(from_logits=True), BITS, REAL),
    "mse": (losses.MeanSquaredError(), BITS, REAL),
    "mae": (losses.MeanAbsoluteError(), BITS, REAL),
    "huber": (losses.Huber(0.7), BITS, REAL),
    "log_cosh": (losses.LogCosh(), BITS, REAL),
    "mape": (losses.MeanAbsolutePercentageError(), REAL, PROBABILITIES),
    "msle": (losses.MeanSquaredLogarithmicError(), BITS, REAL),
    "cosine": (losses.CosineSimilarity(), BITS, REAL),
    "cosine_along_steps": (losses.CosineSimilarity(axis=1), BITS, REAL),
    "poisson": (losses.Poisson(), BITS, PROBABILITIES),
    "kld": (losses.KLDivergence(), ONE_HOT, PROBABILITIES),
    "hinge": (losses.Hinge(), 2 * BITS - 1, REAL),
    "squared_hinge": (losses.SquaredHinge(), 2 * BITS - 1, REAL),
    "categorical_hinge": (losses.CategoricalHinge(), ONE_HOT, REAL),
    "focal": (losses.BinaryFocalCrossentropy(True, 0.3, 1.5), BITS, PROBABILITIES),
    "focal_logits": (losses.BinaryFocalCrossentropy(from_logits=True, label_smoothing=0.1), BITS, REAL),
    "focal_of_none": (losses.BinaryFocalCrossentropy(gamma=0.0), BITS, PROBABILITIES),
    "categorical_focal": (losses.CategoricalFocalCrossentropy([0.1, 0.2, 0.3, 0.4]), ONE_HOT, PROBABILITIES * 1.7),
    "categorical_focal_logits": (losses.CategoricalFocalCrossentropy(from_logits=True), ONE_HOT, REAL),
    "generalized": (losses.CategoricalGeneralizedCrossEntropy(0.7), NUMBERS, PROBABILITIES),
    "dice": (losses.Dice(), BITS, PROBABILITIES),
    "dice_by_row": (losses.Dice(axis=(1, 2)), BITS, PROBABILITIES),
    "tversky": (losses.Tversky(0.3, 0.7), BITS, PROBABILITIES),
    "tversky_along_steps": (losses.Tversky(0.3, 0.7, axis=1), BITS, PROBABILITIES),
    "ctc": (losses.CTC(), np.array([[1, 2, 1], [3, 3, 0], [0, 0, 0]]), RNG.normal(size=(3, 6, 4))),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_central_differences(name, central_differences):
    loss, y, p = CASES[name]
    got = loss.gradient(y, p)
    np.testing.assert_allclose(got, central_differences(lambda v: float(loss.call(y, v).sum()), p), atol=GRADIENT)


FUSED = {
    "cce": (losses.CategoricalCrossentropy(), ONE_HOT),
    "cce_smoothed": (losses.CategoricalCrossentropy(label_smoothing=0.1), ONE_HOT),
    "sparse": (losses.SparseCategoricalCrossentropy(), NUMBERS),
    "bce": (losses.BinaryCrossentropy(label_smoothing=0.1), BITS),
}


@pytest.mark.parametrize("name", FUSED)
def test_fused_agrees_with_the_plain_loss_and_differences(name, central_differences):
    loss, y = FUSED[name]
    entries, p, slope = loss.fused(y, REAL)
    np.testing.assert_allclose(entries, loss.call(y, p), atol=1e-9)
    numeric = central_differences(lambda v: float(loss.fused(y, v)[0].sum()), REAL)
    np.testing.assert_allclose(slope, numeric, atol=GRADIENT)


@pytest.mark.parametrize("kind", [*plain.PlainLoss.__subclasses__(), losses.SquaredHinge])
def test_what_comes_first_without_a_name_is_the_reduction(kind):
    loss = kind("sum", "mine")
    assert (loss.reduction, loss.name) == ("sum", "mine")
    assert (kind().reduction, kind(name="mine").name) == ("sum_over_batch_size", "mine")


def test_values_by_hand():
    y, p = [[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.8], [0.6, 0.4]]
    mean = -(math.log(0.8) + math.log(0.6)) / 2
    assert losses.CategoricalCrossentropy()(y, p) == pytest.approx(mean, abs=EXACT)
    assert losses.CategoricalCrossentropy(reduction="sum")(y, p) == pytest.approx(2 * mean, abs=EXACT)
    assert losses.SparseCategoricalCrossentropy()([1, 0], p) == pytest.approx(mean, abs=1e-9)
    assert losses.MeanSquaredError()(y, p) == pytest.approx((0.04 + 0.16) / 2, abs=EXACT)
    assert losses.MeanAbsoluteError()(y, p) == pytest.approx(0.3, abs=EXACT)
    assert losses.BinaryCrossentropy()([[1.0]], [[0.25]]) == pytest.approx(math.log(4), abs=EXACT)
    assert losses.Huber(delta=1.0)([[0.0]], [[3.0]]) == pytest.approx(0.5 + 2, abs=EXACT)
    np.testing.assert_allclose(losses.mean_squared_error(y, p), [0.04, 0.16], atol=EXACT)


def test_sample_weights_divide_by_the_number_of_entries():
    y, p = [[0.0], [0.0]], [[1.0], [2.0]]
    assert losses.MeanSquaredError()(y, p, sample_weight=[1.0, 3.0]) == pytest.approx((1 + 3 * 4) / 2, abs=EXACT)
    weighted = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    assert weighted(y, p, sample_weight=[1.0, 3.0]) == pytest.approx(13 / 4, abs=EXACT)
    np.testing.assert_allclose(losses.MeanSquaredError(reduction="none")(y, p, sample_weight=[1.0, 3.0]), [1, 12])


NOT_A_NUMBER = {"dice", "tversky", "dice_by_row", "tversky_along_steps", "cosine_along_steps", "ctc"}


@pytest.mark.parametrize("name", sorted(CASES.keys() - NOT_A_NUMBER))
def test_what_has_no_weight_may_be_anything(name):
    loss, y, p = CASES[name]
    weights = np.array([[1.0, 0.0], [0.5, 2.0], [1.0, 1.0]])
    broken, out = y.astype(float), p.copy()
    broken[0, 1], out[0, 1] = 1e9 if y.dtype.kind == "i" else np.nan, np.nan
    value = loss(broken, out, sample_weight=weights)
    y, p = y.copy(), p.copy()
    y[0, 1], p[0, 1] = y[0, 0], p[0, 0]
    assert value == pytest.approx(loss(y, p, sample_weight=weights), rel=1e-12)


def paths_spelling(label, logits):
    """The probability of a label: of all ways to choose classes, those that spell it."""
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        spelled = [c for c, before in zip(path, (0, *path), strict=False) if c and c != before]
        if spelled == label:
            total += math.prod(p[t, c] for t, c in enumerate(path))
    return total


@pytest.mark.parametrize("label", [[], [1], [2, 1], [1, 1], [2, 2, 1], [1, 2, 1]])
def test_ctc_counts_all_ways(label):
    logits = np.random.default_rng(1).normal(size=(5, 3))
    y = np.zeros((1, 3))
    y[0, : len(label)] = label
    assert losses.CTC()(y, logits[None]) == pytest.approx(-math.log(paths_spelling(label, logits)), rel=1e-12)


def test_ctc_of_too_few_steps_and_of_wrong_labels():
    logits = np.zeros((2, 2, 3))
    loss, y = losses.CTC(reduction="none"), np.array([[1, 1], [1, 2]])
    np.testing.assert_allclose(loss(y, logits), [np.inf, math.log(9)])
    assert np.isfinite(loss.gradient(y, logits)).all()
    for wrong, shown in (([[0, 1]], r"\[0.0, 1.0\] at row 0"), ([[3, 0]], r"\[3.0, 0.0\] at row 0")):
        with pytest.raises(ValueError, match=f"y must hold whole numbers from 0 to 2, zeros at the end .* got {shown}"):
            loss(wrong, logits[:1])
    assert loss([[9, 9], [1, 2]], logits, sample_weight=[0, 1])[1] == pytest.approx(math.log(9))
    with pytest.raises(ValueError, match=r"y must have shape \(batch, length\), got \(2,\)"):
        loss([1, 2], logits)


def test_ctc_of_long_sequences_is_finite():
    logits = np.zeros((1, 3000, 5))
    logits[..., 4] = 50.0
    value = losses.CTC()([[1, 2, 3]], logits)
    assert np.isfinite(value)
    assert value > 3 * 40


def test_ctc_agrees_with_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    for _ in range(20):
        rows, steps, classes, length = rng.integers((1, 4, 2, 1), (5, 12, 6, 4))
        logits, lengths = 3 * rng.normal(size=(rows, steps, classes)), rng.integers(0, length + 1, rows)
        y = rng.integers(1, classes, (rows, length)) * (np.arange(length) < lengths[:, None])
        x = torch.tensor(logits, requires_grad=True)
        given = (torch.log_softmax(x, -1).transpose(0, 1), torch.tensor(y), torch.full((int(rows),), int(steps)))
        wanted = torch.nn.functional.ctc_loss(*given, torch.tensor(lengths), blank=0, reduction="none")
        entries, pullback = losses.CTC().with_pullback(y, logits)
        np.testing.assert_allclose(entries, wanted.detach().numpy(), atol=1e-11)
        possible = np.isfinite(entries)
        wanted[torch.tensor(possible)].sum().backward()
        np.testing.assert_allclose(pullback(None, 1.0)[possible], x.grad.numpy()[possible], atol=1e-11)


def test_hinges_take_labels_of_zero_and_one_for_signs():
    p = [[0.5], [0.5], [0.5]]
    assert losses.Hinge()([[0.0], [1.0], [1.0]], p) == pytest.approx((1.5 + 0.5 + 0.5) / 3)
    assert losses.Hinge()([[0.0], [1.0], [-1.0]], p) == pytest.approx((1 + 0.5 + 1.5) / 3)
    # What does not count has no say in what the labels are.
    assert losses.Hinge()([[0.0], [1.0], [7.0]], p, sample_weight=[1, 1, 0]) == pytest.approx(2 / 3)


def test_metrics_beside_a_hinge_have_the_labels_as_they_are():
    x, y = np.zeros((4, 2, 1), "float32"), np.array([[0.0], [1.0], [1.0], [0.0]])
    model = Sequential([Input((2, 1)), layers.LSTM(1)])  # which gives 0
    model.compile("sgd", "hinge", metrics=["mae"], weighted_metrics=["mse"])
    assert model.evaluate(x, y, 2, verbose=0) == pytest.approx([1, 0.5, 0.5])
    weighted = model.evaluate(
        x, np.array([[0.0], [1.0], [7.0], [0.0]]), sample_weight=np.array([1, 1, 0, 1]), verbose=0
    )
    assert weighted == pytest.approx([0.75, 8 / 4, 1 / 3])
    model.fit(x, y, verbose=0)
    np.testing.assert_allclose(
        model.layers[0].trainable_weights[2].numpy()[2], 0, atol=1e-7
    )  # signs take each other out


def test_certain_mistakes_are_clipped_without_and_finite_with_logits():
    assert losses.CategoricalCrossentropy()([[1.0, 0.0]], [[0.0, 1.0]]) == pytest.approx(-math.log(1e-7), abs=1e-9)
    fused = losses.CategoricalCrossentropy().fused(np.array([[1.0, 0.0]]), np.array([[-500.0, 500.0]]))[0]
    assert fused[0] == pytest.approx(1000, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("categorical_crossentropy", losses.CategoricalCrossentropy),
        ("CategoricalCrossentropy", losses.CategoricalCrossentropy),
        ("bce", losses.BinaryCrossentropy),
        ("BCE", losses.BinaryCrossentropy),
        ("mse", losses.MeanSquaredError),
        ("mean_squared_error", losses.MeanSquaredError),
        ("MAE", losses.MeanAbsoluteError),
        (losses.MeanSquaredError, losses.MeanSquaredError),
        (losses.sparse_categorical_crossentropy, losses.SparseCategoricalCrossentropy),
    ],
)
def test_names(name, kind):
    assert type(losses.get(name)) is kind


def test_unknown_names_list_the_valid_ones():
    with pytest.raises(
        ValueError,
        match=r"loss must be a known name or a Loss, got 'nope'; valid names: binary_crossentropy, .*mean_sq",
    ):
        losses.get("nope")
    with pytest.raises(
        ValueError,
        match=r"metrics must be known names or Metrics, got 'nope'; valid names: accuracy, auc, binary_accuracy",
    ):
        metrics.get("nope")
    with pytest.raises(ValueError, match=r"reduction must be 'sum_over_batch_size', .* got 'average'"):
        losses.MeanSquaredError(reduction="average")


def test_accuracies_by_hand():
    p = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.4, 0.4, 0.2]])
    assert metrics.CategoricalAccuracy()(np.eye(3)[[1, 1, 1]], p) == pytest.approx(1 / 3)
    # Of equal outputs the first counts.
    assert metrics.SparseCategoricalAccuracy()([1, 0, 0], p) == 1.0
    assert metrics.SparseCategoricalAccuracy()([[1], [0], [1]], p) == pytest.approx(2 / 3)
    assert metrics.BinaryAccuracy()([[1], [0], [1]], [[0.6], [0.5], [0.4]]) == pytest.approx(2 / 3)
    assert metrics.BinaryAccuracy(threshold=0.3)([1, 0], [[0.6], [0.4]]) == 0.5
    assert metrics.TopKCategoricalAccuracy(k=2)(np.eye(3)[[1, 1, 2]], p) == pytest.approx(2 / 3)
    assert metrics.SparseTopKCategoricalAccuracy(k=1)([1, 0, 2], p) == pytest.approx(2 / 3)


def test_metrics_are_means_over_all_batches_weighted_by_size():
    metric = metrics.MeanAbsoluteError()
    metric.update_state([[0.0], [0.0]], [[1.0], [3.0]])
    metric.update_state([[0.0]], [[5.0]])
    assert metric.result() == pytest.approx(3)
    metric.reset_state()
    assert metric.result() == 0
    metric.update_state([[0.0], [0.0]], [[1.0], [3.0]], sample_weight=[3.0, 1.0])
    assert metric.result() == pytest.approx(6 / 4)
    assert metrics.RootMeanSquaredError()([[0.0], [0.0]], [[1.0], [7.0]]) == pytest.approx(5)


def test_step_weights_count_steps():
    metric = metrics.SparseCategoricalAccuracy()
    p = np.eye(2)[[[0, 1, 1], [0, 0, 0]]]
    weights = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    assert metric([[0, 1, 0], [1, 0, 0]], p, sample_weight=weights) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("y_ndim", "y_last", "shape", "kind"),
    [
        (2, 4, (None, 4), metrics.CategoricalAccuracy),
        (1, 70, (None, 4), metrics.SparseCategoricalAccuracy),
        (2, 1, (None, 4), metrics.SparseCategoricalAccuracy),
        (2, 1, (None, 1), metrics.BinaryAccuracy),
        (3, 4, (None, 5, 4), metrics.CategoricalAccuracy),
        (2, 5, (None, 5, 4), metrics.SparseCategoricalAccuracy),
    ],
)
def test_which_accuracy(y_ndim, y_last, shape, kind):
    assert metrics.accuracy_for(y_ndim, shape, y_last) is kind


MASKED_STEPS = np.array([[True, True, False, True, False], [False] * 5, [True] * 5])


def scattered(slopes, mask):
    """Put the slopes of the steps that are there where these are."""
    found = np.zeros((*mask.shape, slopes[0].shape[-1]))
    for row, there, of_row in zip(found, mask, slopes, strict=True):
        row[there] = of_row
    return found


@pytest.mark.parametrize(
    "make", [losses.Dice, lambda **axis: losses.Tversky(0.3, 0.7, **axis)], ids=["dice", "tversky"]
)
@pytest.mark.parametrize("axis", [None, (1, 2)])
def test_overlaps_have_nothing_of_masked_steps(make, axis):
    loss, rng = make(axis=axis), np.random.default_rng(3)
    y, p = rng.integers(0, 2, (3, 5, 2)).astype(float), rng.uniform(0.1, 0.9, (3, 5, 2))
    entries, pullback, counts = loss.with_mask(y, p, MASKED_STEPS)
    parts = [(y[r][m], p[r][m]) for r, m in enumerate(MASKED_STEPS)]
    if axis is None:
        whole = [np.concatenate(part) for part in zip(*parts, strict=True)]
        assert counts is None
        assert entries == pytest.approx(float(loss.call(*whole)), rel=1e-12)
        slopes = np.split(loss.gradient(*whole), np.cumsum(MASKED_STEPS.sum(axis=1))[:-1])
        np.testing.assert_allclose(pullback(None, 2.0), 2 * scattered(slopes, MASKED_STEPS), rtol=1e-12)
        assert loss.with_mask(y, p, np.zeros((3, 5), bool))[0] == 0
        return
    assert counts.tolist() == [True, False, True]
    rows = [loss.call(*(one[None] for one in part)) for part in parts]
    np.testing.assert_allclose(entries[counts], np.concatenate(rows)[counts], rtol=1e-12)
    slopes = [loss.gradient(*(one[None] for one in part))[0] for part in parts]
    np.testing.assert_allclose(pullback(None, 2.0), 2 * scattered(slopes, MASKED_STEPS), rtol=1e-12)


def test_ctc_spells_along_the_steps_that_are_there():
    loss, logits = losses.CTC(), np.random.default_rng(4).normal(size=(3, 5, 4))
    y = np.array([[1, 0, 0], [2, 1, 0], [3, 3, 1]])
    entries, pullback, counts = loss.with_mask(y, logits, MASKED_STEPS)
    assert counts.tolist() == [True, False, True]
    weights = np.array([0.5, 0.0, 2.0])
    wanted, slopes = np.zeros(3), [np.zeros((0, 4))] * 3
    for row in (0, 2):
        part = y[row : row + 1], logits[row][MASKED_STEPS[row]][None]
        wanted[row] = loss.call(*part)[0]
        slopes[row] = loss.gradient(*part)[0] * weights[row]
    np.testing.assert_allclose(entries[counts], wanted[counts], rtol=1e-12)
    np.testing.assert_allclose(pullback(weights, 1.0), scattered(slopes, MASKED_STEPS), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", ["ctc", "dice", "tversky"])
def test_models_are_trained_without_masked_steps(name):
    """What stands at masked steps changes neither the loss nor the weights."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3, 5, 2)) * MASKED_STEPS[..., None]
    y = np.array([[1, 0], [2, 1], [2, 2]]) if name == "ctc" else rng.integers(0, 2, (3, 5, 3)).astype(float)
    found = []
    for noise in (0.0, 1.0):
        model = Sequential([Input((5, 2)), layers.Masking(), layers.Dense(3, "linear" if name == "ctc" else "sigmoid")])
        model.set_weights([np.linspace(-1, 1, 6).reshape(2, 3), np.zeros(3)])
        model.compile("sgd", name)
        other = y if name == "ctc" else np.where(MASKED_STEPS[..., None], y, y + noise)
        found.append([model.train_on_batch(x, other), model.evaluate(x, other, verbose=0), *model.get_weights()])
    for one, again in zip(*found, strict=True):
        np.testing.assert_array_equal(one, again)
        assert np.isfinite(one).all()
