"""fastlstm without lengths: every row runs to the end, as in a padded batch. What the ragged run is held against.

The last step of a row is picked from ``y``, and in training gets its gradient there, so that the numbers are the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from workloads import Task

import fastlstm
from contenders import Variant, require
from contenders.fastlstm import PARAMETERS, prepare_forward, versions
from fastlstm import _core

__all__ = ["prepare", "versions"]


def prepare(task: Task, threads: int) -> dict[str, Variant]:
    require(task.lengths is not None, "only beside rows of different lengths")
    require(not task.workload.bidirectional, "a second direction would start in the padding")
    fastlstm.set_num_threads(threads)
    return {"padded": (_train if task.workload.mode == "train" else _forward)(task)}


def _last(task: Task) -> tuple[Any, Any]:
    assert task.lengths is not None
    return task.lengths - 1, np.arange(len(task.lengths))


def _forward(task: Task) -> Variant:
    whole = prepare_forward(replace(task, lengths=None))
    last = _last(task)
    valid = np.arange(len(task.problem.x))[:, None] <= last[0]

    def read(found: Any) -> dict[str, Any]:
        y = found[0]
        return {"y": np.where(valid[..., None], y, 0), "h_n": y[last][None]}

    return Variant(whole.run, read)


def _train(task: Task) -> Variant:
    problem = task.problem
    parameters = {name: getattr(problem, name) for name in PARAMETERS if getattr(problem, name) is not None}
    gradients = {name: np.empty_like(array) for name, array in parameters.items()}
    y, dy = np.empty_like(problem.dy), np.zeros_like(problem.dy)
    dy[_last(task)] = problem.dh_n

    def run() -> None:
        weights = _core.Weights(problem.case.cell, *parameters.values())
        *_, tape = _core.forward_training(weights, problem.x, problem.h_0, problem.c_0, y)
        _core.backward(tape, dy, None, None, None, *gradients.values())

    return Variant(run, lambda _: gradients)
