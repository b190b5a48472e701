"""What the worked examples on series stand on: no forecast sees what is to come, and intervals are what they say."""

from __future__ import annotations

from pathlib import Path
from statistics import stdev

import numpy as np
import pytest
from alarms import Piece, leads, leads_at
from demand import Series, windows
from five_nets import NETS, equal_units, net
from glucose import HIGH, HOUR, piece
from measuring import best_ridge, group_interval, inside, interval, ridge

RNG = np.random.default_rng(7)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "classes"), [((29, 12), 9), ((8, 8), 10), ((64, 1), 10)])
def test_five_nets_have_equally_many_parameters(shape: tuple[int, int], classes: int) -> None:
    counts = [net(name, shape, classes, equal_units(name, shape, classes)).count_params() for name in NETS]
    assert counts[0] == net("LSTM", shape, classes, (32, 32)).count_params()
    np.testing.assert_allclose(counts, counts[0], rtol=0.02)  # what the page says


def test_side_by_side_has_both() -> None:
    model = net("side by side", (5, 3), 4, (6, 7))
    assert [type(layer).__name__ for layer in model.layers[1:3]] == ["LSTM", "SimpleRNN"]
    assert model.layers[-1].kernel.shape == (13, 4)


SERIES = Series("made", np.zeros((2, 60, 3)), season=7, lags=10, choose=30, test=45, block=5)


def test_windows_see_nothing_of_what_is_to_come() -> None:
    scaled = RNG.normal(size=(2, 60, 3))
    other = scaled.copy()
    other[:, 40:] = RNG.normal(size=(2, 20, 3))
    one, two = (windows(SERIES, values, 24, 41) for values in (scaled, other))
    np.testing.assert_array_equal(one.x, two.x)
    np.testing.assert_array_equal(one.flat, two.flat)
    changed = (one.change != two.change).any(1).reshape(2, -1)
    assert changed[:, -1].all()
    assert not changed[:, :-1].any()


def test_windows_have_what_they_say() -> None:
    scaled = RNG.normal(size=(2, 60, 3))
    found = windows(SERIES, scaled, 40, 60)
    assert found.x.shape == (40, 10, 3 + 3 + 7)
    np.testing.assert_allclose(found.change[0], scaled[0, 40] - scaled[0, 33], rtol=1e-6)  # rounded to float32
    np.testing.assert_allclose(found.x[0, -1, :3], scaled[0, 39] - scaled[0, 32], rtol=1e-6)
    np.testing.assert_allclose(found.x[0, -1, 3:6], scaled[0, 33] - scaled[0, 26], rtol=1e-6)
    np.testing.assert_array_equal(found.x[0, -1, 6:], np.eye(7)[40 % 7])
    np.testing.assert_array_equal(found.flat[0, :-7], scaled[0, 30:40].ravel())


def test_the_first_windows_see_nothing_of_the_last_steps() -> None:
    """Changes of the first season are against the end of the series: nets begin behind them, and ridge sees none."""
    scaled = RNG.normal(size=(2, 60, 3))
    other = scaled.copy()
    other[:, 50:] = 0
    begin = SERIES.lags + 2 * SERIES.season
    np.testing.assert_array_equal(windows(SERIES, scaled, begin, 30).x, windows(SERIES, other, begin, 30).x)
    one, two = (windows(SERIES, values, 0, 30) for values in (scaled, other))
    np.testing.assert_array_equal(one.flat, two.flat)
    np.testing.assert_array_equal(one.change, two.change)
    assert (one.x != two.x).any()


def levels() -> np.ndarray:
    found = np.full(60, 120.0)
    found[30:40] = HIGH + 10
    return found


def test_a_reading_is_told_before_the_rise_and_not_of_it() -> None:
    found = piece(3, 5.0 * np.arange(60), levels())
    assert found.events.tolist() == [30]
    assert np.flatnonzero(found.soon & found.counts).tolist() == [24, 25, 26, 27, 28, 29]
    assert not found.counts[:HOUR].any()
    assert not found.counts[30:40].any()
    assert not found.counts[-6:].any()  # what comes is not known
    later = levels()
    later[25:] = 130
    np.testing.assert_array_equal(piece(3, 5.0 * np.arange(60), later).x[:25], found.x[:25])


def of_one(score: np.ndarray) -> tuple[list[Piece], list[np.ndarray]]:
    return [piece(0, 5.0 * np.arange(60), levels())], [score]


def test_alarms_lead_or_are_false() -> None:
    score = np.zeros(60)
    score[[15, 16, 26, 28, 35, 45]] = 1  # false, too soon after, four readings before, too soon, during it, false
    found, false = leads(*of_one(score), threshold=0.5)
    assert found.tolist() == [4]
    assert false == 2


def test_a_threshold_has_no_more_false_alarms_than_asked_for() -> None:
    score = np.zeros(60)
    score[[15, 27, 45, 50]] = [0.9, 0.5, 0.7, 0.4]
    assert leads_at(*of_one(score), false=1).tolist() == [0]  # 0.5 has two
    assert leads_at(*of_one(score), false=2).tolist() == [3]


def test_an_interval_is_that_of_student() -> None:
    values = [90.0, 91, 93, 92, 91]
    assert interval(values) == f"91.4 ± {2.776 * stdev(values) / 5**0.5:.1f}"
    assert interval([3.0]) == "3.0"
    assert interval([1.0, 3], "{:+.1f}") == "+2.0 ± 12.7"


def test_groups_are_drawn_whole() -> None:
    """Hundred equal numbers of a group say no more than one of them."""
    values = RNG.normal(size=20)
    assert group_interval(np.repeat(values, 100), np.repeat(np.arange(20), 100)) == group_interval(
        values, np.arange(20)
    )
    assert group_interval(np.ones(10), np.arange(10) // 2) == "+1.0 (+1.0 to +1.0)"


def test_ridge_without_a_penalty_is_least_squares() -> None:
    x, y = RNG.normal(size=(50, 3)), RNG.normal(size=(50, 2))
    wanted = np.linalg.lstsq(np.c_[x, np.ones(50)], y, rcond=None)[0]
    np.testing.assert_allclose(ridge(x, y, 0.0), wanted, atol=1e-12)  # well conditioned
    np.testing.assert_allclose(ridge(x, y, 1e12)[-1], y.mean(0), atol=1e-6)  # the constant is not drawn to 0


def test_the_penalty_is_chosen_on_the_part_for_choosing() -> None:
    x = RNG.normal(size=(60, 40))
    y = x[:, :1] + RNG.normal(size=(60, 1))
    fit, choose = (x[:45], y[:45]), (x[45:], y[45:])
    candidates = [np.c_[x[45:], np.ones(15)] @ ridge(*fit, penalty) for penalty in 10.0 ** np.arange(-1, 6)]
    wanted = min(candidates, key=lambda found: float(((found - y[45:]) ** 2).sum()))
    np.testing.assert_allclose(best_ridge(fit, choose, x[45:]), wanted, atol=1e-12)


def test_a_missing_package_is_named_with_what_to_do() -> None:
    with pytest.raises(SystemExit, match="which is not installed: pip install nothing"):
        inside("there_is_no_such_package", "data.csv", "pip install nothing")
    with pytest.raises(SystemExit, match=r"numpy has no data\.csv any more"):
        inside("numpy", "data.csv", "pip install numpy")
    assert inside("numpy", "__init__.py", "pip install numpy") == Path(np.__file__)
