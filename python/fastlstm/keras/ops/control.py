"""Decisions and loops. Arrays have values when they are computed with, so that these are Python's own."""

from collections.abc import Callable
from typing import Any

from ..foundation.boxes import bare
from ..foundation.trees import filled, leaves, mapped
from .shapes import stack


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """What one of two functions gives."""
    return true_fn() if bool(bare(pred)) else false_fn()


def switch(index: Any, branches: Any, *operands: Any) -> Any:
    """What one of several functions gives; an index outside counts as the nearest one."""
    return branches[min(max(int(bare(index)), 0), len(branches) - 1)](*operands)


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """Apply `body` to variables as long as the condition holds."""
    many, done = isinstance(loop_vars, list | tuple), 0
    state = tuple(loop_vars) if many else (loop_vars,)
    while bool(bare(cond(*state))) and (maximum_iterations is None or done < maximum_iterations):
        found = body(*state)
        state, done = tuple(found) if isinstance(found, list | tuple) else (found,), done + 1
    return state if many else state[0]


def fori_loop(lower: Any, upper: Any, body_fun: Callable[[int, Any], Any], init_val: Any) -> Any:
    """Apply a function to a number and what it gave for the one before."""
    state = init_val
    for k in range(int(bare(lower)), int(bare(upper))):
        state = body_fun(k, state)
    return state


def scan(
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> tuple[Any, Any]:
    """Carry a state along the first axis; return the last one, and what came out at every step.

    Parameters
    ----------
    f : callable
        ``f(state, x) -> (state, y)``.
    init : array_like
        State to start with.
    xs : array_like
        Array, or tree of arrays, to go through; None: `length` steps of nothing.
    length : int, optional
        Number of steps.
    reverse : bool
        Whether to begin at the end.
    unroll : bool
        Accepted and ignored.
    """
    count = len(leaves(xs)[0]) if length is None else length
    state, ys = init, []
    for k in reversed(range(count)) if reverse else range(count):
        state, y = f(state, None if xs is None else _at(xs, k))
        ys.append(y)
    return state, _stacked(ys[::-1] if reverse else ys)


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """What a function gives for every entry of the first axis."""
    return _stacked([f(_at(xs, k)) for k in range(len(leaves(xs)[0]))])


vectorized_map = map


def _at(xs: Any, k: int) -> Any:
    return mapped(lambda x: x[k], xs)


def _stacked(ys: list[Any]) -> Any:
    """One tree with the leaves of all, along a new first axis; None of nothing."""
    if not ys or ys[0] is None:
        return None
    return filled(ys[0], iter([stack(list(parts)) for parts in zip(*(leaves(y) for y in ys), strict=True)]))
