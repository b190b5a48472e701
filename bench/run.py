"""Run the suite: every contender in turn, A B C A B C, on the same cores, one awake at a time.

``python bench/run.py --groups promised --threads 1``; then ``report.py`` makes the page.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shlex
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import IO, Any

import contenders
import machine
import numpy as np
from expected import expected_outputs
from processes import Entrant, GoneError, Process
from timing import summarize
from tqdm import tqdm
from workloads import GROUPS, Workload, all_workloads, make_task, shrink

import fastlstm
from fastlstm.bench import Bounds


@dataclass
class Record:
    """What is known of one contender on one workload."""

    label: str
    status: str  # "ready", and "timed" in the end; or "unsupported", "wrong", "failed", "gone"
    why: str = ""
    variant: str = ""
    error: float | None = None
    samples: list[list[float]] = field(default_factory=list)  # a list for every round

    def to_json(self) -> dict[str, Any]:
        """Give medians and quartiles in place of the samples."""
        fields = {name: getattr(self, name) for name in ("label", "status", "why", "variant", "error")}
        if self.samples:
            fields.update(summarize([seconds for part in self.samples for seconds in part])._asdict())
            fields["rounds"] = [statistics.median(part) for part in self.samples]
        return fields


def start_all(entrants: Sequence[Entrant], cores: list[int], log: IO[bytes]) -> list[Process]:
    """Start a worker for each entrant; those that are not installed are left out, and said so."""
    processes = []
    for entrant in entrants:
        try:
            process = Process(entrant, cores, log)
        except GoneError as error:
            tqdm.write(f"{entrant.label} is left out: {error}", file=sys.stderr)
            continue
        if process.greeting["status"] == "missing":
            tqdm.write(f"{entrant.label} is left out: {process.greeting['why']}", file=sys.stderr)
            process.close()
        else:
            processes.append(process)
    return processes


@contextlib.contextmanager
def running(entrants: Sequence[Entrant], cores: list[int], log: IO[bytes]) -> Iterator[list[Process]]:
    """Have workers for the time of a block."""
    processes = start_all(entrants, cores, log)
    try:
        yield processes
    finally:
        for process in processes:
            process.close()


def measure(processes: list[Process], workload: Workload, rounds: int, seconds: float) -> list[Record]:
    """Check every contender on a workload, then time those that passed, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        expected = Path(folder, "expected.npz")
        outputs: dict[str, Any] = {**expected_outputs(make_task(workload))}
        np.savez(expected, **outputs)
        records = [_prepare(process, workload, expected) for process in processes]
    for _ in range(rounds):
        for process, record in zip(processes, records, strict=True):
            if record.status == "ready":
                _time(process, record, seconds)
    for record in records:
        if record.status == "ready":
            record.status = "timed"
    return records


def _prepare(process: Process, workload: Workload, expected: Path) -> Record:
    try:
        if not process.alive:
            process.restart()
        reply = process.ask("prepare", workload=workload.to_json(), expected=str(expected))
    except GoneError as error:
        return Record(process.entrant.label, "gone", str(error))
    fields = {name: reply[name] for name in ("status", "why", "variant", "error") if name in reply}
    return Record(process.entrant.label, **fields)


def _time(process: Process, record: Record, seconds: float) -> None:
    try:
        reply = process.ask("time", seconds=seconds)
    except GoneError as error:
        record.status, record.why, record.samples = "gone", str(error), []
        return
    if "samples" in reply:
        record.samples.append(reply["samples"])
    else:
        record.status, record.why, record.samples = reply["status"], reply["why"], []


WORKLOADS_A_BOUND = 12
"""The bounds are measured again after so many: at a bad moment of a shared machine they would be no bounds."""


def measure_bounds(processes: list[Process], found: dict[str, Any]) -> dict[str, Any]:
    """Ask fastlstm's workers for the bounds; rates found before stay where they are higher."""
    bounds = {}
    for process in processes:
        if process.entrant.module == "fastlstm" and process.entrant.precision == "float32" and process.alive:
            label = process.entrant.label
            now = process.ask("bounds").get("bounds")  # None: a commit that cannot measure them yet
            bounds[label] = now and higher(now, found.get(label) or now)
    return found | bounds


def higher(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Give the higher rate of two measurements, of each that they have."""
    first, second = Bounds.from_json(one), Bounds.from_json(other)
    bandwidth = {block: max(rate, second.bandwidth[block]) for block, rate in first.bandwidth.items()}
    return Bounds(max(first.multiply_add, second.multiply_add), bandwidth).to_json()


def run(
    entrants: Sequence[Entrant],
    workloads: Sequence[tuple[str, Workload]],
    core_sets: Sequence[list[int]],
    rounds: int,
    seconds: float,
    out: Path,
) -> dict[str, Any]:
    """Measure everything and keep the results in a file as they come."""
    out.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"command": _command(), "machine": machine.facts(), "runs": []}
    with out.with_suffix(".log").open("wb") as log:
        for cores in core_sets:
            start = perf_counter()
            with running(entrants, cores, log) as processes:
                versions = {process.entrant.label: process.ask("versions").get("versions", {}) for process in processes}
                results: list[dict[str, Any]] = []
                part: dict[str, Any] = {"threads": len(cores), "cores": cores, "versions": versions, "bounds": {}}
                part |= {"results": results, "seconds": 0.0}
                found["runs"].append(part)
                for number, (group, workload) in enumerate(tqdm(workloads, unit="case", desc=f"{len(cores)} threads")):
                    if number % WORKLOADS_A_BOUND == 0:
                        part["bounds"] = measure_bounds(processes, part["bounds"])
                    records = measure(processes, workload, rounds, seconds)
                    results.append(_result(group, workload, records))
                    part["seconds"] = perf_counter() - start
                    machine.write(found, out)
    return found


def _command() -> str:
    """Command line of this run, from the project's folder."""
    return shlex.join(["python", "bench/run.py", *sys.argv[1:]])


def _result(group: str, workload: Workload, records: list[Record]) -> dict[str, Any]:
    return {
        "name": workload.name,
        "group": group,
        "workload": workload.to_json(),
        "contenders": [record.to_json() for record in records],
    }


# --- Command line -----------------------------------------------------------------------------------------------------


def _entrants(rivals: str, isas: str, padded: bool, precisions: str = "float32") -> list[Entrant]:
    known = list(contenders.NAMES[1:])
    names = {"all": known, "none": []}.get(rivals, rivals.split(","))
    _refuse("--rivals", set(names) - set(known), known)
    chosen = list(contenders.PRECISIONS) if precisions == "all" else precisions.split(",")
    _refuse("--precisions", set(chosen) - set(contenders.PRECISIONS), list(contenders.PRECISIONS))
    others = fastlstm.available_isas() if isas == "all" else list(filter(None, isas.split(",")))
    ours, best = [Entrant("fastlstm", "fastlstm")], fastlstm.active_isa()
    ours += [Entrant(f"fastlstm@{isa}", "fastlstm", environment={"FASTLSTM_ISA": isa}) for isa in others if isa != best]
    ours += [Entrant(f"fastlstm@{contenders.PADDED}", contenders.PADDED)] if padded else []
    everybody = ours + [Entrant(name, name) for name in names]
    return [
        replace(entrant, label=contenders.in_precision(entrant.label, precision), precision=precision)
        for precision in chosen
        for entrant in everybody
        if entrant.module in contenders.PRECISIONS[precision]
    ]


def select_workloads(groups: str, select: str, small: bool = False) -> list[tuple[str, Workload]]:
    """Read ``--groups`` and ``--select``: (group, workload) pairs."""
    names = list(filter(None, groups.split(",")))
    _refuse("--groups", set(names) - set(GROUPS), list(GROUPS))
    chosen = [pair for pair in all_workloads(names) if re.search(select, pair[1].name)]
    if not small:
        return chosen
    return [(group, workload) for workload, group in {shrink(workload): group for group, workload in chosen}.items()]


def _refuse(option: str, unknown: set[str], known: list[str]) -> None:
    if unknown:
        raise SystemExit(f"{option} must be from {', '.join(known)}, got {', '.join(sorted(unknown))}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", default="", help=f"comma-separated, from {', '.join(GROUPS)} (default: all)")
    parser.add_argument("--select", default="", metavar="REGEX", help="only workloads whose name matches")
    parser.add_argument("--rivals", default="all", help="comma-separated, all (default) or none")
    parser.add_argument("--isa", default="", help="time fastlstm on these instruction sets too, comma-separated or all")
    parser.add_argument("--precisions", default="float32", help="comma-separated or all (default: float32)")
    parser.add_argument("--threads", default="1,all", help="comma-separated numbers or all (default: 1,all)")
    parser.add_argument("--cores", default="", help="processors to use, comma-separated (default: all there are)")
    parser.add_argument("--rounds", type=int, default=4, help="turns of every contender (default: 4)")
    parser.add_argument("--seconds", type=float, default=0.05, help="length of a turn (default: 0.05)")
    parser.add_argument("--out", type=Path, default=Path("results/cases.json"), help="results, as they come")
    parser.add_argument("--small", action="store_true", help="tiny sizes: try the suite, not the speed")
    parser.add_argument("--list", action="store_true", help="print the names of the workloads and stop")
    return parser


def main(argv: list[str] | None = None) -> None:
    arguments = _parser().parse_args(argv)
    workloads = select_workloads(arguments.groups, arguments.select, arguments.small)
    if arguments.list:
        print("\n".join(f"{group:10} {workload.name}" for group, workload in workloads))
        return
    padded = any(workload.variable_lengths for _, workload in workloads)
    entrants = _entrants(arguments.rivals, arguments.isa, padded, arguments.precisions)
    chosen_cores = machine.core_sets(arguments.threads, arguments.cores)
    run(entrants, workloads, chosen_cores, arguments.rounds, arguments.seconds, arguments.out)
    print(f"{len(workloads)} workloads in {arguments.out}; now: python bench/report.py {arguments.out}")


if __name__ == "__main__":
    main()
