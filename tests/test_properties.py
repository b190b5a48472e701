"""What must hold for any problem: bits that depend on nothing but the row, and rows that keep to themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import CELLS, Case, make_problem
from helpers import Values, assert_same_bits, kernel_backward, kernel_forward, pack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastlstm as fl

cells = st.sampled_from(CELLS)
sizes = st.integers(1, 70)
cases = st.builds(Case, cells, st.integers(1, 12), st.integers(1, 20), sizes, sizes)
dtypes = st.sampled_from(["float32", "float64"])

# The instruction set outlives the examples of one test, as it should.
each_isa = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@each_isa
@given(case=cases, dtype=dtypes, cut=st.integers(0, 12))
def test_split_sequence_is_the_whole(isa: str, case: Case, dtype: str, cut: int) -> None:
    problem = make_problem(case, dtype)
    whole, cut = kernel_forward(problem), min(cut, case.T)
    first = kernel_forward(replace(problem, x=problem.x[:cut], dy=problem.dy[:cut]))
    rest = replace(problem, x=problem.x[cut:], dy=problem.dy[cut:], h_0=first.h_n, c_0=first.c_n)
    last = kernel_forward(rest)
    assert_same_bits(Values(np.concatenate([first.y, last.y]), last.h_n, last.c_n), whole)


@each_isa
@given(case=cases, dtype=dtypes, data=st.data())
def test_a_row_has_the_same_bits_in_any_batch(isa: str, case: Case, dtype: str, data: st.DataObject) -> None:
    problem = make_problem(case, dtype)
    rows = data.draw(st.lists(st.integers(0, case.N - 1), min_size=1, max_size=9))
    picked = replace(
        problem,
        x=problem.x[:, rows],
        dy=problem.dy[:, rows],
        h_0=problem.h_0[rows],
        c_0=None if problem.c_0 is None else problem.c_0[rows],
    )
    whole = kernel_forward(problem, lengths=problem.lengths)
    part = kernel_forward(picked, lengths=problem.lengths[rows])
    c_n = None if whole.c_n is None else whole.c_n[rows]
    assert_same_bits(part, Values(whole.y[:, rows], whole.h_n[rows], c_n))


@each_isa
@given(case=cases, dtype=dtypes, reverse=st.booleans())
def test_padding_content_does_not_matter(isa: str, case: Case, dtype: str, reverse: bool) -> None:
    problem = make_problem(case, dtype)
    options = {"lengths": problem.lengths, "reverse": reverse}
    x = problem.x.copy()
    x[np.arange(case.T)[:, None] >= problem.lengths] = np.nan
    values, gradients = kernel_backward(problem, **options)
    padded_values, padded_gradients = kernel_backward(replace(problem, x=x), **options)
    assert_same_bits(padded_values, values)
    assert_same_bits(padded_gradients, gradients)


@each_isa
@given(case=cases, dtype=dtypes, reverse=st.booleans(), seed=st.integers(0, 99))
def test_a_mask_leaves_steps_out(isa: str, case: Case, dtype: str, reverse: bool, seed: int) -> None:
    """A row with gaps is that row without them, forward and backward; what is left out is not read and gives zero."""
    problem = make_problem(case, dtype)
    mask = np.random.default_rng(seed).random((case.T, case.N)) < 0.6
    x = np.where(mask[..., None], problem.x, np.nan).astype(dtype)
    values, gradients = kernel_backward(replace(problem, x=x), mask=mask, reverse=reverse)
    packed_x, packed_dy = np.zeros_like(problem.x), np.zeros_like(problem.dy)
    lengths = mask.sum(0)
    for n, length in enumerate(lengths):
        packed_x[:length, n], packed_dy[:length, n] = problem.x[mask[:, n], n], problem.dy[mask[:, n], n]
    packed = replace(problem, x=packed_x, dy=packed_dy)
    wanted_values, wanted_gradients = kernel_backward(packed, lengths=lengths, reverse=reverse)
    y, dx = np.zeros_like(wanted_values.y), np.zeros_like(problem.x)
    for n, length in enumerate(lengths):
        y[mask[:, n], n], dx[mask[:, n], n] = wanted_values.y[:length, n], wanted_gradients.x[:length, n]
    assert_same_bits(values, wanted_values._replace(y=y))
    assert_same_bits(gradients, wanted_gradients._replace(x=dx))


@each_isa
@given(case=cases, dtype=dtypes)
def test_reverse_is_a_flipped_sequence(isa: str, case: Case, dtype: str) -> None:
    problem = make_problem(case, dtype)
    flipped = kernel_forward(replace(problem, x=problem.x[::-1]))
    assert_same_bits(kernel_forward(problem, reverse=True), flipped._replace(y=flipped.y[::-1]))


@each_isa
@given(case=cases, dtype=dtypes)
def test_training_and_inference_agree(isa: str, case: Case, dtype: str) -> None:
    problem = make_problem(case, dtype)
    assert_same_bits(kernel_backward(problem)[0], kernel_forward(problem))


THREADED = [
    Case("lstm", 30, 32, 20, 128),
    Case("lstm", 12, 100, 30, 40),
    Case("lstm", 15, 1, 64, 256),
    Case("lstm", 15, 3, 70, 200),
    Case("gru", 30, 32, 20, 128),
    Case("gru", 12, 100, 30, 40),
    Case("gru", 15, 1, 64, 256),
    Case("gru", 15, 3, 70, 200),
    Case("gru_reset_before", 30, 32, 20, 128),
    Case("gru_reset_before", 12, 100, 30, 40),
    Case("gru_reset_before", 15, 1, 64, 256),
    Case("gru_reset_before", 15, 3, 200, 600),
    Case("rnn_tanh", 20, 64, 100, 130),
    Case("rnn_relu", 20, 2, 300, 500),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", THREADED, ids=lambda case: case.name)
def test_same_bits_for_any_number_of_threads(isa: str, case: Case, dtype: str) -> None:
    problem = make_problem(case, dtype)
    before = fl.get_num_threads()
    try:
        for options in ({}, {"lengths": problem.lengths, "reverse": True}):
            results = []
            for count in (1, 2, 3, 5):
                fl.set_num_threads(count)
                results.append(kernel_backward(problem, **options))
            for values, gradients in results[1:]:
                assert_same_bits(values, results[0][0])
                assert_same_bits(gradients, results[0][1])
    finally:
        fl.set_num_threads(before)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38, 1e30])
@pytest.mark.parametrize("cell", CELLS)
def test_special_values_stay_in_their_row(isa: str, cell: str, bad: float) -> None:
    problem = make_problem(Case(cell, 6, 7, 5, 20))
    clean = kernel_forward(problem)
    x = problem.x.copy()
    x[2, 3, 1] = bad
    dirty = kernel_forward(replace(problem, x=x))
    others = [0, 1, 2, 4, 5, 6]
    np.testing.assert_array_equal(dirty.y[:, others], clean.y[:, others])
    np.testing.assert_array_equal(dirty.y[:2, 3], clean.y[:2, 3])
    if np.isnan(bad):
        assert np.isnan(dirty.y[2:, 3]).all()
    elif cell != "rnn_relu":
        start = float(np.abs(problem.h_0[3]).max()) if "gru" in cell else 0.0  # the mean of h_0 and candidates
        largest = max(1.0, start)
        assert (np.abs(dirty.y[2:, 3]) <= largest + 2**-20).all()
        assert not np.array_equal(dirty.y[2, 3], clean.y[2, 3])


@pytest.mark.parametrize("value", [1e30, 3e38, np.inf, np.nan])
def test_extreme_cell_states(isa: str, value: float) -> None:
    problem = make_problem(Case("lstm", 3, 2, 4, 17))
    c_0 = problem.c_0.copy()
    c_0[1, 5] = value
    dirty = kernel_forward(replace(problem, c_0=c_0))
    assert np.isnan(dirty.c_n[1, 5]) == np.isnan(value)
    assert np.isnan(value) or dirty.c_n[1, 5] >= value * 1e-3
    np.testing.assert_array_equal(dirty.y[:, 0], kernel_forward(problem).y[:, 0])


def test_the_callers_float_mode_is_kept(isa: str, threads: int) -> None:
    """A subnormal product is flushed inside kernels only."""
    subnormal = np.float32(1e-30)
    problem = make_problem(Case("lstm", 30, 32, 20, 128))
    for _ in range(3):
        kernel_backward(problem)
        assert subnormal * np.float32(1e-10) > 0


def test_subnormal_inputs_count_as_zero(isa: str) -> None:
    problem = make_problem(Case("lstm", 4, 2, 3, 8))
    tiny, zero = (replace(problem, x=np.full_like(problem.x, value)) for value in (1e-41, 0.0))
    np.testing.assert_array_equal(kernel_forward(tiny).y, kernel_forward(zero).y)


def test_packed_weights_are_a_snapshot(isa: str) -> None:
    problem = make_problem(Case("lstm", 4, 2, 3, 8))
    weights = pack(problem)
    before = kernel_forward(problem, weights).y
    for array in (problem.weight_ih, problem.weight_hh, problem.bias):
        array[...] = 0
    np.testing.assert_array_equal(kernel_forward(problem, weights).y, before)
