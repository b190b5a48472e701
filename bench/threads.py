"""What threads are worth: the same calls on one thread and on several, in turn in one process.

``python bench/threads.py``; a case is named if several threads make it slower than one. They need as many idle
processors: where another process holds one, a call waits for it, and only the best turn says what threads are worth.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import machine
from cases import Case
from check import check
from contenders.fastlstm import prepare
from tables import show, show_seconds, show_threads, table
from timing import sample, summarize
from tqdm import tqdm
from workloads import Workload, make_task, shrink

import fastlstm

SLOWER = 0.97  # speed-ups below this are losses; above it, noise


class Result(NamedTuple):
    """What was found for a workload: seconds a call, and their ratio, taken turn by turn and of the best turns."""

    workload: Workload
    one: float
    several: float
    speed_up: float
    best: float


def workloads() -> Iterator[Workload]:
    """Tiny calls, single rows and batches, forward and training."""
    for cell in ("lstm", "gru", "rnn_tanh"):
        yield Workload("step", Case(cell, 100, 1, 8, 8))
        for sizes in ((1, 1, 8, 8), (10, 2, 16, 16), (100, 8, 8, 32)):
            yield Workload("forward", Case(cell, *sizes))
        for sizes in ((10, 2, 16, 16), (30, 8, 8, 32)):
            yield Workload("train", Case(cell, *sizes))
    for H in (64, 128, 256, 512, 1024):
        yield Workload("forward", Case("lstm", 20, 1, H, H))
        yield Workload("train", Case("lstm", 20, 1, H, H))
    for N in (8, 32, 256):
        for cell in ("lstm", "gru", "rnn_tanh"):
            yield Workload("forward", Case(cell, 20, N, 128, 128))
            yield Workload("train", Case(cell, 20, N, 128, 128))
        yield Workload("forward", Case("lstm", 10, N, 512, 512))
        yield Workload("train", Case("lstm", 10, N, 512, 512))
    yield Workload("forward", Case("lstm", 100, 32, 128, 128), variable_lengths=True)
    yield Workload("forward", Case("lstm", 20, 1, 128, 128), bidirectional=True)


def measure(workload: Workload, threads: int, rounds: int, seconds: float) -> Result:
    """Check that threads change no result, then time one and several in turn."""
    (variant,) = prepare(make_task(workload), 1).values()
    expected = {name: array.copy() for name, array in variant.outputs().items()}
    fastlstm.set_num_threads(threads)
    check(workload, variant.outputs(), expected)
    times: dict[int, list[float]] = {1: [], threads: []}
    for _ in range(rounds):
        for count, found in times.items():
            fastlstm.set_num_threads(count)
            found.append(summarize(sample(variant.run, seconds)).median)
    ratios = [one / several for one, several in zip(times[1], times[threads], strict=True)]
    one, several, speed_up = map(statistics.median, (times[1], times[threads], ratios))
    return Result(workload, one, several, speed_up, best=min(times[1]) / min(times[threads]))


def describe(results: Sequence[Result], threads: int) -> str:
    """Lay out a table and name the losses."""
    header = ("case", "1 thread", show_threads(threads), "speed-up", "of the best turns")
    rows = (
        (
            f"`{result.workload.name}`",
            *(show_seconds(seconds / result.workload.calls) for seconds in (result.one, result.several)),
            show(result.speed_up, ".2f") + (" **slower**" if result.speed_up < SLOWER else ""),
            show(result.best, ".2f"),
        )
        for result in results
    )
    slower = [result for result in results if result.speed_up < SLOWER]
    named = "".join(f"\n- `{result.workload.name}`{_even(result)}" for result in slower)
    text = f"{len(slower)} of {len(results)} are slower than on one thread (below {SLOWER})"
    return f"{text}{':' if slower else '.'}\n{named}\n\n{table(header, rows)}"


def _even(result: Result) -> str:
    return "" if result.best >= SLOWER else " (even in its best turn)"


def section(found: dict[str, Any]) -> str:
    """Lay out the part of the page."""
    results = [Result(Workload.from_json(fields.pop("workload")), **fields) for fields in map(dict, found["results"])]
    text = "fastlstm alone, the same calls on one thread and on several, in turn in one process."
    return f"## What threads are worth\n\n{text} {describe(results, found['threads'])}"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    available = machine.available_cores()
    parser.add_argument("--threads", type=int, default=2, help="to compare with one (default: 2)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (default: 7)")
    parser.add_argument("--seconds", type=float, default=0.05, help="length of a turn (default: 0.05)")
    parser.add_argument("--select", default="", metavar="REGEX", help="only workloads whose name matches")
    parser.add_argument("--out", type=Path, default=Path("results/threads.json"))
    parser.add_argument("--small", action="store_true", help="tiny sizes: try the script, not the speed")
    arguments = parser.parse_args(argv)
    if not 2 <= arguments.threads <= len(available):
        parser.error(f"--threads must be from 2 to {len(available)}, got {arguments.threads}")
    os.sched_setaffinity(0, available[-arguments.threads :])
    chosen = [workload for workload in workloads() if re.search(arguments.select, workload.name)]
    if not chosen:
        parser.error(f"no case matches {arguments.select!r}")
    chosen = list(dict.fromkeys(map(shrink, chosen))) if arguments.small else chosen
    progress = tqdm(chosen, unit="case", leave=False)
    results = [measure(workload, arguments.threads, arguments.rounds, arguments.seconds) for workload in progress]
    kept = [{**result._asdict(), "workload": result.workload.to_json()} for result in results]
    found = {"machine": machine.facts(), "threads": arguments.threads, "results": kept}
    machine.write(found, arguments.out)
    print(section(found))


if __name__ == "__main__":
    main()
