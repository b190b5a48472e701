"""Forward kernels of every instruction set against the reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import CELLS, SMALL, Case, make_problem
from helpers import assert_agree, assert_same_bits, expected, kernel_forward, options_of, pack, reference_forward

from fastlstm import _core

DTYPES = ["float32", "float64"]
LAYOUTS = [Case(cell, 6, 5, 9, 21) for cell in CELLS]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_matches_reference(isa: str, case: Case, dtype: str) -> None:
    problem = make_problem(case, dtype)
    assert_agree(kernel_forward(problem), expected(case, dtype)[0], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_lengths_and_direction(isa: str, case: Case, reverse: bool, dtype: str) -> None:
    problem = make_problem(case, dtype)
    values = kernel_forward(problem, **options_of(problem, True, reverse))
    assert_agree(values, expected(case, dtype, True, reverse)[0], dtype)


@pytest.mark.parametrize("case", [case for case in SMALL if case.H < 16], ids=lambda case: case.name)
def test_states_default_to_zero(isa: str, case: Case) -> None:
    problem = make_problem(case, "float64")
    zeros = np.zeros_like(problem.h_0)
    zero_problem = replace(problem, h_0=zeros, c_0=None if problem.c_0 is None else zeros)
    y = np.empty_like(problem.dy)
    h_n, _ = _core.forward(pack(problem), problem.x, y=y)
    wanted = kernel_forward(zero_problem)
    np.testing.assert_array_equal(y, wanted.y)
    np.testing.assert_array_equal(h_n, wanted.h_n)


@pytest.mark.parametrize("cell", CELLS)
def test_biases_may_be_left_out(isa: str, cell: str) -> None:
    problem = make_problem(Case(cell, 5, 3, 4, 7))
    without = _core.Weights(cell, problem.weight_ih, problem.weight_hh)
    zeros = np.zeros_like(problem.bias)
    zero = replace(problem, bias=zeros, recurrent_bias=zeros)
    np.testing.assert_array_equal(kernel_forward(problem, without).y, kernel_forward(zero).y)


@pytest.mark.parametrize("cell", ["lstm", "gru_reset_before", "rnn_tanh"])
def test_a_recurrent_bias_is_added(isa: str, cell: str) -> None:
    problem = make_problem(Case(cell, 5, 3, 4, 7))
    both, one = replace(problem, recurrent_bias=problem.bias[::-1]), replace(problem, bias=problem.bias[::-1])
    np.testing.assert_array_equal(kernel_forward(replace(one, recurrent_bias=problem.bias)).y, kernel_forward(both).y)
    one = replace(problem, bias=problem.bias + problem.bias[::-1])
    np.testing.assert_array_equal(kernel_forward(both).y, kernel_forward(one).y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cell", CELLS)
def test_a_recurrent_bias_needs_no_bias(isa: str, cell: str, dtype: str) -> None:
    """Where it is the only one it is not lost: it is the bias of all gates, but that of R_n h in the GRU."""
    problem = make_problem(Case(cell, 6, 5, 9, 21), dtype)
    alone = replace(problem, bias=None, recurrent_bias=problem.bias)
    wanted = reference_forward(alone if cell.startswith("gru") else replace(problem, recurrent_bias=None))
    assert_agree(kernel_forward(alone), wanted, dtype)
    zero = replace(alone, bias=np.zeros_like(problem.bias))
    assert_same_bits(kernel_forward(alone), kernel_forward(zero))


@pytest.mark.parametrize("case", LAYOUTS, ids=lambda case: case.name)
def test_layouts_are_views(isa: str, case: Case) -> None:
    """Batch-first arrays, reversed, strided, big-endian, unaligned and read-only ones give the same bits."""
    problem = make_problem(case)
    wanted = kernel_forward(problem)

    batch_first = np.ascontiguousarray(problem.x.transpose(1, 0, 2)).transpose(1, 0, 2)
    reversed_twice = np.ascontiguousarray(problem.x[::-1, ::-1])[::-1, ::-1]
    gaps = np.zeros((case.T, case.N, 2 * case.I), "float32")[..., ::2]
    gaps[...] = problem.x
    backward_features = np.ascontiguousarray(problem.x[..., ::-1])[..., ::-1]
    unaligned = np.frombuffer(b"x" + problem.x.tobytes(), np.uint8)[1:].view("float32").reshape(problem.x.shape)
    read_only = problem.x.copy()
    read_only.flags.writeable = False
    big_endian = problem.x.astype(">f4")
    for x in (batch_first, reversed_twice, gaps, backward_features, unaligned, read_only, big_endian):
        before = x.copy()
        np.testing.assert_array_equal(kernel_forward(replace(problem, x=x)).y, wanted.y)
        np.testing.assert_array_equal(x, before)

    y = np.empty((case.N, case.T, case.H), "float32")
    _core.forward(pack(problem), problem.x, problem.h_0, problem.c_0, y.transpose(1, 0, 2))
    np.testing.assert_array_equal(y.transpose(1, 0, 2), wanted.y)


@pytest.mark.parametrize("case", LAYOUTS, ids=lambda case: case.name)
def test_weights_in_any_layout(isa: str, case: Case) -> None:
    problem = make_problem(case)
    as_keras = replace(
        problem,
        weight_ih=np.asfortranarray(problem.weight_ih),
        weight_hh=np.ascontiguousarray(problem.weight_hh[::-1])[::-1],
        bias=np.repeat(problem.bias, 2)[::2],
        recurrent_bias=None if problem.recurrent_bias is None else np.repeat(problem.recurrent_bias, 2)[::2],
    )
    np.testing.assert_array_equal(kernel_forward(as_keras).y, kernel_forward(problem).y)


@pytest.mark.parametrize(("T", "N"), [(0, 3), (4, 0), (0, 0)])
@pytest.mark.parametrize("cell", CELLS)
def test_empty_sequences_pass_states_on(isa: str, cell: str, T: int, N: int) -> None:
    problem = make_problem(Case(cell, T, N, 2, 5))
    y, h_n, c_n = kernel_forward(problem)
    assert y.shape == (T, N, 5)
    np.testing.assert_array_equal(h_n, problem.h_0)
    if c_n is not None:
        np.testing.assert_array_equal(c_n, problem.c_0)


def test_only_the_final_state(isa: str) -> None:
    problem = make_problem(Case("lstm", 8, 5, 3, 20))
    h_n, c_n = _core.forward(pack(problem), problem.x, problem.h_0, problem.c_0)
    wanted = kernel_forward(problem)
    np.testing.assert_array_equal(h_n, wanted.h_n)
    np.testing.assert_array_equal(c_n, wanted.c_n)
