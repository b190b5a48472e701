"""Every stack that can be drawn, in one call: the same bits as its layers one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from arrangements import in_one_block, two_places
from drawing import Arguments, Drawn, make_arguments, stacks
from helpers import Array
from hypothesis import strategies as st
from running import infer, on, pack, running
from seeds import for_all

from fastlstm import _core

Places = tuple[int, int, int, int]
State = tuple[Array, Array | None]


def in_turn(stack: list[list[Arguments]]) -> tuple[list[Array], list[State]]:
    """Layer after layer by one thread: the outputs of the last one, and all final states."""
    states, ys = [], [stack[0][0].x]
    with running(stack[0][0].drawn.isa, 1):
        for layer in stack:
            x = np.concatenate(ys, axis=-1)
            ys = []
            for reverse, cell in enumerate(layer):
                found = infer(
                    replace(cell, x=x, drawn=replace(cell.drawn, reverse=bool(reverse))), np.empty_like(cell.dy)
                )
                ys.append(found["y"])
                states.append((found["h_n"], found.get("c_n")))
    return ys, states


def assert_all_same(got: list[Any], wanted: list[Any]) -> None:
    for part, wanted_part in zip(got, wanted, strict=True):
        if part is not None:  # nobody wanted it
            np.testing.assert_array_equal(part, wanted_part)


def check_stack(drawn: list[list[Drawn]], places: Places, unwanted: bool) -> None:
    """A few times, the last time with an output over the input, and perhaps without that of a direction."""
    steps = make_arguments(drawn[0][0]).steps
    stack = [[replace(make_arguments(cell), steps=steps) for cell in layer] for layer in drawn]
    wanted, states = in_turn(stack)
    cells = [cell for layer in stack for cell in layer]
    x, ys = stack[0][0].x, [np.full_like(y, np.nan) for y in wanted]
    over_x, y = in_one_block(x, ys[-1].shape[-1], places)
    over_ys = [y] if len(ys) == 1 else [None if unwanted else ys[0], y]
    with on(drawn[0][0]):
        weights, h_0 = [pack(cell) for cell in cells], [(cell.h_0, cell.c_0) for cell in cells]
        for given, rooms in ((x, ys), (x, ys), (over_x, over_ys)):
            final = _core.forward_stack(weights, given, h_0, rooms, **steps)
            assert_all_same(rooms, wanted)
            assert_all_same([part for state in final for part in state], [part for state in states for part in state])


@for_all(40, drawn=stacks(), places=two_places(), unwanted=st.booleans())
def test_stacks(drawn: list[list[Drawn]], places: Places, unwanted: bool) -> None:
    check_stack(drawn, places, unwanted)


@for_all(6, drawn=stacks(teams=True), places=two_places(), unwanted=st.booleans())
def test_stacks_of_teams(drawn: list[list[Drawn]], places: Places, unwanted: bool) -> None:
    check_stack(drawn, places, unwanted)
