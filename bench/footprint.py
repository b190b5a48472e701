"""Beside speed: import time, cold first call, peak memory and size on disk, each in fresh processes.

``python bench/footprint.py --wheel dist/fastlstm-*.whl`` prints a Markdown table.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import contenders
from cases import Case
from machine import available_cores
from processes import thread_environment
from report import show_time, table
from workloads import Workload, make_task

WORKLOAD = Workload("forward", Case("lstm", 100, 1, 128, 128))
MODULES = {"keras": "tensorflow, keras"}  # what a user of a contender imports, where it is not the contender's name
DISTRIBUTIONS = {"keras": ("keras", "tensorflow", "tensorflow-cpu", "tensorflow-intel")}

IMPORT = """
from time import perf_counter
start = perf_counter()
import {modules}
print(perf_counter() - start)
"""


def in_fresh_process(*arguments: str) -> str:
    """Give the last line a Python process on one core prints."""
    environment = {**os.environ, **thread_environment(1), "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    core = available_cores()[-1]
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    return done.stdout.splitlines()[-1]


def import_seconds(name: str, repetitions: int) -> float:
    """Median time of an import; the first, which fills the file cache, is left out."""
    code = IMPORT.format(modules=MODULES.get(name, name))
    return statistics.median([float(in_fresh_process("-c", code)) for _ in range(repetitions + 1)][1:])


def first_call(name: str, repetitions: int) -> dict[str, float]:
    """Medians of what a new process needs until it has its first result."""
    runs = [json.loads(in_fresh_process(__file__, "--inside", name)) for _ in range(repetitions)]
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def inside(name: str) -> dict[str, float]:
    """Make the layer and call it once, in this process."""
    import importlib
    from time import perf_counter

    contender = importlib.import_module(f"contenders.{name}")
    task = make_task(WORKLOAD)
    before = _peak()
    start = perf_counter()
    variant = next(iter(contender.prepare(task, 1).values()))
    ready = perf_counter()
    variant.run()
    called = perf_counter()
    variant.run()
    again = perf_counter()
    peak = _peak()
    return {
        "make": ready - start,
        "first": called - ready,
        "second": again - called,
        "imported": before,
        "peak": peak,
    }


def _peak() -> float:
    """Peak resident bytes so far."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else float("nan")


def installed_bytes(name: str) -> int | None:
    """Bytes of a contender's files and of what it requires, NumPy left out unless it is the contender."""
    seen: dict[str, int] = {} if name == "numpy" else {"numpy": 0}
    for distribution in DISTRIBUTIONS.get(name, (name,)):
        _add_distribution(distribution, seen)
    return sum(seen.values()) or None


def _add_distribution(name: str, seen: dict[str, int]) -> None:
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return  # an alternative, or something for another system
    files = (Path(str(file.locate())) for file in distribution.files or ())
    seen[key] = sum(path.stat().st_size for path in files if path.is_file())
    for requirement in distribution.requires or ():
        if "extra ==" not in requirement:
            _add_distribution(re.split(r"[^\w.-]", requirement)[0], seen)


def measure(names: list[str], repetitions: int) -> dict[str, dict[str, Any]]:
    """Give everything about every contender that is installed."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        try:
            seconds = import_seconds(name, repetitions)
            found[name] = {"import": seconds, "bytes": installed_bytes(name), **first_call(name, repetitions)}
        except subprocess.CalledProcessError as error:
            last = error.stderr.splitlines()[-1:] or ["no message"]
            print(f"{name} is left out: {last[0]}", file=sys.stderr)
    return found


def render(found: dict[str, dict[str, Any]], wheel: Path | None) -> str:
    """Lay out the table."""
    header = (
        "package", "import", "import / NumPy's", "make the layer", "first call", "second call",
        "peak memory after import", "after the calls", "installed, without NumPy",
    )  # fmt: skip
    base = found["numpy"]["import"]
    rows = [
        (
            name,
            show_time(fields["import"]),
            f"{fields['import'] / base:.1f}",
            show_time(fields["make"]),
            show_time(fields["first"]),
            show_time(fields["second"]),
            _megabytes(fields["imported"]),
            _megabytes(fields["peak"]),
            _megabytes(fields["bytes"]),
        )
        for name, fields in found.items()
    ]
    text = f"`{WORKLOAD.name}`, one core, fresh processes.\n\n{table(header, rows)}"
    return text if wheel is None else f"{text}\n\nWheel: {wheel.name}, {_megabytes(wheel.stat().st_size)}."


def _megabytes(count: float | None) -> str:
    if count is None:
        return "-"
    return f"{count / 1e6:.0f} MB" if count >= 1e7 else f"{count / 1e6:.1f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rivals", default=",".join(contenders.NAMES[2:]), help="comma-separated")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--wheel", type=Path, help="a built wheel of fastlstm")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        print(json.dumps(inside(arguments.inside)))
        return
    names = ["fastlstm", "numpy", *filter(None, arguments.rivals.split(","))]
    print(render(measure(names, arguments.repetitions), arguments.wheel))


if __name__ == "__main__":
    main()
