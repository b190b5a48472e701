"""What holds for every layer that can be drawn, through the core: any cell, options, sizes, threads and arrays.

The same bits forward and backward for any number of threads, for a row alone or in any batch, and wherever the arrays
lie; and the numbers of the reference. Streams are in ``test_every_step.py``, stacks and the public layers in
``test_every_layer.py``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from arrangements import anything, arranged, dense_last, element_strides, in_one_block, laid_over, room_for, two_places
from drawing import Drawn, layers, make_arguments
from hypothesis import assume
from hypothesis import strategies as st
from running import (
    assert_same,
    by_one_thread,
    gradient_rooms,
    infer,
    on,
    prepared,
    pull_back,
    rows_of,
    train,
    train_forward,
)
from seeds import for_all

REPEATS = 3  # what one thread does to another shows in some calls only
unmasked = layers().filter(lambda drawn: not drawn.masked)  # recurrent masks are for training
unmasked_teams = layers(teams=True).filter(lambda drawn: not drawn.masked)


@for_all(20, drawn=layers(teams=True))
def test_any_number_of_threads(drawn: Drawn) -> None:
    arguments, wanted = prepared(drawn)
    assume(np.isfinite(wanted["dweight_hh"]).all())  # or to be the same would say little; one layer of 300 runs away
    with on(drawn):
        for _ in range(REPEATS):
            assert_same(train(arguments), wanted)
        if not drawn.masked:
            assert_same(infer(arguments, np.full_like(arguments.dy, np.nan)), wanted)


@for_all(30, drawn=layers(least=1), data=st.data())
def test_rows_in_any_batch(drawn: Drawn, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, drawn.sizes.N - 1), min_size=1, max_size=70), label="rows")
    arguments, wanted = prepared(drawn)
    with on(drawn):
        for picked in (rows, rows[:1]):
            assert_same(train(arguments.rows(picked)), rows_of(wanted, picked))


@for_all(10, drawn=layers(teams=True), data=st.data())
def test_a_row_alone_and_in_a_team(drawn: Drawn, data: st.DataObject) -> None:
    row, arguments = data.draw(st.integers(0, drawn.sizes.N - 1), label="row"), make_arguments(drawn)
    alone = by_one_thread(arguments.rows([row]))
    with on(drawn):
        assert_same(rows_of(train(arguments), [row]), alone)


@for_all(40, drawn=layers(), inputs=st.tuples(*[anything] * 4), outputs=st.tuples(dense_last, element_strides))
def test_arrays_anywhere(drawn: Drawn, inputs: tuple[str, ...], outputs: tuple[str, str]) -> None:
    """Inputs with any strides, not aligned, in the other byte order, read-only; outputs with gaps or turned about."""
    plain, wanted = prepared(drawn)
    states = ("h_0", "c_0", "masks", "dh_n", "dc_n")
    elsewhere = replace(
        plain,
        x=arranged(plain.x, inputs[0]),
        dy=arranged(plain.dy, inputs[1]),
        weights={name: arranged(value, inputs[2]) for name, value in plain.weights.items()},
        **{name: arranged(getattr(plain, name), inputs[3]) for name in states},
    )
    with on(drawn):
        values, tape = train_forward(elsewhere, room_for(plain.dy, outputs[0]))
        assert_same(values | pull_back(elsewhere, tape, gradient_rooms(plain, *outputs)), wanted)
        if not drawn.masked:
            assert_same(infer(elsewhere, room_for(plain.dy, outputs[0])), wanted)


@for_all(15, drawn=layers(least=1), wanted_too=st.sets(st.sampled_from(["y", "dx", "dweight_ih", "dbias", "dy"])))
def test_outputs_that_nobody_wants(drawn: Drawn, wanted_too: set[str]) -> None:
    """Any of them may be left out, and the others are the same; without dy it is zero."""
    arguments = make_arguments(drawn)
    if "dy" not in wanted_too:
        arguments = replace(arguments, dy=np.zeros_like(arguments.dy))
    wanted = by_one_thread(arguments)
    given = arguments if "dy" in wanted_too else replace(arguments, dy=None)
    with on(drawn):
        values, tape = train_forward(arguments, np.empty_like(arguments.dy) if "y" in wanted_too else None)
        rooms = {name: room for name, room in gradient_rooms(arguments).items() if name in wanted_too}
        assert_same(values | pull_back(given, tape, rooms), wanted)


# --- Outputs over inputs ----------------------------------------------------------------------------------------------


def check_outputs_over_inputs(drawn: Drawn, places: tuple[int, int, int, int]) -> None:
    arguments, wanted = prepared(drawn)
    x, y = in_one_block(arguments.x, drawn.state_size, places)
    dy, dx = in_one_block(arguments.dy, drawn.sizes.I, places)
    with on(drawn):
        assert_same(infer(replace(arguments, x=x), y), wanted)
        tape = train_forward(arguments)[1]
        assert_same(pull_back(replace(arguments, dy=dy), tape, {"dx": dx}), wanted)
        x, y = in_one_block(arguments.x, drawn.state_size, places)
        values, tape = train_forward(replace(arguments, x=x), y)
        assert_same(values | pull_back(arguments, tape, gradient_rooms(arguments)), wanted)


@for_all(30, drawn=unmasked, places=two_places())
def test_outputs_over_inputs(drawn: Drawn, places: tuple[int, int, int, int]) -> None:
    check_outputs_over_inputs(drawn, places)


@for_all(8, drawn=unmasked_teams, places=two_places())
def test_outputs_over_inputs_in_teams(drawn: Drawn, places: tuple[int, int, int, int]) -> None:
    check_outputs_over_inputs(drawn, places)


def check_outputs_over_states(drawn: Drawn, offset: int) -> None:
    arguments, wanted = prepared(drawn)
    y, h_0 = laid_over(arguments.dy, arguments.h_0, offset)
    dx, dh_n = laid_over(arguments.x, arguments.dh_n, offset)
    with on(drawn):
        assert_same(infer(replace(arguments, h_0=h_0), y), wanted)
        tape = train_forward(arguments)[1]
        assert_same(pull_back(replace(arguments, dh_n=dh_n), tape, {"dx": dx}), wanted)


@for_all(10, drawn=unmasked, offset=st.integers(0, 100))
def test_outputs_over_states(drawn: Drawn, offset: int) -> None:
    check_outputs_over_states(drawn, offset)


@for_all(8, drawn=unmasked_teams, offset=st.integers(0, 100))
def test_outputs_over_states_in_teams(drawn: Drawn, offset: int) -> None:
    check_outputs_over_states(drawn, offset)
