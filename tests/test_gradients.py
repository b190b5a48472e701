"""Backward kernels of every instruction set against the reference and against central differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import CELLS, SMALL, Case, Problem, make_problem
from helpers import (
    Gradients,
    assert_agree,
    assert_same_bits,
    expected,
    kernel_backward,
    kernel_forward,
    options_of,
    pack,
    run_pullback,
)

from fastlstm import _core

DTYPES = ["float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_matches_reference(isa: str, case: Case, dtype: str) -> None:
    problem = make_problem(case, dtype)
    assert_agree(kernel_backward(problem)[1], expected(case, dtype)[1], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_lengths_and_direction(isa: str, case: Case, reverse: bool, dtype: str) -> None:
    problem = make_problem(case, dtype)
    gradients = kernel_backward(problem, **options_of(problem, True, reverse))[1]
    assert_agree(gradients, expected(case, dtype, True, reverse)[1], dtype)


@pytest.mark.slow
def test_many_chunks(isa: str) -> None:
    """More rows and steps than are gathered at once, so that chunks, their seams and ragged ends all occur."""
    for case in (
        Case("lstm", 90, 40, 6, 24),
        Case("lstm", 700, 1, 5, 20),
        Case("gru", 90, 40, 6, 24),
        Case("gru", 700, 1, 5, 20),
        Case("gru_reset_before", 90, 40, 6, 24),
        Case("gru_reset_before", 700, 1, 5, 20),
        Case("rnn_tanh", 300, 3, 6, 40),
    ):
        problem = make_problem(case, "float64")
        for both in (False, True):
            gradients = kernel_backward(problem, **options_of(problem, both, both))[1]
            assert_agree(gradients, expected(case, "float64", both, both)[1], "float64")


def scalar(problem: Problem) -> float:
    """The number whose gradients backward gives when seeded with dy, dh_n and dc_n."""
    y, h_n, c_n = kernel_forward(problem, lengths=problem.lengths)
    cell_part = 0.0 if c_n is None else np.sum(c_n * problem.dc_n)
    return float(np.sum(y * problem.dy) + np.sum(h_n * problem.dh_n) + cell_part)


@pytest.mark.parametrize("cell", CELLS)
def test_central_differences(isa: str, cell: str) -> None:
    problem = make_problem(Case(cell, 4, 3, 2, 9), "float64", seed=3)
    gradients = kernel_backward(problem, lengths=problem.lengths)[1]
    step = 1e-6
    for name in Gradients._fields:
        value, gradient = getattr(problem, name), getattr(gradients, name)
        if value is None:
            continue
        differences = np.empty_like(value)
        for index in np.ndindex(value.shape):
            shift = np.zeros_like(value)
            shift[index] = step
            up, down = (scalar(replace(problem, **{name: value + sign * shift})) for sign in (1, -1))
            differences[index] = (up - down) / (2 * step)
        # truncation is step^2 times a third derivative of order one, rounding 1e-16 * |scalar| / step: 1e-9 or so
        np.testing.assert_allclose(gradient, differences, rtol=1e-7, atol=2e-8, err_msg=name)


@pytest.mark.parametrize("cell", CELLS)
def test_a_tape_can_be_used_twice(isa: str, cell: str) -> None:
    problem = make_problem(Case(cell, 9, 5, 4, 19))
    _, _, tape = _core.forward_training(pack(problem), problem.x, problem.h_0, problem.c_0)
    assert_same_bits(run_pullback(problem, tape), run_pullback(problem, tape))


@pytest.mark.parametrize("cell", CELLS)
def test_no_gradient_in_none_out(isa: str, cell: str) -> None:
    problem = make_problem(Case(cell, 7, 4, 3, 18))
    zero = replace(
        problem,
        dy=np.zeros_like(problem.dy),
        dh_n=np.zeros_like(problem.dh_n),
        dc_n=None if problem.dc_n is None else np.zeros_like(problem.dc_n),
    )
    for gradient in kernel_backward(zero)[1]:
        assert gradient is None or not gradient.any()


def test_seeds_left_out_are_zero(isa: str) -> None:
    problem = make_problem(Case("lstm", 7, 4, 3, 18))
    _, _, tape = _core.forward_training(pack(problem), problem.x, problem.h_0, problem.c_0)
    only_state = replace(problem, dy=np.zeros_like(problem.dy), dc_n=np.zeros_like(problem.dc_n))
    dweight_hh = np.empty_like(problem.weight_hh)
    dh_0, dc_0 = _core.backward(tape, dh_n=problem.dh_n, dweight_hh=dweight_hh)
    wanted = run_pullback(only_state, tape)
    np.testing.assert_array_equal(dh_0, wanted.h_0)
    np.testing.assert_array_equal(dc_0, wanted.c_0)
    np.testing.assert_array_equal(dweight_hh, wanted.weight_hh)


@pytest.mark.parametrize("cell", CELLS)
def test_every_parameter_gradient_can_be_had_alone(isa: str, cell: str) -> None:
    problem = make_problem(Case(cell, 7, 4, 3, 18))
    _, _, tape = _core.forward_training(pack(problem), problem.x, problem.h_0, problem.c_0)
    wanted = run_pullback(problem, tape)
    for name in ("weight_ih", "weight_hh", "bias", "recurrent_bias"):
        gradient = getattr(wanted, name) if cell == "gru" else getattr(wanted, name.removeprefix("recurrent_"))
        alone = np.full_like(gradient, np.nan)
        _core.backward(tape, problem.dy, problem.dh_n, problem.dc_n, **{f"d{name}": alone})
        np.testing.assert_array_equal(alone, gradient, err_msg=name)


def test_tape_size_is_the_documented_formula(isa: str) -> None:
    """docs/design.md: 7 H numbers per valid step and row for LSTM, 6 or 7 H for GRU, 2 H for RNN; and first states."""
    lanes = {"amx": 16, "avx512": 16, "avx2": 8, "baseline": 4, "neon": 4, "plain": 1}[isa]
    for cell, per_step in (("lstm", 7), ("gru", 6), ("gru_reset_before", 7), ("rnn_tanh", 2), ("rnn_relu", 1)):
        problem = make_problem(Case(cell, 11, 6, 3, 21))
        _, _, tape = _core.forward_training(pack(problem), problem.x, problem.h_0, problem.c_0, lengths=problem.lengths)
        padded = -(-21 // lanes) * lanes
        assert tape.nbytes == 4 * padded * (per_step * problem.lengths.sum() + 6)


def test_an_array_without_gaps_that_is_not_aligned_is_copied(isa: str) -> None:
    """Reading it as it lies is undefined in C++. A tape keeps `x` itself, so a change shows what it kept."""
    problem = make_problem(Case("lstm", 4, 3, 5, 7))
    _, wanted = kernel_backward(problem)
    x = np.zeros(problem.x.nbytes + 1, np.uint8)[1:].view(problem.x.dtype).reshape(problem.x.shape)
    x[...] = problem.x
    assert x.flags.c_contiguous
    assert not x.flags.aligned
    *_, tape = _core.forward_training(pack(problem), x, problem.h_0, problem.c_0)
    x[...] = np.nan
    assert_same_bits(run_pullback(problem, tape), wanted)
