"""One contender in a process of its own: JSON lines in on stdin, JSON lines out on stdout.

Commands: ``versions``, ``bounds``, ``prepare`` (check against the expected outputs, keep the fastest variant) and
``time``.
Run by ``run.py``; by hand: ``python bench/worker.py torch --cores 0``.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any, TextIO

import numpy as np
from check import WrongResultError, check
from contenders import PRECISIONS, UnsupportedError, Variant
from timing import sample, summarize
from workloads import Workload, make_task

TRIAL_SECONDS = 0.03  # for choosing between a contender's variants


class Worker:
    """A contender in a precision, and the workload it has prepared."""

    def __init__(self, contender: ModuleType, threads: int, precision: str = "float32") -> None:
        self.contender = contender
        self.threads = threads
        self.precision = precision
        self.ready: Variant | None = None

    def answer(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Do what a line asks for."""
        commands: dict[str, Callable[..., dict[str, Any]]] = {
            "versions": self.versions,
            "bounds": self.bounds,
            "prepare": self.prepare,
            "time": self.time,
        }
        return commands[command](**arguments)

    def versions(self) -> dict[str, Any]:
        """Give versions of what is timed, and the thread pools it has really got."""
        found = dict(self.contender.versions())
        with contextlib.suppress(ImportError):
            from threadpoolctl import threadpool_info

            pools = (f"{pool['internal_api']} {pool['num_threads']}" for pool in threadpool_info())
            found["threads of pools"] = " and ".join(pools) or "no known pool"
        return {"versions": found}

    def bounds(self) -> dict[str, Any]:
        """Give the measured bounds of this core; only fastlstm knows how."""
        return {"bounds": self.contender.measure_bounds()}

    def prepare(self, workload: dict[str, Any], expected: str) -> dict[str, Any]:
        """Prepare a workload, check every variant and keep the fastest that is right."""
        self.ready = None
        try:
            return self._prepare(Workload.from_json(workload), Path(expected))
        except UnsupportedError as reason:
            return {"status": "unsupported", "why": str(reason)}
        except WrongResultError as reason:
            return {"status": "wrong", "why": str(reason)}

    def _prepare(self, workload: Workload, expected_path: Path) -> dict[str, Any]:
        with np.load(expected_path) as file:
            expected = dict(file)
        right: list[tuple[float, float, str, Variant]] = []
        wrong: list[str] = []
        for name, variant in self.contender.prepare(make_task(workload, self.precision), self.threads).items():
            try:
                error = check(workload, variant.outputs(), expected, self.precision)
            except WrongResultError as reason:
                wrong.append(f"{name}: {reason}")
                continue
            right.append((summarize(sample(variant.run, TRIAL_SECONDS)).median, error, name, variant))
        if not right:
            raise WrongResultError("; ".join(wrong))
        _, error, name, self.ready = min(right, key=lambda entry: entry[0])
        return {"status": "ready", "error": error, "variant": name, "wrong_variants": wrong}

    def time(self, seconds: float) -> dict[str, Any]:
        """Time what was prepared; what failed its check cannot be."""
        if self.ready is None:
            raise RuntimeError("nothing is prepared, so nothing is timed")
        return {"samples": sample(self.ready.run, seconds)}


def serve(worker: Worker, lines: TextIO, replies: TextIO) -> None:
    """Answer until the input ends."""
    for line in lines:
        try:
            reply = worker.answer(**json.loads(line))
        except Exception as error:  # the orchestrator records it and goes on
            reply = {"status": "failed", "why": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def _take_stdout() -> TextIO:
    """Keep stdout for replies, and send what a library prints there to stderr."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return replies


def _die_with_parent() -> None:
    """Ask Linux to kill this process when the orchestrator ends: a stopped one would stay for ever."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender")
    parser.add_argument("--cores", required=True, help="comma-separated processors to stay on")
    parser.add_argument("--precision", default="float32", choices=PRECISIONS)
    arguments = parser.parse_args()
    cores = [int(core) for core in arguments.cores.split(",")]
    _die_with_parent()
    os.sched_setaffinity(0, cores)  # before the import: libraries size their thread pools by it
    replies = _take_stdout()
    start = perf_counter()
    try:
        contender = importlib.import_module(f"contenders.{arguments.contender}")
    except ImportError as error:
        print(json.dumps({"status": "missing", "why": str(error)}), file=replies, flush=True)
        return
    print(json.dumps({"status": "started", "import_seconds": perf_counter() - start}), file=replies, flush=True)
    serve(Worker(contender, len(cores), arguments.precision), sys.stdin, replies)


if __name__ == "__main__":
    main()
